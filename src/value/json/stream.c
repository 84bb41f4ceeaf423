/* value/json/stream.c: objects out of a LIST answer or a watch stream as their bytes arrive.
 *
 * A small state machine follows the outer structure; a scanner that knows only strings and nesting
 * finds where a value ends. A value that arrived in one piece is parsed where it is, another one is
 * collected first; the parser does all checking inside it. */
#include <assert.h>

#include "value/json/parse.h"
#include "value/json/scan.h"

#define ITEM_BYTES_DEFAULT ((size_t)64 << 20)
#define HELD_BYTES_MAX ((size_t)512 << 20) /* items of a list whose kind comes last */

enum state {
    BEFORE, /* the list, or between the texts of a sequence */
    BEFORE_FIRST_KEY,
    BEFORE_KEY,
    IN_KEY,
    BEFORE_COLON,
    BEFORE_VALUE,
    IN_VALUE,
    AFTER_VALUE,
    BEFORE_FIRST_ITEM,
    BEFORE_ITEM,
    IN_ITEM,
    AFTER_ITEM,
    IN_TEXT, /* an element of a sequence */
    BEHIND,
};

struct json_stream {
    enum json_stream_kind kind;
    enum state state;
    size_t item_bytes_max, n_items;
    json_item_fn *item;
    void *arg;
    struct json_scan scan; /* of the value being collected */
    struct buf text;       /* the value being collected, or the key */
    struct buf meta;       /* the list without its items, as JSON */
    bool key_is_items;
    struct arena arena; /* kind and apiVersion */
    str list_kind, api_version, *name_wanted;
    struct buf held; /* item texts that wait for the kind: 8 bytes length, text */
    uint64_t at_byte;
};

struct json_stream *json_stream_new(enum json_stream_kind kind, size_t item_bytes_max,
                                    json_item_fn *item, void *arg)
{
    struct json_stream *s = calloc(1, sizeof(*s));
    if (!s)
        abort();
    s->kind = kind;
    s->item_bytes_max = item_bytes_max ? item_bytes_max : ITEM_BYTES_DEFAULT;
    s->item = item;
    s->arg = arg;
    buf_init(&s->text, s->item_bytes_max + 4096);
    buf_init(&s->meta, s->item_bytes_max + 4096);
    buf_init(&s->held, HELD_BYTES_MAX);
    arena_init(&s->arena, (size_t)1 << 20);
    return s;
}

void json_stream_free(struct json_stream *s)
{
    if (!s)
        return;
    buf_done(&s->text);
    buf_done(&s->meta);
    buf_done(&s->held);
    arena_done(&s->arena);
    free(s);
}

