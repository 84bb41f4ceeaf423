/* value/tests/bind_test.c: bind tables: validation, defaults, pruning, schemas, documentation.
 *
 * Messages behind the path are those of a kube-apiserver 1.36 for a CRD with the same schema. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <stdio.h>
#include <cmocka.h>

#include "value/bind.h"
#include "value/json.h"

static const char *const colours[] = {"red", "green", NULL};
static const char *const name_key[] = {"name", NULL};
static const char *const short_names[] = {"wg", NULL};

static const struct bind_field part_fields[] = {
    {"name", BIND_STRING, 1, .flags = BIND_REQUIRED, .help = "Name of the part."},
    {"count", BIND_INT64, 2, .fallback = "1", .min = 1, .max = 9, .help = "How many."},
};
static const struct bind_table part_table = BIND_TABLE("Part", "A part.", part_fields);

static const struct bind_field spec_fields[] = {
    {"project", BIND_STRING, 1, .flags = BIND_REQUIRED, .help = "Project."},
    {"colour", BIND_STRING, 2, .one_of = colours, .help = "Colour."},
    {"on", BIND_BOOL, 3, .fallback = "true", .help = "Switch."},
    {"ratio", BIND_DOUBLE, 4, .help = "Ratio."},
    {"parts", BIND_OBJECT, 5, .shape = BIND_LIST, .table = &part_table, .list_keys = name_key,
     .help = "Parts."},
    {"labels", BIND_STRING, 6, .shape = BIND_MAP, .help = "Labels."},
    {"port", BIND_INT_OR_STRING, 7, .help = "Port."},
    {"since", BIND_TIME, 8, .help = "Start."},
    {"values", BIND_ANY, 9, .flags = BIND_NULLABLE, .help = "Any values."},
};
static const struct bind_table spec_table = BIND_TABLE("Spec", "What is wanted.", spec_fields);

static const struct bind_field widget_fields[] = {
    {"metadata", BIND_METADATA, 1, .flags = BIND_REQUIRED},
    {"spec", BIND_OBJECT, 2, .flags = BIND_REQUIRED, .table = &spec_table,
     .help = "What is wanted."},
};
static const struct bind_table widget_table =
    BIND_TABLE("Widget", "Widget is a thing.", widget_fields);

static const struct bind_column widget_columns[] = {{"Project", ".spec.project", "string"}};
static const struct bind_kind widget = {
    .group = "test.tiphys.io",
    .version = "v1",
    .kind = "Widget",
    .plural = "widgets",
    .singular = "widget",
    .short_names = short_names,
    .table = &widget_table,
    .column = widget_columns,
    .n_columns = 1,
};

/* The table of typedThing in tests/oracle/value/typed.go. */
static const struct bind_field typed_part_fields[] = {
    {"name", BIND_STRING, 1, .flags = BIND_REQUIRED},
    {"count", BIND_INT64, 2},
};
static const struct bind_table typed_part = BIND_TABLE("typedPart", NULL, typed_part_fields);
static const struct bind_field typed_inner_fields[] = {
    {"parts", BIND_OBJECT, 1, .shape = BIND_LIST, .table = &typed_part},
};
static const struct bind_table typed_inner = BIND_TABLE("typedInner", NULL, typed_inner_fields);
static const struct bind_field typed_fields[] = {
    {"project", BIND_STRING, 1, .flags = BIND_REQUIRED},
    {"text", BIND_STRING, 2},
    {"on", BIND_BOOL, 3},
    {"must", BIND_BOOL, 4, .flags = BIND_REQUIRED},
    {"limit", BIND_INT64, 5},
    {"exact", BIND_INT64, 6, .flags = BIND_REQUIRED},
    {"history", BIND_INT64, 7, .flags = BIND_POINTER},
    {"switch", BIND_BOOL, 8, .flags = BIND_POINTER},
    {"note", BIND_STRING, 9, .flags = BIND_POINTER},
    {"inner", BIND_OBJECT, 10, .table = &typed_inner},
    {"maybe", BIND_OBJECT, 11, .flags = BIND_POINTER, .table = &typed_inner},
    {"parts", BIND_OBJECT, 12, .shape = BIND_LIST, .table = &typed_part},
    {"needed", BIND_OBJECT, 13, .shape = BIND_LIST, .flags = BIND_REQUIRED, .table = &typed_part},
    {"labels", BIND_STRING, 14, .shape = BIND_MAP},
    {"pointers", BIND_OBJECT, 15, .shape = BIND_LIST, .table = &typed_part},
};
static const struct bind_table typed_thing = BIND_TABLE("typedThing", NULL, typed_fields);

