/* microkube/workloads/pod.c: scheduler and kubelet of the one node: a pod runs at once, after its
 * `ready-after`, or fails the way its annotation says. */
#include <inttypes.h>

#include "microkube/workloads.h"

enum fate { FATE_READY, FATE_CRASH, FATE_PULL, FATE_NEVER_READY, FATE_FAILED };

static const struct {
    const char *name;
    enum fate fate;
} fates[] = {{"crash-loop", FATE_CRASH},
             {"image-pull", FATE_PULL},
             {"never-ready", FATE_NEVER_READY},
             {"job-failed", FATE_FAILED}};

static enum fate fate_of(value pod)
{
    str s = object_annotation(pod, MK_FAIL);
    for (size_t i = 0; i < ARRAY_LEN(fates); i++)
        if (str_is(s, fates[i].name))
            return fates[i].fate;
    return FATE_READY;
}

static value running_state(struct arena *a, str since)
{
    value v = value_new_map(a);
    value_set_path(a, v, "running.startedAt", value_of_str(a, since));
    return v;
}

static value waiting_state(struct arena *a, const char *reason, str message)
{
    value v = value_new_map(a);
    value_set_path(a, v, "waiting.message", value_of_str(a, message));
    value_set_path(a, v, "waiting.reason", value_of_str(a, str_of(reason)));
    return v;
}

static value ended_state(struct arena *a, str since, int64_t code)
{
    value v = value_new_map(a);
    value_set_path(a, v, "terminated.exitCode", value_of_int(a, code));
    value_set_path(a, v, "terminated.finishedAt", value_of_str(a, since));
    value_set_path(a, v, "terminated.reason",
                   value_of_str(a, code ? STR("Error") : STR("Completed")));
    value_set_path(a, v, "terminated.startedAt", value_of_str(a, since));
    return v;
}

struct outcome {
    const char *phase;
    bool ready, done;
    enum fate fate;
    int64_t exit_code;
};

static struct outcome outcome_of(value pod, enum fate fate, bool due)
{
    bool ends = !str_is(value_path_str(pod, "spec.restartPolicy"), "Always");
    struct outcome o = {.phase = "Running", .fate = fate};
    if (fate == FATE_PULL)
        o.phase = "Pending";
    else if (fate == FATE_FAILED)
        o = (struct outcome){"Failed", false, true, fate, 1};
    else if (fate == FATE_READY && due && ends)
        o = (struct outcome){"Succeeded", false, true, fate, 0};
    else if (fate == FATE_READY)
        o.ready = due;
    return o;
}

static value container_state(struct arena *a, const struct outcome *o, value pod, value container,
                             str now)
{
    str name = value_path_str(container, "name");
    if (o->done)
        return ended_state(a, now, o->exit_code);
    if (o->fate == FATE_PULL)
        return waiting_state(a, "ImagePullBackOff",
                             arena_printf(a, "Back-off pulling image \"%.*s\"",
                                          STR_FMT(value_path_str(container, "image"))));
    if (o->fate == FATE_CRASH)
        return waiting_state(
            a, "CrashLoopBackOff",
            arena_printf(a, "back-off 5m0s restarting failed container=%.*s pod=%.*s_%.*s(%.*s)",
                         STR_FMT(name), STR_FMT(object_name(pod)), STR_FMT(object_ns(pod)),
                         STR_FMT(object_uid(pod))));
    return running_state(a, now);
}

static value container_statuses(struct arena *a, const struct outcome *o, value pod, str now)
{
    value list = value_new_list(a);
    for (struct value_iter it = value_iter(value_path(pod, "spec.containers")); value_next(&it);) {
        value v = value_new_map(a);
        value_set_str(a, v, "containerID",
                      o->fate == FATE_PULL
                          ? STR("")
                          : ARENA_CAT(a, STR("sim://"), value_path_str(it.val, "name")));
        value_setz(a, v, "image", value_getz(it.val, "image"));
        value_set_str(a, v, "imageID", STR(""));
        value_setz(a, v, "lastState",
                   o->fate == FATE_CRASH ? ended_state(a, now, 1) : value_new_map(a));
        value_setz(a, v, "name", value_getz(it.val, "name"));
        value_setz(a, v, "ready", value_of_bool(a, o->ready));
        value_setz(a, v, "restartCount", value_of_int(a, o->fate == FATE_CRASH ? 5 : 0));
        value_setz(a, v, "started",
                   value_of_bool(a, o->fate != FATE_PULL && o->fate != FATE_CRASH && !o->done));
        value_setz(a, v, "state", container_state(a, o, pod, it.val, now));
        value_push(a, list, v);
    }
    return list;
}

