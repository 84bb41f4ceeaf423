/* control/tests/steps_test.c: the driver under a virtual clock.
 *
 * The long test plays a small deployment: announce, then create N objects one after the other, each
 * of which may fail, time out, answer late or succeed without an answer; a foreign hand deletes
 * objects. Whatever the seed, the world ends as wanted, no effect starts before the announcement,
 * and each object is created by one step at a time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "control/steps.h"

/* ---- one kind whose answers the test gives by hand ---- */

struct hand {
    struct subject subject;
    struct call call[8];
    int n_started, n_absorbed, n_canceled, last_rc, fail_start;
    unsigned want; /* bit set of argument values */
    usec wake_at;
};

static void on_unwanted(void *arg) { ((struct hand *)arg)->n_canceled++; }

static int hand_start(struct subject *s, const struct step *st, struct call c, struct err *err)
{
    struct hand *h = (struct hand *)s;
    if (h->fail_start)
        return err_set(err, ERR_FORBIDDEN, "no");
    h->call[*(const unsigned *)st->args] = c;
    h->n_started++;
    call_on_end(c, on_unwanted, h);
    return 0;
}
static void hand_absorb(struct subject *s, const struct step *st, struct answer *a)
{
    struct hand *h = (struct hand *)s;
    h->n_absorbed++;
    h->last_rc = a->rc;
    h->want &= ~(1u << *(const unsigned *)st->args);
}
static const struct step_kind hand_kind = {.name = STR_INIT("hand"),
                                           .deadline_us = USEC_PER_SEC,
                                           .start = hand_start,
                                           .absorb = hand_absorb};

static void hand_plan(const struct subject *s, usec now, struct arena *a, struct plan *ret)
{
    const struct hand *h = (const struct hand *)s;
    for (unsigned i = 0; i < 8; i++)
        if (h->want >> i & 1)
            plan_add(ret, &hand_kind, i + 1, arena_copy(a, &i, sizeof(i)), sizeof(i));
    ret->wake_at = h->wake_at > now ? h->wake_at : 0;
    ret->waiting_for = arena_printf(a, "hand %u", h->want);
}

static struct hand *hand_new(struct loop *l)
{
    struct hand *h = calloc(1, sizeof(*h));
    subject_init(&h->subject, l, hand_plan);
    return h;
}
static void run(struct loop *l) { loop_run_sim(l, loop_now(l) + USEC_PER_MS, 10000); }

static void many_pokes_in_a_turn_make_one_plan(void **state)
{
    struct loop *l = loop_new(EVENT_SIM, 1);
    struct hand *h = hand_new(l);
    h->want = 3;
    for (int i = 0; i < 10; i++)
        steps_poke(&h->subject);
    assert_int_equal(h->subject.n_plans, 0);
    run(l);
    assert_int_equal(h->subject.n_plans, 1);
    assert_int_equal(h->n_started, 2);
    assert_string_equal(h->subject.waiting_for, "hand 3");
    steps_poke(&h->subject); /* the same plan again starts nothing twice */
    run(l);
    assert_int_equal(h->n_started, 2);
    steps_close(&h->subject);
    assert_int_equal(h->n_canceled, 2);
    free(h);
    run(l);
    loop_free(l);
}

static void an_answer_is_absorbed_and_planned_upon(void **state)
{
    struct loop *l = loop_new(EVENT_SIM, 1);
    struct hand *h = hand_new(l);
    h->want = 1;
    steps_poke(&h->subject);
    run(l);
    call_answer_ok(h->call[0], NULL, NULL);
    run(l);
    assert_int_equal(h->n_absorbed, 1);
    assert_int_equal(h->last_rc, 0);
    assert_int_equal(h->subject.n_plans, 2);
    assert_int_equal(steps_count(&h->subject), 0);
    assert_string_equal(h->subject.waiting_for, "hand 0");
    steps_close(&h->subject);
    free(h);
    loop_free(l);
}

static void a_step_that_is_not_wanted_any_more_is_canceled_and_its_late_answer_dropped(void **state)
{
    struct loop *l = loop_new(EVENT_SIM, 1);
    struct hand *h = hand_new(l);
    h->want = 3;
    steps_poke(&h->subject);
    run(l);
    assert_true(steps_running(&h->subject, 1));
    h->want = 2;
    steps_poke(&h->subject);
    run(l);
    assert_false(steps_running(&h->subject, 1));
    assert_true(steps_running(&h->subject, 2));
    assert_int_equal(h->n_canceled, 1);
    assert_false(call_wanted(h->call[0]));
    call_answer_ok(h->call[0], NULL, NULL);
    run(l);
    assert_int_equal(h->n_absorbed, 0);
    steps_close(&h->subject);
    free(h);
    loop_free(l);
}

