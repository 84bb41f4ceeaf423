/* value/toml/scan.c: the TOML reader's walk over the text: characters, strings, scalars.
 *
 * It goes forwards and backwards over characters exactly as upstream's scanner does, because where
 * a message says the problem is depends on it. */
#include <math.h>

#include "value/number.h"
#include "value/text.h"
#include "value/toml/read.h"

#define REPLACEMENT 0xfffd

static bool is_control(uint32_t r)
{
    return (r < 0x20 && r != '\t' && r != '\n' && r != '\r') || r == 0x7f;
}

static void fail_control(struct toml *t, uint32_t r)
{
    toml_fail(t, t->line, "TOML files cannot contain control characters: '0x%02x'", (unsigned)r);
}

uint32_t toml_next(struct toml *t)
{
    uint32_t r;
    if (t->failed || t->pos >= t->in.len) {
        t->at_eof = true;
        return TOML_EOF;
    }
    const char *at = t->in.at + t->pos, *end = t->in.at + t->in.len;
    if (*at == '\n')
        t->line++;
    unsigned n = utf8_len(at, end);
    if (!n) {
        toml_fail(t, t->line, "invalid UTF-8 byte: 0x%02x", (unsigned char)*at);
        return REPLACEMENT;
    }
    utf8_decode(at, end, &r);
    if (is_control(r) || (r == '\r' && (at + 1 == end || at[1] != '\n'))) {
        fail_control(t, r);
        return REPLACEMENT;
    }
    t->pos += n;
    return r;
}

void toml_backup(struct toml *t)
{
    if (t->at_eof) {
        t->at_eof = false;
        return;
    }
    if (t->failed || t->pos == 0)
        return;
    do
        t->pos--;
    while (t->pos > 0 && (t->in.at[t->pos] & 0xc0) == 0x80);
    if (t->in.at[t->pos] == '\n')
        t->line--;
}

uint32_t toml_peek(struct toml *t)
{
    uint32_t r = toml_next(t);
    toml_backup(t);
    return r;
}

bool toml_accept(struct toml *t, uint32_t r)
{
    if (toml_next(t) == r && !t->failed)
        return true;
    toml_backup(t);
    return false;
}

void toml_skip_blanks(struct toml *t)
{
    while (toml_is_blank(toml_next(t)))
        ;
    toml_backup(t);
    toml_ignore(t);
}

bool toml_is_hex(uint32_t r) { return toml_is_digit(r) || ((r | 32) >= 'a' && (r | 32) <= 'f'); }

bool toml_is_bare(uint32_t r)
{
    return toml_is_digit(r) || (r < 0x80 && (r | 32) >= 'a' && (r | 32) <= 'z') || r == '_' ||
           r == '-';
}

str toml_token(const struct toml *t) { return str_sub(t->in, t->start, t->pos - t->start); }

/* ---- escapes ---- */

static const char simple[128] = {['b'] = '\b', ['t'] = '\t', ['n'] = '\n', ['f'] = '\f',
                                 ['r'] = '\r', ['e'] = 27,   ['"'] = '"',  ['\\'] = '\\'};

static const struct {
    char letter;
    unsigned digits;
    const char *number;
} numbered[] = {{'x', 2, "two"}, {'u', 4, "four"}, {'U', 8, "eight"}};

/* Behind a backslash. */
static void scan_escape(struct toml *t)
{
    t->escaped = true;
    uint32_t r = toml_next(t);
    if (r < 128 && (simple[r] || toml_is_blank(r)))
        return;
    for (size_t i = 0; i < ARRAY_LEN(numbered); i++) {
        if (r != (unsigned char)numbered[i].letter)
            continue;
        for (unsigned n = numbered[i].digits; n > 0 && !t->failed; n--)
            if (!toml_is_hex(toml_next(t)))
                toml_fail_here(t,
                               "expected %s hexadecimal digits after '\\%c', but got %.*s instead",
                               numbered[i].number, numbered[i].letter,
                               STR_FMT(toml_quoted(t, toml_token(t))));
        return;
    }
    if (t->failed)
        return;
    char text[5] = {0};
    utf8_encode(r, text);
    toml_fail(t, t->line - t->at_eof, "invalid escape in string '\\%s'", text);
}

