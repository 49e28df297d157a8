#include "tensor/gemm_bf16_tiles.h"

#include "base/multiversion.h"
#include "tensor/gemm_tiles.h"
#include "tensor/matrix_tiles.h"
#include "tensor/streaming.h"

#ifndef MEDLEY_REAL_DOUBLE

/* PAD: between rows of A, which would else lie a multiple of a page apart and share a few lines of the cache. */
enum {
    SIDE = TILES_SIDE,
    HALF = SIDE / 2,
    PAD = 32,
    M_MOST = 1024, /* rows that share one rounded B */
    K_MOST = 1024,
    TURNED_M = 256, /* of a transposed A, which is rounded whole */
    TURNED_K = 512,
    TASKS_WANTED = 8,
    ROWS_AHEAD = 2,
};

static int64_t whole(int64_t n)
{
    return (n + SIDE - 1) / SIDE * SIDE;
}

/* ---- rounding ---- */

MULTIVERSION static void tiles_round(const float *restrict x, int64_t count, uint16_t *restrict out)
{
    for (int64_t i = 0; i < count; i++)
        out[i] = (uint16_t)bf16_of(x[i]);
}

/* Numbers of x and y in pairs, those of y where mask is ones. */
MULTIVERSION static void tiles_pair(const float *restrict x, const float *restrict y, uint32_t mask, int64_t count,
                                    uint32_t *restrict out)
{
    for (int64_t i = 0; i < count; i++)
        out[i] = bf16_of(x[i]) | (bf16_of(y[i]) << 16 & mask);
}

/* to[i, j] = from[j, i]: [HALF, HALF] */
MULTIVERSION static void tiles_turn(const uint32_t *restrict from, uint32_t *restrict to, int64_t to_step)
{
    for (int i = 0; i < HALF; i++)
        for (int j = 0; j < HALF; j++)
            to[i * to_step + j] = from[j * HALF + i];
}

/* x: [rows, columns], which are multiplied in pairs of rows; out: [whole(columns) / SIDE, whole(rows) / 2, SIDE] pairs */
static void round_below(const float *x, int64_t stride, int64_t rows, int64_t columns, uint32_t *out)
{
    const int64_t panel = whole(rows) / 2 * SIDE;
    for (int64_t r = 0; r < whole(rows); r += 2) {
        const bool one = r < rows, both = r + 1 < rows;
        const float *upper = x + r * stride, *lower = upper + (both ? stride : 0);
        for (int64_t i = 0; i < columns; i += SIDE) {
            uint32_t *to = out + i / SIDE * panel + r / 2 * SIDE;
            const int64_t count = one ? least(SIDE, columns - i) : 0;
            if (r + 2 * ROWS_AHEAD < rows)
                stream_fetch(upper + 2 * ROWS_AHEAD * stride + i, SIDE);
            tiles_pair(upper + i, lower + i, both ? UINT32_MAX : 0, count, to);
            memset(to + count, 0, (size_t)(SIDE - count) * sizeof *to);
        }
    }
}

/* The same of a transposed x [columns, rows]. */
static void round_beside(const float *x, int64_t stride, int64_t rows, int64_t columns, uint32_t *out)
{
    const int64_t panel = whole(rows) / 2 * SIDE;
    for (int64_t i = 0; i < whole(columns); i += HALF)
        for (int64_t r = 0; r < rows; r += SIDE) {
            uint16_t block[HALF * SIDE] = {0};
            uint32_t pairs[HALF * HALF];
            for (int64_t c = i; c < least(columns, i + HALF); c++)
                tiles_round(x + c * stride + r, least(SIDE, rows - r), block + (c - i) * SIDE);
            memcpy(pairs, block, sizeof pairs);
            tiles_turn(pairs, out + i / SIDE * panel + r / 2 * SIDE + i % SIDE, SIDE);
        }
}

/* Rows of A: [SIDE, stride], zeros behind. */
static void round_strip(const float *x, int64_t x_stride, int64_t rows, int64_t columns, uint16_t *out,
                        int64_t stride)
{
    for (int64_t r = 0; r < rows; r++) {
        tiles_round(x + r * x_stride, columns, out + r * stride);
        memset(out + r * stride + columns, 0, (size_t)(whole(columns) - columns) * sizeof *out);
    }
}

/* Of a transposed A, x [columns, rows]: out [whole(rows), stride], zeros behind. */
static void round_turned(const float *x, int64_t x_stride, int64_t rows, int64_t columns, uint16_t *out,
                         int64_t stride)
{
    for (int64_t c = 0; c < columns; c += SIDE)
        for (int64_t r = 0; r < rows; r += HALF) {
            uint32_t pairs[HALF * HALF] = {0}, turned[HALF * HALF];
            for (int64_t k = c; k < least(columns, c + SIDE); k += 2) {
                const bool both = k + 1 < columns;
                const float *upper = x + k * x_stride + r;
                if (k + SIDE < columns)
                    stream_fetch(upper + SIDE * x_stride, HALF), stream_fetch(upper + (SIDE + 1) * x_stride, HALF);
                tiles_pair(upper, upper + (both ? x_stride : 0), both ? UINT32_MAX : 0, least(HALF, rows - r),
                           pairs + (k - c) / 2 * HALF);
            }
            tiles_turn(pairs, turned, HALF);
            for (int64_t i = 0; i < HALF; i++)
                memcpy(out + (r + i) * stride + c, turned + i * HALF, HALF * sizeof *turned);
        }
}

