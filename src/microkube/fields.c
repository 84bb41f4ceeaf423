/* microkube/fields.c: an object against the type of its kind: unknown fields, wrong types, nulls
 * and empties.
 *
 * A built-in object goes through Go structs in the real server: unknown fields and nulls vanish,
 * empty lists and maps too unless they are required. A custom resource keeps what its schema knows
 * (or says to preserve). */
#include "base/digest.h"
#include "microkube/core.h"
#include "kube/schema.h"

struct walk {
    struct mk_ctx *c;
    bool typed; /* built-in: Go's rules */
    struct buf path;
    struct buf go_path; /* struct fields only, as encoding/json names them */
    str go_struct;      /* the innermost struct */
    VEC(str) unknown;
    str type_error;   /* first wrong type (built-in) */
    mk_causes causes; /* wrong types (custom) */
};

static bool walk_value(struct walk *w, value v, value was, const struct kube_schema *s, value *ret);

static size_t push_go(struct walk *w, const struct kube_field *f)
{
    size_t was = w->go_path.len;
    if (f && was)
        buf_addc(&w->go_path, '.');
    if (f)
        buf_add(&w->go_path, f->name);
    return was;
}

static size_t push_key(struct walk *w, str key)
{
    size_t was = w->path.len;
    if (was)
        buf_addc(&w->path, '.');
    buf_add(&w->path, key);
    return was;
}

static void pop(struct walk *w, size_t len)
{
    w->path.len = len;
    if (w->path.at)
        w->path.at[len] = '\0';
}

static const char *json_type(value v)
{
    switch (value_type(v)) {
    case VALUE_NULL: return "null";
    case VALUE_BOOL: return "bool";
    case VALUE_STRING: return "string";
    case VALUE_LIST: return "array";
    case VALUE_MAP: return "object";
    default: return "number";
    }
}

struct type_info {
    const char *go, *openapi;
};

static struct type_info type_info(const struct kube_schema *s)
{
    static const struct type_info info[] = {[KUBE_BOOL] = {"bool", "boolean"},
                                            [KUBE_INT] = {"int64", "integer"},
                                            [KUBE_INT32] = {"int32", "integer"},
                                            [KUBE_NUMBER] = {"float64", "number"},
                                            [KUBE_STRING] = {"string", "string"},
                                            [KUBE_BYTES] = {"[]uint8", "string"},
                                            [KUBE_TIME] = {"string", "string"},
                                            [KUBE_QUANTITY] = {"string", "string"},
                                            [KUBE_ANY_MAP] = {"map", "object"},
                                            [KUBE_STRUCT] = {"struct", "object"},
                                            [KUBE_MAP] = {"map[string]string", "object"},
                                            [KUBE_LIST] = {"[]string", "array"},
                                            [KUBE_INT_OR_STRING] = {"intstr", "integer"}};
    struct type_info t = {"interface", "object"};
    if (s->type < (int)ARRAY_LEN(info) && info[s->type].go)
        t = info[s->type];
    if (s->type == KUBE_STRUCT && s->name.len)
        t.go = "struct";
    return t;
}

static bool type_fits(value v, const struct kube_schema *s)
{
    enum value_type t = value_type(v);
    switch (s->type) {
    case KUBE_BOOL: return t == VALUE_BOOL;
    case KUBE_INT:
    case KUBE_INT32:
        return t == VALUE_INT || t == VALUE_UINT ||
               (t == VALUE_DOUBLE && (double)(int64_t)value_double(v) == value_double(v));
    case KUBE_NUMBER: return value_is_number(v);
    case KUBE_STRING:
    case KUBE_BYTES:
    case KUBE_TIME: return t == VALUE_STRING;
    case KUBE_QUANTITY:
    case KUBE_INT_OR_STRING: return t == VALUE_STRING || value_is_number(v);
    case KUBE_ANY_MAP:
    case KUBE_STRUCT:
    case KUBE_MAP: return t == VALUE_MAP;
    case KUBE_LIST: return t == VALUE_LIST;
    default: return true;
    }
}

