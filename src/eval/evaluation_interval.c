/* A resample is a number of times for each user. The users' values are then read in order, for several
 * resamples at once: drawing rows of a large matrix one by one waits for memory. */
#include "eval/evaluation_interval.h"

#include <math.h>

#include "base/multiversion.h"
#include "base/tally.h"

enum { AT_ONCE = 8 }; /* resamples a task */

/* A user's row: for each column a value and whether it is defined, or the sums that the metric adds up. */
typedef struct resampling {
    const metric_column *columns;
    const bootstrap_options *options;
    int64_t column_count, users, width;
    const int64_t *at; /* [columns + 1] where each column's numbers begin in a row */
    double *rows;      /* [users, width] */
    uint32_t *times;   /* [workers, users, AT_ONCE] */
    double *totals;    /* [workers, AT_ONCE, width] */
    double *values;    /* [columns, resamples] */
    tally progress;
} resampling;

static int64_t width_of(const metric_class *metric)
{
    return metric->add != NULL ? METRIC_SUMS : metric->of_user != NULL ? 2 : 0;
}

static double value_of(const metric_class *metric, const double *totals)
{
    return metric->add != NULL ? metric->of_sums(totals) : totals[0] / totals[1];
}

MULTIVERSION static void add_times(double times, const double *restrict row, double *restrict totals,
                                   int64_t width)
{
    for (int64_t i = 0; i < width; i++)
        totals[i] += times * row[i];
}

static medley_status resample(void *context, int64_t task, int worker, medley_error *err)
{
    resampling *r = context;
    const int64_t first = task * AT_ONCE, left = r->options->resamples - first,
                  count = left < AT_ONCE ? left : AT_ONCE;
    uint32_t *times = r->times + worker * r->users * AT_ONCE;
    double *totals = r->totals + worker * AT_ONCE * r->width;
    memset(times, 0, (size_t)(r->users * AT_ONCE) * sizeof *times);
    memset(totals, 0, (size_t)(AT_ONCE * r->width) * sizeof *totals);
    for (int64_t b = 0; b < count; b++)
        for (int64_t i = 0; i < r->users; i++) {
            const double u = random_uniform(r->options->seed, (uint64_t)(first + b), (uint64_t)i);
            times[(int64_t)(u * (double)r->users) * AT_ONCE + b]++;
        }
    for (int64_t user = 0; user < r->users; user++)
        for (int64_t b = 0; b < count; b++)
            if (times[user * AT_ONCE + b] > 0)
                add_times((double)times[user * AT_ONCE + b], r->rows + user * r->width, totals + b * r->width,
                          r->width);
    for (int64_t c = 0; c < r->column_count; c++)
        for (int64_t b = 0; b < count && r->at[c + 1] > r->at[c]; b++)
            r->values[c * r->options->resamples + first + b] =
                value_of(r->columns[c].metric, totals + b * r->width + r->at[c]);
    return tally_add(&r->progress, count, err);
}

static void fill_rows(resampling *r, const double *per_user, const double *sums)
{
    for (int64_t u = 0; u < r->users; u++)
        for (int64_t c = 0; c < r->column_count; c++) {
            const int64_t from = u * r->column_count + c;
            double *row = r->rows + u * r->width + r->at[c];
            if (r->columns[c].metric->add != NULL) {
                memcpy(row, sums + from * METRIC_SUMS, METRIC_SUMS * sizeof *row);
            } else if (r->columns[c].metric->of_user != NULL) {
                const bool defined = !isnan(per_user[from]);
                row[0] = defined ? per_user[from] : 0;
                row[1] = defined;
            }
        }
}

/* Resamples for which a value is not defined are left out. */
static interval interval_of(double *values, int64_t n, double level)
{
    int64_t kept = 0;
    for (int64_t i = 0; i < n; i++)
        if (!isnan(values[i]))
            values[kept++] = values[i];
    return kept > 0 ? sample_interval(values, kept, level) : (interval){(double)NAN, (double)NAN};
}

medley_status evaluation_intervals(const medley_runtime *rt, const metric_column *columns, int64_t column_count,
                                   const double *per_user, const double *sums, int64_t users,
                                   const bootstrap_options *options, interval *out, medley_error *err)
{
    const int64_t workers = parallel_workers(rt), n = options->resamples;
    resampling r = {.columns = columns, .options = options, .column_count = column_count, .users = users};
    int64_t *at = NULL;
    medley_status status;
    assert(n > 0 && users > 0);
    tally_start(&r.progress, rt, "resampling", n);
    TRY_DONE(mem_alloc(rt, column_count + 1, sizeof *at, &at, err));
    at[0] = 0;
    for (int64_t c = 0; c < column_count; c++)
        at[c + 1] = at[c] + width_of(columns[c].metric);
    r.at = at;
    r.width = at[column_count];
    TRY_DONE(mem_alloc(rt, users, (size_t)r.width * sizeof *r.rows, &r.rows, err));
    TRY_DONE(mem_alloc(rt, workers * users, AT_ONCE * sizeof *r.times, &r.times, err));
    TRY_DONE(mem_alloc(rt, workers * r.width, AT_ONCE * sizeof *r.totals, &r.totals, err));
    TRY_DONE(mem_alloc(rt, column_count, (size_t)n * sizeof *r.values, &r.values, err));
    fill_rows(&r, per_user, sums);
    TRY_DONE(parallel_run(rt, (n + AT_ONCE - 1) / AT_ONCE, resample, &r, err));
    for (int64_t c = 0; c < column_count; c++)
        out[c] = at[c + 1] > at[c] ? interval_of(r.values + c * n, n, options->level)
                                   : (interval){(double)NAN, (double)NAN};
done:
    mem_free(r.values);
    mem_free(r.totals);
    mem_free(r.times);
    mem_free(r.rows);
    mem_free(at);
    return status;
}
