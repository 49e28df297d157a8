/* Sparse matrices by rows. */
#ifndef TENSOR_CSR_H
#define TENSOR_CSR_H

#include "base/base.h"

/* A view; whoever made it owns the arrays. Within a row, indexes ascend and are distinct, except
 * where a comment says "in time order". */
typedef struct csr {
    int64_t rows, columns;
    const int64_t *start;  /* [rows + 1] row r is start[r] .. start[r+1] - 1 */
    const uint32_t *index; /* [start[rows]] column, < columns */
    const float *value;    /* [start[rows]], or NULL: all ones */
} csr;

static inline int64_t csr_count(const csr *m)
{
    return m->start[m->rows];
}
static inline int64_t csr_row_count(const csr *m, int64_t row)
{
    return m->start[row + 1] - m->start[row];
}

/* Where a row has a column: a position of index, or -1. */
static inline int64_t csr_find(const csr *m, int64_t row, uint32_t column)
{
    int64_t low = m->start[row], high = m->start[row + 1];
    const int64_t end = high;
    while (low < high) {
        const int64_t middle = low + (high - low) / 2;
        if (m->index[middle] < column)
            low = middle + 1;
        else
            high = middle;
    }
    return low < end && m->index[low] == column ? low : -1;
}

/* A csr that owns its arrays; all zero is empty. */
typedef struct csr_owner {
    csr view;
    int64_t *start;
    uint32_t *index;
    float *value;
} csr_owner;

/* Builds [rows, columns] from entries given in row order (row[i] ascends): columns within a row are
 * sorted, repeated ones merged, the value of the last kept. value may be NULL. Parallel over
 * rows. row, column, value: [count]. */
MEDLEY_MUST_USE medley_status csr_build(const medley_runtime *rt, int64_t rows, int64_t columns,
                                        const uint32_t *row, const uint32_t *column, const float *value,
                                        int64_t count, csr_owner *out, medley_error *err);
/* out = mᵀ, rows in ascending order. */
MEDLEY_MUST_USE medley_status csr_transpose(const medley_runtime *rt, const csr *m, csr_owner *out,
                                            medley_error *err);
void csr_release(csr_owner *m);

#endif
