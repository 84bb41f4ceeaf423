/* value/tests/value_test.c: the value over both of its forms, and JSON in and out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "value/doc.h"
#include "value/json.h"
#include "value/patch.h"
#include "value/pointer.h"
#include "value/value.h"

struct fixture {
    struct arena arena;
    struct err err;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    arena_init(&f->arena, ARENA_BYTES_DEFAULT);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    arena_done(&f->arena);
    free(f);
    return 0;
}

static value parse(struct fixture *f, const char *text)
{
    value v = VALUE_ABSENT;
    if (json_parse(str_of(text), NULL, &f->arena, &v, &f->err))
        fail_msg("%s", f->err.text);
    return v;
}

static const char *print(struct fixture *f, value v, unsigned flags)
{
    return json_str(&f->arena, v, AUDIENCE_WIRE, flags).at;
}

static value frozen(struct fixture *f, value v)
{
    struct doc *d = doc_freeze(v, DOC_KEEP_POSITIONS | DOC_KEEP_LITERALS);
    value_hold(&f->arena, doc_root(d));
    doc_unref(d);
    return doc_root(d);
}

static void a_text_prints_as_it_was_read(void **state)
{
    struct fixture *f = *state;
    const char *text[] = {
        "null",
        "true",
        "false",
        "0",
        "-1",
        "9223372036854775807",
        "-9223372036854775808",
        "1.5",
        "1e-7",
        "1e+21",
        "100000000000000000000",
        "\"\"",
        "\"a\\\"\\\\\\n\\u003c\\u2028\xc3\xa4\"",
        "[]",
        "{}",
        "[1,[2,{\"a\":null}]]",
        "{\"b\":1,\"a\":{\"c\":[true,false]}}",
        "[1,2,3,4,5,6,7,8,9,10,11]",
        "{\"k9\":1,\"k8\":2,\"k7\":3,\"k6\":4,\"k5\":5,\"k4\":6,\"k3\":7,\"k2\":8,\"k1\":9}",
    };
    for (size_t i = 0; i < ARRAY_LEN(text); i++) {
        value v = parse(f, text[i]);
        assert_string_equal(print(f, v, 0), text[i]);
        assert_string_equal(print(f, frozen(f, v), 0), text[i]);
        assert_true(value_identical(v, frozen(f, v)));
    }
}

static void what_go_normalises_is_normalised(void **state)
{
    struct fixture *f = *state;
    const char *pair[][2] = {
        {" [ 1 , 2 ] ", "[1,2]"},
        {"1.0", "1"},
        {"-0", "0"},
        {"-0.0", "-0"},
        {"1e3", "1000"},
        {"0.000001", "0.000001"},
        {"18446744073709551615", "18446744073709552000"},
        {"\"\\u0041\\/\\ud83d\\ude00\\ud800\"", "\"A/\xf0\x9f\x98\x80\xef\xbf\xbd\""},
        {"\"\xff\"", "\"\xef\xbf\xbd\""},
        {"\"\\u0000\\u001f\\u007f\\b\\f\"", "\"\\u0000\\u001f\x7f\\b\\f\""},
        {"{\"a\":1,\"b\":2,\"a\":3}", "{\"a\":3,\"b\":2}"},
    };
    for (size_t i = 0; i < ARRAY_LEN(pair); i++)
        assert_string_equal(print(f, parse(f, pair[i][0]), 0), pair[i][1]);
}

static void a_syntax_error_names_its_place(void **state)
{
    struct fixture *f = *state;
    const char *pair[][2] = {
        {"", "unexpected end of JSON input"},
        {"{\"a\":", "unexpected end of JSON input"},
        {"[1,]", "invalid character ']' looking for beginning of value"},
        {"{\"a\" 1}", "invalid character '1' after object key"},
        {"{\"a\":1 2}", "invalid character '2' after object key:value pair"},
        {"{a:1}", "invalid character 'a' looking for beginning of object key string"},
        {"[1 2]", "invalid character '2' after array element"},
        {"1 2", "invalid character '2' after top-level value"},
        {"tru", "invalid character ' ' in literal true (expecting 'e')"},
        {"trux", "invalid character 'x' in literal true (expecting 'e')"},
        {"-x", "invalid character 'x' in numeric literal"},
        {"1.x", "invalid character 'x' after decimal point in numeric literal"},
        {"1e+x", "invalid character 'x' in exponent of numeric literal"},
        {"\"\n\"", "invalid character '\\n' in string literal"},
        {"\"\\x\"", "invalid character 'x' in string escape code"},
        {"\"\\u12g4\"", "invalid character 'g' in \\u hexadecimal character escape"},
    };
    struct json_input in = {.bare_errors = true};
    value v;
    for (size_t i = 0; i < ARRAY_LEN(pair); i++) {
        assert_int_equal(json_parse(str_of(pair[i][0]), &in, &f->arena, &v, &f->err), -ERR_INVALID);
        assert_string_equal(f->err.text, pair[i][1]);
    }
    in = (struct json_input){.name = STR("x.json"), .strict = true};
    assert_int_equal(json_parse(STR("{\n \"a\": [{\"b\":1,\n\"b\":2}]}"), &in, &f->arena, &v,
                                &f->err),
                     -ERR_INVALID);
    assert_string_equal(f->err.text, "x.json:3:1: duplicate field \"a[0].b\"");
}

static void input_past_a_bound_is_refused(void **state)
{
    struct fixture *f = *state;
    char deep[2 * VALUE_DEPTH_MAX + 3] = "";
    memset(deep, '[', VALUE_DEPTH_MAX + 1);
    value v;
    assert_int_equal(json_parse(str_of(deep), NULL, &f->arena, &v, &f->err), -ERR_TOO_LARGE);
    assert_string_equal(f->err.text, "line 1 column 201: nested deeper than 200 levels");
    memset(deep + VALUE_DEPTH_MAX, ']', VALUE_DEPTH_MAX);
    assert_int_equal(json_parse(str_of(deep), NULL, &f->arena, &v, &f->err), 0);
    CLEANUP(buf_done) struct buf b = BUF_INIT;
    buf_addz(&b, "[\n1");
    buf_fill(&b, '0', JSON_NUMBER_BYTES_MAX);
    assert_int_equal(json_parse(buf_str(&b), NULL, &f->arena, &v, &f->err), -ERR_TOO_LARGE);
    assert_string_equal(f->err.text, "line 2 column 1: number longer than 10000 bytes");
    buf_reset(&b);
    buf_addz(&b, "{\"");
    buf_fill(&b, 'k', JSON_KEY_BYTES_MAX + 1);
    buf_addz(&b, "\":1}");
    assert_int_equal(json_parse(buf_str(&b), NULL, &f->arena, &v, &f->err), -ERR_TOO_LARGE);
    assert_string_equal(f->err.text, "line 1 column 2: key longer than 1048576 bytes");
    struct json_input in = {.bytes_max = 3};
    assert_int_equal(json_parse(STR("1234"), &in, &f->arena, &v, &f->err), -ERR_TOO_LARGE);
}

static void a_map_finds_each_of_many_keys(void **state)
{
    struct fixture *f = *state;
    for (int n = 1; n < 400; n += 7) {
        value m = value_new_map(&f->arena);
        for (int i = 0; i < n; i++)
            value_set(&f->arena, m, arena_printf(&f->arena, "k%d", i * 7919 % 1000),
                      value_of_int(&f->arena, i));
        value z = frozen(f, m);
        for (int i = 0; i < n; i++) {
            str key = arena_printf(&f->arena, "k%d", i * 7919 % 1000);
            assert_int_equal(value_int(value_get(m, key)), i);
            assert_int_equal(value_int(value_get(z, key)), i);
            assert_true(str_eq(value_key(z, (size_t)i), key));
            assert_int_equal(value_int(value_val(z, (size_t)i)), i);
        }
        assert_false(value_exists(value_getz(z, "k")));
        assert_true(value_equal(m, z));
        for (int i = 0; i < n; i += 2)
            assert_true(value_remove(m, arena_printf(&f->arena, "k%d", i * 7919 % 1000)));
        for (int i = 0; i < n; i++)
            assert_int_equal(value_exists(
                                 value_get(m, arena_printf(&f->arena, "k%d", i * 7919 % 1000))),
                             i % 2);
    }
}

static void an_edit_of_a_frozen_tree_leaves_it_alone(void **state)
{
    struct fixture *f = *state;
    struct doc *d = NULL;
    assert_int_equal(json_parse_doc(STR("{\"a\":{\"b\":[1,2]},\"c\":\"x\"}"), NULL, &d, &f->err),
                     0);
    value v = value_edit(&f->arena, doc_root(d));
    value list = value_edit_list(&f->arena, value_edit_map(&f->arena, v, STR("a")), STR("b"));
    value_push(&f->arena, list, value_of_int(&f->arena, 3));
    value_set_path(&f->arena, v, "s.t.u", value_of_bool(&f->arena, true));
    assert_string_equal(print(f, doc_root(d), 0), "{\"a\":{\"b\":[1,2]},\"c\":\"x\"}");
    doc_unref(d); /* the arena holds it */
    assert_string_equal(print(f, v, 0),
                        "{\"a\":{\"b\":[1,2,3]},\"c\":\"x\",\"s\":{\"t\":{\"u\":true}}}");
    value_set_path(&f->arena, v, "s.t.u", VALUE_ABSENT);
    value_set_path(&f->arena, v, "n.o", VALUE_ABSENT);
    assert_string_equal(print(f, v, 0), "{\"a\":{\"b\":[1,2,3]},\"c\":\"x\",\"s\":{\"t\":{}}}");
}

