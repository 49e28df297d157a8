#include "testing.h"

#include <math.h>

#include "base/hash.h"
#include "base/parallel.h"
#include "tensor/kernel_elementwise.h"
#include "tensor/streaming.h"

enum { MOST = 70000, ODD = 3 /* no array starts at a multiple of a vector */ };

static real number_at(int which, int64_t i)
{
    return (real)(random_uniform(3, (uint64_t)which, (uint64_t)i) * 4 - 2);
}

/* ---- functions of one number: the definitions, in double ---- */

static double normal(double x)
{
    return 0.5 * erfc(-x * sqrt(0.5));
}
static double logistic(double x)
{
    return 1 / (1 + exp(-x));
}
static double gelu_tanh(double x)
{
    return 0.5 * x * (1 + tanh(sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
}
static double gelu_tanh_slope(double x)
{
    const double t = tanh(sqrt(2 / M_PI) * (x + 0.044715 * x * x * x));
    return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * sqrt(2 / M_PI) * (1 + 3 * 0.044715 * x * x);
}

#define TWIN(name, forward, derivative)            \
    static double value_##name(double x, double a) \
    {                                              \
        (void)x, (void)a;                          \
        return forward;                            \
    }                                              \
    static double slope_##name(double x, double a) \
    {                                              \
        (void)x, (void)a;                          \
        return derivative;                         \
    }
TWIN(scale, a *x, a)
TWIN(shift, x + a, 1)
TWIN(exp, exp(x), exp(x))
TWIN(log, log(x), 1 / x)
TWIN(sqrt, sqrt(x), 0.5 / sqrt(x))
TWIN(square, x *x, 2 * x)
TWIN(relu, fmax(x, 0), x > 0)
TWIN(leaky_relu, x < 0 ? a * x : x, x < 0 ? a : 1)
TWIN(gelu, x *normal(x), normal(x) + x * exp(-x * x / 2) / sqrt(2 * M_PI))
TWIN(gelu_tanh, gelu_tanh(x), gelu_tanh_slope(x))
TWIN(tanh, tanh(x), 1 - tanh(x) * tanh(x))
TWIN(sigmoid, logistic(x), logistic(x) * (1 - logistic(x)))
TWIN(silu, x *logistic(x), logistic(x) * (1 + x * (1 - logistic(x))))
TWIN(softplus, log1p(exp(x)), logistic(x))

#define TWIN_ROW(name) {#name, &unary_##name, value_##name, slope_##name},
static const struct {
    const char *name;
    const unary_kernel *kernel;
    double (*value)(double x, double a);
    double (*slope)(double x, double a);
} twins[] = {UNARY_KERNELS(TWIN_ROW)};
enum { TWINS = sizeof twins / sizeof twins[0] };

static bool near(real got, double want)
{
    return fabs((double)got - want) <= 3e-6 * fmax(1, fabs(want));
}

/* Numbers that are not read or written stand around every array. */
typedef struct arrays {
    real x[MOST + 32], y[MOST + 32], dy[MOST + 32], dx[MOST + 32];
} arrays;

static void test_functions_equal_their_slow_twins(void **state)
{
    const int64_t counts[] = {0, 1, 15, 16, 17, 64, 100, 1023};
    arrays *m = *state;
    for (int f = 0; f < TWINS; f++)
        for (size_t c = 0; c < sizeof counts / sizeof counts[0]; c++) {
            const int64_t n = counts[c];
            const bool positive = twins[f].kernel == &unary_log || twins[f].kernel == &unary_sqrt;
            real *x = m->x + ODD, *y = m->y + ODD + 1, *dy = m->dy + ODD + 2, *dx = m->dx + ODD + 3;
            for (int64_t i = 0; i < n; i++) {
                x[i] = positive ? real_fabs(number_at(f, i)) + (real)0.1 : 3 * number_at(f, i);
                dy[i] = number_at(100, i);
            }
            y[n] = 77;
            twins[f].kernel->forward(x, y, n, (real)0.25);
            assert_true(y[n] == 77);
            for (int64_t i = 0; i < n; i++)
                if (!near(y[i], twins[f].value((double)x[i], 0.25)))
                    fail_msg("%s(%g) is %g", twins[f].name, (double)x[i], (double)y[i]);
            for (int mode = 0; mode < STORE_MODES; mode++) {
                for (int64_t i = 0; i < n; i++)
                    dx[i] = mode == STORE_IN_PLACE ? dy[i] : (real)0.5;
                dx[n] = 77;
                twins[f].kernel->backward[mode](x, y, mode == STORE_IN_PLACE ? NULL : dy, dx, n, (real)0.25);
                assert_true(dx[n] == 77);
                for (int64_t i = 0; i < n; i++) {
                    const double want =
                        (double)dy[i] * twins[f].slope((double)x[i], 0.25) + (mode == STORE_ADD ? 0.5 : 0);
                    if (!near(dx[i], want))
                        fail_msg("%s'(%g), mode %d: %g, not %g", twins[f].name, (double)x[i], mode, (double)dx[i],
                                 want);
                }
            }
        }
}

static void test_edges_of_functions(void **state)
{
    (void)state;
    const real x[] = {-INFINITY, -100, -0.0F, 0, 100, INFINITY, NAN};
    real y[7];
    unary_relu.forward(x, y, 7, 0);
    assert_true(y[0] == 0 && y[1] == 0 && y[3] == 0 && y[4] == 100 && y[5] == INFINITY && isnan(y[6]));
    unary_softplus.forward(x, y, 7, 0);
    assert_true(y[0] == 0 && y[1] == 0 && y[4] == 100 && y[5] == INFINITY && isnan(y[6]));
    unary_sigmoid.forward(x, y, 7, 0);
    assert_true(y[0] == 0 && y[1] == 0 && y[3] == (real)0.5 && y[4] == 1 && y[5] == 1 && isnan(y[6]));
    unary_gelu.forward(x, y, 7, 0);
    assert_true(y[1] == 0 && y[3] == 0 && y[4] == 100 && y[5] == INFINITY && isnan(y[6]));
    unary_gelu_tanh.forward(x, y, 7, 0);
    assert_true(y[1] == 0 && y[3] == 0 && y[4] == 100 && y[5] == INFINITY && isnan(y[6]));
}

/* ---- arrays beyond the caches ---- */

enum { LARGE = STREAM_LEAST + 37 };

static void fill(real *x, uint64_t stream)
{
    for (int64_t i = 0; i < LARGE + 1; i++)
        x[i] = (real)(4 * random_uniform(5, stream, (uint64_t)i) - 2);
}

static void check_large_unary(const medley_runtime *rt, const unary_kernel *kernel, real *const a[6])
{
    const real *const x = a[0], *const dy = a[2];
    real *const y = a[1], *const dx = a[3], *const want = a[4], *const got = a[5];
    unary_job job = {.kernel = kernel, .a = (real)0.25, .count = LARGE, .x = x, .y = y};
    kernel->forward(x, want, LARGE, job.a);
    assert_ok(parallel_run(rt, unary_tasks(&job), unary_run, &job, err));
    assert_memory_equal(y, want, LARGE * sizeof(real));
    job.dy = dy;
    job.dx = got;
    for (int mode = 0; mode < STORE_MODES; mode++) {
        memcpy(want, mode == STORE_IN_PLACE ? dy : dx, LARGE * sizeof(real));
        memcpy(got, want, LARGE * sizeof(real));
        job.mode = (store_mode)mode;
        kernel->backward[mode](x, y, dy, want, LARGE, job.a);
        assert_ok(parallel_run(rt, unary_tasks(&job), unary_run, &job, err));
        assert_memory_equal(got, want, LARGE * sizeof(real));
    }
}

static void test_past_the_caches_bits_are_the_same(void **state)
{
    (void)state;
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 2);
    real *a[6], *aside[6];
    for (int i = 0; i < 6; i++) {
        assert_ok(mem_alloc(rt, LARGE + 1, sizeof(real), &a[i], err));
        fill(a[i], (uint64_t)i);
        aside[i] = a[i] + 1; /* not aligned */
    }
    check_large_unary(rt, &unary_scale, a);
    check_large_unary(rt, &unary_tanh, a);
    check_large_unary(rt, &unary_gelu, aside);
    for (int i = 0; i < 6; i++)
        mem_free(a[i]);
    test_runtime_end(rt, &memory);
}

/* Rows of 5, 64 and 600 numbers, and one of all, with an array of each row, of each column and of all. */
static void test_arithmetic_past_the_caches_equals_its_slow_twin(void **state)
{
    (void)state;
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 2);
    const int64_t widths[] = {5, 64, 600};
    real *a, *b, *out;
    assert_ok(mem_alloc(rt, LARGE + 1024, sizeof(real), &a, err));
    assert_ok(mem_alloc(rt, LARGE + 1024, sizeof(real), &b, err));
    assert_ok(mem_alloc(rt, LARGE + 1024, sizeof(real), &out, err));
    fill(a, 0);
    fill(b, 1);
    for (int w = 0; w < 3; w++)
        for (int kind = 0; kind < 3; kind++) {
            const int64_t columns = widths[w], rows = LARGE / columns;
            const shape s = shape_2(rows, columns);
            const shape other = kind == 0 ? s : kind == 1 ? shape_2(rows, 1) : shape_1(columns);
            binary_job job = {.kind = BINARY_SUB, .plan = broadcast_of(s, other, s), .a = a, .b = b, .out = out};
            out[rows * columns] = 77;
            assert_ok(parallel_run(rt, binary_tasks(&job), binary_run, &job, err));
            assert_true(out[rows * columns] == 77);
            for (int64_t i = 0; i < rows * columns; i++)
                if (!(out[i] == a[i] - b[kind == 0 ? i : kind == 1 ? i / columns : i % columns]))
                    fail_msg("width %lld, kind %d: place %lld", (long long)columns, kind, (long long)i);
        }
    mem_free(a);
    mem_free(b);
    mem_free(out);
    test_runtime_end(rt, &memory);
}

