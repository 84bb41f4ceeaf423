/* kube/key.h: what an object is called, and the REST paths that lead to it.
 *
 * Keys are values made of borrowed text; kube_key_copy puts the text into an arena. Nothing here
 * fails but the parsers. Source: k8s.io/apimachinery/pkg/runtime/schema (ParseGroupVersion),
 * apiserver/pkg/endpoints/request (RequestInfo). */
#ifndef KUBE_KEY_H
#define KUBE_KEY_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

struct kube_gvk {
    str group, version, kind; /* group "" is the core group */
};

struct kube_key {
    str group, kind, ns, name; /* ns "" for cluster-scoped objects */
};

bool kube_gvk_eq(struct kube_gvk a, struct kube_gvk b);
bool kube_key_eq(struct kube_key a, struct kube_key b);
int kube_key_cmp(struct kube_key a, struct kube_key b); /* group, kind, ns, name in byte order */
uint64_t kube_key_hash(struct kube_key k);              /* hash64: for this process only */
struct kube_key kube_key_copy(struct arena *a, struct kube_key k);
/* "apps/Deployment/ns/name", "/Namespace//x": group/kind/ns/name, unambiguous; into arena. */
str kube_key_str(struct arena *a, struct kube_key k);

/* Split an apiVersion: "v1" -> "", "v1"; "apps/v1" -> "apps", "v1"; "" and "/" -> "", "".
 * -ERR_INVALID "unexpected GroupVersion string: a/b/c". Outputs borrow. */
int kube_api_version_parse(str api_version, str *ret_group, str *ret_version,
                           struct err *err) MUST_CHECK;
str kube_api_version(struct arena *a, str group, str version); /* "v1", "apps/v1" */

/* "/api/v1/namespaces/NS/pods/NAME/SUB" or "/apis/GROUP/VERSION/...": parts that are "" are left
 * out. The text of each part is percent-escaped where a path needs it. Into arena. */
struct kube_resource_path {
    str group, version, plural, ns, name, subresource;
};
str kube_resource_path_str(struct arena *a, const struct kube_resource_path *p);

/* The reverse, for an already percent-decoded path without query. Namespaces themselves read as
 * plural "namespaces", ns == name (as RequestInfo), and their subresources status and finalize.
 * What follows the subresource (as in pods/x/proxy/a/b) goes to *ret_rest. -ERR_NOT_FOUND when it
 * is not a resource path. Outputs borrow. */
int kube_resource_path_parse(str path, struct kube_resource_path *ret, str *ret_rest,
                             struct err *err) MUST_CHECK;

#endif
