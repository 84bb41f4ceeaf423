/* lang/template/parse_expression.c: pipelines: commands, operands, terms, names. */
#include <assert.h>
#include <string.h>

#include "lang/template/parser.h"
#include "lang/template/number_node.h"

/* ---- names ---- */

static void add_name(struct parser *p, str part)
{
    struct name name = {part.at, (uint32_t)part.len, template_key_hash(part)};
    vec_push(&p->s->scratch, &p->s->names, name);
}

static struct node_names *take_names(struct parser *p, enum node_type type, uint32_t pos)
{
    size_t bytes = p->s->names.n * sizeof(struct name);
    struct node_names *n = parser_node(p, sizeof(*n) + bytes, type, pos);
    if (bytes)
        memcpy(n->name, p->s->names.at, bytes);
    n->n = p->s->names.n;
    return n;
}

/* ".a.b" (field), "$x.a" (variable): parts between the dots. */
static struct node_names *new_names(struct parser *p, enum node_type type, uint32_t pos, str text)
{
    str part;
    p->s->names.n = 0;
    if (type == NODE_FIELD)
        text = str_from(text, 1);
    while (str_next(&text, '.', &part))
        add_name(p, part);
    return take_names(p, type, pos);
}

static struct tnode *use_variable(struct parser *p, struct lex_token t)
{
    struct node_names *n = new_names(p, NODE_VARIABLE, t.pos, t.text);
    assert(n->n > 0);
    for (size_t i = 0; i < p->vars.n; i++)
        if (str_eq(p->vars.at[i], name_text(&n->name[0])))
            return &n->head;
    str q = parser_quoted(p, name_text(&n->name[0]));
    parser_fail(p, "undefined variable %.*s", STR_FMT(q));
    return &n->head;
}

/* ---- expressions ---- */

static struct tnode *new_identifier(struct parser *p, struct lex_token t)
{
    struct node_identifier *n = NEW_NODE(p, struct node_identifier, NODE_IDENTIFIER, t.pos);
    n->func = template_funcs_find(p->s->funcs, t.text);
    if (!n->func) {
        str q = parser_quoted(p, t.text);
        parser_fail(p, "function %.*s not defined", STR_FMT(q));
    } else if (n->func >= TEMPLATE_FUNCS_GO.row &&
               n->func < TEMPLATE_FUNCS_GO.row + TEMPLATE_FUNCS_GO.n) { /* not hidden */
        n->head.mark = str_is(t.text, "and")    ? MARK_AND
                       : str_is(t.text, "or")   ? MARK_OR
                       : str_is(t.text, "call") ? MARK_CALL
                                                : MARK_NONE;
    }
    return &n->head;
}

static struct tnode *new_number(struct parser *p, struct lex_token t)
{
    struct node_number *n = NEW_NODE(p, struct node_number, NODE_NUMBER, t.pos);
    str problem;
    n->literal.source = t.text;
    if (!number_node_parse(n, t.type, p->s->arena, &problem))
        parser_fail(p, "%.*s", STR_FMT(problem));
    return &n->literal.head;
}

static struct tnode *new_string(struct parser *p, struct lex_token t)
{
    struct node_literal *n = NEW_NODE(p, struct node_literal, NODE_STRING, t.pos);
    n->source = t.text;
    n->value = template_str(parser_unquote(p, t.text));
    return &n->head;
}

static struct tnode *new_bool(struct parser *p, struct lex_token t)
{
    struct node_literal *n = NEW_NODE(p, struct node_literal, NODE_BOOL, t.pos);
    n->source = t.text;
    n->value = template_bool(str_is(t.text, "true"));
    return &n->head;
}

static struct tnode *parse_parens(struct parser *p)
{
    if (p->parens >= TEMPLATE_PARENS_MAX) {
        parser_fail(p, "max expression depth exceeded");
        return NULL;
    }
    p->parens++;
    struct node_pipe *pipe = parser_pipe(p, "parenthesized pipeline", LEX_RIGHT_PAREN);
    p->parens--;
    return &pipe->head;
}

