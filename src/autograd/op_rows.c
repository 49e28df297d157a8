/* Softmax, log-softmax, layer norm, batch norm, L2 normalisation. */
#include "autograd/ops.h"
#include "tensor/kernel_rows.h"

extern const op_class op_softmax, op_log_softmax, op_layer_norm, op_batch_norm, op_l2_normalise;

/* What forward leaves for backward. */
typedef struct rows_saved {
    const real *gain;
    real *stats;
    real epsilon;
    bool training;
} rows_saved;

/* ---- running a job ---- */

typedef struct rows_run {
    const rows_job *job;
    rows_kernel kernel;
} rows_run;

static medley_status run_task(void *context, int64_t task, int worker, medley_error *err)
{
    const rows_run *run = context;
    (void)worker, (void)err;
    run->kernel(run->job, task);
    return MEDLEY_OK;
}

static void run_rows(graph *g, rows_kernel kernel, const rows_job *job)
{
    graph_parallel(g, rows_tasks(job), run_task, &(rows_run){job, kernel});
}

static rows_job job_of(const node *n, const node *x, bool columns)
{
    const int64_t width = shape_width(n->shape);
    return (rows_job){.rows = shape_rows(n->shape),
                      .width = width,
                      .block = rows_block(width, columns),
                      .x = x->value,
                      .y = n->value,
                      .dy = n->grad,
                      .out = n->value};
}

/* dx takes the place of dy, which nobody needs any more unless it is lent, where x has no gradient yet. */
static real *row_grad(graph *g, const node *n, bool *add)
{
    node *x = n->input[0];
    bool takes = !n->lent && x->wants_grad && x->parameter == NULL && x->grad == NULL;
    for (int i = 1; i < n->inputs; i++)
        takes = takes && n->input[i] != x;
    if (!takes)
        return graph_grad(g, x, add);
    *add = false;
    return x->grad = n->grad;
}

/* For ops whose only gradient is that of a row from the row itself. */
static void run_back(graph *g, node *n, rows_kernel kernel)
{
    const rows_saved *saved = n->saved;
    rows_job job = job_of(n, n->input[0], false);
    job.out = row_grad(g, n, &job.add);
    if (saved != NULL) {
        job.stats = saved->stats;
        job.epsilon = saved->epsilon;
    }
    if (job.out != NULL)
        run_rows(g, kernel, &job);
}

/* ---- softmax ---- */

static node *add_softmax(graph *g, const op_class *op, node *x, rows_kernel forward)
{
    if (graph_failed(g))
        return graph_poison(g);
    node *n = graph_node(g, op, x->shape, &x, 1);
    const rows_job job = job_of(n, x, false);
    run_rows(g, forward, &job);
    return n;
}

node *graph_softmax(graph *g, node *x)
{
    return add_softmax(g, &op_softmax, x, softmax_forward);
}

static void softmax_back(graph *g, node *n)
{
    run_back(g, n, softmax_backward);
}

const op_class op_softmax = {
    .name = "softmax",
    .equation = "y_i = exp(x_i) / sum_j exp(x_j) of each row",
    .backward = softmax_back,
};

node *graph_log_softmax(graph *g, node *x)
{
    return add_softmax(g, &op_log_softmax, x, log_softmax_forward);
}

static void log_softmax_back(graph *g, node *n)
{
    run_back(g, n, log_softmax_backward);
}

const op_class op_log_softmax = {
    .name = "log_softmax",
    .equation = "y_i = x_i - ln sum_j exp(x_j) of each row",
    .backward = log_softmax_back,
};

/* ---- norms ---- */

static rows_saved *keep(graph *g, node *n, int64_t stats, double epsilon)
{
    rows_saved *saved = graph_alloc(g, 1, sizeof(*saved));
    real *room = graph_alloc(g, stats, sizeof(*room));
    if (graph_failed(g))
        return NULL;
    *saved = (rows_saved){.stats = room, .epsilon = (real)epsilon};
    n->saved = saved;
    return saved;
}

