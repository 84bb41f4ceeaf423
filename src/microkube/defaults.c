/* microkube/defaults.c: values that the server fills in beyond those of the kinds' own code, which
 * kube/defaults.h has: what admission adds, what follows from other fields when an object is
 * stored, a first status, and what its answers always print. A function names a built-in type; the
 * walk over an object meets the type wherever it stands (a pod template in a Deployment, in a
 * CronJob). */
#include "base/digest.h"
#include "kube/defaults.h"
#include "microkube/core.h"

/* Kinds whose answers always show a status, even an empty one. */
static const struct {
    const char *group, *plurals, *json;
} first_status[] = {
    {"", "namespaces", "{\"phase\":\"Active\"}"},
    {"", "pods", "{\"phase\":\"Pending\",\"qosClass\":\"BestEffort\"}"},
    {"", "services", "{\"loadBalancer\":{}}"},
    {"", "persistentvolumeclaims", "{\"phase\":\"Pending\"}"},
    {"", "persistentvolumes", "{\"phase\":\"Pending\"}"},
    {"", "resourcequotas", "{}"},
    {"", "replicationcontrollers", "{\"replicas\":0}"},
    {"apps", "deployments", "{}"},
    {"apps", "replicasets", "{\"replicas\":0}"},
    {"apps", "statefulsets", "{\"availableReplicas\":0,\"replicas\":0}"},
    {"apps", "daemonsets",
     "{\"currentNumberScheduled\":0,\"desiredNumberScheduled\":0,\"numberMisscheduled\":0,"
     "\"numberReady\":0}"},
    {"batch", "jobs,cronjobs", "{}"},
    {"networking.k8s.io", "ingresses", "{\"loadBalancer\":{}}"},
    {"autoscaling", "horizontalpodautoscalers", "{\"currentMetrics\":null,\"desiredReplicas\":0}"},
    {"policy", "poddisruptionbudgets",
     "{\"currentHealthy\":0,\"desiredHealthy\":0,\"disruptionsAllowed\":0,\"expectedPods\":0}"},
};

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

static bool is(value v, const char *path, const char *text)
{
    return str_is(value_path_str(v, path), text);
}

/* ---- what a constant cannot say ---- */

static void default_pod_spec(struct microkube *mk, struct arena *a, value v)
{
    str name = value_path_str(v, "serviceAccountName"), old = value_path_str(v, "serviceAccount");
    if (name.len || old.len) {
        value_set_str(a, v, "serviceAccountName", name.len ? name : old);
        value_set_str(a, v, "serviceAccount", name.len ? name : old);
    }
    if (!value_bool(value_getz(v, "hostNetwork")))
        return;
    for (size_t i = 0; i < value_len(value_getz(v, "containers")); i++) {
        value list = value_edit_list(a, v, STR("containers"));
        value c = value_edit(a, value_at(list, i));
        value_put(a, list, i, c);
        value ports = value_getz(c, "ports");
        if (!value_len(ports))
            continue;
        ports = value_edit_list(a, c, STR("ports"));
        for (size_t j = 0; j < value_len(ports); j++) {
            value p = value_edit(a, value_at(ports, j));
            if (!value_exists(value_getz(p, "hostPort")))
                value_setz(a, p, "hostPort", value_getz(p, "containerPort"));
            value_put(a, ports, j, p);
        }
    }
}

static void default_job(struct microkube *mk, struct arena *a, value v)
{
    value spec = value_edit_map(a, v, STR("spec"));
    set_missing(a, spec, "manualSelector", "false");
    value labels = value_path(spec, "template.metadata.labels");
    if (value_len(labels) && !value_len(object_labels(v)))
        value_setz(a, value_edit_map(a, v, STR("metadata")), "labels", labels);
}

static void default_daemon_set(struct microkube *mk, struct arena *a, value v)
{
    value meta = value_edit_map(a, v, STR("metadata"));
    set_missing(a, value_edit_map(a, meta, STR("annotations")),
                "deprecated.daemonset.template.generation", "\"1\"");
}

static void default_claim_templates(struct microkube *mk, struct arena *a, value v)
{
    size_t n = value_len(value_getz(v, "volumeClaimTemplates"));
    value list = n ? value_edit_list(a, v, STR("volumeClaimTemplates")) : VALUE_ABSENT;
    for (size_t i = 0; i < n; i++) {
        value claim = value_edit(a, value_at(list, i));
        set_missing(a, claim, "kind", "\"PersistentVolumeClaim\"");
        set_missing(a, claim, "apiVersion", "\"v1\"");
        set_missing(a, claim, "status", "{\"phase\":\"Pending\"}");
        value_put(a, list, i, claim);
    }
}

