/* base/str.c */
#include "base/str.h"

#include <string.h>

str str_of(const char *z) { return z ? (str){z, strlen(z)} : (str){"", 0}; }

bool str_eq(str a, str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

bool str_is(str a, const char *z) { return str_eq(a, str_of(z)); }

static unsigned char lower(unsigned char c) { return c >= 'A' && c <= 'Z' ? c + 32 : c; }

bool str_ieq(str a, str b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        if (lower((unsigned char)a.at[i]) != lower((unsigned char)b.at[i]))
            return false;
    return true;
}

int str_cmp(str a, str b)
{
    size_t n = MIN_OF(a.len, b.len);
    int c = n ? memcmp(a.at, b.at, n) : 0;
    return c ? c : (a.len > b.len) - (a.len < b.len);
}

int str_cmp_qsort(const void *a, const void *b)
{
    return str_cmp(*(const str *)a, *(const str *)b);
}

bool str_starts(str s, str prefix)
{
    return s.len >= prefix.len && str_eq(str_mem(s.at, prefix.len), prefix);
}

bool str_ends(str s, str suffix)
{
    return s.len >= suffix.len && str_eq(str_from(s, s.len - suffix.len), suffix);
}

ptrdiff_t str_find(str s, str needle)
{
    if (needle.len == 0)
        return 0;
    if (needle.len > s.len)
        return -1;
    const char *p = memmem(s.at, s.len, needle.at, needle.len);
    return p ? p - s.at : -1;
}

bool str_has(str s, str needle) { return str_find(s, needle) >= 0; }

ptrdiff_t str_find_char(str s, char c)
{
    const char *p = s.len ? memchr(s.at, c, s.len) : NULL;
    return p ? p - s.at : -1;
}

ptrdiff_t str_rfind_char(str s, char c)
{
    const char *p = s.len ? memrchr(s.at, c, s.len) : NULL;
    return p ? p - s.at : -1;
}

str str_sub(str s, size_t from, size_t len)
{
    if (from >= s.len)
        return str_mem(s.at ? s.at + s.len : "", 0);
    return str_mem(s.at + from, MIN_OF(len, s.len - from));
}

str str_from(str s, size_t from) { return str_sub(s, from, SIZE_MAX); }

static bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

str str_trim(str s)
{
    while (s.len && is_space(s.at[0]))
        s = str_from(s, 1);
    while (s.len && is_space(s.at[s.len - 1]))
        s.len--;
    return s;
}

str str_trim_prefix(str s, str prefix)
{
    return str_starts(s, prefix) ? str_from(s, prefix.len) : s;
}

str str_trim_suffix(str s, str suffix)
{
    return str_ends(s, suffix) ? str_sub(s, 0, s.len - suffix.len) : s;
}

bool str_cut(str s, char c, str *ret_head, str *ret_tail)
{
    ptrdiff_t i = str_find_char(s, c);
    *ret_head = i < 0 ? s : str_sub(s, 0, (size_t)i);
    *ret_tail = i < 0 ? str_mem("", 0) : str_from(s, (size_t)i + 1);
    return i >= 0;
}

bool str_rcut(str s, char c, str *ret_head, str *ret_tail)
{
    ptrdiff_t i = str_rfind_char(s, c);
    *ret_tail = i < 0 ? s : str_from(s, (size_t)i + 1);
    *ret_head = i < 0 ? str_mem("", 0) : str_sub(s, 0, (size_t)i);
    return i >= 0;
}

bool str_next(str *rest, char c, str *ret_piece)
{
    if (!rest->at)
        return false;
    ptrdiff_t i = str_find_char(*rest, c);
    if (i < 0) {
        *ret_piece = *rest;
        *rest = (str){NULL, 0};
    } else {
        *ret_piece = str_sub(*rest, 0, (size_t)i);
        *rest = str_mem(rest->at + i + 1, rest->len - (size_t)i - 1);
    }
    return true;
}

bool str_to_u64(str s, uint64_t *ret)
{
    uint64_t n = 0;
    if (s.len == 0)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        unsigned d = (unsigned char)s.at[i] - '0';
        if (d > 9 || __builtin_mul_overflow(n, 10, &n) || __builtin_add_overflow(n, d, &n))
            return false;
    }
    *ret = n;
    return true;
}

bool str_to_i64(str s, int64_t *ret)
{
    bool minus = s.len && s.at[0] == '-';
    uint64_t n;
    if (s.len && (s.at[0] == '-' || s.at[0] == '+'))
        s = str_from(s, 1);
    if (!str_to_u64(s, &n) || n > (uint64_t)INT64_MAX + minus)
        return false;
    *ret = minus ? (int64_t)(0 - n) : (int64_t)n;
    return true;
}
