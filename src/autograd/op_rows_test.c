#include "testing.h"

#include <math.h>

#include "autograd/ops.h"
#include "base/base.h"

static real value[4096];
static real mean[64], variance[64];

static node *input(graph *g, shape s)
{
    return graph_input(g, s, value);
}
static node *layer_norm(graph *g, const shape *s)
{
    return graph_layer_norm(g, input(g, s[0]), input(g, s[1]), input(g, s[2]), 1e-5);
}
static node *batch_norm(graph *g, const shape *s)
{
    return graph_batch_norm(g, input(g, s[0]), input(g, s[1]), input(g, s[2]), mean, variance, 0.1, 1e-5);
}
static node *batch_norm_alone(graph *g, const shape *s)
{
    return graph_batch_norm(g, input(g, s[0]), NULL, NULL, mean, variance, 0.1, 1e-5);
}

static void refused(node *(*build)(graph *g, const shape *s), shape a, shape b, shape c, const char *message)
{
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 1);
    const shape s[3] = {a, b, c};
    graph *g;
    assert_ok(graph_create(rt, &g, err));
    graph_begin(g, (graph_place){.training = true});
    assert_ptr_equal(build(g, s), graph_poison(g));
    medley_error error;
    assert_int_equal(graph_status(g, &error), MEDLEY_E_SHAPE);
    assert_string_equal(error.message, message);
    graph_free(g);
    test_runtime_end(rt, &memory);
}

static void test_shapes_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    const shape none = shape_scalar();
    refused(layer_norm, shape_2(2, 3), shape_1(2), shape_1(3), "layer_norm: [2,3]: gain is [2], not [3]");
    refused(layer_norm, shape_2(2, 3), shape_1(3), shape_2(1, 3), "layer_norm: [2,3]: bias is [1,3], not [3]");
    refused(batch_norm, shape_3(2, 3, 4), shape_1(3), shape_1(4), "batch_norm: [2,3,4]: gain is [3], not [4]");
    refused(batch_norm, shape_3(2, 3, 4), shape_1(4), none, "batch_norm: [2,3,4]: bias is [], not [4]");
    refused(batch_norm_alone, shape_2(1, 4), none, none, "batch_norm: [1,4]: training needs at least 2 rows");
    refused(batch_norm_alone, shape_1(4), none, none, "batch_norm: [4]: training needs at least 2 rows");
}

/* The first failure stays, and nothing behind it runs. */
static void test_a_failed_graph_stays_failed(void **state)
{
    (void)state;
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 1);
    graph *g;
    assert_ok(graph_create(rt, &g, err));
    graph_begin(g, (graph_place){.training = true});
    node *bad = batch_norm_alone(g, &(shape){2, {1, 4}});
    bad = graph_l2_normalise(g, graph_softmax(g, graph_log_softmax(g, bad)), 1e-12);
    bad = graph_layer_norm(g, bad, NULL, NULL, 1e-5);
    bad = graph_batch_norm(g, bad, NULL, NULL, mean, variance, 0.1, 1e-5);
    assert_ptr_equal(bad, graph_poison(g));
    assert_fails(graph_backward(g, bad, err), MEDLEY_E_SHAPE, "batch_norm: [1,4]: training needs at least 2 rows");
    graph_free(g);
    test_runtime_end(rt, &memory);
}

/* ---- batch norm's memory ---- */

/* Two columns: 1, 3 and 2, 6: means 2 and 4, variances over 2 - 1 rows 2 and 8, over 2 rows 1 and 4. */
static void test_batch_norm_follows_the_batches_and_uses_what_it_learnt(void **state)
{
    (void)state;
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 1);
    const real x[] = {1, 2, 3, 6};
    real own_mean[] = {0, 1}, own_variance[] = {1, 1};
    graph *g;
    assert_ok(graph_create(rt, &g, err));
    graph_begin(g, (graph_place){.training = true});
    node *y = graph_batch_norm(g, graph_input(g, shape_2(2, 2), x), NULL, NULL, own_mean, own_variance, 0.25, 0);
    const double trained[] = {-1, -1, 1, 1};
    for (int i = 0; i < 4; i++)
        assert_true(fabs((double)y->value[i] - trained[i]) < 1e-6);
    assert_true(own_mean[0] == (real)0.5 && own_mean[1] == (real)1.75);
    assert_true(own_variance[0] == (real)1.25 && own_variance[1] == (real)2.75);

    graph_begin(g, (graph_place){.training = false});
    y = graph_batch_norm(g, graph_input(g, shape_2(2, 2), x), NULL, NULL, own_mean, own_variance, 0.25, 0);
    for (int i = 0; i < 4; i++) {
        const double want = ((double)x[i] - (i % 2 ? 1.75 : 0.5)) / sqrt(i % 2 ? 2.75 : 1.25);
        assert_true(fabs((double)y->value[i] - want) < 1e-6);
    }
    assert_true(own_mean[0] == (real)0.5 && own_variance[1] == (real)2.75);
    assert_ok(graph_status(g, err));
    graph_free(g);
    test_runtime_end(rt, &memory);
}