static inline bool blank(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

/* ---- giving out ---- */

static int hand_out(struct json_stream *s, str text, struct err *err)
{
    struct doc *d = NULL;
    bool list = s->kind == JSON_STREAM_LIST;
    str kind = list ? str_trim_suffix(s->list_kind, STR("List")) : STR("");
    int r = json_parse_item(text, kind, s->api_version, &d, err);
    if (r)
        return err_wrap(err, "%s %zu", list ? "list item" : "object", s->n_items);
    s->n_items++;
    return s->item(s->arg, d, err);
}

static int take_item(struct json_stream *s, str text, struct err *err)
{
    if (s->list_kind.len && s->api_version.len)
        return hand_out(s, text, err);
    buf_add(&s->held, str_mem(&(uint64_t){text.len}, 8));
    buf_add(&s->held, text);
    return buf_check(&s->held, "list whose kind and apiVersion come last", err);
}

static int give_held(struct json_stream *s, struct err *err)
{
    str rest = buf_str(&s->held);
    while (rest.len) {
        uint64_t len;
        memcpy(&len, rest.at, 8);
        int r = hand_out(s, str_sub(rest, 8, len), err);
        if (r)
            return r;
        rest = str_from(rest, 8 + len);
    }
    buf_reset(&s->held);
    return 0;
}

/* A field of the list itself is complete: it goes to meta. */
static int take_field(struct json_stream *s, str text, struct err *err)
{
    if (s->name_wanted) {
        value v;
        int r = json_parse(text, NULL, &s->arena, &v, err);
        if (r)
            return err_wrap(err, "list");
        *s->name_wanted = value_str(v);
    }
    buf_add(&s->meta, text);
    return buf_check(&s->meta, "list without its items", err);
}

static int take_key(struct json_stream *s, str text, struct err *err)
{
    value v;
    int r = json_parse(text, NULL, &s->arena, &v, err);
    if (r)
        return err_wrap(err, "list");
    str key = value_str(v);
    s->key_is_items = s->kind == JSON_STREAM_LIST && str_is(key, "items");
    s->name_wanted = str_is(key, "kind")         ? &s->list_kind
                     : str_is(key, "apiVersion") ? &s->api_version
                                                 : NULL;
    if (!s->key_is_items) {
        buf_addz(&s->meta, s->meta.len ? "," : "{");
        buf_add(&s->meta, text);
        buf_addc(&s->meta, ':');
    }
    return 0;
}

/* ---- the outer structure ---- */

static int unexpected(struct json_stream *s, char c, const char *wanted, struct err *err)
{
    return err_set(err, ERR_INVALID, "%s: byte %llu: expected %s, found '%c' (0x%02x)",
                   s->kind == JSON_STREAM_LIST ? "list" : "stream", (unsigned long long)s->at_byte,
                   wanted, c >= 0x20 && c < 0x7f ? c : '?', (unsigned char)c);
}

/* What may come in a state that waits for one character. */
static const struct step {
    enum state state;
    const char *accepts; /* parallel to next */
    enum state next[2];
    const char *wanted;
} steps[] = {
    {BEFORE_FIRST_KEY, "\"}", {IN_KEY, BEHIND}, "a key or '}'"},
    {BEFORE_KEY, "\"", {IN_KEY}, "a key"},
    {BEFORE_COLON, ":", {BEFORE_VALUE}, "':'"},
    {AFTER_VALUE, ",}", {BEFORE_KEY, BEHIND}, "',' or '}'"},
    {BEFORE_FIRST_ITEM, "{]", {IN_ITEM, AFTER_VALUE}, "'{' or ']'"},
    {BEFORE_ITEM, "{", {IN_ITEM}, "'{'"},
    {AFTER_ITEM, ",]", {BEFORE_ITEM, AFTER_VALUE}, "',' or ']'"},
    {BEHIND, "", {BEHIND}, "the end"},
};

/* One character in a waiting state; *ret_taken false: it starts a value that is collected from
 * here. */
static int step(struct json_stream *s, char c, bool *ret_taken, struct err *err)
{
    *ret_taken = true;
    if (s->state == BEFORE) {
        if (c != '{')
            return unexpected(s, c, "'{'", err);
        s->state = s->kind == JSON_STREAM_LIST ? BEFORE_FIRST_KEY : IN_TEXT;
    } else if (s->state == BEFORE_VALUE) {
        bool items = s->key_is_items && c == '[';
        s->state = items ? BEFORE_FIRST_ITEM : IN_VALUE;
    } else {
        const struct step *at = steps;
        while (at->state != s->state)
            at++;
        const char *found = strchr(at->accepts, c);
        if (!found || !c)
            return unexpected(s, c, at->wanted, err);
        s->state = at->next[found - at->accepts];
    }
    *ret_taken =
        s->state != IN_KEY && s->state != IN_VALUE && s->state != IN_ITEM && s->state != IN_TEXT;
    if (!*ret_taken) {
        json_scan_start(&s->scan, c);
        buf_reset(&s->text);
    }
    return 0;
}

/* A whole value. */
static int complete(struct json_stream *s, str text, struct err *err)
{
    switch (s->state) {
    case IN_KEY: s->state = BEFORE_COLON; return take_key(s, text, err);
    case IN_ITEM: s->state = AFTER_ITEM; return take_item(s, text, err);
    case IN_TEXT: s->state = BEFORE; return hand_out(s, text, err);
    default: break;
    }
    s->state = AFTER_VALUE;
    if (!s->key_is_items)
        return take_field(s, text, err);
    if (str_eq(text, STR("null"))) /* a nil slice of Go */
        return 0;
    return err_set(err, ERR_INVALID, "list: 'items' is not a list");
}

/* Bytes while a value is open; *ret_n of them were its. */
static int collect(struct json_stream *s, str bytes, size_t *ret_n, struct err *err)
{
    bool whole;
    size_t n = *ret_n = json_scan(&s->scan, bytes, &whole);
    str part = str_sub(bytes, 0, n);
    if (n > s->item_bytes_max || s->text.len > s->item_bytes_max - n)
        return err_set(err, ERR_TOO_LARGE, "%s %zu is larger than %zu bytes",
                       s->kind == JSON_STREAM_LIST ? "list item" : "object", s->n_items,
                       s->item_bytes_max);
    if (whole && s->text.len == 0)
        return complete(s, part, err);
    buf_add(&s->text, part);
    return whole ? complete(s, buf_str(&s->text), err) : 0;
}

int json_stream_add(struct json_stream *s, str bytes, struct err *err)
{
    while (bytes.len) {
        bool taken = true, inside = s->state == IN_KEY || s->state == IN_VALUE ||
                                    s->state == IN_ITEM || s->state == IN_TEXT;
        size_t n = 1;
        int r = 0;
        if (inside) {
            r = collect(s, bytes, &n, err);
        } else if (!blank(bytes.at[0])) {
            r = step(s, bytes.at[0], &taken, err);
            n = taken ? 1 : 0;
        }
        if (r)
            return r;
        s->at_byte += n;
        bytes = str_from(bytes, n);
    }
    return 0;
}

int json_stream_end(struct json_stream *s, struct doc **ret_meta, struct err *err)
{
    enum state want = s->kind == JSON_STREAM_LIST ? BEHIND : BEFORE;
    if (s->state != want)
        return err_set(err, ERR_INVALID, "%s ends after %llu bytes inside %s",
                       s->kind == JSON_STREAM_LIST ? "list" : "stream",
                       (unsigned long long)s->at_byte,
                       s->state == BEFORE ? "nothing" : "an unfinished value");
    int r = give_held(s, err);
    if (r || s->kind == JSON_STREAM_LINES) {
        if (r == 0 && ret_meta)
            *ret_meta = NULL;
        return r;
    }
    buf_addz(&s->meta, s->meta.len ? "}" : "{}");
    r = buf_check(&s->meta, "list without its items", err);
    if (r == 0 && ret_meta)
        r = json_parse_doc(buf_str(&s->meta), NULL, ret_meta, err);
    return r;
}
