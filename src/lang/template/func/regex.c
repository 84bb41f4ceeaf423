/* lang/template/func/regex.c: regular expressions. A program is kept for the run by its text.
 *
 * Source: Sprig 3.3 regex.go; Go regexp (matching one after the other, expansion of $name). */
#include <string.h>

#include "lang/regexp.h"
#include "lang/template/func/rows.h"
#include "lang/template/run.h"
#include "lang/template/strconv.h"
#include "lang/template/unicode.h"

#define REGEX_BYTES_MAX (64u << 10)

struct regex {
    const void *program;
    size_t groups; /* with the whole match */
};

/* Long names of categories, in lower case without what Go passes over (blank, bar, hyphen). */
static const struct {
    const char *name, *category;
} CATEGORY[] = {
    {"letter", "L"},
    {"lowercaseletter", "Ll"},
    {"uppercaseletter", "Lu"},
    {"titlecaseletter", "Lt"},
    {"modifierletter", "Lm"},
    {"otherletter", "Lo"},
    {"mark", "M"},
    {"combiningmark", "M"},
    {"nonspacingmark", "Mn"},
    {"spacingmark", "Mc"},
    {"enclosingmark", "Me"},
    {"number", "N"},
    {"decimalnumber", "Nd"},
    {"digit", "Nd"},
    {"letternumber", "Nl"},
    {"othernumber", "No"},
    {"punctuation", "P"},
    {"punct", "P"},
    {"connectorpunctuation", "Pc"},
    {"dashpunctuation", "Pd"},
    {"openpunctuation", "Ps"},
    {"closepunctuation", "Pe"},
    {"initialpunctuation", "Pi"},
    {"finalpunctuation", "Pf"},
    {"otherpunctuation", "Po"},
    {"symbol", "S"},
    {"mathsymbol", "Sm"},
    {"currencysymbol", "Sc"},
    {"modifiersymbol", "Sk"},
    {"othersymbol", "So"},
    {"separator", "Z"},
    {"spaceseparator", "Zs"},
    {"lineseparator", "Zl"},
    {"paragraphseparator", "Zp"},
    {"other", "C"},
    {"control", "Cc"},
    {"cntrl", "Cc"},
    {"format", "Cf"},
    {"surrogate", "Cs"},
    {"privateuse", "Co"},
};
#define CATEGORY_NAME_MAX 32

/* Bytes of "\p{Letter}" that were written as "\p{L}"; 0: it is something else. */
static size_t add_category(struct buf *b, str s)
{
    char name[CATEGORY_NAME_MAX];
    size_t n = 0, at = 3;
    ptrdiff_t close = str_find_char(s, '}');
    if (s.len < 4 || (s.at[1] != 'p' && s.at[1] != 'P') || s.at[2] != '{' || close < 0)
        return 0;
    bool negates = s.at[at] == '^';
    for (at += negates; at < (size_t)close && n < sizeof name; at++)
        if (!strchr(" _-", s.at[at]))
            name[n++] = (char)unicode_lower((unsigned char)s.at[at]);
    for (size_t i = 0; i < ARRAY_LEN(CATEGORY); i++)
        if (str_eq(str_mem(name, n), str_of(CATEGORY[i].name))) {
            buf_printf(b, "\\%c{%s%s}", s.at[1], negates ? "^" : "", CATEGORY[i].category);
            return (size_t)close + 1;
        }
    return 0;
}

/* What this RE2 does not know yet in words that it knows: (?<name>...) and \p{Letter}. */
static str in_old_words(struct template_call *c, str s)
{
    struct buf *b;
    bool in_class = false;
    str out;
    if (!str_has(s, STR("(?<")) && !str_has(s, STR("{")))
        return s;
    b = template_buf(c);
    for (size_t i = 0; i < s.len; i++) {
        str rest = str_from(s, i);
        if (s.at[i] == '\\' && i + 1 < s.len) {
            size_t taken = add_category(b, rest);
            if (!taken)
                buf_add(b, str_sub(rest, 0, 2));
            i += taken ? taken - 1 : 1;
            continue;
        }
        in_class = s.at[i] == '[' || (in_class && s.at[i] != ']');
        if (!in_class && str_starts(rest, STR("(?<"))) {
            buf_addz(b, "(?P<");
            i += 2;
            continue;
        }
        buf_addc(b, s.at[i]);
    }
    return template_buf_take(c, b, &out) ? s : out;
}

