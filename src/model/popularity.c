/* The same list for everybody: items by how many training users have them. */
#include "model/model.h"

static const medley_param params[] = {MEDLEY_PARAMS_END};

static int64_t estimate(const void *unused, const training *data)
{
    (void)unused;
    return mem_bytes(data->items, sizeof(float));
}

static void count_work(const void *unused, const training_size *s, workload *fit, workload *encode)
{
    (void)unused;
    (void)encode;
    fit->alone[WORK_UPDATES] += s->entries;
}

static medley_status fit(const medley_runtime *rt, const void *unused, const training *data, model_state *state,
                         medley_error *err)
{
    float *users_of; /* [I]; counts are exact up to 2^24 */
    (void)unused;
    TRY(model_add(rt, state, "bias", TENSOR_F32, 1, &data->items, &users_of, err));
    for (int64_t i = 0; i < csr_count(&data->matrix); i++)
        users_of[data->matrix.index[i]]++;
    return MEDLEY_OK;
}

static medley_status score(const void *values, const model_state *state, int64_t users, int64_t items,
                           scoring *out, medley_error *err)
{
    (void)values;
    const named_tensor *bias;
    (void)users;
    TRY(model_tensor(state, "bias", TENSOR_F32, 1, &items, &bias, err));
    *out = (scoring){.form = SCORING_FACTORED, .items = items, .bias = bias->data};
    return MEDLEY_OK;
}

extern const model_class model_popularity;
const model_class model_popularity = {
    .name = "popularity",
    .title = "Most popular",
    .summary = "the same list for everybody, most users first",
    .paper = "the baseline of Cremonesi, Koren and Turrin, Performance of recommender algorithms on top-n "
             "recommendation tasks, RecSys 2010; counts distinct users, not interactions",
    .params = params,
    .params_size = 0,
    .limits =
        "nobody and nothing: users without history get the same list; items without training users come last",
    .advice = "free some memory",
    .estimate = estimate,
    .work = count_work,
    .fit = fit,
    .scoring = score,
};
