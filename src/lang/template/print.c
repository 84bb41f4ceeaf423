/* lang/template/print.c: values by verb, and the format language. */
#include "lang/template/print.h"

#include <string.h>

#include "lang/template/map.h"
#include "lang/template/types.h"
#include "lang/template/unicode.h"

static void print_arg(struct printer *p, tval v, int32_t verb);
static void print_reflect(struct printer *p, tval v, int32_t verb, unsigned depth);

static void bad_verb(struct printer *p, int32_t verb)
{
    tval arg = p->arg;
    p->erroring = true;
    buf_addz(p->out, "%!");
    unicode_add(p->out, verb);
    buf_addc(p->out, '(');
    if (arg.type) {
        buf_addz(p->out, arg.type->name);
        buf_addc(p->out, '=');
        print_arg(p, arg, 'v');
    } else {
        buf_addz(p->out, "<nil>");
    }
    buf_addc(p->out, ')');
    p->erroring = false;
}

static void print_0x(struct printer *p, uint64_t u, bool prefix)
{
    bool sharp = p->sharp;
    p->sharp = prefix;
    print_integer(p, u, false, 16, 'v');
    p->sharp = sharp;
}

static void by_bool(struct printer *p, bool b, int32_t verb)
{
    if (verb == 't' || verb == 'v')
        print_pad(p, b ? STR("true") : STR("false"));
    else
        bad_verb(p, verb);
}

static void by_integer(struct printer *p, uint64_t u, bool is_signed, int32_t verb)
{
    bool is_negative = is_signed && (int64_t)u < 0;
    uint64_t size = is_negative ? -u : u;
    switch (verb) {
    case 'v':
        if (p->sharp_v && !is_signed)
            print_0x(p, u, true);
        else
            print_integer(p, size, is_negative, 10, verb);
        break;
    case 'd': print_integer(p, size, is_negative, 10, verb); break;
    case 'b': print_integer(p, size, is_negative, 2, verb); break;
    case 'o':
    case 'O': print_integer(p, size, is_negative, 8, verb); break;
    case 'x':
    case 'X': print_integer(p, size, is_negative, 16, verb); break;
    case 'c': print_rune(p, u); break;
    case 'q': print_quoted_rune(p, u); break;
    case 'U': print_unicode(p, u); break;
    default: bad_verb(p, verb); break;
    }
}

static bool by_float(struct printer *p, double d, int32_t verb)
{
    switch (verb) {
    case 'v': print_float(p, d, 'g', -1); return true;
    case 'b':
    case 'g':
    case 'G':
    case 'x':
    case 'X': print_float(p, d, (char)verb, -1); return true;
    case 'f':
    case 'e':
    case 'E': print_float(p, d, (char)verb, 6); return true;
    case 'F': print_float(p, d, 'f', 6); return true;
    default: return false;
    }
}

static void by_complex(struct printer *p, const double *c, int32_t verb)
{
    bool plus = p->plus;
    if (verb <= 0 || verb >= 0x80 || !strchr("vbgGxXfFeE", verb)) {
        bad_verb(p, verb);
        return;
    }
    buf_addc(p->out, '(');
    by_float(p, c[0], verb);
    p->plus = true;
    by_float(p, c[1], verb);
    buf_addz(p->out, "i)");
    p->plus = plus;
}

static void by_text(struct printer *p, str s, int32_t verb)
{
    switch (verb) {
    case 'v':
        if (p->sharp_v)
            print_quoted(p, s);
        else
            print_text(p, s);
        break;
    case 's': print_text(p, s); break;
    case 'x':
    case 'X': print_hex(p, s, verb == 'X'); break;
    case 'q': print_quoted(p, s); break;
    default: bad_verb(p, verb); break;
    }
}

/* []byte; named types and those inside others come here only for s, q, x, X. */
static void by_bytes(struct printer *p, tval v, int32_t verb)
{
    str s = v.text ? template_text(v) : STR("");
    if (verb != 'v' && verb != 'd') {
        if (verb == 's' || verb == 'x' || verb == 'X' || verb == 'q')
            by_text(p, s, verb);
        else
            print_reflect(p, v, verb, 0);
        return;
    }
    if (p->sharp_v) {
        buf_addz(p->out, v.text ? "[]byte{" : "[]byte(nil)");
        for (size_t i = 0; i < s.len; i++) {
            if (i)
                buf_addz(p->out, ", ");
            print_0x(p, (unsigned char)s.at[i], true);
        }
        if (v.text)
            buf_addc(p->out, '}');
        return;
    }
    buf_addc(p->out, '[');
    for (size_t i = 0; i < s.len; i++) {
        if (i)
            buf_addc(p->out, ' ');
        print_integer(p, (unsigned char)s.at[i], false, 10, verb);
    }
    buf_addc(p->out, ']');
}

