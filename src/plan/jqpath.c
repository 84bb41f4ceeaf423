#include "plan/jqpath.h"

#include <stdlib.h>

#include "value/json.h"

/* An expression is a tree; evaluating it against a value yields a stream of outputs, each with the
 * path it stands at (or none, for computed values). Deleting collects the paths and removes them
 * back to front. */
enum node_kind {
    NODE_IDENTITY,
    NODE_KEY,   /* text */
    NODE_INDEX, /* number */
    NODE_ITERATE,
    NODE_RECURSE,
    NODE_TRY,  /* x? */
    NODE_PIPE, /* x | y, and .a.b as a chain */
    NODE_COMMA,
    NODE_LITERAL,
    NODE_CALL,    /* text, x: argument or NULL */
    NODE_COMPARE, /* text: operator */
    NODE_AND,
    NODE_OR,
};

struct node {
    enum node_kind kind;
    str text;
    int64_t number;
    value literal;
    const struct node *x, *y;
};

struct jqpath {
    const struct node *root;
};

/* ---- parser ---- */

struct parser {
    str text; /* "del(" expression ")" */
    size_t at;
    int depth;
    struct arena *a;
    struct err *err;
};

enum call_kind {
    CALL_SELECT,
    CALL_NOT,
    CALL_HAS,
    CALL_STARTSWITH,
    CALL_ENDSWITH,
    CALL_CONTAINS,
    CALL_LENGTH,
    CALL_TYPE,
    CALL_KEYS,
    CALL_TO_ENTRIES,
    CALL_EMPTY,
    CALL_NONE
};
static const struct {
    const char *name;
    int args;
} calls[] = {
    [CALL_SELECT] = {"select", 1},     [CALL_NOT] = {"not", 0},
    [CALL_HAS] = {"has", 1},           [CALL_STARTSWITH] = {"startswith", 1},
    [CALL_ENDSWITH] = {"endswith", 1}, [CALL_CONTAINS] = {"contains", 1},
    [CALL_LENGTH] = {"length", 0},     [CALL_TYPE] = {"type", 0},
    [CALL_KEYS] = {"keys", 0},         [CALL_TO_ENTRIES] = {"to_entries", 0},
    [CALL_EMPTY] = {"empty", 0},
};

static struct node *node_new(struct parser *p, enum node_kind kind, const struct node *x,
                             const struct node *y)
{
    struct node *n = ARENA_NEW(p->a, struct node);
    n->kind = kind;
    n->x = x;
    n->y = y;
    return n;
}

static void blanks(struct parser *p)
{
    while (p->at < p->text.len &&
           (p->text.at[p->at] == ' ' || p->text.at[p->at] == '\t' || p->text.at[p->at] == '\n'))
        p->at++;
}

static int peek(struct parser *p)
{
    blanks(p);
    return p->at < p->text.len ? (unsigned char)p->text.at[p->at] : -1;
}

static bool take(struct parser *p, const char *word)
{
    blanks(p);
    str w = str_of(word);
    if (!str_starts(str_from(p->text, p->at), w))
        return false;
    p->at += w.len;
    return true;
}