static str path_now(struct walk *w) { return arena_str(w->c->a, buf_str(&w->path)); }

static void wrong_type(struct walk *w, value v, const struct kube_schema *s)
{
    struct type_info t = type_info(s);
    str path = path_now(w);
    if (w->typed) {
        if (!w->type_error.len)
            w->type_error =
                arena_printf(w->c->a,
                             "json: cannot unmarshal %s into Go struct field %.*s.%.*s of type %s",
                             json_type(v), STR_FMT(w->go_struct), STR_FMT(buf_str(&w->go_path)),
                             t.go);
        return;
    }
    const char *type = json_type(v);
    type = str_is(str_of(type), "bool")     ? "boolean"
           : str_is(str_of(type), "number") ? "integer"
                                            : type;
    mk_cause(w->c, &w->causes, "FieldValueTypeInvalid", path,
             "Invalid value: \"%s\": %.*s in body must be of type %s: \"%s\"", type, STR_FMT(path),
             t.openapi, type);
}

/* Go drops empty lists and maps of optional fields when it prints (omitempty). */
static bool is_zero(value v)
{
    switch (value_type(v)) {
    case VALUE_STRING: return !value_str(v).len;
    case VALUE_BOOL: return !value_bool(v);
    case VALUE_INT:
    case VALUE_DOUBLE: return value_double(v) == 0;
    default: return false;
    }
}

static bool is_omitted(struct walk *w, value v, const struct kube_field *f)
{
    if (!w->typed || !f)
        return false;
    if (f->omit_zero && is_zero(v))
        return true;
    return !f->required && !value_len(v) &&
           ((value_is_list(v) && f->type->type == KUBE_LIST) ||
            (value_is_map(v) && f->type->type == KUBE_MAP));
}

/* Place of the first byte that base64 does not allow, as encoding/base64 reports it; -1: fine. */
static ptrdiff_t bad_base64(struct walk *w, str s)
{
    str unused;
    size_t i = 0;
    if (base64_parse(w->c->a, s, &unused))
        return -1;
    while (i < s.len && ((s.at[i] >= 'a' && s.at[i] <= 'z') || (s.at[i] >= 'A' && s.at[i] <= 'Z') ||
                         (s.at[i] >= '0' && s.at[i] <= '9') || s.at[i] == '+' || s.at[i] == '/'))
        i++;
    return (ptrdiff_t)i;
}

static bool walk_map(struct walk *w, value v, value was, const struct kube_schema *s, value *ret)
{
    struct arena *a = w->c->a;
    value out = value_new_map(a), child;
    for (struct value_iter it = value_iter(v); value_next(&it);) {
        value before = value_get(was, it.key);
        if (value_same_place(it.val, before)) {
            value_set(a, out, it.key, it.val);
            continue;
        }
        const struct kube_field *f = s->type == KUBE_STRUCT ? kube_schema_field(s, it.key) : NULL;
        const struct kube_schema *sub = f ? f->type : s->elem;
        size_t mark = push_key(w, it.key), go_mark = push_go(w, f);
        if (f && s->name.len)
            w->go_struct = kube_schema_short_name(s);
        if (!sub && (s->preserve_unknown || s->type != KUBE_STRUCT)) {
            value_set(a, out, it.key, it.val);
        } else if (!sub) {
            vec_push(a, &w->unknown, path_now(w));
        } else if (w->typed && value_is_null(it.val) && s->type == KUBE_STRUCT) {
            ;
        } else if (walk_value(w, it.val, before, sub, &child) && !is_omitted(w, child, f)) {
            value_set(a, out, it.key, child);
        }
        pop(w, mark);
        w->go_path.len = go_mark;
    }
    *ret = out;
    return true;
}

static bool walk_list(struct walk *w, value v, value was, const struct kube_schema *s, value *ret)
{
    value out = value_new_list(w->c->a), child;
    for (struct value_iter it = value_iter(v); value_next(&it);) {
        size_t mark = w->path.len;
        buf_printf(&w->path, "[%zu]", it.i);
        if (walk_value(w, it.val, value_at(was, it.i), s->elem, &child))
            value_push(w->c->a, out, child);
        pop(w, mark);
    }
    *ret = out;
    return true;
}

