/* Scalars: looked at 16 bytes at a time where the processor can, copied to the tape as they are
 * understood. The text has 16 NUL bytes behind its end and the tape TAPE_SLACK, so that both may be
 * overrun. */
#include <math.h>

#include "base/digest.h"
#include "value/text.h"
#include "value/text_scan.h"
#include "value/yaml/direct.h"
#include "value/yaml/resolve.h"

/* ---- looking ---- */

#if defined(__SSE2__) && !defined(VALUE_SCALAR)
ALWAYS_INLINE __m128i load16(const char *p)
{
    return _mm_loadu_si128((const __m128i *)(const void *)p);
}

/* Bit i set: byte i of v is a, b, a line feed or NUL. */
ALWAYS_INLINE unsigned stops(__m128i v, char a, char b)
{
    __m128i named =
        _mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8(a)), _mm_cmpeq_epi8(v, _mm_set1_epi8(b)));
    __m128i ends = _mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8('\n')),
                                _mm_cmpeq_epi8(v, _mm_setzero_si128()));
    return (unsigned)_mm_movemask_epi8(_mm_or_si128(named, ends));
}

/* The next : # tab, line feed or NUL. */
ALWAYS_INLINE const char *next_stop(const char *p)
{
    for (;; p += 16) {
        __m128i v = load16(p);
        __m128i tab = _mm_cmpeq_epi8(v, _mm_set1_epi8('\t'));
        unsigned mask = stops(v, ':', '#') | (unsigned)_mm_movemask_epi8(tab);
        if (mask)
            return p + __builtin_ctz(mask);
    }
}

/* Copy up to the next a, b, line feed or NUL. */
ALWAYS_INLINE const char *copy_until(const char *p, char **io_to, char a, char b)
{
    char *to = *io_to;
    for (;; p += 16, to += 16) {
        __m128i v = load16(p);
        unsigned mask = stops(v, a, b);
        _mm_storeu_si128((__m128i *)(void *)to, v);
        if (mask) {
            *io_to = to + __builtin_ctz(mask);
            return p + __builtin_ctz(mask);
        }
    }
}

ALWAYS_INLINE char *copy(char *to, const char *p, size_t n)
{
    for (size_t i = 0; i < n; i += 16)
        _mm_storeu_si128((__m128i *)(void *)(to + i), load16(p + i));
    return to + n;
}
#else
ALWAYS_INLINE const char *next_stop(const char *p)
{
    while (*p && *p != '\n' && *p != ':' && *p != '#' && *p != '\t')
        p++;
    return p;
}

ALWAYS_INLINE const char *copy_until(const char *p, char **io_to, char a, char b)
{
    while (*p && *p != '\n' && *p != a && *p != b)
        *(*io_to)++ = *p++;
    return p;
}

ALWAYS_INLINE char *copy(char *to, const char *p, size_t n)
{
    memcpy(to, p, n);
    return to + n;
}
#endif

static bool is_blankz(char c) { return c == ' ' || c == '\n' || c == '\t' || !c; }

const char *direct_plain_end(const char *from, const char **ret_stop)
{
    const char *p = from;
    for (;; p++) {
        p = next_stop(p);
        if (*p == '\t')
            return NULL;
        if (*p == ':' ? is_blankz(p[1]) : *p != '#' || (p > from && p[-1] == ' '))
            break;
    }
    *ret_stop = p;
    while (p > from && p[-1] == ' ')
        p--;
    return p;
}

/* ---- values ---- */

char *direct_put_text(char *out, size_t len)
{
    bool plain = text_is_plain(str_mem(out + 4, len));
    tape_put_u32(out, tape_header(plain ? TAPE_TEXT : TAPE_ODD_TEXT, (uint32_t)len));
    return out + 4 + len;
}

static char *put_number(char *out, struct yaml_scalar is)
{
    if (is.kind == YAML_INT && is.i >= TAPE_SMALL_MIN && is.i <= TAPE_SMALL_MAX) {
        tape_put_u32(out, tape_header(TAPE_SMALL, (uint32_t)is.i & TAPE_PAYLOAD_MAX));
        return out + 4;
    }
    unsigned kind = is.kind == YAML_INT    ? TAPE_INT64
                    : is.kind == YAML_UINT ? TAPE_UINT64
                                           : TAPE_DOUBLE;
    tape_put_u32(out, tape_header(kind, 0));
    memcpy(out + 4, &is.u, 8);
    return out + 12;
}