/* ---- arithmetic ---- */

static double apply(binary_kind kind, double a, double b)
{
    return kind == BINARY_ADD ? a + b : kind == BINARY_SUB ? a - b : kind == BINARY_MUL ? a * b : a / b;
}

/* The place in an array of shape s of the element that an index of `out` meets. */
static int64_t place_in(shape s, shape out, int64_t flat)
{
    int64_t at = 0, step = 1;
    for (int back = 0; back < out.rank; back++) {
        const int64_t size = out.size[out.rank - 1 - back], index = flat % size;
        flat /= size;
        if (back < s.rank) {
            const int64_t own = s.size[s.rank - 1 - back];
            at += (own == 1 ? 0 : index) * step;
            step *= own;
        }
    }
    return at;
}

static void check_binary(arrays *m, const medley_runtime *rt, shape sa, shape sb, binary_kind kind,
                         store_mode mode)
{
    char left[SHAPE_TEXT], right[SHAPE_TEXT];
    shape s;
    assert_true(shape_broadcast(sa, sb, &s));
    const int64_t n = shape_count(s);
    real *a = m->x + ODD, *b = m->y + ODD + 1, *out = m->dx + ODD + 2;
    assert_true(n <= MOST);
    for (int64_t i = 0; i < shape_count(sa); i++)
        a[i] = number_at(0, i);
    for (int64_t i = 0; i < shape_count(sb); i++)
        b[i] = number_at(1, i) + 3;
    for (int64_t i = 0; i < n; i++)
        out[i] = mode == STORE_IN_PLACE ? a[i] : number_at(2, i);
    out[n] = 77;
    binary_job job = {.kind = kind,
                      .mode = mode,
                      .plan = broadcast_of(sa, sb, s),
                      .a = mode == STORE_IN_PLACE ? out : a,
                      .b = b,
                      .out = out};
    assert_ok(parallel_run(rt, binary_tasks(&job), binary_run, &job, err));
    assert_true(out[n] == 77);
    for (int64_t i = 0; i < n; i++) {
        const double result = apply(kind, (double)a[place_in(sa, s, i)], (double)b[place_in(sb, s, i)]);
        const double want = result + (mode == STORE_ADD ? (double)number_at(2, i) : 0);
        if (!near(out[i], want))
            fail_msg("%s with %s, kind %d, mode %d, place %lld: %g, not %g", shape_format(sa, left),
                     shape_format(sb, right), (int)kind, (int)mode, (long long)i, (double)out[i], want);
    }
}

