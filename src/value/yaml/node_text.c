#include "value/yaml/node_text.h"

#include "value/text.h"

/* ---- characters ---- */

void yaml_node_put(struct node_writer *w, char c)
{
    buf_addc(w->out, c);
    w->column++;
}

void yaml_node_put_break(struct node_writer *w)
{
    buf_addc(w->out, '\n');
    w->column = 0;
    w->indention = true;
}

static size_t copy_char(struct node_writer *w, str s, size_t i)
{
    size_t width = yaml_char_width(s, i);
    buf_add(w->out, str_sub(s, i, width));
    w->column++;
    return width;
}

static size_t copy_break(struct node_writer *w, str s, size_t i)
{
    size_t width = yaml_char_width(s, i);
    buf_add(w->out, str_sub(s, i, width));
    w->column = 0;
    w->indention = true;
    return width;
}

void yaml_node_indent(struct node_writer *w)
{
    int indent = MAX_OF(w->indent, 0);
    if (!w->indention || w->column > indent || (w->column == indent && !w->whitespace))
        yaml_node_put_break(w);
    if (w->foot_indent == indent)
        yaml_node_put_break(w);
    while (w->column < indent)
        yaml_node_put(w, ' ');
    w->whitespace = true;
    w->foot_indent = -1;
}

void yaml_node_indicator(struct node_writer *w, const char *text, bool need_blank, bool is_blank,
                         bool is_indention)
{
    if (need_blank && !w->whitespace)
        yaml_node_put(w, ' ');
    for (; *text; text++)
        yaml_node_put(w, *text);
    w->whitespace = is_blank;
    w->indention = w->indention && is_indention;
}

int yaml_node_deeper(struct node_writer *w, bool flow, bool compact)
{
    int before = w->indent;
    if (w->indent < 0)
        w->indent = flow ? YAML_INDENT : 0;
    else
        w->indent += compact ? 0 : YAML_INDENT;
    return before;
}

/* ---- comments ---- */

/* Lines without a # in front get one. */
static void write_comment(struct node_writer *w, str s)
{
    bool breaks = false, pound = false;
    for (size_t i = 0; i < s.len;) {
        if (yaml_break_at(s, i)) {
            i += copy_break(w, s, i);
            breaks = true;
            pound = false;
            continue;
        }
        if (breaks)
            yaml_node_indent(w);
        if (!pound && s.at[i] != '#') {
            yaml_node_put(w, '#');
            yaml_node_put(w, ' ');
        }
        pound = true;
        i += copy_char(w, s, i);
        w->indention = breaks = false;
    }
    if (!breaks)
        yaml_node_put_break(w);
    w->whitespace = true;
}

void yaml_node_put_head(struct node_writer *w)
{
    if (w->tail.len) {
        yaml_node_indent(w);
        write_comment(w, w->tail);
        w->tail = STR("");
        w->foot_indent = MAX_OF(w->indent, 0);
    }
    if (!w->head.len)
        return;
    yaml_node_indent(w);
    write_comment(w, w->head);
    w->head = STR("");
}

void yaml_node_put_line(struct node_writer *w)
{
    if (!w->line.len)
        return;
    if (!w->whitespace)
        yaml_node_put(w, ' ');
    write_comment(w, w->line);
    w->line = STR("");
}

void yaml_node_put_foot(struct node_writer *w)
{
    if (!w->foot.len)
        return;
    yaml_node_indent(w);
    write_comment(w, w->foot);
    w->foot = STR("");
    w->foot_indent = MAX_OF(w->indent, 0);
}

/* ---- scalars ---- */

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

struct node_analysis yaml_node_analyze(struct arena *a, str s)
{
    struct node_analysis is = {.flow_plain = false,
                               .block_plain = true,
                               .single = true,
                               .block = false};
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
static void write_lines(struct node_writer *w, str s, bool quoted)
{
    bool breaks = false;
    for (size_t i = 0; i < s.len;) {
        if (yaml_break_at(s, i)) {
            if (!breaks && s.at[i] == '\n')
                yaml_node_put_break(w);
            i += copy_break(w, s, i);
            breaks = true;
            continue;
        }
        if (s.at[i] != ' ') {
            if (breaks)
                yaml_node_indent(w);
            if (quoted && s.at[i] == '\'')
                yaml_node_put(w, '\'');
            w->indention = breaks = false;
        }
        i += copy_char(w, s, i);
    }
}

static void write_escape(struct node_writer *w, uint32_t c)
{
    char text[YAML_ESCAPE_BYTES_MAX];
    size_t n = yaml_escape(c, text);
    for (size_t i = 0; i < n; i++)
        yaml_node_put(w, text[i]);
}

static void write_double(struct node_writer *w, str s)
{
    bool bom = str_starts(s, STR("\xef\xbb\xbf")); /* upstream looks there at every character */
    yaml_node_indicator(w, "\"", true, false, false);
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
    yaml_node_indicator(w, "\"", false, false, false);
    w->whitespace = w->indention = false;
}

static void write_hints(struct node_writer *w, str s)
{
    if (s.at[0] == ' ' || yaml_break_at(s, 0))
        yaml_node_indicator(w, "2", false, false, false);
    size_t last = yaml_char_before(s, s.len);
    if (!yaml_break_at(s, last))
        yaml_node_indicator(w, "-", false, false, false);
    else if (last == 0 || yaml_break_at(s, yaml_char_before(s, last)))
        yaml_node_indicator(w, "+", false, false, false);
    if (w->line.len)
        yaml_node_put_line(w);
    else
        yaml_node_put_break(w);
    w->whitespace = true;
}

static void write_literal(struct node_writer *w, str s)
{
    bool breaks = true;
    yaml_node_indicator(w, "|", true, false, false);
    write_hints(w, s);
    for (size_t i = 0; i < s.len;) {
        if (yaml_break_at(s, i)) {
            i += copy_break(w, s, i);
            breaks = true;
            continue;
        }
        if (breaks)
            yaml_node_indent(w);
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

static void write_folded(struct node_writer *w, str s)
{
    bool breaks = true, leading = true;
    yaml_node_indicator(w, ">", true, false, false);
    write_hints(w, s);
    for (size_t i = 0; i < s.len;) {
        if (yaml_break_at(s, i)) {
            if (!breaks && !leading && s.at[i] == '\n' && !begins_blank(s))
                yaml_node_put_break(w);
            i += copy_break(w, s, i);
            breaks = true;
            continue;
        }
        if (breaks) {
            yaml_node_indent(w);
            leading = is_blank(s, i);
        }
        i += copy_char(w, s, i);
        w->indention = breaks = false;
    }
}

static enum yaml_quoting choose(const struct node_writer *w, const struct node_analysis *is, str s,
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

void yaml_node_put_scalar(struct node_writer *w, str s, const struct node_analysis *is,
                          enum yaml_quoting style, bool folded)
{
    int before = yaml_node_deeper(w, true, false);
    switch (choose(w, is, s, style, &folded)) {
    case YAML_PLAIN:
        if (s.len && !w->whitespace)
            yaml_node_put(w, ' ');
        write_lines(w, s, false);
        w->whitespace = w->whitespace && !s.len;
        w->indention = false;
        break;
    case YAML_SINGLE:
        yaml_node_indicator(w, "'", true, false, false);
        write_lines(w, s, true);
        yaml_node_indicator(w, "'", false, false, false);
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
