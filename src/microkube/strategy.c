/* microkube/strategy.c: what a kind's own code adds to a new object, beyond constants. */
#include "microkube/core.h"

static value parse(struct arena *a, const char *json)
{
    value v;
    return json_parse(str_of(json), NULL, a, &v, NULL) < 0 ? VALUE_ABSENT : v;
}

static void set_missing(struct arena *a, value map, const char *key, const char *json)
{
    if (!value_exists(value_get(map, str_of(key))))
        value_set(a, map, str_of(key), parse(a, json));
}

/* A Job finds its pods by its own uid unless it brings a selector. */
static void new_job(struct arena *a, value job)
{
    static const char *const keys[] = {"batch.kubernetes.io/controller-uid",
                                       "batch.kubernetes.io/job-name", "controller-uid",
                                       "job-name"};
    value spec = value_edit_map(a, job, STR("spec"));
    if (value_bool(value_getz(spec, "manualSelector")))
        return;
    value template = value_edit_map(a, spec, STR("template"));
    value meta = value_edit_map(a, template, STR("metadata")),
          labels = value_edit_map(a, meta, STR("labels"));
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        bool uid = i % 2 == 0;
        value_set_str(a, labels, keys[i], uid ? object_uid(job) : object_name(job));
    }
    value match = value_new_map(a);
    value_set_str(a, match, keys[0], object_uid(job));
    value_set_path(a, spec, "selector.matchLabels", match);
}

/* Defaults and admission that only touch pods, not pod templates. */
static void new_pod(struct arena *a, value pod)
{
    value spec = value_edit_map(a, pod, STR("spec"));
    set_missing(a, spec, "enableServiceLinks", "true");
    set_missing(a, spec, "preemptionPolicy", "\"PreemptLowerPriority\"");
    set_missing(a, spec, "priority", "0");
    set_missing(a, spec, "serviceAccountName", "\"default\"");
    set_missing(a, spec, "serviceAccount", "\"default\"");
    set_missing(a, spec, "tolerations",
                "[{\"key\":\"node.kubernetes.io/"
                "not-ready\",\"operator\":\"Exists\",\"effect\":\"NoExecute\","
                "\"tolerationSeconds\":300},{\"key\":\"node.kubernetes.io/"
                "unreachable\",\"operator\":\"Exists\","
                "\"effect\":\"NoExecute\",\"tolerationSeconds\":300}]");
}

static const struct {
    const char *group, *plural;
    void (*prepare)(struct arena *a, value object);
} strategies[] = {{"batch", "jobs", new_job}, {"", "pods", new_pod}};

void mk_prepare_new(struct arena *a, const struct mk_resource *r, value object)
{
    for (size_t i = 0; i < ARRAY_LEN(strategies); i++)
        if (str_is(r->plural, strategies[i].plural) && str_is(r->group, strategies[i].group))
            strategies[i].prepare(a, object);
}
