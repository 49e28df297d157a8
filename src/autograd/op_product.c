/* Dense products of nodes. */
#include "autograd/ops.h"
#include "tensor/gemm_bf16.h"
#include "tensor/kernel_pairwise.h"

extern const op_class op_matmul, op_linear, op_pairwise_dots, op_rows_dot;

enum { TASK_NUMBERS = 32768, BIAS_ROWS = 256 };

static void multiply(graph *g, gemm_job job, int64_t count, int64_t a_step, int64_t b_step, int64_t c_step)
{
    medley_error error;
    gemm_bf16 *const bf16 = graph_products(g);
    const int64_t scratch = count == 1 ? gemm_scratch(&job) : 0;
    if (scratch > 0)
        job.scratch = graph_alloc(g, scratch, sizeof(real));
    if (graph_failed(g))
        return;
    const medley_runtime *rt = graph_runtime(g);
    medley_status status;
    if (count == 1)
        status = bf16 != NULL ? gemm_bf16_parallel(bf16, &job, &error) : gemm_parallel(rt, &job, &error);
    else
        status = bf16 != NULL ? gemm_bf16_batched(bf16, &job, count, a_step, b_step, c_step, &error)
                              : gemm_batched(rt, &job, count, a_step, b_step, c_step, &error);
    if (status != MEDLEY_OK)
        graph_fail(g, status, "%s", error.message);
}

/* ---- C = op(A) op(B) ---- */

typedef struct matmul {
    bool transpose_a, transpose_b;
    int64_t count, m, n, k;
} matmul;

static bool leading_sizes_equal(shape a, shape b)
{
    bool equal = a.rank == b.rank;
    for (int i = 0; equal && i < a.rank - 2; i++)
        equal = a.size[i] == b.size[i];
    return equal;
}

static const char *matmul_shape(matmul *p, shape a, shape b, shape *out)
{
    if (a.rank < 2 || b.rank < 2)
        return "both need two sizes or more";
    const bool fold = a.rank > 2 && b.rank == 2;
    if (fold && p->transpose_a)
        return "a batch of transposed matrices needs a batch on the other side";
    if (!fold && !leading_sizes_equal(a, b))
        return "leading sizes differ";
    const int64_t *am = a.size + a.rank - 2, *bm = b.size + b.rank - 2;
    p->m = am[p->transpose_a ? 1 : 0];
    p->k = am[p->transpose_a ? 0 : 1];
    p->n = bm[p->transpose_b ? 0 : 1];
    *out = a;
    out->size[a.rank - 2] = p->m;
    out->size[a.rank - 1] = p->n;
    p->count = 1;
    for (int i = 0; i < a.rank - 2; i++)
        p->count *= a.size[i];
    if (fold) {
        p->m *= p->count;
        p->count = 1;
    }
    return NULL;
}

node *graph_matmul(graph *g, node *a, node *b, bool transpose_a, bool transpose_b)
{
    matmul p = {.transpose_a = transpose_a, .transpose_b = transpose_b};
    char ta[SHAPE_TEXT], tb[SHAPE_TEXT];
    shape s;
    if (graph_failed(g))
        return graph_poison(g);
    shape_format(a->shape, ta);
    shape_format(b->shape, tb);
    const char *trouble = matmul_shape(&p, a->shape, b->shape, &s);
    if (trouble != NULL)
        return graph_fail(g, MEDLEY_E_SHAPE, "matmul: %s x %s: %s", ta, tb, trouble);
    const int64_t inner = b->shape.size[b->shape.rank - (transpose_b ? 1 : 2)];
    if (inner != p.k)
        return graph_fail(g, MEDLEY_E_SHAPE, "matmul: %s x %s: inner sizes %lld and %lld differ", ta, tb,
                          (long long)p.k, (long long)inner);
    node *n = graph_node(g, &op_matmul, s, (node *const[]){a, b}, 2);
    matmul *saved = graph_alloc(g, 1, sizeof *saved);
    if (saved == NULL)
        return graph_poison(g);
    *saved = p;
    n->saved = saved;
    multiply(g,
             (gemm_job){.transpose_a = transpose_a,
                        .transpose_b = transpose_b,
                        .m = p.m,
                        .n = p.n,
                        .k = p.k,
                        .alpha = 1,
                        .a = a->value,
                        .a_stride = transpose_a ? p.m : p.k,
                        .b = b->value,
                        .b_stride = transpose_b ? p.k : p.n,
                        .c = n->value,
                        .c_stride = p.n},
             p.count, p.m * p.k, p.k * p.n, p.m * p.n);
    return graph_failed(g) ? graph_poison(g) : n;
}

