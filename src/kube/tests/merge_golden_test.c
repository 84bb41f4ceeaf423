/* kube/tests/merge_golden_test.c: strategic merge patch and server-side apply against what the Go
 * libraries answer: tests/golden/kube/merges.jsonl, or ("-") the cases on standard input that
 * tests/oracle/kube makes from a seed (make oracle). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/time.h"
#include "kube/apply.h"
#include "kube/kyaml_merge.h"
#include "kube/kyaml_read.h"
#include "kube/strategic.h"
#include "value/doc.h"
#include "value/json.h"

struct golden {
    struct arena arena;
    struct err err;
    value row;
    str error; /* of ours */
    value documents;
};

static value field(const struct golden *g, const char *name)
{
    return value_get(g->row, str_of(name));
}

static const struct kube_schema *schema_of(const struct golden *g)
{
    return kube_schema_of_kind(value_str(field(g, "group")), value_str(field(g, "version")),
                               value_str(field(g, "kind")));
}

static int rule_apply_patch(struct golden *g, value *ret)
{
    return kube_strategic_apply(field(g, "document"), field(g, "patch"), schema_of(g), &g->arena,
                                ret, &g->err);
}

static int rule_two_way(struct golden *g, value *ret)
{
    return kube_strategic_diff(field(g, "original"), field(g, "modified"), schema_of(g), &g->arena,
                               ret, &g->err);
}

static int rule_three_way(struct golden *g, value *ret)
{
    return kube_strategic_diff3(field(g, "original"), field(g, "modified"), field(g, "current"),
                                schema_of(g), &g->arena, ret, &g->err);
}

/* ---- server-side apply ---- */

/* The versions of the oracle's custom resource, which call one field of the spec otherwise. */
static const struct kube_schema *schema_of_version(void *arg, str api_version)
{
    struct golden *g = arg;
    const struct kube_schema *s;
    value text = value_get(field(g, "schemas"), api_version);
    if (!value_exists(text))
        return NULL;
    assert_int_equal(kube_schema_of_crd(text, &g->arena, &s, &g->err), 0);
    return s;
}

static value to_version(void *arg, value object, str api_version, struct arena *a)
{
    bool second = str_ends(api_version, STR("/v2"));
    str from = second ? STR("replicas") : STR("count"),
        to = second ? STR("count") : STR("replicas");
    value out = value_thaw(a, object), spec = value_getz(out, "spec");
    value_set_str(a, out, "apiVersion", api_version);
    value v = value_get(spec, from);
    if (value_exists(v)) {
        value_remove(spec, from);
        value_set(a, spec, to, v);
    }
    return out;
}

static struct kube_apply apply_of(struct golden *g, struct kube_apply_versions *versions)
{
    struct kube_apply k = {.api_version = value_str(field(g, "apiVersion")),
                           .manager = value_str(field(g, "manager")),
                           .force = value_bool(field(g, "force"))};
    assert_true(time_parse(value_str(field(g, "now")), &k.now));
    if (value_exists(field(g, "schemas"))) {
        *versions = (struct kube_apply_versions){g, schema_of_version, to_version};
        k.versions = versions;
        k.schema = schema_of_version(g, k.api_version);
    } else {
        k.schema = schema_of(g);
    }
    return k;
}

static value live_of(struct golden *g)
{
    value live = field(g, "live");
    if (value_exists(live))
        return live;
    live = value_new_map(&g->arena); /* what the API server compares a new object with */
    value_setz(&g->arena, live, "apiVersion", value_path(g->row, "config.apiVersion"));
    value_setz(&g->arena, live, "kind", value_path(g->row, "config.kind"));
    return live;
}

static int rule_apply(struct golden *g, value *ret)
{
    struct kube_apply_versions versions;
    struct kube_apply_result r;
    struct kube_apply k = apply_of(g, &versions);
    int rc = kube_apply(&k, live_of(g), field(g, "config"), &g->arena, &r, &g->err);
    *ret = rc || r.n_conflicts ? VALUE_ABSENT : r.object;
    g->error = r.conflict_message;
    return rc ? rc : r.n_conflicts ? -ERR_CONFLICT : 0;
}

