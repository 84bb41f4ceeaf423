/* helm_set.c: a transcription of the grammar's behaviour, its corners included: see the table in
 * the tests. Runs over runes; a byte that is no UTF-8 reads as U+FFFD. */
#include "render/helm_set.h"

#include <string.h>

#include "base/buf.h"
#include "value/json.h"
#include "value/text.h"

#define END_OF_TEXT 1 /* positive: not an error kind */

struct setter {
    const struct helm_set_input *in;
    struct arena *arena;
    str rest;
    struct err *err;
};

static bool next_rune(struct setter *s, uint32_t *ret)
{
    if (!s->rest.len)
        return false;
    unsigned n = utf8_decode(s->rest.at, s->rest.at + s->rest.len, ret);
    s->rest = str_from(s->rest, n);
    return true;
}

static bool is_stop(uint32_t rune, const char *stop)
{
    return rune && rune < 0x80 && strchr(stop, (int)rune);
}

/* Text up to one of `stop`; *ret_last is it, or 0 at the end. */
static str until(struct setter *s, const char *stop, uint32_t *ret_last)
{
    char *at = arena_alloc(s->arena, s->rest.len * 3 + 4);
    size_t n = 0;
    uint32_t r;
    *ret_last = 0;
    while (next_rune(s, &r)) {
        if (is_stop(r, stop)) {
            *ret_last = r;
            break;
        }
        if (r == '\\' && s->in->kind != HELM_SET_LITERAL && !next_rune(s, &r))
            break;
        n += utf8_encode(r, at + n);
    }
    return str_mem(at, n);
}

static str quote(struct setter *s, str text)
{
    CLEANUP(buf_done) struct buf b = BUF_INIT;
    text_quote(text, &b);
    return arena_str(s->arena, buf_str(&b));
}

/* %q of a []rune. */
static str quote_runes(struct setter *s, str text)
{
    str all = STR("[");
    for (size_t i = 0; i < text.len;) {
        uint32_t r;
        unsigned n = utf8_decode(text.at + i, text.at + text.len, &r);
        str q = quote(s, str_sub(text, i, n));
        q = str_sub(q, 1, q.len - 2);
        q = r == '\'' ? STR("\\'") : r == '"' ? STR("\"") : q;
        all = ARENA_CAT(s->arena, all, i ? STR(" '") : STR("'"), q, STR("'"));
        i += n;
    }
    return ARENA_CAT(s->arena, all, STR("]"));
}

#define INVALID(...) err_set(s->err, ERR_INVALID, __VA_ARGS__)

static void set_key(struct setter *s, value map, str key, value v)
{
    if (key.len)
        value_set(s->arena, map, key, v);
}

/* Go's text of a failed type assertion; the panic becomes an error in the enclosing key(). */
static int assertion(struct setter *s, value v, const char *wanted)
{
    static const char *const names[] = {
        [VALUE_NULL] = "nil",
        [VALUE_BOOL] = "bool",
        [VALUE_INT] = "int64",
        [VALUE_UINT] = "uint64",
        [VALUE_DOUBLE] = "float64",
        [VALUE_STRING] = "string",
        [VALUE_LIST] = "[]interface {}",
        [VALUE_MAP] = "map[string]interface {}",
    };
    return INVALID("unable to parse key: interface conversion: interface {} is %s, not %s",
                   names[value_type(v)], wanted);
}

/* ---- values ---- */

static value typed(struct setter *s, str text)
{
    int64_t i;
    if (s->in->kind == HELM_SET_STRING)
        return value_of_str(s->arena, text);
    if (str_ieq(text, STR("true")) || str_ieq(text, STR("false")))
        return value_of_bool(s->arena, (text.at[0] | 32) == 't');
    if (str_ieq(text, STR("null")))
        return value_null(s->arena);
    if (str_is(text, "0"))
        return value_of_int(s->arena, 0);
    if (text.len && text.at[0] != '0' && str_to_i64(text, &i))
        return value_of_int(s->arena, i);
    return value_of_str(s->arena, text);
}

static int read_value(struct setter *s, str text, value *ret)
{
    if (s->in->kind != HELM_SET_FILE) {
        *ret = typed(s, text);
        return 0;
    }
    str bytes;
    int rc = s->in->read(s->in->arg, text, s->arena, &bytes, s->err);
    *ret = rc ? value_null(s->arena) : value_of_str(s->arena, bytes);
    return rc;
}

