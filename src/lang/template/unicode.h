/* lang/template/unicode.h: runes as Go's unicode and unicode/utf8 packages see them.
 *
 * A rune is an int32_t; decoding a damaged sequence gives UNICODE_ERROR with width 1. Tables are
 * made by tests/oracle/template (go run . unicode). Pure. Source: Go unicode, unicode/utf8. */
#ifndef LANG_TEMPLATE_UNICODE_H
#define LANG_TEMPLATE_UNICODE_H

#include "base/buf.h"
#include "base/str.h"

#define UNICODE_ERROR 0xFFFD
#define UNICODE_MAX 0x10FFFF
#define UNICODE_BYTES_MAX 4 /* of one rune */

enum unicode_bits { /* as in tests/oracle/template/unicode.go */
                    UNICODE_LETTER = 1,
                    UNICODE_UPPER = 2,
                    UNICODE_LOWER = 4,
                    UNICODE_TITLE = 8,
                    UNICODE_DIGIT = 16,
                    UNICODE_NUMBER = 32,
                    UNICODE_PUNCT = 64,
                    UNICODE_PRINT = 128,
};

unsigned unicode_class(int32_t r); /* UNICODE_* bits; 0 for what is no rune */
bool unicode_is_space(int32_t r);  /* White_Space */
int32_t unicode_upper(int32_t r);
int32_t unicode_lower(int32_t r);
int32_t unicode_title(int32_t r);

/* First (last) rune of a non-empty s; *ret_width bytes (1 when damaged). *ret_width 0: s is empty.
 */
int32_t unicode_decode(str s, size_t *ret_width);
int32_t unicode_decode_last(str s, size_t *ret_width);
/* Bytes written; what is no rune becomes U+FFFD. */
size_t unicode_encode(int32_t r, char ret[UNICODE_BYTES_MAX]);
void unicode_add(struct buf *b, int32_t r);
size_t unicode_count(str s); /* runes */

/* strings.TrimSpace, and by a set of runes from either end. */
str unicode_trim_space(str s);
str unicode_trim(str s, str cutset);

#endif
