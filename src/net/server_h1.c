/* net/server_h1.c: the HTTP/1.1 side of the server; see server_impl.h.
 *
 * Input is kept in `pending` and parsed only while no request is being answered, so pipelined
 * requests wait their turn and cost at most PIPELINE_BYTES_MAX; past that the socket is not read. A
 * request is one exchange from its first byte. Whatever is wrong with the input is answered once
 * and the connection closed: after an error nothing says where the next request would begin. */
#include <http_parser.h>

#include "net/server_impl.h"

struct h1 {
    struct server_conn *sc;
    http_parser parser;
    struct exchange *x; /* being read or answered */
    struct buf url, name, value, pending;
    struct timer next; /* run the next pipelined request, from an empty stack */
    bool in_value, running, keep_alive, chunked, closing;
};

static struct h1 *h1_of(http_parser *p) { return p->data; }

static bool busy(const struct h1 *h) { return h->x && h->x->state != EXCHANGE_READING; }

/* ---- parsing ---- */

static int on_message_begin(http_parser *p)
{
    struct h1 *h = h1_of(p);
    struct server_conn *sc = h->sc;
    h->x = exchange_new(sc);
    sc->reading_since = loop_now(sc->server->loop);
    buf_reset(&h->url);
    buf_reset(&h->name);
    buf_reset(&h->value);
    h->in_value = false;
    server_conn_touch(sc);
    return 0;
}

static int on_url(http_parser *p, const char *at, size_t n)
{
    struct h1 *h = h1_of(p);
    buf_add(&h->url, (str){at, n});
    if (h->url.overflow || h->url.len > h->sc->server->config.header_bytes_max)
        h->x->refuse_status = 414;
    return h->x->refuse_status ? -1 : 0;
}

static void finish_field(struct h1 *h)
{
    if (h->in_value)
        exchange_header(h->x, buf_str(&h->name), str_trim(buf_str(&h->value)));
    h->in_value = false;
    buf_reset(&h->name);
    buf_reset(&h->value);
}

static int add_field(struct h1 *h, struct buf *to, const char *at, size_t n)
{
    buf_add(to, (str){at, n});
    if (to->overflow || to->len > h->sc->server->config.header_bytes_max)
        h->x->refuse_status = 431;
    return h->x->refuse_status ? -1 : 0;
}

static int on_header_field(http_parser *p, const char *at, size_t n)
{
    struct h1 *h = h1_of(p);
    if (h->in_value)
        finish_field(h);
    return add_field(h, &h->name, at, n);
}

static int on_header_value(http_parser *p, const char *at, size_t n)
{
    struct h1 *h = h1_of(p);
    h->in_value = true;
    return add_field(h, &h->value, at, n);
}

static size_t count_headers(const struct http_headers *l, const char *name)
{
    size_t n = 0;
    for (size_t i = 0; i < l->n; i++)
        n += str_ieq(l->at[i].name, str_of(name));
    return n;
}

static int on_headers_complete(http_parser *p)
{
    struct h1 *h = h1_of(p);
    struct exchange *x = h->x;
    struct http_request *r = &x->req;
    finish_field(h);
    p->upgrade = 0; /* nothing is upgraded here: an offer to is ignored, CONNECT is refused */
    r->version = p->http_major * 10 + p->http_minor;
    r->method = method_parse(str_of(http_method_str((enum http_method)p->method)));
    exchange_target(x, buf_str(&h->url));
    r->authority = http_header_find(&r->header, "host");
    size_t hosts = count_headers(&r->header, "host");
    if (r->version < 10 || r->version > 11)
        x->refuse_status = 505;
    else if (hosts > 1 || (hosts == 0 && r->version == 11))
        x->refuse_status = 400;
    bool sized = p->content_length != UINT64_MAX && !(p->flags & F_CHUNKED);
    if (sized && p->content_length > h->sc->server->config.body_bytes_max)
        x->refuse_status = 413;
    if (x->refuse_status)
        return -1;
    if (r->version == 11 && str_ieq(http_header_find(&r->header, "expect"), STR("100-continue")))
        conn_write(h->sc->conn, STR("HTTP/1.1 100 Continue\r\n\r\n"));
    return 0;
}

