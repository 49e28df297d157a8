/* What a metric is: a row in metrics.def and a file that defines metric_<name>.
 *
 * Metrics of hits are exact expectations over the order of ties (eval/judged.h). Metrics of what is shown
 * (coverage, novelty, diversity, ...) look at the list as shown, where ties are broken by a hash; their
 * definitions say so. */
#ifndef EVAL_METRIC_H
#define EVAL_METRIC_H

#include "eval/judged.h"

/* All users' lists at a cutoff. */
typedef struct exposure {
    int64_t users;            /* lists */
    int64_t users_shown;      /* lists that are not empty */
    const int64_t *shown;     /* [items] how many lists hold the item */
    const int64_t *histogram; /* [users + 1] how many items are in exactly 0, 1, ... users lists */
} exposure;

/* What metrics know beside a list. `train` counts training interactions alone, never what is judged. */
typedef struct metric_context {
    int64_t items;             /* of the whole catalogue */
    int64_t training_users;    /* users with a training interaction */
    int64_t training_pairs;    /* distinct (user, item) of training */
    const int64_t *item_count; /* [items] training users of each item */
    int64_t least_count;       /* the smallest of them that is not 0 */
    const csr *train;          /* [users, items] */
    const uint8_t *head;       /* [items] 1: short head, 0: long tail (eval/short_head.h) */
    int64_t head_items;
    const double *discount;       /* [largest cutoff] 1 / log2(i + 2) */
    const double *ideal_discount; /* [largest cutoff + 1] sums of the first 0, 1, ... discounts */
    double relevant_from;
    double rating_low, rating_high; /* of the training part; 0 and 0 where the store has none */
    const csr *known;               /* [users, items] before the targets */
    const item_space *space;        /* of METRIC_NEEDS_SPACE; NULL otherwise */
    const item_space *attributes;   /* of METRIC_NEEDS_ATTRIBUTE; NULL otherwise */
} metric_context;

/* What must be there for a metric, as bits. */
typedef enum metric_need {
    METRIC_NEEDS_LISTS = 1,       /* every task but rating */
    METRIC_NEEDS_RANKS = 2,       /* where each target stands among all candidates: no lists from elsewhere */
    METRIC_NEEDS_RATINGS = 4,     /* a store with ratings */
    METRIC_NEEDS_PREDICTIONS = 8, /* the task rating */
    METRIC_NEEDS_SHARES = 16,     /* ratings within 0..1 */
    METRIC_NEEDS_SPACE = 32,
    METRIC_NEEDS_ATTRIBUTE = 64,
    METRIC_NEEDS_PRIMITIVE = 128,
    METRIC_NEEDS_WEIGHTS = 256, /* of targets, inverse to popularity: always there */
} metric_need;

/* What a hit counts for when popularity is to be taken out: 1 / max(training users, 1). */
static inline double metric_weight(const metric_context *context, uint32_t item)
{
    const int64_t count = context->item_count[item];
    return 1 / (double)(count > 1 ? count : 1);
}

/* The sum of the discounts of `count` positions from `start` on. */
static inline double metric_discounts(const metric_context *context, int64_t start, int64_t count)
{
    return count == 1 ? context->discount[start]
                      : context->ideal_discount[start + count] - context->ideal_discount[start];
}

/* The target's expected discount among the first k. */
static inline double target_discount(const metric_context *context, const judged_target *t, int64_t k)
{
    const int64_t within = t->size > 0 ? positions_within(t->start, t->size, k) : 0;
    return within > 0 ? metric_discounts(context, t->start, within) / (double)t->size : 0;
}

enum { METRIC_SUMS = 4 };

typedef struct metric_class {
    const char *name;
    const char *summary;    /* one phrase */
    const char *definition; /* the formula in plain text, every choice in it named */
    double worst, best;     /* range; best < worst for "less is better"; INFINITY: depends on the data */
    int needs;              /* metric_need */
    bool no_cutoff;         /* one value, not one a cutoff; k is then 0 */
    bool beyond;            /* about more than accuracy: `all` means it in the task beyond_accuracy only */
    /* Of one user's list at cutoff k >= 1; NaN: not defined for this user. */
    double (*of_user)(const judged *user, int64_t k, const metric_context *context);
    /* How users come together: adds to sums over users, whose function is the value. NULL: the mean of of_user
     * over the users for whom it is defined. */
    void (*add)(const judged *user, int64_t k, const metric_context *context, double sums[METRIC_SUMS]);
    double (*of_sums)(const double sums[METRIC_SUMS]);
    /* Of all users' lists at a cutoff, for metrics with none of the above. */
    double (*of_lists)(const exposure *lists, const metric_context *context);
} metric_class;

extern const metric_class *const metric_classes[]; /* ends with NULL */

/* A value that is asked for: a metric at a cutoff, 0 for one without. */
typedef struct metric_column {
    const metric_class *metric;
    int64_t k;
} metric_column;

/* "ndcg@10" or "auc", as snprintf writes. */
int metric_column_name(const metric_column *column, char *name, size_t size);

#endif
