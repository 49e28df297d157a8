#include "tensor/kernel_form.h"

#include "base/multiversion.h"
#include "tensor/streaming.h"

enum {
    LAST = SHAPE_RANK_MOST - 1,
    TILE = 16,  /* a line of 64 bytes in both directions */
    STRIP = 64, /* of a transposed plane that is a row of the grid */
    PAGE = 1024,
    WIDE_MOST = 512, /* columns of rows that are made in a buffer */
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

/* Rows of a job, along its third axis. */
typedef struct copy_block {
    const real *x; /* NULL: zeros */
    real *out;
    int64_t rows, columns, x_step, out_step;
    bool past; /* the caches */
} copy_block;

enum { LANES = 16, LONG_RUN = 512 };
typedef real lanes __attribute__((vector_size(LANES * sizeof(real)), aligned(sizeof(real)), may_alias));

/* Short runs, for which a call of memcpy would take longer than what it does. */
#define COPY_RUNS(name, store)                                     \
    MULTIVERSION static void name(const copy_block *block)         \
    {                                                              \
        for (int64_t r = 0; r < block->rows; r++) {                \
            const real *restrict x = block->x + r * block->x_step; \
            real *restrict out = block->out + r * block->out_step; \
            int64_t i = 0;                                         \
            for (; i + LANES <= block->columns; i += LANES)        \
                *(lanes *)(out + i) store *(const lanes *)(x + i); \
            for (; i < block->columns; i++)                        \
                out[i] store x[i];                                 \
        }                                                          \
    }
COPY_RUNS(copy_runs, =)
COPY_RUNS(add_runs, +=)

static void copy_long_runs(const copy_block *block)
{
    for (int64_t r = 0; r < block->rows; r++)
        memcpy(block->out + r * block->out_step, block->x + r * block->x_step,
               (size_t)block->columns * sizeof *block->out);
}

/* Lines that are written in parts must not go past the caches. */
static bool writes_lines(const copy_block *block)
{
    return block->out_step == block->columns ||
           ((uintptr_t)block->out % 64 == 0 && block->columns % STREAM_LINE == 0 &&
            block->out_step % STREAM_LINE == 0);
}

/* Short runs come from rows that are read in turn; where they are few, from places that go on side by side. */
static int64_t run_ahead(const copy_block *block)
{
    const bool in_turn = block->columns < STREAM_AHEAD && block->rows * block->columns > 2 * STREAM_AHEAD;
    return in_turn ? STREAM_AHEAD / block->columns * block->x_step : STREAM_AHEAD;
}

static void stream_runs(const copy_block *block)
{
    const int64_t ahead = run_ahead(block);
    for (int64_t r = 0; r < block->rows; r++)
        for (int64_t i = 0; i < block->columns; i += STREAM_BLOCK) {
            const int64_t count = least(STREAM_BLOCK, block->columns - i), from = r * block->x_step + i;
            stream_fetch(stream_place(block->x, from + ahead), count);
            stream_store(block->out + r * block->out_step + i, block->x + from, count);
        }
}

static void zero_runs(const copy_block *block)
{
    for (int64_t r = 0; r < block->rows; r++)
        memset(block->out + r * block->out_step, 0, (size_t)block->columns * sizeof *block->out);
}

/* Neighbours in one array, or in both, are apart in the other. */
static void copy_scattered(const copy_job *job, const copy_block *block)
{
    const int64_t from = job->from[LAST], to = job->to[LAST];
    for (int64_t r = 0; r < block->rows; r++) {
        const real *x = job->x == NULL ? NULL : block->x + r * block->x_step;
        real *out = block->out + r * block->out_step;
        for (int64_t i = 0; i < block->columns; i++)
            out[i * to] = (job->add ? out[i * to] : 0) + (x == NULL ? 0 : x[i * from]);
    }
}

static void copy_dense_rows(const copy_block *block, bool add)
{
    if (block->past && !add && writes_lines(block))
        stream_runs(block);
    else
        (add ? add_runs : block->columns < LONG_RUN ? copy_runs : copy_long_runs)(block);
}

static void copy_rows(const copy_job *job, const copy_block *block)
{
    if (job->to[LAST] != 1 || (job->x != NULL && job->from[LAST] != 1))
        copy_scattered(job, block);
    else if (job->x == NULL)
        zero_runs(block);
    else
        copy_dense_rows(block, job->add);
}

/* ---- planes that are transposed ---- */

/* out[i, j] = x[j, i]: rows of out `to` apart, of x `from`. */
#define TRANSPOSE(name, store)                                                                                 \
    MULTIVERSION static void name##_tile(const real *restrict x, int64_t from, real *restrict out, int64_t to) \
    {                                                                                                          \
        for (int i = 0; i < TILE; i++)                                                                         \
            for (int j = 0; j < TILE; j++)                                                                     \
                out[i * to + j] store x[j * from + i];                                                         \
    }                                                                                                          \
    static void name(const real *x, int64_t from, real *out, int64_t to, int64_t rows, int64_t columns)        \
    {                                                                                                          \
        for (int64_t i = 0; i < rows; i += TILE)                                                               \
            for (int64_t j = 0; j < columns; j += TILE) {                                                      \
                const int64_t tall = rows - i < TILE ? rows - i : TILE,                                        \
                              wide = columns - j < TILE ? columns - j : TILE;                                  \
                const real *tile = x + j * from + i;                                                           \
                real *place = out + i * to + j;                                                                \
                if (tall == TILE && wide == TILE) {                                                            \
                    name##_tile(tile, from, place, to);                                                        \
                    continue;                                                                                  \
                }                                                                                              \
                for (int64_t a = 0; a < tall; a++)                                                             \
                    for (int64_t b = 0; b < wide; b++)                                                         \
                        place[a * to + b] store tile[b * from + a];                                            \
            }                                                                                                  \
    }
TRANSPOSE(transpose_set, =)
TRANSPOSE(transpose_add, +=)

/* transpose_set where rows of out stand one behind the other and go past the caches: TILE of them are made first. */
static void transpose_past(const real *x, int64_t from, real *out, int64_t rows, int64_t columns)
{
    _Alignas(64) real made[TILE * WIDE_MOST];
    for (int64_t i = 0; i < rows; i += TILE) {
        const int64_t tall = least(TILE, rows - i);
        for (int64_t j = 0; i == 0 && j < columns; j++)
            stream_fetch(x + j * from, rows);
        transpose_set(x + i, from, made, columns, tall, columns);
        stream_store(out + i * columns, made, tall * columns);
    }
}

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

/* `rows` on; they do not go beyond the end of the third axis. */
static void next_index(int64_t index[LAST], const int64_t outer[LAST], int64_t rows)
{
    index[LAST - 1] += rows;
    for (int i = LAST - 1; i > 0 && index[i] == outer[i]; i--) {
        index[i] = 0;
        index[i - 1]++;
    }
}

medley_status copy_run(void *context, int64_t task, int worker, medley_error *err)
{
    const copy_job *job = context;
    const int crossed = crossed_axis(job);
    int64_t outer[LAST];
    const element_grid grid = copy_grid(job, crossed, outer);
    const element_part part = element_grid_part(&grid, task);
    (void)worker, (void)err;
    const bool past = !job->add && job->size[0] * job->size[1] * job->size[2] * job->size[LAST] >= STREAM_LEAST;
    int64_t index[LAST] = {part.row / (outer[1] * outer[2]), part.row / outer[2] % outer[1], part.row % outer[2]};
    for (int64_t row = 0, rows; row < part.rows; row += rows, next_index(index, outer, rows)) {
        int64_t from = 0, to = 0;
        for (int i = 0; i < LAST; i++) {
            const int64_t at = i == crossed ? index[i] * STRIP : index[i];
            from += at * job->from[i];
            to += at * job->to[i];
        }
        rows = crossed >= 0 ? 1 : outer[2] - index[2] < part.rows - row ? outer[2] - index[2] : part.rows - row;
        if (crossed < 0) {
            copy_rows(job,
                      &(copy_block){.x = job->x == NULL ? NULL : job->x + from + part.column * job->from[LAST],
                                    .out = job->out + to + part.column * job->to[LAST],
                                    .rows = rows,
                                    .columns = part.columns,
                                    .x_step = job->from[2],
                                    .out_step = job->to[2],
                                    .past = past});
            continue;
        }
        const int64_t rest = job->size[crossed] - index[crossed] * STRIP;
        const int64_t tall = least(STRIP, rest), wide = job->size[LAST];
        if (past && job->to[crossed] == wide && wide <= WIDE_MOST)
            transpose_past(job->x + from, job->from[LAST], job->out + to, tall, wide);
        else
            (job->add ? transpose_add : transpose_set)(job->x + from, job->from[LAST], job->out + to,
                                                       job->to[crossed], tall, wide);
    }
    stream_end();
    return MEDLEY_OK;
}

/* ---- joins ---- */

int64_t join_tasks(const join_job *job)
{
    return element_grid_of(job->outer, job->width).tasks;
}

/* The columns of a cut of the whole, to or from what the parts have of them. */
static void join_cut(const join_job *job, element_part cut)
{
    for (int64_t i = 0, at = 0; i < job->parts; at += job->part[i++].width) { /* part i stands at `at` */
        const join_part *part = &job->part[i];
        const int64_t from = cut.column > at ? cut.column : at;
        const int64_t end = cut.column + cut.columns, to = end < at + part->width ? end : at + part->width;
        if (from >= to || part->part == NULL)
            continue;
        real *whole = job->whole + cut.row * job->width + from;
        real *own = part->part + cut.row * part->width + from - at;
        copy_dense_rows(&(copy_block){.x = job->apart ? whole : own,
                                      .out = job->apart ? own : whole,
                                      .rows = cut.rows,
                                      .columns = to - from,
                                      .x_step = job->apart ? job->width : part->width,
                                      .out_step = job->apart ? part->width : job->width,
                                      .past = job->outer * job->width >= STREAM_LEAST},
                        job->apart && part->add);
    }
}

/* A page of the whole at a time, so that it is written in order. */
medley_status join_run(void *context, int64_t task, int worker, medley_error *err)
{
    const join_job *job = context;
    const element_grid grid = element_grid_of(job->outer, job->width);
    const element_part part = element_grid_part(&grid, task);
    const int64_t rows = part.columns < PAGE ? PAGE / part.columns : 1;
    (void)worker, (void)err;
    for (int64_t row = 0; row < part.rows; row += rows)
        join_cut(job, (element_part){.row = part.row + row,
                                     .rows = part.rows - row < rows ? part.rows - row : rows,
                                     .column = part.column,
                                     .columns = part.columns});
    stream_end();
    return MEDLEY_OK;
}