/* A stored matrix as a factor. */
typedef struct factor {
    const real *value;
    bool transpose;
    int64_t stride;
} factor;

/* d = or += left right, [rows, columns] with a sum over `inner`, p->count times. */
static void matmul_gradient(graph *g, const matmul *p, real *d, bool add, factor left, factor right, int64_t rows,
                            int64_t columns, int64_t inner)
{
    multiply(g,
             (gemm_job){.transpose_a = left.transpose,
                        .transpose_b = right.transpose,
                        .m = rows,
                        .n = columns,
                        .k = inner,
                        .alpha = 1,
                        .a = left.value,
                        .a_stride = left.stride,
                        .b = right.value,
                        .b_stride = right.stride,
                        .beta = add ? 1 : 0,
                        .c = d,
                        .c_stride = columns},
             p->count, rows * inner, inner * columns, rows * columns);
}

/* dA = dC op(B)ᵀ, or its transpose op(B) dCᵀ; dB = op(A)ᵀ dC, or dCᵀ op(A). */
static void matmul_backward(graph *g, node *n)
{
    const matmul *p = n->saved;
    node *a = n->input[0], *b = n->input[1];
    const int64_t sa = p->transpose_a ? p->m : p->k, sb = p->transpose_b ? p->k : p->n;
    const factor left = {a->value, p->transpose_a, sa}, left_t = {a->value, !p->transpose_a, sa};
    const factor right = {b->value, p->transpose_b, sb}, right_t = {b->value, !p->transpose_b, sb};
    const factor d = {n->grad, false, p->n}, d_t = {n->grad, true, p->n};
    bool add;
    real *da = graph_grad(g, a, &add);
    if (da != NULL && p->transpose_a)
        matmul_gradient(g, p, da, add, right, d_t, p->k, p->m, p->n);
    else if (da != NULL)
        matmul_gradient(g, p, da, add, d, right_t, p->m, p->k, p->n);
    real *db = graph_grad(g, b, &add);
    if (db != NULL && p->transpose_b)
        matmul_gradient(g, p, db, add, d_t, left, p->n, p->k, p->m);
    else if (db != NULL)
        matmul_gradient(g, p, db, add, left_t, d, p->k, p->n, p->m);
}

const op_class op_matmul = {"matmul", "C = A B", matmul_backward};

/* ---- y = x Wᵀ + b ---- */

node *graph_linear(graph *g, node *x, node *w, node *b)
{
    char tx[SHAPE_TEXT], tw[SHAPE_TEXT], tb[SHAPE_TEXT];
    if (graph_failed(g))
        return graph_poison(g);
    shape_format(x->shape, tx);
    shape_format(w->shape, tw);
    if (x->shape.rank < 1 || w->shape.rank != 2)
        return graph_fail(g, MEDLEY_E_SHAPE, "linear: x %s, w %s: x needs a size and w two", tx, tw);
    const int64_t in = w->shape.size[1], out = w->shape.size[0], rows = shape_rows(x->shape);
    if (shape_width(x->shape) != in)
        return graph_fail(g, MEDLEY_E_SHAPE, "linear: x %s, w %s: inner sizes %lld and %lld differ", tx, tw,
                          (long long)shape_width(x->shape), (long long)in);
    if (b != NULL && !shape_equal(b->shape, shape_1(out)))
        return graph_fail(g, MEDLEY_E_SHAPE, "linear: b %s, expected [%lld]", shape_format(b->shape, tb),
                          (long long)out);
    shape s = x->shape;
    s.size[s.rank - 1] = out;
    node *n = graph_node(g, &op_linear, s, (node *const[]){x, w, b}, 3);
    multiply(g,
             (gemm_job){.transpose_b = true,
                        .m = rows,
                        .n = out,
                        .k = in,
                        .alpha = 1,
                        .a = x->value,
                        .a_stride = in,
                        .b = w->value,
                        .b_stride = in,
                        .c = n->value,
                        .c_stride = out,
                        .bias = b != NULL ? b->value : NULL},
             1, 0, 0, 0);
    return graph_failed(g) ? graph_poison(g) : n;
}

