/* lang/cron.h: five-field cron schedules.
 *
 * minute hour day-of-month month day-of-week, with lists, ranges, steps, names (JAN, SUN) and "?"
 * for "*". As robfig/cron: when neither day field begins with a star, a day that matches either
 * counts; else both must match. 7 is no day of the week. Pure; times are UTC. Source: robfig/cron
 * v3 parser (standard fields) and SpecSchedule.Next. */
#ifndef LANG_CRON_H
#define LANG_CRON_H

#include "base/err.h"
#include "base/time.h"

#define CRON_BYTES_MAX 256
#define CRON_YEARS_MAX 5 /* how far cron_next looks */

struct cron {
    uint64_t minute, hour, day, month, weekday; /* bit sets */
    bool any_day, any_weekday;                  /* the field begins with a star */
};

/* -ERR_INVALID with the parser's text ("expected exactly 5 fields, found 3: [a b c]"). */
int cron_parse(str text, struct cron *ret, struct err *err) MUST_CHECK;

/* The first time after `after` (whole minutes, UTC); 0 when there is none within CRON_YEARS_MAX. */
usec cron_next(const struct cron *c, usec after);

#endif
