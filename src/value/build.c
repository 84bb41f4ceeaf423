/* value/build.c: making and changing building nodes. */
#include <assert.h>

#include "base/digest.h"
#include "value/doc.h"
#include "value/node.h"

static value new_node(struct arena *a, enum value_type type)
{
    struct node *n = ARENA_NEW(a, struct node);
    n->type = (uint8_t)type;
    return (value){NULL, (uintptr_t)n};
}

value value_null(struct arena *a) { return new_node(a, VALUE_NULL); }

value value_of_bool(struct arena *a, bool b)
{
    value v = new_node(a, VALUE_BOOL);
    node_of(v)->b = b;
    return v;
}

value value_of_int(struct arena *a, int64_t i)
{
    value v = new_node(a, VALUE_INT);
    node_of(v)->number.i = i;
    return v;
}

value value_of_uint(struct arena *a, uint64_t u)
{
    value v = new_node(a, u <= INT64_MAX ? VALUE_INT : VALUE_UINT);
    node_of(v)->number.u = u;
    return v;
}

value value_of_double(struct arena *a, double d)
{
    value v = new_node(a, VALUE_DOUBLE);
    node_of(v)->number.d = d;
    return v;
}

value value_of_str(struct arena *a, str s) { return value_borrow_str(a, arena_str(a, s)); }

value value_borrow_str(struct arena *a, str s)
{
    value v = new_node(a, VALUE_STRING);
    node_of(v)->s.text = s;
    return v;
}

static value new_container(struct arena *a, enum value_type type)
{
    value v = new_node(a, type);
    node_of(v)->c.arena = a;
    return v;
}

value value_new_map(struct arena *a) { return new_container(a, VALUE_MAP); }

value value_new_list(struct arena *a) { return new_container(a, VALUE_LIST); }

/* ---- holding documents ---- */

static void drop_doc(void *arg) { doc_unref(arg); }

static value held(struct arena *a, value v)
{
    if (v.doc && !arena_is_hooked(a, drop_doc, v.doc, 4))
        arena_on_done(a, drop_doc, doc_ref(v.doc));
    return v;
}

void value_hold(struct arena *a, value v) { held(a, v); }

/* ---- maps ---- */

static struct node *building(value v, enum value_type type)
{
    assert(!v.doc && v.at && node_of(v)->type == type &&
           "only a building container can be changed");
    return node_of(v);
}

static void grow(struct arena *a, struct node *c, size_t item_bytes)
{
    if (c->c.n < c->c.cap)
        return;
    uint32_t cap = c->c.cap ? c->c.cap * 2 : 4;
    assert(cap > c->c.cap);
    c->c.item = arena_grow(a, c->c.item, c->c.cap * item_bytes, cap * item_bytes);
    c->c.cap = cap;
}

/* Append without looking for an older entry; key is kept, not copied. */
static void append_entry(struct arena *a, struct node *m, str key, value child)
{
    grow(a, m, sizeof(struct node_entry));
    uint32_t i = m->c.n++;
    m->c.entry[i] = (struct node_entry){key, child};
    if (!m->c.slot_valid)
        return;
    if ((size_t)m->c.n * 4 > (size_t)m->c.n_slots * 3) {
        m->c.slot_valid = false;
        return;
    }
    uint32_t s = (uint32_t)hash64(key) & (m->c.n_slots - 1);
    while (m->c.slot[s])
        s = (s + 1) & (m->c.n_slots - 1);
    m->c.slot[s] = i + 1;
}

void value_set_borrow_key(struct arena *a, value map, str key, value child)
{
    struct node *m = building(map, VALUE_MAP);
    ptrdiff_t i = node_find(m, key);
    if (i >= 0)
        m->c.entry[i].val = held(a, child);
    else
        append_entry(a, m, key, held(a, child));
}

void value_set(struct arena *a, value map, str key, value child)
{
    struct node *m = building(map, VALUE_MAP);
    if (!value_exists(child)) {
        value_remove(map, key);
        return;
    }
    ptrdiff_t i = node_find(m, key);
    if (i >= 0)
        m->c.entry[i].val = held(a, child);
    else
        append_entry(a, m, arena_str(a, key), held(a, child));
}

void value_set_str(struct arena *a, value map, const char *key, str text)
{
    value_set(a, map, str_of(key), value_of_str(a, text));
}

bool value_remove(value map, str key)
{
    struct node *m = building(map, VALUE_MAP);
    ptrdiff_t i = node_find(m, key);
    if (i < 0)
        return false;
    size_t behind = m->c.n - (size_t)i - 1;
    memmove(m->c.entry + i, m->c.entry + i + 1, behind * sizeof(*m->c.entry));
    m->c.n--;
    m->c.slot_valid = false;
    return true;
}

