/* value/json_patch.c: RFC 6902 as evanphx/json-patch v4 answers, texts included.
 *
 * Where it differs from the RFC, so do we: replacing or testing a missing key of a map acts as
 * adding, or as comparing with null;
 * "-1" is the last element of a list; a missing "value" is null; the first token of a path may be
 * anything. The document is changed copy-on-write: containers on the way to a change become
 * building nodes, everything else stays borrowed. */
#include <assert.h>

#include "value/json.h"
#include "value/patch.h"
#include "value/text.h"

#define MISSING "missing value"

struct patching {
    struct arena *arena;
    struct err *err;
    value root;
    size_t copied_bytes;
    unsigned levels; /* of the path that find_container followed last */
};

/* ---- texts of the Go library ---- */

static const char *go_type_name(value v)
{
    static const char *const name[] = {
        [VALUE_NONE] = "null",     [VALUE_NULL] = "null",   [VALUE_BOOL] = "bool",
        [VALUE_INT] = "number",    [VALUE_UINT] = "number", [VALUE_DOUBLE] = "number",
        [VALUE_STRING] = "string", [VALUE_LIST] = "array",  [VALUE_MAP] = "object",
    };
    return name[value_type(v)];
}

static int cannot_unmarshal(struct err *err, value v, const char *go_type)
{
    return err_set(err, ERR_INVALID, "json: cannot unmarshal %s into Go value of type %s",
                   go_type_name(v), go_type);
}

/* strconv.Atoi: optional sign, digits. */
static int go_atoi(struct patching *p, str s, int64_t *ret)
{
    bool digits = s.len > 0;
    for (size_t i = 0; i < s.len; i++)
        if (s.at[i] < '0' || s.at[i] > '9')
            digits = digits && i == 0 && s.len > 1 && (s.at[0] == '-' || s.at[0] == '+');
    str unsigned_part = s.len && s.at[0] == '+' ? str_from(s, 1) : s;
    if (digits && str_to_i64(unsigned_part, ret))
        return 0;
    CLEANUP(buf_done) struct buf quoted;
    buf_init(&quoted, ERR_TEXT_MAX);
    text_quote(s, &quoted);
    return err_set(p->err, ERR_UNPROCESSABLE, "strconv.Atoi: parsing %.*s: %s",
                   STR_FMT(buf_str(&quoted)), digits ? "value out of range" : "invalid syntax");
}

/* Index of a list with `slots` places; negative counts from the end. */
static int list_index(struct patching *p, str key, size_t slots, size_t *ret)
{
    int64_t i;
    int r = go_atoi(p, key, &i);
    if (r)
        return r;
    if (i >= (int64_t)slots || i < -(int64_t)slots)
        return err_set(p->err, ERR_UNPROCESSABLE,
                       "Unable to access invalid index: %lld: invalid index referenced",
                       (long long)i);
    *ret = (size_t)(i < 0 ? i + (int64_t)slots : i);
    return 0;
}

/* True when v holds containers nested deeper than that. */
static bool deeper_than(value v, unsigned levels)
{
    if (value_type(v) < VALUE_LIST)
        return false;
    if (levels == 0)
        return true;
    for (struct value_iter it = value_iter(v); value_next(&it);)
        if (deeper_than(it.val, levels - 1))
            return true;
    return false;
}

/* Operations could nest a document without end, each adding some levels to the last. */
static int check_depth(struct patching *p, value v)
{
    if (p->levels <= VALUE_DEPTH_MAX && !deeper_than(v, VALUE_DEPTH_MAX - p->levels))
        return 0;
    return err_set(p->err, ERR_TOO_LARGE, "nested deeper than %d levels", VALUE_DEPTH_MAX);
}

/* ---- containers; absent from get: nil in Go ---- */

static int con_get(struct patching *p, value con, str key, value *ret)
{
    size_t i = 0;
    if (value_is_map(con)) {
        *ret = value_get(con, key);
        return 0;
    }
    int r = list_index(p, key, value_len(con), &i);
    if (r == 0)
        *ret = value_at(con, i);
    return r;
}

