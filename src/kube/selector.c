/* kube/selector.c: a lexer and a recursive descent parser after apimachinery's, so that each text
 * it refuses is refused with the same words. */
#include "kube/selector.h"

#include <inttypes.h>

#include "kube/names.h"

enum token {
    T_ERROR,
    T_END,
    T_CLOSE,
    T_COMMA,
    T_NOT,
    T_EQ_EQ,
    T_EQ,
    T_GT,
    T_WORD,
    T_IN,
    T_LT,
    T_NEQ,
    T_NOT_IN,
    T_OPEN,
};

static const struct {
    str text;
    enum token token;
} token_table[] = {
    {STR_INIT(")"), T_CLOSE},      {STR_INIT(","), T_COMMA}, {STR_INIT("!"), T_NOT},
    {STR_INIT("=="), T_EQ_EQ},     {STR_INIT("="), T_EQ},    {STR_INIT(">"), T_GT},
    {STR_INIT("in"), T_IN},        {STR_INIT("<"), T_LT},    {STR_INIT("!="), T_NEQ},
    {STR_INIT("notin"), T_NOT_IN}, {STR_INIT("("), T_OPEN},
};

struct lexeme {
    enum token token;
    str text;
};

typedef VEC(str) str_vec;

struct parser {
    struct arena *a;
    str text;
    size_t pos;
    VEC(struct lexeme) lexeme;
    size_t at;
    struct err *err;
};

static bool is_special(char c) { return c && strchr("=!(),><", c); }
static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

static enum token token_of(str s)
{
    for (size_t i = 0; i < ARRAY_LEN(token_table); i++)
        if (str_eq(token_table[i].text, s))
            return token_table[i].token;
    return T_ERROR;
}

/* The longest operator at pos; apimachinery stops at the first byte that makes a known one unknown.
 */
static struct lexeme lex_special(struct parser *p)
{
    size_t start = p->pos, end = start;
    struct lexeme last = {T_ERROR, STR("")};
    while (end < p->text.len && is_special(p->text.at[end])) {
        str s = str_sub(p->text, start, end - start + 1);
        enum token t = token_of(s);
        if (t != T_ERROR)
            last = (struct lexeme){t, s};
        else if (last.token != T_ERROR)
            break;
        end++;
    }
    p->pos = end;
    if (last.token == T_ERROR)
        last.text = arena_printf(p->a, "error expected: keyword found '%.*s'",
                                 STR_FMT(str_sub(p->text, start, end - start)));
    return last;
}

static struct lexeme lex(struct parser *p)
{
    while (p->pos < p->text.len && is_blank(p->text.at[p->pos]))
        p->pos++;
    if (p->pos >= p->text.len)
        return (struct lexeme){T_END, STR("")};
    if (is_special(p->text.at[p->pos]))
        return lex_special(p);
    size_t start = p->pos;
    while (p->pos < p->text.len && !is_special(p->text.at[p->pos]) &&
           !is_blank(p->text.at[p->pos]) && p->text.at[p->pos])
        p->pos++;
    str s = str_sub(p->text, start, p->pos - start);
    enum token t = token_of(s);
    return (struct lexeme){t == T_ERROR ? T_WORD : t, s};
}

static void scan(struct parser *p)
{
    /* A NUL byte ends the text, as in the Go lexer. */
    ptrdiff_t nul = str_find_char(p->text, '\0');
    if (nul >= 0)
        p->text.len = (size_t)nul;
    for (;;) {
        struct lexeme l = lex(p);
        vec_push(p->a, &p->lexeme, l);
        if (l.token == T_END)
            return;
    }
}

/* `in` and `notin` are operators only where one is expected. */
static struct lexeme look(const struct parser *p)
{
    struct lexeme l = p->lexeme.at[MIN_OF(p->at, p->lexeme.n - 1)];
    if (l.token == T_IN || l.token == T_NOT_IN)
        l.token = T_WORD;
    return l;
}

static struct lexeme take(struct parser *p)
{
    struct lexeme l = look(p);
    p->at++;
    return l;
}

static int expected(struct parser *p, str found, const char *what)
{
    return err_set(p->err, ERR_INVALID, "found '%.*s', expected: %s", STR_FMT(found), what);
}

