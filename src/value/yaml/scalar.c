/* Scalars, anchors, tags and directives. A scalar on one line without escapes is a view into the
 * text; anything else is written over its own source, which is never shorter (exception: \L and \P,
 * see expand). */
#include "base/digest.h"
#include "value/yaml/scan.h"

static bool is_word(const char *p) { return yaml_class_of(p) & YAML_C_WORD; }

/* Before bytes up to s->p are overwritten, what the column needs from them is counted. */
static void keep_column(struct yaml_scan *s)
{
    if (!s->ascii)
        yaml_column_slow(s);
}

/* The breaks in [from, to) as folding leaves them: one LF is a blank, of more the first is dropped;
 * LS and PS always stay. `first` false: the first break was taken already (escaped). */
static char *fold(char *w, const char *from, const char *to, bool first)
{
    bool lf = true, any = false;
    size_t n = 0;
    for (const char *p = from; p < to;) {
        if (!yaml_is_break(p)) {
            p++;
            continue;
        }
        const char *brk = p;
        p += *p == '\r' && p[1] == '\n' ? 2 : yaml_width(p);
        if ((uint8_t)*brk == 0xe2) {
            memmove(w, brk, 3);
            w += 3;
            lf = lf && !(first && n == 0);
        } else if (!first || n > 0) {
            *w++ = '\n';
        }
        any |= n > 0 || !first;
        n++;
    }
    if (first && lf && !any)
        *w++ = ' ';
    return w;
}

/* ---- plain ---- */

/* Over the words of one line from s->p. Returns the end of the last word; s->p stands behind the
 * blanks that follow it. *ret_stopped: an indicator, comment or the end was met, not a break. */
static const char *plain_line(struct yaml_scan *s, bool *ret_stopped)
{
    const uint8_t stop = YAML_C_BLANK | YAML_C_BREAK | YAML_C_NUL | YAML_C_WIDE | YAML_C_COLON |
                         (s->flow_level > 0 ? YAML_C_FLOW : 0);
    const char *p = s->p, *word_end = p;
    *ret_stopped = true;
    for (;;) {
        const char *word = p;
        for (;;) {
            uint8_t c = yaml_class_of(p);
            if (!(c & stop)) {
                p++;
            } else if (c & YAML_C_WIDE) {
                if (yaml_wide_break(p))
                    break;
                p += yaml_width(p);
            } else if (c & YAML_C_COLON) {
                if (yaml_is_blankz(p + 1))
                    break;
                p++;
            } else {
                break;
            }
        }
        if (p > word)
            word_end = p;
        if (yaml_is_blank(p)) {
            do
                p++;
            while (yaml_is_blank(p));
            if (*p == '#')
                break;
            if (!yaml_is_break(p))
                continue;
        }
        *ret_stopped = !yaml_is_break(p);
        break;
    }
    s->p += p - s->p;
    return word_end;
}

/* Over blanks and breaks in front of the next line of a scalar. */
static bool plain_gap(struct yaml_scan *s, struct yaml_mark start)
{
    int32_t indent = s->indent + 1;
    for (;;) {
        if (yaml_is_break(s->p)) {
            yaml_skip_line(s);
        } else if (*s->p == '\t' && s->p - s->line_at < indent) {
            return yaml_scan_fail(s, "found a tab character that violates indentation", start);
        } else if (yaml_is_blank(s->p)) {
            s->p++;
        } else {
            return yaml_need(s, 1);
        }
    }
}

bool yaml_scan_plain(struct yaml_scan *s, struct yaml_token *t)
{
    t->start = t->end = yaml_here(s);
    t->plain = true;
    char *at = s->p, *w = at;
    const char *gap = NULL, *gap_end = NULL; /* breaks before this line */
    for (;;) {
        if (!yaml_need(s, 4))
            return false;
        if (yaml_at_document_mark(s) || *s->p == '#')
            break;
        bool stopped;
        const char *line = s->p, *word_end = plain_line(s, &stopped);
        if (word_end > line) {
            if (gap) {
                keep_column(s);
                w = fold(w, gap, gap_end, true);
                memmove(w, line, (size_t)(word_end - line));
                w += word_end - line;
                gap = NULL;
            } else {
                w += word_end - line;
            }
            t->end.line = s->content_line = s->line;
        }
        if (stopped) {
            if (*s->p == 0 && !yaml_need(s, 2))
                return false;
            break;
        }
        gap = s->p;
        if (!plain_gap(s, t->start))
            return false;
        gap_end = s->p;
        if (s->flow_level == 0 && (int32_t)yaml_column(s) < s->indent + 1)
            break;
    }
    t->text = str_mem(at, (size_t)(w - at));
    if (gap)
        s->simple_key_allowed = true;
    return true;
}

