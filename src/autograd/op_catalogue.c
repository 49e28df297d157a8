/* Gradients are made at once with the loss: the logits of a block of rows are then still there, and what is left to do on
 * the way back is to multiply by the gradient of the loss. */
#include "autograd/ops.h"
#include "tensor/kernel_catalogue.h"

extern const op_class op_catalogue_cross_entropy;

enum { X, W, BIAS, INPUTS, PIECE = 1 << 14 /* numbers of a task that scales */ };

typedef struct catalogue_run {
    catalogue c;        /* of the block that is at work */
    int64_t counted;    /* rows that are not ignored */
    const int64_t *row; /* [counted] their places; NULL: all rows count */
    const real *x;      /* [counted, D] */
    const uint32_t *target;
    bool has_gradient;
    real *dx, *dw, *dbias; /* [counted, D], [I, D], [I]: of the loss; NULL: not wanted */
} catalogue_run;

static medley_status forward_task(void *context, int64_t task, int worker, medley_error *err)
{
    const catalogue_run *run = context;
    (void)err;
    catalogue_forward(&run->c, task, worker);
    return MEDLEY_OK;
}

static medley_status backward_task(void *context, int64_t task, int worker, medley_error *err)
{
    const catalogue_run *run = context;
    (void)worker, (void)err;
    catalogue_backward(&run->c, task);
    return MEDLEY_OK;
}

enum { JOINED = 32 /* rows of a task */ };

static medley_status join_task(void *context, int64_t task, int worker, medley_error *err)
{
    const catalogue_run *run = context;
    const int64_t end = least(run->c.rows, (task + 1) * JOINED);
    (void)worker, (void)err;
    for (int64_t row = task * JOINED; row < end; row++)
        catalogue_join_dx(&run->c, row);
    return MEDLEY_OK;
}

/* One block of rows; returns its sum of losses. */
static double run_block(graph *g, catalogue_run *run, int64_t first)
{
    catalogue *c = &run->c;
    double loss = 0;
    c->rows = least(c->cut.rows, run->counted - first);
    c->x = run->x + first * c->depth;
    c->target = run->target + first;
    c->first = first == 0;
    c->dx = run->dx != NULL ? run->dx + first * c->depth : NULL;
    graph_parallel(g, c->cut.groups, forward_task, run);
    if (graph_failed(g))
        return 0;
    catalogue_join(c);
    for (int64_t row = 0; row < c->rows; row++)
        loss += (double)c->log_sum[row] - (double)c->picked[row];
    if (run->has_gradient)
        graph_parallel(g, c->cut.groups, backward_task, run);
    if (c->dx != NULL)
        graph_parallel(g, (c->rows + JOINED - 1) / JOINED, join_task, run);
    return loss;
}

static bool run_rooms(graph *g, catalogue_run *run, bool with_gradient)
{
    catalogue *c = &run->c;
    const catalogue_cut *cut = &c->cut;
    const int64_t weights = with_gradient ? cut->chunks : parallel_workers(graph_runtime(g));
    c->weight = graph_alloc(g, weights * cut->rows * cut->chunk, sizeof(real));
    c->top = graph_alloc(g, cut->chunks * cut->rows, sizeof(real));
    c->sum = graph_alloc(g, cut->chunks * cut->rows, sizeof(real));
    c->picked = graph_alloc(g, cut->rows, sizeof(real));
    c->log_sum = graph_alloc(g, cut->rows, sizeof(real));
    c->part = run->dx != NULL ? graph_alloc(g, cut->groups * cut->rows * c->depth, sizeof(real)) : NULL;
    return !graph_failed(g);
}

/* Returns the mean loss. */
static real run_all(graph *g, node *const *input, catalogue_run *run, bool with_gradient)
{
    catalogue *c = &run->c;
    real **grad[INPUTS] = {&run->dx, &run->dw, &run->dbias};
    const int64_t size[INPUTS] = {run->counted * c->depth, c->items * c->depth, c->items};
    for (int i = 0; with_gradient && i < INPUTS; i++)
        if (input[i] != NULL && input[i]->wants_grad)
            *grad[i] = graph_alloc(g, size[i], sizeof(real));
    run->has_gradient = with_gradient;
    c->dw = run->dw, c->dbias = run->dbias;
    c->factor = 1 / (real)run->counted;
    double loss = 0;
    if (!run_rooms(g, run, with_gradient))
        return 0;
    for (int64_t first = 0; !graph_failed(g) && first < run->counted; first += c->cut.rows)
        loss += run_block(g, run, first);
    return (real)(loss / (double)run->counted);
}

/* ---- the way back ---- */

typedef struct scaling {
    real factor;
    const real *from;
    real *to;
    int64_t count;
    bool add;
} scaling;

static medley_status scale_task(void *context, int64_t task, int worker, medley_error *err)
{
    const scaling *s = context;
    const int64_t end = least(s->count, (task + 1) * PIECE);
    (void)worker, (void)err;
    if (s->add)
        for (int64_t i = task * PIECE; i < end; i++)
            s->to[i] += s->factor * s->from[i];
    else
        for (int64_t i = task * PIECE; i < end; i++)
            s->to[i] = s->factor * s->from[i];
    return MEDLEY_OK;
}

