#include "value/yaml/resolve.h"

#include <math.h>

#include "value/number.h"

/* ---- words ---- */

static const struct word {
    str text;
    struct yaml_scalar is;
} words[] = {
#define TRUE_WORD(w)                                                                               \
    {                                                                                              \
        STR_INIT(w), { .kind = YAML_BOOL, .b = true }                                              \
    }
#define FALSE_WORD(w)                                                                              \
    {                                                                                              \
        STR_INIT(w), { .kind = YAML_BOOL, .b = false }                                             \
    }
#define NULL_WORD(w)                                                                               \
    {                                                                                              \
        STR_INIT(w), { .kind = YAML_NULL }                                                         \
    }
#define FLOAT_WORD(w, x)                                                                           \
    {                                                                                              \
        STR_INIT(w), { .kind = YAML_FLOAT, .d = (x) }                                              \
    }
    TRUE_WORD("y"),
    TRUE_WORD("Y"),
    TRUE_WORD("yes"),
    TRUE_WORD("Yes"),
    TRUE_WORD("YES"),
    TRUE_WORD("true"),
    TRUE_WORD("True"),
    TRUE_WORD("TRUE"),
    TRUE_WORD("on"),
    TRUE_WORD("On"),
    TRUE_WORD("ON"),
    FALSE_WORD("n"),
    FALSE_WORD("N"),
    FALSE_WORD("no"),
    FALSE_WORD("No"),
    FALSE_WORD("NO"),
    FALSE_WORD("false"),
    FALSE_WORD("False"),
    FALSE_WORD("FALSE"),
    FALSE_WORD("off"),
    FALSE_WORD("Off"),
    FALSE_WORD("OFF"),
    NULL_WORD("~"),
    NULL_WORD("null"),
    NULL_WORD("Null"),
    NULL_WORD("NULL"),
    FLOAT_WORD(".nan", NAN),
    FLOAT_WORD(".NaN", NAN),
    FLOAT_WORD(".NAN", NAN),
    FLOAT_WORD(".inf", INFINITY),
    FLOAT_WORD(".Inf", INFINITY),
    FLOAT_WORD(".INF", INFINITY),
    FLOAT_WORD("+.inf", INFINITY),
    FLOAT_WORD("+.Inf", INFINITY),
    FLOAT_WORD("+.INF", INFINITY),
    FLOAT_WORD("-.inf", -INFINITY),
    FLOAT_WORD("-.Inf", -INFINITY),
    FLOAT_WORD("-.INF", -INFINITY),
};
#define WORD_BYTES_MAX 5

static bool find_word(str text, struct yaml_scalar *ret)
{
    char c = text.len ? text.at[0] : 0;
    if (text.len > WORD_BYTES_MAX)
        return false;
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (words[i].text.at[0] == c && words[i].text.len == text.len &&
            !memcmp(words[i].text.at, text.at, text.len)) {
            *ret = words[i].is;
            return true;
        }
    return false;
}

/* ---- timestamps ---- */

/* One or two digits in low..high. */
static bool field(const char **p, const char *end, int low, int high, int *ret)
{
    int n = 0, digits = 0;
    while (digits < 2 && *p < end && **p >= '0' && **p <= '9') {
        n = n * 10 + (*(*p)++ - '0');
        digits++;
    }
    *ret = n;
    return digits > 0 && n >= low && n <= high;
}

static bool literal(const char **p, const char *end, char c)
{
    if (*p >= end || **p != c)
        return false;
    ++*p;
    return true;
}

static int days_in(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap);
}

static bool two_digits(const char **p, const char *end, int high)
{
    const char *from = *p;
    int n;
    return field(p, end, 0, high, &n) && *p - from == 2;
}

static bool zone(const char **p, const char *end)
{
    if (literal(p, end, 'Z'))
        return true;
    return (literal(p, end, '+') || literal(p, end, '-')) && two_digits(p, end, 24) &&
           literal(p, end, ':') && two_digits(p, end, 60);
}

static bool date(const char **p, const char *end)
{
    int year = 0, month, day;
    for (int i = 0; i < 4; i++, ++*p) {
        if (**p < '0' || **p > '9')
            return false;
        year = year * 10 + (**p - '0');
    }
    return literal(p, end, '-') && field(p, end, 1, 12, &month) && literal(p, end, '-') &&
           field(p, end, 1, days_in(year, month), &day);
}

static bool time_of_day(const char **p, const char *end)
{
    int n;
    if (!field(p, end, 0, 23, &n) || !literal(p, end, ':') || !field(p, end, 0, 59, &n) ||
        !literal(p, end, ':') || !field(p, end, 0, 59, &n))
        return false;
    if (end - *p >= 2 && (**p == '.' || **p == ',') && (*p)[1] >= '0' && (*p)[1] <= '9')
        for (++*p; *p < end && **p >= '0' && **p <= '9';)
            ++*p;
    return true;
}

