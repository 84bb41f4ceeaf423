/* kube/fieldset_typed.c: values of declared types as sets of paths: which paths a value sets, what
 * an update changed, merging, what is left when paths are removed. */
#include "kube/fieldset.h"

#include "base/map.h"
#include "value/json.h"

/* ---- sets of values ---- */

static bool is_separable_list(const struct kube_schema *s)
{
    return s && s->type == KUBE_LIST && s->list != KUBE_LIST_ATOMIC;
}

/* Objects without a declared type are separable maps with atomic lists. */
static bool is_separable_map(const struct kube_schema *s, bool granular)
{
    if (!s || s->type == KUBE_ANY)
        return true;
    if (s->type == KUBE_STRUCT || s->type == KUBE_MAP)
        return granular || !s->atomic;
    return s->type == KUBE_ANY_MAP && s->preserve_unknown;
}

static bool is_granular(const struct kube_schema *s, str key)
{
    const struct kube_field *f = s && s->type == KUBE_STRUCT ? kube_schema_field(s, key) : NULL;
    return f && f->granular;
}

static str field_element(struct arena *a, str name) { return ARENA_CAT(a, STR("f:"), name); }

static value key_value(struct arena *a, const struct kube_schema *item_type, value item, str key)
{
    value v = value_get(item, key);
    const struct kube_field *f = !value_exists(v) && item_type && item_type->type == KUBE_STRUCT
                                     ? kube_schema_field(item_type, key)
                                     : NULL;
    str missing = !f ? STR("") : f->default_json.len ? f->default_json : f->zero_json;
    if (missing.len && json_parse(missing, NULL, a, &v, NULL) < 0)
        v = VALUE_ABSENT;
    return v;
}

str fieldset_item_element(struct arena *a, const struct kube_schema *list, value item, size_t i)
{
    if (list->list == KUBE_LIST_SET)
        return ARENA_CAT(a, STR("v:"),
                         json_str(a, item, AUDIENCE_WIRE, JSON_NO_HTML | JSON_CANONICAL_NUMBERS));
    if (list->list != KUBE_LIST_MAP)
        return arena_printf(a, "i:%zu", i);
    value keys = value_new_map(a);
    str rest = list->keys, key;
    while (rest.len && str_next(&rest, ',', &key)) {
        value v = key_value(a, list->elem, item, key);
        if (value_exists(v))
            value_set(a, keys, key, v);
    }
    return ARENA_CAT(a, STR("k:"),
                     json_str(a, keys, AUDIENCE_WIRE,
                              JSON_SORT_KEYS | JSON_NO_HTML | JSON_CANONICAL_NUMBERS));
}

/* How often each element is in a list that should have it once. */
static void count_items(struct arena *a, const struct kube_schema *s, value list, struct map *ret)
{
    map_init(ret, a);
    for (struct value_iter it = value_iter(list); value_next(&it);) {
        str e = fieldset_item_element(a, s, it.val, it.i);
        map_set(ret, e, (void *)((uintptr_t)map_find(ret, e) + 1));
    }
}

static size_t counted(const struct map *count, str element)
{
    return (uintptr_t)map_find(count, element);
}

static void collect(value v, const struct kube_schema *s, bool granular, struct arena *a,
                    struct fieldset *parent, str element);

static void collect_map(value v, const struct kube_schema *s, struct arena *a,
                        struct fieldset *child)
{
    for (struct value_iter it = value_iter(v); value_next(&it);) {
        str e = field_element(a, it.key);
        collect(it.val, kube_schema_child(s, it.key), is_granular(s, it.key), a, child, e);
        bool declared = s && s->type == KUBE_STRUCT && kube_schema_field(s, it.key);
        if (value_is_null(it.val) || (value_is_map(it.val) && !value_len(it.val)) || !declared)
            fieldset_insert(a, child, e)->member = true;
    }
}

