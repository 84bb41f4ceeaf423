/* source_test.c: repositories made by the real git, reached as users reach them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <fcntl.h>

#include "files/tests/git_fixture.h"
#include "source/git_run.h"
#include "source/refs.h"
#include "source/source.h"
#include "source/store.h"
#include "source/tests/git_http_server.h"

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
    struct source *source;
    struct arena arena;
    char url[PATH_MAX];
    char cache[PATH_MAX];
    struct answer answer; /* the last one, result kept */
    unsigned n_answers, n_wanted;
};

static void world_source(struct world *w, usec timeout_us)
{
    struct source_options o = {.cache_dir = str_of(w->cache),
                               .refs_timeout_us = timeout_us,
                               .fetch_timeout_us = timeout_us};
    assert_ok(source_new(w->loop, w->pool, &o, &w->source, &err));
}

static struct world *world_open(void)
{
    struct world *w = calloc(1, sizeof(*w));
    fixture_open(&w->git);
    fixture_work_tree(&w->git, w->url);
    snprintf(w->cache, sizeof(w->cache), "%s/cache", w->git.folder);
    arena_init(&w->arena, ARENA_BYTES_DEFAULT);
    w->loop = loop_new(EVENT_UV, 0);
    w->pool = pool_new(NULL, 4);
    world_source(w, 20 * USEC_PER_SEC);
    return w;
}

static void world_close(struct world *w)
{
    source_free(w->source);
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
    return call_open(w->loop, 30 * USEC_PER_SEC, take_answer, w);
}

static void wait_answers(struct world *w)
{
    if (w->n_answers < w->n_wanted)
        loop_run(w->loop);
    assert_int_equal(w->n_answers, w->n_wanted);
}

static struct source_repo repo_at(const char *url)
{
    return (struct source_repo){.url = str_of(url)};
}

static struct source_refs *refs_of(struct world *w, struct source_repo repo)
{
    source_refs_get(w->source, &repo, 0, expect(w));
    wait_answers(w);
    if (w->answer.rc)
        fail_msg("%s", w->answer.err.text);
    return w->answer.result;
}

static const struct source_ref *ref_named(const struct source_refs *r, const char *name)
{
    for (size_t i = 0; i < r->n; i++)
        if (str_is(r->at[i].name, name))
            return &r->at[i];
    return NULL;
}

static void fill(struct world *w, char commit[41])
{
    fixture_write(&w->git, "app/cm.yaml", "kind: ConfigMap\n");
    fixture_commit(&w->git, commit, NULL);
    fixture_must(FIXTURE_RUN(w->url, NULL, 0, "git", "tag", "-a", "-m", "one", "v1.0.0"));
    fixture_must(FIXTURE_RUN(w->url, NULL, 0, "git", "branch", "dev"));
}

static void a_repository_read_in_place_answers_what_ls_remote_does(UNUSED void **state)
{
    struct world *w = world_open();
    char commit[41];
    fill(w, commit);
    struct source_refs *here = refs_of(w, repo_at(w->url));
    assert_string_equal(ref_named(here, "HEAD")->commit, commit);
    assert_true(str_is(ref_named(here, "HEAD")->target, "refs/heads/main"));
    assert_string_equal(ref_named(here, "refs/heads/dev")->sha, commit);
    assert_string_equal(ref_named(here, "refs/tags/v1.0.0")->commit, commit);
    assert_string_not_equal(ref_named(here, "refs/tags/v1.0.0")->sha, commit);
    /* The same through the real program. */
    CLEANUP(buf_done) struct buf out, complaint;
    buf_init(&out, 1 << 20);
    buf_init(&complaint, 1 << 20);
    struct source_repo repo = repo_at(w->url);
    struct git_run g = {.private_dir = str_of(w->git.folder),
                        .repo = &repo,
                        .timeout_us = 20 * USEC_PER_SEC,
                        .arg = {"ls-remote", "--symref", "--quiet", "--", w->url}};
    int exit_code = -1;
    assert_ok(git_run(&g, &out, &complaint, &exit_code, &err));
    assert_int_equal(exit_code, 0);
    struct source_refs *asked = NULL;
    assert_ok(refs_parse(buf_str(&out), &asked, &err));
    assert_true(sha256_eq(&here->digest, &asked->digest));
    source_refs_unref(here);
    source_refs_unref(asked);
    world_close(w);
}

