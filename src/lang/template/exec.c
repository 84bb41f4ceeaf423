/* lang/template/exec.c: walking a template's actions.
 *
 * `s->node` is what was looked at last and is never set back: Go's errors name it, and so do ours.
 * A walk answers 0, a failure, or that a loop is to be left or continued. */
#include "lang/template/print.h"
#include "lang/template/run.h"
#include "lang/template/types.h"

enum { WALK_BREAK = 1, WALK_CONTINUE = 2 };

static int walk_list(struct state *s, const tval *dot, const struct node_list *list);

static int check_output(struct state *s)
{
    if (!s->out->overflow)
        return 0;
    return run_fail(s->run, ERR_TOO_LARGE,
                    arena_printf(s->run->arena, "the output is larger than %zu bytes",
                                 s->out->bytes_max));
}

static int print_value(struct state *s, const struct tnode *n, tval v)
{
    bool is_nil;
    s->node = n;
    if (v.type == &TEMPLATE_T_STRING) {
        buf_add(s->out, template_text(v));
        return check_output(s);
    }
    /* what a pointer points to, but by the pointer's own String when it has one */
    if (v.type && v.type->kind == TEMPLATE_PTR && !v.type->text)
        v = indirect(v, &is_nil);
    if (!v.type)
        buf_addz(s->out, "<no value>");
    else
        template_print(v, s->out, s->run->arena);
    return check_output(s);
}

static int walk_branch(struct state *s, const tval *dot, const struct node_branch *b)
{
    size_t mark = s->run->vars.n;
    tval v;
    int rc = eval_pipe(s, dot, b->pipe, &v);
    if (!rc && template_truth(v))
        rc = walk_list(s, b->head.type == NODE_WITH ? &v : dot, b->list);
    else if (!rc && b->else_list)
        rc = walk_list(s, dot, b->else_list);
    s->run->vars.n = mark;
    return rc;
}

struct loop {
    struct state *s;
    const struct node_branch *range;
    size_t mark;
};

/* One turn; WALK_BREAK ends the loop. */
static int turn(struct loop *l, tval index, tval element)
{
    const struct node_pipe *p = l->range->pipe;
    int rc = state_step(l->s, 1);
    if (rc)
        return rc;
    if (p->n_decl && p->head.mark) {
        if (p->n_decl > 1)
            rc = set_variable(l->s, name_text(&p->decl[0]->name[0]), index);
        if (!rc)
            rc = set_variable(l->s, name_text(&p->decl[p->n_decl - 1]->name[0]), element);
    } else if (p->n_decl) {
        set_variable_top(l->s, 1, element);
        if (p->n_decl > 1)
            set_variable_top(l->s, 2, index);
    }
    if (!rc)
        rc = walk_list(l->s, &element, l->range->list);
    l->s->run->vars.n = l->mark;
    return rc == WALK_CONTINUE ? 0 : rc;
}

static int range_list(struct loop *l, tval v)
{
    size_t n = template_len(v);
    for (size_t i = 0; i < n; i++) {
        int rc = turn(l, template_int((int64_t)i), template_at(v, i));
        if (rc)
            return rc;
    }
    return 0;
}

/* Keys and values are what they were when the loop began, whatever its body sets. */
static int range_map(struct loop *l, tval v)
{
    size_t n;
    const str *key = template_keys(v, &n);
    tval *val = ARENA_ARRAY(l->s->run->arena, tval, n);
    for (size_t i = 0; i < n; i++)
        val[i] = template_get(v, key[i], NULL);
    for (size_t i = 0; i < n; i++) {
        int rc = turn(l, template_str(key[i]), val[i]);
        if (rc)
            return rc;
    }
    return 0;
}

static int range_int(struct loop *l, tval v)
{
    if (l->range->pipe->n_decl > 1) {
        struct buf b = BUF_INIT;
        template_print(v, &b, l->s->run->arena);
        str shown = arena_str(l->s->run->arena, buf_str(&b));
        buf_done(&b);
        return state_fail(l->s, "can't use %.*s to iterate over more than one variable",
                          STR_FMT(shown));
    }
    bool is_signed = kind_is_int(v.type->kind);
    for (int64_t i = 0; is_signed ? i < v.i : (uint64_t)i < v.u; i++) {
        tval item = {.type = v.type, .i = i};
        int rc = turn(l, TEMPLATE_NO_VALUE, item);
        if (rc)
            return rc;
    }
    return 0;
}

