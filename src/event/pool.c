/* event/pool.c: one bounded queue, a few threads; under sim the same queue is served by the loop
 * itself.
 *
 * A thread is started when work waits and nobody is free, and leaves when nothing came for a while:
 * most of the time there is one repository to ask, not thirty. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "event/private.h"
#include "event/pool.h"

#define IDLE_S 10                          /* a thread without work leaves after it */
#define SIM_WORK_US_MAX (20 * USEC_PER_MS) /* virtual time that a piece of work may take */

struct work {
    struct work *next;
    struct pool *pool;
    pool_fn *fn;
    void *arg;
    void (*drop_arg)(void *arg);
    struct call call;
    struct timer sim; /* its later turn */
};

enum thread_state { THREAD_NONE, THREAD_SERVES, THREAD_LEFT };
struct pool_thread {
    struct pool *pool;
    pthread_t id;
    enum thread_state state; /* LEFT: ended, or about to; to be joined */
};

struct pool {
    struct loop *sim;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct work *first, **last;
    size_t n_queued;
    bool closing;
    struct pool_thread *thread;
    unsigned n_threads, n_free; /* at most; serving, and waiting for work */
};

static void work_end(struct work *w)
{
    if (w->drop_arg)
        w->drop_arg(w->arg);
    free(w);
}

static void work_do(struct work *w)
{
    /* Nobody waits any more: the cheapest work is none. Without a call nobody ever did. */
    if (w->call.gen == 0 || call_wanted(w->call)) {
        struct answer a = {0};
        w->fn(w->arg, &a);
        call_answer(w->call, &a);
    }
    work_end(w);
}

static void work_refuse(struct work *w, int kind, const char *text)
{
    struct answer a = {0};
    a.rc = err_set(&a.err, kind, "%s", text);
    call_answer(w->call, &a);
    work_end(w);
}

/* With the lock held: false when there is nothing to do any more. */
static bool wait_for_work(struct pool *p)
{
    struct timespec until;
    int rc = 0;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += IDLE_S;
    p->n_free++;
    while (!p->first && !p->closing && rc != ETIMEDOUT)
        rc = pthread_cond_timedwait(&p->wake, &p->lock, &until);
    p->n_free--;
    return p->first && !p->closing;
}

static void *serve(void *arg)
{
    struct pool_thread *t = arg;
    struct pool *p = t->pool;
    pthread_mutex_lock(&p->lock);
    while (wait_for_work(p)) {
        struct work *w = p->first;
        p->first = w->next;
        if (!p->first)
            p->last = &p->first;
        p->n_queued--;
        pthread_mutex_unlock(&p->lock);
        work_do(w);
        pthread_mutex_lock(&p->lock);
    }
    t->state = THREAD_LEFT;
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

/* With the lock held, which one that left does not need any more. */
static void thread_add(struct pool *p)
{
    for (unsigned i = 0; i < p->n_threads; i++) {
        struct pool_thread *t = &p->thread[i];
        if (t->state == THREAD_SERVES)
            continue;
        if (t->state == THREAD_LEFT)
            pthread_join(t->id, NULL);
        t->pool = p;
        t->state = THREAD_SERVES;
        int rc = pthread_create(&t->id, NULL, serve, t);
        assert(rc == 0);
        (void)rc;
        return;
    }
}

struct pool *pool_new(struct loop *sim_or_null, unsigned n_threads)
{
    struct pool *p = calloc(1, sizeof(*p));
    assert(p);
    pthread_mutex_init(&p->lock, NULL);
    pthread_condattr_t by_clock;
    pthread_condattr_init(&by_clock);
    pthread_condattr_setclock(&by_clock, CLOCK_MONOTONIC);
    pthread_cond_init(&p->wake, &by_clock);
    pthread_condattr_destroy(&by_clock);
    p->last = &p->first;
    p->sim = sim_or_null;
    if (p->sim)
        return p;
    p->n_threads = n_threads ? n_threads : 1;
    p->thread = calloc(p->n_threads, sizeof(*p->thread));
    assert(p->thread);
    return p;
}

void pool_free(struct pool *p)
{
    if (!p)
        return;
    pthread_mutex_lock(&p->lock);
    p->closing = true;
    pthread_cond_broadcast(&p->wake);
    pthread_mutex_unlock(&p->lock);
    for (unsigned i = 0; i < p->n_threads; i++) {
        pthread_mutex_lock(&p->lock);
        bool started = p->thread[i].state != THREAD_NONE;
        pthread_mutex_unlock(&p->lock);
        if (started)
            pthread_join(p->thread[i].id, NULL);
    }
    for (struct work *w = p->first, *next; w; w = next) {
        next = w->next;
        timer_stop(&w->sim);
        work_refuse(w, ERR_CANCELED, "the pool is closing");
    }
    pthread_cond_destroy(&p->wake);
    pthread_mutex_destroy(&p->lock);
    free(p->thread);
    free(p);
}

static void on_sim_turn(void *arg)
{
    struct work *w = arg;
    struct pool *p = w->pool;
    struct work **at = &p->first;
    while (*at != w)
        at = &(*at)->next;
    *at = w->next;
    if (p->last == &w->next)
        p->last = at;
    p->n_queued--;
    work_do(w);
}

void pool_submit(struct pool *p, pool_fn *fn, void *arg, void (*drop_arg)(void *arg), struct call c)
{
    struct work *w = calloc(1, sizeof(*w));
    assert(w);
    *w = (struct work){.pool = p, .fn = fn, .arg = arg, .drop_arg = drop_arg, .call = c};
    pthread_mutex_lock(&p->lock);
    bool taken = p->n_queued < POOL_QUEUE_MAX && !p->closing;
    if (taken) {
        *p->last = w;
        p->last = &w->next;
        p->n_queued++;
        if (!p->sim && p->n_queued > p->n_free)
            thread_add(p);
        pthread_cond_signal(&p->wake);
    }
    pthread_mutex_unlock(&p->lock);
    if (!taken) {
        work_refuse(w, ERR_BUSY, "the queue of the worker pool is full");
    } else if (p->sim) {
        timer_init(&w->sim, p->sim, on_sim_turn, w);
        timer_arm_in(&w->sim, (usec)(loop_random(p->sim) % SIM_WORK_US_MAX));
    }
}
