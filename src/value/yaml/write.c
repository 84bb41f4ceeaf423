#include "value/yaml/write.h"

#include "value/text.h"
#include "value/yaml/resolve.h"

/* ---- characters ---- */

static uint8_t byte_at(str s, size_t i) { return i < s.len ? (uint8_t)s.at[i] : 0; }

size_t yaml_char_width(str s, size_t i)
{
    uint8_t c = byte_at(s, i);
    size_t width = c < 0xc0 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
    return MIN_OF(width, s.len - i);
}

size_t yaml_char_before(str s, size_t end)
{
    size_t i = end;
    while (i > 0 && (byte_at(s, --i) & 0xc0) == 0x80)
        ;
    return i;
}

bool yaml_break_at(str s, size_t i)
{
    uint8_t c = byte_at(s, i);
    return c == '\n' || c == '\r' || (c == 0xc2 && byte_at(s, i + 1) == 0x85) ||
           (c == 0xe2 && byte_at(s, i + 1) == 0x80 && (byte_at(s, i + 2) | 1) == 0xa9);
}

bool yaml_printable(str s, size_t i)
{
    uint8_t c = byte_at(s, i), d = byte_at(s, i + 1), f = byte_at(s, i + 2);
    if (c < 0x80)
        return c == '\n' || (c >= 0x20 && c <= 0x7e);
    if (c == 0xc2)
        return d >= 0xa0;
    if (c == 0xed)
        return d < 0xa0;
    if (c == 0xef)
        return !(d == 0xbb && f == 0xbf) && !(d == 0xbf && f >= 0xbe);
    return c > 0xc2 && c <= 0xee;
}

static bool is_blank(uint8_t c) { return c == ' ' || c == '\t'; }

/* ---- analysis ---- */

struct seen {
    bool indicators, breaks, special;
    bool leading, trailing, trailing_space; /* blank or break at an end */
    bool break_space, space_break;
};

static bool starts_indicator(str s)
{
    uint8_t c = byte_at(s, 0);
    if (s.len >= 3 && (c == '-' || c == '.') && s.at[1] == s.at[0] && s.at[2] == s.at[0])
        return true;
    if (c == '?' || c == ':' || c == '-')
        return s.len == 1 || is_blank(byte_at(s, 1));
    return c && strchr("#,[]{}&*!|>'\"%@`", c);
}

static bool is_indicator(str s, size_t i, size_t width, bool after_blank)
{
    if (s.at[i] == ':')
        return i + width >= s.len || is_blank(byte_at(s, i + width));
    return s.at[i] == '#' && after_blank;
}

/* Bytes from i on that say nothing about what may be done with the text: printable ASCII but : and
 * #. */
static size_t silent_run(str s, size_t i)
{
    static const bool silent[256] = {['!' ... '"'] = true,
                                     ['$' ... '9'] = true,
                                     [';' ... '~'] = true};
    size_t from = i;
    while (i < s.len && silent[(uint8_t)s.at[i]])
        i++;
    return i - from;
}

static struct seen look(str s)
{
    struct seen is = {.indicators = starts_indicator(s)};
    bool after_space = false, after_break = false, after_blank = true;
    size_t width;
    for (size_t i = 0; i < s.len; i += width) {
        width = silent_run(s, i);
        if (width > 0) {
            after_space = after_break = after_blank = false;
            continue;
        }
        width = yaml_char_width(s, i);
        bool last = i + width == s.len, brk = yaml_break_at(s, i), space = s.at[i] == ' ';
        is.indicators |= i > 0 && is_indicator(s, i, width, after_blank);
        is.special |= !yaml_printable(s, i);
        is.breaks |= brk;
        is.leading |= i == 0 && (space || brk);
        is.trailing |= last && (space || brk);
        is.trailing_space |= last && space;
        is.break_space |= space && after_break;
        is.space_break |= brk && after_space;
        after_space = space;
        after_break = brk;
        after_blank = brk || is_blank((uint8_t)s.at[i]) || !s.at[i];
    }
    return is;
}

