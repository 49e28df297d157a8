/* Maximal marginal relevance: lists that are less alike in themselves.
 * Carbonell and Goldstein, The use of MMR, diversity-based reranking, SIGIR 1998.
 *
 *   next = argmax over i in the pool, not chosen yet, of (1 - d) r_i - d max over chosen j of sim(i, j)
 *   r_i  = (score_i - lowest) / (highest - lowest)        over the pool; 0 when all scores are equal
 *
 * sim is the cosine in a space of items, 0 for an item without a vector. The first item is the best one. d is the
 * paper's 1 - lambda: 0 is the plain list. */
#ifndef RECOMMEND_RERANK_H
#define RECOMMEND_RERANK_H

#include "data/item_space.h"
#include "tensor/topk.h"

/* Chooses min(k, count) of pool [count], which is sorted best first, into chosen, and returns how many. Equal values
 * fall to the one that is earlier in the pool, whose ties a hash has ordered. nearest: [count] scratch. */
int64_t rerank_diverse(const item_space *space, double diversity, const topk_entry *pool, int64_t count, int64_t k,
                       double *nearest, topk_entry *chosen);

#endif
