/* value/json/print.c: values as JSON text, masked for whoever reads it. */
#include <assert.h>
#include <math.h>

#include "value/json/print.h"
#include "value/number.h"
#include "value/text.h"
#include "value/text_scan.h"

#define MASK "\"++++++++\""
#define LOG_BYTES_MAX 1024
#define LAST_APPLIED "kubectl.kubernetes.io/last-applied-configuration"

struct printer {
    struct buf *out;
    enum audience who;
    unsigned flags, depth;
    size_t stop_at; /* LOG: output length at which printing may end */
    const struct json_output *output;
};

/* ---- strings ---- */

static char *put_unicode_escape(char *out, unsigned c)
{
    static const char hex[] = "0123456789abcdef";
    const char text[6] = {'\\',       'u', hex[c >> 12 & 15], hex[c >> 8 & 15], hex[c >> 4 & 15],
                          hex[c & 15]};
    return mempcpy(out, text, 6);
}

static char *put_rune(const char **at, const char *end, char *out)
{
    uint32_t rune;
    unsigned n = utf8_len(*at, end);
    if (n == 0) {
        ++*at;
        return put_unicode_escape(out, 0xfffd);
    }
    utf8_decode(*at, end, &rune);
    out = rune == 0x2028 || rune == 0x2029 ? put_unicode_escape(out, rune) : mempcpy(out, *at, n);
    *at += n;
    return out;
}

/* Behind the backslash; 0: not a short form. */
static const char short_form[256] = {['"'] = '"',  ['\\'] = '\\', ['\b'] = 'b', ['\f'] = 'f',
                                     ['\n'] = 'n', ['\r'] = 'r',  ['\t'] = 't'};

/* The character at *io_at, which is not plain and has no short form. */
static char *put_rare(const char **io_at, const char *end, char *out, bool html)
{
    unsigned char c = (unsigned char)**io_at;
    if (c >= 0x80)
        return put_rune(io_at, end, out);
    ++*io_at;
    if (c < 0x20 || html)
        return put_unicode_escape(out, c);
    *out = (char)c;
    return out + 1;
}

#define BLOCK 64
#define BLOCK_SLACK 16 /* readable bytes behind a block */

/* n plain bytes (n <= BLOCK), and up to 15 more of whatever follows. */
static inline char *copy_run(char *out, const char *p, unsigned n)
{
    for (unsigned i = 0; i < n; i += 16)
        memcpy(out + i, p + i, 16);
    return out + n;
}

/* All characters that begin in the n bytes of `block`, which are a copy of those at `at` (or are
 * these). Where the special ones are is known before the first is looked at: escaping one does not
 * have to wait for the way to it. Returns how far it came, by which the last character may end
 * behind the block. */
static unsigned escape_block(const char *block, const char *at, unsigned n, const char *end,
                             char **io_out, bool html)
{
    uint64_t mask = text_special_mask64(block) & ~(uint64_t)0 >> (BLOCK - n);
    char *out = *io_out;
    unsigned done = 0;
    while (mask) {
        unsigned i = (unsigned)__builtin_ctzll(mask);
        unsigned char c = (unsigned char)block[i];
        out = copy_run(out, block + done, i - done);
        mask &= mask - 1;
        if (__builtin_expect(short_form[c] != 0, 1)) {
            out[0] = '\\';
            out[1] = short_form[c];
            out += 2;
            done = i + 1;
            continue;
        }
        const char *behind = at + i;
        out = put_rare(&behind, end, out, html);
        done = (unsigned)(behind - at);
        mask = done < BLOCK ? mask & ~(uint64_t)0 << done : 0;
    }
    if (done < n) {
        out = copy_run(out, block + done, n - done);
        done = n;
    }
    *io_out = out;
    return done;
}

char *json_escape(const char **io_at, const char *stop, const char *end, char *out, bool html)
{
    const char *at = *io_at;
    while (stop - at >= BLOCK + BLOCK_SLACK)
        at += escape_block(at, at, BLOCK, end, &out, html);
    while (at < stop) {
        char block[BLOCK + BLOCK_SLACK] = {0};
        unsigned n = (unsigned)MIN_OF(stop - at, (ptrdiff_t)BLOCK);
        memcpy(block, at, n);
        at += escape_block(block, at, n, end, &out, html);
    }
    *io_at = at;
    return out;
}

void json_print_str(str s, unsigned flags, struct buf *out)
{
    char piece[64 * 6 + 64];
    const char *at = s.at, *end = at + s.len;
    buf_addc(out, '"');
    while (at < end) {
        const char *stop = at + MIN_OF((size_t)(end - at), (size_t)64);
        char *to = json_escape(&at, stop, end, piece, !(flags & JSON_NO_HTML));
        buf_add(out, str_mem(piece, (size_t)(to - piece)));
    }
    buf_addc(out, '"');
}

