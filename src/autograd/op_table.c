#include "autograd/op_table.h"

#include "autograd/ops.h"
#include "autograd/row_terms.h"

enum { TASK_NUMBERS = 1 << 17 }; /* that a task reads, about */

/* What ops of tables keep: which rows of which tables. */
typedef struct picks {
    parameter *p, *q;
    const uint32_t *a, *c; /* [count] rows of p and q */
    const csr *bags;
    bool mean;
    int64_t count, D;
    int64_t task_count; /* of a task */
    real *out;          /* what forward writes */
    const real *x;      /* [*, D] what select reads; what terms point to */
    row_term *term;     /* [entries of bags] */
} picks;

/* What a task of these does with places first .. end - 1. */
typedef void (*picks_body)(const picks *k, int64_t first, int64_t end);

typedef struct picks_loop {
    const picks *k;
    picks_body body;
} picks_loop;

static medley_status run_task(void *context, int64_t task, int worker, medley_error *err)
{
    (void)worker;
    (void)err;
    const picks_loop *loop = context;
    const int64_t first = task * loop->k->task_count, end = first + loop->k->task_count;
    loop->body(loop->k, first, end < loop->k->count ? end : loop->k->count);
    return MEDLEY_OK;
}

/* `numbers`: that one place needs. */
static void run(graph *g, picks *k, int64_t numbers, picks_body body)
{
    k->task_count = TASK_NUMBERS / (numbers + 1) + 1;
    const int64_t tasks = (k->count + k->task_count - 1) / k->task_count;
    graph_parallel(g, tasks, run_task, &(picks_loop){k, body});
}

bool pick_check(graph *g, const char *op, const parameter *p, const uint32_t *row, int64_t count)
{
    const int64_t rows = p->shape.rank == 2 ? p->shape.size[0] : 0;
    char shape_text[SHAPE_TEXT];
    if (p->shape.rank != 2) {
        graph_fail(g, MEDLEY_E_SHAPE, "%s: '%s' is %s, not a table [rows, D]", op, p->name,
                   shape_format(p->shape, shape_text));
        return false;
    }
    const int64_t outside = count > 0 ? table_outside(row, count, rows) : 0;
    if (outside < count)
        graph_fail(g, MEDLEY_E_ARGUMENT, "%s: row %u of '%s' (place %lld) is not below %lld", op,
                   (unsigned)row[outside], p->name, (long long)outside, (long long)rows);
    return !graph_failed(g);
}

void pick_touch(graph *g, parameter *p, const uint32_t *row, int64_t count)
{
    if (p->kind == PARAMETER_ROWS && count > 0)
        graph_touch(g, p, row, count);
}

/* A node of tables, which are no nodes; the poison node when `ok` is false or a failure is kept. */
static node *pick(graph *g, const op_class *op, bool ok, shape s, const picks *k)
{
    node *n = ok ? graph_node(g, op, s, NULL, 0) : graph_poison(g);
    picks *kept = graph_alloc(g, 1, sizeof *kept);
    if (kept == NULL)
        return graph_poison(g);
    *kept = *k;
    kept->out = n->value;
    n->saved = kept;
    n->wants_grad = true;
    return n;
}

/* ---- gather ---- */

static void gather_forward(const picks *k, int64_t first, int64_t end)
{
    table_gather(k->p->value, k->D, k->a + first, end - first, k->out + first * k->D);
}

/* dP[row[b]] += dout[b] */
static void gather_backward(graph *g, node *n)
{
    const picks *k = n->saved;
    row_terms_add_source(g, k->p, &(row_source){.row = k->a, .count = k->count, .vector = n->grad, .factor = 1});
}
const op_class op_gather = {"gather", "out[b] = P[row[b]]", gather_backward};

node *graph_gather(graph *g, parameter *table, const uint32_t *row, shape s)
{
    const int64_t count = shape_count(s);
    if (s.rank == SHAPE_RANK_MOST)
        return graph_fail(g, MEDLEY_E_SHAPE, "gather: rows of '%s' by an array of rank %d: the most is %d",
                          table->name, s.rank, SHAPE_RANK_MOST - 1);
    const bool ok = pick_check(g, "gather", table, row, count);
    const picks k = {.p = table, .a = row, .count = count, .D = shape_width(table->shape)};
    s.size[s.rank++] = k.D;
    node *n = pick(g, &op_gather, ok, s, &k);
    if (graph_failed(g))
        return n;
    pick_touch(g, table, row, count);
    run(g, n->saved, k.D, gather_forward);
    return n;
}

/* ---- select ---- */

static void select_forward(const picks *k, int64_t first, int64_t end)
{
    table_gather(k->x, k->D, k->a + first, end - first, k->out + first * k->D);
}

/* dx[row[b]] += dout[b] */
static void select_backward(graph *g, node *n)
{
    const picks *k = n->saved;
    bool add;
    node *x = n->input[0];
    real *grad = graph_grad(g, x, &add);
    if (grad == NULL)
        return;
    if (!add)
        memset(grad, 0, (size_t)shape_count(x->shape) * sizeof *grad);
    const row_source all = {.row = k->a, .count = k->count, .vector = n->grad, .factor = 1};
    row_terms_scatter(g, &all, 1, x->shape.size[0], k->D, grad);
}
const op_class op_select = {"select", "out[b] = x[row[b]]", select_backward};

node *graph_select(graph *g, node *x, const uint32_t *row, int64_t count)
{
    if (graph_failed(g))
        return graph_poison(g);
    const parameter as_table = {.name = "x", .shape = x->shape};
    if (!pick_check(g, "select", &as_table, row, count))
        return graph_poison(g);
    node *n = graph_node(g, &op_select, shape_2(count, x->shape.size[1]), &x, 1);
    picks *k = graph_alloc(g, 1, sizeof *k);
    if (k == NULL)
        return graph_poison(g);
    *k = (picks){.a = row, .count = count, .D = x->shape.size[1], .out = n->value, .x = x->value};
    n->saved = k;
    run(g, k, k->D, select_forward);
    return n;
}

