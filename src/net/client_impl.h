/* net/client_impl.h: the parts of the client that its two protocols share. Private to net/.
 *
 * client.c owns the queue, the pool and deadlines; client_link.c opens connections; client_h1.c and
 * client_h2.c carry calls over a `struct link`. A call that is over leaves its link at once and
 * waits in client.finished; its end callback runs from the pump, on an empty stack, and only there
 * is it freed. A dead link is freed there, too. */
#ifndef NET_CLIENT_IMPL_H
#define NET_CLIENT_IMPL_H

#include "net/client.h"
#include "net/conn.h"
#include "net/handles.h"

#define CALL_ARENA_BYTES_MAX ((size_t)256 << 20)
#define CLIENT_WINDOW_BYTES (1 << 20)
#define CLIENT_HEADER_BYTES_MAX ((size_t)256 << 10)
#define CLIENT_PROXY_HEAD_BYTES_MAX ((size_t)16 << 10)

struct link;

struct client_call {
    struct http_client *client;
    struct client_call *next, *prev; /* in the queue, on a link, or finished */
    struct link *link;
    struct handle handle;
    bool queued, over, forgotten, streaming, paused, head_told, retried, any_bytes, complete;
    struct arena arena;
    enum method method;
    str target, body;
    size_t body_sent;
    struct http_headers header;
    struct http_response resp;
    size_t header_bytes;
    struct buf body_in; /* whole answer, or bytes held back while paused */
    struct timer timer;
    int32_t stream; /* HTTP/2 */
    http_done_fn *done;
    const struct http_stream_handler *handler;
    void *arg;
    int rc;
    struct err err;
};

struct call_list {
    struct client_call *first, *last;
    size_t n;
};

struct link_ops {
    void (*open)(struct link *k);
    size_t (*room)(const struct link *k); /* calls it can take now */
    void (*start)(struct link *k, struct client_call *call);
    void (*abort)(struct link *k,
                  struct client_call *call); /* already unlinked; may kill the link */
    void (*hold)(struct link *k, struct client_call *call, bool paused, size_t delivered);
    void (*input)(struct link *k, str bytes);
    void (*eof)(struct link *k, const struct err *err);
    void (*drained)(struct link *k);
    void (*free)(struct link *k);
};

struct link {
    struct http_client *client;
    struct link *next, *prev;
    struct conn *conn;
    const struct link_ops *ops; /* NULL: still opening */
    void *session;
    struct call_list calls;
    struct timer timer; /* connect, then idle and ping */
    uv_getaddrinfo_t *resolving;
    struct addrinfo *addresses, *address; /* all, and the one being tried */
    usec idle_since, input_at, ping_at;   /* ping_at 0: none outstanding */
    bool dead, draining, used;
    bool tunneling;  /* CONNECT is sent */
    struct buf head; /* what the proxy has answered to it */
};

struct http_client {
    struct loop *loop;
    struct http_url url;
    char *url_text, *host, *base_path, *bearer, *user_agent, *host_header;
    struct tls_context *tls;
    char *proxy; /* host to connect to instead, or NULL */
    uint16_t proxy_port;
    char *proxy_authorization;
    enum http_protocol protocol;
    bool known_h1; /* the last connection spoke HTTP/1.1 */
    unsigned connections_max;
    size_t queue_max;
    usec connect_timeout_us, idle_timeout_us, ping_us;
    struct link *links, *dead_links;
    size_t n_links, n_opening, n_resolving;
    struct call_list queue, finished;
    struct handles handles; /* of struct client_call */
    bool pumping, pump_asked, freed;
    uint64_t opened, n_calls, bytes_in, bytes_out;
};

/* ---- calls (client.c) ---- */
/* A field of the answer; false past the bound. */
bool call_header(struct client_call *call, struct http_headers *to, str name, str value) MUST_CHECK;
void call_head(struct client_call *call); /* status and fields are complete */
bool call_data(struct client_call *call,
               str bytes); /* true: taken; false: held back until resume */
void call_complete(struct client_call *call);
void call_fail(struct client_call *call, int kind, const char *format, ...) PRINTF(3, 4);
void call_fail_err(struct client_call *call, const struct err *err);
/* Lost with its link: once more on a fresh one when that is safe, else a failure. unprocessed: the
 * peer said so. */
void call_lost(struct client_call *call, bool unprocessed, const struct err *err);
void client_pump_soon(struct http_client *c);
void call_list_push(struct call_list *l, struct client_call *call);
void call_list_remove(struct call_list *l, struct client_call *call);
void client_fail_queue(struct http_client *c, const struct err *err);

/* ---- links (client_link.c) ---- */
void link_open(struct http_client *c);
/* Close; what is left on it is lost (err) and leaves. Freed by the pump. */
void link_close(struct link *k, const struct err *err);
void link_free(struct link *k);
void link_idle(struct link *k); /* no call is left: start the idle clock, or close when draining */
void link_busy(struct link *k);

extern const struct link_ops link_h1_ops, link_h2_ops;
bool link_h2_ping(struct link *k);

#endif
