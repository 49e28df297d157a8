/* y[b] = W x[row[b]] + bias: a linear layer over rows of a table, gathered tile by tile into scratch that stays in cache. */
#include "autograd/ops.h"
#include "tensor/gemm.h"
#include "tensor/kernel_rows_bf16.h"

extern const op_class op_linear_rows;

/* Rows of a forward tile; columns of a backward one, whose rows are all. */
enum { TILE_ROWS = 64, TILE_COLUMNS = 256, BIAS_ROWS = 256 };

typedef struct linear_rows {
    const real *table;   /* [.., in] */
    const uint32_t *row; /* [count] */
    int64_t count, in, out;
    const real *w, *bias; /* [out, in]; [out] or NULL */
    real *y;              /* [count, out] */
    const real *dy;
    real *dw, *dbias;
    bool add;
    real *scratch;          /* [workers, a tile] */
    rows_bf16_job *rounded; /* of a table in bfloat16, which then is all that is read */
} linear_rows;

static medley_status forward_tile(void *context, int64_t task, int worker, medley_error *err)
{
    const linear_rows *l = context;
    const int64_t first = task * TILE_ROWS, rows = least(TILE_ROWS, l->count - first), out = l->out;
    real *x = l->scratch + worker * TILE_ROWS * l->in, *y = l->y + first * out;
    (void)err;
    for (int64_t r = 0; r < rows; r++) {
        memcpy(x + r * l->in, l->table + l->row[first + r] * l->in, (size_t)l->in * sizeof *x);
        if (l->bias != NULL)
            memcpy(y + r * out, l->bias, (size_t)out * sizeof *y);
    }
    gemm(&(gemm_job){.transpose_b = true,
                     .m = rows,
                     .n = out,
                     .k = l->in,
                     .alpha = 1,
                     .a = x,
                     .a_stride = l->in,
                     .b = l->w,
                     .b_stride = l->in,
                     .beta = l->bias != NULL ? 1 : 0,
                     .c = y,
                     .c_stride = out});
    return MEDLEY_OK;
}

/* dW[:, columns] = dYᵀ X[:, columns] */
static medley_status backward_tile(void *context, int64_t task, int worker, medley_error *err)
{
    const linear_rows *l = context;
    const int64_t first = task * TILE_COLUMNS, columns = least(TILE_COLUMNS, l->in - first);
    real *x = l->scratch + worker * l->count * TILE_COLUMNS;
    (void)err;
    for (int64_t r = 0; r < l->count; r++)
        memcpy(x + r * columns, l->table + l->row[r] * l->in + first, (size_t)columns * sizeof *x);
    gemm(&(gemm_job){.transpose_a = true,
                     .m = l->out,
                     .n = columns,
                     .k = l->count,
                     .alpha = 1,
                     .a = l->dy,
                     .a_stride = l->out,
                     .b = x,
                     .b_stride = columns,
                     .beta = l->add ? 1 : 0,
                     .c = l->dw + first,
                     .c_stride = l->in});
    return MEDLEY_OK;
}

/* sum: [out] scratch */
static void sum_bias(const linear_rows *l, bool add, double *sum)
{
    for (int64_t j = 0; j < l->out; j++)
        sum[j] = add ? (double)l->dbias[j] : 0;
    for (int64_t r = 0; r < l->count; r++)
        for (int64_t j = 0; j < l->out; j++)
            sum[j] += (double)l->dy[r * l->out + j];
    for (int64_t j = 0; j < l->out; j++)
        l->dbias[j] = (real)sum[j];
}

static int64_t tasks_of(int64_t count, int64_t tile)
{
    return (count + tile - 1) / tile;
}

/* ---- in bfloat16 ---- */

static medley_status weights_task(void *context, int64_t task, int worker, medley_error *err)
{
    (void)worker, (void)err;
    rows_bf16_round_weights(context, task);
    return MEDLEY_OK;
}

static medley_status forward_task(void *context, int64_t task, int worker, medley_error *err)
{
    (void)err;
    rows_bf16_forward(context, task, worker);
    return MEDLEY_OK;
}

static medley_status gradient_task(void *context, int64_t task, int worker, medley_error *err)
{
    (void)worker, (void)err;
    rows_bf16_round_gradient(context, task);
    return MEDLEY_OK;
}

static medley_status backward_task(void *context, int64_t task, int worker, medley_error *err)
{
    (void)err;
    rows_bf16_backward(context, task, worker);
    return MEDLEY_OK;
}

static void backward_rounded(graph *g, const linear_rows *l)
{
    rows_bf16_job *job = l->rounded;
    job->dy = l->dy;
    job->dw = l->dw;
    job->add = l->add;
    job->gradient = graph_alloc(g, rows_bf16_gradient(job), sizeof *job->gradient);
    if (job->gradient == NULL)
        return;
    graph_parallel(g, rows_bf16_gradient_tasks(job), gradient_task, job);
    graph_parallel(g, rows_bf16_backward_tasks(job), backward_task, job);
}

