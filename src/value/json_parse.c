/* value/json_parse.c: JSON text into building nodes.
 *
 * The text is copied into the arena once and strings are decoded in place: decoding never makes a
 * string longer, except an invalid byte that becomes the three bytes of U+FFFD; such a string gets
 * memory of its own. */
#include <assert.h>

#include "value/json.h"
#include "value/number.h"
#include "value/text.h"

/* The way to the value being read, for the path in messages about duplicate keys. */
struct frame {
    const struct frame *parent;
    str key;
    size_t index; /* in a list: key.at NULL */
};

struct parser {
    const char *start, *at, *end;
    const struct json_input *in;
    struct arena *arena;
    struct err *err;
    const char *original;   /* the caller's text, as `start` is changed by decoding */
    const char *line_start; /* positions: where in it the last computed line begins */
    uint32_t line;
    unsigned depth;
};

/* ---- errors ---- */

static struct value_pos pos_of(const char *start, const char *at)
{
    struct value_pos pos = {1, 1};
    const char *line = start;
    for (const char *p = start; p < at; p++)
        if (*p == '\n') {
            pos.line++;
            line = p + 1;
        }
    pos.column = (uint32_t)(at - line) + 1;
    return pos;
}

static int fail_kind(struct parser *p, const char *at, int kind, const char *text)
{
    struct value_pos pos = pos_of(p->original, p->original + (at - p->start));
    if (p->in->bare_errors)
        return err_set(p->err, kind, "%s", text);
    if (p->in->name.len)
        return err_set(p->err, kind, "%.*s:%u:%u: %s", STR_FMT(p->in->name), pos.line, pos.column,
                       text);
    return err_set(p->err, kind, "line %u column %u: %s", pos.line, pos.column, text);
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
static int unexpected(struct parser *p, const char *at, const char *where)
{
    char shown[16], text[200];
    bool inside = inside_token(where);
    if (at >= p->end && !inside)
        return fail_kind(p, p->end, ERR_INVALID, "unexpected end of JSON input");
    unsigned char c = at < p->end ? (unsigned char)*at : ' ';
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
    return fail_kind(p, at, ERR_INVALID, text);
}

/* ---- pieces ---- */

static inline void skip_blanks(struct parser *p)
{
    while (p->at < p->end && (*p->at == ' ' || *p->at == '\n' || *p->at == '\r' || *p->at == '\t'))
        p->at++;
}

static struct value_pos here(struct parser *p)
{
    const char *nl = p->line_start, *now = p->original + (p->at - p->start);
    while ((nl = memchr(nl, '\n', (size_t)(now - nl)))) {
        p->line++;
        p->line_start = ++nl;
    }
    return (struct value_pos){p->line, (uint32_t)(now - p->line_start) + 1};
}

static int hex4(struct parser *p, const char *at, uint32_t *ret)
{
    uint32_t x = 0;
    for (int i = 0; i < 4; i++) {
        char c = at + i < p->end ? at[i] : 0;
        if (c >= '0' && c <= '9')
            x = x << 4 | (uint32_t)(c - '0');
        else if ((c | 32) >= 'a' && (c | 32) <= 'f')
            x = x << 4 | (uint32_t)((c | 32) - 'a' + 10);
        else
            return unexpected(p, at + i, "in \\u hexadecimal character escape");
    }
    *ret = x;
    return 0;
}

/* \uXXXX at *at (behind the backslash); a pair of surrogates is one rune, a lone one U+FFFD. */
static int unicode_escape(struct parser *p, const char **at, uint32_t *ret)
{
    uint32_t low;
    int r = hex4(p, *at + 1, ret);
    if (r)
        return r;
    *at += 5;
    if (*ret < 0xd800 || *ret > 0xdfff)
        return 0;
    if (*ret < 0xdc00 && *at + 1 < p->end && (*at)[0] == '\\' && (*at)[1] == 'u') {
        r = hex4(p, *at + 2, &low);
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

/* Decode from `at` up to the closing quote into `to` (in place when to <= at; with room for 3 bytes
 * a byte otherwise). */
static int decode(struct parser *p, const char *at, char *to, str *ret)
{
    static const char plain[128] = {['"'] = '"',  ['\\'] = '\\', ['/'] = '/',  ['b'] = '\b',
                                    ['f'] = '\f', ['n'] = '\n',  ['r'] = '\r', ['t'] = '\t'};
    char *out = to;
    uint32_t rune;
    for (;;) {
        unsigned char c = at < p->end ? (unsigned char)*at : 0;
        if (at >= p->end || c < 0x20)
            return unexpected(p, at, "in string literal");
        if (c == '"')
            break;
        if (c == '\\') {
            unsigned char e = ++at < p->end ? (unsigned char)*at : 0;
            if (e < 128 && plain[e]) {
                *out++ = plain[e];
                at++;
            } else if (e == 'u') {
                int r = unicode_escape(p, &at, &rune);
                if (r)
                    return r;
                out += utf8_encode(rune, out);
            } else {
                return unexpected(p, at, "in string escape code");
            }
            continue;
        }
        unsigned n = utf8_len(at, p->end);
        if (n == 0) {
            out += utf8_encode(0xfffd, out);
            at++;
        } else {
            memmove(out, at, n);
            out += n;
            at += n;
        }
    }
    p->at = at + 1;
    *ret = str_mem(to, (size_t)(out - to));
    return 0;
}

/* A string; p->at is behind the opening quote. */
static int parse_string(struct parser *p, str *ret)
{
    const char *from = p->at, *at = from;
    while (at < p->end && (unsigned char)*at >= 0x20 && (unsigned char)*at < 0x80 && *at != '"' &&
           *at != '\\')
        at++;
    if (at < p->end && *at == '"') {
        *ret = str_mem(from, (size_t)(at - from));
        p->at = at + 1;
        return 0;
    }
    /* Look for the end first: an invalid byte grows, so a string that holds one is decoded
     * elsewhere. */
    const char *close = at;
    bool valid = true;
    while (close < p->end && *close != '"') {
        unsigned n = *close == '\\' ? 2 : utf8_len(close, p->end);
        valid = valid && n > 0;
        close += n ? n : 1;
    }
    if (close >= p->end)
        close = p->end;
    char *to = valid ? (char *)from : arena_alloc(p->arena, (size_t)(close - from) * 3 + 1);
    return decode(p, from, to, ret);
}

static int parse_number(struct parser *p, value *ret)
{
    bool integer;
    str rest = str_mem(p->at, (size_t)(p->end - p->at)), text;
    size_t n = number_scan(rest, &integer);
    if (n == 0) { /* name the part that is wrong */
        const char *at = p->at + (*p->at == '-');
        if (at >= p->end || *at < '0' || *at > '9')
            return unexpected(p, at, "in numeric literal");
        while (at < p->end && *at >= '0' && *at <= '9')
            at++;
        if (at < p->end && *at == '.') {
            if (++at >= p->end || *at < '0' || *at > '9')
                return unexpected(p, at, "after decimal point in numeric literal");
            while (at < p->end && *at >= '0' && *at <= '9')
                at++;
        }
        at++;
        at += at < p->end && (*at == '+' || *at == '-');
        return unexpected(p, at, "in exponent of numeric literal");
    }
    text = str_sub(rest, 0, n);
    int64_t i;
    uint64_t u;
    double d;
    if (integer && str_to_i64(text, &i)) {
        *ret = value_of_int(p->arena, i);
    } else if (integer && p->in->exact_uint64 && str_to_u64(text, &u)) {
        *ret = value_of_uint(p->arena, u);
    } else if (number_to_double(text, &d)) {
        *ret = value_of_double(p->arena, d);
    } else {
        char say[200];
        snprintf(say, sizeof(say),
                 "json: cannot unmarshal number %.*s into Go value of type float64",
                 (int)MIN_OF(text.len, (size_t)100), text.at);
        return fail_kind(p, p->at, ERR_INVALID, say);
    }
    if (p->in->keep_literals)
        value_set_literal(*ret, text);
    p->at += n;
    return 0;
}

static int parse_word(struct parser *p, const char *word, value v, value *ret)
{
    for (size_t i = 1; word[i]; i++)
        if (p->at + i >= p->end || p->at[i] != word[i]) {
            char where[60];
            snprintf(where, sizeof(where), "in literal %s (expecting '%c')", word, word[i]);
            return unexpected(p, p->at + i, where);
        }
    p->at += strlen(word);
    *ret = v;
    return 0;
}

static int duplicate(struct parser *p, const char *at, const struct frame *f, str key)
{
    char text[400] = "", *to = text + sizeof(text);
    CLEANUP(buf_done) struct buf path;
    buf_init(&path, 4096);
    const struct frame *chain[VALUE_DEPTH_MAX + 1];
    size_t n = 0;
    for (; f && n < ARRAY_LEN(chain); f = f->parent)
        chain[n++] = f;
    while (n-- > 0)
        if (chain[n]->key.at)
            buf_printf(&path, "%s%.*s", path.len ? "." : "", STR_FMT(chain[n]->key));
        else
            buf_printf(&path, "[%zu]", chain[n]->index);
    buf_printf(&path, "%s%.*s", path.len ? "." : "", STR_FMT(key));
    snprintf(text, (size_t)(to - text), "duplicate field \"%.*s\"", (int)path.len,
             path.at ? path.at : "");
    return fail_kind(p, at, ERR_INVALID, text);
}

static int parse_value(struct parser *p, const struct frame *parent, value *ret);

static int parse_key(struct parser *p, const struct frame *parent, value map, str *ret)
{
    const char *at = p->at;
    if (at >= p->end || *at != '"')
        return unexpected(p, at, "looking for beginning of object key string");
    p->at++;
    int r = parse_string(p, ret);
    if (r)
        return r;
    if (p->in->strict && value_exists(value_get(map, *ret)))
        return duplicate(p, at, parent, *ret);
    skip_blanks(p);
    if (p->at >= p->end || *p->at != ':')
        return unexpected(p, p->at, "after object key");
    p->at++;
    return 0;
}

static int parse_map(struct parser *p, const struct frame *parent, value map)
{
    struct frame here_frame = {.parent = parent};
    skip_blanks(p);
    if (p->at < p->end && *p->at == '}') {
        p->at++;
        return 0;
    }
    for (;;) {
        value child;
        int r = parse_key(p, parent, map, &here_frame.key);
        if (r)
            return r;
        if (!here_frame.key.at)
            here_frame.key = STR("");
        r = parse_value(p, &here_frame, &child);
        if (r)
            return r;
        value_set_borrow_key(p->arena, map, here_frame.key, child);
        skip_blanks(p);
        char c = p->at < p->end ? *p->at : 0;
        if (c != ',' && c != '}')
            return unexpected(p, p->at, "after object key:value pair");
        p->at++;
        if (c == '}')
            return 0;
        skip_blanks(p);
    }
}

static int parse_list(struct parser *p, const struct frame *parent, value list)
{
    struct frame here_frame = {.parent = parent};
    skip_blanks(p);
    if (p->at < p->end && *p->at == ']') {
        p->at++;
        return 0;
    }
    for (;; here_frame.index++) {
        value child;
        int r = parse_value(p, &here_frame, &child);
        if (r)
            return r;
        value_push(p->arena, list, child);
        skip_blanks(p);
        char c = p->at < p->end ? *p->at : 0;
        if (c != ',' && c != ']')
            return unexpected(p, p->at, "after array element");
        p->at++;
        if (c == ']')
            return 0;
    }
}

static int parse_container(struct parser *p, const struct frame *parent, value *ret)
{
    bool map = *p->at == '{';
    if (++p->depth > VALUE_DEPTH_MAX) {
        char text[80];
        snprintf(text, sizeof(text), "nested deeper than %d levels", VALUE_DEPTH_MAX);
        return fail_kind(p, p->at, ERR_TOO_LARGE, text);
    }
    p->at++;
    *ret = map ? value_new_map(p->arena) : value_new_list(p->arena);
    int r = map ? parse_map(p, parent, *ret) : parse_list(p, parent, *ret);
    p->depth--;
    return r;
}

static int parse_value(struct parser *p, const struct frame *parent, value *ret)
{
    int r;
    str s;
    skip_blanks(p);
    struct value_pos pos = {0, 0};
    if (p->in->keep_positions)
        pos = here(p);
    switch (p->at < p->end ? *p->at : 0) {
    case '{':
    case '[': r = parse_container(p, parent, ret); break;
    case '"':
        p->at++;
        r = parse_string(p, &s);
        if (r == 0)
            *ret = value_borrow_str(p->arena, s);
        break;
    case 't': r = parse_word(p, "true", value_of_bool(p->arena, true), ret); break;
    case 'f': r = parse_word(p, "false", value_of_bool(p->arena, false), ret); break;
    case 'n': r = parse_word(p, "null", value_null(p->arena), ret); break;
    case '-':
    case '0' ... '9': r = parse_number(p, ret); break;
    default: r = unexpected(p, p->at, "looking for beginning of value");
    }
    if (r == 0 && pos.line)
        value_set_pos(*ret, pos);
    return r;
}

static const struct json_input defaults;

int json_parse(str text, const struct json_input *in, struct arena *a, value *ret, struct err *err)
{
    in = in ? in : &defaults;
    size_t most = in->bytes_max ? in->bytes_max : JSON_BYTES_MAX;
    if (text.len > most)
        return err_set(err, ERR_TOO_LARGE, "%.*s%sJSON text of %zu bytes is larger than %zu",
                       STR_FMT(in->name), in->name.len ? ": " : "", text.len, most);
    const char *original = text.at ? text.at : "";
    text = arena_str(a, text);
    struct parser p = {text.at, text.at, text.at + text.len, in, a, err, original, original, 1, 0};
    value v;
    int r = parse_value(&p, NULL, &v);
    if (r)
        return r;
    skip_blanks(&p);
    if (p.at < p.end)
        return unexpected(&p, p.at, "after top-level value");
    *ret = v;
    return 0;
}

int json_parse_doc(str text, const struct json_input *in, struct doc **ret, struct err *err)
{
    struct arena a;
    value v;
    in = in ? in : &defaults;
    arena_init(&a, SIZE_MAX / 4);
    int r = json_parse(text, in, &a, &v, err);
    if (r == 0)
        *ret = doc_freeze(v, (in->keep_positions ? DOC_KEEP_POSITIONS : 0) |
                                 (in->keep_literals ? DOC_KEEP_LITERALS : 0));
    arena_done(&a);
    return r;
}
