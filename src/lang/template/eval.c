/* lang/template/eval.c: pipelines, commands, fields and variables. */
#include "lang/template/map.h"
#include "lang/template/run.h"
#include "lang/template/strconv.h"
#include "lang/template/types.h"

tval indirect(tval v, bool *ret_nil)
{
    *ret_nil = false;
    v.iface = false;
    if (v.type && v.type->kind == TEMPLATE_INTERFACE) {
        *ret_nil = true;
    } else if (v.type && v.type->kind == TEMPLATE_PTR) {
        *ret_nil = !v.p;
        if (v.p)
            v.type = v.type->elem;
    }
    return v;
}

tval zero_of(const struct template_type *t)
{
    tval v = {.type = t};
    if (t->kind == TEMPLATE_STRING)
        v.text = "";
    return v;
}

/* ---- variables ---- */

void set_variable_top(struct state *s, size_t n, tval v)
{
    s->run->vars.at[s->run->vars.n - n].val = v;
}

static struct variable *find_variable(struct state *s, str name)
{
    struct variable *v = s->run->vars.at;
    for (size_t i = s->run->vars.n; i > s->vars; i--)
        if (str_eq(v[i - 1].name, name))
            return &v[i - 1];
    return NULL;
}

int set_variable(struct state *s, str name, tval val)
{
    struct variable *v = find_variable(s, name);
    if (!v)
        return state_fail(s, "undefined variable: %.*s", STR_FMT(name));
    v->val = val;
    return 0;
}

/* ---- fields ---- */

struct field_access {
    const struct tnode *node;
    const struct name *name;
    const struct call_args *args;
};

static bool has_args(const struct call_args *a) { return a->n > 1 || a->final; }

static const struct template_method *find_method(const struct template_type *t, str name)
{
    for (const struct template_method *m = t ? t->method : NULL; m && m->name; m++)
        if (name.len && m->name[0] == name.at[0] && str_is(name, m->name))
            return m;
    return NULL;
}

static int missing_key(struct state *s, const struct template_type *map, str name, tval *ret)
{
    struct buf b = BUF_INIT;
    switch (s->run->env.missing) {
    case TEMPLATE_MISSING_ZERO: *ret = zero_of(map->elem); return 0;
    case TEMPLATE_MISSING_DEFAULT: *ret = TEMPLATE_NO_VALUE; return 0;
    case TEMPLATE_MISSING_ERROR: break;
    }
    strconv_quote(&b, name, false);
    int rc = state_fail(s, "map has no entry for key %.*s", STR_FMT(buf_str(&b)));
    buf_done(&b);
    return rc;
}

static int field_of_nothing(struct state *s, str name, tval *ret)
{
    struct buf b = BUF_INIT;
    int rc = 0;
    *ret = TEMPLATE_NO_VALUE;
    if (s->run->env.missing == TEMPLATE_MISSING_ERROR) {
        strconv_quote(&b, name, false);
        rc = state_fail(s, "nil data; no entry for key %.*s", STR_FMT(buf_str(&b)));
        buf_done(&b);
    }
    return rc;
}

static const struct template_field *find_field(const struct template_field *f, str name)
{
    while (f && f->name && !str_is(name, f->name))
        f++;
    return f && f->name ? f : NULL;
}

/* 1: there is no such field. */
static int struct_field(struct state *s, const struct field_access *f, tval v, const char *type,
                        tval *ret)
{
    const struct template_field *field = find_field(v.type->field, name_text(f->name));
    if (!field)
        field = find_field(v.type->promoted, name_text(f->name));
    if (!field)
        return 1;
    if (field->name[0] < 'A' || field->name[0] > 'Z')
        return state_fail(s, "%s is an unexported field of struct type %s", field->name, type);
    if (has_args(f->args))
        return state_fail(s, "%s has arguments but cannot be invoked as function", field->name);
    *ret = field->get(v.p, s->run->arena);
    return 0;
}

static int call_method(struct state *s, const tval *dot, const struct template_method *m,
                       tval receiver, const struct field_access *f, tval *ret)
{
    struct template_func row = {m->name, m->signature, m->call};
    return eval_call(s, dot, &row, &receiver, f->node, f->args, ret);
}

static bool has_field(const struct template_type *t, str name)
{
    return find_field(t->field, name) || find_field(t->promoted, name);
}

static int eval_field(struct state *s, const tval *dot, tval receiver, const struct field_access *f,
                      tval *ret)
{
    str name = name_text(f->name);
    bool is_nil;
    if (!receiver.type)
        return field_of_nothing(s, name, ret);
    const char *type = static_type_name(receiver);
    tval v = indirect(receiver, &is_nil);
    if (v.type->kind == TEMPLATE_INTERFACE)
        return state_fail(s, "nil pointer evaluating %s.%.*s", type, STR_FMT(name));
    /* behind a pointer the methods of both are there: its table has them all */
    const struct template_method *m =
        find_method(receiver.type->kind == TEMPLATE_PTR ? receiver.type : v.type, name);
    if (m) {
        tval of = receiver;
        of.iface = false;
        return call_method(s, dot, m, of, f, ret);
    }
    if (v.type->kind == TEMPLATE_STRUCT) {
        int rc = struct_field(s, f, v, type, ret);
        if (rc != 1)
            return rc;
    } else if (v.type->kind == TEMPLATE_MAP) {
        bool found;
        if (has_args(f->args))
            return state_fail(s, "%.*s is not a method but has arguments", STR_FMT(name));
        *ret = template_get_hashed(v, name, f->name->hash, &found);
        return found ? 0 : missing_key(s, v.type, name, ret);
    } else if (v.type->kind == TEMPLATE_PTR && is_nil && has_field(v.type->elem, name)) {
        return state_fail(s, "nil pointer evaluating %s.%.*s", type, STR_FMT(name));
    }
    return state_fail(s, "can't evaluate field %.*s in type %s", STR_FMT(name), type);
}

