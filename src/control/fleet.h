/* control/fleet.h: the clusters that applications are deployed to: one client and one mirror each.
 *
 * The cluster we run against is always there (server "https://kubernetes.default.svc", name
 * "in-cluster") unless turned off; the others come from Secrets labelled
 * argocd.argoproj.io/secret-type=cluster: name, server, config, namespaces, clusterResources,
 * project, shard. A mirror is opened when the first application asks for its cluster (fleet_get)
 * and closed when the Secret goes; a Secret whose connection changed gets a new client and mirror.
 * Everything lives on one loop; pointers to a cluster are valid until the next turn: keep its
 * server and ask again. Source: argo-cd util/db/cluster.go, docs/operator-manual/declarative-setup
 * "Clusters". */
#ifndef CONTROL_FLEET_H
#define CONTROL_FLEET_H

#include "cluster/mirror.h"
#include "control/informer.h"

#define FLEET_IN_CLUSTER_SERVER "https://kubernetes.default.svc"
#define FLEET_IN_CLUSTER_NAME "in-cluster"

struct fleet;

struct fleet_cluster { /* a view */
    str server, name, project;
    struct cluster_client *client;
    struct mirror *mirror;     /* NULL until fleet_get asked for it */
    const struct err *failure; /* why there is no client (bad config); NULL: none */
    bool in_cluster;
};

struct fleet_owner { /* `server` tells which cluster; copied */
    void *arg;
    void (*changed)(void *arg, str server, const struct mirror_change *change, size_t n);
    void (*synced)(void *arg, str server);
    void (*kinds)(void *arg, str server);
    void (*failed)(void *arg, str server, const struct err *err);
    void (*opened)(void *arg,
                   str server); /* a cluster appeared or its connection changed; may be NULL */
    void (*closed)(void *arg, str server); /* it is gone; may be NULL */
};

struct fleet_config {
    struct loop *loop;
    struct cluster_client *in_cluster;  /* borrowed; NULL: no in-cluster destination
                                           (cluster.inClusterEnabled: "false") */
    const struct mirror_policy *policy; /* borrowed; namespaces are taken from the Secret */
    struct fleet_owner owner;
    /* How a remote cluster is reached; NULL: HTTP. Tests and simulation give their own. */
    int (*transport)(void *arg, struct loop *l, str server, value config,
                     struct kube_transport *ret, struct err *err);
    void *transport_arg;
};
struct fleet *fleet_new(const struct fleet_config *config);
void fleet_free(struct fleet *f);

/* From the owner's Secrets informer (`changed`): secrets of other types are ignored. */
void fleet_secret_changed(struct fleet *f, const struct doc *before, const struct doc *after);

/* By server URL (trailing "/" ignored), else by name. -ERR_NOT_FOUND; -ERR_INVALID: the name is not
 * unique. */
int fleet_find(struct fleet *f, str server, str name, struct fleet_cluster *ret,
               struct err *err) MUST_CHECK;
/* The same, and its mirror is opened if it is not yet. */
int fleet_get(struct fleet *f, str server, str name, struct fleet_cluster *ret,
              struct err *err) MUST_CHECK;
bool fleet_next(struct fleet *f, size_t *io_at, struct fleet_cluster *ret);
void fleet_invalidate(
    struct fleet *f); /* settings changed: every mirror looks at everything again */

#endif
