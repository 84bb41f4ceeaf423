/* manifests/jail_worker.h: the worker's life after the fork; private. */
#ifndef MANIFESTS_JAIL_WORKER_H
#define MANIFESTS_JAIL_WORKER_H

#include "manifests/jail_lock.h"

struct worker_job;

/* What a worker does with one order; tests put their own in its place to try the lock from inside.
 * Answers by worker_answer or worker_error. */
typedef void worker_fn(struct worker_job *j, str order);

struct worker_start {
    int socket;
    const str *folder; /* that it may read */
    size_t n_folders;
    size_t memory_max;
    bool opens_nothing; /* no Landlock: it asks its parent for every file */
    worker_fn *fn;
};
/* Lock, then serve the socket until it closes. Never returns. */
NORETURN void worker_main(const struct worker_start *s);

void worker_answer(struct worker_job *j, str json, str reads);
void worker_error(struct worker_job *j, int kind, str text);
void worker_ask(struct worker_job *j, str question); /* the parent, about a file */
struct arena *worker_arena(struct worker_job *j);
/* The ordinary one: render. */
void worker_render(struct worker_job *j, str order);

#endif
