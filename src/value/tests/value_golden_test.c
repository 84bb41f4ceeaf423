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
#include "value/toml.h"

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

/* Read straight into a document, as most of the product does. */
static int rule_json(struct golden *g, value *ret)
{
    struct json_input in = {.bare_errors = true};
    struct doc *d;
    int r = json_parse_doc(field(g, "input"), &in, &d, &g->err);
    if (r)
        return r;
    *ret = doc_root(d);
    value_hold(&g->arena, *ret);
    doc_unref(d);
    return 0;
}

static int rule_json_indent(struct golden *g, value *ret) { return parse(g, "input", false, ret); }

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

/* ---- TOML ---- */

static value toml_text(struct golden *g, value v)
{
    CLEANUP(buf_done) struct buf b = BUF_INIT;
    if (toml_print(v, &b, &g->err))
        return VALUE_ABSENT;
    return value_of_str(&g->arena, buf_str(&b));
}

/* {"int": "1"}: what JSON cannot tell. */
static value with_tag(struct golden *g, const char *tag, value text)
{
    value v = value_new_map(&g->arena);
    value_set(&g->arena, v, str_of(tag), text);
    return v;
}

static value tagged(struct golden *g, value v)
{
    static const char *const dates[] = {"datetime", "local-datetime", "local-date", "local-time"};
    unsigned style = value_style(v);
    value out;
    switch (value_type(v)) {
    case VALUE_MAP:
        out = value_new_map(&g->arena);
        for (struct value_iter it = value_iter(v); value_next(&it);)
            value_set(&g->arena, out, it.key, tagged(g, it.val));
        return out;
    case VALUE_LIST:
        out = value_new_list(&g->arena);
        for (struct value_iter it = value_iter(v); value_next(&it);)
            value_push(&g->arena, out, tagged(g, it.val));
        return style == TOML_TABLES ? with_tag(g, "tables", out) : out;
    case VALUE_INT: return with_tag(g, "int", toml_text(g, v));
    case VALUE_DOUBLE: return with_tag(g, "float", toml_text(g, v));
    case VALUE_STRING:
        return style >= TOML_DATETIME && style <= TOML_LOCAL_TIME
                   ? with_tag(g, dates[style - TOML_DATETIME],
                              value_of_str(&g->arena, value_str(v)))
                   : v;
    default: return v;
    }
}

static int rule_toml_read(struct golden *g, value *ret)
{
    int r = toml_parse(field(g, "input"), &g->arena, ret, &g->err);
    if (r == 0)
        *ret = tagged(g, *ret);
    return r;
}

static int write_toml(struct golden *g, value *io)
{
    CLEANUP(buf_done) struct buf b = BUF_INIT;
    int r = toml_print(*io, &b, &g->err);
    if (r == 0)
        *io = value_of_str(&g->arena, buf_str(&b));
    return r;
}

static int rule_toml_round(struct golden *g, value *ret)
{
    int r = toml_parse(field(g, "input"), &g->arena, ret, &g->err);
    return r ? r : write_toml(g, ret);
}

static int rule_toml_write(struct golden *g, value *ret)
{
    int r = parse(g, "input", false, ret);
    return r ? r : write_toml(g, ret);
}

enum comparison {
    AS_TEXT,  /* the bytes */
    AS_VALUE, /* the JSON */
    AS_IS,    /* the string is the text */
};

static const struct {
    const char *name;
    int (*run)(struct golden *g, value *ret); /* 1: not ours */
    enum comparison how;
    unsigned flags;
} rules[] = {
    {"json", rule_json, AS_TEXT, JSON_SORT_KEYS},
    {"json-indent", rule_json_indent, AS_TEXT, JSON_SORT_KEYS | JSON_INDENT_2},
    {"json-strict", rule_json_strict, AS_TEXT, JSON_SORT_KEYS},
    {"json-patch", rule_json_patch, AS_VALUE, JSON_SORT_KEYS},
    {"merge-patch", rule_merge_patch, AS_VALUE, JSON_SORT_KEYS},
    {"merge-create", rule_merge_create, AS_TEXT, JSON_SORT_KEYS},
    {"three-way", rule_three_way, AS_TEXT, JSON_SORT_KEYS},
    {"toml-read", rule_toml_read, AS_TEXT, JSON_SORT_KEYS},
    {"toml-round", rule_toml_round, AS_IS, 0},
    {"toml-write", rule_toml_write, AS_IS, 0},
};

static size_t cases_of[ARRAY_LEN(rules)];

static str wanted(struct golden *g, enum comparison how, unsigned flags)
{
    str want = field(g, "want");
    value v;
    struct json_input in = {.keep_literals = true};
    if (how != AS_VALUE)
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
        str text = rules[i].how == AS_IS ? value_str(got)
                                         : json_str(&g->arena, got, AUDIENCE_WIRE, rules[i].flags);
        if (error.len)
            fail_msg("%.*s\nno error but %.*s", STR_FMT(line), STR_FMT(text));
        str want = wanted(g, rules[i].how, rules[i].flags);
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

static void toml_is_read_and_printed_as_helm_does(void **state) { run_file("toml.jsonl"); }

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
        cmocka_unit_test(toml_is_read_and_printed_as_helm_does),
    };
    if (argc == 2 && strcmp(argv[1], "-") == 0)
        return cmocka_run_group_tests(oracle, NULL, NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
