/* web.c: see web.h. One question at a time: ask, hear the head, follow or gather, tell. */
#include "source/web.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#define CLIENTS_MAX 8 /* origins of one conversation that stay open */

struct origin {
    char *url; /* "https://host:port" */
    struct http_client *client;
};

struct web {
    struct loop *loop;
    struct arena arena; /* the configuration */
    struct web_config config;
    struct origin origin[CLIENTS_MAX];
    size_t n_origins;
    struct timer deadline, soon;
    bool late;
    uint64_t n_requests;

    /* the question */
    bool asking;
    struct arena question;
    struct web_request request;
    struct url first, at;
    str target, authorization; /* empty once a redirect led away */
    unsigned n_redirects;
    struct http_call call;
    struct web_answer answer;
    bool answered_head;
    struct buf body;
    struct sha256_stream *digest;
    int rc; /* of `soon` */
    struct err err;
    web_done_fn *done;
    void *arg;
};

static void tell_later(struct web *w);

str web_basic(struct arena *a, str username, str password)
{
    return ARENA_CAT(a, STR("Basic "), base64_str(a, ARENA_CAT(a, username, STR(":"), password)));
}

/* ---- errors, in Go's words ---- */

static const struct wording {
    const char *ours, *go; /* part of our text; %H: host, %A: host:port */
} wordings[] = {
    {"connection refused", "dial tcp %A: connect: connection refused"},
    {"unknown node or service", "dial tcp: lookup %H: no such host"},
    {"temporary failure", "dial tcp: lookup %H: Temporary failure in name resolution"},
    {"no connection within", "dial tcp %A: i/o timeout"},
    {"connection timed out", "dial tcp %A: i/o timeout"},
    {"network is unreachable", "dial tcp %A: connect: network is unreachable"},
    {"no route to host", "dial tcp %A: connect: no route to host"},
    {"host is unreachable", "dial tcp %A: connect: no route to host"},
    {HTTP_ENDS_IN_THE_MIDDLE, "unexpected EOF"},
    {"the connection was closed", "EOF"},
    {"connection reset by peer", "read tcp %A: read: connection reset by peer"},
    {"hostname mismatch",
     "tls: failed to verify certificate: x509: certificate is not valid for %H"},
    {"IP address mismatch",
     "tls: failed to verify certificate: x509: certificate is not valid for %H"},
    {"certificate has expired",
     "tls: failed to verify certificate: x509: certificate has expired or is not yet valid"},
    {"certificate is not yet valid",
     "tls: failed to verify certificate: x509: certificate has expired or is not yet valid"},
    {"certificate: ",
     "tls: failed to verify certificate: x509: certificate signed by unknown authority"},
    {"wrong version number", "http: server gave HTTP response to HTTPS client"},
    {"packet length too long", "http: server gave HTTP response to HTTPS client"},
    {"http request", "http: server gave HTTP response to HTTPS client"},
    {"the answer is not HTTP", "net/http: HTTP/1.x transport connection broken: malformed HTTP "
                               "response"},
};

static str worded(struct web *w, str why)
{
    struct arena *a = &w->question;
    for (size_t i = 0; i < ARRAY_LEN(wordings); i++) {
        str rest = str_of(wordings[i].go), piece, out = STR("");
        if (!str_has(why, str_of(wordings[i].ours)))
            continue;
        for (bool first = true; str_next(&rest, '%', &piece); first = false) {
            if (!first) {
                str host = url_hostname(&w->at);
                out = ARENA_CAT(a, out, host, piece.at[0] == 'A' ? STR(":") : STR(""),
                                piece.at[0] == 'A' ? url_port(&w->at) : STR(""));
                piece = str_from(piece, 1);
            }
            out = ARENA_CAT(a, out, piece);
        }
        return out;
    }
    return why;
}

static void fail(struct web *w, int kind, str why)
{
    if (w->answered_head && str_is(why, "unexpected EOF")) { /* Go: while reading, no URL is told */
        w->rc = err_set(&w->err, kind, "unexpected EOF");
        tell_later(w);
        return;
    }
    w->rc = err_set(&w->err, kind, "Get \"%.*s\": %.*s",
                    STR_FMT(url_shown(&w->question, w->answer.url)), STR_FMT(why));
    tell_later(w);
}

