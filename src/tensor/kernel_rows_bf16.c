#include "tensor/kernel_rows_bf16.h"

#include "base/multiversion.h"
#include "tensor/matrix_tiles.h"

/* PAD: between rows, which would else lie a multiple of a page apart and share a few lines of the cache. AHEAD: rows. */
enum { SIDE = TILES_SIDE, PAD = 32, WEIGHT_COLUMNS = 512, COLUMNS = 256, AHEAD = 8 };

static int64_t whole(int64_t n)
{
    return (n + SIDE - 1) / SIDE * SIDE;
}

/* ---- rounding ---- */

MULTIVERSION static void rows_bf16_round(const real *restrict x, int64_t count, uint16_t *restrict out)
{
    for (int64_t i = 0; i < count; i++)
        out[i] = (uint16_t)bf16_of((float)x[i]);
}

medley_status rows_bf16_create(const medley_runtime *rt, const real *x, int64_t rows, int64_t in, rows_bf16 *out,
                               medley_error *err)
{
    *out = (rows_bf16){.rows = rows, .in = in, .stride = whole(in)};
    TRY(mem_alloc_zero(rt, mem_bytes(rows, sizeof *out->x), (size_t)out->stride, &out->x, err));
    for (int64_t r = 0; r < rows; r++)
        rows_bf16_round(x + r * in, in, out->x + r * out->stride);
    return MEDLEY_OK;
}

void rows_bf16_free(rows_bf16 *table)
{
    mem_free(table->x);
    *table = (rows_bf16){0};
}

int64_t rows_bf16_weights(const rows_bf16_job *job)
{
    return job->table->stride * whole(job->out);
}

int64_t rows_bf16_weights_tasks(const rows_bf16_job *job)
{
    return (job->table->stride + WEIGHT_COLUMNS - 1) / WEIGHT_COLUMNS;
}

/* weights: [out / SIDE, in / 2, SIDE] pairs */
void rows_bf16_round_weights(const rows_bf16_job *job, int64_t task)
{
    const int64_t first = task * WEIGHT_COLUMNS, in = job->table->in, width = job->table->stride;
    const int64_t end = least(width, first + WEIGHT_COLUMNS), real_end = least(end, in);
    for (int64_t o = 0; o < whole(job->out); o++) {
        uint16_t rounded[WEIGHT_COLUMNS] = {0}, *out = job->weights + o / SIDE * SIDE * width + o % SIDE * 2;
        if (o < job->out && real_end > first)
            rows_bf16_round(job->w + o * in + first, real_end - first, rounded);
        for (int64_t i = first; i < end; i += 2)
            memcpy(out + i * SIDE, rounded + i - first, 2 * sizeof *rounded);
    }
}

int64_t rows_bf16_gradient(const rows_bf16_job *job)
{
    return whole(job->out) * (whole(job->count) + PAD);
}

int64_t rows_bf16_gradient_tasks(const rows_bf16_job *job)
{
    return whole(job->out) / SIDE;
}

/* gradient: [out, count] */
void rows_bf16_round_gradient(const rows_bf16_job *job, int64_t task)
{
    const int64_t stride = whole(job->count) + PAD, first = task * SIDE, outs = least(SIDE, job->out - first);
    for (int64_t r = 0; r < whole(job->count); r++) {
        uint16_t rounded[SIDE] = {0};
        if (r < job->count)
            rows_bf16_round(job->dy + r * job->out + first, outs, rounded);
        for (int64_t o = 0; o < SIDE; o++)
            job->gradient[(first + o) * stride + r] = rounded[o];
    }
}

/* ---- products ---- */

int64_t rows_bf16_scratch(const rows_bf16_job *job)
{
    const int64_t forward = SIDE * (job->table->stride + PAD);
    const int64_t backward = whole(job->count) / 2 * (2 * COLUMNS + PAD);
    return forward > backward ? forward : backward;
}

int64_t rows_bf16_forward_tasks(const rows_bf16_job *job)
{
    return whole(job->count) / SIDE;
}

