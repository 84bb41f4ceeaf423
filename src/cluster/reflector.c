/* cluster/reflector.c: a small state machine over one stream at a time.
 *
 *   WAITING --timer--> LISTING --complete--> WATCHING --ends--> WATCHING ...
 *      ^__________________|  failure  |__________|      410: LISTING
 *
 * The owner may close the reflector inside any callback, which happens deep inside the transport's
 * and the parser's stack: then only `closed` is set, and whoever entered from outside frees it on
 * the way out (enter/leave). */
#include "cluster/reflector.h"

#include <assert.h>
#include <stdlib.h>

#include "kube/object.h"

#define ERROR_BODY_BYTES_MAX ((size_t)64 << 10)
#define BACKOFF_BASE_US (800 * USEC_PER_MS)
#define BACKOFF_MAX_US (30 * USEC_PER_SEC)
#define BACKOFF_RESET_US (2 * USEC_PER_MIN)
#define LIST_STALL_US (60 * USEC_PER_SEC) /* no byte of a list for so long: it is dead */
#define WATCH_SECONDS_MIN 300             /* asked from the server, plus as much again at random */
#define WATCH_GRACE_US (30 * USEC_PER_SEC)
#define WATCH_SHORT_US USEC_PER_SEC /* a watch that ends sooner and empty counts as a failure */

enum state { WAITING, LISTING, WATCHING };

struct reflector {
    struct loop *loop;
    struct cluster_client *client;
    struct reflector_config config;
    struct arena text; /* copies of the config's text */
    str path, selectors;
    enum state state;
    bool synced, closed, consistent_list, got_event, relist, failing;
    int depth;
    struct timer timer; /* WAITING: try again; else: the stream is dead */
    struct kube_stream *stream;
    struct json_stream *json;
    int status;
    struct buf error_body, version, page; /* page: the continue token of a list in pieces */
    usec backoff_us, failed_at, opened_at, stall_us;
    struct reflector_stats stats;
};

static void on_timer(void *arg);
static void open_stream(struct reflector *r);

static void copy_config(struct reflector *r, const struct reflector_config *config)
{
    const struct kube_kind *k = config->kind;
    arena_init(&r->text, 1 << 20);
    struct kube_resource_path p = {.group = k->group,
                                   .version = k->version,
                                   .plural = k->plural,
                                   .ns = k->namespaced ? config->ns : STR("")};
    r->path = kube_resource_path_str(&r->text, &p);
    CLEANUP(buf_done) struct buf q = BUF_INIT;
    if (config->label_selector.len)
        http_query_add(&q, "labelSelector", config->label_selector);
    if (config->field_selector.len)
        http_query_add(&q, "fieldSelector", config->field_selector);
    r->selectors = arena_str(&r->text, str_from(buf_str(&q), 1)); /* without the "?" */
    r->config = *config;
    r->config.kind = NULL;
}

struct reflector *reflector_open(const struct reflector_config *config)
{
    struct reflector *r = calloc(1, sizeof(*r));
    assert(r);
    r->client = config->client;
    r->loop = cluster_loop(config->client);
    copy_config(r, config);
    buf_init(&r->error_body, ERROR_BODY_BYTES_MAX);
    buf_init(&r->version, 1024);
    buf_init(&r->page, 1 << 20);
    timer_init(&r->timer, r->loop, on_timer, r);
    timer_arm(&r->timer, loop_now(r->loop));
    return r;
}

static void close_stream(struct reflector *r)
{
    struct kube_transport *t = cluster_transport(r->client);
    if (r->stream)
        t->stream_close(t->arg, TAKE(r->stream));
    json_stream_free(TAKE(r->json));
    buf_reset(&r->error_body);
    r->status = 0;
}

static void destroy(struct reflector *r)
{
    timer_stop(&r->timer);
    close_stream(r);
    buf_done(&r->error_body);
    buf_done(&r->version);
    buf_done(&r->page);
    arena_done(&r->text);
    free(r);
}

void reflector_close(struct reflector *r)
{
    if (!r)
        return;
    r->closed = true;
    if (r->depth == 0)
        destroy(r);
}

static void enter(struct reflector *r) { r->depth++; }

/* What happened inside may have asked for an end or a new list; only here is it safe. */
static void leave(struct reflector *r)
{
    if (--r->depth > 0)
        return;
    if (r->closed) {
        destroy(r);
    } else if (r->relist) {
        r->relist = false;
        close_stream(r);
        buf_reset(&r->version);
        buf_reset(&r->page);
        r->state = WAITING;
        timer_arm(&r->timer, loop_now(r->loop));
    }
}

void reflector_relist(struct reflector *r)
{
    enter(r);
    r->relist = r->consistent_list = true;
    leave(r);
}

bool reflector_synced(const struct reflector *r) { return r->synced; }
str reflector_version(const struct reflector *r) { return buf_str(&r->version); }
struct reflector_stats reflector_stats(const struct reflector *r) { return r->stats; }

