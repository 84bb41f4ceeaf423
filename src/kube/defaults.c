/* kube/defaults.c */
#include "kube/defaults.h"

#include "kube/object.h"
#include "value/json.h"

struct rule {
    const char *type; /* last parts of the definition's name */
    const char *field, *json;
};

static const struct rule rules[] = {
    {"PodSpec", "restartPolicy", "\"Always\""},
    {"PodSpec", "terminationGracePeriodSeconds", "30"},
    {"PodSpec", "dnsPolicy", "\"ClusterFirst\""},
    {"PodSpec", "securityContext", "{}"},
    {"PodSpec", "schedulerName", "\"default-scheduler\""},
    {"Container", "resources", "{}"},
    {"Container", "terminationMessagePath", "\"/dev/termination-log\""},
    {"Container", "terminationMessagePolicy", "\"File\""},
    {"EphemeralContainer", "terminationMessagePath", "\"/dev/termination-log\""},
    {"EphemeralContainer", "terminationMessagePolicy", "\"File\""},
    {"ContainerPort", "protocol", "\"TCP\""},
    {"Probe", "timeoutSeconds", "1"},
    {"Probe", "periodSeconds", "10"},
    {"Probe", "successThreshold", "1"},
    {"Probe", "failureThreshold", "3"},
    {"HTTPGetAction", "path", "\"/\""},
    {"HTTPGetAction", "scheme", "\"HTTP\""},
    {"GRPCAction", "service", "\"\""},
    {"ObjectFieldSelector", "apiVersion", "\"v1\""},
    {"ConfigMapVolumeSource", "defaultMode", "420"},
    {"SecretVolumeSource", "defaultMode", "420"},
    {"ProjectedVolumeSource", "defaultMode", "420"},
    {"DownwardAPIVolumeSource", "defaultMode", "420"},
    {"ServiceAccountTokenProjection", "expirationSeconds", "3600"},
    {"HostPathVolumeSource", "type", "\"\""},
    {"ISCSIVolumeSource", "iscsiInterface", "\"default\""},
    {"AzureDiskVolumeSource", "cachingMode", "\"ReadWrite\""},
    {"AzureDiskVolumeSource", "fsType", "\"ext4\""},
    {"AzureDiskVolumeSource", "readOnly", "false"},
    {"AzureDiskVolumeSource", "kind", "\"Shared\""},
    {"ServiceSpec", "type", "\"ClusterIP\""},
    {"ServiceSpec", "sessionAffinity", "\"None\""},
    {"ServicePort", "protocol", "\"TCP\""},
    {"DeploymentSpec", "replicas", "1"},
    {"DeploymentSpec", "revisionHistoryLimit", "10"},
    {"DeploymentSpec", "progressDeadlineSeconds", "600"},
    {"DeploymentSpec", "strategy", "{\"type\":\"RollingUpdate\"}"},
    {"DeploymentStrategy", "type", "\"RollingUpdate\""},
    {"RollingUpdateDeployment", "maxUnavailable", "\"25%\""},
    {"RollingUpdateDeployment", "maxSurge", "\"25%\""},
    {"ReplicaSetSpec", "replicas", "1"},
    {"ReplicationControllerSpec", "replicas", "1"},
    {"StatefulSetSpec", "replicas", "1"},
    {"StatefulSetSpec", "revisionHistoryLimit", "10"},
    {"StatefulSetSpec", "podManagementPolicy", "\"OrderedReady\""},
    {"StatefulSetSpec", "updateStrategy", "{\"type\":\"RollingUpdate\"}"},
    {"StatefulSetSpec", "persistentVolumeClaimRetentionPolicy",
     "{\"whenDeleted\":\"Retain\",\"whenScaled\":\"Retain\"}"},
    {"StatefulSetUpdateStrategy", "type", "\"RollingUpdate\""},
    {"RollingUpdateStatefulSetStrategy", "partition", "0"},
    {"DaemonSetSpec", "revisionHistoryLimit", "10"},
    {"DaemonSetSpec", "updateStrategy", "{\"type\":\"RollingUpdate\"}"},
    {"DaemonSetUpdateStrategy", "type", "\"RollingUpdate\""},
    {"RollingUpdateDaemonSet", "maxUnavailable", "1"},
    {"RollingUpdateDaemonSet", "maxSurge", "0"},
    {"CronJobSpec", "concurrencyPolicy", "\"Allow\""},
    {"CronJobSpec", "suspend", "false"},
    {"CronJobSpec", "successfulJobsHistoryLimit", "3"},
    {"CronJobSpec", "failedJobsHistoryLimit", "1"},
    {"PersistentVolumeClaim", "status", "{\"phase\":\"Pending\"}"},
    {"PersistentVolumeClaimSpec", "volumeMode", "\"Filesystem\""},
    {"PersistentVolume", "status", "{\"phase\":\"Pending\"}"},
    {"PersistentVolumeSpec", "volumeMode", "\"Filesystem\""},
    {"PersistentVolumeSpec", "persistentVolumeReclaimPolicy", "\"Retain\""},
    {"Secret", "type", "\"Opaque\""},
    {"StorageClass", "reclaimPolicy", "\"Delete\""},
    {"StorageClass", "volumeBindingMode", "\"Immediate\""},
    {"NetworkPolicyPort", "protocol", "\"TCP\""},
    {"PriorityClass", "preemptionPolicy", "\"PreemptLowerPriority\""},
    {"EndpointPort", "protocol", "\"TCP\""},
    {"discovery.v1.EndpointPort", "name", "\"\""},
    {"HorizontalPodAutoscalerSpec", "minReplicas", "1"},
    {"RoleRef", "apiGroup", "\"rbac.authorization.k8s.io\""},
};

