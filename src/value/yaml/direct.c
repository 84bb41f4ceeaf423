/* Blocks: which columns open and close maps and lists. */
#include "value/yaml/direct.h"

#include <assert.h>

#include "value/text.h"
#include "value/yaml/resolve.h"

#define W DIRECT_WORD
#define R (DIRECT_WORD | DIRECT_RESOLVE)
#define F DIRECT_FLOW
const uint8_t direct_class[256] = {
    ['a' ... 'e'] = W | F,
    ['f'] = R | F,
    ['g' ... 'm'] = W | F,
    ['n' ... 'o'] = R | F,
    ['p' ... 's'] = W | F,
    ['t'] = R | F,
    ['u' ... 'x'] = W | F,
    ['y'] = R | F,
    ['z'] = W | F,
    ['A' ... 'E'] = W | F,
    ['F'] = R | F,
    ['G' ... 'M'] = W | F,
    ['N' ... 'O'] = R | F,
    ['P' ... 'S'] = W | F,
    ['T'] = R | F,
    ['U' ... 'X'] = W | F,
    ['Y'] = R | F,
    ['Z'] = W | F,
    ['0' ... '9'] = R | F,
    ['.'] = R | F,
    ['+'] = R | F,
    ['~'] = R | F,
    ['<'] = R,
    ['/'] = W | F,
    ['_'] = W | F,
    ['='] = W | F,
    ['$'] = W | F,
    ['('] = W | F,
    [')'] = W | F,
    [';'] = W | F,
    ['\\'] = W,
    ['^'] = W | F,
    [0x80 ... 0xff] = W,
    ['-'] = R | F | DIRECT_DASH,
    ['?'] = W | DIRECT_DASH,
    [':'] = W | DIRECT_DASH,
    [' '] = F,
    ['*'] = F,
    ['@'] = F,
    ['%'] = F,
    ['!'] = F,
    ['>'] = F,
    ['|'] = F,
};
#undef W
#undef R
#undef F

/* ---- room, positions, content ---- */

struct spot direct_grown(struct direct *r, struct spot s)
{
    r->w.len = (size_t)(s.out - r->w.at);
    s.out = tape_writer_room(&r->w, (size_t)(r->end - s.p) + DIRECT_ROOM);
    return s;
}

void direct_note(struct direct *r, struct spot s)
{
    const char *p = r->pos_at, *nl; /* all before was looked at: a long line is walked once */
    while ((nl = memchr(p, '\n', (size_t)(s.p - p)))) {
        r->pos_line++;
        r->pos_column = 1;
        p = nl + 1;
    }
    if (r->ascii)
        r->pos_column += (uint32_t)(s.p - p);
    for (; !r->ascii && p < s.p; p++)
        r->pos_column += ((uint8_t)*p & 0xc0) != 0x80; /* columns count characters */
    r->pos_at = s.p;
    tape_writer_pos(&r->w, (size_t)(s.out - r->w.at),
                    (struct value_pos){r->pos_line, r->pos_column});
}

static const char *to_line_end(const struct direct *r, const char *p)
{
    const char *eol = memchr(p, '\n', (size_t)(r->end - p));
    return eol ? eol : r->end;
}

static bool is_document_mark(const char *p)
{
    return (*p == '-' || *p == '.') && p[1] == *p && p[2] == *p;
}

const char *direct_to_content(struct direct *r, const char *p)
{
    const char *from = p;
    while (*p == ' ')
        p++;
    if (*p == '#' && p > from)
        p = to_line_end(r, p);
    while (*p == '\n') {
        const char *line = ++p;
        while (*p == ' ')
            p++;
        if (*p == '#')
            p = to_line_end(r, p);
        if (*p == '\n')
            continue;
        if (!*p)
            break;
        r->line_at = line;
        r->column = (int32_t)(p - line);
        return *p == '\t' || (p == line && is_document_mark(p)) ? NULL : p;
    }
    r->column = -1;
    return *p ? NULL : p;
}

/* ---- keys ---- */

static bool is_blankz(char c) { return c == ' ' || c == '\n' || !c; }

/* The key was perhaps seen: look. Its own entry is not on the stack yet. Of more entries the sorted
 * index tells. */
static bool is_duplicate(const struct direct *r, size_t base, str key)
{
    size_t n = r->w.n_offset - base;
    for (size_t i = 0; n < TAPE_SEARCH_MAX && i < n; i++) {
        const char *val;
        if (str_eq(tape_key(r->w.at + r->w.offset[base + i], &val), key))
            return true;
    }
    return false;
}

char *direct_put_key(struct direct *r, char *out, const char *at, size_t len, size_t base,
                     uint64_t *io_seen)
{
    size_t start = (size_t)(out - r->w.at);
    bool small = len < TAPE_KEY_LONG && text_is_plain(str_mem(at ? at : out + 1, len));
    char *text = out + (small ? 1 : 5);
    if (!at && !small)
        memmove(text, out + 1, len);
    else if (at)
        memcpy(text, at, len);
    if (small) {
        out[0] = (char)len;
    } else {
        out[0] = (char)TAPE_KEY_LONG;
        tape_put_u32(out + 1, (uint32_t)len);
    }
    str key = str_mem(text, len);
    uint64_t bit = tape_key_bit(key);
    if (UNLIKELY(*io_seen & bit) && is_duplicate(r, base, key))
        return NULL;
    *io_seen |= bit;
    tape_writer_entry(&r->w, start);
    return text + len;
}

