#include "testing.h"

#include <string.h>

#include "encode/character.h"

/* Each where a table of another age says otherwise. */
static void test_sets_are_those_of_the_tables_that_are_followed(void **state)
{
    (void)state;
    static const struct {
        character_set set;
        uint32_t member, other;
    } cases[] = {
        {CHARACTER_NONSPACING, 0x301, 'a'},
        {CHARACTER_NONSPACING, 0x1734, 0x8d4},
        {CHARACTER_MARK, 0x903, 'a'},
        {CHARACTER_MARK, 0x8d4, 0x8d3},
        {CHARACTER_PUNCTUATION, '!', '$'},
        {CHARACTER_PUNCTUATION, 0x166d, 0x2e43},
        {CHARACTER_LETTER, 0x4e2d, '1'},
        {CHARACTER_LETTER, 0x2ebf0, 0x2ee5e},
        {CHARACTER_NUMBER, 0xb2, 'a'},
        {CHARACTER_NUMBER, 0x10d40, 0x11de0},
        {CHARACTER_NUMERIC, 0x11de0, 'a'},
        {CHARACTER_WORD, '_', '-'},
        {CHARACTER_WORD, 0x24b6, 0x2460},
        {CHARACTER_CONTROL, 0x7f, '\t'},
        {CHARACTER_CONTROL, 0xe000, 0x10ffff + 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_true(character_is(cases[i].member, cases[i].set));
        assert_false(character_is(cases[i].other, cases[i].set));
    }
}

static void test_spaces_and_ideographs_are_lists(void **state)
{
    (void)state;
    int64_t spaces = 0, ideographs = 0;
    for (uint32_t point = 0; point <= 0x10ffff; point++) {
        spaces += character_is_space(point);
        ideographs += character_is_ideograph(point);
    }
    assert_int_equal(spaces, 25);
    assert_int_equal(ideographs, 6592 + 20992 + 512 + 42720 + 4160 + 224 + 5520 + 544);
    assert_true(character_is_space(0x3000));
    assert_false(character_is_space(0x200b));
    assert_true(character_is_late(0x32ff));
    assert_false(character_is_late(0x3300));
}

static void test_lower_case_is_of_one_character_at_a_time(void **state)
{
    (void)state;
    static const struct {
        uint32_t point;
        const char *lower;
    } cases[] = {
        {'A', "a"},           {'a', "a"},
        {0x130, "i\xcc\x87"}, {0x3a3, "\xcf\x83"}, /* never the final sigma */
        {0x1e9e, "\xc3\x9f"}, {0x23a, "\xe2\xb1\xa5"},
        {0xa7dc, "\xc6\x9b"}, {0x10d50, "\xf0\x90\xb5\xb0"},
        {'1', "1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char lower[CHARACTER_LOWER_MOST];
        assert_int_equal(character_lower(cases[i].point, lower), strlen(cases[i].lower));
        assert_memory_equal(lower, cases[i].lower, strlen(cases[i].lower));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sets_are_those_of_the_tables_that_are_followed),
        cmocka_unit_test(test_spaces_and_ideographs_are_lists),
        cmocka_unit_test(test_lower_case_is_of_one_character_at_a_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
