/* lang/template/func/cast.c: see cast.h. */
#include "lang/template/func/cast.h"

#include "lang/template/strconv.h"
#include "lang/template/types.h"

int64_t cast_truncate(double d) { return d >= -0x1p63 && d < 0x1p63 ? (int64_t)d : INT64_MIN; }

/* Of Go's own integer types, and of the two named ones that the library knows. */
static bool is_number(const struct template_type *t)
{
    if (t == &TEMPLATE_T_MONTH || t == &TEMPLATE_T_WEEKDAY)
        return true;
    return !t->underlying && (kind_is_int(t->kind) || kind_is_uint(t->kind));
}

/* Without ".000". */
static str without_zero_fraction(str s)
{
    bool seen_zero = false;
    for (size_t i = s.len; i > 0; i--) {
        char c = s.at[i - 1];
        if (c == '.')
            return seen_zero ? str_sub(s, 0, i - 1) : s;
        if (c != '0')
            return s;
        seen_zero = true;
    }
    return s;
}

int64_t cast_int(tval v)
{
    int64_t i;
    v = template_unwrap(v);
    if (!v.type)
        return 0;
    if (is_number(v.type))
        return v.i;
    if (v.type == &TEMPLATE_T_FLOAT64)
        return cast_truncate(v.f);
    if (v.type == &TEMPLATE_T_BOOL)
        return v.b;
    if (v.type != &TEMPLATE_T_STRING)
        return 0;
    return strconv_int(without_zero_fraction(template_text(v)), 0, 64, &i) == STRCONV_OK ? i : 0;
}

double cast_float(tval v)
{
    double d;
    v = template_unwrap(v);
    if (!v.type)
        return 0;
    if (v.type == &TEMPLATE_T_FLOAT64)
        return v.f;
    if (kind_is_int(v.type->kind) && is_number(v.type))
        return (double)v.i;
    if (kind_is_uint(v.type->kind))
        return (double)v.u;
    if (v.type == &TEMPLATE_T_BOOL)
        return v.b;
    if (v.type != &TEMPLATE_T_STRING)
        return 0;
    return strconv_float(template_text(v), &d) == STRCONV_OK ? d : 0;
}
