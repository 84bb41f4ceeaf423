/* cluster/apply_sent.c: what an apply sends: the object with its own text, the patch. */
#include "cluster/apply_impl.h"
#include "kube/object.h"
#include "kube/schema.h"
#include "kube/strategic.h"
#include "value/json.h"
#include "value/patch.h"

value apply_with_last_applied(struct apply *p)
{
    struct arena *a = &p->arena;
    value bare = value_edit(a, p->desired);
    value meta = value_edit_map(a, bare, STR("metadata"));
    if (value_is_map(value_getz(meta, "annotations")))
        value_remove(value_edit_map(a, meta, STR("annotations")), STR(APPLY_LAST_APPLIED));
    else
        value_setz(a, meta, "annotations", value_new_map(a));
    str text = ARENA_CAT(a, json_str(a, bare, AUDIENCE_WIRE, JSON_SORT_KEYS), STR("\n"));
    value full = value_edit(a, bare);
    value_set(a, value_edit_map(a, value_edit_map(a, full, STR("metadata")), STR("annotations")),
              STR(APPLY_LAST_APPLIED), value_borrow_str(a, text));
    return full;
}

int apply_three_way(struct apply *p, value *ret_patch, enum cluster_patch_type *ret_type,
                    struct err *err)
{
    struct arena *a = &p->arena;
    value live = doc_root(p->live), original = VALUE_ABSENT;
    str last = object_annotation(live, STR(APPLY_LAST_APPLIED));
    if (last.len) {
        int rc = json_parse(last, &(struct json_input){.name = STR("last-applied-configuration")},
                            a, &original, err);
        if (rc < 0)
            return rc;
    }
    value modified = apply_with_last_applied(p);
    const struct kube_schema *schema =
        kube_schema_of_kind(p->target.gvk.group, p->target.gvk.version, p->target.gvk.kind);
    *ret_type = schema ? CLUSTER_PATCH_STRATEGIC : CLUSTER_PATCH_MERGE;
    if (schema)
        return kube_strategic_diff3(original, modified, live, schema, a, ret_patch, err);
    return json_merge_patch_three_way(a, original, modified, live, ret_patch, err);
}

value apply_without_nulls(struct arena *a, value v)
{
    if (value_is_list(v)) {
        value list = value_new_list(a);
        for (struct value_iter it = value_iter(v); value_next(&it);)
            value_push(a, list, apply_without_nulls(a, it.val));
        return list;
    }
    if (!value_is_map(v))
        return v;
    value map = value_new_map(a);
    for (struct value_iter it = value_iter(v); value_next(&it);)
        if (!value_is_null(it.val))
            value_set(a, map, it.key, apply_without_nulls(a, it.val));
    return map;
}
