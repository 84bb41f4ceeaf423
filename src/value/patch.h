/* value/patch.h: JSON Patch and JSON Merge Patch.
 *
 * Results are trees of `a` that borrow what did not change from their inputs (whose documents a
 * holds). Inputs are not changed, be they building or frozen.
 *
 * Source: RFC 6902 and RFC 7386 as github.com/evanphx/json-patch v4 answers (used by Kubernetes'
 * API server, kubectl and Kustomize), including its error texts and its differences from the RFCs
 * (negative indices, null in arrays); k8s.io/apimachinery/pkg/util/jsonmergepatch for the three-way
 * patch. */
#ifndef VALUE_PATCH_H
#define VALUE_PATCH_H

#include "value/value.h"

#define JSON_PATCH_OPERATIONS_MAX 10000 /* as the API server's */
#define JSON_PATCH_COPIED_BYTES_MAX                                                                \
    ((size_t)3 << 20) /* JSON bytes that "copy" operations may add */

/* Apply a list of operations. -ERR_INVALID: the patch is not a list of operations (text of the Go
 * decoder); -ERR_UNPROCESSABLE: an operation does not apply ("replace operation does not apply: doc
 * is missing key: /a: missing value"; a failed test: "testing value /a failed: test failed");
 * -ERR_TOO_LARGE: a bound above. */
int json_patch_apply(struct arena *a, value document, value patch, value *ret,
                     struct err *err) MUST_CHECK;

/* Apply a merge patch: null removes, maps merge, anything else replaces. -ERR_INVALID: the document
 * is null ("Invalid JSON Document"), the patch is neither map nor list ("Invalid JSON Patch"). */
int json_merge_patch_apply(struct arena *a, value document, value patch, value *ret,
                           struct err *err) MUST_CHECK;

/* The merge patch that makes `from` into `to`: both maps (-ERR_INVALID otherwise). A null in `to`
 * cannot be expressed (RFC 7386) and becomes a removal. Empty map: nothing to change. */
int json_merge_patch_create(struct arena *a, value from, value to, value *ret,
                            struct err *err) MUST_CHECK;

/* The three-way patch of `kubectl apply` for kinds without a schema: additions and changes from
 * live to modified, and removals of what was in original and is not in modified. All maps; an
 * absent original counts as empty. */
int json_merge_patch_three_way(struct arena *a, value original, value modified, value live,
                               value *ret, struct err *err) MUST_CHECK;

#endif
