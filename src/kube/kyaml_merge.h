/* kube/kyaml_merge.h: the strategic merge of Kustomize, which is not that of Kubernetes.
 *
 * kyaml merges a patch over an object with the lists and keys of a built-in schema of its own (an
 * old Kubernetes release; kyaml_table.inc) and with rules of its own: merged lists begin with the
 * patch's items, keys are compared as text, `$patch` (delete, replace, merge) is its only
 * directive, new fields come sorted. kube/strategic.h shares nothing with it.
 *
 * Scalars are what value/style.h says of them: a number or a boolean that replaces quoted text is
 * text. Neither input is changed; the result lives in the arena and may borrow from both.
 *
 * Source: sigs.k8s.io/kustomize/kyaml 0.21.1 (kustomize 5.8.1): yaml/merge2, yaml/walk, openapi. */
#ifndef KUBE_KYAML_MERGE_H
#define KUBE_KYAML_MERGE_H

#include "value/value.h"

struct kyaml_merge {
    bool append;      /* items that only the patch has come last, as Helm values; else first */
    bool infer_lists; /* lists without a schema merge by `name` when all their items have one */
};

/* `object` with `patch` merged in; *ret is absent when the patch deletes it. -ERR_INVALID with
 * kyaml's text: nodes of different kinds ("wrong node kind: expected MappingNode but got
 * ScalarNode: node contents:\n..."), "unknown patch strategy 'x'", an inferred list without one
 * key; -ERR_TOO_LARGE: deeper than VALUE_DEPTH_MAX. */
int kyaml_merge(value object, value patch, const struct kyaml_merge *how, struct arena *a,
                value *ret, struct err *err) MUST_CHECK;

#endif
