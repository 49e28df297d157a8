#include <math.h>

#include "eval/metric.h"

/* |sqrt(p) - sqrt(q)| / sqrt(2) */
static double hellinger(const double *p, const double *q, int64_t count)
{
    double sum = 0;
    for (int64_t v = 0; v < count; v++) {
        const double difference = sqrt(p[v]) - sqrt(q[v]);
        sum += difference * difference;
    }
    return sqrt(sum / 2);
}

static double calibration_hellinger(const judged *user, int64_t k, const metric_context *context)
{
    const csr *known = context->known;
    const int64_t values = context->attributes->dimensions;
    double *p = user->room, *q = user->room + values;
    return attribute_shares(context->attributes, known->index + known->start[user->user],
                            csr_row_count(known, user->user), p) &&
                   attribute_shares(context->attributes, user->list, judged_shown(user, k), q)
               ? hellinger(p, q, values)
               : NAN;
}

const metric_class metric_calibration_hellinger = {
    .name = "calibration_hellinger",
    .summary = "how far the list's mix of an attribute is from the history's (Hellinger)",
    .definition =
        "sqrt(sum of (sqrt p - sqrt q)^2 / 2) over the values of the attribute that the report names "
        "(genres); p, q and where it is not defined as for calibration_kl. 0: the same mix; 1: nothing in "
        "common.",
    .worst = 1,
    .best = 0,
    .needs = METRIC_NEEDS_LISTS | METRIC_NEEDS_ATTRIBUTE,
    .beyond = true,
    .of_user = calibration_hellinger,
};
