/* plan/jqpath_parse.c: text to tree; see jqpath.h. */
#include "plan/jqpath_node.h"

#include <stdlib.h>

#include "value/json.h"

struct parser {
    str text; /* "del(" expression ")" */
    size_t at;
    int depth;
    struct arena *a;
    struct err *err;
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
