/* value/tests/yaml_test.c: YAML in and out against what sigs.k8s.io/yaml answered
 * (tests/golden/value/yaml-*.jsonl, made by tests/oracle/yaml). With a file name as argument: the
 * cases of that file only. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "value/doc.h"
#include "value/yaml.h"
#include "value/yaml/resolve.h"
#include "value/yaml_node.h"

#define SHOWN_MAX 20
#define SHOWN_BEFORE 60 /* bytes in front of the first difference */
#define SHOWN_BYTES 300

static char *read_file(const char *path, size_t *ret_len)
{
    FILE *f = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");
    if (!f)
        return NULL;
    char *text = NULL;
    size_t n = 0, got;
    do {
        text = realloc(text, n + (1 << 20));
        if (!text)
            abort();
        got = fread(text + n, 1, 1 << 20, f);
        n += got;
    } while (got);
    fclose(f);
    *ret_len = n;
    return text;
}

/* One case: what we say and what upstream said; false and a report when they differ. */
typedef bool case_fn(struct arena *a, value c, str in);

static size_t run_cases(const char *path, case_fn *check)
{
    size_t len = 0, n = 0, bad = 0;
    char *text = read_file(path, &len);
    if (!text)
        fail_msg("cannot read %s", path);
    str rest = str_mem(text, len), line;
    struct arena a;
    arena_init(&a, ARENA_BYTES_DEFAULT);
    while (str_next(&rest, '\n', &line)) {
        value c;
        struct err err;
        if (!line.len)
            continue;
        struct json_input exact = {.exact_uint64 = true};
        if (json_parse(line, &exact, &a, &c, &err))
            fail_msg("%s: %s", path, err.text);
        str in = value_str(value_getz(c, "in"));
        if (value_exists(value_getz(c, "in64")))
            assert_true(yaml_base64(value_str(value_getz(c, "in64")), &a, &in));
        if (!check(&a, c, in) && ++bad <= SHOWN_MAX)
            print_message("  of case %.*s\n", STR_FMT(line));
        n++;
        arena_reset(&a);
    }
    arena_done(&a);
    free(text);
    if (bad)
        fail_msg("%zu of %zu cases of %s differ", bad, n, path);
    return n;
}

static bool same(const char *what, str got, str want)
{
    if (str_eq(got, want))
        return true;
    size_t i = 0;
    while (i < got.len && i < want.len && got.at[i] == want.at[i])
        i++;
    size_t from = i > SHOWN_BEFORE ? i - SHOWN_BEFORE : 0;
    got = str_sub(got, from, SHOWN_BYTES);
    want = str_sub(want, from, SHOWN_BYTES);
    print_message("%s from byte %zu: got  %.*s\n", what, from, STR_FMT(got));
    print_message("%s from byte %zu: want %.*s\n", what, from, STR_FMT(want));
    return false;
}

/* Messages that show a whole tree with the types of its keys are compared up to the tree. */
static str without_tree(str text)
{
    static const char *const marks[] = {"invalid map key: ", ", value: "};
    for (size_t i = 0; i < ARRAY_LEN(marks); i++) {
        ptrdiff_t at = str_find(text, str_of(marks[i]));
        if (at >= 0)
            return str_sub(text, 0, (size_t)at);
    }
    return str_sub(text, 0, MIN_OF(strnlen(text.at, text.len), (size_t)800));
}

static bool check_read(struct arena *a, value c, str in)
{
    value v;
    struct err err = {0};
    struct yaml_input strict = {.strict = true};
    str want_error = value_str(value_getz(c, "error")), got_error = STR("");
    str got = STR("");
    if (yaml_parse(in, NULL, a, &v, &err))
        got_error = err_str(&err);
    else
        got = json_str(a, v, AUDIENCE_WIRE, JSON_SORT_KEYS);
    if (!same("error", without_tree(got_error), without_tree(want_error)) ||
        !same("json", got, value_str(value_getz(c, "json"))))
        return false;
    if (want_error.len)
        return true;
    str want_strict = value_str(value_getz(c, "strict"));
    got_error = STR("");
    err.text[0] = 0;
    if (yaml_parse(in, &strict, a, &v, &err))
        got_error = err_str(&err);
    return same("strict", got_error, want_strict);
}

struct stream {
    struct arena *arena;
    value want;
    bool ok;
    size_t n;
};

static int stream_document(void *arg, value document, size_t index, uint32_t first_line,
                           struct err *err)
{
    struct stream *s = arg;
    (void)first_line;
    (void)err;
    s->ok &= index == s->n &&
             same("document", json_str(s->arena, document, AUDIENCE_WIRE, JSON_SORT_KEYS),
                  value_str(value_at(s->want, index)));
    s->n++;
    return 0;
}

