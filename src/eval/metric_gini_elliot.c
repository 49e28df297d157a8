#include "eval/metric.h"

extern const metric_class metric_gini;

static double complement(const exposure *lists, const metric_context *context)
{
    return 1 - metric_gini.of_lists(lists, context);
}

const metric_class metric_gini_elliot = {
    .name = "gini_elliot",
    .summary = "equality of how often the items are listed, 1 - gini",
    .definition =
        "1 - G, G as for gini: what Elliot prints as Gini. 1: every item of the catalogue is listed equally "
        "often; 0: one item only. Lists as shown.",
    .worst = 0,
    .best = 1,
    .needs = METRIC_NEEDS_LISTS,
    .beyond = true,
    .of_lists = complement,
};
