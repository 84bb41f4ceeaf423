/* lang/template/func/time_type.c: time.Time, Duration, Month, Weekday and Location with their
 * methods.
 *
 * Source: Go 1.26 time. Methods with results that a template cannot take are refused as Go does. */
#include <math.h>

#include "lang/template/func/time_type.h"
#include "lang/template_func.h"

tval time_value(struct arena *a, struct gotime t)
{
    return template_object(&TEMPLATE_T_TIME, arena_copy(a, &t, sizeof t));
}

static int give_int(tval *ret, int64_t i)
{
    *ret = template_int(i);
    return 0;
}

static struct gotime receiver(const struct template_call *c) { return time_of(c->receiver); }

static struct gotime_civil civil_of(const struct template_call *c)
{
    struct gotime_civil civil;
    gotime_civil(receiver(c), &civil);
    return civil;
}

/* ---- time.Time ---- */

#define CIVIL_METHOD(name, field)                                                                  \
    static int name(struct template_call *c, const tval *arg, size_t n, tval *ret)                 \
    {                                                                                              \
        return give_int(ret, civil_of(c).field);                                                   \
    }
CIVIL_METHOD(time_year, year)
CIVIL_METHOD(time_day, day)
CIVIL_METHOD(time_hour, hour)
CIVIL_METHOD(time_minute, minute)
CIVIL_METHOD(time_second, second)
CIVIL_METHOD(time_year_day, yearday)

static int time_nanosecond(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    return give_int(ret, receiver(c).nsec);
}

static int time_month(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    *ret = (tval){.type = &TEMPLATE_T_MONTH, .i = civil_of(c).month};
    return 0;
}

static int time_weekday(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    *ret = (tval){.type = &TEMPLATE_T_WEEKDAY, .i = civil_of(c).weekday};
    return 0;
}

static int unix_in(struct template_call *c, int64_t per_second, tval *ret)
{
    struct gotime t = receiver(c);
    uint64_t whole = (uint64_t)t.sec * (uint64_t)per_second;
    *ret = template_int64((int64_t)(whole + (uint64_t)(t.nsec / (GOTIME_SECOND / per_second))));
    return 0;
}

static int time_unix(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    return unix_in(c, 1, ret);
}

static int time_unix_milli(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    return unix_in(c, 1000, ret);
}

static int time_unix_micro(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    return unix_in(c, 1000000, ret);
}

static int time_unix_nano(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    return unix_in(c, GOTIME_SECOND, ret);
}

static int in_zone(struct template_call *c, const struct gozone *zone, tval *ret)
{
    struct gotime t = receiver(c);
    t.zone = zone;
    *ret = time_value(c->arena, t);
    return 0;
}

static int time_utc(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    return in_zone(c, &GOZONE_UTC, ret);
}

static int time_local(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    return in_zone(c, &GOZONE_LOCAL, ret);
}

static int time_in(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    if (!arg[0].p)
        return template_fail(c, "time: missing Location in call to Time.In");
    return in_zone(c, arg[0].p, ret);
}

static int time_location(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    *ret = template_object(&TEMPLATE_T_LOCATION, receiver(c).zone);
    return 0;
}

static int time_format(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    struct buf *b = template_buf(c);
    gotime_format(receiver(c), template_text(arg[0]), b);
    return template_buf_tval(c, b, ret);
}

static str time_text(tval v, struct arena *a)
{
    struct buf b = BUF_INIT;
    gotime_print(time_of(v), &b);
    str s = arena_str(a, buf_str(&b));
    buf_done(&b);
    return s;
}

static int time_string(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    *ret = template_str(time_text(c->receiver, c->arena));
    return 0;
}

static str time_go_text(tval v, struct arena *a)
{
    struct gotime_civil t;
    struct gotime at = time_of(v);
    gotime_civil(at, &t);
    str zone = at.zone == &GOZONE_UTC ? STR("time.UTC")
               : at.zone == &GOZONE_LOCAL
                   ? STR("time.Local")
                   : arena_printf(a, "time.Location(\"%.*s\")", STR_FMT(at.zone->name));
    return arena_printf(a, "time.Date(%lld, time.%s, %d, %d, %d, %d, %d, %.*s)", (long long)t.year,
                        GOTIME_MONTHS[t.month - 1], t.day, t.hour, t.minute, t.second, at.nsec,
                        STR_FMT(zone));
}

static int time_go_string(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    *ret = template_str(time_go_text(c->receiver, c->arena));
    return 0;
}

static int time_add(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    *ret = time_value(c->arena, gotime_add(receiver(c), arg[0].i));
    return 0;
}

static int time_sub(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    *ret = (tval){.type = &TEMPLATE_T_DURATION, .i = gotime_sub(receiver(c), time_of(arg[0]))};
    return 0;
}

