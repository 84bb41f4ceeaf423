/* net/server_impl.h: the parts of the server that its two protocols share. Private to net/ (and its
 * fuzz targets).
 *
 * server.c owns the listener and the end of it all; server_conn.c connections and their deadlines;
 * server_exchange.c one request with its answer, and the public reply functions; server_h1.c and
 * server_h2.c turn bytes into requests and answers into bytes through `struct session_ops`. An
 * exchange is freed when both sides are through with it: the handler ended it (`ended`) and the
 * protocol let go of it (sc == NULL). */
#ifndef NET_SERVER_IMPL_H
#define NET_SERVER_IMPL_H

#include "net/conn.h"
#include "net/server.h"
#include "net/handles.h"

#define EXCHANGE_ARENA_BYTES_MAX ((size_t)256 << 20)
#define PIPELINE_BYTES_MAX                                                                         \
    65536 /* input kept while a request of an HTTP/1.1 connection is being answered */

struct server_conn;
struct exchange;

struct session_ops {
    void (*input)(struct server_conn *sc, str bytes);
    /* body_bytes: length of a whole answer, or -1 for a stream. */
    void (*start)(struct exchange *x, int status, const struct http_header *h, size_t n,
                  int64_t body_bytes);
    void (*write)(struct exchange *x, str bytes);
    void (*end)(struct exchange *x, const struct http_header *trailer, size_t n);
    void (*abort)(struct exchange *x);
    size_t (*queued)(const struct exchange *x);
    void (*drained)(struct server_conn *sc);
    void (*go_away)(struct server_conn *sc);            /* no more requests; close when idle */
    void (*refuse)(struct server_conn *sc, int status); /* a deadline passed while reading */
    void (*free)(struct server_conn *sc);
};

enum exchange_state {
    EXCHANGE_READING, /* the request is not complete */
    EXCHANGE_ASKED,   /* the handler has it */
    EXCHANGE_STARTED, /* http_reply_start was called */
};

struct exchange {
    struct http_server *server;
    struct server_conn *sc;       /* NULL: the protocol let go of it */
    struct exchange *next, *prev; /* list of the connection */
    struct handle handle;
    enum exchange_state state;
    bool ended;      /* the handler is through */
    bool dispatched; /* the handler was called */
    bool told_gone, above_drain;
    struct arena arena;
    struct http_request req;
    struct buf body;
    size_t header_bytes;
    int refuse_status; /* answer this instead of calling the handler */
    usec began_at;
    void (*on_gone)(void *arg);
    void *gone_arg;
    void (*on_drain)(void *arg);
    void *drain_arg;
    /* HTTP/2 */
    int32_t stream;
    struct outq out;
    bool out_ended, deferred, ready;
    struct http_headers trailer;
    usec out_progress_at;
    struct exchange *next_ready;
};

struct server_conn {
    struct http_server *server;
    struct server_conn *next, *prev;
    struct conn *conn;
    const struct session_ops *ops; /* NULL until the protocol is known */
    void *session;                 /* struct h1 or struct h2 */
    struct buf first;              /* bytes before the protocol was known */
    struct exchange *exchanges;    /* of this connection, newest first */
    size_t n_exchanges;
    struct timer timer;
    usec idle_since, reading_since; /* 0: not */
    bool going_away, dead;
    char peer[64];
};

struct http_server {
    struct loop *loop;
    struct http_server_config config;
    char host[64];
    uv_tcp_t listener;
    bool listening, stopping, freed_listener, finished;
    struct server_conn *conns;
    size_t n_conns, n_exchanges;
    struct handles handles; /* of struct exchange */
    struct tls_context *tls;
    struct timer grace;
    unsigned defers;
    void (*done)(void *arg);
    void *done_arg;
};

/* ---- for the protocols ---- */
struct exchange *exchange_new(struct server_conn *sc);
/* One field of the request arrived (copied). Sets refuse_status past a bound. */
void exchange_header(struct exchange *x, str name, str value);
void exchange_body(struct exchange *x, str bytes);
void exchange_target(struct exchange *x, str target); /* copied, split, checked */
/* The request is complete: call the handler, or answer refuse_status. */
void exchange_dispatch(struct exchange *x);
/* The protocol is through with it: the answer was sent, or the peer left (then the gone callback is
 * told). */
void exchange_release(struct exchange *x);
void exchange_note_queue(struct exchange *x); /* after the queue shrank: maybe the drain callback */
void server_conn_close(struct server_conn *sc,
                       bool flush); /* releases its exchanges, frees it on a later turn */
void server_conn_touch(struct server_conn *sc); /* deadlines changed */
struct server_conn *server_conn_new(struct http_server *s, struct conn *c);
extern const struct conn_ops server_conn_ops;
/* Frees a stopping server on a later turn once its last connection and exchange are gone. */
void server_finish(struct http_server *s);

str http_date(struct loop *l, char ret[40]);

extern const struct session_ops h1_ops, h2_ops;
void h1_open(struct server_conn *sc);
void h2_open(struct server_conn *sc);

#endif
