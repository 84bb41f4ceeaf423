#include <stdlib.h>

#include "kube/object.h"
#include "lang/quantity.h"
#include "plan/tree.h"

/* What the tree shows of one object besides its name: info items, networking, images. */
struct node {
    struct arena *a;
    value object, info, net, images;
};

static void add_info(struct node *n, const char *name, str text)
{
    value item = value_new_map(n->a);
    if (!value_exists(n->info))
        n->info = value_new_list(n->a);
    value_set_str(n->a, item, "name", str_of(name));
    if (text.len) /* a pod without a node has the name alone */
        value_set_str(n->a, item, "value", text);
    value_push(n->a, n->info, item);
}

static void set_net(struct node *n, const char *key, value v)
{
    if (!value_exists(n->net))
        n->net = value_new_map(n->a);
    if (value_len(v))
        value_set(n->a, n->net, str_of(key), v);
}

static void add_url(struct node *n, str url)
{
    value urls = value_getz(n->net, "externalURLs");
    for (struct value_iter it = value_iter(urls); value_next(&it);)
        if (str_eq(value_str(it.val), url))
            return;
    if (!value_exists(urls))
        urls = value_new_list(n->a);
    value_push(n->a, urls, value_of_str(n->a, url));
    set_net(n, "externalURLs", urls);
}

/* ---- every kind ---- */

static void revision_info(struct node *n)
{
    static const char *const keys[] = {"deployment.kubernetes.io/revision",
                                       "rollout.argoproj.io/revision"};
    int64_t revision = 0;
    value own = value_getz(n->object, "revision");
    for (size_t i = 0; i < ARRAY_LEN(keys) && !revision; i++)
        str_to_i64(object_annotation(n->object, str_of(keys[i])), &revision);
    if (!revision && !str_to_i64(value_str(own), &revision))
        revision = value_int(own);
    if (revision > 0)
        add_info(n, "Revision", arena_printf(n->a, "Rev:%lld", (long long)revision));
}

static bool url_is_allowed(str url)
{
    return (str_starts(url, STR("http://")) || str_starts(url, STR("https://"))) && url.len > 8;
}

static void link_annotations(struct node *n)
{
    for (struct value_iter it = value_iter(object_annotations(n->object)); value_next(&it);) {
        str title, url, text = value_str(it.val);
        if (!str_starts(it.key, STR(KEY_LINK_PREFIX)))
            continue;
        if (!str_cut(text, '|', &title, &url))
            url = text;
        if (url_is_allowed(url))
            add_url(n, text);
    }
}

/* ---- pods ---- */

static bool restarts_by_itself(value spec, str name)
{
    for (struct value_iter it = value_iter(value_getz(spec, "initContainers")); value_next(&it);)
        if (str_eq(value_str(value_getz(it.val, "name")), name))
            return str_is(value_str(value_getz(it.val, "restartPolicy")), "Always");
    return false;
}

struct pod_state {
    str reason;
    int64_t restarts, ready, total;
    bool initializing;
};

static str ended_reason(struct arena *a, value terminated, const char *prefix)
{
    str reason = value_str(value_getz(terminated, "reason"));
    int64_t signal = value_int(value_getz(terminated, "signal"));
    if (reason.len)
        return ARENA_CAT(a, str_of(prefix), reason);
    return arena_printf(a, "%s%s:%lld", prefix, signal ? "Signal" : "ExitCode",
                        (long long)(signal ? signal
                                           : value_int(value_getz(terminated, "exitCode"))));
}

