/* value/toml/print.c: values as TOML, laid out as BurntSushi's encoder does. */
#include <math.h>

#include "value/json.h"
#include "value/toml/read.h"
#include "value/yaml/resolve.h"

struct printer {
    struct buf *out;
    struct err *err;
    bool written; /* anything yet */
    str key[VALUE_DEPTH_MAX + 2];
};

void toml_print_quoted(str s, struct buf *out)
{
    static const char letter[128] = {['"'] = '"',  ['\\'] = '\\', ['\b'] = 'b', ['\t'] = 't',
                                     ['\n'] = 'n', ['\f'] = 'f',  ['\r'] = 'r'};
    buf_addc(out, '"');
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.at[i];
        if (c < 128 && letter[c])
            buf_printf(out, "\\%c", letter[c]);
        else if (c < 0x20 || c == 0x7f)
            buf_printf(out, "\\u%04x", c);
        else
            buf_addc(out, (char)c);
    }
    buf_addc(out, '"');
}

static void print_key(str key, struct buf *out)
{
    bool bare = key.len > 0;
    for (size_t i = 0; i < key.len && bare; i++)
        bare = toml_is_bare((unsigned char)key.at[i]);
    if (bare)
        buf_add(out, key);
    else
        toml_print_quoted(key, out);
}

static bool is_date(value v)
{
    unsigned style = value_style(v);
    return value_is_string(v) && style >= TOML_DATETIME && style <= TOML_LOCAL_TIME;
}

/* ---- kinds ---- */

enum kind { KIND_NIL, KIND_SCALAR, KIND_ARRAY, KIND_TABLE, KIND_TABLES };

static int nil_in_list(struct printer *p)
{
    return err_set(p->err, ERR_INVALID, "toml: cannot encode array with nil element");
}

/* Upstream looks into lists of lists as well: a nil in any of them is an error. */
static int kind_of(struct printer *p, value v, enum kind *ret)
{
    bool tables = value_len(v) > 0;
    *ret = value_is_nil(v) ? KIND_NIL : value_is_map(v) ? KIND_TABLE : KIND_SCALAR;
    if (!value_is_list(v))
        return 0;
    for (struct value_iter it = value_iter(v); value_next(&it);) {
        enum kind k;
        int r = kind_of(p, it.val, &k);
        if (r == 0 && k == KIND_NIL)
            r = nil_in_list(p);
        if (r)
            return r;
        tables = tables && k == KIND_TABLE;
    }
    *ret = tables ? KIND_TABLES : KIND_ARRAY;
    return 0;
}

/* ---- values on a line ---- */

static int print_inline(struct printer *p, value v);

static void print_double(double d, struct buf *out)
{
    char text[YAML_FLOAT_BYTES_MAX];
    if (isnan(d) || isinf(d)) {
        buf_addz(out, signbit(d) ? "-" : "");
        buf_addz(out, isnan(d) ? "nan" : "inf");
        return;
    }
    str s = str_mem(text, yaml_print_float(d, 64, text));
    buf_add(out, s);
    if (str_find_char(s, 'e') < 0 && str_find_char(s, '.') < 0)
        buf_addz(out, ".0");
}

static int print_list(struct printer *p, value v)
{
    int r = 0;
    buf_addc(p->out, '[');
    for (struct value_iter it = value_iter(v); r == 0 && value_next(&it);) {
        buf_addz(p->out, it.i ? ", " : "");
        r = print_inline(p, it.val);
    }
    buf_addc(p->out, ']');
    return r;
}

struct entry {
    str key;
    value val;
    enum kind kind;
};

static int by_table_and_key(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    bool tx = x->kind >= KIND_TABLE, ty = y->kind >= KIND_TABLE;
    return tx != ty ? tx - ty : str_cmp(x->key, y->key);
}

/* The entries in printing order, on the heap. */
static int sorted(struct printer *p, value v, struct entry **ret)
{
    struct entry *e = malloc((value_len(v) + 1) * sizeof(*e));
    int r = 0;
    if (!e)
        abort();
    for (struct value_iter it = value_iter(v); r == 0 && value_next(&it);) {
        e[it.i] = (struct entry){.key = it.key, .val = it.val};
        r = kind_of(p, it.val, &e[it.i].kind);
    }
    if (r == 0)
        qsort(e, value_len(v), sizeof(*e), by_table_and_key);
    *ret = e;
    return r;
}