/* ---- a step through all of them ---- */

enum { B = 900, D = 96, OUT = 2 * B * D + 4 * D };

typedef node *(*row_op)(graph *g, node *x);
static node *layer_norm_of(graph *g, node *x)
{
    return graph_layer_norm(g, x, NULL, NULL, 1e-5);
}
static node *batch_norm_of(graph *g, node *x)
{
    return graph_batch_norm(g, x, NULL, NULL, mean, variance, 0.1, 1e-5);
}
static node *l2_normalise_of(graph *g, node *x)
{
    return graph_l2_normalise(g, x, 1e-12);
}

/* dx takes the place of dy only where dy is the graph's own. */
static void test_the_gradient_that_the_caller_lends_is_only_read(void **state)
{
    (void)state;
    static const row_op ops[] = {graph_softmax, graph_log_softmax, layer_norm_of, batch_norm_of, l2_normalise_of};
    static const real x[] = {1, 2, 3, 7, 5, 6};
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 1);
    graph *g;
    assert_ok(graph_create(rt, &g, err));
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
        real dy[] = {1, 2, 4, 8, 16, 32};
        graph_begin(g, (graph_place){.training = true});
        node *nx = graph_variable(g, shape_2(2, 3), x);
        assert_ok(graph_backward_from(g, ops[i](g, nx), dy, err));
        assert_ptr_not_equal(nx->grad, dy);
        for (int k = 0; k < 6; k++)
            assert_true(dy[k] == (real)(1 << k));
    }
    graph_free(g);
    test_runtime_end(rt, &memory);
}

static medley_status one_step(graph *g, const real *x, const real *weight, real *out, medley_error *err)
{
    static const real ones[D] = {1, 2, 3};
    real own_mean[D] = {0}, own_variance[D] = {0};
    graph_begin(g, (graph_place){.seed = 1, .training = true});
    node *nx = graph_variable(g, shape_2(B, D), x);
    node *gain = graph_variable(g, shape_1(D), ones), *bias = graph_variable(g, shape_1(D), ones);
    node *y = graph_batch_norm(g, nx, gain, bias, own_mean, own_variance, 0.1, 1e-5);
    y = graph_softmax(g, graph_layer_norm(g, y, gain, bias, 1e-5));
    y = graph_log_softmax(g, graph_l2_normalise(g, y, 1e-12));
    TRY(graph_backward_from(g, y, weight, err));
    memcpy(out, y->value, B * D * sizeof *out);
    memcpy(out + B * D, nx->grad, B * D * sizeof *out);
    memcpy(out + 2 * B * D, gain->grad, D * sizeof *out);
    memcpy(out + 2 * B * D + D, bias->grad, D * sizeof *out);
    memcpy(out + 2 * B * D + 2 * D, own_mean, sizeof own_mean);
    memcpy(out + 2 * B * D + 3 * D, own_variance, sizeof own_variance);
    return MEDLEY_OK;
}

static void fill(real *x, real *weight)
{
    for (int i = 0; i < B * D; i++) {
        x[i] = (real)(random_uniform(1, 1, (uint64_t)i) - 0.5);
        weight[i] = (real)(random_uniform(1, 2, (uint64_t)i) - 0.5);
    }
}

static void steps(int threads, real *out)
{
    static real x[B * D], weight[B * D];
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, threads);
    graph *g;
    fill(x, weight);
    assert_ok(graph_create(rt, &g, err));
    for (int warm = 0; warm < 3; warm++) {
        const int64_t before = memory.allocations;
        assert_ok(one_step(g, x, weight, out, err));
        if (warm == 2)
            assert_int_equal(memory.allocations, before);
    }
    graph_free(g);
    test_runtime_end(rt, &memory);
}

static void test_the_bits_do_not_depend_on_the_number_of_threads(void **state)
{
    (void)state;
    static real out[3][OUT];
    for (int t = 0; t < 3; t++)
        steps(1 << t, out[t]);
    assert_memory_equal(out[1], out[0], sizeof *out);
    assert_memory_equal(out[2], out[0], sizeof *out);
}

static medley_status cold_step(const medley_runtime *rt, const real *x, const real *weight, real *out,
                               medley_error *err)
{
    graph *g;
    TRY(graph_create(rt, &g, err));
    const medley_status status = one_step(g, x, weight, out, err);
    graph_free(g);
    return status;
}

static void test_every_allocation_may_fail(void **state)
{
    (void)state;
    static real x[B * D], weight[B * D], out[OUT];
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 2);
    fill(x, weight);
    BRUTAL(rt, &memory, cold_step(rt, x, weight, out, err), (void)0);
    test_runtime_end(rt, &memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shapes_that_do_not_fit_are_refused),
        cmocka_unit_test(test_a_failed_graph_stays_failed),
        cmocka_unit_test(test_batch_norm_follows_the_batches_and_uses_what_it_learnt),
        cmocka_unit_test(test_the_gradient_that_the_caller_lends_is_only_read),
        cmocka_unit_test(test_the_bits_do_not_depend_on_the_number_of_threads),
        cmocka_unit_test(test_every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
