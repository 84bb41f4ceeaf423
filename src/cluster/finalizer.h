/* cluster/finalizer.h: take one finalizer off an object: read, PUT without it, again on a conflict.
 * An object that is not there (any more) is success. Answers a struct doc, or NULL as result when
 * it is gone. Source: gitops-engine pkg/sync removeHookFinalizer. */
#ifndef CLUSTER_FINALIZER_H
#define CLUSTER_FINALIZER_H

#include "cluster/client.h"

#define FINALIZER_TRIES 5

/* target is copied; live: what is known to be there (no read at first), or NULL. */
void cluster_drop_finalizer(struct cluster_client *c, const struct cluster_target *t,
                            const struct doc *live, str finalizer, struct call call);

/* Ask every 100 ms until the CRD `name` is Established; answers its document, or -ERR_TIMEOUT after
 * `timeout_us`. */
void cluster_wait_established(struct cluster_client *c, str crd_name, usec timeout_us,
                              struct call call);

#endif
