/* net/conn.c: sockets and TLS; see the header.
 *
 * Writing is batched: conn_write only appends; one flush at the end of the turn hands everything to
 * the kernel, so an HTTP answer of several pieces is one packet and one TLS record. With TLS the
 * plain bytes go through SSL_write into a memory BIO; what comes out there is what is sent. One
 * uv_write is in flight at a time; what is appended meanwhile is the next. */
#include "net/conn.h"

#include <arpa/inet.h>
#include <openssl/err.h>

#define READ_BYTES 65536
#define TLS_READ_BYTES 16384

static void flush(struct conn *c);
static void shut(struct conn *c);
static void after_input(struct conn *c);

void outq_consume(struct outq *q, size_t n)
{
    q->from += n;
    if (q->from == q->buf.len) {
        buf_reset(&q->buf);
        q->from = 0;
    } else if (q->from > q->buf.len / 2 && q->from > 4096) {
        buf_consume(&q->buf, q->from);
        q->from = 0;
    }
}

static void linger_over(void *arg) { shut(arg); }

static void free_conn(struct conn *c)
{
    if (c->defers)
        return; /* the last deferred call frees */
    SSL_free(c->ssl);
    tls_context_unref(c->tls);
    buf_done(&c->out);
    buf_done(&c->sending);
    free(c->host);
    free(c);
}

static void on_uv_closed(uv_handle_t *h)
{
    struct conn *c = h->data;
    c->tcp.data = NULL;
    free_conn(c);
}

static void shut(struct conn *c)
{
    if (c->closing)
        return;
    c->closing = true;
    timer_stop(&c->linger);
    if (c->memory)
        free_conn(c);
    else
        uv_close((uv_handle_t *)&c->tcp, on_uv_closed);
}

struct closed_note {
    struct conn *conn;
    struct err err;
};

static void tell_closed(void *arg)
{
    struct closed_note *n = arg;
    struct conn *c = n->conn;
    c->defers--;
    if (c->owner)
        c->ops->closed(c->owner, &n->err);
    else if (c->closing && (c->memory || !c->tcp.data))
        free_conn(c);
    free(n);
}

/* Always on a later turn: the failure may have been found inside the owner's own call. */
static void fail(struct conn *c, const struct err *err)
{
    if (c->told_closed)
        return;
    c->told_closed = true;
    if (!c->memory && c->reading) {
        uv_read_stop((uv_stream_t *)&c->tcp);
        c->reading = false;
    }
    if (!c->owner) {
        shut(c);
        return;
    }
    struct closed_note *n = calloc(1, sizeof(*n));
    if (!n)
        abort();
    n->conn = c;
    n->err = *err;
    c->defers++;
    loop_defer(c->loop, tell_closed, n);
}

static void fail_uv(struct conn *c, int status, const char *what)
{
    struct err err = {0};
    if (status == UV_EOF)
        err.kind = ERR_OK;
    else
        err_set(&err, ERR_UNAVAILABLE, "%s: %s", what, uv_strerror(status));
    fail(c, &err);
}

struct conn *conn_new(struct loop *l, struct tls_context *tls, const char *host,
                      const struct conn_ops *ops, void *owner)
{
    struct conn *c = calloc(1, sizeof(*c));
    if (!c)
        abort();
    c->loop = l;
    c->ops = ops;
    c->owner = owner;
    buf_init(&c->out, CONN_WRITE_BYTES_MAX);
    buf_init(&c->sending, CONN_WRITE_BYTES_MAX);
    timer_init(&c->linger, l, linger_over, c);
    c->tls = tls_context_ref(tls);
    c->host = host ? strdup(host) : NULL;
    if (tls)
        c->ssl = tls_context_open(tls, host ? host : "");
    if (uv_tcp_init(loop_uv(l), &c->tcp))
        abort();
    c->tcp.data = c;
    return c;
}

struct conn *conn_new_memory(struct loop *l, const struct conn_ops *ops, void *owner)
{
    struct conn *c = calloc(1, sizeof(*c));
    if (!c)
        abort();
    c->loop = l;
    c->ops = ops;
    c->owner = owner;
    timer_init(&c->linger, l, linger_over, c);
    c->memory = c->connected = c->handshaken = true;
    buf_init(&c->out, CONN_WRITE_BYTES_MAX);
    buf_init(&c->sending, CONN_WRITE_BYTES_MAX);
    return c;
}

/* ---- reading ---- */

static void deliver(struct conn *c, str bytes)
{
    c->bytes_in += bytes.len;
    if (c->owner && bytes.len)
        c->ops->read(c->owner, bytes);
}

static bool handshake(struct conn *c)
{
    if (c->handshaken)
        return true;
    ERR_clear_error();
    int n = SSL_do_handshake(c->ssl);
    if (n == 1) {
        c->handshaken = true;
        if (c->owner)
            c->ops->ready(c->owner);
        return c->owner != NULL;
    }
    int why = SSL_get_error(c->ssl, n);
    if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE) {
        struct err err = {0};
        tls_err(&err, ERR_UNAVAILABLE, c->ssl, "TLS handshake");
        flush(c); /* the alert */
        fail(c, &err);
    }
    return false;
}

