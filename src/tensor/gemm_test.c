#include "testing.h"

#include <math.h>

#include "base/base.h"
#include "tensor/gemm.h"
#include "tensor/gemm_tiles.h"

static real number(uint64_t stream, int64_t i)
{
    return (real)(random_uniform(3, stream, (uint64_t)i) - 0.5);
}

static real *numbers(uint64_t stream, int64_t count)
{
    real *x = test_malloc((size_t)(count + 1) * sizeof *x);
    for (int64_t i = 0; i < count; i++)
        x[i] = number(stream, i);
    return x;
}

/* The definition in double: what job makes of `before`, the C it finds. */
static double expected(const gemm_job *j, const real *before, int64_t row, int64_t column)
{
    double sum = 0;
    for (int64_t l = 0; l < j->k; l++)
        sum += (double)j->a[j->transpose_a ? l * j->a_stride + row : row * j->a_stride + l] *
               (double)j->b[j->transpose_b ? column * j->b_stride + l : l * j->b_stride + column];
    sum *= (double)j->alpha;
    if (j->bias != NULL)
        return sum + (double)j->bias[column];
    return j->beta == 0 ? sum : sum + (double)j->beta * (double)before[row * j->c_stride + column];
}

/* gap: numbers between the end of a stored row and the start of the next. */
static void check(gemm_job job, int64_t gap)
{
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 2);
    job.a_stride = (job.transpose_a ? job.m : job.k) + gap;
    job.b_stride = (job.transpose_b ? job.k : job.n) + gap;
    job.c_stride = job.n + gap;
    real *a = numbers(1, (job.transpose_a ? job.k : job.m) * job.a_stride + 1);
    real *b = numbers(2, (job.transpose_b ? job.n : job.k) * job.b_stride + 1);
    real *before = numbers(4, job.m * job.c_stride), *c = numbers(4, job.m * job.c_stride);
    job.a = a + 1; /* not aligned */
    job.b = b + 1;
    real *scratch = test_malloc((size_t)(gemm_scratch(&job) + 1) * sizeof *scratch);
    for (int way = 0; way < 3; way++) {
        for (int64_t i = 0; i < job.m * job.c_stride; i++)
            c[i] = (job.beta == 0 || job.bias != NULL) && i % job.c_stride < job.n
                       ? (real)NAN
                       : before[i]; /* must not matter */
        job.c = c;
        job.scratch = way == 2 ? scratch : NULL;
        if (way == 0)
            gemm(&job);
        else
            assert_ok(gemm_parallel(rt, &job, err));
        for (int64_t i = 0; i < job.m; i++)
            for (int64_t n = 0; n < job.c_stride; n++) {
                const double got = (double)c[i * job.c_stride + n];
                const double want =
                    n < job.n ? expected(&job, before, i, n) : (double)before[i * job.c_stride + n];
                if (!(fabs(got - want) <= 1e-5 * (1 + sqrt((double)job.k))))
                    fail_msg("%lldx%lldx%lld %d%d gap %lld, place %lld,%lld: %g, expected %g", (long long)job.m,
                             (long long)job.n, (long long)job.k, job.transpose_a, job.transpose_b, (long long)gap,
                             (long long)i, (long long)n, got, want);
            }
    }
    test_free(a);
    test_free(b);
    test_free(before);
    test_free(c);
    test_free(scratch);
    test_runtime_end(rt, &memory);
}

static void test_products_are_the_naive_ones_around_the_edges_of_tiles(void **state)
{
    (void)state;
    static const int64_t sizes[][3] = {{1, 1, 1},      {1, 1, 5000},   {3, 5, 7},     {1, 70, 33},
                                       {70, 1, 33},    {64, 64, 64},   {63, 65, 129}, {128, 128, 17},
                                       {257, 129, 65}, {513, 258, 20}, {20, 700, 40}, {40, 16, 900},
                                       {30, 40, 4111}, {33, 3, 6000},  {90, 91, 5000}};
    real *bias = numbers(5, 1000);
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
        for (int form = 0; form < 4; form++) {
            gemm_job job = {.transpose_a = form & 1,
                            .transpose_b = form >> 1,
                            .m = sizes[s][0],
                            .n = sizes[s][1],
                            .k = sizes[s][2],
                            .alpha = 1};
            check(job, 0);
            job.alpha = (real)-0.5;
            job.beta = 2;
            check(job, 3);
            job.bias = bias;
            check(job, 1);
        }
    test_free(bias);
}

