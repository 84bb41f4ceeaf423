/* value/yaml/resolve3.h: what the reader and the writer of node trees share: scalars as yaml.v3
 * resolves them. Private to the room. */
#ifndef VALUE_YAML_RESOLVE3_H
#define VALUE_YAML_RESOLVE3_H

#include "value/yaml/resolve.h"
#include "value/yaml_node.h"

struct yaml3_scalar {
    str tag; /* short; of "<<" it is !!merge, of a timestamp !!timestamp; both are YAML_STR */
    struct yaml_scalar is;
};

/* A plain text without tag. */
struct yaml3_scalar yaml3_resolve(str text);
/* A text whose tag was written: only !!timestamp makes one of a number-like text that is quoted. */
struct yaml3_scalar yaml3_resolve_as(str tag, str text);

/* A timestamp as Go's time.Time is in JSON (RFC 3339). */
str yaml3_timestamp(struct arena *a, str text);
/* Words that YAML 1.1 takes for booleans and numbers to the base of 60: quoted when written. */
bool yaml3_is_old(str text);

#endif
