/* event/loop_uv.c: the libuv backend.
 *
 * A turn: run what is ready, in order of arrival; run due timers; then let libuv wait for
 * descriptors, the first timer, or a message from another thread. The async handle wakes the wait
 * only; it carries nothing. Aliveness is counted by us, so our three handles are unreferenced while
 * libuv is asked whether it has anything of its own. */
#include <assert.h>
#include <signal.h>
#include <unistd.h>

#include "event/private.h"

static void on_wake(uv_poll_t *h, int status, int events)
{
    (void)status;
    (void)events;
    uint64_t n;
    struct loop *l = h->data;
    while (read(registry_wake_fd(l->place), &n, sizeof(n)) == (ssize_t)sizeof(n))
        ;
}
static void on_timer(uv_timer_t *h) { (void)h; }
static bool inbox_waits(struct loop *l)
{
    registry_lock(l->place);
    bool waits = l->inbox.n > 0;
    registry_unlock(l->place);
    return waits;
}

/* libuv runs its timers and pending callbacks before it waits. What they left for the next turn,
 * and our own timer when it has fired there already (it was due, or we were not scheduled for a
 * while), must not meet a wait without end: a timer of zero makes the wait none. */
static void on_before_poll(uv_prepare_t *h)
{
    struct loop *l = h->data;
    l->fresh = false;
    bool fired = l->n_timers && !uv_is_active((uv_handle_t *)&l->uv_timer);
    if (fired || l->soon.n || inbox_waits(l))
        uv_timer_start(&l->uv_timer, on_timer, 0, 0);
}

void loop_uv_open(struct loop *l)
{
    signal(SIGPIPE,
           SIG_IGN); /* a peer that closes is an error of that write, not the end of the process */
    int rc = uv_loop_init(&l->uv);
    assert(rc == 0);
    rc = uv_poll_init(&l->uv, &l->wake, registry_wake_fd(l->place));
    assert(rc == 0);
    l->wake.data = l;
    uv_poll_start(&l->wake, UV_READABLE, on_wake);
    uv_timer_init(&l->uv, &l->uv_timer);
    uv_prepare_init(&l->uv, &l->before_poll);
    l->before_poll.data = l;
    uv_prepare_start(&l->before_poll, on_before_poll);
    uv_unref((uv_handle_t *)&l->wake);
    uv_unref((uv_handle_t *)&l->uv_timer);
    uv_unref((uv_handle_t *)&l->before_poll);
    (void)rc;
}

void loop_uv_close(struct loop *l)
{
    uv_close((uv_handle_t *)&l->wake, NULL);
    uv_close((uv_handle_t *)&l->uv_timer, NULL);
    uv_close((uv_handle_t *)&l->before_poll, NULL);
    uv_run(&l->uv, UV_RUN_DEFAULT);
    int rc = uv_loop_close(&l->uv);
    assert(rc == 0 && "a uv handle was left on the loop");
    (void)rc;
}

static void run_batch(struct loop *l)
{
    loop_collect(l);
    struct ready_list batch = l->soon;
    l->soon = l->batch;
    l->soon.n = 0;
    l->batch = (struct ready_list){0};
    for (size_t i = 0; i < batch.n; i++)
        loop_run_one(l, &batch.at[i]);
    batch.n = 0;
    l->batch = batch;
}

static bool anything_left(struct loop *l)
{
    registry_lock(l->place);
    bool left = l->inbox.n || l->calls.n_used || l->mailboxes.n_used;
    registry_unlock(l->place);
    return left || l->soon.n || l->n_timers || uv_loop_alive(&l->uv);
}

/* libuv waits in whole milliseconds: round up, a timer must not be early. */
static void wait_for(struct loop *l, usec at)
{
    usec now = loop_now(l);
    uint64_t wait_ms = at > now ? (uint64_t)((at - now + USEC_PER_MS - 1) / USEC_PER_MS) : 0;
    uv_update_time(&l->uv);
    uv_timer_start(&l->uv_timer, on_timer, wait_ms, 0);
}

void loop_uv_run(struct loop *l)
{
    loop_set_current(l);
    while (!l->stop) {
        l->fresh = false;
        run_batch(l);
        for (size_t n = l->n_timers; n > 0 && timer_run_due(l); n--)
            ;
        if (l->stop || !anything_left(l))
            break;
        usec next = timer_next(l);
        if (next)
            wait_for(l, next);
        else
            uv_timer_stop(&l->uv_timer);
        uv_ref((uv_handle_t *)&l->wake);
        uv_run(&l->uv, UV_RUN_ONCE);
        uv_unref((uv_handle_t *)&l->wake);
    }
    loop_set_current(NULL);
    l->stop = false;
}
