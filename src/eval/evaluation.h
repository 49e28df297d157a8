/* Tasks and the evaluation of a model, or of given lists, on a part of a split. */
#ifndef EVAL_EVALUATION_H
#define EVAL_EVALUATION_H

#include "eval/metric.h"
#include "eval/significance.h"
#include "recommend/ranking.h"

/* Enough to keep many cores busy; left sides of a million users are not. */
enum { EVALUATION_BLOCK = 16384 };

/* What is judged against, the same for models and for lists from elsewhere. */
typedef struct evaluation_request {
    const csr *targets;           /* [U, I] relevant items, value: rating or NULL; users with none are skipped */
    const metric_column *columns; /* [column_count] */
    int64_t column_count;
    metric_context context;      /* its discounts are made by the evaluation */
    bootstrap_options intervals; /* resamples 0: none are wanted */
    /* Of models alone. */
    const scoring *how;
    const left_sides *left; /* [U] left sides, from what is known of the users; as in ranking_request */
    /* Or makes them of users [count], a row each, for a block at a time; NULL: left has them all. */
    medley_status (*encode)(const void *context, const uint32_t *users, int64_t count, left_sides *out,
                            medley_error *err);
    const void *encode_context;
    int64_t block;          /* users whose left sides are there at once; 0: EVALUATION_BLOCK */
    const csr *excluded;    /* [U, I] masked from the candidates, or NULL */
    const csr *only;        /* [U, I] the candidates of each user, or NULL */
    const uint8_t *allowed; /* [I] 0: no candidate for anyone; NULL: all items */
    uint64_t seed;
    bool clip;                /* of pairs: predictions are kept within the context's rating_low and rating_high */
    const scoring *primitive; /* of METRIC_NEEDS_PRIMITIVE: without factors; NULL otherwise */
} evaluation_request;

/* Every per-user value and the aggregates. Release with evaluation_release. */
typedef struct evaluation {
    int64_t users;  /* evaluated */
    uint32_t *user; /* [users] ascending */
    int64_t columns;
    double *per_user;       /* [users, columns]; NaN: not defined for this user, or a metric of all lists */
    double *value;          /* [columns]; NaN: defined for nobody */
    int64_t *defined;       /* [columns] users whose value is a number */
    interval *intervals;    /* [columns] of the values; NaN for metrics of all lists; NULL: not asked for */
    int64_t longest;        /* list length: the largest cutoff, at most the number of items */
    uint32_t *lists;        /* [users, longest] items as shown; UINT32_MAX pads */
    float *scores;          /* [users, longest] */
    int64_t masked_targets; /* targets that are no candidates: they count as misses */
    int64_t short_lists;    /* lists of fewer than `longest` items */
    int64_t without_signal; /* users whose left side is empty: all candidates tie but for the items' biases */
} evaluation;

/* Ranks once at the largest cutoff and computes every column. Means are sums in user order in double, divided
 * once: the same bits for any number of threads. Fails with E_ARGUMENT when no user has a target, and as
 * ranking_run. */
MEDLEY_MUST_USE medley_status evaluation_run(const medley_runtime *rt, const evaluation_request *request,
                                             evaluation *out, medley_error *err);

/* Ratings of given pairs: each target is one, its value the rating. */
MEDLEY_MUST_USE medley_status evaluation_of_pairs(const medley_runtime *rt, const evaluation_request *request,
                                                  evaluation *out, medley_error *err);

/* Whether a list for the user may hold the item. */
bool evaluation_is_candidate(const evaluation_request *request, uint32_t user, uint32_t item);

/* Lists from elsewhere, best first. Rows are users; equal values of `tie` share a block of positions. */
typedef struct given_lists {
    const int64_t *start; /* [U + 1] */
    const uint32_t *item; /* [start[U]] distinct within a row */
    const float *score;   /* [start[U]]; what the file says, 0 where it says nothing */
    const int64_t *tie;   /* [start[U]] or NULL: no ties. Entries of a row with one number are tied */
} given_lists;
MEDLEY_MUST_USE medley_status evaluation_of_lists(const medley_runtime *rt, const evaluation_request *request,
                                                  const given_lists *lists, evaluation *out, medley_error *err);
void evaluation_release(evaluation *e);

/* One user's ranked list to tie blocks and targets. `blocks` has room for result->count, `targets` is filled in
 * with places and scores of the user's target_count relevant items. out->list stays NULL: the caller has the
 * items. */
void evaluation_judge(const ranked *result, int64_t target_count, tie_block *blocks, judged_target *targets,
                      judged *out);

#endif
