/* Light graph convolution:
 *
 *   E(0) = the learnt vectors of users and items;  E(l+1) = D^-1/2 A D^-1/2 E(l)
 *   E = mean over l = 0..layers of E(l);  x_ui = <E_u, E_i>
 *   L = mean over triples (u, i, j) of -ln σ(x_ui - x_uj) + reg/2 (|E(0)_u|² + |E(0)_i|² + |E(0)_j|²)
 *
 * A: who has had what, both ways; D: its degrees. He, Deng, Wang, Li, Zhang and Wang, LightGCN, SIGIR 2020, as their own
 * program does it: every step propagates through the whole graph. Differences: none but the choice of optimizer. */
#include "model/triples.h"

typedef struct lightgcn_params {
    learning settings;
    triples_params sampling;
    int64_t factors, layers;
    double regularization, init;
} lightgcn_params;

static const medley_param params[] = {
    MEDLEY_INT(lightgcn_params, factors, "64", 1, 4096, .sweep = "32,64,128", .help = "length of the vectors"),
    MEDLEY_INT(lightgcn_params, layers, "3", 0, 16, .sweep = "1,2,3,4", .help = "steps through the graph"),
    MEDLEY_REAL(lightgcn_params, regularization, "0.0001", 0, 1e6, .sweep = "log:1e-6..1e-2",
                .help = "squared penalty on the learnt vectors of every triple"),
    MEDLEY_REAL(lightgcn_params, init, "0.1", 0, 100, .help = "standard deviation of the vectors at the start"),
    TRIPLES_ROWS(lightgcn_params, sampling),
    LEARNING_ROWS(lightgcn_params, "100", "2048", "0.001", "adam", "exact", "ndcg@10"),
    MEDLEY_PARAMS_END,
};

typedef struct lightgcn {
    triples drawn; /* first: the functions of triples.h take it from here */
    const lightgcn_params *p;
    int64_t users, items;
    csr_owner graph;      /* [U + I, U + I] D^-1/2 A D^-1/2, symmetric */
    parameter *embedding; /* [U + I, D] */
} lightgcn;

/* Rows of users, then of items. */
static medley_status make_graph(const medley_runtime *rt, const csr *m, csr_owner *out, medley_error *err)
{
    csr_owner by_item = {0};
    const int64_t users = m->rows, items = m->columns, pairs = csr_count(m);
    medley_status status;
    TRY_DONE(csr_transpose(rt, m, &by_item, err));
    TRY_DONE(mem_alloc(rt, users + items + 1, sizeof *out->start, &out->start, err));
    TRY_DONE(mem_alloc(rt, 2 * pairs, sizeof *out->index, &out->index, err));
    TRY_DONE(mem_alloc(rt, 2 * pairs, sizeof *out->value, &out->value, err));
    for (int64_t row = 0; row <= users; row++)
        out->start[row] = m->start[row];
    for (int64_t row = 1; row <= items; row++)
        out->start[users + row] = pairs + by_item.view.start[row];
    for (int64_t side = 0; side < 2; side++) {
        const csr *from = side == 0 ? m : &by_item.view, *other = side == 0 ? &by_item.view : m;
        const int64_t shift = side == 0 ? users : 0, place = side == 0 ? 0 : pairs;
        for (int64_t row = 0; row < from->rows; row++)
            for (int64_t at = from->start[row]; at < from->start[row + 1]; at++) {
                const double degrees =
                    (double)csr_row_count(from, row) * (double)csr_row_count(other, from->index[at]);
                out->index[place + at] = (uint32_t)(shift + from->index[at]);
                out->value[place + at] = (float)(1 / sqrt(degrees));
            }
    }
    out->view = (csr){users + items, users + items, out->start, out->index, out->value};
done:
    csr_release(&by_item);
    return status;
}

static medley_status begin(const medley_runtime *rt, const void *values, const training *data, void **context,
                           medley_error *err)
{
    lightgcn *m;
    TRY(mem_alloc_zero(rt, 1, sizeof *m, &m, err));
    *context = m;
    *m = (lightgcn){.p = values, .users = data->users, .items = data->items};
    TRY(triples_init(rt, &m->p->sampling, data, &m->drawn, err));
    return make_graph(rt, &data->matrix, &m->graph, err);
}

