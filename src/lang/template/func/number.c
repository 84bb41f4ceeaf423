/* lang/template/func/number.c: numbers. Sums wrap, as Go's. Source: Sprig 3.3 numeric.go. */
#include <math.h>

#include "lang/template/func/cast.h"
#include "lang/template/func/rows.h"
#include "lang/template/print.h"
#include "lang/template/strconv.h"
#include "lang/template/unicode.h"

static int give_int64(tval *ret, int64_t i)
{
    *ret = template_int64(i);
    return 0;
}

static int give_float(tval *ret, double d)
{
    *ret = template_float(d);
    return 0;
}

int func_int(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    *ret = template_int(cast_int(arg[0]));
    return 0;
}

int func_int64(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    return give_int64(ret, cast_int(arg[0]));
}

int func_float64(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    return give_float(ret, cast_float(arg[0]));
}

/* The text of v read as octal. */
int func_to_decimal(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    int64_t i;
    str s;
    struct buf *b = template_buf(c);
    print_verb(b, c->arena, arg[0], 'v');
    int rc = template_buf_take(c, b, &s);
    if (rc)
        return rc;
    return give_int64(ret, strconv_int(s, 8, 64, &i) == STRCONV_OK ? i : 0);
}

int func_atoi(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    int64_t i;
    /* strconv.Atoi's error is dropped, its value is not: out of range gives the bound */
    enum strconv_result r = strconv_int(template_text(arg[0]), 10, 64, &i);
    *ret = template_int(r == STRCONV_SYNTAX ? 0 : i);
    return 0;
}

/* ---- sums ---- */

int func_add(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (uint64_t)cast_int(arg[i]);
    return give_int64(ret, (int64_t)sum);
}

int func_add1(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    return give_int64(ret, (int64_t)((uint64_t)cast_int(arg[0]) + 1));
}

int func_sub(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    return give_int64(ret, (int64_t)((uint64_t)cast_int(arg[0]) - (uint64_t)cast_int(arg[1])));
}

int func_mul(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    uint64_t product = (uint64_t)cast_int(arg[0]);
    for (size_t i = 1; i < n; i++)
        product *= (uint64_t)cast_int(arg[i]);
    return give_int64(ret, (int64_t)product);
}

static int divide(struct template_call *c, const tval *arg, bool wants_rest, tval *ret)
{
    int64_t a = cast_int(arg[0]), b = cast_int(arg[1]);
    if (b == 0)
        return template_fail(c, "runtime error: integer divide by zero");
    if (b == -1) /* the one quotient that would not fit wraps */
        return give_int64(ret, wants_rest ? 0 : (int64_t)(0 - (uint64_t)a));
    return give_int64(ret, wants_rest ? a % b : a / b);
}

int func_div(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    return divide(c, arg, false, ret);
}

int func_mod(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    return divide(c, arg, true, ret);
}

int func_max(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    int64_t most = cast_int(arg[0]);
    for (size_t i = 1; i < n; i++)
        most = MAX_OF(most, cast_int(arg[i]));
    return give_int64(ret, most);
}

int func_min(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    int64_t least = cast_int(arg[0]);
    for (size_t i = 1; i < n; i++)
        least = MIN_OF(least, cast_int(arg[i]));
    return give_int64(ret, least);
}

/* math.Max: infinity before NaN, NaN before numbers, 0 above -0. */
static double max_float(double a, double b)
{
    if (isinf(a) && a > 0)
        return a;
    if (isinf(b) && b > 0)
        return b;
    if (isnan(a) || isnan(b))
        return (double)NAN;
    if (a == 0 && b == 0)
        return signbit(a) ? b : a;
    return a > b ? a : b;
}

int func_maxf(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    double most = cast_float(arg[0]);
    for (size_t i = 1; i < n; i++)
        most = max_float(most, cast_float(arg[i]));
    return give_float(ret, most);
}

int func_minf(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    double least = -cast_float(arg[0]);
    for (size_t i = 1; i < n; i++)
        least = max_float(least, -cast_float(arg[i]));
    return give_float(ret, -least);
}

/* ---- rounding ---- */

int func_ceil(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    return give_float(ret, ceil(cast_float(arg[0])));
}

int func_floor(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    return give_float(ret, floor(cast_float(arg[0])));
}

int func_round(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    double on = n > 2 ? arg[2].f : 0.5, whole;
    double power = pow(10, (double)arg[1].i), digit = power * cast_float(arg[0]);
    double rest = modf(digit, &whole);
    if (isinf(digit))
        rest = (double)NAN; /* as Go's Modf */
    return give_float(ret, (rest >= on ? ceil(digit) : floor(digit)) / power);
}

/* ---- sequences ---- */

static int64_t count_steps(int64_t start, int64_t stop, int64_t step)
{
    if (step == 0 || (stop < start) != (step < 0))
        return 0;
    uint64_t distance =
        stop < start ? (uint64_t)start - (uint64_t)stop : (uint64_t)stop - (uint64_t)start;
    uint64_t size = step < 0 ? 0 - (uint64_t)step : (uint64_t)step;
    return (int64_t)((distance + size - 1) / size);
}

static int steps(struct template_call *c, int64_t start, int64_t stop, int64_t step, tval *ret)
{
    int64_t n = count_steps(start, stop, step);
    int rc = n < 0 || (uint64_t)n > SIZE_MAX / sizeof(tval)
                 ? template_room(c, UINT64_MAX / 4)
                 : template_room(c, (uint64_t)n * sizeof(tval));
    if (!rc)
        rc = template_charge(c, (uint64_t)n / 8);
    if (rc)
        return rc;
    tval *item = ARENA_ARRAY(c->arena, tval, n);
    for (int64_t i = 0; i < n; i++)
        item[i] = template_int((int64_t)((uint64_t)start + (uint64_t)i * (uint64_t)step));
    *ret = template_list(c->arena, &TEMPLATE_T_INTS, item, (size_t)n);
    return 0;
}

int func_until(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    return steps(c, 0, arg[0].i, arg[0].i < 0 ? -1 : 1, ret);
}

int func_until_step(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    return steps(c, arg[0].i, arg[1].i, arg[2].i, ret);
}

/* As the shell's: [start [step]] end, the end included. */
int func_seq(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    int64_t start = n > 1 ? arg[0].i : 1, end = n ? arg[n - 1].i : 0;
    int64_t direction = end < start ? -1 : 1, step = n == 3 ? arg[1].i : direction;
    tval list;
    *ret = template_strz("");
    if (n == 0 || n > 3 || (n == 3 && end < start && step > 0))
        return 0;
    int rc = steps(c, start, (int64_t)((uint64_t)end + (uint64_t)direction), step, &list);
    if (rc)
        return rc;
    struct buf *b = template_buf(c);
    for (size_t i = 0; i < list.list->n; i++)
        buf_printf(b, i ? " %lld" : "%lld", (long long)list.list->item[i].i);
    return template_buf_tval(c, b, ret);
}
