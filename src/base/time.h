/* base/time.h: instants and durations in microseconds.
 *
 * `usec` is a signed count of microseconds: since 1970-01-01 UTC for wall-clock instants, since an
 * unspecified start for monotonic ones, or a duration; names say which (`_at`, `_us`). Rooms above
 * event/ never read a clock: they are given `now` (event/ also runs on a virtual clock). Source:
 * RFC 3339; Go's time.ParseDuration and Duration.String. */
#ifndef BASE_TIME_H
#define BASE_TIME_H

#include "base/arena.h"
#include "base/str.h"

typedef int64_t usec;

#define USEC_PER_MS ((usec)1000)
#define USEC_PER_SEC ((usec)1000000)
#define USEC_PER_MIN (60 * USEC_PER_SEC)
#define USEC_PER_HOUR (60 * USEC_PER_MIN)

usec time_wall_now(void); /* only event/ and main/ call these */
usec time_monotonic_now(void);

struct time_parts { /* UTC */
    /* month 1..12, weekday 0 = Sunday, yearday 0..365 */
    int year, month, day, hour, minute, second, micro, weekday, yearday;
};
void time_split(usec at, struct time_parts *ret);
usec time_join(const struct time_parts *p); /* fields may be out of range, as timegm */

/* RFC 3339 with seconds, as Kubernetes writes metav1.Time: 2024-01-02T15:04:05Z. 20 bytes + NUL
 * into ret. */
#define TIME_RFC3339_BYTES 21
void time_print(usec at, char ret[TIME_RFC3339_BYTES]);
str time_str(struct arena *a, usec at);
/* With microseconds, as metav1.MicroTime: 2024-01-02T15:04:05.000000Z */
str time_micro_str(struct arena *a, usec at);
/* RFC 3339 with optional fraction and any offset; false when it is not one. */
bool time_parse(str s, usec *ret);

/* Go durations: "1h30m", "300ms", "-1.5s"; print as Duration.String ("2m0s"). */
bool duration_parse(str s, usec *ret);
str duration_str(struct arena *a, usec d);

#endif
