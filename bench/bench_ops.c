/* Forward and backward of every op on shapes that recommenders use (but reshape, which moves nothing).
 * bench/peer_ops.py runs it beside PyTorch and makes the table.
 *
 *   bench_ops list               the cases, "op [shape] [shape] ...", one a line
 *   bench_ops serve [threads]    for each line "case<tab>seconds" of its input: the median step, wall and processor
 *                                seconds; the case "machine": bytes a second of a copy, operations a second of a product */
#include "autograd/ops.h"
#include "measure.h"
#include "optim/optimizer.h"
#include "tensor/gemm.h"

enum { SHAPES_MOST = 4, STEPS_MOST = 4096, PADDED = 40 };

/* What a case works on. */
typedef struct stage {
    medley_runtime *rt;
    graph *g;
    const shape *shape;       /* [SHAPES_MOST] of the case */
    real *value[SHAPES_MOST]; /* random numbers of these shapes */
    real *grad;               /* [grads] of the output */
    int64_t grads;
    uint32_t *index, *index2; /* [places] below rows */
    int32_t *length;          /* [places] of sequences */
    csr_owner matrix, transposed;
    parameters tables;
    optimizer *optimizer;
} stage;

typedef struct op_row {
    const char *name;
    int variables; /* the first shapes: nodes that want gradients */
    node *(*build)(stage *s, node *const *x);
    int tables; /* the shapes after them: parameters */
    int64_t
        entries; /* a row of a sparse matrix [size of shape 0]² or bags [shape 0] of rows of shape 1; 0: there is none */
    int picked, axis; /* indexes are below this size of this shape, and the rows of all tables */
    bool positive, bf16;
    int updates; /* optimizer_kind + 1; a case without `build` is the update of a dense parameter alone */
} op_row;

/* ---- the ops ---- */

/* The declaration behind the function asks for a semicolon. */
#define WITH(op, call)                                \
    static node *build_##op(stage *s, node *const *x) \
    {                                                 \
        (void)x;                                      \
        return call;                                  \
    }                                                 \
    static node *build_##op(stage *s, node *const *x)
#define UNARY(op) WITH(op, graph_##op(s->g, x[0]))
UNARY(exp);
UNARY(log);
UNARY(sqrt);
UNARY(square);
UNARY(relu);
UNARY(gelu);
UNARY(gelu_tanh);
UNARY(tanh);
UNARY(sigmoid);
UNARY(silu);
UNARY(softplus);
UNARY(sum);
UNARY(mean);
UNARY(transpose);
UNARY(softmax);
UNARY(log_softmax);
UNARY(pairwise_dots);
WITH(add, graph_add(s->g, x[0], x[1]));
WITH(sub, graph_sub(s->g, x[0], x[1]));
WITH(mul, graph_mul(s->g, x[0], x[1]));
WITH(div, graph_div(s->g, x[0], x[1]));
WITH(scale, graph_scale(s->g, x[0], 0.5));
WITH(shift, graph_shift(s->g, x[0], 0.5));
WITH(leaky_relu, graph_leaky_relu(s->g, x[0], 0.2));
WITH(dropout, graph_dropout(s->g, x[0], 0.2));
WITH(sum_first, graph_sum_axis(s->g, x[0], 0));
WITH(sum_last, graph_sum_axis(s->g, x[0], -1));
WITH(mean_middle, graph_mean_axis(s->g, x[0], 1));
WITH(max_last, graph_max_axis(s->g, x[0], -1));
WITH(concat_last, graph_concat(s->g, x, 2, -1));
WITH(stack_middle, graph_stack(s->g, x, 2, 1));
WITH(slice_middle, graph_slice(s->g, x[0], 1, 10, s->shape[0].size[1] / 2));
WITH(permute_heads, graph_permute(s->g, x[0], (const int[]){0, 2, 1, 3}));
WITH(layer_norm, graph_layer_norm(s->g, x[0], x[1], x[2], 1e-5));
WITH(batch_norm,
     graph_batch_norm(s->g, x[0], x[1], x[2], s->value[3], s->value[3] + shape_width(s->shape[0]), 0.1, 1e-5));
