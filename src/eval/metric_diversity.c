#include "eval/metric.h"

static double distance(double cosine)
{
    return 1 - cosine;
}

static double diversity(const judged *user, int64_t k, const metric_context *context)
{
    return judged_mean_pair(user, k, context->space, distance);
}

const metric_class metric_diversity = {
    .name = "diversity",
    .summary = "how unlike each other the listed items are in a named space",
    .definition =
        "1 - mean cosine over the pairs of different items among the first k, in the space that the report names. "
        "Items without a vector are left out; not defined for fewer than two with one. 2 where cosines can be "
        "negative is the most, 1 otherwise. Lists as shown: ties broken by the hash of (seed, user, item).",
    .worst = 0,
    .best = 2,
    .needs = METRIC_NEEDS_LISTS | METRIC_NEEDS_SPACE,
    .beyond = true,
    .of_user = diversity,
};
