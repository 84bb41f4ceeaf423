/* Strings as go-yaml v2 writes them: plain where that reads back as the same string, else quoted,
 * or as a literal block when there are line breaks; folded at blanks past the width.
 *
 * Nearly every string is printable ASCII. For those one look, 16 bytes at a time, decides: the
 * first and the last byte and the places of ':' and '#' are all that counts. Others go the long way
 * by yaml/write.h. */
#include "base/digest.h"
#include "value/text.h"
#include "value/text_scan.h"
#include "value/yaml/print.h"
#include "value/yaml/resolve.h"

/* ---- the output ---- */

void yaml_out_grow(struct yaml_out *o, size_t n)
{
    size_t column = (size_t)(o->w - o->line);
    n += YAML_OUT_SLACK;
    if (!o->full) {
        o->buf->len = (size_t)(o->w - o->buf->at);
        if (buf_reserve(o->buf, n)) {
            o->w = o->buf->at + o->buf->len;
            o->limit = o->buf->at + o->buf->cap - 1;
            o->line = o->w - column;
            return;
        }
        o->full = true;
    }
    o->w = o->line = arena_alloc(o->arena, n + YAML_WIDTH);
    o->limit = o->w + n + YAML_WIDTH;
}

void yaml_out_init(struct yaml_out *o, struct buf *buf, struct arena *a)
{
    *o = (struct yaml_out){.buf = buf, .arena = a};
    buf_reserve(buf, 1);
    o->w = o->line = o->limit = buf->at + buf->len;
    yaml_out_room(o, 0);
}

void yaml_out_finish(struct yaml_out *o)
{
    if (!o->full)
        o->buf->len = (size_t)(o->w - o->buf->at);
    if (o->buf->at)
        o->buf->at[o->buf->len] = 0;
}

static void begin_line(struct yaml_out *o)
{
    o->line = o->w;
    o->wide = 0;
}

static inline void put_blanks(struct yaml_out *o, int n)
{
    memset(o->w, ' ', (size_t)n);
    o->w += n;
}

void yaml_out_line(struct yaml_out *o, int indent)
{
    yaml_out_room(o, (size_t)indent + 1);
    if (o->w != o->line) {
        *o->w++ = '\n';
        begin_line(o);
    }
    put_blanks(o, indent);
}

/* Room must have been made. */
static void copy(struct yaml_out *o, const char *p, size_t n)
{
    memcpy(o->w, p, n);
    o->w += n;
}

/* One character at s[i], of any width; returns its bytes. */
static size_t copy_char(struct yaml_out *o, str s, size_t i)
{
    size_t width = yaml_char_width(s, i);
    yaml_out_room(o, width);
    copy(o, s.at + i, width);
    o->wide += (uint32_t)width - 1;
    return width;
}

/* ---- what a text is ---- */

enum {
    HEAD_PLAIN = 1,   /* begins a plain text */
    HEAD_RESOLVE = 2, /* a text that begins so may be something else than a string */
    HEAD_WORD = 4,    /* only words of at most 5 letters may */
    HEAD_QUOTE = 8,   /* no plain text begins so */
};

#define P HEAD_PLAIN
#define W (HEAD_PLAIN | HEAD_RESOLVE | HEAD_WORD)
#define Q HEAD_QUOTE
static const uint8_t head_class[256] = {
    ['a' ... 'e'] = P,
    ['f'] = W,
    ['g' ... 'm'] = P,
    ['n' ... 'o'] = W,
    ['p' ... 's'] = P,
    ['t'] = W,
    ['u' ... 'x'] = P,
    ['y'] = W,
    ['z'] = P,
    ['A' ... 'E'] = P,
    ['F'] = W,
    ['G' ... 'M'] = P,
    ['N' ... 'O'] = W,
    ['P' ... 'S'] = P,
    ['T'] = W,
    ['U' ... 'X'] = P,
    ['Y'] = W,
    ['Z'] = P,
    ['0' ... '9'] = P | HEAD_RESOLVE,
    ['+'] = P | HEAD_RESOLVE,
    ['~'] = W,
    ['/'] = P,
    ['_'] = P,
    ['='] = P,
    ['$'] = P,
    ['('] = P,
    [')'] = P,
    [';'] = P,
    ['<'] = P,
    ['\\'] = P,
    ['^'] = P,
    ['#'] = Q,
    [','] = Q,
    ['['] = Q,
    [']'] = Q,
    ['{'] = Q,
    ['}'] = Q,
    ['&'] = Q,
    ['*'] = Q,
    ['!'] = Q,
    ['|'] = Q,
    ['>'] = Q,
    ['\''] = Q,
    ['"'] = Q,
    ['%'] = Q,
    ['@'] = Q,
    ['`'] = Q,
    [' '] = Q,
};
#undef P
#undef W
#undef Q

