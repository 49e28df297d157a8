#include <math.h>

#include "eval/metric.h"

static double shannon_entropy(const exposure *lists, const metric_context *context)
{
    double total = 0, bits = 0;
    (void)context;
    for (int64_t x = 1; x <= lists->users; x++)
        total += (double)x * (double)lists->histogram[x];
    for (int64_t x = 1; x <= lists->users; x++)
        bits -= (double)lists->histogram[x] * ((double)x / total) * log2((double)x / total);
    return total > 0 ? bits : 0;
}

const metric_class metric_shannon_entropy = {
    .name = "shannon_entropy",
    .summary = "how evenly the lists draw on the catalogue, in bits",
    .definition =
        "-sum of p_i log2 p_i, p_i the share of item i in all places of all first-k lists. 0: one item only; log2 "
        "of the catalogue's size: all items equally often. Lists as shown: ties broken by the hash of (seed, "
        "user, item). (Elliot weighs short lists up; equal where all are equally long.)",
    .worst = 0,
    .best = INFINITY,
    .needs = METRIC_NEEDS_LISTS,
    .beyond = true,
    .of_lists = shannon_entropy,
};
