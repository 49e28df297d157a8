/* The same list for everybody: items by how many training users had them lately,
 *
 *   score(i) = sum over users u that have i of 2^(-(T - t_ui) / half_life)  where T - t_ui < window
 *
 * t_ui: when u last had i;  T: the last training event. Without window and half-life it is popularity. */
#include "model/model.h"

#include <math.h>

typedef struct recent_params {
    double window_days, half_life_days;
} recent_params;

static const medley_param params[] = {
    MEDLEY_REAL(recent_params, window_days, "30", 0, 1e6, .sweep = "0,7,14,30,60,180,365",
                .help = "days before the last training event that count; 0: all"),
    MEDLEY_REAL(recent_params, half_life_days, "0", 0, 1e6, .sweep = "0,7,30,90,365",
                .help = "days after which a user counts half; 0: never"),
    MEDLEY_PARAMS_END,
};

static const double day = 86400;

static int64_t estimate(const void *unused, const training *data)
{
    (void)unused;
    return mem_bytes(data->items, sizeof(float) + sizeof(double) + sizeof(uint32_t));
}

static double weight_of(const recent_params *p, double age_days)
{
    if (p->window_days > 0 && age_days >= p->window_days)
        return 0;
    return p->half_life_days > 0 ? exp2(-age_days / p->half_life_days) : 1;
}

static int64_t last_time(const interactions *events)
{
    int64_t last = INT64_MIN;
    for (int64_t i = 0; i < events->count; i++)
        last = events->timestamp[i] > last ? events->timestamp[i] : last;
    return last;
}

/* From the last event of each user back, so that the first of an item is its latest.
 * counted: [I] zeroed; the user, plus one, whose item was counted last. */
static void count_users(const recent_params *p, const interactions *events, uint32_t *counted, double *sum)
{
    const double last = (double)last_time(events);
    for (int64_t at = events->count - 1; at >= 0; at--) {
        const uint32_t item = events->item[at], user = events->user[at] + 1;
        if (counted[item] == user)
            continue;
        counted[item] = user;
        sum[item] += weight_of(p, (last - (double)events->timestamp[at]) / day);
    }
}

static void count_work(const void *unused, const training_size *s, workload *fit, workload *encode)
{
    (void)unused;
    (void)encode;
    fit->alone[WORK_UPDATES] += 10 * s->events; /* an exponential each */
}

static medley_status fit(const medley_runtime *rt, const void *values, const training *data, model_state *state,
                         medley_error *err)
{
    if (data->events.timestamp == NULL)
        return fail(err, MEDLEY_E_CONFIG,
                    "model: 'recent_popularity' needs timestamps, which the data does not "
                    "have; 'popularity' is accepted");
    uint32_t *counted = NULL;
    double *sum = NULL;
    float *bias;
    medley_status status;
    TRY_DONE(mem_alloc_zero(rt, data->items, sizeof *counted, &counted, err));
    TRY_DONE(mem_alloc_zero(rt, data->items, sizeof *sum, &sum, err));
    TRY_DONE(model_add(rt, state, "bias", TENSOR_F32, 1, &data->items, &bias, err));
    count_users(values, &data->events, counted, sum);
    for (int64_t i = 0; i < data->items; i++)
        bias[i] = (float)sum[i];
done:
    mem_free(counted);
    mem_free(sum);
    return status;
}

static medley_status score(const void *values, const model_state *state, int64_t users, int64_t items,
                           scoring *out, medley_error *err)
{
    const named_tensor *bias;
    (void)values;
    (void)users;
    TRY(model_tensor(state, "bias", TENSOR_F32, 1, &items, &bias, err));
    *out = (scoring){.form = SCORING_FACTORED, .items = items, .bias = bias->data};
    return MEDLEY_OK;
}

extern const model_class model_recent_popularity;
const model_class model_recent_popularity = {
    .name = "recent_popularity",
    .title = "Recently popular",
    .summary = "the same list for everybody, most users lately first",
    .paper =
        "Ji, Sun, Zhang and Li, A re-visit of the popularity baseline in recommender systems, SIGIR 2020, for "
        "the window, here ending at the last training event for everybody; the decay is ours; counts distinct "
        "users, each at the last time",
    .params = params,
    .params_size = sizeof(recent_params),
    .limits = "data without timestamps; items outside the window come last, in no order",
    .advice = "free some memory",
    .estimate = estimate,
    .work = count_work,
    .fit = fit,
    .scoring = score,
};
