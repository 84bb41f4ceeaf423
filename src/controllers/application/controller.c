/* controllers/application/controller.c: who is told what. Informers and mirrors report changes;
 * each is handed to the applications it concerns, which write it down as facts and advance. */
#include "controllers/application/app.h"

#include <stdlib.h>

#include "control/quarantine.h"
#include "kube/object.h"
#include "plan/refresh.h"

#define CONCLUDE_PAUSE_US 100           /* for each action of a sync */
#define LATE_PAUSE_US (5 * USEC_PER_MS) /* between two applications that nothing is urgent for */

void *checked_calloc(size_t n, size_t size)
{
    void *p = calloc(n, size);
    if (!p)
        abort();
    return p;
}

struct settings_snapshot *settings_snapshot_ref(struct settings_snapshot *s)
{
    s->refs++;
    return s;
}

void settings_snapshot_unref(struct settings_snapshot *s)
{
    if (!s || --s->refs > 0)
        return;
    arena_done(&s->arena);
    free(s);
}

usec application_wall(const struct application *app)
{
    return loop_wall(app->controller->config.loop);
}

str application_ns(const struct application *app)
{
    str ns, name;
    str_cut(str_of(app->key), '/', &ns, &name);
    return ns;
}

str application_name(const struct application *app)
{
    str ns, name;
    str_cut(str_of(app->key), '/', &ns, &name);
    return name;
}

/* ---- one application ---- */

/* While many requests of a sync are under way, each answer and each event would compare all objects
 * again: then conclusions are drawn now and then, and when the last answer is there. */
static bool put_off(struct application *app)
{
    const struct operation *op = app->operation;
    usec now = loop_now(app->controller->config.loop);
    usec next = app->concluded_at + (op ? (usec)op->n_actions * CONCLUDE_PAUSE_US : 0);
    bool off = op && now < next && application_acts(app);
    app->put_off_until = off ? next : 0;
    if (!off)
        app->concluded_at = now;
    return off;
}

void application_advance(struct application *app)
{
    struct quarantine *q = app->controller->config.quarantine;
    if (app->gone || !app->controller->status.synced)
        return;
    if (application_held(app) || put_off(app)) {
        steps_poke(&app->subject);
        return;
    }
    quarantine_begin(q, str_of(app->key));
    if (object_is_deleting(doc_root(app->object)))
        deletion_advance(app);
    else
        operation_advance(app);
    refresh_advance(app);
    quarantine_end(q);
    application_rested(app);
    steps_poke(&app->subject);
}

static void index_instance(struct app_controller *c, struct application *app)
{
    struct arena a;
    arena_init(&a, ARENA_BYTES_DEFAULT);
    str instance = tracking_instance(&a, application_ns(app), application_name(app),
                                     c->config.control_namespace);
    app->instance = checked_calloc(1, instance.len + 1);
    memcpy(app->instance, instance.at, instance.len);
    map_set(&c->by_instance, str_of(app->instance), app);
    arena_done(&a);
}

static struct application *application_new(struct app_controller *c, str key)
{
    struct application *app = checked_calloc(1, sizeof(*app));
    app->controller = c;
    app->key = checked_calloc(1, key.len + 1);
    memcpy(app->key, key.at, key.len);
    app->wanted_level = -1;
    arena_init(&app->event_arena, ARENA_BYTES_DEFAULT);
    subject_init(&app->subject, c->config.loop, application_plan);
    map_set(&c->app, str_of(app->key), app);
    index_instance(c, app);
    if (c->settings && c->settings->settings.reconcile_jitter_us > 0)
        app->jitter_us = (usec)(loop_random(c->config.loop) %
                                (uint64_t)c->settings->settings.reconcile_jitter_us);
    c->status.n_apps++;
    return app;
}

/* ---- applications that nothing is urgent for ---- */

static void late_leave(struct application *app)
{
    struct app_controller *c = app->controller;
    if (!app->back_late)
        return;
    *app->back_late = app->next_late;
    if (app->next_late)
        app->next_late->back_late = app->back_late;
    else
        c->late_end = app->back_late;
    app->back_late = NULL;
    app->next_late = NULL;
}

