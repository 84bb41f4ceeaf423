/* value/text_index.c */
#include "value/text_index.h"

#include "value/text_scan.h"

#if defined(__SSE2__) && !defined(VALUE_SCALAR)
#define WITH_AVX
#include <immintrin.h>
#endif

#define BLOCK 64

/* Blocks of live objects have nine entries; a loop that ends at the last one would be mispredicted
 * at nearly every block. So many are written always; what is too much is written over. */
#define ALWAYS_WRITTEN 8

/* Entries for the bits of a mask, at out. */
static inline __attribute__((always_inline)) uint32_t *put_entries(uint64_t mask, uint32_t position,
                                                                   uint32_t *out)
{
    uint32_t *end = out + __builtin_popcountll(mask);
    for (unsigned k = 0; k < ALWAYS_WRITTEN; k++) {
        /* there is no zero to count in 0: the highest bit stands behind all others */
        out[k] = position + (uint32_t)__builtin_ctzll(mask | (uint64_t)1 << 63);
        mask &= mask - 1;
    }
    for (out += ALWAYS_WRITTEN; __builtin_expect(out < end, 0); out++) {
        *out = position + (uint32_t)__builtin_ctzll(mask);
        mask &= mask - 1;
    }
    return end;
}

static uint32_t *index_blocks(const char *p, size_t n_blocks, uint32_t position, uint32_t *out)
{
    for (; n_blocks > 0; n_blocks--, p += BLOCK, position += BLOCK)
        out = put_entries(text_special_mask64(p), position, out);
    return out;
}

#ifdef WITH_AVX
/* text_special_mask for 32 bytes. */
__attribute__((target("avx2"))) static inline uint64_t special_mask32(const char *p)
{
    __m256i v = _mm256_loadu_si256((const __m256i *)(const void *)p);
    __m256i low = _mm256_cmpgt_epi8(_mm256_set1_epi8(0x20), v);
    __m256i quote_amp =
        _mm256_cmpeq_epi8(_mm256_or_si256(v, _mm256_set1_epi8(4)), _mm256_set1_epi8('&'));
    __m256i angles =
        _mm256_cmpeq_epi8(_mm256_or_si256(v, _mm256_set1_epi8(2)), _mm256_set1_epi8('>'));
    __m256i back = _mm256_cmpeq_epi8(v, _mm256_set1_epi8('\\'));
    __m256i any = _mm256_or_si256(_mm256_or_si256(low, quote_amp), _mm256_or_si256(angles, back));
    return (uint32_t)_mm256_movemask_epi8(any);
}

__attribute__((target("avx2,bmi,popcnt"))) static uint32_t *index_blocks_avx2(const char *p,
                                                                              size_t n_blocks,
                                                                              uint32_t position,
                                                                              uint32_t *out)
{
    for (; n_blocks > 0; n_blocks--, p += BLOCK, position += BLOCK)
        out = put_entries(special_mask32(p) | special_mask32(p + 32) << 32, position, out);
    return out;
}

/* 64 bytes at a time, and the entries of a block by compressing the numbers 0 to 63: no loop over
 * them. */
__attribute__((target("avx512f,avx512bw,avx512vbmi2,popcnt"))) static uint32_t *index_blocks_avx512(
    const char *p, size_t n_blocks, uint32_t position, uint32_t *out)
{
    char numbers[BLOCK];
    for (int i = 0; i < BLOCK; i++)
        numbers[i] = (char)i;
    const __m512i all = _mm512_loadu_si512(numbers), v4 = _mm512_set1_epi8(4);
    const __m512i v2 = _mm512_set1_epi8(2), blank = _mm512_set1_epi8(' ');
    const __m512i amp = _mm512_set1_epi8('&'), angle = _mm512_set1_epi8('>');
    const __m512i back = _mm512_set1_epi8('\\');
    for (; n_blocks > 0; n_blocks--, p += BLOCK, position += BLOCK) {
        __m512i v = _mm512_loadu_si512(p);
        uint64_t mask =
            _mm512_cmplt_epi8_mask(v, blank) | _mm512_cmpeq_epi8_mask(_mm512_or_si512(v, v4), amp) |
            _mm512_cmpeq_epi8_mask(_mm512_or_si512(v, v2), angle) | _mm512_cmpeq_epi8_mask(v, back);
        __m512i found = _mm512_maskz_compress_epi8(mask, all);
        unsigned n = (unsigned)__builtin_popcountll(mask);
        for (unsigned k = 0;; k += 16) {
            __m512i four = _mm512_cvtepu8_epi32(_mm512_castsi512_si128(found));
            _mm512_storeu_si512(out + k, _mm512_add_epi32(four, _mm512_set1_epi32((int)position)));
            if (__builtin_expect(k + 16 >= n, 1))
                break;
            found = _mm512_alignr_epi64(found, found, 2); /* the next sixteen bytes */
        }
        out += n;
    }
    return out;
}
#endif

enum text_index_way text_index_best_way(void)
{
#ifdef WITH_AVX
    if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vbmi2"))
        return TEXT_INDEX_AVX512;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi"))
        return TEXT_INDEX_AVX2;
#endif
    return TEXT_INDEX_PLAIN;
}

static uint32_t *index_any(enum text_index_way way, const char *p, size_t n_blocks,
                           uint32_t position, uint32_t *out)
{
    switch (way) {
#ifdef WITH_AVX
    case TEXT_INDEX_AVX512: return index_blocks_avx512(p, n_blocks, position, out);
    case TEXT_INDEX_AVX2: return index_blocks_avx2(p, n_blocks, position, out);
#endif
    default: return index_blocks(p, n_blocks, position, out);
    }
}

/* The text's last, shorter block. */
static uint32_t *index_rest(enum text_index_way way, const char *p, size_t n, uint32_t position,
                            uint32_t *out)
{
    char block[BLOCK];
    memset(block, ' ', sizeof(block)); /* which is plain */
    memcpy(block, p, n);
    return index_any(way, block, 1, position, out);
}

/* Entries of the next piece. */
static uint32_t *index_piece(struct text_index *x, uint32_t *out)
{
    size_t n = MIN_OF((size_t)(x->end - x->next), (size_t)TEXT_INDEX_PIECE), rest = n % BLOCK;
    uint32_t position = (uint32_t)(x->next - x->text);
    out = index_any(x->way, x->next, n / BLOCK, position, out);
    x->next += n - rest;
    position += (uint32_t)(n - rest);
    if (rest)
        out = index_rest(x->way, x->next, rest, position, out);
    x->next += rest;
    return out;
}

const uint32_t *text_index_more(struct text_index *x)
{
    uint32_t *out = x->at;
    while (out == x->at && x->next < x->end)
        out = index_piece(x, out);
    *out = x->next < x->end ? TEXT_INDEX_MORE : (uint32_t)(x->end - x->text);
    return x->at;
}

const uint32_t *text_index_init(struct text_index *x, str text, enum text_index_way way)
{
    x->way = way;
    x->text = x->next = text.at;
    x->end = text.at + text.len;
    return text_index_more(x);
}
