/* net/client_h2.c: many calls over one HTTP/2 connection (nghttp2); see client_impl.h.
 *
 * Windows are opened by hand: the connection's at once, so that a paused stream never stops its
 * neighbours; a stream's when its bytes were handed out. A paused call therefore holds at most
 * CLIENT_WINDOW_BYTES. */
#include "net/client_impl.h"
#include "net/h2.h"

struct link_h2 {
    struct link *link;
    nghttp2_session *session;
    struct timer flush;
    bool receiving, sending;
};

static void send_more(struct link *k);

static struct client_call *stream_call(nghttp2_session *s, int32_t stream)
{
    return nghttp2_session_get_stream_user_data(s, stream);
}

/* ---- answers ---- */

static int on_header(nghttp2_session *s, const nghttp2_frame *f, nghttp2_rcbuf *name,
                     nghttp2_rcbuf *value, uint8_t flags, void *user)
{
    struct link_h2 *h = user;
    struct client_call *call = stream_call(s, f->hd.stream_id);
    (void)flags;
    if (!call || call->over || h->link->dead)
        return 0;
    str key = h2_text(name), val = h2_text(value);
    uint64_t status;
    call->any_bytes = true;
    if (str_is(key, ":status")) {
        call->resp.status = str_to_u64(val, &status) ? (int)status : 0;
        return 0;
    }
    struct http_headers *to = call->head_told ? &call->resp.trailer : &call->resp.header;
    if (!call_header(call, to, key, val))
        call_fail(call, ERR_TOO_LARGE, "the answer has too many header fields");
    return 0;
}

static void on_headers_end(struct client_call *call)
{
    bool informational = call->resp.status >= 100 && call->resp.status < 200;
    if (call->head_told)
        return;
    if (informational)
        call->resp.header.n = 0;
    else
        call_head(call);
}

static int on_frame(nghttp2_session *s, const nghttp2_frame *f, void *user)
{
    struct link_h2 *h = user;
    if (h->link->dead)
        return 0;
    if (f->hd.type == NGHTTP2_GOAWAY)
        h->link->draining = true;
    if (f->hd.type == NGHTTP2_SETTINGS)
        client_pump_soon(h->link->client); /* more streams may be allowed */
    if (f->hd.type != NGHTTP2_HEADERS)
        return 0;
    struct client_call *call = stream_call(s, f->hd.stream_id);
    if (call && !call->over)
        on_headers_end(call);
    return 0;
}

static int on_data(nghttp2_session *s, uint8_t flags, int32_t stream, const uint8_t *data, size_t n,
                   void *user)
{
    struct link_h2 *h = user;
    struct client_call *call = stream_call(s, stream);
    (void)flags;
    nghttp2_session_consume_connection(s, n);
    if (h->link->dead)
        return 0;
    if (!call || call->over || call_data(call, str_mem(data, n)))
        if (!h->link->dead)
            nghttp2_session_consume_stream(s, stream, n);
    return 0;
}

static int on_stream_close(nghttp2_session *s, int32_t stream, uint32_t code, void *user)
{
    struct link_h2 *h = user;
    struct client_call *call = stream_call(s, stream);
    struct err err = {0};
    if (!call || call->over || h->link->dead)
        return 0;
    nghttp2_session_set_stream_user_data(s, stream, NULL);
    h->link->used = true;
    call->stream = 0;
    if (code == NGHTTP2_NO_ERROR && call->head_told) {
        call_complete(call);
        return 0;
    }
    err_set(&err, ERR_UNAVAILABLE, "the peer reset the stream: %s", nghttp2_http2_strerror(code));
    call_lost(call, code == NGHTTP2_REFUSED_STREAM, &err);
    return 0;
}

static void h2_input(struct link *k, str bytes)
{
    struct link_h2 *h = k->session;
    struct err err = {0};
    h->receiving = true;
    ssize_t n = nghttp2_session_mem_recv(h->session, (const uint8_t *)bytes.at, bytes.len);
    h->receiving = false;
    if (k->dead)
        return;
    if (n < 0) {
        err_set(&err, ERR_UNAVAILABLE, "HTTP/2: %s", nghttp2_strerror((int)n));
        link_close(k, &err);
        return;
    }
    send_more(k);
    if (!k->dead && k->draining && k->calls.n == 0)
        link_idle(k);
}

static void h2_eof(struct link *k, const struct err *err) { link_close(k, err); }

/* ---- requests ---- */

static void send_more(struct link *k)
{
    struct link_h2 *h = k->session;
    struct err none = {0};
    if (k->dead || h->sending || h->receiving)
        return;
    h->sending = true;
    h2_pump(h->session, k->conn);
    h->sending = false;
    if (h2_is_over(h->session))
        link_close(k, &none);
}

static void flush_now(void *arg) { send_more(arg); }

static void flush_later(struct link_h2 *h)
{
    if (!timer_armed(&h->flush))
        timer_arm_in(&h->flush, 0);
}

