/* Matrix factorisation for ranking:
 *
 *   x_ui = <w_u, h_i> + b_i
 *   L = mean over triples (u, i, j) of -ln σ(x_ui - x_uj)
 *       + reg/2 (|w_u|² + |h_i|² + |h_j|² + b_i² + b_j²)
 *
 * Rendle, Freudenthaler, Gantner and Schmidt-Thieme, BPR: Bayesian personalized ranking from implicit feedback, UAI 2009.
 * Differences: batches and an optimizer of choice instead of single steps; pairs in a shuffled order, or drawn by user;
 * one penalty for all vectors. */
#include "model/triples.h"

typedef struct bprmf_params {
    learning settings;
    triples_params sampling;
    int64_t factors;
    double regularization, init;
    bool item_bias;
} bprmf_params;

static const medley_param params[] = {
    MEDLEY_INT(bprmf_params, factors, "64", 1, 4096, .sweep = "32,64,128", .help = "length of the vectors"),
    MEDLEY_REAL(bprmf_params, regularization, "0.01", 0, 1e6, .sweep = "log:1e-4..1e-1",
                .help = "squared penalty on the vectors of every triple"),
    MEDLEY_REAL(bprmf_params, init, "0.1", 0, 100, .help = "standard deviation of the vectors at the start"),
    MEDLEY_BOOL(bprmf_params, item_bias, "true", .sweep = "true,false", .help = "learn one bias an item"),
    TRIPLES_ROWS(bprmf_params, sampling),
    LEARNING_ROWS(bprmf_params, "100", "4096", "0.005", "adam", "lazy", "ndcg@10"),
    MEDLEY_PARAMS_END,
};

typedef struct bprmf {
    triples drawn; /* first: the functions of triples.h take it from here */
    const bprmf_params *p;
    int64_t users, items;
    parameter *user, *item, *bias; /* [U, D], [I, D], [I, 1] or NULL */
} bprmf;

static medley_status begin(const medley_runtime *rt, const void *values, const training *data, void **context,
                           medley_error *err)
{
    bprmf *m;
    TRY(mem_alloc_zero(rt, 1, sizeof *m, &m, err));
    *context = m;
    *m = (bprmf){.p = values, .users = data->users, .items = data->items};
    return triples_init(rt, &m->p->sampling, data, &m->drawn, err);
}

static void end(void *context)
{
    bprmf *m = context;
    triples_release(&m->drawn);
    mem_free(m);
}

static void declare(void *context, parameters *p)
{
    bprmf *m = context;
    const initial normal = {INITIAL_NORMAL, 0, m->p->init};
    m->user = parameters_add(p, "user", shape_2(m->users, m->p->factors), PARAMETER_ROWS, normal);
    m->item = parameters_add(p, "item", shape_2(m->items, m->p->factors), PARAMETER_ROWS, normal);
    if (m->p->item_bias)
        m->bias = parameters_add(p, "bias", shape_2(m->items, 1), PARAMETER_ROWS, initial_zero);
}

static node *loss(void *context, graph *g, const void *batch)
{
    const bprmf *m = context;
    const triple_batch *b = batch;
    const bpr_rows of = {.p = m->user,
                         .q = m->item,
                         .c = m->bias,
                         .user = b->user,
                         .positive = b->positive,
                         .negative = b->negative,
                         .count = b->count};
    return graph_bpr_rows(g, &of, m->p->regularization);
}

static medley_status finish(const medley_runtime *rt, void *context, const parameters *p, model_state *state,
                            medley_error *err)
{
    const bprmf *m = context;
    (void)p;
    TRY(model_add_copy(rt, state, "user", m->user->shape, m->user->value, err));
    TRY(model_add_copy(rt, state, "item", m->item->shape, m->item->value, err));
    return m->bias != NULL ? model_add_copy(rt, state, "bias", shape_1(m->items), m->bias->value, err) : MEDLEY_OK;
}

static medley_status score(const void *values, const model_state *state, int64_t users, int64_t items,
                           scoring *out, medley_error *err)
{
    const bprmf_params *p = values;
    return factored_scoring(state, users, items, p->factors, p->item_bias, out, err);
}

static const learner_class learner = {
    .loss_name = "bpr",
    .begin = begin,
    .end = end,
    .declare = declare,
    .examples = triples_examples,
    .batch_bytes = triples_batch_bytes,
    .fill = triples_fill,
    .loss = loss,
    .finish = finish,
};

extern const model_class model_bprmf;
const model_class model_bprmf = {
    .name = "bprmf",
    .title = "BPR-MF",
    .summary = "vectors of users and items that rank what was chosen above what was not",
    .paper = "Rendle, Freudenthaler, Gantner and Schmidt-Thieme, BPR: Bayesian personalized ranking from implicit "
             "feedback, UAI 2009; in batches, by an optimizer of choice, one penalty for all vectors",
    .params = params,
    .params_size = sizeof(bprmf_params),
    .limits = "users that were not trained on; items without training users",
    .advice = "lower factors",
    .learner = &learner,
    .scoring = score,
};
