/* kube/strategic_list.c */
#include "kube/strategic_list.h"

#include <inttypes.h>

#include "value/json.h"

int strategic_rule(struct strategic *s, const struct kube_schema *schema, str field, bool list,
                   struct strategic_rule *ret)
{
    if (schema->type != KUBE_STRUCT)
        return err_set(s->err, ERR_INVALID,
                       "merging an object in json but data type is not struct, instead is: %s",
                       schema->type == KUBE_LIST    ? "slice"
                       : schema->type == KUBE_MAP   ? "map"
                       : schema->type >= KUBE_BYTES ? "struct"
                                                    : "string");
    const struct kube_field *f = kube_schema_field(schema, field);
    if (!f)
        return err_set(s->err, ERR_INVALID,
                       "unable to find api field in struct %.*s for the json field \"%.*s\"",
                       STR_FMT(kube_schema_short_name(schema)), STR_FMT(field));
    if (list && f->type->type != KUBE_LIST)
        return err_set(s->err, ERR_INVALID, "expected slice or array type, but got: struct");
    *ret = (struct strategic_rule){.sub = list ? f->type->elem : f->type,
                                   .merge = f->patch & KUBE_PATCH_MERGE,
                                   .replace = f->patch & KUBE_PATCH_REPLACE,
                                   .retain_keys = f->patch & KUBE_PATCH_RETAIN_KEYS,
                                   .merge_key = f->merge_key};
    return 0;
}

static void go_print(value v, struct buf *out);

static int by_key(const void *a, const void *b)
{
    return str_cmp(*(const str *)a, *(const str *)b);
}

static void go_print_map(value v, struct buf *out)
{
    struct arena a;
    arena_init(&a, ARENA_BYTES_DEFAULT);
    str *key = ARENA_ARRAY(&a, str, value_len(v) + 1);
    size_t n = 0;
    for (struct value_iter it = value_iter(v); value_next(&it);)
        key[n++] = it.key;
    qsort(key, n, sizeof(*key), by_key);
    buf_addz(out, "map[");
    for (size_t i = 0; i < n; i++) {
        buf_addz(out, i ? " " : "");
        buf_add(out, key[i]);
        buf_addc(out, ':');
        go_print(value_get(v, key[i]), out);
    }
    buf_addc(out, ']');
    arena_done(&a);
}

static void go_print(value v, struct buf *out)
{
    switch (value_type(v)) {
    case VALUE_MAP: go_print_map(v, out); return;
    case VALUE_LIST:
        buf_addc(out, '[');
        for (struct value_iter it = value_iter(v); value_next(&it);) {
            buf_addz(out, it.i ? " " : "");
            go_print(it.val, out);
        }
        buf_addc(out, ']');
        return;
    case VALUE_STRING: buf_add(out, value_str(v)); return;
    case VALUE_NONE:
    case VALUE_NULL: buf_addz(out, "<nil>"); return;
    default: json_print(v, AUDIENCE_WIRE, 0, out); return;
    }
}

str strategic_go_text(struct arena *a, value v)
{
    CLEANUP(buf_done) struct buf b = BUF_INIT;
    if (value_type(v) == VALUE_STRING)
        return value_str(v);
    go_print(v, &b);
    return arena_str(a, buf_str(&b));
}

const char *strategic_go_type(value v)
{
    static const char *const name[] = {
        [VALUE_NONE] = "%!s(<nil>)",
        [VALUE_NULL] = "%!s(<nil>)",
        [VALUE_BOOL] = "bool",
        [VALUE_INT] = "float64",
        [VALUE_UINT] = "float64",
        [VALUE_DOUBLE] = "float64",
        [VALUE_STRING] = "string",
        [VALUE_LIST] = "[]interface {}",
        [VALUE_MAP] = "map[string]interface {}",
    };
    return name[value_type(v)];
}

static str list_text(struct arena *a, value list)
{
    return value_exists(list) ? strategic_go_text(a, list) : STR("[]");
}

