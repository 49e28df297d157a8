#include "testing.h"

#include <math.h>
#include <stdlib.h>

#include "base/base.h"
#include "tensor/kernel_rows.h"

/* ---- slow twins: a row's equations in double ---- */

typedef struct twin_row {
    int64_t width;
    const real *x, *dy, *gain, *bias;
    double epsilon;
    double *y, *dx;
    double *dgain, *dbias; /* added to */
} twin_row;

static double largest(const twin_row *r)
{
    double most = -INFINITY;
    for (int64_t i = 0; i < r->width; i++)
        most = fmax(most, (double)r->x[i]);
    return most;
}

static double sum_of_exponentials(const twin_row *r)
{
    double sum = 0;
    for (int64_t i = 0; i < r->width; i++)
        sum += exp((double)r->x[i] - largest(r));
    return sum;
}

static void twin_softmax(const twin_row *r)
{
    const double most = largest(r), sum = sum_of_exponentials(r);
    double dot = 0;
    for (int64_t i = 0; i < r->width; i++) {
        r->y[i] = exp((double)r->x[i] - most) / sum;
        dot += r->y[i] * (double)r->dy[i];
    }
    for (int64_t i = 0; i < r->width; i++)
        r->dx[i] = r->y[i] * ((double)r->dy[i] - dot);
}

static void twin_log_softmax(const twin_row *r)
{
    const double most = largest(r), sum = sum_of_exponentials(r);
    double total = 0;
    for (int64_t i = 0; i < r->width; i++)
        total += (double)r->dy[i];
    for (int64_t i = 0; i < r->width; i++) {
        r->y[i] = (double)r->x[i] - most - log(sum);
        r->dx[i] = (double)r->dy[i] - exp(r->y[i]) * total;
    }
}

/* The whole Jacobian: dn_j / dx_i = scale ([i = j] - 1 / D - n_i n_j / D). */
static void twin_layer_norm(const twin_row *r)
{
    const int64_t D = r->width;
    double mean = 0, variance = 0;
    for (int64_t i = 0; i < D; i++)
        mean += (double)r->x[i] / (double)D;
    for (int64_t i = 0; i < D; i++)
        variance += ((double)r->x[i] - mean) * ((double)r->x[i] - mean) / (double)D;
    const double scale = 1 / sqrt(variance + r->epsilon);
    for (int64_t i = 0; i < D; i++) {
        const double n = ((double)r->x[i] - mean) * scale;
        r->y[i] = n * (double)r->gain[i] + (double)r->bias[i];
        r->dgain[i] += (double)r->dy[i] * n;
        r->dbias[i] += (double)r->dy[i];
        r->dx[i] = 0;
        for (int64_t j = 0; j < D; j++) {
            const double h = (double)r->dy[j] * (double)r->gain[j], other = ((double)r->x[j] - mean) * scale;
            r->dx[i] += h * scale * ((i == j) - 1 / (double)D - n * other / (double)D);
        }
    }
}

static void twin_l2_normalise(const twin_row *r)
{
    double square = 0, dot = 0;
    for (int64_t i = 0; i < r->width; i++) {
        square += (double)r->x[i] * (double)r->x[i];
        dot += (double)r->x[i] * (double)r->dy[i];
    }
    const double length = sqrt(square), held = fmax(length, r->epsilon);
    for (int64_t i = 0; i < r->width; i++) {
        r->y[i] = (double)r->x[i] / held;
        r->dx[i] = (double)r->dy[i] / held - (length > r->epsilon ? (double)r->x[i] * dot / pow(length, 3) : 0);
    }
}

static const struct rows_case {
    const char *name;
    rows_kernel forward, backward;
    void (*twin)(const twin_row *r);
    bool columns;
} cases[] = {
    {"softmax", softmax_forward, softmax_backward, twin_softmax, false},
    {"log_softmax", log_softmax_forward, log_softmax_backward, twin_log_softmax, false},
    {"layer_norm", layer_norm_forward, layer_norm_backward, twin_layer_norm, true},
    {"l2_normalise", l2_normalise_forward, l2_normalise_backward, twin_l2_normalise, false},
};
enum { CASES = sizeof cases / sizeof *cases };

