/* manifests/jail_run.h: giving work to the jailed workers; private to manifests/.
 *
 * A domain is named by its text (project and repository); its first job fixes the object folders
 * its worker may read. Jobs of one domain run in order on one worker. The answer is a `struct
 * jail_answer`. */
#ifndef MANIFESTS_JAIL_RUN_H
#define MANIFESTS_JAIL_RUN_H

#include "manifests/jail.h"

struct jail_answer { /* two pieces of one sealed memory file, mapped read-only */
    void *map;
    size_t map_bytes;
    str json, reads;
};
void jail_answer_free(void *a);

/* Where the kernel has no Landlock a worker opens nothing. What it wants to read it asks for, one
 * question at a time (files/asked.h), on the jail's loop; the answer is a `struct jail_file`. */
struct jail_file {
    struct arena arena;
    str bytes; /* in the arena */
};
struct jail_file *jail_file_new(void);
void jail_file_free(void *f);

struct jail_files {
    void (*ask)(void *arg, str question, struct call c);
    void *arg; /* lives as long as the job */
};

/* The order's texts are copied. Errors: those the worker reports, -ERR_UNAVAILABLE when it died,
 * -ERR_TIMEOUT (it was killed), -ERR_INVALID when it answered nonsense (it is killed), -ERR_BUSY.
 */
struct jail_order {
    str domain;
    const str *folder;
    size_t n_folders;
    str frame;
    const str *block; /* pieces of a memory file that the worker gets along; not copied later */
    size_t n_block;
    usec timeout_us;
    struct jail_files files;
};
void jail_run(struct jail *j, const struct jail_order *o, struct call c);

struct jail_stats {
    uint64_t n_started, n_died, n_jobs;
};
struct jail_stats jail_stats(const struct jail *j);

#endif