/* What stands in `was` at the same place went this way before. */
static bool walk_value(struct walk *w, value v, value was, const struct kube_schema *s, value *ret)
{
    *ret = v;
    if (value_same_place(v, was))
        return true;
    if (value_is_null(v) && (w->typed || s->nullable || s->type == KUBE_ANY))
        return true;
    if (!type_fits(v, s)) {
        wrong_type(w, v, s);
        return false;
    }
    if (s->type == KUBE_BYTES && w->typed && !w->type_error.len && bad_base64(w, value_str(v)) >= 0)
        w->type_error = arena_printf(w->c->a, "illegal base64 data at input byte %td",
                                     bad_base64(w, value_str(v)));
    if (s->type == KUBE_STRUCT || s->type == KUBE_MAP)
        return walk_map(w, v, was, s, ret);
    if (s->type == KUBE_LIST && s->elem)
        return walk_list(w, v, was, s, ret);
    return true;
}

static int report(struct walk *w)
{
    struct mk_ctx *c = w->c;
    if (w->type_error.len)
        return mk_bad_request(c, "%.*s in version \"%.*s\" cannot be handled as a %.*s: %.*s",
                              STR_FMT(c->r->kind), STR_FMT(c->r->version), STR_FMT(c->r->kind),
                              STR_FMT(w->type_error));
    if (w->unknown.n && c->validation == MK_VALIDATE_STRICT) {
        str list = STR("");
        for (size_t i = 0; i < w->unknown.n; i++)
            list = arena_printf(c->a, "%.*s%sunknown field \"%.*s\"", STR_FMT(list), i ? ", " : "",
                                STR_FMT(w->unknown.at[i]));
        return mk_bad_request(
            c,
            "%.*s in version \"%.*s\" cannot be handled as a %.*s: strict decoding error: "
            "%.*s",
            STR_FMT(c->r->kind), STR_FMT(c->r->version), STR_FMT(c->r->kind), STR_FMT(list));
    }
    for (size_t i = 0; i < w->unknown.n && c->validation == MK_VALIDATE_WARN; i++)
        mk_warn(c, arena_printf(c->a, "unknown field \"%.*s\"", STR_FMT(w->unknown.at[i])));
    return w->causes.n ? mk_invalid(c, c->p.name, &w->causes) : 0;
}

/* The replica count that the scale door reads must be a number. */
static void check_scale(struct walk *w, value object)
{
    str path = value_path_str(w->c->r->crd_version, "subresources.scale.specReplicasPath");
    if (!path.len || !w->causes.n)
        return;
    value v = value_path(object, arena_cstr(w->c->a, str_trim_prefix(path, STR("."))));
    if (value_exists(v) && !value_is_number(v))
        mk_cause(w->c, &w->causes, "FieldValueInvalid", path,
                 "Invalid value: 0: %.*s accessor error: %.*s is of the type %s, expected int64",
                 STR_FMT(path),
                 STR_FMT(value_is_string(v) ? value_str(v)
                                            : json_str(w->c->a, v, AUDIENCE_WIRE, 0)),
                 json_type(v));
}

int mk_validate_fields(struct mk_ctx *c, value settled, value object)
{
    struct walk w = {.c = c, .typed = c->r->builtin != NULL, .path = BUF_INIT, .go_path = BUF_INIT};
    value clean;
    walk_value(&w, object, settled, c->r->schema, &clean);
    check_scale(&w, object);
    buf_done(&w.path);
    buf_done(&w.go_path);
    if (report(&w) < 0)
        return -1;
    /* the caller's root is kept: only its entries change */
    while (value_len(object))
        value_remove(object, value_key(object, value_len(object) - 1));
    for (struct value_iter it = value_iter(clean); value_next(&it);)
        value_set(c->a, object, it.key, it.val);
    return 0;
}