static void late_enter(struct application *app)
{
    struct app_controller *c = app->controller;
    if (app->back_late)
        return;
    app->next_late = NULL;
    app->back_late = c->late_end;
    *c->late_end = app;
    c->late_end = &app->next_late;
    if (!timer_armed(&c->late_turn))
        timer_arm_in(&c->late_turn, LATE_PAUSE_US);
}

static void do_late_one(void *arg)
{
    struct app_controller *c = arg;
    struct application *app = c->late;
    if (!app)
        return;
    late_leave(app);
    if (c->late)
        timer_arm_in(&c->late_turn, LATE_PAUSE_US);
    refresh_ask(app, 2);
    application_advance(app);
}

/* ---- the end of one ---- */

static void forget_sources(struct application *app)
{
    struct app_world *w = &app->controller->config.world;
    char key[1024];
    for (size_t i = 0; i < app->rendered.n_sources; i++) {
        int n = snprintf(key, sizeof(key), "%s/%zu", app->key, i);
        w->manifests_forget(w->arg, str_mem(key, (size_t)n));
    }
}

void application_free(struct application *app)
{
    struct app_controller *c = app->controller;
    app->gone = true;
    steps_close(&app->subject);
    late_leave(app);
    interest_clear(app);
    compared_forget(app);
    compared_settled(app);
    map_remove(&c->app, str_of(app->key));
    map_remove(&c->by_instance, str_of(app->instance));
    if (app->operation)
        c->status.n_operations--;
    operation_free(app->operation);
    round_reset(&app->refresh);
    round_reset(&app->rendered);
    deletion_close(app);
    wanted_reset(app);
    wholes_free(app);
    doc_unref(app->object);
    doc_unref(app->held);
    arena_done(&app->event_arena);
    free(app->event);
    c->status.n_apps--;
    free(app->instance);
    free(app->key);
    free(app);
}

/* ---- informers ---- */

static struct application *find_application(struct app_controller *c, str ns, str name)
{
    struct arena a;
    arena_init(&a, ARENA_BYTES_DEFAULT);
    struct application *app = map_find(&c->app, ARENA_CAT(&a, ns, STR("/"), name));
    arena_done(&a);
    return app;
}

/* Told by the informer's own events only, never inside a step of this application. */
static void application_removed(struct application *app)
{
    forget_sources(app);
    quarantine_settled(app->controller->config.quarantine, str_of(app->key));
    appcache_remove(app->controller->config.results, str_of(app->key));
    application_free(app);
}

static void copy_word(char *to, size_t size, str word)
{
    size_t len = MIN_OF(word.len, size - 1);
    memcpy(to, word.len ? word.at : "", len);
    to[len] = 0;
}

/* What an application says when we first see it is no news. */
static void tell_from_now_on(struct application *app)
{
    value status = value_getz(doc_root(app->object), "status");
    copy_word(app->told_sync, sizeof(app->told_sync), value_path_str(status, "sync.status"));
    copy_word(app->told_health, sizeof(app->told_health), value_path_str(status, "health.status"));
}

static bool newly_automated(const struct doc *before, const struct doc *after)
{
    value was = value_path(doc_root(before), "spec.syncPolicy.automated");
    value is = value_path(doc_root(after), "spec.syncPolicy.automated");
    bool started = !value_is_map(was) && value_is_map(is);
    return started ||
           (!value_bool(value_getz(was, "selfHeal")) && value_bool(value_getz(is, "selfHeal")));
}