/* NULL: the next token starts no term. */
static struct tnode *parse_term(struct parser *p)
{
    struct lex_token t = parser_next_non_space(p);
    switch (t.type) {
    case LEX_IDENTIFIER: return new_identifier(p, t);
    case LEX_DOT: return NEW_NODE(p, struct tnode, NODE_DOT, t.pos);
    case LEX_NIL: return NEW_NODE(p, struct tnode, NODE_NIL, t.pos);
    case LEX_VARIABLE: return use_variable(p, t);
    case LEX_FIELD: return &new_names(p, NODE_FIELD, t.pos, t.text)->head;
    case LEX_BOOL: return new_bool(p, t);
    case LEX_CHAR_CONSTANT:
    case LEX_COMPLEX:
    case LEX_NUMBER: return new_number(p, t);
    case LEX_LEFT_PAREN: return parse_parens(p);
    case LEX_STRING:
    case LEX_RAW_STRING: return new_string(p, t);
    default: parser_back_up(p); return NULL;
    }
}

/* The fields behind a term: more names of a field or variable, else a chain. */
static struct tnode *with_fields(struct parser *p, struct tnode *term)
{
    uint32_t pos = parser_peek(p).pos;
    bool extends = term->type == NODE_FIELD || term->type == NODE_VARIABLE;
    p->s->names.n = 0;
    if (extends) {
        const struct node_names *old = (struct node_names *)term;
        for (size_t i = 0; i < old->n; i++)
            add_name(p, name_text(&old->name[i]));
    }
    while (parser_peek(p).type == LEX_FIELD)
        add_name(p, str_from(parser_next(p).text, 1));
    if (!extends &&
        (term->type == NODE_BOOL || term->type == NODE_STRING || term->type == NODE_NUMBER ||
         term->type == NODE_NIL || term->type == NODE_DOT)) {
        struct buf b = BUF_INIT;
        node_print(term, &b);
        str q = parser_quoted(p, buf_str(&b));
        buf_done(&b);
        parser_fail(p, "unexpected . after term %.*s", STR_FMT(q));
        return term;
    }
    struct node_names *n = take_names(p, extends ? term->type : NODE_CHAIN, pos);
    n->of = extends ? NULL : term;
    return &n->head;
}

static struct tnode *parse_operand(struct parser *p)
{
    struct tnode *term = parse_term(p);
    if (!term || p->s->failed || parser_peek(p).type != LEX_FIELD)
        return term;
    return with_fields(p, term);
}

static struct node_command *parse_command(struct parser *p)
{
    uint32_t pos = parser_peek_non_space(p).pos;
    size_t mark = p->s->pending.n;
    bool more = true;
    while (more && !p->s->failed) {
        parser_peek_non_space(p);
        struct tnode *operand = parse_operand(p);
        if (p->s->failed)
            break;
        if (operand)
            parser_pend(p, operand);
        struct lex_token t = parser_next(p);
        switch (t.type) {
        case LEX_SPACE: continue;
        case LEX_RIGHT_DELIM:
        case LEX_RIGHT_PAREN: parser_back_up(p); break;
        case LEX_PIPE: break;
        default: parser_unexpected(p, t, "operand"); break;
        }
        more = false;
    }
    size_t n = parser_pending(p, mark);
    if (!n)
        parser_fail(p, "empty command");
    struct node_command *c = parser_node(p, sizeof(*c) + n * sizeof(c->arg[0]), NODE_COMMAND, pos);
    c->n = n;
    parser_take_pending(p, mark, c->arg);
    return c;
}

#define DECLARATIONS_MAX 2

struct declarations {
    struct node_names *at[DECLARATIONS_MAX];
    uint32_t n;
    bool is_assign;
};

