/* lang/jsonschema/check.h: one schema on one value: what validate.c and the families of keywords
 * (check_*.c) share; private to lang/jsonschema/.
 *
 * A family pushes the errors it finds and goes on; what returns an error ends the schema.
 * Everything lives in the arena of the validation. */
#ifndef LANG_JSONSCHEMA_CHECK_H
#define LANG_JSONSCHEMA_CHECK_H

#include "lang/jsonschema/schema.h"

/* Which members or items nothing has looked at yet; `left` in order of the value. */
struct unevaluated {
    bool *left;
    size_t n, n_left;
};

/* Schemas that are applied to the same value, innermost first: finds cycles. */
struct scope {
    const struct schema *s;
    const char *keyword; /* of a jump: "$ref"; NULL: below its parent */
    unsigned value_id;
    const struct scope *parent;
};

struct path { /* of the value, innermost first */
    str token;
    const struct path *parent;
};

struct check { /* one schema on one value */
    struct validation *x;
    const struct schema *s;
    value v;
    const struct path *path;
    struct scope scope;
    struct unevaluated left;
    struct verror **error;
    size_t n_errors, cap_errors;
    bool silent; /* only whether it is valid counts */
};

/* The place of a value as a JSON pointer. */
str check_pointer(struct arena *a, const struct path *p);

/* An error at the value's place; when the check is silent one that says nothing. */
struct verror *check_error(struct check *c, enum error_kind kind, str text);
void check_push(struct check *c, struct verror *e); /* NULL: nothing */
/* An error with those of another check below it. */
void check_push_all(struct check *c, str text, const struct check *causes);
void verror_add(struct arena *a, struct verror *e, struct verror *cause);
#define CHECK_TEXT(c, ...) ((c)->silent ? STR("") : arena_printf((c)->x->arena, __VA_ARGS__))
#define CHECK_ADD(c, ...)                                                                          \
    check_push((c), check_error((c), ERROR_PLAIN, CHECK_TEXT((c), __VA_ARGS__)))

/* Member or item i has been looked at by a keyword; all have. */
void check_evaluated(struct check *c, size_t i);
void check_all_evaluated(struct check *c);

/* s on the same value (keyword: of a jump, else NULL), on a part of it, by a check that is ready.
 * NULL: valid, or a bound was passed (x->rc). */
struct verror *check_self(struct check *c, const struct schema *s, const char *keyword,
                          bool silent);
struct verror *check_child(struct check *c, const struct schema *s, value v, str token);
struct verror *check_enter(struct check *below, const struct schema *s);
str check_index_token(struct check *c, size_t i);

struct member { /* of an object */
    str key;
    value v;
    size_t i;
};
/* The object's members in order of their keys. */
struct member *check_members_of(struct check *c, size_t *ret_n);

/* The families. */
struct verror *check_basics(struct check *c); /* the first of type, const, enum, format to fail */
struct verror *check_reference(struct check *c, const struct schema *s, const char *keyword);
void check_object(struct check *c);
void check_array(struct check *c);
void check_string(struct check *c);
void check_number(struct check *c);
void check_dynamic(struct check *c); /* $recursiveRef, $dynamicRef */
void check_conditions(struct check *c);
void check_unevaluated(struct check *c);
/* minItems and their like: b does not hold of got. */
void check_count(struct check *c, const char *keyword, size_t got, const struct bound *b,
                 bool at_most);

#endif
