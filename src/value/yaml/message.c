/* Values as Go's fmt shows them in the messages of the YAML reader. */
#include "value/number.h"
#include "value/text.h"
#include "value/yaml/resolve.h"
#include "value/yaml/tree.h"

#define SHOWN_BYTES_MAX 2000

static void quote(struct buf *b, str s)
{
    static const char *const names[128] = {
        ['\a'] = "\\a", ['\b'] = "\\b", ['\f'] = "\\f", ['\n'] = "\\n",  ['\r'] = "\\r",
        ['\t'] = "\\t", ['\v'] = "\\v", ['"'] = "\\\"", ['\\'] = "\\\\",
    };
    if (!s.len)
        s = STR("");
    const char *end = s.at + s.len;
    buf_addc(b, '"');
    for (const char *p = s.at; p < end;) {
        uint32_t c;
        unsigned n = utf8_decode(p, end, &c);
        if (c < 128 && names[c])
            buf_addz(b, names[c]);
        else if (n == 1 && c == 0xfffd)
            buf_printf(b, "\\x%02x", (uint8_t)*p);
        else if (c < 0x20 || c == 0x7f)
            buf_printf(b, "\\x%02x", c);
        else if ((c >= 0x80 && c <= 0xa0) || c == 0xad || (c >= 0x2028 && c <= 0x2029) ||
                 c == 0xfeff)
            buf_printf(b, "\\u%04x", c);
        else
            buf_add(b, str_mem(p, n));
        p += n;
    }
    buf_addc(b, '"');
}

static void show(struct buf *b, value v, bool inside)
{
    char text[YAML_FLOAT_BYTES_MAX];
    bool map = value_is_map(v);
    switch (value_type(v)) {
    case VALUE_NONE:
    case VALUE_NULL: buf_addz(b, inside ? "interface {}(nil)" : "<nil>"); break;
    case VALUE_BOOL: buf_addz(b, value_bool(v) ? "true" : "false"); break;
    case VALUE_INT: buf_printf(b, "%ld", (long)value_int(v)); break;
    case VALUE_UINT: buf_printf(b, "0x%lx", (unsigned long)value_uint(v)); break;
    case VALUE_DOUBLE:
        buf_add(b, str_mem(text, yaml_print_float(value_double(v), 64, text)));
        break;
    case VALUE_STRING: quote(b, value_str(v)); break;
    case VALUE_LIST:
    case VALUE_MAP:
        buf_addz(b, map ? "map[interface {}]interface {}{" : "[]interface {}{");
        for (struct value_iter it = value_iter(v); value_next(&it);) {
            if (it.i)
                buf_addz(b, ", ");
            if (map) {
                quote(b, it.key);
                buf_addc(b, ':');
            }
            show(b, it.val, true);
        }
        buf_addc(b, '}');
        break;
    }
}

static str taken(struct arena *a, struct buf *b)
{
    str s = arena_str(a, buf_str(b));
    buf_done(b);
    return s;
}

str yaml_go_quote(struct arena *a, str s)
{
    struct buf b;
    buf_init(&b, SHOWN_BYTES_MAX);
    quote(&b, s);
    return taken(a, &b);
}

str yaml_go_value(struct arena *a, value v)
{
    struct buf b;
    buf_init(&b, SHOWN_BYTES_MAX);
    if (value_is_map(v) && !v.doc)
        value_sort_keys(a, v, true);
    show(&b, v, false);
    return taken(a, &b);
}

str yaml_bad_key(struct arena *a, bool is_unsigned, uint64_t u, value val)
{
    struct buf b;
    buf_init(&b, SHOWN_BYTES_MAX);
    if (is_unsigned)
        buf_printf(&b,
                   "unsupported map key of type: uint64, key: 0x%lx, value: ", (unsigned long)u);
    else
        buf_addz(&b, "unsupported map key of type: %!s(<nil>), key: <nil>, value: ");
    show(&b, val, false);
    return taken(a, &b);
}
