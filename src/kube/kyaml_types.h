/* kube/kyaml_types.h: which lists kyaml merges by item, and by which keys.
 *
 * kyaml knows that from a built-in schema of its own (an old Kubernetes release), whose facts are
 * kyaml_table.inc. Nothing here is shared with kube/schema.h, whose lists are those of the current
 * release.
 *
 * Source: sigs.k8s.io/kustomize/kyaml 0.21.1 (kustomize 5.8.1): openapi, yaml/schema. */
#ifndef KUBE_KYAML_TYPES_H
#define KUBE_KYAML_TYPES_H

#include "base/str.h"

#define KYAML_KEYS_MAX 4 /* of one list */

struct kyaml_type;

struct kyaml_field {
    str name, keys; /* of a list's items, comma-separated; "": items are scalars */
    bool merge;     /* its list merges by item */
    const struct kyaml_type *type;
};

struct kyaml_type {
    const struct kyaml_field *field;
    size_t n_fields;
    const struct kyaml_type *elem; /* of lists and maps */
};

/* What is known of a node: its type, and the field that it is the value of. */
struct kyaml_known {
    const struct kyaml_type *type;
    const struct kyaml_field *field;
    bool of_kind; /* it is in an object of a known kind */
};

static inline bool kyaml_is_known(struct kyaml_known k) { return k.type || k.field; }
struct kyaml_known kyaml_known_field(struct kyaml_known k, str name);
/* Of the items of the list k. */
struct kyaml_known kyaml_known_item(struct kyaml_known k);
/* An object of that kind; k when the kind is not known. */
struct kyaml_known kyaml_known_kind(struct kyaml_known k, str api_version, str kind);

#endif
