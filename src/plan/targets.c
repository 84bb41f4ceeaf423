#include <stdlib.h>

#include "base/map.h"
#include "kube/object.h"
#include "plan/compare.h"

/* Objects of one key among the manifests. */
struct same_key {
    size_t last;
    size_t n;
};

struct targets {
    const struct compare_context *c;
    struct arena *a;
    VEC(value) object, hook, delete_hook;
    VEC(struct kube_key) key;
    VEC(size_t) manifest;
    struct compare_desired *ret;
};

/* Namespace as the kind wants it, and the tracking mark. */
static value target_normalized(struct targets *t, value manifest)
{
    const struct app *app = t->c->app;
    value o = object_private(t->a, manifest);
    bool changed = false;
    str ns = object_ns(o);
    bool namespaced = plan_kind_namespaced(t->c->kinds, object_group(o), object_kind(o));
    if (!namespaced && ns.len) {
        o = value_edit(t->a, o);
        value_remove(value_edit_map(t->a, o, STR("metadata")), STR("namespace"));
        changed = true;
    } else if (namespaced && !ns.len && app->destination.namespace.len) {
        o = value_edit(t->a, o);
        value_set_str(t->a, value_edit_map(t->a, o, STR("metadata")), "namespace",
                      app->destination.namespace);
        changed = true;
    }
    if (t->c->unmarked && !changed)
        return o;
    return tracking_write(t->c->settings, t->a, o, app->instance, app->destination.namespace);
}

static struct kube_key target_key(struct targets *t, value o, size_t i)
{
    struct kube_key k = object_key(o);
    if (!k.name.len && object_generate_name(o).len)
        k.name = arena_printf(t->a, "%.*s%zu", STR_FMT(object_generate_name(o)), i);
    return k;
}

static void target_add(struct targets *t, value o, struct kube_key key, size_t manifest)
{
    unsigned deletes = object_delete_hook_phases(o);
    t->ret->pre_delete |= (deletes & PHASE_BIT(PHASE_PRE_DELETE)) != 0;
    t->ret->post_delete |= (deletes & PHASE_BIT(PHASE_POST_DELETE)) != 0;
    if (deletes)
        vec_push(t->a, &t->delete_hook, o);
    if (deletes && !object_hook_phases(o))
        return;
    if (object_is_hook(o)) {
        vec_push(t->a, &t->hook, o);
        return;
    }
    vec_push(t->a, &t->object, o);
    vec_push(t->a, &t->key, key);
    vec_push(t->a, &t->manifest, manifest);
}

static bool target_excluded(struct targets *t, value o)
{
    const struct compare_context *c = t->c;
    str group = object_group(o), kind = object_kind(o);
    if (!settings_excluded(c->settings, group, kind, c->cluster ? c->cluster->server : STR("")))
        return false;
    app_conditions_add(&t->ret->conditions, APP_CONDITION_EXCLUDED_RESOURCE_WARNING,
                       arena_printf(t->a, "Resource %.*s/%.*s %.*s is excluded in the settings",
                                    STR_FMT(group), STR_FMT(kind), STR_FMT(object_name(o))));
    return true;
}

int compare_targets(const struct compare_context *c, const value *manifest, size_t n,
                    struct arena *a, struct compare_desired *ret, struct err *err)
{
    struct targets t = {.c = c, .a = a, .ret = ret};
    struct map by_key;
    if (n > COMPARE_OBJECTS_MAX)
        return err_set(err, ERR_TOO_LARGE, "the application has %zu objects, more than %d", n,
                       COMPARE_OBJECTS_MAX);
    *ret = (struct compare_desired){0};
    map_init(&by_key, a);
    value *all = ARENA_ARRAY(a, value, n);
    str *text = ARENA_ARRAY(a, str, n);
    struct kube_key *key = ARENA_ARRAY(a, struct kube_key, n);
    for (size_t i = 0; i < n; i++) {
        all[i] = target_normalized(&t, manifest[i]);
        key[i] = target_key(&t, all[i], i);
        text[i] = kube_key_str(a, key[i]);
        struct same_key *same = map_find(&by_key, text[i]);
        if (!same)
            map_set(&by_key, text[i], same = ARENA_NEW(a, struct same_key));
        same->last = i;
        same->n++;
    }
    for (size_t i = 0; i < n; i++) {
        struct same_key *same = map_find(&by_key, text[i]);
        if (same->last != i)
            continue;
        if (same->n > 1)
            app_conditions_add(
                &ret->conditions, APP_CONDITION_REPEATED_RESOURCE_WARNING,
                arena_printf(a, "Resource %.*s appeared %zu times among application resources.",
                             STR_FMT(text[i]), same->n));
        if (!target_excluded(&t, all[i]))
            target_add(&t, all[i], key[i], i);
    }
    ret->object = t.object.at;
    ret->key = t.key.at;
    ret->manifest = t.manifest.at;
    ret->n = t.object.n;
    ret->hook = t.hook.at;
    ret->n_hooks = t.hook.n;
    ret->delete_hook = t.delete_hook.at;
    ret->n_delete_hooks = t.delete_hook.n;
    return 0;
}
