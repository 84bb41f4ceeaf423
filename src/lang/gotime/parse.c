/* lang/gotime/parse.c: reading a time by its layout, with Go's errors. */
#include <ctype.h>
#include <string.h>

#include "lang/gotime.h"

struct reader {
    str layout, text; /* whole */
    str value;        /* what is left */
    struct gotime_civil c;
    int yearday; /* -1: not given */
    int32_t nsec;
    bool pm, am, is_utc, has_offset;
    int32_t offset;
    str zone_name;
    const char *range; /* what was out of range, or NULL */
};

/* ---- errors ---- */

static void quote(struct buf *b, str s)
{
    buf_addc(b, '"');
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.at[i];
        if (c < ' ' || c >= 0x80)
            buf_printf(b, "\\x%02x", c);
        else if (c == '"' || c == '\\')
            buf_printf(b, "\\%c", c);
        else
            buf_addc(b, (char)c);
    }
    buf_addc(b, '"');
}

/* message NULL: "cannot parse VALUE as ELEMENT". */
static int fail(const struct reader *r, str element, str value, const char *message,
                struct err *err)
{
    struct buf b = BUF_INIT;
    buf_addz(&b, "parsing time ");
    quote(&b, r->text);
    if (message) {
        buf_addz(&b, message);
    } else {
        buf_addz(&b, " as ");
        quote(&b, r->layout);
        buf_addz(&b, ": cannot parse ");
        quote(&b, value);
        buf_addz(&b, " as ");
        quote(&b, element);
    }
    int rc = err_set(err, ERR_INVALID, "%.*s", STR_FMT(buf_str(&b)));
    buf_done(&b);
    return rc;
}

static int fail_extra(const struct reader *r, struct err *err)
{
    struct buf b = BUF_INIT;
    buf_addz(&b, ": extra text: ");
    quote(&b, r->value);
    int rc = fail(r, STR(""), r->value, b.at, err);
    buf_done(&b);
    return rc;
}

/* ---- pieces ---- */

static bool digit_at(str s, size_t i) { return i < s.len && isdigit((unsigned char)s.at[i]); }

static str without_blanks(str s)
{
    while (s.len && s.at[0] == ' ')
        s = str_from(s, 1);
    return s;
}

/* Take a layout's text off the value; a blank of the layout stands for any number of them. */
static bool skip(str *io, str prefix)
{
    while (prefix.len) {
        if (prefix.at[0] == ' ') {
            if (io->len && io->at[0] != ' ')
                return false;
            prefix = without_blanks(prefix);
            *io = without_blanks(*io);
            continue;
        }
        if (!io->len || io->at[0] != prefix.at[0])
            return false;
        prefix = str_from(prefix, 1);
        *io = str_from(*io, 1);
    }
    return true;
}

/* One or two digits; fixed: exactly two. */
static bool take_number(str *io, bool fixed, int *ret)
{
    if (!digit_at(*io, 0))
        return false;
    if (!digit_at(*io, 1)) {
        if (fixed)
            return false;
        *ret = io->at[0] - '0';
        *io = str_from(*io, 1);
        return true;
    }
    *ret = (io->at[0] - '0') * 10 + (io->at[1] - '0');
    *io = str_from(*io, 2);
    return true;
}

static bool take_number3(str *io, bool fixed, int *ret)
{
    int n = 0;
    *ret = 0;
    while (n < 3 && digit_at(*io, (size_t)n)) {
        *ret = *ret * 10 + (io->at[n] - '0');
        n++;
    }
    *io = str_from(*io, (size_t)n);
    return n > 0 && (!fixed || n == 3);
}

/* A name (its first `len` letters; 0: whole) of a table, whatever the case. */
static bool take_name(str *io, const char *const *name, size_t n, size_t len, int *ret)
{
    for (size_t i = 0; i < n; i++) {
        str want = len ? str_mem(name[i], len) : str_of(name[i]);
        if (io->len >= want.len && str_ieq(str_sub(*io, 0, want.len), want)) {
            *io = str_from(*io, want.len);
            *ret = (int)i;
            return true;
        }
    }
    return false;
}

/* ".5" of n bytes with its point. */
static bool take_fraction(struct reader *r, size_t n)
{
    int32_t nsec = 0;
    if (r->value.len < n || (r->value.at[0] != '.' && r->value.at[0] != ','))
        return false;
    for (size_t i = 1; i <= 9; i++) {
        if (i < n && !digit_at(r->value, i))
            return false;
        nsec = nsec * 10 + (i < n ? r->value.at[i] - '0' : 0);
    }
    r->nsec = nsec;
    r->value = str_from(r->value, n);
    return true;
}

