/* control/write.h: writes to our own objects: only what differs, safe against writers in between.
 *
 * Each answers its call with the object as the server stored it (a struct doc reference), or with
 * the given object when there was nothing to write. 409 is retried by reading again, at most
 * WRITE_TRIES times, within the call's deadline. Source: argo-cd controller/appcontroller.go
 * (persistAppStatus, setOperationState). */
#ifndef CONTROL_WRITE_H
#define CONTROL_WRITE_H

#include "cluster/client.h"

#define WRITE_TRIES 5

/* Merge patch that turns object.status into `status` (absent: keep as it is) and, with
 * clear_operation, sets `operation` to null. annotations: map of changes (null removes), or absent.
 * Nothing differs: no request. object is borrowed (a reference is taken). */
struct write_change {
    value status, annotations;
    bool clear_operation;
};
void write_object(struct cluster_client *c, const struct doc *object,
                  const struct write_change *change, struct call call);

/* The patch itself: absent when nothing differs. */
value write_patch(struct arena *a, value object, const struct write_change *change);

/* Put or take one finalizer, by a merge patch that carries the resourceVersion. `present` false:
 * take. */
void write_finalizer(struct cluster_client *c, const struct doc *object, str finalizer,
                     bool present, struct call call);

/* JSON merge patch (RFC 7386) that turns `from` into `to`; absent when they are equal. Lists are
 * replaced whole. */
value merge_patch_between(struct arena *a, value from, value to);

#endif
