#include "plan/sync.h"

#include <stdlib.h>

#include "kube/object.h"
#include "plan/sync_task.h"

/* How far one call gets: the planner walks upstream's step algorithm again and again while rows
 * change, and stops where it has to wait for an answer (STOP), for the world (STOP) or at the end
 * (STOP with a completed phase). */
enum outcome { STOP, AGAIN };
#define ROUNDS_MAX 1000

/* State of one wave, as upstream's tri-state. */
enum run_state { RUN_SUCCESSFUL, RUN_PENDING, RUN_FAILED, RUN_UNANSWERED };

static void set_phase(struct sync_run *r, enum op_phase phase, str message)
{
    r->ret->phase = phase;
    r->ret->message = message;
}

typedef bool task_test(const struct sync_run *r, const struct sync_task *t);

static task_list task_filter(struct sync_run *r, const task_list *from, task_test *test)
{
    task_list out = {0};
    for (size_t i = 0; i < from->n; i++)
        if (test(r, from->at[i]))
            vec_push(r->a, &out, from->at[i]);
    return out;
}

/* ---- messages ---- */

static void set_running(struct sync_run *r, const task_list *tasks, bool deletion)
{
    struct sync_task *first = NULL, *prune = NULL;
    size_t hooks = 0, prunes = 0;
    if (!tasks->n) {
        set_phase(r, OP_RUNNING, STR(""));
        return;
    }
    for (size_t i = 0; i < tasks->n; i++) {
        struct sync_task *t = tasks->at[i];
        if (t->hook && !hooks++)
            first = t;
        if (!r->opt.prune_confirmed && task_needs_confirmation(r, t) && !prunes++)
            prune = t;
    }
    if (!first)
        first = tasks->at[0];
    const char *reason = hooks ? "completion of hook" : "healthy state of";
    if (deletion)
        reason = hooks ? "deletion of hook" : "deletion of";
    size_t more = tasks->n - 1;
    if (prune) {
        reason = "pruning confirmation of";
        first = prune;
        more = prunes - 1;
    }
    str text =
        arena_printf(r->a, "waiting for %s %.*s/%.*s/%.*s", reason, STR_FMT(first->key.group),
                     STR_FMT(first->key.kind), STR_FMT(first->key.name));
    if (more)
        text = arena_printf(r->a, "%.*s and %zu more %s", STR_FMT(text), more,
                            hooks == tasks->n ? "hooks" : "resources");
    set_phase(r, OP_RUNNING, text);
}

/* Distinct texts in task order: "message, reason: a,b". */
static str with_reasons(struct sync_run *r, const char *message, const task_list *tasks)
{
    str text = str_of(message);
    for (size_t i = 0; i < tasks->n; i++) {
        bool seen = false;
        for (size_t before = 0; before < i && !seen; before++)
            seen = str_eq(task_message(tasks->at[before]), task_message(tasks->at[i]));
        if (!seen)
            text =
                ARENA_CAT(r->a, text, i ? STR(",") : STR(", reason: "), task_message(tasks->at[i]));
    }
    return text;
}

static void set_invalid(struct sync_run *r)
{
    VEC(str) texts = {0};
    for (size_t i = 0; i < r->rows.n; i++) {
        const struct sync_row *row = r->rows.at[i];
        bool seen = row->status != RESULT_SYNC_FAILED || !row->message.len;
        for (size_t k = 0; k < texts.n && !seen; k++)
            seen = str_eq(texts.at[k], row->message);
        if (!seen)
            vec_push(r->a, &texts, row->message);
    }
    str text = STR("one or more synchronization tasks are not valid");
    if (texts.n)
        qsort(texts.at, texts.n, sizeof(*texts.at), str_cmp_qsort);
    for (size_t i = 0; i < texts.n; i++)
        text = ARENA_CAT(r->a, text, i ? STR("; ") : STR(": "), texts.at[i]);
    set_phase(r, OP_FAILED, text);
}

/* ---- tests ---- */

