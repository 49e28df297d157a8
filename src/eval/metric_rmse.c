#include <math.h>

#include "eval/metric.h"

static void add(const judged *user, int64_t k, const metric_context *context, double sums[METRIC_SUMS])
{
    (void)k;
    (void)context;
    for (const judged_target *t = user->targets; t < user->targets + user->relevant; t++) {
        const double error = (double)t->score - (double)t->rating;
        sums[0] += error * error;
    }
    sums[1] += (double)user->relevant;
}

static double of_sums(const double sums[METRIC_SUMS])
{
    return sqrt(sums[0] / sums[1]);
}

static double of_user(const judged *user, int64_t k, const metric_context *context)
{
    double sums[METRIC_SUMS] = {0};
    add(user, k, context, sums);
    return of_sums(sums);
}

const metric_class metric_rmse = {
    .name = "rmse",
    .summary = "root of the mean squared error of predicted ratings",
    .definition =
        "sqrt(sum of (prediction - rating)^2 / number of rated pairs), over all pairs of the part, not a mean "
        "over users. A user's own value is over the user's pairs.",
    .worst = INFINITY,
    .best = 0,
    .needs = METRIC_NEEDS_PREDICTIONS,
    .no_cutoff = true,
    .of_user = of_user,
    .add = add,
    .of_sums = of_sums,
};
