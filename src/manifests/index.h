/* manifests/index.h: which sources of which applications read which path of which repository.
 *
 * One owner, one thread. A `struct indexed` is one tree that one source of one application is
 * rendered from (its key and the tree's number; 0 is the source's own), with where it stands: the
 * commit of its last result and what was read for it. */
#ifndef MANIFESTS_INDEX_H
#define MANIFESTS_INDEX_H

#include "base/map.h"
#include "manifests/payload.h"

struct indexed_repo;

struct indexed {
    struct indexed *next; /* of its repository */
    struct indexed_repo *repo;
    char *key;                     /* of the source */
    size_t tree;                   /* which of its trees */
    char *id;                      /* of key and tree */
    char *revision;                /* as asked: branch, tag, constraint, ... */
    char commit[SOURCE_SHA_BYTES]; /* of the last result; "" when the last get failed */
    char seen[SOURCE_SHA_BYTES];   /* newest commit its owner was told about */
    struct rendered *rendered;     /* of the last result, or NULL */
    struct sha256 question;        /* the cache's, that it answers */
    bool lost;                     /* its owner was told that the repository does not answer */
    uint64_t mark;                 /* look-up that already found it */
};

struct indexed_repo {
    struct indexed_repo *next;
    char *id; /* source_repo_id, and the chart */
    struct arena arena;
    struct source_repo repo; /* with credentials, in the arena */
    str chart;               /* of a Helm repository or registry; empty: git */
    struct indexed *sources;
    size_t n_sources;
    struct map by_path; /* path -> struct readers */
    struct sha256 refs; /* digest of the refs at the last poll */
    bool refs_known;
};

struct index {
    struct map by_key, by_repo;
    struct indexed_repo *repos;
    uint64_t mark;
};

void index_init(struct index *x);
void index_done(struct index *x);

/* The row of `key` and tree, made or moved to this repository and revision. */
struct indexed_as {
    const struct source_repo *repo;
    str chart; /* empty: git */
    str revision;
};
struct indexed *index_set(struct index *x, str key, size_t tree, const struct indexed_as *as);
/* What stands for a chart's version where git has a commit id. */
void index_mark_of_version(str version, char ret[SOURCE_SHA_BYTES]);
struct indexed *index_find(struct index *x, str key, size_t tree);
/* Rows of the source from this tree on; 0: all of it. */
void index_remove(struct index *x, str key, size_t first_tree);
/* NULL: none. */
struct indexed_repo *index_repo(struct index *x, const struct source_repo *repo, str chart);
/* It has this result now (a reference is taken); NULL: its last get failed. */
void index_result(struct index *x, struct indexed *i, const char *commit, struct rendered *r);

/* Rows of the repository whose reads the changes touch; each once. */
size_t index_touched(struct index *x, struct indexed_repo *r, const struct manifests_change *change,
                     size_t n, struct arena *a, struct indexed ***ret);

#endif
