/* net/server.c: the listener, and the end of a server; see server.h and server_impl.h. */
#include "net/server_impl.h"

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
    handles_done(&s->handles);
    free(s);
    if (done)
        done(done_arg);
}

/* Everything is gone: free on a later turn (a reply function may be on the stack). */
void server_finish(struct http_server *s)
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
