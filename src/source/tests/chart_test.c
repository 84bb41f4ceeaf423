/* chart_test.c: charts of Helm repositories and registries that a peer plays. What the real helm
 * and Argo CD make of the same peers is in tests/golden/source/charts.jsonl (chart_golden_test.c);
 * here is what they are not asked: who gets credentials, what is kept, what is shared, and peers
 * that mean harm. */
#include "net/tls.h"
#include "source/tests/chart_world.h"
#include "source/web.h"

static struct source_repo repo_at(struct world *w, const char *path)
{
    return (struct source_repo){.url = ARENA_CAT(&w->arena, STR("http://"), w->a, str_of(path)),
                                .type = STR("helm")};
}

static const char *get(struct world *w, const struct source_repo *repo, const char *version,
                       bool pass)
{
    charts_get(w->charts, repo, &(struct chart_wanted){STR("web"), str_of(version), pass}, 0,
               world_expect(w));
    world_wait(w);
    return w->answer.rc ? w->answer.err.text : NULL;
}

static size_t count_lines(struct world *w, const char *with)
{
    size_t n = 0;
    str log = world_read(w, "log"), line;
    while (str_next(&log, '\n', &line))
        n += str_has(line, str_of(with));
    return n;
}

static void versions_are_in_the_order_of_the_index(void **state)
{
    (void)state;
    struct world *w = world_open("plain");
    struct source_repo repo = repo_at(w, "/charts/");
    charts_versions(w->charts, &repo, STR("web"), 0, world_expect(w));
    world_wait(w);
    assert_int_equal(w->answer.rc, 0);
    const struct chart_versions *v = w->answer.result;
    assert_int_equal(v->n, 3);
    assert_true(str_is(v->at[0], "1.2.3") && str_is(v->at[2], "2.0.0-rc.1"));
    charts_names(w->charts, &repo, 0, world_expect(w));
    world_wait(w);
    const struct chart_names *n = w->answer.result;
    assert_int_equal(n->n, 1);
    assert_true(str_is(n->at[0].name, "web") && n->at[0].n_versions == 3);
    assert_int_equal(count_lines(w, "index.yaml"), 1); /* the second asker took the known one */
    world_close(w);
}

static void a_constraint_is_the_highest_version_that_satisfies_it(void **state)
{
    (void)state;
    static const struct {
        const char *revision, *version;
    } cases[] = {{"1.*", "1.3.0"},   {"~1.2", "1.2.3"}, {"*", "1.3.0"}, {">=1.0.0-0", "2.0.0-rc.1"},
                 {"7.7.7", "7.7.7"}, {"v1", "v1"}};
    struct world *w = world_open("plain");
    struct source_repo repo = repo_at(w, "/charts");
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        charts_resolve(w->charts, &repo, STR("web"), str_of(cases[i].revision), 0, world_expect(w));
        world_wait(w);
        assert_int_equal(w->answer.rc, 0);
        const struct chart_revision *r = w->answer.result;
        if (!str_is(r->version, cases[i].version))
            fail_msg("%s: %.*s", cases[i].revision, STR_FMT(r->version));
    }
    world_close(w);
}

static void an_archive_is_fetched_once_and_found_again_after_a_restart(void **state)
{
    (void)state;
    struct world *w = world_open("plain");
    struct source_repo repo = repo_at(w, "/charts");
    for (int i = 0; i < 3; i++)
        charts_get(w->charts, &repo, &(struct chart_wanted){STR("web"), STR("1.2.3"), false}, 0,
                   world_expect(w));
    world_wait(w);
    assert_int_equal(w->answer.rc, 0);
    struct chart_archive *x = chart_archive_ref(w->answer.result);
    struct err err;
    str bytes;
    assert_int_equal(chart_archive_read(x, &w->arena, &bytes, &err), 0);
    struct sha256 is = sha256_of(bytes);
    assert_true(bytes.len == x->bytes && sha256_eq(&is, &x->digest));
    assert_true(str_starts(bytes, STR("\x1f\x8b")));
    assert_true(str_is(x->version, "1.2.3") && !x->digest_differs);
    assert_int_equal(charts_stats(w->charts).n_joined, 2);
    world_drop(w);
    world_charts(w, (struct charts_options){0});
    assert_null(get(w, &repo, "1.2.3", false));
    assert_int_equal(count_lines(w, ".tgz"), 1);
    assert_int_equal(count_lines(w, "index.yaml"), 1);
    charts_get(w->charts, &repo, &(struct chart_wanted){STR("web"), STR("1.2.3"), false},
               CHARTS_FRESH, world_expect(w));
    world_wait(w);
    assert_int_equal(count_lines(w, ".tgz"), 2);
    chart_archive_unref(x);
    world_close(w);
}

