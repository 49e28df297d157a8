/* Negative samples: items that a user has not had in training, drawn from (seed, stream, counter) alone. */
#ifndef DATA_NEGATIVE_SAMPLER_H
#define DATA_NEGATIVE_SAMPLER_H

#include "tensor/csr.h"

typedef enum negative_kind { NEGATIVE_UNIFORM, NEGATIVE_POPULARITY } negative_kind;
#define NEGATIVE_CHOICES "uniform|popularity"

/* One draw's place: draws of the same place are the same on any machine and in any order. */
typedef struct draw_place {
    uint64_t seed, stream, counter; /* a draw that is rejected goes on at counters of its own */
} draw_place;

typedef struct negative_sampler negative_sampler;

/* observed: [users, items], borrowed; what is in a user's row is rejected. popularity: q(i) ∝ count_i^alpha over items
 * seen at least once (word2vec's is 0.75; Walker's alias table). Fails with E_NOMEM. */
MEDLEY_MUST_USE medley_status negative_sampler_create(const medley_runtime *rt, const csr *observed,
                                                      negative_kind kind, double alpha, negative_sampler **out,
                                                      medley_error *err);
void negative_sampler_free(negative_sampler *s);
/* An item not in the user's row; a user who has had all items (or rejects 1000 draws in a row) gets the last draw. */
uint32_t negative_sampler_draw(const negative_sampler *s, uint32_t user, draw_place at);
/* The same for user[i] at counter first.counter + i, each i. */
void negative_sampler_draw_all(const negative_sampler *s, const uint32_t *user, draw_place first, int64_t count,
                               uint32_t *out);
/* Without rejection: for a sample shared by a batch. */
uint32_t negative_sampler_any(const negative_sampler *s, draw_place at);
/* ln q(i) of every item [items], for logQ; -inf where q is 0. Borrowed. */
const float *negative_sampler_log_q(const negative_sampler *s);

/* A permutation of 0..count-1 computed place by place (a Feistel network over the next power of four, walked until the
 * number is below count), so that any batch of a shuffled epoch can be made alone. */
uint64_t permuted(uint64_t seed, uint64_t epoch, uint64_t place, uint64_t count);
/* Of places first .. first + places - 1; count is below 2^32. */
void permuted_all(uint64_t seed, uint64_t epoch, uint64_t first, int64_t places, uint64_t count, uint32_t *out);

#endif
