/* control/informer.c: a map of frozen objects behind one reflector. */
#include "control/informer.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "kube/object.h"

#define VERBS_ALL                                                                                  \
    (KUBE_VERB_CREATE | KUBE_VERB_DELETE | KUBE_VERB_GET | KUBE_VERB_LIST | KUBE_VERB_PATCH |      \
     KUBE_VERB_UPDATE | KUBE_VERB_WATCH)
#define ARGO_KIND(kind_, plural_)                                                                  \
    {                                                                                              \
        .group = STR_INIT("argoproj.io"), .version = STR_INIT("v1alpha1"),                         \
        .kind = STR_INIT(kind_), .plural = STR_INIT(plural_), .namespaced = true,                  \
        .verbs = VERBS_ALL                                                                         \
    }
#define CORE_KIND(kind_, plural_)                                                                  \
    {                                                                                              \
        .group = STR_INIT(""), .version = STR_INIT("v1"), .kind = STR_INIT(kind_),                 \
        .plural = STR_INIT(plural_), .namespaced = true, .verbs = VERBS_ALL                        \
    }
const struct kube_kind informer_kind_application = ARGO_KIND("Application", "applications");
const struct kube_kind informer_kind_project = ARGO_KIND("AppProject", "appprojects");
const struct kube_kind informer_kind_applicationset =
    ARGO_KIND("ApplicationSet", "applicationsets");
const struct kube_kind informer_kind_config_map = CORE_KIND("ConfigMap", "configmaps");
const struct kube_kind informer_kind_secret = CORE_KIND("Secret", "secrets");

struct entry {
    struct doc *object;
    uint64_t mark; /* of the list that saw it last */
    str key;       /* behind this struct: namespace NUL name */
};

struct informer {
    struct loop *loop;
    struct informer_config config;
    struct arena text;
    struct reflector *reflector;
    struct map entries;
    uint64_t mark, version;
    bool synced, closed;
    int depth;
    struct informer_snapshot *snapshot; /* of `version`, or NULL */
};

#define KEY_BYTES_MAX 1024 /* names and namespaces have 253 at most */

/* In `at`; longer ones, which no server has, are cut. */
static str key_of(char at[KEY_BYTES_MAX], str ns, str name)
{
    size_t n = MIN_OF(ns.len, (size_t)KEY_BYTES_MAX / 2 - 1);
    size_t m = MIN_OF(name.len, (size_t)KEY_BYTES_MAX / 2);
    if (n)
        memcpy(at, ns.at, n);
    at[n] = 0;
    if (m)
        memcpy(at + n + 1, name.at, m);
    return str_mem(at, n + 1 + m);
}

static void enter(struct informer *i) { i->depth++; }

static void destroy(struct informer *i)
{
    void *v;
    reflector_close(i->reflector);
    for (size_t at = 0; map_next(&i->entries, &at, NULL, &v);) {
        doc_unref(((struct entry *)v)->object);
        free(v);
    }
    map_done(&i->entries);
    informer_snapshot_unref(i->snapshot);
    arena_done(&i->text);
    free(i);
}

static void leave(struct informer *i)
{
    if (--i->depth == 0 && i->closed)
        destroy(i);
}

static void touched(struct informer *i)
{
    i->version++;
    informer_snapshot_unref(i->snapshot);
    i->snapshot = NULL;
}

static void tell(struct informer *i, const struct doc *before, const struct doc *after)
{
    if (i->config.changed && !i->closed)
        i->config.changed(i->config.arg, before, after);
}

static struct entry *find(const struct informer *i, str ns, str name)
{
    char key[KEY_BYTES_MAX];
    return map_find(&i->entries, key_of(key, ns, name));
}

static struct entry *add(struct informer *i, str ns, str name)
{
    char text[KEY_BYTES_MAX];
    str key = key_of(text, ns, name);
    struct entry *e = calloc(1, sizeof(*e) + key.len);
    assert(e);
    memcpy(e + 1, key.at, key.len);
    e->key = (str){(char *)(e + 1), key.len};
    map_set(&i->entries, e->key, e);
    return e;
}

/* Owns `before` of the change until everybody was told. */
static void put(struct informer *i, struct doc *take_object, uint64_t mark)
{
    value o = doc_root(take_object);
    struct entry *e = find(i, object_ns(o), object_name(o));
    if (e && !resource_version_newer(object_resource_version(o),
                                     object_resource_version(doc_root(e->object)))) {
        e->mark = MAX_OF(e->mark, mark);
        doc_unref(take_object);
        return;
    }
    if (!e)
        e = add(i, object_ns(o), object_name(o));
    struct doc *before = e->object;
    e->object = take_object;
    e->mark = MAX_OF(e->mark, mark);
    struct doc *after = doc_ref(take_object); /* the callback may put or drop again */
    touched(i);
    tell(i, before, after);
    doc_unref(before);
    doc_unref(after);
}

static void drop(struct informer *i, struct entry *e)
{
    struct doc *before = e->object;
    map_remove(&i->entries, e->key);
    free(e);
    touched(i);
    tell(i, before, NULL);
    doc_unref(before);
}

static void on_list_begin(void *arg) { ((struct informer *)arg)->mark++; }

/* Mostly the answer of a write told it already: then no document is made of it. */
static void put_value(struct informer *i, value object)
{
    struct entry *e = find(i, object_ns(object), object_name(object));
    if (e && !resource_version_newer(object_resource_version(object),
                                     object_resource_version(doc_root(e->object))))
        e->mark = MAX_OF(e->mark, i->mark);
    else
        put(i, doc_of(object), i->mark);
}

