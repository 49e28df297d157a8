#include <math.h>

#include "eval/metric.h"

static double aplt(const judged *user, int64_t k, const metric_context *context)
{
    const int64_t shown = judged_shown(user, k);
    int64_t tail = 0;
    for (int64_t i = 0; i < shown; i++)
        tail += context->head[user->list[i]] == 0;
    return shown > 0 ? (double)tail / (double)shown : NAN;
}

const metric_class metric_aplt = {
    .name = "aplt",
    .summary = "share of the list that is long tail",
    .definition =
        "items of the first k that are not in the short head / items listed. Short head: the most popular items "
        "that together hold 80 % of the training interactions, items of equal popularity in or out together "
        "(Elliot cuts among them by its own order). Not defined for an empty list. Lists as shown: ties "
        "broken by the hash of (seed, user, item).",
    .worst = 0,
    .best = 1,
    .needs = METRIC_NEEDS_LISTS,
    .beyond = true,
    .of_user = aplt,
};