/* ---- failures ---- */

static void try_again(struct reflector *r)
{
    usec now = loop_now(r->loop);
    if (!r->backoff_us || now - r->failed_at > BACKOFF_RESET_US)
        r->backoff_us = BACKOFF_BASE_US;
    r->failed_at = now;
    timer_arm_in(&r->timer, r->backoff_us + (usec)(loop_random(r->loop) % (uint64_t)r->backoff_us));
    r->backoff_us = MIN_OF(r->backoff_us * 2, BACKOFF_MAX_US);
}

static void fail(struct reflector *r, const struct err *why)
{
    bool listing = r->state == LISTING;
    struct err err = *why;
    close_stream(r);
    r->state = WAITING;
    r->stats.failures++;
    if (listing) {
        r->consistent_list = true; /* a cache that could not answer is not asked again */
        buf_reset(&r->page);
        buf_reset(&r->version);
    }
    if (why->kind == ERR_GONE) {
        buf_reset(&r->version);
        r->consistent_list = true;
    }
    if (why->kind == ERR_GONE && !listing) { /* the normal way to learn that a version is too old */
        timer_arm(&r->timer, loop_now(r->loop));
        return;
    }
    try_again(r);
    r->failing = true;
    if (!str_starts(err_str(&err),
                    STR("GET "))) /* the transport's texts name the request already */
        err_wrap(&err, "%s %.*s", listing ? "listing" : "watching", STR_FMT(r->path));
    if (r->config.failed)
        r->config.failed(r->config.arg, &err);
}

/* ---- what arrives ---- */

static void set_version(struct reflector *r, str version)
{
    if (!version.len)
        return;
    buf_reset(&r->version);
    buf_add(&r->version, version);
}

/* A server that names things past every rule must not make us allocate past ours. */
static bool usable(value object)
{
    size_t n = object_name(object).len;
    return n > 0 && n <= REFLECTOR_NAME_BYTES_MAX &&
           object_ns(object).len <= REFLECTOR_NAME_BYTES_MAX;
}

static int listed(void *arg, struct doc *take_item, struct err *err)
{
    struct reflector *r = arg;
    if (usable(doc_root(take_item)))
        r->config.object(r->config.arg, REFLECTOR_LISTED, doc_root(take_item));
    doc_unref(take_item);
    return r->closed || r->relist ? err_set(err, ERR_CANCELED, "closed") : 0;
}

static int watch_error(value status, struct err *err)
{
    int64_t code = value_int(value_getz(status, "code"));
    str message = value_str(value_getz(status, "message"));
    int kind = code == 410 || str_is(value_str(value_getz(status, "reason")), "Expired")
                   ? ERR_GONE
                   : ERR_UNAVAILABLE;
    return err_set(err, kind, "%.*s",
                   STR_FMT(message.len ? message
                                       : STR("the server ended the watch with an error")));
}

static const struct {
    const char *name;
    enum reflector_event event;
} event_names[] = {{"ADDED", REFLECTOR_ADDED},
                   {"MODIFIED", REFLECTOR_MODIFIED},
                   {"DELETED", REFLECTOR_DELETED}};

static int deliver(struct reflector *r, value event, struct err *err)
{
    str type = value_str(value_getz(event, "type"));
    value object = value_getz(event, "object");
    if (str_is(type, "ERROR"))
        return watch_error(object, err);
    if (str_is(type, "BOOKMARK")) {
        r->stats.bookmarks++;
        set_version(r, object_resource_version(object));
        return 0;
    }
    for (size_t i = 0; i < ARRAY_LEN(event_names); i++) {
        if (!str_is(type, event_names[i].name))
            continue;
        r->stats.events++;
        set_version(r, object_resource_version(object));
        if (usable(object))
            r->config.object(r->config.arg, event_names[i].event, object);
        return r->closed || r->relist ? err_set(err, ERR_CANCELED, "closed") : 0;
    }
    return err_set(err, ERR_INVALID, "unknown watch event '%.*s'",
                   (int)MIN_OF(type.len, (size_t)40), type.at);
}

static int watched(void *arg, struct doc *take_event, struct err *err)
{
    struct reflector *r = arg;
    r->got_event = true;
    int rc = deliver(r, doc_root(take_event), err);
    doc_unref(take_event);
    return rc;
}

/* ---- the stream ---- */

static void on_head(void *arg, int status)
{
    struct reflector *r = arg;
    enter(r);
    r->status = status;
    if (status == 200) {
        r->json =
            json_stream_new(r->state == LISTING ? JSON_STREAM_LIST : JSON_STREAM_LINES,
                            REFLECTOR_OBJECT_BYTES_MAX, r->state == LISTING ? listed : watched, r);
        if (r->failing && r->config.recovered)
            r->config.recovered(r->config.arg);
        r->failing = false;
        if (r->state == LISTING && r->page.len == 0 && !r->closed)
            r->config.list_begin(r->config.arg);
    }
    leave(r);
}

