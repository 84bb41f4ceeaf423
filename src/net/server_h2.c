/* net/server_h2.c: the HTTP/2 side of the server (nghttp2); see server_impl.h.
 *
 * nghttp2 keeps frames, HPACK and windows; this file turns streams into exchanges. Answers are
 * queued per stream and pulled by nghttp2 as windows allow. Requests are dispatched after nghttp2
 * has returned, never from inside its callbacks. */
#include "net/h2.h"
#include "net/server_impl.h"

#define WINDOW_BYTES (1 << 20)
#define RESETS_MAX                                                                                 \
    200 /* streams reset by the peer before their answer, per HTTP2_RESETS_US: rapid reset */
#define RESETS_US (10 * USEC_PER_SEC)

struct h2 {
    struct server_conn *sc;
    nghttp2_session *session;
    struct exchange *ready, **ready_end;
    bool receiving, sending;
    unsigned resets;
    usec resets_since;
    struct timer flush;
};

static void send_more(struct server_conn *sc);

static struct exchange *stream_exchange(struct h2 *h, int32_t stream)
{
    return nghttp2_session_get_stream_user_data(h->session, stream);
}

/* ---- requests ---- */

static int on_begin_headers(nghttp2_session *s, const nghttp2_frame *f, void *user)
{
    struct h2 *h = user;
    if (f->hd.type != NGHTTP2_HEADERS || f->headers.cat != NGHTTP2_HCAT_REQUEST)
        return 0;
    struct exchange *x = exchange_new(h->sc);
    x->stream = f->hd.stream_id;
    x->req.version = 20;
    nghttp2_session_set_stream_user_data(s, f->hd.stream_id, x);
    server_conn_touch(h->sc);
    return 0;
}

static void pseudo_header(struct exchange *x, str name, str value)
{
    if (str_is(name, ":method"))
        x->req.method = method_parse(value);
    else if (str_is(name, ":authority"))
        x->req.authority = arena_str(&x->arena, value);
    else if (str_is(name, ":path"))
        exchange_target(x, value);
    x->header_bytes += name.len + value.len;
}

static int on_header(nghttp2_session *s, const nghttp2_frame *f, nghttp2_rcbuf *name,
                     nghttp2_rcbuf *value, uint8_t flags, void *user)
{
    struct exchange *x = stream_exchange(user, f->hd.stream_id);
    (void)s;
    (void)flags;
    if (!x || x->dispatched)
        return 0;
    str key = h2_text(name), val = h2_text(value);
    if (key.len && key.at[0] == ':')
        pseudo_header(x, key, val);
    else
        exchange_header(x, key, val);
    return 0;
}

static void request_complete(struct h2 *h, struct exchange *x)
{
    if (x->ready || x->dispatched)
        return;
    x->ready = true;
    if (!x->req.authority.at)
        x->req.authority = http_header_find(&x->req.header, "host");
    x->next_ready = NULL;
    *h->ready_end = x;
    h->ready_end = &x->next_ready;
}

static int on_frame(nghttp2_session *s, const nghttp2_frame *f, void *user)
{
    struct h2 *h = user;
    (void)s;
    if (f->hd.type != NGHTTP2_HEADERS && f->hd.type != NGHTTP2_DATA)
        return 0;
    struct exchange *x = stream_exchange(h, f->hd.stream_id);
    if (x && ((f->hd.flags & NGHTTP2_FLAG_END_STREAM) || x->refuse_status))
        request_complete(h, x); /* a refused one is answered before its body came */
    return 0;
}

static int on_data(nghttp2_session *s, uint8_t flags, int32_t stream, const uint8_t *data, size_t n,
                   void *user)
{
    struct h2 *h = user;
    struct exchange *x = stream_exchange(h, stream);
    (void)s;
    (void)flags;
    if (x && !x->dispatched) {
        exchange_body(x, str_mem(data, n));
        if (x->refuse_status)
            request_complete(h, x);
    }
    return 0;
}

static void forget_ready(struct h2 *h, struct exchange *gone)
{
    struct exchange **at = &h->ready;
    while (*at && *at != gone)
        at = &(*at)->next_ready;
    if (*at)
        *at = gone->next_ready;
    for (h->ready_end = &h->ready; *h->ready_end;)
        h->ready_end = &(*h->ready_end)->next_ready;
}