static void positions_literals_and_marks_survive_freezing(void **state)
{
    struct fixture *f = *state;
    struct json_input in = {.keep_literals = true, .keep_positions = true};
    struct doc *d = NULL;
    assert_int_equal(json_parse_doc(STR("{\n  \"a\": 1.50,\n\n \"b\": [2e0]}"), &in, &d, &f->err),
                     0);
    value a = value_path(doc_root(d), "a"), b = value_at(value_path(doc_root(d), "b"), 0);
    assert_int_equal(value_pos(a).line, 2);
    assert_int_equal(value_pos(a).column, 8);
    assert_int_equal(value_pos(b).line, 4);
    assert_int_equal(value_pos(b).column, 8);
    assert_true(str_is(value_literal(a), "1.50"));
    assert_true(value_double(a) == 1.5);
    assert_int_equal(value_int(b), 2);
    assert_string_equal(print(f, doc_root(d), 0), "{\"a\":1.50,\"b\":[2e0]}");
    doc_unref(d);
    value m = value_new_map(&f->arena), s = value_of_str(&f->arena, STR("secret"));
    value_set_sensitive(s);
    value_setz(&f->arena, m, "s", s);
    assert_string_equal(json_str(&f->arena, frozen(f, m), AUDIENCE_DISPLAY, 0).at,
                        "{\"s\":\"++++++++\"}");
    assert_string_equal(print(f, frozen(f, m), 0), "{\"s\":\"secret\"}");
}

