/* Subspace iteration: the span of Y is multiplied by AAᵀ again and again, so that it turns to the leading left vectors.
 * Y and B = AᵀY are orthonormalised in between, else all of their columns became the first vector. At last
 * BᵀB = W S² Wᵀ, and U = Y W.
 *
 * Orthonormalisation is by the eigenvectors of the Gram matrix (Stathopoulos and Wu, SISC 2002): with YᵀY = W Λ Wᵀ,
 * Y W Λ^-½ has orthonormal columns, and what Y lacks in rank is seen in Λ and left out. */
#include "tensor/truncated_svd.h"

#include "tensor/gemm.h"
#include "tensor/gram.h"
#include "tensor/kernel_spmm.h"

enum { ROWS_A_TASK = 256, STREAM_START = 0x737664 };
/* Of the largest. DEPENDENT: what a Gram matrix in double cannot tell from 0. */
static const double DEPENDENT = 1e-13, NOISE = 1e-6;

typedef struct finding {
    const medley_runtime *rt;
    const svd_job *job;
    csr_owner transposed; /* Aᵀ of a sparse A */
    int64_t width;        /* columns of Y and B that are in use */
    real *y;              /* [rows, width] */
    real *b;              /* [columns, width] */
    double *gram;         /* [width, width] then rows are eigenvectors */
    double *lambda;       /* [width] */
    real *turn;           /* [width, width] */
    int64_t steps;
} finding;

/* ---- Products ---- */

static medley_status spmm_task(void *context, int64_t task, int worker, medley_error *err)
{
    (void)worker;
    (void)err;
    spmm_run(context, task);
    return MEDLEY_OK;
}

/* y = A b, or b = Aᵀ y. */
static medley_status multiply(const finding *f, bool transpose, medley_error *err)
{
    const svd_job *job = f->job;
    const real *in = transpose ? f->y : f->b;
    real *out = transpose ? f->b : f->y;
    if (job->sparse != NULL) {
        const spmm_job sparse = {
            .a = transpose ? &f->transposed.view : job->sparse, .x = in, .d = f->width, .y = out};
        return parallel_run(f->rt, spmm_tasks(&sparse), spmm_task, (void *)(uintptr_t)&sparse, err);
    }
    const gemm_job dense = {.transpose_a = transpose,
                            .m = transpose ? job->columns : job->rows,
                            .n = f->width,
                            .k = transpose ? job->rows : job->columns,
                            .alpha = 1,
                            .a = job->dense,
                            .a_stride = job->columns,
                            .b = in,
                            .b_stride = f->width,
                            .c = out,
                            .c_stride = f->width};
    return gemm_parallel(f->rt, &dense, err);
}

typedef struct turning {
    real *x; /* [rows, before], then [rows, after] */
    int64_t rows, before, after;
    const real *turn; /* [before, after] */
    real *copies;     /* [workers, ROWS_A_TASK, before] */
} turning;

static medley_status turn_rows(void *context, int64_t task, int worker, medley_error *err)
{
    const turning *t = context;
    const int64_t first = task * ROWS_A_TASK, rows = least(ROWS_A_TASK, t->rows - first);
    real *copy = t->copies + worker * ROWS_A_TASK * t->before, *x = t->x + first * t->before;
    (void)err;
    memcpy(copy, x, (size_t)(rows * t->before) * sizeof *x);
    const gemm_job product = {.m = rows,
                              .n = t->after,
                              .k = t->before,
                              .alpha = 1,
                              .a = copy,
                              .a_stride = t->before,
                              .b = t->turn,
                              .b_stride = t->after,
                              .c = x,
                              .c_stride = t->before};
    gemm(&product);
    return MEDLEY_OK;
}

/* x [rows, width] becomes x · turn [width, after], in place: rows first keep their distance, then close up. */
static medley_status turn(const finding *f, real *x, int64_t rows, int64_t after, medley_error *err)
{
    turning t = {.x = x, .rows = rows, .before = f->width, .after = after, .turn = f->turn};
    TRY(mem_alloc(f->rt, parallel_workers(f->rt) * ROWS_A_TASK * f->width, sizeof *x, &t.copies, err));
    const medley_status status = parallel_run(f->rt, (rows + ROWS_A_TASK - 1) / ROWS_A_TASK, turn_rows, &t, err);
    mem_free(t.copies);
    for (int64_t r = 1; r < rows && after < f->width; r++)
        memmove(x + r * after, x + r * f->width, (size_t)after * sizeof *x);
    return status;
}

/* ---- Orthonormal columns ---- */

/* Eigenvectors of xᵀx, and how many eigenvalues exceed `least_share` of the largest. */
static medley_status decompose(const finding *f, const real *x, int64_t rows, double least_share, int64_t *count,
                               medley_error *err)
{
    *count = 0;
    TRY(gram(f->rt, x, rows, f->width, f->gram, err));
    TRY(eigen_symmetric(f->rt, f->gram, f->width, f->lambda, err));
    while (*count < f->width && f->lambda[*count] > 0 && f->lambda[*count] > least_share * f->lambda[0])
        ++*count;
    return MEDLEY_OK;
}

/* turn [width, after] = the first eigenvectors, each by Λ^-½ if `scaled`. */
static void set_turn(const finding *f, int64_t after, bool scaled)
{
    for (int64_t i = 0; i < f->width; i++)
        for (int64_t j = 0; j < after; j++)
            f->turn[i * after + j] = (real)(f->gram[j * f->width + i] / (scaled ? sqrt(f->lambda[j]) : 1));
}

