/* Trees of nodes as the grammar makes them, with the comments that stand around each. */
#include "value/yaml_node.h"

#include "value/yaml/parse.h"
#include "value/yaml/resolve3.h"

/* ---- made by the grammar ---- */

static str short_tag(struct arena *a, str tag)
{
    if (!str_starts(tag, STR(YAML_TAG_PREFIX)))
        return tag;
    return ARENA_CAT(a, STR("!!"), str_from(tag, sizeof(YAML_TAG_PREFIX) - 1));
}

static struct yaml_node *new_node(struct parser *p, const struct ynode *n, enum yaml_node_kind kind)
{
    struct yaml_node *node = ARENA_NEW(p->arena, struct yaml_node);
    node->kind = kind;
    node->text = node->tag = node->anchor = STR("");
    node->line = n->mark.line + 1 + p->line_base;
    node->column = n->mark.column + 1;
    if (n->tag.len && !str_is(n->tag, "!")) {
        node->tag = short_tag(p->arena, n->tag);
        node->style = VALUE_STYLE_TAGGED;
    }
    return node;
}

/* ---- comments ---- */

static struct yaml_comments *comments_of(struct parser *p, struct yaml_node *n)
{
    if (!n->comments) {
        n->comments = ARENA_NEW(p->arena, struct yaml_comments);
        *n->comments = (struct yaml_comments){STR(""), STR(""), STR("")};
    }
    return n->comments;
}

static str taken(struct yaml_comment_text *t)
{
    str s = t->len ? str_mem(t->at, t->len) : STR("");
    *t = (struct yaml_comment_text){0};
    return s;
}

/* What stands around the token at hand is the node's. */
void yaml_node_take_comments(struct parser *p, struct yaml_node *n)
{
    struct comments_at *c = p->comments;
    c->stem = STR("");
    if (!(c->head.len + c->line.len + c->foot.len))
        return;
    struct yaml_comments *to = comments_of(p, n);
    to->head = taken(&c->head);
    to->line = taken(&c->line);
    to->foot = taken(&c->foot);
}

void yaml_node_unfold(struct parser *p, const struct yaml_token *t)
{
    struct yaml_scan *s = &p->s;
    struct comments_at *c = p->comments;
    if (s->too_many_comments)
        yaml_past_bound(p, s->too_many_at, "more than", YAML_COMMENTS_MAX, "pieces of comments");
    for (; s->next_comment < s->comments.n; s->next_comment++) {
        struct yaml_comment *next = &s->comments.at[s->next_comment];
        bool head = next->kind == YAML_COMMENT_HEAD;
        if (t->start.at < next->token || (head && t->type == YAML_T_BLOCK_END))
            return;
        struct yaml_comment_text *to = head                              ? &c->head
                                       : next->kind == YAML_COMMENT_FOOT ? &c->foot
                                                                         : &c->line;
        if (to->len)
            yaml_comment_add(p->arena, to, STR("\n"));
        yaml_comment_add(p->arena, to, next->text);
    }
}

void yaml_node_split_stem(struct parser *p, size_t length)
{
    struct yaml_comment_text *head = &p->comments->head;
    str all = taken(head);
    p->comments->stem = str_sub(all, 0, length);
    if (all.len > length)
        yaml_comment_add(p->arena, head, str_from(all, length + 1));
}

/* Of a head in front of everything that which an empty line divides from the rest. */
void yaml_node_begin_document(struct parser *p)
{
    struct comments_at *c = p->comments;
    str all = str_mem(c->head.at, c->head.len), rest;
    for (size_t i = all.len; i-- > 1;) {
        bool last = i + 1 == all.len;
        if (all.at[i] != '\n' || (!last && all.at[i - 1] != '\n'))
            continue;
        c->document_head = str_sub(all, 0, last ? i : i - 1);
        rest = str_from(all, i + 1);
        c->head = (struct yaml_comment_text){0};
        yaml_comment_add(p->arena, &c->head, rest);
        return;
    }
}

void yaml_node_end_document(struct parser *p)
{
    struct comments_at *c = p->comments;
    str head = taken(&c->head), foot = taken(&c->foot);
    c->document_foot = foot.len ? foot : head;
}

static void move_foot(struct parser *p, struct yaml_node *to, struct yaml_comments *from)
{
    comments_of(p, to)->foot = from->foot;
    from->foot = STR("");
}

/* The foot of a value is its key's; that of a key in a block is the key's before: it is behind that
 * entry and not indented as deep. */
