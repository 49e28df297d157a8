#include "testing.h"

#include <math.h>

#include "base/base.h"
#include "tensor/kernel_rows_bf16.h"
#include "tensor/matrix_tiles.h"

enum { ROWS = 90 };

/* To nearest, ties to even, by the definition: the neighbour with 8 bits that is nearer. */
static double rounded(double x)
{
    int exponent;
    const double scaled = ldexp(frexp(x, &exponent), 8), below = floor(scaled);
    const double up = scaled - below;
    const bool takes_up = up > 0.5 || (up == 0.5 && fmod(below, 2) != 0);
    return ldexp(below + takes_up, exponent - 8);
}

static real *numbers(uint64_t stream, int64_t count)
{
    real *x = test_malloc((size_t)(count + 1) * sizeof *x);
    for (int64_t i = 0; i < count; i++)
        x[i] = (real)(random_uniform(5, stream, (uint64_t)i) - 0.5);
    return x;
}

/* Ties, what rounds up into the next power of two, zeros. */
static void make_special(real *x, int64_t count)
{
    static const real special[] = {(real)1.00390625,  (real)1.01171875, (real)1.9999, 0,
                                   (real)-1.00390625, (real)1e-30};
    for (int64_t i = 0; i < count && i < (int64_t)(sizeof special / sizeof *special); i++)
        x[i] = special[i];
}

typedef struct work {
    rows_bf16_job job;
    void (*run)(const rows_bf16_job *job, int64_t task, int worker);
    void (*round)(const rows_bf16_job *job, int64_t task);
} work;

static medley_status run_task(void *context, int64_t task, int worker, medley_error *err)
{
    const work *w = context;
    (void)err;
    if (w->run != NULL)
        w->run(&w->job, task, worker);
    else
        w->round(&w->job, task);
    return MEDLEY_OK;
}

static void run_all(medley_runtime *rt, const rows_bf16_job *job)
{
    work w = {.job = *job, .round = rows_bf16_round_weights};
    assert_ok(parallel_run(rt, rows_bf16_weights_tasks(job), run_task, &w, err));
    w.run = rows_bf16_forward;
    assert_ok(parallel_run(rt, rows_bf16_forward_tasks(job), run_task, &w, err));
    w = (work){.job = *job, .round = rows_bf16_round_gradient};
    assert_ok(parallel_run(rt, rows_bf16_gradient_tasks(job), run_task, &w, err));
    w.run = rows_bf16_backward;
    assert_ok(parallel_run(rt, rows_bf16_backward_tasks(job), run_task, &w, err));
}

/* y and dw of a layer, written behind each other to out [count × outs + outs × in]. */
static void layer(int threads, int64_t in, int64_t count, int64_t outs, bool bias, bool add, real *out)
{
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, threads);
    real *x = numbers(1, ROWS * in), *w = numbers(2, outs * in), *b = numbers(3, outs),
         *dy = numbers(4, count * outs);
    uint32_t row[200];
    for (int64_t r = 0; r < count; r++)
        row[r] = (uint32_t)((r * 7 + 3) % ROWS);
    make_special(x, ROWS * in);
    make_special(w, outs * in);
    rows_bf16 table;
    assert_ok(rows_bf16_create(rt, x, ROWS, in, &table, err));
    rows_bf16_job job = {.table = &table,
                         .row = row,
                         .count = count,
                         .out = outs,
                         .w = w,
                         .bias = bias ? b : NULL,
                         .y = out,
                         .dy = dy,
                         .dw = out + count * outs,
                         .add = add};
    job.weights = test_malloc((size_t)rows_bf16_weights(&job) * sizeof *job.weights);
    job.gradient = test_malloc((size_t)rows_bf16_gradient(&job) * sizeof *job.gradient);
    job.scratch = test_malloc((size_t)(threads * rows_bf16_scratch(&job)) * sizeof *job.scratch);
    for (int64_t i = 0; i < count * outs + outs * in; i++)
        out[i] = (real)0.25;
    run_all(rt, &job);
    for (int64_t r = 0; r < count; r++)
        for (int64_t o = 0; o < outs && threads == 1; o++) {
            double sum = bias ? (double)b[o] : 0;
            for (int64_t i = 0; i < in; i++)
                sum += rounded((double)x[row[r] * in + i]) * rounded((double)w[o * in + i]);
            assert_true(fabs((double)job.y[r * outs + o] - sum) <= 1e-5 * (1 + sqrt((double)in)));
        }
    for (int64_t o = 0; o < outs; o++)
        for (int64_t i = 0; i < in && threads == 1; i++) {
            double sum = add ? 0.25 : 0;
            for (int64_t r = 0; r < count; r++)
                sum += rounded((double)dy[r * outs + o]) * rounded((double)x[row[r] * in + i]);
            assert_true(fabs((double)job.dw[o * in + i] - sum) <= 1e-5 * (1 + sqrt((double)count)));
        }
    rows_bf16_free(&table);
    assert_null(table.x);
    void *const parts[] = {x, w, b, dy, job.weights, job.gradient, job.scratch};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        test_free(parts[i]);
    test_runtime_end(rt, &memory);
}

