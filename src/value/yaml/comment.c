/* Comments of a text, and to which token each belongs.
 *
 * yaml.v3 knows three kinds. A *line* comment stands behind something on its line. A *head* stands
 * above what it belongs to. A *foot* stands under it: it touches what is above (no empty line
 * between) and an empty line, less indentation, the end of a flow collection or of the text
 * follows.
 *
 *     a: 1 # line of 1
 *     # foot of a
 *
 *     # head of b
 *     b: 2
 *
 * All comments between two tokens are looked at together, and cut into pieces where a foot ends.
 * Each piece waits until the parser looks at a token that stands at or behind `token`. Lines are
 * counted as upstream counts them: the line of a piece that follows another one is that of the
 * comment before it, which decides whether it touches. */
#include "value/yaml/scan.h"
#include "value/yaml_node.h"

#include <stdlib.h>

#define LOOK_BYTES_MAX 512 /* blanks and empty lines that are looked through for a next comment */

void yaml_comment_add(struct arena *a, struct yaml_comment_text *to, str more)
{
    if (!to->len && !to->cap) {
        *to = (struct yaml_comment_text){(char *)more.at, more.len, 0};
        return;
    }
    if (to->len + more.len > to->cap) {
        size_t cap = MAX_OF(2 * (to->len + more.len), (size_t)64);
        char *at = arena_alloc(a, cap);
        memcpy(at, to->at, to->len);
        to->at = at;
        to->cap = cap;
    }
    memcpy(to->at + to->len, more.at, more.len);
    to->len += more.len;
}

/* ---- behind something ---- */

static str rest_of_line(struct yaml_scan *s)
{
    const char *at = s->p;
    while (!yaml_is_breakz(s->p))
        s->p += yaml_width(s->p);
    s->content_line = s->line;
    return str_mem(at, (size_t)(s->p - at));
}

static void push(struct yaml_scan *s, struct yaml_comment c)
{
    if (s->next_comment == s->comments.n)
        s->next_comment = s->comments.n = 0;
    if (s->comments.n < YAML_COMMENTS_MAX) {
        vec_push(s->arena, &s->comments, c);
    } else if (!s->too_many_comments) {
        s->too_many_comments = true;
        s->too_many_at = yaml_here(s);
    }
}

bool yaml_scan_line_comment(struct yaml_scan *s, int32_t token)
{
    size_t blanks = 0;
    if (s->line > s->content_line)
        return true;
    while (blanks < LOOK_BYTES_MAX && yaml_is_blank(s->p + blanks))
        if (!yaml_need(s, ++blanks + 1))
            return false;
    if (blanks == LOOK_BYTES_MAX || s->p[blanks] != '#')
        return true;
    s->p += blanks;
    struct yaml_comment c = {.kind = YAML_COMMENT_LINE,
                             .token = token,
                             .start_line = (int32_t)s->line};
    c.start_column = (int32_t)yaml_column(s);
    c.start = (int32_t)(s->p - s->text);
    c.text = rest_of_line(s);
    push(s, c);
    return yaml_need(s, 1);
}

static const struct yaml_token *token_before(const struct yaml_scan *s, size_t n)
{
    return s->n_tokens > n ? &s->token[s->n_tokens - 1 - n] : NULL;
}

/* ---- between two tokens ---- */

struct gather {
    struct yaml_scan *s;
    int32_t scan, token;                     /* of the next piece */
    int32_t line, column;                    /* where `look` stands; columns from 1 */
    int32_t start, start_line, start_column; /* of the piece at hand */
    int32_t indent;                          /* of the block around */
    int32_t foot_line;                       /* where a foot of what is above has to begin */
    bool follows_value;                      /* a `:` is above */
    bool empty, touches;                     /* the line before was empty; none was */
    struct yaml_comment_text text;
};

static int32_t at(const struct gather *g, size_t look)
{
    return (int32_t)(g->s->p - g->s->text) + (int32_t)look;
}

static void push_foot(struct gather *g, size_t look)
{
    push(g->s, (struct yaml_comment){
                   .kind = YAML_COMMENT_FOOT,
                   .scan = g->scan,
                   .token = g->token,
                   .start = g->start,
                   .start_line = g->start_line,
                   .start_column = g->start_column,
                   .end = at(g, look),
                   .text = str_mem(g->text.at, g->text.len),
               });
    g->scan = g->token = at(g, look);
    g->text = (struct yaml_comment_text){0};
}

