/* No model at all: every score is 0, so the tie rule alone makes the list, in an order hashed from (seed, user,
 * item), and a metric is its expectation over all orders. What a model must beat. */
#include "model/model.h"

static const medley_param params[] = {MEDLEY_PARAMS_END};

static int64_t estimate(const void *unused, const training *data)
{
    (void)unused;
    (void)data;
    return 0;
}

static void count_work(const void *unused, const training_size *s, workload *fit, workload *encode)
{
    (void)unused;
    (void)s;
    (void)fit;
    (void)encode;
}

static medley_status fit(const medley_runtime *rt, const void *unused, const training *data, model_state *state,
                         medley_error *err)
{
    (void)rt;
    (void)unused;
    (void)data;
    (void)state;
    (void)err;
    return MEDLEY_OK;
}

static medley_status score(const void *values, const model_state *state, int64_t users, int64_t items,
                           scoring *out, medley_error *err)
{
    (void)values;
    (void)state;
    (void)users;
    (void)err;
    *out = (scoring){.form = SCORING_FACTORED, .items = items};
    return MEDLEY_OK;
}

extern const model_class model_random;
const model_class model_random = {
    .name = "random",
    .title = "Random",
    .summary = "no preference: metrics are those of chance",
    .paper =
        "none: every item scores 0, and equal scores are ordered by a hash of the evaluation's seed, the user "
        "and the item",
    .params = params,
    .params_size = 0,
    .limits = "nobody and nothing: everybody gets items by chance",
    .advice = "free some memory",
    .estimate = estimate,
    .work = count_work,
    .fit = fit,
    .scoring = score,
};
