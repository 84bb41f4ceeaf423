/* value/merge_patch.c: RFC 7386 as evanphx/json-patch v4 applies and creates it, and the three-way
 * patch of kubectl.
 *
 * The library prunes nulls not only from maps that are added but also from maps in lists that
 * replace something other than a map; a list that replaces a map keeps its nulls. The API server
 * shows this, so we do the same. */
#include "value/patch.h"

/* v without the null entries of its maps, those in lists included; v itself when it has none. */
static value pruned(struct arena *a, value v)
{
    value out = v;
    bool map = value_is_map(v);
    if (!map && !value_is_list(v))
        return v;
    for (struct value_iter it = value_iter(v); value_next(&it);) {
        bool drop = map && value_is_null(it.val);
        value kept = drop ? VALUE_ABSENT : pruned(a, it.val);
        if (!drop && kept.doc == it.val.doc && kept.at == it.val.at)
            continue;
        if (out.doc == v.doc && out.at == v.at)
            out = value_edit(a, value_fork(a, v));
        if (map)
            value_set(a, out, it.key, kept);
        else
            value_put(a, out, it.i, kept);
    }
    return out;
}

/* `target` is editable; patch is a map. */
static void merge_into(struct arena *a, value target, value patch)
{
    for (struct value_iter it = value_iter(patch); value_next(&it);) {
        value old = value_get(target, it.key);
        if (value_is_null(it.val))
            value_remove(target, it.key);
        else if (!value_is_map(old))
            value_set(a, target, it.key, value_fork(a, pruned(a, it.val)));
        else if (!value_is_map(it.val))
            value_set(a, target, it.key, value_fork(a, it.val));
        else
            merge_into(a, value_edit_map(a, target, it.key), it.val);
    }
}

int json_merge_patch_apply(struct arena *a, value document, value patch, value *ret,
                           struct err *err)
{
    if (value_is_nil(document))
        return err_set(err, ERR_INVALID, "Invalid JSON Document");
    if (!value_is_map(patch) && !value_is_list(patch))
        return err_set(err, ERR_INVALID, "Invalid JSON Patch");
    if (!value_is_map(document) || !value_is_map(patch)) {
        *ret = pruned(a, patch);
        return 0;
    }
    value out = value_edit(a, value_fork(a, document));
    merge_into(a, out, patch);
    *ret = out;
    return 0;
}

/* The library decodes every number to the one Go type float64. */
static bool same_go_type(value a, value b)
{
    return value_type(a) == value_type(b) || (value_is_number(a) && value_is_number(b));
}

static value diff(struct arena *a, value from, value to)
{
    value out = value_new_map(a);
    for (struct value_iter it = value_iter(to); value_next(&it);) {
        value old = value_get(from, it.key);
        if (!value_exists(old) || !same_go_type(old, it.val)) {
            value_set(a, out, it.key, it.val);
        } else if (value_is_map(old)) {
            value below = diff(a, old, it.val);
            if (value_len(below) > 0)
                value_set(a, out, it.key, below);
        } else if (!value_equal(old, it.val)) {
            value_set(a, out, it.key, it.val);
        }
    }
    for (struct value_iter it = value_iter(from); value_next(&it);)
        if (!value_exists(value_get(to, it.key)))
            value_set(a, out, it.key, value_null(a));
    return out;
}

int json_merge_patch_create(struct arena *a, value from, value to, value *ret, struct err *err)
{
    if (value_is_list(from) != value_is_list(to))
        return err_set(err, ERR_INVALID, "Mismatched JSON Documents");
    if (!value_is_map(from) || !value_is_map(to))
        return err_set(err, ERR_INVALID, "Invalid JSON Document");
    *ret = diff(a, from, to);
    return 0;
}

/* Only the nulls of a patch (keep_null), or all but them. An empty map is a value, not an empty
 * patch. */
static value filtered(struct arena *a, value patch, bool keep_null)
{
    value out = value_new_map(a);
    for (struct value_iter it = value_iter(patch); value_next(&it);) {
        if (value_is_null(it.val)) {
            if (keep_null)
                value_set(a, out, it.key, it.val);
        } else if (value_is_map(it.val) && value_len(it.val) > 0) {
            value below = filtered(a, it.val, keep_null);
            if (value_len(below) > 0)
                value_set(a, out, it.key, below);
        } else if (!keep_null) {
            value_set(a, out, it.key, it.val);
        }
    }
    return out;
}

int json_merge_patch_three_way(struct arena *a, value original, value modified, value live,
                               value *ret, struct err *err)
{
    value changes, removals, empty = value_new_map(a);
    if (!value_exists(original))
        original = empty;
    int r = json_merge_patch_create(a, live, modified, &changes, err);
    if (r == 0)
        r = json_merge_patch_create(a, original, modified, &removals, err);
    if (r)
        return r;
    return json_merge_patch_apply(a, filtered(a, removals, true), filtered(a, changes, false), ret,
                                  err);
}
