/* lang/template/func/decimal.c: addf, subf, mulf, divf: decimal arithmetic on the shortest digits.
 *
 * A decimal is a whole number times a power of ten; numbers are OpenSSL's. Division keeps 16 digits
 * behind the point, rounded half away from zero. Source: shopspring/decimal 1.4; Sprig numeric.go.
 */
#include <math.h>
#include <openssl/bn.h>
#include <stdlib.h>

#include "lang/template/func/cast.h"
#include "lang/template/func/rows.h"
#include "lang/template/strconv.h"

#define DIVISION_DIGITS 16

struct decimal {
    BIGNUM *n;
    int exponent;
};

enum operation { ADD, SUBTRACT, MULTIPLY, DIVIDE };

static void decimal_init(struct decimal *d)
{
    d->n = BN_new();
    d->exponent = 0;
}

static void decimal_done(struct decimal *d) { BN_free(d->n); }

static void from_double(struct decimal *d, double v)
{
    char digit[STRCONV_DIGITS_MAX + 1];
    int point;
    size_t n = strconv_digits(fabs(v), digit, &point);
    digit[n] = 0;
    d->exponent = n ? point - (int)n : 0;
    BN_dec2bn(&d->n, n ? digit : "0");
    BN_set_negative(d->n, v < 0 && n);
}

static void scale(BIGNUM *n, int digits, BN_CTX *ctx)
{
    BIGNUM *ten = BN_new(), *power = BN_new();
    BN_set_word(ten, 10);
    BN_set_word(power, (BN_ULONG)digits);
    BN_exp(power, ten, power, ctx);
    BN_mul(n, n, power, ctx);
    BN_free(ten);
    BN_free(power);
}

/* Both get the smaller exponent. */
static void align(struct decimal *a, struct decimal *b, BN_CTX *ctx)
{
    int least = MIN_OF(a->exponent, b->exponent);
    scale(a->n, a->exponent - least, ctx);
    scale(b->n, b->exponent - least, ctx);
    a->exponent = b->exponent = least;
}

static void divide(struct decimal *a, struct decimal *b, BN_CTX *ctx)
{
    BIGNUM *rest = BN_new(), *quotient = BN_new();
    bool is_negative = BN_is_negative(a->n) != BN_is_negative(b->n);
    /* a.n * 10^shift / b.n has the exponent -DIVISION_DIGITS */
    int shift = a->exponent - b->exponent + DIVISION_DIGITS;
    if (shift >= 0)
        scale(a->n, shift, ctx);
    else
        scale(b->n, -shift, ctx);
    BN_div(quotient, rest, a->n, b->n, ctx);
    BN_lshift1(rest, rest);
    if (BN_ucmp(rest, b->n) >= 0) {
        BN_set_negative(quotient, 0);
        BN_add_word(quotient, 1);
        BN_set_negative(quotient, is_negative);
    }
    BN_copy(a->n, quotient);
    a->exponent = -DIVISION_DIGITS;
    BN_free(rest);
    BN_free(quotient);
}

static double to_double(const struct decimal *d)
{
    char *digits = BN_bn2dec(d->n);
    struct buf b = BUF_INIT;
    buf_printf(&b, "%se%d", digits, d->exponent);
    double v = strtod(b.at, NULL);
    buf_done(&b);
    OPENSSL_free(digits);
    return v;
}

static int check(struct template_call *c, double v)
{
    if (isfinite(v))
        return 0;
    return template_fail(c, "Cannot create a Decimal from %s",
                         isnan(v) ? "NaN"
                         : v < 0  ? "-Inf"
                                  : "+Inf");
}

/* `first` op arg[0] op arg[1] ...: where first is not an argument, it is a whole number. */
static int compute(struct template_call *c, double first, const tval *arg, size_t n,
                   enum operation op, tval *ret)
{
    struct decimal sum, x;
    BN_CTX *ctx = BN_CTX_new();
    int rc = check(c, first);
    decimal_init(&sum);
    decimal_init(&x);
    if (!rc)
        from_double(&sum, first);
    for (size_t i = 0; !rc && i < n; i++) {
        double v = cast_float(arg[i]);
        rc = check(c, v);
        if (!rc)
            rc = template_charge(c, 1 + (uint64_t)BN_num_bits(sum.n) / 64);
        if (!rc && op == DIVIDE && v == 0)
            rc = template_fail(c, "decimal division by 0");
        if (rc)
            break;
        from_double(&x, v);
        if (op == MULTIPLY) {
            BN_mul(sum.n, sum.n, x.n, ctx);
            sum.exponent += x.exponent;
        } else if (op == DIVIDE) {
            divide(&sum, &x, ctx);
        } else {
            align(&sum, &x, ctx);
            if (op == ADD)
                BN_add(sum.n, sum.n, x.n);
            else
                BN_sub(sum.n, sum.n, x.n);
        }
    }
    if (!rc)
        *ret = template_float(to_double(&sum));
    decimal_done(&sum);
    decimal_done(&x);
    BN_CTX_free(ctx);
    return rc;
}

int func_addf(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    return compute(c, 0, arg, n, ADD, ret);
}

int func_add1f(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    tval one = template_float(1);
    int rc = check(c, cast_float(arg[0]));
    return rc ? rc : compute(c, cast_float(arg[0]), &one, 1, ADD, ret);
}

int func_subf(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    return compute(c, cast_float(arg[0]), arg + 1, n - 1, SUBTRACT, ret);
}

int func_mulf(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    return compute(c, cast_float(arg[0]), arg + 1, n - 1, MULTIPLY, ret);
}

int func_divf(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    return compute(c, cast_float(arg[0]), arg + 1, n - 1, DIVIDE, ret);
}
