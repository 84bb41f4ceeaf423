/* cluster/tests/fake_server.h: a tiny API server behind the transport port, for tests under the
 * virtual clock.
 *
 * It knows a few kinds, keeps objects with resourceVersions and an event log, answers LIST in
 * random pieces and WATCH from a version on, and misbehaves on purpose: broken streams, 500, 410,
 * half a list. Just enough for the tests of reflector, mirror, informer and fleet; what a real
 * server does is tested against a real one (test-cluster) and microkube. */
#ifndef CLUSTER_TESTS_FAKE_SERVER_H
#define CLUSTER_TESTS_FAKE_SERVER_H

#include "cluster/tests/fake_store.h"
#include "kube/selector.h"

static UNUSED void fake_status(struct buf *out, int code, const char *reason)
{
    buf_printf(out, "{\"kind\":\"Status\",\"message\":\"no\",\"reason\":\"%s\",\"code\":%d}",
               reason, code);
}

static UNUSED void fake_discovery(struct fake *f, bool core, struct buf *out)
{
    buf_addz(out, "{\"kind\":\"APIGroupDiscoveryList\",\"apiVersion\":\"apidiscovery.k8s.io/"
                  "v2\",\"items\":[");
    bool any = false;
    for (size_t i = 0; i < f->n_kinds; i++) {
        const struct fake_kind *k = &f->kind[i];
        if (!k->served || (k->group[0] == '\0') != core)
            continue;
        buf_printf(out,
                   "%s{\"metadata\":{\"name\":\"%s\"},\"versions\":[{\"version\":\"%s\","
                   "\"resources\":[{\"resource\":\"%s\","
                   "\"responseKind\":{\"group\":\"\",\"version\":\"\",\"kind\":\"%s\"},\"scope\":"
                   "\"%s\",\"verbs\":"
                   "[\"get\",\"list\",\"watch\",\"create\",\"delete\",\"patch\",\"update\"]}]}]}",
                   any ? "," : "", k->group, k->version, k->plural, k->kind,
                   k->namespaced ? "Namespaced" : "Cluster");
        any = true;
    }
    buf_addz(out, "]}");
}

static UNUSED int fake_kind_of(const struct fake *f, const struct kube_resource_path *p)
{
    for (size_t i = 0; i < f->n_kinds; i++)
        if (f->kind[i].served && str_is(p->group, f->kind[i].group) &&
            str_is(p->plural, f->kind[i].plural))
            return (int)i;
    return -1;
}

struct fake_reply {
    struct timer timer;
    struct call call;
    struct kube_response *response; /* NULL: the connection broke */
};

static UNUSED void fake_reply_now(void *arg)
{
    struct fake_reply *r = arg;
    struct err err;
    if (r->response) {
        call_answer_ok(r->call, r->response, kube_response_free);
    } else {
        err_set(&err, ERR_UNAVAILABLE, "connection reset by peer");
        call_answer_err(r->call, &err);
    }
    free(r);
}

/* One object, or the end of discovery. */
static UNUSED void fake_answer(struct fake *f, str target, struct kube_response *r)
{
    struct arena a;
    struct kube_resource_path p;
    str rest;
    arena_init(&a, 1 << 20);
    bool one = kube_resource_path_parse(target, &p, &rest, NULL) == 0 && p.name.len;
    int kind = one ? fake_kind_of(f, &p) : -1;
    struct fake_object *o =
        kind >= 0 ? fake_find(f, (size_t)kind, arena_cstr(&a, p.ns), arena_cstr(&a, p.name)) : NULL;
    if (o) {
        json_print(doc_root(o->doc), AUDIENCE_WIRE, 0, &r->body);
    } else if (one) {
        r->status = 404;
        fake_status(&r->body, 404, "NotFound");
    } else if (str_is(target, "/version")) {
        buf_addz(&r->body, "{\"gitVersion\":\"v1.36.0\"}");
    } else {
        fake_discovery(f, str_is(target, "/api"), &r->body);
    }
    arena_done(&a);
}

