/* url.c: see url.h. */
#include "source/url.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

str url_quoted(str text, char *room, size_t size)
{
    static const char from[] = "\a\b\f\n\r\t\v\\\"", to[] = "abfnrtv\\\"";
    size_t n = 0;
    for (size_t i = 0; i < text.len && n + 5 < size; i++) {
        unsigned char c = (unsigned char)text.at[i];
        const char *at = c ? strchr(from, c) : NULL;
        if (at) {
            room[n++] = '\\';
            room[n++] = to[at - from];
        } else if (c < ' ' || c == 0x7f) {
            n += (size_t)snprintf(room + n, size - n, "\\x%02x", c);
        } else {
            room[n++] = (char)c;
        }
    }
    return str_mem(room, n);
}

static int refuse(str text, const char *why, struct err *err)
{
    struct arena a;
    char quoted[2100];
    arena_init(&a, (size_t)1 << 20);
    str shown = str_sub(url_shown(&a, text), 0, 500);
    int rc = err_set(err, ERR_INVALID, "parse \"%.*s\": %s",
                     STR_FMT(url_quoted(shown, quoted, sizeof(quoted))), why);
    arena_done(&a);
    return rc;
}

static str scheme_of(str text)
{
    size_t i = 0;
    while (i < text.len && (isalnum((unsigned char)text.at[i]) || strchr("+-.", text.at[i])))
        i++;
    bool is = i && i < text.len && text.at[i] == ':' && isalpha((unsigned char)text.at[0]);
    return str_sub(text, 0, is ? i : 0);
}

static bool is_port(str port)
{
    for (size_t i = 0; i < port.len; i++)
        if (!isdigit((unsigned char)port.at[i]))
            return false;
    return true;
}

static const char *check_host(str host)
{
    str name = host, port = STR("");
    if (str_starts(host, STR("["))) {
        ptrdiff_t close = str_rfind_char(host, ']');
        if (close < 0)
            return "missing ']' in host";
        name = str_sub(host, 1, (size_t)close - 1);
        port = str_from(host, (size_t)close + 1);
        if (port.len && port.at[0] != ':')
            return "invalid port after host";
    } else if (str_find_char(host, ':') >= 0) {
        ptrdiff_t colon = str_rfind_char(host, ':');
        name = str_sub(host, 0, (size_t)colon);
        port = str_from(host, (size_t)colon);
    }
    if (port.len && !is_port(str_from(port, 1)))
        return "invalid port after host";
    for (size_t i = 0; i < name.len; i++)
        if (strchr(" \"\\<>%^`{|}", name.at[i]))
            return "invalid character in host name";
    return NULL;
}

int url_parse(str text, struct url *ret, struct err *err)
{
    struct url u = {0};
    if (text.len > URL_BYTES_MAX)
        return err_set(err, ERR_INVALID, "a URL is longer than %d bytes", URL_BYTES_MAX);
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.at[i] < ' ' || text.at[i] == 0x7f)
            return refuse(text, "net/url: invalid control character in URL", err);
    str rest = text;
    (void)str_cut(rest, '#', &rest, &(str){0});
    if (str_starts(rest, STR(":")))
        return refuse(text, "missing protocol scheme", err);
    u.scheme = scheme_of(rest);
    if (u.scheme.len)
        rest = str_from(rest, u.scheme.len + 1);
    (void)str_cut(rest, '?', &rest, &u.query);
    if (str_starts(rest, STR("//"))) {
        u.has_authority = true;
        rest = str_from(rest, 2);
        ptrdiff_t slash = str_find_char(rest, '/');
        size_t n = slash < 0 ? rest.len : (size_t)slash;
        (void)str_rcut(str_sub(rest, 0, n), '@', &u.user, &u.host);
        rest = str_from(rest, n);
        const char *why = check_host(u.host);
        if (why)
            return refuse(text, why, err);
    } else if (!u.scheme.len) {
        str first;
        str all = rest;
        if (str_next(&all, '/', &first) && str_find_char(first, ':') >= 0)
            return refuse(text, "first path segment in URL cannot contain colon", err);
    }
    u.path = rest;
    *ret = u;
    return 0;
}

str url_str(struct arena *a, const struct url *u)
{
    return ARENA_CAT(a, u->scheme, u->scheme.len ? STR(":") : STR(""),
                     u->has_authority ? STR("//") : STR(""), u->user,
                     u->user.len ? STR("@") : STR(""), u->host,
                     u->has_authority && u->path.len && u->path.at[0] != '/' ? STR("/") : STR(""),
                     u->path, u->query.len ? STR("?") : STR(""), u->query);
}

str url_shown(struct arena *a, str url)
{
    str head = url, tail;
    (void)str_cut(head, '#', &head, &(str){0});
    (void)str_cut(head, '?', &head, &(str){0});
    ptrdiff_t at = str_find(head, STR("://"));
    if (at < 0)
        return arena_str(a, head);
    tail = str_from(head, (size_t)at + 3);
    head = str_sub(head, 0, (size_t)at + 3);
    ptrdiff_t slash = str_find_char(tail, '/');
    str authority = str_sub(tail, 0, slash < 0 ? tail.len : (size_t)slash);
    ptrdiff_t user = str_rfind_char(authority, '@');
    if (user >= 0)
        tail = str_from(tail, (size_t)user + 1);
    return ARENA_CAT(a, head, tail);
}