static void a_damaged_archive_is_fetched_again(void **state)
{
    (void)state;
    struct world *w = world_open("plain");
    struct source_repo repo = repo_at(w, "/charts");
    assert_null(get(w, &repo, "1.2.3", false));
    const struct chart_archive *x = w->answer.result;
    FILE *f = fopen(arena_cstr(&w->arena, x->path), "r+");
    assert_true(f && fputc('!', f) == '!' && fclose(f) == 0);
    assert_null(get(w, &repo, "1.2.3", false));
    x = w->answer.result;
    struct err err;
    str bytes;
    assert_int_equal(chart_archive_read(x, &w->arena, &bytes, &err), 0);
    struct sha256 is = sha256_of(bytes);
    assert_true(sha256_eq(&is, &x->digest));
    assert_int_equal(count_lines(w, ".tgz"), 2);
    world_close(w);
}

static void gc_forgets_what_was_not_used(void **state)
{
    (void)state;
    struct world *w = world_open("plain");
    struct source_repo repo = repo_at(w, "/charts");
    assert_null(get(w, &repo, "1.2.3", false));
    struct chart_archive *x = chart_archive_ref(w->answer.result);
    charts_gc(w->charts, USEC_PER_HOUR, world_expect(w));
    world_wait(w);
    assert_int_equal(access(arena_cstr(&w->arena, x->path), F_OK), 0);
    charts_gc(w->charts, -USEC_PER_HOUR, world_expect(w));
    world_wait(w);
    assert_int_equal(w->answer.rc, 0);
    assert_int_not_equal(access(arena_cstr(&w->arena, x->path), F_OK), 0);
    struct err err;
    str bytes;
    assert_int_equal(chart_archive_read(x, &w->arena, &bytes, &err), 0); /* held, so still there */
    chart_archive_unref(x);
    world_close(w);
}

static void a_value_file_is_fetched_every_time(void **state)
{
    (void)state;
    struct world *w = world_open("plain");
    struct remote_wanted r = {.url =
                                  ARENA_CAT(&w->arena, STR("http://"), w->a, STR("/values.yaml"))};
    for (int i = 0; i < 2; i++) {
        remote_get(w->charts, &r, world_expect(w));
        world_wait(w);
        const struct remote_file *f = w->answer.result;
        assert_true(w->answer.rc == 0 && str_is(f->bytes, "a: 1\n"));
    }
    assert_int_equal(count_lines(w, "values.yaml"), 2);
    r.bytes_max = 4;
    remote_get(w->charts, &r, world_expect(w));
    world_wait(w);
    assert_int_equal(w->answer.rc, -ERR_TOO_LARGE);
    r.url = STR("file:///etc/passwd");
    remote_get(w->charts, &r, world_expect(w));
    world_wait(w);
    assert_int_equal(w->answer.rc, -ERR_UNSUPPORTED);
    world_close(w);
}

/* ---- credentials ---- */

#define SECRET "Basic dTpw" /* u:p */

