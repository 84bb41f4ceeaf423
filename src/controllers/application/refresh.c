/* controllers/application/refresh.c: comparing an application again.
 *
 * When: plan/refresh.h. How: render all sources (level 2 and up), compare with the live objects,
 * store the status, decide about an automated sync. A change in the cluster (level 1 and below)
 * compares what was rendered last, without asking anybody. */
#include "controllers/application/app.h"

#include <stdlib.h>
#include <string.h>

#include "argo/kinds.h"
#include "kube/object.h"
#include "plan/autosync.h"
#include "plan/refresh.h"

#define WINDOW_LOOK_US USEC_PER_MIN /* windows are given in minutes */

bool round_answered(const struct round *r)
{
    for (size_t i = 0; i < r->n_sources; i++)
        if (r->source[i].state == SOURCE_ASKED)
            return false;
    return true;
}

bool round_failed(const struct round *r)
{
    for (size_t i = 0; i < r->n_sources; i++)
        if (r->source[i].state == SOURCE_FAILED)
            return true;
    return false;
}

static void source_fact_reset(struct source_fact *f)
{
    manifests_result_unref(f->result);
    free(f->err);
}

void round_reset(struct round *r)
{
    for (size_t i = 0; i < r->n_sources; i++)
        source_fact_reset(&r->source[i]);
    free(r->source);
    doc_unref(r->sources);
    doc_unref(r->revisions);
    doc_unref(r->local);
    *r = (struct round){0};
}

/* Names of sources that cannot be: nothing is asked for, every source has failed. */
static void round_check_refs(struct round *r)
{
    struct arena a;
    arena_init(&a, (size_t)1 << 20);
    str error = app_refs_error(doc_root(r->sources), &a);
    for (size_t i = 0; error.len && i < r->n_sources; i++) {
        struct source_fact *f = &r->source[i];
        f->state = SOURCE_FAILED;
        f->err = checked_calloc(1, sizeof(*f->err));
        (void)err_set(f->err, ERR_INVALID, "failed to get ref sources: %.*s", STR_FMT(error));
    }
    r->refs_are_wrong = error.len;
    arena_done(&a);
}

void round_start(struct application *app, struct round *r, value sources, bool multi,
                 value revisions, unsigned flags)
{
    round_reset(r);
    r->active = true;
    r->serial = ++app->serial;
    r->started_at = loop_now(app->controller->config.loop);
    r->flags = flags;
    r->multi_source = multi;
    r->sources = doc_freeze(sources, 0);
    r->revisions = doc_freeze(revisions, 0);
    r->n_sources = value_len(sources);
    r->source = checked_calloc(r->n_sources + 1, sizeof(*r->source));
    round_check_refs(r);
    round_take_local(app, r);
}

void refresh_ask(struct application *app, int level)
{
    app->wanted_level = MAX_OF(app->wanted_level, level);
}

static value sources_of(struct evaluation *e)
{
    value list = value_new_list(&e->arena);
    for (size_t i = 0; i < e->view.n_sources; i++)
        value_push(&e->arena, list, e->view.source[i]);
    return list;
}

static unsigned flags_of(const struct refresh_decision *d)
{
    if (d->type == REFRESH_HARD)
        return MANIFESTS_NO_CACHE | MANIFESTS_REFS_NEW;
    return d->level >= COMPARE_FORCE_RESOLVE ? MANIFESTS_REFS_NEW : 0;
}

/* ---- automated sync ---- */

/* What decides about a sync besides source and cluster is the time. */
static void look_again_at(struct application *app, usec at)
{
    app->look_at = app->look_at ? MIN_OF(app->look_at, at) : at;
}

static bool windows_allow(struct application *app, struct evaluation *e)
{
    struct window_verdict verdict;
    if (!e->has_project)
        return false;
    project_can_sync(&e->project, &e->view, false, 0, application_wall(app), &e->arena, &verdict);
    return verdict.allowed;
}

static bool has_sync_error(value status)
{
    for (struct value_iter it = value_iter(value_getz(status, "conditions")); value_next(&it);)
        if (str_eq(value_str(value_getz(it.val, "type")),
                   app_condition_name(APP_CONDITION_SYNC_ERROR)))
            return true;
    return false;
}

