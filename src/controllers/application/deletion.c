/* controllers/application/deletion.c: the end of an application, finalizer by finalizer.
 *
 * Stages in this order, each for as long as the object has its finalizer: PreDelete hooks run; the
 * live objects that carry the application's mark are deleted, highest sync wave first (not those
 * that say Delete=false or helm.sh/resource-policy: keep, no CRDs, and what asks for confirmation
 * waits for the deletion-approved annotation); PostDelete hooks run; hooks are cleaned up by their
 * delete policies. An application whose cluster is unknown only loses its finalizers; one whose
 * project is gone keeps them, for nobody can say what it may delete. What went wrong is a
 * DeletionError condition and an event. Source: argo-cd controller/appcontroller.go
 * finalizeApplicationDeletion. */
#include "controllers/application/deletion.h"

#include <stdlib.h>

#include "base/fault.h"
#include "plan/typed.h"

#define AGAIN_US (2 * USEC_PER_SEC)
#define SETTLE_US (50 * USEC_PER_MS)
#define SETTLE_TURNS_MAX                                                                           \
    20 /* what the end looks like is told first, but not waited for forever                        \
        */
#define MADE_KEPT_US (30 * USEC_PER_SEC)

static void forget_actions(struct application *app)
{
    for (size_t i = 0; i < app->deletion.n; i++)
        doc_unref(app->deletion.action[i].object);
    free(app->deletion.action);
    app->deletion.action = NULL;
    app->deletion.n = 0;
}

void deletion_close(struct application *app)
{
    forget_actions(app);
    for (size_t i = 0; i < app->deletion.n_made; i++)
        free(app->deletion.made[i].key);
    free(app->deletion.made);
    app->deletion.made = NULL;
    app->deletion.n_made = 0;
}

/* ---- hooks that were made a moment ago: the mirror may not have them yet ---- */

static void remember_made(struct application *app, struct kube_key key, bool foreign)
{
    struct arena a;
    size_t n = app->deletion.n_made + 1;
    arena_init(&a, ARENA_BYTES_DEFAULT);
    str text = kube_key_str(&a, key);
    app->deletion.made = realloc(app->deletion.made, n * sizeof(*app->deletion.made));
    if (!app->deletion.made)
        abort();
    struct deletion_made *m = &app->deletion.made[app->deletion.n_made++];
    *m = (struct deletion_made){checked_calloc(1, text.len + 1),
                                loop_now(app->controller->config.loop), foreign};
    memcpy(m->key, text.at, text.len);
    arena_done(&a);
}

struct deletion_made *deletion_made_find(struct deletion_run *run, struct kube_key key)
{
    struct application *app = run->app;
    str text = kube_key_str(&run->e->arena, key);
    usec now = loop_now(app->controller->config.loop);
    for (size_t i = 0; i < app->deletion.n_made; i++) {
        struct deletion_made *m = &app->deletion.made[i];
        if (str_is(text, m->key) && (m->foreign || now - m->at < MADE_KEPT_US))
            return m;
    }
    return NULL;
}

void deletion_made_forget(struct deletion_run *run, struct kube_key key)
{
    struct application *app = run->app;
    str text = kube_key_str(&run->e->arena, key);
    for (size_t i = 0; i < app->deletion.n_made; i++) {
        if (!str_is(text, app->deletion.made[i].key))
            continue;
        free(app->deletion.made[i].key);
        app->deletion.made[i--] = app->deletion.made[--app->deletion.n_made];
    }
}

/* ---- effects asked for ---- */

static void add_action(struct application *app, struct deletion_action action)
{
    app->deletion.action = realloc(app->deletion.action, (app->deletion.n + 1) * sizeof(action));
    if (!app->deletion.action)
        abort();
    app->deletion.action[app->deletion.n++] = action;
}

static uint64_t action_id(value object, bool create)
{
    str uid = object_uid(object);
    uint64_t id = hash64(uid.len ? uid : object_name(object));
    return hash64_mix(hash64_mix(id, hash64(object_kind(object))), create);
}

void deletion_delete(struct deletion_run *run, struct doc *body, bool foreground)
{
    const struct deletion_action x = {.id = action_id(doc_root(body), false),
                                      .object = doc_ref(body),
                                      .foreground = foreground,
                                      .blame = ""};
    add_action(run->app, x);
}

void deletion_create(struct deletion_run *run, value object, const char *blame)
{
    value typed = typed_remarshal(object, &run->e->arena);
    const struct deletion_action x = {.id = action_id(object, true),
                                      .object = doc_freeze(typed, 0),
                                      .create = true,
                                      .blame = blame};
    add_action(run->app, x);
}

/* ---- what went wrong ---- */

static bool has_condition(value conditions, str message)
{
    str type = app_condition_name(APP_CONDITION_DELETION_ERROR);
    for (struct value_iter it = value_iter(conditions); value_next(&it);)
        if (str_eq(value_str(value_getz(it.val, "type")), type) &&
            str_eq(value_str(value_getz(it.val, "message")), message))
            return true;
    return false;
}

