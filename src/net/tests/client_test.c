/* net/tests/client_test.c: the client against our server (whose own behaviour curl vouches for), on
 * both protocols, with and without TLS, and against peers that misbehave. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "net/client.h"
#include "net/tests/net_test_server.c.inc"

struct outcome {
    struct loop *loop;
    int rc, status, n_done, n_want;
    struct err err;
    struct buf body;
    struct http_call call;
    size_t bytes, pauses;
    str trailer;
    char trailer_text[32];
    bool pause_once, stop_at_head;
};

static void note_end(struct outcome *o)
{
    if (++o->n_done >= o->n_want)
        loop_stop(o->loop);
}

static void done(void *arg, int rc, const struct http_response *resp, const struct err *err)
{
    struct outcome *o = arg;
    o->rc = rc;
    if (resp) {
        o->status = resp->status;
        buf_reset(&o->body);
        buf_add(&o->body, resp->body);
    } else {
        o->err = *err;
    }
    note_end(o);
}

static void on_head(void *arg, const struct http_response *resp)
{
    struct outcome *o = arg;
    o->status = resp->status;
}

static void on_data(void *arg, str bytes)
{
    struct outcome *o = arg;
    o->bytes += bytes.len;
    if (o->pause_once && o->bytes > 100000) {
        o->pause_once = false;
        o->pauses++;
        http_call_pause(o->call);
    }
    if (o->stop_at_head)
        http_call_cancel(o->call);
}

static void on_end(void *arg, int rc, const struct http_headers *trailer, const struct err *err)
{
    struct outcome *o = arg;
    o->rc = rc;
    if (err)
        o->err = *err;
    (void)snprintf(o->trailer_text, sizeof(o->trailer_text), "%.*s",
                   STR_FMT(http_header_find(trailer, "grpc-status")));
    note_end(o);
}

static const struct http_stream_handler stream_handler = {on_head, on_data, on_end};

struct mode {
    bool tls;
    enum http_protocol protocol;
    const char *version;
};
static const struct mode modes[] = {
    {false, HTTP_PROTOCOL_1, "11"},
    {false, HTTP_PROTOCOL_2, "20"},
    {true, HTTP_PROTOCOL_1, "11"},
    {true, HTTP_PROTOCOL_AUTO, "20"},
};

struct stage {
    struct test_server server;
    struct test_tls tls;
    struct loop *loop;
    struct http_client *client;
    struct outcome o;
};

static void stage_open(struct stage *s, const struct mode *m, struct http_client_config config)
{
    struct err err;
    char url[64];
    memset(s, 0, sizeof(*s));
    test_tls_make(&s->tls);
    s->server.config.tls = m->tls ? s->tls.context : NULL;
    s->server.config.streams_max = 400;
    test_server_start(&s->server);
    s->loop = loop_new(EVENT_UV, 0);
    (void)snprintf(url, sizeof(url), "http%s://localhost:%u", m->tls ? "s" : "", s->server.port);
    config.url = str_of(url);
    config.protocol = m->protocol;
    config.tls.ca_pem = buf_str(&s->tls.cert);
    assert_int_equal(http_client_new(s->loop, &config, &s->client, &err), 0);
    s->o = (struct outcome){.loop = s->loop, .n_want = 1};
    buf_init(&s->o.body, 256 << 20);
}

static void stage_close(struct stage *s)
{
    http_client_free(s->client);
    loop_run(s->loop); /* ends when nothing is left on it */
    loop_free(s->loop);
    test_server_stop(&s->server);
    test_tls_done(&s->tls);
    buf_done(&s->o.body);
}

static struct http_client_request get(const char *target)
{
    return (struct http_client_request){.method = METHOD_GET,
                                        .target = str_of(target),
                                        .timeout_us = 20 * USEC_PER_SEC};
}

static void ask(struct stage *s, struct http_client_request r)
{
    s->o.n_done = 0;
    s->o.call = http_client_send(s->client, &r, done, &s->o);
    assert_int_equal(s->o.n_done, 0); /* never inside the call */
    loop_run(s->loop);
}

