/* kube/strategic_diff.c: make a strategic merge patch.
 *
 * A two-way diff walks both maps. A three-way one is two diffs: what `modified` changes or adds
 * over `current` (deletions ignored) merged over what `modified` removed from `original` (changes
 * ignored). */
#include "kube/strategic.h"
#include "kube/strategic_list.h"

struct diff_options {
    bool set_order, ignore_changes, ignore_deletions, retain_keys;
};

static int diff_maps(struct strategic *s, value original, value modified,
                     const struct kube_schema *schema, struct diff_options o, value *ret);

static bool same_shape(value x, value y)
{
    return value_type(x) == value_type(y) || (value_is_nil(x) && value_is_nil(y));
}

/* ---- lists ---- */

struct keyed {
    str text; /* merge key or scalar as Go prints it */
    value item;
    size_t i;
};

static int by_text(const void *x, const void *y)
{
    const struct keyed *a = x, *b = y;
    int c = str_cmp(a->text, b->text);
    return c ? c : a->i < b->i ? 1 : -1; /* equal ones end up reversed by Go's sort with "<=" */
}

/* Lists are short, and often in order. */
static void sort_keyed(struct keyed *k, size_t n)
{
    if (n > 16) {
        qsort(k, n, sizeof(*k), by_text);
        return;
    }
    for (size_t i = 1; i < n; i++) {
        struct keyed one = k[i];
        size_t j = i;
        for (; j > 0 && by_text(&k[j - 1], &one) > 0; j--)
            k[j] = k[j - 1];
        k[j] = one;
    }
}

static struct keyed *sorted_items(struct strategic *s, value list, str merge_key, bool maps)
{
    struct keyed *k = ARENA_ARRAY(s->a, struct keyed, value_len(list) + 1);
    for (struct value_iter it = value_iter(list); value_next(&it);)
        k[it.i] =
            (struct keyed){strategic_go_text(s->a, maps ? value_get(it.val, merge_key) : it.val),
                           it.val, it.i};
    sort_keyed(k, value_len(list));
    return k;
}

static value sorted_scalars(struct strategic *s, value list)
{
    struct keyed *k = sorted_items(s, list, STR(""), false);
    value out = value_new_list(s->a);
    for (size_t i = 0; i < value_len(list); i++)
        value_push(s->a, out, k[i].item);
    return out;
}

static value delete_directive(struct strategic *s, str merge_key, value key_value)
{
    value m = value_new_map(s->a);
    value_set(s->a, m, DIRECTIVE_PATCH, value_borrow_str(s->a, STR("delete")));
    value_set(s->a, m, merge_key, key_value);
    return m;
}

struct list_diff {
    value_vec patch, deleted;
};

static int diff_pair(struct strategic *s, const struct keyed *x, const struct keyed *y,
                     const struct strategic_rule *r, struct diff_options o, struct list_diff *out)
{
    value patch;
    int rc = diff_maps(s, x->item, y->item, r->sub, o, &patch);
    if (rc < 0 || !value_len(patch))
        return rc;
    value_set(s->a, patch, r->merge_key, value_get(y->item, r->merge_key));
    vec_push(s->a, &out->patch, patch);
    return 0;
}

static int diff_items(struct strategic *s, value original, value modified,
                      const struct strategic_rule *r, struct diff_options o, bool maps,
                      struct list_diff *out)
{
    struct keyed *x = sorted_items(s, original, r->merge_key, maps);
    struct keyed *y = sorted_items(s, modified, r->merge_key, maps);
    size_t i = 0, j = 0, n = value_len(original), m = value_len(modified);
    while (i < n || j < m) {
        if (maps && i < n && !value_exists(value_get(x[i].item, r->merge_key)))
            return strategic_no_key(s, x[i].item, r->merge_key);
        if (maps && j < m && !value_exists(value_get(y[j].item, r->merge_key)))
            return strategic_no_key(s, y[j].item, r->merge_key);
        int c = i == n ? 1 : j == m ? -1 : str_cmp(x[i].text, y[j].text);
        if (c == 0) {
            int rc = maps ? diff_pair(s, &x[i], &y[j], r, o, out) : 0;
            if (rc < 0)
                return rc;
            i++;
            j++;
        } else if (c > 0) {
            if (!o.ignore_changes)
                vec_push(s->a, &out->patch, y[j].item);
            j++;
        } else {
            if (!o.ignore_deletions)
                vec_push(s->a, &out->deleted,
                         maps
                             ? delete_directive(s, r->merge_key, value_get(x[i].item, r->merge_key))
                             : x[i].item);
            i++;
        }
    }
    return 0;
}

