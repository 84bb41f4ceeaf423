/* control/informer.h: all objects of one of our own kinds, whole, in memory, kept up by a
 * reflector.
 *
 * For Applications, AppProjects, our ConfigMaps and Secrets: few, small and read often. Objects are
 * frozen documents. The owner reads them directly on the loop; other threads get a snapshot, a
 * ref-counted array that is made only when somebody asks and something changed. An object that a
 * write of ours answered can be put in at once (informer_put), so that the next plan never sees its
 * own past; older versions never replace newer ones.
 *
 * Callbacks run on the client's loop, one object at a time, in the order of the server's events. */
#ifndef CONTROL_INFORMER_H
#define CONTROL_INFORMER_H

#include "cluster/reflector.h"

struct informer;

/* The kinds this room watches; group, version and plural as Argo CD's CRDs say. */
extern const struct kube_kind informer_kind_application, informer_kind_project,
    informer_kind_applicationset, informer_kind_config_map, informer_kind_secret;

struct informer_config {
    struct cluster_client *client;
    const struct kube_kind *kind; /* borrowed: static */
    str ns;                       /* "" all; copied */
    str label_selector;           /* "argocd.argoproj.io/secret-type"; copied */
    str field_selector;
    void *arg;
    /* before or after is NULL when it did not or does not exist. Borrowed during the callback. May
     * be NULL. */
    void (*changed)(void *arg, const struct doc *before, const struct doc *after);
    void (*synced)(void *arg); /* the first list is complete; once. May be NULL */
    void (*failed)(void *arg, const struct err *err); /* goes on by itself. May be NULL */
};
struct informer *informer_open(const struct informer_config *config);
void informer_close(struct informer *i); /* NULL is fine */

bool informer_synced(const struct informer *i);
size_t informer_len(const struct informer *i);
/* Borrowed until the loop's next turn (doc_ref keeps it); NULL: no such object. */
const struct doc *informer_find(const struct informer *i, str ns, str name);
/* for (size_t at = 0; (d = informer_next(i, &at));) */
const struct doc *informer_next(const struct informer *i, size_t *io_at);
/* The answer of a write: replaces an older version and runs `changed`. Takes a reference of its
 * own. */
void informer_put(struct informer *i, const struct doc *object);
/* A delete was answered with the object gone. */
void informer_drop(struct informer *i, str ns, str name, str uid);

struct informer_snapshot { /* immutable, any thread */
    struct doc **at;       /* sorted by namespace, name */
    size_t n;
    uint64_t version;
};
/* A reference for the caller; the same one while nothing changed. */
struct informer_snapshot *informer_snapshot(struct informer *i);
struct informer_snapshot *informer_snapshot_ref(struct informer_snapshot *s);
void informer_snapshot_unref(struct informer_snapshot *s);
const struct doc *informer_snapshot_find(const struct informer_snapshot *s, str ns, str name);
uint64_t informer_version(const struct informer *i); /* grows with each change */

#endif