static bool is_out_of_sync(const struct sync_run *r, const struct sync_task *t)
{
    return !r->opt.apply_out_of_sync_only || t->hook || t->modified || !value_exists(t->target) ||
           !value_exists(t->live);
}

static bool is_pending(const struct sync_run *r, const struct sync_task *t)
{
    return t->phase != PHASE_SYNC_FAIL && task_pending(t) && is_out_of_sync(r, t);
}

static bool is_failed(const struct sync_run *r, const struct sync_task *t)
{
    (void)r;
    return t->phase != PHASE_SYNC_FAIL && t->row && t->row->status == RESULT_SYNC_FAILED;
}

static bool is_unsuccessful(const struct sync_run *r, const struct sync_task *t)
{
    (void)r;
    return t->phase != PHASE_SYNC_FAIL && task_completed(t) && task_op(t) != OP_SUCCEEDED;
}

static bool is_sync_fail(const struct sync_run *r, const struct sync_task *t)
{
    (void)r;
    return t->phase == PHASE_SYNC_FAIL;
}

static bool is_running(const struct sync_run *r, const struct sync_task *t)
{
    (void)r;
    return task_running(t);
}

static bool is_completed_hook(const struct sync_run *r, const struct sync_task *t)
{
    (void)r;
    return t->hook && task_completed(t);
}

static bool is_being_pruned(const struct sync_run *r, const struct sync_task *t)
{
    (void)r;
    return t->row && t->row->status == RESULT_PRUNED && value_exists(t->live) &&
           object_is_deleting(t->live);
}

static bool hook_goes(const struct sync_task *t, unsigned policy)
{
    return t->hook && value_exists(t->live) && !task_running(t) && (t->policies & policy);
}

static bool goes_on_success(const struct sync_run *r, const struct sync_task *t)
{
    (void)r;
    return hook_goes(t, HOOK_DELETE_SUCCEEDED);
}

static bool goes_on_failure(const struct sync_run *r, const struct sync_task *t)
{
    (void)r;
    return hook_goes(t, HOOK_DELETE_FAILED);
}

static bool is_waited_for_gone(const struct sync_run *r, const struct sync_task *t)
{
    (void)r;
    return task_deletes_first(t) || (task_is_prune(t) && task_pending(t));
}

static bool is_multi_step(const struct sync_run *r)
{
    if (!r->tasks.n)
        return false;
    const struct sync_task *a = r->tasks.at[0], *b = r->tasks.at[r->tasks.n - 1];
    return a->phase != b->phase || a->wave != b->wave;
}

/* ---- running the tasks of a wave ---- */

static enum run_state worse(enum run_state a, enum run_state b) { return a > b ? a : b; }

/* With `resumed` a hook made since the operation began is the one this operation made before the
 * process ended. */
static bool made_by_us_before(const struct sync_run *r, const struct sync_task *t)
{
    return r->f->resumed && t->hook && value_exists(t->live) && !object_is_deleting(t->live) &&
           object_created_at(t->live) >= r->f->started_at &&
           !value_int(value_getz(r->f->context->app->op_state, "retryCount"));
}

static bool is_asked(const struct sync_run *r, uint64_t id)
{
    for (size_t i = 0; i < r->f->n_asked; i++)
        if (r->f->asked[i]->id == id)
            return true;
    return false;
}

/* A live hook of an earlier operation that stands where this task will create its own. */
static bool is_leftover(const struct sync_run *r, const struct sync_task *t)
{
    return t->hook && task_pending(t) && value_exists(t->live) && !made_by_us_before(r, t) &&
           !answer_find(r, action_id(r, SYNC_ACTION_APPLY, t, 0)) &&
           !is_asked(r, action_id(r, SYNC_ACTION_APPLY, t, 0));
}

