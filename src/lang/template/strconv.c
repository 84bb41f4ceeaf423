/* lang/template/strconv.c: numbers; see strconv.h. */
#include "lang/template/strconv.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "value/number.h"

#define SHORTEST_PLAIN_DIGITS 6 /* %g without precision decides as if it were this */
#define FLOAT_BYTES_MAX 4096    /* longer literals are no numbers */

static int digit_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'Z')
        return c - 'A' + 10;
    return 99;
}

/* Underscores stand between digits only; a base prefix counts as one. */
static bool underscores_fit(str s)
{
    char last = '^';
    size_t i = 0;
    bool is_hex = false;
    if (s.len && (s.at[0] == '-' || s.at[0] == '+'))
        s = str_from(s, 1);
    if (s.len >= 2 && s.at[0] == '0' && strchr("bBoOxX", s.at[1])) {
        i = 2;
        last = '0';
        is_hex = s.at[1] == 'x' || s.at[1] == 'X';
    }
    for (; i < s.len; i++) {
        char c = s.at[i];
        if (digit_of(c) < (is_hex ? 16 : 10)) {
            last = '0';
        } else if (c == '_') {
            if (last != '0')
                return false;
            last = '_';
        } else {
            if (last == '_')
                return false;
            last = '!';
        }
    }
    return last != '_';
}

/* Base of a text by its prefix, which is taken off. */
static int base_of(str *io)
{
    if (!io->len || io->at[0] != '0')
        return 10;
    if (io->len >= 3) {
        int base = 0;
        switch (io->at[1]) {
        case 'b':
        case 'B': base = 2; break;
        case 'o':
        case 'O': base = 8; break;
        case 'x':
        case 'X': base = 16; break;
        default: break;
        }
        if (base) {
            *io = str_from(*io, 2);
            return base;
        }
    }
    *io = str_from(*io, 1);
    return 8;
}

enum strconv_result strconv_uint(str s, int base, int bits, uint64_t *ret)
{
    uint64_t n = 0, max = bits == 64 ? UINT64_MAX : ((uint64_t)1 << bits) - 1;
    bool by_prefix = base == 0, has_underscore = false, is_over = false;
    str digits = s;
    *ret = 0;
    if (!s.len)
        return STRCONV_SYNTAX;
    if (by_prefix)
        base = base_of(&digits);
    for (size_t i = 0; i < digits.len; i++) {
        if (digits.at[i] == '_' && by_prefix) {
            has_underscore = true;
            continue;
        }
        int d = digit_of(digits.at[i]);
        if (d >= base)
            return STRCONV_SYNTAX;
        is_over |= __builtin_mul_overflow(n, (uint64_t)base, &n);
        is_over |= __builtin_add_overflow(n, (uint64_t)d, &n);
    }
    if (has_underscore && !underscores_fit(s))
        return STRCONV_SYNTAX;
    *ret = is_over || n > max ? max : n;
    return is_over || n > max ? STRCONV_RANGE : STRCONV_OK;
}

enum strconv_result strconv_int(str s, int base, int bits, int64_t *ret)
{
    bool is_negative = s.len && s.at[0] == '-';
    uint64_t u, max = (uint64_t)1 << (bits - 1);
    *ret = 0;
    if (s.len && (s.at[0] == '-' || s.at[0] == '+'))
        s = str_from(s, 1);
    enum strconv_result r = strconv_uint(s, base, 64, &u);
    if (r == STRCONV_SYNTAX)
        return r;
    if (is_negative ? u > max : u >= max) {
        *ret = is_negative ? (int64_t)-max : (int64_t)(max - 1);
        return STRCONV_RANGE;
    }
    *ret = is_negative ? (int64_t)-u : (int64_t)u;
    return STRCONV_OK;
}

