/* net/client.h: an HTTP client of one origin.
 *
 * A client is one base URL together with its credentials (CA, client certificate, bearer token), so
 * connections are never shared between identities; it keeps its pool: over TLS, HTTP/2 when ALPN
 * offers it (many requests, hundreds of watches on one connection), else HTTP/1.1 keep-alive
 * connections up to connections_max with a bounded queue behind them. Everything runs on one loop;
 * callbacks never run inside the function that was called.
 *
 * Two forms: http_client_send collects a bounded answer; http_client_stream hands out pieces as
 * they come, with pause and resume (back-pressure reaches the peer through the HTTP/2 window or
 * TCP). Exactly one end callback per call: done / end with 0, -ERR_TIMEOUT, -ERR_CANCELED,
 * -ERR_UNAVAILABLE (connect, reset, closed early, GOAWAY), -ERR_TOO_LARGE, -ERR_BUSY (queue full),
 * -ERR_INVALID (not HTTP), -ERR_UNAUTHENTICATED (certificate not trusted). A status of 4xx or 5xx
 * is an answer, not an error. No redirects are followed, nothing is retried except
 * a request that a reused connection lost before any byte of its answer and that is GET or HEAD, or
 * that the peer declared unprocessed (GOAWAY, REFUSED_STREAM): once, on a fresh connection.
 * Source: RFC 9112, RFC 9113. docs/decisions has the measurement behind not using libcurl. */
#ifndef NET_CLIENT_H
#define NET_CLIENT_H

#include "event/loop.h"
#include "net/http.h"
#include "net/tls.h"

struct http_client;

/* What err says (at its end) when the peer closed after a part of the answer. */
#define HTTP_ENDS_IN_THE_MIDDLE "the connection was closed in the middle of the answer"

enum http_protocol {
    HTTP_PROTOCOL_AUTO, /* TLS: ALPN; plain: HTTP/1.1 */
    HTTP_PROTOCOL_1,
    HTTP_PROTOCOL_2, /* plain: prior knowledge */
};

struct http_client_config { /* zero means the default in brackets; text is copied */
    str url; /* "https://host:6443" or with a base path that is put before each target */
    struct tls_client_config tls;
    str bearer_token;        /* "Authorization: Bearer ..."; "" none */
    str user_agent;          /* ["tiphys"] */
    str proxy;               /* "http://host:port": https goes through CONNECT; empty: none */
    str proxy_authorization; /* value of Proxy-Authorization; empty: none */
    enum http_protocol protocol;
    unsigned
        connections_max; /* HTTP/1.1 [16]; HTTP/2 opens a second one only when streams run out */
    size_t queue_max;    /* calls waiting for a connection [4096] */
    usec connect_timeout_us; /* name, TCP and TLS [10 s] */
    usec idle_timeout_us;    /* unused connection [60 s] */
    usec ping_us; /* HTTP/2: silence before a PING, which must be answered in the same time; finds
                     dead peers behind watches [30 s] */
};

/* -ERR_INVALID: URL, PEM; -ERR_UNSUPPORTED: a proxy that is not http:// */
int http_client_new(struct loop *l, const struct http_client_config *config,
                    struct http_client **ret, struct err *err) MUST_CHECK;
/* Running calls end without their callbacks. */
void http_client_free(struct http_client *c);
void http_client_set_bearer(struct http_client *c, str token); /* for calls from now on; copied */

struct http_call {
    struct http_client *client; /* must outlive the use */
    uint32_t slot, gen;         /* gen 0: no call */
};

struct http_client_request {
    enum method method;
    str target; /* path and query, "/..."; percent-escaped by the caller */
    const struct http_header *header;
    size_t
        n_headers;   /* Host, Content-Length, User-Agent and Authorization are added unless given */
    str body;        /* copied */
    usec timeout_us; /* whole call; stream: until the head came. 0: none */
    size_t body_bytes_max; /* of the answer, send only [64 MiB] */
};

/* rc 0: resp is complete, valid during the callback; its text may be kept by copying. Else resp is
 * NULL and err says why ("GET https://host/path: connection refused"). */
typedef void http_done_fn(void *arg, int rc, const struct http_response *resp,
                          const struct err *err);
struct http_call http_client_send(struct http_client *c, const struct http_client_request *req,
                                  http_done_fn *done, void *arg);

struct http_stream_handler {
    void (*head)(
        void *arg,
        const struct http_response *resp); /* status and fields; at most once, before data */
    void (*data)(void *arg, str bytes);    /* valid during the callback */
    void (*end)(void *arg, int rc, const struct http_headers *trailer,
                const struct err *err); /* exactly once */
};
struct http_call http_client_stream(struct http_client *c, const struct http_client_request *req,
                                    const struct http_stream_handler *handler, void *arg);

/* On stale calls all of these do nothing. */
void http_call_pause(
    struct http_call call); /* no data callbacks until resume; bounded by the window (1 MiB) */
void http_call_resume(struct http_call call);
void http_call_cancel(struct http_call call); /* ends with -ERR_CANCELED on a later turn */
void http_call_forget(
    struct http_call *call); /* cancel; no callback will run (the owner is going away) */
bool http_call_running(struct http_call call);

/* For /metrics and tests. */
struct http_client_stats {
    unsigned connections, running, queued;
    uint64_t opened, calls, bytes_in, bytes_out;
};
struct http_client_stats http_client_stats(const struct http_client *c);

#endif
