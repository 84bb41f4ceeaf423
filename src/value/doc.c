/* value/doc.c: freezing, references, the packed form. */
#include "value/doc.h"

#include <assert.h>
#include <zstd.h>

#include "value/json.h"
#include "value/tape.h"
#include "value/text.h"

/* ---- writing a tape ---- */

struct writer {
    char *at;
    size_t len, cap;
    uint32_t *offset; /* stack of entry offsets of the open containers */
    size_t n_offset, cap_offset;
    struct tape_pos *pos;
    size_t n_pos, cap_pos;
    unsigned keep;
};

static void *grown(void *at, size_t *cap, size_t want, size_t item_bytes)
{
    if (want <= *cap)
        return at;
    size_t n = MAX_OF(*cap * 2, (size_t)64);
    n = MAX_OF(n, want);
    at = realloc(at, n * item_bytes);
    if (!at)
        abort();
    *cap = n;
    return at;
}

static char *room(struct writer *w, size_t n)
{
    if (w->cap - w->len < n + TAPE_SLACK)
        w->at = grown(w->at, &w->cap, w->len + n + TAPE_SLACK, 1);
    assert(w->len + n < UINT32_MAX);
    return w->at + w->len;
}

static void put_header(struct writer *w, unsigned kind, uint32_t payload)
{
    tape_put_u32(room(w, 16), tape_header(kind, payload));
    w->len += 4;
}

static void put_bytes(struct writer *w, const void *at, size_t n)
{
    char *p = room(w, n);
    if (n)
        memcpy(p, at, n);
    w->len += n;
}

static void put_key(struct writer *w, str key)
{
    if (key.len < TAPE_KEY_LONG && text_is_plain(key)) {
        put_bytes(w, &(unsigned char){(unsigned char)key.len}, 1);
    } else {
        assert(key.len < UINT32_MAX);
        put_bytes(w, &(unsigned char){TAPE_KEY_LONG}, 1);
        put_bytes(w, &(uint32_t){(uint32_t)key.len}, 4);
    }
    put_bytes(w, key.at, key.len);
}

static void put_text(struct writer *w, str s, unsigned mark)
{
    if (s.len > TAPE_PAYLOAD_MAX) {
        put_header(w, TAPE_BIG_TEXT | mark, 0);
        put_bytes(w, &(uint64_t){s.len}, 8);
    } else {
        put_header(w, (text_is_plain(s) ? TAPE_TEXT : TAPE_ODD_TEXT) | mark, (uint32_t)s.len);
    }
    put_bytes(w, s.at, s.len);
}

static void put_number(struct writer *w, value v, unsigned mark)
{
    enum value_type t = value_type(v);
    union {
        int64_t i;
        uint64_t u;
        double d;
    } n;
    if (t == VALUE_INT)
        n.i = value_int(v);
    else if (t == VALUE_UINT)
        n.u = value_uint(v);
    else
        n.d = value_double(v);
    unsigned kind = t == VALUE_INT ? TAPE_INT64 : t == VALUE_UINT ? TAPE_UINT64 : TAPE_DOUBLE;
    str literal = w->keep & DOC_KEEP_LITERALS ? value_literal(v) : STR("");
    if (literal.len > 0 && literal.len <= TAPE_PAYLOAD_MAX) {
        put_header(w, TAPE_NUMBER | mark, (uint32_t)literal.len);
        put_bytes(w, &(unsigned char){(unsigned char)kind}, 1);
        put_bytes(w, &n, 8);
        put_bytes(w, literal.at, literal.len);
    } else if (t == VALUE_INT && n.i >= TAPE_SMALL_MIN && n.i <= TAPE_SMALL_MAX) {
        put_header(w, TAPE_SMALL | mark, (uint32_t)n.i & TAPE_PAYLOAD_MAX);
    } else {
        put_header(w, kind | mark, 0);
        put_bytes(w, &n, 8);
    }
}

static int by_key(const void *a, const void *b, void *tape)
{
    const char *val;
    str x = tape_key((const char *)tape + *(const uint32_t *)a, &val);
    str y = tape_key((const char *)tape + *(const uint32_t *)b, &val);
    return str_cmp(x, y);
}

/* Finish the container whose header is at `start` and whose entries' offsets are on the stack from
 * `base`. */
static void close_container(struct writer *w, size_t start, size_t base, unsigned kind)
{
    size_t n = w->n_offset - base;
    uint32_t *offset = w->offset + base, flags = 0;
    assert(n <= TAPE_ENTRIES_MAX);
    if (n > TAPE_LINEAR_MAX) {
        flags = TAPE_INDEXED;
        put_bytes(w, offset, n * 4);
        bool sorted = (kind & 15) == TAPE_MAP;
        for (size_t i = 1; sorted && i < n; i++)
            sorted = by_key(offset + i - 1, offset + i, w->at) < 0;
        if (sorted) {
            flags |= TAPE_SORTED;
        } else if ((kind & 15) == TAPE_MAP) {
            qsort_r(offset, n, sizeof(*offset), by_key, w->at);
            put_bytes(w, offset, n * 4);
        }
    }
    w->n_offset = base;
    tape_put_u32(w->at + start, tape_header(kind, (uint32_t)n << 2 | flags));
    tape_put_u32(w->at + start + 4, (uint32_t)(w->len - start - 8));
}

static void note_pos(struct writer *w, value v)
{
    struct value_pos p = value_pos(v);
    if (p.line == 0)
        return;
    w->pos = grown(w->pos, &w->cap_pos, w->n_pos + 1, sizeof(*w->pos));
    w->pos[w->n_pos++] = (struct tape_pos){(uint32_t)w->len, p.line, p.column};
}

