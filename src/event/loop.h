/* event/loop.h: a loop owns its state; everything on it runs on one thread, one callback at a time.
 *
 * Two backends behind one interface: EVENT_UV (libuv: sockets, processes, real time) and EVENT_SIM
 * (virtual clock, seeded order of what is ready, pool work run inline, no sockets). A callback
 * never blocks. Between loops only messages pass (event/mailbox.h, event/call.h, event/cell.h). */
#ifndef EVENT_LOOP_H
#define EVENT_LOOP_H

#include "base/err.h"
#include "base/time.h"

struct loop;
struct uv_loop_s;

enum event_backend { EVENT_UV, EVENT_SIM };

#define LOOPS_MAX 64

struct loop *loop_new(enum event_backend backend, uint64_t sim_seed);
void loop_free(struct loop *l); /* nothing may be left on it */
/* until loop_stop, or (sim, or uv without handles) nothing is left to do */
void loop_run(struct loop *l);
void loop_stop(struct loop *l); /* from the loop's thread; from others: loop_post a stop */
/* sim: run until virtual time `until` or nothing is left; returns steps made. */
uint64_t loop_run_sim(struct loop *l, usec until, uint64_t steps_max);

/* Time of this turn. now: monotonic; wall: since 1970. Virtual under sim (wall starts at
 * 2024-01-01T00:00:00Z). */
usec loop_now(const struct loop *l);
usec loop_wall(const struct loop *l);

/* the libuv loop, NULL under sim: for net/ and process only */
struct uv_loop_s *loop_uv(struct loop *l);
uint64_t loop_random(struct loop *l); /* seeded under sim */

/* Run fn(arg) on the loop's next turn; from the loop's own thread. FIFO on uv, seeded order on sim.
 */
void loop_defer(struct loop *l, void (*fn)(void *arg), void *arg);
/* The same from any thread; false when the queue is full (4,096 entries) or the loop is gone. */
bool loop_post(struct loop *l, void (*fn)(void *arg), void *arg) MUST_CHECK;

/* One-shot timers, embedded in their owner. Zero-initialised is idle. */
struct timer {
    struct loop *loop;
    void (*fn)(void *arg);
    void *arg;
    usec at;     /* monotonic; 0: idle */
    size_t heap; /* position, private */
};
void timer_init(struct timer *t, struct loop *l, void (*fn)(void *arg), void *arg);
void timer_arm(struct timer *t, usec at); /* monotonic instant; moves an armed one */
void timer_arm_in(struct timer *t, usec delay_us);
void timer_stop(struct timer *t); /* idle is fine; must be called before the owner goes */
static inline bool timer_armed(const struct timer *t) { return t->at != 0; }

#endif
