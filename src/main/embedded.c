/* main/embedded.c */
#include "main/embedded.h"

#include <stdlib.h>
#include <string.h>

struct embedded {
    struct embedded_config config;
    struct exchange *exchanges; /* under way, to be forgotten by free */
    struct kube_stream *streams;
    char user[128];
};

struct exchange { /* one request, from asking to answering */
    struct embedded *e;
    struct exchange *next, **back;
    struct arena arena;
    struct kube_request request;
    struct call call;
    struct timer timer;
    struct embedded_fault fault;
};

struct kube_stream {
    struct embedded *e;
    struct kube_stream *next, **back;
    const struct kube_stream_handler *handler;
    void *arg;
    struct arena arena;
    struct kube_request request;
    struct mk_watch *watch;
    struct buf pending;
    struct timer timer;
    int status;
    bool started, head_told, end_due, ended;
    bool *closed_flag; /* set while callbacks run: close_stream tells stream_turn */
};

static void *allocate(size_t size)
{
    void *p = calloc(1, size);
    if (!p)
        abort();
    return p;
}

static void copy_request(struct arena *a, const struct kube_request *from, struct kube_request *to)
{
    *to = *from;
    to->target = arena_str(a, from->target);
    to->content_type = arena_str(a, from->content_type);
    to->accept = arena_str(a, from->accept.len ? from->accept : STR("application/json"));
    to->body = arena_str(a, from->body);
}

static struct mk_request core_request(const struct embedded *e, const struct kube_request *r)
{
    return (struct mk_request){
        .method = r->method,
        .target = r->target,
        .accept = r->accept,
        .content_type = r->content_type,
        .user_agent = STR(KUBE_USER_AGENT),
        .user = str_of(e->user),
        .body = r->body,
    };
}

/* ---- requests ---- */

static void exchange_free(struct exchange *x)
{
    timer_stop(&x->timer);
    *x->back = x->next;
    if (x->next)
        x->next->back = x->back;
    arena_done(&x->arena);
    free(x);
}

static void unreachable(struct exchange *x)
{
    struct err err;
    err_set(&err, ERR_UNAVAILABLE, "%.*s: the connection was lost", STR_FMT(x->request.target));
    call_answer_err(x->call, &err);
}

static void answer(struct exchange *x, int status, str body)
{
    struct kube_response *r = allocate(sizeof(*r));
    r->status = status;
    buf_init(&r->body, KUBE_BODY_BYTES_MAX);
    buf_add(&r->body, body);
    call_answer_ok(x->call, r, kube_response_free);
}

static void refuse(struct exchange *x)
{
    str body = arena_printf(
        &x->arena,
        "{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"status\":\"Failure\",\"message\":\"injected "
        "fault\",\"reason\":\"%s\",\"code\":%d}",
        x->fault.status == 409 ? "Conflict" : "InternalError", x->fault.status);
    answer(x, x->fault.status, body);
}

static void exchange_now(void *arg)
{
    struct exchange *x = arg;
    struct mk_request req = core_request(x->e, &x->request);
    struct mk_response response = {0};
    if (x->fault.lose_request) {
        unreachable(x);
    } else if (x->fault.status) {
        refuse(x);
    } else {
        microkube_request(x->e->config.core, &req, &x->arena, &response);
        if (x->fault.lose_answer)
            unreachable(x);
        else
            answer(x, response.status, response.body);
    }
    exchange_free(x);
}

static void send_request(void *arg, const struct kube_request *r, struct call c)
{
    struct embedded *e = arg;
    struct exchange *x = allocate(sizeof(*x));
    x->e = e;
    x->next = e->exchanges;
    x->back = &e->exchanges;
    if (x->next)
        x->next->back = &x->next;
    e->exchanges = x;
    arena_init(&x->arena, ARENA_BYTES_DEFAULT);
    copy_request(&x->arena, r, &x->request);
    x->call = c;
    if (e->config.fault)
        e->config.fault(e->config.fault_arg, &x->request, false, &x->fault);
    timer_init(&x->timer, e->config.loop, exchange_now, x);
    timer_arm_in(&x->timer, x->fault.delay_us);
}

/* ---- watches ---- */

static void stream_unwatch(struct kube_stream *s)
{
    if (s->watch)
        microkube_unwatch(s->e->config.core, s->watch);
    s->watch = NULL;
}

