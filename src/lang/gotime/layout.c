/* lang/gotime/layout.c: elements of layouts, and formatting by them. */
#include <ctype.h>

#include "lang/gotime.h"

const char *const GOTIME_MONTHS[12] = {"January",   "February", "March",    "April",
                                       "May",       "June",     "July",     "August",
                                       "September", "October",  "November", "December"};
const char *const GOTIME_DAYS[7] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                    "Thursday", "Friday", "Saturday"};

/* Longer texts stand before those they begin with. */
static const struct {
    str text;
    enum gotime_std std;
    bool not_before_lower; /* "Jan" in "Janet" is text */
} ELEMENT[] = {
    {STR_INIT("January"), GOTIME_LONG_MONTH, false},
    {STR_INIT("Jan"), GOTIME_MONTH, true},
    {STR_INIT("Monday"), GOTIME_LONG_WEEKDAY, false},
    {STR_INIT("Mon"), GOTIME_WEEKDAY, true},
    {STR_INIT("MST"), GOTIME_TZ, false},
    {STR_INIT("01"), GOTIME_ZERO_MONTH, false},
    {STR_INIT("02"), GOTIME_ZERO_DAY, false},
    {STR_INIT("03"), GOTIME_ZERO_HOUR12, false},
    {STR_INIT("04"), GOTIME_ZERO_MINUTE, false},
    {STR_INIT("05"), GOTIME_ZERO_SECOND, false},
    {STR_INIT("06"), GOTIME_YEAR, false},
    {STR_INIT("002"), GOTIME_ZERO_YEARDAY, false},
    {STR_INIT("15"), GOTIME_HOUR, false},
    {STR_INIT("1"), GOTIME_NUM_MONTH, false},
    {STR_INIT("2006"), GOTIME_LONG_YEAR, false},
    {STR_INIT("2"), GOTIME_DAY, false},
    {STR_INIT("__2"), GOTIME_UNDER_YEARDAY, false},
    {STR_INIT("_2"), GOTIME_UNDER_DAY, false},
    {STR_INIT("3"), GOTIME_HOUR12, false},
    {STR_INIT("4"), GOTIME_MINUTE, false},
    {STR_INIT("5"), GOTIME_SECOND_, false},
    {STR_INIT("PM"), GOTIME_PM, false},
    {STR_INIT("pm"), GOTIME_LOWER_PM, false},
};

static const struct {
    str text; /* behind '-' or 'Z' */
    bool has_colon, has_minutes, has_seconds;
} OFFSET[] = {
    {STR_INIT("070000"), false, true, true}, {STR_INIT("07:00:00"), true, true, true},
    {STR_INIT("0700"), false, true, false},  {STR_INIT("07:00"), true, true, false},
    {STR_INIT("07"), false, false, false},
};

static bool offset_at(str s, struct gotime_chunk *c, size_t *ret_len)
{
    for (size_t i = 0; i < ARRAY_LEN(OFFSET); i++)
        if (str_starts(str_from(s, 1), OFFSET[i].text)) {
            c->std = GOTIME_OFFSET;
            c->is_z = s.at[0] == 'Z';
            c->has_colon = OFFSET[i].has_colon;
            c->has_minutes = OFFSET[i].has_minutes;
            c->has_seconds = OFFSET[i].has_seconds;
            *ret_len = 1 + OFFSET[i].text.len;
            return true;
        }
    return false;
}

/* ".000", ",999": a run of one digit that no other digit follows. */
static bool fraction_at(str s, struct gotime_chunk *c, size_t *ret_len)
{
    size_t n = 1;
    if (s.len < 2 || (s.at[1] != '0' && s.at[1] != '9'))
        return false;
    while (n < s.len && s.at[n] == s.at[1])
        n++;
    if (n < s.len && isdigit((unsigned char)s.at[n]))
        return false;
    c->std = s.at[1] == '0' ? GOTIME_FRACTION_0 : GOTIME_FRACTION_9;
    c->digits = (int)n - 1;
    c->separator = s.at[0];
    *ret_len = n;
    return true;
}

static bool element_at(str s, struct gotime_chunk *c, size_t *ret_len)
{
    for (size_t i = 0; i < ARRAY_LEN(ELEMENT); i++) {
        str text = ELEMENT[i].text;
        if (!str_starts(s, text))
            continue;
        bool before_lower = s.len > text.len && islower((unsigned char)s.at[text.len]);
        if (ELEMENT[i].not_before_lower && before_lower)
            continue;
        /* "_2006" is a bar and a year */
        if (ELEMENT[i].std == GOTIME_UNDER_DAY && str_starts(s, STR("_2006")))
            return false;
        c->std = ELEMENT[i].std;
        *ret_len = text.len;
        return true;
    }
    return false;
}

struct gotime_chunk gotime_next_chunk(str layout)
{
    for (size_t i = 0; i < layout.len; i++) {
        struct gotime_chunk c = {.std = GOTIME_NONE};
        str s = str_from(layout, i);
        size_t len;
        char first = s.at[0];
        bool found = first == '-' || first == 'Z'   ? offset_at(s, &c, &len)
                     : first == '.' || first == ',' ? fraction_at(s, &c, &len)
                                                    : element_at(s, &c, &len);
        if (!found)
            continue;
        c.prefix = str_sub(layout, 0, i);
        c.text = str_sub(s, 0, len);
        c.suffix = str_from(s, len);
        return c;
    }
    return (struct gotime_chunk){.prefix = layout, .std = GOTIME_NONE};
}