/* Leftovers of earlier operations: their finalizers go before they are deleted. */
static enum run_state free_old_hooks(struct sync_run *r, const task_list *tasks)
{
    enum run_state state = RUN_SUCCESSFUL;
    for (size_t i = 0; i < tasks->n; i++) {
        struct sync_task *t = tasks->at[i];
        if (!is_leftover(r, t))
            continue;
        const struct sync_answer *a = ask_drop_finalizer(r, t, SALT_BEFORE);
        if (a && !a->ok)
            row_set(r, t, t->row ? t->row->status : RESULT_NONE, OP_ERROR,
                    ARENA_CAT(r->a, STR("failed to remove hook finalizer: "), a->message));
        state = worse(state, !a ? RUN_UNANSWERED : a->ok ? RUN_SUCCESSFUL : RUN_FAILED);
    }
    return state;
}

static bool prune_is_off(const struct sync_run *r, const struct sync_task *t)
{
    str own = object_option_value(t->live, KEY_SYNC_OPTIONS, "Prune");
    return str_is(own.len ? own : r->opt.prune_default, "false");
}

struct prune_result {
    bool answered;
    enum result_code code;
    str message;
};

static struct prune_result prune_one(struct sync_run *r, struct sync_task *t)
{
    if (!r->opt.prune)
        return (struct prune_result){true, RESULT_PRUNE_SKIPPED, STR("ignored (requires pruning)")};
    if (prune_is_off(r, t))
        return (struct prune_result){true, RESULT_PRUNE_SKIPPED, STR("ignored (no prune)")};
    if (r->opt.dry_run)
        return (struct prune_result){true, RESULT_PRUNED, STR("pruned (dry run)")};
    const struct sync_answer *a = answer_find(r, action_id(r, SYNC_ACTION_PRUNE, t, 0));
    if (!a && object_is_deleting(t->live))
        return (struct prune_result){true, RESULT_PRUNED, STR("pruned")};
    if (!a)
        a = ask_prune(r, t);
    if (!a)
        return (struct prune_result){0};
    return (struct prune_result){true, a->ok ? RESULT_PRUNED : RESULT_SYNC_FAILED,
                                 a->ok ? STR("pruned") : a->message};
}

static enum run_state prune_all(struct sync_run *r, const task_list *tasks)
{
    enum run_state state = RUN_SUCCESSFUL;
    for (size_t i = 0; i < tasks->n && !r->opt.prune_confirmed; i++)
        if (task_needs_confirmation(r, tasks->at[i]))
            return RUN_PENDING;
    struct prune_result *result = ARENA_ARRAY(r->a, struct prune_result, tasks->n + 1);
    for (size_t i = 0; i < tasks->n; i++) {
        if (!task_is_prune(tasks->at[i]))
            continue;
        result[i] = prune_one(r, tasks->at[i]);
        if (!result[i].answered)
            state = worse(state, RUN_UNANSWERED);
        else if (result[i].code == RESULT_SYNC_FAILED)
            state = worse(state, RUN_FAILED);
    }
    for (size_t i = 0; i < tasks->n && state != RUN_UNANSWERED; i++)
        if (result[i].answered && task_is_prune(tasks->at[i]))
            row_set(r, tasks->at[i], result[i].code,
                    result[i].code == RESULT_SYNC_FAILED ? OP_FAILED : OP_SUCCEEDED,
                    result[i].message);
    return state;
}

static enum run_state delete_old_hooks(struct sync_run *r, const task_list *tasks)
{
    enum run_state state = RUN_SUCCESSFUL;
    for (size_t i = 0; i < tasks->n && !r->opt.dry_run; i++) {
        struct sync_task *t = tasks->at[i];
        if (!task_deletes_first(t) || !is_leftover(r, t))
            continue;
        const struct sync_answer *a = ask_delete_hook(r, t, SALT_BEFORE);
        if (a && !a->ok)
            row_set(r, t, RESULT_NONE, OP_ERROR,
                    ARENA_CAT(r->a, STR("failed to delete resource: "), a->message));
        state = worse(state, !a ? RUN_UNANSWERED : a->ok ? RUN_PENDING : RUN_FAILED);
    }
    return state;
}

struct create_result {
    bool done, ok;
    str message;
    usec at; /* when it was answered */
};