static void questions_under_way_are_asked_once(UNUSED void **state)
{
    struct world *w = world_open();
    char commit[41];
    fill(w, commit);
    struct source_repo repo = repo_at(w->url);
    for (int i = 0; i < 50; i++) {
        struct call c = expect(w);
        source_refs_get(w->source, &repo, 0, c);
        source_commit_get(w->source, &repo, str_of(commit), expect(w));
    }
    loop_run(w->loop);
    assert_int_equal(w->n_answers, 100);
    assert_int_equal(source_stats(w->source).n_ls_refs, 1);
    assert_int_equal(source_stats(w->source).n_fetches, 1);
    drop_answer(w);
    world_close(w);
}

static struct source_lease *lease_of(struct world *w, struct source_repo repo, const char *sha)
{
    source_commit_get(w->source, &repo, str_of(sha), expect(w));
    wait_answers(w);
    return w->answer.rc ? NULL : w->answer.result;
}

static void a_commit_is_brought_and_its_tree_read_without_a_checkout(UNUSED void **state)
{
    struct world *w = world_open();
    char commit[41], tree[41];
    fixture_write(&w->git, "app/cm.yaml", "kind: ConfigMap\n");
    fixture_commit(&w->git, commit, tree);
    struct source_lease *l = lease_of(w, repo_at(w->url), commit);
    assert_non_null(l);
    assert_string_equal(l->commit->sha, commit);
    assert_string_equal(l->commit->tree, tree);
    assert_true(str_is(l->commit->author, "Dev <dev@example.com>"));
    assert_true(str_is(l->commit->message, "commit 1"));
    assert_int_equal(l->escaping_link.len, 0);
    CLEANUP(files_closep) struct files *f = NULL;
    str text;
    assert_ok(source_lease_open(l, &f, &err));
    assert_ok(files_read(f, STR("app/cm.yaml"), 0, &w->arena, &text, &err));
    assert_true(str_is(text, "kind: ConfigMap\n"));
    source_lease_unref(l);
    world_close(w);
}

static void a_commit_brought_once_needs_no_network_after_a_restart(UNUSED void **state)
{
    struct world *w = world_open();
    char commit[41], moved[PATH_MAX + 8];
    fill(w, commit);
    source_lease_unref(lease_of(w, repo_at(w->url), commit));
    source_free(w->source);
    world_source(w, 20 * USEC_PER_SEC);
    snprintf(moved, sizeof(moved), "%s-away", w->url);
    assert_int_equal(rename(w->url, moved), 0);
    struct source_lease *l = lease_of(w, repo_at(w->url), commit);
    assert_non_null(l);
    assert_int_equal(source_stats(w->source).n_fetches, 0);
    source_lease_unref(l);
    world_close(w);
}

/* What `git fetch` leaves when it is killed: "Unable to create '.../shallow.lock': File exists." */
static void a_lock_that_a_killed_process_left_does_not_stop_the_next_fetch(UNUSED void **state)
{
    struct world *w = world_open();
    char first[41], second[41], command[PATH_MAX * 2];
    fill(w, first);
    source_lease_unref(lease_of(w, repo_at(w->url), first));
    fixture_write(&w->git, "app/cm.yaml", "kind: Secret\n");
    fixture_commit(&w->git, second, NULL);
    snprintf(command, sizeof(command),
             "for d in '%s'/*/*/objects; do touch \"${d%%/objects}/shallow.lock\" && echo made; "
             "done | grep -q made",
             w->cache);
    fixture_must(FIXTURE_RUN("/", NULL, 0, "sh", "-c", command));
    struct source_lease *l = lease_of(w, repo_at(w->url), second);
    if (!l)
        fail_msg("%s", w->answer.err.text);
    source_lease_unref(l);
    world_close(w);
}

static void other_credentials_do_not_see_a_commit_that_is_already_here(UNUSED void **state)
{
    struct world *w = world_open();
    char commit[41], moved[PATH_MAX + 8];
    fill(w, commit);
    struct source_repo mine = repo_at(w->url), theirs = repo_at(w->url);
    mine.password = STR("secret");
    source_lease_unref(lease_of(w, mine, commit));
    snprintf(moved, sizeof(moved), "%s-away", w->url);
    assert_int_equal(rename(w->url, moved), 0);
    assert_null(lease_of(w, theirs, commit));
    world_close(w);
}

