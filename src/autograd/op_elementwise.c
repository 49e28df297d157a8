#include "autograd/op_elementwise.h"

#include "autograd/op_reduce.h"
#include "autograd/ops.h"

void graph_unary_job(graph *g, const unary_job *job)
{
    unary_job run = *job;
    graph_parallel(g, unary_tasks(&run), unary_run, &run);
}

void graph_binary_job(graph *g, const binary_job *job)
{
    binary_job run = *job;
    graph_parallel(g, binary_tasks(&run), binary_run, &run);
}

/* ---- gradients ---- */

static bool can_take(const node *n, int input)
{
    const node *x = n->input[input];
    bool can = !n->lent && x->wants_grad && x->parameter == NULL && x->grad == NULL &&
               shape_count(x->shape) == shape_count(n->shape);
    for (int i = 0; i < n->inputs; i++)
        can = can && (i == input || n->input[i] != x);
    return can;
}

void gradient_each(graph *g, node *n, input_gradient f)
{
    int taker = 0;
    while (taker < n->inputs && !can_take(n, taker))
        taker++;
    for (int i = 0; i < n->inputs; i++)
        if (i != taker && n->input[i]->wants_grad)
            f(g, n, i, false);
    if (taker < n->inputs)
        f(g, n, taker, true);
}

real *gradient_place(graph *g, node *n, int input, bool take, store_mode *mode)
{
    bool add = false;
    if (take) {
        *mode = STORE_IN_PLACE;
        return n->input[input]->grad = n->grad;
    }
    real *place = graph_grad(g, n->input[input], &add);
    *mode = add ? STORE_ADD : STORE_SET;
    return place;
}

void gradient_pass(graph *g, node *n, int input, bool take, real sign)
{
    const node *x = n->input[input];
    store_mode mode;
    real *dx = gradient_place(g, n, input, take, &mode);
    if (dx == NULL || (mode == STORE_IN_PLACE && sign == 1))
        return;
    if (shape_count(x->shape) != shape_count(n->shape)) {
        graph_sum_to(g, n->grad, NULL, n->shape, x->shape, sign, dx, mode == STORE_ADD);
        return;
    }
    graph_unary_job(g, &(unary_job){.kernel = sign == 1 ? &unary_shift : &unary_scale,
                                    .a = sign,
                                    .count = shape_count(x->shape),
                                    .x = x->value,
                                    .y = n->value,
                                    .dy = n->grad,
                                    .dx = dx,
                                    .mode = mode});
}

/* ---- functions of one number ---- */

typedef struct unary_saved {
    const unary_kernel *kernel;
    real a;
} unary_saved;

static node *unary(graph *g, const op_class *op, const unary_kernel *kernel, node *x, double a)
{
    if (graph_failed(g))
        return graph_poison(g);
    node *n = graph_node(g, op, x->shape, &x, 1);
    unary_saved *saved = graph_alloc(g, 1, sizeof *saved);
    if (graph_failed(g))
        return graph_poison(g);
    *saved = (unary_saved){kernel, (real)a};
    n->saved = saved;
    graph_unary_job(
        g, &(unary_job){
               .kernel = kernel, .a = saved->a, .count = shape_count(x->shape), .x = x->value, .y = n->value});
    return n;
}

static void unary_gradient(graph *g, node *n, int input, bool take)
{
    const unary_saved *saved = n->saved;
    store_mode mode;
    real *dx = gradient_place(g, n, input, take, &mode);
    if (dx == NULL || (mode == STORE_IN_PLACE && saved->kernel == &unary_shift))
        return;
    graph_unary_job(g, &(unary_job){.kernel = saved->kernel,
                                    .a = saved->a,
                                    .count = shape_count(n->shape),
                                    .x = n->input[0]->value,
                                    .y = n->value,
                                    .dy = n->grad,
                                    .dx = dx,
                                    .mode = mode});
}

static void unary_backward(graph *g, node *n)
{
    gradient_each(g, n, unary_gradient);
}

