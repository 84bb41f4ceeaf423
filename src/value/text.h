/* value/text.h: bytes of strings: which need care when printed as JSON, UTF-8 decoding. Private to
 * the room. */
#ifndef VALUE_TEXT_H
#define VALUE_TEXT_H

#include "base/buf.h"
#include "base/str.h"

/* True when the text can be put between quotes as it is in every mode: no control characters,
 * quote, backslash,
 * <, >, &, and nothing outside ASCII. */
bool text_is_plain(str s);

/* Bytes of the valid UTF-8 sequence at p (1..4), or 0 when there is none: overlong forms,
 * surrogates and code points above U+10FFFF are refused, as Go's utf8.DecodeRune does. */
unsigned utf8_len(const char *p, const char *end);
/* Length of the sequence; *ret is U+FFFD and the length 1 when it is invalid. p < end. */
unsigned utf8_decode(const char *p, const char *end, uint32_t *ret);
/* Writes 1..4 bytes. */
unsigned utf8_encode(uint32_t rune, char ret[4]);
bool utf8_valid(str s);

/* Append s in double quotes as Go's strconv.Quote: for messages. What Unicode calls not printable
 * is known for the usual blocks. */
void text_quote(str s, struct buf *out);

#endif
