/* api/streams.c: watches of applications and resource trees, as server-sent events or lines of
 * JSON.
 *
 * A stream is one exchange with a bounded queue (server.h). A reader that does not keep up loses
 * its stream, not its order: it reconnects and gets the present state first. Source: argo-cd
 * server/application (Watch, WatchResourceTree). */
#include "api/impl.h"
#include "kube/object.h"
#include "kube/selector.h"
#include "base/digest.h"
#include "net/sse.h"

#define KEEPALIVE_US (15 * USEC_PER_SEC)
#define FILTERS_MAX 64

struct stream {
    struct stream *next, **back;
    struct api *api;
    struct api_request *r; /* in the exchange's arena: lives as long as the exchange */
    bool sse, ended;
    str name, repo, ns, key; /* key: tree streams, "ns/name" */
    str project[FILTERS_MAX];
    size_t n_projects;
    struct kube_selector selector;
    struct appcache_watch watch;
    struct map last; /* application -> struct last: identical messages are sent once */
    struct arena last_arena;
};

struct last {
    uint64_t digest;
};

static void stream_drop(struct stream *s)
{
    s->ended = true;
    *s->back = s->next;
    if (s->next)
        s->next->back = s->back;
    appcache_watch_stop(&s->watch);
    arena_done(&s->last_arena);
}

static void on_gone(void *arg)
{
    struct stream *s = arg;
    struct http_reply reply = s->r->reply;
    if (s->ended)
        return;
    stream_drop(s);
    free(s);
    http_reply_abort(reply);
}

static void end_stream(struct stream *s)
{
    struct http_reply reply = s->r->reply;
    stream_drop(s);
    free(s);
    http_reply_end(reply, NULL, 0);
}

/* False: the stream is over and freed. */
static bool send(struct stream *s, str text)
{
    CLEANUP(buf_done) struct buf out = BUF_INIT;
    if (s->sse) {
        sse_add(&out, text);
    } else {
        buf_add(&out, text);
        buf_addc(&out, '\n');
    }
    if (http_reply_write(s->r->reply, buf_str(&out)) == 0)
        return true;
    on_gone(s);
    return false;
}

static bool send_result(struct stream *s, str last_key, value result, struct arena *a)
{
    struct api_request filter = *s->r;
    value v = value_new_map(a);
    filter.a = a;
    value_setz(a, v, "result", result);
    str text = json_str(a, fields_filter(&filter, v), AUDIENCE_WIRE, 0);
    uint64_t digest = hash64(text);
    struct last *last = map_find(&s->last, last_key);
    if (last && last->digest == digest)
        return true;
    if (!last) {
        last = ARENA_NEW(&s->last_arena, struct last);
        map_set(&s->last, arena_str(&s->last_arena, last_key), last);
    }
    last->digest = digest;
    return send(s, text);
}

static void keepalive(void *arg)
{
    struct api *api = arg;
    for (struct stream *s = api->streams, *next; s; s = next) {
        next = s->next;
        if (s->sse && http_reply_write(s->r->reply, STR(":\n")))
            on_gone(s);
    }
    if (api->streams)
        timer_arm_in(&api->keepalive, KEEPALIVE_US);
}

static struct stream *stream_open(struct api_request *r)
{
    struct api *api = r->api;
    struct stream *s = calloc(1, sizeof(*s));
    if (!s)
        abort();
    s->api = api;
    s->r = r;
    s->sse = str_has(http_header_find(&r->http->header, "accept"), STR("text/event-stream"));
    s->next = api->streams;
    s->back = &api->streams;
    if (s->next)
        s->next->back = &s->next;
    api->streams = s;
    arena_init(&s->last_arena, (size_t)64 << 20);
    map_init(&s->last, &s->last_arena);
    const struct http_header header[] = {
        {STR("Content-Type"), s->sse ? STR("text/event-stream") : STR("application/json")},
        {STR("Cache-Control"), STR("no-cache")},
        {STR("X-Content-Type-Options"), STR("nosniff")},
    };
    http_reply_start(r->reply, 200, header, ARRAY_LEN(header));
    http_reply_on_gone(r->reply, on_gone, s);
    if (!api->keepalive.loop || !timer_armed(&api->keepalive)) {
        timer_init(&api->keepalive, api->config.loop, keepalive, api);
        timer_arm_in(&api->keepalive, KEEPALIVE_US);
    }
    return s;
}

void streams_end(struct api *api)
{
    timer_stop(&api->keepalive);
    while (api->streams)
        end_stream(api->streams);
}

