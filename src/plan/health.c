#include "plan/health.h"

#include "kube/object.h"
#include "plan/compare.h"
#include "value/json.h"

/* One check a kind. It gets an object of any version that `versions` names ("" any); another
 * version is Unknown with a text. */
typedef struct health check_fn(value o, struct arena *a);

static struct health health_make(enum health_code code, str message)
{
    return (struct health){code, message};
}

static struct health health_say(enum health_code code, const char *message)
{
    return (struct health){code, str_of(message)};
}

static value condition_find(value o, const char *type)
{
    for (struct value_iter it = value_iter(value_path(o, "status.conditions")); value_next(&it);)
        if (str_is(value_str(value_getz(it.val, "type")), type))
            return it.val;
    return VALUE_ABSENT;
}

static int64_t number_at(value o, const char *path) { return value_int(value_path(o, path)); }

static bool observed(value o)
{
    return object_generation(o) <= number_at(o, "status.observedGeneration");
}

/* ---- Pod ---- */

static bool pod_reason_is_bad(str reason)
{
    return str_starts(reason, STR("Err")) || str_ends(reason, STR("Error")) ||
           str_ends(reason, STR("BackOff"));
}

static str pod_container_failure(value status, struct arena *a)
{
    value t = value_path(status, "state.terminated");
    str message = value_str(value_getz(t, "message"));
    if (message.len)
        return message;
    if (str_is(value_str(value_getz(t, "reason")), "OOMKilled"))
        return STR("OOMKilled");
    int64_t code = value_int(value_getz(t, "exitCode"));
    if (!code)
        return STR("");
    return arena_printf(a, "container \"%.*s\" failed with exit code %lld",
                        STR_FMT(value_str(value_getz(status, "name"))), (long long)code);
}

static struct health pod_failed(value o, struct arena *a)
{
    static const char *const lists[] = {"status.initContainerStatuses", "status.containerStatuses"};
    str message = value_path_str(o, "status.message");
    for (size_t i = 0; i < ARRAY_LEN(lists) && !message.len; i++)
        for (struct value_iter it = value_iter(value_path(o, lists[i]));
             value_next(&it) && !message.len;)
            message = pod_container_failure(it.val, a);
    return health_make(HEALTH_DEGRADED, message);
}

static bool pod_waits_badly(value o, struct arena *a, str *ret_message)
{
    bool bad = false;
    str text = STR("");
    for (struct value_iter it = value_iter(value_path(o, "status.containerStatuses"));
         value_next(&it);) {
        value waiting = value_path(it.val, "state.waiting");
        if (!pod_reason_is_bad(value_str(value_getz(waiting, "reason"))))
            continue;
        text = ARENA_CAT(a, text, bad ? STR(", ") : STR(""),
                         value_str(value_getz(waiting, "message")));
        bad = true;
    }
    *ret_message = text;
    return bad;
}

static struct health pod_running(value o, bool restarts, str policy, str message)
{
    if (!restarts) {
        bool known = str_is(policy, "OnFailure") || str_is(policy, "Never");
        return health_make(known ? HEALTH_PROGRESSING : HEALTH_UNKNOWN, message);
    }
    if (str_is(value_str(value_getz(condition_find(o, "Ready"), "status")), "True"))
        return health_make(HEALTH_HEALTHY, message);
    for (struct value_iter it = value_iter(value_path(o, "status.containerStatuses"));
         value_next(&it);)
        if (value_is_map(value_path(it.val, "lastState.terminated")))
            return health_make(HEALTH_DEGRADED, message);
    return health_make(HEALTH_PROGRESSING, message);
}

static struct health check_pod(value o, struct arena *a)
{
    str policy = value_path_str(o, "spec.restartPolicy"), text;
    bool restarts = str_is(policy, "Always") ||
                    (str_is(object_annotation(o, STR(KEY_IGNORE_RESTART_POLICY)), "true") &&
                     !object_is_hook(o));
    if (restarts && pod_waits_badly(o, a, &text))
        return health_make(HEALTH_DEGRADED, text);
    str phase = value_path_str(o, "status.phase"), message = value_path_str(o, "status.message");
    if (str_is(phase, "Pending"))
        return health_make(HEALTH_PROGRESSING, message);
    if (str_is(phase, "Succeeded"))
        return health_make(HEALTH_HEALTHY, message);
    if (str_is(phase, "Failed"))
        return pod_failed(o, a);
    if (str_is(phase, "Running"))
        return pod_running(o, restarts, policy, message);
    return health_make(HEALTH_UNKNOWN, message);
}

