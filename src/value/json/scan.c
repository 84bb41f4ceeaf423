/* value/json/scan.c
 *
 * Inside containers 64 bytes are looked at together, as bits of a word: which bytes are quotes,
 * backslashes, brackets. A quote behind an odd run of backslashes does not count; the running
 * exclusive-or of the others tells the insides of strings; brackets outside them are counted.
 * Example, of `"a\"{":{` (bit 0 left):
 *
 *     quotes      1..1.1..   the second is escaped
 *     in string   11111...   from an opening quote up to before its closing one
 *     open        ....1..1   the first is inside: one level deeper
 *
 * A backslash outside strings is an error that the parser will tell; here it escapes as inside. */
#include "value/json/scan.h"

#if defined(__SSE2__) && !defined(VALUE_SCALAR)
#include <emmintrin.h>
#endif

void json_scan_start(struct json_scan *s, char first)
{
    *s = (struct json_scan){.scalar = first != '{' && first != '[' && first != '"'};
}

#if defined(__SSE2__) && !defined(VALUE_SCALAR)

struct bits {
    uint64_t quote, back, open, close;
};

static inline uint64_t equal_bits(const __m128i v[4], char c)
{
    uint64_t bits = 0;
    for (unsigned i = 0; i < 4; i++) {
        __m128i same = _mm_cmpeq_epi8(v[i], _mm_set1_epi8(c));
        bits |= (uint64_t)(uint16_t)_mm_movemask_epi8(same) << (16 * i);
    }
    return bits;
}

/* { and [, } and ] differ in one bit. */
static inline struct bits bits_of(const char *p)
{
    __m128i v[4], folded[4];
    for (unsigned i = 0; i < 4; i++) {
        v[i] = _mm_loadu_si128((const __m128i *)(const void *)(p + 16 * i));
        folded[i] = _mm_or_si128(v[i], _mm_set1_epi8(0x20));
    }
    return (struct bits){equal_bits(v, '"'), equal_bits(v, '\\'), equal_bits(folded, '{'),
                         equal_bits(folded, '}')};
}

/* Bits behind an odd run of backslashes; *io_carry: such a run ended the block before, or ends this
 * one. */
static inline uint64_t escaped_bits(uint64_t back, bool *io_carry)
{
    uint64_t carry = *io_carry, even = 0x5555555555555555u, sum;
    if (back == 0) {
        *io_carry = false;
        return carry;
    }
    back &= ~carry;
    uint64_t follows = back << 1 | carry;
    uint64_t odd_starts = back & ~even & ~follows;
    *io_carry = __builtin_add_overflow(odd_starts, back, &sum);
    return (even ^ (sum << 1)) & follows;
}

static inline uint64_t running_xor(uint64_t x)
{
    for (unsigned shift = 1; shift < 64; shift *= 2)
        x ^= x << shift;
    return x;
}

/* One block; true when the value ends in it, *ret_n bytes in. */
static inline bool scan_block(struct json_scan *s, const char *p, size_t *ret_n)
{
    struct bits b = bits_of(p);
    uint64_t escaped = escaped_bits(b.back, &s->escaped), quote = b.quote & ~escaped;
    uint64_t inside = running_xor(quote) ^ (s->in_string ? ~(uint64_t)0 : 0);
    uint64_t open = b.open & ~(inside | escaped), close = b.close & ~(inside | escaped);
    s->in_string = inside >> 63;
    if ((unsigned)__builtin_popcountll(close) < s->depth) {
        s->depth += (unsigned)(__builtin_popcountll(open) - __builtin_popcountll(close));
        return false;
    }
    for (uint64_t both = open | close; both; both &= both - 1) {
        unsigned i = (unsigned)__builtin_ctzll(both);
        s->depth += open >> i & 1 ? 1u : -1u;
        if (s->depth == 0) {
            s->in_string = s->escaped = false;
            *ret_n = i + 1;
            return true;
        }
    }
    return false;
}

#endif

/* One byte; true when it is the last of the value. */
static inline bool scan_byte(struct json_scan *s, char c)
{
    if (s->escaped) {
        s->escaped = false;
        return false;
    }
    switch (c) {
    case '\\': s->escaped = true; return false;
    case '"': s->in_string = !s->in_string; return !s->in_string && s->depth == 0;
    case '{':
    case '[': s->depth += !s->in_string; return false;
    case '}':
    case ']':
        if (s->in_string)
            return false;
        s->depth -= s->depth > 0;
        return s->depth == 0;
    default: return false;
    }
}

static size_t scan_scalar(str bytes, bool *ret_complete)
{
    for (size_t i = 0; i < bytes.len; i++)
        if (bytes.at[i] && strchr(" \n\r\t,}]", bytes.at[i])) {
            *ret_complete = true;
            return i;
        }
    return bytes.len;
}

size_t json_scan(struct json_scan *s, str bytes, bool *ret_complete)
{
    const char *p = bytes.at, *end = p + bytes.len;
    *ret_complete = false;
    if (s->scalar)
        return scan_scalar(bytes, ret_complete);
    while (p < end && !*ret_complete) {
#if defined(__SSE2__) && !defined(VALUE_SCALAR)
        size_t n = 64;
        if (s->depth > 0 && end - p >= 64) {
            *ret_complete = scan_block(s, p, &n);
            p += n;
            continue;
        }
#endif
        *ret_complete = scan_byte(s, *p++);
    }
    return (size_t)(p - bytes.at);
}
