/* controllers/application/steps.c: the table of steps, and plan(): which of them should be running.
 *
 *   render   one source of a round                  (no effect)
 *   read     our own object, after a conflict        (no effect)
 *   write    what `wanted` asks of our own object    (effect on it alone; one at a time)
 *   whole    one live object that is compared      (no effect), see whole.c
 *   act      one action of a sync, see act.c
 *            (effect: only once the stored state says Running)
 *   delete   one object of the end of an application, see deletion.c
 *            (effect: only while the object says it is being deleted)
 *   tell     one Kubernetes event
 *   advance  a time has come: draw conclusions again
 */
#include "controllers/application/app.h"

#include "base/fault.h"
#include "kube/object.h"

#define ADVANCE_PAUSE_US (20 * USEC_PER_MS) /* at most one turn by time in this time */
#define SETTLE_US (500 * USEC_PER_MS)       /* while requests of a sync are under way */
#define END_SETTLE_US (250 * USEC_PER_MS)   /* while an application ends */
#define WRITE_BACKOFF_US (250 * USEC_PER_MS)
#define WRITE_BACKOFF_MAX_US (30 * USEC_PER_SEC)

struct render_args {
    uint64_t serial;
    size_t index;
    bool of_operation;
};
static struct application *app_of(struct subject *s) { return (struct application *)s; }

static struct cluster_target own_target(const struct application *app)
{
    return (struct cluster_target){{STR(ARGO_GROUP), STR("v1alpha1"), STR("Application")},
                                   application_ns(app),
                                   application_name(app),
                                   STR("")};
}

/* ---- render ---- */

static struct round *round_of(struct application *app, const struct render_args *args)
{
    struct round *r =
        args->of_operation ? (app->operation ? &app->operation->round : NULL) : &app->refresh;
    return r && r->active && r->serial == args->serial && args->index < r->n_sources ? r : NULL;
}

static int render_start(struct subject *s, const struct step *st, struct call c, struct err *err)
{
    struct application *app = app_of(s);
    const struct render_args *args = st->args;
    struct round *r = round_of(app, args);
    if (!r)
        return err_set(err, ERR_CANCELED, "the round is over");
    struct evaluation *e = evaluation_new(app);
    struct arena *a = &e->arena;
    struct app_world *world = &app->controller->config.world;
    struct fleet_cluster cluster;
    struct manifests_request request = {
        .key = args->of_operation ? STR("") : arena_printf(a, "%s/%zu", app->key, args->index),
        .app_name = e->view.instance,
        .namespace = e->view.destination.namespace,
        .project = e->view.project,
        .value_file_schemes = e->settings->settings.value_file_schemes,
        .flags = r->flags,
    };
    const struct manifests_sources sources = {.list = doc_root(r->sources),
                                              .revisions = doc_root(r->revisions),
                                              .multi_source = r->multi_source,
                                              .repo = world->repo,
                                              .repo_arg = world->arg};
    manifests_request_source(&request, &sources, args->index, a);
    struct cluster_kinds *kinds =
        evaluation_cluster(app, e, &cluster) ? cluster_kinds(cluster.client) : NULL;
    if (kinds) {
        request.kube_version = kinds->server_version;
        request.api_version = kinds->api_version;
        request.n_api_versions = kinds->n_api_versions;
    }
    world->manifests_get(world->arg, &request, c);
    evaluation_free(e);
    return 0;
}

static void render_absorb(struct subject *s, const struct step *st, struct answer *ans)
{
    struct application *app = app_of(s);
    const struct render_args *args = st->args;
    struct round *r = round_of(app, args);
    FAULT_POINT("application.render.answered");
    if (!r)
        return;
    struct source_fact *f = &r->source[args->index];
    if (ans->rc == 0) {
        f->state = SOURCE_RENDERED;
        f->result = answer_take(ans);
    } else {
        f->state = SOURCE_FAILED;
        f->err = checked_calloc(1, sizeof(*f->err));
        *f->err = ans->err;
    }
    application_advance(app);
}

/* ---- our own object ---- */

