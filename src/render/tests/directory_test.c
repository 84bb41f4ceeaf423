/* directory_test.c: plain manifests. Expected texts and results are the recordings of the real Argo
 * CD (scenario names in the rows) or upstream's documented rules. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

#include "files/read_set.h"
#include "render/directory.h"
#include "value/json.h"
#include "value/yaml.h"

static struct arena arena;
static struct err err;

#define assert_ok(call)                                                                            \
    do {                                                                                           \
        err.text[0] = 0;                                                                           \
        int rc_ = (call);                                                                          \
        if (rc_)                                                                                   \
            fail_msg("%s: %s", #call, err.text);                                                   \
    } while (0)

static int begin(UNUSED void **state)
{
    arena_init(&arena, ARENA_BYTES_DEFAULT);
    return 0;
}

static int end(UNUSED void **state)
{
    arena_done(&arena);
    return 0;
}

#define FILES_MAX 8
struct file {
    const char *path, *text, *link;
};

static struct files *tree(const struct file *file)
{
    struct files *f = files_new_memory();
    for (size_t i = 0; i < FILES_MAX && file[i].path; i++) {
        if (file[i].link)
            assert_ok(files_memory_add_link(f, str_of(file[i].path), str_of(file[i].link), &err));
        else
            assert_ok(files_memory_add(f, str_of(file[i].path), str_of(file[i].text), &err));
    }
    return f;
}

static value source_of(const char *json)
{
    value v;
    assert_ok(json_parse(str_of(json), NULL, &arena, &v, &err));
    return v;
}

static int render(struct files *f, const char *source, struct render_result *ret)
{
    struct render_request r = {.files = f, .source = source_of(source), .app_name = STR("shop")};
    *ret = (struct render_result){0};
    return render_source(&r, &arena, ret, &err);
}

/* "name@file:line ..." of everything rendered. */
static const char *names(const struct render_result *r)
{
    str s = STR("");
    for (size_t i = 0; i < r->n_objects; i++)
        s = ARENA_CAT(&arena, s, i ? STR(" ") : STR(""),
                      arena_printf(&arena, "%.*s@%.*s:%u",
                                   STR_FMT(value_path_str(r->object[i].object, "metadata.name")),
                                   STR_FMT(r->object[i].file), r->object[i].line));
    return arena_cstr(&arena, s);
}

#define CM(name) "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: " name "\n"
#define APP "{\"path\":\"app\"}"

