/* lang/jsonschema/pattern.h: regular expressions of schemas: Go's, by the RE2 library.
 *
 * A program lives until the arena ends (an arena hook frees it). Matching is linear in the text.
 * Memory of one program is bounded by RE2's own limit. Source: Go regexp; RE2. */
#ifndef LANG_JSONSCHEMA_PATTERN_H
#define LANG_JSONSCHEMA_PATTERN_H

#include "base/arena.h"
#include "base/err.h"

#ifdef __cplusplus
extern "C" {
#endif

/* For the shim: a program or NULL, then *ret_code and *ret_arg tell why (arg: len bytes). */
void *pattern_new(const char *at, size_t len, int *ret_code, char *ret_arg, size_t *io_arg_len);
void pattern_free(void *program);
bool pattern_search(const void *program, const char *at, size_t len);

#ifdef __cplusplus
}
#endif

#endif