/* kubectl names the temporary file it was handed; clients match the rest of the text. */
#define KUBECTL_FILE "/dev/shm/0"

/* kubectl's words for an object of a kind the cluster does not serve. */
static str no_mapping_text(struct sync_run *r, const struct sync_task *t)
{
    return arena_printf(r->a,
                        "resource mapping not found for name: \"%.*s\" namespace: \"%.*s\" from "
                        "\"" KUBECTL_FILE
                        "\": no matches for kind \"%.*s\" in version \"%.*s\"\nensure CRDs are "
                        "installed first",
                        STR_FMT(t->key.name), STR_FMT(t->key.ns), STR_FMT(t->key.kind),
                        STR_FMT(object_api_version(t->target)));
}

static struct create_result create_one(struct sync_run *r, struct sync_task *t)
{
    if (r->opt.dry_run && t->skip_dry_run)
        return (struct create_result){false, true, STR("")};
    if (made_by_us_before(r, t))
        return (struct create_result){true, true, sync_object_text(r->a, t->target, "created")};
    if (!r->opt.dry_run && task_waits_for_kind(r, t))
        return (struct create_result){0};
    const struct sync_answer *a = r->opt.dry_run ? ask_dry_run(r, t) : ask_write(r, t);
    if (!a)
        return (struct create_result){0};
    bool unmapped = !a->ok && t->skip_dry_run &&
                    str_has(a->message, STR("could not find the requested resource"));
    return (struct create_result){true, a->ok, unmapped ? no_mapping_text(r, t) : a->message,
                                  a->at};
}

/* The rows of one kind appear in the order of the answers, as the objects were sent side by side.
 */
static void write_rows(struct sync_run *r, struct sync_task *const *task,
                       struct create_result *result, size_t n)
{
    enum op_phase done = r->opt.dry_run ? OP_SUCCEEDED : OP_RUNNING;
    for (;;) {
        size_t first = n;
        for (size_t i = 0; i < n; i++)
            if (result[i].done && (first == n || result[i].at < result[first].at))
                first = i;
        if (first == n)
            return;
        row_set(r, task[first], result[first].ok ? RESULT_SYNCED : RESULT_SYNC_FAILED,
                result[first].ok ? done : OP_FAILED, result[first].message);
        result[first].done = false;
    }
}

/* Groups of one kind, one after the other; a refusal does not stop later groups. Rows are written
 * when all are answered. */
static enum run_state create_all(struct sync_run *r, const task_list *tasks)
{
    enum run_state state = RUN_SUCCESSFUL;
    struct create_result *result = ARENA_ARRAY(r->a, struct create_result, tasks->n + 1);
    const struct sync_task *before = NULL;
    for (size_t i = 0; i < tasks->n; i++) {
        struct sync_task *t = tasks->at[i];
        if (task_is_prune(t))
            continue;
        if (before && !str_eq(before->key.kind, t->key.kind) && state == RUN_UNANSWERED)
            return state;
        before = t;
        result[i] = create_one(r, t);
        if (!result[i].done && !result[i].ok)
            state = RUN_UNANSWERED;
        else if (!result[i].ok)
            state = worse(state, RUN_FAILED);
    }
    if (state == RUN_UNANSWERED)
        return state;
    for (size_t i = 0, end; i < tasks->n; i = end) {
        for (end = i + 1; end < tasks->n; end++)
            if (!str_eq(tasks->at[end]->key.kind, tasks->at[i]->key.kind))
                break;
        write_rows(r, tasks->at + i, result + i, end - i);
    }
    return state;
}

static enum run_state run_tasks(struct sync_run *r, const task_list *tasks)
{
    enum run_state state = r->opt.dry_run ? RUN_SUCCESSFUL : free_old_hooks(r, tasks);
    if (state == RUN_SUCCESSFUL)
        state = prune_all(r, tasks);
    if (state == RUN_SUCCESSFUL)
        state = delete_old_hooks(r, tasks);
    return state == RUN_SUCCESSFUL ? create_all(r, tasks) : state;
}