static const struct {
    const char *title, *source;
    struct file file[FILES_MAX];
    const char *names;
} good_rows[] = {
    {"two files, two documents",
     APP,
     {{"app/b.yaml", CM("b1") "---\n" CM("b2")}, {"app/a.yml", CM("a")}, {"app/x.txt", CM("x")}},
     "a@app/a.yml:1 b1@app/b.yaml:1 b2@app/b.yaml:6"},
    {"not below by default (source-dir-plain)",
     APP,
     {{"app/a.yaml", CM("a")}, {"app/sub/b.yaml", CM("b")}},
     "a@app/a.yaml:1"},
    {"recurse, folders in their place among files",
     "{\"path\":\"app\",\"directory\":{\"recurse\":true}}",
     {{"app/b.yaml", CM("b")}, {"app/a/x.yaml", CM("x")}, {"app/c.yaml", CM("c")}},
     "x@app/a/x.yaml:1 b@app/b.yaml:1 c@app/c.yaml:1"},
    {"lifecycle-dot-path",
     "{\"path\":\".\"}",
     {{"a.yaml", CM("a")}, {"app/b.yaml", CM("b")}},
     "a@a.yaml:1"},
    {"lifecycle-empty-path-dir", APP, {{"app/README.md", "hello\n"}}, ""},
    {"lifecycle-not-a-manifest",
     APP,
     {{"app/values.yaml", "a: 1\nb: [1, 2]\n"}, {"app/cm.yaml", CM("c1")}},
     "c1@app/cm.yaml:1"},
    {"lifecycle-missing-kind", APP, {{"app/x.yaml", "apiVersion: v1\nmetadata:\n  name: x\n"}}, ""},
    {"lifecycle-yaml-scalar",
     APP,
     {{"app/x.yaml", "just text\n"}, {"app/cm.yaml", CM("c1")}},
     "c1@app/cm.yaml:1"},
    {"lifecycle-symlink-inside",
     APP,
     {{"app/cm.yaml", NULL, "../other/cm.yaml"}, {"other/cm.yaml", CM("c1")}},
     "c1@app/cm.yaml:1"},
    {"a link to nothing is passed over",
     APP,
     {{"app/cm.yaml", NULL, "none"}, {"app/d.yaml", CM("d")}},
     "d@app/d.yaml:1"},
    {"lifecycle-kind-list",
     APP,
     {{"app/x.yaml", "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: "
                     "ConfigMap\n  metadata:\n    name: l1\n"
                     "- apiVersion: v1\n  kind: ConfigMap\n  metadata:\n    name: l2\n"}},
     "l1@app/x.yaml:4 l2@app/x.yaml:8"},
    {"a null list is dropped",
     APP,
     {{"app/x.yaml", "apiVersion: v1\nkind: ConfigMapList\nitems: null\n"}},
     ""},
    {"the skip marker",
     APP,
     {{"app/x.yaml", "# +argocd:skip-file-rendering\n" CM("x")}, {"app/y.yaml", CM("yy")}},
     "yy@app/y.yaml:1"},
    {"JSON",
     APP,
     {{"app/x.json",
       "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"j\"}}\n"}},
     "j@app/x.json:1"},
    {"JSON values one after the other in a .yaml",
     APP,
     {{"app/x.yaml",
       "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"j\"}}\n"
       "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"k\"}}\n"}},
     "j@app/x.yaml:1 k@app/x.yaml:2"},
    {"a byte order mark", APP, {{"app/x.yaml", "\xef\xbb\xbf" CM("bom")}}, "bom@app/x.yaml:1"},
    {"exclude",
     "{\"path\":\"app\",\"directory\":{\"exclude\":\"b*\"}}",
     {{"app/a.yaml", CM("a")}, {"app/b.yaml", CM("b")}},
     "a@app/a.yaml:1"},
    {"include with braces",
     "{\"path\":\"app\",\"directory\":{\"include\":\"{a,c}.yaml\"}}",
     {{"app/a.yaml", CM("a")}, {"app/b.yaml", CM("b")}, {"app/c.yaml", CM("c")}},
     "a@app/a.yaml:1 c@app/c.yaml:1"},
    {"exclude wins over include",
     "{\"path\":\"app\",\"directory\":{\"include\":\"*.yaml\",\"exclude\":\"a.yaml\"}}",
     {{"app/a.yaml", CM("a")}, {"app/b.yaml", CM("b")}},
     "b@app/b.yaml:1"},
    {"a star crosses folders",
     "{\"path\":\"app\",\"directory\":{\"recurse\":true,\"include\":\"*.yaml\"}}",
     {{"app/s/a.yaml", CM("a")}},
     "a@app/s/a.yaml:1"},
    {"overrides of the folder and of the application",
     APP,
     {{"app/.argocd-source.yaml", "directory:\n  recurse: true\n"},
      {"app/.argocd-source-shop.yaml", "directory:\n  exclude: 'b*'\n"},
      {"app/s/a.yaml", CM("a")},
      {"app/b.yaml", CM("b")}},
     "a@app/s/a.yaml:1"},
    {"overrides cannot move the source (source-override-forbidden)",
     APP,
     {{"app/.argocd-source.yaml", "path: other\nrepoURL: x\n"},
      {"app/a.yaml", CM("a")},
      {"other/b.yaml", CM("b")}},
     "a@app/a.yaml:1"},
};

static void what_counts_is_rendered_in_order_with_its_place(UNUSED void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(good_rows); i++) {
        CLEANUP(files_closep) struct files *f = tree(good_rows[i].file);
        struct render_result r;
        if (render(f, good_rows[i].source, &r))
            fail_msg("%s: %s", good_rows[i].title, err.text);
        if (strcmp(names(&r), good_rows[i].names) != 0)
            fail_msg("%s: %s", good_rows[i].title, names(&r));
        assert_int_equal(r.type, RENDER_DIRECTORY);
    }
}

