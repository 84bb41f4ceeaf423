/* kube/kyaml_merge.h: the strategic merge of Kustomize, which is not that of Kubernetes.
 *
 * kyaml merges a patch over an object with the lists and keys of a built-in schema of its own
 * (kube/kyaml_types.h) and with rules of its own: merged lists begin with the patch's items, keys
 * are compared as text, `$patch` (delete, replace, merge) is its only directive, new fields come
 * sorted. kube/strategic.h shares nothing with it.
 *
 * It works on nodes (value/yaml_node.h), whose spelling, styles and comments it passes on: a value
 * takes the style of the one it replaces (a number in the place of quoted text is text); the
 * patch's comments replace the object's; a field that is new loses its key's. A
 * comment may be the schema of its node (kyaml_comment.c). Neither input is
 * changed; the result lives in the arena and borrows text from both. Aliases are not followed.
 *
 * Source: sigs.k8s.io/kustomize/kyaml 0.21.1 (kustomize 5.8.1): yaml/merge2, yaml/walk, openapi. */
#ifndef KUBE_KYAML_MERGE_H
#define KUBE_KYAML_MERGE_H

#include "value/yaml_node.h"

#define KYAML_ITEMS_MAX 20000 /* of both sides of a list that merges by item */

struct kyaml_merge {
    bool append;      /* items that only the patch has come last, as Helm values; else first */
    bool infer_lists; /* lists without a schema merge by `name` when all their items have one */
};

/* `object` with `patch` merged in, either NULL: there is none; *ret is NULL when the patch deletes
 * it. -ERR_INVALID with kyaml's text: nodes of different kinds ("wrong node kind: expected
 * MappingNode but got ScalarNode: node contents:\n..."), "unknown patch strategy 'x'", an inferred
 * list without one key; -ERR_TOO_LARGE: deeper than VALUE_DEPTH_MAX, or
 * KYAML_ITEMS_MAX. */
int kyaml_merge(const struct yaml_node *object, const struct yaml_node *patch,
                const struct kyaml_merge *how, struct arena *a, struct yaml_node **ret,
                struct err *err) MUST_CHECK;

#endif
