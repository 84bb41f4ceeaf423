/* render/helm_manifests.h: rendered texts -> documents, hooks apart, in install order; private to
 * render/. Source: helm 4.2.4 pkg/release/v1/util. */
#ifndef RENDER_HELM_MANIFESTS_H
#define RENDER_HELM_MANIFESTS_H

#include "render/helm.h"
#include "render/helm_engine.h"

/* Pieces of a text between lines that begin with "---"; blank ones are left out. */
void helm_manifests_split(str text, enum helm_level level, struct arena *a, struct helm_strs *ret);

/* Texts in any order; each document is parsed. -ERR_INVALID "YAML parse error on PATH: ...". */
int helm_manifests_sort(const struct helm_rendered *at, size_t n, enum helm_level level,
                        struct arena *a, struct helm_log *log, struct helm_output *io,
                        struct err *err) MUST_CHECK;

#endif