/* A plain key that is a string. */
static bool is_string_key(const char *p, size_t len)
{
    if (!(direct_class[(uint8_t)*p] & DIRECT_RESOLVE))
        return true;
    return yaml_resolve(str_mem(p, len)).kind == YAML_STR && !(len == 2 && !memcmp(p, "<<", 2));
}

/* To the colon. */
static struct spot read_quoted_key(struct direct *r, struct spot s, size_t base, uint64_t *seen)
{
    const char *p = s.p;
    char *out = s.out;
    str text;
    bool lines;
    s = direct_unquote(r, s, 1, &text, &lines);
    if (!s.p || lines || s.p - p > DIRECT_KEY_BYTES_MAX)
        return GIVE_UP;
    s.out = direct_put_key(r, out, NULL, text.len, base, seen);
    while (*s.p == ' ')
        s.p++;
    return *s.p == ':' ? s : GIVE_UP;
}

ALWAYS_INLINE struct spot read_plain_key(struct direct *r, struct spot s, size_t base,
                                         uint64_t *seen)
{
    const char *p = s.p, *stop;
    uint8_t class = direct_class[(uint8_t)*p];
    if (!(class & DIRECT_WORD) || ((class & DIRECT_DASH) && is_blankz(p[1])))
        return GIVE_UP;
    const char *end = direct_plain_end(p, &stop);
    if (!end || *stop != ':' || stop - p > DIRECT_KEY_BYTES_MAX ||
        !is_string_key(p, (size_t)(end - p)))
        return GIVE_UP;
    return (struct spot){stop, direct_put_key(r, s.out, p, (size_t)(end - p), base, seen)};
}

/* A key and its colon; s.p is behind the colon afterwards. */
ALWAYS_INLINE struct spot read_key(struct direct *r, struct spot s, size_t base, uint64_t *seen)
{
    s = direct_room(r, s);
    s = *s.p == '"' || *s.p == '\'' ? read_quoted_key(r, s, base, seen)
                                    : read_plain_key(r, s, base, seen);
    if (!s.out || !is_blankz(s.p[1]))
        return GIVE_UP;
    s.p++;
    return s;
}

/* ---- containers ---- */

struct spot direct_close(struct direct *r, struct spot s, size_t start, size_t base, unsigned kind)
{
    size_t n = r->w.n_offset - base;
    r->depth--;
    r->n_nodes += n;
    if (r->n_nodes >= YAML_NODES_MAX)
        return GIVE_UP;
    if (UNLIKELY(n > TAPE_WALK_MAX)) {
        bool duplicate = false;
        s = direct_room(r, s);
        r->w.len = (size_t)(s.out - r->w.at);
        tape_writer_close(&r->w, start, base, kind, &duplicate);
        s.out = r->w.at + r->w.len;
        return duplicate ? GIVE_UP : s;
    }
    r->w.n_offset = base;
    char *head = r->w.at + start;
    tape_put_u32(head, tape_header(kind, (uint32_t)n << 2));
    tape_put_u32(head + 4, (uint32_t)(s.out - head) - 8);
    return s;
}

static struct spot read_node(struct direct *r, struct spot s, int32_t parent, int32_t column);

static bool is_entry(const char *p) { return *p == '-' && (p[1] == ' ' || p[1] == '\n' || !p[1]); }

static struct spot put_null(struct direct *r, struct spot s)
{
    tape_put_u32(s.out, tape_header(TAPE_NULL, 0));
    s.out += 4;
    return s;
}

/* A scalar or flow collection that begins on this line. */
static struct spot read_inline(struct direct *r, struct spot s, int32_t parent)
{
    uint8_t class = direct_class[(uint8_t)*s.p];
    direct_value(r, s);
    if (class & DIRECT_WORD)
        return direct_plain(r, s, parent);
    switch (*s.p) {
    case '"':
    case '\'': s = direct_quoted(r, s); break;
    case '|':
    case '>': return direct_block(r, s, parent);
    case '[':
    case '{': s = direct_flow(r, s); break;
    default: return GIVE_UP;
    }
    if (s.p)
        s.p = direct_to_content(r, s.p);
    return s;
}

/* What stands behind a key's colon at s.p. column: that of the map. */
static struct spot read_entry_value(struct direct *r, struct spot s, int32_t column)
{
    const char *colon_end = s.p;
    s = direct_room(r, s);
    while (*s.p == ' ')
        s.p++;
    if (*s.p != '\n' && *s.p && *s.p != '#')
        return read_inline(r, s, column);
    s.p = direct_to_content(r, colon_end);
    if (!s.p)
        return s;
    if (r->column > column)
        return read_node(r, s, column, r->column);
    if (r->column == column && is_entry(s.p))
        return read_node(r, s, column, column);
    direct_value(r, (struct spot){colon_end, s.out});
    return put_null(r, s);
}