static void test_long_sums_in_parts_are_the_naive_ones(void **state)
{
    (void)state;
    static const int64_t sizes[][3] = {{40, 50, 9001}, {300, 40, 5000}, {20, 260, 8192}};
    real *bias = numbers(5, 1000);
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
        for (int form = 0; form < 4; form++) {
            gemm_job job = {.transpose_a = form & 1,
                            .transpose_b = form >> 1,
                            .m = sizes[s][0],
                            .n = sizes[s][1],
                            .k = sizes[s][2],
                            .alpha = form == 2 ? (real)-0.5 : 1,
                            .beta = form == 1 ? 2 : 0,
                            .bias = form == 3 ? bias : NULL};
            assert_true(gemm_scratch(&job) > job.m * job.n);
            check(job, form);
        }
    assert_int_equal(gemm_scratch(&(gemm_job){.m = 4096, .n = 4096, .k = 100000}), 0);
    assert_int_equal(gemm_scratch(&(gemm_job){.m = 64, .n = 64, .k = 512}), 0);
    assert_int_equal(gemm_scratch(&(gemm_job){.m = 0, .n = 64, .k = 100000}), 0);
    test_free(bias);
}

static void test_rows_far_apart_give_the_same_product(void **state)
{
    (void)state;
    for (int form = 0; form < 4; form++) {
        check(
            (gemm_job){.transpose_a = form & 1, .transpose_b = form >> 1, .m = 300, .n = 41, .k = 150, .alpha = 1},
            2048);
        check((gemm_job){.transpose_a = form & 1,
                         .transpose_b = form >> 1,
                         .m = 41,
                         .n = 300,
                         .k = 150,
                         .alpha = 1,
                         .beta = 1},
              1000);
    }
}

static void test_sizes_may_be_zero(void **state)
{
    (void)state;
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 2);
    real c[2] = {3, 4};
    gemm_job job = {.m = 1,
                    .n = 2,
                    .k = 0,
                    .alpha = 1,
                    .a = c,
                    .a_stride = 1,
                    .b = c,
                    .b_stride = 2,
                    .beta = 2,
                    .c = c,
                    .c_stride = 2};
    gemm(&job);
    assert_true(c[0] == 6 && c[1] == 8);
    assert_ok(gemm_parallel(rt, &job, err));
    assert_true(c[0] == 12 && c[1] == 16);
    job.beta = 0; /* an empty sum, whatever was there */
    c[0] = (real)NAN;
    assert_ok(gemm_batched(rt, &job, 1, 0, 0, 0, err));
    assert_true(c[0] == 0 && c[1] == 0);
    job.m = 0;
    job.a = job.b = NULL;
    job.c = NULL;
    gemm(&job);
    assert_ok(gemm_parallel(rt, &job, err));
    assert_ok(gemm_batched(rt, &job, 7, 1, 1, 1, err));
    job.m = 1;
    assert_ok(gemm_batched(rt, &job, 0, 1, 1, 1, err));
    test_runtime_end(rt, &memory);
}

static void test_batches_are_the_products_one_by_one(void **state)
{
    (void)state;
    static const int64_t sizes[][4] = {
        {1, 5, 6, 7}, {130, 9, 5, 8}, {5000, 2, 3, 2}, {3, 130, 140, 150}, {70, 80, 90, 100}};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
        for (int shared = 0; shared < 2; shared++) {
            test_memory memory;
            medley_runtime *rt = test_runtime(&memory, 3);
            const int64_t count = sizes[s][0], m = sizes[s][1], n = sizes[s][2], k = sizes[s][3];
            real *a = numbers(1, count * m * k), *b = numbers(2, count * k * n), *c = numbers(3, count * m * n);
            gemm_job job = {.m = m,
                            .n = n,
                            .k = k,
                            .alpha = 1,
                            .a = a,
                            .a_stride = k,
                            .b = b,
                            .b_stride = n,
                            .c = c,
                            .c_stride = n};
            assert_ok(gemm_batched(rt, &job, count, m * k, shared ? 0 : k * n, m * n, err));
            for (int64_t p = 0; p < count; p++) {
                gemm_job one = job;
                one.a += p * m * k;
                one.b += shared ? 0 : p * k * n;
                for (int64_t i = 0; i<m; i += m> 8 ? 37 : 1)
                    for (int64_t j = 0; j < n; j++)
                        assert_true(fabs((double)c[(p * m + i) * n + j] - expected(&one, NULL, i, j)) < 1e-5);
            }
            test_free(a);
            test_free(b);
            test_free(c);
            test_runtime_end(rt, &memory);
        }
}

