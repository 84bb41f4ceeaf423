/* kube/strategic.c: apply a strategic merge patch.
 *
 * One walk serves two purposes: patching an object (parallel lists are carried out, unmatched nulls
 * dropped), and merging two patches into one (directives and nulls are kept), which ends a
 * three-way diff. Both inputs are copied as far as they are changed: results never share a changed
 * node with the caller's values. */
#include "kube/strategic.h"
#include "kube/strategic_list.h"

struct merge {
    struct strategic s;
    bool of_patches; /* both sides are patches */
};

static int merge_maps(struct merge *m, value original, value patch,
                      const struct kube_schema *schema, value *ret);

static bool has_prefix(str key, str directive)
{
    return str_starts(key, directive) && key.len > directive.len && key.at[directive.len] == '/';
}

/* Values that came from the caller may be building nodes of its own tree: never edit those in
 * place. */
static value own(struct arena *a, value v)
{
    if (v.doc)
        return value_edit(a, v);
    if (value_is_map(v)) {
        value out = value_new_map(a);
        for (struct value_iter it = value_iter(v); value_next(&it);)
            value_set(a, out, it.key, it.val);
        return out;
    }
    return v;
}

/* Copy without directives (maps that carry $patch disappear); nulls too when asked. false: the
 * value itself goes. */
static bool without_directives(struct merge *m, value v, bool drop_nulls, value *ret)
{
    struct arena *a = m->s.a;
    value kept;
    if (value_is_map(v)) {
        value out = value_new_map(a);
        if (value_exists(value_get(v, DIRECTIVE_PATCH)))
            return false;
        for (struct value_iter it = value_iter(v); value_next(&it);)
            if (!(drop_nulls && value_is_null(it.val)) &&
                without_directives(m, it.val, drop_nulls, &kept))
                value_set(a, out, it.key, kept);
        *ret = out;
        return true;
    }
    if (value_is_list(v)) {
        value out = value_new_list(a);
        for (struct value_iter it = value_iter(v); value_next(&it);)
            if (without_directives(m, it.val, drop_nulls, &kept))
                value_push(a, out, kept);
        *ret = out;
        return true;
    }
    *ret = v;
    return true;
}

static void take_patch_value(struct merge *m, value out, str key, value patch)
{
    value kept;
    if (without_directives(m, patch, !m->of_patches, &kept))
        value_set(m->s.a, out, key, kept);
    else
        value_remove(out, key);
}

/* ---- $retainKeys ---- */

static bool list_has(value list, str s)
{
    for (struct value_iter it = value_iter(list); value_next(&it);)
        if (str_eq(value_str(it.val), s))
            return true;
    return false;
}

static int bad_retain_keys(struct merge *m)
{
    return err_set(m->s.err, ERR_INVALID, "invalid patch format of retainKeys");
}

static int retain_keys(struct merge *m, value out, value patch)
{
    value keep = value_get(patch, DIRECTIVE_RETAIN_KEYS);
    if (!value_exists(keep))
        return 0;
    if (m->of_patches) {
        value have = value_get(out, DIRECTIVE_RETAIN_KEYS);
        if (value_exists(have) && !value_identical(have, keep))
            return err_set(m->s.err, ERR_INVALID,
                           "%.*s and %.*s are not deep equal: this may happen when calculating the "
                           "3-way diff patch",
                           STR_FMT(strategic_go_text(m->s.a, have)),
                           STR_FMT(strategic_go_text(m->s.a, keep)));
        value_set(m->s.a, out, DIRECTIVE_RETAIN_KEYS, keep);
        return 0;
    }
    if (!value_is_list(keep))
        return bad_retain_keys(m);
    for (struct value_iter it = value_iter(patch); value_next(&it);) {
        if (value_is_null(it.val) || str_eq(it.key, DIRECTIVE_RETAIN_KEYS) ||
            str_starts(it.key, DIRECTIVE_DELETE_LIST) || str_starts(it.key, DIRECTIVE_ORDER))
            continue;
        if (!list_has(keep, it.key))
            return bad_retain_keys(m);
    }
    for (size_t i = value_len(out); i-- > 0;) {
        str key = value_key(out, i);
        if (!list_has(keep, key))
            value_remove(out, key);
    }
    return 0;
}

