/* Trees of nodes as text, as kyaml's encoder writes them. */
#include "value/number.h"
#include "value/yaml/node_text.h"
#include "value/yaml/resolve3.h"
#include "value/yaml_node.h"

/* ---- properties ---- */

/* The tag as it is written, empty when the reader would find it again. */
static str shown_tag(const struct yaml_node *n, bool *ret_quote)
{
    *ret_quote = false;
    if (n->kind == YAML_NODE_ALIAS || !n->tag.len)
        return STR("");
    if (n->style & VALUE_STYLE_TAGGED)
        return n->tag;
    if (n->kind != YAML_NODE_SCALAR)
        return str_is(n->tag, n->kind == YAML_NODE_MAP ? "!!map" : "!!seq") ? STR("") : n->tag;
    if (str_is(n->tag, "!!str") && (n->style & VALUE_STYLE_QUOTED))
        return STR("");
    if (str_eq(yaml3_resolve(n->text).tag, n->tag))
        return STR("");
    *ret_quote = str_is(n->tag, "!!str");
    return *ret_quote ? STR("") : n->tag;
}

static void write_tag(struct node_writer *w, str tag)
{
    static const char plain[] = ";/?:@&=+$,_.~*'()[]-!"
                                "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    if (!tag.len)
        return;
    str handle = str_starts(tag, STR("!!"))  ? STR("!!")
                 : str_starts(tag, STR("!")) ? STR("!")
                                             : STR("");
    yaml_node_indicator(w, handle.len == 2 ? "!!" : handle.len ? "!" : "!<", true, false, false);
    tag = str_from(tag, handle.len);
    for (size_t i = 0; i < tag.len; i++) {
        uint8_t c = (uint8_t)tag.at[i];
        if (c && c != '!' && strchr(plain, c)) {
            yaml_node_put(w, (char)c);
            continue;
        }
        yaml_node_put(w, '%');
        yaml_node_put(w, "0123456789ABCDEF"[c >> 4]);
        yaml_node_put(w, "0123456789ABCDEF"[c & 15]);
    }
    w->whitespace = w->indention = false;
    if (!handle.len)
        yaml_node_indicator(w, ">", false, false, false);
}

static void write_name(struct node_writer *w, const char *sign, str name)
{
    yaml_node_indicator(w, sign, true, false, false);
    for (size_t i = 0; i < name.len; i++)
        yaml_node_put(w, name.at[i]);
    w->whitespace = w->indention = false;
}

/* ---- nodes ---- */

/* Upstream sees a node as an event that begins it and, of a collection, one that ends it. What is
 * written behind a node (its comments, a comma) is written when it has begun: in front of what is
 * in a collection. So a node is begun, and what is in it follows. */
static void begin(struct node_writer *w, const struct yaml_node *n, bool in_map, bool simple_key);
static void content(struct node_writer *w, const struct yaml_node *n, bool key);

static str or_else(str s, str other) { return s.len ? s : other; }

static void set_comments(struct node_writer *w, const struct yaml_comments *c)
{
    w->head = or_else(c->head, w->head);
    w->line = or_else(c->line, w->line);
    w->foot = or_else(c->foot, w->foot);
}

/* The comments of a node that begins. A key's foot comes behind its entry: as the tail of the key
 * that follows, when that can have one. */
static void met(struct node_writer *w, const struct yaml_node *n, bool key, str tail)
{
    bool scalar = n->kind == YAML_NODE_SCALAR;
    struct yaml_comments c = n->comments ? *n->comments : (struct yaml_comments){0};
    if (!scalar && n->kind != YAML_NODE_ALIAS)
        c.line = c.foot = STR("");
    if (key)
        c.foot = STR("");
    if (scalar || n->kind == YAML_NODE_MAP)
        w->tail = or_else(tail, w->tail);
    set_comments(w, &c);
}

