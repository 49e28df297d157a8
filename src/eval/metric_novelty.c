#include <math.h>

#include "eval/metric.h"

static double novelty(const judged *user, int64_t k, const metric_context *context)
{
    const int64_t length = k < user->listed ? k : user->listed;
    const double users = context->training_users > 0 ? (double)context->training_users : 1;
    double bits = 0;
    for (int64_t i = 0; i < length; i++) {
        const int64_t count = context->item_count[user->list[i]];
        bits += log2(users / (double)(count > 1 ? count : 1));
    }
    return length > 0 ? bits / (double)length : 0;
}

const metric_class metric_novelty = {
    .name = "novelty",
    .summary = "mean self-information of the listed items, in bits",
    .definition = "mean over the first k of -log2(max(c_i, 1) / U), c_i the training users of item i, U all "
                  "users with a training interaction; an item unseen in training counts as seen once. 0 for "
                  "an empty list. Lists as shown: ties broken by the hash of (seed, user, item).",
    .worst = 0,
    .best = INFINITY,
    .needs = METRIC_NEEDS_LISTS,
    .of_user = novelty,
};
