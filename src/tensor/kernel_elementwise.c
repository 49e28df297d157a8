#include "tensor/kernel_elementwise.h"

#include "base/multiversion.h"
#define VECTOR_MATH_FUSED
#include "tensor/streaming.h"
#include "tensor/vector_math.h"

element_grid element_grid_of(int64_t rows, int64_t columns)
{
    element_grid grid = {.rows = rows, .columns = columns, .rows_a_task = rows, .columns_a_task = columns};
    if (rows <= 0 || columns <= 0)
        return grid;
    const bool alone = rows <= ELEMENTS_ALONE && columns <= ELEMENTS_ALONE && rows * columns <= ELEMENTS_ALONE;
    if (!alone) {
        grid.columns_a_task = columns > ELEMENTS_ALONE ? ELEMENTS_A_TASK : columns;
        grid.rows_a_task = columns >= ELEMENTS_A_TASK ? 1 : ELEMENTS_A_TASK / columns;
    }
    grid.tasks = ((rows + grid.rows_a_task - 1) / grid.rows_a_task) *
                 ((columns + grid.columns_a_task - 1) / grid.columns_a_task);
    return grid;
}

element_part element_grid_part(const element_grid *grid, int64_t task)
{
    const int64_t pieces = (grid->columns + grid->columns_a_task - 1) / grid->columns_a_task;
    element_part part = {.row = task / pieces * grid->rows_a_task, .column = task % pieces * grid->columns_a_task};
    part.rows = grid->rows - part.row < grid->rows_a_task ? grid->rows - part.row : grid->rows_a_task;
    part.columns =
        grid->columns - part.column < grid->columns_a_task ? grid->columns - part.column : grid->columns_a_task;
    return part;
}

/* ---- functions of one number ---- */

/* value: of x and a. gradient: dx, of x, y, dy and a. */
#define UNARY_LOOP(name, gradient, store)                                                                   \
    MULTIVERSION_FMA static void name(const real *restrict from, const real *restrict result,               \
                                      const real *restrict above, real *restrict to, int64_t count, real a) \
    {                                                                                                       \
        (void)from, (void)result, (void)above, (void)a;                                                     \
        for (int64_t i = 0; i < count; i++) {                                                               \
            const real x = from[i], y = result[i];                                                          \
            (void)x, (void)y;                                                                               \
            store;                                                                                          \
        }                                                                                                   \
    }
