#include "testing.h"

#include <math.h>

#include "base/base.h"
#include "tensor/gemm_bf16.h"

enum { LINE = 64 / sizeof(float) };

static float *numbers(uint64_t stream, int64_t count)
{
    float *x = test_malloc((size_t)(count + 1) * sizeof *x);
    for (int64_t i = 0; i < count; i++)
        x[i] = (float)random_uniform(4, stream, (uint64_t)i) - 0.5f;
    return x;
}

/* The slow twin of the rounding: the nearer of the two neighbours with 8 bits, the even one of a tie. */
static float rounded(float x)
{
    int exponent;
    const double scaled = frexp((double)x, &exponent) * 256;
    return (float)ldexp(nearbyint(scaled), exponent - 8);
}

static float *rounded_numbers(uint64_t stream, int64_t count)
{
    float *x = numbers(stream, count);
    for (int64_t i = 0; i < count; i++)
        x[i] = rounded(x[i]);
    return x;
}

/* j's A and B are rounded already. */
static double expected(const gemm_job *j, const float *before, int64_t row, int64_t column, double *size)
{
    double sum = 0;
    *size = 0;
    for (int64_t l = 0; l < j->k; l++) {
        const double term = (double)j->a[j->transpose_a ? l * j->a_stride + row : row * j->a_stride + l] *
                            (double)j->b[j->transpose_b ? column * j->b_stride + l : l * j->b_stride + column];
        sum += term;
        *size += fabs(term);
    }
    sum *= (double)j->alpha;
    if (j->bias != NULL)
        return sum + (double)j->bias[column];
    return j->beta == 0 ? sum : sum + (double)j->beta * (double)before[row * j->c_stride + column];
}

static void check(gemm_bf16 *p, gemm_job job, int64_t gap)
{
    job.a_stride = (job.transpose_a ? job.m : job.k) + gap;
    job.b_stride = (job.transpose_b ? job.k : job.n) + gap;
    job.c_stride = job.n + gap;
    const int64_t a_count = (job.transpose_a ? job.k : job.m) * job.a_stride + 1;
    const int64_t b_count = (job.transpose_b ? job.n : job.k) * job.b_stride + 1;
    float *a = numbers(1, a_count), *near_a = rounded_numbers(1, a_count);
    float *b = numbers(2, b_count), *near_b = rounded_numbers(2, b_count);
    float *before = numbers(3, job.m * job.c_stride), *room = numbers(3, job.m * job.c_stride + LINE);
    float *c = room + LINE - (uintptr_t)room / sizeof *room % LINE; /* as values of nodes stand */
    memcpy(c, before, (size_t)(job.m * job.c_stride) * sizeof *c);
    float *scratch = numbers(6, gemm_scratch(&job));
    job.a = a + 1;
    job.b = b + 1;
    job.c = c;
    job.scratch = scratch;
    for (int64_t i = 0; i < job.m * job.c_stride; i++)
        c[i] = (job.beta == 0 || job.bias != NULL) && i % job.c_stride < job.n ? NAN : before[i];
    assert_ok(gemm_bf16_parallel(p, &job, err));
    job.a = near_a + 1;
    job.b = near_b + 1;
    for (int64_t i = 0; i < job.m; i += 1 + job.m / 30)
        for (int64_t j = 0; j < job.c_stride; j++) {
            double size = 0;
            const double want =
                j < job.n ? expected(&job, before, i, j, &size) : (double)before[i * job.c_stride + j];
            if (!(fabs((double)c[i * job.c_stride + j] - want) <= 1e-6 * (1 + size)))
                fail_msg("%lldx%lldx%lld %d%d, place %lld,%lld: %g, expected %g", (long long)job.m,
                         (long long)job.n, (long long)job.k, job.transpose_a, job.transpose_b, (long long)i,
                         (long long)j, (double)c[i * job.c_stride + j], want);
        }
    test_free(a);
    test_free(near_a);
    test_free(b);
    test_free(near_b);
    test_free(before);
    test_free(room);
    test_free(scratch);
}

static void check_products(gemm_bf16_way way)
{
    static const int64_t sizes[][3] = {{16, 16, 16},     {17, 33, 19},   {64, 64, 64},
                                       {100, 70, 513},   {257, 129, 65}, {300, 530, 40},
                                       {1100, 33, 1100}, {40, 50, 9001}, {1057, 2017, 17}};
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 2);
    gemm_bf16 *p;
    float *bias = numbers(5, 2100);
    assert_ok(gemm_bf16_create_way(rt, way, &p, err));
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
        for (int form = 0; form < 4; form++) {
            gemm_job job = {.transpose_a = form & 1,
                            .transpose_b = form >> 1,
                            .m = sizes[s][0],
                            .n = sizes[s][1],
                            .k = sizes[s][2],
                            .alpha = 1};
            check(p, job, 0);
            job.alpha = -0.5f;
            job.beta = 2;
            check(p, job, 3);
            job.bias = bias;
            check(p, job, 1);
        }
    gemm_bf16_free(p);
    test_free(bias);
    test_runtime_end(rt, &memory);
}

