/* Values as YAML, byte for byte as go-yaml v2 writes them below sigs.k8s.io/yaml: what decides is
 * where the output stands (column, whether only indentation was written, whether a blank was), so
 * that state is kept the same way. */
#include <math.h>

#include "value/number.h"
#include "value/text.h"
#include "value/yaml/resolve.h"
#include "value/yaml/write.h"

#define LOG_BYTES_MAX 1024
#define INDENT 2
#define SIMPLE_KEY_BYTES_MAX 128
#define WIDTH 80

struct emitter {
    struct buf *out;
    struct arena *arena;
    enum yaml_style style;
    int indent, column;
    int width;
    bool whitespace; /* the last character was a blank (or nothing) */
    bool indention;  /* only indentation and indicators stand on this line */
};

/* ---- characters ---- */

static void put(struct emitter *e, char c)
{
    buf_addc(e->out, c);
    e->column++;
}

static void put_break(struct emitter *e)
{
    buf_addc(e->out, '\n');
    e->column = 0;
}

/* One character; returns its width. */
static size_t copy_char(struct emitter *e, str s, size_t i)
{
    size_t width = yaml_char_width(s, i);
    buf_add(e->out, str_sub(s, i, width));
    e->column++;
    return width;
}

static size_t copy_break(struct emitter *e, str s, size_t i)
{
    size_t width = yaml_char_width(s, i);
    buf_add(e->out, str_sub(s, i, width));
    e->column = 0;
    return width;
}

static void write_indent(struct emitter *e)
{
    int indent = MAX_OF(e->indent, 0);
    if (!e->indention || e->column > indent || (e->column == indent && !e->whitespace))
        put_break(e);
    if (e->column < indent) {
        buf_fill(e->out, ' ', (size_t)(indent - e->column));
        e->column = indent;
    }
    e->whitespace = e->indention = true;
}

static void write_indicator(struct emitter *e, char c, bool need_blank, bool is_blank,
                            bool is_indention)
{
    if (need_blank && !e->whitespace)
        put(e, ' ');
    put(e, c);
    e->whitespace = is_blank;
    e->indention = e->indention && is_indention;
}

static int increase_indent(struct emitter *e, bool flow, bool indentless)
{
    int before = e->indent;
    if (e->indent < 0)
        e->indent = flow ? INDENT : 0;
    else if (!indentless)
        e->indent += INDENT;
    return before;
}

/* ---- scalars ---- */

static bool is_space(str s, size_t i) { return i < s.len && s.at[i] == ' '; }

static bool wants_break(const struct emitter *e, bool allowed, bool spaces)
{
    return allowed && !spaces && e->column > e->width;
}

/* Letters, digits and signs up to a character that may need care; returns their number. */
static size_t copy_run(struct emitter *e, str s, size_t i)
{
    size_t from = i;
    while (i < s.len && (signed char)s.at[i] > ' ' && s.at[i] != '\'' && s.at[i] != '"' &&
           s.at[i] != '\\' && s.at[i] != 0x7f)
        i++;
    if (i == from)
        return copy_char(e, s, i);
    buf_add(e->out, str_sub(s, from, i - from));
    e->column += (int)(i - from);
    return i - from;
}

/* Plain and single-quoted text: breaks double, a blank past the width becomes one. */
static void write_lines(struct emitter *e, str s, bool allow_breaks, bool quoted)
{
    bool spaces = false, breaks = false;
    for (size_t i = 0; i < s.len;) {
        if (is_space(s, i)) {
            bool edge = quoted && (i == 0 || i + 1 == s.len);
            if (wants_break(e, allow_breaks, spaces) && !edge && !is_space(s, i + 1)) {
                write_indent(e);
                i++;
            } else {
                i += copy_char(e, s, i);
            }
            spaces = true;
        } else if (yaml_break_at(s, i)) {
            if (!breaks && s.at[i] == '\n')
                put_break(e);
            i += copy_break(e, s, i);
            e->indention = true;
            breaks = true;
        } else {
            if (breaks)
                write_indent(e);
            if (quoted && s.at[i] == '\'')
                put(e, '\'');
            i += copy_run(e, s, i);
            e->indention = false;
            spaces = breaks = false;
        }
    }
}

static void write_plain(struct emitter *e, str s, bool allow_breaks)
{
    if (!e->whitespace)
        put(e, ' ');
    write_lines(e, s, allow_breaks, false);
    e->whitespace = e->indention = false;
}

static void write_single(struct emitter *e, str s, bool allow_breaks)
{
    write_indicator(e, '\'', true, false, false);
    write_lines(e, s, allow_breaks, true);
    write_indicator(e, '\'', false, false, false);
    e->whitespace = e->indention = false;
}

