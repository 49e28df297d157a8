/* Losses: mean squared error, binary cross-entropy, BPR, cross-entropy, InfoNCE. */
#include "autograd/ops.h"
#include "tensor/gemm.h"
#include "tensor/kernel_loss.h"

extern const op_class op_mse, op_bce, op_bpr, op_cross_entropy, op_info_nce;

enum { TASK_NUMBERS = 32768 };

static int64_t parts(int64_t count, int64_t size)
{
    return (count + size - 1) / size;
}

static double sum_of(const double *part, int64_t count)
{
    double sum = 0;
    for (int64_t i = 0; i < count; i++)
        sum += part[i];
    return sum;
}

static node *mean_of_nothing(graph *g, const op_class *op, const node *x)
{
    char own[SHAPE_TEXT];
    return graph_fail(g, MEDLEY_E_SHAPE, "%s: %s: of no numbers", op->name, shape_format(x->shape, own));
}

/* ---- means of l(a, b) ---- */

typedef struct pair_run {
    const pair_loss *loss;
    const real *a, *b;
    int64_t count;
    double *sum; /* [tasks] */
    real scale;  /* back */
    bool add;
    real *da;
} pair_run;

static medley_status pair_task(void *context, int64_t task, int worker, medley_error *err)
{
    const pair_run *run = context;
    const int64_t first = task * TASK_NUMBERS, count = least(TASK_NUMBERS, run->count - first);
    (void)worker, (void)err;
    if (run->da == NULL)
        run->sum[task] = run->loss->sum(run->a + first, run->b + first, count);
    else
        run->loss->slope(run->a + first, run->b + first, count, run->scale, run->add, run->da + first);
    return MEDLEY_OK;
}

static node *add_pair_loss(graph *g, const op_class *op, const pair_loss *loss, node *const *input, int inputs,
                           const real *b)
{
    const node *a = input[0];
    const int64_t count = shape_count(a->shape), tasks = parts(count, TASK_NUMBERS);
    if (!graph_failed(g) && count == 0)
        return mean_of_nothing(g, op, a);
    node *n = graph_node(g, op, shape_scalar(), input, inputs);
    pair_run run = {.loss = loss, .a = a->value, .b = b, .count = count};
    run.sum = graph_alloc(g, tasks, sizeof(*run.sum));
    pair_run *saved = graph_alloc(g, 1, sizeof(*saved));
    if (graph_failed(g))
        return graph_poison(g);
    graph_parallel(g, tasks, pair_task, &run);
    n->value[0] = (real)(sum_of(run.sum, tasks) / (double)count);
    *saved = run;
    n->saved = saved;
    return n;
}

/* The slope of b is the other way. */
static void pair_back(graph *g, node *n)
{
    pair_run run = *(const pair_run *)n->saved;
    for (int i = 0; i < n->inputs; i++) {
        run.scale = (i == 0 ? 1 : -1) * n->grad[0] / (real)run.count;
        run.da = graph_grad(g, n->input[i], &run.add);
        if (run.da != NULL)
            graph_parallel(g, parts(run.count, TASK_NUMBERS), pair_task, &run);
    }
}

node *graph_mse(graph *g, node *x, const real *target)
{
    return add_pair_loss(g, &op_mse, &pair_mse, &x, 1, target);
}

const op_class op_mse = {
    .name = "mse",
    .equation = "mean of (x - target)^2",
    .backward = pair_back,
};

node *graph_bce(graph *g, node *x, const real *target)
{
    return add_pair_loss(g, &op_bce, &pair_bce, &x, 1, target);
}

const op_class op_bce = {
    .name = "bce",
    .equation = "mean of softplus(x) - target x",
    .backward = pair_back,
};

node *graph_bpr(graph *g, node *positive, node *negative)
{
    char a[SHAPE_TEXT], b[SHAPE_TEXT];
    if (!graph_failed(g) && !shape_equal(positive->shape, negative->shape))
        return graph_fail(g, MEDLEY_E_SHAPE, "bpr: positive %s and negative %s differ",
                          shape_format(positive->shape, a), shape_format(negative->shape, b));
    return add_pair_loss(g, &op_bpr, &pair_bpr, (node *[]){positive, negative}, 2, negative->value);
}

const op_class op_bpr = {
    .name = "bpr",
    .equation = "mean of softplus(negative - positive)",
    .backward = pair_back,
};

/* ---- cross-entropy ---- */

typedef struct entropy_run {
    const real *x;
    int64_t rows, width, block;
    const uint32_t *target;
    int64_t counted; /* rows that are not ignored */
    softmax_stats *stats;
    double *loss; /* [rows] */
    real factor;  /* back */
    bool add;
    real *dx;
} entropy_run;

