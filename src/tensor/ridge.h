/* Many small ridge regressions that share most of their matrix: what alternating least squares is made of.
 * Problem n asks for the x [D] with A x = c,
 *
 *   A = G + sum over k of a_k y_k y_kᵀ + reg I,   c = sum over k of (a_k + shift) y_k,
 *
 * that is, it minimises xᵀ G x + sum of a_k <y_k, x>² - 2 (a_k + shift) <y_k, x> + reg |x|². Results depend on
 * nothing but the problem. Single precision; nothing is checked: what is not finite or not positive definite
 * gives x that is not finite. */
#ifndef TENSOR_RIDGE_H
#define TENSOR_RIDGE_H

#include "base/base.h"

enum { RIDGE_LANES = 16 }; /* D must be a multiple; pad with zeros */

static inline int64_t ridge_padded(int64_t factors)
{
    return (factors + RIDGE_LANES - 1) / RIDGE_LANES * RIDGE_LANES;
}

/* What all problems share. */
typedef struct ridge {
    int64_t factors;          /* D */
    const float *rows;        /* [*, D] y */
    const double *gram;       /* [D, D] G */
    const float *gram_single; /* [D, D] the same, rounded */
    double shift;
} ridge;

typedef struct ridge_problem {
    int64_t count;
    const uint32_t *index; /* [count] rows y_k */
    const float *weight;   /* [count] a_k, or NULL: all 1 */
    double reg;
} ridge_problem;

/* Bytes of a worker's scratch memory; longest: the largest count. */
int64_t ridge_scratch_bytes(int64_t factors, int64_t longest);

/* x by Cholesky's factors of A. x: [D]. */
void ridge_cholesky(const ridge *r, const ridge_problem *p, void *scratch, float *x);

/* The same with what rounding lost put back: the residual is computed in double and solved for, twice. */
void ridge_exact(const ridge *r, const ridge_problem *p, void *scratch, float *x);

/* `steps` of conjugate gradient from the x that is there. */
void ridge_cg(const ridge *r, const ridge_problem *p, int64_t steps, void *scratch, float *x);

/* Solves for `block` places of x after the other (the last may be fewer), the others as they are. block: a
 * multiple of RIDGE_LANES. One pass over all of x. */
void ridge_blocks(const ridge *r, const ridge_problem *p, int64_t block, void *scratch, float *x);

/* out[k] = <y_k, x>. out: [count] */
void ridge_predict(const ridge *r, const ridge_problem *p, const float *x, float *out);

/* out = sum over rows of y yᵀ, in double over parts of single precision. rows: [count, factors] */
MEDLEY_MUST_USE medley_status ridge_gram(const medley_runtime *rt, const float *rows, int64_t count,
                                         int64_t factors, double *out, medley_error *err);

#endif
