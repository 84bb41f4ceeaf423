/* base/fault.h: named points at which tests make the world fail, or end the process.
 *
 *   if (FAULT("store.write")) return err_errno(err, EIO, "writing %s", path);
 *   FAULT_POINT("store.written");          nothing can fail here, but the process can end
 *   FAULT_OF("application.work", key);     fires for one subject only
 *
 * A point fires when the environment says so: TIPHYS_FAULT="name:n" (the n-th passage, 1-based,
 * returns true) or "name:n:kill" (SIGKILL to this process); "name@subject:n:kill" counts only the
 * passages of that subject. TIPHYS_FAULT_LOG=FILE appends the name of every passage to FILE, so
 * that a test knows which n there are. Built in only with -Dfaults=true; otherwise FAULT is false
 * at compile time. fault_arm does the same from a unit test. Counts are per process. The jailed
 * workers have no environment, so no point fires in them. */
#ifndef BASE_FAULT_H
#define BASE_FAULT_H

#include <stdbool.h>

#include "base/str.h"

#ifdef TIPHYS_FAULTS
bool fault_hit(const char *name, str subject);
#define FAULT_OF(name, subject) fault_hit(name, subject)
#else
#define FAULT_OF(name, subject) ((void)(subject), false)
#endif
#define FAULT(name) FAULT_OF(name, STR(""))
#define FAULT_POINT(name) ((void)FAULT(name))

/* NULL: disarm; returns how often any point passed through fault_count */
void fault_arm(const char *name, int nth);
int fault_count(const char *name); /* passages since fault_arm */

#endif
