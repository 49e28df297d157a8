#include "testing.h"

#include <math.h>

#include "base/base.h"
#include "tensor/kernel_spmm.h"

enum { ROWS = 300, COLUMNS = 90, ENTRIES_MOST = 20000 };

typedef struct matrix {
    int64_t start[ROWS + 1];
    uint32_t index[ENTRIES_MOST];
    float value[ENTRIES_MOST];
} matrix;

/* Rows of 0, 1, 2, ... entries, one of all columns, and empty ones. */
static csr fill(matrix *m, bool values)
{
    int64_t count = 0;
    for (int64_t row = 0; row < ROWS; row++) {
        m->start[row] = count;
        const int64_t wanted = row > 250 ? 0 : row == 100 ? COLUMNS : row % 23;
        for (int64_t c = 0; c < COLUMNS && count - m->start[row] < wanted; c++)
            if (wanted == COLUMNS || random_uniform(1, (uint64_t)row, (uint64_t)c) < 0.4) {
                m->index[count] = (uint32_t)c;
                m->value[count++] = (float)random_uniform(2, (uint64_t)row, (uint64_t)c) - 0.5f;
            }
    }
    m->start[ROWS] = count;
    return (csr){ROWS, COLUMNS, m->start, m->index, values ? m->value : NULL};
}

static real *numbers(uint64_t stream, int64_t count)
{
    real *x = test_malloc((size_t)(count + 1) * sizeof *x);
    for (int64_t i = 0; i < count; i++)
        x[i] = (real)(random_uniform(7, stream, (uint64_t)i) - 0.5);
    return x;
}

static medley_status run_task(void *context, int64_t task, int worker, medley_error *err)
{
    (void)worker;
    (void)err;
    spmm_run(context, task);
    return MEDLEY_OK;
}

static void test_the_product_is_the_naive_one_for_every_width(void **state)
{
    (void)state;
    static matrix m;
    static const int64_t ds[] = {0, 1, 15, 16, 17, 31, 32, 48, 64, 100, 128, 129, 255, 300};
    for (size_t s = 0; s < sizeof ds / sizeof *ds; s++)
        for (int form = 0; form < 4; form++) {
            const csr a = fill(&m, form & 1);
            const int64_t d = ds[s];
            real *x = numbers(1, COLUMNS * d + 1), *y = numbers(2, ROWS * d), *before = numbers(2, ROWS * d);
            spmm_job job = {.a = &a, .x = x + 1, .d = d, .y = y, .add = form >> 1};
            for (int64_t task = 0; task < spmm_tasks(&job); task++)
                spmm_run(&job, task);
            for (int64_t row = 0; row < ROWS; row++)
                for (int64_t j = 0; j < d; j++) {
                    double want = form >> 1 ? (double)before[row * d + j] : 0;
                    for (int64_t e = a.start[row]; e < a.start[row + 1]; e++)
                        want += (a.value != NULL ? (double)a.value[e] : 1.0) * (double)x[1 + a.index[e] * d + j];
                    assert_true(fabs((double)y[row * d + j] - want) < 1e-5);
                }
            test_free(x);
            test_free(y);
            test_free(before);
        }
}

static void test_the_bits_do_not_depend_on_the_number_of_threads(void **state)
{
    (void)state;
    static matrix m;
    const csr a = fill(&m, true);
    const int64_t d = 300;
    real *x = numbers(1, COLUMNS * d), *y[3];
    for (int t = 0; t < 3; t++) {
        test_memory memory;
        medley_runtime *rt = test_runtime(&memory, 1 << t);
        y[t] = numbers(3, ROWS * d);
        spmm_job job = {.a = &a, .x = x, .d = d, .y = y[t]};
        assert_true(spmm_tasks(&job) > 2);
        assert_ok(parallel_run(rt, spmm_tasks(&job), run_task, &job, err));
        assert_memory_equal(y[t], y[0], (size_t)(ROWS * d) * sizeof *x);
        test_runtime_end(rt, &memory);
    }
    for (int t = 0; t < 3; t++)
        test_free(y[t]);
    test_free(x);
}

static void test_a_matrix_without_entries_gives_zeros_and_one_without_rows_nothing(void **state)
{
    (void)state;
    const int64_t start[4] = {0, 0, 0, 0};
    const csr empty = {3, 2, start, NULL, NULL}, none = {0, 2, start, NULL, NULL};
    real x[2 * 2] = {1, 2, 3, 4}, y[3 * 2] = {5, 5, 5, 5, 5, 5};
    spmm_job job = {.a = &none, .x = x, .d = 2, .y = y};
    assert_int_equal(spmm_tasks(&job), 0);
    job.a = &empty;
    for (int64_t task = 0; task < spmm_tasks(&job); task++)
        spmm_run(&job, task);
    for (int i = 0; i < 6; i++)
        assert_true(y[i] == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_product_is_the_naive_one_for_every_width),
        cmocka_unit_test(test_the_bits_do_not_depend_on_the_number_of_threads),
        cmocka_unit_test(test_a_matrix_without_entries_gives_zeros_and_one_without_rows_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
