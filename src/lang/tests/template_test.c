/* lang/tests/template_test.c: Go templates and their functions against what Helm's engine answered
 * (tests/golden/lang/template/, made by tests/oracle/template), and the bounds of a run. The first
 * line of a golden file is the data, each other one a template with its output or error. With a
 * file name as argument: the cases of that file only. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <glob.h>

#include "lang/template.h"
#include "value/doc.h"
#include "value/json.h"

#define SHOWN_MAX 20000
#define ARENA_BYTES ((size_t)256 << 20)

static const struct template_type VALUES = {TEMPLATE_MAP, "common.Values",
                                            .elem = &TEMPLATE_T_INTERFACE,
                                            .underlying = &TEMPLATE_T_MAP};

/* What a template made: its output, or its error. */
struct result {
    str text;
    bool failed;
    int kind;
};

static struct result render(struct arena *a, str text, tval data,
                            const struct template_limits *limits)
{
    const struct template_tree *tree;
    struct template_set *set = template_set_new(a);
    struct template_env env = {.set = set, .funcs = &TEMPLATE_FUNCS_HELM4};
    struct buf out;
    struct err err;
    struct result r = {.failed = true};
    str name = STR("c/templates/a.yaml");
    if (limits)
        env.limits = *limits;
    r.kind = -template_parse(name, text, env.funcs, a, &tree, &err);
    if (r.kind) {
        r.text = arena_str(a, err_str(&err));
        return r;
    }
    template_set_add(set, tree);
    struct template_run *run = template_run_new(a, &env);
    buf_init(&out, (size_t)16 << 20);
    r.kind = -template_execute(run, name, data, &out, &err);
    r.failed = r.kind != 0;
    r.text = r.failed ? template_run_error(run) : arena_str(a, buf_str(&out));
    buf_done(&out);
    return r;
}

static tval root_of(struct arena *a, value data)
{
    tval root = template_map_new(a, &VALUES);
    for (struct value_iter it = value_iter(data); value_next(&it);) {
        value v = template_floats(a, it.val);
        template_put(root, it.key, template_view(a, v, str_is(it.key, "Values") ? &VALUES : NULL));
    }
    return root;
}

static value line_of(struct arena *a, const char *path, str line)
{
    value v;
    struct err err;
    if (json_parse(line, NULL, a, &v, &err))
        fail_msg("%s: %s", path, err.text);
    return v;
}

/* Number of cases that differ. */
static size_t run_file(const char *path, size_t *io_cases)
{
    FILE *f = fopen(path, "r");
    char *line = NULL;
    size_t cap = 0, bad = 0;
    ssize_t len;
    struct arena kept, a;
    value data = VALUE_ABSENT;
    if (!f)
        fail_msg("cannot read %s", path);
    arena_init(&kept, ARENA_BYTES);
    arena_init(&a, ARENA_BYTES);
    while ((len = getline(&line, &cap, f)) > 0) {
        if (!value_exists(data)) {
            data = value_getz(line_of(&kept, path, str_mem(line, (size_t)len)), "data");
            continue;
        }
        value c = line_of(&a, path, str_mem(line, (size_t)len));
        bool want_error = value_exists(value_getz(c, "error"));
        str want = value_str(value_get(c, want_error ? STR("error") : STR("out")));
        struct result r = render(&a, value_str(value_getz(c, "tpl")), root_of(&a, data), NULL);
        ++*io_cases;
        if ((r.failed != want_error || !str_eq(r.text, want)) && ++bad <= SHOWN_MAX)
            print_message("%s: %.*s\n  want %s %.*s\n  got  %s %.*s\n", path,
                          STR_FMT(value_str(value_getz(c, "tpl"))), want_error ? "error" : "out",
                          STR_FMT(want), r.failed ? "error" : "out", STR_FMT(r.text));
        arena_reset(&a);
    }
    free(line);
    (void)fclose(f);
    arena_done(&a);
    arena_done(&kept);
    return bad;
}

static void every_recorded_expression_answers_as_helm(void **state)
{
    const char *only = *state;
    size_t bad = 0, cases = 0;
    glob_t found = {0};
    if (only) {
        bad = run_file(only, &cases);
    } else {
        struct arena a;
        arena_init(&a, ARENA_BYTES_DEFAULT);
        str pattern =
            arena_printf(&a, "%s/tests/golden/lang/template/*.jsonl", getenv("TIPHYS_SOURCE_ROOT"));
        assert_int_equal(glob(pattern.at, 0, NULL, &found), 0);
        for (size_t i = 0; i < found.gl_pathc; i++)
            bad += run_file(found.gl_pathv[i], &cases);
        globfree(&found);
        arena_done(&a);
    }
    print_message("%zu cases, %zu differ\n", cases, bad);
    assert_true(cases > 0);
    assert_int_equal(bad, 0);
}

static bool late(void *arg)
{
    (void)arg;
    return true;
}