value value_edit(struct arena *a, value v)
{
    enum value_type t = value_type(v);
    if (!v.doc && t >= VALUE_LIST)
        return v;
    value copy;
    switch (t) {
    case VALUE_NONE: return v;
    case VALUE_LIST:
    case VALUE_MAP: copy = new_container(a, t); break;
    default: return value_copy(a, v);
    }
    struct node *c = node_of(copy);
    size_t n = value_len(v);
    assert(n <= UINT32_MAX / 2);
    held(a, v);
    c->c.cap = (uint32_t)n + (n < 8 ? 2 : 0);
    if (t == VALUE_MAP)
        c->c.entry = ARENA_ARRAY(a, struct node_entry, c->c.cap);
    else
        c->c.item = ARENA_ARRAY(a, value, c->c.cap);
    for (struct value_iter it = value_iter(v); value_next(&it); c->c.n++)
        if (t == VALUE_MAP)
            c->c.entry[it.i] = (struct node_entry){it.key, it.val};
        else
            c->c.item[it.i] = it.val;
    c->pos = value_pos(v);
    c->flags = value_is_sensitive(v) ? NODE_SENSITIVE : 0;
    return copy;
}

static value copy_scalar(struct arena *a, value v)
{
    value copy;
    str literal = value_literal(v);
    switch (value_type(v)) {
    case VALUE_BOOL: copy = value_of_bool(a, value_bool(v)); break;
    case VALUE_INT: copy = value_of_int(a, value_int(v)); break;
    case VALUE_UINT: copy = value_of_uint(a, value_uint(v)); break;
    case VALUE_DOUBLE: copy = value_of_double(a, value_double(v)); break;
    case VALUE_STRING:
        copy = value_of_str(a, value_str(v));
        if (!v.doc)
            node_of(copy)->s.tag = node_of(v)->s.tag;
        break;
    default: copy = value_null(a);
    }
    if (literal.len)
        node_of(copy)->number.literal = arena_str(a, literal);
    if (!v.doc)
        node_of(copy)->style = node_of(v)->style;
    return copy;
}

value value_copy(struct arena *a, value v)
{
    enum value_type t = value_type(v);
    if (t == VALUE_NONE)
        return v;
    value copy = t >= VALUE_LIST ? new_container(a, t) : copy_scalar(a, v);
    node_of(copy)->pos = value_pos(v);
    node_of(copy)->flags = value_is_sensitive(v) ? NODE_SENSITIVE : 0;
    node_of(copy)->style = (uint8_t)value_style(v);
    for (struct value_iter it = value_iter(v); value_next(&it);)
        if (t == VALUE_MAP)
            append_entry(a, node_of(copy), arena_str(a, it.key), value_copy(a, it.val));
        else
            value_push(a, copy, value_copy(a, it.val));
    return copy;
}

value value_fork(struct arena *a, value v)
{
    enum value_type t = value_type(v);
    if (v.doc || t < VALUE_LIST)
        return held(a, v);
    const struct node *from = node_of(v);
    value fork = new_container(a, t);
    struct node *to = node_of(fork);
    to->pos = from->pos;
    to->flags = from->flags;
    to->style = from->style;
    to->c.n = to->c.cap = from->c.n;
    if (t == VALUE_MAP)
        to->c.entry = arena_copy(a, from->c.entry, from->c.n * sizeof(*from->c.entry));
    else
        to->c.item = arena_copy(a, from->c.item, from->c.n * sizeof(*from->c.item));
    for (uint32_t i = 0; i < to->c.n; i++) {
        value *child = t == VALUE_MAP ? &to->c.entry[i].val : to->c.item + i;
        *child = value_fork(a, *child);
    }
    return fork;
}

static value thawed(struct arena *a, value v)
{
    enum value_type t = value_type(v);
    if (t < VALUE_LIST)
        return v;
    value thaw = new_container(a, t);
    struct node *c = node_of(thaw);
    uint32_t n = (uint32_t)value_len(v);
    c->pos = value_pos(v);
    c->flags = value_is_sensitive(v) ? NODE_SENSITIVE : 0;
    c->c.cap = n;
    if (t == VALUE_MAP)
        c->c.entry = arena_alloc(a, n * sizeof(*c->c.entry));
    else
        c->c.item = arena_alloc(a, n * sizeof(*c->c.item));
    for (struct value_iter it = value_iter(v); value_next(&it);) {
        value child = thawed(a, it.val);
        ptrdiff_t i = t == VALUE_MAP ? node_find(c, it.key) : -1;
        if (i >= 0)
            c->c.entry[i].val = child;
        else if (t == VALUE_MAP)
            append_entry(a, c, it.key, child);
        else
            c->c.item[c->c.n++] = child;
    }
    return thaw;
}

