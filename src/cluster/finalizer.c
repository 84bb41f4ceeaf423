/* cluster/finalizer.c */
#include "cluster/finalizer.h"

#include <stdlib.h>

#include "kube/object.h"

static void drop_doc(void *doc) { doc_unref(doc); }

struct drop {
    struct cluster_client *client;
    struct call asker;
    struct arena arena;
    struct cluster_target target;
    str finalizer;
    int tries;
    bool putting;
};

static void drop_answered(void *arg, struct answer *ans);

static void drop_end(struct drop *d, const struct err *err, struct doc *take_object)
{
    if (err)
        call_answer_err(d->asker, err);
    else
        call_answer_ok(d->asker, take_object, drop_doc);
    arena_done(&d->arena);
    free(d);
}

static void drop_read(struct drop *d)
{
    d->putting = false;
    cluster_get(d->client, &d->target, call_open(cluster_loop(d->client), 0, drop_answered, d));
}

static void drop_put(struct drop *d, struct doc *take_live)
{
    struct arena *a = &d->arena;
    arena_on_done(a, drop_doc, take_live);
    value object = value_edit(a, doc_root(take_live));
    value meta = value_edit_map(a, object, STR("metadata"));
    value left = value_new_list(a), had = value_getz(meta, "finalizers");
    for (struct value_iter it = value_iter(had); value_next(&it);)
        if (!str_eq(value_str(it.val), d->finalizer))
            value_push(a, left, value_of_str(a, value_str(it.val)));
    if (value_len(left) == value_len(had)) {
        drop_end(d, NULL, doc_ref(take_live));
        return;
    }
    value_setz(a, meta, "finalizers", value_len(left) ? left : VALUE_ABSENT);
    d->putting = true;
    cluster_update(d->client, &d->target, object, NULL,
                   call_open(cluster_loop(d->client), 0, drop_answered, d));
}

static void drop_answered(void *arg, struct answer *ans)
{
    struct drop *d = arg;
    if (ans->rc == 0 && d->putting)
        drop_end(d, NULL, answer_take(ans));
    else if (ans->rc == 0)
        drop_put(d, answer_take(ans));
    else if (ans->rc == -ERR_NOT_FOUND)
        drop_end(d, NULL, NULL);
    else if (ans->rc == -ERR_CONFLICT && ++d->tries < FINALIZER_TRIES)
        drop_read(d);
    else
        drop_end(d, &ans->err, NULL);
}

void cluster_drop_finalizer(struct cluster_client *c, const struct cluster_target *t,
                            const struct doc *live, str finalizer, struct call call)
{
    struct drop *d = calloc(1, sizeof(*d));
    if (!d)
        abort();
    arena_init(&d->arena, ARENA_BYTES_DEFAULT);
    d->client = c;
    d->asker = call;
    d->finalizer = arena_str(&d->arena, finalizer);
    d->target = (struct cluster_target){
        .gvk = {arena_str(&d->arena, t->gvk.group), arena_str(&d->arena, t->gvk.version),
                arena_str(&d->arena, t->gvk.kind)},
        .ns = arena_str(&d->arena, t->ns),
        .name = arena_str(&d->arena, t->name),
        .subresource = STR(""),
    };
    if (live)
        drop_put(d, doc_ref(live));
    else
        drop_read(d);
}

/* ---- CRDs ---- */

#define ESTABLISHED_POLL_US (100 * USEC_PER_MS)

struct wait {
    struct cluster_client *client;
    struct call asker;
    struct arena arena;
    struct cluster_target target;
    struct timer poll;
    usec until;
};

static void wait_end(struct wait *w)
{
    timer_stop(&w->poll);
    arena_done(&w->arena);
    free(w);
}

static bool established(value crd)
{
    for (struct value_iter it = value_iter(value_path(crd, "status.conditions")); value_next(&it);)
        if (str_is(value_path_str(it.val, "type"), "Established"))
            return str_is(value_path_str(it.val, "status"), "True");
    return false;
}

static void wait_answered(void *arg, struct answer *ans)
{
    struct wait *w = arg;
    if (ans->rc == 0 && established(doc_root(ans->result))) {
        call_answer_ok(w->asker, answer_take(ans), drop_doc);
        wait_end(w);
    } else if (loop_now(cluster_loop(w->client)) >= w->until) {
        struct err err;
        err_set(&err, ERR_TIMEOUT,
                "timed out waiting for CustomResourceDefinition '%.*s' to be established",
                STR_FMT(w->target.name));
        call_answer_err(w->asker, &err);
        wait_end(w);
    } else {
        timer_arm_in(&w->poll, ESTABLISHED_POLL_US);
    }
}

static void wait_ask(void *arg)
{
    struct wait *w = arg;
    cluster_get(w->client, &w->target, call_open(cluster_loop(w->client), 0, wait_answered, w));
}

void cluster_wait_established(struct cluster_client *c, str crd_name, usec timeout_us,
                              struct call call)
{
    struct wait *w = calloc(1, sizeof(*w));
    if (!w)
        abort();
    arena_init(&w->arena, ARENA_BYTES_DEFAULT);
    w->client = c;
    w->asker = call;
    w->target = (struct cluster_target){
        .gvk = {STR("apiextensions.k8s.io"), STR("v1"), STR("CustomResourceDefinition")},
        .name = arena_str(&w->arena, crd_name),
    };
    w->until = loop_now(cluster_loop(c)) + timeout_us;
    timer_init(&w->poll, cluster_loop(c), wait_ask, w);
    wait_ask(w);
}
