/* net/server.c: listener, connections, exchanges, deadlines, and the public reply functions; see
 * server.h and server_impl.h. */
#include "net/server_impl.h"

static const char h2_preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/* ---- exchanges ---- */

static void slot_take(struct http_server *s, struct exchange *x)
{
    if (!s->free_slot) {
        size_t n = s->n_slots ? s->n_slots * 2 : 16;
        s->slots = realloc(s->slots, n * sizeof(*s->slots));
        if (!s->slots)
            abort();
        for (size_t i = s->n_slots; i < n; i++)
            s->slots[i] = (struct slot){.gen = 1, .next_free = i + 1 < n ? (uint32_t)i + 2 : 0};
        s->free_slot = (uint32_t)s->n_slots + 1;
        s->n_slots = n;
    }
    uint32_t i = s->free_slot - 1;
    s->free_slot = s->slots[i].next_free;
    s->slots[i].x = x;
    x->slot = i;
    x->gen = s->slots[i].gen;
}

static void slot_give(struct http_server *s, struct exchange *x)
{
    struct slot *slot = &s->slots[x->slot];
    if (slot->x != x || slot->gen != x->gen)
        return;
    slot->x = NULL;
    slot->gen++;
    slot->next_free = s->free_slot;
    s->free_slot = x->slot + 1;
}

static struct exchange *reply_find(struct http_reply r)
{
    if (!r.server || r.gen == 0 || r.slot >= r.server->n_slots)
        return NULL;
    struct slot *slot = &r.server->slots[r.slot];
    return slot->gen == r.gen ? slot->x : NULL;
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
    slot_take(s, x);
    x->next = sc->exchanges;
    if (x->next)
        x->next->prev = x;
    sc->exchanges = x;
    sc->n_exchanges++;
    s->n_exchanges++;
    sc->idle_since = 0;
    return x;
}

static void server_finish(struct http_server *s);

