#include "plan/operation.h"

#include "argo/names.h"

#define RETRY_DURATION_US (5 * USEC_PER_SEC)
#define RETRY_MAX_US (3 * USEC_PER_MIN)
#define RETRY_FACTOR 2
#define TIMEOUT_TEXT "operation is terminating due to timeout"

/* ---- small readers ---- */

static value state_edit(struct arena *a, value state)
{
    return value_edit(a, object_private(a, state));
}

static usec time_at(value v, const char *key)
{
    usec at = 0;
    return time_parse(value_str(value_get(v, str_of(key))), &at) ? at : 0;
}

static void set_or_remove(struct arena *a, value v, const char *key, str text)
{
    if (text.len)
        value_set_str(a, v, key, text);
    else
        value_remove(v, str_of(key));
}

static value sync_of(value state) { return value_path(state, "operation.sync"); }

/* ---- beginning and ending ---- */

value operation_begin(struct arena *a, value operation, usec now)
{
    static const char *const always[] = {"initiatedBy",
                                         "retry"}; /* Go prints these structs even when empty */
    value state = value_new_map(a), op = value_edit(a, object_private(a, operation));
    for (size_t i = 0; i < ARRAY_LEN(always); i++)
        if (!value_is_map(value_get(op, str_of(always[i]))))
            value_set(a, op, str_of(always[i]), value_new_map(a));
    value_setz(a, state, "operation", op);
    value_set_str(a, state, "phase", op_phase_name(OP_RUNNING));
    value_set_str(a, state, "startedAt", time_str(a, now));
    return state;
}

value operation_terminate(struct arena *a, value state, str message)
{
    if (op_phase_parse(value_path_str(state, "phase")) != OP_RUNNING)
        return state;
    state = state_edit(a, state);
    value_set_str(a, state, "phase", op_phase_name(OP_TERMINATING));
    value_set_str(a, state, "message", message);
    return state;
}

/* ---- retry ---- */

static usec backoff_duration(value backoff, const char *key, usec fallback)
{
    str text = value_str(value_get(backoff, str_of(key)));
    usec d;
    int64_t seconds;
    if (str_to_i64(text, &seconds) && seconds >= 0 && seconds < INT64_MAX / USEC_PER_SEC)
        return seconds * USEC_PER_SEC;
    return duration_parse(text, &d) ? d : fallback;
}

usec operation_retry_at(value retry, int64_t retry_count, usec last_attempt_at)
{
    value backoff = value_getz(retry, "backoff"), f = value_getz(backoff, "factor");
    usec first = backoff_duration(backoff, "duration", RETRY_DURATION_US);
    usec longest = backoff_duration(backoff, "maxDuration", RETRY_MAX_US);
    double factor = value_is_number(f) ? value_double(f) : RETRY_FACTOR;
    double wait = (double)first, most = (double)(INT64_MAX / 4);
    for (int64_t i = 0; i < retry_count && wait > 0 && wait < most; i++)
        wait *= factor;
    if (longest > 0 && wait > (double)longest)
        wait = (double)longest;
    if (!(wait < most))
        wait = most;
    return last_attempt_at + (usec)wait;
}

static value restart_state(struct arena *a, value state)
{
    bool refresh = value_bool(value_path(state, "operation.retry.refresh"));
    int64_t count = value_int(value_getz(state, "retryCount"));
    state = state_edit(a, state);
    value_remove(state, STR("finishedAt"));
    value_remove(state, STR("syncResult"));
    value_setz(a, state, "message",
               value_of_str(a, arena_printf(a, "Retrying operation%s. Attempt #%lld",
                                            refresh ? " with latest revisions" : "",
                                            (long long)count)));
    if (refresh) {
        value sync = value_edit_map(a, value_edit_map(a, state, STR("operation")), STR("sync"));
        value_remove(sync, STR("revision"));
        value_remove(sync, STR("revisions"));
    }
    return state;
}

/* ---- what next ---- */

static value list_of(struct arena *a, value one)
{
    value list = value_new_list(a);
    if (value_exists(one))
        value_push(a, list, one);
    return list;
}

struct wanted { /* sources and revisions of an operation */
    value source, sources, revision, revisions;
};

