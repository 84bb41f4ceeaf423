#include "lang/quantity.h"

typedef __int128 wide;
typedef unsigned __int128 uwide;

#define WIDE_MAX ((wide)(~(uwide)0 >> 1))
#define NANO ((wide)1000000000)
#define DIGITS_FAST 18 /* digits that upstream's int64 form takes */

/* The text in its parts; leading zeros of num are gone. */
struct parts {
    bool negative;
    str num, denom, suffix;
};

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

static int wrong_format(struct err *err)
{
    return err_set(err, ERR_INVALID,
                   "quantities must match the regular expression "
                   "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'");
}

static str digits(const char **p, const char *end)
{
    const char *from = *p;
    while (*p < end && is_digit(**p))
        ++*p;
    return str_mem(from, (size_t)(*p - from));
}

static int split(str s, struct parts *ret, struct err *err)
{
    const char *p = s.at, *end = p + s.len;
    *ret = (struct parts){.denom = STR("")};
    if (*p == '-' || *p == '+')
        ret->negative = *p++ == '-';
    while (p < end && *p == '0')
        p++;
    ret->num = digits(&p, end);
    if (!ret->num.len)
        ret->num = STR("0");
    if (p < end && *p == '.') {
        p++;
        ret->denom = digits(&p, end);
    }
    const char *from = p;
    while (p < end && *p && strchr("eEinumkKMGTP", *p))
        p++;
    if (p < end && (*p == '-' || *p == '+'))
        p++;
    digits(&p, end);
    ret->suffix = str_mem(from, (size_t)(p - from));
    return p == end ? 0 : wrong_format(err);
}

static const struct {
    str text;
    int base, exponent;
} suffixes[] = {
    {STR_INIT(""), 10, 0},   {STR_INIT("n"), 10, -9}, {STR_INIT("u"), 10, -6},
    {STR_INIT("m"), 10, -3}, {STR_INIT("k"), 10, 3},  {STR_INIT("M"), 10, 6},
    {STR_INIT("G"), 10, 9},  {STR_INIT("T"), 10, 12}, {STR_INIT("P"), 10, 15},
    {STR_INIT("E"), 10, 18}, {STR_INIT("Ki"), 2, 10}, {STR_INIT("Mi"), 2, 20},
    {STR_INIT("Gi"), 2, 30}, {STR_INIT("Ti"), 2, 40}, {STR_INIT("Pi"), 2, 50},
    {STR_INIT("Ei"), 2, 60},
};

static int read_suffix(str s, enum quantity_format *ret_format, int64_t *ret_exponent,
                       struct err *err)
{
    for (size_t i = 0; i < ARRAY_LEN(suffixes); i++)
        if (str_eq(s, suffixes[i].text)) {
            *ret_format = suffixes[i].base == 2 ? QUANTITY_BINARY_SI : QUANTITY_DECIMAL_SI;
            *ret_exponent = suffixes[i].exponent;
            return 0;
        }
    *ret_format = QUANTITY_DECIMAL_EXPONENT;
    if (s.len < 2 || (s.at[0] != 'e' && s.at[0] != 'E') ||
        !str_to_i64(str_from(s, 1), ret_exponent))
        return err_set(err, ERR_INVALID, "unable to parse quantity's suffix");
    return 0;
}

static const char *suffix_of(int base, int exponent)
{
    for (size_t i = 0; i < ARRAY_LEN(suffixes); i++)
        if (suffixes[i].base == base && suffixes[i].exponent == exponent)
            return suffixes[i].text.at;
    return "";
}

/* |n| x 10^exponent; false when it does not fit. */
static bool scale_up(wide n, int64_t exponent, wide *ret)
{
    for (; exponent > 0 && n; exponent--)
        if (__builtin_mul_overflow(n, (wide)10, &n))
            return false;
    *ret = n;
    return true;
}

/* The digits of num and denom as a number of 10^-places, rounded up behind that. exponent is added.
 * *ret_rest: something was cut off. False when it does not fit. */
static bool digits_to_wide(const struct parts *p, int64_t exponent, int places, wide *ret,
                           bool *ret_rest)
{
    wide n = 0;
    int64_t left = places + exponent + (int64_t)p->num.len; /* digits that are whole */
    size_t all = p->num.len + p->denom.len, i = 0;
    *ret_rest = false;
    for (; i < all; i++, left--) {
        char c = i < p->num.len ? p->num.at[i] : p->denom.at[i - p->num.len];
        if (left <= 0)
            *ret_rest |= c != '0';
        else if (__builtin_mul_overflow(n, (wide)10, &n) ||
                 __builtin_add_overflow(n, (wide)(c - '0'), &n))
            return false;
    }
    return scale_up(n, left, ret);
}

/* Where upstream's int64 form takes the value, and whether it then prints the text as it was
 * written. */
