/* value/json/print_tape.c: frozen documents as compact JSON for the WIRE audience, at memory speed.
 *
 * In source order the tape is printed by walking it once without recursion: plain text and keys are
 * copied 16 bytes at a time (source and target have slack), nothing is looked at again. With sorted
 * keys maps are taken one by one. `struct spot` holds the two moving positions by value, for the
 * reason told in json/parse.c. */
#include <endian.h>

#include "value/json/print.h"
#include "value/number.h"
#include "value/tape.h"
#include "value/text.h"
#include "value/text_scan.h"

#define ALWAYS_INLINE static inline __attribute__((always_inline))
#define UNLIKELY(x) __builtin_expect(!!(x), 0)
#define SPARE 64 /* bytes that any token needs besides its text */

struct spot {
    const char *p; /* NULL: the buffer's bound was reached */
    char *out;
};

struct writer {
    struct buf *buf;
    char *end; /* of the buffer's memory */
    const char *tape;
    unsigned flags;
};

static struct spot grown(struct writer *w, struct spot s, size_t need)
{
    w->buf->len = (size_t)(s.out - w->buf->at);
    if (!buf_reserve(w->buf, need))
        return (struct spot){NULL, NULL};
    w->end = w->buf->at + w->buf->cap;
    s.out = w->buf->at + w->buf->len;
    return s;
}

ALWAYS_INLINE struct spot with_room(struct writer *w, struct spot s, size_t text_bytes)
{
    if (UNLIKELY((size_t)(w->end - s.out) < text_bytes + SPARE))
        s = grown(w, s, text_bytes + SPARE);
    return s;
}

/* len bytes, and up to 31 more of whatever follows. */
ALWAYS_INLINE char *copied(char *out, const char *p, size_t len)
{
    char *end = out + len;
    do {
        memcpy(out, p, 32);
        out += 32;
        p += 32;
    } while (UNLIKELY(out < end));
    return end;
}

/* ---- scalars ---- */

#define ODD_CHUNK 4096

/* Text with escapes: worst case six bytes for one. */
static struct spot put_odd(struct writer *w, struct spot s, str text)
{
    const char *at = text.at, *end = at + text.len;
    bool html = !(w->flags & JSON_NO_HTML);
    s = with_room(w, s, 0);
    if (!s.p)
        return s;
    *s.out++ = '"';
    while (at < end) {
        size_t n = MIN_OF((size_t)(end - at), (size_t)ODD_CHUNK);
        s = with_room(w, s, n * 6 + 32);
        if (!s.p)
            return s;
        s.out = json_escape(&at, at + n, end, s.out, html);
    }
    *s.out++ = '"';
    return s;
}

ALWAYS_INLINE struct spot put_plain(struct writer *w, struct spot s, const char *text, size_t len)
{
    s = with_room(w, s, len);
    if (UNLIKELY(!s.p))
        return s;
    *s.out++ = '"';
    s.out = copied(s.out, text, len);
    *s.out++ = '"';
    return s;
}

static struct spot put_odd_key(struct writer *w, struct spot s)
{
    const char *val;
    s = put_odd(w, s, tape_key(s.p, &val));
    if (!s.p)
        return s;
    s = with_room(w, (struct spot){val, s.out}, 0);
    if (s.p)
        *s.out++ = ':';
    return s;
}

ALWAYS_INLINE struct spot put_key(struct writer *w, struct spot s)
{
    size_t len = (unsigned char)*s.p;
    if (UNLIKELY(len >= TAPE_KEY_LONG))
        return put_odd_key(w, s);
    const char *text = s.p + 1;
    s = put_plain(w, s, text, len);
    if (UNLIKELY(!s.p))
        return s;
    *s.out++ = ':';
    s.p = text + len;
    return s;
}

ALWAYS_INLINE char *put_small(char *out, int32_t i)
{
    char digits[12], *p = digits + sizeof(digits);
    uint32_t u = (uint32_t)i;
    if (i < 0) {
        *out++ = '-';
        u = 0 - u;
    }
    do
        *--p = (char)('0' + u % 10);
    while ((u /= 10) > 0);
    size_t n = (size_t)(digits + sizeof(digits) - p);
    memcpy(out, p, n);
    return out + n;
}

