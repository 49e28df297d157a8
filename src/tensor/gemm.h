/* Dense matrix products. Each call below without `rt` runs on the calling thread alone, also within a task of
 * parallel_run, so a tile's bits do not depend on the number of threads. */
#ifndef TENSOR_GEMM_H
#define TENSOR_GEMM_H

#include "base/base.h"
#include "tensor/real.h"

/* C = A Bᵀ in float by OpenBLAS.  A: [m, k], rows `a_stride` apart; B: [n, k]; C: [m, n], rows `c_stride` apart. */
void gemm_abt(int64_t m, int64_t n, int64_t k, const float *a, int64_t a_stride, const float *b, int64_t b_stride,
              float *c, int64_t c_stride);

/* One product: C = alpha op(A) op(B) + beta C. op(A): [m, k], op(B): [k, n], C: [m, n]; transposed ones are stored as
 * [k, m] and [n, k]. Strides are between stored rows. beta 0: C is not read. With a bias: every row of C starts as it,
 * and beta counts as 0. */
typedef struct gemm_job {
    bool transpose_a, transpose_b;
    int64_t m, n, k;
    real alpha;
    const real *a;
    int64_t a_stride;
    const real *b;
    int64_t b_stride;
    real beta;
    real *c;
    int64_t c_stride;
    const real *bias; /* [n] or NULL */
    real *scratch;    /* [gemm_scratch] or NULL: a long sum is not cut */
} gemm_job;

/* On the calling thread. float: oneDNN; double: OpenBLAS. Sizes may be 0. */
void gemm(const gemm_job *job);
/* In tiles whose shape depends on m, n and k alone, on all threads. With scratch, long sums of a small C are cut in k
 * too, and their parts added in order. */
MEDLEY_MUST_USE medley_status gemm_parallel(const medley_runtime *rt, const gemm_job *job, medley_error *err);
int64_t gemm_scratch(const gemm_job *job); /* 0: there is no need of it */
/* Products of `count` matrices, `a_step`, `b_step`, `c_step` numbers apart (A and B: 0 means the same for all), tasks
 * cut likewise. */
MEDLEY_MUST_USE medley_status gemm_batched(const medley_runtime *rt, const gemm_job *job, int64_t count,
                                           int64_t a_step, int64_t b_step, int64_t c_step, medley_error *err);

/* Names and versions of the libraries behind, for `medley doctor`. */
const char *gemm_library(void);        /* OpenBLAS */
const char *gemm_onednn_library(void); /* oneDNN */

#endif
