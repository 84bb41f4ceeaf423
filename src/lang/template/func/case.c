/* lang/template/func/case.c: letters and words.
 *
 * Source: xstrings 1.5.0 (camelcase, snakecase, kebabcase); goutils 1.1.1; strings.Title. */
#include "lang/template/func/rows.h"
#include "lang/template/unicode.h"

static bool has(int32_t r, unsigned bits) { return (unicode_class(r) & bits) != 0; }

/* ---- words by blanks ---- */

/* strings.Title's idea of what is between words. */
static bool is_separator(int32_t r)
{
    if (r <= 0x7F)
        return !((r >= '0' && r <= '9') || (r >= 'a' && r <= 'z') || (r >= 'A' && r <= 'Z') ||
                 r == '_');
    return !has(r, UNICODE_LETTER | UNICODE_DIGIT) && unicode_is_space(r);
}

int func_title(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    struct buf *b = template_buf(c);
    str s = template_text(arg[0]);
    int32_t before = ' ';
    size_t width;
    for (; s.len; s = str_from(s, width)) {
        int32_t r = unicode_decode(s, &width);
        unicode_add(b, is_separator(before) ? unicode_title(r) : r);
        before = r;
    }
    return template_buf_tval(c, b, ret);
}

int func_untitle(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    struct buf *b = template_buf(c);
    str s = template_text(arg[0]);
    bool starts = true;
    size_t width;
    for (; s.len; s = str_from(s, width)) {
        int32_t r = unicode_decode(s, &width);
        bool is_space = unicode_is_space(r);
        unicode_add(b, starts && !is_space ? unicode_lower(r) : r);
        starts = is_space;
    }
    return template_buf_tval(c, b, ret);
}

int func_swapcase(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    struct buf *b = template_buf(c);
    str s = template_text(arg[0]);
    bool starts = true;
    size_t width;
    for (; s.len; s = str_from(s, width)) {
        int32_t r = unicode_decode(s, &width);
        if (has(r, UNICODE_UPPER | UNICODE_TITLE)) {
            r = unicode_lower(r);
            starts = false;
        } else if (has(r, UNICODE_LOWER)) {
            r = starts ? unicode_title(r) : unicode_upper(r);
            starts = false;
        } else {
            starts = unicode_is_space(r);
        }
        unicode_add(b, r);
    }
    return template_buf_tval(c, b, ret);
}

/* First byte of each word, as the rune of that number. */
int func_initials(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    struct buf *b = template_buf(c);
    str s = template_text(arg[0]);
    bool starts = true;
    size_t width;
    for (; s.len; s = str_from(s, width)) {
        int32_t r = unicode_decode(s, &width);
        bool is_space = unicode_is_space(r);
        if (starts && !is_space)
            unicode_add(b, (unsigned char)s.at[0]);
        starts = is_space;
    }
    return template_buf_tval(c, b, ret);
}

/* Bytes are looked at as if they were runes; nothing is changed when none is a blank. */
int func_nospace(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    str s = template_text(arg[0]);
    bool found = false;
    for (size_t i = 0; i < s.len; i++)
        found = found || unicode_is_space((unsigned char)s.at[i]);
    *ret = arg[0];
    if (!found)
        return 0;
    struct buf *b = template_buf(c);
    for (size_t i = 0; i < s.len; i++)
        if (!unicode_is_space((unsigned char)s.at[i]))
            unicode_add(b, (unsigned char)s.at[i]);
    return template_buf_tval(c, b, ret);
}

/* ---- wrapping ---- */

/* One line of at most `width` bytes off s; long words are cut, or stand out when split is false. */
static str take_line(str *io, size_t width, bool split)
{
    str s = *io;
    ptrdiff_t space = str_rfind_char(str_sub(s, 0, width + 1), ' ');
    size_t upto = width, skip = 0;
    if (space >= 0) {
        upto = (size_t)space;
        skip = 1;
    } else if (!split) {
        ptrdiff_t next = str_find_char(str_from(s, width), ' ');
        upto = next < 0 ? s.len : width + (size_t)next;
        skip = next < 0 ? 0 : 1;
    }
    *io = str_from(s, upto + skip);
    return str_sub(s, 0, upto);
}

