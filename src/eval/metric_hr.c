#include <math.h>

#include "eval/metric.h"

/* 1 - C(n-m, c) / C(n, c): that c of n tied positions, m of them relevant, hold a hit (0 < c, m <= n).
 *
 * The quotient is a product over the smaller of c and m, which play the same part in it; summed as
 * logarithms so that a small chance keeps its digits. */
static double chance_of_hit(int64_t n, int64_t m, int64_t c)
{
    if (c > n - m)
        return 1;
    const int64_t fewer = c < m ? c : m, more = c < m ? m : c;
    double log_miss = 0;
    for (int64_t i = 0; i < fewer; i++)
        log_miss += log1p(-(double)more / (double)(n - i));
    return -expm1(log_miss);
}

/* The first block with a relevant item decides: it lies wholly in the list, or is cut by its end. */
static double hr(const judged *user, int64_t k, const metric_context *context)
{
    (void)context;
    for (const tie_block *b = user->blocks; b < user->blocks + user->block_count; b++)
        if (b->relevant > 0)
            return b->start < k ? chance_of_hit(b->size, b->relevant, tie_block_within(b, k)) : 0;
    return 0;
}

const metric_class metric_hr = {
    .name = "hr",
    .summary = "hit rate: share of users with a relevant item in the list",
    .definition = "1 if hits > 0, else 0. Ties: the probability of a hit in random order, 1 - C(n-m, c) / "
                  "C(n, c) where c of n tied positions with m relevant items are listed.",
    .worst = 0,
    .best = 1,
    .needs = METRIC_NEEDS_LISTS,
    .of_user = hr,
};