/* Wide and literal numbers, long texts: through the general printer. */
static struct spot put_rare(struct writer *w, struct spot s, value v)
{
    size_t size = tape_size(s.p);
    const char *p = s.p;
    s = with_room(w, s, 0);
    if (!s.p)
        return s;
    w->buf->len = (size_t)(s.out - w->buf->at);
    if (value_is_string(v))
        json_print_str(value_str(v), w->flags, w->buf);
    else
        json_print_number(v, w->flags, w->buf);
    if (w->buf->overflow)
        return (struct spot){NULL, NULL};
    w->end = w->buf->at + w->buf->cap;
    return (struct spot){p + size, w->buf->at + w->buf->len};
}

/* A scalar or an empty container at s.p. */
ALWAYS_INLINE struct spot put_scalar(struct writer *w, struct spot s, const struct doc *d)
{
    uint32_t h = tape_u32(s.p);
    size_t len = h >> TAPE_PAYLOAD_SHIFT;
    const char *text = s.p + 4;
    if (__builtin_expect((h & 15) == TAPE_TEXT, 1)) {
        s = put_plain(w, s, text, len);
        return UNLIKELY(!s.p) ? s : (struct spot){text + len, s.out};
    }
    s = with_room(w, s, 0);
    if (UNLIKELY(!s.p))
        return s;
    switch (h & 15) {
    case TAPE_NULL: memcpy(s.out, "null", 4); return (struct spot){text, s.out + 4};
    case TAPE_TRUE: memcpy(s.out, "true", 4); return (struct spot){text, s.out + 4};
    case TAPE_FALSE: memcpy(s.out, "false", 5); return (struct spot){text, s.out + 5};
    case TAPE_SMALL:
        s.out = put_small(s.out, (int32_t)h >> TAPE_PAYLOAD_SHIFT);
        return (struct spot){text, s.out};
    case TAPE_ODD_TEXT:
        s = put_odd(w, s, str_mem(text, len));
        return UNLIKELY(!s.p) ? s : (struct spot){text + len, s.out};
    case TAPE_LIST: memcpy(s.out, "[]", 2); return (struct spot){s.p + 8, s.out + 2};
    case TAPE_MAP: memcpy(s.out, "{}", 2); return (struct spot){s.p + 8, s.out + 2};
    default: return put_rare(w, s, (value){d, (uintptr_t)(s.p - d->tape)});
    }
}

static inline bool is_full_container(uint32_t h)
{
    return (h & 15) >= TAPE_LIST && tape_count(h) > 0;
}

/* ---- source order ---- */

struct open {
    const char *behind; /* the container */
    uint32_t left, map;
};

/* Behind a value: to the next one; *ret_depth 0: done. */
ALWAYS_INLINE struct spot to_next(struct writer *w, struct spot s, struct open *open,
                                  unsigned *io_depth)
{
    while (*io_depth > 0) {
        struct open *o = &open[*io_depth - 1];
        s = with_room(w, s, 0);
        if (UNLIKELY(!s.p))
            return s;
        if (--o->left > 0) {
            *s.out++ = ',';
            return o->map ? put_key(w, s) : s;
        }
        *s.out++ = o->map ? '}' : ']';
        s.p = o->behind;
        --*io_depth;
    }
    return s;
}

static struct spot print_in_order(struct writer *w, struct spot s, const struct doc *d)
{
    struct open open[VALUE_DEPTH_MAX + 1];
    unsigned depth = 0;
    do {
        uint32_t h = tape_u32(s.p);
        if (is_full_container(h)) {
            s = with_room(w, s, 0);
            if (UNLIKELY(!s.p || depth > VALUE_DEPTH_MAX))
                return (struct spot){NULL, NULL};
            struct open *o = &open[depth++];
            *o = (struct open){s.p + tape_size(s.p), tape_count(h), (h & 15) == TAPE_MAP};
            *s.out++ = o->map ? '{' : '[';
            s.p += 8;
            if (o->map)
                s = put_key(w, s);
        } else {
            s = put_scalar(w, s, d);
            if (s.p)
                s = to_next(w, s, open, &depth);
        }
    } while (depth > 0 && s.p);
    return s;
}

