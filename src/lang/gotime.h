/* lang/gotime.h: Go's package time: instants with a zone, layouts, durations.
 *
 * An instant is seconds since 1970 UTC and nanoseconds; its zone decides what calendar fields it
 * shows. Zones are the IANA database (src/lang/gotime/zones.bin, made by tools/zone-pack), UTC,
 * Local (UTC here: controllers run in UTC), and fixed ones made by parsing. Values; zones live as
 * long as the process, or as the arena they were made in. Pure, any thread. Source: Go 1.26 time.
 */
#ifndef LANG_GOTIME_H
#define LANG_GOTIME_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#define GOTIME_YEAR_ONE ((int64_t)-62135596800) /* seconds of the zero time */
#define GOTIME_SECOND ((int64_t)1000000000)     /* of a duration */

struct gozone {
    str name;       /* of the location: "America/New_York", "UTC", "Local" */
    str fixed_abbr; /* of a fixed zone */
    int32_t fixed_offset;
    const unsigned char *data; /* TZif, or NULL: fixed */
    size_t len;
};

extern const struct gozone GOZONE_UTC, GOZONE_LOCAL;

struct gotime {
    int64_t sec;
    int32_t nsec; /* 0..999999999 */
    const struct gozone *zone;
};

struct gotime_civil { /* what the zone shows */
    int64_t year;
    int month, day, hour, minute, second, weekday, yearday; /* month 1..12, yearday 1..366 */
    int32_t offset;                                         /* seconds east of UTC */
    str abbr;
    bool is_dst;
};

/* LoadLocation; NULL: unknown. "" and "UTC" are UTC, "Local" is GOZONE_LOCAL. */
const struct gozone *gozone_find(str name, struct arena *a);
/* Offset and abbreviation at an instant. */
void gozone_at(const struct gozone *z, int64_t sec, int32_t *ret_offset, str *ret_abbr,
               bool *ret_dst);

struct gotime gotime_zero(void);
bool gotime_is_zero(struct gotime t);
void gotime_civil(struct gotime t, struct gotime_civil *ret);
/* time.Date: fields may be out of range. */
struct gotime gotime_date(const struct gotime_civil *fields, int32_t nsec,
                          const struct gozone *zone);
struct gotime gotime_add(struct gotime t, int64_t duration);
int64_t gotime_sub(struct gotime a, struct gotime b); /* saturates */
int gotime_cmp(struct gotime a, struct gotime b);

void gotime_format(struct gotime t, str layout, struct buf *out);
void gotime_print(struct gotime t, struct buf *out); /* String */
/* ParseInLocation. -ERR_INVALID with Go's text; then *ret is the zero time as well. */
int gotime_parse(str layout, str text, const struct gozone *zone, struct arena *a,
                 struct gotime *ret, struct err *err) MUST_CHECK;

/* Durations in nanoseconds. */
void goduration_print(int64_t d, struct buf *out);
/* -ERR_INVALID "time: invalid duration "x"" and its like. */
int goduration_parse(str text, int64_t *ret, struct err *err) MUST_CHECK;
int64_t goduration_round(int64_t d, int64_t unit);
int64_t goduration_truncate(int64_t d, int64_t unit);

/* ---- layouts, for gotime/ itself ---- */

enum gotime_std {
    GOTIME_NONE,
    GOTIME_LONG_MONTH,
    GOTIME_MONTH,
    GOTIME_NUM_MONTH,
    GOTIME_ZERO_MONTH,
    GOTIME_LONG_WEEKDAY,
    GOTIME_WEEKDAY,
    GOTIME_DAY,
    GOTIME_UNDER_DAY,
    GOTIME_ZERO_DAY,
    GOTIME_UNDER_YEARDAY,
    GOTIME_ZERO_YEARDAY,
    GOTIME_HOUR,
    GOTIME_HOUR12,
    GOTIME_ZERO_HOUR12,
    GOTIME_MINUTE,
    GOTIME_ZERO_MINUTE,
    GOTIME_SECOND_,
    GOTIME_ZERO_SECOND,
    GOTIME_LONG_YEAR,
    GOTIME_YEAR,
    GOTIME_PM,
    GOTIME_LOWER_PM,
    GOTIME_TZ,
    GOTIME_OFFSET, /* -0700 and its like; shape in the chunk */
    GOTIME_FRACTION_0,
    GOTIME_FRACTION_9,
};

struct gotime_chunk {
    str prefix, text, suffix; /* text: the element itself */
    enum gotime_std std;
    bool is_z, has_colon, has_minutes, has_seconds; /* of GOTIME_OFFSET */
    int digits;                                     /* of a fraction */
    char separator;
};

/* First element of a layout; GOTIME_NONE: prefix is all of it. */
struct gotime_chunk gotime_next_chunk(str layout);

extern const char *const GOTIME_MONTHS[12], *const GOTIME_DAYS[7];

#endif