static bool same_order(struct strategic *s, value x, value y, str merge_key)
{
    if (value_len(x) != value_len(y))
        return false;
    for (struct value_iter it = value_iter(x), jt = value_iter(y);
         value_next(&it) && value_next(&jt);)
        if (!value_identical(value_get(it.val, merge_key), value_get(jt.val, merge_key)))
            return false;
    return true;
}

static value order_of_maps(struct strategic *s, value list, str merge_key)
{
    value order = value_new_list(s->a);
    for (struct value_iter it = value_iter(list); value_next(&it);) {
        value m = value_new_map(s->a);
        value_set(s->a, m, merge_key, value_get(it.val, merge_key));
        value_push(s->a, order, m);
    }
    return order;
}

static void drop_repeated(struct strategic *s, value_vec *v)
{
    struct map seen;
    size_t n = 0;
    map_init(&seen, s->a);
    for (size_t i = 0; i < v->n; i++)
        if (!map_set(&seen, strategic_item_id(s->a, v->at[i], STR(""), false), v))
            v->at[n++] = v->at[i];
    v->n = n;
}

static void put_list(struct strategic *s, value patch, str prefix, str field, value list)
{
    str key = prefix.len ? ARENA_CAT(s->a, prefix, STR("/"), field) : field;
    if (value_len(list))
        value_set(s->a, patch, key, list);
}

/* What the patch says of a list of scalars that merges, but its order. */
static bool put_scalars(struct strategic *s, str field, value original, value modified,
                        struct diff_options o, struct list_diff *d, value patch)
{
    drop_repeated(s, &d->deleted);
    put_list(s, patch, DIRECTIVE_DELETE_LIST, field, strategic_list(s->a, &d->deleted));
    return (!o.ignore_deletions && d->deleted.n) ||
           (!o.ignore_changes &&
            !value_identical(sorted_scalars(s, original), modified)); /* as Go: sorted in place */
}

static bool order_of_items_matters(struct strategic *s, value original, value modified,
                                   const struct strategic_rule *r, struct diff_options o,
                                   struct list_diff *d)
{
    for (size_t i = 0; i < d->deleted.n; i++)
        vec_push(s->a, &d->patch, d->deleted.at[i]);
    return (!o.ignore_changes &&
            (d->patch.n || !same_order(s, original, modified, r->merge_key))) ||
           (!o.ignore_deletions && d->patch.n);
}

static int diff_merged_list(struct strategic *s, str field, value original, value modified,
                            const struct strategic_rule *r, struct diff_options o, value patch)
{
    struct list_diff d = {0};
    enum value_type type;
    if (!value_len(original)) {
        if (value_len(modified) && !o.ignore_changes)
            value_set(s->a, patch, field, modified);
        return 0;
    }
    int rc = strategic_item_type(s, original, modified, &type);
    if (rc < 0)
        return rc;
    bool maps = type == VALUE_MAP, ordered;
    if (maps && r->merge_key.len && !r->sub->merges_lists && value_same_bytes(original, modified))
        return strategic_need_keys(s, modified, r->merge_key);
    rc = diff_items(s, original, modified, r, o, maps, &d);
    if (rc == 0)
        rc = strategic_sort(s, &d.patch, modified, r->merge_key, maps);
    if (rc < 0)
        return rc;
    ordered = maps ? order_of_items_matters(s, original, modified, r, o, &d)
                   : put_scalars(s, field, original, modified, o, &d, patch);
    put_list(s, patch, STR(""), field, strategic_list(s->a, &d.patch));
    if (o.set_order && ordered)
        put_list(s, patch, DIRECTIVE_ORDER, field,
                 maps ? order_of_maps(s, modified, r->merge_key) : modified);
    return 0;
}

/* ---- maps ---- */

static int diff_list_field(struct strategic *s, str key, value x, value y,
                           const struct kube_schema *schema, struct diff_options o, value patch)
{
    struct strategic_rule r;
    int rc = strategic_rule(s, schema, key, true, &r);
    if (rc < 0)
        return value_identical(x, y) ? 0 : rc;
    o.retain_keys = r.retain_keys;
    if (r.merge)
        return diff_merged_list(s, key, x, y, &r, o, patch);
    if (!o.ignore_changes && !value_identical(x, y))
        value_set(s->a, patch, key, y);
    return 0;
}