static medley_status entropy_task(void *context, int64_t task, int worker, medley_error *err)
{
    const entropy_run *run = context;
    const int64_t width = run->width, end = least((task + 1) * run->block, run->rows);
    (void)worker, (void)err;
    for (int64_t row = task * run->block; row < end; row++)
        run->loss[row] = run->target[row] == CROSS_ENTROPY_IGNORE
                             ? 0
                             : cross_entropy_row(run->x + row * width, width, run->target[row], &run->stats[row]);
    return MEDLEY_OK;
}

static medley_status entropy_back_task(void *context, int64_t task, int worker, medley_error *err)
{
    const entropy_run *run = context;
    const int64_t width = run->width, end = least((task + 1) * run->block, run->rows);
    (void)worker, (void)err;
    for (int64_t row = task * run->block; row < end; row++) {
        real *dx = run->dx + row * width;
        if (run->target[row] != CROSS_ENTROPY_IGNORE)
            cross_entropy_row_back(run->x + row * width, width, run->target[row], run->stats[row], run->factor,
                                   run->add, dx);
        else if (!run->add)
            memset(dx, 0, (size_t)width * sizeof(*dx));
    }
    return MEDLEY_OK;
}

/* How many rows count; -1 after a failure. */
static int64_t check_targets(graph *g, const node *x, const uint32_t *target)
{
    const int64_t rows = x->shape.size[0], width = x->shape.size[1];
    int64_t counted = 0;
    for (int64_t row = 0; row < rows; row++) {
        if (target[row] == CROSS_ENTROPY_IGNORE)
            continue;
        if (target[row] >= width) {
            graph_fail(g, MEDLEY_E_ARGUMENT, "cross_entropy: row %lld: target %u is not below %lld",
                       (long long)row, (unsigned)target[row], (long long)width);
            return -1;
        }
        counted++;
    }
    return counted;
}

node *graph_cross_entropy(graph *g, node *x, const uint32_t *target)
{
    char own[SHAPE_TEXT];
    if (graph_failed(g))
        return graph_poison(g);
    if (x->shape.rank != 2)
        return graph_fail(g, MEDLEY_E_SHAPE, "cross_entropy: %s: logits are rows and classes",
                          shape_format(x->shape, own));
    const int64_t rows = x->shape.size[0], width = x->shape.size[1], counted = check_targets(g, x, target);
    if (rows == 0)
        return mean_of_nothing(g, &op_cross_entropy, x);
    node *n = graph_node(g, &op_cross_entropy, shape_scalar(), &x, 1);
    entropy_run *run = graph_alloc(g, 1, sizeof(*run));
    softmax_stats *stats = graph_alloc(g, rows, sizeof(*stats));
    double *loss = graph_alloc(g, rows, sizeof(*loss));
    if (graph_failed(g))
        return graph_poison(g);
    *run = (entropy_run){.x = x->value,
                         .rows = rows,
                         .width = width,
                         .block = width < TASK_NUMBERS ? TASK_NUMBERS / (width > 0 ? width : 1) : 1,
                         .target = target,
                         .counted = counted,
                         .stats = stats,
                         .loss = loss};
    graph_parallel(g, parts(rows, run->block), entropy_task, run);
    n->value[0] = counted == 0 ? 0 : (real)(sum_of(loss, rows) / (double)counted);
    n->saved = run;
    return n;
}

static void cross_entropy_back(graph *g, node *n)
{
    entropy_run run = *(const entropy_run *)n->saved;
    run.factor = run.counted == 0 ? 0 : n->grad[0] / (real)run.counted;
    run.dx = graph_grad(g, n->input[0], &run.add);
    if (run.dx != NULL)
        graph_parallel(g, parts(run.rows, run.block), entropy_back_task, &run);
}

const op_class op_cross_entropy = {
    .name = "cross_entropy",
    .equation = "mean over rows of ln sum_j exp(x_j) - x_target",
    .backward = cross_entropy_back,
};

/* ---- InfoNCE ----
 *
 * Z = X Yᵀ / temperature is made in blocks of rows, and the gradients of X and Y at once with the loss: so each block is
 * made once, and [B, B] is never whole unless it is one block. When symmetric, the columns' sums must be known before
 * any gradient, and several blocks are made twice. */

enum { NCE_NUMBERS = 1 << 20, NCE_COLUMNS = 256, NCE_ROWS = 32 };

