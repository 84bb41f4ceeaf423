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
static void new_job(struct microkube *mk, struct arena *a, value job)
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
    value own = value_edit_map(a, value_edit_map(a, job, STR("metadata")), STR("labels"));
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        str text = i % 2 == 0 ? object_uid(job) : object_name(job);
        value_set_str(a, labels, keys[i], text);
        value_set_str(a, own, keys[i], text);
    }
    value match = value_new_map(a);
    value_set_str(a, match, keys[0], object_uid(job));
    value_set_path(a, spec, "selector.matchLabels", match);
}

/* Guaranteed: every container limits cpu and memory and requests as much; BestEffort: nothing is
 * said. */
static const char *qos_of(value pod)
{
    static const char *const what[] = {"cpu", "memory"};
    bool any = false, all = true;
    for (struct value_iter it = value_iter(value_path(pod, "spec.containers")); value_next(&it);) {
        value limits = value_path(it.val, "resources.limits"),
              requests = value_path(it.val, "resources.requests");
        any = any || value_len(limits) || value_len(requests);
        for (int i = 0; i < 2; i++) {
            value l = value_get(limits, str_of(what[i]));
            all = all && value_exists(l) && value_equal(l, value_get(requests, str_of(what[i])));
        }
    }
    return !any ? "BestEffort" : all ? "Guaranteed" : "Burstable";
}

static void new_namespace(struct microkube *mk, struct arena *a, value ns)
{
    value spec = value_edit_map(a, ns, STR("spec"));
    set_missing(a, spec, "finalizers", "[\"kubernetes\"]");
}