#define UNARY_CLASS(name, equation) const op_class op_##name = {#name, equation, unary_backward};
#define UNARY_OP(name, equation)                          \
    UNARY_CLASS(name, equation)                           \
    node *graph_##name(graph *g, node *x)                 \
    {                                                     \
        return unary(g, &op_##name, &unary_##name, x, 0); \
    }
#define UNARY_OP_WITH(name, equation, parameter)                  \
    UNARY_CLASS(name, equation)                                   \
    node *graph_##name(graph *g, node *x, double parameter)       \
    {                                                             \
        return unary(g, &op_##name, &unary_##name, x, parameter); \
    }

UNARY_OP_WITH(scale, "y = a x", factor)
UNARY_OP_WITH(shift, "y = x + a", term)
UNARY_OP(exp, "y = eˣ")
UNARY_OP(log, "y = ln x")
UNARY_OP(sqrt, "y = sqrt(x)")
UNARY_OP(square, "y = x²")
UNARY_OP(relu, "y = max(x, 0)")
UNARY_OP_WITH(leaky_relu, "y = x where x >= 0, else a x", slope)
UNARY_OP(gelu, "y = x Φ(x)")
UNARY_OP(gelu_tanh, "y = x (1 + tanh(sqrt(2 / π) (x + 0.044715 x³))) / 2")
UNARY_OP(tanh, "y = tanh x")
UNARY_OP(sigmoid, "y = 1 / (1 + e⁻ˣ)")
UNARY_OP(silu, "y = x σ(x)")
UNARY_OP(softplus, "y = ln(1 + eˣ)")

/* ---- arithmetic ---- */

static node *binary(graph *g, const op_class *op, binary_kind kind, node *a, node *b)
{
    char left[SHAPE_TEXT], right[SHAPE_TEXT];
    shape s;
    if (graph_failed(g))
        return graph_poison(g);
    if (!shape_broadcast(a->shape, b->shape, &s))
        return graph_fail(g, MEDLEY_E_SHAPE, "%s: %s and %s do not broadcast", op->name,
                          shape_format(a->shape, left), shape_format(b->shape, right));
    node *n = graph_node(g, op, s, (node *[]){a, b}, 2);
    if (graph_failed(g))
        return graph_poison(g);
    graph_binary_job(g, &(binary_job){.kind = kind,
                                      .plan = broadcast_of(a->shape, b->shape, s),
                                      .a = a->value,
                                      .b = b->value,
                                      .out = n->value});
    return n;
}

static bool is_whole(const node *n, const node *input)
{
    return shape_count(input->shape) == shape_count(n->shape);
}

/* out = dy (kind) b, with b as it was broadcast for n. */
static void combine(graph *g, const node *n, binary_kind kind, const node *b, real *out, store_mode mode)
{
    graph_binary_job(g, &(binary_job){.kind = kind,
                                      .mode = mode,
                                      .plan = broadcast_of(n->shape, b->shape, n->shape),
                                      .a = n->grad,
                                      .b = b->value,
                                      .out = out});
}

/* The same as an array of its own, for sums; NULL after a failure. */
static real *combined(graph *g, const node *n, binary_kind kind, const node *b)
{
    real *product = graph_alloc(g, shape_count(n->shape), sizeof *product);
    if (product != NULL)
        combine(g, n, kind, b, product, STORE_SET);
    return product;
}

static void add_gradient(graph *g, node *n, int input, bool take)
{
    gradient_pass(g, n, input, take, 1);
}

static void sub_gradient(graph *g, node *n, int input, bool take)
{
    gradient_pass(g, n, input, take, input == 0 ? 1 : -1);
}

static void mul_gradient(graph *g, node *n, int input, bool take)
{
    const node *x = n->input[input], *other = n->input[1 - input];
    store_mode mode;
    real *dx = gradient_place(g, n, input, take, &mode);
    if (dx == NULL)
        return;
    if (is_whole(n, x)) {
        combine(g, n, BINARY_MUL, other, dx, mode);
    } else if (is_whole(n, other)) {
        graph_sum_to(g, n->grad, other->value, n->shape, x->shape, 1, dx, mode == STORE_ADD);
    } else {
        const real *product = combined(g, n, BINARY_MUL, other);
        if (product != NULL)
            graph_sum_to(g, product, NULL, n->shape, x->shape, 1, dx, mode == STORE_ADD);
    }
}

/* y = a / b: da = dy / b, db = -(dy / b) y */
static void div_gradient(graph *g, node *n, int input, bool take)
{
    const node *x = n->input[input], *b = n->input[1];
    store_mode mode;
    real *dx = gradient_place(g, n, input, take, &mode);
    if (dx == NULL)
        return;
    if (input == 0 && is_whole(n, x)) {
        combine(g, n, BINARY_DIV, b, dx, mode);
        return;
    }
    const real *quotient = combined(g, n, BINARY_DIV, b);
    const real *weight = input == 0 ? NULL : n->value;
    const real sign = input == 0 ? 1 : -1;
    if (quotient != NULL)
        graph_sum_to(g, quotient, weight, n->shape, x->shape, sign, dx, mode == STORE_ADD);
}

#define BINARY_OP(name, kind, equation)                            \
    static void name##_backward(graph *g, node *n)                 \
    {                                                              \
        gradient_each(g, n, name##_gradient);                      \
    }                                                              \
    const op_class op_##name = {#name, equation, name##_backward}; \
    node *graph_##name(graph *g, node *a, node *b)                 \
    {                                                              \
        return binary(g, &op_##name, kind, a, b);                  \
    }

BINARY_OP(add, BINARY_ADD, "y = a + b")
BINARY_OP(sub, BINARY_SUB, "y = a - b")
BINARY_OP(mul, BINARY_MUL, "y = a b")
BINARY_OP(div, BINARY_DIV, "y = a / b")
