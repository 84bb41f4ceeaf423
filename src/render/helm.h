/* render/helm.h: `helm template` as a function: chart and values -> manifests.
 *
 * helm_user_values makes one map of value files and --set lines; helm_render does the rest in
 * helm's order (name, dependencies, values, schema, Kubernetes version, templates, manifests) with
 * helm's texts. A failure whose text is longer than a struct err holds is whole in
 * helm_output.failure.
 *
 * Everything lives in the arena passed. Threads: none of its own. Pure: files are read through
 * files/ or through the caller's function. Errors: -ERR_INVALID with helm's text,
 * -ERR_PRECONDITION for subcharts that are not there (then manifests/ may fetch them),
 * -ERR_TOO_LARGE, -ERR_TIMEOUT. Source: helm 4.2.4 pkg/cmd/template.go, pkg/action/install.go. */
#ifndef RENDER_HELM_H
#define RENDER_HELM_H

#include "base/buf.h"
#include "render/helm_chart.h"
#include "render/helm_set.h"

/* One -f, --set...; a file's text is its name, read through `read`. */
enum helm_value_kind {
    HELM_VALUE_FILE,
    HELM_VALUE_JSON,
    HELM_VALUE_SET,
    HELM_VALUE_STRING,
    HELM_VALUE_SET_FILE,
    HELM_VALUE_LITERAL,
};
struct helm_value_source {
    enum helm_value_kind kind;
    str text;
};

struct helm_value_input {
    enum helm_level level;
    const struct helm_value_source *at; /* any order: helm's own is by kind */
    size_t n;
    helm_set_read_fn *read;
    void *read_arg;
};
/* A building map. */
int helm_user_values(const struct helm_value_input *in, struct arena *a, value *ret,
                     struct err *err) MUST_CHECK;

struct helm_options {
    enum helm_level level;
    str release, namespace;
    bool is_upgrade;
    str kube_version;       /* as --kube-version; empty: helm's own */
    const str *api_version; /* added to the built-in set */
    size_t n_api_versions;
    bool skip_schema;
    bool lint;
    bool (*expired)(void *arg); /* true: the deadline is over; NULL: none */
    void *expired_arg;
};

struct helm_manifest {
    str path; /* "chart/templates/x.yaml" */
    str text;
    str kind;
    bool is_test; /* hooks: an event is "test" */
    value object; /* the document; absent for one that is nothing but comments */
};
struct helm_manifests {
    struct helm_manifest *at;
    size_t n, cap;
};

struct helm_output {
    struct helm_manifests manifests, hooks; /* in install order */
    struct helm_crd *crd;
    size_t n_crds;
    str notes;    /* of the root chart */
    str failure;  /* whole text of an error, or empty */
    bool started; /* the failure came after rendering began: helm then names --debug */
};

struct helm_cache;

struct helm_job {
    const struct helm_chart *chart; /* from helm_load_*; copied where rendering would change it */
    value user;                     /* absent or a map */
    const struct helm_options *options;
    struct helm_cache *cache; /* parse trees of earlier jobs; NULL: none */
    struct helm_log *log;     /* or NULL */
};
int helm_render(const struct helm_job *j, struct arena *a, struct helm_output *ret,
                struct err *err) MUST_CHECK;

struct helm_print {
    bool include_crds, skip_tests, no_hooks;
    const str *show_only;
    size_t n_show_only;
    enum helm_level level;
};
/* What `helm template` prints; -ERR_NOT_FOUND "could not find template X in chart". */
int helm_print(const struct helm_output *h, const struct helm_print *p, struct arena *a,
               struct buf *out, struct err *err) MUST_CHECK;

/* Is --kube-version one? "invalid kube version 'x': ...". Empty: yes. */
int helm_kube_version_check(str text, enum helm_level level, struct arena *a,
                            struct err *err) MUST_CHECK;
/* The checks of the release's name; text as helm gives it. */
int helm_release_name_check(str name, struct err *err) MUST_CHECK;

#endif
