/* net/http.c: methods, header lists, targets, query strings, URLs; see the header. */
#include "base/digest.h"
#include "net/http.h"

static const str method_names[METHOD_COUNT] = {
    [METHOD_GET] = STR_INIT("GET"),         [METHOD_HEAD] = STR_INIT("HEAD"),
    [METHOD_POST] = STR_INIT("POST"),       [METHOD_PUT] = STR_INIT("PUT"),
    [METHOD_PATCH] = STR_INIT("PATCH"),     [METHOD_DELETE] = STR_INIT("DELETE"),
    [METHOD_OPTIONS] = STR_INIT("OPTIONS"),
};

str method_name(enum method m)
{
    return m < METHOD_COUNT && method_names[m].at ? method_names[m] : STR("");
}

enum method method_parse(str name)
{
    for (int m = METHOD_GET; m < METHOD_OTHER; m++)
        if (str_eq(method_names[m], name))
            return (enum method)m;
    return METHOD_OTHER;
}

static const struct http_header *find(const struct http_headers *h, const char *name)
{
    str want = str_of(name);
    for (size_t i = 0; i < h->n; i++)
        if (str_ieq(h->at[i].name, want))
            return &h->at[i];
    return NULL;
}

str http_header_find(const struct http_headers *h, const char *name)
{
    const struct http_header *f = find(h, name);
    if (!f)
        return (str){NULL, 0};
    return f->value.at ? f->value : STR("");
}

bool http_header_has(const struct http_headers *h, const char *name)
{
    return find(h, name) != NULL;
}

void http_header_add(struct arena *a, struct http_headers *h, str name, str value)
{
    struct http_header f = {name, value};
    vec_push(a, h, f);
}

bool http_header_is_hop(str name)
{
    static const char *const hop[] =
        {"connection",     "keep-alive", "proxy-connection", "transfer-encoding", "upgrade",
         "content-length", "date"};
    for (size_t i = 0; i < ARRAY_LEN(hop); i++)
        if (str_ieq(name, str_of(hop[i])))
            return true;
    return false;
}

bool http_header_is_clean(str value)
{
    for (size_t i = 0; i < value.len; i++)
        if (value.at[i] == '\r' || value.at[i] == '\n' || value.at[i] == '\0')
            return false;
    return true;
}

static const struct {
    int status;
    const char *text;
} status_texts[] = {
    {100, "Continue"},
    {101, "Switching Protocols"},
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {204, "No Content"},
    {206, "Partial Content"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {413, "Request Entity Too Large"},
    {414, "Request URI Too Long"},
    {415, "Unsupported Media Type"},
    {417, "Expectation Failed"},
    {422, "Unprocessable Entity"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
};

const char *http_status_text(int status)
{
    for (size_t i = 0; i < ARRAY_LEN(status_texts); i++)
        if (status_texts[i].status == status)
            return status_texts[i].text;
    return "";
}

void http_target_split(str target, struct http_request *r)
{
    str path, query;
    r->target = target;
    if (!str_cut(target, '?', &path, &query)) {
        path = target;
        query = STR("");
    }
    r->path = path;
    r->query = query;
}

/* Decode %XX (and "+" when plus) into the arena; the input itself when there is nothing to decode.
 */
static bool unescape(struct arena *a, str s, bool plus, str *ret)
{
    bool any = false;
    for (size_t i = 0; i < s.len; i++)
        any |= s.at[i] == '%' || (plus && s.at[i] == '+');
    if (!any) {
        *ret = s.len ? s : STR("");
        return true;
    }
    char *out = arena_alloc(a, s.len + 1);
    size_t n = 0;
    for (size_t i = 0; i < s.len; i++) {
        char c = s.at[i];
        if (c == '%') {
            if (s.len - i < 3)
                return false;
            int hi = hex_digit(s.at[i + 1]), lo = hex_digit(s.at[i + 2]);
            if (hi < 0 || lo < 0)
                return false;
            out[n++] = (char)(hi * 16 + lo);
            i += 2;
        } else {
            out[n++] = plus && c == '+' ? ' ' : c;
        }
    }
    *ret = (str){out, n};
    return true;
}

bool http_path_decode(struct arena *a, str piece, str *ret)
{
    str s;
    if (!unescape(a, piece, false, &s) || str_find_char(s, '\0') >= 0)
        return false;
    *ret = s;
    return true;
}

struct http_query http_query_parse(struct arena *a, str raw)
{
    struct http_query q = {0};
    VEC(struct http_query_pair) pairs = {0};
    if (raw.len == 0)
        return q;
    str rest = raw, piece;
    while (str_next(&rest, '&', &piece)) {
        struct http_query_pair p;
        str key, val;
        if (piece.len == 0)
            continue;
        if (pairs.n == HTTP_QUERY_PAIRS_MAX || str_find_char(piece, ';') >= 0) {
            q.malformed = true;
            if (pairs.n == HTTP_QUERY_PAIRS_MAX)
                break;
            continue;
        }
        if (!str_cut(piece, '=', &key, &val)) {
            key = piece;
            val = STR("");
        }
        if (!unescape(a, key, true, &p.key) || !unescape(a, val, true, &p.value)) {
            q.malformed = true;
            continue;
        }
        vec_push(a, &pairs, p);
    }
    q.at = pairs.at;
    q.n = pairs.n;
    return q;
}

str http_query_find(const struct http_query *q, const char *key)
{
    for (size_t i = 0; i < q->n; i++)
        if (str_is(q->at[i].key, key))
            return q->at[i].value;
    return (str){NULL, 0};
}

bool http_query_bool(const struct http_query *q, const char *key)
{
    static const char *const truths[] = {"1", "t", "T", "true", "TRUE", "True"};
    str v = http_query_find(q, key);
    for (size_t i = 0; i < ARRAY_LEN(truths); i++)
        if (str_is(v, truths[i]))
            return true;
    return false;
}

static void escape(struct buf *out, str s, const char *keep, bool plus)
{
    static const char hex[] = "0123456789ABCDEF";
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.at[i];
        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
            (c && strchr(keep, c))) {
            buf_addc(out, (char)c);
        } else if (plus && c == ' ') {
            buf_addc(out, '+');
        } else {
            buf_addc(out, '%');
            buf_addc(out, hex[c >> 4]);
            buf_addc(out, hex[c & 15]);
        }
    }
}

