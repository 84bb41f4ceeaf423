/* controllers/application/operation.c: app.operation, from request to history.
 *
 * The state lives in status.operationState; this file keeps the newest version in memory until the
 * write that stores it is answered. Effects start only when the stored state says that the
 * operation runs (see plan in steps.c). After a restart the operation is taken up from the stored
 * state; answers are lost and applies are sent again. */
#include "base/fault.h"
#include "controllers/application/app.h"

#include <stdlib.h>

#include "kube/object.h"

static void set_state(struct application *app, value state)
{
    struct operation *op = app->operation;
    struct doc *frozen = doc_freeze(state, 0);
    doc_unref(op->state);
    op->state = frozen;
    struct arena a;
    arena_init(&a, ARENA_BYTES_DEFAULT);
    value status = status_now(app, &a);
    value_setz(&a, status, "operationState", doc_root(op->state));
    status_want(app, status);
    arena_done(&a);
}

static void forget_attempt(struct operation *op)
{
    for (size_t i = 0; i < op->n_actions; i++) {
        doc_unref(op->action[i].object);
        doc_unref(op->action[i].live);
        doc_unref(op->action[i].answer_object);
    }
    free(op->action);
    op->action = NULL;
    op->n_actions = op->cap_actions = 0;
    op->resumed = op->started = false;
    round_reset(&op->round);
    arena_reset(&op->arena);
}

void operation_free(struct operation *op)
{
    if (!op)
        return;
    forget_attempt(op);
    arena_done(&op->arena);
    doc_unref(op->state);
    free(op);
}

void operation_saw_deletion(struct application *app, struct kube_key key, str uid)
{
    struct operation *op = app->operation;
    for (size_t i = 0; op && i < op->n_actions; i++) {
        struct action_fact *f = &op->action[i];
        if (f->answer_object && kube_key_eq(f->action.key, key) &&
            str_eq(object_uid(doc_root(f->answer_object)), uid))
            f->seen = true;
    }
}

/* ---- begin ---- */

static void begin(struct application *app, struct evaluation *e)
{
    struct operation *op = checked_calloc(1, sizeof(*op));
    enum op_phase phase = op_phase_parse(value_path_str(e->view.op_state, "phase"));
    arena_init(&op->arena, ARENA_BYTES_DEFAULT);
    app->operation = op;
    app->controller->status.n_operations++;
    if (phase == OP_RUNNING || phase == OP_TERMINATING) {
        op->resumed = true;
        op->started = value_len(value_path(e->view.op_state, "syncResult.resources")) > 0;
        op->state = doc_freeze(e->view.op_state, 0);
    } else {
        set_state(app, operation_begin(&e->arena, e->view.operation, application_wall(app)));
    }
}

/* ---- end ---- */

/* The round is of the revision that the spec asks for, or that a refresh has found for it. */
static bool is_of_spec(const struct application *app, const struct round *r, size_t i)
{
    str asked = value_str(value_at(doc_root(r->revisions), i));
    str target = value_path_str(value_at(doc_root(r->sources), i), "targetRevision");
    const struct round *last = &app->rendered;
    if (!asked.len || str_eq(asked, target))
        return true;
    return i < last->n_sources && r->source[i].result && last->source[i].result &&
           strcmp(r->source[i].result->revision, last->source[i].result->revision) == 0;
}

/* What was applied is what the spec asks for: the comparison that a refresh would make is at hand,
 * so that the end of the operation and the state after it are one write. */
static void tell_comparison(struct application *app, struct evaluation *e)
{
    const struct round *r = &app->operation->round;
    value sources = value_new_list(&e->arena);
    for (size_t i = 0; i < e->view.n_sources; i++)
        value_push(&e->arena, sources, e->view.source[i]);
    for (size_t i = 0; i < r->n_sources; i++)
        if (!is_of_spec(app, r, i))
            return;
    if (e->compared && !round_failed(r) && !e->spec_errors.n &&
        app_sources_equal(sources, doc_root(r->sources)))
        status_of_comparison(app, e, r, true);
}

static void complete(struct application *app, struct evaluation *e, bool was_terminating)
{
    struct operation *op = app->operation;
    struct operation_end end = {0};
    struct arena *a = &e->arena;
    usec now = application_wall(app);
    operation_complete(&e->view, value_copy(a, doc_root(op->state)), was_terminating, now, a, &end);
    set_state(app, end.state);
    if (end.retry) {
        op->wake_at = end.retry_at;
        forget_attempt(op);
        return;
    }
    op->done = true;
    FAULT_POINT("application.operation.completed");
    app->controller->status.n_operations_done++;
    tell_comparison(app, e);
    if (end.history) {
        value status = status_now(app, a);
        value_setz(a, status, "history", operation_history(a, &e->view, end.state, now));
        status_want(app, status);
    }
    app->wanted.clear_operation = end.clear;
    app->wanted.serial = ++app->serial;
    if (end.event_message.len)
        application_event(app, end.event_warning, end.event_reason, end.event_message);
    op->refresh_level = end.refresh_level;
}

