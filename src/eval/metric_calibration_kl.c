#include <math.h>

#include "eval/metric.h"

/* sum of p ln(p / q'), q' = (1 - a) q + a p */
static double divergence(const double *p, const double *q, int64_t count)
{
    const double a = 0.01;
    double sum = 0;
    for (int64_t v = 0; v < count; v++)
        if (p[v] > 0)
            sum += p[v] * log(p[v] / ((1 - a) * q[v] + a * p[v]));
    return sum;
}

static double calibration_kl(const judged *user, int64_t k, const metric_context *context)
{
    const csr *known = context->known;
    const int64_t values = context->attributes->dimensions;
    double *p = user->room, *q = user->room + values;
    return attribute_shares(context->attributes, known->index + known->start[user->user],
                            csr_row_count(known, user->user), p) &&
                   attribute_shares(context->attributes, user->list, judged_shown(user, k), q)
               ? divergence(p, q, values)
               : NAN;
}

const metric_class metric_calibration_kl = {
    .name = "calibration_kl",
    .summary = "how far the list's mix of an attribute is from the history's (Kullback-Leibler)",
    .definition =
        "sum of p ln(p / q') over the values of the attribute that the report names (genres); p their shares in "
        "what is known of the user, q in the first k, q' = 0.99 q + 0.01 p; an item counts once, in equal "
        "parts for its values. Steck, RecSys 2018, with equal weights. 0: the same mix. Not defined when "
        "neither or one has values. Lists as shown: ties broken by the hash of (seed, user, item).",
    .worst = INFINITY,
    .best = 0,
    .needs = METRIC_NEEDS_LISTS | METRIC_NEEDS_ATTRIBUTE,
    .beyond = true,
    .of_user = calibration_kl,
};
