/* value/json/parse.c: JSON text straight into a frozen document, in one pass.
 *
 * The text is walked once by a loop without recursion. Strings are copied to the tape while their
 * end is looked for (text_scan.h), so the usual string is touched once; anything unusual in one
 * (escapes, characters outside ASCII, <, > and &) goes to json/string.c. `struct spot` holds the
 * two positions that everything moves, passed and returned by value so that they stay in registers:
 * a store through the tape's char pointer would else make the compiler reload them.
 *
 * Room: before every token the tape has room for the rest of the text and ROOM_MIN bytes; a token
 * other than an invalid byte never takes more than its own length and ROOM_MIN.
 *
 * Duplicate keys: every open map keeps a set of 64 bits of key hashes; a bit that is already set
 * makes us look. Maps with more than TAPE_SEARCH_MAX keys find them when they are sorted for their
 * index. The first duplicate is an error when strict; otherwise the tape is written again from a
 * tree in which the last value won. */
#include <assert.h>

#include "value/json.h"
#include "value/json/error.h"
#include "value/json/parse.h"
#include "value/json/string.h"
#include "value/number.h"
#include "value/tape_write.h"
#include "value/text.h"
#include "value/text_scan.h"

#define ROOM_MIN 64
#define ALWAYS_INLINE static inline __attribute__((always_inline))
#define UNLIKELY(x) __builtin_expect(!!(x), 0)

struct frame {
    uint32_t start; /* offset of the container's header */
    uint32_t is_map;
    size_t base;   /* of its entries on the writer's stack */
    uint64_t seen; /* hashes of its keys */
};

struct reader {
    struct json_source source;
    struct tape_writer w;
    const char *end;
    bool positions, literals, strict, duplicates;
    const char *line_start; /* positions: where the last computed line begins */
    const char *counted;    /* and the end of what its breaks were counted in */
    uint32_t line;
    unsigned depth;
    int result;            /* of a failure */
    str kind, api_version; /* put in front of the root's entries unless empty */
    struct frame frame[VALUE_DEPTH_MAX + 1];
};

struct spot {
    const char *p; /* NULL: failed, reader.result says how */
    char *out;
};

static struct spot failed(struct reader *r, int result)
{
    r->result = result;
    return (struct spot){NULL, NULL};
}

static struct spot unexpected(struct reader *r, const char *at, const char *where)
{
    return failed(r, json_unexpected(&r->source, at, where));
}

