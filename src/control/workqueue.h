/* control/workqueue.h: keys that wait to be worked, each at most once at a time.
 *
 * A key added while it waits is worked once; added while it is worked, it is worked again
 * afterwards. At most `workers_max` keys are worked at a time; keys come out in the order they
 * became ready. Delayed keys become ready by one timer; the earliest of several delays counts, and
 * adding without delay beats any. workqueue_retry waits the longer of a per-key exponential delay
 * and a token bucket over all keys, as client-go's default controller rate limiter.
 *
 * One loop, one thread. `work` runs on a later turn of the loop, never inside workqueue_add; it
 * starts the work and returns; whoever ends the work calls workqueue_done. Bound: keys_max keys
 * that wait, are delayed or are worked. Source: client-go util/workqueue (queue.go,
 * delaying_queue.go, default_rate_limiters.go). */
#ifndef CONTROL_WORKQUEUE_H
#define CONTROL_WORKQUEUE_H

#include "base/metrics.h"
#include "event/loop.h"

#define WORKQUEUE_KEYS_MAX_DEFAULT ((size_t)1 << 20)

struct workqueue;

struct workqueue_config {             /* zero means the default in brackets */
    const char *name;                 /* label of the metrics; static text */
    unsigned workers_max;             /* [20] */
    usec retry_base_us;               /* first delay of a key [5 ms] */
    usec retry_max_us;                /* [1000 s] */
    double retry_per_second;          /* refill of the bucket [10]; < 0: no bucket */
    unsigned retry_burst;             /* [100] */
    size_t keys_max;                  /* [WORKQUEUE_KEYS_MAX_DEFAULT] */
    void (*work)(void *arg, str key); /* key: valid until workqueue_done */
    void *arg;
    struct metrics *metrics; /* borrowed; NULL: none. client-go's workqueue_* metrics */
};

struct workqueue *workqueue_new(struct loop *l, const struct workqueue_config *config);
void workqueue_free(struct workqueue *q); /* work under way is forgotten: workqueue_done must not be
                                             called any more */

/* All copy the key. false: the queue is full, nothing was added. */
bool workqueue_add(struct workqueue *q, str key);
bool workqueue_add_after(struct workqueue *q, str key, usec delay_us);
bool workqueue_retry(struct workqueue *q, str key); /* one more failure of this key */
void workqueue_forget(struct workqueue *q,
                      str key); /* it succeeded: its delay starts at retry_base_us again */
/* The key, now being worked, is finished. */
void workqueue_done(struct workqueue *q, str key);
void workqueue_pause(struct workqueue *q, bool paused); /* nothing new is worked while paused */

struct workqueue_stats {
    size_t waiting, delayed, working;
    uint64_t adds, retries, worked, refused;
};
struct workqueue_stats workqueue_stats(const struct workqueue *q);
unsigned workqueue_failures(const struct workqueue *q, str key); /* retries since the last forget */

#endif
