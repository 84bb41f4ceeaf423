/* cluster/mirror.c: discovery decides the kinds, one reflector a kind (and namespace) feeds the
 * store, changes are handed to the owner once a turn. Queries are in mirror_query.c. */
#include "cluster/mirror_impl.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "kube/object.h"

#define DISCOVER_TIMEOUT_US (60 * USEC_PER_SEC)
#define DISCOVER_RETRY_US (2 * USEC_PER_SEC)
#define DISCOVER_RETRY_MAX_US (60 * USEC_PER_SEC)
#define DISCOVER_SETTLE_US (500 * USEC_PER_MS) /* a CRD is served a moment after it changed */
#define TELL_FAILURE_US (30 * USEC_PER_SEC)
#define LOOK_BYTES_MAX ((size_t)256 << 20)

/* ---- changes ---- */

static void on_flush(void *arg)
{
    struct mirror *m = arg;
    struct mirror_changes batch = m->changes;
    struct arena text = m->change_text;
    m->changes = (struct mirror_changes){0};
    arena_init(&m->change_text, LOOK_BYTES_MAX);
    bool synced = m->tell_synced, kinds = m->tell_kinds;
    m->tell_synced = m->tell_kinds = false;
    m->depth++;
    if (kinds && m->owner.kinds)
        m->owner.kinds(m->owner.arg);
    if (!m->closed && batch.n)
        m->owner.changed(m->owner.arg, batch.at, batch.n);
    if (!m->closed && synced && m->owner.synced)
        m->owner.synced(m->owner.arg);
    arena_done(&text);
    m->depth--;
    if (m->closed)
        mirror_destroy(m);
}

static void wake(struct mirror *m)
{
    if (!timer_armed(&m->flush))
        timer_arm(&m->flush, loop_now(m->loop));
}

static void note_change(struct mirror *m, enum mirror_change_kind what, const struct record *r,
                        str old_subject, bool relisted)
{
    struct arena *a = &m->change_text;
    const struct kube_kind *k = &m->kind[r->kind]->kind;
    struct mirror_change c = {
        .what = what,
        .key = {k->group, k->kind, arena_str(a, record_ns(&m->store, r)),
                arena_str(a, record_name(r))},
        .version = k->version,
        .resource_version = arena_str(a, record_version(r)),
        .old_subject = arena_str(a, old_subject),
        .subject = what == MIRROR_DELETED ? STR("") : arena_str(a, record_subject(r)),
        .root = arena_str(a, mirror_root_of(m, r)),
        .relisted = relisted,
    };
    store_uid_print(&r->node, c.uid);
    vec_push(a, &m->changes, c);
    wake(m);
}

static void remove_record(struct mirror *m, struct record *r, bool relisted)
{
    note_change(m, MIRROR_DELETED, r, record_subject(r), relisted);
    m->kind[r->kind]->n_objects--;
    store_remove(&m->store, r);
}

/* ---- one object ---- */

static void pack_body(struct mirror *m, value object, struct buf *out)
{
    struct arena *a = &m->scratch;
    value meta = value_getz(object, "metadata");
    if (value_exists(value_getz(meta, "managedFields"))) {
        object = value_edit(a, object);
        value_remove(value_edit_map(a, object, STR("metadata")), STR("managedFields"));
    }
    struct doc *d = doc_freeze(object, 0);
    doc_pack(d, out);
    doc_unref(d);
}

static void read_owners(struct arena *a, value object, struct store_put *put)
{
    value refs = object_owner_refs(object);
    size_t n = MIN_OF(value_len(refs), (size_t)STORE_OWNERS_MAX);
    struct store_uid *uid = ARENA_ARRAY(a, struct store_uid, n);
    for (struct value_iter it = value_iter(refs); put->n_owners < n && value_next(&it);)
        if (store_uid_parse(value_str(value_getz(it.val, "uid")), &uid[put->n_owners]))
            put->n_owners++;
    put->owner = uid;
}

enum how { BY_EVENT, BY_LIST, BY_BODY /* for a body that was not kept */ };

