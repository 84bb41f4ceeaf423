/* value/bind/proto.c */
#include "value/bind_proto.h"

#include <math.h>

#include "base/digest.h"
#include "base/time.h"
#include "value/bind/table.h"
#include "value/json.h"

enum wire { WIRE_VARINT = 0, WIRE_FIXED64 = 1, WIRE_BYTES = 2, WIRE_FIXED32 = 5 };

#define FREE_FORM_NUMBER                                                                           \
    1 /* of the JSON text in runtime.RawExtension, apiextensions' JSON and FieldsV1 */

/* The table of a single value; NULL: none, or free-form. */
static const struct bind_table *table_of(const struct bind_field *f)
{
    if (f->type == BIND_METADATA)
        return &bind_metadata_table;
    return f->type == BIND_OBJECT && !(f->flags & BIND_KEEP_UNKNOWN) ? f->table : NULL;
}

static bool is_free_form(const struct bind_field *f)
{
    return f->type == BIND_ANY || (f->type == BIND_OBJECT && !table_of(f));
}

/* ---- writing ---- */

static void put_varint(struct buf *out, uint64_t x)
{
    for (; x >= 0x80; x >>= 7)
        buf_addc(out, (char)(x | 0x80));
    buf_addc(out, (char)x);
}

static void put_tag(struct buf *out, unsigned number, enum wire wire)
{
    put_varint(out, (uint64_t)number << 3 | wire);
}

static void put_bytes(struct buf *out, unsigned number, str bytes)
{
    put_tag(out, number, WIRE_BYTES);
    put_varint(out, bytes.len);
    buf_add(out, bytes);
}

static void put_int(struct buf *out, unsigned number, int64_t i)
{
    put_tag(out, number, WIRE_VARINT);
    put_varint(out, (uint64_t)i);
}

/* A length-delimited part whose bytes follow; length_end puts the length in front of them. */
static size_t length_start(struct buf *out, unsigned number)
{
    put_tag(out, number, WIRE_BYTES);
    return out->len;
}

static void length_end(struct buf *out, size_t start)
{
    char digits[10];
    size_t n = 0, len = out->len - start;
    for (uint64_t x = len; n == 0 || x > 0; x >>= 7)
        digits[n++] = (char)((x & 0x7f) | (x >= 0x80 ? 0x80 : 0));
    if (!buf_reserve(out, n))
        return;
    memmove(out->at + start + n, out->at + start, len);
    memcpy(out->at + start, digits, n);
    buf_advance(out, n);
}

static void put_time(struct buf *out, unsigned number, value v)
{
    usec at;
    size_t start = length_start(out, number);
    if (time_parse(value_str(v), &at)) {
        int64_t seconds = at / USEC_PER_SEC - (at % USEC_PER_SEC < 0);
        put_int(out, 1, seconds);
        put_int(out, 2, (at - seconds * USEC_PER_SEC) * 1000);
    }
    length_end(out, start);
}

static void put_int_or_string(struct buf *out, unsigned number, value v)
{
    size_t start = length_start(out, number);
    put_int(out, 1, value_is_string(v));
    put_int(out, 2, value_int(v));
    put_bytes(out, 3, value_str(v));
    length_end(out, start);
}

static void put_free_form(struct buf *out, unsigned number, value v)
{
    size_t start = length_start(out, number), raw = length_start(out, FREE_FORM_NUMBER);
    json_print(v, AUDIENCE_WIRE, 0, out);
    length_end(out, raw);
    length_end(out, start);
}

static void put_base64(struct buf *out, unsigned number, value v)
{
    struct arena a;
    str bytes = STR("");
    arena_init(&a, BIND_PROTO_BYTES_MAX * 2);
    if (base64_parse(&a, value_str(v), &bytes))
        put_bytes(out, number, bytes);
    arena_done(&a);
}

static void put_double(struct buf *out, unsigned number, double d)
{
    put_tag(out, number, WIRE_FIXED64);
    buf_add(out, str_mem(&d, sizeof(d))); /* little-endian hosts, as everywhere in this form */
}

static void put_single(struct buf *out, const struct bind_field *f, unsigned number, value v)
{
    if (is_free_form(f)) {
        put_free_form(out, number, v);
        return;
    }
    switch (f->type) {
    case BIND_STRING: put_bytes(out, number, value_str(v)); break;
    case BIND_BOOL: put_int(out, number, value_bool(v)); break;
    case BIND_INT32:
    case BIND_INT64: put_int(out, number, value_int(v)); break;
    case BIND_DOUBLE: put_double(out, number, value_double(v)); break;
    case BIND_TIME: put_time(out, number, v); break;
    case BIND_BYTES: put_base64(out, number, v); break;
    case BIND_INT_OR_STRING: put_int_or_string(out, number, v); break;
    default: {
        size_t start = length_start(out, number);
        bind_proto_print(table_of(f), v, out);
        length_end(out, start);
    }
    }
}

