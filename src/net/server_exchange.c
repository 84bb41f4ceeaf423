/* net/server_exchange.c: one request with its answer, and the public reply functions; see server.h
 * and server_impl.h. */
#include "net/server_impl.h"

/* ---- exchanges ---- */

static struct exchange *reply_find(struct http_reply r)
{
    return r.server ? handles_find(&r.server->handles, (struct handle){r.slot, r.gen}) : NULL;
}

struct exchange *exchange_new(struct server_conn *sc)
{
    struct http_server *s = sc->server;
    struct exchange *x = calloc(1, sizeof(*x));
    if (!x)
        abort();
    x->server = s;
    x->sc = sc;
    x->began_at = loop_now(s->loop);
    arena_init(&x->arena, EXCHANGE_ARENA_BYTES_MAX);
    buf_init(&x->body, s->config.body_bytes_max);
    buf_init(&x->out.buf, CONN_WRITE_BYTES_MAX);
    x->req.peer = str_of(sc->peer);
    x->req.tls = s->tls != NULL;
    x->handle = handles_take(&s->handles, x);
    x->next = sc->exchanges;
    if (x->next)
        x->next->prev = x;
    sc->exchanges = x;
    sc->n_exchanges++;
    s->n_exchanges++;
    sc->idle_since = 0;
    return x;
}

static void exchange_free(struct exchange *x)
{
    struct http_server *s = x->server;
    handles_give(&s->handles, x->handle);
    buf_done(&x->body);
    buf_done(&x->out.buf);
    arena_done(&x->arena);
    free(x);
    s->n_exchanges--;
    if (s->stopping)
        server_finish(s);
}

static void free_when_through(struct exchange *x)
{
    if (x->ended && !x->sc)
        exchange_free(x);
}

struct gone_note {
    struct http_server *server;
    uint32_t slot, gen;
};

static void tell_gone(void *arg)
{
    struct gone_note *n = arg;
    struct http_server *s = n->server;
    struct exchange *x = reply_find((struct http_reply){s, n->slot, n->gen});
    s->defers--;
    if (x && !x->ended && !x->told_gone && x->on_gone) {
        x->told_gone = true;
        x->on_gone(x->gone_arg);
    }
    free(n);
    if (s->stopping)
        server_finish(s);
}

static void gone_later(struct exchange *x)
{
    struct gone_note *n = calloc(1, sizeof(*n));
    if (!n)
        abort();
    *n = (struct gone_note){x->server, x->handle.slot, x->handle.gen};
    x->server->defers++;
    loop_defer(x->server->loop, tell_gone, n);
}

void exchange_release(struct exchange *x)
{
    struct server_conn *sc = x->sc;
    if (!sc)
        return;
    if (x->prev)
        x->prev->next = x->next;
    else
        sc->exchanges = x->next;
    if (x->next)
        x->next->prev = x->prev;
    x->next = x->prev = NULL;
    x->sc = NULL;
    if (--sc->n_exchanges == 0)
        sc->idle_since = loop_now(sc->server->loop);
    if (!x->dispatched)
        x->ended = true; /* no handler ever saw it */
    if (!x->ended && x->on_gone)
        gone_later(x);
    free_when_through(x);
}

/* The handler is through: its reply is stale from here on. */
static void exchange_end(struct exchange *x)
{
    x->ended = true;
    handles_give(&x->server->handles, x->handle);
    free_when_through(x);
}

/* Debian's http-parser is built lenient and lets blanks into names ("Content-Length : 5"): what two
 * servers may read differently is refused. */
static bool is_token(str name)
{
    for (size_t i = 0; i < name.len; i++) {
        unsigned char c = (unsigned char)name.at[i];
        if (c <= ' ' || c >= 0x7f || strchr("\"(),/:;<=>?@[\\]{}", c))
            return false;
    }
    return name.len > 0;
}

void exchange_header(struct exchange *x, str name, str value)
{
    if (!is_token(name) || !http_header_is_clean(value)) {
        x->refuse_status = 400;
        return;
    }
    x->header_bytes += name.len + value.len + 4;
    if (x->header_bytes > x->server->config.header_bytes_max ||
        x->req.header.n >= HTTP_HEADERS_MAX) {
        x->refuse_status = 431;
        return;
    }
    http_header_add(&x->arena, &x->req.header, arena_str(&x->arena, name),
                    arena_str(&x->arena, value));
}

void exchange_body(struct exchange *x, str bytes)
{
    if (x->refuse_status)
        return;
    buf_add(&x->body, bytes);
    if (x->body.overflow) {
        x->refuse_status = 413;
        buf_done(&x->body);
    }
}

void exchange_target(struct exchange *x, str target)
{
    x->header_bytes += target.len;
    if (x->header_bytes > x->server->config.header_bytes_max) {
        x->refuse_status = 414;
        return;
    }
    str copy = arena_str(&x->arena, target);
    if (str_starts(copy, STR("http://")) || str_starts(copy, STR("https://"))) {
        /* absolute form, as a proxy would send it */
        str rest = str_from(copy, (size_t)str_find(copy, STR("://")) + 3);
        ptrdiff_t slash = str_find_char(rest, '/');
        copy = slash < 0 ? STR("/") : str_from(rest, (size_t)slash);
    }
    http_target_split(copy, &x->req);
    bool asterisk = x->req.method == METHOD_OPTIONS && str_is(x->req.path, "*");
    if (!str_starts(x->req.path, STR("/")) && !asterisk)
        x->refuse_status = 400;
    for (size_t i = 0; i < copy.len; i++)
        if ((unsigned char)copy.at[i] <= ' ' || copy.at[i] == 0x7f)
            x->refuse_status = 400;
}