/* The second pass removes what the first one's rounding left. */
static medley_status orthonormalise(finding *f, real *x, int64_t rows, int passes, medley_error *err)
{
    for (int64_t pass = 0, count; pass < passes && f->width > 0; pass++) {
        TRY(decompose(f, x, rows, DEPENDENT, &count, err));
        set_turn(f, count, true);
        TRY(turn(f, x, rows, count, err));
        f->width = count;
    }
    return MEDLEY_OK;
}

/* ---- All ---- */

typedef struct starting {
    const svd_job *job;
    int64_t width;
    real *y;
} starting;

static medley_status draw_rows(void *context, int64_t task, int worker, medley_error *err)
{
    const starting *s = context;
    const int64_t end = least((task + 1) * ROWS_A_TASK, s->job->rows) * s->width;
    (void)worker;
    (void)err;
    for (int64_t i = task * ROWS_A_TASK * s->width; i < end; i++)
        s->y[i] = (real)(2 * random_uniform(s->job->seed, STREAM_START, (uint64_t)i) - 1);
    return MEDLEY_OK;
}

static medley_status find_range(finding *f, medley_error *err)
{
    const svd_job *job = f->job;
    starting s = {job, f->width, f->y};
    TRY(parallel_run(f->rt, (job->rows + ROWS_A_TASK - 1) / ROWS_A_TASK, draw_rows, &s, err));
    for (int64_t i = 0; i <= job->iterations; i++) {
        TRY(multiply(f, true, err));
        TRY(orthonormalise(f, f->b, job->columns, 1, err));
        TRY(multiply(f, false, err));
        TRY(orthonormalise(f, f->y, job->rows, 2, err));
        TRY(runtime_progress(f->rt, job->phase, i + 1, job->iterations + 2, err));
    }
    return multiply(f, true, err);
}

static void fix_signs(real *u, int64_t rows, int64_t rank)
{
    for (int64_t j = 0; j < rank; j++) {
        real largest = 0;
        for (int64_t r = 0; r < rows; r++)
            if (real_fabs(u[r * rank + j]) > real_fabs(largest))
                largest = u[r * rank + j];
        for (int64_t r = 0; largest < 0 && r < rows; r++)
            u[r * rank + j] = -u[r * rank + j];
    }
}

/* B = AᵀY for orthonormal Y: BᵀB = W S² Wᵀ gives the singular values of A within Y's span, and U = Y W. */
static medley_status take_vectors(finding *f, truncated_svd *out, medley_error *err)
{
    int64_t count;
    TRY(decompose(f, f->b, f->job->columns, NOISE * NOISE, &count, err));
    count = least(count, f->job->rank);
    TRY(mem_alloc(f->rt, count, sizeof *out->values, &out->values, err));
    for (int64_t i = 0; i < count; i++)
        out->values[i] = (real)sqrt(f->lambda[i]);
    set_turn(f, count, false);
    TRY(turn(f, f->y, f->job->rows, count, err));
    TRY(mem_resize(f->rt, &f->y, f->job->rows * count, sizeof *f->y, err));
    out->u = f->y;
    out->rank = count;
    f->y = NULL;
    fix_signs(out->u, f->job->rows, count);
    return runtime_progress(f->rt, f->job->phase, f->job->iterations + 2, f->job->iterations + 2, err);
}

/* What is held at once at most: the bases with the transposed matrix, and what a Gram matrix and its eigenvectors need. */
static double bytes_at_most(const medley_runtime *rt, const svd_job *job, int64_t width)
{
    const double w = (double)width, rows = (double)job->rows, columns = (double)job->columns;
    double numbers = (rows + columns) * w + w * w + parallel_workers(rt) * ROWS_A_TASK * w;
    if (job->sparse != NULL)
        numbers += 2 * (double)csr_count(job->sparse) + 2 * columns;
    return numbers * sizeof(real) + w * w * sizeof(double) +
           fmax(gram_bytes(job->rows, width), gram_bytes(job->columns, width));
}

medley_status truncated_svd_run(const medley_runtime *rt, const svd_job *job, truncated_svd *out,
                                medley_error *err)
{
    finding f = {.rt = rt, .job = job};
    const int64_t shorter = least(job->rows, job->columns), width = least(shorter, job->rank + job->oversampling);
    medley_status status;
    *out = (truncated_svd){0};
    if (width > EIGEN_MOST)
        return fail(err, MEDLEY_E_LIMIT, "%s: %lld dimensions, oversampling included; at most %d are accepted",
                    job->phase, (long long)width, EIGEN_MOST);
    TRY(runtime_memory_fits(job->phase, job->rows, "rows", bytes_at_most(rt, job, width), "lower dimensions",
                            err));
    f.width = width;
    if (job->sparse != NULL)
        TRY_DONE(csr_transpose(rt, job->sparse, &f.transposed, err));
    TRY_DONE(mem_alloc(rt, mem_bytes(job->rows, sizeof *f.y), (size_t)width, &f.y, err));
    TRY_DONE(mem_alloc(rt, mem_bytes(job->columns, sizeof *f.b), (size_t)width, &f.b, err));
    TRY_DONE(mem_alloc(rt, width * width, sizeof *f.gram, &f.gram, err));
    TRY_DONE(mem_alloc(rt, width, sizeof *f.lambda, &f.lambda, err));
    TRY_DONE(mem_alloc(rt, width * width, sizeof *f.turn, &f.turn, err));
    TRY_DONE(find_range(&f, err));
    TRY_DONE(take_vectors(&f, out, err));
done:
    csr_release(&f.transposed);
    mem_free(f.y);
    mem_free(f.b);
    mem_free(f.gram);
    mem_free(f.lambda);
    mem_free(f.turn);
    if (status != MEDLEY_OK)
        truncated_svd_release(out);
    return status;
}

void truncated_svd_release(truncated_svd *s)
{
    mem_free(s->u);
    mem_free(s->values);
    *s = (truncated_svd){0};
}
