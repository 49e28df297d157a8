#include "gradient.h"

/* ---- functions of one number ---- */

typedef node *(*unary_builder)(graph *g, node *x);

static node *build_unary(graph *g, node *const *x, parameter *const *table, const void *context)
{
    (void)table;
    return (*(const unary_builder *)context)(g, x[0]);
}
static node *scale(graph *g, node *x)
{
    return graph_scale(g, x, -1.75);
}
static node *shift(graph *g, node *x)
{
    return graph_shift(g, x, 0.5);
}
static node *leaky_relu(graph *g, node *x)
{
    return graph_leaky_relu(g, x, 0.2);
}

static const struct {
    const char *op;
    unary_builder build;
    double low, high;
} functions[] = {
    {.op = "scale", scale, -2, 2},      {.op = "shift", shift, -2, 2},
    {.op = "exp", graph_exp, -2, 2},    {.op = "log", graph_log, 0.5, 3},
    {.op = "sqrt", graph_sqrt, 0.5, 3}, {.op = "square", graph_square, -2, 2},
    {.op = "relu", graph_relu, -2, 2},  {.op = "leaky_relu", leaky_relu, -2, 2},
    {.op = "gelu", graph_gelu, -4, 4},  {.op = "gelu_tanh", graph_gelu_tanh, -4, 4},
    {.op = "tanh", graph_tanh, -3, 3},  {.op = "sigmoid", graph_sigmoid, -5, 5},
    {.op = "silu", graph_silu, -5, 5},  {.op = "softplus", graph_softplus, -5, 5},
};

static void test_functions_of_one_number(void **state)
{
    (void)state;
    const shape shapes[] = {shape_scalar(), shape_1(1),          shape_1(37),
                            shape_2(3, 5),  shape_4(2, 1, 3, 4), shape_2(0, 3)};
    for (size_t f = 0; f < sizeof functions / sizeof functions[0]; f++)
        for (size_t s = 0; s < sizeof shapes / sizeof shapes[0]; s++)
            gradient_check(&(gradient_case){.op = functions[f].op,
                                            .input = {shapes[s]},
                                            .inputs = 1,
                                            .low = functions[f].low,
                                            .high = functions[f].high,
                                            .build = build_unary,
                                            .context = &functions[f].build});
}

/* ---- arithmetic ---- */

typedef node *(*binary_builder)(graph *g, node *a, node *b);

static node *build_binary(graph *g, node *const *x, parameter *const *table, const void *context)
{
    (void)table;
    return (*(const binary_builder *)context)(g, x[0], x[1]);
}
static node *build_binary_of_one(graph *g, node *const *x, parameter *const *table, const void *context)
{
    (void)table;
    return (*(const binary_builder *)context)(g, x[0], x[0]);
}
/* Gradients that come to an input by two ways, and memory that is handed on twice. */
static node *build_binary_of_binary(graph *g, node *const *x, parameter *const *table, const void *context)
{
    const binary_builder build = *(const binary_builder *)context;
    (void)table;
    node *inner = build(g, x[0], x[1]);
    return build(g, build(g, inner, graph_shift(g, inner, 3)), graph_scale(g, x[0], 0.5));
}

static const struct {
    const char *op;
    binary_builder build;
} operations[] = {
    {.op = "add", graph_add}, {.op = "sub", graph_sub}, {.op = "mul", graph_mul}, {.op = "div", graph_div}};

static void check_operations(gradient_case c)
{
    c.low = 0.5;
    c.high = 2;
    for (size_t o = 0; o < sizeof operations / sizeof operations[0]; o++) {
        c.op = operations[o].op;
        c.context = &operations[o].build;
        gradient_check(&c);
    }
}

static void test_arithmetic_with_every_broadcast(void **state)
{
    (void)state;
    const struct {
        shape a, b;
    } pairs[] = {
        {shape_scalar(), shape_scalar()},
        {shape_2(3, 5), shape_2(3, 5)},
        {shape_2(3, 5), shape_scalar()},
        {shape_scalar(), shape_1(7)},
        {shape_3(2, 3, 5), shape_1(5)},
        {shape_1(5), shape_3(2, 3, 5)},
        {shape_2(4, 1), shape_2(4, 3)},
        {shape_2(4, 3), shape_2(4, 1)},
        {shape_2(4, 1), shape_2(1, 3)},
        {shape_1(3), shape_2(4, 1)},
        {shape_4(2, 1, 3, 1), shape_4(1, 2, 1, 4)},
        {shape_4(2, 2, 3, 2), shape_4(1, 2, 1, 2)},
        {shape_4(2, 2, 3, 2), shape_4(2, 1, 3, 1)},
        {shape_3(2, 1, 3), shape_3(2, 4, 3)},
        {shape_2(1, 1), shape_3(2, 2, 2)},
        {shape_1(3), shape_2(1, 3)},
        {shape_2(0, 3), shape_1(3)},
        {shape_2(0, 3), shape_2(1, 1)},
    };
    for (size_t p = 0; p < sizeof pairs / sizeof pairs[0]; p++)
        check_operations((gradient_case){.input = {pairs[p].a, pairs[p].b}, .inputs = 2, .build = build_binary});
}

static void test_arithmetic_of_a_node_with_itself(void **state)
{
    (void)state;
    check_operations((gradient_case){.input = {shape_2(3, 2)}, .inputs = 1, .build = build_binary_of_one});
}

static void test_arithmetic_of_arithmetic(void **state)
{
    (void)state;
    check_operations(
        (gradient_case){.input = {shape_2(3, 2), shape_2(3, 2)}, .inputs = 2, .build = build_binary_of_binary});
    check_operations(
        (gradient_case){.input = {shape_2(3, 2), shape_1(2)}, .inputs = 2, .build = build_binary_of_binary});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_functions_of_one_number),
        cmocka_unit_test(test_arithmetic_with_every_broadcast),
        cmocka_unit_test(test_arithmetic_of_a_node_with_itself),
        cmocka_unit_test(test_arithmetic_of_arithmetic),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
