/* lang/template/func/compare.c: eq, ne, lt, le, gt, ge.
 *
 * Values compare within one *basic kind* (bool, signed, unsigned, float, complex, string); signed
 * and unsigned compare as the numbers they are; everything else is an error that names the types.
 */
#include "lang/template/func/rows.h"
#include "lang/template/print.h"
#include "lang/template/run.h"
#include "lang/template/types.h"

enum basic {
    BASIC_NONE,
    BASIC_BOOL,
    BASIC_COMPLEX,
    BASIC_INT,
    BASIC_FLOAT,
    BASIC_STRING,
    BASIC_UINT
};

static enum basic basic_of(tval v)
{
    if (!v.type)
        return BASIC_NONE;
    if (kind_is_int(v.type->kind))
        return BASIC_INT;
    if (kind_is_uint(v.type->kind))
        return BASIC_UINT;
    switch (v.type->kind) {
    case TEMPLATE_BOOL: return BASIC_BOOL;
    case TEMPLATE_COMPLEX128: return BASIC_COMPLEX;
    case TEMPLATE_FLOAT64: return BASIC_FLOAT;
    case TEMPLATE_STRING: return BASIC_STRING;
    default: return BASIC_NONE;
    }
}

static const char *type_name(tval v) { return v.type ? v.type->name : "<nil>"; }

static int incompatible(struct template_call *c, tval a, tval b)
{
    return template_fail(c, "incompatible types for comparison: %s and %s", type_name(a),
                         type_name(b));
}

static str shown(struct template_call *c, tval v, char verb)
{
    struct buf b = BUF_INIT;
    buf_init(&b, 4096);
    print_verb(&b, c->arena, v, verb);
    str s = arena_str(c->arena, buf_str(&b));
    buf_done(&b);
    return s;
}

static bool is_comparable(const struct template_type *t)
{
    return t->kind == TEMPLATE_PTR || t->comparable;
}

/* Maps, lists, structs, nils. */
static int equal_others(struct template_call *c, tval a, tval b, bool *ret)
{
    bool a_nil = !a.type || template_is_nil(a), b_nil = !b.type || template_is_nil(b);
    if (a.type && b.type && a.type->kind != b.type->kind) {
        str text = shown(c, a, 's'), other = shown(c, b, 'v');
        return template_fail(c, "non-comparable types %.*s: %s, %s: %.*s", STR_FMT(text),
                             a.type->name, b.type->name, STR_FMT(other));
    }
    if (a_nil || b_nil) {
        *ret = a_nil == b_nil;
        return 0;
    }
    if (!is_comparable(b.type)) {
        str text = shown(c, b, 's');
        return template_fail(c, "non-comparable type %.*s: %s", STR_FMT(text), b.type->name);
    }
    *ret = a.type == b.type && (a.p == b.p || (b.type->kind == TEMPLATE_STRUCT && b.type->equal &&
                                               b.type->equal(a.p, b.p)));
    return 0;
}

static int equal(struct template_call *c, tval a, tval b, bool *ret)
{
    enum basic ka = basic_of(a), kb = basic_of(b);
    *ret = false;
    if (ka != kb) {
        if (ka == BASIC_INT && kb == BASIC_UINT)
            *ret = a.i >= 0 && (uint64_t)a.i == b.u;
        else if (ka == BASIC_UINT && kb == BASIC_INT)
            *ret = b.i >= 0 && (uint64_t)b.i == a.u;
        else if (a.type && b.type)
            return incompatible(c, a, b);
        return 0;
    }
    switch (ka) {
    case BASIC_BOOL: *ret = a.b == b.b; return 0;
    case BASIC_COMPLEX:
        *ret = a.complex[0] == b.complex[0] && a.complex[1] == b.complex[1];
        return 0;
    case BASIC_INT:
    case BASIC_UINT: *ret = a.i == b.i; return 0;
    case BASIC_FLOAT: *ret = a.f == b.f; return 0;
    case BASIC_STRING: *ret = str_eq(template_text(a), template_text(b)); return 0;
    case BASIC_NONE: break;
    }
    return equal_others(c, a, b, ret);
}

static int less(struct template_call *c, tval a, tval b, bool *ret)
{
    enum basic ka = basic_of(a), kb = basic_of(b);
    if (ka == BASIC_NONE || kb == BASIC_NONE)
        return template_fail(c, "invalid type for comparison");
    if (ka != kb) {
        if (ka == BASIC_INT && kb == BASIC_UINT)
            *ret = a.i < 0 || (uint64_t)a.i < b.u;
        else if (ka == BASIC_UINT && kb == BASIC_INT)
            *ret = b.i >= 0 && a.u < (uint64_t)b.i;
        else
            return incompatible(c, a, b);
        return 0;
    }
    switch (ka) {
    case BASIC_INT: *ret = a.i < b.i; return 0;
    case BASIC_UINT: *ret = a.u < b.u; return 0;
    case BASIC_FLOAT: *ret = a.f < b.f; return 0;
    case BASIC_STRING: *ret = str_cmp(template_text(a), template_text(b)) < 0; return 0;
    default: return template_fail(c, "invalid type for comparison");
    }
}

/* le is lt or eq, as in Go: so is the error when only one of them has one. */
static int less_or_equal(struct template_call *c, tval a, tval b, bool *ret)
{
    int rc = less(c, a, b, ret);
    return rc || *ret ? rc : equal(c, a, b, ret);
}

static int answer(int rc, bool b, tval *ret)
{
    if (!rc)
        *ret = template_bool(b);
    return rc;
}

int func_eq(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    bool same = false;
    int rc = 0;
    if (n < 2)
        return template_fail(c, "missing argument for comparison");
    for (size_t i = 1; !rc && !same && i < n; i++)
        rc = equal(c, template_unwrap(arg[0]), template_unwrap(arg[i]), &same);
    return answer(rc, same, ret);
}

int func_ne(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    bool same = false;
    int rc = equal(c, template_unwrap(arg[0]), template_unwrap(arg[1]), &same);
    (void)n;
    return answer(rc, !same, ret);
}

int func_lt(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    bool b = false;
    int rc = less(c, template_unwrap(arg[0]), template_unwrap(arg[1]), &b);
    (void)n;
    return answer(rc, b, ret);
}

int func_le(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    bool b = false;
    int rc = less_or_equal(c, template_unwrap(arg[0]), template_unwrap(arg[1]), &b);
    (void)n;
    return answer(rc, b, ret);
}

int func_gt(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    bool b = false;
    int rc = less_or_equal(c, template_unwrap(arg[0]), template_unwrap(arg[1]), &b);
    (void)n;
    return answer(rc, !b, ret);
}

int func_ge(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    bool b = false;
    int rc = less(c, template_unwrap(arg[0]), template_unwrap(arg[1]), &b);
    (void)n;
    return answer(rc, !b, ret);
}
