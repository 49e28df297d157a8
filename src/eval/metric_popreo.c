#include <math.h>

#include "eval/metric.h"

/* sums: expected hits and relevant items, of the short head and of the long tail. */
static void add(const judged *user, int64_t k, const metric_context *context, double sums[METRIC_SUMS])
{
    for (const judged_target *t = user->targets; t < user->targets + user->relevant; t++) {
        const int group = context->head[t->item] != 0 ? 0 : 2;
        sums[group] += target_chance(t, k);
        sums[group + 1] += 1;
    }
}

/* Of two numbers the standard deviation is |a - b| / 2 and the mean (a + b) / 2. */
static double of_sums(const double sums[METRIC_SUMS])
{
    const double head = sums[0] / sums[1], tail = sums[2] / sums[3];
    return fabs(head - tail) / (head + tail);
}

const metric_class metric_popreo = {
    .name = "popreo",
    .summary = "how unequal the chances of popular and unpopular relevant items are",
    .definition =
        "standard deviation over mean of the two shares p = relevant items listed among the first k / relevant "
        "items, of the short head (see aplt) and of the long tail, each summed over all users. Zhu et al., "
        "SIGIR 2020 (ranking-based equal opportunity); 0: equal, 1: one group alone is listed. Not defined "
        "when a group has no relevant item, or nothing relevant is listed. Ties: of the expected shares.",
    .worst = 1,
    .best = 0,
    .needs = METRIC_NEEDS_LISTS,
    .beyond = true,
    .add = add,
    .of_sums = of_sums,
};
