/* base/fault.h: named points at which tests make the world fail.
 *
 *   if (FAULT("store.write")) return err_errno(err, EIO, "writing %s", path);
 *
 * A point fires when the environment says so: TIPHYS_FAULT="name:n" (the n-th passage, 1-based,
 * returns true) or "name:n:kill" (SIGKILL to this process). Built in only with -Dfaults=true;
 * otherwise FAULT is false at compile time. fault_arm does the same from a unit test. Counts are
 * per process. */
#ifndef BASE_FAULT_H
#define BASE_FAULT_H

#include <stdbool.h>

#ifdef TIPHYS_FAULTS
bool fault_hit(const char *name);
#define FAULT(name) fault_hit(name)
#else
#define FAULT(name) false
#endif

/* NULL: disarm; returns how often any point passed through fault_count */
void fault_arm(const char *name, int nth);
int fault_count(const char *name); /* passages since fault_arm */

#endif
