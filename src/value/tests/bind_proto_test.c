/* value/tests/bind_proto_test.c: messages of Kubernetes' generated code
 * (tests/golden/value/proto.jsonl) read and written by tables of the same types. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/digest.h"
#include "value/bind_proto.h"
#include "value/json.h"

static const struct bind_field requirement_fields[] = {
    {"key", BIND_STRING, 1, .flags = BIND_REQUIRED},
    {"operator", BIND_STRING, 2, .flags = BIND_REQUIRED},
    {"values", BIND_STRING, 3, .shape = BIND_LIST},
};
static const struct bind_table requirement_table =
    BIND_TABLE("LabelSelectorRequirement", NULL, requirement_fields);
static const struct bind_field selector_fields[] = {
    {"matchLabels", BIND_STRING, 1, .shape = BIND_MAP},
    {"matchExpressions", BIND_OBJECT, 2, .shape = BIND_LIST, .table = &requirement_table},
};
static const struct bind_table selector_table = BIND_TABLE("LabelSelector", NULL, selector_fields);
static const struct bind_field pdb_fields[] = {
    {"maxUnavailable", BIND_INT_OR_STRING, 3}, /* not in the order of their numbers */
    {"minAvailable", BIND_INT_OR_STRING, 1},
    {"selector", BIND_OBJECT, 2, .flags = BIND_POINTER, .table = &selector_table},
    {"unhealthyPodEvictionPolicy", BIND_STRING, 4, .flags = BIND_POINTER},
};
static const struct bind_table pdb_table = BIND_TABLE("PodDisruptionBudgetSpec", NULL, pdb_fields);
static const struct bind_field secret_fields[] = {
    {"metadata", BIND_METADATA, 1},
    {"data", BIND_BYTES, 2, .shape = BIND_MAP},
    {"type", BIND_STRING, 3},
    {"stringData", BIND_STRING, 4, .shape = BIND_MAP},
    {"immutable", BIND_BOOL, 5, .flags = BIND_POINTER},
};
static const struct bind_table secret_table = BIND_TABLE("Secret", NULL, secret_fields);
static const struct bind_field condition_fields[] = {
    {"type", BIND_STRING, 1, .flags = BIND_REQUIRED},
    {"status", BIND_STRING, 2, .flags = BIND_REQUIRED},
    {"observedGeneration", BIND_INT64, 3},
    {"lastTransitionTime", BIND_TIME, 4, .flags = BIND_REQUIRED},
    {"reason", BIND_STRING, 5, .flags = BIND_REQUIRED},
    {"message", BIND_STRING, 6, .flags = BIND_REQUIRED},
};
static const struct bind_table condition_table = BIND_TABLE("Condition", NULL, condition_fields);

static const struct bind_field parameter_fields[] = {
    {"name", BIND_STRING, 1},
    {"string", BIND_STRING, 5, .flags = BIND_POINTER},
    {"map", BIND_STRING, 3, .shape = BIND_MAP, .flags = BIND_WRAPPED},
    {"array", BIND_STRING, 4, .shape = BIND_LIST, .flags = BIND_WRAPPED},
};
static const struct bind_table parameter_table = BIND_TABLE("Parameter", NULL, parameter_fields);

static const struct bind_field any_fields[] = {
    {"any", BIND_ANY, 1},
    {"ratio", BIND_DOUBLE, 2},
    {"open", BIND_OBJECT, 3, .flags = BIND_KEEP_UNKNOWN},
    {"unnumbered", BIND_STRING},
    {"numbers", BIND_INT32, 1000, .shape = BIND_LIST},
    {"text", BIND_STRING, 5},
};
static const struct bind_table any_table = BIND_TABLE("Any", NULL, any_fields);

static const struct {
    const char *rule;
    const struct bind_table *table;
} kinds[] = {
    {"proto-metadata", &bind_metadata_table}, {"proto-pdb", &pdb_table},
    {"proto-secret", &secret_table},          {"proto-condition", &condition_table},
    {"proto-parameter", &parameter_table},
};

static const struct bind_table *table_of(str rule)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (str_is(rule, kinds[i].rule))
            return kinds[i].table;
    fail_msg("unknown rule %.*s", STR_FMT(rule));
    return NULL;
}

static str sorted(struct arena *a, value v)
{
    return json_str(a, v, AUDIENCE_WIRE, JSON_SORT_KEYS);
}

