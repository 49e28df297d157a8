#include "eval/metric.h"

static double ndcg(const judged *user, int64_t k, const metric_context *context)
{
    double gain = 0;
    for (const tie_block *b = user->blocks; b < user->blocks + user->block_count; b++) {
        const int64_t within = tie_block_within(b, k);
        if (b->relevant > 0 && within > 0)
            gain += (double)b->relevant / (double)b->size * metric_discounts(context, b->start, within);
    }
    return gain / metric_discounts(context, 0, judged_most_hits(user, k));
}

const metric_class metric_ndcg = {
    .name = "ndcg",
    .summary = "discounted gain as a share of the ideal list's",
    .definition = "sum over i = 1..k of rel_i / log2(i + 1), over the same sum for min(k, |T|) hits at the "
                  "top. Binary gains; Jarvelin and Kekalainen, TOIS 2002. Ties: expectation over their random "
                  "order.",
    .worst = 0,
    .best = 1,
    .needs = METRIC_NEEDS_LISTS,
    .of_user = ndcg,
};
