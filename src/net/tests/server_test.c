/* net/tests/server_test.c: the server against curl (HTTP/1.1, HTTP/2, TLS) and against raw sockets
 * with hostile input. */
#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "net/tests/net_test_server.c.inc"

/* Run curl with these arguments; standard output in `out`. Returns its exit code. */
static int curl(struct buf *out, ...)
{
    const char *argv[32] = {"curl", "-sS", "--max-time", "10"};
    size_t n = 4;
    int fd[2];
    va_list args;
    va_start(args, out);
    while (n < 31 && (argv[n] = va_arg(args, const char *)))
        n++;
    va_end(args);
    assert_int_equal(pipe(fd), 0);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(fd[1], 1);
        close(fd[0]);
        close(fd[1]);
        execvp("curl", (char *const *)argv);
        _exit(127);
    }
    close(fd[1]);
    for (;;) {
        char piece[65536];
        ssize_t k = read(fd[0], piece, sizeof(piece));
        if (k <= 0)
            break;
        buf_add(out, str_mem(piece, (size_t)k));
    }
    close(fd[0]);
    int status;
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static const char *url(const struct test_server *t, const char *path)
{
    static char text[4][512];
    static int i;
    i = (i + 1) % 4;
    (void)snprintf(text[i], sizeof(text[i]), "http%s://127.0.0.1:%u%s", t->config.tls ? "s" : "",
                   t->port, path);
    return text[i];
}

static int raw_open(const struct test_server *t)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons(t->port),
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct timeval patience = {.tv_sec = 10};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
    return fd;
}

static void raw_send(int fd, str s)
{
    while (s.len) {
        ssize_t n = send(fd, s.at, s.len, MSG_NOSIGNAL);
        if (n <= 0)
            return;
        s = str_from(s, (size_t)n);
    }
}

/* Send and read until the server closes. */
static void raw_talk(const struct test_server *t, str request, struct buf *answer)
{
    int fd = raw_open(t);
    char piece[65536];
    ssize_t n;
    buf_reset(answer);
    raw_send(fd, request);
    while ((n = recv(fd, piece, sizeof(piece), 0)) > 0)
        buf_add(answer, str_mem(piece, (size_t)n));
    assert_false(n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK));
    close(fd);
}

static bool wait_for(atomic_int *what, int value)
{
    for (int i = 0; i < 500; i++) {
        if (atomic_load(what) == value)
            return true;
        usleep(10000);
    }
    return false;
}

static void curl_speaks_every_protocol(void **state)
{
    struct test_tls tls;
    test_tls_make(&tls);
    for (int secure = 0; secure < 2; secure++) {
        struct test_server t = {.config.tls = secure ? tls.context : NULL};
        CLEANUP(buf_done) struct buf out = BUF_INIT;
        test_server_start(&t);
        assert_int_equal(curl(&out, "-k", "--http1.1", url(&t, "/version"), (char *)NULL), 0);
        assert_string_equal(out.at, "11");
        buf_reset(&out);
        assert_int_equal(curl(&out, "-k", "--http1.0", url(&t, "/version"), (char *)NULL), 0);
        assert_string_equal(out.at, "10");
        buf_reset(&out);
        assert_int_equal(curl(&out, "-k", secure ? "--http2" : "--http2-prior-knowledge",
                              url(&t, "/version"), (char *)NULL),
                         0);
        assert_string_equal(out.at, "20");
        buf_reset(&out);
        /* plain --http2 asks for an upgrade, which is ignored */
        assert_int_equal(curl(&out, "-k", "--http2", url(&t, "/version"), (char *)NULL), 0);
        assert_string_equal(out.at, secure ? "20" : "11");
        test_server_stop(&t);
    }
    test_tls_done(&tls);
}

