#include "testing.h"

#include <math.h>

#include "base/base.h"
#include "tensor/kernel_reduce.h"

static void fill(real *x, int64_t n, uint64_t which)
{
    for (int64_t i = 0; i < n; i++)
        x[i] = (real)(random_uniform(9, which, (uint64_t)i) * 2 - 1);
}

/* Around leaves of 8192 and 1024, pieces of 2048, lanes of 16. */
static const int64_t cuts[][3] = {
    {1, 0, 1},      {3, 0, 5},     {0, 4, 5},     {4, 5, 0},     {1, 1, 1},     {1, 15, 1},
    {5, 16, 1},     {7, 17, 1},    {3, 64, 1},    {9, 100, 1},   {1, 8192, 1},  {2, 8193, 1},
    {1, 100000, 1}, {1, 7, 3},     {1, 200, 64},  {1, 1000, 64}, {2, 3, 4},     {1, 9, 2048},
    {1, 40, 2049},  {1, 600, 200}, {20, 4097, 2}, {16, 300, 33}, {1, 1025, 17}, {17, 1024, 3},
    {600, 64, 1},   {1, 20000, 2}, {1, 1, 40},    {40, 1, 1},    {3, 9000, 2},  {1, 70000, 2},
};
enum { CUTS = sizeof cuts / sizeof cuts[0] };

/* All levels, as op_reduce.c runs them; out [outer, inner]. */
static void sum_all(const medley_runtime *rt, sum_job job)
{
    real *partial[8];
    int levels = 0;
    for (int64_t leaves; (leaves = sum_leaves(&job)) > 1; levels++) {
        sum_job level = job;
        assert_ok(mem_alloc(rt, job.outer * leaves * job.inner, sizeof(real), &partial[levels], err));
        level.out = partial[levels];
        level.scale = 1;
        level.add = false;
        assert_ok(parallel_run(rt, sum_tasks(&level), sum_run, &level, err));
        job.x = level.out;
        job.w = NULL;
        job.count = leaves;
    }
    assert_ok(parallel_run(rt, sum_tasks(&job), sum_run, &job, err));
    while (levels > 0)
        mem_free(partial[--levels]);
}

static void check_sum(const medley_runtime *rt, const int64_t cut[3], bool weighted, bool add)
{
    const int64_t n = cut[0] * cut[1] * cut[2], m = cut[0] * cut[2];
    real *x, *w, *out;
    assert_ok(mem_alloc(rt, n + 1, sizeof(real), &x, err));
    assert_ok(mem_alloc(rt, n + 1, sizeof(real), &w, err));
    assert_ok(mem_alloc(rt, m + 1, sizeof(real), &out, err));
    fill(x, n + 1, 1);
    fill(w, n + 1, 2);
    fill(out, m + 1, 3);
    out[m] = 77;
    sum_all(rt, (sum_job){.outer = cut[0],
                          .count = cut[1],
                          .inner = cut[2],
                          .x = x + 1, /* unaligned */
                          .w = weighted ? w + 1 : NULL,
                          .out = out,
                          .scale = (real)0.5,
                          .add = add});
    assert_true(out[m] == 77);
    for (int64_t o = 0; o < cut[0]; o++)
        for (int64_t j = 0; j < cut[2]; j++) {
            double sum = 0, size = 0;
            for (int64_t k = 0; k < cut[1]; k++) {
                const int64_t at = (o * cut[1] + k) * cut[2] + j + 1;
                const double term = (double)x[at] * (weighted ? (double)w[at] : 1);
                sum += term;
                size += fabs(term);
            }
            const double old = add ? random_uniform(9, 3, (uint64_t)(o * cut[2] + j)) * 2 - 1 : 0;
            const double got = (double)out[o * cut[2] + j];
            if (!(fabs(got - (old + 0.5 * sum)) <= 2e-6 * (1 + sqrt(size))))
                fail_msg("[%lld,%lld,%lld] at %lld,%lld: %.9g, not %.9g", (long long)cut[0], (long long)cut[1],
                         (long long)cut[2], (long long)o, (long long)j, got, old + 0.5 * sum);
        }
    mem_free(x);
    mem_free(w);
    mem_free(out);
}

static void test_sums_equal_their_slow_twin(void **state)
{
    (void)state;
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 2);
    for (int c = 0; c < CUTS; c++)
        for (int way = 0; way < 4; way++)
            check_sum(rt, cuts[c], (way & 1) != 0, (way & 2) != 0);
    test_runtime_end(rt, &memory);
}

