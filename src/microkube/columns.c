/* microkube/columns.c: the columns of a table, kind by kind. A cell is a path into the object, a
 * count, or a function. */
#include <inttypes.h>

#include "microkube/core.h"

struct cell {
    struct microkube *mk;
    struct arena *a;
    value o;
};

typedef value cell_fn(const struct cell *c);

struct column {
    const char *name, *type;
    int priority;
    const char *path; /* text at a path; with fn NULL */
    cell_fn *fn;
};

#define COLUMNS_MAX 11

static value text_of(const struct cell *c, str s) { return value_of_str(c->a, s); }

static str short_duration(struct arena *a, usec d)
{
    int64_t s = d / USEC_PER_SEC;
    if (s < 0)
        return STR("0s");
    if (s < 120)
        return arena_printf(a, "%" PRId64 "s", s);
    int64_t m = s / 60, h = m / 60, days = h / 24;
    if (m < 10)
        return s % 60 ? arena_printf(a, "%" PRId64 "m%" PRId64 "s", m, s % 60)
                      : arena_printf(a, "%" PRId64 "m", m);
    if (m < 180)
        return arena_printf(a, "%" PRId64 "m", m);
    if (h < 8)
        return m % 60 ? arena_printf(a, "%" PRId64 "h%" PRId64 "m", h, m % 60)
                      : arena_printf(a, "%" PRId64 "h", h);
    if (h < 48)
        return arena_printf(a, "%" PRId64 "h", h);
    if (days < 8)
        return h % 24 ? arena_printf(a, "%" PRId64 "d%" PRId64 "h", days, h % 24)
                      : arena_printf(a, "%" PRId64 "d", days);
    if (days < 730)
        return arena_printf(a, "%" PRId64 "d", days);
    int64_t years = days / 365;
    return years < 8 && days % 365 ? arena_printf(a, "%" PRId64 "y%" PRId64 "d", years, days % 365)
                                   : arena_printf(a, "%" PRId64 "y", years);
}

static value since(const struct cell *c, str at)
{
    usec t;
    if (!time_parse(at, &t))
        return text_of(c, STR("<unknown>"));
    return text_of(c, short_duration(c->a, mk_now(c->mk) - t));
}

static value cell_age(const struct cell *c)
{
    return since(c, value_path_str(c->o, "metadata.creationTimestamp"));
}

static value number(const struct cell *c, const char *path)
{
    return value_of_int(c->a, value_int(value_path(c->o, path)));
}

static value fraction(const struct cell *c, const char *x, const char *y)
{
    return text_of(c, arena_printf(c->a, "%" PRId64 "/%" PRId64, value_int(value_path(c->o, x)),
                                   value_int(value_path(c->o, y))));
}

static value or_none(const struct cell *c, str s) { return text_of(c, s.len ? s : STR("<none>")); }

static value joined(const struct cell *c, value list, const char *path)
{
    str out = STR("");
    for (struct value_iter it = value_iter(list); value_next(&it);)
        out = ARENA_CAT(c->a, out, out.len ? STR(",") : STR(""),
                        path ? value_path_str(it.val, path) : value_str(it.val));
    return or_none(c, out);
}

static value cell_ready_replicas(const struct cell *c)
{
    return fraction(c, "status.readyReplicas", "spec.replicas");
}
static value cell_updated(const struct cell *c) { return number(c, "status.updatedReplicas"); }
static value cell_available(const struct cell *c) { return number(c, "status.availableReplicas"); }
static value cell_desired(const struct cell *c) { return number(c, "spec.replicas"); }
static value cell_current(const struct cell *c) { return number(c, "status.replicas"); }
static value cell_ready(const struct cell *c) { return number(c, "status.readyReplicas"); }

static value template_containers(const struct cell *c)
{
    value v = value_path(c->o, "spec.template.spec.containers");
    return value_exists(v) ? v : value_path(c->o, "spec.jobTemplate.spec.template.spec.containers");
}
static value cell_containers(const struct cell *c)
{
    return joined(c, template_containers(c), "name");
}
static value cell_images(const struct cell *c)
{
    return joined(c, template_containers(c), "image");
}

static value cell_selector(const struct cell *c)
{
    struct kube_selector s;
    value v = value_path(c->o, "spec.selector");
    if (value_exists(value_getz(v, "matchLabels")) ||
        value_exists(value_getz(v, "matchExpressions"))) {
        if (kube_label_selector_of(v, c->a, &s, NULL) < 0)
            return or_none(c, STR(""));
    } else {
        kube_label_selector_of_map(v, c->a, &s);
    }
    return or_none(c, kube_selector_str(c->a, &s));
}

