#include "argo/names.h"
#include "kube/object.h"
#include "plan/compare.h"

/* ---- one row ---- */

static value row_object(const struct compare_row *r)
{
    return value_exists(r->live) ? r->live : r->target;
}

static bool is_confirm(value o, value app_options, const char *name)
{
    if (!value_exists(o))
        return false;
    str own = object_option_value(o, KEY_SYNC_OPTIONS, name);
    if (own.len)
        return str_is(own, "confirm");
    return str_is(options_value(app_options, name), "confirm");
}

static bool needs_confirmation(const struct app *app, const struct compare_row *r)
{
    return is_confirm(r->target, app->sync_options, "Delete") ||
           is_confirm(r->target, app->sync_options, "Prune") ||
           is_confirm(r->live, app->sync_options, "Delete") ||
           is_confirm(r->live, app->sync_options, "Prune");
}

bool compare_is_managed_namespace(const struct app *app, value o)
{
    return value_exists(o) && value_exists(app->managed_namespace_metadata) &&
           str_is(object_kind(o), "Namespace") &&
           str_eq(object_name(o), app->destination.namespace);
}

static void judge_sync(const struct compare_context *c, struct compare_row *r, bool failed)
{
    struct compare_verdict *v = &r->verdict;
    value o = row_object(r);
    bool target = value_exists(r->target), live = value_exists(r->live);
    bool without_effect =
        v->hook || object_ignored(o) || object_skipped(r->target) || !r->self_referenced;
    bool waits = !live && compare_is_managed_namespace(c->app, r->target);
    if (!without_effect && !waits && (v->modified || !target || !live)) {
        v->sync = SYNC_OUT_OF_SYNC;
        v->counts_sync = target || !object_has_option(o, KEY_COMPARE_OPTIONS, "IgnoreExtraneous");
    } else if (!without_effect) {
        v->sync = SYNC_SYNCED;
    }
    bool namespaced = plan_kind_namespaced(c->kinds, r->key.group, r->key.kind);
    if (failed || (c->project && !project_kind_permitted(c->project, r->key.group, r->key.kind,
                                                         r->key.name, namespaced)))
        v->sync = SYNC_UNKNOWN;
}

static bool is_application(const struct kube_key *k)
{
    return str_is(k->kind, "Application") && str_is(k->group, ARGO_GROUP);
}

static void judge_health(const struct compare_context *c, struct compare_row *r, struct arena *a)
{
    struct compare_verdict *v = &r->verdict;
    bool live = value_exists(r->live);
    if (object_skipped(r->target) || (live && (object_is_hook(r->live) || object_ignored(r->live))))
        return;
    v->managed = true;
    v->live = live;
    if (!live) {
        v->health = HEALTH_MISSING;
        return;
    }
    bool itself = is_application(&r->key) && str_eq(r->key.name, c->app->name) &&
                  str_eq(r->key.ns, c->app->namespace);
    if (itself || str_is(object_annotation(r->live, STR(KEY_IGNORE_HEALTHCHECK)), "true"))
        return;
    struct health h = health_of(r->live, a);
    v->health = h.code;
    v->health_message = h.message;
    bool of_child =
        is_application(&r->key) && (h.code == HEALTH_MISSING || h.code == HEALTH_UNKNOWN);
    v->counts_health = h.code != HEALTH_NONE && !of_child;
}

static enum diff_mode row_mode(const struct compare_context *c, value target)
{
    value app = c->app->object;
    bool server = c->settings->server_side_diff ||
                  object_has_option(app, KEY_COMPARE_OPTIONS, "ServerSideDiff=true");
    if (server && !object_has_option(app, KEY_COMPARE_OPTIONS, "ServerSideDiff=false"))
        return DIFF_SERVER_SIDE;
    if (options_have(c->app->sync_options, "ServerSideApply=true") ||
        object_has_option(target, KEY_SYNC_OPTIONS, "ServerSideApply=true"))
        return DIFF_STRUCTURED;
    return DIFF_LOCAL;
}

bool compare_uses_managers(const struct compare_context *c, value target)
{
    return row_mode(c, target) != DIFF_LOCAL;
}

static int row_diff(const struct compare_context *c, struct compare_row *r, value dry_run,
                    struct arena *a, struct err *err)
{
    struct diff_input in = {.target = r->target,
                            .live = r->live,
                            .rules = c->rules,
                            .settings = c->settings,
                            .mode = row_mode(c, r->target),
                            .dry_run = dry_run};
    in.include_mutation_webhook =
        object_has_option(c->app->object, KEY_COMPARE_OPTIONS, "IncludeMutationWebhook=true");
    return diff_object(&in, a, &r->diff, err);
}

