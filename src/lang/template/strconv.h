/* lang/template/strconv.h: text of numbers and quoted strings, as Go's strconv has it.
 *
 * Reading never allocates but for unquoted text. Pure. Source: Go strconv. */
#ifndef LANG_TEMPLATE_STRCONV_H
#define LANG_TEMPLATE_STRCONV_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"

enum strconv_result { STRCONV_OK, STRCONV_SYNTAX, STRCONV_RANGE };

/* base 0: by prefix (0x, 0o, 0b, 0), with underscores between digits; else 2..36. On RANGE *ret is
 * the nearest bound, on SYNTAX 0. bits: 8..64. */
enum strconv_result strconv_int(str s, int base, int bits, int64_t *ret);
enum strconv_result strconv_uint(str s, int base, int bits, uint64_t *ret);
/* Decimal or hexadecimal, inf, infinity, nan; on RANGE *ret is an infinity. */
enum strconv_result strconv_float(str s, double *ret);

/* Shortest digits that read back as d (finite, not negative): ret[0..n) without a point, value
 * 0.ddd x 10^*ret_point. Zero gives no digits. Returns n. */
#define STRCONV_DIGITS_MAX 24
size_t strconv_digits(double d, char ret[STRCONV_DIGITS_MAX], int *ret_point);

/* FormatFloat(d, format, precision, 64) for e E f g G x X b; precision -1: shortest. */
void strconv_add_float(struct buf *b, double d, char format, int precision);

/* "..." with Go's escapes; ascii: everything else escaped. */
void strconv_quote(struct buf *b, str s, bool ascii);
/* The rune between `'`s. */
void strconv_quote_rune(struct buf *b, int32_t r, bool ascii);
/* True when `...` may hold it. */
bool strconv_can_backquote(str s);
/* strconv.IsPrint. */
bool strconv_is_print(int32_t r);

/* Text of "...", `...` or '.' with its quotes; false: Go's "invalid syntax". Text of a raw string
 * without CR, or without any escape, is borrowed from s. */
bool strconv_unquote(str s, struct arena *a, str *ret);
/* First rune of s inside quotes of kind `quote`; *ret_rest what follows. *ret_byte: it stands for
 * one byte (\xff), not a rune. */
bool strconv_unquote_char(str s, char quote, int32_t *ret, bool *ret_byte, str *ret_rest);

#endif
