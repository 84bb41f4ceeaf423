/* microkube/workloads.c: what the simulated workload controllers share. */
#include "microkube/workloads.h"

#include <inttypes.h>

#include "base/digest.h"

static int by_name(const void *x, const void *y)
{
    return str_cmp((*(struct mk_object *const *)x)->name, (*(struct mk_object *const *)y)->name);
}

struct mk_children mk_children_of(struct microkube *mk, struct mk_object *owner, const char *kind,
                                  struct arena *a)
{
    size_t n;
    struct mk_object **d = mk_dependents(mk, owner->uid, &n);
    struct mk_children c = {ARENA_ARRAY(a, struct mk_object *, n + 1), 0};
    for (size_t i = 0; i < n; i++) {
        struct kube_owner ref;
        value v = doc_root(d[i]->doc);
        if (str_is(d[i]->storage->kind, kind) && !object_is_deleting(v) &&
            object_controller(v, &ref) && str_eq(ref.uid, owner->uid))
            c.at[c.n++] = d[i];
    }
    qsort(c.at, c.n, sizeof(*c.at), by_name);
    return c;
}

value mk_condition_find(value object, const char *type)
{
    for (struct value_iter it = value_iter(value_path(object, "status.conditions"));
         value_next(&it);)
        if (str_is(value_path_str(it.val, "type"), type))
            return it.val;
    return VALUE_ABSENT;
}

bool mk_pod_is_ready(value pod)
{
    return str_is(value_path_str(mk_condition_find(pod, "Ready"), "status"), "True");
}

bool mk_pod_is_done(value pod)
{
    str phase = value_path_str(pod, "status.phase");
    return str_is(phase, "Succeeded") || str_is(phase, "Failed");
}

value mk_owner_ref(struct arena *a, value owner)
{
    value list = value_new_list(a), ref = value_new_map(a);
    value_set_str(a, ref, "apiVersion", object_api_version(owner));
    value_set_str(a, ref, "kind", object_kind(owner));
    value_set_str(a, ref, "name", object_name(owner));
    value_set_str(a, ref, "uid", object_uid(owner));
    value_setz(a, ref, "controller", value_of_bool(a, true));
    value_setz(a, ref, "blockOwnerDeletion", value_of_bool(a, true));
    value_push(a, list, ref);
    return list;
}

str mk_template_hash(struct arena *a, value template)
{
    static const char letter[] = "bcdfghjklmnpqrstvwxz2456789";
    struct sha256 d = value_digest(template);
    char out[10];
    for (int i = 0; i < 10; i++)
        out[i] = letter[d.byte[i] % (sizeof(letter) - 1)];
    return arena_str(a, str_mem(out, sizeof(out)));
}

bool mk_node_fits(struct microkube *mk, value node_selector)
{
    struct mk_object *node = mk_find(mk_storage_find(mk, STR(""), STR("nodes")), STR(""), MK_NODE);
    for (struct value_iter it = value_iter(node_selector); value_next(&it);)
        if (!node || !str_eq(object_label(doc_root(node->doc), it.key), value_str(it.val)) ||
            !value_exists(value_get(object_labels(doc_root(node->doc)), it.key)))
            return false;
    return true;
}

static void copy_simulation(struct arena *a, value meta, value owner)
{
    for (struct value_iter it = value_iter(object_annotations(owner)); value_next(&it);) {
        if (!str_starts(it.key, STR(MK_ANNOTATION_PREFIX)))
            continue;
        value ann = value_edit_map(a, meta, STR("annotations"));
        if (!value_exists(value_get(ann, it.key)))
            value_set(a, ann, it.key, it.val);
    }
}

struct mk_object *mk_pod_create(struct microkube *mk, struct mk_object *owner, value template,
                                str name, const char *hash_label, str hash, struct arena *a)
{
    value pod = value_new_map(a), from = value_getz(template, "metadata");
    value meta = value_edit_map(a, pod, STR("metadata")), o = doc_root(owner->doc);
    value_setz(a, meta, "labels", value_getz(from, "labels"));
    value_setz(a, meta, "annotations", value_getz(from, "annotations"));
    value_set_str(a, meta, "namespace", owner->ns);
    if (name.len)
        value_set_str(a, meta, "name", name);
    value_set_str(a, meta, "generateName", ARENA_CAT(a, owner->name, STR("-")));
    if (hash.len)
        value_set_str(a, value_edit_map(a, meta, STR("labels")), hash_label, hash);
    value_setz(a, meta, "ownerReferences", mk_owner_ref(a, o));
    copy_simulation(a, meta, o);
    value_setz(a, pod, "spec", value_getz(template, "spec"));
    if (mk_node_fits(mk, value_path(pod, "spec.nodeSelector")))
        value_set_path(a, pod, "spec.nodeName", value_of_str(a, MK_NODE));
    return mk_controller_create(mk, "", "Pod", pod, a);
}

void mk_condition_set(struct microkube *mk, struct arena *a, value status,
                      const struct mk_condition *c)
{
    value list = value_edit_list(a, status, STR("conditions")), v = value_new_map(a);
    str now = time_str(a, mk_now(mk)), moved = now, updated = now;
    size_t at = value_len(list);
    for (struct value_iter it = value_iter(list); value_next(&it);) {
        if (!str_is(value_path_str(it.val, "type"), c->type))
            continue;
        at = it.i;
        if (str_is(value_path_str(it.val, "status"), c->status))
            moved = value_path_str(it.val, "lastTransitionTime");
        if (str_is(value_path_str(it.val, "status"), c->status) &&
            str_is(value_path_str(it.val, "reason"), c->reason) &&
            str_eq(value_path_str(it.val, "message"), c->message))
            updated = value_path_str(it.val, "lastUpdateTime");
    }
    if (c->of_generation)
        value_setz(a, v, "lastProbeTime", value_null(a));
    value_set_str(a, v, "lastTransitionTime", moved);
    if (c->with_update_time)
        value_set_str(a, v, "lastUpdateTime", updated);
    if (c->message.len)
        value_set_str(a, v, "message", c->message);
    if (c->of_generation)
        value_setz(a, v, "observedGeneration", value_of_int(a, c->of_generation));
    if (c->reason)
        value_set_str(a, v, "reason", str_of(c->reason));
    value_set_str(a, v, "status", str_of(c->status));
    value_set_str(a, v, "type", str_of(c->type));
    if (at < value_len(list))
        value_put(a, list, at, v);
    else
        value_push(a, list, v);
}

void mk_set_count(struct arena *a, value map, const char *key, int64_t n)
{
    value_set(a, map, str_of(key), n ? value_of_int(a, n) : VALUE_ABSENT);
}

void mk_remove_object(struct microkube *mk, struct mk_object *o, struct arena *a)
{
    struct err err;
    if (mk_delete_object(mk, o, (struct mk_delete){MK_BACKGROUND, 0}, a, NULL, NULL, &err) < 0)
        mk_enqueue(mk, o);
}

struct mk_object *mk_status_update(struct microkube *mk, struct mk_object *o, value status,
                                   struct arena *a)
{
    value v = value_edit(a, doc_root(o->doc));
    value_setz(a, v, "status", status);
    return mk_controller_update(mk, o, v, a);
}