static void collect_list(value v, const struct kube_schema *s, struct arena *a,
                         struct fieldset *child)
{
    struct map count;
    count_items(a, s, v, &count);
    for (struct value_iter it = value_iter(v); value_next(&it);) {
        if (s->list == KUBE_LIST_MAP && !value_is_map(it.val)) {
            fieldset_insert(a, child, STR("i:-1"))->member =
                true; /* an item, though it has no key */
            continue;
        }
        str e = fieldset_item_element(a, s, it.val, it.i);
        if (counted(&count, e) == 1) /* of items with one key none is looked into */
            collect(it.val, s->elem, false, a, child, e);
        fieldset_insert(a, child, e)->member = true;
    }
}

static void collect(value v, const struct kube_schema *s, bool granular, struct arena *a,
                    struct fieldset *parent, str element)
{
    struct fieldset *child = fieldset_new(a);
    bool map = value_is_map(v) && is_separable_map(s, granular),
         list = value_is_list(v) && is_separable_list(s);
    bool container = s && (s->type == KUBE_STRUCT || s->type == KUBE_MAP || s->type == KUBE_LIST);
    bool member = !map && !list && !(container && value_is_null(v));
    if (map)
        collect_map(v, s, a, child);
    else if (list)
        collect_list(v, s, a, child);
    if (!member && !child->n)
        return;
    struct fieldset_entry *e = fieldset_insert(a, parent, element);
    e->member = e->member || member;
    e->child = child->n ? child : e->child;
}

struct fieldset *fieldset_of(value v, const struct kube_schema *s, struct arena *a)
{
    struct fieldset root = {0};
    collect(v, s, true, a, &root, STR("f:"));
    return root.n && root.at[0].child ? root.at[0].child : fieldset_new(a);
}

/* ---- comparing ---- */

struct compare {
    struct arena *a;
};

static void compare(struct compare *c, value x, value y, const struct kube_schema *s, bool granular,
                    struct fieldset_comparison *level, str element);

static struct fieldset *child_of(struct arena *a, struct fieldset *s, str element)
{
    struct fieldset_entry *e = fieldset_insert(a, s, element);
    if (!e->child)
        e->child = fieldset_new(a);
    return e->child;
}

static void compare_maps(struct compare *c, value x, value y, const struct kube_schema *s,
                         struct fieldset_comparison *below)
{
    for (struct value_iter it = value_iter(x); value_next(&it);) {
        value other = value_get(y, it.key);
        if (!value_same_place(it.val, other)) /* most of an object is not touched by a patch */
            compare(c, it.val, other, kube_schema_child(s, it.key), is_granular(s, it.key), below,
                    field_element(c->a, it.key));
    }
    for (struct value_iter it = value_iter(y); value_next(&it);)
        if (!value_exists(value_get(x, it.key)))
            compare(c, VALUE_ABSENT, it.val, kube_schema_child(s, it.key), is_granular(s, it.key),
                    below, field_element(c->a, it.key));
}

static void index_items(struct arena *a, const struct kube_schema *s, value list, struct map *ret)
{
    map_init(ret, a);
    for (struct value_iter it = value_iter(list); value_next(&it);) {
        str e = fieldset_item_element(a, s, it.val, it.i);
        if (!map_has(ret, e))
            map_set(ret, e, (void *)(uintptr_t)(it.i + 1));
    }
}

static value indexed(value list, const struct map *m, str element)
{
    uintptr_t i = (uintptr_t)map_find(m, element);
    return i ? value_at(list, i - 1) : VALUE_ABSENT;
}

struct compared_lists {
    value x, y;
    const struct kube_schema *s;
    struct map mx, my, nx, ny; /* first places and counts by element */
};

static bool same_items(struct compare *c, const struct compared_lists *l, str e)
{
    size_t i = 0, j = 0;
    if (counted(&l->nx, e) != counted(&l->ny, e))
        return false;
    for (; i < value_len(l->x); i++) {
        if (!str_eq(fieldset_item_element(c->a, l->s, value_at(l->x, i), i), e))
            continue;
        while (!str_eq(fieldset_item_element(c->a, l->s, value_at(l->y, j), j), e))
            j++;
        if (!value_equal(value_at(l->x, i), value_at(l->y, j++)))
            return false;
    }
    return true;
}

