/* value/json/rare.c: the half of the JSON reader that few values need. Its functions take the spot
 * from the reader and leave it there, so that the other half may keep it in registers. */
#include <assert.h>

#include "value/json.h"
#include "value/json/reader.h"
#include "value/json/string.h"
#include "value/number.h"
#include "value/text.h"

static bool failed(struct json_reader *r, int result)
{
    r->result = result;
    return false;
}

static bool too_long(struct json_reader *r, const char *at, const char *what, size_t bytes_max)
{
    char text[80];
    snprintf(text, sizeof(text), "%s longer than %zu bytes", what, bytes_max);
    return failed(r, json_fail(&r->source, at, ERR_TOO_LARGE, text));
}

/* ---- before a value ---- */

void json_measure_spare(struct json_reader *r)
{
    uintptr_t most = (uintptr_t)r->w.at + r->w.cap - JSON_ROOM_MIN - TAPE_SLACK;
    r->spare = r->positions ? PTRDIFF_MIN : (ptrdiff_t)(most - (uintptr_t)r->end);
}

static bool make_room(struct json_reader *r)
{
    r->w.len = (size_t)(r->at.out - r->w.at);
    r->at.out = tape_writer_room(&r->w, (size_t)(r->end - r->at.p) + JSON_ROOM_MIN);
    json_measure_spare(r);
    return true;
}

static void note_position(struct json_reader *r)
{
    const char *p = r->at.p, *nl = r->counted; /* a long line is walked once */
    while (nl < p && (nl = memchr(nl, '\n', (size_t)(p - nl)))) {
        r->line++;
        r->line_start = ++nl;
    }
    r->counted = p;
    tape_writer_pos(&r->w, (size_t)(r->at.out - r->w.at),
                    (struct value_pos){r->line, (uint32_t)(p - r->line_start) + 1});
}

bool json_rare_value(struct json_reader *r)
{
    make_room(r);
    if (r->positions)
        note_position(r);
    return true;
}

/* ---- strings ---- */

/* From the opening quote to `to_out`; *ret_plain: nothing in it is odd. */
static bool read_string(struct json_reader *r, char *to_out, bool *ret_plain)
{
    uint32_t quote = (uint32_t)(r->at.p - r->text);
    const uint32_t *special = text_index_from(&r->index, r->at.special, quote);
    struct json_string s = {.at = r->at.p + 1, .to = (size_t)(to_out - r->w.at)};
    s.special = text_index_from(&r->index, special + 1, quote);
    int e = json_read_odd_string(&r->source, &r->index, &r->w, &s);
    if (e)
        return failed(r, e);
    r->at.p = s.at;
    r->at.out = r->w.at + s.to;
    r->at.special = s.special;
    *ret_plain = s.plain;
    json_measure_spare(r);
    return true;
}

bool json_rare_text(struct json_reader *r)
{
    size_t start = (size_t)(r->at.out - r->w.at);
    bool plain;
    if (!read_string(r, r->at.out + 4, &plain))
        return false;
    char *head = r->w.at + start;
    size_t len = (size_t)(r->at.out - head) - 4;
    if (len <= TAPE_PAYLOAD_MAX) {
        tape_put_u32(head, tape_header(plain ? TAPE_TEXT : TAPE_ODD_TEXT, (uint32_t)len));
        return true;
    }
    memmove(head + 12, head + 4, len);
    tape_put_u32(head, tape_header(TAPE_BIG_TEXT, 0));
    memcpy(head + 4, &(uint64_t){len}, 8);
    r->at.out += 8;
    return true;
}

/* Most that come here are odd, as the keys of list entries in managedFields. */
bool json_rare_key(struct json_reader *r)
{
    size_t start = (size_t)(r->at.out - r->w.at);
    const char *quote = r->at.p;
    bool plain;
    if (!read_string(r, r->at.out + 5, &plain))
        return false;
    char *head = r->w.at + start;
    size_t len = (size_t)(r->at.out - head) - 5;
    if (len > JSON_KEY_BYTES_MAX)
        return too_long(r, quote, "key", JSON_KEY_BYTES_MAX);
    if (plain && len < TAPE_KEY_LONG) {
        memmove(head + 1, head + 5, len);
        head[0] = (char)len;
        r->at.out -= 4;
    } else {
        head[0] = (char)TAPE_KEY_LONG;
        tape_put_u32(head + 1, (uint32_t)len);
    }
    return true;
}

/* ---- duplicate keys ---- */

/* The key of an entry of an open map; `i` is below its entries. */
static str key_at(const struct json_reader *r, const struct json_frame *f, uint32_t i)
{
    const char *p = r->w.at + f->start + 8, *val;
    str key = tape_key(p, &val);
    for (; i > 0; i--)
        key = tape_key(val + tape_size(val), &val);
    return key;
}

static int say_duplicate(struct json_reader *r, const struct json_frame *f, const char *at, str key)
{
    CLEANUP(buf_done) struct buf text;
    buf_init(&text, 4096);
    const struct json_frame *root = r->frames + 1;
    for (const struct json_frame *g = root; g < f; g++) {
        /* the way to the innermost container: the last entry of each one around it */
        if (g->end == '}')
            buf_printf(&text, "%s%.*s", g > root ? "." : "", STR_FMT(key_at(r, g, g->entries - 1)));
        else
            buf_printf(&text, "[%u]", g->entries - 1);
    }
    buf_printf(&text, "%s%.*s", f > root ? "." : "", STR_FMT(key));
    CLEANUP(buf_done) struct buf quoted;
    buf_init(&quoted, 8192);
    text_quote(str_sub(buf_str(&text), 0, 300), &quoted);
    char say[700];
    snprintf(say, sizeof(say), "duplicate field %.*s", STR_FMT(buf_str(&quoted)));
    return json_fail(&r->source, at, ERR_INVALID, say);
}

