#include "autograd/ops.h"
#include "autograd/row_terms.h"
#include "tensor/gemm.h"
#include "tensor/kernel_catalogue.h"

extern const op_class op_sampled_softmax;

enum { ROWS = 32 /* of a task */ };

/* One table, of which a row stands for an item. */
typedef struct sampled {
    parameter *table;
    int64_t rows, samples, depth; /* B, S, D */
    const real *x;
    const uint32_t *target, *sample;
    const real *log_q;
    real *vector;    /* [S, D] of the samples */
    real *weight;    /* [B, S] softmax; the target's is less 1 */
    real *at_target; /* [B] */
    double *loss;    /* [B] */
} sampled;

static real dot(const real *a, const real *b, int64_t count)
{
    real sum = 0;
    for (int64_t i = 0; i < count; i++)
        sum += a[i] * b[i];
    return sum;
}

static real correction(const sampled *s, uint32_t item)
{
    return s->log_q != NULL ? s->log_q[item] : 0;
}

/* Logits of row b become what the softmax gives them. */
static void soften_row(const sampled *s, int64_t b)
{
    real *weight = s->weight + b * s->samples;
    for (int64_t j = 0; j < s->samples; j++)
        weight[j] = s->sample[j] == s->target[b] ? -(real)INFINITY : weight[j] - correction(s, s->sample[j]);
    real top;
    const real sum = catalogue_soften(weight, s->samples, &top);
    const real own = dot(s->x + b * s->depth, s->table->value + s->target[b] * s->depth, s->depth) -
                     correction(s, s->target[b]);
    /* the samples' sum is e^top sum; all together e^most total */
    const real most = sum > 0 && top > own ? top : own;
    const real others = sum > 0 ? real_exp(top - most) : 0, total = others * sum + real_exp(own - most);
    for (int64_t j = 0; j < s->samples; j++)
        weight[j] *= others / total;
    s->at_target[b] = -others * sum / total; /* p - 1, without cancellation */
    s->loss[b] = (double)(most + real_log(total)) - (double)own;
}

static medley_status forward_task(void *context, int64_t task, int worker, medley_error *err)
{
    const sampled *s = context;
    const int64_t first = task * ROWS, rows = s->rows - first < ROWS ? s->rows - first : ROWS;
    (void)worker, (void)err;
    gemm(&(gemm_job){.transpose_b = true,
                     .m = rows,
                     .n = s->samples,
                     .k = s->depth,
                     .alpha = 1,
                     .a = s->x + first * s->depth,
                     .a_stride = s->depth,
                     .b = s->vector,
                     .b_stride = s->depth,
                     .c = s->weight + first * s->samples,
                     .c_stride = s->samples});
    for (int64_t b = first; b < first + rows; b++)
        soften_row(s, b);
    return MEDLEY_OK;
}

/* dX = factor (weights of samples × their vectors + weight of the target × its vector) */
static medley_status back_to_x(graph *g, const sampled *s, real factor, real *dx, bool add, medley_error *err)
{
    for (int64_t b = 0; b < s->rows; b++) {
        const real *own = s->table->value + s->target[b] * s->depth;
        for (int64_t d = 0; d < s->depth; d++)
            dx[b * s->depth + d] = (add ? dx[b * s->depth + d] : 0) + factor * s->at_target[b] * own[d];
    }
    return gemm_parallel(graph_runtime(g),
                         &(gemm_job){.m = s->rows,
                                     .n = s->depth,
                                     .k = s->samples,
                                     .alpha = factor,
                                     .a = s->weight,
                                     .a_stride = s->samples,
                                     .b = s->vector,
                                     .b_stride = s->depth,
                                     .beta = 1,
                                     .c = dx,
                                     .c_stride = s->depth},
                         err);
}

