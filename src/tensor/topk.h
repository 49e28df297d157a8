/* The k best of a stream of scored items, with what is needed to treat ties exactly.
 *
 * Order: higher score first; equal scores by tie_key(item) ascending, a hash of (seed, user, item),
 * never by index. */
#ifndef TENSOR_TOPK_H
#define TENSOR_TOPK_H

#include "base/base.h"

typedef struct topk_entry {
    float score;
    uint32_t item;
    uint64_t key; /* random_bits(seed, user, item) */
} topk_entry;

typedef struct topk {
    int64_t k, count;
    topk_entry *entries;  /* [k] a heap, worst first, until topk_sort */
    int64_t tied_outside; /* items seen but not held whose score equals the worst held one's */
    uint64_t seed, user;
} topk;

/* Starts a new stream in the caller's entries [k]. k >= 1. */
void topk_start(topk *t, topk_entry *entries, int64_t k, uint64_t seed, uint64_t user);

/* Offers scores[0..count) of items first, first+1, ... -INFINITY marks an item that is no
 * candidate. Returns -1, or the position of a score that is NaN or +INFINITY. */
int64_t topk_offer(topk *t, const float *scores, int64_t count, uint32_t first);

/* The parts of topk_offer, for scores that are only known roughly until they matter: */

/* What a score must reach to change the outcome: the worst held one; finite. */
float topk_threshold(const topk *t);
/* The first position from `from` on whose score is not below `threshold` (NaN is not), or count. */
int64_t topk_next(const float *scores, int64_t from, int64_t count, float threshold);
/* Takes one finite score into account, whether it reaches the threshold or not. */
void topk_push(topk *t, float score, uint32_t item);

/* Sorts the entries, best first; ends the stream. */
void topk_sort(topk *t);

#endif
