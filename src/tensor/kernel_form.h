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

/* Arrays side by side in one: part i is [outer, width_i], the whole [outer, width], width the sum of all. */
typedef struct join_part {
    real *part; /* NULL: left out */
    int64_t width;
    bool add; /* apart: to what is in the part */
} join_part;
typedef struct join_job {
    bool apart; /* from the whole to the parts; else the other way */
    int64_t outer, width;
    int parts;
    const join_part *part; /* [parts] */
    real *whole;
} join_job;
int64_t join_tasks(const join_job *job);
medley_status join_run(void *job, int64_t task, int worker, medley_error *err);

#endif
