#include "testing.h"

#include <math.h>

#include "base/base.h"
#include "tensor/kernel_dropout.h"

enum { COUNT = 100000 };

static const uint32_t quarter = 1U << 30;

static dropout_job job_of(const real *x, real *out, int64_t count, store_mode mode)
{
    return (dropout_job){.seed = 7,
                         .stream = 3,
                         .limit = quarter,
                         .scale = (real)1.5,
                         .count = count,
                         .x = x,
                         .out = out,
                         .mode = mode};
}

static bool is_dropped(int64_t i)
{
    return dropout_bits(dropout_key(7, 3, i / DROPOUT_BLOCK), (uint32_t)(i % DROPOUT_BLOCK)) < quarter;
}

static void test_dropout_equals_its_slow_twin(void **state)
{
    (void)state;
    const int64_t counts[] = {0, 1, 17, DROPOUT_BLOCK, DROPOUT_BLOCK + 1, ELEMENTS_ALONE, COUNT};
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 2);
    real *x, *out;
    assert_ok(mem_alloc(rt, COUNT + 1, sizeof(real), &x, err));
    assert_ok(mem_alloc(rt, COUNT + 1, sizeof(real), &out, err));
    for (size_t c = 0; c < sizeof counts / sizeof counts[0]; c++)
        for (int mode = 0; mode < STORE_MODES; mode++) {
            for (int64_t i = 0; i <= COUNT; i++) {
                x[i] = (real)(i % 100 + 1);
                out[i] = mode == STORE_IN_PLACE ? x[i] : 7;
            }
            dropout_job job = job_of(mode == STORE_IN_PLACE ? out : x, out, counts[c], (store_mode)mode);
            assert_ok(parallel_run(rt, dropout_tasks(&job), dropout_run, &job, err));
            for (int64_t i = 0; i < counts[c]; i++)
                assert_true(out[i] == (is_dropped(i) ? 0 : x[i] * (real)1.5) + (mode == STORE_ADD ? 7 : 0));
            assert_true(out[counts[c]] == (mode == STORE_IN_PLACE ? x[counts[c]] : 7));
        }
    mem_free(x);
    mem_free(out);
    test_runtime_end(rt, &memory);
}

/* Counts within five standard deviations of what independent draws give. */
static void assert_rate(int64_t hits, int64_t of, double p)
{
    if (fabs((double)hits - (double)of * p) > 5 * sqrt((double)of * p * (1 - p)))
        fail_msg("%lld of %lld, expected %g", (long long)hits, (long long)of, (double)of * p);
}

static bool mask_at(uint64_t stream, int64_t i, double p)
{
    const uint32_t bits = dropout_bits(dropout_key(7, stream, i / DROPOUT_BLOCK), (uint32_t)(i % DROPOUT_BLOCK));
    return (double)bits < p * 0x1p32;
}

static void test_the_rate_is_p(void **state)
{
    (void)state;
    const double p[] = {0.01, 0.1, 0.5, 0.9};
    for (size_t k = 0; k < sizeof p / sizeof p[0]; k++)
        for (uint64_t stream = 0; stream < 8; stream++) {
            int64_t hits = 0;
            for (int64_t i = 0; i < COUNT; i++)
                hits += mask_at(stream, i, p[k]);
            assert_rate(hits, COUNT, p[k]);
        }
}

/* Neighbours near and far, the same place of the next stream and of the next block. */
static void test_places_are_independent(void **state)
{
    (void)state;
    const int64_t apart[] = {1, 2, 3, 4, 7, 8, 16, 64, 200, 256, 1024, 4096, DROPOUT_BLOCK};
    for (uint64_t stream = 0; stream < 4; stream++) {
        for (size_t k = 0; k < sizeof apart / sizeof apart[0]; k++) {
            int64_t both = 0;
            for (int64_t i = 0; i + apart[k] < COUNT; i++)
                both += mask_at(stream, i, 0.5) && mask_at(stream, i + apart[k], 0.5);
            assert_rate(both, COUNT - apart[k], 0.25);
        }
        int64_t both = 0;
        for (int64_t i = 0; i < COUNT; i++)
            both += mask_at(stream, i, 0.5) && mask_at(stream + 1, i, 0.5);
        assert_rate(both, COUNT, 0.25);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dropout_equals_its_slow_twin),
        cmocka_unit_test(test_the_rate_is_p),
        cmocka_unit_test(test_places_are_independent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
