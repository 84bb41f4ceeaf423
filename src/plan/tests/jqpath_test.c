/* jq paths of ignoreDifferences. Expectations are those of `jq 'del(...)'` (jq 1.6). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "plan/jqpath.h"
#include "value/json.h"

static const struct {
    const char *path, *from, *to; /* to NULL: the program fails on this document */
} deletions[] = {
    {".a", "{\"a\":1,\"b\":2}", "{\"b\":2}"},
    {".a.b", "{\"a\":{\"b\":1,\"c\":2}}", "{\"a\":{\"c\":2}}"},
    {".a[\"x/y\"]", "{\"a\":{\"x/y\":1}}", "{\"a\":{}}"},
    {".a.\"x.y\"", "{\"a\":{\"x.y\":1}}", "{\"a\":{}}"},
    {".a[1]", "{\"a\":[1,2,3]}", "{\"a\":[1,3]}"},
    {".a[-1]", "{\"a\":[1,2,3]}", "{\"a\":[1,2]}"},
    {".a[]", "{\"a\":[1,2,3]}", "{\"a\":[]}"},
    {".a[].b", "{\"a\":[{\"b\":1},{\"b\":2,\"c\":3}]}", "{\"a\":[{},{\"c\":3}]}"},
    {".a[] | select(.n == \"x\") | .v", "{\"a\":[{\"n\":\"x\",\"v\":1},{\"n\":\"y\",\"v\":2}]}",
     "{\"a\":[{\"n\":\"x\"},{\"n\":\"y\",\"v\":2}]}"},
    {".a[] | select(.n != \"x\")", "{\"a\":[{\"n\":\"x\"},{\"n\":\"y\"},{\"n\":\"z\"}]}",
     "{\"a\":[{\"n\":\"x\"}]}"},
    {".a[] | select(.n == \"x\" and .k > 1)",
     "{\"a\":[{\"n\":\"x\",\"k\":1},{\"n\":\"x\",\"k\":2}]}", "{\"a\":[{\"n\":\"x\",\"k\":1}]}"},
    {".a[] | select(.n | startswith(\"x\") | not)", "{\"a\":[{\"n\":\"xa\"},{\"n\":\"y\"}]}",
     "{\"a\":[{\"n\":\"xa\"}]}"},
    {".a, .b", "{\"a\":1,\"b\":2,\"c\":3}", "{\"c\":3}"},
    {".missing.deep", "{\"a\":1}", "{\"a\":1}"},
    {".a[]?", "{\"a\":1}", "{\"a\":1}"},
    {".a[]", "{\"b\":1}", NULL},
    {".a.b", "{\"a\":\"text\"}", NULL},
    {".data | to_entries[] | .value", "{\"data\":{\"a\":1}}", NULL},
    {".. | select(has(\"x\")?) | .x", "{\"x\":1,\"a\":{\"x\":2,\"y\":3}}", "{\"a\":{\"y\":3}}"},
};

static void deletions_are_those_of_jq(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(deletions); i++) {
        struct arena a;
        struct jqpath *p;
        struct err err;
        value from, to, got;
        arena_init(&a, ARENA_BYTES_DEFAULT);
        struct doc *d;
        assert_int_equal(json_parse_doc(str_of(deletions[i].from), NULL, &d, &err), 0);
        from = doc_root(d);
        if (jqpath_compile(str_of(deletions[i].path), &a, &p, &err))
            fail_msg("%s: %s", deletions[i].path, err.text);
        int rc = jqpath_delete(p, from, &a, &got, &err);
        if (!deletions[i].to) {
            assert_int_equal(rc, -ERR_UNPROCESSABLE);
        } else {
            if (rc)
                fail_msg("%s: %s", deletions[i].path, err.text);
            assert_int_equal(json_parse(str_of(deletions[i].to), NULL, &a, &to, &err), 0);
            if (!value_equal(got, to))
                fail_msg("%s: %.*s", deletions[i].path,
                         STR_FMT(json_str(&a, got, AUDIENCE_WIRE, 0)));
        }
        arena_done(&a);
        doc_unref(d);
    }
}

static const struct {
    const char *path;
    int kind;
    const char *text;
} refusals[] = {
    {".data[", ERR_INVALID, "unexpected token \")\""},
    {".a | ", ERR_INVALID, "unexpected token \")\""},
    {".a b", ERR_INVALID, "unexpected token \"b\""},
    {".a[\"x]", ERR_INVALID, "unterminated string literal"},
    {".a | map(.b)", ERR_UNSUPPORTED, "jq function map is not supported here"},
    {".a[.b]", ERR_UNSUPPORTED, "computed jq indices are not supported here"},
};

static void what_is_no_path_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
        struct arena a;
        struct jqpath *p;
        struct err err;
        arena_init(&a, ARENA_BYTES_DEFAULT);
        int rc = jqpath_compile(str_of(refusals[i].path), &a, &p, &err);
        if (rc != -refusals[i].kind || !str_is(err_str(&err), refusals[i].text))
            fail_msg("%s: %d %s", refusals[i].path, rc, rc ? err.text : "");
        arena_done(&a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(deletions_are_those_of_jq),
        cmocka_unit_test(what_is_no_path_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
