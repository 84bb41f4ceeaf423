/* lang/gotime/zone.c: zones of the IANA database, out of the packed file beside this one.
 *
 * The bytes are ours (made by tools/zone-pack), but every read is checked all the same. Behind the
 * last transition the footer's rule holds ("EST5EDT,M3.2.0,M11.1.0"). Source: RFC 8536; POSIX TZ;
 * Go time/zoneinfo.go. */
#include <stdint.h>
#include <string.h>

#include "lang/gotime.h"

/* clang-format off */
__asm__(".section .rodata\n"
        ".global gotime_zones\n.hidden gotime_zones\n"
        ".global gotime_zones_end\n.hidden gotime_zones_end\n"
        "gotime_zones:\n.incbin \"" GOTIME_ZONES "\"\n"
        "gotime_zones_end:\n"
        ".previous\n");
/* clang-format on */
extern const unsigned char gotime_zones[], gotime_zones_end[];

#define HEADER_BYTES 44
#define ROW_BYTES 16

const struct gozone GOZONE_UTC = {.name = STR_INIT("UTC"), .fixed_abbr = STR_INIT("UTC")};
const struct gozone GOZONE_LOCAL = {.name = STR_INIT("Local"), .fixed_abbr = STR_INIT("UTC")};

static uint32_t little32(const unsigned char *p)
{
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static uint32_t big32(const unsigned char *p)
{
    return p[3] | (uint32_t)p[2] << 8 | (uint32_t)p[1] << 16 | (uint32_t)p[0] << 24;
}

static int64_t big64(const unsigned char *p)
{
    return (int64_t)((uint64_t)big32(p) << 32 | big32(p + 4));
}

const struct gozone *gozone_find(str name, struct arena *a)
{
    size_t lo = 0, hi = little32(gotime_zones + 4);
    size_t bytes = (uintptr_t)gotime_zones_end - (uintptr_t)gotime_zones;
    if (!name.len || str_is(name, "UTC"))
        return &GOZONE_UTC;
    if (str_is(name, "Local"))
        return &GOZONE_LOCAL;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        const unsigned char *row = gotime_zones + 8 + ROW_BYTES * mid;
        str at = str_mem(gotime_zones + little32(row), little32(row + 4));
        int order = str_cmp(name, at);
        if (order == 0) {
            struct gozone *z = ARENA_NEW(a, struct gozone);
            z->name = at;
            z->data = gotime_zones + little32(row + 8);
            z->len = little32(row + 12);
            return z->len >= HEADER_BYTES && little32(row + 8) + z->len <= bytes ? z : NULL;
        }
        if (order < 0)
            hi = mid;
        else
            lo = mid + 1;
    }
    return NULL;
}

/* ---- the footer's rule ---- */

struct rule_day { /* M3.2.0/2: month, week, weekday; Jn; n */
    char form;    /* 'M', 'J', '0' */
    int day, week, month;
    int32_t time; /* seconds */
};

static bool take_number(str *io, int *ret)
{
    size_t n = 0;
    *ret = 0;
    for (; n < io->len && n < 6 && io->at[n] >= '0' && io->at[n] <= '9'; n++)
        *ret = *ret * 10 + (io->at[n] - '0');
    *io = str_from(*io, n);
    return n > 0;
}

static bool take_char(str *io, char c)
{
    if (!io->len || io->at[0] != c)
        return false;
    *io = str_from(*io, 1);
    return true;
}

static str take_name(str *io)
{
    size_t n = 0;
    if (take_char(io, '<')) {
        while (n < io->len && io->at[n] != '>')
            n++;
        str name = str_sub(*io, 0, n);
        *io = str_from(*io, n + 1);
        return name;
    }
    while (n < io->len && ((io->at[n] | 0x20) >= 'a' && (io->at[n] | 0x20) <= 'z'))
        n++;
    str name = str_sub(*io, 0, n);
    *io = str_from(*io, n);
    return name;
}

/* [+-]h[:m[:s]] in seconds. */
static bool take_offset(str *io, int32_t *ret)
{
    int h, m = 0, s = 0;
    bool minus = take_char(io, '-');
    if (!minus)
        (void)take_char(io, '+');
    if (!take_number(io, &h))
        return false;
    if (take_char(io, ':') && !take_number(io, &m))
        return false;
    if (take_char(io, ':') && !take_number(io, &s))
        return false;
    *ret = (h * 60 + m) * 60 + s;
    *ret = minus ? -*ret : *ret;
    return true;
}

static bool take_rule(str *io, struct rule_day *r)
{
    *r = (struct rule_day){.form = '0', .time = 7200};
    if (take_char(io, 'M')) {
        r->form = 'M';
        if (!take_number(io, &r->month) || !take_char(io, '.') || !take_number(io, &r->week) ||
            !take_char(io, '.') || !take_number(io, &r->day))
            return false;
    } else {
        if (take_char(io, 'J'))
            r->form = 'J';
        if (!take_number(io, &r->day))
            return false;
    }
    return !take_char(io, '/') || take_offset(io, &r->time);
}

