/* cluster/apply.h: bring one object to a desired state, as kubectl apply, replace and create do.
 *
 * Client-side: the object is created with the last-applied annotation, or a three-way patch (last
 * applied, desired, live) is sent: strategic for built-in kinds, JSON merge for others; an empty
 * patch sends nothing. Server-side: one apply patch; when the answer shows managers that applied on
 * the client's side, their fields are moved to ours and the patch is sent again, so that what they
 * alone had set goes. A conflict reads the live object again and repeats, at most APPLY_TRIES
 * times. With force, an object that cannot be patched (409, 422) is deleted and created again; when
 * the new one is refused, the old one is put back.
 *
 * `live` saves the read: a body the mirror holds may be handed in, and is read again when the
 * server disagrees. Answers a struct apply_result. Errors have the server's text, with kubectl's
 * "error when patching" in front where kubectl puts it. Source: k8s.io/kubectl pkg/cmd/apply;
 * gitops-engine pkg/utils/kube/resource_ops. */
#ifndef CLUSTER_APPLY_H
#define CLUSTER_APPLY_H

#include "cluster/client.h"

#define APPLY_TRIES 5
#define APPLY_ESTABLISHED_US (3 * USEC_PER_SEC)

enum apply_verb {
    APPLY_CLIENT_SIDE, /* kubectl apply: three-way patch, or create with the last-applied annotation
                        */
    APPLY_SERVER_SIDE, /* kubectl apply --server-side --force-conflicts */
    APPLY_CREATE,      /* kubectl create: POST as it is */
    APPLY_REPLACE,     /* kubectl replace: PUT; with force: delete and create */
    APPLY_UPDATE, /* PUT with the live resourceVersion: CRDs and namespaces under Replace=true */
};

struct apply_options { /* text is borrowed for the call */
    enum apply_verb verb;
    str field_manager; /* "argocd-controller"; used by the two kinds of apply */
    bool force;        /* client-side and replace: delete and create again where refused */
    bool dry_run;      /* nothing is written; the message is what would happen */
    bool live_known;   /* `live` is what is there, NULL: nothing; else it is read first */
    /* Before anything else the fields that this manager wrote with operation Update become ours,
     * if the live object has such; "": no. */
    str migrate_manager;
    bool rbac_reconcile;   /* a role or binding: first as cluster_rbac_reconcile does */
    bool wait_established; /* a CRD: answer when it is served, or after APPLY_ESTABLISHED_US */
};

struct apply_result {   /* drop: apply_result_free */
    struct doc *object; /* as the server answered; NULL after a dry run */
    struct buf message; /* kubectl's words and warnings: "deployment.apps/web configured" */
    bool created, changed;
};
void apply_result_free(void *result);

/* live: borrowed (a reference is taken) or NULL. desired is copied. */
void cluster_apply(struct cluster_client *c, value desired, const struct doc *live,
                   const struct apply_options *o, struct call call);

/* `kubectl auth reconcile` of one role or binding (kube/rbac.h); only reads with dry_run. A
 * namespaced object needs its namespace. Conflicts are met with another round, at most
 * RBAC_CONFLICTS_MAX times. Answers a struct buf (drop: rbac_report_free) with kubectl's words:
 * "role.rbac.authorization.k8s.io/r reconciled. reconciliation required create". */
#define RBAC_CONFLICTS_MAX 3
void cluster_rbac_reconcile(struct cluster_client *c, value desired, bool dry_run,
                            struct call call);
void rbac_report_free(void *report);

/* "service/x", "deployment.apps/web": kubectl's name of an object. */
str apply_object_name(struct arena *a, const struct kube_kind *kind, str group, str kind_name,
                      str name);

#endif
