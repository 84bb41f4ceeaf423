/* lang/template/print.h: Go's fmt. Private to the room.
 *
 * Arguments are interface{}: "no value" is nil. Output past the buffer's bound is dropped and
 * printing ends soon after. Source: Go 1.26 fmt. */
#ifndef LANG_TEMPLATE_PRINT_H
#define LANG_TEMPLATE_PRINT_H

#include "base/buf.h"
#include "lang/template_value.h"

#define PRINT_WIDTH_MAX 1000000 /* of a verb, and its precision; as Go */

void print_args(struct buf *out, struct arena *a, const tval *arg, size_t n);   /* Sprint */
void println_args(struct buf *out, struct arena *a, const tval *arg, size_t n); /* Sprintln */
void printf_args(struct buf *out, struct arena *a, str format, const tval *arg, size_t n);
/* One argument by one verb, without flags. */
void print_verb(struct buf *out, struct arena *a, tval arg, char verb);

/* A printer at work; flags are of the verb in hand. */
struct printer {
    struct buf *out;
    struct arena *arena;
    bool has_width, has_precision, minus, plus, sharp, space, zero, plus_v, sharp_v;
    int width, precision;
    bool erroring;
    tval arg; /* for %!v(...): what is being printed */
};

/* ---- print_scalar.c ---- */
void print_pad(struct printer *p, str s); /* to the width */
void print_padding(struct printer *p, int n);
void print_integer(struct printer *p, uint64_t u, bool is_negative, int base, int32_t verb);
void print_rune(struct printer *p, uint64_t u);
void print_quoted_rune(struct printer *p, uint64_t u);
void print_unicode(struct printer *p, uint64_t u);
void print_float(struct printer *p, double d, char verb, int precision);
void print_text(struct printer *p, str s);   /* %s */
void print_quoted(struct printer *p, str s); /* %q */
void print_hex(struct printer *p, str s, bool upper);

#endif