static void on_object(void *arg, enum reflector_event event, value object)
{
    struct informer *i = arg;
    enter(i);
    if (event == REFLECTOR_DELETED) {
        struct entry *e = find(i, object_ns(object), object_name(object));
        /* an answer of a write may have told us already of a newer object by that name */
        if (e && !resource_version_newer(object_resource_version(doc_root(e->object)),
                                         object_resource_version(object)))
            drop(i, e);
    } else {
        put_value(i, object);
    }
    leave(i);
}

/* What the list did not have is gone, unless a write of ours made it after the list was taken. */
static void sweep(struct informer *i)
{
    struct arena a;
    arena_init(&a, ARENA_BYTES_DEFAULT);
    VEC(str) gone = {0};
    void *v;
    for (size_t at = 0; map_next(&i->entries, &at, NULL, &v);) {
        struct entry *e = v;
        if (e->mark < i->mark &&
            !resource_version_newer(object_resource_version(doc_root(e->object)),
                                    reflector_version(i->reflector)))
            vec_push(&a, &gone, arena_str(&a, e->key));
    }
    for (size_t k = 0; k < gone.n && !i->closed; k++) {
        struct entry *e = map_find(&i->entries, gone.at[k]);
        if (e)
            drop(i, e);
    }
    arena_done(&a);
}

static void on_list_end(void *arg)
{
    struct informer *i = arg;
    enter(i);
    sweep(i);
    bool first = !i->synced;
    i->synced = true;
    if (first && i->config.synced && !i->closed)
        i->config.synced(i->config.arg);
    leave(i);
}

static void on_failed(void *arg, const struct err *err)
{
    struct informer *i = arg;
    enter(i);
    if (i->config.failed && !i->closed)
        i->config.failed(i->config.arg, err);
    leave(i);
}

struct informer *informer_open(const struct informer_config *config)
{
    struct informer *i = calloc(1, sizeof(*i));
    assert(i);
    i->config = *config;
    i->loop = cluster_loop(config->client);
    arena_init(&i->text, 1 << 20);
    map_init(&i->entries, NULL);
    struct reflector_config c = {.client = config->client,
                                 .kind = config->kind,
                                 .ns = config->ns,
                                 .label_selector = config->label_selector,
                                 .field_selector = config->field_selector,
                                 .arg = i,
                                 .list_begin = on_list_begin,
                                 .object = on_object,
                                 .list_end = on_list_end,
                                 .failed = on_failed};
    i->reflector = reflector_open(&c);
    return i;
}

void informer_close(struct informer *i)
{
    if (!i)
        return;
    i->closed = true;
    if (i->depth == 0)
        destroy(i);
}

bool informer_synced(const struct informer *i) { return i->synced; }
size_t informer_len(const struct informer *i) { return map_len(&i->entries); }
uint64_t informer_version(const struct informer *i) { return i->version; }

const struct doc *informer_find(const struct informer *i, str ns, str name)
{
    struct entry *e = find(i, ns, name);
    return e ? e->object : NULL;
}

const struct doc *informer_next(const struct informer *i, size_t *io_at)
{
    void *v;
    return map_next(&i->entries, io_at, NULL, &v) ? ((struct entry *)v)->object : NULL;
}

void informer_put(struct informer *i, const struct doc *object)
{
    enter(i);
    put(i, doc_ref(object), 0);
    leave(i);
}

void informer_drop(struct informer *i, str ns, str name, str uid)
{
    enter(i);
    struct entry *e = find(i, ns, name);
    if (e && str_eq(object_uid(doc_root(e->object)), uid))
        drop(i, e);
    leave(i);
}

/* ---- snapshots ---- */

struct snapshot_block {
    struct informer_snapshot pub; /* first */
    _Atomic int refs;
    struct doc *at[];
};

static int cmp_object(value o, str ns, str name)
{
    int c = str_cmp(object_ns(o), ns);
    return c ? c : str_cmp(object_name(o), name);
}

static int by_key(const void *a, const void *b)
{
    value y = doc_root(*(struct doc *const *)b);
    return cmp_object(doc_root(*(struct doc *const *)a), object_ns(y), object_name(y));
}

struct informer_snapshot *informer_snapshot(struct informer *i)
{
    if (!i->snapshot) {
        struct snapshot_block *b = calloc(1, sizeof(*b) + map_len(&i->entries) * sizeof(b->at[0]));
        assert(b);
        b->refs = 1;
        b->pub.at = b->at;
        b->pub.version = i->version;
        void *v;
        for (size_t at = 0; map_next(&i->entries, &at, NULL, &v);)
            b->at[b->pub.n++] = doc_ref(((struct entry *)v)->object);
        if (b->pub.n)
            qsort(b->at, b->pub.n, sizeof(b->at[0]), by_key);
        i->snapshot = &b->pub;
    }
    return informer_snapshot_ref(i->snapshot);
}

struct informer_snapshot *informer_snapshot_ref(struct informer_snapshot *s)
{
    if (s)
        ((struct snapshot_block *)s)->refs++;
    return s;
}

void informer_snapshot_unref(struct informer_snapshot *s)
{
    struct snapshot_block *b = (struct snapshot_block *)s;
    if (!b || --b->refs > 0)
        return;
    for (size_t k = 0; k < s->n; k++)
        doc_unref(s->at[k]);
    free(b);
}

const struct doc *informer_snapshot_find(const struct informer_snapshot *s, str ns, str name)
{
    size_t low = 0, high = s->n;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        int c = cmp_object(doc_root(s->at[mid]), ns, name);
        if (c == 0)
            return s->at[mid];
        if (c < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return NULL;
}
