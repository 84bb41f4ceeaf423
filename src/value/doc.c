/* value/doc.c: freezing, references, the packed form. */
#include "value/doc.h"

#include <assert.h>
#include <zstd.h>

#include "value/json.h"
#include "value/tape_write.h"
#include "value/text.h"

/* ---- freezing ---- */

struct freezer {
    struct tape_writer tape;
    unsigned keep;
};

static void put_bytes(struct freezer *f, const void *at, size_t n)
{
    char *p = tape_writer_room(&f->tape, n);
    if (n)
        memcpy(p, at, n);
    f->tape.len += n;
}

static void put_header(struct freezer *f, unsigned kind, uint32_t payload)
{
    put_bytes(f, &(uint32_t){tape_header(kind, payload)}, 4);
}

static void put_key(struct freezer *f, str key)
{
    if (key.len < TAPE_KEY_LONG && text_is_plain(key)) {
        put_bytes(f, &(unsigned char){(unsigned char)key.len}, 1);
    } else {
        assert(key.len < UINT32_MAX);
        put_bytes(f, &(unsigned char){TAPE_KEY_LONG}, 1);
        put_bytes(f, &(uint32_t){(uint32_t)key.len}, 4);
    }
    put_bytes(f, key.at, key.len);
}

static void put_text(struct freezer *f, str s, unsigned mark)
{
    if (s.len > TAPE_PAYLOAD_MAX) {
        put_header(f, TAPE_BIG_TEXT | mark, 0);
        put_bytes(f, &(uint64_t){s.len}, 8);
    } else {
        put_header(f, (text_is_plain(s) ? TAPE_TEXT : TAPE_ODD_TEXT) | mark, (uint32_t)s.len);
    }
    put_bytes(f, s.at, s.len);
}

static void put_number(struct freezer *f, value v, unsigned mark)
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
    str literal = f->keep & DOC_KEEP_LITERALS ? value_literal(v) : STR("");
    if (literal.len > 0 && literal.len <= TAPE_PAYLOAD_MAX) {
        put_header(f, TAPE_NUMBER | mark, (uint32_t)literal.len);
        put_bytes(f, &(unsigned char){(unsigned char)kind}, 1);
        put_bytes(f, &n, 8);
        put_bytes(f, literal.at, literal.len);
    } else if (t == VALUE_INT && n.i >= TAPE_SMALL_MIN && n.i <= TAPE_SMALL_MAX) {
        put_header(f, TAPE_SMALL | mark, (uint32_t)n.i & TAPE_PAYLOAD_MAX);
    } else {
        put_header(f, kind | mark, 0);
        put_bytes(f, &n, 8);
    }
}

static void put_value(struct freezer *f, value v)
{
    struct tape_writer *w = &f->tape;
    unsigned mark = value_is_sensitive(v) ? TAPE_SENSITIVE : 0;
    struct value_pos pos = f->keep & DOC_KEEP_POSITIONS ? value_pos(v) : (struct value_pos){0, 0};
    if (pos.line)
        tape_writer_pos(w, w->len, pos);
    enum value_type t = value_type(v);
    switch (t) {
    case VALUE_NONE:
    case VALUE_NULL: put_header(f, TAPE_NULL | mark, 0); return;
    case VALUE_BOOL: put_header(f, (value_bool(v) ? TAPE_TRUE : TAPE_FALSE) | mark, 0); return;
    case VALUE_INT:
    case VALUE_UINT:
    case VALUE_DOUBLE: put_number(f, v, mark); return;
    case VALUE_STRING: put_text(f, value_str(v), mark); return;
    default: break;
    }
    size_t start = w->len, base = w->n_offset;
    put_bytes(f, &(uint64_t){0}, 8);
    for (struct value_iter it = value_iter(v); value_next(&it);) {
        tape_writer_entry(w, w->len);
        if (t == VALUE_MAP)
            put_key(f, it.key);
        put_value(f, it.val);
    }
    tape_writer_close(w, start, base, (t == VALUE_MAP ? TAPE_MAP : TAPE_LIST) | mark, NULL);
}

struct doc *doc_freeze(value v, unsigned keep)
{
    if (!value_exists(v))
        return NULL;
    struct freezer f = {.keep = keep};
    tape_writer_init(&f.tape, 1024);
    put_value(&f, v);
    return tape_writer_finish(&f.tape);
}

/* ---- the document ---- */

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
    struct doc *d = tape_doc_new(h.tape_bytes);
    size_t n =
        ZSTD_decompress(d->tape, h.tape_bytes, packed.at + sizeof(h), packed.len - sizeof(h));
    if (ZSTD_isError(n) || n != h.tape_bytes || hash64(str_mem(d->tape, n)) != h.check) {
        doc_unref(d);
        return err_set(err, ERR_INVALID, "packed document is damaged");
    }
    *ret = d;
    return 0;
}
