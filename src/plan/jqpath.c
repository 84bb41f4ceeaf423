/* plan/jqpath.c: run a compiled jq expression, and delete what it selects; see jqpath.h.
 *
 * Evaluating a tree against a value yields a stream of outputs, each with the path it stands at (or
 * none, for computed values). Deleting collects the paths and removes them back to front. */
#include "plan/jqpath_node.h"

#include <stdlib.h>

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