/* ---- pods ---- */

static value cell_pod_ready(const struct cell *c)
{
    size_t ready = 0;
    for (struct value_iter it = value_iter(value_path(c->o, "status.containerStatuses"));
         value_next(&it);)
        ready += value_bool(value_getz(it.val, "ready"));
    return text_of(c, arena_printf(c->a, "%zu/%zu", ready,
                                   value_len(value_path(c->o, "spec.containers"))));
}

static value cell_pod_status(const struct cell *c)
{
    str reason = value_path_str(c->o, "status.reason");
    if (!reason.len)
        reason = value_path_str(c->o, "status.phase");
    for (struct value_iter it = value_iter(value_path(c->o, "status.containerStatuses"));
         value_next(&it);) {
        str waiting = value_path_str(it.val, "state.waiting.reason");
        str ended = value_path_str(it.val, "state.terminated.reason");
        if (waiting.len || ended.len)
            reason = waiting.len ? waiting : ended;
    }
    if (object_is_deleting(c->o))
        reason = STR("Terminating");
    return text_of(c, reason);
}

static value cell_restarts(const struct cell *c)
{
    int64_t n = 0;
    for (struct value_iter it = value_iter(value_path(c->o, "status.containerStatuses"));
         value_next(&it);)
        n += value_int(value_getz(it.val, "restartCount"));
    return text_of(c, arena_printf(c->a, "%" PRId64, n));
}

static value cell_none(const struct cell *c) { return or_none(c, STR("")); }

/* ---- services, ingresses ---- */

static value cell_external_ip(const struct cell *c)
{
    str type = value_path_str(c->o, "spec.type");
    value ingress = value_path(c->o, "status.loadBalancer.ingress");
    if (str_is(type, "ExternalName"))
        return text_of(c, value_path_str(c->o, "spec.externalName"));
    if (str_is(type, "LoadBalancer") && !value_len(ingress))
        return text_of(c, STR("<pending>"));
    if (value_len(ingress))
        return joined(c, ingress,
                      value_exists(value_getz(value_at(ingress, 0), "ip")) ? "ip" : "hostname");
    return joined(c, value_path(c->o, "spec.externalIPs"), NULL);
}

static value cell_ports(const struct cell *c)
{
    str out = STR("");
    for (struct value_iter it = value_iter(value_path(c->o, "spec.ports")); value_next(&it);) {
        int64_t node = value_int(value_getz(it.val, "nodePort"));
        str proto = value_path_str(it.val, "protocol");
        out = arena_printf(c->a, "%.*s%s%" PRId64, STR_FMT(out), out.len ? "," : "",
                           value_int(value_getz(it.val, "port")));
        out = node ? arena_printf(c->a, "%.*s:%" PRId64 "/%.*s", STR_FMT(out), node, STR_FMT(proto))
                   : arena_printf(c->a, "%.*s/%.*s", STR_FMT(out), STR_FMT(proto));
    }
    return or_none(c, out);
}

static value cell_class(const struct cell *c)
{
    return or_none(c, value_path_str(c->o, "spec.ingressClassName"));
}

static value cell_hosts(const struct cell *c)
{
    str out = STR("");
    for (struct value_iter it = value_iter(value_path(c->o, "spec.rules")); value_next(&it);) {
        str host = value_path_str(it.val, "host");
        if (host.len)
            out = ARENA_CAT(c->a, out, out.len ? STR(",") : STR(""), host);
    }
    return text_of(c, out.len ? out : STR("*"));
}

static value cell_address(const struct cell *c)
{
    value list = value_path(c->o, "status.loadBalancer.ingress");
    if (!value_len(list))
        return text_of(c, STR(""));
    return joined(c, list, value_exists(value_getz(value_at(list, 0), "ip")) ? "ip" : "hostname");
}

static value cell_ingress_ports(const struct cell *c)
{
    return text_of(c, value_len(value_path(c->o, "spec.tls")) ? STR("80, 443") : STR("80"));
}

/* ---- jobs ---- */

static bool condition_is(value o, const char *type)
{
    for (struct value_iter it = value_iter(value_path(o, "status.conditions")); value_next(&it);)
        if (str_is(value_path_str(it.val, "type"), type))
            return str_is(value_path_str(it.val, "status"), "True");
    return false;
}

