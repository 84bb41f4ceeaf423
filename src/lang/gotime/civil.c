/* lang/gotime/civil.c: calendar arithmetic and durations. */
#include "lang/gotime.h"

#define DAY_SECONDS 86400

struct gotime gotime_zero(void) { return (struct gotime){GOTIME_YEAR_ONE, 0, &GOZONE_UTC}; }

bool gotime_is_zero(struct gotime t) { return t.sec == GOTIME_YEAR_ONE && t.nsec == 0; }

static int64_t floor_div(int64_t a, int64_t b) { return a / b - (a % b < 0); }

/* Days since 1970-01-01 of a date of the proleptic Gregorian calendar (eras of 400 years, years
 * that begin in March). */
static int64_t days_of(int64_t year, int month, int day)
{
    year -= month <= 2;
    int64_t era = floor_div(year, 400), yoe = year - era * 400;
    int64_t doy = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

static void date_of(int64_t days, struct gotime_civil *ret)
{
    days += 719468;
    int64_t era = floor_div(days, 146097), doe = days - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;
    ret->day = (int)(doy - (153 * mp + 2) / 5 + 1);
    ret->month = (int)(mp < 10 ? mp + 3 : mp - 9);
    ret->year = yoe + era * 400 + (ret->month <= 2);
}

void gotime_civil(struct gotime t, struct gotime_civil *ret)
{
    *ret = (struct gotime_civil){0};
    gozone_at(t.zone, t.sec, &ret->offset, &ret->abbr, &ret->is_dst);
    int64_t local = t.sec + ret->offset, days = floor_div(local, DAY_SECONDS);
    int rest = (int)(local - days * DAY_SECONDS);
    date_of(days, ret);
    ret->hour = rest / 3600;
    ret->minute = rest / 60 % 60;
    ret->second = rest % 60;
    ret->weekday = (int)(((days + 4) % 7 + 7) % 7);
    ret->yearday = (int)(days - days_of(ret->year, 1, 1)) + 1;
}

struct gotime gotime_date(const struct gotime_civil *f, int32_t nsec, const struct gozone *zone)
{
    int64_t month = f->month - 1, year = f->year + floor_div(month, 12);
    int32_t offset;
    str abbr;
    bool is_dst;
    month -= floor_div(month, 12) * 12;
    int64_t days = days_of(year, (int)month + 1, 1) + f->day - 1;
    int64_t sec =
        days * DAY_SECONDS + (int64_t)f->hour * 3600 + (int64_t)f->minute * 60 + f->second;
    /* first the offset of the local time taken for UTC, then, near a change, that of what it gives
     */
    gozone_at(zone, sec, &offset, &abbr, &is_dst);
    if (offset)
        gozone_at(zone, sec - offset, &offset, &abbr, &is_dst);
    return (struct gotime){sec - offset, nsec, zone};
}

struct gotime gotime_add(struct gotime t, int64_t d)
{
    int64_t nsec = t.nsec + d % GOTIME_SECOND;
    t.sec = (int64_t)((uint64_t)t.sec + (uint64_t)(d / GOTIME_SECOND));
    if (nsec >= GOTIME_SECOND) {
        t.sec++;
        nsec -= GOTIME_SECOND;
    } else if (nsec < 0) {
        t.sec--;
        nsec += GOTIME_SECOND;
    }
    t.nsec = (int32_t)nsec;
    return t;
}

int gotime_cmp(struct gotime a, struct gotime b)
{
    if (a.sec != b.sec)
        return a.sec < b.sec ? -1 : 1;
    return a.nsec < b.nsec ? -1 : a.nsec > b.nsec;
}

int64_t gotime_sub(struct gotime a, struct gotime b)
{
    int64_t sec, d;
    if (__builtin_sub_overflow(a.sec, b.sec, &sec) ||
        __builtin_mul_overflow(sec, GOTIME_SECOND, &d) ||
        __builtin_add_overflow(d, (int64_t)a.nsec - b.nsec, &d))
        return gotime_cmp(a, b) < 0 ? INT64_MIN : INT64_MAX;
    return d;
}

/* ---- durations ---- */

int64_t goduration_truncate(int64_t d, int64_t unit) { return unit <= 0 ? d : d - d % unit; }

int64_t goduration_round(int64_t d, int64_t unit)
{
    int64_t rest, r;
    if (unit <= 0)
        return d;
    rest = d % unit;
    if (d < 0) {
        rest = -rest;
        if ((uint64_t)rest + (uint64_t)rest < (uint64_t)unit)
            return d + rest;
        return __builtin_sub_overflow(d, unit - rest, &r) ? INT64_MIN : r;
    }
    if ((uint64_t)rest + (uint64_t)rest < (uint64_t)unit)
        return d - rest;
    return __builtin_add_overflow(d, unit - rest, &r) ? INT64_MAX : r;
}

/* Whole part, and a fraction of `digits` digits without trailing zeros. */
static void add_decimal(struct buf *b, uint64_t u, uint64_t unit, int digits)
{
    uint64_t rest = u % unit;
    buf_printf(b, "%llu", (unsigned long long)(u / unit));
    if (!rest)
        return;
    while (rest % 10 == 0) {
        rest /= 10;
        digits--;
    }
    buf_printf(b, ".%0*llu", digits, (unsigned long long)rest);
}

void goduration_print(int64_t d, struct buf *out)
{
    uint64_t u = d < 0 ? 0 - (uint64_t)d : (uint64_t)d;
    if (d < 0)
        buf_addc(out, '-');
    if (u == 0) {
        buf_addz(out, "0s");
    } else if (u < 1000) {
        buf_printf(out, "%lluns", (unsigned long long)u);
    } else if (u < 1000000) {
        add_decimal(out, u, 1000, 3);
        buf_addz(out, "\xC2\xB5s");
    } else if (u < 1000000000) {
        add_decimal(out, u, 1000000, 6);
        buf_addz(out, "ms");
    } else {
        uint64_t seconds = u / 1000000000, minutes = seconds / 60;
        if (minutes >= 60)
            buf_printf(out, "%lluh", (unsigned long long)(minutes / 60));
        if (minutes)
            buf_printf(out, "%llum", (unsigned long long)(minutes % 60));
        add_decimal(out, u - minutes * 60 * 1000000000, 1000000000, 9);
        buf_addc(out, 's');
    }
}

static const struct {
    str name;
    uint64_t size;
} UNIT[] = {
    {STR_INIT("ns"), 1},
    {STR_INIT("us"), 1000},
    {STR_INIT("\xC2\xB5s"), 1000},
    {STR_INIT("\xCE\xBCs"), 1000},
    {STR_INIT("ms"), 1000000},
    {STR_INIT("s"), 1000000000},
    {STR_INIT("m"), 60 * (uint64_t)1000000000},
    {STR_INIT("h"), 3600 * (uint64_t)1000000000},
};

/* Go's time.quote: bytes that are no printable ASCII as \xNN. */
static str quote(str s, char *ret, size_t room)
{
    struct buf b = BUF_INIT;
    buf_addc(&b, '"');
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.at[i];
        if (c < ' ' || c >= 0x80)
            buf_printf(&b, "\\x%02x", c);
        else if (c == '"' || c == '\\')
            buf_printf(&b, "\\%c", c);
        else
            buf_addc(&b, (char)c);
    }
    buf_addc(&b, '"');
    size_t n = MIN_OF(b.len, room);
    for (size_t i = 0; i < n; i++)
        ret[i] = b.at[i];
    buf_done(&b);
    return str_mem(ret, n);
}