void yaml_node_move_foot(struct parser *p, struct yaml_node *map)
{
    struct yaml_node **last = &map->child[map->n_children - 2];
    struct yaml_comments *key = last[0]->comments, *val = last[1]->comments;
    if (key && key->foot.len && !(map->style & VALUE_STYLE_FLOW) && map->n_children > 2)
        move_foot(p, last[-2], key);
    if (val && val->foot.len && !(key && key->foot.len))
        move_foot(p, last[0], val);
}

void yaml_node_end(struct parser *p, struct ynode *n)
{
    if (!p->nodes)
        return;
    struct comments_at *c = p->comments;
    struct yaml_node *node = n->node;
    str line = taken(&c->line), foot = taken(&c->foot);
    taken(&c->head);
    c->stem = STR("");
    if (!node->comments && !line.len && !foot.len)
        return;
    struct yaml_comments *to = comments_of(p, node);
    to->line = line;
    to->foot = foot;
    if (foot.len && !(node->style & VALUE_STYLE_FLOW) && node->n_children > 1)
        move_foot(p, node->child[node->n_children - 2], to);
}

void yaml_node_begin(struct parser *p, struct ynode *n)
{
    struct yaml_token *t = yaml_peek(&p->s);
    bool flow =
        t && (t->type == YAML_T_FLOW_SEQUENCE_START || t->type == YAML_T_FLOW_MAPPING_START);
    bool pair = t && t->type == YAML_T_KEY; /* `[a: b]` */
    n->node = new_node(p, n, n->kind == MAPPING ? YAML_NODE_MAP : YAML_NODE_LIST);
    if (!n->node->tag.len)
        n->node->tag = n->kind == MAPPING ? STR("!!map") : STR("!!seq");
    n->node->style |= flow || pair ? VALUE_STYLE_FLOW : 0;
    if (flow) {
        yaml_node_take_comments(p, n->node);
    } else if (t &&
               (t->type == YAML_T_BLOCK_SEQUENCE_START || t->type == YAML_T_BLOCK_MAPPING_START)) {
        if (p->comments->stem.len)
            comments_of(p, n->node)->head = p->comments->stem;
        p->comments->stem = STR("");
    }
}

void yaml_node_scalar(struct parser *p, struct ynode *n, char quote)
{
    n->node = new_node(p, n, YAML_NODE_SCALAR);
    n->node->text = n->text.at ? n->text : STR("");
    n->node->style |= quote == '"'    ? VALUE_STYLE_DOUBLE
                      : quote == '\'' ? VALUE_STYLE_SINGLE
                      : quote == '|'  ? VALUE_STYLE_LITERAL
                      : quote == '>'  ? VALUE_STYLE_FOLDED
                                      : 0;
    if (n->node->tag.len)
        return;
    if (quote)
        n->node->tag = STR("!!str");
    else if (str_is(n->text, "<<"))
        n->node->tag = STR("!!merge");
    else
        n->node->tag = yaml3_resolve(n->node->text).tag;
}

void yaml_node_alias(struct parser *p, struct ynode *n, str name)
{
    struct yaml_node *alias = new_node(p, n, YAML_NODE_ALIAS);
    alias->alias = n->node;
    alias->text = name;
    n->node = alias;
    yaml_node_take_comments(p, alias);
}

int yaml_document_parse(str text, const struct yaml_input *in, struct arena *a,
                        struct yaml_document *ret, struct err *err)
{
    static const struct yaml_input defaults;
    struct parser p;
    struct ynode n = {0};
    bool any;
    in = in ? in : &defaults;
    int r = yaml_take_in(text, in, 0, a, &p, err);
    if (r)
        return r;
    struct comments_at comments = {.stem = STR(""),
                                   .document_head = STR(""),
                                   .document_foot = STR("")};
    p.nodes = true;
    p.comments = &comments;
    p.s.keep_comments = true;
    p.s.lookahead = 2;
    if (!yaml_parse_document(&p, &n, &any) || p.bound.len)
        return yaml_syntax_error(&p, in, err);
    *ret =
        (struct yaml_document){any ? n.node : NULL, comments.document_head, comments.document_foot};
    return 0;
}

int yaml_node_parse(str text, const struct yaml_input *in, struct arena *a, struct yaml_node **ret,
                    struct err *err)
{
    struct yaml_document d;
    int r = yaml_document_parse(text, in, a, &d, err);
    if (!r)
        *ret = d.root;
    return r;
}
