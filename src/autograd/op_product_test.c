#include "testing.h"

#include "autograd/ops.h"
#include "base/base.h"

/* Builds one op on a graph of its own, which must fail with the message. */
static void refused(node *(*build)(graph *g, const shape *s), shape a, shape b, shape c, const char *message)
{
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 1);
    const shape s[3] = {a, b, c};
    graph *g;
    assert_ok(graph_create(rt, &g, err));
    graph_begin(g, (graph_place){.seed = 1});
    node *n = build(g, s);
    assert_ptr_equal(n, graph_poison(g));
    medley_error error;
    assert_int_equal(graph_status(g, &error), MEDLEY_E_SHAPE);
    assert_string_equal(error.message, message);
    graph_free(g);
    test_runtime_end(rt, &memory);
}

static real value[4096];

static node *input(graph *g, shape s)
{
    return graph_input(g, s, value);
}
static node *matmul(graph *g, const shape *s)
{
    return graph_matmul(g, input(g, s[0]), input(g, s[1]), false, false);
}
static node *matmul_transposed(graph *g, const shape *s)
{
    return graph_matmul(g, input(g, s[0]), input(g, s[1]), true, true);
}
static node *linear(graph *g, const shape *s)
{
    return graph_linear(g, input(g, s[0]), input(g, s[1]), input(g, s[2]));
}
static node *pairs(graph *g, const shape *s)
{
    return graph_pairwise_dots(g, input(g, s[0]));
}
static node *row_dots(graph *g, const shape *s)
{
    return graph_rows_dot(g, input(g, s[0]), input(g, s[1]));
}
static node *sparse(graph *g, const shape *s)
{
    static const int64_t start[8] = {0};
    const csr a = {s[1].size[0], s[1].size[1], start, NULL, NULL};
    const csr transposed = {s[2].size[0], s[2].size[1], start, NULL, NULL};
    return graph_spmm(g, &a, &transposed, input(g, s[0]));
}

static void test_shapes_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    const shape none = shape_scalar();
    refused(matmul, shape_2(2, 3), shape_2(4, 2), none, "matmul: [2,3] x [4,2]: inner sizes 3 and 4 differ");
    refused(matmul_transposed, shape_2(2, 3), shape_2(4, 5), none,
            "matmul: [2,3] x [4,5]: inner sizes 2 and 5 differ");
    refused(matmul, shape_1(3), shape_2(3, 2), none, "matmul: [3] x [3,2]: both need two sizes or more");
    refused(matmul, shape_3(2, 2, 3), shape_3(4, 3, 2), none, "matmul: [2,2,3] x [4,3,2]: leading sizes differ");
    refused(matmul, shape_2(2, 3), shape_3(4, 3, 2), none, "matmul: [2,3] x [4,3,2]: leading sizes differ");
    refused(matmul_transposed, shape_3(4, 2, 3), shape_2(3, 2), none,
            "matmul: [4,2,3] x [3,2]: a batch of transposed matrices needs a batch on the other side");
    refused(linear, shape_2(2, 3), shape_2(5, 4), shape_1(5),
            "linear: x [2,3], w [5,4]: inner sizes 3 and 4 differ");
    refused(linear, shape_scalar(), shape_2(5, 4), shape_1(5), "linear: x [], w [5,4]: x needs a size and w two");
    refused(linear, shape_2(2, 4), shape_2(5, 4), shape_1(4), "linear: b [4], expected [5]");
    refused(pairs, shape_2(2, 3), none, none, "pairwise_dots: [2,3], expected [B, F, D]");
    refused(row_dots, shape_2(2, 3), shape_2(3, 2), none, "rows_dot: [2,3] and [3,2], expected the same [..., D]");
    refused(row_dots, none, none, none, "rows_dot: [] and [], expected the same [..., D]");
    refused(sparse, shape_2(4, 2), shape_2(3, 5), shape_2(5, 3), "spmm: [3,5] x [4,2]: expected x [5, D]");
    refused(sparse, shape_2(5, 2), shape_2(3, 5), shape_2(3, 5),
            "spmm: [3,5] is not the shape of the transpose of [3,5]");
}

/* A step through every product, three times; what it writes to `out` must not depend on the threads. A warm one allocates
 * nothing. */
static void step(int threads, bool bf16, real *out)
{
    enum { B = 700, D = 96, F = 8 };
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, threads);
    static real x[B * D], w[D * D], bias[D], weight[B * F * (F - 1) / 2];
    graph *g;
    for (int i = 0; i < B * D; i++)
        x[i] = (real)(random_uniform(1, 1, (uint64_t)i) - 0.5);
    for (int i = 0; i < D * D; i++)
        w[i] = (real)(random_uniform(1, 2, (uint64_t)i) - 0.5);
    for (size_t i = 0; i < sizeof weight / sizeof *weight; i++)
        weight[i] = (real)random_uniform(1, 3, i);
    assert_ok(graph_create(rt, &g, err));
    graph_use_bf16(g, bf16);
    for (int warm = 0; warm < 3; warm++) {
        const int64_t before = memory.allocations;
        graph_begin(g, (graph_place){.seed = 1, .training = true});
        node *nx = graph_variable(g, shape_2(B, D), x), *nw = graph_variable(g, shape_2(D, D), w);
        node *nb = graph_variable(g, shape_1(D), bias);
        node *y = graph_matmul(g, graph_linear(g, nx, nw, nb), nw, false, true);
        node *dots = graph_rows_dot(g, y, nx);
        node *pair = graph_pairwise_dots(g, graph_reshape(g, y, shape_3(B, F, D / F)));
        assert_ok(graph_backward_from(g, dots, weight, err));
        memcpy(out, dots->value, B * sizeof *out);
        memcpy(out + B, nw->grad, D * D * sizeof *out);
        memcpy(out + B + D * D, nb->grad, D * sizeof *out);
        assert_ok(graph_backward_from(g, pair, weight, err));
        memcpy(out + B + D * D + D, nx->grad, B * D * sizeof *out);
        if (warm == 2)
            assert_int_equal(memory.allocations, before);
    }
    graph_free(g);
    test_runtime_end(rt, &memory);
}

static void test_the_bits_do_not_depend_on_the_number_of_threads(void **state)
{
    (void)state;
    static real out[3][90000];
    for (int bf16 = 0; bf16 < 2; bf16++) {
        for (int t = 0; t < 3; t++)
            step(1 << t, bf16, out[t]);
        assert_memory_equal(out[1], out[0], sizeof *out);
        assert_memory_equal(out[2], out[0], sizeof *out);
    }
}

/* bfloat16 has 8 bits: about 1 in 256 of what is summed, and not the same as float. */
static void test_products_in_bf16_are_near_those_in_float(void **state)
{
    (void)state;
    static real exact[90000], near[90000];
    double square = 0, error = 0;
    step(2, false, exact);
    step(2, true, near);
    for (int i = 0; i < 90000; i++) {
        square += (double)exact[i] * (double)exact[i];
        error += ((double)near[i] - (double)exact[i]) * ((double)near[i] - (double)exact[i]);
    }
    assert_true(error > 1e-8 * square);
    assert_true(error < 1e-4 * square);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shapes_that_do_not_fit_are_refused),
        cmocka_unit_test(test_the_bits_do_not_depend_on_the_number_of_threads),
        cmocka_unit_test(test_products_in_bf16_are_near_those_in_float),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
