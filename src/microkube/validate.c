/* microkube/validate.c: rules that are more than types: what may not change, what must be there. */
#include "kube/names.h"
#include "microkube/core.h"

/* Fields that keep their value for life. */
static const struct {
    const char *group, *plurals, *path;
} immutable[] = {
    {"apps", "deployments,replicasets,daemonsets", "spec.selector"},
    {"batch", "jobs", "spec.selector"},
    {"batch", "jobs", "spec.template"},
    {"batch", "jobs", "spec.completionMode"},
    {"", "secrets", "type"},
    {"rbac.authorization.k8s.io", "rolebindings,clusterrolebindings", "roleRef"},
    {"storage.k8s.io", "storageclasses", "provisioner"},
    {"storage.k8s.io", "storageclasses", "parameters"},
    {"storage.k8s.io", "storageclasses", "volumeBindingMode"},
    {"scheduling.k8s.io", "priorityclasses", "value"},
};

/* Fields that must be there. */
static const struct {
    const char *group, *plurals, *path;
} required[] = {
    {"apps", "deployments,replicasets,statefulsets,daemonsets", "spec.selector"},
    {"batch", "cronjobs", "spec.schedule"},
};

static str as_json(struct mk_ctx *c, value v)
{
    return json_str(c->a, v, AUDIENCE_WIRE, JSON_NO_HTML);
}

static bool is_one_of(const struct mk_resource *r, const char *group, const char *plurals)
{
    return str_is(r->group, group) && kube_words_have(str_of(plurals), r->plural);
}

static void check_immutable(struct mk_ctx *c, value old, value object, mk_causes *causes)
{
    for (size_t i = 0; i < ARRAY_LEN(immutable); i++) {
        value was = value_path(old, immutable[i].path), is = value_path(object, immutable[i].path);
        if (!is_one_of(c->r, immutable[i].group, immutable[i].plurals) || !value_exists(was) ||
            value_equal(was, is))
            continue;
        mk_cause(c, causes, "FieldValueInvalid", str_of(immutable[i].path),
                 "Invalid value: %.*s: field is immutable", STR_FMT(as_json(c, is)));
    }
}

static void check_stateful_set(struct mk_ctx *c, value old, value object, mk_causes *causes)
{
    static const char *const may[] = {"replicas",
                                      "ordinals",
                                      "template",
                                      "updateStrategy",
                                      "revisionHistoryLimit",
                                      "persistentVolumeClaimRetentionPolicy",
                                      "minReadySeconds"};
    value was = value_getz(old, "spec");
    for (struct value_iter it = value_iter(value_getz(object, "spec")); value_next(&it);) {
        bool free = false;
        for (size_t i = 0; i < ARRAY_LEN(may); i++)
            free = free || str_is(it.key, may[i]);
        if (free || value_equal(it.val, value_get(was, it.key)))
            continue;
        mk_cause(c, causes, "FieldValueForbidden", STR("spec"),
                 "Forbidden: updates to statefulset spec for fields other than 'replicas', "
                 "'ordinals', 'template', "
                 "'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' "
                 "and 'minReadySeconds' "
                 "are forbidden");
        return;
    }
}

static void check_service(struct mk_ctx *c, value old, value object, mk_causes *causes)
{
    str was = value_path_str(old, "spec.clusterIP"), is = value_path_str(object, "spec.clusterIP");
    if (was.len && !str_eq(was, is) &&
        !str_is(value_path_str(object, "spec.type"), "ExternalName")) {
        mk_cause(c, causes, "FieldValueInvalid", STR("spec.clusterIPs[0]"),
                 "Invalid value: [\"%.*s\"]: may not change once set", STR_FMT(is));
    }
}

static void check_ports(struct mk_ctx *c, value object, mk_causes *causes)
{
    if (!value_len(value_path(object, "spec.ports")) &&
        !str_is(value_path_str(object, "spec.clusterIP"), "None") &&
        !str_is(value_path_str(object, "spec.type"), "ExternalName"))
        mk_cause(c, causes, "FieldValueRequired", STR("spec.ports"), "Required value");
    mk_check_service_ports(c, object, causes);
}

static void check_frozen_data(struct mk_ctx *c, value old, value object, mk_causes *causes)
{
    if (!value_bool(value_getz(old, "immutable")))
        return;
    if (!value_bool(value_getz(object, "immutable")))
        mk_cause(c, causes, "FieldValueForbidden", STR("immutable"),
                 "Forbidden: field is immutable when `immutable` is set");
    if (!value_equal(value_getz(old, "data"), value_getz(object, "data")))
        mk_cause(c, causes, "FieldValueForbidden", STR("data"),
                 "Forbidden: field is immutable when `immutable` is set");
}

static void check_selector_fits(struct mk_ctx *c, value object, mk_causes *causes)
{
    struct kube_selector s;
    value labels = value_path(object, "spec.template.metadata.labels");
    value selector = value_path(object, "spec.selector");
    if (kube_label_selector_of(selector, c->a, &s, NULL) == 0 && !kube_selector_matches(&s, labels))
        mk_cause(c, causes, "FieldValueInvalid", STR("spec.template.metadata.labels"),
                 "Invalid value: %.*s: `selector` does not match template `labels`",
                 STR_FMT(value_exists(labels) ? as_json(c, labels) : STR("null")));
}