static value cell_job_status(const struct cell *c)
{
    static const char *const states[] = {"Complete", "Failed", "Suspended", "FailureTarget",
                                         "SuccessCriteriaMet"};
    for (size_t i = 0; i < ARRAY_LEN(states); i++)
        if (condition_is(c->o, states[i]))
            return text_of(c, str_of(states[i]));
    return text_of(c, object_is_deleting(c->o) ? STR("Terminating") : STR("Running"));
}

static value cell_completions(const struct cell *c)
{
    return fraction(c, "status.succeeded", "spec.completions");
}

static value cell_duration(const struct cell *c)
{
    usec start, end;
    if (!time_parse(value_path_str(c->o, "status.startTime"), &start))
        return text_of(c, STR(""));
    if (!time_parse(value_path_str(c->o, "status.completionTime"), &end))
        end = mk_now(c->mk);
    return text_of(c, short_duration(c->a, end - start));
}

static value cell_suspend(const struct cell *c)
{
    return text_of(c, value_bool(value_path(c->o, "spec.suspend")) ? STR("True") : STR("False"));
}
static value cell_active(const struct cell *c)
{
    return value_of_int(c->a, (int64_t)value_len(value_path(c->o, "status.active")));
}
static value cell_timezone(const struct cell *c)
{
    return or_none(c, value_path_str(c->o, "spec.timeZone"));
}
static value cell_last_schedule(const struct cell *c)
{
    str at = value_path_str(c->o, "status.lastScheduleTime");
    return at.len ? since(c, at) : text_of(c, STR("<none>"));
}

/* ---- others ---- */

static value cell_data(const struct cell *c)
{
    return value_of_int(c->a, (int64_t)(value_len(value_getz(c->o, "data")) +
                                        value_len(value_getz(c->o, "binaryData"))));
}

static value cell_created(const struct cell *c)
{
    return text_of(c, value_path_str(c->o, "metadata.creationTimestamp"));
}

static value cell_event_seen(const struct cell *c)
{
    str at = value_path_str(c->o, "lastTimestamp");
    if (!at.len)
        at = value_path_str(c->o, "eventTime");
    return since(c, at);
}

static value cell_event_object(const struct cell *c)
{
    value o = value_getz(c->o, "involvedObject");
    struct arena *a = c->a;
    char *kind = arena_cstr(a, value_path_str(o, "kind"));
    for (char *p = kind; *p; p++)
        *p = *p >= 'A' && *p <= 'Z' ? (char)(*p + 32) : *p;
    return text_of(c, ARENA_CAT(a, str_of(kind), STR("/"), value_path_str(o, "name")));
}

static value cell_node_status(const struct cell *c)
{
    return text_of(c, condition_is(c->o, "Ready") ? STR("Ready") : STR("NotReady"));
}

static value cell_node_roles(const struct cell *c)
{
    static const char prefix[] = "node-role.kubernetes.io/";
    str out = STR("");
    for (struct value_iter it = value_iter(object_labels(c->o)); value_next(&it);)
        if (str_starts(it.key, str_of(prefix)))
            out = ARENA_CAT(c->a, out, out.len ? STR(",") : STR(""),
                            str_from(it.key, strlen(prefix)));
    return or_none(c, out);
}

static value cell_role_ref(const struct cell *c)
{
    return text_of(c, ARENA_CAT(c->a, value_path_str(c->o, "roleRef.kind"), STR("/"),
                                value_path_str(c->o, "roleRef.name")));
}

static value cell_reference(const struct cell *c)
{
    return text_of(c, ARENA_CAT(c->a, value_path_str(c->o, "spec.scaleTargetRef.kind"), STR("/"),
                                value_path_str(c->o, "spec.scaleTargetRef.name")));
}

static value cell_access_modes(const struct cell *c)
{
    static const struct {
        const char *mode, *text;
    } table[] = {{"ReadWriteOnce", "RWO"},
                 {"ReadOnlyMany", "ROX"},
                 {"ReadWriteMany", "RWX"},
                 {"ReadWriteOncePod", "RWOP"}};
    str out = STR("");
    value list = value_path(c->o, "status.accessModes");
    for (struct value_iter it = value_iter(list); value_next(&it);)
        for (size_t i = 0; i < ARRAY_LEN(table); i++)
            if (str_is(value_str(it.val), table[i].mode))
                out = ARENA_CAT(c->a, out, out.len ? STR(",") : STR(""), str_of(table[i].text));
    return text_of(c, out);
}

