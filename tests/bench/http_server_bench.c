/* tests/bench/http_server_bench.c: our HTTP server beside libmicrohttpd and libh2o, each in a child
 * process of its own on loopback, asked by our client for a small answer: HTTP/1.1 over 32
 * connections and, where the library speaks it, HTTP/2 with 32 streams on one connection. Prints
 * the server's processor time for each request, which a busy machine does not change much.
 * docs/decisions/0011-http-server.md tells what was decided by it. */
#undef rand /* libh2o's header calls it */
#define H2O_USE_LIBUV 0
#include <arpa/inet.h>
#include <h2o.h>
#include <microhttpd.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "event/loop.h"
#include "net/client.h"
#include "net/server.h"

#define REQUESTS 40000
#define AT_ONCE 32
#define ANSWER "{\"status\":\"ok\"}\n"

/* ---- the servers: each tells its port through the pipe and serves until it is killed ---- */

typedef void serve_fn(int tell);

static void tell_port(int tell, uint16_t port)
{
    if (write(tell, &port, sizeof(port)) != sizeof(port))
        _exit(1);
}

static void ours_answer(void *arg, const struct http_request *req, struct http_reply reply)
{
    http_reply_simple(reply, 200, "application/json", STR(ANSWER));
}

static void serve_ours(int tell)
{
    struct loop *l = loop_new(EVENT_UV, 0);
    struct http_server *s;
    struct err err;
    const struct http_server_config config = {.handler = ours_answer};
    if (http_server_open(l, &config, &s, &err))
        _exit(1);
    tell_port(tell, http_server_port(s));
    loop_run(l);
}

static enum MHD_Result mhd_answer(void *arg, struct MHD_Connection *c, const char *url,
                                  const char *method, const char *version, const char *data,
                                  size_t *size, void **state)
{
    struct MHD_Response *r =
        MHD_create_response_from_buffer(strlen(ANSWER), (void *)ANSWER, MHD_RESPMEM_PERSISTENT);
    MHD_add_response_header(r, "Content-Type", "application/json");
    enum MHD_Result ok = MHD_queue_response(c, 200, r);
    MHD_destroy_response(r);
    return ok;
}

static void serve_microhttpd(int tell)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct MHD_Daemon *d =
        MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD, 0, NULL, NULL, mhd_answer, NULL,
                         MHD_OPTION_SOCK_ADDR, &a, MHD_OPTION_END);
    if (!d)
        _exit(1);
    tell_port(tell, MHD_get_daemon_info(d, MHD_DAEMON_INFO_BIND_PORT)->port);
    for (;;)
        pause();
}

static int h2o_answer(h2o_handler_t *h, h2o_req_t *req)
{
    req->res.status = 200;
    req->res.reason = "OK";
    h2o_add_header(&req->pool, &req->res.headers, H2O_TOKEN_CONTENT_TYPE, NULL,
                   H2O_STRLIT("application/json"));
    h2o_send_inline(req, H2O_STRLIT(ANSWER));
    return 0;
}

static h2o_accept_ctx_t h2o_accepting;

static void h2o_connected(h2o_socket_t *listener, const char *err)
{
    h2o_socket_t *s = err ? NULL : h2o_evloop_socket_accept(listener);
    if (s)
        h2o_accept(&h2o_accepting, s);
}

static void serve_h2o(int tell)
{
    static h2o_globalconf_t config;
    static h2o_context_t context;
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(a);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&a, len) || listen(fd, 512) ||
        getsockname(fd, (struct sockaddr *)&a, &len))
        _exit(1);
    h2o_config_init(&config);
    h2o_hostconf_t *host =
        h2o_config_register_host(&config, h2o_iovec_init(H2O_STRLIT("default")), 65535);
    h2o_pathconf_t *path = h2o_config_register_path(host, "/", 0);
    h2o_create_handler(path, sizeof(h2o_handler_t))->on_req = h2o_answer;
    h2o_context_init(&context, h2o_evloop_create(), &config);
    h2o_accepting = (h2o_accept_ctx_t){.ctx = &context, .hosts = config.hosts};
    h2o_socket_t *listener = h2o_evloop_socket_create(context.loop, fd, H2O_SOCKET_FLAG_DONT_READ);
    h2o_socket_read_start(listener, h2o_connected);
    tell_port(tell, ntohs(a.sin_port));
    while (h2o_evloop_run(context.loop, INT32_MAX) == 0)
        ;
}