static void check_row(struct arena *a, value row, size_t *exact)
{
    struct err err;
    str bytes = STR("");
    value got = VALUE_ABSENT, want = VALUE_ABSENT, again = VALUE_ABSENT;
    const struct bind_table *t = table_of(value_str(value_getz(row, "rule")));
    assert_true(base64_parse(a, value_str(value_getz(row, "proto64")), &bytes));
    assert_int_equal(json_parse(value_str(value_getz(row, "want")), NULL, a, &want, &err), 0);
    if (bind_proto_parse(a, t, bytes, &got, &err))
        fail_msg("%s", err.text);
    assert_string_equal(sorted(a, got).at, sorted(a, want).at);
    CLEANUP(buf_done) struct buf out = BUF_INIT;
    bind_proto_print(t, want, &out);
    *exact += str_eq(buf_str(&out), bytes);
    if (bind_proto_parse(a, t, buf_str(&out), &again, &err))
        fail_msg("%s", err.text);
    assert_string_equal(sorted(a, again).at, sorted(a, want).at);
    for (size_t cut = 0; cut < bytes.len; cut++) /* no cut message crashes; most are refused */
        (void)!bind_proto_parse(a, t, str_sub(bytes, 0, cut), &got, &err);
}

static void messages_of_kubernetes_are_read_and_written(void **state)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s/tests/golden/value/proto.jsonl", getenv("TIPHYS_SOURCE_ROOT"));
    FILE *f = fopen(path, "r");
    char *line = NULL;
    size_t cap = 0, n = 0, exact = 0;
    ssize_t len;
    struct arena a;
    assert_non_null(f);
    arena_init(&a, ARENA_BYTES_DEFAULT);
    for (; (len = getline(&line, &cap, f)) > 0; n++) {
        value row;
        assert_int_equal(json_parse(str_mem(line, (size_t)len), NULL, &a, &row, NULL), 0);
        check_row(&a, row, &exact);
        arena_reset(&a);
    }
    assert_true(n > 100);
    assert_true(exact > 5); /* those in which no zero is left out are the same to the byte */
    arena_done(&a);
    free(line);
    fclose(f);
}

static void free_form_json_and_odd_rows_come_back(void **state)
{
    struct arena a;
    struct err err;
    value v, back;
    arena_init(&a, ARENA_BYTES_DEFAULT);
    const char *text = "{\"any\":[1,{\"a\":null}],\"numbers\":[1,-1,0],\"open\":{\"x\":{}},"
                       "\"ratio\":-1.5,\"text\":\"t\"}";
    assert_int_equal(json_parse(str_of(text), NULL, &a, &v, &err), 0);
    value_setz(&a, v, "unnumbered", value_of_str(&a, STR("x")));
    CLEANUP(buf_done) struct buf out = BUF_INIT;
    bind_proto_print(&any_table, v, &out);
    assert_int_equal(bind_proto_parse(&a, &any_table, buf_str(&out), &back, &err), 0);
    assert_string_equal(sorted(&a, back).at, text);
    arena_done(&a);
}

static void a_broken_message_is_refused(void **state)
{
    static const struct {
        str bytes;
        const char *error;
    } cases[] = {
        {STR_INIT("\x0a"), "Secret: protobuf: unexpected end of the message"},
        {STR_INIT("\x0a\x05"), "Secret: protobuf: unexpected end of the message"},
        {STR_INIT("\x08\x01"), "Secret.metadata: protobuf: wire type 0, wanted 2"},
        {STR_INIT("\x0a\x02\x0a\x05"),
         "Secret.metadata: ObjectMeta: protobuf: unexpected end of the message"},
        {STR_INIT("\x1b"), "Secret: protobuf: illegal wire type 3"},
        {STR_INIT("\x02"), "Secret: protobuf: illegal tag 2"},
        {STR_INIT("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
         "Secret: protobuf: integer of more than 64 bits"},
        {STR_INIT("\x0a\x0c\x42\x0a\x08\xff\xff\xff\xff\xff\xff\xff\xff\x7f"),
         "Secret.metadata: ObjectMeta.creationTimestamp: protobuf: time of 9223372036854775807 "
         "seconds is outside of year 1 to 9999"},
    };
    struct arena a;
    struct err err;
    value v;
    arena_init(&a, ARENA_BYTES_DEFAULT);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_int_equal(bind_proto_parse(&a, &secret_table, cases[i].bytes, &v, &err),
                         -ERR_INVALID);
        assert_string_equal(err.text, cases[i].error);
    }
    arena_done(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_of_kubernetes_are_read_and_written),
        cmocka_unit_test(free_form_json_and_odd_rows_come_back),
        cmocka_unit_test(a_broken_message_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
