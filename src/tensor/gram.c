#include <cblas.h>
#include <lapacke.h> /* names malloc, so it comes before base.h */
#include <omp.h>

#include "tensor/gram.h"

enum {
    PARTS = 16,  /* sums that tasks make, each of every PARTS-th block: they are added in order */
    BLOCK = 256, /* rows that are turned to double at once */
};

typedef struct summing {
    const real *x;
    int64_t rows, columns, parts;
    double *sum;   /* [parts, columns, columns] the lower triangle */
    double *block; /* [parts, BLOCK, columns] */
} summing;

static medley_status sum_part(void *context, int64_t part, int worker, medley_error *err)
{
    const summing *s = context;
    const int64_t n = s->columns;
    double *block = s->block + part * BLOCK * n, *sum = s->sum + part * n * n;
    (void)worker;
    (void)err;
    omp_set_num_threads(1);
    for (int64_t first = part * BLOCK; first < s->rows; first += s->parts * BLOCK) {
        const int64_t rows = least(BLOCK, s->rows - first);
        for (int64_t i = 0; i < rows * n; i++)
            block[i] = (double)s->x[first * n + i];
        cblas_dsyrk(CblasRowMajor, CblasLower, CblasTrans, (blasint)n, (blasint)rows, 1, block, (blasint)n, 1, sum,
                    (blasint)n);
    }
    return MEDLEY_OK;
}

double gram_bytes(int64_t rows, int64_t columns)
{
    const double n = (double)columns, parts = (double)least(PARTS, (rows + BLOCK - 1) / BLOCK);
    return sizeof(double) * n * fmax(parts * (n + BLOCK), 2 * n + 6); /* the work of dsyevd */
}

medley_status gram(const medley_runtime *rt, const real *x, int64_t rows, int64_t columns, double *g,
                   medley_error *err)
{
    const int64_t blocks = (rows + BLOCK - 1) / BLOCK, n = columns;
    summing s = {.x = x, .rows = rows, .columns = n, .parts = least(PARTS, blocks)};
    medley_status status;
    TRY_DONE(mem_alloc_zero(rt, s.parts * n * n, sizeof *s.sum, &s.sum, err));
    TRY_DONE(mem_alloc(rt, s.parts * BLOCK * n, sizeof *s.block, &s.block, err));
    TRY_DONE(parallel_run(rt, n > 0 ? s.parts : 0, sum_part, &s, err));
    for (int64_t r = 0; r < n; r++)
        for (int64_t c = 0; c <= r; c++) {
            double sum = 0;
            for (int64_t part = 0; part < s.parts; part++)
                sum += s.sum[(part * n + r) * n + c];
            g[r * n + c] = g[c * n + r] = sum;
        }
done:
    mem_free(s.sum);
    mem_free(s.block);
    return status;
}

/* ---- eigenvectors ---- */

typedef struct decomposing {
    double *a, *values, *work;
    lapack_int *whole;
    lapack_int n, work_count, whole_count;
} decomposing;

/* Column major: the vectors, in columns, are rows to us. */
static medley_status decompose(void *context, int64_t task, int worker, medley_error *err)
{
    const decomposing *d = context;
    (void)task;
    (void)worker;
    omp_set_num_threads(1);
    const lapack_int bad = LAPACKE_dsyevd_work(LAPACK_COL_MAJOR, 'V', 'L', d->n, d->a, d->n, d->values, d->work,
                                               d->work_count, d->whole, d->whole_count);
    return bad == 0 ? MEDLEY_OK : fail(err, MEDLEY_E_ARGUMENT, "the eigenvalues of a matrix were not found");
}

static bool all_finite(const double *a, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        if (!isfinite(a[i]))
            return false;
    return true;
}

/* LAPACK's order ascends. */
static void turn_round(double *a, double *values, int64_t n)
{
    for (int64_t i = 0, j = n - 1; i < j; i++, j--) {
        const double value = values[i];
        values[i] = values[j];
        values[j] = value;
        for (int64_t c = 0; c < n; c++) {
            const double number = a[i * n + c];
            a[i * n + c] = a[j * n + c];
            a[j * n + c] = number;
        }
    }
}

medley_status eigen_symmetric(const medley_runtime *rt, double *a, int64_t n, double *values, medley_error *err)
{
    if (n > EIGEN_MOST)
        return fail(err, MEDLEY_E_LIMIT, "eigenvectors of %lld rows; at most %d are accepted", (long long)n,
                    EIGEN_MOST);
    if (!all_finite(a, n * n))
        return fail(err, MEDLEY_E_ARGUMENT, "eigenvectors of a matrix with numbers that are not finite");
    decomposing d = {.a = a, .values = values, .n = (lapack_int)n};
    d.work_count = (lapack_int)(1 + 6 * n + 2 * n * n);
    d.whole_count = (lapack_int)(3 + 5 * n);
    medley_status status;
    TRY_DONE(mem_alloc(rt, d.work_count, sizeof *d.work, &d.work, err));
    TRY_DONE(mem_alloc(rt, d.whole_count, sizeof *d.whole, &d.whole, err));
    TRY_DONE(parallel_run(rt, n > 0, decompose, &d, err));
    turn_round(a, values, n);
done:
    mem_free(d.work);
    mem_free(d.whole);
    return status;
}
