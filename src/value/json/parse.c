/* value/json/parse.c: JSON text straight into a frozen document, in one pass.
 *
 * The text is walked once by a loop without recursion. Where strings end is taken from an index
 * that is made a piece ahead (text_index.h), so nothing waits for the search of one end before the
 * next can be looked for; a usual string is copied without looking at its bytes. Anything unusual
 * is done in json/rare.c.
 *
 * `struct json_spot` holds what everything moves, passed and returned by value so that it stays in
 * registers: a store through the tape's char pointer would else make the compiler reload it.
 *
 * Room: before every value the tape has room for the rest of the text and JSON_ROOM_MIN bytes; a
 * token other than an invalid byte never takes more than its own length and JSON_ROOM_MIN.
 *
 * Duplicate keys: every open map keeps a set of 256 bits of key hashes; a bit that is already set
 * makes us look. Maps with more than TAPE_SEARCH_MAX keys find them when they are sorted for their
 * index. The first duplicate is an error when strict; otherwise the tape is written again from a
 * tree in which the last value won. */
#include "value/json.h"
#include "value/json/parse.h"
#include "value/json/reader.h"
#include "value/text.h"
#include "value/text_scan.h"

#define ALWAYS_INLINE static inline __attribute__((always_inline))
#define LIKELY(x) __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)

static struct json_spot failed(struct json_reader *r, int result)
{
    r->result = result;
    return (struct json_spot){0};
}

static struct json_spot unexpected(struct json_reader *r, const char *at, const char *where)
{
    return failed(r, json_unexpected(&r->source, at, where));
}

ALWAYS_INLINE struct json_spot rarely(struct json_reader *r, struct json_spot s, json_rare_fn *go)
{
    r->at = s;
    return LIKELY(go(r)) ? r->at : (struct json_spot){0};
}

/* What has to be done before a value: one comparison unless positions are kept. */
ALWAYS_INLINE struct json_spot before_value(struct json_reader *r, struct json_spot s)
{
    ptrdiff_t behind = (ptrdiff_t)((uintptr_t)s.out - (uintptr_t)s.p);
    return UNLIKELY(behind > r->spare) ? rarely(r, s, json_rare_value) : s;
}

/* ---- single bytes ---- */

/* The byte at s.p; 0 at the end of the text, which no rule of the grammar wants. */
ALWAYS_INLINE char byte_at(const struct json_reader *r, struct json_spot s)
{
    return s.p < r->end ? *s.p : 0;
}

