/* The largest singular values of a matrix and their left vectors, A ≈ U S Vᵀ, by a randomised range finder:
 * Halko, Martinsson and Tropp, Finding structure with randomness, SIAM Review 2011. */
#ifndef TENSOR_TRUNCATED_SVD_H
#define TENSOR_TRUNCATED_SVD_H

#include "tensor/csr.h"
#include "tensor/real.h"

/* A: [rows, columns], one of the two. */
typedef struct svd_job {
    int64_t rows, columns;
    const csr *sparse;
    const real *dense;
    int64_t rank;         /* vectors wanted, >= 0 */
    int64_t oversampling; /* vectors more that are searched for: 10 to 50 */
    int64_t
        iterations; /* multiplications by AAᵀ, orthonormalised each: 2 to 8; the flatter the spectrum, the more */
    uint64_t seed;
    const char *phase; /* names the work for progress */
} svd_job;

typedef struct truncated_svd {
    int64_t
        rank; /* as wanted, or fewer: as many singular values as exceed 1e-6 of the largest, which is float's noise */
    real *u;      /* [rows, rank] orthonormal; of each vector the component that is largest by size is positive */
    real *values; /* [rank] descending */
} truncated_svd;

/* The same bits for any number of threads. Memory: (rows + columns) (rank + oversampling) numbers. Fails with E_NOMEM,
 * E_LIMIT (rank + oversampling > 8192, or more memory than there is), E_ARGUMENT (a number that is not finite), E_STOPPED. */
MEDLEY_MUST_USE medley_status truncated_svd_run(const medley_runtime *rt, const svd_job *job, truncated_svd *out,
                                                medley_error *err);
void truncated_svd_release(truncated_svd *s);

#endif