/* ---- lists ---- */

static void split_by(struct merge *m, value list, value by, str merge_key, bool maps,
                     value_vec *ret_in, value_vec *ret_out)
{
    struct map index;
    strategic_index(&m->s, by, merge_key, maps, &index);
    for (struct value_iter it = value_iter(list); value_next(&it);) {
        if (map_has(&index, strategic_item_id(m->s.a, it.val, merge_key, maps)))
            vec_push(m->s.a, ret_in, it.val);
        else
            vec_push(m->s.a, ret_out, it.val);
    }
}

/* Put the items of both in one list: relative orders are kept, and where both places in the live
 * list are known they decide. */
static value interleave(struct merge *m, const value_vec *server, const value_vec *patch,
                        value live, str merge_key, bool maps)
{
    struct map index;
    value out = value_new_list(m->s.a);
    size_t i = 0, j = 0;
    strategic_index(&m->s, live, merge_key, maps, &index);
    while (i < server->n || j < patch->n) {
        bool server_first = j == patch->n;
        if (i < server->n && j < patch->n) {
            uintptr_t x = (uintptr_t)map_find(&index, strategic_item_id(m->s.a, server->at[i],
                                                                        merge_key, maps));
            uintptr_t y = (uintptr_t)map_find(&index, strategic_item_id(m->s.a, patch->at[j],
                                                                        merge_key, maps));
            server_first = x && y && x < y;
        }
        value_push(m->s.a, out, server_first ? server->at[i++] : patch->at[j++]);
    }
    return out;
}

/* By which rule items are told apart: those of lists with a merge key by it. What Go calls the kind
 * of the items decides how they are sorted, be there a key or not. */
static int in_order(struct merge *m, value merged, value order, value live, str merge_key,
                    bool maps, value *ret)
{
    value_vec patch = {0}, server = {0};
    bool keyed = merge_key.len > 0;
    if (keyed && maps) {
        int rc = strategic_need_keys(&m->s, merged, merge_key);
        if (rc < 0)
            return rc;
    }
    split_by(m, merged, order, merge_key, keyed, &patch, &server);
    int rc = strategic_sort(&m->s, &patch, order, merge_key, maps);
    if (rc == 0)
        rc = strategic_sort(&m->s, &server, live, merge_key, maps);
    if (rc == 0)
        *ret = interleave(m, &server, &patch, live, merge_key, maps);
    return rc;
}

static value delete_scalars(struct merge *m, value list, value gone)
{
    value_vec in = {0}, out = {0};
    split_by(m, list, gone, STR(""), false, &in, &out);
    return strategic_list(m->s.a, &out);
}

static value union_of_scalars(struct merge *m, value x, value y)
{
    const value side[2] = {x, y};
    struct map seen;
    value out = value_new_list(m->s.a);
    map_init(&seen, m->s.a);
    for (int i = 0; i < 2; i++)
        for (struct value_iter it = value_iter(side[i]); value_next(&it);)
            if (!map_set(&seen, strategic_item_id(m->s.a, it.val, STR(""), false), m))
                value_push(m->s.a, out, it.val);
    return out;
}

/* Carry out items with $patch: *io_live loses what is deleted, *io_patch its special items.
 * *ret_replace: what is left of the patch is the whole list. */