ALWAYS_INLINE const char *skip_blanks(const char *p, const char *end)
{
    while (p < end && (unsigned char)*p <= ' ' &&
           (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t'))
        p++;
    return p;
}

static struct spot grown(struct reader *r, struct spot s)
{
    r->w.len = (size_t)(s.out - r->w.at);
    s.out = tape_writer_room(&r->w, (size_t)(r->end - s.p) + ROOM_MIN);
    return s;
}

ALWAYS_INLINE struct spot with_room(struct reader *r, struct spot s)
{
    size_t left = r->w.cap - (size_t)(s.out - r->w.at);
    if (UNLIKELY(left < (size_t)(r->end - s.p) + ROOM_MIN + TAPE_SLACK))
        s = grown(r, s);
    return s;
}

/* ---- strings ---- */

/* Text that is not plain or longer than a header can say; s.out is where the header goes. `size` is
 * that of a header. */
static struct spot read_odd_text(struct reader *r, struct spot s, const char *at, size_t to)
{
    size_t start = (size_t)(s.out - r->w.at);
    int e = json_read_odd_string(&r->source, &r->w, &at, &to);
    if (e)
        return failed(r, e);
    size_t len = to - start - 4;
    char *head = r->w.at + start;
    if (len > TAPE_PAYLOAD_MAX) {
        memmove(head + 12, head + 4, len);
        tape_put_u32(head, tape_header(TAPE_BIG_TEXT, 0));
        memcpy(head + 4, &(uint64_t){len}, 8);
        return (struct spot){at, head + 12 + len};
    }
    bool plain = text_is_plain(str_mem(head + 4, len));
    tape_put_u32(head, tape_header(plain ? TAPE_TEXT : TAPE_ODD_TEXT, (uint32_t)len));
    return (struct spot){at, head + 4 + len};
}

/* s.p is behind the opening quote. */
ALWAYS_INLINE struct spot read_text(struct reader *r, struct spot s)
{
    char *to = s.out + 4;
    const char *q = text_copy_plain(s.p, r->end, &to);
    size_t len = (size_t)(to - s.out) - 4;
    if (UNLIKELY(q >= r->end || *q != '"' || len > TAPE_PAYLOAD_MAX))
        return read_odd_text(r, s, q, (size_t)(to - r->w.at));
    tape_put_u32(s.out, tape_header(TAPE_TEXT, (uint32_t)len));
    return (struct spot){q + 1, to};
}

static struct spot too_long(struct reader *r, const char *at, const char *what, size_t bytes_max)
{
    char text[80];
    snprintf(text, sizeof(text), "%s longer than %zu bytes", what, bytes_max);
    return failed(r, json_fail(&r->source, at, ERR_TOO_LARGE, text));
}

static struct spot read_odd_key(struct reader *r, struct spot s, const char *at, size_t to)
{
    size_t start = (size_t)(s.out - r->w.at);
    int e = json_read_odd_string(&r->source, &r->w, &at, &to);
    if (e)
        return failed(r, e);
    size_t len = to - start - 1;
    char *head = r->w.at + start;
    if (len > JSON_KEY_BYTES_MAX)
        return too_long(r, s.p, "key", JSON_KEY_BYTES_MAX);
    if (len < TAPE_KEY_LONG && text_is_plain(str_mem(head + 1, len))) {
        head[0] = (char)len;
        return (struct spot){at, head + 1 + len};
    }
    memmove(head + 5, head + 1, len);
    head[0] = (char)TAPE_KEY_LONG;
    tape_put_u32(head + 1, (uint32_t)len);
    return (struct spot){at, head + 5 + len};
}

/* ---- duplicate keys ---- */

static int say_duplicate(struct reader *r, const char *at, str key)
{
    CLEANUP(buf_done) struct buf text;
    buf_init(&text, 4096);
    for (unsigned i = 0; i + 1 < r->depth; i++) {
        /* the way to the innermost container: the last entry of each one around it */
        const struct frame *f = &r->frame[i];
        size_t last = r->frame[i + 1].base - 1;
        const char *val;
        str step = f->is_map ? tape_key(r->w.at + r->w.offset[last], &val) : STR("");
        if (f->is_map)
            buf_printf(&text, "%s%.*s", i ? "." : "", STR_FMT(step));
        else
            buf_printf(&text, "[%zu]", last - f->base);
    }
    buf_printf(&text, "%s%.*s", r->depth > 1 ? "." : "", STR_FMT(key));
    CLEANUP(buf_done) struct buf quoted;
    buf_init(&quoted, 8192);
    text_quote(str_sub(buf_str(&text), 0, 300), &quoted);
    char say[700];
    snprintf(say, sizeof(say), "duplicate field %.*s", STR_FMT(buf_str(&quoted)));
    return json_fail(&r->source, at, ERR_INVALID, say);
}

/* The key was perhaps seen: look. Its own entry is not on the stack yet. False: failed. */
static bool check_duplicate(struct reader *r, const struct frame *f, const char *at, str key)
{
    size_t n = r->w.n_offset - f->base;
    if (n >= TAPE_SEARCH_MAX)
        return true; /* the index will tell */
    for (size_t i = 0; i < n; i++) {
        const char *val;
        str other = tape_key(r->w.at + r->w.offset[f->base + i], &val);
        if (other.len != key.len || memcmp(other.at, key.at, key.len) != 0)
            continue;
        r->duplicates = true;
        if (r->strict) {
            r->result = say_duplicate(r, at, key);
            return false;
        }
        break;
    }
    return true;
}

/* A key and its colon; s.p is where the quote should be. */
ALWAYS_INLINE struct spot read_key(struct reader *r, struct spot s)
{
    struct frame *f = &r->frame[r->depth - 1];
    const char *at = s.p;
    if (UNLIKELY(s.p >= r->end || *s.p != '"'))
        return unexpected(r, s.p, "looking for beginning of object key string");
    s = with_room(r, s);
    size_t start = (size_t)(s.out - r->w.at);
    char *to = s.out + 1;
    const char *q = text_copy_plain(s.p + 1, r->end, &to), *val;
    size_t len = (size_t)(to - s.out) - 1;
    if (UNLIKELY(q >= r->end || *q != '"' || len >= TAPE_KEY_LONG)) {
        s = read_odd_key(r, s, q, (size_t)(to - r->w.at));
        if (!s.p)
            return s;
    } else {
        s.out[0] = (char)len;
        s = (struct spot){q + 1, to};
    }
    str key = tape_key(r->w.at + start, &val);
    uint64_t bit = tape_key_bit(key);
    if (UNLIKELY(f->seen & bit) && !check_duplicate(r, f, at, key))
        return (struct spot){NULL, NULL};
    f->seen |= bit;
    tape_writer_entry(&r->w, start);
    s.p = skip_blanks(s.p, r->end);
    if (UNLIKELY(s.p >= r->end || *s.p != ':'))
        return unexpected(r, s.p, "after object key");
    s.p = skip_blanks(s.p + 1, r->end);
    return s;
}

/* ---- other scalars ---- */

static char *put_wide(char *out, unsigned kind, const void *number, str literal)
{
    if (literal.len == 0 || literal.len > TAPE_PAYLOAD_MAX) {
        tape_put_u32(out, tape_header(kind, 0));
        memcpy(out + 4, number, 8);
        return out + 12;
    }
    tape_put_u32(out, tape_header(TAPE_NUMBER, (uint32_t)literal.len));
    out[4] = (char)kind;
    memcpy(out + 5, number, 8);
    memcpy(out + 13, literal.at, literal.len);
    return out + 13 + literal.len;
}

static struct spot read_any_number(struct reader *r, struct spot s)
{
    bool integer;
    str rest = str_mem(s.p, (size_t)(r->end - s.p)), text;
    size_t n = number_scan(rest, &integer);
    if (n == 0)
        return failed(r, json_bad_number(&r->source, s.p));
    if (n > JSON_NUMBER_BYTES_MAX)
        return too_long(r, s.p, "number", JSON_NUMBER_BYTES_MAX);
    text = str_sub(rest, 0, n);
    str literal = r->literals ? text : STR("");
    int64_t i;
    uint64_t u;
    double d;
    if (integer && str_to_i64(text, &i)) {
        s.out = put_wide(s.out, TAPE_INT64, &i, literal);
    } else if (integer && r->source.in->exact_uint64 && str_to_u64(text, &u)) {
        s.out = put_wide(s.out, TAPE_UINT64, &u, literal);
    } else if (number_to_double(text, &d)) {
        s.out = put_wide(s.out, TAPE_DOUBLE, &d, literal);
    } else {
        char say[200];
        snprintf(say, sizeof(say),
                 "json: cannot unmarshal number %.*s into Go value of type float64",
                 (int)MIN_OF(text.len, (size_t)100), text.at);
        return failed(r, json_fail(&r->source, s.p, ERR_INVALID, say));
    }
    s.p += n;
    return s;
}

/* Integers of up to eight digits, which is nearly all of them, here. */
ALWAYS_INLINE struct spot read_number(struct reader *r, struct spot s)
{
    const char *p = s.p;
    bool negative = *p == '-';
    int32_t x = 0;
    const char *digits = p += negative;
    while (p < r->end && *p >= '0' && *p <= '9' && p - digits < 9)
        x = x * 10 + (*p++ - '0');
    bool more = p < r->end && (*p == '.' || *p == 'e' || *p == 'E' || (*p >= '0' && *p <= '9'));
    bool odd = p == digits || (*digits == '0' && p - digits > 1);
    if (UNLIKELY(more || odd || x > TAPE_SMALL_MAX || r->literals))
        return read_any_number(r, s);
    x = negative ? -x : x;
    tape_put_u32(s.out, tape_header(TAPE_SMALL, (uint32_t)x & TAPE_PAYLOAD_MAX));
    return (struct spot){p, s.out + 4};
}

static struct spot read_word(struct reader *r, struct spot s, const char *word, unsigned kind)
{
    size_t n = strlen(word);
    for (size_t i = 1; i < n; i++)
        if (s.p + i >= r->end || s.p[i] != word[i]) {
            char where[60];
            snprintf(where, sizeof(where), "in literal %s (expecting '%c')", word, word[i]);
            return unexpected(r, s.p + i, where);
        }
    tape_put_u32(s.out, tape_header(kind, 0));
    return (struct spot){s.p + n, s.out + 4};
}

static struct spot read_scalar(struct reader *r, struct spot s)
{
    switch (s.p < r->end ? *s.p : 0) {
    case 't': return read_word(r, s, "true", TAPE_TRUE);
    case 'f': return read_word(r, s, "false", TAPE_FALSE);
    case 'n': return read_word(r, s, "null", TAPE_NULL);
    case '-':
    case '0' ... '9': return read_number(r, s);
    default: return unexpected(r, s.p, "looking for beginning of value");
    }
}

/* ---- containers ---- */

static struct spot too_deep(struct reader *r, struct spot s)
{
    char text[80];
    snprintf(text, sizeof(text), "nested deeper than %d levels", VALUE_DEPTH_MAX);
    return failed(r, json_fail(&r->source, s.p, ERR_TOO_LARGE, text));
}

/* s.p is at the bracket; behind it afterwards. */
ALWAYS_INLINE struct spot open_container(struct reader *r, struct spot s)
{
    if (UNLIKELY(r->depth >= VALUE_DEPTH_MAX))
        return too_deep(r, s);
    struct frame *f = &r->frame[r->depth++];
    f->start = (uint32_t)(s.out - r->w.at);
    f->is_map = *s.p == '{';
    f->base = r->w.n_offset;
    f->seen = 0;
    s.out += 8;
    s.p = skip_blanks(s.p + 1, r->end);
    return s;
}

static struct spot close_large(struct reader *r, struct spot s, const struct frame *f)
{
    bool duplicate = false;
    size_t n = r->w.n_offset - f->base;
    if (n > TAPE_ENTRIES_MAX) {
        char text[80];
        snprintf(text, sizeof(text), "more than %u entries", TAPE_ENTRIES_MAX);
        return failed(r, json_fail(&r->source, s.p, ERR_TOO_LARGE, text));
    }
    r->w.len = (size_t)(s.out - r->w.at);
    uint32_t last = r->w.offset[r->w.n_offset - 1];
    tape_writer_close(&r->w, f->start, f->base, f->is_map ? TAPE_MAP : TAPE_LIST, &duplicate);
    r->duplicates = r->duplicates || duplicate;
    if (duplicate && r->strict) {
        const char *val; /* the sorted entries are still above the stack */
        str key = tape_key(r->w.at + last, &val), next;
        for (size_t i = f->base + 1; i < f->base + n; i++) {
            key = tape_key(r->w.at + r->w.offset[i - 1], &val);
            next = tape_key(r->w.at + r->w.offset[i], &val);
            if (str_eq(key, next))
                break;
        }
        r->depth++;
        return failed(r, say_duplicate(r, s.p, key));
    }
    s.out = r->w.at + r->w.len;
    return s;
}

/* s.p is behind the closing bracket. */
ALWAYS_INLINE struct spot close_container(struct reader *r, struct spot s)
{
    const struct frame *f = &r->frame[--r->depth];
    size_t n = r->w.n_offset - f->base;
    if (UNLIKELY(n > TAPE_WALK_MAX))
        return close_large(r, with_room(r, s), f);
    r->w.n_offset = f->base;
    char *head = r->w.at + f->start;
    tape_put_u32(head, tape_header(f->is_map ? TAPE_MAP : TAPE_LIST, (uint32_t)n << 2));
    tape_put_u32(head + 4, (uint32_t)(s.out - head) - 8);
    return s;
}

static void note_position(struct reader *r, struct spot s)
{
    const char *nl = r->counted; /* a long line is walked once */
    while (nl < s.p && (nl = memchr(nl, '\n', (size_t)(s.p - nl)))) {
        r->line++;
        r->line_start = ++nl;
    }
    r->counted = s.p;
    tape_writer_pos(&r->w, (size_t)(s.out - r->w.at),
                    (struct value_pos){r->line, (uint32_t)(s.p - r->line_start) + 1});
}

/* ---- the loop ---- */

/* Behind a value: commas and closing brackets up to where the next value starts. *ret_done: the
 * root is complete. */
ALWAYS_INLINE struct spot to_next_value(struct reader *r, struct spot s, bool *ret_done)
{
    while (r->depth > 0) {
        bool map = r->frame[r->depth - 1].is_map;
        s.p = skip_blanks(s.p, r->end);
        char c = s.p < r->end ? *s.p : 0;
        if (c == ',') {
            s.p = skip_blanks(s.p + 1, r->end);
            if (map)
                return read_key(r, s);
            tape_writer_entry(&r->w, (size_t)(s.out - r->w.at));
            return s;
        }
        if (UNLIKELY(c != (map ? '}' : ']')))
            return unexpected(r, s.p, map ? "after object key:value pair" : "after array element");
        s.p++;
        s = close_container(r, s);
        if (UNLIKELY(!s.p))
            return s;
    }
    *ret_done = true;
    return s;
}

/* Behind an opening bracket: to the first value inside, or closed again with *ret_empty. */
ALWAYS_INLINE struct spot to_first_value(struct reader *r, struct spot s, bool *ret_empty)
{
    bool map = r->frame[r->depth - 1].is_map;
    *ret_empty = s.p < r->end && *s.p == (map ? '}' : ']');
    if (*ret_empty) {
        s.p++;
        return close_container(r, s);
    }
    if (map)
        return read_key(r, s);
    tape_writer_entry(&r->w, (size_t)(s.out - r->w.at));
    return s;
}

/* An entry of the root that does not stand in the text; key and text are plain. */
static struct spot put_entry(struct reader *r, struct spot s, str key, str text)
{
    size_t at = (size_t)(s.out - r->w.at);
    r->w.len = at;
    char *out = tape_writer_room(&r->w, (size_t)(r->end - s.p) + text.len + key.len + ROOM_MIN);
    tape_writer_entry(&r->w, at);
    *out++ = (char)key.len;
    out = mempcpy(out, key.at, key.len);
    tape_put_u32(out, tape_header(TAPE_TEXT, (uint32_t)text.len));
    out = mempcpy(out + 4, text.at, text.len);
    r->frame[0].seen |= tape_key_bit(tape_key(r->w.at + at, &(const char *){NULL}));
    return (struct spot){s.p, out};
}

static struct spot put_kind(struct reader *r, struct spot s)
{
    if (r->frame[0].is_map && r->kind.len) {
        s = put_entry(r, s, STR("kind"), r->kind);
        s = put_entry(r, s, STR("apiVersion"), r->api_version);
    }
    return s;
}

static struct spot read_root(struct reader *r, struct spot s)
{
    bool done = false;
    s.p = skip_blanks(s.p, r->end);
    while (!done) {
        s = with_room(r, s);
        if (UNLIKELY(r->positions))
            note_position(r, s);
        char c = s.p < r->end ? *s.p : 0;
        if (c == '"') {
            s.p++;
            s = read_text(r, s);
        } else if (c == '{' || c == '[') {
            bool empty = false;
            s = open_container(r, s);
            if (UNLIKELY(r->depth == 1 && s.p))
                s = put_kind(r, s);
            if (s.p)
                s = to_first_value(r, s, &empty);
            if (s.p && !empty)
                continue;
        } else {
            s = read_scalar(r, s);
        }
        if (UNLIKELY(!s.p))
            return s;
        s = to_next_value(r, s, &done);
        if (UNLIKELY(!s.p))
            return s;
    }
    s.p = skip_blanks(s.p, r->end);
    return s.p < r->end ? unexpected(r, s.p, "after top-level value") : s;
}

static const struct json_input defaults;

static unsigned keeps(const struct json_input *in)
{
    return (in->keep_positions ? DOC_KEEP_POSITIONS : 0) |
           (in->keep_literals ? DOC_KEEP_LITERALS : 0);
}

/* The document again, of a tree in which later values replaced earlier ones. */
static struct doc *without_duplicates(struct doc *take_d, const struct json_input *in)
{
    struct arena a;
    arena_init(&a, SIZE_MAX / 4);
    struct doc *clean = doc_freeze(value_thaw(&a, doc_root(take_d)), keeps(in));
    arena_done(&a);
    doc_unref(take_d);
    return clean;
}

static int parse(str text, const struct json_input *in, str kind, str api_version, struct doc **ret,
                 struct err *err)
{
    size_t most = MIN_OF(in->bytes_max ? in->bytes_max : JSON_BYTES_MAX, JSON_BYTES_MAX);
    if (text.len > most)
        return err_set(err, ERR_TOO_LARGE, "%.*s%sJSON text of %zu bytes is larger than %zu",
                       STR_FMT(in->name), in->name.len ? ": " : "", text.len, most);
    if (!text.at)
        text = STR("");
    struct reader r; /* its frames are large and need no zeroes */
    r.source = (struct json_source){text, in, err};
    r.end = text.at + text.len;
    r.positions = in->keep_positions;
    r.literals = in->keep_literals;
    r.strict = in->strict;
    r.duplicates = false;
    r.line_start = r.counted = text.at;
    r.line = 1;
    r.depth = 0;
    r.kind = kind;
    r.api_version = api_version;
    tape_writer_init(&r.w, text.len + text.len / 4 + 256);
    struct spot s = read_root(&r, (struct spot){text.at, r.w.at + r.w.len});
    if (!s.p) {
        tape_writer_drop(&r.w);
        return r.result;
    }
    r.w.len = (size_t)(s.out - r.w.at);
    struct doc *d = tape_writer_finish(&r.w);
    *ret = r.duplicates ? without_duplicates(d, in) : d;
    return 0;
}

int json_parse_doc(str text, const struct json_input *in, struct doc **ret, struct err *err)
{
    return parse(text, in ? in : &defaults, STR(""), STR(""), ret, err);
}

/* Add what a document lacks after all. */
static struct doc *with_kind(struct doc *take_d, str kind, str api_version)
{
    value root = doc_root(take_d);
    if (!value_is_map(root) ||
        (value_exists(value_getz(root, "kind")) && value_exists(value_getz(root, "apiVersion"))))
        return take_d;
    struct arena a;
    arena_init(&a, SIZE_MAX / 4);
    value whole = value_new_map(&a);
    value_setz(&a, whole, "kind", value_borrow_str(&a, kind));
    value_setz(&a, whole, "apiVersion", value_borrow_str(&a, api_version));
    for (struct value_iter it = value_iter(root); value_next(&it);)
        value_set_borrow_key(&a, whole, it.key, it.val);
    struct doc *d = doc_freeze(whole, 0);
    arena_done(&a);
    doc_unref(take_d);
    return d;
}

/* Objects of custom resources start with their apiVersion and kind, built-in ones have none.
 * Putting them in front of one that has its own would make a duplicate, which is slow; so the first
 * key is looked at and the rest repaired. */
int json_parse_item(str text, str kind, str api_version, struct doc **ret, struct err *err)
{
    bool own = str_starts(text, STR("{\"apiVersion\"")) || str_starts(text, STR("{\"kind\""));
    bool plain = kind.len < TAPE_KEY_LONG && text_is_plain(kind) &&
                 api_version.len < TAPE_KEY_LONG && text_is_plain(api_version);
    bool front = kind.len && api_version.len && !own && plain;
    int r = parse(text, &defaults, front ? kind : STR(""), front ? api_version : STR(""), ret, err);
    if (r == 0 && !front && kind.len && api_version.len)
        *ret = with_kind(*ret, kind, api_version);
    return r;
}

int json_parse(str text, const struct json_input *in, struct arena *a, value *ret, struct err *err)
{
    struct doc *d = NULL;
    int r = json_parse_doc(text, in, &d, err);
    if (r)
        return r;
    value_hold(a, doc_root(d));
    *ret = value_thaw(a, doc_root(d));
    doc_unref(d);
    return 0;
}
