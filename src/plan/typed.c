#include "plan/typed.h"

#include "base/digest.h"
#include "base/time.h"
#include "argo/application.h"
#include "kube/object.h"
#include "lang/quantity.h"

struct go_type {
    str name;   /* definition */
    str gone;   /* fields that vanish when empty, comma list */
    str always; /* fields that are always printed */
};

#include "plan/gofields_table.inc"

static const struct go_type *go_type_find(str name)
{
    size_t low = 0, high = ARRAY_LEN(go_types);
    while (low < high) {
        size_t mid = (low + high) / 2;
        int c = str_cmp(go_types[mid].name, name);
        if (!c)
            return &go_types[mid];
        if (c < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return NULL;
}

static bool list_has(str list, str word)
{
    str piece;
    while (list.len && str_next(&list, ',', &piece))
        if (str_eq(piece, word))
            return true;
    return false;
}

/* Served by every API server, but not in upstream's scheme: compared like custom resources. */
static const char *const untyped_groups[] = {"apiextensions.k8s.io", "apiregistration.k8s.io",
                                             "resource.k8s.io", "storagemigration.k8s.io",
                                             "internal.apiserver.k8s.io"};

const struct kube_schema *typed_schema(value object)
{
    struct kube_gvk g = object_gvk(object);
    for (size_t i = 0; i < ARRAY_LEN(untyped_groups); i++)
        if (str_is(g.group, untyped_groups[i]))
            return NULL;
    return kube_schema_of_kind(g.group, g.version, g.kind);
}

/* ---- does it decode? ---- */

static bool int_fits(value v, enum kube_type type)
{
    if (value_type(v) != VALUE_INT)
        return false;
    return type != KUBE_INT32 || (value_int(v) >= INT32_MIN && value_int(v) <= INT32_MAX);
}

static bool quantity_fits(value v)
{
    struct err ignored;
    struct quantity q;
    if (value_is_string(v))
        return !quantity_parse(value_str(v), &q, &ignored);
    return value_type(v) == VALUE_INT;
}

static bool scalar_fits(const struct kube_schema *s, value v)
{
    usec at;
    switch (s->type) {
    case KUBE_BOOL: return value_type(v) == VALUE_BOOL;
    case KUBE_INT:
    case KUBE_INT32: return int_fits(v, s->type);
    case KUBE_NUMBER: return value_is_number(v);
    case KUBE_STRING:
    case KUBE_BYTES: return value_is_string(v);
    case KUBE_TIME: return value_is_string(v) && time_parse(value_str(v), &at);
    case KUBE_QUANTITY: return quantity_fits(v);
    case KUBE_INT_OR_STRING: return value_is_string(v) || value_type(v) == VALUE_INT;
    default: return true;
    }
}

bool typed_fits(const struct kube_schema *s, value v)
{
    if (!s || value_is_nil(v))
        return true;
    switch (s->type) {
    case KUBE_STRUCT:
    case KUBE_MAP:
        if (!value_is_map(v))
            return false;
        for (struct value_iter it = value_iter(v); value_next(&it);) {
            const struct kube_schema *child = kube_schema_child(s, it.key);
            if ((!child && s->type == KUBE_STRUCT && !s->preserve_unknown) ||
                !typed_fits(child, it.val))
                return false;
        }
        return true;
    case KUBE_LIST:
        if (!value_is_list(v))
            return false;
        for (struct value_iter it = value_iter(v); value_next(&it);)
            if (!typed_fits(s->elem, it.val))
                return false;
        return true;
    case KUBE_ANY: return true;
    case KUBE_ANY_MAP: return value_is_map(v);
    default: return scalar_fits(s, v);
    }
}

/* ---- printing again ---- */

static bool same(value x, value y) { return x.doc == y.doc && x.at == y.at; }

static bool is_empty(value v)
{
    switch (value_type(v)) {
    case VALUE_BOOL: return !value_bool(v);
    case VALUE_STRING: return !value_str(v).len;
    case VALUE_LIST:
    case VALUE_MAP: return !value_len(v);
    case VALUE_INT:
    case VALUE_UINT:
    case VALUE_DOUBLE: return value_double(v) == 0;
    default: return true;
    }
}

static value zero_of(const struct kube_schema *s, struct arena *a)
{
    switch (s->type) {
    case KUBE_STRUCT: return value_new_map(a);
    case KUBE_STRING: return value_borrow_str(a, STR(""));
    case KUBE_BOOL: return value_of_bool(a, false);
    case KUBE_INT:
    case KUBE_INT32:
    case KUBE_NUMBER: return value_of_int(a, 0);
    default: return value_null(a);
    }
}

static value remarshal(const struct kube_schema *s, value v, struct arena *a);

static value remarshal_quantity(value v, struct arena *a)
{
    struct quantity q;
    struct err ignored;
    str from = value_is_string(v) ? value_str(v) : arena_printf(a, "%lld", (long long)value_int(v));
    if (quantity_parse(from, &q, &ignored))
        return v;
    str text = quantity_str(a, &q);
    return value_is_string(v) && str_eq(text, from) ? v : value_of_str(a, text);
}

static value remarshal_scalar(const struct kube_schema *s, value v, struct arena *a)
{
    str raw;
    if (s->type == KUBE_QUANTITY)
        return remarshal_quantity(v, a);
    if (s->type == KUBE_BYTES && base64_parse(a, value_str(v), &raw)) {
        str text = base64_str(a, raw);
        return str_eq(text, value_str(v)) ? v : value_of_str(a, text);
    }
    return v;
}

static value remarshal_list(const struct kube_schema *s, value v, struct arena *a)
{
    value fresh = VALUE_ABSENT;
    for (struct value_iter it = value_iter(v); value_next(&it);) {
        value e =
            value_is_null(it.val) && s->elem ? zero_of(s->elem, a) : remarshal(s->elem, it.val, a);
        if (same(e, it.val))
            continue;
        if (!value_exists(fresh))
            fresh = value_edit(a, v);
        value_put(a, fresh, it.i, e);
    }
    return value_exists(fresh) ? fresh : v;
}

/* The new value of one entry; absent: it vanishes. */
static value remarshal_entry(const struct kube_schema *s, const struct go_type *go, str key,
                             value v, struct arena *a)
{
    const struct kube_schema *child = kube_schema_child(s, key);
    if (s->type == KUBE_MAP)
        return value_is_null(v) && child ? zero_of(child, a) : remarshal(child, v, a);
    if (value_is_null(v))
        return go && list_has(go->always, key) && child ? zero_of(child, a) : VALUE_ABSENT;
    value e = remarshal(child, v, a);
    return go && is_empty(e) && list_has(go->gone, key) ? VALUE_ABSENT : e;
}

static value remarshal_map(const struct kube_schema *s, value v, struct arena *a)
{
    const struct go_type *go = s->name.len ? go_type_find(s->name) : NULL;
    value fresh = VALUE_ABSENT;
    for (struct value_iter it = value_iter(v); value_next(&it);) {
        value e = remarshal_entry(s, go, it.key, it.val, a);
        if (same(e, it.val))
            continue;
        if (!value_exists(fresh))
            fresh = value_edit(a, v);
        value_set(a, fresh, it.key, e);
    }
    return value_exists(fresh) ? fresh : v;
}

static value remarshal(const struct kube_schema *s, value v, struct arena *a)
{
    if (!s || value_is_nil(v))
        return v;
    if (s->type == KUBE_STRUCT || s->type == KUBE_MAP)
        return remarshal_map(s, v, a);
    if (s->type == KUBE_LIST)
        return remarshal_list(s, v, a);
    return remarshal_scalar(s, v, a);
}

value typed_remarshal(value object, struct arena *a)
{
    const struct kube_schema *s = typed_schema(object);
    if (!s || !typed_fits(s, object))
        return object;
    return remarshal(s, object_private(a, object), a);
}
