/* lang/template.h: Go's text/template.
 *
 * template_parse turns a text into an immutable tree (its body and the templates it defines) in an
 * arena; trees may be kept and used by many runs at once. A *set* maps names to bodies and costs
 * little to make. A *run* executes templates of a set with one environment, one arena and one
 * budget; Helm renders a whole chart in one run, so that `include`'s counters, changed values and
 * limits are shared by all its files.
 *
 * Errors carry Go's exact text: "template: c/templates/a.yaml:3:7: executing "c/templates/a.yaml"
 * at <.x>: ...". A chain of includes can make it longer than a struct err holds: the whole text is
 * template_run_error.
 *
 * Bounds: each evaluated node and each unit of work of a function is a step; the deadline is asked
 * every TEMPLATE_POLL_STEPS; output, memory (the arena's bound), C stack and nesting have bounds,
 * each ends with an error that names it. Threads: trees and sets that are no longer changed may be
 * read by any thread; a run belongs to one. Source: Go 1.26 text/template; Helm 4.2 pkg/engine. */
#ifndef LANG_TEMPLATE_H
#define LANG_TEMPLATE_H

#include "base/buf.h"
#include "base/err.h"
#include "base/time.h"
#include "lang/template_func.h"
#include "lang/template_value.h"

#define TEMPLATE_TEXT_BYTES_MAX ((size_t)32 << 20)
#define TEMPLATE_PARENS_MAX 2000 /* nested parentheses; Go: 10000, with the same text */
#define TEMPLATE_BLOCKS_MAX 2000 /* nested if/with/range/define */
#define TEMPLATE_POLL_STEPS 1024
#define TEMPLATE_STEPS_DEFAULT ((uint64_t)200 * 1000 * 1000)
#define TEMPLATE_OUTPUT_BYTES_DEFAULT ((size_t)64 << 20)
#define TEMPLATE_STACK_BYTES_DEFAULT ((size_t)6 << 20) /* of the usual 8 MiB */
#define TEMPLATE_DEPTH_TEMPLATES_MAX 100000            /* nested {{template}}, as Go */
#define TEMPLATE_DEPTH_INCLUDES_MAX 1000               /* nested `include` of one name, as Helm */

struct template_tree;
struct template_set;
struct template_run;

/* ---- parsing ---- */

/* name: of the template and in its errors; name and text are borrowed and outlive the tree.
 * -ERR_INVALID "template: NAME:LINE: ..." with Go's text; -ERR_TOO_LARGE. */
int template_parse(str name, str text, const struct template_funcs *funcs, struct arena *a,
                   const struct template_tree **ret, struct err *err) MUST_CHECK;

/* ---- sets ---- */

struct template_set *template_set_new(struct arena *a);
/* A set that sees all of `from` (which must not change meanwhile) and hides it by its own. */
struct template_set *template_set_fork(struct arena *a, const struct template_set *from);
/* Put the tree's body and its definitions in; each replaces one of the same name unless it is empty
 * (white space and comments only). The tree is borrowed. */
void template_set_add(struct template_set *s, const struct template_tree *tree);
bool template_set_has(const struct template_set *s, str name);
/* True when the body of that name has something to show besides white space. */
bool template_set_is_empty(const struct template_set *s, str name);

/* ---- running ---- */

enum template_missing { /* option missingkey: what a missing key of a map is */
                        TEMPLATE_MISSING_ZERO,    /* the element type's zero (Helm): "nil pointer
                                                     evaluating interface
                                                     {}.b" when a chain goes on */
                        TEMPLATE_MISSING_DEFAULT, /* text/template's default: "no value", and so is
                                                     what follows */
                        TEMPLATE_MISSING_ERROR,
};

struct template_limits { /* 0: the default */
    uint64_t steps_max;
    size_t output_bytes_max; /* of one text: a template's output, a function's result */
    size_t stack_bytes_max;
    bool (*expired)(void *arg); /* true: the deadline is over; NULL: none */
    void *expired_arg;
};

enum template_told { TEMPLATE_TOLD_NIL, TEMPLATE_TOLD_EMPTY, TEMPLATE_TOLD_FAIL };

struct template_env {
    const struct template_set *set;
    const struct template_funcs *funcs; /* for texts that `tpl` parses */
    enum template_missing missing;
    bool lint; /* Helm's lint mode: `required` and `fail` do not abort, `told` hears them */
    void (*told)(void *arg, enum template_told what, str message); /* or NULL */
    void *told_arg;
    struct template_limits limits;
    /* `lookup apiVersion kind namespace name`; NULL: always an empty map. */
    int (*lookup)(void *arg, const str four[4], struct arena *a, tval *ret, struct err *err);
    void *lookup_arg;
    /* Time and randomness; NULL: the clock and the kernel. Tests put their own here. */
    usec (*now)(void *arg);
    void (*random)(void *arg, void *ret, size_t len);
    void *source_arg;
    str name; /* of the root of the set, for `tpl` and include's errors; empty: "gotpl" */
};

/* env is copied; what it points to outlives the run. The arena's bound is the run's memory bound.
 * The run ends with the arena. */
struct template_run *template_run_new(struct arena *a, const struct template_env *env);

/* Execute the template of that name with data as dot and append its output. Kinds: -ERR_INVALID
 * Go's or a function's error; -ERR_NOT_FOUND no such template; -ERR_TOO_LARGE a bound (steps,
 * output, memory); -ERR_TIMEOUT the deadline. Output may have been appended before a failure. */
int template_execute(struct template_run *r, str name, tval data, struct buf *out,
                     struct err *err) MUST_CHECK;
/* Whole text of the last failure, in the arena. */
str template_run_error(const struct template_run *r);
/* Steps taken so far. */
uint64_t template_run_steps(const struct template_run *r);

#endif