static int con_add(struct patching *p, value con, str key, value v)
{
    size_t i = 0;
    if (check_depth(p, v))
        return -p->err->kind;
    if (value_is_map(con)) {
        value_set(p->arena, con, key, v);
        return 0;
    }
    if (str_is(key, "-")) {
        value_push(p->arena, con, v);
        return 0;
    }
    int64_t number;
    if (go_atoi(p, key, &number))
        return err_wrap(p->err, "value was not a proper array index: '%.*s'", STR_FMT(key));
    int r = list_index(p, key, value_len(con) + 1, &i);
    if (r == 0)
        value_insert(p->arena, con, i, v);
    return r;
}

static int con_set(struct patching *p, value con, str key, value v)
{
    size_t i = 0;
    if (value_is_map(con)) {
        value_set(p->arena, con, key, v);
        return 0;
    }
    int r = list_index(p, key, value_len(con), &i);
    if (r == 0)
        value_put(p->arena, con, i, v);
    return r;
}

static int con_remove(struct patching *p, value con, str key)
{
    size_t i = 0;
    if (value_is_map(con)) {
        if (value_remove(con, key))
            return 0;
        return err_set(p->err, ERR_UNPROCESSABLE,
                       "Unable to remove nonexistent key: %.*s: " MISSING, STR_FMT(key));
    }
    int r = list_index(p, key, value_len(con), &i);
    if (r == 0)
        value_remove_at(con, i);
    return r;
}

static str decoded(struct patching *p, str token)
{
    if (str_find_char(token, '~') < 0)
        return token;
    char *to = arena_alloc(p->arena, token.len);
    size_t n = 0;
    for (size_t i = 0; i < token.len; i++) {
        char c = token.at[i];
        if (c == '~' && i + 1 < token.len && (token.at[i + 1] == '0' || token.at[i + 1] == '1'))
            c = token.at[++i] == '0' ? '~' : '/';
        to[n++] = c;
    }
    return str_mem(to, n);
}

/* The container that holds the last token of path, editable; absent when there is none. */
static value find_container(struct patching *p, str path, str *ret_key)
{
    str rest = path, token;
    struct err ignored;
    struct patching quiet = *p;
    quiet.err = &ignored;
    p->levels = 1;
    str_next(&rest, '/', &token); /* what stands before the first slash is not looked at */
    if (!rest.at)
        return VALUE_ABSENT;
    value con = p->root;
    while (str_next(&rest, '/', &token) && rest.at) {
        value next = VALUE_ABSENT;
        str key = decoded(p, token);
        if (con_get(&quiet, con, key, &next) || (!value_is_map(next) && !value_is_list(next)))
            return VALUE_ABSENT;
        if (next.doc) {
            next = value_edit(p->arena, next);
            if (con_set(&quiet, con, key, next))
                return VALUE_ABSENT;
        }
        con = next;
        p->levels++;
    }
    *ret_key = decoded(p, token);
    return con;
}

/* ---- operations ---- */

/* A string field of an operation. */
static int op_string(struct patching *p, value op, const char *name, const char *missing, str *ret)
{
    value v = value_get(op, str_of(name));
    if (value_is_nil(v))
        return err_set(p->err, ERR_UNPROCESSABLE, "%s: " MISSING, missing);
    if (!value_is_string(v)) {
        cannot_unmarshal(p->err, v, "string");
        p->err->kind = ERR_UNPROCESSABLE;
        return -ERR_UNPROCESSABLE;
    }
    *ret = value_str(v);
    return 0;
}

static int op_path(struct patching *p, value op, str *ret)
{
    return op_string(p, op, "path", "operation missing path field", ret);
}

static int op_from(struct patching *p, value op, str *ret)
{
    return op_string(p, op, "from", "operation, missing from field", ret);
}

