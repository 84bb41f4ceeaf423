/* manifests_test.c: the service on repositories made by the real git; with and without the jail. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "files/tests/git_fixture.h"
#include "manifests/jail.h"
#include "manifests/manifests.h"
#include "manifests/revision.h"
#include "value/json.h"

static struct err err;

#define assert_ok(call)                                                                            \
    do {                                                                                           \
        err.text[0] = 0;                                                                           \
        int rc_ = (call);                                                                          \
        if (rc_)                                                                                   \
            fail_msg("%s: %s", #call, err.text);                                                   \
    } while (0)

struct world {
    struct git_fixture git;
    struct loop *loop;
    struct pool *pool;
    struct jail *jail;
    struct manifests *manifests;
    struct arena arena;
    char url[PATH_MAX];
    struct answer answer;
    unsigned n_answers, n_wanted;
};

/* Where the engine runs. */
enum place {
    IN_POOL,
    IN_JAIL,
    IN_JAIL_WITHOUT_LANDLOCK,
    PLACES,
};

static struct world *world_open(enum place place)
{
    struct world *w = calloc(1, sizeof(*w));
    arena_init(&w->arena, ARENA_BYTES_DEFAULT);
    const struct jail_options jail = {.workers_max = 2,
                                      .no_landlock = place == IN_JAIL_WITHOUT_LANDLOCK};
    if (place != IN_POOL)
        assert_ok(jail_open(&jail, &w->jail, &err));
    fixture_open(&w->git);
    fixture_work_tree(&w->git, w->url);
    w->loop = loop_new(EVENT_UV, 0);
    w->pool = pool_new(NULL, 2);
    if (w->jail)
        assert_ok(jail_attach(w->jail, w->loop, &err));
    struct manifests_options o = {
        .source.cache_dir = arena_printf(&w->arena, "%s/cache", w->git.folder),
        .jail = w->jail,
    };
    assert_ok(manifests_new(w->loop, w->pool, &o, &w->manifests, &err));
    return w;
}

static void world_close(struct world *w)
{
    manifests_free(w->manifests);
    jail_close(w->jail);
    pool_free(w->pool);
    loop_free(w->loop);
    arena_done(&w->arena);
    fixture_close(&w->git);
    free(w);
}

/* Only the last answer is kept; the driver drops the others. */
static void take_answer(void *arg, struct answer *a)
{
    struct world *w = arg;
    w->answer = *a;
    if (++w->n_answers < w->n_wanted)
        return;
    w->answer.result = answer_take(a);
    loop_stop(w->loop);
}

static void drop_answer(struct world *w)
{
    if (w->answer.rc == 0 && w->answer.drop)
        w->answer.drop(w->answer.result);
}

static struct call expect(struct world *w)
{
    w->n_wanted++;
    return call_open(w->loop, 60 * USEC_PER_SEC, take_answer, w);
}

static void wait_answers(struct world *w)
{
    if (w->n_answers < w->n_wanted)
        loop_run(w->loop);
    assert_int_equal(w->n_answers, w->n_wanted);
}

static struct manifests_request request(struct world *w, const char *key, const char *path,
                                        const char *revision)
{
    value source = value_new_map(&w->arena);
    value_set_str(&w->arena, source, "path", str_of(path));
    value_set_str(&w->arena, source, "repoURL", str_of(w->url));
    value_set_str(&w->arena, source, "targetRevision", str_of(revision));
    return (struct manifests_request){
        .key = str_of(key),
        .repo = {.url = str_of(w->url)},
        .source = source,
        .app_name = str_of(key),
        .project = STR("default"),
        .namespace = STR("ns"),
        .flags = MANIFESTS_REFS_NEW,
    };
}

/* The result, or NULL and w->answer.err. */
static struct manifests_result *get(struct world *w, const char *key, const char *path,
                                    const char *revision)
{
    struct manifests_request r = request(w, key, path, revision);
    manifests_get(w->manifests, &r, expect(w));
    wait_answers(w);
    return w->answer.rc ? NULL : w->answer.result;
}

#define CM(name) "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: " name "\n"