static bool norm_fits(graph *g, const op_class *op, const node *x, const char *what, const node *w)
{
    char own[SHAPE_TEXT], wanted[SHAPE_TEXT], given[SHAPE_TEXT];
    const shape columns = shape_1(shape_width(x->shape));
    if (w != NULL && !shape_equal(w->shape, columns))
        graph_fail(g, MEDLEY_E_SHAPE, "%s: %s: %s is %s, not %s", op->name, shape_format(x->shape, own), what,
                   shape_format(w->shape, given), shape_format(columns, wanted));
    return !graph_failed(g);
}

/* The values of w, or `width` times `otherwise`. NULL after a failure. */
static const real *values_or(graph *g, const node *w, int64_t width, real otherwise)
{
    if (w != NULL)
        return w->value;
    real *filled = graph_alloc(g, width, sizeof(*filled));
    for (int64_t i = 0; filled != NULL && i < width; i++)
        filled[i] = otherwise;
    return filled;
}

/* A norm's node: inputs x, gain, bias. *job lacks what is the norm's own. The poison node on failure. */
static node *add_norm(graph *g, const op_class *op, node *const *input, bool columns, int64_t stats,
                      double epsilon, rows_job *job)
{
    node *n = graph_node(g, op, input[0]->shape, input, 3);
    rows_saved *saved = keep(g, n, stats, epsilon);
    *job = job_of(n, input[0], columns);
    job->gain = values_or(g, input[1], job->width, 1);
    job->bias = values_or(g, input[2], job->width, 0);
    if (graph_failed(g))
        return graph_poison(g);
    job->stats = saved->stats;
    job->epsilon = saved->epsilon;
    saved->gain = job->gain;
    return n;
}

static rows_job job_of_norm(node *n, bool columns)
{
    const rows_saved *saved = n->saved;
    rows_job job = job_of(n, n->input[0], columns);
    job.gain = saved->gain;
    job.stats = saved->stats;
    job.epsilon = saved->epsilon;
    return job;
}

/* The gradients of gain and bias are sums over rows. */
static bool wants_columns(const node *n)
{
    return (n->input[1] != NULL && n->input[1]->wants_grad) || (n->input[2] != NULL && n->input[2]->wants_grad);
}

static real *columns_room(graph *g, const rows_job *job, int64_t sums)
{
    return graph_alloc(g, rows_tasks(job) * sums * job->width, sizeof(real));
}

static void set_affine_grads(graph *g, node *n, const rows_job *job)
{
    for (int which = 0; which < 2; which++) {
        bool add;
        real *grad = graph_grad(g, n->input[1 + which], &add);
        if (grad != NULL)
            columns_sum(job, which, grad, add);
    }
}

node *graph_layer_norm(graph *g, node *x, node *gain, node *bias, double epsilon)
{
    rows_job job;
    if (graph_failed(g) || !norm_fits(g, &op_layer_norm, x, "gain", gain) ||
        !norm_fits(g, &op_layer_norm, x, "bias", bias))
        return graph_poison(g);
    node *n =
        add_norm(g, &op_layer_norm, (node *[]){x, gain, bias}, false, 2 * shape_rows(x->shape), epsilon, &job);
    if (!graph_failed(g))
        run_rows(g, layer_norm_forward, &job);
    return n;
}

static void layer_norm_back(graph *g, node *n)
{
    const bool columns = wants_columns(n);
    rows_job job = job_of_norm(n, columns);
    job.columns = columns ? columns_room(g, &job, 2) : NULL;
    job.out = row_grad(g, n, &job.add);
    if (graph_failed(g))
        return;
    run_rows(g, layer_norm_backward, &job);
    set_affine_grads(g, n, &job);
}

const op_class op_layer_norm = {
    .name = "layer_norm",
    .equation = "y = (x - mean) / sqrt(variance + epsilon) gain + bias, mean and variance of each row",
    .backward = layer_norm_back,
};

/* stats from this batch; the running ones follow it: r += momentum (batch - r), the variance unbiased. */
static void batch_statistics(graph *g, rows_job *job, real *mean, real *variance, double momentum)
{
    const int64_t width = job->width;
    const real rows = (real)job->rows, pace = (real)momentum;
    job->columns = columns_room(g, job, 3);
    if (graph_failed(g))
        return;
    run_rows(g, batch_norm_moments, job);
    real *scale = job->stats + width;
    columns_moments(job, job->stats, scale);
    for (int64_t i = 0; i < width; i++) {
        const real squares = scale[i];
        scale[i] = 1 / real_sqrt(squares / rows + job->epsilon);
        mean[i] += pace * (job->stats[i] - mean[i]);
        variance[i] += pace * (squares / (rows - 1) - variance[i]);
    }
}

