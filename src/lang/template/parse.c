/* lang/template/parse.c: from text to tree; actions and definitions are here.
 *
 * Follows Go's parser step by step, for its error texts and node positions are part of the
 * contract: three tokens of look-ahead, and the line of an error is the line of the token read
 * last. A definition is parsed by a parser of its own on the same lexer. A failure sets `failed`;
 * every function then returns quickly with whatever it has. */
#include "lang/template/parser.h"
#include "lang/template/unicode.h"

/* ---- actions ---- */

static struct tnode *parse_text_or_action(struct parser *p);

static struct tnode *parse_branch(struct parser *p, enum node_type type, const char *context);

static struct node_list *take_list(struct parser *p, size_t mark, uint32_t pos)
{
    size_t n = parser_pending(p, mark);
    struct node_list *list =
        parser_node(p, sizeof(*list) + n * sizeof(list->node[0]), NODE_LIST, pos);
    list->n = n;
    parser_take_pending(p, mark, list->node);
    return list;
}

/* Up to {{end}} or {{else}}, which is *ret_end. */
static struct node_list *parse_list(struct parser *p, struct tnode **ret_end)
{
    uint32_t pos = parser_peek_non_space(p).pos;
    size_t mark = p->s->pending.n;
    *ret_end = NULL;
    if (++p->s->blocks > TEMPLATE_BLOCKS_MAX)
        parser_fail(p, "blocks nest deeper than %d", TEMPLATE_BLOCKS_MAX);
    while (!p->s->failed && !*ret_end) {
        if (parser_peek_non_space(p).type == LEX_EOF) {
            parser_fail(p, "unexpected EOF");
            break;
        }
        struct tnode *n = parse_text_or_action(p);
        if (p->s->failed)
            break;
        if (n->type == NODE_END || n->type == NODE_ELSE)
            *ret_end = n;
        else
            parser_pend(p, n);
    }
    p->s->blocks--;
    return take_list(p, mark, pos);
}

static void must_be_end(struct parser *p, const struct tnode *n, const char *context)
{
    if (!p->s->failed && n && n->type != NODE_END)
        parser_fail(p, "unexpected {{else}} in %s", context);
}

/* Behind {{else}}: "else if" and "else with" hold one branch, whose end is ours, too. */
static struct node_list *parse_else(struct parser *p, enum node_type type, const char *context,
                                    uint32_t pos)
{
    struct tnode *end;
    bool chains = (type == NODE_IF && parser_peek(p).type == LEX_IF) ||
                  (type == NODE_WITH && parser_peek(p).type == LEX_WITH);
    if (!chains) {
        struct node_list *list = parse_list(p, &end);
        if (!p->s->failed && end && end->type != NODE_END)
            parser_fail(p, "expected end; found {{else}}");
        return list;
    }
    parser_next(p);
    size_t mark = p->s->pending.n;
    if (++p->s->blocks > TEMPLATE_BLOCKS_MAX)
        parser_fail(p, "blocks nest deeper than %d", TEMPLATE_BLOCKS_MAX);
    else
        parser_pend(p, parse_branch(p, type, context));
    p->s->blocks--;
    return take_list(p, mark, pos);
}

static struct tnode *parse_branch(struct parser *p, enum node_type type, const char *context)
{
    size_t mark = p->vars.n;
    struct tnode *end;
    struct node_branch *b = NEW_NODE(p, struct node_branch, type, 0);
    b->pipe = parser_pipe(p, context, LEX_RIGHT_DELIM);
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
    struct lex_token t = parser_next_non_space(p);
    if (t.type != LEX_RIGHT_DELIM)
        parser_unexpected(p, t, word);
    else if (!p->ranges)
        parser_fail(p, "%s outside {{range}}", word);
    return NEW_NODE(p, struct tnode, type, pos);
}

static struct tnode *parse_else_word(struct parser *p)
{
    struct lex_token t = parser_peek_non_space(p);
    if (t.type != LEX_IF && t.type != LEX_WITH)
        t = parser_expect(p, LEX_RIGHT_DELIM, "else");
    return NEW_NODE(p, struct tnode, NODE_ELSE, t.pos);
}

static str parse_name(struct parser *p, struct lex_token t, const char *context)
{
    if (t.type == LEX_STRING || t.type == LEX_RAW_STRING)
        return parser_unquote(p, t.text);
    parser_unexpected(p, t, context);
    return STR("");
}