/* Those of a collection that ends. */
static void met_end(struct node_writer *w, const struct yaml_node *n, bool key, str tail)
{
    struct yaml_comments c = n->comments ? *n->comments : (struct yaml_comments){0};
    c.head = STR("");
    if (key)
        c.foot = STR("");
    if (n->kind == YAML_NODE_MAP)
        w->tail = or_else(tail, w->tail);
    set_comments(w, &c);
}

static str foot_of(const struct yaml_node *n) { return n->comments ? n->comments->foot : STR(""); }

static bool has_trail(const struct node_writer *w)
{
    return w->line.len + w->foot.len + w->tail.len > 0;
}

static void put_trail(struct node_writer *w)
{
    yaml_node_put_line(w);
    yaml_node_put_foot(w);
}

static bool is_simple_key(struct node_writer *w, const struct yaml_node *n)
{
    bool quote;
    size_t length = n->anchor.len + shown_tag(n, &quote).len;
    if (n->kind == YAML_NODE_ALIAS)
        return n->text.len <= YAML_SIMPLE_KEY_BYTES_MAX;
    if (n->kind != YAML_NODE_SCALAR)
        return !n->n_children && length <= YAML_SIMPLE_KEY_BYTES_MAX;
    return !yaml_node_analyze(w->arena, n->text).multiline &&
           length + n->text.len <= YAML_SIMPLE_KEY_BYTES_MAX;
}

static void write_flow_list(struct node_writer *w, const struct yaml_node *n, bool key)
{
    bool trail = false; /* the comma is written, in front of a comment */
    yaml_node_indicator(w, "[", true, true, false);
    int before = yaml_node_deeper(w, true, false);
    w->flow_level++;
    for (size_t i = 0; i < n->n_children; i++) {
        met(w, n->child[i], false, STR(""));
        if (i && !trail)
            yaml_node_indicator(w, ",", false, false, false);
        yaml_node_put_head(w);
        if (w->column == 0)
            yaml_node_indent(w);
        trail = has_trail(w);
        begin(w, n->child[i], false, false);
        if (has_trail(w))
            yaml_node_indicator(w, ",", false, false, false);
        put_trail(w);
        content(w, n->child[i], false);
    }
    met_end(w, n, key, STR(""));
    w->flow_level--;
    w->indent = before;
    if (w->column == 0)
        yaml_node_indent(w);
    yaml_node_indicator(w, "]", false, false, false);
    put_trail(w);
}

static void write_flow_key(struct node_writer *w, const struct yaml_node *n)
{
    bool simple = is_simple_key(w, n);
    if (!simple)
        yaml_node_indicator(w, "?", true, false, false);
    begin(w, n, true, simple);
    content(w, n, true);
    yaml_node_indicator(w, ":", !simple, false, false);
}

static void write_flow_map(struct node_writer *w, const struct yaml_node *n, bool key)
{
    bool trail = false;
    str tail = STR("");
    yaml_node_indicator(w, "{", true, true, false);
    int before = yaml_node_deeper(w, true, false);
    w->flow_level++;
    for (size_t i = 0; i + 1 < n->n_children; i += 2) {
        met(w, n->child[i], true, tail);
        tail = foot_of(n->child[i]);
        if (i && !trail)
            yaml_node_indicator(w, ",", false, false, false);
        yaml_node_put_head(w);
        if (w->column == 0)
            yaml_node_indent(w);
        write_flow_key(w, n->child[i]);
        met(w, n->child[i + 1], false, STR(""));
        trail = has_trail(w);
        begin(w, n->child[i + 1], true, false);
        if (has_trail(w))
            yaml_node_indicator(w, ",", false, false, false);
        put_trail(w);
        content(w, n->child[i + 1], false);
    }
    met_end(w, n, key, tail);
    if (w->head.len + w->foot.len + w->tail.len > 0 && n->n_children && !trail)
        yaml_node_indicator(w, ",", false, false, false);
    yaml_node_put_head(w);
    w->flow_level--;
    w->indent = before;
    yaml_node_indicator(w, "}", false, false, false);
    put_trail(w);
}

