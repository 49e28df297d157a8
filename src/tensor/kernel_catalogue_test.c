#include "testing.h"

#include "base/base.h"
#include "tensor/kernel_catalogue.h"

static void test_a_row_becomes_exponentials_and_their_sum(void **state)
{
    (void)state;
    enum { MOST = 70 };
    for (int64_t count = 0; count <= MOST; count++)
        for (int64_t offset = 0; offset < 3; offset++) {
            real row[MOST + 3];
            double want[MOST], sum = 0, maximum = -INFINITY;
            for (int64_t j = 0; j < count; j++) {
                row[offset + j] = (real)(40 * random_uniform(1, (uint64_t)count, (uint64_t)j) - 20);
                maximum = fmax(maximum, row[offset + j]);
            }
            for (int64_t j = 0; j < count; j++)
                sum += want[j] = exp(row[offset + j] - maximum);
            real top;
            const real got = catalogue_soften(row + offset, count, &top);
            assert_true(fabs(got - sum) <= 5e-6 * sum);
            assert_true(top == (real)(count > 0 ? maximum : 0));
            for (int64_t j = 0; j < count; j++)
                assert_true(fabs(row[offset + j] - want[j]) <= 5e-6 * want[j]); /* row - top is rounded */
        }
}

static void test_what_is_hidden_weighs_nothing(void **state)
{
    (void)state;
    real row[3] = {-(real)INFINITY, 5, -(real)INFINITY}, none[2] = {-(real)INFINITY, -(real)INFINITY}, top;
    assert_true(catalogue_soften(row, 3, &top) == 1);
    assert_true(row[0] == 0 && row[1] == 1 && row[2] == 0 && top == 5);
    assert_true(catalogue_soften(none, 2, &top) == 0);
    assert_true(none[0] == 0 && none[1] == 0 && top == 0);
}

static void test_cuts_cover_all_items_and_stay_small(void **state)
{
    (void)state;
    const int64_t sizes[] = {1, 2, 255, 256, 257, 3416, 60000, 2000000};
    for (int i = 0; i < 8; i++)
        for (int r = 0; r < 8; r++) {
            const catalogue_cut cut = catalogue_cut_of(sizes[r], sizes[i], 64);
            assert_true(cut.rows >= 1 && cut.rows <= sizes[r]);
            assert_true((cut.chunks - 1) * cut.chunk < sizes[i] && sizes[i] <= cut.chunks * cut.chunk);
            assert_true((cut.groups - 1) * cut.together < cut.chunks && cut.chunks <= cut.groups * cut.together);
            /* 32 MiB, or 64 rows */
            assert_true(cut.rows <= 64 || cut.rows * sizes[i] <= 1 << 23);
        }
    assert_int_equal(catalogue_cut_of(0, 10, 4).rows, 1);
    assert_int_equal(catalogue_cut_of(10, 0, 4).groups, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_row_becomes_exponentials_and_their_sum),
        cmocka_unit_test(test_what_is_hidden_weighs_nothing),
        cmocka_unit_test(test_cuts_cover_all_items_and_stay_small),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
