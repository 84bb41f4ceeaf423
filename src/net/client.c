/* net/client.c: calls of the client: queue, handles, deadlines, delivery; see client.h and
 * client_impl.h. */
#include "net/client_impl.h"

/* ---- lists ---- */

void call_list_push(struct call_list *l, struct client_call *call)
{
    call->next = NULL;
    call->prev = l->last;
    if (l->last)
        l->last->next = call;
    else
        l->first = call;
    l->last = call;
    l->n++;
}

void call_list_remove(struct call_list *l, struct client_call *call)
{
    if (call->prev)
        call->prev->next = call->next;
    else
        l->first = call->next;
    if (call->next)
        call->next->prev = call->prev;
    else
        l->last = call->prev;
    call->next = call->prev = NULL;
    l->n--;
}

static struct client_call *call_find(struct http_call h)
{
    return h.client ? handles_find(&h.client->handles, (struct handle){h.slot, h.gen}) : NULL;
}

/* ---- the end of a call ---- */

static void free_call(struct client_call *call)
{
    timer_stop(&call->timer);
    handles_give(&call->client->handles, call->handle);
    buf_done(&call->body_in);
    arena_done(&call->arena);
    free(call);
}

/* Leave the queue or the link; true when the link carries on without it. */
static struct link *detach(struct client_call *call)
{
    struct link *k = call->link;
    if (call->queued)
        call_list_remove(&call->client->queue, call);
    call->queued = false;
    call->link = NULL;
    if (k)
        call_list_remove(&k->calls, call);
    return k;
}

static void finish(struct client_call *call)
{
    if (call->over)
        return;
    call->over = true;
    timer_stop(&call->timer);
    struct link *k = detach(call);
    call_list_push(&call->client->finished, call);
    if (k && !k->dead && k->calls.n == 0)
        link_idle(k);
    client_pump_soon(call->client);
}

void call_complete(struct client_call *call)
{
    call->complete = true;
    if (call->over)
        return;
    if (!call->streaming || call->body_in.len == 0) {
        finish(call);
        return;
    }
    /* What is held back comes first; the link is not needed for that. */
    if (call->link)
        call->link->ops->hold(call->link, call, false, 0);
    struct link *k = detach(call);
    if (k && !k->dead && k->calls.n == 0)
        link_idle(k);
}

static void fail_wrapped(struct client_call *call)
{
    const struct http_client *c = call->client;
    if (call->over)
        return;
    call->rc = -call->err.kind;
    str target = str_sub(call->target, 0, 300);
    err_wrap(&call->err, "%.*s %s://%s%.*s", STR_FMT(method_name(call->method)),
             c->url.tls ? "https" : "http", c->host_header, STR_FMT(target));
    struct link *k = call->link;
    bool running = k && !k->dead && !call->complete;
    if (running) {
        detach(call);
        k->ops->abort(k, call);
        if (!k->dead && k->calls.n == 0)
            link_idle(k);
    }
    finish(call);
}

void call_fail_err(struct client_call *call, const struct err *err)
{
    if (call->over)
        return;
    call->err = *err;
    if (call->err.kind == ERR_OK)
        err_set(&call->err, ERR_UNAVAILABLE, "%s",
                call->resp.status ? HTTP_ENDS_IN_THE_MIDDLE : "the connection was closed");
    fail_wrapped(call);
}

void call_fail(struct client_call *call, int kind, const char *format, ...)
{
    va_list args;
    if (call->over)
        return;
    va_start(args, format);
    err_vset(&call->err, kind, format, args);
    va_end(args);
    fail_wrapped(call);
}

void call_lost(struct client_call *call, bool unprocessed, const struct err *err)
{
    bool idempotent = call->method == METHOD_GET || call->method == METHOD_HEAD;
    bool stale = call->link && call->link->used && idempotent;
    if (call->over || call->retried || call->any_bytes || !(unprocessed || stale)) {
        call_fail_err(call, err);
        return;
    }
    struct link *k = detach(call);
    call->retried = call->queued = true;
    call->body_sent = 0;
    call_list_push(&call->client->queue, call);
    if (k && !k->dead && k->calls.n == 0)
        link_idle(k);
    client_pump_soon(call->client);
}

void client_fail_queue(struct http_client *c, const struct err *err)
{
    while (c->queue.first)
        call_fail_err(c->queue.first, err);
}

/* ---- the answer arrives ---- */