static void write_escape(struct emitter *e, uint32_t c)
{
    static const struct {
        uint32_t c;
        char name;
    } names[] = {{0, '0'},     {7, 'a'},    {8, 'b'},    {9, 't'},      {10, 'n'},
                 {11, 'v'},    {12, 'f'},   {13, 'r'},   {27, 'e'},     {'"', '"'},
                 {'\\', '\\'}, {0x85, 'N'}, {0xa0, '_'}, {0x2028, 'L'}, {0x2029, 'P'}};
    put(e, '\\');
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (names[i].c == c) {
            put(e, names[i].name);
            return;
        }
    int digits = c <= 0xff ? 2 : c <= 0xffff ? 4 : 8;
    put(e, digits == 2 ? 'x' : digits == 4 ? 'u' : 'U');
    for (int k = (digits - 1) * 4; k >= 0; k -= 4)
        put(e, "0123456789ABCDEF"[c >> k & 15]);
}

static void write_double(struct emitter *e, str s, bool allow_breaks)
{
    /* Upstream looks for a byte order mark at the beginning, at every character. */
    bool bom = str_starts(s, STR("\xef\xbb\xbf")), spaces = false;
    write_indicator(e, '"', true, false, false);
    for (size_t i = 0; i < s.len;) {
        if (bom || !yaml_printable(s, i) || yaml_break_at(s, i) || s.at[i] == '"' ||
            s.at[i] == '\\') {
            uint32_t rune;
            i += utf8_decode(s.at + i, s.at + s.len, &rune);
            write_escape(e, rune);
            spaces = false;
        } else if (is_space(s, i)) {
            if (wants_break(e, allow_breaks, spaces) && i > 0 && i + 1 < s.len) {
                write_indent(e);
                if (is_space(s, i + 1))
                    put(e, '\\');
                i++;
            } else {
                i += copy_char(e, s, i);
            }
            spaces = true;
        } else {
            i += copy_run(e, s, i);
            spaces = false;
        }
    }
    write_indicator(e, '"', false, false, false);
    e->whitespace = e->indention = false;
}

static void write_literal(struct emitter *e, str s)
{
    write_indicator(e, '|', true, false, false);
    if (is_space(s, 0) || yaml_break_at(s, 0))
        write_indicator(e, '0' + INDENT, false, false, false);
    size_t last = yaml_char_before(s, s.len);
    if (!yaml_break_at(s, last))
        write_indicator(e, '-', false, false, false);
    else if (last == 0 || yaml_break_at(s, yaml_char_before(s, last)))
        write_indicator(e, '+', false, false, false);
    put_break(e);
    e->indention = e->whitespace = true;
    bool breaks = true;
    for (size_t i = 0; i < s.len;) {
        if (yaml_break_at(s, i)) {
            i += copy_break(e, s, i);
            e->indention = breaks = true;
        } else {
            if (breaks)
                write_indent(e);
            /* the rest of the line, as far as it is ordinary */
            size_t from = i;
            while (i < s.len && (signed char)s.at[i] > 0 && s.at[i] != '\n' && s.at[i] != '\r')
                i++;
            buf_add(e->out, str_sub(s, from, i - from));
            e->column += (int)(i - from);
            if (i == from)
                i += copy_char(e, s, i);
            e->indention = breaks = false;
        }
    }
}

/* Where a node stands. */
struct place {
    bool in_mapping, simple_key;
};

static void emit_string(struct emitter *e, str s, struct place at)
{
    struct yaml_analysis is = yaml_analyze(s);
    enum yaml_quoting style = yaml_quoting_of(s);
    if (at.simple_key && is.multiline)
        style = YAML_DOUBLE;
    if (style == YAML_PLAIN && (!is.plain_allowed || (!s.len && at.simple_key)))
        style = YAML_SINGLE;
    if (style == YAML_SINGLE && !is.single_allowed)
        style = YAML_DOUBLE;
    if (style == YAML_LITERAL && (!is.literal_allowed || at.simple_key))
        style = YAML_DOUBLE;
    int before = increase_indent(e, true, false);
    switch (style) {
    case YAML_PLAIN: write_plain(e, s, !at.simple_key); break;
    case YAML_SINGLE: write_single(e, s, !at.simple_key); break;
    case YAML_DOUBLE: write_double(e, s, !at.simple_key); break;
    case YAML_LITERAL: write_literal(e, s); break;
    }
    e->indent = before;
}

/* Numbers come by way of JSON text, which YAML reads again: whole ones as integers where they fit.
 */