/* ---- quoted ---- */

struct quoted {
    struct yaml_mark start;
    bool single;
    char *w;
};

static char *put_utf8(char *w, uint32_t c)
{
    if (c < 0x80) {
        *w++ = (char)c;
    } else if (c < 0x800) {
        *w++ = (char)(0xc0 | c >> 6);
        *w++ = (char)(0x80 | (c & 0x3f));
    } else if (c < 0x10000) {
        *w++ = (char)(0xe0 | c >> 12);
        *w++ = (char)(0x80 | (c >> 6 & 0x3f));
        *w++ = (char)(0x80 | (c & 0x3f));
    } else {
        *w++ = (char)(0xf0 | c >> 18);
        *w++ = (char)(0x80 | (c >> 12 & 0x3f));
        *w++ = (char)(0x80 | (c >> 6 & 0x3f));
        *w++ = (char)(0x80 | (c & 0x3f));
    }
    return w;
}

static bool hex_escape(struct yaml_scan *s, struct quoted *q, unsigned digits)
{
    if (!yaml_need(s, digits))
        return false;
    uint64_t c = 0;
    for (unsigned i = 0; i < digits; i++) {
        int d = hex_digit(s->p[i]);
        if (d < 0)
            return yaml_scan_fail(s, "did not find expected hexdecimal number", q->start);
        c = c << 4 | (unsigned)d;
    }
    if ((c >= 0xd800 && c <= 0xdfff) || c > 0x10ffff)
        return yaml_scan_fail(s, "found invalid Unicode character escape code", q->start);
    s->p += digits;
    keep_column(s);
    q->w = put_utf8(q->w, (uint32_t)c);
    return true;
}

/* What an escape stands for: its character, or the number of hexadecimal digits that follow. */
static const struct escape {
    uint32_t c;
    uint8_t digits;
    bool known;
} escapes[128] = {
    ['0'] = {0, 0, true},     ['a'] = {7, 0, true},      ['b'] = {8, 0, true},
    ['t'] = {9, 0, true},     ['\t'] = {9, 0, true},     ['n'] = {10, 0, true},
    ['v'] = {11, 0, true},    ['f'] = {12, 0, true},     ['r'] = {13, 0, true},
    ['e'] = {27, 0, true},    [' '] = {' ', 0, true},    ['"'] = {'"', 0, true},
    ['\''] = {'\'', 0, true}, ['\\'] = {'\\', 0, true},  ['N'] = {0x85, 0, true},
    ['_'] = {0xa0, 0, true},  ['L'] = {0x2028, 0, true}, ['P'] = {0x2029, 0, true},
    ['x'] = {0, 2, true},     ['u'] = {0, 4, true},      ['U'] = {0, 8, true},
};

static bool escape(struct yaml_scan *s, struct quoted *q)
{
    uint8_t c = (uint8_t)s->p[1];
    if (c >= 128 || !escapes[c].known)
        return yaml_scan_fail(s, "found unknown escape character", q->start);
    s->p += 2;
    if (escapes[c].digits)
        return hex_escape(s, q, escapes[c].digits);
    keep_column(s);
    q->w = put_utf8(q->w, escapes[c].c);
    return true;
}

/* Characters up to a blank, break, the end or the closing quote. *ret_gap: an escaped break was
 * eaten. */