static const struct {
    const char *title, *source;
    struct file file[FILES_MAX];
    int kind;
    const char *text;
} bad_rows[] = {
    {"lifecycle-bad-yaml",
     APP,
     {{"app/cm.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: [c1\n"}},
     ERR_PRECONDITION,
     "Failed to unmarshal \"cm.yaml\": failed to unmarshal manifest: error converting YAML to "
     "JSON: yaml: line "
     "4: did not find expected ',' or ']'"},
    {"lifecycle-bad-yaml-second-doc",
     APP,
     {{"app/cm.yaml", CM("c1") "---\na: b: c\n"}},
     ERR_PRECONDITION,
     "Failed to unmarshal \"cm.yaml\": failed to unmarshal manifest: error converting YAML to "
     "JSON: yaml: "
     "mapping values are not allowed in this context"},
    {"lifecycle-yaml-array",
     APP,
     {{"app/x.yaml", "- apiVersion: v1\n  kind: ConfigMap\n  metadata:\n    name: x\n"}},
     ERR_PRECONDITION,
     "Failed to unmarshal \"x.yaml\": failed to unmarshal manifest: error unmarshaling JSON: "
     "while decoding "
     "JSON: json: cannot unmarshal array into Go value of type map[string]interface {}"},
    {"lifecycle-bad-json",
     APP,
     {{"app/cm.json",
       "{\"apiVersion\": \"v1\", \"kind\": \"ConfigMap\", \"metadata\": {\"name\": }}"}},
     ERR_PRECONDITION,
     "Failed to unmarshal \"cm.json\": invalid character '}' looking for beginning of value"},
    {"two JSON objects",
     APP,
     {{"app/cm.json", "{\"kind\":\"A\"} {\"kind\":\"B\"}"}},
     ERR_PRECONDITION,
     "Found multiple objects in \"cm.json\". Only single objects are allowed in JSON files."},
    {"no kind in a second document",
     APP,
     {{"app/x.yaml", CM("a") "---\nb: 1\n"}},
     ERR_PRECONDITION,
     "Failed to unmarshal \"x.yaml\": failed to unmarshal manifest: error unmarshaling JSON: "
     "while decoding "
     "JSON: Object 'Kind' is missing in '{\"b\":1}'"},
    {"lifecycle-path-absolute",
     "{\"path\":\"/app\"}",
     {{"app/a.yaml", CM("a")}},
     ERR_INVALID,
     "/app: app path is absolute"},
    {"lifecycle-path-outside",
     "{\"path\":\"../app\"}",
     {{"app/a.yaml", CM("a")}},
     ERR_INVALID,
     "../app: app path outside root"},
    {"lifecycle-missing-path",
     "{\"path\":\"later\"}",
     {{"app/a.yaml", CM("a")}},
     ERR_INVALID,
     "later: app path does not exist"},
    {"lifecycle-path-is-file",
     "{\"path\":\"app/cm.yaml\"}",
     {{"app/cm.yaml", CM("a")}},
     ERR_INVALID,
     "app/cm.yaml: app path is not a directory"},
    {"lifecycle-spec-two-types",
     "{\"path\":\"app\",\"helm\":{},\"kustomize\":{}}",
     {{"app/a.yaml", CM("a")}},
     ERR_INVALID,
     "error getting app source type: multiple application sources defined: Kustomize,Helm"},
    {"a chart",
     APP,
     {{"app/Chart.yaml", "name: x\n"}, {"app/a.yaml", CM("a")}},
     ERR_INVALID,
     "failed to execute helm template command: failed running helm: `helm template . "
     "--name-template shop --include-crds` failed exit status 1: Error: validation: "
     "chart.metadata.version is required"},
    {"a kustomization beats a chart",
     APP,
     {{"app/Chart.yaml", "x"}, {"app/kustomization.yaml", "x"}},
     ERR_UNSUPPORTED,
     "app: Kustomize sources are not supported yet"},
    {"jsonnet",
     APP,
     {{"app/main.jsonnet", "{}"}},
     ERR_UNSUPPORTED,
     "Failed to evaluate jsonnet \"main.jsonnet\": Jsonnet is not supported yet"},
    {"an override that is no YAML",
     APP,
     {{"app/.argocd-source.yaml", "a: [\n"}},
     ERR_INVALID,
     "error getting app source type: error while parsing source parameters: "
     "app/.argocd-source.yaml: error "
     "converting YAML to JSON: yaml: line 1: did not find expected node content"},
};

