/* appcache/appcache.h: what was last computed for each application, for the API to show.
 *
 * Controllers write results, api/ reads them; nothing here decides anything, and losing all of it
 * costs one comparison. An application is named by its key "namespace/name". Readers get snapshots
 * (ref-counted, immutable); each part has a version that grows with every change, and watchers are
 * told after a change, on a later turn of the loop and at most once a turn for an application.
 * Results are frozen documents in the API's own shapes.
 *
 * What is large and seldom looked at (managed resources, manifests) need not be written before
 * somebody asks: appcache_read_whole asks the writer to, and the cache keeps it for the
 * APPCACHE_FILLED_MAX applications that were asked for last.
 *
 * One loop owns the cache; snapshots may be read from any thread. Bounds: APPCACHE_APPS_MAX
 * applications; further ones are not kept. Source: argo-cd util/cache/appstate (the shapes
 * ResourceDiff, ApplicationTree, ManifestResponse). */
#ifndef APPCACHE_APPCACHE_H
#define APPCACHE_APPCACHE_H

#include "event/loop.h"
#include "value/doc.h"

#define APPCACHE_APPS_MAX 100000
#define APPCACHE_FILLED_MAX 64

enum appcache_part {
    APPCACHE_MANAGED = 1,
    APPCACHE_TREE = 2,
    APPCACHE_MANIFESTS = 4,
    APPCACHE_REMOVED = 8, /* only in notifications: the application is gone */
};

/* One row of /managed-resources. Absent documents are NULL: target NULL = only live (to be pruned),
 * live NULL = missing. Given to appcache_set_managed all members are borrowed (documents get a
 * reference, text is copied); read from a snapshot they live as long as it. */
struct appcache_managed {
    str group, version, kind, namespace, name;
    str resource_version;
    const struct doc *target, *live;
    const struct doc *normalized_live, *predicted_live;
    bool hook;
    bool modified; /* the comparison found a difference */
};

struct appcache;
struct appcache *appcache_new(struct loop *l);
void appcache_free(struct appcache *c); /* snapshots that readers hold stay valid */

/* ---- writers ---- */
void appcache_set_managed(struct appcache *c, str app, const struct appcache_managed *item,
                          size_t n_items);
/* ApplicationTree: {"nodes":[..],"orphanedNodes":[..],"hosts":[..],"shardsCount":..} */
void appcache_set_tree(struct appcache *c, str app, struct doc *take_tree);
/* ManifestResponse of the last comparison:
 * {"manifests":["<json>",..],"namespace":..,"revision":..,"sourceType":..,"commands":..} */
void appcache_set_manifests(struct appcache *c, str app, struct doc *take_manifests);
void appcache_remove(struct appcache *c, str app);
/* Is any of these parts kept? If not, a writer may leave them until they are asked for. */
bool appcache_holds(const struct appcache *c, str app, unsigned parts);
/* Forget these parts, without telling anybody: the next appcache_read_whole asks for them. */
void appcache_drop(struct appcache *c, str app, unsigned parts);
/* fill(arg, app) is called when somebody reads all of an application: it writes what is missing or
 * outdated, now; it may find that it cannot. NULL ends it. */
void appcache_on_miss(struct appcache *c, void (*fill)(void *arg, str app), void *arg);

/* ---- readers ---- */
struct appcache_entry { /* a snapshot */
    str app;
    uint64_t version; /* of the newest change of any part; never reused by the cache */
    const struct appcache_managed *managed; /* NULL with n_managed 0 when never set: see has */
    size_t n_managed;
    const struct doc *tree, *manifests; /* NULL: never set */
    unsigned has;                       /* bit set of enum appcache_part */
};
/* A reference for the caller, or NULL when nothing was ever written for this application. */
struct appcache_entry *appcache_read(const struct appcache *c, str app);
/* The same with everything that can be known of it now. */
struct appcache_entry *appcache_read_whole(struct appcache *c, str app);
void appcache_entry_unref(struct appcache_entry *e); /* NULL is fine */
size_t appcache_len(const struct appcache *c);

/* fn(arg, app, parts) after changes; app "" subscribes to all. Embedded in its owner; stop before
 * the owner goes. */
struct appcache_watch {
    struct appcache *cache;
    struct appcache_watch *next, **back; /* private */
    str app;                             /* borrowed */
    void (*fn)(void *arg, str app, unsigned parts);
    void *arg;
};
void appcache_watch_start(struct appcache_watch *w, struct appcache *c, str app,
                          void (*fn)(void *arg, str app, unsigned parts), void *arg);
void appcache_watch_stop(struct appcache_watch *w);

#endif
