#include <math.h>

#include "eval/metric.h"

static double arp(const judged *user, int64_t k, const metric_context *context)
{
    const int64_t shown = judged_shown(user, k);
    double sum = 0;
    for (int64_t i = 0; i < shown; i++)
        sum += (double)context->item_count[user->list[i]];
    return shown > 0 ? sum / (double)shown : NAN;
}

const metric_class metric_arp = {
    .name = "arp",
    .summary = "average popularity of the listed items",
    .definition =
        "mean over the first k of the item's training users. Not defined for an empty list. Lists as shown: ties "
        "broken by the hash of (seed, user, item).",
    .worst = INFINITY,
    .best = 0,
    .needs = METRIC_NEEDS_LISTS,
    .beyond = true,
    .of_user = arp,
};
