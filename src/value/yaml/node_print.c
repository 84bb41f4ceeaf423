/* Trees of nodes as text, as kyaml's encoder writes them: what decides is where the output stands
 * (column, whether a blank or only indentation was written), so that state is kept as upstream
 * keeps it. */
#include "value/number.h"
#include "value/text.h"
#include "value/yaml/resolve3.h"
#include "value/yaml/print.h"

struct writer {
    struct buf *out;
    struct arena *arena;
    int indent, column;
    unsigned flow_level;
    bool whitespace; /* the last character was a blank */
    bool indention;  /* only indentation and indicators stand on this line */
    bool in_map, simple_key;
};

/* ---- characters ---- */

static void put(struct writer *w, char c)
{
    buf_addc(w->out, c);
    w->column++;
}

static void put_break(struct writer *w)
{
    buf_addc(w->out, '\n');
    w->column = 0;
    w->indention = true;
}

static size_t copy_char(struct writer *w, str s, size_t i)
{
    size_t width = yaml_char_width(s, i);
    buf_add(w->out, str_sub(s, i, width));
    w->column++;
    return width;
}

static size_t copy_break(struct writer *w, str s, size_t i)
{
    size_t width = yaml_char_width(s, i);
    buf_add(w->out, str_sub(s, i, width));
    w->column = 0;
    w->indention = true;
    return width;
}

static void write_indent(struct writer *w)
{
    int indent = MAX_OF(w->indent, 0);
    if (!w->indention || w->column > indent || (w->column == indent && !w->whitespace))
        put_break(w);
    while (w->column < indent)
        put(w, ' ');
    w->whitespace = true;
}

static void write_indicator(struct writer *w, const char *text, bool need_blank, bool is_blank,
                            bool is_indention)
{
    if (need_blank && !w->whitespace)
        put(w, ' ');
    for (; *text; text++)
        put(w, *text);
    w->whitespace = is_blank;
    w->indention = w->indention && is_indention;
}

static int deeper(struct writer *w, bool flow, bool compact)
{
    int before = w->indent;
    if (w->indent < 0)
        w->indent = flow ? YAML_INDENT : 0;
    else
        w->indent += compact ? 0 : YAML_INDENT;
    return before;
}

/* ---- scalars ---- */

/* A text for `#` and the like: what upstream looks for. */
struct analysis {
    bool multiline, flow_plain, block_plain, single, block;
};

static bool is_blank(str s, size_t i) { return i < s.len && (s.at[i] == ' ' || s.at[i] == '\t'); }

/* Indicators that forbid a plain text in a flow collection only: what the other test does not know.
 */
static bool has_flow_indicator(str s)
{
    if (s.at[0] == '?' || s.at[0] == ':')
        return true;
    for (size_t i = 1; i < s.len; i++)
        if (strchr(",?[]{}:", s.at[i]) && s.at[i])
            return true;
    return false;
}

static struct analysis analyze(struct arena *a, str s)
{
    struct analysis is = {.flow_plain = false, .block_plain = true, .single = true, .block = false};
    if (!s.len)
        return is;
    /* a tab forbids what a special character does, but not a block */
    bool tab = memchr(s.at, '\t', s.len);
    str text = s;
    if (tab) {
        char *at = arena_alloc(a, s.len);
        for (size_t i = 0; i < s.len; i++)
            at[i] = s.at[i] != '\t' ? s.at[i] : 't';
        /* what the tab is to its neighbours: a blank behind a colon, a dash, in front of # */
        text = str_mem(at, s.len);
    }
    struct yaml_analysis v2 = yaml_analyze(text);
    is.multiline = v2.multiline;
    is.single = v2.single_allowed && !tab;
    is.block = v2.literal_allowed;
    is.block_plain = v2.plain_allowed && !tab;
    is.flow_plain = is.block_plain && !has_flow_indicator(s);
    return is;
}

/* Plain and single-quoted text. */
static void write_lines(struct writer *w, str s, bool quoted)
{
    bool breaks = false;
    for (size_t i = 0; i < s.len;) {
        if (yaml_break_at(s, i)) {
            if (!breaks && s.at[i] == '\n')
                put_break(w);
            i += copy_break(w, s, i);
            breaks = true;
            continue;
        }
        if (s.at[i] != ' ') {
            if (breaks)
                write_indent(w);
            if (quoted && s.at[i] == '\'')
                put(w, '\'');
            w->indention = breaks = false;
        }
        i += copy_char(w, s, i);
    }
}

static void write_escape(struct writer *w, uint32_t c)
{
    char text[YAML_ESCAPE_BYTES_MAX];
    size_t n = yaml_escape(c, text);
    for (size_t i = 0; i < n; i++)
        put(w, text[i]);
}

