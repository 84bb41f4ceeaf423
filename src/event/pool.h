/* event/pool.h: threads for blocking libraries (libgit2, SQLite, gpg) and heavy pure work.
 *
 * Work gets its argument, runs off the loop, touches only what it was given and frozen documents,
 * and answers a call. Under sim it runs inline at a seeded later turn. The queue is bounded:
 * pool_submit answers the call with -ERR_BUSY when full. */
#ifndef EVENT_POOL_H
#define EVENT_POOL_H

#include "event/call.h"

#define POOL_QUEUE_MAX 65536

struct pool;
struct pool *pool_new(struct loop *sim_or_null, unsigned n_threads); /* sim loop: inline */
void pool_free(struct pool *p); /* waits for running work; queued work is answered -ERR_CANCELED */

typedef void pool_fn(void *arg, struct answer *ret); /* fill ret (rc, err or result and drop) */
/* drop_arg (may be NULL) frees arg after fn, or when it never ran: work whose call has ended before
 * it starts is skipped. c {0, 0}: run it, nobody waits. */
void pool_submit(struct pool *p, pool_fn *fn, void *arg, void (*drop_arg)(void *arg),
                 struct call c);

#endif
