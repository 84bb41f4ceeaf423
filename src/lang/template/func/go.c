/* lang/template/func/go.c: text/template's own functions, but for comparison (compare.c).
 *
 * and, or and call never reach their functions when they can be short-circuited: call.c treats
 * them. */
#include <string.h>

#include "lang/template/func/rows.h"
#include "lang/template/print.h"
#include "lang/template/run.h"
#include "lang/template/strconv.h"
#include "lang/template/types.h"
#include "lang/template/unicode.h"

int func_and_or(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    (void)c;
    *ret = n ? arg[n - 1] : TEMPLATE_NO_VALUE;
    return 0;
}

int func_not(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    (void)c;
    (void)n;
    *ret = template_bool(!template_truth(template_unwrap(arg[0])));
    return 0;
}

int func_call(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    tval f = template_unwrap(arg[0]);
    (void)n;
    (void)ret;
    if (!f.type)
        return template_fail(c, "call of nil");
    return template_fail(c, "non-function %s of type %s", c->name, f.type->name);
}

int func_len(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    bool is_nil;
    tval v = indirect(arg[0], &is_nil);
    (void)n;
    if (!v.type)
        return template_fail(c, "reflect: call of reflect.Value.Type on zero Value");
    if (is_nil)
        return template_fail(c, "len of nil pointer");
    enum template_kind k = v.type->kind;
    if (k != TEMPLATE_STRING && k != TEMPLATE_SLICE && k != TEMPLATE_MAP)
        return template_fail(c, "len of type %s", v.type->name);
    *ret = template_int((int64_t)template_len(v));
    return 0;
}

/* ---- index, slice ---- */

static int index_number(struct template_call *c, tval index, size_t max, size_t *ret)
{
    if (!index.type)
        return template_fail(c, "cannot index slice/array with nil");
    if (!kind_is_int(index.type->kind) && !kind_is_uint(index.type->kind))
        return template_fail(c, "cannot index slice/array with type %s", index.type->name);
    if (index.i < 0 || (uint64_t)index.i > max)
        return template_fail(c, "index out of range: %lld", (long long)index.i);
    *ret = (size_t)index.i;
    return 0;
}

static int index_list(struct template_call *c, tval v, tval index, tval *ret)
{
    size_t i = 0;
    bool is_text = v.type->kind == TEMPLATE_STRING;
    int rc = index_number(c, index, template_len(v), &i);
    if (rc)
        return rc;
    if (i == template_len(v))
        return template_fail(c, "reflect: %s index out of range", is_text ? "string" : "slice");
    *ret = is_text ? (tval){.type = &TEMPLATE_T_UINT8, .u = (unsigned char)v.text[i]}
                   : template_at(v, i);
    return 0;
}

static int index_map(struct template_call *c, tval v, tval key, tval *ret)
{
    bool found;
    if (!key.type)
        return template_fail(c, "value is nil; should be of type string");
    if (key.type->kind != TEMPLATE_STRING)
        return template_fail(c, "value has type %s; should be string", key.type->name);
    *ret = template_get(v, template_text(key), &found);
    if (!found)
        *ret = zero_of(v.type->elem);
    return 0;
}

int func_index(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    tval v = template_unwrap(arg[0]);
    if (!v.type)
        return template_fail(c, "index of untyped nil");
    for (size_t i = 1; i < n; i++) {
        bool is_nil;
        int rc;
        v = indirect(v, &is_nil);
        if (is_nil)
            return template_fail(c, "index of nil pointer");
        if (v.type->kind == TEMPLATE_MAP)
            rc = index_map(c, v, template_unwrap(arg[i]), &v);
        else if (v.type->kind == TEMPLATE_SLICE || v.type->kind == TEMPLATE_STRING)
            rc = index_list(c, v, template_unwrap(arg[i]), &v);
        else
            return template_fail(c, "can't index item of type %s", v.type->name);
        if (rc)
            return rc;
    }
    *ret = v;
    return 0;
}

/* Part [from, to) of a string, []byte or list. */
static tval part_of(struct template_call *c, tval v, size_t from, size_t to)
{
    if (v.type->kind == TEMPLATE_STRING || type_is_bytes(v.type)) {
        v.text += from;
        v.len = (uint32_t)(to - from);
        return v;
    }
    tval *item = ARENA_ARRAY(c->arena, tval, to - from);
    for (size_t i = from; i < to; i++)
        item[i - from] = template_at(v, i);
    return template_list(c->arena, v.type, item, to - from);
}

