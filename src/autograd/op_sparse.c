/* Sparse matrix times node. */
#include "autograd/ops.h"
#include "tensor/kernel_spmm.h"

extern const op_class op_spmm;

static medley_status spmm_task(void *context, int64_t task, int worker, medley_error *err)
{
    (void)worker;
    (void)err;
    spmm_run(context, task);
    return MEDLEY_OK;
}

node *graph_spmm(graph *g, const csr *a, const csr *transposed, node *x)
{
    char tx[SHAPE_TEXT], ta[SHAPE_TEXT], tt[SHAPE_TEXT];
    if (graph_failed(g))
        return graph_poison(g);
    shape_format(x->shape, tx);
    shape_format(shape_2(a->rows, a->columns), ta);
    shape_format(shape_2(transposed->rows, transposed->columns), tt);
    if (x->shape.rank != 2 || x->shape.size[0] != a->columns)
        return graph_fail(g, MEDLEY_E_SHAPE, "spmm: %s x %s: expected x [%lld, D]", ta, tx, (long long)a->columns);
    if (transposed->rows != a->columns || transposed->columns != a->rows)
        return graph_fail(g, MEDLEY_E_SHAPE, "spmm: %s is not the shape of the transpose of %s", tt, ta);
    node *n = graph_node(g, &op_spmm, shape_2(a->rows, x->shape.size[1]), &x, 1);
    n->saved = (void *)(uintptr_t)transposed; /* read only */
    spmm_job job = {.a = a, .x = x->value, .d = x->shape.size[1], .y = n->value};
    graph_parallel(g, spmm_tasks(&job), spmm_task, &job);
    return graph_failed(g) ? graph_poison(g) : n;
}

/* dx = Aᵀ dy */
static void spmm_backward(graph *g, node *n)
{
    spmm_job job = {.a = n->saved, .x = n->grad, .d = shape_width(n->shape)};
    job.y = graph_grad(g, n->input[0], &job.add);
    if (job.y != NULL)
        graph_parallel(g, spmm_tasks(&job), spmm_task, &job);
}

const op_class op_spmm = {"spmm", "y = A x", spmm_backward};
