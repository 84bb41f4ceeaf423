/* control/write.c: merge patches of status, annotations and operation. */
#include "control/write.h"

#include "kube/object.h"
#include "value/patch.h"

value merge_patch_between(struct arena *a, value from, value to)
{
    value patch;
    if (!value_is_map(from))
        from = value_new_map(a);
    if (!value_is_map(to) || json_merge_patch_create(a, from, to, &patch, NULL) < 0 ||
        value_len(patch) == 0)
        return VALUE_ABSENT;
    return patch;
}

/* Only those that are not yet as wished. */
static value annotations_patch(struct arena *a, value object, value wished)
{
    value out = value_new_map(a), now = object_annotations(object);
    for (struct value_iter it = value_iter(wished); value_next(&it);) {
        value old = value_get(now, it.key);
        if (value_is_null(it.val) ? value_exists(old) : !value_equal(old, it.val))
            value_set(a, out, it.key, it.val);
    }
    return value_len(out) ? out : VALUE_ABSENT;
}

value write_patch(struct arena *a, value object, const struct write_change *change)
{
    value patch = value_new_map(a);
    if (value_exists(change->status))
        value_setz(a, patch, "status",
                   merge_patch_between(a, value_getz(object, "status"), change->status));
    value annotations = annotations_patch(a, object, change->annotations);
    if (value_exists(annotations))
        value_set_path(a, patch, "metadata.annotations", annotations);
    if (change->clear_operation && value_exists(value_getz(object, "operation")))
        value_setz(a, patch, "operation", value_null(a));
    return value_len(patch) ? patch : VALUE_ABSENT;
}

static void drop_doc(void *doc) { doc_unref(doc); }

void write_object(struct cluster_client *c, const struct doc *object,
                  const struct write_change *change, const struct cluster_options *o,
                  struct call call)
{
    struct arena a;
    arena_init(&a, ARENA_BYTES_DEFAULT);
    value patch = write_patch(&a, doc_root(object), change);
    struct cluster_target t = cluster_target_of(doc_root(object));
    if (value_exists(patch))
        cluster_patch(c, &t, CLUSTER_PATCH_MERGE, json_str(&a, patch, AUDIENCE_WIRE, 0), o, call);
    else
        call_answer_ok(call, doc_ref(object), drop_doc);
    arena_done(&a);
}
