/* event/tests/event_test.c: loops, timers, calls, mailboxes, cells and the pool on both backends.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <uv.h>

#include "event/call.h"
#include "event/loop.h"
#include "event/mailbox.h"
#include "event/pool.h"

static const enum event_backend backends[] = {EVENT_UV, EVENT_SIM};
#define EACH_BACKEND(l)                                                                            \
    for (size_t b_ = 0; b_ < 2; b_++)                                                              \
        for (struct loop *l = loop_new(backends[b_], 7); l; loop_free(l), l = NULL)

struct trace {
    struct loop *loop;
    char text[4096];
    size_t n;
};
struct mark {
    struct trace *trace;
    char c;
    struct timer timer;
    int again;
    struct mailbox *box; /* closed by put */
};

static void put(void *arg)
{
    struct mark *m = arg;
    if (m->box)
        mailbox_close(m->box);
    m->trace->text[m->trace->n++] = m->c;
    m->trace->text[m->trace->n] = '\0';
}

static void rearm(void *arg)
{
    struct mark *m = arg;
    if (m->again-- > 0)
        timer_arm(&m->timer, loop_now(m->trace->loop));
    else
        put(m);
}

static void a_timer_that_arms_itself_for_now_fires_again_at_once(void **state)
{
    EACH_BACKEND(l)
    {
        struct trace t = {.loop = l};
        struct mark m = {&t, 'x', .again = 1000};
        timer_init(&m.timer, l, rearm, &m);
        timer_arm(&m.timer, loop_now(l));
        loop_run(l); /* a wait without end would not come back */
        assert_string_equal(t.text, "x");
    }
}

static void defer_and_answer(uv_timer_t *h)
{
    struct mark *m = h->data;
    struct call *c = m->timer.arg; /* a place for the address */
    uv_close((uv_handle_t *)h, NULL);
    if (c)
        call_answer_ok(*c, NULL, NULL);
    else
        loop_defer(m->trace->loop, put, m);
}
static void put_answer(void *arg, struct answer *a) { put(arg); }

/* libuv runs its own timers before it waits: what they leave behind must not wait for the next
 * descriptor */
static void work_left_by_a_libuv_timer_runs_at_once(void **state)
{
    for (int with_call = 0; with_call < 2; with_call++) {
        struct loop *l = loop_new(EVENT_UV, 0);
        struct trace t = {.loop = l};
        struct mark m = {&t, 'x'};
        struct mailbox idle = mailbox_open(l, 1, 1, NULL, NULL, NULL); /* keeps the loop alive */
        struct call c = {0};
        uv_timer_t uv;
        uv_timer_init(loop_uv(l), &uv);
        uv.data = &m;
        if (with_call) {
            c = call_open(l, 0, put_answer, &m);
            m.timer.arg = &c;
        }
        uv_timer_start(&uv, defer_and_answer, 0, 0);
        m.box = &idle; /* put closes it: then nothing is left */
        loop_run(l);   /* a wait without end would not come back */
        assert_string_equal(t.text, "x");
        loop_free(l);
    }
}

static void put_later(void *arg)
{
    struct mark *m = arg;
    put(m);
    if (m->again-- > 0)
        loop_defer(m->trace->loop, put_later, m);
}

static void timers_fire_in_order_of_their_instants(void **state)
{
    EACH_BACKEND(l)
    {
        struct trace t = {.loop = l};
        struct mark m[100];
        usec now = loop_now(l);
        for (int i = 0; i < 100; i++) {
            m[i] = (struct mark){.trace = &t, .c = (char)(' ' + (i * 37) % 94)};
            timer_init(&m[i].timer, l, put, &m[i]);
            timer_arm(&m[i].timer, now + ((i * 37) % 94) * 100);
        }
        for (int i = 0; i < 100; i += 3)
            timer_stop(&m[i].timer);
        timer_arm(&m[1].timer, now - 1); /* moved to the front */
        loop_run(l);
        assert_int_equal(t.n, 66);
        assert_int_equal(t.text[0], m[1].c);
        for (size_t i = 2; i < t.n; i++)
            assert_true(t.text[i - 1] <= t.text[i]);
        assert_true(loop_now(l) >= now + 9000);
    }
}

static void deferred_work_runs_on_the_next_turn_in_order(void **state)
{
    struct loop *l = loop_new(EVENT_UV, 0);
    struct trace t = {.loop = l};
    struct mark a = {&t, 'a', .again = 2}, b = {&t, 'b', .again = 1};
    loop_defer(l, put_later, &a);
    loop_defer(l, put_later, &b);
    assert_int_equal(t.n, 0);
    loop_run(l);
    assert_string_equal(t.text, "ababa");
    loop_free(l);
}