/* Items with the same key, on one side or on both, are compared as one. */
static void compare_items(struct compare *c, const struct compared_lists *l, str e,
                          struct fieldset_comparison *below)
{
    size_t nx = counted(&l->nx, e), ny = counted(&l->ny, e);
    value x = indexed(l->x, &l->mx, e), y = indexed(l->y, &l->my, e);
    if (nx <= 1 && ny <= 1) {
        compare(c, x, y, l->s->elem, false, below, e);
    } else if (nx >= 2 && ny >= 2) {
        if (!same_items(c, l, e))
            fieldset_insert(c->a, below->modified, e)->member = true;
    } else if (nx >= 2) {
        if (ny)
            compare(c, VALUE_ABSENT, y, l->s->elem, false, below, e);
        fieldset_insert(c->a, below->removed, e)->member = true;
    } else {
        if (nx)
            compare(c, x, VALUE_ABSENT, l->s->elem, false, below, e);
        fieldset_insert(c->a, below->added, e)->member = true;
    }
}

static void compare_lists(struct compare *c, value x, value y, const struct kube_schema *s,
                          struct fieldset_comparison *below)
{
    struct compared_lists l = {.x = x, .y = y, .s = s};
    str e;
    index_items(c->a, s, x, &l.mx);
    index_items(c->a, s, y, &l.my);
    count_items(c->a, s, x, &l.nx);
    count_items(c->a, s, y, &l.ny);
    for (size_t i = 0; map_next(&l.mx, &i, &e, NULL);)
        compare_items(c, &l, e, below);
    for (size_t i = 0; map_next(&l.my, &i, &e, NULL);)
        if (!map_has(&l.mx, e))
            compare_items(c, &l, e, below);
}

enum shape { LEAF, MAPS, LISTS };

/* How two values are compared: item by item when both can be, else as one. */
static enum shape shape_of(value x, value y, const struct kube_schema *s, bool granular)
{
    bool maps = (value_is_map(x) || value_is_map(y)) && is_separable_map(s, granular);
    bool lists = (value_is_list(x) || value_is_list(y)) && is_separable_list(s);
    const value side[2] = {x, y};
    if (!value_len(x) && !value_len(y))
        return LEAF;
    for (int i = 0; i < 2; i++)
        if (!value_is_nil(side[i]) &&
            ((maps && !value_is_map(side[i])) || (lists && !value_is_list(side[i]))))
            return LEAF; /* the kind of value changed */
    return maps ? MAPS : lists ? LISTS : LEAF;
}

static void compare(struct compare *c, value x, value y, const struct kube_schema *s, bool granular,
                    struct fieldset_comparison *level, str element)
{
    enum shape shape = shape_of(x, y, s, granular);
    if (shape != LEAF) {
        struct fieldset_comparison below = {child_of(c->a, level->removed, element),
                                            child_of(c->a, level->modified, element),
                                            child_of(c->a, level->added, element)};
        if (shape == MAPS)
            compare_maps(c, x, y, s, &below);
        else
            compare_lists(c, x, y, s, &below);
    }
    if (!value_exists(x))
        fieldset_insert(c->a, level->added, element)->member = true;
    else if (!value_exists(y))
        fieldset_insert(c->a, level->removed, element)->member = true;
    else if (shape == LEAF && !value_equal(x, y))
        fieldset_insert(c->a, level->modified, element)->member = true;
    fieldset_drop_empty(level->removed, element);
    fieldset_drop_empty(level->modified, element);
    fieldset_drop_empty(level->added, element);
}

void fieldset_compare(value old, value now, const struct kube_schema *s, struct arena *a,
                      struct fieldset_comparison *ret)
{
    struct compare c = {a};
    *ret = (struct fieldset_comparison){fieldset_new(a), fieldset_new(a), fieldset_new(a)};
    compare_maps(&c, old, now, s, ret);
}

/* ---- merging ---- */