static void application_changed(void *arg, const struct doc *before, const struct doc *after)
{
    struct app_controller *c = arg;
    value object = doc_root(after ? after : before);
    if (c->watcher)
        c->watcher(c->watcher_arg, before, after);
    struct application *app = find_application(c, object_ns(object), object_name(object));
    if (!after) {
        if (app)
            application_removed(app);
        return;
    }
    if (!app) {
        if (c->settings && !settings_namespace_allowed(&c->settings->settings, object_ns(object)))
            return;
        struct arena a;
        arena_init(&a, ARENA_BYTES_DEFAULT);
        app = application_new(c, ARENA_CAT(&a, object_ns(object), STR("/"), object_name(object)));
        arena_done(&a);
    }
    bool known = app->object && str_eq(object_resource_version(doc_root(app->object)),
                                       object_resource_version(object));
    if (known)
        return;
    if (app->object && resource_version_newer(object_resource_version(doc_root(app->object)),
                                              object_resource_version(object)))
        return;
    if (before && newly_automated(before, after))
        refresh_ask(app, 2);
    bool first = !app->object;
    application_changes(app, after);
    doc_unref(app->object);
    app->object = doc_ref(after);
    app->wanted.conflicted = false;
    if (first)
        tell_from_now_on(app);
    else
        status_events(app);
    application_advance(app);
}

static void advance_all(struct app_controller *c, int level)
{
    void *app;
    for (size_t i = 0; map_next(&c->app, &i, NULL, &app);) {
        if (level >= 0)
            refresh_ask(app, level);
        application_advance(app);
    }
}

static void project_changed(void *arg, const struct doc *before, const struct doc *after)
{
    struct app_controller *c = arg;
    str name = object_name(doc_root(after ? after : before));
    void *at;
    for (size_t i = 0; map_next(&c->app, &i, NULL, &at);) {
        struct application *app = at;
        str project = value_path_str(doc_root(app->object), "spec.project");
        if (!str_eq(project.len ? project : STR("default"), name))
            continue;
        app->live_changed = true;
        application_advance(app);
    }
}

static value data_of(struct app_controller *c, const char *name)
{
    const struct doc *d = informer_find(c->config_maps, c->config.control_namespace, str_of(name));
    return d ? value_getz(doc_root(d), "data") : VALUE_ABSENT;
}

static void read_settings(struct app_controller *c)
{
    struct settings_snapshot *s = checked_calloc(1, sizeof(*s));
    s->refs = 1;
    arena_init(&s->arena, ARENA_BYTES_DEFAULT);
    value cm = value_copy(&s->arena, data_of(c, "argocd-cm"));
    value params = value_copy(&s->arena, data_of(c, "argocd-cmd-params-cm"));
    settings_read(cm, params, c->config.control_namespace, &s->arena, &s->settings);
    if (c->config.reconcile_us && !value_exists(value_getz(cm, "timeout.reconciliation"))) {
        s->settings.reconcile_us = c->config.reconcile_us;
        s->settings.reconcile_jitter_us = 0;
    }
    if (c->config.sync_wave_delay_set &&
        !value_exists(value_getz(params, "controller.sync.wave.delay.seconds")))
        s->settings.sync_wave_delay_us = c->config.sync_wave_delay_us;
    settings_snapshot_unref(c->settings);
    c->settings = s;
}

static void settings_changed(void *arg, const struct doc *before, const struct doc *after)
{
    struct app_controller *c = arg;
    str name = object_name(doc_root(after ? after : before));
    if (!c->status.synced || (!str_is(name, "argocd-cm") && !str_is(name, "argocd-cmd-params-cm")))
        return;
    enum tracking_method tracking = c->settings->settings.tracking;
    str label = c->settings->settings.instance_label;
    struct settings_snapshot *old = settings_snapshot_ref(c->settings);
    read_settings(c);
    if (tracking != c->settings->settings.tracking ||
        !str_eq(label, c->settings->settings.instance_label))
        fleet_invalidate(c->fleet);
    settings_snapshot_unref(old);
    advance_all(c, 1);
}

/* ---- polling repositories ---- */

static void arm_poll(struct app_controller *c)
{
    usec every = c->settings->settings.reconcile_us;
    if (every > 0)
        timer_arm_in(&c->poll, every);
}

