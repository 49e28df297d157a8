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

/* Steps in a row in which the gradient is zero. */
typedef struct update_idle {
    const update_pace *pace; /* [steps] */
    int64_t steps;
    real rate_most;      /* no rate of them is above */
    double shrink_least; /* and no shrink below */
} update_idle;

typedef struct update_kernel {
    int states;
    const char *names[UPDATE_STATES_MOST];
    /* One step. g [count]; w and each state [count] change. */
    void (*step)(const update_rule *r, const update_pace *p, int64_t count, const real *g, real *w,
                 real *const state[UPDATE_STATES_MOST]);
    /* The same bits as `steps` steps with g = 0, but steps that provably leave w as it is are not made in full. */
    void (*idle)(const update_rule *r, const update_idle *idle, int64_t count, real *w,
                 real *const state[UPDATE_STATES_MOST]);
} update_kernel;
extern const update_kernel update_sgd, update_momentum, update_adam, update_adagrad;

/* Σ g², in double, in an order that depends on count alone: not finite if and only if a g is not (in single
 * precision). */
double kernel_squares(int64_t count, const real *g);

#endif
