#include "eval/significance.h"

#include <math.h>

static medley_status check_finite(const char *what, const double *values, int64_t n, medley_error *err)
{
    for (int64_t i = 0; i < n; i++)
        if (!isfinite(values[i]))
            return fail(err, MEDLEY_E_ARGUMENT, "value %lld of %s is %g; finite numbers are accepted",
                        (long long)i, what, values[i]);
    return MEDLEY_OK;
}

static medley_status check_pairs(const double *a, const double *b, int64_t n, int64_t least, medley_error *err)
{
    if (n < least)
        return fail(err, MEDLEY_E_ARGUMENT, "%lld pairs of values; at least %lld are needed", (long long)n,
                    (long long)least);
    TRY(check_finite("the first system", a, n, err));
    TRY(check_finite("the second system", b, n, err));
    for (int64_t i = 0; i < n; i++)
        if (!isfinite(a[i] - b[i]))
            return fail(err, MEDLEY_E_ARGUMENT, "pair %lld: %g and %g are too far apart to subtract", (long long)i,
                        a[i], b[i]);
    return MEDLEY_OK;
}

/* Two passes: the sum of squares of what is left after the mean loses no digits. */
sample_summary sample_summarise(const double *values, int64_t n)
{
    double sum = 0, squares = 0;
    for (int64_t i = 0; i < n; i++)
        sum += values[i];
    const double mean = sum / (double)n;
    for (int64_t i = 0; i < n; i++)
        squares += (values[i] - mean) * (values[i] - mean);
    return (sample_summary){mean, n > 1 ? sqrt(squares / (double)(n - 1)) : (double)NAN};
}

static int by_value(const void *left, const void *right)
{
    const double x = *(const double *)left, y = *(const double *)right;
    return (x > y) - (x < y);
}

static double quantile(const double *sorted, int64_t n, double q)
{
    const double at = q * (double)(n - 1);
    const int64_t i = (int64_t)at;
    return i + 1 < n ? sorted[i] + (at - (double)i) * (sorted[i + 1] - sorted[i]) : sorted[n - 1];
}

interval sample_interval(double *values, int64_t n, double level)
{
    qsort(values, (size_t)n, sizeof *values, by_value);
    return (interval){quantile(values, n, (1 - level) / 2), quantile(values, n, (1 + level) / 2)};
}

/* ---- bootstrap ---- */

typedef struct resampling {
    const double *a, *b; /* b: NULL for none */
    int64_t n;
    uint64_t seed;
    double *means; /* [resamples] */
} resampling;

/* The mean of one resample. */
static medley_status resample(void *context, int64_t task, int worker, medley_error *err)
{
    const resampling *r = context;
    double sum = 0;
    (void)worker;
    (void)err;
    for (int64_t i = 0; i < r->n; i++) {
        const double u = random_uniform(r->seed, (uint64_t)task, (uint64_t)i);
        const int64_t user = (int64_t)(u * (double)r->n);
        sum += r->b == NULL ? r->a[user] : r->a[user] - r->b[user];
    }
    r->means[task] = sum / (double)r->n;
    return MEDLEY_OK;
}

static medley_status run_bootstrap(const medley_runtime *rt, const double *a, const double *b, int64_t n,
                                   const bootstrap_options *o, interval *out, medley_error *err)
{
    resampling r = {.a = a, .b = b, .n = n, .seed = o->seed};
    *out = (interval){0, 0};
    if (o->resamples < 1 || !(o->level > 0 && o->level < 1))
        return fail(err, MEDLEY_E_ARGUMENT,
                    "%lld resamples at level %g; at least 1 and 0 < level < 1 are accepted",
                    (long long)o->resamples, o->level);
    TRY(mem_alloc(rt, o->resamples, sizeof *r.means, &r.means, err));
    const medley_status status = parallel_run(rt, o->resamples, resample, &r, err);
    if (status == MEDLEY_OK)
        *out = sample_interval(r.means, o->resamples, o->level);
    mem_free(r.means);
    return status;
}

medley_status bootstrap_mean(const medley_runtime *rt, const double *values, int64_t n,
                             const bootstrap_options *options, interval *out, medley_error *err)
{
    if (n < 1)
        return fail(err, MEDLEY_E_ARGUMENT, "no values; at least 1 is needed");
    TRY(check_finite("the system", values, n, err));
    return run_bootstrap(rt, values, NULL, n, options, out, err);
}

medley_status bootstrap_difference(const medley_runtime *rt, const double *a, const double *b, int64_t n,
                                   const bootstrap_options *options, interval *out, medley_error *err)
{
    TRY(check_pairs(a, b, n, 1, err));
    return run_bootstrap(rt, a, b, n, options, out, err);
}

