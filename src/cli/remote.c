#include "cli/remote.h"

#include <ctype.h>

#include "base/time.h"
#include "cli/config.h"
#include "event/loop.h"
#include "net/client.h"
#include "net/sse.h"
#include "value/json.h"

#define CALL_TIMEOUT_US (10 * USEC_PER_MIN)
#define ANSWER_BYTES_MAX ((size_t)200 << 20)

str remote_escape(struct arena *a, str s)
{
    char *at = arena_alloc(a, s.len * 3 + 1), *w = at;
    for (size_t i = 0; i < s.len; i++) {
        unsigned char ch = (unsigned char)s.at[i];
        if (isalnum(ch) || strchr("-_.~", ch)) {
            *w++ = (char)ch;
        } else {
            *w++ = '%';
            *w++ = "0123456789ABCDEF"[ch >> 4];
            *w++ = "0123456789ABCDEF"[ch & 15];
        }
    }
    return str_mem(at, (size_t)(w - at));
}

static str target_of(struct cli *c, const struct remote_request *req)
{
    char separator = '?';
    str path = req->path;
    for (size_t i = 0; i < req->n_query; i++) {
        const struct remote_query *q = &req->query[i];
        if (!q->value.len)
            continue;
        path = arena_printf(c->arena, "%.*s%c%s=%.*s", STR_FMT(path), separator, q->name,
                            STR_FMT(remote_escape(c->arena, q->value)));
        separator = '&';
    }
    return path;
}

/* ---- opening ---- */

int remote_open(struct cli *c)
{
    struct err err;
    if (c->client)
        return 0;
    struct config_server server = {.address = cli_flag(c, "server")};
    int r = config_server(c, &server, &err);
    if (r)
        return cli_fatal(c, r == -ERR_NOT_FOUND ? CLI_EXIT_USE : CLI_EXIT_ERROR, "%s", err.text);
    if (!server.address.len)
        return cli_fatal(c, CLI_EXIT_USE, "Argo CD server address unspecified");
    c->server = server.address;
    c->token = cli_flag(c, "auth-token").len ? cli_flag(c, "auth-token") : server.token;
    c->plaintext = server.plaintext || cli_switch(c, "plaintext");
    c->insecure = server.insecure || cli_switch(c, "insecure");
    if (!c->loop)
        c->loop = loop_new(EVENT_UV, 0);
    struct http_client_config config = {
        .url = arena_printf(c->arena, "%s://%.*s", c->plaintext ? "http" : "https",
                            STR_FMT(c->server)),
        .tls = {.insecure = c->insecure},
        .bearer_token = c->token,
        .user_agent = STR("argocd-client/v3.6.0"),
        .connections_max = 2,
    };
    if (http_client_new(c->loop, &config, &c->client, &err))
        return cli_fatal(c, CLI_EXIT_ERROR, "%s", err.text);
    return 0;
}

void remote_done(struct cli *c)
{
    if (c->client) {
        http_client_free(c->client);
        loop_run(c->loop); /* connections close on later turns */
    }
    c->client = NULL;
    if (c->loop)
        loop_free(c->loop);
    c->loop = NULL;
}

/* ---- errors ---- */

static const char *const code_names[] = {
    "OK",       "Canceled",        "Unknown",          "InvalidArgument",   "DeadlineExceeded",
    "NotFound", "AlreadyExists",   "PermissionDenied", "ResourceExhausted", "FailedPrecondition",
    "Aborted",  "OutOfRange",      "Unimplemented",    "Internal",          "Unavailable",
    "DataLoss", "Unauthenticated",
};

static int kind_of_status(int status)
{
    static const struct {
        int status, kind;
    } kinds[] = {{400, ERR_INVALID},   {401, ERR_UNAUTHENTICATED}, {403, ERR_FORBIDDEN},
                 {404, ERR_NOT_FOUND}, {409, ERR_CONFLICT},        {412, ERR_PRECONDITION},
                 {429, ERR_BUSY}};
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (kinds[i].status == status)
            return kinds[i].kind;
    return status >= 500 ? ERR_UNAVAILABLE : ERR_INVALID;
}

static int refused(struct cli *c, int status, str body, struct err *err)
{
    value v = VALUE_ABSENT;
    if (json_parse(body, NULL, c->arena, &v, NULL) || !value_is_map(v))
        return err_set(err, kind_of_status(status),
                       "rpc error: code = Unknown desc = HTTP status %d", status);
    int64_t code = value_int(value_getz(v, "code"));
    str text = value_str(value_getz(v, "message"));
    if (!text.len)
        text = value_str(value_getz(v, "error"));
    const char *name =
        code >= 0 && (size_t)code < ARRAY_LEN(code_names) ? code_names[code] : "Unknown";
    return err_set(err, kind_of_status(status), "rpc error: code = %s desc = %.*s", name,
                   STR_FMT(text));
}

