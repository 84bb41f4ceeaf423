/* appcache/appcache.c: the in-memory cache; see the header. */
#include "appcache/appcache.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"

/* Snapshots share their parts: a new tree does not copy the managed resources. */
struct managed_part {
    _Atomic uint32_t refs;
    struct arena arena;
    struct appcache_managed *item;
    size_t n;
};

struct entry { /* what a snapshot is, with what keeps it alive */
    struct appcache_entry pub;
    _Atomic uint32_t refs;
    char *app;
    struct managed_part *part;
};

struct appcache {
    struct loop *loop;
    struct map by_app; /* app -> struct entry; key is the entry's own text */
    struct appcache_watch *watches;
    uint64_t version;
    VEC(struct note *) notes;
    struct map note_of; /* app -> struct note */
    bool telling, freed;
    void (*fill)(void *arg, str app);
    void *fill_arg;
    char *filled[APPCACHE_FILLED_MAX]; /* the applications asked for last; newest first */
    size_t n_filled;
};

struct note {
    char *app;
    unsigned parts;
};

static void *zalloc(size_t n)
{
    void *p = calloc(1, n);
    if (!p)
        abort();
    return p;
}

static char *copy(str s)
{
    char *p = zalloc(s.len + 1);
    if (s.len)
        memcpy(p, s.at, s.len);
    return p;
}

static struct managed_part *part_ref(struct managed_part *p)
{
    if (p)
        atomic_fetch_add(&p->refs, 1);
    return p;
}

static void part_unref(struct managed_part *p)
{
    if (!p || atomic_fetch_sub(&p->refs, 1) != 1)
        return;
    for (size_t i = 0; i < p->n; i++) {
        doc_unref(p->item[i].target);
        doc_unref(p->item[i].live);
        doc_unref(p->item[i].normalized_live);
        doc_unref(p->item[i].predicted_live);
    }
    arena_done(&p->arena);
    free(p);
}

static void entry_unref(struct entry *e)
{
    if (!e || atomic_fetch_sub(&e->refs, 1) != 1)
        return;
    part_unref(e->part);
    doc_unref(e->pub.tree);
    doc_unref(e->pub.manifests);
    free(e->app);
    free(e);
}

void appcache_entry_unref(struct appcache_entry *e)
{
    if (e)
        entry_unref(CONTAINER_OF(e, struct entry, pub));
}

struct appcache *appcache_new(struct loop *l)
{
    struct appcache *c = zalloc(sizeof(*c));
    c->loop = l;
    map_init(&c->by_app, NULL);
    map_init(&c->note_of, NULL);
    return c;
}

static void drop_notes(struct appcache *c)
{
    for (size_t i = 0; i < c->notes.n; i++) {
        free(c->notes.at[i]->app);
        free(c->notes.at[i]);
    }
    free(c->notes.at);
    c->notes.at = NULL;
    c->notes.n = c->notes.cap = 0;
    map_done(&c->note_of);
    map_init(&c->note_of, NULL);
}

static void free_now(struct appcache *c)
{
    drop_notes(c);
    map_done(&c->note_of);
    free(c);
}

void appcache_free(struct appcache *c)
{
    void *v;
    if (!c)
        return;
    for (size_t i = 0; map_next(&c->by_app, &i, NULL, &v);)
        entry_unref(v);
    map_done(&c->by_app);
    for (size_t i = 0; i < c->n_filled; i++)
        free(c->filled[i]);
    c->n_filled = 0;
    for (struct appcache_watch *w = c->watches; w; w = w->next)
        w->cache = NULL;
    c->watches = NULL;
    c->freed = true;
    if (!c->telling)
        free_now(c);
}

/* ---- telling ---- */

