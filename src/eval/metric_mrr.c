#include "eval/metric.h"

/* E[1/first hit, 0 beyond k] when the first hit is in this block. At its j-th position, j from 1:
 * P(j) = C(n-j, m-1) / C(n, m), so P(1) = m/n and P(j+1) / P(j) = (n-j-m+1) / (n-j). */
static double reciprocal_rank(const tie_block *b, int64_t k)
{
    const int64_t n = b->size, m = b->relevant, c = tie_block_within(b, k);
    double p = (double)m / (double)n, sum = 0;
    for (int64_t j = 1; j <= c && p > 0; j++) {
        sum += p / (double)(b->start + j);
        p *= j < n ? (double)(n - j - m + 1) / (double)(n - j) : 0;
    }
    return sum;
}

static double mrr(const judged *user, int64_t k, const metric_context *context)
{
    (void)context;
    for (const tie_block *b = user->blocks; b < user->blocks + user->block_count; b++)
        if (b->relevant > 0)
            return reciprocal_rank(b, k);
    return 0;
}

const metric_class metric_mrr = {
    .name = "mrr",
    .summary = "mean reciprocal rank of the first hit",
    .definition = "1 / position of the first relevant item, 0 when it is not among the first k. Ties: "
                  "expectation over their random order.",
    .worst = 0,
    .best = 1,
    .needs = METRIC_NEEDS_LISTS,
    .of_user = mrr,
};
