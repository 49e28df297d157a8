#include "eval/metric.h"

static double recall_capped(const judged *user, int64_t k, const metric_context *context)
{
    (void)context;
    return judged_hits(user, k) / (double)judged_most_hits(user, k);
}

const metric_class metric_recall_capped = {
    .name = "recall_capped",
    .summary = "hits as a share of the most that fit in the list",
    .definition = "hits / min(k, |T|), the Recall@k of Liang et al., WWW 2018 (Mult-VAE) and of the iALS "
                  "papers. Ties: expectation over their random order.",
    .worst = 0,
    .best = 1,
    .needs = METRIC_NEEDS_LISTS,
    .of_user = recall_capped,
};
