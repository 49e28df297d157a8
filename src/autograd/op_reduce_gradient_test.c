#include "gradient.h"

static const shape shapes[] = {{0},        {1, {1}}, {1, {9}}, {2, {3, 5}}, {3, {2, 3, 4}}, {4, {2, 3, 1, 4}},
                               {2, {0, 3}}};

static node *sum(graph *g, node *const *x, parameter *const *table, const void *context)
{
    (void)table, (void)context;
    return graph_sum(g, x[0]);
}
static node *mean(graph *g, node *const *x, parameter *const *table, const void *context)
{
    (void)table, (void)context;
    return graph_mean(g, x[0]);
}

static void test_over_all(void **state)
{
    (void)state;
    for (size_t s = 0; s < sizeof shapes / sizeof shapes[0]; s++) {
        gradient_check(&(gradient_case){.op = "sum", .input = {shapes[s]}, .inputs = 1, .build = sum});
        if (shape_count(shapes[s]) > 0)
            gradient_check(&(gradient_case){.op = "mean", .input = {shapes[s]}, .inputs = 1, .build = mean});
    }
}

typedef struct over_axis {
    node *(*build)(graph *g, node *x, int axis);
    int axis;
} over_axis;

static node *reduce_axis(graph *g, node *const *x, parameter *const *table, const void *context)
{
    const over_axis *over = context;
    (void)table;
    return over->build(g, x[0], over->axis);
}

static void test_over_every_axis(void **state)
{
    (void)state;
    const struct {
        const char *op;
        node *(*build)(graph *g, node *x, int axis);
    } operations[] = {{.op = "sum_axis", graph_sum_axis},
                      {.op = "mean_axis", graph_mean_axis},
                      {.op = "max_axis", graph_max_axis}};
    for (size_t o = 0; o < sizeof operations / sizeof operations[0]; o++)
        for (size_t s = 0; s < sizeof shapes / sizeof shapes[0]; s++)
            for (int axis = -shapes[s].rank; axis < shapes[s].rank; axis++)
                if (shapes[s].size[axis < 0 ? axis + shapes[s].rank : axis] > 0)
                    gradient_check(&(gradient_case){.op = operations[o].op,
                                                    .input = {shapes[s]},
                                                    .inputs = 1,
                                                    .build = reduce_axis,
                                                    .context = &(over_axis){operations[o].build, axis}});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_over_all),
        cmocka_unit_test(test_over_every_axis),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