static bool queue_lines(void *arg, str lines)
{
    struct kube_stream *s = arg;
    buf_add(&s->pending, lines);
    if (s->pending.overflow) {
        s->watch = NULL; /* closed by answering false */
        s->end_due = true;
    }
    if (!timer_armed(&s->timer))
        timer_arm_in(&s->timer, 0);
    return !s->end_due;
}

static void watch_ended(void *arg)
{
    struct kube_stream *s = arg;
    s->watch = NULL;
    s->end_due = true;
    if (!timer_armed(&s->timer))
        timer_arm_in(&s->timer, 0);
}

static const struct mk_watch_handler watch_handler = {queue_lines, watch_ended};

static void stream_start(struct kube_stream *s)
{
    struct mk_request req = core_request(s->e, &s->request);
    struct mk_response response = {0};
    struct arena a;
    arena_init(&a, ARENA_BYTES_DEFAULT);
    s->started = true;
    if (mk_request_is_watch(&req)) {
        microkube_watch(s->e->config.core, &req, &watch_handler, s, &a, &s->watch, &response);
    } else {
        microkube_request(s->e->config.core, &req, &a, &response);
        s->end_due = true;
    }
    s->status = response.status;
    if (!s->watch) {
        buf_add(&s->pending, response.body);
        s->end_due = true;
    }
    arena_done(&a);
}

/* Callbacks may close the stream: nothing is touched after one that did. */
static bool tell(struct kube_stream *s, bool *io_closed)
{
    struct buf bytes = s->pending;
    buf_init(&s->pending, bytes.bytes_max);
    if (!s->head_told) {
        s->head_told = true;
        s->handler->head(s->arg, s->status);
    }
    if (!*io_closed && bytes.len)
        s->handler->data(s->arg, buf_str(&bytes));
    buf_done(&bytes);
    return !*io_closed;
}

static void stream_turn(void *arg)
{
    struct kube_stream *s = arg;
    struct embedded_fault fault = {0};
    struct err err = {0};
    bool closed = false;
    if (s->e->config.fault)
        s->e->config.fault(s->e->config.fault_arg, &s->request, true, &fault);
    if (!s->started)
        stream_start(s);
    if (fault.end_stream) {
        stream_unwatch(s);
        s->ended = true;
        err_set(&err, ERR_UNAVAILABLE, "the connection was lost");
        s->handler->end(s->arg, -ERR_UNAVAILABLE, &err);
        return;
    }
    bool end = s->end_due;
    s->closed_flag = &closed;
    if (!tell(s, &closed))
        return;
    s->closed_flag = NULL;
    if (end) {
        s->ended = true;
        s->handler->end(s->arg, 0, &err);
    }
}

static struct kube_stream *open_stream(void *arg, const struct kube_request *r,
                                       const struct kube_stream_handler *handler, void *handler_arg)
{
    struct embedded *e = arg;
    struct kube_stream *s = allocate(sizeof(*s));
    s->e = e;
    s->next = e->streams;
    s->back = &e->streams;
    if (s->next)
        s->next->back = &s->next;
    e->streams = s;
    s->handler = handler;
    s->arg = handler_arg;
    arena_init(&s->arena, ARENA_BYTES_DEFAULT);
    copy_request(&s->arena, r, &s->request);
    buf_init(&s->pending, KUBE_BODY_BYTES_MAX);
    timer_init(&s->timer, e->config.loop, stream_turn, s);
    timer_arm_in(&s->timer, 0);
    return s;
}

static void close_stream(void *arg UNUSED, struct kube_stream *s)
{
    if (!s)
        return;
    if (s->closed_flag)
        *s->closed_flag = true;
    timer_stop(&s->timer);
    stream_unwatch(s);
    *s->back = s->next;
    if (s->next)
        s->next->back = s->back;
    buf_done(&s->pending);
    arena_done(&s->arena);
    free(s);
}

static void free_transport(void *arg)
{
    struct embedded *e = arg;
    while (e->exchanges) {
        struct err err;
        err_set(&err, ERR_CANCELED, "the connection to the cluster is being closed");
        call_answer_err(e->exchanges->call, &err);
        exchange_free(e->exchanges);
    }
    while (e->streams)
        close_stream(e, e->streams);
    free(e);
}

void embedded_transport(const struct embedded_config *config, struct kube_transport *ret)
{
    struct embedded *e = allocate(sizeof(*e));
    e->config = *config;
    size_t len = MIN_OF(config->user.len, sizeof(e->user) - 1);
    if (len)
        memcpy(e->user, config->user.at, len);
    *ret = (struct kube_transport){e, send_request, open_stream, close_stream, free_transport};
}
