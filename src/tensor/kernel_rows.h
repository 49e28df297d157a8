/* Softmax and norms over the rows of arrays [rows, width], forward and back.
 *
 * A kernel does one task of a job: `block` rows, fewer in the last task. Tasks write different rows, and sums over
 * columns go to a place of the task's own, so results are the same bits whoever runs a task. */
#ifndef TENSOR_KERNEL_ROWS_H
#define TENSOR_KERNEL_ROWS_H

#include "base/base.h"
#include "tensor/real.h"

typedef struct rows_job {
    int64_t rows, width, block;
    const real *x;      /* [rows, width] input */
    const real *y, *dy; /* [rows, width] output, and its gradient */
    real *out;          /* [rows, width] y forward; dx back, which may be dy; NULL: not wanted */
    bool add;           /* back: out is added to */
    const real *gain;   /* [width] */
    const real *bias;   /* [width] */
    real epsilon;
    real *stats;   /* written forward, read back; its shape is the kernel's */
    real *columns; /* [tasks, 2, width] sums over the rows of each task; NULL: not wanted */
} rows_job;

typedef void (*rows_kernel)(const rows_job *job, int64_t task);

/* Rows a task: about 32k numbers; with sums over columns 64 rows or more, so that adding them up stays small. */
int64_t rows_block(int64_t width, bool columns);
int64_t rows_tasks(const rows_job *job);

/* y = exp(x - max x) / sum; dx = y (dy - <y, dy>) */
void softmax_forward(const rows_job *job, int64_t task);
void softmax_backward(const rows_job *job, int64_t task);

/* y = x - max x - ln sum exp(x - max x); dx = dy - exp(y) sum dy */
void log_softmax_forward(const rows_job *job, int64_t task);
void log_softmax_backward(const rows_job *job, int64_t task);

/* y = n gain + bias, n = (x - mean) / sqrt(variance + epsilon); stats: [rows, 2] mean and 1 / sqrt(variance + epsilon).
 * Back: dx, and in `columns` the sums of dy n and of dy. */
void layer_norm_forward(const rows_job *job, int64_t task);
void layer_norm_backward(const rows_job *job, int64_t task);

/* y = x / max(|x|, epsilon); stats: [rows] |x| */
void l2_normalise_forward(const rows_job *job, int64_t task);
void l2_normalise_backward(const rows_job *job, int64_t task);

/* Batch norm's passes. stats: [2, width] mean and 1 / sqrt(variance + epsilon) of each column.
 * moments: `columns`, here [tasks, 3, width], gets the task's mean, its sum of (x - mean)², and room to work.
 * apply: y = (x - mean) / sqrt(variance + epsilon) gain + bias.
 * slopes: `columns` gets the sums of dy n and of dy. */
void batch_norm_moments(const rows_job *job, int64_t task);
void batch_norm_apply(const rows_job *job, int64_t task);
void batch_norm_slopes(const rows_job *job, int64_t task);
/* dx = gain / sqrt(variance + epsilon) (dy - pull[1] - n pull[0]); pull [2, width]: the means of dy n and dy, or zeros. */
void batch_norm_backward(const rows_job *job, const real *pull, int64_t task);

/* The whole job's moments from its tasks' (Chan, Golub and LeVeque 1979): mean [width], squares [width] sum of
 * (x - mean)². */
void columns_moments(const rows_job *job, real *mean, real *squares);
/* out[width] = or += the sums over tasks, in order, of their first (which 0) or second (1) sums. */
void columns_sum(const rows_job *job, int which, real *out, bool add);

#endif
