/* lang/template/parser.h: what the parts of the parser share: parser.c (tokens, errors),
 * parse_expression.c, parse.c (actions, definitions). Private to lang/template/.
 *
 * A failure sets `failed`; every function then returns quickly with whatever it has. Nodes live in
 * the arena of the tree. */
#ifndef LANG_TEMPLATE_PARSER_H
#define LANG_TEMPLATE_PARSER_H

#include "lang/template/lex.h"
#include "lang/template/node.h"

struct parser_text { /* by the parsers of one text */
    struct arena *arena;
    struct template_tree *tree;
    const struct template_funcs *funcs;
    struct lexer lex;
    struct err *err;
    int failed; /* 0 or -kind */
    unsigned blocks;
    struct arena scratch; /* until the text is parsed */
    VEC(void *) pending;  /* of the lists that are open, innermost last */
    VEC(struct name) names;
};

struct parser {
    struct parser_text *s;
    struct lex_token token[3];
    int peeked;
    VEC(str) vars;
    uint32_t action_line; /* 0: not in an action */
    unsigned ranges, parens;
};

void *parser_node(struct parser *p, size_t size, enum node_type type, uint32_t pos);
#define NEW_NODE(p, T, type, pos) ((T *)parser_node((p), sizeof(T), (type), (pos)))

/* Lists grow aside and are copied into their node when their length is known. */
static inline void parser_pend(struct parser *p, void *item)
{
    vec_push(&p->s->scratch, &p->s->pending, item);
}
static inline size_t parser_pending(const struct parser *p, size_t mark)
{
    return p->s->pending.n - mark;
}
static inline void parser_back_up(struct parser *p) { p->peeked++; }
void parser_take_pending(struct parser *p, size_t mark, void *to);

/* Tokens: read, put back (back_up is for the token read last), looked at. */
struct lex_token parser_next(struct parser *p);
void parser_back_up2(struct parser *p, struct lex_token t1);
void parser_back_up3(struct parser *p, struct lex_token t2, struct lex_token t1);
struct lex_token parser_peek(struct parser *p);
struct lex_token parser_next_non_space(struct parser *p);
struct lex_token parser_peek_non_space(struct parser *p);
/* The token read next, blanks apart, which must be of that type. */
struct lex_token parser_expect(struct parser *p, enum lex_type type, const char *context);

/* The first failure counts; its line is that of the token read last. */
void parser_fail(struct parser *p, const char *format, ...) PRINTF(2, 3);
void parser_unexpected(struct parser *p, struct lex_token t, const char *context);
str parser_quoted(struct parser *p, str s); /* as Go's %q */
str parser_unquote(struct parser *p, str source);

/* A pipeline up to the token `end`. */
struct node_pipe *parser_pipe(struct parser *p, const char *context, enum lex_type end);

#endif
