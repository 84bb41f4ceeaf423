/* base/tests/base_test.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/digest.h"
#include "base/map.h"
#include "base/time.h"

static void a_string_splits_like_go(void **state)
{
    str rest = STR("a,,b"), piece;
    const char *want[] = {"a", "", "b"};
    for (size_t i = 0; i < 3; i++) {
        assert_true(str_next(&rest, ',', &piece));
        assert_true(str_is(piece, want[i]));
    }
    assert_false(str_next(&rest, ',', &piece));
}

static void numbers_are_read_up_to_their_limits(void **state)
{
    int64_t i;
    assert_true(str_to_i64(STR("-9223372036854775808"), &i) && i == INT64_MIN);
    assert_false(str_to_i64(STR("9223372036854775808"), &i));
    assert_false(str_to_i64(STR(""), &i));
    assert_false(str_to_i64(STR("1x"), &i));
}

static void arena_memory_is_zeroed_and_grows_in_place(void **state)
{
    struct arena a;
    arena_init(&a, 1 << 20);
    char *p = arena_alloc(&a, 100);
    for (int i = 0; i < 100; i++)
        assert_int_equal(p[i], 0);
    VEC(int) v = {0};
    for (int i = 0; i < 1000; i++)
        vec_push(&a, &v, i);
    assert_int_equal(v.at[999], 999);
    assert_true(str_is(ARENA_CAT(&a, STR("x"), STR("yz")), "xyz"));
    arena_reset(&a);
    p = arena_alloc(&a, 200);
    for (int i = 0; i < 200; i++)
        assert_int_equal(p[i], 0);
    arena_done(&a);
}

static void a_buffer_past_its_bound_says_so(void **state)
{
    struct buf b;
    struct err err;
    buf_init(&b, 10);
    buf_add(&b, STR("12345678"));
    assert_int_equal(buf_check(&b, "text", &err), 0);
    buf_add(&b, STR("901"));
    assert_int_equal(buf_check(&b, "text", &err), -ERR_TOO_LARGE);
    assert_string_equal(err.text, "text is larger than 10 bytes");
    buf_done(&b);
}

static void a_map_keeps_insertion_order_over_removal(void **state)
{
    struct map m;
    struct arena a;
    arena_init(&a, 1 << 24);
    map_init(&m, NULL);
    for (int i = 0; i < 1000; i++)
        map_set(&m, arena_printf(&a, "k%d", i), (void *)(intptr_t)(i + 1));
    for (int i = 0; i < 1000; i += 2)
        assert_int_equal((intptr_t)map_remove(&m, arena_printf(&a, "k%d", i)), i + 1);
    for (int i = 0; i < 1000; i += 4)
        assert_null(map_set(&m, arena_printf(&a, "k%d", i), (void *)(intptr_t)(i + 1)));
    assert_int_equal(map_len(&m), 750);
    int n = 0;
    str key;
    for (size_t i = 0; map_next(&m, &i, &key, NULL); n++)
        if (n == 0)
            assert_true(str_is(key, "k1"));
    assert_int_equal(n, 750);
    map_done(&m);
    arena_done(&a);
}

static void instants_print_and_parse(void **state)
{
    struct arena a;
    arena_init(&a, 1 << 20);
    usec t;
    assert_true(time_parse(STR("2024-02-29T23:59:59Z"), &t));
    assert_true(str_is(time_str(&a, t), "2024-02-29T23:59:59Z"));
    assert_true(time_parse(STR("2024-01-01T01:00:00.5+01:00"), &t));
    assert_true(str_is(time_micro_str(&a, t), "2024-01-01T00:00:00.500000Z"));
    assert_false(time_parse(STR("2023-02-29T00:00:00Z"), &t));
    struct time_parts p;
    time_split(0, &p);
    assert_int_equal(p.weekday, 4);
    time_split(-1, &p);
    assert_int_equal(p.year, 1969);
    assert_int_equal(p.weekday, 3);
    arena_done(&a);
}

static void durations_follow_go(void **state)
{
    struct arena a;
    arena_init(&a, 1 << 20);
    static const struct {
        const char *in, *out;
    } cases[] = {{"1h30m", "1h30m0s"}, {"300ms", "300ms"}, {"-1.5s", "-1.5s"},
                 {"2m", "2m0s"},       {"0", "0s"},        {"1500us", "1.5ms"}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        usec d;
        assert_true(duration_parse(str_of(cases[i].in), &d));
        assert_true(str_is(duration_str(&a, d), cases[i].out));
    }
    usec d;
    assert_false(duration_parse(STR("5"), &d));
    assert_false(duration_parse(STR(""), &d));
    arena_done(&a);
}

static void base64_follows_its_alphabet_and_padding(void **state)
{
    struct arena a;
    arena_init(&a, 1 << 20);
    str out;
    assert_true(str_is(base64_str(&a, STR("any carnal pleas")), "YW55IGNhcm5hbCBwbGVhcw=="));
    assert_true(base64_parse(&a, STR("YW55\nIGNhcm5hbCBwbGVhcw=="), &out));
    assert_true(str_is(out, "any carnal pleas"));
    assert_false(base64_parse(&a, STR("YW5"), &out));
    assert_false(base64_parse(&a, STR("YW=5"), &out));
    assert_true(base64url_parse(&a, STR("_-8"), &out));
    assert_int_equal(out.len, 2);
    arena_done(&a);
}

static void sha256_of_a_known_text(void **state)
{
    struct arena a;
    arena_init(&a, 1 << 20);
    struct sha256 d = sha256_of(STR("abc"));
    assert_true(str_is(hex_str(&a, d.byte, 32),
                       "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"));
    arena_done(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_string_splits_like_go),
        cmocka_unit_test(numbers_are_read_up_to_their_limits),
        cmocka_unit_test(arena_memory_is_zeroed_and_grows_in_place),
        cmocka_unit_test(a_buffer_past_its_bound_says_so),
        cmocka_unit_test(a_map_keeps_insertion_order_over_removal),
        cmocka_unit_test(instants_print_and_parse),
        cmocka_unit_test(durations_follow_go),
        cmocka_unit_test(base64_follows_its_alphabet_and_padding),
        cmocka_unit_test(sha256_of_a_known_text),
    };
    return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
