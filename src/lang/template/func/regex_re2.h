/* lang/template/func/regex_re2.h: RE2 behind C functions. Private to the room. */
#ifndef LANG_TEMPLATE_FUNC_REGEX_RE2_H
#define LANG_TEMPLATE_FUNC_REGEX_RE2_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A program, or NULL: *ret_code is RE2's error, ret_arg its *io_arg_len bytes of argument. */
void *regex_re2_new(const char *at, size_t len, int *ret_code, char *ret_arg, size_t *io_arg_len);
void regex_re2_free(void *program);
size_t regex_re2_groups(const void *program);
/* Number of the group of that name, or -1. */
int regex_re2_named(const void *program, const char *name, size_t len);
/* Leftmost match at or behind byte `from`: ret_group[2 i] and [2 i + 1] are the bounds of group i,
 * -1 when it took no part; n groups including the whole. */
bool regex_re2_match(const void *program, const char *at, size_t len, size_t from,
                     ptrdiff_t *ret_group, size_t n);

#ifdef __cplusplus
}
#endif

#endif