static void init_containers(struct node *n, struct pod_state *s)
{
    value spec = value_getz(n->object, "spec");
    size_t all = value_len(value_getz(spec, "initContainers"));
    for (struct value_iter it = value_iter(value_path(n->object, "status.initContainerStatuses"));
         value_next(&it);) {
        value ended = value_path(it.val, "state.terminated");
        str waiting = value_path_str(it.val, "state.waiting.reason");
        s->restarts += value_int(value_getz(it.val, "restartCount"));
        if (value_is_map(ended) && !value_int(value_getz(ended, "exitCode")))
            continue;
        if (restarts_by_itself(spec, value_str(value_getz(it.val, "name"))) &&
            value_bool(value_getz(it.val, "started"))) {
            s->ready += value_bool(value_getz(it.val, "ready"));
            continue;
        }
        s->initializing = true;
        if (value_is_map(ended))
            s->reason = ended_reason(n->a, ended, "Init:");
        else if (waiting.len && !str_is(waiting, "PodInitializing"))
            s->reason = ARENA_CAT(n->a, STR("Init:"), waiting);
        else
            s->reason = arena_printf(n->a, "Init:%zu/%zu", it.i, all);
        return;
    }
}

static bool condition_true(value o, const char *type)
{
    for (struct value_iter it = value_iter(value_path(o, "status.conditions")); value_next(&it);)
        if (str_is(value_str(value_getz(it.val, "type")), type))
            return str_is(value_str(value_getz(it.val, "status")), "True");
    return false;
}

static void containers(struct node *n, struct pod_state *s)
{
    value list = value_path(n->object, "status.containerStatuses");
    bool running = false;
    for (size_t i = value_len(list); i-- > 0;) {
        value c = value_at(list, i), ended = value_path(c, "state.terminated");
        str waiting = value_path_str(c, "state.waiting.reason");
        s->restarts += value_int(value_getz(c, "restartCount"));
        if (waiting.len) {
            s->reason = waiting;
        } else if (value_is_map(ended)) {
            s->reason = ended_reason(n->a, ended, "");
        } else if (value_bool(value_getz(c, "ready")) &&
                   value_is_map(value_path(c, "state.running"))) {
            running = true;
            s->ready++;
        }
    }
    if (running && str_is(s->reason, "Completed"))
        s->reason = STR("Running");
}

static int64_t milli_request(value container, const char *resource)
{
    struct quantity q;
    struct err ignored;
    str text = value_str(value_get(value_path(container, "resources.requests"), str_of(resource)));
    return text.len && !quantity_parse(text, &q, &ignored) ? quantity_milli_value(&q) : 0;
}

/* The sum over containers, or the largest init container if that is more; sidecars run beside both.
 */
static int64_t pod_request(value spec, const char *resource)
{
    int64_t sum = 0, largest = 0, beside = 0;
    for (struct value_iter it = value_iter(value_getz(spec, "containers")); value_next(&it);)
        sum += milli_request(it.val, resource);
    for (struct value_iter it = value_iter(value_getz(spec, "initContainers")); value_next(&it);) {
        int64_t one = milli_request(it.val, resource);
        if (str_is(value_str(value_getz(it.val, "restartPolicy")), "Always"))
            beside += one;
        else
            largest = MAX_OF(largest, one + beside);
    }
    struct quantity q;
    struct err ignored;
    str overhead = value_str(value_get(value_getz(spec, "overhead"), str_of(resource)));
    int64_t extra =
        overhead.len && !quantity_parse(overhead, &q, &ignored) ? quantity_milli_value(&q) : 0;
    return MAX_OF(sum + beside, largest) + extra;
}

static str pod_reason(struct node *n, struct pod_state *s)
{
    str phase = value_path_str(n->object, "status.phase");
    bool over = str_is(phase, "Succeeded") || str_is(phase, "Failed");
    if (object_is_deleting(n->object) &&
        str_is(value_path_str(n->object, "status.reason"), "NodeLost"))
        return STR("Unknown");
    return object_is_deleting(n->object) && !over ? STR("Terminating") : s->reason;
}

