#include <math.h>

#include "eval/metric.h"

/* |a - b| of vectors of length 1 */
static double distance(double cosine)
{
    return sqrt(fmax(2 - 2 * cosine, 0));
}

static double ild(const judged *user, int64_t k, const metric_context *context)
{
    return judged_mean_pair(user, k, context->space, distance);
}

const metric_class metric_ild = {
    .name = "ild",
    .summary = "intra-list distance in a named space",
    .definition =
        "mean Euclidean distance over the pairs of different items among the first k, of vectors scaled to length "
        "1: sqrt(2 - 2 cosine), in the space that the report names. (With 1 - cosine as distance it is "
        "diversity.) Items without a vector are left out; not defined for fewer than two with one. Lists as "
        "shown: ties broken by the hash of (seed, user, item).",
    .worst = 0,
    .best = 2,
    .needs = METRIC_NEEDS_LISTS | METRIC_NEEDS_SPACE,
    .beyond = true,
    .of_user = ild,
};