static void credentials_go_to_the_repository_only(void **state)
{
    (void)state;
    struct world *w = world_open("guarded");
    struct source_repo repo = repo_at(w, "");
    assert_non_null(get(w, &repo, "1.0.0", false));
    assert_true(str_ends(str_of(w->answer.err.text), STR("/index.yaml : 401 Unauthorized")));
    assert_int_equal(w->answer.rc, -ERR_UNAUTHENTICATED);
    repo.username = STR("u");
    repo.password = STR("p");
    assert_null(get(w, &repo, "1.0.0", false));
    assert_null(get(w, &repo, "2.0.0", false));
    assert_null(get(w, &repo, "3.0.0", false));
    assert_int_equal(count_lines(w, "a GET /web.tgz " SECRET), 1);
    assert_int_equal(count_lines(w, "a GET /away.tgz " SECRET), 1);
    assert_int_equal(count_lines(w, "b GET /web.tgz -"), 2);
    assert_null(get(w, &repo, "2.0.0", true));
    assert_null(get(w, &repo, "3.0.0", true)); /* a redirect is never trusted */
    assert_int_equal(count_lines(w, "b GET /web.tgz " SECRET), 1);
    world_close(w);
}

/* A page of tags, a manifest and a blob that are elsewhere, at one who asks who we are. */
static void credentials_of_a_registry_stay_with_it(void **state)
{
    (void)state;
    struct world *w = world_open("registry");
    struct source_repo repo = {.url = ARENA_CAT(&w->arena, w->a, STR("/charts")),
                               .username = STR("u"),
                               .password = STR("p"),
                               .enable_oci = true,
                               .oci_force_http = true};
    assert_null(get(w, &repo, "1.0.0", false));
    assert_int_equal(count_lines(w, "b GET /blob -"), 1);
    charts_resolve(w->charts, &repo, STR("web"), STR("*"), 0, world_expect(w));
    world_wait(w);
    assert_int_equal(w->answer.rc, -ERR_UNAUTHENTICATED);
    assert_int_equal(count_lines(w, "b GET /v2/more -"), 1);
    assert_non_null(get(w, &repo, "2.0.0", false));
    assert_int_equal(w->answer.rc, -ERR_UNAUTHENTICATED);
    assert_int_equal(count_lines(w, "b GET /elsewhere -"), 1);
    assert_int_equal(count_lines(w, "a GET /v2/charts/web/manifests/2.0.0 " SECRET), 1);
    assert_int_equal(count_lines(w, "b GET"), 3); /* those three, all without credentials */
    assert_non_null(get(w, &repo, "3.0.0", false));
    assert_int_equal(count_lines(w, "b GET"), 4); /* no token was asked of a stranger */
    world_close(w);
}

/* An index may name a registry: credentials go there only when they may go anywhere. */
static void an_index_that_names_a_registry_is_followed(void **state)
{
    (void)state;
    struct world *w = world_open("registry");
    struct source_repo repo = repo_at(w, "/repo");
    repo.username = STR("u");
    repo.password = STR("p");
    repo.oci_force_http = true;
    assert_non_null(get(w, &repo, "1.0.0", false));
    assert_int_equal(count_lines(w, "b GET /v2/charts/web/manifests/1.0.0 -"), 1);
    assert_int_equal(count_lines(w, "b GET /v2/charts/web/manifests/1.0.0 " SECRET), 0);
    assert_null(get(w, &repo, "1.0.0", true));
    assert_int_equal(count_lines(w, "b GET /v2/charts/web/manifests/1.0.0 " SECRET), 1);
    world_close(w);
}

static void two_identities_share_no_archive(void **state)
{
    (void)state;
    struct world *w = world_open("guarded");
    struct source_repo repo = repo_at(w, "");
    repo.username = STR("u");
    repo.password = STR("p");
    assert_null(get(w, &repo, "1.0.0", false));
    repo.password = STR("other");
    assert_non_null(get(w, &repo, "1.0.0", false));
    assert_false(str_has(str_of(w->answer.err.text), STR("other")));
    world_close(w);
}

/* ---- TLS and proxies ---- */

static void write_file(struct world *w, const char *name, str text)
{
    FILE *f = fopen(arena_cstr(&w->arena,
                               ARENA_CAT(&w->arena, str_of(w->folder), STR("/"), str_of(name))),
                    "w");
    assert_true(f && fwrite(text.at, 1, text.len, f) == text.len && fclose(f) == 0);
}

struct identity {
    struct buf cert, key;
};