static void scale_all(graph *g, scaling s)
{
    graph_parallel(g, (s.count + PIECE - 1) / PIECE, scale_task, &s);
}

/* Ignored rows have no gradient. */
static void scale_rows(const catalogue_run *run, real factor, int64_t rows, real *to, bool add)
{
    const int64_t depth = run->c.depth;
    if (!add)
        memset(to, 0, (size_t)(rows * depth) * sizeof *to);
    for (int64_t i = 0; i < run->counted; i++)
        for (int64_t j = 0; j < depth; j++)
            to[run->row[i] * depth + j] += factor * run->dx[i * depth + j];
}

static void way_back(graph *g, node *n)
{
    catalogue_run *run = n->saved;
    if (run->counted > 0 && !run->has_gradient)
        (void)run_all(g, n->input, run, true);
    const real *from[INPUTS] = {run->dx, run->dw, run->dbias};
    for (int i = 0; i < INPUTS; i++) {
        bool add;
        real *to = graph_grad(g, n->input[i], &add);
        if (to == NULL || graph_failed(g))
            continue;
        const int64_t count = shape_count(n->input[i]->shape);
        if (run->counted == 0)
            memset(to, 0, (size_t)(add ? 0 : count) * sizeof *to);
        else if (i == X && run->row != NULL)
            scale_rows(run, n->grad[0], n->input[X]->shape.size[0], to, add);
        else
            scale_all(g, (scaling){n->grad[0], from[i], to, count, add});
    }
}

const op_class op_catalogue_cross_entropy = {
    "catalogue_cross_entropy", "mean over rows of ln sum_j exp(z_j) - z_target, z = W x + bias", way_back};

/* ---- building ---- */

/* Rows that count, gathered where some are ignored. */
static void choose_rows(graph *g, catalogue_run *run, const node *x, const uint32_t *target)
{
    const int64_t rows = x->shape.size[0], depth = run->c.depth;
    for (int64_t b = 0; b < rows; b++) {
        run->counted += target[b] != CROSS_ENTROPY_IGNORE;
        if (target[b] != CROSS_ENTROPY_IGNORE && target[b] >= run->c.items)
            graph_fail(g, MEDLEY_E_ARGUMENT, "catalogue_cross_entropy: row %lld: target %u is not below %lld",
                       (long long)b, (unsigned)target[b], (long long)run->c.items);
    }
    run->x = x->value;
    run->target = target;
    if (run->counted == rows || graph_failed(g))
        return;
    int64_t *row = graph_alloc(g, run->counted, sizeof *row);
    uint32_t *kept = graph_alloc(g, run->counted, sizeof *kept);
    real *gathered = graph_alloc(g, run->counted * depth, sizeof *gathered);
    for (int64_t b = 0, i = 0; !graph_failed(g) && b < rows; b++) {
        if (target[b] == CROSS_ENTROPY_IGNORE)
            continue;
        row[i] = b;
        kept[i] = target[b];
        memcpy(gathered + i++ * depth, x->value + b * depth, (size_t)depth * sizeof *gathered);
    }
    run->row = row;
    run->target = kept;
    run->x = gathered;
}

static bool shapes_fit(const node *x, const node *w, const node *bias)
{
    return x->shape.rank == 2 && w->shape.rank == 2 && x->shape.size[1] == w->shape.size[1] &&
           x->shape.size[0] > 0 && w->shape.size[0] < UINT32_MAX &&
           (bias == NULL || (bias->shape.rank == 1 && bias->shape.size[0] == w->shape.size[0]));
}

node *graph_catalogue_cross_entropy(graph *g, node *x, node *w, node *bias, const uint32_t *target)
{
    char format[INPUTS][SHAPE_TEXT];
    if (graph_failed(g))
        return graph_poison(g);
    if (!shapes_fit(x, w, bias))
        return graph_fail(g, MEDLEY_E_SHAPE,
                          "catalogue_cross_entropy: x %s, w %s, bias %s: not [B,D], [I,D] and [I]",
                          shape_format(x->shape, format[X]), shape_format(w->shape, format[W]),
                          bias != NULL ? shape_format(bias->shape, format[BIAS]) : "none");
    catalogue_run *run = graph_alloc(g, 1, sizeof *run);
    if (run == NULL)
        return graph_poison(g);
    *run = (catalogue_run){.c = {.items = w->shape.size[0],
                                 .depth = w->shape.size[1],
                                 .w = w->value,
                                 .bias = bias != NULL ? bias->value : NULL}};
    choose_rows(g, run, x, target);
    node *const input[INPUTS] = {x, w, bias};
    node *n = graph_node(g, &op_catalogue_cross_entropy, shape_scalar(), input, INPUTS);
    if (graph_failed(g))
        return graph_poison(g);
    run->c.cut = catalogue_cut_of(run->counted, run->c.items, run->c.depth);
    n->saved = run;
    n->value[0] = run->counted > 0 ? run_all(g, input, run, n->wants_grad && graph_where(g).training) : 0;
    return graph_failed(g) ? graph_poison(g) : n;
}