static value op_value(struct patching *p, value op)
{
    value v = value_getz(op, "value");
    return value_exists(v) ? value_fork(p->arena, v) : value_null(p->arena);
}

static int does_not_apply(struct patching *p, const char *what, str path)
{
    return err_set(p->err, ERR_UNPROCESSABLE, "%s: %.*s: " MISSING, what, STR_FMT(path));
}

static int apply_add(struct patching *p, value op)
{
    str path, key;
    if (op_path(p, op, &path))
        return err_set(p->err, ERR_UNPROCESSABLE, "add operation failed to decode path: " MISSING);
    value con = find_container(p, path, &key);
    if (!value_exists(con))
        return err_set(p->err, ERR_UNPROCESSABLE,
                       "add operation does not apply: doc is missing path: \"%.*s\": " MISSING,
                       STR_FMT(path));
    if (con_add(p, con, key, op_value(p, op)))
        return err_wrap(p->err, "error in add for path: '%.*s'", STR_FMT(path));
    return 0;
}

static int apply_remove(struct patching *p, value op)
{
    str path, key;
    if (op_path(p, op, &path))
        return err_set(p->err, ERR_UNPROCESSABLE,
                       "remove operation failed to decode path: " MISSING);
    value con = find_container(p, path, &key);
    if (!value_exists(con))
        return err_set(p->err, ERR_UNPROCESSABLE,
                       "remove operation does not apply: doc is missing path: \"%.*s\": " MISSING,
                       STR_FMT(path));
    if (con_remove(p, con, key))
        return err_wrap(p->err, "error in remove for path: '%.*s'", STR_FMT(path));
    return 0;
}

static int apply_replace(struct patching *p, value op)
{
    str path, key;
    value old;
    if (op_path(p, op, &path))
        return err_wrap(p->err, "replace operation failed to decode path");
    if (path.len == 0) {
        value v = op_value(p, op);
        if (!value_is_map(v) && !value_is_list(v))
            return err_set(p->err, ERR_UNPROCESSABLE, "%s",
                           "replace operation value must be object or array: %!w(<nil>)");
        p->root = value_edit(p->arena, v);
        return 0;
    }
    value con = find_container(p, path, &key);
    if (!value_exists(con))
        return does_not_apply(p, "replace operation does not apply: doc is missing path", path);
    if (con_get(p, con, key, &old))
        return does_not_apply(p, "replace operation does not apply: doc is missing key", path);
    value v = op_value(p, op);
    int r = check_depth(p, v);
    return r ? r : con_set(p, con, key, v);
}

static int apply_move(struct patching *p, value op)
{
    str from, path, key;
    value v;
    if (op_from(p, op, &from))
        return err_wrap(p->err, "move operation failed to decode from");
    value con = find_container(p, from, &key);
    if (!value_exists(con))
        return does_not_apply(p, "move operation does not apply: doc is missing from path", from);
    if (con_get(p, con, key, &v) || con_remove(p, con, key))
        return err_wrap(p->err, "error in move for path: '%.*s'", STR_FMT(key));
    if (op_path(p, op, &path))
        return err_wrap(p->err, "move operation failed to decode path");
    con = find_container(p, path, &key);
    if (!value_exists(con))
        return does_not_apply(p, "move operation does not apply: doc is missing destination path",
                              path);
    if (con_add(p, con, key, v))
        return err_wrap(p->err, "error in move for path: '%.*s'", STR_FMT(path));
    return 0;
}

/* Bytes of v as JSON, which is what the bound on copies counts. */
static size_t printed_bytes(value v)
{
    CLEANUP(buf_done) struct buf b;
    buf_init(&b, JSON_PATCH_COPIED_BYTES_MAX * 2);
    json_print(v, AUDIENCE_WIRE, 0, &b);
    return b.overflow ? b.bytes_max : b.len;
}