static int read_list(struct setter *s, value *ret)
{
    value list = value_new_list(s->arena), v;
    for (;;) {
        uint32_t last;
        str text = until(s, ",}", &last);
        if (!last)
            return INVALID("list must terminate with '}'");
        if (last == '}' && s->rest.len && s->rest.at[0] == ',')
            s->rest = str_from(s->rest, 1);
        int rc = read_value(s, text, &v);
        if (rc)
            return rc;
        value_push(s->arena, list, v);
        if (last == '}') {
            *ret = list;
            return 0;
        }
    }
}

static bool is_space(uint32_t r)
{
    return (r >= 9 && r <= 13) || r == ' ' || r == 0x85 || r == 0xa0 || r == 0x1680 ||
           (r >= 0x2000 && r <= 0x200a) || r == 0x2028 || r == 0x2029 || r == 0x202f ||
           r == 0x205f || r == 0x3000;
}

/* Blanks and one comma are consumed; true: nothing else stood before the comma or the end. */
static bool is_empty_value(struct setter *s)
{
    uint32_t r;
    str before = s->rest;
    while (next_rune(s, &r)) {
        if (r == ',')
            return true;
        if (!is_space(r)) {
            s->rest = before;
            return false;
        }
        before = s->rest;
    }
    return true;
}

static bool is_json_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

/* Index behind the closing quote of the string that opens at i. */
static size_t json_string_end(str text, size_t i)
{
    for (i++; i < text.len && text.at[i] != '"'; i++)
        i += text.at[i] == '\\';
    return MIN_OF(i + 1, text.len);
}

/* Bytes of the first JSON value of `text`: a scan for its end that leaves judging to the parser. */
static size_t json_extent(str text)
{
    size_t i = 0, depth = 0;
    while (i < text.len && is_json_blank(text.at[i]))
        i++;
    while (i < text.len) {
        char c = text.at[i];
        if (c == '"') {
            i = json_string_end(text, i);
            if (!depth)
                return i;
            continue;
        }
        if (c == '}' || c == ']') {
            if (depth <= 1)
                return depth ? i + 1 : i;
            depth--;
        }
        if (!depth && (c == ',' || is_json_blank(c)))
            return i;
        depth += c == '{' || c == '[';
        i++;
    }
    return i;
}

static value as_float(struct arena *a, value v)
{
    if (value_is_number(v))
        return value_of_double(a, value_double(v));
    for (size_t i = 0, n = value_is_list(v) ? value_len(v) : 0; i < n; i++)
        value_put(a, v, i, as_float(a, value_at(v, i)));
    for (size_t i = 0, n = value_is_map(v) ? value_len(v) : 0; i < n; i++)
        value_set(a, v, value_key(v, i), as_float(a, value_val(v, i)));
    return v;
}

static int read_json(struct setter *s, value *ret)
{
    if (is_empty_value(s)) {
        *ret = value_null(s->arena);
        return 0;
    }
    size_t n = json_extent(s->rest);
    struct json_input in = {.bare_errors = true};
    value v;
    int rc = json_parse(str_sub(s->rest, 0, n), &in, s->arena, &v, s->err);
    if (rc)
        return rc;
    *ret = as_float(s->arena, v);
    s->rest = str_from(s->rest, n);
    is_empty_value(s);
    return 0;
}

/* What follows '='. */
static int read_assigned(struct setter *s, value *ret)
{
    uint32_t last;
    if (s->in->kind == HELM_SET_JSON)
        return read_json(s, ret);
    if (s->in->kind == HELM_SET_LITERAL) {
        *ret = value_of_str(s->arena, until(s, "", &last));
        return 0;
    }
    if (!s->rest.len) {
        *ret = value_of_str(s->arena, STR(""));
        return 0;
    }
    if (s->rest.at[0] == '{') {
        s->rest = str_from(s->rest, 1);
        return read_list(s, ret);
    }
    return read_value(s, until(s, ",", &last), ret);
}

/* ---- keys ---- */

static int read_key(struct setter *s, value map, unsigned nested);

static int read_index(struct setter *s, int64_t *ret)
{
    uint32_t last;
    str text = until(s, "]", &last);
    if (!last)
        return s->in->level3 ? INVALID("error parsing index: EOF") : END_OF_TEXT;
    if (str_to_i64(text, ret))
        return 0;
    bool digits = text.len > 0;
    for (size_t i = text.len && strchr("+-", text.at[0]) ? 1 : 0; i < text.len; i++)
        digits = digits && text.at[i] >= '0' && text.at[i] <= '9';
    return INVALID("error parsing index: strconv.Atoi: parsing %.*s: %s", STR_FMT(quote(s, text)),
                   digits && text.len > 1 ? "value out of range" : "invalid syntax");
}

