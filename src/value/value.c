/* value/value.c: readers over both forms of a value. */
#include "value/value.h"

#include <assert.h>
#include <math.h>

#include "base/digest.h"
#include "value/node.h"
#include "value/tape.h"

static const enum value_type type_of_kind[16] = {
    [TAPE_NULL] = VALUE_NULL,       [TAPE_FALSE] = VALUE_BOOL,  [TAPE_TRUE] = VALUE_BOOL,
    [TAPE_SMALL] = VALUE_INT,       [TAPE_INT64] = VALUE_INT,   [TAPE_UINT64] = VALUE_UINT,
    [TAPE_DOUBLE] = VALUE_DOUBLE,   [TAPE_TEXT] = VALUE_STRING, [TAPE_ODD_TEXT] = VALUE_STRING,
    [TAPE_BIG_TEXT] = VALUE_STRING, [TAPE_LIST] = VALUE_LIST,   [TAPE_MAP] = VALUE_MAP,
};

static inline const char *tape_at(value v)
{
    assert(v.at < v.doc->tape_bytes);
    return v.doc->tape + v.at;
}

static inline value cursor(const struct doc *d, const char *p)
{
    return (value){d, (uintptr_t)(p - d->tape)};
}

enum value_type value_type(value v)
{
    if (!v.doc)
        return v.at ? node_of(v)->type : VALUE_NONE;
    const char *p = tape_at(v);
    unsigned kind = tape_u32(p) & 15;
    return type_of_kind[kind == TAPE_NUMBER ? (unsigned char)p[4] : kind];
}

bool value_is_null(value v) { return value_type(v) == VALUE_NULL; }

bool value_is_nil(value v) { return value_type(v) <= VALUE_NULL; }

bool value_is_map(value v) { return value_type(v) == VALUE_MAP; }

bool value_is_list(value v) { return value_type(v) == VALUE_LIST; }

bool value_is_string(value v) { return value_type(v) == VALUE_STRING; }

bool value_is_number(value v)
{
    enum value_type t = value_type(v);
    return t == VALUE_INT || t == VALUE_UINT || t == VALUE_DOUBLE;
}

bool value_bool(value v)
{
    if (!v.doc)
        return v.at && node_of(v)->type == VALUE_BOOL && node_of(v)->b;
    return (tape_u32(tape_at(v)) & 15) == TAPE_TRUE;
}

/* A number in the type it has; type NONE for anything else. */
struct number {
    enum value_type type;
    union {
        int64_t i;
        uint64_t u;
        double d;
    };
};

static struct number number_of(value v)
{
    struct number n = {VALUE_NONE, {0}};
    if (!v.doc) {
        if (!value_is_number(v))
            return n;
        n.type = node_of(v)->type;
        n.u = node_of(v)->number.u;
        return n;
    }
    const char *p = tape_at(v);
    uint32_t h = tape_u32(p);
    unsigned kind = h & 15;
    if (kind == TAPE_SMALL) {
        n.type = VALUE_INT;
        n.i = (int32_t)h >> TAPE_PAYLOAD_SHIFT;
        return n;
    }
    p += 4;
    if (kind == TAPE_NUMBER)
        kind = (unsigned char)*p++;
    if (kind != TAPE_INT64 && kind != TAPE_UINT64 && kind != TAPE_DOUBLE)
        return n;
    n.type = type_of_kind[kind];
    n.u = tape_u64(p);
    return n;
}

int64_t value_int(value v)
{
    struct number n = number_of(v);
    switch (n.type) {
    case VALUE_INT: return n.i;
    case VALUE_UINT: return n.u <= INT64_MAX ? (int64_t)n.u : 0;
    case VALUE_DOUBLE:
        return n.d >= -0x1p63 && n.d < 0x1p63 && n.d == floor(n.d) ? (int64_t)n.d : 0;
    default: return 0;
    }
}

