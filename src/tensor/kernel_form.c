#include "tensor/kernel_form.h"

#include "base/multiversion.h"

enum {
    LAST = SHAPE_RANK_MOST - 1,
    TILE = 16,  /* a line of 64 bytes in both directions */
    STRIP = 64, /* of a transposed plane that is a row of the grid */
};

void dense_steps(shape s, int64_t size[SHAPE_RANK_MOST], int64_t step[SHAPE_RANK_MOST])
{
    int64_t count = 1;
    for (int i = LAST; i >= 0; i--) {
        const int axis = i - (SHAPE_RANK_MOST - s.rank);
        const int64_t n = axis >= 0 ? s.size[axis] : 1;
        step[i] = count;
        count *= n;
        if (size != NULL)
            size[i] = n;
    }
}

void copy_simplify(copy_job *job)
{
    copy_job simple = *job;
    int at = SHAPE_RANK_MOST; /* the axis that was filled last */
    for (int i = 0; i < SHAPE_RANK_MOST; i++)
        simple.size[i] = 1, simple.from[i] = simple.to[i] = 0;
    for (int i = LAST; i >= 0; i--) {
        if (job->size[i] == 1)
            continue;
        if (at < SHAPE_RANK_MOST && job->from[i] == simple.from[at] * simple.size[at] &&
            job->to[i] == simple.to[at] * simple.size[at]) {
            simple.size[at] *= job->size[i];
            continue;
        }
        at--;
        simple.size[at] = job->size[i];
        simple.from[at] = job->from[i];
        simple.to[at] = job->to[i];
    }
    if (at == SHAPE_RANK_MOST)
        simple.from[LAST] = simple.to[LAST] = 1;
    *job = simple;
}

/* ---- runs ---- */

MULTIVERSION static void add_run(const real *restrict x, real *restrict out, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        out[i] += x[i];
}

static void copy_scattered(const real *x, int64_t from, real *out, int64_t to, int64_t count, bool add)
{
    if (x == NULL)
        for (int64_t i = 0; i < count; i++)
            out[i * to] = 0;
    else if (add)
        for (int64_t i = 0; i < count; i++)
            out[i * to] += x[i * from];
    else
        for (int64_t i = 0; i < count; i++)
            out[i * to] = x[i * from];
}

static void copy_row(const copy_job *job, const real *x, real *out, int64_t count)
{
    const size_t bytes = (size_t)count * sizeof *out;
    if (job->to[LAST] != 1 || (x != NULL && job->from[LAST] != 1))
        copy_scattered(x, job->from[LAST], out, job->to[LAST], count, job->add);
    else if (x == NULL)
        memset(out, 0, bytes);
    else if (job->add)
        add_run(x, out, count);
    else
        memcpy(out, x, bytes);
}

/* ---- planes that are transposed ---- */

/* out[i, j] = x[j, i]: rows of out `to` apart, of x `from`. */
#define TRANSPOSE(name, store)                                                                               \
    MULTIVERSION static void name##_tile(const real *restrict x, int64_t from, real *restrict out, int64_t to) \
    {                                                                                                        \
        for (int i = 0; i < TILE; i++)                                                                       \
            for (int j = 0; j < TILE; j++)                                                                   \
                out[i * to + j] store x[j * from + i];                                                       \
    }                                                                                                        \
    static void name(const real *x, int64_t from, real *out, int64_t to, int64_t rows, int64_t columns)      \
    {                                                                                                        \
        for (int64_t i = 0; i < rows; i += TILE)                                                             \
            for (int64_t j = 0; j < columns; j += TILE) {                                                    \
                const int64_t tall = rows - i < TILE ? rows - i : TILE, wide = columns - j < TILE ? columns - j : TILE; \
                const real *tile = x + j * from + i;                                                         \
                real *place = out + i * to + j;                                                              \
                if (tall == TILE && wide == TILE) {                                                          \
                    name##_tile(tile, from, place, to);                                                      \
                    continue;                                                                                \
                }                                                                                            \
                for (int64_t a = 0; a < tall; a++)                                                           \
                    for (int64_t b = 0; b < wide; b++)                                                       \
                        place[a * to + b] store tile[b * from + a];                                          \
            }                                                                                                \
    }
TRANSPOSE(transpose_set, =)
TRANSPOSE(transpose_add, +=)

/* The axis that is dense in x when the last one is dense in out alone; else -1. */
static int crossed_axis(const copy_job *job)
{
    if (job->x == NULL || job->from[LAST] == 1 || job->to[LAST] != 1)
        return -1;
    for (int i = 0; i < LAST; i++)
        if (job->size[i] > 1 && job->from[i] == 1)
            return i;
    return -1;
}

/* ---- tasks ---- */

/* Rows of the grid run over the first three axes; a crossed one counts in strips. */
static element_grid copy_grid(const copy_job *job, int crossed, int64_t outer[LAST])
{
    int64_t rows = 1;
    for (int i = 0; i < LAST; i++) {
        outer[i] = i == crossed ? (job->size[i] + STRIP - 1) / STRIP : job->size[i];
        rows *= outer[i];
    }
    if (crossed < 0)
        return element_grid_of(rows, job->size[LAST]);
    element_grid grid = element_grid_of(rows, job->size[LAST] * STRIP);
    if (grid.columns_a_task < grid.columns) { /* a strip is one task's */
        grid.columns_a_task = grid.columns;
        grid.tasks = rows;
    }
    return grid;
}

int64_t copy_tasks(const copy_job *job)
{
    int64_t outer[LAST];
    return copy_grid(job, crossed_axis(job), outer).tasks;
}

static void next_index(int64_t index[LAST], const int64_t outer[LAST])
{
    for (int i = LAST - 1; i >= 0 && ++index[i] == outer[i] && i > 0; i--)
        index[i] = 0;
}

medley_status copy_run(void *context, int64_t task, int worker, medley_error *err)
{
    const copy_job *job = context;
    const int crossed = crossed_axis(job);
    int64_t outer[LAST];
    const element_grid grid = copy_grid(job, crossed, outer);
    const element_part part = element_grid_part(&grid, task);
    (void)worker, (void)err;
    int64_t index[LAST] = {part.row / (outer[1] * outer[2]), part.row / outer[2] % outer[1], part.row % outer[2]};
    for (int64_t row = 0; row < part.rows; row++, next_index(index, outer)) {
        int64_t from = 0, to = 0;
        for (int i = 0; i < LAST; i++) {
            const int64_t at = i == crossed ? index[i] * STRIP : index[i];
            from += at * job->from[i];
            to += at * job->to[i];
        }
        if (crossed < 0) {
            copy_row(job, job->x == NULL ? NULL : job->x + from + part.column * job->from[LAST],
                     job->out + to + part.column * job->to[LAST], part.columns);
            continue;
        }
        const int64_t rest = job->size[crossed] - index[crossed] * STRIP;
        (job->add ? transpose_add : transpose_set)(job->x + from, job->from[LAST], job->out + to, job->to[crossed],
                                                   rest < STRIP ? rest : STRIP, job->size[LAST]);
    }
    return MEDLEY_OK;
}