static void identity_make(struct identity *i)
{
    static const str names[] = {STR_INIT("charts.example"), STR_INIT("localhost")};
    struct err err;
    *i = (struct identity){BUF_INIT, BUF_INIT};
    assert_int_equal(tls_self_signed(names, ARRAY_LEN(names), time_wall_now(), 2, &i->cert, &i->key,
                                     &err),
                     0);
}

static void identity_done(struct identity *i)
{
    buf_done(&i->cert);
    buf_done(&i->key);
}

/* The chart is at /charts of port t; who is asked for a certificate when `asked`. */
static void serve_tls(struct world *w, const struct identity *i, bool asked)
{
    write_file(w, "cert.pem", buf_str(&i->cert));
    write_file(w, "key.pem", buf_str(&i->key));
    str rules = STR("[{\"path\":\"/charts/index.yaml\",\"body\":\"apiVersion: v1\\nentries:\\n  "
                    "web: [{name: web, version: 1.0.0, urls: [w.tgz]}]\\n\"},"
                    "{\"path\":\"/charts/w.tgz\",\"body\":\"an archive\"}]");
    str ask =
        asked ? arena_printf(&w->arena, ",\"client_ca\":\"%s/cert.pem\"", w->folder) : STR("");
    str table = arena_printf(&w->arena,
                             "{\"t\":%.*s,\"a\":[{\"path\":\"closed.example:443\",\"status\":407}],"
                             "\"tls\":{\"cert\":\"%s/cert.pem\",\"key\":\"%s/key.pem\"%.*s}}",
                             STR_FMT(rules), w->folder, w->folder, STR_FMT(ask));
    world_table(w, table.at);
}

static void certificates_decide_who_is_believed(void **state)
{
    (void)state;
    struct world *w = world_open("plain");
    struct identity host, other;
    identity_make(&host);
    identity_make(&other);
    serve_tls(w, &host, false);
    struct source_repo repo = {
        .url = arena_printf(&w->arena, "https://localhost:%d/charts", w->tls_port)};
    assert_true(str_ends(str_of(get(w, &repo, "1.0.0", false)),
                         STR("tls: failed to verify certificate: x509: certificate signed by "
                             "unknown authority")));
    assert_int_equal(w->answer.rc, -ERR_UNAUTHENTICATED);
    repo.ca_pem = buf_str(&other.cert);
    assert_non_null(get(w, &repo, "1.0.0", false));
    repo.ca_pem = buf_str(&host.cert);
    assert_null(get(w, &repo, "1.0.0", false));
    repo.ca_pem = STR("");
    repo.insecure = true;
    assert_null(get(w, &repo, "1.0.0", false));
    repo.insecure = false;
    repo.ca_pem = buf_str(&host.cert);
    repo.url = arena_printf(&w->arena, "https://127.0.0.1:%d/charts", w->tls_port);
    assert_true(str_has(str_of(get(w, &repo, "1.0.0", false)),
                        STR("x509: certificate is not valid for 127.0.0.1")));
    identity_done(&host);
    identity_done(&other);
    world_close(w);
}

static void a_client_certificate_is_shown_when_asked_for(void **state)
{
    (void)state;
    struct world *w = world_open("plain");
    struct identity i;
    identity_make(&i);
    serve_tls(w, &i, true);
    struct source_repo repo = {.url = arena_printf(&w->arena, "https://localhost:%d/charts",
                                                   w->tls_port),
                               .ca_pem = buf_str(&i.cert)};
    assert_non_null(get(w, &repo, "1.0.0", false));
    repo.tls_client_cert = buf_str(&i.cert);
    repo.tls_client_key = buf_str(&i.key);
    assert_null(get(w, &repo, "1.0.0", false));
    repo.tls_client_key = STR("not a key");
    assert_non_null(get(w, &repo, "1.0.0", false));
    assert_int_equal(w->answer.rc, -ERR_INVALID);
    identity_done(&i);
    world_close(w);
}