bool json_rare_duplicate(struct json_reader *r, const struct json_frame *f, const char *at, str key)
{
    if (f->entries >= TAPE_SEARCH_MAX)
        return true; /* the index will tell */
    const char *p = r->w.at + f->start + 8;
    for (uint32_t i = 0; i < f->entries; i++) {
        const char *val;
        str other = tape_key(p, &val);
        p = val + tape_size(val);
        if (other.len != key.len || memcmp(other.at, key.at, key.len) != 0)
            continue;
        r->duplicates = true;
        return r->strict ? failed(r, say_duplicate(r, f, at, key)) : true;
    }
    return true;
}

/* ---- numbers ---- */

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

bool json_rare_number(struct json_reader *r)
{
    struct json_spot *s = &r->at;
    bool integer;
    str rest = str_mem(s->p, (size_t)(r->end - s->p)), text;
    size_t n = number_scan(rest, &integer);
    if (n == 0)
        return failed(r, json_bad_number(&r->source, s->p));
    if (n > JSON_NUMBER_BYTES_MAX)
        return too_long(r, s->p, "number", JSON_NUMBER_BYTES_MAX);
    text = str_sub(rest, 0, n);
    str literal = r->literals ? text : STR("");
    int64_t i;
    uint64_t u;
    double d;
    if (integer && str_to_i64(text, &i)) {
        s->out = put_wide(s->out, TAPE_INT64, &i, literal);
    } else if (integer && r->source.in->exact_uint64 && str_to_u64(text, &u)) {
        s->out = put_wide(s->out, TAPE_UINT64, &u, literal);
    } else if (number_to_double(text, &d)) {
        s->out = put_wide(s->out, TAPE_DOUBLE, &d, literal);
    } else {
        char say[200];
        snprintf(say, sizeof(say),
                 "json: cannot unmarshal number %.*s into Go value of type float64",
                 (int)MIN_OF(text.len, (size_t)100), text.at);
        return failed(r, json_fail(&r->source, s->p, ERR_INVALID, say));
    }
    s->p += n;
    return true;
}

/* ---- containers ---- */

/* Offsets of the entries of the innermost container, which is complete, for its index. */
static void list_entries(struct json_reader *r)
{
    const struct json_frame *f = r->at.frame;
    size_t at = f->start + 8;
    for (uint32_t i = 0; i < f->entries; i++) {
        const char *val = r->w.at + at;
        tape_writer_entry(&r->w, at);
        if (f->end == '}')
            tape_key(val, &val);
        at = (size_t)(val - r->w.at) + tape_size(val);
    }
}

/* The first key that the sorted entries hold twice; they are still above the writer's stack. */
static str first_duplicate(const struct json_reader *r, uint32_t entries)
{
    const char *val;
    str key = tape_key(r->w.at + r->w.offset[0], &val);
    for (uint32_t i = 1; i < entries; i++) {
        str next = tape_key(r->w.at + r->w.offset[i], &val);
        if (str_eq(key, next))
            break;
        key = next;
    }
    return key;
}

bool json_rare_close(struct json_reader *r)
{
    const struct json_frame *f = r->at.frame;
    bool duplicate = false;
    if (f->entries > TAPE_ENTRIES_MAX) {
        char text[80];
        snprintf(text, sizeof(text), "more than %u entries", TAPE_ENTRIES_MAX);
        return failed(r, json_fail(&r->source, r->at.p, ERR_TOO_LARGE, text));
    }
    r->w.len = (size_t)(r->at.out - r->w.at);
    list_entries(r);
    tape_writer_close(&r->w, f->start, 0, f->end == '}' ? TAPE_MAP : TAPE_LIST, &duplicate);
    r->duplicates = r->duplicates || duplicate;
    if (duplicate && r->strict)
        return failed(r, say_duplicate(r, f, r->at.p, first_duplicate(r, f->entries)));
    r->at.out = r->w.at + r->w.len;
    return make_room(r);
}

/* An entry of the root that does not stand in the text; key and text are plain. */
static void put_entry(struct json_reader *r, str key, str text)
{
    const char *val;
    size_t at = (size_t)(r->at.out - r->w.at);
    r->w.len = at;
    size_t room = (size_t)(r->end - r->at.p) + text.len + key.len + JSON_ROOM_MIN;
    char *out = tape_writer_room(&r->w, room);
    *out++ = (char)key.len;
    out = mempcpy(out, key.at, key.len);
    tape_put_u32(out, tape_header(TAPE_TEXT, (uint32_t)text.len));
    r->at.out = mempcpy(out + 4, text.at, text.len);
    r->at.frame->entries++;
    json_frame_add(r->at.frame, tape_key_hash(tape_key(r->w.at + at, &val)));
}

bool json_rare_kind(struct json_reader *r)
{
    put_entry(r, STR("kind"), r->kind);
    put_entry(r, STR("apiVersion"), r->api_version);
    return make_room(r);
}
