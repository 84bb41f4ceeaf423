/* microkube/serve.c */
#include "microkube/serve.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/digest.h"
#include "microkube/microkube.h"
#include "net/server.h"
#include "net/tls.h"

#define TOKEN_BYTES 32
#define CERT_DAYS 3650
#define DRAIN_US (200 * USEC_PER_MS)

struct microkube_server {
    struct loop *loop;
    struct microkube *mk;
    struct http_server *http;
    struct tls_context *tls;
    struct timer tick;
    struct arena arena;
    str token, ca_pem, host;
    void (*done)(void *arg);
    void *done_arg;
};

/* ---- what the core asks for ---- */

static usec core_now(void *arg) { return loop_wall(((struct microkube_server *)arg)->loop); }
static uint64_t core_random(void *arg)
{
    return loop_random(((struct microkube_server *)arg)->loop);
}

static void core_wake(void *arg, usec at)
{
    struct microkube_server *s = arg;
    usec delay = at - loop_wall(s->loop);
    timer_arm_in(&s->tick, delay > 0 ? delay : 0);
}

static void on_tick(void *arg)
{
    struct microkube_server *s = arg;
    microkube_tick(s->mk);
    usec next = microkube_next_at(s->mk);
    if (next)
        core_wake(s, next);
}

/* ---- watches ---- */

struct stream {
    struct microkube_server *server;
    struct http_reply reply;
    struct mk_watch *watch;
};

static bool stream_event(void *arg, str lines)
{
    struct stream *st = arg;
    if (http_reply_write(st->reply, lines) == 0)
        return true;
    http_reply_on_gone(st->reply, NULL, NULL);
    http_reply_abort(st->reply);
    free(st);
    return false;
}

static void stream_end(void *arg)
{
    struct stream *st = arg;
    http_reply_on_gone(st->reply, NULL, NULL);
    http_reply_end(st->reply, NULL, 0);
    free(st);
}

static const struct mk_watch_handler stream_handler = {stream_event, stream_end};

static void stream_gone(void *arg)
{
    struct stream *st = arg;
    microkube_unwatch(st->server->mk, st->watch);
    http_reply_abort(st->reply);
    free(st);
}

/* ---- requests ---- */

static size_t headers_of(const struct mk_response *res, struct http_header *h, size_t max,
                         struct arena *a)
{
    size_t n = 0;
    str rest = res->warning, line;
    h[n++] = (struct http_header){STR("Content-Type"), res->content_type};
    h[n++] = (struct http_header){STR("Cache-Control"), STR("no-cache, private")};
    while (rest.len && n < max && str_next(&rest, '\n', &line))
        h[n++] = (struct http_header){STR("Warning"), line};
    return n;
}

static bool is_open_path(str path)
{
    static const char *const open[] = {"/healthz", "/livez", "/readyz", "/version"};
    for (size_t i = 0; i < ARRAY_LEN(open); i++)
        if (str_is(path, open[i]))
            return true;
    return false;
}

/* Equal in time that does not depend on the place of the first difference. */
static bool same_secret(str x, str y)
{
    unsigned char diff = x.len != y.len;
    for (size_t i = 0; i < x.len && i < y.len; i++)
        diff |= (unsigned char)(x.at[i] ^ y.at[i]);
    return !diff;
}

static bool is_allowed(const struct microkube_server *s, const struct http_request *req)
{
    str h = http_header_find(&req->header, "Authorization");
    return is_open_path(req->path) ||
           (str_starts(h, STR("Bearer ")) && same_secret(str_from(h, strlen("Bearer ")), s->token));
}

static void start_watch(struct microkube_server *s, const struct mk_request *mr,
                        struct http_reply reply)
{
    struct arena *a = http_reply_arena(reply);
    struct stream *st = calloc(1, sizeof(*st));
    struct mk_response res;
    struct http_header h[16];
    if (!st)
        abort();
    *st = (struct stream){s, reply, NULL};
    microkube_watch(s->mk, mr, &stream_handler, st, a, &st->watch, &res);
    size_t n = headers_of(&res, h, ARRAY_LEN(h), a);
    if (!st->watch) {
        free(st);
        http_reply_send(reply, res.status, h, n, res.body);
        return;
    }
    http_reply_on_gone(reply, stream_gone, st);
    http_reply_start(reply, 200, h, n);
}

