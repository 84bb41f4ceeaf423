/* value/tests/value_golden_test.c: the answers of the Go libraries (tests/oracle/value) against
 * ours.
 *
 * tests/golden/value/NAME.jsonl: one case a line: a rule, its inputs (NAME or NAME64), and "want"
 * or "error". */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/digest.h"
#include "value/json.h"
#include "value/patch.h"

struct golden {
    struct arena arena;
    struct err err;
    value row;
};

static str field(struct golden *g, const char *name)
{
    str text = value_str(value_get(g->row, str_of(name))), bytes = STR("");
    str coded = value_str(value_get(g->row, arena_printf(&g->arena, "%s64", name)));
    if (coded.len == 0)
        return text;
    assert_true(base64_parse(&g->arena, coded, &bytes));
    return bytes;
}

static int parse(struct golden *g, const char *name, bool literals, value *ret)
{
    struct json_input in = {.bare_errors = true, .keep_literals = literals};
    return json_parse(field(g, name), &in, &g->arena, ret, &g->err);
}

static int rule_json(struct golden *g, value *ret) { return parse(g, "input", false, ret); }

static int rule_json_strict(struct golden *g, value *ret)
{
    struct json_input in = {.bare_errors = true, .strict = true};
    return json_parse(field(g, "input"), &in, &g->arena, ret, &g->err);
}

static int rule_json_patch(struct golden *g, value *ret)
{
    value document, patch;
    int r = parse(g, "patch", true, &patch);
    r = r ? r : parse(g, "document", true, &document);
    return r ? r : json_patch_apply(&g->arena, document, patch, ret, &g->err);
}

static int rule_merge_patch(struct golden *g, value *ret)
{
    value document, patch;
    if (parse(g, "document", true, &document))
        return err_set(&g->err, ERR_INVALID, "Invalid JSON Document");
    if (parse(g, "patch", true, &patch))
        return err_set(&g->err, ERR_INVALID, "Invalid JSON Patch");
    return json_merge_patch_apply(&g->arena, document, patch, ret, &g->err);
}

static int rule_merge_create(struct golden *g, value *ret)
{
    value from, to;
    if (parse(g, "from", false, &from) || parse(g, "to", false, &to))
        return err_set(&g->err, ERR_INVALID, "Invalid JSON Document");
    if (value_is_list(from) && value_is_list(to))
        return 1; /* the library makes a list of patches; nothing asks for that here */
    if (value_is_null(from) || value_is_null(to))
        return 1; /* null decodes to an empty Go map; here a document that is no map is refused */
    return json_merge_patch_create(&g->arena, from, to, ret, &g->err);
}

static int rule_three_way(struct golden *g, value *ret)
{
    value original, modified, live;
    assert_int_equal(parse(g, "original", false, &original), 0);
    assert_int_equal(parse(g, "modified", false, &modified), 0);
    assert_int_equal(parse(g, "live", false, &live), 0);
    return json_merge_patch_three_way(&g->arena, original, modified, live, ret, &g->err);
}

static const struct {
    const char *name;
    int (*run)(struct golden *g, value *ret); /* 1: not ours */
    bool exact;                               /* compare the bytes */
    unsigned flags;
} rules[] = {
    {"json", rule_json, true, JSON_SORT_KEYS},
    {"json-indent", rule_json, true, JSON_SORT_KEYS | JSON_INDENT_2},
    {"json-strict", rule_json_strict, true, JSON_SORT_KEYS},
    {"json-patch", rule_json_patch, false, JSON_SORT_KEYS},
    {"merge-patch", rule_merge_patch, false, JSON_SORT_KEYS},
    {"merge-create", rule_merge_create, true, JSON_SORT_KEYS},
    {"three-way", rule_three_way, true, JSON_SORT_KEYS},
};

static size_t cases_of[ARRAY_LEN(rules)];

static str wanted(struct golden *g, bool exact, unsigned flags)
{
    str want = field(g, "want");
    value v;
    struct json_input in = {.keep_literals = true};
    if (exact)
        return want;
    assert_int_equal(json_parse(want, &in, &g->arena, &v, &g->err), 0);
    return json_str(&g->arena, v, AUDIENCE_WIRE, flags);
}

static void check_row(struct golden *g, str line)
{
    str name = value_str(value_getz(g->row, "rule")),
        error = value_str(value_getz(g->row, "error"));
    for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
        value got = VALUE_ABSENT;
        if (!str_is(name, rules[i].name))
            continue;
        cases_of[i]++;
        int r = rules[i].run(g, &got);
        if (r == 1)
            return;
        if (r && error.len == 0)
            fail_msg("%.*s: error '%s'", STR_FMT(line), g->err.text);
        if (r && !str_eq(err_str(&g->err), error))
            fail_msg("%.*s\nerror '%s'", STR_FMT(line), g->err.text);
        if (r)
            return;
        str text = json_str(&g->arena, got, AUDIENCE_WIRE, rules[i].flags);
        if (error.len)
            fail_msg("%.*s\nno error but %.*s", STR_FMT(line), STR_FMT(text));
        str want = wanted(g, rules[i].exact, rules[i].flags);
        if (!str_eq(text, want))
            fail_msg("%.*s\n got %.*s\nwant %.*s", STR_FMT(line), STR_FMT(text), STR_FMT(want));
        return;
    }
    fail_msg("unknown rule %.*s", STR_FMT(name));
}

/* Every case of an open file; returns how many. */
static size_t run_cases(FILE *f, const char *name)
{
    char *line = NULL;
    size_t cap = 0, n = 0;
    ssize_t len;
    struct golden g = {0};
    arena_init(&g.arena, ARENA_BYTES_DEFAULT);
    for (; (len = getline(&line, &cap, f)) > 0; n++) {
        str text = str_mem(line, (size_t)len);
        if (json_parse(text, NULL, &g.arena, &g.row, &g.err))
            fail_msg("%s: %s", name, g.err.text);
        check_row(&g, text);
        arena_reset(&g.arena);
    }
    arena_done(&g.arena);
    free(line);
    return n;
}

static void run_file(const char *name)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s/tests/golden/value/%s", getenv("TIPHYS_SOURCE_ROOT"), name);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    assert_true(run_cases(f, name) > 100);
    fclose(f);
}

static void json_is_read_and_printed_as_go_does(void **state) { run_file("json.jsonl"); }

static void patches_answer_as_the_go_libraries_do(void **state) { run_file("patches.jsonl"); }

static void cases_on_standard_input_hold(void **state)
{
    size_t n = run_cases(stdin, "standard input");
    assert_true(n > 0);
    for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
        print_message("%zu cases of %s\n", cases_of[i], rules[i].name);
        assert_true(cases_of[i] > 0);
    }
}

/* With "-": the cases that the oracle writes (make oracle). */
int main(int argc, char **argv)
{
    const struct CMUnitTest oracle[] = {cmocka_unit_test(cases_on_standard_input_hold)};
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_is_read_and_printed_as_go_does),
        cmocka_unit_test(patches_answer_as_the_go_libraries_do),
    };
    if (argc == 2 && strcmp(argv[1], "-") == 0)
        return cmocka_run_group_tests(oracle, NULL, NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
