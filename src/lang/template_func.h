/* lang/template_func.h: functions of Go templates.
 *
 * A table row holds a name, a signature and a C function. The evaluator checks the number and the
 * types of arguments as Go's reflect would (with its error texts) before it calls: the function
 * sees exactly what the signature says.
 *
 * Signature: one letter per parameter; `*` before the last one makes it variadic.
 *   a interface{}   s string   i int   l int64   u uint32   f float64   b bool
 *   m map[string]interface{}   v []interface{}   t time.Time   c sprig.certificate
 *   S []string   V *semver.Version   D time.Duration   L *time.Location
 *   r reflect.Value (builtins: an argument as it is, interface not removed)
 * A signature "!why" takes nothing and is always refused with that text.
 *
 * Threads: tables are constants; a call belongs to its run. Source: text/template exec.go; Sprig
 * 3.3; Helm pkg/engine/funcs.go. */
#ifndef LANG_TEMPLATE_FUNC_H
#define LANG_TEMPLATE_FUNC_H

#include "base/err.h"
#include "lang/template_value.h"

struct template_run;

/* What a function is given. */
struct template_call {
    struct template_run *run;
    struct arena *arena; /* results live here */
    tval receiver;       /* of a method */
    const char *name;    /* as the template calls it: aliases share a C function */
};

/* 0, or the answer of template_fail: Go's error or panic text, behind "error calling NAME: ". */
typedef int template_fn(struct template_call *c, const tval *arg, size_t n, tval *ret);

struct template_func {
    const char *name;
    const char *signature;
    template_fn *call;
};

/* Functions that a text may use: rows, and behind them those of `base` (a row hides one of the same
 * name there). Rows are sorted by name. */
struct template_funcs {
    const struct template_func *row;
    size_t n;
    const struct template_funcs *base; /* or NULL */
};

const struct template_func *template_funcs_find(const struct template_funcs *f, str name);

extern const struct template_funcs TEMPLATE_FUNCS_GO;    /* text/template's builtins */
extern const struct template_funcs TEMPLATE_FUNCS_SPRIG; /* + Sprig without env and expandenv */
extern const struct template_funcs TEMPLATE_FUNCS_HELM4; /* + Helm 4.2's */
extern const struct template_funcs TEMPLATE_FUNCS_HELM3; /* + Helm 3.19's */

/* ---- for functions ---- */

/* Fail with a text of any length. */
int template_fail(struct template_call *c, const char *format, ...) PRINTF(2, 3);
int template_fail_str(struct template_call *c, str text);
/* Take n units of work (elements, bytes) from the run's budget; fails when it is spent or the
 * deadline is over. Functions whose cost does not follow the size of their arguments call it before
 * they start. */
int template_charge(struct template_call *c, uint64_t n) MUST_CHECK;
/* Before taking `bytes` of the run's arena. */
int template_room(struct template_call *c, uint64_t bytes) MUST_CHECK;
/* Empty buffer for building a text, bounded by the run's limits; template_text_of copies it into
 * the arena. Several at a time are fine; they are given back in reverse order. */
struct buf *template_buf(struct template_call *c);
int template_buf_take(struct template_call *c, struct buf *b, str *ret) MUST_CHECK;
int template_buf_tval(struct template_call *c, struct buf *b, tval *ret) MUST_CHECK;

#endif
