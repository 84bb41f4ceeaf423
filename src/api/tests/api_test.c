/* api/tests/api_test.c: requests as bytes through the server into the api, its informers fed by
 * cluster/'s fake server, under the virtual clock. Expected answers are those recorded from Argo
 * CD 3.6. */
#include <crypt.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "api/api.h"
#include "base/digest.h"
#include "cluster/tests/fake_server.h"
#include "net/server_impl.h"

enum { APPLICATION, SECRET, CONFIG_MAP, PROJECT };

struct stage {
    struct loop *loop;
    struct fake *fake;
    struct cluster_client *client;
    struct pool *pool;
    struct appcache *results;
    struct api *api;
    struct http_server *server;
    struct buf out;
    struct conn *conn; /* of the last request */
    int status;
    struct arena arena;
};

static void sink(void *arg, str bytes) { buf_add(&((struct stage *)arg)->out, bytes); }

static void run(struct stage *s, usec t) { loop_run_sim(s->loop, loop_now(s->loop) + t, 10000000); }

static const char *b64(struct stage *s, const char *text)
{
    return arena_cstr(&s->arena, base64_str(&s->arena, str_of(text)));
}

static const char *hash(struct stage *s, const char *password)
{
    struct crypt_data *scratch = ARENA_NEW(&s->arena, struct crypt_data);
    char *salt = crypt_gensalt_ra("$2a$", 4, NULL, 0);
    const char *made = arena_cstr(&s->arena, str_of(crypt_r(password, salt, scratch)));
    free(salt);
    return b64(s, made);
}

static void put_settings(struct stage *s, const char *admin_password)
{
    fake_put(s->fake, CONFIG_MAP,
             "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"argocd-cm\","
             "\"namespace\":\"argocd\"},\"data\":{\"accounts.alice\":\"apiKey, login\","
             "\"accounts.robot\":\"apiKey\"}}");
    fake_put(s->fake, CONFIG_MAP,
             "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"argocd-rbac-"
             "cm\",\"namespace\":\"argocd\"},\"data\":{\"policy.csv\":\"p, role:viewer, "
             "applications, get, */*, allow\\ng, alice, role:viewer\\n\"}}");
    str secret =
        arena_printf(&s->arena,
                     "{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"metadata\":{\"name\":"
                     "\"argocd-secret\",\"namespace\":\"argocd\"},\"data\":{\"server."
                     "secretkey\":\"%s\",\"admin.password\":\"%s\",\"accounts.alice."
                     "password\":\"%s\"}}",
                     b64(s, "the signing key"), hash(s, admin_password), hash(s, "Al1ce-pass"));
    fake_put(s->fake, SECRET, secret.at);
}

static void nobody_asks(void *arg, const struct http_request *req, struct http_reply r)
{
    api_handle(((struct stage *)arg)->api, req, r);
}

static struct stage *stage(void)
{
    struct stage *s = calloc(1, sizeof(*s));
    struct err err;
    arena_init(&s->arena, 1 << 26);
    buf_init(&s->out, 1 << 26);
    s->loop = loop_new(EVENT_SIM, 11);
    s->fake = fake_new(s->loop);
    fake_add_kind(s->fake, "argoproj.io", "v1alpha1", "Application", "applications", true);
    fake_add_kind(s->fake, "", "v1", "Secret", "secrets", true);
    fake_add_kind(s->fake, "", "v1", "ConfigMap", "configmaps", true);
    fake_add_kind(s->fake, "argoproj.io", "v1alpha1", "AppProject", "appprojects", true);
    s->client = fake_client(s->fake);
    s->pool = pool_new(s->loop, 1);
    s->results = appcache_new(s->loop);
    put_settings(s, "Adm1n-pass");
    fake_put(s->fake, APPLICATION,
             "{\"apiVersion\":\"argoproj.io/v1alpha1\",\"kind\":\"Application\",\"metadata\":{"
             "\"name\":\"shop\",\"namespace\":\"argocd\"},\"spec\":{\"project\":\"default\"}}");
    const struct api_config config = {.loop = s->loop,
                                      .pool = s->pool,
                                      .home = s->client,
                                      .results = s->results,
                                      .namespace = STR("argocd"),
                                      .version = STR("v3.6.0")};
    s->api = api_new(&config);
    const struct http_server_config server = {.handler = nobody_asks, .arg = s};
    assert_int_equal(http_server_open(s->loop, &server, &s->server, &err), 0);
    run(s, 5 * USEC_PER_SEC);
    return s;
}