str strategic_item_id(struct arena *a, value item, str merge_key, bool maps)
{
    value v = maps ? value_get(item, merge_key) : item;
    switch (value_type(v)) {
    case VALUE_STRING: return ARENA_CAT(a, STR("s:"), value_str(v));
    case VALUE_NONE:
    case VALUE_NULL: return STR("n");
    case VALUE_BOOL: return value_bool(v) ? STR("t") : STR("f");
    case VALUE_INT: return arena_printf(a, "i:%" PRId64, value_int(v));
    default: return ARENA_CAT(a, STR("v:"), strategic_go_text(a, v));
    }
}

int strategic_item_type(struct strategic *s, value x, value y, enum value_type *ret)
{
    const value list[2] = {x, y};
    enum value_type type = VALUE_NONE;
    for (int i = 0; i < 2; i++) {
        for (struct value_iter it = value_iter(list[i]); value_next(&it);) {
            enum value_type t = value_type(it.val);
            if (type == VALUE_NONE && t == VALUE_LIST)
                return err_set(s->err, ERR_INVALID, "lists of lists are not supported");
            if (type != VALUE_NONE && t != type)
                return err_set(s->err, ERR_INVALID,
                               "list element types are not identical: [%.*s %.*s]",
                               STR_FMT(list_text(s->a, x)), STR_FMT(list_text(s->a, y)));
            type = t;
        }
    }
    if (type == VALUE_NONE)
        return err_set(s->err, ERR_INVALID, "no elements in any of the given slices");
    *ret = type;
    return 0;
}

/* The map's values are index + 1. */
void strategic_index(struct strategic *s, value order, str merge_key, bool maps, struct map *ret)
{
    map_init(ret, s->a);
    for (struct value_iter it = value_iter(order); value_next(&it);) {
        str id = strategic_item_id(s->a, it.val, merge_key, maps);
        if (!map_has(ret, id))
            map_set(ret, id, (void *)(uintptr_t)(it.i + 1));
    }
}

int strategic_no_key(struct strategic *s, value item, str merge_key)
{
    return err_set(s->err, ERR_INVALID, "map: %.*s does not contain declared merge key: %.*s",
                   STR_FMT(strategic_go_text(s->a, item)), STR_FMT(merge_key));
}

int strategic_need_keys(struct strategic *s, value list, str merge_key)
{
    for (struct value_iter it = value_iter(list); value_next(&it);) {
        if (!value_is_map(it.val))
            return err_set(s->err, ERR_INVALID,
                           "expected a map[string]interface {}, but received a %s",
                           strategic_go_type(it.val));
        if (!value_exists(value_get(it.val, merge_key)))
            return strategic_no_key(s, it.val, merge_key);
    }
    return 0;
}

struct placed {
    value item;
    size_t place, i; /* place in the order, i in the input */
};

static int by_place(const void *x, const void *y)
{
    const struct placed *a = x, *b = y;
    if (a->place != b->place)
        return a->place < b->place ? -1 : 1;
    return a->i < b->i ? -1 : a->i > b->i;
}

int strategic_sort(struct strategic *s, value_vec *io, value order, str merge_key, bool maps)
{
    value_vec deleted = {0};
    struct map index;
    size_t n = 0;
    if (maps) {
        int rc = strategic_need_keys(s, strategic_list(s->a, io), merge_key);
        if (rc == 0)
            rc = strategic_need_keys(s, order, merge_key);
        if (rc < 0)
            return rc;
    }
    struct placed *p = ARENA_ARRAY(s->a, struct placed, io->n + 1);
    strategic_index(s, order, merge_key, maps, &index);
    for (size_t i = 0; i < io->n; i++) {
        value v = io->at[i];
        if (maps && str_is(value_str(value_get(v, DIRECTIVE_PATCH)), "delete")) {
            vec_push(s->a, &deleted, v);
            continue;
        }
        uintptr_t place = (uintptr_t)map_find(&index, strategic_item_id(s->a, v, merge_key, maps));
        p[n] = (struct placed){v, place ? place : SIZE_MAX, n};
        n++;
    }
    qsort(p, n, sizeof(*p), by_place);
    for (size_t i = 0; i < n; i++)
        io->at[i] = p[i].item;
    for (size_t i = 0; i < deleted.n; i++)
        io->at[n + i] = deleted.at[i];
    return 0;
}

value strategic_list(struct arena *a, const value_vec *v)
{
    value list = value_new_list(a);
    for (size_t i = 0; i < v->n; i++)
        value_push(a, list, v->at[i]);
    return list;
}
