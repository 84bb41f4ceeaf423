/* value/tape.h: the layout of a frozen document. Private to the room: only value.c, doc.c, json_*.c
 * include it.
 *
 * A document is a run of bytes without pointers. Every value starts with a 32-bit header (host
 * order, unaligned):
 *
 *     bits 0..3 kind   bit 4 sensitive   bits 5..31 payload
 *
 *     NULL FALSE TRUE      nothing follows
 *     SMALL                payload is a signed 27-bit integer
 *     INT64 UINT64 DOUBLE  8 bytes follow
 *     NUMBER               payload = bytes of the literal; 1 byte inner kind, 8 bytes, literal
 *     TEXT, ODD_TEXT       payload = bytes; the text follows. Odd: JSON must look for escapes
 *     BIG_TEXT             8 bytes length, then the text (always treated as odd)
 *     LIST, MAP            payload = entries << 2 | flags; 32-bit count of the bytes behind it,
 *                          the entries, the index
 *
 * A map's entry is a key and a value. A key is one byte (0..253 = bytes of a plain key) and its
 * text, or 254, a 32-bit length and the text of a long or odd key. Containers with more than
 * TAPE_WALK_MAX entries end in an index: the offset of every entry in source order (u32 each); a
 * map with more than TAPE_SEARCH_MAX adds the same offsets in key order, unless that is the source
 * order (TAPE_SORTED). Smaller ones are walked: a step is one addition. Offsets count from the
 * start of the tape; offset 0 is never a value.
 *
 * Costs: `"name":"nginx",` is 15 bytes as JSON and 14 here; live Kubernetes objects come to
 * about 1.0 of their JSON text. */
#ifndef VALUE_TAPE_H
#define VALUE_TAPE_H

#include <stdatomic.h>
#include <string.h>

#include "value/doc.h"
#include "value/value.h"

enum tape_kind {
    TAPE_NULL,
    TAPE_FALSE,
    TAPE_TRUE,
    TAPE_SMALL,
    TAPE_INT64,
    TAPE_UINT64,
    TAPE_DOUBLE,
    TAPE_NUMBER,
    TAPE_TEXT,
    TAPE_ODD_TEXT,
    TAPE_BIG_TEXT,
    TAPE_LIST,
    TAPE_MAP,
};

#define TAPE_SENSITIVE 16u
#define TAPE_PAYLOAD_SHIFT 5
#define TAPE_PAYLOAD_MAX ((1u << 27) - 1)
#define TAPE_INDEXED 1u
#define TAPE_SORTED 2u
#define TAPE_ENTRIES_MAX ((1u << 25) - 1)
#define TAPE_SMALL_MAX ((1 << 26) - 1)
#define TAPE_SMALL_MIN (-(1 << 26))
#define TAPE_KEY_LONG 254
#define TAPE_WALK_MAX 16
#define TAPE_SEARCH_MAX 32
#define TAPE_ROOT 8   /* offset of the root */
#define TAPE_SLACK 64 /* readable bytes behind the end, so that copies may overrun */

struct tape_pos {
    uint32_t at, line, column;
};

struct doc {
    _Atomic uint32_t refs;
    uint32_t n_pos;
    size_t tape_bytes;
    struct tape_pos *pos; /* sorted by at; NULL when not kept */
    bool movable;         /* any value in it may be copied as bytes: nothing says where it stands,
                             no literal is kept */
    char tape[] __attribute__((aligned(16)));
};

static inline uint32_t tape_u32(const char *p)
{
    uint32_t x;
    memcpy(&x, p, 4);
    return x;
}

static inline uint64_t tape_u64(const char *p)
{
    uint64_t x;
    memcpy(&x, p, 8);
    return x;
}

static inline void tape_put_u32(char *p, uint32_t x) { memcpy(p, &x, 4); }

static inline uint32_t tape_header(unsigned kind, uint32_t payload)
{
    return kind | payload << TAPE_PAYLOAD_SHIFT;
}

/* Number of bytes of the value at p, its header included. */
static inline size_t tape_size(const char *p)
{
    uint32_t h = tape_u32(p);
    switch (h & 15) {
    case TAPE_INT64:
    case TAPE_UINT64:
    case TAPE_DOUBLE: return 12;
    case TAPE_NUMBER: return 13 + (h >> TAPE_PAYLOAD_SHIFT);
    case TAPE_TEXT:
    case TAPE_ODD_TEXT: return 4 + (size_t)(h >> TAPE_PAYLOAD_SHIFT);
    case TAPE_BIG_TEXT: return 12 + tape_u64(p + 4);
    case TAPE_LIST:
    case TAPE_MAP: return 8 + (size_t)tape_u32(p + 4);
    default: return 4;
    }
}

static inline uint32_t tape_count(uint32_t header) { return header >> (TAPE_PAYLOAD_SHIFT + 2); }

/* Offset tables behind the entries of a container with that header. */
static inline unsigned tape_tables(uint32_t header)
{
    uint32_t flags = header >> TAPE_PAYLOAD_SHIFT;
    bool search = (header & 15) == TAPE_MAP && flags >> 2 > TAPE_SEARCH_MAX;
    return flags & TAPE_INDEXED ? 1 + (search && !(flags & TAPE_SORTED)) : 0;
}

/* The key at p; *ret_value is the value behind it. */
static inline str tape_key(const char *p, const char **ret_value)
{
    size_t len = (unsigned char)*p;
    if (len < TAPE_KEY_LONG) {
        *ret_value = p + 1 + len;
        return (str){p + 1, len};
    }
    len = tape_u32(p + 1);
    *ret_value = p + 5 + len;
    return (str){p + 5, len};
}

#endif