static str quoted(struct template_call *c, str s)
{
    struct buf b = BUF_INIT;
    if (strconv_can_backquote(s))
        return ARENA_CAT(c->arena, STR("`"), s, STR("`"));
    strconv_quote(&b, s, false);
    str q = arena_str(c->arena, buf_str(&b));
    buf_done(&b);
    return q;
}

static str refusal(struct template_call *c, str pattern, int code, str arg)
{
    const struct regexp_refusal *why = regexp_refusal_find(code);
    if (!why)
        return arena_printf(c->arena, "error parsing regexp: expression too large: `%.*s`",
                            STR_FMT(pattern));
    str shown = why->shows == REGEXP_SHOWS_WHOLE      ? pattern
                : why->shows == REGEXP_SHOWS_ARGUMENT ? arg
                                                      : STR("");
    if (str_starts(shown, STR("(?P<")) && !str_has(pattern, shown))
        shown = ARENA_CAT(c->arena, STR("(?<"), str_from(shown, 4));
    return arena_printf(c->arena, "error parsing regexp: %s: `%.*s`", why->text, STR_FMT(shown));
}

/* NULL: *ret_error says why. */
static const struct regex *compile(struct template_call *c, str pattern, str *ret_error)
{
    struct map *kept = &c->run->regex;
    const struct regex *found = map_find(kept, pattern);
    char arg[REGEXP_ARG_MAX];
    size_t arg_len = sizeof arg;
    int code = -1;
    if (found)
        return found;
    str text = in_old_words(c, pattern);
    void *program =
        pattern.len > REGEX_BYTES_MAX ? NULL : regexp_new(text.at, text.len, &code, arg, &arg_len);
    if (!program) {
        *ret_error = refusal(c, pattern, code, code < 0 ? STR("") : str_mem(arg, arg_len));
        return NULL;
    }
    arena_on_done(c->arena, regexp_free, program);
    struct regex *r = ARENA_NEW(c->arena, struct regex);
    r->program = program;
    r->groups = regexp_groups(program) + 1;
    map_set(kept, arena_str(c->arena, pattern), r);
    return r;
}

/* Each function comes in two forms: `must` answers the error, the plain one is Go's panic. */
static const struct regex *must_compile(struct template_call *c, str pattern, bool plain, int *ret)
{
    str error;
    const struct regex *r = compile(c, pattern, &error);
    if (r)
        return r;
    if (plain)
        error = ARENA_CAT(c->arena, STR("regexp: Compile("), quoted(c, pattern), STR("): "), error);
    *ret = template_fail_str(c, error);
    return NULL;
}

static bool match_at(const struct regex *r, str s, size_t from, ptrdiff_t *group, size_t n)
{
    return regexp_match(r->program, s.at ? s.at : "", s.len, from, group, n);
}

/* ---- match, find ---- */

int func_regex_match(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    ptrdiff_t group[2];
    str error;
    const struct regex *r = compile(c, template_text(arg[0]), &error);
    *ret = template_bool(r && match_at(r, template_text(arg[1]), 0, group, 1));
    return 0;
}

int func_must_regex_match(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    ptrdiff_t group[2];
    int rc = 0;
    const struct regex *r = must_compile(c, template_text(arg[0]), false, &rc);
    *ret = template_bool(r && match_at(r, template_text(arg[1]), 0, group, 1));
    return rc;
}

static int find(struct template_call *c, const tval *arg, bool plain, tval *ret)
{
    ptrdiff_t group[2];
    int rc = 0;
    str s = template_text(arg[1]);
    const struct regex *r = must_compile(c, template_text(arg[0]), plain, &rc);
    if (!r)
        return rc;
    *ret = template_str(match_at(r, s, 0, group, 1)
                            ? str_sub(s, (size_t)group[0], (size_t)(group[1] - group[0]))
                            : STR(""));
    return 0;
}

int func_regex_find(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    return find(c, arg, true, ret);
}