static int on_stream_close(nghttp2_session *s, int32_t stream, uint32_t code, void *user)
{
    struct h2 *h = user;
    struct exchange *x = stream_exchange(h, stream);
    (void)s;
    if (!x)
        return 0;
    if (code != NGHTTP2_NO_ERROR && !x->out_ended) {
        usec now = loop_now(h->sc->server->loop);
        if (now - h->resets_since > RESETS_US) {
            h->resets_since = now;
            h->resets = 0;
        }
        h->resets++;
    }
    if (x->ready && !x->dispatched)
        forget_ready(h, x);
    exchange_release(x);
    return 0;
}

static void dispatch_ready(struct server_conn *sc)
{
    struct h2 *h = sc->session;
    while (h->ready && !sc->dead) {
        struct exchange *x = h->ready;
        h->ready = x->next_ready;
        if (!h->ready)
            h->ready_end = &h->ready;
        exchange_dispatch(x);
    }
}

static void h2_input(struct server_conn *sc, str bytes)
{
    struct h2 *h = sc->session;
    h->receiving = true;
    ssize_t n = nghttp2_session_mem_recv(h->session, (const uint8_t *)bytes.at, bytes.len);
    h->receiving = false;
    if (n < 0 || h->resets > RESETS_MAX) {
        nghttp2_session_terminate_session(h->session, n < 0 ? NGHTTP2_PROTOCOL_ERROR
                                                            : NGHTTP2_ENHANCE_YOUR_CALM);
        send_more(sc);
        if (!sc->dead)
            server_conn_close(sc, true);
        return;
    }
    dispatch_ready(sc);
    send_more(sc);
}

/* ---- answers ---- */

static void send_more(struct server_conn *sc)
{
    struct h2 *h = sc->session;
    if (sc->dead || h->sending || h->receiving)
        return;
    h->sending = true;
    h2_pump(h->session, sc->conn);
    h->sending = false;
    if (h2_is_over(h->session))
        server_conn_close(sc, true);
    else
        server_conn_touch(sc);
}

static void flush_now(void *arg) { send_more(arg); }

static void flush_later(struct h2 *h)
{
    if (!h->receiving && !timer_armed(&h->flush))
        timer_arm_in(&h->flush, 0);
}

static size_t add_fields(struct exchange *x, nghttp2_nv *nv, const struct http_header *f, size_t n)
{
    size_t k = 0;
    for (size_t i = 0; i < n; i++)
        if (!http_header_is_hop(f[i].name) && http_header_is_clean(f[i].value) && f[i].name.len)
            nv[k++] = h2_field(&x->arena, f[i].name, f[i].value);
    return k;
}

static ssize_t read_out(nghttp2_session *s, int32_t stream, uint8_t *to, size_t max,
                        uint32_t *flags, nghttp2_data_source *source, void *user)
{
    struct exchange *x = source->ptr;
    size_t n = MIN_OF(max, outq_len(&x->out));
    (void)user;
    if (n) {
        memcpy(to, outq_str(&x->out).at, n);
        outq_consume(&x->out, n);
        x->out_progress_at = loop_now(x->server->loop);
    }
    if (x->out_ended && outq_len(&x->out) == 0) {
        *flags |= NGHTTP2_DATA_FLAG_EOF;
        if (x->trailer.n) {
            nghttp2_nv nv[HTTP_HEADERS_MAX];
            size_t k =
                add_fields(x, nv, x->trailer.at, MIN_OF(x->trailer.n, (size_t)HTTP_HEADERS_MAX));
            *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
            nghttp2_submit_trailer(s, stream, nv, k);
        }
        return (ssize_t)n;
    }
    if (n == 0) {
        x->deferred = true;
        return NGHTTP2_ERR_DEFERRED;
    }
    return (ssize_t)n;
}

static void h2_start(struct exchange *x, int status, const struct http_header *f, size_t n,
                     int64_t body_bytes)
{
    struct h2 *h = x->sc->session;
    nghttp2_nv nv[HTTP_HEADERS_MAX + 3];
    char date[40];
    size_t k = 0;
    nv[k++] = h2_field(&x->arena, STR(":status"), arena_printf(&x->arena, "%d", status));
    k += add_fields(x, nv + k, f, MIN_OF(n, (size_t)HTTP_HEADERS_MAX));
    nv[k++] = h2_field(&x->arena, STR("date"), http_date(h->sc->server->loop, date));
    if (body_bytes >= 0 && status != 204 && status != 304)
        nv[k++] = h2_field(&x->arena, STR("content-length"),
                           arena_printf(&x->arena, "%lld", (long long)body_bytes));
    nghttp2_data_provider source = {.source.ptr = x, .read_callback = read_out};
    bool bodyless =
        x->req.method == METHOD_HEAD || status == 204 || status == 304 || body_bytes == 0;
    x->out_ended = bodyless;
    x->out_progress_at = loop_now(x->server->loop);
    nghttp2_submit_response(h->session, x->stream, nv, k, bodyless ? NULL : &source);
    flush_later(h);
}

