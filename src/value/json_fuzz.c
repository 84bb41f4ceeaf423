/* value/json_fuzz.c: hostile JSON. Both parsers agree in result and message; what is printed parses
 * to the same; freezing, packing and the push parser change nothing. */
#include <assert.h>

#include "value/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
    struct arena *arena;
    struct buf text;
};

static int see(void *arg, struct doc *take_item, struct err *err)
{
    struct seen *s = arg;
    json_print(doc_root(take_item), AUDIENCE_WIRE, 0, &s->text);
    buf_addc(&s->text, '\n');
    doc_unref(take_item);
    return 0;
}

/* The objects that a stream gives when it is fed in two pieces. */
static str streamed(struct arena *a, enum json_stream_kind kind, str text, size_t cut, int *ret_r)
{
    struct seen s = {a, BUF_INIT};
    struct err err;
    struct doc *meta = NULL;
    struct json_stream *js = json_stream_new(kind, 1 << 20, see, &s);
    int r = json_stream_add(js, str_sub(text, 0, cut), &err);
    r = r ? r : json_stream_add(js, str_from(text, cut), &err);
    r = r ? r : json_stream_end(js, &meta, &err);
    doc_unref(meta);
    json_stream_free(js);
    *ret_r = r;
    str out = arena_str(a, buf_str(&s.text));
    buf_done(&s.text);
    return out;
}

static void check_same(struct arena *a, value x, value y)
{
    assert(value_identical(x, y));
    assert(str_eq(json_str(a, x, AUDIENCE_WIRE, 0), json_str(a, y, AUDIENCE_WIRE, 0)));
    assert(str_eq(json_str(a, x, AUDIENCE_DISPLAY, JSON_SORT_KEYS),
                  json_str(a, y, AUDIENCE_DISPLAY, JSON_SORT_KEYS)));
}

static void check_pack(struct arena *a, const struct doc *d)
{
    CLEANUP(buf_done) struct buf b = BUF_INIT;
    struct doc *back = NULL;
    int r = 0;
    doc_pack(d, &b);
    r = doc_unpack(buf_str(&b), &back, NULL);
    assert(r == 0);
    (void)r;
    check_same(a, doc_root(d), doc_root(back));
    doc_unref(back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a;
    struct err err = {0}, err_doc = {0};
    value v = VALUE_ABSENT, again = VALUE_ABSENT;
    struct doc *d = NULL;
    if (size < 1 || size > 1 << 16)
        return 0;
    struct json_input in = {.strict = data[0] & 1,
                            .keep_literals = data[0] & 2,
                            .keep_positions = data[0] & 4,
                            .exact_uint64 = data[0] & 8};
    str text = str_mem(data + 1, size - 1);
    arena_init(&a, ARENA_BYTES_DEFAULT);
    int r = json_parse(text, &in, &a, &v, &err), rd = json_parse_doc(text, &in, &d, &err_doc);
    assert(r == rd);
    if (r) {
        assert(str_eq(err_str(&err), err_str(&err_doc)));
    } else {
        struct doc *frozen = doc_freeze(v, DOC_KEEP_POSITIONS | DOC_KEEP_LITERALS);
        check_same(&a, v, doc_root(d));
        check_same(&a, v, doc_root(frozen));
        check_same(&a, v, value_copy(&a, doc_root(d)));
        str printed = json_str(&a, v, AUDIENCE_WIRE, JSON_SORT_KEYS);
        r = json_parse(printed, &in, &a, &again, &err);
        assert(r == 0);
        /* "-0.0" is a double that prints as -0, which reads as the integer 0 */
        assert(str_has(printed, STR("-0")) ||
               str_eq(printed, json_str(&a, again, AUDIENCE_WIRE, JSON_SORT_KEYS)));
        check_pack(&a, d);
        doc_unref(frozen);
    }
    for (enum json_stream_kind kind = JSON_STREAM_LIST; kind <= JSON_STREAM_LINES; kind++) {
        int whole, cut;
        str x = streamed(&a, kind, text, text.len, &whole);
        str y = streamed(&a, kind, text, data[0] % (text.len + 1), &cut);
        assert(whole == cut && str_eq(x, y));
    }
    doc_unref(d);
    arena_done(&a);
    return 0;
}