static value merge(value x, value y, const struct kube_schema *s, bool granular, struct arena *a);

static value merge_maps(value x, value y, const struct kube_schema *s, struct arena *a)
{
    value out = value_new_map(a);
    for (struct value_iter it = value_iter(x); value_next(&it);) {
        value other = value_get(y, it.key);
        value_set(a, out, it.key,
                  value_exists(other) ? merge(it.val, other, kube_schema_child(s, it.key),
                                              is_granular(s, it.key), a)
                                      : it.val);
    }
    for (struct value_iter it = value_iter(y); value_next(&it);)
        if (!value_exists(value_get(x, it.key)))
            value_set(a, out, it.key, it.val);
    return out;
}

struct list_merge {
    struct arena *a;
    const struct kube_schema *s;
    value x, y;
    str *ex, *ey; /* elements by place */
    struct map mx, my, nx, done;
    size_t shared; /* place in y of the next item that both have; n: none */
};

static void next_shared(struct list_merge *m, size_t from)
{
    size_t n = value_len(m->y);
    m->shared = from;
    while (m->shared < n && !map_has(&m->mx, m->ey[m->shared]))
        m->shared++;
}

static value merge_item(struct list_merge *m, str e)
{
    value x = indexed(m->x, &m->mx, e), y = indexed(m->y, &m->my, e);
    map_set(&m->done, e, m);
    if (counted(&m->nx, e) > 1)
        return y; /* which of them would it be? */
    return value_exists(x) ? merge(x, y, m->s->elem, false, m->a) : y;
}

static str *elements(struct arena *a, const struct kube_schema *s, value list)
{
    str *e = ARENA_ARRAY(a, str, value_len(list) + 1);
    for (struct value_iter it = value_iter(list); value_next(&it);)
        e[it.i] = fieldset_item_element(a, s, it.val, it.i);
    return e;
}

/* Items keep the relative order of the configuration; what only the live list has stays where its
 * neighbours are. */
static value merge_lists(value x, value y, const struct kube_schema *s, struct arena *a)
{
    struct list_merge m =
        {.a = a, .s = s, .x = x, .y = y, .ex = elements(a, s, x), .ey = elements(a, s, y)};
    size_t i = 0, j = 0, n = value_len(x), k = value_len(y);
    value out = value_new_list(a);
    index_items(a, s, x, &m.mx);
    index_items(a, s, y, &m.my);
    count_items(a, s, x, &m.nx);
    map_init(&m.done, a);
    next_shared(&m, 0);
    while (i < n || j < k) {
        if (i < n && j < k) {
            if (str_eq(m.ex[i], m.ey[j])) {
                value_push(a, out, merge_item(&m, m.ey[j]));
                i++;
                j++;
                next_shared(&m, MAX_OF(m.shared + 1, j));
                continue;
            }
            if (map_has(&m.my, m.ex[i]) && m.shared < k && !str_eq(m.ey[m.shared], m.ex[i])) {
                i++;
                continue;
            }
        }
        if (i < n && !map_has(&m.my, m.ex[i])) {
            value_push(a, out, value_at(x, i++));
            continue;
        }
        if (i < n && map_has(&m.done, m.ex[i]))
            i++;
        if (j < k) {
            bool was_shared = j == m.shared;
            value_push(a, out, merge_item(&m, m.ey[j]));
            j++;
            if (was_shared)
                next_shared(&m, j);
        }
    }
    return out;
}

static value merge(value x, value y, const struct kube_schema *s, bool granular, struct arena *a)
{
    bool map = value_is_map(x) && is_separable_map(s, granular),
         list = value_is_list(x) && is_separable_list(s);
    if (map && value_is_map(y))
        return merge_maps(x, y, s, a);
    if (list && value_is_list(y))
        return merge_lists(x, y, s, a);
    if ((map || list) && value_len(x) && value_is_null(y))
        return x; /* null adds nothing to what is merged by item */
    return y;
}

value fieldset_merge(value live, value config, const struct kube_schema *s, struct arena *a)
{
    return merge_maps(live, config, s, a);
}