/* Most texts: letters, digits and a few signs that mean nothing anywhere. */
static bool is_ordinary(str s)
{
    static const bool fine[256] = {
        ['0' ... '9'] = true, ['A' ... 'Z'] = true, ['a' ... 'z'] = true,
        ['_'] = true,         ['/'] = true,         ['.'] = true,
        ['-'] = true,         ['+'] = true,         ['='] = true,
    };
    for (size_t i = 0; i < s.len; i++)
        if (!fine[(uint8_t)s.at[i]])
            return false;
    return s.len > 0 && s.at[0] != '-' && s.at[0] != '.';
}

struct yaml_analysis yaml_analyze(str s)
{
    struct yaml_analysis a = {.plain_allowed = true,
                              .single_allowed = true,
                              .literal_allowed = true};
    if (!s.len) {
        a.literal_allowed = false;
        return a;
    }
    if (is_ordinary(s))
        return a;
    struct seen is = look(s);
    a.multiline = is.breaks;
    a.single_allowed = !is.break_space && !is.space_break && !is.special;
    a.literal_allowed = !is.trailing_space && !is.space_break && !is.special;
    a.plain_allowed =
        a.single_allowed && !is.leading && !is.trailing && !is.breaks && !is.indicators;
    return a;
}

bool yaml_is_base60(str s)
{
    size_t i = byte_at(s, 0) == '+' || byte_at(s, 0) == '-', colons = 0;
    if (byte_at(s, i) < '0' || byte_at(s, i) > '9')
        return false;
    while ((byte_at(s, i) >= '0' && byte_at(s, i) <= '9') || byte_at(s, i) == '_')
        i++;
    for (; byte_at(s, i) == ':'; colons++) {
        size_t digits = i + 1;
        while (byte_at(s, digits) >= '0' && byte_at(s, digits) <= '9')
            digits++;
        size_t n = digits - i - 1;
        if (n == 0 || n > 2 || (n == 2 && s.at[i + 1] > '5'))
            return false;
        i = digits;
    }
    if (colons && byte_at(s, i) == '.')
        for (i++; (byte_at(s, i) >= '0' && byte_at(s, i) <= '9') || byte_at(s, i) == '_';)
            i++;
    return colons && i == s.len;
}

enum yaml_quoting yaml_quoting_of(str s)
{
    if (str_find_char(s, '\n') >= 0)
        return YAML_LITERAL;
    if (yaml_resolve(s).kind != YAML_STR || yaml_is_timestamp(s) || yaml_is_base60(s))
        return YAML_DOUBLE;
    return YAML_PLAIN;
}

/* ---- reading back ---- */

str yaml_reread(struct arena *a, str s)
{
    bool changes = false;
    for (size_t i = 0; i < s.len && !changes; i++) {
        uint8_t c = (uint8_t)s.at[i];
        changes = c == 0x7f || (c == 0xc2 && byte_at(s, i + 1) < 0xa0) ||
                  (c == 0xef && byte_at(s, i + 1) == 0xbf && byte_at(s, i + 2) >= 0xbe);
    }
    if (!changes)
        return s;
    struct buf json = BUF_INIT;
    value v;
    json_print_str(s, 0, &json);
    if (!yaml_parse(buf_str(&json), NULL, a, &v, NULL) && value_is_string(v))
        s = value_str(v);
    buf_done(&json);
    return s;
}

/* ---- order ---- */

/* Unicode letters as far as they are told apart here: punctuation, symbols, marks and private use
 * are not. */
