/* event/mailbox.c: rings of message pointers, and cells. One inbox entry stands for any number of
 * waiting messages. */
#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "event/private.h"

struct mailbox_slot {
    uint32_t gen, slot;
    bool noted; /* an entry waits in the inbox */
    void **ring;
    size_t first, n, cap, batch;
    mailbox_fn *fn;
    void *arg;
    void (*drop)(void *message);
};

size_t mailbox_slot_bytes(void) { return sizeof(struct mailbox_slot); }

static struct mailbox_slot *find(struct loop *l, struct mailbox m)
{
    struct mailbox_slot *s = l && m.gen ? slots_at(&l->mailboxes, m.slot & SLOT_MASK) : NULL;
    return s && s->gen == m.gen ? s : NULL;
}

struct mailbox mailbox_open(struct loop *l, size_t messages_max, size_t batch, mailbox_fn *fn,
                            void *arg, void (*drop)(void *message))
{
    assert(messages_max > 0 && batch > 0);
    void **ring = calloc(messages_max, sizeof(*ring));
    assert(ring);
    registry_lock(l->place);
    uint32_t index = slots_take(&l->mailboxes);
    struct mailbox_slot *s = slots_at(&l->mailboxes, index);
    *s = (struct mailbox_slot){.gen = registry_gen(l->place),
                               .slot = l->place << SLOT_BITS | index,
                               .ring = ring,
                               .cap = messages_max,
                               .batch = batch,
                               .fn = fn,
                               .arg = arg,
                               .drop = drop};
    struct mailbox m = {s->slot, s->gen};
    registry_unlock(l->place);
    return m;
}

static void drop_all(struct mailbox_slot *s)
{
    for (; s->n; s->n--, s->first = (s->first + 1) % s->cap)
        if (s->drop)
            s->drop(s->ring[s->first]);
    free(s->ring);
}

void mailbox_close(struct mailbox *m)
{
    unsigned place = m->slot >> SLOT_BITS;
    struct mailbox_slot closed = {0};
    struct loop *l = registry_lock(place);
    struct mailbox_slot *s = find(l, *m);
    if (s) {
        closed = *s;
        *s = (struct mailbox_slot){0};
        slots_give(&l->mailboxes, m->slot & SLOT_MASK);
    }
    registry_unlock(place);
    *m = (struct mailbox){0};
    if (closed.gen)
        drop_all(&closed); /* outside the lock: a message's drop may answer a call */
}

static void note(struct loop *l, struct mailbox_slot *s)
{
    s->noted = true;
    loop_inbox(l, (struct ready){.kind = READY_MAILBOX, .slot = s->slot, .gen = s->gen});
}

bool mailbox_send(struct mailbox m, void *take_message)
{
    unsigned place = m.slot >> SLOT_BITS;
    struct loop *l = registry_lock(place);
    struct mailbox_slot *s = find(l, m);
    bool taken = s && s->n < s->cap;
    if (taken) {
        s->ring[(s->first + s->n++) % s->cap] = take_message;
        if (!s->noted)
            note(l, s);
    }
    registry_unlock(place);
    return taken;
}

void mailbox_deliver(struct loop *l, uint32_t slot, uint32_t gen)
{
    for (size_t i = 0;; i++) {
        registry_lock(l->place);
        struct mailbox_slot *s =
            find(l, (struct mailbox){slot, gen}); /* the receiver may close it on the way */
        bool more = s && s->n > 0;
        if (s && (!more || i == s->batch)) {
            s->noted = false;
            if (more)
                note(l, s); /* the rest gets a later turn */
            more = false;
        }
        void *message = NULL;
        mailbox_fn *fn = NULL;
        void *arg = NULL;
        if (more) {
            message = s->ring[s->first];
            s->first = (s->first + 1) % s->cap;
            s->n--;
            fn = s->fn;
            arg = s->arg;
        }
        registry_unlock(l->place);
        if (!more)
            return;
        fn(arg, message);
    }
}

void mailboxes_done(struct loop *l)
{
    for (uint32_t i = 0; i < l->mailboxes.n; i++) {
        struct mailbox_slot *s = slots_at(&l->mailboxes, i);
        if (s->gen)
            drop_all(s);
    }
}

struct cell {
    pthread_mutex_t lock;
    void *snapshot;
    _Atomic uint64_t version;
    void *(*ref)(void *);
    void (*unref)(void *);
};

struct cell *cell_new(void *(*ref)(void *), void (*unref)(void *))
{
    struct cell *c = calloc(1, sizeof(*c));
    assert(c);
    pthread_mutex_init(&c->lock, NULL);
    c->ref = ref;
    c->unref = unref;
    return c;
}

void cell_free(struct cell *c)
{
    if (!c)
        return;
    if (c->snapshot)
        c->unref(c->snapshot);
    pthread_mutex_destroy(&c->lock);
    free(c);
}

void cell_publish(struct cell *c, void *take_snapshot)
{
    pthread_mutex_lock(&c->lock);
    void *old = c->snapshot;
    c->snapshot = take_snapshot;
    atomic_fetch_add(&c->version, 1);
    pthread_mutex_unlock(&c->lock);
    if (old)
        c->unref(old);
}

void *cell_read(struct cell *c)
{
    pthread_mutex_lock(&c->lock);
    void *snapshot = c->snapshot ? c->ref(c->snapshot) : NULL;
    pthread_mutex_unlock(&c->lock);
    return snapshot;
}

uint64_t cell_version(const struct cell *c) { return atomic_load(&c->version); }