static void pod_node(struct node *n)
{
    value o = n->object, spec = value_getz(o, "spec");
    str phase = value_path_str(o, "status.phase"), own = value_path_str(o, "status.reason");
    struct pod_state s = {.reason = own.len ? own : phase,
                          .total = (int64_t)value_len(value_getz(spec, "containers"))};
    n->images = object_images(o, n->a);
    for (struct value_iter it = value_iter(value_path(o, "status.conditions")); value_next(&it);)
        if (str_is(value_str(value_getz(it.val, "type")), "PodScheduled") &&
            str_is(value_str(value_getz(it.val, "reason")), "SchedulingGated"))
            s.reason = STR("SchedulingGated");
    for (struct value_iter it = value_iter(value_getz(spec, "initContainers")); value_next(&it);)
        s.total += str_is(value_str(value_getz(it.val, "restartPolicy")), "Always");
    init_containers(n, &s);
    if (!s.initializing || condition_true(o, "Initialized"))
        containers(n, &s);
    str reason = pod_reason(n, &s);
    if (reason.len)
        add_info(n, "Status Reason", reason);
    add_info(n, "Node", value_str(value_getz(spec, "nodeName")));
    add_info(n, "Containers",
             arena_printf(n->a, "%lld/%lld", (long long)s.ready, (long long)s.total));
    if (s.restarts > 0)
        add_info(n, "Restart Count", arena_printf(n->a, "%lld", (long long)s.restarts));
    if (!str_is(phase, "Succeeded") && !str_is(phase, "Failed")) {
        add_info(n, "cpu", arena_printf(n->a, "%lld", (long long)pod_request(spec, "cpu")));
        add_info(n, "memory", arena_printf(n->a, "%lld", (long long)pod_request(spec, "memory")));
    }
    set_net(n, "labels", object_labels(o));
}

/* ---- services, ingresses ---- */

static value load_balancers(struct node *n)
{
    static const char *const keys[] = {"hostname", "ip"};
    value list = value_new_list(n->a);
    for (struct value_iter it = value_iter(value_path(n->object, "status.loadBalancer.ingress"));
         value_next(&it);) {
        for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
            str text = value_str(value_get(it.val, str_of(keys[i])));
            if (!text.len)
                continue;
            value one = value_new_map(n->a);
            value_set_str(n->a, one, keys[i], text);
            value_push(n->a, list, one);
            break;
        }
    }
    return list;
}

static void service_node(struct node *n)
{
    set_net(n, "targetLabels", value_path(n->object, "spec.selector"));
    if (str_is(value_path_str(n->object, "spec.type"), "LoadBalancer"))
        set_net(n, "ingress", load_balancers(n));
}

static void add_target(struct node *n, value targets, value backend)
{
    str name = value_path_str(backend, "service.name");
    if (!name.len)
        name = value_path_str(backend, "serviceName");
    for (struct value_iter it = value_iter(targets); value_next(&it);)
        if (str_eq(value_str(value_getz(it.val, "name")), name))
            return;
    if (!name.len)
        return;
    value one = value_new_map(n->a);
    value_set_str(n->a, one, "kind", STR("Service"));
    if (object_ns(n->object).len)
        value_set_str(n->a, one, "namespace", object_ns(n->object));
    value_set_str(n->a, one, "name", name);
    value_push(n->a, targets, one);
}

static bool ingress_has_tls(value o, str host)
{
    for (struct value_iter it = value_iter(value_path(o, "spec.tls")); value_next(&it);)
        if (value_str(value_getz(it.val, "secretName")).len ||
            str_eq(value_str(value_getz(it.val, "host")), host))
            return true;
    return false;
}

static void ingress_rule(struct node *n, value rule, value balancers, value targets, bool urls)
{
    str host = value_str(value_getz(rule, "host"));
    for (struct value_iter it = value_iter(balancers); value_next(&it) && !host.len;) {
        host = value_str(value_getz(it.val, "hostname"));
        if (!host.len)
            host = value_str(value_getz(it.val, "ip"));
    }
    for (struct value_iter it = value_iter(value_path(rule, "http.paths")); value_next(&it);) {
        add_target(n, targets, value_getz(it.val, "backend"));
        if (!host.len || !urls)
            continue;
        str path = str_trim_suffix(value_str(value_getz(it.val, "path")), STR("*"));
        add_url(n,
                ARENA_CAT(n->a, ingress_has_tls(n->object, host) ? STR("https://") : STR("http://"),
                          host, path));
    }
}

