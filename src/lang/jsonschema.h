/* lang/jsonschema.h: JSON Schema, drafts 4, 6, 7, 2019-09 and 2020-12.
 *
 * A schema is compiled (its own text is first validated against its draft's meta-schema) and then
 * validates any number of values. Messages are those of the Go library that Helm prints, tree and
 * wording. References stay inside the document and the meta-schemas: nothing is ever loaded from a
 * file or a network, such a reference is an error; an unresolved `urn:` permits everything, as in
 * Helm. Where Go's map order decides the order of messages, ours is the keys' byte order.
 *
 * Bounds: text, number of compiled schemas, nesting and steps of one validation (JSONSCHEMA_*_MAX);
 * each ends with -ERR_TOO_LARGE and a text that names it. A cycle of references that consumes no
 * value is told as upstream tells it. Memory: the arena passed; a compiled schema lives in its
 * arena and is immutable. Threads: none of its own.
 *
 * Source: santhosh-tekuri/jsonschema v6.0.2; json-schema.org. */
#ifndef LANG_JSONSCHEMA_H
#define LANG_JSONSCHEMA_H

#include "base/arena.h"
#include "base/err.h"
#include "value/value.h"

#define JSONSCHEMA_BYTES_MAX ((size_t)8 << 20)
#define JSONSCHEMA_SCHEMAS_MAX 200000
#define JSONSCHEMA_DEPTH_MAX 1500 /* schemas applied inside each other */
#define JSONSCHEMA_STEPS_MAX ((uint64_t)5 * 1000 * 1000)

/* The regular expressions of `pattern`: Go's. */
struct jsonschema_regexp {
    /* -ERR_INVALID "error parsing regexp: ..." */
    int (*compile)(str pattern, struct arena *a, const void **ret, struct err *err);
    bool (*match)(const void *program, str text);
};

extern const struct jsonschema_regexp JSONSCHEMA_RE2;

struct jsonschema;

struct jsonschema_input {
    str url; /* of the document, "file:///values.schema.json" */
    const struct jsonschema_regexp *regexp;
    /* Called once for each urn: that permits everything; may be NULL. */
    void (*unresolved)(void *arg, str urn);
    void *arg;
};

/* -ERR_INVALID: not JSON, not valid against its meta-schema, a reference to nowhere; upstream's
 * text. *ret_text (arena): the whole text, which may be longer than a struct err holds. */
int jsonschema_compile(str text, const struct jsonschema_input *in, struct arena *a,
                       const struct jsonschema **ret, str *ret_text, struct err *err) MUST_CHECK;

/* 0 when v is valid. Else -ERR_UNPROCESSABLE and *ret_text: lines "- at '/a': got number, want
 * string", causes indented by two blanks, no newline at the end. */
int jsonschema_validate(const struct jsonschema *s, value v, struct arena *a, str *ret_text,
                        struct err *err) MUST_CHECK;

#endif
