/* event/loop_uv.c: the libuv backend.
 *
 * A turn: run what is ready, in order of arrival; run due timers; then let libuv wait for
 * descriptors, the first timer, or a message from another thread. The async handle wakes the wait
 * only; it carries nothing. Aliveness is counted by us, so our three handles are unreferenced while
 * libuv is asked whether it has anything of its own. */
#include <assert.h>
#include <signal.h>

#include "event/private.h"

static void on_wake(uv_async_t *h) { (void)h; }
static void on_timer(uv_timer_t *h) { (void)h; }
/* libuv runs its timers before it waits. When ours has fired there already (it was due, or we were
 * not scheduled for a while), the wait would have no end: it is started again, so that the wait is
 * none. */
static void on_before_poll(uv_prepare_t *h)
{
    struct loop *l = h->data;
    l->fresh = false;
    if (l->n_timers && !uv_is_active((uv_handle_t *)&l->uv_timer))
        uv_timer_start(&l->uv_timer, on_timer, 0, 0);
}

void loop_uv_open(struct loop *l)
{
    signal(SIGPIPE,
           SIG_IGN); /* a peer that closes is an error of that write, not the end of the process */
    int rc = uv_loop_init(&l->uv);
    assert(rc == 0);
    rc = uv_async_init(&l->uv, &l->wake, on_wake);
    assert(rc == 0);
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
        uv_run(&l->uv, l->soon.n ? UV_RUN_NOWAIT : UV_RUN_ONCE);
        uv_unref((uv_handle_t *)&l->wake);
    }
    l->stop = false;
}
