/* value/toml/parse.c: TOML's tables.
 *
 * Which keys may be written again is decided by name, as upstream does it: a table that was only
 * implied by a longer key may be written once, and then the name is taken, in all tables of a list
 * alike. Tables of a list are building maps: the last one is the table that is written to. An
 * inline table is built twice, once in the document by its keys' names and once by itself, because
 * an array takes the latter. */
#include <stdarg.h>
#include <stdio.h>

#include "value/text.h"
#include "value/toml/read.h"

/* ---- problems ---- */

static void add_key(struct buf *b, str key)
{
    bool bare = key.len > 0;
    for (size_t i = 0; i < key.len && bare; i++)
        bare = toml_is_bare((unsigned char)key.at[i]);
    if (bare)
        buf_add(b, key);
    else
        toml_print_quoted(key, b);
}

static str dotted(struct arena *a, const str *part, size_t n)
{
    CLEANUP(buf_done) struct buf b;
    buf_init(&b, TOML_BYTES_MAX * 8);
    for (size_t i = 0; i < n; i++) {
        if (i)
            buf_addc(&b, '.');
        add_key(&b, part[i]);
    }
    return arena_str(a, buf_str(&b));
}

str toml_quoted(struct toml *t, str s)
{
    CLEANUP(buf_done) struct buf b;
    buf_init(&b, TOML_BYTES_MAX * 8);
    text_quote(str_sub(s, 0, ERR_TEXT_MAX), &b); /* a message holds no more */
    return arena_str(t->arena, buf_str(&b));
}

str toml_quoted_rune(struct toml *t, uint32_t r)
{
    char text[4];
    if (r == '\'')
        return STR("'\\''");
    if (r == '"')
        return STR("'\"'");
    str q = toml_quoted(t, str_mem(text, utf8_encode(r, text)));
    return ARENA_CAT(t->arena, STR("'"), str_sub(q, 1, q.len - 2), STR("'"));
}

PRINTF(4, 0)
static void vfail(struct toml *t, int kind, int line, const char *format, va_list args)
{
    char text[ERR_TEXT_MAX];
    if (t->failed)
        return;
    vsnprintf(text, sizeof(text), format, args);
    str last = t->n_context ? dotted(t->arena, t->context, t->n_context) : STR("");
    if (t->key.len)
        last = last.len ? ARENA_CAT(t->arena, last, STR("."), t->key) : t->key;
    t->failed = true;
    if (last.len)
        err_set(t->err, kind, "toml: line %d (last key %.*s): %s", line,
                STR_FMT(toml_quoted(t, last)), text);
    else
        err_set(t->err, kind, "toml: line %d: %s", line, text);
}

void toml_fail(struct toml *t, int line, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vfail(t, ERR_INVALID, line, format, args);
    va_end(args);
}

void toml_fail_here(struct toml *t, const char *format, ...)
{
    va_list args;
    int line = t->line;
    if (t->at_eof && t->pos >= 1 && t->in.at[t->pos - 1] == '\n')
        line--;
    va_start(args, format);
    vfail(t, ERR_INVALID, line, format, args);
    va_end(args);
}

PRINTF(2, 3) static void too_deep(struct toml *t, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vfail(t, ERR_TOO_LARGE, t->line, format, args);
    va_end(args);
}

/* ---- names ---- */

static struct toml_name *name_below(struct toml *t, struct toml_name *n, str part)
{
    struct toml_name *child = map_find(&n->child, part);
    if (!child) {
        child = ARENA_NEW(t->arena, struct toml_name);
        map_init(&child->child, t->arena);
        map_set(&n->child, part, child);
    }
    return child;
}

/* Of the context, or of a key in it. */
static struct toml_name *name_of(struct toml *t, const str *key)
{
    struct toml_name *n = &t->names;
    for (size_t i = 0; i < t->n_context; i++)
        n = name_below(t, n, t->context[i]);
    return key ? name_below(t, n, *key) : n;
}

