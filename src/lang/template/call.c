/* lang/template/call.c: arguments and calls, checked as Go's reflect checks them. */
#include <assert.h>
#include <string.h>

#include "lang/template/run.h"
#include "lang/template/types.h"

#define ARGS_ON_STACK 6

const struct template_type TYPE_REFLECT_VALUE = {TEMPLATE_STRUCT, "reflect.Value"};

const struct template_type *signature_type(char c)
{
    switch (c) {
    case 'a': return &TEMPLATE_T_INTERFACE;
    case 's': return &TEMPLATE_T_STRING;
    case 'i': return &TEMPLATE_T_INT;
    case 'l': return &TEMPLATE_T_INT64;
    case 'u': return &TEMPLATE_T_UINT32;
    case 'f': return &TEMPLATE_T_FLOAT64;
    case 'b': return &TEMPLATE_T_BOOL;
    case 'm': return &TEMPLATE_T_MAP;
    case 'v': return &TEMPLATE_T_LIST;
    case 't': return &TEMPLATE_T_TIME;
    case 'c': return &TEMPLATE_T_CERTIFICATE;
    case 'S': return &TEMPLATE_T_STRINGS;
    case 'V': return &TEMPLATE_T_SEMVER_PTR;
    case 'D': return &TEMPLATE_T_DURATION;
    case 'L': return &TEMPLATE_T_LOCATION;
    default: return &TYPE_REFLECT_VALUE;
    }
}

/* ---- one argument ---- */

static int fail_node(struct state *s, const char *what, const struct tnode *n)
{
    struct buf b = BUF_INIT;
    node_print(n, &b);
    int rc = state_fail(s, "%s; found %.*s", what, STR_FMT(buf_str(&b)));
    buf_done(&b);
    return rc;
}

static bool can_be_nil(const struct template_type *t)
{
    return t == &TYPE_REFLECT_VALUE || type_can_be_nil(t);
}

/* *io as the parameter's type has it. type NULL: any, as it is. */
static int validate(struct state *s, const struct template_type *type, tval *io)
{
    const struct template_type *from = io->type;
    if (!type || type == &TYPE_REFLECT_VALUE)
        return 0;
    if (!from) {
        if (!can_be_nil(type))
            return state_fail(s, "invalid value; expected %s", type->name);
        *io = type->kind == TEMPLATE_INTERFACE ? TEMPLATE_NO_VALUE : zero_of(type);
        return 0;
    }
    if (type->kind == TEMPLATE_INTERFACE) {
        template_unwrap_at(io);
        return 0;
    }
    bool behind = !type_assignable(from, type);
    if (behind && (from->kind != TEMPLATE_PTR || !type_assignable(from->elem, type)))
        return state_fail(s, "wrong type for value; expected %s; got %s", type->name, from->name);
    if (behind && !io->p)
        return state_fail(s, "dereference of nil pointer of type %s", type->name);
    if (io->iface)
        io->iface = false;
    io->type = type;
    return 0;
}

/* A literal where the parameter's type is known. */
static int literal_arg(struct state *s, const struct template_type *type, const struct tnode *n,
                       tval *ret)
{
    const struct node_literal *l = (const struct node_literal *)n;
    bool is_number = n->type == NODE_NUMBER;
    const struct node_number *number = (const struct node_number *)n; /* if it is one */
    s->node = n;
    *ret = (tval){.type = type};
    switch (type->kind) {
    case TEMPLATE_BOOL:
        if (n->type != NODE_BOOL)
            return fail_node(s, "expected bool", n);
        ret->b = l->value.b;
        return 0;
    case TEMPLATE_STRING:
        if (n->type != NODE_STRING)
            return fail_node(s, "expected string", n);
        *ret = l->value;
        return 0;
    case TEMPLATE_INT:
    case TEMPLATE_INT32:
    case TEMPLATE_INT64:
        if (!is_number || !number->is_int)
            return fail_node(s, "expected integer", n);
        ret->i = number->i;
        return 0;
    case TEMPLATE_UINT8:
    case TEMPLATE_UINT32:
    case TEMPLATE_UINT64:
        if (!is_number || !number->is_uint)
            return fail_node(s, "expected unsigned integer", n);
        ret->u = type->kind == TEMPLATE_UINT32  ? (uint32_t)number->u
                 : type->kind == TEMPLATE_UINT8 ? (uint8_t)number->u
                                                : number->u;
        return 0;
    case TEMPLATE_FLOAT64:
        if (!is_number || !number->is_float)
            return fail_node(s, "expected float", n);
        ret->f = number->f;
        return 0;
    default: break;
    }
    if (type->kind == TEMPLATE_INTERFACE || type == &TYPE_REFLECT_VALUE) {
        if (is_number)
            return eval_ideal(s, number, ret);
        *ret = l->value;
        return 0;
    }
    struct buf b = BUF_INIT;
    node_print(n, &b);
    int rc =
        state_fail(s, "can't handle %.*s for arg of type %s", STR_FMT(buf_str(&b)), type->name);
    buf_done(&b);
    return rc;
}