static void keep(struct mirror *m, struct mirror_kind *k, uint32_t mark, value object, enum how how)
{
    bool listed = how == BY_LIST;
    struct arena *a = &m->scratch;
    struct store_put put = {.kind = k->index,
                            .ns = object_ns(object),
                            .name = object_name(object),
                            .version = object_resource_version(object),
                            .deleting =
                                value_exists(value_path(object, "metadata.deletionTimestamp")),
                            .mark = mark};
    struct record *old = store_find(&m->store, put.kind, put.ns, put.name);
    if (old && resource_version_older(put.version, record_version(old))) {
        old->mark = mark; /* an answer has told of a newer one (mirror_put) */
        return;
    }
    if (old && str_eq(record_version(old), put.version) && !k->look_again && how != BY_BODY) {
        old->mark = mark;
        return;
    }
    struct mirror_look look = {0};
    m->policy->look(m->policy->arg, object, a, &look);
    put.has_uid = store_uid_parse(object_uid(object), &put.uid);
    read_owners(a, object, &put);
    put.subject = look.subject;
    put.note = look.note;
    put.has_body = look.keep_body;
    buf_reset(&m->body);
    if (look.keep_body)
        pack_body(m, object, &m->body);
    put.body = buf_str(&m->body);
    str old_subject = old ? arena_str(a, record_subject(old)) : STR("");
    bool same_version = old && str_eq(record_version(old), put.version);
    bool replaced = old && old->node.has_uid && put.has_uid &&
                    memcmp(&old->node.uid, &put.uid, sizeof(put.uid)) != 0;
    if (replaced) { /* deleted and made again while nobody looked: two changes, not one */
        remove_record(m, old, listed);
        old = NULL;
        old_subject = STR("");
    }
    struct record *r = store_set(&m->store, &put);
    if (!old)
        k->n_objects++;
    if (!same_version || how == BY_BODY || !str_eq(old_subject, record_subject(r)))
        note_change(m, old ? MIRROR_MODIFIED : MIRROR_ADDED, r, old_subject, listed);
}

void mirror_look_anew(struct mirror *m, struct mirror_kind *k, uint32_t mark, value object)
{
    keep(m, k, mark, object, BY_BODY);
    arena_reset(&m->scratch);
}

static const struct {
    const char *group, *kind;
} kinds_that_make_kinds[] = {{"apiextensions.k8s.io", "CustomResourceDefinition"},
                             {"apiregistration.k8s.io", "APIService"}};

static bool makes_kinds(const struct kube_kind *k)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds_that_make_kinds); i++)
        if (str_is(k->group, kinds_that_make_kinds[i].group) &&
            str_is(k->kind, kinds_that_make_kinds[i].kind))
            return true;
    return false;
}

static void on_object(void *arg, enum reflector_event event, value object)
{
    struct mirror_source *s = arg;
    struct mirror_kind *k = s->kind;
    struct mirror *m = k->mirror;
    m->n_events++;
    if (event == REFLECTOR_DELETED) {
        struct record *r = store_find(&m->store, k->index, object_ns(object), object_name(object));
        if (r && !resource_version_older(object_resource_version(object), record_version(r)))
            remove_record(m, r, false);
    } else {
        keep(m, k, s->mark, object, event == REFLECTOR_LISTED ? BY_LIST : BY_EVENT);
    }
    arena_reset(&m->scratch);
    if (event != REFLECTOR_LISTED && k->makes_kinds && !timer_armed(&m->discover))
        timer_arm_in(&m->discover, DISCOVER_SETTLE_US);
}

static struct mirror_source *source_of(struct mirror *m, value object)
{
    struct kube_gvk gvk = object_gvk(object);
    for (size_t i = 0; i < m->n_kinds; i++) {
        struct mirror_kind *k = m->kind[i];
        if (!k || !str_eq(k->kind.kind, gvk.kind) || !str_eq(k->kind.group, gvk.group))
            continue;
        for (size_t j = 0; j < k->n_sources; j++)
            if (!k->source[j].ns.len || str_eq(k->source[j].ns, object_ns(object)))
                return &k->source[j];
    }
    return NULL;
}

void mirror_put(struct mirror *m, value object)
{
    struct mirror_source *s = source_of(m, object);
    /* What is older than the watch is known, or is known to be gone. */
    if (!s || !s->listed ||
        !resource_version_older(reflector_version(s->reflector), object_resource_version(object)))
        return;
    keep(m, s->kind, s->mark, object, BY_EVENT);
    arena_reset(&m->scratch);
}

/* ---- lists ---- */

static void on_list_begin(void *arg)
{
    struct mirror_source *s = arg;
    s->mark = ++s->kind->mirror->last_mark;
}

struct sweep {
    struct mirror_source *source;
    VEC(struct record *) gone;
    struct arena *arena;
    str list_version; /* what is newer was told of by an answer, and by the watch to come */
};

