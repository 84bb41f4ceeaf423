/* Joining of references: scheme, authority, path; queries stay where they are. */
#include "lang/jsonschema/url.h"

#include <string.h>

#include "base/buf.h"
#include "value/text.h"

/* Bytes of "scheme:", or 0. */
static size_t scheme_len(str s)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.at[i];
        if (c == ':')
            return i ? i + 1 : 0;
        bool letter = (c | 32) >= 'a' && (c | 32) <= 'z';
        if (!letter && (!i || !(c && strchr("0123456789+-.", c))))
            return 0;
    }
    return 0;
}

/* Path without "." and ".." parts; begins with '/'. */
static str clean(struct arena *a, str path)
{
    str rest = path, part, query = STR("");
    ptrdiff_t mark = str_find_char(path, '?');
    if (mark >= 0) {
        query = str_from(path, (size_t)mark);
        rest = str_sub(path, 0, (size_t)mark);
    }
    VEC(str) parts = {0};
    bool folder = false;
    rest = str_trim_prefix(rest, STR("/"));
    while (str_next(&rest, '/', &part)) {
        folder = str_is(part, ".") || str_is(part, "..");
        if (str_is(part, "..")) {
            if (parts.n)
                parts.n--;
        } else if (!folder)
            vec_push(a, &parts, part);
    }
    str out = STR("");
    for (size_t i = 0; i < parts.n; i++)
        out = ARENA_CAT(a, out, STR("/"), parts.at[i]);
    return ARENA_CAT(a, out, folder || !out.len ? STR("/") : STR(""), query);
}

str url_join_base(struct arena *a, str base, str ref)
{
    if (!ref.len)
        return base;
    if (scheme_len(ref))
        return ref;
    size_t scheme = scheme_len(base);
    str rest = str_from(base, scheme);
    if (str_starts(ref, STR("//")))
        return ARENA_CAT(a, str_sub(base, 0, scheme), ref);
    str authority = STR("");
    if (str_starts(rest, STR("//"))) {
        ptrdiff_t slash = str_find_char(str_from(rest, 2), '/');
        authority = slash < 0 ? rest : str_sub(rest, 0, (size_t)slash + 2);
        rest = str_from(rest, authority.len);
    } else if (scheme && !str_starts(rest, STR("/")))
        return base; /* opaque, as "urn:x": nothing joins it */
    str prefix = ARENA_CAT(a, str_sub(base, 0, scheme), authority), folder = STR("/"), last;
    if (ref.at[0] == '/')
        return ARENA_CAT(a, prefix, clean(a, ref));
    ptrdiff_t query = str_find_char(rest, '?');
    rest = query < 0 ? rest : str_sub(rest, 0, (size_t)query);
    if (ref.at[0] == '?')
        return ARENA_CAT(a, prefix, rest, ref);
    if (str_rcut(rest, '/', &folder, &last))
        folder = ARENA_CAT(a, folder, STR("/"));
    else
        folder = STR("/");
    return ARENA_CAT(a, prefix, clean(a, ARENA_CAT(a, folder, ref)));
}

static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 32;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

str url_unescape(struct arena *a, str s)
{
    if (str_find_char(s, '%') < 0)
        return s;
    char *at = arena_alloc(a, s.len + 1);
    size_t n = 0;
    for (size_t i = 0; i < s.len; i++) {
        if (s.at[i] == '%' && i + 2 < s.len + 0 && digit(s.at[i + 1]) >= 0 &&
            digit(s.at[i + 2]) >= 0) {
            at[n++] = (char)(digit(s.at[i + 1]) << 4 | digit(s.at[i + 2]));
            i += 2;
        } else
            at[n++] = s.at[i];
    }
    return str_mem(at, n);
}

str schema_url_quote(struct arena *a, str s)
{
    CLEANUP(buf_done) struct buf b = BUF_INIT;
    text_quote(s, &b);
    return arena_str(a, buf_str(&b));
}