bool call_header(struct client_call *call, struct http_headers *to, str name, str value)
{
    call->header_bytes += name.len + value.len;
    if (call->header_bytes > CLIENT_HEADER_BYTES_MAX || to->n >= HTTP_HEADERS_MAX)
        return false;
    http_header_add(&call->arena, to, arena_str(&call->arena, name),
                    arena_str(&call->arena, value));
    return true;
}

void call_head(struct client_call *call)
{
    if (call->over || call->head_told)
        return;
    call->head_told = true;
    if (!call->streaming)
        return;
    timer_stop(&call->timer);
    if (call->handler->head)
        call->handler->head(call->arg, &call->resp);
}

bool call_data(struct client_call *call, str bytes)
{
    if (call->over || bytes.len == 0)
        return true;
    call->any_bytes = true;
    if (call->streaming && !call->paused && call->body_in.len == 0) {
        if (call->handler->data)
            call->handler->data(call->arg, bytes);
        return true;
    }
    buf_add(&call->body_in, bytes);
    if (call->body_in.overflow)
        call_fail(call, ERR_TOO_LARGE, "the answer is larger than %zu bytes",
                  call->body_in.bytes_max);
    return !call->streaming;
}

/* ---- the pump: delivery, assignment, burial; always from an empty stack ---- */

static void deliver(struct client_call *call)
{
    if (call->forgotten)
        return;
    const struct err *err = call->rc ? &call->err : NULL;
    if (call->streaming) {
        if (call->handler->end)
            call->handler->end(call->arg, call->rc, &call->resp.trailer, err);
    } else if (call->done) {
        call->resp.body = call->body_in.at ? buf_str(&call->body_in) : STR("");
        call->done(call->arg, call->rc, call->rc ? NULL : &call->resp, err);
    }
}

static struct link *link_with_room(struct http_client *c)
{
    struct link *best = NULL;
    for (struct link *k = c->links; k; k = k->next)
        if (k->ops && !k->draining && k->ops->room(k) > 0 && (!best || k->calls.n > best->calls.n))
            best = k; /* the fullest: others may become idle and close */
    return best;
}

static bool may_open(const struct http_client *c)
{
    if (c->n_links >= c->connections_max)
        return false;
    return c->n_opening == 0 || (c->known_h1 && c->n_opening < c->queue.n);
}

static void assign(struct http_client *c)
{
    struct link *k;
    while (c->queue.first && !c->freed) {
        if ((k = link_with_room(c))) {
            struct client_call *call = c->queue.first;
            call_list_remove(&c->queue, call);
            call->queued = false;
            call->link = k;
            call_list_push(&k->calls, call);
            link_busy(k);
            k->ops->start(k, call);
        } else if (may_open(c)) {
            link_open(c);
        } else {
            return;
        }
    }
}

static void release(struct http_client *c)
{
    struct link *k = c->dead_links;
    c->dead_links = NULL;
    for (struct link *next; k; k = next) {
        next = k->next;
        link_free(k); /* one that still resolves a name goes back to the list */
    }
}

static void free_client(struct http_client *c)
{
    while (c->finished.first) {
        struct client_call *call = c->finished.first;
        call_list_remove(&c->finished, call);
        free_call(call);
    }
    release(c);
    if (c->n_resolving)
        return; /* the last answer comes back here */
    tls_context_unref(c->tls);
    handles_done(&c->handles);
    free(c->url_text);
    free(c->host);
    free(c->base_path);
    free(c->bearer);
    free(c->user_agent);
    free(c->host_header);
    free(c->proxy);
    free(c->proxy_authorization);
    free(c);
}

static void pump(void *arg)
{
    struct http_client *c = arg;
    c->pump_asked = false;
    c->pumping = true;
    while (c->finished.first && !c->freed) {
        struct client_call *call = c->finished.first;
        call_list_remove(&c->finished, call);
        deliver(call);
        free_call(call);
    }
    assign(c);
    release(c);
    c->pumping = false;
    if (c->freed && !c->pump_asked)
        free_client(c);
}

void client_pump_soon(struct http_client *c)
{
    if (c->pump_asked)
        return;
    c->pump_asked = true;
    loop_defer(c->loop, pump, c);
}

/* ---- asking ---- */

static void on_timeout(void *arg)
{
    struct client_call *call = arg;
    call_fail(call, ERR_TIMEOUT, call->link ? "no answer in time" : "no connection in time");
}

static bool target_is_clean(str target)
{
    if (!str_starts(target, STR("/")))
        return false;
    for (size_t i = 0; i < target.len; i++)
        if ((unsigned char)target.at[i] <= ' ' || target.at[i] == 0x7f)
            return false;
    return true;
}

