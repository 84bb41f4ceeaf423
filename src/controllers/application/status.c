/* controllers/application/status.c: what our own object should say, and the patch that makes it say
 * so.
 *
 * Producers (refresh, operation, deletion) start from status_now and hand the next status to
 * status_want; what differs from the stored object becomes one merge patch. A patch that also takes
 * something away that a user may have set meanwhile (the refresh annotation, the operation) carries
 * the resourceVersion, so that a newer wish is never lost. */
#include "base/fault.h"
#include "controllers/application/app.h"

#include <string.h>

#include "control/write.h"
#include "kube/object.h"
#include "plan/refresh.h"
#include "plan/tree.h"

#define EVALUATED                                                                                  \
    (APP_CONDITION_BIT(APP_CONDITION_INVALID_SPEC_ERROR) |                                         \
     APP_CONDITION_BIT(APP_CONDITION_COMPARISON_ERROR) |                                           \
     APP_CONDITION_BIT(APP_CONDITION_UNKNOWN_ERROR) |                                              \
     APP_CONDITION_BIT(APP_CONDITION_SHARED_RESOURCE_WARNING) |                                    \
     APP_CONDITION_BIT(APP_CONDITION_REPEATED_RESOURCE_WARNING) |                                  \
     APP_CONDITION_BIT(APP_CONDITION_EXCLUDED_RESOURCE_WARNING) |                                  \
     APP_CONDITION_BIT(APP_CONDITION_ORPHANED_RESOURCE_WARNING))

static value stored_status(const struct application *app)
{
    return value_getz(doc_root(app->object), "status");
}

value status_now(const struct application *app, struct arena *a)
{
    value status = app->wanted.status ? doc_root(app->wanted.status) : stored_status(app);
    return value_is_map(status) ? value_edit(a, status) : value_new_map(a);
}

void status_want(struct application *app, value status)
{
    struct wanted *w = &app->wanted;
    if (w->status && value_equal(doc_root(w->status), status))
        return;
    doc_unref(w->status);
    w->status = value_equal(stored_status(app), status) ? NULL : doc_freeze(status, 0);
    if (!w->status)
        w->since = 0;
    else if (!w->since)
        w->since = loop_now(app->controller->config.loop);
    w->serial = ++app->serial;
}

void wanted_reset(struct application *app)
{
    struct wanted *w = &app->wanted;
    doc_unref(w->status);
    doc_unref(w->operation);
    doc_unref(w->spec);
    *w = (struct wanted){.serial = w->serial};
}

/* ---- statuses ---- */

static void set_health(struct arena *a, value status, enum health_code code, str message, usec now)
{
    value before = value_getz(status, "health");
    value health = value_new_map(a);
    bool same = str_eq(value_path_str(before, "status"), health_code_name(code));
    value since = value_getz(before, "lastTransitionTime");
    value_set_str(a, health, "status", health_code_name(code));
    if (message.len)
        value_set_str(a, health, "message", message);
    if (same && value_exists(since))
        value_setz(a, health, "lastTransitionTime", since);
    else
        value_set_str(a, health, "lastTransitionTime", time_str(a, now));
    value_setz(a, status, "health", health);
}

static void set_conditions(struct arena *a, value status, const struct app_conditions *fresh,
                           usec now)
{
    value merged = app_conditions_merge(a, value_getz(status, "conditions"), fresh, EVALUATED, now);
    value_setz(a, status, "conditions", merged);
}

void status_of_bad_spec(struct application *app, struct evaluation *e)
{
    struct arena *a = &e->arena;
    value status = status_now(app, a);
    const struct compare_input nothing = {0};
    usec now = application_wall(app);
    set_conditions(a, status, &e->spec_errors, now);
    set_health(a, status, HEALTH_UNKNOWN, STR(""), now);
    value_setz(a, status, "sync", compare_status_unknown(&e->context, &nothing, a));
    value_setz(a, status, "resources", VALUE_ABSENT);
    status_want(app, status);
    results_forget(app);
}

/* All conditions of a comparison: its own and those of the desired objects. */
static void gather(struct evaluation *e, struct app_conditions *ret)
{
    *ret = e->spec_errors;
    for (size_t i = 0; i < e->result.conditions.n; i++)
        app_conditions_add(ret, e->result.conditions.at[i].type,
                           e->result.conditions.at[i].message);
}

