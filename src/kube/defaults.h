/* kube/defaults.h: values that Kubernetes' own types fill in (Scheme.Default).
 *
 * Only what follows from the object alone: no admission, no allocation, no status of a server. A
 * rule names a built-in type and a field; the walk meets the type wherever it stands. Source:
 * pkg/apis/GROUP/VERSION/defaults.go of Kubernetes 1.36. */
#ifndef KUBE_DEFAULTS_H
#define KUBE_DEFAULTS_H

#include "kube/schema.h"

/* `object` with missing fields filled in; the object itself when there are none. Inputs are not
 * changed; s NULL: the object. */
value kube_defaults(const struct kube_schema *s, value object, struct arena *a);

/* The same for a change of `was`, which has its defaults: what the change left in its place (the
 * same node of the same frozen document) is not walked again. */
value kube_defaults_since(const struct kube_schema *s, value object, value was, struct arena *a);

#endif