static bool is_name(int c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

static str name_take(struct parser *p)
{
    size_t from = p->at;
    while (p->at < p->text.len && is_name((unsigned char)p->text.at[p->at]))
        p->at++;
    return str_sub(p->text, from, p->at - from);
}

static bool word_take(struct parser *p, const char *word)
{
    blanks(p);
    size_t from = p->at;
    if (str_is(name_take(p), word))
        return true;
    p->at = from;
    return false;
}

static int unexpected(struct parser *p)
{
    int c = peek(p);
    if (c < 0)
        return err_set(p->err, ERR_INVALID, "unexpected EOF");
    str token = is_name(c) ? name_take(p) : str_sub(p->text, p->at, 1);
    return err_set(p->err, ERR_INVALID, "unexpected token \"%.*s\"", STR_FMT(token));
}

static int parse_pipe(struct parser *p, const struct node **ret);

static int parse_string(struct parser *p, str *ret)
{
    size_t from = p->at++;
    while (p->at < p->text.len && p->text.at[p->at] != '"')
        p->at += p->text.at[p->at] == '\\' ? 2 : 1;
    if (p->at >= p->text.len)
        return err_set(p->err, ERR_INVALID, "unterminated string literal");
    str quoted = str_sub(p->text, from, ++p->at - from);
    value v;
    if (str_find(quoted, STR("\\(")) >= 0)
        return err_set(p->err, ERR_UNSUPPORTED, "jq string interpolation is not supported here");
    int rc = json_parse(quoted, NULL, p->a, &v, p->err);
    if (rc)
        return rc;
    *ret = value_str(v);
    return 0;
}

static int parse_bracket(struct parser *p, const struct node **ret)
{
    struct node *n;
    if (take(p, "]")) {
        *ret = node_new(p, NODE_ITERATE, NULL, NULL);
        return 0;
    }
    int c = peek(p);
    if (c == '"') {
        n = node_new(p, NODE_KEY, NULL, NULL);
        int rc = parse_string(p, &n->text);
        if (rc)
            return rc;
    } else if (c == '-' || (c >= '0' && c <= '9')) {
        n = node_new(p, NODE_INDEX, NULL, NULL);
        size_t from = p->at++;
        name_take(p);
        if (!str_to_i64(str_sub(p->text, from, p->at - from), &n->number))
            return err_set(p->err, ERR_INVALID, "unexpected token \"%.*s\"",
                           STR_FMT(str_sub(p->text, from, p->at - from)));
    } else if (c == '.' || c == '$' || c == '(' || (is_name(c) && c > '9')) {
        return err_set(p->err, ERR_UNSUPPORTED, "computed jq indices are not supported here");
    } else {
        return unexpected(p);
    }
    if (peek(p) == ':')
        return err_set(p->err, ERR_UNSUPPORTED, "jq slices are not supported here");
    if (!take(p, "]"))
        return unexpected(p);
    *ret = n;
    return 0;
}

/* What may follow a term: .name, ."x", [..], ?. */
static int parse_suffixes(struct parser *p, const struct node **io)
{
    for (;;) {
        const struct node *next = NULL;
        int c = peek(p), rc;
        if (c == '?') {
            p->at++;
            *io = node_new(p, NODE_TRY, *io, NULL);
            continue;
        }
        if (c == '[') {
            p->at++;
            if ((rc = parse_bracket(p, &next)))
                return rc;
        } else if (c == '.') {
            p->at++;
            c = p->at < p->text.len ? (unsigned char)p->text.at[p->at] : -1;
            if (c == '[')
                continue;
            struct node *key = node_new(p, NODE_KEY, NULL, NULL);
            if (c == '"') {
                if ((rc = parse_string(p, &key->text)))
                    return rc;
            } else if (!is_name(c) || !(key->text = name_take(p)).len) {
                return unexpected(p);
            }
            next = key;
        } else {
            return 0;
        }
        *io = node_new(p, NODE_PIPE, *io, next);
    }
}

static int parse_dot(struct parser *p, const struct node **ret)
{
    if (take(p, "..")) {
        *ret = node_new(p, NODE_RECURSE, NULL, NULL);
        return 0;
    }
    *ret = node_new(p, NODE_IDENTITY, NULL, NULL);
    int c = p->at + 1 < p->text.len ? (unsigned char)p->text.at[p->at + 1] : -1;
    if (c != '"' && !(is_name(c) && !(c >= '0' && c <= '9')))
        p->at++; /* a lone dot, or .[ */
    return 0;
}

static int parse_call(struct parser *p, str name, const struct node **ret)
{
    static const char *const words[] = {"true", "false", "null"};
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (!str_is(name, words[i]))
            continue;
        struct node *n = node_new(p, NODE_LITERAL, NULL, NULL);
        n->literal = i == 2 ? value_null(p->a) : value_of_bool(p->a, i == 0);
        *ret = n;
        return 0;
    }
    for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
        if (!str_is(name, calls[i].name))
            continue;
        struct node *n = node_new(p, NODE_CALL, NULL, NULL);
        n->number = (int64_t)i;
        if (calls[i].args) {
            int rc;
            if (!take(p, "("))
                return unexpected(p);
            if ((rc = parse_pipe(p, &n->x)))
                return rc;
            if (!take(p, ")"))
                return unexpected(p);
        }
        *ret = n;
        return 0;
    }
    return err_set(p->err, ERR_UNSUPPORTED, "jq function %.*s is not supported here",
                   STR_FMT(name));
}

