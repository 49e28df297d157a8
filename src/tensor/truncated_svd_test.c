#include "testing.h"

#include <math.h>

#include "base/base.h"
#include "tensor/gram.h"
#include "tensor/truncated_svd.h"

/* A [rows, columns] with singular values that are known: sums of s_k u_k v_kᵀ of cosines (DCT-II), which are orthonormal. */
static double wave(int64_t n, int64_t k, int64_t i)
{
    return sqrt((k == 0 ? 1.0 : 2.0) / (double)n) *
           cos(3.14159265358979323846 * (double)k * ((double)i + 0.5) / (double)n);
}

static float *known_matrix(int64_t rows, int64_t columns, const double *s, int64_t rank)
{
    float *a = test_malloc((size_t)(rows * columns) * sizeof *a);
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < columns; j++) {
            double sum = 0;
            for (int64_t k = 0; k < rank; k++)
                sum += s[k] * wave(rows, k, i) * wave(columns, k, j);
            a[i * columns + j] = (float)sum;
        }
    return a;
}

static svd_job job_of(int64_t rows, int64_t columns, const float *dense, int64_t rank)
{
    return (svd_job){.rows = rows,
                     .columns = columns,
                     .dense = dense,
                     .rank = rank,
                     .oversampling = 10,
                     .iterations = 6,
                     .seed = 5,
                     .phase = "svd"};
}

/* max |UᵀU - I| */
static double skewness(const truncated_svd *s, int64_t rows)
{
    double worst = 0;
    for (int64_t i = 0; i < s->rank; i++)
        for (int64_t j = 0; j <= i; j++) {
            double sum = 0;
            for (int64_t r = 0; r < rows; r++)
                sum += (double)s->u[r * s->rank + i] * (double)s->u[r * s->rank + j];
            worst = fmax(worst, fabs(sum - (i == j)));
        }
    return worst;
}

static void test_known_singular_values_and_vectors_are_found(void **state)
{
    static const int64_t shapes[][2] = {{40, 40}, {700, 30}, {30, 700}, {300, 260}, {21, 20}};
    const double s[] = {9, 7, 4, 2, 1, 0.5, 0.01};
    enum { RANK = sizeof s / sizeof *s };
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 2);
    (void)state;
    for (size_t shape = 0; shape < sizeof shapes / sizeof *shapes; shape++) {
        const int64_t rows = shapes[shape][0], columns = shapes[shape][1];
        float *a = known_matrix(rows, columns, s, RANK);
        truncated_svd out;
        const svd_job job = job_of(rows, columns, a, 20);
        assert_ok(truncated_svd_run(rt, &job, &out, err));
        assert_int_equal(out.rank, RANK); /* what lies behind is the rounding of `a` */
        assert_true(skewness(&out, rows) < 1e-5);
        for (int64_t k = 0; k < RANK; k++) {
            double cosine = 0;
            assert_true(fabs((double)out.values[k] - s[k]) < 2e-6 * s[0]);
            for (int64_t r = 0; r < rows; r++)
                cosine += wave(rows, k, r) * (double)out.u[r * RANK + k];
            assert_true(fabs(cosine) > 1 - (k < 6 ? 1e-6 : 1e-3));
        }
        truncated_svd_release(&out);
        test_free(a);
    }
    test_runtime_end(rt, &memory);
}

/* One sweep after the other of rotations: eigenvalues of a symmetric matrix (Jacobi 1846), the slow twin. */
static void jacobi(double *a, int64_t n)
{
    for (int sweep = 0; sweep < 30; sweep++)
        for (int64_t p = 0; p < n; p++)
            for (int64_t q = p + 1; q < n; q++) {
                if (fabs(a[p * n + q]) < 1e-300)
                    continue;
                const double angle = 0.5 * atan2(2 * a[p * n + q], a[q * n + q] - a[p * n + p]);
                const double c = cos(angle), s = sin(angle);
                for (int64_t k = 0; k < n; k++) {
                    const double x = a[k * n + p], y = a[k * n + q];
                    a[k * n + p] = c * x - s * y;
                    a[k * n + q] = s * x + c * y;
                }
                for (int64_t k = 0; k < n; k++) {
                    const double x = a[p * n + k], y = a[q * n + k];
                    a[p * n + k] = c * x - s * y;
                    a[q * n + k] = s * x + c * y;
                }
            }
}

static int descending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x < y) - (x > y);
}

enum { SPARSE_ROWS = 60, SPARSE_COLUMNS = 90 };

/* About a tenth of random entries; row 7, and column 11, are empty. */
typedef struct sparse_matrix {
    int64_t start[SPARSE_ROWS + 1];
    uint32_t index[SPARSE_ROWS * SPARSE_COLUMNS];
    float value[SPARSE_ROWS * SPARSE_COLUMNS];
    csr view;
} sparse_matrix;