static size_t h2_room(const struct link *k)
{
    const struct link_h2 *h = k->session;
    uint32_t max =
        nghttp2_session_get_remote_settings(h->session, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
    if (!nghttp2_session_check_request_allowed(h->session))
        return 0;
    max = MIN_OF(max, 100000u);
    return k->calls.n < max ? max - k->calls.n : 0;
}

static ssize_t read_body(nghttp2_session *s, int32_t stream, uint8_t *to, size_t max,
                         uint32_t *flags, nghttp2_data_source *source, void *user)
{
    struct client_call *call = stream_call(s, stream);
    (void)source;
    (void)user;
    if (!call)
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    size_t n = MIN_OF(max, call->body.len - call->body_sent);
    memcpy(to, call->body.at + call->body_sent, n);
    call->body_sent += n;
    if (call->body_sent == call->body.len)
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    return (ssize_t)n;
}

static void h2_start(struct link *k, struct client_call *call)
{
    struct link_h2 *h = k->session;
    const struct http_client *c = k->client;
    nghttp2_nv nv[HTTP_HEADERS_MAX + 8];
    size_t n = 0;
    nv[n++] = h2_field(&call->arena, STR(":method"), method_name(call->method));
    nv[n++] = h2_field(&call->arena, STR(":scheme"), c->url.tls ? STR("https") : STR("http"));
    nv[n++] = h2_field(&call->arena, STR(":authority"), str_of(c->host_header));
    nv[n++] = h2_field(&call->arena, STR(":path"), call->target);
    for (size_t i = 0; i < call->header.n && n < ARRAY_LEN(nv) - 1; i++)
        nv[n++] = h2_field(&call->arena, call->header.at[i].name, call->header.at[i].value);
    if (call->body.len)
        nv[n++] = h2_field(&call->arena, STR("content-length"),
                           arena_printf(&call->arena, "%zu", call->body.len));
    nghttp2_data_provider body = {.read_callback = read_body};
    int32_t id =
        nghttp2_submit_request(h->session, NULL, nv, n, call->body.len ? &body : NULL, call);
    if (id < 0) {
        struct err err = {0};
        k->draining = true;
        err_set(&err, ERR_UNAVAILABLE, "HTTP/2: %s", nghttp2_strerror(id));
        call_lost(call, true, &err);
        return;
    }
    call->stream = id;
    flush_later(h);
}

static void h2_abort(struct link *k, struct client_call *call)
{
    struct link_h2 *h = k->session;
    if (call->stream <= 0)
        return;
    nghttp2_session_set_stream_user_data(h->session, call->stream, NULL);
    nghttp2_submit_rst_stream(h->session, NGHTTP2_FLAG_NONE, call->stream, NGHTTP2_CANCEL);
    flush_later(h);
}

static void h2_hold(struct link *k, struct client_call *call, bool paused, size_t delivered)
{
    struct link_h2 *h = k->session;
    (void)paused;
    if (delivered && call->stream > 0) {
        nghttp2_session_consume_stream(h->session, call->stream, delivered);
        flush_later(h);
    }
}

static void h2_drained(struct link *k) { send_more(k); }

bool link_h2_ping(struct link *k)
{
    struct link_h2 *h = k->session;
    if (k->ops != &link_h2_ops)
        return false;
    nghttp2_submit_ping(h->session, NGHTTP2_FLAG_NONE, NULL);
    flush_later(h);
    return true;
}

static void h2_free(struct link *k)
{
    struct link_h2 *h = k->session;
    timer_stop(&h->flush);
    nghttp2_session_del(h->session);
    free(h);
}

static nghttp2_session *session_new(struct link_h2 *h)
{
    nghttp2_session_callbacks *cb;
    nghttp2_option *option;
    nghttp2_session *session;
    if (nghttp2_session_callbacks_new(&cb) || nghttp2_option_new(&option))
        abort();
    nghttp2_session_callbacks_set_on_header_callback2(cb, on_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(cb, on_frame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(cb, on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(cb, on_stream_close);
    nghttp2_option_set_no_auto_window_update(option, 1);
    if (nghttp2_session_client_new2(&session, cb, h, option))
        abort();
    nghttp2_option_del(option);
    nghttp2_session_callbacks_del(cb);
    return session;
}

static void h2_open(struct link *k)
{
    struct link_h2 *h = calloc(1, sizeof(*h));
    if (!h)
        abort();
    k->session = h;
    h->link = k;
    timer_init(&h->flush, k->client->loop, flush_now, k);
    h->session = session_new(h);
    const nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, CLIENT_WINDOW_BYTES},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, (uint32_t)CLIENT_HEADER_BYTES_MAX},
    };
    nghttp2_submit_settings(h->session, NGHTTP2_FLAG_NONE, settings, ARRAY_LEN(settings));
    nghttp2_session_set_local_window_size(h->session, NGHTTP2_FLAG_NONE, 0,
                                          16 * CLIENT_WINDOW_BYTES);
    flush_later(h);
}

const struct link_ops link_h2_ops = {h2_open,  h2_room, h2_start,   h2_abort, h2_hold,
                                     h2_input, h2_eof,  h2_drained, h2_free};