static void ingress_node(struct node *n)
{
    value balancers = load_balancers(n), targets = value_new_list(n->a);
    bool urls = !str_is(object_annotation(n->object, STR(KEY_IGNORE_DEFAULT_LINKS)), "true");
    add_target(n, targets, value_path(n->object, "spec.backend"));
    for (struct value_iter it = value_iter(value_path(n->object, "spec.rules")); value_next(&it);)
        ingress_rule(n, it.val, balancers, targets, urls);
    set_net(n, "targetRefs", targets);
    set_net(n, "ingress", balancers);
}

static const struct {
    const char *group, *kind;
    void (*fill)(struct node *n);
} kinds[] = {
    {"", "Pod", pod_node},
    {"", "Service", service_node},
    {"networking.k8s.io", "Ingress", ingress_node},
    {"extensions", "Ingress", ingress_node},
};

static void custom_labels(struct node *n, value wanted)
{
    for (struct value_iter it = value_iter(wanted); value_next(&it);) {
        value v = value_get(object_labels(n->object), value_str(it.val));
        if (value_exists(v))
            add_info(n, arena_cstr(n->a, value_str(it.val)), value_str(v));
    }
}

/* ---- printing ---- */

static void set_text(struct arena *a, value v, const char *key, str text)
{
    if (text.len)
        value_set_str(a, v, key, text);
}

static value print_ref(struct arena *a, const struct kube_key *k, str version, str uid)
{
    value v = value_new_map(a);
    set_text(a, v, "group", k->group);
    set_text(a, v, "version", version);
    set_text(a, v, "kind", k->kind);
    set_text(a, v, "namespace", k->ns);
    set_text(a, v, "name", k->name);
    set_text(a, v, "uid", uid);
    return v;
}

static value print_parents(struct arena *a, const struct tree_parent *parent, size_t n)
{
    value list = value_new_list(a);
    for (size_t i = 0; i < n; i++)
        value_push(a, list, print_ref(a, &parent[i].key, parent[i].version, parent[i].uid));
    return n ? list : VALUE_ABSENT;
}

static value print_health(struct arena *a, value live)
{
    struct health h = health_of(live, a);
    if (h.code == HEALTH_NONE)
        return VALUE_ABSENT;
    value v = value_new_map(a);
    value_set_str(a, v, "status", health_code_name(h.code));
    set_text(a, v, "message", h.message);
    return v;
}

value tree_node(const struct compare_context *c, value live, const struct tree_parent *parent,
                size_t n_parents, struct arena *a)
{
    struct node n = {.a = a, .object = live};
    struct kube_key key = object_key(live);
    revision_info(&n);
    custom_labels(&n, c->settings->custom_labels);
    link_annotations(&n);
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (str_is(key.kind, kinds[i].kind) && str_is(key.group, kinds[i].group))
            kinds[i].fill(&n);
    value v = print_ref(a, &key, object_version(live), object_uid(live));
    value_setz(a, v, "parentRefs", print_parents(a, parent, n_parents));
    value_setz(a, v, "info", n.info);
    value_setz(a, v, "networkingInfo", n.net);
    set_text(a, v, "resourceVersion", object_resource_version(live));
    value_setz(a, v, "images", value_len(n.images) ? n.images : VALUE_ABSENT);
    value_setz(a, v, "health", print_health(a, live));
    set_text(a, v, "createdAt", value_path_str(live, "metadata.creationTimestamp"));
    return v;
}

value tree_missing_node(const struct compare_row *row, struct arena *a)
{
    struct kube_key key = row->key;
    key.ns = object_ns(row->target);
    value v = print_ref(a, &key, row->version, STR("")), health = value_new_map(a);
    value_set_str(a, health, "status", health_code_name(HEALTH_MISSING));
    value_setz(a, v, "health", health);
    return v;
}