static struct wanted wanted_of(const struct app *app, value state)
{
    value result = value_getz(state, "syncResult"), sync = sync_of(state);
    bool own = value_len(value_getz(sync, "sources")) || value_is_map(value_getz(sync, "source"));
    struct wanted w;
    if (value_is_map(result)) {
        w = (struct wanted){value_getz(result, "source"), value_getz(result, "sources"),
                            value_getz(result, "revision"), value_getz(result, "revisions")};
        return w;
    }
    w = (struct wanted){app->n_sources ? app->source[0] : VALUE_ABSENT,
                        app->multi_source ? value_getz(app->spec, "sources") : VALUE_ABSENT,
                        value_getz(sync, "revision"), value_getz(sync, "revisions")};
    if (own) {
        w.source = value_getz(sync, "source");
        w.sources = value_getz(sync, "sources");
    }
    return w;
}

static void fill_wanted(const struct app *app, value state, struct arena *a,
                        struct operation_next *ret)
{
    struct wanted w = wanted_of(app, state);
    ret->multi_source = value_len(w.sources) > 0;
    ret->sources = ret->multi_source ? w.sources : list_of(a, w.source);
    ret->revisions = value_new_list(a);
    for (size_t i = 0; i < value_len(ret->sources); i++) {
        value v = ret->multi_source ? value_at(w.revisions, i) : w.revision;
        value_push(a, ret->revisions,
                   value_of_str(a, i < value_len(w.revisions) || !ret->multi_source ? value_str(v)
                                                                                    : STR("")));
    }
}

static value invalid_state(struct arena *a, value state, usec now)
{
    state = state_edit(a, state);
    value_set_str(a, state, "phase", op_phase_name(OP_ERROR));
    value_set_str(a, state, "message", STR("Invalid operation request: no operation specified"));
    value_set_str(a, state, "finishedAt", time_str(a, now));
    return state;
}

void operation_next(const struct app *app, const struct settings *s, value state, usec now,
                    struct arena *a, struct operation_next *ret)
{
    enum op_phase phase = op_phase_parse(value_path_str(state, "phase"));
    usec started = time_at(state, "startedAt"), finished = time_at(state, "finishedAt");
    *ret = (struct operation_next){.todo = OPERATION_NONE, .state = state};
    if (phase != OP_RUNNING && phase != OP_TERMINATING)
        return;
    if (!value_is_map(sync_of(state))) {
        ret->todo = OPERATION_INVALID;
        ret->state = invalid_state(a, state, now);
        return;
    }
    ret->todo = OPERATION_SYNC;
    usec timeout_at = s->sync_timeout_us ? started + s->sync_timeout_us : 0;
    if (phase == OP_RUNNING && timeout_at && now > timeout_at) {
        ret->todo = OPERATION_TIMED_OUT;
        ret->state = operation_terminate(a, state, STR(TIMEOUT_TEXT));
    } else if (phase == OP_RUNNING && finished) {
        usec retry_at = operation_retry_at(value_path(state, "operation.retry"),
                                           value_int(value_getz(state, "retryCount")), finished);
        ret->todo = retry_at > now ? OPERATION_WAIT : OPERATION_RESTART;
        ret->wake_at = retry_at > now ? retry_at : 0;
        if (retry_at <= now)
            ret->state = restart_state(a, state);
    }
    if (phase == OP_RUNNING && timeout_at > now && (!ret->wake_at || timeout_at < ret->wake_at))
        ret->wake_at = timeout_at + USEC_PER_SEC;
    fill_wanted(app, ret->state, a, ret);
}

void operation_check(const struct app *app, value state, value conditions, struct arena *a,
                     struct operation_refusal *ret)
{
    *ret = (struct operation_refusal){0};
    (void)app;
    if (op_phase_parse(value_path_str(state, "phase")) == OP_TERMINATING)
        return;
    if (options_have(value_getz(sync_of(state), "syncOptions"), "FailOnSharedResource=true")) {
        for (struct value_iter it = value_iter(conditions); value_next(&it);) {
            if (app_condition_parse(value_str(value_getz(it.val, "type"))) !=
                APP_CONDITION_SHARED_RESOURCE_WARNING)
                continue;
            ret->phase = OP_FAILED;
            ret->message = ARENA_CAT(a, STR("Shared resource found: "),
                                     value_str(value_getz(it.val, "message")));
            return;
        }
    }
    ret->message = app_conditions_text(a, conditions,
                                       APP_CONDITION_BIT(APP_CONDITION_COMPARISON_ERROR) |
                                           APP_CONDITION_BIT(APP_CONDITION_INVALID_SPEC_ERROR));
    if (ret->message.len)
        ret->phase = OP_ERROR;
}

