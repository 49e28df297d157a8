#include "eval/metric.h"

static double precision(const judged *user, int64_t k, const metric_context *context)
{
    (void)context;
    return judged_hits(user, k) / (double)k;
}

const metric_class metric_precision = {
    .name = "precision",
    .summary = "share of the list that is relevant",
    .definition = "hits / k. A list shorter than k is still divided by k. Ties: expectation over their random "
                  "order.",
    .worst = 0,
    .best = 1,
    .needs = METRIC_NEEDS_LISTS,
    .of_user = precision,
};
