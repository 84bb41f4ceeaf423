#include "plan/autosync.h"

#include "argo/names.h"

struct decision {
    const struct autosync_input *in;
    struct arena *a;
    struct autosync_result *ret;
    value revisions; /* of this comparison, list of texts */
    value attempted; /* of the last operation */
    enum op_phase last_phase;
};

static value texts(struct arena *a, value many, value one, bool multi)
{
    value list = value_new_list(a);
    if (!multi)
        value_push(a, list, value_of_str(a, value_str(one)));
    for (struct value_iter it = value_iter(multi ? many : VALUE_ABSENT); value_next(&it);)
        value_push(a, list, it.val);
    return list;
}

/* As Go prints a []string. */
static str bracketed(struct arena *a, value list, const char *separator)
{
    str text = STR("");
    for (struct value_iter it = value_iter(list); value_next(&it);)
        text = ARENA_CAT(a, text, it.i ? str_of(separator) : STR(""), value_str(it.val));
    return text;
}

static bool skip(struct decision *d, const char *why)
{
    d->ret->why_not = why;
    return false;
}

static bool refuse(struct decision *d, str condition, const char *why)
{
    d->ret->condition = condition;
    return skip(d, why);
}

static bool row_synced(value row)
{
    return sync_code_parse(value_str(value_getz(row, "status"))) == SYNC_SYNCED;
}

static bool only_pruning(value resources)
{
    for (struct value_iter it = value_iter(resources); value_next(&it);)
        if (!row_synced(it.val) && !value_bool(value_getz(it.val, "requiresPruning")))
            return false;
    return true;
}

static bool all_need_pruning(value resources)
{
    for (struct value_iter it = value_iter(resources); value_next(&it);)
        if (!value_bool(value_getz(it.val, "requiresPruning")))
            return false;
    return true;
}

/* The last operation was about the same revisions and sources. */
static bool attempted_already(struct decision *d)
{
    const struct app *app = d->in->app;
    value result = value_getz(app->op_state, "syncResult");
    d->attempted = value_new_list(d->a);
    if (!value_exists(app->op_state))
        return false;
    d->last_phase = op_phase_parse(value_path_str(app->op_state, "phase"));
    if (!value_is_map(result))
        return op_phase_completed(d->last_phase);
    d->attempted = texts(d->a, value_getz(result, "revisions"), value_getz(result, "revision"),
                         app->multi_source);
    if (d->in->revisions_may_differ && !value_equal(d->attempted, d->revisions))
        return false;
    if (app->multi_source)
        return app_sources_equal(value_getz(app->spec, "sources"), value_getz(result, "sources"));
    return app_source_equal(app->n_sources ? app->source[0] : VALUE_ABSENT,
                            value_getz(result, "source"));
}

/* Pause before self-heal number `attempts` + 1, counted from the end of the last operation. */
static usec heal_delay(const struct settings *s, int64_t attempts)
{
    if (!s->self_heal_backoff_us)
        return s->self_heal_timeout_us;
    if (attempts <= 0)
        return 0;
    double delay = (double)s->self_heal_backoff_us;
    for (int64_t i = 1; i < attempts && delay < (double)s->self_heal_cap_us; i++)
        delay *= (double)s->self_heal_factor;
    return s->self_heal_cap_us > 0 && delay > (double)s->self_heal_cap_us ? s->self_heal_cap_us
                                                                          : (usec)delay;
}

static bool heal(struct decision *d, value sync)
{
    const struct app *app = d->in->app;
    struct arena *a = d->a;
    usec finished = 0;
    int64_t attempts = value_int(value_path(app->op_state, "operation.sync.autoHealAttemptsCount"));
    bool ended = time_parse(value_path_str(app->op_state, "finishedAt"), &finished);
    usec again = (ended ? finished : d->in->now) + heal_delay(d->in->settings, attempts);
    if (value_exists(app->op_state) && again > d->in->now) {
        d->ret->again_at = again;
        return skip(d, "self-heal waits");
    }
    value list = value_new_list(a);
    for (struct value_iter it = value_iter(d->in->resources); value_next(&it);) {
        static const char *const fields[] = {"group", "kind", "name"};
        if (row_synced(it.val))
            continue;
        value one = value_new_map(a);
        for (size_t i = 0; i < ARRAY_LEN(fields); i++)
            if (value_exists(value_get(it.val, str_of(fields[i]))))
                value_set(a, one, str_of(fields[i]), value_get(it.val, str_of(fields[i])));
        value_push(a, list, one);
    }
    value_setz(a, sync, "autoHealAttemptsCount", value_of_int(a, attempts + 1));
    if (value_len(list))
        value_setz(a, sync, "resources", list);
    return true;
}

