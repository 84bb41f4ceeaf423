/* Numbers and texts of schemas: exact decimals, quoting, English number formatting. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "lang/jsonschema/schema.h"
#include "value/number.h"
#include "value/text.h"

typedef unsigned __int128 u128;

#define DIGITS_MAX 38

static u128 power_of_10(int n)
{
    u128 p = 1;
    while (n-- > 0)
        p *= 10;
    return p;
}

bool decimal_parse(str text, struct decimal *ret)
{
    struct decimal d = {0};
    size_t i = 0;
    int digits = 0, point = 0;
    bool after_point = false, any = false;
    if (i < text.len && (text.at[i] == '-' || text.at[i] == '+'))
        d.negative = text.at[i++] == '-';
    for (; i < text.len && (text.at[i] == '.' || (text.at[i] >= '0' && text.at[i] <= '9')); i++) {
        if (text.at[i] == '.') {
            after_point = true;
            continue;
        }
        any = true;
        point -= after_point;
        if (digits < DIGITS_MAX) {
            d.m = d.m * 10 + (unsigned)(text.at[i] - '0');
            digits += d.m != 0;
        } else
            point++;
    }
    int64_t exponent = 0;
    if (i < text.len && (text.at[i] | 32) == 'e') {
        str e = str_from(text, i + 1);
        if (!str_to_i64(e, &exponent) || exponent > 100000 || exponent < -100000)
            return false;
    } else if (i < text.len)
        return false;
    d.exp = (int)exponent + point;
    while (d.m && d.m % 10 == 0) {
        d.m /= 10;
        d.exp++;
    }
    if (!d.m)
        d = (struct decimal){0};
    *ret = d;
    return any;
}

bool decimal_of(value v, struct decimal *ret)
{
    char at[NUMBER_PRINT_MAX];
    str literal = value_literal(v);
    switch (value_type(v)) {
    case VALUE_INT:
        return decimal_parse(literal.len ? literal
                                         : str_mem(at, number_print_int(value_int(v), at)),
                             ret);
    case VALUE_UINT:
        return decimal_parse(literal.len ? literal
                                         : str_mem(at, number_print_uint(value_uint(v), at)),
                             ret);
    case VALUE_DOUBLE:
        return decimal_parse(literal.len ? literal
                                         : str_mem(at, number_print_double(value_double(v), at)),
                             ret);
    default: return false;
    }
}

static int count_digits(u128 m)
{
    int n = 0;
    for (; m; m /= 10)
        n++;
    return n;
}

static int compare_size(const struct decimal *a, const struct decimal *b)
{
    if (!a->m || !b->m)
        return (a->m > 0) - (b->m > 0);
    int da = count_digits(a->m), db = count_digits(b->m);
    if (da + a->exp != db + b->exp)
        return da + a->exp < db + b->exp ? -1 : 1;
    /* Same magnitude: the digits decide, brought to the same length. */
    u128 ma = a->m, mb = b->m;
    if (da < db)
        ma *= power_of_10(db - da);
    else
        mb *= power_of_10(da - db);
    return ma < mb ? -1 : ma > mb;
}

int decimal_compare(const struct decimal *a, const struct decimal *b)
{
    if (a->negative != b->negative)
        return a->negative ? -1 : 1;
    return a->negative ? -compare_size(a, b) : compare_size(a, b);
}

bool decimal_is_integer(const struct decimal *d) { return d->exp >= 0; }

/* (x * y) mod m without overflow. */
static u128 multiply_mod(u128 x, u128 y, u128 m)
{
    u128 sum = 0;
    x %= m;
    for (; y; y >>= 1) {
        if (y & 1)
            sum = sum >= m - x ? sum - (m - x) : sum + x;
        x = x >= m - x ? x - (m - x) : x + x;
    }
    return sum;
}

bool decimal_is_multiple(const struct decimal *a, const struct decimal *b)
{
    if (!b->m)
        return true; /* upstream panics; the meta-schema refuses it before */
    if (!a->m)
        return true;
    int shift = a->exp - b->exp;
    if (shift >= 0) {
        u128 rest = a->m % b->m;
        for (int i = 0; i < shift && rest; i++)
            rest = multiply_mod(rest, 10, b->m);
        return rest == 0;
    }
    return false; /* a has more places than b, and no trailing zero to spare */
}

/* ---- texts ---- */

str schema_quote(struct arena *a, str s)
{
    CLEANUP(buf_done) struct buf q = BUF_INIT;
    CLEANUP(buf_done) struct buf b = BUF_INIT;
    text_quote(s, &q);
    str inner = str_sub(buf_str(&q), 1, q.len - 2);
    buf_addc(&b, '\'');
    for (size_t i = 0; i < inner.len; i++) {
        if (inner.at[i] == '\\' && i + 1 < inner.len && inner.at[i + 1] == '"')
            continue;
        if (inner.at[i] == '\\' && i + 1 < inner.len && inner.at[i + 1] == '\\') {
            buf_addz(&b, "\\\\");
            i++;
            continue;
        }
        if (inner.at[i] == '\'')
            buf_addc(&b, '\\');
        buf_addc(&b, inner.at[i]);
    }
    buf_addc(&b, '\'');
    return arena_str(a, buf_str(&b));
}