/* A target's row gets its x times the weight of the target, a sample's one of [S, D] = factor weightsᵀ X. */
static medley_status back_to_table(graph *g, const sampled *s, real factor, medley_error *err)
{
    real *vector = graph_alloc(g, s->samples * s->depth, sizeof *vector);
    real *scale = graph_alloc(g, s->rows, sizeof *scale);
    if (graph_failed(g))
        return MEDLEY_OK;
    TRY(gemm_parallel(graph_runtime(g),
                      &(gemm_job){.transpose_a = true,
                                  .m = s->samples,
                                  .n = s->depth,
                                  .k = s->rows,
                                  .alpha = factor,
                                  .a = s->weight,
                                  .a_stride = s->samples,
                                  .b = s->x,
                                  .b_stride = s->depth,
                                  .c = vector,
                                  .c_stride = s->depth},
                      err));
    for (int64_t b = 0; b < s->rows; b++)
        scale[b] = factor * s->at_target[b];
    row_terms_add_source(g, s->table,
                         &(row_source){.row = s->target, .count = s->rows, .vector = s->x, .scale = scale});
    row_terms_add_source(g, s->table,
                         &(row_source){.row = s->sample, .count = s->samples, .vector = vector, .factor = 1});
    return MEDLEY_OK;
}

static void way_back(graph *g, node *n)
{
    const sampled *s = n->saved;
    const real factor = n->grad[0] / (real)s->rows;
    medley_error err = {MEDLEY_OK, ""};
    bool add;
    real *dx = graph_grad(g, n->input[0], &add);
    if (dx != NULL && back_to_x(g, s, factor, dx, add, &err) != MEDLEY_OK)
        graph_fail(g, err.status, "%s", err.message);
    if (!graph_failed(g) && back_to_table(g, s, factor, &err) != MEDLEY_OK)
        graph_fail(g, err.status, "%s", err.message);
}

const op_class op_sampled_softmax = {
    "sampled_softmax", "mean over rows of -ln softmax(<x, w_j> - log_q_j over target and samples) at the target",
    way_back};

static bool rows_exist(graph *g, const char *which, const uint32_t *row, int64_t count, int64_t rows)
{
    for (int64_t i = 0; i < count; i++)
        if (row[i] >= rows) {
            graph_fail(g, MEDLEY_E_ARGUMENT, "sampled_softmax: %s %lld: item %u is not below %lld", which,
                       (long long)i, (unsigned)row[i], (long long)rows);
            return false;
        }
    return true;
}

static void forward(graph *g, sampled *s, node *n)
{
    double loss = 0;
    graph_touch(g, s->table, s->target, s->rows);
    graph_touch(g, s->table, s->sample, s->samples);
    for (int64_t j = 0; j < s->samples; j++)
        memcpy(s->vector + j * s->depth, s->table->value + s->sample[j] * s->depth,
               (size_t)s->depth * sizeof(real));
    graph_parallel(g, (s->rows + ROWS - 1) / ROWS, forward_task, s);
    for (int64_t b = 0; !graph_failed(g) && b < s->rows; b++)
        loss += s->loss[b];
    n->value[0] = (real)(loss / (double)s->rows);
    n->saved = s;
    n->wants_grad = true; /* the table is learnt */
}

node *graph_sampled_softmax(graph *g, node *x, parameter *w, const uint32_t *target, const uint32_t *sample,
                            int64_t samples, const real *log_q)
{
    char format[2][SHAPE_TEXT];
    if (graph_failed(g))
        return graph_poison(g);
    if (x->shape.rank != 2 || x->shape.size[0] < 1 || x->shape.size[1] != w->shape.size[1])
        return graph_fail(g, MEDLEY_E_SHAPE, "sampled_softmax: x %s, table %s: not [B,D] and [I,D]",
                          shape_format(x->shape, format[0]), shape_format(w->shape, format[1]));
    const int64_t rows = x->shape.size[0], depth = x->shape.size[1];
    if (!rows_exist(g, "target of row", target, rows, w->shape.size[0]) ||
        !rows_exist(g, "sample", sample, samples, w->shape.size[0]))
        return graph_poison(g);
    node *n = graph_node(g, &op_sampled_softmax, shape_scalar(), &x, 1);
    sampled *s = graph_alloc(g, 1, sizeof *s);
    if (graph_failed(g))
        return graph_poison(g);
    *s = (sampled){.table = w,
                   .rows = rows,
                   .samples = samples,
                   .depth = depth,
                   .x = x->value,
                   .target = target,
                   .sample = sample,
                   .log_q = log_q};
    s->vector = graph_alloc(g, samples * depth, sizeof(real));
    s->weight = graph_alloc(g, rows * samples, sizeof(real));
    s->at_target = graph_alloc(g, rows, sizeof(real));
    s->loss = graph_alloc(g, rows, sizeof *s->loss);
    if (graph_failed(g))
        return graph_poison(g);
    forward(g, s, n);
    return graph_failed(g) ? graph_poison(g) : n;
}