static void want_sync_error(struct application *app, struct evaluation *e, str text)
{
    struct arena *a = &e->arena;
    struct app_conditions *fresh = ARENA_NEW(a, struct app_conditions);
    value status = status_now(app, a);
    if (!text.len && !has_sync_error(status))
        return;
    if (text.len)
        app_conditions_add(fresh, APP_CONDITION_SYNC_ERROR, text);
    value_setz(a, status, "conditions",
               app_conditions_merge(a, value_getz(status, "conditions"), fresh,
                                    APP_CONDITION_BIT(APP_CONDITION_SYNC_ERROR),
                                    application_wall(app)));
    status_want(app, status);
}

/* Upstream stores the whole object when it starts a sync: its spec is what Go prints. */
static void want_typed_spec(struct application *app, struct evaluation *e)
{
    const struct bind_field *spec = bind_find(argo_kind_application.table, STR("spec"));
    value typed = bind_as_typed(&e->arena, spec->table, e->view.spec);
    if (value_equal(typed, e->view.spec))
        return;
    doc_unref(app->wanted.spec);
    app->wanted.spec = doc_freeze(typed, 0);
}

static struct doc *typed_operation(struct arena *a, value operation)
{
    const struct bind_field *retry = bind_find_path(argo_kind_application.table, "operation.retry");
    value typed = value_edit(a, operation);
    value_setz(a, typed, "retry", bind_as_typed(a, retry->table, value_getz(operation, "retry")));
    return doc_freeze(typed, 0);
}

/* And its clients see these two appear. */
static void want_empty_members(struct application *app, struct arena *a)
{
    static const char *const member[] = {"summary", "sourceHydrator"};
    value status = status_now(app, a);
    for (size_t i = 0; i < ARRAY_LEN(member); i++)
        if (!value_exists(value_get(status, str_of(member[i]))))
            value_set(a, status, str_of(member[i]), value_new_map(a));
    status_want(app, status);
}

static void decide_autosync(struct application *app, struct evaluation *e)
{
    if (app->operation || app->wanted.operation)
        return;
    app->look_at = 0;
    if (!windows_allow(app, e)) {
        if (e->view.automated)
            look_again_at(app, application_wall(app) + WINDOW_LOOK_US);
        return;
    }
    const struct autosync_input in = {
        .app = &e->view,
        .settings = &e->settings->settings,
        .sync_status = e->result.sync_status,
        .resources = e->result.resources,
        .revisions_may_differ = true,
        .now = application_wall(app),
    };
    struct autosync_result decided = {0};
    autosync_decide(&in, &e->arena, &decided);
    want_sync_error(app, e, decided.condition);
    if (decided.again_at)
        look_again_at(app, decided.again_at);
    if (!decided.start)
        return;
    want_empty_members(app, &e->arena);
    want_typed_spec(app, e);
    doc_unref(app->wanted.operation);
    app->wanted.operation = typed_operation(&e->arena, decided.operation);
    app->wanted.serial = ++app->serial;
    application_event(app, false, STR("OperationStarted"), decided.event_message);
}

/* ---- a comparison ---- */

static void comparison_failed(struct application *app, struct evaluation *e, const struct err *err)
{
    compared_forget(app);
    app_conditions_add(&e->spec_errors, APP_CONDITION_COMPARISON_ERROR,
                       arena_str(&e->arena, err_str(err)));
    status_of_bad_spec(app, e);
}

/* Hooks that run at the end need the object to wait for them. */
static void want_hook_finalizers(struct application *app, const struct evaluation *e,
                                 const struct round *r)
{
    const unsigned pre = FINALIZER_BIT_PRE_DELETE | FINALIZER_BIT_PRE_DELETE_CLEANUP;
    const unsigned post = FINALIZER_BIT_POST_DELETE | FINALIZER_BIT_POST_DELETE_CLEANUP;
    if (e->view.deletion_at || round_failed(r))
        return;
    unsigned wish = (e->desired.pre_delete ? pre : 0) | (e->desired.post_delete ? post : 0);
    unsigned present = finalizers_present(doc_root(app->object));
    app->wanted.finalizers_add = wish & ~present;
    app->wanted.finalizers_drop = (pre | post) & present & ~wish;
}

