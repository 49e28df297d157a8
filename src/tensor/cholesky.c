/* A = L Lᵀ, U = L⁻ᵀ, A⁻¹ = U Uᵀ.
 *
 * By rows, every product of tiles is then C = A Bᵀ of two strips of whole rows, so that each tile is one long
 * call of GEMM: L is computed below the diagonal from the left (every tile is updated once, when its turn
 * comes), U above it, where its rows do not depend on each other, and the inverse over L. Tiles on the
 * diagonal are shared by two triangles; a side array [tiles, TILE, TILE] holds what does not fit. */
#include <cblas.h>
#include <lapacke.h> /* names malloc, so it comes before base.h */
#include <omp.h>

#include "tensor/cholesky.h"

#include "base/tally.h"

enum {
    TILE = 192,
    STRIP = 2,   /* tiles that one call multiplies where it may be more than one */
    MIRROR = 32, /* a square of this many doubles aside fits L1 twice */
};

typedef struct inverting {
    double *a;    /* [n, n] */
    double *side; /* [tiles, TILE, TILE] */
    int64_t n, tiles;
    int64_t column; /* the column of tiles that is being factored */
    tally *progress;
} inverting;

static int64_t tile_size(const inverting *v, int64_t tile)
{
    return least(TILE, v->n - tile * TILE);
}

static double *tile_at(const inverting *v, int64_t row, int64_t column)
{
    return v->a + row * TILE * v->n + column * TILE;
}

static double *side_at(const inverting *v, int64_t tile)
{
    return v->side + tile * TILE * TILE;
}

/* C = alpha A Bᵀ + beta C, on the calling thread alone (see gemm_openblas.c). */
static void multiply(int64_t m, int64_t n, int64_t k, double alpha, const double *a, const double *b,
                     int64_t stride, double beta, double *c, int64_t c_stride)
{
    cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (blasint)m, (blasint)n, (blasint)k, alpha, a,
                (blasint)stride, b, (blasint)stride, beta, c, (blasint)c_stride);
}

/* C = alpha A Aᵀ + beta C, the lower triangle. */
static void square(int64_t n, int64_t k, double alpha, const double *a, int64_t stride, double beta, double *c,
                   int64_t c_stride)
{
    cblas_dsyrk(CblasRowMajor, CblasLower, CblasNoTrans, (blasint)n, (blasint)k, alpha, a, (blasint)stride, beta,
                c, (blasint)c_stride);
}

/* C = alpha C L⁻ᵀ.  C: [m, n] in a, L: [n, n] lower. */
static void divide(int64_t m, int64_t n, double alpha, const double *l, int64_t l_stride, double *c,
                   int64_t c_stride)
{
    cblas_dtrsm(CblasRowMajor, CblasRight, CblasLower, CblasTrans, CblasNonUnit, (blasint)m, (blasint)n, alpha, l,
                (blasint)l_stride, c, (blasint)c_stride);
}

/* Rows of the tiles first .. first + STRIP - 1, as far as they exist before tile `end`. */
static int64_t strip_size(const inverting *v, int64_t first, int64_t end)
{
    return least(v->n, least(first + STRIP, end) * TILE) - first * TILE;
}

/* A_ij -= L_i0 L_j0ᵀ + ... over the tiles left of column j: task 0 for i = j, the others for strips below. */
static medley_status update_strip(void *context, int64_t task, int worker, medley_error *err)
{
    const inverting *v = context;
    const int64_t j = v->column, i = j + 1 + (task - 1) * STRIP;
    (void)worker;
    (void)err;
    omp_set_num_threads(1);
    if (task == 0)
        square(tile_size(v, j), j * TILE, -1, tile_at(v, j, 0), v->n, 1, tile_at(v, j, j), v->n);
    else
        multiply(strip_size(v, i, v->tiles), tile_size(v, j), j * TILE, -1, tile_at(v, i, 0), tile_at(v, j, 0),
                 v->n, 1, tile_at(v, i, j), v->n);
    return MEDLEY_OK;
}

/* L_ij = A_ij L_jj⁻ᵀ */
static medley_status divide_tile(void *context, int64_t task, int worker, medley_error *err)
{
    const inverting *v = context;
    const int64_t j = v->column, i = j + 1 + task;
    (void)worker;
    omp_set_num_threads(1);
    divide(tile_size(v, i), tile_size(v, j), 1, tile_at(v, j, j), v->n, tile_at(v, i, j), v->n);
    return tally_add(v->progress, 1, err);
}

/* L_jj by LAPACK: lower by rows is upper by columns. */
static medley_status factor_diagonal(void *context, int64_t task, int worker, medley_error *err)
{
    const inverting *v = context;
    const int64_t j = v->column, size = tile_size(v, j);
    double *l = tile_at(v, j, j);
    (void)task;
    (void)worker;
    omp_set_num_threads(1);
    lapack_int bad = LAPACKE_dpotrf_work(LAPACK_COL_MAJOR, 'U', (lapack_int)size, l, (lapack_int)v->n);
    for (int64_t r = 0; bad == 0 && r < size; r++)
        if (!(l[r * v->n + r] > 0)) /* NaN is not */
            bad = (lapack_int)r + 1;
    if (bad != 0)
        return fail(err, MEDLEY_E_ARGUMENT, "the matrix is not positive definite (row %lld)",
                    (long long)(j * TILE + bad - 1));
    return tally_add(v->progress, 1, err);
}

