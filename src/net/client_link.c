/* net/client_link.c: opening and closing the client's connections: names, addresses one after the
 * other, TLS, the choice of protocol, idle and ping clocks; see client_impl.h. */
#include "net/client_impl.h"

static void try_address(struct link *k, const struct err *last);

static void link_timer(void *arg);

static const char *host_of(const struct http_client *c) { return c->proxy ? c->proxy : c->host; }

static uint16_t port_of(const struct http_client *c)
{
    return c->proxy ? c->proxy_port : c->url.port;
}

static void ask_for_tunnel(struct link *k)
{
    struct http_client *c = k->client;
    bool v6 = strchr(c->host, ':') != NULL;
    CLEANUP(buf_done) struct buf out = BUF_INIT;
    k->tunneling = true;
    buf_init(&k->head, CLIENT_PROXY_HEAD_BYTES_MAX);
    buf_printf(&out, "CONNECT %s%s%s:%u HTTP/1.1\r\nHost: %s%s%s:%u\r\nUser-Agent: %s\r\n",
               v6 ? "[" : "", c->host, v6 ? "]" : "", c->url.port, v6 ? "[" : "", c->host,
               v6 ? "]" : "", c->url.port, c->user_agent);
    if (c->proxy_authorization)
        buf_printf(&out, "Proxy-Authorization: %s\r\n", c->proxy_authorization);
    buf_add(&out, STR("\r\n"));
    conn_write(k->conn, buf_str(&out));
}

static void proxy_failed(struct link *k, str why)
{
    struct err err = {0};
    err_set(&err, ERR_UNAVAILABLE, "the proxy does not connect: %.*s", STR_FMT(str_trim(why)));
    link_close(k, &err);
}

/* The proxy's answer: any 2xx opens the tunnel, nothing may follow before we speak. */
static void tunnel_input(struct link *k, str bytes)
{
    str line, status;
    buf_add(&k->head, bytes);
    if (k->head.overflow) {
        proxy_failed(k, STR("its answer has no end"));
        return;
    }
    ptrdiff_t end = str_find(buf_str(&k->head), STR("\r\n\r\n"));
    if (end < 0)
        return;
    (void)str_cut(buf_str(&k->head), '\r', &line, &(str){0});
    if (!str_starts(line, STR("HTTP/1.")) || !str_cut(line, ' ', &line, &status))
        proxy_failed(k, STR("its answer is not HTTP"));
    else if (!str_starts(status, STR("2")))
        proxy_failed(k, str_sub(status, 0, 200));
    else if ((size_t)end + 4 != k->head.len)
        proxy_failed(k, STR("it speaks before it is asked"));
    else
        conn_start_tls(k->conn, k->client->tls, k->client->host);
}

static void on_ready(void *owner)
{
    struct link *k = owner;
    struct http_client *c = k->client;
    if (k->dead)
        return;
    if (c->proxy && c->tls && !k->tunneling) {
        ask_for_tunnel(k);
        return;
    }
    bool h2 = c->protocol == HTTP_PROTOCOL_2 ||
              (c->protocol == HTTP_PROTOCOL_AUTO && c->tls && conn_is_h2(k->conn));
    k->ops = h2 ? &link_h2_ops : &link_h1_ops;
    c->known_h1 = !h2;
    c->n_opening--;
    k->input_at = loop_now(c->loop);
    k->ops->open(k);
    if (!k->dead)
        link_idle(k);
    client_pump_soon(c);
}

static void on_input(void *owner, str bytes)
{
    struct link *k = owner;
    if (!k->dead && !k->ops && k->tunneling)
        tunnel_input(k, bytes);
    if (k->dead || !k->ops)
        return;
    k->input_at = loop_now(k->client->loop);
    k->ping_at = 0;
    k->ops->input(k, bytes);
}

static void on_drained(void *owner)
{
    struct link *k = owner;
    if (!k->dead && k->ops)
        k->ops->drained(k);
}

static void drop_conn(struct link *k, bool flush)
{
    if (!k->conn)
        return;
    k->client->bytes_in += k->conn->bytes_in;
    k->client->bytes_out += k->conn->bytes_out;
    conn_close(k->conn, flush);
    k->conn = NULL;
}

/* This address did not work: the next, unless the peer answered and was not to be trusted. */
static void open_failed(struct link *k, const struct err *err)
{
    drop_conn(k, false);
    if (k->address)
        k->address = k->address->ai_next;
    if (k->address && err->kind != ERR_UNAUTHENTICATED)
        try_address(k, err);
    else
        link_close(k, err);
}

static void on_closed(void *owner, const struct err *err)
{
    struct link *k = owner;
    struct err closed = *err;
    if (k->dead)
        return;
    if (closed.kind == ERR_OK && !k->ops)
        err_set(&closed, ERR_UNAVAILABLE, "the connection was closed");
    if (!k->ops)
        open_failed(k, &closed);
    else
        k->ops->eof(k, &closed);
}

static const struct conn_ops link_conn_ops = {on_ready, on_input, on_drained, on_closed};

static void connect_to(struct link *k, const struct sockaddr *address)
{
    struct http_client *c = k->client;
    struct err err = {0};
    k->conn =
        conn_new(c->loop, c->proxy ? NULL : c->tls, c->proxy ? NULL : c->host, &link_conn_ops, k);
    if (conn_connect(k->conn, address, &err))
        open_failed(k, &err);
}

