/* What a metric is: a row in metrics.def and a file that defines metric_<name>.
 *
 * Ties: the value of a list with tied scores is its expectation over all orders of the tied items
 * (exact), so a constant scorer scores as random does. A metric therefore sees blocks of tied
 * positions, not single hits. List metrics (coverage, Gini, novelty) look at the list as shown,
 * where ties are broken by a hash. */
#ifndef EVAL_METRIC_H
#define EVAL_METRIC_H

#include "base/base.h"

/* Positions start .. start + size - 1 (from 0) hold tied items, `relevant` of them relevant. Untied
 * items are blocks of size 1. Blocks follow each other without gaps from position 0; the last one may reach
 * beyond the list. */
typedef struct tie_block {
    int64_t start, size, relevant;
} tie_block;

/* One user's list with what is relevant in it. */
typedef struct judged {
    const tie_block *blocks;
    int64_t block_count;
    int64_t relevant;     /* |T| > 0: all relevant items of the user, listed or not */
    const uint32_t *list; /* [listed] items as shown */
    int64_t listed;
} judged;

/* How many of the block's positions are among the first k. */
static inline int64_t tie_block_within(const tie_block *b, int64_t k)
{
    const int64_t left = k - b->start;
    return left < 0 ? 0 : left < b->size ? left : b->size;
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

/* All users' lists at a cutoff. */
typedef struct exposure {
    int64_t users;            /* lists */
    const int64_t *shown;     /* [items] how many lists hold the item */
    const int64_t *histogram; /* [users + 1] how many items are in exactly 0, 1, ... users lists */
} exposure;

/* What list metrics know of the training data and the catalogue. */
typedef struct metric_context {
    int64_t items;             /* of the whole catalogue */
    int64_t training_users;    /* users with a training interaction */
    const int64_t *item_count; /* [items] training users of each item */
} metric_context;

typedef struct metric_class {
    const char *name;
    const char *summary;    /* one phrase */
    const char *definition; /* the formula in plain text, every choice in it named */
    double worst, best;     /* range; best < worst for "less is better"; INFINITY: depends on the data */
    /* Per user, at cutoff k >= 1; averaged over users. NULL for metrics of all lists together. */
    double (*of_user)(const judged *user, int64_t k, const metric_context *context);
    /* Of all users' lists at a cutoff; NULL for metrics per user. */
    double (*of_lists)(const exposure *lists, const metric_context *context);
} metric_class;

extern const metric_class *const metric_classes[]; /* ends with NULL */

#endif
