/* value/tests/json_stream_test.c: objects out of lists and watch streams, however the bytes are
 * cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "value/json.h"

struct seen {
    struct buf text; /* the objects, one a line */
    size_t n, stop_at;
};

static int see(void *arg, struct doc *take_item, struct err *err)
{
    struct seen *s = arg;
    json_print(doc_root(take_item), AUDIENCE_WIRE, 0, &s->text);
    buf_addc(&s->text, '\n');
    doc_unref(take_item);
    return ++s->n == s->stop_at ? err_set(err, ERR_CANCELED, "enough") : 0;
}

/* Feed text in pieces of `piece` bytes; the objects (and the list's own fields behind "meta ") end
 * in s->text. */
static int run(struct seen *s, enum json_stream_kind kind, const char *text, size_t piece,
               struct err *err)
{
    struct json_stream *js = json_stream_new(kind, 1000, see, s);
    struct doc *meta = NULL;
    str rest = str_of(text);
    int r = 0;
    buf_done(&s->text);
    buf_init(&s->text, 1 << 20);
    s->n = 0;
    while (r == 0 && rest.len) {
        str part = str_sub(rest, 0, piece);
        char *own = malloc(part.len); /* so that the sanitizer sees a parser that keeps pointers */
        memcpy(own, part.at, part.len);
        r = json_stream_add(js, str_mem(own, part.len), err);
        free(own);
        rest = str_from(rest, part.len);
    }
    if (r == 0)
        r = json_stream_end(js, &meta, err);
    if (meta) {
        buf_addz(&s->text, "meta ");
        json_print(doc_root(meta), AUDIENCE_WIRE, 0, &s->text);
        doc_unref(meta);
    }
    json_stream_free(js);
    return r;
}

static void expect(enum json_stream_kind kind, const char *text, const char *want)
{
    struct seen s = {.text = BUF_INIT};
    struct err err = {0};
    for (size_t piece = 1; piece <= strlen(text) + 1; piece++) {
        assert_int_equal(run(&s, kind, text, piece, &err), 0);
        assert_string_equal(s.text.at ? s.text.at : "", want);
    }
    buf_done(&s.text);
}

static void items_get_the_kind_of_their_list(void **state)
{
    expect(JSON_STREAM_LIST,
           "{\"kind\":\"PodList\",\"apiVersion\":\"v1\",\"metadata\":{\"resourceVersion\":\"7\"},"
           "\"items\":[ {\"metadata\":{\"name\":\"a]}\\\"\"}} , { } "
           ",{\"kind\":\"Own\",\"x\":[{}]}]}\n",
           "{\"kind\":\"Pod\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"a]}\\\"\"}}\n"
           "{\"kind\":\"Pod\",\"apiVersion\":\"v1\"}\n"
           "{\"kind\":\"Own\",\"apiVersion\":\"v1\",\"x\":[{}]}\n"
           "meta "
           "{\"kind\":\"PodList\",\"apiVersion\":\"v1\",\"metadata\":{\"resourceVersion\":\"7\"}}");
}

static void long_items_are_cut_where_they_end(void **state)
{
    char text[2000] = "", want[2000] = "", *to = text, *expected = want;
    for (int i = 0; i < 8; i++) {
        char item[200];
        snprintf(item, sizeof(item), "{\"%.*s\":\"\\\\\",\"b\":[{},\"]}%.*s\\\"{\\\\\\\\\"]}",
                 i * 9 + 1,
                 "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk", i * 7,
                 "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[");
        to = stpcpy(stpcpy(to, item), i % 2 ? "\n" : "");
        expected = stpcpy(stpcpy(expected, item), "\n");
    }
    expect(JSON_STREAM_LINES, text, want);
}

static void items_wait_for_a_kind_that_comes_last(void **state)
{
    expect(JSON_STREAM_LIST,
           "{\"items\":[{\"a\":1},{\"a\":2}],\"metadata\":{},\"apiVersion\":\"g/"
           "v1\",\"kind\":\"XList\"}",
           "{\"kind\":\"X\",\"apiVersion\":\"g/v1\",\"a\":1}\n{\"kind\":\"X\",\"apiVersion\":\"g/"
           "v1\",\"a\":2}\n"
           "meta {\"metadata\":{},\"apiVersion\":\"g/v1\",\"kind\":\"XList\"}");
}

