/* value/bind/check.c: validation by bind tables, in the words of the API server. */
#include <math.h>

#include "base/time.h"
#include "value/bind.h"
#include "value/bind/table.h"
#include "value/json.h"
#include "value/text.h"

#define PATH_BYTES_MAX 1000

struct checker {
    bind_problem_fn *fn;
    void *arg;
    unsigned flags;
    size_t n_problems;
    bool stopped;
    struct arena arena; /* texts of one problem */
    size_t path_len;
    char path[PATH_BYTES_MAX];
};

/* ---- the path to where we are ---- */

static size_t path_push(struct checker *c, const char *before, str name, const char *behind)
{
    size_t was = c->path_len;
    if (was == 0 && before[0] == '.')
        before = "";
    int n =
        snprintf(c->path + was, sizeof(c->path) - was, "%s%.*s%s", before, STR_FMT(name), behind);
    c->path_len = MIN_OF(was + (size_t)n, sizeof(c->path) - 1);
    return was;
}

static void path_pop(struct checker *c, size_t was)
{
    c->path_len = was;
    c->path[was] = 0;
}

static void problem(struct checker *c, value at, str text)
{
    struct bind_problem p = {str_mem(c->path, c->path_len), text, value_pos(at)};
    c->n_problems++;
    if (c->fn && c->fn(c->arg, &p))
        c->stopped = true;
    arena_reset(&c->arena);
}

/* `Invalid value: SHOWN: PATH in body TEXT` */
static void invalid(struct checker *c, value v, str shown, str text)
{
    problem(c, v,
            arena_printf(&c->arena, "Invalid value: %.*s: %s in body %.*s", STR_FMT(shown), c->path,
                         STR_FMT(text)));
}

static str shown(struct checker *c, value v)
{
    return json_str(&c->arena, v, AUDIENCE_LOG, JSON_NO_HTML | JSON_SORT_KEYS);
}

/* ---- types ---- */

static const char *json_type(value v)
{
    switch (value_type(v)) {
    case VALUE_BOOL: return "boolean";
    case VALUE_INT:
    case VALUE_UINT: return "integer";
    case VALUE_DOUBLE: return value_double(v) == floor(value_double(v)) ? "integer" : "number";
    case VALUE_STRING: return "string";
    case VALUE_LIST: return "array";
    case VALUE_MAP: return "object";
    default: return "null";
    }
}

static const struct {
    const char *type, *format;
} openapi[] = {
    [BIND_STRING] = {"string", NULL},     [BIND_BOOL] = {"boolean", NULL},
    [BIND_INT32] = {"integer", "int32"},  [BIND_INT64] = {"integer", "int64"},
    [BIND_DOUBLE] = {"number", "double"}, [BIND_TIME] = {"string", "date-time"},
    [BIND_BYTES] = {"string", "byte"},    [BIND_INT_OR_STRING] = {NULL, NULL},
    [BIND_OBJECT] = {"object", NULL},     [BIND_ANY] = {NULL, NULL},
    [BIND_METADATA] = {"object", NULL},
};

const char *bind_openapi_type(enum bind_type t) { return openapi[t].type; }

const char *bind_openapi_format(const struct bind_field *f)
{
    return f->format ? f->format : openapi[f->type].format;
}

static bool type_fits(const char *wanted, const char *found)
{
    return str_is(str_of(wanted), found) ||
           (str_is(str_of(wanted), "number") && str_is(str_of(found), "integer"));
}

/* True when v is of the OpenAPI type; else says so. */
static bool check_type(struct checker *c, value v, const char *wanted)
{
    const char *found = json_type(v);
    if (type_fits(wanted, found))
        return true;
    str quoted = arena_printf(&c->arena, "\"%s\"", found);
    invalid(c, v, quoted,
            arena_printf(&c->arena, "must be of type %s: %.*s", wanted, STR_FMT(quoted)));
    return false;
}