bool yaml_is_timestamp(str text)
{
    const char *p = text.at, *end = p + text.len;
    if (text.len < 8 || !date(&p, end))
        return false;
    if (p == end)
        return true;
    char separator = *p++;
    if (separator != 'T' && separator != 't' && separator != ' ')
        return false;
    while (separator == ' ' && p < end && *p == ' ') /* a blank in the layout stands for many */
        p++;
    return time_of_day(&p, end) && (separator == ' ' || zone(&p, end)) && p == end;
}

/* ---- numbers ---- */

/* Go's ParseUint with base 0 of unsigned digits: 0x, 0o, 0b, leading 0. *ret_overflow: digits fine,
 * too large. */
static bool unsigned_digits(str s, uint64_t *ret, bool *ret_overflow)
{
    unsigned base = 10;
    *ret_overflow = false;
    if (!s.len)
        return false;
    if (s.at[0] == '0') {
        char c = s.len >= 3 ? s.at[1] | 0x20 : 0;
        base = c == 'x' ? 16 : c == 'b' ? 2 : 8;
        s = str_from(s, c == 'x' || c == 'b' || c == 'o' ? 2 : 1);
    }
    uint64_t n = 0;
    bool overflow = false;
    for (size_t i = 0; i < s.len; i++) {
        char c = s.at[i];
        unsigned d = c >= '0' && c <= '9'                     ? (unsigned)(c - '0')
                     : (c | 0x20) >= 'a' && (c | 0x20) <= 'z' ? (unsigned)((c | 0x20) - 'a' + 10)
                                                              : 99;
        if (d >= base)
            return false;
        overflow |= __builtin_mul_overflow(n, base, &n) || __builtin_add_overflow(n, d, &n);
    }
    *ret = n;
    *ret_overflow = overflow;
    return !overflow;
}

static bool integer(str s, struct yaml_scalar *ret)
{
    bool sign = s.len && (s.at[0] == '+' || s.at[0] == '-'), overflow;
    bool negative = sign && s.at[0] == '-';
    uint64_t u;
    if (!unsigned_digits(sign ? str_from(s, 1) : s, &u, &overflow))
        return false;
    if (u <= INT64_MAX || (negative && u == (uint64_t)INT64_MAX + 1)) {
        *ret =
            (struct yaml_scalar){.kind = YAML_INT, .i = negative ? (int64_t)(0 - u) : (int64_t)u};
        return true;
    }
    if (sign)
        return false;
    *ret = (struct yaml_scalar){.kind = YAML_UINT, .u = u};
    return true;
}

static size_t digits(str s, size_t i)
{
    while (i < s.len && s.at[i] >= '0' && s.at[i] <= '9')
        i++;
    return i;
}

/* [-+]? (.digits | digits (. digits?)?) exponent? */
static bool is_float(str s)
{
    size_t i = s.len && (s.at[0] == '+' || s.at[0] == '-') ? 1 : 0;
    size_t whole = digits(s, i);
    bool ok = whole > i;
    i = whole;
    if (i < s.len && s.at[i] == '.') {
        size_t fraction = digits(s, i + 1);
        ok |= fraction > i + 1;
        i = fraction;
    }
    if (!ok)
        return false;
    if (i < s.len && (s.at[i] | 0x20) == 'e') {
        size_t from = i + 1;
        if (from < s.len && (s.at[from] == '+' || s.at[from] == '-'))
            from++;
        i = digits(s, from);
        ok = i > from;
    }
    return ok && i == s.len;
}

static bool to_float(str s, struct yaml_scalar *ret)
{
    double d;
    if (!is_float(s) || !number_to_double(s, &d))
        return false;
    *ret = (struct yaml_scalar){.kind = YAML_FLOAT, .d = d};
    return true;
}

/* "0b+1" and "0b-1", which upstream takes for numbers. */
static bool signed_binary(str s, struct yaml_scalar *ret)
{
    uint64_t u = 0;
    if (s.len < 4 || s.len > 66 || !str_starts(s, STR("0b")) || (s.at[2] != '+' && s.at[2] != '-'))
        return false;
    for (size_t i = 3; i < s.len; i++) {
        if (s.at[i] != '0' && s.at[i] != '1')
            return false;
        u = u << 1 | (s.at[i] == '1');
    }
    *ret = (struct yaml_scalar){.kind = YAML_INT, .i = s.at[2] == '-' ? -(int64_t)u : (int64_t)u};
    return true;
}

static bool plain_number(str s, struct yaml_scalar *ret)
{
    return integer(s, ret) || to_float(s, ret) || signed_binary(s, ret);
}

