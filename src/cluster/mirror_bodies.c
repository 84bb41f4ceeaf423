/* cluster/mirror_bodies.c: bodies that the policy did not want when their objects came.
 *
 * The object is asked for, and looked at anew when the answer is the version that the record has:
 * a newer one comes by the watch as well, an older one is asked for again. So an answer never moves
 * a record in time. */
#include "cluster/mirror_impl.h"

#include <stdlib.h>

#include "kube/object.h"

#define FETCH_TIMEOUT_US (30 * USEC_PER_SEC)
#define FETCH_AGAIN_US (2 * USEC_PER_SEC)

struct mirror_fetch {
    struct mirror_fetch *next;
    struct mirror *mirror;
    struct call call;
    struct timer again;
    struct arena text;
    struct kube_key key;
    str version;
};

static void fetch_free(struct mirror_fetch *f)
{
    call_forget(&f->call);
    timer_stop(&f->again);
    arena_done(&f->text);
    free(f);
}

static void fetch_end(struct mirror_fetch *f)
{
    struct mirror_fetch **at = &f->mirror->fetches;
    while (*at != f)
        at = &(*at)->next;
    *at = f->next;
    fetch_free(f);
}

void mirror_fetches_cancel(struct mirror *m)
{
    while (m->fetches)
        fetch_end(m->fetches);
}

/* false: ask again. */
static bool take_body(struct mirror *m, const struct mirror_fetch *f, value object)
{
    struct mirror_object seen;
    if (!mirror_find(m, f->key, &seen) || seen.has_body)
        return true;
    const struct record *r = seen.record;
    if (str_eq(object_resource_version(object), seen.resource_version))
        mirror_look_anew(m, m->kind[r->kind], r->mark, object);
    return !resource_version_older(object_resource_version(object), seen.resource_version);
}

static void on_fetched(void *arg, struct answer *a)
{
    struct mirror_fetch *f = arg;
    f->call = (struct call){0};
    if (a->rc == 0 ? take_body(f->mirror, f, doc_root(a->result)) : a->rc == -ERR_NOT_FOUND)
        fetch_end(f); /* one that is gone is told of by the watch */
    else
        timer_arm_in(&f->again, FETCH_AGAIN_US);
}

static void fetch(void *arg)
{
    struct mirror_fetch *f = arg;
    struct mirror *m = f->mirror;
    const struct cluster_target t = {.gvk = {f->key.group, f->version, f->key.kind},
                                     .ns = f->key.ns,
                                     .name = f->key.name};
    f->call = call_open(m->loop, FETCH_TIMEOUT_US, on_fetched, f);
    cluster_get(m->client, &t, f->call);
}

void mirror_want_body(struct mirror *m, struct kube_key key)
{
    struct mirror_object seen;
    if (!mirror_find(m, key, &seen) || seen.has_body)
        return;
    for (const struct mirror_fetch *f = m->fetches; f; f = f->next)
        if (kube_key_eq(f->key, key))
            return;
    struct mirror_fetch *f = calloc(1, sizeof(*f));
    if (!f)
        abort();
    arena_init(&f->text, 1 << 20);
    f->mirror = m;
    f->key = kube_key_copy(&f->text, seen.key);
    f->version = arena_str(&f->text, seen.version);
    f->next = m->fetches;
    m->fetches = f;
    timer_init(&f->again, m->loop, fetch, f);
    fetch(f);
}