static void write_double(struct writer *w, str s)
{
    bool bom = str_starts(s, STR("\xef\xbb\xbf")); /* upstream looks there at every character */
    write_indicator(w, "\"", true, false, false);
    for (size_t i = 0; i < s.len;) {
        if (bom || !yaml_printable(s, i) || yaml_break_at(s, i) || s.at[i] == '"' ||
            s.at[i] == '\\') {
            uint32_t rune;
            i += utf8_decode(s.at + i, s.at + s.len, &rune);
            write_escape(w, rune);
        } else {
            i += copy_char(w, s, i);
        }
    }
    write_indicator(w, "\"", false, false, false);
    w->whitespace = w->indention = false;
}

static void write_hints(struct writer *w, str s)
{
    if (s.at[0] == ' ' || yaml_break_at(s, 0))
        write_indicator(w, "2", false, false, false);
    size_t last = yaml_char_before(s, s.len);
    if (!yaml_break_at(s, last))
        write_indicator(w, "-", false, false, false);
    else if (last == 0 || yaml_break_at(s, yaml_char_before(s, last)))
        write_indicator(w, "+", false, false, false);
    put_break(w);
    w->whitespace = true;
}

static void write_literal(struct writer *w, str s)
{
    bool breaks = true;
    write_indicator(w, "|", true, false, false);
    write_hints(w, s);
    for (size_t i = 0; i < s.len;) {
        if (yaml_break_at(s, i)) {
            i += copy_break(w, s, i);
            breaks = true;
            continue;
        }
        if (breaks)
            write_indent(w);
        i += copy_char(w, s, i);
        w->indention = breaks = false;
    }
}

/* Where upstream looks whether the next line is blank: at the beginning of the whole text. */
static bool begins_blank(str s)
{
    size_t k = 0;
    while (k < s.len && yaml_break_at(s, k))
        k += yaml_char_width(s, k);
    return k >= s.len || is_blank(s, k);
}

static void write_folded(struct writer *w, str s)
{
    bool breaks = true, leading = true;
    write_indicator(w, ">", true, false, false);
    write_hints(w, s);
    for (size_t i = 0; i < s.len;) {
        if (yaml_break_at(s, i)) {
            if (!breaks && !leading && s.at[i] == '\n' && !begins_blank(s))
                put_break(w);
            i += copy_break(w, s, i);
            breaks = true;
            continue;
        }
        if (breaks) {
            write_indent(w);
            leading = is_blank(s, i);
        }
        i += copy_char(w, s, i);
        w->indention = breaks = false;
    }
}

static enum yaml_quoting choose(const struct writer *w, const struct analysis *is, str s,
                                enum yaml_quoting style, bool *io_folded)
{
    if (w->simple_key && is->multiline)
        style = YAML_DOUBLE;
    if (style == YAML_PLAIN && (w->flow_level ? !is->flow_plain : !is->block_plain))
        style = YAML_SINGLE;
    if (style == YAML_PLAIN && !s.len && (w->flow_level || w->simple_key))
        style = YAML_SINGLE;
    if (style == YAML_SINGLE && !is->single)
        style = YAML_DOUBLE;
    if (style == YAML_LITERAL && (!is->block || w->flow_level || w->simple_key))
        style = YAML_DOUBLE;
    *io_folded &= style == YAML_LITERAL;
    return style;
}

static void write_scalar(struct writer *w, str s, const struct analysis *is,
                         enum yaml_quoting style, bool folded)
{
    int before = deeper(w, true, false);
    switch (choose(w, is, s, style, &folded)) {
    case YAML_PLAIN:
        if (s.len && !w->whitespace)
            put(w, ' ');
        write_lines(w, s, false);
        w->whitespace = w->whitespace && !s.len;
        w->indention = false;
        break;
    case YAML_SINGLE:
        write_indicator(w, "'", true, false, false);
        write_lines(w, s, true);
        write_indicator(w, "'", false, false, false);
        w->whitespace = w->indention = false;
        break;
    case YAML_DOUBLE: write_double(w, s); break;
    case YAML_LITERAL:
        if (folded)
            write_folded(w, s);
        else
            write_literal(w, s);
        break;
    }
    w->indent = before;
}

/* ---- properties ---- */

/* The tag as it is written, empty when the reader would find it again. */
static str shown_tag(const struct yaml_node *n, bool *ret_quote)
{
    unsigned quoted =
        VALUE_STYLE_DOUBLE | VALUE_STYLE_SINGLE | VALUE_STYLE_LITERAL | VALUE_STYLE_FOLDED;
    *ret_quote = false;
    if (n->kind == YAML_NODE_ALIAS || !n->tag.len)
        return STR("");
    if (n->style & VALUE_STYLE_TAGGED)
        return n->tag;
    if (n->kind != YAML_NODE_SCALAR)
        return str_is(n->tag, n->kind == YAML_NODE_MAP ? "!!map" : "!!seq") ? STR("") : n->tag;
    if (str_is(n->tag, "!!str") && (n->style & quoted))
        return STR("");
    if (str_eq(yaml3_resolve(n->text).tag, n->tag))
        return STR("");
    *ret_quote = str_is(n->tag, "!!str");
    return *ret_quote ? STR("") : n->tag;
}

