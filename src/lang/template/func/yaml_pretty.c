/* lang/template/func/yaml_pretty.c: toYamlPretty: Go values by yaml.v3 with an indent of two.
 *
 * Unlike toYaml's library it writes values as they are (no way through JSON: 1e6 is 1e+06), indents
 * lists below a key, and breaks no long line. A single string is written by value/yaml.h, which
 * agrees with it but for lines past the width: those are joined again here.
 *
 * Source: Helm 4.2 pkg/engine/funcs.go; go.yaml.in/yaml/v3 encode.go, sorter.go. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lang/template/func/rows.h"
#include "lang/template/func/time_type.h"
#include "lang/template/run.h"
#include "lang/template/strconv.h"
#include "lang/template/types.h"
#include "lang/template/unicode.h"
#include "value/yaml.h"

#define INDENT 2

struct printer {
    struct template_call *call;
    struct buf *out;
    bool failed; /* a value that YAML has no word for */
};

static void put(struct printer *p, tval v, int indent, bool inline_start);

/* ---- the order of keys: letters, then numbers by value ---- */

static bool is_letter(int32_t r) { return (unicode_class(r) & UNICODE_LETTER) != 0; }
static bool is_digit(int32_t r) { return (unicode_class(r) & UNICODE_DIGIT) != 0; }

/* Value of the digits at s, behind `before` in front; *ret_n how many there are. */
static int64_t number_at(str s, int64_t before, size_t *ret_n)
{
    uint64_t n = (uint64_t)before;
    size_t at = 0, width;
    for (*ret_n = 0; at < s.len; at += width, (*ret_n)++) {
        int32_t r = unicode_decode(str_from(s, at), &width);
        if (!is_digit(r))
            break;
        n = n * 10 + (uint64_t)(r - '0');
    }
    return (int64_t)n;
}

/* True when digits other than 0 stand right before byte `at`. */
static bool digits_before(str s, size_t at)
{
    size_t width;
    for (s.len = at; s.len; s.len -= width) {
        int32_t r = unicode_decode_last(s, &width);
        if (!is_digit(r))
            return false;
        if (r != '0')
            return true;
    }
    return false;
}

static int order_at(str a, str b, size_t at, bool after_digit)
{
    size_t width, an, bn;
    str ra = str_from(a, at), rb = str_from(b, at);
    int32_t ca = unicode_decode(ra, &width), cb = unicode_decode(rb, &width);
    bool al = is_letter(ca), bl = is_letter(cb);
    if (al && bl)
        return ca < cb ? -1 : 1;
    if (al || bl)
        return (after_digit ? al : bl) ? -1 : 1;
    int64_t lead = (ca == '0' || cb == '0') && digits_before(a, at);
    int64_t va = number_at(ra, lead, &an), vb = number_at(rb, lead, &bn);
    if (va != vb)
        return va < vb ? -1 : 1;
    if (an != bn)
        return an < bn ? -1 : 1;
    return ca < cb ? -1 : 1;
}

static int key_order(const void *pa, const void *pb)
{
    str a = *(const str *)pa, b = *(const str *)pb;
    bool after_digit = false;
    size_t at = 0, wa, wb;
    for (; at < a.len && at < b.len; at += wa) {
        int32_t ca = unicode_decode(str_from(a, at), &wa),
                cb = unicode_decode(str_from(b, at), &wb);
        if (ca != cb)
            return order_at(a, b, at, after_digit);
        after_digit = is_digit(ca);
    }
    return (a.len > b.len) - (a.len < b.len);
}

/* ---- scalars ---- */

/* A text as value/yaml.h writes it at the root. */
static str written(struct printer *p, str s)
{
    struct buf b = BUF_INIT;
    buf_init(&b, p->out->bytes_max);
    yaml_print(value_borrow_str(p->call->arena, s), YAML_HELM, AUDIENCE_WIRE, &b);
    if (b.len && b.at[b.len - 1] == '\n' && !(b.at[0] == '|' && str_ends(s, STR("\n"))))
        b.len--;
    if (b.overflow)
        p->out->overflow = true;
    str text = arena_str(p->call->arena, buf_str(&b));
    buf_done(&b);
    return text;
}

/* Lines of a literal block, each of which has the indent of the root's. */
static void put_block(struct printer *p, str text, int indent)
{
    str line;
    bool first = true;
    while (str_next(&text, '\n', &line)) {
        if (!first)
            buf_addc(p->out, '\n');
        if (!first && line.len)
            buf_fill(p->out, ' ', (size_t)MAX_OF(indent - INDENT, 0));
        buf_add(p->out, line);
        first = false;
    }
}

