/* net/client_h1.c: one call at a time over an HTTP/1.1 connection; see client_impl.h. */
#include <http_parser.h>

#include "net/client_impl.h"

struct link_h1 {
    struct link *link;
    http_parser parser;
    struct client_call *call; /* NULL: idle, or the answer of a canceled one is of no interest */
    struct buf name, value;
    bool in_value, bad, keep_alive, done, in_body;
};

static struct link_h1 *h1_of(http_parser *p) { return p->data; }

static struct client_call *call_of(struct link_h1 *h) { return h->link->calls.first; }

static int finish_field(struct link_h1 *h)
{
    struct client_call *call = call_of(h);
    if (!h->in_value || !call)
        return 0;
    h->in_value = false;
    struct http_headers *to = h->in_body ? &call->resp.trailer : &call->resp.header;
    if (!call_header(call, to, buf_str(&h->name), str_trim(buf_str(&h->value))))
        return -1;
    buf_reset(&h->name);
    buf_reset(&h->value);
    return 0;
}

static int on_reason(http_parser *p, const char *at, size_t n)
{
    struct client_call *call = call_of(h1_of(p));
    if (!call)
        return -1;
    call->header_bytes += n;
    if (call->header_bytes > CLIENT_HEADER_BYTES_MAX)
        return -1;
    call->resp.reason = ARENA_CAT(&call->arena, call->resp.reason, (str){at, n});
    return 0;
}

static int on_header_field(http_parser *p, const char *at, size_t n)
{
    struct link_h1 *h = h1_of(p);
    if (finish_field(h))
        return -1;
    buf_add(&h->name, (str){at, n});
    return h->name.overflow ? -1 : 0;
}

static int on_header_value(http_parser *p, const char *at, size_t n)
{
    struct link_h1 *h = h1_of(p);
    h->in_value = true;
    buf_add(&h->value, (str){at, n});
    return h->value.overflow ? -1 : 0;
}

static bool informational(const http_parser *p)
{
    return p->status_code >= 100 && p->status_code < 200;
}

static int on_headers_complete(http_parser *p)
{
    struct link_h1 *h = h1_of(p);
    struct client_call *call = call_of(h);
    if (!call || finish_field(h) || p->status_code == 101)
        return -1;
    p->upgrade = 0;
    call->any_bytes = true;
    if (informational(p)) {
        call->resp.header.n = 0;
        call->resp.reason = STR("");
        return 1;
    }
    h->in_body = true;
    call->resp.status = (int)p->status_code;
    bool head = call->method == METHOD_HEAD;
    call_head(call);
    return head ? 1 : 0;
}

static int on_body(http_parser *p, const char *at, size_t n)
{
    struct link_h1 *h = h1_of(p);
    struct client_call *call = call_of(h);
    if (call)
        (void)call_data(call, (str){at, n});
    return h->link->dead ? -1 : 0;
}

static int on_message_complete(http_parser *p)
{
    struct link_h1 *h = h1_of(p);
    if (informational(p))
        return 0;
    if (finish_field(h))
        return -1;
    h->keep_alive = http_should_keep_alive(p) != 0;
    h->done = true;
    http_parser_pause(p, 1);
    return 0;
}

static const http_parser_settings settings = {
    .on_status = on_reason,
    .on_header_field = on_header_field,
    .on_header_value = on_header_value,
    .on_headers_complete = on_headers_complete,
    .on_body = on_body,
    .on_message_complete = on_message_complete,
};

static void answer_done(struct link *k)
{
    struct link_h1 *h = k->session;
    struct client_call *call = call_of(h);
    h->done = h->in_body = false;
    k->used = true;
    http_parser_pause(&h->parser, 0);
    http_parser_init(&h->parser, HTTP_RESPONSE);
    h->parser.data = h;
    if (!h->keep_alive)
        k->draining = true;
    if (!call)
        return;
    call_complete(call); /* makes the link idle, or closes a draining one */
}

