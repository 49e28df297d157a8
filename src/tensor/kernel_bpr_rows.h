/* Bayesian personalised ranking of rows of tables: scores, their slopes and the gradients of users in one pass, while an
 * item's row is near. Runs on the calling thread. */
#ifndef TENSOR_KERNEL_BPR_ROWS_H
#define TENSOR_KERNEL_BPR_ROWS_H

#include "base/base.h"
#include "tensor/real.h"

/* Vectors of users, and of what triples choose between. */
typedef struct bpr_vectors {
    int64_t D;
    const real *p, *q;                   /* [*, D] */
    const uint32_t *positive, *negative; /* [count] i, j: rows of q */
    real *value;                         /* [users, D] Σ_b slope_b (Q[i_b] - Q[j_b]) + pull P[u] */
} bpr_vectors;

/* x_b = Σ over sets of <P[u_b], Q[i_b] - Q[j_b]>, + c[i_b] - c[j_b] of the first one's rows */
enum { BPR_SETS_MOST = 2 };
typedef struct bpr_triples {
    int64_t count;
    bpr_vectors set[BPR_SETS_MOST];
    int sets;
    const real *c;        /* [*] or NULL */
    const uint32_t *user; /* [count] u, ascending */
    real share, pull;     /* 1 / count; λ / count, 0: no squares are summed up */
    real *slope;          /* [count] -share σ(-x_b) */
    uint32_t *row;        /* the distinct users, ascending */
} bpr_triples;

typedef struct bpr_sums {
    double loss, squares; /* Σ softplus(-x_b), Σ |P[u]|² + |Q[i]|² + |Q[j]|² of all sets, + c[i]² + c[j]² */
} bpr_sums;

/* Whether users ascend from `first` - 1 to end - 1; *starts: how many of them are not the one before. */
bool bpr_rows_ascend(const uint32_t *user, int64_t first, int64_t end, int64_t *starts);

/* Of triples first .. end - 1, all those of their users; these are the n-th distinct ones and on. */
bpr_sums bpr_rows_sum(const bpr_triples *t, int64_t first, int64_t end, int64_t n);

#endif
