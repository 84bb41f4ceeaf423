/* cluster/mirror_store.c: chained hash tables of heap blocks; edges in one array. */
#include "cluster/mirror_store.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"

#define BUCKETS_MIN 64

static void *zeroed(size_t n)
{
    void *p = calloc(1, n ? n : 1);
    assert(p);
    return p;
}

void store_init(struct store *s)
{
    *s = (struct store){.n_key_buckets = BUCKETS_MIN, .n_uid_buckets = BUCKETS_MIN};
    s->by_key = zeroed(BUCKETS_MIN * sizeof(*s->by_key));
    s->by_uid = zeroed(BUCKETS_MIN * sizeof(*s->by_uid));
    map_init(&s->ns_ids, NULL);
    map_init(&s->subjects, NULL);
}

void store_done(struct store *s)
{
    for (size_t b = 0; b < s->n_uid_buckets; b++)
        for (struct node *n = s->by_uid[b], *next; n; n = next) {
            next = n->next;
            if (n->ghost)
                free(n);
        }
    for (size_t b = 0; b < s->n_key_buckets; b++)
        for (struct record *r = s->by_key[b], *next; r; r = next) {
            next = r->next;
            free(r->extra);
            free(r);
        }
    void *v;
    for (size_t i = 0; map_next(&s->subjects, &i, NULL, &v);)
        free(v);
    for (uint32_t i = 0; i < s->n_ns; i++)
        free(s->ns[i].at);
    map_done(&s->subjects);
    map_done(&s->ns_ids);
    free(s->ns);
    free(s->edge);
    free(s->by_key);
    free(s->by_uid);
}

/* ---- uids ---- */

bool store_uid_parse(str text, struct store_uid *ret)
{
    char hex[32];
    if (text.len != 36)
        return false;
    size_t n = 0;
    for (size_t i = 0; i < 36; i++) {
        if (i == 8 || i == 13 || i == 18 || i == 23) {
            if (text.at[i] != '-')
                return false;
        } else {
            hex[n++] = text.at[i];
        }
    }
    return hex_parse((str){hex, 32}, ret->byte, 16);
}

void store_uid_print(const struct node *n, char ret[37])
{
    static const char digit[] = "0123456789abcdef";
    size_t at = 0;
    for (size_t i = 0; n->has_uid && i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            ret[at++] = '-';
        ret[at++] = digit[n->uid.byte[i] >> 4];
        ret[at++] = digit[n->uid.byte[i] & 15];
    }
    ret[at] = '\0';
}

static struct node **uid_bucket(const struct store *s, const struct store_uid *uid)
{
    return &s->by_uid[hash64((str){(const char *)uid->byte, 16}) & (s->n_uid_buckets - 1)];
}

struct node *store_find_uid(const struct store *s, const struct store_uid *uid)
{
    struct node *n = *uid_bucket(s, uid);
    while (n && memcmp(n->uid.byte, uid->byte, 16) != 0)
        n = n->next;
    return n;
}

static void grow_uids(struct store *s)
{
    struct node **old = s->by_uid;
    size_t n_old = s->n_uid_buckets;
    s->n_uid_buckets *= 2;
    s->by_uid = zeroed(s->n_uid_buckets * sizeof(*s->by_uid));
    for (size_t b = 0; b < n_old; b++)
        for (struct node *n = old[b], *next; n; n = next) {
            next = n->next;
            struct node **at = uid_bucket(s, &n->uid);
            n->next = *at;
            *at = n;
        }
    free(old);
}

static void link_node(struct store *s, struct node *n)
{
    if (++s->n_nodes > s->n_uid_buckets)
        grow_uids(s);
    struct node **at = uid_bucket(s, &n->uid);
    n->next = *at;
    *at = n;
}

static void unlink_node(struct store *s, struct node *n)
{
    struct node **at = uid_bucket(s, &n->uid);
    while (*at != n)
        at = &(*at)->next;
    *at = n->next;
    s->n_nodes--;
}

static void move_children(struct store *s, struct node *from, struct node *to)
{
    to->children = from->children;
    from->children = 0;
    for (uint32_t e = to->children; e; e = s->edge[e].next)
        s->edge[e].owner = to;
}

