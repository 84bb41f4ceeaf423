/* helm_source_test.c: Helm sources of Applications as the real Argo CD renders them
 * (tests/golden/render/helm-sources.jsonl, made by tests/oracle/helm/from_scenarios.py). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "render/directory.h"
#include "value/json.h"

#define LINE_MAX_BYTES (1 << 16)

static struct files *tree_of(value files)
{
    struct files *f = files_new_memory();
    struct err err;
    for (struct value_iter it = value_iter(files); value_next(&it);)
        assert_int_equal(files_memory_add(f, it.key, value_str(it.val), &err), 0);
    return f;
}

static bool is_there(const struct render_result *r, value wanted)
{
    for (size_t i = 0; i < r->n_objects; i++)
        if (value_equal(r->object[i].object, wanted))
            return true;
    return false;
}

static void show(struct arena *a, const struct render_result *r)
{
    for (size_t i = 0; i < r->n_objects; i++)
        print_message("  got %.*s\n",
                      STR_FMT(json_str(a, r->object[i].object, AUDIENCE_WIRE, JSON_SORT_KEYS)));
}

/* Upstream writes values to a temporary file; ours have a name and no file. */
static str with_temporary(struct arena *a, str got)
{
    str name = STR("values.inline.yaml"), all = STR("");
    for (ptrdiff_t at; (at = str_find(got, name)) >= 0; got = str_from(got, (size_t)at + name.len))
        all = ARENA_CAT(a, all, str_sub(got, 0, (size_t)at), STR("$TMP"));
    return ARENA_CAT(a, all, got);
}

static bool check(struct arena *a, value c)
{
    static const str apis[] = {STR_INIT("v1"), STR_INIT("apps/v1"), STR_INIT("v1/Pod")};
    struct err err = {0};
    CLEANUP(files_closep) struct files *f = tree_of(value_getz(c, "files"));
    struct render_request r = {.files = f,
                               .source = value_getz(c, "source"),
                               .app_name = STR("app-abcde"),
                               .namespace = STR("ns-abcde"),
                               .project = STR("default"),
                               .revision = STR("0123456789abcdef"),
                               .kube_version = STR("v1.36.3"),
                               .value_file_schemes = STR("https, http"),
                               .api_version = apis,
                               .n_api_versions = ARRAY_LEN(apis)};
    struct render_result got = {0};
    str message = value_str(value_getz(c, "message"));
    value wanted = value_getz(c, "manifests");
    int rc = render_source(&r, a, &got, &err);
    if (message.len) {
        if (rc && str_eq(with_temporary(a, err_str(&err)), message))
            return true;
        print_message("  got  %s\n  want %.*s\n", rc ? err.text : "no error", STR_FMT(message));
        return false;
    }
    bool good = !rc && got.n_objects == value_len(wanted);
    for (size_t i = 0; good && i < value_len(wanted); i++)
        good = is_there(&got, value_at(wanted, i));
    if (!good) {
        print_message("  %s\n  want %.*s\n", rc ? err.text : "other objects",
                      STR_FMT(json_str(a, wanted, AUDIENCE_WIRE, JSON_SORT_KEYS)));
        show(a, &got);
    }
    return good;
}

static void check_file(const char *name, size_t n_wanted)
{
    const char *root = getenv("TIPHYS_SOURCE_ROOT");
    char path[512], *line = malloc(LINE_MAX_BYTES);
    snprintf(path, sizeof(path), "%s/tests/golden/render/%s", root ? root : ".", name);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    assert_non_null(line);
    struct arena a;
    size_t n = 0, bad = 0;
    arena_init(&a, ARENA_BYTES_DEFAULT);
    while (fgets(line, LINE_MAX_BYTES, f)) {
        value c;
        struct err err;
        assert_int_equal(json_parse(str_of(line), NULL, &a, &c, &err), 0);
        n++;
        if (!check(&a, c)) {
            bad++;
            print_message("%.*s\n", STR_FMT(value_str(value_getz(c, "name"))));
        }
        arena_reset(&a);
    }
    arena_done(&a);
    fclose(f);
    free(line);
    if (bad || n < n_wanted)
        fail_msg("%zu of %zu sources differ", bad, n);
}

static void sources_are_rendered_as_argo_cd_renders_them(UNUSED void **state)
{
    check_file("helm-sources.jsonl", 20);
}

/* Made by tests/oracle/helm/local_builds.py. */
static void dependencies_are_built_as_helm_builds_them(UNUSED void **state)
{
    check_file("helm-builds.jsonl", 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(
                                           sources_are_rendered_as_argo_cd_renders_them),
                                       cmocka_unit_test(
                                           dependencies_are_built_as_helm_builds_them)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