struct look {
    bool ascii;  /* printable ASCII and line feeds only */
    bool breaks; /* has line feeds */
    bool signs;  /* has ':' or '#' */
};

static struct look look_at(str s)
{
    struct look is = {.ascii = true};
    size_t i = 0;
#if defined(__SSE2__) && !defined(VALUE_SCALAR)
    const __m128i lf = _mm_set1_epi8('\n');
    int breaks = 0, signs = 0, bad = 0;
    for (; i + 16 <= s.len; i += 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)(s.at + i));
        __m128i is_lf = _mm_cmpeq_epi8(v, lf);
        __m128i low = _mm_or_si128(_mm_cmplt_epi8(v, _mm_set1_epi8(0x20)),
                                   _mm_cmpeq_epi8(v, _mm_set1_epi8(0x7f)));
        __m128i sign = _mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8(':')),
                                    _mm_cmpeq_epi8(v, _mm_set1_epi8('#')));
        breaks |= _mm_movemask_epi8(is_lf);
        signs |= _mm_movemask_epi8(sign);
        bad |= _mm_movemask_epi8(_mm_andnot_si128(is_lf, low));
    }
    is = (struct look){!bad, breaks, signs};
#endif
    for (; i < s.len; i++) {
        char c = s.at[i];
        is.breaks |= c == '\n';
        is.signs |= c == ':' || c == '#';
        is.ascii &= (c >= 0x20 && c < 0x7f) || c == '\n';
    }
    return is;
}

/* Of printable ASCII: a colon before a blank or at the end, or # behind a blank. */
static bool has_indicator(str s)
{
    for (size_t i = 1; i < s.len; i++) {
        if (s.at[i] == ':' && (i + 1 == s.len || s.at[i + 1] == ' '))
            return true;
        if (s.at[i] == '#' && s.at[i - 1] == ' ')
            return true;
    }
    return false;
}

/* Line feeds with blanks before them, or a blank at the end, forbid a literal block. */
static bool literal_allowed(str s)
{
    const char *p = s.at, *end = s.at + s.len;
    while ((p = memchr(p, '\n', (size_t)(end - p)))) {
        if (p > s.at && p[-1] == ' ')
            return false;
        p++;
    }
    return end[-1] != ' ';
}

static enum yaml_quoting analyzed(str s, bool key)
{
    struct yaml_analysis is = yaml_analyze(s);
    enum yaml_quoting style = yaml_quoting_of(s);
    if (key && is.multiline)
        style = YAML_DOUBLE;
    if (style == YAML_PLAIN && (!is.plain_allowed || (!s.len && key)))
        style = YAML_SINGLE;
    if (style == YAML_SINGLE && !is.single_allowed)
        style = YAML_DOUBLE;
    if (style == YAML_LITERAL && (!is.literal_allowed || key))
        style = YAML_DOUBLE;
    return style;
}

/* For printable ASCII that begins with one of the classes above the same in short. */
static enum yaml_quoting quoting(str s, struct look is, bool key)
{
    uint8_t head = s.len ? head_class[(uint8_t)s.at[0]] : 0;
    if (!is.ascii || (is.breaks && key) || !s.len)
        return analyzed(s, key);
    if (is.breaks)
        return literal_allowed(s) ? YAML_LITERAL : YAML_DOUBLE;
    if (!head)
        return analyzed(s, key);
    if (head & HEAD_QUOTE)
        return YAML_SINGLE;
    if ((head & HEAD_RESOLVE) && (!(head & HEAD_WORD) || s.len <= 5) &&
        yaml_quoting_of(s) == YAML_DOUBLE)
        return YAML_DOUBLE;
    if (s.at[s.len - 1] == ' ' || (is.signs && has_indicator(s)))
        return YAML_SINGLE;
    return YAML_PLAIN;
}