static void exchange_free(struct exchange *x)
{
    struct http_server *s = x->server;
    slot_give(s, x);
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
    *n = (struct gone_note){x->server, x->slot, x->gen};
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
    slot_give(x->server, x);
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
    return (struct http_reply){x->server, x->slot, x->gen};
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

/* ---- connections ---- */

static void conn_deadline(void *arg);

struct server_conn *server_conn_new(struct http_server *s, struct conn *c)
{
    struct server_conn *sc = calloc(1, sizeof(*sc));
    if (!sc)
        abort();
    sc->server = s;
    sc->conn = c;
    buf_init(&sc->first, 65536 * 2);
    timer_init(&sc->timer, s->loop, conn_deadline, sc);
    sc->idle_since = sc->reading_since = loop_now(s->loop);
    sc->next = s->conns;
    if (sc->next)
        sc->next->prev = sc;
    s->conns = sc;
    s->n_conns++;
    server_conn_touch(sc);
    return sc;
}

static void free_sc(void *arg)
{
    struct server_conn *sc = arg;
    struct http_server *s = sc->server;
    if (sc->ops)
        sc->ops->free(sc);
    buf_done(&sc->first);
    free(sc);
    s->defers--;
    if (s->stopping)
        server_finish(s);
}

void server_conn_close(struct server_conn *sc, bool flush)
{
    struct http_server *s = sc->server;
    if (sc->dead)
        return;
    sc->dead = true;
    timer_stop(&sc->timer);
    conn_close(sc->conn, flush);
    sc->conn = NULL;
    while (sc->exchanges)
        exchange_release(sc->exchanges);
    if (sc->prev)
        sc->prev->next = sc->next;
    else
        s->conns = sc->next;
    if (sc->next)
        sc->next->prev = sc->prev;
    s->n_conns--;
    s->defers++;
    loop_defer(s->loop, free_sc, sc); /* a protocol may be on the stack */
}

static usec earlier(usec a, usec b) { return a == 0 || (b && b < a) ? b : a; }

/* When the connection must be looked at again; 0: never. */
static usec next_deadline(const struct server_conn *sc)
{
    const struct http_server_config *c = &sc->server->config;
    usec at = 0;
    if (sc->reading_since)
        at = earlier(at, sc->reading_since + c->request_timeout_us);
    if (sc->idle_since)
        at = earlier(at, sc->idle_since + c->idle_timeout_us);
    if (conn_queued(sc->conn))
        at = earlier(at, sc->conn->progress_at + c->write_timeout_us);
    for (const struct exchange *x = sc->exchanges; x; x = x->next) {
        if (x->state == EXCHANGE_READING)
            at = earlier(at, x->began_at + c->request_timeout_us);
        if (outq_len(&x->out) || x->ended)
            at = earlier(at, x->out_progress_at + c->write_timeout_us);
    }
    return at;
}

/* Re-arm only towards an earlier instant: the callback looks again. */
void server_conn_touch(struct server_conn *sc)
{
    const struct http_server_config *c = &sc->server->config;
    usec soonest = loop_now(sc->server->loop) +
                   MIN_OF(MIN_OF(c->request_timeout_us, c->idle_timeout_us), c->write_timeout_us);
    if (!sc->dead && (!timer_armed(&sc->timer) || sc->timer.at > soonest))
        timer_arm(&sc->timer, soonest);
}

static void expire_exchanges(struct server_conn *sc, usec now)
{
    const struct http_server_config *c = &sc->server->config;
    for (struct exchange *x = sc->exchanges, *next; x && !sc->dead; x = next) {
        next = x->next;
        bool slow_in = x->state == EXCHANGE_READING && now >= x->began_at + c->request_timeout_us;
        /* an answer the peer does not take, or a peer that goes on sending after its answer */
        bool slow_out =
            (outq_len(&x->out) || x->ended) && now >= x->out_progress_at + c->write_timeout_us;
        if ((slow_in || slow_out) && sc->ops)
            sc->ops->abort(x);
    }
}

static void conn_deadline(void *arg)
{
    struct server_conn *sc = arg;
    const struct http_server_config *c = &sc->server->config;
    usec now = loop_now(sc->server->loop);
    if (sc->reading_since && now >= sc->reading_since + c->request_timeout_us) {
        if (sc->ops)
            sc->ops->refuse(sc, 408);
        server_conn_close(sc, true);
        return;
    }
    bool idle = sc->idle_since && now >= sc->idle_since + c->idle_timeout_us;
    bool stuck = conn_queued(sc->conn) && now >= sc->conn->progress_at + c->write_timeout_us;
    if (idle || stuck) {
        server_conn_close(sc, idle && !stuck);
        return;
    }
    expire_exchanges(sc, now);
    if (!sc->dead) {
        usec at = next_deadline(sc);
        if (at)
            timer_arm(&sc->timer, MAX_OF(at, now + 1000));
    }
}

static void open_protocol(struct server_conn *sc, bool h2)
{
    sc->ops = h2 ? &h2_ops : &h1_ops;
    if (h2)
        h2_open(sc);
    else
        h1_open(sc);
    if (sc->server->stopping && !sc->dead)
        sc->ops->go_away(sc);
}

static void on_ready(void *owner)
{
    struct server_conn *sc = owner;
    if (conn_is_h2(sc->conn))
        open_protocol(sc, true);
}

/* The preface decides; a client that sends less than four bytes waits for its deadline. */
static void detect(struct server_conn *sc, str bytes)
{
    size_t preface_len = sizeof(h2_preface) - 1;
    buf_add(&sc->first, bytes);
    str got = buf_str(&sc->first);
    size_t n = MIN_OF(got.len, preface_len);
    bool may_be_h2 = memcmp(got.at, h2_preface, n) == 0;
    if (may_be_h2 && n < preface_len)
        return;
    open_protocol(sc, may_be_h2);
    if (!sc->dead)
        sc->ops->input(sc, got);
    buf_done(&sc->first);
}

static void on_input(void *owner, str bytes)
{
    struct server_conn *sc = owner;
    if (sc->dead)
        return;
    if (sc->ops)
        sc->ops->input(sc, bytes);
    else
        detect(sc, bytes);
}

static void on_drained(void *owner)
{
    struct server_conn *sc = owner;
    if (sc->dead || !sc->ops)
        return;
    sc->ops->drained(sc);
}

static void on_conn_closed(void *owner, const struct err *err)
{
    (void)err;
    server_conn_close(owner, true);
}

const struct conn_ops server_conn_ops = {on_ready, on_input, on_drained, on_conn_closed};

static void on_connection(uv_stream_t *listener, int status)
{
    struct http_server *s = listener->data;
    struct err err;
    if (status < 0)
        return;
    struct conn *c = conn_new(s->loop, s->tls, NULL, &server_conn_ops, NULL);
    if (conn_accept(c, listener, &err) || s->stopping || s->n_conns >= s->config.connections_max) {
        conn_close(c, false);
        return;
    }
    struct server_conn *sc = server_conn_new(s, c);
    c->owner = sc;
    conn_peer(c, sc->peer, sizeof(sc->peer));
}

/* ---- the server ---- */

static void defaults(struct http_server_config *c)
{
    c->host = c->host ? c->host : "127.0.0.1";
    c->header_bytes_max = c->header_bytes_max ? c->header_bytes_max : (size_t)64 << 10;
    c->body_bytes_max = c->body_bytes_max ? c->body_bytes_max : (size_t)4 << 20;
    c->stream_bytes_max = c->stream_bytes_max ? c->stream_bytes_max : (size_t)8 << 20;
    c->connections_max = c->connections_max ? c->connections_max : 4096;
    c->streams_max = c->streams_max ? c->streams_max : 1000;
    c->request_timeout_us = c->request_timeout_us ? c->request_timeout_us : 30 * USEC_PER_SEC;
    c->idle_timeout_us = c->idle_timeout_us ? c->idle_timeout_us : 120 * USEC_PER_SEC;
    c->write_timeout_us = c->write_timeout_us ? c->write_timeout_us : 60 * USEC_PER_SEC;
}

static void on_listener_closed(uv_handle_t *h)
{
    struct http_server *s = h->data;
    s->freed_listener = true;
    server_finish(s);
}

static int listen_on(struct http_server *s, struct err *err)
{
    struct sockaddr_storage a;
    const struct http_server_config *c = &s->config;
    if (uv_ip4_addr(c->host, c->port, (struct sockaddr_in *)&a) &&
        uv_ip6_addr(c->host, c->port, (struct sockaddr_in6 *)&a))
        return err_set(err, ERR_INVALID, "listen address '%s' is not a numeric IP address",
                       c->host);
    int rc = uv_tcp_bind(&s->listener, (const struct sockaddr *)&a, 0);
    if (rc == 0)
        rc = uv_listen((uv_stream_t *)&s->listener, 512, on_connection);
    if (rc)
        return err_set(err, rc == UV_EADDRINUSE ? ERR_EXISTS : ERR_IO,
                       "listening on %s port %u: %s", c->host, c->port, uv_strerror(rc));
    return 0;
}

int http_server_open(struct loop *l, const struct http_server_config *config,
                     struct http_server **ret, struct err *err)
{
    struct http_server *s = calloc(1, sizeof(*s));
    if (!s)
        abort();
    s->loop = l;
    s->config = *config;
    defaults(&s->config);
    s->tls = tls_context_ref(config->tls);
    if (!loop_uv(l)) { /* sim: no sockets */
        s->freed_listener = true;
        *ret = s;
        return 0;
    }
    if (uv_tcp_init(loop_uv(l), &s->listener))
        abort();
    s->listener.data = s;
    s->listening = true;
    int rc = listen_on(s, err);
    if (rc) {
        http_server_stop(s, 0, NULL, NULL);
        return rc;
    }
    *ret = s;
    return 0;
}

uint16_t http_server_port(const struct http_server *s)
{
    struct sockaddr_storage a;
    int len = sizeof(a);
    if (!s->listening || uv_tcp_getsockname(&s->listener, (struct sockaddr *)&a, &len))
        return 0;
    return ntohs(((const struct sockaddr_in *)&a)->sin_port); /* same place in sockaddr_in6 */
}

size_t http_server_connections(const struct http_server *s) { return s->n_conns; }

static void finish_now(void *arg)
{
    struct http_server *s = arg;
    void (*done)(void *) = s->done;
    void *done_arg = s->done_arg;
    tls_context_unref(s->tls);
    free(s->slots);
    free(s);
    if (done)
        done(done_arg);
}

/* Everything is gone: free on a later turn (a reply function may be on the stack). */
static void server_finish(struct http_server *s)
{
    if (!s->stopping || s->finished || !s->freed_listener || s->n_conns || s->n_exchanges ||
        s->defers)
        return;
    s->finished = true;
    timer_stop(&s->grace);
    loop_defer(s->loop, finish_now, s);
}

static void grace_over(void *arg)
{
    struct http_server *s = arg;
    while (s->conns)
        server_conn_close(s->conns, false);
}

void http_server_stop(struct http_server *s, usec grace_us, void (*done)(void *arg), void *arg)
{
    if (s->stopping)
        return;
    s->stopping = true;
    s->done = done;
    s->done_arg = arg;
    if (s->listening) {
        s->listening = false;
        uv_close((uv_handle_t *)&s->listener, on_listener_closed);
    }
    timer_init(&s->grace, s->loop, grace_over, s);
    for (struct server_conn *sc = s->conns, *next; sc; sc = next) {
        next = sc->next;
        sc->going_away = true;
        if (!sc->ops)
            server_conn_close(sc, false);
        else
            sc->ops->go_away(sc);
    }
    if (s->conns)
        timer_arm_in(&s->grace, grace_us);
    server_finish(s);
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
