/* The gradient of a table as a sum of terms: row `row` gets scale × vector. Ops add terms on their way back; the graph then
 * sums them, rows ascending, a row's terms in the order in which they were added: the same bits for any number of
 * threads. Vectors may be rows of tables: no table changes before the sums are made. */
#ifndef AUTOGRAD_ROW_TERMS_H
#define AUTOGRAD_ROW_TERMS_H

#include "autograd/graph.h"

typedef struct row_term {
    const real *vector; /* [D] valid until the sums are made */
    uint32_t row;
    real scale;
} row_term;

/* Room for `count` more terms of the step, to be filled by the caller; NULL after keeping the failure. */
row_term *row_terms_add(graph *g, parameter *p, int64_t count);

/* Sums what was added into p->rows and forgets the terms; none: p->rows.count is 0. Called by graph_backward. */
void row_terms_sum(graph *g, parameter *p);

#endif
