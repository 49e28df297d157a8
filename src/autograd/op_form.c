#include "autograd/op_elementwise.h"
#include "autograd/ops.h"
#include "tensor/kernel_form.h"

static void copy(graph *g, copy_job job)
{
    copy_simplify(&job);
    graph_parallel(g, copy_tasks(&job), copy_run, &job);
}

/* ---- reshape ---- */

static void reshape_gradient(graph *g, node *n, int input, bool take)
{
    gradient_pass(g, n, input, take, 1);
}

static void reshape_backward(graph *g, node *n)
{
    gradient_each(g, n, reshape_gradient);
}

const op_class op_reshape = {"reshape", "y = x in another shape", reshape_backward};

node *graph_reshape(graph *g, node *x, shape s)
{
    char from[SHAPE_TEXT], to[SHAPE_TEXT];
    int open = -1, opens = 0;
    int64_t known = 1;
    if (graph_failed(g))
        return graph_poison(g);
    const int64_t count = shape_count(x->shape);
    shape out = s;
    for (int i = 0; i < s.rank; i++)
        if (s.size[i] == -1) {
            open = i;
            opens++;
        } else if (s.size[i] < 0 || __builtin_mul_overflow(known, s.size[i], &known)) {
            known = -1;
            break;
        }
    if (opens == 1 && known > 0 && count % known == 0)
        out.size[open] = count / known;
    else if (opens > 0 || known != count)
        return graph_fail(g, MEDLEY_E_SHAPE, "reshape: %s does not fit %s", shape_format(x->shape, from),
                          shape_format(s, to));
    return graph_view(g, &op_reshape, out, x);
}

/* ---- parts along an axis: concat, stack and slice ---- */

/* An array seen as [outer, count, inner]. */
typedef struct axis_view {
    int64_t outer, count, inner;
} axis_view;

static axis_view view_at(shape s, int axis)
{
    axis_view v = {1, axis < s.rank ? s.size[axis] : 1, 1};
    for (int i = 0; i < axis; i++)
        v.outer *= s.size[i];
    for (int i = axis + 1; i < s.rank; i++)
        v.inner *= s.size[i];
    return v;
}

/* Copies `count` of the axis from place x_first of x (x_count long there) to out_first of out. */
static void copy_part(graph *g, axis_view part, const real *x, int64_t x_count, int64_t x_first, real *out,
                      int64_t out_count, int64_t out_first, bool add)
{
    copy(g, (copy_job){.size = {1, part.outer, part.count, part.inner},
                       .from = {0, x_count * part.inner, part.inner, 1},
                       .to = {0, out_count * part.inner, part.inner, 1},
                       .x = x == NULL ? NULL : x + x_first * part.inner,
                       .out = out + out_first * part.inner,
                       .add = add});
}

/* Inputs side by side, [outer, width_i] each: n->saved is the forward pass, its parts in the order of inputs. */
static node *join(graph *g, const op_class *op, node *const *x, int inputs, shape s, int axis)
{
    node *n = graph_node(g, op, s, x, inputs);
    join_job *job = graph_alloc(g, 1, sizeof *job);
    join_part *part = graph_alloc(g, inputs, sizeof *part);
    if (graph_failed(g))
        return graph_poison(g);
    const axis_view whole = view_at(s, axis);
    for (int i = 0; i < inputs; i++)
        part[i] = (join_part){.part = x[i]->value,
                              .width = shape_count(x[i]->shape) / (whole.outer > 0 ? whole.outer : 1)};
    *job = (join_job){.outer = whole.outer,
                      .width = whole.count * whole.inner,
                      .parts = inputs,
                      .part = part,
                      .whole = n->value};
    n->saved = job;
    graph_parallel(g, join_tasks(job), join_run, job);
    return n;
}

/* Parts that are the same node must not be added to at the same time: each repeated one is a pass of its own. */
static void join_backward(graph *g, node *n)
{
    join_job job = *(const join_job *)n->saved;
    join_part *part = graph_alloc(g, n->inputs, sizeof *part);
    if (part == NULL)
        return;
    job.apart = true;
    job.part = part;
    job.whole = n->grad;
    for (int done = 0; done < n->inputs;) {
        memcpy(part, ((const join_job *)n->saved)->part, (size_t)n->inputs * sizeof *part);
        for (int i = 0; i < n->inputs; i++)
            part[i].part = NULL;
        bool fresh = true;
        for (; done < n->inputs && fresh; done += fresh) {
            for (int i = 0; i < done; i++)
                fresh = fresh && (part[i].part == NULL || n->input[i] != n->input[done]);
            if (fresh)
                part[done].part = graph_grad(g, n->input[done], &part[done].add);
        }
        graph_parallel(g, join_tasks(&job), join_run, &job);
    }
}