int func_must_regex_find(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    return find(c, arg, false, ret);
}

/* ---- all matches ---- */

struct span {
    size_t from, to;
};

static size_t width_at(str s, size_t at)
{
    size_t width;
    unicode_decode(str_from(s, at), &width);
    return width;
}

/* At most max (negative: all) matches that follow each other; an empty one right behind another
 * does not count. */
static int all_matches(struct template_call *c, const struct regex *r, str s, int64_t max,
                       struct span **ret, size_t *ret_n)
{
    VEC(struct span) spans = {0};
    ptrdiff_t group[2], end = -1;
    size_t at = 0;
    int rc = 0;
    while (!rc && at <= s.len && (max < 0 || (int64_t)spans.n < max)) {
        rc = template_charge(c, 1 + (s.len - at) / 256);
        if (rc || !match_at(r, s, at, group, 1))
            break;
        bool counts = true;
        if (group[1] == (ptrdiff_t)at) {
            counts = group[0] != end;
            size_t width = width_at(s, at);
            at = width ? at + width : s.len + 1;
        } else {
            at = (size_t)group[1];
        }
        end = group[1];
        if (counts)
            rc = func_room_to_push(c, &spans);
        if (counts && !rc)
            vec_push(c->arena, &spans, (struct span){(size_t)group[0], (size_t)group[1]});
    }
    *ret = spans.at;
    *ret_n = spans.n;
    return rc;
}

static int find_all(struct template_call *c, const tval *arg, bool plain, tval *ret)
{
    int rc = 0;
    str s = template_text(arg[1]);
    struct span *span;
    size_t n;
    const struct regex *r = must_compile(c, template_text(arg[0]), plain, &rc);
    if (!r)
        return rc;
    rc = all_matches(c, r, s, arg[2].i, &span, &n);
    if (!rc)
        rc = template_room(c, n * (sizeof(tval) + sizeof(str)));
    if (rc)
        return rc;
    str *text = ARENA_ARRAY(c->arena, str, n);
    for (size_t i = 0; i < n; i++)
        text[i] = str_sub(s, span[i].from, span[i].to - span[i].from);
    *ret = n ? template_strings(c->arena, text, n) : (tval){.type = &TEMPLATE_T_STRINGS};
    return 0;
}

int func_regex_find_all(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    return find_all(c, arg, true, ret);
}

int func_must_regex_find_all(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    return find_all(c, arg, false, ret);
}

static int split(struct template_call *c, const tval *arg, bool plain, tval *ret)
{
    int rc = 0;
    str s = template_text(arg[1]);
    int64_t max = arg[2].i;
    struct span *span;
    size_t n, begin = 0, end = 0;
    VEC(str) parts = {0};
    const struct regex *r = must_compile(c, template_text(arg[0]), plain, &rc);
    *ret = (tval){.type = &TEMPLATE_T_STRINGS};
    if (!r || max == 0)
        return rc;
    if (arg[0].len && !s.len) {
        *ret = template_strings(c->arena, &s, 1);
        return 0;
    }
    rc = all_matches(c, r, s, max, &span, &n);
    if (!rc)
        rc = template_room(c, n * (sizeof(tval) + 4 * sizeof(str)));
    for (size_t i = 0; !rc && i < n; i++) {
        if (max > 0 && (int64_t)parts.n >= max - 1)
            break;
        end = span[i].from;
        if (span[i].to != 0)
            vec_push(c->arena, &parts, str_sub(s, begin, end - begin));
        begin = span[i].to;
    }
    if (end != s.len)
        vec_push(c->arena, &parts, str_from(s, begin));
    *ret = template_strings(c->arena, parts.at, parts.n);
    return rc;
}

int func_regex_split(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    return split(c, arg, true, ret);
}

int func_must_regex_split(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    return split(c, arg, false, ret);
}

/* ---- replacing ---- */

