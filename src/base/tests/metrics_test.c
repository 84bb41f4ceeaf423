/* base/tests/metrics_test.c: the text form against the exposition format's rules (prometheus.io,
 * text format 0.0.4). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/metrics.h"

static const char *const pair[] = {"name", "phase", NULL};
static const char *const one[] = {"verb", NULL};

static void collect(void *arg)
{
    metric_clear(arg);
    metric_set(arg, 2.5, LABELS(STR("a\"b\\c\n"), STR("x")));
}

static void metrics_are_printed_sorted_and_escaped(void **state)
{
    static const double bounds[] = {0.25, 1};
    CLEANUP(buf_done) struct buf out = BUF_INIT;
    struct metrics *m = metrics_new();
    struct metric *sync = metrics_counter(m, "z_sync_total", "Number of syncs.", pair);
    struct metric *info = metrics_gauge(m, "a_info", "Info.", pair);
    struct metric *took = metrics_histogram(m, "m_took", "How long.", one, bounds, 2);
    metrics_on_collect(m, collect, info);
    metric_add(sync, 1, LABELS(STR("a"), STR("Succeeded")));
    metric_add(sync, 1, LABELS(STR("a"), STR("Succeeded")));
    metric_add(sync, 1, LABELS(STR("aS"), STR("ucceeded")));
    metric_observe(took, 0.25, LABELS(STR("GET")));
    metric_observe(took, 0.5, LABELS(STR("GET")));
    metric_observe(took, 7, LABELS(STR("GET")));
    metric_add(NULL, 1, NULL);
    metrics_print(m, &out);
    assert_string_equal(out.at, "# HELP a_info Info.\n"
                                "# TYPE a_info gauge\n"
                                "a_info{name=\"a\\\"b\\\\c\\n\",phase=\"x\"} 2.5\n"
                                "# HELP m_took How long.\n"
                                "# TYPE m_took histogram\n"
                                "m_took_bucket{verb=\"GET\",le=\"0.25\"} 1\n"
                                "m_took_bucket{verb=\"GET\",le=\"1\"} 2\n"
                                "m_took_bucket{verb=\"GET\",le=\"+Inf\"} 3\n"
                                "m_took_sum{verb=\"GET\"} 7.75\n"
                                "m_took_count{verb=\"GET\"} 3\n"
                                "# HELP z_sync_total Number of syncs.\n"
                                "# TYPE z_sync_total counter\n"
                                "z_sync_total{name=\"a\",phase=\"Succeeded\"} 2\n"
                                "z_sync_total{name=\"aS\",phase=\"ucceeded\"} 1\n");
    assert_ptr_equal(metrics_counter(m, "z_sync_total", "again", pair), sync);
    metrics_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(metrics_are_printed_sorted_and_escaped)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