WITH(l2_normalise, graph_l2_normalise(s->g, x[0], 1e-12));
WITH(matmul, graph_matmul(s->g, x[0], x[1], false, false));
WITH(matmul_abt, graph_matmul(s->g, x[0], x[1], false, true));
WITH(linear, graph_linear(s->g, x[0], x[1], x[2]));
WITH(mlp, graph_linear(s->g, graph_linear(s->g, x[0], x[1], NULL), x[2], NULL));
WITH(linear_rows, graph_linear_rows(s->g, s->value[2], s->index, shape_count(s->shape[3]), x[0], x[1]));
WITH(spmm, graph_spmm(s->g, &s->matrix.view, &s->transposed.view, x[0]));
WITH(rows_dot, graph_rows_dot(s->g, x[0], x[1]));
WITH(attention, graph_attention(s->g, x[0], x[1], x[2], &(attention_mask){.causal = false}, 0, 0));
WITH(attention_causal, graph_attention(s->g, x[0], x[1], x[2], &(attention_mask){.causal = true}, 0, 0));
WITH(attention_causal_padded,
     graph_attention(s->g, x[0], x[1], x[2], &(attention_mask){.causal = true, .length = s->length}, 0, 0));
WITH(mse, graph_mse(s->g, x[0], s->value[1]));
WITH(bce, graph_bce(s->g, x[0], s->value[1]));
WITH(bpr, graph_bpr(s->g, x[0], x[1]));
WITH(cross_entropy, graph_cross_entropy(s->g, x[0], s->index));
WITH(catalogue_cross_entropy, graph_catalogue_cross_entropy(s->g, x[0], x[1], NULL, s->index));
WITH(sampled_softmax,
     graph_sampled_softmax(s->g, x[0], s->tables.list[0], s->index, s->index2, shape_count(s->shape[2]), NULL));
WITH(info_nce, graph_info_nce(s->g, x[0], x[1], 0.1, s->index, NULL, false));
WITH(select, graph_select(s->g, x[0], s->index, shape_count(s->shape[1])));
WITH(gather, graph_gather(s->g, s->tables.list[0], s->index, s->shape[1]));
WITH(bag, graph_bag(s->g, s->tables.list[0], &s->matrix.view, true));
WITH(gather_dot,
     graph_gather_dot(s->g, s->tables.list[0], s->index, s->tables.list[1], s->index2, shape_count(s->shape[2])));
WITH(rows_square, graph_rows_square(s->g, s->tables.list[0], s->index, shape_count(s->shape[1])));

#define OP(op, count)                                        \
    {                                                        \
        .name = #op, .variables = count, .build = build_##op \
    }