/* What was read at a key; without one: at the table, whose name is "" at the root. */
static void set_type(struct toml *t, str key, bool array)
{
    str none = STR("");
    bool root = !key.len && !t->n_context;
    name_of(t, key.len ? &key : root ? &none : NULL)->array = array;
}

/* ---- tables ---- */

/* The table that a value at a key stands for: itself, or the last of a list; absent: it is none. */
static value table_of(value v)
{
    if (value_is_list(v) && value_style(v) == TOML_TABLES)
        return value_at(v, value_len(v) - 1);
    return value_is_map(v) ? v : VALUE_ABSENT;
}

static void already_defined(struct toml *t, const str *part, size_t n)
{
    toml_fail(t, t->key_line, "Key '%.*s' has already been defined.",
              STR_FMT(dotted(t->arena, part, n)));
}

/* Set a key of the table that is the context. */
static void set_value(struct toml *t, str key, value v)
{
    value hash = t->root;
    for (size_t i = 0; i < t->n_context; i++) {
        hash = table_of(value_get(hash, t->context[i]));
        if (!value_exists(hash)) {
            already_defined(t, t->context, i + 1);
            return;
        }
    }
    if (!value_exists(value_get(hash, key))) {
        value_set(t->arena, hash, key, v);
        return;
    }
    struct toml_name *n = name_of(t, &key);
    if (!n->implicit) {
        str whole[TOML_DEPTH_MAX + 3];
        memcpy(whole, t->context, t->n_context * sizeof(str));
        whole[t->n_context] = key;
        already_defined(t, whole, t->n_context + 1);
        return;
    }
    n->implicit = false;
    if (n->array)
        value_set(t->arena, hash, key, v);
}

/* Make `key` the context; tables on the way to it are implied. */
static void add_context(struct toml *t, const str *key, size_t n, bool array)
{
    value hash = t->root;
    struct toml_name *name = &t->names;
    for (size_t i = 0; i + 1 < n; i++) {
        value next = value_get(hash, key[i]);
        name = name_below(t, name, key[i]);
        if (!value_exists(next)) {
            name->implicit = true;
            next = value_new_map(t->arena);
            value_set(t->arena, hash, key[i], next);
        }
        hash = table_of(next);
        if (!value_exists(hash)) {
            toml_fail(t, t->key_line, "Key '%.*s' was already created as a hash.",
                      STR_FMT(dotted(t->arena, key, i + 1)));
            return;
        }
    }
    memmove(t->context, key, (n - 1) * sizeof(str));
    t->n_context = n - 1;
    str last = key[n - 1];
    if (array) {
        value list = value_get(hash, last);
        if (!value_exists(list)) {
            list = value_new_list(t->arena);
            value_set_style(list, TOML_TABLES);
            value_set(t->arena, hash, last, list);
        }
        if (value_is_list(list) && value_style(list) == TOML_TABLES)
            value_push(t->arena, list, value_new_map(t->arena));
        else
            toml_fail(t, t->key_line,
                      "Key '%.*s' was already created and cannot be used as an array.",
                      STR_FMT(dotted(t->arena, key, n)));
    } else {
        set_value(t, last, value_new_map(t->arena));
    }
    t->context[t->n_context++] = last;
}

/* The context and one more part, which is implied. */
static void add_implied(struct toml *t, str part)
{
    str key[TOML_DEPTH_MAX + 3];
    memcpy(key, t->context, t->n_context * sizeof(str));
    key[t->n_context] = part;
    name_of(t, &part)->implicit = true;
    add_context(t, key, t->n_context + 1, false);
}

/* ---- keys ---- */

struct key {
    str part[TOML_DEPTH_MAX];
    size_t n;
};

static str read_part(struct toml *t, uint32_t first)
{
    str s;
    if (first == '"' || first == '\'') {
        toml_next(t);
        toml_ignore(t);
        s = first == '"' ? toml_string(t) : toml_raw_string(t);
    } else {
        while (toml_is_bare(toml_next(t)))
            ;
        toml_backup(t);
        s = toml_token(t);
    }
    return t->failed ? STR("") : arena_str(t->arena, s);
}

