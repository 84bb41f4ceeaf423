/* event/loop.h: a loop owns its state; everything on it runs on one thread, one callback at a time.
 *
 * Two backends behind one interface: EVENT_UV (libuv: sockets, processes, real time) and EVENT_SIM
 * (virtual clock, seeded order of what is ready, pool work run inline, no sockets). A callback
 * never blocks. Between loops only messages pass (event/mailbox.h, which also has cells, and
 * event/call.h). The first EVENT_UV loop makes the process ignore SIGPIPE (children started by
 * event/process.h do not inherit that). */
#ifndef EVENT_LOOP_H
#define EVENT_LOOP_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/time.h"

struct loop;
struct uv_loop_s;

enum event_backend { EVENT_UV, EVENT_SIM };

#define LOOPS_MAX 64

#define LOOP_POSTS_MAX 4096

struct loop *loop_new(enum event_backend backend, uint64_t sim_seed);
/* Timers must be stopped and uv handles closed by their owners; open calls are forgotten, mailboxes
 * closed, what was deferred or posted does not run. From the loop's thread. */
void loop_free(struct loop *l);
void loop_run(struct loop *l);  /* until loop_stop, or nothing is left to do: nothing ready, no
                                   timer, and on uv no open call, mailbox or handle */
void loop_stop(struct loop *l); /* from the loop's thread; from others: loop_post a stop */
/* sim: run until virtual time `until` or nothing is left; returns steps made. */
uint64_t loop_run_sim(struct loop *l, usec until, uint64_t steps_max);

/* Time of this turn. now: monotonic; wall: since 1970. Virtual under sim (wall starts at
 * 2024-01-01T00:00:00Z). */
usec loop_now(const struct loop *l);
usec loop_wall(const struct loop *l);

struct uv_loop_s *loop_uv(
    struct loop *l); /* the libuv loop, NULL under sim: for net/ and process only */
uint64_t loop_random(struct loop *l); /* seeded under sim */

/* Run fn(arg) on the loop's next turn; from the loop's own thread. FIFO on uv, seeded order on sim.
 */
void loop_defer(struct loop *l, void (*fn)(void *arg), void *arg);
/* The same from any thread, also after the loop is gone; false when the queue is full
 * (LOOP_POSTS_MAX) or the loop is gone. */
bool loop_post(struct loop *l, void (*fn)(void *arg), void *arg) MUST_CHECK;

/* One-shot timers, embedded in their owner. Zero-initialised is idle. */
struct timer {
    struct loop *loop;
    void (*fn)(void *arg);
    void *arg;
    usec at;        /* monotonic; 0: idle */
    size_t heap;    /* private: position */
    uint64_t order; /* private: among equal instants; arming order on uv, seeded on sim */
};
void timer_init(struct timer *t, struct loop *l, void (*fn)(void *arg), void *arg);
void timer_arm(struct timer *t, usec at); /* monotonic instant; moves an armed one */
void timer_arm_in(struct timer *t, usec delay_us);
void timer_stop(struct timer *t); /* idle is fine; must be called before the owner goes */
static inline bool timer_armed(const struct timer *t) { return t->at != 0; }

#endif