/* ---- ends ---- */

/* Delete hooks that their policy sends away. */
static void delete_hooks(struct sync_run *r, task_test *which)
{
    task_list tasks = task_filter(r, &r->tasks, which);
    for (size_t i = 0; i < tasks.n; i++) {
        const struct sync_answer *a = ask_delete_hook(r, tasks.at[i], SALT_END);
        if (a && !a->ok)
            row_set(r, tasks.at[i], tasks.at[i]->row ? tasks.at[i]->row->status : RESULT_NONE,
                    OP_ERROR, ARENA_CAT(r->a, STR("failed to delete resource: "), a->message));
    }
}

/* Runs the SyncFail hooks that have not run; completed when there is nothing more to do. */
static bool sync_fail_phase(struct sync_run *r, const task_list *failed, const char *message)
{
    task_list hooks = task_filter(r, &r->tasks, is_sync_fail), waiting = {0}, refused = {0};
    str text = with_reasons(r, message, failed);
    for (size_t i = 0; i < hooks.n; i++) {
        if (!task_completed(hooks.at[i]) && !task_running(hooks.at[i]))
            vec_push(r->a, &waiting, hooks.at[i]);
        if (hooks.at[i]->row && hooks.at[i]->row->status == RESULT_SYNC_FAILED)
            vec_push(r->a, &refused, hooks.at[i]);
    }
    bool all = true;
    for (size_t i = 0; i < hooks.n; i++)
        all &= task_completed(hooks.at[i]);
    if (all) {
        if (refused.n)
            text = ARENA_CAT(r->a, text, STR("\n"),
                             with_reasons(r, "one or more SyncFail hooks failed", &refused));
        set_phase(r, OP_FAILED, text);
        return true;
    }
    enum run_state state = run_tasks(r, &waiting);
    set_running(r, &waiting, state == RUN_PENDING);
    return false;
}

static enum outcome finish(struct sync_run *r, const char *message)
{
    delete_hooks(r, goes_on_success);
    set_phase(r, OP_SUCCEEDED, str_of(message));
    return STOP;
}

/* ---- the steps ---- */

static struct sync_task *namespace_creation(struct sync_run *r)
{
    str ns = r->f->context->app->destination.namespace;
    for (size_t i = 0; i < r->tasks.n; i++) {
        struct sync_task *t = r->tasks.at[i];
        if (value_exists(t->target) && !value_exists(t->live) && str_is(t->key.kind, "Namespace") &&
            !t->key.group.len && str_eq(t->key.name, ns))
            return t;
    }
    return NULL;
}

/* true: the namespace is there or being made a task of later. Its row is stored before anything
 * else is asked for. */
static bool prepare_namespace(struct sync_run *r, enum outcome *ret)
{
    struct sync_task *ns = namespace_creation(r);
    if (!ns || !task_pending(ns))
        return true;
    task_list one = {0};
    vec_push(r->a, &one, ns);
    enum run_state state = run_tasks(r, &one);
    if (state == RUN_FAILED)
        set_phase(r, OP_FAILED, with_reasons(r, "the namespace failed to apply", &one));
    *ret = state == RUN_SUCCESSFUL ? AGAIN : STOP;
    return false;
}

/* Before anything else: a dry run of everything. true: go on. */
static bool prepare(struct sync_run *r)
{
    bool answered = true, failed = false;
    for (size_t i = 0; i < r->tasks.n; i++) {
        struct sync_task *t = r->tasks.at[i];
        if (t->is_namespace || task_is_prune(t) || t->skip_dry_run || !is_out_of_sync(r, t))
            continue;
        const struct sync_answer *a = ask_dry_run(r, t);
        answered &= a != NULL;
        failed |= a && !a->ok;
    }
    if (answered && !failed && r->opt.dry_run)
        run_tasks(r, &r->tasks); /* a dry run ends here: rows for everything */
    if (!answered || !failed)
        return answered;
    for (size_t i = 0; i < r->tasks.n; i++) {
        struct sync_task *t = r->tasks.at[i];
        const struct sync_answer *a = answer_find(r, action_id(r, SYNC_ACTION_DRY_RUN, t, 0));
        if (a && !a->ok)
            row_set(r, t, RESULT_SYNC_FAILED, OP_FAILED, a->message);
    }
    set_phase(r, OP_FAILED, STR("one or more objects failed to apply (dry run)"));
    return false;
}