static int on_body(http_parser *p, const char *at, size_t n)
{
    struct h1 *h = h1_of(p);
    exchange_body(h->x, (str){at, n});
    return h->x->refuse_status ? -1 : 0;
}

static int on_message_complete(http_parser *p)
{
    struct h1 *h = h1_of(p);
    h->keep_alive = http_should_keep_alive(p) != 0;
    h->x->state = EXCHANGE_ASKED; /* dispatched when the parser has returned */
    http_parser_pause(p, 1);
    return 0;
}

static const http_parser_settings settings = {
    .on_message_begin = on_message_begin,
    .on_url = on_url,
    .on_header_field = on_header_field,
    .on_header_value = on_header_value,
    .on_headers_complete = on_headers_complete,
    .on_body = on_body,
    .on_message_complete = on_message_complete,
};

/* Answer without a handler and close. Nothing is said when an answer is already under way. */
static void refuse(struct server_conn *sc, int status)
{
    struct h1 *h = sc->session;
    char head[256];
    const char *text = http_status_text(status);
    if (h->closing || (h->x && h->x->state == EXCHANGE_STARTED))
        return;
    h->closing = true;
    int n = snprintf(head, sizeof(head),
                     "HTTP/1.1 %d %s\r\nContent-Type: text/plain; charset=utf-8\r\n"
                     "Connection: close\r\nContent-Length: %zu\r\n\r\n%s",
                     status, text, strlen(text), text);
    conn_write(sc->conn, (str){head, (size_t)n});
}

static void run(struct server_conn *sc)
{
    struct h1 *h = sc->session;
    if (h->running)
        return;
    h->running = true;
    while (!sc->dead && !h->closing && !busy(h) && h->pending.len) {
        size_t n = http_parser_execute(&h->parser, &settings, h->pending.at, h->pending.len);
        enum http_errno e = HTTP_PARSER_ERRNO(&h->parser);
        buf_consume(&h->pending, MIN_OF(n, h->pending.len));
        if (e == HPE_PAUSED) {
            http_parser_pause(&h->parser, 0);
            sc->reading_since = 0;
            exchange_dispatch(h->x);
        } else if (e != HPE_OK) {
            int status = h->x && h->x->refuse_status ? h->x->refuse_status : 400;
            refuse(sc, e == HPE_HEADER_OVERFLOW ? 431 : status);
            server_conn_close(sc, true);
        }
    }
    h->running = false;
    if (!sc->dead)
        conn_pause(sc->conn, h->pending.len >= PIPELINE_BYTES_MAX);
}

static void run_next(void *arg) { run(arg); }

static void h1_input(struct server_conn *sc, str bytes)
{
    struct h1 *h = sc->session;
    if (h->closing)
        return;
    buf_add(&h->pending, bytes);
    run(sc);
}

/* ---- answering ---- */

static void add_header(struct buf *out, str name, str value)
{
    if (!http_header_is_clean(name) || !http_header_is_clean(value))
        return; /* would let a value forge fields or a second answer */
    buf_add(out, name);
    buf_add(out, STR(": "));
    buf_add(out, value);
    buf_add(out, STR("\r\n"));
}

