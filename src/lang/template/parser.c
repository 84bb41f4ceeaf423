/* lang/template/parser.c: tokens with three of look-ahead, and errors. */
#include <string.h>

#include "lang/template/parser.h"
#include "lang/template/strconv.h"
#include "lang/template/unicode.h"

void *parser_node(struct parser *p, size_t size, enum node_type type, uint32_t pos)
{
    struct tnode *n = arena_alloc(p->s->arena, size);
    n->type = (uint8_t)type;
    n->pos = pos;
    return n;
}

void parser_take_pending(struct parser *p, size_t mark, void *to)
{
    size_t n = parser_pending(p, mark);
    if (n)
        memcpy(to, p->s->pending.at + mark, n * sizeof(void *));
    p->s->pending.n = mark;
}

/* ---- tokens ---- */

struct lex_token parser_next(struct parser *p)
{
    if (p->peeked > 0)
        p->peeked--;
    else
        p->token[0] = lex_next(&p->s->lex);
    return p->token[p->peeked];
}

void parser_back_up2(struct parser *p, struct lex_token t1)
{
    p->token[1] = t1;
    p->peeked = 2;
}

void parser_back_up3(struct parser *p, struct lex_token t2, struct lex_token t1)
{
    p->token[1] = t1;
    p->token[2] = t2;
    p->peeked = 3;
}

struct lex_token parser_peek(struct parser *p)
{
    if (p->peeked == 0) {
        p->peeked = 1;
        p->token[0] = lex_next(&p->s->lex);
    }
    return p->token[p->peeked - 1];
}

struct lex_token parser_next_non_space(struct parser *p)
{
    struct lex_token t;
    do
        t = parser_next(p);
    while (t.type == LEX_SPACE);
    return t;
}

struct lex_token parser_peek_non_space(struct parser *p)
{
    struct lex_token t = parser_next_non_space(p);
    parser_back_up(p);
    return t;
}

/* ---- errors ---- */

void PRINTF(2, 3) parser_fail(struct parser *p, const char *format, ...)
{
    if (p->s->failed)
        return;
    va_list args;
    va_start(args, format);
    str text = arena_vprintf(p->s->arena, format, args);
    va_end(args);
    p->s->failed =
        err_set(p->s->err, ERR_INVALID, "template: %.*s:%u: %.*s", STR_FMT(p->s->tree->parse_name),
                (unsigned)p->token[0].line, STR_FMT(text));
}

str parser_quoted(struct parser *p, str s)
{
    struct buf b = BUF_INIT;
    strconv_quote(&b, s, false);
    str q = arena_str(p->s->arena, buf_str(&b));
    buf_done(&b);
    return q;
}

#define SHOWN_RUNES 10

static str token_text(struct parser *p, struct lex_token t)
{
    size_t cut = 0, width;
    switch (t.type) {
    case LEX_EOF: return STR("EOF");
    case LEX_ERROR: return t.text;
    default: break;
    }
    if (t.type > LEX_KEYWORD)
        return arena_printf(p->s->arena, "<%.*s>", STR_FMT(t.text));
    if (t.text.len <= SHOWN_RUNES)
        return parser_quoted(p, t.text);
    for (int i = 0; i < SHOWN_RUNES && cut < t.text.len; i++, cut += width)
        unicode_decode(str_from(t.text, cut), &width);
    return ARENA_CAT(p->s->arena, parser_quoted(p, str_sub(t.text, 0, cut)), STR("..."));
}

void parser_unexpected(struct parser *p, struct lex_token t, const char *context)
{
    str text = token_text(p, t);
    if (t.type != LEX_ERROR) {
        parser_fail(p, "unexpected %.*s in %s", STR_FMT(text), context);
    } else if (p->action_line && p->action_line != t.line) {
        bool is_named = str_ends(text, STR(" action"));
        parser_fail(p, "%.*s%s started at %.*s:%u", STR_FMT(text), is_named ? "" : " in action",
                    STR_FMT(p->s->tree->parse_name), (unsigned)p->action_line);
    } else {
        parser_fail(p, "%.*s", STR_FMT(text));
    }
}

struct lex_token parser_expect(struct parser *p, enum lex_type type, const char *context)
{
    struct lex_token t = parser_next_non_space(p);
    if (t.type != type)
        parser_unexpected(p, t, context);
    return t;
}

str parser_unquote(struct parser *p, str source)
{
    str s = STR("");
    if (!strconv_unquote(source, p->s->arena, &s))
        parser_fail(p, "invalid syntax");
    return s;
}