#define QUOTED_MAX 512

static int bad(str text, const char *what, str unit, struct err *err)
{
    char shown[QUOTED_MAX], shown_unit[QUOTED_MAX];
    str q = quote(text, shown, sizeof shown), u = quote(unit, shown_unit, sizeof shown_unit);
    if (unit.len)
        return err_set(err, ERR_INVALID, "time: %s %.*s in duration %.*s", what, STR_FMT(u),
                       STR_FMT(q));
    return err_set(err, ERR_INVALID, "time: %s duration %.*s", what, STR_FMT(q));
}

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

/* Digits; false: more than an int64 and a half holds. */
static bool take_int(str *io, uint64_t *ret)
{
    *ret = 0;
    for (; io->len && is_digit(io->at[0]); *io = str_from(*io, 1)) {
        if (*ret > ((uint64_t)1 << 63) / 10)
            return false;
        *ret = *ret * 10 + (uint64_t)(io->at[0] - '0');
        if (*ret > (uint64_t)1 << 63)
            return false;
    }
    return true;
}

/* Digits behind the point: those that still fit count. */
static void take_fraction(str *io, uint64_t *ret, double *ret_scale)
{
    bool is_full = false;
    *ret = 0;
    *ret_scale = 1;
    for (; io->len && is_digit(io->at[0]); *io = str_from(*io, 1)) {
        if (is_full || *ret > (((uint64_t)1 << 63) - 1) / 10) {
            is_full = true;
            continue;
        }
        uint64_t next = *ret * 10 + (uint64_t)(io->at[0] - '0');
        if (next > (uint64_t)1 << 63) {
            is_full = true;
            continue;
        }
        *ret = next;
        *ret_scale *= 10;
    }
}

