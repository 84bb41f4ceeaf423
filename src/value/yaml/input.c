/* The text before scanning: encoding, forbidden characters, line and column arithmetic. */
#include "value/yaml/scan.h"

#define WINDOW_BYTES 512 /* the Go reader decodes its input in raw pieces of this size */

#define B YAML_C_BLANK
#define L YAML_C_BREAK
#define X YAML_C_WIDE
#define F YAML_C_FLOW
#define W YAML_C_WORD
#define Q YAML_C_QUOTE
const uint8_t yaml_class[256] = {
    [0] = YAML_C_NUL,  ['\t'] = B,        ['\n'] = L,
    ['\r'] = L,        [' '] = B,         [':'] = YAML_C_COLON,
    [','] = F,         ['?'] = F,         ['['] = F,
    [']'] = F,         ['{'] = F,         ['}'] = F,
    ['0' ... '9'] = W, ['A' ... 'Z'] = W, ['a' ... 'z'] = W,
    ['_'] = W,         ['-'] = W,         ['"'] = Q,
    ['\''] = Q,        ['\\'] = Q,        [0xc2] = X,
    [0xe2] = X,
};
#undef B
#undef L
#undef X
#undef F
#undef W
#undef Q

bool yaml_wide_break(const char *p)
{
    const uint8_t *u = (const uint8_t *)p;
    return (u[0] == 0xc2 && u[1] == 0x85) ||
           (u[0] == 0xe2 && u[1] == 0x80 && (u[2] == 0xa8 || u[2] == 0xa9));
}

uint32_t yaml_column_slow(struct yaml_scan *s)
{
    if (s->column_at < s->line_at || s->column_at > s->p) {
        s->column_at = s->line_at;
        s->column = 0;
    }
    const char *at = s->column_at;
    uint32_t n = s->column;
    for (; at < s->p; at++)
        n += ((uint8_t)*at & 0xc0) != 0x80;
    s->column_at = at;
    s->column = n;
    return n;
}

void yaml_skip_line(struct yaml_scan *s)
{
    if (s->p[0] == '\r' && s->p[1] == '\n')
        s->p += 2;
    else
        s->p += yaml_width(s->p);
    s->line++;
    s->line_at = s->column_at = s->p;
    s->column = 0;
}

char *yaml_read_line(struct yaml_scan *s, char *w)
{
    const char *from = s->p;
    yaml_skip_line(s); /* first: w may be the same place */
    if ((uint8_t)*from == 0xe2) {
        memmove(w, from, 3);
        return w + 3;
    }
    *w = '\n';
    return w + 1;
}

bool yaml_scan_fail(struct yaml_scan *s, const char *problem, struct yaml_mark context)
{
    s->failed = YAML_SCANNER;
    s->problem = problem;
    s->problem_line = s->line;
    s->context_line = context.line;
    return false;
}

bool yaml_scan_wall(struct yaml_scan *s)
{
    s->failed = YAML_READER;
    s->problem = s->reader_problem;
    s->problem_line = s->context_line = 0;
    return false;
}

static unsigned width_of_lead(uint8_t c)
{
    return c < 0x80             ? 1
           : (c & 0xe0) == 0xc0 ? 2
           : (c & 0xf0) == 0xe0 ? 3
           : (c & 0xf8) == 0xf0 ? 4
                                : 0;
}

static bool is_allowed(uint32_t c)
{
    static const struct {
        uint32_t low, high;
    } ranges[] = {{0x20, 0x7e},   {'\t', '\n'},     {'\r', '\r'},       {0x85, 0x85},
                  {0xa0, 0xd7ff}, {0xe000, 0xfffd}, {0x10000, 0x10ffff}};
    for (size_t i = 0; i < ARRAY_LEN(ranges); i++)
        if (ranges[i].low <= c && c <= ranges[i].high)
            return true;
    return false;
}

static const char incomplete[] = "incomplete UTF-8 octet sequence";

/* What is wrong with the character at u (n bytes left), or NULL and its width. */
static const char *bad_character(const uint8_t *u, size_t n, unsigned *ret_width)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned width = width_of_lead(u[0]);
    *ret_width = width ? width : 1;
    if (!width)
        return "invalid leading UTF-8 octet";
    if (width > n)
        return incomplete;
    uint32_t c = width == 1 ? u[0] : u[0] & (0x7fU >> width);
    for (unsigned i = 1; i < width; i++) {
        if ((u[i] & 0xc0) != 0x80)
            return "invalid trailing UTF-8 octet";
        c = c << 6 | (u[i] & 0x3f);
    }
    if (width > 1 && c < least[width])
        return "invalid length of a UTF-8 sequence";
    if ((c >= 0xd800 && c <= 0xdfff) || c > 0x10ffff)
        return "invalid Unicode character";
    return is_allowed(c) ? NULL : "control characters are not allowed";
}

/* How many bytes from p are printable ASCII or LF; looks at 64 at a time and stops at the first
 * block that has another. */
static size_t ordinary(const char *p, size_t n)
{
    size_t i = 0;
    for (; i + 64 <= n; i += 64) {
        unsigned bad = 0;
        for (size_t k = 0; k < 64; k++) { /* the compiler makes vectors of this */
            uint8_t c = (uint8_t)p[i + k];
            bad |= (unsigned)((uint8_t)(c - 0x20) > 0x5e) & (unsigned)(c != '\n');
        }
        if (bad)
            break;
    }
    return i;
}

