/* value/text_scan.h: telling plain bytes from others, 16 at a time where the processor can. Private
 * to the room. Where many strings are read, text_index.h does it ahead.
 *
 * Plain bytes are those that JSON text may hold between quotes in every mode (text_is_plain): ASCII
 * from the blank on without quote, backslash, <, > and &.
 * -DVALUE_SCALAR builds the way of processors without SSE2. */
#ifndef VALUE_TEXT_SCAN_H
#define VALUE_TEXT_SCAN_H

#include <string.h>

#include "base/str.h"

extern const bool text_plain[256];

#if defined(__SSE2__) && !defined(VALUE_SCALAR)
#include <emmintrin.h>

/* Bit i set: byte i of v is not plain. Signed comparison finds control characters and bytes from
 * 0x80 at once; & and " differ in one bit, as do < and >. */
static inline unsigned text_special_mask(__m128i v)
{
    __m128i low = _mm_cmplt_epi8(v, _mm_set1_epi8(0x20));
    __m128i quote_amp = _mm_cmpeq_epi8(_mm_or_si128(v, _mm_set1_epi8(4)), _mm_set1_epi8('&'));
    __m128i angles = _mm_cmpeq_epi8(_mm_or_si128(v, _mm_set1_epi8(2)), _mm_set1_epi8('>'));
    __m128i back = _mm_cmpeq_epi8(v, _mm_set1_epi8('\\'));
    __m128i any = _mm_or_si128(_mm_or_si128(low, quote_amp), _mm_or_si128(angles, back));
    return (unsigned)_mm_movemask_epi8(any);
}

static inline uint64_t text_special_mask_at(const char *p)
{
    return text_special_mask(_mm_loadu_si128((const __m128i *)(const void *)p));
}
#endif

/* Bit i set: p[i] of 64 bytes is not plain. */
static inline uint64_t text_special_mask64(const char *p)
{
#if defined(__SSE2__) && !defined(VALUE_SCALAR)
    return text_special_mask_at(p) | text_special_mask_at(p + 16) << 16 |
           text_special_mask_at(p + 32) << 32 | text_special_mask_at(p + 48) << 48;
#else
    uint64_t mask = 0;
    for (unsigned i = 0; i < 64; i++)
        mask |= (uint64_t)!text_plain[(unsigned char)p[i]] << i;
    return mask;
#endif
}

/* Copy n bytes; 32 more are read and clobbered. Most runs are shorter than 32 bytes, and a copy of
 * fixed size costs no branch. */
static inline char *text_copy_run(char *out, const char *p, size_t n)
{
    memcpy(out, p, 32);
    for (size_t i = 32; __builtin_expect(i < n, 0); i += 32)
        memcpy(out + i, p + i, 32);
    return out + n;
}

/* The first byte that is not plain, or end. */
static inline const char *text_skip_plain(const char *p, const char *end)
{
#if defined(__SSE2__) && !defined(VALUE_SCALAR)
    while (end - p >= 16) {
        unsigned mask = text_special_mask(_mm_loadu_si128((const __m128i *)(const void *)p));
        if (mask)
            return p + __builtin_ctz(mask);
        p += 16;
    }
#endif
    while (p < end && text_plain[(unsigned char)*p])
        p++;
    return p;
}

#endif
