/* render/helm_app.h: a Helm source under way; private to render/helm_source.c and its parts.
 *
 * Files that source.helm names are known to the engine by a name of our own: which tree they lie in
 * and their path there (helm_app_file). helm_app_shown turns such names into what Argo CD shows. */
#ifndef RENDER_HELM_APP_H
#define RENDER_HELM_APP_H

#include "render/helm.h"
#include "render/helm_source.h"

#define HELM_EXTRA_VALUES "values.inline.yaml" /* in place of a temporary file's name */

struct helm_app {
    const struct render_request *request;
    struct arena *arena;
    value source, helm;
    str path; /* of the chart */
    struct {
        struct helm_value_source *at;
        size_t n, cap;
    } values;
    str extra;                    /* text of values or valuesObject; at NULL: none */
    str command;                  /* as Argo CD shows it */
    struct render_result *result; /* needs are stated there */
};

static inline value helm_app_get(const struct helm_app *x, const char *key)
{
    return value_get(x->helm, str_of(key));
}

void helm_app_argument(struct helm_app *x, const char *flag, str text);

/* Commas escaped, but not in "{a,b}" and not twice. */
str helm_clean_parameter(struct arena *a, str v);

/* ---- helm_value_files.c ---- */

/* valueFiles and fileParameters become values and arguments; files of other servers become needs.
 */
int helm_take_value_files(struct helm_app *x, struct err *err) MUST_CHECK;
int helm_take_file_parameters(struct helm_app *x, struct err *err) MUST_CHECK;
/* Content of a file by its name (a helm_set_read_fn; arg: the helm_app). */
int helm_read_value_file(void *arg, str name, struct arena *a, str *ret, struct err *err);
/* `text` with our names of files as upstream's paths. */
str helm_app_shown(struct arena *a, str text);

/* ---- helm_build.c ---- */

/* When subcharts are missing: *io_c becomes a copy with them, or needs are stated. -ERR_INVALID
 * with the texts of Argo CD and helm. */
int helm_build(struct helm_app *x, struct helm_log *log, const struct helm_chart **io_c,
               struct err *err) MUST_CHECK;

#endif