/* Defaults and admission that only touch pods, not pod templates. */
static void new_pod(struct microkube *mk, struct arena *a, value pod)
{
    value spec = value_edit_map(a, pod, STR("spec"));
    value_set_path(a, pod, "status.qosClass", value_of_str(a, str_of(qos_of(pod))));
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

static void new_claim(struct microkube *mk, struct arena *a, value claim)
{
    value list = value_edit_list(a, value_edit_map(a, claim, STR("metadata")), STR("finalizers"));
    if (!object_has_finalizer(claim, STR("kubernetes.io/pvc-protection")))
        value_push(a, list, value_of_str(a, STR("kubernetes.io/pvc-protection")));
}

/* ---- services: addresses and node ports ---- */

static bool is(value v, const char *path, const char *text)
{
    return str_is(value_path_str(v, path), text);
}

static value old_port(value old, value port)
{
    for (struct value_iter it = value_iter(value_path(old, "spec.ports")); value_next(&it);)
        if (value_equal(value_getz(it.val, "port"), value_getz(port, "port")) &&
            str_eq(value_path_str(it.val, "protocol"), value_path_str(port, "protocol")))
            return it.val;
    return VALUE_ABSENT;
}

static void allocate_node_ports(struct microkube *mk, struct arena *a, value old, value spec)
{
    if (!is(spec, "type", "NodePort") && !is(spec, "type", "LoadBalancer"))
        return;
    value ports = value_edit_list(a, spec, STR("ports"));
    for (size_t i = 0; i < value_len(ports); i++) {
        value p = value_edit(a, value_at(ports, i));
        value was = value_getz(old_port(old, p), "nodePort");
        if (!value_int(value_getz(p, "nodePort")))
            value_setz(a, p, "nodePort",
                       value_int(was)
                           ? was
                           : value_of_int(a, 30000 + (int64_t)(mk->node_port_next++ % 2768)));
        value_put(a, ports, i, p);
    }
}

static bool address_is_taken(struct mk_storage *s, str ip)
{
    void *o;
    for (size_t i = 0; map_next(&s->objects, &i, NULL, &o);)
        if (str_eq(value_path_str(doc_root(((struct mk_object *)o)->doc), "spec.clusterIP"), ip))
            return true;
    return false;
}

static str free_address(struct microkube *mk, struct arena *a)
{
    struct mk_storage *s = mk_storage_find(mk, STR(""), STR("services"));
    for (;;) {
        uint32_t n = ++mk->cluster_ip_next;
        str ip = arena_printf(a, "10.96.%u.%u", (n / 250) % 250, n % 250 + 1);
        if (!address_is_taken(s, ip))
            return ip;
    }
}

static void allocate_service(struct microkube *mk, struct arena *a, value old, value service)
{
    value spec = value_edit_map(a, service, STR("spec"));
    static const char *const kept[] = {"clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"};
    if (is(spec, "type", "ExternalName"))
        return;
    for (size_t i = 0; i < ARRAY_LEN(kept); i++)
        if (!value_exists(value_get(spec, str_of(kept[i]))) &&
            !is(old, "spec.type", "ExternalName"))
            value_set(a, spec, str_of(kept[i]),
                      value_get(value_getz(old, "spec"), str_of(kept[i])));
    if (!value_path_str(spec, "clusterIP").len)
        value_set_str(a, spec, "clusterIP", free_address(mk, a));
    if (!value_len(value_getz(spec, "clusterIPs")))
        value_push(a, value_edit_list(a, spec, STR("clusterIPs")),
                   value_of_str(a, value_path_str(spec, "clusterIP")));
    bool headless = is(spec, "clusterIP", "None") && !value_len(value_getz(spec, "selector"));
    set_missing(a, spec, "ipFamilies", "[\"IPv4\"]");
    set_missing(a, spec, "ipFamilyPolicy", headless ? "\"RequireDualStack\"" : "\"SingleStack\"");
    allocate_node_ports(mk, a, old, spec);
}

static void new_service(struct microkube *mk, struct arena *a, value service)
{
    allocate_service(mk, a, VALUE_ABSENT, service);
}

/* ---- changes ---- */

static void changed_daemon_set(struct microkube *mk, struct arena *a, value old, value ds)
{
    static const char key[] = "deprecated.daemonset.template.generation";
    int64_t n = 0;
    bool same = value_equal(value_path(old, "spec.template"), value_path(ds, "spec.template"));
    if (!str_to_i64(object_annotation(old, str_of(key)), &n))
        return;
    value ann = value_edit_map(a, value_edit_map(a, ds, STR("metadata")), STR("annotations"));
    value_set_str(a, ann, key, arena_printf(a, "%lld", (long long)n + !same));
}

static const struct {
    const char *group, *plural;
    void (*created)(struct microkube *mk, struct arena *a, value object);
    void (*changed)(struct microkube *mk, struct arena *a, value old, value object);
} strategies[] = {
    {"batch", "jobs", new_job, NULL},
    {"", "pods", new_pod, NULL},
    {"", "namespaces", new_namespace, NULL},
    {"", "services", new_service, allocate_service},
    {"", "persistentvolumeclaims", new_claim, NULL},
    {"apps", "daemonsets", NULL, changed_daemon_set},
};

static size_t strategy_of(const struct mk_resource *r)
{
    size_t i = 0;
    while (i < ARRAY_LEN(strategies) &&
           (!str_is(r->plural, strategies[i].plural) || !str_is(r->group, strategies[i].group)))
        i++;
    return i;
}

void mk_prepare_new(struct microkube *mk, struct arena *a, const struct mk_resource *r,
                    value object)
{
    size_t i = strategy_of(r);
    if (i < ARRAY_LEN(strategies) && strategies[i].created)
        strategies[i].created(mk, a, object);
    if (str_is(r->plural, "customresourcedefinitions"))
        mk_crd_complete(a, object);
}

void mk_prepare_update(struct microkube *mk, struct arena *a, const struct mk_resource *r,
                       value old, value object)
{
    size_t i = strategy_of(r);
    if (i < ARRAY_LEN(strategies) && strategies[i].changed)
        strategies[i].changed(mk, a, old, object);
    if (str_is(r->plural, "customresourcedefinitions"))
        mk_crd_complete(a, object);
}
