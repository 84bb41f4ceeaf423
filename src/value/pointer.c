/* value/pointer.c */
#include "value/pointer.h"

bool pointer_valid(str p)
{
    if (p.len > 0 && p.at[0] != '/')
        return false;
    for (size_t i = 0; i < p.len; i++)
        if (p.at[i] == '~' && (i + 1 == p.len || (p.at[i + 1] != '0' && p.at[i + 1] != '1')))
            return false;
    return true;
}

/* Unescape into `to` (s.len bytes); ~ not followed by 0 or 1 stands for itself, as Go's replacer
 * leaves it. */
static str unescape(str s, char *to)
{
    size_t n = 0;
    for (size_t i = 0; i < s.len; i++) {
        char c = s.at[i];
        if (c == '~' && i + 1 < s.len && (s.at[i + 1] == '0' || s.at[i + 1] == '1'))
            c = s.at[++i] == '0' ? '~' : '/';
        to[n++] = c;
    }
    return str_mem(to, n);
}

bool pointer_next(struct arena *a, str *rest, str *ret_token)
{
    if (rest->len == 0)
        return false;
    str token = str_from(*rest, 1);
    ptrdiff_t slash = str_find_char(token, '/');
    if (slash >= 0) {
        *rest = str_from(token, (size_t)slash);
        token = str_sub(token, 0, (size_t)slash);
    } else {
        *rest = STR("");
    }
    if (str_find_char(token, '~') >= 0)
        token = unescape(token, arena_alloc(a, token.len));
    *ret_token = token;
    return true;
}

bool pointer_index(str token, size_t *ret)
{
    uint64_t i;
    if (token.len == 0 || (token.at[0] == '0' && token.len > 1) || token.at[0] < '0' ||
        token.at[0] > '9' || !str_to_u64(token, &i) || i > SIZE_MAX / 2)
        return false;
    *ret = (size_t)i;
    return true;
}

value pointer_get(value v, str pointer)
{
    if (!pointer_valid(pointer))
        return VALUE_ABSENT;
    struct arena a;
    arena_init(&a, pointer.len * 2 + ((size_t)1 << 16));
    str token;
    size_t i;
    while (value_exists(v) && pointer_next(&a, &pointer, &token))
        if (value_is_list(v))
            v = pointer_index(token, &i) ? value_at(v, i) : VALUE_ABSENT;
        else
            v = value_get(v, token);
    arena_done(&a);
    return v;
}

str pointer_join(struct arena *a, str pointer, str token)
{
    char *p = arena_alloc(a, pointer.len + token.len * 2 + 2), *to = p;
    if (pointer.len)
        to = mempcpy(to, pointer.at, pointer.len);
    *to++ = '/';
    for (size_t i = 0; i < token.len; i++) {
        char c = token.at[i];
        *to++ = c == '~' || c == '/' ? '~' : c;
        if (c == '~' || c == '/')
            *to++ = c == '~' ? '0' : '1';
    }
    return str_mem(p, (size_t)(to - p));
}