static void add_part(struct toml *t, struct key *k, uint32_t first)
{
    str part = read_part(t, first);
    if (!k->n)
        t->key_line = t->line;
    if (k->n + t->n_context >= TOML_DEPTH_MAX)
        too_deep(t, "a key of more than %d parts", TOML_DEPTH_MAX);
    if (!t->failed)
        k->part[k->n++] = part;
}

/* Up to and with the sign. */
static void read_key(struct toml *t, struct key *k)
{
    k->n = 0;
    toml_skip_blanks(t);
    uint32_t r = toml_peek(t);
    if (r == '=' || r == TOML_EOF)
        toml_fail_here(t, "unexpected '=': key name appears blank");
    if (r == '.')
        toml_fail_here(t, "unexpected '.': keys cannot start with a '.'");
    while (!t->failed) {
        toml_ignore(t);
        toml_skip_blanks(t);
        r = toml_peek(t);
        if (r == '=' || r == TOML_EOF)
            toml_fail_here(t, "unexpected '='");
        if (r == '.')
            toml_fail_here(t, "unexpected '.'");
        add_part(t, k, r);
        toml_skip_blanks(t);
        r = toml_next(t);
        if (r == '=' && !t->failed)
            return;
        if (r == '.')
            continue;
        if (t->at_eof)
            toml_fail_here(t, "unexpected EOF; expected key separator '='");
        str q = toml_quoted_rune(t, r);
        toml_fail(t, r == '\n' ? t->line - 1 : t->line, "expected '.' or '=', but got %.*s instead",
                  STR_FMT(q));
    }
}

/* ---- values ---- */

static value read_value(struct toml *t, bool in_array);

/* Between items: blanks, line breaks, comments. The character behind them is passed. */
static uint32_t next_token(struct toml *t)
{
    uint32_t r;
    while ((r = toml_next(t)) != TOML_EOF) {
        if (r == '#') {
            while (!toml_is_newline(r = toml_next(t)) && r != TOML_EOF)
                ;
            toml_backup(t);
        } else if (!toml_is_blank(r) && !toml_is_newline(r)) {
            break;
        }
        toml_ignore(t);
    }
    return r;
}

static str rune_or_eof(struct toml *t, uint32_t r)
{
    char text[4];
    if (r == TOML_EOF)
        return STR("end of file");
    return ARENA_CAT(t->arena, STR("'"), str_mem(text, utf8_encode(r, text)), STR("'"));
}

static value read_array(struct toml *t)
{
    value list = value_new_list(t->arena);
    toml_ignore(t);
    set_type(t, t->key, true);
    while (!t->failed) {
        uint32_t r = next_token(t);
        if (r == ',')
            toml_fail_here(t, "unexpected comma");
        if (r == ']')
            break;
        toml_backup(t);
        value v = read_value(t, true);
        if (t->failed)
            break;
        value_push(t->arena, list, v);
        r = next_token(t);
        if (r == ']')
            break;
        if (r != ',')
            toml_fail_here(t, "expected a comma (',') or array terminator (']'), but got %.*s",
                           STR_FMT(rune_or_eof(t, r)));
        toml_ignore(t);
    }
    toml_ignore(t);
    return list;
}

/* A key and its value; `hash`: the inline table of its own that takes it too, or absent. */
static void read_pair(struct toml *t, value hash)
{
    struct key k;
    read_key(t, &k);
    if (t->failed)
        return;
    str last = k.part[k.n - 1];
    t->key = last;
    for (size_t i = 0; i + 1 < k.n && !t->failed; i++)
        add_implied(t, k.part[i]);
    if (t->failed)
        return;
    toml_ignore(t);
    value v = read_value(t, false);
    if (t->failed)
        return;
    set_value(t, last, v);
    set_type(t, last, value_is_list(v));
    for (size_t i = 0; i + 1 < k.n && value_exists(hash) && !t->failed; i++) {
        value below = value_get(hash, k.part[i]);
        if (!value_exists(below)) {
            below = value_new_map(t->arena);
            value_set(t->arena, hash, k.part[i], below);
        }
        if (!value_is_map(below))
            toml_fail(t, t->key_line, "%.*s is not a table",
                      STR_FMT(toml_quoted(t, dotted(t->arena, t->context, t->n_context))));
        hash = below;
    }
    if (value_exists(hash) && !t->failed)
        value_set(t->arena, hash, last, v);
}

