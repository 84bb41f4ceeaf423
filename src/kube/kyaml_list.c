/* kube/kyaml_list.c: lists that merge by item. How items of both sides find each other has quirks
 * that users see (kustomize.md, 12.2); it follows upstream step by step. */
#include "kube/kyaml_walk.h"

typedef VEC(struct yaml_node *) node_vec;

struct tuple {
    str val[KYAML_KEYS_MAX];
    size_t n;
};

typedef VEC(struct tuple) tuple_vec;

/* ---- elements ---- */

/* A scalar's text when it is no null. */
static str text_of(const struct yaml_node *n) { return kyaml_is_missing(n) ? STR("") : n->text; }

/* Does an item have that text at that key ("": the item itself; a key with "": anything)? */
static int item_has(struct kyaml_walk *w, const struct yaml_node *item, str key, str text,
                    bool *ret)
{
    *ret = false;
    if (kyaml_is_missing(item))
        return 0;
    if (!key.len) {
        *ret = str_eq(text_of(item), text);
        return kyaml_need_kind(w, item, YAML_NODE_SCALAR);
    }
    const struct yaml_node *v = yaml_node_get(item, key);
    *ret = v && (!text.len || str_eq(v->text, text));
    return kyaml_need_kind(w, item, YAML_NODE_MAP);
}

int kyaml_set_element(struct kyaml_walk *w, struct yaml_node *list, struct yaml_node *element,
                      const str *key, size_t n_keys, const str *val, size_t n_vals)
{
    bool of_maps = key[0].len && n_vals && val[0].len, replaced = false;
    node_vec kept = {0};
    for (size_t i = 0; i < list->n_children; i++) {
        struct yaml_node *item = list->child[i];
        bool match = false, found = true;
        if (kyaml_is_empty_map(item))
            continue;
        if (item->kind != YAML_NODE_MAP && of_maps) {
            vec_push(w->a, &kept, item);
            continue;
        }
        for (size_t j = 0; j < n_keys && found; j++) {
            int r = j < n_vals ? item_has(w, item, key[j], val[j], &match) : 0;
            if (r)
                return r;
            found = match;
        }
        replaced = replaced || found;
        if (!found && n_vals)
            vec_push(w->a, &kept, item);
        else if (found && element)
            vec_push(w->a, &kept, element);
    }
    list->child = kept.at;
    list->n_children = kept.n;
    list->cap_children = kept.cap;
    if (!kyaml_is_missing(element) && !replaced)
        yaml_node_push(list, element, w->a);
    return 0;
}

static bool has_all(const struct yaml_node *item, const str *key, const struct tuple *t)
{
    for (size_t j = 0; j < t->n; j++) {
        const struct yaml_node *v = yaml_node_get(item, key[j]);
        if (!v || !str_eq(v->text, t->val[j]))
            return false;
    }
    return true;
}

/* The first item that has all these values; NULL when there is none. */
static struct yaml_node *find_item(const struct yaml_node *list, const str *key,
                                   const struct tuple *t)
{
    for (size_t i = 0; list && list->kind == YAML_NODE_LIST && i < list->n_children; i++) {
        struct yaml_node *item = list->child[i];
        if (!key[0].len
                ? str_eq(item->text, t->val[0])
                : !kyaml_is_missing(item) && item->kind == YAML_NODE_MAP && has_all(item, key, t))
            return item;
    }
    return NULL;
}

/* ---- tuples: the values of an item's keys ---- */

static bool same_tuple(const struct tuple *x, const struct tuple *y)
{
    bool same = x->n == y->n;
    for (size_t i = 0; same && i < x->n; i++)
        same = str_eq(x->val[i], y->val[i]);
    return same;
}

static void add_tuple(struct kyaml_walk *w, tuple_vec *to, const struct tuple *t)
{
    for (size_t i = 0; i < to->n; i++)
        if (same_tuple(&to->at[i], t))
            return;
    vec_push(w->a, to, *t);
}

static str value_of(const struct yaml_node *item, str key)
{
    if (!key.len)
        return item->text;
    const struct yaml_node *v = yaml_node_get(item, key);
    return kyaml_is_missing(v) ? STR("") : v->text;
}

static void collect_tuples(struct kyaml_walk *w, const struct yaml_node *list, const str *key,
                           size_t n_keys, tuple_vec *to)
{
    for (size_t i = 0; list && list->kind == YAML_NODE_LIST && i < list->n_children; i++) {
        struct tuple t = {.n = n_keys};
        for (size_t j = 0; j < n_keys; j++)
            t.val[j] = value_of(list->child[i], key[j]);
        if (n_keys)
            add_tuple(w, to, &t);
    }
}

/* Tuples that agree in one value and differ only where one of them has none are the same. */
static bool merged_tuple(const struct tuple *x, const struct tuple *y, struct tuple *ret)
{
    bool common = false;
    *ret = *x;
    for (size_t i = 0; i < x->n; i++) {
        if (str_eq(x->val[i], y->val[i]))
            common = true;
        else if (x->val[i].len && y->val[i].len)
            return false;
        else if (!x->val[i].len)
            ret->val[i] = y->val[i];
    }
    return common;
}

static void merge_tuples(tuple_vec *v)
{
    for (size_t i = 0; i < v->n; i++) {
        struct tuple of_i = v->at[i], both; /* upstream goes on with the tuple as it was */
        for (size_t j = 0; j < v->n; j++)
            if (merged_tuple(&of_i, &v->at[j], &both))
                v->at[i] = v->at[j] = both;
    }
}

/* The keys for which any of the tuples has a value (none: all of them), and t's values for those.
 */
