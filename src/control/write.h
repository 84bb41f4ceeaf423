/* control/write.h: writes to our own objects: only what differs.
 *
 * A write is a JSON merge patch of the fields we own, without resourceVersion: it cannot undo what
 * others wrote beside it. Nothing differs: no request. -ERR_CONFLICT is the caller's: read, put the
 * answer into the informer, plan again. Source: RFC 7386; argo-cd controller/appcontroller.go
 * (persistAppStatus, setOperationState). */
#ifndef CONTROL_WRITE_H
#define CONTROL_WRITE_H

#include "cluster/client.h"

struct write_change {
    value status;         /* what status shall be; absent: as it is */
    value annotations;    /* map of texts to set and nulls to remove; absent: none */
    bool clear_operation; /* set `operation` to null */
};

/* The patch that makes the change; absent when nothing differs. Borrows from its inputs. */
value write_patch(struct arena *a, value object, const struct write_change *change);

/* Send it. Answers the object as the server stored it (a struct doc reference), or the given one
 * when there was nothing to write. object is borrowed. */
void write_object(struct cluster_client *c, const struct doc *object,
                  const struct write_change *change, const struct cluster_options *o,
                  struct call call);

/* JSON merge patch that turns map `from` into map `to`; absent when they are equal. Lists are
 * replaced whole; an absent or other `from` counts as {}. */
value merge_patch_between(struct arena *a, value from, value to);

#endif
