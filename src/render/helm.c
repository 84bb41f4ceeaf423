/* helm.c: the steps of `helm template` in helm's order. */
#include "render/helm.h"

#include "render/helm_engine.h"
#include "render/helm_manifests.h"
#include "render/helm_schema.h"
#include "render/helm_values.h"

#define RELEASE_NAME_MAX 53

static bool is_name_byte(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

/* Parts between dots: lower-case letters and digits, '-' inside. */
static bool is_release_name(str name)
{
    str rest = name, part;
    if (name.len > RELEASE_NAME_MAX)
        return false;
    while (str_next(&rest, '.', &part)) {
        if (!part.len || !is_name_byte(part.at[0]) || !is_name_byte(part.at[part.len - 1]))
            return false;
        for (size_t i = 0; i < part.len; i++)
            if (part.at[i] != '-' && !is_name_byte(part.at[i]))
                return false;
    }
    return true;
}

int helm_release_name_check(str name, struct err *err)
{
    if (!name.len)
        return err_set(err, ERR_INVALID, "release name \"\": no name provided");
    if (!is_release_name(name))
        return err_set(err, ERR_INVALID,
                       "release name \"%.*s\": invalid release name, must match regex "
                       "^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$ and "
                       "the length must not be longer than 53",
                       STR_FMT(name));
    return 0;
}

static void warn_deprecated(struct helm_log *log)
{
    helm_log_add(log, "WARN", STR("this chart is deprecated"), NULL);
    helm_log_add3(log, "WARNING: ", "This chart is deprecated");
}

static int check_kind(const struct helm_chart *c, struct helm_log *log, struct err *err)
{
    str type = c->metadata->type;
    if (type.len && !str_is(type, "application"))
        return err_set(err, ERR_INVALID, "%.*s charts are not installable", STR_FMT(type));
    if (c->metadata->deprecated)
        warn_deprecated(log);
    return 0;
}

static int check_kube(const struct helm_chart *c, const struct helm_kube_version *k,
                      struct arena *a, struct err *err)
{
    str wanted = c->metadata->kube_version;
    if (!wanted.len || helm_is_compatible(a, wanted, k->normalized))
        return 0;
    return err_set(err, ERR_INVALID,
                   "chart requires kubeVersion: %.*s which is incompatible with Kubernetes %.*s",
                   STR_FMT(wanted), STR_FMT(k->version));
}

static str notes_of(struct arena *a, const struct helm_chart *c, const struct helm_rendered *at,
                    size_t n)
{
    str path = ARENA_CAT(a, helm_chart_name(c), STR("/templates/NOTES.txt"));
    for (size_t i = 0; i < n; i++)
        if (str_eq(at[i].path, path))
            return at[i].text;
    return STR("");
}

/* c: the processed copy of the job's chart. */
static int render_chart(const struct helm_job *j, const struct helm_chart *c, value values,
                        const struct helm_kube_version *kube, struct arena *a,
                        struct helm_output *ret, struct err *err)
{
    struct helm_engine e = {.arena = a, .options = j->options, .cache = j->cache};
    struct helm_rendered *at = NULL;
    size_t n = 0;
    ret->started = true;
    int rc = check_kube(c, kube, a, err);
    if (rc)
        return rc;
    helm_objects_init(&e.objects, j->options, kube, a);
    rc = helm_engine_run(&e, c, values, &at, &n, err);
    ret->failure = e.failure;
    if (rc)
        return rc;
    ret->notes = notes_of(a, c, at, n);
    ret->n_crds = helm_chart_crds(a, c, &ret->crd);
    return helm_manifests_sort(at, n, j->options->level, a, j->log, ret, err);
}

/* Helm 4 says which step failed, on the log too. */
static int failed(const struct helm_job *j, const char *step, struct err *err)
{
    if (j->options->level == HELM_LEVEL_3)
        return -err->kind;
    helm_log_add(j->log, "ERROR", str_of(step), "error", err_str(err), NULL);
    return err_wrap(err, "%s", step);
}

int helm_render(const struct helm_job *j, struct arena *a, struct helm_output *ret, struct err *err)
{
    const struct helm_options *o = j->options;
    struct helm_values_context x = {.arena = a, .log = j->log, .level3 = o->level == HELM_LEVEL_3};
    struct helm_kube_version kube;
    value values;
    *ret = (struct helm_output){.failure = STR("")};
    int rc = helm_kube_version_parse(o->kube_version, o->level, a, &kube, err);
    if (!rc)
        rc = check_kind(j->chart, j->log, err);
    if (!rc)
        rc = helm_dependencies_check(&x, j->chart, err);
    if (rc)
        return rc;
    if (helm_release_name_check(o->release, err))
        return failed(j, "release name check failed", err);
    struct helm_chart *c = helm_chart_clone(a, j->chart);
    rc = helm_dependencies_process(&x, c, j->user, err);
    if (rc)
        return failed(j, "chart dependencies processing failed", err);
    rc = helm_values_coalesce(&x, c, j->user, &values, err);
    if (!rc && !o->skip_schema)
        rc = helm_schema_check(c, values, a, j->log, &ret->failure, err);
    return rc ? rc : render_chart(j, c, values, &kube, a, ret, err);
}
