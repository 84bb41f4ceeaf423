/* event/loop.c: the part of a loop that both backends share: registry, inbox, deferred work, and
 * the sim driver. */
#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/digest.h"
#include "event/private.h"

#define SIM_START (USEC_PER_SEC)
#define SIM_WALL_START ((usec)1704067200 * USEC_PER_SEC) /* 2024-01-01T00:00:00Z */

struct place {
    pthread_mutex_t lock;
    _Atomic(struct loop *) loop;
    uint32_t gen; /* survives the loop, so that an old address never fits a new loop */
    int wake_fd;  /* an eventfd, 0: none yet */
    bool wake_due;
};
static struct place registry[LOOPS_MAX] = {
    [0 ... LOOPS_MAX - 1] = {.lock = PTHREAD_MUTEX_INITIALIZER}};

struct loop *registry_lock(unsigned index)
{
    struct place *p = &registry[index % LOOPS_MAX];
    pthread_mutex_lock(&p->lock);
    return atomic_load_explicit(&p->loop, memory_order_relaxed);
}

/* The loop is woken after the lock is free: the woken thread often runs at once, on this processor,
 * and would only wait for it. (uv_async has the same trouble inside, and spins; event-bench shows
 * it.) */
void registry_unlock(unsigned index)
{
    struct place *p = &registry[index % LOOPS_MAX];
    bool wake = p->wake_due;
    p->wake_due = false;
    pthread_mutex_unlock(&p->lock);
    if (wake && write(p->wake_fd, &(uint64_t){1}, sizeof(uint64_t)) < 0)
        return; /* EAGAIN: the counter is full, which wakes as well */
}

int registry_wake_fd(unsigned index)
{
    struct place *p = &registry[index % LOOPS_MAX];
    pthread_mutex_lock(&p->lock);
    if (!p->wake_fd)
        p->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    assert(p->wake_fd > 0);
    pthread_mutex_unlock(&p->lock);
    return p->wake_fd;
}

static __thread struct loop *current;
void loop_set_current(struct loop *l) { current = l; }

uint32_t registry_gen(unsigned index)
{
    struct place *p = &registry[index % LOOPS_MAX];
    if (++p->gen == 0)
        p->gen = 1;
    return p->gen;
}

static void registry_enter(struct loop *l)
{
    for (unsigned i = 0; i < LOOPS_MAX; i++) {
        struct loop *there = registry_lock(i);
        if (!there) {
            l->place = i;
            atomic_store(&registry[i].loop, l);
        }
        registry_unlock(i);
        if (!there)
            return;
    }
    assert(!"more than LOOPS_MAX loops");
}

void ready_push(struct ready_list *list, struct ready r)
{
    if (list->n == list->cap) {
        list->cap = list->cap ? list->cap * 2 : 64;
        list->at = realloc(list->at, list->cap * sizeof(*list->at));
        assert(list->at);
    }
    list->at[list->n++] = r;
}

uint32_t slots_take(struct slots *s)
{
    s->n_used++;
    if (s->n_free)
        return s->free_slot[--s->n_free];
    if (s->n == s->n_chunks * SLOTS_CHUNK) {
        s->chunk = realloc(s->chunk, (s->n_chunks + 1) * sizeof(*s->chunk));
        assert(s->chunk);
        s->chunk[s->n_chunks] = calloc(SLOTS_CHUNK, s->item_bytes);
        assert(s->chunk[s->n_chunks]);
        s->n_chunks++;
    }
    assert(s->n < CALLS_MAX);
    return (uint32_t)s->n++;
}

void slots_give(struct slots *s, uint32_t index)
{
    if (s->n_free == s->cap_free) {
        s->cap_free = s->cap_free ? s->cap_free * 2 : 64;
        s->free_slot = realloc(s->free_slot, s->cap_free * sizeof(*s->free_slot));
        assert(s->free_slot);
    }
    s->free_slot[s->n_free++] = index;
    s->n_used--;
}

void *slots_at(const struct slots *s, uint32_t index)
{
    if (index >= s->n)
        return NULL;
    return (char *)s->chunk[index / SLOTS_CHUNK] + (index % SLOTS_CHUNK) * s->item_bytes;
}

void slots_done(struct slots *s)
{
    for (size_t i = 0; i < s->n_chunks; i++)
        free(s->chunk[i]);
    free(s->chunk);
    free(s->free_slot);
}

struct loop *loop_new(enum event_backend backend, uint64_t sim_seed)
{
    struct loop *l = calloc(1, sizeof(*l));
    assert(l);
    l->backend = backend;
    l->calls.item_bytes = call_slot_bytes();
    l->mailboxes.item_bytes = mailbox_slot_bytes();
    l->random = sim_seed;
    if (backend == EVENT_SIM) {
        l->now = SIM_START;
        l->wall = SIM_WALL_START;
    } else {
        random_bytes(&l->random, sizeof(l->random));
    }
    registry_enter(l);
    if (backend == EVENT_UV)
        loop_uv_open(l);
    return l;
}

