/* lang/template/lex.c: see lex.h.
 *
 * One function per place the scanner can be at, each returning a token; lines are counted while
 * runes are taken, so that a token knows the line on which it starts. */
#include "lang/template/lex.h"

#include <string.h>

#include "lang/template/strconv.h"
#include "lang/template/unicode.h"

#define RUNE_EOF (-1)

static const struct {
    str word;
    enum lex_type type;
} KEYWORD[] = {
    {STR_INIT("block"), LEX_BLOCK},
    {STR_INIT("break"), LEX_BREAK},
    {STR_INIT("continue"), LEX_CONTINUE},
    {STR_INIT("define"), LEX_DEFINE},
    {STR_INIT("else"), LEX_ELSE},
    {STR_INIT("end"), LEX_END},
    {STR_INIT("if"), LEX_IF},
    {STR_INIT("nil"), LEX_NIL},
    {STR_INIT("range"), LEX_RANGE},
    {STR_INIT("template"), LEX_TEMPLATE},
    {STR_INIT("with"), LEX_WITH},
    {STR_INIT("true"), LEX_BOOL},
    {STR_INIT("false"), LEX_BOOL},
};

void lex_init(struct lexer *l, str input, struct arena *a)
{
    *l = (struct lexer){.arena = a, .input = input, .line = 1, .start_line = 1};
}

static inline str between(const struct lexer *l, size_t from, size_t to)
{
    return str_mem(l->input.at + from, to - from);
}

static inline str rest(const struct lexer *l) { return between(l, l->pos, l->input.len); }

static int32_t peek(const struct lexer *l, size_t *ret_width)
{
    if (l->pos >= l->input.len) {
        *ret_width = 0;
        return RUNE_EOF;
    }
    unsigned char c = (unsigned char)l->input.at[l->pos];
    if (c < 0x80) {
        *ret_width = 1;
        return c;
    }
    return unicode_decode(rest(l), ret_width);
}

static int32_t take(struct lexer *l)
{
    size_t width;
    int32_t r = peek(l, &width);
    l->pos += width;
    l->line += r == '\n';
    return r;
}

static int32_t look(const struct lexer *l)
{
    size_t width;
    return peek(l, &width);
}

static struct lex_token emit(struct lexer *l, enum lex_type type)
{
    struct lex_token t = {type, (uint32_t)l->start, l->start_line, between(l, l->start, l->pos)};
    l->start = l->pos;
    l->start_line = l->line;
    return t;
}

/* Skip what lies before pos, counting its lines. */
static void count_lines(struct lexer *l)
{
    const char *at = l->input.at + l->start, *end = l->input.at + l->pos;
    while (at < end && (at = memchr(at, '\n', (size_t)(end - at)))) {
        l->line++;
        at++;
    }
}

static void ignore(struct lexer *l)
{
    count_lines(l);
    l->start = l->pos;
    l->start_line = l->line;
}

static struct lex_token fail(struct lexer *l, str text)
{
    struct lex_token t = {LEX_ERROR, (uint32_t)l->start, l->start_line, text};
    l->start = l->pos = 0;
    l->input = STR("");
    return t;
}

static bool is_space(int32_t r) { return r == ' ' || r == '\t' || r == '\r' || r == '\n'; }

static bool is_word(int32_t r)
{
    if (r < 0x80)
        return (r >= 'a' && r <= 'z') || (r >= 'A' && r <= 'Z') || (r >= '0' && r <= '9') ||
               r == '_';
    return (unicode_class(r) & (UNICODE_LETTER | UNICODE_DIGIT)) != 0;
}

static bool has_left_trim(str s) { return s.len >= 2 && s.at[0] == '-' && is_space(s.at[1]); }

static bool has_right_trim(str s) { return s.len >= 2 && is_space(s.at[0]) && s.at[1] == '-'; }

static bool at_right_delim(const struct lexer *l, bool *ret_trim)
{
    *ret_trim = false;
    if (l->pos < l->input.len && l->input.at[l->pos] != '}' && !is_space(l->input.at[l->pos]))
        return false;
    str s = rest(l);
    *ret_trim = has_right_trim(s) && str_starts(str_from(s, 2), STR("}}"));
    return *ret_trim || str_starts(s, STR("}}"));
}

static size_t left_space(str s)
{
    size_t n = 0;
    while (n < s.len && is_space(s.at[n]))
        n++;
    return n;
}

static size_t right_space(str s)
{
    size_t n = 0;
    while (n < s.len && is_space(s.at[s.len - 1 - n]))
        n++;
    return n;
}

/* Behind "{{" (and its trim marker), at the comment's first byte. True: skipped; else *ret is an
 * error. */
