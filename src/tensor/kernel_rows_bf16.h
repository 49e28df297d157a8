/* A linear layer over picked rows of a constant table in bfloat16, with the processor's tiles (matrix_tiles.h). The table is rounded
 * once, weights and gradients on their way (to nearest, ties to even); products are exact and sums float.
 *
 *   Y[r] = bias + W x[row[r]],  dW = sum over r of dY[r] x[row[r]]ᵀ.   x: [rows, in], W: [out, in], Y: [count, out] */
#ifndef TENSOR_KERNEL_ROWS_BF16_H
#define TENSOR_KERNEL_ROWS_BF16_H

#include "base/base.h"
#include "tensor/real.h"

/* A table rounded. All zero: there is none. */
typedef struct rows_bf16 {
    uint16_t *x; /* [rows, stride] zeros behind each row */
    int64_t rows, in, stride;
} rows_bf16;

MEDLEY_MUST_USE medley_status rows_bf16_create(const medley_runtime *rt, const real *x, int64_t rows, int64_t in,
                                               rows_bf16 *out, medley_error *err);
void rows_bf16_free(rows_bf16 *table);

/* One layer and its gradient. Tasks write apart; each kind may run after the one before it has ended:
 * weights, forward; gradient, backward. */
typedef struct rows_bf16_job {
    const rows_bf16 *table;
    const uint32_t *row; /* [count] */
    int64_t count, out;
    const real *w, *bias; /* bias: NULL is none */
    real *y;
    const real *dy;
    real *dw;
    bool add;           /* to dw */
    uint16_t *weights;  /* [rows_bf16_weights] rounded */
    uint16_t *gradient; /* [rows_bf16_gradient] */
    uint16_t *scratch;  /* [workers, rows_bf16_scratch] */
} rows_bf16_job;

/* Numbers of each of these. */
int64_t rows_bf16_weights(const rows_bf16_job *job);
int64_t rows_bf16_gradient(const rows_bf16_job *job);
int64_t rows_bf16_scratch(const rows_bf16_job *job);

int64_t rows_bf16_weights_tasks(const rows_bf16_job *job);
void rows_bf16_round_weights(const rows_bf16_job *job, int64_t task);
int64_t rows_bf16_forward_tasks(const rows_bf16_job *job);
void rows_bf16_forward(const rows_bf16_job *job, int64_t task, int worker);
int64_t rows_bf16_gradient_tasks(const rows_bf16_job *job);
void rows_bf16_round_gradient(const rows_bf16_job *job, int64_t task);
int64_t rows_bf16_backward_tasks(const rows_bf16_job *job);
void rows_bf16_backward(const rows_bf16_job *job, int64_t task, int worker);

#endif