char *direct_put_plain(char *out, size_t len, bool may_resolve)
{
    struct yaml_scalar is = {.kind = YAML_STR};
    if (may_resolve)
        is = yaml_resolve(str_mem(out + 4, len));
    switch (is.kind) {
    case YAML_STR: return direct_put_text(out, len);
    case YAML_NULL: tape_put_u32(out, tape_header(TAPE_NULL, 0)); return out + 4;
    case YAML_BOOL:
        tape_put_u32(out, tape_header(is.b ? TAPE_TRUE : TAPE_FALSE, 0));
        return out + 4;
    case YAML_FLOAT:
        if (!isfinite(is.d))
            return NULL;
        is = yaml_through_json(is.d);
        break;
    case YAML_INT:
    case YAML_UINT: break;
    }
    return len > JSON_NUMBER_BYTES_MAX ? NULL : put_number(out, is);
}

/* ---- plain ---- */

static bool is_document_mark(const char *p)
{
    return (*p == '-' || *p == '.') && p[1] == *p && p[2] == *p;
}

/* From the end of a line of a plain scalar to the next text. *ret_breaks: 0 when it does not belong
 * to the scalar. NULL: given up. */
static const char *plain_gap(struct direct *r, const char *p, int32_t parent, unsigned *ret_breaks)
{
    const char *line = p, *eol = p;
    unsigned breaks = 0;
    for (; *p == '\n'; breaks++) {
        eol = p;
        line = ++p;
        while (*p == ' ')
            p++;
    }
    r->line_at = line;
    r->column = *p ? (int32_t)(p - line) : -1;
    *ret_breaks = 0;
    if (!*p || (r->column <= parent && *p != '#' && *p != '\t' && !is_document_mark(p)))
        return p;
    if (*p == '\t' || (p == line && is_document_mark(p)))
        return NULL;
    if (*p == '#') { /* it ends the scalar; what follows may not be deeper */
        p = direct_to_content(r, eol);
        return p && r->column > parent ? NULL : p;
    }
    if (r->column > parent)
        *ret_breaks = breaks;
    return p;
}

struct spot direct_plain(struct direct *r, struct spot s, int32_t parent)
{
    uint8_t class = direct_class[(uint8_t)*s.p];
    char *head = s.out, *to = head + 4;
    const char *p = s.p, *stop;
    unsigned breaks = 0, lines = 0;
    if ((class & DIRECT_DASH) && is_blankz(p[1]))
        return GIVE_UP;
    do {
        const char *end = direct_plain_end(p, &stop);
        if (!end || *stop == ':')
            return GIVE_UP;
        if (breaks == 1)
            *to++ = ' ';
        for (; breaks > 1; breaks--)
            *to++ = '\n';
        to = copy(to, p, (size_t)(end - p));
        lines++;
        if (*stop == '#') {
            p = direct_to_content(r, end);
            if (!p || r->column > parent)
                return GIVE_UP;
            break;
        }
        p = plain_gap(r, stop, parent, &breaks);
        if (!p)
            return GIVE_UP;
    } while (breaks);
    bool may_resolve = (class & DIRECT_RESOLVE) && lines == 1;
    to = direct_put_plain(head, (size_t)(to - head) - 4, may_resolve);
    return to ? (struct spot){p, to} : GIVE_UP;
}

/* ---- quoted ---- */

static const struct {
    char c, stands_for; /* or number of hexadecimal digits */
} escapes[] = {
    {'"', '"'},  {'\\', '\\'}, {'n', '\n'}, {'t', '\t'}, {' ', ' '}, {'\'', '\''},
    {'r', '\r'}, {'\t', '\t'}, {'x', 2},    {'u', 4},    {'U', 8},   {'0', 0},
    {'a', 7},    {'b', 8},     {'e', 27},   {'f', 12},   {'v', 11},
};

static const char *hex_escape(const char *p, char **io_to, int digits)
{
    uint64_t c = 0;
    for (; digits > 0; digits--, p++) {
        int d = hex_digit(*p);
        if (d < 0)
            return NULL;
        c = c << 4 | (unsigned)d;
    }
    if ((c >= 0xd800 && c <= 0xdfff) || c > 0x10ffff)
        return NULL;
    *io_to += utf8_encode((uint32_t)c, *io_to);
    return p;
}

/* p is at the backslash. */
static const char *escape(const char *p, char **io_to)
{
    for (size_t i = 0; i < ARRAY_LEN(escapes); i++) {
        if (escapes[i].c != p[1])
            continue;
        if (p[1] == 'x' || p[1] == 'u' || p[1] == 'U')
            return hex_escape(p + 2, io_to, escapes[i].stands_for);
        *(*io_to)++ = escapes[i].stands_for;
        return p + 2;
    }
    return NULL;
}

/* Line breaks inside a quoted scalar and the blanks around them: one is a blank, of more the first
 * is dropped; an escaped one is dropped too. */
static const char *quoted_gap(struct direct *r, const char *p, char **io_to, bool escaped)
{
    unsigned breaks = 0;
    for (; *p == '\n'; breaks++) {
        r->line_at = ++p;
        while (*p == ' ' || *p == '\t')
            p++;
    }
    if (p == r->line_at && is_document_mark(p))
        return NULL;
    if (breaks == 1 && !escaped)
        *(*io_to)++ = ' ';
    for (; breaks > 1; breaks--)
        *(*io_to)++ = '\n';
    return p;
}