static void people_do_not_see_the_data_of_secrets(void **state)
{
    struct fixture *f = *state;
    value v =
        parse(f, "{\"items\":[{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"metadata\":{\"name\":"
                 "\"n\",\"annotations\":{"
                 "\"kubectl.kubernetes.io/"
                 "last-applied-configuration\":\"{\\\"apiVersion\\\":\\\"v1\\\",\\\"kind\\\":"
                 "\\\"Secret\\\",\\\"stringData\\\":{\\\"a\\\":\\\"hunter2\\\"}}\",\"x\":\"y\"}},"
                 "\"data\":{\"a\":\"aHVudGVyMg==\"},\"stringData\":{\"b\":\"hunter2\"},\"type\":"
                 "\"Opaque\"}]}");
    str shown = json_str(&f->arena, v, AUDIENCE_DISPLAY, 0);
    assert_false(str_has(shown, STR("hunter2")));
    assert_string_equal(
        shown.at,
        "{\"items\":[{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"metadata\":{\"name\":\"n\","
        "\"annotations\":{"
        "\"kubectl.kubernetes.io/"
        "last-applied-configuration\":\"{\\\"apiVersion\\\":\\\"v1\\\",\\\"kind\\\":"
        "\\\"Secret\\\",\\\"stringData\\\":{\\\"a\\\":\\\"++++++++\\\"}}\",\"x\":\"y\"}},"
        "\"data\":{\"a\":\"++++++++\"},\"stringData\":{\"b\":\"++++++++\"},\"type\":\"Opaque\"}]}");
}