static void put_map(struct buf *out, const struct bind_field *f, unsigned number, value v)
{
    struct arena a;
    arena_init(&a, ARENA_BYTES_DEFAULT);
    value sorted = value_edit(&a, value_fork(&a, v));
    value_sort_keys(&a, sorted, false);
    for (struct value_iter it = value_iter(sorted); value_next(&it);) {
        size_t start = length_start(out, number);
        put_bytes(out, 1, it.key);
        put_single(out, f, 2, it.val);
        length_end(out, start);
    }
    arena_done(&a);
}

static void put_many(struct buf *out, const struct bind_field *f, unsigned number, value v)
{
    if (f->shape == BIND_MAP && value_is_map(v))
        put_map(out, f, number, v);
    else if (f->shape == BIND_LIST && value_is_list(v))
        for (struct value_iter it = value_iter(v); value_next(&it);)
            put_single(out, f, number, it.val);
}

static void put_field(struct buf *out, const struct bind_field *f, value v)
{
    if (f->shape == BIND_ONE) {
        put_single(out, f, f->number, v);
    } else if (f->flags & BIND_WRAPPED) {
        size_t start = length_start(out, f->number);
        put_many(out, f, 1, v);
        length_end(out, start);
    } else {
        put_many(out, f, f->number, v);
    }
}

/* The row with the lowest number above `after`; NULL: none. Tables are short and mostly in order.
 */
static const struct bind_field *next_row(const struct bind_table *t, unsigned after)
{
    const struct bind_field *best = NULL;
    for (size_t i = 0; i < t->n_fields; i++)
        if (t->field[i].number > after && (!best || t->field[i].number < best->number))
            best = &t->field[i];
    return best;
}

void bind_proto_print(const struct bind_table *t, value v, struct buf *out)
{
    for (const struct bind_field *f = next_row(t, 0); f; f = next_row(t, f->number)) {
        value field = value_get(v, str_of(f->name));
        bool null_is_told = is_free_form(f) || f->type == BIND_TIME; /* a zero time is null */
        if (null_is_told ? value_exists(field) : !value_is_nil(field))
            put_field(out, f, field);
    }
}

/* ---- reading ---- */

struct reader {
    struct arena *arena;
    struct err *err;
    unsigned depth;
};

struct wire_field {
    uint64_t number;
    enum wire wire;
    uint64_t x; /* varint, fixed */
    str bytes;
};

static int cut_short(struct reader *r)
{
    return err_set(r->err, ERR_INVALID, "protobuf: unexpected end of the message");
}

static int get_varint(struct reader *r, str *rest, uint64_t *ret)
{
    uint64_t x = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        if (rest->len == 0)
            return cut_short(r);
        uint64_t byte = (unsigned char)rest->at[0];
        *rest = str_from(*rest, 1);
        x |= (byte & 0x7f) << shift;
        if (byte < 0x80) {
            *ret = x;
            return 0;
        }
    }
    return err_set(r->err, ERR_INVALID, "protobuf: integer of more than 64 bits");
}

static int get_fixed(struct reader *r, str *rest, size_t n, uint64_t *ret)
{
    if (rest->len < n)
        return cut_short(r);
    *ret = 0;
    memcpy(ret, rest->at, n);
    *rest = str_from(*rest, n);
    return 0;
}

/* The next field of a message. */
static int get_field(struct reader *r, str *rest, struct wire_field *ret)
{
    uint64_t tag = 0, len = 0;
    int e = get_varint(r, rest, &tag);
    if (e)
        return e;
    *ret = (struct wire_field){.number = tag >> 3, .wire = tag & 7, .bytes = STR("")};
    if (ret->number == 0 || ret->number >> 29)
        return err_set(r->err, ERR_INVALID, "protobuf: illegal tag %llu", (unsigned long long)tag);
    switch (ret->wire) {
    case WIRE_VARINT: return get_varint(r, rest, &ret->x);
    case WIRE_FIXED64: return get_fixed(r, rest, 8, &ret->x);
    case WIRE_FIXED32: return get_fixed(r, rest, 4, &ret->x);
    case WIRE_BYTES: break;
    default: return err_set(r->err, ERR_INVALID, "protobuf: illegal wire type %d", (int)ret->wire);
    }
    e = get_varint(r, rest, &len);
    if (e || len > rest->len)
        return e ? e : cut_short(r);
    ret->bytes = str_sub(*rest, 0, len);
    *rest = str_from(*rest, len);
    return 0;
}