static const op_row ops[] = {
    OP(add, 2),
    OP(sub, 2),
    OP(mul, 2),
    OP(scale, 1),
    OP(shift, 1),
    OP(exp, 1),
    OP(square, 1),
    OP(relu, 1),
    OP(leaky_relu, 1),
    OP(gelu, 1),
    OP(gelu_tanh, 1),
    OP(tanh, 1),
    OP(sigmoid, 1),
    OP(silu, 1),
    OP(softplus, 1),
    OP(dropout, 1),
    OP(sum, 1),
    OP(mean, 1),
    OP(sum_first, 1),
    OP(sum_last, 1),
    OP(mean_middle, 1),
    OP(max_last, 1),
    OP(concat_last, 2),
    OP(stack_middle, 2),
    OP(slice_middle, 1),
    OP(permute_heads, 1),
    OP(transpose, 1),
    OP(softmax, 1),
    OP(log_softmax, 1),
    OP(layer_norm, 3),
    OP(batch_norm, 3),
    OP(l2_normalise, 1),
    OP(matmul, 2),
    OP(matmul_abt, 2),
    OP(linear, 3),
    OP(mlp, 3),
    OP(rows_dot, 2),
    OP(pairwise_dots, 1),
    OP(attention, 3),
    OP(attention_causal, 3),
    OP(attention_causal_padded, 3),
    OP(mse, 1),
    OP(bce, 1),
    OP(bpr, 2),
    OP(info_nce, 2),
    OP(select, 1),
    {.name = "cross_entropy", .variables = 1, .build = build_cross_entropy, .axis = 1},
    {.name = "catalogue_cross_entropy", .variables = 2, .build = build_catalogue_cross_entropy, .picked = 1},
    {.name = "div", .variables = 2, .build = build_div, .positive = true},
    {.name = "log", .variables = 1, .build = build_log, .positive = true},
    {.name = "sqrt", .variables = 1, .build = build_sqrt, .positive = true},
    {.name = "mlp_bf16", .variables = 3, .build = build_mlp, .bf16 = true},
    {.name = "spmm", .variables = 1, .build = build_spmm, .entries = 170},
    {.name = "linear_rows", .variables = 2, .build = build_linear_rows, .picked = 2},
    {.name = "sampled_softmax", .variables = 1, .build = build_sampled_softmax, .tables = 1, .picked = 1},
    {.name = "gather", .build = build_gather, .tables = 1},
    {.name = "gather_adam", .build = build_gather, .tables = 1, .updates = 1 + OPTIMIZER_ADAM},
    {.name = "bag_mean", .build = build_bag, .tables = 1, .entries = 20},
    {.name = "gather_dot", .build = build_gather_dot, .tables = 2},
    {.name = "rows_square", .build = build_rows_square, .tables = 1},
    {.name = "sgd", .tables = 1, .updates = 1 + OPTIMIZER_SGD},
    {.name = "adam", .tables = 1, .updates = 1 + OPTIMIZER_ADAM},
    {.name = "adamw", .tables = 1, .updates = 1 + OPTIMIZER_ADAMW},
    {.name = "adagrad", .tables = 1, .updates = 1 + OPTIMIZER_ADAGRAD},
};

/* ---- the cases ---- */

typedef struct bench_case {
    const char *op;
    shape shape[SHAPES_MOST]; /* variables, then tables, then what the op reads beside them: places, targets */
} bench_case;

#define TALL              \
    {                     \
        3,                \
        {                 \
            128, 200, 256 \
        }                 \
    }
#define FLAT         \
    {                \
        2,           \
        {            \
            1024, 64 \
        }            \
    }
#define WIDE           \
    {                  \
        2,             \
        {              \
            1024, 3416 \
        }              \
    }
#define QKV(b, h, t, d)                                          \
    {                                                            \
        {4, {b, h, t, d}}, {4, {b, h, t, d}}, {4, {b, h, t, d}}, \
        {                                                        \
            1,                                                   \
            {                                                    \
                b                                                \
            }                                                    \
        }                                                        \
    }