/* ---- the load ---- */

struct load {
    struct loop *loop;
    struct http_client *client;
    int asked, answered;
};

static void ask(struct load *o);

static void answered(void *arg, int rc, const struct http_response *resp, const struct err *err)
{
    struct load *o = arg;
    if (rc || resp->status != 200 || !str_is(resp->body, ANSWER)) {
        fprintf(stderr, "wrong answer: %s\n", rc ? err->text : "other status or body");
        exit(1);
    }
    if (++o->answered == REQUESTS)
        loop_stop(o->loop);
    else if (o->asked < REQUESTS)
        ask(o);
}

static void ask(struct load *o)
{
    const struct http_client_request r = {.method = METHOD_GET, .target = STR("/x")};
    o->asked++;
    http_client_send(o->client, &r, answered, o);
}

static void load(uint16_t port, enum http_protocol protocol)
{
    struct load o = {.loop = loop_new(EVENT_UV, 0)};
    struct err err;
    char url[64];
    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%u", port);
    const struct http_client_config config = {.url = str_of(url),
                                              .protocol = protocol,
                                              .connections_max = AT_ONCE};
    if (http_client_new(o.loop, &config, &o.client, &err)) {
        fprintf(stderr, "%s\n", err.text);
        exit(1);
    }
    for (int i = 0; i < AT_ONCE; i++)
        ask(&o);
    loop_run(o.loop);
    http_client_free(o.client);
    loop_run(o.loop);
    loop_free(o.loop);
}

static double cpu_of(const struct rusage *u)
{
    return (double)u->ru_utime.tv_sec + (double)u->ru_stime.tv_sec +
           (double)(u->ru_utime.tv_usec + u->ru_stime.tv_usec) / 1e6;
}

static void measure(const char *name, serve_fn *serve, enum http_protocol protocol)
{
    int tell[2];
    uint16_t port;
    struct rusage used;
    if (pipe(tell))
        exit(1);
    pid_t pid = fork();
    if (pid == 0) {
        close(tell[0]);
        serve(tell[1]);
        _exit(0);
    }
    close(tell[1]);
    if (pid < 0 || read(tell[0], &port, sizeof(port)) != sizeof(port))
        exit(1);
    close(tell[0]);
    usec from = time_monotonic_now();
    load(port, protocol);
    double s = (double)(time_monotonic_now() - from) / 1e6;
    kill(pid, SIGKILL);
    if (wait4(pid, NULL, 0, &used) != pid)
        exit(1);
    printf("%-16s %-8s %8.0f/s  %5.1f us of the server's processor each  %5ld KiB\n", name,
           protocol == HTTP_PROTOCOL_2 ? "HTTP/2" : "HTTP/1.1", REQUESTS / s,
           cpu_of(&used) * 1e6 / REQUESTS, used.ru_maxrss);
    (void)fflush(stdout);
}

int main(void)
{
    for (int i = 0; i < 3; i++) {
        measure("ours", serve_ours, HTTP_PROTOCOL_1);
        measure("libmicrohttpd", serve_microhttpd, HTTP_PROTOCOL_1);
        measure("libh2o", serve_h2o, HTTP_PROTOCOL_1);
        measure("ours", serve_ours, HTTP_PROTOCOL_2);
        measure("libh2o", serve_h2o, HTTP_PROTOCOL_2);
    }
    return 0;
}
