/* value/bind/typed.c: a value as Go prints the struct it was read into (encoding/json): what is
 * zero and may be left out is left out, structs that are no pointers are always there. */
#include "value/bind.h"

#include "value/bind/table.h"

static bool is_zero(const struct bind_field *f, value v)
{
    if (value_is_nil(v))
        return true;
    switch (f->type) {
    case BIND_STRING:
    case BIND_BYTES: return !value_str(v).len;
    case BIND_BOOL: return !value_bool(v);
    case BIND_INT32:
    case BIND_INT64: return !value_int(v);
    case BIND_DOUBLE: return value_double(v) == 0;
    default: return false;
    }
}

static value zero_of(struct arena *a, const struct bind_field *f)
{
    switch (f->type) {
    case BIND_STRING:
    case BIND_BYTES: return value_of_str(a, STR(""));
    case BIND_BOOL: return value_of_bool(a, false);
    case BIND_INT32:
    case BIND_INT64:
    case BIND_DOUBLE: return value_of_int(a, 0);
    default: return value_null(a);
    }
}

static value typed_items(struct arena *a, const struct bind_field *f, value v)
{
    value out = value_is_list(v) ? value_new_list(a) : value_new_map(a);
    for (struct value_iter it = value_iter(v); value_next(&it);) {
        value item = f->table ? bind_as_typed(a, f->table, it.val) : it.val;
        if (value_is_list(v))
            value_push(a, out, item);
        else
            value_set(a, out, it.key, item);
    }
    return out;
}

/* Absent: left out. */
static value typed_field(struct arena *a, const struct bind_field *f, value v)
{
    bool required = f->flags & BIND_REQUIRED, pointer = f->flags & BIND_POINTER;
    if (f->shape != BIND_ONE) {
        if (!value_len(v))
            return !required ? VALUE_ABSENT : value_is_nil(v) ? value_null(a) : v;
        return typed_items(a, f, v);
    }
    if (f->type == BIND_OBJECT && f->table && !(pointer && value_is_nil(v)))
        return bind_as_typed(a, f->table, v);
    if (pointer ? value_is_nil(v) : is_zero(f, v))
        return required ? (pointer ? value_null(a) : zero_of(a, f)) : VALUE_ABSENT;
    return v;
}

value bind_as_typed(struct arena *a, const struct bind_table *t, value v)
{
    value out = value_new_map(a);
    for (size_t i = 0; i < t->n_fields; i++) {
        str name = str_of(t->field[i].name);
        value field = typed_field(a, &t->field[i], value_get(v, name));
        if (value_exists(field))
            value_set(a, out, name, field);
    }
    return out;
}