static struct tnode *parse_template(struct parser *p)
{
    static const char CONTEXT[] = "template clause";
    struct lex_token t = parser_next_non_space(p);
    struct node_template *n = NEW_NODE(p, struct node_template, NODE_TEMPLATE, t.pos);
    n->name = parse_name(p, t, CONTEXT);
    if (!p->s->failed && parser_next_non_space(p).type != LEX_RIGHT_DELIM) {
        parser_back_up(p);
        n->pipe = parser_pipe(p, CONTEXT, LEX_RIGHT_DELIM);
    }
    return &n->head;
}

static void parse_body(struct parser *outer, const str *name, const char *context);

static struct tnode *parse_block(struct parser *p)
{
    static const char CONTEXT[] = "block clause";
    struct lex_token t = parser_next_non_space(p);
    struct node_template *n = NEW_NODE(p, struct node_template, NODE_TEMPLATE, t.pos);
    n->name = parse_name(p, t, CONTEXT);
    if (!p->s->failed)
        n->pipe = parser_pipe(p, CONTEXT, LEX_RIGHT_DELIM);
    if (!p->s->failed)
        parse_body(p, &n->name, CONTEXT);
    return &n->head;
}

static struct tnode *parse_action(struct parser *p)
{
    struct lex_token t = parser_next_non_space(p);
    switch (t.type) {
    case LEX_BLOCK: return parse_block(p);
    case LEX_BREAK: return parse_loop_end(p, NODE_BREAK, "{{break}}", t.pos);
    case LEX_CONTINUE: return parse_loop_end(p, NODE_CONTINUE, "{{continue}}", t.pos);
    case LEX_ELSE: return parse_else_word(p);
    case LEX_END:
        return NEW_NODE(p, struct tnode, NODE_END, parser_expect(p, LEX_RIGHT_DELIM, "end").pos);
    case LEX_IF: return parse_branch(p, NODE_IF, "if");
    case LEX_RANGE: return parse_branch(p, NODE_RANGE, "range");
    case LEX_TEMPLATE: return parse_template(p);
    case LEX_WITH: return parse_branch(p, NODE_WITH, "with");
    default: break;
    }
    parser_back_up(p);
    struct node_action *n = NEW_NODE(p, struct node_action, NODE_ACTION, parser_peek(p).pos);
    n->pipe = parser_pipe(p, "command", LEX_RIGHT_DELIM);
    return &n->head;
}

static struct tnode *parse_text_or_action(struct parser *p)
{
    struct lex_token t = parser_next_non_space(p);
    if (t.type == LEX_TEXT) {
        struct node_text *n = NEW_NODE(p, struct node_text, NODE_TEXT, t.pos);
        n->text = t.text;
        return &n->head;
    }
    if (t.type != LEX_LEFT_DELIM) {
        parser_unexpected(p, t, "input");
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
            str q = parser_quoted(p, name);
            parser_fail(p, "template: multiple definition of template %.*s", STR_FMT(q));
        }
        return;
    }
    **at = (struct template_body){.name = name,
                                  .root = root,
                                  .tree = tree,
                                  .is_empty = empty,
                                  .next = (*at)->next};
}

static void parser_init(struct parser *p, struct parser_text *s)
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
        struct lex_token t = parser_next_non_space(&p);
        own = parse_name(&p, t, context);
        if (!p.s->failed)
            parser_expect(&p, LEX_RIGHT_DELIM, context);
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
    uint32_t pos = parser_peek(p).pos;
    size_t mark = p->s->pending.n;
    while (!p->s->failed && parser_peek(p).type != LEX_EOF) {
        if (parser_peek(p).type == LEX_LEFT_DELIM) {
            struct lex_token delim = parser_next(p);
            if (parser_next_non_space(p).type == LEX_DEFINE) {
                parse_body(p, NULL, "define clause");
                continue;
            }
            parser_back_up2(p, delim);
        }
        struct tnode *n = parse_text_or_action(p);
        if (p->s->failed)
            return;
        if (n->type == NODE_END || n->type == NODE_ELSE)
            parser_fail(p, "unexpected %s", n->type == NODE_END ? "{{end}}" : "{{else}}");
        parser_pend(p, n);
    }
    struct node_list *root = take_list(p, mark, pos);
    if (!p->s->failed)
        add_body(p, name, root);
}

int template_parse(str name, str text, const struct template_funcs *funcs, struct arena *a,
                   const struct template_tree **ret, struct err *err)
{
    struct parser_text s = {.arena = a, .funcs = funcs, .err = err};
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