/* ---- Student's t ---- */

/* ln (Gamma(a + 1/2) / Gamma(a)) for a >= 1/2. The series (DLMF 5.11.13) keeps its digits where the
 * difference of two lgamma, each about a ln a, has lost them; below it serves a shifted argument:
 * Gamma(a + 1) = a Gamma(a). */
static double log_gamma_ratio(double a)
{
    double shift = 0;
    for (; a < 20; a++)
        shift += log1p(-0.5 / (a + 0.5)); /* ln (a / (a + 1/2)) */
    const double r = 1 / a, r2 = r * r;
    return shift + 0.5 * log(a) -
           r * (1. / 8 - r2 * (1. / 192 - r2 * (1. / 640 - r2 * (17. / 14336 - r2 * 31. / 18432))));
}

/* The continued fraction of the incomplete beta function I_x(a, b) (DLMF 8.17.22) by Lentz's
 * method as modified by Thompson and Barnett (1986). Converges in O(sqrt(max(a, b))) steps for
 * x < (a + 1) / (a + b + 2). */
static double beta_fraction(double a, double b, double x)
{
    enum { STEPS_MOST = 1000000 };
    const double tiny = 1e-300, enough = 3e-16;
    double c = 1, d = 1 - (a + b) * x / (a + 1);
    d = 1 / (fabs(d) < tiny ? tiny : d);
    double h = d;
    for (int m = 1; m <= STEPS_MOST; m++) {
        const double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
        const double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
        double step = 1;
        for (int half = 0; half < 2; half++) {
            const double e = half == 0 ? even : odd;
            d = 1 + e * d;
            c = 1 + e / c;
            d = 1 / (fabs(d) < tiny ? tiny : d);
            c = fabs(c) < tiny ? tiny : c;
            step = d * c;
            h *= step;
        }
        if (fabs(step - 1) <= enough)
            break;
    }
    return h;
}

/* P(|T| >= |t|) for T with v degrees of freedom: I_x(v/2, 1/2), x = v / (v + t^2) (DLMF 8.17). */
static double student_tails(double t, double v)
{
    const double a = v / 2, ratio = t * t / v;
    if (isinf(ratio))
        return 0;
    if (t == 0)
        return 1;
    const double x = 1 / (1 + ratio), y = ratio / (1 + ratio); /* x + y = 1 */
    const double half_log_pi = 0.57236494292470008707;
    /* x^a y^(1/2) / B(a, 1/2) */
    const double front = exp(log_gamma_ratio(a) - half_log_pi - a * log1p(ratio) + 0.5 * log(y));
    if (x < (a + 1) / (a + 2.5))
        return front * beta_fraction(a, 0.5, x) / a;
    return 1 - front * beta_fraction(0.5, a, y) / 0.5;
}

medley_status t_test_paired(const double *a, const double *b, int64_t n, t_test *out, medley_error *err)
{
    double sum = 0, squares = 0, least = 0, most = 0;
    *out = (t_test){0};
    TRY(check_pairs(a, b, n, 2, err));
    for (int64_t i = 0; i < n; i++) {
        const double d = a[i] - b[i];
        sum += d;
        least = i == 0 || d < least ? d : least;
        most = i == 0 || d > most ? d : most;
    }
    out->mean = least < most ? sum / (double)n : least; /* of equal numbers: free of rounding, so that std is 0 */
    for (int64_t i = 0; i < n; i++)
        squares += (a[i] - b[i] - out->mean) * (a[i] - b[i] - out->mean);
    out->std = sqrt(squares / (double)(n - 1));
    if (out->std > 0)
        out->cohens_d = out->mean / out->std;
    else
        out->cohens_d = out->mean == 0 ? 0 : copysign(INFINITY, out->mean);
    out->t = out->cohens_d * sqrt((double)n);
    out->p = student_tails(out->t, (double)(n - 1));
    return MEDLEY_OK;
}

/* ---- Wilcoxon's signed ranks ---- */

typedef struct signed_size {
    double size; /* |d| > 0 */
    bool is_positive;
} signed_size;

static int by_size(const void *left, const void *right)
{
    const double x = ((const signed_size *)left)->size, y = ((const signed_size *)right)->size;
    return (x > y) - (x < y);
}

/* Adds up mean ranks by sign; returns the sum of t^3 - t over groups of t ties. */
static double sum_ranks(const signed_size *sorted, int64_t n, wilcoxon_test *out)
{
    double ties = 0;
    for (int64_t first = 0, next; first < n; first = next) {
        for (next = first + 1; next < n && sorted[next].size == sorted[first].size; next++)
            continue;
        const double rank = (double)(first + 1 + next) / 2, count = (double)(next - first);
        ties += count * count * count - count;
        for (int64_t i = first; i < next; i++)
            *(sorted[i].is_positive ? &out->positive : &out->negative) += rank;
    }
    return ties;
}