/* ---- a product ---- */

typedef struct product {
    uint32_t *memory; /* [workers, BF16_TILES_MEMORY] */
    gemm_job job;
    int64_t count, a_step, b_step, c_step;
    gemm_tiles tiles; /* of one product */
    int64_t piece;    /* of k */
    bool past;        /* the caches */
} product;

/* c = beta c, or the bias, + alpha sum for [rows, columns] of a block of sums; column: where it stands in the job */
MULTIVERSION static void tiles_put(const gemm_job *job, float *restrict sum, int64_t rows, int64_t columns,
                                   int64_t column, float *restrict c, bool past)
{
    for (int64_t r = 0; r < rows; r++) {
        float *restrict from = sum + r * SIDE, *restrict to = c + r * job->c_stride;
        for (int64_t i = 0; i < columns; i++)
            from[i] *= job->alpha;
        for (int64_t i = 0; job->bias != NULL && i < columns; i++)
            from[i] = job->bias[column + i] + from[i];
        for (int64_t i = 0; job->bias == NULL && job->beta != 0 && i < columns; i++)
            from[i] = job->beta * to[i] + from[i];
        if (past)
            stream_store(to, from, columns);
        else
            memcpy(to, from, (size_t)columns * sizeof *to);
    }
}

/* Rows [first, first + SIDE) of the job, with a piece of k of A and B rounded. */
static void multiply_strip(const gemm_job *job, int64_t first, int64_t k, const uint16_t *a, int64_t a_stride,
                           const uint32_t *b, bool past)
{
    const int64_t rows = least(SIDE, job->m - first), panel = whole(k) / 2 * SIDE;
    const bool plain = job->alpha == 1 && job->bias == NULL && (job->beta == 0 || job->beta == 1) && !past;
    _Alignas(64) float sum[SIDE * SIDE];
    for (int64_t column = 0; column < job->n; column += SIDE, b += panel) {
        float *c = job->c + first * job->c_stride + column;
        const int64_t columns = least(SIDE, job->n - column);
        if (plain && rows == SIDE && columns == SIDE) {
            tiles_multiply(a, a_stride, b, SIDE, whole(k), c, job->c_stride, job->beta == 1);
        } else {
            tiles_multiply(a, a_stride, b, SIDE, whole(k), sum, SIDE, false);
            tiles_put(job, sum, rows, columns, column, c, past);
        }
    }
}

static void multiply_piece(const product *t, gemm_job *job, int64_t l, uint32_t *memory)
{
    const int64_t k = least(t->piece, job->k - l), stride = whole(k) + PAD;
    uint32_t *const b = memory;
    uint16_t *const rounded = (uint16_t *)(memory + BF16_TILES_B);
    if (job->transpose_b)
        round_beside(job->b + l, job->b_stride, k, job->n, b);
    else
        round_below(job->b + l * job->b_stride, job->b_stride, k, job->n, b);
    if (job->transpose_a)
        round_turned(job->a + l * job->a_stride, job->a_stride, job->m, k, rounded, stride);
    for (int64_t first = 0; first < job->m; first += SIDE) {
        const uint16_t *a = job->transpose_a ? rounded + first * stride : rounded;
        if (!job->transpose_a)
            round_strip(job->a + first * job->a_stride + l, job->a_stride, least(SIDE, job->m - first), k, rounded,
                        stride);
        multiply_strip(job, first, k, a, stride, b, t->past);
    }
}

static medley_status tile_task(void *context, int64_t task, int worker, medley_error *err)
{
    const product *t = context;
    const int64_t number = task / t->tiles.count;
    gemm_job job = gemm_tile(&t->job, &t->tiles, task % t->tiles.count);
    (void)err;
    job.a += number * t->a_step;
    job.b += number * t->b_step;
    job.c += number * t->c_step;
    tiles_take();
    for (int64_t l = 0; l < job.k; l += t->piece) {
        multiply_piece(t, &job, l, t->memory + worker * BF16_TILES_MEMORY);
        job.beta = 1;
        job.bias = NULL;
    }
    tiles_leave();
    stream_end();
    return MEDLEY_OK;
}

medley_status bf16_tiles_batched(const medley_runtime *rt, uint32_t *memory, const gemm_job *job, int64_t count,
                                 int64_t a_step, int64_t b_step, int64_t c_step, medley_error *err)
{
    product t = {memory, *job, count, a_step, b_step, c_step, .piece = job->transpose_a ? TURNED_K : K_MOST};
    const int64_t width = 2 * BF16_TILES_B / whole(least(t.piece, job->k)) / SIDE * SIDE;
    t.tiles =
        gemm_tiles_choose(job, job->transpose_a ? TURNED_M : M_MOST, width, (TASKS_WANTED + count - 1) / count);
    t.past = job->beta == 0 && job->k <= t.piece && job->m * job->n * count >= STREAM_LEAST &&
             (uintptr_t)job->c % 64 == 0 && job->c_stride % STREAM_LINE == 0 && c_step % STREAM_LINE == 0;
    return parallel_run(rt, t.tiles.count * count, tile_task, &t, err);
}

#else

medley_status bf16_tiles_batched(const medley_runtime *rt, uint32_t *memory, const gemm_job *job, int64_t count,
                                 int64_t a_step, int64_t b_step, int64_t c_step, medley_error *err)
{
    (void)memory; /* nobody calls it */
    return gemm_batched(rt, job, count, a_step, b_step, c_step, err);
}

#endif
