#include "testing.h"

#include "base/base.h"
#include "data/histories.h"

#include "fixture.h"

/* User 0: item 2 at 10, 0 at 30; user 2: item 1 at 5. */
static const uint32_t early_user[] = {0, 0, 2}, early_item[] = {2, 0, 1};
static const float early_rating[] = {5, 4, 3};
static const int64_t early_time[] = {10, 30, 5};
static const interactions early = {3, early_user, early_item, early_rating, early_time, NULL};
/* User 0: item 3 at 20, 2 at 30; user 1: item 0 at 7; user 2: item 1 at 4. */
static const uint32_t late_user[] = {0, 0, 1, 2}, late_item[] = {3, 2, 0, 1};
static const float late_rating[] = {1, 2, 3, 4};
static const int64_t late_time[] = {20, 30, 7, 4};
static const interactions late = {4, late_user, late_item, late_rating, late_time, NULL};
static const interactions nothing = {0, NULL, NULL, NULL, NULL, NULL};

static void test_parts_are_merged_by_time_and_ties_keep_their_order(void **state)
{
    (void)state;
    static const int64_t start[] = {0, 4, 5, 7, 7}, time[] = {10, 20, 30, 30, 7, 4, 5};
    static const uint32_t item[] = {2, 3, 0, 2, 0, 1, 1};
    static const float rating[] = {5, 1, 4, 2, 3, 4, 3};
    const interactions *const parts[] = {&early, &nothing, &late};
    histories_owner h;
    assert_ok(histories_of_parts(rt, parts, 3, 4, &h, err));
    assert_int_equal(h.view.rows, 4);
    assert_true(h.view.users);
    assert_memory_equal(h.view.start, start, sizeof start);
    assert_memory_equal(h.view.item, item, sizeof item);
    assert_memory_equal(h.view.rating, rating, sizeof rating);
    assert_memory_equal(h.view.timestamp, time, sizeof time);
    histories_release(&h);
    assert_null(h.view.start);
}

static void test_without_times_parts_follow_one_another(void **state)
{
    (void)state;
    static const uint32_t item[] = {3, 2, 2, 0, 0, 1, 1};
    interactions timeless = early;
    timeless.timestamp = NULL;
    const interactions *const parts[] = {&late, &timeless};
    histories_owner h;
    assert_ok(histories_of_parts(rt, parts, 2, 3, &h, err));
    assert_null(h.view.timestamp);
    assert_non_null(h.view.rating);
    assert_memory_equal(h.view.item, item, sizeof item);
    histories_release(&h);
}

static void test_ratings_are_there_when_every_part_with_rows_has_them(void **state)
{
    (void)state;
    interactions unrated = late;
    unrated.rating = NULL;
    const interactions *const some[] = {&early, &unrated}, *const all[] = {&early, &nothing};
    histories_owner h;
    assert_ok(histories_of_parts(rt, some, 2, 3, &h, err));
    assert_null(h.view.rating);
    assert_non_null(h.view.timestamp);
    histories_release(&h);
    assert_ok(histories_of_parts(rt, all, 2, 3, &h, err));
    assert_non_null(h.view.rating);
    histories_release(&h);
}

static void test_no_parts_are_empty_histories(void **state)
{
    (void)state;
    static const int64_t start[] = {0, 0, 0};
    const interactions *const parts[] = {&nothing};
    histories_owner h;
    assert_ok(histories_of_parts(rt, parts, 1, 2, &h, err));
    assert_memory_equal(h.view.start, start, sizeof start);
    histories_release(&h);
    assert_ok(histories_of_parts(rt, NULL, 0, 2, &h, err));
    assert_memory_equal(h.view.start, start, sizeof start);
    histories_release(&h);
}

/* Each user's rows sorted by (time, part, place) are the same as merging. */
static void test_merging_is_a_stable_sort(void **state)
{
    (void)state;
    enum { PARTS = 3, ROWS = 200, USERS = 11 };
    static uint32_t user[PARTS][ROWS], item[PARTS][ROWS];
    static int64_t time[PARTS][ROWS];
    interactions part[PARTS];
    const interactions *parts[PARTS];
    for (uint64_t p = 0; p < PARTS; p++) {
        for (uint64_t i = 0; i < ROWS; i++) {
            user[p][i] = (uint32_t)(i * USERS / ROWS);
            item[p][i] = (uint32_t)(p * ROWS + i);
            const int64_t step = (int64_t)(random_bits(1, p, i) % 3);
            time[p][i] = i > 0 && user[p][i] == user[p][i - 1] ? time[p][i - 1] + step : step;
        }
        part[p] = (interactions){ROWS, user[p], item[p], NULL, time[p], NULL};
        parts[p] = &part[p];
    }
    histories_owner h;
    assert_ok(histories_of_parts(rt, parts, PARTS, USERS, &h, err));
    assert_int_equal(h.view.start[USERS], PARTS * ROWS);
    for (int64_t u = 0; u < USERS; u++)
        for (int64_t at = h.view.start[u]; at < h.view.start[u + 1]; at++) {
            assert_int_equal(user[h.view.item[at] / ROWS][h.view.item[at] % ROWS], u);
            if (at == h.view.start[u])
                continue;
            const int64_t was = h.view.timestamp[at - 1], now = h.view.timestamp[at];
            assert_true(was < now || (was == now && h.view.item[at - 1] < h.view.item[at]));
        }
    histories_release(&h);
}