static void update_running(struct sync_run *r)
{
    for (size_t i = 0; i < r->tasks.n; i++) {
        struct sync_task *t = r->tasks.at[i];
        if (!task_running(t) || !value_exists(t->live) || task_is_prune(t))
            continue;
        struct health h = health_of(t->live, r->a);
        if (t->hook) {
            str text = h.code == HEALTH_NONE
                           ? ARENA_CAT(r->a, object_name(t->live), STR(" created"))
                           : h.message;
            row_set(r, t, t->row->status, health_hook_phase(&h), text);
        } else if (h.code == HEALTH_NONE || h.code == HEALTH_HEALTHY) {
            row_set(r, t, t->row->status, OP_SUCCEEDED, h.message);
        } else if (h.code == HEALTH_DEGRADED) {
            row_set(r, t, t->row->status, OP_FAILED, h.message);
        }
    }
}

/* Running tasks whose object the cache does not show are looked up; one that is gone has failed. */
static void check_missing(struct sync_run *r, const task_list *running)
{
    for (size_t i = 0; i < running->n; i++) {
        struct sync_task *t = running->at[i];
        if (value_exists(t->live))
            continue;
        const struct sync_answer *a = ask_exists(r, t);
        if (!a || (a->ok && a->found))
            continue;
        if (!a->ok)
            row_set(r, t, t->row->status, OP_ERROR,
                    ARENA_CAT(r->a, STR("Failed to get live resource "), a->message));
        else
            row_set(r, t, RESULT_SYNC_FAILED, OP_ERROR,
                    arena_printf(r->a,
                                 "Resource %.*s/%.*s/%.*s is missing, it might have been deleted",
                                 STR_FMT(t->key.group), STR_FMT(t->key.kind),
                                 STR_FMT(t->key.name)));
    }
}

/* true: something is waited for (or changed while looking). */
static bool waits(struct sync_run *r, enum outcome *ret)
{
    task_list running = {0};
    bool multi = is_multi_step(r);
    for (size_t i = 0; i < r->tasks.n; i++)
        if (task_running(r->tasks.at[i]) && (multi || r->tasks.at[i]->hook))
            vec_push(r->a, &running, r->tasks.at[i]);
    if (running.n) {
        size_t before = running.n, now = 0;
        check_missing(r, &running);
        set_running(r, &running, false);
        for (size_t i = 0; i < running.n; i++)
            now += task_running(running.at[i]);
        *ret = now == before ? STOP : AGAIN;
        return true;
    }
    task_list going = task_filter(r, &r->tasks, is_being_pruned);
    if (!going.n)
        return false;
    set_running(r, &going, true);
    *ret = STOP;
    return true;
}

/* Hooks that are done lose their finalizer before anything goes on. */
static bool release_hooks(struct sync_run *r)
{
    bool answered = true;
    task_list done = task_filter(r, &r->tasks, is_completed_hook);
    for (size_t i = 0; i < done.n; i++) {
        const struct sync_answer *a = ask_drop_finalizer(r, done.at[i], SALT_AFTER);
        answered &= a != NULL;
        if (a && !a->ok)
            row_set(r, done.at[i], done.at[i]->row->status, OP_ERROR,
                    ARENA_CAT(r->a, STR("Failed to remove hook finalizer: "), a->message));
    }
    return answered || r->f->windows_blocked;
}

/* When the last write of a finished wave was answered, plus the pause between waves; 0: there was
 * none. */