static void requests_and_bodies_go_both_ways(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
        struct stage s;
        stage_open(&s, &modes[i], (struct http_client_config){.bearer_token = STR("tok")});
        ask(&s, get("/version"));
        assert_int_equal(s.o.rc, 0);
        assert_string_equal(s.o.body.at, modes[i].version);
        ask(&s, get("/auth"));
        assert_string_equal(s.o.body.at, "Bearer tok");
        ask(&s, get("/nothing"));
        assert_int_equal(s.o.status, 404);
        CLEANUP(buf_done) struct buf big = BUF_INIT;
        buf_fill(&big, 'q', 3 << 20);
        struct http_client_request post = {.method = METHOD_POST,
                                           .target = STR("/echo"),
                                           .body = buf_str(&big),
                                           .timeout_us = 20 * USEC_PER_SEC};
        ask(&s, post);
        assert_int_equal(s.o.status, 200);
        assert_int_equal(s.o.body.len, 3 << 20);
        post.body = STR("");
        ask(&s, post);
        assert_int_equal(s.o.body.len, 0);
        struct http_client_request head = get("/echo");
        head.method = METHOD_HEAD;
        ask(&s, head);
        assert_int_equal(s.o.status, 200);
        struct http_client_stats stats = http_client_stats(s.client);
        assert_int_equal(stats.opened, 1); /* one connection served them all */
        stage_close(&s);
    }
}

static void run_for(struct stage *s, struct timer *stop, usec time)
{
    timer_arm_in(stop, time);
    loop_run(s->loop);
}

static void a_stream_can_be_paused_and_resumed_and_ends_with_trailers(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
        struct stage s;
        stage_open(&s, &modes[i], (struct http_client_config){0});
        struct http_client_request r = get("/big?n=20000000");
        struct http_header te = {STR("TE"), STR("trailers")};
        r.header = &te;
        r.n_headers = 1;
        s.o.pause_once = true;
        s.o.call = http_client_stream(s.client, &r, &stream_handler, &s.o);
        struct timer t;
        timer_init(&t, s.loop, (void (*)(void *))loop_stop, s.loop);
        for (int turn = 0; s.o.pauses == 0 && turn < 2000; turn++)
            run_for(&s, &t, 10 * USEC_PER_MS);
        run_for(&s, &t, 300 * USEC_PER_MS); /* time enough for what must not come */
        assert_int_equal(s.o.n_done, 0);
        assert_int_equal(s.o.pauses, 1);
        assert_true(s.o.bytes < 3000000);
        http_call_resume(s.o.call);
        loop_run(s.loop);
        assert_int_equal(s.o.rc, 0);
        assert_int_equal(s.o.bytes, 20000000);
        assert_string_equal(s.o.trailer_text, "0");
        stage_close(&s);
    }
}

static void a_canceled_stream_reaches_the_server_and_ends_once(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
        struct stage s;
        stage_open(&s, &modes[i], (struct http_client_config){0});
        struct http_client_request r = get("/stream");
        s.o.stop_at_head = true;
        s.o.call = http_client_stream(s.client, &r, &stream_handler, &s.o);
        loop_run(s.loop);
        assert_int_equal(s.o.rc, -ERR_CANCELED);
        assert_int_equal(s.o.n_done, 1);
        ask(&s, get("/path")); /* the client goes on */
        assert_string_equal(s.o.body.at, "/path");
        for (int k = 0; k < 300 && atomic_load(&s.server.open); k++)
            usleep(10000);
        assert_int_equal(s.server.open, 0);
        stage_close(&s);
    }
}

static void a_deadline_ends_a_call_but_not_its_neighbours(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
        struct stage s;
        stage_open(&s, &modes[i], (struct http_client_config){0});
        struct http_client_request slow = get("/never"), other = get("/slow?ms=300");
        slow.timeout_us = 100 * USEC_PER_MS;
        struct outcome second = {.loop = s.loop, .n_want = 1};
        buf_init(&second.body, 1000);
        s.o.n_want = 2; /* only the second stops the loop */
        s.o.call = http_client_send(s.client, &slow, done, &s.o);
        http_client_send(s.client, &other, done, &second);
        loop_run(s.loop);
        assert_int_equal(s.o.rc, -ERR_TIMEOUT);
        assert_true(str_has(err_str(&s.o.err), STR("/never: ")));
        assert_int_equal(second.rc, 0);
        assert_string_equal(second.body.at, "late");
        buf_done(&second.body);
        stage_close(&s);
    }
}