static void done(struct stage *s)
{
    api_close(s->api);
    http_server_stop(s->server, 0, NULL, NULL);
    run(s, 300 * USEC_PER_SEC);
    api_free(s->api);
    appcache_free(s->results);
    run(s, USEC_PER_SEC);
    cluster_client_free(s->client);
    pool_free(s->pool);
    fake_free(s->fake);
    loop_free(s->loop);
    buf_done(&s->out);
    arena_done(&s->arena);
    free(s);
}

/* One request on a connection of its own; the body of the answer. */
static const char *ask(struct stage *s, const char *method, const char *target, const char *token,
                       const char *body)
{
    CLEANUP(buf_done) struct buf in = BUF_INIT;
    struct conn *c = conn_new_memory(s->loop, &server_conn_ops, NULL);
    c->sink = sink;
    c->sink_arg = s;
    c->owner = server_conn_new(s->server, c);
    buf_reset(&s->out);
    buf_printf(&in, "%s %s HTTP/1.1\r\nHost: a\r\n", method, target);
    if (token)
        buf_printf(&in, "Authorization: Bearer %s\r\n", token);
    if (body)
        buf_printf(&in, "Content-Type: application/json\r\nContent-Length: %zu\r\n", strlen(body));
    buf_printf(&in, "Connection: close\r\n\r\n%s", body ? body : "");
    s->conn = c;
    conn_feed(c, buf_str(&in));
    run(s, 3 * USEC_PER_SEC);
    int64_t status = 0;
    str answer = buf_str(&s->out);
    str_to_i64(str_sub(answer, 9, 3), &status);
    s->status = (int)status;
    ptrdiff_t at = str_find(answer, STR("\r\n\r\n"));
    return at < 0 ? "" : answer.at + at + 4;
}

static const char *login(struct stage *s, const char *name, const char *password)
{
    value v;
    struct err err;
    str body = arena_printf(&s->arena, "{\"username\":\"%s\",\"password\":\"%s\"}", name, password);
    const char *answer = ask(s, "POST", "/api/v1/session", NULL, body.at);
    if (s->status != 200)
        return NULL;
    assert_int_equal(json_parse(str_of(answer), NULL, &s->arena, &v, &err), 0);
    return arena_cstr(&s->arena, value_str(value_getz(v, "token")));
}

#define NO_SESSION                                                                                 \
    "{\"error\":\"no session information\",\"code\":16,\"message\":\"no session information\"}"
#define BAD_LOGIN                                                                                  \
    "{\"error\":\"Invalid username or password\",\"code\":16,\"message\":\"Invalid username or "   \
    "password\"}"