/* `now` with what it has in common with a frozen value standing in that one's place, as after a
 * patch. */
static value over(struct arena *a, value frozen, value now)
{
    if (value_identical(frozen, now))
        return frozen;
    if (!value_is_map(frozen) || !value_is_map(now))
        return now;
    value out = value_new_map(a);
    for (struct value_iter it = value_iter(now); value_next(&it);)
        value_set(a, out, it.key, over(a, value_get(frozen, it.key), it.val));
    return out;
}

/* An update answers the same when it reads only what it changes. */
static void update_settled(struct golden *g, struct kube_apply k, value want)
{
    struct arena *a = &g->arena;
    struct doc *live = doc_freeze(live_of(g), 0);
    value object = over(a, doc_root(live), field(g, "config"));
    k.settled = true;
    object = value_edit(a, object);
    kube_track_update(&k, doc_root(live), object, a);
    assert_true(value_equal(object, want));
    doc_unref(live);
}

static int rule_update(struct golden *g, value *ret)
{
    struct kube_apply_versions versions;
    struct kube_apply k = apply_of(g, &versions);
    *ret = value_thaw(&g->arena, field(g, "config"));
    kube_track_update(&k, live_of(g), *ret, &g->arena);
    if (!k.versions && value_exists(field(g, "live")))
        update_settled(g, k, *ret);
    return 0;
}

/* ---- kyaml ---- */

static struct yaml_node *node_field(struct golden *g, const char *name)
{
    struct yaml_node *n = NULL;
    if (yaml_node_parse(value_str(field(g, name)), NULL, &g->arena, &n, &g->err))
        fail_msg("%s", g->err.text);
    return n;
}

static str node_text(struct golden *g, const struct yaml_node *n)
{
    struct buf out = BUF_INIT;
    if (n)
        yaml_node_print(n, &g->arena, &out);
    str text = arena_str(&g->arena, buf_str(&out));
    buf_done(&out);
    return text;
}

/* Read, merged and written: order, spelling and comments count. */
static int rule_kyaml(struct golden *g, value *ret)
{
    struct kyaml_merge how = {value_bool(field(g, "append")), value_bool(field(g, "infer"))};
    struct yaml_node *got = NULL, *object = node_field(g, "object"),
                     *patch = node_field(g, "patch");
    str before = node_text(g, object), of_patch = node_text(g, patch);
    int r = kyaml_merge(object, patch, &how, &g->arena, &got, &g->err);
    assert_true(str_eq(node_text(g, object), before) && str_eq(node_text(g, patch), of_patch));
    if (r) {
        g->error = str_sub(err_str(&g->err), 0,
                           (size_t)str_find(err_str(&g->err), STR(": node contents:")));
        return r;
    }
    *ret = value_of_str(&g->arena, node_text(g, got));
    return 0;
}

static int add_document(void *arg, const struct yaml_document *d, size_t part, struct err *err)
{
    struct golden *g = arg;
    struct buf out = BUF_INIT;
    yaml_document_print(d, &g->arena, &out);
    value_push(&g->arena, g->documents, value_of_str(&g->arena, buf_str(&out)));
    buf_done(&out);
    return 0;
}

static int rule_kyaml_stream(struct golden *g, value *ret)
{
    g->documents = *ret = value_new_list(&g->arena);
    return kyaml_read(value_str(field(g, "stream")), NULL, &g->arena, add_document, g, &g->err);
}

static const struct {
    const char *name;
    int (*run)(struct golden *g, value *ret);
} rules[] = {
    {"strategic-apply", rule_apply_patch},
    {"strategic-two-way", rule_two_way},
    {"strategic-three-way", rule_three_way},
    {"strategic-creation", rule_three_way},
    {"apply", rule_apply},
    {"apply-update", rule_update},
    {"kyaml-merge", rule_kyaml},
    {"kyaml-stream", rule_kyaml_stream},
};