static void on_request(void *arg, const struct http_request *req, struct http_reply reply)
{
    struct microkube_server *s = arg;
    struct http_header h[64];
    struct mk_response res;
    struct arena *a = http_reply_arena(reply);
    if (!is_allowed(s, req)) {
        http_reply_simple(
            reply, 401, "application/json",
            STR("{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"metadata\":{},\"status\":\"Failure\","
                "\"message\":\"Unauthorized\",\"reason\":\"Unauthorized\",\"code\":401}\n"));
        return;
    }
    struct mk_request mr = {
        .method = req->method,
        .target = req->target,
        .accept = http_header_find(&req->header, "Accept"),
        .content_type = http_header_find(&req->header, "Content-Type"),
        .user_agent = http_header_find(&req->header, "User-Agent"),
        .body = req->body,
    };
    if (mk_request_is_watch(&mr)) {
        start_watch(s, &mr, reply);
        return;
    }
    microkube_request(s->mk, &mr, a, &res);
    size_t n = headers_of(&res, h, ARRAY_LEN(h), a);
    http_reply_send(reply, res.status, h, n, res.body);
}

/* ---- token and certificate, kept in the data folder ---- */

static bool read_small(struct arena *a, const char *path, str *ret)
{
    char text[16384];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t n = read(fd, text, sizeof(text));
    close(fd);
    if (n <= 0)
        return false;
    *ret = arena_str(a, str_mem(text, (size_t)n));
    return true;
}

static int write_small(const char *path, str text, struct err *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_errno(err, errno, "%s", path);
    ssize_t n = write(fd, text.at, text.len);
    int saved = errno;
    close(fd);
    return n == (ssize_t)text.len ? 0 : err_errno(err, saved, "%s", path);
}

static const char *data_path(struct microkube_server *s, const char *dir, const char *name)
{
    return arena_printf(&s->arena, "%s/%s", dir, name).at;
}

static int prepare_token(struct microkube_server *s, const struct microkube_server_config *config,
                         struct err *err)
{
    uint8_t raw[TOKEN_BYTES];
    if (config->token.len) {
        s->token = arena_str(&s->arena, config->token);
        return 0;
    }
    if (config->data_dir &&
        read_small(&s->arena, data_path(s, config->data_dir, "token"), &s->token))
        return 0;
    random_bytes(raw, sizeof(raw));
    s->token = hex_str(&s->arena, raw, sizeof(raw));
    return config->data_dir ? write_small(data_path(s, config->data_dir, "token"), s->token, err)
                            : 0;
}

static int make_certificate(struct microkube_server *s, const char *dir, str *ret_key,
                            struct err *err)
{
    static const str names[] = {STR_INIT("localhost"), STR_INIT("127.0.0.1"),
                                STR_INIT("kubernetes"), STR_INIT("kubernetes.default.svc")};
    CLEANUP(buf_done) struct buf cert = BUF_INIT, key = BUF_INIT;
    int rc =
        tls_self_signed(names, ARRAY_LEN(names), loop_wall(s->loop), CERT_DAYS, &cert, &key, err);
    if (rc < 0)
        return rc;
    s->ca_pem = arena_str(&s->arena, buf_str(&cert));
    *ret_key = arena_str(&s->arena, buf_str(&key));
    if (!dir)
        return 0;
    rc = write_small(data_path(s, dir, "server.key"), *ret_key, err);
    return rc < 0 ? rc : write_small(data_path(s, dir, "server.crt"), s->ca_pem, err);
}

static int prepare_tls(struct microkube_server *s, const struct microkube_server_config *config,
                       struct err *err)
{
    str key;
    const char *dir = config->data_dir;
    int rc = 0;
    if (!dir || !read_small(&s->arena, data_path(s, dir, "server.crt"), &s->ca_pem) ||
        !read_small(&s->arena, data_path(s, dir, "server.key"), &key))
        rc = make_certificate(s, dir, &key, err);
    return rc < 0 ? rc : tls_server_new(s->ca_pem, key, STR(""), &s->tls, err);
}

