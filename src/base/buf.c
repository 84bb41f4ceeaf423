/* base/buf.c */
#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void buf_init(struct buf *b, size_t bytes_max) { *b = (struct buf){.bytes_max = bytes_max}; }

void buf_done(struct buf *b)
{
    free(b->at);
    *b = (struct buf){.bytes_max = b->bytes_max};
}

void buf_reset(struct buf *b)
{
    b->len = 0;
    b->overflow = false;
    if (b->at)
        b->at[0] = 0;
}

bool buf_reserve(struct buf *b, size_t n)
{
    if (b->cap && n < b->cap - b->len)
        return true;
    if (n > b->bytes_max || b->len > b->bytes_max - n) {
        b->overflow = true;
        return false;
    }
    size_t cap = MAX_OF(b->cap * 2, (size_t)64);
    cap = MAX_OF(cap, b->len + n + 1);
    cap = MIN_OF(cap, b->bytes_max + 1); /* so that the check above is reached at the bound */
    b->at = realloc(b->at, cap);
    if (!b->at)
        abort();
    b->cap = cap;
    b->at[b->len] = 0;
    return true;
}

void buf_add(struct buf *b, str s)
{
    if (s.len == 0 || !buf_reserve(b, s.len))
        return;
    memcpy(b->at + b->len, s.at, s.len);
    b->len += s.len;
    b->at[b->len] = 0;
}

void buf_addz(struct buf *b, const char *z) { buf_add(b, str_of(z)); }

void buf_addc(struct buf *b, char c) { buf_add(b, str_mem(&c, 1)); }

void buf_fill(struct buf *b, char c, size_t n)
{
    if (n == 0 || !buf_reserve(b, n))
        return;
    memset(b->at + b->len, c, n);
    b->len += n;
    b->at[b->len] = 0;
}

void buf_vprintf(struct buf *b, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, again);
    va_end(again);
    if (n <= 0 || !buf_reserve(b, (size_t)n))
        return;
    vsnprintf(b->at + b->len, (size_t)n + 1, format, args);
    b->len += (size_t)n;
}

void buf_printf(struct buf *b, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    buf_vprintf(b, format, args);
    va_end(args);
}

void buf_consume(struct buf *b, size_t n)
{
    if (n > b->len)
        n = b->len;
    if (n == 0)
        return;
    memmove(b->at, b->at + n, b->len - n);
    b->len -= n;
    b->at[b->len] = 0;
}

int buf_check(const struct buf *b, const char *what, struct err *err)
{
    if (!b->overflow)
        return 0;
    return err_set(err, ERR_TOO_LARGE, "%s is larger than %zu bytes", what, b->bytes_max);
}
