/* lang/jsonschema/schema.h: compiled schemas and errors; private to lang/jsonschema/. */
#ifndef LANG_JSONSCHEMA_SCHEMA_H
#define LANG_JSONSCHEMA_SCHEMA_H

#include "base/buf.h"
#include "base/map.h"
#include "lang/jsonschema.h"

/* A number as upstream sees it, exact: m * 10^exp. Beyond 38 digits the rest is dropped. */
struct decimal {
    bool negative;
    int exp;
    unsigned __int128 m; /* no trailing zero digit, except 0 itself with exp 0 */
};
bool decimal_parse(str text, struct decimal *ret);
bool decimal_of(value v, struct decimal *ret);
int decimal_compare(const struct decimal *a, const struct decimal *b);
bool decimal_is_integer(const struct decimal *d);
bool decimal_is_multiple(const struct decimal *a, const struct decimal *b);

enum draft { DRAFT_4 = 4, DRAFT_6 = 6, DRAFT_7 = 7, DRAFT_2019 = 2019, DRAFT_2020 = 2020 };

enum { /* bits, in the order they are listed */
       TYPE_NULL = 1,
       TYPE_BOOLEAN = 2,
       TYPE_NUMBER = 4,
       TYPE_INTEGER = 8,
       TYPE_STRING = 16,
       TYPE_ARRAY = 32,
       TYPE_OBJECT = 64,
};

struct schema;

struct named_schema {
    str name;
    const void *pattern; /* patternProperties */
    struct schema *schema;
};
struct named_schemas {
    struct named_schema *at;
    size_t n, cap;
};
struct schema_list {
    struct schema **at;
    size_t n, cap;
    bool exists;
};
struct dependency { /* names, or a schema */
    str name;
    struct schema *schema;
    str *needs;
    size_t n;
};
struct dependencies {
    struct dependency *at;
    size_t n, cap;
};
struct texts {
    str *at;
    size_t n, cap;
};

enum additional { ADDITIONAL_ABSENT, ADDITIONAL_NO, ADDITIONAL_YES, ADDITIONAL_SCHEMA };

struct bound { /* a limit that may be there */
    bool exists;
    int64_t n;
};
struct limit {
    bool exists;
    struct decimal d;
    double shown;
};

struct format {
    const char *name;
    /* false and a text when s is not of the format. */
    bool (*check)(struct arena *a, str s, str *ret_why);
};
const struct format *format_find(str name);

struct schema {
    str url, ptr, location;
    struct schema *resource; /* whose $id it lies below */
    enum draft draft;
    bool is_bool, allows;
    bool all_props_evaluated, all_items_evaluated;
    size_t n_items_evaluated;
    struct named_schemas dynamic; /* of a resource: $dynamicAnchor -> schema */

    struct schema *ref, *recursive_ref, *dynamic_ref;
    str dynamic_ref_anchor, dynamic_anchor;
    bool recursive_anchor;

    unsigned types;
    value enums, constant; /* absent: none */
    struct schema * not, *if_, *then_, *else_;
    struct schema_list all_of, any_of, one_of;
    const struct format *format;
    bool format_regex;

    struct bound min_properties, max_properties, min_items, max_items, min_contains, max_contains,
        min_length, max_length;
    struct texts required;
    struct schema *property_names, *additional_schema, *unevaluated_properties;
    struct named_schemas properties, patterns;
    enum additional additional;
    struct dependencies dependencies, dependent_required;
    struct named_schemas dependent_schemas;

    bool unique;
    struct schema *contains, *items, *additional_items_schema, *items_2020, *unevaluated_items;
    struct schema_list items_list, prefix_items;
    enum additional additional_items;

    const void *pattern;
    str pattern_text;
    struct limit minimum, maximum, exclusive_minimum, exclusive_maximum, multiple_of;
};

/* What of a document has an $id (or is its root). */
struct anchor {
    str name, ptr;
    bool dynamic;
};
struct resource {
    str ptr, id;
    enum draft draft;
    struct anchor *anchor;
    size_t n_anchors, cap_anchors;
};
struct resources {
    struct resource **at;
    size_t n, cap;
};

struct jsonschema {
    struct schema *root;
    const struct jsonschema_regexp *regexp;
};

/* Errors of validation. */
enum error_kind { ERROR_PLAIN, ERROR_GROUP, ERROR_REFERENCE };
struct verror {
    enum error_kind kind;
    str at; /* JSON pointer of the instance */
    str text;
    struct verror **cause;
    size_t n_causes, cap_causes;
};

struct meta_schemas { /* compiled meta-schemas, made when first asked for */
    struct schema *draft[5];
};

struct validation {
    struct arena *arena;
    const struct jsonschema_regexp *regexp;
    const struct schema *meta;         /* set while validating a schema */
    const struct resources *resources; /* its parts that follow another draft */
    struct schema *(*meta_of)(void *arg, enum draft d);
    void *meta_arg;
    uint64_t steps;
    unsigned depth;
    int rc; /* a bound was passed: err is filled */
    struct err *err;
};

/* NULL when v is valid (or x->rc is set). */
struct verror *schema_validate(struct validation *x, const struct schema *s, value v);
/* The tree of e in lines; `indent` levels of the first. */
void verror_print(struct buf *b, const struct verror *e, int indent);

/* 'text' as upstream quotes. */
str schema_quote(struct arena *a, str s);
/* RFC 6901 */
str pointer_escape(struct arena *a, str token);
str pointer_unescape(struct arena *a, str token, bool *ret_ok);
str url_escape_pointer(struct arena *a, str ptr);
unsigned type_of(value v);
/* As x/text prints a number for English readers. */
str shown_number(struct arena *a, double d);
str shown_int(struct arena *a, int64_t i);

#endif