static int wrap(struct template_call *c, int64_t width, str newline, bool split, str s, tval *ret)
{
    struct buf *b = template_buf(c);
    size_t n = width < 1 ? 1 : (size_t)width;
    while (s.len > n) {
        if (s.at[0] == ' ') {
            s = str_from(s, 1);
            continue;
        }
        bool stands_out = !split && str_find_char(s, ' ') < 0;
        buf_add(b, take_line(&s, n, split));
        if (!stands_out)
            buf_add(b, newline);
    }
    buf_add(b, s);
    return template_buf_tval(c, b, ret);
}

int func_wrap(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    return wrap(c, arg[0].i, STR("\n"), false, template_text(arg[1]), ret);
}

int func_wrap_with(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    str newline = arg[1].len ? template_text(arg[1]) : STR("\n");
    return wrap(c, arg[0].i, newline, true, template_text(arg[2]), ret);
}

/* ---- camelcase ---- */

static bool is_connector(int32_t r) { return r == '-' || r == '_' || unicode_is_space(r); }

int func_camelcase(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    struct buf *b = template_buf(c);
    str s = template_text(arg[0]);
    size_t width;
    int32_t r = 0, before;
    for (; s.len; s = str_from(s, width)) {
        r = unicode_decode(s, &width);
        if (!is_connector(r))
            break;
        unicode_add(b, r);
    }
    if (!s.len) {
        if (arg[0].len) /* nothing but connectors: the last one comes twice */
            unicode_add(b, r);
        return template_buf_tval(c, b, ret);
    }
    bool was_upper = has(r, UNICODE_UPPER);
    r = unicode_upper(r);
    for (s = str_from(s, width); s.len; s = str_from(s, width)) {
        before = r;
        r = unicode_decode(s, &width);
        if (is_connector(r) && is_connector(before)) {
            unicode_add(b, before);
            continue;
        }
        if (is_connector(before)) {
            was_upper = has(r, UNICODE_UPPER);
            r = unicode_upper(r);
            continue;
        }
        if (was_upper && has(r, UNICODE_UPPER))
            r = unicode_lower(r);
        else if (was_upper)
            was_upper = false;
        unicode_add(b, before);
    }
    unicode_add(b, r);
    return template_buf_tval(c, b, ret);
}

/* ---- snakecase, kebabcase ---- */

enum word_type {
    WORD_NONE,
    WORD_NUMBER,
    WORD_UPPER,
    WORD_ALPHABET,
    WORD_CONNECTOR,
    WORD_PUNCT,
    WORD_OTHER
};

struct word {
    enum word_type type;
    str text;
};

static bool is_alphabet(int32_t r)
{
    bool is_ideograph = (r >= 0x3400 && r <= 0x4D85) || (r >= 0x4E00 && r <= 0x9FCC) ||
                        (r >= 0x20000 && r <= 0x2B81D);
    return has(r, UNICODE_LETTER) && !is_ideograph;
}

static bool continues(enum word_type type, int32_t r)
{
    switch (type) {
    case WORD_CONNECTOR: return is_connector(r);
    case WORD_PUNCT: return has(r, UNICODE_PUNCT);
    case WORD_ALPHABET: return is_alphabet(r) && !has(r, UNICODE_UPPER);
    case WORD_NUMBER: return has(r, UNICODE_NUMBER);
    case WORD_OTHER:
        return !is_connector(r) && !has(r, UNICODE_PUNCT | UNICODE_NUMBER | UNICODE_UPPER) &&
               !is_alphabet(r);
    default: return false;
    }
}

static size_t run_of(str s, enum word_type type)
{
    size_t at = 0, width;
    for (; at < s.len; at += width)
        if (!continues(type, unicode_decode(str_from(s, at), &width)))
            break;
    return at;
}

/* An upper case rune and either more of them, the last of which belongs to what follows when that
 * is a letter, or the lower case letters behind it. */
