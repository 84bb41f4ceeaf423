/* value/tests/toml_test.c: the bounds of the TOML reader. What it answers is compared with Helm's
 * library in value_golden_test. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "value/toml.h"

struct task {
    struct arena arena;
    struct buf text;
    struct err err;
    value got;
};

static int setup(void **state)
{
    struct task *t = calloc(1, sizeof(*t));
    arena_init(&t->arena, ARENA_BYTES_DEFAULT);
    buf_init(&t->text, TOML_BYTES_MAX * 4);
    *state = t;
    return 0;
}

static int teardown(void **state)
{
    struct task *t = *state;
    arena_done(&t->arena);
    buf_done(&t->text);
    free(t);
    return 0;
}

static void add(struct task *t, const char *piece, size_t times)
{
    while (times-- > 0)
        buf_addz(&t->text, piece);
}

static int read(struct task *t)
{
    return toml_parse(buf_str(&t->text), &t->arena, &t->got, &t->err);
}

static void values_nest_no_deeper_than_the_bound(void **state)
{
    struct task *t = *state;
    add(t, "a = ", 1);
    add(t, "[", TOML_DEPTH_MAX);
    add(t, "]", TOML_DEPTH_MAX);
    assert_int_equal(read(t), 0);
    buf_reset(&t->text);
    add(t, "a = ", 1);
    add(t, "[", 100000);
    assert_int_equal(read(t), -ERR_TOO_LARGE);
    assert_string_equal(t->err.text,
                        "toml: line 1 (last key \"a\"): nested deeper than 100 levels");
}

static void keys_have_no_more_parts_than_the_bound(void **state)
{
    struct task *t = *state;
    add(t, "a.", TOML_DEPTH_MAX - 1);
    add(t, "a = 1\n", 1);
    assert_int_equal(read(t), 0);
    buf_reset(&t->text);
    add(t, "a.", 100000);
    add(t, "a = 1\n", 1);
    assert_int_equal(read(t), -ERR_TOO_LARGE);
    assert_string_equal(t->err.text, "toml: line 1: a key of more than 100 parts");
    buf_reset(&t->text);
    add(t, "a = ", 1);
    add(t, "{a = ", 100000);
    assert_int_equal(read(t), -ERR_TOO_LARGE);
}

static void texts_are_no_larger_than_the_bound(void **state)
{
    struct task *t = *state;
    add(t, "# comment\n", TOML_BYTES_MAX / 10 + 1);
    assert_int_equal(read(t), -ERR_TOO_LARGE);
    assert_string_equal(t->err.text, "toml: text of 2097160 bytes is larger than 2097152");
}

static void what_is_printed_has_a_bound_too(void **state)
{
    struct task *t = *state;
    value v = value_new_map(&t->arena);
    for (int i = 0; i < VALUE_DEPTH_MAX + 10; i++) {
        value above = value_new_map(&t->arena);
        value_setz(&t->arena, above, "a", v);
        v = above;
    }
    assert_int_equal(toml_print(v, &t->text, &t->err), -ERR_TOO_LARGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(values_nest_no_deeper_than_the_bound, setup, teardown),
        cmocka_unit_test_setup_teardown(keys_have_no_more_parts_than_the_bound, setup, teardown),
        cmocka_unit_test_setup_teardown(texts_are_no_larger_than_the_bound, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_printed_has_a_bound_too, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
