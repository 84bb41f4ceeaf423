/* lang/tests/golden_test.c: the small languages against what the Go libraries answered
 * (tests/golden/lang/, made by tests/oracle/lang). Left out: a brace at the end of a glob that
 * nothing closes, and double stars glued to other signs, where the libraries' answers come from the
 * shape of their code. With a kind and a file name as arguments: the cases of that file only. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "lang/glob.h"
#include "lang/quantity.h"
#include "lang/semver.h"
#include "value/json.h"

#define SHOWN_MAX 20

typedef bool case_fn(struct arena *a, value c);

static str text_of(value c, const char *key) { return value_str(value_get(c, str_of(key))); }

static void run(const char *path, case_fn *check)
{
    FILE *f = fopen(path, "r");
    char *line = NULL;
    size_t cap = 0, n = 0, bad = 0;
    ssize_t len;
    struct arena a;
    if (!f)
        fail_msg("cannot read %s", path);
    arena_init(&a, ARENA_BYTES_DEFAULT);
    while ((len = getline(&line, &cap, f)) > 0) {
        value c;
        struct err err;
        if (json_parse(str_mem(line, (size_t)len), NULL, &a, &c, &err))
            fail_msg("%s: %s", path, err.text);
        n++;
        if (!check(&a, c) && ++bad <= SHOWN_MAX)
            print_message("differs: %s", line);
        arena_reset(&a);
    }
    free(line);
    fclose(f);
    arena_done(&a);
    assert_true(n > 0);
    if (bad)
        fail_msg("%zu of %zu cases of %s differ", bad, n, path);
}

static bool check_glob(struct arena *a, value c)
{
    const struct glob *g;
    struct err err;
    bool want_error = value_exists(value_getz(c, "error"));
    if (glob_compile(text_of(c, "pattern"), text_of(c, "separators"), a, &g, &err))
        return want_error;
    bool want = value_bool(value_getz(c, "match"));
    return !want_error && glob_match(g, text_of(c, "text")) == want &&
           glob_matches(text_of(c, "pattern"), text_of(c, "text"), text_of(c, "separators")) ==
               want;
}

static bool check_path(struct arena *a, value c)
{
    bool matched;
    struct err err;
    if (path_match(text_of(c, "pattern"), text_of(c, "text"), &matched, &err))
        return str_eq(err_str(&err), text_of(c, "error"));
    return !value_exists(value_getz(c, "error")) && matched == value_bool(value_getz(c, "match"));
}

static bool check_doublestar(struct arena *a, value c)
{
    bool matched;
    struct err err;
    if (doublestar_match(text_of(c, "pattern"), text_of(c, "text"), &matched, &err))
        return str_eq(err_str(&err), text_of(c, "error"));
    return !value_exists(value_getz(c, "error")) && matched == value_bool(value_getz(c, "match"));
}

static bool same_error(const struct err *got, value c, const char *key)
{
    bool same = str_eq(err_str(got), text_of(c, key));
    if (!same)
        print_message("got '%s'\n", got->text);
    return same;
}

static bool check_semver(struct arena *a, value c)
{
    struct semver v, w;
    struct err err = {0};
    const struct semver_constraint *k;
    if (value_exists(value_getz(c, "constraint"))) {
        if (semver_constraint_parse(text_of(c, "constraint"), a, &k, &err))
            return same_error(&err, c, "error");
        return !value_exists(value_getz(c, "error")) &&
               !semver_parse(text_of(c, "version"), &v, &err) &&
               semver_constraint_check(k, &v) == value_bool(value_getz(c, "ok"));
    }
    if (value_exists(value_getz(c, "cmp")))
        return !semver_parse(text_of(c, "a"), &v, &err) &&
               !semver_parse(text_of(c, "b"), &w, &err) &&
               semver_compare(&v, &w) == value_int(value_getz(c, "cmp"));
    struct err strict = {0};
    bool strict_ok = !semver_parse_strict(text_of(c, "version"), &v, &strict) || strict.text[0];
    if (!strict_ok || !same_error(&strict, c, "strict"))
        return false;
    if (semver_parse(text_of(c, "version"), &v, &err))
        return same_error(&err, c, "error");
    return str_eq(semver_str(a, &v), text_of(c, "norm"));
}

static bool check_quantity(struct arena *a, value c)
{
    struct quantity q;
    struct err err = {0};
    int64_t want_value, want_milli;
    int r = quantity_parse(text_of(c, "text"), &q, &err);
    if (r == -ERR_TOO_LARGE) /* a bound of ours */
        return !value_exists(value_getz(c, "error"));
    if (r)
        return same_error(&err, c, "error");
    str got = quantity_str(a, &q);
    /* Past int64 upstream wraps around in ways that nobody can want. */
    const __int128 most = (__int128)INT64_MAX * 1000000;
    bool fits = q.nano < most && q.nano > -most && !(q.big && q.nano < INT64_MIN);
    bool same =
        str_eq(got, text_of(c, "canonical")) && str_to_i64(text_of(c, "value"), &want_value) &&
        str_to_i64(text_of(c, "milli"), &want_milli) &&
        (!fits || (want_value == quantity_value(&q) && want_milli == quantity_milli_value(&q)));
    if (!same)
        print_message("got '%.*s' %ld %ld\n", STR_FMT(got), (long)quantity_value(&q),
                      (long)quantity_milli_value(&q));
    return same;
}

