/* microkube/watch.c: watches. A watch starts with what it asked for (nothing, the history since a
 * version, or the present state), which waits in a buffer until the next tick; from then on each
 * write is told at once. */
#include <inttypes.h>

#include "microkube/core.h"

#define BOOKMARK_EVERY (USEC_PER_MIN)
#define WATCH_BYTES_MAX ((size_t)512 << 20) /* initial events of one watch */
#define INITIAL_END STR("k8s.io/initial-events-end")

struct mk_watch {
    struct mk_watch *next;
    struct microkube *mk;
    struct mk_storage *storage;
    const struct mk_resource *r;
    const struct mk_watch_handler *handler;
    void *arg;
    struct arena arena; /* selectors and namespace */
    struct mk_list_options options;
    str ns, include_object;
    enum mk_output output;
    bool started, bookmarks, columns_sent, ending;
    uint64_t told; /* version of the last event or bookmark */
    usec end_at, bookmark_at;
    struct buf queue;
};

static const char *const event_name[] = {"ADDED", "MODIFIED", "DELETED"};

static void print_event(struct mk_watch *w, const char *type, value object, struct arena *a,
                        struct buf *out)
{
    buf_printf(out, "{\"type\":\"%s\",\"object\":", type);
    if (w->output == MK_TABLE) {
        object = mk_table(w->mk, a, w->r, &object, 1,
                          &(struct mk_table){value_getz(object, "metadata"), !w->columns_sent,
                                             w->include_object});
        w->columns_sent = true;
    } else if (w->output == MK_PARTIAL) {
        object = mk_partial(a, w->r, object);
    } else {
        object = mk_as_version(a, w->r, object);
    }
    json_print(object, AUDIENCE_WIRE, 0, out);
    buf_addz(out, "}\n");
}

static void frame_event(const char *type, str object, struct buf *out)
{
    buf_addz(out, "{\"type\":\"");
    buf_addz(out, type);
    buf_addz(out, "\",\"object\":");
    buf_add(out, object);
    buf_addz(out, "}\n");
}

static value bookmark_object(struct mk_watch *w, struct arena *a, bool initial_end)
{
    value v = value_new_map(a), meta = value_new_map(a);
    value_set_str(a, v, "kind", w->r->kind);
    value_set_str(a, v, "apiVersion", kube_api_version(a, w->r->group, w->r->version));
    value_set_str(a, meta, "resourceVersion", arena_printf(a, "%" PRIu64, w->mk->rv));
    if (initial_end) {
        value ann = value_edit_map(a, meta, STR("annotations"));
        value_set(a, ann, INITIAL_END, value_borrow_str(a, STR("true")));
    }
    value_setz(a, v, "metadata", meta);
    return v;
}

static void unlink_watch(struct mk_watch *w)
{
    struct mk_watch **at = &w->storage->watches;
    while (*at && *at != w)
        at = &(*at)->next;
    if (*at)
        *at = w->next;
}

static void free_watch(struct mk_watch *w)
{
    w->mk->counts.watches--;
    buf_done(&w->queue);
    arena_done(&w->arena);
    free(w);
}

static void end_watch(struct mk_watch *w)
{
    const struct mk_watch_handler *h = w->handler;
    void *arg = w->arg;
    unlink_watch(w);
    free_watch(w);
    h->end(arg);
}

/* false: the watch is gone. */
static bool deliver(struct mk_watch *w, str lines)
{
    if (!w->started) {
        buf_add(&w->queue, lines);
        return true;
    }
    if (!lines.len || w->handler->event(w->arg, lines))
        return true;
    unlink_watch(w);
    free_watch(w);
    return false;
}

/* With selectors an object enters and leaves the set that is watched. */
static bool seen_as(const struct mk_watch *w, const struct mk_event *e, enum mk_event_type *ret)
{
    value now = doc_root(e->now);
    *ret = e->type;
    if (w->ns.len && !str_eq(object_ns(now), w->ns))
        return false;
    if (!w->options.has_labels && !w->options.has_fields)
        return true;
    bool is = mk_object_matches(&w->options, now);
    bool was = e->before && mk_object_matches(&w->options, doc_root(e->before));
    if (e->type == MK_DELETED)
        return was;
    *ret = !was ? MK_ADDED : is ? MK_MODIFIED : MK_DELETED;
    return is || was;
}