static void without_a_token_nothing_is_told(void **state)
{
    static const struct {
        const char *method, *target, *token, *body;
        int status;
        const char *answer;
    } cases[] = {
        {"GET", "/api/v1/applications", NULL, NULL, 401, NO_SESSION},
        {"GET", "/api/v1/applications", "garbage", NULL, 401, NO_SESSION},
        {"GET", "/api/v1/applications", "a.b.c", NULL, 401, NO_SESSION},
        {"GET", "/api/v1/clusters", NULL, NULL, 401, NO_SESSION},
        {"GET", "/api/v1/stream/applications", NULL, NULL, 401,
         "{\"error\":{\"grpc_code\":16,\"http_code\":401,\"message\":\"no session information\","
         "\"http_status\":\"Unauthorized\"}}"},
        {"GET", "/api/v1/session/userinfo", NULL, NULL, 200, "{}"},
        {"GET", "/api/version", NULL, NULL, 200, "{\"Version\":\"v3.6.0\"}"},
        {"GET", "/healthz", NULL, NULL, 200, "ok\n"},
        {"GET", "/api/v1/nope", NULL, NULL, 404, "Not Found\n"},
        {"PUT", "/api/v1/applications", NULL, "{}", 405, "Method Not Allowed\n"},
        {"OPTIONS", "/api/v1/applications", NULL, NULL, 405, "Method Not Allowed\n"},
        {"POST", "/api/v1/session", NULL, "{}", 401,
         "{\"error\":\"no credentials supplied\",\"code\":16,\"message\":\"no credentials "
         "supplied\"}"},
        {"POST", "/api/v1/session", NULL, "x", 400,
         "{\"error\":\"invalid character 'x' looking for beginning of value\",\"code\":3,"
         "\"message\":\"invalid character 'x' looking for beginning of value\"}"},
        {"POST", "/api/v1/session", NULL, NULL, 415, "Invalid content type\n"},
        {"POST", "/api/v1/session", NULL, "{\"username\":\"admin\",\"password\":\"wrong\"}", 401,
         BAD_LOGIN},
        {"POST", "/api/v1/session", NULL, "{\"username\":\"nobody\",\"password\":\"wrong\"}", 401,
         BAD_LOGIN},
        {"POST", "/api/v1/session", NULL, "{\"username\":\"robot\",\"password\":\"x\"}", 401,
         BAD_LOGIN},
    };
    struct stage *s = stage();
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const char *answer =
            ask(s, cases[i].method, cases[i].target, cases[i].token, cases[i].body);
        assert_int_equal(s->status, cases[i].status);
        assert_string_equal(answer, cases[i].answer);
    }
    done(s);
}

static void a_login_gives_a_token_that_ends(void **state)
{
    struct stage *s = stage();
    const char *token = login(s, "admin", "Adm1n-pass");
    assert_non_null(token);
    assert_string_equal(ask(s, "GET", "/api/v1/session/userinfo", token, NULL),
                        "{\"loggedIn\":true,\"username\":\"admin\",\"iss\":\"argocd\"}");
    ask(s, "GET", "/api/v1/applications", token, NULL);
    assert_int_equal(s->status, 200);
    run(s, 25 * USEC_PER_HOUR);
    ask(s, "GET", "/api/v1/applications", token, NULL);
    assert_int_equal(s->status, 401);
    done(s);
}

/* The claims of `token` under another header and, when key is given, a signature by it. */
static const char *forge(struct stage *s, const char *token, const char *header, bool keep_mac)
{
    str head, body, rest, mac;
    struct arena *a = &s->arena;
    str_cut(str_of(token), '.', &head, &rest);
    str_cut(rest, '.', &body, &mac);
    return arena_cstr(a, ARENA_CAT(a, base64url_str(a, str_of(header)), STR("."), body, STR("."),
                                   keep_mac ? mac : STR("")));
}

static void forged_tokens_are_refused(void **state)
{
    struct stage *s = stage();
    const char *token = login(s, "admin", "Adm1n-pass");
    size_t n = strlen(token);
    char *flipped = arena_cstr(&s->arena, str_of(token));
    flipped[n - 3] = flipped[n - 3] == 'A' ? 'B' : 'A';
    const char *bad[] = {
        flipped,
        forge(s, token, "{\"alg\":\"none\",\"typ\":\"JWT\"}", false),
        forge(s, token, "{\"alg\":\"none\",\"typ\":\"JWT\"}", true),
        forge(s, token, "{\"alg\":\"HS512\",\"typ\":\"JWT\"}", true),
        arena_cstr(&s->arena, str_sub(str_of(token), 0, n - 1)),
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        ask(s, "GET", "/api/v1/applications", bad[i], NULL);
        assert_int_equal(s->status, 401);
    }
    done(s);
}

