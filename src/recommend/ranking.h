/* The one path from scores to lists: blocked scoring, exclusion, streaming top-k. Evaluation,
 * `medley recommend` and the API's ranker all call it, so their lists are equal.
 *
 * Memory is O(workers × block), never queries × items. */
#ifndef RECOMMEND_RANKING_H
#define RECOMMEND_RANKING_H

#include "model/model.h"
#include "tensor/topk.h"

typedef struct ranking_request {
    const scoring *how;
    int64_t queries;
    const uint32_t *user; /* [queries] row of history/excluded/targets and of factored user vectors */
    uint64_t seed;        /* of the tie hash, with the user's index */
    int64_t k;            /* list length wanted, >= 1 */
    const csr *history;   /* [U, I] what linear forms score from (repeats count once) */
    const csr *excluded;  /* [U, I] items that are no candidates; NULL: none */
    const csr *targets;   /* [U, I] items whose scores are wanted; NULL: none */
} ranking_request;

/* One query's outcome, borrowed for the call. */
typedef struct ranked {
    int64_t query;
    uint32_t user;
    int64_t count;             /* min(k, candidates) */
    const topk_entry *entries; /* [count] best first */
    int64_t tied_outside;      /* candidates not listed whose score equals the last listed one's */
    int64_t candidates;        /* items not excluded */
    const float *target_score; /* [row count of targets]; -INFINITY for an excluded target */
} ranked;

/* Called once a query, from several threads at once; `worker` as in parallel_run. */
typedef medley_status (*ranking_sink)(void *context, const ranked *result, int worker, medley_error *err);

/* Ranks every query. Fails with E_NOMEM, E_STOPPED, with what `sink` returns, and with E_FORMAT when the
 * model gives a score that is not finite (naming user and item). */
MEDLEY_MUST_USE medley_status ranking_run(const medley_runtime *rt, const ranking_request *request,
                                          const char *phase, ranking_sink sink, void *context, medley_error *err);

#endif