/* Text that begins with a sign or digit; '_' may stand anywhere in it. */
static bool number(str text, struct yaml_scalar *ret)
{
    char small[128];
    str s = text;
    if (memchr(text.at, '_', text.len)) {
        char *at = text.len <= sizeof(small) ? small : malloc(text.len), *w = at;
        if (!at)
            abort();
        for (size_t i = 0; i < text.len; i++)
            if (text.at[i] != '_')
                *w++ = text.at[i];
        s = str_mem(at, (size_t)(w - at));
        bool ok = plain_number(s, ret);
        if (at != small)
            free(at);
        return ok;
    }
    return plain_number(s, ret);
}

/* Go's ParseFloat takes "1_0" but not "_1", "1__0", "1_.5". */
static bool underscores_separate_digits(str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.at[i] == '_' && (i == 0 || i + 1 == s.len || s.at[i - 1] < '0' || s.at[i - 1] > '9' ||
                               s.at[i + 1] < '0' || s.at[i + 1] > '9'))
            return false;
    return true;
}

struct yaml_scalar yaml_resolve(str text)
{
    struct yaml_scalar is = {.kind = YAML_STR};
    if (!text.len)
        return (struct yaml_scalar){.kind = YAML_NULL};
    char c = text.at[0];
    if (c >= '0' && c <= '9') {
        if (number(text, &is))
            return is;
    } else if (c == '-' || c == '+') {
        if (find_word(text, &is) || number(text, &is))
            return is;
    } else if (c == '.') {
        if (find_word(text, &is) || (underscores_separate_digits(text) && number(text, &is)))
            return is;
    } else if (text.len <= WORD_BYTES_MAX && strchr("yYnNtTfFoO~", c)) {
        find_word(text, &is);
    }
    return is;
}

struct yaml_scalar yaml_through_json(double d)
{
    struct yaml_scalar is = {.kind = YAML_FLOAT, .d = d};
    char text[NUMBER_PRINT_MAX];
    if (d != trunc(d) || fabs(d) >= 0x1p64 || (d == 0 && signbit(d)))
        return is;
    str shortest = str_mem(text, number_print_double(d, text));
    if (str_to_i64(shortest, &is.i))
        is.kind = YAML_INT;
    else if (str_to_u64(shortest, &is.u))
        is.kind = YAML_UINT;
    else
        is.d = d;
    return is;
}

/* ---- printing ---- */

static bool same(double d, int bits, const char *text)
{
    return bits == 32 ? strtof(text, NULL) == (float)d : strtod(text, NULL) == d;
}

size_t yaml_print_float(double d, int bits, char *ret)
{
    if (bits == 32)
        d = (float)d;
    if (isnan(d) || isinf(d)) {
        const char *name = isnan(d) ? ".nan" : d > 0 ? ".inf" : "-.inf";
        size_t n = strlen(name);
        memcpy(ret, name, n);
        return n;
    }
    char text[YAML_FLOAT_BYTES_MAX];
    int precision = 0, most = bits == 32 ? 8 : 16;
    do
        snprintf(text, sizeof(text), "%.*e", precision, d);
    while (!same(d, bits, text) && precision++ < most);
    int exponent = 0;
    sscanf(strchr(text, 'e') + 1, "%d", &exponent);
    int n;
    if (exponent < -4 || exponent >= 6)
        n = snprintf(ret, YAML_FLOAT_BYTES_MAX, "%s", text);
    else
        n = snprintf(ret, YAML_FLOAT_BYTES_MAX, "%.*f", MAX_OF(precision - exponent, 0), d);
    return (size_t)n;
}

/* ---- base64 ---- */

static int sextet(char c)
{
    return c >= 'A' && c <= 'Z'   ? c - 'A'
           : c >= 'a' && c <= 'z' ? c - 'a' + 26
           : c >= '0' && c <= '9' ? c - '0' + 52
           : c == '+'             ? 62
           : c == '/'             ? 63
                                  : -1;
}

bool yaml_base64(str text, struct arena *a, str *ret)
{
    char *at = arena_alloc(a, text.len / 4 * 3 + 4), *w = at;
    uint32_t bits = 0;
    unsigned have = 0, padding = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        if (c == '\n' || c == '\r')
            continue;
        if (c == '=') {
            if (have < 2 || ++padding + have > 4)
                return false;
            continue;
        }
        int v = sextet(c);
        if (v < 0 || padding)
            return false;
        bits = bits << 6 | (unsigned)v;
        if (++have == 4) {
            *w++ = (char)(bits >> 16);
            *w++ = (char)(bits >> 8);
            *w++ = (char)bits;
            have = 0;
        }
    }
    if (have + padding != 0 && have + padding != 4)
        return false;
    if (have == 3) {
        *w++ = (char)(bits >> 10);
        *w++ = (char)(bits >> 2);
    } else if (have == 2) {
        *w++ = (char)(bits >> 4);
    }
    *ret = str_mem(at, (size_t)(w - at));
    return have != 1;
}
