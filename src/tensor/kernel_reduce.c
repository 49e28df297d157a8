#include "tensor/kernel_reduce.h"

#include "base/multiversion.h"
#include "tensor/streaming.h"

enum {
    LANES = 16,
    LEAF = 8192,        /* of a contiguous axis */
    LEAF_MOST = 1024,   /* rows of another one: more would lose digits */
    LEAF_LEAST = 32,    /* fewer would write partial sums as fast as they read */
    COLUMNS_MOST = 2048 /* that one task adds up at a time */
};

static int64_t pieces_of(int64_t count, int64_t size)
{
    return (count + size - 1) / size;
}

/* ---- sums ---- */

typedef real lanes __attribute__((vector_size(LANES * sizeof(real)), aligned(sizeof(real)), may_alias));
typedef real eight __attribute__((vector_size(8 * sizeof(real))));
typedef real four __attribute__((vector_size(4 * sizeof(real))));

/* The sum of all lanes by halves. */
static inline __attribute__((always_inline)) real sum_lanes(const lanes *all)
{
    eight upper, lower;
    four high, low;
    memcpy(&lower, all, sizeof lower);
    memcpy(&upper, (const char *)all + sizeof lower, sizeof upper);
    lower += upper;
    memcpy(&low, &lower, sizeof low);
    memcpy(&high, (const char *)&lower + sizeof low, sizeof high);
    low += high;
    return (low[0] + low[2]) + (low[1] + low[3]);
}

/* LANES sums of every LANES-th number, then these by halves. Inlined into each version. */
static inline __attribute__((always_inline)) real sum_run_of(const real *restrict x, const real *restrict w,
                                                             int64_t n)
{
    lanes sum[4] = {{0}};
    int64_t i = 0;
    for (; i + 4 * LANES <= n; i += 4 * LANES) {
        stream_ahead(x + i, 4 * LANES);
        for (int k = 0; k < 4; k++) {
            lanes v = *(const lanes *)(x + i + k * LANES);
            if (w != NULL)
                v *= *(const lanes *)(w + i + k * LANES);
            sum[k] += v;
        }
    }
    for (; i + LANES <= n; i += LANES) {
        lanes v = *(const lanes *)(x + i);
        if (w != NULL)
            v *= *(const lanes *)(w + i);
        sum[0] += v;
    }
    const lanes all = (sum[0] + sum[1]) + (sum[2] + sum[3]);
    real rest = 0;
    for (; i < n; i++)
        rest += w != NULL ? x[i] * w[i] : x[i];
    return sum_lanes(&all) + rest;
}

static inline real stored(real sum, real scale, bool add, real old)
{
    return add ? old + scale * sum : scale * sum;
}

/* Sums of leaves [first, last) of `count` numbers a row (the last leaf of a row is shorter). */
#define SUM_RUNS(name, weights)                                                                    \
    MULTIVERSION static void name(const sum_job *job, int64_t leaves, int64_t first, int64_t last) \
    {                                                                                              \
        int64_t row = first / leaves, leaf = first % leaves;                                       \
        for (int64_t u = first; u < last; u++) {                                                   \
            const int64_t start = row * job->count + leaf * LEAF, rest = job->count - leaf * LEAF; \
            const real sum = sum_run_of(job->x + start, weights, rest < LEAF ? rest : LEAF);       \
            job->out[u] = stored(sum, job->scale, job->add, job->add ? job->out[u] : 0);           \
            leaf = leaf + 1 < leaves ? leaf + 1 : 0;                                               \
            row += leaf == 0;                                                                      \
        }                                                                                          \
    }
SUM_RUNS(sum_runs, NULL)
SUM_RUNS(sum_runs_weighted, job->w + start)

