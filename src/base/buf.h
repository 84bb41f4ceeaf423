/* base/buf.h: a growing byte buffer with a stated bound.
 *
 * Owned by whoever declared it (long-lived part: buf_init/buf_done, CLEANUP(buf_done)). Appending
 * past `bytes_max` drops the bytes and sets `overflow`; callers that print check it once at the end
 * with buf_check. at[len] is always NUL once anything was appended. One thread at a time. */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdarg.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/str.h"

#define BUF_BYTES_DEFAULT ((size_t)256 << 20)

struct buf {
    char *at;
    size_t len, cap, bytes_max;
    bool overflow;
};

/* clang-format off */
#define BUF_INIT {.bytes_max = BUF_BYTES_DEFAULT}
/* clang-format on */

void buf_init(struct buf *b, size_t bytes_max);
void buf_done(struct buf *b);  /* frees; usable again with the same bound */
void buf_reset(struct buf *b); /* len = 0, memory kept */

void buf_add(struct buf *b, str s); /* copies */
void buf_addz(struct buf *b, const char *z);
void buf_addc(struct buf *b, char c);
void buf_fill(struct buf *b, char c, size_t n); /* c n times */
void buf_printf(struct buf *b, const char *format, ...) PRINTF(2, 3);
void buf_vprintf(struct buf *b, const char *format, va_list args) PRINTF(2, 0);

/* Room for n more bytes at b->at + b->len; false (and overflow set) past the bound. Then
 * buf_advance. */
bool buf_reserve(struct buf *b, size_t n);
static inline void buf_advance(struct buf *b, size_t n) { b->len += n; }
/* Drop the first n bytes (memmove). */
void buf_consume(struct buf *b, size_t n);

static inline str buf_str(const struct buf *b) { return (str){b->at, b->len}; }
/* 0, or -ERR_TOO_LARGE naming `what` and the bound when anything was dropped. */
int buf_check(const struct buf *b, const char *what, struct err *err) MUST_CHECK;

#endif