static void test_sums_are_the_same_bits_for_any_number_of_threads(void **state)
{
    (void)state;
    for (int c = 0; c < CUTS; c++) {
        const int64_t *cut = cuts[c], n = cut[0] * cut[1] * cut[2], m = cut[0] * cut[2];
        real *first = NULL;
        test_memory memory;
        medley_runtime *rt = test_runtime(&memory, 1);
        real *x;
        assert_ok(mem_alloc(rt, n, sizeof(real), &x, err));
        fill(x, n, 4);
        for (int threads = 1; threads <= 4; threads *= 2) {
            test_memory own;
            medley_runtime *more = test_runtime(&own, threads);
            real *out;
            assert_ok(mem_alloc(rt, m, sizeof(real), &out, err));
            sum_all(more,
                    (sum_job){.outer = cut[0], .count = cut[1], .inner = cut[2], .x = x, .out = out, .scale = 1});
            if (first == NULL) {
                first = out;
            } else {
                assert_memory_equal(first, out, (size_t)m * sizeof(real));
                mem_free(out);
            }
            test_runtime_end(more, &own);
        }
        mem_free(first);
        mem_free(x);
        test_runtime_end(rt, &memory);
    }
}

/* A running sum of four million floats of 0.1 is wrong in its third digit. */
static void test_long_sums_keep_their_digits(void **state)
{
    (void)state;
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 2);
    const int64_t n = 4000000;
    real *x, out, pair[2];
    assert_ok(mem_alloc(rt, n, sizeof(real), &x, err));
    for (int64_t i = 0; i < n; i++)
        x[i] = (real)0.1;
    sum_all(rt, (sum_job){.outer = 1, .count = n, .inner = 1, .x = x, .out = &out, .scale = 1});
    assert_true(fabs((double)out / 400000 - 1) < 1e-6);
    sum_all(rt, (sum_job){.outer = 1, .count = n / 2, .inner = 2, .x = x, .out = pair, .scale = 1});
    assert_true(fabs((double)pair[0] / 200000 - 1) < 4e-6 && pair[0] == pair[1]);
    mem_free(x);
    test_runtime_end(rt, &memory);
}

/* ---- maxima ---- */

static void check_max(const medley_runtime *rt, const int64_t cut[3], int kinds)
{
    const int64_t n = cut[0] * cut[1] * cut[2], m = cut[0] * cut[2];
    real *x, *out, *dx;
    int32_t *place;
    assert_ok(mem_alloc(rt, n, sizeof(real), &x, err));
    assert_ok(mem_alloc(rt, n, sizeof(real), &dx, err));
    assert_ok(mem_alloc(rt, m, sizeof(real), &out, err));
    assert_ok(mem_alloc(rt, m, sizeof *place, &place, err));
    for (int64_t i = 0; i < n; i++) { /* few kinds of numbers: many ties */
        const uint64_t kind = random_bits(5, (uint64_t)kinds, (uint64_t)i) % (uint64_t)kinds;
        x[i] = kinds == 3 && kind == 2 ? NAN : (real)kind - 1;
        dx[i] = 1;
    }
    max_job job = {cut[0], cut[1], cut[2], x, out, place};
    assert_ok(parallel_run(rt, max_tasks(&job), max_run, &job, err));
    for (int64_t o = 0; o < cut[0]; o++)
        for (int64_t j = 0; j < cut[2]; j++) {
            int64_t best = 0;
            for (int64_t k = 1; k < cut[1]; k++) {
                const real v = x[(o * cut[1] + k) * cut[2] + j], old = x[(o * cut[1] + best) * cut[2] + j];
                if (v > old || (isnan(v) && !isnan(old)))
                    best = k;
            }
            const int64_t at = o * cut[2] + j;
            const real most = x[(o * cut[1] + best) * cut[2] + j];
            assert_int_equal(place[at], best);
            assert_true(out[at] == most || (isnan(out[at]) && isnan(most)));
            out[at] = (real)at + 2;
        }
    for (int add = 1; add >= 0; add--) {
        max_gradient_job back = {cut[0], cut[1], cut[2], out, place, dx, add == 1};
        assert_ok(parallel_run(rt, max_gradient_tasks(&back), max_gradient_run, &back, err));
        for (int64_t i = 0; i < n; i++) {
            const int64_t at = i / cut[2] / cut[1] * cut[2] + i % cut[2];
            const bool is_place = place[at] == i / cut[2] % cut[1];
            assert_true(dx[i] == (real)add + (is_place ? out[at] : 0));
        }
    }
    mem_free(x);
    mem_free(dx);
    mem_free(out);
    mem_free(place);
}

static void test_maxima_equal_their_slow_twin(void **state)
{
    (void)state;
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 2);
    for (int c = 0; c < CUTS; c++)
        for (int kinds = 2; kinds <= 100000 && cuts[c][1] > 0; kinds = kinds == 3 ? 100000 : kinds + 1)
            check_max(rt, cuts[c], kinds);
    test_runtime_end(rt, &memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sums_equal_their_slow_twin),
        cmocka_unit_test(test_sums_are_the_same_bits_for_any_number_of_threads),
        cmocka_unit_test(test_long_sums_keep_their_digits),
        cmocka_unit_test(test_maxima_equal_their_slow_twin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
