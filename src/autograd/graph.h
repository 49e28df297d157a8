/* A tape of operations, run as they are added (eagerly), walked back for gradients.
 *
 *   graph_begin(g, where);
 *   node *loss = graph_mean(g, graph_softplus(g, graph_sub(g, negative, positive)));
 *   TRY(graph_backward(g, loss, err));        // the first thing that went wrong comes out here
 *
 * Nodes, values and gradients live in the graph's arena until the next graph_begin; a warm step allocates nothing.
 * The error is sticky: the first failure is kept, what is added afterwards is the poison node and does nothing. */
#ifndef AUTOGRAD_GRAPH_H
#define AUTOGRAD_GRAPH_H

#include "autograd/parameters.h"

typedef struct graph graph;
typedef struct node node;

/* An op: a row in ops.def and a file op_<name>.c (or op_<family>.c with the rows' op_ structs) that defines
 * `const op_class op_<name>` and graph_<name>() of ops.h. The builder checks shapes, adds a node and runs forward. */
typedef struct op_class {
    const char *name;
    const char *equation;
    /* For each input that wants one, adds to its gradient (graph_grad). n->grad is complete, and only read. */
    void (*backward)(graph *g, node *n);
} op_class;
extern const op_class *const op_classes[]; /* ends with NULL */

struct node {
    const op_class *op; /* NULL: a leaf */
    node **input;       /* [inputs] */
    int inputs;
    bool wants_grad; /* it, or something it is made of, is learnt */
    shape shape;
    real *value;          /* [shape] 64-byte aligned; a leaf's is somebody else's */
    real *grad;           /* [shape], or NULL: nobody has added to it yet */
    bool lent;            /* grad is the caller's of graph_backward_from: no op may make it another's */
    parameter *parameter; /* a leaf that is learnt */
    void *saved;          /* what the op keeps from forward for backward */
};

/* What makes a step's random numbers (dropout): the same place, the same numbers. */
typedef struct graph_place {
    uint64_t seed, step;
    bool training; /* dropout and batch norm act as in training */
} graph_place;

MEDLEY_MUST_USE medley_status graph_create(const medley_runtime *rt, graph **out, medley_error *err);
void graph_free(graph *g);
/* Forgets the last step. Gradients of parameters, which must still be there, are zeroed where the last step left any. */
void graph_begin(graph *g, graph_place where);
/* Matrix products in bfloat16 with float accumulation (parameters and everything else stay float). */
void graph_use_bf16(graph *g, bool on);
/* Called before rows of a table are read: an optimizer that postpones updates brings them up to date. */
typedef void (*graph_touch_function)(void *context, parameter *p, const uint32_t *row, int64_t count);
void graph_on_touch(graph *g, graph_touch_function function, void *context);

/* Leaves. `value` is borrowed until the next graph_begin; no gradient, unless graph_variable. */
node *graph_input(graph *g, shape s, const real *value);
node *graph_variable(graph *g, shape s,
                     const real *value);       /* its gradient can be read at node->grad after backward */
node *graph_parameter(graph *g, parameter *p); /* DENSE */

/* Computes d root / d everything that is learnt. root is a scalar. Dense parameters' gradients are added to
 * parameter->grad; tables' become parameter->rows. Returns the sticky error, if there is one. */
MEDLEY_MUST_USE medley_status graph_backward(graph *g, node *root, medley_error *err);
/* As graph_backward with d L / d root given: [shape of root], borrowed until the next graph_begin. */
MEDLEY_MUST_USE medley_status graph_backward_from(graph *g, node *root, const real *grad, medley_error *err);
MEDLEY_MUST_USE medley_status graph_status(const graph *g, medley_error *err);
/* Bytes that the arena holds: the peak of a step. */
int64_t graph_bytes(const graph *g);

/* ---- for ops ---- */

const medley_runtime *graph_runtime(const graph *g);
graph_place graph_where(const graph *g);
bool graph_bf16(const graph *g);
/* What bfloat16 products are made with (tensor/gemm_bf16.h); NULL: products are float, or the failure is kept. */
struct gemm_bf16 *graph_products(graph *g);
bool graph_failed(const graph *g);
/* Keeps the failure if it is the first; returns the poison node. */
node *graph_fail(graph *g, medley_status status, const char *format, ...) MEDLEY_PRINTF(3, 4);
node *graph_poison(graph *g);
/* A node with value (uninitialised) allocated; wants_grad if an input does; an optional input that is absent is NULL. The
 * poison node on failure. */
node *graph_node(graph *g, const op_class *op, shape s, node *const *input, int inputs);
/* As graph_node, but its value is the input's (reshape). */
node *graph_view(graph *g, const op_class *op, shape s, node *input);
/* From the step's arena, 64-byte aligned, uninitialised; NULL after keeping the failure. */
void *graph_alloc(graph *g, int64_t count, size_t size);
/* The place of this node among the step's: a stream of random numbers of its own. */
uint64_t graph_stream(const graph *g);
/* Where to put the gradient of an input, or NULL: it is absent or wants none. *add: add to what is there; otherwise all of it must
 * be set. */
real *graph_grad(graph *g, node *input, bool *add);
/* Announces that rows of a table are about to be read. */
void graph_touch(graph *g, parameter *p, const uint32_t *row, int64_t count);
/* Runs body on tasks whose number depends on shapes alone. A failure is kept. */
void graph_parallel(graph *g, int64_t tasks, parallel_body body, void *context);

#endif
