#include "eval/metric.h"

static double item_coverage(const exposure *lists, const metric_context *context)
{
    return (double)(context->items - lists->histogram[0]) / (double)context->items;
}

const metric_class metric_item_coverage = {
    .name = "item_coverage",
    .summary = "share of the catalogue that is listed for someone",
    .definition = "items in at least one user's first k / items of the whole catalogue. Lists as shown: ties "
                  "broken by the hash of (seed, user, item).",
    .worst = 0,
    .best = 1,
    .needs = METRIC_NEEDS_LISTS,
    .of_lists = item_coverage,
};
