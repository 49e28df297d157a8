#include <math.h>

#include "eval/metric.h"

static double efd(const judged *user, int64_t k, const metric_context *context)
{
    const int64_t shown = judged_shown(user, k);
    double sum = 0;
    for (const judged_target *t = user->targets; t < user->targets + user->relevant; t++) {
        const double discount = target_discount(context, t, k);
        const int64_t count = context->item_count[t->item];
        if (discount > 0 && context->training_pairs > 0)
            sum += discount * log2((double)context->training_pairs /
                                   (double)(count > context->least_count ? count : context->least_count));
    }
    return shown > 0 ? sum / metric_discounts(context, 0, shown) : 0;
}

const metric_class metric_efd = {
    .name = "efd",
    .summary = "expected free discovery: information of the relevant items listed, in bits",
    .definition =
        "sum over i = 1..k of rel_i (-log2(c / S)) / log2(i + 1), over the sum of 1 / log2(i + 1) over the "
        "places listed; c the training users of the item at i, S the sum of c over all items; an item unseen "
        "in training has the smallest c of those seen. Vargas and Castells, RecSys 2011, with rank discount "
        "and relevance. Ties: expectation over their random order.",
    .worst = 0,
    .best = INFINITY,
    .needs = METRIC_NEEDS_LISTS,
    .beyond = true,
    .of_user = efd,
};