static void record(struct application *app, struct evaluation *e, enum op_phase phase, str message,
                   value rows, const struct round *r)
{
    struct arena *a = &e->arena;
    str *revision = NULL;
    bool resolved = r && r->n_sources && round_answered(r) && !round_failed(r);
    if (resolved) {
        revision = ARENA_ARRAY(a, str, r->n_sources);
        for (size_t i = 0; i < r->n_sources; i++)
            revision[i] = r->source[i].result ? str_of(r->source[i].result->revision) : STR("");
    }
    const struct operation_progress p = {
        .phase = phase,
        .message = message,
        .rows = rows,
        .revision = revision,
        .n_revisions = resolved ? r->n_sources : 0,
    };
    set_state(app,
              operation_record(a, &e->view, value_copy(a, doc_root(app->operation->state)), &p));
}

static bool terminating(const struct operation *op)
{
    return str_is(value_path_str(doc_root(op->state), "phase"), "Terminating");
}

static void end_with(struct application *app, struct evaluation *e, enum op_phase phase,
                     str message)
{
    struct operation *op = app->operation;
    bool was_terminating = terminating(op);
    value rows = value_path(doc_root(op->state), "syncResult.resources");
    record(app, e, phase, message, rows, &op->round);
    complete(app, e, was_terminating);
}

/* ---- actions ---- */

static struct action_fact *find_action(struct operation *op, uint64_t id)
{
    for (size_t i = 0; i < op->n_actions; i++)
        if (op->action[i].id == id)
            return &op->action[i];
    return NULL;
}

/* The plan's arena ends with the evaluation: what an action needs is copied. */
static void add_action(struct operation *op, const struct sync_action *from)
{
    if (find_action(op, from->id))
        return;
    if (op->n_actions == op->cap_actions) {
        size_t cap = op->cap_actions ? op->cap_actions * 2 : 16;
        op->action = realloc(op->action, cap * sizeof(*op->action));
        if (!op->action)
            abort();
        op->cap_actions = cap;
    }
    struct action_fact *f = &op->action[op->n_actions++];
    *f = (struct action_fact){.id = from->id, .action = *from};
    f->action.key = kube_key_copy(&op->arena, from->key);
    f->action.api_version = arena_str(&op->arena, from->api_version);
    f->action.migrate_manager = arena_str(&op->arena, from->migrate_manager);
    f->action.propagation = arena_str(&op->arena, from->propagation);
    f->object = value_exists(from->object) ? doc_freeze(from->object, 0) : NULL;
    f->live = value_exists(from->live) ? doc_freeze(from->live, 0) : NULL;
    f->action.object = doc_root(f->object);
    f->action.live = doc_root(f->live);
}

static size_t gather_answers(const struct operation *op, struct arena *a, struct sync_answer **ret)
{
    struct sync_answer *answer = ARENA_ARRAY(a, struct sync_answer, op->n_actions + 1);
    size_t n = 0;
    for (size_t i = 0; i < op->n_actions; i++)
        if (op->action[i].answered) {
            answer[n] = op->action[i].answer;
            answer[n].seen = op->action[i].seen;
            answer[n++].action = &op->action[i].action;
        }
    *ret = answer;
    return n;
}

static size_t gather_asked(const struct operation *op, struct arena *a,
                           const struct sync_action *const **ret)
{
    const struct sync_action **asked =
        ARENA_ARRAY(a, const struct sync_action *, op->n_actions + 1);
    size_t n = 0;
    for (size_t i = 0; i < op->n_actions; i++)
        if (!op->action[i].answered)
            asked[n++] = &op->action[i].action;
    *ret = asked;
    return n;
}

/* Live objects of hooks: they may lack the tracking index (generateName) or have been answered a
 * moment ago. */