/* Hand out what can be decrypted; stops when the owner paused or went away. */
static void read_plain(struct conn *c)
{
    char plain[TLS_READ_BYTES];
    while (c->owner && !c->paused && !c->told_closed) {
        ERR_clear_error();
        int n = SSL_read(c->ssl, plain, sizeof(plain));
        if (n > 0) {
            deliver(c, (str){plain, (size_t)n});
            continue;
        }
        int why = SSL_get_error(c->ssl, n);
        struct err err = {0};
        if (why == SSL_ERROR_ZERO_RETURN)
            fail(c, &err); /* close_notify: a clean end */
        else if (why == SSL_ERROR_SSL || why == SSL_ERROR_SYSCALL)
            tls_err(&err, ERR_UNAVAILABLE, NULL, "TLS"), fail(c, &err);
        return;
    }
}

static void tls_input(struct conn *c)
{
    if (c->in_read || !c->ssl)
        return;
    c->in_read = true;
    if (handshake(c))
        read_plain(c);
    c->in_read = false;
    after_input(c);
}

/* TLS may have something to say (handshake, key update) even when the owner wrote nothing. */
static void after_input(struct conn *c)
{
    if (c->ssl && (BIO_ctrl_pending(SSL_get_wbio(c->ssl)) || c->out.len))
        flush(c);
}

void conn_start_tls(struct conn *c, struct tls_context *tls, const char *host)
{
    c->tls = tls_context_ref(tls);
    c->host = strdup(host);
    c->ssl = tls_context_open(tls, host);
    c->handshaken = false;
    tls_input(c);
}

static void on_alloc(uv_handle_t *h, size_t suggested, uv_buf_t *ret)
{
    (void)h;
    (void)suggested;
    ret->base = malloc(READ_BYTES);
    ret->len = ret->base ? READ_BYTES : 0;
}

static void on_read(uv_stream_t *s, ssize_t n, const uv_buf_t *b)
{
    struct conn *c = s->data;
    if (n > 0 && c->ssl) {
        BIO_write(SSL_get_rbio(c->ssl), b->base, (int)n);
        tls_input(c);
    } else if (n > 0) {
        deliver(c, (str){b->base, (size_t)n});
    } else if (n < 0) {
        fail_uv(c, (int)n, "connection");
    }
    free(b->base);
}

static void read_start(struct conn *c)
{
    if (c->memory || c->reading || c->closing || c->told_closed)
        return;
    c->reading = uv_read_start((uv_stream_t *)&c->tcp, on_alloc, on_read) == 0;
}

void conn_feed(struct conn *c, str bytes) { deliver(c, bytes); }

void conn_feed_eof(struct conn *c)
{
    struct err none = {0};
    fail(c, &none);
}

void conn_unpin(struct conn *c)
{
    c->defers--;
    if (c->closing)
        free_conn(c);
}

static void resume_later(void *arg)
{
    struct conn *c = arg;
    c->defers--;
    if (c->closing) {
        if (c->memory || !c->tcp.data)
            free_conn(c);
        return;
    }
    if (!c->paused)
        tls_input(c);
}

void conn_pause(struct conn *c, bool paused)
{
    if (c->paused == paused)
        return;
    c->paused = paused;
    if (paused && c->reading) {
        uv_read_stop((uv_stream_t *)&c->tcp);
        c->reading = false;
    } else if (!paused) {
        read_start(c);
        if (c->ssl) { /* bytes that were decrypted or buffered before the pause */
            c->defers++;
            loop_defer(c->loop, resume_later, c);
        }
    }
}

/* ---- writing ---- */

static void on_written(uv_write_t *w, int status)
{
    struct conn *c = w->data;
    c->writing = false;
    c->bytes_out += c->sending.len;
    buf_reset(&c->sending);
    if (c->sending.cap > (1u << 20))
        buf_done(&c->sending);
    c->progress_at = loop_now(c->loop);
    if (status < 0) {
        buf_reset(&c->out);
        fail_uv(c, status, "connection");
        return;
    }
    flush(c);
    if (c->writing || c->out.len)
        return;
    if (c->close_when_sent)
        shut(c);
    else if (c->owner && !c->closing)
        c->ops->drained(c->owner);
}

/* Encrypt all of `out` into the memory BIO and move the records to `sending`. */
static void encrypt(struct conn *c)
{
    size_t done = 0;
    while (c->handshaken && done < c->out.len) {
        ERR_clear_error();
        int n =
            SSL_write(c->ssl, c->out.at + done, (int)MIN_OF(c->out.len - done, (size_t)1 << 20));
        if (n <= 0)
            break;
        done += (size_t)n;
    }
    buf_consume(&c->out, done);
    BIO *wbio = SSL_get_wbio(c->ssl);
    for (size_t n; (n = BIO_ctrl_pending(wbio)) > 0;) {
        if (!buf_reserve(&c->sending, n))
            break;
        int got = BIO_read(wbio, c->sending.at + c->sending.len, (int)n);
        if (got <= 0)
            break;
        buf_advance(&c->sending, (size_t)got);
    }
}

