/* Matrix factorisation of ratings:
 *
 *   r_ui ~ <p_u, q_i>, or with biases  mu + b_u + b_i + <p_u, q_i>
 *   L = mean over ratings of (r_ui - that)^2 + reg (|p_u|^2 + |q_i|^2 + b_u^2 + b_i^2)
 *
 * Koren, Bell and Volinsky, Matrix factorization techniques for recommender systems, Computer 2009; with biases it is
 * FunkSVD. The defaults are those of the MovieLens notebook that many start from: no biases, vectors that start evenly in
 * 0..0.05, Adam, batches of 128, 20 factors, 128 epochs. */
#include "model/mf.h"

#include "data/negative_sampler.h"

static const medley_param params[] = {
    MF_ROWS(mf_params),
    LEARNING_ROWS(mf_params, "128", "128", "0.001", "adam", "exact", "rmse"),
    MEDLEY_PARAMS_END,
};

/* 0 without ratings: what the parameters take is asked for before anybody refuses to learn without. */
static double mean_of(const csr *m)
{
    const int64_t count = m->value != NULL ? csr_count(m) : 0;
    double sum = 0;
    for (int64_t i = 0; i < count; i++)
        sum += (double)m->value[i];
    return count > 0 ? sum / (double)count : 0;
}

medley_status mf_begin(const medley_runtime *rt, const void *values, const training *data, void **context,
                       medley_error *err)
{
    mf *m;
    TRY(mem_alloc_zero(rt, 1, sizeof *m, &m, err));
    *context = m;
    *m = (mf){.p = values, .ratings = &data->matrix, .seed = data->seed, .mean = mean_of(&data->matrix)};
    if (csr_count(m->ratings) > (int64_t)UINT32_MAX)
        return fail(err, MEDLEY_E_LIMIT, "%lld ratings, the most is %lld", (long long)csr_count(m->ratings),
                    (long long)UINT32_MAX);
    TRY(mem_alloc(rt, csr_count(m->ratings), sizeof *m->user_of, &m->user_of, err));
    for (int64_t u = 0; u < m->ratings->rows; u++)
        for (int64_t at = m->ratings->start[u]; at < m->ratings->start[u + 1]; at++)
            m->user_of[at] = (uint32_t)u;
    return MEDLEY_OK;
}

void mf_end(void *context)
{
    mf *m = context;
    mem_free(m->user_of);
    mem_free(m);
}

void mf_declare(void *context, parameters *p)
{
    mf *m = context;
    const int64_t users = m->ratings->rows, items = m->ratings->columns, D = m->p->factors;
    const initial even = {INITIAL_UNIFORM, 0, m->p->init};
    m->user = parameters_add(p, "user", shape_2(users, D), PARAMETER_ROWS, even);
    m->item = parameters_add(p, "item", shape_2(items, D), PARAMETER_ROWS, even);
    if (!m->p->biases)
        return;
    m->user_bias = parameters_add(p, "user_bias", shape_2(users, 1), PARAMETER_ROWS, initial_zero);
    m->item_bias = parameters_add(p, "item_bias", shape_2(items, 1), PARAMETER_ROWS, initial_zero);
}

int64_t mf_examples(const void *context)
{
    return csr_count(((const mf *)context)->ratings);
}

int64_t mf_batch_bytes(const void *context, int64_t count)
{
    (void)context;
    return (int64_t)sizeof(rating_batch) + count * (int64_t)(2 * sizeof(uint32_t) + sizeof(real));
}

/* Every rating once an epoch, shuffled. */
void mf_fill(const void *context, const batch_place *at, void *batch)
{
    const mf *m = context;
    rating_batch *out = batch;
    real *rating = (real *)(out + 1);
    uint32_t *user = (uint32_t *)(rating + at->count), *item = user + at->count;
    *out = (rating_batch){at->count, user, item, rating};
    permuted_all(at->seed, (uint64_t)at->epoch, (uint64_t)at->first, at->count, (uint64_t)csr_count(m->ratings),
                 item);
    for (int64_t i = 0; i < at->count; i++) {
        const uint32_t place = item[i];
        user[i] = m->user_of[place];
        item[i] = m->ratings->index[place];
        rating[i] = (real)m->ratings->value[place];
    }
}