void loop_free(struct loop *l)
{
    if (!l)
        return;
    /* After this nobody finds the loop any more; what remains belongs to this thread alone. */
    registry_lock(l->place);
    atomic_store(&registry[l->place].loop, NULL);
    registry_unlock(l->place);
    calls_done(l);
    mailboxes_done(l);
    timer_heap_done(l);
    if (l->backend == EVENT_UV)
        loop_uv_close(l);
    slots_done(&l->calls);
    slots_done(&l->mailboxes);
    free(l->soon.at);
    free(l->batch.at);
    free(l->inbox.at);
    free(l);
}

void loop_run(struct loop *l)
{
    if (l->backend == EVENT_UV)
        loop_uv_run(l);
    else
        loop_run_sim(l, INT64_MAX, UINT64_MAX);
}

void loop_stop(struct loop *l) { l->stop = true; }

/* The clock is read once a turn, when first asked for: turns without timers need no clock. */
static void refresh(struct loop *l)
{
    if (l->backend == EVENT_SIM || l->fresh)
        return;
    l->now = time_monotonic_now();
    l->wall = time_wall_now();
    l->fresh = true;
}

usec loop_now(const struct loop *l)
{
    refresh((struct loop *)l);
    return l->now;
}

usec loop_wall(const struct loop *l)
{
    refresh((struct loop *)l);
    return l->backend == EVENT_SIM ? l->wall + l->now - SIM_START : l->wall;
}

struct uv_loop_s *loop_uv(struct loop *l) { return l->backend == EVENT_UV ? &l->uv : NULL; }

uint64_t loop_random(struct loop *l) /* splitmix64 */
{
    uint64_t z = l->random += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

void loop_defer(struct loop *l, void (*fn)(void *arg), void *arg)
{
    ready_push(&l->soon, (struct ready){.kind = READY_FN, .fn = fn, .arg = arg});
}

void loop_inbox(struct loop *l, struct ready r)
{
    ready_push(&l->inbox, r);
    if (l->backend == EVENT_UV && l->inbox.n == 1 && l != current)
        registry[l->place].wake_due = true;
}

bool loop_post(struct loop *l, void (*fn)(void *arg), void *arg)
{
    for (unsigned i = 0; i < LOOPS_MAX;
         i++) { /* l may dangle: it is compared, never followed, until found */
        if (atomic_load_explicit(&registry[i].loop, memory_order_relaxed) != l)
            continue;
        bool taken = registry_lock(i) == l && l->n_posts < LOOP_POSTS_MAX;
        if (taken) {
            l->n_posts++;
            loop_inbox(l, (struct ready){.kind = READY_POST, .fn = fn, .arg = arg});
        }
        registry_unlock(i);
        return taken;
    }
    return false;
}

void loop_collect(struct loop *l)
{
    registry_lock(l->place);
    for (size_t i = 0; i < l->inbox.n; i++)
        ready_push(&l->soon, l->inbox.at[i]);
    l->inbox.n = 0;
    l->n_posts = 0;
    registry_unlock(l->place);
}

void loop_run_one(struct loop *l, const struct ready *r)
{
    switch (r->kind) {
    case READY_FN:
    case READY_POST: r->fn(r->arg); break;
    case READY_CALL: call_deliver(l, r->slot, r->gen); break;
    case READY_MAILBOX: mailbox_deliver(l, r->slot, r->gen); break;
    }
}

/* One step runs one piece of what is ready: any deferred or delivered work, or the first due timer.
 * The clock moves only when nothing is ready, so that every order of simultaneous events can be
 * met. */
uint64_t loop_run_sim(struct loop *l, usec until, uint64_t steps_max)
{
    assert(l->backend == EVENT_SIM);
    uint64_t steps = 0;
    while (!l->stop && steps < steps_max) {
        loop_collect(l);
        bool due = l->n_timers && l->heap[0]->at <= l->now;
        size_t n = l->soon.n + (due ? 1 : 0);
        if (n == 0) {
            usec next = timer_next(l);
            if (next == 0 || next > until)
                break;
            l->now = next;
            continue;
        }
        size_t i = (size_t)(loop_random(l) % n);
        if (i == l->soon.n) {
            timer_run_due(l);
        } else {
            struct ready r = l->soon.at[i];
            l->soon.at[i] = l->soon.at[--l->soon.n];
            loop_run_one(l, &r);
        }
        steps++;
    }
    if (!l->stop && steps < steps_max && until != INT64_MAX && l->now < until)
        l->now = until;
    l->stop = false;
    return steps;
}
