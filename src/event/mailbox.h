/* event/mailbox.h: bounded batches of messages to the owner of a loop; event/cell.h's snapshots
 * beside them.
 *
 * Many senders on any thread, one receiver on the mailbox's loop. A message is a pointer with a
 * drop function; the receiver gets them in order of arrival, at most `batch` a turn. A full mailbox
 * refuses (false): the sender's policy decides. The address is a value; sending to a closed mailbox
 * is refused, never a fault. */
#ifndef EVENT_MAILBOX_H
#define EVENT_MAILBOX_H

#include "event/loop.h"

struct mailbox {
    uint32_t slot, gen;
};
typedef void mailbox_fn(void *arg, void *take_message);

struct mailbox mailbox_open(struct loop *l, size_t messages_max, size_t batch, mailbox_fn *fn,
                            void *arg, void (*drop)(void *message));
void mailbox_close(struct mailbox *m); /* receiver's thread; what waits is dropped */
bool mailbox_send(struct mailbox m, void *take_message) MUST_CHECK; /* false: not taken */

/* cell: the newest of a ref-counted snapshot, published by one owner, read from any thread. */
struct cell;
struct cell *cell_new(void *(*ref)(void *), void (*unref)(void *));
void cell_free(struct cell *c);
void cell_publish(struct cell *c, void *take_snapshot);
void *cell_read(struct cell *c); /* a reference for the caller; NULL before the first publish */
uint64_t cell_version(const struct cell *c); /* grows by one with each publish */

#endif
