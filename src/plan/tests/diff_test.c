/* Compares what diff_object answers with what Argo CD 3.6 answered for the same objects
 * (tests/golden/plan/diff.jsonl, made by tools/golden-plan from recordings). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "kube/object.h"
#include "plan/diff.h"
#include "value/json.h"

static str read_golden(const char *name, struct arena *a)
{
    char path[1024];
    snprintf(path, sizeof(path), "%s/tests/golden/plan/%s", getenv("TIPHYS_SOURCE_ROOT"), name);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    fseek(f, 0, SEEK_END);
    size_t n = (size_t)ftell(f);
    rewind(f);
    char *text = arena_alloc(a, n + 1);
    assert_int_equal(fread(text, 1, n, f), n);
    fclose(f);
    return str_mem(text, n);
}

static value nullable(value v) { return value_is_null(v) ? VALUE_ABSENT : v; }

static bool same(value mine, value recorded)
{
    return value_exists(mine) && value_exists(nullable(recorded))
               ? value_equal(mine, recorded)
               : !value_exists(mine) && !value_exists(nullable(recorded));
}

static void complain(struct arena *a, str name, const char *what, value mine, value recorded)
{
    str m = json_str(a, mine, AUDIENCE_WIRE, JSON_SORT_KEYS),
        r = json_str(a, recorded, AUDIENCE_WIRE, JSON_SORT_KEYS);
    fprintf(stderr, "# %.*s: %s differs\n#  ours     %.*s\n#  recorded %.*s\n", STR_FMT(name), what,
            STR_FMT(m), STR_FMT(r));
}

static bool one_case(value c, struct arena *a)
{
    struct settings s;
    struct app app = {.ignore_differences = nullable(value_getz(c, "ignoreDifferences"))};
    struct normalizer *rules;
    struct err err;
    str name = value_str(value_getz(c, "name"));
    settings_read(value_getz(c, "cm"), VALUE_ABSENT, STR("argocd"), a, &s);
    if (normalizer_new(&app, &s, a, &rules, &err)) {
        fprintf(stderr, "# %.*s: %s\n", STR_FMT(name), err.text);
        return false;
    }
    struct diff_input in = {.target = nullable(value_getz(c, "target")),
                            .live = nullable(value_getz(c, "live")),
                            .rules = rules,
                            .settings = &s,
                            .mode = value_bool(value_getz(c, "structured")) ? DIFF_STRUCTURED
                                                                            : DIFF_LOCAL};
    struct diff_result d;
    if (diff_object(&in, a, &d, &err)) {
        fprintf(stderr, "# %.*s: %s\n", STR_FMT(name), err.text);
        return false;
    }
    bool ok = true;
    if (!same(d.normalized_live, value_getz(c, "normalized"))) {
        complain(a, name, "normalizedLiveState", d.normalized_live, value_getz(c, "normalized"));
        ok = false;
    }
    if (!same(d.predicted_live, value_getz(c, "predicted"))) {
        complain(a, name, "predictedLiveState", d.predicted_live, value_getz(c, "predicted"));
        ok = false;
    }
    if (d.modified != value_bool(value_getz(c, "modified"))) {
        fprintf(stderr, "# %.*s: modified is %d\n", STR_FMT(name), d.modified);
        ok = false;
    }
    return ok;
}

static void recorded_comparisons_are_repeated(void **state)
{
    struct arena text, a;
    (void)state;
    arena_init(&text, ARENA_BYTES_DEFAULT);
    arena_init(&a, ARENA_BYTES_DEFAULT);
    str rest = read_golden("diff.jsonl", &text), line;
    int n = 0, good = 0;
    while (str_next(&rest, '\n', &line)) {
        struct doc *d;
        struct err err;
        if (!line.len)
            continue;
        assert_int_equal(json_parse_doc(line, NULL, &d, &err), 0);
        n++;
        good += one_case(doc_root(d), &a);
        arena_reset(&a);
        doc_unref(d);
    }
    fprintf(stderr, "# %d of %d recorded comparisons\n", good, n);
    assert_true(n > 0);
    assert_int_equal(good, n);
    arena_done(&a);
    arena_done(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recorded_comparisons_are_repeated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
