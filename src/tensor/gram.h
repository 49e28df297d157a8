/* Small symmetric matrices in double, of tall ones in real: XᵀX, and its eigenvectors. The same bits for any number of
 * threads. */
#ifndef TENSOR_GRAM_H
#define TENSOR_GRAM_H

#include "base/base.h"
#include "tensor/real.h"

/* g [columns, columns] = XᵀX of x [rows, columns], summed in double. */
MEDLEY_MUST_USE medley_status gram(const medley_runtime *rt, const real *x, int64_t rows, int64_t columns,
                                   double *g, medley_error *err);

/* Bytes that gram() or eigen_symmetric() of its result allocate at most. */
double gram_bytes(int64_t rows, int64_t columns);

enum { EIGEN_MOST = 8192 }; /* rows */
/* A = W diag(values) Wᵀ of a symmetric a [n, n]: row i of a becomes the i-th eigenvector, values [n] descend. Fails with
 * E_NOMEM, E_LIMIT (n > EIGEN_MOST), E_ARGUMENT (a number that is not finite). */
MEDLEY_MUST_USE medley_status eigen_symmetric(const medley_runtime *rt, double *a, int64_t n, double *values,
                                              medley_error *err);

#endif
