/* manifests/supply.h: what a worker said it lacks is brought; private.
 *
 * Needs of one round are asked for in parallel (source/chart.h joins equal questions of different
 * jobs), with the credentials that the project has for the repository. An answer that is an error
 * is an answer, too: the next round words it. Bounds: NEED_ROUNDS_MAX rounds,
 * PAYLOAD_BLOCK_MAX bytes of all answers. */
#ifndef MANIFESTS_SUPPLY_H
#define MANIFESTS_SUPPLY_H

#include "manifests/job.h"

/* Bytes that came, out of the pool. */
struct blob {
    struct blob *next;
    struct arena arena;
    str bytes; /* in the arena */
};
void blob_free(void *b);
/* Read an archive in the pool; answers a `struct blob`. */
void blob_read(struct manifests *m, struct chart_archive *a, struct call c);

/* "https://host/path" of "https://user:password@host/path": for messages. */
str url_without_user(struct arena *a, str url);

/* Bring all that `r` needs into the job's order; `then` is called once, on a later turn: rc 0, or
 * -ERR_TOO_LARGE, -ERR_CANCELED. Forgotten by supplies_cancel. */
void supplies_bring(struct job *j, const struct rendered *r, struct call then);
void supplies_cancel(struct job *j); /* NULL-safe */

#endif