static void configured_annotations_of_secrets_are_masked(void **state)
{
    struct fixture *f = *state;
    const str keys[] = {STR_INIT("vault/token")};
    struct json_output o = {AUDIENCE_DISPLAY, 0, keys, 1};
    CLEANUP(buf_done) struct buf b = BUF_INIT;
#define ANNOTATED(kind)                                                                            \
    "{\"apiVersion\":\"v1\",\"kind\":\"" kind "\",\"metadata\":{\"annotations\":{"                 \
    "\"vault/token\":\"t0p\",\"a\":\"b\"}}}"
    const char *secret = ANNOTATED("Secret"), *other = ANNOTATED("ConfigMap");
    json_print_masked(parse(f, secret), &o, &b);
    assert_non_null(strstr(b.at, "{\"vault/token\":\"++++++++\",\"a\":\"b\"}"));
    buf_reset(&b);
    json_print_masked(parse(f, other), &o, &b);
    assert_string_equal(b.at, other);
    buf_reset(&b);
    o.who = AUDIENCE_WIRE;
    json_print_masked(parse(f, secret), &o, &b);
    assert_string_equal(b.at, secret);
}

static void lists_are_changed_in_place(void **state)
{
    struct fixture *f = *state;
    struct arena *a = &f->arena;
    value list = value_new_list(a);
    for (int i = 0; i < 40; i++)
        value_insert(a, list, 0, value_of_int(a, i));
    value_remove_at(list, 39);
    value_remove_at(list, 0);
    value_put(a, list, 0, value_of_str(a, STR("x")));
    value_insert(a, list, value_len(list), value_null(a));
    assert_int_equal(value_len(list), 39);
    assert_true(str_is(value_str(value_at(list, 0)), "x"));
    assert_int_equal(value_int(value_at(list, 37)), 1);
    assert_true(value_is_null(value_at(list, 38)));
    assert_false(value_exists(value_at(list, 39)));
    value z = frozen(f, list);
    for (size_t i = 0; i < 39; i++)
        assert_true(value_identical(value_at(list, i), value_at(z, i)));
}

static void a_fork_does_not_change_its_original(void **state)
{
    struct fixture *f = *state;
    const char *text = "{\"a\":{\"b\":[1,{\"c\":2}]},\"d\":\"e\"}";
    value v = parse(f, text), fork = value_fork(&f->arena, v),
          thaw = value_thaw(&f->arena, frozen(f, v));
    value both[] = {fork, thaw};
    for (size_t i = 0; i < ARRAY_LEN(both); i++) {
        value list = value_path(both[i], "a.b");
        value_push(&f->arena, list, value_of_bool(&f->arena, true));
        value_setz(&f->arena, value_at(list, 1), "c", value_of_int(&f->arena, 3));
        assert_true(value_remove(both[i], STR("d")));
        assert_string_equal(print(f, both[i], 0), "{\"a\":{\"b\":[1,{\"c\":3},true]}}");
    }
    assert_string_equal(print(f, v, 0), text);
}

