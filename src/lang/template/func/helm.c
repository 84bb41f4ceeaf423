/* lang/template/func/helm.c: what Helm's engine adds: include, tpl, required, fail, lookup.
 *
 * Source: Helm 4.2 pkg/engine/engine.go. */
#include "lang/template/func/rows.h"
#include "lang/template/print.h"
#include "lang/template/run.h"
#include "lang/template/strconv.h"

/* The engine finds a message between these in a chain of errors; in Helm they look the same. */
#define MESSAGE_START "HELM_ERR_START"
#define MESSAGE_END "HELM_ERR_END"

static str quoted(struct template_call *c, str s)
{
    struct buf b = BUF_INIT;
    strconv_quote(&b, s, false);
    str q = arena_str(c->arena, buf_str(&b));
    buf_done(&b);
    return q;
}

static unsigned *include_count(struct template_run *r, str name)
{
    unsigned *n = map_find(&r->include, name);
    if (!n) {
        n = ARENA_NEW(r->arena, unsigned);
        map_set(&r->include, name, n);
    }
    return n;
}

int func_include(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    str name = template_text(arg[0]);
    unsigned *depth = include_count(c->run, name);
    (void)n;
    /* our stack may end before the count does: the same endless recursion, the same answer */
    if (*depth > TEMPLATE_DEPTH_INCLUDES_MAX || run_stack_is_full(c->run, RUN_STACK_RESERVE_BYTES))
        return template_fail(c,
                             "rendering template has a nested reference name: %.*s: unable to "
                             "execute template",
                             STR_FMT(name));
    const struct template_body *body = set_find(c->run->set, name);
    if (!body) {
        str q = quoted(c, name), root = quoted(c, c->run->env.name);
        return template_fail(c, "template: no template %.*s associated with template %.*s",
                             STR_FMT(q), STR_FMT(root));
    }
    struct buf *b = template_buf(c);
    (*depth)++;
    int rc = run_body(c->run, body, arg[1], b);
    (*depth)--;
    if (!rc)
        return template_buf_tval(c, b, ret);
    c->run->bufs_out--;
    return rc;
}

/* Without the text that Go prints for what is not there. */
static str without_no_value(struct template_call *c, str s)
{
    static const str NO_VALUE = STR_INIT("<no value>");
    struct buf *b;
    ptrdiff_t at = str_find(s, NO_VALUE);
    if (at < 0)
        return s;
    b = template_buf(c);
    for (; at >= 0; at = str_find(s, NO_VALUE)) {
        buf_add(b, str_sub(s, 0, (size_t)at));
        s = str_from(s, (size_t)at + NO_VALUE.len);
    }
    buf_add(b, s);
    return template_buf_take(c, b, &s) ? STR("") : s;
}

/* The texts that `tpl` is given come back in loops: a parsed one is kept for the run. */
static __attribute__((noinline)) int tpl_parse(struct template_call *c, str text,
                                               const struct template_tree **ret)
{
    struct template_run *r = c->run;
    struct err err; /* large: not in the frame of what recurses */
    *ret = map_find(&r->parsed, text);
    if (*ret)
        return 0;
    int rc = template_parse(r->env.name, text, r->env.funcs, c->arena, ret, &err);
    if (!rc) {
        map_set(&r->parsed, text, (void *)(uintptr_t)*ret);
        return 0;
    }
    str q = quoted(c, text);
    return template_fail(c, "cannot parse template %.*s: %s", STR_FMT(q), err.text);
}

/* The text's own body, also when it is empty: the set keeps an older one of that name then. */
static const struct template_body *own_body(const struct template_tree *tree, str name)
{
    for (const struct template_body *b = tree->body; b; b = b->next)
        if (str_eq(b->name, name))
            return b;
    return NULL;
}

int func_tpl(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    struct template_run *r = c->run;
    const struct template_set *outer = r->set;
    const struct template_tree *tree;
    str text = template_text(arg[0]);
    (void)n;
    if (run_stack_is_full(r, RUN_STACK_RESERVE_BYTES))
        return template_fail(c, "the template nests too deeply");
    int rc = template_charge(c, 1 + text.len / 64);
    if (!rc)
        rc = tpl_parse(c, text, &tree);
    if (rc)
        return rc;
    struct template_set *set = template_set_fork(c->arena, outer);
    template_set_add(set, tree);
    struct buf *b = template_buf(c);
    const struct template_body *body = own_body(tree, r->env.name);
    r->set = set;
    rc = run_body(r, body ? body : set_find(set, r->env.name), arg[1], b);
    r->set = outer;
    if (rc) {
        str q = quoted(c, text);
        r->bufs_out--;
        return run_prefix(r, ARENA_CAT(c->arena, STR("error during tpl function execution for "), q,
                                       STR(": ")));
    }
    str out;
    rc = template_buf_take(c, b, &out);
    if (!rc)
        *ret = template_str(without_no_value(c, out));
    return rc;
}

static int fail_with(struct template_call *c, str message)
{
    return template_fail_str(c, ARENA_CAT(c->arena, STR(MESSAGE_START), message, STR(MESSAGE_END)));
}

static void tell(const struct template_call *c, enum template_told what, str message)
{
    if (c->run->env.told)
        c->run->env.told(c->run->env.told_arg, what, message);
}

int func_required(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    bool is_missing = !arg[1].type || (arg[1].type == &TEMPLATE_T_STRING && !arg[1].len);
    (void)n;
    *ret = arg[1];
    if (!is_missing)
        return 0;
    if (!c->run->env.lint)
        return fail_with(c, template_text(arg[0]));
    tell(c, arg[1].type ? TEMPLATE_TOLD_EMPTY : TEMPLATE_TOLD_NIL, template_text(arg[0]));
    *ret = template_strz("");
    return 0;
}

int func_fail(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    (void)n;
    *ret = template_strz("");
    if (!c->run->env.lint)
        return fail_with(c, template_text(arg[0]));
    tell(c, TEMPLATE_TOLD_FAIL, template_text(arg[0]));
    return 0;
}

int func_sprig_fail(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    (void)n;
    (void)ret;
    return template_fail_str(c, template_text(arg[0]));
}

int func_lookup(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    const struct template_env *env = &c->run->env;
    str four[4];
    struct err err;
    for (size_t i = 0; i < n; i++)
        four[i] = template_text(arg[i]);
    *ret = template_map_new(c->arena, &TEMPLATE_T_MAP);
    if (!env->lookup || !env->lookup(env->lookup_arg, four, c->arena, ret, &err))
        return 0;
    return template_fail_str(c, arena_str(c->arena, err_str(&err)));
}

/* Never resolves anything. */
int func_no_host(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    (void)c;
    (void)arg;
    (void)n;
    *ret = template_strz("");
    return 0;
}
