#include <math.h>

#include "eval/metric.h"

/* sums: items listed and items that could be, of the short head and of the long tail. */
static void add(const judged *user, int64_t k, const metric_context *context, double sums[METRIC_SUMS])
{
    const csr *train = context->train;
    for (int64_t i = 0; i < judged_shown(user, k); i++)
        sums[context->head[user->list[i]] != 0 ? 0 : 2]++;
    sums[1] += (double)context->head_items;
    sums[3] += (double)(context->items - context->head_items);
    for (int64_t at = train->start[user->user]; at < train->start[user->user + 1]; at++)
        sums[context->head[train->index[at]] != 0 ? 1 : 3]--;
}

static double of_sums(const double sums[METRIC_SUMS])
{
    const double head = sums[0] / sums[1], tail = sums[2] / sums[3];
    return fabs(head - tail) / (head + tail);
}

const metric_class metric_poprsp = {
    .name = "poprsp",
    .summary = "how unequal the chances of popular and unpopular items are",
    .definition =
        "standard deviation over mean of the two shares p = items listed among the first k / items the user does "
        "not have in training, of the short head (see aplt) and of the long tail, each summed over all users. "
        "Zhu et al., SIGIR 2020 (ranking-based statistical parity); 0: equal, 1: one group alone is listed. "
        "Lists as shown: ties broken by the hash of (seed, user, item).",
    .worst = 1,
    .best = 0,
    .needs = METRIC_NEEDS_LISTS,
    .beyond = true,
    .add = add,
    .of_sums = of_sums,
};
