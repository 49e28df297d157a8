/* Batch norm and sums over columns. */
#include "tensor/kernel_rows.h"

#include "base/multiversion.h"
#include "tensor/kernel_rows_lanes.h"

enum { AT_ONCE = 4 }; /* rows added up before a column's sum is touched */

static int64_t rows_of(const rows_job *job, int64_t task)
{
    const int64_t left = job->rows - task * job->block;
    return left < job->block ? left : job->block;
}

/* sums[width] += the columns of x [rows, width] */
MULTIVERSION static void add_columns(const real *restrict x, int64_t rows, int64_t width, real *restrict sums)
{
    int64_t row = 0;
    for (; row + AT_ONCE <= rows; row += AT_ONCE) {
        const real *restrict a = x + row * width;
        for (int64_t i = 0; i < width; i++)
            sums[i] += (a[i] + a[width + i]) + (a[2 * width + i] + a[3 * width + i]);
    }
    for (; row < rows; row++)
        for (int64_t i = 0; i < width; i++)
            sums[i] += x[row * width + i];
}

/* squares[width] += the columns of (x - mean)², and rests[width] those of x - mean */
MULTIVERSION static void add_squares(const real *restrict x, int64_t rows, int64_t width,
                                     const real *restrict mean, real *restrict squares, real *restrict rests)
{
    int64_t row = 0;
    for (; row + AT_ONCE <= rows; row += AT_ONCE) {
        const real *restrict a = x + row * width;
        for (int64_t i = 0; i < width; i++) {
            const real p = a[i] - mean[i], q = a[width + i] - mean[i];
            const real r = a[2 * width + i] - mean[i], s = a[3 * width + i] - mean[i];
            squares[i] += (p * p + q * q) + (r * r + s * s);
            rests[i] += (p + q) + (r + s);
        }
    }
    for (; row < rows; row++)
        for (int64_t i = 0; i < width; i++) {
            const real p = x[row * width + i] - mean[i];
            squares[i] += p * p;
            rests[i] += p;
        }
}

/* What rounding left of the mean shows in the second pass, and is put right. */
void batch_norm_moments(const rows_job *job, int64_t task)
{
    const int64_t width = job->width, rows = rows_of(job, task);
    const real *x = job->x + task * job->block * width;
    real *mean = job->columns + 3 * task * width, *squares = mean + width, *rests = squares + width;
    memset(mean, 0, (size_t)(3 * width) * sizeof(*mean));
    add_columns(x, rows, width, mean);
    for (int64_t i = 0; i < width; i++)
        mean[i] /= (real)rows;
    add_squares(x, rows, width, mean, squares, rests);
    for (int64_t i = 0; i < width; i++) {
        const real rest = rests[i] / (real)rows;
        mean[i] += rest;
        squares[i] -= rests[i] * rest;
    }
}

/* With n and m rows and d the difference of the means: squares + squares' + d² n m / (n + m). */
void columns_moments(const rows_job *job, real *mean, real *squares)
{
    const int64_t width = job->width;
    memset(mean, 0, (size_t)width * sizeof(*mean));
    memset(squares, 0, (size_t)width * sizeof(*squares));
    double before = 0;
    for (int64_t task = 0; task < rows_tasks(job); task++) {
        const real *other = job->columns + 3 * task * width;
        const double rows = (double)rows_of(job, task), share = rows / (before + rows);
        for (int64_t i = 0; i < width; i++) {
            const double d = (double)other[i] - (double)mean[i];
            mean[i] += (real)(d * share);
            squares[i] += (real)((double)other[width + i] + d * d * before * share);
        }
        before += rows;
    }
}

MULTIVERSION static void apply_row(const real *restrict x, int64_t width, const real *restrict mean,
                                   const real *restrict scale, const real *restrict gain,
                                   const real *restrict bias, real *restrict y)
{
    for (int64_t i = 0; i < width; i++)
        y[i] = (x[i] - mean[i]) * scale[i] * gain[i] + bias[i];
}

void batch_norm_apply(const rows_job *job, int64_t task)
{
    const int64_t width = job->width, first = task * job->block;
    for (int64_t row = first; row < first + rows_of(job, task); row++)
        apply_row(job->x + row * width, width, job->stats, job->stats + width, job->gain, job->bias,
                  job->out + row * width);
}

MULTIVERSION static void add_slopes(const real *restrict x, const real *restrict dy, int64_t width,
                                    const real *restrict mean, real *restrict sums)
{
    for (int64_t i = 0; i < width; i++) {
        sums[i] += dy[i] * (x[i] - mean[i]);
        sums[width + i] += dy[i];
    }
}

void batch_norm_slopes(const rows_job *job, int64_t task)
{
    const int64_t width = job->width, first = task * job->block;
    real *sums = job->columns + 2 * task * width;
    memset(sums, 0, (size_t)(2 * width) * sizeof(*sums));
    for (int64_t row = first; row < first + rows_of(job, task); row++)
        add_slopes(job->x + row * width, job->dy + row * width, width, job->stats, sums);
    for (int64_t i = 0; i < width; i++)
        sums[i] *= job->stats[width + i];
}

MULTIVERSION static void pull_row(const rows_job *job, int64_t row, const real *restrict pull, real *dx)
{
    const int64_t width = job->width;
    const real *restrict x = job->x + row * width, *restrict gain = job->gain, *dy = job->dy + row * width;
    const real *restrict mean = job->stats, *restrict scale = job->stats + width;
    const bool add = job->add;
    ROW_STORE(dx, width, add,
              gain[i] * scale[i] * (dy[i] - pull[width + i] - (x[i] - mean[i]) * scale[i] * pull[i]));
}

void batch_norm_backward(const rows_job *job, const real *pull, int64_t task)
{
    const int64_t first = task * job->block;
    for (int64_t row = first; row < first + rows_of(job, task); row++)
        pull_row(job, row, pull, job->out + row * job->width);
}

void columns_sum(const rows_job *job, int which, real *out, bool add)
{
    const int64_t width = job->width, tasks = rows_tasks(job);
    if (!add)
        memset(out, 0, (size_t)width * sizeof(*out));
    for (int64_t task = 0; task < tasks; task++) {
        const real *sums = job->columns + (2 * task + which) * width;
        for (int64_t i = 0; i < width; i++)
            out[i] += sums[i];
    }
}