static void h1_start(struct exchange *x, int status, const struct http_header *field, size_t n,
                     int64_t body_bytes)
{
    struct server_conn *sc = x->sc;
    struct h1 *h = sc->session;
    char date[40];
    CLEANUP(buf_done) struct buf out = BUF_INIT;
    buf_printf(&out, "HTTP/1.1 %d %s\r\n", status, http_status_text(status));
    for (size_t i = 0; i < n; i++)
        if (!http_header_is_hop(field[i].name))
            add_header(&out, field[i].name, field[i].value);
    add_header(&out, STR("Date"), http_date(sc->server->loop, date));
    h->chunked = body_bytes < 0 && x->req.version == 11 && x->req.method != METHOD_HEAD;
    if (sc->going_away || (body_bytes < 0 && x->req.version == 10))
        h->keep_alive = false;
    if (body_bytes >= 0 && status != 204 && status != 304)
        buf_printf(&out, "Content-Length: %lld\r\n", (long long)body_bytes);
    if (h->chunked)
        buf_add(&out, STR("Transfer-Encoding: chunked\r\n"));
    if (!h->keep_alive)
        buf_add(&out, STR("Connection: close\r\n"));
    else if (x->req.version == 10)
        buf_add(&out, STR("Connection: keep-alive\r\n"));
    buf_add(&out, STR("\r\n"));
    conn_write(sc->conn, buf_str(&out));
    server_conn_touch(sc);
}

static void h1_write(struct exchange *x, str bytes)
{
    struct h1 *h = x->sc->session;
    char head[24];
    if (h->chunked) {
        int n = snprintf(head, sizeof(head), "%zx\r\n", bytes.len);
        conn_write(x->sc->conn, (str){head, (size_t)n});
    }
    conn_write(x->sc->conn, bytes);
    if (h->chunked)
        conn_write(x->sc->conn, STR("\r\n"));
    server_conn_touch(x->sc);
}

static void h1_end(struct exchange *x, const struct http_header *trailer, size_t n)
{
    struct server_conn *sc = x->sc;
    struct h1 *h = sc->session;
    if (h->chunked) {
        CLEANUP(buf_done) struct buf out = BUF_INIT;
        buf_add(&out, STR("0\r\n"));
        if (str_ieq(http_header_find(&x->req.header, "te"), STR("trailers")))
            for (size_t i = 0; i < n; i++)
                add_header(&out, trailer[i].name, trailer[i].value);
        buf_add(&out, STR("\r\n"));
        conn_write(sc->conn, buf_str(&out));
    }
    h->x = NULL;
    exchange_release(x);
    if (!h->keep_alive || sc->going_away) {
        server_conn_close(sc, true);
        return;
    }
    if (!h->running && h->pending.len)
        timer_arm_in(&h->next, 0);
    server_conn_touch(sc);
}

static void h1_abort(struct exchange *x) { server_conn_close(x->sc, false); }

static size_t h1_queued(const struct exchange *x) { return conn_queued(x->sc->conn); }

static void h1_drained(struct server_conn *sc)
{
    struct h1 *h = sc->session;
    if (h->x)
        exchange_note_queue(h->x);
}

static void h1_go_away(struct server_conn *sc)
{
    struct h1 *h = sc->session;
    sc->going_away = true;
    if (!h->x)
        server_conn_close(sc, true);
}

static void h1_free(struct server_conn *sc)
{
    struct h1 *h = sc->session;
    timer_stop(&h->next);
    buf_done(&h->url);
    buf_done(&h->name);
    buf_done(&h->value);
    buf_done(&h->pending);
    free(h);
}

const struct session_ops h1_ops = {h1_input,  h1_start,   h1_write,   h1_end, h1_abort,
                                   h1_queued, h1_drained, h1_go_away, refuse, h1_free};

void h1_open(struct server_conn *sc)
{
    struct h1 *h = calloc(1, sizeof(*h));
    if (!h)
        abort();
    h->sc = sc;
    sc->session = h;
    http_parser_init(&h->parser, HTTP_REQUEST);
    h->parser.data = h;
    size_t max = sc->server->config.header_bytes_max;
    buf_init(&h->url, max + 1);
    buf_init(&h->name, max + 1);
    buf_init(&h->value, max + 1);
    buf_init(&h->pending, PIPELINE_BYTES_MAX + 2 * 65536);
    timer_init(&h->next, sc->server->loop, run_next, sc);
}