static bool quoted_word(struct yaml_scan *s, struct quoted *q, bool *ret_gap)
{
    *ret_gap = false;
    while (!yaml_is_blankz(s->p)) {
        char c = *s->p;
        if (q->single && c == '\'') {
            if (s->p[1] != '\'')
                return true;
            s->p += 2;
            keep_column(s);
            *q->w++ = '\'';
        } else if (!q->single && c == '"') {
            return true;
        } else if (!q->single && c == '\\') {
            if (yaml_is_break(s->p + 1)) {
                s->p++;
                yaml_skip_line(s);
                *ret_gap = true;
                return true;
            }
            if (!escape(s, q))
                return false;
        } else {
            const char *from = s->p;
            do
                s->p += yaml_width(s->p);
            while (!(yaml_class_of(s->p) &
                     (YAML_C_QUOTE | YAML_C_BLANK | YAML_C_BREAK | YAML_C_NUL | YAML_C_WIDE)));
            keep_column(s);
            memmove(q->w, from, (size_t)(s->p - from));
            q->w += s->p - from;
        }
        if (!yaml_need(s, 2))
            return false;
    }
    return true;
}

/* Blanks and breaks between words. */
static bool quoted_gap(struct yaml_scan *s, struct quoted *q, bool escaped_break)
{
    const char *from = s->p;
    bool breaks = escaped_break;
    for (;;) {
        if (yaml_is_break(s->p)) {
            breaks = true;
            yaml_skip_line(s);
        } else if (yaml_is_blank(s->p)) {
            s->p++;
        } else {
            break;
        }
    }
    keep_column(s);
    if (breaks) {
        q->w = fold(q->w, from, s->p, !escaped_break);
    } else {
        memmove(q->w, from, (size_t)(s->p - from));
        q->w += s->p - from;
    }
    return yaml_need(s, 1);
}

/* The closing quote may be in sight: a view of the text then, which is nearly every scalar. */
static bool quoted_view(struct yaml_scan *s, struct yaml_token *t, bool single)
{
    const char *p = s->p;
    for (;; p++) {
        uint8_t c = yaml_class_of(p);
        if (!(c & (YAML_C_QUOTE | YAML_C_BREAK | YAML_C_NUL | YAML_C_WIDE)))
            continue;
        if (c & YAML_C_WIDE && !yaml_wide_break(p))
            continue;
        if (!(c & YAML_C_QUOTE))
            return false;
        if (*p == (single ? '\'' : '"'))
            break;
        if (!single && *p == '\\')
            return false;
    }
    if (single && p[1] == '\'')
        return false;
    t->text = str_mem(s->p, (size_t)(p - s->p));
    s->p += p - s->p + 1;
    t->end = yaml_here(s);
    return yaml_need(s, 0);
}

/* \L and \P are two bytes for three: with one of them the result gets memory of its own. */
static char *room_for(struct yaml_scan *s, bool single)
{
    size_t wide = 0;
    const char *p = s->p;
    if (single)
        return s->p;
    for (; *p && *p != '"'; p++)
        if (*p == '\\' && p[1]) {
            p++;
            wide += *p == 'L' || *p == 'P';
        }
    return wide ? arena_alloc(s->arena, (size_t)(p - s->p) + wide + 4) : s->p;
}

bool yaml_scan_quoted(struct yaml_scan *s, struct yaml_token *t, bool single)
{
    t->start = yaml_here(s);
    t->quote = single ? '\'' : '"';
    s->p++;
    if (quoted_view(s, t, single))
        return true;
    struct quoted q = {t->start, single, room_for(s, single)};
    char *at = q.w;
    for (;;) {
        if (!yaml_need(s, 4))
            return false;
        if (yaml_at_document_mark(s))
            return yaml_scan_fail(s, "found unexpected document indicator", t->start);
        if (*s->p == 0)
            return yaml_scan_fail(s, "found unexpected end of stream", t->start);
        bool escaped_break;
        if (!quoted_word(s, &q, &escaped_break))
            return false;
        if (!escaped_break && *s->p == (single ? '\'' : '"'))
            break;
        /* After an escaped break a quote ends the scalar only when it comes at once. */
        if (escaped_break && *s->p == (single ? '\'' : '"'))
            break;
        if (!quoted_gap(s, &q, escaped_break))
            return false;
    }
    t->text = str_mem(at, (size_t)(q.w - at));
    s->p++;
    s->content_line = s->line;
    t->end = yaml_here(s);
    return true;
}