static bool has_header(const struct http_client_request *r, const char *name)
{
    for (size_t i = 0; i < r->n_headers; i++)
        if (str_ieq(r->header[i].name, str_of(name)))
            return true;
    return false;
}

static void copy_request(struct client_call *call, const struct http_client_request *r)
{
    struct http_client *c = call->client;
    struct arena *a = &call->arena;
    call->method = r->method;
    call->target = ARENA_CAT(a, str_of(c->base_path), r->target);
    call->body = arena_str(a, r->body);
    for (size_t i = 0; i < r->n_headers; i++)
        if (!http_header_is_hop(r->header[i].name) && !str_ieq(r->header[i].name, STR("host")))
            http_header_add(a, &call->header, arena_str(a, r->header[i].name),
                            arena_str(a, r->header[i].value));
    if (!has_header(r, "user-agent"))
        http_header_add(a, &call->header, STR("User-Agent"), arena_str(a, str_of(c->user_agent)));
    if (c->bearer && !has_header(r, "authorization"))
        http_header_add(a, &call->header, STR("Authorization"),
                        ARENA_CAT(a, STR("Bearer "), str_of(c->bearer)));
}

static struct client_call *call_new(struct http_client *c, const struct http_client_request *r,
                                    void *arg)
{
    struct client_call *call = calloc(1, sizeof(*call));
    if (!call)
        abort();
    call->client = c;
    call->arg = arg;
    arena_init(&call->arena, CALL_ARENA_BYTES_MAX);
    buf_init(&call->body_in, r->body_bytes_max ? r->body_bytes_max : (size_t)64 << 20);
    timer_init(&call->timer, c->loop, on_timeout, call);
    call->handle = handles_take(&c->handles, call);
    copy_request(call, r);
    c->n_calls++;
    return call;
}

static struct http_call call_submit(struct client_call *call, const struct http_client_request *r)
{
    struct http_client *c = call->client;
    struct http_call handle = {c, call->handle.slot, call->handle.gen};
    bool clean = target_is_clean(call->target) && method_name(r->method).len;
    for (size_t i = 0; i < call->header.n; i++)
        clean &= http_header_is_clean(call->header.at[i].name) &&
                 http_header_is_clean(call->header.at[i].value) && call->header.at[i].name.len;
    if (!clean)
        call_fail(call, ERR_INVALID, "the request holds bytes that HTTP does not allow");
    else if (c->queue.n >= c->queue_max)
        call_fail(call, ERR_BUSY, "%zu calls are waiting already", c->queue.n);
    if (call->over)
        return handle;
    call->queued = true;
    call_list_push(&c->queue, call);
    if (r->timeout_us > 0)
        timer_arm_in(&call->timer, r->timeout_us);
    client_pump_soon(c);
    return handle;
}

struct http_call http_client_send(struct http_client *c, const struct http_client_request *req,
                                  http_done_fn *done, void *arg)
{
    struct client_call *call = call_new(c, req, arg);
    call->done = done;
    return call_submit(call, req);
}

struct http_call http_client_stream(struct http_client *c, const struct http_client_request *req,
                                    const struct http_stream_handler *handler, void *arg)
{
    struct client_call *call = call_new(c, req, arg);
    call->streaming = true;
    call->handler = handler;
    return call_submit(call, req);
}

/* ---- handles ---- */

void http_call_pause(struct http_call h)
{
    struct client_call *call = call_find(h);
    if (!call || call->over || call->paused || !call->streaming)
        return;
    call->paused = true;
    if (call->link && call->link->ops)
        call->link->ops->hold(call->link, call, true, 0);
}

static void deliver_held(void *arg)
{
    struct client_call *call = arg;
    if (call->over || call->paused)
        return;
    struct buf held = call->body_in;
    buf_init(&call->body_in, held.bytes_max);
    size_t n = held.len;
    if (n && call->handler->data)
        call->handler->data(call->arg, buf_str(&held));
    buf_done(&held);
    if (call->over)
        return;
    if (call->link)
        call->link->ops->hold(call->link, call, call->paused, n);
    if (call->complete)
        call_complete(call);
}

void http_call_resume(struct http_call h)
{
    struct client_call *call = call_find(h);
    if (!call || call->over || !call->paused)
        return;
    call->paused = false;
    /* The head came long ago, so the call's timer is free to carry this. */
    if (call->head_told) {
        timer_stop(&call->timer);
        timer_init(&call->timer, call->client->loop, deliver_held, call);
        timer_arm_in(&call->timer, 0);
    }
}

void http_call_cancel(struct http_call h)
{
    struct client_call *call = call_find(h);
    if (call)
        call_fail(call, ERR_CANCELED, "canceled");
}

