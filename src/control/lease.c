/* control/lease.c: read, decide, write; again after a pause. One request at a time. */
#include "control/lease.h"

#include <assert.h>
#include <stdlib.h>

#include "kube/object.h"

struct lease {
    struct loop *loop;
    struct lease_config config;
    struct arena text;
    struct cluster_target target;
    struct timer turn, deadline; /* deadline: renewing has failed for too long */
    struct call call;
    struct doc *seen; /* the Lease as last read or written, or NULL */
    usec asked_at;    /* when the newest write was sent */
    usec seen_at;     /* when its record last changed, by our clock */
    bool held;
};

static void on_turn(void *arg);
static void on_deadline(void *arg);

static value spec_of(const struct lease *l) { return value_getz(doc_root(l->seen), "spec"); }

str lease_holder(const struct lease *l)
{
    return value_str(value_getz(spec_of(l), "holderIdentity"));
}

bool lease_held(const struct lease *l) { return l->held; }

struct lease *lease_open(const struct lease_config *config)
{
    struct lease *l = calloc(1, sizeof(*l));
    assert(l && config->identity.len);
    l->loop = cluster_loop(config->client);
    l->config = *config;
    arena_init(&l->text, 1 << 20);
    l->config.identity = arena_str(&l->text, config->identity);
    l->config.duration_us = config->duration_us ? config->duration_us : 15 * USEC_PER_SEC;
    l->config.renew_deadline_us =
        config->renew_deadline_us ? config->renew_deadline_us : 10 * USEC_PER_SEC;
    l->config.retry_us = config->retry_us ? config->retry_us : 2 * USEC_PER_SEC;
    l->target =
        (struct cluster_target){.gvk = {STR("coordination.k8s.io"), STR("v1"), STR("Lease")},
                                .ns = arena_str(&l->text, config->ns),
                                .name = arena_str(&l->text, config->name)};
    timer_init(&l->turn, l->loop, on_turn, l);
    timer_init(&l->deadline, l->loop, on_deadline, l);
    timer_arm(&l->turn, loop_now(l->loop));
    return l;
}

static void set_held(struct lease *l, bool held)
{
    if (held) /* counted from before the server could have stored it, as others count from after */
        timer_arm(&l->deadline, l->asked_at + l->config.renew_deadline_us);
    else
        timer_stop(&l->deadline);
    if (l->held == held)
        return;
    l->held = held;
    if (l->config.changed)
        l->config.changed(l->config.arg, held);
}

static void on_deadline(void *arg) { set_held(arg, false); }

static void pause_then_turn(struct lease *l)
{
    usec jitter =
        l->held ? 0 : (usec)(loop_random(l->loop) % (uint64_t)(l->config.retry_us / 5 + 1));
    timer_arm_in(&l->turn, l->config.retry_us + jitter);
}

/* The candidate's clock starts anew with each change of the record. */
static void see(struct lease *l, struct doc *take_doc)
{
    if (!l->seen || !value_equal(spec_of(l), value_getz(doc_root(take_doc), "spec")))
        l->seen_at = loop_now(l->loop);
    doc_unref(l->seen);
    l->seen = take_doc;
}

static bool may_take(const struct lease *l)
{
    str holder = lease_holder(l);
    usec duration = value_int(value_getz(spec_of(l), "leaseDurationSeconds")) * USEC_PER_SEC;
    return !holder.len || str_eq(holder, l->config.identity) ||
           loop_now(l->loop) >= l->seen_at + duration;
}

static value record(struct lease *l, struct arena *a, str holder)
{
    value old = spec_of(l), spec = value_is_map(old) ? value_edit(a, old) : value_new_map(a);
    value now = value_of_str(a, time_micro_str(a, loop_wall(l->loop)));
    bool renewal = str_eq(lease_holder(l), holder);
    int64_t transitions = value_int(value_getz(old, "leaseTransitions"));
    value_setz(a, spec, "holderIdentity", value_of_str(a, holder));
    value_setz(a, spec, "leaseDurationSeconds",
               value_of_int(a, l->config.duration_us / USEC_PER_SEC));
    value_setz(a, spec, "renewTime", now);
    if (!renewal)
        value_setz(a, spec, "acquireTime", now);
    value_setz(a, spec, "leaseTransitions",
               value_of_int(a, transitions + (renewal || !l->seen ? 0 : 1)));
    value object = l->seen ? value_edit(a, doc_root(l->seen)) : value_new_map(a);
    if (!l->seen) {
        value_set_str(a, object, "apiVersion", STR("coordination.k8s.io/v1"));
        value_set_str(a, object, "kind", STR("Lease"));
        value_set_path(a, object, "metadata.name", value_of_str(a, l->target.name));
        value_set_path(a, object, "metadata.namespace", value_of_str(a, l->target.ns));
    }
    value_setz(a, object, "spec", spec);
    return object;
}

static void on_written(void *arg, struct answer *a)
{
    struct lease *l = arg;
    l->call = (struct call){0};
    pause_then_turn(
        l); /* a refused write reads again; whether we still hold it the deadline says */
    if (a->rc != 0)
        return;
    see(l, answer_take(a));
    set_held(l, str_eq(lease_holder(l), l->config.identity));
}

static void write_record(struct lease *l)
{
    struct arena a;
    arena_init(&a, (size_t)16 << 20);
    value object = record(l, &a, l->config.identity);
    l->asked_at = loop_now(l->loop);
    l->call = call_open(l->loop, l->config.renew_deadline_us / 2, on_written, l);
    if (l->seen)
        cluster_update(l->config.client, &l->target, object, NULL, l->call);
    else
        cluster_create(l->config.client, &l->target, object, NULL, l->call);
    arena_done(&a);
}

static void on_read(void *arg, struct answer *a)
{
    struct lease *l = arg;
    l->call = (struct call){0};
    if (a->rc == -ERR_NOT_FOUND) {
        doc_unref(l->seen);
        l->seen = NULL;
        write_record(l);
        return;
    }
    if (a->rc == 0) {
        see(l, answer_take(a));
        if (may_take(l)) {
            write_record(l);
            return;
        }
        set_held(l, false); /* somebody else's by now */
    }
    pause_then_turn(l);
}

static void on_turn(void *arg)
{
    struct lease *l = arg;
    l->call = call_open(l->loop, l->config.renew_deadline_us / 2, on_read, l);
    cluster_get(l->config.client, &l->target, l->call);
}

void lease_close(struct lease *l, bool release)
{
    if (!l)
        return;
    call_forget(&l->call);
    timer_stop(&l->turn);
    timer_stop(&l->deadline);
    if (release && l->held && l->seen) {
        struct arena a;
        arena_init(&a, (size_t)16 << 20);
        value object = record(l, &a, STR(""));
        cluster_update(l->config.client, &l->target, object, NULL, (struct call){0});
        arena_done(&a);
    }
    doc_unref(l->seen);
    arena_done(&l->text);
    free(l);
}
