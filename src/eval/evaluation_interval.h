/* Bootstrap intervals of everything that an evaluation averages, from one set of resamples. */
#ifndef EVAL_EVALUATION_INTERVAL_H
#define EVAL_EVALUATION_INTERVAL_H

#include "eval/evaluation.h"
#include "eval/significance.h"

/* Users are drawn with replacement, `options->resamples` times, with all of their values; of each column's
 * values the percentile interval, as bootstrap_mean gives for a plain mean. Draws depend on (seed, resample,
 * place) alone, so columns, and evaluations of the same users, are resampled alike.
 *
 * per_user [users, columns]; sums [users, columns, METRIC_SUMS], or NULL when no column adds. out
 * [columns]; NaN for metrics of all lists and for what no user defines. */
MEDLEY_MUST_USE medley_status evaluation_intervals(const medley_runtime *rt, const metric_column *columns,
                                                   int64_t column_count, const double *per_user,
                                                   const double *sums, int64_t users,
                                                   const bootstrap_options *options, interval *out,
                                                   medley_error *err);

#endif