static void on_data(void *arg, str bytes)
{
    struct reflector *r = arg;
    struct err err;
    enter(r);
    if (r->state == LISTING)
        timer_arm_in(&r->timer, r->stall_us);
    if (r->status != 200)
        buf_add(&r->error_body, bytes);
    else if (r->json && json_stream_add(r->json, bytes, &err) < 0 && !r->closed && !r->relist)
        fail(r, &err);
    leave(r);
}

static void list_complete(struct reflector *r)
{
    struct err err;
    struct doc *meta = NULL;
    if (json_stream_end(r->json, &meta, &err) < 0) {
        fail(r, &err);
        return;
    }
    value m = value_getz(doc_root(meta), "metadata");
    str page = value_str(value_getz(m, "continue"));
    buf_reset(&r->page);
    buf_add(&r->page, page);
    set_version(r, value_str(value_getz(m, "resourceVersion")));
    doc_unref(meta);
    if (!r->version.len) {
        err_set(&err, ERR_INVALID, "the list has no metadata.resourceVersion");
        fail(r, &err);
        return;
    }
    close_stream(r);
    if (r->page.len == 0) {
        r->state = WATCHING;
        r->synced = true;
        r->consistent_list = false;
        r->stats.lists++;
        r->config.list_end(r->config.arg);
    }
    if (!r->closed && !r->relist)
        open_stream(r);
}

static void watch_over(struct reflector *r)
{
    bool useful = r->got_event || loop_now(r->loop) - r->opened_at >= WATCH_SHORT_US;
    close_stream(r);
    if (useful) {
        open_stream(r);
    } else {
        r->state = WAITING;
        try_again(r);
    }
}

static void on_end(void *arg, int rc, const struct err *err)
{
    struct reflector *r = arg;
    enter(r);
    struct err refused;
    if (rc < 0) {
        if (r->state == WATCHING && r->got_event && err->kind == ERR_UNAVAILABLE)
            watch_over(r); /* connections break; the next one goes on from the same version */
        else
            fail(r, err);
    } else if (r->status != 200) {
        struct kube_response answer = {.status = r->status, .body = r->error_body};
        struct doc *none = NULL;
        if (cluster_answer(&answer, &none, &refused) == 0)
            err_set(&refused, ERR_UNAVAILABLE, "the server answered HTTP %d", r->status);
        doc_unref(none);
        fail(r, &refused);
    } else if (r->state == LISTING) {
        list_complete(r);
    } else {
        watch_over(r);
    }
    leave(r);
}

static const struct kube_stream_handler handler = {on_head, on_data, on_end};

static void add_selectors(struct reflector *r, struct buf *target)
{
    if (!r->selectors.len)
        return;
    buf_addc(target, str_has(buf_str(target), STR("?")) ? '&' : '?');
    buf_add(target, r->selectors);
}

static void list_target(struct reflector *r, struct buf *target)
{
    add_selectors(r, target);
    if (r->page.len)
        http_query_add(target, "continue", buf_str(&r->page));
    else if (!r->consistent_list)
        http_query_add(target, "resourceVersion",
                       STR("0")); /* from the server's cache: cheap and fresh enough */
    r->stall_us = LIST_STALL_US;
}

static void watch_target(struct reflector *r, struct buf *target)
{
    char seconds[32];
    uint64_t s = WATCH_SECONDS_MIN + loop_random(r->loop) % WATCH_SECONDS_MIN;
    snprintf(seconds, sizeof(seconds), "%u", (unsigned)s);
    add_selectors(r, target);
    http_query_add(target, "watch", STR("true"));
    http_query_add(target, "allowWatchBookmarks", STR("true"));
    http_query_add(target, "resourceVersion", buf_str(&r->version));
    http_query_add(target, "timeoutSeconds", str_of(seconds));
    r->stall_us = (usec)s * USEC_PER_SEC + WATCH_GRACE_US;
    r->stats.watches++;
}

static void open_stream(struct reflector *r)
{
    struct kube_transport *t = cluster_transport(r->client);
    CLEANUP(buf_done) struct buf target = BUF_INIT;
    buf_add(&target, r->path);
    r->state = r->version.len && !r->page.len ? WATCHING : LISTING;
    if (r->state == LISTING)
        list_target(r, &target);
    else
        watch_target(r, &target);
    r->got_event = false;
    r->opened_at = loop_now(r->loop);
    timer_arm_in(&r->timer, r->stall_us);
    struct kube_request q = {.method = METHOD_GET, .target = buf_str(&target)};
    r->stream = t->stream(t->arg, &q, &handler, r);
}

static void on_timer(void *arg)
{
    struct reflector *r = arg;
    struct err err;
    enter(r);
    if (r->state == WAITING) {
        open_stream(r);
    } else if (r->state == WATCHING) {
        watch_over(r);
    } else {
        err_set(&err, ERR_TIMEOUT, "no byte for %d s", (int)(r->stall_us / USEC_PER_SEC));
        fail(r, &err);
    }
    leave(r);
}