static void set_source_type(struct arena *a, value status, const struct round *r)
{
    value types = value_new_list(a);
    for (size_t i = 0; i < r->n_sources; i++)
        if (r->source[i].result)
            value_push(a, types, value_of_str(a, render_type_name(r->source[i].result->type)));
    if (!r->is_local && (round_failed(r) || value_len(types) == 0))
        return;
    value_setz(a, status, "sourceType", r->multi_source ? VALUE_ABSENT : value_at(types, 0));
    value_setz(a, status, "sourceTypes", r->multi_source ? types : VALUE_ABSENT);
}

static void set_summary(struct arena *a, value status, value images)
{
    value summary = value_new_map(a), before = value_getz(status, "summary");
    if (value_len(images))
        value_setz(a, summary, "images", images);
    if (value_len(summary) || value_exists(before))
        value_setz(a, status, "summary", summary);
}

void status_of_comparison(struct application *app, struct evaluation *e, const struct round *r,
                          bool reconciled)
{
    struct arena *a = &e->arena;
    value status = status_now(app, a);
    usec now = application_wall(app);
    struct app_conditions *all = ARENA_NEW(a, struct app_conditions);
    gather(e, all);
    set_conditions(a, status, all, now);
    set_health(a, status, e->result.health.code, e->result.health.message, now);
    value_setz(a, status, "sync", e->result.sync_status);
    value_setz(a, status, "resources",
               value_len(e->result.resources) ? e->result.resources : VALUE_ABSENT);
    set_source_type(a, status, r);
    set_summary(a, status, e->result.images);
    value_set_str(a, status, "controllerNamespace", app->controller->config.control_namespace);
    value_set_str(a, status, "resourceHealthSource", STR("appTree"));
    if (reconciled || !value_exists(value_getz(status, "reconciledAt")))
        value_set_str(a, status, "reconciledAt", time_str(a, now));
    status_want(app, status);
}

void status_of_rows(struct application *app, struct evaluation *e)
{
    struct arena *a = &e->arena;
    value status = status_now(app, a);
    value sync = value_edit_map(a, status, STR("sync"));
    set_health(a, status, e->result.health.code, e->result.health.message, application_wall(app));
    value_set_str(a, sync, "status", sync_code_name(e->result.sync));
    value_setz(a, status, "resources", e->result.resources);
    e->result.sync_status = sync;
    status_want(app, status);
}

void status_of_refresh(struct application *app, struct evaluation *e, bool news)
{
    struct arena *a = &e->arena;
    if (news)
        status_of_rows(app, e);
    value status = status_now(app, a);
    if (!news)
        e->result.sync_status = value_getz(status, "sync");
    value_set_str(a, status, "reconciledAt", time_str(a, application_wall(app)));
    status_want(app, status);
}

/* ---- events ---- */

void application_event(struct application *app, bool warning, str reason, str message)
{
    if (app->n_events == APP_EVENTS_MAX)
        return;
    struct arena *a = &app->event_arena;
    if (!app->event)
        app->event = checked_calloc(APP_EVENTS_MAX, sizeof(*app->event));
    app->event[app->n_events++] =
        (struct app_event){arena_str(a, reason), arena_str(a, message), warning};
}

static void event_of_change(struct application *app, const char *what, str now, str cause,
                            char *told, size_t told_bytes)
{
    struct arena a;
    if (!now.len || now.len >= told_bytes || str_is(now, told))
        return;
    arena_init(&a, ARENA_BYTES_DEFAULT);
    application_event(app, false, STR("ResourceUpdated"),
                      arena_printf(&a, "Updated %s status: %s -> %.*s%s%.*s%s", what, told,
                                   STR_FMT(now), cause.len ? " (" : "", STR_FMT(cause),
                                   cause.len ? ")" : ""));
    memcpy(told, now.at, now.len);
    told[now.len] = 0;
    arena_done(&a);
}

void status_events(struct application *app)
{
    value status = stored_status(app);
    str message = value_path_str(status, "health.message");
    str cause = str_starts(message, STR("Caused by")) ? message : STR("");
    event_of_change(app, "sync", value_path_str(status, "sync.status"), STR(""), app->told_sync,
                    sizeof(app->told_sync));
    event_of_change(app, "health", value_path_str(status, "health.status"), cause, app->told_health,
                    sizeof(app->told_health));
}

