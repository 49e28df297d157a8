#include <math.h>

#include "eval/metric.h"

static double gain(const metric_context *context, float rating)
{
    return exp2((double)rating - context->relevant_from + 1) - 1;
}

static double ndcg_graded(const judged *user, int64_t k, const metric_context *context)
{
    double sum = 0, ideal = 0;
    for (const judged_target *t = user->targets; t < user->targets + user->relevant; t++)
        sum += gain(context, t->rating) * target_discount(context, t, k);
    for (int64_t i = 0; i < judged_most_hits(user, k); i++)
        ideal += gain(context, user->best_ratings[i]) * context->discount[i];
    return sum / ideal;
}

const metric_class metric_ndcg_graded = {
    .name = "ndcg_graded",
    .summary = "discounted gain with gains that grow with the rating",
    .definition =
        "as ndcg with the gain 2^(r - relevant_from + 1) - 1 for a relevant item of rating r, over the same "
        "sum for the user's min(k, |T|) highest rated items at the top. Elliot's nDCG. Ties: expectation "
        "over their random order.",
    .worst = 0,
    .best = 1,
    .needs = METRIC_NEEDS_LISTS | METRIC_NEEDS_RATINGS,
    .of_user = ndcg_graded,
};