static void write_tag(struct writer *w, str tag)
{
    static const char plain[] = ";/?:@&=+$,_.~*'()[]-!"
                                "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    if (!tag.len)
        return;
    str handle = str_starts(tag, STR("!!"))  ? STR("!!")
                 : str_starts(tag, STR("!")) ? STR("!")
                                             : STR("");
    write_indicator(w, handle.len == 2 ? "!!" : handle.len ? "!" : "!<", true, false, false);
    tag = str_from(tag, handle.len);
    for (size_t i = 0; i < tag.len; i++) {
        uint8_t c = (uint8_t)tag.at[i];
        if (c && c != '!' && strchr(plain, c)) {
            put(w, (char)c);
            continue;
        }
        put(w, '%');
        put(w, "0123456789ABCDEF"[c >> 4]);
        put(w, "0123456789ABCDEF"[c & 15]);
    }
    w->whitespace = w->indention = false;
    if (!handle.len)
        write_indicator(w, ">", false, false, false);
}

static void write_name(struct writer *w, const char *sign, str name)
{
    write_indicator(w, sign, true, false, false);
    for (size_t i = 0; i < name.len; i++)
        put(w, name.at[i]);
    w->whitespace = w->indention = false;
}

/* ---- nodes ---- */

static void write_node(struct writer *w, const struct yaml_node *n, bool in_map, bool simple_key);

static bool is_simple_key(struct writer *w, const struct yaml_node *n)
{
    bool quote;
    size_t length = n->anchor.len + shown_tag(n, &quote).len;
    if (n->kind == YAML_NODE_ALIAS)
        return n->text.len <= YAML_SIMPLE_KEY_BYTES_MAX;
    if (n->kind != YAML_NODE_SCALAR)
        return !n->n_children && length <= YAML_SIMPLE_KEY_BYTES_MAX;
    return !analyze(w->arena, n->text).multiline &&
           length + n->text.len <= YAML_SIMPLE_KEY_BYTES_MAX;
}

static void write_flow(struct writer *w, const struct yaml_node *n)
{
    bool map = n->kind == YAML_NODE_MAP;
    write_indicator(w, map ? "{" : "[", true, true, false);
    int before = deeper(w, true, false);
    w->flow_level++;
    for (size_t i = 0; i < n->n_children; i += map ? 2 : 1) {
        if (i)
            write_indicator(w, ",", false, false, false);
        if (!map) {
            write_node(w, n->child[i], false, false);
            continue;
        }
        bool simple = is_simple_key(w, n->child[i]);
        if (!simple)
            write_indicator(w, "?", true, false, false);
        write_node(w, n->child[i], true, simple);
        write_indicator(w, ":", !simple, false, false);
        write_node(w, n->child[i + 1], true, false);
    }
    w->flow_level--;
    w->indent = before;
    if (!map && w->column == 0)
        write_indent(w);
    write_indicator(w, map ? "}" : "]", false, false, false);
}

static void write_block_map(struct writer *w, const struct yaml_node *n)
{
    int before = deeper(w, false, false);
    for (size_t i = 0; i + 1 < n->n_children; i += 2) {
        bool simple = is_simple_key(w, n->child[i]);
        write_indent(w);
        if (!simple)
            write_indicator(w, "?", true, false, true);
        write_node(w, n->child[i], true, simple);
        if (!simple)
            write_indent(w);
        write_indicator(w, ":", !simple, false, !simple);
        write_node(w, n->child[i + 1], true, false);
    }
    w->indent = before;
}

static void write_block_list(struct writer *w, const struct yaml_node *n)
{
    int before = deeper(w, false, w->in_map && (w->column == 0 || !w->indention));
    for (size_t i = 0; i < n->n_children; i++) {
        write_indent(w);
        write_indicator(w, "-", true, false, true);
        write_node(w, n->child[i], false, false);
    }
    w->indent = before;
}

static void write_node(struct writer *w, const struct yaml_node *n, bool in_map, bool simple_key)
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
    if (n->kind == YAML_NODE_SCALAR) {
        struct analysis is = analyze(w->arena, n->text);
        bool folded = false;
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
        folded = (n->style & VALUE_STYLE_FOLDED) && !(n->style & VALUE_STYLE_LITERAL);
        write_scalar(w, n->text, &is, style, folded);
    } else if (w->flow_level || (n->style & VALUE_STYLE_FLOW) || !n->n_children) {
        write_flow(w, n);
    } else if (n->kind == YAML_NODE_MAP) {
        write_block_map(w, n);
    } else {
        write_block_list(w, n);
    }
}

void yaml_node_print(const struct yaml_node *n, struct arena *a, struct buf *out)
{
    struct writer w = {.out = out, .arena = a, .indent = -1, .whitespace = true, .indention = true};
    write_node(&w, n, false, false);
    write_indent(&w);
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