static void failed(struct application *app, struct arena *a, str message)
{
    struct app_conditions *fresh = ARENA_NEW(a, struct app_conditions);
    value status = status_now(app, a), old = value_getz(status, "conditions");
    app->deletion.again_at = loop_now(app->controller->config.loop) + AGAIN_US;
    if (has_condition(old, message))
        return;
    app_conditions_add(fresh, APP_CONDITION_DELETION_ERROR, message);
    value_setz(a, status, "conditions",
               app_conditions_merge(a, old, fresh, APP_CONDITION_BIT(APP_CONDITION_DELETION_ERROR),
                                    application_wall(app)));
    status_want(app, status);
    application_event(app, true, STR("StatusRefreshed"),
                      ARENA_CAT(a, STR("Unable to delete application resources: "), message));
}

/* ---- steps ---- */

void deletion_plan(const struct application *app, const struct step_kind *kind, struct plan *ret)
{
    for (size_t i = 0; i < app->deletion.n && ret->n_steps < STEPS_MAX - 8; i++) {
        const struct deletion_action *x = &app->deletion.action[i];
        if (!x->asked)
            plan_add(ret, kind, hash64_mix(x->id, hash64(kind->name)), &x->id, sizeof(x->id));
    }
}

static struct deletion_action *action_of(struct application *app, const struct step *st)
{
    const uint64_t *id = st->args;
    for (size_t i = 0; i < app->deletion.n; i++)
        if (app->deletion.action[i].id == *id)
            return &app->deletion.action[i];
    return NULL;
}

int deletion_start(struct subject *s, const struct step *st, struct call c, struct err *err)
{
    struct application *app = (struct application *)s;
    struct deletion_action *x = action_of(app, st);
    struct fleet_cluster cluster;
    if (!x)
        return err_set(err, ERR_CANCELED, "nothing to delete");
    value destination = value_path(doc_root(app->object), "spec.destination");
    int rc = fleet_get(app->controller->fleet, value_str(value_getz(destination, "server")),
                       value_str(value_getz(destination, "name")), &cluster, err);
    if (rc < 0)
        return rc;
    FAULT_POINT("application.delete.start");
    value object = doc_root(x->object);
    struct cluster_target t = cluster_target_of(object);
    const struct cluster_options o = {.propagation =
                                          x->foreground ? STR("Foreground") : STR("Background")};
    if (x->create)
        cluster_create(cluster.client, &t, object, NULL, c);
    else
        cluster_delete(cluster.client, &t, &o, c);
    return 0;
}

void deletion_absorb(struct subject *s, const struct step *st, struct answer *ans)
{
    struct application *app = (struct application *)s;
    struct deletion_action *x = action_of(app, st);
    struct arena a;
    if (!x || ans->rc == -ERR_CANCELED)
        return;
    x->asked = true; /* the mirror tells when it is there, or gone */
    app->deletion.again_at = loop_now(app->controller->config.loop) + AGAIN_US;
    bool there = x->create && (ans->rc == 0 || ans->rc == -ERR_EXISTS);
    arena_init(&a, ARENA_BYTES_DEFAULT);
    if (there)
        remember_made(app, object_key(doc_root(x->object)), ans->rc != 0);
    else if (ans->rc < 0 && (x->create || ans->rc != -ERR_NOT_FOUND))
        failed(app, &a, ARENA_CAT(&a, str_of(x->blame), err_str(&ans->err)));
    arena_done(&a);
    if (there)
        application_advance(app);
    else
        steps_poke(&app->subject);
}

/* ---- the cascade ---- */

static bool option_set(value live, value app_options, const char *option)
{
    return object_has_option(live, KEY_SYNC_OPTIONS, option) || options_have(app_options, option);
}

static bool stays(const struct evaluation *e, value live)
{
    str group = object_group(live), kind = object_kind(live);
    bool is_crd = str_is(group, "apiextensions.k8s.io") && str_is(kind, "CustomResourceDefinition");
    bool itself = str_is(group, ARGO_GROUP) && str_is(kind, "Application") &&
                  str_eq(object_name(live), e->view.name) &&
                  str_eq(object_ns(live), e->view.namespace);
    return is_crd || itself || object_has_option(live, KEY_SYNC_OPTIONS, "Delete=false") ||
           options_have(e->view.sync_options, "Delete=false") ||
           str_is(object_annotation(live, STR(KEY_HELM_RESOURCE_POLICY)), "keep");
}

static bool asks(const struct evaluation *e, value live)
{
    return option_set(live, e->view.sync_options, "Delete=confirm") ||
           option_set(live, e->view.sync_options, "Prune=confirm");
}

