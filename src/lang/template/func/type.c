/* lang/template/func/type.c: defaults, logic and types. Source: Sprig defaults.go, reflect.go. */
#include "lang/template/func/rows.h"
#include "lang/template/types.h"

bool func_is_empty(tval v)
{
    v = template_unwrap(v);
    if (!v.type)
        return true;
    if (v.type->kind == TEMPLATE_PTR)
        return !v.p;
    if (v.type->kind == TEMPLATE_FLOAT64)
        return v.f == 0;
    return !template_truth(v);
}

/* default d [v]; more arguments than one value do not count. */
int func_default(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    (void)c;
    *ret = n < 2 || func_is_empty(arg[1]) ? arg[0] : arg[1];
    return 0;
}

int func_empty(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    (void)c;
    (void)n;
    *ret = template_bool(func_is_empty(arg[0]));
    return 0;
}

int func_coalesce(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    (void)c;
    for (size_t i = 0; i < n; i++)
        if (!func_is_empty(arg[i])) {
            *ret = arg[i];
            return 0;
        }
    return 0;
}

int func_all(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    bool all = true;
    (void)c;
    for (size_t i = 0; i < n; i++)
        all = all && !func_is_empty(arg[i]);
    *ret = template_bool(all);
    return 0;
}

int func_any(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    bool any = false;
    (void)c;
    for (size_t i = 0; i < n; i++)
        any = any || !func_is_empty(arg[i]);
    *ret = template_bool(any);
    return 0;
}

int func_ternary(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    (void)c;
    (void)n;
    *ret = arg[2].b ? arg[0] : arg[1];
    return 0;
}

int func_type_of(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    (void)c;
    (void)n;
    *ret = template_str(template_type_name(arg[0]));
    return 0;
}

int func_type_is(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    (void)c;
    (void)n;
    *ret = template_bool(str_eq(template_text(arg[0]), template_type_name(arg[1])));
    return 0;
}

/* A pointer is like what it points to. */
int func_type_is_like(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    str target = template_text(arg[0]), type = template_type_name(arg[1]);
    (void)c;
    (void)n;
    *ret = template_bool(str_eq(target, type) ||
                         (str_starts(type, STR("*")) && str_eq(target, str_from(type, 1))));
    return 0;
}

static str kind_of(tval v) { return str_of(kind_name(template_kind(template_unwrap(v)))); }

int func_kind_of(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    (void)c;
    (void)n;
    *ret = template_str(kind_of(arg[0]));
    return 0;
}

int func_kind_is(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    (void)c;
    (void)n;
    *ret = template_bool(str_eq(template_text(arg[0]), kind_of(arg[1])));
    return 0;
}

int func_deep_equal(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    (void)c;
    (void)n;
    *ret = template_bool(template_deep_equal(arg[0], arg[1]));
    return 0;
}
