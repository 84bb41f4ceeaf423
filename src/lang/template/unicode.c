/* lang/template/unicode.c: see unicode.h. Tables are searched by halves; ASCII has its own way. */
#include "lang/template/unicode.h"

#include <string.h>

struct unicode_class {
    int32_t from; /* this class holds up to the next row */
    uint8_t bits;
};
struct unicode_case {
    int32_t lo, hi, upper, lower, title; /* distances */
};

#include "lang/template/unicode_tables.inc"

unsigned unicode_class(int32_t r)
{
    size_t lo = 0, hi = ARRAY_LEN(CLASS);
    if (r < 0 || r > UNICODE_MAX)
        return 0;
    while (hi - lo > 1) {
        size_t mid = (lo + hi) / 2;
        if (CLASS[mid].from <= r)
            lo = mid;
        else
            hi = mid;
    }
    return CLASS[lo].bits;
}

bool unicode_is_space(int32_t r)
{
    if (r < 0x80)
        return r == ' ' || (r >= '\t' && r <= '\r');
    return r == 0x85 || r == 0xA0 || r == 0x1680 || (r >= 0x2000 && r <= 0x200a) || r == 0x2028 ||
           r == 0x2029 || r == 0x202f || r == 0x205f || r == 0x3000;
}

static const struct unicode_case *case_of(int32_t r)
{
    size_t lo = 0, hi = ARRAY_LEN(CASE);
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (r < CASE[mid].lo)
            hi = mid;
        else if (r > CASE[mid].hi)
            lo = mid + 1;
        else
            return &CASE[mid];
    }
    return NULL;
}

int32_t unicode_upper(int32_t r)
{
    if (r < 0x80)
        return r >= 'a' && r <= 'z' ? r - 32 : r;
    const struct unicode_case *c = case_of(r);
    return c ? r + c->upper : r;
}

int32_t unicode_lower(int32_t r)
{
    if (r < 0x80)
        return r >= 'A' && r <= 'Z' ? r + 32 : r;
    const struct unicode_case *c = case_of(r);
    return c ? r + c->lower : r;
}

int32_t unicode_title(int32_t r)
{
    if (r < 0x80)
        return unicode_upper(r);
    const struct unicode_case *c = case_of(r);
    return c ? r + c->title : r;
}

/* Number of bytes that a lead byte announces; 0: it is none. */
static size_t lead_width(unsigned char c)
{
    if (c >= 0xC2 && c <= 0xDF)
        return 2;
    if (c >= 0xE0 && c <= 0xEF)
        return 3;
    if (c >= 0xF0 && c <= 0xF4)
        return 4;
    return 0;
}

int32_t unicode_decode(str s, size_t *ret_width)
{
    const unsigned char *p = (const unsigned char *)s.at;
    *ret_width = s.len ? 1 : 0;
    if (!s.len)
        return UNICODE_ERROR;
    if (p[0] < 0x80)
        return p[0];
    size_t width = lead_width(p[0]);
    if (!width || s.len < width)
        return UNICODE_ERROR;
    int32_t r = p[0] & (0x7F >> width);
    for (size_t i = 1; i < width; i++) {
        if ((p[i] & 0xC0) != 0x80)
            return UNICODE_ERROR;
        r = r << 6 | (p[i] & 0x3F);
    }
    bool is_surrogate = r >= 0xD800 && r <= 0xDFFF;
    if ((width == 3 && r < 0x800) || (width == 4 && r < 0x10000) || r > UNICODE_MAX || is_surrogate)
        return UNICODE_ERROR;
    *ret_width = width;
    return r;
}

int32_t unicode_decode_last(str s, size_t *ret_width)
{
    for (size_t back = 1; back <= UNICODE_BYTES_MAX && back <= s.len; back++) {
        size_t width;
        str tail = str_from(s, s.len - back);
        if (((unsigned char)tail.at[0] & 0xC0) == 0x80 && back < UNICODE_BYTES_MAX)
            continue;
        int32_t r = unicode_decode(tail, &width);
        if (width != back)
            break;
        *ret_width = width;
        return r;
    }
    *ret_width = s.len ? 1 : 0;
    return UNICODE_ERROR;
}

size_t unicode_encode(int32_t r, char ret[UNICODE_BYTES_MAX])
{
    if (r < 0 || r > UNICODE_MAX || (r >= 0xD800 && r <= 0xDFFF))
        r = UNICODE_ERROR;
    if (r < 0x80) {
        ret[0] = (char)r;
        return 1;
    }
    size_t width = r < 0x800 ? 2 : r < 0x10000 ? 3 : 4;
    static const unsigned char LEAD[] = {0, 0, 0xC0, 0xE0, 0xF0};
    for (size_t i = width - 1; i > 0; i--) {
        ret[i] = (char)(0x80 | (r & 0x3F));
        r >>= 6;
    }
    ret[0] = (char)(LEAD[width] | r);
    return width;
}

void unicode_add(struct buf *b, int32_t r)
{
    char bytes[UNICODE_BYTES_MAX];
    if (r >= 0 && r < 0x80)
        buf_addc(b, (char)r);
    else
        buf_add(b, str_mem(bytes, unicode_encode(r, bytes)));
}

size_t unicode_count(str s)
{
    size_t n = 0, width;
    for (; s.len; s = str_from(s, width), n++)
        unicode_decode(s, &width);
    return n;
}

str unicode_trim_space(str s)
{
    size_t width;
    while (s.len && unicode_is_space(unicode_decode(s, &width)))
        s = str_from(s, width);
    while (s.len && unicode_is_space(unicode_decode_last(s, &width)))
        s.len -= width;
    return s;
}

static bool set_has(str set, int32_t r)
{
    size_t width;
    for (; set.len; set = str_from(set, width))
        if (unicode_decode(set, &width) == r)
            return true;
    return false;
}

str unicode_trim(str s, str cutset)
{
    size_t width;
    while (s.len && set_has(cutset, unicode_decode(s, &width)))
        s = str_from(s, width);
    while (s.len && set_has(cutset, unicode_decode_last(s, &width)))
        s.len -= width;
    return s;
}
