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
    uint32_t low = 0;
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

/* What the character behind a backslash stands for; 0: not a simple escape. */
static const char simple[256] = {['"'] = '"',  ['\\'] = '\\', ['/'] = '/',  ['b'] = '\b',
                                 ['f'] = '\f', ['n'] = '\n',  ['r'] = '\r', ['t'] = '\t'};

/* \u and what is no escape at all. */
static int rare_escape(const struct json_source *s, const char **at, char **out)
{
    uint32_t rune = 0;
    if (*at >= s->text.at + s->text.len || **at != 'u')
        return json_unexpected(s, *at, "in string escape code");
    int r = unicode_escape(s, at, &rune);
    if (r == 0)
        *out += utf8_encode(rune, *out);
    return r;
}

/* A character outside ASCII. An invalid byte becomes three: room was promised for one. */
static char *put_rune(struct tape_writer *w, const char **at, const char *end, char *out)
{
    unsigned n = utf8_len(*at, end);
    if (n) {
        out = mempcpy(out, *at, n);
    } else {
        w->len = (size_t)(out - w->at);
        out = tape_writer_room(w, (size_t)(end - *at) + 64);
        out += utf8_encode(0xfffd, out);
    }
    *at += n ? n : 1;
    return out;
}

int json_read_odd_string(const struct json_source *s, struct text_index *x, struct tape_writer *w,
                         struct json_string *io)
{
    const char *text = s->text.at, *at = io->at, *end = text + s->text.len;
    const uint32_t *special = io->special;
    char *out = w->at + io->to;
    bool plain = true;
    for (;;) {
        const char *q = text + *special;
        size_t n = (size_t)(q - at);
        out = __builtin_expect(end - q >= 32, 1) ? text_copy_run(out, at, n) : mempcpy(out, at, n);
        at = q;
        unsigned char c = at < end ? (unsigned char)*at : 0;
        if (c == '\\') {
            unsigned char e = ++at < end ? (unsigned char)*at : 0;
            if (__builtin_expect(simple[e] != 0, 1)) {
                *out++ = simple[e];
                at++;
                plain = plain && text_plain[(unsigned char)simple[e]];
                special++;
                special += *special == (uint32_t)(at - text) - 1; /* the escaped one is an entry */
                if (__builtin_expect(*special != TEXT_INDEX_MORE, 1))
                    continue;
            } else {
                int r = rare_escape(s, &at, &out);
                if (r)
                    return r;
            }
        } else if (c >= 0x80) {
            out = put_rune(w, &at, end, out);
        } else if (c == '"') {
            break;
        } else if (c >= 0x20) {
            *out++ = *at++;
        } else {
            return json_unexpected(s, at, "in string literal");
        }
        plain = plain && text_plain[(unsigned char)out[-1]]; /* so is a rune's last byte not */
        special = text_index_from(x, special, (uint32_t)(at - text));
    }
    *io = (struct json_string){at + 1, special + 1, (size_t)(out - w->at), plain};
    return 0;
}