static value parse(struct arena *a, const char *json)
{
    value v;
    return json_parse(str_of(json), NULL, a, &v, NULL) < 0 ? VALUE_ABSENT : v;
}

static bool same(value x, value y) { return x.doc == y.doc && x.at == y.at; }

/* ---- what a constant cannot say ---- */

/* A result under construction: `fresh` is a map of our own once something has to be added. */
struct fill {
    struct arena *a;
    value from, fresh;
};

static value own(struct fill *f)
{
    if (value_exists(f->fresh))
        return f->fresh;
    f->fresh = value_new_map(f->a);
    for (struct value_iter it = value_iter(f->from); value_next(&it);)
        value_set(f->a, f->fresh, it.key, it.val);
    return f->fresh;
}

static value seen(const struct fill *f, const char *key)
{
    return value_get(value_exists(f->fresh) ? f->fresh : f->from, str_of(key));
}

static void add_missing(struct fill *f, const char *key, value v)
{
    if (value_is_nil(seen(f, key)))
        value_set(f->a, own(f), str_of(key), v);
}

static void fill_container(struct fill *f)
{
    str image = value_str(seen(f, "image"));
    str last = str_from(image, (size_t)(str_rfind_char(image, '/') + 1));
    ptrdiff_t colon = str_rfind_char(last, ':');
    bool latest = str_find_char(last, '@') < 0 &&
                  (colon < 0 || str_is(str_from(last, (size_t)colon + 1), "latest"));
    add_missing(f, "imagePullPolicy", parse(f->a, latest ? "\"Always\"" : "\"IfNotPresent\""));
}

static void fill_service_port(struct fill *f)
{
    value port = seen(f, "port");
    value target = seen(f, "targetPort");
    if (value_exists(port) &&
        (value_is_nil(target) || (value_is_number(target) && !value_int(target))))
        value_set(f->a, own(f), STR("targetPort"), port);
}

static void fill_service(struct fill *f)
{
    str type = value_str(seen(f, "type"));
    if (str_is(value_str(seen(f, "sessionAffinity")), "ClientIP"))
        add_missing(f, "sessionAffinityConfig",
                    parse(f->a, "{\"clientIP\":{\"timeoutSeconds\":10800}}"));
    if (str_is(type, "ClusterIP") || str_is(type, "NodePort") || str_is(type, "LoadBalancer"))
        add_missing(f, "internalTrafficPolicy", parse(f->a, "\"Cluster\""));
    if (str_is(type, "NodePort") || str_is(type, "LoadBalancer"))
        add_missing(f, "externalTrafficPolicy", parse(f->a, "\"Cluster\""));
    if (str_is(type, "LoadBalancer"))
        add_missing(f, "allocateLoadBalancerNodePorts", parse(f->a, "true"));
}

static void fill_rolling(struct fill *f)
{
    if (str_is(value_str(seen(f, "type")), "RollingUpdate"))
        add_missing(f, "rollingUpdate", value_new_map(f->a));
}

/* Of Jobs themselves: the template in a CronJob stays as it is written. */
static void fill_job(struct fill *f)
{
    struct fill spec = {.a = f->a, .from = seen(f, "spec")};
    if (!value_is_map(spec.from))
        return;
    if (value_is_nil(seen(&spec, "completions")) && value_is_nil(seen(&spec, "parallelism")))
        add_missing(&spec, "completions", parse(f->a, "1"));
    bool policy = !value_is_nil(seen(&spec, "podFailurePolicy"));
    add_missing(&spec, "parallelism", parse(f->a, "1"));
    add_missing(&spec, "backoffLimit", parse(f->a, "6"));
    add_missing(&spec, "completionMode", parse(f->a, "\"NonIndexed\""));
    add_missing(&spec, "suspend", parse(f->a, "false"));
    add_missing(&spec, "podReplacementPolicy",
                parse(f->a, policy ? "\"Failed\"" : "\"TerminatingOrFailed\""));
    if (value_exists(spec.fresh))
        value_set(f->a, own(f), STR("spec"), spec.fresh);
}

