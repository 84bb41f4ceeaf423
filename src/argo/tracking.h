/* argo/tracking.h: which application an object belongs to, as written on the object.
 *
 * Methods: annotation `argocd.argoproj.io/tracking-id` (default), instance label, or both (read
 * from the annotation). Pure; values borrow from their inputs. Source: Argo CD 3.6
 * util/argo/resource_tracking. */
#ifndef ARGO_TRACKING_H
#define ARGO_TRACKING_H

#include "argo/settings.h"

struct tracking_id { /* <instance>:<group>/<kind>:<namespace>/<name> */
    str instance, group, kind, namespace, name;
};

bool tracking_id_parse(str text, struct tracking_id *ret);
str tracking_id_print(struct arena *a, const struct tracking_id *id);

/* Instance name of an application: its name, or namespace_name outside the control plane namespace.
 * Back: "" namespace means the control plane's. */
str tracking_instance(struct arena *a, str app_namespace, str app_name, str control_namespace);
void tracking_instance_split(str instance, str *ret_namespace, str *ret_name);

/* The instance that owns `object`, or "" when none (also when the installation id differs).
 * Borrows. */
str tracking_owner(const struct settings *s, value object);

/* `object` with tracking marks of `instance` written; default_namespace stands in for objects
 * without a namespace. A CustomResourceDefinition is returned unchanged. */
value tracking_write(const struct settings *s, struct arena *a, value object, str instance,
                     str default_namespace);

/* Whether the live object's tracking mark means this very object (false: the mark was copied from
 * another one). target may be absent. */
bool tracking_self_referenced(const struct settings *s, value live, value target);

/* Before a diff: a live object that has the label and no annotation gets the target's annotation,
 * and a label that only the live one has is dropped. Outputs may be the inputs. */
void tracking_normalize(const struct settings *s, struct arena *a, value *io_target,
                        value *io_live);

#endif
