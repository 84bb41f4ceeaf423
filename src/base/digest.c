/* base/digest.c: SHA-256 by OpenSSL; SipHash-1-3 (Aumasson, Bernstein), FNV-1a, hex and base64 by
 * hand. */
#include "base/digest.h"

#include <openssl/evp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

struct sha256 sha256_of(str s)
{
    struct sha256 out;
    if (EVP_Digest(s.at, s.len, out.byte, NULL, EVP_sha256(), NULL) != 1)
        abort();
    return out;
}

bool sha256_eq(const struct sha256 *a, const struct sha256 *b)
{
    return memcmp(a, b, sizeof(*a)) == 0;
}

struct sha256_stream *sha256_open(void)
{
    EVP_MD_CTX *c = EVP_MD_CTX_new();
    if (!c || EVP_DigestInit_ex(c, EVP_sha256(), NULL) != 1)
        abort();
    return (struct sha256_stream *)c;
}

void sha256_add(struct sha256_stream *s, str bytes)
{
    if (EVP_DigestUpdate((EVP_MD_CTX *)s, bytes.at, bytes.len) != 1)
        abort();
}

struct sha256 sha256_close(struct sha256_stream *take_s)
{
    struct sha256 out;
    if (EVP_DigestFinal_ex((EVP_MD_CTX *)take_s, out.byte, NULL) != 1)
        abort();
    EVP_MD_CTX_free((EVP_MD_CTX *)take_s);
    return out;
}

void random_bytes(void *ret, size_t len)
{
    char *at = ret;
    while (len) {
        ssize_t n = getrandom(at, len, 0);
        if (n < 0)
            abort();
        at += n;
        len -= (size_t)n;
    }
}

static uint64_t hash_key[2];
static pthread_once_t hash_key_once = PTHREAD_ONCE_INIT;

static void draw_hash_key(void)
{
#ifdef TIPHYS_FUZZ
    hash_key[0] = 1; /* a round of fuzzing can be repeated */
#else
    random_bytes(hash_key, sizeof(hash_key));
#endif
}

static inline uint64_t rotl(uint64_t x, int b) { return x << b | x >> (64 - b); }

static inline void sip_round(uint64_t v[4])
{
    v[0] += v[1], v[1] = rotl(v[1], 13) ^ v[0], v[0] = rotl(v[0], 32);
    v[2] += v[3], v[3] = rotl(v[3], 16) ^ v[2];
    v[0] += v[3], v[3] = rotl(v[3], 21) ^ v[0];
    v[2] += v[1], v[1] = rotl(v[1], 17) ^ v[2], v[2] = rotl(v[2], 32);
}

