/* tests/sim/cluster_world.h: a whole control plane on the virtual clock: microkube's core, the
 * embedded transport with faults, the real manifests service over a real repository on disk, the
 * real application controller. The tester is a second user who talks to the core directly, without
 * faults.
 *
 * Everything that happens is decided by the seed: the same seed, the same run. */
#ifndef SIM_CLUSTER_WORLD_H
#define SIM_CLUSTER_WORLD_H

#include "base/arena.h"
#include "event/loop.h"
#include "value/value.h"

#define SIM_APPS                                                                                   \
    4 /* app-0 .. app-3, each its own folder and namespace; the last one is synced by hand */
#define SIM_FILES 5 /* c0 .. c4, a ConfigMap each */

struct sim;

struct sim *sim_new(uint64_t seed,
                    const char *folder); /* folder: empty, for repository and caches */
void sim_free(struct sim *s);

uint64_t sim_random(struct sim *s, uint64_t below);
struct loop *sim_loop(struct sim *s);

/* Requests fail, answers get lost, watches break off, manifests cannot be had: off at first. */
void sim_faults(struct sim *s, bool on);
/* The product dies (what it had in memory is gone) and starts again. */
void sim_restart(struct sim *s);
void sim_stop(struct sim *s); /* the product ends; its counters are added up */

/* Content of the file `file` of `app` in the next commit; -1: it is not there. sim_commit pushes.
 */
void sim_set_file(struct sim *s, int app, int file, int content);
void sim_commit(struct sim *s);
const char *sim_head(const struct sim *s);

/* The tester's own request; gives the status code. *ret may be NULL. */
int sim_request(struct sim *s, const char *method, const char *target, const char *content_type,
                const char *body, struct arena *a, value *ret);

/* NULL: everything is as it should be; else what is not, in the arena. */
const char *sim_difference(struct sim *s, struct arena *a);

struct sim_counts {
    uint64_t faults, restarts, commits, actions;
    /* Of products that ended: resources compared by themselves, and rows of the whole comparisons
     * that each of those was checked against. */
    uint64_t rows_compared, rows_checked;
};
struct sim_counts *sim_counts(struct sim *s);

#endif
