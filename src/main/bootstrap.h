/* main/bootstrap.h: what an empty cluster needs before the controllers start: our CRDs, the
 * namespace, the default project, the ConfigMaps, argocd-secret with the server's signing key and
 * the admin's first password (as in argocd-initial-admin-secret). What exists stays as it is; CRDs
 * are updated when ours differ. Source: argo-cd manifests/install.yaml; util/settings
 * InitializeSettings. */
#ifndef MAIN_BOOTSTRAP_H
#define MAIN_BOOTSTRAP_H

#include "cluster/client.h"

#define BOOTSTRAP_PASSWORD_BYTES 17

struct bootstrap_result {                    /* drop: free */
    char password[BOOTSTRAP_PASSWORD_BYTES]; /* of admin, when it was made now; else "" */
};

/* Answers a struct bootstrap_result. The client must have discovered. */
void bootstrap_run(struct cluster_client *c, str namespace, struct call call);

#endif