struct fixture {
    struct arena arena;
    struct err err;
    struct buf told;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    arena_init(&f->arena, ARENA_BYTES_DEFAULT);
    buf_init(&f->told, 1 << 20);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    arena_done(&f->arena);
    buf_done(&f->told);
    free(f);
    return 0;
}

static value parse(struct fixture *f, const char *text)
{
    value v = VALUE_ABSENT;
    struct json_input in = {.keep_positions = true};
    if (json_parse(str_of(text), &in, &f->arena, &v, &f->err))
        fail_msg("%s", f->err.text);
    return v;
}

static int tell(void *arg, const struct bind_problem *p)
{
    struct fixture *f = arg;
    buf_printf(&f->told, "%.*s: %.*s\n", STR_FMT(p->path), STR_FMT(p->text));
    return 0;
}

static void expect_problem(struct fixture *f, const char *spec, const char *want)
{
    value v = parse(f, arena_printf(&f->arena,
                                    "{\"apiVersion\":\"test.tiphys.io/"
                                    "v1\",\"kind\":\"Widget\",\"metadata\":{},\"spec\":%s}",
                                    spec)
                           .at);
    buf_reset(&f->told);
    bind_check_each(&widget_table, v, BIND_REFUSE_UNKNOWN, tell, f);
    assert_string_equal(f->told.at ? f->told.at : "", want);
}

static void problems_speak_as_the_api_server(void **state)
{
    struct fixture *f = *state;
    expect_problem(
        f, "{\"project\":\"x\",\"values\":null,\"since\":null,\"port\":\"http\",\"ratio\":1}", "");
    expect_problem(f, "{}", "spec.project: Required value\n");
    expect_problem(f, "{\"project\":7}",
                   "spec.project: Invalid value: \"integer\": spec.project in body must be of type "
                   "string: \"integer\"\n");
    expect_problem(f, "{\"project\":null}", "spec.project: Required value\n");
    expect_problem(
        f, "{\"project\":\"x\",\"colour\":\"blue\"}",
        "spec.colour: Unsupported value: \"blue\": supported values: \"red\", \"green\"\n");
    expect_problem(f, "{\"project\":\"x\",\"parts\":[{\"name\":\"a\",\"count\":0},{\"count\":10}]}",
                   "spec.parts[0].count: Invalid value: 0: spec.parts[0].count in body should be "
                   "greater than or equal to 1\n"
                   "spec.parts[1].name: Required value\n"
                   "spec.parts[1].count: Invalid value: 10: spec.parts[1].count in body should be "
                   "less than or equal to 9\n");
    expect_problem(f, "{\"project\":\"x\",\"parts\":[{\"name\":\"a\",\"count\":1.5}]}",
                   "spec.parts[0].count: Invalid value: \"float64\": spec.parts[0].count in body "
                   "must be of type int64: \"float64\"\n");
    expect_problem(f, "{\"project\":\"x\",\"port\":true}",
                   "spec.port: Invalid value: \"boolean\": spec.port in body must be of type "
                   "integer,string: \"boolean\"\n");
    expect_problem(f, "{\"project\":\"x\",\"parts\":{}}",
                   "spec.parts: Invalid value: \"object\": spec.parts in body must be of type "
                   "array: \"object\"\n");
    expect_problem(f, "{\"project\":\"x\",\"labels\":{\"a\":1}}",
                   "spec.labels.a: Invalid value: \"integer\": spec.labels.a in body must be of "
                   "type string: \"integer\"\n");
    expect_problem(f, "{\"project\":\"x\",\"since\":\"noon\"}",
                   "spec.since: Invalid value: \"noon\": spec.since in body must be of type "
                   "date-time: \"noon\"\n");
    expect_problem(f, "{\"project\":\"x\",\"ratio\":\"1\"}",
                   "spec.ratio: Invalid value: \"string\": spec.ratio in body must be of type "
                   "number: \"string\"\n");
    expect_problem(f, "{\"project\":\"x\",\"on\":\"yes\"}",
                   "spec.on: Invalid value: \"string\": spec.on in body must be of type boolean: "
                   "\"string\"\n");
    expect_problem(f, "{\"project\":\"x\",\"colur\":\"red\"}",
                   "spec.colur: unknown field \"spec.colur\"\n");
}