static void find_gone(void *arg, struct record *r)
{
    struct sweep *w = arg;
    struct mirror_source *s = w->source;
    struct mirror *m = s->kind->mirror;
    if (r->kind == s->kind->index && r->mark < s->mark &&
        !resource_version_older(w->list_version, record_version(r)) &&
        (!s->ns.len || str_eq(s->ns, record_ns(&m->store, r))))
        vec_push(w->arena, &w->gone, r);
}

/* Marks grow with each list, and an object that an event touched since the list began carries the
 * list's mark too. */
static void sweep(struct mirror_source *s)
{
    struct mirror *m = s->kind->mirror;
    struct sweep w = {.source = s,
                      .arena = &m->scratch,
                      .list_version = reflector_version(s->reflector)};
    store_each(&m->store, find_gone, &w);
    for (size_t i = 0; i < w.gone.n; i++)
        remove_record(m, w.gone.at[i], true);
    arena_reset(&m->scratch);
}

static void check_synced(struct mirror *m)
{
    if (m->synced || !m->discovered)
        return;
    for (size_t i = 0; i < m->n_kinds; i++)
        for (size_t j = 0; m->kind[i] && j < m->kind[i]->n_sources; j++)
            if (!m->kind[i]->source[j].settled)
                return;
    m->synced = m->tell_synced = true;
    m->synced_at = loop_wall(m->loop);
    wake(m);
}

static void on_list_end(void *arg)
{
    struct mirror_source *s = arg;
    struct mirror *m = s->kind->mirror;
    if (s->listed) /* nothing can be gone after the first list */
        sweep(s);
    s->listed = s->settled = true;
    bool again = false;
    for (size_t i = 0; i < s->kind->n_sources; i++)
        again |= !s->kind->source[i].settled;
    s->kind->look_again &= again;
    check_synced(m);
}

/* Kinds that we may not list, or that vanished meanwhile, must not keep the mirror from being in
 * sync. */
static bool is_lasting(int kind)
{
    return kind == ERR_FORBIDDEN || kind == ERR_NOT_FOUND || kind == ERR_UNSUPPORTED ||
           kind == ERR_GONE || kind == ERR_INVALID;
}

/* A lost connection fails every kind at once: the owner hears of it once in a while. */
static void tell_failure(struct mirror *m, const struct err *err)
{
    usec now = loop_now(m->loop);
    m->failure = *err;
    if (err->kind == m->told_failure && now < m->told_failure_at + TELL_FAILURE_US)
        return;
    m->told_failure = err->kind;
    m->told_failure_at = now;
    if (m->owner.failed)
        m->owner.failed(m->owner.arg, err);
}

static void set_failing(struct mirror_source *s, bool failing)
{
    struct mirror *m = s->kind->mirror;
    if (s->failing == failing)
        return;
    s->failing = failing;
    m->n_failing += failing ? 1 : (size_t)-1;
    if (m->n_failing == 0)
        m->failure.kind = 0;
}

static void on_source_recovered(void *arg) { set_failing(arg, false); }

static void on_source_failed(void *arg, const struct err *err)
{
    struct mirror_source *s = arg;
    struct mirror *m = s->kind->mirror;
    if (is_lasting(err->kind))
        s->settled = true;
    set_failing(s, true);
    m->depth++;
    tell_failure(m, err);
    m->depth--;
    if (m->closed) { /* we are inside the reflector: it goes with the mirror once it is left */
        wake(m);
        return;
    }
    check_synced(m);
}

/* ---- kinds ---- */

static void open_source(struct mirror_kind *k, struct mirror_source *s, str ns)
{
    struct mirror *m = k->mirror;
    *s = (struct mirror_source){.kind = k, .ns = ns};
    struct reflector_config c = {.client = m->client,
                                 .kind = &k->kind,
                                 .ns = ns,
                                 .arg = s,
                                 .list_begin = on_list_begin,
                                 .object = on_object,
                                 .list_end = on_list_end,
                                 .failed = on_source_failed,
                                 .recovered = on_source_recovered};
    s->reflector = reflector_open(&c);
}

static void kind_free(struct mirror_kind *k)
{
    for (size_t i = 0; i < k->n_sources; i++)
        reflector_close(k->source[i].reflector);
    arena_done(&k->text);
    free(k->source);
    free(k);
}