static void a_source_is_rendered(enum place place)
{
    struct world *w = world_open(place);
    char commit[41];
    fixture_write(&w->git, "app/a.yaml", CM("a") "data:\n  n: \"1\"\n---\n" CM("b"));
    fixture_commit(&w->git, commit, NULL);
    struct manifests_result *r = get(w, "shop", "app", "HEAD");
    if (!r) {
        fail_msg("%s", w->answer.err.text);
        return;
    }
    assert_int_equal(r->n_objects, 2);
    assert_string_equal(r->revision, commit);
    assert_int_equal(r->type, RENDER_DIRECTORY);
    assert_true(str_is(value_path_str(doc_root(r->object[1].object), "metadata.name"), "b"));
    assert_true(str_is(r->object[1].file, "app/a.yaml"));
    assert_int_equal(r->object[1].line, 8);
    assert_true(str_is(r->commit->author, "Dev <dev@example.com>"));
    assert_false(r->cached);
    manifests_result_unref(r);
    r = get(w, "shop", "app", "main");
    assert_true(r->cached);
    manifests_result_unref(r);
    world_close(w);
}

static void a_source_is_rendered_in_the_pool(UNUSED void **state) { a_source_is_rendered(IN_POOL); }
static void a_source_is_rendered_in_the_jail(UNUSED void **state) { a_source_is_rendered(IN_JAIL); }
static void a_source_is_rendered_where_the_kernel_has_no_landlock(UNUSED void **state)
{
    a_source_is_rendered(IN_JAIL_WITHOUT_LANDLOCK);
}

static void errors_are_the_same_in_and_out_of_the_jail(UNUSED void **state)
{
    for (enum place place = IN_POOL; place < PLACES; place++) {
        struct world *w = world_open(place);
        fixture_write(&w->git, "app/cm.yaml",
                      "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: [c1\n");
        fixture_commit(&w->git, NULL, NULL);
        assert_null(get(w, "shop", "app", "HEAD"));
        assert_string_equal(
            w->answer.err.text,
            "Failed to unmarshal \"cm.yaml\": failed to unmarshal manifest: error "
            "converting YAML to JSON: yaml: line 4: did not find expected ',' or ']'");
        assert_string_equal(manifests_error_code(w->answer.err.kind), "FailedPrecondition");
        assert_null(get(w, "shop", "later", "HEAD"));
        assert_string_equal(w->answer.err.text, "later: app path does not exist");
        assert_string_equal(manifests_error_code(w->answer.err.kind), "Unknown");
        assert_null(get(w, "shop", "app", "no-such-branch"));
        assert_string_equal(
            w->answer.err.text,
            "unable to resolve 'no-such-branch' to a commit SHA: revision not found");
        world_close(w);
    }
}

/* lifecycle-symlink-outside of the recordings. */
static void a_repository_with_a_link_out_of_it_is_refused(UNUSED void **state)
{
    struct world *w = world_open(IN_POOL);
    fixture_write(&w->git, "app/cm.yaml", CM("a"));
    fixture_link(&w->git, "app/out.yaml", "../../../etc/passwd");
    fixture_commit(&w->git, NULL, NULL);
    assert_null(get(w, "shop", "app", "HEAD"));
    assert_string_equal(w->answer.err.text,
                        "repository contains out-of-bounds symlinks. file: app/out.yaml");
    world_close(w);
}

static void a_commit_elsewhere_gives_the_same_result_under_its_own_revision(UNUSED void **state)
{
    struct world *w = world_open(IN_POOL);
    char one[41], two[41];
    fixture_write(&w->git, "app/a.yaml", CM("a"));
    fixture_commit(&w->git, one, NULL);
    struct manifests_result *r = get(w, "shop", "app", "HEAD");
    fixture_write(&w->git, "other/b.yaml", CM("b"));
    fixture_commit(&w->git, two, NULL);
    struct manifests_result *again = get(w, "shop", "app", "HEAD");
    assert_true(again->cached);
    assert_string_equal(again->revision, two);
    assert_true(sha256_eq(&r->digest, &again->digest));
    assert_int_equal(manifests_stats(w->manifests).n_renders, 1);
    fixture_write(&w->git, "app/b.yaml", CM("b"));
    fixture_commit(&w->git, NULL, NULL);
    manifests_result_unref(again);
    again = get(w, "shop", "app", "HEAD");
    assert_int_equal(again->n_objects, 2);
    assert_false(again->cached);
    manifests_result_unref(again);
    manifests_result_unref(r);
    world_close(w);
}