static int clamp_int(int64_t i)
{
    return i > 1000000000 ? 1000000000 : i < -1000000000 ? -1000000000 : (int)i;
}

static int time_add_date(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    struct gotime t = receiver(c);
    struct gotime_civil civil = civil_of(c);
    civil.year += clamp_int(arg[0].i);
    civil.month = clamp_int(civil.month + (int64_t)clamp_int(arg[1].i));
    civil.day = clamp_int(civil.day + (int64_t)clamp_int(arg[2].i));
    *ret = time_value(c->arena, gotime_date(&civil, t.nsec, t.zone));
    return 0;
}

static int compare(struct template_call *c, const tval *arg)
{
    return gotime_cmp(receiver(c), time_of(arg[0]));
}

static int time_before(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    *ret = template_bool(compare(c, arg) < 0);
    return 0;
}

static int time_after(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    *ret = template_bool(compare(c, arg) > 0);
    return 0;
}

static int time_equal(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    *ret = template_bool(compare(c, arg) == 0);
    return 0;
}

static int time_compare(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    return give_int(ret, compare(c, arg));
}

static int time_is_zero(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    *ret = template_bool(gotime_is_zero(receiver(c)));
    return 0;
}

static int time_is_dst(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    *ret = template_bool(civil_of(c).is_dst);
    return 0;
}

/* What lies past the last multiple of the unit since the year one. */
static int64_t past_unit(struct gotime t, int64_t unit)
{
    __int128 nsec = ((__int128)t.sec - GOTIME_YEAR_ONE) * GOTIME_SECOND + t.nsec;
    __int128 rest = nsec % unit;
    return (int64_t)(rest < 0 ? rest + unit : rest);
}

static int time_truncate(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    struct gotime t = receiver(c);
    if (arg[0].i > 0)
        t = gotime_add(t, -past_unit(t, arg[0].i));
    *ret = time_value(c->arena, t);
    return 0;
}

static int time_round(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    struct gotime t = receiver(c);
    if (arg[0].i > 0) {
        int64_t rest = past_unit(t, arg[0].i);
        bool down = (uint64_t)rest + (uint64_t)rest < (uint64_t)arg[0].i;
        t = gotime_add(t, down ? -rest : arg[0].i - rest);
    }
    *ret = time_value(c->arena, t);
    return 0;
}

static bool time_same(const void *a, const void *b)
{
    const struct gotime *x = a, *y = b;
    return gotime_cmp(*x, *y) == 0 && x->zone == y->zone;
}

static value time_marshal(tval v, struct arena *a)
{
    struct buf b = BUF_INIT;
    gotime_format(time_of(v), STR("2006-01-02T15:04:05.999999999Z07:00"), &b);
    value made = value_of_str(a, buf_str(&b));
    buf_done(&b);
    return made;
}

static const struct template_method TIME_METHODS[] = {
    {"Add", "D", time_add},
    {"AddDate", "iii", time_add_date},
    {"After", "t", time_after},
    {"Before", "t", time_before},
    {"Clock", "!function Clock has 3 return values; should be 1 or 2", NULL},
    {"Compare", "t", time_compare},
    {"Date", "!function Date has 3 return values; should be 1 or 2", NULL},
    {"Day", "", time_day},
    {"Equal", "t", time_equal},
    {"Format", "s", time_format},
    {"GoString", "", time_go_string},
    {"Hour", "", time_hour},
    {"ISOWeek",
     "!invalid function signature for ISOWeek: second return value should be error; is int", NULL},
    {"In", "L", time_in},
    {"IsDST", "", time_is_dst},
    {"IsZero", "", time_is_zero},
    {"Local", "", time_local},
    {"Location", "", time_location},
    {"Minute", "", time_minute},
    {"Month", "", time_month},
    {"Nanosecond", "", time_nanosecond},
    {"Round", "D", time_round},
    {"Second", "", time_second},
    {"String", "", time_string},
    {"Sub", "t", time_sub},
    {"Truncate", "D", time_truncate},
    {"UTC", "", time_utc},
    {"Unix", "", time_unix},
    {"UnixMicro", "", time_unix_micro},
    {"UnixMilli", "", time_unix_milli},
    {"UnixNano", "", time_unix_nano},
    {"Weekday", "", time_weekday},
    {"Year", "", time_year},
    {"YearDay", "", time_year_day},
    {"Zone", "!invalid function signature for Zone: second return value should be error; is int",
     NULL},
    {"ZoneBounds",
     "!invalid function signature for ZoneBounds: second return value should be error; is "
     "time.Time",
     NULL},
    {0},
};

const struct template_type TEMPLATE_T_TIME = {TEMPLATE_STRUCT,         "time.Time",
                                              .method = TIME_METHODS,  .text = time_text,
                                              .go_text = time_go_text, .marshal = time_marshal,
                                              .comparable = true,      .equal = time_same};

