/* plan/managers.h: fields that other managers are trusted with (managedFieldsManagers).
 *
 * Source: argo-cd util/argo/managedfields; FieldsV1 of metav1.ManagedFieldsEntry. */
#ifndef PLAN_MANAGERS_H
#define PLAN_MANAGERS_H

#include "value/value.h"

/* Removes from both objects every field that both have with different values and that one of
 * `managers` (list of texts) owns in the live object. -ERR_INVALID: managedFields are not
 * understood. */
int managers_drop_conflicts(value managers, struct arena *a, value *io_target, value *io_live,
                            struct err *err) MUST_CHECK;

#endif
