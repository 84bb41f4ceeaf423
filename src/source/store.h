/* source/store.h: one repository folder on this machine; private to source/. Blocking: pool threads
 * only.
 *
 * Layout below the cache folder: <repository id>/<generation number>/ is a bare repository without
 * refs of the remote; every commit that was brought has refs/keep/<sha>, written by git after it
 * made sure the commit is complete. A generation is counted: by the store while it is the current
 * one, by every lease. */
#ifndef SOURCE_STORE_H
#define SOURCE_STORE_H

#include "files/git_store.h"
#include "source/source.h"

struct generation { /* reference-counted, any thread */
    _Atomic unsigned n;
    _Atomic bool dropped; /* delete the folder with the last reference */
    char *dir, *objects_dir;
    struct git_store *objects;
    uint64_t number;
};
struct generation *generation_ref(struct generation *g);
void generation_unref(struct generation *g);
/* The newest generation of the folder `dir`, made when there is none. */
int generation_open(str dir, struct generation **ret, struct err *err) MUST_CHECK;

struct store_options {
    str git, private_dir;
    usec timeout_us;
    struct call asker; /* git is ended when nobody waits for this call; {0}: only at the deadline */
};

/* ls-refs. Repositories on this machine are read in place, others by git. Errors begin with "failed
 * to list refs: ". */
int store_list_refs(const struct store_options *o, const struct source_repo *repo,
                    struct source_refs **ret, struct err *err) MUST_CHECK;

/* A wanted commit: fetched into `generation` when it is not there. */
struct commit_request {
    const struct store_options *options;
    const struct source_repo *repo;
    struct generation *generation;
    str sha;
    /* May be NULL: a lease on another commit of the repository, whose links are known to be fine;
     * the link scan is then a comparison. */
    const struct source_lease *known;
};
/* *ret_fetched: the network was used. */
int store_get_commit(const struct commit_request *r, struct source_lease **ret, bool *ret_fetched,
                     struct err *err) MUST_CHECK;

/* Rewrite: a new generation with the commits of `keep`, copied from `g` without network. */
int store_rewrite(const struct store_options *o, struct generation *g, const str *keep,
                  size_t n_keep, struct generation **ret, struct err *err) MUST_CHECK;
/* Objects below the generation lie in more files than they should. */
bool generation_wants_rewrite(const struct generation *g);
void folder_remove(const char *path); /* with everything in it; links are not followed */
/* An empty generation of this number. */
int generation_make(str dir, uint64_t number, struct generation **ret, struct err *err) MUST_CHECK;

#endif
