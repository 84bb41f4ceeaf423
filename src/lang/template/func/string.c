/* lang/template/func/string.c: strings, byte by byte where Go counts bytes.
 *
 * Source: Sprig 3.3 strings.go, functions.go; goutils 1.1.1. */
#include <stdlib.h>

#include "lang/template/func/rows.h"
#include "lang/template/print.h"
#include "lang/template/strconv.h"
#include "lang/template/types.h"
#include "lang/template/unicode.h"

static str text_of(const tval *arg) { return template_text(*arg); }

static int give(tval *ret, str s)
{
    *ret = template_str(s);
    return 0;
}

str func_strval(struct template_call *c, tval v)
{
    struct buf *b;
    str s;
    v = template_unwrap(v);
    if (v.type == &TEMPLATE_T_STRING || v.type == &TEMPLATE_T_BYTES)
        return template_text(v);
    b = template_buf(c);
    print_verb(b, c->arena, v, 'v');
    return template_buf_take(c, b, &s) ? STR("") : s;
}

const str *func_strings(struct template_call *c, tval v, size_t *ret_n)
{
    size_t n = 0, len = template_len(v);
    str *s;
    v = template_unwrap(v);
    if (!v.type || v.type->kind != TEMPLATE_SLICE) {
        s = ARENA_NEW(c->arena, str);
        *ret_n = v.type != NULL;
        *s = v.type ? func_strval(c, v) : STR("");
        return s;
    }
    s = ARENA_ARRAY(c->arena, str, len);
    for (size_t i = 0; i < len; i++) {
        tval item = template_unwrap(template_at(v, i));
        if (item.type)
            s[n++] = func_strval(c, item);
    }
    *ret_n = n;
    return s;
}

/* ---- whole strings ---- */

int func_hello(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    return give(ret, STR("Hello!"));
}

int func_trim(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    return give(ret, unicode_trim_space(text_of(arg)));
}

int func_trim_all(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    return give(ret, unicode_trim(text_of(arg + 1), text_of(arg)));
}

int func_trim_prefix(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    return give(ret, str_trim_prefix(text_of(arg + 1), text_of(arg)));
}

int func_trim_suffix(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    return give(ret, str_trim_suffix(text_of(arg + 1), text_of(arg)));
}

static int map_runes(struct template_call *c, str s, int32_t (*map)(int32_t), tval *ret)
{
    struct buf *b = template_buf(c);
    size_t width;
    for (; s.len; s = str_from(s, width))
        unicode_add(b, map(unicode_decode(s, &width)));
    return template_buf_tval(c, b, ret);
}

int func_upper(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    return map_runes(c, text_of(arg), unicode_upper, ret);
}

int func_lower(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    return map_runes(c, text_of(arg), unicode_lower, ret);
}

int func_contains(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    *ret = template_bool(str_has(text_of(arg + 1), text_of(arg)));
    return 0;
}

int func_has_prefix(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    *ret = template_bool(str_starts(text_of(arg + 1), text_of(arg)));
    return 0;
}

int func_has_suffix(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    *ret = template_bool(str_ends(text_of(arg + 1), text_of(arg)));
    return 0;
}

int func_plural(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    *ret = arg[2].i == 1 ? arg[0] : arg[1];
    return 0;
}

int func_to_string(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    return give(ret, func_strval(c, arg[0]));
}

/* ---- many values to one text ---- */

int func_quote(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    struct buf *b = template_buf(c);
    for (size_t i = 0; i < n; i++) {
        if (!arg[i].type)
            continue;
        if (b->len)
            buf_addc(b, ' ');
        strconv_quote(b, func_strval(c, arg[i]), false);
    }
    return template_buf_tval(c, b, ret);
}

int func_squote(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    struct buf *b = template_buf(c);
    for (size_t i = 0; i < n; i++) {
        if (!arg[i].type)
            continue;
        if (b->len)
            buf_addc(b, ' ');
        buf_addc(b, '\'');
        print_verb(b, c->arena, arg[i], 'v');
        buf_addc(b, '\'');
    }
    return template_buf_tval(c, b, ret);
}

int func_cat(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    struct buf *b = template_buf(c);
    bool first = true;
    for (size_t i = 0; i < n; i++) {
        if (!arg[i].type)
            continue;
        if (!first)
            buf_addc(b, ' ');
        first = false;
        print_verb(b, c->arena, arg[i], 'v');
    }
    return template_buf_tval(c, b, ret);
}