void rows_bf16_forward(const rows_bf16_job *job, int64_t task, int worker)
{
    const int64_t first = task * SIDE, rows = least(SIDE, job->count - first), width = job->table->stride;
    const int64_t stride = width + PAD;
    uint16_t *x = job->scratch + worker * rows_bf16_scratch(job);
    _Alignas(64) float c[SIDE * SIDE];
    for (int64_t r = 0; r < rows; r++)
        memcpy(x + r * stride, job->table->x + job->row[first + r] * width, (size_t)width * sizeof *x);
    for (int64_t r = rows; r < SIDE; r++)
        memset(x + r * stride, 0, (size_t)width * sizeof *x);
    tiles_take();
    for (int64_t o = 0; o < job->out; o += SIDE) {
        tiles_multiply(x, stride, job->weights + o * width, SIDE, width, c, SIDE, false);
        for (int64_t r = 0; r < rows; r++)
            for (int64_t j = 0; j < least(SIDE, job->out - o); j++)
                job->y[(first + r) * job->out + o + j] =
                    (real)c[r * SIDE + j] + (job->bias != NULL ? job->bias[o + j] : 0);
    }
    tiles_leave();
}

int64_t rows_bf16_backward_tasks(const rows_bf16_job *job)
{
    return (job->table->stride + COLUMNS - 1) / COLUMNS;
}

/* out: pairs of numbers of a and b */
MULTIVERSION static void rows_bf16_pair(const uint16_t *restrict a, const uint16_t *restrict b, int64_t columns,
                                        uint16_t *restrict out)
{
    for (int64_t i = 0; i < columns; i++) {
        const uint32_t pair = a[i] | (uint32_t)b[i] << 16;
        memcpy(out + 2 * i, &pair, sizeof pair);
    }
}

/* Rows of the table in pairs: [count / 2, columns]. They are asked for ahead, as each is in another page. */
static void pair_rows(const rows_bf16_job *job, int64_t first, int64_t columns, int64_t stride, uint16_t *x)
{
    static const uint16_t nothing[COLUMNS] = {0};
    const uint16_t *const table = job->table->x + first;
    const int64_t width = job->table->stride;
    for (int64_t r = 0; r < whole(job->count); r += 2) {
        const uint16_t *pair[2] = {nothing, nothing};
        for (int64_t i = 0; i < 2 && r + i < job->count; i++) {
            pair[i] = table + job->row[r + i] * width;
            const uint16_t *next = table + job->row[least(r + i + AHEAD, job->count - 1)] * width;
            for (int64_t j = 0; j < columns; j += SIDE)
                __builtin_prefetch(next + j);
        }
        rows_bf16_pair(pair[0], pair[1], columns, x + r / 2 * stride);
    }
}

void rows_bf16_backward(const rows_bf16_job *job, int64_t task, int worker)
{
    const int64_t first = task * COLUMNS, columns = least(COLUMNS, job->table->stride - first);
    const int64_t stride = 2 * COLUMNS + PAD, dy_stride = whole(job->count) + PAD, in = job->table->in;
    uint16_t *x = job->scratch + worker * rows_bf16_scratch(job);
    _Alignas(64) float c[SIDE * SIDE];
    pair_rows(job, first, columns, stride, x);
    tiles_take();
    for (int64_t o = 0; o < job->out; o += SIDE)
        for (int64_t column = 0; column < columns; column += SIDE) {
            tiles_multiply(job->gradient + o * dy_stride, dy_stride, x + 2 * column, stride / 2, whole(job->count),
                           c, SIDE, false);
            for (int64_t r = 0; r < least(SIDE, job->out - o); r++) {
                real *dw = job->dw + (o + r) * in + first + column;
                for (int64_t j = 0; j < least(SIDE, in - first - column); j++)
                    dw[j] = (real)c[r * SIDE + j] + (job->add ? dw[j] : 0);
            }
        }
    tiles_leave();
}
