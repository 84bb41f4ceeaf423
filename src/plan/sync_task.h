/* plan/sync_task.h: inside of the sync planner: tasks, rows, actions. Not for other rooms.
 *
 * A task is one object in one phase. A row is what status.operationState.syncResult.resources says
 * of a task. Everything lives in the arena of one sync_plan call. Source: gitops-engine pkg/sync
 * sync_task, sync_tasks, sync_context. */
#ifndef PLAN_SYNC_TASK_H
#define PLAN_SYNC_TASK_H

#include "base/map.h"
#include "plan/sync.h"

struct sync_row {
    struct kube_key
        key; /* ns as upstream writes it: cluster-scoped objects carry the destination namespace */
    enum sync_phase phase;
    value old; /* as stored; its fields are kept, absent for a new row */
    enum result_code status;
    enum op_phase op;
    str message;
    str version;
    bool hook;
    value images;
};

struct sync_task {
    enum sync_phase phase;
    value target, live;  /* target absent: prune */
    struct kube_key key; /* of the row */
    int64_t wave;
    bool hook, skip_dry_run, modified, is_namespace;
    unsigned policies; /* of hooks */
    str row_key;
    struct sync_row *row; /* NULL: nothing has happened yet */
};

typedef VEC(struct sync_task *) task_list;

struct sync_options {
    bool prune, dry_run, force, skip_hooks, create_namespace, apply_out_of_sync_only, prune_last,
        replace, server_side, migrate, validate, skip_dry_run_missing, respect_ignored,
        prune_confirmed;
    str prune_default; /* "", "false", "confirm" */
    str propagation;   /* "Foreground", ... */
    value selected;    /* operation.sync.resources */
};

struct sync_run {
    const struct sync_facts *f;
    struct arena *a;
    struct sync_plan *ret;
    struct sync_options opt;
    struct map answers; /* id as 8 bytes -> struct sync_answer */
    struct map row_of;  /* row key -> struct sync_row */
    VEC(struct sync_row *) rows;
    task_list tasks; /* sorted */
    VEC(struct sync_action) actions;
    size_t n_changes; /* of rows, in this call */
    struct err *err;
};

void sync_options_read(const struct sync_facts *f, struct sync_options *ret);

/* Tasks of the run, sorted, with their rows. *ret_valid false: some may not run (rows say why). */
int sync_tasks_make(struct sync_run *r, bool *ret_valid) MUST_CHECK;

value task_object(const struct sync_task *t); /* target, else live */
static inline bool task_is_prune(const struct sync_task *t) { return !value_exists(t->target); }
static inline enum op_phase task_op(const struct sync_task *t)
{
    return t->row ? t->row->op : OP_NONE;
}
static inline bool task_pending(const struct sync_task *t) { return task_op(t) == OP_NONE; }
static inline bool task_running(const struct sync_task *t) { return task_op(t) == OP_RUNNING; }
static inline bool task_completed(const struct sync_task *t)
{
    return op_phase_completed(task_op(t));
}
static inline str task_message(const struct sync_task *t)
{
    return t->row ? t->row->message : STR("");
}
bool task_deletes_first(const struct sync_task *t);
bool task_needs_confirmation(const struct sync_run *r, const struct sync_task *t);

void rows_load(struct sync_run *r);
/* The rows as a value list; absent when there are none. */
value rows_print(struct sync_run *r);
/* An empty message keeps the row's. */
void row_set(struct sync_run *r, struct sync_task *t, enum result_code status, enum op_phase op,
             str message);

/* The answer to an action, or NULL; then the action is among those that should run. */
const struct sync_answer *action_ask(struct sync_run *r, struct sync_action action,
                                     const struct sync_task *t, unsigned salt);
const struct sync_answer *answer_find(const struct sync_run *r, uint64_t id);
uint64_t action_id(const struct sync_run *r, enum sync_action_kind kind, const struct sync_task *t,
                   unsigned salt);

/* The kind is not served, and a definition of this sync was written a moment ago: the cluster will
 * serve it soon. Sets wake_at. */
bool task_waits_for_kind(struct sync_run *r, const struct sync_task *t);

/* One step each; NULL: not answered yet. */
const struct sync_answer *ask_dry_run(struct sync_run *r, struct sync_task *t);
const struct sync_answer *ask_write(struct sync_run *r, struct sync_task *t);
const struct sync_answer *ask_prune(struct sync_run *r, struct sync_task *t);
const struct sync_answer *ask_delete_hook(struct sync_run *r, struct sync_task *t, unsigned salt);
/* A task without a finalizer to drop answers at once. */
const struct sync_answer *ask_drop_finalizer(struct sync_run *r, struct sync_task *t,
                                             unsigned salt);
const struct sync_answer *ask_exists(struct sync_run *r, struct sync_task *t);
enum { SALT_BEFORE = 1, SALT_AFTER = 2, SALT_END = 3 };

#endif