static int apply_copy(struct patching *p, value op)
{
    str from, path, key;
    value v;
    if (op_from(p, op, &from))
        return err_wrap(p->err, "copy operation failed to decode from");
    value con = find_container(p, from, &key);
    if (!value_exists(con))
        return does_not_apply(p, "copy operation does not apply: doc is missing from path", from);
    if (con_get(p, con, key, &v))
        return err_wrap(p->err, "error in copy for from: '%.*s'", STR_FMT(from));
    if (op_path(p, op, &path))
        return err_set(p->err, ERR_UNPROCESSABLE, "copy operation failed to decode path: " MISSING);
    con = find_container(p, path, &key);
    if (!value_exists(con))
        return does_not_apply(p, "copy operation does not apply: doc is missing destination path",
                              path);
    p->copied_bytes += value_exists(v) ? printed_bytes(v) : 0;
    if (p->copied_bytes > JSON_PATCH_COPIED_BYTES_MAX)
        return err_set(p->err, ERR_TOO_LARGE,
                       "Unable to complete the copy, the accumulated size increase of copy is %zu, "
                       "exceeding the limit %zu",
                       p->copied_bytes, JSON_PATCH_COPIED_BYTES_MAX);
    v = value_exists(v) ? value_fork(p->arena, v) : value_null(p->arena);
    if (con_add(p, con, key, v))
        return err_wrap(p->err, "error while adding value during copy");
    return 0;
}

static int apply_test(struct patching *p, value op)
{
    str path, key;
    value v = p->root, want = value_getz(op, "value");
    if (op_path(p, op, &path))
        return err_wrap(p->err, "test operation failed to decode path");
    if (path.len > 0) {
        value con = find_container(p, path, &key);
        if (!value_exists(con))
            return does_not_apply(p, "test operation does not apply: is missing path", path);
        if (con_get(p, con, key, &v))
            return err_wrap(p->err, "error in test for path: '%.*s'", STR_FMT(path));
    }
    if ((value_is_nil(v) && value_is_nil(want)) || value_identical(v, want))
        return 0;
    return err_set(p->err, ERR_UNPROCESSABLE, "testing value %.*s failed: test failed",
                   STR_FMT(path));
}

static const struct {
    const char *name;
    int (*apply)(struct patching *p, value op);
} operations[] = {
    {"add", apply_add},   {"remove", apply_remove}, {"replace", apply_replace},
    {"move", apply_move}, {"test", apply_test},     {"copy", apply_copy},
};

static int apply_operation(struct patching *p, value op)
{
    value kind = value_getz(op, "op");
    str name = value_is_string(kind) ? value_str(kind) : STR("unknown");
    for (size_t i = 0; i < ARRAY_LEN(operations); i++)
        if (str_is(name, operations[i].name))
            return operations[i].apply(p, op);
    return err_set(p->err, ERR_UNPROCESSABLE, "Unexpected kind: %.*s", STR_FMT(name));
}

int json_patch_apply(struct arena *a, value document, value patch, value *ret, struct err *err)
{
    if (!value_is_nil(patch) && !value_is_list(patch))
        return cannot_unmarshal(err, patch, "jsonpatch.Patch");
    for (struct value_iter it = value_iter(patch); value_next(&it);)
        if (!value_is_nil(it.val) && !value_is_map(it.val))
            return cannot_unmarshal(err, it.val, "jsonpatch.Operation");
    if (!value_is_map(document) && !value_is_list(document))
        return cannot_unmarshal(err, document, "jsonpatch.partialDoc");
    if (value_len(patch) > JSON_PATCH_OPERATIONS_MAX)
        return err_set(err, ERR_TOO_LARGE,
                       "The allowed maximum operations in a JSON patch is %d, got %zu",
                       JSON_PATCH_OPERATIONS_MAX, value_len(patch));
    struct err scratch;
    struct patching p = {a, err ? err : &scratch, value_edit(a, value_fork(a, document)), 0, 0};
    for (struct value_iter it = value_iter(patch); value_next(&it);) {
        int r = apply_operation(&p, it.val);
        if (r)
            return r;
    }
    *ret = p.root;
    return 0;
}
