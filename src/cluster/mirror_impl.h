/* cluster/mirror_impl.h: the inside of a mirror, shared by mirror.c and mirror_query.c. */
#ifndef CLUSTER_MIRROR_IMPL_H
#define CLUSTER_MIRROR_IMPL_H

#include "cluster/mirror.h"
#include "cluster/mirror_store.h"
#include "cluster/reflector.h"

struct mirror_source { /* one reflector: a kind, or a kind in one namespace */
    struct mirror_kind *kind;
    str ns; /* of the policy */
    struct reflector *reflector;
    uint32_t mark; /* of the newest list */
    bool failing;
    bool listed, settled; /* settled: listed since the last invalidation, or it cannot be */
};

struct mirror_kind {
    struct mirror *mirror;
    struct arena text;
    struct kube_kind kind;
    uint16_t index;
    bool makes_kinds, look_again;
    size_t n_objects, n_sources;
    struct mirror_source *source;
    struct mirror_kind *next_gone;
};

struct mirror_changes {
    struct mirror_change *at;
    size_t n, cap;
};

struct mirror {
    struct loop *loop;
    struct cluster_client *client;
    const struct mirror_policy *policy;
    struct mirror_owner owner;
    struct store store;
    struct mirror_kind **kind; /* by the store's number; NULL: free */
    size_t n_kinds, cap_kinds;
    struct mirror_kind *gone; /* kinds that are not served any more; freed with the mirror */
    bool discovered, synced, closed, tell_synced, tell_kinds;
    int depth; /* of owner callbacks */
    uint32_t last_mark;
    struct timer flush, discover;
    struct call discovering;
    usec discover_retry_us, synced_at;
    struct mirror_changes changes; /* in change_text */
    struct arena change_text, scratch;
    struct buf body;
    uint64_t n_events;
    struct err failure;
    size_t n_failing; /* sources */
    usec told_failure_at;
    int told_failure;
    struct mirror_fetch *fetches; /* bodies that are asked for */
};

/* The object as the record has it, once more past the policy. */
void mirror_look_anew(struct mirror *m, struct mirror_kind *k, uint32_t mark, value object);
void mirror_fetches_cancel(struct mirror *m);

void mirror_destroy(struct mirror *m);
str mirror_root_of(const struct mirror *m, const struct record *r);

#endif
