/* net/server_conn.c: the server's connections, their protocol and their deadlines; see
 * server_impl.h. */
#include "net/server_impl.h"

static const char h2_preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

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
