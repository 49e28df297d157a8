#include "tensor/kernel_catalogue.h"

#include "base/multiversion.h"
#include "tensor/gemm.h"
#define VECTOR_MATH_FUSED
#include "tensor/kernel_rows_lanes.h"
#include "tensor/streaming.h"

enum {
    CHUNK = 256,
    GROUPS_MOST = 32,
    ROWS_LEAST = 64, /* with fewer, adding to dw takes longer than calculating */
    ROWS_MOST = 512,
    WEIGHTS = 1 << 23,       /* of a block, unless ROWS_LEAST needs more */
    TASK_PRODUCTS = 1 << 16, /* multiply-adds that are worth a task */
};

static int64_t most(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

catalogue_cut catalogue_cut_of(int64_t rows, int64_t items, int64_t depth)
{
    catalogue_cut cut = {.chunk = most(1, least(CHUNK, items))};
    const int64_t block = least(ROWS_MOST, most(ROWS_LEAST, WEIGHTS / most(1, items) / ROWS_LEAST * ROWS_LEAST));
    cut.rows = most(1, least(rows, block));
    cut.chunks = (items + cut.chunk - 1) / cut.chunk;
    const double products = (double)cut.rows * (double)cut.chunk * (double)(depth + 1);
    cut.together = most((cut.chunks + GROUPS_MOST - 1) / GROUPS_MOST, 1 + (int64_t)(TASK_PRODUCTS / products));
    cut.groups = (cut.chunks + cut.together - 1) / cut.together;
    return cut;
}

/* The items of a chunk, and where what is known of it stands. */
typedef struct piece {
    int64_t first, count;
    real *weight, *top, *sum;
} piece;

static piece piece_of(const catalogue *c, int64_t chunk, int64_t place)
{
    const int64_t first = chunk * c->cut.chunk;
    return (piece){.first = first,
                   .count = least(c->cut.chunk, c->items - first),
                   .weight = c->weight + place * c->rows * c->cut.chunk,
                   .top = c->top + chunk * c->rows,
                   .sum = c->sum + chunk * c->rows};
}

static bool wants_gradient(const catalogue *c)
{
    return c->dx != NULL || c->dw != NULL || c->dbias != NULL;
}

ROW_INLINE real catalogue_logit(const row_view *r, int64_t i)
{
    return r->x[i];
}

MULTIVERSION static real catalogue_maximum(const real *x, int64_t count)
{
    return row_max(catalogue_logit, &(row_view){.x = x}, count);
}

ROW_INLINE void soften_lanes(real *x, real top, row_lanes *sum)
{
    real part[ROW_LANES];
    for (int l = 0; l < ROW_LANES; l++)
        part[l] = vm_exp(x[l] - top);
    memcpy(x, part, sizeof part);
    *sum += *(const row_lanes *)part;
}

MULTIVERSION_FMA static real catalogue_exponentials(real *x, int64_t count, real top)
{
    row_lanes sum[ROW_CHAINS] = {{0}};
    real rest = 0;
    int64_t j = 0;
    for (; j + ROW_CHAINS * ROW_LANES <= count; j += ROW_CHAINS * ROW_LANES)
        for (int chain = 0; chain < ROW_CHAINS; chain++)
            soften_lanes(x + j + chain * ROW_LANES, top, &sum[chain]);
    for (; j + ROW_LANES <= count; j += ROW_LANES)
        soften_lanes(x + j, top, &sum[0]);
    for (; j < count; j++) {
        x[j] = vm_exp(x[j] - top);
        rest += x[j];
    }
    sum[0] = (sum[0] + sum[1]) + (sum[2] + sum[3]);
    return rest + row_fold(sum);
}

real catalogue_soften(real *row, int64_t count, real *top)
{
    const real maximum = catalogue_maximum(row, count);
    *top = maximum > -(real)INFINITY ? maximum : 0;
    return catalogue_exponentials(row, count, *top);
}

static void soften_piece(const catalogue *c, const piece *p)
{
    for (int64_t r = 0; r < c->rows; r++) {
        real *row = p->weight + r * c->cut.chunk;
        const int64_t place = (int64_t)c->target[r] - p->first;
        stream_ahead(row, p->count);
        if (place >= 0 && place < p->count)
            c->picked[r] = row[place];
        p->sum[r] = catalogue_soften(row, p->count, &p->top[r]);
    }
}

void catalogue_forward(const catalogue *c, int64_t group, int worker)
{
    const int64_t first = group * c->cut.together, end = least(c->cut.chunks, first + c->cut.together);
    for (int64_t chunk = first; chunk < end; chunk++) {
        const piece p = piece_of(c, chunk, wants_gradient(c) ? chunk : worker);
        gemm(&(gemm_job){.transpose_b = true,
                         .m = c->rows,
                         .n = p.count,
                         .k = c->depth,
                         .alpha = 1,
                         .a = c->x,
                         .a_stride = c->depth,
                         .b = c->w + p.first * c->depth,
                         .b_stride = c->depth,
                         .c = p.weight,
                         .c_stride = c->cut.chunk,
                         .bias = c->bias != NULL ? c->bias + p.first : NULL});
        soften_piece(c, &p);
    }
}

void catalogue_join(const catalogue *c)
{
    const int64_t chunks = c->cut.chunks, rows = c->rows;
    for (int64_t r = 0; r < rows; r++) {
        real top = -(real)INFINITY, sum = 0;
        for (int64_t chunk = 0; chunk < chunks; chunk++)
            if (c->sum[chunk * rows + r] > 0 && c->top[chunk * rows + r] > top)
                top = c->top[chunk * rows + r];
        /* from here on `top` is what a chunk's weights are to be multiplied by, but for 1 / sum */
        for (int64_t chunk = 0; chunk < chunks; chunk++) {
            real *fade = &c->top[chunk * rows + r];
            *fade = c->sum[chunk * rows + r] == 0 ? 0 : real_exp(*fade - top);
            sum += *fade * c->sum[chunk * rows + r];
        }
        c->log_sum[r] = top + real_log(sum);
        for (int64_t chunk = 0; chunk < chunks; chunk++)
            c->top[chunk * rows + r] *= c->factor / sum;
    }
}

/* Weights that count for nothing become 0: products of numbers near the least float are a hundred times slower. */
MULTIVERSION static void catalogue_scale(real *x, int64_t count, real factor)
{
    const real tiny = (real)1e-30;
    for (int64_t j = 0; j < count; j++) {
        const real weight = x[j] * factor;
        x[j] = weight < tiny ? 0 : weight;
    }
}
MULTIVERSION static void catalogue_add(real *restrict to, const real *restrict from, int64_t count)
{
    for (int64_t j = 0; j < count; j++)
        to[j] += from[j];
}

/* weight = d factor L / d logit */
static void piece_gradient(const catalogue *c, const piece *p)
{
    if (c->dbias != NULL && c->first)
        memset(c->dbias + p->first, 0, (size_t)p->count * sizeof(real));
    for (int64_t r = 0; r < c->rows; r++) {
        real *row = p->weight + r * c->cut.chunk;
        stream_ahead(row, p->count);
        catalogue_scale(row, p->count, p->top[r]);
        const int64_t place = (int64_t)c->target[r] - p->first;
        if (place >= 0 && place < p->count)
            row[place] -= c->factor;
        if (c->dbias != NULL)
            catalogue_add(c->dbias + p->first, row, p->count);
    }
}

void catalogue_backward(const catalogue *c, int64_t group)
{
    const int64_t first = group * c->cut.together, end = least(c->cut.chunks, first + c->cut.together);
    for (int64_t chunk = first; chunk < end; chunk++) {
        const piece p = piece_of(c, chunk, chunk);
        piece_gradient(c, &p);
        if (c->dw != NULL)
            gemm(&(gemm_job){.transpose_a = true,
                             .m = p.count,
                             .n = c->depth,
                             .k = c->rows,
                             .alpha = 1,
                             .a = p.weight,
                             .a_stride = c->cut.chunk,
                             .b = c->x,
                             .b_stride = c->depth,
                             .beta = c->first ? 0 : 1,
                             .c = c->dw + p.first * c->depth,
                             .c_stride = c->depth});
        if (c->dx != NULL)
            gemm(&(gemm_job){.m = c->rows,
                             .n = c->depth,
                             .k = p.count,
                             .alpha = 1,
                             .a = p.weight,
                             .a_stride = c->cut.chunk,
                             .b = c->w + p.first * c->depth,
                             .b_stride = c->depth,
                             .beta = chunk == first ? 0 : 1,
                             .c = c->part + group * c->rows * c->depth,
                             .c_stride = c->depth});
    }
}

void catalogue_join_dx(const catalogue *c, int64_t row)
{
    real *dx = c->dx + row * c->depth;
    memset(dx, 0, (size_t)c->depth * sizeof *dx);
    for (int64_t group = 0; group < c->cut.groups; group++)
        catalogue_add(dx, c->part + (group * c->rows + row) * c->depth, c->depth);
}
