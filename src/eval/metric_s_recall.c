#include <math.h>

#include "eval/metric.h"

static double s_recall(const judged *user, int64_t k, const metric_context *context)
{
    const int64_t values = context->attributes->dimensions;
    int64_t seen = 0;
    attribute_shares(context->attributes, user->list, judged_shown(user, k), user->room);
    for (int64_t v = 0; v < values; v++)
        seen += user->room[v] > 0;
    return values > 0 ? (double)seen / (double)values : NAN;
}

const metric_class metric_s_recall = {
    .name = "s_recall",
    .summary = "share of an attribute's values that the list covers",
    .definition =
        "different values of the attribute that the report names (genres) among the first k / different values in "
        "the catalogue. Zhai, Cohen and Lafferty, SIGIR 2003, with all listed items. (Elliot counts the values "
        "of relevant listed items only.) Lists as shown: ties broken by the hash of (seed, user, item).",
    .worst = 0,
    .best = 1,
    .needs = METRIC_NEEDS_LISTS | METRIC_NEEDS_ATTRIBUTE,
    .beyond = true,
    .of_user = s_recall,
};
