/* lang/template/number_node.c: what a literal can stand for.
 *
 * A literal has no type of its own: it may serve as int, uint, float or complex at once ("1e3" is
 * an int where one is asked for), and has an ideal value where nothing is asked. */
#include "lang/template/number_node.h"

#include <math.h>
#include <string.h>

#include "lang/template/strconv.h"

/* Go's conversion of a float to an integer that may not fit: equal again only when it does. */
static bool fits_int(double f, int64_t *ret)
{
    if (!(f >= -0x1p63 && f < 0x1p63))
        return false;
    *ret = (int64_t)f;
    return (double)*ret == f;
}

static bool fits_uint(double f, uint64_t *ret)
{
    if (!(f >= 0 && f < 0x1p64))
        return false;
    *ret = (uint64_t)f;
    return (double)*ret == f;
}

static void from_complex(struct node_number *n)
{
    n->is_complex = true;
    n->is_float = n->imaginary == 0;
    if (n->is_float) {
        n->is_int = fits_int(n->f, &n->i);
        n->is_uint = fits_uint(n->f, &n->u);
    }
}

static str problem(struct arena *a, const char *what, str source)
{
    struct buf b = BUF_INIT;
    strconv_quote(&b, source, false);
    str s = arena_printf(a, "%s: %.*s", what, STR_FMT(buf_str(&b)));
    buf_done(&b);
    return s;
}

static bool parse_char(struct node_number *n, struct arena *a, str *ret_problem)
{
    int32_t r;
    bool is_byte;
    str rest;
    if (!strconv_unquote_char(str_from(n->literal.source, 1), '\'', &r, &is_byte, &rest)) {
        *ret_problem = STR("invalid syntax");
        return false;
    }
    if (is_byte && (unsigned char)n->literal.source.at[1] >= 0x80)
        r = 0xFFFD;
    if (!str_is(rest, "'")) {
        *ret_problem =
            arena_printf(a, "malformed character constant: %.*s", STR_FMT(n->literal.source));
        return false;
    }
    n->is_int = n->is_uint = n->is_float = true;
    n->i = r;
    n->u = (uint64_t)r;
    n->f = r;
    return true;
}

/* "1+2i": split before the sign of the imaginary part. */
static bool parse_complex(struct node_number *n, str *ret_problem)
{
    str s = n->literal.source;
    size_t at = s.len - 1;
    while (at > 0 && !((s.at[at] == '+' || s.at[at] == '-') && !strchr("eEpP", s.at[at - 1])))
        at--;
    if (strconv_float(str_sub(s, 0, at), &n->f) == STRCONV_SYNTAX ||
        strconv_float(str_sub(s, at, s.len - 1 - at), &n->imaginary) == STRCONV_SYNTAX) {
        *ret_problem = STR("syntax error scanning complex number");
        return false;
    }
    from_complex(n);
    return true;
}

static bool has_any(str s, const char *set)
{
    for (size_t i = 0; i < s.len; i++)
        if (strchr(set, s.at[i]))
            return true;
    return false;
}

static bool parse_real(struct node_number *n, struct arena *a, str *ret_problem)
{
    str s = n->literal.source;
    n->is_uint = strconv_uint(s, 0, 64, &n->u) == STRCONV_OK;
    n->is_int = strconv_int(s, 0, 64, &n->i) == STRCONV_OK;
    if (n->is_int) {
        n->is_uint |= n->i == 0;
        n->is_float = true;
        n->f = (double)n->i;
    } else if (n->is_uint) {
        n->is_float = true;
        n->f = (double)n->u;
    } else if (strconv_float(s, &n->f) == STRCONV_OK) {
        if (!has_any(s, ".eEpP")) {
            *ret_problem = problem(a, "integer overflow", s);
            return false;
        }
        n->is_float = true;
        n->is_int = fits_int(n->f, &n->i);
        n->is_uint = fits_uint(n->f, &n->u);
    } else {
        *ret_problem = problem(a, "illegal number syntax", s);
        return false;
    }
    return true;
}

/* The type where nothing asks for one. "no value": it overflows int. */
static tval ideal(const struct node_number *n, struct arena *a)
{
    str s = n->literal.source;
    bool is_hex = s.len > 2 && s.at[0] == '0' && (s.at[1] | 0x20) == 'x' && !has_any(s, "pP");
    if (n->is_complex) {
        double pair[2] = {n->f, n->imaginary};
        return (tval){.type = &TEMPLATE_T_COMPLEX128, .complex = arena_copy(a, pair, sizeof pair)};
    }
    if (n->is_float && !is_hex && s.at[0] != '\'' && has_any(s, ".eEpP"))
        return template_float(n->f);
    return n->is_int ? template_int(n->i) : TEMPLATE_NO_VALUE;
}

bool number_node_parse(struct node_number *n, enum lex_type type, struct arena *a, str *ret_problem)
{
    bool ok;
    str s = n->literal.source;
    if (type == LEX_CHAR_CONSTANT) {
        ok = parse_char(n, a, ret_problem);
    } else if (type == LEX_COMPLEX) {
        ok = parse_complex(n, ret_problem);
    } else if (s.at[s.len - 1] == 'i' &&
               strconv_float(str_sub(s, 0, s.len - 1), &n->imaginary) == STRCONV_OK) {
        from_complex(n);
        ok = true;
    } else {
        ok = parse_real(n, a, ret_problem);
    }
    if (ok)
        n->literal.value = ideal(n, a);
    return ok;
}
