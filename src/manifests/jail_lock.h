/* manifests/jail_lock.h: what a worker takes from itself before it sees a tenant's byte; private.
 */
#ifndef MANIFESTS_JAIL_LOCK_H
#define MANIFESTS_JAIL_LOCK_H

#include "base/err.h"
#include "base/str.h"

/* Landlock's version, or 0 when the kernel has none. */
int jail_landlock_version(void);

struct jail_limits {
    size_t memory_max;     /* data segments and private mappings */
    size_t file_bytes_max; /* of a memory file */
    bool opens_nothing;    /* no Landlock: the filter forbids naming files at all */
};
/* In this order and for good: limits, no new privileges, capabilities, Landlock (read-only on
 * `folder`; not when opens_nothing), system call filter. -ERR_UNSUPPORTED: Landlock was asked of a
 * kernel that has none. */
int jail_lock(const str *folder, size_t n_folders, const struct jail_limits *l,
              struct err *err) MUST_CHECK;

#endif