static void tell(void *arg)
{
    struct appcache *c = arg;
    struct appcache now = *c; /* what changes while we tell is told on the next turn */
    c->notes.at = NULL;
    c->notes.n = c->notes.cap = 0;
    map_init(&c->note_of, NULL);
    c->telling = false;
    if (c->freed) {
        drop_notes(&now);
        free_now(c);
        return;
    }
    for (size_t i = 0; i < now.notes.n; i++) {
        struct note *n = now.notes.at[i];
        for (struct appcache_watch *w = c->watches, *next; w; w = next) {
            next = w->next;
            if (w->app.len == 0 || str_is(w->app, n->app))
                w->fn(w->arg, str_of(n->app), n->parts);
        }
    }
    drop_notes(&now);
    map_done(&now.note_of);
}

static void note(struct appcache *c, str app, unsigned part)
{
    struct note *n = map_find(&c->note_of, app);
    if (!n) {
        n = zalloc(sizeof(*n));
        n->app = copy(app);
        map_set(&c->note_of, str_of(n->app), n);
        if (c->notes.n == c->notes.cap) {
            c->notes.cap = c->notes.cap ? c->notes.cap * 2 : 16;
            c->notes.at = realloc(c->notes.at, c->notes.cap * sizeof(struct note *));
            if (!c->notes.at)
                abort();
        }
        c->notes.at[c->notes.n++] = n;
    }
    n->parts |= part;
    if (!c->telling) {
        c->telling = true;
        loop_defer(c->loop, tell, c);
    }
}

/* ---- writing: a new entry that shares what did not change replaces the old one ---- */

static struct entry *entry_edit(struct appcache *c, str app)
{
    struct entry *old = map_find(&c->by_app, app);
    if (!old && map_len(&c->by_app) >= APPCACHE_APPS_MAX)
        return NULL;
    struct entry *e = zalloc(sizeof(*e));
    e->refs = 1;
    e->app = copy(app);
    if (old) {
        e->pub = old->pub;
        e->part = part_ref(old->part);
        doc_ref(e->pub.tree);
        doc_ref(e->pub.manifests);
    }
    e->pub.app = str_of(e->app);
    e->pub.version = ++c->version;
    return e;
}

/* The map borrows its key from the entry, so the old key has to go before the old entry. */
static void entry_replace(struct appcache *c, struct entry *e)
{
    struct entry *old = map_remove(&c->by_app, e->pub.app);
    map_set(&c->by_app, e->pub.app, e);
    entry_unref(old);
}

static void entry_put(struct appcache *c, struct entry *e, unsigned part)
{
    e->pub.has |= part;
    entry_replace(c, e);
    note(c, e->pub.app, part);
}

static void copy_item(struct arena *a, struct appcache_managed *to,
                      const struct appcache_managed *from)
{
    *to = *from;
    to->group = arena_str(a, from->group);
    to->version = arena_str(a, from->version);
    to->kind = arena_str(a, from->kind);
    to->namespace = arena_str(a, from->namespace);
    to->name = arena_str(a, from->name);
    to->resource_version = arena_str(a, from->resource_version);
    doc_ref(to->target);
    doc_ref(to->live);
    doc_ref(to->normalized_live);
    doc_ref(to->predicted_live);
}

void appcache_set_managed(struct appcache *c, str app, const struct appcache_managed *item,
                          size_t n_items)
{
    struct entry *e = entry_edit(c, app);
    if (!e)
        return;
    struct managed_part *p = zalloc(sizeof(*p));
    p->refs = 1;
    arena_init(&p->arena, ARENA_BYTES_DEFAULT);
    p->n = n_items;
    p->item = ARENA_ARRAY(&p->arena, struct appcache_managed, n_items);
    for (size_t i = 0; i < n_items; i++)
        copy_item(&p->arena, &p->item[i], &item[i]);
    part_unref(e->part);
    e->part = p;
    e->pub.managed = p->item;
    e->pub.n_managed = n_items;
    entry_put(c, e, APPCACHE_MANAGED);
}