/* ---- block scalars ---- */

struct block {
    struct yaml_mark start;
    int32_t indent; /* 0: not known yet */
    int chomping;   /* -1 strip, 0 clip, 1 keep */
};

static bool header_comment(struct yaml_scan *s, const struct block *b)
{
    while (yaml_is_blank(s->p))
        s->p++;
    if (*s->p == '#' && s->keep_comments)
        return yaml_scan_line_comment(s, b->start.at);
    if (*s->p == '#')
        while (!yaml_is_breakz(s->p))
            s->p += yaml_width(s->p);
    return true;
}

static bool block_header(struct yaml_scan *s, struct block *b)
{
    int increment = 0;
    for (int round = 0; round < 2; round++) {
        if (b->chomping == 0 && (*s->p == '+' || *s->p == '-')) {
            b->chomping = *s->p++ == '+' ? 1 : -1;
        } else if (!increment && *s->p >= '0' && *s->p <= '9') {
            if (*s->p == '0')
                return yaml_scan_fail(s, "found an indentation indicator equal to 0", b->start);
            increment = *s->p++ - '0';
        }
    }
    if (!header_comment(s, b) || !yaml_need(s, 1))
        return false;
    if (!yaml_is_breakz(s->p))
        return yaml_scan_fail(s, "did not find expected comment or line break", b->start);
    if (*s->p)
        yaml_skip_line(s);
    if (increment)
        b->indent = s->indent >= 0 ? s->indent + increment : increment;
    return true;
}

/* Indentation and empty lines; their breaks go to *w. Finds the indentation when it is not known.
 */
static bool block_breaks(struct yaml_scan *s, struct block *b, char **w, struct yaml_mark *end)
{
    int32_t most = 0;
    *end = (struct yaml_mark){s->line, (uint32_t)(s->p - s->line_at), 0};
    for (;;) {
        while ((b->indent == 0 || s->p - s->line_at < b->indent) && *s->p == ' ')
            s->p++;
        int32_t column = (int32_t)(s->p - s->line_at);
        most = MAX_OF(most, column);
        if ((b->indent == 0 || column < b->indent) && *s->p == '\t')
            return yaml_scan_fail(s, "found a tab character where an indentation space is expected",
                                  b->start);
        if (!yaml_is_break(s->p))
            break;
        *w = yaml_read_line(s, *w);
        *end = (struct yaml_mark){s->line, 0, 0};
    }
    if (b->indent == 0)
        b->indent = MAX_OF(MAX_OF(most, s->indent + 1), 1);
    return yaml_need(s, 1);
}

static void to_line_end(struct yaml_scan *s)
{
    if (s->plain_eol) {
        const char *eol = memchr(s->p, '\n', (size_t)(s->end - s->p));
        s->p += (eol ? eol : s->end) - s->p;
    } else {
        while (!yaml_is_breakz(s->p))
            s->p += yaml_width(s->p);
    }
}

static bool is_blank_line(const char *p, const char *end)
{
    while (p < end && yaml_is_blank(p))
        p++;
    return p == end;
}

bool yaml_scan_block(struct yaml_scan *s, struct yaml_token *t, bool literal)
{
    struct block b = {.start = yaml_here(s)};
    t->start = b.start;
    t->quote = literal ? '|' : '>';
    s->p++;
    if (!block_header(s, &b))
        return false;
    /* Output: [at, text_end) finished text, then the last break [text_end, breaks), then the breaks
     * of empty lines [breaks, w). */
    char *at = s->p, *text_end = at, *breaks = at, *w = at;
    bool leading_blank = false;
    if (!block_breaks(s, &b, &w, &t->end))
        return false;
    while (s->p - s->line_at == b.indent && *s->p) {
        bool blank = yaml_is_blank(s->p);
        if (!literal && !leading_blank && !blank && breaks > text_end && *text_end == '\n') {
            if (breaks == w) {
                *text_end = ' ';
            } else {
                memmove(text_end, breaks, (size_t)(w - breaks));
                w -= breaks - text_end;
            }
        }
        leading_blank = blank;
        const char *line = s->p;
        to_line_end(s);
        if (s->keep_comments && !is_blank_line(line, s->p))
            s->content_line = s->line;
        memmove(w, line, (size_t)(s->p - line));
        w += s->p - line;
        text_end = w;
        if (!yaml_need(s, 2))
            return false;
        if (*s->p)
            w = yaml_read_line(s, w);
        breaks = w;
        if (!block_breaks(s, &b, &w, &t->end))
            return false;
    }
    if (b.chomping == -1)
        w = text_end;
    else if (b.chomping == 0)
        w = breaks;
    t->text = str_mem(at, (size_t)(w - at));
    return true;
}