static void set_conditions(struct microkube *mk, struct arena *a, value pod, value status,
                           const struct outcome *o)
{
    static const char *const always[] = {"PodReadyToStartContainers", "Initialized",
                                         "PodScheduled"};
    static const char *const by_containers[] = {"Ready", "ContainersReady"};
    str names = STR("");
    for (struct value_iter it = value_iter(value_path(pod, "spec.containers")); value_next(&it);)
        names = ARENA_CAT(a, names, names.len ? STR(" ") : STR(""), value_path_str(it.val, "name"));
    struct mk_condition c = {.status = "True",
                             .message = STR(""),
                             .of_generation = object_generation(pod)};
    for (size_t i = 0; i < ARRAY_LEN(always); i++) {
        c.type = always[i];
        mk_condition_set(mk, a, status, &c);
    }
    c.status = o->ready ? "True" : "False";
    c.reason = o->ready ? NULL : o->done && !o->exit_code ? "PodCompleted" : "ContainersNotReady";
    if (!o->ready && !o->done)
        c.message = arena_printf(a, "containers with unready status: [%.*s]", STR_FMT(names));
    for (size_t i = 0; i < ARRAY_LEN(by_containers); i++) {
        c.type = by_containers[i];
        mk_condition_set(mk, a, status, &c);
    }
}

/* What the scheduler says of a pod that fits no node. */
static void leave_pending(struct microkube *mk, struct mk_object *o, struct arena *a)
{
    value pod = doc_root(o->doc), status = value_edit(a, value_getz(pod, "status"));
    mk_condition_set(mk, a, status,
                     &(struct mk_condition){
                         .type = "PodScheduled",
                         .status = "False",
                         .reason = "Unschedulable",
                         .message = STR("0/1 nodes are available: 1 node(s) didn't match Pod's "
                                        "node affinity/selector. no new claims to deallocate, "
                                        "preemption: 0/1 nodes are available: 1 Preemption is not "
                                        "helpful for scheduling."),
                         .of_generation = object_generation(pod),
                     });
    value_set_str(a, status, "phase", STR("Pending"));
    mk_status_update(mk, o, status, a);
}

void mk_pod_controller(struct microkube *mk, struct mk_object *o, struct arena *a)
{
    value pod = doc_root(o->doc);
    usec ready_at = object_created_at(pod), after = 0;
    str now = time_str(a, mk_now(mk));
    if (object_is_deleting(pod) || mk_pod_is_done(pod))
        return;
    if (!value_path_str(pod, "spec.nodeName").len) {
        if (!mk_node_fits(mk, value_path(pod, "spec.nodeSelector"))) {
            leave_pending(mk, o, a);
            return;
        }
        pod = value_edit(a, pod);
        value_set_path(a, pod, "spec.nodeName", value_of_str(a, MK_NODE));
        if (!mk_controller_update(mk, o, pod, a))
            return;
        pod = doc_root(o->doc);
    }
    if (duration_parse(object_annotation(pod, MK_READY_AFTER), &after))
        ready_at += after;
    struct outcome out = outcome_of(pod, fate_of(pod), !after || mk_now(mk) >= ready_at);
    value status = value_edit(a, value_getz(pod, "status"));
    if (str_is(value_path_str(status, "phase"), out.phase) && mk_pod_is_ready(pod) == out.ready &&
        value_exists(value_getz(status, "containerStatuses")))
        goto later;
    set_conditions(mk, a, pod, status, &out);
    value_setz(a, status, "containerStatuses", container_statuses(a, &out, pod, now));
    value_set_str(a, status, "hostIP", STR("127.0.0.1"));
    value_set_str(a, status, "phase", str_of(out.phase));
    if (!value_path_str(status, "podIP").len && out.fate != FATE_PULL) {
        uint32_t n = (uint32_t)o->rv;
        value_set_str(a, status, "podIP",
                      arena_printf(a, "10.244.%u.%u", n / 250 % 250, n % 250 + 1));
    }
    if (!value_path_str(status, "startTime").len)
        value_set_str(a, status, "startTime", now);
    mk_set_count(a, status, "observedGeneration", object_generation(pod));
    if (!mk_status_update(mk, o, status, a))
        return;
later:
    if (!out.ready && !out.done && out.fate == FATE_READY)
        mk_enqueue_at(mk, o, ready_at);
}