static void compare_round(struct application *app, struct evaluation *e, const struct round *r,
                          bool reconciled)
{
    struct err err;
    switch (evaluation_compare(app, e, r, NULL, &err)) {
    case EVALUATION_WAITS: app->waiting_for_cluster = true; return;
    case EVALUATION_FAILED: comparison_failed(app, e, &err); break;
    case EVALUATION_DONE:
        status_of_comparison(app, e, r, reconciled);
        app->waiting_for_cluster = e->cluster_away;
        if (e->cluster_away)
            return;
        want_hook_finalizers(app, e, r);
        interest_register(app, e);
        results_store(app, e, r);
        compared_keep(app, e, r);
        app->tree_at = 0;
        decide_autosync(app, e);
        break;
    }
    compared_settled(app);
    app->waiting_for_cluster = false;
    app->live_changed = false;
}

static void keep_rendered(struct application *app)
{
    round_reset(&app->rendered);
    app->rendered = app->refresh;
    app->rendered.active = false;
    app->refresh = (struct round){0};
}

static void want_normal_spec(struct application *app, struct evaluation *e)
{
    value now = app->wanted.spec ? doc_root(app->wanted.spec) : e->view.spec;
    value spec = app_spec_normalized(&e->arena, now);
    if (value_equal(spec, now))
        return;
    struct doc *frozen = doc_freeze(spec, 0); /* it may borrow from the one that goes */
    doc_unref(app->wanted.spec);
    app->wanted.spec = frozen;
    app->wanted.serial = ++app->serial;
}

static bool same_result(const struct source_fact *x, const struct source_fact *y)
{
    const struct manifests_result *p = x->result, *q = y->result;
    return x->state == SOURCE_RENDERED && y->state == SOURCE_RENDERED && p && q &&
           sha256_eq(&p->digest, &q->digest) && p->type == q->type &&
           p->n_warnings == q->n_warnings && strcmp(p->revision, q->revision) == 0;
}

/* Did this round bring what the last one did? Then what was compared is still compared. */
static bool same_round(const struct round *now, const struct round *before)
{
    if (!before->source || now->n_sources != before->n_sources ||
        now->multi_source != before->multi_source || now->local || before->local ||
        !value_equal(doc_root(now->sources), doc_root(before->sources)))
        return false;
    for (size_t i = 0; i < now->n_sources; i++)
        if (!same_result(&now->source[i], &before->source[i]))
            return false;
    return true;
}

/* A refresh that found nothing new: rows that the cluster has named are compared, no others. */
static bool settle_again(struct application *app, struct evaluation *e)
{
    bool news;
    if (app->waiting_for_cluster || !compared_again(app, e, &news))
        return false;
    if (app->live_changed)
        results_outdated(app);
    app->live_changed = false;
    status_of_refresh(app, e, news);
    decide_autosync(app, e);
    return true;
}

static void finish_round(struct application *app, struct evaluation *e)
{
    bool asked = e->view.refresh != REFRESH_NONE;
    bool same =
        !(app->refresh.flags & MANIFESTS_NO_CACHE) && same_round(&app->refresh, &app->rendered);
    if (same)
        app->refresh.serial = app->rendered.serial;
    keep_rendered(app);
    app->looked_at = application_wall(app);
    if (!same || !settle_again(app, e))
        compare_round(app, e, &app->rendered, true);
    if (app->waiting_for_cluster && !e->cluster_away)
        return;
    controller_metrics_reconciled(app, e, app->rendered.started_at);
    want_normal_spec(app, e);
    if (asked)
        app->wanted.drop_refresh = true;
}

static void start_round(struct application *app, struct evaluation *e,
                        const struct refresh_decision *d)
{
    app->controller->status.n_refreshes++;
    app->wanted_level = -1;
    round_start(app, &app->refresh, sources_of(e), e->view.multi_source, value_new_list(&e->arena),
                flags_of(d));
    app->refresh.level = (int)d->level;
}