int func_go_slice(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    bool is_nil;
    size_t index[3] = {0};
    tval v = template_unwrap(arg[0]);
    if (!v.type)
        return template_fail(c, "slice of untyped nil");
    v = indirect(v, &is_nil);
    if (is_nil)
        return template_fail(c, "slice of nil pointer");
    if (n > 4)
        return template_fail(c, "too many slice indexes: %zu", n - 1);
    if (v.type->kind == TEMPLATE_STRING && n == 4)
        return template_fail(c, "cannot 3-index slice a string");
    if (v.type->kind != TEMPLATE_STRING && v.type->kind != TEMPLATE_SLICE)
        return template_fail(c, "can't slice item of type %s", v.type->name);
    index[1] = index[2] = template_len(v);
    for (size_t i = 1; i < n; i++) {
        int rc = index_number(c, template_unwrap(arg[i]), template_len(v), &index[i - 1]);
        if (rc)
            return rc;
    }
    for (size_t i = 0; i + 1 < (n == 4 ? 3 : 2); i++)
        if (index[i] > index[i + 1])
            return template_fail(c, "invalid slice index: %zu > %zu", index[i], index[i + 1]);
    *ret = part_of(c, v, index[0], index[1]);
    return 0;
}

/* ---- printing ---- */

int func_print(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    struct buf *b = template_buf(c);
    print_args(b, c->arena, arg, n);
    return template_buf_tval(c, b, ret);
}

int func_println(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    struct buf *b = template_buf(c);
    println_args(b, c->arena, arg, n);
    return template_buf_tval(c, b, ret);
}

int func_printf(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    struct buf *b = template_buf(c);
    printf_args(b, c->arena, template_text(arg[0]), arg + 1, n - 1);
    return template_buf_tval(c, b, ret);
}

/* ---- escaping: the arguments as an action would print them ---- */

static int joined(struct template_call *c, const tval *arg, size_t n, str *ret)
{
    tval *shown = ARENA_ARRAY(c->arena, tval, n);
    struct buf *b = template_buf(c);
    for (size_t i = 0; i < n; i++) {
        bool is_nil;
        bool keeps = arg[i].type && arg[i].type->text;
        shown[i] = !arg[i].type ? template_strz("<no value>")
                   : keeps      ? arg[i]
                                : indirect(arg[i], &is_nil);
    }
    print_args(b, c->arena, shown, n);
    return template_buf_take(c, b, ret);
}

int func_html(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    str s;
    int rc = joined(c, arg, n, &s);
    if (rc)
        return rc;
    struct buf *b = template_buf(c);
    for (size_t i = 0; i < s.len; i++)
        switch (s.at[i]) {
        case 0: buf_addz(b, "\xEF\xBF\xBD"); break;
        case '"': buf_addz(b, "&#34;"); break;
        case '\'': buf_addz(b, "&#39;"); break;
        case '&': buf_addz(b, "&amp;"); break;
        case '<': buf_addz(b, "&lt;"); break;
        case '>': buf_addz(b, "&gt;"); break;
        default: buf_addc(b, s.at[i]); break;
        }
    return template_buf_tval(c, b, ret);
}

static void add_js(struct buf *b, str s, size_t *io_at)
{
    unsigned char ch = (unsigned char)s.at[*io_at];
    size_t width = 1;
    if (ch == '\\' || ch == '\'' || ch == '"') {
        buf_addc(b, '\\');
        buf_addc(b, (char)ch);
    } else if (ch < ' ' || (ch < 0x80 && strchr("<>&=", ch))) {
        buf_printf(b, "\\u%04X", ch);
    } else if (ch < 0x80) {
        buf_addc(b, (char)ch);
    } else {
        str rest = str_from(s, *io_at);
        int32_t r = unicode_decode(rest, &width);
        if (unicode_class(r) & UNICODE_PRINT)
            buf_add(b, str_sub(rest, 0, width));
        else
            buf_printf(b, "\\u%04X", (unsigned)r);
    }
    *io_at += width;
}

int func_js(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    str s;
    int rc = joined(c, arg, n, &s);
    if (rc)
        return rc;
    struct buf *b = template_buf(c);
    for (size_t i = 0; i < s.len;)
        add_js(b, s, &i);
    return template_buf_tval(c, b, ret);
}

int func_urlquery(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    str s;
    int rc = joined(c, arg, n, &s);
    if (rc)
        return rc;
    struct buf *b = template_buf(c);
    for (size_t i = 0; i < s.len; i++) {
        unsigned char ch = (unsigned char)s.at[i];
        if (ch == ' ')
            buf_addc(b, '+');
        else if ((ch >= '0' && ch <= '9') || ((ch | 0x20) >= 'a' && (ch | 0x20) <= 'z') ||
                 (ch && strchr("-_.~", ch)))
            buf_addc(b, (char)ch);
        else
            buf_printf(b, "%%%02X", ch);
    }
    return template_buf_tval(c, b, ret);
}