static void bodies_and_streams_arrive_whole(void **state)
{
    struct test_tls tls;
    test_tls_make(&tls);
    const char *flag[] = {"--http1.1", "--http2-prior-knowledge"};
    char file[] = "/tmp/net-test-XXXXXX";
    int fd = mkstemp(file);
    for (int i = 0; i < 300000; i++)
        assert_int_equal(write(fd, "0123456789", 10), 10);
    close(fd);
    char at_file[64];
    (void)snprintf(at_file, sizeof(at_file), "@%s", file);
    for (int mode = 0; mode < 4; mode++) {
        struct test_server t = {.config.tls = mode & 2 ? tls.context : NULL};
        const char *protocol = mode == 3 ? "--http2" : flag[mode & 1];
        CLEANUP(buf_done) struct buf out = BUF_INIT;
        test_server_start(&t);
        assert_int_equal(curl(&out, "-k", protocol, "--data-binary", at_file, url(&t, "/echo"),
                              (char *)NULL),
                         0);
        assert_int_equal(out.len, 3000000);
        assert_memory_equal(out.at + 2999990, "0123456789", 10);
        buf_reset(&out);
        assert_int_equal(curl(&out, "-k", protocol, url(&t, "/big?n=30000000"), (char *)NULL), 0);
        assert_int_equal(out.len, 30000000);
        buf_reset(&out);
        assert_int_equal(curl(&out, "-k", protocol, "-I", url(&t, "/echo"), (char *)NULL), 0);
        assert_true(str_has(buf_str(&out), STR("200")));
        test_server_stop(&t);
        assert_int_equal(t.open, 0);
    }
    unlink(file);
    test_tls_done(&tls);
}

static void a_slow_reader_stops_the_writer_and_leaving_is_noticed(void **state)
{
    for (int h2 = 0; h2 < 2; h2++) {
        struct test_server t = {.config.stream_bytes_max = 1 << 20};
        CLEANUP(buf_done) struct buf out = BUF_INIT;
        test_server_start(&t);
        /* curl reads 100 kB/s and gives up after a second: the writer must have waited, and must
         * hear of the end */
        int rc = curl(&out, h2 ? "--http2-prior-knowledge" : "--http1.1", "--limit-rate", "100k",
                      "--max-time", "1", url(&t, "/stream"), (char *)NULL);
        assert_int_equal(rc, 28);
        assert_true(atomic_load(&t.drains) > 0);
        assert_true(wait_for(&t.gone, 1));
        assert_true(wait_for(&t.open, 0));
        test_server_stop(&t);
    }
}

static void a_canceled_request_tells_its_handler(void **state)
{
    for (int h2 = 0; h2 < 2; h2++) {
        struct test_server t = {0};
        CLEANUP(buf_done) struct buf out = BUF_INIT;
        test_server_start(&t);
        assert_int_equal(curl(&out, h2 ? "--http2-prior-knowledge" : "--http1.1", "--max-time",
                              "0.3", url(&t, "/never"), (char *)NULL),
                         28);
        assert_true(wait_for(&t.gone, 1));
        test_server_stop(&t);
    }
}

static void stopping_lets_a_running_request_finish(void **state)
{
    struct test_server t = {0};
    CLEANUP(buf_done) struct buf out = BUF_INIT;
    test_server_start(&t);
    int fd = raw_open(&t);
    raw_send(fd, STR("GET /slow?ms=100 HTTP/1.1\r\nHost: a\r\n\r\n"));
    assert_true(wait_for(&t.open, 1));
    test_server_stop(&t);
    char piece[1024];
    for (ssize_t n; (n = recv(fd, piece, sizeof(piece), 0)) > 0;)
        buf_add(&out, str_mem(piece, (size_t)n));
    close(fd);
    assert_true(str_has(buf_str(&out), STR("Connection: close")));
    assert_true(str_ends(buf_str(&out), STR("\r\n\r\nlate")));
}

static void stopping_cuts_what_does_not_end(void **state)
{
    struct test_server t = {0};
    test_server_start(&t);
    int fd = raw_open(&t), idle = raw_open(&t);
    raw_send(fd, STR("GET /never HTTP/1.1\r\nHost: a\r\n\r\n"));
    assert_true(wait_for(&t.open, 1));
    test_server_stop(&t);
    assert_int_equal(t.gone, 1);
    close(fd);
    close(idle);
}

static void pipelined_requests_are_answered_in_order(void **state)
{
    struct test_server t = {0};
    CLEANUP(buf_done) struct buf out = BUF_INIT;
    test_server_start(&t);
    raw_talk(&t,
             STR("GET /slow?ms=30 HTTP/1.1\r\nHost: a\r\n\r\n"
                 "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"
                 "GET /path HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"),
             &out);
    ptrdiff_t a = str_find(buf_str(&out), STR("late")),
              b = str_find(buf_str(&out), STR("\r\n\r\nabc")),
              c = str_find(buf_str(&out), STR("\r\n\r\n/path"));
    assert_true(0 < a && a < b && b < c);
    test_server_stop(&t);
}

