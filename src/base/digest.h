/* base/digest.h: SHA-256 (wherever a tenant's bytes select a cached result), a keyed 64-bit hash
 * (elsewhere), hex and base64. */
#ifndef BASE_DIGEST_H
#define BASE_DIGEST_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"

struct sha256 {
    uint8_t byte[32];
};

struct sha256 sha256_of(str s);
bool sha256_eq(const struct sha256 *a, const struct sha256 *b);

struct sha256_stream; /* incremental; heap */
struct sha256_stream *sha256_open(void);
void sha256_add(struct sha256_stream *s, str bytes);
struct sha256 sha256_close(struct sha256_stream *take_s); /* result; frees */

/* SipHash-1-3 under a key drawn at process start: stable inside a process only, never stored. */
uint64_t hash64(str s);
uint64_t hash64_mix(uint64_t a, uint64_t b);
/* A fixed-key variant for ids that must be equal across processes (FNV-1a 64). */
uint64_t hash64_stable(str s);
uint32_t hash32_fnv1a(str s); /* as Go's hash/fnv New32a */

str hex_str(struct arena *a, const void *at, size_t len); /* lower case */
bool hex_parse(str hex, void *ret, size_t len);           /* exactly len bytes */
int hex_digit(char c);                                    /* its value; -1: none */

str base64_str(struct arena *a, str bytes); /* standard alphabet, padded */
void base64_add(struct buf *out, str bytes);
/* Standard alphabet with padding (as Go's StdEncoding, CR and LF skipped); false when malformed. */
bool base64_parse(struct arena *a, str text, str *ret);
str base64url_str(struct arena *a, str bytes); /* unpadded, for JWT */
bool base64url_parse(struct arena *a, str text, str *ret);

void random_bytes(void *ret, size_t len); /* from the kernel; aborts when it has none */

#endif
