#include "eval/metric.h"

static double epc(const judged *user, int64_t k, const metric_context *context)
{
    const int64_t shown = judged_shown(user, k);
    const double users = context->training_users > 0 ? (double)context->training_users : 1;
    double sum = 0;
    for (const judged_target *t = user->targets; t < user->targets + user->relevant; t++)
        sum += (1 - (double)context->item_count[t->item] / users) * target_discount(context, t, k);
    return shown > 0 ? sum / metric_discounts(context, 0, shown) : 0;
}

const metric_class metric_epc = {
    .name = "epc",
    .summary = "expected popularity complement of the relevant items listed",
    .definition =
        "sum over i = 1..k of rel_i (1 - c / U) / log2(i + 1), over the sum of 1 / log2(i + 1) over the places "
        "listed; c the training users of the item at i, U all users with a training interaction. Vargas "
        "and Castells, RecSys 2011, with rank discount and relevance. Ties: expectation over their random "
        "order.",
    .worst = 0,
    .best = 1,
    .needs = METRIC_NEEDS_LISTS,
    .beyond = true,
    .of_user = epc,
};
