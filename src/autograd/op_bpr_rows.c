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

/* de, as dQ: of the slopes and of e itself. */
static void seen_backward(graph *g, node *e, const bpr_triples *t, const real *up, const real *down, real pull)
{
    const bpr_vectors *const v = &t->set[1];
    bool add;
    real *const grad = graph_grad(g, e, &add);
    if (grad == NULL)
        return;
    if (!add)
        memset(grad, 0, (size_t)shape_count(e->shape) * sizeof *grad);
    const row_source sources[] = {
        {v->positive, t->count, v->p, t->user, up, 0},
        {v->negative, t->count, v->p, t->user, down, 0},
        {v->positive, t->count, v->q, v->positive, NULL, pull},
        {v->negative, t->count, v->q, v->negative, NULL, pull},
    };
    row_terms_scatter(g, sources, pull != 0 ? 4 : 2, e->shape.size[0], v->D, grad);
}

/* With s_b = -σ(-x_b) / B: dQ[i_b] += s_b P[u_b] + λ/B Q[i_b], dQ[j_b] -= s_b P[u_b], + λ/B Q[j_b]; biases alike; dP and
 * dT were made on the way. */
static void bpr_rows_backward(graph *g, node *n)
{
    const bpr_run *run = n->saved;
    const bpr_triples *t = &run->t;
    const real factor = n->grad[0], pull = factor * t->pull;
    const real *const up = scaled(g, t->slope, t->count, factor), *const down =
                                                                      scaled(g, t->slope, t->count, -factor);
    const bpr_rows *of = &run->of;
    const bpr_vectors *const v = &t->set[0];
    for (int k = 0; k < t->sets; k++)
        row_terms_add_source(g, k == 0 ? of->p : of->t,
                             &(row_source){t->row, run->users, t->set[k].value, NULL, NULL, factor});
    row_terms_add_source(g, of->q, &(row_source){of->positive, t->count, v->p, t->user, up, 0});
    row_terms_add_source(g, of->q, &(row_source){of->negative, t->count, v->p, t->user, down, 0});
    if (of->c != NULL) {
        row_terms_add_source(g, of->c, &(row_source){of->positive, t->count, up, NULL, NULL, 1});
        row_terms_add_source(g, of->c, &(row_source){of->negative, t->count, down, NULL, NULL, 1});
    }
    if (of->t != NULL)
        seen_backward(g, of->e, t, up, down, pull);
    for (int side = 0; side < 2 && pull != 0; side++) {
        const uint32_t *const item = side == 0 ? of->positive : of->negative;
        row_terms_add_source(g, of->q, &(row_source){item, t->count, v->q, item, NULL, pull});
        if (of->c != NULL)
            row_terms_add_source(g, of->c, &(row_source){item, t->count, t->c, item, NULL, pull});
    }
}
extern const op_class op_bpr_rows;
const op_class op_bpr_rows = {
    .name = "bpr_rows",
    .equation =
        "mean of softplus(-<P[u], Q[i] - Q[j]> - c[i] + c[j]) + λ/2 (|P[u]|² + |Q[i]|² + |Q[j]|² + c[i]² + c[j]²); + "
        "<T[u], e[i] - e[j]>",
    .backward = bpr_rows_backward,
};

static void check_seen(graph *g, const bpr_rows *of)
{
    char of_t[SHAPE_TEXT], of_e[SHAPE_TEXT];
    if (!pick_check(g, op_bpr_rows.name, of->t, of->user, of->count))
        return;
    const int64_t F = shape_width(of->t->shape);
    if (of->e->shape.rank != 2 || of->e->shape.size[1] != F) {
        graph_fail(g, MEDLEY_E_SHAPE, "%s: rows of %s and of %s: accepted is [*,%lld]", op_bpr_rows.name,
                   shape_format(of->t->shape, of_t), shape_format(of->e->shape, of_e), (long long)F);
        return;
    }
    for (int side = 0; side < 2; side++)
        for (int64_t b = 0; b < of->count; b++) {
            const uint32_t row = side == 0 ? of->e_positive[b] : of->e_negative[b];
            if (row >= of->e->shape.size[0]) {
                graph_fail(g, MEDLEY_E_ARGUMENT, "%s: row %lu of %s", op_bpr_rows.name, (unsigned long)row,
                           shape_format(of->e->shape, of_e));
                return;
            }
        }
}

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
    else if (of->t != NULL)
        check_seen(g, of);
    if (of->count == 0)
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
    if (of->t != NULL)
        pick_touch(g, of->t, of->user, of->count);
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
    const int64_t D = shape_width(of->p->shape), F = of->t != NULL ? shape_width(of->t->shape) : 0;
    *run = (bpr_run){.of = *of, .task_count = 1 + TASK_NUMBERS / (D + F)};
    run->t = (bpr_triples){
        .count = of->count,
        .set[0] = {D, of->p->value, of->q->value, of->positive, of->negative, NULL},
        .sets = 1,
        .c = of->c != NULL ? of->c->value : NULL,
        .user = of->user,
        .share = 1 / (real)of->count,
        .pull = (real)(penalty / (double)of->count),
    };
    if (of->t != NULL)
        run->t.set[run->t.sets++] =
            (bpr_vectors){F, of->t->value, of->e->value, of->e_positive, of->e_negative, NULL};
    *tasks = (of->count + run->task_count - 1) / run->task_count;
    if (!number_users(g, run, *tasks))
        return NULL;
    run->sums = graph_alloc(g, *tasks, sizeof *run->sums);
    run->t.slope = graph_alloc(g, of->count, sizeof(real));
    run->t.row = graph_alloc(g, run->users, sizeof(uint32_t));
    for (int k = 0; k < run->t.sets; k++)
        run->t.set[k].value = graph_alloc(g, run->users * run->t.set[k].D, sizeof(real));
    return graph_failed(g) ? NULL : run;
}

node *graph_bpr_rows(graph *g, const bpr_rows *of, double penalty)
{
    int64_t tasks;
    bpr_run *const run = check(g, of) ? prepare(g, of, penalty, &tasks) : NULL;
    node *n = graph_node(g, &op_bpr_rows, shape_scalar(), &(node *){of->e}, of->t != NULL);
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
