/* Losses and their slopes over arrays. Sums are returned, or kept by row, in double. */
#ifndef TENSOR_KERNEL_LOSS_H
#define TENSOR_KERNEL_LOSS_H

#include "base/base.h"
#include "tensor/real.h"

/* ---- of two arrays, element by element ---- */

typedef struct pair_loss {
    /* The sum of l(a_i, b_i). */
    double (*sum)(const real *a, const real *b, int64_t count);
    /* da_i = or += scale dl/da */
    void (*slope)(const real *a, const real *b, int64_t count, real scale, bool add, real *da);
} pair_loss;

extern const pair_loss pair_mse; /* l = (a - b)² */
extern const pair_loss pair_bce; /* l = softplus(a) - b a */
extern const pair_loss pair_bpr; /* l = softplus(b - a); dl/db = -dl/da */

/* ---- cross-entropy ---- */

/* A row's softmax: exp(x - most) scale. */
typedef struct softmax_stats {
    real most, scale;
} softmax_stats;

/* -ln softmax(x)[target] of x [width] */
double cross_entropy_row(const real *x, int64_t width, int64_t target, softmax_stats *stats);
/* dx = or += factor (softmax(x) - [i = target]) */
void cross_entropy_row_back(const real *x, int64_t width, int64_t target, softmax_stats stats, real factor,
                            bool add, real *dx);

/* ---- InfoNCE: a block of rows of z [B, B], products / temperature ----
 *
 * Logits of row b are z[b, j] - q[j], of column j, which is the row of y when x and y change places, z[b, j] - q[b].
 * What is hidden is -1e30 in z. */

/* z[j] = -1e30 where id[j] = id[b] and j is not b */
void info_nce_hide(real *z, int64_t B, int64_t b, const uint32_t *id);
/* exp(z - q - max(z - q)) into e, which may be z; returns -ln softmax at b. */
double info_nce_row(const real *z, const real *q, int64_t B, int64_t b, real *e, softmax_stats *stats);
/* Brings the softmax of columns first..end-1 up to date with `rows` more rows of z, from row b of all on: the largest
 * logit, and the sum of exponentials relative to it. Starts with most -inf and sum 0. */
void info_nce_columns(const real *z, const real *q, int64_t B, int64_t b, int64_t rows, int64_t first, int64_t end,
                      real *most, real *sum);
/* dz in place of e: factor (softmax - [j = b]) */
void info_nce_row_back(real *e, softmax_stats stats, int64_t B, int64_t b, real factor);
/* The same of the columns, z still in dz; e is the row's as above, elsewhere. scale: 1 / sum of each column. */
void info_nce_both_back(const real *e, softmax_stats stats, const real *most, const real *scale, real q_b,
                        int64_t B, int64_t b, real factor, real *dz);

#endif
