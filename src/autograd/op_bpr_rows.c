/* BPR of rows of tables, as one op: what the slopes and the gradients of users are made of is read once. */
#include "autograd/op_table.h"
#include "autograd/ops.h"
#include "autograd/row_terms.h"
#include "tensor/kernel_bpr_rows.h"
#include "tensor/kernel_table.h"

enum { TASK_NUMBERS = 1 << 15 }; /* of users' rows that a task reads, were each triple another's */

/* Tasks start with the first user that starts within a task's triples, and end where the next one starts. */
typedef struct bpr_run {
    bpr_triples t;
    int64_t task_count, users; /* triples of a task; distinct users */
    int64_t *n;                /* [tasks] the number of a task's first user */
    bpr_sums *sums;            /* [tasks] */
    bpr_rows of;
} bpr_run;

static int64_t first_start(const bpr_triples *t, int64_t b)
{
    while (b > 0 && b < t->count && t->user[b] == t->user[b - 1])
        b++;
    return least(b, t->count);
}

static medley_status bpr_task(void *context, int64_t task, int worker, medley_error *err)
{
    (void)worker, (void)err;
    const bpr_run *run = context;
    const int64_t first = first_start(&run->t, task * run->task_count);
    const int64_t end = first_start(&run->t, (task + 1) * run->task_count);
    run->sums[task] = bpr_rows_sum(&run->t, first, end, run->n[task]);
    return MEDLEY_OK;
}

static const real *scaled(graph *g, const real *x, int64_t count, real factor)
{
    real *out = factor != 1 ? graph_alloc(g, count, sizeof *out) : NULL;
    for (int64_t b = 0; out != NULL && b < count; b++)
        out[b] = factor * x[b];
    return out != NULL ? out : x;
}

/* With s_b = -σ(-x_b) / B: dQ[i_b] += s_b P[u_b] + λ/B Q[i_b], dQ[j_b] -= s_b P[u_b], + λ/B Q[j_b]; biases alike; dP was
 * made on the way. */
static void bpr_rows_backward(graph *g, node *n)
{
    const bpr_run *run = n->saved;
    const bpr_triples *t = &run->t;
    const real factor = n->grad[0], pull = factor * t->pull;
    const real *const up = scaled(g, t->slope, t->count, factor), *const down =
                                                                      scaled(g, t->slope, t->count, -factor);
    const bpr_rows *of = &run->of;
    row_terms_add_source(g, of->p, &(row_source){t->row, run->users, t->value, NULL, NULL, factor});
    row_terms_add_source(g, of->q, &(row_source){t->positive, t->count, t->p, t->user, up, 0});
    row_terms_add_source(g, of->q, &(row_source){t->negative, t->count, t->p, t->user, down, 0});
    if (of->c != NULL) {
        row_terms_add_source(g, of->c, &(row_source){t->positive, t->count, up, NULL, NULL, 1});
        row_terms_add_source(g, of->c, &(row_source){t->negative, t->count, down, NULL, NULL, 1});
    }
    for (int side = 0; side < 2 && pull != 0; side++) {
        const uint32_t *const item = side == 0 ? t->positive : t->negative;
        row_terms_add_source(g, of->q, &(row_source){item, t->count, t->q, item, NULL, pull});
        if (of->c != NULL)
            row_terms_add_source(g, of->c, &(row_source){item, t->count, t->c, item, NULL, pull});
    }
}
extern const op_class op_bpr_rows;
const op_class op_bpr_rows = {
    .name = "bpr_rows",
    .equation =
        "mean of softplus(-<P[u], Q[i] - Q[j]> - c[i] + c[j]) + λ/2 (|P[u]|² + |Q[i]|² + |Q[j]|² + c[i]² + c[j]²)",
    .backward = bpr_rows_backward,
};