static int check_key(struct parser *p, str key, const char *path)
{
    CLEANUP(buf_done) struct buf why = BUF_INIT;
    if (kube_is_label_key(key, "; ", &why))
        return 0;
    return err_set(p->err, ERR_INVALID, "%s: Invalid value: \"%.*s\": %.*s", path, STR_FMT(key),
                   STR_FMT(buf_str(&why)));
}

static int check_value(struct parser *p, str key, str v, size_t i)
{
    CLEANUP(buf_done) struct buf why = BUF_INIT;
    if (kube_is_label_value(v, "; ", &why))
        return 0;
    return err_set(p->err, ERR_INVALID, "values[%zu][%.*s]: Invalid value: \"%.*s\": %.*s", i,
                   STR_FMT(key), STR_FMT(v), STR_FMT(buf_str(&why)));
}

static void insert(struct arena *a, str_vec *v, str s)
{
    size_t i = 0;
    while (i < v->n && str_cmp(v->at[i], s) < 0)
        i++;
    if (i < v->n && str_eq(v->at[i], s))
        return;
    vec_push(a, v, s);
    memmove(v->at + i + 1, v->at + i, (v->n - 1 - i) * sizeof(str));
    v->at[i] = s;
}

static int parse_identifiers(struct parser *p, str_vec *v)
{
    for (;;) {
        struct lexeme l = take(p);
        if (l.token == T_WORD) {
            insert(p->a, v, l.text);
            struct lexeme next = look(p);
            if (next.token == T_COMMA)
                continue;
            return next.token == T_CLOSE ? 0 : expected(p, next.text, "',' or ')'");
        }
        if (l.token != T_COMMA)
            return expected(p, l.text, "',', or identifier");
        if (!v->n)
            insert(p->a, v, STR(""));
        enum token next = look(p).token;
        if (next == T_CLOSE || next == T_COMMA)
            insert(p->a, v, STR(""));
        if (next == T_CLOSE)
            return 0;
    }
}

static int parse_set(struct parser *p, str_vec *v)
{
    struct lexeme l = take(p);
    if (l.token != T_OPEN)
        return err_set(p->err, ERR_INVALID, "found '%.*s' expected: '('", STR_FMT(l.text));
    l = look(p);
    if (l.token == T_CLOSE) {
        take(p);
        insert(p->a, v, STR(""));
        return 0;
    }
    if (l.token != T_WORD && l.token != T_COMMA)
        return expected(p, l.text, "',', ')' or identifier");
    int rc = parse_identifiers(p, v);
    if (rc < 0)
        return rc;
    return take(p).token == T_CLOSE ? 0 : expected(p, l.text, "')'");
}

static int parse_exact(struct parser *p, str_vec *v)
{
    enum token t = look(p).token;
    if (t == T_END || t == T_COMMA) {
        insert(p->a, v, STR(""));
        return 0;
    }
    struct lexeme l = take(p);
    if (l.token != T_WORD)
        return expected(p, l.text, "identifier");
    insert(p->a, v, l.text);
    return 0;
}

static int parse_operator(struct parser *p, enum kube_selector_op *ret)
{
    static const struct {
        enum token token;
        enum kube_selector_op op;
    } table[] = {{T_IN, KUBE_OP_IN},  {T_EQ, KUBE_OP_EQ}, {T_EQ_EQ, KUBE_OP_EQ_EQ},
                 {T_GT, KUBE_OP_GT},  {T_LT, KUBE_OP_LT}, {T_NOT_IN, KUBE_OP_NOT_IN},
                 {T_NEQ, KUBE_OP_NEQ}};
    struct lexeme l = p->lexeme.at[MIN_OF(p->at, p->lexeme.n - 1)];
    p->at++;
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        if (table[i].token == l.token) {
            *ret = table[i].op;
            return 0;
        }
    }
    return expected(p, l.text, "in, notin, =, ==, !=, gt, lt");
}