/* RFC 3986 5.2.4: "." goes, ".." takes its parent with it and never leaves the root. */
static str without_dots(struct arena *a, str path)
{
    VEC(str) parts = {0};
    str rest = path, part = STR("");
    bool rooted = str_starts(path, STR("/"));
    if (rooted)
        rest = str_from(path, 1);
    while (str_next(&rest, '/', &part)) {
        if (str_is(part, ".."))
            parts.n -= parts.n > 0;
        else if (!str_is(part, "."))
            vec_push(a, &parts, part);
    }
    bool folder = str_is(part, ".") || str_is(part, "..");
    str out = rooted ? STR("/") : STR("");
    for (size_t i = 0; i < parts.n; i++)
        out = ARENA_CAT(a, out, i ? STR("/") : STR(""), parts.at[i]);
    return folder && parts.n ? ARENA_CAT(a, out, STR("/")) : out;
}

struct url url_resolve(struct arena *a, const struct url *base, const struct url *ref)
{
    struct url u = *ref;
    if (ref->scheme.len) {
        u.path = without_dots(a, ref->path);
        return u;
    }
    u.scheme = base->scheme;
    if (ref->has_authority) {
        u.path = without_dots(a, ref->path);
        return u;
    }
    u.has_authority = base->has_authority;
    u.user = base->user;
    u.host = base->host;
    if (!ref->path.len) {
        u.path = base->path;
        if (!ref->query.len)
            u.query = base->query;
    } else if (ref->path.at[0] == '/') {
        u.path = without_dots(a, ref->path);
    } else {
        ptrdiff_t slash = str_rfind_char(base->path, '/');
        str folder = slash < 0 ? STR("/") : str_sub(base->path, 0, (size_t)slash + 1);
        u.path = without_dots(a, ARENA_CAT(a, folder, ref->path));
    }
    return u;
}

int url_of_chart(struct arena *a, str repo_url, str ref, str *ret, struct err *err)
{
    struct url base, chart;
    int rc = url_parse(ref, &chart, err);
    if (rc)
        return err_wrap(err, "failed to parse %.*s as URL", STR_FMT(url_shown(a, ref)));
    if (chart.scheme.len) {
        *ret = arena_str(a, ref);
        return 0;
    }
    rc = url_parse(repo_url, &base, err);
    if (rc)
        return err_wrap(err, "failed to parse %.*s as URL", STR_FMT(url_shown(a, repo_url)));
    base.path = ARENA_CAT(a, str_trim_suffix(base.path, STR("/")), STR("/"));
    struct url u = url_resolve(a, &base, &chart);
    u.query = base.query;
    *ret = url_str(a, &u);
    return 0;
}

int url_join(struct arena *a, str repo_url, str part, str *ret, struct err *err)
{
    struct url u;
    int rc = url_parse(repo_url, &u, err);
    if (rc)
        return rc;
    VEC(str) parts = {0};
    str all = ARENA_CAT(a, u.path, STR("/"), part), piece;
    while (str_next(&all, '/', &piece)) {
        if (str_is(piece, ".."))
            parts.n -= parts.n > 0;
        else if (piece.len && !str_is(piece, "."))
            vec_push(a, &parts, piece);
    }
    u.path = STR("");
    for (size_t i = 0; i < parts.n; i++)
        u.path = ARENA_CAT(a, u.path, STR("/"), parts.at[i]);
    *ret = url_str(a, &u);
    return 0;
}

bool url_is_http(const struct url *u)
{
    return str_ieq(u->scheme, STR("https")) || str_ieq(u->scheme, STR("http"));
}

str url_hostname(const struct url *u)
{
    ptrdiff_t close = str_rfind_char(u->host, ']'), colon = str_rfind_char(u->host, ':');
    if (str_starts(u->host, STR("[")) && close > 0)
        return str_sub(u->host, 1, (size_t)close - 1);
    return colon < 0 ? u->host : str_sub(u->host, 0, (size_t)colon);
}

str url_port(const struct url *u)
{
    ptrdiff_t close = str_rfind_char(u->host, ']'), colon = str_rfind_char(u->host, ':');
    if (colon > close && (size_t)colon + 1 < u->host.len)
        return str_from(u->host, (size_t)colon + 1);
    return str_ieq(u->scheme, STR("https")) ? STR("443") : STR("80");
}

bool url_same_origin(const struct url *a, const struct url *b)
{
    return str_ieq(a->scheme, b->scheme) && str_ieq(url_hostname(a), url_hostname(b)) &&
           str_eq(url_port(a), url_port(b));
}

bool url_may_follow_with_secret(const struct url *from, const struct url *to)
{
    return url_same_origin(from, to) ||
           (str_ieq(from->scheme, STR("http")) && str_ieq(to->scheme, STR("https")) &&
            str_ieq(url_hostname(from), url_hostname(to)) && str_is(url_port(from), "80") &&
            str_is(url_port(to), "443"));
}
