/* Fields of trusted managers: only what both objects have with different values goes (argo-cd
 * util/argo/managedfields intersects with what its comparison calls modified; the scenarios
 * compare-ignore-deploy-managers* show it). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "plan/managers.h"
#include "value/json.h"

static const struct {
    const char *fields, *target, *live, *left_target, *left_live;
} cases[] = {
    /* modified */
    {"{\"f:spec\":{\"f:replicas\":{}}}", "{\"replicas\":1,\"x\":1}", "{\"replicas\":3,\"x\":1}",
     "{\"x\":1}", "{\"x\":1}"},
    /* the same on both sides */
    {"{\"f:spec\":{\"f:replicas\":{}}}", "{\"replicas\":3}", "{\"replicas\":3}", "{\"replicas\":3}",
     "{\"replicas\":3}"},
    /* only live has it, only Git has it */
    {"{\"f:spec\":{\"f:replicas\":{}}}", "{\"x\":1}", "{\"replicas\":3}", "{\"x\":1}",
     "{\"replicas\":3}"},
    {"{\"f:spec\":{\"f:replicas\":{}}}", "{\"replicas\":3}", "{\"x\":1}", "{\"replicas\":3}",
     "{\"x\":1}"},
    /* somebody else's */
    {"{\"f:spec\":{\"f:replicas\":{}}}", "{\"image\":\"a\"}", "{\"image\":\"b\"}",
     "{\"image\":\"a\"}", "{\"image\":\"b\"}"},
    /* in a list of objects by key */
    {"{\"f:spec\":{\"f:c\":{\"k:{\\\"name\\\":\\\"b\\\"}\":{\".\":{},\"f:image\":{}}}}}",
     "{\"c\":[{\"name\":\"a\",\"image\":\"1\"},{\"name\":\"b\",\"image\":\"1\"}]}",
     "{\"c\":[{\"name\":\"b\",\"image\":\"2\"},{\"name\":\"a\",\"image\":\"2\"}]}",
     "{\"c\":[{\"name\":\"a\",\"image\":\"1\"},{\"name\":\"b\"}]}",
     "{\"c\":[{\"name\":\"b\"},{\"name\":\"a\",\"image\":\"2\"}]}"},
};

static value parse(struct arena *a, str text)
{
    value v;
    struct err err;
    if (json_parse(text, NULL, a, &v, &err) < 0)
        fail_msg("%s: %.*s", err.text, STR_FMT(text));
    return v;
}

static void expect(struct arena *a, size_t i, const char *side, value object, const char *want)
{
    value spec = value_getz(object, "spec");
    if (!value_equal(spec, parse(a, str_of(want))))
        fail_msg("case %zu, %s: want %s, got %.*s", i, side, want,
                 STR_FMT(json_str(a, spec, AUDIENCE_WIRE, 0)));
}

static void only_modified_fields_of_trusted_managers_go(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct arena a;
        struct err err;
        arena_init(&a, ARENA_BYTES_DEFAULT);
        value target = parse(&a, arena_printf(&a, "{\"spec\":%s}", cases[i].target));
        value live = parse(&a, ARENA_CAT(&a, STR("{\"spec\":"), str_of(cases[i].live),
                                         STR(",\"metadata\":{\"managedFields\":[{\"manager\":"
                                             "\"hpa\",\"fieldsV1\":"),
                                         str_of(cases[i].fields),
                                         STR("},{\"manager\":\"other\",\"fieldsV1\":{\"f:spec\":{"
                                             "\"f:image\":{}}}}]}}")));
        value managers = parse(&a, STR("[\"hpa\"]"));
        assert_int_equal(managers_drop_conflicts(managers, &a, &target, &live, &err), 0);
        expect(&a, i, "target", target, cases[i].left_target);
        expect(&a, i, "live", live, cases[i].left_live);
        arena_done(&a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_modified_fields_of_trusted_managers_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