static medley_status factor(const medley_runtime *rt, inverting *v, medley_error *err)
{
    for (v->column = 0; v->column < v->tiles; v->column++) {
        if (v->column > 0)
            TRY(parallel_run(rt, 1 + (v->tiles - v->column - 1 + STRIP - 1) / STRIP, update_strip, v, err));
        TRY(parallel_run(rt, 1, factor_diagonal, v, err));
        TRY(parallel_run(rt, v->tiles - v->column - 1, divide_tile, v, err));
    }
    return MEDLEY_OK;
}

/* Moves L_jj aside and puts U_jj = L_jj⁻ᵀ in its place, zeros below the diagonal. */
static medley_status invert_diagonal(void *context, int64_t j, int worker, medley_error *err)
{
    const inverting *v = context;
    const int64_t size = tile_size(v, j);
    double *u = tile_at(v, j, j), *l = side_at(v, j);
    (void)worker;
    (void)err;
    omp_set_num_threads(1);
    for (int64_t r = 0; r < size; r++)
        for (int64_t c = 0; c < size; c++) {
            l[r * TILE + c] = u[r * v->n + c];
            u[r * v->n + c] = r == c;
        }
    divide(size, size, 1, l, TILE, u, v->n);
    for (int64_t r = 0; r < size; r++)
        for (int64_t c = 0; c < r; c++)
            u[r * v->n + c] = 0;
    return MEDLEY_OK;
}

/* U_ji = -(U_jj L_ijᵀ + ... + U_j,i-1 L_i,i-1ᵀ) L_ii⁻ᵀ for all i > j: from U Lᵀ = I. */
static medley_status invert_row(void *context, int64_t j, int worker, medley_error *err)
{
    const inverting *v = context;
    const int64_t size = tile_size(v, j);
    (void)worker;
    omp_set_num_threads(1);
    for (int64_t i = j + 1; i < v->tiles; i++) {
        multiply(size, tile_size(v, i), (i - j) * TILE, 1, tile_at(v, j, j), tile_at(v, i, j), v->n, 0,
                 tile_at(v, j, i), v->n);
        divide(size, tile_size(v, i), -1, side_at(v, i), TILE, tile_at(v, j, i), v->n);
    }
    return tally_add(v->progress, v->tiles - j, err);
}

/* A⁻¹_ij = U_ii U_jiᵀ + ... + U_i,last U_j,lastᵀ for row i = task and all j <= i; the first rows are the longest
 * sums, the last ones the most. The others of column i need U_ii, so that the diagonal goes aside, to L_ii's place. */
static medley_status multiply_row(void *context, int64_t i, int worker, medley_error *err)
{
    const inverting *v = context;
    const int64_t size = tile_size(v, i), depth = v->n - i * TILE;
    (void)worker;
    omp_set_num_threads(1);
    for (int64_t j = 0; j < i; j += STRIP)
        multiply(size, strip_size(v, j, i), depth, 1, tile_at(v, i, i), tile_at(v, j, i), v->n, 0,
                 tile_at(v, i, j), v->n);
    square(size, depth, 1, tile_at(v, i, i), v->n, 0, side_at(v, i), TILE);
    return tally_add(v->progress, i + 1, err);
}

/* Puts the diagonal back and copies what is below it above, for one row of tiles. */
static medley_status mirror_row(void *context, int64_t i, int worker, medley_error *err)
{
    const inverting *v = context;
    const int64_t first = i * TILE, size = tile_size(v, i);
    (void)worker;
    (void)err;
    for (int64_t r = 0; r < size; r++)
        memcpy(tile_at(v, i, i) + r * v->n, side_at(v, i) + r * TILE, (size_t)size * sizeof *v->a);
    for (int64_t row = first; row < first + size; row += MIRROR)
        for (int64_t column = 0; column < row + MIRROR; column += MIRROR)
            for (int64_t r = row; r < least(row + MIRROR, first + size); r++)
                for (int64_t c = column; c < least(column + MIRROR, r); c++)
                    v->a[c * v->n + r] = v->a[r * v->n + c];
    return MEDLEY_OK;
}

medley_status cholesky_inverse(const medley_runtime *rt, double *a, int64_t n, const char *phase,
                               medley_error *err)
{
    if (n > INT32_MAX) /* what BLAS counts with */
        return fail(err, MEDLEY_E_LIMIT, "a matrix of %lld rows; at most %d are accepted", (long long)n,
                    INT32_MAX);
    const int64_t tiles = (n + TILE - 1) / TILE, pairs = tiles * (tiles + 1) / 2;
    tally progress;
    inverting v = {.a = a, .n = n, .tiles = tiles, .progress = &progress};
    tally_start(&progress, rt, phase, 3 * pairs);
    TRY(mem_alloc(rt, tiles, TILE * TILE * sizeof *v.side, &v.side, err));
    medley_status status;
    TRY_DONE(factor(rt, &v, err));
    TRY_DONE(parallel_run(rt, tiles, invert_diagonal, &v, err));
    TRY_DONE(parallel_run(rt, tiles, invert_row, &v, err));
    TRY_DONE(parallel_run(rt, tiles, multiply_row, &v, err));
    TRY_DONE(parallel_run(rt, tiles, mirror_row, &v, err));
done:
    mem_free(v.side);
    return status;
}
