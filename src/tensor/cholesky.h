/* Inverse of a symmetric positive definite matrix, in tiles of a fixed size under our own parallel
 * loop: the same bits for any number of threads. */
#ifndef TENSOR_CHOLESKY_H
#define TENSOR_CHOLESKY_H

#include "base/base.h"

/* Replaces a by its inverse. a: [n, n] symmetric, row r at a + r*n; only the lower triangle
 * (column <= row) is read, the full matrix is written. Fails with E_ARGUMENT when a is not
 * positive definite. `phase` names the work for progress. Needs little memory beyond a. */
MEDLEY_MUST_USE medley_status cholesky_inverse(const medley_runtime *rt, double *a, int64_t n, const char *phase,
                                               medley_error *err);

#endif
