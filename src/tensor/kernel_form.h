/* Copies between arrays of any strides: what slices, joins and permutations are made of. */
#ifndef TENSOR_KERNEL_FORM_H
#define TENSOR_KERNEL_FORM_H

#include "tensor/kernel_elementwise.h"

/* out[i·to] = x[i·from], or += with `add`, for all i below size; x NULL: zeros. Places in out are distinct. */
typedef struct copy_job {
    int64_t size[SHAPE_RANK_MOST];
    int64_t from[SHAPE_RANK_MOST], to[SHAPE_RANK_MOST];
    const real *x;
    real *out;
    bool add;
} copy_job;

/* Steps of a dense array of shape s, whose axes stand at the end of the four; size, if not NULL, gets the sizes. */
void dense_steps(shape s, int64_t size[SHAPE_RANK_MOST], int64_t step[SHAPE_RANK_MOST]);
/* Joins axes that are one in both arrays. Before anything below. */
void copy_simplify(copy_job *job);
int64_t copy_tasks(const copy_job *job);
medley_status copy_run(void *job, int64_t task, int worker, medley_error *err);

#endif