/* The text without a backslash at the end of a line and the white space that follows it. */
static str without_line_ends(struct arena *a, str s)
{
    char *out = arena_alloc(a, s.len);
    size_t n = 0;
    for (size_t i = 0; i < s.len;) {
        size_t j = i + 1;
        if (s.at[i] != '\\') {
            out[n++] = s.at[i++];
            continue;
        }
        if (j < s.len && s.at[j] == '\\') {
            out[n++] = s.at[i++];
            out[n++] = s.at[i++];
            continue;
        }
        while (j < s.len && strchr(" \t\r\n", s.at[j]))
            j++;
        if (str_find_char(str_sub(s, i, j - i), '\n') >= 0)
            i = j;
        else
            out[n++] = s.at[i++];
    }
    return str_mem(out, n);
}

static uint32_t hex_value(str s)
{
    uint32_t x = 0;
    for (size_t i = 0; i < s.len; i++)
        x = x << 4 | (uint32_t)(toml_is_digit((unsigned char)s.at[i]) ? s.at[i] - '0'
                                                                      : (s.at[i] | 32) - 'a' + 10);
    return x;
}

static str without_escapes(struct toml *t, int line, str s)
{
    char *out = arena_alloc(t->arena, s.len + 4);
    size_t n = 0;
    for (size_t i = 0; i < s.len && !t->failed;) {
        unsigned char c = i + 1 < s.len ? (unsigned char)s.at[i + 1] : 0;
        if (s.at[i] != '\\') {
            out[n++] = s.at[i++];
            continue;
        }
        if (c < 128 && simple[c]) {
            out[n++] = simple[c];
            i += 2;
            continue;
        }
        if (toml_is_blank(c)) {
            toml_fail(t, line, "invalid escape: '\\%c'", c);
            break;
        }
        unsigned digits = c == 'x' ? 2 : c == 'u' ? 4 : 8;
        str hex = str_sub(s, i + 2, digits);
        uint32_t r = hex_value(hex);
        if (r > 0x10ffff || (r >= 0xd800 && r <= 0xdfff))
            toml_fail(t, line, "Escaped character '\\u%.*s' is not valid UTF-8.", STR_FMT(hex));
        else
            n += utf8_encode(r, out + n);
        i += 2 + digits;
    }
    return str_mem(out, n);
}

/* ---- strings ---- */

static str without_first_newline(str s)
{
    if (str_starts(s, STR("\r\n")))
        return str_from(s, 2);
    return str_starts(s, STR("\n")) ? str_from(s, 1) : s;
}

str toml_string(struct toml *t)
{
    for (;;) {
        uint32_t r = toml_next(t);
        if (t->failed)
            return STR("");
        if (t->at_eof) {
            toml_fail_here(t, "unexpected EOF; expected '\"'");
        } else if (toml_is_newline(r)) {
            toml_fail(t, t->line - 1, "strings cannot contain newlines");
        } else if (r == '\\') {
            scan_escape(t);
        } else if (r == '"') {
            str s = str_sub(t->in, t->start, t->pos - 1 - t->start);
            bool escaped = t->escaped;
            t->escaped = false;
            toml_ignore(t);
            return escaped ? without_escapes(t, t->line, s) : s;
        }
    }
}

str toml_raw_string(struct toml *t)
{
    for (;;) {
        uint32_t r = toml_next(t);
        if (t->failed)
            return STR("");
        if (t->at_eof) {
            toml_fail_here(t, "unexpected EOF; expected \"'\"");
        } else if (toml_is_newline(r)) {
            toml_fail(t, t->line - 1, "strings cannot contain newlines");
        } else if (r == '\'') {
            str s = str_sub(t->in, t->start, t->pos - 1 - t->start);
            toml_ignore(t);
            return s;
        }
    }
}