/* ---- formatting ---- */

static void add_offset(struct buf *b, int32_t offset, const struct gotime_chunk *c)
{
    int minutes = offset / 60, seconds = offset;
    if (c->is_z && offset == 0) {
        buf_addc(b, 'Z');
        return;
    }
    buf_addc(b, minutes < 0 ? '-' : '+');
    if (minutes < 0) {
        minutes = -minutes;
        seconds = -seconds;
    }
    buf_printf(b, "%02d", minutes / 60);
    if (c->has_minutes)
        buf_printf(b, c->has_colon ? ":%02d" : "%02d", minutes % 60);
    if (c->has_seconds)
        buf_printf(b, c->has_colon ? ":%02d" : "%02d", seconds % 60);
}

static void add_zone(struct buf *b, const struct gotime_civil *t)
{
    if (t->abbr.len) {
        buf_add(b, t->abbr);
        return;
    }
    /* no abbreviation: the offset in hours and minutes */
    int minutes = t->offset / 60;
    buf_addc(b, minutes < 0 ? '-' : '+');
    minutes = minutes < 0 ? -minutes : minutes;
    buf_printf(b, "%02d%02d", minutes / 60, minutes % 60);
}

static void add_fraction(struct buf *b, int32_t nsec, const struct gotime_chunk *c)
{
    char digit[16];
    int n = c->digits;
    uint32_t rest = (uint32_t)nsec;
    for (int i = 8; i >= 0; i--) {
        digit[i] = (char)('0' + rest % 10);
        rest /= 10;
    }
    if (n > 9)
        n = 9;
    if (c->std == GOTIME_FRACTION_9) {
        while (n > 0 && digit[n - 1] == '0')
            n--;
        if (n == 0)
            return;
    }
    buf_addc(b, c->separator);
    buf_add(b, str_mem(digit, (size_t)n));
}

static void add_year(struct buf *b, int64_t year)
{
    buf_printf(b, year < 0 ? "-%04lld" : "%04lld", (long long)(year < 0 ? -year : year));
}

static void add_date(struct buf *b, const struct gotime_civil *t, enum gotime_std std)
{
    switch (std) {
    case GOTIME_LONG_YEAR: add_year(b, t->year); break;
    case GOTIME_YEAR: buf_printf(b, "%02d", (int)((t->year < 0 ? 0 : t->year) % 100)); break;
    case GOTIME_LONG_MONTH: buf_addz(b, GOTIME_MONTHS[t->month - 1]); break;
    case GOTIME_MONTH: buf_add(b, str_mem(GOTIME_MONTHS[t->month - 1], 3)); break;
    case GOTIME_NUM_MONTH: buf_printf(b, "%d", t->month); break;
    case GOTIME_ZERO_MONTH: buf_printf(b, "%02d", t->month); break;
    case GOTIME_LONG_WEEKDAY: buf_addz(b, GOTIME_DAYS[t->weekday]); break;
    case GOTIME_WEEKDAY: buf_add(b, str_mem(GOTIME_DAYS[t->weekday], 3)); break;
    case GOTIME_DAY: buf_printf(b, "%d", t->day); break;
    case GOTIME_UNDER_DAY: buf_printf(b, "%2d", t->day); break;
    case GOTIME_ZERO_DAY: buf_printf(b, "%02d", t->day); break;
    case GOTIME_UNDER_YEARDAY: buf_printf(b, "%3d", t->yearday); break;
    default: buf_printf(b, "%03d", t->yearday); break;
    }
}

static void add_element(struct buf *b, const struct gotime_civil *t, int32_t nsec,
                        const struct gotime_chunk *c)
{
    int hour12 = t->hour % 12 ? t->hour % 12 : 12;
    switch (c->std) {
    case GOTIME_HOUR: buf_printf(b, "%02d", t->hour); break;
    case GOTIME_HOUR12: buf_printf(b, "%d", hour12); break;
    case GOTIME_ZERO_HOUR12: buf_printf(b, "%02d", hour12); break;
    case GOTIME_MINUTE: buf_printf(b, "%d", t->minute); break;
    case GOTIME_ZERO_MINUTE: buf_printf(b, "%02d", t->minute); break;
    case GOTIME_SECOND_: buf_printf(b, "%d", t->second); break;
    case GOTIME_ZERO_SECOND: buf_printf(b, "%02d", t->second); break;
    case GOTIME_PM: buf_addz(b, t->hour >= 12 ? "PM" : "AM"); break;
    case GOTIME_LOWER_PM: buf_addz(b, t->hour >= 12 ? "pm" : "am"); break;
    case GOTIME_TZ: add_zone(b, t); break;
    case GOTIME_OFFSET: add_offset(b, t->offset, c); break;
    case GOTIME_FRACTION_0:
    case GOTIME_FRACTION_9: add_fraction(b, nsec, c); break;
    default: add_date(b, t, c->std); break;
    }
}

void gotime_format(struct gotime t, str layout, struct buf *out)
{
    struct gotime_civil civil;
    gotime_civil(t, &civil);
    for (;;) {
        struct gotime_chunk c = gotime_next_chunk(layout);
        buf_add(out, c.prefix);
        if (c.std == GOTIME_NONE)
            return;
        add_element(out, &civil, t.nsec, &c);
        layout = c.suffix;
    }
}

void gotime_print(struct gotime t, struct buf *out)
{
    gotime_format(t, STR("2006-01-02 15:04:05.999999999 -0700 MST"), out);
}
