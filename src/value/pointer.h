/* value/pointer.h: JSON Pointer (RFC 6901): "/spec/containers/0/image", with ~1 for / and ~0 for ~.
 *
 * "" is the whole document. A token on a list is an index without leading zeros. Pure; any value.
 */
#ifndef VALUE_POINTER_H
#define VALUE_POINTER_H

#include "value/value.h"

/* Step through the tokens: str rest = pointer; while (pointer_next(a, &rest, &token)). Tokens are
 * unescaped (borrowed when there is nothing to unescape, else in a). The pointer's first slash must
 * be there (pointer_valid). */
bool pointer_next(struct arena *a, str *rest, str *ret_token);
/* "" or starts with "/", and every ~ is followed by 0 or 1. */
bool pointer_valid(str pointer);

/* The value a pointer names; absent when a step is missing or the pointer is not valid. */
value pointer_get(value root, str pointer);

/* Index token of a list: false unless it is 0 or digits without a leading zero. "-" is not an
 * index. */
bool pointer_index(str token, size_t *ret);

/* Append "/" and the escaped token to a pointer. */
str pointer_join(struct arena *a, str pointer, str token);

#endif