static void the_first_problem_names_file_line_and_column(void **state)
{
    struct fixture *f = *state;
    value v = parse(f, "{\"metadata\":{},\n \"spec\": {\"project\":\n    7}}");
    assert_int_equal(bind_check(&widget_table, v, STR("app.json"), 0, &f->err), -ERR_INVALID);
    assert_string_equal(
        f->err.text, "app.json:3:5: spec.project: Invalid value: \"integer\": spec.project in body "
                     "must be of type string: \"integer\"");
    assert_int_equal(bind_check(&widget_table,
                                parse(f,
                                      "{\"metadata\":{},\"spec\":{\"project\":\"x\",\"colur\":1}}"),
                                STR(""), BIND_REFUSE_UNKNOWN, &f->err),
                     -ERR_INVALID);
    assert_string_equal(f->err.text, "1:46: unknown field \"spec.colur\"");
    assert_int_equal(bind_check(&spec_table, parse(f, "{}"), STR(""), BIND_IGNORE_REQUIRED,
                                &f->err),
                     0);
}

static void defaults_fill_what_is_missing_and_nothing_else(void **state)
{
    struct fixture *f = *state;
    value v = parse(f, "{\"spec\":{\"parts\":[{\"name\":\"a\"},{\"name\":\"b\",\"count\":2}]}}"),
          out = bind_default(&f->arena, &widget_table, v);
    assert_string_equal(json_str(&f->arena, out, AUDIENCE_WIRE, 0).at,
                        "{\"spec\":{\"parts\":[{\"name\":\"a\",\"count\":1},{\"name\":\"b\","
                        "\"count\":2}],\"on\":true}}");
    assert_string_equal(json_str(&f->arena, v, AUDIENCE_WIRE, 0).at,
                        "{\"spec\":{\"parts\":[{\"name\":\"a\"},{\"name\":\"b\",\"count\":2}]}}");
    v = parse(f, "{\"metadata\":{}}");
    out = bind_default(&f->arena, &widget_table, v);
    assert_true(out.at == v.at);
}

static void unknown_fields_are_pruned(void **state)
{
    struct fixture *f = *state;
    value v = parse(f, "{\"kind\":\"Widget\",\"metadata\":{\"x\":1},\"status\":{},\"spec\":{\"z\":"
                       "1,\"values\":{\"q\":[1]},"
                       "\"parts\":[{\"name\":\"a\",\"y\":2}],\"labels\":{\"any\":\"x\"}}}");
    value out = bind_prune(&f->arena, &widget_table, v);
    assert_string_equal(
        json_str(&f->arena, out, AUDIENCE_WIRE, 0).at,
        "{\"kind\":\"Widget\",\"metadata\":{\"x\":1},\"spec\":{\"values\":{\"q\":[1]},"
        "\"parts\":[{\"name\":\"a\"}],\"labels\":{\"any\":\"x\"}}}");
}

