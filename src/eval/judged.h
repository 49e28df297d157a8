/* One user's list with what is relevant in it, as metrics see it.
 *
 * Ties: the value of a list with tied scores is its expectation over all orders of the tied items
 * (exact), so a constant scorer scores as random does. A metric of hits therefore sees blocks of tied
 * positions, not single hits. */
#ifndef EVAL_JUDGED_H
#define EVAL_JUDGED_H

#include "base/base.h"
#include "data/item_space.h"
#include "tensor/csr.h"

/* Positions start .. start + size - 1 (from 0) hold tied items, `relevant` of them relevant. An untied
 * item is a block of size 1. Blocks ascend and do not overlap; those without a relevant item may be missing, and
 * the last one may reach beyond the list. */
typedef struct tie_block {
    int64_t start, size, relevant;
} tie_block;

/* One relevant item of a user; in the task rating, one rated pair. */
typedef struct judged_target {
    uint32_t item;
    float rating;        /* 1 where the store has none */
    float score;         /* -INFINITY: no candidate */
    int64_t start, size; /* of the block it is in; size 0: it is not listed */
    int64_t above;       /* candidates that score higher, and others of the same score; -1 unless a metric */
    int64_t equal;       /* with METRIC_NEEDS_RANKS is asked for */
} judged_target;

/* One user's list with what is relevant to the user. */
typedef struct judged {
    uint32_t user;
    const tie_block *blocks;
    int64_t block_count;
    const judged_target *targets; /* [relevant] items ascending */
    int64_t relevant;             /* |T| > 0: all relevant items of the user, listed or not */
    const float *best_ratings;    /* [relevant] theirs, descending; NULL unless METRIC_NEEDS_RATINGS */
    const float *best_weights;    /* [relevant] theirs, descending; NULL unless METRIC_NEEDS_WEIGHTS */
    const uint32_t *list;         /* [listed] items as shown */
    int64_t listed;
    int64_t candidates;        /* -1: not known (lists from elsewhere) */
    const uint32_t *primitive; /* [primitive_count] the primitive recommender's list for the same candidates; */
    int64_t primitive_count;   /* none unless METRIC_NEEDS_PRIMITIVE */
    double *room;              /* [2 * dimensions] to work in; NULL unless METRIC_NEEDS_ATTRIBUTE */
} judged;

/* How many of positions start .. start + size - 1 are among the first k. */
static inline int64_t positions_within(int64_t start, int64_t size, int64_t k)
{
    const int64_t left = k - start;
    return left < 0 ? 0 : left < size ? left : size;
}
static inline int64_t tie_block_within(const tie_block *b, int64_t k)
{
    return positions_within(b->start, b->size, k);
}

/* The probability that the target is among the first k. */
static inline double target_chance(const judged_target *t, int64_t k)
{
    return t->size > 0 ? (double)positions_within(t->start, t->size, k) / (double)t->size : 0;
}

/* Expected number of relevant items among the first k: each position of a block is relevant with
 * probability relevant / size. */
static inline double judged_hits(const judged *user, int64_t k)
{
    double hits = 0;
    for (const tie_block *b = user->blocks; b < user->blocks + user->block_count; b++)
        hits += (double)b->relevant * (double)tie_block_within(b, k) / (double)b->size;
    return hits;
}

/* Hits of the ideal list of length k. */
static inline int64_t judged_most_hits(const judged *user, int64_t k)
{
    return k < user->relevant ? k : user->relevant;
}

/* Items shown at cutoff k. */
static inline int64_t judged_shown(const judged *user, int64_t k)
{
    return k < user->listed ? k : user->listed;
}

/* The area under the user's ROC curve: the share of (relevant, other) pairs of candidates in the right order, a
 * tied pair counting half. A relevant item that is no candidate is behind all others. NaN when there are no
 * others. */
double judged_auc(const judged *user);

/* The mean of measure(cosine) over the pairs of the first k items that have a vector; NaN for fewer than two. */
double judged_mean_pair(const judged *user, int64_t k, const item_space *space, double (*measure)(double cosine));

/* How the values of an attribute are spread over the items with any: each item counts once, in equal parts for its
 * values. Fills share [dimensions], which sums to 1. False: no item has any. */
bool attribute_shares(const item_space *attributes, const uint32_t *items, int64_t count, double *share);

#endif