static void running_statistics(const rows_job *job, const real *mean, const real *variance)
{
    for (int64_t i = 0; i < job->width; i++) {
        job->stats[i] = mean[i];
        job->stats[job->width + i] = 1 / real_sqrt(variance[i] + job->epsilon);
    }
}

node *graph_batch_norm(graph *g, node *x, node *gain, node *bias, real *mean, real *variance, double momentum,
                       double epsilon)
{
    rows_job job;
    char own[SHAPE_TEXT];
    const bool training = graph_where(g).training;
    if (graph_failed(g) || !norm_fits(g, &op_batch_norm, x, "gain", gain) ||
        !norm_fits(g, &op_batch_norm, x, "bias", bias))
        return graph_poison(g);
    if (training && shape_rows(x->shape) < 2)
        return graph_fail(g, MEDLEY_E_SHAPE, "batch_norm: %s: training needs at least 2 rows",
                          shape_format(x->shape, own));
    node *n =
        add_norm(g, &op_batch_norm, (node *[]){x, gain, bias}, true, 2 * shape_width(x->shape), epsilon, &job);
    if (graph_failed(g))
        return n;
    ((rows_saved *)n->saved)->training = training;
    if (training)
        batch_statistics(g, &job, mean, variance, momentum);
    else
        running_statistics(&job, mean, variance);
    run_rows(g, batch_norm_apply, &job);
    return n;
}

typedef struct pull_run {
    const rows_job *job;
    const real *pull;
} pull_run;

static medley_status pull_task(void *context, int64_t task, int worker, medley_error *err)
{
    const pull_run *run = context;
    (void)worker, (void)err;
    batch_norm_backward(run->job, run->pull, task);
    return MEDLEY_OK;
}

/* In training mean and variance are made of x, and pull at dx. */
static void batch_norm_back(graph *g, node *n)
{
    const bool training = ((const rows_saved *)n->saved)->training;
    rows_job job = job_of_norm(n, true);
    job.columns = columns_room(g, &job, 2);
    real *pull = graph_alloc(g, 2 * job.width, sizeof(*pull));
    if (graph_failed(g))
        return;
    if (training || wants_columns(n))
        run_rows(g, batch_norm_slopes, &job);
    for (int which = 0; which < 2 && training; which++)
        columns_sum(&job, which, pull + which * job.width, false);
    for (int64_t i = 0; i < 2 * job.width; i++)
        pull[i] = training ? pull[i] / (real)job.rows : 0;
    job.out = row_grad(g, n, &job.add);
    if (job.out != NULL)
        graph_parallel(g, rows_tasks(&job), pull_task, &(pull_run){&job, pull});
    set_affine_grads(g, n, &job);
}

const op_class op_batch_norm = {
    .name = "batch_norm",
    .equation = "y = (x - mean) / sqrt(variance + epsilon) gain + bias, mean and variance of each column",
    .backward = batch_norm_back,
};

/* ---- length ---- */

node *graph_l2_normalise(graph *g, node *x, double epsilon)
{
    if (graph_failed(g))
        return graph_poison(g);
    node *n = graph_node(g, &op_l2_normalise, x->shape, &x, 1);
    const rows_saved *saved = keep(g, n, shape_rows(x->shape), epsilon);
    if (saved == NULL)
        return graph_poison(g);
    rows_job job = job_of(n, x, false);
    job.stats = saved->stats;
    job.epsilon = saved->epsilon;
    run_rows(g, l2_normalise_forward, &job);
    return n;
}

static void l2_normalise_back(graph *g, node *n)
{
    run_back(g, n, l2_normalise_backward);
}

const op_class op_l2_normalise = {
    .name = "l2_normalise",
    .equation = "y = x / max(|x|, epsilon) of each row",
    .backward = l2_normalise_back,
};
