/* cluster/mirror.h: what lives in one cluster, compact and indexed; cost follows change.
 *
 * For each kind that the cluster serves with list and watch and the policy wants, a reflector keeps
 * one record an object: key, uid, resourceVersion, owners, the *subject* it belongs to (an
 * application's tracking instance) and a few bytes of note, and a packed body (without
 * managedFields) only where the policy asks for it. Indexes: key, uid, children by owner uid,
 * members by subject. New and vanished kinds (CRDs, APIServices) are followed by discovery again.
 *
 * A mirror is an actor on its client's loop and has one owner, who gets changes in batches, once a
 * turn at most. Nothing here walks all objects because time passed. Records that a query hands out
 * are views: valid until the mirror's next turn.
 *
 * Source: gitops-engine pkg/cache (which kinds, owner walk, resync on 410); docs/architecture for
 * the bounds (130 B a record). */
#ifndef CLUSTER_MIRROR_H
#define CLUSTER_MIRROR_H

#include "cluster/client.h"

#define MIRROR_NOTE_BYTES_MAX 255
#define MIRROR_OWNER_DEPTH_MAX 32

#define MIRROR_UID_BYTES 37 /* text of a UUID and NUL; an object whose uid is none has "" here */

struct mirror;

struct mirror_look { /* what the policy says of one object; text is copied before look returns to
                        the caller's caller */
    str subject;     /* "" nobody's */
    bool keep_body;  /* the whole object but managedFields */
    str note; /* kept beside the record, at most MIRROR_NOTE_BYTES_MAX; the mirror does not read it
               */
};

/* The same object gives the same look, but for keep_body: a policy may want later what it did not
 * want at first (mirror_want_body). Must outlive the mirror. */
struct mirror_policy {
    void *arg;
    /* NULL: every kind that can be listed and watched. */
    bool (*wants)(void *arg, const struct kube_kind *kind);
    /* object: complete, borrowed. Scratch memory in `a`, reset after each object. */
    void (*look)(void *arg, value object, struct arena *a, struct mirror_look *ret);
    const str *ns; /* only these namespaces; n_namespaces 0: all and cluster-scoped objects too */
    size_t n_namespaces;
    bool cluster_scoped; /* with namespaces: cluster-scoped kinds as well */
};

enum mirror_change_kind { MIRROR_ADDED, MIRROR_MODIFIED, MIRROR_DELETED };

struct mirror_change { /* text is valid during the callback */
    enum mirror_change_kind what;
    struct kube_key key;
    str version, resource_version; /* DELETED: as last seen */
    char uid[MIRROR_UID_BYTES];
    str old_subject, subject; /* ""; DELETED: subject is "" */
    str root;      /* subject of the object, or of its nearest owner that has one: whose tree has
                      changed. DELETED: as before */
    bool relisted; /* found by comparing with a list, not by an event */
};

struct mirror_owner {
    void *arg;
    void (*changed)(void *arg, const struct mirror_change *change, size_t n);
    void (*synced)(void *arg); /* every wanted kind was listed; again after mirror_invalidate */
    void (*kinds)(void *arg);  /* the client's cluster_kinds are new */
    /* Discovery or a kind cannot be read; the mirror goes on. The same kind of error is told once
     * in 30 s at most. May be NULL. */
    void (*failed)(void *arg, const struct err *err);
};

/* Discovers, then lists and watches. policy and the client are borrowed, owner is copied. */
struct mirror *mirror_open(struct cluster_client *c, const struct mirror_policy *policy,
                           const struct mirror_owner *owner);
void mirror_close(struct mirror *m); /* no callback runs any more; the client stays */
/* Settings or the cluster's permissions changed: discover and list everything again, looking anew
 * at each object. */
void mirror_invalidate(struct mirror *m);

struct mirror_object { /* a view */
    const void *record;
    struct kube_key key;
    str version, resource_version, subject, note;
    char uid[MIRROR_UID_BYTES];
    bool has_body, deleting, has_owner;
};

bool mirror_find(const struct mirror *m, struct kube_key key, struct mirror_object *ret);
bool mirror_find_uid(const struct mirror *m, str uid, struct mirror_object *ret);
/* The subject of the object or of its nearest owner that has one; "" when none. */
str mirror_root_subject(const struct mirror *m, const struct mirror_object *o);
/* The body as a document of the caller's; -ERR_NOT_FOUND when the policy did not keep it. */
int mirror_body(const struct mirror *m, const struct mirror_object *o, struct doc **ret,
                struct err *err) MUST_CHECK;

/* The object as a write or a read was answered, before a watch tells of it: what follows finds it,
 * however late the watch is. Nothing happens when the watch has come as far already, while its kind
 * is being listed, or when the mirror does not hold that kind. */
void mirror_put(struct mirror *m, value object);

/* The policy wants this object's body by now: the object is asked for and looked at anew, and a
 * MODIFIED tells of it. Nothing happens where the body is kept already, or nothing is known of the
 * object. */
void mirror_want_body(struct mirror *m, struct kube_key key);

/* for (struct mirror_iter it = mirror_of_subject(m, s); mirror_next(&it, &o);). Order is not
 * defined. */
struct mirror_iter {
    const struct mirror *mirror;
    const void *at;
    uint32_t edge;
    int kind;
};
struct mirror_iter mirror_of_subject(const struct mirror *m, str subject);
struct mirror_iter mirror_children(const struct mirror *m,
                                   str uid); /* objects whose ownerReferences name uid */
struct mirror_iter mirror_owners(const struct mirror *m,
                                 const struct mirror_object *o); /* those that exist */
bool mirror_next(struct mirror_iter *it, struct mirror_object *ret);

struct mirror_status {
    bool discovered, synced;
    size_t n_kinds, n_synced, n_objects, n_bodies;
    size_t n_failing; /* kinds (and namespaces) that cannot be listed or watched just now */
    size_t record_bytes, body_bytes;
    uint64_t n_events;
    usec synced_at;     /* wall clock; 0: never */
    struct err failure; /* the newest; kind 0 while nothing fails */
};
void mirror_status(const struct mirror *m, struct mirror_status *ret);

#endif