bool yaml_key_is_complex(str s)
{
    return s.len > YAML_SIMPLE_KEY_BYTES_MAX || yaml_analyze(s).multiline;
}

/* ---- plain and single-quoted ---- */

/* Printable ASCII; a single blank past the width becomes a line break. quoted: blanks at its ends
 * do not. */
static void put_folded(struct yaml_out *o, str s, int indent, bool quoted)
{
    const char *p = s.at, *end = s.at + s.len;
    yaml_out_room(o, s.len);
    while (end - p > YAML_WIDTH - yaml_out_column(o)) {
        int within = YAML_WIDTH + 1 - yaml_out_column(o);
        const char *q = p + MAX_OF(within, 0);
        for (;; q++) {
            q = q < end ? memchr(q, ' ', (size_t)(end - q)) : NULL;
            if (!q)
                break;
            bool edge = quoted && (q == s.at || q + 1 == end);
            bool alone = (q == s.at || q[-1] != ' ') && (q + 1 == end || q[1] != ' ');
            if (alone && !edge)
                break;
        }
        if (!q)
            break;
        copy(o, p, (size_t)(q - p));
        p = q + 1;
        yaml_out_room(o, (size_t)(end - p) + (size_t)indent + 1);
        *o->w++ = '\n';
        begin_line(o);
        put_blanks(o, indent);
    }
    copy(o, p, (size_t)(end - p));
}

static bool is_blank_at(str s, size_t i) { return i < s.len && s.at[i] == ' '; }

/* Any text: line breaks double, a blank past the width becomes one. */
static void put_lines(struct yaml_out *o, str s, int indent, bool fold, bool quoted)
{
    bool blanks = false, breaks = false;
    for (size_t i = 0; i < s.len;) {
        yaml_out_room(o, (size_t)indent + 8);
        if (s.at[i] == ' ') {
            bool edge = quoted && (i == 0 || i + 1 == s.len);
            bool past = fold && !blanks && yaml_out_column(o) > YAML_WIDTH;
            if (past && !edge && !is_blank_at(s, i + 1))
                yaml_out_line(o, indent);
            else
                *o->w++ = ' ';
            i++;
            blanks = true;
        } else if (yaml_break_at(s, i)) {
            i += copy_char(o, s, i);
            begin_line(o);
            breaks = true;
        } else {
            if (breaks)
                put_blanks(o, indent);
            if (quoted && s.at[i] == '\'')
                *o->w++ = '\'';
            i += copy_char(o, s, i);
            blanks = breaks = false;
        }
    }
}

static void put_single(struct yaml_out *o, str s, int indent, bool key, bool ascii)
{
    *o->w++ = '\'';
    if (key || !ascii) {
        put_lines(o, s, indent, !key, true);
    } else if (!memchr(s.at, '\'', s.len)) {
        put_folded(o, s, indent, true);
    } else {
        char *twice = arena_alloc(o->arena, s.len * 2), *w = twice;
        for (size_t i = 0; i < s.len; i++) {
            if (s.at[i] == '\'')
                *w++ = '\'';
            *w++ = s.at[i];
        }
        put_folded(o, str_mem(twice, (size_t)(w - twice)), indent, true);
    }
    yaml_out_room(o, 1);
    *o->w++ = '\'';
}

/* ---- double-quoted ---- */

size_t yaml_escape(uint32_t c, char *ret)
{
    static const struct {
        uint32_t c;
        char name;
    } names[] = {{0, '0'},     {7, 'a'},    {8, 'b'},    {9, 't'},      {10, 'n'},
                 {11, 'v'},    {12, 'f'},   {13, 'r'},   {27, 'e'},     {'"', '"'},
                 {'\\', '\\'}, {0x85, 'N'}, {0xa0, '_'}, {0x2028, 'L'}, {0x2029, 'P'}};
    size_t n = 0;
    ret[n++] = '\\';
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (names[i].c == c) {
            ret[n++] = names[i].name;
            return n;
        }
    int digits = c <= 0xff ? 2 : c <= 0xffff ? 4 : 8;
    ret[n++] = digits == 2 ? 'x' : digits == 4 ? 'u' : 'U';
    for (int k = (digits - 1) * 4; k >= 0; k -= 4)
        ret[n++] = "0123456789ABCDEF"[c >> k & 15];
    return n;
}