typedef struct nce {
    int64_t B, D, block; /* rows of a block */
    const real *x, *y;
    const uint32_t *id; /* NULL: nothing is hidden */
    const real *q;      /* [B] */
    real inverse;       /* 1 / temperature */
    bool symmetric;
    real *z;             /* [block, B] */
    int64_t first, rows; /* of the block that is in z */
    double *loss;        /* [B] */
    real *diagonal;      /* [B] of Z, when symmetric */
    real *most, *sum;    /* [B] of columns; sum becomes 1 / sum */
    real *e;             /* [workers, B] when symmetric */
    bool slopes;         /* a gradient is wanted: z becomes dL/dZ */
    real *dx, *dy;       /* [B, D] or NULL; for d L = 1 */
} nce;

static medley_status hide_task(void *context, int64_t task, int worker, medley_error *err)
{
    const nce *c = context;
    const int64_t end = least((task + 1) * NCE_ROWS, c->rows);
    (void)worker, (void)err;
    for (int64_t r = task * NCE_ROWS; r < end; r++) {
        real *z = c->z + r * c->B;
        if (c->id != NULL)
            info_nce_hide(z, c->B, c->first + r, c->id);
        if (c->symmetric)
            c->diagonal[c->first + r] = z[c->first + r];
    }
    return MEDLEY_OK;
}

static medley_status columns_task(void *context, int64_t task, int worker, medley_error *err)
{
    const nce *c = context;
    const int64_t first = task * NCE_COLUMNS;
    (void)worker, (void)err;
    info_nce_columns(c->z, c->q, c->B, c->first, c->rows, first, least(first + NCE_COLUMNS, c->B), c->most,
                     c->sum);
    return MEDLEY_OK;
}

static medley_status rows_task(void *context, int64_t task, int worker, medley_error *err)
{
    const nce *c = context;
    const int64_t B = c->B, end = least((task + 1) * NCE_ROWS, c->rows);
    const real factor = 1 / (real)(c->symmetric ? 2 * B : B);
    (void)err;
    for (int64_t r = task * NCE_ROWS; r < end; r++) {
        const int64_t b = c->first + r;
        real *z = c->z + r * B, *e = c->symmetric ? c->e + worker * B : z;
        softmax_stats stats;
        c->loss[b] = info_nce_row(z, c->q, B, b, e, &stats);
        if (c->slopes && c->symmetric)
            info_nce_both_back(e, stats, c->most, c->sum, c->q[b], B, b, factor, z);
        else if (c->slopes)
            info_nce_row_back(e, stats, B, b, factor);
    }
    return MEDLEY_OK;
}

static void multiply(graph *g, const gemm_job *job)
{
    medley_error error = {MEDLEY_OK, ""};
    if (!graph_failed(g) && gemm_parallel(graph_runtime(g), job, &error) != MEDLEY_OK)
        graph_fail(g, error.status, "%s", error.message);
}

/* The rows of Z from `first` on. */
static void make_block(graph *g, nce *c, int64_t first)
{
    c->first = first;
    c->rows = least(c->block, c->B - first);
    multiply(g, &(gemm_job){.transpose_b = true,
                            .m = c->rows,
                            .n = c->B,
                            .k = c->D,
                            .alpha = c->inverse,
                            .a = c->x + first * c->D,
                            .a_stride = c->D,
                            .b = c->y,
                            .b_stride = c->D,
                            .c = c->z,
                            .c_stride = c->B});
    if (c->id != NULL || c->symmetric)
        graph_parallel(g, parts(c->rows, NCE_ROWS), hide_task, c);
}

/* dX of the block = dZ Y / temperature; dY += dZᵀ X / temperature. */
static void add_slopes(graph *g, const nce *c)
{
    gemm_job job = {.m = c->rows,
                    .n = c->D,
                    .k = c->B,
                    .alpha = c->inverse,
                    .a = c->z,
                    .a_stride = c->B,
                    .b = c->y,
                    .b_stride = c->D,
                    .c_stride = c->D};
    if (c->dx != NULL) {
        job.c = c->dx + c->first * c->D;
        multiply(g, &job);
    }
    if (c->dy != NULL) {
        job.transpose_a = true;
        job.m = c->B;
        job.k = c->rows;
        job.b = c->x + c->first * c->D;
        job.beta = c->first > 0;
        job.c = c->dy;
        multiply(g, &job);
    }
}

/* The sum over columns of -ln softmax at the diagonal; then `sum` is its inverse. */
static double finish_columns(nce *c)
{
    double loss = 0;
    for (int64_t j = 0; j < c->B; j++) {
        loss += log((double)c->sum[j]) - (double)(c->diagonal[j] - c->q[j] - c->most[j]);
        c->sum[j] = 1 / c->sum[j];
    }
    return loss;
}