static void wake(struct exchange *x)
{
    struct h2 *h = x->sc->session;
    if (x->deferred) {
        x->deferred = false;
        nghttp2_session_resume_data(h->session, x->stream);
    }
    flush_later(h);
}

static void h2_write(struct exchange *x, str bytes)
{
    if (x->out_ended)
        return;
    if (outq_len(&x->out) == 0)
        x->out_progress_at = loop_now(x->server->loop);
    buf_add(&x->out.buf, bytes);
    wake(x);
}

static void h2_end(struct exchange *x, const struct http_header *trailer, size_t n)
{
    for (size_t i = 0; i < n; i++)
        http_header_add(&x->arena, &x->trailer, arena_str(&x->arena, trailer[i].name),
                        arena_str(&x->arena, trailer[i].value));
    x->out_ended = true;
    wake(x);
}

static void h2_abort(struct exchange *x)
{
    struct h2 *h = x->sc->session;
    x->out_ended = true; /* our doing: does not count as a reset by the peer */
    buf_done(&x->out.buf);
    x->out.from = 0;
    nghttp2_submit_rst_stream(h->session, NGHTTP2_FLAG_NONE, x->stream,
                              x->state == EXCHANGE_READING ? NGHTTP2_CANCEL
                                                           : NGHTTP2_INTERNAL_ERROR);
    flush_later(h);
}

static size_t h2_queued(const struct exchange *x) { return outq_len(&x->out); }

static void note_queues(struct server_conn *sc)
{
    for (struct exchange *x = sc->exchanges, *next; x && !sc->dead; x = next) {
        next = x->next;
        exchange_note_queue(x);
    }
}

static void h2_drained(struct server_conn *sc)
{
    send_more(sc);
    if (!sc->dead)
        note_queues(sc);
}

static void h2_go_away(struct server_conn *sc)
{
    struct h2 *h = sc->session;
    sc->going_away = true;
    nghttp2_submit_goaway(h->session, NGHTTP2_FLAG_NONE,
                          nghttp2_session_get_last_proc_stream_id(h->session), NGHTTP2_NO_ERROR,
                          NULL, 0);
    send_more(sc);
    if (!sc->dead && sc->n_exchanges == 0)
        server_conn_close(sc, true);
}

static void h2_refuse(struct server_conn *sc, int status)
{
    struct h2 *h = sc->session;
    (void)status;
    nghttp2_session_terminate_session(h->session, NGHTTP2_NO_ERROR);
    send_more(sc);
}

static void h2_free(struct server_conn *sc)
{
    struct h2 *h = sc->session;
    timer_stop(&h->flush);
    nghttp2_session_del(h->session);
    free(h);
}

const struct session_ops h2_ops = {h2_input,  h2_start,   h2_write,   h2_end,    h2_abort,
                                   h2_queued, h2_drained, h2_go_away, h2_refuse, h2_free};

static nghttp2_session *session_new(struct h2 *h)
{
    nghttp2_session_callbacks *cb;
    nghttp2_option *option;
    nghttp2_session *session;
    if (nghttp2_session_callbacks_new(&cb) || nghttp2_option_new(&option))
        abort();
    nghttp2_session_callbacks_set_on_begin_headers_callback(cb, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback2(cb, on_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(cb, on_frame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(cb, on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(cb, on_stream_close);
    nghttp2_option_set_max_settings(option, 32);
    nghttp2_option_set_max_outbound_ack(option, 200);
    if (nghttp2_session_server_new2(&session, cb, h, option))
        abort();
    nghttp2_option_del(option);
    nghttp2_session_callbacks_del(cb);
    return session;
}

void h2_open(struct server_conn *sc)
{
    struct h2 *h = calloc(1, sizeof(*h));
    if (!h)
        abort();
    h->sc = sc;
    h->ready_end = &h->ready;
    sc->session = h;
    sc->reading_since = 0;
    timer_init(&h->flush, sc->server->loop, flush_now, sc);
    h->session = session_new(h);
    const nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, sc->server->config.streams_max},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, WINDOW_BYTES},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, (uint32_t)sc->server->config.header_bytes_max},
    };
    nghttp2_submit_settings(h->session, NGHTTP2_FLAG_NONE, settings, ARRAY_LEN(settings));
    nghttp2_session_set_local_window_size(h->session, NGHTTP2_FLAG_NONE, 0, 16 * WINDOW_BYTES);
    flush_later(h);
}
