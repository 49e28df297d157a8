/* Single-precision matrix product (OpenBLAS). Runs on the calling thread alone when called from a
 * task of parallel_run, so a tile's bits do not depend on the number of threads. */
#ifndef TENSOR_GEMM_H
#define TENSOR_GEMM_H

#include <stdint.h>

/* C = A Bᵀ.  A: [m, k], rows `a_stride` apart; B: [n, k]; C: [m, n], rows `c_stride` apart. */
void gemm_abt(int64_t m, int64_t n, int64_t k, const float *a, int64_t a_stride, const float *b, int64_t b_stride,
              float *c, int64_t c_stride);

/* Name and version of the library behind, for `medley doctor`. */
const char *gemm_library(void);

#endif
