#include "testing.h"

#include "base/base.h"
#include "data/matrix.h"

#include "fixture.h"

/* User 0: items 2, 0, 2; user 2: item 1. */
static const uint32_t train_user[] = {0, 0, 0, 2}, train_item[] = {2, 0, 2, 1};
static const float train_rating[] = {5, 4, 3, 2};
static const interactions train = {4, train_user, train_item, train_rating, NULL, NULL};
/* User 0: item 0; user 1: item 3; user 2: item 1, item 0. */
static const uint32_t val_user[] = {0, 1, 2, 2}, val_item[] = {0, 3, 1, 0};
static const float val_rating[] = {1, 1.5f, 2.5f, 3.5f};
static const interactions val = {4, val_user, val_item, val_rating, NULL, NULL};
static const interactions nothing = {0, train_user, train_item, train_rating, NULL, NULL};

static void test_one_part_by_hand(void **state)
{
    (void)state;
    static const int64_t start[] = {0, 2, 2, 3};
    static const uint32_t index[] = {0, 2, 1};
    static const float value[] = {4, 3, 2};
    const interactions *const parts[] = {&train};
    for (int rated = 0; rated < 2; rated++) {
        csr_owner m;
        assert_ok(matrix_of_parts(rt, parts, 1, 3, 4, rated != 0, &m, err));
        assert_int_equal(m.view.rows, 3);
        assert_int_equal(m.view.columns, 4);
        assert_memory_equal(m.view.start, start, sizeof start);
        assert_memory_equal(m.view.index, index, sizeof index);
        if (rated)
            assert_memory_equal(m.view.value, value, sizeof value);
        else
            assert_null(m.view.value);
        csr_release(&m);
    }
}

static void test_the_last_part_and_its_last_row_win(void **state)
{
    (void)state;
    static const int64_t start[] = {0, 2, 3, 5};
    static const uint32_t index[] = {0, 2, 3, 0, 1};
    static const float value[] = {1, 3, 1.5f, 3.5f, 2.5f};
    const interactions *const parts[] = {&train, &nothing, &val};
    csr_owner m;
    assert_ok(matrix_of_parts(rt, parts, 3, 3, 4, true, &m, err));
    assert_memory_equal(m.view.start, start, sizeof start);
    assert_memory_equal(m.view.index, index, sizeof index);
    assert_memory_equal(m.view.value, value, sizeof value);
    csr_release(&m);
}

static void test_ratings_of_some_parts_only_are_left_out(void **state)
{
    (void)state;
    const interactions unrated = {4, val_user, val_item, NULL, NULL, NULL};
    const interactions *const parts[] = {&train, &unrated};
    csr_owner m;
    assert_ok(matrix_of_parts(rt, parts, 2, 3, 4, true, &m, err));
    assert_null(m.view.value);
    assert_int_equal(csr_count(&m.view), 5);
    csr_release(&m);
}

static void test_no_interaction_is_an_empty_matrix(void **state)
{
    (void)state;
    const interactions *const parts[] = {&nothing, &nothing};
    for (int64_t count = 1; count <= 2; count++) {
        csr_owner m;
        assert_ok(matrix_of_parts(rt, parts, count, 5, 4, true, &m, err));
        assert_int_equal(csr_count(&m.view), 0);
        assert_int_equal(m.view.rows, 5);
        csr_release(&m);
    }
}

/* A dense [users, items] table is the slow twin. */
static void test_random_parts_equal_a_dense_table(void **state)
{
    (void)state;
    enum { USERS = 40, ITEMS = 30, ROWS = 500 };
    static uint32_t user[PART_COUNT][ROWS], item[PART_COUNT][ROWS];
    static float rating[PART_COUNT][ROWS], dense[USERS][ITEMS];
    interactions part[PART_COUNT];
    const interactions *parts[PART_COUNT];
    for (int p = 0; p < PART_COUNT; p++) {
        for (int n = 0; n < ROWS; n++) {
            user[p][n] = (uint32_t)(n * USERS / ROWS);
            item[p][n] = (uint32_t)(random_bits(1, (uint64_t)p, (uint64_t)n) % ITEMS);
            rating[p][n] = (float)(1 + p * ROWS + n);
        }
        part[p] = (interactions){ROWS, user[p], item[p], rating[p], NULL, NULL};
        parts[p] = &part[p];
    }
    for (int p = 0; p < PART_COUNT; p++)
        for (int n = 0; n < ROWS; n++)
            dense[user[p][n]][item[p][n]] = rating[p][n];
    for (int threads = 1; threads <= 4; threads *= 2) {
        test_memory own;
        csr_owner m;
        medley_runtime *runtime = test_runtime(&own, threads);
        assert_ok(matrix_of_parts(runtime, parts, PART_COUNT, USERS, ITEMS, true, &m, err));
        int64_t at = 0;
        for (int u = 0; u < USERS; u++) {
            assert_int_equal(m.view.start[u], at);
            for (int i = 0; i < ITEMS; i++)
                if (dense[u][i] > 0) {
                    assert_int_equal(m.view.index[at], i);
                    assert_true(m.view.value[at++] == dense[u][i]);
                }
        }
        assert_int_equal(csr_count(&m.view), at);
        csr_release(&m);
        test_runtime_end(runtime, &own);
    }
}

/* A part without rows has no columns, which says nothing of ratings. */
static void test_an_empty_part_takes_no_ratings_away(void **state)
{
    const interactions none = {0}, *const parts[] = {&train, &none};
    csr_owner m;
    (void)state;
    assert_ok(matrix_of_parts(rt, parts, 2, 3, 4, true, &m, err));
    assert_non_null(m.view.value);
    csr_release(&m);
}

static medley_status build_and_release(const interactions *const *parts, int64_t count, medley_error *err)
{
    csr_owner m;
    TRY(matrix_of_parts(rt, parts, count, 3, 4, true, &m, err));
    csr_release(&m);
    return MEDLEY_OK;
}

static void test_every_allocation_can_fail(void **state)
{
    (void)state;
    const interactions *const parts[] = {&train, &val};
    BRUTAL(rt, &memory, build_and_release(parts, 1, err), (void)0);
    BRUTAL(rt, &memory, build_and_release(parts, 2, err), (void)0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_one_part_by_hand, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_last_part_and_its_last_row_win, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_ratings_of_some_parts_only_are_left_out, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_interaction_is_an_empty_matrix, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_random_parts_equal_a_dense_table, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_an_empty_part_takes_no_ratings_away, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_every_allocation_can_fail, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
