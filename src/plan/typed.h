/* plan/typed.h: what is left of an object after a round trip through its Go type.
 *
 * Upstream decodes desired and live objects of built-in kinds into Go structs and prints them again
 * before it compares: empty members of fields with omitempty vanish, nulls become zero values or
 * vanish, quantities get their canonical text. An object with a field its type does not know, or a
 * value of another type, stays as it is. Source: gitops-engine pkg/diff remarshal; k8s.io/api
 * (gofields_table.inc, made by tools/go-fields). */
#ifndef PLAN_TYPED_H
#define PLAN_TYPED_H

#include "kube/schema.h"

/* Type of a kind that upstream knows as a Go struct, or NULL (custom resources). */
const struct kube_schema *typed_schema(value object);

/* The object itself when nothing changes or it has no type; else a copy in `a`. */
value typed_remarshal(value object, struct arena *a);

/* Whether every field is known and of the right type. */
bool typed_fits(const struct kube_schema *s, value v);

#endif