static void default_hpa(struct microkube *mk, struct arena *a, value v)
{
    if (!value_len(value_getz(v, "metrics")))
        value_setz(
            a, v, "metrics",
            parse(a, "[{\"type\":\"Resource\",\"resource\":{\"name\":\"cpu\",\"target\":{\"type\":"
                     "\"Utilization\",\"averageUtilization\":80}}}]"));
}

static void default_namespace(struct microkube *mk, struct arena *a, value v)
{
    value meta = value_edit_map(a, v, STR("metadata"));
    value labels = value_edit_map(a, meta, STR("labels"));
    value_set(a, labels, STR("kubernetes.io/metadata.name"), value_of_str(a, object_name(v)));
}

/* Requests follow limits in pods (templates stay as they are). */
static void default_requests(struct arena *a, value spec)
{
    value list = value_edit_list(a, spec, STR("containers"));
    for (size_t i = 0; i < value_len(list); i++) {
        value limits = value_path(value_at(list, i), "resources.limits");
        if (!value_len(limits))
            continue;
        value c = value_edit(a, value_at(list, i)), res = value_edit_map(a, c, STR("resources"));
        value requests = value_edit_map(a, res, STR("requests"));
        for (struct value_iter it = value_iter(limits); value_next(&it);)
            if (!value_exists(value_get(requests, it.key)))
                value_set(a, requests, it.key, it.val);
        value_put(a, list, i, c);
    }
}

static void default_pod(struct microkube *mk, struct arena *a, value v)
{
    value spec = value_edit_map(a, v, STR("spec"));
    if (value_len(value_getz(spec, "containers")))
        default_requests(a, spec);
    set_missing(a, spec, "enableServiceLinks", "true");
}

static void default_replication(struct microkube *mk, struct arena *a, value v)
{
    value labels = value_path(v, "spec.template.metadata.labels");
    if (!value_len(labels))
        return;
    if (!value_len(value_path(v, "spec.selector")))
        value_set_path(a, v, "spec.selector", labels);
    if (!value_len(object_labels(v)))
        value_setz(a, value_edit_map(a, v, STR("metadata")), "labels", labels);
}

static void default_limits(struct microkube *mk, struct arena *a, value v)
{
    value limits = value_getz(v, "default");
    if (!is(v, "type", "Container") || !value_len(limits))
        return;
    value requests = value_edit_map(a, v, STR("defaultRequest"));
    for (struct value_iter it = value_iter(limits); value_next(&it);)
        if (!value_exists(value_get(requests, it.key)))
            value_set(a, requests, it.key, it.val);
}

static str lower(struct arena *a, str s)
{
    char *z = arena_cstr(a, s);
    for (char *p = z; *p; p++)
        *p = *p >= 'A' && *p <= 'Z' ? (char)(*p + 32) : *p;
    return str_of(z);
}

static void default_crd(struct microkube *mk, struct arena *a, value v)
{
    value spec = value_edit_map(a, v, STR("spec")), names = value_edit_map(a, spec, STR("names"));
    str kind = value_path_str(names, "kind");
    if (!value_path_str(names, "singular").len)
        value_set_str(a, names, "singular", lower(a, kind));
    if (!value_path_str(names, "listKind").len)
        value_set_str(a, names, "listKind", ARENA_CAT(a, kind, STR("List")));
    set_missing(a, spec, "conversion", "{\"strategy\":\"None\"}");
}

static const struct {
    const char *type;
    void (*fn)(struct microkube *mk, struct arena *a, value v);
} functions[] = {
    {"PodSpec", default_pod_spec},
    {"Job", default_job},
    {"DaemonSet", default_daemon_set},
    {"StatefulSetSpec", default_claim_templates},
    {"HorizontalPodAutoscalerSpec", default_hpa},
    {"Namespace", default_namespace},
    {"Pod", default_pod},
    {"ReplicationController", default_replication},
    {"LimitRangeItem", default_limits},
    {"CustomResourceDefinition", default_crd},
};

/* ---- the walk ---- */

struct pass {
    struct microkube *mk;
    struct arena *a;
};

static void walk(struct pass *p, value v, value was, const struct kube_schema *s);