/* The answer of a write may arrive after the watch has shown it, or something newer: that stays. */
static void take_object(struct application *app, struct doc *take_object)
{
    str have = object_resource_version(doc_root(app->object));
    str told = object_resource_version(doc_root(take_object));
    if (str_eq(have, told) || resource_version_newer(have, told)) {
        doc_unref(take_object);
        return;
    }
    application_changes(app, take_object);
    doc_unref(app->object);
    app->object = take_object;
    status_events(app);
}

/* What the stored object says already is wanted no more. */
static void drop_what_is_stored(struct application *app)
{
    struct wanted *w = &app->wanted;
    value object = doc_root(app->object);
    if (w->status && value_equal(doc_root(w->status), value_getz(object, "status"))) {
        doc_unref(w->status);
        w->status = NULL;
        w->since = 0;
    }
    if (w->operation && value_exists(value_getz(object, "operation"))) {
        doc_unref(w->operation);
        w->operation = NULL;
    }
    if (!value_exists(value_getz(object, "operation")))
        w->clear_operation = false;
    if (!object_has_annotation(object, STR(KEY_REFRESH)))
        w->drop_refresh = false;
    if (w->spec && value_equal(doc_root(w->spec), value_getz(object, "spec"))) {
        doc_unref(w->spec);
        w->spec = NULL;
    }
}

static int write_start(struct subject *s, const struct step *st UNUSED, struct call c,
                       struct err *err)
{
    struct application *app = app_of(s);
    struct arena a;
    arena_init(&a, ARENA_BYTES_DEFAULT);
    value patch = wanted_patch(app, &a);
    if (!value_exists(patch)) {
        arena_done(&a);
        return err_set(err, ERR_CANCELED, "nothing to write");
    }
    FAULT_POINT("application.write.start");
    struct cluster_target t = own_target(app);
    const struct cluster_options o = {.field_manager = STR("argocd-application-controller")};
    cluster_patch(app->controller->config.home, &t, CLUSTER_PATCH_MERGE,
                  json_str(&a, patch, AUDIENCE_WIRE, 0), &o, c);
    app->controller->status.n_writes++;
    arena_done(&a);
    return 0;
}

static void write_failed(struct application *app, const struct err *err)
{
    struct wanted *w = &app->wanted;
    if (err->kind == ERR_CANCELED)
        return;
    if (err->kind == ERR_CONFLICT) {
        /* Somebody wrote in between: what depends on what they may have wished is decided again. */
        w->conflicted = true;
        doc_unref(w->operation);
        w->operation = NULL;
        w->drop_refresh = false;
        return;
    }
    usec delay = WRITE_BACKOFF_US << MIN_OF(w->failures, 7U);
    w->failures++;
    w->not_before = loop_now(app->controller->config.loop) + MIN_OF(delay, WRITE_BACKOFF_MAX_US);
    LOG_WITH(LOG_LEVEL_WARN, FIELDS({"application", str_of(app->key)}),
             "writing the application: %s", err->text);
}

static void write_absorb(struct subject *s, const struct step *st UNUSED, struct answer *ans)
{
    struct application *app = app_of(s);
    FAULT_POINT("application.write.answered");
    if (ans->rc < 0) {
        write_failed(app, &ans->err);
    } else {
        struct doc *object = answer_take(ans);
        take_object(app, doc_ref(object));
        app->wanted.failures = 0;
        app->wanted.not_before = 0;
        drop_what_is_stored(app);
        informer_put(app->controller->applications, object);
        doc_unref(object);
    }
    if (!app->gone)
        application_advance(app);
}

static int read_start(struct subject *s, const struct step *st UNUSED, struct call c,
                      struct err *err UNUSED)
{
    struct application *app = app_of(s);
    struct cluster_target t = own_target(app);
    cluster_get(app->controller->config.home, &t, c);
    return 0;
}

