#include "eval/metric.h"

static double f1(const judged *user, int64_t k, const metric_context *context)
{
    (void)context;
    return 2 * judged_hits(user, k) / (double)(k + user->relevant);
}

const metric_class metric_f1 = {
    .name = "f1",
    .summary = "harmonic mean of precision and recall",
    .definition =
        "2 P R / (P + R) of the user's precision and recall, which is 2 hits / (k + |T|); 0 without hits. "
        "Averaged over users, so not the harmonic mean of the printed precision and recall. Ties: "
        "expectation over their random order.",
    .worst = 0,
    .best = 1,
    .needs = METRIC_NEEDS_LISTS,
    .of_user = f1,
};
