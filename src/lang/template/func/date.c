/* lang/template/func/date.c: dates. "Local" is UTC. Source: Sprig 3.3 date.go. */
#include "lang/template/func/cast.h"
#include "lang/template/func/rows.h"
#include "lang/template/run.h"
#include "lang/template/strconv.h"
#include "lang/template/func/time_type.h"

static struct gotime now(struct template_call *c)
{
    const struct template_env *env = &c->run->env;
    usec at = env->now ? env->now(env->source_arg) : time_wall_now();
    struct gotime t = {at / USEC_PER_SEC, (int32_t)(at % USEC_PER_SEC) * 1000, &GOZONE_LOCAL};
    return t;
}

int func_now(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    *ret = time_value(c->arena, now(c));
    return 0;
}

/* A time, or whole seconds as int, int32 or int64; everything else is now. */
static struct gotime moment(struct template_call *c, tval v)
{
    if (v.type == &TEMPLATE_T_TIME)
        return time_of(v);
    if (v.type == &TEMPLATE_T_INT || v.type == &TEMPLATE_T_INT64 || v.type == &TEMPLATE_T_INT32)
        return (struct gotime){v.i, 0, &GOZONE_LOCAL};
    return now(c);
}

static int format(struct template_call *c, str layout, tval date, str zone, tval *ret)
{
    struct gotime t = moment(c, date);
    const struct gozone *z = gozone_find(zone, c->arena);
    struct buf *b = template_buf(c);
    t.zone = z ? z : &GOZONE_UTC;
    gotime_format(t, layout, b);
    return template_buf_tval(c, b, ret);
}

int func_date(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    return format(c, template_text(arg[0]), arg[1], STR("Local"), ret);
}

int func_date_in_zone(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    return format(c, template_text(arg[0]), arg[1], template_text(arg[2]), ret);
}

int func_html_date(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    return format(c, STR("2006-01-02"), arg[0], STR("Local"), ret);
}

int func_html_date_in_zone(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    return format(c, STR("2006-01-02"), arg[0], template_text(arg[1]), ret);
}

int func_date_modify(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    int64_t d;
    struct err err;
    bool ok = !goduration_parse(template_text(arg[0]), &d, &err);
    *ret = ok ? time_value(c->arena, gotime_add(time_of(arg[1]), d)) : arg[1];
    return 0;
}

int func_must_date_modify(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    int64_t d;
    struct err err;
    if (goduration_parse(template_text(arg[0]), &d, &err))
        return template_fail_str(c, arena_str(c->arena, err_str(&err)));
    *ret = time_value(c->arena, gotime_add(time_of(arg[1]), d));
    return 0;
}

int func_duration(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    int64_t seconds = 0;
    if (arg[0].type == &TEMPLATE_T_STRING) {
        if (strconv_int(template_text(arg[0]), 10, 64, &seconds) == STRCONV_SYNTAX)
            seconds = 0;
    } else if (arg[0].type == &TEMPLATE_T_INT64) {
        seconds = arg[0].i;
    }
    uint64_t d = (uint64_t)seconds * (uint64_t)GOTIME_SECOND;
    *ret = template_str(duration_text(c->arena, (int64_t)d));
    return 0;
}

int func_duration_round(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    static const struct {
        uint64_t seconds;
        const char *unit;
    } UNIT[] = {{(uint64_t)3600 * 24 * 365, "y"},
                {(uint64_t)3600 * 24 * 30, "mo"},
                {(uint64_t)3600 * 24, "d"},
                {3600, "h"},
                {60, "m"},
                {1, "s"}};
    int64_t d = 0;
    struct err err;
    if (arg[0].type == &TEMPLATE_T_STRING) {
        if (goduration_parse(template_text(arg[0]), &d, &err))
            d = 0;
    } else if (arg[0].type == &TEMPLATE_T_INT64) {
        d = arg[0].i;
    } else if (arg[0].type == &TEMPLATE_T_TIME) {
        d = gotime_sub(now(c), time_of(arg[0]));
    }
    uint64_t size = d < 0 ? 0 - (uint64_t)d : (uint64_t)d;
    *ret = template_strz("0s");
    for (size_t i = 0; i < ARRAY_LEN(UNIT); i++) {
        uint64_t unit = UNIT[i].seconds * (uint64_t)GOTIME_SECOND;
        if (size <= unit)
            continue;
        *ret = template_str(
            arena_printf(c->arena, "%llu%s", (unsigned long long)(size / unit), UNIT[i].unit));
        break;
    }
    return 0;
}

int func_ago(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    bool is_moment = arg[0].type != &TEMPLATE_T_INT32;
    struct gotime then = is_moment ? moment(c, arg[0]) : now(c);
    int64_t d = goduration_round(gotime_sub(now(c), then), GOTIME_SECOND);
    *ret = template_str(duration_text(c->arena, d));
    return 0;
}

int func_to_date(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    struct gotime t;
    struct err err;
    if (gotime_parse(template_text(arg[0]), template_text(arg[1]), &GOZONE_LOCAL, c->arena, &t,
                     &err))
        t = gotime_zero();
    *ret = time_value(c->arena, t);
    return 0;
}

int func_must_to_date(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    struct gotime t;
    struct err err;
    if (gotime_parse(template_text(arg[0]), template_text(arg[1]), &GOZONE_LOCAL, c->arena, &t,
                     &err))
        return template_fail_str(c, arena_str(c->arena, err_str(&err)));
    *ret = time_value(c->arena, t);
    return 0;
}

int func_unix_epoch(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    *ret = template_str(arena_printf(c->arena, "%lld", (long long)time_of(arg[0]).sec));
    return 0;
}
