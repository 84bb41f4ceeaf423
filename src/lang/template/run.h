/* lang/template/run.h: insides of a run. Private to the room.
 *
 * A failure is a chain of texts, outermost first: each template that an error passes through puts
 * its place in front, and only the end makes one text of it (a thousand nested includes would
 * otherwise copy it a thousand times). */
#ifndef LANG_TEMPLATE_RUN_H
#define LANG_TEMPLATE_RUN_H

#include "base/map.h"
#include "lang/template.h"
#include "lang/template/node.h"

#define RUN_BUFS_MAX 4096 /* at a time: bounded by the nesting of includes */

struct error_part {
    str text;
    struct error_part *next;
};

struct variable {
    str name;
    tval val;
};

struct template_set {
    const struct template_set *below;  /* of a fork */
    const struct template_body *first; /* one without a map: what most texts of `tpl` bring */
    struct map body;                   /* name -> struct template_body */
};

struct template_run {
    struct arena *arena;
    struct template_env env;
    const struct template_set *set; /* env.set, or the fork of a `tpl` that runs */
    uint64_t steps, steps_max, poll_at;
    size_t output_bytes_max, stack_bytes_max;
    const char *stack_base; /* NULL: nothing runs */
    int failed;             /* 0 or -kind */
    struct error_part *error;
    VEC(struct variable) vars;
    VEC(struct buf *) buf;
    size_t bufs_out;    /* of them in use */
    struct map regex;   /* pattern -> compiled (func/regex.c) */
    struct map parsed;  /* text given to `tpl` -> struct template_tree */
    struct map include; /* name -> unsigned *: how deep it is nested */
};

struct state { /* one template that executes */
    struct template_run *run;
    const struct template_body *body;
    const struct tnode *node; /* for errors: what was looked at last */
    struct buf *out;
    size_t vars; /* its first variable */
    unsigned depth;
};

/* Body of that name with its fork's ones first, or NULL. */
const struct template_body *set_find(const struct template_set *s, str name);

/* Fail at the state's node; the answer is the run's -kind. */
int state_fail(struct state *s, const char *format, ...) PRINTF(2, 3);
/* Put the place of the state's node and "error calling NAME: " before the error there is. */
int state_wrap_call(struct state *s, str name);
/* Start a chain, or put a text in front of it. */
int run_fail(struct template_run *r, int kind, str text);
int run_prefix(struct template_run *r, str text);

/* One step; fails when the budget, deadline or memory is over. */
int run_step(struct template_run *r, uint64_t n);
/* The same; its failure names the place. */
int state_step(struct state *s, uint64_t n);
/* Calls of templates ask with a reserve: they end before expressions do, with Go's words. */
#define RUN_STACK_RESERVE_BYTES ((size_t)256 << 10)
bool run_stack_is_full(const struct template_run *r, size_t reserve_bytes);

/* Execute a body with data as dot; out gets its text. depth: of nested {{template}}. */
int run_body(struct template_run *r, const struct template_body *body, tval data, struct buf *out);

/* ---- the evaluator's halves ---- */

/* `dot` and the arguments are passed by address: they are never changed below, and copies of values
 * are what an evaluator would otherwise spend its time on. *ret is no part of them. */
int eval_pipe(struct state *s, const tval *dot, const struct node_pipe *p, tval *ret);
/* args[0] is the function or method itself (may be NULL); final: what the pipeline brings, or NULL.
 */
struct call_args {
    struct tnode *const *arg;
    size_t n;
    const tval *final;
};
int eval_call(struct state *s, const tval *dot, const struct template_func *f, const tval *receiver,
              const struct tnode *node, const struct call_args *args, tval *ret);
int eval_arg(struct state *s, const tval *dot, const struct template_type *type,
             const struct tnode *n, tval *ret);
int eval_function(struct state *s, const tval *dot, const struct node_identifier *n,
                  const struct tnode *cmd, const struct call_args *args, tval *ret);
int eval_names(struct state *s, const tval *dot, const struct node_names *n,
               const struct call_args *args, tval *ret);
int eval_ideal(struct state *s, const struct node_number *n, tval *ret);
tval zero_of(const struct template_type *t);
void set_variable_top(struct state *s, size_t n, tval v);
int set_variable(struct state *s, str name, tval v);
/* Follow pointers and interfaces; *ret_nil: one of them held nothing. */
tval indirect(tval v, bool *ret_nil);

extern const struct template_type TYPE_REFLECT_VALUE;
/* Type of a signature's letter. */
const struct template_type *signature_type(char c);

#endif
