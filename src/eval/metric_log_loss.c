#include <math.h>

#include "eval/metric.h"

/* -(y ln p + (1 - y) ln(1 - p)) */
static double loss(double y, double p)
{
    p = fmin(fmax(p, 1e-7), 1 - 1e-7);
    return -(y * log(p) + (1 - y) * log1p(-p));
}

static void add(const judged *user, int64_t k, const metric_context *context, double sums[METRIC_SUMS])
{
    (void)k;
    (void)context;
    for (const judged_target *t = user->targets; t < user->targets + user->relevant; t++)
        sums[0] += loss((double)t->rating, (double)t->score);
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

const metric_class metric_log_loss = {
    .name = "log_loss",
    .summary = "mean cross-entropy of predicted probabilities",
    .definition =
        "mean over all pairs of the part of -(y ln p + (1 - y) ln(1 - p)), y the rating, p the prediction kept "
        "within 1e-7..1 - 1e-7. For stores whose ratings lie within 0..1. A user's own value is over the user's "
        "pairs.",
    .worst = INFINITY,
    .best = 0,
    .needs = METRIC_NEEDS_PREDICTIONS | METRIC_NEEDS_SHARES,
    .no_cutoff = true,
    .of_user = of_user,
    .add = add,
    .of_sums = of_sums,
};
