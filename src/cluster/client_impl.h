/* cluster/client_impl.h: what the files of the client share; private to cluster/. */
#ifndef CLUSTER_CLIENT_IMPL_H
#define CLUSTER_CLIENT_IMPL_H

#include "cluster/client.h"

struct cluster_client {
    struct loop *loop;
    struct kube_transport transport;
    struct cluster_kinds *kinds; /* newest discovery, or NULL */
};

/* Send and answer with the document of a 2xx, or the error of the Status. */
void cluster_ask(struct cluster_client *c, const struct kube_request *r, struct call asker);

#endif
