#include "autograd/op_reduce.h"

#include "autograd/op_elementwise.h"
#include "autograd/ops.h"
#include "tensor/kernel_reduce.h"

/* All levels of a tree of sums. */
static void sum_tree(graph *g, sum_job job)
{
    for (int64_t leaves; (leaves = sum_leaves(&job)) > 1;) {
        sum_job level = job;
        level.out = graph_alloc(g, job.outer * leaves * job.inner, sizeof(real));
        level.scale = 1;
        level.add = false;
        if (level.out == NULL)
            return;
        graph_parallel(g, sum_tasks(&level), sum_run, &level);
        job.x = level.out;
        job.w = NULL;
        job.count = leaves;
    }
    graph_parallel(g, sum_tasks(&job), sum_run, &job);
}

/* Neighbouring axes that are summed, or that stay, are one. */
typedef struct axis_group {
    int64_t size;
    bool summed;
} axis_group;

static int group_axes(shape from, shape to, axis_group group[SHAPE_RANK_MOST])
{
    int groups = 0;
    for (int i = 0; i < from.rank; i++) {
        const int j = i - (from.rank - to.rank);
        const bool summed = j < 0 || to.size[j] != from.size[i];
        if (from.size[i] == 1)
            continue;
        if (groups > 0 && group[groups - 1].summed == summed)
            group[groups - 1].size *= from.size[i];
        else
            group[groups++] = (axis_group){from.size[i], summed};
    }
    return groups;
}

void graph_sum_to(graph *g, const real *x, const real *w, shape from, shape to, real scale, real *out, bool add)
{
    axis_group group[SHAPE_RANK_MOST];
    const int groups = group_axes(from, to, group);
    int last = -1, left = 0; /* the last summed group, and how many there are */
    for (int i = 0; i < groups; i++)
        if (group[i].summed) {
            last = i;
            left++;
        }
    do {
        sum_job job = {.outer = 1, .count = 1, .inner = 1, .x = x, .w = w, .out = out, .scale = scale, .add = add};
        for (int i = 0; i < groups; i++)
            *(i == last ? &job.count : i < last ? &job.outer : &job.inner) *= group[i].size;
        if (left > 1) {
            job.scale = 1;
            job.add = false;
            job.out = graph_alloc(g, job.outer * job.inner, sizeof(real));
            if (job.out == NULL)
                return;
        }
        sum_tree(g, job);
        x = job.out;
        w = NULL;
        group[last < 0 ? 0 : last] = (axis_group){1, false};
        while (last >= 0 && !group[last].summed)
            last--;
    } while (--left > 0);
}

/* ---- over all, and over an axis ---- */

typedef struct axis_cut {
    int64_t outer, count, inner;
} axis_cut;

static axis_cut cut_at(shape s, int axis)
{
    axis_cut cut = {1, s.size[axis], 1};
    for (int i = 0; i < axis; i++)
        cut.outer *= s.size[i];
    for (int i = axis + 1; i < s.rank; i++)
        cut.inner *= s.size[i];
    return cut;
}

static shape without(shape s, int axis)
{
    shape out = {.rank = s.rank - 1};
    for (int i = 0; i < out.rank; i++)
        out.size[i] = s.size[i < axis ? i : i + 1];
    return out;
}

/* The axis from the front, or -1 after keeping the failure. */
static int axis_of(graph *g, const op_class *op, const node *x, int axis)
{
    char format[SHAPE_TEXT];
    const int front = axis < 0 ? axis + x->shape.rank : axis;
    if (!graph_failed(g) && (front < 0 || front >= x->shape.rank))
        graph_fail(g, MEDLEY_E_SHAPE, "%s: %s has no axis %d", op->name, shape_format(x->shape, format), axis);
    return graph_failed(g) ? -1 : front;
}

/* Of these there is no mean and no maximum. */
static bool is_of_nothing(graph *g, const op_class *op, const node *x, int64_t count)
{
    char format[SHAPE_TEXT];
    if (count == 0)
        graph_fail(g, MEDLEY_E_SHAPE, "%s: %s has no numbers", op->name, shape_format(x->shape, format));
    return count == 0;
}

typedef struct sum_saved {
    axis_cut cut;
    real scale;
} sum_saved;

static node *sum_node(graph *g, const op_class *op, node *x, axis_cut cut, shape s, real scale)
{
    node *n = graph_node(g, op, s, &x, 1);
    sum_saved *saved = graph_alloc(g, 1, sizeof *saved);
    if (graph_failed(g))
        return graph_poison(g);
    *saved = (sum_saved){cut, scale};
    n->saved = saved;
    sum_tree(g, (sum_job){.outer = cut.outer,
                          .count = cut.count,
                          .inner = cut.inner,
                          .x = x->value,
                          .out = n->value,
                          .scale = scale});
    return n;
}