/* ---- keys sorted ---- */

struct entry {
    uint64_t prefix; /* first eight bytes of the key, as a number that orders like them */
    const char *at;
};

static uint64_t prefix_of(const char *entry)
{
    const char *val;
    str key = tape_key(entry, &val);
    uint64_t x = be64toh(tape_u64(key.at));
    return key.len >= 8 ? x : key.len ? x & (~(uint64_t)0 << (64 - key.len * 8)) : 0;
}

static bool before(const struct entry *a, const struct entry *b)
{
    const char *val;
    if (a->prefix != b->prefix)
        return a->prefix < b->prefix;
    return str_cmp(tape_key(a->at, &val), tape_key(b->at, &val)) < 0;
}

/* Entries of a small map in key order. */
static void sort_entries(const char *p, uint32_t n, struct entry *e)
{
    const char *val;
    p += 8;
    for (uint32_t i = 0; i < n; i++) {
        struct entry one = {prefix_of(p), p};
        uint32_t at = i;
        for (; at > 0 && before(&one, &e[at - 1]); at--)
            e[at] = e[at - 1];
        e[at] = one;
        tape_key(p, &val);
        p = val + tape_size(val);
    }
}

static struct spot print_sorted(struct writer *w, struct spot s, const struct doc *d,
                                unsigned depth);

static struct spot print_sorted_map(struct writer *w, struct spot s, const struct doc *d,
                                    unsigned depth)
{
    struct entry e[TAPE_SEARCH_MAX];
    const char *map = s.p, *table = NULL;
    uint32_t h = tape_u32(map), n = tape_count(h);
    if (n <= TAPE_SEARCH_MAX)
        sort_entries(map, n, e);
    else
        table = map + tape_size(map) - (size_t)n * 4; /* the last table is in key order */
    char before_key = '{';
    for (uint32_t i = 0; i < n; i++) {
        s.p = table ? d->tape + tape_u32(table + (size_t)i * 4) : e[i].at;
        s = with_room(w, s, 0);
        if (!s.p)
            return s;
        *s.out++ = before_key;
        before_key = ',';
        s = put_key(w, s);
        if (s.p)
            s = print_sorted(w, s, d, depth + 1);
        if (!s.p)
            return s;
    }
    s = with_room(w, s, 0);
    if (!s.p)
        return s;
    *s.out++ = '}';
    s.p = map + tape_size(map);
    return s;
}

static struct spot print_sorted(struct writer *w, struct spot s, const struct doc *d,
                                unsigned depth)
{
    uint32_t h = tape_u32(s.p);
    if (!is_full_container(h))
        return put_scalar(w, s, d);
    if (depth > VALUE_DEPTH_MAX)
        return (struct spot){NULL, NULL};
    if ((h & 15) == TAPE_MAP)
        return print_sorted_map(w, s, d, depth);
    const char *behind = s.p + tape_size(s.p);
    s.p += 8;
    char before_item = '[';
    for (uint32_t n = tape_count(h); n > 0; n--) {
        s = with_room(w, s, 0);
        if (!s.p)
            return s;
        *s.out++ = before_item;
        before_item = ',';
        s = print_sorted(w, s, d, depth + 1);
        if (!s.p)
            return s;
    }
    s = with_room(w, s, 0);
    if (!s.p)
        return s;
    *s.out++ = ']';
    s.p = behind;
    return s;
}

bool json_print_tape(value v, unsigned flags, struct buf *out)
{
    size_t from = out->len;
    const char *p = v.doc->tape + v.at;
    if (out->overflow)
        return false;
    if (!buf_reserve(out, tape_size(p) + SPARE)) {
        out->overflow = false;
        return false;
    }
    struct writer w = {out, out->at + out->cap, v.doc->tape, flags};
    struct spot s = {p, out->at + out->len};
    s = flags & JSON_SORT_KEYS ? print_sorted(&w, s, v.doc, 0) : print_in_order(&w, s, v.doc);
    if (!s.p) {
        out->len = from;
        out->overflow = false;
        return false;
    }
    out->len = (size_t)(s.out - out->at);
    out->at[out->len] = 0;
    return true;
}
