/* lang/template/func/encode.c: base64, base32, JSON and YAML.
 *
 * The plain forms swallow errors (an empty text, or the error as data), the must forms fail.
 * Source: Sprig 3.3 strings.go, defaults.go; Helm 4.2 pkg/engine/funcs.go. */
#include "base/digest.h"
#include "lang/template/func/base_n.h"
#include "lang/template/func/rows.h"
#include "lang/template/run.h"
#include "lang/template/unicode.h"
#include "value/json.h"
#include "value/yaml.h"

static int give(tval *ret, str s)
{
    *ret = template_str(s);
    return 0;
}

/* ---- base64, base32 ---- */

int func_b64enc(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    struct buf *b = template_buf(c);
    base64_add(b, template_text(arg[0]));
    return template_buf_tval(c, b, ret);
}

int func_b32enc(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    struct buf *b = template_buf(c);
    base32_add(b, template_text(arg[0]));
    return template_buf_tval(c, b, ret);
}

int func_b64dec(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    str out;
    size_t bad;
    if (base64_read(template_text(arg[0]), c->arena, &out, &bad))
        return give(ret, out);
    return give(ret, arena_printf(c->arena, "illegal base64 data at input byte %zu", bad));
}

int func_b32dec(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    str out;
    size_t bad;
    if (base32_read(template_text(arg[0]), c->arena, &out, &bad))
        return give(ret, out);
    return give(ret, arena_printf(c->arena, "illegal base32 data at input byte %zu", bad));
}

/* ---- to JSON and YAML ---- */

/* What is done when the value cannot be written. */
enum on_error { GIVE_EMPTY, FAIL };

static int failed(struct template_call *c, enum on_error on_error, const struct err *err, tval *ret)
{
    if (on_error == FAIL || err->kind == ERR_TOO_LARGE)
        return run_fail(c->run, err->kind, arena_str(c->arena, err_str(err)));
    return give(ret, STR(""));
}

static int to_json(struct template_call *c, tval v, unsigned flags, enum on_error on_error,
                   tval *ret)
{
    value made;
    struct err err;
    bool in_order;
    if (template_to_value_in_order(v, c->arena, &made, &in_order, &err))
        return failed(c, on_error, &err, ret);
    struct buf *b = template_buf(c);
    json_print(made, AUDIENCE_WIRE, in_order ? flags : flags | JSON_SORT_KEYS, b);
    return template_buf_tval(c, b, ret);
}

int func_to_json(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    return to_json(c, arg[0], 0, GIVE_EMPTY, ret);
}

int func_must_to_json(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    return to_json(c, arg[0], 0, FAIL, ret);
}

int func_to_pretty_json(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    return to_json(c, arg[0], JSON_INDENT_2, GIVE_EMPTY, ret);
}

int func_must_to_pretty_json(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    return to_json(c, arg[0], JSON_INDENT_2, FAIL, ret);
}

int func_to_raw_json(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    return to_json(c, arg[0], JSON_NO_HTML, FAIL, ret);
}

int func_must_to_raw_json(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    return to_json(c, arg[0], JSON_NO_HTML, FAIL, ret);
}

/* Runes that the YAML reader refuses, by way of which Go's library goes from JSON to YAML. */
static bool has_refused_rune(str s)
{
    size_t width;
    for (; s.len; s = str_from(s, width)) {
        int32_t r = unicode_decode(s, &width);
        if ((r >= 0x7F && r < 0xA0 && r != 0x85) || r == 0xFFFE || r == 0xFFFF)
            return true;
    }
    return false;
}

static bool is_refused(value v)
{
    if (value_is_string(v))
        return has_refused_rune(value_str(v));
    for (struct value_iter it = value_iter(v); value_next(&it);)
        if (is_refused(it.val) || has_refused_rune(it.key))
            return true;
    return false;
}

static int to_yaml(struct template_call *c, tval v, enum on_error on_error, tval *ret)
{
    value made;
    struct err err;
    if (template_to_value(v, c->arena, &made, &err)) {
        if (err.kind == ERR_INVALID)
            err_wrap(&err, "error marshaling into JSON");
        return failed(c, on_error, &err, ret);
    }
    struct buf *b = template_buf(c);
    yaml_print(made, YAML_HELM, AUDIENCE_WIRE, b);
    if (b->len && b->at[b->len - 1] == '\n')
        b->len--;
    int rc = template_buf_tval(c, b, ret);
    /* they are written with a backslash */
    if (rc || str_find_char(template_text(*ret), '\\') < 0 || !is_refused(made))
        return rc;
    (void)err_set(&err, ERR_INVALID, "yaml: control characters are not allowed");
    return failed(c, on_error, &err, ret);
}

