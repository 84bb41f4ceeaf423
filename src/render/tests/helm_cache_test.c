/* helm_cache_test.c: charts out of a git tree, kept between jobs, with files that are read when
 * somebody asks for them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>

#include "files/read_set.h"
#include "files/tests/git_fixture.h"
#include "render/directory.h"
#include "render/helm_cache.h"
#include "value/json.h"

#define TEMPLATE                                                                                   \
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata:\n"                                \
    "  one: {{ .Files.Get \"a.txt\" | quote }}\n"                                                  \
    "  none: {{ .Files.Get \"missing\" | quote }}\n"                                               \
    "  lines: {{ .Files.Lines \"a.txt\" | len }}\n"                                                \
    "  there: {{ if .Files.Glob \"nothing/*\" }}yes{{ else }}no{{ end }}\n"                        \
    "{{ (.Files.Glob \"conf/*\").AsConfig | indent 2 }}\n"                                         \
    "  names: {{ range $name, $_ := .Files.Glob \"conf/*\" }}{{ $name }},{{ end }}\n"

#define RENDERED                                                                                   \
    "{\"one\":\"text\\n\",\"none\":\"\",\"lines\":1,\"there\":false,\"b.ini\":\"x=1\\n\","         \
    "\"names\":\"conf/b.ini,\"}"

struct job {

    size_t n_objects;
    bool read_text, read_conf, read_readme, read_crd; /* recorded */
};

static bool has_read(const struct read_set *s, const char *path)
{
    for (size_t i = 0; i < read_set_len(s); i++)
        if (read_set_at(s, i)->kind == READ_FILE && str_is(read_set_at(s, i)->path, path))
            return true;
    return false;
}

static struct job render(struct arena *a, const struct git_fixture *g, const char *tree,
                         struct helm_cache *cache, bool skip_crds)
{
    char objects[PATH_MAX];
    CLEANUP(files_closep) struct files *f = NULL;
    CLEANUP(read_set_freep) struct read_set *reads = read_set_new();
    struct err err = {0};
    value source, expected;
    struct render_result got = {0};
    str text = skip_crds ? STR("{\"path\":\"chart\",\"helm\":{\"skipCrds\":true}}")
                         : STR("{\"path\":\"chart\"}");
    fixture_objects(g, objects);
    assert_int_equal(files_open_git(str_of(objects), str_of(tree), &f, &err), 0);
    assert_int_equal(json_parse(text, NULL, a, &source, &err), 0);
    f->reads = reads;
    struct render_request r = {.files = f,
                               .source = source,
                               .app_name = STR("app"),
                               .namespace = STR("ns"),
                               .helm_cache = cache};
    if (cache)
        helm_cache_begin(cache);
    if (render_source(&r, a, &got, &err))
        fail_msg("%s", err.text);
    if (cache)
        helm_cache_end(cache);
    value map = value_getz(got.object[got.n_objects - 1].object, "data");
    assert_int_equal(json_parse(STR(RENDERED), NULL, a, &expected, &err), 0);
    if (!value_equal(map, expected))
        fail_msg("got %.*s", STR_FMT(json_str(a, map, AUDIENCE_WIRE, 0)));
    return (struct job){.n_objects = got.n_objects,
                        .read_text = has_read(reads, "chart/a.txt"),
                        .read_conf = has_read(reads, "chart/conf/b.ini"),
                        .read_readme = has_read(reads, "chart/README.md"),
                        .read_crd = has_read(reads, "chart/crds/x.yaml")};
}

static void what_a_template_asks_for_is_read_and_recorded_by_each_job(UNUSED void **state)
{
    struct git_fixture g;
    struct arena a;
    char commit[41], tree[41];
    fixture_open(&g);
    fixture_write(&g, "chart/Chart.yaml", "apiVersion: v2\nname: chart\nversion: 1.0.0\n");
    fixture_write(&g, "chart/templates/cm.yaml", TEMPLATE);
    fixture_write(&g, "chart/a.txt", "text\n");
    fixture_write(&g, "chart/conf/b.ini", "x=1\n");
    fixture_write(&g, "chart/README.md", "for people\n");
    fixture_write(&g, "chart/crds/x.yaml",
                  "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\n"
                  "metadata: {name: x.example.com}\n");
    fixture_commit(&g, commit, tree);
    arena_init(&a, ARENA_BYTES_DEFAULT);
    struct job alone = render(&a, &g, tree, NULL, false);
    assert_int_equal(alone.n_objects, 2);
    struct helm_cache *cache = helm_cache_new(0);
    for (int turn = 0; turn < 3; turn++) { /* the second and third find the chart */
        bool skip_crds = turn == 1;
        struct job j = render(&a, &g, tree, cache, skip_crds);
        assert_int_equal(j.n_objects, skip_crds ? 1 : 2);
        assert_true(j.read_text);
        assert_true(j.read_conf);
        assert_false(j.read_readme);
        assert_int_equal(j.read_crd, !skip_crds);
    }
    helm_cache_free(cache);
    arena_done(&a);
    fixture_close(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_template_asks_for_is_read_and_recorded_by_each_job)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