const op_class op_concat = {"concat", "y = x₁, x₂, ... along an axis", join_backward};
const op_class op_stack = {"stack", "y = x₁, x₂, ... along a new axis", join_backward};

static node *no_axis(graph *g, const op_class *op, shape s, int axis)
{
    char format[SHAPE_TEXT];
    return graph_fail(g, MEDLEY_E_SHAPE, "%s: %s has no axis %d", op->name, shape_format(s, format), axis);
}

/* Equal but for the size at `axis` (-1: there as well). */
static bool shapes_agree(shape a, shape b, int axis)
{
    bool agree = a.rank == b.rank;
    for (int i = 0; agree && i < a.rank; i++)
        agree = i == axis || a.size[i] == b.size[i];
    return agree;
}

node *graph_concat(graph *g, node *const *x, int count, int axis)
{
    char first[SHAPE_TEXT], other[SHAPE_TEXT];
    if (graph_failed(g))
        return graph_poison(g);
    if (count < 1)
        return graph_fail(g, MEDLEY_E_SHAPE, "concat: of no arrays");
    shape s = x[0]->shape;
    const int front = axis < 0 ? axis + s.rank : axis;
    if (front < 0 || front >= s.rank)
        return no_axis(g, &op_concat, s, axis);
    for (int i = 1; i < count; i++) {
        if (!shapes_agree(x[0]->shape, x[i]->shape, front))
            return graph_fail(g, MEDLEY_E_SHAPE, "concat: %s and %s differ beside axis %d",
                              shape_format(x[0]->shape, first), shape_format(x[i]->shape, other), front);
        s.size[front] += x[i]->shape.size[front];
    }
    return join(g, &op_concat, x, count, s, front);
}

node *graph_stack(graph *g, node *const *x, int count, int axis)
{
    char first[SHAPE_TEXT], other[SHAPE_TEXT];
    if (graph_failed(g))
        return graph_poison(g);
    if (count < 1)
        return graph_fail(g, MEDLEY_E_SHAPE, "stack: of no arrays");
    const shape each = x[0]->shape;
    const int front = axis < 0 ? axis + each.rank + 1 : axis;
    if (front < 0 || front > each.rank)
        return graph_fail(g, MEDLEY_E_SHAPE, "stack: %s gets no axis %d", shape_format(each, first), axis);
    if (each.rank == SHAPE_RANK_MOST)
        return graph_fail(g, MEDLEY_E_SHAPE, "stack: %s has %d axes, the most there are",
                          shape_format(each, first), SHAPE_RANK_MOST);
    shape s = {.rank = each.rank + 1};
    for (int i = 0; i < s.rank; i++)
        s.size[i] = i == front ? count : each.size[i < front ? i : i - 1];
    for (int i = 1; i < count; i++)
        if (!shapes_agree(each, x[i]->shape, -1))
            return graph_fail(g, MEDLEY_E_SHAPE, "stack: %s and %s differ", shape_format(each, first),
                              shape_format(x[i]->shape, other));
    return join(g, &op_stack, x, count, s, front);
}

typedef struct slice_saved {
    axis_view part;
    int64_t length, first;
} slice_saved;

static void slice_backward(graph *g, node *n)
{
    const slice_saved *saved = n->saved;
    const axis_view part = saved->part;
    const int64_t length = saved->length, behind = saved->first + part.count;
    bool add;
    real *dx = graph_grad(g, n->input[0], &add);
    if (dx == NULL)
        return;
    copy_part(g, part, n->grad, part.count, 0, dx, length, saved->first, add);
    if (add)
        return;
    copy_part(g, (axis_view){part.outer, saved->first, part.inner}, NULL, 0, 0, dx, length, 0, false);
    copy_part(g, (axis_view){part.outer, length - behind, part.inner}, NULL, 0, 0, dx, length, behind, false);
}

const op_class op_slice = {"slice", "y = x[first .. first + count) along an axis", slice_backward};

