/* lang/template/value.c: making, reading and comparing values; maps and lists are in map.c. */
#include <string.h>

#include "lang/template/map.h"
#include "lang/template/types.h"
#include "lang/template_value.h"

tval template_bool(bool b) { return (tval){.type = &TEMPLATE_T_BOOL, .b = b}; }
tval template_int(int64_t i) { return (tval){.type = &TEMPLATE_T_INT, .i = i}; }
tval template_int64(int64_t i) { return (tval){.type = &TEMPLATE_T_INT64, .i = i}; }
tval template_uint64(uint64_t u) { return (tval){.type = &TEMPLATE_T_UINT64, .u = u}; }
tval template_float(double f) { return (tval){.type = &TEMPLATE_T_FLOAT64, .f = f}; }

tval template_str(str s)
{
    return (tval){.type = &TEMPLATE_T_STRING,
                  .text = s.at ? s.at : "",
                  .len = (uint32_t)MIN_OF(s.len, UINT32_MAX)};
}

tval template_strz(const char *z) { return template_str(str_of(z)); }

tval template_bytes(str s)
{
    tval v = template_str(s);
    v.type = &TEMPLATE_T_BYTES;
    return v;
}

tval template_object(const struct template_type *t, const void *object)
{
    return (tval){.type = t, .p = object};
}

tval template_strings(struct arena *a, const str *s, size_t n)
{
    tval *item = ARENA_ARRAY(a, tval, n);
    for (size_t i = 0; i < n; i++)
        item[i] = template_str(s[i]);
    return template_list(a, &TEMPLATE_T_STRINGS, item, n);
}

tval template_view(struct arena *a, value v, const struct template_type *map_type)
{
    switch (value_type(v)) {
    case VALUE_NONE: return TEMPLATE_NO_VALUE;
    case VALUE_NULL: return TEMPLATE_NIL_INTERFACE;
    case VALUE_BOOL: return template_bool(value_bool(v));
    case VALUE_INT: return template_int64(value_int(v));
    case VALUE_UINT: return template_uint64(value_uint(v));
    case VALUE_DOUBLE: return template_float(value_double(v));
    case VALUE_STRING: return template_str(value_str(v));
    case VALUE_LIST: return list_view(a, v);
    case VALUE_MAP: return map_view(a, v, map_type ? map_type : &TEMPLATE_T_MAP);
    }
    return TEMPLATE_NO_VALUE;
}

/* True when there is an integer in v. */
static bool has_integer(value v)
{
    enum value_type t = value_type(v);
    if (t == VALUE_INT || t == VALUE_UINT)
        return true;
    if (t != VALUE_MAP && t != VALUE_LIST)
        return false;
    for (struct value_iter it = value_iter(v); value_next(&it);)
        if (has_integer(it.val))
            return true;
    return false;
}

value template_floats(struct arena *a, value v)
{
    enum value_type t = value_type(v);
    if (t == VALUE_INT)
        return value_of_double(a, (double)value_int(v));
    if (t == VALUE_UINT)
        return value_of_double(a, (double)value_uint(v));
    if (!has_integer(v))
        return v;
    value to = t == VALUE_MAP ? value_new_map(a) : value_new_list(a);
    for (struct value_iter it = value_iter(v); value_next(&it);) {
        if (t == VALUE_MAP)
            value_set(a, to, it.key, template_floats(a, it.val));
        else
            value_push(a, to, template_floats(a, it.val));
    }
    return to;
}

enum template_kind template_kind(tval v)
{
    return !v.type ? TEMPLATE_INVALID : v.iface ? TEMPLATE_INTERFACE : v.type->kind;
}

bool template_is_nil(tval v)
{
    if (!v.type || v.type->kind == TEMPLATE_INTERFACE)
        return true;
    return type_can_be_nil(v.type) && !v.p;
}

