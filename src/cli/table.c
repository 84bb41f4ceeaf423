#include "cli/table.h"

void table_init(struct table *t, struct arena *a, size_t width_min, size_t padding)
{
    *t = (struct table){.arena = a, .width_min = width_min, .padding = padding};
}

void table_add(struct table *t, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    str text = arena_vprintf(t->arena, format, args), line;
    va_end(args);
    while (str_next(&text, '\n', &line))
        vec_push(t->arena, &t->lines, line);
}

static size_t shown_width(str s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.len; i++)
        n += ((unsigned char)s.at[i] & 0xc0) != 0x80;
    return n;
}

/* The cell of that column; false when no tab ends it on this line. */
static bool cell(str line, size_t column, str *ret)
{
    for (;; column--) {
        str rest;
        if (!str_cut(line, '\t', ret, &rest))
            return false;
        if (!column)
            return true;
        line = rest;
    }
}

static size_t column_width(const struct table *t, size_t line, size_t column)
{
    size_t width = t->width_min, from = line;
    str text;
    while (from > 0 && cell(t->lines.at[from - 1], column, &text))
        from--;
    for (; from < t->lines.n && cell(t->lines.at[from], column, &text); from++)
        width = MAX_OF(width, shown_width(text) + t->padding);
    return width;
}

void table_print(struct table *t, FILE *out)
{
    VEC(size_t) width = {0}; /* of the columns of the block that the line is in */
    size_t before = 0;       /* columns of the line before */
    for (size_t i = 0; i < t->lines.n; i++) {
        str rest = t->lines.at[i], text, tail;
        size_t column = 0;
        while (str_cut(rest, '\t', &text, &tail)) {
            if (column >= before) {
                width.n = MIN_OF(width.n, column);
                vec_push(t->arena, &width, column_width(t, i, column));
            }
            fprintf(out, "%.*s%*s", STR_FMT(text), (int)(width.at[column] - shown_width(text)), "");
            rest = tail;
            column++;
        }
        fprintf(out, "%.*s\n", STR_FMT(rest));
        before = column;
    }
    t->lines.n = 0;
}
