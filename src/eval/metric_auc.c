#include "eval/metric.h"

static double auc(const judged *user, int64_t k, const metric_context *context)
{
    (void)k;
    (void)context;
    return judged_auc(user);
}

const metric_class metric_auc = {
    .name = "auc",
    .summary = "share of pairs of a relevant and another item in the right order, users counting alike",
    .definition =
        "of the pairs (relevant item, other candidate) of a user the share in which the relevant one scores "
        "higher, a tie counting one half; then the mean over users. All candidates, no cutoff; a masked "
        "relevant item is behind all. Not defined for users without other candidates. gauc weighs users by "
        "|T|. (Elliot calls this mean GAUC, and the mean over all relevant items AUC.)",
    .worst = 0,
    .best = 1,
    .needs = METRIC_NEEDS_LISTS | METRIC_NEEDS_RANKS,
    .no_cutoff = true,
    .of_user = auc,
};