static void check_one_of(struct checker *c, value v, const struct bind_field *f)
{
    str list = STR("");
    for (const char *const *o = f->one_of; *o; o++)
        if (str_is(value_str(v), *o))
            return;
    for (const char *const *o = f->one_of; *o; o++) {
        list = arena_printf(&c->arena, "%.*s%s\"%s\"", STR_FMT(list), list.len ? ", " : "", *o);
    }
    str text = shown(c, v);
    problem(c, v,
            arena_printf(&c->arena, "Unsupported value: %.*s: supported values: %.*s",
                         STR_FMT(text), STR_FMT(list)));
}

static size_t characters(str s)
{
    size_t n = 0;
    for (const char *p = s.at, *end = p + s.len; p < end; n++) {
        unsigned len = utf8_len(p, end);
        p += len ? len : 1;
    }
    return n;
}

static void check_string(struct checker *c, value v, const struct bind_field *f)
{
    str s = value_str(v);
    usec ignored;
    int64_t len = f->min || f->max ? (int64_t)characters(s) : 0;
    if (f->type == BIND_TIME && !time_parse(s, &ignored)) {
        str text = shown(c, v);
        invalid(c, v, text,
                arena_printf(&c->arena, "must be of type date-time: %.*s", STR_FMT(text)));
    } else if (f->one_of)
        check_one_of(c, v, f);
    else if (f->min > 0 && len < f->min)
        invalid(c, v, shown(c, v),
                arena_printf(&c->arena, "should be at least %lld chars long", (long long)f->min));
    else if (f->max > 0 && len > f->max)
        problem(c, v,
                arena_printf(&c->arena, "Too long: may not be more than %lld bytes",
                             (long long)f->max));
}

static void check_integer(struct checker *c, value v, const struct bind_field *f)
{
    int64_t i = value_int(v);
    if (f->min == 0 && f->max == 0)
        return;
    if (i < f->min)
        invalid(c, v, shown(c, v),
                arena_printf(&c->arena, "should be greater than or equal to %lld",
                             (long long)f->min));
    else if (f->max > f->min && i > f->max)
        invalid(c, v, shown(c, v),
                arena_printf(&c->arena, "should be less than or equal to %lld", (long long)f->max));
}

/* ---- fields and objects ---- */

static void check_object(struct checker *c, const struct bind_table *t, value v, bool keep_unknown);

static void check_single(struct checker *c, const struct bind_field *f, value v)
{
    enum value_type t = value_type(v);
    if (f->type == BIND_ANY)
        return;
    if (f->type == BIND_INT_OR_STRING) {
        if (t != VALUE_STRING && str_is(str_of(json_type(v)), "integer") == false)
            check_type(c, v, "integer,string");
        return;
    }
    bool fraction = t == VALUE_DOUBLE && str_is(str_of(json_type(v)), "number");
    if (fraction && (f->type == BIND_INT32 || f->type == BIND_INT64)) {
        invalid(c, v, STR("\"float64\""),
                arena_printf(&c->arena, "must be of type %s: \"float64\"", bind_openapi_format(f)));
        return;
    }
    if (!check_type(c, v, openapi[f->type].type))
        return;
    switch (f->type) {
    case BIND_STRING:
    case BIND_TIME:
    case BIND_BYTES: check_string(c, v, f); break;
    case BIND_INT32:
    case BIND_INT64: check_integer(c, v, f); break;
    case BIND_OBJECT:
        if (f->table)
            check_object(c, f->table, v, f->flags & BIND_KEEP_UNKNOWN);
        break;
    default: break;
    }
}

static void check_length(struct checker *c, const struct bind_field *f, value v)
{
    int64_t n = (int64_t)value_len(v);
    if (f->shape == BIND_LIST && f->min > 0 && n < f->min)
        invalid(c, v, arena_printf(&c->arena, "%lld", (long long)n),
                arena_printf(&c->arena, "should have at least %lld items", (long long)f->min));
    else if (f->shape == BIND_LIST && f->max > 0 && n > f->max)
        problem(c, v,
                arena_printf(&c->arena, "Too many: %lld: must have at most %lld items",
                             (long long)n, (long long)f->max));
}

