/* api/answer.c: answers in the shapes of grpc-gateway, and what handlers read of a request; see
 * impl.h. */
#include "api/impl.h"

static const struct {
    int grpc, http;
    const char *text;
} codes[] = {
    {GRPC_OK, 200, "OK"},
    {GRPC_CANCELED, 408, "Request Timeout"},
    {GRPC_UNKNOWN, 500, "Internal Server Error"},
    {GRPC_INVALID, 400, "Bad Request"},
    {GRPC_DEADLINE, 504, "Gateway Timeout"},
    {GRPC_NOT_FOUND, 404, "Not Found"},
    {GRPC_EXISTS, 409, "Conflict"},
    {GRPC_DENIED, 403, "Forbidden"},
    {8, 429, "Too Many Requests"},
    {GRPC_PRECONDITION, 400, "Bad Request"},
    {GRPC_ABORTED, 409, "Conflict"},
    {GRPC_UNIMPLEMENTED, 501, "Not Implemented"},
    {GRPC_INTERNAL, 500, "Internal Server Error"},
    {GRPC_UNAVAILABLE, 503, "Service Unavailable"},
    {GRPC_UNAUTHENTICATED, 401, "Unauthorized"},
};

int grpc_http_status(int grpc_code)
{
    for (size_t i = 0; i < ARRAY_LEN(codes); i++)
        if (codes[i].grpc == grpc_code)
            return codes[i].http;
    return 500;
}

const char *grpc_http_text(int grpc_code)
{
    for (size_t i = 0; i < ARRAY_LEN(codes); i++)
        if (codes[i].grpc == grpc_code)
            return codes[i].text;
    return "Internal Server Error";
}

void answer_text(struct api_request *r, int status, const char *content_type, str body)
{
    http_reply_simple(r->reply, status, content_type, body);
}

void answer_value(struct api_request *r, value v)
{
    CLEANUP(buf_done) struct buf out = BUF_INIT;
    static const struct http_header header[] = {
        {STR_INIT("Content-Type"), STR_INIT("application/json")},
        {STR_INIT("Grpc-Metadata-Content-Type"), STR_INIT("application/grpc")},
        {STR_INIT("X-Content-Type-Options"), STR_INIT("nosniff")},
    };
    json_print(v, AUDIENCE_WIRE, 0, &out); /* Secrets were masked where they came from */
    http_reply_send(r->reply, 200, header, ARRAY_LEN(header), buf_str(&out));
}

void answer_empty(struct api_request *r) { answer_value(r, value_new_map(r->a)); }

static void error_body(struct api_request *r, int code, str text, struct buf *out)
{
    struct arena *a = r->a;
    value v = value_new_map(a);
    if (r->route && (r->route->flags & ROUTE_STREAM)) {
        value e = value_edit_map(a, v, STR("error"));
        value_setz(a, e, "grpc_code", value_of_int(a, code));
        value_setz(a, e, "http_code", value_of_int(a, grpc_http_status(code)));
        value_setz(a, e, "message", value_of_str(a, text));
        value_set_str(a, e, "http_status", str_of(grpc_http_text(code)));
    } else {
        value_setz(a, v, "error", value_of_str(a, text));
        value_setz(a, v, "code", value_of_int(a, code));
        value_setz(a, v, "message", value_of_str(a, text));
    }
    json_print(v, AUDIENCE_WIRE, 0, out);
}

void answer_error(struct api_request *r, int grpc_code, const char *format, ...)
{
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    CLEANUP(buf_done) struct buf out = BUF_INIT;
    va_list args;
    va_start(args, format);
    buf_vprintf(&text, format, args);
    va_end(args);
    error_body(r, grpc_code, buf_str(&text), &out);
    answer_text(r, grpc_http_status(grpc_code), "application/json", buf_str(&out));
}

void answer_err(struct api_request *r, const struct err *err)
{
    int code = err_kind_info(err->kind)->grpc_code;
    answer_error(r, code ? code : GRPC_UNKNOWN, "%s", err->text);
}

str query_get(const struct api_request *r, const char *key)
{
    str v = http_query_find(&r->query, key);
    return v.at ? v : STR("");
}

size_t query_all(const struct api_request *r, const char *key, str *ret, size_t max)
{
    size_t n = 0;
    for (size_t i = 0; i < r->query.n && n < max; i++)
        if (str_is(r->query.at[i].key, key) && r->query.at[i].value.len)
            ret[n++] = r->query.at[i].value;
    return n;
}

/* ---- fields= ---- */

#define FIELDS_MAX 64

struct fields {
    str path[FIELDS_MAX];
    size_t n;
    bool exclude;
    struct arena *a;
};

/* Is `path` chosen (or a parent of a chosen one: *ret_inside)? */
static bool field_chosen(const struct fields *f, str path, bool *ret_inside)
{
    *ret_inside = false;
    for (size_t i = 0; i < f->n; i++) {
        if (str_eq(f->path[i], path))
            return true;
        if (f->path[i].len > path.len && str_starts(f->path[i], path) &&
            f->path[i].at[path.len] == '.')
            *ret_inside = true;
    }
    return false;
}

static value filter_at(const struct fields *f, value v, str path, unsigned depth)
{
    if (depth > 32)
        return v;
    if (value_is_list(v)) {
        value list = value_new_list(f->a);
        for (struct value_iter it = value_iter(v); value_next(&it);)
            value_push(f->a, list, filter_at(f, it.val, path, depth + 1));
        return list;
    }
    if (!value_is_map(v))
        return v;
    value map = value_new_map(f->a);
    for (struct value_iter it = value_iter(v); value_next(&it);) {
        str sub = path.len ? ARENA_CAT(f->a, path, STR("."), it.key) : arena_str(f->a, it.key);
        bool inside, chosen = field_chosen(f, sub, &inside);
        if (chosen != f->exclude && !(inside && f->exclude))
            value_set(f->a, map, it.key, it.val);
        else if (inside)
            value_set(f->a, map, it.key, filter_at(f, it.val, sub, depth + 1));
    }
    return map;
}

value fields_filter(struct api_request *r, value v)
{
    str text = query_get(r, "fields"), one;
    struct fields f = {.a = r->a};
    if (!text.len)
        return v;
    f.exclude = str_starts(text, STR("-"));
    text = str_trim_prefix(text, STR("-"));
    while (str_next(&text, ',', &one) && f.n < FIELDS_MAX)
        if (one.len)
            f.path[f.n++] = one;
    return filter_at(&f, v, STR(""), 0);
}