/* ---- one trial ---- */

/* Arrays of a job, each starting `shift` numbers after an address that malloc gave. */
typedef struct trial {
    rows_job job;
    real *x, *dy, *y, *dx, *before, *gain, *bias;
    int64_t shift;
} trial;

static real *array(const trial *t, int64_t count, uint64_t stream, double size)
{
    real *a = test_malloc((size_t)(count + t->shift + 1) * sizeof(*a));
    for (int64_t i = 0; i < count; i++)
        a[t->shift + i] = (real)(size * (2 * random_uniform(3, stream, (uint64_t)i) - 1));
    return a + t->shift;
}

static void trial_start(trial *t, int64_t rows, int64_t width, int64_t shift, double size, double epsilon)
{
    *t = (trial){.shift = shift, .job = {.rows = rows, .width = width, .epsilon = (real)epsilon}};
    t->x = array(t, rows * width, 1, size);
    t->dy = array(t, rows * width, 2, 1);
    t->y = array(t, rows * width, 3, 1);
    t->dx = array(t, rows * width, 4, 1);
    t->before = array(t, rows * width, 4, 1);
    t->gain = array(t, width, 5, 1);
    t->bias = array(t, width, 6, 1);
    t->job.x = t->x;
    t->job.gain = t->gain;
    t->job.bias = t->bias;
    t->job.stats = array(t, 2 * (rows > width ? rows : width), 7, 1);
}

static void trial_end(trial *t)
{
    real *const arrays[] = {t->x, t->dy, t->y, t->dx, t->before, t->gain, t->bias, t->job.stats};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
        test_free(arrays[i] - t->shift);
    test_free(t->job.columns);
}

static void run(trial *t, rows_kernel kernel, bool columns, bool last_first)
{
    t->job.block = rows_block(t->job.width, columns);
    const int64_t tasks = rows_tasks(&t->job);
    for (int64_t i = 0; i < tasks; i++)
        kernel(&t->job, last_first ? tasks - 1 - i : i);
}

static void run_both(trial *t, const struct rows_case *c, bool add, bool last_first)
{
    const bool columns = c->columns;
    t->job.out = t->y;
    run(t, c->forward, false, last_first);
    t->job.y = t->y;
    t->job.dy = t->dy;
    t->job.out = t->dx;
    t->job.add = add;
    memcpy(t->dx, t->before, (size_t)(t->job.rows * t->job.width) * sizeof(real));
    test_free(t->job.columns);
    t->job.block = rows_block(t->job.width, columns);
    t->job.columns =
        columns ? test_malloc((size_t)(rows_tasks(&t->job) * 2 * t->job.width + 1) * sizeof(real)) : NULL;
    run(t, c->backward, columns, last_first);
}

static void assert_near(const char *name, const char *what, const trial *t, const real *got, const double *want,
                        int64_t count, double tolerance)
{
    double most = 1;
    for (int64_t i = 0; i < count; i++)
        most = fmax(most, fabs(want[i]));
    for (int64_t i = 0; i < count; i++)
        if (!(fabs((double)got[i] - want[i]) <= tolerance * most))
            fail_msg("%s [%lld,%lld]: %s %lld is %.9g, not %.9g", name, (long long)t->job.rows,
                     (long long)t->job.width, what, (long long)i, (double)got[i], want[i]);
}

static void compare(trial *t, const struct rows_case *c, bool add)
{
    const int64_t width = t->job.width, count = t->job.rows * width;
    double *y = test_malloc((size_t)(2 * count + 4 * width + 1) * sizeof(*y)), *dx = y + count;
    double *sums = dx + count; /* dgain, dbias */
    real *got = test_malloc((size_t)(2 * width + 1) * sizeof(*got));
    memset(sums, 0, (size_t)(2 * width) * sizeof(*sums));
    for (int64_t row = 0; row < t->job.rows; row++) {
        const int64_t at = row * width;
        c->twin(&(twin_row){width, t->x + at, t->dy + at, t->gain, t->bias, (double)t->job.epsilon, y + at,
                            dx + at, sums, sums + width});
    }
    for (int64_t i = 0; i < count; i++)
        dx[i] += add ? (double)t->before[i] : 0;
    assert_near(c->name, "y", t, t->y, y, count, 2e-6);
    assert_near(c->name, "dx", t, t->dx, dx, count, 5e-6);
    for (int which = 0; which < 2 && c->columns; which++) {
        columns_sum(&t->job, which, got + which * width, false);
        columns_sum(&t->job, which, got + which * width, true);
    }
    for (int64_t i = 0; i < 2 * width && c->columns; i++)
        sums[i] *= 2;
    if (c->columns)
        assert_near(c->name, "column", t, got, sums, 2 * width, 5e-6);
    test_free(got);
    test_free(y);
}