static void equal_questions_under_way_are_asked_once(UNUSED void **state)
{
    struct world *w = world_open(IN_POOL);
    fixture_write(&w->git, "app/a.yaml", CM("a"));
    fixture_commit(&w->git, NULL, NULL);
    struct manifests_request r = request(w, "shop", "app", "HEAD");
    for (int i = 0; i < 20; i++)
        manifests_get(w->manifests, &r, expect(w));
    wait_answers(w);
    assert_int_equal(w->answer.rc, 0);
    assert_int_equal(manifests_stats(w->manifests).n_renders, 1);
    assert_int_equal(manifests_stats(w->manifests).source.n_ls_refs, 1);
    drop_answer(w);
    world_close(w);
}

static void a_source_that_keeps_failing_is_answered_from_memory(UNUSED void **state)
{
    struct world *w = world_open(IN_POOL);
    fixture_write(&w->git, "app/a.json", "{");
    fixture_commit(&w->git, NULL, NULL);
    for (int i = 0; i < 3; i++)
        assert_null(get(w, "shop", "app", "HEAD"));
    assert_string_equal(w->answer.err.text, "Failed to unmarshal \"a.json\": unexpected EOF");
    assert_null(get(w, "shop", "app", "HEAD"));
    assert_string_equal(
        w->answer.err.text,
        "Manifest generation error (cached): rpc error: code = FailedPrecondition desc = Failed to "
        "unmarshal \"a.json\": unexpected EOF");
    assert_int_equal(manifests_stats(w->manifests).n_renders, 3);
    struct manifests_request r = request(w, "shop", "app", "HEAD"); /* a hard refresh tries again */
    r.flags = MANIFESTS_NO_CACHE;
    manifests_get(w->manifests, &r, expect(w));
    wait_answers(w);
    assert_int_equal(manifests_stats(w->manifests).n_renders, 4);
    fixture_write(&w->git, "app/a.json",
                  "{\"kind\":\"ConfigMap\"}"); /* and so does another commit */
    fixture_commit(&w->git, NULL, NULL);
    struct manifests_result *ok = get(w, "shop", "app", "HEAD");
    assert_non_null(ok);
    manifests_result_unref(ok);
    world_close(w);
}

static struct manifests_poll *poll_all(struct world *w)
{
    manifests_poll(w->manifests, NULL, expect(w));
    wait_answers(w);
    assert_int_equal(w->answer.rc, 0);
    return w->answer.result;
}

static const struct manifests_moved *moved(const struct manifests_poll *p, const char *key)
{
    for (size_t i = 0; i < p->n; i++)
        if (str_is(p->at[i].key, key))
            return &p->at[i];
    return NULL;
}

static void a_poll_names_the_sources_that_read_what_changed(UNUSED void **state)
{
    struct world *w = world_open(IN_POOL);
    char commit[41], away[PATH_MAX + 8];
    fixture_write(&w->git, "a/cm.yaml", CM("a"));
    fixture_write(&w->git, "b/cm.yaml", CM("b"));
    fixture_commit(&w->git, NULL, NULL);
    manifests_result_unref(get(w, "app-a", "a", "HEAD"));
    manifests_result_unref(get(w, "app-b", "b", "main"));
    manifests_result_unref(get(w, "app-sha", "b", "HEAD"));
    struct manifests_poll *p = poll_all(w);
    assert_int_equal(p->n, 0);
    assert_int_equal(p->n_repos, 1);
    manifests_poll_free(p);

    fixture_write(&w->git, "b/cm.yaml", CM("b2"));
    fixture_commit(&w->git, commit, NULL);
    p = poll_all(w);
    assert_int_equal(moved(p, "app-a")->move, MANIFESTS_MOVED);
    assert_int_equal(moved(p, "app-b")->move, MANIFESTS_CHANGED);
    assert_string_equal(moved(p, "app-b")->revision, commit);
    manifests_poll_free(p);
    p = poll_all(w); /* told once */
    assert_int_equal(p->n, 0);
    manifests_poll_free(p);
    struct manifests_stats before = manifests_stats(w->manifests);
    struct manifests_result *same = get(w, "app-a", "a", "HEAD"); /* nobody has to look again */
    struct manifests_stats after = manifests_stats(w->manifests);
    assert_string_equal(same->revision, commit);
    assert_int_equal(after.n_hits, before.n_hits + 1);
    assert_int_equal(after.n_same_reads, before.n_same_reads);
    manifests_result_unref(same);

    snprintf(away, sizeof(away), "%s-away", w->url);
    assert_int_equal(rename(w->url, away), 0);
    p = poll_all(w);
    assert_int_equal(p->n_failed, 1);
    assert_int_equal(moved(p, "app-a")->move, MANIFESTS_LOST);
    manifests_poll_free(p);
    assert_int_equal(rename(away, w->url), 0);
    p = poll_all(w);
    assert_int_equal(moved(p, "app-a")->move, MANIFESTS_CHANGED);
    manifests_poll_free(p);
    manifests_forget(w->manifests, STR("app-a"));
    manifests_forget(w->manifests, STR("app-b"));
    manifests_forget(w->manifests, STR("app-sha"));
    p = poll_all(w);
    assert_int_equal(p->n_repos, 0);
    manifests_poll_free(p);
    world_close(w);
}