/* What stands behind a key goes behind its value, or in front of the block that the value is. */
static void put_key_line(struct node_writer *w, const struct yaml_node *val)
{
    if (!w->key_line.len || val->kind == YAML_NODE_ALIAS)
        return;
    if (val->kind != YAML_NODE_SCALAR) {
        str line = w->line;
        if (val->style & VALUE_STYLE_FLOW)
            return;
        w->line = w->key_line;
        yaml_node_put_line(w);
        w->line = line;
        w->key_line = STR("");
    } else if (!w->line.len) {
        w->line = w->key_line;
        w->key_line = STR("");
    }
}

static void write_block_map(struct node_writer *w, const struct yaml_node *n, bool key)
{
    str tail = STR("");
    int before = yaml_node_deeper(w, false, false);
    for (size_t i = 0; i + 1 < n->n_children; i += 2) {
        bool simple = is_simple_key(w, n->child[i]);
        met(w, n->child[i], true, tail);
        tail = foot_of(n->child[i]);
        yaml_node_put_head(w);
        yaml_node_indent(w);
        w->key_line = or_else(w->line, w->key_line);
        w->line = STR("");
        if (!simple)
            yaml_node_indicator(w, "?", true, false, true);
        begin(w, n->child[i], true, simple);
        content(w, n->child[i], true);
        met(w, n->child[i + 1], false, STR(""));
        if (!simple)
            yaml_node_indent(w);
        yaml_node_indicator(w, ":", !simple, false, !simple);
        put_key_line(w, n->child[i + 1]);
        begin(w, n->child[i + 1], true, false);
        put_trail(w);
        content(w, n->child[i + 1], false);
    }
    met_end(w, n, key, tail);
    yaml_node_put_head(w);
    w->indent = before;
}

static void write_block_list(struct node_writer *w, const struct yaml_node *n, bool key)
{
    int before = yaml_node_deeper(w, false, w->in_map && (w->column == 0 || !w->indention));
    for (size_t i = 0; i < n->n_children; i++) {
        met(w, n->child[i], false, STR(""));
        yaml_node_put_head(w);
        yaml_node_indent(w);
        yaml_node_indicator(w, "-", true, false, true);
        begin(w, n->child[i], false, false);
        put_trail(w);
        content(w, n->child[i], false);
    }
    met_end(w, n, key, STR(""));
    w->indent = before;
}

static void write_text(struct node_writer *w, const struct yaml_node *n, bool quote)
{
    struct node_analysis is = yaml_node_analyze(w->arena, n->text);
    enum yaml_quoting style = YAML_PLAIN;
    if (n->style & VALUE_STYLE_DOUBLE)
        style = YAML_DOUBLE;
    else if (n->style & VALUE_STYLE_SINGLE)
        style = YAML_SINGLE;
    else if ((n->style & (VALUE_STYLE_LITERAL | VALUE_STYLE_FOLDED)) ||
             str_find_char(n->text, '\n') >= 0)
        style = YAML_LITERAL;
    else if (quote)
        style = YAML_DOUBLE;
    bool folded = (n->style & VALUE_STYLE_FOLDED) && !(n->style & VALUE_STYLE_LITERAL);
    yaml_node_put_scalar(w, n->text, &is, style, folded);
}

static void begin(struct node_writer *w, const struct yaml_node *n, bool in_map, bool simple_key)
{
    bool quote;
    str tag = shown_tag(n, &quote);
    w->in_map = in_map;
    w->simple_key = simple_key;
    if (n->kind == YAML_NODE_ALIAS) {
        write_name(w, "*", n->text);
        return;
    }
    if (n->anchor.len)
        write_name(w, "&", n->anchor);
    write_tag(w, tag);
    if (n->kind == YAML_NODE_SCALAR)
        write_text(w, n, quote);
}

