/* value/json/string.c */
#include "value/json/string.h"

#include "value/text.h"
#include "value/text_scan.h"

static int hex4(const struct json_source *s, const char *at, uint32_t *ret)
{
    const char *end = s->text.at + s->text.len;
    uint32_t x = 0;
    for (int i = 0; i < 4; i++) {
        char c = at + i < end ? at[i] : 0;
        if (c >= '0' && c <= '9')
            x = x << 4 | (uint32_t)(c - '0');
        else if ((c | 32) >= 'a' && (c | 32) <= 'f')
            x = x << 4 | (uint32_t)((c | 32) - 'a' + 10);
        else
            return json_unexpected(s, at + i, "in \\u hexadecimal character escape");
    }
    *ret = x;
    return 0;
}

/* uXXXX at *at (behind the backslash); a pair of surrogates is one rune, a lone one U+FFFD. */
static int unicode_escape(const struct json_source *s, const char **at, uint32_t *ret)
{
    const char *end = s->text.at + s->text.len;
    uint32_t low;
    int r = hex4(s, *at + 1, ret);
    if (r)
        return r;
    *at += 5;
    if (*ret < 0xd800 || *ret > 0xdfff)
        return 0;
    if (*ret < 0xdc00 && *at + 1 < end && (*at)[0] == '\\' && (*at)[1] == 'u') {
        r = hex4(s, *at + 2, &low);
        if (r)
            return r;
        if (low >= 0xdc00 && low <= 0xdfff) {
            *ret = 0x10000 + ((*ret - 0xd800) << 10) + (low - 0xdc00);
            *at += 6;
            return 0;
        }
    }
    *ret = 0xfffd;
    return 0;
}

/* The escape behind a backslash. */
static int escape(const struct json_source *s, const char **at, char **out)
{
    static const char plain[128] = {['"'] = '"',  ['\\'] = '\\', ['/'] = '/',  ['b'] = '\b',
                                    ['f'] = '\f', ['n'] = '\n',  ['r'] = '\r', ['t'] = '\t'};
    unsigned char e = *at < s->text.at + s->text.len ? (unsigned char)**at : 0;
    uint32_t rune;
    if (e < 128 && plain[e]) {
        *(*out)++ = plain[e];
        (*at)++;
        return 0;
    }
    if (e != 'u')
        return json_unexpected(s, *at, "in string escape code");
    int r = unicode_escape(s, at, &rune);
    if (r == 0)
        *out += utf8_encode(rune, *out);
    return r;
}

int json_read_odd_string(const struct json_source *s, struct tape_writer *w, const char **io_at,
                         size_t *io_to)
{
    const char *at = *io_at, *end = s->text.at + s->text.len;
    char *out = w->at + *io_to;
    for (;;) {
        /* What is left of the text fits; only an invalid byte, which becomes three, can change
         * that. */
        w->len = (size_t)(out - w->at);
        out = tape_writer_room(w, (size_t)(end - at) + 4);
        at = text_copy_plain(at, end, &out);
        unsigned char c = at < end ? (unsigned char)*at : 0;
        if (c < 0x20)
            return json_unexpected(s, at, "in string literal");
        if (c == '"')
            break;
        if (c == '\\') {
            at++;
            int r = escape(s, &at, &out);
            if (r)
                return r;
        } else if (c < 0x80) {
            *out++ = *at++;
        } else {
            unsigned n = utf8_len(at, end);
            out = n ? mempcpy(out, at, n) : out + utf8_encode(0xfffd, out);
            at += n ? n : 1;
        }
    }
    *io_at = at + 1;
    *io_to = (size_t)(out - w->at);
    return 0;
}
