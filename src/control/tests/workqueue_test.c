/* control/tests/workqueue_test.c: expected behaviour is that of client-go's util/workqueue (its
 * queue_test.go states it). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "control/workqueue.h"

struct bench {
    struct loop *loop;
    struct workqueue *queue;
    char log[1024];
    size_t n;
};

static void work(void *arg, str key)
{
    struct bench *b = arg;
    b->n += (size_t)snprintf(b->log + b->n, sizeof(b->log) - b->n, "%.*s ", STR_FMT(key));
}

static struct bench *bench(struct workqueue_config c)
{
    static struct bench b;
    b = (struct bench){.loop = loop_new(EVENT_SIM, 1)};
    c.work = work;
    c.arg = &b;
    b.queue = workqueue_new(b.loop, &c);
    return &b;
}
static void done(struct bench *b)
{
    workqueue_free(b->queue);
    loop_free(b->loop);
}
static void run_for(struct bench *b, usec t)
{
    loop_run_sim(b->loop, loop_now(b->loop) + t, 10000);
}
static const char *take_log(struct bench *b)
{
    static char s[1024];
    memcpy(s, b->log, sizeof(s));
    b->n = 0;
    b->log[0] = '\0';
    return s;
}

static void a_key_added_twice_is_worked_once(void **state)
{
    struct bench *b = bench((struct workqueue_config){0});
    workqueue_add(b->queue, STR("a"));
    workqueue_add(b->queue, STR("b"));
    workqueue_add(b->queue, STR("a"));
    assert_string_equal(b->log, "");
    run_for(b, 1);
    assert_string_equal(take_log(b), "a b ");
    assert_int_equal(workqueue_stats(b->queue).adds, 2);
    done(b);
}

static void a_key_added_while_it_is_worked_is_worked_again_after(void **state)
{
    struct bench *b = bench((struct workqueue_config){0});
    workqueue_add(b->queue, STR("a"));
    run_for(b, 1);
    workqueue_add(b->queue, STR("a"));
    workqueue_add(b->queue, STR("a"));
    run_for(b, 1);
    assert_string_equal(take_log(b), "a ");
    workqueue_done(b->queue, STR("a"));
    run_for(b, 1);
    assert_string_equal(take_log(b), "a ");
    workqueue_done(b->queue, STR("a"));
    run_for(b, 1);
    assert_string_equal(take_log(b), "");
    struct workqueue_stats s = workqueue_stats(b->queue);
    assert_int_equal(s.waiting + s.delayed + s.working, 0);
    assert_int_equal(s.worked, 2);
    done(b);
}

static void no_more_keys_than_workers_are_worked(void **state)
{
    struct bench *b = bench((struct workqueue_config){.workers_max = 2});
    for (const char *k = "abcd"; *k; k++)
        workqueue_add(b->queue, str_mem(k, 1));
    run_for(b, 1);
    assert_string_equal(take_log(b), "a b ");
    workqueue_done(b->queue, STR("b"));
    workqueue_pause(b->queue, true);
    run_for(b, 1);
    assert_string_equal(take_log(b), "");
    workqueue_pause(b->queue, false);
    run_for(b, 1);
    assert_string_equal(take_log(b), "c ");
    done(b);
}

static void the_earliest_of_several_delays_counts(void **state)
{
    struct bench *b = bench((struct workqueue_config){0});
    workqueue_add_after(b->queue, STR("a"), 50 * USEC_PER_MS);
    workqueue_add_after(b->queue, STR("a"), 20 * USEC_PER_MS);
    workqueue_add_after(b->queue, STR("a"), 90 * USEC_PER_MS);
    run_for(b, 19 * USEC_PER_MS);
    assert_string_equal(take_log(b), "");
    run_for(b, 1 * USEC_PER_MS);
    assert_string_equal(take_log(b), "a ");
    workqueue_done(b->queue, STR("a"));
    run_for(b, USEC_PER_SEC);
    assert_string_equal(take_log(b), "");
    workqueue_add_after(b->queue, STR("b"), USEC_PER_SEC);
    workqueue_add(b->queue, STR("b"));
    run_for(b, 1);
    workqueue_done(b->queue, STR("b"));
    run_for(b, 2 * USEC_PER_SEC);
    assert_string_equal(take_log(b), "b ");
    done(b);
}

/* client-go: ItemExponentialFailureRateLimiter: base * 2^failures up to the maximum, per item,
 * reset by Forget */
static void each_failure_of_a_key_doubles_its_delay_up_to_the_maximum(void **state)
{
    struct bench *b = bench((struct workqueue_config){.retry_base_us = 1000,
                                                      .retry_max_us = 10000,
                                                      .retry_per_second = -1});
    const usec want[] = {1000, 2000, 4000, 8000, 10000, 10000};
    for (size_t i = 0; i < ARRAY_LEN(want); i++) {
        workqueue_retry(b->queue, STR("a"));
        run_for(b, want[i] - 1);
        assert_string_equal(take_log(b), "");
        run_for(b, 1);
        assert_string_equal(take_log(b), "a ");
        assert_int_equal(workqueue_failures(b->queue, STR("a")), i + 1);
        workqueue_done(b->queue, STR("a"));
    }
    workqueue_forget(b->queue, STR("a"));
    assert_int_equal(workqueue_failures(b->queue, STR("a")), 0);
    workqueue_retry(b->queue, STR("a"));
    run_for(b, 1000);
    assert_string_equal(take_log(b), "a ");
    done(b);
}

