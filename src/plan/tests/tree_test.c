/* Nodes of the resource tree as the recorded scenarios show them (health-job-failed,
 * health-deployment-ignored). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "plan/tree.h"
#include "value/json.h"

static void a_pod_without_a_node_names_the_row_and_leaves_its_value_out(void **state)
{
    static const char *const pod =
        "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"p\",\"namespace\":\"n\"},"
        "\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"i\"}]},"
        "\"status\":{\"phase\":\"Failed\"}}";
    static const char *const want = "[{\"name\":\"Status Reason\",\"value\":\"Failed\"},"
                                    "{\"name\":\"Node\"},"
                                    "{\"name\":\"Containers\",\"value\":\"0/1\"}]";
    struct arena a;
    struct err err;
    struct settings settings;
    value live, expected;
    (void)state;
    arena_init(&a, ARENA_BYTES_DEFAULT);
    settings_read(VALUE_ABSENT, VALUE_ABSENT, STR("argocd"), &a, &settings);
    const struct compare_context c = {.settings = &settings};
    assert_int_equal(json_parse(str_of(pod), NULL, &a, &live, &err), 0);
    assert_int_equal(json_parse(str_of(want), NULL, &a, &expected, &err), 0);
    value info = value_getz(tree_node(&c, live, NULL, 0, &a), "info");
    if (!value_equal(info, expected))
        fail_msg("got %.*s", STR_FMT(json_str(&a, info, AUDIENCE_WIRE, 0)));
    arena_done(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pod_without_a_node_names_the_row_and_leaves_its_value_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
