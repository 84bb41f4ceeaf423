/* controllers/application/whole.c: live objects that must be whole to be compared.
 *
 * The mirror keeps no managedFields, and every object in one version of its kind only. Where a
 * comparison asks for more (fields of trusted managers, server-side apply, a manifest in another
 * version) the object is read once for each resourceVersion, and kept. The comparison waits for
 * all; what cannot be read is compared as the mirror has it. Source: gitops-engine
 * pkg/cache (GetManagedLiveObjs), pkg/diff. */
#include "controllers/application/app.h"

#include <stdlib.h>

#include "kube/object.h"
#include "plan/normalize.h"

#define VERSION_BYTES 24 /* of a resourceVersion; longer ones are not asked about */

struct whole {
    uint64_t id; /* of key and version */
    struct cluster_target target;
    char asked[VERSION_BYTES];
    bool answered;
    struct doc *object; /* as read; NULL: it could not be */
    char text[];        /* of target */
};

static str keep_text(char **at, str s)
{
    str kept = {*at, s.len};
    memcpy(*at, s.len ? s.at : "", s.len);
    *at += s.len;
    return kept;
}

static struct whole *find_whole(const struct application *app, uint64_t id)
{
    for (size_t i = 0; i < app->n_whole; i++)
        if (app->whole[i]->id == id)
            return app->whole[i];
    return NULL;
}

static struct whole *add_whole(struct application *app, uint64_t id, const struct cluster_target *t)
{
    struct whole *w = checked_calloc(1, sizeof(*w) + t->gvk.group.len + t->gvk.version.len +
                                            t->gvk.kind.len + t->ns.len + t->name.len);
    char *at = w->text;
    w->id = id;
    w->target = (struct cluster_target){.gvk = {keep_text(&at, t->gvk.group),
                                                keep_text(&at, t->gvk.version),
                                                keep_text(&at, t->gvk.kind)},
                                        .ns = keep_text(&at, t->ns),
                                        .name = keep_text(&at, t->name)};
    if (app->n_whole == app->cap_whole) {
        app->cap_whole = app->cap_whole ? app->cap_whole * 2 : 16;
        app->whole = realloc(app->whole, app->cap_whole * sizeof(*app->whole));
        if (!app->whole)
            abort();
    }
    app->whole[app->n_whole++] = w;
    return w;
}

void wholes_free(struct application *app)
{
    for (size_t i = 0; i < app->n_whole; i++) {
        doc_unref(app->whole[i]->object);
        free(app->whole[i]);
    }
    free(app->whole);
    app->whole = NULL;
    app->n_whole = app->cap_whole = 0;
}

static bool is_needed(const struct evaluation *e, value target, value live)
{
    if (!str_eq(object_version(target), object_version(live)))
        return true;
    if (value_exists(object_managed_fields(live)))
        return false;
    return compare_uses_managers(&e->context, target) ||
           (e->rules && normalizer_uses_managers(e->rules, target));
}

static bool is_as_new(const struct whole *w, str version)
{
    str have = object_resource_version(doc_root(w->object));
    return str_eq(have, version) || resource_version_newer(have, version);
}

value whole_of(struct application *app, struct evaluation *e, value target, value live)
{
    str version = object_resource_version(live);
    if (!value_exists(target) || !value_exists(live) || version.len >= VERSION_BYTES ||
        !is_needed(e, target, live))
        return live;
    struct cluster_target t = cluster_target_of(live);
    t.gvk = object_gvk(target);
    uint64_t id = hash64_mix(hash64(kube_key_str(&e->arena, object_key(live))),
                             hash64(object_version(target)));
    struct whole *w = find_whole(app, id);
    if (!w)
        w = add_whole(app, id, &t);
    if (w->object && is_as_new(w, version)) {
        arena_on_done(&e->arena, (void (*)(void *))doc_unref, doc_ref(w->object));
        return doc_root(w->object);
    }
    if (w->answered && str_is(version, w->asked))
        return live;
    w->answered = false;
    memcpy(w->asked, version.at, version.len);
    w->asked[version.len] = 0;
    e->n_missing++;
    return live;
}

/* ---- the step ---- */

size_t wholes_asked(const struct application *app, size_t from, uint64_t *ret_id,
                    uint64_t *ret_version)
{
    for (; from < app->n_whole; from++) {
        const struct whole *w = app->whole[from];
        if (w->answered || !w->asked[0])
            continue;
        *ret_id = w->id;
        *ret_version = hash64(str_of(w->asked));
        break;
    }
    return from;
}

int whole_start(struct subject *s, const struct step *st, struct call c, struct err *err)
{
    struct application *app = (struct application *)s;
    const struct serial_args *args = st->args;
    const struct whole *w = find_whole(app, args->serial);
    struct fleet_cluster cluster;
    if (!w || !application_destination(app, &cluster))
        return err_set(err, ERR_CANCELED, "the object is not asked for any more");
    cluster_get(cluster.client, &w->target, c);
    return 0;
}

/* One comparison for all of them. */
void whole_absorb(struct subject *s, const struct step *st, struct answer *ans)
{
    struct application *app = (struct application *)s;
    const struct serial_args *args = st->args;
    struct whole *w = find_whole(app, args->serial);
    uint64_t id, version;
    if (!w || w->answered)
        return;
    w->answered = true;
    doc_unref(w->object);
    w->object = ans->rc == 0 ? answer_take(ans) : NULL;
    if (wholes_asked(app, 0, &id, &version) < app->n_whole) {
        steps_poke(&app->subject);
        return;
    }
    app->live_changed = true;
    application_advance(app);
}