static int print_inline_table(struct printer *p, value v)
{
    struct entry *e;
    size_t n = value_len(v), n_plain = 0;
    int r = sorted(p, v, &e);
    buf_addc(p->out, '{');
    while (r == 0 && n_plain < n && e[n_plain].kind < KIND_TABLE)
        n_plain++;
    for (size_t i = 0; r == 0 && i < n; i++) {
        if (e[i].kind == KIND_NIL)
            continue;
        print_key(e[i].key, p->out);
        buf_addz(p->out, " = ");
        r = print_inline(p, e[i].val);
        buf_addz(p->out,
                 i + 1 < n ? ", " : ""); /* also in front of nothing but nils, as upstream */
    }
    buf_addc(p->out, '}');
    free(e);
    return r;
}

static int print_inline(struct printer *p, value v)
{
    p->written = true;
    switch (value_type(v)) {
    case VALUE_LIST: return print_list(p, v);
    case VALUE_MAP: return print_inline_table(p, v);
    case VALUE_DOUBLE: print_double(value_double(v), p->out); return 0;
    case VALUE_STRING:
        if (is_date(v))
            buf_add(p->out, value_str(v));
        else
            toml_print_quoted(value_str(v), p->out);
        return 0;
    case VALUE_NONE:
    case VALUE_NULL: return nil_in_list(p);
    default: json_print(v, AUDIENCE_WIRE, 0, p->out); return 0;
    }
}

/* ---- tables ---- */

static int print_table(struct printer *p, value v, size_t n_key);

static void newline(struct printer *p)
{
    if (p->written)
        buf_addc(p->out, '\n');
}

static void print_header(struct printer *p, size_t n_key, const char *open, const char *close)
{
    buf_fill(p->out, ' ', 2 * (n_key - 1));
    buf_addz(p->out, open);
    for (size_t i = 0; i < n_key; i++) {
        buf_addz(p->out, i ? "." : "");
        print_key(p->key[i], p->out);
    }
    buf_addz(p->out, close);
    p->written = true;
    newline(p);
}

static int print_entry(struct printer *p, const struct entry *e, size_t n_key)
{
    int r = 0;
    p->key[n_key - 1] = e->key;
    if (e->kind == KIND_TABLE) {
        if (n_key == 1)
            newline(p);
        print_header(p, n_key, "[", "]");
        return print_table(p, e->val, n_key);
    }
    if (e->kind == KIND_TABLES) {
        for (struct value_iter it = value_iter(e->val); r == 0 && value_next(&it);) {
            newline(p);
            print_header(p, n_key, "[[", "]]");
            r = print_table(p, it.val, n_key);
        }
        return r;
    }
    buf_fill(p->out, ' ', 2 * (n_key - 1));
    print_key(e->key, p->out);
    buf_addz(p->out, " = ");
    r = print_inline(p, e->val);
    newline(p);
    return r;
}

static int print_table(struct printer *p, value v, size_t n_key)
{
    struct entry *e;
    if (n_key > VALUE_DEPTH_MAX)
        return err_set(p->err, ERR_TOO_LARGE, "toml: nested deeper than %d levels",
                       VALUE_DEPTH_MAX);
    int r = sorted(p, v, &e);
    for (size_t i = 0; r == 0 && i < value_len(v); i++)
        if (e[i].kind != KIND_NIL)
            r = print_entry(p, &e[i], n_key + 1);
    free(e);
    return r;
}

int toml_print(value v, struct buf *out, struct err *err)
{
    struct printer p = {.out = out, .err = err};
    enum kind kind;
    if (value_is_nil(v))
        return err_set(err, ERR_INVALID, "reflect: call of reflect.Value.Type on zero Value");
    int r = kind_of(&p, v, &kind);
    if (r)
        return r;
    if (kind == KIND_TABLES)
        return err_set(err, ERR_INVALID, "toml: top-level values must be Go maps or structs");
    return kind == KIND_TABLE ? print_table(&p, v, 0) : print_inline(&p, v);
}