/* Behind one quote: are three of them the end? One or two more quotes belong to the text. */
static bool closes(struct toml *t, char quote, str *ret)
{
    const char five[] = {quote, quote, quote, quote, quote, 0},
               escaped[] = {'\\', quote, quote, quote, quote, quote, 0};
    if (!toml_accept(t, (unsigned char)quote))
        return false;
    if (!toml_accept(t, (unsigned char)quote)) {
        toml_backup(t);
        return false;
    }
    if (toml_peek(t) == (unsigned char)quote) {
        str s = toml_token(t);
        if (str_ends(s, str_of(five)) && (quote == '\'' || !str_ends(s, str_of(escaped))))
            toml_fail_here(t,
                           quote == '\'' ? "unexpected \"''''''\"" : "unexpected '\"\"\"\"\"\"'");
        toml_backup(t);
        toml_backup(t);
        return false;
    }
    *ret = str_sub(t->in, t->start, t->pos - 3 - t->start);
    toml_ignore(t);
    return !t->failed;
}

str toml_multiline_string(struct toml *t)
{
    str s = STR("");
    for (;;) {
        uint32_t r = toml_next(t);
        if (t->failed)
            return s;
        if (t->at_eof) {
            toml_fail_here(t, "unexpected EOF; expected '\"\"\"'");
        } else if (r == '\\') {
            if (!toml_is_newline(toml_next(t))) {
                toml_backup(t);
                scan_escape(t);
            }
        } else if (r == '"' && closes(t, '"', &s)) {
            t->escaped = false;
            s = without_line_ends(t->arena, without_first_newline(s));
            return without_escapes(t, t->line, s);
        }
    }
}

str toml_multiline_raw_string(struct toml *t)
{
    str s = STR("");
    for (;;) {
        uint32_t r = toml_next(t);
        if (t->failed)
            return s;
        if (t->at_eof)
            toml_fail_here(t, "unexpected EOF; expected \"'''\"");
        else if (r == '\'' && closes(t, '\'', &s))
            return without_first_newline(s);
    }
}

/* ---- numbers ---- */

static bool underscores_ok(str s)
{
    bool accept = false;
    if (str_ends(s, STR("nan")) || str_ends(s, STR("inf")))
        return true;
    for (size_t i = 0; i < s.len; i++) {
        if (s.at[i] == '_' && !accept)
            return false;
        accept = toml_is_hex((unsigned char)s.at[i]);
    }
    return accept;
}

static bool has_leading_zero(str s)
{
    if (s.len > 1 && s.at[0] == '0' && !strchr("box", s.at[1]))
        return true;
    return s.len > 2 && (s.at[0] == '-' || s.at[0] == '+') && s.at[1] == '0';
}

static str without_underscores(struct arena *a, str s)
{
    char *out = arena_alloc(a, s.len + 1);
    size_t n = 0;
    for (size_t i = 0; i < s.len; i++)
        if (s.at[i] != '_')
            out[n++] = s.at[i];
    out[n] = 0;
    return str_mem(out, n);
}

/* Digits of a base behind 0b, 0o, 0x. */
static bool based_integer(str digits, unsigned base, int64_t *ret)
{
    uint64_t x = 0;
    for (size_t i = 0; i < digits.len; i++) {
        if (x > (uint64_t)INT64_MAX / base)
            return false;
        x = x * base + hex_value(str_sub(digits, i, 1));
        if (x > INT64_MAX)
            return false;
    }
    *ret = (int64_t)x;
    return true;
}

static value integer(struct toml *t)
{
    str s = toml_token(t), q = toml_quoted(t, s);
    int64_t i = 0;
    toml_ignore(t);
    if (!underscores_ok(s))
        toml_fail(t, t->line, "Invalid integer %.*s: underscores must be surrounded by digits",
                  STR_FMT(q));
    else if (has_leading_zero(s))
        toml_fail(t, t->line, "Invalid integer %.*s: cannot have leading zeroes", STR_FMT(q));
    if (t->failed)
        return VALUE_ABSENT;
    str d = without_underscores(t->arena, s);
    unsigned base = d.len < 2        ? 10
                    : d.at[1] == 'x' ? 16
                    : d.at[1] == 'o' ? 8
                    : d.at[1] == 'b' ? 2
                                     : 10;
    bool ok = base == 10 ? str_to_i64(str_trim_prefix(d, STR("+")), &i)
                         : based_integer(str_from(d, 2), base, &i);
    if (!ok)
        toml_fail(t, t->line, "%.*s is out of range for int64", STR_FMT(s));
    return value_of_int(t->arena, i);
}

