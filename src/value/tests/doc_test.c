/* value/tests/doc_test.c: what documents cost, on live Kubernetes objects (tests/bench), and on the
 * texts that cost most. Speed is the benchmark's (make bench-codec). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "value/doc.h"
#include "value/json.h"

static str read_objects(struct arena *a)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s/tests/bench/objects.jsonl", getenv("TIPHYS_SOURCE_ROOT"));
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    CLEANUP(buf_done) struct buf b;
    buf_init(&b, (size_t)16 << 20);
    char piece[65536];
    for (size_t n; (n = fread(piece, 1, sizeof(piece), f)) > 0;)
        buf_add(&b, str_mem(piece, n));
    fclose(f);
    return arena_str(a, buf_str(&b));
}

static struct doc *parsed(str text)
{
    struct doc *d = NULL;
    assert_int_equal(json_parse_doc(text, NULL, &d, NULL), 0);
    return d;
}

static struct doc *without_managed_fields(struct arena *a, const struct doc *d)
{
    value v = value_edit(a, doc_root(d));
    value_remove(value_edit_map(a, v, STR("metadata")), STR("managedFields"));
    return doc_freeze(v, 0);
}

/* Bytes of all objects: as JSON, frozen, packed; both without managedFields, which a mirror does
 * not keep. */
static void live_objects_are_small_at_rest(void **state)
{
    struct arena a;
    arena_init(&a, ARENA_BYTES_DEFAULT);
    str rest = read_objects(&a), line;
    size_t n = 0, text = 0, frozen = 0, packed = 0;
    while (str_next(&rest, '\n', &line) && line.len) {
        CLEANUP(buf_done) struct buf b = BUF_INIT;
        struct doc *whole = parsed(line), *d = without_managed_fields(&a, whole), *back = NULL;
        text += json_str(&a, doc_root(d), AUDIENCE_WIRE, 0).len;
        frozen += doc_bytes(d);
        doc_pack(d, &b);
        packed += b.len;
        assert_int_equal(doc_unpack(buf_str(&b), &back, NULL), 0);
        assert_true(value_identical(doc_root(d), doc_root(back)));
        doc_unref(whole);
        doc_unref(d);
        doc_unref(back);
        n++;
    }
    print_message("%zu objects: frozen %.3f, packed %.3f of the JSON\n", n,
                  (double)frozen / (double)text, (double)packed / (double)text);
    assert_true(n >= 60);
    assert_true(frozen * 10 <= text * 12);
    assert_true(packed * 4 <= text);
    arena_done(&a);
}

static void equality_and_digest_see_neither_order_nor_positions(void **state)
{
    struct arena a;
    arena_init(&a, ARENA_BYTES_DEFAULT);
    str rest = read_objects(&a), line;
    for (size_t n = 0; n < 10 && str_next(&rest, '\n', &line); n++) {
        struct json_input in = {.keep_positions = true, .keep_literals = true};
        struct doc *d = parsed(line), *placed = NULL;
        str sorted = json_str(&a, doc_root(d), AUDIENCE_WIRE, JSON_SORT_KEYS | JSON_INDENT_2);
        assert_int_equal(json_parse_doc(sorted, &in, &placed, NULL), 0);
        struct sha256 x = value_digest(doc_root(d)), y = value_digest(doc_root(placed));
        assert_true(sha256_eq(&x, &y));
        assert_true(value_equal(doc_root(d), doc_root(placed)));
        value kind = value_getz(doc_root(placed), "kind");
        assert_true(value_pos(kind).line > 1 && value_pos(kind).column > 1);
        assert_int_equal(value_pos(value_getz(doc_root(d), "kind")).line, 0);
        doc_unref(d);
        doc_unref(placed);
    }
    arena_done(&a);
}

/* The texts whose documents are largest: a stated factor bounds them. */
static void no_text_takes_more_than_eight_times_its_bytes(void **state)
{
    static const char *const piece[] = {"0,",    "[],",  "{},",      "\"\",",     "{\"\":0},",
                                        "[[]],", "1e9,", "\"\\n\",", "\"\xff\",", "-1.5e300,"};
    for (size_t i = 0; i < ARRAY_LEN(piece); i++) {
        CLEANUP(buf_done) struct buf b;
        buf_init(&b, 1 << 22);
        buf_addc(&b, '[');
        while (b.len < 1 << 20)
            buf_addz(&b, piece[i]);
        b.len--;
        buf_addc(&b, ']');
        struct doc *d = parsed(buf_str(&b));
        if (doc_bytes(d) > 8 * b.len)
            fail_msg("%s: %zu bytes of %zu", piece[i], doc_bytes(d), b.len);
        doc_unref(d);
    }
}

