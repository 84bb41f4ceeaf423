/* net/server.h: an HTTP server: HTTP/1.1 and HTTP/2 on one port, with or without TLS.
 *
 * A connection is HTTP/2 when ALPN says h2 or when it opens with the HTTP/2 preface (prior
 * knowledge), else HTTP/1.1 with keep-alive and pipelining (requests of one connection are handled
 * one after the other). The handler is called on the server's loop with a complete request (bounded
 * body) and answers now or later through a `struct http_reply`: whole (http_reply_send) or as a
 * stream (start, write..., end), which is how SSE and watches are served.
 *
 * An exchange lives until the handler ends it (send, end or abort), even when the peer left before:
 * the request, its arena and the reply stay valid until then, so a handler must end each exchange
 * exactly once; the gone callback tells it when nobody listens any more. After the end, or for a
 * stale reply, every function is a no-op.
 *
 * Limits are in the config; past them the peer gets 400, 408, 413, 414 or 431 and the connection is
 * closed. One loop, one thread. Under EVENT_SIM there is no listener (tests feed bytes by hand).
 * Source: RFC 9112, RFC 9113. */
#ifndef NET_SERVER_H
#define NET_SERVER_H

#include "event/loop.h"
#include "net/http.h"
#include "net/tls.h"

struct http_server;

struct http_reply {
    struct http_server *server; /* must outlive the reply's use */
    uint32_t slot, gen;
};
#define HTTP_REPLY_NONE ((struct http_reply){NULL, 0, 0})

typedef void http_handler_fn(void *arg, const struct http_request *req, struct http_reply reply);

struct http_server_config {  /* zero means the default in brackets */
    const char *host;        /* numeric address ["127.0.0.1"] */
    uint16_t port;           /* 0: the kernel chooses, see http_server_port */
    struct tls_context *tls; /* borrowed for the server's life; NULL: plain text */
    http_handler_fn *handler;
    void *arg;
    size_t header_bytes_max; /* request line and fields of one request [64 KiB] */
    size_t body_bytes_max;   /* [4 MiB] */
    size_t stream_bytes_max; /* answer bytes queued for a slow reader of one exchange [8 MiB] */
    size_t connections_max;  /* [4096]; further ones are closed at once */
    unsigned streams_max;    /* concurrent HTTP/2 streams of a connection [1000] */
    usec request_timeout_us; /* first byte of a request to its last [30 s]: slow loris */
    usec idle_timeout_us;    /* between requests [120 s] */
    usec write_timeout_us;   /* bytes queued and none of them taken by the peer [60 s]; then it is
                                gone */
};

/* Listen. -ERR_EXISTS: the port is taken; -ERR_INVALID: not an address; -ERR_IO. */
int http_server_open(struct loop *l, const struct http_server_config *config,
                     struct http_server **ret, struct err *err) MUST_CHECK;
uint16_t http_server_port(const struct http_server *s);
size_t http_server_connections(const struct http_server *s);
/* Graceful end: stop accepting, GOAWAY / Connection: close, let running exchanges finish, close
 * idle connections; after grace_us cut the rest (their gone callbacks run). Then everything is
 * freed and `done` (may be NULL) runs once. */
void http_server_stop(struct http_server *s, usec grace_us, void (*done)(void *arg), void *arg);

/* ---- answering ---- */

/* Memory that lives until the exchange ends (bound: 256 MiB); for building the answer. NULL for a
 * stale reply. */
struct arena *http_reply_arena(struct http_reply r);
/* Is there still somebody to read the answer? */
bool http_reply_wanted(struct http_reply r);
/* fn(arg) runs once, on the loop, when the peer leaves, cancels its stream or is cut before the
 * end. The handler then ends the exchange (http_reply_abort). Not called inside http_reply_*; NULL
 * forgets. */
void http_reply_on_gone(struct http_reply r, void (*fn)(void *arg), void *arg);

/* Whole answer; body and fields are copied. Content-Length and Date are added; for HEAD the body is
 * left out. Ends the exchange. */
void http_reply_send(struct http_reply r, int status, const struct http_header *header,
                     size_t n_headers, str body);
void http_reply_simple(struct http_reply r, int status, const char *content_type, str body);

/* Streamed answer: chunked on HTTP/1.1, DATA frames on HTTP/2. Fields are copied; sent at once. */
void http_reply_start(struct http_reply r, int status, const struct http_header *header,
                      size_t n_headers);
/* Queue bytes (copied) after http_reply_start. 0; -ERR_CANCELED when the peer is gone or the reply
 * stale; -ERR_BUSY when the queue would pass stream_bytes_max: nothing was taken, wait for the
 * drain callback or give up on the reader. */
int http_reply_write(struct http_reply r, str bytes);
size_t http_reply_queued(
    struct http_reply r); /* bytes not yet taken by the kernel or the peer's window */
/* fn(arg) runs each time the queue falls to a quarter of stream_bytes_max or lower after being
 * above it. */
void http_reply_on_drain(struct http_reply r, void (*fn)(void *arg), void *arg);
/* End with optional trailers (HTTP/1.1: only when the peer asked by "TE: trailers"). Ends the
 * exchange. */
void http_reply_end(struct http_reply r, const struct http_header *trailer, size_t n_trailers);
/* Give up: 500 when nothing was sent, else the stream is reset (HTTP/1.1: connection closed). Ends
 * the exchange. */
void http_reply_abort(struct http_reply r);

#endif