/* A line without a comment ends here, or all does: what was gathered is a foot, or goes on. */
static void end_of_line(struct gather *g, size_t look, bool closes)
{
    bool dedented = g->start_column - 1 < g->indent;
    bool foot = g->start_line == g->foot_line && !g->follows_value;
    if (!g->text.len || (!closes && g->empty))
        return;
    if (closes || (g->touches && (foot || dedented))) {
        if (dedented)
            g->token = g->start;
        push_foot(g, look);
    } else if (g->s->p[look]) {
        yaml_comment_add(g->s->arena, &g->text, STR("\n"));
    }
}

/* The comment that begins `look` bytes from here, up to the end of its line. */
static bool take_line(struct gather *g, size_t look)
{
    struct yaml_scan *s = g->s;
    const char *hash = s->p + look;
    if (!g->text.len) {
        g->start = at(g, look);
        g->start_line = g->line;
        g->start_column = g->column;
    } else {
        yaml_comment_add(s->arena, &g->text, STR("\n"));
    }
    while (s->p < hash)
        if (yaml_is_break(s->p))
            yaml_skip_line(s);
        else
            s->p++;
    yaml_comment_add(s->arena, &g->text, rest_of_line(s));
    g->empty = false;
    g->column = 0;
    g->line = (int32_t)s->line;
    return yaml_need(s, 1);
}

static struct gather begin(struct yaml_scan *s, struct yaml_mark from)
{
    const struct yaml_token *token = token_before(s, 0);
    if (token->type == YAML_T_FLOW_ENTRY && token_before(s, 1))
        token = token_before(s, 1);
    int32_t breaks = (int32_t)s->line - (int32_t)s->content_line;
    struct gather g = {
        .s = s,
        .scan = from.at,
        .token = token->start.at,
        .line = (int32_t)s->line,
        .column = (int32_t)yaml_column(s),
        .indent = MAX_OF(s->indent, 0),
        .foot_line = -1,
        .follows_value = token->type == YAML_T_VALUE,
        .touches = breaks <= 1,
    };
    if (from.line > 0)
        g.foot_line = g.line - breaks + 1 + (breaks == 0 && g.column > 1);
    return g;
}

bool yaml_scan_comments(struct yaml_scan *s, struct yaml_mark from)
{
    struct gather g = begin(s, from);
    size_t look = 0;
    for (; look < LOOK_BYTES_MAX; look++) {
        if (!yaml_need(s, look + 1))
            return false;
        const char *p = s->p + look;
        g.column++;
        if (yaml_is_blank(p))
            continue;
        bool closes = s->flow_level > 0 && (*p == ']' || *p == '}');
        if (closes || yaml_is_breakz(p)) {
            end_of_line(&g, look, closes);
            if (!yaml_is_break(p))
                break;
            g.touches = false;
            g.empty = true;
            g.column = 0;
            g.line++;
            continue;
        }
        if (g.text.len && g.column - 1 < g.indent && g.column != g.start_column)
            push_foot(&g, look);
        if (*p != '#')
            break;
        if (!take_line(&g, look))
            return false;
        look = 0; /* the line's break is passed over */
    }
    if (g.text.len)
        push(s, (struct yaml_comment){
                    .kind = YAML_COMMENT_HEAD,
                    .scan = g.scan,
                    .token = g.start,
                    .start = g.start,
                    .start_line = g.start_line,
                    .start_column = g.start_column,
                    .end = at(&g, look) - 1,
                    .text = str_mem(g.text.at, g.text.len),
                });
    return true;
}

/* ---- ends of blocks ---- */

static int by_column(const void *a, const void *b)
{
    const struct yaml_comment_start *x = a, *y = b;
    return x->column != y->column ? (x->column > y->column) - (x->column < y->column)
                                  : (x->at > y->at) - (x->at < y->at);
}

void yaml_find_starts(struct yaml_scan *s, int32_t stop)
{
    s->starts.n = 0;
    for (size_t i = s->comments.n; i-- > s->next_comment;) {
        const struct yaml_comment *c = &s->comments.at[i];
        if (c->end < stop)
            break;
        vec_push(s->arena, &s->starts,
                 (struct yaml_comment_start){c->start_column, c->start, c->start_line});
        stop = c->scan;
    }
    if (s->starts.n > 1)
        qsort(s->starts.at, s->starts.n, sizeof(*s->starts.at), by_column);
}

struct yaml_mark yaml_block_end(const struct yaml_scan *s, struct yaml_mark end)
{
    size_t low = 0, high = s->starts.n;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (s->starts.at[middle].column < s->indent + 1)
            low = middle + 1;
        else
            high = middle;
    }
    const struct yaml_comment_start *c = &s->starts.at[low];
    if (low == s->starts.n || c->column != s->indent + 1)
        return end;
    return (struct yaml_mark){(uint32_t)c->line, (uint32_t)c->column, c->at};
}