static void declare(struct parser *p, struct declarations *d, struct lex_token v)
{
    if (d->n < DECLARATIONS_MAX)
        d->at[d->n++] = new_names(p, NODE_VARIABLE, v.pos, v.text);
    vec_push(&p->s->scratch, &p->vars, v.text);
}

/* "$a :=", "$a =", and of a range "$a, $b :=". */
static void parse_declarations(struct parser *p, struct declarations *d, const char *context)
{
    for (;;) {
        struct lex_token v = parser_peek_non_space(p);
        if (v.type != LEX_VARIABLE || p->s->failed)
            return;
        parser_next(p);
        struct lex_token after = parser_peek(p), t = parser_peek_non_space(p);
        if (t.type == LEX_ASSIGN || t.type == LEX_DECLARE) {
            d->is_assign = t.type == LEX_ASSIGN;
            parser_next_non_space(p);
            declare(p, d, v);
            return;
        }
        if (t.type != LEX_CHAR || !str_is(t.text, ",")) {
            if (after.type == LEX_SPACE)
                parser_back_up3(p, v, after);
            else
                parser_back_up2(p, v);
            return;
        }
        parser_next_non_space(p);
        declare(p, d, v);
        if (strcmp(context, "range") != 0 || d->n >= DECLARATIONS_MAX) {
            parser_fail(p, "too many declarations in %s", context);
            return;
        }
        enum lex_type type = parser_peek_non_space(p).type;
        if (type != LEX_VARIABLE && type != LEX_RIGHT_DELIM && type != LEX_RIGHT_PAREN)
            parser_fail(p, "range can only initialize variables");
    }
}

static void check_pipe(struct parser *p, const struct node_pipe *pipe, const char *context)
{
    if (!pipe->n)
        parser_fail(p, "missing value for %s", context);
    for (size_t i = 1; i < pipe->n; i++)
        switch (pipe->cmd[i]->arg[0]->type) {
        case NODE_BOOL:
        case NODE_DOT:
        case NODE_NIL:
        case NODE_NUMBER:
        case NODE_STRING:
            parser_fail(p, "non executable command in pipeline stage %zu", i + 1);
            break;
        default: break;
        }
}

static bool starts_operand(enum lex_type type)
{
    switch (type) {
    case LEX_BOOL:
    case LEX_CHAR_CONSTANT:
    case LEX_COMPLEX:
    case LEX_DOT:
    case LEX_FIELD:
    case LEX_IDENTIFIER:
    case LEX_NUMBER:
    case LEX_NIL:
    case LEX_RAW_STRING:
    case LEX_STRING:
    case LEX_VARIABLE:
    case LEX_LEFT_PAREN: return true;
    default: return false;
    }
}

struct node_pipe *parser_pipe(struct parser *p, const char *context, enum lex_type end)
{
    uint32_t pos = parser_peek_non_space(p).pos;
    size_t mark = p->s->pending.n;
    struct declarations d = {0};
    parse_declarations(p, &d, context);
    while (!p->s->failed) {
        struct lex_token t = parser_next_non_space(p);
        if (t.type == end)
            break;
        if (!starts_operand(t.type)) {
            parser_unexpected(p, t, context);
            break;
        }
        parser_back_up(p);
        parser_pend(p, parse_command(p));
    }
    size_t n = parser_pending(p, mark);
    struct node_pipe *pipe =
        parser_node(p, sizeof(*pipe) + n * sizeof(pipe->cmd[0]), NODE_PIPE, pos);
    pipe->n = (uint32_t)n;
    pipe->head.mark = d.is_assign;
    pipe->n_decl = d.n;
    if (d.n)
        pipe->decl = arena_copy(p->s->arena, d.at, d.n * sizeof(d.at[0]));
    parser_take_pending(p, mark, pipe->cmd);
    if (!p->s->failed)
        check_pipe(p, pipe, context);
    return pipe;
}
