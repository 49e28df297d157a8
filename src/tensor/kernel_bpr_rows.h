/* Bayesian personalised ranking of rows of tables: scores, their slopes and the gradients of users in one pass, while an
 * item's row is near. Runs on the calling thread. */
#ifndef TENSOR_KERNEL_BPR_ROWS_H
#define TENSOR_KERNEL_BPR_ROWS_H

#include "base/base.h"
#include "tensor/real.h"

/* x_b = <P[u_b], Q[i_b] - Q[j_b]> + c[i_b] - c[j_b] */
typedef struct bpr_triples {
    int64_t count, D;
    const real *p, *q, *c;                      /* [*, D], [*, D], [*] or NULL */
    const uint32_t *user, *positive, *negative; /* [count] u, i, j; users ascend */
    real share, pull;                           /* 1 / count; λ / count, 0: no squares are summed up */
    real *slope;                                /* [count] -share σ(-x_b) */
    uint32_t *row;                              /* the distinct users, ascending, */
    real *value;                                /* [*, D] and Σ_b slope_b (Q[i_b] - Q[j_b]) + pull P[u] of each */
} bpr_triples;

typedef struct bpr_sums {
    double loss, squares; /* Σ softplus(-x_b), Σ |P[u]|² + |Q[i]|² + |Q[j]|² + c[i]² + c[j]² */
} bpr_sums;

/* Whether users ascend from `first` - 1 to end - 1; *starts: how many of them are not the one before. */
bool bpr_rows_ascend(const uint32_t *user, int64_t first, int64_t end, int64_t *starts);

/* Of triples first .. end - 1, all those of their users; these are the n-th distinct ones and on. */
bpr_sums bpr_rows_sum(const bpr_triples *t, int64_t first, int64_t end, int64_t n);

#endif
