/* value/doc.c: freezing, references, the packed form. */
#include "value/doc.h"

#include <assert.h>

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
        f->tape.fixed = true;
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
    if (v.doc && v.doc->movable && !v.doc->n_pos) { /* what a patch left alone */
        const char *at = v.doc->tape + v.at;
        put_bytes(f, at, tape_size(at));
        return;
    }
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
