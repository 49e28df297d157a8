#include "testing.h"

#include "autograd/ops.h"

static test_memory memory;
static medley_runtime *rt;
static const real zeros[64];

static medley_status refused(shape q, shape k, shape v, double dropout, medley_error *err)
{
    graph *g;
    TRY(graph_create(rt, &g, err));
    graph_begin(g, (graph_place){.training = true});
    (void)graph_attention(g, graph_input(g, q, zeros), graph_input(g, k, zeros), graph_input(g, v, zeros), NULL, 0,
                          dropout);
    const medley_status status = graph_status(g, err);
    graph_free(g);
    return status;
}

static void test_shapes_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    const shape fits = shape_4(1, 2, 3, 4);
    assert_fails(refused(shape_3(1, 2, 3), fits, fits, 0, err), MEDLEY_E_SHAPE,
                 "attention: q [1,2,3], k [1,2,3,4], v [1,2,3,4]: not [B,H,Tq,D], [B,H,Tk,D] and [B,H,Tk,Dv]");
    assert_fails(refused(fits, shape_4(1, 2, 3, 5), fits, 0, err), MEDLEY_E_SHAPE, "k [1,2,3,5]");
    assert_fails(refused(fits, shape_4(1, 1, 3, 4), fits, 0, err), MEDLEY_E_SHAPE, "k [1,1,3,4]");
    assert_fails(refused(fits, fits, shape_4(1, 2, 2, 4), 0, err), MEDLEY_E_SHAPE, "v [1,2,2,4]");
    assert_fails(refused(fits, fits, shape_4(2, 2, 3, 4), 0, err), MEDLEY_E_SHAPE, "v [2,2,3,4]");
    assert_ok(refused(fits, shape_4(1, 2, 5, 4), shape_4(1, 2, 5, 1), 0, err));
}

static void test_dropping_everything_is_refused(void **state)
{
    (void)state;
    const shape fits = shape_4(1, 1, 2, 2);
    assert_fails(refused(fits, fits, fits, 1, err), MEDLEY_E_ARGUMENT,
                 "attention: dropout 1 is outside 0..1, 1 excluded");
    assert_fails(refused(fits, fits, fits, -0.1, err), MEDLEY_E_ARGUMENT, "dropout -0.1");
    assert_fails(refused(fits, fits, fits, (double)NAN, err), MEDLEY_E_ARGUMENT, "dropout");
}

/* Two queries of the same key vectors: weights 1/2 each, but the first may see the first key alone. */
static void test_a_causal_query_sees_its_past(void **state)
{
    (void)state;
    const real q[2] = {1, 1}, k[2] = {3, 3}, v[2] = {10, 20};
    graph *g;
    assert_ok(graph_create(rt, &g, err));
    graph_begin(g, (graph_place){.training = true});
    const shape s = shape_4(1, 1, 2, 1);
    const node *out = graph_attention(g, graph_input(g, s, q), graph_input(g, s, k), graph_input(g, s, v),
                                      &(attention_mask){.causal = true}, 0, 0);
    assert_true(out->value[0] == 10);
    assert_true(out->value[1] == 15);
    const int32_t length = 0;
    out = graph_attention(g, graph_input(g, s, q), graph_input(g, s, k), graph_input(g, s, v),
                          &(attention_mask){.length = &length}, 0, 0);
    assert_true(out->value[0] == 0 && out->value[1] == 0);
    graph_free(g);
}

static void test_dropout_acts_in_training_alone_and_is_the_same_at_the_same_place(void **state)
{
    (void)state;
    enum { KEYS = 60 };
    real q[1] = {1}, k[KEYS] = {0}, v[KEYS], got[4];
    const graph_place places[4] = {{.seed = 1, .step = 5},
                                   {.seed = 1, .step = 5, .training = true},
                                   {.seed = 1, .step = 5, .training = true},
                                   {.seed = 1, .step = 6, .training = true}};
    graph *g;
    for (int i = 0; i < KEYS; i++)
        v[i] = (real)i;
    assert_ok(graph_create(rt, &g, err));
    for (int i = 0; i < 4; i++) {
        graph_begin(g, places[i]);
        got[i] =
            graph_attention(g, graph_input(g, shape_4(1, 1, 1, 1), q), graph_input(g, shape_4(1, 1, KEYS, 1), k),
                            graph_input(g, shape_4(1, 1, KEYS, 1), v), NULL, 0, 0.5)
                ->value[0];
    }
    assert_true(fabsf(got[0] - 29.5F) < 1e-4F);
    assert_true(got[1] != got[0] && got[2] == got[1] && got[3] != got[1]);
    graph_free(g);
}

static medley_status all_of_it(int64_t keys, real *grad, medley_error *err)
{
    graph *g = NULL;
    real x[3 * 600];
    const shape s = shape_4(1, 1, keys, 3);
    for (int64_t i = 0; i < keys * 3; i++)
        x[i] = (real)(random_uniform(1, 2, (uint64_t)i) * 2 - 1);
    medley_status status = graph_create(rt, &g, err);
    if (status == MEDLEY_OK) {
        graph_begin(g, (graph_place){.training = true});
        node *own = graph_variable(g, s, x);
        status = graph_backward_from(g, graph_attention(g, own, own, own, NULL, 0, 0), x, err);
        if (status == MEDLEY_OK)
            memcpy(grad, own->grad, (size_t)(keys * 3) * sizeof(real));
    }
    graph_free(g);
    return status;
}

static void test_every_allocation_may_fail(void **state)
{
    (void)state;
    real grad[3 * 600];
    BRUTAL(rt, &memory, all_of_it(5, grad, err), (void)0);
    BRUTAL(rt, &memory, all_of_it(600, grad, err), (void)0);
}

static int begin(void **state)
{
    (void)state;
    rt = test_runtime(&memory, 2);
    return 0;
}

static int end(void **state)
{
    (void)state;
    test_runtime_end(rt, &memory);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shapes_that_do_not_fit_are_refused),
        cmocka_unit_test(test_dropping_everything_is_refused),
        cmocka_unit_test(test_a_causal_query_sees_its_past),
        cmocka_unit_test(test_dropout_acts_in_training_alone_and_is_the_same_at_the_same_place),
        cmocka_unit_test(test_every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
