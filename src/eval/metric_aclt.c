#include <math.h>

#include "eval/metric.h"

static double aclt(const judged *user, int64_t k, const metric_context *context)
{
    const int64_t shown = judged_shown(user, k);
    int64_t tail = 0;
    for (int64_t i = 0; i < shown; i++)
        tail += context->head[user->list[i]] == 0;
    return (double)tail;
}

const metric_class metric_aclt = {
    .name = "aclt",
    .summary = "number of long-tail items in the list",
    .definition =
        "items of the first k that are not in the short head, which is that of aplt. Lists as shown: ties broken "
        "by the hash of (seed, user, item).",
    .worst = 0,
    .best = INFINITY,
    .needs = METRIC_NEEDS_LISTS,
    .beyond = true,
    .of_user = aclt,
};
