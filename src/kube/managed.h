/* kube/managed.h: metadata.managedFields, moved from client-side apply to server-side apply.
 *
 * A manager that wrote with operation Update keeps owning what it wrote; so that a server-side
 * apply can drop a field that it no longer has, the entries of such managers are joined with the
 * applier's before. Pure. Source: client-go util/csaupgrade. */
#ifndef KUBE_MANAGED_H
#define KUBE_MANAGED_H

#include "value/value.h"

/* An entry of `manager` with operation Update. */
bool managed_has_update(value managed_fields, str manager);

/* Managers with operation Update that own the last-applied annotation: those that applied on the
 * client's side, in the order of the entries. ret: room for n_max names, borrowed from the value;
 * returns their number. */
size_t managed_client_side(value managed_fields, str *ret, size_t n_max);

/* The entries with those of `from` (Update) joined into `to` (Apply). *ret absent: there is nothing
 * to move. -ERR_INVALID: fieldsV1 is not understood. */
int managed_upgrade(value managed_fields, const str *from, size_t n_from, str to, struct arena *a,
                    value *ret, struct err *err) MUST_CHECK;

/* The JSON patch that stores them: managedFields replaced, and resourceVersion too, so that a
 * concurrent change is a conflict. */
value managed_upgrade_patch(struct arena *a, value managed_fields, str resource_version);

#endif