void mk_watch_notify(struct microkube *mk, const struct mk_event *e, str text)
{
    if (!e->storage->watches)
        return;
    CLEANUP(buf_done) struct buf shared = BUF_INIT, own = BUF_INIT;
    const struct mk_resource *shared_r = NULL;
    enum mk_event_type shared_type = MK_ADDED;
    struct arena a;
    arena_init(&a, ARENA_BYTES_DEFAULT);
    for (struct mk_watch *w = e->storage->watches, *next; w; w = next) {
        enum mk_event_type type;
        next = w->next;
        if (w->ending || !seen_as(w, e, &type))
            continue;
        w->told = e->rv;
        if (w->output != MK_OBJECT) {
            buf_reset(&own);
            print_event(w, event_name[type], doc_root(e->now), &a, &own);
            deliver(w, buf_str(&own));
            continue;
        }
        if (shared_r != w->r || shared_type != type || !shared.len) {
            buf_reset(&shared);
            if (text.len && mk_is_version(w->r, doc_root(e->now)))
                frame_event(event_name[type], text, &shared);
            else
                print_event(w, event_name[type], doc_root(e->now), &a, &shared);
            shared_r = w->r;
            shared_type = type;
        }
        deliver(w, buf_str(&shared));
    }
    arena_done(&a);
}

/* ---- start ---- */

static void queue_present(struct mk_watch *w, struct arena *a)
{
    size_t n;
    struct mk_object **all = mk_range(w->storage, w->ns, &n);
    for (size_t i = 0; i < n; i++)
        if (mk_object_matches(&w->options, doc_root(all[i]->doc)))
            print_event(w, "ADDED", doc_root(all[i]->doc), a, &w->queue);
}

static void queue_history(struct mk_watch *w, uint64_t since, struct arena *a)
{
    struct microkube *mk = w->mk;
    for (size_t i = 0; i < mk->history_n; i++) {
        const struct mk_event *e = &mk->history[(mk->history_first + i) % mk->history_cap];
        enum mk_event_type type;
        if (e->rv > since && e->storage == w->storage && seen_as(w, e, &type))
            print_event(w, event_name[type], doc_root(e->now), a, &w->queue);
    }
}

static void queue_too_old(struct mk_watch *w, uint64_t since)
{
    buf_printf(
        &w->queue,
        "{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"metadata\":{},"
        "\"status\":\"Failure\",\"message\":\"too old resource version: %" PRIu64 " (%" PRIu64
        ")\",\"reason\":\"Expired\",\"code\":410}}\n",
        since, w->mk->history_floor);
    w->ending = true;
}

static int start(struct mk_ctx *c, struct mk_watch *w)
{
    str rv = mk_query(c, "resourceVersion"), match = mk_query(c, "resourceVersionMatch");
    str initial = mk_query(c, "sendInitialEvents"), seconds = mk_query(c, "timeoutSeconds");
    uint64_t since = 0, timeout = 1800 + c->mk->config.random(c->mk->config.arg) % 1800;
    bool list = str_is(initial, "true");
    if (rv.len && !str_to_u64(rv, &since))
        return mk_bad_request(c, "Invalid value: \"%.*s\": invalid resource version", STR_FMT(rv));
    if (initial.len && !str_is(match, "NotOlderThan"))
        return mk_fail(c,
                       &(struct mk_fault){.code = 422,
                                          .reason = "Invalid",
                                          .group = STR("meta.k8s.io"),
                                          .kind = STR("ListOptions")},
                       "ListOptions.meta.k8s.io \"\" is invalid: resourceVersionMatch: Forbidden: "
                       "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan");
    if (match.len && !initial.len)
        return mk_fail(
            c,
            &(struct mk_fault){.code = 422,
                               .reason = "Invalid",
                               .group = STR("meta.k8s.io"),
                               .kind = STR("ListOptions")},
            "ListOptions.meta.k8s.io \"\" is invalid: resourceVersionMatch: Forbidden: "
            "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided");
    if (seconds.len && str_to_u64(seconds, &timeout) && timeout == 0)
        timeout = 1800;
    w->end_at = mk_now(c->mk) + (usec)MIN_OF(timeout, 86400u * 365) * USEC_PER_SEC;
    w->bookmark_at = mk_now(c->mk) + BOOKMARK_EVERY;
    if (list || (!since && !initial.len))
        queue_present(w, c->a);
    else if (since && since < c->mk->history_floor)
        queue_too_old(w, since);
    else if (since)
        queue_history(w, since, c->a);
    if (list && w->bookmarks) {
        buf_addz(&w->queue, "{\"type\":\"BOOKMARK\",\"object\":");
        json_print(bookmark_object(w, c->a, true), AUDIENCE_WIRE, 0, &w->queue);
        buf_addz(&w->queue, "}\n");
    }
    w->told = c->mk->rv;
    return 0;
}