/* ---- recording ---- */

static void record_revisions(struct arena *a, value result, const struct operation_progress *p,
                             bool multi)
{
    if (!p->n_revisions)
        return;
    if (!multi) {
        value_set_str(a, result, "revision", p->revision[0]);
        return;
    }
    value list = value_new_list(a);
    for (size_t i = 0; i < p->n_revisions; i++)
        value_push(a, list, value_of_str(a, p->revision[i]));
    value_setz(a, result, "revisions", list);
}

value operation_record(struct arena *a, const struct app *app, value state,
                       const struct operation_progress *p)
{
    struct wanted w = wanted_of(app, state);
    state = state_edit(a, state);
    value_set_str(a, state, "phase", op_phase_name(p->phase));
    set_or_remove(a, state, "message", p->message);
    value result = value_edit_map(a, state, STR("syncResult"));
    value_setz(a, result, "source", value_exists(w.source) ? w.source : value_at(w.sources, 0));
    if (!value_exists(value_getz(result, "source"))) {
        value none = value_new_map(a);
        value_set_str(a, none, "repoURL", STR(""));
        value_setz(a, result, "source", none);
    }
    if (value_len(w.sources))
        value_setz(a, result, "sources", w.sources);
    if (!value_exists(value_getz(result, "revision")))
        value_set_str(a, result, "revision", value_str(w.revision));
    if (value_len(w.revisions))
        value_setz(a, result, "revisions", w.revisions);
    record_revisions(a, result, p, value_len(w.sources) > 0);
    value_setz(a, result, "resources", value_len(p->rows) ? p->rows : VALUE_ABSENT);
    value_setz(a, result, "managedNamespaceMetadata", app->managed_namespace_metadata);
    return state;
}

/* "3:04PM" */
static str kitchen(struct arena *a, usec at)
{
    struct time_parts p;
    time_split(at, &p);
    int hour = p.hour % 12 ? p.hour % 12 : 12;
    return arena_printf(a, "%d:%02d%s", hour, p.minute, p.hour < 12 ? "AM" : "PM");
}

static bool may_retry(value state)
{
    int64_t limit = value_int(value_path(state, "operation.retry.limit"));
    return limit < 0 || value_int(value_getz(state, "retryCount")) < limit;
}

static void schedule_retry(value state, str message, usec now, struct arena *a,
                           struct operation_end *ret)
{
    value retry = value_path(state, "operation.retry");
    int64_t count = value_int(value_getz(state, "retryCount"));
    usec told = operation_retry_at(retry, count, now);
    value_set_str(a, state, "phase", op_phase_name(OP_RUNNING));
    value_set_str(a, state, "finishedAt", time_str(a, now));
    value_setz(a, state, "retryCount", value_of_int(a, count + 1));
    value_set_str(a, state, "message",
                  arena_printf(a, "%.*s. Retrying attempt #%lld at %.*s.", STR_FMT(message),
                               (long long)count + 1, STR_FMT(kitchen(a, told))));
    ret->retry = true;
    /* Upstream tells the time by the old count and waits by the new one. */
    ret->retry_at = operation_retry_at(retry, count + 1, now);
    ret->state = state;
    ret->refresh_level = -1;
}

static void make_event(value state, enum op_phase phase, struct arena *a, struct operation_end *ret)
{
    value sync = sync_of(state), result = value_getz(state, "syncResult");
    str text = value_len(value_getz(sync, "resources")) ? STR("Partial sync operation")
                                                        : STR("Sync operation");
    if (value_is_map(result))
        text = ARENA_CAT(a, text, STR(" to "), value_str(value_getz(result, "revision")));
    ret->event_reason = STR("OperationCompleted");
    ret->event_warning = phase != OP_SUCCEEDED;
    ret->event_message = phase == OP_SUCCEEDED ? ARENA_CAT(a, text, STR(" succeeded"))
                                               : ARENA_CAT(a, text, STR(" failed: "),
                                                           value_path_str(state, "message"));
}

