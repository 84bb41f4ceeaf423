/* decode.c: one file's documents. The odd rules are upstream's: a YAML file that cannot be decoded
 * is an error only when it looks like a manifest or its first documents were fine; a JSON file
 * holds one object. */
#include <string.h>

#include "render/engine.h"
#include "value/json.h"
#include "value/yaml.h"

#define SKIP_MARKER "+argocd:skip-file-rendering"

int render_add(struct arena *a, struct render_result *ret, value object, str file, uint32_t line,
               struct err *err)
{
    if (ret->n_objects == RENDER_OBJECTS_MAX)
        return err_set(err, ERR_TOO_LARGE, "source holds more than %d objects", RENDER_OBJECTS_MAX);
    struct {
        struct render_object *at;
        size_t n, cap;
    } v = {ret->object, ret->n_objects, ret->cap_objects};
    vec_push(a, &v, (struct render_object){.object = object, .file = file, .line = line});
    ret->object = v.at;
    ret->n_objects = v.n;
    ret->cap_objects = v.cap;
    return 0;
}

static void text_add(struct buf *b, uint32_t c)
{
    char u[4];
    size_t n = 0;
    if (c < 0x80) {
        u[n++] = (char)c;
    } else if (c < 0x800) {
        u[n++] = (char)(0xc0 | c >> 6);
        u[n++] = (char)(0x80 | (c & 0x3f));
    } else {
        if (c < 0x10000) {
            u[n++] = (char)(0xe0 | c >> 12);
        } else {
            u[n++] = (char)(0xf0 | c >> 18);
            u[n++] = (char)(0x80 | (c >> 12 & 0x3f));
        }
        u[n++] = (char)(0x80 | (c >> 6 & 0x3f));
        u[n++] = (char)(0x80 | (c & 0x3f));
    }
    buf_add(b, str_mem(u, n));
}

static str from_utf16(struct arena *a, const unsigned char *u, size_t n_units, bool big)
{
    CLEANUP(buf_done) struct buf b = BUF_INIT;
    for (size_t i = 0; i < n_units; i++) {
        uint32_t c =
            big ? (uint32_t)u[2 * i] << 8 | u[2 * i + 1] : (uint32_t)u[2 * i + 1] << 8 | u[2 * i];
        if (c >= 0xd800 && c < 0xdc00 && i + 1 < n_units) {
            const unsigned char *p = u + 2 * (i + 1);
            uint32_t d = big ? (uint32_t)p[0] << 8 | p[1] : (uint32_t)p[1] << 8 | p[0];
            if (d >= 0xdc00 && d < 0xe000) {
                c = 0x10000 + ((c - 0xd800) << 10) + (d - 0xdc00);
                i++;
            }
        }
        text_add(&b, c >= 0xd800 && c < 0xe000 ? 0xfffd : c);
    }
    return arena_str(a, buf_str(&b));
}

str text_decode(struct arena *a, str bytes)
{
    const unsigned char *u = (const unsigned char *)bytes.at;
    if (str_starts(bytes, STR("\xef\xbb\xbf")))
        return str_from(bytes, 3);
    if (str_starts(bytes, STR("\xff\xfe")) || str_starts(bytes, STR("\xfe\xff")))
        return from_utf16(a, u + 2, (bytes.len - 2) / 2, u[0] == 0xfe);
    return bytes;
}

/* ---- what a document must be ---- */

static const char *go_type(value v)
{
    switch (value_type(v)) {
    case VALUE_BOOL: return "bool";
    case VALUE_INT:
    case VALUE_UINT:
    case VALUE_DOUBLE: return "number";
    case VALUE_STRING: return "string";
    case VALUE_LIST: return "array";
    default: return "object";
    }
}

static int missing_kind(value v, struct err *err)
{
    struct arena a;
    arena_init(&a, ARENA_BYTES_DEFAULT);
    /* The object is the tenant's own text; DISPLAY keeps a Secret without kind out of conditions.
     */
    str shown = json_str(&a, v, AUDIENCE_DISPLAY, JSON_SORT_KEYS);
    int rc = err_set(err, ERR_INVALID, "Object 'Kind' is missing in '%.*s'", STR_FMT(shown));
    arena_done(&a);
    return rc;
}