static int check_values(struct parser *p, const struct kube_requirement *r)
{
    if (r->op == KUBE_OP_GT || r->op == KUBE_OP_LT) {
        int64_t i;
        if (!str_to_i64(r->value[0], &i))
            return err_set(p->err, ERR_INVALID,
                           "values[0]: Invalid value: \"%.*s\": for 'Gt', 'Lt' operators, the "
                           "value must be an integer",
                           STR_FMT(r->value[0]));
    }
    for (size_t i = 0; i < r->n_values; i++) {
        int rc = check_value(p, r->key, r->value[i], i);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static int parse_requirement(struct parser *p, struct kube_requirement *ret)
{
    struct kube_requirement r = {.op = KUBE_OP_EXISTS};
    struct lexeme l = take(p);
    bool negated = l.token == T_NOT;
    if (negated)
        l = take(p);
    if (l.token != T_WORD)
        return expected(p, l.text, "identifier");
    r.key = l.text;
    int rc = check_key(p, r.key, "<nil>");
    if (rc < 0)
        return rc;
    enum token next = look(p).token;
    if (negated)
        r.op = KUBE_OP_ABSENT;
    if (!negated && next != T_END && next != T_COMMA) {
        str_vec v = {0};
        rc = parse_operator(p, &r.op);
        if (rc == 0)
            rc = r.op == KUBE_OP_IN || r.op == KUBE_OP_NOT_IN ? parse_set(p, &v)
                                                              : parse_exact(p, &v);
        if (rc < 0)
            return rc;
        r.value = v.at;
        r.n_values = v.n;
        rc = check_values(p, &r);
        if (rc < 0)
            return rc;
    }
    *ret = r;
    return 0;
}

static int by_key(const void *a, const void *b)
{
    const struct kube_requirement *x = a, *y = b;
    int c = str_cmp(x->key, y->key);
    return c ? c : (int)x->op - (int)y->op;
}

typedef VEC(struct kube_requirement) requirement_vec;

static int parse_all(struct parser *p, requirement_vec *ret)
{
    for (;;) {
        struct lexeme l = look(p);
        if (l.token == T_END)
            return 0;
        if (l.token != T_WORD && l.token != T_NOT)
            return expected(p, l.text, "!, identifier, or 'end of string'");
        struct kube_requirement r;
        if (parse_requirement(p, &r) < 0)
            return err_wrap(p->err, "unable to parse requirement");
        vec_push(p->a, ret, r);
        l = take(p);
        if (l.token == T_END)
            return 0;
        if (l.token != T_COMMA)
            return expected(p, l.text, "',' or 'end of string'");
        l = look(p);
        if (l.token != T_WORD && l.token != T_NOT)
            return expected(p, l.text, "identifier after ','");
    }
}

int kube_label_selector_parse(str text, struct arena *a, struct kube_selector *ret, struct err *err)
{
    struct err local;
    if (text.len > KUBE_SELECTOR_BYTES_MAX)
        return err_set(err, ERR_TOO_LARGE, "a selector may have at most %zu bytes",
                       KUBE_SELECTOR_BYTES_MAX);
    struct parser p = {.a = a, .text = arena_str(a, text), .err = err ? err : &local};
    requirement_vec v = {0};
    scan(&p);
    int rc = parse_all(&p, &v);
    if (rc < 0)
        return rc;
    if (v.n)
        qsort(v.at, v.n, sizeof(*v.at), by_key);
    *ret = (struct kube_selector){.requirement = v.at, .n = v.n};
    return 0;
}

/* ---- selectors as objects ---- */

static void push_equal(struct arena *a, requirement_vec *v, str key, str text)
{
    str *one = ARENA_NEW(a, str);
    *one = arena_str(a, text);
    vec_push(a, v,
             (struct kube_requirement){.key = arena_str(a, key),
                                       .op = KUBE_OP_EQ,
                                       .value = one,
                                       .n_values = 1});
}

static int expression_of(value e, struct parser *p, requirement_vec *out)
{
    static const struct {
        const char *name;
        enum kube_selector_op op;
    } ops[] = {{"In", KUBE_OP_IN},
               {"NotIn", KUBE_OP_NOT_IN},
               {"Exists", KUBE_OP_EXISTS},
               {"DoesNotExist", KUBE_OP_ABSENT}};
    str_vec values = {0};
    str op = value_str(value_getz(e, "operator"));
    struct kube_requirement r = {.key = arena_str(p->a, value_str(value_getz(e, "key")))};
    size_t i = 0;
    while (i < ARRAY_LEN(ops) && !str_is(op, ops[i].name))
        i++;
    if (i == ARRAY_LEN(ops))
        return err_set(p->err, ERR_INVALID, "\"%.*s\" is not a valid label selector operator",
                       STR_FMT(op));
    r.op = ops[i].op;
    for (struct value_iter it = value_iter(value_getz(e, "values")); value_next(&it);)
        insert(p->a, &values, arena_str(p->a, value_str(it.val)));
    r.value = values.at;
    r.n_values = values.n;
    int rc = check_key(p, r.key, "key");
    if (rc < 0)
        return rc;
    if (r.op <= KUBE_OP_NOT_IN && !r.n_values)
        return err_set(p->err, ERR_INVALID,
                       "values: Invalid value: []: for 'in', 'notin' operators, values set "
                       "can't be empty");
    if (r.op > KUBE_OP_NOT_IN && r.n_values)
        return err_set(p->err, ERR_INVALID,
                       "values: Invalid value: values set must be empty for exists and does not "
                       "exist");
    rc = check_values(p, &r);
    if (rc < 0)
        return rc;
    vec_push(p->a, out, r);
    return 0;
}

int kube_label_selector_of(value selector, struct arena *a, struct kube_selector *ret,
                           struct err *err)
{
    struct err local;
    struct parser p = {.a = a, .err = err ? err : &local};
    requirement_vec v = {0};
    if (value_is_nil(selector)) {
        *ret = (struct kube_selector){.nothing = true};
        return 0;
    }
    for (struct value_iter it = value_iter(value_getz(selector, "matchLabels")); value_next(&it);)
        push_equal(a, &v, it.key, value_str(it.val));
    for (struct value_iter it = value_iter(value_getz(selector, "matchExpressions"));
         value_next(&it);) {
        int rc = expression_of(it.val, &p, &v);
        if (rc < 0)
            return rc;
    }
    if (v.n)
        qsort(v.at, v.n, sizeof(*v.at), by_key);
    *ret = (struct kube_selector){.requirement = v.at, .n = v.n};
    return 0;
}

void kube_label_selector_of_map(value map, struct arena *a, struct kube_selector *ret)
{
    requirement_vec v = {0};
    for (struct value_iter it = value_iter(map); value_next(&it);)
        push_equal(a, &v, it.key, value_str(it.val));
    if (v.n)
        qsort(v.at, v.n, sizeof(*v.at), by_key);
    *ret = (struct kube_selector){.requirement = v.at, .n = v.n};
}

/* ---- matching and printing ---- */

bool kube_selector_is_empty(const struct kube_selector *s) { return !s->n && !s->nothing; }

static bool has_value(const struct kube_requirement *r, str v)
{
    for (size_t i = 0; i < r->n_values; i++)
        if (str_eq(r->value[i], v))
            return true;
    return false;
}

static bool compares(const struct kube_requirement *r, str v)
{
    int64_t have, want;
    if (!str_to_i64(v, &have) || !str_to_i64(r->value[0], &want))
        return false;
    return r->op == KUBE_OP_GT ? have > want : have < want;
}

bool kube_selector_matches(const struct kube_selector *s, value labels)
{
    if (s->nothing)
        return false;
    for (size_t i = 0; i < s->n; i++) {
        const struct kube_requirement *r = &s->requirement[i];
        value v = value_get(labels, r->key);
        bool there = value_exists(v), ok = false;
        switch (r->op) {
        case KUBE_OP_EQ:
        case KUBE_OP_EQ_EQ:
        case KUBE_OP_IN: ok = there && has_value(r, value_str(v)); break;
        case KUBE_OP_NEQ:
        case KUBE_OP_NOT_IN: ok = !there || !has_value(r, value_str(v)); break;
        case KUBE_OP_EXISTS: ok = there; break;
        case KUBE_OP_ABSENT: ok = !there; break;
        case KUBE_OP_GT:
        case KUBE_OP_LT: ok = there && compares(r, value_str(v)); break;
        }
        if (!ok)
            return false;
    }
    return true;
}

static const char *const op_text[] = {"=", "==", "!=", " in ", " notin ", "", "", ">", "<"};

str kube_selector_str(struct arena *a, const struct kube_selector *s)
{
    CLEANUP(buf_done) struct buf b = BUF_INIT;
    for (size_t i = 0; i < s->n; i++) {
        const struct kube_requirement *r = &s->requirement[i];
        bool set = r->op == KUBE_OP_IN || r->op == KUBE_OP_NOT_IN;
        buf_addz(&b, i ? "," : "");
        buf_addz(&b, r->op == KUBE_OP_ABSENT ? "!" : "");
        buf_add(&b, r->key);
        buf_addz(&b, op_text[r->op]);
        buf_addz(&b, set ? "(" : "");
        for (size_t j = 0; j < r->n_values; j++) {
            buf_addz(&b, j ? "," : "");
            buf_add(&b, r->value[j]);
        }
        buf_addz(&b, set ? ")" : "");
    }
    return arena_str(a, buf_str(&b));
}

/* ---- field selectors ---- */

static int unescape(struct arena *a, str s, str *ret, struct err *err)
{
    char *out = arena_alloc(a, s.len + 1), *o = out;
    for (size_t i = 0; i < s.len; i++) {
        char c = s.at[i];
        if (c == '\\') {
            if (++i == s.len)
                return err_set(err, ERR_INVALID,
                               "invalid field selector: invalid escape sequence: \\");
            c = s.at[i];
            if (c != '\\' && c != ',' && c != '=')
                return err_set(err, ERR_INVALID,
                               "invalid field selector: invalid escape sequence: \\%c", c);
        } else if (c == ',' || c == '=') {
            return err_set(err, ERR_INVALID,
                           "invalid field selector: unescaped character in value: %d", c);
        }
        *o++ = c;
    }
    *ret = str_mem(out, (size_t)(o - out));
    return 0;
}

static int parse_term(str whole, str term, struct arena *a, struct kube_requirement *ret,
                      struct err *err)
{
    for (size_t i = 0; i < term.len; i++) {
        str rest = str_from(term, i);
        bool neq = str_starts(rest, STR("!="));
        size_t skip = neq || str_starts(rest, STR("==")) ? 2 : rest.at[0] == '=' ? 1 : 0;
        if (!skip)
            continue;
        str *one = ARENA_NEW(a, str);
        int rc = unescape(a, str_from(rest, skip), one, err);
        if (rc < 0)
            return rc;
        *ret = (struct kube_requirement){.key = str_sub(term, 0, i),
                                         .op = neq ? KUBE_OP_NEQ : KUBE_OP_EQ,
                                         .value = one,
                                         .n_values = 1};
        return 0;
    }
    return err_set(err, ERR_INVALID, "invalid selector: '%.*s'; can't understand '%.*s'",
                   STR_FMT(whole), STR_FMT(term));
}

int kube_field_selector_parse(str text, struct arena *a, struct kube_selector *ret, struct err *err)
{
    str_vec term = {0};
    requirement_vec v = {0};
    if (text.len > KUBE_SELECTOR_BYTES_MAX)
        return err_set(err, ERR_TOO_LARGE, "a selector may have at most %zu bytes",
                       KUBE_SELECTOR_BYTES_MAX);
    text = arena_str(a, text);
    for (size_t i = 0, start = 0; i <= text.len; i++) {
        if (i + 1 < text.len && text.at[i] == '\\') {
            i++;
            continue;
        }
        if (i >= text.len || text.at[i] == ',') {
            vec_push(a, &term, str_sub(text, start, MIN_OF(i, text.len) - start));
            start = i + 1;
        }
    }
    qsort(term.at, term.n, sizeof(str), str_cmp_qsort);
    for (size_t i = 0; i < term.n; i++) {
        struct kube_requirement r;
        if (!term.at[i].len)
            continue;
        int rc = parse_term(text, term.at[i], a, &r, err);
        if (rc < 0)
            return rc;
        vec_push(a, &v, r);
    }
    *ret = (struct kube_selector){.requirement = v.at, .n = v.n};
    return 0;
}

static bool field_is(value object, str path, str want)
{
    char text[24];
    str piece;
    while (str_next(&path, '.', &piece))
        object = value_get(object, piece);
    switch (value_type(object)) {
    case VALUE_STRING: return str_eq(value_str(object), want);
    case VALUE_BOOL: return str_is(want, value_bool(object) ? "true" : "false");
    case VALUE_INT:
        snprintf(text, sizeof(text), "%" PRId64, value_int(object));
        return str_is(want, text);
    default: return !want.len;
    }
}

bool kube_field_selector_matches(const struct kube_selector *s, value object)
{
    for (size_t i = 0; i < s->n; i++) {
        const struct kube_requirement *r = &s->requirement[i];
        if (field_is(object, r->key, r->value[0]) == (r->op == KUBE_OP_NEQ))
            return false;
    }
    return !s->nothing;
}
