/* value/number.c */
#include "value/number.h"

#include <assert.h>
#include <math.h>

size_t number_print_uint(uint64_t u, char *ret)
{
    char tmp[20];
    size_t n = 0;
    do
        tmp[n++] = (char)('0' + u % 10);
    while ((u /= 10) > 0);
    for (size_t i = 0; i < n; i++)
        ret[i] = tmp[n - 1 - i];
    return n;
}

size_t number_print_int(int64_t i, char *ret)
{
    if (i >= 0)
        return number_print_uint((uint64_t)i, ret);
    ret[0] = '-';
    return 1 + number_print_uint(0 - (uint64_t)i, ret + 1);
}

/* Shortest decimal digits (no point, no trailing zeros) and the exponent of the first one. 15
 * digits always survive the way decimal -> double -> decimal, so when 15 are enough the shortest
 * are these without trailing zeros; only subnormals, which hold less, are searched from one digit
 * up. */
static int shortest_digits(double d, char digits[18], int *ret_exponent)
{
    char text[40];
    int precision = d < 0x1p-1022 ? 1 : 15;
    for (;; precision++) {
        snprintf(text, sizeof(text), "%.*e", precision - 1, d);
        if (precision >= 17 || strtod(text, NULL) == d)
            break;
    }
    int n = 0;
    const char *p = text;
    for (; *p && *p != 'e'; p++)
        if (*p != '.')
            digits[n++] = *p;
    int64_t exponent = 0;
    str_to_i64(str_of(p[1] == '+' ? p + 2 : p + 1), &exponent);
    while (n > 1 && digits[n - 1] == '0')
        n--;
    *ret_exponent = (int)exponent;
    return n;
}

static size_t put_exponent_form(char *out, const char *digits, int n, int exponent)
{
    char *p = out;
    *p++ = digits[0];
    if (n > 1) {
        *p++ = '.';
        p = mempcpy(p, digits + 1, (size_t)n - 1);
    }
    *p++ = 'e';
    *p++ = exponent < 0 ? '-' : '+';
    p += number_print_uint((uint64_t)(exponent < 0 ? -exponent : exponent), p);
    return (size_t)(p - out);
}

size_t number_print_double(double d, char *ret)
{
    char digits[18], *p = ret;
    int exponent;
    if (!isfinite(d)) {
        memcpy(ret, "null", 4);
        return 4;
    }
    if (signbit(d)) {
        *p++ = '-';
        d = -d;
    }
    if (d == 0) {
        *p++ = '0';
        return (size_t)(p - ret);
    }
    int n = shortest_digits(d, digits, &exponent);
    if (d < 1e-6 || d >= 1e21)
        return (size_t)(p - ret) + put_exponent_form(p, digits, n, exponent);
    if (exponent < 0) {
        *p++ = '0';
        *p++ = '.';
        for (int i = -1; i > exponent; i--)
            *p++ = '0';
        p = mempcpy(p, digits, (size_t)n);
        return (size_t)(p - ret);
    }
    for (int i = 0; i < n || i <= exponent; i++) {
        if (i == exponent + 1)
            *p++ = '.';
        *p++ = i < n ? digits[i] : '0';
    }
    return (size_t)(p - ret);
}

static inline bool digit(str s, size_t i) { return i < s.len && s.at[i] >= '0' && s.at[i] <= '9'; }

size_t number_scan(str s, bool *ret_integer)
{
    size_t i = 0;
    *ret_integer = true;
    if (i < s.len && s.at[i] == '-')
        i++;
    if (!digit(s, i))
        return 0;
    if (s.at[i] == '0')
        i++;
    else
        while (digit(s, i))
            i++;
    if (i < s.len && s.at[i] == '.') {
        if (!digit(s, i + 1))
            return 0;
        *ret_integer = false;
        for (i++; digit(s, i);)
            i++;
    }
    if (i < s.len && (s.at[i] == 'e' || s.at[i] == 'E')) {
        size_t e = i + 1;
        if (e < s.len && (s.at[e] == '+' || s.at[e] == '-'))
            e++;
        if (!digit(s, e))
            return 0;
        *ret_integer = false;
        for (i = e; digit(s, i);)
            i++;
    }
    return i;
}

bool number_to_double(str s, double *ret)
{
    char small[64], *big = NULL, *z = small;
    if (s.len >= sizeof(small)) {
        z = big = malloc(s.len + 1);
        if (!big)
            abort();
    }
    memcpy(z, s.at, s.len);
    z[s.len] = 0;
    *ret = strtod(z, NULL);
    free(big);
    return isfinite(*ret);
}