static void keys_sort_by_their_bytes(void **state)
{
    struct fixture *f = *state;
    const char *sorted = "{\"\":[{\"a\":2,\"b\":1}],\"A\":0,\"a\":{\"aaaaaaaa\":1,\"aaaaaaaaa\":2,"
                         "\"b\":3},\"a1\":0,\"\u00e4\":0}";
    value v = parse(f, "{\"\u00e4\":0,\"a1\":0,\"a\":{\"b\":3,\"aaaaaaaaa\":2,\"aaaaaaaa\":1},\"\":"
                       "[{\"b\":1,\"a\":2}],\"A\":0}");
    value want = parse(f, sorted);
    assert_string_equal(print(f, v, JSON_SORT_KEYS), print(f, want, 0));
    assert_string_equal(print(f, frozen(f, v), JSON_SORT_KEYS), print(f, want, 0));
    value_sort_keys(&f->arena, v, true);
    assert_string_equal(print(f, v, 0), print(f, want, 0));
}

static void every_reader_takes_an_absent_value(void **state)
{
    value v = VALUE_ABSENT;
    struct value_iter it = value_iter(v);
    assert_false(value_next(&it));
    assert_false(value_exists(value_get(v, STR("a"))) || value_exists(value_at(v, 0)) ||
                 value_exists(value_path(v, "a.b")));
    assert_false(value_bool(v) || value_int(v) || value_uint(v) || value_len(v) ||
                 value_is_sensitive(v));
    assert_true(value_is_nil(v) && !value_is_null(v) && value_type(v) == VALUE_NONE &&
                value_str(v).len == 0);
    assert_int_equal(value_pos(v).line, 0);
    assert_true(value_equal(v, v) && doc_freeze(v, 0) == NULL && !value_exists(doc_root(NULL)));
}

static void numbers_convert_only_when_they_fit(void **state)
{
    struct fixture *f = *state;
    struct json_input in = {.exact_uint64 = true};
    value v = VALUE_ABSENT;
    assert_int_equal(json_parse(STR("[18446744073709551615,-1,2.0,2.5,1e300,134217728,-67108865]"),
                                &in, &f->arena, &v, &f->err),
                     0);
    value both[] = {v, value_copy(&f->arena, v)};
    for (size_t i = 0; i < ARRAY_LEN(both); i++) {
        value l = both[i];
        assert_true(value_type(value_at(l, 0)) == VALUE_UINT &&
                    value_uint(value_at(l, 0)) == UINT64_MAX);
        assert_true(value_int(value_at(l, 0)) == 0 && value_uint(value_at(l, 1)) == 0 &&
                    value_int(value_at(l, 1)) == -1);
        assert_true(value_int(value_at(l, 2)) == 2 && value_int(value_at(l, 3)) == 0 &&
                    value_int(value_at(l, 4)) == 0);
        assert_true(value_double(value_at(l, 3)) == 2.5 && value_double(value_at(l, 1)) == -1);
        assert_true(value_int(value_at(l, 5)) == 134217728 &&
                    value_int(value_at(l, 6)) == -67108865);
        assert_string_equal(print(f, l, 0),
                            "[18446744073709551615,-1,2,2.5,1e+300,134217728,-67108865]");
    }
}

