/* lang/template/run.c: sets, runs, their budgets, buffers and errors. */
#include "lang/template/run.h"

#include <stdlib.h>

#include "base/digest.h"
#include "lang/template/strconv.h"

#define MEMORY_RESERVE_SHARE 8 /* an eighth of the arena stays for what does not ask */

/* ---- sets ---- */

struct template_set *template_set_new(struct arena *a)
{
    struct template_set *s = ARENA_NEW(a, struct template_set);
    map_init(&s->body, a);
    return s;
}

struct template_set *template_set_fork(struct arena *a, const struct template_set *from)
{
    struct template_set *s = template_set_new(a);
    s->below = from;
    return s;
}

const struct template_body *set_find(const struct template_set *s, str name)
{
    for (; s; s = s->below) {
        if (s->first && str_eq(s->first->name, name))
            return s->first;
        const struct template_body *b = map_len(&s->body) ? map_find(&s->body, name) : NULL;
        if (b)
            return b;
    }
    return NULL;
}

void template_set_add(struct template_set *s, const struct template_tree *tree)
{
    if (s->below && !s->first && !map_len(&s->body) && tree->body && !tree->body->next) {
        if (!tree->body->is_empty || !set_find(s, tree->body->name))
            s->first = tree->body;
        return;
    }
    if (s->first)
        map_set(&s->body, s->first->name, (void *)(uintptr_t)s->first);
    s->first = NULL;
    for (struct template_body *b = tree->body; b; b = b->next)
        if (!b->is_empty || !set_find(s, b->name))
            map_set(&s->body, b->name, b);
}

bool template_set_has(const struct template_set *s, str name) { return set_find(s, name) != NULL; }

bool template_set_is_empty(const struct template_set *s, str name)
{
    const struct template_body *b = set_find(s, name);
    return !b || b->is_empty;
}

/* ---- runs ---- */

static void drop_bufs(void *arg)
{
    struct template_run *r = arg;
    for (size_t i = 0; i < r->buf.n; i++)
        buf_done(r->buf.at[i]);
}

struct template_run *template_run_new(struct arena *a, const struct template_env *env)
{
    struct template_run *r = ARENA_NEW(a, struct template_run);
    const struct template_limits *l = &env->limits;
    r->arena = a;
    r->env = *env;
    r->set = env->set;
    r->steps_max = l->steps_max ? l->steps_max : TEMPLATE_STEPS_DEFAULT;
    r->output_bytes_max = l->output_bytes_max ? l->output_bytes_max : TEMPLATE_OUTPUT_BYTES_DEFAULT;
    r->stack_bytes_max = l->stack_bytes_max ? l->stack_bytes_max : TEMPLATE_STACK_BYTES_DEFAULT;
    if (!r->env.name.len)
        r->env.name = STR("gotpl");
    map_init(&r->include, a);
    map_init(&r->regex, a);
    map_init(&r->parsed, a);
    arena_on_done(a, drop_bufs, r);
    return r;
}

uint64_t template_run_steps(const struct template_run *r) { return r->steps; }

bool run_stack_is_full(const struct template_run *r, size_t reserve_bytes)
{
    const char *here = __builtin_frame_address(0);
    size_t used =
        here < r->stack_base ? (size_t)(r->stack_base - here) : (size_t)(here - r->stack_base);
    return used + reserve_bytes > r->stack_bytes_max;
}

static int check_memory(struct template_run *r, uint64_t bytes)
{
    size_t max = r->arena->bytes_max - r->arena->bytes_max / MEMORY_RESERVE_SHARE;
    size_t spare = (size_t)(r->arena->end - r->arena->at);
    if (r->arena->used_bytes - spare + bytes <= max)
        return 0;
    return run_fail(r, ERR_TOO_LARGE,
                    arena_printf(r->arena, "the template takes more than %zu MiB of memory",
                                 max >> 20));
}

int run_step(struct template_run *r, uint64_t n)
{
    r->steps += n;
    if (r->steps < r->poll_at)
        return 0;
    r->poll_at = r->steps + TEMPLATE_POLL_STEPS;
    if (r->steps > r->steps_max)
        return run_fail(r, ERR_TOO_LARGE,
                        arena_printf(r->arena, "the template takes more than %llu steps",
                                     (unsigned long long)r->steps_max));
    if (r->env.limits.expired && r->env.limits.expired(r->env.limits.expired_arg))
        return run_fail(r, ERR_TIMEOUT, STR("the template takes too long"));
    return check_memory(r, 0);
}

/* ---- errors ---- */

int run_prefix(struct template_run *r, str text)
{
    struct error_part *part = ARENA_NEW(r->arena, struct error_part);
    part->text = text;
    part->next = r->error;
    r->error = part;
    return r->failed;
}