static bool check_stream(struct arena *a, value c, str in)
{
    struct stream s = {a, value_getz(c, "documents"), true, 0};
    struct err err = {0};
    int r = yaml_parse_stream(in, NULL, a, stream_document, &s, &err);
    return s.ok &&
           same("error", without_tree(r ? err_str(&err) : STR("")),
                without_tree(value_str(value_getz(c, "error")))) &&
           s.n == value_len(s.want);
}

static bool check_write(struct arena *a, value c, str in)
{
    struct json_input exact = {.exact_uint64 = true};
    struct err err;
    struct buf out = BUF_INIT;
    value v;
    if (json_parse(in, &exact, a, &v, &err))
        fail_msg("%s", err.text);
    if (value_exists(
            value_getz(c, "error"))) /* the round trip through JSON does not take every string */
        return true;
    yaml_print(v, YAML_SIGS, AUDIENCE_WIRE, &out);
    bool ok = same("yaml", buf_str(&out), value_str(value_getz(c, "yaml")));
    buf_done(&out);
    return ok;
}

static char *golden(const char *name)
{
    static char path[4096];
    snprintf(path, sizeof(path), "%s/tests/golden/value/%s", getenv("TIPHYS_SOURCE_ROOT"), name);
    return path;
}

static void hostile_documents_read_as_upstream(void **state)
{
    assert_true(run_cases(golden("yaml-read.jsonl"), check_read) > 300);
}

static void made_up_documents_read_as_upstream(void **state)
{
    assert_true(run_cases(golden("yaml-random.jsonl"), check_read) > 300);
}

static void trees_are_written_as_upstream(void **state)
{
    assert_true(run_cases(golden("yaml-write.jsonl"), check_write) > 300);
}

static void streams_are_split_as_kubernetes_does(void **state)
{
    assert_true(run_cases(golden("yaml-streams.jsonl"), check_stream) > 300);
}

static bool check_read3(struct arena *a, value c, str in)
{
    value v;
    struct yaml_node *n = NULL;
    struct err err = {0};
    str got = STR(""), got_error = STR("");
    int r = yaml_node_parse(in, NULL, a, &n, &err);
    if (!r && !n)
        fail_msg("no document");
    if (r || yaml_node_value(n, a, &v, &err))
        got_error = err_str(&err);
    else
        got = json_str(a, v, AUDIENCE_WIRE, JSON_SORT_KEYS);
    got_error = yaml_json_text(a, got_error); /* a text is cut at a byte */
    return same("error", without_tree(got_error),
                without_tree(value_str(value_getz(c, "error")))) &&
           same("json", got, value_str(value_getz(c, "json")));
}

static bool check_write3(struct arena *a, value c, str in)
{
    struct json_input exact = {.exact_uint64 = true};
    struct err err;
    struct buf out = BUF_INIT;
    value v;
    if (json_parse(in, &exact, a, &v, &err))
        fail_msg("%s", err.text);
    yaml_print(v, YAML_KUSTOMIZE, AUDIENCE_WIRE, &out);
    bool ok = same("yaml", buf_str(&out), value_str(value_getz(c, "yaml")));
    buf_done(&out);
    return ok;
}

/* The numbers of yaml.v3's kinds, in the order of ours; 1 is a document. */
static const int go_kinds[] = {8, 2, 4, 16};

static void set_text(struct arena *a, value to, const char *key, str s)
{
    if (s.len)
        value_set(a, to, str_of(key), value_of_str(a, s));
}

static value node_json(struct arena *a, const struct yaml_node *n)
{
    value v = value_new_map(a), content = value_new_list(a);
    value_setz(a, v, "k", value_of_int(a, go_kinds[n->kind]));
    set_text(a, v, "v", n->text);
    set_text(a, v, "t", n->tag);
    set_text(a, v, "a", n->anchor);
    if (n->style)
        value_setz(a, v, "s", value_of_int(a, n->style));
    if (n->comments) {
        set_text(a, v, "h", n->comments->head);
        set_text(a, v, "l", n->comments->line);
        set_text(a, v, "f", n->comments->foot);
    }
    for (size_t i = 0; i < n->n_children; i++)
        value_push(a, content, node_json(a, n->child[i]));
    if (n->n_children)
        value_setz(a, v, "c", content);
    return v;
}

static str text_of(value v, const char *key)
{
    value s = value_get(v, str_of(key));
    return value_exists(s) ? value_str(s) : STR("");
}

