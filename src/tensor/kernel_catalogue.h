/* Cross-entropy over a catalogue, L = sum over rows of log Σ e^logit - logit of the target, logits X Wᵀ + bias, without
 * [B, I] ever being whole: rows go by in blocks, and of a block the items in chunks.
 *
 * A block takes three rounds of tasks, one a group of chunks: `forward` makes e^(logit - top) of each chunk, `join` the
 * rows' sums, `backward` the gradients out of what forward left, so no logit is calculated twice. */
#ifndef TENSOR_KERNEL_CATALOGUE_H
#define TENSOR_KERNEL_CATALOGUE_H

#include "base/base.h"
#include "tensor/real.h"

/* How work is cut: by sizes alone. */
typedef struct catalogue_cut {
    int64_t rows;             /* of a block */
    int64_t chunk, chunks;    /* items of a chunk, and how many there are */
    int64_t together, groups; /* chunks of a task, and tasks */
} catalogue_cut;
catalogue_cut catalogue_cut_of(int64_t rows, int64_t items, int64_t depth);

/* A block of rows, and room. */
typedef struct catalogue {
    catalogue_cut cut;
    int64_t rows, items, depth; /* R, I, D */
    const real *x, *w, *bias;   /* [R, D], [I, D], [I] or NULL */
    const uint32_t *target;     /* [R] below I */
    real *weight;               /* [chunks, R, chunk] with gradients, else [workers, R, chunk] */
    real *top, *sum;            /* [chunks, R] */
    real *picked, *log_sum;     /* [R] logit of the target; log Σ e^logit */
    /* Gradients of factor × L; all NULL: none is wanted, any NULL: it is not. */
    real factor;
    bool first;            /* dw and dbias are set, otherwise added to */
    real *dx, *dw, *dbias; /* [R, D], [I, D], [I] */
    real *part;            /* [groups, R, D] of dx */
} catalogue;

void catalogue_forward(const catalogue *c, int64_t group, int worker);
void catalogue_join(const catalogue *c);
void catalogue_backward(const catalogue *c, int64_t group);
/* dx of row `row` of the groups' parts. */
void catalogue_join_dx(const catalogue *c, int64_t row);

/* row [count] becomes e^(row - *top); returns their sum in a fixed order. *top: the maximum, 0 when all are -inf. */
real catalogue_soften(real *row, int64_t count, real *top);

#endif
