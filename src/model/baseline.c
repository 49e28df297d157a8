/* Ratings explained by who rates and what is rated alone:
 *
 *   r_ui = mu + b_u + b_i
 *   b_i = sum over u of (r_ui - mu - b_u) / (reg_item + |U_i|)
 *   b_u = sum over i of (r_ui - mu - b_i) / (reg_user + |I_u|)
 *
 * in turn from b_u = 0. Koren, Factor in the neighbors, TKDD 2010, solved as Surprise's
 * BaselineOnly does ("als"). A score is <(b_u), (1)> + (mu + b_i): b_u is made from whatever ratings are known,
 * by the same formula. */
#include "model/model.h"

typedef struct baseline_params {
    double reg_item, reg_user;
    int64_t epochs;
} baseline_params;

static const medley_param params[] = {
    MEDLEY_REAL(baseline_params, reg_item, "10", 0, 1e6, .sweep = "log:0.1..100",
                .help = "ratings at the mean that every item is given beside its own"),
    MEDLEY_REAL(baseline_params, reg_user, "15", 0, 1e6, .sweep = "log:0.1..100",
                .help = "ratings at the mean that every user is given beside their own"),
    MEDLEY_INT(baseline_params, epochs, "10", 1, 10000, .help = "times that items and users are solved in turn"),
    MEDLEY_PARAMS_END,
};

static int64_t estimate(const void *unused, const training *data)
{
    (void)unused;
    return mem_bytes(csr_count(&data->matrix), 8) + mem_bytes(data->users + data->items, 16);
}

/* sum over the row of (r - of_others[column]) / (reg + the row's length) */
static double bias_of_row(const csr *m, int64_t row, double mean, const double *of_others, double reg)
{
    const int64_t count = csr_row_count(m, row);
    double sum = 0;
    for (int64_t at = m->start[row]; at < m->start[row + 1]; at++)
        sum += (double)m->value[at] - mean - of_others[m->index[at]];
    return count > 0 ? sum / (reg + (double)count) : 0;
}

static double mean_of(const csr *m)
{
    double sum = 0;
    for (int64_t i = 0; i < csr_count(m); i++)
        sum += (double)m->value[i];
    return csr_count(m) > 0 ? sum / (double)csr_count(m) : 0;
}

static void count_work(const void *values, const training_size *s, workload *fit, workload *encode)
{
    const baseline_params *p = values;
    const double entries = s->entries;
    fit->alone[WORK_UPDATES] += entries * 2 * ((double)p->epochs + 1);
    encode->alone[WORK_UPDATES] += 2 * entries;
}

static medley_status fit(const medley_runtime *rt, const void *values, const training *data, model_state *state,
                         medley_error *err)
{
    const baseline_params *p = values;
    const csr *by_user = &data->matrix;
    const int64_t shape[] = {data->items, 1};
    if (by_user->value == NULL)
        return fail(err, MEDLEY_E_CONFIG, "model: 'baseline' needs ratings, which the data does not have");
    csr_owner by_item = {0};
    double *of_user = NULL, *of_item = NULL;
    float *bias, *one;
    medley_status status;
    TRY_DONE(csr_transpose(rt, by_user, &by_item, err));
    TRY_DONE(mem_alloc_zero(rt, data->users, sizeof *of_user, &of_user, err));
    TRY_DONE(mem_alloc(rt, data->items, sizeof *of_item, &of_item, err));
    TRY_DONE(model_add(rt, state, "bias", TENSOR_F32, 1, &data->items, &bias, err));
    TRY_DONE(model_add(rt, state, "item", TENSOR_F32, 2, shape, &one, err));
    const double mean = mean_of(by_user);
    for (int64_t epoch = 0; epoch < p->epochs; epoch++) {
        for (int64_t i = 0; i < data->items; i++)
            of_item[i] = bias_of_row(&by_item.view, i, mean, of_user, p->reg_item);
        for (int64_t u = 0; u < data->users; u++)
            of_user[u] = bias_of_row(by_user, u, mean, of_item, p->reg_user);
    }
    for (int64_t i = 0; i < data->items; i++) {
        bias[i] = (float)(mean + of_item[i]);
        one[i] = 1;
    }
done:
    csr_release(&by_item);
    mem_free(of_user);
    mem_free(of_item);
    return status;
}

static medley_status score(const void *values, const model_state *state, int64_t users, int64_t items,
                           scoring *out, medley_error *err)
{
    const named_tensor *bias, *one;
    const int64_t shape[] = {items, 1};
    (void)values;
    (void)users;
    TRY(model_tensor(state, "bias", TENSOR_F32, 1, &items, &bias, err));
    TRY(model_tensor(state, "item", TENSOR_F32, 2, shape, &one, err));
    *out =
        (scoring){.form = SCORING_FACTORED, .items = items, .factors = 1, .item = one->data, .bias = bias->data};
    return MEDLEY_OK;
}

static medley_status encode(const medley_runtime *rt, const void *values, const model_state *unused,
                            const scoring *how, const histories *known, left_sides *out, medley_error *err)
{
    const baseline_params *p = values;
    csr_owner rated = {0};
    (void)unused;
    TRY(mem_alloc_zero(rt, known->rows, sizeof *out->vectors, &out->vectors, err));
    if (known->rating == NULL)
        return MEDLEY_OK; /* nothing is known of how they rate: b_u = 0 */
    TRY(histories_matrix(rt, known, how->items, true, &rated, err));
    for (int64_t row = 0; row < known->rows; row++) {
        const csr *m = &rated.view;
        double sum = 0;
        for (int64_t at = m->start[row]; at < m->start[row + 1]; at++)
            sum += (double)m->value[at] - (double)how->bias[m->index[at]];
        if (csr_row_count(m, row) > 0)
            out->vectors[row] = (float)(sum / (p->reg_user + (double)csr_row_count(m, row)));
    }
    csr_release(&rated);
    return MEDLEY_OK;
}

extern const model_class model_baseline;
const model_class model_baseline = {
    .name = "baseline",
    .title = "Rating biases",
    .summary = "the mean rating, higher or lower by who rates and what is rated",
    .paper = "Koren, Factor in the neighbors, TKDD 2010, by alternating least squares as in Surprise",
    .params = params,
    .params_size = sizeof(baseline_params),
    .limits = "data without ratings; everybody gets the same order of items",
    .advice = "free some memory",
    .estimate = estimate,
    .work = count_work,
    .fit = fit,
    .scoring = score,
    .encode = encode,
    .predicts_ratings = true,
};