/* The client's text begins with its method and URL, query and all. */
static void fail_err(struct web *w, const struct err *err)
{
    str why = err_str(err);
    ptrdiff_t at = str_find(why, w->target);
    if (at >= 0)
        why = str_from(why, (size_t)at + w->target.len);
    else if (str_find_char(why, '?') >= 0)
        why = STR("failed");
    fail(w, err->kind, worded(w, str_trim_prefix(why, STR(": "))));
}

/* ---- the end of a question ---- */

static void stop(struct web *w)
{
    http_call_forget(&w->call);
    if (w->digest)
        (void)sha256_close(TAKE(w->digest));
    buf_done(&w->body);
    w->asking = false;
}

static void tell(void *arg)
{
    struct web *w = arg;
    web_done_fn *done = w->done;
    http_call_forget(&w->call);
    if (w->digest)
        w->answer.digest = sha256_close(TAKE(w->digest));
    w->answer.body = w->body.len ? buf_str(&w->body) : STR("");
    w->answer.redirected_away = !url_same_origin(&w->first, &w->at);
    w->asking = false;
    /* The owner may ask again or free the conversation: what is shown to it is set aside. */
    struct arena question = w->question;
    struct buf body = w->body;
    struct web_answer answer = w->answer;
    struct err err = w->err;
    int rc = w->rc;
    w->question = (struct arena){0};
    arena_init(&w->question, (size_t)32 << 20);
    buf_init(&w->body, 0);
    done(w->arg, rc, rc ? NULL : &answer, rc ? &err : NULL);
    buf_done(&body);
    arena_done(&question);
}

static void tell_later(struct web *w)
{
    http_call_forget(&w->call);
    timer_arm_in(&w->soon, 0);
}

static void too_late(void *arg)
{
    struct web *w = arg;
    w->late = true;
    if (w->asking && !timer_armed(&w->soon))
        fail(w, ERR_TIMEOUT, STR("context deadline exceeded"));
}

/* ---- one hop ---- */

static void hop(struct web *w);

