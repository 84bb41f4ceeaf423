/* control/tests/lease_test.c: candidates for one Lease on a server that loses requests and answers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "control/lease.h"
#include "kube/object.h"

struct server { /* one Lease, compared by resourceVersion */
    struct loop *loop;
    struct doc *lease;
    unsigned version, faults;
    bool down;
};
struct reply {
    struct timer timer;
    struct call call;
    struct server *server;
    struct arena arena;
    struct kube_request request;
    bool lost;
};

static void answer(struct reply *r, int status, value body)
{
    struct kube_response *k = calloc(1, sizeof(*k));
    k->status = status;
    buf_init(&k->body, 1 << 20);
    if (value_exists(body))
        json_print(body, AUDIENCE_WIRE, 0, &k->body);
    else
        buf_printf(&k->body, "{\"kind\":\"Status\",\"message\":\"no\",\"reason\":\"%s\"}",
                   status == 409 ? "Conflict" : "NotFound");
    call_answer_ok(r->call, k, kube_response_free);
}

static int handle(struct reply *r, value *ret)
{
    struct server *s = r->server;
    struct err err;
    value v;
    *ret = doc_root(s->lease);
    if (r->request.method == METHOD_GET)
        return s->lease ? 200 : 404;
    assert_int_equal(json_parse(r->request.body, NULL, &r->arena, &v, &err), 0);
    if (r->request.method == METHOD_POST
            ? s->lease != NULL
            : !str_eq(object_resource_version(v), object_resource_version(doc_root(s->lease)))) {
        *ret = VALUE_ABSENT;
        return 409;
    }
    v = value_copy(&r->arena, v);
    value_set_path(&r->arena, v, "metadata.resourceVersion",
                   value_of_str(&r->arena, arena_printf(&r->arena, "%u", ++s->version)));
    doc_unref(s->lease);
    s->lease = doc_freeze(v, 0);
    *ret = doc_root(s->lease);
    return 200;
}

static void on_reply(void *arg)
{
    struct reply *r = arg;
    value body = VALUE_ABSENT;
    struct err err;
    bool fault = r->server->faults && loop_random(r->server->loop) % r->server->faults == 0;
    int status = r->server->down || r->lost ? 0 : handle(r, &body);
    if (status && !fault) {
        answer(r, status, body);
    } else {
        err_set(&err, ERR_UNAVAILABLE, "connection reset");
        call_answer_err(r->call, &err);
    }
    arena_done(&r->arena);
    free(r);
}

static void server_send(void *arg, const struct kube_request *q, struct call c)
{
    struct server *s = arg;
    struct reply *r = calloc(1, sizeof(*r));
    r->server = s;
    r->call = c;
    arena_init(&r->arena, 1 << 20);
    r->request = *q;
    r->request.body = arena_str(&r->arena, q->body);
    r->lost = s->faults && loop_random(s->loop) % s->faults == 0;
    timer_init(&r->timer, s->loop, on_reply, r);
    timer_arm_in(&r->timer,
                 (usec)(loop_random(s->loop) % (s->faults ? 3 * USEC_PER_SEC : USEC_PER_MS)));
}
static void server_free(void *arg) {}

struct candidate {
    struct lease *lease;
    struct cluster_client *client;
    bool held;
    int n_changes;
};
static int n_held, n_held_max;
static void changed(void *arg, bool held)
{
    struct candidate *c = arg;
    assert_int_not_equal(c->held, held);
    c->held = held;
    c->n_changes++;
    n_held += held ? 1 : -1;
    n_held_max = MAX_OF(n_held_max, n_held);
}