void appcache_set_tree(struct appcache *c, str app, struct doc *take_tree)
{
    struct entry *e = entry_edit(c, app);
    if (!e) {
        doc_unref(take_tree);
        return;
    }
    doc_unref(e->pub.tree);
    e->pub.tree = take_tree;
    entry_put(c, e, APPCACHE_TREE);
}

void appcache_set_manifests(struct appcache *c, str app, struct doc *take_manifests)
{
    struct entry *e = entry_edit(c, app);
    if (!e) {
        doc_unref(take_manifests);
        return;
    }
    doc_unref(e->pub.manifests);
    e->pub.manifests = take_manifests;
    entry_put(c, e, APPCACHE_MANIFESTS);
}

void appcache_remove(struct appcache *c, str app)
{
    struct entry *old = map_remove(&c->by_app, app);
    if (!old)
        return;
    note(c, old->pub.app, APPCACHE_REMOVED);
    entry_unref(old);
}

/* ---- reading ---- */

struct appcache_entry *appcache_read(const struct appcache *c, str app)
{
    struct entry *e = map_find(&c->by_app, app);
    if (!e)
        return NULL;
    atomic_fetch_add(&e->refs, 1);
    return &e->pub;
}

/* ---- what is written when it is asked for ---- */

bool appcache_holds(const struct appcache *c, str app, unsigned parts)
{
    const struct entry *e = map_find(&c->by_app, app);
    return e && (e->pub.has & parts);
}

void appcache_drop(struct appcache *c, str app, unsigned parts)
{
    if (!appcache_holds(c, app, parts))
        return;
    struct entry *e = entry_edit(c, app);
    e->pub.has &= ~parts;
    if (parts & APPCACHE_MANAGED) {
        part_unref(TAKE(e->part));
        e->pub.managed = NULL;
        e->pub.n_managed = 0;
    }
    if (parts & APPCACHE_TREE)
        doc_unref(TAKE(e->pub.tree));
    if (parts & APPCACHE_MANIFESTS)
        doc_unref(TAKE(e->pub.manifests));
    entry_replace(c, e);
}

void appcache_on_miss(struct appcache *c, void (*fill)(void *arg, str app), void *arg)
{
    c->fill = fill;
    c->fill_arg = arg;
}

/* app is asked for now: it moves to the front, and what falls out at the end is dropped. */
static void remember_filled(struct appcache *c, str app)
{
    size_t i = 0;
    while (i < c->n_filled && !str_is(app, c->filled[i]))
        i++;
    bool known = i < c->n_filled;
    char *name = known ? c->filled[i] : copy(app);
    if (!known && c->n_filled == APPCACHE_FILLED_MAX) {
        char *oldest = c->filled[--i];
        appcache_drop(c, str_of(oldest), APPCACHE_MANAGED | APPCACHE_MANIFESTS);
        free(oldest);
    } else if (!known) {
        c->n_filled++;
    }
    memmove(&c->filled[1], &c->filled[0], i * sizeof(c->filled[0]));
    c->filled[0] = name;
}

struct appcache_entry *appcache_read_whole(struct appcache *c, str app)
{
    if (c->fill && map_has(&c->by_app, app)) {
        c->fill(c->fill_arg, app);
        remember_filled(c, app);
    }
    return appcache_read(c, app);
}

size_t appcache_len(const struct appcache *c) { return map_len(&c->by_app); }

void appcache_watch_start(struct appcache_watch *w, struct appcache *c, str app,
                          void (*fn)(void *arg, str app, unsigned parts), void *arg)
{
    *w = (struct appcache_watch){.cache = c, .app = app, .fn = fn, .arg = arg};
    w->next = c->watches;
    w->back = &c->watches;
    if (w->next)
        w->next->back = &w->next;
    c->watches = w;
}

void appcache_watch_stop(struct appcache_watch *w)
{
    if (!w->cache)
        return;
    *w->back = w->next;
    if (w->next)
        w->next->back = w->back;
    w->cache = NULL;
}