/* Offset of the first forbidden character, or n; says what the text is made of. */
static size_t check(struct yaml_scan *s, const char *p, size_t n, const char **ret_problem)
{
    size_t i = 0;
    s->ascii = s->plain_eol = true;
    while (i < n) {
        i += ordinary(p + i, n - i);
        size_t stop = MIN_OF(n, i + 64);
        while (i < stop) {
            unsigned width;
            *ret_problem = bad_character((const uint8_t *)p + i, n - i, &width);
            if (*ret_problem)
                return i;
            if (width > 1) {
                s->ascii = false;
                if (yaml_class_of(p + i) & YAML_C_WIDE && yaml_wide_break(p + i))
                    s->plain_eol = false;
            } else if (p[i] == '\r') {
                s->plain_eol = false;
            }
            i += width;
        }
    }
    return n;
}

/* Where the window begins that holds the forbidden character at `bad`: its decoder is asked for it
 * as soon as the scanner has come that far. All before `bad` is well-formed. */
static size_t window_of(const char *p, size_t n, size_t bad, size_t skipped)
{
    size_t start = 0, room = WINDOW_BYTES - skipped;
    for (;;) {
        size_t stop = MIN_OF(n, start + room);
        size_t whole = stop; /* end of the last complete character */
        while (whole > start && stop - whole < 3 && ((uint8_t)p[whole - 1] & 0xc0) == 0x80)
            whole--;
        if (whole > start && (uint8_t)p[whole - 1] >= 0xc0 && (uint8_t)p[whole - 1] < 0xf8 &&
            whole - 1 + yaml_width(p + whole - 1) > stop)
            whole--;
        else
            whole = stop;
        if (bad < whole || whole == start)
            return start;
        start = whole;
        room = WINDOW_BYTES;
    }
}

/* UTF-16 text (order mark removed) as UTF-8; *ret_problem for what cannot be. */
static str from_utf16(struct arena *a, str text, bool big, const char **ret_problem)
{
    char *out = arena_alloc(a, text.len / 2 * 3 + 4);
    size_t n = 0;
    const uint8_t *u = (const uint8_t *)text.at;
    for (size_t i = 0; i + 1 < text.len; i += 2) {
        uint32_t c = big ? (uint32_t)u[i] << 8 | u[i + 1] : (uint32_t)u[i + 1] << 8 | u[i];
        if ((c & 0xfc00) == 0xdc00) {
            *ret_problem = "unexpected low surrogate area";
            break;
        }
        if ((c & 0xfc00) == 0xd800) {
            if (i + 3 >= text.len) {
                *ret_problem = "incomplete UTF-16 surrogate pair";
                break;
            }
            i += 2;
            uint32_t d = big ? (uint32_t)u[i] << 8 | u[i + 1] : (uint32_t)u[i + 1] << 8 | u[i];
            if ((d & 0xfc00) != 0xdc00) {
                *ret_problem = "expected low surrogate area";
                break;
            }
            c = 0x10000 + ((c & 0x3ff) << 10) + (d & 0x3ff);
        }
        if (c < 0x80) {
            out[n++] = (char)c;
        } else if (c < 0x800) {
            out[n++] = (char)(0xc0 | c >> 6);
            out[n++] = (char)(0x80 | (c & 0x3f));
        } else if (c < 0x10000) {
            out[n++] = (char)(0xe0 | c >> 12);
            out[n++] = (char)(0x80 | (c >> 6 & 0x3f));
            out[n++] = (char)(0x80 | (c & 0x3f));
        } else {
            out[n++] = (char)(0xf0 | c >> 18);
            out[n++] = (char)(0x80 | (c >> 12 & 0x3f));
            out[n++] = (char)(0x80 | (c >> 6 & 0x3f));
            out[n++] = (char)(0x80 | (c & 0x3f));
        }
    }
    if (!*ret_problem && text.len % 2)
        *ret_problem = "incomplete UTF-16 character";
    return str_mem(out, n);
}

void yaml_scan_init(struct yaml_scan *s, str text, struct arena *a)
{
    *s = (struct yaml_scan){.arena = a, .indent = -1, .simple_key_allowed = true};
    const char *problem = NULL;
    size_t skipped = 0;
    if (text.len >= 2 && !memcmp(text.at, "\xff\xfe", 2)) {
        text = from_utf16(a, str_from(text, 2), false, &problem);
    } else if (text.len >= 2 && !memcmp(text.at, "\xfe\xff", 2)) {
        text = from_utf16(a, str_from(text, 2), true, &problem);
    } else if (text.len >= 3 && !memcmp(text.at, "\xef\xbb\xbf", 3)) {
        text = str_from(text, 3);
        skipped = 3;
    }
    size_t good = check(s, text.at, text.len, &s->reader_problem);
    size_t keep = text.len;
    if (good < text.len && s->reader_problem == incomplete) {
        keep = good; /* only the end of the input makes it an error: all before was read */
    } else if (good < text.len) {
        keep = window_of(text.at, text.len, good, skipped);
    } else if (problem) {
        s->reader_problem = problem;
        good = 0;
        keep = 0;
    }
    bool bad = good < text.len || problem;
    s->text = arena_alloc(a, keep + YAML_SCAN_PAD);
    if (keep)
        memcpy(s->text, text.at, keep);
    s->end = s->text + keep;
    s->wall = bad ? s->end : s->end + YAML_SCAN_PAD;
    s->p = s->text;
    s->line_at = s->column_at = s->text;
}
