/* Sums and maxima over one axis. An array is [outer, count, inner], its axis in the middle. */
#ifndef TENSOR_KERNEL_REDUCE_H
#define TENSOR_KERNEL_REDUCE_H

#include "tensor/kernel_elementwise.h"

/* One level of a tree: the axis is cut into leaves, and out [outer, leaves, inner] gets their sums, times
 * `scale`. What is left is reduced in the same way until one leaf is all (sum_leaves is 1). Where the cuts
 * are depends on sizes alone. */
typedef struct sum_job {
    int64_t outer, count, inner;
    const real *x;
    const real *w; /* [shape of x] the sum is of x w; NULL: of x */
    real *out;
    real scale;
    bool add; /* to what stands in out; else it is set */
} sum_job;
int64_t sum_leaves(const sum_job *job);
int64_t sum_tasks(const sum_job *job);
medley_status sum_run(void *job, int64_t task, int worker, medley_error *err);

/* out [outer, inner] gets the largest, place [outer, inner] the index of the first such one. A NaN is larger
 * than all. count is 1 to INT32_MAX. */
typedef struct max_job {
    int64_t outer, count, inner;
    const real *x;
    real *out;
    int32_t *place;
} max_job;
int64_t max_tasks(const max_job *job);
medley_status max_run(void *job, int64_t task, int worker, medley_error *err);

/* Its gradient: x [outer, count, inner] gets dy at the places; set: zeros elsewhere. */
typedef struct max_gradient_job {
    int64_t outer, count, inner;
    const real *dy;
    const int32_t *place;
    real *dx;
    bool add;
} max_gradient_job;
int64_t max_gradient_tasks(const max_gradient_job *job);
medley_status max_gradient_run(void *job, int64_t task, int worker, medley_error *err);

#endif