static int parse_number(struct parser *p, const struct node **ret)
{
    size_t from = p->at++;
    while (p->at < p->text.len &&
           (is_name((unsigned char)p->text.at[p->at]) || p->text.at[p->at] == '.'))
        p->at++;
    struct node *n = node_new(p, NODE_LITERAL, NULL, NULL);
    *ret = n;
    return json_parse(str_sub(p->text, from, p->at - from), NULL, p->a, &n->literal, p->err);
}

static int parse_term(struct parser *p, const struct node **ret)
{
    int c = peek(p), rc;
    if (c == '.') {
        rc = parse_dot(p, ret);
    } else if (c == '(') {
        p->at++;
        rc = parse_pipe(p, ret);
        if (!rc && !take(p, ")"))
            rc = unexpected(p);
    } else if (c == '"') {
        struct node *n = node_new(p, NODE_LITERAL, NULL, NULL);
        str text = STR("");
        rc = parse_string(p, &text);
        n->literal = value_of_str(p->a, text);
        *ret = n;
    } else if (c == '-' || (c >= '0' && c <= '9')) {
        rc = parse_number(p, ret);
    } else if (is_name(c)) {
        rc = parse_call(p, name_take(p), ret);
    } else if (c == '$' || c == '[' || c == '{' || c == '@') {
        rc = err_set(p->err, ERR_UNSUPPORTED, "jq syntax '%c' is not supported here", c);
    } else {
        rc = unexpected(p);
    }
    return rc ? rc : parse_suffixes(p, ret);
}

static int parse_compare(struct parser *p, const struct node **ret)
{
    static const char *const operators[] = {"==", "!=", "<=", ">=", "<", ">"};
    static const char *const others[] = {"+", "-", "*", "/", "%", "//", "=", "|="};
    int rc = parse_term(p, ret);
    if (rc)
        return rc;
    for (size_t i = 0; i < ARRAY_LEN(operators); i++) {
        if (!take(p, operators[i]))
            continue;
        const struct node *right;
        if ((rc = parse_term(p, &right)))
            return rc;
        struct node *n = node_new(p, NODE_COMPARE, *ret, right);
        n->text = str_of(operators[i]);
        *ret = n;
        return 0;
    }
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        if (take(p, others[i]))
            return err_set(p->err, ERR_UNSUPPORTED, "jq operator %s is not supported here",
                           others[i]);
    return 0;
}

static int parse_and(struct parser *p, const struct node **ret)
{
    int rc = parse_compare(p, ret);
    while (!rc && word_take(p, "and")) {
        const struct node *right;
        if (!(rc = parse_compare(p, &right)))
            *ret = node_new(p, NODE_AND, *ret, right);
    }
    return rc;
}

static int parse_or(struct parser *p, const struct node **ret)
{
    int rc = parse_and(p, ret);
    while (!rc && word_take(p, "or")) {
        const struct node *right;
        if (!(rc = parse_and(p, &right)))
            *ret = node_new(p, NODE_OR, *ret, right);
    }
    return rc;
}

static int parse_comma(struct parser *p, const struct node **ret)
{
    int rc = parse_or(p, ret);
    while (!rc && take(p, ",")) {
        const struct node *right;
        if (!(rc = parse_or(p, &right)))
            *ret = node_new(p, NODE_COMMA, *ret, right);
    }
    return rc;
}