static void test_kernels_agree_with_their_slow_twins(void **state)
{
    (void)state;
    const int64_t widths[] = {0, 1, 2, 15, 16, 17, 63, 64, 65, 80, 131, 200}, rows[] = {0, 1, 2, 17, 70};
    for (size_t w = 0; w < sizeof widths / sizeof *widths; w++)
        for (size_t r = 0; r < sizeof rows / sizeof *rows; r++)
            for (int i = 0; i < CASES; i++) {
                trial t;
                trial_start(&t, rows[r], widths[w], (int64_t)(w + r) % 4, 3, 0.01);
                run_both(&t, &cases[i], (w + r) % 2 == 1, false);
                compare(&t, &cases[i], (w + r) % 2 == 1);
                trial_end(&t);
            }
}

static void test_many_blocks_of_rows_and_rows_longer_than_a_block(void **state)
{
    (void)state;
    const int64_t shapes[][2] = {{2100, 40}, {2, 3416}, {130, 300}};
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
        for (int i = 0; i < CASES; i++) {
            trial t;
            trial_start(&t, shapes[s][0], shapes[s][1], 0, 3, 1e-5);
            run_both(&t, &cases[i], false, false);
            compare(&t, &cases[i], false);
            trial_end(&t);
        }
}

/* Softmax of 1e4 must neither overflow nor lose the differences. */
static void test_large_magnitudes(void **state)
{
    (void)state;
    for (int i = 0; i < CASES; i++)
        for (double size = 100; size < 1e6; size *= 10) {
            trial t;
            trial_start(&t, 5, 67, 0, size, 1e-5);
            run_both(&t, &cases[i], false, false);
            compare(&t, &cases[i], false);
            trial_end(&t);
        }
}

static void test_rows_of_equal_numbers(void **state)
{
    (void)state;
    for (int i = 0; i < CASES; i++) {
        trial t;
        trial_start(&t, 3, 37, 0, 0, 0.5);
        for (int64_t k = 0; k < 3 * 37; k++)
            t.x[k] = (real)(k < 37 ? 0 : k < 74 ? 1e4 : -7.25);
        run_both(&t, &cases[i], false, false);
        compare(&t, &cases[i], false);
        trial_end(&t);
    }
}

static void test_softmax_by_hand(void **state)
{
    (void)state;
    trial t;
    trial_start(&t, 1, 3, 0, 1, 0);
    const real x[] = {0, (real)0.6931471805599453, (real)1.6094379124341003}; /* ln 1, ln 2, ln 5 */
    memcpy(t.x, x, sizeof x);
    t.job.out = t.y;
    run(&t, softmax_forward, false, false);
    assert_near("softmax", "y", &t, t.y, (double[]){0.125, 0.25, 0.625}, 3, 1e-7);
    run(&t, log_softmax_forward, false, false);
    assert_near("log_softmax", "y", &t, t.y, (double[]){log(0.125), log(0.25), log(0.625)}, 3, 2e-7);
    trial_end(&t);
}

/* Hidden logits are often -inf. */
static void test_softmax_gives_nothing_to_minus_infinity_and_nan_to_nan(void **state)
{
    (void)state;
    for (int64_t width = 2; width < 80; width += 13) {
        trial t;
        trial_start(&t, 2, width, 0, 1, 0);
        for (int64_t i = 1; i < width; i++)
            t.x[i] = -(real)INFINITY;
        t.x[width + 1] = (real)NAN;
        t.job.out = t.y;
        run(&t, softmax_forward, false, false);
        assert_true(t.y[0] == 1);
        for (int64_t i = 1; i < width; i++)
            assert_true(t.y[i] == 0);
        for (int64_t i = 0; i < width; i++)
            assert_true(isnan((double)t.y[width + i]));
        trial_end(&t);
    }
}