static void fill_sparse(sparse_matrix *m)
{
    int64_t count = 0;
    for (int64_t r = 0; r < SPARSE_ROWS; r++) {
        m->start[r] = count;
        for (int64_t c = 0; c < SPARSE_COLUMNS && r != 7; c++)
            if (c != 11 && random_uniform(3, (uint64_t)r, (uint64_t)c) < 0.1) {
                m->index[count] = (uint32_t)c;
                m->value[count++] = (float)random_uniform(4, (uint64_t)r, (uint64_t)c);
            }
    }
    m->start[SPARSE_ROWS] = count;
    m->view = (csr){SPARSE_ROWS, SPARSE_COLUMNS, m->start, m->index, m->value};
}

static void test_a_sparse_matrix_has_the_singular_values_of_its_slow_twin(void **state)
{
    static sparse_matrix m;
    static double square[SPARSE_ROWS * SPARSE_ROWS], dense[SPARSE_ROWS * SPARSE_COLUMNS], want[SPARSE_ROWS];
    enum { WANTED = 25 };
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 2);
    truncated_svd out;
    (void)state;
    fill_sparse(&m);
    for (int64_t r = 0; r < SPARSE_ROWS; r++)
        for (int64_t e = m.start[r]; e < m.start[r + 1]; e++)
            dense[r * SPARSE_COLUMNS + m.index[e]] = (double)m.value[e];
    for (int64_t i = 0; i < SPARSE_ROWS; i++)
        for (int64_t j = 0; j < SPARSE_ROWS; j++)
            for (int64_t c = 0; c < SPARSE_COLUMNS; c++)
                square[i * SPARSE_ROWS + j] += dense[i * SPARSE_COLUMNS + c] * dense[j * SPARSE_COLUMNS + c];
    jacobi(square, SPARSE_ROWS);
    for (int64_t i = 0; i < SPARSE_ROWS; i++)
        want[i] = sqrt(fmax(square[i * SPARSE_ROWS + i], 0));
    qsort(want, SPARSE_ROWS, sizeof *want, descending);
    svd_job job = job_of(SPARSE_ROWS, SPARSE_COLUMNS, NULL, WANTED);
    job.sparse = &m.view;
    job.iterations = 30;
    assert_ok(truncated_svd_run(rt, &job, &out, err));
    assert_int_equal(out.rank, WANTED);
    assert_true(skewness(&out, SPARSE_ROWS) < 1e-5);
    for (int64_t i = 0; i < WANTED; i++)
        assert_true(fabs((double)out.values[i] - want[i]) < 1e-4 * want[0]);
    for (int64_t i = 0; i < WANTED; i++) /* row 7 of the matrix is empty */
        assert_true(fabs((double)out.u[7 * WANTED + i]) < 1e-6);
    truncated_svd_release(&out);
    job.rank = 1000; /* all there are: the empty row takes one */
    assert_ok(truncated_svd_run(rt, &job, &out, err));
    assert_int_equal(out.rank, SPARSE_ROWS - 1);
    for (int64_t i = 0; i < out.rank; i++)
        assert_true(fabs((double)out.values[i] - want[i]) < 1e-5 * want[0]);
    truncated_svd_release(&out);
    test_runtime_end(rt, &memory);
}

static void test_the_largest_component_of_every_vector_is_positive(void **state)
{
    const double s[] = {5, 3, 2};
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 1);
    float *a = known_matrix(50, 20, s, 3);
    (void)state;
    for (uint64_t seed = 0; seed < 4; seed++) {
        truncated_svd out;
        svd_job job = job_of(50, 20, a, 3);
        job.seed = seed;
        assert_ok(truncated_svd_run(rt, &job, &out, err));
        for (int64_t j = 0; j < 3; j++) {
            float largest = 0;
            for (int64_t r = 0; r < 50; r++)
                if (fabsf(out.u[r * 3 + j]) > fabsf(largest))
                    largest = out.u[r * 3 + j];
            assert_true(largest > 0);
        }
        truncated_svd_release(&out);
    }
    test_free(a);
    test_runtime_end(rt, &memory);
}

static void test_a_matrix_of_zeros_or_of_nothing_has_rank_0(void **state)
{
    const float zeros[6] = {0};
    static const int64_t shapes[][2] = {{3, 2}, {0, 2}, {3, 0}, {0, 0}};
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 2);
    (void)state;
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        truncated_svd out;
        const svd_job job = job_of(shapes[i][0], shapes[i][1], zeros, 4);
        assert_ok(truncated_svd_run(rt, &job, &out, err));
        assert_int_equal(out.rank, 0);
        truncated_svd_release(&out);
    }
    const int64_t start[4] = {0};
    const csr empty = {3, 2, start, NULL, NULL};
    svd_job job = job_of(3, 2, NULL, 2);
    truncated_svd out;
    job.sparse = &empty;
    assert_ok(truncated_svd_run(rt, &job, &out, err));
    assert_int_equal(out.rank, 0);
    truncated_svd_release(&out);
    test_runtime_end(rt, &memory);
}