/* ---- applications ---- */

static bool wanted(struct stream *s, value app)
{
    bool in_project = s->n_projects == 0;
    for (size_t i = 0; i < s->n_projects; i++)
        in_project |= str_eq(s->project[i], app_project(app));
    return !s->key.len && in_project && (!s->name.len || str_eq(s->name, object_name(app))) &&
           (!s->ns.len || str_eq(s->ns, object_ns(app))) &&
           (!s->repo.len || str_eq(s->repo, value_path_str(app, "spec.source.repoURL"))) &&
           kube_selector_matches(&s->selector, object_labels(app));
}

/* The rights are asked anew for each event: they may have been taken away meanwhile. */
static bool may_see(struct stream *s, value app, struct arena *a)
{
    struct api_request ask = *s->r;
    ask.a = a;
    return app_allowed(&ask, app, "get");
}

static bool send_app(struct stream *s, const char *type, const struct doc *d)
{
    struct arena a;
    bool ok = true;
    value app = doc_root(d);
    arena_init(&a, (size_t)64 << 20);
    if (wanted(s, app) && may_see(s, app, &a)) {
        value e = value_new_map(&a);
        value_set_str(&a, e, "type", str_of(type));
        value_setz(&a, e, "application", app_shown(s->api, &a, app));
        ok = send_result(s, ARENA_CAT(&a, object_ns(app), STR("/"), object_name(app)), e, &a);
    }
    arena_done(&a);
    return ok;
}

void streams_changed(struct api *api, const struct doc *before, const struct doc *after)
{
    const char *type = !after ? "DELETED" : before ? "MODIFIED" : "ADDED";
    for (struct stream *s = api->streams, *next; s; s = next) {
        next = s->next;
        if (!s->key.len)
            send_app(s, type, after ? after : before);
    }
}

static int by_name(const void *x, const void *y)
{
    value a = doc_root(*(const struct doc *const *)x), b = doc_root(*(const struct doc *const *)y);
    int c = str_cmp(object_name(a), object_name(b));
    return c ? c : str_cmp(object_ns(a), object_ns(b));
}

static void send_present(struct stream *s)
{
    const struct doc *d;
    struct arena a;
    VEC(const struct doc *) all = {0};
    arena_init(&a, (size_t)64 << 20);
    for (size_t at = 0; (d = informer_next(s->api->applications, &at));)
        vec_push(&a, &all, d);
    if (all.n)
        qsort(all.at, all.n, sizeof(*all.at), by_name);
    for (size_t i = 0; i < all.n; i++)
        if (!send_app(s, "ADDED", all.at[i]))
            break;
    arena_done(&a);
}

void handle_stream_apps(struct api_request *r)
{
    struct kube_selector selector;
    struct err err;
    if (kube_label_selector_parse(query_get(r, "selector"), r->a, &selector, &err)) {
        answer_error(r, GRPC_INVALID, "error parsing the selector: %s", err.text);
        return;
    }
    struct stream *s = stream_open(r);
    s->selector = selector;
    s->name = query_get(r, "name");
    s->repo = query_get(r, "repo");
    s->ns = query_get(r, "appNamespace");
    s->n_projects = query_all(r, "projects", s->project, FILTERS_MAX / 2);
    s->n_projects += query_all(r, "project", s->project + s->n_projects, FILTERS_MAX / 2);
    if (s->name.len || !query_get(r, "resourceVersion").len)
        send_present(s);
}

/* ---- trees ---- */

static void send_tree(struct stream *s)
{
    struct appcache_entry *e = appcache_read(s->api->config.results, s->key);
    struct arena a;
    if (!e)
        return;
    arena_init(&a, (size_t)256 << 20);
    if (e->tree)
        send_result(s, s->key, doc_root(e->tree), &a);
    arena_done(&a);
    appcache_entry_unref(e);
}

static void tree_changed(void *arg, str app, unsigned parts)
{
    (void)app;
    if (parts & APPCACHE_TREE)
        send_tree(arg);
}

void handle_stream_tree(struct api_request *r)
{
    const struct doc *d =
        app_of(r, r->var[0], query_get(r, "appNamespace"), query_get(r, "project"), "get");
    if (!d)
        return;
    struct stream *s = stream_open(r);
    s->key = ARENA_CAT(r->a, object_ns(doc_root(d)), STR("/"), object_name(doc_root(d)));
    appcache_watch_start(&s->watch, r->api->config.results, s->key, tree_changed, s);
    send_tree(s);
}