static char *golden(const char *name)
{
    static char path[4096];
    snprintf(path, sizeof(path), "%s/tests/golden/lang/%s.jsonl", getenv("TIPHYS_SOURCE_ROOT"),
             name);
    return path;
}

static void globs_match_as_gobwas(void **state) { run(golden("glob"), check_glob); }
static void path_patterns_match_as_go(void **state) { run(golden("path"), check_path); }
static void doublestar_patterns_match_as_doublestar(void **state)
{
    run(golden("doublestar"), check_doublestar);
}
static void versions_and_constraints_are_read_as_masterminds(void **state)
{
    run(golden("semver"), check_semver);
}

static void quantities_are_read_as_kubernetes(void **state)
{
    run(golden("quantity"), check_quantity);
}

static void the_highest_matching_tag_is_chosen(void **state)
{
    const str tags[] = {STR("v1.0.0"),      STR("main"),      STR("v1.2.0"),
                        STR("v2.0.0-rc.1"), STR("app-9.0.0"), STR("v1.10.0")};
    size_t i;
    struct err err;
    assert_false(semver_highest(STR("1.*"), tags, ARRAY_LEN(tags), STR(""), &i, &err));
    assert_int_equal(i, 5);
    assert_false(semver_highest(STR("*"), tags, ARRAY_LEN(tags), STR("app-"), &i, &err));
    assert_int_equal(i, 4);
    assert_int_equal(semver_highest(STR(">=3"), tags, ARRAY_LEN(tags), STR(""), &i, &err),
                     -ERR_NOT_FOUND);
    assert_string_equal(err.text, "version matching constraint not found in 6 tags");
    assert_true(semver_is_constraint(STR(">=1")) && semver_is_constraint(STR("*")));
    assert_false(semver_is_constraint(STR("v1.2")) || semver_is_constraint(STR("main")));
}

static void a_hostile_pattern_ends_in_time(void **state)
{
    static char pattern[4000], text[20000];
    memset(text, 'a', sizeof(text));
    for (size_t i = 0; i < sizeof(pattern); i++)
        pattern[i] = i % 2 ? 'a' : '*';
    assert_false(glob_matches(str_mem(pattern, 1000), str_mem(text, 400), STR("")));
    assert_true(glob_matches(str_mem(pattern, 200), str_mem(text, 2000), STR("")));
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        case_fn *check;
    } kinds[] = {{"glob", check_glob},
                 {"path", check_path},
                 {"doublestar", check_doublestar},
                 {"semver", check_semver},
                 {"quantity", check_quantity}};
    for (size_t i = 0; argc > 2 && i < ARRAY_LEN(kinds); i++)
        if (!strcmp(argv[1], kinds[i].name)) {
            run(argv[2], kinds[i].check);
            return 0;
        }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(globs_match_as_gobwas),
        cmocka_unit_test(path_patterns_match_as_go),
        cmocka_unit_test(doublestar_patterns_match_as_doublestar),
        cmocka_unit_test(versions_and_constraints_are_read_as_masterminds),
        cmocka_unit_test(quantities_are_read_as_kubernetes),
        cmocka_unit_test(the_highest_matching_tag_is_chosen),
        cmocka_unit_test(a_hostile_pattern_ends_in_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
