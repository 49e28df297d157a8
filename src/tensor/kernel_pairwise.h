/* Dots of vectors with each other: pairs of a sample's vectors, and rows with rows. */
#ifndef TENSOR_KERNEL_PAIRWISE_H
#define TENSOR_KERNEL_PAIRWISE_H

#include "base/base.h"
#include "tensor/real.h"

/* out[i (i - 1) / 2 + j] = <x_i, x_j> for F > i > j.  x: [F, D]; nothing overlaps. */
void pairwise_dots(const real *x, int64_t f, int64_t d, real *out);
/* dx_i = or += sum over j != i of g_ij x_j, with g [F (F - 1) / 2] the gradient of out. */
void pairwise_dots_backward(const real *x, const real *g, int64_t f, int64_t d, real *dx, bool add);

/* out[r] = <x_r, y_r>.  x, y: [rows, D] */
void rows_dot(const real *x, const real *y, int64_t rows, int64_t d, real *out);
/* dx_r = or += g[r] y_r */
void rows_dot_backward(const real *g, const real *y, int64_t rows, int64_t d, real *dx, bool add);

/* sum[j] = sum over rows of x[., j].  x: [rows, width] */
void column_sums(const real *x, int64_t rows, int64_t width, real *sum);

#endif
