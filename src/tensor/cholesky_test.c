#include "testing.h"

#include <math.h>

#include "base/base.h"
#include "tensor/cholesky.h"

/* A = XᵀX + I of a random X: [2n, n]; the upper triangle is NaN, for it must not be read. */
static void make_matrix(double *a, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < n; j++)
            a[i * n + j] = j < i ? 0 : j == i ? 1 : NAN;
    for (int64_t row = 0; row < 2 * n; row++) {
        int64_t ones[64], count = 0;
        for (int64_t i = 0; i < n && count < 64; i++)
            if (random_bits(3, (uint64_t)row, (uint64_t)i) % 8 == 0)
                ones[count++] = i;
        for (int64_t x = 0; x < count; x++)
            for (int64_t y = 0; y <= x; y++)
                a[ones[x] * n + ones[y]]++;
    }
}

/* The largest |A A⁻¹ - I|. */
static double residual(const double *a, const double *inverse, int64_t n)
{
    double worst = 0;
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < n; j++) {
            double sum = i == j ? -1 : 0;
            for (int64_t k = 0; k < n; k++)
                sum += (k <= i ? a[i * n + k] : a[k * n + i]) * inverse[k * n + j];
            worst = fmax(worst, fabs(sum));
        }
    return worst;
}

static void test_the_product_with_the_inverse_is_one_at_sizes_around_the_tiles(void **state)
{
    (void)state;
    static const int64_t sizes[] = {0, 1, 2, 31, 33, 191, 192, 193, 384, 650};
    static double a[650 * 650], first[650 * 650], inverse[650 * 650];
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        const int64_t n = sizes[s];
        const size_t bytes = (size_t)(n * n) * sizeof *a;
        make_matrix(a, n);
        for (int threads = 1; threads <= 4; threads *= 2) {
            test_memory memory;
            medley_runtime *rt = test_runtime(&memory, threads);
            memcpy(inverse, a, bytes);
            assert_ok(cholesky_inverse(rt, inverse, n, "inverting", err));
            if (threads == 1) {
                memcpy(first, inverse, bytes);
                assert_true(residual(a, inverse, n) < 1e-10);
            }
            assert_memory_equal(inverse, first, bytes);
            test_runtime_end(rt, &memory);
        }
        for (int64_t i = 0; i < n; i++)
            for (int64_t j = 0; j < i; j++)
                assert_true(inverse[i * n + j] == inverse[j * n + i]);
    }
}

static void test_the_worked_example_comes_out(void **state)
{
    (void)state;
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 1);
    double a[] = {4, NAN, 2, 3}; /* determinant 8 */
    assert_ok(cholesky_inverse(rt, a, 2, "inverting", err));
    static const double inverse[] = {0.375, -0.25, -0.25, 0.5};
    for (int i = 0; i < 4; i++)
        assert_true(fabs(a[i] - inverse[i]) < 1e-15);
    test_runtime_end(rt, &memory);
}

static void test_a_matrix_that_is_not_positive_definite_is_refused_with_the_row(void **state)
{
    (void)state;
    static double a[400 * 400];
    static const double bad[] = {-1, 0, NAN};
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 2);
    for (int b = 0; b < 3; b++) {
        memset(a, 0, sizeof a);
        for (int64_t i = 0; i < 400; i++)
            a[i * 400 + i] = i == 250 ? bad[b] : 1;
        assert_fails(cholesky_inverse(rt, a, 400, "inverting", err), MEDLEY_E_ARGUMENT, "(row 250)");
    }
    assert_fails(cholesky_inverse(rt, a, INT64_C(1) << 40, "inverting", err), MEDLEY_E_LIMIT,
                 "1099511627776 rows");
    test_runtime_end(rt, &memory);
}

static bool stop_at_once(void *context, const char *phase, int64_t done, int64_t total)
{
    (void)context;
    assert_string_equal(phase, "inverting");
    assert_in_range(done, 1, total);
    return false;
}

static void test_the_caller_can_stop_it(void **state)
{
    (void)state;
    double a[] = {1};
    medley_runtime *rt;
    const medley_runtime_options options = {.threads = 1, .progress = stop_at_once};
    assert_ok(medley_runtime_create(&options, &rt, err));
    assert_fails(cholesky_inverse(rt, a, 1, "inverting", err), MEDLEY_E_STOPPED, "stopped while inverting");
    medley_runtime_free(rt);
}

static void test_every_failing_allocation_is_reported_and_leaks_nothing(void **state)
{
    (void)state;
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 2);
    double a[] = {4, 0, 2, 3};
    BRUTAL(rt, &memory, cholesky_inverse(rt, a, 2, "inverting", err), (void)0);
    test_runtime_end(rt, &memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_product_with_the_inverse_is_one_at_sizes_around_the_tiles),
        cmocka_unit_test(test_the_worked_example_comes_out),
        cmocka_unit_test(test_a_matrix_that_is_not_positive_definite_is_refused_with_the_row),
        cmocka_unit_test(test_the_caller_can_stop_it),
        cmocka_unit_test(test_every_failing_allocation_is_reported_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