void http_path_escape(struct buf *out, str s) { escape(out, s, "-_.~$&+=:@", false); }

void http_query_escape(struct buf *out, str s) { escape(out, s, "-_.~", true); }

void http_query_add(struct buf *out, const char *key, str value)
{
    buf_addc(out, str_find_char(buf_str(out), '?') >= 0 ? '&' : '?');
    http_query_escape(out, str_of(key));
    buf_addc(out, '=');
    http_query_escape(out, value);
}

/* "host", "host:port", "[v6]:port" */
static int authority_parse(str url, str authority, struct http_url *u, struct err *err)
{
    str port = STR(""), after;
    uint64_t n = u->port;
    u->host = authority;
    if (str_find_char(authority, '@') >= 0)
        return err_set(err, ERR_INVALID, "URL must not hold a user name or password");
    if (str_starts(authority, STR("["))) {
        ptrdiff_t close = str_find_char(authority, ']');
        if (close < 0)
            return err_set(err, ERR_INVALID, "URL '%.*s': '[' without ']'", STR_FMT(url));
        u->host = str_sub(authority, 1, (size_t)close - 1);
        after = str_from(authority, (size_t)close + 1);
        if (after.len && after.at[0] != ':')
            return err_set(err, ERR_INVALID, "URL '%.*s': text after ']'", STR_FMT(url));
        port = after.len ? str_from(after, 1) : STR("");
    } else if (str_cut(authority, ':', &u->host, &port) && str_find_char(port, ':') >= 0) {
        return err_set(err, ERR_INVALID, "URL '%.*s': an IPv6 address needs brackets",
                       STR_FMT(url));
    }
    if (port.len && (!str_to_u64(port, &n) || n == 0 || n > 65535))
        return err_set(err, ERR_INVALID, "URL '%.*s': bad port '%.*s'", STR_FMT(url),
                       STR_FMT(port));
    u->port = (uint16_t)n;
    if (u->host.len == 0 || u->host.len > 255)
        return err_set(err, ERR_INVALID, "URL '%.*s': no host name", STR_FMT(url));
    for (size_t i = 0; i < u->host.len; i++)
        if ((unsigned char)u->host.at[i] <= ' ' || strchr("\\<>\"%{}|^`", u->host.at[i]))
            return err_set(err, ERR_INVALID, "URL: bad character in the host name");
    return 0;
}

int http_url_parse(str url, struct http_url *ret, struct err *err)
{
    struct http_url u = {0};
    str rest, authority;
    if (str_ieq(str_sub(url, 0, 8), STR("https://"))) {
        u.tls = true;
        u.port = 443;
        rest = str_from(url, 8);
    } else if (str_ieq(str_sub(url, 0, 7), STR("http://"))) {
        u.port = 80;
        rest = str_from(url, 7);
    } else {
        return err_set(err, ERR_INVALID, "URL '%.*s' must begin with http:// or https://",
                       STR_FMT(url));
    }
    ptrdiff_t query = str_find_char(rest, '?'), fragment = str_find_char(rest, '#');
    if (fragment >= 0)
        rest = str_sub(rest, 0, (size_t)fragment);
    if (query >= 0 && (size_t)query < rest.len)
        rest = str_sub(rest, 0, (size_t)query);
    ptrdiff_t slash = str_find_char(rest, '/');
    authority = slash < 0 ? rest : str_sub(rest, 0, (size_t)slash);
    u.path = slash < 0 ? STR("") : str_from(rest, (size_t)slash);
    while (str_ends(u.path, STR("/")))
        u.path = str_sub(u.path, 0, u.path.len - 1);
    int rc = authority_parse(url, authority, &u, err);
    if (rc == 0)
        *ret = u;
    return rc;
}