/* ---- the op ---- */

static void backward_weights(graph *g, linear_rows *l)
{
    const int64_t workers = parallel_workers(graph_runtime(g));
    if (l->rounded != NULL) {
        backward_rounded(g, l);
        return;
    }
    l->scratch = graph_alloc(g, workers * l->count, TILE_COLUMNS * sizeof *l->scratch);
    if (l->scratch != NULL)
        graph_parallel(g, tasks_of(l->in, TILE_COLUMNS), backward_tile, l);
}

static void backward(graph *g, node *n)
{
    linear_rows *l = n->saved;
    bool add;
    l->dy = n->grad;
    l->dw = graph_grad(g, n->input[0], &l->add);
    if (l->dw != NULL)
        backward_weights(g, l);
    l->dbias = n->inputs > 1 ? graph_grad(g, n->input[1], &add) : NULL;
    double *sum = l->dbias != NULL ? graph_alloc(g, l->out, sizeof *sum) : NULL;
    if (sum != NULL)
        sum_bias(l, add, sum);
}

static node *check(graph *g, const node *w, const node *bias)
{
    char text_w[SHAPE_TEXT], text_b[SHAPE_TEXT];
    if (w->shape.rank != 2)
        return graph_fail(g, MEDLEY_E_SHAPE, "linear_rows: weights %s are no matrix",
                          shape_format(w->shape, text_w));
    if (bias != NULL && !shape_equal(bias->shape, shape_1(w->shape.size[0])))
        return graph_fail(g, MEDLEY_E_SHAPE, "linear_rows: weights %s and a bias of %s differ in outputs",
                          shape_format(w->shape, text_w), shape_format(bias->shape, text_b));
    return NULL;
}

/* A node that has not run, and what it will run on; *out NULL: it is the poison. */
static node *layer(graph *g, const uint32_t *row, int64_t count, node *w, node *bias, linear_rows **out)
{
    *out = NULL;
    if (graph_failed(g))
        return graph_poison(g);
    node *wrong = check(g, w, bias);
    if (wrong != NULL)
        return wrong;
    node *const input[] = {w, bias};
    node *n = graph_node(g, &op_linear_rows, shape_2(count, w->shape.size[0]), input, bias != NULL ? 2 : 1);
    linear_rows *l = graph_alloc(g, 1, sizeof *l);
    if (graph_failed(g))
        return graph_poison(g);
    *l = (linear_rows){.row = row,
                       .count = count,
                       .in = w->shape.size[1],
                       .out = w->shape.size[0],
                       .w = w->value,
                       .bias = bias != NULL ? bias->value : NULL,
                       .y = n->value};
    n->saved = *out = l;
    return n;
}

node *graph_linear_rows(graph *g, const real *table, const uint32_t *row, int64_t count, node *w, node *bias)
{
    linear_rows *l;
    node *n = layer(g, row, count, w, bias, &l);
    if (l == NULL)
        return n;
    l->table = table;
    l->scratch =
        graph_alloc(g, parallel_workers(graph_runtime(g)) * TILE_ROWS, (size_t)l->in * sizeof *l->scratch);
    if (l->scratch == NULL)
        return graph_poison(g);
    graph_parallel(g, tasks_of(count, TILE_ROWS), forward_tile, l);
    return n;
}

node *graph_linear_rows_bf16(graph *g, const rows_bf16 *table, const uint32_t *row, int64_t count, node *w,
                             node *bias)
{
    linear_rows *l;
    node *n = layer(g, row, count, w, bias, &l);
    if (l == NULL)
        return n;
    if (l->in != table->in)
        return graph_fail(g, MEDLEY_E_SHAPE, "linear_rows: weights of %lld inputs, rows of %lld", (long long)l->in,
                          (long long)table->in);
    rows_bf16_job *job = graph_alloc(g, 1, sizeof *job);
    if (job == NULL)
        return graph_poison(g);
    *job = (rows_bf16_job){
        .table = table, .row = row, .count = count, .out = l->out, .w = l->w, .bias = l->bias, .y = l->y};
    job->weights = graph_alloc(g, rows_bf16_weights(job), sizeof *job->weights);
    job->scratch =
        graph_alloc(g, parallel_workers(graph_runtime(g)) * rows_bf16_scratch(job), sizeof *job->scratch);
    l->rounded = job;
    if (graph_failed(g))
        return graph_poison(g);
    graph_parallel(g, rows_bf16_weights_tasks(job), weights_task, job);
    graph_parallel(g, rows_bf16_forward_tasks(job), forward_task, job);
    return n;
}

const op_class op_linear_rows = {
    .name = "linear_rows",
    .equation = "y[b] = W x[row[b]] + bias",
    .backward = backward,
};