static inline bool is_blank(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

static const char *skip_blanks(const char *p, const char *end)
{
    while (p < end && is_blank(*p))
        p++;
    return p;
}

/* To the byte that is wanted; false: another one is there. It is compared before blanks are thought
 * of: objects from an API server have none. */
ALWAYS_INLINE bool find_byte(const struct json_reader *r, struct json_spot *io, char wanted)
{
    if (LIKELY(byte_at(r, *io) == wanted))
        return true;
    io->p = skip_blanks(io->p, r->end);
    return byte_at(r, *io) == wanted;
}

/* Over blanks, where several bytes are possible. */
ALWAYS_INLINE char next_byte(const struct json_reader *r, struct json_spot *io)
{
    char c = byte_at(r, *io);
    if (UNLIKELY((unsigned char)c <= ' ')) {
        io->p = skip_blanks(io->p, r->end);
        c = byte_at(r, *io);
    }
    return c;
}

/* ---- strings ---- */

/* True when the string whose opening quote is at s.p is plain and can be copied 32 bytes at a time;
 * *ret_len: its bytes. Not so: it is odd, or the text ends soon, or the next piece of the index is
 * needed, or line breaks were passed. */
ALWAYS_INLINE bool is_easy_string(const struct json_reader *r, struct json_spot s,
                                  uint32_t *ret_len)
{
    uint32_t open = (uint32_t)(s.p - r->text), close;
    if (UNLIKELY(*s.special != open))
        return false;
    close = s.special[1];
    *ret_len = close - open - 1;
    return LIKELY(close < r->fast_end) && r->text[close] == '"';
}

/* Behind an easy string that was copied to s.out. */
ALWAYS_INLINE struct json_spot copy_easy_string(struct json_spot s, uint32_t len)
{
    s.out = text_copy_run(s.out, s.p + 1, len);
    s.p += len + 2;
    s.special += 2;
    return s;
}

/* s.p is at the opening quote. */
ALWAYS_INLINE struct json_spot read_text(struct json_reader *r, struct json_spot s)
{
    uint32_t len;
    if (UNLIKELY(!is_easy_string(r, s, &len) || len > TAPE_PAYLOAD_MAX))
        return rarely(r, s, json_rare_text);
    tape_put_u32(s.out, tape_header(TAPE_TEXT, len));
    s.out += 4;
    return copy_easy_string(s, len);
}

/* A key and its colon; s.p is where the quote should be. The key takes no more of the tape than of
 * the text, but for two bytes of an odd one. */
ALWAYS_INLINE struct json_spot read_key(struct json_reader *r, struct json_spot s)
{
    uint32_t len;
    uint64_t hash;
    if (UNLIKELY(!find_byte(r, &s, '"')))
        return unexpected(r, s.p, "looking for beginning of object key string");
    const char *at = s.p, *val;
    size_t start = (size_t)(s.out - r->w.at);
    if (LIKELY(is_easy_string(r, s, &len) && len < TAPE_KEY_LONG)) {
        hash = tape_key_hash(str_mem(at + 1, len));
        *s.out++ = (char)len;
        s = copy_easy_string(s, len);
    } else {
        s = rarely(r, s, json_rare_key);
        if (!s.p)
            return s;
        hash = tape_key_hash(tape_key(r->w.at + start, &val));
    }
    if (UNLIKELY(json_frame_add(s.frame, hash)) &&
        !json_rare_duplicate(r, s.frame, at, tape_key(r->w.at + start, &val)))
        return (struct json_spot){0};
    s.frame->entries++;
    if (UNLIKELY(!find_byte(r, &s, ':')))
        return unexpected(r, s.p, "after object key");
    s.p++;
    return s;
}

/* ---- other scalars ---- */

/* Integers of up to eight digits, which is nearly all of them, here. */
ALWAYS_INLINE struct json_spot read_number(struct json_reader *r, struct json_spot s)
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
        return rarely(r, s, json_rare_number);
    x = negative ? -x : x;
    tape_put_u32(s.out, tape_header(TAPE_SMALL, (uint32_t)x & TAPE_PAYLOAD_MAX));
    s.out += 4;
    s.p = p;
    return s;
}

static struct json_spot bad_word(struct json_reader *r, const char *p, const char *word)
{
    char where[60];
    size_t i = 1;
    while (p + i < r->end && p[i] == word[i])
        i++;
    snprintf(where, sizeof(where), "in literal %s (expecting '%c')", word, word[i]);
    return unexpected(r, p + i, where);
}

/* true, false or null; the first letter is right. */
ALWAYS_INLINE struct json_spot read_word(struct json_reader *r, struct json_spot s,
                                         const char *word, unsigned kind)
{
    size_t n = strlen(word);
    if (UNLIKELY((size_t)(r->end - s.p) < n || memcmp(s.p, word, n) != 0))
        return bad_word(r, s.p, word);
    tape_put_u32(s.out, tape_header(kind, 0));
    s.out += 4;
    s.p += n;
    return s;
}

ALWAYS_INLINE struct json_spot read_scalar(struct json_reader *r, struct json_spot s)
{
    switch (byte_at(r, s)) {
    case 't': return read_word(r, s, "true", TAPE_TRUE);
    case 'f': return read_word(r, s, "false", TAPE_FALSE);
    case 'n': return read_word(r, s, "null", TAPE_NULL);
    case '-':
    case '0' ... '9': return read_number(r, s);
    default: return unexpected(r, s.p, "looking for beginning of value");
    }
}

/* ---- containers ---- */

static struct json_spot too_deep(struct json_reader *r, struct json_spot s)
{
    char text[80];
    snprintf(text, sizeof(text), "nested deeper than %d levels", VALUE_DEPTH_MAX);
    return failed(r, json_fail(&r->source, s.p, ERR_TOO_LARGE, text));
}

/* `{}` and `[]`, which are a third of the values in live objects, need no frame. False: it is
 * something else. */
ALWAYS_INLINE bool read_empty(const struct json_reader *r, struct json_spot *io)
{
    const char *p = io->p;
    char open = *p;
    if (r->end - p < 2 || p[1] != open + 2)
        return false;
    tape_put_u32(io->out, tape_header(open == '{' ? TAPE_MAP : TAPE_LIST, 0));
    tape_put_u32(io->out + 4, 0);
    io->out += 8;
    io->p += 2;
    return true;
}

