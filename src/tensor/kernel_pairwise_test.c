#include "testing.h"

#include <math.h>

#include "base/base.h"
#include "tensor/kernel_pairwise.h"

enum { GUARD = 7 };

/* Numbers with GUARD more behind them, to see that nothing writes there. */
static real *numbers(uint64_t stream, int64_t count)
{
    real *x = test_malloc((size_t)(count + GUARD) * sizeof *x);
    for (int64_t i = 0; i < count + GUARD; i++)
        x[i] = (real)(random_uniform(5, stream, (uint64_t)i) - 0.5);
    return x;
}

static void assert_guard(const real *x, uint64_t stream, int64_t count)
{
    for (int64_t i = count; i < count + GUARD; i++)
        assert_true(x[i] == (real)(random_uniform(5, stream, (uint64_t)i) - 0.5));
}

static void assert_near(double got, double want, int64_t terms)
{
    if (!(fabs(got - want) <= 1e-6 * (2 + sqrt((double)terms))))
        fail_msg("%.9g, expected %.9g", got, want);
}

static double dot(const real *x, const real *y, int64_t d)
{
    double sum = 0;
    for (int64_t i = 0; i < d; i++)
        sum += (double)x[i] * (double)y[i];
    return sum;
}

static void test_pairs_by_hand(void **state)
{
    (void)state;
    const real x[3 * 2] = {1, 2, 3, 4, 5, 6}, g[3] = {1, 10, 100};
    real out[3], dx[3 * 2] = {1, 1, 1, 1, 1, 1};
    pairwise_dots(x, 3, 2, out); /* (1,0) (2,0) (2,1) */
    assert_true(out[0] == 11 && out[1] == 17 && out[2] == 39);
    pairwise_dots_backward(x, g, 3, 2, dx, true); /* dx_1 = 1 + x_0 + 100 x_2 */
    assert_true(dx[0] == 1 + 3 + 50 && dx[1] == 1 + 4 + 60);
    assert_true(dx[2] == 1 + 1 + 500 && dx[3] == 1 + 2 + 600);
    assert_true(dx[4] == 1 + 10 + 300 && dx[5] == 1 + 20 + 400);
}

static void test_pairs_are_the_naive_ones_around_the_edges_of_blocks(void **state)
{
    (void)state;
    static const int64_t fs[] = {0, 1, 2, 15, 16, 17, 27, 64, 65, 130},
                         ds[] = {0, 1, 3, 16, 64, 127, 128, 129, 300};
    for (size_t a = 0; a < sizeof fs / sizeof *fs; a++)
        for (size_t b = 0; b < sizeof ds / sizeof *ds; b++) {
            const int64_t f = fs[a], d = ds[b], pairs = f > 0 ? f * (f - 1) / 2 : 0;
            real *x = numbers(1, f * d + 1), *out = numbers(2, pairs), *g = numbers(3, pairs);
            pairwise_dots(x + 1, f, d, out);
            for (int64_t i = 0, p = 0; i < f; i++)
                for (int64_t j = 0; j < i; j++, p++)
                    assert_near((double)out[p], dot(x + 1 + i * d, x + 1 + j * d, d), d);
            assert_guard(out, 2, pairs);
            for (int add = 0; add < 2; add++) {
                real *dx = numbers(4, f * d), *before = numbers(4, f * d);
                pairwise_dots_backward(x + 1, g, f, d, dx, add);
                for (int64_t i = 0; i < f; i++)
                    for (int64_t l = 0; l < d; l += 1 + d / 20) {
                        double want = add ? (double)before[i * d + l] : 0;
                        for (int64_t j = 0; j < f; j++)
                            if (j != i)
                                want += (double)g[i > j ? i * (i - 1) / 2 + j : j * (j - 1) / 2 + i] *
                                        (double)x[1 + j * d + l];
                        assert_near((double)dx[i * d + l], want, f);
                    }
                assert_guard(dx, 4, f * d);
                test_free(dx);
                test_free(before);
            }
            test_free(x);
            test_free(out);
            test_free(g);
        }
}

static void test_dots_of_rows_are_the_naive_ones(void **state)
{
    (void)state;
    static const int64_t ds[] = {0, 1, 15, 16, 17, 63, 64, 65, 200};
    for (size_t b = 0; b < sizeof ds / sizeof *ds; b++)
        for (int64_t rows = 0; rows < 4; rows++) {
            const int64_t d = ds[b], count = rows * d;
            real *x = numbers(1, count + 1), *y = numbers(2, count + 1), *out = numbers(3, rows);
            rows_dot(x + 1, y + 1, rows, d, out);
            for (int64_t r = 0; r < rows; r++)
                assert_near((double)out[r], dot(x + 1 + r * d, y + 1 + r * d, d), d);
            assert_guard(out, 3, rows);
            for (int add = 0; add < 2; add++) {
                real *dx = numbers(4, count), *before = numbers(4, count);
                rows_dot_backward(out, y + 1, rows, d, dx, add);
                for (int64_t i = 0; i < count; i++)
                    assert_near((double)dx[i],
                                (double)out[i / d] * (double)y[1 + i] + (add ? (double)before[i] : 0), 1);
                assert_guard(dx, 4, count);
                test_free(dx);
                test_free(before);
            }
            test_free(x);
            test_free(y);
            test_free(out);
        }
}

static void test_sums_of_columns_are_the_naive_ones(void **state)
{
    (void)state;
    for (int64_t rows = 0; rows < 10; rows++)
        for (int64_t width = 0; width < 40; width += 13) {
            real *x = numbers(1, rows * width), *sum = numbers(2, width);
            column_sums(x, rows, width, sum);
            for (int64_t j = 0; j < width; j++) {
                double want = 0;
                for (int64_t r = 0; r < rows; r++)
                    want += (double)x[r * width + j];
                assert_near((double)sum[j], want, rows);
            }
            assert_guard(sum, 2, width);
            test_free(x);
            test_free(sum);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pairs_by_hand),
        cmocka_unit_test(test_pairs_are_the_naive_ones_around_the_edges_of_blocks),
        cmocka_unit_test(test_dots_of_rows_are_the_naive_ones),
        cmocka_unit_test(test_sums_of_columns_are_the_naive_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