static void a_duplicate_among_many_keys_is_found(void **state)
{
    struct fixture *f = *state;
    for (int n = 2; n < 200; n += 11) {
        CLEANUP(buf_done) struct buf b = BUF_INIT;
        struct json_input in = {.strict = true, .bare_errors = true};
        struct doc *d = NULL;
        for (int i = 0; i < n; i++)
            buf_printf(&b, "%s\"key%d\":%d", i ? "," : "{\"m\":{", i, i);
        size_t unique = b.len;
        buf_addz(&b, "}}");
        assert_int_equal(json_parse_doc(buf_str(&b), &in, &d, &f->err), 0);
        doc_unref(d);
        b.len = unique;
        buf_addz(&b, ",\"key0\":\"last\"}}");
        assert_int_equal(json_parse_doc(buf_str(&b), &in, &d, &f->err), -ERR_INVALID);
        assert_string_equal(f->err.text, "duplicate field \"m.key0\"");
        assert_int_equal(json_parse_doc(buf_str(&b), NULL, &d, &f->err), 0);
        value m = value_path(doc_root(d), "m");
        assert_int_equal(value_len(m), n);
        assert_true(str_is(value_str(value_val(m, 0)), "last"));
        doc_unref(d);
    }
}

static void a_text_that_just_fits_its_buffer_is_printed(void **state)
{
    struct fixture *f = *state;
    value v = parse(f, "{\"name\":\"x\",\"list\":[1,-20,3.5,true,null,\"a\\nb\"],\"empty\":{}}");
    value both[] = {v, frozen(f, v)};
    str want = json_str(&f->arena, v, AUDIENCE_WIRE, 0);
    for (size_t i = 0; i < ARRAY_LEN(both); i++)
        for (size_t bytes_max = 1; bytes_max < want.len + 200; bytes_max++) {
            struct buf b;
            buf_init(&b, bytes_max);
            json_print(both[i], AUDIENCE_WIRE, 0, &b);
            assert_int_equal(buf_check(&b, "text", NULL) == 0, bytes_max >= want.len);
            assert_true(b.overflow || str_eq(buf_str(&b), want));
            buf_done(&b);
        }
}

static void operations_cannot_nest_without_end(void **state)
{
    struct fixture *f = *state;
    CLEANUP(buf_done) struct buf b = BUF_INIT;
    buf_addz(&b, "[");
    for (int i = 0; i < 300; i++) { /* every copy puts the whole of a into its innermost map */
        buf_addz(&b, i ? "," : "");
        buf_addz(&b, "{\"op\":\"copy\",\"from\":\"/a\",\"path\":\"");
        for (int k = 0; k < 2 + i && k < 150; k++)
            buf_addz(&b, "/a");
        buf_addz(&b, "\"}");
    }
    buf_addz(&b, "]");
    value patch = parse(f, b.at), out, document = parse(f, "{\"a\":{}}");
    assert_int_equal(json_patch_apply(&f->arena, document, patch, &out, &f->err), -ERR_TOO_LARGE);
    assert_true(str_ends(err_str(&f->err), STR("nested deeper than 200 levels")));
}

static void a_pointer_names_a_value(void **state)
{
    struct fixture *f = *state;
    value v = parse(f, "{\"foo\":[\"bar\",\"baz\"],\"\":0,\"a/b\":1,\"c%d\":2,\"m~n\":8,\"~1\":9}");
    static const struct {
        const char *pointer, *want; /* the values of RFC 6901, section 5 */
    } cases[] = {{"/foo/0", "\"bar\""}, {"/", "0"},    {"/a~1b", "1"}, {"/c%d", "2"},
                 {"/m~0n", "8"},        {"/~01", "9"}, {"/foo/2", ""}, {"/foo/-", ""},
                 {"/foo/00", ""},       {"/nope", ""}, {"foo", ""},    {"/m~2n", ""}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        value found = pointer_get(v, str_of(cases[i].pointer));
        assert_string_equal(value_exists(found) ? print(f, found, 0) : "", cases[i].want);
    }
    assert_true(value_identical(pointer_get(v, STR("")), v));
    assert_true(str_is(pointer_join(&f->arena, STR("/x"), STR("a/b~c")), "/x/a~1b~0c"));
}

