/* Steps of optimizers on plain arrays: the equations of optim/optimizer.h, weight by weight. */
#ifndef TENSOR_KERNEL_OPTIMIZER_H
#define TENSOR_KERNEL_OPTIMIZER_H

#include "base/base.h"
#include "tensor/real.h"

enum { UPDATE_STATES_MOST = 2 };

/* What all steps share. A state smaller than the least normal number becomes zero: subnormals never die out by
 * themselves (0.9 times the least of them rounds to itself) and cost a hundred times as much. */
typedef struct update_rule {
    real keep1, take1;   /* momentum: μ, 1; adam: β1, 1 − β1 */
    real keep2, take2;   /* adam: β2, 1 − β2 */
    real epsilon, decay; /* ε; λ of g + λ w, 0 when decay is apart */
    bool apart;          /* w ← (1 − η λ) w */
} update_rule;

/* What changes from step to step. */
typedef struct update_pace {
    real rate;   /* η; adam: η / (1 − β1^t) */
    real root;   /* adam: 1 / √(1 − β2^t), so at least 1 */
    real shrink; /* 1 − η λ */
    real clip;   /* what the gradient is multiplied by */
} update_pace;

/* Steps in a row in which the gradient is zero, one by one and, in the letters of optim/idle_steps.h, summed up. */
enum { IDLE_SUMS = 5 };
typedef struct update_idle {
    const update_pace *pace; /* [steps] */
    int64_t steps;
    bool summed;               /* whether there is what follows */
    real keep1, keep2, shrink; /* β1^steps, β2^steps, product of the shrinks */
    real centre;               /* ε c */
    real sum[IDLE_SUMS];       /* S_k */
} update_idle;

typedef struct update_kernel {
    int states;
    const char *names[UPDATE_STATES_MOST];
    /* One step. g [count]; w and each state [count] change. */
    void (*step)(const update_rule *r, const update_pace *p, int64_t count, const real *g, real *w,
                 real *const state[UPDATE_STATES_MOST]);
    /* As `steps` steps with g = 0, but for rounding and IDLE_ERROR of how far w moves. Weights that the sums do not serve
     * make them one by one. */
    void (*idle)(const update_rule *r, const update_idle *idle, int64_t count, real *w,
                 real *const state[UPDATE_STATES_MOST]);
} update_kernel;
#define IDLE_ERROR 1e-7
extern const update_kernel update_sgd, update_momentum, update_adam, update_adagrad;

/* The terms of one more step, of rows of `count` ages: with b = scale fade and δ = far / (root centre) − 1, S_k += b δ^k,
 * the last of them times max(1, centre root near). */
typedef struct idle_terms {
    int64_t count;
    double scale, root;
    const double *fade, *far, *near, *centre, *uncentre; /* near 1 / far, uncentre 1 / centre */
    double *sum[IDLE_SUMS];
} idle_terms;
void kernel_idle_sums(const idle_terms *t);

/* Σ g², in double, in an order that depends on count alone: not finite if and only if a g is not (in single
 * precision). */
double kernel_squares(int64_t count, const real *g);

#endif
