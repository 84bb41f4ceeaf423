/* manifests/job.h: one manifests_get under way; private.
 *
 * A job resolves what each of its trees is asked for, brings them, looks for an answer, and runs
 * the engine; jobs that come to the same run share it. */
#ifndef MANIFESTS_JOB_H
#define MANIFESTS_JOB_H

#include "manifests/private.h"

struct job_tree { /* the source's own, then one for each source that it names */
    struct source_repo repo;
    str chart;                  /* of a Helm repository or registry; empty: git */
    str revision;               /* as asked */
    char sha[SOURCE_SHA_BYTES]; /* what that is: of git */
    str version;                /* of a chart */
    struct source_lease *lease;
    struct chart_archive *archive;
    const struct manifests_ref *ref; /* NULL: its own */
};

struct job {
    struct job *next;
    struct manifests *m;
    struct arena arena;
    struct call asker;
    struct call step;      /* what it waits for */
    char *key;             /* or NULL */
    struct job_tree *tree; /* room for its own and as many as there are references, or TREES_MAX */
    size_t n_trees, at;    /* the tree it waits for */
    const struct manifests_ref *ref;
    size_t n_refs;
    bool is_nothing; /* a source that is nothing but a name for others */
    struct sha256 question, trees;
    struct run_order *order;   /* source and parameters; leases once they are here */
    struct supplies *supplies; /* needs that are asked for */
    unsigned n_rounds;
    bool may_change; /* something that was supplied may be another thing tomorrow */
    unsigned flags;
    usec refs_age_us, started_at;
    usec refs_us, fetch_us, render_us;
    struct job *leader; /* the job whose run this one waits for, or NULL */
    bool running;       /* it leads a run */
};

void job_start(struct job *j);
void job_free(struct job *j);

#endif