/* Every number of a sum gets the sum's gradient. */
static void sum_spread(graph *g, node *n)
{
    const sum_saved *saved = n->saved;
    const axis_cut cut = saved->cut;
    bool add;
    real *dx = graph_grad(g, n->input[0], &add);
    if (dx == NULL)
        return;
    graph_binary_job(g, &(binary_job){.kind = BINARY_MUL,
                                      .mode = add ? STORE_ADD : STORE_SET,
                                      .plan = broadcast_of(shape_3(cut.outer, 1, cut.inner), shape_scalar(),
                                                           shape_3(cut.outer, cut.count, cut.inner)),
                                      .a = n->grad,
                                      .b = &saved->scale,
                                      .out = dx});
}

const op_class op_sum = {"sum", "y = Σ x", sum_spread};
const op_class op_mean = {"mean", "y = Σ x / N", sum_spread};
const op_class op_sum_axis = {"sum_axis", "y = Σ x over an axis", sum_spread};
const op_class op_mean_axis = {"mean_axis", "y = Σ x / N over an axis of N", sum_spread};

node *graph_sum(graph *g, node *x)
{
    if (graph_failed(g))
        return graph_poison(g);
    return sum_node(g, &op_sum, x, (axis_cut){1, shape_count(x->shape), 1}, shape_scalar(), 1);
}

node *graph_mean(graph *g, node *x)
{
    const int64_t count = shape_count(x->shape);
    if (graph_failed(g) || is_of_nothing(g, &op_mean, x, count))
        return graph_poison(g);
    return sum_node(g, &op_mean, x, (axis_cut){1, count, 1}, shape_scalar(), (real)(1 / (double)count));
}

node *graph_sum_axis(graph *g, node *x, int axis)
{
    const int front = axis_of(g, &op_sum_axis, x, axis);
    if (front < 0)
        return graph_poison(g);
    return sum_node(g, &op_sum_axis, x, cut_at(x->shape, front), without(x->shape, front), 1);
}

node *graph_mean_axis(graph *g, node *x, int axis)
{
    const int front = axis_of(g, &op_mean_axis, x, axis);
    if (front < 0 || is_of_nothing(g, &op_mean_axis, x, x->shape.size[front]))
        return graph_poison(g);
    const axis_cut cut = cut_at(x->shape, front);
    return sum_node(g, &op_mean_axis, x, cut, without(x->shape, front), (real)(1 / (double)cut.count));
}

/* ---- the largest ---- */

typedef struct max_saved {
    axis_cut cut;
    int32_t *place; /* [outer, inner] */
} max_saved;

static void max_backward(graph *g, node *n)
{
    const max_saved *saved = n->saved;
    bool add;
    real *dx = graph_grad(g, n->input[0], &add);
    if (dx == NULL)
        return;
    max_gradient_job job = {.outer = saved->cut.outer,
                            .count = saved->cut.count,
                            .inner = saved->cut.inner,
                            .dy = n->grad,
                            .place = saved->place,
                            .dx = dx,
                            .add = add};
    graph_parallel(g, max_gradient_tasks(&job), max_gradient_run, &job);
}

const op_class op_max_axis = {"max_axis", "y = max x over an axis", max_backward};

node *graph_max_axis(graph *g, node *x, int axis)
{
    char format[SHAPE_TEXT];
    const int front = axis_of(g, &op_max_axis, x, axis);
    if (front < 0 || is_of_nothing(g, &op_max_axis, x, x->shape.size[front]))
        return graph_poison(g);
    const axis_cut cut = cut_at(x->shape, front);
    if (cut.count > INT32_MAX)
        return graph_fail(g, MEDLEY_E_SHAPE, "max_axis: %s: the axis is longer than %d",
                          shape_format(x->shape, format), INT32_MAX);
    node *n = graph_node(g, &op_max_axis, without(x->shape, front), &x, 1);
    max_saved *saved = graph_alloc(g, 1, sizeof *saved);
    int32_t *place = graph_alloc(g, cut.outer * cut.inner, sizeof *place);
    if (graph_failed(g))
        return graph_poison(g);
    *saved = (max_saved){cut, place};
    n->saved = saved;
    max_job job = {cut.outer, cut.count, cut.inner, x->value, n->value, place};
    graph_parallel(g, max_tasks(&job), max_run, &job);
    return n;
}
