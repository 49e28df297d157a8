/* Gradient checks, in double: tests that include this are src/autograd/<name>_gradient_test.c and are linked to the twin
 * library (MEDLEY_REAL_DOUBLE).
 *
 * L = <w, op(x)> with random w, never a plain sum: softmax's gradient of a sum is zero, and any backward passes. */
#ifndef TESTS_GRADIENT_H
#define TESTS_GRADIENT_H

#include "testing.h"

#include "autograd/ops.h"

enum { GRADIENT_INPUTS_MOST = 6, GRADIENT_TABLES_MOST = 3 };

/* What an op is tried on. Inputs are filled with random numbers in [low, high); tables too. */
typedef struct gradient_case {
    const char *op;                    /* the row of ops.def that this is a case of */
    shape input[GRADIENT_INPUTS_MOST]; /* of the first `inputs` */
    int inputs;
    shape table[GRADIENT_TABLES_MOST]; /* parameters of kind PARAMETER_ROWS */
    int tables;
    double low, high; /* both 0: -1 .. 1 */
    /* Builds the op (any shape of output) from graph_variable nodes and tables. */
    node *(*build)(graph *g, node *const *x, parameter *const *table, const void *context);
    const void *context;
    bool outside_training; /* graph_place.training is false */
    double tolerance;      /* of |analytic - numeric| / max(1, |analytic|); 0: 1e-8 */
} gradient_case;

/* Full central differences of every input and table, each used twice as well (L of op(x) + op(x) built apart), so that
 * backward adds and does not set. Fails the test with op, input, place, both numbers. */
void gradient_check(const gradient_case *c);

#endif