static bool is_letter(uint32_t c)
{
    static const struct {
        uint32_t low, high;
    } others[] = {
        {0, '@'},         {'[', '`'},       {'{', 0xa9},        {0xab, 0xb4},
        {0xb6, 0xb9},     {0xbb, 0xbf},     {0xd7, 0xd7},       {0xf7, 0xf7},
        {0x2c2, 0x2c5},   {0x2d2, 0x2df},   {0x300, 0x36f},     {0x483, 0x489},
        {0x591, 0x5cf},   {0x600, 0x61f},   {0x64b, 0x66d},     {0x2000, 0x2070},
        {0x2072, 0x207e}, {0x2080, 0x208f}, {0x20a0, 0x2101},   {0x2190, 0x2bff},
        {0x3000, 0x3004}, {0x3007, 0x3030}, {0x3200, 0x33ff},   {0xe000, 0xf8ff},
        {0xfe00, 0xfe6f}, {0xfeff, 0xfeff}, {0xff00, 0xff20},   {0xff3b, 0xff40},
        {0xff5b, 0xff65}, {0xfff0, 0xffff}, {0x1d000, 0x1d3ff}, {0x1f000, 0x1faff},
    };
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        if (others[i].low <= c && c <= others[i].high)
            return false;
    return true;
}

static bool digit_at(str s, size_t i) { return byte_at(s, i) >= '0' && byte_at(s, i) <= '9'; }

/* Value of the digits from i on (wrapping, as upstream's); *ret_end behind them. */
static int64_t digits_at(str s, size_t i, uint64_t n, size_t *ret_end)
{
    for (; digit_at(s, i); i++)
        n = n * 10 + (uint64_t)(s.at[i] - '0');
    *ret_end = i;
    return (int64_t)n;
}

static int order(bool less) { return less ? -1 : 1; }

/* Index of the first character that differs, or the end of the shorter text. */
static size_t first_difference(str a, str b)
{
    size_t i = 0, most = MIN_OF(a.len, b.len);
    while (i < most && a.at[i] == b.at[i])
        i++;
    if (i < most && (signed char)(a.at[i] | b.at[i]) >= 0)
        return i;
    while (i > 0 && i < most && ((byte_at(a, i) & 0xc0) == 0x80 || (byte_at(b, i) & 0xc0) == 0x80))
        i--; /* to the beginning of the character */
    return i;
}

static bool is_ascii_letter(uint8_t c) { return (c | 0x20) >= 'a' && (c | 0x20) <= 'z'; }

/* Of two characters that are no letters: digits from there on count as a number. */
static int number_order(str a, str b, size_t i, uint32_t x, uint32_t y)
{
    size_t end_a, end_b;
    uint64_t before = 0; /* a 0 that only continues a number does not begin one */
    if (x == '0' || y == '0')
        for (size_t j = i; j > 0 && digit_at(a, j - 1) && !before; j--)
            before = a.at[j - 1] != '0';
    int64_t n = digits_at(a, i, before, &end_a), m = digits_at(b, i, before, &end_b);
    if (n != m)
        return order(n < m);
    if (end_a != end_b)
        return order(end_a < end_b);
    return order(x < y);
}

static int key_order(str a, str b, bool v3)
{
    size_t i = first_difference(a, b);
    if (i == a.len || i == b.len)
        return a.len == b.len ? 0 : order(a.len < b.len);
    if (is_ascii_letter((uint8_t)a.at[i]) && is_ascii_letter((uint8_t)b.at[i])) /* nearly always */
        return order(a.at[i] < b.at[i]);
    uint32_t x, y;
    utf8_decode(a.at + i, a.at + a.len, &x);
    utf8_decode(b.at + i, b.at + b.len, &y);
    if (x == y)
        return 0;
    bool letter_x = is_letter(x), letter_y = is_letter(y);
    if (letter_x && letter_y)
        return order(x < y);
    if (letter_x || letter_y) {
        bool behind_digit = v3 && i > 0 && digit_at(a, i - 1);
        return order(behind_digit ? letter_x : letter_y);
    }
    return number_order(a, b, i, x, y);
}

int yaml_key_order(str a, str b) { return key_order(a, b, false); }
int yaml3_key_order(str a, str b) { return key_order(a, b, true); }