static int special_items(struct merge *m, str merge_key, value *io_live, value *io_patch,
                         bool *ret_replace)
{
    struct strategic *s = &m->s;
    value plain = value_new_list(s->a), gone = value_new_list(s->a);
    for (struct value_iter it = value_iter(*io_patch); value_next(&it);) {
        value directive = value_get(it.val, DIRECTIVE_PATCH);
        str d = value_str(directive);
        if (!value_exists(directive)) {
            value_push(s->a, plain, it.val);
        } else if (str_is(d, "replace")) {
            *ret_replace = true;
        } else if (str_is(d, "delete")) {
            if (!value_exists(value_get(it.val, merge_key)))
                return strategic_no_key(s, it.val, merge_key);
            value_push(s->a, gone, it.val);
        } else if (str_is(d, "merge")) {
            return err_set(s->err, ERR_INVALID,
                           "merging lists cannot yet be specified in the patch");
        } else {
            return err_set(s->err, ERR_INVALID, "unknown patch type: %.*s in map: %.*s",
                           STR_FMT(strategic_go_text(s->a, directive)),
                           STR_FMT(strategic_go_text(s->a, it.val)));
        }
    }
    value_vec in = {0}, kept = {0};
    if (value_len(gone)) {
        split_by(m, *io_live, gone, merge_key, true, &in, &kept);
        *io_live = strategic_list(s->a, &kept);
    }
    *io_patch = plain;
    return 0;
}

static int merge_items(struct merge *m, value live, value patch, const struct strategic_rule *r,
                       value *ret)
{
    struct map index;
    struct arena *a = m->s.a;
    value out = value_new_list(a);
    strategic_index(&m->s, live, r->merge_key, true, &index);
    for (struct value_iter it = value_iter(live); value_next(&it);)
        value_push(a, out, it.val);
    for (struct value_iter it = value_iter(patch); value_next(&it);) {
        if (!value_exists(value_get(it.val, r->merge_key)))
            return strategic_no_key(&m->s, it.val, r->merge_key);
        str id = strategic_item_id(a, it.val, r->merge_key, true);
        uintptr_t place = (uintptr_t)map_find(&index, id);
        value merged = it.val;
        if (place) {
            int rc = merge_maps(m, value_at(out, place - 1), it.val, r->sub, &merged);
            if (rc < 0)
                return rc;
            value_put(a, out, place - 1, merged);
        } else {
            value_push(a, out, merged);
            map_set(&index, id, (void *)(uintptr_t)value_len(out));
        }
    }
    *ret = out;
    return 0;
}

/* First n items of a list. */
static value list_head(struct merge *m, value list, size_t n)
{
    value out = value_new_list(m->s.a);
    for (struct value_iter it = value_iter(list); n-- > 0 && value_next(&it);)
        value_push(m->s.a, out, it.val);
    return out;
}

/* ret_live (or NULL): the live list as the Go code leaves it, because it deletes and appends in
 * place and goes on to use the array as the order of the live object: deleted items are gone and
 * new ones stand in the room they left. */
static int merge_list(struct merge *m, value live, value patch, const struct strategic_rule *r,
                      bool is_delete, value *ret, value *ret_live)
{
    size_t n_live = value_len(live);
    enum value_type type;
    value merged;
    if (!r->merge && !is_delete) {
        *ret = patch;
        return 0;
    }
    if (!value_len(live) && !value_len(patch)) {
        *ret = live;
        return 0;
    }
    int rc = strategic_item_type(&m->s, live, patch, &type);
    if (rc < 0)
        return rc;
    if (type != VALUE_MAP) {
        if (!m->of_patches && is_delete) {
            *ret = delete_scalars(m, live, patch);
            return 0;
        }
        merged = union_of_scalars(m, live, patch);
        return in_order(m, merged, patch, live, r->merge_key, false, ret);
    }
    if (!r->merge_key.len)
        return err_set(m->s.err, ERR_INVALID, "cannot merge lists without merge key for struct");
    bool replaced = false;
    value kept = live;
    rc = special_items(m, r->merge_key, &kept, &patch, &replaced);
    live = replaced ? patch : kept;
    if (replaced)
        patch = value_new_list(m->s.a);
    if (rc == 0)
        rc = merge_items(m, live, patch, r, &merged);
    if (rc == 0 && ret_live)
        *ret_live = replaced ? kept : list_head(m, merged, n_live);
    return rc < 0 ? rc : in_order(m, merged, patch, live, r->merge_key, true, ret);
}

