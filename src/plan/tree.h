/* plan/tree.h: the resource tree of an application.
 *
 * The caller walks the cluster's mirror and gives every object that belongs to the application:
 * managed ones and all that descend from them. tree_node makes one node; tree_build puts them
 * together with parents, health and order. Source: argo-cd controller/cache/info.go,
 * controller/appcontroller.go getResourceTree, gitops-engine pkg/cache/references. */
#ifndef PLAN_TREE_H
#define PLAN_TREE_H

#include "plan/compare.h"

#define TREE_NODES_MAX 100000

struct tree_parent { /* one owner of an object: from ownerReferences, or inferred */
    struct kube_key key;
    str version, uid;
};
#define TREE_PARENTS_MAX 16
/* Owners of `live`: ownerReferences, and those upstream infers (Endpoints, token Secret, claims of
 * a StatefulSet, ...). Returns how many (at most TREE_PARENTS_MAX). uid may be empty when inferred.
 */
size_t tree_parents(value live, struct arena *a, struct tree_parent ret[TREE_PARENTS_MAX]);

/* {group, version, kind, namespace, name, uid, parentRefs, info, networkingInfo, resourceVersion,
 * images, health, createdAt} */
value tree_node(const struct compare_context *c, value live, const struct tree_parent *parent,
                size_t n_parents, struct arena *a);

/* The node of a desired object without a live one: health Missing. */
value tree_missing_node(const struct compare_row *row, struct arena *a);

struct tree_input {
    const struct compare_result *compared; /* desired objects without a live one get a node, too */
    const value *live;                     /* managed and descendants */
    size_t n_live;
    const value *orphan; /* top-level objects of nobody, already filtered */
    size_t n_orphans;
};
/* {nodes, orphanedNodes, hosts}: sorted by group/kind/namespace/name. */
int tree_build(const struct compare_context *c, const struct tree_input *in, struct arena *a,
               value *ret_tree, struct err *err) MUST_CHECK;
/* status.summary: {externalURLs, images, isAppOfApps} of a tree, absent members left out. */
value tree_summary(const struct app *app, value tree, struct arena *a);

/* Images of a workload or pod, sorted and unique. */
value object_images(value object, struct arena *a);
/* The same over several objects (absent ones have none). */
value objects_images(const value *object, size_t n, struct arena *a);

#endif
