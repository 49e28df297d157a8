#include "testing.h"

#include <math.h>

#include "base/base.h"
#include "tensor/gram.h"

static void fill(real *x, int64_t count, uint64_t stream)
{
    for (int64_t i = 0; i < count; i++)
        x[i] = (real)(random_uniform(1, stream, (uint64_t)i) - 0.5);
}

static void test_the_sums_are_those_of_the_definition_for_any_number_of_threads(void **state)
{
    static const int64_t shapes[][2] = {{0, 3}, {1, 1}, {255, 7}, {256, 16}, {257, 5}, {5000, 33}, {9, 0}};
    static real x[5000 * 33];
    static double g[3][33 * 33];
    (void)state;
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        const int64_t rows = shapes[s][0], n = shapes[s][1];
        fill(x, rows * n, s);
        for (int t = 0; t < 3; t++) {
            test_memory memory;
            medley_runtime *rt = test_runtime(&memory, 1 << t);
            assert_ok(gram(rt, x, rows, n, g[t], err));
            assert_memory_equal(g[t], g[0], (size_t)(n * n) * sizeof(double));
            test_runtime_end(rt, &memory);
        }
        for (int64_t i = 0; i < n; i++)
            for (int64_t j = 0; j < n; j++) {
                double want = 0;
                for (int64_t r = 0; r < rows; r++)
                    want += (double)x[r * n + i] * (double)x[r * n + j];
                assert_true(fabs(g[0][i * n + j] - want) < 1e-11);
            }
    }
}

static void test_eigenvectors_make_up_the_matrix(void **state)
{
    enum { N = 40 };
    double a[N * N], kept[N * N], values[N];
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 2);
    (void)state;
    for (int i = 0; i < N; i++)
        for (int j = 0; j <= i; j++)
            a[i * N + j] = a[j * N + i] = random_uniform(2, (uint64_t)i, (uint64_t)j) - 0.5;
    memcpy(kept, a, sizeof a);
    assert_ok(eigen_symmetric(rt, a, N, values, err));
    for (int k = 1; k < N; k++)
        assert_true(values[k] <= values[k - 1]);
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            double sum = 0, dot = 0;
            for (int k = 0; k < N; k++) {
                sum += values[k] * a[k * N + i] * a[k * N + j];
                dot += a[i * N + k] * a[j * N + k];
            }
            assert_true(fabs(sum - kept[i * N + j]) < 1e-12);
            assert_true(fabs(dot - (i == j)) < 1e-12);
        }
    test_runtime_end(rt, &memory);
}

static void test_a_matrix_worked_by_hand(void **state)
{
    double a[4] = {2, 1, 1, 2}, values[2]; /* 3 for (1, 1), 1 for (1, -1) */
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 1);
    (void)state;
    BRUTAL(rt, &memory, (a[0] = a[3] = 2, a[1] = a[2] = 1, eigen_symmetric(rt, a, 2, values, err)), (void)0);
    assert_true(fabs(values[0] - 3) < 1e-14 && fabs(values[1] - 1) < 1e-14);
    assert_true(fabs(a[0] - a[1]) < 1e-14 && fabs(a[2] + a[3]) < 1e-14);
    const real x[4] = {1, 2, 3, 4};
    double g[4];
    BRUTAL(rt, &memory, gram(rt, x, 2, 2, g, err), (void)0);
    assert_true(g[0] == 10 && g[1] == 14 && g[2] == 14 && g[3] == 20);
    assert_ok(eigen_symmetric(rt, NULL, 0, NULL, err));
    a[2] = INFINITY;
    assert_fails(eigen_symmetric(rt, a, 2, values, err), MEDLEY_E_ARGUMENT, "not finite");
    assert_fails(eigen_symmetric(rt, a, 8193, values, err), MEDLEY_E_LIMIT,
                 "eigenvectors of 8193 rows; at most 8192 are accepted");
    test_runtime_end(rt, &memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_sums_are_those_of_the_definition_for_any_number_of_threads),
        cmocka_unit_test(test_eigenvectors_make_up_the_matrix),
        cmocka_unit_test(test_a_matrix_worked_by_hand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