static void open_candidate(struct server *s, struct candidate *c, const char *identity)
{
    struct kube_transport t = {.arg = s, .send = server_send, .free = server_free};
    *c = (struct candidate){.client = cluster_client_new(s->loop, &t)};
    c->lease = lease_open(&(struct lease_config){.client = c->client,
                                                 .ns = STR("argocd"),
                                                 .name = STR("tiphys"),
                                                 .identity = str_of(identity),
                                                 .changed = changed,
                                                 .arg = c});
}
static void close_candidate(struct candidate *c, bool release)
{
    lease_close(TAKE(c->lease), release);
    n_held -= c->held ? 1 : 0;
    c->held = false;
}
static void run(struct server *s, usec t) { loop_run_sim(s->loop, loop_now(s->loop) + t, 1000000); }
static void done(struct server *s, struct candidate *c, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (c[i].lease)
            close_candidate(&c[i], false);
    run(s, USEC_PER_MIN);
    for (size_t i = 0; i < n; i++)
        cluster_client_free(c[i].client);
    doc_unref(s->lease);
    loop_free(s->loop);
}

static void one_of_two_holds_it_and_the_other_follows_a_release_soon(void **state)
{
    struct server s = {.loop = loop_new(EVENT_SIM, 1)};
    struct candidate c[2];
    n_held = n_held_max = 0;
    open_candidate(&s, &c[0], "a");
    run(&s, USEC_PER_SEC);
    open_candidate(&s, &c[1], "b");
    run(&s, USEC_PER_MIN);
    assert_true(c[0].held && !c[1].held);
    assert_true(str_is(lease_holder(c[1].lease), "a"));
    value spec = value_getz(doc_root(s.lease), "spec");
    assert_int_equal(value_int(value_getz(spec, "leaseDurationSeconds")), 15);
    assert_int_equal(value_int(value_getz(spec, "leaseTransitions")), 0);
    close_candidate(&c[0], true);
    run(&s, 4 * USEC_PER_SEC);
    assert_true(c[1].held);
    assert_int_equal(value_int(value_path(doc_root(s.lease), "spec.leaseTransitions")), 2);
    done(&s, c, 2);
}

static void a_holder_that_vanishes_is_followed_after_the_duration(void **state)
{
    struct server s = {.loop = loop_new(EVENT_SIM, 2)};
    struct candidate c[2];
    n_held = n_held_max = 0;
    open_candidate(&s, &c[0], "a");
    run(&s, USEC_PER_SEC);
    open_candidate(&s, &c[1], "b");
    run(&s, 10 * USEC_PER_SEC);
    close_candidate(&c[0], false);
    run(&s, 12 * USEC_PER_SEC);
    assert_false(c[1].held);
    run(&s, 8 * USEC_PER_SEC);
    assert_true(c[1].held);
    done(&s, c, 2);
}

static void a_holder_that_cannot_renew_gives_up_before_others_may_take_over(void **state)
{
    struct server s = {.loop = loop_new(EVENT_SIM, 3)};
    struct candidate c[1];
    n_held = n_held_max = 0;
    open_candidate(&s, &c[0], "a");
    run(&s, USEC_PER_SEC);
    assert_true(c[0].held);
    s.down = true;
    run(&s, 13 * USEC_PER_SEC);
    assert_false(c[0].held);
    s.down = false;
    run(&s, 5 * USEC_PER_SEC);
    assert_true(c[0].held);
    done(&s, c, 1);
}

static void never_do_two_hold_it_whatever_is_lost(void **state)
{
    for (uint64_t seed = 10; seed < 60; seed++) {
        struct server s = {.loop = loop_new(EVENT_SIM, seed), .faults = 4};
        struct candidate c[3];
        n_held = n_held_max = 0;
        open_candidate(&s, &c[0], "a");
        open_candidate(&s, &c[1], "b");
        open_candidate(&s, &c[2], "c");
        for (int i = 0; i < 100; i++) {
            run(&s, (usec)(loop_random(s.loop) % (20 * USEC_PER_SEC)));
            s.down = loop_random(s.loop) % 6 == 0;
        }
        assert_int_equal(n_held_max, 1);
        s.down = false;
        s.faults = 0;
        run(&s, USEC_PER_MIN);
        assert_int_equal(n_held, 1);
        done(&s, c, 3);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_of_two_holds_it_and_the_other_follows_a_release_soon),
        cmocka_unit_test(a_holder_that_vanishes_is_followed_after_the_duration),
        cmocka_unit_test(a_holder_that_cannot_renew_gives_up_before_others_may_take_over),
        cmocka_unit_test(never_do_two_hold_it_whatever_is_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