static size_t valid_keys(const tuple_vec *all, const struct tuple *t, const str *key, str *ret_key,
                         struct tuple *ret)
{
    bool has[KYAML_KEYS_MAX] = {0};
    size_t n = 0;
    for (size_t i = 0; i < all->n; i++)
        for (size_t j = 0; j < t->n; j++)
            has[j] = has[j] || all->at[i].val[j].len;
    for (size_t j = 0; j < t->n; j++)
        if (has[j]) {
            ret->val[n] = t->val[j];
            ret_key[n++] = key[j];
        }
    if (!n)
        for (; n < t->n; n++) {
            ret->val[n] = t->val[n];
            ret_key[n] = key[n];
        }
    ret->n = n;
    return n;
}

/* ---- merging ---- */

/* The values of an item's keys. An item without one of them is put at the end, once for each. */
static int values_of(struct kyaml_walk *w, struct yaml_node *to, struct yaml_node *item,
                     const str *key, size_t n_keys, struct tuple *ret)
{
    ret->n = 0;
    for (size_t j = 0; j < n_keys; j++) {
        int r = kyaml_need_kind(w, item, YAML_NODE_MAP);
        if (r)
            return r;
        const struct yaml_node *v = kyaml_is_missing(item) ? NULL : yaml_node_get(item, key[j]);
        if (v)
            ret->val[ret->n++] = v->text;
        else
            yaml_node_push(to, item, w->a);
    }
    return 0;
}

/* Items of one list after those of the other, each in the place of its like. */
static int append_items(struct kyaml_walk *w, struct yaml_node *to, const struct yaml_node *from,
                        const str *key, size_t n_keys)
{
    size_t n = from->n_children;
    struct yaml_node **items = arena_copy(w->a, from->child, n * sizeof(*items));
    for (size_t i = 0; i < n; i++) {
        struct tuple t;
        int r = 0;
        if (!key[0].len) {
            if ((r = kyaml_set_element(w, to, items[i], key, 1, &items[i]->text, 1)))
                return r;
            continue;
        }
        if ((r = values_of(w, to, items[i], key, n_keys, &t)))
            return r;
        if (n_keys > 1)
            r = kyaml_set_element(w, to, NULL, key, n_keys, t.val, t.n);
        if (r == 0)
            r = kyaml_set_element(w, to, items[i], key, n_keys, t.val, t.n);
        if (r)
            return r;
    }
    return 0;
}

/* The item has its keys; of a list of scalars it is left with its text and style alone. */
static void set_keys(struct kyaml_walk *w, struct yaml_node *v, const str *key,
                     const struct tuple *t)
{
    for (size_t j = 0; j < t->n; j++) {
        if ((v->kind == YAML_NODE_MAP && yaml_node_get(v, key[j])) || !t->val[j].len)
            continue;
        struct yaml_node *text = yaml_node_new(w->a, YAML_NODE_SCALAR, t->val[j]);
        if (v->kind == YAML_NODE_MAP) {
            kyaml_set_field(w, v, key[j], text);
        } else if (!key[j].len && v->kind == YAML_NODE_SCALAR) {
            text->style = v->style;
            *v = *text;
        }
    }
}

/* The item that one tuple stands for, merged, goes to `added`; or its like goes from dest. */
static int merge_item(struct kyaml_walk *w, struct kyaml_known elem, const str *key,
                      const struct tuple *t, struct yaml_node *dest, struct yaml_node *origin,
                      struct yaml_node *added)
{
    str own_key[KYAML_KEYS_MAX];
    struct tuple own;
    tuple_vec alone = {0};
    struct yaml_node *v;
    add_tuple(w, &alone, t);
    valid_keys(&alone, t, key, own_key, &own);
    str path = w->path;
    w->path = STR(""); /* messages inside an item name the way from it */
    int r =
        kyaml_walk(w, elem, find_item(dest, own_key, &own), find_item(origin, own_key, &own), &v);
    w->path = path;
    if (r)
        return r;
    if (kyaml_is_empty_map(v))
        return kyaml_set_element(w, dest, NULL, key, t->n, t->val, t->n);
    set_keys(w, v, key, t);
    return kyaml_set_element(w, added, v, key, t->n, t->val, t->n);
}

int kyaml_merge_items(struct kyaml_walk *w, struct kyaml_known k, const str *key, size_t n_keys,
                      struct yaml_node *origin, struct yaml_node **io_list)
{
    bool append = w->how->append;
    struct kyaml_known elem = kyaml_known_item(k);
    struct yaml_node *dest = *io_list;
    if (dest->n_children + (origin ? origin->n_children : 0) > KYAML_ITEMS_MAX)
        return err_set(w->err, ERR_TOO_LARGE, "line %u: lists of more than %d items merge",
                       dest->line, KYAML_ITEMS_MAX);
    struct yaml_node *added = yaml_node_new(w->a, YAML_NODE_LIST, STR(""));
    tuple_vec tuples = {0};
    str valid[KYAML_KEYS_MAX];
    size_t n_valid = 0;
    collect_tuples(w, append ? dest : origin, key, n_keys, &tuples);
    collect_tuples(w, append ? origin : dest, key, n_keys, &tuples);
    if (n_keys > 1)
        merge_tuples(&tuples);
    for (size_t i = 0; i < tuples.n; i++) {
        struct tuple t;
        n_valid = valid_keys(&tuples, &tuples.at[i], key, valid, &t);
        int r = merge_item(w, elem, valid, &t, dest, origin, added);
        if (r)
            return r;
    }
    if (!tuples.n)
        return 0;
    *io_list = append ? dest : added;
    return append ? append_items(w, dest, added, valid, n_valid)
                  : append_items(w, added, dest, valid, n_valid);
}