int func_join(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    size_t n_parts;
    const str *part = func_strings(c, arg[1], &n_parts);
    struct buf *b = template_buf(c);
    for (size_t i = 0; i < n_parts; i++) {
        if (i)
            buf_add(b, text_of(arg));
        buf_add(b, part[i]);
    }
    return template_buf_tval(c, b, ret);
}

int func_to_strings(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    size_t n_parts;
    const str *part = func_strings(c, arg[0], &n_parts);
    *ret = template_strings(c->arena, part, n_parts);
    return 0;
}

int func_sort_alpha(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    size_t n_parts;
    tval v = arg[0];
    str *part;
    if (!v.type || v.type->kind != TEMPLATE_SLICE) {
        part = ARENA_NEW(c->arena, str);
        *part = func_strval(c, v);
        n_parts = 1;
    } else {
        const str *found = func_strings(c, v, &n_parts);
        part = arena_copy(c->arena, found, n_parts * sizeof *part);
        qsort(part, n_parts, sizeof *part, str_cmp_qsort);
    }
    *ret = template_strings(c->arena, part, n_parts);
    return template_charge(c, n_parts);
}

/* ---- repetition, indentation, replacement ---- */

static int fill(struct template_call *c, struct buf *b, str s, int64_t count)
{
    int rc = template_charge(c, (uint64_t)count / 16 + 1);
    for (int64_t i = 0; !rc && i < count && !b->overflow; i++)
        buf_add(b, s);
    return rc;
}

static int check_count(struct template_call *c, int64_t count, size_t len)
{
    if (count < 0)
        return template_fail(c, "strings: negative Repeat count");
    if (len && (uint64_t)count > (uint64_t)INT64_MAX / len)
        return template_fail(c, "strings: Repeat output length overflow");
    return 0;
}

int func_repeat(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    str s = text_of(arg + 1);
    int rc = check_count(c, arg[0].i, s.len);
    if (rc)
        return rc;
    struct buf *b = template_buf(c);
    rc = s.len ? fill(c, b, s, MIN_OF(arg[0].i, (int64_t)b->bytes_max + 1)) : 0;
    int taken = template_buf_tval(c, b, ret);
    return rc ? rc : taken;
}

static int indented(struct template_call *c, int64_t spaces, str s, bool newline, tval *ret)
{
    int rc = check_count(c, spaces, 1);
    if (rc)
        return rc;
    struct buf *b = template_buf(c);
    size_t pad = (size_t)MIN_OF(spaces, (int64_t)b->bytes_max + 1);
    if (newline)
        buf_addc(b, '\n');
    buf_fill(b, ' ', pad);
    while (s.len && !b->overflow) {
        ptrdiff_t at = str_find_char(s, '\n');
        size_t upto = at < 0 ? s.len : (size_t)at + 1;
        buf_add(b, str_sub(s, 0, upto));
        s = str_from(s, upto);
        if (at >= 0)
            buf_fill(b, ' ', pad);
    }
    return template_buf_tval(c, b, ret);
}

int func_indent(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    return indented(c, arg[0].i, text_of(arg + 1), false, ret);
}

int func_nindent(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    return indented(c, arg[0].i, text_of(arg + 1), true, ret);
}

int func_replace(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    str old = text_of(arg), new = text_of(arg + 1), s = text_of(arg + 2);
    struct buf *b = template_buf(c);
    while (old.len && !b->overflow) {
        ptrdiff_t at = str_find(s, old);
        if (at < 0)
            break;
        buf_add(b, str_sub(s, 0, (size_t)at));
        buf_add(b, new);
        s = str_from(s, (size_t)at + old.len);
    }
    if (!old.len) {
        size_t width; /* before each rune and at the end */
        for (buf_add(b, new); s.len && !b->overflow; s = str_from(s, width)) {
            unicode_decode(s, &width);
            buf_add(b, str_sub(s, 0, width));
            buf_add(b, new);
        }
    }
    buf_add(b, s);
    return template_buf_tval(c, b, ret);
}

/* ---- parts ---- */

/* s[from:to] of Go, with its panics. to -1: not given. */
static int part(struct template_call *c, str s, int64_t from, int64_t to, bool has_from, tval *ret)
{
    int64_t len = (int64_t)s.len;
    if (to > len || (to < 0 && to != -1 && !has_from))
        return template_fail(c, "runtime error: slice bounds out of range [:%lld] with length %lld",
                             (long long)to, (long long)len);
    if (to >= 0 && from > to)
        return template_fail(c, "runtime error: slice bounds out of range [%lld:%lld]",
                             (long long)from, (long long)to);
    if (from > len)
        return template_fail(c, "runtime error: slice bounds out of range [%lld:%lld]",
                             (long long)from, (long long)len);
    return give(ret, str_sub(s, (size_t)from, (size_t)((to < 0 ? len : to) - from)));
}