/* ---- workloads ---- */

static struct health check_deployment(value o, struct arena *a)
{
    if (value_bool(value_path(o, "spec.paused")))
        return health_say(HEALTH_SUSPENDED, "Deployment is paused");
    if (!observed(o))
        return health_say(HEALTH_PROGRESSING,
                          "Waiting for rollout to finish: observed deployment generation less "
                          "than desired generation");
    value progressing = condition_find(o, "Progressing");
    if (str_is(value_str(value_getz(progressing, "reason")), "ProgressDeadlineExceeded"))
        return health_make(HEALTH_DEGRADED,
                           arena_printf(a, "Deployment \"%.*s\" exceeded its progress deadline",
                                        STR_FMT(object_name(o))));
    value wanted = value_path(o, "spec.replicas");
    int64_t updated = number_at(o, "status.updatedReplicas"), all = number_at(o, "status.replicas");
    int64_t available = number_at(o, "status.availableReplicas");
    if (value_is_number(wanted) && updated < value_int(wanted))
        return health_make(HEALTH_PROGRESSING,
                           arena_printf(a,
                                        "Waiting for rollout to finish: %lld out of %lld new "
                                        "replicas have been updated...",
                                        (long long)updated, (long long)value_int(wanted)));
    if (all > updated)
        return health_make(
            HEALTH_PROGRESSING,
            arena_printf(a,
                         "Waiting for rollout to finish: %lld old replicas are pending "
                         "termination...",
                         (long long)(all - updated)));
    if (available < updated)
        return health_make(HEALTH_PROGRESSING,
                           arena_printf(a,
                                        "Waiting for rollout to finish: %lld of %lld updated "
                                        "replicas are available...",
                                        (long long)available, (long long)updated));
    return health_say(HEALTH_HEALTHY, "");
}

static struct health check_replica_set(value o, struct arena *a)
{
    if (!observed(o))
        return health_say(HEALTH_PROGRESSING,
                          "Waiting for rollout to finish: observed replica set generation less "
                          "than desired generation");
    value failure = condition_find(o, "ReplicaFailure");
    if (str_is(value_str(value_getz(failure, "status")), "True"))
        return health_make(HEALTH_DEGRADED, value_str(value_getz(failure, "message")));
    value wanted = value_path(o, "spec.replicas");
    int64_t available = number_at(o, "status.availableReplicas");
    if (value_is_number(wanted) && available < value_int(wanted))
        return health_make(HEALTH_PROGRESSING,
                           arena_printf(a,
                                        "Waiting for rollout to finish: %lld out of %lld new "
                                        "replicas are available...",
                                        (long long)available, (long long)value_int(wanted)));
    return health_say(HEALTH_HEALTHY, "");
}

static struct health stateful_set_rolling(value o, value rolling, struct arena *a)
{
    value wanted = value_path(o, "spec.replicas"), partition = value_getz(rolling, "partition");
    int64_t updated = number_at(o, "status.updatedReplicas");
    int64_t fresh = value_int(wanted) - value_int(partition);
    if (value_is_number(wanted) && value_is_number(partition) && updated < fresh)
        return health_make(HEALTH_PROGRESSING,
                           arena_printf(a,
                                        "Waiting for partitioned roll out to finish: %lld out "
                                        "of %lld new pods have been updated...",
                                        (long long)updated, (long long)fresh));
    return health_make(
        HEALTH_HEALTHY,
        arena_printf(a, "partitioned roll out complete: %lld new pods have been updated...",
                     (long long)updated));
}

