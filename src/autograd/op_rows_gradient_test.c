#include "gradient.h"

typedef struct norming {
    bool gain, bias, itself; /* itself: x is also the gain */
    double epsilon;
} norming;

static node *build_softmax(graph *g, node *const *x, parameter *const *table, const void *context)
{
    (void)table, (void)context;
    return graph_softmax(g, x[0]);
}
static node *build_log_softmax(graph *g, node *const *x, parameter *const *table, const void *context)
{
    (void)table, (void)context;
    return graph_log_softmax(g, x[0]);
}
static node *build_l2_normalise(graph *g, node *const *x, parameter *const *table, const void *context)
{
    (void)table;
    return graph_l2_normalise(g, x[0], *(const double *)context);
}

static node *build_layer_norm(graph *g, node *const *x, parameter *const *table, const void *context)
{
    const norming *c = context;
    (void)table;
    node *gain = c->itself ? x[0] : c->gain ? x[1] : NULL;
    return graph_layer_norm(g, x[0], gain, c->bias ? x[c->gain ? 2 : 1] : NULL, c->epsilon);
}

/* The running statistics are of some other data, and are the same in every call. */
static node *build_batch_norm(graph *g, node *const *x, parameter *const *table, const void *context)
{
    const norming *c = context;
    real mean[64], variance[64];
    (void)table;
    for (int i = 0; i < 64; i++) {
        mean[i] = 0.1 * i - 0.3;
        variance[i] = 0.5 + 0.2 * i;
    }
    return graph_batch_norm(g, x[0], c->gain ? x[1] : NULL, c->bias ? x[c->gain ? 2 : 1] : NULL, mean, variance,
                            0.1, c->epsilon);
}

static const shape shapes[] = {
    {1, {5}},     {1, {1}},     {0, {0}},    {2, {3, 1}}, {2, {4, 7}},    {2, {2, 16}},
    {2, {2, 17}}, {2, {2, 67}}, {2, {0, 3}}, {2, {3, 0}}, {3, {2, 3, 5}}, {4, {2, 1, 2, 3}},
};

static void check_all(const char *op, const void *context, double low, double high,
                      node *(*build)(graph *, node *const *, parameter *const *, const void *))
{
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        gradient_check(&(gradient_case){.op = op,
                                        .input = {shapes[i]},
                                        .inputs = 1,
                                        .low = low,
                                        .high = high,
                                        .build = build,
                                        .context = context});
}

static void test_softmax_of_every_rank(void **state)
{
    (void)state;
    check_all("softmax", NULL, 0, 0, build_softmax);
    check_all("softmax", NULL, -5, 5, build_softmax);
}

static void test_log_softmax_of_every_rank(void **state)
{
    (void)state;
    check_all("log_softmax", NULL, 0, 0, build_log_softmax);
    check_all("log_softmax", NULL, -5, 5, build_log_softmax);
}

static void test_l2_normalise_of_long_and_of_short_rows(void **state)
{
    (void)state;
    check_all("l2_normalise", &(double){1e-12}, 0.2, 1, build_l2_normalise);
    check_all("l2_normalise", &(double){100}, 0, 0, build_l2_normalise); /* held at epsilon */
}

static void check_norm(const char *op, shape x, const norming *c, bool outside_training,
                       node *(*build)(graph *, node *const *, parameter *const *, const void *))
{
    const shape columns = shape_1(shape_width(x));
    gradient_check(&(gradient_case){.op = op,
                                    .input = {x, columns, columns},
                                    .inputs = 1 + c->gain + c->bias,
                                    .build = build,
                                    .context = c,
                                    .outside_training = outside_training,
                                    .tolerance = 1e-7});
}

static void test_layer_norm_with_and_without_gain_and_bias(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        for (int with = 0; with < 4; with++)
            check_norm("layer_norm", shapes[i], &(norming){.gain = with & 1, .bias = with & 2, .epsilon = 0.01},
                       false, build_layer_norm);
}

static void test_layer_norm_gained_by_itself(void **state)
{
    (void)state;
    check_norm("layer_norm", shape_1(6), &(norming){.itself = true, .epsilon = 0.01}, false, build_layer_norm);
}

static void test_batch_norm_in_training(void **state)
{
    (void)state;
    const shape tried[] = {shape_2(2, 1), shape_2(3, 4), shape_2(9, 17), shape_3(2, 3, 5), shape_2(4, 0)};
    for (size_t i = 0; i < sizeof tried / sizeof *tried; i++)
        for (int with = 0; with < 4; with++)
            check_norm("batch_norm", tried[i], &(norming){.gain = with & 1, .bias = with & 2, .epsilon = 0.01},
                       false, build_batch_norm);
}

static void test_batch_norm_outside_training(void **state)
{
    (void)state;
    const shape tried[] = {shape_2(1, 3), shape_2(0, 3), shape_2(9, 17), shape_3(2, 3, 5), shape_1(4)};
    for (size_t i = 0; i < sizeof tried / sizeof *tried; i++)
        for (int with = 0; with < 4; with++)
            check_norm("batch_norm", tried[i], &(norming){.gain = with & 1, .bias = with & 2, .epsilon = 0.01},
                       true, build_batch_norm);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_softmax_of_every_rank),
        cmocka_unit_test(test_log_softmax_of_every_rank),
        cmocka_unit_test(test_l2_normalise_of_long_and_of_short_rows),
        cmocka_unit_test(test_layer_norm_with_and_without_gain_and_bias),
        cmocka_unit_test(test_layer_norm_gained_by_itself),
        cmocka_unit_test(test_batch_norm_in_training),
        cmocka_unit_test(test_batch_norm_outside_training),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