uint64_t value_uint(value v)
{
    struct number n = number_of(v);
    switch (n.type) {
    case VALUE_INT: return n.i >= 0 ? (uint64_t)n.i : 0;
    case VALUE_UINT: return n.u;
    case VALUE_DOUBLE: return n.d >= 0 && n.d < 0x1p64 && n.d == floor(n.d) ? (uint64_t)n.d : 0;
    default: return 0;
    }
}

double value_double(value v)
{
    struct number n = number_of(v);
    switch (n.type) {
    case VALUE_INT: return (double)n.i;
    case VALUE_UINT: return (double)n.u;
    case VALUE_DOUBLE: return n.d;
    default: return 0;
    }
}

str value_str(value v)
{
    if (!v.doc)
        return v.at && node_of(v)->type == VALUE_STRING ? node_of(v)->s.text : STR("");
    const char *p = tape_at(v);
    uint32_t h = tape_u32(p);
    switch (h & 15) {
    case TAPE_TEXT:
    case TAPE_ODD_TEXT: return (str){p + 4, h >> TAPE_PAYLOAD_SHIFT};
    case TAPE_BIG_TEXT: return (str){p + 12, tape_u64(p + 4)};
    default: return STR("");
    }
}

str value_literal(value v)
{
    if (!v.doc)
        return value_is_number(v) ? node_of(v)->number.literal : STR("");
    const char *p = tape_at(v);
    uint32_t h = tape_u32(p);
    return (h & 15) == TAPE_NUMBER ? (str){p + 13, h >> TAPE_PAYLOAD_SHIFT} : STR("");
}

/* ---- containers ---- */

static inline bool is_container(uint32_t h)
{
    return (h & 15) == TAPE_LIST || (h & 15) == TAPE_MAP;
}

static inline bool node_is_container(value v) { return v.at && node_of(v)->type >= VALUE_LIST; }

size_t value_len(value v)
{
    if (!v.doc)
        return node_is_container(v) ? node_of(v)->c.n : 0;
    uint32_t h = tape_u32(tape_at(v));
    return is_container(h) ? h >> (TAPE_PAYLOAD_SHIFT + 2) : 0;
}

/* The offset table of an indexed container, in source order; a table in key order may follow it. */
static const char *tape_index(const char *p, uint32_t h)
{
    return p + tape_size(p) - (size_t)tape_count(h) * 4 * tape_tables(h);
}

/* The i-th entry (key for a map, value for a list) of a frozen container; i < len. */
static const char *tape_entry(const struct doc *d, const char *p, uint32_t h, size_t i)
{
    if (h >> TAPE_PAYLOAD_SHIFT & TAPE_INDEXED)
        return d->tape + tape_u32(tape_index(p, h) + i * 4);
    bool map = (h & 15) == TAPE_MAP;
    p += 8;
    for (; i > 0; i--) {
        if (map)
            tape_key(p, &p);
        p += tape_size(p);
    }
    return p;
}

value value_at(value list, size_t i)
{
    if (!list.doc)
        return value_is_list(list) && i < node_of(list)->c.n ? node_of(list)->c.item[i]
                                                             : VALUE_ABSENT;
    const char *p = tape_at(list);
    uint32_t h = tape_u32(p);
    if ((h & 15) != TAPE_LIST || i >= value_len(list))
        return VALUE_ABSENT;
    return cursor(list.doc, tape_entry(list.doc, p, h, i));
}

static value frozen_entry(value map, size_t i, str *ret_key)
{
    const char *p = tape_at(map);
    uint32_t h = tape_u32(p);
    *ret_key = STR("");
    if ((h & 15) != TAPE_MAP || i >= value_len(map))
        return VALUE_ABSENT;
    p = tape_entry(map.doc, p, h, i);
    *ret_key = tape_key(p, &p);
    return cursor(map.doc, p);
}

str value_key(value map, size_t i)
{
    str key;
    if (!map.doc)
        return value_is_map(map) && i < node_of(map)->c.n ? node_of(map)->c.entry[i].key : STR("");
    frozen_entry(map, i, &key);
    return key;
}

