/* control/quarantine.h: keys whose work has ended the process.
 *
 * A key is noted in a small mapped file before it is worked and taken out after. A key that is
 * found there when the file is opened was under work when the process died: one crash of that key.
 * After QUARANTINE_CRASHES of them, with no work brought to rest in between, the key is held: its
 * owner leaves it alone and says so, and everything else goes on. The pages of the file belong to
 * the kernel, so they survive whatever ends the process (not the machine).
 *
 *   if (quarantine_holds(q, key)) { say so; return; }
 *   quarantine_begin(q, key);
 *   ... work, which may crash ...
 *   quarantine_end(q);
 *   if (nothing is left to do) quarantine_settled(q, key);
 *
 * Only one key is worked at a time: one file for each loop that works. A begin inside a begin of
 * the same loop counts for the outer key. Every function but open takes NULL and does nothing. */
#ifndef CONTROL_QUARANTINE_H
#define CONTROL_QUARANTINE_H

#include "base/err.h"
#include "base/str.h"
#include "base/time.h"

#define QUARANTINE_CRASHES 2
#define QUARANTINE_KEYS_MAX 64                     /* the oldest goes when there are more */
#define QUARANTINE_KEY_BYTES 324                   /* longer keys are not noted */
#define QUARANTINE_MEMORY_US (3600 * USEC_PER_SEC) /* a crash below the limit is forgotten */

struct quarantine;

/* `path` is made when missing; what is not a file of ours is begun anew. now: wall clock.
 * Errors: ERR_IO and what errno says. */
int quarantine_open(const char *path, usec now, struct quarantine **ret, struct err *err);
void quarantine_close(struct quarantine *q); /* what is under work is no crash */

void quarantine_begin(struct quarantine *q, str key);
void quarantine_end(struct quarantine *q);

bool quarantine_holds(const struct quarantine *q, str key);
unsigned quarantine_crashes(const struct quarantine *q, str key);
/* The key was worked to rest, or is no more: its crashes are forgotten. */
void quarantine_settled(struct quarantine *q, str key);
/* Work it again; the next crash holds it again. */
void quarantine_release(struct quarantine *q, str key);

#endif