/* ---- anchors, tags, directives ---- */

bool yaml_scan_anchor(struct yaml_scan *s, struct yaml_token *t)
{
    t->start = yaml_here(s);
    const char *at = ++s->p;
    while (is_word(s->p))
        s->p++;
    t->text = str_mem(at, (size_t)(s->p - at));
    if (!yaml_need(s, 1))
        return false;
    if (!t->text.len || !(yaml_is_blankz(s->p) || strchr("?:,]}%@`", *s->p)))
        return yaml_scan_fail(s, "did not find expected alphabetic or numeric character", t->start);
    t->end = yaml_here(s);
    return true;
}

static bool tag_handle(struct yaml_scan *s, bool directive, struct yaml_mark start, str *ret)
{
    if (*s->p != '!')
        return yaml_scan_fail(s, "did not find expected '!'", start);
    const char *at = s->p++;
    while (is_word(s->p))
        s->p++;
    if (*s->p == '!')
        s->p++;
    else if (directive && s->p - at != 1)
        return yaml_scan_fail(s, "did not find expected '!'", start);
    *ret = str_mem(at, (size_t)(s->p - at));
    return yaml_need(s, 1);
}

static bool uri_escape(struct yaml_scan *s, struct yaml_mark start, char **w)
{
    unsigned left = 0;
    do {
        int high = s->p[0] == '%' ? hex_digit(s->p[1]) : -1;
        int low = high >= 0 ? hex_digit(s->p[2]) : -1;
        if (low < 0)
            return yaml_scan_fail(s, "did not find URI escaped octet", start);
        uint8_t octet = (uint8_t)(high << 4 | low);
        if (!left) {
            left = octet < 0x80             ? 1
                   : (octet & 0xe0) == 0xc0 ? 2
                   : (octet & 0xf0) == 0xe0 ? 3
                   : (octet & 0xf8) == 0xf0 ? 4
                                            : 0;
            if (!left)
                return yaml_scan_fail(s, "found an incorrect leading UTF-8 octet", start);
        } else if ((octet & 0xc0) != 0x80) {
            return yaml_scan_fail(s, "found an incorrect trailing UTF-8 octet", start);
        }
        *(*w)++ = (char)octet;
        s->p += 3;
    } while (--left);
    return true;
}

/* The URI of a tag; head (may be empty) was read already, its first byte is not part of it. */
static bool tag_uri(struct yaml_scan *s, str head, struct yaml_mark start, str *ret)
{
    const char *from = s->p;
    while (is_word(s->p) || (*s->p && strchr(";/?:@&=+$,.!~*'()[]%", *s->p)))
        s->p++;
    size_t n = (size_t)(s->p - from);
    s->p -= n;
    if (!head.len && !n)
        return yaml_scan_fail(s, "did not find expected tag URI", start);
    char *at = arena_alloc(s->arena, head.len + n + 1), *w = at;
    if (head.len > 1) {
        memcpy(w, head.at + 1, head.len - 1);
        w += head.len - 1;
    }
    while (s->p < from + n) {
        if (*s->p != '%')
            *w++ = *s->p++;
        else if (!uri_escape(s, start, &w))
            return false;
    }
    *ret = str_mem(at, (size_t)(w - at));
    return yaml_need(s, 1);
}

