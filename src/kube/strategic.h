/* kube/strategic.h: strategic merge patches: apply one, and make one (two-way and three-way).
 *
 * The schema says which lists merge by which key (built-in kinds only: a custom resource has no
 * strategic merge). Inputs are never changed; results live in the arena and may borrow from the
 * inputs. Directives: $patch (replace, delete), $retainKeys, $setElementOrder/FIELD,
 * $deleteFromPrimitiveList/FIELD. Maps keep the order of the original, new keys follow in patch
 * order. Errors are -ERR_INVALID with apimachinery's text. Source:
 * k8s.io/apimachinery/pkg/util/strategicpatch. */
#ifndef KUBE_STRATEGIC_H
#define KUBE_STRATEGIC_H

#include "kube/schema.h"

/* original with patch merged in (StrategicMergeMapPatch). Absent counts as {}. */
int kube_strategic_apply(value original, value patch, const struct kube_schema *schema,
                         struct arena *a, value *ret, struct err *err) MUST_CHECK;

/* The patch that makes `modified` of `original` (CreateTwoWayMergePatch); {} when equal. */
int kube_strategic_diff(value original, value modified, const struct kube_schema *schema,
                        struct arena *a, value *ret, struct err *err) MUST_CHECK;

/* The patch that brings `current` to `modified`, deleting only what `original` had
 * (CreateThreeWayMergePatch, overwrite). */
int kube_strategic_diff3(value original, value modified, value current,
                         const struct kube_schema *schema, struct arena *a, value *ret,
                         struct err *err) MUST_CHECK;

#endif