static void a_file_that_is_new_in_a_folder_changes_the_sources_that_listed_it(UNUSED void **state)
{
    struct world *w = world_open(IN_POOL);
    fixture_write(&w->git, "a/cm.yaml", CM("a"));
    fixture_write(&w->git, "b/cm.yaml", CM("b"));
    fixture_commit(&w->git, NULL, NULL);
    manifests_result_unref(get(w, "app-a", "a", "HEAD"));
    manifests_result_unref(get(w, "app-b", "b", "HEAD"));
    manifests_poll_free(poll_all(w));
    fixture_write(&w->git, "b/new.yaml", CM("new"));
    fixture_commit(&w->git, NULL, NULL);
    struct manifests_poll *p = poll_all(w);
    assert_int_equal(moved(p, "app-a")->move, MANIFESTS_MOVED);
    assert_int_equal(moved(p, "app-b")->move, MANIFESTS_CHANGED);
    manifests_poll_free(p);
    world_close(w);
}

/* A chart here, its value file in another repository. */
struct two_sources {
    struct world *w;
    struct git_fixture other;
    char other_url[PATH_MAX];
    value list;
};

static bool find_repo(UNUSED void *arg, str url, UNUSED str project, UNUSED struct arena *a,
                      struct source_repo *ret)
{
    *ret = (struct source_repo){.url = url};
    return true;
}

static void two_sources_open(struct two_sources *t, enum place place)
{
    struct err bad;
    t->w = world_open(place);
    fixture_open(&t->other);
    fixture_work_tree(&t->other, t->other_url);
    fixture_write(&t->w->git, "app/Chart.yaml", "apiVersion: v2\nname: c\nversion: 1.0.0\n");
    fixture_write(&t->w->git, "app/templates/a.yaml",
                  CM("a") "data:\n  v: {{ .Values.v | quote }}\n");
    fixture_commit(&t->w->git, NULL, NULL);
    fixture_write(&t->other, "v/values.yaml", "v: one\n");
    fixture_commit(&t->other, NULL, NULL);
    str text = arena_printf(&t->w->arena,
                            "[{\"repoURL\":\"%s\",\"path\":\"app\",\"helm\":{\"valueFiles\":"
                            "[\"$vals/v/values.yaml\"]}},{\"repoURL\":\"%s\",\"ref\":\"vals\"}]",
                            t->w->url, t->other_url);
    assert_int_equal(json_parse(text, NULL, &t->w->arena, &t->list, &bad), 0);
}

static void two_sources_close(struct two_sources *t)
{
    world_close(t->w);
    fixture_close(&t->other);
}

/* Source `at` of them; NULL and w->answer.err. */
static struct manifests_result *get_source(struct two_sources *t, size_t at)
{
    struct manifests_request r = {.key = at ? STR("shop/1") : STR("shop/0"),
                                  .app_name = STR("shop"),
                                  .project = STR("default"),
                                  .flags = MANIFESTS_REFS_NEW};
    const struct manifests_sources s = {.list = t->list, .multi_source = true, .repo = find_repo};
    manifests_request_source(&r, &s, at, &t->w->arena);
    manifests_get(t->w->manifests, &r, expect(t->w));
    wait_answers(t->w);
    if (t->w->answer.rc)
        print_message("%s\n", t->w->answer.err.text);
    return t->w->answer.rc ? NULL : t->w->answer.result;
}

static void assert_value(const struct manifests_result *r, const char *wanted)
{
    assert_non_null(r);
    assert_int_equal(r->n_objects, 1);
    assert_true(str_is(value_path_str(doc_root(r->object[0].object), "data.v"), wanted));
}