/* f for every way that this processor has. */
static void each_way(void (*f)(gemm_bf16_way way))
{
    for (gemm_bf16_way way = BF16_TILES; way < BF16_WAYS; way++)
        if (gemm_bf16_has(way))
            f(way);
        else
            print_message("skipped: this processor has no instructions for way %d\n", (int)way);
}

static void test_products_are_those_of_the_rounded_numbers(void **state)
{
    (void)state;
    each_way(check_products);
}

/* Where C is so large that it is written past the caches. */
static void test_large_products_are_those_of_the_rounded_numbers(void **state)
{
    (void)state;
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 2);
    gemm_bf16 *p;
    float *bias = numbers(5, 1040);
    assert_ok(gemm_bf16_create(rt, &p, err));
    check(p, (gemm_job){.m = 2100, .n = 1040, .k = 20, .alpha = 1}, 0);
    check(p, (gemm_job){.transpose_b = true, .m = 2100, .n = 1040, .k = 33, .alpha = -2, .bias = bias}, 16);
    gemm_bf16_free(p);
    test_free(bias);
    test_runtime_end(rt, &memory);
}

/* By hand: 1 + 2^-8 is a tie and goes to the even 1; 1 + 3 × 2^-8 to 1 + 2^-6; what lies between goes to the nearer. */
static void check_rounding(gemm_bf16_way way)
{
    enum { N = 16 };
    static const float from[8] = {
        1 + 0x1p-8f, 1 + 3 * 0x1p-8f, 1 + 0x1.02p-8f, -0x1.fffp127f, INFINITY, NAN, 1e-40f, -3};
    static const double to[8] = {1, 1 + 0x1p-6, 1 + 0x1p-7, -INFINITY, INFINITY, NAN, 0, -3};
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 1);
    gemm_bf16 *p;
    assert_ok(gemm_bf16_create_way(rt, way, &p, err));
    for (int v = 0; v < 8; v++) {
        float a[N * N] = {0}, b[N * N] = {0}, c[N * N];
        a[3 * N] = from[v];
        for (int j = 0; j < N; j++)
            b[j] = 1;
        const gemm_job job = {.m = N,
                              .n = N,
                              .k = N,
                              .alpha = 1,
                              .a = a,
                              .a_stride = N,
                              .b = b,
                              .b_stride = N,
                              .c = c,
                              .c_stride = N};
        assert_ok(gemm_bf16_parallel(p, &job, err));
        for (int j = 0; j < N; j++) {
            if (isnan(to[v]))
                assert_true(isnan(c[3 * N + j]));
            else if (to[v] == 0)
                assert_true(fabsf(c[3 * N + j]) < 1e-37f); /* a denormal may be flushed */
            else
                assert_true((double)c[3 * N + j] == to[v]);
            assert_true(c[2 * N + j] == 0);
        }
    }
    gemm_bf16_free(p);
    test_runtime_end(rt, &memory);
}

static void test_ties_go_to_even_and_what_is_not_finite_stays(void **state)
{
    (void)state;
    each_way(check_rounding);
}

static void test_thin_products_are_float_and_sizes_may_be_zero(void **state)
{
    (void)state;
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 2);
    gemm_bf16 *p;
    float a = 1 + 0x1p-20f, b = 3, c = 5;
    assert_ok(gemm_bf16_create(rt, &p, err));
    gemm_job job = {.m = 1,
                    .n = 1,
                    .k = 1,
                    .alpha = 1,
                    .a = &a,
                    .a_stride = 1,
                    .b = &b,
                    .b_stride = 1,
                    .c = &c,
                    .c_stride = 1};
    assert_ok(gemm_bf16_parallel(p, &job, err));
    assert_true(c == a * b);
    job.k = 0;
    assert_ok(gemm_bf16_parallel(p, &job, err));
    assert_true(c == 0);
    job.m = 0;
    assert_ok(gemm_bf16_batched(p, &job, 3, 0, 0, 0, err));
    gemm_bf16_free(p);
    gemm_bf16_free(NULL);
    test_runtime_end(rt, &memory);
}