static void read_absorb(struct subject *s, const struct step *st UNUSED, struct answer *ans)
{
    struct application *app = app_of(s);
    if (ans->rc < 0) {
        app->wanted.not_before = loop_now(app->controller->config.loop) + WRITE_BACKOFF_US;
    } else {
        struct doc *object = answer_take(ans);
        app->wanted.conflicted = false;
        take_object(app, doc_ref(object));
        drop_what_is_stored(app);
        informer_put(app->controller->applications, object);
        doc_unref(object);
    }
    if (!app->gone)
        application_advance(app);
}

/* ---- events ---- */

static int tell_start(struct subject *s, const struct step *st UNUSED, struct call c,
                      struct err *err)
{
    struct application *app = app_of(s);
    struct arena a;
    if (app->n_events == 0)
        return err_set(err, ERR_CANCELED, "nothing to tell");
    arena_init(&a, ARENA_BYTES_DEFAULT);
    const struct app_event *ev = &app->event[0];
    value event = value_new_map(&a), meta = value_new_map(&a), about = value_new_map(&a);
    value object = doc_root(app->object);
    str now = time_str(&a, application_wall(app));
    value_set_str(&a, event, "apiVersion", STR("v1"));
    value_set_str(&a, event, "kind", STR("Event"));
    value_set_str(&a, meta, "name",
                  arena_printf(&a, "%.*s.%016lx", STR_FMT(application_name(app)),
                               (unsigned long)loop_random(app->controller->config.loop)));
    value_set_str(&a, meta, "namespace", application_ns(app));
    value_setz(&a, event, "metadata", meta);
    value_set_str(&a, about, "apiVersion", STR(ARGO_API_VERSION));
    value_set_str(&a, about, "kind", STR("Application"));
    value_set_str(&a, about, "name", application_name(app));
    value_set_str(&a, about, "namespace", application_ns(app));
    value_set_str(&a, about, "resourceVersion", object_resource_version(object));
    value_set_str(&a, about, "uid", object_uid(object));
    value_setz(&a, event, "involvedObject", about);
    value_set_path(&a, event, "source.component",
                   value_of_str(&a, STR("argocd-application-controller")));
    value_set_str(&a, event, "firstTimestamp", now);
    value_set_str(&a, event, "lastTimestamp", now);
    value_setz(&a, event, "count", value_of_int(&a, 1));
    value_set_str(&a, event, "reason", ev->reason);
    value_set_str(&a, event, "message", ev->message);
    value_set_str(&a, event, "type", ev->warning ? STR("Warning") : STR("Normal"));
    struct cluster_target t = cluster_target_of(event);
    cluster_create(app->controller->config.home, &t, event, NULL, c);
    arena_done(&a);
    return 0;
}

static void tell_absorb(struct subject *s, const struct step *st UNUSED, struct answer *ans)
{
    struct application *app = app_of(s);
    FAULT_POINT("application.event.told");
    if (ans->rc < 0)
        LOG(LOG_LEVEL_DEBUG, "event of %s: %s", app->key, ans->err.text);
    if (app->n_events) {
        app->n_events--;
        memmove(app->event, app->event + 1, app->n_events * sizeof(app->event[0]));
        app->event_serial++;
    }
    if (app->n_events == 0) { /* most applications are at rest, and keep nothing for it */
        arena_done(&app->event_arena);
        free(TAKE(app->event));
    }
    steps_poke(&app->subject);
}

/* ---- time ---- */

static int advance_start(struct subject *s UNUSED, const struct step *st UNUSED, struct call c,
                         struct err *err UNUSED)
{
    call_answer_ok(c, NULL, NULL);
    return 0;
}

static void advance_absorb(struct subject *s, const struct step *st UNUSED,
                           struct answer *ans UNUSED)
{
    struct application *app = app_of(s);
    app->advanced_at = loop_now(app->controller->config.loop);
    app->refresh_at = 0;
    app->deletion.again_at = 0;
    application_advance(app);
}

