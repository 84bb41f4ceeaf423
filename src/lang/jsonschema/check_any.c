/* lang/jsonschema/check_any.c: keywords for any value: type, const, enum, format. */
#include <stdio.h>

#include "lang/jsonschema/check.h"

static str number_text(struct arena *a, value v)
{
    str literal = value_literal(v);
    if (literal.len)
        return literal;
    char at[32];
    double d = value_double(v);
    if (value_type(v) == VALUE_INT)
        return arena_printf(a, "%lld", (long long)value_int(v));
    snprintf(at, sizeof(at), "%.17g", d);
    return arena_str(a, str_of(at));
}

static str display(struct arena *a, value v)
{
    if (value_is_string(v))
        return schema_quote(a, value_str(v));
    if (value_is_list(v) || value_is_map(v))
        return STR("value");
    if (value_type(v) == VALUE_BOOL)
        return value_bool(v) ? STR("true") : STR("false");
    return value_is_nil(v) ? STR("<nil>") : number_text(a, v);
}

static str type_list(struct arena *a, unsigned types)
{
    static const char *const names[] = {"null",   "boolean", "number", "integer",
                                        "string", "array",   "object"};
    str all = STR("");
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (types & 1u << i)
            all = ARENA_CAT(a, all, all.len ? STR(" or ") : STR(""), str_of(names[i]));
    return all;
}

static bool type_matches(const struct check *c)
{
    unsigned t = type_of(c->v);
    struct decimal d;
    if (!c->s->types || (c->s->types & t))
        return true;
    return (c->s->types & TYPE_INTEGER) && t == TYPE_NUMBER && decimal_of(c->v, &d) &&
           decimal_is_integer(&d);
}

static bool is_one_of(value v, value list)
{
    for (struct value_iter it = value_iter(list); value_next(&it);)
        if (value_equal(v, it.val))
            return true;
    return false;
}

static str enum_text(struct check *c)
{
    struct arena *a = c->x->arena;
    str all = STR("");
    if (c->silent)
        return all;
    for (struct value_iter it = value_iter(c->s->enums); value_next(&it);) {
        if (value_is_list(it.val) || value_is_map(it.val))
            return STR("'enum' failed");
        all = ARENA_CAT(a, all, it.i ? STR(", ") : STR(""), display(a, it.val));
    }
    return ARENA_CAT(a,
                     value_len(c->s->enums) == 1 ? STR("value must be ")
                                                 : STR("value must be one of "),
                     all);
}

static struct verror *check_format(struct check *c)
{
    const struct schema *s = c->s;
    struct arena *a = c->x->arena;
    str why = STR("");
    if (!value_is_string(c->v))
        return NULL;
    if (s->format_regex) {
        struct err err;
        const void *program;
        if (!c->x->regexp->compile(value_str(c->v), a, &program, &err))
            return NULL;
        why = arena_str(a, err_str(&err));
    } else if (!s->format || s->format->check(a, value_str(c->v), &why))
        return NULL;
    return check_error(c, ERROR_PLAIN,
                       CHECK_TEXT(c, "%.*s is not valid %s: %.*s", STR_FMT(display(a, c->v)),
                                  s->format ? s->format->name : "regex", STR_FMT(why)));
}

/* The first of these to fail ends the schema. */
struct verror *check_basics(struct check *c)
{
    const struct schema *s = c->s;
    struct arena *a = c->x->arena;
    if (!type_matches(c))
        return check_error(c, ERROR_PLAIN,
                           CHECK_TEXT(c, "got %.*s, want %.*s",
                                      STR_FMT(type_list(a, type_of(c->v))),
                                      STR_FMT(type_list(a, s->types))));
    if (value_exists(s->constant) && !value_equal(c->v, s->constant)) {
        if (value_is_list(s->constant) || value_is_map(s->constant))
            return check_error(c, ERROR_PLAIN, STR("'const' failed"));
        return check_error(c, ERROR_PLAIN,
                           CHECK_TEXT(c, "value must be %.*s", STR_FMT(display(a, s->constant))));
    }
    if (value_exists(s->enums) && !is_one_of(c->v, s->enums))
        return check_error(c, ERROR_PLAIN, enum_text(c));
    return check_format(c);
}