struct spot direct_unquote(struct direct *r, struct spot s, size_t room, str *ret, bool *ret_lines)
{
    char quote = *s.p, other = quote == '"' ? '\\' : quote;
    const char *p = s.p + 1;
    char *at = s.out + room, *to = at, *keep = at; /* blanks up to `keep` were written as escapes */
    *ret_lines = false;
    for (;;) {
        p = copy_until(p, &to, quote, other);
        if (*p == quote && (quote == '"' || p[1] != quote))
            break;
        if (*p == '\n' || (*p == '\\' && p[1] == '\n')) {
            bool escaped = *p == '\\';
            while (!escaped && to > keep && (to[-1] == ' ' || to[-1] == '\t'))
                to--;
            p = quoted_gap(r, p + escaped, &to, escaped);
            *ret_lines = true;
        } else if (*p == '\\') {
            p = escape(p, &to);
        } else if (*p == quote) {
            *to++ = *p;
            p += 2;
        } else {
            p = NULL;
        }
        if (!p)
            return GIVE_UP;
        keep = to;
    }
    *ret = str_mem(at, (size_t)(to - at));
    return (struct spot){p + 1, to};
}

struct spot direct_quoted(struct direct *r, struct spot s)
{
    str text;
    bool lines;
    char *head = s.out;
    s = direct_unquote(r, s, 4, &text, &lines);
    if (s.p)
        s.out = direct_put_text(head, text.len);
    return s;
}

/* ---- block scalars ---- */

struct block {
    bool literal;
    int chomping; /* -1 strip, 0 clip, 1 keep */
    int32_t indent;
};

/* `|2-` and the like, to the beginning of the next line. */
static const char *block_header(const char *p, int32_t parent, struct block *b)
{
    b->literal = *p++ == '|';
    for (int round = 0; round < 2; round++) {
        if (!b->chomping && (*p == '+' || *p == '-'))
            b->chomping = *p++ == '+' ? 1 : -1;
        else if (!b->indent && *p >= '1' && *p <= '9')
            b->indent = MAX_OF(parent, 0) + (*p++ - '0');
    }
    const char *from = p;
    while (*p == ' ')
        p++;
    while (*p == '#' && p > from && *p != '\n' && *p)
        p = next_stop(p + 1);
    return *p == '\n' ? p + 1 : NULL;
}

/* The indentation is that of the first line with text; lines of blanks before it are not longer. */
static int32_t find_indent(const char *p, int32_t parent)
{
    int32_t most = 0, column;
    for (;; p++) {
        const char *line = p;
        while (*p == ' ')
            p++;
        column = (int32_t)(p - line);
        if (*p != '\n')
            break;
        most = MAX_OF(most, column);
    }
    return *p && *p != '\t' && column > parent && column >= most ? column : 0;
}

/* The lines; p is at the beginning of one. *io_to: where the text goes; *ret_end: its end without
 * the last breaks. */
static const char *block_lines(const char *p, const struct block *b, char **io_to, char **ret_end)
{
    char *to = *io_to;
    bool first = true, led_by_blank = false;
    *ret_end = to;
    for (;;) {
        const char *q = p;
        while (q - p < b->indent && *q == ' ')
            q++;
        if (*q == '\n') {
            *to++ = '\n';
            p = q + 1;
            continue;
        }
        if (q - p < b->indent || !*q)
            break;
        bool blank = *q == ' ' || *q == '\t';
        if (!b->literal && !first && !led_by_blank && !blank) {
            if (to - *ret_end == 1)
                **ret_end = ' ';
            else
                to--;
        }
        first = false;
        led_by_blank = blank;
        p = copy_until(q, &to, '\n', '\n');
        *ret_end = to;
        if (!*p)
            break;
        *to++ = '\n';
        p++;
    }
    *io_to = to;
    const char *q = p;
    while (*q == ' ')
        q++;
    return *q == '\t' ? NULL : p;
}

struct spot direct_block(struct direct *r, struct spot s, int32_t parent)
{
    struct block b = {0};
    char *at = s.out + 4, *to = at, *end;
    const char *p = block_header(s.p, parent, &b);
    if (!p || (!b.indent && !(b.indent = find_indent(p, parent))))
        return GIVE_UP;
    p = block_lines(p, &b, &to, &end);
    if (!p || end == at)
        return GIVE_UP;
    if (b.chomping < 0)
        to = end;
    else if (b.chomping == 0)
        to = MIN_OF(to, end + 1);
    s.p = direct_to_content(r, *p ? p - 1 : p);
    s.out = direct_put_text(s.out, (size_t)(to - at));
    return s;
}