/* Nothing to render: what was rendered last, against the cluster as it is now; where it is known
 * what changed there, nothing else is looked at. */
static bool compare_again(struct application *app, struct evaluation *e)
{
    bool news;
    if (!app->rendered.source || !round_is_current(app, &app->rendered))
        return false;
    if (!app->waiting_for_cluster && compared_again(app, e, &news)) {
        app->live_changed = false;
        results_outdated(app);
        if (news)
            status_of_rows(app, e);
        else
            e->result.sync_status = value_getz(status_now(app, &e->arena), "sync");
        decide_autosync(app, e);
        return true;
    }
    compare_round(app, e, &app->rendered, false);
    return true;
}

/* Polls ask Git only. */
static bool is_polled(value source)
{
    return !value_str(value_getz(source, "chart")).len &&
           !str_starts(value_str(value_getz(source, "repoURL")), STR("oci://"));
}

/* Polls tell when a source moved, and ask again those that could not be asked; mirrors tell of the
 * cluster. What failed otherwise is tried again when its time comes. */
static bool is_watched(const struct application *app)
{
    const struct round *r = &app->rendered;
    bool polled = r->source && !round_failed(r);
    for (size_t i = 0; polled && i < r->n_sources; i++)
        polled = is_polled(value_at(doc_root(r->sources), i));
    return polled;
}

static void look_when_due(struct application *app)
{
    if (!app->look_at || app->look_at > application_wall(app))
        return;
    app->look_at = 0;
    app->live_changed = true;
}

static void decide(struct application *app, struct evaluation *e)
{
    struct refresh_decision d = {0};
    const struct refresh_request request = {app->wanted_level, is_watched(app)};
    refresh_decide(&e->view, &e->settings->settings, &request, app->jitter_us,
                   application_wall(app), &d, &e->arena);
    app->refresh_at = d.expires_at;
    bool served = app->wanted.drop_refresh && e->view.refresh != REFRESH_NONE;
    if (d.needed && !served) {
        if (d.level <= COMPARE_RECENT && compare_again(app, e)) {
            app->wanted_level = -1;
            return;
        }
        if (!app->refresh.active || (int)d.level > app->refresh.level)
            start_round(app, e, &d);
    } else if ((app->live_changed || app->waiting_for_cluster) && !compare_again(app, e) &&
               !app->refresh.active) {
        /* Nothing was rendered since the start: a change cannot be judged without. */
        d.level = COMPARE_LATEST;
        start_round(app, e, &d);
    }
}

static void bad_spec(struct application *app, struct evaluation *e)
{
    round_reset(&app->refresh);
    app->wanted_level = -1;
    app->live_changed = false;
    status_of_bad_spec(app, e);
    if (e->view.refresh != REFRESH_NONE)
        app->wanted.drop_refresh = true;
}

/* Children come and go in bursts: the tree is drawn once after one. */
static void draw_tree(struct application *app, struct evaluation *e)
{
    if (app->refresh.active || app->tree_at || !app->rendered.source)
        return; /* soon, anyway */
    if (compared_rows(app, e))
        results_store_tree(app, e);
    else
        compare_round(app, e, &app->rendered, false);
}

static bool round_over(const struct round *r) { return r->active && round_answered(r); }

void refresh_advance(struct application *app)
{
    look_when_due(app);
    bool draw = app->tree_at && app->tree_at <= application_wall(app);
    if (draw)
        app->tree_at = 0;
    struct evaluation *e = evaluation_new(app);
    if (e->view.skip_reconcile) {
        round_reset(&app->refresh);
    } else if (e->spec_errors.n) {
        bad_spec(app, e);
    } else {
        if (!round_over(&app->refresh)) {
            decide(app, e);
            if (draw)
                draw_tree(app, e);
        }
        if (round_over(&app->refresh)) /* at once, when nothing had to be asked for */
            finish_round(app, e);
    }
    evaluation_free(e);
}