static const bench_case cases[] = {
    {"gather", {{2, {60000, 64}}, {1, {8192}}}},
    {"gather_adam", {{2, {60000, 64}}, {1, {8192}}}},
    {"bag_mean", {{2, {60000, 64}}, {1, {4096}}}},
    {"gather_dot", {{2, {60000, 64}}, {2, {20000, 64}}, {1, {8192}}}},
    {"rows_square", {{2, {60000, 64}}, {1, {8192}}}},
    {"select", {{2, {3416, 64}}, {1, {8192}}}},
    {"matmul", {FLAT, {2, {64, 3416}}}},
    {"matmul", {{2, {25600, 256}}, {2, {256, 1024}}}},
    {"matmul", {{3, {1024, 50, 64}}, {3, {1024, 64, 50}}}},
    {"matmul_abt", {FLAT, {2, {3416, 64}}}},
    {"linear", {{2, {25600, 256}}, {2, {256, 256}}, {1, {256}}}},
    {"linear", {{2, {4096, 128}}, {2, {64, 128}}, {1, {64}}}},
    {"linear_rows", {{2, {64, 512}}, {1, {64}}, {2, {60000, 512}}, {1, {2048}}}},
    {"mlp", {{2, {25600, 256}}, {2, {1024, 256}}, {2, {256, 1024}}}},
    {"mlp_bf16", {{2, {25600, 256}}, {2, {1024, 256}}, {2, {256, 1024}}}},
    {"spmm", {{2, {9456, 64}}}},
    {"pairwise_dots", {{3, {2048, 27, 64}}}},
    {"rows_dot", {{2, {8192, 64}}, {2, {8192, 64}}}},
    {"add", {TALL, TALL}},
    {"add", {FLAT, FLAT}},
    {"add", {TALL, {1, {256}}}},
    {"add", {FLAT, {1, {64}}}},
    {"sub", {TALL, TALL}},
    {"mul", {TALL, TALL}},
    {"mul", {FLAT, FLAT}},
    {"mul", {TALL, {1, {256}}}},
    {"div", {TALL, TALL}},
    {"scale", {TALL}},
    {"shift", {TALL}},
    {"exp", {TALL}},
    {"log", {TALL}},
    {"sqrt", {TALL}},
    {"square", {TALL}},
    {"relu", {TALL}},
    {"relu", {FLAT}},
    {"leaky_relu", {TALL}},
    {"gelu", {TALL}},
    {"gelu", {FLAT}},
    {"gelu_tanh", {TALL}},
    {"tanh", {TALL}},
    {"sigmoid", {TALL}},
    {"sigmoid", {FLAT}},
    {"silu", {TALL}},
    {"softplus", {TALL}},
    {"dropout", {TALL}},
    {"dropout", {FLAT}},
    {"sum", {TALL}},
    {"mean", {FLAT}},
    {"sum_first", {TALL}},
    {"sum_first", {FLAT}},
    {"sum_last", {TALL}},
    {"mean_middle", {TALL}},
    {"max_last", {TALL}},
    {"concat_last", {{3, {128, 200, 128}}, {3, {128, 200, 128}}}},
    {"concat_last", {FLAT, FLAT}},
    {"stack_middle", {{2, {4096, 64}}, {2, {4096, 64}}}},
    {"slice_middle", {TALL}},
    {"permute_heads", {{4, {128, 200, 4, 64}}}},
    {"transpose", {TALL}},
    {"softmax", {WIDE}},
    {"softmax", {{2, {25600, 256}}}},
    {"log_softmax", {WIDE}},
    {"log_softmax", {{2, {25600, 256}}}},
    {"layer_norm", {{2, {25600, 256}}, {1, {256}}, {1, {256}}}},
    {"layer_norm", {FLAT, {1, {64}}, {1, {64}}}},
    {"batch_norm", {{2, {4096, 128}}, {1, {128}}, {1, {128}}, {1, {256}}}},
    {"l2_normalise", {{2, {25600, 64}}}},
    {"attention_causal_padded", QKV(128, 4, 50, 64)},
    {"attention", QKV(4096, 4, 4, 32)},
    {"attention_causal", QKV(32, 8, 200, 32)},
    {"mse", {WIDE, WIDE}},
    {"bce", {WIDE, WIDE}},
    {"bce", {{1, {8192}}, {1, {8192}}}},
    {"bpr", {{1, {8192}}, {1, {8192}}}},
    {"cross_entropy", {WIDE, {1, {1024}}}},
    {"catalogue_cross_entropy", {{2, {2048, 64}}, {2, {3416, 64}}, {1, {2048}}}},
    {"catalogue_cross_entropy", {{2, {2048, 64}}, {2, {60000, 64}}, {1, {2048}}}},
    {"sampled_softmax", {{2, {2048, 64}}, {2, {60000, 64}}, {1, {1024}}}},
    {"info_nce", {FLAT, FLAT}},
    {"sgd", {{2, {15625, 64}}}},
    {"adam", {{2, {15625, 64}}}},
    {"adamw", {{2, {15625, 64}}}},
    {"adagrad", {{2, {15625, 64}}}},
};
enum { CASES = sizeof cases / sizeof *cases };