static bool float_special(str s, double *ret)
{
    double sign = 1;
    if (s.len && (s.at[0] == '-' || s.at[0] == '+')) {
        sign = s.at[0] == '-' ? -1 : 1;
        s = str_from(s, 1);
        if (str_ieq(s, STR("nan")))
            return false;
    }
    if (str_ieq(s, STR("inf")) || str_ieq(s, STR("infinity")))
        *ret = sign * (double)INFINITY;
    else if (str_ieq(s, STR("nan")))
        *ret = (double)NAN;
    else
        return false;
    return true;
}

struct float_scanner {
    str s;
    size_t at, n;
    char *text; /* what was read, without underscores */
    bool has_underscore;
};

static void scan_sign(struct float_scanner *f)
{
    if (f->at < f->s.len && (f->s.at[f->at] == '-' || f->s.at[f->at] == '+'))
        f->text[f->n++] = f->s.at[f->at++];
}

/* Digits of the base and underscores, with a point where it may be one. Returns the digits. */
static size_t scan_digits(struct float_scanner *f, int base, bool may_point)
{
    size_t digits = 0;
    for (; f->at < f->s.len; f->at++) {
        char c = f->s.at[f->at];
        if (c == '_') {
            f->has_underscore = true;
            continue;
        }
        if (c == '.' && may_point)
            may_point = false;
        else if (digit_of(c) < base)
            digits++;
        else
            break;
        f->text[f->n++] = c;
    }
    return digits;
}

/* Digits [.digits] [exponent] and nothing else; hexadecimal needs its exponent. */
static bool float_scan(struct float_scanner *f)
{
    str s = f->s;
    bool is_hex = false;
    scan_sign(f);
    if (s.len - f->at >= 2 && s.at[f->at] == '0' && (s.at[f->at + 1] | 0x20) == 'x') {
        is_hex = true;
        f->text[f->n++] = s.at[f->at++];
        f->text[f->n++] = s.at[f->at++];
    }
    if (!scan_digits(f, is_hex ? 16 : 10, true))
        return false;
    bool has_exponent = f->at < s.len && (s.at[f->at] | 0x20) == (is_hex ? 'p' : 'e');
    if (has_exponent) {
        f->text[f->n++] = s.at[f->at++];
        scan_sign(f);
        if (f->at >= s.len || digit_of(s.at[f->at]) > 9)
            return false;
        (void)scan_digits(f, 10, false);
    }
    f->text[f->n] = 0;
    return f->at == s.len && (!is_hex || has_exponent);
}

enum strconv_result strconv_float(str s, double *ret)
{
    char text[FLOAT_BYTES_MAX + 1];
    struct float_scanner f = {.s = s, .text = text};
    *ret = 0;
    if (float_special(s, ret))
        return STRCONV_OK;
    if (!s.len || s.len > FLOAT_BYTES_MAX || !float_scan(&f) ||
        (f.has_underscore && !underscores_fit(s)))
        return STRCONV_SYNTAX;
    *ret = strtod(text, NULL);
    return isinf(*ret) ? STRCONV_RANGE : STRCONV_OK;
}

size_t strconv_digits(double d, char ret[STRCONV_DIGITS_MAX], int *ret_point)
{
    char text[NUMBER_PRINT_MAX];
    str s = {text, number_print_double(d, text)};
    size_t n = 0;
    int point = 0, exponent = 0;
    bool seen_point = false;
    for (size_t i = 0; i < s.len; i++) {
        char c = s.at[i];
        if (c == 'e') {
            bool minus = s.at[i + 1] == '-';
            for (i += 2; i < s.len; i++)
                exponent = exponent * 10 + (s.at[i] - '0');
            exponent = minus ? -exponent : exponent;
        } else if (c == '.') {
            seen_point = true;
        } else if (n || c != '0') {
            point += seen_point ? 0 : 1;
            if (n < STRCONV_DIGITS_MAX)
                ret[n++] = c;
        } else {
            point -= seen_point ? 1 : 0;
        }
    }
    while (n && ret[n - 1] == '0')
        n--;
    *ret_point = n ? point + exponent : 0;
    return n;
}