/* ---- $setElementOrder ---- */

static int bad_order(struct merge *m)
{
    return err_set(m->s.err, ERR_INVALID, "invalid patch format of setElementOrder list");
}

/* The patch's items must appear in the order list, in the same relative order. Special items that
 * do not delete are passed over as long as there is something left to compare with. */
static int check_order(struct merge *m, value patch, value order, str merge_key)
{
    bool maps = merge_key.len > 0;
    size_t i = 0, j = 0, n = value_len(patch);
    if (!value_len(order) || !n)
        return 0;
    for (; i < n && j < value_len(order);) {
        value item = value_at(patch, i);
        if (value_exists(value_get(item, DIRECTIVE_PATCH))) {
            i++;
            continue;
        }
        if (maps && !value_exists(value_get(item, merge_key)))
            return strategic_no_key(&m->s, item, merge_key);
        if (maps && !value_exists(value_get(value_at(order, j), merge_key)))
            return strategic_no_key(&m->s, value_at(order, j), merge_key);
        str id = strategic_item_id(m->s.a, item, merge_key, maps);
        i += str_eq(strategic_item_id(m->s.a, value_at(order, j++), merge_key, maps), id);
    }
    while (i < n && maps &&
           str_is(value_str(value_get(value_at(patch, i), DIRECTIVE_PATCH)), "delete"))
        i++;
    if (i == n)
        return 0;
    return err_set(m->s.err, ERR_INVALID,
                   "The order in patch list:\n%.*s\n doesn't match $setElementOrder list:\n%.*s\n",
                   STR_FMT(strategic_go_text(m->s.a, patch)),
                   STR_FMT(strategic_go_text(m->s.a, order)));
}

static int need_list(struct merge *m, value v)
{
    if (!value_exists(v) || value_is_list(v))
        return 0;
    return err_set(m->s.err, ERR_INVALID, "expected a []interface {}, but received a %s",
                   strategic_go_type(v));
}

/* Merge the list named by one $setElementOrder entry; *done lists the fields that need no further
 * work. */
static int merge_ordered(struct merge *m, value out, value patch, str key, value order,
                         const struct kube_schema *schema, struct map *done)
{
    str field = str_from(key, DIRECTIVE_ORDER.len + 1);
    value live = value_get(out, field), list = value_get(patch, field), merged, order_live = live;
    struct strategic_rule r;
    enum value_type type;
    if (m->of_patches) {
        value have = value_get(out, key);
        if (value_exists(have) && !value_identical(have, order))
            return bad_order(m);
        value_set(m->s.a, out, key, order);
    }
    int rc = need_list(m, order);
    if (rc == 0)
        rc = need_list(m, live);
    if (rc == 0)
        rc = need_list(m, list);
    if (rc == 0)
        rc = strategic_rule(&m->s, schema, field, true, &r);
    if (rc == 0)
        rc = check_order(m, list, order, r.merge_key);
    if (rc < 0)
        return rc;
    if (!value_exists(live) && !value_exists(list))
        return 0;
    if (!value_exists(list))
        merged = live;
    else if (!value_exists(live))
        without_directives(m, list, false, &merged);
    else
        rc = merge_list(m, live, list, &r, false, &merged, &order_live);
    if (rc == 0)
        rc = strategic_item_type(&m->s, live, list, &type);
    if (rc == 0)
        rc = in_order(m, merged, order, order_live, r.merge_key, type == VALUE_MAP, &merged);
    if (rc < 0)
        return rc;
    value_set(m->s.a, out, field, merged);
    map_set(done, field, m);
    return 0;
}

/* ---- maps ---- */

