/* kube/object.h: small typed readers over a Kubernetes object.
 *
 * Every reader accepts an absent or malformed object and answers "" / 0 / absent. Text is borrowed
 * from the value. */
#ifndef KUBE_OBJECT_H
#define KUBE_OBJECT_H

#include "base/time.h"
#include "kube/key.h"
#include "value/value.h"

str object_api_version(value o);
str object_group(value o); /* "" also when apiVersion is malformed */
str object_version(value o);
str object_kind(value o);
struct kube_gvk object_gvk(value o);
struct kube_key object_key(value o); /* group, kind, metadata.namespace, metadata.name */

str object_name(value o);
str object_ns(value o);
str object_uid(value o);
str object_resource_version(value o);
str object_generate_name(value o);
int64_t object_generation(value o);
usec object_created_at(value o); /* wall clock; 0 when missing */
usec object_deleted_at(value o); /* deletionTimestamp; 0 when missing */
bool object_is_deleting(value o);

value object_labels(value o);      /* map or absent */
value object_annotations(value o); /* map or absent */
str object_label(value o, str key);
str object_annotation(value o, str key);
bool object_has_annotation(value o, str key);
value object_finalizers(value o); /* list or absent */
bool object_has_finalizer(value o, str finalizer);
value object_managed_fields(value o);

struct kube_owner {
    str api_version, kind, name, uid;
    bool controller, block_owner_deletion;
};
value object_owner_refs(value o); /* list or absent */
struct kube_owner kube_owner_of_ref(value ref);
/* The owner with controller: true; false when there is none. */
bool object_controller(value o, struct kube_owner *ret);
bool object_is_owned_by(value o, str uid);

/* Is resourceVersion a newer than b? Numbers compare as numbers (API concepts, "Resource
 * versions"); others only differ, and then either may be the newer one. */
bool resource_version_newer(str a, str b);
/* Older for certain: both are numbers. */
bool resource_version_older(str a, str b);

bool object_is_list(value o); /* kind ends in "List" and has a list under items */

/* The object has the four things every object needs. -ERR_INVALID names what is missing:
 * apiVersion, kind, metadata.name (or generateName). */
int object_check(value o, struct err *err) MUST_CHECK;

#endif