static size_t fraction_bytes(str s)
{
    size_t n = 1;
    while (digit_at(s, n))
        n++;
    return n;
}

/* A fraction that the text has and the layout does not. */
static bool take_unasked_fraction(struct reader *r, str layout)
{
    if (r->value.len < 2 || (r->value.at[0] != '.' && r->value.at[0] != ',') ||
        !digit_at(r->value, 1))
        return true;
    enum gotime_std next = gotime_next_chunk(layout).std;
    if (next == GOTIME_FRACTION_0 || next == GOTIME_FRACTION_9)
        return true;
    return take_fraction(r, fraction_bytes(r->value));
}

/* "+3", "-11" behind GMT, or a zone's whole name; 0: none. */
static size_t signed_offset_bytes(str s)
{
    size_t n = 1;
    int hours = 0;
    if (!s.len || (s.at[0] != '-' && s.at[0] != '+'))
        return 0;
    for (; digit_at(s, n); n++)
        hours = hours > 99 ? hours : hours * 10 + (s.at[n] - '0');
    return n == 1 || hours > 23 ? 0 : n;
}

static size_t zone_name_bytes(str s)
{
    size_t n = 0;
    if (s.len < 3)
        return 0;
    if (str_starts(s, STR("ChST")) || str_starts(s, STR("MeST")))
        return 4;
    if (str_starts(s, STR("GMT")))
        return 3 + signed_offset_bytes(str_from(s, 3));
    if (s.at[0] == '+' || s.at[0] == '-')
        return signed_offset_bytes(s);
    while (n < 6 && n < s.len && isupper((unsigned char)s.at[n]))
        n++;
    if (n == 3 || (n == 5 && s.at[4] == 'T') ||
        (n == 4 && (s.at[3] == 'T' || str_starts(s, STR("WITA")))))
        return n;
    return 0;
}

/* Two digits, behind a colon where there is one. */
static bool take_after(str *io, bool colon, int *ret)
{
    *io = str_from(*io, colon);
    return take_number(io, true, ret);
}

static bool has_offset_shape(str s, const struct gotime_chunk *c)
{
    size_t want = 3 + (c->has_minutes ? 2 + (size_t)c->has_colon : 0) +
                  (c->has_seconds ? 2 + (size_t)c->has_colon : 0);
    if (s.len < want || (s.at[0] != '+' && s.at[0] != '-'))
        return false;
    return !c->has_colon || (s.at[3] == ':' && (!c->has_seconds || s.at[6] == ':'));
}

static bool take_offset(struct reader *r, const struct gotime_chunk *c)
{
    str s = r->value;
    int h, m = 0, sec = 0;
    if (c->is_z && s.len && s.at[0] == 'Z') {
        r->is_utc = true;
        r->value = str_from(s, 1);
        return true;
    }
    if (!has_offset_shape(s, c))
        return false;
    str rest = str_from(s, 1);
    if (!take_number(&rest, true, &h))
        return false;
    if (c->has_minutes && !take_after(&rest, c->has_colon, &m))
        return false;
    if (c->has_seconds && !take_after(&rest, c->has_colon, &sec))
        return false;
    r->range = h > 24     ? "time zone offset hour"
               : m > 60   ? "time zone offset minute"
               : sec > 60 ? "time zone offset second"
                          : NULL;
    r->offset = (h * 60 + m) * 60 + sec;
    r->offset = s.at[0] == '-' ? -r->offset : r->offset;
    r->has_offset = true;
    r->value = rest;
    return true;
}

static bool take_year(struct reader *r, size_t digits)
{
    int64_t year = 0;
    if (r->value.len < digits || !digit_at(r->value, 0))
        return false;
    for (size_t i = 0; i < digits; i++) {
        if (!digit_at(r->value, i))
            return false;
        year = year * 10 + (r->value.at[i] - '0');
    }
    r->value = str_from(r->value, digits);
    r->c.year = digits == 4 ? year : year >= 69 ? year + 1900 : year + 2000;
    return true;
}

static bool take_half(struct reader *r, bool lower)
{
    if (r->value.len < 2)
        return false;
    str half = str_sub(r->value, 0, 2);
    r->pm = str_is(half, lower ? "pm" : "PM");
    r->am = str_is(half, lower ? "am" : "AM");
    r->value = str_from(r->value, 2);
    return r->pm || r->am;
}

