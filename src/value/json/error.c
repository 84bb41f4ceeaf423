/* value/json/error.c: messages in the words of Go's encoding/json. */
#include "value/json/error.h"

#include "value/text.h"

struct value_pos json_pos_of(const struct json_source *s, const char *at)
{
    struct value_pos pos = {1, 1};
    const char *line = s->text.at;
    for (const char *p = line; p < at; p++)
        if (*p == '\n') {
            pos.line++;
            line = p + 1;
        }
    pos.column = (uint32_t)(at - line) + 1;
    return pos;
}

int json_fail(const struct json_source *s, const char *at, int kind, const char *text)
{
    struct value_pos pos = json_pos_of(s, at);
    str name = s->in->name;
    if (s->in->bare_errors)
        return err_set(s->err, kind, "%s", text);
    if (name.len)
        return err_set(s->err, kind, "%.*s:%u:%u: %s", STR_FMT(name), pos.line, pos.column, text);
    return err_set(s->err, kind, "line %u column %u: %s", pos.line, pos.column, text);
}

/* Go's scanner is given a blank at the end of the text: in white space or a string it means
 * nothing, inside these it is the character that does not fit. */
static bool inside_token(const char *where)
{
    static const char *const token[] = {"in numeric", "after decimal", "in exponent",
                                        "in literal", "in \\u",        "in string escape"};
    for (size_t i = 0; i < ARRAY_LEN(token); i++)
        if (str_starts(str_of(where), str_of(token[i])))
            return true;
    return false;
}

/* "invalid character 'x' <where>", or the end of the text. */
int json_unexpected(const struct json_source *s, const char *at, const char *where)
{
    const char *end = s->text.at + s->text.len;
    char shown[16], text[200];
    bool inside = inside_token(where);
    if (at >= end && !inside)
        return json_fail(s, end, ERR_INVALID, "unexpected end of JSON input");
    unsigned char c = at < end ? (unsigned char)*at : ' ';
    static const char letter[] = {['\a'] = 'a', ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n',
                                  ['\v'] = 'v', ['\f'] = 'f', ['\r'] = 'r'};
    if (c == '\'' || c == '\\')
        snprintf(shown, sizeof(shown), "\\%c", c);
    else if (c < sizeof(letter) && letter[c])
        snprintf(shown, sizeof(shown), "\\%c", letter[c]);
    else if (c < 0x20 || c == 0x7f)
        snprintf(shown, sizeof(shown), "\\x%02x", c);
    else if (c < 0x7f)
        snprintf(shown, sizeof(shown), "%c", c);
    else if (c < 0xa1 || c == 0xad)
        snprintf(shown, sizeof(shown), "\\u00%02x", c);
    else
        shown[utf8_encode(c, shown)] = 0;
    snprintf(text, sizeof(text), "invalid character '%s' %s", shown, where);
    return json_fail(s, at, ERR_INVALID, text);
}

static bool digit(const char *at, const char *end) { return at < end && *at >= '0' && *at <= '9'; }

int json_bad_number(const struct json_source *s, const char *at)
{
    const char *end = s->text.at + s->text.len;
    at += *at == '-';
    if (!digit(at, end))
        return json_unexpected(s, at, "in numeric literal");
    while (digit(at, end))
        at++;
    if (at < end && *at == '.') {
        if (!digit(++at, end))
            return json_unexpected(s, at, "after decimal point in numeric literal");
        while (digit(at, end))
            at++;
    }
    at++;
    at += at < end && (*at == '+' || *at == '-');
    return json_unexpected(s, at, "in exponent of numeric literal");
}
