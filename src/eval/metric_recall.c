#include "eval/metric.h"

static double recall(const judged *user, int64_t k, const metric_context *context)
{
    (void)context;
    return judged_hits(user, k) / (double)user->relevant;
}

const metric_class metric_recall = {
    .name = "recall",
    .summary = "share of the relevant items that is listed",
    .definition = "hits / |T|, T all relevant items of the user, masked ones included. Below 1 by "
                  "construction where |T| > k; see recall_capped. Ties: expectation over their random order.",
    .worst = 0,
    .best = 1,
    .needs = METRIC_NEEDS_LISTS,
    .of_user = recall,
};