/* b[row]: [count] */
static node *bias_of(graph *g, parameter *bias, const uint32_t *row, int64_t count)
{
    return graph_reshape(g, graph_gather(g, bias, row, shape_1(count)), shape_1(count));
}

static node *predict(const mf *m, graph *g, const rating_batch *b)
{
    node *r = graph_gather_dot(g, m->user, b->user, m->item, b->item, b->count);
    if (!m->p->biases)
        return r;
    r = graph_add(g, r, bias_of(g, m->user_bias, b->user, b->count));
    r = graph_add(g, r, bias_of(g, m->item_bias, b->item, b->count));
    return graph_shift(g, r, m->mean);
}

static node *penalty(const mf *m, graph *g, const rating_batch *b)
{
    node *sum = graph_add(g, graph_rows_square(g, m->user, b->user, b->count),
                          graph_rows_square(g, m->item, b->item, b->count));
    if (m->p->biases) {
        sum = graph_add(g, sum, graph_rows_square(g, m->user_bias, b->user, b->count));
        sum = graph_add(g, sum, graph_rows_square(g, m->item_bias, b->item, b->count));
    }
    return graph_scale(g, sum, m->p->regularization / (double)b->count);
}

node *mf_loss(void *context, graph *g, const void *batch)
{
    const mf *m = context;
    const rating_batch *b = batch;
    node *l = graph_mse(g, predict(m, g, b), b->rating);
    return m->p->regularization > 0 ? graph_add(g, l, penalty(m, g, b)) : l;
}

/* Adds `name` [rows, D], or with biases [rows, D + 1] whose last column is extra + bias[row] (bias NULL: extra). */
static medley_status add_side(const medley_runtime *rt, model_state *state, const char *name,
                              const parameter *side, bool biases, double extra, const real *bias,
                              medley_error *err)
{
    const int64_t rows = side->shape.size[0], D = side->shape.size[1], width = D + (biases ? 1 : 0);
    const int64_t sizes[] = {rows, width};
    float *out;
    TRY(model_add(rt, state, name, TENSOR_F32, 2, sizes, &out, err));
    for (int64_t r = 0; r < rows; r++) {
        memcpy(out + r * width, side->value + r * D, (size_t)D * sizeof *out);
        if (biases)
            out[r * width + D] = (float)(extra + (bias != NULL ? (double)bias[r] : 0));
    }
    return MEDLEY_OK;
}

/* r_ui = <(p_u, mu + b_u), (q_i, 1)> + b_i */
static medley_status finish(const medley_runtime *rt, void *context, const parameters *p, model_state *state,
                            medley_error *err)
{
    const mf *m = context;
    const bool biases = m->p->biases;
    (void)p;
    TRY(add_side(rt, state, "user", m->user, biases, m->mean, biases ? m->user_bias->value : NULL, err));
    TRY(add_side(rt, state, "item", m->item, biases, 1, NULL, err));
    return biases ? model_add_copy(rt, state, "bias", shape_1(m->ratings->columns), m->item_bias->value, err)
                  : MEDLEY_OK;
}

static medley_status score(const void *values, const model_state *state, int64_t users, int64_t items,
                           scoring *out, medley_error *err)
{
    const mf_params *p = values;
    return factored_scoring(state, users, items, p->factors + (p->biases ? 1 : 0), p->biases, out, err);
}

static const learner_class learner = {
    .loss_name = "mse",
    .needs_ratings = true,
    .begin = mf_begin,
    .end = mf_end,
    .declare = mf_declare,
    .examples = mf_examples,
    .batch_bytes = mf_batch_bytes,
    .fill = mf_fill,
    .loss = mf_loss,
    .finish = finish,
};

extern const model_class model_mf;
const model_class model_mf = {
    .name = "mf",
    .title = "MF",
    .summary = "vectors of users and items whose products are ratings",
    .paper =
        "Koren, Bell and Volinsky, Matrix factorization techniques for recommender systems, Computer 2009; no "
        "biases by default, as in the MovieLens notebook; with biases FunkSVD, in batches",
    .params = params,
    .params_size = sizeof(mf_params),
    .limits = "users that were not trained on; items without training users",
    .advice = "lower factors",
    .learner = &learner,
    .scoring = score,
    .predicts_ratings = true,
};
