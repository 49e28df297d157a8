/* The gradient of a table as a sum of terms: row `row` gets scale × vector. Ops add terms on their way back; the graph then
 * sums them, rows ascending, a row's terms in an order that only they decide: the same bits for any number of threads.
 * Vectors may be rows of tables: no table changes before the sums are made. */
#ifndef AUTOGRAD_ROW_TERMS_H
#define AUTOGRAD_ROW_TERMS_H

#include "autograd/graph.h"
#include "tensor/kernel_table.h" /* row_term */

/* Terms that need not be written down: row[b] gets scale[b] × vector[pick[b]], for each b. Arrays stay until the sums are
 * made. Sources with the same array `row` are sorted together, and a row's terms of a table with rows of that table itself
 * (vector is its value, pick is row) together cost one. */
typedef struct row_source {
    const uint32_t *row; /* [count] */
    int64_t count;
    const real *vector;   /* [*, D] */
    const uint32_t *pick; /* [count]; NULL: b */
    const real *scale;    /* [count]; NULL: `factor` for all */
    real factor;
} row_source;

/* A failure is kept. */
void row_terms_add_source(graph *g, parameter *p, const row_source *s);

/* Room for `count` more terms of the step, to be filled by the caller; NULL after keeping the failure. */
row_term *row_terms_add(graph *g, parameter *p, int64_t count);

/* What tables that are picked by the same arrays share: their places are sorted once. Of the step's arena; {0} at first. */
typedef struct row_sorts {
    struct row_sorted *last;
} row_sorts;

/* Sums what was added into p->rows, or a dense parameter's gradient, and forgets the terms; none: p->rows.count is 0.
 * Called by graph_backward, with the same sorts for all parameters. */
void row_terms_sum(graph *g, parameter *p, row_sorts *sorts);

/* Adds the sums of sources to rows of out [rows, D]; their vectors whose pick is their row are of one array. */
void row_terms_scatter(graph *g, const row_source *s, int sources, int64_t rows, int64_t D, real *out);

/* What the step collects for a parameter: groups of terms, in the order in which they came; of the step's arena. */
typedef struct row_terms {
    struct row_group *first, *last;
    int64_t count; /* of places: a group's sources share them */
} row_terms;

/* NULL after keeping a failure: what graph.c does for row_terms.c. */
row_terms *graph_row_terms(graph *g, parameter *p);

#endif
