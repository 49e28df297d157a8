#include "tensor/kernel_pairwise.h"

#include "base/multiversion.h"
#include "tensor/kernel_attention_tile.h"
#include "tensor/kernel_rows_lanes.h"

enum {
    AT_ONCE = 4,
    ROWS = 16,   /* of a block of slopes */
    DEPTH = 128, /* its columns */
};

/* *out: the sums of four vectors. */
ROW_INLINE void fold_four(const row_lanes *sum, row_lanes_4 *out)
{
    row_lanes_4 part[AT_ONCE];
    for (int v = 0; v < AT_ONCE; v++) {
        const union {
            row_lanes all;
            row_lanes_8 half[2];
        } a = {sum[v]};
        const union {
            row_lanes_8 all;
            row_lanes_4 half[2];
        } b = {a.half[0] + a.half[1]};
        part[v] = b.half[0] + b.half[1];
    }
    const row_lanes_4 low = __builtin_shufflevector(part[0], part[1], 0, 4, 1, 5) +
                            __builtin_shufflevector(part[0], part[1], 2, 6, 3, 7);
    const row_lanes_4 high = __builtin_shufflevector(part[2], part[3], 0, 4, 1, 5) +
                             __builtin_shufflevector(part[2], part[3], 2, 6, 3, 7);
    *out = __builtin_shufflevector(low, high, 0, 1, 4, 5) + __builtin_shufflevector(low, high, 2, 3, 6, 7);
}

/* out[j] = <x_i, x_j> for j < i, four at once; behind the last one it is repeated. */
MULTIVERSION static void pairwise_row(const real *x, int64_t i, int64_t d, real *out)
{
    const real *row = x + i * d;
    for (int64_t j = 0; j < i; j += AT_ONCE) {
        const real *y[AT_ONCE];
        row_lanes sum[AT_ONCE] = {{0}};
        int64_t l = 0;
        for (int v = 0; v < AT_ONCE; v++)
            y[v] = x + least(j + v, i - 1) * d;
        for (; l + ROW_LANES <= d; l += ROW_LANES)
            for (int v = 0; v < AT_ONCE; v++)
                sum[v] += *(const row_lanes *)(row + l) * *(const row_lanes *)(y[v] + l);
        row_lanes_4 four;
        fold_four(sum, &four);
        for (; l < d; l++)
            for (int v = 0; v < AT_ONCE; v++)
                four[v] += row[l] * y[v][l];
        for (int v = 0; v < AT_ONCE && j + v < i; v++)
            out[j + v] = four[v];
    }
}

void pairwise_dots(const real *x, int64_t f, int64_t d, real *out)
{
    for (int64_t i = 1; i < f; out += i++)
        pairwise_row(x, i, d, out);
}

void pairwise_dots_backward(const real *x, const real *g, int64_t f, int64_t d, real *dx, bool add)
{
    real slopes[ROWS * DEPTH];
    for (int64_t i = 0; i < f; i += ROWS)
        for (int64_t left = 0; left < f; left += DEPTH) {
            const int64_t rows = least(ROWS, f - i), depth = least(DEPTH, f - left);
            for (int64_t r = 0; r < rows; r++)
                for (int64_t j = 0; j < depth; j++) {
                    const int64_t a = i + r, b = left + j;
                    slopes[r * DEPTH + j] = a > b ? g[a * (a - 1) / 2 + b] : a < b ? g[b * (b - 1) / 2 + a] : 0;
                }
            tile_multiply(&(tile_product){.m = rows,
                                          .n = d,
                                          .k = depth,
                                          .a = slopes,
                                          .a_row = DEPTH,
                                          .a_step = 1,
                                          .b = x + left * d,
                                          .b_stride = d,
                                          .c = dx + i * d,
                                          .c_stride = d,
                                          .add = add || left > 0});
        }
}

ROW_INLINE real dot_term(const row_view *r, int64_t i)
{
    return r->x[i] * r->y[i];
}

MULTIVERSION static void rows_dot_of(const real *restrict x, const real *restrict y, int64_t rows, int64_t d,
                                     real *restrict out)
{
    for (int64_t row = 0; row < rows; row++)
        out[row] = row_sum(dot_term, &(row_view){.x = x + row * d, .y = y + row * d}, d);
}

void rows_dot(const real *x, const real *y, int64_t rows, int64_t d, real *out)
{
    rows_dot_of(x, y, rows, d, out);
}

MULTIVERSION static void rows_scale(const real *restrict g, const real *restrict y, int64_t rows, int64_t d,
                                    real *restrict dx)
{
    for (int64_t row = 0; row < rows; row++)
        for (int64_t i = 0; i < d; i++)
            dx[row * d + i] = g[row] * y[row * d + i];
}

MULTIVERSION static void rows_scale_add(const real *restrict g, const real *restrict y, int64_t rows, int64_t d,
                                        real *restrict dx)
{
    for (int64_t row = 0; row < rows; row++)
        for (int64_t i = 0; i < d; i++)
            dx[row * d + i] += g[row] * y[row * d + i];
}

void rows_dot_backward(const real *g, const real *y, int64_t rows, int64_t d, real *dx, bool add)
{
    (add ? rows_scale_add : rows_scale)(g, y, rows, d, dx);
}

MULTIVERSION static void column_sums_of(const real *restrict x, int64_t rows, int64_t width, real *restrict sum)
{
    int64_t row = 0;
    for (int64_t j = 0; j < width; j++)
        sum[j] = 0;
    for (; row + 4 <= rows; row += 4, x += 4 * width)
        for (int64_t j = 0; j < width; j++)
            sum[j] += (x[j] + x[width + j]) + (x[2 * width + j] + x[3 * width + j]);
    for (; row < rows; row++, x += width)
        for (int64_t j = 0; j < width; j++)
            sum[j] += x[j];
}

void column_sums(const real *x, int64_t rows, int64_t width, real *sum)
{
    column_sums_of(x, rows, width, sum);
}