static value cell_ds(const struct cell *c, const char *path) { return number(c, path); }
static value cell_ds_desired(const struct cell *c)
{
    return cell_ds(c, "status.desiredNumberScheduled");
}
static value cell_ds_current(const struct cell *c)
{
    return cell_ds(c, "status.currentNumberScheduled");
}
static value cell_ds_ready(const struct cell *c) { return cell_ds(c, "status.numberReady"); }
static value cell_ds_updated(const struct cell *c)
{
    return cell_ds(c, "status.updatedNumberScheduled");
}
static value cell_ds_available(const struct cell *c)
{
    return cell_ds(c, "status.numberAvailable");
}
static value cell_node_selector(const struct cell *c)
{
    struct kube_selector s;
    kube_label_selector_of_map(value_path(c->o, "spec.template.spec.nodeSelector"), c->a, &s);
    return or_none(c, kube_selector_str(c->a, &s));
}
static value cell_min(const struct cell *c) { return number(c, "spec.minReplicas"); }
static value cell_max(const struct cell *c) { return number(c, "spec.maxReplicas"); }
static value cell_current_replicas(const struct cell *c)
{
    return number(c, "status.currentReplicas");
}

#define NAME                                                                                       \
    {                                                                                              \
        "Name", "string", 0, "metadata.name", NULL                                                 \
    }
#define AGE                                                                                        \
    {                                                                                              \
        "Age", "string", 0, NULL, cell_age                                                         \
    }
#define WIDE_PODS                                                                                  \
    {"Containers", "string", 1, NULL, cell_containers},                                            \
        {"Images", "string", 1, NULL, cell_images},                                                \
    {                                                                                              \
        "Selector", "string", 1, NULL, cell_selector                                               \
    }