static void by_pointer(struct printer *p, tval v, int32_t verb)
{
    enum template_kind k = v.type->kind;
    uint64_t u = (uint64_t)(uintptr_t)v.p;
    if (k != TEMPLATE_MAP && k != TEMPLATE_PTR && k != TEMPLATE_SLICE) {
        bad_verb(p, verb);
    } else if (verb == 'v' && p->sharp_v) {
        buf_printf(p->out, "(%s)(", v.type->name);
        if (u)
            print_0x(p, u, true);
        else
            buf_addz(p->out, "nil");
        buf_addc(p->out, ')');
    } else if (verb == 'v' && !u) {
        print_pad(p, STR("<nil>"));
    } else if (verb == 'v' || verb == 'p') {
        print_0x(p, u, !p->sharp);
    } else {
        by_integer(p, u, false, verb);
    }
}

/* String, Error and GoString methods. */
static bool by_method(struct printer *p, tval v, int32_t verb)
{
    if (p->erroring)
        return false;
    if (verb == 'w') {
        bad_verb(p, verb);
        return true;
    }
    if (p->sharp_v) {
        if (!v.type->go_text)
            return false;
        print_text(p, v.type->go_text(v, p->arena));
        return true;
    }
    if (!v.type->text || verb <= 0 || verb >= 0x80 || !strchr("vsxXq", verb))
        return false;
    if (v.type->kind == TEMPLATE_PTR && !v.p)
        buf_addz(p->out, "<nil>");
    else
        by_text(p, v.type->text(v, p->arena), verb);
    return true;
}

static void element(struct printer *p, tval v, int32_t verb, unsigned depth)
{
    v = template_unwrap(v);
    if (!v.type) {
        buf_addz(p->out, p->sharp_v ? "interface {}(nil)" : "<nil>");
        return;
    }
    p->arg = v;
    if (!by_method(p, v, verb))
        print_reflect(p, v, verb, depth);
}

static void separate(struct printer *p, size_t i)
{
    if (i)
        buf_addz(p->out, p->sharp_v ? ", " : " ");
}

static void by_list(struct printer *p, tval v, int32_t verb, unsigned depth)
{
    size_t n = template_len(v);
    if (type_is_bytes(v.type) && (verb == 's' || verb == 'q' || verb == 'x' || verb == 'X')) {
        by_bytes(p, v, verb);
        return;
    }
    if (p->sharp_v)
        buf_addz(p->out, v.type->name);
    if (p->sharp_v && !v.p) {
        buf_addz(p->out, "(nil)");
        return;
    }
    buf_addc(p->out, p->sharp_v ? '{' : '[');
    for (size_t i = 0; i < n && !p->out->overflow; i++) {
        separate(p, i);
        element(p, template_at(v, i), verb, depth + 1);
    }
    buf_addc(p->out, p->sharp_v ? '}' : ']');
}

static void by_map(struct printer *p, tval v, int32_t verb, unsigned depth)
{
    size_t n;
    const str *key = template_keys(v, &n);
    buf_addz(p->out, p->sharp_v ? v.type->name : "map[");
    if (p->sharp_v && !v.p) {
        buf_addz(p->out, "(nil)");
        return;
    }
    if (p->sharp_v)
        buf_addc(p->out, '{');
    for (size_t i = 0; i < n && !p->out->overflow; i++) {
        separate(p, i);
        element(p, template_str(key[i]), verb, depth + 1);
        buf_addc(p->out, ':');
        element(p, template_get(v, key[i], NULL), verb, depth + 1);
    }
    buf_addc(p->out, p->sharp_v ? '}' : ']');
}

static void by_struct(struct printer *p, tval v, int32_t verb, unsigned depth)
{
    if (p->sharp_v)
        buf_addz(p->out, v.type->name);
    buf_addc(p->out, '{');
    for (size_t i = 0; v.type->field && v.type->field[i].name; i++) {
        separate(p, i);
        if (p->plus_v || p->sharp_v)
            buf_printf(p->out, "%s:", v.type->field[i].name);
        element(p, v.type->field[i].get(v.p, p->arena), verb, depth + 1);
    }
    buf_addc(p->out, '}');
}

