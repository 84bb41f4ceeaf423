/* lang/regexp.h: Go's regular expressions by the RE2 library, whose semantics they have.
 *
 * A program is freed with regexp_free (an arena hook does it). Matching is linear in the text; the
 * memory of one program is bounded by RE2's own limit. Threads may share a program.
 *
 * Source: Go regexp and regexp/syntax (texts of errors); RE2. */
#ifndef LANG_REGEXP_H
#define LANG_REGEXP_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#define REGEXP_ARG_MAX 512

/* A program (owned), or NULL: *ret_code is RE2's error, ret_arg its *io_arg_len bytes of argument
 * (cut to what *io_arg_len was). */
void *regexp_new(const char *at, size_t len, int *ret_code, char *ret_arg, size_t *io_arg_len);
void regexp_free(void *program);

/* Capturing groups without the whole match. */
size_t regexp_groups(const void *program);
/* Number of the group of that name, or -1. */
int regexp_named(const void *program, const char *name, size_t len);
/* Leftmost match at or behind byte `from`: ret_group[2 i] and [2 i + 1] are the bounds of group i,
 * -1 when it took no part; n groups including the whole, 0 when only whether it matches counts. */
bool regexp_match(const void *program, const char *at, size_t len, size_t from,
                  ptrdiff_t *ret_group, size_t n);

/* How Go tells one of RE2's errors. */
struct regexp_refusal {
    int code;
    const char *text;
    enum { REGEXP_SHOWS_NOTHING, REGEXP_SHOWS_ARGUMENT, REGEXP_SHOWS_WHOLE } shows;
};
/* NULL: the expression is too large. */
const struct regexp_refusal *regexp_refusal_find(int code);

#ifdef __cplusplus
}
#endif

#endif