/* A period needs a digit behind it. */
static bool periods_ok(str s)
{
    bool period = false;
    for (size_t i = 0; i < s.len; i++) {
        if (period && !toml_is_digit((unsigned char)s.at[i]))
            return false;
        period = s.at[i] == '.';
    }
    return !period;
}

/* Go's ParseFloat takes it. */
static bool is_float(str s)
{
    bool integer;
    str u = s.len && (s.at[0] == '+' || s.at[0] == '-') ? str_from(s, 1) : s;
    while (u.len > 1 && u.at[0] == '0' && toml_is_digit((unsigned char)u.at[1]))
        u = str_from(u, 1);
    return u.len && u.at[0] != '-' && number_scan(u, &integer) == u.len;
}

static str first_part(str s, str *ret_rest)
{
    size_t i = 0, j;
    while (i < s.len && strchr(".eE", s.at[i]))
        i++;
    for (j = i; j < s.len && !strchr(".eE", s.at[j]);)
        j++;
    *ret_rest = str_from(s, j);
    return str_sub(s, i, j - i);
}

static bool parts_ok(str s)
{
    while (s.len) {
        str part = first_part(s, &s);
        if (part.len && !underscores_ok(part))
            return false;
    }
    return true;
}

value toml_float(struct toml *t, str s)
{
    str q = toml_quoted(t, s), rest;
    double d = 0;
    toml_ignore(t);
    if (str_ends(s, STR("nan")))
        d = s.at[0] == '-' ? -(double)NAN : (double)NAN;
    else if (str_ends(s, STR("inf")))
        d = s.at[0] == '-' ? -(double)INFINITY : (double)INFINITY;
    else if (!parts_ok(s))
        toml_fail(t, t->line, "Invalid float %.*s: underscores must be surrounded by digits",
                  STR_FMT(q));
    else if (has_leading_zero(first_part(s, &rest)))
        toml_fail(t, t->line, "Invalid float %.*s: cannot have leading zeroes", STR_FMT(q));
    else if (!periods_ok(s))
        toml_fail(t, t->line, "Invalid float %.*s: '.' must be followed by one or more digits",
                  STR_FMT(q));
    else if (!is_float(without_underscores(t->arena, s)))
        toml_fail(t, t->line, "Invalid float value: %.*s", STR_FMT(q));
    else if (!number_to_double(without_underscores(t->arena, s), &d))
        toml_fail(t, t->line, "%.*s is out of range for float64", STR_FMT(s));
    return value_of_double(t->arena, d);
}

static value scan_float(struct toml *t)
{
    uint32_t r;
    do
        r = toml_next(t);
    while (toml_is_digit(r) || r == '_' || r == '.' || r == '-' || r == '+' || r == 'e' ||
           r == 'E');
    toml_backup(t);
    return t->failed ? VALUE_ABSENT : toml_float(t, toml_token(t));
}

static value scan_decimal(struct toml *t)
{
    uint32_t r;
    do
        r = toml_next(t);
    while (toml_is_digit(r) || r == '_');
    if (r == '.' || r == 'e' || r == 'E')
        return scan_float(t);
    toml_backup(t);
    return t->failed ? VALUE_ABSENT : integer(t);
}

static value scan_date(struct toml *t)
{
    str out = STR("");
    unsigned style = 0;
    uint32_t r;
    do
        r = toml_next(t);
    while (toml_is_digit(r) || (r && r < 128 && strchr("-:Tt .Zz+", (int)r)));
    toml_backup(t);
    if (t->failed)
        return VALUE_ABSENT;
    str s = arena_str(t->arena, str_trim(toml_token(t)));
    toml_ignore(t);
    for (size_t i = 0; i < s.len; i++) {
        char *c = (char *)s.at + i;
        *c = *c == 'z' ? 'Z' : *c == 't' || *c == ' ' ? 'T' : *c;
    }
    if (!toml_time(t->arena, s, &out, &style)) {
        toml_fail(t, t->line, "invalid datetime: %.*s", STR_FMT(toml_quoted(t, s)));
        return VALUE_ABSENT;
    }
    value v = value_borrow_str(t->arena, out);
    value_set_style(v, style);
    return v;
}

