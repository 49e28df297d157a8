/* Products of small matrices, as attention makes them of every tile: too small for a library's call. */
#ifndef TENSOR_KERNEL_ATTENTION_TILE_H
#define TENSOR_KERNEL_ATTENTION_TILE_H

#include "base/base.h"
#include "tensor/real.h"

/* C[i, j] = sum over p of A[i a_row + p a_step] B[p, j], in the order of p by fused multiply-adds, or C += that sum.
 * C: [m, n], B: [k, n], rows their strides apart; A has any two steps, so its transpose costs nothing. On the calling
 * thread; the same bits with every instruction set. k is at most 256 unless n is a multiple of 16. */
typedef struct tile_product {
    int64_t m, n, k;
    const real *a;
    int64_t a_row, a_step;
    const real *b;
    int64_t b_stride;
    real *c;
    int64_t c_stride;
    bool add;
} tile_product;

void tile_multiply(const tile_product *t);

#endif