static value read_inline_table(struct toml *t, bool in_array)
{
    value hash = value_new_map(t->arena);
    str outer_key = t->key, whole[TOML_DEPTH_MAX + 3];
    size_t outer = t->n_context;
    toml_ignore(t);
    if (outer + 1 >= TOML_DEPTH_MAX) {
        too_deep(t, "a key of more than %d parts", TOML_DEPTH_MAX);
        return hash;
    }
    memcpy(whole, t->context, outer * sizeof(str));
    whole[outer] = t->key;
    t->context[t->n_context++] = t->key;
    t->key = STR("");
    name_of(t, NULL)->implicit = true;
    add_context(t, whole, outer + 1, in_array);
    while (!t->failed) {
        uint32_t r = next_token(t);
        if (r == ',')
            toml_fail_here(t, "unexpected comma");
        if (r == '}')
            break;
        toml_backup(t);
        read_pair(t, hash);
        if (t->failed)
            break;
        memcpy(t->context, whole, (outer + 1) * sizeof(str));
        t->n_context = outer + 1;
        r = next_token(t);
        if (r == '}')
            break;
        if (r != ',')
            toml_fail_here(
                t, "expected a comma or an inline table terminator '}', but got %.*s instead",
                STR_FMT(rune_or_eof(t, r)));
        toml_ignore(t);
    }
    toml_ignore(t);
    if (!t->failed) {
        t->n_context = outer;
        t->key = outer_key;
    }
    return hash;
}

static value text_value(struct toml *t, str s)
{
    return t->failed ? VALUE_ABSENT : value_of_str(t->arena, s);
}

/* Behind a quote. */
static value read_quoted(struct toml *t, uint32_t quote)
{
    if (toml_accept(t, quote)) {
        if (toml_accept(t, quote)) {
            toml_ignore(t);
            return text_value(t, quote == '"' ? toml_multiline_string(t)
                                              : toml_multiline_raw_string(t));
        }
        toml_backup(t);
    }
    toml_ignore(t);
    return text_value(t, quote == '"' ? toml_string(t) : toml_raw_string(t));
}

static value read_word(struct toml *t, uint32_t r)
{
    if ((r == 'i' || r == 'n') && ((toml_accept(t, 'n') && toml_accept(t, 'f')) ||
                                   (toml_accept(t, 'a') && toml_accept(t, 'n'))))
        return toml_float(t, toml_token(t));
    if (t->failed)
        return VALUE_ABSENT;
    toml_backup(t);
    value v = r == TOML_EOF ? VALUE_ABSENT : toml_bool(t);
    if (value_exists(v) || t->failed)
        return v;
    toml_next(t);
    if (r == TOML_EOF)
        toml_fail_here(t, "unexpected EOF; expected value");
    str q = toml_quoted_rune(t, r);
    toml_fail(t, r == '\n' ? t->line - 1 : t->line, "expected value but found %.*s instead",
              STR_FMT(q));
    return VALUE_ABSENT;
}

static value read_scalar(struct toml *t, uint32_t r)
{
    if (toml_is_digit(r)) {
        toml_backup(t);
        return toml_number_or_date(t);
    }
    switch (r) {
    case '"':
    case '\'': return read_quoted(t, r);
    case '-':
    case '+': return toml_signed_number(t);
    case '.': toml_fail_here(t, "floats must start with a digit, not '.'"); return VALUE_ABSENT;
    default: return read_word(t, r);
    }
}

static value read_value(struct toml *t, bool in_array)
{
    uint32_t r;
    while (toml_is_blank(r = toml_next(t)))
        toml_ignore(t);
    if (r != '[' && r != '{')
        return t->failed ? VALUE_ABSENT : read_scalar(t, r);
    if (t->depth >= TOML_DEPTH_MAX) {
        too_deep(t, "nested deeper than %d levels", TOML_DEPTH_MAX);
        return VALUE_ABSENT;
    }
    t->depth++;
    value v = r == '[' ? read_array(t) : read_inline_table(t, in_array);
    t->depth--;
    return v;
}

