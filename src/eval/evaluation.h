/* Tasks and the evaluation of a model on a part of a split. */
#ifndef EVAL_EVALUATION_H
#define EVAL_EVALUATION_H

#include "eval/metric.h"
#include "recommend/ranking.h"

/* One user's ranked list to tie blocks. blocks: [result->count] room. result->target_score holds the
 * scores of the user's target_count relevant items. out->list stays NULL: the caller has the items.
 * Returns the number of blocks. */
int64_t evaluation_judge(const ranked *result, int64_t target_count, tie_block *blocks, judged *out);

typedef struct evaluation_request {
    const scoring *how;
    const left_sides *left; /* [U] left sides, from what is known before the target; as in ranking_request */
    const csr *excluded;    /* [U, I] masked from the candidates, or NULL */
    const csr *targets;     /* [U, I] relevant items; users with none are skipped */
    uint64_t seed;
    const int64_t *cutoffs; /* [cutoff_count] ascending, >= 1 */
    int64_t cutoff_count;
    const metric_class *const *metrics; /* [metric_count] */
    int64_t metric_count;
    metric_context context;
} evaluation_request;

/* Every per-user value and the aggregates. Release with evaluation_release. */
typedef struct evaluation {
    int64_t users;          /* evaluated */
    uint32_t *user;         /* [users] ascending */
    double *per_user;       /* [users, metric_count * cutoff_count]; NaN for metrics of all lists */
    double *value;          /* [metric_count * cutoff_count] means, or values of all lists */
    int64_t longest;        /* list length: the largest cutoff, at most the number of items */
    uint32_t *lists;        /* [users, longest] items as shown; UINT32_MAX pads */
    float *scores;          /* [users, longest] */
    int64_t masked_targets; /* targets that the mask took from the candidates: they count as misses */
} evaluation;

/* Ranks once at the largest cutoff and computes every metric at every cutoff. Means are sums in user order
 * in double, divided once: the same bits for any number of threads. Fails with E_ARGUMENT when no user has a
 * target, and as ranking_run. */
MEDLEY_MUST_USE medley_status evaluation_run(const medley_runtime *rt, const evaluation_request *request,
                                             evaluation *out, medley_error *err);
void evaluation_release(evaluation *e);

#endif