typedef struct bias_sums {
    const real *dy; /* [rows, width] */
    int64_t rows, width;
    real *sums; /* [tasks, width] */
} bias_sums;

static medley_status bias_task(void *context, int64_t task, int worker, medley_error *err)
{
    const bias_sums *s = context;
    const int64_t first = task * BIAS_ROWS, rows = s->rows - first < BIAS_ROWS ? s->rows - first : BIAS_ROWS;
    (void)worker;
    (void)err;
    column_sums(s->dy + first * s->width, rows, s->width, s->sums + task * s->width);
    return MEDLEY_OK;
}

static void linear_bias_backward(graph *g, node *b, const real *dy, int64_t rows)
{
    bool add;
    real *db = graph_grad(g, b, &add);
    const int64_t width = db != NULL ? shape_count(b->shape) : 0, tasks = (rows + BIAS_ROWS - 1) / BIAS_ROWS;
    bias_sums s = {.dy = dy, .rows = rows, .width = width};
    if (db == NULL || (s.sums = graph_alloc(g, tasks * width, sizeof *s.sums)) == NULL)
        return;
    graph_parallel(g, tasks, bias_task, &s);
    for (int64_t j = 0; j < width; j++) {
        double sum = 0;
        for (int64_t t = 0; t < tasks; t++)
            sum += (double)s.sums[t * width + j];
        db[j] = add ? db[j] + (real)sum : (real)sum;
    }
}

/* dx = dy W, dW = dyᵀ x, db = the sum of dy's rows */
static void linear_backward(graph *g, node *n)
{
    node *x = n->input[0], *w = n->input[1];
    const int64_t out = w->shape.size[0], in = w->shape.size[1], rows = shape_rows(x->shape);
    const matmul p = {.count = 1};
    const factor dy = {n->grad, false, out}, dy_t = {n->grad, true, out};
    bool add;
    real *dx = graph_grad(g, x, &add);
    if (dx != NULL)
        matmul_gradient(g, &p, dx, add, dy, (factor){w->value, false, in}, rows, in, out);
    real *dw = graph_grad(g, w, &add);
    if (dw != NULL)
        matmul_gradient(g, &p, dw, add, dy_t, (factor){x->value, false, in}, out, in, rows);
    linear_bias_backward(g, n->input[2], n->grad, rows);
}

const op_class op_linear = {"linear", "y = x Wᵀ + b", linear_backward};

/* ---- dots ---- */

typedef struct dots {
    int64_t samples, f, d, together; /* samples a task */
    const real *x, *y, *dy;
    real *out;
    bool add;
} dots;

static dots pairwise_job(const node *x)
{
    dots p = {.samples = x->shape.size[0], .f = x->shape.size[1], .d = x->shape.size[2], .x = x->value};
    const int64_t work = p.f * p.f * (p.d + 1) + 1;
    p.together = work < TASK_NUMBERS * 8 ? TASK_NUMBERS * 8 / work : 1;
    return p;
}

static int64_t dots_tasks(const dots *p)
{
    return (p->samples + p->together - 1) / p->together;
}