static int parse_pipe(struct parser *p, const struct node **ret)
{
    if (++p->depth > JQPATH_DEPTH_MAX)
        return err_set(p->err, ERR_TOO_LARGE, "jq expression is nested deeper than %d",
                       JQPATH_DEPTH_MAX);
    int rc = parse_comma(p, ret);
    if (!rc && take(p, "|")) {
        const struct node *right;
        if (!(rc = parse_pipe(p, &right)))
            *ret = node_new(p, NODE_PIPE, *ret, right);
    }
    p->depth--;
    return rc;
}

int jqpath_compile(str text, struct arena *a, struct jqpath **ret, struct err *err)
{
    if (text.len > JQPATH_BYTES_MAX)
        return err_set(err, ERR_TOO_LARGE, "jq expression is longer than %d bytes",
                       JQPATH_BYTES_MAX);
    struct parser p = {.text = ARENA_CAT(a, STR("del("), text, STR(")")),
                       .at = 4,
                       .a = a,
                       .err = err};
    const struct node *root;
    int rc = parse_pipe(&p, &root);
    if (rc)
        return rc;
    if (!take(&p, ")"))
        return unexpected(&p);
    if (peek(&p) >= 0)
        return unexpected(&p);
    struct jqpath *program = ARENA_NEW(a, struct jqpath);
    program->root = root;
    *ret = program;
    return 0;
}

/* ---- evaluation ---- */

struct step {
    const struct step *up; /* NULL: the root */
    bool key;
    str name;
    int64_t index;
};

struct output {
    value v;
    const struct step *path;
    bool computed; /* not a path */
};

typedef VEC(struct output) outputs;

struct run {
    struct arena *a;
    struct err *err;
    long steps;
};

static int eval(struct run *r, const struct node *n, const struct output *in, outputs *out);

static const struct step *step_new(struct run *r, const struct step *up, bool key, str name,
                                   int64_t index)
{
    struct step *s = ARENA_NEW(r->a, struct step);
    *s = (struct step){up, key, name, index};
    return s;
}

static const char *type_name(value v)
{
    switch (value_type(v)) {
    case VALUE_NONE:
    case VALUE_NULL: return "null";
    case VALUE_BOOL: return "boolean";
    case VALUE_STRING: return "string";
    case VALUE_LIST: return "array";
    case VALUE_MAP: return "object";
    default: return "number";
    }
}

static int refuse(struct run *r, const char *what, value v)
{
    return err_set(r->err, ERR_UNPROCESSABLE, "JQ patch returned error: cannot %s: %s", what,
                   type_name(v));
}

static int eval_key(struct run *r, const struct node *n, const struct output *in, outputs *out)
{
    if (!value_is_map(in->v) && !value_is_nil(in->v))
        return refuse(r, "index with a key", in->v);
    vec_push(r->a, out,
             (struct output){value_get(in->v, n->text), step_new(r, in->path, true, n->text, 0),
                             in->computed});
    return 0;
}

static int eval_index(struct run *r, const struct node *n, const struct output *in, outputs *out)
{
    if (!value_is_list(in->v) && !value_is_nil(in->v))
        return refuse(r, "index with a number", in->v);
    int64_t len = (int64_t)value_len(in->v), i = n->number < 0 ? n->number + len : n->number;
    value v = i >= 0 && i < len ? value_at(in->v, (size_t)i) : VALUE_ABSENT;
    vec_push(r->a, out, (struct output){v, step_new(r, in->path, false, STR(""), i), in->computed});
    return 0;
}

static int eval_iterate(struct run *r, const struct output *in, outputs *out)
{
    if (!value_is_map(in->v) && !value_is_list(in->v))
        return refuse(r, "iterate over", in->v);
    bool map = value_is_map(in->v);
    for (struct value_iter it = value_iter(in->v); value_next(&it);)
        vec_push(r->a, out,
                 (struct output){it.val, step_new(r, in->path, map, it.key, (int64_t)it.i),
                                 in->computed});
    return 0;
}