/* sum[j] = x[0, j] + x[1, j] + ..., eight rows at a time; rows `step` apart. */
#define SUM_COLUMNS(name, at)                                                                                 \
    MULTIVERSION static void name(const real *restrict x, const real *restrict w, int64_t rows, int64_t step, \
                                  real *restrict sum, int64_t columns)                                        \
    {                                                                                                         \
        int64_t r = 0;                                                                                        \
        (void)w;                                                                                              \
        for (int64_t j = 0; j < columns; j++)                                                                 \
            sum[j] = 0;                                                                                       \
        for (; r + 8 <= rows; r += 8) {                                                                       \
            for (int64_t k = 8; k < 16; k++)                                                                  \
                stream_fetch(stream_place(x, (r + k) * step), columns);                                       \
            for (int64_t j = 0; j < columns; j++)                                                             \
                sum[j] += ((at(r) + at(r + 1)) + (at(r + 2) + at(r + 3))) +                                   \
                          ((at(r + 4) + at(r + 5)) + (at(r + 6) + at(r + 7)));                                \
        }                                                                                                     \
        for (; r < rows; r++)                                                                                 \
            for (int64_t j = 0; j < columns; j++)                                                             \
                sum[j] += at(r);                                                                              \
    }
#define PLAIN(r) x[(r)*step + j]
#define WEIGHTED(r) (x[(r)*step + j] * w[(r)*step + j])
SUM_COLUMNS(sum_columns, PLAIN)
SUM_COLUMNS(sum_columns_weighted, WEIGHTED)

static int64_t leaf_rows(const sum_job *job)
{
    if (job->inner == 1)
        return LEAF;
    if (job->outer >= 16)
        return LEAF_MOST;
    const int64_t rows = ELEMENTS_A_TASK / (job->inner > 0 ? job->inner : 1);
    return rows < LEAF_LEAST ? LEAF_LEAST : least(rows, LEAF_MOST);
}

/* The units of a level, and how many make a task. */
typedef struct sum_cut {
    int64_t leaf, leaves, pieces, units, units_a_task;
} sum_cut;

static sum_cut cut_of(const sum_job *job)
{
    sum_cut cut = {.leaf = leaf_rows(job)};
    cut.leaves = job->count > cut.leaf ? pieces_of(job->count, cut.leaf) : 1;
    cut.pieces = pieces_of(job->inner, COLUMNS_MOST);
    cut.units = job->outer * cut.leaves * cut.pieces;
    const int64_t of_unit = least(job->count, cut.leaf) * least(job->inner, COLUMNS_MOST);
    const int64_t a_task = ELEMENTS_A_TASK / (of_unit > 0 ? of_unit : 1);
    cut.units_a_task = a_task > 0 ? a_task : 1;
    if (cut.units <= ELEMENTS_ALONE && cut.units * (of_unit > 0 ? of_unit : 1) <= ELEMENTS_ALONE)
        cut.units_a_task = cut.units > 0 ? cut.units : 1;
    return cut;
}

int64_t sum_leaves(const sum_job *job)
{
    return cut_of(job).leaves;
}

int64_t sum_tasks(const sum_job *job)
{
    const sum_cut cut = cut_of(job);
    return pieces_of(cut.units, cut.units_a_task);
}

static void sum_column_unit(const sum_job *job, const sum_cut *cut, int64_t unit)
{
    real sum[COLUMNS_MOST];
    const int64_t column = unit % cut->pieces * COLUMNS_MOST, leaf = unit / cut->pieces % cut->leaves,
                  o = unit / cut->pieces / cut->leaves;
    const int64_t columns = least(job->inner - column, COLUMNS_MOST),
                  rows = least(job->count - leaf * cut->leaf, cut->leaf);
    const int64_t from = (o * job->count + leaf * cut->leaf) * job->inner + column;
    real *out = job->out + (o * cut->leaves + leaf) * job->inner + column;
    if (job->w != NULL)
        sum_columns_weighted(job->x + from, job->w + from, rows, job->inner, sum, columns);
    else
        sum_columns(job->x + from, NULL, rows, job->inner, sum, columns);
    for (int64_t j = 0; j < columns; j++)
        out[j] = stored(sum[j], job->scale, job->add, job->add ? out[j] : 0);
}

medley_status sum_run(void *context, int64_t task, int worker, medley_error *err)
{
    const sum_job *job = context;
    const sum_cut cut = cut_of(job);
    const int64_t first = task * cut.units_a_task, last = least(first + cut.units_a_task, cut.units);
    (void)worker, (void)err;
    if (job->inner != 1)
        for (int64_t unit = first; unit < last; unit++)
            sum_column_unit(job, &cut, unit);
    else
        (job->w != NULL ? sum_runs_weighted : sum_runs)(job, cut.leaves, first, last);
    return MEDLEY_OK;
}