static const struct {
    shape a, b;
} pairs[] = {
    {{0}, {0}},
    {{1, {1}}, {1, {1}}},
    {{1, {17}}, {1, {17}}},
    {{2, {5, 16}}, {1, {16}}},
    {{1, {33}}, {3, {2, 3, 33}}},
    {{2, {7, 5}}, {2, {7, 1}}},
    {{2, {7, 1}}, {2, {7, 31}}},
    {{2, {9, 1}}, {2, {1, 19}}},
    {{0}, {2, {3, 4}}},
    {{2, {3, 4}}, {0}},
    {{4, {2, 1, 3, 1}}, {4, {1, 4, 1, 5}}},
    {{4, {2, 4, 3, 5}}, {4, {1, 4, 1, 5}}},
    {{4, {2, 4, 3, 5}}, {4, {2, 1, 3, 1}}},
    {{2, {0, 4}}, {1, {4}}},
    {{2, {1, 4}}, {2, {0, 1}}},
    {{2, {1000, 64}}, {1, {64}}},
    {{2, {1000, 64}}, {2, {1000, 1}}},
    {{1, {65537}}, {1, {65537}}},
    {{2, {2, 33000}}, {1, {33000}}},
    {{2, {2, 33000}}, {2, {2, 1}}},
    {{1, {65537}}, {0}},
};
enum { PAIRS = sizeof pairs / sizeof pairs[0] };