static int eval_recurse(struct run *r, const struct output *in, outputs *out)
{
    if (++r->steps > JQPATH_STEPS_MAX)
        return err_set(r->err, ERR_UNPROCESSABLE, "JQ patch execution timed out");
    vec_push(r->a, out, *in);
    if (!value_is_map(in->v) && !value_is_list(in->v))
        return 0;
    outputs each = {0};
    int rc = eval_iterate(r, in, &each);
    for (size_t i = 0; !rc && i < each.n; i++)
        rc = eval_recurse(r, &each.at[i], out);
    return rc;
}

static bool truth(value v)
{
    return !value_is_nil(v) && !(value_type(v) == VALUE_BOOL && !value_bool(v));
}

static int push_computed(struct run *r, value v, outputs *out)
{
    vec_push(r->a, out, (struct output){v, NULL, true});
    return 0;
}

/* First output of a condition or argument; absent when there is none. */
static int eval_first(struct run *r, const struct node *n, const struct output *in, value *ret)
{
    outputs each = {0};
    struct output computed = {in->v, NULL, true};
    int rc = eval(r, n, &computed, &each);
    *ret = !rc && each.n ? each.at[0].v : VALUE_ABSENT;
    return rc;
}

static int rank(value v) /* jq's order of types */
{
    switch (value_type(v)) {
    case VALUE_NONE:
    case VALUE_NULL: return 0;
    case VALUE_BOOL: return value_bool(v) ? 2 : 1;
    case VALUE_STRING: return 4;
    case VALUE_LIST: return 5;
    case VALUE_MAP: return 6;
    default: return 3;
    }
}

static int value_order(value x, value y)
{
    int rx = rank(x), ry = rank(y);
    if (rx != ry)
        return rx < ry ? -1 : 1;
    if (rx == 3) {
        double dx = value_double(x), dy = value_double(y);
        return dx < dy ? -1 : dx > dy;
    }
    return rx == 4 ? str_cmp(value_str(x), value_str(y)) : 0;
}

static bool equal(value x, value y)
{
    return value_is_nil(x) || value_is_nil(y) ? value_is_nil(x) && value_is_nil(y)
                                              : value_equal(x, y);
}

static int eval_compare(struct run *r, const struct node *n, const struct output *in, outputs *out)
{
    value x, y;
    int rc = eval_first(r, n->x, in, &x);
    if (!rc)
        rc = eval_first(r, n->y, in, &y);
    if (rc)
        return rc;
    bool yes;
    if (n->text.at[1 % n->text.len] == '=' && (n->text.at[0] == '=' || n->text.at[0] == '!')) {
        yes = equal(x, y) == (n->text.at[0] == '=');
    } else {
        int order = value_order(x, y);
        bool or_equal = n->text.len == 2;
        yes = (n->text.at[0] == '<' ? order < 0 : order > 0) || (or_equal && !order);
    }
    return push_computed(r, value_of_bool(r->a, yes), out);
}

static bool contains(value x, value y)
{
    if (value_is_string(x) && value_is_string(y))
        return str_has(value_str(x), value_str(y));
    if (value_is_map(x) && value_is_map(y)) {
        for (struct value_iter it = value_iter(y); value_next(&it);)
            if (!value_exists(value_get(x, it.key)) || !contains(value_get(x, it.key), it.val))
                return false;
        return true;
    }
    if (value_is_list(x) && value_is_list(y)) {
        for (struct value_iter it = value_iter(y); value_next(&it);) {
            bool found = false;
            for (struct value_iter in = value_iter(x); value_next(&in) && !found;)
                found = contains(in.val, it.val);
            if (!found)
                return false;
        }
        return true;
    }
    return equal(x, y);
}

static value keys_of(struct run *r, value v)
{
    value list = value_new_list(r->a), sorted = value_copy(r->a, v);
    if (value_is_map(sorted))
        value_sort_keys(r->a, sorted, false);
    for (struct value_iter it = value_iter(sorted); value_next(&it);)
        value_push(r->a, list,
                   value_is_map(v) ? value_of_str(r->a, it.key)
                                   : value_of_int(r->a, (int64_t)it.i));
    return list;
}