static void a_kind_makes_its_crd(void **state)
{
    struct fixture *f = *state;
    assert_string_equal(
        json_str(&f->arena, bind_crd(&f->arena, &widget), AUDIENCE_WIRE, JSON_SORT_KEYS).at,
        "{\"apiVersion\":\"apiextensions.k8s.io/"
        "v1\",\"kind\":\"CustomResourceDefinition\",\"metadata\":{\"name\":"
        "\"widgets.test.tiphys.io\"},\"spec\":{\"group\":\"test.tiphys.io\",\"names\":{\"kind\":"
        "\"Widget\",\"listKind\":"
        "\"WidgetList\",\"plural\":\"widgets\",\"shortNames\":[\"wg\"],\"singular\":\"widget\"},"
        "\"scope\":\"Namespaced\","
        "\"versions\":[{\"additionalPrinterColumns\":[{\"jsonPath\":\".spec.project\",\"name\":"
        "\"Project\",\"type\":\"string\"}],"
        "\"name\":\"v1\",\"schema\":{\"openAPIV3Schema\":{\"description\":\"Widget is a "
        "thing.\",\"properties\":{\"apiVersion\":"
        "{\"description\":\"APIVersion defines the versioned schema of this representation of an "
        "object.\",\"type\":\"string\"},"
        "\"kind\":{\"description\":\"Kind is a string value representing the REST resource this "
        "object represents.\",\"type\":"
        "\"string\"},\"metadata\":{\"type\":\"object\"},\"spec\":{\"description\":\"What is "
        "wanted.\",\"properties\":{\"colour\":"
        "{\"description\":\"Colour.\",\"enum\":[\"red\",\"green\"],\"type\":\"string\"},\"labels\":"
        "{\"additionalProperties\":"
        "{\"type\":\"string\"},\"description\":\"Labels.\",\"type\":\"object\"},\"on\":{"
        "\"default\":true,\"description\":"
        "\"Switch.\",\"type\":\"boolean\"},\"parts\":{\"description\":\"Parts.\",\"items\":{"
        "\"properties\":{\"count\":"
        "{\"default\":1,\"description\":\"How "
        "many.\",\"format\":\"int64\",\"maximum\":9,\"minimum\":1,\"type\":\"integer\"},"
        "\"name\":{\"description\":\"Name of the "
        "part.\",\"type\":\"string\"}},\"required\":[\"name\"],\"type\":\"object\"},"
        "\"type\":\"array\",\"x-kubernetes-list-map-keys\":[\"name\"],\"x-kubernetes-list-type\":"
        "\"map\"},\"port\":{\"anyOf\":"
        "[{\"type\":\"integer\"},{\"type\":\"string\"}],\"description\":\"Port.\",\"x-kubernetes-"
        "int-or-string\":true},"
        "\"project\":{\"description\":\"Project.\",\"type\":\"string\"},\"ratio\":{\"description\":"
        "\"Ratio.\",\"format\":"
        "\"double\",\"type\":\"number\"},\"since\":{\"description\":\"Start.\",\"format\":\"date-"
        "time\",\"type\":\"string\"},"
        "\"values\":{\"description\":\"Any "
        "values.\",\"nullable\":true,\"x-kubernetes-preserve-unknown-fields\":true}},"
        "\"required\":[\"project\"],\"type\":\"object\"}},\"required\":[\"metadata\",\"spec\"],"
        "\"type\":\"object\"}},"
        "\"served\":true,\"storage\":true,\"subresources\":{}}]}}");
}

static void fields_are_explained(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(bind_explain(&widget, "spec.parts", false, &f->told, &f->err), 0);
    assert_string_equal(f->told.at,
                        "GROUP:      test.tiphys.io\nKIND:       Widget\nVERSION:    v1\n\n"
                        "FIELD: parts <[]Object>\n\n\nDESCRIPTION:\n    Parts.\n    \nFIELDS:\n"
                        "  count\t<integer>\n    How many.\n\n  name\t<string> -required-\n    "
                        "Name of the part.\n\n\n");
    buf_reset(&f->told);
    assert_int_equal(bind_explain(&widget, "spec.colour", false, &f->told, &f->err), 0);
    assert_string_equal(
        f->told.at,
        "GROUP:      test.tiphys.io\nKIND:       Widget\nVERSION:    v1\n\n"
        "FIELD: colour <string>\nENUM:\n    red\n    green\n\nDESCRIPTION:\n    Colour.\n    \n\n");
    assert_int_equal(bind_explain(&widget, "spec.nothing", false, &f->told, &f->err),
                     -ERR_NOT_FOUND);
    assert_string_equal(f->err.text, "field \"spec.nothing\" does not exist");
    assert_ptr_equal(bind_find_path(&widget_table, "spec.parts.count"), &part_fields[1]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

static void typed_values_are_what_go_prints(void **state)
{
    char path[1024], line[4096];
    (void)state;
    snprintf(path, sizeof(path), "%s/tests/golden/value/typed.jsonl", getenv("TIPHYS_SOURCE_ROOT"));
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    while (fgets(line, sizeof(line), file)) {
        struct arena a;
        struct err err;
        value row;
        arena_init(&a, ARENA_BYTES_DEFAULT);
        assert_int_equal(json_parse(str_of(line), NULL, &a, &row, &err), 0);
        value got = bind_as_typed(&a, &typed_thing, value_getz(row, "in"));
        if (!value_equal(got, value_getz(row, "out")))
            fail_msg("got %.*s for %s", STR_FMT(json_str(&a, got, AUDIENCE_WIRE, 0)), line);
        arena_done(&a);
    }
    fclose(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(typed_values_are_what_go_prints),
        TEST(problems_speak_as_the_api_server),
        TEST(the_first_problem_names_file_line_and_column),
        TEST(defaults_fill_what_is_missing_and_nothing_else),
        TEST(unknown_fields_are_pruned),
        TEST(a_kind_makes_its_crd),
        TEST(fields_are_explained),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