static int diff_map_field(struct strategic *s, str key, value x, value y,
                          const struct kube_schema *schema, struct diff_options o, value patch)
{
    struct strategic_rule r;
    value sub;
    int rc = strategic_rule(s, schema, key, false, &r);
    if (rc < 0)
        return value_identical(x, y) ? 0 : rc;
    o.retain_keys = r.retain_keys;
    if (r.replace) {
        if (!o.ignore_changes)
            value_set(s->a, patch, key, y);
        return 0;
    }
    if (!r.sub->merges_lists && value_same_bytes(x, y))
        return 0; /* in lists that merge, equal ones still state an order, or are refused */
    rc = diff_maps(s, x, y, r.sub, o, &sub);
    if (rc == 0 && value_len(sub))
        value_set(s->a, patch, key, sub);
    return rc;
}

static int diff_entry(struct strategic *s, str key, value x, value y,
                      const struct kube_schema *schema, struct diff_options o, value patch)
{
    if (str_eq(key, DIRECTIVE_PATCH) && value_exists(x)) {
        if (!value_is_string(x) || !value_is_string(y))
            return err_set(s->err, ERR_INVALID, "invalid value for special key: $patch");
        if (!value_identical(x, y))
            value_set(s->a, patch, key, y);
        return 0;
    }
    enum value_type type = value_type(x);
    if (type != VALUE_NONE && same_shape(x, y)) {
        if (type < VALUE_LIST && value_same_bytes(x, y))
            return 0;
        if (type == VALUE_MAP)
            return diff_map_field(s, key, x, y, schema, o, patch);
        if (type == VALUE_LIST)
            return diff_list_field(s, key, x, y, schema, o, patch);
        if (o.ignore_changes || value_identical(x, y))
            return 0;
    }
    if (!o.ignore_changes)
        value_set(s->a, patch, key, y);
    return 0;
}

/* Entries of a map that are asked for in nearly its own order: the next one is mostly the one. */
struct follower {
    value map;
    struct value_iter it;
    bool more;
    size_t n_found;
};

static struct follower follow(value map)
{
    struct follower f = {.map = map, .it = value_iter(map)};
    f.more = value_next(&f.it);
    return f;
}

static value follow_to(struct follower *f, str key)
{
    value v;
    if (!f->more || !str_eq(f->it.key, key)) {
        v = value_get(f->map, key);
        if (!value_exists(v))
            return v;
        while (f->more && !str_eq(f->it.key, key))
            f->more = value_next(&f->it);
    } else {
        v = f->it.val;
    }
    f->more = f->more && value_next(&f->it);
    f->n_found++;
    return v;
}

static int diff_maps(struct strategic *s, value original, value modified,
                     const struct kube_schema *schema, struct diff_options o, value *ret)
{
    value patch = value_new_map(s->a);
    value_vec retain = {0};
    struct follower from = follow(original);
    for (struct value_iter it = value_iter(modified); value_next(&it);) {
        if (o.retain_keys && !value_is_null(it.val))
            vec_push(s->a, &retain, value_of_str(s->a, it.key));
        int rc = diff_entry(s, it.key, follow_to(&from, it.key), it.val, schema, o, patch);
        if (rc < 0)
            return rc;
    }
    bool removed = from.n_found < value_len(original);
    struct follower to = follow(modified);
    for (struct value_iter it = value_iter(original);
         removed && !o.ignore_deletions && value_next(&it);)
        if (!value_exists(follow_to(&to, it.key)))
            value_set(s->a, patch, it.key, value_null(s->a));
    if (retain.n && (value_len(patch) || removed))
        value_set(s->a, patch, DIRECTIVE_RETAIN_KEYS,
                  sorted_scalars(s, strategic_list(s->a, &retain)));
    *ret = patch;
    return 0;
}

int kube_strategic_diff(value original, value modified, const struct kube_schema *schema,
                        struct arena *a, value *ret, struct err *err)
{
    struct strategic s = {a, err};
    return diff_maps(&s, original, modified, schema, (struct diff_options){.set_order = true}, ret);
}

int kube_strategic_diff3(value original, value modified, value current,
                         const struct kube_schema *schema, struct arena *a, value *ret,
                         struct err *err)
{
    struct strategic s = {a, err};
    value delta, deletions;
    int rc = diff_maps(&s, current, modified, schema,
                       (struct diff_options){.ignore_deletions = true, .set_order = true}, &delta);
    if (rc == 0)
        rc =
            diff_maps(&s, original, modified, schema,
                      (struct diff_options){.ignore_changes = true, .set_order = true}, &deletions);
    return rc < 0 ? rc : strategic_merge_patches(&s, deletions, delta, schema, ret);
}