static bool fast_form(const struct parts *p, enum quantity_format format, int64_t exponent,
                      bool *ret_as_written)
{
    char text[2 * DIGITS_FAST + 1];
    int64_t n = 0, product, scale = 0, precision;
    size_t len = p->num.len + p->denom.len;
    *ret_as_written = false;
    if (format == QUANTITY_BINARY_SI) {
        if (p->denom.len)
            return false;
        precision = 15 - (int64_t)p->num.len - exponent * 3 / 10 - 1;
    } else {
        scale = exponent;
        precision = DIGITS_FAST - (int64_t)len;
    }
    scale -= (int64_t)p->denom.len;
    if (precision < 0 || scale < -9)
        return false;
    memcpy(text, p->num.at, p->num.len);
    if (p->denom.len)
        memcpy(text + p->num.len, p->denom.at, p->denom.len);
    if (!str_to_i64(str_mem(text, len), &n))
        return false;
    int64_t factor = format == QUANTITY_BINARY_SI ? (int64_t)1 << exponent : 1;
    if (__builtin_mul_overflow(n, factor, &product))
        return false;
    if (format == QUANTITY_BINARY_SI)
        *ret_as_written = (n & 7) != 0;
    else
        *ret_as_written =
            scale % 3 == 0 && !str_ends(str_mem(text, len), STR("000")) && text[0] != '0';
    return true;
}

static int too_large(struct err *err)
{
    return err_set(err, ERR_TOO_LARGE, "quantity is beyond 10^29");
}

static int binary_nano(const struct parts *p, int64_t exponent, wide *ret)
{
    const wide most = (wide)INT64_MAX * NANO;
    wide atto, rounded;
    bool rest;
    if (!digits_to_wide(p, 0, 18, &atto, &rest) ||
        __builtin_mul_overflow(atto, (wide)1 << exponent, &atto)) {
        *ret = most;
        return 0;
    }
    rounded = atto / NANO + (atto % NANO || rest);
    *ret = MIN_OF(rounded, most);
    return 0;
}

int quantity_parse(str text, struct quantity *ret, struct err *err)
{
    struct parts p;
    struct quantity q = {.text = text};
    int64_t exponent;
    bool rest, as_written;
    if (!text.len)
        return wrong_format(err);
    if (text.len > QUANTITY_BYTES_MAX)
        return err_set(err, ERR_TOO_LARGE, "quantity is longer than %d bytes", QUANTITY_BYTES_MAX);
    int r = split(text, &p, err);
    if (!r)
        r = read_suffix(p.suffix, &q.format, &exponent, err);
    if (r)
        return r;
    if (exponent > 1000 || exponent < -1000)
        return too_large(err);
    q.big = !fast_form(&p, q.format, exponent, &as_written);
    if (q.big || !as_written)
        q.text = str_is(text, "0") ? text : (str){NULL, 0};
    if (q.format == QUANTITY_BINARY_SI) {
        r = binary_nano(&p, exponent, &q.nano);
    } else if (!digits_to_wide(&p, exponent, 9, &q.nano, &rest)) {
        r = too_large(err);
    } else {
        q.nano += rest;
    }
    if (r)
        return r;
    if (q.big && q.format == QUANTITY_BINARY_SI && q.nano > 0 && q.nano < NANO)
        q.format = QUANTITY_DECIMAL_SI;
    if (p.negative)
        q.nano = -q.nano;
    *ret = q;
    return 0;
}

/* ---- printing ---- */

static str wide_text(wide n, char *buffer, size_t size)
{
    char *end = buffer + size, *p = end;
    bool negative = n < 0;
    uwide u = negative ? (uwide)0 - (uwide)n : (uwide)n;
    do
        *--p = (char)('0' + (int)(u % 10));
    while (u /= 10);
    if (negative)
        *--p = '-';
    return str_mem(p, (size_t)(end - p));
}

str quantity_str(struct arena *a, const struct quantity *q)
{
    char text[48];
    wide n = q->nano;
    int exponent = -9;
    if (q->text.len)
        return arena_str(a, q->text);
    if (!n)
        return STR("0");
    bool small = n > -1024 * NANO && n < 1024 * NANO;
    if (q->format == QUANTITY_BINARY_SI && !small && n % NANO == 0) {
        n /= NANO;
        for (exponent = 0; n % 1024 == 0; exponent += 10)
            n /= 1024;
        return arena_printf(a, "%.*s%s", STR_FMT(wide_text(n, text, sizeof(text))),
                            exponent ? suffix_of(2, exponent) : "");
    }
    for (; n % 10 == 0; exponent++)
        n /= 10;
    for (; exponent % 3; exponent--)
        n *= 10;
    str number = wide_text(n, text, sizeof(text));
    if (q->format != QUANTITY_DECIMAL_EXPONENT)
        return arena_printf(a, "%.*s%s", STR_FMT(number), suffix_of(10, exponent));
    if (!exponent)
        return arena_str(a, number);
    return arena_printf(a, "%.*se%d", STR_FMT(number), exponent);
}

/* ---- reading ---- */

int quantity_cmp(const struct quantity *a, const struct quantity *b)
{
    return a->nano < b->nano ? -1 : a->nano > b->nano;
}

/* Rounded up: away from zero in the int64 form; the big form adds one to the quotient, as upstream.
 */
static int64_t scaled(const struct quantity *q, wide divisor)
{
    if (q->big) {
        wide unscaled = q->nano < INT64_MAX ? (int64_t)q->nano : q->nano;
        return (int64_t)(unscaled / divisor + (unscaled % divisor != 0));
    }
    wide n = q->nano / divisor, rest = q->nano % divisor;
    if (rest)
        n += q->nano > 0 ? 1 : -1;
    return n > INT64_MAX || n < INT64_MIN ? 0 : (int64_t)n;
}

int64_t quantity_value(const struct quantity *q) { return scaled(q, NANO); }

int64_t quantity_milli_value(const struct quantity *q) { return scaled(q, NANO / 1000); }