/* Bytes from i on that go out as they are. */
static size_t ordinary_run(str s, size_t i)
{
    size_t from = i;
    while (i < s.len && s.at[i] > ' ' && s.at[i] < 0x7f && s.at[i] != '"' && s.at[i] != '\\')
        i++;
    return i - from;
}

static void put_double(struct yaml_out *o, str s, int indent, bool key)
{
    /* Upstream looks for a byte order mark at the beginning, at every character. */
    bool bom = str_starts(s, STR("\xef\xbb\xbf")), blanks = false;
    *o->w++ = '"';
    for (size_t i = 0; i < s.len;) {
        size_t run = bom ? 0 : ordinary_run(s, i);
        yaml_out_room(o, run + (size_t)indent + 16);
        if (run) {
            copy(o, s.at + i, run);
            i += run;
            blanks = false;
        } else if (s.at[i] == ' ' && !bom) {
            bool past = !key && !blanks && yaml_out_column(o) > YAML_WIDTH;
            if (past && i > 0 && i + 1 < s.len) {
                yaml_out_line(o, indent);
                if (is_blank_at(s, i + 1))
                    *o->w++ = '\\';
            } else {
                *o->w++ = ' ';
            }
            i++;
            blanks = true;
        } else if (bom || !yaml_printable(s, i) || yaml_break_at(s, i) || s.at[i] == '"' ||
                   s.at[i] == '\\') {
            uint32_t rune;
            i += utf8_decode(s.at + i, s.at + s.len, &rune);
            o->w += yaml_escape(rune, o->w);
            blanks = false;
        } else {
            i += copy_char(o, s, i);
            blanks = false;
        }
    }
    yaml_out_room(o, 1);
    *o->w++ = '"';
}

/* ---- literal blocks ---- */

/* A line that other breaks (CR, NEL, LS, PS) may be in: each of them begins a line of its own. */
static void put_odd_line(struct yaml_out *o, str s, size_t i, size_t stop, int indent)
{
    bool breaks = true;
    while (i < stop) {
        bool brk = yaml_break_at(s, i);
        yaml_out_room(o, (size_t)indent + 4);
        if (breaks && !brk)
            put_blanks(o, indent);
        i += copy_char(o, s, i);
        if (brk)
            begin_line(o);
        breaks = brk;
    }
}

static void put_literal(struct yaml_out *o, str s, int indent, bool ascii)
{
    *o->w++ = '|';
    if (s.at[0] == ' ' || yaml_break_at(s, 0))
        *o->w++ = '0' + YAML_INDENT;
    size_t last = yaml_char_before(s, s.len);
    if (!yaml_break_at(s, last))
        *o->w++ = '-';
    else if (last == 0 || yaml_break_at(s, yaml_char_before(s, last)))
        *o->w++ = '+';
    *o->w++ = '\n';
    begin_line(o);
    for (const char *p = s.at, *end = p + s.len; p < end; p++) {
        const char *lf = memchr(p, '\n', (size_t)(end - p)), *stop = lf ? lf : end;
        yaml_out_room(o, (size_t)(stop - p) + (size_t)indent + 1);
        if (ascii && stop > p) {
            put_blanks(o, indent);
            copy(o, p, (size_t)(stop - p));
        } else if (!ascii) {
            put_odd_line(o, s, (size_t)(p - s.at), (size_t)(stop - s.at), indent);
            yaml_out_room(o, 1);
        }
        if (lf)
            *o->w++ = '\n';
        if (lf)
            begin_line(o);
        p = stop;
    }
}

void yaml_put_string(struct yaml_out *o, str s, int indent, bool key, bool blank)
{
    struct look is = look_at(s);
    if (!is.ascii)
        s = yaml_reread(o->arena, s);
    yaml_out_room(o, s.len + 8);
    if (blank)
        *o->w++ = ' ';
    switch (quoting(s, is, key)) {
    case YAML_PLAIN:
        if (key && is.ascii)
            copy(o, s.at, s.len);
        else if (is.ascii)
            put_folded(o, s, indent, false);
        else
            put_lines(o, s, indent, !key, false);
        break;
    case YAML_SINGLE: put_single(o, s, indent, key, is.ascii); break;
    case YAML_DOUBLE: put_double(o, s, indent, key); break;
    case YAML_LITERAL: put_literal(o, s, indent, is.ascii); break;
    }
}