static struct http_reply reply_of(struct exchange *x)
{
    return (struct http_reply){x->server, x->handle.slot, x->handle.gen};
}

void exchange_dispatch(struct exchange *x)
{
    struct http_server *s = x->server;
    x->state = EXCHANGE_ASKED;
    x->dispatched = true;
    x->req.body = buf_str(&x->body);
    if (!x->req.body.at)
        x->req.body = STR("");
    if (!x->refuse_status && x->req.method == METHOD_OTHER)
        x->refuse_status = 405;
    if (x->refuse_status)
        http_reply_simple(reply_of(x), x->refuse_status, "text/plain; charset=utf-8",
                          str_of(http_status_text(x->refuse_status)));
    else
        s->config.handler(s->config.arg, &x->req, reply_of(x));
}

/* ---- replies ---- */

struct arena *http_reply_arena(struct http_reply r)
{
    struct exchange *x = reply_find(r);
    return x ? &x->arena : NULL;
}

bool http_reply_wanted(struct http_reply r)
{
    struct exchange *x = reply_find(r);
    return x && x->sc;
}

void http_reply_on_gone(struct http_reply r, void (*fn)(void *arg), void *arg)
{
    struct exchange *x = reply_find(r);
    if (!x)
        return;
    x->on_gone = fn;
    x->gone_arg = arg;
    if (!x->sc && fn && !x->told_gone)
        gone_later(x);
}

void http_reply_on_drain(struct http_reply r, void (*fn)(void *arg), void *arg)
{
    struct exchange *x = reply_find(r);
    if (!x)
        return;
    x->on_drain = fn;
    x->drain_arg = arg;
}

void http_reply_send(struct http_reply r, int status, const struct http_header *header,
                     size_t n_headers, str body)
{
    struct exchange *x = reply_find(r);
    if (!x)
        return;
    if (x->sc && x->state == EXCHANGE_ASKED) {
        const struct session_ops *ops = x->sc->ops;
        x->state = EXCHANGE_STARTED;
        ops->start(x, status, header, n_headers, (int64_t)body.len);
        bool bodyless = x->req.method == METHOD_HEAD || status == 204 || status == 304;
        if (x->sc && body.len && !bodyless)
            ops->write(x, body);
        if (x->sc)
            ops->end(x, NULL, 0);
    } else if (x->sc) {
        x->sc->ops->abort(x);
    }
    exchange_end(x);
}

void http_reply_simple(struct http_reply r, int status, const char *content_type, str body)
{
    struct http_header h = {STR("Content-Type"), str_of(content_type)};
    http_reply_send(r, status, &h, content_type ? 1 : 0, body);
}

void http_reply_start(struct http_reply r, int status, const struct http_header *header,
                      size_t n_headers)
{
    struct exchange *x = reply_find(r);
    if (!x || x->state != EXCHANGE_ASKED)
        return;
    x->state = EXCHANGE_STARTED;
    if (x->sc)
        x->sc->ops->start(x, status, header, n_headers, -1);
}

int http_reply_write(struct http_reply r, str bytes)
{
    struct exchange *x = reply_find(r);
    if (!x || !x->sc)
        return -ERR_CANCELED;
    if (x->req.method == METHOD_HEAD || bytes.len == 0)
        return 0;
    size_t queued = x->sc->ops->queued(x), max = x->server->config.stream_bytes_max;
    if (queued && queued + bytes.len > max) {
        x->above_drain = true;
        return -ERR_BUSY;
    }
    x->sc->ops->write(x, bytes);
    x->above_drain |= queued + bytes.len > max / 4;
    return 0;
}

size_t http_reply_queued(struct http_reply r)
{
    struct exchange *x = reply_find(r);
    return x && x->sc ? x->sc->ops->queued(x) : 0;
}

void exchange_note_queue(struct exchange *x)
{
    if (!x->above_drain || !x->sc || x->sc->ops->queued(x) > x->server->config.stream_bytes_max / 4)
        return;
    x->above_drain = false;
    if (x->on_drain && !x->ended)
        x->on_drain(x->drain_arg);
}

void http_reply_end(struct http_reply r, const struct http_header *trailer, size_t n_trailers)
{
    struct exchange *x = reply_find(r);
    if (!x)
        return;
    if (x->sc && x->state == EXCHANGE_STARTED)
        x->sc->ops->end(x, trailer, n_trailers);
    else if (x->sc)
        x->sc->ops->abort(x);
    exchange_end(x);
}

void http_reply_abort(struct http_reply r)
{
    struct exchange *x = reply_find(r);
    if (!x)
        return;
    if (x->sc && x->state == EXCHANGE_ASKED) {
        http_reply_simple(r, 500, "text/plain; charset=utf-8", STR("Internal Server Error"));
        return;
    }
    if (x->sc)
        x->sc->ops->abort(x);
    exchange_end(x);
}

str http_date(struct loop *l, char ret[40])
{
    static const char days[] = "SunMonTueWedThuFriSat";
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    struct time_parts p;
    time_split(loop_wall(l), &p);
    int n = snprintf(ret, 40, "%.3s, %02d %.3s %04d %02d:%02d:%02d GMT", days + p.weekday * 3,
                     p.day, months + (p.month - 1) * 3, p.year, p.hour, p.minute, p.second);
    return (str){ret, (size_t)n};
}