static usec wave_pause_end(struct sync_run *r)
{
    static const enum sync_action_kind kinds[] = {SYNC_ACTION_APPLY, SYNC_ACTION_PRUNE};
    usec last = 0;
    for (size_t i = 0; i < r->tasks.n; i++) {
        const struct sync_task *t = r->tasks.at[i];
        for (size_t k = 0; k < ARRAY_LEN(kinds) && !task_pending(t); k++) {
            const struct sync_answer *a = answer_find(r, action_id(r, kinds[k], t, 0));
            if (a)
                last = MAX_OF(last, a->at);
        }
    }
    return last ? last + r->f->context->settings->sync_wave_delay_us : 0;
}

static enum outcome wave_failed(struct sync_run *r, const task_list *wave)
{
    task_list failed = task_filter(r, wave, is_failed), running = task_filter(r, wave, is_running);
    task_list hooks = task_filter(r, &r->tasks, is_sync_fail);
    const char *message = "one or more objects failed to apply";
    if (!running.n) {
        if (sync_fail_phase(r, &failed, message))
            delete_hooks(r, goes_on_failure);
        return op_phase_completed(r->ret->phase) ? STOP : AGAIN;
    }
    if (hooks.n && !sync_fail_phase(r, &failed, message))
        for (size_t i = 0; i < hooks.n; i++)
            vec_push(r->a, &running, hooks.at[i]);
    set_running(r, &running, false);
    return AGAIN;
}

static enum outcome run_wave(struct sync_run *r, const task_list *pending)
{
    const struct sync_task *first = pending->at[0], *last = pending->at[pending->n - 1];
    task_list wave = {0};
    bool final = first->phase == last->phase && first->wave == last->wave, hooks = false;
    for (size_t i = 0; i < pending->n; i++) {
        struct sync_task *t = pending->at[i];
        if (t->phase != first->phase || t->wave != first->wave)
            continue;
        vec_push(r->a, &wave, t);
        hooks |= t->hook;
    }
    enum run_state state = run_tasks(r, &wave);
    if (state == RUN_UNANSWERED)
        return STOP;
    if (state == RUN_FAILED)
        return wave_failed(r, &wave);
    if (state == RUN_PENDING) {
        task_list going = task_filter(r, &wave, is_waited_for_gone);
        set_running(r, &going, true);
        return STOP;
    }
    if (final && !hooks)
        return finish(r, "successfully synced (all tasks run)");
    set_running(r, &wave, false);
    return AGAIN;
}

/* Nothing new starts before the pause after the last wave is over. */
static bool wave_pause(struct sync_run *r)
{
    usec end = wave_pause_end(r);
    if (end <= r->f->context->now)
        return false;
    r->ret->wake_at = end;
    return true;
}

static enum outcome step(struct sync_run *r)
{
    enum outcome waiting = STOP;
    update_running(r);
    if (waits(r, &waiting) || !release_hooks(r))
        return waiting;
    task_list unsuccessful = task_filter(r, &r->tasks, is_unsuccessful);
    if (unsuccessful.n) {
        task_list failed = task_filter(r, &r->tasks, is_failed);
        delete_hooks(r, goes_on_failure);
        bool completed =
            sync_fail_phase(r, &failed,
                            "one or more synchronization tasks completed unsuccessfully");
        return completed ? STOP : AGAIN;
    }
    task_list pending = task_filter(r, &r->tasks, is_pending);
    if (!pending.n)
        return finish(r, "successfully synced (no more tasks)");
    if (wave_pause(r))
        return STOP;
    return run_wave(r, &pending);
}

/* ---- terminate ---- */