/* As Unstructured's UnmarshalJSON. */
int render_check_object(value v, struct err *err)
{
    if (!value_is_map(v))
        return err_set(err, ERR_INVALID,
                       "json: cannot unmarshal %s into Go value of type map[string]interface {}",
                       go_type(v));
    if (value_str(value_getz(v, "kind")).len == 0)
        return missing_kind(v, err);
    return 0;
}

/* ---- YAML ---- */

struct yaml_file {
    struct arena *a;
    struct render_result *ret;
    str file;
    size_t n_decoded;
    bool ours; /* the error was made by add_document, not by the parser */
    bool full; /* bound reached: an error whatever the file looks like */
};

static int add_document(void *arg, value document, UNUSED size_t index, uint32_t first_line,
                        struct err *err)
{
    struct yaml_file *y = arg;
    if (value_is_nil(document))
        return 0;
    y->ours = true;
    int rc = render_check_object(document, err);
    if (rc)
        return err_wrap(err, "error unmarshaling JSON: while decoding JSON");
    struct value_pos pos = value_pos(document);
    rc = render_add(y->a, y->ret, document, y->file, pos.line ? pos.line : first_line, err);
    y->full = rc != 0;
    y->ours = false;
    y->n_decoded++;
    return rc;
}

static bool looks_like_manifest(str text)
{
    return str_has(text, STR("apiVersion:")) && str_has(text, STR("kind:")) &&
           str_has(text, STR("metadata:"));
}

static int unmarshal_error(str shown, struct err *err)
{
    struct err why = *err;
    return err_set(err, ERR_PRECONDITION, "Failed to unmarshal \"%.*s\": %s", STR_FMT(shown),
                   why.text);
}

/* ---- JSON ---- */

/* Length of the first JSON value of `text` (which begins with it), by brackets and quotes only; 0:
 * it does not end. */
static size_t json_extent(str text)
{
    size_t depth = 0;
    bool quoted = false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        if (quoted) {
            i += c == '\\';
            quoted = c != '"';
            if (!quoted && depth == 0)
                return i + 1;
            continue;
        }
        quoted = c == '"';
        depth += c == '{' || c == '[';
        if ((c == '}' || c == ']') && (depth == 0 || --depth == 0))
            return depth ? i : i + 1;
        if (depth == 0 && !quoted && (c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == ','))
            return i;
    }
    return depth || quoted ? 0 : text.len;
}

static str skip_blanks(str text, uint32_t *io_line)
{
    size_t i = 0;
    for (; i < text.len && strchr(" \t\r\n", text.at[i]) && text.at[i]; i++)
        *io_line += text.at[i] == '\n';
    return str_from(text, i);
}

static uint32_t count_lines(str text)
{
    uint32_t n = 0;
    for (size_t i = 0; i < text.len; i++)
        n += text.at[i] == '\n';
    return n;
}

static int parse_json(str text, struct arena *a, value *ret, struct err *err)
{
    struct json_input in = {.keep_positions = true, .bare_errors = true};
    int rc = json_parse(text, &in, a, ret, err);
    /* Go's Decoder reads a stream and says it otherwise than Unmarshal. */
    if (rc && str_is(err_str(err), "unexpected end of JSON input"))
        rc = err_set(err, ERR_INVALID, "%s", str_trim(text).len ? "unexpected EOF" : "EOF");
    return rc;
}

static int decode_json(str shown, str file, str text, struct arena *a, struct render_result *ret,
                       struct err *err)
{
    uint32_t line = 1;
    str rest = skip_blanks(text, &line);
    size_t extent = json_extent(rest);
    str first = extent ? str_sub(rest, 0, extent) : rest;
    value v;
    int rc = parse_json(first, a, &v, err);
    if (!rc && !value_is_map(v))
        rc = render_check_object(v, err);
    if (rc)
        return unmarshal_error(shown, err);
    uint32_t ignored = 0;
    str more = skip_blanks(str_from(rest, first.len), &ignored);
    if (more.len && more.at[0] != '}' && more.at[0] != ']')
        return err_set(
            err, ERR_PRECONDITION,
            "Found multiple objects in \"%.*s\". Only single objects are allowed in JSON files.",
            STR_FMT(shown));
    /* Upstream turns an object without kind into an empty manifest by accident; such a file is no
     * manifest. */
    if (value_str(value_getz(v, "kind")).len == 0)
        return 0;
    return render_add(a, ret, v, file, line, err);
}