static void test_arithmetic_equals_its_slow_twin(void **state)
{
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 2);
    for (int p = 0; p < PAIRS; p++)
        for (int kind = 0; kind < BINARY_KINDS; kind++)
            for (int mode = 0; mode < STORE_MODES; mode++) {
                shape s;
                if (shape_broadcast(pairs[p].a, pairs[p].b, &s) &&
                    (mode != STORE_IN_PLACE || shape_equal(pairs[p].a, s)))
                    check_binary(*state, rt, pairs[p].a, pairs[p].b, (binary_kind)kind, (store_mode)mode);
            }
    test_runtime_end(rt, &memory);
}

/* [2,4,3,5] with [1,4,1,5]: no axes can be one; [2,3,4] with [4]: the first two are. */
static void test_axes_that_behave_alike_are_one(void **state)
{
    (void)state;
    const broadcast apart = broadcast_of(shape_4(2, 4, 3, 5), shape_4(1, 4, 1, 5), shape_4(2, 4, 3, 5));
    assert_true(apart.size[0] == 2 && apart.size[1] == 4 && apart.size[2] == 3 && apart.size[3] == 5);
    assert_true(apart.a_step[0] == 60 && apart.b_step[0] == 0 && apart.b_step[1] == 5 && apart.b_step[2] == 0);
    const broadcast joined = broadcast_of(shape_3(2, 3, 4), shape_1(4), shape_3(2, 3, 4));
    assert_true(joined.size[1] == 1 && joined.size[2] == 6 && joined.size[3] == 4);
    assert_true(joined.a_step[2] == 4 && joined.b_step[2] == 0 && joined.b_step[3] == 1);
    const broadcast dense = broadcast_of(shape_3(2, 3, 4), shape_3(2, 3, 4), shape_3(2, 3, 4));
    assert_true(dense.size[2] == 1 && dense.size[3] == 24);
}

/* Every element of a grid is in one task. */
static void test_a_grid_is_covered_once(void **state)
{
    (void)state;
    const int64_t grids[][2] = {{0, 5},     {5, 0},     {1, 1},     {1, 32768},  {1, 32769},
                                {32769, 1}, {1024, 64}, {3, 40000}, {100, 16385}};
    for (size_t i = 0; i < sizeof grids / sizeof grids[0]; i++) {
        const element_grid grid = element_grid_of(grids[i][0], grids[i][1]);
        int64_t covered = 0;
        for (int64_t task = 0; task < grid.tasks; task++) {
            const element_part part = element_grid_part(&grid, task);
            assert_true(part.rows > 0 && part.columns > 0);
            assert_true(part.row + part.rows <= grid.rows && part.column + part.columns <= grid.columns);
            covered += part.rows * part.columns;
        }
        assert_int_equal(covered, grids[i][0] * grids[i][1]);
    }
    assert_int_equal(element_grid_of(1, ELEMENTS_ALONE).tasks, 1);
    assert_int_equal(element_grid_of(1, ELEMENTS_ALONE + 1).tasks, 3);
}

int main(void)
{
    static arrays m; /* tests only: 1.1 MB */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(test_functions_equal_their_slow_twins, &m),
        cmocka_unit_test(test_edges_of_functions),
        cmocka_unit_test(test_past_the_caches_bits_are_the_same),
        cmocka_unit_test(test_arithmetic_past_the_caches_equals_its_slow_twin),
        cmocka_unit_test_prestate(test_arithmetic_equals_its_slow_twin, &m),
        cmocka_unit_test(test_axes_that_behave_alike_are_one),
        cmocka_unit_test(test_a_grid_is_covered_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
