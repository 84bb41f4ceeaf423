/* lang/template/print_scalar.c: numbers and strings with width, precision and flags. */
#include <math.h>
#include <string.h>

#include "lang/template/print.h"
#include "lang/template/strconv.h"
#include "lang/template/unicode.h"

#define INTEGER_BYTES_MAX 80 /* 64 binary digits, sign, prefix */

void print_padding(struct printer *p, int n)
{
    if (n > 0)
        buf_fill(p->out, p->zero && !p->minus ? '0' : ' ', (size_t)n);
}

void print_pad(struct printer *p, str s)
{
    int n = p->has_width && p->width ? p->width - (int)unicode_count(s) : 0;
    if (!p->minus)
        print_padding(p, n);
    buf_add(p->out, s);
    if (p->minus)
        print_padding(p, n);
}

static void pad_without_zeros(struct printer *p, str s)
{
    bool zero = p->zero;
    p->zero = false;
    print_pad(p, s);
    p->zero = zero;
}

/* Sign, prefix and zeros in front of the digits, in one piece. */
static void pad_integer(struct printer *p, str digits, int zeros, str prefix)
{
    struct buf b = BUF_INIT;
    buf_add(&b, prefix);
    if (zeros > 0)
        buf_fill(&b, '0', (size_t)zeros);
    buf_add(&b, digits);
    pad_without_zeros(p, buf_str(&b));
    buf_done(&b);
}

/* "-", "+" or " ", then "0o", "0", "0b" or "0x". Returns the length. */
static size_t integer_prefix(const struct printer *p, bool is_negative, int base, int32_t verb,
                             bool octal_zero, char ret[4])
{
    size_t n = 0;
    if (is_negative || p->plus || p->space)
        ret[n++] = is_negative ? '-' : p->plus ? '+' : ' ';
    if (verb == 'O') {
        ret[n++] = '0';
        ret[n++] = 'o';
    }
    if (!p->sharp)
        return n;
    if (base == 8 && octal_zero) {
        ret[n++] = '0';
    } else if (base == 2 || base == 16) {
        ret[n++] = '0';
        ret[n++] = base == 2 ? 'b' : verb == 'X' ? 'X' : 'x';
    }
    return n;
}

/* Digits that there are at least; -1: nothing but padding is printed. */
static int integer_precision(const struct printer *p, uint64_t u, bool is_negative)
{
    if (p->has_precision)
        return p->precision == 0 && u == 0 ? -1 : p->precision;
    if (p->zero && !p->minus && p->has_width)
        return p->width - (is_negative || p->plus || p->space);
    return 0;
}

void print_integer(struct printer *p, uint64_t u, bool is_negative, int base, int32_t verb)
{
    char text[INTEGER_BYTES_MAX], prefix[4];
    size_t at = sizeof text;
    const char *digit = verb == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";
    int precision = integer_precision(p, u, is_negative);
    if (precision < 0 && p->has_precision) {
        bool zero = p->zero;
        p->zero = false;
        print_padding(p, p->has_width ? p->width : 0);
        p->zero = zero;
        return;
    }
    do
        text[--at] = digit[u % (unsigned)base];
    while (u /= (unsigned)base);
    str digits = str_mem(text + at, sizeof text - at);
    int zeros = precision - (int)digits.len;
    size_t n_prefix =
        integer_prefix(p, is_negative, base, verb, zeros <= 0 && digits.at[0] != '0', prefix);
    if (!n_prefix && zeros <= 0)
        pad_without_zeros(p, digits);
    else
        pad_integer(p, digits, zeros, str_mem(prefix, n_prefix));
}

static int32_t rune_of(uint64_t u) { return u > UNICODE_MAX ? UNICODE_ERROR : (int32_t)u; }

void print_rune(struct printer *p, uint64_t u)
{
    char bytes[UNICODE_BYTES_MAX];
    print_pad(p, str_mem(bytes, unicode_encode(rune_of(u), bytes)));
}

void print_quoted_rune(struct printer *p, uint64_t u)
{
    struct buf b = BUF_INIT;
    strconv_quote_rune(&b, rune_of(u), p->plus);
    print_pad(p, buf_str(&b));
    buf_done(&b);
}

void print_unicode(struct printer *p, uint64_t u)
{
    struct buf b = BUF_INIT;
    char text[20];
    size_t at = sizeof text, n;
    do
        text[--at] = "0123456789ABCDEF"[u & 15];
    while (u >>= 4);
    n = sizeof text - at;
    size_t want = p->has_precision && p->precision > 4 ? (size_t)p->precision : 4;
    buf_addz(&b, "U+");
    if (n < want)
        buf_fill(&b, '0', want - n);
    buf_add(&b, str_mem(text + at, n));
    uint64_t r = 0;
    for (size_t i = at; i < sizeof text; i++)
        r = r << 4 | (uint64_t)(text[i] <= '9' ? text[i] - '0' : text[i] - 'A' + 10);
    if (p->sharp && r <= UNICODE_MAX && strconv_is_print((int32_t)r)) {
        buf_addz(&b, " '");
        unicode_add(&b, (int32_t)r);
        buf_addc(&b, '\'');
    }
    pad_without_zeros(p, buf_str(&b));
    buf_done(&b);
}