void microkube_watch(struct microkube *mk, const struct mk_request *req,
                     const struct mk_watch_handler *handler, void *arg, struct arena *a,
                     struct mk_watch **ret, struct mk_response *ret_error)
{
    struct mk_ctx c = {.mk = mk, .req = req, .a = a, .res = ret_error};
    struct mk_list_options unused;
    *ret = NULL;
    *ret_error = (struct mk_response){.status = 200,
                                      .content_type = STR("application/json"),
                                      .body = STR(""),
                                      .warning = STR("")};
    mk->counts.requests++;
    if (mk_open_watch_ctx(&c) < 0 || mk_parse_selectors(&c, &unused) < 0)
        return;
    struct mk_watch *w = calloc(1, sizeof(*w));
    if (!w)
        abort();
    *w = (struct mk_watch){.mk = mk,
                           .storage = c.r->storage,
                           .r = c.r,
                           .handler = handler,
                           .arg = arg,
                           .output = c.output};
    arena_init(&w->arena, ARENA_BYTES_DEFAULT);
    buf_init(&w->queue, WATCH_BYTES_MAX);
    w->ns = arena_str(&w->arena, c.p.ns);
    w->include_object = arena_str(&w->arena, mk_query(&c, "includeObject"));
    w->bookmarks = str_is(mk_query(&c, "allowWatchBookmarks"), "true");
    mk->counts.watches++;
    c.a = &w->arena; /* the selectors live as long as the watch */
    c.p.name = arena_str(&w->arena, c.p.name);
    int rc = mk_parse_selectors(&c, &w->options);
    c.a = a;
    if (rc < 0 || start(&c, w) < 0) {
        free_watch(w);
        return;
    }
    w->next = w->storage->watches;
    w->storage->watches = w;
    *ret = w;
    mk_wake(mk, mk_now(mk));
}

void microkube_unwatch(struct microkube *mk, struct mk_watch *w)
{
    unlink_watch(w);
    free_watch(w);
}

/* ---- time ---- */

static bool first_turn(struct mk_watch *w)
{
    struct buf q = w->queue;
    w->queue = (struct buf){.bytes_max = WATCH_BYTES_MAX};
    w->started = true;
    bool there = deliver(w, buf_str(&q));
    buf_done(&q);
    return there;
}

static bool tick_one(struct mk_watch *w, usec now)
{
    if (!w->started && !first_turn(w))
        return false;
    if (w->ending || now >= w->end_at) {
        end_watch(w);
        return false;
    }
    if (now < w->bookmark_at)
        return true;
    w->bookmark_at = now + BOOKMARK_EVERY;
    if (!w->bookmarks || w->told == w->mk->rv)
        return true;
    struct arena a;
    CLEANUP(buf_done) struct buf b = BUF_INIT;
    arena_init(&a, ARENA_BYTES_DEFAULT);
    buf_addz(&b, "{\"type\":\"BOOKMARK\",\"object\":");
    json_print(bookmark_object(w, &a, false), AUDIENCE_WIRE, 0, &b);
    buf_addz(&b, "}\n");
    arena_done(&a);
    w->told = w->mk->rv;
    return deliver(w, buf_str(&b));
}

void mk_watch_tick(struct microkube *mk)
{
    usec now = mk_now(mk), due = 0;
    for (struct mk_storage *s = mk->storages; s; s = s->next) {
        for (struct mk_watch *w = s->watches, *next; w; w = next) {
            next = w->next;
            if (!tick_one(w, now))
                continue;
            usec at = MIN_OF(w->end_at, w->bookmark_at);
            due = due ? MIN_OF(due, at) : at;
        }
    }
    if (due)
        mk_wake(mk, due);
}

void mk_watch_end_storage(struct microkube *mk, struct mk_storage *s)
{
    while (s->watches)
        end_watch(s->watches);
}

void mk_watch_close_all(struct microkube *mk)
{
    for (struct mk_storage *s = mk->storages; s; s = s->next)
        mk_watch_end_storage(mk, s);
}