/* ---- open and close ---- */

static void free_server(struct microkube_server *s)
{
    timer_stop(&s->tick);
    microkube_close(s->mk);
    tls_context_unref(s->tls);
    arena_done(&s->arena);
    free(s);
}

static int listen_at(struct microkube_server *s, uint16_t port, struct err *err)
{
    struct http_server_config http = {.host = s->host.at,
                                      .port = port,
                                      .tls = s->tls,
                                      .handler = on_request,
                                      .arg = s,
                                      .stream_bytes_max = (size_t)512 << 20};
    return http_server_open(s->loop, &http, &s->http, err);
}

/* A free port stays the same over restarts when nobody else has taken it: kubeconfigs stay valid.
 */
static int listen_on(struct microkube_server *s, const struct microkube_server_config *config,
                     struct err *err)
{
    struct arena *a = &s->arena;
    const char *path = config->data_dir ? data_path(s, config->data_dir, "port") : NULL;
    str kept;
    uint64_t last = 0;
    if (!config->port && path && read_small(a, path, &kept) && str_to_u64(str_trim(kept), &last) &&
        last && last <= UINT16_MAX && listen_at(s, (uint16_t)last, NULL) == 0)
        return 0;
    int rc = listen_at(s, config->port, err);
    if (rc == 0 && path)
        rc = write_small(path, arena_printf(a, "%u\n", http_server_port(s->http)), err);
    return rc;
}

int microkube_server_open(const struct microkube_server_config *config,
                          struct microkube_server **ret, struct err *err)
{
    struct microkube_server *s = calloc(1, sizeof(*s));
    if (!s)
        abort();
    s->loop = config->loop;
    arena_init(&s->arena, ARENA_BYTES_DEFAULT);
    timer_init(&s->tick, s->loop, on_tick, s);
    s->host = arena_str(&s->arena, str_of(config->host ? config->host : "127.0.0.1"));
    struct microkube_config core = {.data_dir = config->data_dir,
                                    .now = core_now,
                                    .random = core_random,
                                    .wake = core_wake,
                                    .arg = s,
                                    .no_workloads = config->no_workloads};
    int rc = microkube_open(&core, &s->mk, err);
    if (rc == 0)
        rc = prepare_token(s, config, err);
    if (rc == 0 && !config->plain)
        rc = prepare_tls(s, config, err);
    if (rc == 0) {
        microkube_root_ca(s->mk, s->ca_pem);
        rc = listen_on(s, config, err);
    }
    if (rc < 0) {
        free_server(s);
        return rc;
    }
    *ret = s;
    return 0;
}

static void on_stopped(void *arg)
{
    struct microkube_server *s = arg;
    void (*done)(void *) = s->done;
    void *done_arg = s->done_arg;
    free_server(s);
    if (done)
        done(done_arg);
}

void microkube_server_close(struct microkube_server *s, void (*done)(void *arg), void *arg)
{
    s->done = done;
    s->done_arg = arg;
    microkube_end_watches(s->mk);
    http_server_stop(s->http, DRAIN_US, on_stopped, s);
}

struct microkube *microkube_server_core(struct microkube_server *s) { return s->mk; }
uint16_t microkube_server_port(const struct microkube_server *s)
{
    return http_server_port(s->http);
}
str microkube_server_token(const struct microkube_server *s) { return s->token; }

void microkube_server_kubeconfig(const struct microkube_server *s, struct buf *out)
{
    buf_printf(out,
               "apiVersion: v1\nkind: Config\ncurrent-context: microkube\nclusters:\n- name: "
               "microkube\n  cluster:\n"
               "    server: http%s://%.*s:%u\n",
               s->tls ? "s" : "", STR_FMT(s->host), microkube_server_port(s));
    if (s->tls) {
        buf_addz(out, "    certificate-authority-data: ");
        base64_add(out, s->ca_pem);
        buf_addc(out, '\n');
    }
    buf_printf(out,
               "contexts:\n- name: microkube\n  context:\n    cluster: microkube\n    user: "
               "microkube\nusers:\n"
               "- name: microkube\n  user:\n    token: %.*s\n",
               STR_FMT(s->token));
}