static void https_goes_through_the_tunnel_of_a_proxy(void **state)
{
    (void)state;
    struct world *w = world_open("plain");
    struct identity i;
    identity_make(&i);
    serve_tls(w, &i, false);
    struct source_repo repo = {.url = STR("https://charts.example/charts"),
                               .ca_pem = buf_str(&i.cert),
                               .username = STR("u"),
                               .password = STR("p"),
                               .proxy = ARENA_CAT(&w->arena, STR("http://me:word@"), w->a)};
    assert_null(get(w, &repo, "1.0.0", false));
    assert_int_equal(count_lines(w, "a CONNECT charts.example:443 - proxy Basic bWU6d29yZA=="), 2);
    assert_int_equal(count_lines(w, "t GET /charts/index.yaml " SECRET), 1);
    assert_int_equal(count_lines(w, "t GET /charts/w.tgz " SECRET), 1);
    repo.url = STR("https://closed.example/charts");
    assert_true(str_has(str_of(get(w, &repo, "1.0.0", false)),
                        STR("the proxy does not connect: 407 Proxy Authentication Required")));
    assert_false(str_has(str_of(w->answer.err.text), STR("word")));
    identity_done(&i);
    world_close(w);
}

static void http_is_asked_of_the_proxy_but_for_the_hosts_of_no_proxy(void **state)
{
    (void)state;
    struct world *w = world_open(
        "{\"a\":[{\"path\":\"/proxied/charts.example/values.yaml\",\"body\":\"a: 2\"}]}");
    struct remote_wanted r = {.url = STR("http://charts.example/values.yaml"), .proxy = w->a};
    remote_get(w->charts, &r, world_expect(w));
    world_wait(w);
    const struct remote_file *f = w->answer.result;
    assert_true(w->answer.rc == 0 && str_is(f->bytes, "a: 2"));
    r.no_proxy = STR("other.example, .example");
    remote_get(w->charts, &r, world_expect(w));
    world_wait(w);
    assert_true(w->answer.rc == -ERR_UNAVAILABLE &&
                str_has(str_of(w->answer.err.text), STR("lookup charts.example")));
    world_close(w);
}

/* What golang.org/x/net/http/httpproxy answers (recorded with it). */
static void a_proxy_is_picked_as_go_picks_it(void **state)
{
    (void)state;
    static const struct {
        const char *url, *no_proxy;
        bool proxied;
    } cases[] = {
        {"http://a.example/", "", true},
        {"http://localhost/", "", false},
        {"http://127.0.0.9/", "", false},
        {"http://[::1]/", "", false},
        {"http://a.example/", "example", false},
        {"http://example/", "example", false},
        {"http://example/", ".example", true},
        {"http://a.example/", ".example", false},
        {"http://a.example/", "*.example", false},
        {"http://anexample/", "example", true},
        {"http://a.example/", "*", false},
        {"http://a.example:8080/", "a.example:8080", false},
        {"http://a.example:8081/", "a.example:8080", true},
        {"https://a.example/", "a.example:443", false},
        {"http://10.1.2.3/", "10.0.0.0/8", false},
        {"http://11.1.2.3/", "10.0.0.0/8", true},
        {"http://10.1.2.3/", "10.1.2.3", false},
        {"http://10.1.2.3:81/", "10.1.2.3:80", true},
        {"http://[fd00::1]/", "fd00::/8", false},
        {"http://A.Example/", "a.example", false},
    };
    struct arena a;
    struct err err;
    arena_init(&a, 1 << 20);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct url u;
        assert_int_equal(url_parse(str_of(cases[i].url), &u, &err), 0);
        str proxy = web_proxy_for(&a, &u, STR("proxy:3128"), str_of(cases[i].no_proxy));
        if (!str_is(proxy, cases[i].proxied ? "http://proxy:3128" : ""))
            fail_msg("%s, %s: '%.*s'", cases[i].url, cases[i].no_proxy, STR_FMT(proxy));
    }
    arena_done(&a);
}

/* ---- harm ---- */