/* The record's uid becomes findable; a ghost of it hands its children over. Two records with one
 * uid (the same object under two kinds): the first keeps the uid. */
static void enter_uid(struct store *s, struct record *r)
{
    if (!r->node.has_uid)
        return;
    struct node *there = store_find_uid(s, &r->node.uid);
    if (there && !there->ghost) {
        r->node.has_uid = false;
        return;
    }
    if (there) {
        unlink_node(s, there);
        move_children(s, there, &r->node);
        free(there);
    }
    link_node(s, &r->node);
}

static void leave_uid(struct store *s, struct record *r)
{
    if (!r->node.has_uid)
        return;
    unlink_node(s, &r->node);
    if (!r->node.children)
        return;
    struct node *ghost = zeroed(sizeof(*ghost));
    ghost->uid = r->node.uid;
    ghost->ghost = ghost->has_uid = true;
    move_children(s, &r->node, ghost);
    link_node(s, ghost);
}

/* ---- edges ---- */

static uint32_t take_edge(struct store *s)
{
    uint32_t e = s->free_edge;
    if (e) {
        s->free_edge = s->edge[e].next;
        return e;
    }
    if (s->n_edges + 1 >= s->cap_edges) {
        s->cap_edges = s->cap_edges ? s->cap_edges * 2 : 64;
        s->edge = realloc(s->edge, s->cap_edges * sizeof(*s->edge));
        assert(s->edge);
    }
    return ++s->n_edges;
}

static void add_owner(struct store *s, struct record *r, const struct store_uid *uid)
{
    struct node *owner = store_find_uid(s, uid);
    if (owner == &r->node)
        return; /* its own owner: nonsense that must not become a cycle of one */
    if (!owner) {
        owner = zeroed(sizeof(*owner));
        owner->uid = *uid;
        owner->ghost = owner->has_uid = true;
        link_node(s, owner);
    }
    uint32_t e = take_edge(s);
    s->edge[e] =
        (struct edge){.child = r, .owner = owner, .next = owner->children, .next_owner = r->owners};
    if (owner->children)
        s->edge[owner->children].prev = e;
    owner->children = e;
    r->owners = e;
}

static void drop_owners(struct store *s, struct record *r)
{
    for (uint32_t e = r->owners, next; e; e = next) {
        struct edge *x = &s->edge[e];
        next = x->next_owner;
        if (x->prev)
            s->edge[x->prev].next = x->next;
        else
            x->owner->children = x->next;
        if (x->next)
            s->edge[x->next].prev = x->prev;
        if (x->owner->ghost && !x->owner->children) {
            unlink_node(s, x->owner);
            free(x->owner);
        }
        *x = (struct edge){.next = s->free_edge};
        s->free_edge = e;
    }
    r->owners = 0;
}

/* ---- namespaces and subjects ---- */

static uint32_t find_ns(const struct store *s, str ns, bool *ret_found)
{
    uintptr_t id = (uintptr_t)map_find(&s->ns_ids, ns);
    *ret_found = id != 0;
    return id ? (uint32_t)(id - 1) : 0;
}

static uint32_t take_ns(struct store *s, str ns)
{
    bool found;
    uint32_t i = find_ns(s, ns, &found);
    if (found) {
        s->ns[i].refs++;
        return i;
    }
    if (s->free_ns) {
        i = s->free_ns - 1;
        s->free_ns = s->ns[i].refs;
    } else {
        if (s->n_ns == s->cap_ns) {
            s->cap_ns = s->cap_ns ? s->cap_ns * 2 : 16;
            s->ns = realloc(s->ns, s->cap_ns * sizeof(*s->ns));
            assert(s->ns);
        }
        i = s->n_ns++;
    }
    s->ns[i] = (struct ns_text){.at = zeroed(ns.len + 1), .len = (uint32_t)ns.len, .refs = 1};
    if (ns.len)
        memcpy(s->ns[i].at, ns.at, ns.len);
    map_set(&s->ns_ids, (str){s->ns[i].at, ns.len}, (void *)(uintptr_t)(i + 1));
    return i;
}