static const struct {
    const char *group, *plural;
    struct column column[COLUMNS_MAX];
} tables[] = {
    {"",
     "pods",
     {NAME,
      {"Ready", "string", 0, NULL, cell_pod_ready},
      {"Status", "string", 0, NULL, cell_pod_status},
      {"Restarts", "string", 0, NULL, cell_restarts},
      AGE,
      {"IP", "string", 1, "status.podIP", NULL},
      {"Node", "string", 1, "spec.nodeName", NULL},
      {"Nominated Node", "string", 1, NULL, cell_none},
      {"Readiness Gates", "string", 1, NULL, cell_none}}},
    {"apps",
     "deployments",
     {NAME,
      {"Ready", "string", 0, NULL, cell_ready_replicas},
      {"Up-to-date", "integer", 0, NULL, cell_updated},
      {"Available", "integer", 0, NULL, cell_available},
      AGE,
      WIDE_PODS}},
    {"apps",
     "replicasets",
     {NAME,
      {"Desired", "integer", 0, NULL, cell_desired},
      {"Current", "integer", 0, NULL, cell_current},
      {"Ready", "integer", 0, NULL, cell_ready},
      AGE,
      WIDE_PODS}},
    {"apps",
     "statefulsets",
     {NAME,
      {"Ready", "string", 0, NULL, cell_ready_replicas},
      AGE,
      {"Containers", "string", 1, NULL, cell_containers},
      {"Images", "string", 1, NULL, cell_images}}},
    {"apps",
     "daemonsets",
     {NAME,
      {"Desired", "integer", 0, NULL, cell_ds_desired},
      {"Current", "integer", 0, NULL, cell_ds_current},
      {"Ready", "integer", 0, NULL, cell_ds_ready},
      {"Up-to-date", "integer", 0, NULL, cell_ds_updated},
      {"Available", "integer", 0, NULL, cell_ds_available},
      {"Node Selector", "string", 0, NULL, cell_node_selector},
      AGE,
      WIDE_PODS}},
    {"batch",
     "jobs",
     {NAME,
      {"Status", "string", 0, NULL, cell_job_status},
      {"Completions", "string", 0, NULL, cell_completions},
      {"Duration", "string", 0, NULL, cell_duration},
      AGE,
      WIDE_PODS}},
    {"batch",
     "cronjobs",
     {NAME,
      {"Schedule", "string", 0, "spec.schedule", NULL},
      {"Timezone", "string", 0, NULL, cell_timezone},
      {"Suspend", "boolean", 0, NULL, cell_suspend},
      {"Active", "integer", 0, NULL, cell_active},
      {"Last Schedule", "string", 0, NULL, cell_last_schedule},
      AGE,
      {"Containers", "string", 1, NULL, cell_containers},
      {"Images", "string", 1, NULL, cell_images},
      {"Selector", "string", 1, NULL, cell_none}}},
    {"",
     "services",
     {NAME,
      {"Type", "string", 0, "spec.type", NULL},
      {"Cluster-IP", "string", 0, "spec.clusterIP", NULL},
      {"External-IP", "string", 0, NULL, cell_external_ip},
      {"Port(s)", "string", 0, NULL, cell_ports},
      AGE,
      {"Selector", "string", 1, NULL, cell_selector}}},
    {"networking.k8s.io",
     "ingresses",
     {NAME,
      {"Class", "string", 0, NULL, cell_class},
      {"Hosts", "string", 0, NULL, cell_hosts},
      {"Address", "string", 0, NULL, cell_address},
      {"Ports", "string", 0, NULL, cell_ingress_ports},
      AGE}},
    {"", "configmaps", {NAME, {"Data", "string", 0, NULL, cell_data}, AGE}},
    {"",
     "secrets",
     {NAME, {"Type", "string", 0, "type", NULL}, {"Data", "string", 0, NULL, cell_data}, AGE}},
    {"", "serviceaccounts", {NAME, AGE}},
    {"", "namespaces", {NAME, {"Status", "string", 0, "status.phase", NULL}, AGE}},
    {"",
     "nodes",
     {NAME,
      {"Status", "string", 0, NULL, cell_node_status},
      {"Roles", "string", 0, NULL, cell_node_roles},
      AGE,
      {"Version", "string", 0, "status.nodeInfo.kubeletVersion", NULL}}},
    {"",
     "persistentvolumeclaims",
     {NAME,
      {"Status", "string", 0, "status.phase", NULL},
      {"Volume", "string", 0, "spec.volumeName", NULL},
      {"Capacity", "string", 0, "status.capacity.storage", NULL},
      {"Access Modes", "string", 0, NULL, cell_access_modes},
      {"StorageClass", "string", 0, "spec.storageClassName", NULL},
      AGE,
      {"VolumeMode", "string", 1, "spec.volumeMode", NULL}}},
    {"",
     "events",
     {{"Last Seen", "string", 0, NULL, cell_event_seen},
      {"Type", "string", 0, "type", NULL},
      {"Reason", "string", 0, "reason", NULL},
      {"Object", "string", 0, NULL, cell_event_object},
      {"Message", "string", 0, "message", NULL},
      {"Name", "string", 1, "metadata.name", NULL}}},
    {"autoscaling",
     "horizontalpodautoscalers",
     {NAME,
      {"Reference", "string", 0, NULL, cell_reference},
      {"Targets", "string", 0, NULL, cell_none},
      {"MinPods", "string", 0, NULL, cell_min},
      {"MaxPods", "string", 0, NULL, cell_max},
      {"Replicas", "string", 0, NULL, cell_current_replicas},
      AGE}},
    {"rbac.authorization.k8s.io",
     "rolebindings",
     {NAME, {"Role", "string", 0, NULL, cell_role_ref}, AGE}},
    {"rbac.authorization.k8s.io",
     "clusterrolebindings",
     {NAME, {"Role", "string", 0, NULL, cell_role_ref}, AGE}},
    {"coordination.k8s.io",
     "leases",
     {NAME, {"Holder", "string", 0, "spec.holderIdentity", NULL}, AGE}},
    {"networking.k8s.io",
     "networkpolicies",
     {NAME, {"Pod-Selector", "string", 0, NULL, cell_none}, AGE}},
};

static const struct column plain[] = {NAME, {"Created At", "date", 0, NULL, cell_created}};
static const struct column custom[] = {NAME, AGE};

static const struct column *columns_of(const struct mk_resource *r, size_t *n)
{
    for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
        if (!str_is(r->plural, tables[i].plural) || !str_is(r->storage->group, tables[i].group))
            continue;
        for (*n = 0; *n < COLUMNS_MAX && tables[i].column[*n].name; (*n)++)
            ;
        return tables[i].column;
    }
    *n = 2;
    return r->builtin ? plain : custom;
}