static int unreachable(struct cli *c, int rc, const struct err *why, struct err *err)
{
    if (rc == -ERR_UNAVAILABLE && str_has(err_str(why), STR("refused")))
        return err_set(err, ERR_UNAVAILABLE,
                       "error dial proxy: dial tcp %.*s: connect: connection refused",
                       STR_FMT(c->server));
    return err_copy(err, why);
}

/* ---- calls ---- */

struct call {
    struct cli *c;
    int rc, status;
    str body;
    struct err err;
};

static void call_done(void *arg, int rc, const struct http_response *resp, const struct err *err)
{
    struct call *call = arg;
    call->rc = rc;
    if (rc) {
        call->err = *err;
    } else {
        call->status = resp->status;
        call->body = arena_str(call->c->arena, resp->body);
    }
    loop_stop(call->c->loop);
}

int remote_send(struct cli *c, const struct remote_request *request, value *ret, struct err *err)
{
    struct call call = {.c = c};
    static const struct http_header json = {STR_INIT("Content-Type"), STR_INIT("application/json")};
    struct http_client_request req = {
        .method = request->method,
        .target = target_of(c, request),
        .header = &json,
        .n_headers = 1,
        .timeout_us = CALL_TIMEOUT_US,
        .body_bytes_max = ANSWER_BYTES_MAX,
    };
    if (value_exists(request->body))
        req.body = json_str(c->arena, request->body, AUDIENCE_WIRE, 0);
    http_client_send(c->client, &req, call_done, &call);
    loop_run(c->loop);
    if (call.rc)
        return unreachable(c, call.rc, &call.err, err);
    if (call.status >= 300)
        return refused(c, call.status, call.body, err);
    if (!ret)
        return 0;
    if (!call.body.len) {
        *ret = value_new_map(c->arena);
        return 0;
    }
    struct json_input exact = {.exact_uint64 = true};
    int r = json_parse(call.body, &exact, c->arena, ret, err);
    return r ? err_wrap(err, "reading the answer of %.*s", STR_FMT(request->path)) : 0;
}

/* ---- streams ---- */

struct stream {
    struct cli *c;
    struct sse_reader reader;
    struct timer timer;
    remote_event_fn *fn;
    void *arg;
    struct http_call call;
    int rc, status;
    struct buf refusal;
    bool stopped, ended;
    struct err err;
};

static void stream_stop(struct stream *s, int rc)
{
    if (s->stopped)
        return;
    s->stopped = true;
    s->rc = rc;
    loop_stop(s->c->loop);
}

static void stream_event(void *arg, str data)
{
    struct stream *s = arg;
    value v, result;
    if (s->stopped || json_parse(data, NULL, s->c->arena, &v, NULL))
        return;
    result = value_getz(v, "result");
    if (value_exists(result) && s->fn(s->arg, result))
        stream_stop(s, 0);
}

static void stream_head(void *arg, const struct http_response *resp)
{
    struct stream *s = arg;
    s->status = resp->status;
}

static void stream_data(void *arg, str bytes)
{
    struct stream *s = arg;
    if (s->stopped)
        return;
    if (s->status >= 300) {
        buf_add(&s->refusal, bytes);
        return;
    }
    int r = sse_reader_add(&s->reader, bytes, &s->err);
    if (r)
        stream_stop(s, r);
}

static void stream_end(void *arg, int rc, const struct http_headers *trailer, const struct err *err)
{
    struct stream *s = arg;
    (void)trailer;
    s->ended = true;
    if (rc && !s->stopped)
        s->err = *err;
    stream_stop(s, rc);
}

static void stream_timeout(void *arg) { stream_stop(arg, -ERR_TIMEOUT); }

int remote_listen(struct cli *c, const struct remote_request *request, remote_event_fn *fn,
                  void *arg, struct err *err)
{
    static const struct http_stream_handler handler = {stream_head, stream_data, stream_end};
    struct stream s = {.c = c, .fn = fn, .arg = arg};
    static const struct http_header accept = {STR_INIT("Accept"), STR_INIT("text/event-stream")};
    struct http_client_request req = {.method = METHOD_GET,
                                      .target = target_of(c, request),
                                      .header = &accept,
                                      .n_headers = 1};
    buf_init(&s.refusal, 1 << 20);
    sse_reader_init(&s.reader, stream_event, &s);
    timer_init(&s.timer, c->loop, stream_timeout, &s);
    if (request->timeout_us)
        timer_arm_in(&s.timer, request->timeout_us);
    s.call = http_client_stream(c->client, &req, &handler, &s);
    loop_run(c->loop);
    timer_stop(&s.timer);
    http_call_forget(&s.call);
    sse_reader_done(&s.reader);
    int r = s.rc;
    if (s.status >= 300)
        r = refused(c, s.status, buf_str(&s.refusal), err);
    else if (r == -ERR_TIMEOUT)
        err_set(err, ERR_TIMEOUT, "timed out");
    else if (r)
        r = unreachable(c, r, &s.err, err);
    buf_done(&s.refusal);
    return r;
}