static void test_the_bits_do_not_depend_on_the_number_of_threads(void **state)
{
    (void)state;
    static const int64_t sizes[][3] = {{700, 300, 90}, {30, 50, 9001}, {64, 2000, 64}, {300, 310, 3000}};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
        for (int form = 0; form < 4; form++) {
            const int64_t m = sizes[s][0], n = sizes[s][1], k = sizes[s][2];
            real *a = numbers(1, m * k), *b = numbers(2, k * n), *scratch = numbers(6, 1 << 20), *c[3];
            for (int t = 0; t < 3; t++) {
                test_memory memory;
                medley_runtime *rt = test_runtime(&memory, 1 << t);
                c[t] = numbers(3, m * n);
                const gemm_job job = {.transpose_a = form & 1,
                                      .transpose_b = form >> 1,
                                      .m = m,
                                      .n = n,
                                      .k = k,
                                      .alpha = 1,
                                      .a = a,
                                      .a_stride = form & 1 ? m : k,
                                      .b = b,
                                      .b_stride = form >> 1 ? k : n,
                                      .beta = 1,
                                      .c = c[t],
                                      .c_stride = n,
                                      .scratch = scratch};
                assert_ok(gemm_parallel(rt, &job, err));
                assert_memory_equal(c[t], c[0], (size_t)(m * n) * sizeof *a);
                assert_int_equal(memory.live, 1); /* the runtime itself: nothing is allocated */
                test_runtime_end(rt, &memory);
            }
            test_free(a);
            test_free(b);
            test_free(scratch);
            for (int t = 0; t < 3; t++)
                test_free(c[t]);
        }
}

static void test_tiles_cover_the_product_and_are_not_tiny(void **state)
{
    (void)state;
    static const int64_t sizes[][3] = {{1, 1, 1},        {25600, 256, 256}, {256, 256, 25600},
                                       {65, 1000, 4096}, {1, 9999, 64},     {127, 127, 1 << 20}};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        const int64_t m = sizes[s][0], n = sizes[s][1];
        const gemm_tiles t = gemm_tiles_choose(&(gemm_job){.m = m, .n = n, .k = sizes[s][2]}, 512, 256, 8);
        assert_true(t.m <= 512 && t.n <= 256 && t.m >= (m < 64 ? m : 64) && t.n >= (n < 64 ? n : 64));
        assert_int_equal(t.across, (n + t.n - 1) / t.n);
        assert_int_equal(t.count, (m + t.m - 1) / t.m * t.across);
    }
    assert_int_equal(gemm_tiles_choose(&(gemm_job){.m = 256, .n = 256, .k = 256}, 512, 256, 8).count, 8);
    assert_int_equal(gemm_tiles_choose(&(gemm_job){.m = 64, .n = 64, .k = 64}, 512, 256, 8).count, 1);
}

static void test_the_libraries_have_names(void **state)
{
    (void)state;
    assert_non_null(strstr(gemm_onednn_library(), "oneDNN 2."));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_products_are_the_naive_ones_around_the_edges_of_tiles),
        cmocka_unit_test(test_long_sums_in_parts_are_the_naive_ones),
        cmocka_unit_test(test_rows_far_apart_give_the_same_product),
        cmocka_unit_test(test_sizes_may_be_zero),
        cmocka_unit_test(test_batches_are_the_products_one_by_one),
        cmocka_unit_test(test_the_bits_do_not_depend_on_the_number_of_threads),
        cmocka_unit_test(test_tiles_cover_the_product_and_are_not_tiny),
        cmocka_unit_test(test_the_libraries_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