static bool in_range(struct reader *r, int n, int min, int max, const char *what)
{
    if (n < min || n > max)
        r->range = what;
    return true;
}

static bool take_date(struct reader *r, const struct gotime_chunk *c)
{
    struct gotime_civil *t = &r->c;
    int ignored;
    switch (c->std) {
    case GOTIME_YEAR: return take_year(r, 2);
    case GOTIME_LONG_YEAR: return take_year(r, 4);
    case GOTIME_MONTH:
    case GOTIME_LONG_MONTH:
        if (!take_name(&r->value, GOTIME_MONTHS, 12, c->std == GOTIME_MONTH ? 3 : 0, &t->month))
            return false;
        t->month++;
        return true;
    case GOTIME_NUM_MONTH:
    case GOTIME_ZERO_MONTH:
        return take_number(&r->value, c->std == GOTIME_ZERO_MONTH, &t->month) &&
               in_range(r, t->month, 1, 12, "month");
    case GOTIME_WEEKDAY:
    case GOTIME_LONG_WEEKDAY:
        return take_name(&r->value, GOTIME_DAYS, 7, c->std == GOTIME_WEEKDAY ? 3 : 0, &ignored);
    case GOTIME_UNDER_DAY:
        if (r->value.len && r->value.at[0] == ' ')
            r->value = str_from(r->value, 1);
        return take_number(&r->value, false, &t->day);
    case GOTIME_DAY:
    case GOTIME_ZERO_DAY: return take_number(&r->value, c->std == GOTIME_ZERO_DAY, &t->day);
    case GOTIME_UNDER_YEARDAY:
        for (int i = 0; i < 2 && r->value.len && r->value.at[0] == ' '; i++)
            r->value = str_from(r->value, 1);
        return take_number3(&r->value, false, &r->yearday);
    default: return take_number3(&r->value, true, &r->yearday);
    }
}

static bool take_clock(struct reader *r, const struct gotime_chunk *c)
{
    struct gotime_civil *t = &r->c;
    switch (c->std) {
    case GOTIME_HOUR:
        return take_number(&r->value, false, &t->hour) && in_range(r, t->hour, 0, 23, "hour");
    case GOTIME_HOUR12:
    case GOTIME_ZERO_HOUR12:
        return take_number(&r->value, c->std == GOTIME_ZERO_HOUR12, &t->hour) &&
               in_range(r, t->hour, 0, 12, "hour");
    case GOTIME_MINUTE:
    case GOTIME_ZERO_MINUTE:
        return take_number(&r->value, c->std == GOTIME_ZERO_MINUTE, &t->minute) &&
               in_range(r, t->minute, 0, 59, "minute");
    case GOTIME_SECOND_:
    case GOTIME_ZERO_SECOND:
        return take_number(&r->value, c->std == GOTIME_ZERO_SECOND, &t->second) &&
               in_range(r, t->second, 0, 59, "second") &&
               (r->range || take_unasked_fraction(r, c->suffix));
    case GOTIME_PM: return take_half(r, false);
    case GOTIME_LOWER_PM: return take_half(r, true);
    case GOTIME_FRACTION_0: return take_fraction(r, 1 + (size_t)c->digits);
    default: /* GOTIME_FRACTION_9: there may be none */
        if (r->value.len < 2 || (r->value.at[0] != '.' && r->value.at[0] != ',') ||
            !digit_at(r->value, 1))
            return true;
        return take_fraction(r, fraction_bytes(r->value));
    }
}

static bool take_zone(struct reader *r)
{
    if (str_starts(r->value, STR("UTC"))) {
        r->is_utc = true;
        r->value = str_from(r->value, 3);
        return true;
    }
    size_t n = zone_name_bytes(r->value);
    r->zone_name = str_sub(r->value, 0, n);
    r->value = str_from(r->value, n);
    return n > 0;
}

static bool take_element(struct reader *r, const struct gotime_chunk *c)
{
    switch (c->std) {
    case GOTIME_TZ: return take_zone(r);
    case GOTIME_OFFSET: return take_offset(r, c);
    case GOTIME_HOUR:
    case GOTIME_HOUR12:
    case GOTIME_ZERO_HOUR12:
    case GOTIME_MINUTE:
    case GOTIME_ZERO_MINUTE:
    case GOTIME_SECOND_:
    case GOTIME_ZERO_SECOND:
    case GOTIME_PM:
    case GOTIME_LOWER_PM:
    case GOTIME_FRACTION_0:
    case GOTIME_FRACTION_9: return take_clock(r, c);
    default: return take_date(r, c);
    }
}