static bool terminate_hook(struct sync_run *r, struct sync_task *t, bool *io_ok)
{
    struct health h;
    const struct sync_answer *deleted =
        answer_find(r, action_id(r, SYNC_ACTION_DELETE_HOOK, t, SALT_END));
    if (deleted && deleted->ok) {
        row_set(r, t, t->row->status, OP_FAILED, STR("Terminated"));
        return true;
    }
    if (!value_exists(t->live)) {
        const struct sync_answer *a = ask_exists(r, t);
        if (!a)
            return false;
        if (!a->ok) {
            row_set(r, t, t->row->status, OP_ERROR,
                    ARENA_CAT(r->a, STR("Failed to get live resource: "), a->message));
            *io_ok = false;
            return true;
        }
        if (!a->found) {
            row_set(r, t, t->row->status, OP_SUCCEEDED, STR("Terminated"));
            return true;
        }
        t->live = a->object;
    }
    h = health_of(t->live, r->a);
    enum op_phase phase = health_hook_phase(&h);
    const struct sync_answer *a = ask_drop_finalizer(r, t, SALT_END);
    if (!a)
        return false;
    if (a->ok && (phase == OP_RUNNING || (t->policies & HOOK_DELETE_FAILED))) {
        a = ask_delete_hook(r, t, SALT_END);
        if (!a)
            return false;
        if (!a->ok)
            row_set(r, t, t->row->status, OP_FAILED,
                    ARENA_CAT(r->a, STR("Failed to delete: "), a->message));
    } else if (!a->ok) {
        row_set(r, t, t->row->status, OP_ERROR,
                ARENA_CAT(r->a, STR("Failed to remove hook finalizer: "), a->message));
    }
    *io_ok &= a->ok;
    if (a->ok)
        row_set(r, t, t->row->status, op_phase_completed(phase) ? phase : OP_FAILED,
                op_phase_completed(phase) ? h.message : STR("Terminated"));
    return true;
}

static void terminate(struct sync_run *r)
{
    bool answered = release_hooks(r), ok = true;
    for (size_t i = 0; i < r->tasks.n; i++) {
        struct sync_task *t = r->tasks.at[i];
        if (t->hook && task_running(t))
            answered &= terminate_hook(r, t, &ok);
    }
    if (!answered)
        return;
    set_phase(r, ok ? OP_FAILED : OP_ERROR,
              ok ? STR("Operation terminated") : STR("Operation termination had errors"));
}

/* ---- entry ---- */

static void answers_load(struct sync_run *r)
{
    map_init(&r->answers, r->a);
    for (size_t i = 0; i < r->f->n_answers; i++)
        map_set(&r->answers, str_mem(&r->f->answer[i].id, sizeof(r->f->answer[i].id)),
                (void *)&r->f->answer[i]);
}

/* What one call may tell: rows and message of the last round that was complete. While an answer is
 * missing, the round it belongs to has not happened yet as far as the operation's state goes. */
struct committed {
    value rows;
    enum op_phase phase;
    str message;
};

static enum outcome plan_round(struct sync_run *r, int *ret_rc)
{
    bool valid;
    *ret_rc = sync_tasks_make(r, &valid);
    if (*ret_rc)
        return STOP;
    if (r->f->phase == OP_TERMINATING) {
        terminate(r);
        return STOP;
    }
    if (!valid) {
        set_invalid(r);
        return STOP;
    }
    enum outcome o = STOP;
    if (!r->f->started && (!prepare_namespace(r, &o) || !prepare(r)))
        return o;
    return step(r);
}

int sync_plan(const struct sync_facts *f, struct arena *a, struct sync_plan *ret, struct err *err)
{
    struct sync_run r = {.f = f, .a = a, .ret = ret, .err = err};
    struct committed last = {f->rows, f->phase,
                             value_path_str(f->context->app->op_state, "message")};
    *ret = (struct sync_plan){.phase = last.phase, .message = last.message};
    sync_options_read(f, &r.opt);
    answers_load(&r);
    rows_load(&r);
    for (int round = 0; round < ROUNDS_MAX; round++) {
        int rc;
        size_t changes = r.n_changes;
        enum outcome o = plan_round(&r, &rc);
        if (rc)
            return rc;
        if (r.actions.n)
            break;
        last = (struct committed){rows_print(&r), ret->phase, ret->message};
        if (o == STOP || r.n_changes == changes)
            break;
    }
    ret->action = r.actions.at;
    ret->n_actions = r.actions.n;
    ret->rows = last.rows;
    ret->phase = last.phase;
    ret->message = last.message;
    return 0;
}