static bool skip_comment(struct lexer *l, struct lex_token *ret)
{
    bool trim;
    l->pos += 2;
    ptrdiff_t end = str_find(rest(l), STR("*/"));
    if (end < 0) {
        *ret = fail(l, STR("unclosed comment"));
        return false;
    }
    l->pos += (size_t)end + 2;
    if (!at_right_delim(l, &trim)) {
        *ret = fail(l, STR("comment ends before closing delimiter"));
        return false;
    }
    l->pos += trim ? 4 : 2;
    if (trim)
        l->pos += left_space(rest(l));
    ignore(l);
    return true;
}

/* Text up to the next action; comments are passed over. */
static struct lex_token lex_text(struct lexer *l)
{
    for (;;) {
        ptrdiff_t found = str_find(rest(l), STR("{{"));
        if (found < 0) {
            l->pos = l->input.len;
            count_lines(l);
            return emit(l, l->pos > l->start ? LEX_TEXT : LEX_EOF);
        }
        l->pos += (size_t)found;
        bool trim = has_left_trim(str_from(rest(l), 2));
        if (found > 0) {
            str text = str_sub(l->input, l->start, l->pos - l->start);
            size_t cut = trim ? right_space(text) : 0;
            l->pos -= cut;
            count_lines(l);
            struct lex_token t = emit(l, LEX_TEXT);
            l->pos += cut;
            ignore(l);
            if (t.text.len)
                return t;
        }
        size_t marker = trim ? 2 : 0;
        struct lex_token error;
        if (str_starts(str_from(rest(l), 2 + marker), STR("/*"))) {
            l->pos += 2 + marker;
            ignore(l);
            if (!skip_comment(l, &error))
                return error;
            continue;
        }
        l->pos += 2;
        struct lex_token t = emit(l, LEX_LEFT_DELIM);
        l->in_action = true;
        l->parens = 0;
        l->pos += marker;
        ignore(l);
        return t;
    }
}

static struct lex_token lex_right_delim(struct lexer *l)
{
    bool trim;
    (void)at_right_delim(l, &trim);
    if (trim) {
        l->pos += 2;
        ignore(l);
    }
    l->pos += 2;
    struct lex_token t = emit(l, LEX_RIGHT_DELIM);
    if (trim) {
        l->pos += left_space(rest(l));
        ignore(l);
    }
    l->in_action = false;
    return t;
}

/* A run of blanks; the last one may belong to " -}}". */
static struct lex_token lex_space(struct lexer *l)
{
    size_t n = 0;
    while (is_space(look(l))) {
        take(l);
        n++;
    }
    str from_last = str_from(l->input, l->pos - 1);
    if (has_right_trim(from_last) && str_starts(str_from(from_last, 2), STR("}}"))) {
        l->pos--;
        l->line -= l->input.at[l->pos] == '\n';
        if (n == 1)
            return lex_right_delim(l);
    }
    return emit(l, LEX_SPACE);
}

static bool at_terminator(const struct lexer *l)
{
    int32_t r = look(l);
    if (is_space(r) || r == RUNE_EOF || (r < 0x80 && strchr(".,|:)(", (int)r) && r))
        return true;
    return str_starts(rest(l), STR("}}"));
}

/* Behind `what` the rune as %#U prints it: "U+0040 '@'". */
static struct lex_token fail_rune(struct lexer *l, const char *what, int32_t r)
{
    char bytes[UNICODE_BYTES_MAX];
    str shown = str_mem(bytes, unicode_encode(r, bytes));
    if (!strconv_is_print(r))
        return fail(l, arena_printf(l->arena, "%s U+%04X", what, (unsigned)r));
    return fail(l, arena_printf(l->arena, "%s U+%04X '%.*s'", what, (unsigned)r, STR_FMT(shown)));
}

static struct lex_token bad_character(struct lexer *l)
{
    return fail_rune(l, "bad character", look(l));
}

static struct lex_token lex_identifier(struct lexer *l)
{
    while (is_word(look(l)))
        take(l);
    if (!at_terminator(l))
        return bad_character(l);
    str word = between(l, l->start, l->pos);
    for (size_t i = 0; i < ARRAY_LEN(KEYWORD); i++)
        if (KEYWORD[i].word.at[0] == word.at[0] && str_eq(KEYWORD[i].word, word))
            return emit(l, KEYWORD[i].type);
    return emit(l, LEX_IDENTIFIER);
}

/* The '.' or '$' is taken. */
static struct lex_token lex_name(struct lexer *l, enum lex_type type)
{
    if (at_terminator(l))
        return emit(l, type == LEX_FIELD ? LEX_DOT : type);
    while (is_word(look(l)))
        take(l);
    if (!at_terminator(l))
        return bad_character(l);
    return emit(l, type);
}

/* What a backslash hides: nothing that ends the string but the end of the line. */
static int32_t escaped(struct lexer *l)
{
    int32_t r = take(l);
    return r == RUNE_EOF || r == '\n' ? RUNE_EOF : 0;
}

