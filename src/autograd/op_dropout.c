#include "autograd/op_elementwise.h"
#include "autograd/ops.h"
#include "tensor/kernel_dropout.h"

/* What makes the same mask again: n->saved is the job of the forward pass. */
static void dropout_gradient(graph *g, node *n, int input, bool take)
{
    dropout_job job = *(const dropout_job *)n->saved;
    job.x = n->grad;
    job.out = gradient_place(g, n, input, take, &job.mode);
    if (job.out != NULL)
        graph_parallel(g, dropout_tasks(&job), dropout_run, &job);
}

static void dropout_backward(graph *g, node *n)
{
    gradient_each(g, n, dropout_gradient);
}

const op_class op_dropout = {"dropout", "y = x m / (1 - p), m = 0 with probability p, else 1", dropout_backward};

node *graph_dropout(graph *g, node *x, double p)
{
    const graph_place where = graph_where(g);
    if (!(p >= 0 && p < 1))
        return graph_fail(g, MEDLEY_E_ARGUMENT, "dropout: p is %g, not in [0, 1)", p);
    if (graph_failed(g) || !where.training || p == 0)
        return graph_failed(g) ? graph_poison(g) : x;
    node *n = graph_node(g, &op_dropout, x->shape, &x, 1);
    dropout_job *job = graph_alloc(g, 1, sizeof *job);
    if (graph_failed(g))
        return graph_poison(g);
    *job = (dropout_job){.seed = random_bits(where.seed, where.step, 0),
                         .stream = graph_stream(g),
                         .limit = (uint32_t)(p * 0x1p32),
                         .scale = (real)(1 / (1 - p)),
                         .count = shape_count(x->shape),
                         .x = x->value,
                         .out = n->value};
    n->saved = job;
    graph_parallel(g, dropout_tasks(job), dropout_run, job);
    return n;
}
