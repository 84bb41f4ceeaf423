/* lang/template/func/url.c: urlParse and urlJoin. Source: Go 1.26 net/url; Sprig 3.3 url.go. */
#include <arpa/inet.h>
#include <string.h>

#include "lang/template/func/rows.h"
#include "lang/template/strconv.h"
#include "lang/template/types.h"

enum part { PART_PATH, PART_HOST, PART_ZONE, PART_USER, PART_FRAGMENT };

/* Signs that stand for themselves besides letters, digits and "-._~". */
static const char *const PLAIN[] = {
    [PART_PATH] = "$&+,/:;=@",          [PART_HOST] = "!\"$&'()*+,:;<=>[]",
    [PART_ZONE] = "!\"$&'()*+,:;<=>[]", [PART_USER] = "$&+,;=",
    [PART_FRAGMENT] = "!$&()*+,/:;=?@",
};

struct url {
    str scheme, opaque, host, path, raw_path, query, fragment;
    str user, password;
    bool has_user, has_password;
};

struct reader {
    struct arena *arena;
    str problem; /* why it failed */
};

static bool is_alnum(char c)
{
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

static bool should_escape(char c, enum part part)
{
    return !is_alnum(c) && !(c && (strchr("-._~", c) || strchr(PLAIN[part], c)));
}

static str escape(struct arena *a, str s, enum part part)
{
    char *out = arena_alloc(a, s.len * 3 + 1);
    size_t n = 0;
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.at[i];
        if (!should_escape(s.at[i], part)) {
            out[n++] = s.at[i];
            continue;
        }
        out[n++] = '%';
        out[n++] = "0123456789ABCDEF"[c >> 4];
        out[n++] = "0123456789ABCDEF"[c & 15];
    }
    return str_mem(out, n);
}

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static str quoted(struct arena *a, str s)
{
    struct buf b = BUF_INIT;
    strconv_quote(&b, s, false);
    str q = arena_str(a, buf_str(&b));
    buf_done(&b);
    return q;
}

static bool fail(struct reader *r, str problem)
{
    r->problem = problem;
    return false;
}

static bool bad_escape(struct reader *r, str s)
{
    return fail(r, ARENA_CAT(r->arena, STR("invalid URL escape "),
                             quoted(r->arena, str_sub(s, 0, 3))));
}

static bool unescape(struct reader *r, str s, enum part part, str *ret)
{
    char *out = arena_alloc(r->arena, s.len + 1);
    size_t n = 0;
    bool is_host = part == PART_HOST || part == PART_ZONE;
    for (size_t i = 0; i < s.len; i++) {
        str rest = str_from(s, i);
        if (s.at[i] != '%') {
            if (is_host && (unsigned char)s.at[i] < 0x80 && should_escape(s.at[i], part))
                return fail(r,
                            ARENA_CAT(r->arena, STR("invalid character "),
                                      quoted(r->arena, str_sub(rest, 0, 1)), STR(" in host name")));
            out[n++] = s.at[i];
            continue;
        }
        if (rest.len < 3 || hex(rest.at[1]) < 0 || hex(rest.at[2]) < 0)
            return bad_escape(r, rest);
        char c = (char)(hex(rest.at[1]) << 4 | hex(rest.at[2]));
        bool is_percent = str_starts(rest, STR("%25"));
        if ((part == PART_HOST && hex(rest.at[1]) < 8 && !is_percent) ||
            (part == PART_ZONE && !is_percent && c != ' ' && should_escape(c, PART_HOST)))
            return bad_escape(r, rest);
        out[n++] = c;
        i += 2;
    }
    *ret = str_mem(out, n);
    return true;
}

/* "" or ":123". */
static bool is_port(str s)
{
    if (s.len && s.at[0] != ':')
        return false;
    for (size_t i = 1; i < s.len; i++)
        if (s.at[i] < '0' || s.at[i] > '9')
            return false;
    return true;
}

static bool bad_port(struct reader *r, str port)
{
    return fail(r, ARENA_CAT(r->arena, STR("invalid port "), quoted(r->arena, port),
                             STR(" after host")));
}

/* "[::1%25eth0]:80". */
static bool parse_ip_host(struct reader *r, str host, str *ret)
{
    ptrdiff_t close = str_rfind_char(host, ']');
    struct in6_addr ip;
    str name, zone = STR(""), port;
    if (close < 0)
        return fail(r, STR("missing ']' in host"));
    port = str_from(host, (size_t)close + 1);
    if (!is_port(port))
        return bad_port(r, port);
    name = str_sub(host, 1, (size_t)close - 1);
    ptrdiff_t at = str_find(name, STR("%25"));
    if (at >= 0 && !unescape(r, str_from(name, (size_t)at), PART_ZONE, &zone))
        return false;
    if (!unescape(r, at >= 0 ? str_sub(name, 0, (size_t)at) : name, PART_HOST, &name))
        return false;
    if (inet_pton(AF_INET, arena_cstr(r->arena, name), &ip) == 1)
        return fail(r, STR("invalid IP-literal"));
    if (inet_pton(AF_INET6, arena_cstr(r->arena, name), &ip) != 1)
        return fail(r, ARENA_CAT(r->arena, STR("invalid host: ParseAddr("),
                                 quoted(r->arena, ARENA_CAT(r->arena, name, zone)),
                                 STR("): unable to parse IP")));
    *ret = ARENA_CAT(r->arena, STR("["), name, zone, STR("]"), port);
    return true;
}