static void test_batches_are_the_products_one_by_one(void **state)
{
    (void)state;
    enum { COUNT = 9, M = 40, N = 50, K = 60 };
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 3);
    gemm_bf16 *p;
    assert_ok(gemm_bf16_create(rt, &p, err));
    float *a = rounded_numbers(1, COUNT * M * K), *b = rounded_numbers(2, COUNT * K * N),
          *c = numbers(3, COUNT * M * N);
    gemm_job job = {
        .m = M, .n = N, .k = K, .alpha = 1, .a = a, .a_stride = K, .b = b, .b_stride = N, .c = c, .c_stride = N};
    assert_ok(gemm_bf16_batched(p, &job, COUNT, M * K, K * N, M * N, err));
    for (int64_t number = 0; number < COUNT; number++) {
        gemm_job one = job;
        one.a += number * M * K;
        one.b += number * K * N;
        for (int64_t i = 0; i < M; i++)
            for (int64_t j = 0; j < N; j++) {
                double size;
                const double want = expected(&one, NULL, i, j, &size);
                assert_true(fabs((double)c[(number * M + i) * N + j] - want) <= 1e-6 * (1 + size));
            }
    }
    test_free(a);
    test_free(b);
    test_free(c);
    gemm_bf16_free(p);
    test_runtime_end(rt, &memory);
}

static void check_bits(gemm_bf16_way way)
{
    static const int64_t sizes[][3] = {{1500, 300, 90}, {30, 50, 9001}, {64, 2000, 64}};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
        for (int form = 0; form < 4; form++) {
            const int64_t m = sizes[s][0], n = sizes[s][1], k = sizes[s][2];
            float *a = numbers(1, m * k), *b = numbers(2, k * n), *scratch = numbers(6, 1 << 20), *c[3];
            for (int t = 0; t < 3; t++) {
                test_memory memory;
                medley_runtime *rt = test_runtime(&memory, 1 << t);
                gemm_bf16 *p;
                assert_ok(gemm_bf16_create_way(rt, way, &p, err));
                c[t] = numbers(3, m * n);
                gemm_job job = {.transpose_a = form & 1,
                                .transpose_b = form >> 1,
                                .m = m,
                                .n = n,
                                .k = k,
                                .alpha = 1,
                                .a = a,
                                .a_stride = form & 1 ? m : k,
                                .b = b,
                                .b_stride = form >> 1 ? k : n,
                                .c = c[t],
                                .c_stride = n,
                                .scratch = scratch};
                assert_ok(gemm_bf16_parallel(p, &job, err));
                const int64_t before = memory.allocations;
                assert_ok(gemm_bf16_parallel(p, &job, err));
                assert_int_equal(memory.allocations, before);
                assert_memory_equal(c[t], c[0], (size_t)(m * n) * sizeof *a);
                gemm_bf16_free(p);
                test_runtime_end(rt, &memory);
            }
            test_free(a);
            test_free(b);
            test_free(scratch);
            for (int t = 0; t < 3; t++)
                test_free(c[t]);
        }
}

static void test_the_bits_do_not_depend_on_the_number_of_threads_and_a_warm_shape_allocates_nothing(void **state)
{
    (void)state;
    each_way(check_bits);
}

static medley_status create_and_multiply(medley_runtime *rt, gemm_bf16_way way, gemm_bf16 **out, medley_error *err)
{
    static float a[32 * 32], b[32 * 32], c[32 * 32];
    const gemm_job job = {.m = 32,
                          .n = 32,
                          .k = 32,
                          .alpha = 1,
                          .a = a,
                          .a_stride = 32,
                          .b = b,
                          .b_stride = 32,
                          .c = c,
                          .c_stride = 32};
    TRY(gemm_bf16_create_way(rt, way, out, err));
    const medley_status status = gemm_bf16_parallel(*out, &job, err);
    if (status != MEDLEY_OK)
        gemm_bf16_free(*out);
    return status;
}

static void check_allocations(gemm_bf16_way way)
{
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 2);
    gemm_bf16 *p;
    BRUTAL(rt, &memory, create_and_multiply(rt, way, &p, err), gemm_bf16_free(p));
    test_runtime_end(rt, &memory);
}

static void test_every_allocation_may_fail(void **state)
{
    (void)state;
    each_way(check_allocations);
}

static void test_more_shapes_than_are_kept_are_made_again(void **state)
{
    (void)state;
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 1);
    gemm_bf16 *p;
    assert_ok(gemm_bf16_create_way(rt, gemm_bf16_has(BF16_LIBRARY) ? BF16_LIBRARY : BF16_FLOAT, &p, err));
    for (int64_t m = 16; m < 16 + 300; m++)
        check(p, (gemm_job){.m = m, .n = 16, .k = 16, .alpha = 1}, 0);
    gemm_bf16_free(p);
    test_runtime_end(rt, &memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_products_are_those_of_the_rounded_numbers),
        cmocka_unit_test(test_large_products_are_those_of_the_rounded_numbers),
        cmocka_unit_test(test_ties_go_to_even_and_what_is_not_finite_stays),
        cmocka_unit_test(test_thin_products_are_float_and_sizes_may_be_zero),
        cmocka_unit_test(test_batches_are_the_products_one_by_one),
        cmocka_unit_test(test_the_bits_do_not_depend_on_the_number_of_threads_and_a_warm_shape_allocates_nothing),
        cmocka_unit_test(test_every_allocation_may_fail),
        cmocka_unit_test(test_more_shapes_than_are_kept_are_made_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
