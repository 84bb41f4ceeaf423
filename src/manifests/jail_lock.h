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
};
/* In this order and for good: limits, no new privileges, capabilities, Landlock (read-only on
 * `folder`), system call filter. -ERR_UNSUPPORTED: the kernel has no Landlock. */
int jail_lock(const str *folder, size_t n_folders, const struct jail_limits *l,
              struct err *err) MUST_CHECK;

#endif