static void end(void *context)
{
    lightgcn *m = context;
    triples_release(&m->drawn);
    csr_release(&m->graph);
    mem_free(m);
}

static void declare(void *context, parameters *p)
{
    lightgcn *m = context;
    m->embedding = parameters_add(p, "embedding", shape_2(m->users + m->items, m->p->factors), PARAMETER_DENSE,
                                  (initial){INITIAL_NORMAL, 0, m->p->init});
}

/* Items are rows behind the users. */
static void fill(const void *context, const batch_place *at, void *batch)
{
    const lightgcn *m = context;
    const triple_batch *b = batch;
    triples_fill(context, at, batch);
    for (int64_t i = 0; i < b->count; i++) {
        b->positive[i] += (uint32_t)m->users;
        b->negative[i] += (uint32_t)m->users;
    }
}

/* E: [U + I, D] */
static node *propagate(const lightgcn *m, graph *g, node *start)
{
    node *layer = start, *sum = start;
    for (int64_t l = 0; l < m->p->layers; l++) {
        layer = graph_spmm(g, &m->graph.view, &m->graph.view, layer);
        sum = graph_add(g, sum, layer);
    }
    return graph_scale(g, sum, 1 / (double)(m->p->layers + 1));
}

static node *rows_square(graph *g, node *x, const uint32_t *row, int64_t count)
{
    return graph_sum(g, graph_square(g, graph_select(g, x, row, count)));
}

static node *loss(void *context, graph *g, const void *batch)
{
    lightgcn *m = context;
    const triple_batch *b = batch;
    const int64_t B = b->count;
    node *start = graph_parameter(g, m->embedding), *all = propagate(m, g, start);
    node *user = graph_select(g, all, b->user, B);
    node *l = graph_bpr(g, graph_rows_dot(g, user, graph_select(g, all, b->positive, B)),
                        graph_rows_dot(g, user, graph_select(g, all, b->negative, B)));
    if (m->p->regularization == 0)
        return l;
    node *squares =
        graph_add(g, rows_square(g, start, b->user, B),
                  graph_add(g, rows_square(g, start, b->positive, B), rows_square(g, start, b->negative, B)));
    return graph_add(g, l, graph_scale(g, squares, m->p->regularization / (2 * (double)B)));
}

static medley_status finish(const medley_runtime *rt, void *context, const parameters *p, model_state *state,
                            medley_error *err)
{
    const lightgcn *m = context;
    const int64_t D = m->p->factors;
    graph *g;
    (void)p;
    TRY(graph_create(rt, &g, err));
    graph_begin(g, (graph_place){0});
    const node *all = propagate(m, g, graph_parameter(g, m->embedding));
    medley_status status = graph_status(g, err);
    if (status == MEDLEY_OK)
        status = model_add_copy(rt, state, "user", shape_2(m->users, D), all->value, err);
    if (status == MEDLEY_OK)
        status = model_add_copy(rt, state, "item", shape_2(m->items, D), all->value + m->users * D, err);
    graph_free(g);
    return status;
}

static medley_status score(const void *values, const model_state *state, int64_t users, int64_t items,
                           scoring *out, medley_error *err)
{
    return factored_scoring(state, users, items, ((const lightgcn_params *)values)->factors, false, out, err);
}

static const learner_class learner = {
    .loss_name = "bpr",
    .begin = begin,
    .end = end,
    .declare = declare,
    .examples = triples_examples,
    .batch_bytes = triples_batch_bytes,
    .fill = fill,
    .loss = loss,
    .finish = finish,
};

extern const model_class model_lightgcn;
const model_class model_lightgcn = {
    .name = "lightgcn",
    .title = "LightGCN",
    .summary = "vectors of users and items smoothed over the graph of who has had what",
    .paper =
        "He, Deng, Wang, Li, Zhang and Wang, LightGCN: simplifying and powering graph convolution network for "
        "recommendation, SIGIR 2020; as their program does it, with an optimizer of choice",
    .params = params,
    .params_size = sizeof(lightgcn_params),
    .limits = "users that were not trained on; items without training users",
    .advice = "lower factors or batch_size",
    .learner = &learner,
    .scoring = score,
};