/* ---- changed types ---- */

static bool is_atomic(const struct kube_schema *s, bool granular)
{
    if (!s)
        return false;
    if (s->type == KUBE_LIST)
        return s->list == KUBE_LIST_ATOMIC;
    return (s->type == KUBE_STRUCT || s->type == KUBE_MAP) && s->atomic && !granular;
}

struct fieldset *fieldset_reconcile(struct arena *a, const struct fieldset *set,
                                    const struct kube_schema *s)
{
    struct fieldset *out = fieldset_new(a);
    for (size_t i = 0; set && i < set->n; i++) {
        const struct fieldset_entry *e = &set->at[i];
        str name = str_from(e->element, 2);
        bool field = e->element.at[0] == 'f', granular = field && is_granular(s, name);
        const struct kube_schema *below = field                       ? kube_schema_child(s, name)
                                          : s && s->type == KUBE_LIST ? s->elem
                                                                      : NULL;
        struct fieldset_entry *to = fieldset_insert(a, out, e->element);
        *to = *e;
        if (!e->child)
            continue;
        if (is_atomic(below, granular)) {
            to->member = true; /* one owner for the whole */
            to->child = NULL;
        } else {
            to->child = fieldset_reconcile(a, e->child, below);
        }
    }
    return out;
}

/* ---- removing ---- */

struct fieldset *fieldset_with_named(struct arena *a, const struct fieldset *set,
                                     const struct kube_schema *s)
{
    struct fieldset *out = fieldset_new(a);
    for (size_t i = 0; set && i < set->n; i++) {
        const struct fieldset_entry *e = &set->at[i];
        str name = str_from(e->element, 2);
        const struct kube_schema *below = NULL;
        bool field = e->element.at[0] == 'f', named;
        if (field)
            below = kube_schema_child(s, name);
        else if (e->element.at[0] == 'k' && s && s->type == KUBE_LIST)
            below = s->elem;
        named = field && s && s->type == KUBE_STRUCT && kube_schema_field(s, name);
        struct fieldset_entry *to = fieldset_insert(a, out, e->element);
        to->member = e->member || (e->child && named);
        to->child = e->child ? fieldset_with_named(a, e->child, below) : NULL;
    }
    return out;
}

static value remove_items(value v, const struct fieldset *gone, const struct kube_schema *s,
                          bool granular, struct arena *a);

/* What stays of the value at an element: false when nothing does. */
static bool stays(const struct fieldset *gone, str element, value *io, const struct kube_schema *s,
                  bool granular, struct arena *a)
{
    const struct fieldset_entry *e = fieldset_find(gone, element);
    if (!e)
        return true;
    if (e->member)
        return false;
    if (!fieldset_is_empty(e->child))
        *io = remove_items(*io, e->child, s, granular, a);
    return true;
}

/* A container of which nothing is left is null, as upstream leaves it; what is atomic is removed
 * as a whole. */
static value remove_items(value v, const struct fieldset *gone, const struct kube_schema *s,
                          bool granular, struct arena *a)
{
    bool map = value_is_map(v);
    if (!map && !value_is_list(v))
        return v;
    bool separable = map ? is_separable_map(s, granular) : is_separable_list(s);
    value out = map ? value_new_map(a) : value_new_list(a);
    for (struct value_iter it = value_iter(v); separable && value_next(&it);) {
        str e = map ? field_element(a, it.key) : fieldset_item_element(a, s, it.val, it.i);
        value kept = it.val;
        if (!stays(gone, e, &kept, map ? kube_schema_child(s, it.key) : s->elem,
                   map && is_granular(s, it.key), a))
            continue;
        if (map)
            value_set(a, out, it.key, kept);
        else
            value_push(a, out, kept);
    }
    return value_len(out) ? out : value_null(a);
}

value fieldset_remove_items(value v, const struct fieldset *gone, const struct kube_schema *s,
                            struct arena *a)
{
    return remove_items(v, gone, s, true, a);
}