static void copy_kind(struct arena *a, const struct kube_kind *from, struct kube_kind *to)
{
    *to = *from;
    to->group = arena_str(a, from->group);
    to->version = arena_str(a, from->version);
    to->kind = arena_str(a, from->kind);
    to->plural = arena_str(a, from->plural);
    to->singular = to->short_names = to->categories = to->subresources = to->schema = STR("");
}

static size_t free_index(struct mirror *m)
{
    for (size_t i = 0; i < m->n_kinds; i++)
        if (!m->kind[i])
            return i;
    if (m->n_kinds == m->cap_kinds) {
        m->cap_kinds = m->cap_kinds ? m->cap_kinds * 2 : 64;
        m->kind = realloc(m->kind, m->cap_kinds * sizeof(*m->kind));
        assert(m->kind && m->cap_kinds <= UINT16_MAX);
    }
    return m->n_kinds++;
}

static void add_kind(struct mirror *m, const struct kube_kind *from)
{
    struct mirror_kind *k = calloc(1, sizeof(*k));
    assert(k);
    k->mirror = m;
    arena_init(&k->text, 1 << 20);
    copy_kind(&k->text, from, &k->kind);
    k->makes_kinds = makes_kinds(from);
    size_t index = free_index(m);
    k->index = (uint16_t)index;
    m->kind[index] = k;
    k->n_sources = from->namespaced && m->policy->n_namespaces ? m->policy->n_namespaces : 1;
    k->source = calloc(k->n_sources, sizeof(*k->source));
    assert(k->source);
    for (size_t i = 0; i < k->n_sources; i++)
        open_source(k, &k->source[i],
                    from->namespaced && m->policy->n_namespaces ? m->policy->ns[i] : STR(""));
}

static void find_of_kind(void *arg, struct record *r)
{
    struct sweep *w = arg;
    if (r->kind == w->source->kind->index)
        vec_push(w->arena, &w->gone, r);
}

static void drop_kind(struct mirror *m, struct mirror_kind *k)
{
    struct sweep w = {.source = k->source, .arena = &m->scratch};
    if (k->n_objects)
        store_each(&m->store, find_of_kind, &w);
    for (size_t i = 0; i < w.gone.n; i++)
        remove_record(m, w.gone.at[i], true);
    arena_reset(&m->scratch);
    m->kind[k->index] = NULL;
    k->next_gone = m->gone; /* changes in the batch borrow its text */
    m->gone = k;
    for (size_t i = 0; i < k->n_sources; i++) {
        set_failing(&k->source[i], false);
        reflector_close(TAKE(k->source[i].reflector));
    }
}

static bool wanted(struct mirror *m, const struct cluster_kinds *all, const struct kube_kind *k)
{
    if (!kube_kind_has_verb(k, KUBE_VERB_LIST) || !kube_kind_has_verb(k, KUBE_VERB_WATCH))
        return false;
    if (cluster_kinds_find(all, k->group, STR(""), k->kind) != k)
        return false; /* another version of the group's is preferred */
    if (m->policy->n_namespaces && !k->namespaced && !m->policy->cluster_scoped)
        return false;
    return makes_kinds(k) || !m->policy->wants || m->policy->wants(m->policy->arg, k);
}

static bool same_kind(const struct kube_kind *a, const struct kube_kind *b)
{
    return str_eq(a->group, b->group) && str_eq(a->version, b->version) &&
           str_eq(a->kind, b->kind) && str_eq(a->plural, b->plural) &&
           a->namespaced == b->namespaced;
}

/* Did the discovery of this group version fail? Then its kinds are not gone, only unknown for now.
 */
static bool in_failed_group(const struct cluster_kinds *all, const struct kube_kind *k)
{
    struct arena a;
    arena_init(&a, 1 << 20);
    str gv = kube_api_version(&a, k->group, k->version);
    bool failed = false;
    for (size_t i = 0; i < all->n_failed; i++)
        failed |= str_eq(all->failed[i], gv);
    arena_done(&a);
    return failed;
}

static void follow_kinds(struct mirror *m, const struct cluster_kinds *all)
{
    bool *known = calloc(all->n + 1, sizeof(*known));
    assert(known);
    for (size_t i = 0; i < m->n_kinds; i++) {
        if (!m->kind[i])
            continue;
        bool found = false;
        for (size_t j = 0; j < all->n && !found; j++)
            if (same_kind(&m->kind[i]->kind, &all->at[j]) && wanted(m, all, &all->at[j]))
                found = known[j] = true;
        if (!found && !in_failed_group(all, &m->kind[i]->kind))
            drop_kind(m, m->kind[i]);
    }
    for (size_t j = 0; j < all->n; j++)
        if (!known[j] && wanted(m, all, &all->at[j]))
            add_kind(m, &all->at[j]);
    free(known);
}