static bool parse_host(struct reader *r, str scheme, str host, str *ret)
{
    ptrdiff_t open = str_rfind_char(host, '['), colon = str_find_char(host, ':');
    if (open > 0)
        return fail(r, STR("invalid IP-literal"));
    if (open == 0)
        return parse_ip_host(r, host, ret);
    if (colon >= 0) {
        bool is_web = str_is(scheme, "http") || str_is(scheme, "https");
        str port = str_from(host, (size_t)(is_web ? colon : str_rfind_char(host, ':')));
        if (!is_port(port))
            return bad_port(r, port);
    }
    return unescape(r, host, PART_HOST, ret);
}

static bool parse_user(struct reader *r, str info, struct url *u)
{
    str password;
    for (size_t i = 0; i < info.len; i++)
        if (!is_alnum(info.at[i]) && (!info.at[i] || !strchr("-._:~!$&'()*+,;=%@", info.at[i])))
            return fail(r, STR("net/url: invalid userinfo"));
    u->has_user = true;
    u->has_password = str_cut(info, ':', &info, &password);
    return unescape(r, info, PART_USER, &u->user) &&
           (!u->has_password || unescape(r, password, PART_USER, &u->password));
}

static bool parse_authority(struct reader *r, str authority, struct url *u)
{
    ptrdiff_t at = str_rfind_char(authority, '@');
    if (!parse_host(r, u->scheme, str_from(authority, (size_t)(at + 1)), &u->host))
        return false;
    return at < 0 || parse_user(r, str_sub(authority, 0, (size_t)at), u);
}

