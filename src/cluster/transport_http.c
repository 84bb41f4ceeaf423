/* cluster/transport_http.c: one HTTP client behind the port.
 *
 * As client-go's: an answer that names a time to come back (429 or 5xx with Retry-After) is asked
 * for again, and what prevents an answer is told in the words of Go's net/http, which end up in
 * conditions and operation messages. Source: client-go rest/with_retry.go, rest/request.go. */
#include "cluster/transport_http.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TOKEN_BYTES_MAX 65536
/* Behind a proxy that speaks HTTP/1.1 each watched kind holds a connection; requests need more. */
#define CONNECTIONS_MAX 1024
#define RETRIES_MAX 10

struct asked { /* one request under way */
    struct http_transport *transport;
    struct asked *next, **back;
    struct call call;
    struct kube_request request; /* its texts are behind this struct */
    struct timer again;
    unsigned retries;
};

struct http_transport {
    struct loop *loop;
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
    timer_stop(&asked->again);
    *asked->back = asked->next;
    if (asked->next)
        asked->next->back = asked->back;
    free(asked);
}

/* ---- why there is no answer ---- */

/* Host and port as Go dials them. */
static str address_of(str url, struct arena *a)
{
    str rest = url, host;
    bool tls = str_starts(url, STR("https://"));
    rest = str_from(rest, tls ? strlen("https://") : strlen("http://"));
    str_cut(rest, '/', &host, &rest);
    str name, port;
    bool has_port = str_rcut(host, ':', &name, &port) && !str_has(port, STR("]"));
    return has_port ? host : ARENA_CAT(a, host, tls ? STR(":443") : STR(":80"));
}

static str reason_of(str why, str url, struct arena *a)
{
    static const struct {
        const char *ours, *before, *after; /* ADDRESS goes between */
    } words[] = {
        {"connection refused", "dial tcp ", ": connect: connection refused"},
        {"network is unreachable", "dial tcp ", ": connect: network is unreachable"},
        {"host is unreachable", "dial tcp ", ": connect: no route to host"},
        {"unknown node or service", "dial tcp: lookup ", ": no such host"},
    };
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (str_ends(why, str_of(words[i].ours)))
            return ARENA_CAT(a, str_of(words[i].before), address_of(url, a),
                             str_of(words[i].after));
    return str_is(why, "the connection was closed") ? STR("EOF") : why;
}

/* net/client says "GET http://host/path: why". */
static void tell_as_go(const struct err *from, struct err *ret)
{
    struct arena a;
    str text = err_str(from), method, url, why;
    ptrdiff_t end = str_find(text, STR(": "));
    *ret = *from;
    if (str_ends(text, STR(HTTP_ENDS_IN_THE_MIDDLE))) {
        err_set(ret, from->kind,
                "unexpected error when reading response body. Please retry. Original error: "
                "unexpected EOF");
        return;
    }
    if (end < 0 || !str_cut(str_sub(text, 0, (size_t)end), ' ', &method, &url) ||
        method_parse(method) == METHOD_OTHER)
        return;
    arena_init(&a, ARENA_BYTES_DEFAULT);
    char *word = arena_cstr(&a, method);
    for (size_t i = 1; word[i]; i++)
        word[i] = (char)tolower((unsigned char)word[i]);
    why = reason_of(str_from(text, (size_t)end + 2), url, &a);
    err_set(ret, from->kind, "%s \"%.*s\": %.*s", word, STR_FMT(url), STR_FMT(why));
    arena_done(&a);
}

/* ---- requests ---- */

static void ask(struct asked *asked);

static void ask_again(void *arg)
{
    struct asked *asked = arg;
    if (call_wanted(asked->call))
        ask(asked);
    else
        asked_done(asked);
}

static bool comes_back(struct asked *asked, const struct http_response *resp)
{
    usec pause = retry_after_of(&resp->header);
    if (!pause || (resp->status != 429 && resp->status < 500) || asked->retries == RETRIES_MAX)
        return false;
    asked->retries++;
    timer_arm_in(&asked->again, pause);
    return true;
}

static void answered(void *arg, int rc, const struct http_response *resp, const struct err *err)
{
    struct asked *asked = arg;
    if (rc < 0) {
        struct err told;
        tell_as_go(err, &told);
        call_answer_err(asked->call, &told);
    } else if (comes_back(asked, resp)) {
        return;
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

static str keep(char **at, str text)
{
    str kept = str_mem(*at, text.len);
    if (text.len)
        memcpy(*at, text.at, text.len);
    *at += text.len;
    return kept;
}

static void ask(struct asked *asked)
{
    struct http_header header[2];
    struct http_client_request req;
    request_of(&asked->request, header, &req);
    http_client_send(asked->transport->client, &req, answered, asked);
}

static void send_request(void *arg, const struct kube_request *r, struct call c)
{
    struct http_transport *t = arg;
    size_t texts = r->target.len + r->content_type.len + r->accept.len + r->body.len;
    struct asked *asked = allocate(sizeof(*asked) + texts);
    char *at = (char *)(asked + 1);
    *asked = (struct asked){t, t->asked, &t->asked, c, *r};
    asked->request.target = keep(&at, r->target);
    asked->request.content_type = keep(&at, r->content_type);
    asked->request.accept = keep(&at, r->accept);
    asked->request.body = keep(&at, r->body);
    timer_init(&asked->again, t->loop, ask_again, asked);
    if (t->asked)
        t->asked->back = &asked->next;
    t->asked = asked;
    ask(asked);
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
    struct err told;
    if (rc < 0)
        tell_as_go(err, &told);
    s->ended = true;
    s->handler->end(s->arg, rc, rc < 0 ? &told : err);
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
        named.user_agent = STR(KUBE_USER_AGENT);
    int rc = http_client_new(l, &named, &client, err);
    if (rc < 0)
        return rc;
    struct http_transport *t = allocate(sizeof(*t));
    t->loop = l;
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
