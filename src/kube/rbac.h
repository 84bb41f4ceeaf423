/* kube/rbac.h: what `kubectl auth reconcile` makes of a role or a binding.
 *
 * Permissions and subjects that are missing are added, none is taken away; a binding to another
 * role is made again, as a roleRef cannot be changed. Annotations and labels are added where
 * missing. An object that opted out (rbac.authorization.kubernetes.io/autoupdate: "false") is left
 * alone. Only rbac.authorization.k8s.io/v1. Pure. Source: component-helpers
 * auth/rbac/reconciliation and validation; kubectl pkg/cmd/auth/reconcile. */
#ifndef KUBE_RBAC_H
#define KUBE_RBAC_H

#include "value/value.h"

enum rbac_operation { RBAC_NONE, RBAC_CREATE, RBAC_UPDATE, RBAC_RECREATE };

struct rbac_reconciled {
    enum rbac_operation operation;
    bool opted_out; /* nothing is written whatever the operation says */
    value object;   /* to write; for RBAC_NONE the existing one */
    str report;     /* kubectl's lines about it, each with its end; "" for RBAC_NONE */
};

/* kind: Role, ClusterRole, RoleBinding, ClusterRoleBinding. */
bool rbac_is_reconciled(value object);

/* existing: absent when there is none. */
void rbac_reconcile(value desired, value existing, struct arena *a, struct rbac_reconciled *ret);

#endif