/* ---- lines ---- */

static void read_comment(struct toml *t)
{
    uint32_t r;
    while (!toml_is_newline(r = toml_next(t)) && r != TOML_EOF)
        ;
    toml_backup(t);
}

static void end_line(struct toml *t)
{
    for (;;) {
        uint32_t r = toml_next(t);
        if (toml_is_blank(r))
            continue;
        if (r == '#')
            read_comment(t);
        else if (!toml_is_newline(r) && r != TOML_EOF)
            toml_fail_here(
                t,
                "expected a top-level item to end with a newline, comment, or EOF, but got %.*s "
                "instead",
                STR_FMT(toml_quoted_rune(t, r)));
        toml_ignore(t);
        return;
    }
}

/* Behind the opening bracket. */
static void read_header(struct toml *t)
{
    struct key k = {.n = 0};
    bool array = toml_accept(t, '[');
    uint32_t r = '.';
    while (r == '.' && !t->failed) {
        toml_ignore(t);
        toml_skip_blanks(t);
        r = toml_peek(t);
        if (r == ']' || r == TOML_EOF)
            toml_fail_here(t, "unexpected end of table name (table names cannot be empty)");
        if (r == '.')
            toml_fail_here(t, "unexpected table separator (table names cannot be empty)");
        add_part(t, &k, r);
        toml_skip_blanks(t);
        r = toml_next(t);
        if (r != '.' && r != ']')
            toml_fail_here(t, "expected '.' or ']' to end table name, but got %.*s instead",
                           STR_FMT(toml_quoted_rune(t, r)));
    }
    if (array && !t->failed && (r = toml_next(t)) != ']')
        toml_fail_here(t, "expected end of table array name delimiter ']', but got %.*s instead",
                       STR_FMT(toml_quoted_rune(t, r)));
    if (t->failed)
        return;
    add_context(t, k.part, k.n, array);
    if (!t->failed)
        set_type(t, STR(""), false);
}

static void read_lines(struct toml *t)
{
    while (!t->failed) {
        uint32_t r = toml_next(t);
        if (r == TOML_EOF)
            return;
        if (r == '#') {
            read_comment(t);
        } else if (r == '[') {
            read_header(t);
            end_line(t);
        } else if (!toml_is_blank(r) && !toml_is_newline(r) && !t->failed) {
            size_t context = t->n_context;
            toml_backup(t);
            read_pair(t, VALUE_ABSENT);
            if (t->failed)
                return;
            t->n_context = context;
            t->key = STR("");
            end_line(t);
        }
        toml_ignore(t);
    }
}

static str without_bom(str s)
{
    if (str_starts(s, STR("\xff\xfe")) || str_starts(s, STR("\xfe\xff")))
        return str_from(s, 2);
    return str_starts(s, STR("\xef\xbb\xbf")) ? str_from(s, 3) : s;
}

int toml_parse(str text, struct arena *a, value *ret, struct err *err)
{
    str in = without_bom(text);
    struct err scratch;
    if (text.len > TOML_BYTES_MAX)
        return err_set(err, ERR_TOO_LARGE, "toml: text of %zu bytes is larger than %zu", text.len,
                       TOML_BYTES_MAX);
    if (str_find_char(str_sub(in, 0, 6), 0) >= 0)
        return err_set(err, ERR_INVALID,
                       "toml: line 1: files cannot contain NULL bytes; probably using UTF-16; TOML "
                       "files must be UTF-8");
    struct toml *t = ARENA_NEW(a, struct toml);
    t->in = in.at ? in : STR("");
    t->line = 1;
    t->arena = a;
    t->err = err ? err : &scratch;
    t->key = STR("");
    t->root = value_new_map(a);
    map_init(&t->names.child, a);
    read_lines(t);
    if (t->failed)
        return -t->err->kind;
    *ret = t->root;
    return 0;
}