static bool is_redirect(int status)
{
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

static void follow(struct web *w, str location)
{
    struct arena *a = &w->question;
    struct url to;
    struct err err;
    if (++w->n_redirects > WEB_REDIRECTS_MAX) {
        w->answer.url = location;
        fail(w, ERR_INVALID, STR("stopped after 10 redirects"));
        return;
    }
    if (url_parse(location, &to, &err)) {
        fail(w, ERR_INVALID, ARENA_CAT(a, STR("failed to parse Location header: "), err_str(&err)));
        return;
    }
    to = url_resolve(a, &w->at, &to);
    str text = url_str(a, &to);
    if (url_parse(text, &to, &err)) {
        fail(w, ERR_INVALID, err_str(&err));
        return;
    }
    if (!url_may_follow_with_secret(&w->at, &to))
        w->authorization = STR("");
    w->at = to;
    w->answer = (struct web_answer){.url = text};
    hop(w);
}

static void on_head(void *arg, const struct http_response *r)
{
    struct web *w = arg;
    struct arena *a = &w->question;
    str location = http_header_find(&r->header, "location");
    w->answer.status = r->status;
    w->answer.status_text =
        arena_printf(a, "%d %.*s", r->status,
                     STR_FMT(r->reason.len ? r->reason : str_of(http_status_text(r->status))));
    for (size_t i = 0; i < r->header.n; i++)
        http_header_add(a, &w->answer.header, arena_str(a, r->header.at[i].name),
                        arena_str(a, r->header.at[i].value));
    if (is_redirect(r->status) && location.len) {
        http_call_forget(&w->call);
        follow(w, arena_str(a, location));
        return;
    }
    uint64_t n;
    w->answered_head = true;
    if (r->status == 200 && str_to_u64(http_header_find(&r->header, "content-length"), &n) &&
        n > w->request.bytes_max)
        fail(w, ERR_TOO_LARGE,
             arena_printf(a, "the answer is larger than %zu bytes", w->request.bytes_max));
}

static bool write_all(int fd, str bytes)
{
    while (bytes.len) {
        ssize_t n = write(fd, bytes.at, bytes.len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        bytes = str_from(bytes, (size_t)n);
    }
    return true;
}

static void keep(struct web *w, str bytes)
{
    if (w->answer.bytes + bytes.len > w->request.bytes_max) {
        fail(w, ERR_TOO_LARGE,
             arena_printf(&w->question, "the answer is larger than %zu bytes",
                          w->request.bytes_max));
        return;
    }
    w->answer.bytes += bytes.len;
    sha256_add(w->digest, bytes);
    if (w->request.fd < 0)
        buf_add(&w->body, bytes);
    else if (!write_all(w->request.fd, bytes))
        fail(w, ERR_IO,
             arena_printf(&w->question, "writing what was fetched: %s", strerror(errno)));
}

static void on_data(void *arg, str bytes)
{
    struct web *w = arg;
    if (timer_armed(&w->soon))
        return;
    if (w->answer.status == 200) {
        keep(w, bytes);
        return;
    }
    buf_add(&w->body,
            str_sub(bytes, 0, WEB_ERROR_BODY_MAX - MIN_OF(w->body.len, WEB_ERROR_BODY_MAX)));
    if (w->body.len >= WEB_ERROR_BODY_MAX)
        tell_later(w);
}

static void on_end(void *arg, int rc, const struct http_headers *trailer, const struct err *err)
{
    struct web *w = arg;
    (void)trailer;
    w->call = (struct http_call){0};
    if (rc)
        fail_err(w, err);
    else if (!timer_armed(&w->soon))
        tell_later(w);
}

static const struct http_stream_handler handler = {on_head, on_data, on_end};

static str authorization_of(struct arena *a, const struct web_request *r, const struct url *u)
{
    str user, password = STR("");
    if (r->authorization.len || !u->user.len)
        return arena_str(a, r->authorization);
    (void)str_cut(u->user, ':', &user, &password);
    str name = user, secret = password;
    if (!http_path_decode(a, user, &name) || !http_path_decode(a, password, &secret))
        return STR("");
    return web_basic(a, name, secret);
}

static int client_for(struct web *w, struct http_client **ret, struct err *err)
{
    struct arena *a = &w->question;
    str host = url_hostname(&w->at);
    bool v6 = str_find_char(host, ':') >= 0;
    str origin = ARENA_CAT(a, w->at.scheme, STR("://"), v6 ? STR("[") : STR(""), host,
                           v6 ? STR("]") : STR(""), STR(":"), url_port(&w->at));
    for (size_t i = 0; i < w->n_origins; i++) {
        if (str_ieq(str_of(w->origin[i].url), origin)) {
            *ret = w->origin[i].client;
            return 0;
        }
    }
    struct http_client_config c = {
        .url = origin,
        .tls = w->config.tls,
        .user_agent = w->config.user_agent,
    };
    str proxy = web_proxy_for(a, &w->at, w->config.proxy, w->config.no_proxy);
    struct url through;
    if (proxy.len) {
        int bad = url_parse(proxy, &through, err);
        if (bad)
            return bad;
        c.proxy = ARENA_CAT(a, through.scheme, STR("://"), through.host);
        c.proxy_authorization = authorization_of(a, &(struct web_request){0}, &through);
    }
    struct origin o = {0};
    int rc = http_client_new(w->loop, &c, &o.client, err);
    if (rc)
        return rc;
    o.url = strndup(origin.at, origin.len);
    if (!o.url)
        abort();
    if (w->n_origins == CLIENTS_MAX) {
        http_client_free(w->origin[0].client);
        free(w->origin[0].url);
        memmove(&w->origin[0], &w->origin[1], (CLIENTS_MAX - 1) * sizeof(o));
        w->n_origins--;
    }
    w->origin[w->n_origins++] = o;
    *ret = o.client;
    return 0;
}

/* Path and query with every byte escaped that HTTP does not allow there. */
static str target_of(struct arena *a, const struct url *u)
{
    static const char hex[] = "0123456789ABCDEF";
    str text = ARENA_CAT(a, u->path.len ? STR("") : STR("/"), u->path,
                         u->query.len ? STR("?") : STR(""), u->query);
    char *out = arena_alloc(a, 3 * text.len + 1);
    size_t n = 0;
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.at[i];
        if (c > ' ' && c < 0x7f && !strchr("\"<>\\^`{|}", c)) {
            out[n++] = (char)c;
        } else {
            out[n++] = '%';
            out[n++] = hex[c >> 4];
            out[n++] = hex[c & 15];
        }
    }
    return str_mem(out, n);
}

static void hop(struct web *w)
{
    struct arena *a = &w->question;
    struct http_client *client = NULL;
    struct err err;
    if (!url_is_http(&w->at)) {
        fail(w, ERR_UNSUPPORTED,
             arena_printf(a, "unsupported protocol scheme \"%.*s\"", STR_FMT(w->at.scheme)));
        return;
    }
    if (!w->at.host.len) {
        fail(w, ERR_INVALID, STR("http: no Host in request URL"));
        return;
    }
    if (w->late) {
        fail(w, ERR_TIMEOUT, STR("context deadline exceeded"));
        return;
    }
    int rc = client_for(w, &client, &err);
    if (rc) {
        fail(w, -rc, err_str(&err));
        return;
    }
    struct http_header header[2] = {{STR("Accept"), w->request.accept},
                                    {STR("Authorization"), w->authorization}};
    struct http_header sent[2];
    size_t n = 0;
    for (size_t i = 0; i < ARRAY_LEN(header); i++)
        if (header[i].value.len)
            sent[n++] = header[i];
    w->target = target_of(a, &w->at);
    w->n_requests++;
    w->call = http_client_stream(client,
                                 &(struct http_client_request){.method = METHOD_GET,
                                                               .target = w->target,
                                                               .header = sent,
                                                               .n_headers = n},
                                 &handler, w);
}

/* ---- asking ---- */

void web_get(struct web *w, const struct web_request *r, web_done_fn *done, void *arg)
{
    struct err err;
    assert(!w->asking);
    arena_done(&w->question);
    arena_init(&w->question, (size_t)32 << 20);
    struct arena *a = &w->question;
    w->asking = true;
    w->done = done;
    w->arg = arg;
    w->rc = 0;
    w->n_redirects = 0;
    w->request = *r;
    w->request.url = arena_str(a, r->url);
    w->request.accept = arena_str(a, r->accept);
    w->answer = (struct web_answer){.url = w->request.url};
    w->answered_head = false;
    w->first = w->at = (struct url){0};
    w->target = STR("");
    buf_done(&w->body);
    buf_init(&w->body, MAX_OF(r->bytes_max, WEB_ERROR_BODY_MAX));
    w->digest = sha256_open();
    int rc = url_parse(w->request.url, &w->first, &err);
    w->at = w->first;
    w->authorization = authorization_of(a, r, &w->first);
    if (rc) {
        w->rc = err_copy(&w->err, &err);
        tell_later(w);
        return;
    }
    hop(w);
}

struct web *web_new(struct loop *l, const struct web_config *c)
{
    struct web *w = calloc(1, sizeof(*w));
    if (!w)
        abort();
    w->loop = l;
    arena_init(&w->arena, (size_t)16 << 20);
    arena_init(&w->question, (size_t)32 << 20);
    w->config = *c;
    str *text[] = {&w->config.tls.ca_pem,     &w->config.tls.cert_pem, &w->config.tls.key_pem,
                   &w->config.proxy,          &w->config.no_proxy,     &w->config.user_agent,
                   &w->config.tls.server_name};
    for (size_t i = 0; i < ARRAY_LEN(text); i++)
        *text[i] = arena_str(&w->arena, *text[i]);
    timer_init(&w->deadline, l, too_late, w);
    timer_init(&w->soon, l, tell, w);
    timer_arm_in(&w->deadline, c->timeout_us);
    return w;
}

void web_free(struct web *w)
{
    if (!w)
        return;
    stop(w);
    timer_stop(&w->deadline);
    timer_stop(&w->soon);
    for (size_t i = 0; i < w->n_origins; i++) {
        http_client_free(w->origin[i].client);
        free(w->origin[i].url);
    }
    arena_done(&w->question);
    arena_done(&w->arena);
    free(w);
}

bool web_answered(const struct web *w) { return w->answered_head; }

uint64_t web_requests(const struct web *w) { return w->n_requests; }