/* "HTTP:rest": scheme in lower case. False: there is a colon with nothing before it. */
static bool parse_scheme(struct reader *r, str s, struct url *u, str *ret_rest)
{
    *ret_rest = s;
    for (size_t i = 0; i < s.len; i++) {
        char c = s.at[i];
        bool is_letter = (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
        if (c == ':') {
            if (i == 0)
                return fail(r, STR("missing protocol scheme"));
            char *lower = arena_copy(r->arena, s.at, i);
            for (size_t k = 0; k < i; k++)
                lower[k] |= lower[k] >= 'A' && lower[k] <= 'Z' ? 0x20 : 0;
            u->scheme = str_mem(lower, i);
            *ret_rest = str_from(s, i + 1);
            return true;
        }
        if (!is_letter && (i == 0 || !(is_alnum(c) || c == '+' || c == '-' || c == '.')))
            return true;
    }
    return true;
}

/* All but the fragment. */
static bool parse_rest(struct reader *r, str s, struct url *u)
{
    str rest, segment, tail;
    for (size_t i = 0; i < s.len; i++)
        if ((unsigned char)s.at[i] < ' ' || s.at[i] == 0x7f)
            return fail(r, STR("net/url: invalid control character in URL"));
    if (str_is(s, "*")) {
        u->path = s;
        return true;
    }
    if (!parse_scheme(r, s, u, &rest))
        return false;
    str_cut(rest, '?', &rest, &u->query);
    if (!str_starts(rest, STR("/"))) {
        if (u->scheme.len) {
            u->opaque = rest;
            return true;
        }
        str_cut(rest, '/', &segment, &tail);
        if (str_find_char(segment, ':') >= 0)
            return fail(r, STR("first path segment in URL cannot contain colon"));
    }
    if ((u->scheme.len || !str_starts(rest, STR("///"))) && str_starts(rest, STR("//"))) {
        str authority = str_from(rest, 2);
        ptrdiff_t slash = str_find_char(authority, '/');
        rest = slash < 0 ? STR("") : str_from(authority, (size_t)slash);
        if (slash >= 0)
            authority = str_sub(authority, 0, (size_t)slash);
        if (!parse_authority(r, authority, u))
            return false;
    }
    return unescape(r, rest, PART_PATH, &u->path);
}

/* False: *ret_problem is `parse "URL": why`. */
static bool parse_url(struct arena *a, str s, struct url *u, str *ret_problem)
{
    struct reader r = {a, STR("")};
    str before, fragment;
    *u = (struct url){0};
    str_cut(s, '#', &before, &fragment);
    str named = before;
    bool ok = parse_rest(&r, before, u);
    if (ok) {
        named = s;
        ok = unescape(&r, fragment, PART_FRAGMENT, &u->fragment);
    }
    if (!ok)
        *ret_problem = ARENA_CAT(a, STR("parse "), quoted(a, named), STR(": "), r.problem);
    return ok;
}

static str hostname(str host)
{
    ptrdiff_t colon = str_rfind_char(host, ':');
    if (colon >= 0 && is_port(str_from(host, (size_t)colon)))
        host = str_sub(host, 0, (size_t)colon);
    if (str_starts(host, STR("[")) && str_ends(host, STR("]")))
        host = str_sub(host, 1, host.len - 2);
    return host;
}

static str user_text(struct arena *a, const struct url *u)
{
    str user = escape(a, u->user, PART_USER);
    if (!u->has_password)
        return user;
    return ARENA_CAT(a, user, STR(":"), escape(a, u->password, PART_USER));
}

int func_url_parse(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    struct url u;
    str problem;
    if (!parse_url(c->arena, template_text(arg[0]), &u, &problem))
        return template_fail(c, "unable to parse url: %.*s", STR_FMT(problem));
    *ret = template_map_new(c->arena, &TEMPLATE_T_MAP);
    template_put(*ret, STR("scheme"), template_str(u.scheme));
    template_put(*ret, STR("host"), template_str(u.host));
    template_put(*ret, STR("hostname"), template_str(hostname(u.host)));
    template_put(*ret, STR("path"), template_str(u.path));
    template_put(*ret, STR("query"), template_str(u.query));
    template_put(*ret, STR("opaque"), template_str(u.opaque));
    template_put(*ret, STR("fragment"), template_str(u.fragment));
    template_put(*ret, STR("userinfo"),
                 template_str(u.has_user ? user_text(c->arena, &u) : STR("")));
    return 0;
}

/* ---- urlJoin ---- */

static int take_text(struct template_call *c, tval map, const char *key, str *ret)
{
    bool found;
    tval v = template_unwrap(template_get(map, str_of(key), &found));
    *ret = STR("");
    if (!found)
        return 0;
    if (!v.type)
        return template_fail(c, "runtime error: invalid memory address or nil pointer dereference");
    if (v.type->kind != TEMPLATE_STRING)
        return template_fail(c, "unable to parse %s key, must be of type string, but %s found", key,
                             kind_name(v.type->kind));
    *ret = template_text(v);
    return 0;
}

static int read_parts(struct template_call *c, tval map, struct url *u)
{
    str info, problem;
    struct url of_user;
    const struct {
        const char *key;
        str *to;
    } PART[] = {{"scheme", &u->scheme}, {"host", &u->host},     {"path", &u->path},
                {"query", &u->query},   {"opaque", &u->opaque}, {"fragment", &u->fragment},
                {"userinfo", &info}};
    for (size_t i = 0; i < ARRAY_LEN(PART); i++) {
        int rc = take_text(c, map, PART[i].key, PART[i].to);
        if (rc)
            return rc;
    }
    if (!info.len)
        return 0;
    str text = ARENA_CAT(c->arena, STR("proto://"), info, STR("@host"));
    if (!parse_url(c->arena, text, &of_user, &problem))
        return template_fail(c, "unable to parse userinfo in dict: %.*s", STR_FMT(problem));
    u->has_user = of_user.has_user;
    u->has_password = of_user.has_password;
    u->user = of_user.user;
    u->password = of_user.password;
    return 0;
}

static void add_hierarchy(struct template_call *c, const struct url *u, struct buf *b)
{
    str segment, tail, path = str_is(u->path, "*") ? u->path : escape(c->arena, u->path, PART_PATH);
    if ((u->scheme.len || u->host.len || u->has_user) &&
        (u->host.len || u->path.len || u->has_user))
        buf_addz(b, "//");
    if (u->has_user) {
        buf_add(b, user_text(c->arena, u));
        buf_addc(b, '@');
    }
    buf_add(b, escape(c->arena, u->host, PART_HOST));
    if (path.len && path.at[0] != '/' && u->host.len)
        buf_addc(b, '/');
    str_cut(path, '/', &segment, &tail);
    if (!b->len && str_find_char(segment, ':') >= 0)
        buf_addz(b, "./");
    buf_add(b, path);
}

int func_url_join(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    struct url u = {0};
    int rc = read_parts(c, arg[0], &u);
    if (rc)
        return rc;
    struct buf *b = template_buf(c);
    if (u.scheme.len) {
        buf_add(b, u.scheme);
        buf_addc(b, ':');
    }
    if (u.opaque.len)
        buf_add(b, u.opaque);
    else
        add_hierarchy(c, &u, b);
    if (u.query.len) {
        buf_addc(b, '?');
        buf_add(b, u.query);
    }
    if (u.fragment.len) {
        buf_addc(b, '#');
        buf_add(b, escape(c->arena, u.fragment, PART_FRAGMENT));
    }
    return template_buf_tval(c, b, ret);
}
