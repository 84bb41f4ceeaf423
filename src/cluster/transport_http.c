/* cluster/transport_http.c: one HTTP client behind the port. */
#include "cluster/transport_http.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TOKEN_BYTES_MAX 65536
/* The API server makes the field manager of a request without one from the first word: "argocd",
 * as the objects of a migrated installation have it. */
#define USER_AGENT "argocd/v3.6 tiphys"
/* Behind a proxy that speaks HTTP/1.1 each watched kind holds a connection; requests need more. */
#define CONNECTIONS_MAX 1024

struct asked { /* one request under way */
    struct http_transport *transport;
    struct asked *next, **back;
    struct call call;
};

struct http_transport {
    struct http_client *client;
    struct timer token_timer;
    char *token_file;    /* or NULL */
    struct asked *asked; /* those that the client would forget when it is freed */
};

struct kube_stream {
    struct http_transport *transport;
    const struct kube_stream_handler *handler;
    void *arg;
    struct http_call call;
    bool ended;
};

void kube_response_free(void *response)
{
    struct kube_response *r = response;
    if (!r)
        return;
    buf_done(&r->body);
    free(r);
}

static void *allocate(size_t size)
{
    void *p = calloc(1, size);
    if (!p)
        abort();
    return p;
}

static usec retry_after_of(const struct http_headers *h)
{
    uint64_t seconds = 0;
    if (!str_to_u64(http_header_find(h, "Retry-After"), &seconds) || seconds > 3600)
        return 0;
    return (usec)seconds * USEC_PER_SEC;
}

static void asked_done(struct asked *asked)
{
    *asked->back = asked->next;
    if (asked->next)
        asked->next->back = asked->back;
    free(asked);
}

static void answered(void *arg, int rc, const struct http_response *resp, const struct err *err)
{
    struct asked *asked = arg;
    if (rc < 0) {
        call_answer_err(asked->call, err);
    } else {
        struct kube_response *r = allocate(sizeof(*r));
        r->status = resp->status;
        r->retry_after_us = retry_after_of(&resp->header);
        buf_init(&r->body, KUBE_BODY_BYTES_MAX);
        buf_add(&r->body, resp->body);
        call_answer_ok(asked->call, r, kube_response_free);
    }
    asked_done(asked);
}

static size_t headers_of(const struct kube_request *r, struct http_header ret[2])
{
    size_t n = 0;
    ret[n++] =
        (struct http_header){STR("Accept"), r->accept.len ? r->accept : STR("application/json")};
    if (r->content_type.len)
        ret[n++] = (struct http_header){STR("Content-Type"), r->content_type};
    return n;
}

static void request_of(const struct kube_request *r, struct http_header header[2],
                       struct http_client_request *ret)
{
    *ret = (struct http_client_request){
        .method = r->method,
        .target = r->target,
        .header = header,
        .n_headers = headers_of(r, header),
        .body = r->body,
        .timeout_us = r->timeout_us ? r->timeout_us : KUBE_TIMEOUT_DEFAULT_US,
        .body_bytes_max = KUBE_BODY_BYTES_MAX,
    };
}

static void send_request(void *arg, const struct kube_request *r, struct call c)
{
    struct http_transport *t = arg;
    struct http_header header[2];
    struct http_client_request req;
    struct asked *asked = allocate(sizeof(*asked));
    *asked = (struct asked){t, t->asked, &t->asked, c};
    if (t->asked)
        t->asked->back = &asked->next;
    t->asked = asked;
    request_of(r, header, &req);
    http_client_send(t->client, &req, answered, asked);
}

static void stream_head(void *arg, const struct http_response *resp)
{
    struct kube_stream *s = arg;
    s->handler->head(s->arg, resp->status);
}

static void stream_data(void *arg, str bytes)
{
    struct kube_stream *s = arg;
    s->handler->data(s->arg, bytes);
}

static void stream_end(void *arg, int rc, const struct http_headers *trailer UNUSED,
                       const struct err *err)
{
    struct kube_stream *s = arg;
    s->ended = true;
    s->handler->end(s->arg, rc, err);
}

static const struct http_stream_handler stream_handler = {stream_head, stream_data, stream_end};

static struct kube_stream *open_stream(void *arg, const struct kube_request *r,
                                       const struct kube_stream_handler *handler, void *handler_arg)
{
    struct http_transport *t = arg;
    struct http_header header[2];
    struct http_client_request req;
    struct kube_stream *s = allocate(sizeof(*s));
    *s = (struct kube_stream){.transport = t, .handler = handler, .arg = handler_arg};
    request_of(r, header, &req);
    s->call = http_client_stream(t->client, &req, &stream_handler, s);
    return s;
}

static void close_stream(void *arg UNUSED, struct kube_stream *s)
{
    if (!s)
        return;
    if (!s->ended)
        http_call_forget(&s->call);
    free(s);
}

static void free_transport(void *arg)
{
    struct http_transport *t = arg;
    timer_stop(&t->token_timer);
    free(t->token_file);
    http_client_free(t->client);
    while (t->asked) {
        struct err err;
        err_set(&err, ERR_CANCELED, "the connection to the cluster is being closed");
        call_answer_err(t->asked->call, &err);
        asked_done(t->asked);
    }
    free(t);
}

int kube_transport_http(struct loop *l, const struct http_client_config *config,
                        struct kube_transport *ret, struct err *err)
{
    struct http_client *client;
    struct http_client_config named = *config;
    if (!named.user_agent.len)
        named.user_agent = STR(USER_AGENT);
    int rc = http_client_new(l, &named, &client, err);
    if (rc < 0)
        return rc;
    struct http_transport *t = allocate(sizeof(*t));
    t->client = client;
    *ret = (struct kube_transport){t, send_request, open_stream, close_stream, free_transport};
    return 0;
}

/* A token file is small and on a memory file system: reading it does not block the loop. */
static void on_token_due(void *arg)
{
    struct http_transport *t = arg;
    char text[TOKEN_BYTES_MAX];
    timer_arm_in(&t->token_timer, TOKEN_FILE_US);
    int fd = open(t->token_file, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    ssize_t n = read(fd, text, sizeof(text));
    close(fd);
    str token = n > 0 ? str_trim(str_mem(text, (size_t)n)) : STR("");
    if (token.len && (size_t)n < sizeof(text))
        http_client_set_bearer(t->client, token);
    explicit_bzero(text, sizeof(text));
}

int kube_transport_open(struct loop *l, const struct kube_access *access,
                        struct kube_transport *ret, struct err *err)
{
    struct http_client_config config = access->http;
    config.user_agent = STR(KUBE_USER_AGENT);
    if (!config.connections_max)
        config.connections_max = CONNECTIONS_MAX;
    int rc = kube_transport_http(l, &config, ret, err);
    if (rc < 0 || !access->token_file.len)
        return rc;
    struct http_transport *t = ret->arg;
    t->token_file = allocate(access->token_file.len + 1);
    memcpy(t->token_file, access->token_file.at, access->token_file.len);
    timer_init(&t->token_timer, l, on_token_due, t);
    timer_arm_in(&t->token_timer, TOKEN_FILE_US);
    return 0;
}