static void a_step_without_answer_is_absorbed_as_timed_out(void **state)
{
    struct loop *l = loop_new(EVENT_SIM, 1);
    struct hand *h = hand_new(l);
    h->want = 1;
    steps_poke(&h->subject);
    loop_run_sim(l, loop_now(l) + 2 * USEC_PER_SEC, 1000);
    assert_int_equal(h->last_rc, -ERR_TIMEOUT);
    steps_close(&h->subject);
    free(h);
    loop_free(l);
}

static void a_start_that_fails_is_absorbed_like_an_answer(void **state)
{
    struct loop *l = loop_new(EVENT_SIM, 1);
    struct hand *h = hand_new(l);
    h->want = 1;
    h->fail_start = 1;
    steps_poke(&h->subject);
    run(l);
    assert_int_equal(h->n_absorbed, 1);
    assert_int_equal(h->last_rc, -ERR_FORBIDDEN);
    steps_close(&h->subject);
    free(h);
    loop_free(l);
}

static void the_plan_wakes_itself(void **state)
{
    struct loop *l = loop_new(EVENT_SIM, 1);
    struct hand *h = hand_new(l);
    h->wake_at = loop_now(l) + USEC_PER_HOUR;
    steps_poke(&h->subject);
    loop_run_sim(l, loop_now(l) + 2 * USEC_PER_HOUR, 1000);
    assert_int_equal(h->subject.n_plans, 2);
    loop_run_sim(l, loop_now(l) + 2 * USEC_PER_HOUR, 1000);
    assert_int_equal(h->subject.n_plans, 2); /* rests until poked */
    steps_close(&h->subject);
    free(h);
    loop_free(l);
}

static void more_steps_than_fit_are_started_as_others_end(void **state)
{
    struct plan *p = calloc(1, sizeof(*p));
    for (uint64_t i = 0; i < 2 * STEPS_MAX; i++)
        plan_add(p, &hand_kind, i / 2 + 1, NULL, 0);
    assert_int_equal(p->n_steps, STEPS_MAX);
    plan_add(p, &hand_kind, 1000, NULL, 0);
    assert_int_equal(p->n_steps, STEPS_MAX);
    free(p);
}

/* ---- a deployment under random faults ---- */

#define OBJECTS 12

struct world {
    bool exists[OBJECTS];
    int creating[OBJECTS]; /* requests under way at the server */
    bool announced;
    uint64_t n_effects;
};
struct deploy {
    struct subject subject;
    struct world *world;
    bool known_announced, seen[OBJECTS];
    usec retry_at[OBJECTS], retry_announce_at;
    bool healthy_world; /* no more faults */
};
struct request { /* at the simulated server */
    struct deploy *deploy;
    struct call call;
    int object; /* -1: announce */
    struct timer timer;
};
static struct request *open_request[256];

static void request_free(struct request *r)
{
    for (size_t i = 0; i < ARRAY_LEN(open_request); i++)
        if (open_request[i] == r)
            open_request[i] = NULL;
    timer_stop(&r->timer);
    free(r);
}

static void on_served(void *arg)
{
    struct request *r = arg;
    struct deploy *d = r->deploy;
    struct world *w = d->world;
    uint64_t dice = d->healthy_world ? 0 : loop_random(d->subject.loop) % 10;
    struct err err = {0};
    if (dice != 9) { /* 9: refused without effect */
        if (r->object < 0)
            w->announced = true;
        else
            w->exists[r->object] = true;
    }
    if (r->object >= 0)
        w->creating[r->object]--;
    if (dice == 9 || dice == 8) { /* 8: done, but the answer is an error */
        err_set(&err, ERR_UNAVAILABLE, "connection reset");
        call_answer_err(r->call, &err);
    } else if (dice != 7) { /* 7: done, but no answer ever comes */
        call_answer_ok(r->call, NULL, NULL);
    }
    request_free(r);
}

static int deploy_start(struct subject *s, const struct step *st, struct call c, struct err *err)
{
    struct deploy *d = (struct deploy *)s;
    struct request *r = calloc(1, sizeof(*r));
    r->deploy = d;
    r->call = c;
    r->object = *(const int *)st->args;
    if (r->object >= 0) {
        assert_true(d->world->announced); /* an effect after its announcement only */
        d->world->creating[r->object]++;
        d->world->n_effects++;
    }
    for (size_t i = 0; i < ARRAY_LEN(open_request); i++)
        if (!open_request[i]) {
            open_request[i] = r;
            break;
        }
    timer_init(&r->timer, s->loop, on_served, r);
    timer_arm_in(&r->timer, (usec)(loop_random(s->loop) % (300 * USEC_PER_MS)));
    return 0;
}

static usec backoff(struct subject *s) { return loop_now(s->loop) + 50 * USEC_PER_MS; }

