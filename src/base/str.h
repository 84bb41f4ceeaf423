/* base/str.h: borrowed views of bytes.
 *
 * A `str` is a pointer and a length; it owns nothing, need not end in NUL, and may hold any bytes.
 * The empty string is {"", 0} or {NULL, 0}; both compare equal. Whoever hands out a str says how
 * long its bytes live. `char *` appears only at the edge to libc. Threads: values, no state. */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

typedef struct {
    const char *at;
    size_t len;
} str;

#define STR(literal) ((str){"" literal, sizeof(literal) - 1})
/* clang-format off */
#define STR_INIT(literal) {"" literal, sizeof(literal) - 1} /* for static tables */
#define STR_FMT(s) (int)(s).len, (s).at                     /* printf("%.*s", STR_FMT(s)) */
/* clang-format on */

/* View of a NUL-terminated string; NULL gives the empty str. Borrows. */
str str_of(const char *z);
static inline str str_mem(const void *at, size_t len) { return (str){at, len}; }

bool str_eq(str a, str b);
bool str_is(str a, const char *z); /* equal to a NUL-terminated string */
bool str_ieq(str a, str b);        /* equal but for the case of ASCII letters */
int str_cmp(str a, str b);         /* byte order; <0, 0, >0 */
bool str_starts(str s, str prefix);
bool str_ends(str s, str suffix);
bool str_has(str s, str needle);

/* Index of the first (last) occurrence, or -1. */
ptrdiff_t str_find(str s, str needle);
ptrdiff_t str_find_char(str s, char c);
ptrdiff_t str_rfind_char(str s, char c);

/* Part of s from byte `from` (clamped), at most `len` bytes; str_from: to the end. Borrows s. */
str str_sub(str s, size_t from, size_t len);
str str_from(str s, size_t from);
str str_trim(str s); /* without leading and trailing ASCII white space */
str str_trim_prefix(str s, str prefix);
str str_trim_suffix(str s, str suffix);

/* Split at the first `c`: true and both halves (without c), or false, *ret_head = s, *ret_tail
 * empty. Outputs may alias s. */
bool str_cut(str s, char c, str *ret_head, str *ret_tail);
/* The same at the last `c`; false: head empty, tail = s. */
bool str_rcut(str s, char c, str *ret_head, str *ret_tail);

/* Next piece of *rest up to `c`; false when *rest is exhausted (rest->at == NULL). An empty string
 * has one empty piece, as strings.Split. */
bool str_next(str *rest, char c, str *ret_piece);

/* Whole of s as a decimal integer (optional sign); false when it is not one or out of range. */
bool str_to_i64(str s, int64_t *ret);
bool str_to_u64(str s, uint64_t *ret);

/* qsort comparator over arrays of str. */
int str_cmp_qsort(const void *a, const void *b);

#endif