static void a_list_may_be_empty_or_null_or_no_list(void **state)
{
    expect(JSON_STREAM_LIST, "{\"items\":[]}", "meta {}");
    expect(JSON_STREAM_LIST, "{\"items\":null,\"kind\":\"PodList\"}",
           "meta {\"kind\":\"PodList\"}");
    expect(JSON_STREAM_LIST, "{}", "meta {}");
    expect(JSON_STREAM_LIST, "{\"kind\":\"Status\",\"code\":403}",
           "meta {\"kind\":\"Status\",\"code\":403}");
}

static void a_watch_gives_one_event_a_text(void **state)
{
    expect(JSON_STREAM_LINES,
           "{\"type\":\"ADDED\",\"object\":{\"a\":\"}\"}}\n\n{\"type\":\"X\"}{}\r\n",
           "{\"type\":\"ADDED\",\"object\":{\"a\":\"}\"}}\n{\"type\":\"X\"}\n{}\n");
    expect(JSON_STREAM_LINES, "", "");
}

static void a_broken_stream_is_refused(void **state)
{
    static const struct {
        enum json_stream_kind kind;
        const char *text, *error;
    } cases[] = {
        {JSON_STREAM_LIST, "{\"items\":[{\"a\":1}",
         "list ends after 17 bytes inside an unfinished value"},
        {JSON_STREAM_LIST, "", "list ends after 0 bytes inside nothing"},
        {JSON_STREAM_LIST, "[1]", "list: byte 0: expected '{', found '[' (0x5b)"},
        {JSON_STREAM_LIST, "{\"items\":[{},{\"a\":01}],\"kind\":\"XList\",\"apiVersion\":\"v1\"}",
         "list item 1: line 1 column 7: invalid character '1' after object key:value pair"},
        {JSON_STREAM_LIST, "{\"items\":[1]}",
         "list: byte 10: expected '{' or ']', found '1' (0x31)"},
        {JSON_STREAM_LIST, "{\"items\":{}}", "list: 'items' is not a list"},
        {JSON_STREAM_LIST, "{} x", "list: byte 3: expected the end, found 'x' (0x78)"},
        {JSON_STREAM_LINES,
         "{\"a\":1}\n{\"a\":", "stream ends after 13 bytes inside an unfinished value"},
        {JSON_STREAM_LINES, "{\"a\":1]",
         "object 0: line 1 column 7: invalid character ']' after object key:value pair"},
        {JSON_STREAM_LINES, "7", "stream: byte 0: expected '{', found '7' (0x37)"},
    };
    struct seen s = {.text = BUF_INIT};
    struct err err;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        for (size_t piece = 1; piece < 100; piece += 7) {
            assert_int_equal(run(&s, cases[i].kind, cases[i].text, piece, &err), -ERR_INVALID);
            assert_string_equal(err.text, cases[i].error);
        }
    char big[1200];
    memset(big, 'a', sizeof(big));
    memcpy(big, "{\"a\":\"", 6);
    big[sizeof(big) - 1] = 0;
    assert_int_equal(run(&s, JSON_STREAM_LINES, big, 64, &err), -ERR_TOO_LARGE);
    assert_string_equal(err.text, "object 0 is larger than 1000 bytes");
    buf_done(&s.text);
}

static void the_callee_stops_the_stream(void **state)
{
    struct seen s = {.text = BUF_INIT, .stop_at = 2};
    struct err err;
    assert_int_equal(run(&s, JSON_STREAM_LINES, "{}{}{}{}", 100, &err), -ERR_CANCELED);
    assert_int_equal(s.n, 2);
    buf_done(&s.text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(items_get_the_kind_of_their_list),
        cmocka_unit_test(long_items_are_cut_where_they_end),
        cmocka_unit_test(items_wait_for_a_kind_that_comes_last),
        cmocka_unit_test(a_list_may_be_empty_or_null_or_no_list),
        cmocka_unit_test(a_watch_gives_one_event_a_text),
        cmocka_unit_test(a_broken_stream_is_refused),
        cmocka_unit_test(the_callee_stops_the_stream),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