node *graph_slice(graph *g, node *x, int axis, int64_t first, int64_t count)
{
    char format[SHAPE_TEXT];
    if (graph_failed(g))
        return graph_poison(g);
    const int front = axis < 0 ? axis + x->shape.rank : axis;
    if (front < 0 || front >= x->shape.rank)
        return no_axis(g, &op_slice, x->shape, axis);
    const int64_t length = x->shape.size[front];
    if (first < 0 || count < 0 || first > length || count > length - first)
        return graph_fail(g, MEDLEY_E_SHAPE, "slice: %s has no %lld at %lld along axis %d",
                          shape_format(x->shape, format), (long long)count, (long long)first, front);
    shape s = x->shape;
    s.size[front] = count;
    node *n = graph_node(g, &op_slice, s, &x, 1);
    slice_saved *saved = graph_alloc(g, 1, sizeof *saved);
    if (graph_failed(g))
        return graph_poison(g);
    *saved = (slice_saved){view_at(s, front), length, first};
    n->saved = saved;
    copy_part(g, saved->part, x->value, length, first, n->value, count, 0, false);
    return n;
}

/* ---- axes in another order ---- */

typedef struct permute_saved {
    int order[SHAPE_RANK_MOST];
} permute_saved;

/* out.size[i] = x.size[order[i]]; out [s] is dense, `dense` is the shape of x. */
static void copy_permuted(graph *g, const real *x, shape dense, const int *order, shape s, real *out, bool add)
{
    const int lead = SHAPE_RANK_MOST - s.rank;
    int64_t step[SHAPE_RANK_MOST];
    copy_job job = {.x = x, .out = out, .add = add};
    dense_steps(dense, NULL, step);
    dense_steps(s, job.size, job.to);
    for (int i = 0; i < SHAPE_RANK_MOST; i++)
        job.from[i] = i < lead ? 0 : step[lead + order[i - lead]];
    copy(g, job);
}

static void permute_backward(graph *g, node *n)
{
    const permute_saved *saved = n->saved;
    int back[SHAPE_RANK_MOST] = {0};
    bool add;
    real *dx = graph_grad(g, n->input[0], &add);
    for (int i = 0; i < n->shape.rank; i++)
        back[saved->order[i]] = i;
    if (dx != NULL)
        copy_permuted(g, n->grad, n->shape, back, n->input[0]->shape, dx, add);
}

const op_class op_permute = {"permute", "y = x with its axes in another order", permute_backward};
const op_class op_transpose = {"transpose", "y = xᵀ, the last two axes", permute_backward};

static node *permute(graph *g, const op_class *op, node *x, const int *order)
{
    shape s = {.rank = x->shape.rank};
    for (int i = 0; i < s.rank; i++)
        s.size[i] = x->shape.size[order[i]];
    node *n = graph_node(g, op, s, &x, 1);
    permute_saved *saved = graph_alloc(g, 1, sizeof *saved);
    if (graph_failed(g))
        return graph_poison(g);
    for (int i = 0; i < s.rank; i++)
        saved->order[i] = order[i];
    n->saved = saved;
    copy_permuted(g, x->value, x->shape, order, s, n->value, false);
    return n;
}

node *graph_permute(graph *g, node *x, const int *order)
{
    char format[SHAPE_TEXT];
    unsigned seen = 0;
    if (graph_failed(g))
        return graph_poison(g);
    for (int i = 0; i < x->shape.rank; i++)
        seen |= order[i] >= 0 && order[i] < x->shape.rank ? 1U << order[i] : 0;
    if (seen != (1U << x->shape.rank) - 1)
        return graph_fail(g, MEDLEY_E_SHAPE, "permute: %s: the order does not name each axis once",
                          shape_format(x->shape, format));
    return permute(g, &op_permute, x, order);
}

node *graph_transpose(graph *g, node *x)
{
    char format[SHAPE_TEXT];
    int order[SHAPE_RANK_MOST] = {0, 1, 2, 3};
    if (graph_failed(g))
        return graph_poison(g);
    const int rank = x->shape.rank;
    if (rank < 2)
        return graph_fail(g, MEDLEY_E_SHAPE, "transpose: %s has no two axes", shape_format(x->shape, format));
    order[rank - 2] = rank - 1;
    order[rank - 1] = rank - 2;
    return permute(g, &op_transpose, x, order);
}