static UNUSED void fake_send(void *arg, const struct kube_request *q, struct call c)
{
    struct fake *f = arg;
    struct fake_reply *r = calloc(1, sizeof(*r));
    f->n_requests++;
    r->call = c;
    if (!fake_fault(f)) {
        r->response = calloc(1, sizeof(*r->response));
        buf_init(&r->response->body, 1 << 24);
        r->response->status = fake_fault(f) ? 500 : 200;
        if (r->response->status == 500)
            fake_status(&r->response->body, 500, "InternalError");
        else
            fake_answer(f, q->target, r->response);
    }
    timer_init(&r->timer, f->loop, fake_reply_now, r);
    timer_arm_in(&r->timer, (usec)(loop_random(f->loop) % 3000));
}

static UNUSED bool fake_selected(const struct kube_stream *s, value o)
{
    struct arena a;
    struct kube_selector sel;
    arena_init(&a, 1 << 20);
    bool yes = (!s->ns[0] || str_is(object_ns(o), s->ns)) &&
               kube_label_selector_parse(str_of(s->selector), &a, &sel, NULL) == 0 &&
               kube_selector_matches(&sel, object_labels(o));
    arena_done(&a);
    return yes;
}

static UNUSED void fake_list(struct kube_stream *s)
{
    struct fake *f = s->fake;
    const struct fake_kind *k = &f->kind[s->kind];
    uint64_t as_of = f->cached ? f->cached : f->version;
    buf_printf(&s->body,
               "{\"kind\":\"%sList\",\"apiVersion\":\"%s%s%s\",\"metadata\":{\"resourceVersion\":"
               "\"%lu\"},\"items\":[",
               k->kind, k->group, k->group[0] ? "/" : "", k->version, (unsigned long)as_of);
    for (size_t i = 0; i < f->n_objects; i++) {
        uint64_t version = 0;
        UNUSED bool is_number =
            str_to_u64(object_resource_version(doc_root(f->object[i].doc)), &version);
        if (f->object[i].kind != s->kind || version > as_of ||
            !fake_selected(s, doc_root(f->object[i].doc)))
            continue;
        if (s->body.at[s->body.len - 1] == '}')
            buf_addc(&s->body, ',');
        json_print(doc_root(f->object[i].doc), AUDIENCE_WIRE, 0, &s->body);
    }
    buf_addz(&s->body, "]}");
}

