/* net/conn.h: one byte stream: a TCP socket on the loop's libuv, with or without TLS. Private to
 * net/.
 *
 * The owner writes plain bytes and gets plain bytes; the connection keeps what the kernel has not
 * taken (bounded by the owner through conn_queued) and encrypts through memory BIOs. Callbacks run
 * on the loop, never inside conn_write. After `closed` the owner must still call conn_close, which
 * is the only way a connection is freed. A *memory* connection has no socket: tests and fuzz
 * targets feed it with conn_feed and read what it would send. */
#ifndef NET_CONN_H
#define NET_CONN_H

#include <uv.h>

#include "event/loop.h"
#include "net/tls_impl.h"

#define CONN_WRITE_BYTES_MAX ((size_t)1 << 30)
#define CONN_LINGER_US (10 * USEC_PER_SEC)

struct conn_ops {
    void (*ready)(void *owner);           /* TLS is up (at once without TLS) */
    void (*read)(void *owner, str bytes); /* valid during the call */
    void (*drained)(void *owner);         /* everything queued was taken by the kernel */
    void (*closed)(void *owner,
                   const struct err *err); /* end of stream (kind ERR_OK) or failure; once */
};

/* Bytes waiting; consuming from the front is cheap. */
struct outq {
    struct buf buf;
    size_t from;
};
static inline str outq_str(const struct outq *q)
{
    return (str){q->buf.at + q->from, q->buf.len - q->from};
}
static inline size_t outq_len(const struct outq *q) { return q->buf.len - q->from; }
void outq_consume(struct outq *q, size_t n);

struct conn {
    struct loop *loop;
    uv_tcp_t tcp;
    uv_connect_t connect;
    uv_write_t write;
    const struct conn_ops *ops;
    void *owner; /* NULL after conn_close */
    SSL *ssl;
    struct tls_context *tls;
    struct buf out;     /* plain bytes to encrypt or send */
    struct buf sending; /* owned by the write in flight */
    usec progress_at;   /* when the kernel last took bytes, or when the queue began to fill */
    uint64_t bytes_in, bytes_out;
    bool memory, connected, handshaken, writing, flush_asked, paused, reading, told_closed, closing,
        in_read;
    bool close_when_sent, eof;
    unsigned defers; /* loop_defer calls that still hold a pointer */
    char *host;
    struct timer linger; /* conn_close(flush): the end of patience */
    void (*sink)(void *arg,
                 str bytes); /* memory connection: gets what would be sent; may be NULL */
    void *sink_arg;
};

/* tls may be NULL; it is referenced. host: for SNI, client side. The connection is not yet attached
 * to a socket. */
struct conn *conn_new(struct loop *l, struct tls_context *tls, const char *host,
                      const struct conn_ops *ops, void *owner);
/* A connection without a socket, plain. */
struct conn *conn_new_memory(struct loop *l, const struct conn_ops *ops, void *owner);
void conn_feed(struct conn *c, str bytes); /* as if the peer had sent them */
void conn_feed_eof(struct conn *c);
void conn_unpin(struct conn *c); /* drop one `defers` that a test took to keep it */

/* Take the next pending connection of a listener; starts reading. */
int conn_accept(struct conn *c, uv_stream_t *listener, struct err *err) MUST_CHECK;
/* Begin to connect; ready or closed follows. */
int conn_connect(struct conn *c, const struct sockaddr *address, struct err *err) MUST_CHECK;

/* From inside `read`: what follows is TLS (a proxy has opened its tunnel); ready or closed follows.
 * Everything written before must have been sent. */
void conn_start_tls(struct conn *c, struct tls_context *tls, const char *host);
void conn_write(struct conn *c, str bytes); /* copies; sent at the end of the turn */
static inline size_t conn_queued(const struct conn *c) { return c->out.len + c->sending.len; }
/* Stop reading from the socket (bytes already decrypted are still delivered after resume). */
void conn_pause(struct conn *c, bool paused);
/* No owner any more: send what is queued when `flush` (at most 10 s), then close and free. */
void conn_close(struct conn *c, bool flush);
bool conn_is_h2(const struct conn *c); /* ALPN chose h2 */
void conn_peer(const struct conn *c, char *ret, size_t size);

#endif
