/* cluster/tests/fake_store.h: what the fake API server of fake_server.h holds: kinds, objects with
 * resourceVersions, a log of events. */
#ifndef CLUSTER_TESTS_FAKE_STORE_H
#define CLUSTER_TESTS_FAKE_STORE_H

#include <assert.h>
#include "cluster/client.h"
#include "event/loop.h"
#include "kube/object.h"

#define FAKE_OBJECTS_MAX 512
#define FAKE_EVENTS_MAX 65536

struct fake_kind {
    const char *group, *version, *kind, *plural;
    bool namespaced, served;
};
struct fake_object {
    size_t kind;
    struct doc *doc;
};
struct fake_event {
    uint64_t version;
    size_t kind;
    const char *type;
    struct doc *doc;
};
struct fake {
    struct loop *loop;
    struct fake_kind kind[8];
    size_t n_kinds, n_objects, n_events;
    struct fake_object object[FAKE_OBJECTS_MAX];
    struct fake_event event[FAKE_EVENTS_MAX];
    uint64_t version, compacted, n_uids;
    uint64_t cached; /* lists are a cache's that has come so far only; 0: they are of now */
    unsigned faults; /* one in so many steps goes wrong; 0: none */
    struct kube_stream *streams;
    size_t n_requests;
    int forbid_kind; /* index + 1: answered 403 */
};
struct kube_stream {
    struct kube_stream *next;
    struct fake *fake;
    const struct kube_stream_handler *handler;
    void *arg;
    struct timer timer;
    bool watch, head_sent, ended, list_ready, expired;
    size_t kind, sent, at;
    char ns[64], selector[256];
    uint64_t from;
    int status;
    struct buf body;
};

static UNUSED bool fake_fault(struct fake *f)
{
    return f->faults && loop_random(f->loop) % f->faults == 0;
}

static UNUSED void fake_log(struct fake *f, size_t kind, const char *type, struct doc *take_doc)
{
    assert(f->n_events < FAKE_EVENTS_MAX);
    f->event[f->n_events++] = (struct fake_event){f->version, kind, type, take_doc};
    for (struct kube_stream *s = f->streams; s; s = s->next)
        if (s->watch && !s->ended && !timer_armed(&s->timer))
            timer_arm_in(&s->timer, (usec)(loop_random(f->loop) % 5000));
}

static UNUSED struct fake_object *fake_find(struct fake *f, size_t kind, const char *ns,
                                            const char *name)
{
    for (size_t i = 0; i < f->n_objects; i++) {
        value o = doc_root(f->object[i].doc);
        if (f->object[i].kind == kind && str_is(object_ns(o), ns) && str_is(object_name(o), name))
            return &f->object[i];
    }
    return NULL;
}

/* Create or replace. `json`: the object without uid and resourceVersion. Returns its uid (in the
 * stored document). */
static UNUSED str fake_put(struct fake *f, size_t kind, const char *json)
{
    struct arena a;
    arena_init(&a, 1 << 24);
    value o;
    struct err err;
    int rc = json_parse(str_of(json), NULL, &a, &o, &err);
    assert(rc == 0);
    (void)rc;
    o = value_copy(&a, o);
    str name = arena_str(&a, object_name(o)), ns = arena_str(&a, object_ns(o));
    struct fake_object *there = fake_find(f, kind, arena_cstr(&a, ns), arena_cstr(&a, name));
    str uid = there
                  ? object_uid(doc_root(there->doc))
                  : arena_printf(&a, "00000000-0000-4000-8000-%012lu", (unsigned long)++f->n_uids);
    value_set_path(&a, o, "metadata.uid", value_of_str(&a, uid));
    value_set_path(&a, o, "metadata.resourceVersion",
                   value_of_str(&a, arena_printf(&a, "%lu", (unsigned long)++f->version)));
    struct doc *d = doc_freeze(o, 0);
    if (there) {
        doc_unref(there->doc);
        there->doc = d;
    } else {
        assert(f->n_objects < FAKE_OBJECTS_MAX);
        f->object[f->n_objects++] = (struct fake_object){kind, d};
    }
    fake_log(f, kind, there ? "MODIFIED" : "ADDED", doc_ref(d));
    arena_done(&a);
    return object_uid(doc_root(d));
}

static UNUSED void fake_remove(struct fake *f, struct fake_object *o)
{
    struct arena a;
    arena_init(&a, 1 << 24);
    value last = value_copy(&a, doc_root(o->doc));
    value_set_path(&a, last, "metadata.resourceVersion",
                   value_of_str(&a, arena_printf(&a, "%lu", (unsigned long)++f->version)));
    fake_log(f, o->kind, "DELETED", doc_freeze(last, 0));
    doc_unref(o->doc);
    *o = f->object[--f->n_objects];
    arena_done(&a);
}

#endif