enum { RENDER, READ, WRITE, WHOLE, ACT, DELETE, TELL, ADVANCE };
static const struct step_kind kinds[] = {
    [RENDER] = {STR_INIT("rendering"), 150 * USEC_PER_SEC, false, render_start, render_absorb},
    [READ] = {STR_INIT("reading the application"), 30 * USEC_PER_SEC, false, read_start,
              read_absorb},
    [WRITE] = {STR_INIT("writing the application"), 30 * USEC_PER_SEC, false, write_start,
               write_absorb},
    [WHOLE] = {STR_INIT("reading a live object"), 30 * USEC_PER_SEC, false, whole_start,
               whole_absorb},
    [ACT] = {STR_INIT("applying"), 120 * USEC_PER_SEC, true, act_start, act_absorb},
    [DELETE] = {STR_INIT("deleting"), 60 * USEC_PER_SEC, true, deletion_start, deletion_absorb},
    [TELL] = {STR_INIT("telling"), 10 * USEC_PER_SEC, false, tell_start, tell_absorb},
    [ADVANCE] = {STR_INIT("time"), 10 * USEC_PER_SEC, false, advance_start, advance_absorb},
};

static uint64_t step_id(int kind, uint64_t x, uint64_t y)
{
    return hash64_mix(hash64_mix((uint64_t)kind + 1, x), y);
}

/* ---- plan ---- */

static bool room(const struct plan *p) { return p->n_steps < STEPS_MAX - 8; }

static void plan_round(const struct round *r, bool of_operation, struct arena *a, struct plan *ret)
{
    for (size_t i = 0; r->active && i < r->n_sources && room(ret); i++) {
        if (r->source[i].state != SOURCE_ASKED)
            continue;
        struct render_args *args = ARENA_NEW(a, struct render_args);
        *args = (struct render_args){r->serial, i, of_operation};
        plan_add(ret, &kinds[RENDER], step_id(RENDER, r->serial, i), args, sizeof(*args));
        ret->waiting_for = STR("manifests");
    }
}

static size_t n_rows(value operation_state)
{
    return value_len(value_path(operation_state, "syncResult.resources"));
}

/* Effects start only after the status that announces them is stored, and those of a wave only after
 * the results of the wave before are: who watches sees every wave, and a new process repeats none.
 */
static bool announced(const struct application *app)
{
    value stored = value_path(doc_root(app->object), "status.operationState");
    value state = doc_root(app->operation->state);
    enum op_phase phase = op_phase_parse(value_path_str(stored, "phase"));
    return (phase == OP_RUNNING || phase == OP_TERMINATING) &&
           str_eq(value_path_str(stored, "startedAt"), value_path_str(state, "startedAt")) &&
           n_rows(stored) == n_rows(state);
}

static bool is_acting(const struct application *app, const struct action_fact *f)
{
    return !f->answered && steps_running(&app->subject, step_id(ACT, f->id, 0));
}

bool application_acts(const struct application *app)
{
    bool open = false;
    for (size_t i = 0; i < app->operation->n_actions; i++)
        open |= is_acting(app, &app->operation->action[i]);
    return open;
}

/* While requests of a sync are under way, or an application ends, the next status is a moment from
 * now: one write tells what the cluster shows and what the answers say. 0: nothing to wait for. */
static usec settles_at(const struct application *app)
{
    const struct wanted *w = &app->wanted;
    const struct operation *op = app->operation;
    if (!w->since || w->operation || w->clear_operation || w->drop_refresh || w->spec ||
        w->finalizers_add || w->finalizers_drop)
        return 0;
    if (op && !op->done && application_acts(app))
        return w->since + SETTLE_US;
    return object_is_deleting(doc_root(app->object)) ? w->since + END_SETTLE_US : 0;
}

static void plan_own_object(const struct application *app, usec now, struct arena *a,
                            struct plan *ret)
{
    const struct wanted *w = &app->wanted;
    uint64_t write = step_id(WRITE, 0, 0);
    if (steps_running(&app->subject, write)) /* its answer is a fact worth having */
        plan_add(ret, &kinds[WRITE], write, NULL, 0);
    else if (now < w->not_before || now < settles_at(app))
        return;
    else if (w->conflicted)
        plan_add(ret, &kinds[READ], step_id(READ, w->serial, 0), NULL, 0);
    else if (value_exists(wanted_patch(app, a)))
        plan_add(ret, &kinds[WRITE], write, NULL, 0);
}