static void check_field(struct checker *c, const struct bind_field *f, value v)
{
    if (value_is_null(v))
        return;
    if (f->shape == BIND_ONE) {
        check_single(c, f, v);
        return;
    }
    if (!check_type(c, v, f->shape == BIND_LIST ? "array" : "object"))
        return;
    check_length(c, f, v);
    for (struct value_iter it = value_iter(v); value_next(&it) && !c->stopped;) {
        char index[24];
        snprintf(index, sizeof(index), "%zu", it.i);
        size_t was = f->shape == BIND_LIST ? path_push(c, "[", str_of(index), "]")
                                           : path_push(c, ".", it.key, "");
        struct bind_field one = *f;
        one.min = one.max = 0;
        check_single(c, &one, it.val);
        path_pop(c, was);
    }
}

static void check_unknown(struct checker *c, const struct bind_table *t, value v)
{
    for (struct value_iter it = value_iter(v); value_next(&it) && !c->stopped;) {
        if (bind_find_in_schema(t, it.key) || bind_is_implied(t, it.key))
            continue;
        size_t was = path_push(c, ".", it.key, "");
        str text = arena_printf(&c->arena, "unknown field \"%s\"", c->path);
        problem(c, it.val, text);
        path_pop(c, was);
    }
}

static void check_object(struct checker *c, const struct bind_table *t, value v, bool keep_unknown)
{
    if (c->flags & BIND_REFUSE_UNKNOWN && !keep_unknown)
        check_unknown(c, t, v);
    for (size_t i = 0; i < t->n_fields && !c->stopped; i++) {
        const struct bind_field *f = &t->field[i];
        value field = value_get(v, str_of(f->name));
        size_t was = path_push(c, ".", str_of(f->name), "");
        bool null_is_a_value = f->flags & BIND_NULLABLE; /* else it counts as missing */
        if (null_is_a_value ? value_exists(field) : !value_is_nil(field))
            check_field(c, f, field);
        else if (f->flags & BIND_REQUIRED && !(c->flags & BIND_IGNORE_REQUIRED))
            problem(c, v, STR("Required value"));
        path_pop(c, was);
    }
}

size_t bind_check_each(const struct bind_table *t, value v, unsigned flags, bind_problem_fn *fn,
                       void *arg)
{
    struct checker c = {.fn = fn, .arg = arg, .flags = flags};
    arena_init(&c.arena, ARENA_BYTES_DEFAULT);
    if (check_type(&c, v, "object"))
        check_object(&c, t, v, false);
    arena_done(&c.arena);
    return c.n_problems;
}

struct first_problem {
    str file;
    struct err *err;
};

static int note_first(void *arg, const struct bind_problem *p)
{
    struct first_problem *f = arg;
    bool about_path = !str_starts(p->text, STR("unknown field"));
    err_set(f->err, ERR_INVALID, "%.*s%s%.*s", STR_FMT(p->path),
            p->path.len && about_path ? ": " : "", STR_FMT(p->text));
    if (!about_path)
        err_set(f->err, ERR_INVALID, "%.*s", STR_FMT(p->text));
    if (p->pos.line)
        err_wrap(f->err, "%.*s%s%u:%u", STR_FMT(f->file), f->file.len ? ":" : "", p->pos.line,
                 p->pos.column);
    else if (f->file.len)
        err_wrap(f->err, "%.*s", STR_FMT(f->file));
    return 1;
}

int bind_check(const struct bind_table *t, value v, str file, unsigned flags, struct err *err)
{
    struct err scratch;
    struct first_problem first = {file, err ? err : &scratch};
    return bind_check_each(t, v, flags, note_first, &first) ? -ERR_INVALID : 0;
}
