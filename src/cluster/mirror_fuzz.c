/* cluster/mirror_fuzz.c: what an API server sends, LIST and WATCH, through reflector and mirror.
 *
 * The input up to the first NUL is the answer to LIST, the rest what a watch sends; the first byte
 * of each part says in how large pieces. Whatever comes: bounded time, no fault, and afterwards the
 * indexes agree with each other. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "cluster/mirror.h"
#include "kube/object.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct wire {
    struct loop *loop;
    str list, watch;
    unsigned n_streams;
    size_t n_members;
    struct mirror *mirror;
};
struct kube_stream {
    struct wire *wire;
    const struct kube_stream_handler *handler;
    void *arg;
    struct timer timer;
    str rest;
    size_t piece;
    bool head;
};

#define STREAMS_MAX 20 /* then answers stop: a reflector tries for ever */

static const char discovery[] = "{\"kind\":\"APIGroupDiscoveryList\",\"items\":[{\"metadata\":{"
                                "\"name\":\"\"},\"versions\":[{\"version\":\"v1\",\"resources\":"
                                "[{\"resource\":\"pods\",\"responseKind\":{\"kind\":\"Pod\"},"
                                "\"scope\":\"Namespaced\",\"verbs\":[\"list\",\"watch\"]}]}]}]}";

static void send_now(void *arg, const struct kube_request *q, struct call c)
{
    (void)arg;
    struct kube_response *r = calloc(1, sizeof(*r));
    assert(r);
    r->status = 200;
    buf_init(&r->body, 1 << 20);
    buf_addz(&r->body, str_is(q->target, "/api") ? discovery : "{}");
    call_answer_ok(c, r, kube_response_free);
}

static void on_turn(void *arg)
{
    struct kube_stream *s = arg;
    timer_arm_in(&s->timer, 1);
    if (!s->head) {
        s->head = true;
        s->handler->head(s->arg, 200);
        return;
    }
    if (!s->rest.len) {
        timer_stop(&s->timer);
        s->handler->end(s->arg, 0, NULL);
        return;
    }
    str piece = str_sub(s->rest, 0, s->piece);
    s->rest = str_from(s->rest, piece.len);
    char *copy = malloc(piece.len);
    assert(copy);
    memcpy(copy, piece.at, piece.len);
    s->handler->data(s->arg, (str){copy, piece.len});
    free(copy);
}

static struct kube_stream *open_stream(void *arg, const struct kube_request *q,
                                       const struct kube_stream_handler *handler, void *handler_arg)
{
    struct wire *w = arg;
    struct kube_stream *s = calloc(1, sizeof(*s));
    assert(s);
    str text = str_has(q->target, STR("watch=true")) ? w->watch : w->list;
    *s = (struct kube_stream){.wire = w,
                              .handler = handler,
                              .arg = handler_arg,
                              .rest = str_from(text, 1)};
    s->piece = text.len ? 1 + (uint8_t)text.at[0] : 1;
    timer_init(&s->timer, w->loop, on_turn, s);
    if (w->n_streams++ < STREAMS_MAX)
        timer_arm_in(&s->timer, 1);
    return s;
}
static void close_stream(void *arg, struct kube_stream *s)
{
    (void)arg;
    timer_stop(&s->timer);
    free(s);
}
static void no_free(void *arg) { (void)arg; }

static void look(void *arg, value object, struct arena *a, struct mirror_look *ret)
{
    (void)arg;
    (void)a;
    ret->subject = object_label(object, STR("app"));
    ret->keep_body = true;
}
static const struct mirror_policy policy = {.look = look};

/* Each change's object is there, or not, as the change says or a later one undid; members of a
 * subject say so themselves. */
static void changed(void *arg, const struct mirror_change *change, size_t n)
{
    struct wire *w = arg;
    struct mirror_object o, again;
    for (size_t i = 0; i < n; i++) {
        for (struct mirror_iter it = mirror_of_subject(w->mirror, change[i].subject);
             mirror_next(&it, &o);) {
            assert(str_eq(o.subject, change[i].subject));
            assert(mirror_find(w->mirror, o.key, &again) && again.record == o.record);
        }
        for (struct mirror_iter it = mirror_children(w->mirror, str_of(change[i].uid));
             mirror_next(&it, &o);)
            assert(o.has_owner);
        if (mirror_find(w->mirror, change[i].key, &o)) {
            struct doc *d;
            struct err err;
            int rc = mirror_body(w->mirror, &o, &d, &err);
            assert(rc == 0);
            (void)rc;
            doc_unref(d);
            mirror_root_subject(w->mirror, &o);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct wire w = {.loop = loop_new(EVENT_SIM, size)};
    if (!str_cut((str){(const char *)data, size}, '\0', &w.list, &w.watch))
        w.watch = STR("");
    struct kube_transport t = {&w, send_now, open_stream, close_stream, no_free};
    struct cluster_client *c = cluster_client_new(w.loop, &t);
    const struct mirror_owner owner = {.arg = &w, .changed = changed};
    w.mirror = mirror_open(c, &policy, &owner);
    loop_run_sim(w.loop, loop_now(w.loop) + 30 * USEC_PER_SEC, 200000);
    mirror_close(w.mirror);
    cluster_client_free(c);
    loop_free(w.loop);
    return 0;
}