static value entries_of(struct run *r, value v)
{
    value list = value_new_list(r->a);
    for (struct value_iter it = value_iter(v); value_next(&it);) {
        value entry = value_new_map(r->a);
        value_set_str(r->a, entry, "key", it.key);
        value_setz(r->a, entry, "value", it.val);
        value_push(r->a, list, entry);
    }
    return list;
}

static int eval_function(struct run *r, enum call_kind call, value v, value arg, outputs *out)
{
    bool text = value_is_string(v) && value_is_string(arg);
    switch (call) {
    case CALL_NOT: return push_computed(r, value_of_bool(r->a, !truth(v)), out);
    case CALL_HAS:
        if (value_is_map(v) && value_is_string(arg))
            return push_computed(r, value_of_bool(r->a, value_exists(value_get(v, value_str(arg)))),
                                 out);
        if (value_is_list(v) && value_is_number(arg))
            return push_computed(r,
                                 value_of_bool(r->a, value_int(arg) >= 0 &&
                                                         (size_t)value_int(arg) < value_len(v)),
                                 out);
        return refuse(r, "check whether there is a key in", v);
    case CALL_STARTSWITH:
    case CALL_ENDSWITH:
        if (!text)
            return refuse(r, "startswith/endswith", v);
        return push_computed(r,
                             value_of_bool(r->a, call == CALL_STARTSWITH
                                                     ? str_starts(value_str(v), value_str(arg))
                                                     : str_ends(value_str(v), value_str(arg))),
                             out);
    case CALL_CONTAINS: return push_computed(r, value_of_bool(r->a, contains(v, arg)), out);
    case CALL_LENGTH:
        return push_computed(r,
                             value_of_int(r->a, value_is_string(v) ? (int64_t)value_str(v).len
                                                                   : (int64_t)value_len(v)),
                             out);
    case CALL_TYPE: return push_computed(r, value_of_str(r->a, str_of(type_name(v))), out);
    case CALL_KEYS: return push_computed(r, keys_of(r, v), out);
    case CALL_TO_ENTRIES: return push_computed(r, entries_of(r, v), out);
    default: return 0; /* empty */
    }
}

static int eval_call(struct run *r, const struct node *n, const struct output *in, outputs *out)
{
    value arg = VALUE_ABSENT;
    int rc = n->x ? eval_first(r, n->x, in, &arg) : 0;
    if (rc)
        return rc;
    if (n->number != CALL_SELECT)
        return eval_function(r, (enum call_kind)n->number, in->v, arg, out);
    if (truth(arg))
        vec_push(r->a, out, *in);
    return 0;
}

static int eval_both(struct run *r, const struct node *n, const struct output *in, outputs *out)
{
    value x, y;
    int rc = eval_first(r, n->x, in, &x);
    if (rc)
        return rc;
    bool yes = truth(x);
    if (yes == (n->kind == NODE_AND)) {
        if ((rc = eval_first(r, n->y, in, &y)))
            return rc;
        yes = truth(y);
    }
    return push_computed(r, value_of_bool(r->a, yes), out);
}

static int eval_pipe(struct run *r, const struct node *n, const struct output *in, outputs *out)
{
    outputs each = {0};
    int rc = eval(r, n->x, in, &each);
    for (size_t i = 0; !rc && i < each.n; i++)
        rc = eval(r, n->y, &each.at[i], out);
    return rc;
}