bool template_truth(tval v)
{
    if (!v.type)
        return false;
    switch (v.type->kind) {
    case TEMPLATE_INVALID:
    case TEMPLATE_INTERFACE: return false;
    case TEMPLATE_BOOL: return v.b;
    case TEMPLATE_INT:
    case TEMPLATE_INT32:
    case TEMPLATE_INT64: return v.i != 0;
    case TEMPLATE_UINT8:
    case TEMPLATE_UINT32:
    case TEMPLATE_UINT64: return v.u != 0;
    case TEMPLATE_FLOAT64: return v.f != 0;
    case TEMPLATE_COMPLEX128: return v.complex[0] != 0 || v.complex[1] != 0;
    case TEMPLATE_STRING:
    case TEMPLATE_SLICE:
    case TEMPLATE_MAP: return template_len(v) > 0;
    case TEMPLATE_STRUCT: return true;
    case TEMPLATE_PTR: return v.p != NULL;
    }
    return false;
}

size_t template_len(tval v)
{
    if (!v.type)
        return 0;
    if (v.type->kind == TEMPLATE_STRING || type_is_bytes(v.type))
        return v.len;
    if (v.type->kind == TEMPLATE_SLICE)
        return v.list ? v.list->n : 0;
    return v.type->kind == TEMPLATE_MAP ? map_count(v) : 0;
}

str template_type_name(tval v) { return str_of(v.type ? v.type->name : "<nil>"); }

const char *static_type_name(tval v)
{
    return !v.type ? "<nil>" : v.iface ? TEMPLATE_T_INTERFACE.name : v.type->name;
}

/* ---- DeepEqual ---- */

/* What is left to be compared: containers that hold one another many times over would otherwise
 * take time without end. */
#define COMPARE_NODES_MAX 20000000
struct comparison {
    unsigned depth;
    uint32_t left;
};

static bool deep_equal(tval a, tval b, struct comparison *c);

static bool lists_equal(tval a, tval b, struct comparison *c)
{
    size_t n = template_len(a);
    if (template_is_nil(a) != template_is_nil(b) || n != template_len(b))
        return false;
    if (type_is_bytes(a.type))
        return str_eq(template_text(a), template_text(b));
    if (a.list == b.list)
        return true;
    for (size_t i = 0; i < n; i++)
        if (!deep_equal(template_at(a, i), template_at(b, i), c))
            return false;
    return true;
}

static bool maps_equal(tval a, tval b, struct comparison *c)
{
    if (template_is_nil(a) != template_is_nil(b) || template_len(a) != template_len(b))
        return false;
    if (a.map == b.map)
        return true;
    const struct template_map *m = map_of(a);
    for (size_t i = 0; m && i < m->n; i++) {
        bool found;
        if (!m->entry[i].live)
            continue;
        tval other = template_get_hashed(b, m->entry[i].key, m->entry[i].hash, &found);
        if (!found || !deep_equal(m->entry[i].val, other, c))
            return false;
    }
    return true;
}

static bool deep_equal(tval a, tval b, struct comparison *c)
{
    a = template_unwrap(a);
    b = template_unwrap(b);
    if (a.type != b.type)
        return false;
    if (!a.type)
        return true;
    if (c->depth > TEMPLATE_DEPTH_MAX || !c->left)
        return c->left != 0; /* so deep they go in circles: equal as far as one can see */
    c->left--;
    switch (a.type->kind) {
    case TEMPLATE_SLICE:
    case TEMPLATE_MAP: {
        c->depth++;
        bool same = a.type->kind == TEMPLATE_MAP ? maps_equal(a, b, c) : lists_equal(a, b, c);
        c->depth--;
        return same;
    }
    case TEMPLATE_STRING: return str_eq(template_text(a), template_text(b));
    case TEMPLATE_FLOAT64: return a.f == b.f;
    case TEMPLATE_BOOL: return a.b == b.b;
    case TEMPLATE_COMPLEX128: return a.complex[0] == b.complex[0] && a.complex[1] == b.complex[1];
    case TEMPLATE_STRUCT:
    case TEMPLATE_PTR: {
        const struct template_type *t = a.type->kind == TEMPLATE_PTR ? a.type->elem : a.type;
        return a.p == b.p || (a.p && b.p && t->equal && t->equal(a.p, b.p));
    }
    default: return a.i == b.i;
    }
}

bool template_deep_equal(tval a, tval b)
{
    struct comparison c = {0, COMPARE_NODES_MAX};
    return deep_equal(a, b, &c);
}