static struct yaml_node *node_from(struct arena *a, value v)
{
    struct yaml_node *n = ARENA_NEW(a, struct yaml_node);
    value content = value_getz(v, "c");
    for (size_t i = 0; i < ARRAY_LEN(go_kinds); i++)
        if (value_int(value_getz(v, "k")) == go_kinds[i])
            n->kind = (enum yaml_node_kind)i;
    n->style = value_exists(value_getz(v, "s")) ? (unsigned)value_int(value_getz(v, "s")) : 0;
    n->text = text_of(v, "v");
    n->tag = text_of(v, "t");
    n->anchor = text_of(v, "a");
    n->comments = ARENA_NEW(a, struct yaml_comments);
    *n->comments = (struct yaml_comments){text_of(v, "h"), text_of(v, "l"), text_of(v, "f")};
    n->child = ARENA_ARRAY(a, struct yaml_node *, value_exists(content) ? value_len(content) : 0);
    for (struct value_iter it = value_iter(content); value_next(&it);)
        n->child[n->n_children++] = node_from(a, it.val);
    return n;
}

static bool check_comments3(struct arena *a, value c, str in)
{
    struct yaml_document d = {0};
    struct err err = {0};
    str got = STR("");
    if (!yaml_document_parse(in, NULL, a, &d, &err)) {
        value v = value_new_map(a), content = value_new_list(a);
        assert_non_null(d.root);
        value_setz(a, v, "k", value_of_int(a, 1));
        set_text(a, v, "h", d.head);
        set_text(a, v, "f", d.foot);
        value_push(a, content, node_json(a, d.root));
        value_setz(a, v, "c", content);
        got = json_str(a, v, AUDIENCE_WIRE, JSON_SORT_KEYS);
    }
    return same("error", err_str(&err), value_str(value_getz(c, "error"))) &&
           same("json", got, value_str(value_getz(c, "json")));
}

static bool check_nodes3(struct arena *a, value c, str in)
{
    struct err err;
    struct buf out = BUF_INIT;
    value v;
    if (json_parse(in, NULL, a, &v, &err))
        fail_msg("%s", err.text);
    bool document = value_int(value_getz(v, "k")) == 1;
    struct yaml_document d = {.root = node_from(a, document ? value_at(value_getz(v, "c"), 0) : v)};
    if (document)
        d = (struct yaml_document){d.root, text_of(v, "h"), text_of(v, "f")};
    yaml_document_print(&d, a, &out);
    bool ok = same("yaml", buf_str(&out), value_str(value_getz(c, "yaml")));
    buf_done(&out);
    return ok;
}

static bool check_round3(struct arena *a, value c, str in)
{
    struct yaml_document d = {0};
    struct err err = {0};
    struct buf out = BUF_INIT;
    if (yaml_document_parse(in, NULL, a, &d, &err) || !d.root)
        return same("error", err_str(&err), STR(""));
    yaml_document_print(&d, a, &out);
    bool ok = same("yaml", buf_str(&out), value_str(value_getz(c, "yaml")));
    buf_done(&out);
    return ok;
}

/* ---- bounds ---- */

/* `head`, then `unit` n times, then `tail`. */
static str repeated(struct arena *a, const char *head, const char *unit, size_t n, const char *tail)
{
    struct buf b;
    buf_init(&b, (size_t)128 << 20);
    buf_addz(&b, head);
    for (size_t i = 0; i < n; i++)
        buf_addz(&b, unit);
    buf_addz(&b, tail);
    str s = arena_str(a, buf_str(&b));
    buf_done(&b);
    return s;
}

static void refused(struct arena *a, str text, const char *want)
{
    struct yaml_input in = {.name = STR("a.yaml"), .bytes_max = (size_t)10 << 20};
    struct err err = {0};
    struct doc *d = NULL;
    value v;
    assert_int_equal(yaml_parse(text, &in, a, &v, &err), -ERR_TOO_LARGE);
    assert_string_equal(err.text, want);
    assert_int_equal(yaml_parse_doc(text, &in, &d, &err), -ERR_TOO_LARGE);
    assert_string_equal(err.text, want);
}

static void each_bound_is_told_with_its_place(void **state)
{
    struct arena a;
    arena_init(&a, ARENA_BYTES_DEFAULT);
    refused(&a, repeated(&a, "k:\n- ", "[", 250, "\n"),
            "a.yaml: yaml: line 2 column 201: nested deeper than 200 levels");
    refused(&a, repeated(&a, "", "- ", 201, "x\n"),
            "a.yaml: yaml: line 1 column 401: nested deeper than 200 levels");
    value deepest; /* as in JSON, what is in the deepest list is no level of its own */
    struct err err;
    assert_int_equal(yaml_parse(repeated(&a, "", "- ", 200, "x\n"), NULL, &a, &deepest, &err), 0);
    refused(&a, repeated(&a, "k:\n  n: 0.", "1", 10001, "\n"),
            "a.yaml: yaml: line 2 column 6: number longer than 10000 bytes");
    refused(&a, repeated(&a, "? a", "a", 1 << 20, "\n: 1\n"),
            "a.yaml: yaml: line 1 column 3: key longer than 1048576 bytes");
    refused(&a, repeated(&a, "", "#", (10 << 20) + 1, ""),
            "a.yaml: yaml: line 1 column 1: text is larger than 10485760 bytes");
    refused(&a, repeated(&a, "[", "0,", 3000000, "]"),
            "a.yaml: yaml: line 1 column 6000000: more than 3000000 nodes");
    refused(&a,
            repeated(&a, "", "- &a [0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0]\n- [*a,*a,*a]\n",
                     20000, ""),
            "a.yaml: yaml: line 31748 column 4: aliases stand for more than 1000000 nodes");
    arena_done(&a);
}