/* What a poll says of the chart's source; -1: nothing. */
static int move_of_chart(struct two_sources *t)
{
    manifests_poll(t->w->manifests, NULL, expect(t->w));
    wait_answers(t->w);
    const struct manifests_poll *p = t->w->answer.result;
    int move = -1;
    for (size_t i = 0; i < p->n; i++)
        if (str_is(p->at[i].key, "shop/0"))
            move = (int)p->at[i].move;
    drop_answer(t->w);
    return move;
}

static void value_files_of_another_repository_are_read_and_watched(UNUSED void **state)
{
    for (enum place place = IN_POOL; place < PLACES; place++) {
        struct two_sources t;
        two_sources_open(&t, place);
        struct manifests_result *r = get_source(&t, 0), *nothing = get_source(&t, 1);
        assert_value(r, "one");
        assert_non_null(nothing);
        assert_int_equal(nothing->n_objects, 0);
        assert_true(render_type_name(nothing->type).len == 0);
        manifests_result_unref(nothing);
        manifests_result_unref(r);
        assert_int_equal(move_of_chart(&t), -1);
        fixture_write(&t.other, "unread.txt", "x");
        fixture_commit(&t.other, NULL, NULL);
        assert_int_equal(move_of_chart(&t), MANIFESTS_MOVED);
        r = get_source(&t, 0);
        assert_value(r, "one");
        assert_true(r->cached);
        manifests_result_unref(r);
        fixture_write(&t.other, "v/values.yaml", "v: two\n");
        fixture_commit(&t.other, NULL, NULL);
        assert_int_equal(move_of_chart(&t), MANIFESTS_CHANGED);
        r = get_source(&t, 0);
        assert_value(r, "two");
        assert_false(r->cached);
        manifests_result_unref(r);
        two_sources_close(&t);
    }
}

static void one_repository_has_one_revision_for_all_names(UNUSED void **state)
{
    struct two_sources t;
    char sha[41];
    two_sources_open(&t, IN_POOL);
    fixture_commit(&t.other, sha, NULL);
    struct err bad;
    str text = arena_printf(&t.w->arena,
                            "[{\"repoURL\":\"%s\",\"path\":\"app\",\"helm\":{\"valueFiles\":"
                            "[\"$x/v/values.yaml\",\"$y/v/values.yaml\"]}},"
                            "{\"repoURL\":\"%s\",\"ref\":\"x\",\"targetRevision\":\"main\"},"
                            "{\"repoURL\":\"%s\",\"ref\":\"y\",\"targetRevision\":\"%s\"}]",
                            t.w->url, t.other_url, t.other_url, sha);
    assert_int_equal(json_parse(text, NULL, &t.w->arena, &t.list, &bad), 0);
    assert_null(get_source(&t, 0));
    str wanted = arena_printf(&t.w->arena,
                              "cannot reference multiple revisions for the same repository ($y "
                              "references \"%s\" while $x references \"main\")",
                              sha);
    assert_true(str_eq(err_str(&t.w->answer.err), wanted));
    two_sources_close(&t);
}

static void a_thousand_sources_of_one_domain_share_its_workers(UNUSED void **state)
{
    struct world *w = world_open(IN_JAIL);
    for (int i = 0; i < 100; i++) {
        char path[64], text[128];
        snprintf(path, sizeof(path), "app-%d/cm.yaml", i);
        snprintf(text, sizeof(text), CM("cm-%d"), i);
        fixture_write(&w->git, path, text);
    }
    fixture_commit(&w->git, NULL, NULL);
    for (int i = 0; i < 1000; i++) {
        char path[64], key[64];
        snprintf(path, sizeof(path), "app-%d", i % 100);
        snprintf(key, sizeof(key), "app-%d", i);
        struct manifests_request r = request(w, key, path, "HEAD");
        manifests_get(w->manifests, &r, expect(w));
    }
    usec start = time_monotonic_now();
    wait_answers(w);
    print_message("# 1000 sources: %d ms\n", (int)((time_monotonic_now() - start) / 1000));
    assert_int_equal(w->answer.rc, 0);
    drop_answer(w);
    struct manifests_stats s = manifests_stats(w->manifests);
    assert_int_equal(s.source.n_ls_refs, 1);
    assert_int_equal(s.source.n_fetches, 1);
    assert_int_equal(s.n_renders, 1000);
    assert_true(s.n_workers <= 2);
    usec at = time_monotonic_now();
    struct manifests_poll *p = poll_all(w);
    print_message("# poll of 1000 sources, nothing moved: %d us\n",
                  (int)(time_monotonic_now() - at));
    assert_int_equal(p->n, 0);
    manifests_poll_free(p);
    world_close(w);
}