static void sim_trace(uint64_t seed, char ret[256])
{
    struct loop *l = loop_new(EVENT_SIM, seed);
    struct trace t = {.loop = l};
    struct mark m[8];
    for (int i = 0; i < 8; i++) {
        m[i] = (struct mark){&t, (char)('a' + i), .again = 5};
        loop_defer(l, put_later, &m[i]);
        timer_init(&m[i].timer, l, put, &m[i]);
        timer_arm_in(&m[i].timer, 1000 * (i % 2));
    }
    loop_run(l);
    assert_int_equal(t.n, 8 * 7);
    memcpy(ret, t.text, t.n + 1);
    loop_free(l);
}

static void the_same_seed_gives_the_same_order_and_another_seed_another(void **state)
{
    char a[256], b[256], c[256];
    sim_trace(1, a);
    sim_trace(1, b);
    sim_trace(2, c);
    assert_string_equal(a, b);
    assert_string_not_equal(a, c);
}

static void the_virtual_clock_jumps_to_the_next_timer_and_stops_at_the_limit(void **state)
{
    struct loop *l = loop_new(EVENT_SIM, 1);
    struct trace t = {.loop = l};
    struct mark m = {&t, 'x'};
    usec start = loop_now(l);
    assert_int_equal(loop_wall(l), (int64_t)1704067200 * USEC_PER_SEC);
    timer_init(&m.timer, l, put, &m);
    timer_arm_in(&m.timer, USEC_PER_HOUR);
    assert_int_equal(loop_run_sim(l, start + USEC_PER_MIN, 100), 0);
    assert_int_equal(loop_now(l), start + USEC_PER_MIN);
    assert_int_equal(loop_run_sim(l, start + 2 * USEC_PER_HOUR, 100), 1);
    assert_int_equal(t.n, 1);
    assert_int_equal(loop_wall(l) - (int64_t)1704067200 * USEC_PER_SEC, 2 * USEC_PER_HOUR);
    loop_free(l);
}

struct got {
    int n, rc;
    void *result;
    char text[ERR_TEXT_MAX];
};
static void on_answer(void *arg, struct answer *a)
{
    struct got *g = arg;
    g->n++;
    g->rc = a->rc;
    if (a->rc)
        snprintf(g->text, sizeof(g->text), "%s", a->err.text);
    g->result = a->result;
}
static int n_dropped;
static void count_drop(void *p) { n_dropped += p ? 1 : 0; }
static int n_ended;
static void count_end(void *p) { n_ended++; }

static void a_call_gets_exactly_one_answer(void **state)
{
    EACH_BACKEND(l)
    {
        struct got g = {0};
        int x;
        n_dropped = 0;
        struct call c = call_open(l, 0, on_answer, &g);
        assert_true(call_wanted(c));
        call_answer_ok(c, &x, count_drop);
        assert_false(call_wanted(c));
        assert_int_equal(g.n, 0); /* never inside the answer */
        call_answer_ok(c, &x, count_drop);
        assert_int_equal(n_dropped, 1); /* the second one is dropped at once */
        loop_run(l);
        assert_int_equal(g.n, 1);
        assert_ptr_equal(g.result, &x);
        assert_int_equal(n_dropped, 2); /* not taken by the asker */
        call_answer_ok(c, &x, count_drop);
        assert_int_equal(n_dropped, 3);
        call_cancel(c);
        call_forget(&c);
        loop_run(l);
        assert_int_equal(g.n, 1);
    }
}

static void a_call_without_answer_ends_at_its_deadline(void **state)
{
    EACH_BACKEND(l)
    {
        struct got g = {0};
        n_ended = 0;
        usec start = loop_now(l);
        struct call c = call_open(l, 20 * USEC_PER_MS, on_answer, &g);
        assert_true(call_on_end(c, count_end, NULL));
        loop_run(l);
        assert_int_equal(g.rc, -ERR_TIMEOUT);
        assert_string_equal(g.text, "no answer before the deadline");
        assert_int_equal(n_ended, 1);
        assert_true(loop_now(l) >= start + 20 * USEC_PER_MS);
        assert_false(call_on_end(c, count_end, NULL));
    }
}

