/* lang/template/func/base_n.c: see base_n.h. The byte that an error names is part of what users
 * see. */
#include "lang/template/func/base_n.h"

#include <string.h>

static int base64_digit(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

static size_t skip_newlines(str s, size_t at)
{
    while (at < s.len && (s.at[at] == '\n' || s.at[at] == '\r'))
        at++;
    return at;
}

/* Behind the first '=', which was digit number j of its four. True: it ends the text well. */
static bool base64_padding(str s, size_t at, int j, size_t *ret_bad)
{
    if (j < 2) {
        *ret_bad = at - 1;
        return false;
    }
    if (j == 2) {
        at = skip_newlines(s, at);
        if (at == s.len) {
            *ret_bad = s.len;
            return false;
        }
        if (s.at[at] != '=') {
            *ret_bad = at - 1;
            return false;
        }
        at++;
    }
    at = skip_newlines(s, at);
    *ret_bad = at;
    return at == s.len;
}

bool base64_read(str s, struct arena *a, str *ret, size_t *ret_bad)
{
    char *out = arena_alloc(a, s.len / 4 * 3 + 3);
    uint32_t bits = 0;
    size_t n = 0, at = 0;
    int j = 0;
    while ((at = skip_newlines(s, at)) < s.len) {
        char c = s.at[at++];
        if (c == '=') {
            if (!base64_padding(s, at, j, ret_bad))
                return false;
            if (j >= 2)
                out[n++] = (char)(bits >> (j == 2 ? 4 : 10));
            if (j == 3)
                out[n++] = (char)(bits >> 2);
            *ret = str_mem(out, n);
            return true;
        }
        int digit = base64_digit(c);
        if (digit < 0) {
            *ret_bad = at - 1;
            return false;
        }
        bits = bits << 6 | (uint32_t)digit;
        if (++j == 4) {
            out[n++] = (char)(bits >> 16);
            out[n++] = (char)(bits >> 8);
            out[n++] = (char)bits;
            j = 0;
        }
    }
    *ret_bad = at - (size_t)j;
    *ret = str_mem(out, n);
    return j == 0;
}

static const char BASE32[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

void base32_add(struct buf *out, str s)
{
    for (size_t i = 0; i < s.len; i += 5) {
        size_t n = MIN_OF(s.len - i, 5);
        uint64_t bits = 0;
        for (size_t k = 0; k < 5; k++)
            bits = bits << 8 | (k < n ? (unsigned char)s.at[i + k] : 0);
        size_t digits = (n * 8 + 4) / 5;
        for (size_t k = 0; k < 8; k++)
            buf_addc(out, k < digits ? BASE32[bits >> (35 - 5 * k) & 31] : '=');
    }
}

/* Padding that begins with digit j; left: what follows its first '='. */
static bool base32_padding(str left, size_t j, size_t whole, size_t *ret_bad)
{
    if (left.len + j < 7) {
        *ret_bad = whole;
        return false;
    }
    for (size_t k = 0; k < 7 - j; k++)
        if (left.len > k && left.at[k] != '=') {
            *ret_bad = whole - left.len + k - 1;
            return false;
        }
    *ret_bad = whole - left.len - 1;
    return j != 1 && j != 3 && j != 6;
}

static size_t base32_block(uint64_t bits, size_t digits, char *out)
{
    size_t n = digits * 5 / 8;
    bits <<= 5 * (8 - digits);
    for (size_t k = 0; k < n; k++)
        out[k] = (char)(bits >> (32 - 8 * k));
    return n;
}

bool base32_read(str text, struct arena *a, str *ret, size_t *ret_bad)
{
    char *kept = arena_alloc(a, text.len + 1), *out = arena_alloc(a, text.len + 8);
    size_t len = 0, n = 0, at = 0;
    for (size_t i = 0; i < text.len; i++)
        if (text.at[i] != '\n' && text.at[i] != '\r')
            kept[len++] = text.at[i];
    while (at < len) {
        uint64_t bits = 0;
        for (size_t j = 0; j < 8; j++) {
            if (at == len) {
                *ret_bad = len - j;
                return false;
            }
            char c = kept[at++];
            if (c == '=' && j >= 2 && len - at < 8) {
                bool ok = base32_padding(str_mem(kept + at, len - at), j, len, ret_bad);
                n += base32_block(bits, j, out + n);
                *ret = str_mem(out, n);
                return ok;
            }
            const char *digit = c ? strchr(BASE32, c) : NULL;
            if (!digit) {
                *ret_bad = at - 1;
                return false;
            }
            bits = bits << 5 | (uint64_t)(digit - BASE32);
        }
        n += base32_block(bits, 8, out + n);
    }
    *ret = str_mem(out, n);
    return true;
}