str pointer_escape(struct arena *a, str token)
{
    if (str_find_char(token, '~') < 0 && str_find_char(token, '/') < 0)
        return token;
    char *at = arena_alloc(a, token.len * 2 + 1);
    size_t n = 0;
    for (size_t i = 0; i < token.len; i++) {
        char c = token.at[i];
        if (c == '~' || c == '/') {
            at[n++] = '~';
            at[n++] = c == '~' ? '0' : '1';
        } else
            at[n++] = c;
    }
    return str_mem(at, n);
}

str pointer_unescape(struct arena *a, str token, bool *ret_ok)
{
    *ret_ok = true;
    if (str_find_char(token, '~') < 0)
        return token;
    char *at = arena_alloc(a, token.len + 1);
    size_t n = 0;
    for (size_t i = 0; i < token.len; i++) {
        if (token.at[i] != '~') {
            at[n++] = token.at[i];
            continue;
        }
        if (++i >= token.len || (token.at[i] != '0' && token.at[i] != '1')) {
            *ret_ok = false;
            return STR("");
        }
        at[n++] = token.at[i] == '0' ? '~' : '/';
    }
    return str_mem(at, n);
}

/* url.PathEscape of each part of a pointer. */
str url_escape_pointer(struct arena *a, str ptr)
{
    CLEANUP(buf_done) struct buf b = BUF_INIT;
    for (size_t i = 0; i < ptr.len; i++) {
        unsigned char c = (unsigned char)ptr.at[i];
        bool plain = (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z') ||
                     (c && c < 0x80 && strchr("/-_.~$&+=:@", c));
        if (plain)
            buf_addc(&b, (char)c);
        else
            buf_printf(&b, "%%%02X", c);
    }
    return arena_str(a, buf_str(&b));
}

unsigned type_of(value v)
{
    switch (value_type(v)) {
    case VALUE_BOOL: return TYPE_BOOLEAN;
    case VALUE_INT:
    case VALUE_UINT:
    case VALUE_DOUBLE: return TYPE_NUMBER;
    case VALUE_STRING: return TYPE_STRING;
    case VALUE_LIST: return TYPE_ARRAY;
    case VALUE_MAP: return TYPE_OBJECT;
    default: return TYPE_NULL;
    }
}

/* ---- numbers for readers ---- */

static void add_grouped(struct buf *b, str digits)
{
    for (size_t i = 0; i < digits.len; i++) {
        if (i && (digits.len - i) % 3 == 0)
            buf_addc(b, ',');
        buf_addc(b, digits.at[i]);
    }
}

str shown_int(struct arena *a, int64_t i)
{
    CLEANUP(buf_done) struct buf b = BUF_INIT;
    char at[NUMBER_PRINT_MAX];
    str s = str_mem(at, number_print_int(i, at));
    if (str_starts(s, STR("-"))) {
        buf_addc(&b, '-');
        s = str_from(s, 1);
    }
    add_grouped(&b, s);
    return arena_str(a, buf_str(&b));
}

static void add_superscript(struct buf *b, int n)
{
    static const char *const digit[] = {"⁰", "¹", "²", "³", "⁴", "⁵", "⁶", "⁷", "⁸", "⁹"};
    char at[16];
    if (n < 0)
        buf_addz(b, "⁻");
    snprintf(at, sizeof(at), "%02d", n < 0 ? -n : n);
    for (char *p = at; *p; p++)
        buf_addz(b, digit[*p - '0']);
}

/* Digits and exponent of the shortest text: d = 0.DIGITS * 10^*ret_point. */
static str shortest(double d, char *at, int *ret_point)
{
    char text[NUMBER_PRINT_MAX];
    str s = str_mem(text, number_print_double(d, text)), head, tail;
    int64_t exponent = 0;
    size_t n = 0;
    if (str_cut(s, 'e', &head, &tail) && !str_to_i64(tail, &exponent))
        exponent = 0;
    ptrdiff_t dot = str_find_char(head, '.');
    int point = (int)(dot < 0 ? (ptrdiff_t)head.len : dot) + (int)exponent;
    for (size_t i = 0; i < head.len; i++) {
        if (head.at[i] == '.')
            continue;
        if (!n && head.at[i] == '0')
            point--;
        else
            at[n++] = head.at[i];
    }
    while (n > 1 && at[n - 1] == '0')
        n--;
    *ret_point = point;
    return str_mem(at, n);
}

str shown_number(struct arena *a, double d)
{
    CLEANUP(buf_done) struct buf b = BUF_INIT;
    char at[NUMBER_PRINT_MAX];
    int point = 0;
    if (d == 0)
        return STR("0");
    str digits = shortest(fabs(d), at, &point);
    if (d < 0)
        buf_addc(&b, '-');
    if (point - 1 < -4 || point - 1 >= 6) {
        buf_addc(&b, digits.at[0]);
        if (digits.len > 1)
            buf_addc(&b, '.');
        buf_add(&b, str_from(digits, 1));
        buf_addz(&b, "×10");
        add_superscript(&b, point - 1);
        return arena_str(a, buf_str(&b));
    }
    if (point <= 0)
        buf_addz(&b, "0");
    else if ((size_t)point <= digits.len)
        add_grouped(&b, str_sub(digits, 0, (size_t)point));
    else {
        char whole[16];
        memset(whole, '0', sizeof(whole));
        memcpy(whole, digits.at, digits.len);
        add_grouped(&b, str_mem(whole, (size_t)point));
    }
    if ((int)digits.len > point) {
        buf_addc(&b, '.');
        buf_fill(&b, '0', point < 0 ? (size_t)-point : 0);
        buf_add(&b, str_from(digits, point > 0 ? (size_t)point : 0));
    }
    return arena_str(a, buf_str(&b));
}