static void a_canceled_call_says_so_on_a_later_turn_and_a_forgotten_one_never(void **state)
{
    EACH_BACKEND(l)
    {
        struct got g = {0}, f = {0}, late = {0};
        int x;
        n_ended = n_dropped = 0;
        struct call c = call_open(l, USEC_PER_HOUR, on_answer, &g);
        call_on_end(c, count_end, NULL);
        call_cancel(c);
        assert_int_equal(n_ended, 1);
        assert_int_equal(g.n, 0);
        call_cancel(c);
        struct call d = call_open(l, USEC_PER_HOUR, on_answer, &f);
        struct call old = d;
        call_on_end(d, count_end, NULL);
        call_forget(&d);
        assert_int_equal(n_ended, 2);
        struct call e = call_open(l, 0, on_answer, &late); /* takes the freed slot */
        assert_int_equal(e.slot, old.slot);
        call_answer_ok(old, &x, count_drop); /* must not reach it */
        assert_int_equal(n_dropped, 1);
        assert_true(call_wanted(e));
        call_answer_ok(e, &x, count_drop);
        call_forget(&e); /* answered but not delivered: dropped */
        assert_int_equal(n_dropped, 2);
        loop_run(l);
        assert_int_equal(g.n, 1);
        assert_int_equal(g.rc, -ERR_CANCELED);
        assert_int_equal(f.n + late.n, 0);
        assert_int_equal(n_ended, 2);
    }
}

static void an_address_outlives_its_loop_without_harm(void **state)
{
    struct got g = {0};
    int x;
    struct loop *l = loop_new(EVENT_UV, 0);
    struct call c = call_open(l, USEC_PER_HOUR, on_answer, &g);
    struct mailbox m = mailbox_open(l, 4, 4, NULL, NULL, count_drop);
    n_dropped = 0;
    assert_true(mailbox_send(m, &x));
    loop_free(l);
    assert_int_equal(n_dropped, 1);
    call_answer_ok(c, &x, count_drop);
    assert_int_equal(n_dropped, 2);
    assert_false(mailbox_send(m, &x));
    assert_false(loop_post(l, put, NULL));
    l = loop_new(EVENT_UV, 0);
    assert_false(call_wanted(c));
    assert_false(mailbox_send(m, &x));
    loop_free(l);
}

struct producer {
    struct loop *loop;
    struct mailbox box;
    struct call *call;
    int n_calls, first, n_refused;
};
static _Atomic int n_posted;
static void posted(void *arg) { n_posted++; }

static void *produce(void *arg)
{
    struct producer *p = arg;
    for (int i = 0; i < 1000; i++) {
        while (!mailbox_send(p->box, (void *)(intptr_t)(p->first + i)))
            p->n_refused++;
        while (!loop_post(p->loop, posted, NULL))
            ;
        if (i < p->n_calls)
            call_answer_ok(p->call[i], (void *)(intptr_t)(i + 1), NULL);
    }
    return NULL;
}

struct consumer {
    struct loop *loop;
    struct mailbox box;
    int last[4], n;
};
static void consume(void *arg, void *message)
{
    struct consumer *c = arg;
    int v = (int)(intptr_t)message;
    assert_true(v % 1000 > c->last[v / 1000] || v % 1000 == 0); /* in order of each sender */
    c->last[v / 1000] = v % 1000;
    if (++c->n == 4000)
        mailbox_close(&c->box);
}

static void four_threads_send_post_and_answer_to_one_loop(void **state)
{
    struct loop *l = loop_new(EVENT_UV, 0);
    struct consumer c = {.loop = l};
    c.box = mailbox_open(l, 16, 5, consume, &c, NULL);
    struct got g = {0};
    struct call calls[4][500];
    struct producer p[4];
    pthread_t t[4];
    n_posted = 0;
    for (int i = 0; i < 4; i++) {
        for (int k = 0; k < 500; k++)
            calls[i][k] = call_open(l, USEC_PER_MIN, on_answer, &g);
        p[i] = (struct producer){l, c.box, calls[i], 500, i * 1000, 0};
        pthread_create(&t[i], NULL, produce, &p[i]);
    }
    loop_run(l);
    for (int i = 0; i < 4; i++)
        pthread_join(t[i], NULL);
    loop_run(l);
    assert_int_equal(c.n, 4000);
    assert_int_equal(g.n, 2000);
    assert_int_equal(n_posted, 4000);
    loop_free(l);
}

static void a_full_mailbox_refuses_and_a_full_post_queue_too(void **state)
{
    struct loop *l = loop_new(EVENT_SIM, 3);
    struct consumer c = {.loop = l};
    c.box = mailbox_open(l, 3, 1, consume, &c, NULL);
    for (int i = 0; i < 3; i++)
        assert_true(mailbox_send(c.box, (void *)(intptr_t)i));
    assert_false(mailbox_send(c.box, (void *)(intptr_t)3));
    n_posted = 0;
    for (int i = 0; i < LOOP_POSTS_MAX; i++)
        assert_true(loop_post(l, posted, NULL));
    assert_false(loop_post(l, posted, NULL));
    loop_run(l);
    assert_int_equal(c.n, 3);
    assert_int_equal(c.last[0], 2);
    assert_int_equal(n_posted, LOOP_POSTS_MAX);
    mailbox_close(&c.box);
    loop_free(l);
}