static void harm_ends_in_a_clear_error_in_time(void **state)
{
    (void)state;
    static const struct {
        const char *path, *version;
        int kind;
        const char *text;
    } cases[] = {
        {"/loop", "1.0.0", ERR_INVALID, "stopped after 10 redirects"},
        {"/endless", "1.0.0", ERR_TOO_LARGE, "the answer is larger than 1048576 bytes"},
        {"/slow", "1.0.0", ERR_TIMEOUT, "context deadline exceeded"},
        {"/silent", "1.0.0", ERR_TIMEOUT, "context deadline exceeded"},
        {"/cut", "1.0.0", ERR_UNAVAILABLE, "unexpected EOF"},
        {"/noise", "1.0.0", ERR_INVALID, "malformed HTTP response"},
        {"/big", "1.0.0", ERR_TOO_LARGE, "the answer is larger than 1048576 bytes"},
        {"/to-file", "1.0.0", ERR_UNSUPPORTED, "unsupported protocol scheme \"file\""},
        {"/evil", "1.0.0", ERR_INVALID, "repo  not found"},
        {"/evil", "2.0.0", ERR_NOT_FOUND, "/x.tgz : 404 Not Found"},
        {"/evil", "3.0.0", ERR_UNSUPPORTED, "scheme \"gopher\" not supported"},
        {"/evil", "4.0.0", ERR_INVALID, "parse"},
        {"/evil", "5.0.0", ERR_INVALID, "has no downloadable URLs"},
        {"/evil", "6.0.0", ERR_NOT_FOUND, "version \"6.0.0\" not found in"},
        {"/bomb", "1.0.0", ERR_INVALID, "excessive aliasing"},
    };
    struct world *w = world_open("harmful");
    world_charts(w, (struct charts_options){.timeout_us = USEC_PER_SEC,
                                            .index_bytes_max = (size_t)1 << 20});
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct source_repo repo = repo_at(w, cases[i].path);
        const char *text = get(w, &repo, cases[i].version, false);
        if (!text || w->answer.rc != -cases[i].kind ||
            !str_has(str_of(text), str_of(cases[i].text)))
            fail_msg("%s %s: %d %s", cases[i].path, cases[i].version, w->answer.rc, text);
    }
    world_close(w);
}

static void the_end_of_charts_answers_everybody(void **state)
{
    (void)state;
    struct world *w = world_open("harmful");
    struct source_repo repo = repo_at(w, "/silent"), other = repo_at(w, "/slow");
    for (int i = 0; i < 4; i++)
        charts_get(w->charts, i & 1 ? &repo : &other,
                   &(struct chart_wanted){STR("web"), i & 2 ? STR("1.0.0") : STR("2.0.0"), false},
                   0, world_expect(w));
    charts_resolve(w->charts, &repo, STR("web"), STR("*"), 0, world_expect(w));
    struct timer stop;
    timer_init(&stop, w->loop, (void (*)(void *))loop_stop, w->loop);
    timer_arm_in(&stop, 200 * USEC_PER_MS);
    loop_run(w->loop);
    charts_free(w->charts);
    w->charts = NULL;
    world_wait(w);
    assert_int_equal(w->answer.rc, -ERR_CANCELED);
    world_close(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(versions_are_in_the_order_of_the_index),
        cmocka_unit_test(a_constraint_is_the_highest_version_that_satisfies_it),
        cmocka_unit_test(an_archive_is_fetched_once_and_found_again_after_a_restart),
        cmocka_unit_test(a_damaged_archive_is_fetched_again),
        cmocka_unit_test(gc_forgets_what_was_not_used),
        cmocka_unit_test(a_value_file_is_fetched_every_time),
        cmocka_unit_test(credentials_go_to_the_repository_only),
        cmocka_unit_test(credentials_of_a_registry_stay_with_it),
        cmocka_unit_test(an_index_that_names_a_registry_is_followed),
        cmocka_unit_test(two_identities_share_no_archive),
        cmocka_unit_test(certificates_decide_who_is_believed),
        cmocka_unit_test(a_client_certificate_is_shown_when_asked_for),
        cmocka_unit_test(https_goes_through_the_tunnel_of_a_proxy),
        cmocka_unit_test(http_is_asked_of_the_proxy_but_for_the_hosts_of_no_proxy),
        cmocka_unit_test(a_proxy_is_picked_as_go_picks_it),
        cmocka_unit_test(harm_ends_in_a_clear_error_in_time),
        cmocka_unit_test(the_end_of_charts_answers_everybody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
