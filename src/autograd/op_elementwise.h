/* Gradients that go element by element through an op, and sums that undo a broadcast. */
#ifndef AUTOGRAD_OP_ELEMENTWISE_H
#define AUTOGRAD_OP_ELEMENTWISE_H

#include "autograd/graph.h"
#include "tensor/kernel_elementwise.h"

/* Calls f for each input that wants a gradient. One input may take over the memory of n->grad, which nobody
 * needs once n is done: the input with as many elements whose gradient has no place yet. It comes last. */
typedef void (*input_gradient)(graph *g, node *n, int input, bool take);
void gradient_each(graph *g, node *n, input_gradient f);
/* Where the gradient of that input goes, and how; NULL: nowhere. Taken, it is n->grad: to be changed in
 * place. */
real *gradient_place(graph *g, node *n, int input, bool take, store_mode *mode);

/* The gradient of an input, summed to its shape where it was broadcast, is n->grad times `sign`. */
void gradient_pass(graph *g, node *n, int input, bool take, real sign);

void graph_unary_job(graph *g, const unary_job *job);
void graph_binary_job(graph *g, const binary_job *job);

#endif
