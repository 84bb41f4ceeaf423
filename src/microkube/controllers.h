/* microkube/controllers.h: the simulated controllers. Private to the room. */
#ifndef MICROKUBE_CONTROLLERS_H
#define MICROKUBE_CONTROLLERS_H

#include "microkube/core.h"

/* Look at one object and write what should be different. The object may be gone afterwards. `a` is
 * the call's. */
typedef void mk_controller_fn(struct microkube *mk, struct mk_object *o, struct arena *a);

mk_controller_fn mk_namespace_controller, mk_crd_controller;
mk_controller_fn mk_deployment_controller, mk_replicaset_controller, mk_pod_controller;
mk_controller_fn mk_statefulset_controller, mk_daemonset_controller, mk_job_controller;
mk_controller_fn mk_cronjob_controller, mk_pvc_controller, mk_service_controller,
    mk_ingress_controller;

#define MK_ROOT_CA "kube-root-ca.crt" /* the ConfigMap of each namespace */
#define MK_NODE STR("microkube")      /* the one node */

/* The node has every label that the selector names. */
bool mk_node_fits(struct microkube *mk, value node_selector);

/* A pod came, changed or went: the Services that select it look again. */
void mk_pod_services_changed(struct microkube *mk, value pod);

/* Finalizers of the garbage collector, dependents without owners, deleted objects that nothing
 * holds any more. false: the object is gone. */
bool mk_collect_garbage(struct microkube *mk, struct mk_object *o, struct arena *a);

#endif