static int get_message(struct reader *r, const struct bind_table *t, str bytes, value *ret);

static int get_time(struct reader *r, str bytes, value *ret)
{
    int64_t seconds = 0;
    bool empty = bytes.len == 0;
    while (bytes.len) {
        struct wire_field w;
        int e = get_field(r, &bytes, &w);
        if (e)
            return e;
        if (w.number == 1 && w.wire == WIRE_VARINT)
            seconds = (int64_t)w.x;
    }
    if (seconds > 253402300799 || seconds < -62135596800)
        return err_set(r->err, ERR_INVALID,
                       "protobuf: time of %lld seconds is outside of year 1 to 9999",
                       (long long)seconds);
    *ret = empty ? value_null(r->arena)
                 : value_borrow_str(r->arena, time_str(r->arena, seconds * USEC_PER_SEC));
    return 0;
}

static int get_int_or_string(struct reader *r, str bytes, value *ret)
{
    uint64_t type = 0, number = 0;
    str text = STR("");
    while (bytes.len) {
        struct wire_field w;
        int e = get_field(r, &bytes, &w);
        if (e)
            return e;
        if (w.number == 1)
            type = w.x;
        else if (w.number == 2)
            number = w.x;
        else if (w.number == 3)
            text = w.bytes;
    }
    *ret = type == 1 ? value_of_str(r->arena, text) : value_of_int(r->arena, (int32_t)number);
    return 0;
}

static int get_free_form(struct reader *r, str bytes, value *ret)
{
    str raw = STR("");
    while (bytes.len) {
        struct wire_field w;
        int e = get_field(r, &bytes, &w);
        if (e)
            return e;
        if (w.number == FREE_FORM_NUMBER)
            raw = w.bytes;
    }
    if (raw.len == 0) {
        *ret = value_null(r->arena);
        return 0;
    }
    return json_parse(raw, NULL, r->arena, ret, r->err);
}

static enum wire wire_of(const struct bind_field *f)
{
    switch (f->type) {
    case BIND_BOOL:
    case BIND_INT32:
    case BIND_INT64: return WIRE_VARINT;
    case BIND_DOUBLE: return WIRE_FIXED64;
    default: return WIRE_BYTES;
    }
}

static int get_single(struct reader *r, const struct bind_field *f, const struct wire_field *w,
                      value *ret)
{
    double d;
    if (w->wire != wire_of(f))
        return err_set(r->err, ERR_INVALID, "protobuf: wire type %d, wanted %d", (int)w->wire,
                       (int)wire_of(f));
    if (is_free_form(f))
        return get_free_form(r, w->bytes, ret);
    switch (f->type) {
    case BIND_STRING: *ret = value_of_str(r->arena, w->bytes); return 0;
    case BIND_BOOL: *ret = value_of_bool(r->arena, w->x != 0); return 0;
    case BIND_INT32: *ret = value_of_int(r->arena, (int32_t)w->x); return 0;
    case BIND_INT64: *ret = value_of_int(r->arena, (int64_t)w->x); return 0;
    case BIND_DOUBLE:
        memcpy(&d, &w->x, sizeof(d));
        *ret = isfinite(d) ? value_of_double(r->arena, d) : value_null(r->arena);
        return 0;
    case BIND_TIME: return get_time(r, w->bytes, ret);
    case BIND_BYTES: *ret = value_borrow_str(r->arena, base64_str(r->arena, w->bytes)); return 0;
    case BIND_INT_OR_STRING: return get_int_or_string(r, w->bytes, ret);
    default: return get_message(r, table_of(f), w->bytes, ret);
    }
}

static value zero_of(struct reader *r, const struct bind_field *f)
{
    switch (wire_of(f)) {
    case WIRE_VARINT:
        return f->type == BIND_BOOL ? value_of_bool(r->arena, false) : value_of_int(r->arena, 0);
    case WIRE_FIXED64: return value_of_double(r->arena, 0);
    default:
        return f->type == BIND_OBJECT || f->type == BIND_METADATA
                   ? value_new_map(r->arena)
                   : value_borrow_str(r->arena, STR(""));
    }
}

