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
    const left_sides *left; /* NULL: a form that needs none (scoring.user, or no factors) */
    int64_t queries;
    const uint32_t *user;   /* [queries] row of left, excluded, only and targets */
    bool left_by_query;     /* row q of left is query q's; scoring.user stays by user */
    bool excluded_by_query; /* row q of excluded is query q's */
    uint64_t seed;          /* of the tie hash, with the row */
    int64_t k;              /* list length wanted, >= 1 */
    const csr *excluded;    /* [rows, I] items that are no candidates; NULL: none */
    const csr *only;        /* [rows, I] the candidates of each; NULL: all items */
    const uint8_t *allowed; /* [I] 0: no candidate for anyone; NULL: all items */
    const csr *targets;     /* [rows, I] items whose scores are wanted; NULL: none */
    bool rank_targets;      /* wants ranked.above and .equal: costs a look at every score */
} ranking_request;

/* One query's outcome, borrowed for the call. */
typedef struct ranked {
    int64_t query;
    uint32_t user;
    int64_t count;             /* min(k, candidates) */
    const topk_entry *entries; /* [count] best first */
    int64_t tied_outside;      /* candidates not listed whose score equals the last listed one's */
    int64_t candidates;
    const float *target_score; /* [row count of targets]; -INFINITY for a target that is no candidate */
    const int64_t *above;      /* [row count of targets] candidates that score higher; NULL unless asked for */
    const int64_t *equal;      /* [row count of targets] other candidates of the same score */
} ranked;

/* Called once a query, from several threads at once; `worker` as in parallel_run. */
typedef medley_status (*ranking_sink)(void *context, const ranked *result, int worker, medley_error *err);

/* Ranks every query. Fails with E_NOMEM, E_STOPPED, with what `sink` returns, and with E_FORMAT when the
 * model gives a score that is not finite (naming user and item). */
MEDLEY_MUST_USE medley_status ranking_run(const medley_runtime *rt, const ranking_request *request,
                                          const char *phase, ranking_sink sink, void *context, medley_error *err);

/* Users and items whose scores are wanted: [count] each. */
typedef struct ranking_pairs {
    const uint32_t *user, *item;
    const uint32_t *row; /* of left; NULL: by user. scoring.user stays by user */
    int64_t count;
} ranking_pairs;

/* score(user, item) of every pair, as a ranking gives it. out: [count]. Fails with E_NOMEM, E_STOPPED, and E_FORMAT
 * for a score that is not finite. */
MEDLEY_MUST_USE medley_status ranking_score_pairs(const medley_runtime *rt, const scoring *how,
                                                  const left_sides *left, const ranking_pairs *pairs, float *out,
                                                  medley_error *err);

#endif
