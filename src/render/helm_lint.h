/* render/helm_lint.h: what `helm lint` asks of the engine.
 *
 * As helm_render, but in lint mode (`required` and `fail` pass), without the checks that an
 * installation makes, and with the texts before they are cut into documents. Source: helm 4.2.4
 * pkg/chart/v2/lint. */
#ifndef RENDER_HELM_LINT_H
#define RENDER_HELM_LINT_H

#include "render/helm.h"

struct helm_rendered;
struct helm_lint_rendered {
    const struct helm_rendered *at;
    size_t n;
};

/* Is the API deprecated in the options' Kubernetes version? *ret_text: as Kubernetes warns. */
bool helm_lint_deprecated(str api_version, str kind, const struct helm_options *o, struct arena *a,
                          str *ret_text);

/* values.yaml as the first document says it. */
int helm_lint_values(str text, enum helm_level level, struct arena *a, value *ret,
                     struct err *err) MUST_CHECK;
/* `over` over `values` against one schema; *ret_why: the complaints. */
int helm_lint_schema(str schema, value values, value over, struct arena *a, str *ret_why,
                     struct err *err) MUST_CHECK;
int helm_lint_render(const struct helm_job *j, struct arena *a, struct helm_lint_rendered *ret,
                     str *ret_why, struct err *err) MUST_CHECK;
/* The text of a template by its path; empty: it has none. */
str helm_lint_text(const struct helm_lint_rendered *r, str path);

#endif
