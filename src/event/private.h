/* event/private.h: what the files of this room share; not for other rooms.
 *
 * Addresses (struct call, struct mailbox) name (loop, slot) in 32 bits: the loop's place in the
 * registry in the upper 6 bits, the slot in the rest. The registry is the one piece of process-wide
 * state: it is what makes an address safe to use after its loop is gone. A registry entry's lock
 * guards the loop's inbox and its slot tables. */
#ifndef EVENT_PRIVATE_H
#define EVENT_PRIVATE_H

#include <pthread.h>
#include <uv.h>

#include "event/call.h"
#include "event/mailbox.h"

#define SLOT_BITS 26
#define SLOT_MASK ((1u << SLOT_BITS) - 1)
#define SLOTS_CHUNK 256

enum ready_kind { READY_FN, READY_POST, READY_CALL, READY_MAILBOX };
struct ready {
    enum ready_kind kind;
    uint32_t slot, gen;
    void (*fn)(void *arg);
    void *arg;
};
struct ready_list {
    struct ready *at;
    size_t n, cap;
};
void ready_push(struct ready_list *list, struct ready r);

struct call_slot;
struct mailbox_slot;
struct slots { /* stable addresses: chunks of SLOTS_CHUNK */
    void **chunk;
    size_t n, n_chunks, item_bytes;
    uint32_t *free_slot;
    size_t n_free, cap_free, n_used;
};
uint32_t slots_take(struct slots *s); /* index; memory of the slot as it was left */
void slots_give(struct slots *s, uint32_t index);
void *slots_at(const struct slots *s, uint32_t index); /* NULL when out of range */
void slots_done(struct slots *s);

struct loop {
    enum event_backend backend;
    unsigned place; /* in the registry */
    bool stop, fresh;
    usec now, wall;
    uint64_t random;

    struct ready_list soon;        /* own thread */
    struct ready_list batch;       /* what this turn runs */
    struct ready_list inbox;       /* under the lock */
    size_t n_posts;                /* under the lock: posts in inbox */
    struct slots calls, mailboxes; /* under the lock */

    struct timer **heap;
    size_t n_timers, cap_timers;
    uint64_t timer_order;

    uv_loop_t uv;
    uv_poll_t wake; /* the place's descriptor */
    uv_timer_t uv_timer;
    uv_prepare_t before_poll;
};

/* Lock the registry's place `index`; the loop there or NULL. Always followed by registry_unlock. */
struct loop *registry_lock(unsigned index);
void registry_unlock(unsigned index);
uint32_t registry_gen(unsigned index); /* a fresh generation, under the lock; never 0 */

/* The descriptor that wakes whatever loop is at the place: made once, never closed, so that it may
 * be written after the lock was given back. */
int registry_wake_fd(unsigned index);
/* The uv loop that this thread is running now, or NULL: it needs no waking. */
void loop_set_current(struct loop *l);

/* Put r in the inbox; under the lock. The loop is woken by registry_unlock. */
void loop_inbox(struct loop *l, struct ready r);
void loop_run_one(struct loop *l, const struct ready *r);
void loop_collect(struct loop *l); /* inbox to soon */

void timer_heap_done(struct loop *l);
usec timer_next(const struct loop *l); /* instant of the first, 0: none */
bool timer_run_due(struct loop *l);    /* run the first when it is due */

void loop_uv_open(struct loop *l);
void loop_uv_close(struct loop *l);
void loop_uv_run(struct loop *l);

void call_deliver(struct loop *l, uint32_t slot, uint32_t gen);
void calls_done(struct loop *l);
void mailbox_deliver(struct loop *l, uint32_t slot, uint32_t gen);
void mailboxes_done(struct loop *l);
size_t call_slot_bytes(void);
size_t mailbox_slot_bytes(void);

#endif
