/* kube/schema.h: the structural type of objects: fields, list types and keys, merge rules,
 * defaults.
 *
 * Types of built-in kinds are static (generated from a real server's OpenAPI by tools/kube-tables);
 * the type of a custom resource is built in an arena from its CRD. Both are read by strategic merge
 * (built-in only), server-side apply, validation, pruning and defaulting. Any thread. Source:
 * OpenAPI x-kubernetes-* extensions; structured-merge-diff's schema; apiextensions structural
 * schemas. */
#ifndef KUBE_SCHEMA_H
#define KUBE_SCHEMA_H

#include "value/value.h"

enum kube_type {
    KUBE_ANY, /* anything, unchecked */
    KUBE_BOOL,
    KUBE_INT,
    KUBE_INT32,
    KUBE_NUMBER,
    KUBE_STRING,
    KUBE_BYTES, /* base64 text */
    KUBE_TIME,  /* RFC 3339 text */
    KUBE_QUANTITY,
    KUBE_INT_OR_STRING,
    KUBE_ANY_MAP, /* a map with anything inside */
    KUBE_STRUCT,  /* a map with declared fields; `elem` is the type of others when set (CRDs) */
    KUBE_MAP,     /* a map from text to elem */
    KUBE_LIST,
};

enum kube_list_type { KUBE_LIST_ATOMIC, KUBE_LIST_SET, KUBE_LIST_MAP };

enum {
    KUBE_PATCH_MERGE = 1,
    KUBE_PATCH_REPLACE = 2,
    KUBE_PATCH_RETAIN_KEYS = 4,
};

#define KUBE_LIST_KEYS_MAX 8

struct kube_field;

struct kube_schema {
    str name; /* definition name of a built-in type, else "" */
    enum kube_type type;
    bool merges_lists;     /* it holds, at any depth, lists that strategic merge merges by item */
    bool atomic;           /* map type atomic: one owner for the whole (SSA) */
    bool preserve_unknown; /* x-kubernetes-preserve-unknown-fields */
    bool nullable;
    bool embedded; /* x-kubernetes-embedded-resource: apiVersion, kind and metadata are known */
    enum kube_list_type list;
    str keys; /* list type map: key fields, comma-separated */
    const struct kube_schema *elem;
    const struct kube_field *field; /* sorted by name */
    size_t n_fields;
};

struct kube_field {
    str name;
    const struct kube_schema *type;
    unsigned patch;            /* KUBE_PATCH_* */
    str merge_key;             /* strategic merge key, or "" */
    str default_json;          /* JSON text, or "" */
    str zero_json;             /* what Go prints when it is not set, or "" (nothing) */
    str enums;                 /* allowed texts, comma-separated, or "" */
    uint16_t proto, proto_via; /* protobuf field number; of the embedded message it is in, or 0 */
    bool required;
    bool omit_zero; /* "", 0 and false are not printed by Go */
    bool by_value;  /* a struct that is always there (Go: not a pointer) */
    bool granular;  /* overrides `atomic` of the type */
};

/* Built-in type by definition name ("io.k8s.api.apps.v1.Deployment"), or NULL. */
const struct kube_schema *kube_schema_find(str definition);
/* Built-in type of a kind, or NULL. */
const struct kube_schema *kube_schema_of_kind(str group, str version, str kind);
size_t kube_schema_count(void); /* built-in types, for printing OpenAPI documents */
const struct kube_schema *kube_schema_at(size_t i);

/* Field of a struct type, or NULL. */
const struct kube_field *kube_schema_field(const struct kube_schema *s, str name);
/* Type of the entry `name` of a map-like type (field, or elem), or NULL. */
const struct kube_schema *kube_schema_child(const struct kube_schema *s, str name);
/* The type's short name as Go prints it: "Container". */
str kube_schema_short_name(const struct kube_schema *s);

/* Type of a custom resource from an openAPIV3Schema (absent: anything), with apiVersion, kind and
 * metadata added. In arena; the texts borrow from `schema`. -ERR_INVALID: deeper than
 * VALUE_DEPTH_MAX. */
int kube_schema_of_crd(value schema, struct arena *a, const struct kube_schema **ret,
                       struct err *err) MUST_CHECK;
/* For custom resources without any schema: everything is kept; metadata has its type. */
const struct kube_schema *kube_schema_untyped(struct arena *a);

#endif
