/* chart_golden_test.c: tests/golden/source/charts.jsonl: what the real helm pulled, and Argo CD's
 * packages resolved, from the peer that each line describes (tests/oracle/source/record.py). */
#include "source/tests/chart_world.h"
#include "value/json.h"

static struct source_repo repo_of(struct world *w, value c)
{
    return (struct source_repo){
        .url = world_fill(w, value_str(value_getz(c, "repo"))),
        .type = STR("helm"),
        .username = value_str(value_getz(c, "user")),
        .password = value_str(value_getz(c, "password")),
        .enable_oci = value_bool(value_getz(c, "oci")),
        .oci_force_http = value_bool(value_getz(c, "oci")),
    };
}

/* What we say, in the words of the recording: {"error"|"version"|"sha256": text}. */
static str ask(struct world *w, value c, value question, const char **ret_key)
{
    struct source_repo repo = repo_of(w, c);
    str kind = value_key(question, 0);
    value args = value_val(question, 0);
    str chart = value_str(value_at(args, 0)), version = value_str(value_at(args, 1));
    bool resolve = str_is(kind, "resolve");
    if (resolve)
        charts_resolve(w->charts, &repo, chart, version, CHARTS_FRESH, world_expect(w));
    else
        charts_get(w->charts, &repo,
                   &(struct chart_wanted){chart, version, value_bool(value_getz(c, "pass"))},
                   CHARTS_FRESH, world_expect(w));
    world_wait(w);
    *ret_key = w->answer.rc ? "error" : resolve ? "version" : "sha256";
    if (w->answer.rc)
        return str_of(w->answer.err.text);
    if (resolve)
        return ((const struct chart_revision *)w->answer.result)->version;
    const struct chart_archive *x = w->answer.result;
    return hex_str(&w->arena, x->digest.byte, sizeof(x->digest.byte));
}

static size_t play(struct world *w, str line)
{
    struct arena a;
    struct err err;
    value c;
    size_t bad = 0;
    arena_init(&a, (size_t)64 << 20);
    if (json_parse(line, NULL, &a, &c, &err))
        fail_msg("%s", err.text);
    world_table(w, arena_cstr(&a, line));
    value asks = value_getz(c, "asks"), answers = value_getz(c, "answers");
    assert_int_equal(value_len(asks), value_len(answers));
    for (size_t i = 0; i < value_len(asks); i++) {
        const char *key;
        value answer = value_at(answers, i);
        str ours = ask(w, c, value_at(asks, i), &key);
        str theirs = world_fill(w, value_str(value_val(answer, 0)));
        if (str_is(value_key(answer, 0), key) && str_eq(ours, theirs))
            continue;
        bad++;
        print_error("%.*s, %.*s\n  want %.*s %.*s\n  have %s %.*s\n",
                    STR_FMT(value_str(value_getz(c, "name"))),
                    STR_FMT(json_str(&a, value_at(asks, i), AUDIENCE_WIRE, 0)),
                    STR_FMT(value_key(answer, 0)), STR_FMT(theirs), key, STR_FMT(ours));
    }
    arena_done(&a);
    return bad;
}

static void helm_and_argo_cd_say_the_same(void **state)
{
    (void)state;
    char path[512];
    struct arena a;
    size_t bad = 0, n = 0;
    arena_init(&a, (size_t)64 << 20);
    snprintf(path, sizeof(path), "%s/tests/golden/source/charts.jsonl",
             getenv("TIPHYS_SOURCE_ROOT"));
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    size_t cap = (size_t)8 << 20;
    char *at = arena_alloc(&a, cap);
    str text = str_mem(at, fread(at, 1, cap, f)), line;
    fclose(f);
    struct world *w = world_open("plain");
    while (str_next(&text, '\n', &line)) {
        if (!line.len)
            continue;
        bad += play(w, line);
        n++;
    }
    world_close(w);
    arena_done(&a);
    if (bad || n < 100)
        fail_msg("%zu differences in %zu cases", bad, n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(helm_and_argo_cd_say_the_same)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