static int get_map_entry(struct reader *r, const struct bind_field *f, str bytes, value map)
{
    str key = STR("");
    value v = VALUE_ABSENT;
    while (bytes.len) {
        struct wire_field w;
        int e = get_field(r, &bytes, &w);
        if (e == 0 && w.number == 1)
            key = w.bytes;
        else if (e == 0 && w.number == 2)
            e = get_single(r, f, &w, &v);
        if (e)
            return e;
    }
    value_set(r->arena, map, key, value_exists(v) ? v : zero_of(r, f));
    return 0;
}

/* One entry of a list or map. */
static int get_entry(struct reader *r, const struct bind_field *f, const struct wire_field *w,
                     value message)
{
    value v;
    str name = str_of(f->name);
    if (f->shape == BIND_MAP && w->wire == WIRE_BYTES)
        return get_map_entry(r, f, w->bytes, value_edit_map(r->arena, message, name));
    int e = get_single(r, f, w, &v);
    if (e == 0)
        value_push(r->arena, value_edit_list(r->arena, message, name), v);
    return e;
}

static int get_wrapped(struct reader *r, const struct bind_field *f, str bytes, value message)
{
    if (f->shape == BIND_MAP)
        value_edit_map(r->arena, message, str_of(f->name));
    else
        value_edit_list(r->arena, message, str_of(f->name));
    while (bytes.len) {
        struct wire_field w;
        int e = get_field(r, &bytes, &w);
        if (e == 0 && w.number == 1)
            e = get_entry(r, f, &w, message);
        if (e)
            return e;
    }
    return 0;
}

static int get_row(struct reader *r, const struct bind_field *f, const struct wire_field *w,
                   value message)
{
    value v;
    if (f->flags & BIND_WRAPPED && w->wire == WIRE_BYTES)
        return get_wrapped(r, f, w->bytes, message);
    if (f->shape != BIND_ONE)
        return get_entry(r, f, w, message);
    int e = get_single(r, f, w, &v);
    if (e == 0)
        value_set_borrow_key(r->arena, message, str_of(f->name), v);
    return e;
}

static bool is_zero(value v)
{
    switch (value_type(v)) {
    case VALUE_BOOL: return !value_bool(v);
    case VALUE_INT: return value_int(v) == 0;
    case VALUE_DOUBLE: return value_double(v) == 0;
    case VALUE_STRING: return value_str(v).len == 0;
    case VALUE_MAP: return value_len(v) == 0;
    default: return value_is_nil(v);
    }
}

/* What omitempty leaves out. Required times stay as null. */
static void drop_zeroes(const struct bind_table *t, value message)
{
    for (size_t i = 0; i < t->n_fields; i++) {
        const struct bind_field *f = &t->field[i];
        bool kept = f->flags & (BIND_REQUIRED | BIND_POINTER) || f->type == BIND_INT_OR_STRING ||
                    f->shape != BIND_ONE;
        if (!kept && is_zero(value_get(message, str_of(f->name))))
            value_remove(message, str_of(f->name));
    }
}

static int get_message(struct reader *r, const struct bind_table *t, str bytes, value *ret)
{
    value message = value_new_map(r->arena);
    if (++r->depth > VALUE_DEPTH_MAX)
        return err_set(r->err, ERR_TOO_LARGE, "protobuf: nested deeper than %d levels",
                       VALUE_DEPTH_MAX);
    while (bytes.len) {
        struct wire_field w;
        const struct bind_field *f = NULL;
        int e = get_field(r, &bytes, &w);
        for (size_t i = 0; e == 0 && !f && i < t->n_fields; i++)
            f = t->field[i].number == w.number ? &t->field[i] : NULL;
        if (f && get_row(r, f, &w, message))
            return err_wrap(r->err, "%s.%s", t->name, f->name);
        if (e)
            return err_wrap(r->err, "%s", t->name);
    }
    drop_zeroes(t, message);
    r->depth--;
    *ret = message;
    return 0;
}

int bind_proto_parse(struct arena *a, const struct bind_table *t, str bytes, value *ret,
                     struct err *err)
{
    struct err scratch;
    struct reader r = {a, err ? err : &scratch, 0};
    if (bytes.len > BIND_PROTO_BYTES_MAX)
        return err_set(err, ERR_TOO_LARGE, "protobuf message of %zu bytes is larger than %zu",
                       bytes.len, BIND_PROTO_BYTES_MAX);
    return get_message(&r, t, bytes, ret);
}