static void print_reflect(struct printer *p, tval v, int32_t verb, unsigned depth)
{
    if (depth > TEMPLATE_DEPTH_MAX)
        return;
    switch (v.type->kind) {
    case TEMPLATE_BOOL: by_bool(p, v.b, verb); break;
    case TEMPLATE_INT:
    case TEMPLATE_INT32:
    case TEMPLATE_INT64: by_integer(p, v.u, true, verb); break;
    case TEMPLATE_UINT8:
    case TEMPLATE_UINT32:
    case TEMPLATE_UINT64: by_integer(p, v.u, false, verb); break;
    case TEMPLATE_FLOAT64:
        if (!by_float(p, v.f, verb))
            bad_verb(p, verb);
        break;
    case TEMPLATE_COMPLEX128: by_complex(p, v.complex, verb); break;
    case TEMPLATE_STRING: by_text(p, template_text(v), verb); break;
    case TEMPLATE_SLICE: by_list(p, v, verb, depth); break;
    case TEMPLATE_MAP: by_map(p, v, verb, depth); break;
    case TEMPLATE_STRUCT: by_struct(p, v, verb, depth); break;
    case TEMPLATE_PTR:
        if (depth == 0 && v.p) {
            buf_addc(p->out, '&');
            v.type = v.type->elem;
            print_reflect(p, v, verb, depth + 1);
        } else {
            by_pointer(p, v, verb);
        }
        break;
    case TEMPLATE_INVALID:
    case TEMPLATE_INTERFACE: break;
    }
}

static void print_arg(struct printer *p, tval v, int32_t verb)
{
    v = template_unwrap(v);
    p->arg = v;
    if (!v.type) {
        if (verb == 'T' || verb == 'v')
            print_pad(p, STR("<nil>"));
        else
            bad_verb(p, verb);
    } else if (verb == 'T') {
        print_text(p, str_of(v.type->name));
    } else if (verb == 'p') {
        by_pointer(p, v, verb);
    } else if (v.type == &TEMPLATE_T_BYTES) {
        by_bytes(p, v, verb);
    } else if (!by_method(p, v, verb)) {
        print_reflect(p, v, verb, 0);
    }
}

void print_verb(struct buf *out, struct arena *a, tval arg, char verb)
{
    struct printer p = {.out = out, .arena = a};
    print_arg(&p, arg, verb);
}

void template_print(tval v, struct buf *out, struct arena *a) { print_verb(out, a, v, 'v'); }

void print_args(struct buf *out, struct arena *a, const tval *arg, size_t n)
{
    bool was_text = false;
    for (size_t i = 0; i < n; i++) {
        bool is_text = arg[i].type && arg[i].type->kind == TEMPLATE_STRING;
        if (i && !is_text && !was_text)
            buf_addc(out, ' ');
        print_verb(out, a, arg[i], 'v');
        was_text = is_text;
    }
}

void println_args(struct buf *out, struct arena *a, const tval *arg, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (i)
            buf_addc(out, ' ');
        print_verb(out, a, arg[i], 'v');
    }
    buf_addc(out, '\n');
}

/* ---- the format language ---- */

struct format {
    struct printer p;
    str text;
    size_t at;
    const tval *arg;
    size_t n, next;
    bool reordered, good_index, after_index;
};

/* Decimal digits; false: there are none, or far too many (then everything is consumed). */
static bool number(str s, size_t *io_at, size_t end, int *ret)
{
    bool found = false;
    *ret = 0;
    for (; *io_at < end && s.at[*io_at] >= '0' && s.at[*io_at] <= '9'; (*io_at)++) {
        if (*ret > PRINT_WIDTH_MAX) {
            *io_at = end;
            *ret = 0;
            return false;
        }
        *ret = *ret * 10 + (s.at[*io_at] - '0');
        found = true;
    }
    return found;
}

/* "[n]". */
static void index_of(struct format *f)
{
    f->after_index = false;
    if (f->at >= f->text.len || f->text.at[f->at] != '[')
        return;
    f->reordered = true;
    str rest = str_from(f->text, f->at);
    ptrdiff_t close = rest.len < 3 ? -1 : str_find_char(rest, ']');
    size_t at = 1;
    int index;
    if (close < 0) {
        f->good_index = false;
        f->at += 1;
        return;
    }
    bool ok = number(rest, &at, (size_t)close, &index) && at == (size_t)close;
    f->at += (size_t)close + 1;
    f->after_index = ok;
    if (ok && index >= 1 && (size_t)index <= f->n)
        f->next = (size_t)index - 1;
    else
        f->good_index = false;
}

/* A width or precision from an argument. */
static bool int_from_arg(struct format *f, int *ret)
{
    *ret = 0;
    if (f->next >= f->n)
        return false;
    tval v = f->arg[f->next++];
    if (!v.type || !(kind_is_int(v.type->kind) || kind_is_uint(v.type->kind)))
        return false;
    if (v.i > PRINT_WIDTH_MAX || v.i < -PRINT_WIDTH_MAX)
        return false;
    *ret = (int)v.i;
    return true;
}