static struct spot read_map(struct direct *r, struct spot s, int32_t column)
{
    size_t start = (size_t)(s.out - r->w.at), base = r->w.n_offset;
    uint64_t seen = 0;
    direct_value(r, s);
    if (++r->depth > DIRECT_DEPTH_MAX)
        return GIVE_UP;
    s.out += 8;
    do {
        s = read_key(r, s, base, &seen);
        if (s.p)
            s = read_entry_value(r, s, column);
        if (!s.p)
            return s;
    } while (r->column == column);
    if (r->column > column)
        return GIVE_UP;
    return direct_close(r, s, start, base, TAPE_MAP);
}

/* What stands behind a dash at s.p. column: that of the list. */
static struct spot read_item(struct direct *r, struct spot s, int32_t column)
{
    const char *dash_end = s.p;
    s = direct_room(r, s);
    while (*s.p == ' ')
        s.p++;
    if (*s.p != '\n' && *s.p && *s.p != '#')
        return read_node(r, s, column, (int32_t)(s.p - r->line_at));
    s.p = direct_to_content(r, dash_end);
    if (!s.p)
        return s;
    if (r->column > column)
        return read_node(r, s, column, r->column);
    direct_value(r, (struct spot){dash_end, s.out});
    return put_null(r, s);
}

/* parent: in a map whose keys stand in the same column a list ends at the next key. */
static struct spot read_list(struct direct *r, struct spot s, int32_t parent, int32_t column)
{
    size_t start = (size_t)(s.out - r->w.at), base = r->w.n_offset;
    direct_value(r, s);
    if (++r->depth > DIRECT_DEPTH_MAX)
        return GIVE_UP;
    s.out += 8;
    do {
        s = direct_room(r, s);
        tape_writer_entry(&r->w, (size_t)(s.out - r->w.at));
        s.p++;
        s = read_item(r, s, column);
        if (!s.p)
            return s;
    } while (r->column == column && is_entry(s.p));
    if (r->column > column || (r->column == column && parent != column))
        return GIVE_UP;
    return direct_close(r, s, start, base, TAPE_LIST);
}

/* True when the text at p is a key: `word:` or `"word":`. */
static bool at_key(const char *p)
{
    const char *stop;
    if (*p != '"' && *p != '\'')
        return (direct_class[(uint8_t)*p] & DIRECT_WORD) && direct_plain_end(p, &stop) &&
               *stop == ':';
    char quote = *p++;
    for (; *p != quote || (quote == '\'' && p[1] == quote); p++) {
        if (!*p || *p == '\n')
            return false;
        p += (quote == '"' && *p == '\\') || (quote == '\'' && *p == quote);
        if (!*p || *p == '\n')
            return false;
    }
    p++;
    while (*p == ' ')
        p++;
    return *p == ':';
}

/* Whatever begins at s.p in that column; ends at the next content. */
static struct spot read_node(struct direct *r, struct spot s, int32_t parent, int32_t column)
{
    s = direct_room(r, s);
    if (is_entry(s.p))
        return read_list(r, s, parent, column);
    if (at_key(s.p))
        return read_map(r, s, column);
    return read_inline(r, s, parent);
}

/* ---- the document ---- */

struct doc *yaml_direct(const struct yaml_scan *scan, bool keep_positions, uint32_t line_base)
{
    size_t len = (size_t)(scan->end - scan->text);
    if (!scan->plain_eol || scan->wall <= scan->end || len > YAML_BYTES_MAX || !len)
        return NULL;
    struct direct r = {.end = scan->end,
                       .line_at = scan->text,
                       .positions = keep_positions,
                       .ascii = scan->ascii,
                       .pos_at = scan->text,
                       .pos_line = 1 + line_base,
                       .pos_column = 1};
    const char *p = scan->text;
    if (!strncmp(p, "---", 3))
        p += 3;
    else if (*p != '\n') /* the first line has no break in front of it */
        while (*p == ' ')
            p++;
    r.column = (int32_t)(p - scan->text);
    if (p == scan->text + 3 && *scan->text == '-') {
        p = direct_to_content(&r, p);
    } else if (*p == '\n' || *p == '#') {
        p = to_line_end(&r, p);
        p = direct_to_content(&r, p);
    } else if (*p == '\t' || is_document_mark(p) || (uint8_t)*p == 0xef) {
        p = NULL;
    }
    if (!p || !*p)
        return NULL;
    tape_writer_init(&r.w, len + len / 8 + DIRECT_ROOM);
    r.w.fixed = true; /* literals may be kept */
    struct spot s = read_node(&r, (struct spot){p, r.w.at + TAPE_ROOT}, -1, r.column);
    if (!s.p || *s.p) {
        tape_writer_drop(&r.w);
        return NULL;
    }
    r.w.len = (size_t)(s.out - r.w.at);
    return tape_writer_finish(&r.w);
}