static void a_disabled_account_and_a_new_password_end_tokens(void **state)
{
    struct stage *s = stage();
    const char *alice = login(s, "alice", "Al1ce-pass");
    ask(s, "GET", "/api/v1/applications", alice, NULL);
    assert_int_equal(s->status, 200);
    fake_put(s->fake, CONFIG_MAP,
             "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"argocd-cm\","
             "\"namespace\":\"argocd\"},\"data\":{\"accounts.alice\":\"login\",\"accounts.alice."
             "enabled\":\"false\"}}");
    run(s, USEC_PER_SEC);
    ask(s, "GET", "/api/v1/applications", alice, NULL);
    assert_int_equal(s->status, 401);
    assert_null(login(s, "alice", "Al1ce-pass"));
    done(s);
}

static void guessing_passwords_is_stopped(void **state)
{
    struct stage *s = stage();
    for (int i = 0; i < 5; i++)
        assert_null(login(s, "admin", "guess"));
    assert_null(login(s, "admin", "Adm1n-pass")); /* right, but too late */
    assert_non_null(login(s, "alice", "Al1ce-pass"));
    run(s, 301 * USEC_PER_SEC);
    assert_non_null(login(s, "admin", "Adm1n-pass"));
    done(s);
}

static void a_viewer_may_look_and_no_more(void **state)
{
    struct stage *s = stage();
    const char *alice = login(s, "alice", "Al1ce-pass");
    ask(s, "GET", "/api/v1/applications/shop", alice, NULL);
    assert_int_equal(s->status, 200);
    assert_string_equal(
        ask(s, "GET", "/api/v1/applications/nope", alice, NULL),
        "{\"error\":\"permission denied\",\"code\":7,\"message\":\"permission denied\"}");
    assert_int_equal(s->status, 403);
    const char *denied = ask(s, "DELETE", "/api/v1/applications/shop", alice, NULL);
    assert_int_equal(s->status, 403);
    assert_true(
        str_starts(str_of(denied),
                   STR("{\"error\":\"permission denied: applications, delete, default/shop, "
                       "sub: alice, iat: 2024-01-01T")));
    assert_string_equal(ask(s, "GET", "/api/v1/account/can-i/applications/sync/default/shop", alice,
                            NULL),
                        "{\"value\":\"no\"}");
    assert_string_equal(
        ask(s, "GET", "/api/v1/account/can-i/applications/nope/x", alice, NULL),
        "{\"error\":\"[get create update delete sync rollback override action invoke] does not "
        "contain nope\",\"code\":3,\"message\":\"[get create update delete sync rollback override "
        "action invoke] does not contain nope\"}");
    done(s);
}

static struct doc *doc(const char *json)
{
    struct doc *d;
    struct err err;
    assert_int_equal(json_parse_doc(str_of(json), NULL, &d, &err), 0);
    return d;
}

static void results_come_from_the_cache(void **state)
{
    struct stage *s = stage();
    const char *admin = login(s, "admin", "Adm1n-pass");
    assert_string_equal(ask(s, "GET", "/api/v1/applications/shop/managed-resources", admin, NULL),
                        "{}");
    struct doc *target = doc("{\"kind\":\"ConfigMap\",\"data\":{\"k\":\"v\"}}");
    const struct appcache_managed row = {.kind = STR("ConfigMap"),
                                         .namespace = STR("ns"),
                                         .name = STR("c"),
                                         .target = target};
    appcache_set_managed(s->results, STR("argocd/shop"), &row, 1);
    doc_unref(target);
    appcache_set_tree(s->results, STR("argocd/shop"),
                      doc("{\"nodes\":[{\"kind\":\"ConfigMap\"}]}"));
    assert_string_equal(
        ask(s, "GET", "/api/v1/applications/shop/managed-resources?fields=items.name,items.kind",
            admin, NULL),
        "{\"items\":[{\"kind\":\"ConfigMap\",\"name\":\"c\"}]}");
    assert_string_equal(ask(s, "GET", "/api/v1/applications/shop/managed-resources?name=zzz", admin,
                            NULL),
                        "{}");
    assert_string_equal(ask(s, "GET", "/api/v1/applications/shop/resource-tree", admin, NULL),
                        "{\"nodes\":[{\"kind\":\"ConfigMap\"}]}");
    done(s);
}

/* The mirror keeps no managedFields; the answer has them all the same, but where a server-side diff
 * took the server's marks away. */
