/* manifests/cache.h: what was rendered for which question, in two steps.
 *
 * The first step is the question: repository, source and parameters, but not the revision. It leads
 * to the last MANIFESTS_READ_SETS_MAX answers, each with what was read for it; the second step is
 * to find the one whose reads a new tree would answer alike. Bounded by bytes: the least recently
 * used questions go. One owner, one thread. */
#ifndef MANIFESTS_CACHE_H
#define MANIFESTS_CACHE_H

#include "base/map.h"
#include "manifests/payload.h"

struct cached_answer {
    struct sha256 trees; /* newest trees it is known to be the answer for: trees_id */
    struct rendered *rendered;
};

struct question {
    struct question *newer, *older; /* by use */
    struct sha256 id;
    struct cached_answer answer[MANIFESTS_READ_SETS_MAX]; /* newest first */
    size_t n_answers, bytes;
    /* Back-off: errors of one commit in a row. */
    struct sha256 failed_trees;
    unsigned n_failures;
    usec failed_at;
    struct err *failure; /* heap; NULL: none */
};

struct cache {
    struct map by_id;
    struct question *newest, *oldest;
    size_t bytes, bytes_max;
    size_t n_results;
};

void cache_init(struct cache *c, size_t bytes_max);
void cache_done(struct cache *c);
/* The row of a question, made when it is new; it counts as used. Stays valid until the next
 * cache_get or cache_put. */
struct question *cache_get(struct cache *c, const struct sha256 *id);
/* The trees that a source is rendered from, in sequence, as one id. */
struct sha256 trees_id(const str *tree, size_t n);
/* The answer for exactly these trees, or NULL. Borrowed. */
struct rendered *question_find(struct question *q, const struct sha256 *trees);
/* Add (a reference is taken), or note that an answer which is there fits these trees, too. */
void cache_put(struct cache *c, struct question *q, const struct sha256 *trees, struct rendered *r);
void question_succeeded(struct question *q);            /* forget its failures */
void cache_forget(struct cache *c, struct question *q); /* its answers and failures */

#endif
