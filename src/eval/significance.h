/* Whether two systems differ: intervals and tests on paired values, one pair a user.
 *
 * Every input must be finite: E_ARGUMENT names the first value that is not. */
#ifndef EVAL_SIGNIFICANCE_H
#define EVAL_SIGNIFICANCE_H

#include "base/base.h"

typedef struct sample_summary {
    double mean;
    double std; /* sqrt(sum (x - mean)^2 / (n - 1)); NaN for one value */
} sample_summary;

/* For n >= 1 values, such as one a seed. */
sample_summary sample_summarise(const double *values, int64_t n);

typedef struct bootstrap_options {
    int64_t resamples; /* B >= 1 */
    double level;      /* of confidence, in (0, 1): 0.95 */
    uint64_t seed;
} bootstrap_options;

typedef struct interval {
    double low, high;
} interval;

/* Of n >= 1 values, which it sorts: their quantiles (1 ± level) / 2, interpolated linearly between order statistics
 * (Hyndman and Fan's type 7, as NumPy's default). */
interval sample_interval(double *values, int64_t n, double level);

/* The percentile interval of the mean (Efron, 1979): n values drawn with replacement, B times; of the B
 * means the sample_interval. Draw i of resample b depends on (seed, b, i) alone. Fails with E_ARGUMENT, E_NOMEM. */
MEDLEY_MUST_USE medley_status bootstrap_mean(const medley_runtime *rt, const double *values, int64_t n,
                                             const bootstrap_options *options, interval *out, medley_error *err);
/* As above for the mean of a - b: users are drawn, with both of their values. */
MEDLEY_MUST_USE medley_status bootstrap_difference(const medley_runtime *rt, const double *a, const double *b,
                                                   int64_t n, const bootstrap_options *options, interval *out,
                                                   medley_error *err);

/* Student's t test of paired differences d = a - b against a mean of zero, two-sided. */
typedef struct t_test {
    double mean, std; /* of d */
    double t;         /* mean / (std / sqrt(n)); 0 when every d is 0, ± infinity when all are one other number */
    double p;         /* with n - 1 degrees of freedom; 1 and 0 in these two cases */
    double cohens_d;  /* mean / std: the effect size d_z of Cohen (1988); as t in these two cases */
} t_test;
/* Fails with E_ARGUMENT, also when n < 2. */
MEDLEY_MUST_USE medley_status t_test_paired(const double *a, const double *b, int64_t n, t_test *out,
                                            medley_error *err);

/* Wilcoxon's signed-rank test (1945) of d = a - b, two-sided. Zeros are dropped (Wilcoxon's own way), tied
 * |d| share their mean rank. Exact when there are up to 50 d, none zero and none tied; else by the normal
 * approximation with the correction for ties and none for continuity. (SciPy's "auto" differs where up to
 * 13 d have zeros or ties: it permutes them.) */
typedef struct wilcoxon_test {
    double positive, negative; /* sums of ranks of d > 0 and of d < 0; the statistic is the smaller */
    double z;                  /* of the normal approximation, positive where a is larger; 0 when exact */
    double p;                  /* 1 when every d is zero */
    int64_t used;              /* d that are not zero */
    bool exact;
} wilcoxon_test;
MEDLEY_MUST_USE medley_status wilcoxon_paired(const medley_runtime *rt, const double *a, const double *b,
                                              int64_t n, wilcoxon_test *out, medley_error *err);

/* p values of a family of m tests, adjusted so that comparing each with alpha keeps the family's error
 * rate (Holm, 1979) or false discovery rate (Benjamini and Hochberg, 1995) at alpha. `adjusted` [m] may
 * be `p` itself. Fails with E_ARGUMENT (a p outside 0..1), E_NOMEM. */
typedef enum p_adjustment { P_HOLM, P_BENJAMINI_HOCHBERG } p_adjustment;
MEDLEY_MUST_USE medley_status p_adjust(const medley_runtime *rt, p_adjustment method, const double *p, int64_t m,
                                       double *adjusted, medley_error *err);

#endif