/* d.ddde+-xx of shortest digits. */
static void add_shortest_e(struct buf *b, const char *digit, size_t n, int point, char format)
{
    int exponent = n ? point - 1 : 0;
    buf_addc(b, n ? digit[0] : '0');
    if (n > 1) {
        buf_addc(b, '.');
        buf_add(b, str_mem(digit + 1, n - 1));
    }
    buf_printf(b, "%c%c%02d", format, exponent < 0 ? '-' : '+', abs(exponent));
}

static void add_shortest_f(struct buf *b, const char *digit, size_t n, int point)
{
    if (point <= 0) {
        buf_addc(b, '0');
    } else {
        size_t whole = MIN_OF(n, (size_t)point);
        buf_add(b, str_mem(digit, whole));
        buf_fill(b, '0', (size_t)point - whole);
    }
    if ((int)n > point && n) {
        buf_addc(b, '.');
        if (point < 0)
            buf_fill(b, '0', (size_t)-point);
        size_t skip = point > 0 ? (size_t)point : 0;
        buf_add(b, str_mem(digit + skip, n - skip));
    }
}

static void add_shortest(struct buf *b, double d, char format)
{
    char digit[STRCONV_DIGITS_MAX];
    int point;
    size_t n = strconv_digits(d, digit, &point);
    if (format == 'f' || format == 'F') {
        add_shortest_f(b, digit, n, point);
    } else if (format == 'e' || format == 'E') {
        add_shortest_e(b, digit, n, point, format);
    } else {
        int exponent = n ? point - 1 : 0;
        if (exponent < -4 || exponent >= SHORTEST_PLAIN_DIGITS)
            add_shortest_e(b, digit, n, point, format == 'G' ? 'E' : 'e');
        else
            add_shortest_f(b, digit, n, point);
    }
}

/* Hexadecimal with normalised mantissa: C's %a but for the shape of the exponent. */
static void add_hex(struct buf *b, double d, char format, int precision)
{
    char text[64];
    if (precision < 0)
        (void)snprintf(text, sizeof text, format == 'X' ? "%A" : "%a", d);
    else
        (void)snprintf(text, sizeof text, format == 'X' ? "%.*A" : "%.*a", MIN_OF(precision, 20),
                       d);
    str head, tail;
    str_rcut(str_of(text), format == 'X' ? 'P' : 'p', &head, &tail);
    buf_add(b, head);
    buf_addc(b, format == 'X' ? 'P' : 'p');
    buf_addc(b, tail.at[0]);
    if (tail.len < 3)
        buf_addc(b, '0');
    buf_add(b, str_from(tail, 1));
}

/* mantissa p exponent, both decimal. */
static void add_binary(struct buf *b, double d)
{
    uint64_t bits;
    memcpy(&bits, &d, sizeof bits);
    int exponent = (int)(bits >> 52 & 0x7FF);
    uint64_t mantissa = bits & (((uint64_t)1 << 52) - 1);
    if (exponent)
        mantissa |= (uint64_t)1 << 52;
    else
        exponent = 1;
    buf_printf(b, "%llup%+d", (unsigned long long)mantissa, exponent - 1023 - 52);
}

void strconv_add_float(struct buf *b, double d, char format, int precision)
{
    if (isnan(d) || isinf(d)) {
        buf_addz(b, isnan(d) ? "NaN" : d < 0 ? "-Inf" : "+Inf");
        return;
    }
    if (signbit(d)) {
        buf_addc(b, '-');
        d = -d;
    }
    if (format == 'x' || format == 'X') {
        add_hex(b, d, format, precision);
    } else if (format == 'b') {
        add_binary(b, d);
    } else if (precision < 0) {
        add_shortest(b, d, format);
    } else {
        /* a C library's digits are exact; its %g differs from Go's in nothing */
        const char form[] = {'%', '.', '*', format, 0};
        size_t room = (size_t)precision + 330;
        if (!buf_reserve(b, room))
            return;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        int n = snprintf(b->at + b->len, room, form, precision, d);
#pragma GCC diagnostic pop
        if (n > 0)
            buf_advance(b, MIN_OF((size_t)n, room - 1));
    }
}