static void damaged_packs_are_refused(void **state)
{
    struct arena a;
    CLEANUP(buf_done) struct buf b = BUF_INIT;
    arena_init(&a, ARENA_BYTES_DEFAULT);
    str rest = read_objects(&a), line;
    assert_true(str_next(&rest, '\n', &line));
    struct doc *d = parsed(line), *back;
    doc_pack(d, &b);
    for (size_t n = 0; n < b.len; n++) {
        struct err err;
        back = NULL;
        assert_int_equal(doc_unpack(str_sub(buf_str(&b), 0, n), &back, &err), -ERR_INVALID);
        assert_null(back);
    }
    doc_unref(d);
    arena_done(&a);
}

/* Every entry is found by its key and by its place. */
static void assert_reads(value v, value want)
{
    assert_true(value_identical(v, want));
    for (struct value_iter it = value_iter(want); value_next(&it);) {
        value at = value_is_map(want) ? value_get(v, it.key) : value_at(v, it.i);
        assert_true(value_exists(at));
        assert_reads(at, it.val);
    }
}

static void freeze_parts(struct arena *a, value v)
{
    for (struct value_iter it = value_iter(v); value_next(&it);) {
        value around = value_new_map(a);
        value_setz(a, around, "before", value_of_str(a, STR("moves what follows")));
        value_setz(a, around, "part", it.val);
        struct doc *alone = doc_freeze(it.val, 0), *among = doc_freeze(around, 0);
        struct doc *again = doc_freeze(doc_root(among), 0);
        assert_reads(doc_root(alone), it.val);
        assert_reads(value_getz(doc_root(among), "part"), it.val);
        assert_reads(value_getz(doc_root(again), "part"), it.val);
        doc_unref(alone);
        doc_unref(among);
        doc_unref(again);
        freeze_parts(a, it.val);
    }
}

static void a_part_of_a_document_is_the_same_elsewhere(void **state)
{
    struct arena a;
    arena_init(&a, ARENA_BYTES_DEFAULT);
    str rest = read_objects(&a), line;
    for (int i = 0; i < 40 && str_next(&rest, '\n', &line) && line.len; i++) {
        struct arena parts;
        arena_init(&parts, ARENA_BYTES_DEFAULT);
        struct doc *d = parsed(line);
        freeze_parts(&parts, doc_root(d));
        arena_done(&parts);
        doc_unref(d);
    }
    CLEANUP(buf_done) struct buf wide = BUF_INIT; /* with tables of places and of keys */
    buf_addz(&wide, "{\"x\":{\"k\":");
    for (int i = 0; i < 50; i++)
        buf_printf(&wide, "%s\"key-%d\":[%d,%d]", i ? "," : "{", 97 * i % 50, i, i * i);
    buf_addz(&wide, "}},\"y\":[0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19]}");
    struct doc *d = parsed(buf_str(&wide));
    freeze_parts(&a, doc_root(d));
    doc_unref(d);
    assert_int_equal(json_parse_doc(STR("{\"n\":[1.50,100000000000]}"),
                                    &(struct json_input){.keep_literals = true}, &d, NULL),
                     0);
    struct doc *kept = doc_freeze(value_getz(doc_root(d), "n"), DOC_KEEP_LITERALS);
    struct doc *plain = doc_freeze(value_getz(doc_root(d), "n"), 0);
    assert_true(str_is(value_literal(value_at(doc_root(kept), 0)), "1.50"));
    assert_int_equal(value_literal(value_at(doc_root(plain), 0)).len, 0);
    doc_unref(kept);
    doc_unref(plain);
    doc_unref(d);
    arena_done(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(live_objects_are_small_at_rest),
        cmocka_unit_test(a_part_of_a_document_is_the_same_elsewhere),
        cmocka_unit_test(equality_and_digest_see_neither_order_nor_positions),
        cmocka_unit_test(no_text_takes_more_than_eight_times_its_bytes),
        cmocka_unit_test(damaged_packs_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
