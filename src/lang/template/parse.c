/* lang/template/parse.c: from text to tree.
 *
 * Follows Go's parser step by step, for its error texts and node positions are part of the
 * contract: three tokens of look-ahead, and the line of an error is the line of the token read
 * last. A definition is parsed by a parser of its own on the same lexer. A failure sets `failed`;
 * every function then returns quickly with whatever it has. */
#include <assert.h>
#include <string.h>

#include "lang/template/lex.h"
#include "lang/template/node.h"
#include "lang/template/number_node.h"
#include "lang/template/strconv.h"
#include "lang/template/unicode.h"

struct shared { /* by the parsers of one text */
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
    struct shared *s;
    struct lex_token token[3];
    int peeked;
    VEC(str) vars;
    uint32_t action_line; /* 0: not in an action */
    unsigned ranges, parens;
};

static void *new_node(struct parser *p, size_t size, enum node_type type, uint32_t pos)
{
    struct tnode *n = arena_alloc(p->s->arena, size);
    n->type = (uint8_t)type;
    n->pos = pos;
    return n;
}
#define NEW_NODE(p, T, type, pos) ((T *)new_node((p), sizeof(T), (type), (pos)))

/* Lists grow aside and are copied into their node when their length is known. */
static void pend(struct parser *p, void *item) { vec_push(&p->s->scratch, &p->s->pending, item); }

static size_t pending_since(const struct parser *p, size_t mark) { return p->s->pending.n - mark; }

static void take_pending(struct parser *p, size_t mark, void *to)
{
    size_t n = pending_since(p, mark);
    if (n)
        memcpy(to, p->s->pending.at + mark, n * sizeof(void *));
    p->s->pending.n = mark;
}

/* ---- tokens ---- */

static struct lex_token next(struct parser *p)
{
    if (p->peeked > 0)
        p->peeked--;
    else
        p->token[0] = lex_next(&p->s->lex);
    return p->token[p->peeked];
}

static void back_up(struct parser *p) { p->peeked++; }

static void back_up2(struct parser *p, struct lex_token t1)
{
    p->token[1] = t1;
    p->peeked = 2;
}

static void back_up3(struct parser *p, struct lex_token t2, struct lex_token t1)
{
    p->token[1] = t1;
    p->token[2] = t2;
    p->peeked = 3;
}

static struct lex_token peek(struct parser *p)
{
    if (p->peeked == 0) {
        p->peeked = 1;
        p->token[0] = lex_next(&p->s->lex);
    }
    return p->token[p->peeked - 1];
}

static struct lex_token next_non_space(struct parser *p)
{
    struct lex_token t;
    do
        t = next(p);
    while (t.type == LEX_SPACE);
    return t;
}

static struct lex_token peek_non_space(struct parser *p)
{
    struct lex_token t = next_non_space(p);
    back_up(p);
    return t;
}

/* ---- errors ---- */

static void PRINTF(2, 3) fail(struct parser *p, const char *format, ...)
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

static str quoted(struct parser *p, str s)
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
        return quoted(p, t.text);
    for (int i = 0; i < SHOWN_RUNES && cut < t.text.len; i++, cut += width)
        unicode_decode(str_from(t.text, cut), &width);
    return ARENA_CAT(p->s->arena, quoted(p, str_sub(t.text, 0, cut)), STR("..."));
}

static void unexpected(struct parser *p, struct lex_token t, const char *context)
{
    str text = token_text(p, t);
    if (t.type != LEX_ERROR) {
        fail(p, "unexpected %.*s in %s", STR_FMT(text), context);
    } else if (p->action_line && p->action_line != t.line) {
        bool is_named = str_ends(text, STR(" action"));
        fail(p, "%.*s%s started at %.*s:%u", STR_FMT(text), is_named ? "" : " in action",
             STR_FMT(p->s->tree->parse_name), (unsigned)p->action_line);
    } else {
        fail(p, "%.*s", STR_FMT(text));
    }
}

static struct lex_token expect(struct parser *p, enum lex_type type, const char *context)
{
    struct lex_token t = next_non_space(p);
    if (t.type != type)
        unexpected(p, t, context);
    return t;
}

static str unquote(struct parser *p, str source)
{
    str s = STR("");
    if (!strconv_unquote(source, p->s->arena, &s))
        fail(p, "invalid syntax");
    return s;
}

/* ---- names ---- */

static void add_name(struct parser *p, str part)
{
    struct name name = {part.at, (uint32_t)part.len, template_key_hash(part)};
    vec_push(&p->s->scratch, &p->s->names, name);
}

