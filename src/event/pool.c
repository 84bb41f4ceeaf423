/* event/pool.c: one bounded queue, a few threads; under sim the same queue is served by the loop
 * itself. */
#include <assert.h>
#include <stdlib.h>

#include "event/private.h"
#include "event/pool.h"

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

struct pool {
    struct loop *sim;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct work *first, **last;
    size_t n_queued;
    bool closing;
    pthread_t *thread;
    unsigned n_threads;
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

static void *serve(void *arg)
{
    struct pool *p = arg;
    pthread_mutex_lock(&p->lock);
    for (;;) {
        while (!p->first && !p->closing)
            pthread_cond_wait(&p->wake, &p->lock);
        if (p->closing)
            break;
        struct work *w = p->first;
        p->first = w->next;
        if (!p->first)
            p->last = &p->first;
        p->n_queued--;
        pthread_mutex_unlock(&p->lock);
        work_do(w);
        pthread_mutex_lock(&p->lock);
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

struct pool *pool_new(struct loop *sim_or_null, unsigned n_threads)
{
    struct pool *p = calloc(1, sizeof(*p));
    assert(p);
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->wake, NULL);
    p->last = &p->first;
    p->sim = sim_or_null;
    if (p->sim)
        return p;
    p->n_threads = n_threads ? n_threads : 1;
    p->thread = calloc(p->n_threads, sizeof(*p->thread));
    assert(p->thread);
    for (unsigned i = 0; i < p->n_threads; i++) {
        int rc = pthread_create(&p->thread[i], NULL, serve, p);
        assert(rc == 0);
        (void)rc;
    }
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
    for (unsigned i = 0; i < p->n_threads; i++)
        pthread_join(p->thread[i], NULL);
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