static bool is_binary(uint32_t r) { return r == '0' || r == '1'; }
static bool is_octal(uint32_t r) { return r >= '0' && r <= '7'; }

static value scan_based(struct toml *t, bool (*is_digit)(uint32_t r), const char *what)
{
    uint32_t r = toml_peek(t);
    char text[5] = {0};
    if (!is_digit(r)) {
        utf8_encode(r, text);
        toml_fail_here(t, "not %s number: '%.*s%s'", what, STR_FMT(toml_token(t)), text);
    }
    do
        r = toml_next(t);
    while (is_digit(r) || r == '_');
    toml_backup(t);
    return t->failed ? VALUE_ABSENT : integer(t);
}

value toml_number_or_date(struct toml *t)
{
    bool zero = toml_next(t) == '0';
    uint32_t r = toml_next(t);
    if (zero && r == 'b')
        return scan_based(t, is_binary, "a binary");
    if (zero && r == 'o')
        return scan_based(t, is_octal, "an octal");
    if (zero && r == 'x')
        return scan_based(t, toml_is_hex, "a hexadecimal");
    zero = zero && !toml_is_digit(r);
    while (toml_is_digit(r))
        r = toml_next(t);
    if (!zero && (r == '-' || r == ':'))
        return scan_date(t);
    if (r == '_')
        return scan_decimal(t);
    if (r == '.' || r == 'e' || r == 'E')
        return scan_float(t);
    toml_backup(t);
    return t->failed ? VALUE_ABSENT : integer(t);
}

value toml_signed_number(struct toml *t)
{
    uint32_t r = toml_next(t);
    if (r == 'i' || r == 'n') {
        if (r == 'i' ? toml_accept(t, 'n') && toml_accept(t, 'f')
                     : toml_accept(t, 'a') && toml_accept(t, 'n'))
            return toml_float(t, toml_token(t));
        toml_fail_here(t, "invalid float: '%.*s'", STR_FMT(toml_token(t)));
    }
    uint32_t p = r == '0' ? toml_peek(t) : 0;
    if (p == 'b' || p == 'o' || p == 'x')
        toml_fail_here(t, "cannot use sign with non-decimal numbers: '%.*s%c'",
                       STR_FMT(toml_token(t)), (char)p);
    if (r == '.')
        toml_fail_here(t, "floats must start with a digit, not '.'");
    if (toml_is_digit(r) && !t->failed)
        return scan_decimal(t);
    toml_fail_here(t, "expected a digit but got %.*s", STR_FMT(toml_quoted_rune(t, r)));
    return VALUE_ABSENT;
}

/* Outside ASCII a guess, which only the wording of a message depends on. */
static bool is_letter(uint32_t r)
{
    if (r < 0x80)
        return (r | 32) >= 'a' && (r | 32) <= 'z';
    bool sign = r < 0xc0 || r == 0xd7 || r == 0xf7 || (r >= 0x2000 && r < 0x2c00) ||
                (r >= 0x3000 && r < 0x3040) || (r >= 0xd800 && r < 0xf900) ||
                (r >= 0xfe00 && r < 0xff21) || r >= 0x1f000;
    return !sign || r == 0xaa || r == 0xb5 || r == 0xba;
}

value toml_bool(struct toml *t)
{
    size_t from = t->pos;
    bool letters = is_letter(toml_peek(t));
    while (is_letter(toml_next(t)))
        ;
    toml_backup(t);
    str word = str_sub(t->in, from, t->pos - from);
    if (t->failed || !letters)
        return VALUE_ABSENT;
    str token = toml_token(t);
    toml_ignore(t);
    if (str_is(word, "true") || str_is(word, "false"))
        return value_of_bool(t->arena, str_is(token, "true"));
    toml_fail_here(t, "expected value but found %.*s instead", STR_FMT(toml_quoted(t, word)));
    return VALUE_ABSENT;
}