static struct node_names *take_names(struct parser *p, enum node_type type, uint32_t pos)
{
    size_t bytes = p->s->names.n * sizeof(struct name);
    struct node_names *n = new_node(p, sizeof(*n) + bytes, type, pos);
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
    str q = quoted(p, name_text(&n->name[0]));
    fail(p, "undefined variable %.*s", STR_FMT(q));
    return &n->head;
}

/* ---- expressions ---- */

static struct node_pipe *parse_pipe(struct parser *p, const char *context, enum lex_type end);

static struct tnode *new_identifier(struct parser *p, struct lex_token t)
{
    struct node_identifier *n = NEW_NODE(p, struct node_identifier, NODE_IDENTIFIER, t.pos);
    const struct template_func *builtin = template_funcs_find(&TEMPLATE_FUNCS_GO, t.text);
    n->func = template_funcs_find(p->s->funcs, t.text);
    if (!n->func) {
        str q = quoted(p, t.text);
        fail(p, "function %.*s not defined", STR_FMT(q));
    } else if (n->func == builtin) {
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
        fail(p, "%.*s", STR_FMT(problem));
    return &n->literal.head;
}

static struct tnode *new_string(struct parser *p, struct lex_token t)
{
    struct node_literal *n = NEW_NODE(p, struct node_literal, NODE_STRING, t.pos);
    n->source = t.text;
    n->value = template_str(unquote(p, t.text));
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
        fail(p, "max expression depth exceeded");
        return NULL;
    }
    p->parens++;
    struct node_pipe *pipe = parse_pipe(p, "parenthesized pipeline", LEX_RIGHT_PAREN);
    p->parens--;
    return &pipe->head;
}

/* NULL: the next token starts no term. */
static struct tnode *parse_term(struct parser *p)
{
    struct lex_token t = next_non_space(p);
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
    default: back_up(p); return NULL;
    }
}

/* The fields behind a term: more names of a field or variable, else a chain. */
static struct tnode *with_fields(struct parser *p, struct tnode *term)
{
    uint32_t pos = peek(p).pos;
    bool extends = term->type == NODE_FIELD || term->type == NODE_VARIABLE;
    p->s->names.n = 0;
    if (extends) {
        const struct node_names *old = (struct node_names *)term;
        for (size_t i = 0; i < old->n; i++)
            add_name(p, name_text(&old->name[i]));
    }
    while (peek(p).type == LEX_FIELD)
        add_name(p, str_from(next(p).text, 1));
    if (!extends &&
        (term->type == NODE_BOOL || term->type == NODE_STRING || term->type == NODE_NUMBER ||
         term->type == NODE_NIL || term->type == NODE_DOT)) {
        struct buf b = BUF_INIT;
        node_print(term, &b);
        str q = quoted(p, buf_str(&b));
        buf_done(&b);
        fail(p, "unexpected . after term %.*s", STR_FMT(q));
        return term;
    }
    struct node_names *n = take_names(p, extends ? term->type : NODE_CHAIN, pos);
    n->of = extends ? NULL : term;
    return &n->head;
}

static struct tnode *parse_operand(struct parser *p)
{
    struct tnode *term = parse_term(p);
    if (!term || p->s->failed || peek(p).type != LEX_FIELD)
        return term;
    return with_fields(p, term);
}

static struct node_command *parse_command(struct parser *p)
{
    uint32_t pos = peek_non_space(p).pos;
    size_t mark = p->s->pending.n;
    bool more = true;
    while (more && !p->s->failed) {
        peek_non_space(p);
        struct tnode *operand = parse_operand(p);
        if (p->s->failed)
            break;
        if (operand)
            pend(p, operand);
        struct lex_token t = next(p);
        switch (t.type) {
        case LEX_SPACE: continue;
        case LEX_RIGHT_DELIM:
        case LEX_RIGHT_PAREN: back_up(p); break;
        case LEX_PIPE: break;
        default: unexpected(p, t, "operand"); break;
        }
        more = false;
    }
    size_t n = pending_since(p, mark);
    if (!n)
        fail(p, "empty command");
    struct node_command *c = new_node(p, sizeof(*c) + n * sizeof(c->arg[0]), NODE_COMMAND, pos);
    c->n = n;
    take_pending(p, mark, c->arg);
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
        struct lex_token v = peek_non_space(p);
        if (v.type != LEX_VARIABLE || p->s->failed)
            return;
        next(p);
        struct lex_token after = peek(p), t = peek_non_space(p);
        if (t.type == LEX_ASSIGN || t.type == LEX_DECLARE) {
            d->is_assign = t.type == LEX_ASSIGN;
            next_non_space(p);
            declare(p, d, v);
            return;
        }
        if (t.type != LEX_CHAR || !str_is(t.text, ",")) {
            if (after.type == LEX_SPACE)
                back_up3(p, v, after);
            else
                back_up2(p, v);
            return;
        }
        next_non_space(p);
        declare(p, d, v);
        if (strcmp(context, "range") != 0 || d->n >= DECLARATIONS_MAX) {
            fail(p, "too many declarations in %s", context);
            return;
        }
        enum lex_type type = peek_non_space(p).type;
        if (type != LEX_VARIABLE && type != LEX_RIGHT_DELIM && type != LEX_RIGHT_PAREN)
            fail(p, "range can only initialize variables");
    }
}