/* s.p is at the bracket; behind it and blanks afterwards. */
ALWAYS_INLINE struct json_spot open_container(struct json_reader *r, struct json_spot s)
{
    char end = (char)(*s.p + 2); /* as ASCII has it, for both kinds */
    *++s.frame = (struct json_frame){.start = (uint32_t)(s.out - r->w.at), .end = end};
    s.out += 8;
    s.p++;
    if (UNLIKELY(s.frame == r->frames + 1 && end == '}' && r->kind.len)) {
        s = rarely(r, s, json_rare_kind);
        if (!s.p)
            return s;
    }
    next_byte(r, &s);
    return s;
}

/* s.p is at the closing bracket. */
ALWAYS_INLINE struct json_spot close_container(struct json_reader *r, struct json_spot s)
{
    const struct json_frame *f = s.frame;
    s.p++;
    if (LIKELY(f->entries <= TAPE_WALK_MAX)) {
        char *head = r->w.at + f->start;
        tape_put_u32(head, tape_header(f->end == '}' ? TAPE_MAP : TAPE_LIST, f->entries << 2));
        tape_put_u32(head + 4, (uint32_t)(s.out - head) - 8);
    } else {
        s = rarely(r, s, json_rare_close);
        if (UNLIKELY(!s.p))
            return s;
    }
    s.frame--;
    return s;
}

/* ---- the loop ---- */

/* Where an entry should begin in the innermost container: to its value. */
ALWAYS_INLINE struct json_spot to_value(struct json_reader *r, struct json_spot s)
{
    if (s.frame->end == '}')
        s = read_key(r, s);
    else
        s.frame->entries++;
    if (UNLIKELY(!s.p))
        return s;
    next_byte(r, &s);
    return before_value(r, s);
}

/* The value at s.p; a container that is not empty is only entered. */
ALWAYS_INLINE struct json_spot read_value(struct json_reader *r, struct json_spot s,
                                          bool *ret_entered)
{
    char c = byte_at(r, s);
    *ret_entered = false;
    if (c == '"')
        return read_text(r, s);
    if (c != '{' && c != '[')
        return read_scalar(r, s);
    if (UNLIKELY(s.frame >= r->frames + VALUE_DEPTH_MAX))
        return too_deep(r, s);
    if (LIKELY(s.frame > r->frames) && read_empty(r, &s))
        return s;
    s = open_container(r, s);
    if (UNLIKELY(!s.p))
        return s;
    if (byte_at(r, s) == s.frame->end)
        return close_container(r, s);
    *ret_entered = true;
    return s;
}

/* Behind a value: over a comma to where the next entry begins, or over closing brackets out of the
 * root. */
ALWAYS_INLINE struct json_spot to_entry(struct json_reader *r, struct json_spot s)
{
    while (s.frame->end) {
        char c = next_byte(r, &s), end = s.frame->end;
        if (c == ',') {
            s.p++;
            return s;
        }
        if (UNLIKELY(c != end)) {
            bool map = end == '}';
            return unexpected(r, s.p, map ? "after object key:value pair" : "after array element");
        }
        s = close_container(r, s);
        if (UNLIKELY(!s.p))
            return s;
    }
    return s;
}

static struct json_spot read_root(struct json_reader *r, struct json_spot s)
{
    do {
        bool entered = false;
        s = to_value(r, s);
        if (LIKELY(s.p))
            s = read_value(r, s, &entered);
        if (LIKELY(s.p) && !entered)
            s = to_entry(r, s);
        if (UNLIKELY(!s.p))
            return s;
    } while (s.frame->end);
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
    struct json_reader r; /* its frames are large and need no zeroes */
    r.source = (struct json_source){text, in, err};
    r.text = text.at;
    r.end = text.at + text.len;
    r.fast_end = text.len > 32 ? (uint32_t)text.len - 32 : 0;
    r.positions = in->keep_positions;
    r.literals = in->keep_literals;
    r.strict = in->strict;
    r.duplicates = false;
    r.line_start = r.counted = text.at;
    r.line = 1;
    r.kind = kind;
    r.api_version = api_version;
    r.frames[0] = (struct json_frame){0};
    tape_writer_init(&r.w, text.len + text.len / 4 + 256);
    r.w.fixed = in->keep_literals;
    json_measure_spare(&r);
    const uint32_t *special = text_index_init(&r.index, text, text_index_best_way());
    struct json_spot start = {text.at, r.w.at + r.w.len, special, r.frames};
    struct json_spot s = read_root(&r, start);
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
