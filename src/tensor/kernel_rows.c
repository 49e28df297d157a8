#include "tensor/kernel_rows.h"

#include "base/multiversion.h"
#include "tensor/kernel_rows_lanes.h"

enum { TASK_NUMBERS = 32768, COLUMN_ROWS = 64, NARROW = 128, AT_ONCE = 16 };

int64_t rows_block(int64_t width, bool columns)
{
    const int64_t least = columns ? COLUMN_ROWS : 1;
    const int64_t block = TASK_NUMBERS / (width > 0 ? width : 1);
    return block > least ? block : least;
}

int64_t rows_tasks(const rows_job *job)
{
    return (job->rows + job->block - 1) / job->block;
}

static int64_t end_of(const rows_job *job, int64_t task)
{
    const int64_t end = (task + 1) * job->block;
    return end < job->rows ? end : job->rows;
}

/* Terms of sums over a row. */
ROW_INLINE real value(const row_view *r, int64_t i)
{
    return r->x[i];
}
ROW_INLINE real square(const row_view *r, int64_t i)
{
    return r->x[i] * r->x[i];
}
ROW_INLINE real square_from(const row_view *r, int64_t i)
{
    const real d = r->x[i] - r->shift;
    return d * d;
}
ROW_INLINE real exponential(const row_view *r, int64_t i)
{
    return vm_exp(r->x[i] - r->shift);
}
ROW_INLINE real slope(const row_view *r, int64_t i)
{
    return r->dy[i];
}
ROW_INLINE real slope_times_y(const row_view *r, int64_t i)
{
    return r->dy[i] * r->y[i];
}
ROW_INLINE real slope_times_gain(const row_view *r, int64_t i)
{
    return r->dy[i] * r->gain[i];
}
ROW_INLINE real slope_times_gain_times_x(const row_view *r, int64_t i)
{
    return r->dy[i] * r->gain[i] * (r->x[i] - r->shift);
}

/* Rows `first` .. first + rows - 1 of a task, at most AT_ONCE. Narrow rows take each of their passes together: the pass
 * over one does not wait for the end of the pass over another. Wide ones are better read and written at an even pace. */
typedef void (*some_rows)(const rows_job *job, int64_t first, int64_t rows);

static void run_some(const rows_job *job, int64_t task, some_rows f)
{
    const int64_t end = end_of(job, task), step = job->width <= NARROW ? AT_ONCE : 1;
    for (int64_t first = task * job->block; first < end; first += step)
        f(job, first, end - first < step ? end - first : step);
}

/* ---- softmax ---- */

MULTIVERSION static void softmax_rows(const rows_job *job, int64_t first, int64_t rows)
{
    const int64_t width = job->width;
    const real *restrict x = job->x + first * width;
    real *restrict y = job->out + first * width;
    real most[AT_ONCE], inverse[AT_ONCE];
    for (int64_t r = 0; r < rows; r++)
        most[r] = row_max(value, &(row_view){.x = x + r * width}, width);
    for (int64_t r = 0; r < rows; r++)
        for (int64_t i = r * width; i < (r + 1) * width; i++)
            y[i] = vm_exp(x[i] - most[r]);
    for (int64_t r = 0; r < rows; r++)
        inverse[r] = 1 / row_sum(value, &(row_view){.x = y + r * width}, width);
    for (int64_t r = 0; r < rows; r++)
        for (int64_t i = r * width; i < (r + 1) * width; i++)
            y[i] *= inverse[r];
}

void softmax_forward(const rows_job *job, int64_t task)
{
    run_some(job, task, softmax_rows);
}

MULTIVERSION static void softmax_row_back(const real *restrict y, const real *dy, int64_t width, bool add,
                                          real *dx)
{
    const real dot = row_sum(slope_times_y, &(row_view){.y = y, .dy = dy}, width);
    ROW_STORE(dx, width, add, y[i] * (dy[i] - dot));
}

void softmax_backward(const rows_job *job, int64_t task)
{
    for (int64_t row = task * job->block; row < end_of(job, task); row++) {
        const int64_t at = row * job->width;
        softmax_row_back(job->y + at, job->dy + at, job->width, job->add, job->out + at);
    }
}

/* ln sum is taken off last: x may be so large that max + ln sum is max. */
MULTIVERSION static void log_softmax_rows(const rows_job *job, int64_t first, int64_t rows)
{
    const int64_t width = job->width;
    const real *restrict x = job->x + first * width;
    real *restrict y = job->out + first * width;
    real most[AT_ONCE], sum[AT_ONCE] = {0};
    for (int64_t r = 0; r < rows; r++)
        most[r] = row_max(value, &(row_view){.x = x + r * width}, width);
    for (int64_t r = 0; r < rows; r++)
        sum[r] = row_sum(exponential, &(row_view){.x = x + r * width, .shift = most[r]}, width);
    for (int r = 0; r < AT_ONCE; r++)
        sum[r] = vm_log(sum[r]);
    for (int64_t r = 0; r < rows; r++)
        for (int64_t i = r * width; i < (r + 1) * width; i++)
            y[i] = (x[i] - most[r]) - sum[r];
}

void log_softmax_forward(const rows_job *job, int64_t task)
{
    run_some(job, task, log_softmax_rows);
}