static void walk_child(struct pass *p, value child, value was, const struct kube_schema *s,
                       value *ret)
{
    *ret = child;
    if (value_same_place(child, was))
        return;
    if ((s->type != KUBE_STRUCT && s->type != KUBE_LIST && s->type != KUBE_MAP) ||
        (!value_is_map(child) && !value_is_list(child)))
        return;
    if (s->type != KUBE_STRUCT && (!s->elem || s->elem->type < KUBE_STRUCT))
        return;
    *ret = value_edit(p->a, child);
    walk(p, *ret, was, s);
}

static void walk_entries(struct pass *p, value v, value was, const struct kube_schema *s)
{
    value now;
    for (size_t i = 0; i < value_len(v); i++) {
        if (s->type == KUBE_LIST) {
            walk_child(p, value_at(v, i), value_at(was, i), s->elem, &now);
            value_put(p->a, v, i, now);
            continue;
        }
        str key = value_key(v, i);
        const struct kube_schema *sub = kube_schema_child(s, key);
        if (!sub)
            continue;
        walk_child(p, value_val(v, i), value_get(was, key), sub, &now);
        value_set(p->a, v, key, now);
    }
}

/* The last parts of a definition's name: "PodSpec", "discovery.v1.EndpointPort". */
static bool is_type(const struct kube_schema *s, const char *type)
{
    str t = str_of(type);
    return str_ends(s->name, t) && s->name.len > t.len &&
           s->name.at[s->name.len - t.len - 1] == '.';
}

static void set_constants(struct pass *p, value v, const struct kube_schema *s)
{
    for (size_t i = 0; !s->name.len && i < s->n_fields;
         i++) /* a custom resource's schema carries its own */
        if (s->field[i].default_json.len && !value_exists(value_get(v, s->field[i].name)))
            value_set(p->a, v, s->field[i].name,
                      parse(p->a, arena_cstr(p->a, s->field[i].default_json)));
}

/* Structs by value are always printed, and so is what has no omitempty. */
static void set_by_value(struct pass *p, value v, const struct kube_schema *s)
{
    for (size_t i = 0; i < s->n_fields; i++) {
        const struct kube_field *f = &s->field[i];
        if (value_exists(value_get(v, f->name)))
            continue;
        if (f->by_value && f->type->type == KUBE_STRUCT)
            value_set(p->a, v, f->name, value_new_map(p->a));
        else if (f->zero_json.len)
            value_set(p->a, v, f->name, parse(p->a, arena_cstr(p->a, f->zero_json)));
    }
}

static void walk(struct pass *p, value v, value was, const struct kube_schema *s)
{
    if (s->type == KUBE_STRUCT) {

        set_constants(p, v, s);
        for (size_t i = 0; s->name.len && i < ARRAY_LEN(functions); i++)
            if (is_type(s, functions[i].type))
                functions[i].fn(p->mk, p->a, v);
        set_by_value(p, v, s);
    }
    walk_entries(p, v, was, s);
}

static void move_string_data(struct arena *a, value object)
{
    value text = value_getz(object, "stringData");
    if (!value_len(text))
        return;
    value data = value_edit_map(a, object, STR("data"));
    for (struct value_iter it = value_iter(text); value_next(&it);)
        value_set(a, data, it.key, value_of_str(a, base64_str(a, value_str(it.val))));
    value_remove(object, STR("stringData"));
}

static void set_first_status(struct arena *a, const struct mk_resource *r, value object)
{
    if (value_exists(value_getz(object, "status")) || !r->builtin)
        return;
    for (size_t i = 0; i < ARRAY_LEN(first_status); i++)
        if (str_is(r->group, first_status[i].group) &&
            kube_words_have(str_of(first_status[i].plurals), r->plural))
            value_setz(a, object, "status", parse(a, first_status[i].json));
}

void mk_set_defaults(struct microkube *mk, struct arena *a, const struct mk_resource *r,
                     value settled, value object)
{
    struct pass p = {mk, a};
    value filled = kube_defaults_since(r->schema, object, settled, a);
    bool changed = filled.doc != object.doc || filled.at != object.at;
    for (struct value_iter it = value_iter(filled); changed && value_next(&it);)
        value_set(a, object, it.key, it.val);
    set_first_status(a, r, object);
    if (str_is(r->plural, "secrets") && !r->group.len)
        move_string_data(a, object);
    walk(&p, object, settled, r->schema);
}