static bool is_at(const struct format *f, char c)
{
    return f->at < f->text.len && f->text.at[f->at] == c;
}

static void take_width(struct format *f)
{
    struct printer *p = &f->p;
    if (is_at(f, '*')) {
        f->at++;
        p->has_width = int_from_arg(f, &p->width);
        if (!p->has_width)
            buf_addz(p->out, "%!(BADWIDTH)");
        if (p->width < 0) {
            p->width = -p->width;
            p->minus = true;
            p->zero = false;
        }
        f->after_index = false;
        return;
    }
    p->has_width = number(f->text, &f->at, f->text.len, &p->width);
    if (f->after_index && p->has_width)
        f->good_index = false;
}

static void take_precision(struct format *f)
{
    struct printer *p = &f->p;
    if (f->at + 1 >= f->text.len || f->text.at[f->at] != '.')
        return;
    f->at++;
    if (f->after_index)
        f->good_index = false;
    index_of(f);
    if (is_at(f, '*')) {
        f->at++;
        p->has_precision = int_from_arg(f, &p->precision);
        if (p->precision < 0) {
            p->precision = 0;
            p->has_precision = false;
        }
        if (!p->has_precision)
            buf_addz(p->out, "%!(BADPREC)");
        f->after_index = false;
        return;
    }
    if (!number(f->text, &f->at, f->text.len, &p->precision))
        p->precision = 0;
    p->has_precision = true;
}

static bool take_flag(struct format *f)
{
    if (f->at >= f->text.len)
        return false;
    switch (f->text.at[f->at]) {
    case '#': f->p.sharp = true; break;
    case '0': f->p.zero = true; break;
    case '+': f->p.plus = true; break;
    case '-': f->p.minus = true; break;
    case ' ': f->p.space = true; break;
    default: return false;
    }
    f->at++;
    return true;
}

static void complain(struct format *f, int32_t verb, const char *what)
{
    buf_addz(f->p.out, "%!");
    unicode_add(f->p.out, verb);
    buf_addz(f->p.out, what);
}

static void do_verb(struct format *f)
{
    size_t width;
    int32_t verb = unicode_decode(str_from(f->text, f->at), &width);
    f->at += width;
    if (verb == '%') {
        buf_addc(f->p.out, '%');
    } else if (!f->good_index) {
        complain(f, verb, "(BADINDEX)");
    } else if (f->next >= f->n) {
        complain(f, verb, "(MISSING)");
    } else {
        if (verb == 'v' || verb == 'w') {
            f->p.sharp_v = f->p.sharp;
            f->p.plus_v = f->p.plus;
            f->p.sharp = f->p.plus = false;
        }
        print_arg(&f->p, f->arg[f->next++], verb);
    }
}

static void do_directive(struct format *f)
{
    f->p = (struct printer){.out = f->p.out, .arena = f->p.arena};
    f->good_index = true;
    while (take_flag(f))
        continue;
    index_of(f);
    take_width(f);
    take_precision(f);
    if (!f->after_index)
        index_of(f);
    if (f->at >= f->text.len)
        buf_addz(f->p.out, "%!(NOVERB)");
    else
        do_verb(f);
}

static void add_extra(struct format *f)
{
    f->p = (struct printer){.out = f->p.out, .arena = f->p.arena};
    buf_addz(f->p.out, "%!(EXTRA ");
    for (size_t i = f->next; i < f->n; i++) {
        if (i > f->next)
            buf_addz(f->p.out, ", ");
        if (f->arg[i].type) {
            buf_addz(f->p.out, f->arg[i].type->name);
            buf_addc(f->p.out, '=');
        }
        print_arg(&f->p, f->arg[i], 'v');
    }
    buf_addc(f->p.out, ')');
}

void printf_args(struct buf *out, struct arena *a, str format, const tval *arg, size_t n)
{
    struct format f = {.p = {.out = out, .arena = a}, .text = format, .arg = arg, .n = n};
    while (f.at < format.len && !out->overflow) {
        ptrdiff_t found = str_find_char(str_from(format, f.at), '%');
        size_t plain = found < 0 ? format.len - f.at : (size_t)found;
        buf_add(out, str_sub(format, f.at, plain));
        f.at += plain;
        if (f.at >= format.len)
            break;
        f.at++;
        do_directive(&f);
    }
    if (!f.reordered && f.next < n)
        add_extra(&f);
}
