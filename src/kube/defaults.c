/* kube/defaults.c */
#include "kube/defaults.h"

#include "kube/object.h"
#include "value/json.h"

struct rule {
    const char *type; /* short name of the definition */
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
    {"JobSpec", "backoffLimit", "6"},
    {"JobSpec", "completionMode", "\"NonIndexed\""},
    {"JobSpec", "suspend", "false"},
    {"JobSpec", "podReplacementPolicy", "\"TerminatingOrFailed\""},
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
    if (value_exists(port))
        add_missing(f, "targetPort", port);
}

static void fill_service(struct fill *f)
{
    str type = value_str(seen(f, "type"));
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

static void fill_job(struct fill *f)
{
    if (value_is_nil(seen(f, "completions")) && value_is_nil(seen(f, "parallelism")))
        add_missing(f, "completions", parse(f->a, "1"));
    add_missing(f, "parallelism", parse(f->a, "1"));
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
    {"JobSpec", fill_job},
    {"NetworkPolicySpec", fill_network_policy},
    {"Subject", fill_subject},
};

/* ---- the walk ---- */

static value fill_struct(const struct kube_schema *s, value v, struct arena *a)
{
    struct fill f = {.a = a, .from = v};
    str type = kube_schema_short_name(s);
    for (size_t i = 0; i < ARRAY_LEN(rules); i++)
        if (str_is(type, rules[i].type) && kube_schema_field(s, str_of(rules[i].field)))
            add_missing(&f, rules[i].field, parse(a, rules[i].json));
    for (size_t i = 0; i < ARRAY_LEN(functions); i++)
        if (str_is(type, functions[i].type))
            functions[i].fill(&f);
    return value_exists(f.fresh) ? f.fresh : v;
}

static value walk_map(const struct kube_schema *s, value v, struct arena *a)
{
    value filled = s->type == KUBE_STRUCT && s->name.len ? fill_struct(s, v, a) : v;
    struct fill f = {.a = a, .from = filled};
    for (struct value_iter it = value_iter(filled); value_next(&it);) {
        value child = kube_defaults(kube_schema_child(s, it.key), it.val, a);
        if (!same(child, it.val))
            value_set(a, own(&f), it.key, child);
    }
    return value_exists(f.fresh) ? f.fresh : filled;
}

static value walk_list(const struct kube_schema *s, value v, struct arena *a)
{
    value fresh = VALUE_ABSENT;
    for (struct value_iter it = value_iter(v); value_next(&it);) {
        value child = kube_defaults(s->elem, it.val, a);
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

value kube_defaults(const struct kube_schema *s, value object, struct arena *a)
{
    if (s && value_is_map(object) && (s->type == KUBE_STRUCT || s->type == KUBE_MAP))
        return walk_map(s, object, a);
    if (s && value_is_list(object) && s->type == KUBE_LIST)
        return walk_list(s, object, a);
    return object;
}