static enum stage_outcome cascade(struct deletion_run *run, enum sync_phase phase UNUSED)
{
    const struct evaluation *e = run->e;
    bool confirmed = app_deletion_confirmed(&e->view, e->view.deletion_at);
    bool background = finalizers_background(e->view.object);
    int64_t highest = INT64_MIN;
    size_t n = 0;
    for (size_t i = 0; i < run->live.n; i++) {
        const struct deletion_live *l = &run->live.at[i];
        if (stays(e, l->object))
            continue;
        if (l->terminating || (asks(e, l->object) && !confirmed))
            return STAGE_WAITS;
        highest = MAX_OF(highest, object_wave(l->object));
        n++;
    }
    for (size_t i = 0; i < run->live.n; i++) {
        const struct deletion_live *l = &run->live.at[i];
        if (!stays(e, l->object) && object_wave(l->object) == highest)
            deletion_delete(run, l->body, !background);
    }
    return n ? STAGE_WAITS : STAGE_DONE;
}

/* ---- stages ---- */

static const struct stage {
    unsigned finalizers; /* bits of enum app_finalizer: done for as long as one is there */
    enum stage_outcome (*run)(struct deletion_run *run, enum sync_phase phase);
    enum sync_phase phase;
    const char *blame;
} stages[] = {
    {FINALIZER_BIT_PRE_DELETE, deletion_run_hooks, PHASE_PRE_DELETE,
     "error executing pre-delete hooks: "},
    {FINALIZER_BIT_RESOURCES, cascade, PHASE_NONE, ""},
    {FINALIZER_BIT_POST_DELETE, deletion_run_hooks, PHASE_POST_DELETE, ""},
    {FINALIZER_BIT_PRE_DELETE_CLEANUP, deletion_clean_hooks, PHASE_PRE_DELETE,
     "error cleaning up pre-delete hooks: "},
    {FINALIZER_BIT_POST_DELETE_CLEANUP, deletion_clean_hooks, PHASE_POST_DELETE, ""},
};

static void look_at(struct deletion_run *run, struct mirror *m, const struct mirror_object *o)
{
    struct evaluation *e = run->e;
    struct doc *body;
    struct err err;
    if (mirror_body(m, o, &body, &err) < 0)
        return;
    arena_on_done(&e->arena, (void (*)(void *))doc_unref, body);
    value live = doc_root(body);
    struct plan_kind kind = plan_kind_of(&e->kinds, o->key.group, o->version, o->key.kind);
    if (!project_live_permitted(&e->project, live, &e->cluster, kind.namespaced))
        return;
    const struct deletion_live l = {body, live, object_key(live), o->deleting};
    vec_push(&e->arena, &run->live, l);
}

static void gather_live(struct deletion_run *run, struct fleet_cluster *cluster)
{
    struct mirror_object o;
    evaluation_take_kinds(run->e, cluster->client);
    for (struct mirror_iter it = mirror_of_subject(cluster->mirror, run->e->view.instance);
         mirror_next(&it, &o);)
        if (!o.has_owner)
            look_at(run, cluster->mirror, &o);
}

/* The status after the last deletion, and the event about it, would be lost with the object. */
static bool still_telling(struct application *app)
{
    bool telling = app->n_events || app->wanted.status ||
                   (app->live_changed && app->rendered.source && !app->waiting_for_cluster);
    if (!telling || app->deletion.settled >= SETTLE_TURNS_MAX)
        return false;
    app->deletion.settled++;
    app->deletion.again_at = loop_now(app->controller->config.loop) + SETTLE_US;
    return true;
}

static void run_stages(struct deletion_run *run, unsigned present)
{
    struct application *app = run->app;
    struct arena *a = &run->e->arena;
    for (size_t i = 0; i < ARRAY_LEN(stages); i++) {
        const struct stage *stage = &stages[i];
        if (!(present & stage->finalizers))
            continue;
        switch (stage->run(run, stage->phase)) {
        case STAGE_DONE:
            if (!still_telling(app))
                app->wanted.finalizers_drop = stage->finalizers;
            return;
        case STAGE_FAILED: failed(app, a, ARENA_CAT(a, str_of(stage->blame), run->error)); return;
        case STAGE_WAITS: return;
        }
    }
}

void deletion_advance(struct application *app)
{
    struct evaluation *e = evaluation_new(app);
    struct deletion_run run = {.app = app, .e = e};
    unsigned present = finalizers_present(e->view.object);
    struct fleet_cluster cluster;
    struct mirror_status mirrored;
    forget_actions(app);
    app->deletion.active = true;
    app->wanted.finalizers_add = app->wanted.finalizers_drop = 0;
    str project_error = evaluation_project_error(e);
    if (!present) {
        /* somebody else's finalizers keep it */
    } else if (project_error.len) {
        failed(app, &e->arena, project_error);
    } else if (e->destination_error.len || !evaluation_cluster(app, e, &cluster)) {
        app->wanted.finalizers_drop = present;
    } else {
        mirror_status(cluster.mirror, &mirrored);
        app->waiting_for_cluster |= !mirrored.synced;
        if (mirrored.synced) {
            gather_live(&run, &cluster);
            run_stages(&run, present);
        } else if (!mirrored.discovered && mirrored.failure.kind) {
            failed(app, &e->arena,
                   evaluation_cluster_error(&e->arena, cluster.server, &mirrored.failure));
        }
    }
    evaluation_free(e);
}