MULTIVERSION static void log_softmax_row_back(const real *restrict y, const real *dy, int64_t width, bool add,
                                              real *dx)
{
    const real sum = row_sum(slope, &(row_view){.dy = dy}, width);
    ROW_STORE(dx, width, add, (dy[i] - vm_exp(y[i]) * sum));
}

void log_softmax_backward(const rows_job *job, int64_t task)
{
    for (int64_t row = task * job->block; row < end_of(job, task); row++) {
        const int64_t at = row * job->width;
        log_softmax_row_back(job->y + at, job->dy + at, job->width, job->add, job->out + at);
    }
}

/* ---- layer norm ---- */

MULTIVERSION static void layer_norm_rows(const rows_job *job, int64_t first, int64_t rows)
{
    const int64_t width = job->width;
    const real *restrict x = job->x + first * width, *restrict gain = job->gain, *restrict bias = job->bias;
    real *restrict y = job->out + first * width, *restrict stats = job->stats + 2 * first;
    for (int64_t r = 0; r < rows; r++)
        stats[2 * r] = row_sum(value, &(row_view){.x = x + r * width}, width) / (real)width;
    for (int64_t r = 0; r < rows; r++)
        stats[2 * r + 1] = row_sum(square_from, &(row_view){.x = x + r * width, .shift = stats[2 * r]}, width);
    for (int64_t r = 0; r < rows; r++) {
        const real mean = stats[2 * r], scale = 1 / real_sqrt(stats[2 * r + 1] / (real)width + job->epsilon);
        stats[2 * r + 1] = scale;
        for (int64_t i = 0; i < width; i++)
            y[r * width + i] = (x[r * width + i] - mean) * scale * gain[i] + bias[i];
    }
}

void layer_norm_forward(const rows_job *job, int64_t task)
{
    run_some(job, task, layer_norm_rows);
}

/* With h = dy gain: dx = scale (h - mean h - n mean(h n)). */
MULTIVERSION static void layer_norm_row_back(const rows_job *job, int64_t row, real *dx)
{
    const int64_t width = job->width;
    const real *restrict x = job->x + row * width, *restrict gain = job->gain, *dy = job->dy + row * width;
    const real mean = job->stats[2 * row], scale = job->stats[2 * row + 1];
    const row_view r = {.x = x, .dy = dy, .gain = gain, .shift = mean};
    const real mean_h = row_sum(slope_times_gain, &r, width) / (real)width;
    const real mean_hn = scale * row_sum(slope_times_gain_times_x, &r, width) / (real)width;
    const bool add = job->add;
    ROW_STORE(dx, width, add, scale * (dy[i] * gain[i] - mean_h - (x[i] - mean) * scale * mean_hn));
}

MULTIVERSION static void layer_norm_row_columns(const rows_job *job, int64_t row, real *restrict sums)
{
    const int64_t width = job->width;
    const real *restrict x = job->x + row * width, *restrict dy = job->dy + row * width;
    const real mean = job->stats[2 * row], scale = job->stats[2 * row + 1];
    for (int64_t i = 0; i < width; i++) {
        sums[i] += dy[i] * ((x[i] - mean) * scale);
        sums[width + i] += dy[i];
    }
}

void layer_norm_backward(const rows_job *job, int64_t task)
{
    real *const sums = job->columns == NULL ? NULL : job->columns + 2 * task * job->width;
    if (sums != NULL)
        memset(sums, 0, (size_t)(2 * job->width) * sizeof(*sums));
    for (int64_t row = task * job->block; row < end_of(job, task); row++) {
        if (sums != NULL)
            layer_norm_row_columns(job, row, sums);
        if (job->out != NULL)
            layer_norm_row_back(job, row, job->out + row * job->width);
    }
}

/* ---- length ---- */

MULTIVERSION static real l2_normalise_row(const real *restrict x, int64_t width, real epsilon, real *restrict y)
{
    const real length = real_sqrt(row_sum(square, &(row_view){.x = x}, width));
    const real inverse = 1 / (length > epsilon ? length : epsilon);
    for (int64_t i = 0; i < width; i++)
        y[i] = x[i] * inverse;
    return length;
}

void l2_normalise_forward(const rows_job *job, int64_t task)
{
    for (int64_t row = task * job->block; row < end_of(job, task); row++) {
        const int64_t at = row * job->width;
        job->stats[row] = l2_normalise_row(job->x + at, job->width, job->epsilon, job->out + at);
    }
}

/* dx = (dy - y <y, dy>) / |x|; dy / epsilon where the length is held at epsilon */
MULTIVERSION static void l2_normalise_row_back(const real *restrict y, const real *dy, int64_t width, real length,
                                               real epsilon, bool add, real *dx)
{
    const bool held = !(length > epsilon);
    const real inverse = 1 / (held ? epsilon : length);
    const real dot = held ? 0 : row_sum(slope_times_y, &(row_view){.y = y, .dy = dy}, width);
    ROW_STORE(dx, width, add, (dy[i] - y[i] * dot) * inverse);
}

void l2_normalise_backward(const rows_job *job, int64_t task)
{
    for (int64_t row = task * job->block; row < end_of(job, task); row++) {
        const int64_t at = row * job->width;
        l2_normalise_row_back(job->y + at, job->dy + at, job->width, job->stats[row], job->epsilon, job->add,
                              job->out + at);
    }
}