/* A .yaml file that begins with '{' is read as JSON values one after the other; when that fails, as
 * YAML. */
static bool decode_json_stream(str file, str text, struct arena *a, struct render_result *ret)
{
    size_t before = ret->n_objects;
    uint32_t line = 1;
    struct err ignored;
    for (str rest = skip_blanks(text, &line); rest.len; rest = skip_blanks(rest, &line)) {
        size_t extent = json_extent(rest);
        value v;
        if (!extent || parse_json(str_sub(rest, 0, extent), a, &v, &ignored) ||
            render_check_object(v, &ignored) || render_add(a, ret, v, file, line, &ignored)) {
            ret->n_objects = before;
            return false;
        }
        line += count_lines(str_sub(rest, 0, extent));
        rest = str_from(rest, extent);
    }
    return true;
}

static int decode_yaml(str shown, str file, str text, struct arena *a, struct render_result *ret,
                       struct err *err)
{
    uint32_t line = 1;
    str begin = skip_blanks(text, &line);
    if (begin.len && begin.at[0] == '{' && decode_json_stream(file, text, a, ret))
        return 0;
    struct yaml_file y = {.a = a, .ret = ret, .file = file};
    struct yaml_input in = {.keep_positions = true, .bytes_max = text.len + 1};
    size_t before = ret->n_objects;
    int rc = yaml_parse_stream(text, &in, a, add_document, &y, err);
    if (!rc)
        return 0;
    if (y.full)
        return rc;
    if (!y.n_decoded && !looks_like_manifest(text)) { /* some other YAML */
        ret->n_objects = before;
        return 0;
    }
    if (!y.ours && str_starts(err_str(err), STR("yaml: ")))
        (void)err_wrap(err, "error converting YAML to JSON");
    (void)err_wrap(err, "failed to unmarshal manifest");
    return unmarshal_error(shown, err);
}

int directory_decode(str shown, str file, str text, struct arena *a, struct render_result *ret,
                     struct err *err)
{
    text = text_decode(a, text);
    if (str_has(text, STR(SKIP_MARKER)))
        return 0;
    if (str_ends(shown, STR(".json")))
        return decode_json(shown, file, text, a, ret, err);
    return decode_yaml(shown, file, text, a, ret, err);
}

/* ---- lists ---- */

static bool is_null_list(value v)
{
    value items = value_getz(v, "items");
    return value_is_null(items) && !value_exists(value_getz(v, "spec")) &&
           !value_exists(value_getz(v, "status"));
}

static int expand(struct arena *a, const struct render_object *o, struct render_result *ret,
                  struct err *err)
{
    value items = value_getz(o->object, "items");
    if (is_null_list(o->object))
        return 0;
    if (!value_is_list(items))
        return render_add(a, ret, o->object, o->file, o->line, err);
    struct value_iter it = value_iter(items);
    while (value_next(&it)) {
        if (!value_is_map(it.val))
            return err_set(err, ERR_INVALID,
                           "items member is not an object: map[string]interface {}");
        if (value_str(value_getz(it.val, "kind")).len == 0)
            return missing_kind(it.val, err);
        struct value_pos pos = value_pos(it.val);
        int rc = render_add(a, ret, it.val, o->file, pos.line ? pos.line : o->line, err);
        if (rc)
            return rc;
    }
    return 0;
}

int render_expand_lists(struct arena *a, struct render_result *ret, struct err *err)
{
    const struct render_object *object = ret->object;
    size_t n = ret->n_objects;
    ret->object = NULL;
    ret->n_objects = ret->cap_objects = 0;
    for (size_t i = 0; i < n; i++) {
        int rc = expand(a, &object[i], ret, err);
        if (rc)
            return rc;
    }
    return 0;
}
