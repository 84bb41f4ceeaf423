/* microkube/workloads/other.c: Job, PersistentVolumeClaim, Service and Ingress. */
#include <inttypes.h>

#include "microkube/workloads.h"

/* ---- Job ---- */

static void finish_job(struct microkube *mk, struct arena *a, value status, bool failed)
{
    static const char *const names[2][2] = {{"SuccessCriteriaMet", "Complete"},
                                            {"FailureTarget", "Failed"}};
    str message = failed ? STR("Job has reached the specified backoff limit")
                         : STR("Reached expected number of succeeded pods");
    str now = time_str(a, mk_now(mk));
    value list = value_edit_list(a, status, STR("conditions"));
    for (int i = 0; i < 2; i++) {
        value v = value_new_map(a);
        value_set_str(a, v, "lastProbeTime", now);
        value_set_str(a, v, "lastTransitionTime", now);
        value_set_str(a, v, "message", message);
        value_set_str(a, v, "reason",
                      failed ? STR("BackoffLimitExceeded") : STR("CompletionsReached"));
        value_set_str(a, v, "status", STR("True"));
        value_set_str(a, v, "type", str_of(names[failed][i]));
        value_push(a, list, v);
    }
    if (!failed)
        value_set_str(a, status, "completionTime", now);
}

static bool job_is_finished(value job)
{
    return value_exists(mk_condition_find(job, "Complete")) ||
           value_exists(mk_condition_find(job, "Failed"));
}

void mk_job_controller(struct microkube *mk, struct mk_object *o, struct arena *a)
{
    value job = doc_root(o->doc), status = value_new_map(a);
    if (object_is_deleting(job) || job_is_finished(job))
        return;
    bool suspended = value_bool(value_path(job, "spec.suspend"));
    int64_t want = value_exists(value_path(job, "spec.completions"))
                       ? value_int(value_path(job, "spec.completions"))
                       : 1;
    int64_t parallel = value_int(value_path(job, "spec.parallelism")), active = 0, ready = 0,
            succeeded = 0, failed = 0;
    int64_t limit = value_int(value_path(job, "spec.backoffLimit"));
    struct mk_children pods = mk_children_of(mk, o, "Pod", a);
    for (size_t i = 0; i < pods.n; i++) {
        value pod = doc_root(pods.at[i]->doc);
        succeeded += str_is(value_path_str(pod, "status.phase"), "Succeeded");
        failed += str_is(value_path_str(pod, "status.phase"), "Failed");
        active += !mk_pod_is_done(pod);
        ready += mk_pod_is_ready(pod);
    }
    bool fails = str_is(object_annotation(job, MK_FAIL), "job-failed") || failed > limit;
    if (!suspended && !(fails && failed))
        for (; active + succeeded < want && active < parallel; active++)
            if (!mk_pod_create(mk, o, value_path(job, "spec.template"), STR(""), "", STR(""), a))
                break;
    value_setz(a, status, "conditions", value_path(job, "status.conditions"));
    mk_set_count(a, status, "active", active);
    mk_set_count(a, status, "failed", failed);
    value_setz(a, status, "ready", value_of_int(a, ready));
    str start = value_path_str(job, "status.startTime");
    if (!suspended)
        value_set_str(a, status, "startTime", start.len ? start : time_str(a, mk_now(mk)));
    mk_set_count(a, status, "succeeded", succeeded);
    mk_set_count(a, status, "terminating", 0);
    value_setz(a, status, "terminating", value_of_int(a, 0));
    value_setz(a, status, "uncountedTerminatedPods", value_new_map(a));
    if (suspended)
        mk_condition_set(mk, a, status,
                         &(struct mk_condition){"Suspended", "True", "JobSuspended",
                                                STR("Job suspended"), false});
    else if (succeeded >= want)
        finish_job(mk, a, status, false);
    else if (fails && failed && !active)
        finish_job(mk, a, status, true);
    mk_status_update(mk, o, status, a);
}

