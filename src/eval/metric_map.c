#include "eval/metric.h"

/* The j-th position of a block (j from 1) is relevant with probability m/n, and each of the j-1
 * before it then with (m-1)/(n-1); H hits lie in earlier blocks:
 * E[rel_i P(i)] = m/n (H + 1 + (j-1)(m-1)/(n-1)) / i,  i = start + j. */
static double average_precision(const judged *user, int64_t k, const metric_context *context)
{
    (void)context;
    double sum = 0, before = 0;
    for (const tie_block *b = user->blocks; b < user->blocks + user->block_count; b++) {
        if (b->relevant == 0)
            continue;
        const double p = (double)b->relevant / (double)b->size;
        const double beside = b->size > 1 ? (double)(b->relevant - 1) / (double)(b->size - 1) : 0;
        const int64_t c = tie_block_within(b, k);
        double block_sum = 0;
        for (int64_t j = 1; j <= c; j++)
            block_sum += (before + 1 + (double)(j - 1) * beside) / (double)(b->start + j);
        sum += p * block_sum;
        before += (double)b->relevant;
    }
    return sum / (double)judged_most_hits(user, k);
}

const metric_class metric_map = {
    .name = "map",
    .summary = "mean average precision",
    .definition = "sum over i = 1..k of rel_i * precision@i, divided by min(k, |T|). Elliot's MAP, the mean "
                  "of precision@1..k, is another quantity: map_elliot. Ties: expectation over their random "
                  "order.",
    .worst = 0,
    .best = 1,
    .needs = METRIC_NEEDS_LISTS,
    .of_user = average_precision,
};
