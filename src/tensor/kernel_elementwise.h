/* Loops over elements: functions of one number, and arithmetic of two arrays with broadcasting. A job is what one
 * call of parallel_run does; its tasks are cut by sizes alone. */
#ifndef TENSOR_KERNEL_ELEMENTWISE_H
#define TENSOR_KERNEL_ELEMENTWISE_H

#include "base/base.h"
#include "tensor/real.h"
#include "tensor/shape.h"

/* Up to ELEMENTS_ALONE one thread is as fast as many. */
enum { ELEMENTS_ALONE = 32768, ELEMENTS_A_TASK = 16384 };

/* A grid of `rows` x `columns` elements in tasks: whole rows together, or pieces of long ones. */
typedef struct element_grid {
    int64_t rows, columns;
    int64_t rows_a_task, columns_a_task, tasks;
} element_grid;
element_grid element_grid_of(int64_t rows, int64_t columns);
/* The part of the grid that is a task's. */
typedef struct element_part {
    int64_t row, rows, column, columns;
} element_part;
element_part element_grid_part(const element_grid *grid, int64_t task);

/* How a result is stored. */
typedef enum store_mode {
    STORE_SET,
    STORE_ADD,
    STORE_IN_PLACE, /* over the first operand: dy of a gradient, a of arithmetic */
    STORE_MODES,
} store_mode;

/* ---- functions of one number ---- */

/* y = f(x; a), and dx = dy f'(x), with y at hand. No arrays overlap; in place, dy is not read. */
typedef struct unary_kernel {
    void (*forward)(const real *x, real *y, int64_t count, real a);
    void (*backward[STORE_MODES])(const real *x, const real *y, const real *dy, real *dx, int64_t count, real a);
    bool reads_x, reads_y; /* the way back */
    bool calculates;       /* so long that a buffer on the way past the caches costs more than it saves */
} unary_kernel;

#define UNARY_KERNELS(X) \
    X(scale)             \
    X(shift)             \
    X(exp)               \
    X(log) X(sqrt) X(square) X(relu) X(leaky_relu) X(gelu) X(gelu_tanh) X(tanh) X(sigmoid) X(silu) X(softplus)
#define UNARY_DECLARE(name) extern const unary_kernel unary_##name;
UNARY_KERNELS(UNARY_DECLARE)

typedef struct unary_job {
    const unary_kernel *kernel;
    real a;
    int64_t count;
    const real *x;
    real *y;
    const real *dy; /* NULL: forward */
    real *dx;
    store_mode mode; /* of dx */
} unary_job;
int64_t unary_tasks(const unary_job *job);
medley_status unary_run(void *job, int64_t task, int worker, medley_error *err);

/* ---- arithmetic ---- */

/* How two arrays run beside a dense one: neighbouring axes that behave alike are one. A step of 0 repeats. */
typedef struct broadcast {
    int64_t size[SHAPE_RANK_MOST];
    int64_t a_step[SHAPE_RANK_MOST], b_step[SHAPE_RANK_MOST];
} broadcast;
/* of shapes that broadcast to `out` */
broadcast broadcast_of(shape a, shape b, shape out);

typedef enum binary_kind { BINARY_ADD, BINARY_SUB, BINARY_MUL, BINARY_DIV, BINARY_KINDS } binary_kind;

typedef struct binary_job {
    binary_kind kind;
    store_mode mode; /* in place: out is a, which is not broadcast */
    broadcast plan;
    const real *a, *b;
    real *out;
} binary_job;
int64_t binary_tasks(const binary_job *job);
medley_status binary_run(void *job, int64_t task, int worker, medley_error *err);

#endif