static const char *case_name(const bench_case *c, char out[256])
{
    int length = snprintf(out, 256, "%s", c->op);
    for (int i = 0; i < SHAPES_MOST && c->shape[i].rank > 0; i++) {
        char sizes[SHAPE_TEXT];
        length += snprintf(out + length, 256 - (size_t)length, " %s", shape_format(c->shape[i], sizes));
    }
    return out;
}

/* ---- what a case works on ---- */

static medley_status make_indexes(stage *s, const op_row *op, medley_error *err)
{
    int64_t places = 1, below = s->shape[op->picked].size[op->axis];
    for (int i = 0; i < SHAPES_MOST; i++)
        places = s->shape[i].rank > 0 && s->shape[i].size[0] > places ? s->shape[i].size[0] : places;
    for (int i = 0; i < op->tables; i++)
        below = s->shape[op->variables + i].size[0] < below ? s->shape[op->variables + i].size[0] : below;
    TRY(mem_alloc(s->rt, places, sizeof *s->index, &s->index, err));
    TRY(mem_alloc(s->rt, places, sizeof *s->index2, &s->index2, err));
    TRY(mem_alloc(s->rt, places, sizeof *s->length, &s->length, err));
    for (int64_t i = 0; i < places; i++) {
        s->index[i] = (uint32_t)((double)below * random_uniform(1, 1, (uint64_t)i));
        s->index2[i] = (uint32_t)((double)below * random_uniform(1, 2, (uint64_t)i));
        s->length[i] = (int32_t)(1 + PADDED * random_uniform(1, 3, (uint64_t)i));
    }
    return MEDLEY_OK;
}

static medley_status make_values(stage *s, bool positive, medley_error *err)
{
    for (int i = 0; i < SHAPES_MOST && s->shape[i].rank > 0; i++) {
        const int64_t count = shape_count(s->shape[i]);
        TRY(mem_alloc(s->rt, count, sizeof(real), &s->value[i], err));
        for (int64_t k = 0; k < count; k++) {
            const double u = random_uniform(2, (uint64_t)i, (uint64_t)k);
            s->value[i][k] = (real)(positive ? 0.5 + u : 2 * u - 1);
        }
    }
    return MEDLEY_OK;
}

static medley_status make_matrix(stage *s, const op_row *op, medley_error *err)
{
    const int64_t rows = op->tables > 0 ? s->shape[1].size[0] : s->shape[0].size[0], count = rows * op->entries;
    uint32_t *row = NULL, *column = NULL;
    float *value = NULL;
    medley_status status;
    TRY_DONE(mem_alloc(s->rt, count, sizeof *row, &row, err));
    TRY_DONE(mem_alloc(s->rt, count, sizeof *column, &column, err));
    TRY_DONE(mem_alloc(s->rt, count, sizeof *value, &value, err));
    for (int64_t i = 0; i < count; i++) {
        row[i] = (uint32_t)(i / op->entries);
        column[i] = (uint32_t)((double)s->shape[0].size[0] * random_uniform(4, 0, (uint64_t)i));
        value[i] = (float)random_uniform(4, 1, (uint64_t)i);
    }
    TRY_DONE(csr_build(s->rt, rows, s->shape[0].size[0], row, column, op->tables > 0 ? NULL : value, count,
                       &s->matrix, err));
    TRY_DONE(csr_transpose(s->rt, &s->matrix.view, &s->transposed, err));
done:
    mem_free(row);
    mem_free(column);
    mem_free(value);
    return status;
}