static void flush(struct conn *c)
{
    if (c->writing || c->closing || !c->connected || c->memory)
        return;
    if (c->ssl) {
        encrypt(c);
    } else {
        struct buf empty = c->sending;
        c->sending = c->out;
        c->out = empty;
    }
    if (c->sending.len == 0)
        return;
    uv_buf_t b = uv_buf_init(c->sending.at, (unsigned)c->sending.len);
    c->write.data = c;
    int rc = uv_write(&c->write, (uv_stream_t *)&c->tcp, &b, 1, on_written);
    if (rc)
        fail_uv(c, rc, "connection");
    else
        c->writing = true;
}

static void flush_deferred(void *arg)
{
    struct conn *c = arg;
    c->defers--;
    c->flush_asked = false;
    if (c->closing) {
        if (c->memory || !c->tcp.data)
            free_conn(c);
        return;
    }
    flush(c);
    if (!c->memory)
        return;
    if (c->sink)
        c->sink(c->sink_arg, buf_str(&c->out));
    c->bytes_out += c->out.len;
    buf_reset(&c->out);
    if (c->owner && !c->told_closed)
        c->ops->drained(c->owner);
}

void conn_write(struct conn *c, str bytes)
{
    if (c->closing || c->told_closed || bytes.len == 0)
        return;
    if (conn_queued(c) == 0)
        c->progress_at = loop_now(c->loop);
    buf_add(&c->out, bytes);
    if (!c->flush_asked) {
        c->flush_asked = true;
        c->defers++;
        loop_defer(c->loop, flush_deferred, c);
    }
}

void conn_close(struct conn *c, bool send_rest)
{
    c->owner = NULL;
    if (c->closing)
        return;
    if (send_rest && c->memory && c->sink)
        c->sink(c->sink_arg, buf_str(&c->out));
    if (!send_rest || c->memory || c->told_closed || !c->connected) {
        shut(c);
        return;
    }
    if (c->ssl && c->handshaken) {
        encrypt(c);
        SSL_shutdown(c->ssl);
    }
    c->close_when_sent = true;
    conn_pause(c, false); /* so that a reset is seen and nothing lingers for ever */
    flush(c);
    if (!c->writing)
        shut(c);
    else
        timer_arm_in(&c->linger, CONN_LINGER_US);
}

/* ---- opening ---- */

static void on_open(struct conn *c)
{
    c->connected = true;
    uv_tcp_nodelay(&c->tcp, 1);
    c->progress_at = loop_now(c->loop);
    read_start(c);
}

int conn_accept(struct conn *c, uv_stream_t *listener, struct err *err)
{
    int rc = uv_accept(listener, (uv_stream_t *)&c->tcp);
    if (rc)
        return err_set(err, ERR_UNAVAILABLE, "accepting a connection: %s", uv_strerror(rc));
    on_open(c);
    if (!c->ssl)
        c->handshaken = true;
    return 0;
}

static void on_connected(uv_connect_t *r, int status)
{
    struct conn *c = r->data;
    if (c->closing)
        return;
    if (status < 0) {
        struct err err = {0};
        err_set(&err, ERR_UNAVAILABLE, "%s", uv_strerror(status));
        fail(c, &err);
        return;
    }
    on_open(c);
    if (c->ssl) {
        tls_input(c);
    } else {
        c->handshaken = true;
        if (c->owner)
            c->ops->ready(c->owner);
    }
}

int conn_connect(struct conn *c, const struct sockaddr *address, struct err *err)
{
    c->connect.data = c;
    int rc = uv_tcp_connect(&c->connect, &c->tcp, address, on_connected);
    return rc ? err_set(err, ERR_UNAVAILABLE, "%s", uv_strerror(rc)) : 0;
}

bool conn_is_h2(const struct conn *c)
{
    const unsigned char *name = NULL;
    unsigned len = 0;
    if (c->ssl)
        SSL_get0_alpn_selected(c->ssl, &name, &len);
    return len == 2 && memcmp(name, "h2", 2) == 0;
}

void conn_peer(const struct conn *c, char *ret, size_t size)
{
    struct sockaddr_storage a;
    int len = sizeof(a);
    char text[INET6_ADDRSTRLEN] = "";
    ret[0] = 0;
    if (c->memory || uv_tcp_getpeername(&c->tcp, (struct sockaddr *)&a, &len))
        return;
    if (a.ss_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&a;
        uv_ip6_name(in6, text, sizeof(text));
        (void)snprintf(ret, size, "[%s]:%d", text, ntohs(in6->sin6_port));
    } else {
        const struct sockaddr_in *in = (const struct sockaddr_in *)&a;
        uv_ip4_name(in, text, sizeof(text));
        (void)snprintf(ret, size, "%s:%d", text, ntohs(in->sin_port));
    }
}