/* Rows are the revisions of the recorded scenarios lifecycle-revision-* and lifecycle-bad-*. */
static void revisions_name_the_commits_upstream_resolves_them_to(UNUSED void **state)
{
    static struct source_ref ref[] = {
        {.name = STR_INIT("HEAD"), .commit = "1111111111111111111111111111111111111111"},
        {.name = STR_INIT("refs/heads/dev"), .commit = "2222222222222222222222222222222222222222"},
        {.name = STR_INIT("refs/heads/main"), .commit = "1111111111111111111111111111111111111111"},
        {.name = STR_INIT("refs/tags/plain"), .commit = "3333333333333333333333333333333333333333"},
        {.name = STR_INIT("refs/tags/v1.0.0"),
         .commit = "4444444444444444444444444444444444444444"},
        {.name = STR_INIT("refs/tags/v1.1.0"),
         .commit = "5555555555555555555555555555555555555555"},
        {.name = STR_INIT("refs/tags/v1.2.0-rc1"),
         .commit = "6666666666666666666666666666666666666666"},
    };
    const struct source_refs refs = {.at = ref, .n = ARRAY_LEN(ref)};
    static const struct {
        const char *revision;
        char digit; /* of the commit; 0: not found */
    } rows[] = {
        {"HEAD", '1'},
        {"", '1'},
        {"main", '1'},
        {"dev", '2'},
        {"refs/heads/dev", '2'},
        {"plain", '3'},
        {"v1.1.0", '5'},
        {"refs/tags/v1.0.0", '4'},
        {"^1.0.0", '5'},
        {"~1.0", '4'},
        {"v1.x", '5'},
        {"*", '5'},
        {">=1.2.0-0 <1.3.0", '6'},
        {">=9.0.0", 0},
        {"1.1.0", 0},
        {"no-such-branch", 0},
        {"abcdef1", 'a'},
        {"ABCDEF1", 'a'},
        {"abcdef", 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char sha[SOURCE_SHA_BYTES] = "";
        bool is_short;
        int rc = revision_resolve(&refs, str_of(rows[i].revision), sha, &is_short, &err);
        if (rc != (rows[i].digit ? 0 : -ERR_NOT_FOUND) || sha[0] != rows[i].digit)
            fail_msg("%s: %s", rows[i].revision, rc ? err.text : sha);
    }
    assert_string_equal(err.text, "unable to resolve 'abcdef' to a commit SHA: revision not found");
}

int main(int argc, char **argv)
{
    if (argc == 3 && str_is(str_of(argv[1]), JAIL_ZYGOTE_ARG))
        return render_zygote_main(argv[2][0] - '0');
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_source_is_rendered_in_the_pool),
        cmocka_unit_test(a_source_is_rendered_in_the_jail),
        cmocka_unit_test(a_source_is_rendered_where_the_kernel_has_no_landlock),
        cmocka_unit_test(errors_are_the_same_in_and_out_of_the_jail),
        cmocka_unit_test(a_repository_with_a_link_out_of_it_is_refused),
        cmocka_unit_test(a_commit_elsewhere_gives_the_same_result_under_its_own_revision),
        cmocka_unit_test(equal_questions_under_way_are_asked_once),
        cmocka_unit_test(a_source_that_keeps_failing_is_answered_from_memory),
        cmocka_unit_test(a_poll_names_the_sources_that_read_what_changed),
        cmocka_unit_test(a_file_that_is_new_in_a_folder_changes_the_sources_that_listed_it),
        cmocka_unit_test(a_thousand_sources_of_one_domain_share_its_workers),
        cmocka_unit_test(value_files_of_another_repository_are_read_and_watched),
        cmocka_unit_test(one_repository_has_one_revision_for_all_names),
        cmocka_unit_test(revisions_name_the_commits_upstream_resolves_them_to),
    };
    return cmocka_run_group_tests_name("manifests", tests, NULL, NULL);
}