static void fill_network_policy(struct fill *f)
{
    value types = parse(f->a, "[\"Ingress\"]");
    if (value_len(seen(f, "policyTypes")))
        return;
    if (value_len(seen(f, "egress")))
        value_push(f->a, types, parse(f->a, "\"Egress\""));
    value_set(f->a, own(f), STR("policyTypes"), types);
}

static void fill_subject(struct fill *f)
{
    str kind = value_str(seen(f, "kind"));
    if (str_is(kind, "User") || str_is(kind, "Group"))
        add_missing(f, "apiGroup", parse(f->a, "\"rbac.authorization.k8s.io\""));
}

static const struct {
    const char *type;
    void (*fill)(struct fill *f);
} functions[] = {
    {"Container", fill_container},
    {"EphemeralContainer", fill_container},
    {"ServicePort", fill_service_port},
    {"ServiceSpec", fill_service},
    {"DeploymentStrategy", fill_rolling},
    {"StatefulSetUpdateStrategy", fill_rolling},
    {"DaemonSetUpdateStrategy", fill_rolling},
    {"Job", fill_job},
    {"NetworkPolicySpec", fill_network_policy},
    {"Subject", fill_subject},
};

/* ---- the walk ---- */

/* The last parts of a definition's name: "PodSpec", "discovery.v1.EndpointPort". */
static bool is_type(const struct kube_schema *s, const char *type)
{
    str t = str_of(type);
    return str_ends(s->name, t) && s->name.len > t.len &&
           s->name.at[s->name.len - t.len - 1] == '.';
}

static value fill_struct(const struct kube_schema *s, value v, struct arena *a)
{
    struct fill f = {.a = a, .from = v};
    for (size_t i = 0; i < ARRAY_LEN(rules); i++)
        if (is_type(s, rules[i].type) && kube_schema_field(s, str_of(rules[i].field)))
            add_missing(&f, rules[i].field, parse(a, rules[i].json));
    for (size_t i = 0; i < ARRAY_LEN(functions); i++)
        if (is_type(s, functions[i].type))
            functions[i].fill(&f);
    return value_exists(f.fresh) ? f.fresh : v;
}

static value walk(const struct kube_schema *s, value v, value was, struct arena *a);

static value walk_map(const struct kube_schema *s, value v, value was, struct arena *a)
{
    value filled = s->type == KUBE_STRUCT && s->name.len ? fill_struct(s, v, a) : v;
    struct fill f = {.a = a, .from = filled};
    for (struct value_iter it = value_iter(filled); value_next(&it);) {
        value child = walk(kube_schema_child(s, it.key), it.val, value_get(was, it.key), a);
        if (!same(child, it.val))
            value_set(a, own(&f), it.key, child);
    }
    return value_exists(f.fresh) ? f.fresh : filled;
}

static value walk_list(const struct kube_schema *s, value v, value was, struct arena *a)
{
    value fresh = VALUE_ABSENT;
    for (struct value_iter it = value_iter(v); value_next(&it);) {
        value child = walk(s->elem, it.val, value_at(was, it.i), a);
        if (!value_exists(fresh) && !same(child, it.val)) {
            fresh = value_new_list(a);
            for (size_t i = 0; i < it.i; i++)
                value_push(a, fresh, value_at(v, i));
        }
        if (value_exists(fresh))
            value_push(a, fresh, child);
    }
    return value_exists(fresh) ? fresh : v;
}

static value walk(const struct kube_schema *s, value v, value was, struct arena *a)
{
    if (!s || value_same_place(v, was))
        return v;
    if (value_is_map(v) && (s->type == KUBE_STRUCT || s->type == KUBE_MAP))
        return walk_map(s, v, was, a);
    if (value_is_list(v) && s->type == KUBE_LIST)
        return walk_list(s, v, was, a);
    return v;
}

value kube_defaults(const struct kube_schema *s, value object, struct arena *a)
{
    return walk(s, object, VALUE_ABSENT, a);
}

value kube_defaults_since(const struct kube_schema *s, value object, value was, struct arena *a)
{
    return walk(s, object, was, a);
}