static void three_hundred_watches_share_one_connection(void **state)
{
    struct stage s;
    stage_open(&s, &modes[3], (struct http_client_config){0});
    struct http_client_request r = get("/watch");
    struct outcome o[300];
    for (size_t i = 0; i < ARRAY_LEN(o); i++) {
        o[i] = (struct outcome){.loop = s.loop, .n_want = 1};
        o[i].call = http_client_stream(s.client, &r, &stream_handler, &o[i]);
    }
    for (int k = 0; k < 200; k++) {
        struct timer t;
        timer_init(&t, s.loop, (void (*)(void *))loop_stop, s.loop);
        timer_arm_in(&t, 20 * USEC_PER_MS);
        loop_run(s.loop);
        size_t n = 0;
        for (size_t i = 0; i < ARRAY_LEN(o); i++)
            n += o[i].bytes > 0;
        if (n == ARRAY_LEN(o))
            break;
    }
    for (size_t i = 0; i < ARRAY_LEN(o); i++)
        assert_int_equal(o[i].bytes, 17);
    struct http_client_stats stats = http_client_stats(s.client);
    assert_int_equal(stats.running, 300);
    assert_true(stats.connections <=
                4); /* 1, or a few more opened before the peer's limit was known */
    ask(&s, get("/path"));
    assert_string_equal(s.o.body.at, "/path");
    for (size_t i = 0; i < ARRAY_LEN(o); i++)
        http_call_forget(&o[i].call);
    stage_close(&s);
    for (size_t i = 0; i < ARRAY_LEN(o); i++)
        assert_int_equal(o[i].n_done, 0);
}

static void an_answer_past_the_bound_is_an_error(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
        struct stage s;
        stage_open(&s, &modes[i], (struct http_client_config){0});
        struct http_client_request r = get("/big?n=5000000");
        r.body_bytes_max = 1000000;
        ask(&s, r);
        assert_int_equal(s.o.rc, -ERR_TOO_LARGE);
        ask(&s, get("/path"));
        assert_int_equal(s.o.rc, 0);
        stage_close(&s);
    }
}

static void certificates_are_verified(void **state)
{
    struct stage s;
    struct test_tls other;
    test_tls_make(&other);
    stage_open(&s, &modes[3], (struct http_client_config){0});
    struct {
        struct tls_client_config tls;
        int rc;
    } cases[] = {
        {{.ca_pem = buf_str(&other.cert)}, -ERR_UNAUTHENTICATED},
        {{.ca_pem = buf_str(&s.tls.cert), .server_name = STR("example.com")}, -ERR_UNAUTHENTICATED},
        {{.ca_pem = buf_str(&other.cert), .insecure = true}, 0},
        {{.ca_pem = buf_str(&s.tls.cert)}, 0},
        {{.ca_pem = buf_str(&s.tls.cert),
          .cert_pem = buf_str(&s.tls.cert),
          .key_pem = buf_str(&s.tls.key)},
         0},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char url[64];
        struct err err;
        (void)snprintf(url, sizeof(url), "https://127.0.0.1:%u", s.server.port);
        struct http_client_config config = {.url = str_of(url), .tls = cases[i].tls};
        http_client_free(s.client);
        assert_int_equal(http_client_new(s.loop, &config, &s.client, &err), 0);
        ask(&s, get("/path"));
        assert_int_equal(s.o.rc, cases[i].rc);
    }
    struct http_client *none;
    struct err err;
    struct http_client_config bad = {.url = STR("https://a"), .tls.ca_pem = STR("no pem")};
    assert_int_equal(http_client_new(s.loop, &bad, &none, &err), -ERR_INVALID);
    bad = (struct http_client_config){.url = STR("ftp://a")};
    assert_int_equal(http_client_new(s.loop, &bad, &none, &err), -ERR_INVALID);
    stage_close(&s);
    test_tls_done(&other);
}

static void nobody_there_is_said_at_once(void **state)
{
    static const char *const urls[] = {"http://127.0.0.1:1", "http://no-such-host.invalid:80"};
    for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
        struct stage s;
        struct err err;
        stage_open(&s, &modes[0], (struct http_client_config){0});
        http_client_free(s.client);
        struct http_client_config config = {.url = str_of(urls[i])};
        assert_int_equal(http_client_new(s.loop, &config, &s.client, &err), 0);
        ask(&s, get("/path"));
        assert_int_equal(s.o.rc, -ERR_UNAVAILABLE);
        assert_true(str_starts(err_str(&s.o.err), STR("GET http://")));
        stage_close(&s);
    }
}

/* A peer that says `answer` to whatever comes, then closes. */
struct liar {
    int fd;
    str answer;
    pthread_t thread;
    uint16_t port;
};

static void *lie(void *arg)
{
    struct liar *l = arg;
    char piece[4096];
    for (int fd; (fd = accept(l->fd, NULL, NULL)) >= 0; close(fd)) {
        (void)!read(fd, piece, sizeof(piece));
        (void)!write(fd, l->answer.at, l->answer.len);
    }
    return NULL;
}