static UNUSED void fake_events(struct kube_stream *s)
{
    struct fake *f = s->fake;
    for (; s->at < f->n_events; s->at++) {
        struct fake_event *e = &f->event[s->at];
        if (e->version <= s->from || e->kind != s->kind || !fake_selected(s, doc_root(e->doc)))
            continue;
        buf_printf(&s->body, "{\"type\":\"%s\",\"object\":", e->type);
        json_print(doc_root(e->doc), AUDIENCE_WIRE, 0, &s->body);
        buf_addz(&s->body, "}\n");
        s->from = e->version;
    }
    if (loop_random(f->loop) % 4 == 0 && s->from < f->version) {
        s->from = f->version;
        buf_printf(
            &s->body,
            "{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":{\"resourceVersion\":\"%lu\"}}}\n",
            (unsigned long)s->from);
    }
}

static UNUSED void fake_end(struct kube_stream *s, int kind)
{
    struct err err;
    s->ended = true;
    if (kind)
        err_set(&err, kind, "connection reset by peer");
    s->handler->end(s->arg, -kind, kind ? &err : NULL); /* may give s back */
}

static UNUSED void fake_fill(struct kube_stream *s)
{
    if (s->status != 200) {
        if (!s->list_ready)
            fake_status(&s->body, s->status,
                        s->status == 410   ? "Expired"
                        : s->status == 403 ? "Forbidden"
                                           : "InternalError");
        s->list_ready = true;
    } else if (s->watch && s->from < s->fake->compacted) {
        if (!s->expired)
            buf_addz(&s->body, "{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\",\"code\":410,"
                               "\"reason\":\"Expired\","
                               "\"message\":\"too old resource version\"}}\n");
        s->expired = true;
    } else if (s->watch) {
        fake_events(s);
    } else if (!s->list_ready) {
        fake_list(s);
        s->list_ready = true;
    }
}

static UNUSED void fake_turn(void *arg)
{
    struct kube_stream *s = arg;
    struct fake *f = s->fake;
    if (fake_fault(f)) {
        fake_end(s, s->watch && s->head_sent && loop_random(f->loop) % 2 ? 0 : ERR_UNAVAILABLE);
        return;
    }
    if (!s->head_sent) {
        if (s->status == 200 && fake_fault(f))
            s->status = loop_random(f->loop) % 2 ? 500 : 410;
        s->head_sent = true;
        timer_arm_in(&s->timer, (usec)(loop_random(f->loop) % 2000));
        s->handler->head(s->arg, s->status);
        return;
    }
    fake_fill(s);
    size_t left = s->body.len - s->sent;
    if (left == 0) {
        if (!s->watch || s->status != 200 || s->expired)
            fake_end(s, 0);
        return; /* a watch waits for the next event */
    }
    size_t n = 1 + (size_t)(loop_random(f->loop) % left);
    s->sent += n;
    timer_arm_in(&s->timer, (usec)(loop_random(f->loop) % 2000));
    char *piece = malloc(n); /* so that a sanitizer sees a reader that keeps it */
    memcpy(piece, s->body.at + s->sent - n, n);
    s->handler->data(s->arg, (str){piece, n});
    free(piece);
}

static UNUSED struct kube_stream *fake_stream(void *arg, const struct kube_request *q,
                                              const struct kube_stream_handler *handler,
                                              void *handler_arg)
{
    struct fake *f = arg;
    struct kube_stream *s = calloc(1, sizeof(*s));
    struct arena a;
    arena_init(&a, 1 << 20);
    str path, query, rest;
    struct kube_resource_path p;
    f->n_requests++;
    *s =
        (struct kube_stream){.next = f->streams, .fake = f, .handler = handler, .arg = handler_arg};
    f->streams = s;
    buf_init(&s->body, 1 << 26);
    str_cut(q->target, '?', &path, &query);
    struct http_query args = http_query_parse(&a, query);
    int kind = kube_resource_path_parse(path, &p, &rest, NULL) < 0 ? -1 : fake_kind_of(f, &p);
    s->kind = kind < 0 ? 0 : (size_t)kind;
    s->status = kind < 0 ? 404 : f->forbid_kind == kind + 1 ? 403 : 200;
    snprintf(s->ns, sizeof(s->ns), "%.*s", kind < 0 ? 0 : (int)p.ns.len, kind < 0 ? "" : p.ns.at);
    snprintf(s->selector, sizeof(s->selector), "%.*s",
             STR_FMT(http_query_find(&args, "labelSelector")));
    s->watch = http_query_bool(&args, "watch");
    str_to_u64(http_query_find(&args, "resourceVersion"), &s->from);
    timer_init(&s->timer, f->loop, fake_turn, s);
    timer_arm_in(&s->timer, (usec)(loop_random(f->loop) % 3000));
    arena_done(&a);
    return s;
}

static UNUSED void fake_close(void *arg, struct kube_stream *s)
{
    struct fake *f = arg;
    struct kube_stream **at = &f->streams;
    while (*at != s)
        at = &(*at)->next;
    *at = s->next;
    timer_stop(&s->timer);
    buf_done(&s->body);
    free(s);
}

static UNUSED void fake_no_free(void *arg UNUSED) {}
static UNUSED struct fake *fake_new(struct loop *l)
{
    struct fake *f = calloc(1, sizeof(*f));
    f->loop = l;
    f->version = 100;
    return f;
}

static UNUSED size_t fake_add_kind(struct fake *f, const char *group, const char *version,
                                   const char *kind, const char *plural, bool namespaced)
{
    f->kind[f->n_kinds] = (struct fake_kind){group, version, kind, plural, namespaced, true};
    return f->n_kinds++;
}

static UNUSED struct cluster_client *fake_client(struct fake *f)
{
    struct kube_transport t = {f, fake_send, fake_stream, fake_close, fake_no_free};
    return cluster_client_new(f->loop, &t);
}

static UNUSED void fake_free(struct fake *f)
{
    assert(!f->streams);
    for (size_t i = 0; i < f->n_objects; i++)
        doc_unref(f->object[i].doc);
    for (size_t i = 0; i < f->n_events; i++)
        doc_unref(f->event[i].doc);
    free(f);
}

#endif