static void parse(struct link *k, str bytes)
{
    struct link_h1 *h = k->session;
    struct err err = {0};
    size_t n = http_parser_execute(&h->parser, &settings, bytes.at, bytes.len);
    enum http_errno e = HTTP_PARSER_ERRNO(&h->parser);
    if (k->dead)
        return;
    if (h->done) {
        if (n < bytes.len)
            h->keep_alive = false; /* bytes nobody asked for */
        answer_done(k);
    } else if (e != HPE_OK) {
        err_set(&err, ERR_INVALID, "the answer is not HTTP: %s", http_errno_description(e));
        link_close(k, &err);
    }
}

static void h1_input(struct link *k, str bytes)
{
    struct err err = {0};
    if (k->calls.n == 0) {
        err_set(&err, ERR_INVALID, "an answer without a question");
        link_close(k, &err);
        return;
    }
    parse(k, bytes);
}

/* End of the stream: for an answer without a length that is its proper end. */
static void h1_eof(struct link *k, const struct err *err)
{
    struct link_h1 *h = k->session;
    if (err->kind == ERR_OK && k->calls.n && h->in_body) {
        http_parser_execute(&h->parser, &settings, "", 0);
        h->keep_alive = false;
        if (h->done && !k->dead) {
            answer_done(k);
            return;
        }
    }
    if (!k->dead)
        link_close(k, err);
}

static size_t h1_room(const struct link *k) { return k->calls.n == 0 ? 1 : 0; }

static void add_header(struct buf *out, str name, str value)
{
    buf_add(out, name);
    buf_add(out, STR(": "));
    buf_add(out, value);
    buf_add(out, STR("\r\n"));
}

static void h1_start(struct link *k, struct client_call *call)
{
    CLEANUP(buf_done) struct buf out = BUF_INIT;
    buf_add(&out, method_name(call->method));
    buf_addc(&out, ' ');
    if (k->client->proxy && !k->client->tls)
        buf_printf(&out, "http://%s", k->client->host_header);
    buf_add(&out, call->target);
    buf_add(&out, STR(" HTTP/1.1\r\n"));
    add_header(&out, STR("Host"), str_of(k->client->host_header));
    if (k->client->proxy_authorization && !k->client->tls)
        add_header(&out, STR("Proxy-Authorization"), str_of(k->client->proxy_authorization));
    for (size_t i = 0; i < call->header.n; i++)
        add_header(&out, call->header.at[i].name, call->header.at[i].value);
    bool sends_body = call->method == METHOD_POST || call->method == METHOD_PUT ||
                      call->method == METHOD_PATCH || call->body.len;
    if (sends_body)
        buf_printf(&out, "Content-Length: %zu\r\n", call->body.len);
    buf_add(&out, STR("\r\n"));
    conn_write(k->conn, buf_str(&out));
    conn_write(k->conn, call->body);
}

/* Nothing on this connection can be skipped: it goes. */
static void h1_abort(struct link *k, struct client_call *call)
{
    struct err none = {0};
    (void)call;
    none.kind = ERR_CANCELED;
    link_close(k, &none);
}

static void h1_hold(struct link *k, struct client_call *call, bool paused, size_t delivered)
{
    (void)call;
    (void)delivered;
    conn_pause(k->conn, paused);
}

static void h1_drained(struct link *k) { (void)k; }

static void h1_free(struct link *k)
{
    struct link_h1 *h = k->session;
    buf_done(&h->name);
    buf_done(&h->value);
    free(h);
}

static void h1_open(struct link *k)
{
    struct link_h1 *h = calloc(1, sizeof(*h));
    if (!h)
        abort();
    k->session = h;
    h->link = k;
    http_parser_init(&h->parser, HTTP_RESPONSE);
    h->parser.data = h;
    buf_init(&h->name, CLIENT_HEADER_BYTES_MAX);
    buf_init(&h->value, CLIENT_HEADER_BYTES_MAX);
}

const struct link_ops link_h1_ops = {h1_open,  h1_room, h1_start,   h1_abort, h1_hold,
                                     h1_input, h1_eof,  h1_drained, h1_free};