uint64_t hash64(str s)
{
    pthread_once(&hash_key_once, draw_hash_key);
    uint64_t k0 = hash_key[0], k1 = hash_key[1];
    uint64_t v[4] = {k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d, k0 ^ 0x6c7967656e657261,
                     k1 ^ 0x7465646279746573};
    uint64_t m;
    size_t i = 0;
    for (; i + 8 <= s.len; i += 8) {
        memcpy(&m, s.at + i, 8);
        v[3] ^= m;
        sip_round(v);
        v[0] ^= m;
    }
    m = (uint64_t)s.len << 56;
    for (size_t j = 0; i + j < s.len; j++)
        m |= (uint64_t)(unsigned char)s.at[i + j] << (8 * j);
    v[3] ^= m;
    sip_round(v);
    v[0] ^= m;
    v[2] ^= 0xff;
    for (int r = 0; r < 3; r++)
        sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

uint64_t hash64_mix(uint64_t a, uint64_t b)
{
    uint64_t x = a ^ (b + 0x9e3779b97f4a7c15 + (a << 6) + (a >> 2));
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
    x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
    return x ^ (x >> 31);
}

uint64_t hash64_stable(str s)
{
    uint64_t h = 0xcbf29ce484222325;
    for (size_t i = 0; i < s.len; i++)
        h = (h ^ (unsigned char)s.at[i]) * 0x100000001b3;
    return h;
}

uint32_t hash32_fnv1a(str s)
{
    uint32_t h = 0x811c9dc5;
    for (size_t i = 0; i < s.len; i++)
        h = (h ^ (unsigned char)s.at[i]) * 0x01000193;
    return h;
}

str hex_str(struct arena *a, const void *at, size_t len)
{
    static const char digit[] = "0123456789abcdef";
    const unsigned char *p = at;
    char *out = arena_alloc(a, len * 2 + 1);
    for (size_t i = 0; i < len; i++) {
        out[2 * i] = digit[p[i] >> 4];
        out[2 * i + 1] = digit[p[i] & 15];
    }
    return str_mem(out, len * 2);
}

int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

bool hex_parse(str hex, void *ret, size_t len)
{
    if (hex.len != len * 2)
        return false;
    for (size_t i = 0; i < len; i++) {
        int hi = hex_digit(hex.at[2 * i]), lo = hex_digit(hex.at[2 * i + 1]);
        if (hi < 0 || lo < 0)
            return false;
        ((unsigned char *)ret)[i] = (unsigned char)(hi << 4 | lo);
    }
    return true;
}

static const char alphabet_std[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char alphabet_url[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static size_t encode64(const char *alphabet, bool pad, str s, char *out)
{
    const unsigned char *p = (const unsigned char *)s.at;
    char *at = out;
    size_t i = 0;
    for (; i + 3 <= s.len; i += 3) {
        unsigned n = (unsigned)p[i] << 16 | (unsigned)p[i + 1] << 8 | p[i + 2];
        *at++ = alphabet[n >> 18];
        *at++ = alphabet[n >> 12 & 63];
        *at++ = alphabet[n >> 6 & 63];
        *at++ = alphabet[n & 63];
    }
    size_t left = s.len - i;
    if (left) {
        unsigned n = (unsigned)p[i] << 16 | (left == 2 ? (unsigned)p[i + 1] << 8 : 0);
        *at++ = alphabet[n >> 18];
        *at++ = alphabet[n >> 12 & 63];
        if (left == 2)
            *at++ = alphabet[n >> 6 & 63];
        else if (pad)
            *at++ = '=';
        if (pad)
            *at++ = '=';
    }
    return (size_t)(at - out);
}

static bool decode64(const char *alphabet, bool pad, struct arena *a, str text, str *ret)
{
    char *out = arena_alloc(a, text.len / 4 * 3 + 4), *at = out;
    unsigned bits = 0, n_chars = 0, n_pad = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        if (pad && (c == '\n' || c == '\r'))
            continue;
        if (pad && c == '=' && n_chars % 4 >= 2 && n_pad < 2) {
            n_pad++;
            continue;
        }
        const char *p = c ? memchr(alphabet, c, 64) : NULL;
        if (!p || n_pad)
            return false;
        bits = bits << 6 | (unsigned)(p - alphabet);
        if (++n_chars % 4 == 0) {
            *at++ = (char)(bits >> 16);
            *at++ = (char)(bits >> 8);
            *at++ = (char)bits;
        }
    }
    unsigned tail = n_chars % 4;
    if (tail == 1 || (pad && tail + n_pad != (tail ? 4 : 0)))
        return false;
    if (tail == 2)
        *at++ = (char)(bits >> 4);
    if (tail == 3) {
        *at++ = (char)(bits >> 10);
        *at++ = (char)(bits >> 2);
    }
    *ret = str_mem(out, (size_t)(at - out));
    return true;
}

str base64_str(struct arena *a, str bytes)
{
    char *out = arena_alloc(a, (bytes.len + 2) / 3 * 4 + 1);
    return str_mem(out, encode64(alphabet_std, true, bytes, out));
}

void base64_add(struct buf *out, str bytes)
{
    if (buf_reserve(out, (bytes.len + 2) / 3 * 4)) {
        out->len += encode64(alphabet_std, true, bytes, out->at + out->len);
        out->at[out->len] = 0;
    }
}

bool base64_parse(struct arena *a, str text, str *ret)
{
    return decode64(alphabet_std, true, a, text, ret);
}

str base64url_str(struct arena *a, str bytes)
{
    char *out = arena_alloc(a, (bytes.len + 2) / 3 * 4 + 1);
    return str_mem(out, encode64(alphabet_url, false, bytes, out));
}

bool base64url_parse(struct arena *a, str text, str *ret)
{
    return decode64(alphabet_url, false, a, text, ret);
}