static void what_is_wrong_is_told_in_upstreams_words(UNUSED void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(bad_rows); i++) {
        CLEANUP(files_closep) struct files *f = tree(bad_rows[i].file);
        struct render_result r;
        int rc = render(f, bad_rows[i].source, &r);
        if (rc == 0 || strcmp(err.text, bad_rows[i].text) != 0)
            fail_msg("%s: %s", bad_rows[i].title, rc ? err.text : "no error");
        assert_int_equal(err.kind, bad_rows[i].kind);
    }
}

static void files_together_past_the_limit_are_refused(UNUSED void **state)
{
    static const struct file file[FILES_MAX] = {{"a.yaml", CM("a")},
                                                {"b.yaml", CM("b")},
                                                {"c.txt", CM("c")}};
    CLEANUP(files_closep) struct files *f = tree(file);
    struct render_request r = {.files = f,
                               .source = source_of("{\"path\":\".\"}"),
                               .combined_bytes_max = 2 * strlen(CM("a"))};
    struct render_result result = {0};
    assert_ok(render_source(&r, &arena, &result, &err));
    result = (struct render_result){0};
    r.combined_bytes_max--;
    assert_int_equal(render_source(&r, &arena, &result, &err), -ERR_TOO_LARGE);
    assert_string_equal(
        err.text,
        "failed to get potentially valid manifests: exceeded max combined manifest file size");
}

static void a_secret_without_kind_does_not_show_in_the_error(UNUSED void **state)
{
    static const struct file file[FILES_MAX] = {
        {"a.yaml", CM("a") "---\nkind:\napiVersion: v1\nmetadata:\n  name: s\n"}};
    CLEANUP(files_closep) struct files *f = tree(file);
    struct render_result r;
    assert_int_equal(render(f, "{\"path\":\".\"}", &r), -ERR_PRECONDITION);
    assert_non_null(strstr(err.text, "Object 'Kind' is missing in"));
}

/* Reads are what decides whether a commit concerns an application: every one must be there. */
static void what_was_looked_at_is_recorded(UNUSED void **state)
{
    static const struct file file[FILES_MAX] = {{"app/a.yaml", CM("a")},
                                                {"app/README.md", "x"},
                                                {"app/sub/x.yaml", CM("x")},
                                                {"other/b.yaml", CM("b")}};
    CLEANUP(files_closep) struct files *f = tree(file);
    CLEANUP(read_set_freep) struct read_set *s = read_set_new();
    struct render_result r;
    f->reads = s;
    assert_ok(render(f, APP, &r));
    static const char *const changes[] = {"app/a.yaml", "app/.argocd-source.yaml",
                                          "app/.argocd-source-shop.yaml", "app/new.yaml"};
    for (size_t i = 0; i < ARRAY_LEN(changes); i++)
        if (!read_set_touches(s, str_of(changes[i]), i ? FILE_MISSING : FILE_REGULAR, FILE_REGULAR))
            fail_msg("%s goes unnoticed", changes[i]);
    assert_false(read_set_touches(s, STR("app/README.md"), FILE_REGULAR, FILE_REGULAR));
    assert_false(read_set_touches(s, STR("app/sub/x.yaml"), FILE_REGULAR, FILE_REGULAR));
    assert_false(read_set_touches(s, STR("other/new.yaml"), FILE_MISSING, FILE_REGULAR));
    assert_false(
        read_set_touches(s, STR("app/.argocd-source-else.yaml"), FILE_REGULAR, FILE_REGULAR));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_counts_is_rendered_in_order_with_its_place, begin,
                                        end),
        cmocka_unit_test_setup_teardown(what_is_wrong_is_told_in_upstreams_words, begin, end),
        cmocka_unit_test_setup_teardown(files_together_past_the_limit_are_refused, begin, end),
        cmocka_unit_test_setup_teardown(a_secret_without_kind_does_not_show_in_the_error, begin,
                                        end),
        cmocka_unit_test_setup_teardown(what_was_looked_at_is_recorded, begin, end),
    };
    return cmocka_run_group_tests_name("directory", tests, NULL, NULL);
}
