/* controllers/application/deletion.c: an Application that is being deleted takes its objects along.
 *
 * With a resources finalizer the live objects that carry the application's mark are deleted,
 * highest sync wave first; when none is left the finalizer goes. Objects that say Delete=false or
 * helm.sh/resource-policy: keep stay, CRDs stay, and what asks for confirmation waits for the
 * deletion-approved annotation. An application whose cluster is unknown only loses its finalizers.
 * Source: argo-cd controller/appcontroller.go finalizeApplicationDeletion. */
#include "controllers/application/app.h"

#include <stdlib.h>

#include "kube/object.h"

void deletion_free(struct application *app)
{
    for (size_t i = 0; i < app->deletion.n; i++)
        doc_unref(app->deletion.target[i]);
    free(app->deletion.target);
    app->deletion.target = NULL;
    app->deletion.n = 0;
}

static bool ours(str finalizer)
{
    return str_starts(finalizer, STR(FINALIZER_RESOURCES)) ||
           str_starts(finalizer, STR(FINALIZER_PRE_DELETE)) ||
           str_starts(finalizer, STR(FINALIZER_POST_DELETE));
}

static bool cascades(value finalizers)
{
    for (struct value_iter it = value_iter(finalizers); value_next(&it);)
        if (str_starts(value_str(it.val), STR(FINALIZER_RESOURCES)))
            return true;
    return false;
}

static void want_finalizers_gone(struct application *app, struct arena *a, value finalizers)
{
    value left = value_new_list(a);
    for (struct value_iter it = value_iter(finalizers); value_next(&it);)
        if (!ours(value_str(it.val)))
            value_push(a, left, value_of_str(a, value_str(it.val)));
    if (value_len(left) == value_len(finalizers))
        return;
    doc_unref(app->wanted.finalizers);
    app->wanted.finalizers = doc_freeze(left, 0);
    app->wanted.serial = ++app->serial;
}

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

struct cascade {
    VEC(struct doc *) deletable;
    bool some_terminating, unconfirmed;
    size_t n_left;
};

static void look_at(struct evaluation *e, struct mirror *m, struct mirror_object *o,
                    struct cascade *c)
{
    struct doc *body;
    struct err err;
    if (mirror_body(m, o, &body, &err) < 0)
        return;
    arena_on_done(&e->arena, (void (*)(void *))doc_unref, body);
    value live = doc_root(body);
    struct plan_kind kind = plan_kind_of(&e->kinds, o->key.group, o->version, o->key.kind);
    if (e->has_project && !project_live_permitted(&e->project, live, &e->cluster, kind.namespaced))
        return;
    if (stays(e, live))
        return;
    c->n_left++;
    if (o->deleting) {
        c->some_terminating = true;
        return;
    }
    if (asks(e, live) && !app_deletion_confirmed(&e->view, e->view.deletion_at))
        c->unconfirmed = true;
    vec_push(&e->arena, &c->deletable, body);
}

static void choose(struct application *app, struct cascade *c)
{
    int64_t highest = INT64_MIN;
    for (size_t i = 0; i < c->deletable.n; i++)
        highest = MAX_OF(highest, object_wave(doc_root(c->deletable.at[i])));
    app->deletion.target = checked_calloc(c->deletable.n + 1, sizeof(struct doc *));
    for (size_t i = 0; i < c->deletable.n; i++)
        if (object_wave(doc_root(c->deletable.at[i])) == highest)
            app->deletion.target[app->deletion.n++] = doc_ref(c->deletable.at[i]);
}

/* true: nothing is left to delete. */
static bool cascade(struct application *app, struct evaluation *e, struct fleet_cluster *cluster)
{
    struct cascade c = {0};
    struct mirror_object o;
    evaluation_take_kinds(e, cluster->client);
    for (struct mirror_iter it = mirror_of_subject(cluster->mirror, e->view.instance);
         mirror_next(&it, &o);)
        if (!o.has_owner)
            look_at(e, cluster->mirror, &o, &c);
    if (c.n_left == 0)
        return true;
    if (!c.some_terminating && !c.unconfirmed)
        choose(app, &c);
    return false;
}

void deletion_advance(struct application *app)
{
    struct evaluation *e = evaluation_new(app);
    value finalizers = object_finalizers(doc_root(app->object));
    struct fleet_cluster cluster;
    struct mirror_status mirrored;
    deletion_free(app);
    app->deletion.active = true;
    if (!cascades(finalizers) || !evaluation_cluster(app, e, &cluster)) {
        want_finalizers_gone(app, &e->arena, finalizers);
        evaluation_free(e);
        return;
    }
    mirror_status(cluster.mirror, &mirrored);
    app->waiting_for_cluster = !mirrored.synced;
    if (mirrored.synced && cascade(app, e, &cluster))
        want_finalizers_gone(app, &e->arena, finalizers);
    evaluation_free(e);
}