static void a_short_id_is_found_in_the_history(UNUSED void **state)
{
    struct world *w = world_open();
    char first[41], second[41];
    fill(w, first);
    fixture_write(&w->git, "x", "x");
    fixture_commit(&w->git, second, NULL);
    first[7] = 0;
    struct source_lease *l = lease_of(w, repo_at(w->url), first);
    assert_non_null(l);
    assert_memory_equal(l->commit->sha, first, 7);
    source_lease_unref(l);
    world_close(w);
}

/* lifecycle-bad-short-sha of the recordings. */
static void a_commit_that_does_not_exist_is_told_in_upstreams_words(UNUSED void **state)
{
    struct world *w = world_open();
    char commit[41];
    fill(w, commit);
    assert_null(lease_of(w, repo_at(w->url), "abcdef1"));
    assert_int_equal(w->answer.rc, -ERR_NOT_FOUND);
    assert_string_equal(
        w->answer.err.text,
        "failed to initialize repository resources: rpc error: code = Internal desc = Failed to "
        "checkout revision abcdef1: `git fetch origin abcdef1 --tags --force --prune` failed exit "
        "status 128: fatal: couldn't find remote ref abcdef1");
    assert_null(lease_of(w, repo_at(w->url), "1234567890123456789012345678901234567890"));
    assert_int_equal(w->answer.rc, -ERR_NOT_FOUND);
    world_close(w);
}