/* Seconds from the beginning of the year, standard or daylight local time, at which a rule fires.
 */
static int64_t rule_second(int64_t year, const struct rule_day *r)
{
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    static const int BEFORE[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365};
    int64_t day = r->day;
    if (r->form == 'J') {
        day = r->day - 1 + (leap && r->day >= 60);
    } else if (r->form == 'M') {
        int month = r->month < 1 ? 1 : r->month > 12 ? 12 : r->month;
        int64_t first = BEFORE[month - 1] + (leap && month > 2);
        int64_t length = BEFORE[month] - BEFORE[month - 1] + (leap && month == 2);
        struct gotime_civil c = {.year = year, .month = 1, .day = 1}, at;
        gotime_civil(gotime_date(&c, 0, &GOZONE_UTC), &at);
        int64_t weekday = (at.weekday + first) % 7;
        day = (r->day - weekday + 7) % 7 + (int64_t)(r->week - 1) * 7;
        while (day >= length)
            day -= 7;
        day += first;
    }
    return day * 86400 + r->time;
}

static void rule_at(str tz, int64_t sec, int32_t *ret_offset, str *ret_abbr, bool *ret_dst)
{
    struct rule_day start, end;
    int32_t offset, dst_offset;
    str name = take_name(&tz), dst_name;
    if (!name.len || !take_offset(&tz, &offset))
        return;
    offset = -offset;
    *ret_offset = offset;
    *ret_abbr = name;
    *ret_dst = false;
    if (!tz.len)
        return;
    dst_name = take_name(&tz);
    dst_offset = offset + 3600;
    if (tz.len && tz.at[0] != ',') {
        if (!take_offset(&tz, &dst_offset))
            return;
        dst_offset = -dst_offset;
    }
    if (!take_char(&tz, ',') || !take_rule(&tz, &start) || !take_char(&tz, ',') ||
        !take_rule(&tz, &end))
        return;
    struct gotime_civil c, first;
    gotime_civil((struct gotime){sec, 0, &GOZONE_UTC}, &c);
    first = (struct gotime_civil){.year = c.year, .month = 1, .day = 1};
    int64_t in_year = sec - gotime_date(&first, 0, &GOZONE_UTC).sec;
    int64_t from = rule_second(c.year, &start) - offset,
            to = rule_second(c.year, &end) - dst_offset;
    bool is_dst = from < to ? in_year >= from && in_year < to : in_year >= from || in_year < to;
    if (is_dst) {
        *ret_offset = dst_offset;
        *ret_abbr = dst_name;
        *ret_dst = true;
    }
}

/* ---- transitions ---- */

struct tzif {
    const unsigned char *times, *index, *type, *chars;
    uint32_t n_times, n_types, n_chars;
    str footer;
};

static bool tzif_open(const struct gozone *z, struct tzif *f)
{
    const unsigned char *p = z->data;
    uint32_t isutc = big32(p + 20), isstd = big32(p + 24), leap = big32(p + 28);
    f->n_times = big32(p + 32);
    f->n_types = big32(p + 36);
    f->n_chars = big32(p + 40);
    size_t len = HEADER_BYTES + (size_t)f->n_times * 9 + (size_t)f->n_types * 6 + f->n_chars +
                 (size_t)leap * 12 + isstd + isutc;
    if (len > z->len || !f->n_types)
        return false;
    f->times = p + HEADER_BYTES;
    f->index = f->times + (size_t)f->n_times * 8;
    f->type = f->index + f->n_times;
    f->chars = f->type + (size_t)f->n_types * 6;
    f->footer = str_trim(str_mem(p + len, z->len - len));
    return true;
}

/* The first type that is not daylight saving, as Go for times before all transitions. */
static uint32_t first_type(const struct tzif *f)
{
    for (uint32_t i = 0; i < f->n_types; i++)
        if (!f->type[i * 6 + 4])
            return i;
    return 0;
}

void gozone_at(const struct gozone *z, int64_t sec, int32_t *ret_offset, str *ret_abbr,
               bool *ret_dst)
{
    struct tzif f;
    *ret_offset = z->fixed_offset;
    *ret_abbr = z->fixed_abbr;
    *ret_dst = false;
    if (!z->data || !tzif_open(z, &f))
        return;
    uint32_t lo = 0, hi = f.n_times; /* transitions at or before sec */
    while (lo < hi) {
        uint32_t mid = (lo + hi) / 2;
        if (big64(f.times + (size_t)mid * 8) <= sec)
            lo = mid + 1;
        else
            hi = mid;
    }
    uint32_t type = lo ? f.index[lo - 1] : first_type(&f);
    if (type >= f.n_types)
        return;
    const unsigned char *t = f.type + (size_t)type * 6;
    *ret_offset = (int32_t)big32(t);
    *ret_dst = t[4] != 0;
    if (t[5] < f.n_chars)
        *ret_abbr =
            str_mem(f.chars + t[5], strnlen((const char *)f.chars + t[5], f.n_chars - t[5]));
    if (lo == f.n_times && f.footer.len)
        rule_at(f.footer, sec, ret_offset, ret_abbr, ret_dst);
}