static size_t gather_hooks(struct application *app, struct evaluation *e, value **ret)
{
    struct operation *op = app->operation;
    struct arena *a = &e->arena;
    VEC(value) live = {0};
    for (size_t i = 0; i < e->desired.n_hooks; i++) {
        struct kube_key key = object_key(e->desired.hook[i]);
        if (!key.name.len)
            continue;
        if (!key.ns.len && plan_kind_of(&e->kinds, key.group, STR(""), key.kind).namespaced)
            key.ns = e->view.destination.namespace;
        struct doc *d = live_object(app, e, op, key);
        if (d) {
            arena_on_done(a, (void (*)(void *))doc_unref, d);
            vec_push(a, &live, doc_root(d));
        }
    }
    *ret = live.at;
    return live.n;
}

static value namespace_live(struct application *app, struct evaluation *e)
{
    struct doc *d = live_object(app, e, app->operation,
                                (struct kube_key){STR(""), STR("Namespace"), STR(""),
                                                  e->view.destination.namespace});
    if (!d)
        return VALUE_ABSENT;
    arena_on_done(&e->arena, (void (*)(void *))doc_unref, d);
    return doc_root(d);
}

static bool windows_block(struct application *app, struct evaluation *e)
{
    struct window_verdict verdict;
    struct arena *a = &e->arena;
    value state = doc_root(app->operation->state);
    usec started = 0;
    if (!e->has_project)
        return false;
    time_parse(value_path_str(state, "startedAt"), &started);
    bool manual = !value_bool(value_path(state, "operation.initiatedBy.automated"));
    bool begun = value_exists(value_getz(state, "syncResult"));
    project_can_sync(&e->project, &e->view, manual, begun ? started : 0, application_wall(app), a,
                     &verdict);
    return !verdict.allowed;
}

static void drive(struct application *app, struct evaluation *e)
{
    struct operation *op = app->operation;
    struct arena *a = &e->arena;
    struct sync_plan planned = {0};
    struct sync_answer *answer;
    struct err err;
    value state = value_copy(a, doc_root(op->state)), *hooks;
    usec started = 0;
    time_parse(value_path_str(state, "startedAt"), &started);
    bool blocked = windows_block(app, e);
    struct sync_facts f = {
        .context = &e->context,
        .compared = &e->result,
        .operation = value_getz(state, "operation"),
        .phase = op_phase_parse(value_path_str(state, "phase")),
        .started_at = started,
        .revision = op->round.n_sources && op->round.source[0].result
                        ? str_of(op->round.source[0].result->revision)
                        : STR(""),
        .rows = value_path(state, "syncResult.resources"),
        .started = op->started,
        .resumed = op->resumed,
        .windows_blocked = blocked,
        .namespace_live = namespace_live(app, e),
    };
    f.n_answers = gather_answers(op, a, &answer);
    f.answer = answer;
    f.n_asked = gather_asked(op, a, &f.asked);
    f.n_hook_live = gather_hooks(app, e, &hooks);
    f.hook_live = hooks;
    if (e->incomplete) { /* a body is on its way */
        app->waiting_for_cluster = true;
        return;
    }
    if (sync_plan(&f, a, &planned, &err) < 0) {
        end_with(app, e, OP_ERROR, arena_str(a, err_str(&err)));
        return;
    }
    for (size_t i = 0; i < planned.n_actions; i++)
        add_action(op, &planned.action[i]);
    if (planned.wake_at)
        op->wake_at = planned.wake_at;
    str message = blocked ? STR("Sync operation blocked by sync window") : planned.message;
    size_t len = MIN_OF(message.len, sizeof(op->waiting_for) - 1);
    memcpy(op->waiting_for, message.len ? message.at : "", len);
    op->waiting_for[len] = 0;
    bool was_terminating = f.phase == OP_TERMINATING;
    record(app, e, planned.phase, message, planned.rows, &op->round);
    if (op_phase_completed(planned.phase))
        complete(app, e, was_terminating);
}

static bool stored_condition(value conditions, const struct app_condition *c)
{
    for (struct value_iter it = value_iter(conditions); value_next(&it);)
        if (app_condition_parse(value_str(value_getz(it.val, "type"))) == c->type &&
            str_eq(value_str(value_getz(it.val, "message")), c->message))
            return true;
    return false;
}

/* Upstream adds the comparison's errors to the stored ones of the spec, which it does not judge
 * again: an error of the spec that only a comparison finds is there twice once it was stored. */
static value conditions_of(struct application *app, struct evaluation *e)
{
    struct arena *a = &e->arena;
    struct app_conditions *found = ARENA_NEW(a, struct app_conditions);
    value stored = value_getz(status_now(app, a), "conditions"), list = value_new_list(a);
    *found = e->spec_errors;
    for (size_t i = 0; i < e->result.conditions.n; i++)
        app_conditions_add(found, e->result.conditions.at[i].type,
                           e->result.conditions.at[i].message);
    for (size_t i = e->spec_errors.n; i < found->n; i++)
        if (found->at[i].type == APP_CONDITION_INVALID_SPEC_ERROR &&
            stored_condition(stored, &found->at[i]))
            value_push(a, list, app_condition_value(a, &found->at[i], e->context.now));
    return app_conditions_merge(a, list, found, 0, e->context.now);
}