#define UNARY(name, value, gradient, ...)                                                             \
    MULTIVERSION_FMA static void unary_##name##_forward(const real *restrict from, real *restrict to, \
                                                        int64_t count, real a)                        \
    {                                                                                                 \
        (void)a;                                                                                      \
        for (int64_t i = 0; i < count; i++) {                                                         \
            const real x = from[i];                                                                   \
            to[i] = value;                                                                            \
        }                                                                                             \
    }                                                                                                 \
    UNARY_LOOP(unary_##name##_set, gradient, const real dy = above[i]; to[i] = gradient)              \
    UNARY_LOOP(unary_##name##_add, gradient, const real dy = above[i]; to[i] += gradient)             \
    UNARY_LOOP(unary_##name##_in_place, gradient, const real dy = to[i]; to[i] = gradient)            \
    const unary_kernel unary_##name = {                                                               \
        .forward = unary_##name##_forward,                                                            \
        .backward = {unary_##name##_set, unary_##name##_add, unary_##name##_in_place},                \
        __VA_ARGS__};

static inline real gelu_gradient(real x, real dy)
{
    const real e = vm_exp(x * x * (real)-0.5);
    return dy * (vm_normal_cdf_of(x, e) + x * ((real)0.398942280401432677940 * e));
}
/* (1 + tanh(u)) / 2 = σ(2 u), u = sqrt(2 / π) (x + 0.044715 x³) */
static inline real gelu_tanh_gate(real x)
{
    return vm_sigmoid((real)1.59576912160573071176 * x * (1 + (real)0.044715 * (x * x)));
}
static inline real gelu_tanh_gradient(real x, real dy)
{
    const real s = gelu_tanh_gate(x);
    const real inner = (real)1.59576912160573071176 * (1 + (real)0.134145 * (x * x));
    return dy * (s + x * inner * s * (1 - s));
}
static inline real silu_gradient(real x, real dy)
{
    const real s = vm_sigmoid(x);
    return dy * (s + x * s * (1 - s));
}

UNARY(scale, a *x, a *dy, .reads_x = false)
UNARY(shift, x + a, dy, .reads_x = false)
UNARY(exp, vm_exp(x), dy *y, .reads_y = true)
UNARY(log, vm_log(x), dy / x, .reads_x = true)
UNARY(sqrt, real_sqrt(x), dy / (y + y), .reads_y = true)
UNARY(square, x *x, dy *(x + x), .reads_x = true)
UNARY(relu, x<0 ? 0 : x, x> 0 ? dy : 0, .reads_x = true) /* NaN stays NaN */
UNARY(leaky_relu, x *(x < 0 ? a : 1), dy *(x < 0 ? a : 1), .reads_x = true)
UNARY(gelu, x *vm_normal_cdf(x), gelu_gradient(x, dy), .reads_x = true, .calculates = true)
UNARY(gelu_tanh, x *gelu_tanh_gate(x), gelu_tanh_gradient(x, dy), .reads_x = true, .calculates = true)
UNARY(tanh, vm_tanh(x), dy *(1 - y * y), .reads_y = true)
UNARY(sigmoid, vm_sigmoid(x), dy *(y *(1 - y)), .reads_y = true)
UNARY(silu, x *vm_sigmoid(x), silu_gradient(x, dy), .reads_x = true, .calculates = true)
UNARY(softplus, vm_softplus(x), dy *vm_sigmoid(x), .reads_x = true, .calculates = true)

int64_t unary_tasks(const unary_job *job)
{
    return element_grid_of(1, job->count).tasks;
}

static void unary_part(const unary_job *job, int64_t at, int64_t count, real *out)
{
    if (job->dy == NULL)
        job->kernel->forward(job->x + at, out, count, job->a);
    else
        job->kernel->backward[job->mode](job->x + at, job->y + at, job->dy + at, out, count, job->a);
}

static void unary_ahead(const unary_job *job, int64_t at, int64_t count)
{
    const bool back = job->dy != NULL;
    if (!back || job->kernel->reads_x)
        stream_ahead(job->x + at, count);
    if (back && job->kernel->reads_y)
        stream_ahead(job->y + at, count);
    if (back && job->mode != STORE_IN_PLACE)
        stream_ahead(job->dy + at, count);
    if (back && job->mode != STORE_SET)
        stream_ahead(job->dx + at, count);
}

medley_status unary_run(void *context, int64_t task, int worker, medley_error *err)
{
    _Alignas(64) real block[STREAM_BLOCK];
    const unary_job *job = context;
    const element_grid grid = element_grid_of(1, job->count);
    const element_part part = element_grid_part(&grid, task);
    const bool past =
        !job->kernel->calculates && job->count >= STREAM_LEAST && (job->dy == NULL || job->mode == STORE_SET);
    const int64_t end = part.column + part.columns, step = grid.tasks > 1 ? STREAM_BLOCK : part.columns;
    real *const out = job->dy == NULL ? job->y : job->dx;
    (void)worker, (void)err;
    for (int64_t at = part.column; at < end; at += step) {
        const int64_t count = least(step, end - at);
        if (grid.tasks > 1)
            unary_ahead(job, at, count);
        unary_part(job, at, count, past ? block : out + at);
        if (past)
            stream_store(out + at, block, count);
    }
    stream_end();
    return MEDLEY_OK;
}

/* ---- arithmetic ---- */

broadcast broadcast_of(shape a, shape b, shape out)
{
    broadcast plan = {.size = {1, 1, 1, 1}};
    int64_t a_step = 1, b_step = 1;
    int at = SHAPE_RANK_MOST; /* the axis of the plan that was filled last */
    for (int back = 0; back < out.rank; back++) {
        const int64_t size = out.size[out.rank - 1 - back];
        const bool of_a = back < a.rank && a.size[a.rank - 1 - back] == size;
        const bool of_b = back < b.rank && b.size[b.rank - 1 - back] == size;
        if (size == 1)
            continue;
        if (at < SHAPE_RANK_MOST && (plan.a_step[at] != 0) == of_a && (plan.b_step[at] != 0) == of_b) {
            plan.size[at] *= size; /* continues the axis behind it */
        } else {
            at--;
            plan.size[at] = size;
            plan.a_step[at] = of_a ? a_step : 0;
            plan.b_step[at] = of_b ? b_step : 0;
        }
        a_step *= of_a ? size : 1;
        b_step *= of_b ? size : 1;
    }
    return plan;
}

/* Rows of a job side by side: x and y are arrays beside the columns (whole) or one number a row. */
typedef struct binary_block {
    const real *x, *y;
    real *out;
    int64_t rows, columns, x_step, y_step, out_step;
    bool x_whole, y_whole;
} binary_block;

#define BINARY_ROWS(name, take_x, store)                               \
    MULTIVERSION static void name(const binary_block *block)           \
    {                                                                  \
        const int64_t columns = block->columns;                        \
        const bool x_whole = block->x_whole, y_whole = block->y_whole; \
        for (int64_t r = 0; r < block->rows; r++) {                    \
            const real *restrict left = block->x + r * block->x_step;  \
            const real *restrict right = block->y + r * block->y_step; \
            real *restrict out = block->out + r * block->out_step;     \
            (void)left;                                                \
            if (x_whole && y_whole) {                                  \
                for (int64_t i = 0; i < columns; i++) {                \
                    const real x = take_x[i], y = right[i];            \
                    store;                                             \
                }                                                      \
            } else if (x_whole) {                                      \
                const real y = *right;                                 \
                for (int64_t i = 0; i < columns; i++) {                \
                    const real x = take_x[i];                          \
                    store;                                             \
                }                                                      \
            } else {                                                   \
                const real x = *take_x;                                \
                for (int64_t i = 0; i < columns; i++) {                \
                    const real y = right[y_whole ? i : 0];             \
                    store;                                             \
                }                                                      \
            }                                                          \
        }                                                              \
    }
#define BINARY(name, result)                                 \
    BINARY_ROWS(binary_##name##_set, left, out[i] = result)  \
    BINARY_ROWS(binary_##name##_add, left, out[i] += result) \
    BINARY_ROWS(binary_##name##_in_place, out, out[i] = result)
#define BINARY_ROW(name)                                                   \
    {                                                                      \
        binary_##name##_set, binary_##name##_add, binary_##name##_in_place \
    }

BINARY(add, x + y)
BINARY(sub, x - y)
BINARY(mul, x *y)
BINARY(div, x / y)

static void (*const binary_blocks[BINARY_KINDS][STORE_MODES])(const binary_block *block) = {
    [BINARY_ADD] = BINARY_ROW(add),
    [BINARY_SUB] = BINARY_ROW(sub),
    [BINARY_MUL] = BINARY_ROW(mul),
    [BINARY_DIV] = BINARY_ROW(div),
};

static element_grid binary_grid(const binary_job *job)
{
    const int64_t *size = job->plan.size;
    return element_grid_of(size[0] * size[1] * size[2], size[3]);
}

int64_t binary_tasks(const binary_job *job)
{
    return binary_grid(job).tasks;
}

/* A block in pieces of STREAM_BLOCK. */
static void binary_stream(const binary_job *job, const binary_block *whole)
{
    _Alignas(64) real made[STREAM_BLOCK];
    const int64_t *size = job->plan.size;
    const bool past = job->mode == STORE_SET && size[0] * size[1] * size[2] * size[3] >= STREAM_LEAST;
    const int64_t columns = least(whole->columns, STREAM_BLOCK), rows = STREAM_BLOCK / columns;
    for (int64_t r = 0; r < whole->rows; r += rows)
        for (int64_t i = 0; i < whole->columns; i += columns) {
            binary_block block = *whole;
            block.rows = least(rows, whole->rows - r);
            block.columns = least(columns, whole->columns - i);
            block.x += r * whole->x_step + (whole->x_whole ? i : 0);
            block.y += r * whole->y_step + (whole->y_whole ? i : 0);
            block.out += r * whole->out_step + i;
            const int64_t count = block.rows * block.columns;
            if (whole->x_whole && whole->x_step != 0)
                stream_ahead(block.x, count);
            if (whole->y_whole && whole->y_step != 0)
                stream_ahead(block.y, count);
            if (job->mode == STORE_ADD)
                stream_ahead(block.out, count);
            real *const out = block.out;
            if (past) {
                block.out = made;
                block.out_step = block.columns;
            }
            binary_blocks[job->kind][job->mode](&block);
            for (int64_t k = 0; past && k < block.rows; k++)
                stream_store(out + k * whole->out_step, made + k * block.columns, block.columns);
        }
}

medley_status binary_run(void *context, int64_t task, int worker, medley_error *err)
{
    const binary_job *job = context;
    const broadcast *plan = &job->plan;
    const element_grid grid = binary_grid(job);
    const element_part part = element_grid_part(&grid, task);
    (void)worker, (void)err;
    for (int64_t row = part.row, rows; row < part.row + part.rows; row += rows) {
        const int64_t k = row % plan->size[2], j = row / plan->size[2] % plan->size[1],
                      i = row / plan->size[2] / plan->size[1];
        rows = part.row + part.rows - row < plan->size[2] - k ? part.row + part.rows - row : plan->size[2] - k;
        const int64_t a =
            i * plan->a_step[0] + j * plan->a_step[1] + k * plan->a_step[2] + part.column * plan->a_step[3];
        const int64_t b =
            i * plan->b_step[0] + j * plan->b_step[1] + k * plan->b_step[2] + part.column * plan->b_step[3];
        const binary_block block = {
            .x = job->a + a,
            .y = job->b + b,
            .out = job->out + row * plan->size[3] + part.column,
            .rows = rows,
            .columns = part.columns,
            .x_step = plan->a_step[2],
            .y_step = plan->b_step[2],
            .out_step = plan->size[3],
            .x_whole = plan->a_step[3] != 0,
            .y_whole = plan->b_step[3] != 0,
        };
        if (grid.tasks > 1)
            binary_stream(job, &block);
        else
            binary_blocks[job->kind][job->mode](&block);
    }
    stream_end();
    return MEDLEY_OK;
}