static void deploy_absorb(struct subject *s, const struct step *st, struct answer *a)
{
    struct deploy *d = (struct deploy *)s;
    int o = *(const int *)st->args;
    if (o < 0) {
        d->known_announced = a->rc == 0;
        d->retry_announce_at = a->rc ? backoff(s) : 0;
    } else if (a->rc == 0) {
        d->seen[o] = true;
    } else {
        d->retry_at[o] = backoff(s);
    }
}
static const struct step_kind announce_kind = {.name = STR_INIT("announce"),
                                               .deadline_us = 200 * USEC_PER_MS,
                                               .start = deploy_start,
                                               .absorb = deploy_absorb};
static const struct step_kind create_kind = {.name = STR_INIT("create"),
                                             .deadline_us = 200 * USEC_PER_MS,
                                             .effect = true,
                                             .start = deploy_start,
                                             .absorb = deploy_absorb};

static void plan_one(const struct step_kind *k, int o, usec retry_at, usec now, struct arena *a,
                     struct plan *ret)
{
    if (retry_at <= now)
        plan_add(ret, k, (uint64_t)o + 2, arena_copy(a, &o, sizeof(o)), sizeof(o));
    else if (!ret->wake_at || retry_at < ret->wake_at)
        ret->wake_at = retry_at;
}

static void deploy_plan(const struct subject *s, usec now, struct arena *a, struct plan *ret)
{
    const struct deploy *d = (const struct deploy *)s;
    ret->announced = d->known_announced;
    if (!d->known_announced)
        plan_one(&announce_kind, -1, d->retry_announce_at, now, a, ret);
    for (int o = 0; o < OBJECTS; o++)
        if (!d->seen[o])
            plan_one(&create_kind, o, d->retry_at[o], now, a, ret);
}

/* The watch tells the truth now and then, and a foreign hand deletes. */
static void disturb(struct deploy *d)
{
    struct loop *l = d->subject.loop;
    int o = (int)(loop_random(l) % OBJECTS);
    if (loop_random(l) % 4 == 0)
        d->world->exists[o] = false;
    for (int i = 0; i < OBJECTS; i++)
        d->seen[i] = d->world->exists[i];
    steps_poke(&d->subject);
}

static uint64_t play(uint64_t seed)
{
    struct loop *l = loop_new(EVENT_SIM, seed);
    struct world w = {0};
    struct deploy *d = calloc(1, sizeof(*d));
    d->world = &w;
    subject_init(&d->subject, l, deploy_plan);
    steps_poke(&d->subject);
    uint64_t steps = 0;
    for (int i = 0; i < 20; i++) {
        steps += loop_run_sim(l, loop_now(l) + (usec)(loop_random(l) % USEC_PER_SEC), 100000);
        for (int o = 0; o < OBJECTS; o++)
            assert_true(w.creating[o] <=
                        3); /* a timed-out request may still be at the server; a storm may not */
        disturb(d);
    }
    d->healthy_world = true;
    steps += loop_run_sim(l, loop_now(l) + 30 * USEC_PER_SEC, 100000);
    disturb(d);
    steps += loop_run_sim(l, loop_now(l) + 30 * USEC_PER_SEC, 100000);
    assert_true(w.announced);
    for (int o = 0; o < OBJECTS; o++)
        assert_true(w.exists[o] && d->seen[o]);
    assert_int_equal(steps_count(&d->subject), 0);
    steps_close(&d->subject);
    for (size_t i = 0; i < ARRAY_LEN(open_request); i++)
        if (open_request[i])
            request_free(open_request[i]);
    uint64_t digest = steps * 1000003 + w.n_effects * 1009 + d->subject.n_plans;
    free(d);
    loop_free(l);
    return digest;
}

static void the_world_ends_as_wanted_whatever_the_faults(void **state)
{
    for (uint64_t seed = 1; seed <= 300; seed++)
        play(seed);
}

static void a_seed_replays_exactly(void **state)
{
    assert_int_equal(play(42), play(42));
    assert_int_not_equal(play(42), play(43));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_pokes_in_a_turn_make_one_plan),
        cmocka_unit_test(an_answer_is_absorbed_and_planned_upon),
        cmocka_unit_test(
            a_step_that_is_not_wanted_any_more_is_canceled_and_its_late_answer_dropped),
        cmocka_unit_test(a_step_without_answer_is_absorbed_as_timed_out),
        cmocka_unit_test(a_start_that_fails_is_absorbed_like_an_answer),
        cmocka_unit_test(the_plan_wakes_itself),
        cmocka_unit_test(more_steps_than_fit_are_started_as_others_end),
        cmocka_unit_test(the_world_ends_as_wanted_whatever_the_faults),
        cmocka_unit_test(a_seed_replays_exactly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