bool yaml_scan_tag(struct yaml_scan *s, struct yaml_token *t)
{
    t->type = YAML_T_TAG;
    t->start = yaml_here(s);
    if (s->p[1] == '<') {
        s->p += 2;
        if (!tag_uri(s, (str){NULL, 0}, t->start, &t->suffix))
            return false;
        if (*s->p != '>')
            return yaml_scan_fail(s, "did not find the expected '>'", t->start);
        s->p++;
    } else {
        str handle;
        if (!tag_handle(s, false, t->start, &handle))
            return false;
        if (handle.len > 1 && handle.at[handle.len - 1] == '!') {
            if (!tag_uri(s, (str){NULL, 0}, t->start, &t->suffix))
                return false;
            t->text = handle;
        } else {
            if (!tag_uri(s, handle, t->start, &t->suffix))
                return false;
            t->text = STR("!");
            if (!t->suffix.len) {
                t->suffix = t->text;
                t->text = (str){NULL, 0};
            }
        }
    }
    if (!yaml_need(s, 1))
        return false;
    if (!yaml_is_blankz(s->p))
        return yaml_scan_fail(s, "did not find expected whitespace or line break", t->start);
    t->end = yaml_here(s);
    return true;
}

static bool version_number(struct yaml_scan *s, struct yaml_mark start, char *ret)
{
    int n = 0, digits = 0;
    for (; *s->p >= '0' && *s->p <= '9'; s->p++) {
        if (++digits > 2)
            return yaml_scan_fail(s, "found extremely long version number", start);
        n = n * 10 + (*s->p - '0');
    }
    if (!digits)
        return yaml_scan_fail(s, "did not find expected version number", start);
    *ret = (char)n;
    return yaml_need(s, 1);
}

static void skip_blanks(struct yaml_scan *s)
{
    while (yaml_is_blank(s->p))
        s->p++;
}

static bool version_directive(struct yaml_scan *s, struct yaml_token *t)
{
    char *number = arena_alloc(s->arena, 2);
    t->type = YAML_T_VERSION_DIRECTIVE;
    t->text = str_mem(number, 2);
    skip_blanks(s);
    if (!version_number(s, t->start, &number[0]))
        return false;
    if (*s->p != '.')
        return yaml_scan_fail(s, "did not find expected digit or '.' character", t->start);
    s->p++;
    return version_number(s, t->start, &number[1]);
}

static bool tag_directive(struct yaml_scan *s, struct yaml_token *t)
{
    t->type = YAML_T_TAG_DIRECTIVE;
    skip_blanks(s);
    if (!tag_handle(s, true, t->start, &t->text))
        return false;
    if (!yaml_is_blank(s->p))
        return yaml_scan_fail(s, "did not find expected whitespace", t->start);
    skip_blanks(s);
    if (!tag_uri(s, (str){NULL, 0}, t->start, &t->suffix))
        return false;
    if (!yaml_is_blankz(s->p))
        return yaml_scan_fail(s, "did not find expected whitespace or line break", t->start);
    return true;
}

bool yaml_scan_directive(struct yaml_scan *s, struct yaml_token *t)
{
    t->start = yaml_here(s);
    const char *at = ++s->p;
    while (is_word(s->p))
        s->p++;
    str name = str_mem(at, (size_t)(s->p - at));
    if (!yaml_need(s, 1))
        return false;
    if (!name.len)
        return yaml_scan_fail(s, "could not find expected directive name", t->start);
    if (!yaml_is_blankz(s->p))
        return yaml_scan_fail(s, "found unexpected non-alphabetical character", t->start);
    if (str_is(name, "YAML")) {
        if (!version_directive(s, t))
            return false;
    } else if (str_is(name, "TAG")) {
        if (!tag_directive(s, t))
            return false;
    } else {
        return yaml_scan_fail(s, "found unknown directive name", t->start);
    }
    t->end = yaml_here(s);
    skip_blanks(s);
    if (*s->p == '#')
        to_line_end(s);
    if (!yaml_need(s, 1))
        return false;
    if (!yaml_is_breakz(s->p))
        return yaml_scan_fail(s, "did not find expected comment or line break", t->start);
    if (*s->p)
        yaml_skip_line(s);
    return true;
}
