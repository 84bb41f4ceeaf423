/* value/text.c */
#include "value/text.h"

#include "value/text_scan.h"

const bool text_plain[256] = {
    [' '] = true, ['!'] = true,         ['#' ... '%'] = true,  ['\'' ... ';'] = true,
    ['='] = true, ['?' ... '['] = true, [']' ... 0x7f] = true,
};

bool text_is_plain(str s)
{
    return s.len == 0 || text_skip_plain(s.at, s.at + s.len) == s.at + s.len;
}

static inline bool tail(unsigned char c) { return (c & 0xc0) == 0x80; }

unsigned utf8_len(const char *at, const char *end)
{
    const unsigned char *p = (const unsigned char *)at;
    size_t n = (size_t)(end - at);
    if (p[0] < 0x80)
        return 1;
    if (p[0] < 0xc2 || p[0] > 0xf4 || n < 2 || !tail(p[1]))
        return 0;
    if (p[0] < 0xe0)
        return 2;
    if (n < 3 || !tail(p[2]))
        return 0;
    if (p[0] < 0xf0) {
        bool overlong = p[0] == 0xe0 && p[1] < 0xa0, surrogate = p[0] == 0xed && p[1] >= 0xa0;
        return overlong || surrogate ? 0 : 3;
    }
    if (n < 4 || !tail(p[3]) || (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] >= 0x90))
        return 0;
    return 4;
}

unsigned utf8_decode(const char *at, const char *end, uint32_t *ret)
{
    const unsigned char *p = (const unsigned char *)at;
    unsigned n = utf8_len(at, end);
    switch (n) {
    case 1: *ret = p[0]; return 1;
    case 2: *ret = (p[0] & 0x1fu) << 6 | (p[1] & 0x3fu); return 2;
    case 3: *ret = (p[0] & 0xfu) << 12 | (p[1] & 0x3fu) << 6 | (p[2] & 0x3fu); return 3;
    case 4:
        *ret = (p[0] & 7u) << 18 | (p[1] & 0x3fu) << 12 | (p[2] & 0x3fu) << 6 | (p[3] & 0x3fu);
        return 4;
    default: *ret = 0xfffd; return 1;
    }
}

unsigned utf8_encode(uint32_t r, char ret[4])
{
    if (r < 0x80) {
        ret[0] = (char)r;
        return 1;
    }
    if (r < 0x800) {
        ret[0] = (char)(0xc0 | r >> 6);
        ret[1] = (char)(0x80 | (r & 0x3f));
        return 2;
    }
    if (r < 0x10000) {
        ret[0] = (char)(0xe0 | r >> 12);
        ret[1] = (char)(0x80 | (r >> 6 & 0x3f));
        ret[2] = (char)(0x80 | (r & 0x3f));
        return 3;
    }
    ret[0] = (char)(0xf0 | r >> 18);
    ret[1] = (char)(0x80 | (r >> 12 & 0x3f));
    ret[2] = (char)(0x80 | (r >> 6 & 0x3f));
    ret[3] = (char)(0x80 | (r & 0x3f));
    return 4;
}

bool utf8_valid(str s)
{
    const char *p = s.at, *end = p + s.len;
    while (p < end) {
        unsigned n = utf8_len(p, end);
        if (n == 0)
            return false;
        p += n;
    }
    return true;
}

static bool printable(uint32_t r)
{
    static const struct {
        uint32_t from, to;
    } not_printable[] = {
        {0, 0x1f},        {0x7f, 0xa0},     {0xad, 0xad},     {0x600, 0x605},      {0x61c, 0x61c},
        {0x2000, 0x200f}, {0x2028, 0x202f}, {0x205f, 0x206f}, {0x3000, 0x3000},    {0xd800, 0xf8ff},
        {0xfeff, 0xfeff}, {0xfff0, 0xfffb}, {0xfffe, 0xffff}, {0xe0000, 0x10ffff},
    };
    for (size_t i = 0; i < ARRAY_LEN(not_printable); i++)
        if (r >= not_printable[i].from && r <= not_printable[i].to)
            return false;
    return true;
}

void text_quote(str s, struct buf *out)
{
    static const char letter[128] =
        {['\a'] = 'a', ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\v'] = 'v',
         ['\f'] = 'f', ['\r'] = 'r', ['"'] = '"',  ['\\'] = '\\'};
    buf_addc(out, '"');
    for (size_t i = 0; i < s.len;) {
        uint32_t r;
        const char *at = s.at + i;
        unsigned n = utf8_decode(at, s.at + s.len, &r);
        if (utf8_len(at, s.at + s.len) == 0)
            buf_printf(out, "\\x%02x", (unsigned char)*at);
        else if (r < 128 && letter[r])
            buf_printf(out, "\\%c", letter[r]);
        else if (printable(r))
            buf_add(out, str_mem(at, n));
        else if (r < 0x80)
            buf_printf(out, "\\x%02x", (unsigned)r);
        else
            buf_printf(out, r < 0x10000 ? "\\u%04x" : "\\U%08x", (unsigned)r);
        i += n;
    }
    buf_addc(out, '"');
}
