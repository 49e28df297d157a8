/* Sums over axes, for ops that need one on their way. */
#ifndef AUTOGRAD_OP_REDUCE_H
#define AUTOGRAD_OP_REDUCE_H

#include "autograd/graph.h"

/* out [to] gets, or is added, scale times the sum of x [from] over the axes where `to`, aligned at the end,
 * has 1 or nothing. w: NULL, or [from]: the sum is of x w. Fixed trees. */
void graph_sum_to(graph *g, const real *x, const real *w, shape from, shape to, real scale, real *out, bool add);

#endif
