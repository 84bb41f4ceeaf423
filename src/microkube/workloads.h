/* microkube/workloads.h: what the simulated workload controllers share: pods of an owner,
 * conditions, hashes. Private. */
#ifndef MICROKUBE_WORKLOADS_H
#define MICROKUBE_WORKLOADS_H

#include "microkube/controllers.h"

#define MK_ANNOTATION_PREFIX "microkube.tiphys.io/"
#define MK_READY_AFTER STR("microkube.tiphys.io/ready-after") /* Go duration */
#define MK_FAIL                                                                                    \
    STR("microkube.tiphys.io/fail") /* crash-loop, image-pull, never-ready, job-failed */
#define MK_ADDRESS STR("microkube.tiphys.io/address") /* IP or host of a load balancer */

struct mk_children {
    struct mk_object **at;
    size_t n;
};
/* Objects of a kind whose controller is `owner`, sorted by name; in arena. Deleted ones are left
 * out. */
struct mk_children mk_children_of(struct microkube *mk, struct mk_object *owner, const char *kind,
                                  struct arena *a);

bool mk_pod_is_ready(value pod);
bool mk_pod_is_done(value pod); /* Succeeded or Failed */

/* A pod of the template with owner as controller and the simulation's annotations of the owner;
 * name "": generated from the owner's. */
struct mk_object *mk_pod_create(struct microkube *mk, struct mk_object *owner, value template,
                                str name, const char *hash_label, str hash, struct arena *a);
value mk_owner_ref(struct arena *a, value owner); /* controller, blocks deletion */
/* Ten letters of a template, as the pod-template-hash label: equal templates, equal texts. */
str mk_template_hash(struct arena *a, value template);

/* Set a condition in a building list; its lastTransitionTime moves only when the status does. */
struct mk_condition {
    const char *type, *status, *reason;
    str message;
    bool with_update_time; /* Deployments have lastUpdateTime too */
    int64_t of_generation; /* pods: observedGeneration and lastProbeTime; 0: neither */
};
void mk_condition_set(struct microkube *mk, struct arena *a, value status,
                      const struct mk_condition *c);
value mk_condition_find(value object, const char *type);

/* Numbers that Go leaves out when they are 0. */
void mk_set_count(struct arena *a, value map, const char *key, int64_t n);
void mk_remove_object(struct microkube *mk, struct mk_object *o, struct arena *a);
/* Bring the EndpointSlice of a Service up to date (workloads/endpoints.c). */
void mk_write_endpoints(struct microkube *mk, struct mk_object *service, struct arena *a);
/* Write a new status if it differs. */
struct mk_object *mk_status_update(struct microkube *mk, struct mk_object *o, value status,
                                   struct arena *a);

#endif
