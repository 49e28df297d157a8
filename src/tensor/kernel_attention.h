/* Scaled dot-product attention, tile by tile (Dao et al. 2022): the [Tq, Tk] weights of a pair (b, h) never exist whole,
 * and backward makes them again from the logarithm of each query's sum. */
#ifndef TENSOR_KERNEL_ATTENTION_H
#define TENSOR_KERNEL_ATTENTION_H

#include "base/base.h"
#include "tensor/real.h"

/* out = softmax(q kᵀ scale + mask) v.  q: [B, H, Tq, D], k: [B, H, Tk, D], v: [B, H, Tk, Dv]. */
typedef struct attention {
    int64_t batch, heads, queries, keys, depth, width; /* B, H, Tq, Tk, D, Dv */
    const real *q, *k, *v;
    bool causal;                   /* query t sees keys up to t + Tk - Tq */
    const int32_t *first, *length; /* [B] keys outside first .. length - 1 are hidden; NULL: none is */
    const real *bias;              /* [Tq, Tk] or NULL */
    real scale;
    double dropout; /* of the weights, by numbers from (seed, stream, place); 0: none */
    uint64_t seed, stream;
} attention;

/* A pass is this many tasks, cut by sizes alone, each with a scratch memory of attention_scratch() reals. */
int64_t attention_forward_tasks(const attention *a);
int64_t attention_backward_tasks(const attention *a);
int64_t attention_scratch(const attention *a);

/* out: [B, H, Tq, Dv]. log_sum [B, H, Tq]: of each query's e^score, 0 where it sees no key. */
void attention_forward(const attention *a, int64_t task, real *out, real *log_sum, real *scratch);

/* Where gradients go: [sizes of q, k, v], or NULL: not wanted. add: to what is there. */
typedef struct attention_gradient {
    const real *out, *log_sum, *d_out;
    real *dq, *dk, *dv;
    bool add_q, add_k, add_v;
    real *parts; /* attention_part_reals(); NULL when that is 0 */
} attention_gradient;

/* Few pairs of many keys are cut in parts of keys: each has a dq of its own, to be added in order afterwards. */
int64_t attention_part_reals(const attention *a);
void attention_backward(const attention *a, const attention_gradient *g, int64_t task, real *scratch);
/* The rest of the work, after all tasks: nothing where attention_part_reals() is 0. */
void attention_join_parts(const attention *a, const attention_gradient *g);

#endif
