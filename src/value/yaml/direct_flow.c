/* Flow collections without surprises: `{a: 1, "b": [x, y]}` on one line or several, JSON among
 * them. */
#include "value/yaml/direct.h"

#include "value/yaml/resolve.h"

/* Over blanks, line breaks and comments. */
static const char *gap(struct direct *r, const char *p)
{
    const char *from = p;
    for (;;) {
        while (*p == ' ' || *p == '\t')
            p++;
        if (*p == '#') {
            if (p == from)
                return NULL;
            const char *eol = memchr(p, '\n', (size_t)(r->end - p));
            p = eol ? eol : r->end;
        }
        if (*p != '\n')
            return p;
        r->line_at = ++p;
        if (*p == '-' || *p == '.' || *p == '%') /* perhaps the end of the document */
            return NULL;
    }
}

/* End of the plain text at p; NULL: it is not that simple. */
static const char *plain_end(const char *p)
{
    uint8_t class = direct_class[(uint8_t)*p];
    const char *from = p;
    if (!(class & DIRECT_WORD) || !(class & DIRECT_FLOW))
        return NULL;
    if ((class & DIRECT_DASH) && !(direct_class[(uint8_t)p[1]] & DIRECT_WORD))
        return NULL;
    while (direct_class[(uint8_t)*p] & DIRECT_FLOW)
        p++;
    if (!*p || !strchr(",]}:\n#", *p) || (*p == '#' && p[-1] != ' '))
        return NULL;
    while (p > from && p[-1] == ' ')
        p--;
    return p;
}

static struct spot flow_key(struct direct *r, struct spot s, size_t base, uint64_t *seen)
{
    const char *p = s.p;
    bool quoted = *p == '"' || *p == '\'';
    if (quoted) {
        str text;
        bool lines;
        char *out = s.out;
        s = direct_unquote(r, s, 1, &text, &lines);
        if (!s.p || lines || s.p - p > DIRECT_KEY_BYTES_MAX)
            return GIVE_UP;
        s.out = direct_put_key(r, out, NULL, text.len, base, seen);
    } else {
        const char *end = plain_end(p);
        if (!end || end - p > DIRECT_KEY_BYTES_MAX)
            return GIVE_UP;
        str text = str_mem(p, (size_t)(end - p));
        if (yaml_resolve(text).kind != YAML_STR)
            return GIVE_UP;
        s.out = direct_put_key(r, s.out, p, text.len, base, seen);
        s.p = end;
    }
    while (*s.p == ' ')
        s.p++;
    bool ok = s.out && *s.p == ':' && (quoted || s.p[1] == ' ' || s.p[1] == '\n');
    s.p = ok ? gap(r, s.p + 1) : NULL;
    return s;
}

static struct spot flow_value(struct direct *r, struct spot s)
{
    s = direct_room(r, s);
    direct_value(r, s);
    if (*s.p == '[' || *s.p == '{')
        return direct_flow(r, s);
    if (*s.p == '"' || *s.p == '\'')
        return direct_quoted(r, s);
    const char *end = plain_end(s.p);
    if (!end)
        return GIVE_UP;
    size_t len = (size_t)(end - s.p);
    memcpy(s.out + 4, s.p, len);
    return (struct spot){end, direct_put_plain(s.out, len, true)};
}

struct spot direct_flow(struct direct *r, struct spot s)
{
    bool map = *s.p == '{';
    char close = map ? '}' : ']';
    size_t start = (size_t)(s.out - r->w.at), base = r->w.n_offset;
    uint64_t seen = 0;
    if (++r->depth > DIRECT_DEPTH_MAX)
        return GIVE_UP;
    s.out += 8;
    s.p = gap(r, s.p + 1);
    while (s.p && *s.p != close) {
        s = direct_room(r, s);
        if (map)
            s = flow_key(r, s, base, &seen);
        else
            tape_writer_entry(&r->w, (size_t)(s.out - r->w.at));
        if (s.p)
            s = flow_value(r, s);
        if (!s.p || !s.out || !(s.p = gap(r, s.p)))
            return GIVE_UP;
        if (*s.p == ',')
            s.p = gap(r, s.p + 1);
        else if (*s.p != close)
            return GIVE_UP;
    }
    if (!s.p)
        return s;
    s.p++;
    return direct_close(r, s, start, base, map ? TAPE_MAP : TAPE_LIST);
}