static medley_status make_tables(stage *s, const op_row *op, medley_error *err)
{
    const bool dense = op->build == NULL;
    parameters_init(s->rt, &s->tables);
    for (int i = 0; i < op->tables; i++)
        parameters_add(&s->tables, i == 0 ? "p" : "q", s->shape[op->variables + i],
                       dense ? PARAMETER_DENSE : PARAMETER_ROWS, initial_xavier_uniform);
    TRY(parameters_allocate(s->rt, &s->tables, 1, err));
    if (op->updates == 0)
        return MEDLEY_OK;
    optimizer_options options = optimizer_defaults((optimizer_kind)(op->updates - 1));
    options.rows = ROWS_LAZY;
    if (dense)
        memcpy(s->tables.list[0]->grad, s->value[0], (size_t)shape_count(s->shape[0]) * sizeof(real));
    return optimizer_create(s->rt, &s->tables, &options, &s->optimizer, err);
}

static medley_status stage_open(stage *s, medley_runtime *rt, const bench_case *c, const op_row *op,
                                medley_error *err)
{
    *s = (stage){.rt = rt, .shape = c->shape};
    TRY(make_indexes(s, op, err));
    TRY(make_values(s, op->positive, err));
    if (op->entries > 0)
        TRY(make_matrix(s, op, err));
    TRY(make_tables(s, op, err));
    TRY(graph_create(rt, &s->g, err));
    graph_use_bf16(s->g, op->bf16);
    return MEDLEY_OK;
}

static void stage_close(stage *s)
{
    graph_free(s->g);
    optimizer_free(s->optimizer);
    parameters_release(&s->tables);
    csr_release(&s->matrix);
    csr_release(&s->transposed);
    for (int i = 0; i < SHAPES_MOST; i++)
        mem_free(s->value[i]);
    mem_free(s->grad);
    mem_free(s->index);
    mem_free(s->index2);
    mem_free(s->length);
}

/* ---- measuring ---- */

static medley_status backward(stage *s, node *y, medley_error *err)
{
    const int64_t count = shape_count(y->shape);
    TRY(graph_status(s->g, err));
    if (s->grads < count) {
        TRY(mem_resize(s->rt, &s->grad, count, sizeof *s->grad, err));
        for (; s->grads < count; s->grads++)
            s->grad[s->grads] = (real)(1e-3 * random_uniform(3, 0, (uint64_t)s->grads));
    }
    return graph_backward_from(s->g, y, s->grad, err);
}

static medley_status step(stage *s, const op_row *op, uint64_t number, medley_error *err)
{
    node *x[SHAPES_MOST] = {0};
    if (op->build != NULL) {
        graph_begin(s->g, (graph_place){.seed = 1, .step = number, .training = true});
        for (int i = 0; i < op->variables; i++)
            x[i] = graph_variable(s->g, s->shape[i], s->value[i]);
        TRY(backward(s, op->build(s, x), err));
    }
    return s->optimizer != NULL ? optimizer_step(s->optimizer, 1e-3, NULL, err) : MEDLEY_OK;
}