static size_t upper_word(str s)
{
    size_t width, at, last = 0;
    unicode_decode(s, &width);
    at = width;
    if (at >= s.len)
        return at;
    int32_t r = unicode_decode(str_from(s, at), &width);
    if (!has(r, UNICODE_UPPER))
        return is_alphabet(r) ? at + run_of(str_from(s, at), WORD_ALPHABET) : at;
    while (at < s.len) {
        r = unicode_decode(str_from(s, at), &width);
        if (!has(r, UNICODE_UPPER))
            break;
        last = at;
        at += width;
    }
    return at < s.len && is_alphabet(r) ? last : at;
}

static struct word next_word(str *io)
{
    static const enum word_type ORDER[] = {WORD_CONNECTOR, WORD_PUNCT, WORD_ALPHABET, WORD_NUMBER,
                                           WORD_OTHER};
    struct word w = {WORD_NONE, STR("")};
    size_t width, len = 0;
    if (!io->len)
        return w;
    int32_t r = unicode_decode(*io, &width);
    if (has(r, UNICODE_UPPER)) {
        w.type = WORD_UPPER;
        len = upper_word(*io);
    }
    for (size_t i = 0; !len && i < ARRAY_LEN(ORDER); i++) {
        w.type = ORDER[i];
        len = run_of(*io, ORDER[i]);
    }
    len = MAX_OF(len, width);
    w.text = str_sub(*io, 0, len);
    *io = str_from(*io, len);
    return w;
}

static void add_word(struct buf *b, struct word w, char connector)
{
    size_t width;
    if (w.type != WORD_UPPER && w.type != WORD_CONNECTOR) {
        buf_add(b, w.text);
        return;
    }
    for (str s = w.text; s.len; s = str_from(s, width)) {
        int32_t r = unicode_decode(s, &width);
        if (w.type == WORD_UPPER)
            unicode_add(b, has(r, UNICODE_UPPER) ? unicode_lower(r) : r);
        else
            buf_addc(b, connector);
    }
}

static bool is_break(enum word_type t) { return t == WORD_CONNECTOR || t == WORD_PUNCT; }

/* A number glued to the letters behind it; returns the word that follows them. */
static struct word add_glued(struct buf *b, struct word w, str *io, char connector)
{
    while (w.type == WORD_ALPHABET || w.type == WORD_NUMBER) {
        add_word(b, w, connector);
        w = next_word(io);
    }
    return w;
}

/* Behind a word that is no number: where the connector goes depends on the number that follows. */
static struct word add_number(struct buf *b, struct word number, str *io, char connector)
{
    struct word w = next_word(io);
    if (w.type == WORD_NONE)
        return number;
    if (w.type != WORD_ALPHABET) {
        add_word(b, number, connector);
        if (!is_break(w.type))
            buf_addc(b, connector);
        return w;
    }
    buf_addc(b, connector);
    add_word(b, number, connector);
    w = add_glued(b, w, io, connector);
    if (w.type != WORD_NONE && !is_break(w.type))
        buf_addc(b, connector);
    return w;
}

static int connected(struct template_call *c, str s, char connector, tval *ret)
{
    struct buf *b = template_buf(c);
    struct word before = next_word(&s), w;
    while (s.len) {
        w = next_word(&s);
        if (before.type != WORD_CONNECTOR)
            add_word(b, before, connector);
        if (before.type == WORD_NUMBER) {
            w = add_glued(b, w, &s, connector);
            if (w.type != WORD_NONE && !is_break(w.type))
                buf_addc(b, connector);
        } else if (before.type == WORD_CONNECTOR) {
            add_word(b, before, connector);
        } else if (before.type != WORD_PUNCT) {
            if (w.type == WORD_NUMBER)
                w = add_number(b, w, &s, connector);
            else if (!is_break(w.type))
                buf_addc(b, connector);
        }
        before = w;
    }
    add_word(b, before, connector);
    return template_buf_tval(c, b, ret);
}

int func_snakecase(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    return connected(c, template_text(arg[0]), '_', ret);
}

int func_kebabcase(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    return connected(c, template_text(arg[0]), '-', ret);
}