/* ---- bags ---- */

static void bag_forward(const picks *k, int64_t first, int64_t end)
{
    table_bags(k->p->value, k->D, k->bags, k->mean, first, end, k->out);
}

static void bag_terms(const picks *k, int64_t first, int64_t end)
{
    const csr *bags = k->bags;
    for (int64_t b = first; b < end; b++) {
        const real share = k->mean ? 1 / (real)csr_row_count(bags, b) : 1;
        for (int64_t e = bags->start[b]; e < bags->start[b + 1]; e++)
            k->term[e] = (row_term){.vector = k->x + b * k->D,
                                    .row = bags->index[e],
                                    .scale = bags->value != NULL ? share * (real)bags->value[e] : share};
    }
}

static int64_t mean_length(const picks *k)
{
    return k->count > 0 ? csr_count(k->bags) / k->count + 1 : 1;
}

/* dP[row] += weight × dout[b] for every row of bag b */
static void bag_backward(graph *g, node *n)
{
    picks *k = n->saved;
    k->x = n->grad;
    k->term = row_terms_add(g, k->p, csr_count(k->bags));
    run(g, k, 4 * mean_length(k), bag_terms);
}
const op_class op_bag = {"bag", "out[b] = sum of weight P[row] over bag b", bag_backward};

node *graph_bag(graph *g, parameter *table, const csr *bags, bool mean)
{
    const bool ok = pick_check(g, "bag", table, bags->index, csr_count(bags));
    const picks k = {.p = table, .bags = bags, .mean = mean, .count = bags->rows, .D = shape_width(table->shape)};
    node *n = pick(g, &op_bag, ok, shape_2(k.count, k.D), &k);
    if (graph_failed(g))
        return n;
    pick_touch(g, table, bags->index, csr_count(bags));
    run(g, n->saved, k.D * mean_length(&k), bag_forward);
    return n;
}

/* ---- dots ---- */

static void dots_forward(const picks *k, int64_t first, int64_t end)
{
    table_dots(k->p->value, k->a + first, k->q->value, k->c + first, k->D, end - first, k->out + first);
}

/* dP[a[b]] += dout[b] Q[c[b]], dQ[c[b]] += dout[b] P[a[b]] */
static void gather_dot_backward(graph *g, node *n)
{
    const picks *k = n->saved;
    const row_source to_p = {k->a, k->count, k->q->value, k->c, n->grad, 0};
    const row_source to_q = {k->c, k->count, k->p->value, k->a, n->grad, 0};
    row_terms_add_source(g, k->p, &to_p);
    row_terms_add_source(g, k->q, &to_q);
}
const op_class op_gather_dot = {"gather_dot", "out[b] = <P[a[b]], Q[c[b]]>", gather_dot_backward};

node *graph_gather_dot(graph *g, parameter *p, const uint32_t *a, parameter *q, const uint32_t *c, int64_t count)
{
    char of_p[SHAPE_TEXT], of_q[SHAPE_TEXT];
    const bool ok = pick_check(g, "gather_dot", p, a, count) && pick_check(g, "gather_dot", q, c, count);
    const picks k = {.p = p, .q = q, .a = a, .c = c, .count = count, .D = shape_width(p->shape)};
    if (ok && shape_width(q->shape) != k.D)
        return graph_fail(g, MEDLEY_E_SHAPE, "gather_dot: rows of %s and %s: widths %lld and %lld differ",
                          shape_format(p->shape, of_p), shape_format(q->shape, of_q), (long long)k.D,
                          (long long)shape_width(q->shape));
    node *n = pick(g, &op_gather_dot, ok, shape_1(count), &k);
    if (graph_failed(g))
        return n;
    pick_touch(g, p, a, count);
    pick_touch(g, q, c, count);
    run(g, n->saved, 2 * k.D, dots_forward);
    return n;
}

/* ---- squares ---- */

static void squares_forward(const picks *k, int64_t first, int64_t end)
{
    const real *p = k->p->value + (k->a == NULL ? first * k->D : 0);
    table_squares(p, k->D, k->a != NULL ? k->a + first : NULL, end - first, k->out + first);
}

/* dP[row[b]] += 2 dout P[row[b]] */
static void rows_square_backward(graph *g, node *n)
{
    const picks *k = n->saved;
    row_terms_add_source(g, k->p, &(row_source){k->a, k->count, k->p->value, k->a, NULL, 2 * n->grad[0]});
}
const op_class op_rows_square = {"rows_square", "sum over b of |P[row[b]]|²", rows_square_backward};

node *graph_rows_square(graph *g, parameter *p, const uint32_t *row, int64_t count)
{
    const bool ok = pick_check(g, "rows_square", p, row, count);
    const picks k = {.p = p, .a = row, .count = count, .D = shape_width(p->shape)};
    node *n = pick(g, &op_rows_square, ok, shape_scalar(), &k);
    if (graph_failed(g))
        return n;
    pick_touch(g, p, row, count);
    /* each row once where that is less */
    const bool all = count > p->shape.size[0];
    picks squares = {.p = p, .a = all ? NULL : row, .count = all ? p->shape.size[0] : count, .D = k.D};
    squares.out = graph_alloc(g, squares.count, sizeof *squares.out);
    run(g, &squares, k.D, squares_forward);
    if (!graph_failed(g))
        n->value[0] = table_total(squares.out, all ? row : NULL, count);
    return graph_failed(g) ? graph_poison(g) : n;
}