static size_t cases_of[ARRAY_LEN(rules)];

/* Of several causes Go names any. */
static bool same_error(str want, str got)
{
    static const char *const any_of[] = {"does not contain declared merge key",
                                         "invalid patch format of", "unable to find api field in"};
    if (str_eq(want, got))
        return true;
    for (size_t i = 0; i < ARRAY_LEN(any_of); i++)
        if (str_has(want, str_of(any_of[i])) && str_has(got, str_of(any_of[i])))
            return true;
    return false;
}

static void print_side(const char *what, str text)
{
    fprintf(stderr, "%s%.*s\n", what, STR_FMT(text)); /* cmocka cuts long messages */
}

static void check_answer(struct golden *g, str line, int r, value got)
{
    value want = field(g, "want"), text = field(g, "text");
    str want_error = value_str(field(g, "error")), error = STR("");
    want = value_exists(text) ? text : want;
    if (value_exists(field(g, "conflict")))
        want_error = value_str(field(g, "conflict"));
    if (r)
        error = g->error.len ? g->error : err_str(&g->err);
    if (r ? want_error.len && same_error(want_error, error)
          : !want_error.len && value_equal(got, want))
        return;
    print_side("case ", line);
    print_side(" got ", r ? error : json_str(&g->arena, got, AUDIENCE_WIRE, JSON_SORT_KEYS));
    print_side("want ", want_error.len ? want_error
                                       : json_str(&g->arena, want, AUDIENCE_WIRE, JSON_SORT_KEYS));
    fail_msg("the answers differ");
}

static void check_row(struct golden *g, str line)
{
    str name = value_str(field(g, "rule"));
    for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
        value got = VALUE_ABSENT;
        if (!str_is(name, rules[i].name))
            continue;
        cases_of[i]++;
        g->error = STR("");
        int r = rules[i].run(g, &got);
        check_answer(g, line, r, got);
        return;
    }
    fail_msg("unknown rule %.*s", STR_FMT(name));
}

/* Inputs are frozen documents in one row and building trees in the next. */
static void read_row(struct golden *g, str text, bool frozen)
{
    struct doc *d;
    if (json_parse_doc(text, NULL, &d, &g->err))
        fail_msg("%s", g->err.text);
    value_hold(&g->arena, doc_root(d));
    g->row = frozen ? doc_root(d) : value_thaw(&g->arena, doc_root(d));
    doc_unref(d);
}

static size_t run_cases(FILE *f)
{
    char *line = NULL;
    size_t cap = 0, n = 0;
    ssize_t len;
    struct golden g = {0};
    arena_init(&g.arena, ARENA_BYTES_DEFAULT);
    for (; (len = getline(&line, &cap, f)) > 0; n++) {
        str text = str_mem(line, (size_t)len);
        read_row(&g, text, n % 2 == 0);
        check_row(&g, text);
        arena_reset(&g.arena);
    }
    arena_done(&g.arena);
    free(line);
    return n;
}

static void merges_answer_as_the_go_libraries_do(void **state)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s/tests/golden/kube/merges.jsonl", getenv("TIPHYS_SOURCE_ROOT"));
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    assert_true(run_cases(f) > 100);
    fclose(f);
}

static void cases_on_standard_input_hold(void **state)
{
    assert_true(run_cases(stdin) > 0);
    for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
        print_message("%zu cases of %s\n", cases_of[i], rules[i].name);
        assert_true(cases_of[i] > 0);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest oracle[] = {cmocka_unit_test(cases_on_standard_input_hold)};
    const struct CMUnitTest tests[] = {cmocka_unit_test(merges_answer_as_the_go_libraries_do)};
    if (argc == 2 && strcmp(argv[1], "-") == 0)
        return cmocka_run_group_tests(oracle, NULL, NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