static void put_value(struct writer *w, value v)
{
    unsigned mark = value_is_sensitive(v) ? TAPE_SENSITIVE : 0;
    if (w->keep & DOC_KEEP_POSITIONS)
        note_pos(w, v);
    enum value_type t = value_type(v);
    switch (t) {
    case VALUE_NONE:
    case VALUE_NULL: put_header(w, TAPE_NULL | mark, 0); return;
    case VALUE_BOOL: put_header(w, (value_bool(v) ? TAPE_TRUE : TAPE_FALSE) | mark, 0); return;
    case VALUE_INT:
    case VALUE_UINT:
    case VALUE_DOUBLE: put_number(w, v, mark); return;
    case VALUE_STRING: put_text(w, value_str(v), mark); return;
    default: break;
    }
    size_t start = w->len, base = w->n_offset;
    room(w, 16);
    w->len += 8;
    for (struct value_iter it = value_iter(v); value_next(&it);) {
        w->offset = grown(w->offset, &w->cap_offset, w->n_offset + 1, sizeof(*w->offset));
        w->offset[w->n_offset++] = (uint32_t)w->len;
        if (t == VALUE_MAP)
            put_key(w, it.key);
        put_value(w, it.val);
    }
    close_container(w, start, base, (t == VALUE_MAP ? TAPE_MAP : TAPE_LIST) | mark);
}

struct doc *doc_freeze(value v, unsigned keep)
{
    if (!value_exists(v))
        return NULL;
    struct writer w = {.keep = keep};
    memset(room(&w, 1024), 0, TAPE_ROOT);
    w.len = TAPE_ROOT;
    put_value(&w, v);
    memset(room(&w, 0), 0, TAPE_SLACK);
    free(w.offset);
    return doc_of_tape(w.at, w.len, w.pos, w.n_pos);
}

/* ---- the document ---- */

struct doc *doc_of_tape(char *take_tape, size_t tape_bytes, struct tape_pos *take_pos, size_t n_pos)
{
    struct doc *d = malloc(sizeof(*d));
    char *fitted = realloc(take_tape, tape_bytes + TAPE_SLACK);
    if (!d || !fitted)
        abort();
    assert(n_pos <= UINT32_MAX);
    *d = (struct doc){1, (uint32_t)n_pos, tape_bytes, take_pos, fitted};
    return d;
}

struct doc *doc_ref(const struct doc *d)
{
    struct doc *mutable = (struct doc *)d;
    if (d)
        atomic_fetch_add_explicit(&mutable->refs, 1, memory_order_relaxed);
    return mutable;
}

void doc_unref(const struct doc *d)
{
    struct doc *mutable = (struct doc *)d;
    if (!d || atomic_fetch_sub_explicit(&mutable->refs, 1, memory_order_acq_rel) != 1)
        return;
    free(mutable->tape);
    free(mutable->pos);
    free(mutable);
}

value doc_root(const struct doc *d) { return d ? (value){d, TAPE_ROOT} : VALUE_ABSENT; }

size_t doc_bytes(const struct doc *d)
{
    return d ? sizeof(*d) + d->tape_bytes + TAPE_SLACK + d->n_pos * sizeof(*d->pos) : 0;
}

struct doc *doc_of(value v)
{
    if (v.doc && v.at == TAPE_ROOT)
        return doc_ref(v.doc);
    return doc_freeze(v, DOC_KEEP_POSITIONS | DOC_KEEP_LITERALS);
}

struct sha256 value_digest(value v)
{
    CLEANUP(buf_done) struct buf b;
    buf_init(&b, SIZE_MAX / 2);
    json_print(v, AUDIENCE_WIRE, JSON_SORT_KEYS | JSON_CANONICAL_NUMBERS, &b);
    return sha256_of(buf_str(&b));
}

/* ---- packed ---- */

struct packed_header {
    uint32_t version;
    uint32_t tape_bytes;
    uint64_t check;
};
#define PACKED_VERSION 1

void doc_pack(const struct doc *d, struct buf *out)
{
    size_t bound = ZSTD_compressBound(d->tape_bytes) + sizeof(struct packed_header);
    if (!buf_reserve(out, bound))
        return;
    struct packed_header h = {PACKED_VERSION, (uint32_t)d->tape_bytes,
                              hash64(str_mem(d->tape, d->tape_bytes))};
    char *p = out->at + out->len;
    memcpy(p, &h, sizeof(h));
    size_t n = ZSTD_compress(p + sizeof(h), bound - sizeof(h), d->tape, d->tape_bytes, 1);
    assert(!ZSTD_isError(n));
    buf_advance(out, sizeof(h) + n);
}

int doc_unpack(str packed, struct doc **ret, struct err *err)
{
    struct packed_header h;
    if (packed.len < sizeof(h))
        return err_set(err, ERR_INVALID, "packed document of %zu bytes is cut short", packed.len);
    memcpy(&h, packed.at, sizeof(h));
    if (h.version != PACKED_VERSION || h.tape_bytes <= TAPE_ROOT)
        return err_set(err, ERR_INVALID, "packed document has an unknown version");
    unsigned long long says =
        ZSTD_getFrameContentSize(packed.at + sizeof(h), packed.len - sizeof(h));
    if (says != h.tape_bytes)
        return err_set(err, ERR_INVALID, "packed document is damaged");
    char *tape = calloc(1, (size_t)h.tape_bytes + TAPE_SLACK);
    if (!tape)
        abort();
    size_t n = ZSTD_decompress(tape, h.tape_bytes, packed.at + sizeof(h), packed.len - sizeof(h));
    if (ZSTD_isError(n) || n != h.tape_bytes || hash64(str_mem(tape, n)) != h.check) {
        free(tape);
        return err_set(err, ERR_INVALID, "packed document is damaged");
    }
    *ret = doc_of_tape(tape, n, NULL, 0);
    return 0;
}