static void many_pipelined_requests_do_not_grow_the_stack(void **state)
{
    struct test_server t = {0};
    CLEANUP(buf_done) struct buf out = BUF_INIT;
    CLEANUP(buf_done) struct buf in = BUF_INIT;
    test_server_start(&t);
    for (int i = 0; i < 20000; i++)
        buf_add(&in, STR("GET /path HTTP/1.1\r\nHost: a\r\n\r\n"));
    buf_add(&in, STR("GET /end HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"));
    int fd = raw_open(&t);
    pid_t pid = fork(); /* a writer of its own: the server stops reading until answers are taken */
    if (pid == 0) {
        raw_send(fd, buf_str(&in));
        _exit(0);
    }
    char piece[65536];
    for (ssize_t n; (n = recv(fd, piece, sizeof(piece), 0)) > 0;)
        buf_add(&out, str_mem(piece, (size_t)n));
    waitpid(pid, NULL, 0);
    close(fd);
    assert_int_equal(t.asked, 20001);
    assert_true(str_ends(buf_str(&out), STR("not here")));
    test_server_stop(&t);
}

static const struct {
    const char *name;
    str request;
    const char *status; /* of the answer; NULL: closed without one */
} hostile[] = {
    {"not HTTP", STR_INIT("hello\r\n\r\n"), "400"},
    {"no Host", STR_INIT("GET / HTTP/1.1\r\n\r\n"), "400"},
    {"two Hosts", STR_INIT("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"), "400"},
    {"length and chunked",
     STR_INIT("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: "
              "chunked\r\n\r\n0\r\n\r\n"),
     "400"},
    {"two lengths",
     STR_INIT(
         "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd"),
     "400"},
    {"negative length",
     STR_INIT("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: -3\r\n\r\nabcd"), "400"},
    {"length overflow",
     STR_INIT("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999999\r\n\r\n"),
     "400"},
    {"chunk size overflow",
     STR_INIT("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: "
              "chunked\r\n\r\nfffffffffffffffff\r\n"),
     "400"},
    {"body too large",
     STR_INIT("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 999999999\r\n\r\n"), "413"},
    {"unknown method", STR_INIT("TRACE / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"), "405"},
    {"CONNECT", STR_INIT("CONNECT a:1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"), "400"},
    {"blank before the colon",
     STR_INIT("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length : 3\r\n\r\nabc"), "400"},
    {"space in name", STR_INIT("GET / HTTP/1.1\r\nHost: a\r\nX Y: b\r\n\r\n"), "400"},
    {"HTTP/3.0", STR_INIT("GET / HTTP/3.0\r\nHost: a\r\n\r\n"), "505"},
    {"almost the HTTP/2 preface", STR_INIT("PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n"), "400"},
    {"garbage after the preface",
     STR_INIT("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"), NULL},
};

static void hostile_input_is_answered_and_cut(void **state)
{
    struct test_server t = {0};
    CLEANUP(buf_done) struct buf out = BUF_INIT;
    test_server_start(&t);
    for (size_t i = 0; i < ARRAY_LEN(hostile); i++) {
        raw_talk(&t, hostile[i].request, &out);
        if (!hostile[i].status) {
            assert_false(str_has(buf_str(&out), STR("HTTP/1.1 2")));
            continue;
        }
        char want[32];
        (void)snprintf(want, sizeof(want), "HTTP/1.1 %s ", hostile[i].status);
        if (!str_starts(buf_str(&out), str_of(want)))
            print_error("%s: wanted %s, got: %.60s\n", hostile[i].name, want, out.at ? out.at : "");
        assert_true(str_starts(buf_str(&out), str_of(want)));
    }
    assert_int_equal(t.asked, 0);
    test_server_stop(&t);
}

