/* control/lease.h: at most one holder of a name, by a coordination.k8s.io/v1 Lease.
 *
 * The holder renews every retry_us; a candidate takes over when it has seen the same record
 * unchanged for the record's leaseDurationSeconds by its own clock (clocks of machines are never
 * compared). A holder that could not renew for renew_deadline_us says so by `changed(false)` before
 * anybody else may take over, and tries again as a candidate. Closing with `release` empties the
 * holder, so that the next one need not wait.
 *
 * One loop; `changed` runs on its turns. Source: client-go tools/leaderelection (same record, same
 * times). */
#ifndef CONTROL_LEASE_H
#define CONTROL_LEASE_H

#include "cluster/client.h"

struct lease;

struct lease_config { /* zero means the default in brackets; text is copied */
    struct cluster_client *client;
    str ns, name;
    str identity;           /* unique among candidates, e.g. host name and a random part */
    usec duration_us;       /* [15 s] whole seconds */
    usec renew_deadline_us; /* [10 s], shorter than duration_us */
    usec retry_us;          /* [2 s], jittered up by at most a fifth for candidates */
    void (*changed)(void *arg, bool held);
    void *arg;
};

struct lease *lease_open(const struct lease_config *config);
/* release: give it up first (best effort, one request that nobody waits for). No callback runs any
 * more. NULL is fine. */
void lease_close(struct lease *l, bool release);
bool lease_held(const struct lease *l);
str lease_holder(const struct lease
                     *l); /* as last seen; "" nobody or not yet known; valid until the next turn */

#endif