static struct health check_stateful_set(value o, struct arena *a)
{
    int64_t seen = number_at(o, "status.observedGeneration"),
            ready = number_at(o, "status.readyReplicas");
    if (!seen || object_generation(o) > seen)
        return health_say(HEALTH_PROGRESSING,
                          "Waiting for statefulset spec update to be observed...");
    value wanted = value_path(o, "spec.replicas");
    if (value_is_number(wanted) && ready < value_int(wanted))
        return health_make(HEALTH_PROGRESSING,
                           arena_printf(a, "Waiting for %lld pods to be ready...",
                                        (long long)(value_int(wanted) - ready)));
    str strategy = value_path_str(o, "spec.updateStrategy.type");
    value rolling = value_path(o, "spec.updateStrategy.rollingUpdate");
    if (str_is(strategy, "RollingUpdate") && value_is_map(rolling))
        return stateful_set_rolling(o, rolling, a);
    if (str_is(strategy, "OnDelete"))
        return health_make(HEALTH_HEALTHY,
                           arena_printf(a, "statefulset has %lld ready pods", (long long)ready));
    str update = value_path_str(o, "status.updateRevision"),
        current = value_path_str(o, "status.currentRevision");
    if (!str_eq(update, current))
        return health_make(
            HEALTH_PROGRESSING,
            arena_printf(a,
                         "waiting for statefulset rolling update to complete %lld pods at revision "
                         "%.*s...",
                         (long long)number_at(o, "status.updatedReplicas"), STR_FMT(update)));
    return health_make(
        HEALTH_HEALTHY,
        arena_printf(a, "statefulset rolling update complete %lld pods at revision %.*s...",
                     (long long)number_at(o, "status.currentReplicas"), STR_FMT(current)));
}

static struct health check_daemon_set(value o, struct arena *a)
{
    if (!observed(o))
        return health_say(HEALTH_PROGRESSING,
                          "Waiting for rollout to finish: observed daemon set generation less "
                          "than desired generation");
    long long updated = number_at(o, "status.updatedNumberScheduled");
    long long wanted = number_at(o, "status.desiredNumberScheduled");
    long long available = number_at(o, "status.numberAvailable");
    str name = object_name(o);
    if (str_is(value_path_str(o, "spec.updateStrategy.type"), "OnDelete"))
        return health_make(HEALTH_HEALTHY,
                           arena_printf(a, "daemon set %lld out of %lld new pods have been updated",
                                        updated, wanted));
    if (updated < wanted)
        return health_make(HEALTH_PROGRESSING,
                           arena_printf(a,
                                        "Waiting for daemon set \"%.*s\" rollout to finish: "
                                        "%lld out of %lld new pods have been updated...",
                                        STR_FMT(name), updated, wanted));
    if (available < wanted)
        return health_make(HEALTH_PROGRESSING,
                           arena_printf(a,
                                        "Waiting for daemon set \"%.*s\" rollout to finish: "
                                        "%lld of %lld updated pods are available...",
                                        STR_FMT(name), available, wanted));
    return health_say(HEALTH_HEALTHY, "");
}

/* The status of a Failed or Complete condition is not looked at; a Suspended one that is False
 * counts as done. */
static struct health check_job(value o, struct arena *a)
{
    bool failed = false, done = false, suspended = false;
    str message = STR(""), failure = STR("");
    (void)a;
    for (struct value_iter it = value_iter(value_path(o, "status.conditions")); value_next(&it);) {
        str type = value_str(value_getz(it.val, "type")),
            text = value_str(value_getz(it.val, "message"));
        if (str_is(type, "Failed")) {
            failed = done = true;
            failure = text;
        } else if (str_is(type, "Complete") || str_is(type, "Suspended")) {
            done = true;
            message = text;
            suspended |= str_is(type, "Suspended") &&
                         str_is(value_str(value_getz(it.val, "status")), "True");
        }
    }
    if (!done)
        return health_make(HEALTH_PROGRESSING, message);
    if (failed)
        return health_make(HEALTH_DEGRADED, failure);
    return health_make(suspended ? HEALTH_SUSPENDED : HEALTH_HEALTHY, message);
}