static void give_ns(struct store *s, uint32_t i)
{
    struct ns_text *n = &s->ns[i];
    if (--n->refs > 0)
        return;
    map_remove(&s->ns_ids, (str){n->at, n->len});
    free(n->at);
    *n = (struct ns_text){.refs = s->free_ns};
    s->free_ns = i + 1;
}

static void join_subject(struct store *s, struct record *r, str text)
{
    if (!text.len)
        return;
    struct subject *u = map_find(&s->subjects, text);
    if (!u) {
        u = zeroed(sizeof(*u) + text.len);
        memcpy(u + 1, text.at, text.len);
        u->text = (str){(char *)(u + 1), text.len};
        map_set(&s->subjects, u->text, u);
    }
    r->extra->subject = u;
    r->extra->next = u->first;
    if (u->first)
        u->first->extra->prev = r;
    u->first = r;
    u->n++;
}

static void leave_subject(struct store *s, struct record *r)
{
    struct subject *u = r->extra ? r->extra->subject : NULL;
    if (!u)
        return;
    if (r->extra->prev)
        r->extra->prev->extra->next = r->extra->next;
    else
        u->first = r->extra->next;
    if (r->extra->next)
        r->extra->next->extra->prev = r->extra->prev;
    if (--u->n == 0) {
        map_remove(&s->subjects, u->text);
        free(u);
    }
    r->extra->subject = NULL;
}

/* ---- records ---- */

static uint32_t key_hash(uint16_t kind, uint32_t ns, str name)
{
    return (uint32_t)hash64_mix(hash64(name), (uint64_t)kind << 32 | ns);
}

struct record *store_find(const struct store *s, uint16_t kind, str ns, str name)
{
    bool found;
    uint32_t ns_id = find_ns(s, ns, &found);
    if (!found)
        return NULL;
    uint32_t hash = key_hash(kind, ns_id, name);
    struct record *r = s->by_key[hash & (s->n_key_buckets - 1)];
    while (r &&
           !(r->hash == hash && r->kind == kind && r->ns == ns_id && str_eq(record_name(r), name)))
        r = r->next;
    return r;
}

static void grow_keys(struct store *s)
{
    struct record **old = s->by_key;
    size_t n_old = s->n_key_buckets;
    s->n_key_buckets *= 2;
    s->by_key = zeroed(s->n_key_buckets * sizeof(*s->by_key));
    for (size_t b = 0; b < n_old; b++)
        for (struct record *r = old[b], *next; r; r = next) {
            next = r->next;
            struct record **at = &s->by_key[r->hash & (s->n_key_buckets - 1)];
            r->next = *at;
            *at = r;
        }
    free(old);
}

static size_t extra_bytes(const struct extra *x)
{
    return x ? offsetof(struct extra, at) + x->note_bytes : 0;
}

static void set_extra(struct store *s, struct record *r, const struct store_put *put)
{
    if (!put->subject.len && !put->note.len && !put->has_body)
        return;
    size_t note_bytes = MIN_OF(put->note.len, (size_t)255);
    size_t body_bytes = put->has_body ? put->body.len : 0;
    struct extra *x = zeroed(offsetof(struct extra, at) + note_bytes + body_bytes);
    x->note_bytes = (uint8_t)note_bytes;
    x->body_bytes = (uint32_t)body_bytes;
    x->has_body = put->has_body;
    if (note_bytes)
        memcpy(x->at, put->note.at, note_bytes);
    if (body_bytes)
        memcpy(x->at + note_bytes, put->body.at, body_bytes);
    r->extra = x;
    s->record_bytes += extra_bytes(x);
    s->body_bytes += body_bytes;
    s->n_bodies += put->has_body ? 1 : 0;
    join_subject(s, r, put->subject);
}

static void clear_extra(struct store *s, struct record *r)
{
    if (!r->extra)
        return;
    leave_subject(s, r);
    s->record_bytes -= extra_bytes(r->extra);
    s->body_bytes -= r->extra->body_bytes;
    s->n_bodies -= r->extra->has_body ? 1 : 0;
    free(TAKE(r->extra));
}