static void test_a_matrix_has_the_distinct_items_and_their_last_ratings(void **state)
{
    (void)state;
    static const int64_t start[] = {0, 4, 4, 5}, want_start[] = {0, 3, 3, 4};
    static const uint32_t item[] = {3, 1, 3, 0, 2}, want_index[] = {0, 1, 3, 2};
    static const float rating[] = {1, 2, 5, 4, 3}, want_value[] = {4, 2, 5, 3};
    histories known = {.rows = 3, .start = start, .item = item, .rating = rating};
    for (int rated = 0; rated < 2; rated++) {
        csr_owner m;
        assert_ok(histories_matrix(rt, &known, 4, rated != 0, &m, err));
        assert_int_equal(m.view.rows, 3);
        assert_int_equal(m.view.columns, 4);
        assert_memory_equal(m.view.start, want_start, sizeof want_start);
        assert_memory_equal(m.view.index, want_index, sizeof want_index);
        if (rated)
            assert_memory_equal(m.view.value, want_value, sizeof want_value);
        else
            assert_null(m.view.value);
        csr_release(&m);
    }
    csr_owner m;
    known.rating = NULL;
    assert_ok(histories_matrix(rt, &known, 4, true, &m, err));
    assert_null(m.view.value);
    csr_release(&m);
}

static void test_every_failing_allocation_is_reported(void **state)
{
    (void)state;
    const interactions *const parts[] = {&early, &late};
    histories_owner h;
    csr_owner m;
    BRUTAL(rt, &memory, histories_of_parts(rt, parts, 2, 3, &h, err), histories_release(&h));
    assert_ok(histories_of_parts(rt, parts, 2, 3, &h, err));
    BRUTAL(rt, &memory, histories_matrix(rt, &h.view, 4, true, &m, err), csr_release(&m));
    histories_release(&h);
}

static void test_chosen_users_have_their_rows_in_the_order_asked_for(void **state)
{
    (void)state;
    static const uint32_t users[] = {2, 3, 0, 2}, item[] = {1, 1, 2, 3, 0, 2, 1, 1};
    static const int64_t start[] = {0, 2, 2, 6, 8};
    const interactions *const parts[] = {&early, &nothing, &late};
    histories_owner h, slice;
    assert_ok(histories_of_users(rt, parts, 3, users, 4, &h, err));
    assert_int_equal(h.view.rows, 4);
    assert_true(h.view.users && h.view.user == users);
    assert_memory_equal(h.view.start, start, sizeof start);
    assert_memory_equal(h.view.item, item, sizeof item);
    assert_ok(histories_slice(rt, &h.view, 1, 2, &slice, err));
    assert_memory_equal(slice.view.start, ((const int64_t[]){0, 0, 4}), 3 * sizeof *start);
    assert_memory_equal(slice.view.item, item + 2, 4 * sizeof *item);
    assert_true(slice.view.rating[3] == 2 && slice.view.timestamp[3] == 30);
    assert_true(slice.view.rows == 2 && slice.view.users && slice.view.user == users + 1);
    histories_release(&slice);
    BRUTAL(rt, &memory, histories_slice(rt, &h.view, 1, 2, &slice, err), histories_release(&slice));
    histories_release(&h);
    BRUTAL(rt, &memory, histories_of_users(rt, parts, 3, users, 4, &h, err), histories_release(&h));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parts_are_merged_by_time_and_ties_keep_their_order),
        cmocka_unit_test(test_without_times_parts_follow_one_another),
        cmocka_unit_test(test_ratings_are_there_when_every_part_with_rows_has_them),
        cmocka_unit_test(test_no_parts_are_empty_histories),
        cmocka_unit_test(test_merging_is_a_stable_sort),
        cmocka_unit_test(test_a_matrix_has_the_distinct_items_and_their_last_ratings),
        cmocka_unit_test(test_chosen_users_have_their_rows_in_the_order_asked_for),
        cmocka_unit_test(test_every_failing_allocation_is_reported),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