static void test_the_order_of_tasks_does_not_matter(void **state)
{
    (void)state;
    for (int i = 0; i < CASES; i++) {
        trial a, b;
        trial_start(&a, 1000, 100, 0, 3, 1e-5);
        trial_start(&b, 1000, 100, 3, 3, 1e-5);
        run_both(&a, &cases[i], true, false);
        run_both(&b, &cases[i], true, true);
        assert_memory_equal(a.y, b.y, 100000 * sizeof(real));
        assert_memory_equal(a.dx, b.dx, 100000 * sizeof(real));
        if (cases[i].columns)
            assert_memory_equal(a.job.columns, b.job.columns, (size_t)(rows_tasks(&a.job) * 200) * sizeof(real));
        trial_end(&a);
        trial_end(&b);
    }
}

static void test_dx_may_take_the_place_of_dy(void **state)
{
    (void)state;
    for (int i = 0; i < CASES; i++)
        for (int64_t width = 1; width < 200; width += 33) {
            trial t;
            trial_start(&t, 50, width, 0, 3, 1e-5);
            run_both(&t, &cases[i], false, false);
            t.job.out = t.dy;
            run(&t, cases[i].backward, cases[i].columns, false);
            assert_memory_equal(t.dy, t.dx, (size_t)(50 * width) * sizeof(real));
            trial_end(&t);
        }
}

/* ---- batch norm ---- */

/* y and dx of column `i` in training; false: outside, mean and scale given by stats. */
static void twin_batch_norm(const trial *t, int64_t i, bool training, double *y, double *dx, double sums[2])
{
    const int64_t R = t->job.rows, D = t->job.width;
    double mean = 0, variance = 0;
    for (int64_t r = 0; r < R; r++)
        mean += (double)t->x[r * D + i] / (double)R;
    for (int64_t r = 0; r < R; r++)
        variance += ((double)t->x[r * D + i] - mean) * ((double)t->x[r * D + i] - mean) / (double)R;
    if (!training)
        mean = (double)t->job.stats[i];
    const double scale = training ? 1 / sqrt(variance + (double)t->job.epsilon) : (double)t->job.stats[D + i];
    const double gain = (double)t->gain[i];
    sums[0] = sums[1] = 0;
    for (int64_t r = 0; r < R; r++) {
        const double n = ((double)t->x[r * D + i] - mean) * scale;
        y[r] = n * gain + (double)t->bias[i];
        sums[0] += (double)t->dy[r * D + i] * n;
        sums[1] += (double)t->dy[r * D + i];
    }
    for (int64_t r = 0; r < R; r++) {
        const double n = ((double)t->x[r * D + i] - mean) * scale, dy = (double)t->dy[r * D + i];
        dx[r] = gain * scale * (training ? dy - (sums[1] + n * sums[0]) / (double)R : dy);
    }
}

static void run_batch_norm(trial *t, bool training)
{
    const int64_t D = t->job.width;
    t->job.block = rows_block(D, true);
    t->job.columns = test_malloc((size_t)(rows_tasks(&t->job) * 3 * D + 1) * sizeof(real));
    real *pull = test_malloc((size_t)(2 * D + 1) * sizeof(*pull));
    t->job.out = t->y;
    if (training) {
        run(t, batch_norm_moments, true, true);
        columns_moments(&t->job, t->job.stats, t->job.stats + D);
        for (int64_t i = 0; i < D; i++)
            t->job.stats[D + i] = 1 / real_sqrt(t->job.stats[D + i] / (real)t->job.rows + t->job.epsilon);
    }
    run(t, batch_norm_apply, true, false);
    t->job.dy = t->dy;
    t->job.out = t->dx;
    real *kept = test_malloc((size_t)(t->job.rows * D + 1) * sizeof(*kept));
    memcpy(kept, t->dy, (size_t)(t->job.rows * D) * sizeof(real));
    run(t, batch_norm_slopes, true, true);
    for (int which = 0; which < 2; which++)
        columns_sum(&t->job, which, pull + which * D, false);
    for (int64_t i = 0; i < 2 * D; i++)
        pull[i] = training ? pull[i] / (real)t->job.rows : 0;
    for (int64_t task = 0; task < rows_tasks(&t->job); task++)
        batch_norm_backward(&t->job, pull, task);
    t->job.out = t->dy; /* in place, the same */
    for (int64_t task = 0; task < rows_tasks(&t->job); task++)
        batch_norm_backward(&t->job, pull, task);
    assert_memory_equal(t->dy, t->dx, (size_t)(t->job.rows * D) * sizeof(real));
    memcpy(t->dy, kept, (size_t)(t->job.rows * D) * sizeof(real));
    test_free(kept);
    test_free(pull);
}