static void a_log_line_is_cut_at_its_bound(void **state)
{
    struct fixture *f = *state;
    value list = value_new_list(&f->arena);
    for (int i = 0; i < 2000; i++)
        value_push(&f->arena, list, value_of_str(&f->arena, STR("\xc3\xa4")));
    str s = json_str(&f->arena, list, AUDIENCE_LOG, 0);
    assert_true(s.len <= 1027 && str_ends(s, STR("...")));
}

static void equal_values_have_equal_digests(void **state)
{
    struct fixture *f = *state;
    const char *same[][2] = {{"{\"a\":1,\"b\":[2.0]}", "{\"b\":[2],\"a\":1.0}"},
                             {"1152921504606846976", "1152921504606846976.0"}};
    for (size_t i = 0; i < ARRAY_LEN(same); i++) {
        value a = parse(f, same[i][0]), b = parse(f, same[i][1]);
        struct sha256 x = value_digest(a), y = value_digest(b);
        assert_true(value_equal(a, b) && !value_identical(a, b) && sha256_eq(&x, &y));
    }
    assert_false(value_equal(parse(f, "{\"a\":null}"), parse(f, "{}")));
    assert_false(value_equal(parse(f, "[1,2]"), parse(f, "[2,1]")));
}

static void indentation_is_that_of_go(void **state)
{
    struct fixture *f = *state;
    assert_string_equal(print(f, parse(f, "{\"b\":[1,{}],\"a\":[]}"),
                              JSON_INDENT_2 | JSON_SORT_KEYS),
                        "{\n  \"a\": [],\n  \"b\": [\n    1,\n    {}\n  ]\n}");
}

static void a_packed_document_unpacks_to_itself(void **state)
{
    struct fixture *f = *state;
    struct doc *d = NULL, *back = NULL;
    assert_int_equal(json_parse_doc(STR("{\"a\":[1,2.5,\"x\"]}"), NULL, &d, &f->err), 0);
    CLEANUP(buf_done) struct buf b = BUF_INIT;
    doc_pack(d, &b);
    assert_int_equal(doc_unpack(buf_str(&b), &back, &f->err), 0);
    assert_true(value_identical(doc_root(d), doc_root(back)));
    doc_unref(d);
    doc_unref(back);
    for (size_t i = 0; i < b.len; i++) {
        b.at[i] ^= 1; /* some bits of the container mean nothing; no damage changes the content */
        if (doc_unpack(buf_str(&b), &back, &f->err) == 0) {
            assert_string_equal(print(f, doc_root(back), 0), "{\"a\":[1,2.5,\"x\"]}");
            doc_unref(back);
        }
        b.at[i] ^= 1;
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_text_prints_as_it_was_read),
        TEST(what_go_normalises_is_normalised),
        TEST(a_syntax_error_names_its_place),
        TEST(input_past_a_bound_is_refused),
        TEST(a_map_finds_each_of_many_keys),
        TEST(an_edit_of_a_frozen_tree_leaves_it_alone),
        TEST(positions_literals_and_marks_survive_freezing),
        TEST(people_do_not_see_the_data_of_secrets),
        TEST(configured_annotations_of_secrets_are_masked),
        TEST(lists_are_changed_in_place),
        TEST(a_fork_does_not_change_its_original),
        TEST(keys_sort_by_their_bytes),
        TEST(every_reader_takes_an_absent_value),
        TEST(numbers_convert_only_when_they_fit),
        TEST(a_duplicate_among_many_keys_is_found),
        TEST(a_text_that_just_fits_its_buffer_is_printed),
        TEST(operations_cannot_nest_without_end),
        TEST(a_pointer_names_a_value),
        TEST(a_log_line_is_cut_at_its_bound),
        TEST(equal_values_have_equal_digests),
        TEST(indentation_is_that_of_go),
        TEST(a_packed_document_unpacks_to_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