static medley_status pairwise_task(void *context, int64_t task, int worker, medley_error *err)
{
    const dots *p = context;
    const int64_t first = task * p->together, pairs = p->f * (p->f - 1) / 2, size = p->f * p->d;
    (void)worker;
    (void)err;
    for (int64_t s = first; s < p->samples && s < first + p->together; s++)
        if (p->dy == NULL)
            pairwise_dots(p->x + s * size, p->f, p->d, p->out + s * pairs);
        else
            pairwise_dots_backward(p->x + s * size, p->dy + s * pairs, p->f, p->d, p->out + s * size, p->add);
    return MEDLEY_OK;
}

node *graph_pairwise_dots(graph *g, node *x)
{
    char tx[SHAPE_TEXT];
    if (graph_failed(g))
        return graph_poison(g);
    if (x->shape.rank != 3)
        return graph_fail(g, MEDLEY_E_SHAPE, "pairwise_dots: %s, expected [B, F, D]", shape_format(x->shape, tx));
    dots p = pairwise_job(x);
    const int64_t pairs = p.f > 0 ? p.f * (p.f - 1) / 2 : 0;
    node *n = graph_node(g, &op_pairwise_dots, shape_2(p.samples, pairs), &x, 1);
    p.out = n->value;
    if (pairs > 0)
        graph_parallel(g, dots_tasks(&p), pairwise_task, &p);
    return graph_failed(g) ? graph_poison(g) : n;
}

static void pairwise_dots_back(graph *g, node *n)
{
    dots p = pairwise_job(n->input[0]);
    p.dy = n->grad;
    p.out = graph_grad(g, n->input[0], &p.add);
    if (p.out != NULL && p.f > 0)
        graph_parallel(g, dots_tasks(&p), pairwise_task, &p);
}

const op_class op_pairwise_dots = {"pairwise_dots", "<x_i, x_j> for i > j", pairwise_dots_back};

static dots rows_dot_job(const node *x, const node *y)
{
    dots p = {.samples = shape_rows(x->shape), .d = shape_width(x->shape), .x = x->value, .y = y->value};
    p.together = p.d < TASK_NUMBERS ? TASK_NUMBERS / (p.d + 1) : 1;
    return p;
}

static medley_status rows_dot_task(void *context, int64_t task, int worker, medley_error *err)
{
    const dots *p = context;
    const int64_t first = task * p->together, at = first * p->d;
    const int64_t rows = p->samples - first < p->together ? p->samples - first : p->together;
    (void)worker;
    (void)err;
    if (p->dy == NULL)
        rows_dot(p->x + at, p->y + at, rows, p->d, p->out + first);
    else
        rows_dot_backward(p->dy + first, p->y + at, rows, p->d, p->out + at, p->add);
    return MEDLEY_OK;
}

node *graph_rows_dot(graph *g, node *x, node *y)
{
    char tx[SHAPE_TEXT], ty[SHAPE_TEXT];
    if (graph_failed(g))
        return graph_poison(g);
    shape_format(x->shape, tx);
    if (x->shape.rank < 1 || !shape_equal(x->shape, y->shape))
        return graph_fail(g, MEDLEY_E_SHAPE, "rows_dot: %s and %s, expected the same [..., D]", tx,
                          shape_format(y->shape, ty));
    shape s = x->shape;
    s.size[--s.rank] = 0;
    node *n = graph_node(g, &op_rows_dot, s, (node *const[]){x, y}, 2);
    dots p = rows_dot_job(x, y);
    p.out = n->value;
    graph_parallel(g, dots_tasks(&p), rows_dot_task, &p);
    return graph_failed(g) ? graph_poison(g) : n;
}

/* dx = dy y, dy' = dy x, row by row */
static void rows_dot_back(graph *g, node *n)
{
    for (int side = 0; side < 2; side++) {
        dots p = rows_dot_job(n->input[side], n->input[1 - side]);
        p.dy = n->grad;
        p.out = graph_grad(g, n->input[side], &p.add);
        if (p.out != NULL)
            graph_parallel(g, dots_tasks(&p), rows_dot_task, &p);
    }
}

const op_class op_rows_dot = {"rows_dot", "<x_b, y_b>", rows_dot_back};