/* A line break of a plain or quoted text stands for a blank; behind it are the indent and, before
 * another blank of a double-quoted text, a backslash. */
static void put_joined(struct printer *p, str text)
{
    for (ptrdiff_t at; (at = str_find_char(text, '\n')) >= 0;) {
        buf_add(p->out, str_sub(text, 0, (size_t)at));
        buf_addc(p->out, ' ');
        text = str_from(text, (size_t)at + 1);
        while (text.len && text.at[0] == ' ')
            text = str_from(text, 1);
        if (text.len > 1 && text.at[0] == '\\' && text.at[1] == ' ')
            text = str_from(text, 1);
    }
    buf_add(p->out, text);
}

static void put_text(struct printer *p, str s, int indent)
{
    str text = written(p, s);
    if (text.len && text.at[0] == '|' && str_find_char(s, '\n') >= 0)
        put_block(p, str_trim_suffix(text, STR("\n")), indent);
    else
        put_joined(p, text);
}

static void put_float(struct printer *p, double d)
{
    if (isnan(d))
        buf_addz(p->out, ".nan");
    else if (isinf(d))
        buf_addz(p->out, d < 0 ? "-.inf" : ".inf");
    else
        strconv_add_float(p->out, d, 'g', -1);
}

/* ---- containers ---- */

static void begin_line(struct printer *p, int indent)
{
    buf_addc(p->out, '\n');
    buf_fill(p->out, ' ', (size_t)indent);
}

/* inline_start: the first entry goes on the line that there is. */
static void put_list(struct printer *p, tval v, int indent, bool inline_start)
{
    size_t n = template_len(v);
    if (!n)
        buf_addz(p->out, "[]");
    for (size_t i = 0; i < n && !p->out->overflow; i++) {
        if (i || !inline_start)
            begin_line(p, indent);
        buf_addz(p->out, "- ");
        put(p, template_at(v, i), indent + INDENT, true);
    }
}

static bool is_block(tval v)
{
    v = template_unwrap(v);
    return v.type && (v.type->kind == TEMPLATE_MAP || v.type->kind == TEMPLATE_SLICE) &&
           template_len(v);
}

static void put_map(struct printer *p, tval v, int indent, bool inline_start)
{
    size_t n;
    const str *sorted = template_keys(v, &n);
    str *key = arena_copy(p->call->arena, sorted, n * sizeof *key);
    qsort(key, n, sizeof *key, key_order);
    if (!n)
        buf_addz(p->out, "{}");
    for (size_t i = 0; i < n && !p->out->overflow; i++) {
        tval child = template_get(v, key[i], NULL);
        if (i || !inline_start)
            begin_line(p, indent);
        put_text(p, key[i], indent + INDENT);
        buf_addc(p->out, ':');
        if (!is_block(child))
            buf_addc(p->out, ' ');
        put(p, child, indent + INDENT, !is_block(child));
    }
}

static void put_number(struct printer *p, tval v)
{
    if (kind_is_int(v.type->kind))
        buf_printf(p->out, "%lld", (long long)v.i);
    else if (kind_is_uint(v.type->kind))
        buf_printf(p->out, "%llu", (unsigned long long)v.u);
    else
        put_float(p, v.f);
}

static void put(struct printer *p, tval v, int indent, bool inline_start)
{
    v = template_unwrap(v);
    if (indent > INDENT * VALUE_DEPTH_MAX) {
        p->failed = true;
    } else if (!v.type || (v.type->kind == TEMPLATE_PTR && template_is_nil(v))) {
        buf_addz(p->out, "null");
    } else if (v.type == &TEMPLATE_T_TIME) {
        gotime_format(time_of(v), STR("2006-01-02T15:04:05.999999999Z07:00"), p->out);
    } else if (v.type->text) {
        put_text(p, v.type->text(v, p->call->arena), indent);
    } else {
        switch (v.type->kind) {
        case TEMPLATE_BOOL: buf_addz(p->out, v.b ? "true" : "false"); break;
        case TEMPLATE_STRING: put_text(p, template_text(v), indent); break;
        case TEMPLATE_SLICE: put_list(p, v, indent, inline_start); break;
        case TEMPLATE_MAP: put_map(p, v, indent, inline_start); break;
        case TEMPLATE_COMPLEX128:
        case TEMPLATE_STRUCT:
        case TEMPLATE_PTR: p->failed = true; break;
        default: put_number(p, v); break;
        }
    }
}

int func_to_yaml_pretty(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    struct printer p = {.call = c, .out = template_buf(c)};
    put(&p, arg[0], 0, true);
    int rc = template_buf_tval(c, p.out, ret);
    if (!rc && p.failed)
        *ret = template_strz("");
    return rc;
}