int compare_row_again(const struct compare_context *c, struct compare_row *row,
                      const struct compare_again *again, struct arena *a, struct err *err)
{
    row->live = again->live;
    row->diff = (struct diff_result){0};
    if (!again->failed) {
        int rc = row_diff(c, row, again->dry_run, a, err);
        if (rc)
            return rc;
    }
    value o = row_object(row);
    struct compare_verdict *v = &row->verdict;
    int64_t wave = v->wave;
    *v = (struct compare_verdict){.wave = wave};
    row->need_dry_run = row->diff.need_dry_run;
    row->version = object_version(o);
    row->self_referenced = tracking_self_referenced(c->settings, row->live, row->target);
    v->modified = row->diff.modified;
    v->hook = object_is_hook(o) || object_delete_hook_phases(o);
    v->requires_pruning =
        !value_exists(row->target) && value_exists(row->live) && row->self_referenced;
    v->requires_deletion_confirmation = needs_confirmation(c->app, row);
    if (value_exists(row->target))
        v->wave = object_wave(row->target);
    judge_sync(c, row, again->failed);
    judge_health(c, row, a);
    struct plan_kind kind = plan_kind_of(c->kinds, row->key.group, STR(""), row->key.kind);
    if (again->conditions && kind.known && kind.namespaced && !object_ns(o).len)
        app_conditions_add(again->conditions, APP_CONDITION_INVALID_SPEC_ERROR,
                           arena_printf(a, "Namespace for %.*s %.*s/%.*s, Kind=%.*s is missing.",
                                        STR_FMT(object_name(o)), STR_FMT(row->key.group),
                                        STR_FMT(row->version), STR_FMT(row->key.kind)));
    return 0;
}

/* ---- counters ---- */

static void tally(struct compare_tally *t, const struct compare_verdict *v, int64_t n)
{
    t->rows += n;
    t->out_of_sync += v->counts_sync ? n : 0;
    t->unknown += v->sync == SYNC_UNKNOWN ? n : 0;
    t->by_health[v->health] += v->counts_health ? n : 0;
    t->managed += v->managed ? n : 0;
    t->managed_live += v->managed && v->live ? n : 0;
}

void compare_tally_add(struct compare_tally *t, const struct compare_verdict *v) { tally(t, v, 1); }

void compare_tally_remove(struct compare_tally *t, const struct compare_verdict *v)
{
    tally(t, v, -1);
}

enum sync_code compare_tally_sync(const struct compare_tally *t, const struct app *app, bool failed)
{
    if (failed)
        return SYNC_UNKNOWN;
    return t->out_of_sync || app_managed_namespace_changed(app) ? SYNC_OUT_OF_SYNC : SYNC_SYNCED;
}

enum health_code compare_tally_health(const struct compare_tally *t)
{
    int worst = HEALTH_HEALTHY;
    for (int h = HEALTH_HEALTHY; h < HEALTH_COUNT; h++)
        if (t->by_health[h] > 0)
            worst = h;
    if (t->managed && !t->managed_live && worst < HEALTH_MISSING)
        worst = HEALTH_MISSING;
    return (enum health_code)worst;
}

/* ---- printing ---- */

static void set_text(struct arena *a, value map, const char *key, str text)
{
    if (text.len)
        value_set_str(a, map, key, text);
}

static void set_true(struct arena *a, value map, const char *key, bool is)
{
    if (is)
        value_set(a, map, str_of(key), value_of_bool(a, true));
}

value compare_row_status(const struct compare_row *row, bool with_health, struct arena *a)
{
    value o = row_object(row);
    const struct kube_key key = {row->key.group, row->key.kind, object_ns(o), object_name(o)};
    return compare_verdict_status(key, row->version, &row->verdict, with_health, a);
}

value compare_verdict_status(struct kube_key key, str version, const struct compare_verdict *v,
                             bool with_health, struct arena *a)
{
    value s = value_new_map(a);
    set_text(a, s, "group", key.group);
    set_text(a, s, "version", version);
    set_text(a, s, "kind", key.kind);
    set_text(a, s, "namespace", key.ns);
    set_text(a, s, "name", key.name);
    set_text(a, s, "status", sync_code_name(v->sync));
    if (with_health && v->health != HEALTH_NONE) {
        value h = value_new_map(a);
        value_set_str(a, h, "status", health_code_name(v->health));
        set_text(a, h, "message", v->health_message);
        value_setz(a, s, "health", h);
    }
    set_true(a, s, "hook", v->hook);
    set_true(a, s, "requiresPruning", v->requires_pruning);
    if (v->wave)
        value_setz(a, s, "syncWave", value_of_int(a, v->wave));
    set_true(a, s, "requiresDeletionConfirmation", v->requires_deletion_confirmation);
    return s;
}

#define CAUSES_SHOWN 3

str compare_health_cause(const struct compare_row *row, size_t n_rows, enum health_code code,
                         struct arena *a)
{
    size_t n = 0;
    str text = STR("");
    if (code == HEALTH_HEALTHY || code == HEALTH_NONE)
        return text;
    for (size_t i = 0; i < n_rows; i++) {
        if (!row[i].verdict.counts_health || row[i].verdict.health != code || n++ >= CAUSES_SHOWN)
            continue;
        const struct kube_key *k = &row[i].key;
        text = ARENA_CAT(a, text, n > 1 ? STR(", ") : STR("Caused by "), k->group,
                         k->group.len ? STR("/") : STR(""), k->kind, STR(":"), k->ns,
                         k->ns.len ? STR("/") : STR(""), k->name);
    }
    if (n > CAUSES_SHOWN)
        text = ARENA_CAT(a, text, arena_printf(a, " and %zu more", n - CAUSES_SHOWN));
    return text;
}