static void endless_work_ends_with_a_clear_error(void **state)
{
    static const struct {
        const char *text, *error;
        int kind;
    } CASE[] = {
        {"{{ define \"x\" }}{{ template \"x\" . }}{{ end }}{{ template \"x\" . }}",
         "exceeded maximum template depth (100000)", ERR_INVALID},
        {"{{ define \"x\" }}{{ include \"x\" . }}{{ end }}{{ include \"x\" . }}",
         "rendering template has a nested reference name: x: unable to execute template",
         ERR_INVALID},
        {"{{ range 9000000000000000000 }}{{ end }}", "more than 100000 steps", ERR_TOO_LARGE},
        {"{{ $x := \"aaaaaaaaaaaaaaaa\" }}{{ range 60 }}{{ $x = print $x $x }}{{ end }}",
         "larger than 1048576 bytes", ERR_TOO_LARGE},
        {"{{ repeat 1000000000 \"aaaa\" }}", "larger than 1048576 bytes", ERR_TOO_LARGE},
        {"{{ indent 1000000000 \"a\" }}", "larger than 1048576 bytes", ERR_TOO_LARGE},
        {"{{ until 1000000000 }}", "MiB of memory", ERR_TOO_LARGE},
        {"{{ untilStep 0 9223372036854775807 1 }}", "MiB of memory", ERR_TOO_LARGE},
        {"{{ seq 1 1000000000 }}", "MiB of memory", ERR_TOO_LARGE},
        {"{{ randAlphaNum 1000000000 }}", "more than 100000 steps", ERR_TOO_LARGE},
        {"{{ $l := list 1 }}{{ range 60 }}{{ $l = list $l $l }}{{ end }}{{ deepCopy $l }}",
         "more than 100000 steps", ERR_TOO_LARGE},
        {"{{ $l := list 1 }}{{ range 60 }}{{ $l = list $l $l }}{{ end }}{{ print $l }}",
         "larger than 1048576 bytes", ERR_TOO_LARGE},
        {"{{ $l := list 1 }}{{ range 60 }}{{ $l = list $l $l }}{{ end }}{{ toJson $l }}",
         "more memory than there may be", ERR_TOO_LARGE},
        {"{{ $d := dict }}{{ $_ := set $d \"d\" $d }}{{ deepCopy $d }}", "nests too deeply",
         ERR_INVALID},
        {"{{ $d := dict }}{{ $_ := set $d \"d\" $d }}{{ mustToJson $d }}",
         "encountered a cycle via map[string]interface {}", ERR_INVALID},
        {"{{ regexMatch (print (repeat 3000 \"(a{1,1000}\") (repeat 3000 \")\")) \"a\" }}"
         "{{ mustRegexFind (repeat 70000 \"a\") \"a\" }}",
         "expression too large", ERR_INVALID},
        {"{{ tpl (repeat 30000 \"{{ if true }}\") . }}", "blocks nest deeper than 2000",
         ERR_INVALID},
        {"{{ tpl (print \"{{\" (repeat 30000 \"(\") \"1\" (repeat 30000 \")\") \"}}\") . }}",
         "max expression depth exceeded", ERR_INVALID},
        {"{{ splitList \"\" (repeat 1000000 \"a\") | len }}", "more than 100000 steps",
         ERR_TOO_LARGE},
        {"{{ regexFindAll \"\" (repeat 1000000 \"a\") -1 | len }}", "more than 100000 steps",
         ERR_TOO_LARGE},
    };
    struct arena a;
    struct template_limits limits = {.steps_max = 100000, .output_bytes_max = 1 << 20};
    (void)state;
    arena_init(&a, ARENA_BYTES);
    for (size_t i = 0; i < ARRAY_LEN(CASE); i++) {
        struct result r = render(&a, str_of(CASE[i].text), TEMPLATE_NO_VALUE, &limits);
        bool says_it = str_has(r.text, str_of(CASE[i].error));
        if (!r.failed || !says_it || r.kind != CASE[i].kind)
            print_message("%s: %d %.*s\n", CASE[i].text, r.kind, (int)MIN_OF(r.text.len, 300),
                          r.text.at);
        assert_true(r.failed && says_it);
        assert_int_equal(r.kind, CASE[i].kind);
        arena_reset(&a);
    }
    /* a cycle prints and compares up to a depth, and ends */
    struct result cycle = render(
        &a,
        STR("{{ $d := dict }}{{ $_ := set $d \"d\" $d }}{{ $e := dict }}{{ $_ := set $e \"d\" $e "
            "}}{{ len (print $d) }} {{ deepEqual $d $e }}"),
        TEMPLATE_NO_VALUE, &limits);
    assert_false(cycle.failed);
    assert_true(str_ends(cycle.text, STR(" true")));
    limits.expired = late;
    struct result r = render(&a, STR("{{ range 100000 }}{{ end }}"), TEMPLATE_NO_VALUE, &limits);
    assert_int_equal(r.kind, ERR_TIMEOUT);
    arena_done(&a);
}

static void a_view_is_never_changed(void **state)
{
    struct arena a;
    struct doc *d;
    struct err err;
    (void)state;
    arena_init(&a, ARENA_BYTES);
    str text = STR("{\"m\":{\"k\":1},\"l\":[{\"x\":1}]}");
    assert_int_equal(json_parse_doc(text, NULL, &d, &err), 0);
    struct result r = render(&a,
                             STR("{{ $_ := set .m \"new\" 2 }}{{ $_ := set (index .l 0) \"x\" 5 }}"
                                 "{{ .m }} {{ .l }} {{ toJson . }}"),
                             template_view(&a, doc_root(d), NULL), NULL);
    assert_false(r.failed);
    assert_int_equal(str_cmp(r.text, STR("map[k:1 new:2] [map[x:5]] "
                                         "{\"l\":[{\"x\":5}],\"m\":{\"k\":1,\"new\":2}}")),
                     0);
    str kept = json_str(&a, doc_root(d), AUDIENCE_WIRE, 0);
    assert_int_equal(str_cmp(kept, text), 0);
    doc_unref(d);
    arena_done(&a);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(every_recorded_expression_answers_as_helm,
                                  argc > 1 ? argv[1] : NULL),
        cmocka_unit_test(endless_work_ends_with_a_clear_error),
        cmocka_unit_test(a_view_is_never_changed),
    };
    return cmocka_run_group_tests_name("lang/template", tests, NULL, NULL);
}