static void moved(struct app_controller *c, const struct manifests_moved *m)
{
    str key, index;
    if (!str_rcut(m->key, '/', &key, &index))
        return;
    struct application *app = map_find(&c->app, key);
    if (!app)
        return;
    if (m->move == MANIFESTS_MOVED) {
        late_enter(app);
        return;
    }
    /* Whoever lost its repository hears the error now, not when what is known of it grows old. */
    refresh_ask(app, m->move == MANIFESTS_LOST ? COMPARE_FORCE_RESOLVE : COMPARE_LATEST);
    application_advance(app);
}

static void polled(void *arg, struct answer *ans)
{
    struct app_controller *c = arg;
    c->polling = false;
    c->status.n_polls++;
    if (ans->rc == 0) {
        const struct manifests_poll *p = ans->result;
        for (size_t i = 0; i < p->n; i++)
            moved(c, &p->at[i]);
    }
    arm_poll(c);
}

static void poll_now(void *arg)
{
    struct app_controller *c = arg;
    if (c->polling)
        return;
    c->polling = true;
    c->poll_call = call_open(c->config.loop, 300 * USEC_PER_SEC, polled, c);
    c->config.world.manifests_poll(c->config.world.arg, c->poll_call);
}

/* ---- start ---- */

static void informer_synced_now(void *arg)
{
    struct app_controller *c = arg;
    const struct app_world *w = &c->config.world;
    if (w->ready && !w->ready(w->arg))
        return;
    if (c->status.synced || !informer_synced(c->applications) || !informer_synced(c->projects) ||
        !informer_synced(c->config_maps))
        return;
    read_settings(c);
    c->status.synced = true;
    fleet_invalidate(c->fleet);
    arm_poll(c);
    advance_all(c, -1);
}

void app_controller_look(struct app_controller *c)
{
    if (c->applications)
        informer_synced_now(c);
}

void app_controller_credentials_changed(struct app_controller *c)
{
    void *at;
    for (size_t i = 0; map_next(&c->app, &i, NULL, &at);) {
        struct application *app = at;
        if (!app->rendered.source || !round_failed(&app->rendered))
            continue;
        refresh_ask(app, 2);
        application_advance(app);
    }
}

static void informer_failed(void *arg UNUSED, const struct err *err)
{
    LOG(LOG_LEVEL_WARN, "watching our own objects: %s", err->text);
}

/* ---- destinations ---- */

static void touch(struct map *touched, struct application *app, const struct mirror_change *change)
{
    if (!app)
        return;
    if (change->what == MIRROR_DELETED)
        operation_saw_deletion(app, change->key, str_of(change->uid));
    app->live_changed = true;
    compared_changed(app, change->key);
    map_set(touched, str_of(app->key), app);
}

static void mirror_changed(void *arg, str server UNUSED, const struct mirror_change *change,
                           size_t n)
{
    struct app_controller *c = arg;
    struct map touched;
    void *at;
    map_init(&touched, NULL);
    for (size_t i = 0; i < n; i++) {
        if (change[i].root.len)
            touch(&touched, map_find(&c->by_instance, change[i].root), &change[i]);
        if (change[i].old_subject.len)
            touch(&touched, map_find(&c->by_instance, change[i].old_subject), &change[i]);
        touch(&touched, interest_find(c, change[i].key), &change[i]);
    }
    for (size_t i = 0; map_next(&touched, &i, NULL, &at);)
        application_advance(at);
    map_done(&touched);
}

static void cluster_changed(void *arg, str server UNUSED)
{
    struct app_controller *c = arg;
    c->world_serial++;
    advance_all(c, -1);
}

static void cluster_failed(void *arg, str server, const struct err *err)
{
    struct app_controller *c = arg;
    void *at;
    LOG(LOG_LEVEL_WARN, "cluster %.*s: %s", STR_FMT(server), err->text);
    for (size_t i = 0; map_next(&c->app, &i, NULL, &at);)
        if (((struct application *)at)->waiting_for_cluster)
            application_advance(at);
}

