/* Scalars as yaml.v3 resolves them: booleans and null in three spellings each, integers of Go's
 * syntax with `_` anywhere and both octals, timestamps. */
#include "value/number.h"
#include "value/yaml/resolve3.h"
#include "value/yaml/write.h"

static const struct {
    str text;
    const char *tag;
    struct yaml_scalar is;
} words[] = {
    {STR_INIT("true"), "!!bool", {.kind = YAML_BOOL, .b = true}},
    {STR_INIT("True"), "!!bool", {.kind = YAML_BOOL, .b = true}},
    {STR_INIT("TRUE"), "!!bool", {.kind = YAML_BOOL, .b = true}},
    {STR_INIT("false"), "!!bool", {.kind = YAML_BOOL, .b = false}},
    {STR_INIT("False"), "!!bool", {.kind = YAML_BOOL, .b = false}},
    {STR_INIT("FALSE"), "!!bool", {.kind = YAML_BOOL, .b = false}},
    {STR_INIT("~"), "!!null", {.kind = YAML_NULL}},
    {STR_INIT("null"), "!!null", {.kind = YAML_NULL}},
    {STR_INIT("Null"), "!!null", {.kind = YAML_NULL}},
    {STR_INIT("NULL"), "!!null", {.kind = YAML_NULL}},
};

static bool find_word(str text, struct yaml3_scalar *ret)
{
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (str_eq(text, words[i].text)) {
            *ret = (struct yaml3_scalar){str_of(words[i].tag), words[i].is};
            return true;
        }
    return false;
}

/* Digits of a base to an integer; sign was taken off. False: no such digits, or too large. */
static bool in_base(str digits, unsigned base, bool negative, struct yaml_scalar *ret)
{
    uint64_t n = 0;
    if (!digits.len)
        return false;
    for (size_t i = 0; i < digits.len; i++) {
        unsigned d = (unsigned)(uint8_t)digits.at[i] - '0';
        if (d >= base || __builtin_mul_overflow(n, base, &n) || __builtin_add_overflow(n, d, &n))
            return false;
    }
    if (n <= INT64_MAX || (negative && n == (uint64_t)INT64_MAX + 1)) {
        *ret =
            (struct yaml_scalar){.kind = YAML_INT, .i = negative ? (int64_t)(0 - n) : (int64_t)n};
        return true;
    }
    *ret = (struct yaml_scalar){.kind = YAML_UINT, .u = n};
    return !negative;
}

/* "0b+1" and "0o-7" are numbers too: what stands behind the prefix may have a sign of its own. */
static bool prefixed(str s, const char *prefix, unsigned base, struct yaml_scalar *ret)
{
    bool minus = s.len && s.at[0] == '-';
    str rest = minus ? str_from(s, 1) : s;
    if (!str_starts(rest, str_of(prefix)))
        return false;
    rest = str_from(rest, 2);
    bool sign = !minus && rest.len && (rest.at[0] == '-' || rest.at[0] == '+');
    bool negative = minus || (sign && rest.at[0] == '-');
    return in_base(sign ? str_from(rest, 1) : rest, base, negative, ret) &&
           !(sign && ret->kind == YAML_UINT);
}

/* 0b and 0o behind a minus or with a sign of their own, which Go's own syntax does not have. */
static bool odd_prefix(str text, struct yaml_scalar *ret)
{
    char small[80];
    size_t n = 0;
    for (size_t i = 0; i < text.len && n < sizeof(small); i++)
        if (text.at[i] != '_')
            small[n++] = text.at[i];
    str plain = str_mem(small, n);
    return n < sizeof(small) && (prefixed(plain, "0b", 2, ret) || prefixed(plain, "0o", 8, ret));
}

struct yaml3_scalar yaml3_resolve_as(str tag, str text)
{
    struct yaml3_scalar s = {.tag = STR("!!str"), .is.kind = YAML_STR};
    if (!text.len)
        return (struct yaml3_scalar){STR("!!null"), {.kind = YAML_NULL}};
    if (find_word(text, &s))
        return s;
    char c = text.at[0];
    if (!strchr("0123456789+-.", c) || !c)
        return s;
    if ((!tag.len || str_is(tag, "!!timestamp")) && yaml_is_timestamp(text)) {
        s.tag = STR("!!timestamp");
        return s;
    }
    s.is = yaml_resolve(text);
    if (s.is.kind == YAML_STR && (c == '.' || !odd_prefix(text, &s.is)))
        s.is.kind = YAML_STR;
    else
        s.tag = s.is.kind == YAML_FLOAT ? STR("!!float") : STR("!!int");
    return s;
}

struct yaml3_scalar yaml3_resolve(str text) { return yaml3_resolve_as(STR(""), text); }

bool yaml3_is_old(str text)
{
    struct yaml_scalar is = yaml_resolve(text);
    return is.kind == YAML_BOOL || yaml_is_base60(text);
}

/* ---- timestamps ---- */

static const char *take_number(const char *p, const char *end, int *ret)
{
    *ret = 0;
    while (p < end && *p >= '0' && *p <= '9')
        *ret = *ret * 10 + (*p++ - '0');
    return p;
}

str yaml3_timestamp(struct arena *a, str text)
{
    const char *p = text.at, *end = p + text.len;
    int year, month, day, hour = 0, minute = 0, second = 0;
    str fraction = STR(""), zone = STR("Z");
    p = take_number(p, end, &year) + 1;
    p = take_number(p, end, &month) + 1;
    p = take_number(p, end, &day);
    if (p < end) {
        while (++p < end && *p == ' ')
            ;
        p = take_number(p, end, &hour) + 1;
        p = take_number(p, end, &minute) + 1;
        p = take_number(p, end, &second);
        if (p < end && (*p == '.' || *p == ',')) {
            const char *from = ++p;
            while (p < end && *p >= '0' && *p <= '9')
                p++;
            fraction = str_sub(str_mem(from, (size_t)(p - from)), 0, 9);
            while (fraction.len && fraction.at[fraction.len - 1] == '0')
                fraction.len--;
        }
        if (p < end)
            zone = str_mem(p, (size_t)(end - p));
    }
    if (str_is(zone, "+00:00") || str_is(zone, "-00:00"))
        zone = STR("Z");
    return arena_printf(a, "%04d-%02d-%02dT%02d:%02d:%02d%s%.*s%.*s", year, month, day, hour,
                        minute, second, fraction.len ? "." : "", STR_FMT(fraction), STR_FMT(zone));
}