/* .a.b.c on a receiver: only the last one may be a method with arguments. Nearly every step is a
 * key of a map without methods. */
static int eval_chain(struct state *s, const tval *dot, const tval *receiver,
                      const struct node_names *n, const struct call_args *args, tval *ret)
{
    static const struct call_args none = {0};
    int rc = 0;
    if (ret != receiver)
        *ret = *receiver;
    for (size_t i = n->head.type == NODE_VARIABLE; !rc && i < n->n; i++) {
        struct field_access f = {&n->head, &n->name[i], i + 1 == n->n ? args : &none};
        const struct template_type *t = ret->type;
        if (t && t->kind == TEMPLATE_MAP && !t->method && !has_args(f.args)) {
            str name = name_text(f.name);
            if (!map_get(ret, name, f.name->hash, ret))
                rc = missing_key(s, t, name, ret);
        } else {
            rc = eval_field(s, dot, *ret, &f, ret);
        }
    }
    return rc;
}

/* ---- commands ---- */

static int not_a_function(struct state *s, const struct tnode *first, const struct call_args *args)
{
    if (!has_args(args))
        return 0;
    struct buf b = BUF_INIT;
    node_print(first, &b);
    int rc = state_fail(s, "can't give argument to non-function %.*s", STR_FMT(buf_str(&b)));
    buf_done(&b);
    return rc;
}

static int eval_variable(struct state *s, const tval *dot, const struct node_names *n,
                         const struct call_args *args, tval *ret)
{
    s->node = &n->head;
    const struct variable *v = find_variable(s, name_text(&n->name[0]));
    if (!v)
        return state_fail(s, "undefined variable: %.*s", STR_FMT(name_text(&n->name[0])));
    if (n->n > 1)
        return eval_chain(s, dot, &v->val, n, args, ret);
    *ret = v->val;
    return not_a_function(s, args->n ? args->arg[0] : &n->head, args);
}

int eval_names(struct state *s, const tval *dot, const struct node_names *n,
               const struct call_args *args, tval *ret)
{
    const tval *receiver = dot;
    if (n->head.type == NODE_VARIABLE)
        return eval_variable(s, dot, n, args, ret);
    s->node = &n->head;
    if (n->head.type == NODE_CHAIN) {
        if (n->of->type == NODE_NIL) {
            struct buf b = BUF_INIT;
            node_print(&n->head, &b);
            int rc =
                state_fail(s, "indirection through explicit nil in %.*s", STR_FMT(buf_str(&b)));
            buf_done(&b);
            return rc;
        }
        int rc = eval_arg(s, dot, NULL, n->of, ret);
        if (rc)
            return rc;
        receiver = ret;
    }
    return eval_chain(s, dot, receiver, n, args, ret);
}

int eval_function(struct state *s, const tval *dot, const struct node_identifier *n,
                  const struct tnode *cmd, const struct call_args *args, tval *ret)
{
    s->node = &n->head;
    return eval_call(s, dot, n->func, NULL, cmd, args, ret);
}

int eval_ideal(struct state *s, const struct node_number *n, tval *ret)
{
    s->node = &n->literal.head;
    *ret = n->literal.value;
    if (!ret->type && n->is_uint)
        return state_fail(s, "%.*s overflows int", STR_FMT(n->literal.source));
    return 0;
}

static int eval_command(struct state *s, const tval *dot, const struct node_command *c,
                        const tval *final, tval *ret)
{
    const struct tnode *first = c->arg[0];
    struct call_args args = {c->arg, c->n, final};
    switch (first->type) {
    case NODE_FIELD:
    case NODE_CHAIN:
    case NODE_VARIABLE: return eval_names(s, dot, (const struct node_names *)first, &args, ret);
    case NODE_IDENTIFIER:
        return eval_function(s, dot, (const struct node_identifier *)first, &c->head, &args, ret);
    case NODE_PIPE: {
        int rc = not_a_function(s, first, &args);
        return rc ? rc : eval_pipe(s, dot, (const struct node_pipe *)first, ret);
    }
    default: break;
    }
    s->node = first;
    int rc = not_a_function(s, first, &args);
    if (rc)
        return rc;
    switch (first->type) {
    case NODE_DOT: *ret = *dot; return 0;
    case NODE_NIL: return state_fail(s, "nil is not a command");
    case NODE_NUMBER: return eval_ideal(s, (const struct node_number *)first, ret);
    default: *ret = ((const struct node_literal *)first)->value; return 0;
    }
}

int eval_pipe(struct state *s, const tval *dot, const struct node_pipe *p, tval *ret)
{
    tval before;
    *ret = TEMPLATE_NO_VALUE;
    s->node = &p->head;
    if (run_stack_is_full(s->run, 0))
        return state_fail(s, "the template nests too deeply");
    int rc = state_step(s, p->n);
    for (size_t i = 0; !rc && i < p->n; i++) {
        if (i)
            before = *ret;
        rc = eval_command(s, dot, p->cmd[i], i ? &before : NULL, ret);
        template_unwrap_at(ret);
    }
    for (size_t i = 0; !rc && i < p->n_decl; i++) {
        str name = name_text(&p->decl[i]->name[0]);
        if (p->head.mark)
            rc = set_variable(s, name, *ret);
        else
            vec_push(s->run->arena, &s->run->vars, (struct variable){name, *ret});
    }
    return rc;
}
