#include <math.h>

#include "eval/metric.h"

/* Discounts of positions first .. first + count - 1, positions from 0. */
static double discounts(int64_t first, int64_t count)
{
    double sum = 0;
    for (int64_t i = first; i < first + count; i++)
        sum += 1 / log2((double)i + 2);
    return sum;
}

static double ndcg(const judged *user, int64_t k, const metric_context *context)
{
    (void)context;
    double gain = 0;
    for (const tie_block *b = user->blocks; b < user->blocks + user->block_count; b++)
        if (b->relevant > 0)
            gain += (double)b->relevant / (double)b->size * discounts(b->start, tie_block_within(b, k));
    return gain / discounts(0, judged_most_hits(user, k));
}

const metric_class metric_ndcg = {
    .name = "ndcg",
    .summary = "discounted gain as a share of the ideal list's",
    .definition = "sum over i = 1..k of rel_i / log2(i + 1), over the same sum for min(k, |T|) hits at "
                  "the top. Binary gains; Jarvelin and Kekalainen, TOIS 2002. Ties: expectation over "
                  "their random order.",
    .worst = 0,
    .best = 1,
    .of_user = ndcg,
};