/* "$name", "${name}", behind the '$'. False: the '$' stands for itself. */
static bool reference(str *io, str *ret_name)
{
    str s = *io;
    bool brace = s.len && s.at[0] == '{';
    size_t n = 0, width;
    if (brace)
        s = str_from(s, 1);
    for (; n < s.len; n += width) {
        int32_t r = unicode_decode(str_from(s, n), &width);
        if (r != '_' && !(unicode_class(r) & (UNICODE_LETTER | UNICODE_DIGIT)))
            break;
    }
    if (!n || (brace && (n >= s.len || s.at[n] != '}')))
        return false;
    *ret_name = str_sub(s, 0, n);
    *io = str_from(s, n + brace);
    return true;
}

/* Group that a reference means, or -1. */
static int64_t group_of(const struct regex *r, str name)
{
    int64_t number = 0;
    bool is_number = !(name.at[0] == '0' && name.len > 1);
    for (size_t i = 0; is_number && i < name.len; i++) {
        is_number = name.at[i] >= '0' && name.at[i] <= '9' && number < 100000000;
        number = number * 10 + (name.at[i] - '0');
    }
    return is_number ? number : regexp_named(r->program, name.at, name.len);
}

static void expand(const struct regex *r, str s, const ptrdiff_t *group, str pattern,
                   struct buf *out)
{
    while (pattern.len) {
        str name;
        ptrdiff_t at = str_find_char(pattern, '$');
        if (at < 0)
            break;
        buf_add(out, str_sub(pattern, 0, (size_t)at));
        pattern = str_from(pattern, (size_t)at + 1);
        if (pattern.len && pattern.at[0] == '$') {
            buf_addc(out, '$');
            pattern = str_from(pattern, 1);
        } else if (!reference(&pattern, &name)) {
            buf_addc(out, '$');
        } else {
            int64_t i = group_of(r, name);
            if (i >= 0 && (size_t)i < r->groups && group[2 * i] >= 0)
                buf_add(out, str_sub(s, (size_t)group[2 * i],
                                     (size_t)(group[2 * i + 1] - group[2 * i])));
        }
    }
    buf_add(out, pattern);
}

static int replace_all(struct template_call *c, const struct regex *r, const tval *arg,
                       bool literal, struct buf *out)
{
    str s = template_text(arg[1]), by = template_text(arg[2]);
    ptrdiff_t *group = ARENA_ARRAY(c->arena, ptrdiff_t, 2 * r->groups);
    size_t at = 0, end = 0;
    int rc = 0;
    while (!rc && at <= s.len && !out->overflow) {
        rc = template_charge(c, 1 + (s.len - at) / 256);
        if (rc || !match_at(r, s, at, group, literal ? 1 : r->groups))
            break;
        size_t from = (size_t)group[0], to = (size_t)group[1], width = width_at(s, at);
        buf_add(out, str_sub(s, end, from - end));
        if (to > end || from == 0) {
            if (literal)
                buf_add(out, by);
            else
                expand(r, s, group, by, out);
        }
        end = to;
        at = at + width > to ? at + width : at + 1 > to ? at + 1 : to;
    }
    buf_add(out, str_from(s, end));
    return rc;
}

static int replace(struct template_call *c, const tval *arg, bool plain, bool literal, tval *ret)
{
    int rc = 0;
    const struct regex *r = must_compile(c, template_text(arg[0]), plain, &rc);
    if (!r)
        return rc;
    struct buf *b = template_buf(c);
    rc = replace_all(c, r, arg, literal, b);
    int taken = template_buf_tval(c, b, ret);
    return rc ? rc : taken;
}

int func_regex_replace_all(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    return replace(c, arg, true, false, ret);
}

int func_must_regex_replace_all(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    return replace(c, arg, false, false, ret);
}

int func_regex_replace_all_literal(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    return replace(c, arg, true, true, ret);
}

int func_must_regex_replace_all_literal(struct template_call *c, const tval *arg, size_t n,
                                        tval *ret)
{
    return replace(c, arg, false, true, ret);
}

int func_regex_quote_meta(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    str s = template_text(arg[0]);
    struct buf *b = template_buf(c);
    for (size_t i = 0; i < s.len; i++) {
        if (s.at[i] && strchr("\\.+*?()|[]{}^$", s.at[i]))
            buf_addc(b, '\\');
        buf_addc(b, s.at[i]);
    }
    return template_buf_tval(c, b, ret);
}