static void plan_wholes(const struct application *app, struct arena *a, struct plan *ret)
{
    uint64_t id, version;
    for (size_t i = 0; (i = wholes_asked(app, i, &id, &version)) < app->n_whole && room(ret); i++) {
        struct serial_args *args = ARENA_NEW(a, struct serial_args);
        args->serial = id;
        plan_add(ret, &kinds[WHOLE], step_id(WHOLE, id, version), args, sizeof(*args));
    }
}

/* How many looks at the cluster kubectl takes before it writes: of objects that start together
 * those with fewer come first. */
static int n_looks(const struct sync_action *x)
{
    if (x->kind == SYNC_ACTION_CREATE || (x->kind == SYNC_ACTION_APPLY && x->server_side))
        return 0;
    return x->kind == SYNC_ACTION_APPLY && value_exists(x->live) ? 2 : 1;
}

static void plan_actions(const struct application *app, struct arena *a, struct plan *ret)
{
    const struct operation *op = app->operation;
    if (!op || op->done)
        return;
    bool may_start = announced(app);
    for (int looks = 0; looks <= 2; looks++)
        for (size_t i = 0; i < op->n_actions && room(ret); i++) {
            const struct action_fact *f = &op->action[i];
            if (f->answered || n_looks(&f->action) != looks || !(may_start || is_acting(app, f)))
                continue;
            struct serial_args *args = ARENA_NEW(a, struct serial_args);
            args->serial = f->id;
            plan_add(ret, &kinds[ACT], step_id(ACT, f->id, 0), args, sizeof(*args));
        }
    if (op->waiting_for[0])
        ret->waiting_for = str_of(op->waiting_for);
}

static usec earlier(usec a, usec b) { return a && b ? MIN_OF(a, b) : MAX_OF(a, b); }

static void plan_time(const struct application *app, usec now, struct plan *ret)
{
    usec shift = now - application_wall(app), wake = 0;
    if (app->refresh_at)
        wake = earlier(wake, app->refresh_at + shift);
    if (app->look_at)
        wake = earlier(wake, app->look_at + shift);
    if (app->tree_at)
        wake = earlier(wake, app->tree_at + shift);
    if (app->operation && app->operation->wake_at)
        wake = earlier(wake, app->operation->wake_at + shift);
    if (app->deletion.active)
        wake = earlier(wake, app->deletion.again_at);
    if (app->put_off_until)
        wake = earlier(wake, app->put_off_until);
    if (wake)
        wake = MAX_OF(wake, app->advanced_at + ADVANCE_PAUSE_US);
    if (wake && wake <= now)
        plan_add(ret, &kinds[ADVANCE], step_id(ADVANCE, (uint64_t)app->advanced_at, 0), NULL, 0);
    else
        ret->wake_at = wake;
    if (app->wanted.not_before > now)
        ret->wake_at = earlier(ret->wake_at, app->wanted.not_before);
    if (settles_at(app) > now)
        ret->wake_at = earlier(ret->wake_at, settles_at(app));
}

void application_plan(const struct subject *s, usec now, struct arena *a, struct plan *ret)
{
    const struct application *app = (const struct application *)s;
    if (app->gone)
        return;
    ret->announced = true; /* plan_actions and deletion_plan add nothing that is not */
    plan_own_object(app, now, a, ret);
    plan_round(&app->refresh, false, a, ret);
    if (app->operation)
        plan_round(&app->operation->round, true, a, ret);
    plan_actions(app, a, ret);
    plan_wholes(app, a, ret);
    deletion_plan(app, &kinds[DELETE], ret);
    uint64_t tell = step_id(TELL, app->event_serial, 0);
    if (app->n_events && (ret->n_steps == 0 || steps_running(s, tell))) /* nobody waits for it */
        plan_add(ret, &kinds[TELL], tell, NULL, 0);
    plan_time(app, now, ret);
}