static void check_pipe(struct parser *p, const struct node_pipe *pipe, const char *context)
{
    if (!pipe->n)
        fail(p, "missing value for %s", context);
    for (size_t i = 1; i < pipe->n; i++)
        switch (pipe->cmd[i]->arg[0]->type) {
        case NODE_BOOL:
        case NODE_DOT:
        case NODE_NIL:
        case NODE_NUMBER:
        case NODE_STRING: fail(p, "non executable command in pipeline stage %zu", i + 1); break;
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

static struct node_pipe *parse_pipe(struct parser *p, const char *context, enum lex_type end)
{
    uint32_t pos = peek_non_space(p).pos;
    size_t mark = p->s->pending.n;
    struct declarations d = {0};
    parse_declarations(p, &d, context);
    while (!p->s->failed) {
        struct lex_token t = next_non_space(p);
        if (t.type == end)
            break;
        if (!starts_operand(t.type)) {
            unexpected(p, t, context);
            break;
        }
        back_up(p);
        pend(p, parse_command(p));
    }
    size_t n = pending_since(p, mark);
    struct node_pipe *pipe = new_node(p, sizeof(*pipe) + n * sizeof(pipe->cmd[0]), NODE_PIPE, pos);
    pipe->n = (uint32_t)n;
    pipe->head.mark = d.is_assign;
    pipe->n_decl = d.n;
    if (d.n)
        pipe->decl = arena_copy(p->s->arena, d.at, d.n * sizeof(d.at[0]));
    take_pending(p, mark, pipe->cmd);
    if (!p->s->failed)
        check_pipe(p, pipe, context);
    return pipe;
}

/* ---- actions ---- */

static struct tnode *parse_text_or_action(struct parser *p);
static struct tnode *parse_branch(struct parser *p, enum node_type type, const char *context);

static struct node_list *take_list(struct parser *p, size_t mark, uint32_t pos)
{
    size_t n = pending_since(p, mark);
    struct node_list *list = new_node(p, sizeof(*list) + n * sizeof(list->node[0]), NODE_LIST, pos);
    list->n = n;
    take_pending(p, mark, list->node);
    return list;
}

/* Up to {{end}} or {{else}}, which is *ret_end. */
static struct node_list *parse_list(struct parser *p, struct tnode **ret_end)
{
    uint32_t pos = peek_non_space(p).pos;
    size_t mark = p->s->pending.n;
    *ret_end = NULL;
    if (++p->s->blocks > TEMPLATE_BLOCKS_MAX)
        fail(p, "blocks nest deeper than %d", TEMPLATE_BLOCKS_MAX);
    while (!p->s->failed && !*ret_end) {
        if (peek_non_space(p).type == LEX_EOF) {
            fail(p, "unexpected EOF");
            break;
        }
        struct tnode *n = parse_text_or_action(p);
        if (p->s->failed)
            break;
        if (n->type == NODE_END || n->type == NODE_ELSE)
            *ret_end = n;
        else
            pend(p, n);
    }
    p->s->blocks--;
    return take_list(p, mark, pos);
}

static void must_be_end(struct parser *p, const struct tnode *n, const char *context)
{
    if (!p->s->failed && n && n->type != NODE_END)
        fail(p, "unexpected {{else}} in %s", context);
}

/* Behind {{else}}: "else if" and "else with" hold one branch, whose end is ours, too. */
static struct node_list *parse_else(struct parser *p, enum node_type type, const char *context,
                                    uint32_t pos)
{
    struct tnode *end;
    bool chains = (type == NODE_IF && peek(p).type == LEX_IF) ||
                  (type == NODE_WITH && peek(p).type == LEX_WITH);
    if (!chains) {
        struct node_list *list = parse_list(p, &end);
        if (!p->s->failed && end && end->type != NODE_END)
            fail(p, "expected end; found {{else}}");
        return list;
    }
    next(p);
    size_t mark = p->s->pending.n;
    if (++p->s->blocks > TEMPLATE_BLOCKS_MAX)
        fail(p, "blocks nest deeper than %d", TEMPLATE_BLOCKS_MAX);
    else
        pend(p, parse_branch(p, type, context));
    p->s->blocks--;
    return take_list(p, mark, pos);
}

static struct tnode *parse_branch(struct parser *p, enum node_type type, const char *context)
{
    size_t mark = p->vars.n;
    struct tnode *end;
    struct node_branch *b = NEW_NODE(p, struct node_branch, type, 0);
    b->pipe = parse_pipe(p, context, LEX_RIGHT_DELIM);
    b->head.pos = b->pipe->head.pos;
    if (p->s->failed)
        return &b->head;
    p->ranges += type == NODE_RANGE;
    b->list = parse_list(p, &end);
    p->ranges -= type == NODE_RANGE;
    if (!p->s->failed && end && end->type == NODE_ELSE)
        b->else_list = parse_else(p, type, context, end->pos);
    p->vars.n = mark;
    return &b->head;
}

static struct tnode *parse_loop_end(struct parser *p, enum node_type type, const char *word,
                                    uint32_t pos)
{
    struct lex_token t = next_non_space(p);
    if (t.type != LEX_RIGHT_DELIM)
        unexpected(p, t, word);
    else if (!p->ranges)
        fail(p, "%s outside {{range}}", word);
    return NEW_NODE(p, struct tnode, type, pos);
}

static struct tnode *parse_else_word(struct parser *p)
{
    struct lex_token t = peek_non_space(p);
    if (t.type != LEX_IF && t.type != LEX_WITH)
        t = expect(p, LEX_RIGHT_DELIM, "else");
    return NEW_NODE(p, struct tnode, NODE_ELSE, t.pos);
}

static str parse_name(struct parser *p, struct lex_token t, const char *context)
{
    if (t.type == LEX_STRING || t.type == LEX_RAW_STRING)
        return unquote(p, t.text);
    unexpected(p, t, context);
    return STR("");
}

static struct tnode *parse_template(struct parser *p)
{
    static const char CONTEXT[] = "template clause";
    struct lex_token t = next_non_space(p);
    struct node_template *n = NEW_NODE(p, struct node_template, NODE_TEMPLATE, t.pos);
    n->name = parse_name(p, t, CONTEXT);
    if (!p->s->failed && next_non_space(p).type != LEX_RIGHT_DELIM) {
        back_up(p);
        n->pipe = parse_pipe(p, CONTEXT, LEX_RIGHT_DELIM);
    }
    return &n->head;
}

static void parse_body(struct parser *outer, const str *name, const char *context);

static struct tnode *parse_block(struct parser *p)
{
    static const char CONTEXT[] = "block clause";
    struct lex_token t = next_non_space(p);
    struct node_template *n = NEW_NODE(p, struct node_template, NODE_TEMPLATE, t.pos);
    n->name = parse_name(p, t, CONTEXT);
    if (!p->s->failed)
        n->pipe = parse_pipe(p, CONTEXT, LEX_RIGHT_DELIM);
    if (!p->s->failed)
        parse_body(p, &n->name, CONTEXT);
    return &n->head;
}

static struct tnode *parse_action(struct parser *p)
{
    struct lex_token t = next_non_space(p);
    switch (t.type) {
    case LEX_BLOCK: return parse_block(p);
    case LEX_BREAK: return parse_loop_end(p, NODE_BREAK, "{{break}}", t.pos);
    case LEX_CONTINUE: return parse_loop_end(p, NODE_CONTINUE, "{{continue}}", t.pos);
    case LEX_ELSE: return parse_else_word(p);
    case LEX_END: return NEW_NODE(p, struct tnode, NODE_END, expect(p, LEX_RIGHT_DELIM, "end").pos);
    case LEX_IF: return parse_branch(p, NODE_IF, "if");
    case LEX_RANGE: return parse_branch(p, NODE_RANGE, "range");
    case LEX_TEMPLATE: return parse_template(p);
    case LEX_WITH: return parse_branch(p, NODE_WITH, "with");
    default: break;
    }
    back_up(p);
    struct node_action *n = NEW_NODE(p, struct node_action, NODE_ACTION, peek(p).pos);
    n->pipe = parse_pipe(p, "command", LEX_RIGHT_DELIM);
    return &n->head;
}

static struct tnode *parse_text_or_action(struct parser *p)
{
    struct lex_token t = next_non_space(p);
    if (t.type == LEX_TEXT) {
        struct node_text *n = NEW_NODE(p, struct node_text, NODE_TEXT, t.pos);
        n->text = t.text;
        return &n->head;
    }
    if (t.type != LEX_LEFT_DELIM) {
        unexpected(p, t, "input");
        return NULL;
    }
    p->action_line = t.line;
    struct tnode *n = parse_action(p);
    p->action_line = 0;
    return n;
}

/* ---- definitions ---- */

static bool is_empty(const struct node_list *list)
{
    for (size_t i = 0; i < list->n; i++)
        if (list->node[i]->type != NODE_TEXT ||
            unicode_trim_space(((struct node_text *)list->node[i])->text).len)
            return false;
    return true;
}

static void add_body(struct parser *p, str name, struct node_list *root)
{
    struct template_tree *tree = p->s->tree;
    struct template_body **at = &tree->body;
    bool empty = is_empty(root);
    while (*at && !str_eq((*at)->name, name))
        at = &(*at)->next;
    if (!*at) {
        *at = ARENA_NEW(p->s->arena, struct template_body);
    } else if (!(*at)->is_empty) {
        if (!empty) {
            str q = quoted(p, name);
            fail(p, "template: multiple definition of template %.*s", STR_FMT(q));
        }
        return;
    }
    **at = (struct template_body){.name = name,
                                  .root = root,
                                  .tree = tree,
                                  .is_empty = empty,
                                  .next = (*at)->next};
}

static void parser_init(struct parser *p, struct shared *s)
{
    *p = (struct parser){.s = s};
    vec_push(&s->scratch, &p->vars, STR("$"));
}

/* A define (name NULL: it is still to be read) or the body of a block. */
static void parse_body(struct parser *outer, const str *name, const char *context)
{
    struct parser p;
    struct tnode *end;
    str own;
    bool is_block = name != NULL;
    parser_init(&p, outer->s);
    if (!name) {
        struct lex_token t = next_non_space(&p);
        own = parse_name(&p, t, context);
        if (!p.s->failed)
            expect(&p, LEX_RIGHT_DELIM, context);
        name = &own;
    }
    if (p.s->failed)
        return;
    struct node_list *root = parse_list(&p, &end);
    must_be_end(is_block ? outer : &p, end, context); /* whose line the error names */
    if (!p.s->failed)
        add_body(&p, *name, root);
}

static void parse_top(struct parser *p, str name)
{
    uint32_t pos = peek(p).pos;
    size_t mark = p->s->pending.n;
    while (!p->s->failed && peek(p).type != LEX_EOF) {
        if (peek(p).type == LEX_LEFT_DELIM) {
            struct lex_token delim = next(p);
            if (next_non_space(p).type == LEX_DEFINE) {
                parse_body(p, NULL, "define clause");
                continue;
            }
            back_up2(p, delim);
        }
        struct tnode *n = parse_text_or_action(p);
        if (p->s->failed)
            return;
        if (n->type == NODE_END || n->type == NODE_ELSE)
            fail(p, "unexpected %s", n->type == NODE_END ? "{{end}}" : "{{else}}");
        pend(p, n);
    }
    struct node_list *root = take_list(p, mark, pos);
    if (!p->s->failed)
        add_body(p, name, root);
}

int template_parse(str name, str text, const struct template_funcs *funcs, struct arena *a,
                   const struct template_tree **ret, struct err *err)
{
    struct shared s = {.arena = a, .funcs = funcs, .err = err};
    struct parser p;
    if (text.len > TEMPLATE_TEXT_BYTES_MAX)
        return err_set(err, ERR_TOO_LARGE, "template: %.*s: larger than %zu bytes", STR_FMT(name),
                       TEMPLATE_TEXT_BYTES_MAX);
    s.tree = ARENA_NEW(a, struct template_tree);
    s.tree->parse_name = name;
    s.tree->text = text;
    arena_init(&s.scratch, a->bytes_max);
    s.scratch.on_full = a->on_full;
    s.scratch.on_full_arg = a->on_full_arg;
    lex_init(&s.lex, text, a);
    parser_init(&p, &s);
    parse_top(&p, name);
    arena_done(&s.scratch);
    if (s.failed)
        return s.failed;
    *ret = s.tree;
    return 0;
}