static void liar_start(struct liar *l)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(a);
    l->fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(l->fd, (struct sockaddr *)&a, sizeof(a)), 0);
    assert_int_equal(listen(l->fd, 16), 0);
    getsockname(l->fd, (struct sockaddr *)&a, &len);
    l->port = ntohs(a.sin_port);
    pthread_create(&l->thread, NULL, lie, l);
}

static const struct {
    str answer;
    int protocol, rc;
    const char *body;
} lies[] = {
    {STR_INIT(""), 1, -ERR_UNAVAILABLE, NULL},
    {STR_INIT("SSH-2.0-OpenSSH\r\n"), 1, -ERR_INVALID, NULL},
    {STR_INIT("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"), 1, -ERR_UNAVAILABLE, NULL},
    {STR_INIT("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel"), 1, -ERR_UNAVAILABLE,
     NULL},
    {STR_INIT("HTTP/1.1 200 OK\r\n\r\nuntil the end"), 1, 0, "until the end"},
    {STR_INIT("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"), 1, 0,
     "ok"},
    {STR_INIT("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"), 1,
     -ERR_INVALID, NULL},
    {STR_INIT("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 forged"), 1, 0, "ok"},
    {STR_INIT("HTTP/1.1 400 Bad Request\r\n\r\n"), 2, -ERR_UNAVAILABLE, NULL},
    {STR_INIT(""), 2, -ERR_UNAVAILABLE, NULL},
};

static void peers_that_misbehave_give_clear_errors(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(lies); i++) {
        struct stage s;
        struct err err;
        char url[64];
        struct liar l = {.answer = lies[i].answer};
        liar_start(&l);
        stage_open(&s, &modes[0], (struct http_client_config){0});
        http_client_free(s.client);
        (void)snprintf(url, sizeof(url), "http://127.0.0.1:%u", l.port);
        struct http_client_config config = {.url = str_of(url),
                                            .protocol = lies[i].protocol == 1 ? HTTP_PROTOCOL_1
                                                                              : HTTP_PROTOCOL_2};
        assert_int_equal(http_client_new(s.loop, &config, &s.client, &err), 0);
        ask(&s, get("/path"));
        if (s.o.rc != lies[i].rc)
            print_error("case %zu: %s\n", i, s.o.err.text);
        assert_int_equal(s.o.rc, lies[i].rc);
        if (lies[i].body)
            assert_string_equal(s.o.body.at, lies[i].body);
        stage_close(&s);
        shutdown(l.fd, SHUT_RDWR);
        close(l.fd);
        pthread_join(l.thread, NULL);
    }
}

static void forged_fields_are_refused(void **state)
{
    struct stage s;
    stage_open(&s, &modes[0], (struct http_client_config){0});
    struct http_client_request r = get("/path HTTP/1.1\r\nX: y");
    ask(&s, r);
    assert_int_equal(s.o.rc, -ERR_INVALID);
    struct http_header bad = {STR("X-Test"), STR("a\r\nb: c")};
    r = get("/header");
    r.header = &bad;
    r.n_headers = 1;
    ask(&s, r);
    assert_int_equal(s.o.rc, -ERR_INVALID);
    stage_close(&s);
}

static void many_calls_use_few_connections(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
        struct stage s;
        stage_open(&s, &modes[i], (struct http_client_config){.connections_max = 3});
        struct http_client_request r = get("/slow?ms=1");
        s.o.n_want = 500;
        for (int k = 0; k < 500; k++)
            http_client_send(s.client, &r, done, &s.o);
        loop_run(s.loop);
        assert_int_equal(s.o.rc, 0);
        assert_int_equal(s.o.n_done, 500);
        assert_true(http_client_stats(s.client).opened <= 3);
        stage_close(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_and_bodies_go_both_ways),
        cmocka_unit_test(a_stream_can_be_paused_and_resumed_and_ends_with_trailers),
        cmocka_unit_test(a_canceled_stream_reaches_the_server_and_ends_once),
        cmocka_unit_test(a_deadline_ends_a_call_but_not_its_neighbours),
        cmocka_unit_test(three_hundred_watches_share_one_connection),
        cmocka_unit_test(an_answer_past_the_bound_is_an_error),
        cmocka_unit_test(certificates_are_verified),
        cmocka_unit_test(nobody_there_is_said_at_once),
        cmocka_unit_test(peers_that_misbehave_give_clear_errors),
        cmocka_unit_test(forged_fields_are_refused),
        cmocka_unit_test(many_calls_use_few_connections),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