/* ---- maxima ---- */

/* Whether v comes before the best so far, which stood in front of it: the first of equal ones stays, and the
 * first NaN. */
#define TAKES(v, best) (((v) > (best)) | (((v) != (v)) & ((best) == (best))))

MULTIVERSION static void max_columns(const real *restrict x, int64_t count, int64_t inner, real *restrict best,
                                     int32_t *restrict place)
{
    for (int64_t j = 0; j < inner; j++) {
        best[j] = x[j];
        place[j] = 0;
    }
    for (int64_t k = 1; k < count; k++)
        for (int64_t j = 0; j < inner; j++) {
            const real v = x[k * inner + j], old = best[j];
            const bool take = TAKES(v, old);
            best[j] = take ? v : old;
            place[j] = take ? (int32_t)k : place[j];
        }
}

/* A row is LANES columns first, which are then compared with each other and with what is left over. */
static void max_row(const real *x, int64_t count, real *most, int32_t *place)
{
    real best[LANES];
    int32_t at[LANES];
    const int64_t whole = count / LANES;
    real top = x[0];
    int64_t first = 0;
    if (whole > 0)
        max_columns(x, whole, LANES, best, at);
    for (int l = 0; whole > 0 && l < LANES; l++) {
        const int64_t of_lane = (int64_t)at[l] * LANES + l;
        const bool equal = (best[l] == top) | ((best[l] != best[l]) & (top != top));
        const bool take = TAKES(best[l], top) | (equal & (of_lane < first));
        top = take ? best[l] : top;
        first = take ? of_lane : first;
    }
    for (int64_t i = whole * LANES; i < count; i++) {
        const bool take = TAKES(x[i], top);
        top = take ? x[i] : top;
        first = take ? i : first;
    }
    *most = top;
    *place = (int32_t)first;
}

/* By outer rows. */
static element_grid max_grid(int64_t outer, int64_t count, int64_t inner)
{
    element_grid grid = element_grid_of(outer, inner > 0 ? count * inner : 0);
    if (grid.columns_a_task < grid.columns) { /* a row is one task's */
        grid.columns_a_task = grid.columns;
        grid.tasks = outer;
    }
    return grid;
}

int64_t max_tasks(const max_job *job)
{
    return max_grid(job->outer, job->count, job->inner).tasks;
}

medley_status max_run(void *context, int64_t task, int worker, medley_error *err)
{
    const max_job *job = context;
    const element_grid grid = max_grid(job->outer, job->count, job->inner);
    const element_part part = element_grid_part(&grid, task);
    (void)worker, (void)err;
    if (job->inner == 1)
        for (int64_t o = part.row; o < part.row + part.rows; o++)
            max_row(job->x + o * job->count, job->count, &job->out[o], &job->place[o]);
    else
        for (int64_t o = part.row; o < part.row + part.rows; o++)
            max_columns(job->x + o * job->count * job->inner, job->count, job->inner, job->out + o * job->inner,
                        job->place + o * job->inner);
    return MEDLEY_OK;
}

int64_t max_gradient_tasks(const max_gradient_job *job)
{
    return max_grid(job->outer, job->count, job->inner).tasks;
}

medley_status max_gradient_run(void *context, int64_t task, int worker, medley_error *err)
{
    const max_gradient_job *job = context;
    const element_grid grid = max_grid(job->outer, job->count, job->inner);
    const element_part part = element_grid_part(&grid, task);
    const int64_t size = job->count * job->inner;
    (void)worker, (void)err;
    if (!job->add)
        memset(job->dx + part.row * size, 0, (size_t)(part.rows * size) * sizeof *job->dx);
    for (int64_t o = part.row; o < part.row + part.rows; o++)
        for (int64_t j = 0; j < job->inner; j++) {
            const int64_t at = o * job->inner + j;
            job->dx[o * size + job->place[at] * job->inner + j] += job->dy[at];
        }
    return MEDLEY_OK;
}
