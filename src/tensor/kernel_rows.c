#include "tensor/kernel_rows.h"

#include "base/multiversion.h"
#include "tensor/kernel_rows_lanes.h"

enum { TASK_NUMBERS = 32768, COLUMN_ROWS = 64, NARROW = 512, LOGS_AT_ONCE = 16 };

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

/* ---- softmax ---- */

MULTIVERSION static void softmax_row(const real *restrict x, int64_t width, real *restrict y)
{
    const real most = row_max(value, &(row_view){.x = x}, width);
    for (int64_t i = 0; i < width; i++)
        y[i] = vm_exp(x[i] - most);
    const real inverse = 1 / row_sum(value, &(row_view){.x = y}, width);
    for (int64_t i = 0; i < width; i++)
        y[i] *= inverse;
}

void softmax_forward(const rows_job *job, int64_t task)
{
    for (int64_t row = task * job->block; row < end_of(job, task); row++)
        softmax_row(job->x + row * job->width, job->width, job->out + row * job->width);
}

MULTIVERSION static void softmax_row_back(const real *restrict y, const real *restrict dy, int64_t width, bool add,
                                          real *restrict dx)
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

MULTIVERSION static real softmax_row_sum(const real *restrict x, int64_t width, real *most)
{
    *most = row_max(value, &(row_view){.x = x}, width);
    return row_sum(exponential, &(row_view){.x = x, .shift = *most}, width);
}

MULTIVERSION static void take_logs(real *sum)
{
    for (int r = 0; r < LOGS_AT_ONCE; r++)
        sum[r] = vm_log(sum[r]);
}

/* ln sum is taken off last: x may be so large that max + ln sum is max. */
MULTIVERSION static void log_softmax_row(const real *restrict x, int64_t width, real most, real log_sum,
                                         real *restrict y)
{
    for (int64_t i = 0; i < width; i++)
        y[i] = (x[i] - most) - log_sum;
}

/* Narrow rows take their logarithms together. */
void log_softmax_forward(const rows_job *job, int64_t task)
{
    const int64_t width = job->width, end = end_of(job, task), step = width <= NARROW ? LOGS_AT_ONCE : 1;
    for (int64_t first = task * job->block; first < end; first += step) {
        const int64_t rows = end - first < step ? end - first : step;
        const real *x = job->x + first * width;
        real most[LOGS_AT_ONCE], sum[LOGS_AT_ONCE] = {0};
        for (int64_t r = 0; r < rows; r++)
            sum[r] = softmax_row_sum(x + r * width, width, &most[r]);
        take_logs(sum);
        for (int64_t r = 0; r < rows; r++)
            log_softmax_row(x + r * width, width, most[r], sum[r], job->out + (first + r) * width);
    }
}

MULTIVERSION static void log_softmax_row_back(const real *restrict y, const real *restrict dy, int64_t width,
                                              bool add, real *restrict dx)
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

MULTIVERSION static void layer_norm_row(const rows_job *job, const real *restrict x, real *restrict y, real *stats)
{
    const int64_t width = job->width;
    const real *restrict gain = job->gain, *restrict bias = job->bias;
    const real mean = row_sum(value, &(row_view){.x = x}, width) / (real)width;
    const real squares = row_sum(square_from, &(row_view){.x = x, .shift = mean}, width);
    const real scale = 1 / real_sqrt(squares / (real)width + job->epsilon);
    for (int64_t i = 0; i < width; i++)
        y[i] = (x[i] - mean) * scale * gain[i] + bias[i];
    stats[0] = mean;
    stats[1] = scale;
}

void layer_norm_forward(const rows_job *job, int64_t task)
{
    for (int64_t row = task * job->block; row < end_of(job, task); row++)
        layer_norm_row(job, job->x + row * job->width, job->out + row * job->width, job->stats + 2 * row);
}

/* With h = dy gain: dx = scale (h - mean h - n mean(h n)). */
MULTIVERSION static void layer_norm_row_back(const rows_job *job, int64_t row, real *restrict dx)
{
    const int64_t width = job->width;
    const real *restrict x = job->x + row * width, *restrict dy = job->dy + row * width,
                         *restrict gain = job->gain;
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
        if (job->out != NULL)
            layer_norm_row_back(job, row, job->out + row * job->width);
        if (sums != NULL)
            layer_norm_row_columns(job, row, sums);
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
MULTIVERSION static void l2_normalise_row_back(const real *restrict y, const real *restrict dy, int64_t width,
                                               real length, real epsilon, bool add, real *restrict dx)
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
