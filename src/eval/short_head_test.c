#include "eval/short_head.h"

#include "testing.h"

static void check(const int64_t *counts, int64_t items, double share, const uint8_t *want, int64_t want_count)
{
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 1);
    uint8_t head[8] = {9, 9, 9, 9, 9, 9, 9, 9};
    int64_t count;
    assert_ok(short_head_mark(rt, counts, items, share, head, &count, err));
    assert_int_equal(count, want_count);
    if (items > 0)
        assert_memory_equal(head, want, (size_t)items);
    test_runtime_end(rt, &memory);
}

static void test_the_head_is_the_fewest_items_with_the_share(void **state)
{
    (void)state;
    check((int64_t[]){1, 50, 5, 30, 14}, 5, 0.8, (uint8_t[]){0, 1, 0, 1, 0}, 2); /* 80 of 100 */
    check((int64_t[]){1, 50, 5, 30, 14}, 5, 0.81, (uint8_t[]){0, 1, 0, 1, 1}, 3);
    check((int64_t[]){0, 7, 0}, 3, 0.8, (uint8_t[]){0, 1, 0}, 1);
}

static void test_items_of_equal_popularity_stay_together(void **state)
{
    (void)state;
    check((int64_t[]){10, 2, 2, 2}, 4, 0.7, (uint8_t[]){1, 1, 1, 1}, 4); /* 12 of 16 would do */
}

static void test_without_interactions_nothing_is_popular(void **state)
{
    (void)state;
    check((int64_t[]){0, 0, 0}, 3, 0.8, (uint8_t[]){0, 0, 0}, 0);
    check(NULL, 0, 0.8, NULL, 0);
}

static void test_every_failing_allocation_is_reported(void **state)
{
    (void)state;
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 1);
    const int64_t counts[] = {1, 2, 3};
    uint8_t head[3];
    int64_t count;
    BRUTAL(rt, &memory, short_head_mark(rt, counts, 3, 0.8, head, &count, err), (void)0);
    test_runtime_end(rt, &memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_head_is_the_fewest_items_with_the_share),
        cmocka_unit_test(test_items_of_equal_popularity_stay_together),
        cmocka_unit_test(test_without_interactions_nothing_is_popular),
        cmocka_unit_test(test_every_failing_allocation_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
