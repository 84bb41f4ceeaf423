/* value/yaml/resolve.h: what a plain YAML 1.1 scalar means, as go-yaml v2 resolves it. Private to
 * the room. */
#ifndef VALUE_YAML_RESOLVE_H
#define VALUE_YAML_RESOLVE_H

#include "base/arena.h"
#include "base/str.h"

enum yaml_kind {
    YAML_STR,
    YAML_NULL,
    YAML_BOOL,
    YAML_INT,
    YAML_UINT, /* above INT64_MAX */
    YAML_FLOAT,
};

struct yaml_scalar {
    enum yaml_kind kind;
    union {
        bool b;
        int64_t i;
        uint64_t u;
        double d;
    };
};

struct yaml_scalar yaml_resolve(str text);

/* A finite float as it comes out of JSON: a whole number becomes the integer of its shortest text,
 * which beyond 2^53 is not the exact one. */
struct yaml_scalar yaml_through_json(double d);

/* A date, or a date with time, that Go's reader takes as a timestamp (a string in JSON; quoted when
 * written). */
bool yaml_is_timestamp(str text);

/* Go's strconv.FormatFloat(d, 'g', -1, bits) with YAML's names of the infinities; bits 32 or 64.
 * Returns the length; ret has room for YAML_FLOAT_BYTES_MAX. */
#define YAML_FLOAT_BYTES_MAX 40
size_t yaml_print_float(double d, int bits, char *ret);

/* Text as JSON can hold it: each byte that is not UTF-8 becomes U+FFFD (only !!binary has such). */
str yaml_json_text(struct arena *a, str s);

/* Standard base64 with padding; CR and LF are passed over. False: not base64. */
bool yaml_base64(str text, struct arena *a, str *ret);

#endif