int func_substr(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    str s = text_of(arg + 2);
    int64_t start = arg[0].i, end = arg[1].i;
    if (start < 0 && end < 0)
        return template_fail(c, "runtime error: slice bounds out of range [:%lld]", (long long)end);
    if (start < 0)
        return part(c, s, 0, end, false, ret);
    return part(c, s, start, end < 0 || end > (int64_t)s.len ? -1 : end, true, ret);
}

int func_trunc(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    str s = text_of(arg + 1);
    int64_t count = arg[0].i, len = (int64_t)s.len;
    if (count < 0 && count > -len)
        s = str_from(s, (size_t)(len + count));
    else if (count >= 0 && len > count)
        s = str_sub(s, 0, (size_t)count);
    return give(ret, s);
}

static const str DOTS = STR_INIT("...");

int func_abbrev(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    str s = text_of(arg + 1);
    int64_t width = arg[0].i;
    if (width < 4 || (int64_t)s.len <= width)
        return give(ret, s);
    return give(ret, ARENA_CAT(c->arena, str_sub(s, 0, (size_t)width - 3), DOTS));
}

/* At most `right` bytes of s beginning near `left`, with dots where something is left out. */
int func_abbrevboth(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    str s = text_of(arg + 2);
    int64_t offset = arg[0].i, width = arg[1].i, len = (int64_t)s.len;
    if (width < 4 || (offset > 0 && width < 7) || len <= width)
        return give(ret, s);
    offset = MIN_OF(offset, len);
    if (len - offset < width - 3)
        offset = len - (width - 3);
    if (offset <= 4)
        return give(ret, ARENA_CAT(c->arena, str_sub(s, 0, (size_t)width - 3), DOTS));
    if (width < 7)
        return give(ret, STR(""));
    str tail = str_from(s, (size_t)offset);
    if (offset + width - 3 >= len)
        return give(ret, ARENA_CAT(c->arena, DOTS, str_from(s, (size_t)(len - (width - 3)))));
    if ((int64_t)tail.len <= width - 3)
        return give(ret, ARENA_CAT(c->arena, DOTS, tail));
    return give(ret, ARENA_CAT(c->arena, DOTS, str_sub(tail, 0, (size_t)width - 6), DOTS));
}

/* ---- splitting ---- */

/* strings.SplitN: max < 0 all, 0 nothing. An empty separator splits into runes. */
static const str *split(struct template_call *c, str s, str separator, int64_t max, size_t *ret_n,
                        int *ret_rc)
{
    VEC(str) parts = {0};
    *ret_n = 0;
    *ret_rc = 0;
    if (max == 0)
        return NULL;
    while (max < 0 || (int64_t)parts.n < max - 1) {
        size_t width;
        ptrdiff_t at = str_find(s, separator);
        if (!separator.len) {
            if (!s.len)
                break;
            unicode_decode(s, &width);
            if (width == s.len)
                break;
            at = (ptrdiff_t)width;
        }
        if (at < 0 || (*ret_rc = func_room_to_push(c, &parts)))
            break;
        vec_push(c->arena, &parts, str_sub(s, 0, (size_t)at));
        s = str_from(s, (size_t)at + separator.len);
    }
    if (separator.len || s.len)
        vec_push(c->arena, &parts, s);
    *ret_n = parts.n;
    return parts.at;
}

static int split_map(struct template_call *c, str s, str separator, int64_t max, tval *ret)
{
    size_t n;
    int rc;
    const str *part_at = split(c, s, separator, max, &n, &rc);
    if (!rc)
        rc = template_room(c, n * 160);
    if (rc)
        return rc;
    *ret = template_map_new(c->arena, &TEMPLATE_T_STRING_MAP);
    for (size_t i = 0; i < n; i++)
        template_put(*ret, arena_printf(c->arena, "_%zu", i), template_str(part_at[i]));
    return template_charge(c, n);
}

int func_split(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    return split_map(c, text_of(arg + 1), text_of(arg), -1, ret);
}

int func_splitn(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    return split_map(c, text_of(arg + 2), text_of(arg), arg[1].i, ret);
}

int func_split_list(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    size_t n_parts;
    int rc;
    const str *part_at = split(c, text_of(arg + 1), text_of(arg), -1, &n_parts, &rc);
    if (!rc)
        rc = template_room(c, n_parts * sizeof(tval));
    if (rc)
        return rc;
    *ret = template_strings(c->arena, part_at, n_parts);
    return template_charge(c, n_parts);
}
