/* lang/template/func/toml.c: toToml, mustToToml, fromToml.
 *
 * Times are time.Time here and texts with a style in value/toml.h; a local time's zone is named
 * "datetime-local", "date-local" or "time-local", as the library names it. Source: Helm 4.2
 * pkg/engine/funcs.go; BurntSushi/toml 1.6. */
#include "lang/template/func/rows.h"
#include "lang/template/func/time_type.h"
#include "lang/template/run.h"
#include "value/toml.h"

static const struct {
    unsigned style;
    const char *zone; /* NULL: the text has an offset */
    str layout;
} TIME_FORM[] = {
    {TOML_LOCAL_DATETIME, "datetime-local", STR_INIT("2006-01-02T15:04:05.999999999")},
    {TOML_LOCAL_DATE, "date-local", STR_INIT("2006-01-02")},
    {TOML_LOCAL_TIME, "time-local", STR_INIT("15:04:05.999999999")},
    {TOML_DATETIME, NULL, STR_INIT("2006-01-02T15:04:05.999999999Z07:00")},
};

/* ---- to TOML ---- */

static int convert(struct template_call *c, tval v, unsigned depth, value *ret, struct err *err);

static value from_time(struct arena *a, struct gotime t)
{
    size_t i = 0;
    struct buf b = BUF_INIT;
    while (TIME_FORM[i].zone && !str_is(t.zone->name, TIME_FORM[i].zone))
        i++;
    gotime_format(t, TIME_FORM[i].layout, &b);
    value v = value_of_str(a, buf_str(&b));
    buf_done(&b);
    value_set_style(v, TIME_FORM[i].style);
    return v;
}

static int convert_list(struct template_call *c, tval v, unsigned depth, value *ret,
                        struct err *err)
{
    int rc = 0;
    *ret = value_new_list(c->arena);
    for (size_t i = 0; !rc && i < template_len(v); i++) {
        value item;
        rc = convert(c, template_at(v, i), depth + 1, &item, err);
        if (!rc)
            value_push(c->arena, *ret, item);
    }
    return rc;
}

static int convert_map(struct template_call *c, tval v, unsigned depth, value *ret, struct err *err)
{
    size_t n;
    const str *key = template_keys(v, &n);
    int rc = 0;
    *ret = value_new_map(c->arena);
    for (size_t i = 0; !rc && i < n; i++) {
        value item;
        rc = convert(c, template_get(v, key[i], NULL), depth + 1, &item, err);
        if (!rc)
            value_set_borrow_key(c->arena, *ret, key[i], item);
    }
    return rc;
}

static int convert(struct template_call *c, tval v, unsigned depth, value *ret, struct err *err)
{
    v = template_unwrap(v);
    if (depth > TOML_DEPTH_MAX)
        return err_set(err, ERR_TOO_LARGE, "toml: values nest deeper than %d", TOML_DEPTH_MAX);
    if (v.type == &TEMPLATE_T_TIME) {
        *ret = from_time(c->arena, time_of(v));
        return 0;
    }
    if (v.type == &TEMPLATE_T_FLOAT64) {
        *ret = value_of_double(c->arena, v.f);
        return 0;
    }
    if (v.type == &TEMPLATE_T_DURATION) {
        *ret = value_of_str(c->arena, duration_text(c->arena, v.i));
        return 0;
    }
    if (v.type == &TEMPLATE_T_COMPLEX128)
        return err_set(err, ERR_INVALID, "unsupported type for key '': complex128");
    if (v.type && v.type->kind == TEMPLATE_SLICE && !template_is_nil(v))
        return convert_list(c, v, depth, ret, err);
    if (v.type && v.type->kind == TEMPLATE_MAP && !template_is_nil(v))
        return convert_map(c, v, depth, ret, err);
    return template_to_value(v, c->arena, ret, err);
}

static int to_toml(struct template_call *c, tval v, bool must, tval *ret)
{
    value made;
    struct err err;
    struct buf *b;
    int rc = template_charge(c, 1);
    if (rc)
        return rc;
    if (!v.type) /* the library panics */
        return template_fail(c, "reflect: call of reflect.Value.Type on zero Value");
    b = template_buf(c);
    if (!convert(c, v, 0, &made, &err) && !toml_print(made, b, &err))
        return template_buf_tval(c, b, ret);
    str text = arena_str(c->arena, err_str(&err));
    c->run->bufs_out--;
    if (must)
        return template_fail_str(c, text);
    *ret = template_str(text);
    return 0;
}

int func_to_toml(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    return to_toml(c, arg[0], false, ret);
}

int func_must_to_toml(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    return to_toml(c, arg[0], true, ret);
}

/* ---- from TOML ---- */

static const struct gozone LOCAL_DATETIME = {.name = STR_INIT("datetime-local"),
                                             .fixed_abbr = STR_INIT("datetime-local")};
static const struct gozone LOCAL_DATE = {.name = STR_INIT("date-local"),
                                         .fixed_abbr = STR_INIT("date-local")};
static const struct gozone LOCAL_TIME = {.name = STR_INIT("time-local"),
                                         .fixed_abbr = STR_INIT("time-local")};

static tval to_time(struct arena *a, value v)
{
    struct gotime t;
    struct err err;
    unsigned style = value_style(v);
    const struct gozone *zone = style == TOML_LOCAL_DATETIME ? &LOCAL_DATETIME
                                : style == TOML_LOCAL_DATE   ? &LOCAL_DATE
                                : style == TOML_LOCAL_TIME   ? &LOCAL_TIME
                                                             : &GOZONE_LOCAL;
    for (size_t i = 0; i < ARRAY_LEN(TIME_FORM); i++)
        if (TIME_FORM[i].style == style &&
            !gotime_parse(TIME_FORM[i].layout, value_str(v), zone, a, &t, &err))
            return time_value(a, t);
    return template_str(value_str(v));
}

static tval from_value(struct arena *a, value v)
{
    enum value_type type = value_type(v);
    if (type == VALUE_STRING && value_style(v) >= TOML_DATETIME &&
        value_style(v) <= TOML_LOCAL_TIME)
        return to_time(a, v);
    if (type == VALUE_MAP) {
        tval map = template_map_new(a, &TEMPLATE_T_MAP);
        for (struct value_iter it = value_iter(v); value_next(&it);)
            template_put(map, it.key, from_value(a, it.val));
        return map;
    }
    if (type == VALUE_LIST) {
        tval *item = ARENA_ARRAY(a, tval, value_len(v));
        for (struct value_iter it = value_iter(v); value_next(&it);)
            item[it.i] = from_value(a, it.val);
        return template_list(a,
                             value_style(v) == TOML_TABLES ? &TEMPLATE_T_MAP_LIST
                                                           : &TEMPLATE_T_LIST,
                             item, value_len(v));
    }
    return template_unwrap(template_view(a, v, NULL));
}

int func_from_toml(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    value v;
    struct err err;
    if (!toml_parse(template_text(arg[0]), c->arena, &v, &err)) {
        *ret = from_value(c->arena, v);
        return 0;
    }
    *ret = template_map_new(c->arena, &TEMPLATE_T_MAP);
    template_put(*ret, STR("Error"), template_str(arena_str(c->arena, err_str(&err))));
    return 0;
}
