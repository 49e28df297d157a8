#include "eval/metric.h"

static void weigh(const judged *user, int64_t k, const metric_context *context, double *got, double *most)
{
    *got = *most = 0;
    for (const judged_target *t = user->targets; t < user->targets + user->relevant; t++)
        *got += metric_weight(context, t->item) * target_chance(t, k);
    for (int64_t i = 0; i < judged_most_hits(user, k); i++)
        *most += (double)user->best_weights[i];
}

static double of_user(const judged *user, int64_t k, const metric_context *context)
{
    double got, most;
    weigh(user, k, context, &got, &most);
    return got / most;
}

static void add(const judged *user, int64_t k, const metric_context *context, double sums[METRIC_SUMS])
{
    double got, most;
    weigh(user, k, context, &got, &most);
    sums[0] += got;
    sums[1] += most;
}

static double of_sums(const double sums[METRIC_SUMS])
{
    return sums[0] / sums[1];
}

const metric_class metric_hr_debiased = {
    .name = "hr_debiased",
    .summary = "hits, each counting inversely to the item's popularity",
    .definition =
        "sum over users of sum of w_i over relevant items among the first k, over the same sum for ideal "
        "lists (the min(k, |T|) largest weights of each user); w_i = 1 / max(c_i, 1), c_i the training "
        "users of item i. Inverse propensity weighting with propensity in proportion to popularity, "
        "self-normalised over all users (Yang et al., RecSys 2018). With one relevant item a user: the "
        "weighted hit rate. A user's own value is the ratio of the user's sums. Ties: expectation over "
        "their random order.",
    .worst = 0,
    .best = 1,
    .needs = METRIC_NEEDS_LISTS | METRIC_NEEDS_WEIGHTS,
    .beyond = true,
    .of_user = of_user,
    .add = add,
    .of_sums = of_sums,
};