int func_to_yaml(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    return to_yaml(c, arg[0], GIVE_EMPTY, ret);
}

int func_must_to_yaml(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    return to_yaml(c, arg[0], FAIL, ret);
}

/* ---- from JSON and YAML ---- */

static int parse_json(struct template_call *c, str text, value *ret, struct err *err)
{
    const struct json_input in = {.bare_errors = true};
    int rc = json_parse(text, &in, c->arena, ret, err);
    if (!rc)
        *ret = template_floats(c->arena, *ret);
    return rc;
}

static int parse_yaml(struct template_call *c, str text, value *ret, struct err *err)
{
    int rc = yaml_parse(text, NULL, c->arena, ret, err);
    if (rc)
        return err_wrap(err, "error converting YAML to JSON");
    *ret = template_floats(c->arena, *ret);
    return 0;
}

typedef int parse_fn(struct template_call *c, str text, value *ret, struct err *err);

static const char *json_kind(value v)
{
    switch (value_type(v)) {
    case VALUE_BOOL: return "bool";
    case VALUE_STRING: return "string";
    case VALUE_LIST: return "array";
    case VALUE_MAP: return "object";
    default: return "number";
    }
}

/* A document that is of the other kind than Go's variable. */
static void wrong_kind(struct err *err, value v, const char *type, bool is_yaml)
{
    (void)err_set(err, ERR_INVALID, "%sjson: cannot unmarshal %s into Go value of type %s",
                  is_yaml ? "error unmarshaling JSON: while decoding JSON: " : "", json_kind(v),
                  type);
}

static int from_map(struct template_call *c, str text, parse_fn *parse, tval *ret)
{
    value v;
    struct err err;
    int rc = parse(c, text, &v, &err);
    if (!rc && value_is_nil(v)) { /* null: the YAML library leaves Go's map as it was, JSON nil */
        *ret = parse == parse_yaml ? template_map_new(c->arena, &TEMPLATE_T_MAP)
                                   : (tval){.type = &TEMPLATE_T_MAP};
        return 0;
    }
    if (!rc && value_is_map(v)) {
        *ret = template_view(c->arena, v, NULL);
        return 0;
    }
    if (!rc)
        wrong_kind(&err, v, TEMPLATE_T_MAP.name, parse == parse_yaml);
    *ret = template_map_new(c->arena, &TEMPLATE_T_MAP);
    template_put(*ret, STR("Error"), template_str(arena_str(c->arena, err_str(&err))));
    return 0;
}

static int from_list(struct template_call *c, str text, parse_fn *parse, tval *ret)
{
    value v;
    struct err err;
    int rc = parse(c, text, &v, &err);
    if (!rc && value_is_nil(v)) {
        *ret = parse == parse_yaml ? template_list(c->arena, &TEMPLATE_T_LIST, NULL, 0)
                                   : (tval){.type = &TEMPLATE_T_LIST};
        return 0;
    }
    if (!rc && value_is_list(v)) {
        *ret = template_view(c->arena, v, NULL);
        return 0;
    }
    if (!rc)
        wrong_kind(&err, v, TEMPLATE_T_LIST.name, parse == parse_yaml);
    tval *item = ARENA_NEW(c->arena, tval);
    *item = template_str(arena_str(c->arena, err_str(&err)));
    *ret = template_list(c->arena, &TEMPLATE_T_LIST, item, 1);
    return 0;
}

int func_from_json(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    return from_map(c, template_text(arg[0]), parse_json, ret);
}

int func_from_json_array(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    return from_list(c, template_text(arg[0]), parse_json, ret);
}

int func_from_yaml(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    return from_map(c, template_text(arg[0]), parse_yaml, ret);
}

int func_from_yaml_array(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    return from_list(c, template_text(arg[0]), parse_yaml, ret);
}

int func_must_from_json(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    value v;
    struct err err;
    if (parse_json(c, template_text(arg[0]), &v, &err))
        return template_fail_str(c, arena_str(c->arena, err_str(&err)));
    *ret = template_unwrap(template_view(c->arena, v, NULL));
    return 0;
}

int func_sprig_from_json(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    value v;
    struct err err;
    if (!parse_json(c, template_text(arg[0]), &v, &err))
        *ret = template_unwrap(template_view(c->arena, v, NULL));
    return 0;
}