static bool check(graph *g, const bpr_rows *of)
{
    const char *const op = op_bpr_rows.name;
    char of_p[SHAPE_TEXT], of_q[SHAPE_TEXT];
    if (!pick_check(g, op, of->p, of->user, of->count) || !pick_check(g, op, of->q, of->positive, of->count) ||
        !pick_check(g, op, of->q, of->negative, of->count))
        return false;
    if (shape_width(of->p->shape) != shape_width(of->q->shape))
        graph_fail(g, MEDLEY_E_SHAPE, "%s: rows of %s and %s: widths %lld and %lld differ", op,
                   shape_format(of->p->shape, of_p), shape_format(of->q->shape, of_q),
                   (long long)shape_width(of->p->shape), (long long)shape_width(of->q->shape));
    else if (of->c != NULL && !shape_equal(of->c->shape, shape_2(of->q->shape.size[0], 1)))
        graph_fail(g, MEDLEY_E_SHAPE, "%s: biases %s of rows of %s: accepted is [%lld,1]", op,
                   shape_format(of->c->shape, of_p), shape_format(of->q->shape, of_q),
                   (long long)of->q->shape.size[0]);
    else if (of->count == 0)
        graph_fail(g, MEDLEY_E_SHAPE, "%s: of no triples", op);
    return !graph_failed(g);
}

/* Numbers the users; false after keeping the failure. */
static bool number_users(graph *g, bpr_run *run, int64_t tasks)
{
    run->n = graph_alloc(g, tasks, sizeof *run->n);
    for (int64_t task = 0; task < tasks && !graph_failed(g); task++) {
        const int64_t first = task * run->task_count, end = least(first + run->task_count, run->t.count);
        int64_t starts;
        run->n[task] = run->users;
        if (!bpr_rows_ascend(run->t.user, first, end, &starts))
            graph_fail(g, MEDLEY_E_ARGUMENT, "%s: users of triples %lld to %lld do not ascend", op_bpr_rows.name,
                       (long long)first, (long long)end - 1);
        run->users += starts;
    }
    return !graph_failed(g);
}

static void touch_tables(graph *g, const bpr_rows *of)
{
    pick_touch(g, of->p, of->user, of->count);
    for (int side = 0; side < 2; side++) {
        const uint32_t *const item = side == 0 ? of->positive : of->negative;
        pick_touch(g, of->q, item, of->count);
        if (of->c != NULL)
            pick_touch(g, of->c, item, of->count);
    }
}

/* Room for what the tasks write; NULL after keeping the failure. */
static bpr_run *prepare(graph *g, const bpr_rows *of, double penalty, int64_t *tasks)
{
    bpr_run *run = graph_alloc(g, 1, sizeof *run);
    if (run == NULL)
        return NULL;
    const int64_t D = shape_width(of->p->shape);
    *run = (bpr_run){.of = *of, .task_count = 1 + TASK_NUMBERS / D};
    run->t = (bpr_triples){
        .count = of->count,
        .D = D,
        .p = of->p->value,
        .q = of->q->value,
        .c = of->c != NULL ? of->c->value : NULL,
        .user = of->user,
        .positive = of->positive,
        .negative = of->negative,
        .share = 1 / (real)of->count,
        .pull = (real)(penalty / (double)of->count),
    };
    *tasks = (of->count + run->task_count - 1) / run->task_count;
    if (!number_users(g, run, *tasks))
        return NULL;
    run->sums = graph_alloc(g, *tasks, sizeof *run->sums);
    run->t.slope = graph_alloc(g, of->count, sizeof(real));
    run->t.row = graph_alloc(g, run->users, sizeof(uint32_t));
    run->t.value = graph_alloc(g, run->users * D, sizeof(real));
    return graph_failed(g) ? NULL : run;
}

node *graph_bpr_rows(graph *g, const bpr_rows *of, double penalty)
{
    int64_t tasks;
    bpr_run *const run = check(g, of) ? prepare(g, of, penalty, &tasks) : NULL;
    node *n = graph_node(g, &op_bpr_rows, shape_scalar(), NULL, 0);
    if (run == NULL || graph_failed(g))
        return graph_poison(g);
    touch_tables(g, of);
    graph_parallel(g, tasks, bpr_task, run);
    bpr_sums all = {0, 0};
    for (int64_t task = 0; task < tasks; task++) {
        all.loss += run->sums[task].loss;
        all.squares += run->sums[task].squares;
    }
    n->value[0] = (real)((all.loss + penalty / 2 * all.squares) / (double)of->count);
    n->saved = run;
    n->wants_grad = true;
    return n;
}