static value custom_columns(const struct mk_resource *r)
{
    return value_getz(r->crd_version, "additionalPrinterColumns");
}

static void add_column(struct arena *a, value columns, str name, str type, str format,
                       int64_t priority, str help)
{
    value v = value_new_map(a);
    value_set_str(a, v, "name", name);
    value_set_str(a, v, "type", type);
    value_set_str(a, v, "format", format);
    value_set_str(a, v, "description", help);
    value_setz(a, v, "priority", value_of_int(a, priority));
    value_push(a, columns, v);
}

void mk_table_columns(struct arena *a, const struct mk_resource *r, value columns)
{
    value own = custom_columns(r);
    size_t n;
    if (value_len(own)) {
        add_column(a, columns, STR("Name"), STR("string"), STR("name"), 0,
                   STR("Name of the object"));
        for (struct value_iter it = value_iter(own); value_next(&it);)
            add_column(a, columns, value_path_str(it.val, "name"), value_path_str(it.val, "type"),
                       value_path_str(it.val, "format"), value_int(value_getz(it.val, "priority")),
                       value_path_str(it.val, "description"));
        return;
    }
    const struct column *c = columns_of(r, &n);
    for (size_t i = 0; i < n; i++)
        add_column(a, columns, str_of(c[i].name), str_of(c[i].type),
                   c[i].path && str_is(str_of(c[i].path), "metadata.name") ? STR("name") : STR(""),
                   c[i].priority, STR(""));
}

/* The simple JSONPath of printer columns: ".a.b", ".a.list[0].b",
 * ".status.conditions[?(@.type=="X")].status". */
static value json_path(const struct cell *c, str path)
{
    value v = c->o;
    path = str_trim_prefix(path, STR("."));
    while (path.len && value_exists(v)) {
        size_t n = 0;
        while (n < path.len && path.at[n] != '.' && path.at[n] != '[')
            n += path.at[n] == '\\' && n + 1 < path.len ? 2 : 1;
        if (n) {
            str key = str_sub(path, 0, n), clean = STR("");
            for (size_t i = 0; i < key.len; i++)
                if (key.at[i] != '\\')
                    clean = ARENA_CAT(c->a, clean, str_sub(key, i, 1));
            v = value_get(v, clean);
        }
        path = str_from(path, n);
        if (str_starts(path, STR("["))) {
            str inside, rest, field, want;
            int64_t i;
            str_cut(str_from(path, 1), ']', &inside, &rest);
            if (str_starts(inside, STR("?(@.")) &&
                str_cut(str_from(inside, 4), '=', &field, &want)) {
                want = str_trim_suffix(str_trim(str_trim_prefix(want, STR("="))), STR(")"));
                want = str_sub(want, 1, want.len > 1 ? want.len - 2 : 0);
                value found = VALUE_ABSENT;
                for (struct value_iter it = value_iter(v); value_next(&it) && !value_exists(found);)
                    if (str_eq(value_str(value_get(it.val, str_trim(field))), want))
                        found = it.val;
                v = found;
            } else {
                v = str_to_i64(inside, &i) && i >= 0 ? value_at(v, (size_t)i) : VALUE_ABSENT;
            }
            path = rest;
        }
        path = str_trim_prefix(path, STR("."));
    }
    return v;
}

static value custom_cell(const struct cell *c, value column)
{
    value v = json_path(c, value_path_str(column, "jsonPath"));
    str type = value_path_str(column, "type");
    if (value_is_nil(v))
        return value_null(c->a);
    if (str_is(type, "date"))
        return since(c, value_str(v));
    if (str_is(type, "string") && !value_is_string(v))
        return text_of(c, json_str(c->a, v, AUDIENCE_WIRE, 0));
    return v;
}

value mk_table_cells(struct microkube *mk, struct arena *a, const struct mk_resource *r,
                     value object)
{
    struct cell c = {mk, a, object};
    value cells = value_new_list(a), own = custom_columns(r);
    size_t n;
    if (value_len(own)) {
        value_push(a, cells, text_of(&c, object_name(object)));
        for (struct value_iter it = value_iter(own); value_next(&it);)
            value_push(a, cells, custom_cell(&c, it.val));
        return cells;
    }
    const struct column *col = columns_of(r, &n);
    for (size_t i = 0; i < n; i++)
        value_push(a, cells,
                   col[i].fn ? col[i].fn(&c) : text_of(&c, value_path_str(object, col[i].path)));
    return cells;
}