/* ---- the whole ---- */

static bool is_leap(int64_t year) { return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0); }

static int days_in(int month, int64_t year)
{
    static const int DAYS[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return DAYS[month - 1] + (month == 2 && is_leap(year));
}

/* The day of the year to a month and day; they must agree with those that were given. */
static const char *use_yearday(struct reader *r)
{
    int day = r->yearday, month = 1;
    if (day < 1 || day > 365 + is_leap(r->c.year))
        return ": day-of-year out of range";
    while (day > days_in(month, r->c.year))
        day -= days_in(month++, r->c.year);
    if (r->c.month >= 0 && r->c.month != month)
        return ": day-of-year does not match month";
    r->c.month = month;
    if (r->c.day >= 0 && r->c.day != day)
        return ": day-of-year does not match day";
    r->c.day = day;
    return NULL;
}

static const struct gozone *fixed_zone(struct arena *a, str name, int32_t offset)
{
    struct gozone *z = ARENA_NEW(a, struct gozone);
    z->name = z->fixed_abbr = arena_str(a, name);
    z->fixed_offset = offset;
    return z;
}

/* The instant, in the zone that the text names or else in the one given. */
static struct gotime place(const struct reader *r, const struct gozone *zone, struct arena *a)
{
    struct gotime t = gotime_date(&r->c, r->nsec, &GOZONE_UTC);
    int32_t offset;
    str abbr;
    bool is_dst;
    if (r->is_utc)
        return t;
    if (r->has_offset) {
        t.sec -= r->offset;
        gozone_at(zone, t.sec, &offset, &abbr, &is_dst);
        bool same = offset == r->offset && (!r->zone_name.len || str_eq(abbr, r->zone_name));
        t.zone = same ? zone : fixed_zone(a, r->zone_name, r->offset);
        return t;
    }
    if (!r->zone_name.len)
        return gotime_date(&r->c, r->nsec, zone);
    gozone_at(zone, t.sec, &offset, &abbr, &is_dst);
    if (str_eq(abbr, r->zone_name)) {
        t.sec -= offset;
        t.zone = zone;
        return t;
    }
    offset = 0;
    if (r->zone_name.len > 3 && str_starts(r->zone_name, STR("GMT"))) {
        str hours = str_from(r->zone_name, 4);
        for (size_t i = 0; i < hours.len; i++)
            offset = offset * 10 + (hours.at[i] - '0');
        offset *= r->zone_name.at[3] == '-' ? -3600 : 3600;
    }
    t.zone = fixed_zone(a, r->zone_name, offset);
    return t;
}

static int read_all(struct reader *r, struct err *err)
{
    str layout = r->layout;
    for (;;) {
        struct gotime_chunk c = gotime_next_chunk(layout);
        if (!skip(&r->value, c.prefix))
            return fail(r, c.prefix, r->value, NULL, err);
        if (c.std == GOTIME_NONE)
            return r->value.len ? fail_extra(r, err) : 0;
        layout = c.suffix;
        str at = r->value;
        bool ok = take_element(r, &c);
        if (r->range) {
            char message[64];
            (void)snprintf(message, sizeof message, ": %s out of range", r->range);
            return fail(r, c.text, r->value, message, err);
        }
        if (!ok)
            return fail(r, c.text, at, NULL, err);
    }
}

int gotime_parse(str layout, str text, const struct gozone *zone, struct arena *a,
                 struct gotime *ret, struct err *err)
{
    struct reader r = {.layout = layout, .text = text, .value = text, .yearday = -1};
    r.c = (struct gotime_civil){.month = -1, .day = -1};
    *ret = gotime_zero();
    int rc = read_all(&r, err);
    if (rc)
        return rc;
    if (r.pm && r.c.hour < 12)
        r.c.hour += 12;
    else if (r.am && r.c.hour == 12)
        r.c.hour = 0;
    const char *problem = r.yearday >= 0 ? use_yearday(&r) : NULL;
    if (problem)
        return fail(&r, STR(""), r.value, problem, err);
    r.c.month = r.c.month < 0 ? 1 : r.c.month;
    r.c.day = r.c.day < 0 ? 1 : r.c.day;
    if (r.c.day < 1 || r.c.day > days_in(r.c.month, r.c.year))
        return fail(&r, STR(""), r.value, ": day out of range", err);
    *ret = place(&r, zone, a);
    return 0;
}
