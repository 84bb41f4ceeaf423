/* value/bind.h: bind tables: one row per field of our own kinds.
 *
 * A table describes an object type; from it come validation, defaults, documentation, the OpenAPI
 * v3 structural schema and the CRD, and the protobuf form. Tables are static const data written by
 * the room that owns the kind (argo/):
 *
 *     static const struct bind_field destination_fields[] = {
 *         {"server", BIND_STRING, 1, .help = "URL of the cluster's API server."},
 *         {"namespace", BIND_STRING, 2, .help = "Namespace of objects that name none."},
 *     };
 *     const struct bind_table destination_table = BIND_TABLE("ApplicationDestination", "Where to
 * deploy.", destination_fields);
 *     ...
 *     {"destination", BIND_OBJECT, 1, .flags = BIND_REQUIRED, .table = &destination_table, .help =
 * "..."},
 *     {"sources", BIND_OBJECT, 8, .shape = BIND_LIST, .table = &source_table, .help = "..."},
 *     {"labels", BIND_STRING, 1, .shape = BIND_MAP, .help = "..."},
 *
 * Values stay `value`: nothing is copied into C structs. Source: Kubernetes' structural schemas and
 * the API server's validation messages (apiextensions: "spec.project: Required value"). */
#ifndef VALUE_BIND_H
#define VALUE_BIND_H

#include "base/buf.h"
#include "value/value.h"

enum bind_type {
    BIND_STRING,
    BIND_BOOL,
    BIND_INT32,
    BIND_INT64,
    BIND_DOUBLE,
    BIND_TIME,          /* metav1.Time: RFC 3339 string, format date-time; may be null */
    BIND_BYTES,         /* base64 string, format byte */
    BIND_INT_OR_STRING, /* x-kubernetes-int-or-string */
    BIND_OBJECT,        /* fields of .table; without a table: an object whose fields are all kept */
    BIND_ANY,           /* any JSON, kept as it is */
    BIND_METADATA, /* metav1.ObjectMeta of the root: the API server's own schema, shown as `type:
                      object` */
};

enum bind_shape {
    BIND_ONE,
    BIND_LIST, /* list of the type */
    BIND_MAP,  /* map from string to the type */
};

enum {
    BIND_REQUIRED = 1,
    BIND_NULLABLE = 2,     /* null is a value, not an error */
    BIND_KEEP_UNKNOWN = 4, /* BIND_OBJECT: fields that are not in the table are kept */
    BIND_SENSITIVE = 8,    /* never shown: DISPLAY and LOG mask it */
    BIND_DEPRECATED = 16,  /* said in the help */
    BIND_SET = 32,         /* BIND_LIST: x-kubernetes-list-type set */
    BIND_ATOMIC = 64,      /* x-kubernetes-list-type atomic, of one object x-kubernetes-map-type */
    BIND_NOT_IN_SCHEMA = 128, /* protobuf and documentation only */
    BIND_POINTER = 512,       /* a pointer in Go: its zero value is a value (protobuf keeps it) */
    BIND_EMBEDDED_RESOURCE = 256, /* x-kubernetes-embedded-resource */
    BIND_WRAPPED = 1024, /* list or map: in protobuf field 1 of a message of its own, which tells
                            an empty one from none */
};

struct bind_table;

struct bind_field {
    const char *name; /* JSON name */
    enum bind_type type;
    uint16_t number; /* protobuf field number; 0: not in protobuf */
    enum bind_shape shape;
    unsigned flags;
    const struct bind_table *table; /* BIND_OBJECT */
    const char *fallback;           /* default, as JSON text ("true", "\"*\"", "[]"); NULL: none */
    const char *const *one_of;      /* allowed strings, NULL-terminated; NULL: any */
    const char *pattern; /* regular expression shown in the schema (checked by the API server) */
    int64_t min, max;    /* of integers, or of list and string lengths; both 0: unbounded */
    const char *const *list_keys; /* BIND_LIST: x-kubernetes-list-map-keys, NULL-terminated */
    const char *format;           /* OpenAPI format; NULL: by type */
    const char *help;             /* one or more sentences */
};