static bool running(value object)
{
    return str_is(value_path_str(object, "status.operationState.phase"), "Running");
}

static size_t history_len(value object) { return value_len(value_path(object, "status.history")); }

void application_changes(const struct application *app, const struct doc *now)
{
    value before = doc_root(app->object), after = doc_root(now);
    bool asked = value_exists(value_getz(before, "operation"));
    bool asks = value_exists(value_getz(after, "operation"));
    if (!app->object)
        return;
    if (!asked && asks)
        FAULT_POINT("application.operation.asked");
    if (!running(before) && running(after))
        FAULT_POINT("application.operation.announced");
    if (history_len(after) > history_len(before))
        FAULT_POINT("application.history.written");
    if (asked && !asks)
        FAULT_POINT("application.operation.cleared");
    if (value_len(object_finalizers(after)) < value_len(object_finalizers(before)))
        FAULT_POINT("application.finalizer.removed");
    FAULT_POINT("application.changed");
}

/* ---- the patch ---- */

/* A new reconciledAt and nothing else is not worth a write to the API server: cost follows change.
 */
static bool only_the_time(value patch)
{
    return value_len(patch) == 1 && str_is(value_key(patch, 0), "reconciledAt");
}

/* Clients that wait for an operation wait for a comparison after its end, too. */
static bool awaited(value stored)
{
    usec finished, reconciled;
    return time_parse(value_path_str(stored, "operationState.finishedAt"), &finished) &&
           time_parse(value_path_str(stored, "reconciledAt"), &reconciled) && reconciled < finished;
}

/* Members that only others write may have come since `wanted` was made: they stay. */
static value with_members_of_others(struct arena *a, value from, value to)
{
    value theirs = value_getz(from, "sourceHydrator");
    if (!value_exists(theirs) || value_exists(value_getz(to, "sourceHydrator")))
        return to;
    to = value_edit(a, to);
    value_setz(a, to, "sourceHydrator", theirs);
    return to;
}

static value status_patch(const struct application *app, struct arena *a)
{
    const struct wanted *w = &app->wanted;
    value from = stored_status(app);
    if (!w->status)
        return VALUE_ABSENT;
    value patch = merge_patch_between(a, value_is_map(from) ? from : value_new_map(a),
                                      with_members_of_others(a, from, doc_root(w->status)));
    if (value_len(patch) == 0 || (only_the_time(patch) && !w->drop_refresh && !awaited(from)))
        return VALUE_ABSENT;
    return patch;
}

static void take_refresh_away(const struct application *app, struct arena *a, value meta)
{
    static const char *const key[] = {KEY_REFRESH, KEY_REFRESH_TIMESTAMP};
    value annotations = value_new_map(a);
    for (size_t i = 0; i < ARRAY_LEN(key); i++)
        if (object_has_annotation(doc_root(app->object), str_of(key[i])))
            value_set(a, annotations, str_of(key[i]), value_null(a));
    if (value_len(annotations))
        value_setz(a, meta, "annotations", annotations);
}

value wanted_patch(const struct application *app, struct arena *a)
{
    const struct wanted *w = &app->wanted;
    value object = doc_root(app->object);
    value patch = value_new_map(a), meta = value_new_map(a);
    value status = status_patch(app, a);
    if (value_exists(status))
        value_setz(a, patch, "status", status);
    if (w->spec)
        value_setz(a, patch, "spec",
                   merge_patch_between(a, value_getz(object, "spec"), doc_root(w->spec)));
    if (w->drop_refresh)
        take_refresh_away(app, a, meta);
    value finalizers = finalizers_changed(a, object, w->finalizers_add, w->finalizers_drop);
    if (value_exists(finalizers))
        value_setz(a, meta, "finalizers", finalizers);
    if (w->operation)
        value_setz(a, patch, "operation", doc_root(w->operation));
    else if (w->clear_operation && value_exists(value_getz(object, "operation")))
        value_setz(a, patch, "operation", value_null(a));
    if (value_len(meta) || w->operation || w->clear_operation || w->spec)
        value_set_str(a, meta, "resourceVersion", object_resource_version(object));
    if (value_len(patch) == 0 && value_len(meta) < 2)
        return VALUE_ABSENT;
    if (value_len(meta))
        value_setz(a, patch, "metadata", meta);
    return patch;
}
