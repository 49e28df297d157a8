/* The inside of an evaluation, shared by what judges models (evaluation.c) and what judges given lists
 * (evaluation_given.c). */
#ifndef EVAL_EVALUATION_WORK_H
#define EVAL_EVALUATION_WORK_H

#include "eval/evaluation.h"

/* One worker's; on cache lines of its own. */
typedef struct judging_scratch {
    _Alignas(64) tie_block *blocks; /* [longest, or the longest given list] */
    judged_target *targets;         /* [most targets of a user] */
    float *best_ratings, *best_weights;
    double *room; /* [2 * dimensions] of the attribute */
    int64_t masked_targets, short_lists;
} judging_scratch;

typedef struct judging_work {
    const evaluation_request *request;
    evaluation *out;
    const given_lists *given;
    judging_scratch *workers;
    int worker_count, needs;
    int64_t first;       /* user of the block that is ranked */
    double *sums;        /* [users, columns, METRIC_SUMS] of columns that add; NULL: none does */
    uint32_t *primitive; /* [users, longest] UINT32_MAX pads; NULL: not needed */
} judging_work;

/* Fills in every user's values. */
typedef medley_status (*evaluation_step)(const medley_runtime *rt, judging_work *w, medley_error *err);

/* What all ways to evaluate share: everything around judge_all. given: or NULL. */
MEDLEY_MUST_USE medley_status evaluation_make(const medley_runtime *rt, const evaluation_request *request,
                                              const given_lists *given, evaluation_step judge_all, evaluation *out,
                                              medley_error *err);

/* Every METRIC_NEEDS_* of the columns. */
int evaluation_needs(const evaluation_request *request);
/* The user's targets, with what metrics need of them beside their places. */
void evaluation_describe_targets(const judging_work *w, uint32_t user, judging_scratch *own);
/* Blocks without a relevant item change no metric: returns how many are left. */
int64_t evaluation_keep_relevant(tie_block *blocks, int64_t count);
/* Place i of a row's list. */
void evaluation_show(const evaluation *out, int64_t row, int64_t i, uint32_t item, float score);
/* Every column of one user, whose targets and blocks are judged. */
void evaluation_measure_user(const judging_work *w, int64_t row, judged *user, judging_scratch *own);

#endif
