#include "lang/cron.h"

struct bounds {
    int min, max;
    const char *const *names; /* from min on, NULL-terminated; or NULL */
};

static const char *const month_names[] = {"jan", "feb", "mar", "apr", "may", "jun", "jul",
                                          "aug", "sep", "oct", "nov", "dec", NULL};
static const char *const day_names[] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat", NULL};

static const struct bounds minutes = {0, 59, NULL}, hours = {0, 23, NULL}, days = {1, 31, NULL},
                           months = {1, 12, month_names}, weekdays = {0, 6, day_names};

static int number_parse(str s, const struct bounds *b, int *ret, struct err *err)
{
    int64_t n;
    for (int i = 0; b->names && b->names[i]; i++) {
        if (str_ieq(s, str_of(b->names[i]))) {
            *ret = b->min + i;
            return 0;
        }
    }
    if (!str_to_i64(s, &n))
        return err_set(
            err, ERR_INVALID,
            "failed to parse int from %.*s: strconv.Atoi: parsing \"%.*s\": invalid syntax",
            STR_FMT(s), STR_FMT(s));
    if (n < 0)
        return err_set(err, ERR_INVALID, "negative number (%lld) not allowed: %.*s", (long long)n,
                       STR_FMT(s));
    *ret = n > 1000 ? 1000 : (int)n;
    return 0;
}

struct span {
    int from, to, step;
    bool star;
};

static int span_parse(str text, const struct bounds *b, struct span *ret, struct err *err)
{
    str range, step, low, high;
    bool stepped = str_cut(text, '/', &range, &step);
    bool two = str_cut(range, '-', &low, &high);
    struct span s = {b->min, b->max, 1, false};
    int rc = 0;
    if (str_is(low, "*") || str_is(low, "?")) {
        s.star = true;
    } else {
        rc = number_parse(low, b, &s.from, err);
        s.to = s.from;
        if (!rc && two)
            rc = number_parse(high, b, &s.to, err);
        else if (!rc && stepped)
            s.to = b->max;
    }
    if (!rc && stepped) {
        rc = number_parse(step, &(struct bounds){0, 1000, NULL}, &s.step, err);
        s.star &= s.step <= 1;
    }
    if (rc)
        return rc;
    if (s.from < b->min)
        return err_set(err, ERR_INVALID, "beginning of range (%d) below minimum (%d): %.*s", s.from,
                       b->min, STR_FMT(text));
    if (s.to > b->max)
        return err_set(err, ERR_INVALID, "end of range (%d) above maximum (%d): %.*s", s.to, b->max,
                       STR_FMT(text));
    if (s.from > s.to)
        return err_set(err, ERR_INVALID, "beginning of range (%d) beyond end of range (%d): %.*s",
                       s.from, s.to, STR_FMT(text));
    if (!s.step)
        return err_set(err, ERR_INVALID, "step of range should be a positive number: %.*s",
                       STR_FMT(text));
    *ret = s;
    return 0;
}

static int field_parse(str text, const struct bounds *b, uint64_t *ret, bool *ret_star,
                       struct err *err)
{
    str piece;
    *ret = 0;
    *ret_star = false;
    while (str_next(&text, ',', &piece)) {
        struct span s = {0};
        int rc = span_parse(piece, b, &s, err);
        if (rc)
            return rc;
        *ret_star |= s.star;
        for (int i = s.from; i <= s.to; i += s.step)
            *ret |= (uint64_t)1 << i;
    }
    return 0;
}

int cron_parse(str text, struct cron *ret, struct err *err)
{
    str field[6], rest = str_trim(text);
    size_t n = 0;
    if (text.len > CRON_BYTES_MAX)
        return err_set(err, ERR_TOO_LARGE, "schedule is longer than %d bytes", CRON_BYTES_MAX);
    if (!rest.len)
        return err_set(err, ERR_INVALID, "empty spec string");
    while (rest.len) {
        size_t len = 0;
        while (len < rest.len && rest.at[len] != ' ' && rest.at[len] != '\t')
            len++;
        if (n < ARRAY_LEN(field))
            field[n] = str_sub(rest, 0, len);
        n++;
        rest = str_trim(str_from(rest, len));
    }
    if (n != 5)
        return err_set(err, ERR_INVALID, "expected exactly 5 fields, found %zu: [%.*s]", n,
                       STR_FMT(str_trim(text)));
    bool star;
    struct cron c;
    int rc = field_parse(field[0], &minutes, &c.minute, &star, err);
    if (!rc)
        rc = field_parse(field[1], &hours, &c.hour, &star, err);
    if (!rc)
        rc = field_parse(field[2], &days, &c.day, &c.any_day, err);
    if (!rc)
        rc = field_parse(field[3], &months, &c.month, &star, err);
    if (!rc)
        rc = field_parse(field[4], &weekdays, &c.weekday, &c.any_weekday, err);
    if (!rc)
        *ret = c;
    return rc;
}

static bool has(uint64_t set, int i) { return set >> i & 1; }

static bool day_matches(const struct cron *c, const struct time_parts *p)
{
    bool day = has(c->day, p->day), weekday = has(c->weekday, p->weekday);
    return c->any_day || c->any_weekday ? day && weekday : day || weekday;
}

usec cron_next(const struct cron *c, usec after)
{
    struct time_parts p;
    usec at = (after >= 0 ? after / USEC_PER_MIN + 1 : 0) * USEC_PER_MIN;
    time_split(at, &p);
    int last = p.year + CRON_YEARS_MAX;
    while (p.year <= last) {
        if (!has(c->month, p.month)) {
            p = (struct time_parts){.year = p.year, .month = p.month + 1, .day = 1};
        } else if (!day_matches(c, &p)) {
            p = (struct time_parts){.year = p.year, .month = p.month, .day = p.day + 1};
        } else if (!has(c->hour, p.hour)) {
            p = (struct time_parts){.year = p.year,
                                    .month = p.month,
                                    .day = p.day,
                                    .hour = p.hour + 1};
        } else if (!has(c->minute, p.minute)) {
            p.minute++;
            p.second = p.micro = 0;
        } else {
            return time_join(&p);
        }
        time_split(time_join(&p), &p);
    }
    return 0;
}
