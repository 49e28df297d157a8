#include "eval/metric.h"

/* G = sum_i (2i - I - 1) x_i / ((I - 1) sum_i x_i), x ascending. A run of r equal counts x behind
 * `lower` smaller ones contributes x r (2 lower + r - I). */
static double gini(const exposure *lists, const metric_context *context)
{
    const double I = (double)context->items;
    double sum = 0, total = 0, lower = 0;
    for (int64_t x = 0; x <= lists->users; x++) {
        const double r = (double)lists->histogram[x];
        sum += (double)x * r * (2 * lower + r - I);
        total += (double)x * r;
        lower += r;
    }
    return total > 0 && I > 1 ? sum / ((I - 1) * total) : 0;
}

const metric_class metric_gini = {
    .name = "gini",
    .summary = "inequality of how often the items are listed",
    .definition = "Gini index of the counts x_i, in how many users' first k item i is, over the whole "
                  "catalogue of I items, x ascending: sum of (2i - I - 1) x_i / ((I - 1) sum of x_i). 0: "
                  "every item is listed equally often; 1: one item only. Elliot prints 1 - G under this name: "
                  "gini_elliot. Lists as shown: ties broken by the hash of (seed, user, item).",
    .worst = 1,
    .best = 0,
    .needs = METRIC_NEEDS_LISTS,
    .of_lists = gini,
};
