#include "tensor/kernel_pairwise.h"

#include "base/multiversion.h"
#include "tensor/kernel_attention_tile.h"
#include "tensor/kernel_rows_lanes.h"

enum {
    ROWS = 16,
    COLUMNS = 64, /* of a block of pairs */
    DEPTH = 128,  /* of D, or of F backward, at once */
};

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* t[l, j] = x[j, l], in 0s to a multiple of 16 columns. */
static void transpose_block(const real *x, int64_t stride, int64_t columns, int64_t depth, real *t)
{
    for (int64_t j = 0; j < (columns + ROWS - 1) / ROWS * ROWS; j++)
        for (int64_t l = 0; l < depth; l++)
            t[l * COLUMNS + j] = j < columns ? x[j * stride + l] : 0;
}

/* One block of rows i against the columns j < i of a block that starts at `left`. */
static void store_pairs(const real *dots, int64_t i0, int64_t rows, int64_t left, bool add, real *out)
{
    for (int64_t i = i0; i < i0 + rows; i++) {
        real *to = out + i * (i - 1) / 2 + left;
        const real *from = dots + (i - i0) * COLUMNS;
        for (int64_t j = 0; j < least(COLUMNS, i - left); j++)
            to[j] = add ? to[j] + from[j] : from[j];
    }
}

void pairwise_dots(const real *x, int64_t f, int64_t d, real *out)
{
    _Alignas(64) real transposed[DEPTH * COLUMNS];
    _Alignas(64) real dots[ROWS * COLUMNS];
    for (int64_t i = 0; d == 0 && i < f * (f - 1) / 2; i++)
        out[i] = 0;
    for (int64_t left = 0; left < f; left += COLUMNS)
        for (int64_t l = 0; l < d; l += DEPTH) {
            const int64_t depth = least(DEPTH, d - l);
            transpose_block(x + left * d + l, d, least(COLUMNS, f - left), depth, transposed);
            for (int64_t i = left; i < f; i += ROWS) {
                const int64_t rows = least(ROWS, f - i);
                tile_multiply(&(tile_product){.m = rows,
                                              .n = least(COLUMNS, i + ROWS - left),
                                              .k = depth,
                                              .a = x + i * d + l,
                                              .a_row = d,
                                              .a_step = 1,
                                              .b = transposed,
                                              .b_stride = COLUMNS,
                                              .c = dots,
                                              .c_stride = COLUMNS});
                store_pairs(dots, i, rows, left, l > 0, out);
            }
        }
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