static bool range_is_empty(tval v)
{
    if (!v.type)
        return true;
    if (v.type->kind == TEMPLATE_MAP || v.type->kind == TEMPLATE_SLICE)
        return template_len(v) == 0;
    if (kind_is_int(v.type->kind))
        return v.i <= 0;
    return kind_is_uint(v.type->kind) && v.u == 0;
}

static int range_over(struct loop *l, tval v)
{
    if (v.type->kind == TEMPLATE_MAP)
        return range_map(l, v);
    if (v.type->kind == TEMPLATE_SLICE)
        return range_list(l, v);
    if (kind_is_int(v.type->kind) || kind_is_uint(v.type->kind))
        return range_int(l, v);
    struct buf b = BUF_INIT;
    template_print(v, &b, l->s->run->arena);
    str shown = arena_str(l->s->run->arena, buf_str(&b));
    buf_done(&b);
    return state_fail(l->s, "range can't iterate over %.*s", STR_FMT(shown));
}

static int walk_range(struct state *s, const tval *dot, const struct node_branch *b)
{
    size_t mark = s->run->vars.n;
    bool is_nil;
    tval v;
    s->node = &b->head;
    int rc = eval_pipe(s, dot, b->pipe, &v);
    if (rc)
        return rc;
    v = indirect(v, &is_nil);
    struct loop l = {s, b, s->run->vars.n};
    bool is_empty = range_is_empty(v);
    bool two_of_int = is_empty && v.type && b->pipe->n_decl > 1 && v.type->kind != TEMPLATE_MAP &&
                      v.type->kind != TEMPLATE_SLICE;
    if (!is_empty || two_of_int)
        rc = range_over(&l, v);
    else if (b->else_list)
        rc = walk_list(s, dot, b->else_list);
    s->run->vars.n = mark;
    return rc == WALK_BREAK ? 0 : rc; /* also one in the else part: as Go */
}

static int walk_template(struct state *s, const tval *dot, const struct node_template *t)
{
    s->node = &t->head;
    const struct template_body *body = set_find(s->run->set, t->name);
    tval data = TEMPLATE_NO_VALUE;
    if (!body)
        return state_fail(s, "template \"%.*s\" not defined", STR_FMT(t->name));
    /* a recursion that fills our stack would fill Go's count as well */
    if (s->depth == TEMPLATE_DEPTH_TEMPLATES_MAX ||
        run_stack_is_full(s->run, RUN_STACK_RESERVE_BYTES))
        return state_fail(s, "exceeded maximum template depth (%d)", TEMPLATE_DEPTH_TEMPLATES_MAX);
    if (t->pipe) {
        int rc = eval_pipe(s, dot, t->pipe, &data);
        if (rc)
            return rc;
    }
    size_t mark = s->run->vars.n;
    struct state inner = {s->run, body, s->node, s->out, mark, s->depth + 1};
    vec_push(s->run->arena, &s->run->vars, (struct variable){STR("$"), data});
    int rc = walk_list(&inner, &data, body->root);
    s->run->vars.n = mark;
    return rc;
}

static int walk(struct state *s, const tval *dot, const struct tnode *n)
{
    tval v;
    int rc = state_step(s, 1);
    if (rc)
        return rc;
    s->node = n;
    switch (n->type) {
    case NODE_TEXT: buf_add(s->out, ((const struct node_text *)n)->text); return check_output(s);
    case NODE_ACTION: {
        const struct node_pipe *p = ((const struct node_action *)n)->pipe;
        rc = eval_pipe(s, dot, p, &v);
        return rc || p->n_decl ? rc : print_value(s, n, v);
    }
    case NODE_IF:
    case NODE_WITH: return walk_branch(s, dot, (const struct node_branch *)n);
    case NODE_RANGE: return walk_range(s, dot, (const struct node_branch *)n);
    case NODE_TEMPLATE: return walk_template(s, dot, (const struct node_template *)n);
    case NODE_BREAK: return WALK_BREAK;
    case NODE_CONTINUE: return WALK_CONTINUE;
    default: return 0;
    }
}

static int walk_list(struct state *s, const tval *dot, const struct node_list *list)
{
    s->node = &list->head;
    for (size_t i = 0; i < list->n; i++) {
        int rc = walk(s, dot, list->node[i]);
        if (rc)
            return rc;
    }
    return 0;
}

int run_body(struct template_run *r, const struct template_body *body, tval data, struct buf *out)
{
    size_t mark = r->vars.n;
    struct state s = {.run = r, .body = body, .out = out, .vars = mark};
    s.node = &body->root->head;
    vec_push(r->arena, &r->vars, (struct variable){STR("$"), data});
    template_unwrap_at(&data);
    int rc = walk_list(&s, &data, body->root);
    r->vars.n = mark;
    return rc;
}