static size_t record_size(size_t name_bytes, size_t version_bytes)
{
    return offsetof(struct record, at) + name_bytes + version_bytes;
}

static struct record *insert(struct store *s, const struct store_put *put)
{
    size_t version_bytes = MIN_OF(put->version.len, (size_t)255);
    struct record *r = zeroed(record_size(put->name.len, version_bytes));
    assert(put->name.len <= UINT16_MAX);
    r->kind = put->kind;
    r->ns = take_ns(s, put->ns);
    r->name_bytes = (uint16_t)put->name.len;
    r->version_bytes = (uint8_t)version_bytes;
    memcpy(r->at, put->name.at, put->name.len);
    if (version_bytes)
        memcpy(r->at + put->name.len, put->version.at, version_bytes);
    r->hash = key_hash(r->kind, r->ns, put->name);
    r->node.uid = put->uid;
    r->node.has_uid = put->has_uid;
    r->deleting = put->deleting;
    r->mark = put->mark;
    if (++s->n_records > s->n_key_buckets)
        grow_keys(s);
    struct record **at = &s->by_key[r->hash & (s->n_key_buckets - 1)];
    r->next = *at;
    *at = r;
    s->record_bytes += record_size(r->name_bytes, r->version_bytes);
    enter_uid(s, r);
    for (size_t i = 0; i < put->n_owners && i < STORE_OWNERS_MAX; i++)
        add_owner(s, r, &put->owner[i]);
    set_extra(s, r, put);
    return r;
}

void store_remove(struct store *s, struct record *r)
{
    clear_extra(s, r);
    drop_owners(s, r);
    leave_uid(s, r);
    struct record **at = &s->by_key[r->hash & (s->n_key_buckets - 1)];
    while (*at != r)
        at = &(*at)->next;
    *at = r->next;
    s->n_records--;
    s->record_bytes -= record_size(r->name_bytes, r->version_bytes);
    give_ns(s, r->ns);
    free(r);
}

static bool same_owners(const struct store *s, const struct record *r, const struct store_put *put)
{
    size_t n = 0;
    for (uint32_t e = r->owners; e; e = s->edge[e].next_owner, n++) {
        size_t i = put->n_owners - 1 - n; /* edges are chained in reverse */
        if (n >= put->n_owners ||
            memcmp(&s->edge[e].owner->uid, &put->owner[i], sizeof(struct store_uid)) != 0)
            return false;
    }
    return n == put->n_owners;
}

struct record *store_set(struct store *s, const struct store_put *put)
{
    struct record *r = store_find(s, put->kind, put->ns, put->name);
    bool in_place = r && r->version_bytes == put->version.len && r->node.has_uid == put->has_uid &&
                    memcmp(&r->node.uid, &put->uid, sizeof(put->uid)) == 0 &&
                    same_owners(s, r, put);
    if (!in_place) {
        if (r)
            store_remove(s, r);
        return insert(s, put);
    }
    /* The common case, an update: links stay, version and extra change. */
    memcpy(r->at + r->name_bytes, put->version.at, put->version.len);
    r->deleting = put->deleting;
    r->mark = put->mark;
    clear_extra(s, r);
    set_extra(s, r, put);
    return r;
}

void store_each(const struct store *s, void (*fn)(void *arg, struct record *r), void *arg)
{
    for (size_t b = 0; b < s->n_key_buckets; b++)
        for (struct record *r = s->by_key[b]; r; r = r->next)
            fn(arg, r);
}

str record_ns(const struct store *s, const struct record *r)
{
    return (str){s->ns[r->ns].at, s->ns[r->ns].len};
}

str record_subject(const struct record *r)
{
    return r->extra && r->extra->subject ? r->extra->subject->text : STR("");
}

str record_note(const struct record *r)
{
    return r->extra ? (str){r->extra->at, r->extra->note_bytes} : STR("");
}

str record_body(const struct record *r)
{
    return r->extra && r->extra->has_body
               ? (str){r->extra->at + r->extra->note_bytes, r->extra->body_bytes}
               : STR("");
}