static void refuse_or_drive(struct application *app, struct evaluation *e)
{
    struct arena *a = &e->arena;
    value list = conditions_of(app, e);
    struct operation_refusal refusal = {0};
    operation_check(&e->view, value_copy(a, doc_root(app->operation->state)), list, a, &refusal);
    if (refusal.phase != OP_NONE)
        end_with(app, e, refusal.phase, refusal.message);
    else
        drive(app, e);
}

/* Without a source upstream asks for a repository without a name, and says what it answers. */
static value sources_to_render(struct evaluation *e, value sources)
{
    if (value_len(sources))
        return sources;
    value list = value_new_list(&e->arena), none = value_new_map(&e->arena);
    value_set_str(&e->arena, none, "repoURL", STR(""));
    value_push(&e->arena, list, none);
    return list;
}

static void compare_and_sync(struct application *app, struct evaluation *e,
                             const struct operation_next *next)
{
    struct operation *op = app->operation;
    struct err err;
    str project_error = evaluation_project_error(e);
    if (project_error.len) {
        end_with(app, e, OP_ERROR,
                 ARENA_CAT(&e->arena, STR("Failed to load application project: "), project_error));
        return;
    }
    if (e->destination_error.len || !e->has_cluster) {
        end_with(app, e, OP_ERROR, e->destination_error);
        return;
    }
    if (!op->round.active) {
        round_start(app, &op->round, sources_to_render(e, next->sources), next->multi_source,
                    next->revisions, MANIFESTS_REFS_NEW);
    }
    if (!round_answered(&op->round))
        return;
    switch (evaluation_compare(app, e, &op->round, op, &err)) {
    case EVALUATION_WAITS: app->waiting_for_cluster = true; return;
    case EVALUATION_FAILED: end_with(app, e, OP_ERROR, arena_str(&e->arena, err_str(&err))); return;
    case EVALUATION_DONE: refuse_or_drive(app, e); return;
    }
}

/* The API ends an operation by storing phase Terminating. */
static void heed_termination(struct application *app, struct evaluation *e)
{
    struct operation *op = app->operation;
    value stored = value_path(doc_root(app->object), "status.operationState");
    if (!str_is(value_path_str(stored, "phase"), "Terminating") || terminating(op) || op->done)
        return;
    set_state(app, operation_terminate(&e->arena, value_copy(&e->arena, doc_root(op->state)),
                                       value_path_str(stored, "message")));
}

static void next_of(struct application *app, struct evaluation *e, struct operation_next *ret)
{
    *ret = (struct operation_next){0};
    operation_next(&e->view, &e->settings->settings,
                   value_copy(&e->arena, doc_root(app->operation->state)), application_wall(app),
                   &e->arena, ret);
    app->operation->wake_at = ret->wake_at;
}

static void work(struct application *app, struct evaluation *e)
{
    struct operation *op = app->operation;
    struct operation_next next;
    next_of(app, e, &next);
    if (next.todo == OPERATION_RESTART) {
        set_state(app, next.state);
        forget_attempt(op);
        next_of(app, e, &next);
    }
    if (next.todo == OPERATION_TIMED_OUT) {
        set_state(app, next.state);
        next_of(app, e, &next);
    }
    if (next.todo == OPERATION_INVALID) {
        set_state(app, next.state);
        complete(app, e, false);
    } else if (next.todo == OPERATION_SYNC) {
        compare_and_sync(app, e, &next);
    }
}

void operation_advance(struct application *app)
{
    if (!app->operation && !value_exists(value_getz(doc_root(app->object), "operation")))
        return;
    struct evaluation *e = evaluation_new(app);
    if (app->operation && app->operation->done &&
        !value_exists(e->view.operation)) { /* the end is stored */
        app->controller->status.n_operations--;
        if (app->operation->refresh_level >= 0)
            refresh_ask(app, app->operation->refresh_level);
        operation_free(app->operation);
        app->operation = NULL;
    }
    if (!app->operation && value_exists(e->view.operation) && !e->view.deletion_at &&
        !e->view.skip_reconcile)
        begin(app, e);
    if (app->operation) {
        heed_termination(app, e);
        if (!app->operation->done)
            work(app, e);
    }
    evaluation_free(e);
}