static int put_index(struct setter *s, value list, int64_t i, value v)
{
    if (i > HELM_SET_INDEX_MAX)
        return INVALID("index of %lld is greater than maximum supported index of %d", (long long)i,
                       HELM_SET_INDEX_MAX);
    while (value_len(list) <= (size_t)i)
        value_push(s->arena, list, value_null(s->arena));
    value_put(s->arena, list, (size_t)i, v);
    return 0;
}

static value at_index(value list, int64_t i)
{
    return (uint64_t)i < value_len(list) ? value_at(list, (size_t)i) : VALUE_ABSENT;
}

static int read_item(struct setter *s, value list, int64_t i, unsigned nested);

static int read_nested_list(struct setter *s, value list, int64_t i, unsigned nested)
{
    int64_t next;
    int rc = read_index(s, &next);
    if (rc)
        return rc;
    value was = at_index(list, i);
    if (!value_is_nil(was) && !value_is_list(was))
        return assertion(s, was, "[]interface {}");
    value inner = value_is_list(was) ? value_edit(s->arena, was) : value_new_list(s->arena);
    rc = read_item(s, inner, next, nested);
    return rc ? rc : put_index(s, list, i, inner);
}

static int read_nested_map(struct setter *s, value list, int64_t i, unsigned nested)
{
    value was = at_index(list, i);
    value inner = value_is_map(was) ? value_edit(s->arena, was) : value_new_map(s->arena);
    if (value_exists(was))
        value_put(s->arena, list, (size_t)i, inner);
    int rc = read_key(s, inner, nested);
    return rc ? rc : put_index(s, list, i, inner);
}

/* What follows "]". */
static int read_item(struct setter *s, value list, int64_t i, unsigned nested)
{
    uint32_t last;
    value v;
    if (i < 0)
        return INVALID("negative %lld index not allowed", (long long)i);
    str text = until(s, "[.=", &last);
    if (text.len)
        return INVALID("unexpected data at end of array index: %.*s",
                       STR_FMT(quote_runes(s, text)));
    if (!last)
        return END_OF_TEXT;
    if (last == '[')
        return read_nested_list(s, list, i, nested);
    if (last == '.')
        return read_nested_map(s, list, i, nested);
    int rc = read_assigned(s, &v);
    return rc ? rc : put_index(s, list, i, v);
}

static int read_list_key(struct setter *s, value map, str key, unsigned nested)
{
    int64_t i;
    int rc = read_index(s, &i);
    if (rc)
        return rc;
    value was = value_get(map, key);
    if (value_exists(was) && !value_is_list(was))
        return assertion(s, was, "[]interface {}");
    value list = value_is_list(was) ? value_edit(s->arena, was) : value_new_list(s->arena);
    rc = read_item(s, list, i, nested);
    set_key(s, map, key, list);
    return rc;
}

static int read_map_key(struct setter *s, value map, str key, unsigned nested)
{
    if (nested + 1 > HELM_SET_NESTED_MAX)
        return INVALID(
            "value name nested level is greater than maximum supported nested level of %d",
            HELM_SET_NESTED_MAX);
    value was = value_get(map, key);
    if (value_exists(was) && !value_is_map(was))
        return assertion(s, was, "map[string]interface {}");
    value inner = value_is_map(was) ? value_edit(s->arena, was) : value_new_map(s->arena);
    int rc = read_key(s, inner, nested + 1);
    if (!rc && !value_len(inner))
        return INVALID("key map %.*s has no value", STR_FMT(quote(s, key)));
    if (value_len(inner))
        set_key(s, map, key, inner);
    return rc;
}

static int read_key(struct setter *s, value map, unsigned nested)
{
    uint32_t last;
    value v = VALUE_ABSENT;
    str key = until(s, s->in->kind == HELM_SET_LITERAL ? "=[." : "=[,.", &last);
    switch (last) {
    case 0: return key.len ? INVALID("key %.*s has no value", STR_FMT(quote(s, key))) : END_OF_TEXT;
    case '[': return read_list_key(s, map, key, nested);
    case '.': return read_map_key(s, map, key, nested);
    case ',':
        set_key(s, map, key, value_of_str(s->arena, STR("")));
        return INVALID("key %.*s has no value (cannot end with ,)", STR_FMT(quote(s, key)));
    default: break;
    }
    int rc = read_assigned(s, &v);
    if (!rc)
        set_key(s, map, key, v);
    return rc;
}

int helm_set_into(const struct helm_set_input *in, str line, struct arena *a, value io_map,
                  struct err *err)
{
    struct setter s = {.in = in, .arena = a, .rest = line, .err = err};
    int rc = 0;
    while (!rc)
        rc = read_key(&s, io_map, 0);
    return rc == END_OF_TEXT ? 0 : rc;
}
