/* Kernels of tables [R, D] whose rows are picked: copies, dots, and sums of scaled rows. Each runs on the calling thread. */
#ifndef TENSOR_KERNEL_TABLE_H
#define TENSOR_KERNEL_TABLE_H

#include "base/base.h"
#include "tensor/csr.h"
#include "tensor/real.h"

/* The first place b with row[b] >= rows, or count. */
int64_t table_outside(const uint32_t *row, int64_t count, int64_t rows);
/* out[b] = P[row[b]].  out: [count, D]. */
void table_gather(const real *p, int64_t D, const uint32_t *row, int64_t count, real *out);
/* out[b] = <P[a[b]], Q[c[b]]> */
void table_dots(const real *p, const uint32_t *a, const real *q, const uint32_t *c, int64_t D, int64_t count,
                real *out);
/* out[b] = |P[row[b]]|²; row NULL: of row b. */
void table_squares(const real *p, int64_t D, const uint32_t *row, int64_t count, real *out);
/* sum over b of x[pick[b]]; pick NULL: of x[b]. */
real table_total(const real *x, const uint32_t *pick, int64_t count);
/* out[b] = sum, or mean, over bag b of weight × P[row], for bags first .. end - 1.  out: [B, D]. */
void table_bags(const real *p, int64_t D, const csr *bags, bool mean, int64_t first, int64_t end, real *out);

/* A row gets scale × vector. */
typedef struct row_term {
    const real *vector; /* [D] valid until the sums are made */
    uint32_t row;
    real scale;
} row_term;

/* Starts fetching a row that will be read. */
static inline void table_fetch(const real *row, int64_t D)
{
    enum { LINE = 64 / sizeof(real), MOST = 4 * LINE }; /* the processor goes on by itself */
    for (int64_t d = 0; d < D && d < MOST; d += LINE)
        __builtin_prefetch(row + d);
}

/* Sums of terms that come sorted by row, in as many calls as there may be. The n-th row's goes to value [*, D] at n and the
 * row to row[n]; or, row NULL, is added to value [R, D] at the row itself. */
typedef struct row_sums {
    int64_t D;
    uint32_t *row;
    real *value;
    int64_t next; /* n of the next row */
    int64_t at;   /* the row that `sum` [D] is of: more terms of it are added there; -1: none yet */
    real *sum;
} row_sums;

void table_sum(row_sums *s, const row_term *term, int64_t count);

#endif