/* ---- values ---- */

static void newline(struct printer *p)
{
    unsigned blanks = p->flags & JSON_INDENT_2 ? 2 : p->flags & JSON_INDENT_4 ? 4 : 0;
    if (blanks == 0)
        return;
    buf_addc(p->out, '\n');
    buf_fill(p->out, ' ', (size_t)blanks * p->depth);
}

void json_print_number(value v, unsigned flags, struct buf *out)
{
    char text[NUMBER_PRINT_MAX];
    size_t n;
    bool integer, canonical = flags & JSON_CANONICAL_NUMBERS;
    str literal = canonical ? STR("") : value_literal(v);
    if (literal.len && number_scan(literal, &integer) == literal.len) {
        buf_add(out, literal);
        return;
    }
    switch (value_type(v)) {
    case VALUE_INT: n = number_print_int(value_int(v), text); break;
    case VALUE_UINT: n = number_print_uint(value_uint(v), text); break;
    default: {
        double d = value_double(v);
        if (canonical && d == floor(d) && d >= -0x1p63 && d < 0x1p63)
            n = number_print_int((int64_t)d, text);
        else if (canonical && d == floor(d) && d > 0 && d < 0x1p64)
            n = number_print_uint((uint64_t)d, text);
        else
            n = number_print_double(d, text);
    }
    }
    buf_add(out, str_mem(text, n));
}

static void print_value(struct printer *p, value v);

enum mask {
    MASK_NOTHING,
    MASK_VALUES,       /* the values of this map: Secret data */
    MASK_ANNOTATIONS,  /* the last-applied annotation below this metadata */
    MASK_LAST_APPLIED, /* the same, one level down: of these annotations */
    MASK_WHOLE,
    MASK_OBJECT_TEXT, /* a string that holds the JSON of an object */
};

static bool is_secret(value v)
{
    return str_is(value_str(value_getz(v, "kind")), "Secret") &&
           str_is(value_str(value_getz(v, "apiVersion")), "v1");
}

/* What to mask in the value at `key` of a map under `mask`. */
static enum mask mask_below(const struct printer *p, enum mask mask, bool secret, str key)
{
    switch (mask) {
    case MASK_VALUES: return MASK_WHOLE;
    case MASK_ANNOTATIONS: return str_is(key, "annotations") ? MASK_LAST_APPLIED : MASK_NOTHING;
    case MASK_LAST_APPLIED:
        for (size_t i = 0; i < p->output->n_masked_annotations; i++)
            if (str_eq(key, p->output->masked_annotation[i]))
                return MASK_WHOLE;
        return str_is(key, LAST_APPLIED) ? MASK_OBJECT_TEXT : MASK_NOTHING;
    default: break;
    }
    if (!secret)
        return MASK_NOTHING;
    if (str_is(key, "data") || str_is(key, "stringData"))
        return MASK_VALUES;
    return str_is(key, "metadata") ? MASK_ANNOTATIONS : MASK_NOTHING;
}

static void print_inner(struct printer *p, value inner)
{
    struct json_output o = *p->output;
    CLEANUP(buf_done) struct buf b;
    buf_init(&b, JSON_BYTES_MAX);
    o.who = AUDIENCE_DISPLAY;
    o.flags = JSON_SORT_KEYS;
    json_print_masked(inner, &o, &b);
    json_print_str(buf_str(&b), p->flags, p->out);
}

/* The text of a Secret inside an annotation: printed again, masked; masked whole when it is not an
 * object. */
static void print_object_text(struct printer *p, value v)
{
    struct arena a;
    value inner;
    arena_init(&a, JSON_BYTES_MAX * 8);
    if (value_is_string(v) && json_parse(value_str(v), NULL, &a, &inner, NULL) == 0 &&
        is_secret(inner))
        print_inner(p, inner);
    else
        buf_add(p->out, STR(MASK));
    arena_done(&a);
}

static void print_masked(struct printer *p, value v, enum mask mask);

struct sorted_entry {
    str key;
    value val;
};

static int by_key(const void *a, const void *b)
{
    return str_cmp(((const struct sorted_entry *)a)->key, ((const struct sorted_entry *)b)->key);
}

static void print_entry(struct printer *p, str key, value val, bool first, enum mask mask)
{
    if (!first)
        buf_addc(p->out, ',');
    newline(p);
    json_print_str(key, p->flags, p->out);
    buf_addc(p->out, ':');
    if (p->flags & (JSON_INDENT_2 | JSON_INDENT_4))
        buf_addc(p->out, ' ');
    print_masked(p, val, mask);
}

