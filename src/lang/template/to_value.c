/* lang/template/to_value.c: what encoding/json makes of a value, as a value tree. */
#include <math.h>

#include "base/digest.h"
#include "lang/template/map.h"
#include "lang/template/strconv.h"
#include "lang/template/types.h"

struct converter {
    struct arena *arena;
    struct err *err;
    bool sorted;     /* maps come out sorted, as encoding/json prints them */
    bool has_struct; /* one was met */
};

static int convert(struct converter *c, tval v, unsigned depth, value *ret);

/* Nothing that JSON cannot say: a view holds no NaN, for YAML's .nan is none of Helm's values. */
static bool is_json_view(tval v) { return v.type && is_clean(v) && v.type->kind >= TEMPLATE_SLICE; }

static int convert_float(struct converter *c, double d, value *ret)
{
    struct buf b = BUF_INIT;
    if (isfinite(d)) {
        *ret = value_of_double(c->arena, d);
        return 0;
    }
    strconv_add_float(&b, d, 'g', -1);
    int rc = err_set(c->err, ERR_INVALID, "json: unsupported value: %.*s", STR_FMT(buf_str(&b)));
    buf_done(&b);
    return rc;
}

static int convert_list(struct converter *c, tval v, unsigned depth, value *ret)
{
    if (type_is_bytes(v.type)) {
        *ret = v.text ? value_borrow_str(c->arena, base64_str(c->arena, template_text(v)))
                      : value_null(c->arena);
        return 0;
    }
    if (!v.list) {
        *ret = value_null(c->arena);
        return 0;
    }
    *ret = value_new_list(c->arena);
    for (size_t i = 0; i < template_len(v); i++) {
        value item;
        int rc = convert(c, template_at(v, i), depth + 1, &item);
        if (rc)
            return rc;
        value_push(c->arena, *ret, item);
    }
    return 0;
}

static int convert_map(struct converter *c, tval v, unsigned depth, value *ret)
{
    size_t n;
    const str *key = template_keys(v, &n);
    if (!v.map) {
        *ret = value_null(c->arena);
        return 0;
    }
    *ret = value_new_map(c->arena);
    for (size_t i = 0; i < n; i++) {
        value item;
        int rc = convert(c, template_get(v, key[i], NULL), depth + 1, &item);
        if (rc)
            return rc;
        value_set_borrow_key(c->arena, *ret, key[i], item);
    }
    return 0;
}

static int convert_fields(struct converter *c, tval v, const struct template_field *f,
                          unsigned depth, value map)
{
    for (; f && f->name; f++) {
        str name, option;
        value item;
        if (!f->json)
            continue;
        str_cut(str_of(f->json), ',', &name, &option);
        tval field = f->get(v.p, c->arena);
        if (str_is(option, "omitempty") && !template_truth(template_unwrap(field)))
            continue;
        int rc = convert(c, field, depth + 1, &item);
        if (rc)
            return rc;
        value_set(c->arena, map, name, item);
    }
    return 0;
}

static int convert_struct(struct converter *c, tval v, unsigned depth, value *ret)
{
    if (!v.p) {
        *ret = value_null(c->arena);
        return 0;
    }
    c->has_struct = true;
    *ret = value_new_map(c->arena);
    int rc = convert_fields(c, v, v.type->promoted, depth, *ret);
    return rc ? rc : convert_fields(c, v, v.type->field, depth, *ret);
}

static void sort_all(struct arena *a, value *io)
{
    *io = value_thaw(a, *io);
    if (value_is_map(*io)) {
        value_sort_keys(a, *io, true);
        return;
    }
    for (size_t i = 0, n = value_is_list(*io) ? value_len(*io) : 0; i < n; i++) {
        value item = value_at(*io, i);
        sort_all(a, &item);
        value_put(a, *io, i, item);
    }
}

static int convert(struct converter *c, tval v, unsigned depth, value *ret)
{
    v = template_unwrap(v);
    if (!v.type) {
        *ret = value_null(c->arena);
        return 0;
    }
    if (depth >= VALUE_DEPTH_MAX)
        return err_set(c->err, ERR_INVALID, "json: unsupported value: encountered a cycle via %s",
                       v.type->name);
    if (c->arena->used_bytes > c->arena->bytes_max - c->arena->bytes_max / 8)
        return err_set(c->err, ERR_TOO_LARGE, "the value takes more memory than there may be");
    if (v.type->marshal) {
        *ret = v.type->marshal(v, c->arena);
        return 0;
    }
    switch (v.type->kind) {
    case TEMPLATE_BOOL: *ret = value_of_bool(c->arena, v.b); return 0;
    case TEMPLATE_INT:
    case TEMPLATE_INT32:
    case TEMPLATE_INT64: *ret = value_of_int(c->arena, v.i); return 0;
    case TEMPLATE_UINT8:
    case TEMPLATE_UINT32:
    case TEMPLATE_UINT64: *ret = value_of_uint(c->arena, v.u); return 0;
    case TEMPLATE_FLOAT64: return convert_float(c, v.f, ret);
    case TEMPLATE_STRING: *ret = value_borrow_str(c->arena, template_text(v)); return 0;
    case TEMPLATE_SLICE:
    case TEMPLATE_MAP:
        if (is_json_view(v)) {
            *ret = v.type->kind == TEMPLATE_MAP ? v.map->view : v.list->view;
            if (c->sorted)
                sort_all(c->arena, ret);
            return 0;
        }
        return v.type->kind == TEMPLATE_MAP ? convert_map(c, v, depth, ret)
                                            : convert_list(c, v, depth, ret);
    case TEMPLATE_PTR: v.type = v.type->elem; __attribute__((fallthrough));
    case TEMPLATE_STRUCT: return convert_struct(c, v, depth, ret);
    default: return err_set(c->err, ERR_INVALID, "json: unsupported type: %s", v.type->name);
    }
}

int template_to_value(tval v, struct arena *a, value *ret, struct err *err)
{
    struct converter c = {.arena = a, .err = err};
    value made;
    int rc = convert(&c, v, 0, &made);
    if (!rc)
        *ret = made;
    return rc;
}

int template_to_value_in_order(tval v, struct arena *a, value *ret, bool *ret_in_order,
                               struct err *err)
{
    struct converter c = {.arena = a, .err = err};
    value made;
    int rc = convert(&c, v, 0, &made);
    if (!rc && c.has_struct) {
        c.sorted = true;
        rc = convert(&c, v, 0, &made);
    }
    if (rc)
        return rc;
    *ret_in_order = c.has_struct;
    *ret = made;
    return 0;
}