static struct health check_cron_job(value o, struct arena *a)
{
    (void)a;
    value status = value_getz(o, "status");
    if (value_bool(value_path(o, "spec.suspend")))
        return health_say(HEALTH_HEALTHY, "CronJob is Suspended");
    if (value_is_nil(status))
        return health_say(HEALTH_PROGRESSING, "Waiting for CronJob");
    str scheduled = value_str(value_getz(status, "lastScheduleTime"));
    str succeeded = value_str(value_getz(status, "lastSuccessfulTime"));
    if (!scheduled.len)
        return health_say(HEALTH_HEALTHY, "CronJob has not been scheduled yet");
    if (!succeeded.len)
        return health_say(HEALTH_HEALTHY,
                          "The CronJob never completed successfully. It may not be healthy");
    if (value_len(value_getz(status, "active")))
        return health_say(HEALTH_HEALTHY,
                          "The job is running. Its last execution may not have been successful");
    if (str_cmp(succeeded, scheduled) < 0)
        return health_say(HEALTH_DEGRADED,
                          "CronJob has not completed its last execution successfully");
    return health_say(HEALTH_HEALTHY, "CronJob has completed its last execution successfully");
}

/* ---- network, storage ---- */

static struct health check_service(value o, struct arena *a)
{
    (void)a;
    bool waits = str_is(value_path_str(o, "spec.type"), "LoadBalancer") &&
                 !value_len(value_path(o, "status.loadBalancer.ingress"));
    return health_say(waits ? HEALTH_PROGRESSING : HEALTH_HEALTHY, "");
}

static struct health check_ingress(value o, struct arena *a)
{
    (void)a;
    bool ready = value_len(value_path(o, "status.loadBalancer.ingress")) > 0;
    return health_say(ready ? HEALTH_HEALTHY : HEALTH_PROGRESSING, "");
}

struct phase_health {
    const char *phase;
    enum health_code code;
};

static enum health_code phase_code(const struct phase_health *table, size_t n, str phase)
{
    for (size_t i = 0; i < n; i++)
        if (str_is(phase, table[i].phase))
            return table[i].code;
    return HEALTH_UNKNOWN;
}

static struct health check_claim(value o, struct arena *a)
{
    static const struct phase_health phases[] = {{"Lost", HEALTH_DEGRADED},
                                                 {"Pending", HEALTH_PROGRESSING},
                                                 {"Bound", HEALTH_HEALTHY}};
    (void)a;
    return health_say(phase_code(phases, ARRAY_LEN(phases), value_path_str(o, "status.phase")), "");
}

static struct health check_workflow(value o, struct arena *a)
{
    static const struct phase_health phases[] = {{"", HEALTH_PROGRESSING},
                                                 {"Pending", HEALTH_PROGRESSING},
                                                 {"Running", HEALTH_PROGRESSING},
                                                 {"Succeeded", HEALTH_HEALTHY},
                                                 {"Failed", HEALTH_DEGRADED},
                                                 {"Error", HEALTH_DEGRADED}};
    (void)a;
    return health_make(phase_code(phases, ARRAY_LEN(phases), value_path_str(o, "status.phase")),
                       value_path_str(o, "status.message"));
}

/* ---- autoscaling ---- */