static void print_map(struct printer *p, value v, enum mask mask)
{
    size_t n = value_len(v), i = 0;
    bool secret = p->who != AUDIENCE_WIRE && is_secret(v);
    buf_addc(p->out, '{');
    p->depth++;
    struct sorted_entry small[32], *sorted = small;
    bool sort = p->flags & JSON_SORT_KEYS;
    if (sort && n > ARRAY_LEN(small) && !(sorted = malloc(n * sizeof(*sorted))))
        abort();
    for (struct value_iter it = value_iter(v); value_next(&it);)
        if (sort)
            sorted[i++] = (struct sorted_entry){it.key, it.val};
        else
            print_entry(p, it.key, it.val, it.i == 0, mask_below(p, mask, secret, it.key));
    if (sort) {
        qsort(sorted, n, sizeof(*sorted), by_key);
        for (i = 0; i < n; i++)
            print_entry(p, sorted[i].key, sorted[i].val, i == 0,
                        mask_below(p, mask, secret, sorted[i].key));
    }
    if (sorted != small)
        free(sorted);
    p->depth--;
    if (n > 0)
        newline(p);
    buf_addc(p->out, '}');
}

static void print_list(struct printer *p, value v)
{
    buf_addc(p->out, '[');
    p->depth++;
    for (struct value_iter it = value_iter(v); value_next(&it);) {
        if (it.i > 0)
            buf_addc(p->out, ',');
        newline(p);
        print_value(p, it.val);
    }
    p->depth--;
    if (value_len(v) > 0)
        newline(p);
    buf_addc(p->out, ']');
}

/* Of a text that is cut anyway no more is looked at than is shown. */
static void print_text(struct printer *p, str s)
{
    if (p->who == AUDIENCE_LOG)
        s = str_sub(s, 0, LOG_BYTES_MAX + 4);
    json_print_str(s, p->flags, p->out);
}

static void print_masked(struct printer *p, value v, enum mask mask)
{
    if (p->out->len >= p->stop_at)
        return;
    enum value_type t = value_type(v);
    if (p->who != AUDIENCE_WIRE) {
        bool hide =
            mask == MASK_WHOLE || (mask == MASK_VALUES && t != VALUE_MAP) || value_is_sensitive(v);
        if (hide && t > VALUE_NULL) {
            buf_add(p->out, STR(MASK));
            return;
        }
        if (mask == MASK_OBJECT_TEXT) {
            print_object_text(p, v);
            return;
        }
    }
    switch (t) {
    case VALUE_NONE:
    case VALUE_NULL: buf_add(p->out, STR("null")); break;
    case VALUE_BOOL: buf_add(p->out, value_bool(v) ? STR("true") : STR("false")); break;
    case VALUE_STRING: print_text(p, value_str(v)); break;
    case VALUE_LIST: print_list(p, v); break;
    case VALUE_MAP: print_map(p, v, mask); break;
    default: json_print_number(v, p->flags, p->out);
    }
}

static void print_value(struct printer *p, value v) { print_masked(p, v, MASK_NOTHING); }

/* Cut what was appended since `from` to the bound of a log line, not inside a character. */
static void cut(struct buf *out, size_t from)
{
    size_t len = from + LOG_BYTES_MAX;
    if (out->len <= len)
        return;
    while (len > from && (out->at[len] & 0xc0) == 0x80)
        len--;
    out->len = len;
    buf_addz(out, "...");
}

void json_print_masked(value v, const struct json_output *o, struct buf *out)
{
    size_t from = out->len;
    bool compact = !(o->flags & (JSON_INDENT_2 | JSON_INDENT_4));
    if (v.doc && o->who == AUDIENCE_WIRE && compact && json_print_tape(v, o->flags, out))
        return;
    struct printer p = {out, o->who, o->flags, 0, SIZE_MAX, o};
    if (o->who == AUDIENCE_LOG)
        p.stop_at = from + LOG_BYTES_MAX + 1;
    print_value(&p, v);
    if (o->who == AUDIENCE_LOG)
        cut(out, from);
}

void json_print(value v, enum audience who, unsigned flags, struct buf *out)
{
    struct json_output o = {who, flags, NULL, 0};
    json_print_masked(v, &o, out);
}

str json_str(struct arena *a, value v, enum audience who, unsigned flags)
{
    CLEANUP(buf_done) struct buf b;
    buf_init(&b, JSON_BYTES_MAX * 8);
    json_print(v, who, flags, &b);
    return arena_str(a, buf_str(&b));
}
