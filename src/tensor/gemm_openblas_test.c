#include "testing.h"

#include <math.h>

#include "base/base.h"
#include "tensor/gemm.h"

enum { M = 70, N = 90, K = 130, STRIDE = 133, C_STRIDE = 97 };

static float a[M * STRIDE], b[N * STRIDE];

static void fill(void)
{
    for (uint64_t i = 0; i < M * STRIDE; i++)
        a[i] = (float)random_uniform(1, 1, i) - 0.5f;
    for (uint64_t i = 0; i < N * STRIDE; i++)
        b[i] = (float)random_uniform(1, 2, i) - 0.5f;
}

static void test_the_product_is_the_naive_one_and_the_gap_between_rows_is_untouched(void **state)
{
    (void)state;
    static const int64_t sizes[][3] = {{M, N, K}, {1, 1, 1},    {1, N, K},   {M, 1, K},
                                       {M, N, 1}, {17, 33, 65}, {64, 64, 64}};
    static float c[M * C_STRIDE];
    fill();
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        const int64_t m = sizes[s][0], n = sizes[s][1], k = sizes[s][2];
        for (int i = 0; i < M * C_STRIDE; i++)
            c[i] = NAN; /* what C held must not matter */
        gemm_abt(m, n, k, a, STRIDE, b, STRIDE, c, C_STRIDE);
        for (int64_t i = 0; i < M; i++)
            for (int64_t j = 0; j < C_STRIDE; j++) {
                if (i >= m || j >= n) {
                    assert_true(isnan(c[i * C_STRIDE + j]));
                    continue;
                }
                double sum = 0;
                for (int64_t l = 0; l < k; l++)
                    sum += (double)a[i * STRIDE + l] * (double)b[j * STRIDE + l];
                assert_true(fabs((double)c[i * C_STRIDE + j] - sum) < 1e-5);
            }
    }
}

typedef struct product {
    float c[4][M * C_STRIDE];
} product;

static medley_status multiply(void *context, int64_t task, int worker, medley_error *err)
{
    product *p = context;
    (void)worker;
    (void)err;
    gemm_abt(M, N, K, a, STRIDE, b, STRIDE, p->c[task], C_STRIDE);
    return MEDLEY_OK;
}

static void test_a_tile_has_the_same_bits_for_any_number_of_threads(void **state)
{
    (void)state;
    static product alone, together;
    fill();
    for (int threads = 1; threads <= 4; threads *= 2) {
        test_memory memory;
        medley_runtime *rt = test_runtime(&memory, threads);
        product *p = threads == 1 ? &alone : &together;
        assert_ok(parallel_run(rt, 4, multiply, p, err));
        for (int t = 0; t < 4; t++)
            assert_memory_equal(p->c[t], alone.c[0], sizeof alone.c[0]);
        test_runtime_end(rt, &memory);
    }
    gemm_abt(M, N, K, a, STRIDE, b, STRIDE, together.c[0], C_STRIDE);
    assert_memory_equal(together.c[0], alone.c[0], sizeof alone.c[0]);
}

static void test_the_library_has_a_name(void **state)
{
    (void)state;
    assert_non_null(strstr(gemm_library(), "OpenBLAS"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_product_is_the_naive_one_and_the_gap_between_rows_is_untouched),
        cmocka_unit_test(test_a_tile_has_the_same_bits_for_any_number_of_threads),
        cmocka_unit_test(test_the_library_has_a_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