/* Up to the closing quote; the opening one is taken. */
static struct lex_token lex_quoted(struct lexer *l, char quote, enum lex_type type, str error)
{
    for (;;) {
        int32_t r = take(l);
        if (r == '\\' && quote != '`')
            r = escaped(l);
        if (r == RUNE_EOF || (r == '\n' && quote != '`'))
            return fail(l, error);
        if (r == quote)
            return emit(l, type);
    }
}

static bool accept(struct lexer *l, const char *set)
{
    int32_t r = look(l);
    if (r <= 0 || r >= 0x80 || !strchr(set, (int)r))
        return false;
    take(l);
    return true;
}

static void accept_run(struct lexer *l, const char *set)
{
    while (accept(l, set))
        continue;
}

static bool scan_number(struct lexer *l)
{
    const char *digits = "0123456789_";
    bool is_hex = false, is_decimal = true;
    accept(l, "+-");
    if (accept(l, "0")) {
        if (accept(l, "xX")) {
            digits = "0123456789abcdefABCDEF_";
            is_hex = true;
            is_decimal = false;
        } else if (accept(l, "oO")) {
            digits = "01234567_";
            is_decimal = false;
        } else if (accept(l, "bB")) {
            digits = "01_";
            is_decimal = false;
        }
    }
    accept_run(l, digits);
    if (accept(l, "."))
        accept_run(l, digits);
    if ((is_decimal && accept(l, "eE")) || (is_hex && accept(l, "pP"))) {
        accept(l, "+-");
        accept_run(l, "0123456789_");
    }
    accept(l, "i");
    if (!is_word(look(l)))
        return true;
    take(l);
    return false;
}

static struct lex_token bad_number(struct lexer *l)
{
    struct buf b = BUF_INIT;
    strconv_quote(&b, str_sub(l->input, l->start, l->pos - l->start), false);
    struct lex_token t =
        fail(l, arena_printf(l->arena, "bad number syntax: %.*s", STR_FMT(buf_str(&b))));
    buf_done(&b);
    return t;
}

static struct lex_token lex_number(struct lexer *l)
{
    if (!scan_number(l))
        return bad_number(l);
    int32_t sign = look(l);
    if (sign != '+' && sign != '-')
        return emit(l, LEX_NUMBER);
    if (!scan_number(l) || l->input.at[l->pos - 1] != 'i')
        return bad_number(l);
    return emit(l, LEX_COMPLEX);
}

static struct lex_token lex_paren(struct lexer *l, bool opens)
{
    l->parens += opens ? 1 : -1;
    if (l->parens < 0)
        return fail(l, STR("unexpected right paren"));
    return emit(l, opens ? LEX_LEFT_PAREN : LEX_RIGHT_PAREN);
}

static struct lex_token lex_sign(struct lexer *l, int32_t r)
{
    switch (r) {
    case '=': return emit(l, LEX_ASSIGN);
    case ':':
        if (take(l) != '=')
            return fail(l, STR("expected :="));
        return emit(l, LEX_DECLARE);
    case '|': return emit(l, LEX_PIPE);
    case '"': return lex_quoted(l, '"', LEX_STRING, STR("unterminated quoted string"));
    case '`': return lex_quoted(l, '`', LEX_RAW_STRING, STR("unterminated raw quoted string"));
    case '\'':
        return lex_quoted(l, '\'', LEX_CHAR_CONSTANT, STR("unterminated character constant"));
    case '$': return lex_name(l, LEX_VARIABLE);
    case '(': return lex_paren(l, true);
    case ')': return lex_paren(l, false);
    default: break;
    }
    if (r < 0x80 && strconv_is_print(r))
        return emit(l, LEX_CHAR);
    return fail_rune(l, "unrecognized character in action:", r);
}

static struct lex_token lex_action(struct lexer *l)
{
    bool trim;
    if (at_right_delim(l, &trim)) {
        if (l->parens)
            return fail(l, STR("unclosed left paren"));
        return lex_right_delim(l);
    }
    int32_t r = look(l);
    if (r == RUNE_EOF)
        return fail(l, STR("unclosed action"));
    if (is_space(r))
        return lex_space(l);
    if (r == '+' || r == '-' || (r >= '0' && r <= '9'))
        return lex_number(l);
    if (r == '.') {
        str next = str_from(rest(l), 1);
        if (!next.len || (next.at[0] >= '0' && next.at[0] <= '9'))
            return lex_number(l);
        take(l);
        return lex_name(l, LEX_FIELD);
    }
    if (is_word(r))
        return lex_identifier(l);
    take(l);
    return lex_sign(l, r);
}

struct lex_token lex_next(struct lexer *l)
{
    if (!l->in_action)
        return lex_text(l);
    return lex_action(l);
}
