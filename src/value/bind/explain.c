/* value/bind/explain.c: field documentation in the layout of `kubectl explain`. */
#include <assert.h>

#include "value/bind.h"
#include "value/bind/table.h"

#define DESCRIPTION_COLUMNS 76
#define FIELDS_MAX 200

static const char *type_name(const struct bind_field *f)
{
    static const char *const name[] = {
        [BIND_STRING] = "string", [BIND_BOOL] = "boolean",         [BIND_INT32] = "integer",
        [BIND_INT64] = "integer", [BIND_DOUBLE] = "number",        [BIND_TIME] = "string",
        [BIND_BYTES] = "string",  [BIND_INT_OR_STRING] = "Object", [BIND_OBJECT] = "Object",
        [BIND_ANY] = "Object",    [BIND_METADATA] = "ObjectMeta",
    };
    return name[f->type];
}

static void put_type(struct buf *out, const struct bind_field *f)
{
    static const char *const shape[] =
        {[BIND_ONE] = "", [BIND_LIST] = "[]", [BIND_MAP] = "map[string]"};
    buf_printf(out, "<%s%s>", shape[f->shape], type_name(f));
}

/* Words filled up to `width` columns, every line behind `indent` blanks; line breaks of the text
 * are kept. */
static void put_wrapped(struct buf *out, str text, size_t width, size_t indent)
{
    str line, word;
    while (str_next(&text, '\n', &line)) {
        size_t column = 0;
        buf_fill(out, ' ', indent);
        while (str_next(&line, ' ', &word)) {
            if (column > 0 && column + 1 + word.len > width) {
                buf_addc(out, '\n');
                buf_fill(out, ' ', indent);
                column = 0;
            } else if (column > 0) {
                buf_addc(out, ' ');
                column++;
            }
            buf_add(out, word);
            column += word.len;
        }
        buf_addc(out, '\n');
    }
}

static const char *shown(const char *z) { return z[0] ? z : "\"\""; }

/* On one line in the list of fields; at most four values are shown. */
static void put_one_of(struct buf *out, const struct bind_field *f, size_t indent)
{
    if (!f->one_of)
        return;
    buf_addc(out, '\n');
    buf_fill(out, ' ', indent);
    buf_addz(out, "enum: ");
    for (size_t i = 0; f->one_of[i]; i++) {
        if (i == 4) {
            buf_addz(out, ", ....");
            break;
        }
        buf_printf(out, "%s%s", i ? ", " : "", shown(f->one_of[i]));
    }
}

/* One a line, above the description of the field itself. */
static void put_long_one_of(struct buf *out, const struct bind_field *f)
{
    if (!f->one_of)
        return;
    buf_addz(out, "ENUM:");
    for (const char *const *o = f->one_of; *o; o++)
        buf_printf(out, "\n    %s", shown(*o));
}

static int by_name(const void *a, const void *b)
{
    return strcmp((*(const struct bind_field *const *)a)->name,
                  (*(const struct bind_field *const *)b)->name);
}

static void put_fields(struct buf *out, const struct bind_table *t, size_t level, bool recursive)
{
    const struct bind_field *row[FIELDS_MAX];
    size_t n = 0, indent = level * 2;
    for (size_t i = 0; i < t->n_fields; i++)
        if (!(t->field[i].flags & BIND_NOT_IN_SCHEMA)) {
            assert(n < FIELDS_MAX);
            row[n++] = &t->field[i];
        }
    qsort(row, n, sizeof(row[0]), by_name);
    for (size_t i = 0; i < n; i++) {
        buf_fill(out, ' ', indent);
        buf_printf(out, "%s\t", row[i]->name);
        put_type(out, row[i]);
        if (row[i]->flags & BIND_REQUIRED)
            buf_addz(out, " -required-");
        put_one_of(out, row[i], indent);
        buf_addc(out, '\n');
        if (!recursive) {
            put_wrapped(out, str_of(row[i]->help ? row[i]->help : "<no description>"), 78 - indent,
                        indent + 2);
            buf_addc(out, '\n');
        } else if (row[i]->type == BIND_OBJECT && row[i]->table && level < 20) {
            put_fields(out, row[i]->table, level + 1, true);
        }
    }
}

int bind_explain(const struct bind_kind *k, const char *dotted, bool recursive, struct buf *out,
                 struct err *err)
{
    const struct bind_field *f = NULL;
    const struct bind_table *t = k->table;
    const char *help = t->help;
    if (dotted[0]) {
        f = bind_find_path(t, dotted);
        if (!f)
            return err_set(err, ERR_NOT_FOUND, "field \"%s\" does not exist", dotted);
        t = f->type == BIND_OBJECT ? f->table : NULL;
        help = f->help;
    }
    if (k->group[0])
        buf_printf(out, "GROUP:      %s\n", k->group);
    buf_printf(out, "KIND:       %s\nVERSION:    %s\n\n", k->kind, k->version);
    if (f) {
        buf_printf(out, "FIELD: %s ", f->name);
        put_type(out, f);
        buf_addz(out, "\n");
        put_long_one_of(out, f);
        buf_addz(out, "\n\n");
    }
    buf_addz(out, "DESCRIPTION:\n");
    put_wrapped(out, str_of(help ? help : "<empty>"), DESCRIPTION_COLUMNS, 4);
    buf_addz(out, "    \n");
    if (t && t->n_fields) {
        buf_addz(out, "FIELDS:\n");
        put_fields(out, t, 1, recursive);
    }
    buf_addc(out, '\n');
    return 0;
}
