/* cluster/mirror_store.h: the mirror's records and their four indexes; private to cluster/.
 *
 * A record is one heap block: uid and links, then name and resourceVersion as text. What only few
 * objects have (subject, note, packed body) is a second block. Kinds are small numbers given by the
 * mirror; namespaces are counted texts. An owner that is named by a child but not known itself has
 * a *ghost*: a node without a record, which the record takes over when it comes. */
#ifndef CLUSTER_MIRROR_STORE_H
#define CLUSTER_MIRROR_STORE_H

#include "base/arena.h"
#include "base/map.h"

#define STORE_OWNERS_MAX 64 /* of one object; further ones are not followed */

struct store_uid {
    uint8_t byte[16];
};

struct node {          /* a uid that is known: of a record, or of somebody's owner */
    struct node *next; /* in its bucket */
    struct store_uid uid;
    uint32_t children; /* first edge, 0 none */
    bool ghost, has_uid;
};

struct subject {
    struct record *first;
    size_t n;
    str text;
};

struct extra {                  /* what few records have */
    struct subject *subject;    /* or NULL */
    struct record *next, *prev; /* of the subject */
    uint32_t body_bytes;
    uint8_t note_bytes;
    bool has_body;
    char at[]; /* note, body */
};

struct record {
    struct node node;                /* first */
    struct record *next;             /* in its bucket */
    struct extra *extra;             /* or NULL */
    uint32_t hash, ns, mark, owners; /* owners: first edge, 0 none */
    uint16_t kind, name_bytes;
    uint8_t version_bytes;
    bool deleting;
    char at[]; /* name, resourceVersion */
};

struct edge { /* child -> owner */
    struct record *child;
    struct node *owner;
    uint32_t next, prev; /* among the owner's children */
    uint32_t next_owner; /* among the child's owners */
};

struct ns_text {
    char *at;
    uint32_t len, refs;
};

struct store {
    struct record **by_key;
    struct node **by_uid;
    size_t n_records, n_nodes, n_key_buckets, n_uid_buckets, n_bodies, record_bytes, body_bytes;
    struct edge *edge; /* [0] is not used */
    uint32_t n_edges, cap_edges, free_edge;
    struct map ns_ids; /* text -> index + 1 */
    struct ns_text *ns;
    uint32_t n_ns, cap_ns,
        free_ns;         /* free_ns: index + 1, chained through refs of entries without text */
    struct map subjects; /* text -> struct subject */
};

void store_init(struct store *s);
void store_done(struct store *s);

bool store_uid_parse(str text, struct store_uid *ret);
void store_uid_print(const struct node *n, char ret[37]);

struct store_put { /* everything that is kept of one object */
    uint16_t kind;
    str ns, name, version, subject, note, body; /* body: packed */
    bool has_body, deleting, has_uid;
    struct store_uid uid;
    const struct store_uid *owner;
    size_t n_owners;
    uint32_t mark;
};
struct record *store_find(const struct store *s, uint16_t kind, str ns, str name);
struct node *store_find_uid(const struct store *s, const struct store_uid *uid);
/* Insert, or replace the record of the same kind, namespace and name. Text is copied. */
struct record *store_set(struct store *s, const struct store_put *put);
void store_remove(struct store *s, struct record *r);
/* Every record, in no order; fn may not change the store. */
void store_each(const struct store *s, void (*fn)(void *arg, struct record *r), void *arg);

static inline str record_name(const struct record *r) { return (str){r->at, r->name_bytes}; }
static inline str record_version(const struct record *r)
{
    return (str){r->at + r->name_bytes, r->version_bytes};
}
str record_ns(const struct store *s, const struct record *r);
str record_subject(const struct record *r);
str record_note(const struct record *r);
str record_body(const struct record *r);

#endif