static void a_header_flood_is_refused(void **state)
{
    struct test_server t = {.config.header_bytes_max = 32768};
    CLEANUP(buf_done) struct buf out = BUF_INIT;
    CLEANUP(buf_done) struct buf in = BUF_INIT;
    test_server_start(&t);
    buf_add(&in, STR("GET / HTTP/1.1\r\nHost: a\r\n"));
    for (int i = 0; i < 5000; i++)
        buf_add(&in, STR("X-Filler: 0123456789\r\n"));
    raw_talk(&t, buf_str(&in), &out);
    assert_true(str_starts(buf_str(&out), STR("HTTP/1.1 431 ")));
    buf_reset(&in);
    buf_add(&in, STR("GET /"));
    buf_fill(&in, 'a', 70000);
    raw_talk(&t, buf_str(&in), &out);
    assert_true(str_starts(buf_str(&out), STR("HTTP/1.1 414 ")));
    CLEANUP(buf_done) struct buf big = BUF_INIT;
    buf_addz(&big, "X-Big: ");
    buf_fill(&big, 'a', 20000);
    CLEANUP(buf_done) struct buf body = BUF_INIT;
    assert_int_equal(curl(&body, "--http2-prior-knowledge", "-o", "/dev/null", "-w", "%{http_code}",
                          "-H", big.at, "-H", big.at, url(&t, "/path"), (char *)NULL),
                     0);
    assert_string_equal(body.at, "431");
    test_server_stop(&t);
}

static void a_slow_request_is_cut_at_its_deadline(void **state)
{
    struct test_server t = {.config.request_timeout_us = 200 * USEC_PER_MS};
    CLEANUP(buf_done) struct buf out = BUF_INIT;
    test_server_start(&t);
    raw_talk(&t, STR("GET / HTTP/1.1\r\nHost: "), &out);
    assert_true(str_starts(buf_str(&out), STR("HTTP/1.1 408 ")));
    raw_talk(&t, STR("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab"), &out);
    assert_true(str_starts(buf_str(&out), STR("HTTP/1.1 408 ")));
    raw_talk(&t, STR(""), &out);
    assert_int_equal(out.len, 0);
    raw_talk(&t, STR("PRI * HT"), &out);
    assert_int_equal(out.len, 0);
    test_server_stop(&t);
}

static void an_idle_connection_is_closed(void **state)
{
    struct test_server t = {.config.idle_timeout_us = 200 * USEC_PER_MS};
    CLEANUP(buf_done) struct buf out = BUF_INIT;
    test_server_start(&t);
    raw_talk(&t, STR("GET /path HTTP/1.1\r\nHost: a\r\n\r\n"), &out);
    assert_true(str_ends(buf_str(&out), STR("/path")));
    test_server_stop(&t);
}

static void a_value_with_line_breaks_forges_nothing(void **state)
{
    struct test_server t = {0};
    CLEANUP(buf_done) struct buf out = BUF_INIT;
    test_server_start(&t);
    raw_talk(&t, STR("GET /forge HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"), &out);
    assert_true(str_ends(buf_str(&out), STR("ok")));
    assert_false(str_has(buf_str(&out), STR("Set-Cookie")));
    test_server_stop(&t);
}

static void a_taken_port_is_an_error(void **state)
{
    struct test_server t = {0};
    struct http_server *second;
    struct err err;
    test_server_start(&t);
    struct loop *l = loop_new(EVENT_UV, 0);
    struct http_server_config config = {.port = t.port, .handler = handle};
    assert_int_equal(http_server_open(l, &config, &second, &err), -ERR_EXISTS);
    config = (struct http_server_config){.host = "example.com", .handler = handle};
    assert_int_equal(http_server_open(l, &config, &second, &err), -ERR_INVALID);
    loop_run(l);
    loop_free(l);
    test_server_stop(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(curl_speaks_every_protocol),
        cmocka_unit_test(bodies_and_streams_arrive_whole),
        cmocka_unit_test(a_slow_reader_stops_the_writer_and_leaving_is_noticed),
        cmocka_unit_test(a_canceled_request_tells_its_handler),
        cmocka_unit_test(stopping_lets_a_running_request_finish),
        cmocka_unit_test(stopping_cuts_what_does_not_end),
        cmocka_unit_test(pipelined_requests_are_answered_in_order),
        cmocka_unit_test(many_pipelined_requests_do_not_grow_the_stack),
        cmocka_unit_test(hostile_input_is_answered_and_cut),
        cmocka_unit_test(a_header_flood_is_refused),
        cmocka_unit_test(a_slow_request_is_cut_at_its_deadline),
        cmocka_unit_test(an_idle_connection_is_closed),
        cmocka_unit_test(a_value_with_line_breaks_forges_nothing),
        cmocka_unit_test(a_taken_port_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
