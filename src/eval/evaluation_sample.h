/* Sampled candidates: each user's target among N others.
 *
 * Metrics on samples are not those on all items, nor in the same order (Krichene and Rendle, KDD 2020): they
 * are made on request only and marked wherever they are shown. */
#ifndef EVAL_EVALUATION_SAMPLE_H
#define EVAL_EVALUATION_SAMPLE_H

#include "tensor/csr.h"

typedef struct sample_plan {
    int64_t count;         /* N >= 1 */
    const int64_t *weight; /* [I] an item is drawn in proportion to it, never at 0; NULL: all items alike */
    uint64_t seed;
} sample_plan;

/* For every row of `targets` that is not empty: its targets and N other items that are in neither `targets` nor
 * `known`, drawn one after the other without putting back, by (seed, row) alone. Fewer where there are not N.
 * Fails with E_NOMEM, E_STOPPED. */
MEDLEY_MUST_USE medley_status evaluation_sample(const medley_runtime *rt, const sample_plan *plan,
                                                const csr *targets, const csr *known, csr_owner *out,
                                                medley_error *err);

#endif