static int accept(void *arg, value document, size_t index, uint32_t first_line, struct err *err)
{
    (void)arg, (void)document, (void)index, (void)first_line, (void)err;
    return 0;
}

static void comments_in_too_many_pieces_are_refused(void **state)
{
    struct arena a;
    struct err err = {0};
    struct yaml_node *n = NULL;
    arena_init(&a, ARENA_BYTES_DEFAULT);
    str text = repeated(&a, "a:\n  b: 1\n  c:\n", "#\n #\n", YAML_COMMENTS_MAX / 2 + 2, "  d: 1\n");
    assert_int_equal(yaml_node_parse(text, NULL, &a, &n, &err), -ERR_TOO_LARGE);
    assert_string_equal(err.text,
                        "yaml: line 100004 column 2: more than 100000 pieces of comments");
    text = repeated(&a, "a:\n  b: 1\n  c:\n", "#\n #\n", YAML_COMMENTS_MAX / 2 - 2, "  d: 1\n");
    assert_int_equal(yaml_node_parse(text, NULL, &a, &n, &err), 0);
    arena_done(&a);
}

static void a_stream_of_too_many_documents_is_refused(void **state)
{
    struct arena a;
    struct err err = {0};
    struct yaml_input in = {.name = STR("a.yaml")};
    arena_init(&a, ARENA_BYTES_DEFAULT);
    str text = repeated(&a, "", "a\n---\n", YAML_DOCUMENTS_MAX + 1, "");
    assert_int_equal(yaml_parse_stream(text, &in, &a, accept, NULL, &err), -ERR_TOO_LARGE);
    assert_string_equal(err.text, "a.yaml: yaml: line 400001 column 1: more than 200000 documents");
    arena_done(&a);
}

/* ---- make oracle ---- */

static const struct {
    const char *name;
    case_fn *check;
} rules[] = {
    {"yaml-read", check_read},           {"yaml-manifest", check_read},
    {"yaml-stream", check_stream},       {"yaml-manifests", check_stream},
    {"yaml-write", check_write},         {"kyaml-read", check_read3},
    {"kyaml-write", check_write3},       {"kyaml-round", check_round3},
    {"kyaml-comments", check_comments3}, {"kyaml-nodes", check_nodes3},
};

static size_t cases_of[ARRAY_LEN(rules)];

static bool check_rule(struct arena *a, value c, str in)
{
    for (size_t i = 0; i < ARRAY_LEN(rules); i++)
        if (str_is(value_str(value_getz(c, "rule")), rules[i].name)) {
            cases_of[i]++;
            return rules[i].check(a, c, in);
        }
    fail_msg("unknown rule");
    return false;
}

static void kustomize_reads_and_writes_as_kyaml(void **state)
{
    assert_true(run_cases(golden("yaml-kyaml.jsonl"), check_rule) > 300);
}

static void cases_on_standard_input_hold(void **state)
{
    run_cases("-", check_rule);
    for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
        print_message("%zu cases of %s\n", cases_of[i], rules[i].name);
        assert_true(cases_of[i] > 0);
    }
}

/* With "-": the cases that the oracle writes. */
int main(int argc, char **argv)
{
    const struct CMUnitTest oracle[] = {cmocka_unit_test(cases_on_standard_input_hold)};
    if (argc == 2 && strcmp(argv[1], "-") == 0)
        return cmocka_run_group_tests(oracle, NULL, NULL);
    if (argc > 2)
        return !run_cases(argv[2], argv[1][0] == 'w'   ? check_write
                                   : argv[1][0] == 's' ? check_stream
                                                       : check_read);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hostile_documents_read_as_upstream),
        cmocka_unit_test(made_up_documents_read_as_upstream),
        cmocka_unit_test(trees_are_written_as_upstream),
        cmocka_unit_test(streams_are_split_as_kubernetes_does),
        cmocka_unit_test(kustomize_reads_and_writes_as_kyaml),
        cmocka_unit_test(each_bound_is_told_with_its_place),
        cmocka_unit_test(comments_in_too_many_pieces_are_refused),
        cmocka_unit_test(a_stream_of_too_many_documents_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
