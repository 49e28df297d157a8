#include "eval/metric.h"

static double mean_precision(const judged *user, int64_t k, const metric_context *context)
{
    double sum = 0;
    (void)context;
    for (int64_t i = 1; i <= k; i++)
        sum += judged_hits(user, i) / (double)i;
    return sum / (double)k;
}

const metric_class metric_map_elliot = {
    .name = "map_elliot",
    .summary = "mean of the precisions at 1..k",
    .definition = "(P@1 + ... + P@k) / k: what Elliot prints as MAP. It is not average precision (see map), "
                  "and reaches 1 only where |T| >= k. Ties: expectation over their random order.",
    .worst = 0,
    .best = 1,
    .needs = METRIC_NEEDS_LISTS,
    .of_user = mean_precision,
};