void http_call_forget(struct http_call *h)
{
    struct client_call *call = call_find(*h);
    *h = (struct http_call){0};
    if (!call)
        return;
    call->forgotten = true;
    call_fail(call, ERR_CANCELED, "canceled");
}

bool http_call_running(struct http_call h)
{
    struct client_call *call = call_find(h);
    return call && !call->over;
}

/* ---- the client ---- */

static char *copy(str s)
{
    char *at = strndup(s.len ? s.at : "", s.len);
    if (!at)
        abort();
    return at;
}

static void fill(struct http_client *c, const struct http_client_config *f)
{
    char port[16] = "";
    bool v6 = str_find_char(c->url.host, ':') >= 0;
    if (c->url.port != (c->url.tls ? 443 : 80))
        (void)snprintf(port, sizeof(port), ":%u", c->url.port);
    c->host = copy(c->url.host);
    c->base_path = copy(c->url.path);
    if (asprintf(&c->host_header, "%s%s%s%s", v6 ? "[" : "", c->host, v6 ? "]" : "", port) < 0)
        abort();
    c->user_agent = copy(f->user_agent.len ? f->user_agent : STR("tiphys"));
    c->bearer = f->bearer_token.len ? copy(f->bearer_token) : NULL;
    c->protocol = f->protocol;
    c->connections_max = f->connections_max ? f->connections_max : 16;
    c->queue_max = f->queue_max ? f->queue_max : 4096;
    c->connect_timeout_us = f->connect_timeout_us ? f->connect_timeout_us : 10 * USEC_PER_SEC;
    c->idle_timeout_us = f->idle_timeout_us ? f->idle_timeout_us : 60 * USEC_PER_SEC;
    c->ping_us = f->ping_us ? f->ping_us : 30 * USEC_PER_SEC;
}

static int proxy_parse(const struct http_client_config *config, struct http_url *ret,
                       struct err *err)
{
    if (!config->proxy.len)
        return 0;
    int rc = http_url_parse(config->proxy, ret, err);
    if (rc)
        return err_wrap(err, "proxy");
    return ret->tls ? err_set(err, ERR_UNSUPPORTED, "proxy: https:// is not supported") : 0;
}

int http_client_new(struct loop *l, const struct http_client_config *config,
                    struct http_client **ret, struct err *err)
{
    struct http_url u, proxy = {0};
    struct tls_context *tls = NULL;
    char *text = copy(config->url);
    int rc = http_url_parse(str_of(text), &u, err);
    if (rc == 0)
        rc = proxy_parse(config, &proxy, err);
    if (rc == 0 && u.tls)
        rc = tls_client_new(&config->tls, config->protocol != HTTP_PROTOCOL_1, &tls, err);
    if (rc) {
        free(text);
        return rc;
    }
    struct http_client *c = calloc(1, sizeof(*c));
    if (!c)
        abort();
    c->loop = l;
    c->url_text = text;
    c->url = u;
    c->tls = tls;
    c->proxy = proxy.host.len ? copy(proxy.host) : NULL;
    c->proxy_port = proxy.port;
    c->proxy_authorization =
        config->proxy_authorization.len ? copy(config->proxy_authorization) : NULL;
    fill(c, config);
    *ret = c;
    return 0;
}

void http_client_free(struct http_client *c)
{
    struct err none = {0};
    if (!c || c->freed)
        return;
    c->freed = true;
    for (struct link *k = c->links, *next; k; k = next) {
        next = k->next;
        for (struct client_call *call = k->calls.first; call; call = call->next)
            call->forgotten = call->retried = true;
        link_close(k, &none);
    }
    for (struct client_call *call = c->queue.first; call; call = call->next)
        call->forgotten = true;
    client_fail_queue(c, &none);
    client_pump_soon(c);
}

void http_client_set_bearer(struct http_client *c, str token)
{
    free(c->bearer);
    c->bearer = token.len ? copy(token) : NULL;
}

struct http_client_stats http_client_stats(const struct http_client *c)
{
    struct http_client_stats s = {.connections = (unsigned)c->n_links,
                                  .queued = (unsigned)c->queue.n,
                                  .opened = c->opened,
                                  .calls = c->n_calls,
                                  .bytes_in = c->bytes_in,
                                  .bytes_out = c->bytes_out};
    for (const struct link *k = c->links; k; k = k->next) {
        s.running += (unsigned)k->calls.n;
        if (k->conn) {
            s.bytes_in += k->conn->bytes_in;
            s.bytes_out += k->conn->bytes_out;
        }
    }
    return s;
}
