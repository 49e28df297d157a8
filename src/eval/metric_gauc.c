#include <math.h>

#include "eval/metric.h"

static double of_user(const judged *user, int64_t k, const metric_context *context)
{
    (void)k;
    (void)context;
    return judged_auc(user);
}

static void add(const judged *user, int64_t k, const metric_context *context, double sums[METRIC_SUMS])
{
    const double auc = judged_auc(user);
    (void)k;
    (void)context;
    if (isnan(auc))
        return;
    sums[0] += auc * (double)user->relevant;
    sums[1] += (double)user->relevant;
}

static double of_sums(const double sums[METRIC_SUMS])
{
    return sums[0] / sums[1];
}

const metric_class metric_gauc = {
    .name = "gauc",
    .summary = "auc of the users, weighted by their relevant items",
    .definition =
        "sum over users of |T| auc_u / sum of |T|, auc_u as for auc (which gives users equal weight). Zhou et "
        "al., KDD 2018, with |T| for the impressions. A user's own value is auc_u.",
    .worst = 0,
    .best = 1,
    .needs = METRIC_NEEDS_LISTS | METRIC_NEEDS_RANKS,
    .no_cutoff = true,
    .of_user = of_user,
    .add = add,
    .of_sums = of_sums,
};