value value_val(value map, size_t i)
{
    str key;
    if (!map.doc)
        return value_is_map(map) && i < node_of(map)->c.n ? node_of(map)->c.entry[i].val
                                                          : VALUE_ABSENT;
    return frozen_entry(map, i, &key);
}

static inline bool same(str a, str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

static value walk(const struct doc *d, const char *p, uint32_t n, str key)
{
    const char *val;
    for (; n > 0; n--, p = val + tape_size(val)) {
        str k = tape_key(p, &val);
        if (same(k, key))
            return cursor(d, val);
    }
    return VALUE_ABSENT;
}

static value frozen_get(value map, str key)
{
    const struct doc *d = map.doc;
    const char *p = tape_at(map), *val;
    uint32_t h = tape_u32(p), n = tape_count(h);
    if ((h & 15) != TAPE_MAP)
        return VALUE_ABSENT;
    if (n <= TAPE_SEARCH_MAX)
        return walk(d, p + 8, n, key);
    const char *table = tape_index(p, h) + (tape_tables(h) - 1) * (size_t)n * 4;
    size_t low = 0, high = n;
    while (low < high) {
        size_t mid = (low + high) / 2;
        str k = tape_key(d->tape + tape_u32(table + mid * 4), &val);
        int c = str_cmp(k, key);
        if (c == 0)
            return cursor(d, val);
        if (c < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return VALUE_ABSENT;
}

/* Make the slots of a large building map describe its entries as they are now. */
static void rebuild_slots(struct node *m)
{
    uint32_t want = 64;
    while (want < m->c.n * 2)
        want *= 2;
    if (m->c.n_slots < want) {
        m->c.slot = ARENA_ARRAY(m->c.arena, uint32_t, want);
        m->c.n_slots = want;
    } else {
        memset(m->c.slot, 0, m->c.n_slots * sizeof(*m->c.slot));
    }
    for (uint32_t i = 0; i < m->c.n; i++) {
        uint32_t s = (uint32_t)hash64(m->c.entry[i].key) & (m->c.n_slots - 1);
        while (m->c.slot[s])
            s = (s + 1) & (m->c.n_slots - 1);
        m->c.slot[s] = i + 1;
    }
    m->c.slot_valid = true;
}

ptrdiff_t node_find(struct node *m, str key)
{
    if (m->c.n <= NODE_LINEAR_MAX) {
        for (uint32_t i = 0; i < m->c.n; i++)
            if (same(m->c.entry[i].key, key))
                return i;
        return -1;
    }
    if (!m->c.slot_valid)
        rebuild_slots(m);
    uint32_t s = (uint32_t)hash64(key) & (m->c.n_slots - 1);
    for (; m->c.slot[s]; s = (s + 1) & (m->c.n_slots - 1))
        if (same(m->c.entry[m->c.slot[s] - 1].key, key))
            return (ptrdiff_t)m->c.slot[s] - 1;
    return -1;
}

value value_get(value map, str key)
{
    if (map.doc)
        return frozen_get(map, key);
    if (!value_is_map(map))
        return VALUE_ABSENT;
    ptrdiff_t i = node_find(node_of(map), key);
    return i < 0 ? VALUE_ABSENT : node_of(map)->c.entry[i].val;
}

value value_path(value v, const char *dotted)
{
    str rest = str_of(dotted), piece;
    while (value_exists(v) && str_next(&rest, '.', &piece))
        v = value_get(v, piece);
    return v;
}

str value_path_str(value v, const char *dotted) { return value_str(value_path(v, dotted)); }

struct value_iter value_iter(value container)
{
    struct value_iter it = {.container = container, .i = SIZE_MAX, .n = value_len(container)};
    if (container.doc)
        it.cursor = container.at + 8;
    return it;
}

bool value_next(struct value_iter *it)
{
    if (it->n == 0)
        return false;
    it->i++;
    it->n--;
    if (it->container.doc) {
        const struct doc *d = it->container.doc;
        const char *p = d->tape + it->cursor;
        it->key = STR("");
        if ((tape_u32(tape_at(it->container)) & 15) == TAPE_MAP)
            it->key = tape_key(p, &p);
        it->val = cursor(d, p);
        it->cursor = (uintptr_t)(p + tape_size(p) - d->tape);
        return true;
    }
    const struct node *c = node_of(it->container);
    size_t i = it->i;
    if (c->type == VALUE_MAP) {
        it->key = c->c.entry[i].key;
        it->val = c->c.entry[i].val;
    } else {
        it->val = c->c.item[i];
    }
    return true;
}

struct value_pos value_pos(value v)
{
    if (!v.doc)
        return v.at ? node_of(v)->pos : (struct value_pos){0, 0};
    const struct tape_pos *pos = v.doc->pos;
    size_t low = 0, high = v.doc->n_pos;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (pos[mid].at == v.at)
            return (struct value_pos){pos[mid].line, pos[mid].column};
        if (pos[mid].at < v.at)
            low = mid + 1;
        else
            high = mid;
    }
    return (struct value_pos){0, 0};
}

bool value_is_sensitive(value v)
{
    if (!v.doc)
        return v.at && (node_of(v)->flags & NODE_SENSITIVE);
    return tape_u32(tape_at(v)) & TAPE_SENSITIVE;
}

/* ---- equality ---- */

static bool numbers_equal(struct number a, struct number b)
{
    if (a.type == b.type)
        return a.type == VALUE_DOUBLE ? a.d == b.d : a.u == b.u;
    if (a.type == VALUE_DOUBLE) {
        struct number t = a;
        a = b;
        b = t;
    }
    if (b.type != VALUE_DOUBLE) /* INT against UINT, which is above INT64_MAX or equal as bits */
        return a.u == b.u && a.i >= 0;
    if (b.d != floor(b.d))
        return false;
    if (a.type == VALUE_INT)
        return b.d >= -0x1p63 && b.d < 0x1p63 && (int64_t)b.d == a.i;
    return b.d >= 0 && b.d < 0x1p64 && (uint64_t)b.d == a.u;
}

static bool equal(value a, value b, bool strict);

static bool maps_equal(value a, value b, bool strict)
{
    struct value_iter x = value_iter(a), y = value_iter(b);
    while (value_next(&x)) {
        value other;
        if (value_next(&y) && same(x.key, y.key)) /* same order is the common case */
            other = y.val;
        else
            other = value_get(b, x.key);
        if (!value_exists(other) || !equal(x.val, other, strict))
            return false;
    }
    return true;
}

bool value_same_bytes(value a, value b)
{
    if (!a.doc || !b.doc)
        return false;
    const char *p = a.doc->tape + a.at, *q = b.doc->tape + b.at;
    if (tape_u32(p) != tape_u32(q))
        return false;
    size_t n = tape_size(p);
    return n == tape_size(q) && memcmp(p, q, n) == 0;
}

static bool equal(value a, value b, bool strict)
{
    if ((a.doc == b.doc && a.at == b.at) || value_same_bytes(a, b))
        return true;
    enum value_type t = value_type(a), u = value_type(b);
    if (t != u && (strict || !value_is_number(a) || !value_is_number(b)))
        return false;
    switch (t) {
    case VALUE_BOOL: return value_bool(a) == value_bool(b);
    case VALUE_INT:
    case VALUE_UINT:
    case VALUE_DOUBLE: return numbers_equal(number_of(a), number_of(b));
    case VALUE_STRING: return same(value_str(a), value_str(b));
    case VALUE_MAP: return value_len(a) == value_len(b) && maps_equal(a, b, strict);
    case VALUE_LIST: break;
    default: return true;
    }
    if (value_len(a) != value_len(b))
        return false;
    struct value_iter x = value_iter(a), y = value_iter(b);
    while (value_next(&x) && value_next(&y))
        if (!equal(x.val, y.val, strict))
            return false;
    return true;
}

bool value_equal(value a, value b) { return equal(a, b, false); }

bool value_identical(value a, value b) { return equal(a, b, true); }
