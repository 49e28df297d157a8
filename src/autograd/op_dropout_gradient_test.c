#include "gradient.h"

static node *dropout(graph *g, node *const *x, parameter *const *table, const void *context)
{
    (void)table;
    return graph_dropout(g, x[0], *(const double *)context);
}
static node *dropout_of_sum(graph *g, node *const *x, parameter *const *table, const void *context)
{
    (void)table;
    return graph_mul(g, graph_dropout(g, graph_add(g, x[0], x[0]), *(const double *)context), x[0]);
}

static void test_dropout(void **state)
{
    (void)state;
    const double p[] = {0, 0.25, 0.9};
    for (int i = 0; i < 3; i++)
        for (int outside = 0; outside < 2; outside++) {
            gradient_case c = {.op = "dropout",
                               .input = {shape_2(7, 11)},
                               .inputs = 1,
                               .build = dropout,
                               .context = &p[i],
                               .outside_training = outside == 1};
            gradient_check(&c);
            c.build = dropout_of_sum;
            gradient_check(&c);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_dropout)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