int eval_arg(struct state *s, const tval *dot, const struct template_type *type,
             const struct tnode *n, tval *ret)
{
    struct call_args none = {0}, itself = {(struct tnode *const *)&n, 1, NULL};
    int rc;
    s->node = n;
    switch (n->type) {
    case NODE_DOT: *ret = *dot; return validate(s, type, ret);
    case NODE_NIL:
        if (!can_be_nil(type))
            return state_fail(s, "cannot assign nil to %s", type->name);
        *ret = TEMPLATE_NO_VALUE;
        return validate(s, type, ret);
    case NODE_FIELD: rc = eval_names(s, dot, (const struct node_names *)n, &itself, ret); break;
    case NODE_VARIABLE:
    case NODE_CHAIN: rc = eval_names(s, dot, (const struct node_names *)n, &none, ret); break;
    case NODE_PIPE: rc = eval_pipe(s, dot, (const struct node_pipe *)n, ret); break;
    case NODE_IDENTIFIER:
        rc = eval_function(s, dot, (const struct node_identifier *)n, n, &none, ret);
        break;
    default: return literal_arg(s, type, n, ret);
    }
    return rc ? rc : validate(s, type, ret);
}

/* ---- calls ---- */

struct signature {
    const char *letter;
    size_t n_fixed;
    char variadic; /* 0: it is not */
};

static struct signature signature_of(const char *text)
{
    if (text[0] == '!')
        text = "";
    const char *star = strchr(text, '*');
    if (!star)
        return (struct signature){text, strlen(text), 0};
    return (struct signature){text, (size_t)(star - text), star[1]};
}

static const struct template_type *parameter(const struct signature *sig, size_t i)
{
    return signature_type(i < sig->n_fixed ? sig->letter[i] : sig->variadic);
}

static int check_count(struct state *s, const struct signature *sig, const char *name,
                       size_t n_args, bool has_final)
{
    size_t n = n_args + has_final;
    if (sig->variadic && n < sig->n_fixed)
        return state_fail(s, "wrong number of args for %s: want at least %zu got %zu", name,
                          sig->n_fixed, n_args);
    if (!sig->variadic && n != sig->n_fixed)
        return state_fail(s, "wrong number of args for %s: want %zu got %zu", name, sig->n_fixed,
                          n);
    return 0;
}

/* The builtins and/or look at no argument behind the one that decides. */
static int eval_and_or(struct state *s, const tval *dot, bool is_or, const struct call_args *args,
                       tval *ret)
{
    *ret = TEMPLATE_NO_VALUE;
    for (size_t i = 1; i < args->n; i++) {
        int rc = eval_arg(s, dot, &TYPE_REFLECT_VALUE, args->arg[i], ret);
        if (rc)
            return rc;
        if (template_truth(template_unwrap(*ret)) == is_or)
            return 0;
    }
    if (args->final)
        *ret = *args->final;
    return 0;
}

/* What `call` names in its errors: its first argument as it is written. */
static const char *callee(struct state *s, const struct call_args *args)
{
    struct buf b = BUF_INIT;
    assert(args->n > 1 || args->final);
    if (args->n < 2 && args->final->type == &TEMPLATE_T_STRING)
        return arena_cstr(s->run->arena, template_text(*args->final));
    if (args->n < 2) /* as reflect.Value.String */
        return arena_printf(s->run->arena, "<%s Value>",
                            args->final->type ? args->final->type->name : "invalid")
            .at;
    node_print(args->arg[1], &b);
    const char *z = arena_cstr(s->run->arena, buf_str(&b));
    buf_done(&b);
    return z;
}

int eval_call(struct state *s, const tval *dot, const struct template_func *f, const tval *receiver,
              const struct tnode *node, const struct call_args *args, tval *ret)
{
    struct signature sig = signature_of(f->signature);
    const struct node_identifier *id =
        s->node->type == NODE_IDENTIFIER ? (const struct node_identifier *)s->node : NULL;
    struct template_call c = {s->run, s->run->arena, TEMPLATE_NO_VALUE, f->name};
    tval on_stack[ARGS_ON_STACK], *argv = on_stack;
    size_t n_args = args->n ? args->n - 1 : 0, n = n_args + (args->final != NULL);
    int rc = check_count(s, &sig, f->name, n_args, args->final != NULL);
    if (rc)
        return rc;
    if (f->signature[0] == '!')
        return state_fail(s, "%s", f->signature + 1);
    if (!receiver && id && (id->head.mark == MARK_AND || id->head.mark == MARK_OR))
        return eval_and_or(s, dot, id->head.mark == MARK_OR, args, ret);
    if (!receiver && id && id->head.mark == MARK_CALL)
        c.name = callee(s, args);
    if (n > ARGS_ON_STACK)
        argv = ARENA_ARRAY(s->run->arena, tval, n);
    for (size_t i = 0; i < n_args; i++) {
        rc = eval_arg(s, dot, parameter(&sig, i), args->arg[i + 1], &argv[i]);
        if (rc)
            return rc;
    }
    if (args->final) {
        argv[n - 1] = *args->final;
        rc = validate(s, parameter(&sig, n - 1), &argv[n - 1]);
        if (rc)
            return rc;
    }
    if (receiver)
        c.receiver = *receiver;
    *ret = TEMPLATE_NO_VALUE;
    if (!f->call(&c, argv, n, ret))
        return 0;
    s->node = node;
    return state_wrap_call(s, str_of(f->name));
}
