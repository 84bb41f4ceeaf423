/* value/tests/text_index_test.c: each way of indexing finds what the table of plain bytes says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "value/text_index.h"
#include "value/text_scan.h"

#define BYTES_MAX (3 * TEXT_INDEX_PIECE + 100)

static uint64_t state = 88172645463325252u;

static uint32_t any(uint32_t below)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 32) % below;
}

/* Text of which one byte in `rarity` is anything. Exactly as long as it is, so that reading on is
 * found. */
static char *random_text(size_t n, uint32_t rarity)
{
    char *text = malloc(n ? n : 1);
    assert_non_null(text);
    for (size_t i = 0; i < n; i++)
        text[i] = any(rarity) ? 'a' : (char)any(256);
    return text;
}

static void check(str text, enum text_index_way way)
{
    struct text_index x;
    const uint32_t *entry = text_index_init(&x, text, way);
    for (uint32_t i = 0; i < text.len; i++) {
        if (text_plain[(unsigned char)text.at[i]])
            continue;
        if (*entry == TEXT_INDEX_MORE)
            entry = text_index_more(&x);
        assert_int_equal(*entry++, i);
    }
    if (*entry == TEXT_INDEX_MORE)
        entry = text_index_more(&x);
    assert_int_equal(*entry, text.len);
}

static void check_all_ways(size_t n, uint32_t rarity)
{
    char *text = random_text(n, rarity);
    for (enum text_index_way way = TEXT_INDEX_PLAIN; way <= text_index_best_way(); way++)
        check(str_mem(text, n), way);
    free(text);
}

static void every_way_finds_the_same_in_texts_of_all_lengths(void **state_)
{
    (void)state_;
    for (size_t n = 0; n < 300; n++)
        for (uint32_t rarity = 1; rarity < 100; rarity *= 3)
            check_all_ways(n, rarity);
}

static void a_text_of_many_pieces_is_indexed_to_its_end(void **state_)
{
    (void)state_;
    for (unsigned i = 0; i < 200; i++)
        check_all_ways(any(BYTES_MAX), 1 + any(40) * any(40));
    check_all_ways(BYTES_MAX, UINT32_MAX); /* nothing to find in the first pieces */
    check_all_ways(3 * TEXT_INDEX_PIECE, 1);
}

static void every_byte_value_is_classed_as_the_table_says(void **state_)
{
    (void)state_;
    char text[256];
    for (unsigned i = 0; i < 256; i++)
        text[i] = (char)i;
    for (enum text_index_way way = TEXT_INDEX_PLAIN; way <= text_index_best_way(); way++)
        check(str_mem(text, sizeof(text)), way);
}

static void an_entry_is_found_by_its_position(void **state_)
{
    (void)state_;
    static char text[3 * TEXT_INDEX_PIECE];
    struct text_index x;
    memset(text, 'a', sizeof(text));
    text[5] = text[6] = text[2 * TEXT_INDEX_PIECE + 7] = '"';
    const uint32_t *i = text_index_init(&x, str_mem(text, sizeof(text)), text_index_best_way());
    i = text_index_from(&x, i, 0);
    assert_int_equal(*i, 5);
    i = text_index_from(&x, i, 6);
    assert_int_equal(*i, 6);
    i = text_index_from(&x, i, 7);
    assert_int_equal(*i, 2 * TEXT_INDEX_PIECE + 7);
    i = text_index_from(&x, i + 1, sizeof(text));
    assert_int_equal(*i, sizeof(text));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_way_finds_the_same_in_texts_of_all_lengths),
        cmocka_unit_test(a_text_of_many_pieces_is_indexed_to_its_end),
        cmocka_unit_test(every_byte_value_is_classed_as_the_table_says),
        cmocka_unit_test(an_entry_is_found_by_its_position),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