/* '#': a point always, and for %g zeros up to the precision. number holds sign and digits. */
static void keep_zeros(struct buf *number, char verb, int precision)
{
    struct buf out = BUF_INIT;
    str s = buf_str(number), tail = STR("");
    bool has_point = false, seen = false, is_hex = verb == 'x' || verb == 'X';
    int digits = 0;
    size_t i;
    if (verb == 'g' || verb == 'G' || verb == 'x')
        digits = precision == -1 ? 6 : precision;
    for (i = 1; i < s.len; i++) {
        char c = s.at[i];
        if (c == '.') {
            has_point = true;
            continue;
        }
        if (c == 'p' || c == 'P' || (!is_hex && (c == 'e' || c == 'E'))) {
            tail = str_from(s, i);
            break;
        }
        seen |= c != '0';
        digits -= seen;
    }
    buf_add(&out, str_sub(s, 0, i));
    if (!has_point) {
        if (i == 2 && s.at[1] == '0')
            digits--;
        buf_addc(&out, '.');
    }
    if (digits > 0)
        buf_fill(&out, '0', (size_t)digits);
    buf_add(&out, tail);
    buf_reset(number);
    buf_add(number, buf_str(&out));
    buf_done(&out);
}

/* With a sign or the blank that stands for one. */
static void signed_float(const struct printer *p, struct buf *b, double d, char verb, int precision)
{
    buf_addc(b, '+');
    strconv_add_float(b, d, verb, precision);
    if (b->at[1] == '-' || b->at[1] == '+')
        buf_consume(b, 1);
    if (p->space && b->at[0] == '+' && !p->plus)
        b->at[0] = ' ';
}

void print_float(struct printer *p, double d, char verb, int precision)
{
    struct buf b = BUF_INIT;
    if (p->has_precision)
        precision = p->precision;
    signed_float(p, &b, d, verb, precision);
    str s = buf_str(&b);
    if (!isfinite(d)) {
        bool drops_sign = isnan(d) && !p->space && !p->plus;
        pad_without_zeros(p, drops_sign ? str_from(s, 1) : s);
        buf_done(&b);
        return;
    }
    if (p->sharp && verb != 'b')
        keep_zeros(&b, verb, precision);
    s = buf_str(&b);
    bool has_sign = p->plus || s.at[0] != '+';
    if (has_sign && p->zero && !p->minus && p->has_width && p->width > (int)s.len) {
        buf_addc(p->out, s.at[0]);
        print_padding(p, p->width - (int)s.len);
        buf_add(p->out, str_from(s, 1));
    } else {
        print_pad(p, has_sign ? s : str_from(s, 1));
    }
    buf_done(&b);
}

/* Cut to the precision, counted in runes. */
static str truncated(const struct printer *p, str s)
{
    size_t at = 0, width;
    if (!p->has_precision)
        return s;
    for (int n = p->precision; n > 0 && at < s.len; n--, at += width)
        unicode_decode(str_from(s, at), &width);
    return str_sub(s, 0, at);
}

void print_text(struct printer *p, str s) { print_pad(p, truncated(p, s)); }

void print_quoted(struct printer *p, str s)
{
    struct buf b = BUF_INIT;
    s = truncated(p, s);
    buf_init(&b, p->out->bytes_max);
    if (p->sharp && strconv_can_backquote(s)) {
        buf_addc(&b, '`');
        buf_add(&b, s);
        buf_addc(&b, '`');
    } else {
        strconv_quote(&b, s, p->plus);
    }
    print_pad(p, buf_str(&b));
    buf_done(&b);
}

void print_hex(struct printer *p, str s, bool upper)
{
    const char *digit = upper ? "0123456789ABCDEF" : "0123456789abcdef";
    size_t n = p->has_precision ? MIN_OF(s.len, (size_t)p->precision) : s.len;
    int width = 2 * (int)n;
    if (!n) {
        print_padding(p, p->has_width ? p->width : 0);
        return;
    }
    if (p->space)
        width = (p->sharp ? width * 2 : width) + (int)n - 1;
    else if (p->sharp)
        width += 2;
    int padding = p->has_width ? p->width - width : 0;
    if (!p->minus)
        print_padding(p, padding);
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)s.at[i];
        if (p->space && i)
            buf_addc(p->out, ' ');
        if (p->sharp && (p->space || !i))
            buf_add(p->out, upper ? STR("0X") : STR("0x"));
        buf_addc(p->out, digit[c >> 4]);
        buf_addc(p->out, digit[c & 15]);
    }
    if (p->minus)
        print_padding(p, padding);
}