static bool wants_kind(void *arg, const struct kube_kind *kind)
{
    struct app_controller *c = arg;
    static const struct {
        const char *group, *kind;
    } never[] = {{"", "Event"},
                 {"events.k8s.io", "Event"},
                 {"coordination.k8s.io", "Lease"},
                 {"", "Endpoints"},
                 {"discovery.k8s.io", "EndpointSlice"}};
    for (size_t i = 0; i < ARRAY_LEN(never); i++)
        if (str_is(kind->group, never[i].group) && str_is(kind->kind, never[i].kind))
            return false;
    return !c->settings ||
           !settings_excluded(&c->settings->settings, kind->group, kind->kind, STR(""));
}

/* Bodies of what bears a mark, of what may descend from it, and of what lives at a desired key: it
 * must be compared, too. Namespaces are few, and a sync looks at its own first. */
static void look_at_object(void *arg, value object, struct arena *a UNUSED, struct mirror_look *ret)
{
    struct app_controller *c = arg;
    *ret = (struct mirror_look){0};
    if (c->settings)
        ret->subject = tracking_owner(&c->settings->settings, object);
    ret->keep_body = ret->subject.len || value_len(object_owner_refs(object)) ||
                     str_is(object_kind(object), "Namespace") ||
                     interest_find(c, object_key(object));
}

const struct mirror_policy *app_controller_policy(struct app_controller *c) { return &c->policy; }

struct fleet_owner app_controller_fleet_owner(struct app_controller *c)
{
    return (struct fleet_owner){
        .arg = c,
        .changed = mirror_changed,
        .synced = cluster_changed,
        .kinds = cluster_changed,
        .failed = cluster_failed,
        .opened = cluster_changed,
        .closed = cluster_changed,
    };
}

struct app_controller *app_controller_new(const struct app_controller_config *config)
{
    struct app_controller *c = checked_calloc(1, sizeof(*c));
    c->config = *config;
    c->policy = (struct mirror_policy){.arg = c, .wants = wants_kind, .look = look_at_object};
    map_init(&c->app, NULL);
    map_init(&c->by_instance, NULL);
    map_init(&c->by_key, NULL);
    timer_init(&c->poll, config->loop, poll_now, c);
    timer_init(&c->late_turn, config->loop, do_late_one, c);
    c->late_end = &c->late;
    controller_metrics_open(c);
    if (config->results)
        appcache_on_miss(config->results, results_fill, c);
    return c;
}

void app_controller_start(struct app_controller *c, struct fleet *fleet)
{
    struct informer_config i = {
        .client = c->config.home,
        .arg = c,
        .synced = informer_synced_now,
        .failed = informer_failed,
    };
    c->fleet = fleet;
    i.kind = &informer_kind_application;
    i.changed = application_changed;
    c->applications = informer_open(&i);
    i.kind = &informer_kind_project;
    i.ns = c->config.control_namespace;
    i.changed = project_changed;
    c->projects = informer_open(&i);
    i.kind = &informer_kind_config_map;
    i.changed = settings_changed;
    c->config_maps = informer_open(&i);
}

void app_controller_free(struct app_controller *c)
{
    void *app;
    if (!c)
        return;
    if (c->config.results)
        appcache_on_miss(c->config.results, NULL, NULL);
    timer_stop(&c->poll);
    timer_stop(&c->late_turn);
    if (c->polling)
        call_forget(&c->poll_call);
    for (size_t i = 0; map_next(&c->app, &i, NULL, &app);)
        application_free(app);
    informer_close(c->applications);
    informer_close(c->projects);
    informer_close(c->config_maps);
    settings_snapshot_unref(c->settings);
    map_done(&c->app);
    map_done(&c->by_instance);
    map_done(&c->by_key);
    arena_done(&c->spare);
    free(c);
}

void app_controller_status(const struct app_controller *c, struct app_controller_status *ret)
{
    *ret = c->status;
}

void app_controller_watch(struct app_controller *c,
                          void (*changed)(void *arg, const struct doc *before,
                                          const struct doc *after),
                          void *arg)
{
    c->watcher = changed;
    c->watcher_arg = arg;
}

struct informer *app_controller_applications(struct app_controller *c) { return c->applications; }

struct informer *app_controller_projects(struct app_controller *c) { return c->projects; }

struct informer *app_controller_config_maps(struct app_controller *c) { return c->config_maps; }