static bool autoscaler_is_degraded(str type, str reason)
{
    static const struct {
        const char *type, *reason;
    } bad[] = {
        {"AbleToScale", "FailedGetScale"},
        {"AbleToScale", "FailedUpdateScale"},
        {"ScalingActive", "FailedGetResourceMetric"},
        {"ScalingActive", "FailedGetObjectMetric"},
        {"ScalingActive", "FailedGetPodsMetric"},
        {"ScalingActive", "FailedGetExternalMetric"},
        {"ScalingActive", "FailedComputeMetricsReplicas"},
        {"ScalingActive", "InvalidSelector"},
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        if (str_is(type, bad[i].type) && str_is(reason, bad[i].reason))
            return true;
    return false;
}

/* Go reads the annotation's members without regard to case. */
static str member_any_case(value map, const char *key)
{
    for (struct value_iter it = value_iter(map); value_next(&it);)
        if (str_ieq(it.key, str_of(key)))
            return value_str(it.val);
    return STR("");
}

static struct health check_autoscaler(value o, struct arena *a)
{
    value conditions = value_path(o, "status.conditions");
    if (str_is(object_version(o), "v1")) {
        static const str key = STR_INIT("autoscaling.alpha.kubernetes.io/conditions");
        struct err err;
        conditions = VALUE_ABSENT;
        if (object_has_annotation(o, key) &&
            json_parse(object_annotation(o, key), NULL, a, &conditions, &err))
            return health_make(HEALTH_UNKNOWN,
                               arena_printf(a,
                                            "failed to convert conditions annotation to typed: %s",
                                            err.text));
    }
    for (int round = 0; round < 2; round++) {
        for (struct value_iter it = value_iter(conditions); value_next(&it);) {
            str type = member_any_case(it.val, "type"),
                message = member_any_case(it.val, "message");
            if (!round && autoscaler_is_degraded(type, member_any_case(it.val, "reason")))
                return health_make(HEALTH_DEGRADED, message);
            if (round && (str_is(type, "AbleToScale") || str_is(type, "ScalingLimited")) &&
                str_is(member_any_case(it.val, "status"), "True"))
                return health_make(HEALTH_HEALTHY, message);
        }
    }
    return health_say(HEALTH_PROGRESSING, "Waiting to Autoscale");
}

static struct health check_api_service(value o, struct arena *a)
{
    value c = condition_find(o, "Available");
    if (!value_exists(c))
        return health_say(HEALTH_PROGRESSING, "Waiting to be processed");
    bool up = str_is(value_str(value_getz(c, "status")), "True");
    return health_make(up ? HEALTH_HEALTHY : HEALTH_PROGRESSING,
                       ARENA_CAT(a, value_str(value_getz(c, "reason")), STR(": "),
                                 value_str(value_getz(c, "message"))));
}

/* ---- policy and extensions (Lua scripts upstream) ---- */

static bool condition_is(value c, const char *type, const char *status)
{
    return str_is(value_str(value_getz(c, "type")), type) &&
           str_is(value_str(value_getz(c, "status")), status);
}

static struct health check_definition(value o, struct arena *a)
{
    static const struct {
        const char *type, *status, *text;
        enum health_code code;
    } bad[] = {{"Terminating", "True", "CRD is terminating: ", HEALTH_PROGRESSING},
               {"NamesAccepted", "False", "CRD names have not been accepted: ", HEALTH_DEGRADED},
               {"NonStructuralSchema", "True", "Schema violations found: ", HEALTH_DEGRADED}};
    value conditions = value_path(o, "status.conditions");
    bool established = false;
    if (!value_len(conditions))
        return health_say(HEALTH_PROGRESSING, "Status conditions not found");
    for (struct value_iter it = value_iter(conditions); value_next(&it);) {
        for (size_t i = 0; i < ARRAY_LEN(bad); i++)
            if (condition_is(it.val, bad[i].type, bad[i].status))
                return health_make(bad[i].code,
                                   ARENA_CAT(a, str_of(bad[i].text),
                                             value_str(value_getz(it.val, "message"))));
        if (condition_is(it.val, "Established", "True"))
            established = true;
        else if (str_is(value_str(value_getz(it.val, "type")), "Established") &&
                 str_is(value_str(value_getz(it.val, "reason")), "Installing"))
            return health_say(HEALTH_PROGRESSING, "CRD is being installed");
    }
    return established ? health_say(HEALTH_HEALTHY, "CRD is healthy")
                       : health_say(HEALTH_DEGRADED, "CRD is not established");
}

static struct health check_disruption_budget(value o, struct arena *a)
{
    struct health h = health_say(HEALTH_PROGRESSING, "Waiting for status");
    for (struct value_iter it = value_iter(value_path(o, "status.conditions")); value_next(&it);) {
        str reason = value_str(value_getz(it.val, "reason"));
        h.message = ARENA_CAT(a, STR("PodDisruptionBudget has "), reason);
        h.code = HEALTH_HEALTHY;
        if (str_is(value_str(value_getz(it.val, "status")), "False") &&
            !str_is(reason, "InsufficientPods"))
            return health_make(HEALTH_DEGRADED, h.message);
    }
    return h;
}

static struct health check_application_set(value o, struct arena *a)
{
    static const struct {
        const char *type, *status;
        enum health_code code;
    } rules[] = {{"ErrorOccurred", "True", HEALTH_DEGRADED},
                 {"ResourcesUpToDate", "False", HEALTH_DEGRADED},
                 {"RolloutProgressing", "True", HEALTH_PROGRESSING},
                 {"ResourcesUpToDate", "True", HEALTH_HEALTHY}};
    (void)a;
    for (size_t i = 0; i < ARRAY_LEN(rules); i++)
        for (struct value_iter it = value_iter(value_path(o, "status.conditions"));
             value_next(&it);)
            if (condition_is(it.val, rules[i].type, rules[i].status))
                return health_make(rules[i].code, value_str(value_getz(it.val, "message")));
    return health_say(HEALTH_PROGRESSING, "Waiting for the status to be reported");
}

/* ---- table ---- */

static const struct {
    const char *group, *kind;
    const char *versions; /* comma list; "" any */
    check_fn *check;
} checks[] = {
    {"apps", "Deployment", "v1", check_deployment},
    {"apps", "StatefulSet", "v1", check_stateful_set},
    {"apps", "ReplicaSet", "v1", check_replica_set},
    {"apps", "DaemonSet", "v1", check_daemon_set},
    {"", "Pod", "v1", check_pod},
    {"", "Service", "v1", check_service},
    {"", "PersistentVolumeClaim", "v1", check_claim},
    {"batch", "Job", "v1", check_job},
    {"batch", "CronJob", "", check_cron_job},
    {"networking.k8s.io", "Ingress", "", check_ingress},
    {"extensions", "Ingress", "", check_ingress},
    {"autoscaling", "HorizontalPodAutoscaler", "v1,v2", check_autoscaler},
    {"apiregistration.k8s.io", "APIService", "v1,v1beta1", check_api_service},
    {"argoproj.io", "Workflow", "", check_workflow},
    {"argoproj.io", "ApplicationSet", "", check_application_set},
    {"apiextensions.k8s.io", "CustomResourceDefinition", "", check_definition},
    {"policy", "PodDisruptionBudget", "", check_disruption_budget},
};

static bool version_served(const char *versions, str version)
{
    str rest = str_of(versions), piece;
    if (!rest.len)
        return true;
    while (str_next(&rest, ',', &piece))
        if (str_eq(piece, version))
            return true;
    return false;
}

/* Upstream's words for a version it has no type for. */
static struct health version_unknown(value o, struct arena *a)
{
    struct kube_gvk g = object_gvk(o);
    str kind = str_is(g.kind, "HorizontalPodAutoscaler") ? STR("HPA") : g.kind;
    return health_make(HEALTH_UNKNOWN,
                       arena_printf(a, "unsupported %.*s GVK: %.*s/%.*s, Kind=%.*s", STR_FMT(kind),
                                    STR_FMT(g.group), STR_FMT(g.version), STR_FMT(g.kind)));
}

struct health health_of(value live, struct arena *a)
{
    if (!value_is_map(live))
        return (struct health){HEALTH_NONE, STR("")};
    if (object_is_deleting(live) && !object_has_finalizer(live, STR(FINALIZER_HOOK)))
        return health_say(HEALTH_PROGRESSING, "Pending deletion");
    struct kube_gvk g = object_gvk(live);
    for (size_t i = 0; i < ARRAY_LEN(checks); i++) {
        if (!str_is(g.kind, checks[i].kind) || !str_is(g.group, checks[i].group))
            continue;
        if (!version_served(checks[i].versions, g.version))
            return version_unknown(live, a);
        return checks[i].check(live, a);
    }
    return (struct health){HEALTH_NONE, STR("")};
}

enum op_phase health_hook_phase(const struct health *h)
{
    switch (h->code) {
    case HEALTH_UNKNOWN:
    case HEALTH_DEGRADED: return OP_FAILED;
    case HEALTH_PROGRESSING:
    case HEALTH_SUSPENDED: return OP_RUNNING;
    default: return OP_SUCCEEDED;
    }
}