static void on_discovered(void *arg, struct answer *a)
{
    struct mirror *m = arg;
    m->discovering = (struct call){0};
    if (a->rc != 0) {
        m->discover_retry_us = m->discover_retry_us
                                   ? MIN_OF(m->discover_retry_us * 2, DISCOVER_RETRY_MAX_US)
                                   : DISCOVER_RETRY_US;
        timer_arm_in(&m->discover, m->discover_retry_us);
        m->depth++;
        tell_failure(m, &a->err);
        m->depth--;
        if (m->closed)
            mirror_destroy(m);
        return;
    }
    m->discover_retry_us = 0;
    m->discovered = true;
    if (m->n_failing == 0)
        m->failure.kind = 0;
    follow_kinds(m, a->result);
    m->tell_kinds = true;
    wake(m);
    check_synced(m);
}

static void on_discover(void *arg)
{
    struct mirror *m = arg;
    call_forget(&m->discovering);
    m->discovering = call_open(m->loop, DISCOVER_TIMEOUT_US, on_discovered, m);
    cluster_discover(m->client, m->discovering);
}

/* ---- life ---- */

struct mirror *mirror_open(struct cluster_client *c, const struct mirror_policy *policy,
                           const struct mirror_owner *owner)
{
    struct mirror *m = calloc(1, sizeof(*m));
    assert(m && policy->look && owner->changed);
    m->client = c;
    m->loop = cluster_loop(c);
    m->policy = policy;
    m->owner = *owner;
    store_init(&m->store);
    arena_init(&m->scratch, LOOK_BYTES_MAX);
    arena_init(&m->change_text, LOOK_BYTES_MAX);
    buf_init(&m->body, REFLECTOR_OBJECT_BYTES_MAX);
    timer_init(&m->flush, m->loop, on_flush, m);
    timer_init(&m->discover, m->loop, on_discover, m);
    timer_arm(&m->discover, loop_now(m->loop));
    return m;
}

void mirror_destroy(struct mirror *m)
{
    call_forget(&m->discovering);
    mirror_fetches_cancel(m);
    timer_stop(&m->flush);
    timer_stop(&m->discover);
    for (size_t i = 0; i < m->n_kinds; i++)
        if (m->kind[i])
            kind_free(m->kind[i]);
    for (struct mirror_kind *k = m->gone, *next; k; k = next) {
        next = k->next_gone;
        kind_free(k);
    }
    free(m->kind);
    store_done(&m->store);
    arena_done(&m->scratch);
    arena_done(&m->change_text);
    buf_done(&m->body);
    free(m);
}

void mirror_close(struct mirror *m)
{
    if (!m)
        return;
    m->closed = true;
    if (m->depth == 0)
        mirror_destroy(m);
}

void mirror_invalidate(struct mirror *m)
{
    m->synced = false;
    for (size_t i = 0; i < m->n_kinds; i++) {
        struct mirror_kind *k = m->kind[i];
        if (!k)
            continue;
        k->look_again = true;
        for (size_t j = 0; j < k->n_sources; j++) {
            k->source[j].settled = false;
            reflector_relist(k->source[j].reflector);
        }
    }
    timer_arm(&m->discover, loop_now(m->loop));
}

void mirror_status(const struct mirror *m, struct mirror_status *ret)
{
    *ret = (struct mirror_status){.discovered = m->discovered,
                                  .synced = m->synced,
                                  .n_objects = m->store.n_records,
                                  .n_bodies = m->store.n_bodies,
                                  .record_bytes = m->store.record_bytes,
                                  .body_bytes = m->store.body_bytes,
                                  .n_events = m->n_events,
                                  .n_failing = m->n_failing,
                                  .synced_at = m->synced_at,
                                  .failure = m->failure};
    for (size_t i = 0; i < m->n_kinds; i++) {
        if (!m->kind[i])
            continue;
        ret->n_kinds++;
        bool synced = true;
        for (size_t j = 0; j < m->kind[i]->n_sources; j++)
            synced &= m->kind[i]->source[j].listed;
        ret->n_synced += synced ? 1 : 0;
    }
}
