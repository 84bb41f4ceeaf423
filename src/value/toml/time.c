/* value/toml/time.c: TOML's dates and times, as Go's time.Parse takes them. */
#include "value/toml/read.h"

struct moment {
    unsigned year, month, day, hour, minute, second;
    str fraction; /* digits, at most nine, no zeroes at the end */
    bool has_date, has_time, has_zone;
    int zone_minutes;
};

static bool two(str *rest, unsigned *ret)
{
    if (rest->len < 2 || !toml_is_digit((unsigned char)rest->at[0]) ||
        !toml_is_digit((unsigned char)rest->at[1]))
        return false;
    *ret = (unsigned)(rest->at[0] - '0') * 10 + (unsigned)(rest->at[1] - '0');
    *rest = str_from(*rest, 2);
    return true;
}

static bool literal(str *rest, char c)
{
    if (!rest->len || rest->at[0] != c)
        return false;
    *rest = str_from(*rest, 1);
    return true;
}

static unsigned days_in(unsigned year, unsigned month)
{
    static const unsigned char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return days[month - 1] + (month == 2 && leap);
}

static bool read_date(str *rest, struct moment *m)
{
    unsigned century;
    m->has_date = true;
    if (!two(rest, &century) || !two(rest, &m->year) || !literal(rest, '-') ||
        !two(rest, &m->month) || !literal(rest, '-') || !two(rest, &m->day))
        return false;
    m->year += century * 100;
    return m->month >= 1 && m->month <= 12 && m->day >= 1 && m->day <= days_in(m->year, m->month);
}

static bool read_time(str *rest, struct moment *m)
{
    m->has_time = true;
    if (!two(rest, &m->hour) || !literal(rest, ':') || !two(rest, &m->minute))
        return false;
    if (literal(rest, ':')) {
        if (!two(rest, &m->second))
            return false;
        size_t n = 1;
        while (n < rest->len && toml_is_digit((unsigned char)rest->at[n]))
            n++;
        if (rest->len && rest->at[0] == '.' && n > 1) {
            m->fraction = str_sub(*rest, 1, MIN_OF(n - 1, (size_t)9));
            *rest = str_from(*rest, n);
        }
        while (str_ends(m->fraction, STR("0")))
            m->fraction.len--;
    }
    return m->hour < 24 && m->minute < 60 && m->second < 60;
}

static bool read_zone(str *rest, struct moment *m)
{
    unsigned hours, minutes;
    m->has_zone = true;
    if (literal(rest, 'Z'))
        return true;
    bool minus = rest->len && rest->at[0] == '-';
    if (!literal(rest, minus ? '-' : '+') || !two(rest, &hours) || !literal(rest, ':') ||
        !two(rest, &minutes) || hours > 24 || minutes > 60)
        return false;
    m->zone_minutes = (int)(hours * 60 + minutes) * (minus ? -1 : 1);
    return true;
}

static str print(struct arena *a, const struct moment *m)
{
    str date = STR(""), time = STR(""), zone = STR("");
    int z = m->zone_minutes < 0 ? -m->zone_minutes : m->zone_minutes;
    if (m->has_date)
        date =
            arena_printf(a, "%04u-%02u-%02u%s", m->year, m->month, m->day, m->has_time ? "T" : "");
    if (m->has_time)
        time = arena_printf(a, "%02u:%02u:%02u%s%.*s", m->hour, m->minute, m->second,
                            m->fraction.len ? "." : "", STR_FMT(m->fraction));
    if (m->has_zone)
        zone = z ? arena_printf(a, "%c%02d:%02d", m->zone_minutes < 0 ? '-' : '+', z / 60, z % 60)
                 : STR("Z");
    return ARENA_CAT(a, date, time, zone);
}

bool toml_time(struct arena *a, str text, str *ret, unsigned *ret_style)
{
    struct moment m = {.fraction = STR("")};
    str rest = text;
    bool date = text.len > 4 && text.at[4] == '-';
    if (date && !read_date(&rest, &m))
        return false;
    if ((!date || rest.len) && ((date && !literal(&rest, 'T')) || !read_time(&rest, &m) ||
                                (rest.len && (!date || !read_zone(&rest, &m)))))
        return false;
    if (rest.len)
        return false;
    *ret = print(a, &m);
    *ret_style = m.has_zone    ? TOML_DATETIME
                 : !m.has_date ? TOML_LOCAL_TIME
                 : m.has_time  ? TOML_LOCAL_DATETIME
                               : TOML_LOCAL_DATE;
    return true;
}