enum { EXACT_MOST = 50, EXACT_SUM = EXACT_MOST * (EXACT_MOST + 1) / 2 };

/* P(W <= w) when each rank 1..n is in the sum W with probability 1/2. The counts of subsets are integers
 * below 2^50: exact in double. */
static double rank_sum_below(int64_t n, double w)
{
    double subsets[EXACT_SUM + 1] = {1}; /* by their sum */
    double below = 0;
    for (int64_t rank = 1; rank <= n; rank++)
        for (int64_t sum = rank * (rank + 1) / 2; sum >= rank; sum--)
            subsets[sum] += subsets[sum - rank];
    for (int64_t sum = 0; sum <= (int64_t)w; sum++)
        below += subsets[sum];
    return ldexp(below, -(int)n);
}

static void judge_ranks(const signed_size *sorted, bool had_zeros, wilcoxon_test *out)
{
    const double n = (double)out->used;
    const double ties = sum_ranks(sorted, out->used, out);
    out->exact = out->used <= EXACT_MOST && !had_zeros && ties == 0;
    if (out->exact) {
        out->p = fmin(1, 2 * rank_sum_below(out->used, fmin(out->positive, out->negative)));
    } else {
        const double variance = (n * (n + 1) * (2 * n + 1) - ties / 2) / 24;
        out->z = (out->positive - n * (n + 1) / 4) / sqrt(variance);
        out->p = erfc(fabs(out->z) / sqrt(2)); /* 2 (1 - Phi(|z|)) */
    }
}

medley_status wilcoxon_paired(const medley_runtime *rt, const double *a, const double *b, int64_t n,
                              wilcoxon_test *out, medley_error *err)
{
    signed_size *sizes;
    *out = (wilcoxon_test){.p = 1};
    TRY(check_pairs(a, b, n, 1, err));
    TRY(mem_alloc(rt, n, sizeof *sizes, &sizes, err));
    for (int64_t i = 0; i < n; i++)
        if (a[i] != b[i])
            sizes[out->used++] = (signed_size){fabs(a[i] - b[i]), a[i] > b[i]};
    if (out->used > 0) {
        qsort(sizes, (size_t)out->used, sizeof *sizes, by_size);
        judge_ranks(sizes, out->used < n, out);
    }
    mem_free(sizes);
    return MEDLEY_OK;
}

/* ---- families of tests ---- */

typedef struct family_member {
    double p;
    int64_t index;
} family_member;

static int by_p(const void *left, const void *right)
{
    const family_member *x = left, *y = right;
    return x->p != y->p ? (x->p > y->p) - (x->p < y->p) : (x->index > y->index) - (x->index < y->index);
}

/* The largest of (m - j) p_(j), j = 0..i, at most 1. */
static void adjust_holm(const family_member *sorted, int64_t m, double *adjusted)
{
    double most = 0;
    for (int64_t i = 0; i < m; i++) {
        most = fmax(most, fmin(1, (double)(m - i) * sorted[i].p));
        adjusted[sorted[i].index] = most;
    }
}

/* The least of m p_(j) / (j + 1), j = i..m-1, at most 1. */
static void adjust_benjamini_hochberg(const family_member *sorted, int64_t m, double *adjusted)
{
    double least = 1;
    for (int64_t i = m - 1; i >= 0; i--) {
        least = fmin(least, sorted[i].p * (double)m / (double)(i + 1));
        adjusted[sorted[i].index] = least;
    }
}

medley_status p_adjust(const medley_runtime *rt, p_adjustment method, const double *p, int64_t m, double *adjusted,
                       medley_error *err)
{
    static void (*const adjust[])(const family_member *, int64_t, double *) = {
        [P_HOLM] = adjust_holm,
        [P_BENJAMINI_HOCHBERG] = adjust_benjamini_hochberg,
    };
    family_member *sorted;
    for (int64_t i = 0; i < m; i++)
        if (!(p[i] >= 0 && p[i] <= 1))
            return fail(err, MEDLEY_E_ARGUMENT, "p value %lld is %g; 0..1 is accepted", (long long)i, p[i]);
    TRY(mem_alloc(rt, m, sizeof *sorted, &sorted, err));
    for (int64_t i = 0; i < m; i++)
        sorted[i] = (family_member){p[i], i};
    qsort(sorted, (size_t)m, sizeof *sorted, by_p);
    adjust[method](sorted, m, adjusted);
    mem_free(sorted);
    return MEDLEY_OK;
}