static void try_address(struct link *k, const struct err *last)
{
    if (k->address)
        connect_to(k, k->address->ai_addr);
    else
        link_close(k, last);
}

static void on_resolved(uv_getaddrinfo_t *r, int status, struct addrinfo *found)
{
    struct link *k = r->data;
    struct http_client *c = k->client;
    struct err err = {0};
    free(r);
    k->resolving = NULL;
    c->n_resolving--;
    k->addresses = k->address = found;
    if (k->dead) {
        client_pump_soon(c); /* was waiting for this to be freed */
    } else if (status < 0) {
        err_set(&err, ERR_UNAVAILABLE, "%s: %s", host_of(c), uv_strerror(status));
        link_close(k, &err);
    } else {
        try_address(k, &err);
    }
}

static void resolve(struct link *k)
{
    struct http_client *c = k->client;
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct err err = {0};
    char port[8];
    (void)snprintf(port, sizeof(port), "%u", port_of(c));
    k->resolving = calloc(1, sizeof(*k->resolving));
    if (!k->resolving)
        abort();
    k->resolving->data = k;
    int rc = uv_getaddrinfo(loop_uv(c->loop), k->resolving, on_resolved, host_of(c), port, &hints);
    if (rc == 0) {
        c->n_resolving++;
        return;
    }
    free(k->resolving);
    k->resolving = NULL;
    err_set(&err, ERR_UNAVAILABLE, "%s: %s", host_of(c), uv_strerror(rc));
    link_close(k, &err);
}

void link_open(struct http_client *c)
{
    struct sockaddr_storage a;
    struct link *k = calloc(1, sizeof(*k));
    if (!k)
        abort();
    k->client = c;
    k->next = c->links;
    if (k->next)
        k->next->prev = k;
    c->links = k;
    c->n_links++;
    c->n_opening++;
    c->opened++;
    timer_init(&k->timer, c->loop, link_timer, k);
    timer_arm_in(&k->timer, c->connect_timeout_us);
    if (uv_ip4_addr(host_of(c), port_of(c), (struct sockaddr_in *)&a) == 0 ||
        uv_ip6_addr(host_of(c), port_of(c), (struct sockaddr_in6 *)&a) == 0)
        connect_to(k, (const struct sockaddr *)&a);
    else
        resolve(k);
}

void link_close(struct link *k, const struct err *err)
{
    struct http_client *c = k->client;
    if (k->dead)
        return;
    bool opening = !k->ops;
    k->dead = true;
    timer_stop(&k->timer);
    drop_conn(k, !opening && err->kind == ERR_OK);
    if (k->prev)
        k->prev->next = k->next;
    else
        c->links = k->next;
    if (k->next)
        k->next->prev = k->prev;
    c->n_links--;
    while (k->calls.first)
        call_lost(k->calls.first, false, err);
    k->prev = NULL;
    k->next = c->dead_links;
    c->dead_links = k;
    if (opening) {
        c->n_opening--;
        if (c->n_links == c->n_opening) /* nothing that works: they would all fail the same way */
            client_fail_queue(c, err);
    }
    if (k->resolving)
        uv_cancel((uv_req_t *)k->resolving);
    client_pump_soon(c);
}

void link_free(struct link *k)
{
    struct http_client *c = k->client;
    if (k->resolving) { /* stays on the list of the dead until its answer comes */
        k->next = c->dead_links;
        c->dead_links = k;
        return;
    }
    if (k->ops)
        k->ops->free(k);
    if (k->addresses)
        uv_freeaddrinfo(k->addresses);
    buf_done(&k->head);
    free(k);
}

void link_busy(struct link *k)
{
    k->idle_since = 0;
    if (k->ops == &link_h2_ops)
        timer_arm_in(&k->timer, k->client->ping_us);
    else
        timer_stop(&k->timer);
}

void link_idle(struct link *k)
{
    struct err none = {0};
    if (k->draining) {
        link_close(k, &none);
        return;
    }
    k->idle_since = loop_now(k->client->loop);
    k->ping_at = 0;
    timer_arm_in(&k->timer, k->client->idle_timeout_us);
}

/* Opening took too long; or nobody used it; or (HTTP/2 with calls) it has been silent. */
static void link_timer(void *arg)
{
    struct link *k = arg;
    struct http_client *c = k->client;
    struct err err = {0};
    usec now = loop_now(c->loop);
    if (!k->ops) {
        err_set(&err, ERR_UNAVAILABLE, "no connection within %lld ms",
                (long long)(c->connect_timeout_us / USEC_PER_MS));
        link_close(k, &err);
    } else if (k->idle_since) {
        link_close(k, &err);
    } else if (k->ping_at) {
        err_set(&err, ERR_UNAVAILABLE, "the peer does not answer a ping");
        link_close(k, &err);
    } else if (now - k->input_at >= c->ping_us) {
        k->ping_at = now;
        timer_arm_in(&k->timer, c->ping_us);
        link_h2_ping(k);
    } else {
        timer_arm(&k->timer, k->input_at + c->ping_us);
    }
}