static void test_the_bits_do_not_depend_on_the_number_of_threads(void **state)
{
    enum { ROWS = 1500, COLUMNS = 300, RANK = 9 };
    const double s[RANK] = {9, 8, 7, 6, 5, 4, 3, 2, 1};
    static sparse_matrix m;
    static float first[ROWS * RANK];
    float *a = known_matrix(ROWS, COLUMNS, s, RANK);
    (void)state;
    fill_sparse(&m);
    for (int kind = 0; kind < 2; kind++)
        for (int threads = 1; threads <= 4; threads *= 2) {
            test_memory memory;
            medley_runtime *rt = test_runtime(&memory, threads);
            svd_job job = job_of(ROWS, COLUMNS, a, RANK);
            truncated_svd out;
            if (kind == 1) {
                job = job_of(SPARSE_ROWS, SPARSE_COLUMNS, NULL, RANK);
                job.sparse = &m.view;
            }
            assert_ok(truncated_svd_run(rt, &job, &out, err));
            assert_int_equal(out.rank, RANK);
            const size_t bytes = (size_t)(job.rows * RANK) * sizeof *first;
            if (threads == 1)
                memcpy(first, out.u, bytes);
            assert_memory_equal(out.u, first, bytes);
            truncated_svd_release(&out);
            test_runtime_end(rt, &memory);
        }
    test_free(a);
}

static void test_numbers_that_are_not_finite_are_refused(void **state)
{
    float a[12] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, NAN};
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 1);
    truncated_svd out;
    (void)state;
    const svd_job job = job_of(4, 3, a, 2);
    assert_fails(truncated_svd_run(rt, &job, &out, err), MEDLEY_E_ARGUMENT, "not finite");
    const svd_job wide = job_of(100000, 100000, NULL, 9000);
    assert_fails(truncated_svd_run(rt, &wide, &out, err), MEDLEY_E_LIMIT,
                 "svd: 9010 dimensions, oversampling included; at most 8192 are accepted");
    test_runtime_end(rt, &memory);
}

/* Refused before anything is read: there is no matrix. */
static void test_what_memory_cannot_hold_is_refused_at_once(void **state)
{
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 2);
    const svd_job tall = job_of((int64_t)1 << 50, 2000, NULL, 500),
                  long_row = job_of(2000, (int64_t)1 << 50, NULL, 500);
    const int64_t before = memory.allocations;
    truncated_svd out;
    (void)state;
    assert_fails(truncated_svd_run(rt, &tall, &out, err), MEDLEY_E_LIMIT, "svd: 1125899906842624 rows need 2296");
    assert_fails(truncated_svd_run(rt, &tall, &out, err), MEDLEY_E_LIMIT, " is available; lower dimensions");
    assert_fails(truncated_svd_run(rt, &long_row, &out, err), MEDLEY_E_LIMIT, "svd: 2000 rows need 2296");
    assert_int_equal(memory.allocations, before);
    test_runtime_end(rt, &memory);
}

static void test_memory_that_runs_out_is_told(void **state)
{
    const double s[] = {5, 3, 2};
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 2);
    float *a = known_matrix(50, 20, s, 3);
    static sparse_matrix m;
    truncated_svd out;
    svd_job job = job_of(50, 20, a, 3);
    (void)state;
    job.iterations = 1;
    BRUTAL(rt, &memory, truncated_svd_run(rt, &job, &out, err), truncated_svd_release(&out));
    fill_sparse(&m);
    job = job_of(SPARSE_ROWS, SPARSE_COLUMNS, NULL, 3);
    job.sparse = &m.view;
    job.iterations = 1;
    BRUTAL(rt, &memory, truncated_svd_run(rt, &job, &out, err), truncated_svd_release(&out));
    test_free(a);
    test_runtime_end(rt, &memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_singular_values_and_vectors_are_found),
        cmocka_unit_test(test_a_sparse_matrix_has_the_singular_values_of_its_slow_twin),
        cmocka_unit_test(test_the_largest_component_of_every_vector_is_positive),
        cmocka_unit_test(test_a_matrix_of_zeros_or_of_nothing_has_rank_0),
        cmocka_unit_test(test_the_bits_do_not_depend_on_the_number_of_threads),
        cmocka_unit_test(test_numbers_that_are_not_finite_are_refused),
        cmocka_unit_test(test_what_memory_cannot_hold_is_refused_at_once),
        cmocka_unit_test(test_memory_that_runs_out_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