static void check_batch_norm(int64_t rows, int64_t width, double size, double offset, double tolerance,
                             bool training)
{
    trial t;
    trial_start(&t, rows, width, 1, size, 0.01);
    for (int64_t i = 0; i < rows * width; i++)
        t.x[i] += (real)offset;
    run_batch_norm(&t, training);
    double *y = test_malloc((size_t)(2 * rows + 1) * sizeof(*y)), *dx = y + rows, sums[2];
    real *got = test_malloc((size_t)(2 * rows + 1) * sizeof(*got));
    real *columns = test_malloc((size_t)(2 * width + 1) * sizeof(*columns));
    for (int which = 0; which < 2; which++)
        columns_sum(&t.job, which, columns + which * width, false);
    for (int64_t i = 0; i < width; i++) {
        twin_batch_norm(&t, i, training, y, dx, sums);
        for (int64_t r = 0; r < rows; r++) {
            got[r] = t.y[r * width + i];
            got[rows + r] = t.dx[r * width + i];
        }
        assert_near("batch_norm", "y", &t, got, y, rows, tolerance);
        assert_near("batch_norm", "dx", &t, got + rows, dx, rows, tolerance);
        assert_near("batch_norm", "dgain", &t, &columns[i], &sums[0], 1, 10 * tolerance);
        assert_near("batch_norm", "dbias", &t, &columns[width + i], &sums[1], 1, tolerance);
    }
    test_free(columns);
    test_free(got);
    test_free(y);
    trial_end(&t);
}

static void test_batch_norm_agrees_with_its_slow_twin(void **state)
{
    (void)state;
    const int64_t rows[] = {2, 3, 4, 7, 64, 65, 300}, widths[] = {1, 3, 16, 33, 600};
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++)
        for (size_t w = 0; w < sizeof widths / sizeof *widths; w++)
            for (int training = 0; training < 2; training++)
                check_batch_norm(rows[r], widths[w], 2, 0, 5e-6, training);
    check_batch_norm(5000, 20, 2, 0, 5e-6, true);
}

/* Sums of squares less squares of sums would lose all digits of the variance here. */
static void test_batch_norm_of_columns_far_from_zero(void **state)
{
    (void)state;
    check_batch_norm(5000, 20, 1, 64, 1e-5, true);
}

static void test_batch_norm_of_nothing(void **state)
{
    (void)state;
    check_batch_norm(3, 0, 1, 0, 5e-6, true);
    check_batch_norm(0, 3, 1, 0, 5e-6, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kernels_agree_with_their_slow_twins),
        cmocka_unit_test(test_many_blocks_of_rows_and_rows_longer_than_a_block),
        cmocka_unit_test(test_large_magnitudes),
        cmocka_unit_test(test_rows_of_equal_numbers),
        cmocka_unit_test(test_softmax_by_hand),
        cmocka_unit_test(test_softmax_gives_nothing_to_minus_infinity_and_nan_to_nan),
        cmocka_unit_test(test_the_order_of_tasks_does_not_matter),
        cmocka_unit_test(test_dx_may_take_the_place_of_dy),
        cmocka_unit_test(test_batch_norm_agrees_with_its_slow_twin),
        cmocka_unit_test(test_batch_norm_of_columns_far_from_zero),
        cmocka_unit_test(test_batch_norm_of_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
