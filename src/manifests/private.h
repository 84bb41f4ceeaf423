/* manifests/private.h: the service's own structure, shared by its files. */
#ifndef MANIFESTS_PRIVATE_H
#define MANIFESTS_PRIVATE_H

#include "manifests/cache.h"
#include "manifests/index.h"
#include "manifests/jail_run.h"
#include "manifests/revision.h"

struct job;
struct polling;
struct reading;

struct manifests {
    struct loop *loop;
    struct pool *pool;
    struct source *source;
    struct charts *charts;
    struct jail *jail;
    struct manifests_options options;
    struct cache cache;
    struct index index;
    struct job *jobs;         /* every get under way */
    struct polling *polls;    /* every poll under way */
    struct reading *readings; /* every job in the jail */
    struct manifests_stats stats;
    usec gc_at; /* last time repository folders were looked after */
};

/* ---- one run of the engine, in the pool or in the jail ---- */

struct run_order { /* reference-counted, immutable: what a run needs, wherever it runs */
    _Atomic unsigned n;
    struct arena arena;
    struct source_lease *lease[TREES_MAX]; /* of each tree of the order; NULL: it has none */
    struct chart_archive *archive;         /* of a chart; the trees of others are leases */
    struct blob *blobs;                    /* what archive and supplies lie in */
    VEC(struct render_supply) supply;
    struct doc *source;
    struct render_order order; /* texts in the arena, source in the document */
};
struct run_order *run_order_ref(struct run_order *o);
void run_order_unref(void *o);
/* Answers a `struct rendered` (drop: rendered_unref). */
void run_submit(struct manifests *m, struct run_order *o, struct call c);

void runs_cancel(struct manifests *m); /* answers that come later find nobody */

/* ---- polls ---- */
void polls_cancel(struct manifests *m);

#endif
