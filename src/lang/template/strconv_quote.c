/* lang/template/strconv_quote.c: quoted strings; see strconv.h. */
#include "lang/template/strconv.h"

#include <string.h>

#include "lang/template/unicode.h"

bool strconv_is_print(int32_t r)
{
    if (r < 0x80)
        return r >= 0x20 && r < 0x7F;
    return (unicode_class(r) & UNICODE_PRINT) != 0;
}

static void add_escape(struct buf *b, int32_t r)
{
    static const char LETTER[] = "\a\b\f\n\r\t\v", NAME[] = "abfnrtv";
    const char *found = r > 0 && r < 0x80 ? strchr(LETTER, r) : NULL;
    if (found)
        buf_printf(b, "\\%c", NAME[found - LETTER]);
    else if (r < ' ' || r == 0x7F)
        buf_printf(b, "\\x%02x", (unsigned)r);
    else if (r < 0x10000)
        buf_printf(b, "\\u%04x", (unsigned)r);
    else
        buf_printf(b, "\\U%08x", (unsigned)r);
}

static void quote_one(struct buf *b, int32_t r, char quote, bool ascii)
{
    if (r == quote || r == '\\') {
        buf_addc(b, '\\');
        buf_addc(b, (char)r);
    } else if (strconv_is_print(r) && (!ascii || r < 0x80)) {
        unicode_add(b, r);
    } else {
        add_escape(b, r);
    }
}

void strconv_quote(struct buf *b, str s, bool ascii)
{
    buf_addc(b, '"');
    while (s.len) {
        size_t width;
        size_t plain = 0;
        while (plain < s.len && s.at[plain] >= ' ' && s.at[plain] < 0x7F && s.at[plain] != '"' &&
               s.at[plain] != '\\')
            plain++;
        buf_add(b, str_sub(s, 0, plain));
        s = str_from(s, plain);
        if (!s.len)
            break;
        int32_t r = unicode_decode(s, &width);
        if (r == UNICODE_ERROR && width == 1)
            buf_printf(b, "\\x%02x", (unsigned char)s.at[0]);
        else
            quote_one(b, r, '"', ascii);
        s = str_from(s, width);
    }
    buf_addc(b, '"');
}

void strconv_quote_rune(struct buf *b, int32_t r, bool ascii)
{
    if (r < 0 || r > UNICODE_MAX || (r >= 0xD800 && r <= 0xDFFF))
        r = UNICODE_ERROR;
    buf_addc(b, '\'');
    quote_one(b, r, '\'', ascii);
    buf_addc(b, '\'');
}

bool strconv_can_backquote(str s)
{
    while (s.len) {
        size_t width;
        int32_t r = unicode_decode(s, &width);
        s = str_from(s, width);
        if (width > 1) {
            if (r == 0xFEFF)
                return false;
            continue;
        }
        if (r == UNICODE_ERROR || (r < ' ' && r != '\t') || r == '`' || r == 0x7F)
            return false;
    }
    return true;
}

/* n hexadecimal digits. */
static bool hex_escape(str *io, size_t n, int32_t *ret)
{
    uint32_t v = 0;
    if (io->len < n)
        return false;
    for (size_t i = 0; i < n; i++) {
        char c = io->at[i];
        int d = c >= '0' && c <= '9'   ? c - '0'
                : c >= 'a' && c <= 'f' ? c - 'a' + 10
                : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                       : -1;
        if (d < 0)
            return false;
        v = v << 4 | (uint32_t)d;
    }
    *io = str_from(*io, n);
    *ret = (int32_t)v;
    return v <= UNICODE_MAX;
}

static bool octal_escape(char first, str *io, int32_t *ret)
{
    int32_t v = first - '0';
    if (io->len < 2)
        return false;
    for (size_t i = 0; i < 2; i++) {
        char c = io->at[i];
        if (c < '0' || c > '7')
            return false;
        v = v << 3 | (c - '0');
    }
    *io = str_from(*io, 2);
    *ret = v;
    return v <= 255;
}

bool strconv_unquote_char(str s, char quote, int32_t *ret, bool *ret_byte, str *ret_rest)
{
    static const char NAME[] = "abfnrtv\\", LETTER[] = "\a\b\f\n\r\t\v\\";
    size_t width;
    *ret_byte = false;
    if (!s.len || (s.at[0] == quote && (quote == '\'' || quote == '"')))
        return false;
    if (s.at[0] != '\\') {
        *ret = unicode_decode(s, &width);
        *ret_byte = width == 1; /* damaged bytes stay as they are */
        if (width == 1)
            *ret = (unsigned char)s.at[0];
        *ret_rest = str_from(s, width);
        return true;
    }
    if (s.len < 2)
        return false;
    char c = s.at[1];
    const char *found = c ? strchr(NAME, c) : NULL;
    *ret_rest = str_from(s, 2);
    if (found) {
        *ret = (unsigned char)LETTER[found - NAME];
        return true;
    }
    switch (c) {
    case 'x': *ret_byte = true; return hex_escape(ret_rest, 2, ret);
    case 'u':
    case 'U':
        return hex_escape(ret_rest, c == 'u' ? 4 : 8, ret) && (*ret < 0xD800 || *ret > 0xDFFF);
    case '\'':
    case '"': *ret = (unsigned char)c; return c == quote;
    default: *ret_byte = true; return c >= '0' && c <= '7' && octal_escape(c, ret_rest, ret);
    }
}

static str raw_text(str s, struct arena *a)
{
    if (str_find_char(s, '\r') < 0)
        return s;
    char *text = arena_alloc(a, s.len);
    size_t n = 0;
    for (size_t i = 0; i < s.len; i++)
        if (s.at[i] != '\r')
            text[n++] = s.at[i];
    return str_mem(text, n);
}

bool strconv_unquote(str s, struct arena *a, str *ret)
{
    if (s.len < 2 || s.at[0] != s.at[s.len - 1])
        return false;
    char quote = s.at[0];
    str in = str_sub(s, 1, s.len - 2);
    if (quote == '`') {
        *ret = raw_text(in, a);
        return str_find_char(in, '`') < 0;
    }
    if ((quote != '"' && quote != '\'') || str_find_char(in, '\n') >= 0)
        return false;
    if (str_find_char(in, '\\') < 0 && str_find_char(in, quote) < 0 && quote == '"') {
        *ret = in;
        return true;
    }
    char *text = arena_alloc(a, in.len + UNICODE_BYTES_MAX);
    size_t n = 0;
    while (in.len) {
        int32_t r;
        bool is_byte;
        if (!strconv_unquote_char(in, quote, &r, &is_byte, &in))
            return false;
        if (is_byte)
            text[n++] = (char)r;
        else
            n += unicode_encode(r, text + n);
        if (quote == '\'' && in.len)
            return false;
    }
    *ret = str_mem(text, n);
    return true;
}