/* client-go: BucketRateLimiter(rate 10, burst 2): two at once, then one every 100 ms, over all keys
 */
static void retries_of_all_keys_share_one_bucket(void **state)
{
    struct bench *b = bench(
        (struct workqueue_config){.retry_base_us = 1, .retry_per_second = 10, .retry_burst = 2});
    for (const char *k = "abcd"; *k; k++)
        workqueue_retry(b->queue, str_mem(k, 1));
    run_for(b, 10);
    assert_int_equal(strlen(take_log(b)), 4);
    run_for(b, 99 * USEC_PER_MS);
    assert_string_equal(take_log(b), "");
    run_for(b, USEC_PER_MS);
    assert_string_equal(take_log(b), "c ");
    run_for(b, 100 * USEC_PER_MS);
    assert_string_equal(take_log(b), "d ");
    done(b);
}

static void a_full_queue_refuses_new_keys_only(void **state)
{
    struct bench *b = bench((struct workqueue_config){.keys_max = 2});
    assert_true(workqueue_add(b->queue, STR("a")));
    assert_true(workqueue_add_after(b->queue, STR("b"), USEC_PER_SEC));
    assert_false(workqueue_add(b->queue, STR("c")));
    assert_true(workqueue_add(b->queue, STR("a")));
    assert_int_equal(workqueue_stats(b->queue).refused, 1);
    run_for(b, 1);
    workqueue_done(b->queue, STR("a"));
    assert_true(workqueue_add(b->queue, STR("c")));
    done(b);
}

static void nothing_is_lost_or_worked_twice_at_once_over_random_use(void **state)
{
    struct bench *b = bench(
        (struct workqueue_config){.workers_max = 3, .retry_base_us = 10, .retry_per_second = -1});
    bool working[8] = {0}, owed[8] = {0};
    for (int i = 0; i < 20000; i++) {
        uint64_t r = loop_random(b->loop);
        char k = (char)('a' + r % 8);
        str key = {&k, 1};
        size_t at = (size_t)(k - 'a');
        switch ((r >> 8) % 5) {
        case 0: workqueue_add(b->queue, key), owed[at] = true; break;
        case 1: workqueue_add_after(b->queue, key, (usec)(r >> 16) % 100), owed[at] = true; break;
        case 2: workqueue_retry(b->queue, key), owed[at] = true; break;
        case 3: workqueue_forget(b->queue, key); break;
        case 4:
            if (working[at])
                workqueue_done(b->queue, key), working[at] = false;
            break;
        }
        run_for(b, (usec)(r >> 40) % 50);
        for (const char *c = take_log(b); *c; c += 2) {
            assert_false(working[*c - 'a']);
            working[*c - 'a'] = true;
            owed[*c - 'a'] = false;
        }
    }
    for (int round = 0; round < 50; round++) {
        for (int i = 0; i < 8; i++) {
            char k = (char)('a' + i);
            if (working[i])
                workqueue_done(b->queue, str_mem(&k, 1)), working[i] = false;
        }
        run_for(b, USEC_PER_HOUR);
        for (const char *c = take_log(b); *c; c += 2)
            working[*c - 'a'] = true, owed[*c - 'a'] = false;
    }
    for (int k = 0; k < 8; k++)
        assert_false(owed[k]);
    struct workqueue_stats s = workqueue_stats(b->queue);
    assert_int_equal(s.waiting + s.delayed + s.working, 0);
    done(b);
}

static void metrics_have_the_names_of_client_go(void **state)
{
    struct metrics *m = metrics_new();
    struct bench *b =
        bench((struct workqueue_config){.name = "app_reconciliation_queue", .metrics = m});
    workqueue_add(b->queue, STR("a"));
    run_for(b, 1);
    workqueue_add(b->queue, STR("b"));
    run_for(b, 1);
    workqueue_done(b->queue, STR("a"));
    workqueue_retry(b->queue, STR("a"));
    struct buf out = BUF_INIT;
    metrics_print(m, &out);
    assert_true(
        str_has(buf_str(&out), STR("workqueue_adds_total{name=\"app_reconciliation_queue\"} 2\n")));
    assert_true(str_has(buf_str(&out),
                        STR("workqueue_retries_total{name=\"app_reconciliation_queue\"} 1\n")));
    assert_true(
        str_has(buf_str(&out), STR("workqueue_depth{name=\"app_reconciliation_queue\"} 0\n")));
    buf_done(&out);
    done(b);
    metrics_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_added_twice_is_worked_once),
        cmocka_unit_test(a_key_added_while_it_is_worked_is_worked_again_after),
        cmocka_unit_test(no_more_keys_than_workers_are_worked),
        cmocka_unit_test(the_earliest_of_several_delays_counts),
        cmocka_unit_test(each_failure_of_a_key_doubles_its_delay_up_to_the_maximum),
        cmocka_unit_test(retries_of_all_keys_share_one_bucket),
        cmocka_unit_test(a_full_queue_refuses_new_keys_only),
        cmocka_unit_test(nothing_is_lost_or_worked_twice_at_once_over_random_use),
        cmocka_unit_test(metrics_have_the_names_of_client_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