static value pod_spec_of(value object, str *ret_path)
{
    static const char *const paths[] = {"spec.jobTemplate.spec.template.spec", "spec.template.spec",
                                        "spec"};
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        value v = value_path(object, paths[i]);
        *ret_path = str_of(paths[i]);
        if (value_is_map(v))
            return v;
    }
    return VALUE_ABSENT;
}

static void check_pod_spec(struct mk_ctx *c, value object, mk_causes *causes)
{
    str path;
    value spec = pod_spec_of(object, &path), list = value_getz(spec, "containers");
    if (!value_len(list)) {
        mk_cause(c, causes, "FieldValueRequired", ARENA_CAT(c->a, path, STR(".containers")),
                 "Required value");
        return;
    }
    for (struct value_iter it = value_iter(list); value_next(&it);) {
        if (!value_path_str(it.val, "name").len)
            mk_cause(c, causes, "FieldValueRequired",
                     arena_printf(c->a, "%.*s.containers[%zu].name", STR_FMT(path), it.i),
                     "Required value");
        if (!value_path_str(it.val, "image").len && !str_is(path, "spec"))
            mk_cause(c, causes, "FieldValueRequired",
                     arena_printf(c->a, "%.*s.containers[%zu].image", STR_FMT(path), it.i),
                     "Required value");
        for (size_t j = 0; j < it.i; j++)
            if (str_eq(value_path_str(value_at(list, j), "name"), value_path_str(it.val, "name")))
                mk_cause(c, causes, "FieldValueDuplicate",
                         arena_printf(c->a, "%.*s.containers[%zu].name", STR_FMT(path), it.i),
                         "Duplicate value: \"%.*s\"", STR_FMT(value_path_str(it.val, "name")));
        mk_check_container_ports(c, it.val,
                                 arena_printf(c->a, "%.*s.containers[%zu]", STR_FMT(path), it.i),
                                 causes);
    }
}

static void check_restart_policy(struct mk_ctx *c, value object, mk_causes *causes)
{
    str path, policy = value_path_str(pod_spec_of(object, &path), "restartPolicy");
    if (is_one_of(c->r, "batch", "jobs,cronjobs") && str_is(policy, "Always"))
        mk_cause(c, causes, "FieldValueRequired", ARENA_CAT(c->a, path, STR(".restartPolicy")),
                 "Required value: valid values: \"OnFailure\", \"Never\"");
}

static void check_config_keys(struct mk_ctx *c, value object, mk_causes *causes)
{
    for (struct value_iter it = value_iter(value_getz(object, "data")); value_next(&it);) {
        CLEANUP(buf_done) struct buf why = BUF_INIT;
        if (!kube_is_config_key(it.key, ", ", &why))
            mk_cause(c, causes, "FieldValueInvalid",
                     arena_printf(c->a, "data[%.*s]", STR_FMT(it.key)),
                     "Invalid value: \"%.*s\": %.*s", STR_FMT(it.key), STR_FMT(buf_str(&why)));
    }
}

static void check_crd_name(struct mk_ctx *c, value object, mk_causes *causes)
{
    str want = ARENA_CAT(c->a, value_path_str(object, "spec.names.plural"), STR("."),
                         value_path_str(object, "spec.group"));
    if (!str_eq(object_name(object), want))
        mk_cause(c, causes, "FieldValueInvalid", STR("metadata.name"),
                 "Invalid value: \"%.*s\": must be spec.names.plural+\".\"+spec.group",
                 STR_FMT(object_name(object)));
}

int mk_validate(struct mk_ctx *c, value old, value settled, value object)
{
    const struct mk_resource *r = c->r;
    mk_causes causes = {0};
    bool update = value_exists(old);
    if (!r->builtin)
        return mk_validate_custom(c, settled, object);
    for (size_t i = 0; i < ARRAY_LEN(required); i++)
        if (is_one_of(r, required[i].group, required[i].plurals) &&
            value_is_nil(value_path(object, required[i].path)))
            mk_cause(c, &causes, "FieldValueRequired", str_of(required[i].path), "Required value");
    if (is_one_of(r, "apps", "deployments,replicasets,statefulsets,daemonsets"))
        check_selector_fits(c, object, &causes);
    if (is_one_of(r, "apps", "deployments,replicasets,statefulsets,daemonsets") ||
        is_one_of(r, "batch", "jobs,cronjobs") || is_one_of(r, "", "pods"))
        check_pod_spec(c, object, &causes);
    check_restart_policy(c, object, &causes);
    if (is_one_of(r, "", "services"))
        check_ports(c, object, &causes);
    if (is_one_of(r, "", "configmaps,secrets"))
        check_config_keys(c, object, &causes);
    if (is_one_of(r, "apiextensions.k8s.io", "customresourcedefinitions"))
        check_crd_name(c, object, &causes);
    if (update) {
        check_immutable(c, old, object, &causes);
        if (is_one_of(r, "apps", "statefulsets"))
            check_stateful_set(c, old, object, &causes);
        if (is_one_of(r, "", "services"))
            check_service(c, old, object, &causes);
        if (is_one_of(r, "", "configmaps,secrets"))
            check_frozen_data(c, old, object, &causes);
    }
    return causes.n ? mk_invalid(c, object_name(object), &causes) : 0;
}