/* ---- volumes ---- */

static bool claim_is_used(struct microkube *mk, struct mk_object *o)
{
    size_t n;
    struct mk_object **pods = mk_range(mk_storage_find(mk, STR(""), STR("pods")), o->ns, &n);
    for (size_t i = 0; i < n; i++)
        for (struct value_iter it = value_iter(value_path(doc_root(pods[i]->doc), "spec.volumes"));
             value_next(&it);)
            if (str_eq(value_path_str(it.val, "persistentVolumeClaim.claimName"), o->name))
                return true;
    return false;
}

/* The protection finalizer of a deleted claim goes when no pod uses it; looked at each second until
 * then. */
static void release_claim(struct microkube *mk, struct mk_object *o, struct arena *a)
{
    value v = value_edit(a, doc_root(o->doc)), kept = value_new_list(a);
    if (!object_has_finalizer(v, STR("kubernetes.io/pvc-protection")))
        return;
    if (claim_is_used(mk, o)) {
        mk_enqueue_at(mk, o, mk_now(mk) + USEC_PER_SEC);
        return;
    }
    for (struct value_iter it = value_iter(object_finalizers(v)); value_next(&it);)
        if (!str_is(value_str(it.val), "kubernetes.io/pvc-protection"))
            value_push(a, kept, it.val);
    value meta = value_edit_map(a, v, STR("metadata"));
    value_setz(a, meta, "finalizers", value_len(kept) ? kept : VALUE_ABSENT);
    o = mk_controller_update(mk, o, v, a);
    if (o)
        mk_enqueue(mk, o);
}

void mk_pvc_controller(struct microkube *mk, struct mk_object *o, struct arena *a)
{
    value pvc = doc_root(o->doc);
    if (object_is_deleting(pvc)) {
        release_claim(mk, o, a);
        return;
    }
    if (str_is(value_path_str(pvc, "status.phase"), "Bound") ||
        str_is(object_annotation(pvc, MK_FAIL), "never-ready"))
        return;
    value v = value_edit(a, pvc), status = value_new_map(a);
    value_setz(a, status, "accessModes", value_path(pvc, "spec.accessModes"));
    value_set_path(a, status, "capacity.storage",
                   value_path(pvc, "spec.resources.requests.storage"));
    value_set_str(a, status, "phase", STR("Bound"));
    if (!value_path_str(pvc, "spec.volumeName").len)
        value_set_path(a, v, "spec.volumeName", value_of_str(a, ARENA_CAT(a, STR("pvc-"), o->uid)));
    value_setz(a, v, "status", status);
    mk_controller_update(mk, o, v, a);
}

/* ---- load balancers ---- */

static void set_address(struct microkube *mk, struct mk_object *o, struct arena *a)
{
    value v = doc_root(o->doc);
    str address = object_annotation(v, MK_ADDRESS);
    if (!address.len)
        return;
    value status = value_new_map(a), lb = value_edit_map(a, status, STR("loadBalancer"));
    value list = value_edit_list(a, lb, STR("ingress")), one = value_new_map(a);
    bool ip = true;
    for (size_t i = 0; i < address.len; i++)
        ip = ip && (strchr("0123456789.:", address.at[i]) != NULL);
    value_set_str(a, one, ip ? "ip" : "hostname", address);
    value_push(a, list, one);
    mk_status_update(mk, o, status, a);
}

void mk_ingress_controller(struct microkube *mk, struct mk_object *o, struct arena *a)
{
    set_address(mk, o, a);
}

void mk_service_controller(struct microkube *mk, struct mk_object *o, struct arena *a)
{
    value service = doc_root(o->doc);
    if (object_is_deleting(service))
        return;
    if (str_is(value_path_str(service, "spec.type"), "LoadBalancer"))
        set_address(mk, o, a);
    mk_write_endpoints(mk, o, a);
}
