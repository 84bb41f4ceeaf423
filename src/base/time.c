/* base/time.c: calendar arithmetic after Howard Hinnant's days_from_civil; no libc time zone code.
 */
#include "base/time.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

usec time_wall_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (usec)t.tv_sec * USEC_PER_SEC + t.tv_nsec / 1000;
}

usec time_monotonic_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (usec)t.tv_sec * USEC_PER_SEC + t.tv_nsec / 1000;
}

static int64_t days_from_civil(int64_t y, int m, int d)
{
    y -= m <= 2;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t yoe = y - era * 400;
    int64_t doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
    int64_t doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    return era * 146097 + doe - 719468;
}

void time_split(usec at, struct time_parts *ret)
{
    int64_t secs = at / USEC_PER_SEC, micro = at % USEC_PER_SEC;
    if (micro < 0) {
        micro += USEC_PER_SEC;
        secs--;
    }
    int64_t days = secs / 86400, rest = secs % 86400;
    if (rest < 0) {
        rest += 86400;
        days--;
    }
    int64_t z = days + 719468;
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    int64_t doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t mp = (5 * doy + 2) / 153;
    int month = (int)(mp < 10 ? mp + 3 : mp - 9);
    int64_t year = yoe + era * 400 + (month <= 2);
    *ret = (struct time_parts){
        .year = (int)year,
        .month = month,
        .day = (int)(doy - (153 * mp + 2) / 5 + 1),
        .hour = (int)(rest / 3600),
        .minute = (int)(rest / 60 % 60),
        .second = (int)(rest % 60),
        .micro = (int)micro,
        .weekday = (int)((days % 7 + 11) % 7),
        .yearday = (int)(days - days_from_civil(year, 1, 1)),
    };
}

usec time_join(const struct time_parts *p)
{
    int64_t y = p->year, m = p->month - 1;
    y += m / 12;
    m %= 12;
    if (m < 0) {
        m += 12;
        y--;
    }
    int64_t days = days_from_civil(y, (int)m + 1, 1) + p->day - 1;
    return (((days * 24 + p->hour) * 60 + p->minute) * 60 + p->second) * USEC_PER_SEC + p->micro;
}

void time_print(usec at, char ret[TIME_RFC3339_BYTES])
{
    struct time_parts p;
    time_split(at, &p);
    int year = p.year < 0 ? 0 : p.year > 9999 ? 9999 : p.year;
    char text[80];
    snprintf(text, sizeof(text), "%04d-%02d-%02dT%02d:%02d:%02dZ", year, p.month, p.day, p.hour,
             p.minute, p.second);
    memcpy(ret, text, TIME_RFC3339_BYTES - 1);
    ret[TIME_RFC3339_BYTES - 1] = 0;
}

str time_str(struct arena *a, usec at)
{
    char text[TIME_RFC3339_BYTES];
    time_print(at, text);
    return arena_str(a, str_of(text));
}

str time_micro_str(struct arena *a, usec at)
{
    struct time_parts p;
    time_split(at, &p);
    return arena_printf(a, "%04d-%02d-%02dT%02d:%02d:%02d.%06dZ", p.year, p.month, p.day, p.hour,
                        p.minute, p.second, p.micro);
}

/* Exactly n digits at s[*i]. */
static bool digits(str s, size_t *i, size_t n, int *ret)
{
    int v = 0;
    for (size_t end = *i + n; *i < end; ++*i) {
        if (*i >= s.len || s.at[*i] < '0' || s.at[*i] > '9')
            return false;
        v = v * 10 + (s.at[*i] - '0');
    }
    *ret = v;
    return true;
}

static bool literal(str s, size_t *i, char c) { return *i < s.len && s.at[*i] == c && ++*i; }

static int month_days(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap);
}

static bool parse_offset(str s, size_t *i, usec *ret)
{
    int hour, minute;
    *ret = 0;
    if (literal(s, i, 'Z'))
        return true;
    if (*i >= s.len || (s.at[*i] != '+' && s.at[*i] != '-'))
        return false;
    bool minus = s.at[(*i)++] == '-';
    if (!digits(s, i, 2, &hour) || !literal(s, i, ':') || !digits(s, i, 2, &minute) || hour > 24 ||
        minute > 60)
        return false;
    *ret = (hour * USEC_PER_HOUR + minute * USEC_PER_MIN) * (minus ? -1 : 1);
    return true;
}

