/* event/timer.c: a binary heap of timers that live in their owners. */
#include <assert.h>
#include <stdlib.h>

#include "event/private.h"

static bool sooner(const struct timer *a, const struct timer *b)
{
    return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static void put(struct loop *l, size_t i, struct timer *t)
{
    l->heap[i] = t;
    t->heap = i;
}

static void sift_up(struct loop *l, size_t i, struct timer *t)
{
    for (; i > 0 && sooner(t, l->heap[(i - 1) / 2]); i = (i - 1) / 2)
        put(l, i, l->heap[(i - 1) / 2]);
    put(l, i, t);
}

static void sift_down(struct loop *l, size_t i, struct timer *t)
{
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= l->n_timers)
            break;
        if (child + 1 < l->n_timers && sooner(l->heap[child + 1], l->heap[child]))
            child++;
        if (!sooner(l->heap[child], t))
            break;
        put(l, i, l->heap[child]);
        i = child;
    }
    put(l, i, t);
}

void timer_init(struct timer *t, struct loop *l, void (*fn)(void *arg), void *arg)
{
    *t = (struct timer){.loop = l, .fn = fn, .arg = arg};
}

void timer_arm(struct timer *t, usec at)
{
    struct loop *l = t->loop;
    assert(l && t->fn);
    timer_stop(t);
    if (l->n_timers == l->cap_timers) {
        l->cap_timers = l->cap_timers ? l->cap_timers * 2 : 64;
        l->heap = realloc(l->heap, l->cap_timers * sizeof(*l->heap));
        assert(l->heap);
    }
    t->at = at > 0 ? at : 1;
    t->order = l->backend == EVENT_SIM ? loop_random(l) : ++l->timer_order;
    sift_up(l, l->n_timers++, t);
}

void timer_arm_in(struct timer *t, usec delay_us)
{
    usec now = loop_now(t->loop), at;
    if (__builtin_add_overflow(now, delay_us > 0 ? delay_us : 0, &at))
        at = INT64_MAX;
    timer_arm(t, at);
}

void timer_stop(struct timer *t)
{
    if (!t->at)
        return;
    struct loop *l = t->loop;
    size_t i = t->heap;
    assert(i < l->n_timers && l->heap[i] == t);
    struct timer *last = l->heap[--l->n_timers];
    t->at = 0;
    if (last == t)
        return;
    if (i > 0 && sooner(last, l->heap[(i - 1) / 2]))
        sift_up(l, i, last);
    else
        sift_down(l, i, last);
}

usec timer_next(const struct loop *l) { return l->n_timers ? l->heap[0]->at : 0; }

bool timer_run_due(struct loop *l)
{
    if (!l->n_timers || l->heap[0]->at > loop_now(l))
        return false;
    struct timer *t = l->heap[0];
    timer_stop(t);
    t->fn(t->arg);
    return true;
}

void timer_heap_done(struct loop *l)
{
    for (size_t i = 0; i < l->n_timers; i++)
        l->heap[i]->at = 0;
    free(l->heap);
}