int run_fail(struct template_run *r, int kind, str text)
{
    r->error = NULL;
    r->failed = -kind;
    return run_prefix(r, text);
}

/* "c/templates/a.yaml:3:7": bytes since the line began. */
static str location(const struct state *s)
{
    const struct template_tree *tree = s->body->tree;
    str before = str_sub(tree->text, 0, s->node->pos);
    size_t line = 1, column = before.len;
    for (size_t i = 0; i < before.len; i++)
        if (before.at[i] == '\n') {
            line++;
            column = before.len - i - 1;
        }
    return arena_printf(s->run->arena, "%.*s:%zu:%zu", STR_FMT(tree->parse_name), line, column);
}

/* "template: LOCATION: executing "NAME" at <NODE>: " */
static str place(const struct state *s)
{
    struct buf b = BUF_INIT;
    str at = location(s);
    buf_addz(&b, "template: ");
    buf_add(&b, at);
    buf_addz(&b, ": executing ");
    strconv_quote(&b, s->body->name, false);
    buf_addz(&b, " at <");
    node_print(s->node, &b);
    buf_addz(&b, ">: ");
    str text = arena_str(s->run->arena, buf_str(&b));
    buf_done(&b);
    return text;
}

int state_fail(struct state *s, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    str text = arena_vprintf(s->run->arena, format, args);
    va_end(args);
    run_fail(s->run, ERR_INVALID, text);
    return run_prefix(s->run, place(s));
}

int state_step(struct state *s, uint64_t n)
{
    int rc = run_step(s->run, n);
    return rc && s->node ? run_prefix(s->run, place(s)) : rc;
}

int state_wrap_call(struct state *s, str name)
{
    run_prefix(s->run, ARENA_CAT(s->run->arena, STR("error calling "), name, STR(": ")));
    return run_prefix(s->run, place(s));
}

str template_run_error(const struct template_run *r)
{
    size_t n = 0;
    VEC(str) parts = {0};
    for (const struct error_part *p = r->error; p; p = p->next, n++)
        vec_push(r->arena, &parts, p->text);
    return arena_cat(r->arena, parts.at, n);
}

/* ---- for functions ---- */

int template_fail_str(struct template_call *c, str text)
{
    return run_fail(c->run, ERR_INVALID, text);
}

int template_fail(struct template_call *c, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    str text = arena_vprintf(c->arena, format, args);
    va_end(args);
    return template_fail_str(c, text);
}

int template_charge(struct template_call *c, uint64_t n) { return run_step(c->run, n); }

int template_room(struct template_call *c, uint64_t bytes) { return check_memory(c->run, bytes); }

struct buf *template_buf(struct template_call *c)
{
    struct template_run *r = c->run;
    if (r->bufs_out == r->buf.n) {
        struct buf *b = ARENA_NEW(r->arena, struct buf);
        vec_push(r->arena, &r->buf, b);
    }
    struct buf *b = r->buf.at[r->bufs_out++];
    if (!b->bytes_max)
        buf_init(b, r->output_bytes_max);
    buf_reset(b);
    b->overflow = false;
    return b;
}

int template_buf_take(struct template_call *c, struct buf *b, str *ret)
{
    struct template_run *r = c->run;
    int rc = 0;
    r->bufs_out--;
    if (b->overflow)
        rc = run_fail(r, ERR_TOO_LARGE,
                      arena_printf(r->arena, "a text is larger than %zu bytes",
                                   r->output_bytes_max));
    if (!rc)
        rc = run_step(r, b->len / 64);
    if (!rc)
        rc = check_memory(r, b->len + 1);
    if (!rc)
        *ret = arena_str(r->arena, buf_str(b));
    return rc;
}

int template_buf_tval(struct template_call *c, struct buf *b, tval *ret)
{
    str s;
    int rc = template_buf_take(c, b, &s);
    if (!rc)
        *ret = template_str(s);
    return rc;
}

/* ---- executing ---- */

int template_execute(struct template_run *r, str name, tval data, struct buf *out, struct err *err)
{
    const struct template_body *body = set_find(r->set, name);
    bool is_outermost = !r->stack_base;
    r->failed = 0;
    r->error = NULL;
    if (!body)
        return err_set(err, ERR_NOT_FOUND,
                       "template: no template \"%.*s\" associated with "
                       "template \"%.*s\"",
                       STR_FMT(name), STR_FMT(r->env.name));
    if (is_outermost)
        r->stack_base = __builtin_frame_address(0);
    int rc = run_body(r, body, data, out);
    if (is_outermost) {
        r->stack_base = NULL;
        r->bufs_out = 0;
    }
    if (!rc)
        return 0;
    str text = template_run_error(r);
    return err_set(err, -rc, "%.*s", STR_FMT(text));
}