void operation_complete(const struct app *app, value state, bool was_terminating, usec now,
                        struct arena *a, struct operation_end *ret)
{
    enum op_phase phase = op_phase_parse(value_path_str(state, "phase"));
    str message = value_path_str(state, "message");
    value sync = sync_of(state);
    bool dry_run = value_bool(value_getz(sync, "dryRun"));
    int64_t count = value_int(value_getz(state, "retryCount"));
    *ret = (struct operation_end){.state = state, .refresh_level = -1};
    if (!op_phase_completed(phase))
        return;
    state = state_edit(a, state);
    if (phase != OP_SUCCEEDED && !was_terminating && may_retry(state)) {
        schedule_retry(state, message, now, a, ret);
        return;
    }
    if (phase != OP_SUCCEEDED) {
        if (was_terminating && str_is(value_path_str(app->op_state, "message"), TIMEOUT_TEXT))
            message = ARENA_CAT(a, message, STR(", triggered by controller sync timeout"));
        if (count > 0)
            message =
                arena_printf(a, "%.*s (retried %lld times).", STR_FMT(message), (long long)count);
        value_set_str(a, state, "message", message);
    }
    value_set_str(a, state, "finishedAt", time_str(a, now));
    ret->state = state;
    ret->clear = true;
    ret->history = phase == OP_SUCCEEDED && !dry_run && !value_len(value_getz(sync, "resources"));
    if (!dry_run)
        ret->refresh_level =
            value_bool(value_path(state, "operation.initiatedBy.automated")) ? 2 : 3;
    make_event(state, phase, a, ret);
}

/* ---- history ---- */

value operation_history(struct arena *a, const struct app *app, value state, usec now)
{
    value old = value_getz(app->status, "history"), result = value_getz(state, "syncResult");
    value entry = value_new_map(a), list = value_new_list(a);
    size_t n = value_len(old);
    int64_t id = n ? value_int(value_getz(value_at(old, n - 1), "id")) + 1 : 0;
    if (value_len(value_getz(result, "sources"))) {
        value none = value_new_map(a);
        value_set_str(a, none, "repoURL", STR(""));
        value_setz(a, entry, "revisions", value_getz(result, "revisions"));
        value_setz(a, entry, "source", none);
        value_setz(a, entry, "sources", value_getz(result, "sources"));
    } else {
        if (value_path_str(result, "revision").len) /* local manifests have none */
            value_setz(a, entry, "revision", value_getz(result, "revision"));
        value_setz(a, entry, "source", value_getz(result, "source"));
    }
    value_set_str(a, entry, "deployedAt", time_str(a, now));
    value_setz(a, entry, "id", value_of_int(a, id));
    value_setz(a, entry, "deployStartedAt", value_getz(state, "startedAt"));
    value_setz(a, entry, "initiatedBy", value_path(state, "operation.initiatedBy"));
    size_t keep = app->history_limit > 0 ? (size_t)app->history_limit : 0;
    size_t skip = n + 1 > keep ? n + 1 - keep : 0;
    for (size_t i = skip; i < n; i++)
        value_push(a, list, value_at(old, i));
    if (skip <= n)
        value_push(a, list, entry);
    return list;
}

int operation_rollback(const struct app *app, int64_t id, bool prune, bool dry_run, struct arena *a,
                       value *ret_operation, struct err *err)
{
    value found = VALUE_ABSENT;
    if (app->automated)
        return err_set(err, ERR_PRECONDITION,
                       "rollback cannot be initiated when auto-sync is enabled");
    for (struct value_iter it = value_iter(value_getz(app->status, "history")); value_next(&it);)
        if (value_int(value_getz(it.val, "id")) == id)
            found = it.val;
    if (!value_exists(found))
        return err_set(err, ERR_NOT_FOUND, "application %.*s does not have deployment with id %lld",
                       STR_FMT(app->name), (long long)id);
    value op = value_new_map(a), sync = value_edit_map(a, op, STR("sync"));
    static const char *const single[] = {"revision", "source"}, *const many[] = {"revisions",
                                                                                 "sources"};
    bool multi = value_len(value_getz(found, "sources")) > 0;
    for (size_t i = 0; i < 2; i++) {
        str key = str_of(multi ? many[i] : single[i]);
        value_set(a, sync, key, value_get(found, key));
    }
    if (prune)
        value_setz(a, sync, "prune", value_of_bool(a, true));
    if (dry_run)
        value_setz(a, sync, "dryRun", value_of_bool(a, true));
    if (value_len(app->sync_options))
        value_setz(a, sync, "syncOptions", app->sync_options);
    value_set_path(a, op, "sync.syncStrategy.apply", value_new_map(a));
    *ret_operation = op;
    return 0;
}