static void live_objects_are_shown_with_their_managed_fields(void **state)
{
    struct stage *s = stage();
    const char *admin = login(s, "admin", "Adm1n-pass");
    str uid = fake_put(
        s->fake, CONFIG_MAP,
        "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"c\",\"namespace\":"
        "\"ns\",\"managedFields\":[{\"manager\":\"m\"}]}}");
    const char *stored = arena_cstr(&s->arena, uid);
    struct doc *live = doc(
        arena_printf(&s->arena,
                     "{\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"c\",\"namespace\":\"ns\","
                     "\"resourceVersion\":\"1\",\"uid\":\"%s\"}}",
                     stored)
            .at);
    struct doc *bare = doc("{\"kind\":\"ConfigMap\"}");
    struct appcache_managed row = {.version = STR("v1"),
                                   .kind = STR("ConfigMap"),
                                   .namespace = STR("ns"),
                                   .name = STR("c"),
                                   .live = live,
                                   .normalized_live = live,
                                   .predicted_live = bare};
    appcache_set_managed(s->results, STR("argocd/shop"), &row, 1);
    const char *path = "/api/v1/applications/shop/managed-resources?fields=items.liveState,"
                       "items.normalizedLiveState,items.predictedLiveState";
    const char *shown =
        arena_cstr(&s->arena, arena_printf(&s->arena,
                                           "{\\\"kind\\\":\\\"ConfigMap\\\",\\\"metadata\\\":{"
                                           "\\\"managedFields\\\":[{\\\"manager\\\":\\\"m\\\"}],"
                                           "\\\"name\\\":\\\"c\\\",\\\"namespace\\\":\\\"ns\\\","
                                           "\\\"resourceVersion\\\":\\\"1\\\","
                                           "\\\"uid\\\":\\\"%s\\\"}}",
                                           stored));
    str want = arena_printf(&s->arena,
                            "{\"items\":[{\"liveState\":\"%s\",\"normalizedLiveState\":\"%s\","
                            "\"predictedLiveState\":\"{\\\"kind\\\":\\\"ConfigMap\\\"}\"}]}",
                            shown, shown);
    assert_string_equal(ask(s, "GET", path, admin, NULL), arena_cstr(&s->arena, want));
    doc_unref(live);
    doc_unref(bare);
    done(s);
}

static void a_stream_sends_what_is_there_and_what_changes(void **state)
{
    struct stage *s = stage();
    const char *admin = login(s, "admin", "Adm1n-pass");
    ask(s, "GET", "/api/v1/stream/applications?fields=result.type,result.application.metadata.name",
        admin, NULL);
    assert_int_equal(s->status, 200);
    assert_true(str_has(buf_str(&s->out), STR("{\"result\":{\"type\":\"ADDED\",\"application\":{"
                                              "\"metadata\":{\"name\":\"shop\"}}}}\n")));
    buf_reset(&s->out);
    fake_put(s->fake, APPLICATION,
             "{\"apiVersion\":\"argoproj.io/v1alpha1\",\"kind\":\"Application\",\"metadata\":{"
             "\"name\":\"blog\",\"namespace\":\"argocd\"},\"spec\":{\"project\":\"default\"}}");
    run(s, USEC_PER_SEC);
    assert_true(str_has(buf_str(&s->out), STR("\"name\":\"blog\"")));
    conn_feed_eof(s->conn);
    run(s, USEC_PER_SEC);
    assert_int_equal(http_server_connections(s->server), 0);
    done(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_token_nothing_is_told),
        cmocka_unit_test(a_login_gives_a_token_that_ends),
        cmocka_unit_test(forged_tokens_are_refused),
        cmocka_unit_test(a_disabled_account_and_a_new_password_end_tokens),
        cmocka_unit_test(guessing_passwords_is_stopped),
        cmocka_unit_test(a_viewer_may_look_and_no_more),
        cmocka_unit_test(results_come_from_the_cache),
        cmocka_unit_test(live_objects_are_shown_with_their_managed_fields),
        cmocka_unit_test(a_stream_sends_what_is_there_and_what_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
