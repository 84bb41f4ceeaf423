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
};

/* ---- strings ---- */

static void put_unicode_escape(struct buf *out, unsigned c)
{
    static const char hex[] = "0123456789abcdef";
    char text[6] = {'\\', 'u', hex[c >> 12 & 15], hex[c >> 8 & 15], hex[c >> 4 & 15], hex[c & 15]};
    buf_add(out, str_mem(text, 6));
}

/* One character that may not stand for itself; returns the bytes of s it took. */
static size_t put_special(str s, struct buf *out, bool html)
{
    static const char short_form[128] = {['"'] = '"',  ['\\'] = '\\', ['\b'] = 'b', ['\f'] = 'f',
                                         ['\n'] = 'n', ['\r'] = 'r',  ['\t'] = 't'};
    unsigned char c = (unsigned char)s.at[0];
    uint32_t rune;
    if (c < 0x80) {
        if (short_form[c])
            buf_add(out, str_mem((char[]){'\\', short_form[c]}, 2));
        else if (c < 0x20 || (html && (c == '<' || c == '>' || c == '&')))
            put_unicode_escape(out, c);
        else
            buf_addc(out, (char)c);
        return 1;
    }
    unsigned n = utf8_len(s.at, s.at + s.len);
    if (n == 0) {
        buf_add(out, STR("\\ufffd"));
        return 1;
    }
    utf8_decode(s.at, s.at + s.len, &rune);
    if (rune == 0x2028 || rune == 0x2029)
        put_unicode_escape(out, rune);
    else
        buf_add(out, str_sub(s, 0, n));
    return n;
}

void json_print_str(str s, unsigned flags, struct buf *out)
{
    bool html = !(flags & JSON_NO_HTML);
    const char *p = s.at, *end = p + s.len;
    buf_addc(out, '"');
    while (p < end) {
        const char *from = p;
        p = text_skip_plain(p, end);
        buf_add(out, str_mem(from, (size_t)(p - from)));
        if (p < end)
            p += put_special(str_mem(p, (size_t)(end - p)), out, html);
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
    MASK_LAST_APPLIED, /* the same, one level down */
    MASK_WHOLE,
    MASK_OBJECT_TEXT, /* a string that holds the JSON of an object */
};

static bool is_secret(value v)
{
    return str_is(value_str(value_getz(v, "kind")), "Secret") &&
           str_is(value_str(value_getz(v, "apiVersion")), "v1");
}

/* What to mask in the value at `key` of a map under `mask`. */
static enum mask mask_below(enum mask mask, bool secret, str key)
{
    switch (mask) {
    case MASK_VALUES: return MASK_WHOLE;
    case MASK_ANNOTATIONS: return str_is(key, "annotations") ? MASK_LAST_APPLIED : MASK_NOTHING;
    case MASK_LAST_APPLIED: return str_is(key, LAST_APPLIED) ? MASK_OBJECT_TEXT : MASK_NOTHING;
    default: break;
    }
    if (!secret)
        return MASK_NOTHING;
    if (str_is(key, "data") || str_is(key, "stringData"))
        return MASK_VALUES;
    return str_is(key, "metadata") ? MASK_ANNOTATIONS : MASK_NOTHING;
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
        json_print_str(json_str(&a, inner, AUDIENCE_DISPLAY, JSON_SORT_KEYS), p->flags, p->out);
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
            print_entry(p, it.key, it.val, it.i == 0, mask_below(mask, secret, it.key));
    if (sort) {
        qsort(sorted, n, sizeof(*sorted), by_key);
        for (i = 0; i < n; i++)
            print_entry(p, sorted[i].key, sorted[i].val, i == 0,
                        mask_below(mask, secret, sorted[i].key));
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
    case VALUE_STRING: json_print_str(value_str(v), p->flags, p->out); break;
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

void json_print(value v, enum audience who, unsigned flags, struct buf *out)
{
    size_t from = out->len;
    bool compact = !(flags & (JSON_INDENT_2 | JSON_INDENT_4));
    if (v.doc && who == AUDIENCE_WIRE && compact && json_print_tape(v, flags, out))
        return;
    struct printer p = {out, who, flags, 0,
                        who == AUDIENCE_LOG ? from + LOG_BYTES_MAX + 1 : SIZE_MAX};
    print_value(&p, v);
    if (who == AUDIENCE_LOG)
        cut(out, from);
}

str json_str(struct arena *a, value v, enum audience who, unsigned flags)
{
    CLEANUP(buf_done) struct buf b;
    buf_init(&b, JSON_BYTES_MAX * 8);
    json_print(v, who, flags, &b);
    return arena_str(a, buf_str(&b));
}