static void a_repository_that_cannot_be_asked_is_told_in_upstreams_words(UNUSED void **state)
{
    struct world *w = world_open(); /* empty: no commit yet */
    static const struct {
        const char *url;
        int kind;
        const char *text;
    } rows[] = {
        {"/nonexistent/x.git", ERR_NOT_FOUND, "failed to list refs: repository not found"},
        {"", ERR_NOT_FOUND, "failed to list refs: repository not found"},
        {"nonsense", ERR_NOT_FOUND, "failed to list refs: repository not found"},
        {"ext::sh -c true", ERR_INVALID,
         "failed to list refs: repository URL 'ext::sh -c true' is of a form that is not allowed"},
        {"--upload-pack=x", ERR_INVALID,
         "failed to list refs: repository URL '--upload-pack=x' is of a form that is not allowed"},
        {"http://127.0.0.1:1/x.git", ERR_UNAVAILABLE,
         "failed to list refs: Get \"http://127.0.0.1:1/x.git/info/refs?service=git-upload-pack\": "
         "dial tcp "
         "127.0.0.1:1: connect: connection refused"},
        {"https://user:pw@127.0.0.1:1/x.git", ERR_UNAVAILABLE,
         "failed to list refs: Get "
         "\"https://127.0.0.1:1/x.git/info/refs?service=git-upload-pack\": dial tcp "
         "127.0.0.1:1: connect: connection refused"},
        {NULL, ERR_NOT_FOUND, "failed to list refs: remote repository is empty"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct source_repo repo = repo_at(rows[i].url ? rows[i].url : w->url);
        source_refs_get(w->source, &repo, 0, expect(w));
        wait_answers(w);
        assert_string_equal(w->answer.err.text, rows[i].text);
        assert_int_equal(w->answer.rc, -rows[i].kind);
    }
    world_close(w);
}

static void a_link_that_leaves_the_tree_is_known_with_the_commit(UNUSED void **state)
{
    struct world *w = world_open();
    char good[41], bad[41], fixed[41];
    fixture_write(&w->git, "app/cm.yaml", "x");
    fixture_link(&w->git, "app/in", "cm.yaml");
    fixture_commit(&w->git, good, NULL);
    fixture_link(&w->git, "app/out.yaml", "../../../etc/passwd");
    fixture_commit(&w->git, bad, NULL);
    fixture_remove(&w->git, "app/out.yaml");
    fixture_commit(&w->git, fixed, NULL);
    const struct {
        const char *sha, *link;
    } rows[] = {{good, ""}, {bad, "app/out.yaml"}, {fixed, ""}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct source_lease *l = lease_of(w, repo_at(w->url), rows[i].sha);
        assert_non_null(l);
        assert_string_equal(arena_cstr(&w->arena, l->escaping_link), rows[i].link);
        source_lease_unref(l);
    }
    world_close(w);
}

static void gc_never_takes_a_leased_commit_away(UNUSED void **state)
{
    struct world *w = world_open();
    char commit[41];
    fill(w, commit);
    struct source_lease *l = lease_of(w, repo_at(w->url), commit);
    assert_non_null(l);
    source_gc(w->source, 0, expect(w)); /* unused for 0 us: everything goes */
    wait_answers(w);
    CLEANUP(files_closep) struct files *f = NULL;
    str text;
    assert_ok(source_lease_open(l, &f, &err));
    assert_ok(files_read(f, STR("app/cm.yaml"), 0, &w->arena, &text, &err));
    char objects[PATH_MAX];
    snprintf(objects, sizeof(objects), "%.*s", STR_FMT(l->objects_dir));
    files_close(TAKE(f));
    source_lease_unref(l);
    assert_int_not_equal(access(objects, F_OK), 0); /* the last lease took the folder along */
    world_close(w);
}

static void a_git_that_hangs_is_killed_at_the_deadline(UNUSED void **state)
{
    struct world *w = world_open();
    char script[PATH_MAX];
    snprintf(script, sizeof(script), "%s/git", w->git.folder);
    FILE *f = fopen(script, "w");
    fputs("#!/bin/sh\nsleep 15 &\nsleep 15\n", f);
    fclose(f);
    chmod(script, 0755);
    CLEANUP(buf_done) struct buf out = BUF_INIT, complaint = BUF_INIT;
    struct source_repo repo = repo_at("/x");
    struct git_run g = {.git = str_of(script),
                        .private_dir = str_of(w->git.folder),
                        .repo = &repo,
                        .timeout_us = 200 * USEC_PER_MS};
    int exit_code;
    usec start = time_monotonic_now();
    assert_int_equal(git_run(&g, &out, &complaint, &exit_code, &err), -ERR_TIMEOUT);
    assert_true(time_monotonic_now() - start < 5 * USEC_PER_SEC);
    world_close(w);
}

/* The program sees no password: not in its arguments, not in its environment. */
static void a_password_is_neither_argument_nor_environment(UNUSED void **state)
{
    struct world *w = world_open();
    char script[PATH_MAX];
    snprintf(script, sizeof(script), "%s/git", w->git.folder);
    FILE *f = fopen(script, "w");
    fputs("#!/bin/sh\necho \"$@\"; env; grep -q sEcr3t /proc/self/fd/21 && echo by-descriptor\n",
          f);
    fclose(f);
    chmod(script, 0755);
    CLEANUP(buf_done) struct buf out = BUF_INIT, complaint = BUF_INIT;
    struct source_repo repo = repo_at("https://example.com/x.git");
    repo.username = STR("joe");
    repo.password = STR("sEcr3t");
    struct git_run g = {.git = str_of(script),
                        .private_dir = str_of(w->git.folder),
                        .repo = &repo,
                        .timeout_us = 20 * USEC_PER_SEC,
                        .arg = {"ls-remote"}};
    int exit_code;
    assert_ok(git_run(&g, &out, &complaint, &exit_code, &err));
    assert_non_null(strstr(out.at, "ls-remote"));
    assert_null(strstr(out.at, "sEcr3t"));
    assert_non_null(strstr(out.at, "by-descriptor"));
    world_close(w);
}

/* A busy process has any number of descriptors open: ours may be born with the very numbers that
 * git is to see. */
static void git_gets_its_files_whatever_numbers_are_free(UNUSED void **state)
{
    struct world *w = world_open();
    char script[PATH_MAX];
    snprintf(script, sizeof(script), "%s/git", w->git.folder);
    FILE *f = fopen(script, "w");
    fputs("#!/bin/sh\ngrep -q helper /proc/self/fd/20 && grep -q username=joe /proc/self/fd/21 &&\n"
          "grep -q authority /proc/self/fd/22 && echo all\n",
          f);
    fclose(f);
    chmod(script, 0755);
    struct source_repo repo = repo_at("https://example.com/x.git");
    repo.username = STR("joe");
    repo.password = STR("sEcr3t");
    repo.ca_pem = STR("authority");
    const struct git_run g = {.git = str_of(script),
                              .private_dir = str_of(w->git.folder),
                              .repo = &repo,
                              .timeout_us = 20 * USEC_PER_SEC,
                              .arg = {"ls-remote"}};
    int filler[64], n = 0;
    do {
        CLEANUP(buf_done) struct buf out = BUF_INIT, complaint = BUF_INIT;
        int exit_code;
        assert_ok(git_run(&g, &out, &complaint, &exit_code, &err));
        if (!out.at || !strstr(out.at, "all"))
            fail_msg("with %d descriptors more git does not see its files", n);
        filler[n] = open("/dev/null", O_RDONLY | O_CLOEXEC);
        assert_true(filler[n] >= 0);
    } while (filler[n++] < 30);
    while (n > 0)
        close(filler[--n]);
    world_close(w);
}

static void an_authentication_method_that_is_not_served_is_said_so(UNUSED void **state)
{
    struct world *w = world_open();
    struct source_repo repo = repo_at("https://example.com/x.git");
    repo.unsupported = STR("githubAppPrivateKey");
    source_refs_get(w->source, &repo, 0, expect(w));
    wait_answers(w);
    assert_int_equal(w->answer.rc, -ERR_UNSUPPORTED);
    assert_string_equal(
        w->answer.err.text,
        "failed to list refs: repository option githubAppPrivateKey is not supported");
    world_close(w);
}

static void urls_are_compared_in_argo_cds_normal_form(UNUSED void **state)
{
    struct arena a;
    arena_init(&a, 1 << 20);
    static const struct {
        const char *url, *normal;
    } rows[] = {
        /* Rows of Argo CD's own table (util/git: TestNormalizeGitURL and friends). */
        {"ssh://git@GITHUB.com/argoproj/test", "git@github.com/argoproj/test"},
        {"ssh://git@GITHUB.com/argoproj/test.git", "git@github.com/argoproj/test"},
        {"git@GITHUB.com:argoproj/test", "git@github.com/argoproj/test"},
        {"git@GITHUB.com:argoproj/test.git", "git@github.com/argoproj/test"},
        {"https://GITHUB.com/argoproj/test.git", "https://github.com/argoproj/test"},
        {"https://github.com/TEST/TEST.git/", "https://github.com/test/test"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_string_equal(arena_cstr(&a, source_url_normal(&a, str_of(rows[i].url))),
                            rows[i].normal);
    arena_done(&a);
}

static void a_cache_folder_serves_one_process(UNUSED void **state)
{
    struct world *w = world_open();
    struct source *second = NULL;
    struct source_options o = {.cache_dir = str_of(w->cache)};
    assert_int_equal(source_new(w->loop, w->pool, &o, &second, &err), -ERR_BUSY);
    world_close(w);
}

/* The whole way over HTTP: ls-refs, fetch, and the password that only the descriptor carries. */
static void a_repository_behind_a_password_is_reached_over_http(UNUSED void **state)
{
    struct world *w = world_open();
    struct git_http_server server;
    char commit[41], url[128];
    fill(w, commit);
    git_http_open(&server, w->git.folder, "Basic am9lOnNFY3IzdA=="); /* joe:sEcr3t */
    snprintf(url, sizeof(url), "http://127.0.0.1:%d/w/.git", server.port);
    struct source_repo repo = repo_at(url);
    source_refs_get(w->source, &repo, 0, expect(w));
    wait_answers(w);
    assert_int_equal(w->answer.rc, -ERR_UNAUTHENTICATED);
    assert_string_equal(w->answer.err.text, "failed to list refs: authentication required");
    repo.username = STR("joe");
    repo.password = STR("wrong");
    source_refs_get(w->source, &repo, 0, expect(w));
    wait_answers(w);
    assert_int_equal(w->answer.rc, -ERR_UNAUTHENTICATED);
    repo.password = STR("sEcr3t");
    struct source_refs *refs = refs_of(w, repo);
    assert_string_equal(ref_named(refs, "refs/heads/main")->commit, commit);
    source_refs_unref(refs);
    struct source_lease *l = lease_of(w, repo, commit);
    if (!l) {
        fail_msg("%s", w->answer.err.text);
        return;
    }
    assert_string_equal(l->commit->sha, commit);
    source_lease_unref(l);
    /* The same in the URL itself. */
    snprintf(url, sizeof(url), "http://joe:sEcr3t@127.0.0.1:%d/w/.git", server.port);
    refs = refs_of(w, repo_at(url));
    source_refs_unref(refs);
    git_http_close(&server);
    world_close(w);
}

static void http_errors_are_told_in_upstreams_words(UNUSED void **state)
{
    static const struct {
        int status, kind;
        const char *text;
    } rows[] = {
        {403, ERR_FORBIDDEN, "failed to list refs: authorization failed"},
        {404, ERR_NOT_FOUND, "failed to list refs: repository not found"},
        {503, ERR_UNAVAILABLE, "status code: 503"},
    };
    struct world *w = world_open();
    struct git_http_server server;
    git_http_open(&server, w->git.folder, NULL);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char url[128];
        snprintf(url, sizeof(url), "http://127.0.0.1:%d/status/%d/x.git", server.port,
                 rows[i].status);
        struct source_repo repo = repo_at(url);
        source_refs_get(w->source, &repo, 0, expect(w));
        wait_answers(w);
        assert_non_null(strstr(w->answer.err.text, rows[i].text));
        assert_int_equal(w->answer.rc, -rows[i].kind);
    }
    git_http_close(&server);
    world_close(w);
}

static void a_rewritten_repository_holds_what_was_kept_and_reads_alike(UNUSED void **state)
{
    struct world *w = world_open();
    char commit[41], dir[PATH_MAX], private_dir[PATH_MAX];
    fill(w, commit);
    snprintf(dir, sizeof(dir), "%.200s/gen", w->git.folder);
    snprintf(private_dir, sizeof(private_dir), "%.200s/private", w->git.folder);
    mkdir(private_dir, 0700);
    struct store_options o = {.private_dir = str_of(private_dir), .timeout_us = 20 * USEC_PER_SEC};
    struct source_repo repo = repo_at(w->url);
    struct generation *old = NULL, *fresh = NULL;
    struct source_lease *l = NULL, *again = NULL;
    bool fetched;
    assert_ok(generation_open(str_of(dir), &old, &err));
    struct commit_request r = {&o, &repo, old, str_of(commit), NULL};
    assert_ok(store_get_commit(&r, &l, &fetched, &err));
    assert_true(fetched);
    const str keep[] = {str_of(commit)};
    assert_ok(store_rewrite(&o, old, keep, 1, &fresh, &err));
    repo.url = STR("/nonexistent");
    r.generation = fresh;
    assert_ok(store_get_commit(&r, &again, &fetched, &err));
    assert_false(fetched);
    assert_string_equal(again->commit->tree, l->commit->tree);
    assert_false(generation_wants_rewrite(fresh));
    /* Opening the folder again finds the newest. */
    source_lease_unref(l);
    source_lease_unref(again);
    uint64_t number = fresh->number;
    generation_unref(old);
    generation_unref(fresh);
    assert_ok(generation_open(str_of(dir), &fresh, &err));
    assert_int_equal(fresh->number, number);
    generation_unref(fresh);
    world_close(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_repository_read_in_place_answers_what_ls_remote_does),
        cmocka_unit_test(questions_under_way_are_asked_once),
        cmocka_unit_test(a_commit_is_brought_and_its_tree_read_without_a_checkout),
        cmocka_unit_test(a_commit_brought_once_needs_no_network_after_a_restart),
        cmocka_unit_test(a_lock_that_a_killed_process_left_does_not_stop_the_next_fetch),
        cmocka_unit_test(other_credentials_do_not_see_a_commit_that_is_already_here),
        cmocka_unit_test(a_short_id_is_found_in_the_history),
        cmocka_unit_test(a_commit_that_does_not_exist_is_told_in_upstreams_words),
        cmocka_unit_test(a_repository_that_cannot_be_asked_is_told_in_upstreams_words),
        cmocka_unit_test(a_link_that_leaves_the_tree_is_known_with_the_commit),
        cmocka_unit_test(gc_never_takes_a_leased_commit_away),
        cmocka_unit_test(a_git_that_hangs_is_killed_at_the_deadline),
        cmocka_unit_test(a_password_is_neither_argument_nor_environment),
        cmocka_unit_test(git_gets_its_files_whatever_numbers_are_free),
        cmocka_unit_test(an_authentication_method_that_is_not_served_is_said_so),
        cmocka_unit_test(urls_are_compared_in_argo_cds_normal_form),
        cmocka_unit_test(a_cache_folder_serves_one_process),
        cmocka_unit_test(a_repository_behind_a_password_is_reached_over_http),
        cmocka_unit_test(http_errors_are_told_in_upstreams_words),
        cmocka_unit_test(a_rewritten_repository_holds_what_was_kept_and_reads_alike),
    };
    return cmocka_run_group_tests_name("source", tests, NULL, NULL);
}