struct bind_table {
    const char *name; /* Go type name upstream, used for protobuf messages and documentation */
    const char *help;
    const struct bind_field *field;
    size_t n_fields;
};

#define BIND_TABLE(type_name, help_text, rows)                                                     \
    {                                                                                              \
        .name = (type_name), .help = (help_text), .field = (rows), .n_fields = ARRAY_LEN(rows)     \
    }

struct bind_column {                     /* additionalPrinterColumns */
    const char *name, *json_path, *type; /* "Sync Status", ".status.sync.status", "string" */
    int priority;                        /* 0: always shown; 10: -o wide */
    const char *help;                    /* NULL: none */
};

struct bind_kind {
    const char *group, *version, *kind, *plural, *singular;
    const char *const *short_names; /* NULL-terminated */
    bool cluster_scoped, status_subresource;
    const struct bind_table *table; /* of the whole object: metadata, spec, status, operation */
    const struct bind_column *column;
    size_t n_columns;
    const char *const *labels; /* name, value, name, value, ..., NULL: labels of the CRD object */
};

/* ---- finding ---- */

/* metav1.ObjectMeta: what a BIND_METADATA row holds. */
extern const struct bind_table bind_metadata_table;

/* The row of a field; NULL when there is none. */
const struct bind_field *bind_find(const struct bind_table *t, str name);
/* The row at a dotted path ("spec.source.helm.parameters"), stepping into elements of lists and
 * maps. */
const struct bind_field *bind_find_path(const struct bind_table *t, const char *dotted);

/* ---- validation ---- */

enum {
    BIND_REFUSE_UNKNOWN = 1,  /* a field without a row is a problem: unknown field "spec.foo" */
    BIND_IGNORE_REQUIRED = 2, /* for patches and partial objects */
};

/* One problem. path: "spec.sources[1].repoURL". text: the API server's words behind the path, e.g.
 * `Required value`, `Invalid value: "integer": spec.project in body must be of type string:
 * "integer"`, `Unsupported value: "x": supported values: "a", "b"`. pos: where in the file; line 0
 * unknown. Borrowed for the call. Non-zero stops. */
struct bind_problem {
    str path, text;
    struct value_pos pos;
};
typedef int bind_problem_fn(void *arg, const struct bind_problem *problem);

/* Every problem of v, in field order; returns how many were told. */
size_t bind_check_each(const struct bind_table *t, value v, unsigned flags, bind_problem_fn *fn,
                       void *arg);
/* The first: -ERR_INVALID, "FILE:LINE:COLUMN: spec.project: Required value" (no place when
 * unknown). */
int bind_check(const struct bind_table *t, value v, str file, unsigned flags,
               struct err *err) MUST_CHECK;

/* v with the defaults of missing fields filled in, as the API server does for CRDs (a default
 * inside an object that is missing is not filled). Borrows what does not change. */
value bind_default(struct arena *a, const struct bind_table *t, value v);
/* v without fields that have no row, as the API server prunes. */
value bind_prune(struct arena *a, const struct bind_table *t, value v);

/* v as upstream's clients print the Go struct that they read it into: unknown fields and zero
 * values that may be left out are gone, structs and required fields are there. What somebody
 * stores after reading the object as a whole looks like this. */
value bind_as_typed(struct arena *a, const struct bind_table *t, value v);

/* ---- documentation and schemas ---- */

/* Field documentation as `kubectl explain` lays it out, of the row at `dotted` ("" is the kind).
 * -ERR_NOT_FOUND. */
int bind_explain(const struct bind_kind *k, const char *dotted, bool recursive, struct buf *out,
                 struct err *err) MUST_CHECK;
/* OpenAPI v3 structural schema of a table: a building map. */
value bind_schema(struct arena *a, const struct bind_table *t);
/* The apiextensions.k8s.io/v1 CustomResourceDefinition of a kind. */
value bind_crd(struct arena *a, const struct bind_kind *k);

#endif