static str number_text(value v, char *text)
{
    double d;
    size_t n;
    switch (value_type(v)) {
    case VALUE_INT: return str_mem(text, number_print_int(value_int(v), text));
    case VALUE_UINT: return str_mem(text, number_print_uint(value_uint(v), text));
    default: break;
    }
    d = value_double(v);
    if (d == 0)
        return STR("0");
    n = number_print_double(d, text);
    struct yaml_scalar is = yaml_resolve(str_mem(text, n));
    if (is.kind == YAML_FLOAT)
        n = yaml_print_float(is.d, 64, text);
    return str_mem(text, n);
}

static void emit_plain(struct emitter *e, str s) { write_plain(e, s, false); }

static void emit(struct emitter *e, value v, struct place at);

static void emit_empty(struct emitter *e, const char *brackets)
{
    write_indicator(e, brackets[0], true, true, false);
    write_indicator(e, brackets[1], false, false, false);
}

static void emit_key(struct emitter *e, str key)
{
    struct yaml_analysis is = yaml_analyze(key);
    if (!is.multiline && key.len <= SIMPLE_KEY_BYTES_MAX) {
        emit_string(e, key, (struct place){true, true});
        write_indicator(e, ':', false, false, false);
        return;
    }
    write_indicator(e, '?', true, false, true);
    emit_string(e, key, (struct place){true, false});
    write_indent(e);
    write_indicator(e, ':', true, false, true);
}

struct pair {
    str key;
    value val;
};

static int by_natural_order(const void *a, const void *b)
{
    return yaml_key_order(((const struct pair *)a)->key, ((const struct pair *)b)->key);
}

/* The entries in the order in which they are written; text is what YAML makes of it. */
static struct pair *ordered(struct emitter *e, value map, size_t *ret_n)
{
    size_t n = value_len(map);
    struct pair *pairs = ARENA_ARRAY(e->arena, struct pair, n);
    for (struct value_iter it = value_iter(map); value_next(&it);)
        pairs[it.i] = (struct pair){yaml_reread(e->arena, it.key), it.val};
    if (e->style != YAML_KUSTOMIZE)
        qsort(pairs, n, sizeof(*pairs), by_natural_order);
    *ret_n = n;
    return pairs;
}

static void emit_map(struct emitter *e, value map)
{
    size_t n;
    struct pair *pairs = ordered(e, map, &n);
    int before = increase_indent(e, false, false);
    for (size_t i = 0; i < n; i++) {
        write_indent(e);
        emit_key(e, pairs[i].key);
        emit(e, pairs[i].val, (struct place){true, false});
    }
    e->indent = before;
}

static void emit_list(struct emitter *e, value list, struct place at)
{
    int before = increase_indent(e, false, at.in_mapping && !e->indention);
    for (struct value_iter it = value_iter(list); value_next(&it);) {
        write_indent(e);
        write_indicator(e, '-', true, false, true);
        emit(e, it.val, (struct place){false, false});
    }
    e->indent = before;
}

static void emit(struct emitter *e, value v, struct place at)
{
    char text[MAX_OF(NUMBER_PRINT_MAX, YAML_FLOAT_BYTES_MAX)];
    switch (value_type(v)) {
    case VALUE_NONE:
    case VALUE_NULL: emit_plain(e, STR("null")); break;
    case VALUE_BOOL: emit_plain(e, value_bool(v) ? STR("true") : STR("false")); break;
    case VALUE_INT:
    case VALUE_UINT:
    case VALUE_DOUBLE: emit_plain(e, number_text(v, text)); break;
    case VALUE_STRING: emit_string(e, yaml_reread(e->arena, value_str(v)), at); break;
    case VALUE_LIST:
        if (value_len(v))
            emit_list(e, v, at);
        else
            emit_empty(e, "[]");
        break;
    case VALUE_MAP:
        if (value_len(v))
            emit_map(e, v);
        else
            emit_empty(e, "{}");
        break;
    }
}

void yaml_print(value v, enum yaml_style style, enum audience who, struct buf *out)
{
    struct arena a;
    arena_init(&a, ARENA_BYTES_DEFAULT);
    if (who != AUDIENCE_WIRE) { /* masking has one place, the JSON printer */
        struct json_input exact = {.exact_uint64 = true};
        value shown;
        if (json_parse(json_str(&a, v, AUDIENCE_DISPLAY, 0), &exact, &a, &shown, NULL))
            shown = value_null(&a);
        v = shown;
    }
    size_t from = out->len;
    struct emitter e = {.out = out,
                        .arena = &a,
                        .style = style,
                        .indent = -1,
                        .width = style == YAML_KUSTOMIZE ? INT32_MAX : WIDTH,
                        .whitespace = true,
                        .indention = true};
    emit(&e, v, (struct place){false, false});
    write_indent(&e);
    if (who == AUDIENCE_LOG && out->len > from + LOG_BYTES_MAX) {
        out->len = from + LOG_BYTES_MAX;
        buf_addz(out, "...");
    }
    arena_done(&a);
}
