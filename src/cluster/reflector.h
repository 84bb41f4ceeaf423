/* cluster/reflector.h: list and watch of one collection, kept up by itself.
 *
 * LIST (parsed item by item as bytes arrive), then WATCH from the list's resourceVersion with
 * bookmarks; a watch that ends is opened again from the last version seen, 410 lists again,
 * failures wait with jittered exponential back-off (0.8 s doubling to 30 s, reset after two minutes
 * without failure). The owner sees: list_begin, object(LISTED)..., list_end, and from then on
 * single events until the next list_begin. What was not LISTED between begin and end is gone; a
 * list that breaks ends without list_end and begins anew. Objects older than the last seen are
 * never delivered.
 *
 * Callbacks run on the client's loop, one at a time; inside them reflector_close is allowed.
 * Source: client-go tools/cache Reflector; Kubernetes API concepts, "Efficient detection of
 * changes". */
#ifndef CLUSTER_REFLECTOR_H
#define CLUSTER_REFLECTOR_H

#include "cluster/client.h"

#define REFLECTOR_OBJECT_BYTES_MAX ((size_t)16 << 20)

#define REFLECTOR_NAME_BYTES_MAX                                                                   \
    512 /* of a name or namespace; an object with a longer one is ignored */

struct reflector;

enum reflector_event { REFLECTOR_LISTED, REFLECTOR_ADDED, REFLECTOR_MODIFIED, REFLECTOR_DELETED };

struct reflector_config {
    struct cluster_client *client;
    const struct kube_kind *kind; /* group, version, plural, kind, namespaced; text is copied */
    str ns;                       /* "" all namespaces */
    str label_selector, field_selector;
    void *arg;
    void (*list_begin)(void *arg);
    /* object: with apiVersion and kind; borrowed, doc_of() keeps it (free of copying when LISTED).
     */
    void (*object)(void *arg, enum reflector_event event, value object);
    void (*list_end)(void *arg);
    /* Each failure, once; the reflector goes on. May be NULL. */
    void (*failed)(void *arg, const struct err *err);
    /* After failures: the server answers again. May be NULL. */
    void (*recovered)(void *arg);
};

struct reflector_stats {
    uint64_t lists, watches, events, bookmarks, failures;
};

/* Starts on a later turn. */
struct reflector *reflector_open(const struct reflector_config *config);
void reflector_close(struct reflector *r);        /* NULL is fine */
void reflector_relist(struct reflector *r);       /* forget the version; list again now */
bool reflector_synced(const struct reflector *r); /* a list was completed */
/* The resourceVersion up to which everything was seen; "" while listing. In list_end: the list's.
 */
str reflector_version(const struct reflector *r);
struct reflector_stats reflector_stats(const struct reflector *r);

#endif