static int eval(struct run *r, const struct node *n, const struct output *in, outputs *out)
{
    if (++r->steps > JQPATH_STEPS_MAX)
        return err_set(r->err, ERR_UNPROCESSABLE, "JQ patch execution timed out");
    switch (n->kind) {
    case NODE_IDENTITY: vec_push(r->a, out, *in); return 0;
    case NODE_KEY: return eval_key(r, n, in, out);
    case NODE_INDEX: return eval_index(r, n, in, out);
    case NODE_ITERATE: return eval_iterate(r, in, out);
    case NODE_RECURSE: return eval_recurse(r, in, out);
    case NODE_TRY: {
        int rc = eval(r, n->x, in, out);
        return rc == -ERR_UNPROCESSABLE ? 0 : rc;
    }
    case NODE_PIPE: return eval_pipe(r, n, in, out);
    case NODE_COMMA: {
        int rc = eval(r, n->x, in, out);
        return rc ? rc : eval(r, n->y, in, out);
    }
    case NODE_LITERAL: return push_computed(r, n->literal, out);
    case NODE_CALL: return eval_call(r, n, in, out);
    case NODE_COMPARE: return eval_compare(r, n, in, out);
    case NODE_AND:
    case NODE_OR: return eval_both(r, n, in, out);
    }
    return 0;
}

/* ---- deletion ---- */

struct flat_path {
    const struct step *step[JQPATH_DEPTH_MAX * 4];
    size_t n;
};

static bool flatten(const struct step *s, struct flat_path *ret)
{
    size_t n = 0;
    for (const struct step *p = s; p; p = p->up)
        n++;
    if (n > ARRAY_LEN(ret->step))
        return false;
    ret->n = n;
    for (const struct step *p = s; p; p = p->up)
        ret->step[--n] = p;
    return true;
}

static value remove_path(struct arena *a, value v, const struct step *const *step, size_t n)
{
    value child = step[0]->key ? value_get(v, step[0]->name)
                  : step[0]->index >= 0 && (size_t)step[0]->index < value_len(v)
                      ? value_at(v, (size_t)step[0]->index)
                      : VALUE_ABSENT;
    if (!value_exists(child))
        return v;
    value edited = value_edit(a, v);
    if (n > 1) {
        value inner = remove_path(a, child, step + 1, n - 1);
        if (step[0]->key)
            value_set(a, edited, step[0]->name, inner);
        else
            value_put(a, edited, (size_t)step[0]->index, inner);
    } else if (step[0]->key) {
        value_remove(edited, step[0]->name);
    } else {
        value_remove_at(edited, (size_t)step[0]->index);
    }
    return edited;
}

/* Later list elements first, so that the indices of the others stay right. */
static int path_cmp(const void *x, const void *y)
{
    struct flat_path p, q;
    if (!flatten(((const struct output *)x)->path, &p) ||
        !flatten(((const struct output *)y)->path, &q))
        return 0;
    for (size_t i = 0; i < p.n && i < q.n; i++) {
        const struct step *s = p.step[i], *t = q.step[i];
        if (s->key != t->key)
            return s->key ? -1 : 1;
        int c = s->key ? str_cmp(s->name, t->name) : (s->index > t->index) - (s->index < t->index);
        if (c)
            return -c;
    }
    return p.n == q.n ? 0 : p.n > q.n ? -1 : 1;
}

int jqpath_delete(const struct jqpath *p, value document, struct arena *a, value *ret,
                  struct err *err)
{
    struct run r = {a, err, 0};
    outputs paths = {0};
    struct output root = {document, NULL, false};
    int rc = eval(&r, p->root, &root, &paths);
    if (rc)
        return rc;
    for (size_t i = 0; i < paths.n; i++) {
        struct flat_path flat;
        if (paths.at[i].computed)
            return err_set(err, ERR_UNPROCESSABLE,
                           "JQ patch returned error: invalid path against: %s",
                           type_name(paths.at[i].v));
        if (!flatten(paths.at[i].path, &flat))
            return err_set(err, ERR_UNPROCESSABLE, "JQ patch returned error: the path is too deep");
    }
    if (paths.n)
        qsort(paths.at, paths.n, sizeof(*paths.at), path_cmp);
    value v = document;
    for (size_t i = 0; i < paths.n; i++) {
        struct flat_path flat;
        if (flatten(paths.at[i].path, &flat) && flat.n)
            v = remove_path(a, v, flat.step, flat.n);
    }
    *ret = v;
    return 0;
}