static void content(struct node_writer *w, const struct yaml_node *n, bool key)
{
    bool flow = w->flow_level || (n->style & VALUE_STYLE_FLOW) || !n->n_children;
    if (n->kind == YAML_NODE_MAP)
        (flow ? write_flow_map : write_block_map)(w, n, key);
    else if (n->kind == YAML_NODE_LIST)
        (flow ? write_flow_list : write_block_list)(w, n, key);
}

void yaml_document_print(const struct yaml_document *d, struct arena *a, struct buf *out)
{
    struct node_writer w = {.out = out,
                            .arena = a,
                            .indent = -1,
                            .whitespace = true,
                            .indention = true,
                            .foot_indent = -1};
    w.head = d->head;
    if (w.head.len) {
        yaml_node_put_head(&w);
        yaml_node_put_break(&w);
    }
    met(&w, d->root, false, STR(""));
    yaml_node_put_head(&w);
    begin(&w, d->root, false, false);
    put_trail(&w);
    content(&w, d->root, false);
    w.foot = or_else(d->foot, w.foot);
    w.foot_indent = 0;
    yaml_node_put_foot(&w);
    w.foot_indent = -1;
    yaml_node_indent(&w);
}

void yaml_node_print(const struct yaml_node *n, struct arena *a, struct buf *out)
{
    struct yaml_document d = {.root = (struct yaml_node *)n};
    yaml_document_print(&d, a, out);
}

/* ---- values ---- */

static int by_key_order(const void *a, const void *b)
{
    return yaml3_key_order((*(struct yaml_node *const *)a)->text,
                           (*(struct yaml_node *const *)b)->text);
}

static struct yaml_node *plain_node(struct arena *a, str text)
{
    struct yaml_node *n = ARENA_NEW(a, struct yaml_node);
    n->text = text;
    n->tag = n->anchor = STR("");
    return n;
}

static struct yaml_node *text_node(struct arena *a, str s)
{
    struct yaml_node *n = plain_node(a, s);
    if (str_find_char(s, '\n') >= 0)
        n->style = VALUE_STYLE_LITERAL;
    else if (!str_is(yaml3_resolve(s).tag, "!!str") || yaml3_is_old(s))
        n->style = VALUE_STYLE_DOUBLE;
    return n;
}

struct yaml_node *yaml_node_of(value v, struct arena *a)
{
    char text[MAX_OF(NUMBER_PRINT_MAX, YAML_FLOAT_BYTES_MAX)];
    switch (value_type(v)) {
    case VALUE_NONE:
    case VALUE_NULL: return plain_node(a, STR("null"));
    case VALUE_BOOL: return plain_node(a, value_bool(v) ? STR("true") : STR("false"));
    case VALUE_INT:
        return plain_node(a, arena_str(a, str_mem(text, number_print_int(value_int(v), text))));
    case VALUE_UINT:
        return plain_node(a, arena_str(a, str_mem(text, number_print_uint(value_uint(v), text))));
    case VALUE_DOUBLE:
        return plain_node(a,
                          arena_str(a, str_mem(text, yaml_print_float(value_double(v), 64, text))));
    case VALUE_STRING: return text_node(a, value_str(v));
    case VALUE_LIST:
    case VALUE_MAP: break;
    }
    struct yaml_node *n = plain_node(a, STR(""));
    bool map = value_is_map(v);
    n->kind = map ? YAML_NODE_MAP : YAML_NODE_LIST;
    n->n_children = n->cap_children = value_len(v) * (map ? 2 : 1);
    n->child = ARENA_ARRAY(a, struct yaml_node *, n->n_children);
    for (struct value_iter it = value_iter(v); value_next(&it);) {
        if (map)
            n->child[2 * it.i] = text_node(a, it.key);
        n->child[map ? 2 * it.i + 1 : it.i] = yaml_node_of(it.val, a);
    }
    if (map && n->n_children)
        qsort(n->child, n->n_children / 2, 2 * sizeof(struct yaml_node *), by_key_order);
    return n;
}