static value sync_request(struct decision *d)
{
    const struct app *app = d->in->app;
    struct arena *a = d->a;
    value sync = value_new_map(a);
    value revision = value_getz(d->in->sync_status, "revision");
    if (!app->multi_source && app->n_sources)
        value_setz(a, sync, "source", app->source[0]);
    if (app->multi_source) {
        value_setz(a, sync, "sources", value_getz(app->spec, "sources"));
        value_setz(a, sync, "revisions", value_getz(d->in->sync_status, "revisions"));
    } else if (value_str(revision).len) {
        value_setz(a, sync, "revision", revision);
    }
    if (app->auto_prune)
        value_setz(a, sync, "prune", value_of_bool(a, true));
    if (value_len(app->sync_options))
        value_setz(a, sync, "syncOptions", app->sync_options);
    return sync;
}

static value operation_of(struct decision *d, value sync)
{
    struct arena *a = d->a;
    value op = value_new_map(a), by = value_new_map(a), retry = d->in->app->retry;
    value_setz(a, by, "automated", value_of_bool(a, true));
    value_setz(a, op, "sync", sync);
    value_setz(a, op, "initiatedBy", by);
    if (value_is_nil(retry)) {
        retry = value_new_map(a);
        value_setz(a, retry, "limit", value_of_int(a, 5));
    }
    value_setz(a, op, "retry", retry);
    return op;
}

static bool decide(struct decision *d)
{
    const struct app *app = d->in->app;
    if (!app->automated)
        return skip(d, "no automated sync");
    if (value_exists(app->operation))
        return skip(d, "another operation is in progress");
    if (app->deletion_at)
        return skip(d, "deletion in progress");
    if (sync_code_parse(value_path_str(d->in->sync_status, "status")) != SYNC_OUT_OF_SYNC)
        return skip(d, "not out of sync");
    if (!app->auto_prune && only_pruning(d->in->resources))
        return skip(d, "only pruning is needed and automated prune is off");
    value sync = sync_request(d);
    if (attempted_already(d)) {
        if (d->last_phase != OP_SUCCEEDED)
            return refuse(d,
                          ARENA_CAT(d->a, STR("Failed last sync attempt to ["),
                                    bracketed(d->a, d->attempted, " "), STR("]: "),
                                    value_path_str(app->op_state, "message")),
                          "the last attempt failed");
        if (!app->self_heal)
            return skip(d, "synced to this already");
        if (!heal(d, sync))
            return false;
    }
    if (app->auto_prune && !app->allow_empty && all_need_pruning(d->in->resources))
        return refuse(d,
                      ARENA_CAT(d->a, STR("Skipping sync attempt to ["),
                                bracketed(d->a, d->revisions, " "),
                                STR("]: auto-sync will wipe out all resources")),
                      "it would delete everything");
    d->ret->operation = operation_of(d, sync);
    d->ret->event_message = ARENA_CAT(d->a, STR("Initiated automated sync to '"),
                                      bracketed(d->a, d->revisions, ", "), STR("'"));
    return true;
}

void autosync_decide(const struct autosync_input *in, struct arena *a, struct autosync_result *ret)
{
    struct decision d = {.in = in, .a = a, .ret = ret};
    *ret = (struct autosync_result){.condition = STR("")};
    d.revisions = texts(a, value_getz(in->sync_status, "revisions"),
                        value_getz(in->sync_status, "revision"), in->app->multi_source);
    ret->start = decide(&d);
}
