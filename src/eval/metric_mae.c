#include <math.h>

#include "eval/metric.h"

static void add(const judged *user, int64_t k, const metric_context *context, double sums[METRIC_SUMS])
{
    (void)k;
    (void)context;
    for (const judged_target *t = user->targets; t < user->targets + user->relevant; t++)
        sums[0] += fabs((double)t->score - (double)t->rating);
    sums[1] += (double)user->relevant;
}

static double of_sums(const double sums[METRIC_SUMS])
{
    return sums[0] / sums[1];
}

static double of_user(const judged *user, int64_t k, const metric_context *context)
{
    double sums[METRIC_SUMS] = {0};
    add(user, k, context, sums);
    return of_sums(sums);
}

const metric_class metric_mae = {
    .name = "mae",
    .summary = "mean absolute error of predicted ratings",
    .definition =
        "sum of |prediction - rating| / number of rated pairs, over all pairs of the part, not a mean over "
        "users. A user's own value is over the user's pairs.",
    .worst = INFINITY,
    .best = 0,
    .needs = METRIC_NEEDS_PREDICTIONS,
    .no_cutoff = true,
    .of_user = of_user,
    .add = add,
    .of_sums = of_sums,
};