static str take_unit(str *io)
{
    size_t n = 0;
    while (n < io->len && io->at[n] != '.' && !is_digit(io->at[n]))
        n++;
    str unit = str_sub(*io, 0, n);
    *io = str_from(*io, n);
    return unit;
}

/* One "1.5h". */
static int take_term(str *io, str text, uint64_t *io_sum, struct err *err)
{
    uint64_t v, f = 0, size = 0;
    double scale = 1;
    str before = *io;
    if (io->at[0] != '.' && !is_digit(io->at[0]))
        return bad(text, "invalid", STR(""), err);
    if (!take_int(io, &v))
        return bad(text, "invalid", STR(""), err);
    bool has_digits = io->len < before.len;
    if (io->len && io->at[0] == '.') {
        *io = str_from(*io, 1);
        size_t len = io->len;
        take_fraction(io, &f, &scale);
        has_digits = has_digits || io->len < len;
    }
    if (!has_digits)
        return bad(text, "invalid", STR(""), err);
    str unit = take_unit(io);
    if (!unit.len)
        return bad(text, "missing unit in", STR(""), err);
    for (size_t i = 0; i < ARRAY_LEN(UNIT); i++)
        if (str_eq(UNIT[i].name, unit))
            size = UNIT[i].size;
    if (!size)
        return bad(text, "unknown unit", unit, err);
    if (v > ((uint64_t)1 << 63) / size)
        return bad(text, "invalid", STR(""), err);
    v *= size;
    v += (uint64_t)((double)f * ((double)size / scale));
    if (v > (uint64_t)1 << 63 || *io_sum + v > (uint64_t)1 << 63)
        return bad(text, "invalid", STR(""), err);
    *io_sum += v;
    return 0;
}

int goduration_parse(str text, int64_t *ret, struct err *err)
{
    str s = text;
    uint64_t sum = 0;
    bool is_negative = s.len && s.at[0] == '-';
    if (s.len && (s.at[0] == '-' || s.at[0] == '+'))
        s = str_from(s, 1);
    if (str_is(s, "0")) {
        *ret = 0;
        return 0;
    }
    if (!s.len)
        return bad(text, "invalid", STR(""), err);
    while (s.len) {
        int rc = take_term(&s, text, &sum, err);
        if (rc)
            return rc;
    }
    if (!is_negative && sum > INT64_MAX)
        return bad(text, "invalid", STR(""), err);
    *ret = is_negative ? (int64_t)(0 - sum) : (int64_t)sum;
    return 0;
}