static double run_nce(graph *g, nce *c)
{
    const int64_t B = c->B;
    const bool whole = c->block >= B;
    double columns = 0;
    if (c->symmetric) {
        for (int64_t first = 0; first < B; first += c->block) {
            make_block(g, c, first);
            graph_parallel(g, parts(B, NCE_COLUMNS), columns_task, c);
        }
        columns = graph_failed(g) ? 0 : finish_columns(c);
    }
    for (int64_t first = 0; first < B; first += c->block) {
        if (!(c->symmetric && whole))
            make_block(g, c, first);
        graph_parallel(g, parts(c->rows, NCE_ROWS), rows_task, c);
        if (c->slopes)
            add_slopes(g, c);
    }
    if (graph_failed(g))
        return 0;
    return (sum_of(c->loss, B) + columns) / (double)(c->symmetric ? 2 * B : B);
}

/* Room for all that is not there yet; false after a failure. */
static bool nce_room(graph *g, nce *c)
{
    const int64_t B = c->B;
    c->block = least(B, NCE_NUMBERS / B > NCE_ROWS ? NCE_NUMBERS / B : NCE_ROWS);
    c->z = graph_alloc(g, c->block * B, sizeof(real));
    c->loss = graph_alloc(g, B, sizeof(double));
    if (c->q == NULL) {
        real *zeros = graph_alloc(g, B, sizeof(real));
        for (int64_t j = 0; zeros != NULL && j < B; j++)
            zeros[j] = 0;
        c->q = zeros;
    }
    if (c->symmetric) {
        c->diagonal = graph_alloc(g, B, sizeof(real));
        c->most = graph_alloc(g, B, sizeof(real));
        c->sum = graph_alloc(g, B, sizeof(real));
        c->e = graph_alloc(g, parallel_workers(graph_runtime(g)) * B, sizeof(real));
        for (int64_t j = 0; j < B && !graph_failed(g); j++) {
            c->most[j] = -INFINITY;
            c->sum[j] = 0;
        }
    }
    return !graph_failed(g);
}

static bool nce_fits(graph *g, const node *x, const node *y, double temperature)
{
    char a[SHAPE_TEXT], b[SHAPE_TEXT];
    if (graph_failed(g))
        return false;
    if (x->shape.rank != 2 || !shape_equal(x->shape, y->shape))
        graph_fail(g, MEDLEY_E_SHAPE, "info_nce: %s and %s: both must be [B,D], the same",
                   shape_format(x->shape, a), shape_format(y->shape, b));
    else if (x->shape.size[0] == 0)
        mean_of_nothing(g, &op_info_nce, x);
    else if (!(temperature > 0 && temperature < INFINITY))
        graph_fail(g, MEDLEY_E_ARGUMENT, "info_nce: temperature %g is not above 0", temperature);
    return !graph_failed(g);
}

node *graph_info_nce(graph *g, node *x, node *y, double temperature, const uint32_t *id, const real *log_q,
                     bool symmetric)
{
    if (!nce_fits(g, x, y, temperature))
        return graph_poison(g);
    node *n = graph_node(g, &op_info_nce, shape_scalar(), (node *[]){x, y}, 2);
    nce c = {.B = x->shape.size[0],
             .D = x->shape.size[1],
             .x = x->value,
             .y = y->value,
             .id = id,
             .q = log_q,
             .inverse = (real)(1 / temperature),
             .symmetric = symmetric,
             .slopes = n->wants_grad};
    real **slopes = graph_alloc(g, 2, sizeof(*slopes));
    c.dx = x->wants_grad ? graph_alloc(g, c.B * c.D, sizeof(real)) : NULL;
    c.dy = y->wants_grad ? graph_alloc(g, c.B * c.D, sizeof(real)) : NULL;
    if (!nce_room(g, &c))
        return graph_poison(g);
    n->value[0] = (real)run_nce(g, &c);
    slopes[0] = c.dx;
    slopes[1] = c.dy;
    n->saved = slopes;
    return graph_failed(g) ? graph_poison(g) : n;
}

static void info_nce_back(graph *g, node *n)
{
    real *const *slopes = n->saved;
    const real factor = n->grad[0];
    for (int i = 0; i < 2; i++) {
        bool add;
        const int64_t count = shape_count(n->input[i]->shape);
        real *grad = graph_grad(g, n->input[i], &add);
        for (int64_t k = 0; grad != NULL && k < count; k++)
            grad[k] = (add ? grad[k] : 0) + factor * slopes[i][k];
    }
}

const op_class op_info_nce = {
    .name = "info_nce",
    .equation = "mean over b of -ln softmax_j(<x_b, y_j> / temperature - log_q_j) at j = b",
    .backward = info_nce_back,
};