/* "2024-02-29T23:59:59", each field in its range. */
static bool parse_date_time(str s, size_t *i, struct time_parts *p)
{
    const struct {
        int digits, *field;
        char after; /* 0: nothing */
    } layout[] = {{4, &p->year, '-'}, {2, &p->month, '-'},  {2, &p->day, 'T'},
                  {2, &p->hour, ':'}, {2, &p->minute, ':'}, {2, &p->second, 0}};
    for (size_t k = 0; k < ARRAY_LEN(layout); k++)
        if (!digits(s, i, layout[k].digits, layout[k].field) ||
            (layout[k].after && !literal(s, i, layout[k].after)))
            return false;
    return p->month >= 1 && p->month <= 12 && p->day >= 1 &&
           p->day <= month_days(p->year, p->month) && p->hour <= 23 && p->minute <= 59 &&
           p->second <= 59;
}

static bool is_digit(str s, size_t i) { return i < s.len && s.at[i] >= '0' && s.at[i] <= '9'; }

bool time_parse(str s, usec *ret)
{
    struct time_parts p = {0};
    size_t i = 0;
    if (!parse_date_time(s, &i, &p))
        return false;
    if (literal(s, &i, '.')) {
        int scale = 100000;
        size_t start = i;
        for (; is_digit(s, i); i++, scale /= 10)
            p.micro += (s.at[i] - '0') * scale;
        if (i == start)
            return false;
    }
    usec offset;
    if (!parse_offset(s, &i, &offset) || i != s.len)
        return false;
    *ret = time_join(&p) - offset;
    return true;
}

static const struct {
    const char *name;
    double usecs;
} units[] = {{"ns", 1e-3}, {"us", 1},  {"µs", 1},   {"μs", 1},
             {"ms", 1e3},  {"s", 1e6}, {"m", 60e6}, {"h", 3600e6}};

/* Cuts one "1.5h" off the front of *s and gives its value in microseconds. */
static bool parse_term(str *s, double *ret)
{
    double n = 0, scale = 1;
    size_t i = 0, n_digits = 0;
    for (; is_digit(*s, i); i++, n_digits++)
        n = n * 10 + (s->at[i] - '0');
    if (i < s->len && s->at[i] == '.')
        for (i++; is_digit(*s, i); i++, n_digits++)
            n += (s->at[i] - '0') * (scale /= 10);
    size_t u = i;
    while (u < s->len && s->at[u] != '.' && !is_digit(*s, u))
        u++;
    str unit = str_sub(*s, i, u - i);
    size_t k = 0;
    while (k < ARRAY_LEN(units) && !str_is(unit, units[k].name))
        k++;
    if (n_digits == 0 || k == ARRAY_LEN(units))
        return false;
    *ret = n * units[k].usecs;
    *s = str_from(*s, u);
    return true;
}

bool duration_parse(str s, usec *ret)
{
    bool minus = s.len && s.at[0] == '-';
    if (s.len && (s.at[0] == '-' || s.at[0] == '+'))
        s = str_from(s, 1);
    if (str_is(s, "0")) {
        *ret = 0;
        return true;
    }
    double total = 0, term;
    if (s.len == 0)
        return false;
    while (s.len) {
        if (!parse_term(&s, &term))
            return false;
        total += term;
    }
    if (total > 9.2e15)
        return false;
    *ret = (usec)(minus ? -total : total);
    return true;
}

str duration_str(struct arena *a, usec d)
{
    if (d == 0)
        return STR("0s");
    const char *sign = d < 0 ? "-" : "";
    uint64_t u = d < 0 ? 0 - (uint64_t)d : (uint64_t)d;
    char fraction[16] = "";
    uint64_t below = u < 1000 ? 0 : u < 1000000 ? u % 1000 : u % 1000000;
    if (below) {
        snprintf(fraction, sizeof(fraction), u < 1000000 ? ".%03u" : ".%06u", (unsigned)below);
        for (size_t n = strlen(fraction); n > 0 && fraction[n - 1] == '0'; n--)
            fraction[n - 1] = 0;
    }
    if (u < 1000)
        return arena_printf(a, "%s%uµs", sign, (unsigned)u);
    if (u < 1000000)
        return arena_printf(a, "%s%u%sms", sign, (unsigned)(u / 1000), fraction);
    uint64_t s = u / 1000000;
    if (s < 60)
        return arena_printf(a, "%s%u%ss", sign, (unsigned)s, fraction);
    if (s < 3600)
        return arena_printf(a, "%s%um%u%ss", sign, (unsigned)(s / 60), (unsigned)(s % 60),
                            fraction);
    return arena_printf(a, "%s%luh%um%u%ss", sign, (unsigned long)(s / 3600),
                        (unsigned)(s / 60 % 60), (unsigned)(s % 60), fraction);
}