static double processor(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int order_of(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median_of(double *seconds, int count)
{
    qsort(seconds, (size_t)count, sizeof *seconds, order_of);
    return (seconds[(count - 1) / 2] + seconds[count / 2]) / 2;
}

/* Steps for so many processor seconds, 3 at least, after 2 that make the arena as large as it gets. */
static medley_status measure(stage *s, const op_row *op, double seconds, medley_error *err)
{
    static double wall[STEPS_MOST], cpu[STEPS_MOST];
    int count = 0;
    uint64_t number = 0;
    for (; number < 2; number++)
        TRY(step(s, op, number, err));
    for (const double end = processor() + seconds; count < 3 || (count < STEPS_MOST && processor() < end);
         count++) {
        const double before = now(), used = processor();
        TRY(step(s, op, ++number, err));
        wall[count] = now() - before;
        cpu[count] = processor() - used;
    }
    fprintf(stdout, "%.9f\t%.9f\n", median_of(wall, count), median_of(cpu, count));
    return MEDLEY_OK;
}

static medley_status measure_case(medley_runtime *rt, const char *name, double seconds, medley_error *err)
{
    const bench_case *c = NULL;
    const op_row *op = NULL;
    char known[256];
    stage s;
    for (int i = 0; i < CASES && c == NULL; i++)
        c = strcmp(case_name(&cases[i], known), name) == 0 ? &cases[i] : NULL;
    if (c == NULL)
        return fail(err, MEDLEY_E_ARGUMENT, "%s: there is no such case", name);
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++)
        op = strcmp(ops[i].name, c->op) == 0 ? &ops[i] : op;
    assert(op != NULL);
    medley_status status = stage_open(&s, rt, c, op, err);
    if (status == MEDLEY_OK)
        status = measure(&s, op, seconds, err);
    stage_close(&s);
    return status;
}

/* What bounds every op here, by one thread's processor time: bytes that a copy of 128 MiB reads and writes a second, and
 * operations of a product of [1024, 1024] by another. */
static medley_status measure_machine(medley_runtime *rt, medley_error *err)
{
    enum { BYTES = 1 << 26, SIZE = 1024 };
    char *from = NULL, *to = NULL;
    double copy = INFINITY, product = INFINITY;
    medley_status status;
    TRY_DONE(mem_alloc(rt, BYTES, 1, &from, err));
    TRY_DONE(mem_alloc(rt, BYTES, 1, &to, err));
    memset(from, 0, BYTES);
    for (int run = 0; run < 5; run++) {
        const real *const a = (const real *)from;
        const gemm_job job = {false,           false, SIZE, SIZE,       SIZE, 1,    a,   SIZE,
                              a + SIZE * SIZE, SIZE,  0,    (real *)to, SIZE, NULL, NULL};
        double before = processor();
        memcpy(to, from, BYTES);
        copy = fmin(copy, processor() - before);
        before = processor();
        gemm(&job);
        product = fmin(product, processor() - before);
    }
    fprintf(stdout, "%.4g\t%.4g\n", 2.0 * BYTES / copy, 2.0 * SIZE * SIZE * SIZE / product);
done:
    mem_free(from);
    mem_free(to);
    return status;
}

static medley_status serve(medley_runtime *rt, medley_error *err)
{
    char line[512];
    while (fgets(line, sizeof line, stdin) != NULL) {
        char *const tab = strchr(line, '\t');
        double seconds = 0;
        if (tab == NULL || !number_real(tab + 1, strcspn(tab + 1, "\n"), &seconds))
            return fail(err, MEDLEY_E_ARGUMENT, "input: accepted is a case, a tab and seconds");
        *tab = '\0';
        if (strcmp(line, "machine") == 0)
            TRY(measure_machine(rt, err));
        else
            TRY(measure_case(rt, line, seconds, err));
        fflush(stdout);
    }
    return MEDLEY_OK;
}

int main(int argc, char **argv)
{
    const medley_runtime_options options = {.threads = (int)argument(argc, argv, 2, 0)};
    medley_runtime *rt;
    medley_error err;
    char known[256];
    if (argc > 1 && strcmp(argv[1], "list") == 0) {
        for (int i = 0; i < CASES; i++)
            fprintf(stdout, "%s\n", case_name(&cases[i], known));
        return 0;
    }
    if (argc < 2 || strcmp(argv[1], "serve") != 0) {
        fprintf(stderr, "usage: bench_ops list | serve [threads]\n");
        return 2;
    }
    medley_status status = medley_runtime_create(&options, &rt, &err);
    if (status == MEDLEY_OK) {
        status = serve(rt, &err);
        medley_runtime_free(rt);
    }
    if (status != MEDLEY_OK)
        fprintf(stderr, "bench_ops: %s\n", err.message);
    return status == MEDLEY_OK ? 0 : 1;
}