/* ---- time.Duration ---- */

str duration_text(struct arena *a, int64_t d)
{
    struct buf b = BUF_INIT;
    goduration_print(d, &b);
    str s = arena_str(a, buf_str(&b));
    buf_done(&b);
    return s;
}

static str duration_value_text(tval v, struct arena *a) { return duration_text(a, v.i); }

static int give_float(tval *ret, double d)
{
    *ret = template_float(d);
    return 0;
}

/* Whole units and the rest, as Go adds them: fewer digits are lost. */
static double in_units(int64_t d, int64_t unit)
{
    int64_t whole = d / unit;
    return (double)whole + (double)(d % unit) / (double)unit;
}

static int duration_hours(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    return give_float(ret, in_units(c->receiver.i, 3600 * GOTIME_SECOND));
}

static int duration_minutes(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    return give_float(ret, in_units(c->receiver.i, 60 * GOTIME_SECOND));
}

static int duration_seconds(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    return give_float(ret, in_units(c->receiver.i, GOTIME_SECOND));
}

static int give_int64(tval *ret, int64_t i)
{
    *ret = template_int64(i);
    return 0;
}

static int duration_milliseconds(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    return give_int64(ret, c->receiver.i / 1000000);
}

static int duration_microseconds(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    return give_int64(ret, c->receiver.i / 1000);
}

static int duration_nanoseconds(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    return give_int64(ret, c->receiver.i);
}

static int duration_string(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    *ret = template_str(duration_text(c->arena, c->receiver.i));
    return 0;
}

static int give_duration(tval *ret, int64_t d)
{
    *ret = (tval){.type = &TEMPLATE_T_DURATION, .i = d};
    return 0;
}

static int duration_round(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    return give_duration(ret, goduration_round(c->receiver.i, arg[0].i));
}

static int duration_truncate(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    return give_duration(ret, goduration_truncate(c->receiver.i, arg[0].i));
}

static int duration_abs(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    int64_t d = c->receiver.i;
    return give_duration(ret, d == INT64_MIN ? INT64_MAX : d < 0 ? -d : d);
}

static const struct template_method DURATION_METHODS[] = {
    {"Abs", "", duration_abs},
    {"Hours", "", duration_hours},
    {"Microseconds", "", duration_microseconds},
    {"Milliseconds", "", duration_milliseconds},
    {"Minutes", "", duration_minutes},
    {"Nanoseconds", "", duration_nanoseconds},
    {"Round", "D", duration_round},
    {"Seconds", "", duration_seconds},
    {"String", "", duration_string},
    {"Truncate", "D", duration_truncate},
    {0},
};

const struct template_type TEMPLATE_T_DURATION = {TEMPLATE_INT64,
                                                  "time.Duration",
                                                  .underlying = &TEMPLATE_T_INT64,
                                                  .method = DURATION_METHODS,
                                                  .text = duration_value_text,
                                                  .comparable = true};

/* ---- Month, Weekday, Location ---- */

static str month_text(tval v, struct arena *a)
{
    return v.i >= 1 && v.i <= 12 ? str_of(GOTIME_MONTHS[v.i - 1])
                                 : arena_printf(a, "%%!Month(%lld)", (long long)v.i);
}

static str weekday_text(tval v, struct arena *a)
{
    return v.i >= 0 && v.i <= 6 ? str_of(GOTIME_DAYS[v.i])
                                : arena_printf(a, "%%!Weekday(%lld)", (long long)v.i);
}

static str location_text(tval v, struct arena *a)
{
    const struct gozone *z = v.p;
    return arena_str(a, z ? z->name : STR("UTC"));
}

static int own_text(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    *ret = template_str(c->receiver.type->text(c->receiver, c->arena));
    return 0;
}

static const struct template_method STRING_ONLY[] = {{"String", "", own_text}, {0}};

const struct template_type TEMPLATE_T_MONTH = {TEMPLATE_INT,
                                               "time.Month",
                                               .underlying = &TEMPLATE_T_INT,
                                               .method = STRING_ONLY,
                                               .text = month_text,
                                               .comparable = true};
const struct template_type TEMPLATE_T_WEEKDAY = {TEMPLATE_INT,
                                                 "time.Weekday",
                                                 .underlying = &TEMPLATE_T_INT,
                                                 .method = STRING_ONLY,
                                                 .text = weekday_text,
                                                 .comparable = true};

static const struct template_type LOCATION_STRUCT = {TEMPLATE_STRUCT, "time.Location"};

const struct template_type TEMPLATE_T_LOCATION = {TEMPLATE_PTR, "*time.Location",
                                                  .elem = &LOCATION_STRUCT, .method = STRING_ONLY,
                                                  .text = location_text};