value value_thaw(struct arena *a, value v)
{
    if (!v.doc) /* building parts may borrow from several documents, which a holds already */
        return value_copy(a, v);
    return thawed(a, held(a, v));
}

static value edit_child(struct arena *a, value map, str key, enum value_type type)
{
    value child = value_get(map, key);
    if (value_type(child) != type)
        child = new_container(a, type);
    else if (!child.doc)
        return child;
    else
        child = value_edit(a, child);
    value_set(a, map, key, child);
    return child;
}

value value_edit_map(struct arena *a, value map, str key)
{
    return edit_child(a, map, key, VALUE_MAP);
}

value value_edit_list(struct arena *a, value map, str key)
{
    return edit_child(a, map, key, VALUE_LIST);
}

void value_set_path(struct arena *a, value root, const char *dotted, value child)
{
    str rest = str_of(dotted), piece;
    str_next(&rest, '.', &piece);
    for (str next; str_next(&rest, '.', &next); piece = next) {
        if (!value_exists(child) && !value_is_map(value_get(root, piece)))
            return; /* nothing to remove below */
        root = value_edit_map(a, root, piece);
    }
    value_set(a, root, piece, child);
}

/* ---- lists ---- */

void value_push(struct arena *a, value list, value child)
{
    struct node *l = building(list, VALUE_LIST);
    assert(value_exists(child));
    grow(a, l, sizeof(value));
    l->c.item[l->c.n++] = held(a, child);
}

void value_insert(struct arena *a, value list, size_t i, value child)
{
    struct node *l = building(list, VALUE_LIST);
    assert(i <= l->c.n && value_exists(child));
    grow(a, l, sizeof(value));
    memmove(l->c.item + i + 1, l->c.item + i, (l->c.n - i) * sizeof(value));
    l->c.item[i] = held(a, child);
    l->c.n++;
}

void value_put(struct arena *a, value list, size_t i, value child)
{
    struct node *l = building(list, VALUE_LIST);
    assert(i < l->c.n && value_exists(child));
    l->c.item[i] = held(a, child);
}

void value_remove_at(value list, size_t i)
{
    struct node *l = building(list, VALUE_LIST);
    assert(i < l->c.n);
    memmove(l->c.item + i, l->c.item + i + 1, (l->c.n - i - 1) * sizeof(value));
    l->c.n--;
}

/* ---- order and marks ---- */

static int by_key(const void *a, const void *b)
{
    return str_cmp(((const struct node_entry *)a)->key, ((const struct node_entry *)b)->key);
}

static value sorted_deep(struct arena *a, value v)
{
    if (value_type(v) < VALUE_LIST)
        return v;
    v = value_edit(a, v);
    struct node *c = node_of(v);
    if (c->type == VALUE_MAP) {
        value_sort_keys(a, v, true);
        return v;
    }
    for (uint32_t i = 0; i < c->c.n; i++)
        c->c.item[i] = sorted_deep(a, c->c.item[i]);
    return v;
}

void value_sort_keys(struct arena *a, value map, bool deep)
{
    if (!map.doc && value_is_list(map)) {
        if (deep)
            sorted_deep(a, map);
        return;
    }
    struct node *m = building(map, VALUE_MAP);
    if (m->c.n)
        qsort(m->c.entry, m->c.n, sizeof(*m->c.entry), by_key);
    m->c.slot_valid = false;
    for (uint32_t i = 0; deep && i < m->c.n; i++)
        m->c.entry[i].val = sorted_deep(a, m->c.entry[i].val);
}

void value_set_pos(value v, struct value_pos pos)
{
    assert(!v.doc && v.at);
    node_of(v)->pos = pos;
}

void value_set_sensitive(value v)
{
    assert(!v.doc && v.at);
    node_of(v)->flags |= NODE_SENSITIVE;
}

void value_set_literal(value number, str literal)
{
    assert(!number.doc && value_is_number(number));
    node_of(number)->number.literal = literal;
}

void value_set_style(value v, unsigned style)
{
    assert(!v.doc && v.at && style <= UINT8_MAX);
    node_of(v)->style = (uint8_t)style;
}

unsigned value_style(value v) { return v.doc || !v.at ? 0 : node_of(v)->style; }