static int merge_same_type(struct merge *m, value out, str key, value live, value patch,
                           const struct kube_schema *schema, bool is_delete)
{
    struct strategic_rule r;
    value merged = patch;
    if (value_is_map(patch)) {
        int rc = strategic_rule(&m->s, schema, key, false, &r);
        if (rc == 0 && !r.replace)
            rc = merge_maps(m, live, patch, r.sub, &merged);
        if (rc < 0)
            return rc;
    } else if (value_is_list(patch)) {
        int rc = strategic_rule(&m->s, schema, key, true, &r);
        if (rc == 0)
            rc = merge_list(m, live, patch, &r, is_delete, &merged, NULL);
        if (rc < 0)
            return rc;
    }
    value_set(m->s.a, out, key, merged);
    return 0;
}

static int merge_entry(struct merge *m, value out, str key, value patch,
                       const struct kube_schema *schema)
{
    bool is_delete = str_starts(key, DIRECTIVE_DELETE_LIST);
    if (is_delete && m->of_patches) {
        value_set(m->s.a, out, key, patch);
        return 0;
    }
    if (is_delete && !has_prefix(key, DIRECTIVE_DELETE_LIST))
        return err_set(m->s.err, ERR_INVALID, "invalid patch format of primitive list");
    if (is_delete)
        key = str_from(key, DIRECTIVE_DELETE_LIST.len + 1);
    if (value_is_null(patch)) {
        value_remove(out, key);
        if (!m->of_patches)
            return 0;
    }
    value live = value_get(out, key);
    if (value_exists(live) && value_type(live) == value_type(patch))
        return merge_same_type(m, out, key, live, patch, schema, is_delete);
    if (!is_delete)
        take_patch_value(m, out, key, patch);
    return 0;
}

static int whole_map_directive(struct merge *m, value directive, value patch, value *ret)
{
    str d = value_str(directive);
    value out = value_new_map(m->s.a);
    if (str_is(d, "replace")) {
        for (struct value_iter it = value_iter(patch); value_next(&it);)
            if (!str_eq(it.key, DIRECTIVE_PATCH))
                value_set(m->s.a, out, it.key, it.val);
    } else if (!str_is(d, "delete")) {
        return err_set(m->s.err, ERR_INVALID, "unknown patch type: %.*s in map: %.*s",
                       STR_FMT(strategic_go_text(m->s.a, directive)),
                       STR_FMT(strategic_go_text(m->s.a, patch)));
    }
    *ret = out;
    return 0;
}

static int merge_maps(struct merge *m, value original, value patch,
                      const struct kube_schema *schema, value *ret)
{
    struct map done;
    value directive = value_get(patch, DIRECTIVE_PATCH);
    if (value_exists(directive))
        return whole_map_directive(m, directive, patch, ret);
    value out = value_is_map(original) ? own(m->s.a, original) : value_new_map(m->s.a);
    map_init(&done, m->s.a);
    int rc = retain_keys(m, out, patch);
    for (struct value_iter it = value_iter(patch); rc == 0 && value_next(&it);) {
        if (!str_starts(it.key, DIRECTIVE_ORDER))
            continue;
        rc = has_prefix(it.key, DIRECTIVE_ORDER)
                 ? merge_ordered(m, out, patch, it.key, it.val, schema, &done)
                 : bad_order(m);
    }
    for (struct value_iter it = value_iter(patch); rc == 0 && value_next(&it);)
        if (!str_starts(it.key, DIRECTIVE_ORDER) && !str_eq(it.key, DIRECTIVE_RETAIN_KEYS) &&
            !map_has(&done, it.key))
            rc = merge_entry(m, out, it.key, it.val, schema);
    *ret = out;
    return rc;
}

int strategic_merge_patches(struct strategic *s, value into, value delta,
                            const struct kube_schema *schema, value *ret)
{
    struct merge m = {*s, true};
    return merge_maps(&m, into, delta, schema, ret);
}

int kube_strategic_apply(value original, value patch, const struct kube_schema *schema,
                         struct arena *a, value *ret, struct err *err)
{
    struct merge m = {{a, err}, false};
    value out;
    if (value_exists(patch) && !value_is_map(patch))
        return err_set(err, ERR_INVALID, "invalid JSON document");
    int rc = merge_maps(&m, original, patch, schema, &out);
    if (rc == 0)
        *ret = out;
    return rc;
}
