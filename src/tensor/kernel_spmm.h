/* Sparse matrix times dense: LightGCN's inner loop. */
#ifndef TENSOR_KERNEL_SPMM_H
#define TENSOR_KERNEL_SPMM_H

#include "tensor/csr.h"
#include "tensor/real.h"

/* y = A x, or y += A x.  A: [R, C], x: [C, D], y: [R, D] */
typedef struct spmm_job {
    const csr *a;
    const real *x;
    int64_t d;
    real *y;
    bool add;
} spmm_job;

/* Tasks are cut by entries, not by rows: a task has whole rows. */
int64_t spmm_tasks(const spmm_job *job);
void spmm_run(const spmm_job *job, int64_t task);

#endif
