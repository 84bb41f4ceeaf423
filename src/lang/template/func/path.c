/* lang/template/func/path.c: slash paths. Source: Go path, path/filepath (Unix). */
#include "lang/template/func/rows.h"

static int give(tval *ret, str s)
{
    *ret = template_str(s);
    return 0;
}

/* path.Clean: the shortest equal path. out[0..n) is what is kept, `floor` what ".." cannot eat. */
static str clean(struct template_call *c, str s)
{
    bool rooted = s.len && s.at[0] == '/';
    char *out = arena_alloc(c->arena, s.len + 2);
    size_t n = 0, floor = 0;
    str part, rest = s;
    if (!s.len)
        return STR(".");
    if (rooted) {
        out[n++] = '/';
        floor = 1;
    }
    while (str_next(&rest, '/', &part)) {
        if (!part.len || str_is(part, "."))
            continue;
        if (str_is(part, "..") && n > floor) {
            n--;
            while (n > floor && out[n] != '/')
                n--;
            continue;
        }
        if (str_is(part, "..") && rooted)
            continue;
        if (n > (rooted ? 1u : 0u))
            out[n++] = '/';
        for (size_t i = 0; i < part.len; i++)
            out[n++] = part.at[i];
        if (str_is(part, ".."))
            floor = n;
    }
    return n ? str_mem(out, n) : STR(".");
}

int func_clean(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    return give(ret, clean(c, template_text(arg[0])));
}

int func_base(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    str s = template_text(arg[0]);
    if (!s.len)
        return give(ret, STR("."));
    while (s.len && s.at[s.len - 1] == '/')
        s.len--;
    ptrdiff_t at = str_rfind_char(s, '/');
    if (at >= 0)
        s = str_from(s, (size_t)at + 1);
    return give(ret, s.len ? s : STR("/"));
}

int func_dir(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    str s = template_text(arg[0]);
    ptrdiff_t at = str_rfind_char(s, '/');
    return give(ret, clean(c, str_sub(s, 0, (size_t)(at + 1))));
}

int func_ext(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    str s = template_text(arg[0]);
    for (size_t i = s.len; i > 0 && s.at[i - 1] != '/'; i--)
        if (s.at[i - 1] == '.')
            return give(ret, str_from(s, i - 1));
    return give(ret, STR(""));
}

int func_is_abs(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    *ret = template_bool(str_starts(template_text(arg[0]), STR("/")));
    return 0;
}