static const int64_t ins[] = {1, 31, 32, 33, 255, 256, 257, 545}, counts[] = {0, 1, 31, 32, 33, 100},
                     outputs[] = {1, 16, 31, 32, 33, 64, 70};

static void test_the_layer_is_that_of_the_rounded_numbers_at_every_edge(void **state)
{
    (void)state;
    static real out[1 << 17];
    int form = 0;
    for (size_t i = 0; i < sizeof ins / sizeof *ins; i++)
        for (size_t c = 0; c < sizeof counts / sizeof *counts; c++)
            for (size_t o = 0; o < sizeof outputs / sizeof *outputs; o++, form++)
                layer(1, ins[i], counts[c], outputs[o], form & 1, form & 2, out);
}

static void test_the_bits_do_not_depend_on_the_number_of_threads(void **state)
{
    (void)state;
    enum { IN = 1100, COUNT = 150, OUT = 40, ALL = COUNT * OUT + OUT * IN };
    static real out[3][ALL];
    for (int t = 0; t < 3; t++)
        layer(1 << t, IN, COUNT, OUT, true, true, out[t]);
    assert_memory_equal(out[1], out[0], sizeof *out);
    assert_memory_equal(out[2], out[0], sizeof *out);
}

static void test_a_table_that_does_not_fit_leaves_nothing(void **state)
{
    (void)state;
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 1);
    static const real x[6] = {1, 2, 3, 4, 5, NAN};
    rows_bf16 table;
    BRUTAL(rt, &memory, rows_bf16_create(rt, x, 2, 3, &table, err), rows_bf16_free(&table));
    assert_ok(rows_bf16_create(rt, x, 2, 3, &table, err));
    assert_int_equal(table.x[0], 0x3f80);
    assert_int_equal(table.x[2], 0x4040);
    assert_int_equal(table.x[3], 0);                            /* zeros behind a row */
    assert_true((table.x[table.stride + 2] & 0x7fff) > 0x7f80); /* not a number */
    rows_bf16_free(&table);
    test_runtime_end(rt, &memory);
}

int main(void)
{
    const struct CMUnitTest everywhere[] = {
        cmocka_unit_test(test_a_table_that_does_not_fit_leaves_nothing),
    };
    const struct CMUnitTest with_tiles[] = {
        cmocka_unit_test(test_the_layer_is_that_of_the_rounded_numbers_at_every_edge),
        cmocka_unit_test(test_the_bits_do_not_depend_on_the_number_of_threads),
    };
    const int failed = cmocka_run_group_tests(everywhere, NULL, NULL);
    if (tiles_available())
        return failed + cmocka_run_group_tests(with_tiles, NULL, NULL);
    print_message("SKIPPED: products in tiles: this processor has none, or the system does not lend them\n");
    return failed;
}