static void square(void *arg, struct answer *ret)
{
    int *v = arg;
    if (*v < 0) {
        ret->rc = err_set(&ret->err, ERR_INVALID, "%d is negative", *v);
        return;
    }
    int *r = malloc(sizeof(*r));
    *r = *v * *v;
    ret->result = r;
    ret->drop = free;
}
static void sum(void *arg, struct answer *a)
{
    int64_t *s = arg;
    if (a->rc == 0)
        *s += *(int *)a->result;
    else
        *s += 1000000;
}

static void pool_work_answers_its_call(void **state)
{
    EACH_BACKEND(l)
    {
        struct pool *p = pool_new(b_ == 1 ? l : NULL, 3);
        int64_t s = 0;
        for (int i = -1; i < 100; i++) {
            int *v = malloc(sizeof(*v));
            *v = i;
            pool_submit(p, square, v, free, call_open(l, USEC_PER_MIN, sum, &s));
        }
        loop_run(l);
        assert_int_equal(s, 328350 + 1000000);
        pool_free(p);
    }
}

static void a_closing_pool_answers_queued_work_with_canceled(void **state)
{
    struct loop *l = loop_new(EVENT_SIM, 5);
    struct pool *p = pool_new(l, 1);
    struct got g = {0};
    int *v = malloc(sizeof(*v));
    pool_submit(p, square, v, free, call_open(l, 0, on_answer, &g));
    pool_free(p);
    loop_run(l);
    assert_int_equal(g.rc, -ERR_CANCELED);
    loop_free(l);
}

struct shared {
    _Atomic int refs;
    int v;
};
static void *shared_ref(void *p)
{
    ((struct shared *)p)->refs++;
    return p;
}
static void shared_unref(void *p)
{
    if (--((struct shared *)p)->refs == 0)
        free(p);
}
static struct shared *shared_new(int v)
{
    struct shared *s = calloc(1, sizeof(*s));
    s->refs = 1;
    s->v = v;
    return s;
}
static void *read_many(void *arg)
{
    struct cell *c = arg;
    int last = 0;
    while (last < 1000) {
        struct shared *s = cell_read(c);
        if (!s)
            continue;
        if (s->v < last)
            return c; /* went back */
        last = s->v;
        shared_unref(s);
    }
    return NULL;
}

static void a_cell_shows_the_newest_snapshot_to_every_thread(void **state)
{
    struct cell *c = cell_new(shared_ref, shared_unref);
    assert_null(cell_read(c));
    pthread_t t[2];
    for (int i = 0; i < 2; i++)
        pthread_create(&t[i], NULL, read_many, c);
    for (int i = 1; i <= 1000; i++)
        cell_publish(c, shared_new(i));
    for (int i = 0; i < 2; i++) {
        void *bad;
        pthread_join(t[i], &bad);
        assert_null(bad);
    }
    assert_int_equal(cell_version(c), 1000);
    cell_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(timers_fire_in_order_of_their_instants),
        cmocka_unit_test(a_timer_that_arms_itself_for_now_fires_again_at_once),
        cmocka_unit_test(work_left_by_a_libuv_timer_runs_at_once),
        cmocka_unit_test(deferred_work_runs_on_the_next_turn_in_order),
        cmocka_unit_test(the_same_seed_gives_the_same_order_and_another_seed_another),
        cmocka_unit_test(the_virtual_clock_jumps_to_the_next_timer_and_stops_at_the_limit),
        cmocka_unit_test(a_call_gets_exactly_one_answer),
        cmocka_unit_test(a_call_without_answer_ends_at_its_deadline),
        cmocka_unit_test(a_canceled_call_says_so_on_a_later_turn_and_a_forgotten_one_never),
        cmocka_unit_test(an_address_outlives_its_loop_without_harm),
        cmocka_unit_test(four_threads_send_post_and_answer_to_one_loop),
        cmocka_unit_test(a_full_mailbox_refuses_and_a_full_post_queue_too),
        cmocka_unit_test(pool_work_answers_its_call),
        cmocka_unit_test(a_closing_pool_answers_queued_work_with_canceled),
        cmocka_unit_test(a_cell_shows_the_newest_snapshot_to_every_thread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
