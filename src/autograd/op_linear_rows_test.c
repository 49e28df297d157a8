#include "testing.h"

#include <math.h>

#include "autograd/ops.h"
#include "base/base.h"
#include "tensor/kernel_rows_bf16.h"
#include "tensor/matrix_tiles.h"

enum { ROWS = 60, IN = 300, OUT = 40, COUNT = 75, ALL = COUNT * OUT + OUT * IN + OUT };

static real table[ROWS * IN], weight[OUT * IN], bias[OUT], slope[COUNT * OUT];
static uint32_t row[COUNT];

static void fill(real *x, uint64_t stream, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        x[i] = (real)(random_uniform(3, stream, (uint64_t)i) - 0.5);
}

static int set_up(void **state)
{
    (void)state;
    fill(table, 1, ROWS * IN);
    fill(weight, 2, OUT * IN);
    fill(bias, 3, OUT);
    fill(slope, 4, COUNT * OUT);
    for (int64_t r = 0; r < COUNT; r++)
        row[r] = (uint32_t)((r * 7 + 3) % ROWS);
    return 0;
}

/* Values, and the gradients of weights and bias, of a layer used twice; a warm step allocates nothing. */
static void step(int threads, bool bf16, real *out)
{
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, threads);
    rows_bf16 rounded;
    graph *g;
    assert_ok(rows_bf16_create(rt, table, ROWS, IN, &rounded, err));
    assert_ok(graph_create(rt, &g, err));
    for (int warm = 0; warm < 3; warm++) {
        const int64_t before = memory.allocations;
        graph_begin(g, (graph_place){.seed = 1});
        node *w = graph_variable(g, shape_2(OUT, IN), weight), *b = graph_variable(g, shape_1(OUT), bias);
        node *y[2];
        for (int i = 0; i < 2; i++)
            y[i] = bf16 ? graph_linear_rows_bf16(g, &rounded, row, COUNT, w, b)
                        : graph_linear_rows(g, table, row, COUNT, w, b);
        assert_ok(graph_backward_from(g, graph_add(g, y[0], y[1]), slope, err));
        memcpy(out, y[0]->value, COUNT * OUT * sizeof *out);
        memcpy(out + COUNT * OUT, w->grad, OUT * IN * sizeof *out);
        memcpy(out + COUNT * OUT + OUT * IN, b->grad, OUT * sizeof *out);
        if (warm == 2)
            assert_int_equal(memory.allocations, before);
    }
    graph_free(g);
    rows_bf16_free(&rounded);
    test_runtime_end(rt, &memory);
}

static void test_the_bits_do_not_depend_on_the_number_of_threads(void **state)
{
    (void)state;
    static real out[3][ALL];
    for (int bf16 = 0; bf16 <= tiles_available(); bf16++) {
        for (int t = 0; t < 3; t++)
            step(1 << t, bf16, out[t]);
        assert_memory_equal(out[1], out[0], sizeof *out);
        assert_memory_equal(out[2], out[0], sizeof *out);
    }
}

/* bfloat16 has 8 bits: about 1 in 256 of what is summed, and not the same as float. */
static void test_bf16_is_near_float(void **state)
{
    (void)state;
    static real exact[ALL], near[ALL];
    static const int end[] = {COUNT * OUT, COUNT * OUT + OUT * IN};
    if (!tiles_available()) {
        print_message("SKIPPED: products in tiles: this processor has none, or the system does not lend them\n");
        return;
    }
    step(2, false, exact);
    step(2, true, near);
    for (int k = 0; k < 2; k++) {
        double square = 0, error = 0;
        for (int i = k == 0 ? 0 : end[0]; i < end[k]; i++) {
            square += (double)exact[i] * (double)exact[i];
            error += ((double)near[i] - (double)exact[i]) * ((double)near[i] - (double)exact[i]);
        }
        assert_true(error > 1e-8 * square);
        assert_true(error < 1e-4 * square);
    }
    assert_memory_equal(near + end[1], exact + end[1], OUT * sizeof *exact); /* the bias is not rounded */
}

static void refused(shape w, int64_t in, const char *message)
{
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 1);
    medley_error error;
    const rows_bf16 rounded = {.in = in};
    graph *g;
    assert_ok(graph_create(rt, &g, err));
    graph_begin(g, (graph_place){.seed = 1});
    node *n =
        graph_linear_rows_bf16(g, &rounded, row, 1, graph_input(g, w, weight), graph_input(g, shape_1(3), bias));
    assert_ptr_equal(n, graph_poison(g));
    assert_int_equal(graph_status(g, &error), MEDLEY_E_SHAPE);
    assert_string_equal(error.message, message);
    graph_free(g);
    test_runtime_end(rt, &memory);
}

static void test_shapes_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    refused(shape_1(3), 3, "linear_rows: weights [3] are no matrix");
    refused(shape_2(4, 5), 5, "linear_rows: weights [4,5] and a bias of [3] differ in outputs");
    refused(shape_2(3, 5), 6, "linear_rows: weights of 5 inputs, rows of 6");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_bits_do_not_depend_on_the_number_of_threads),
        cmocka_unit_test(test_bf16_is_near_float),
        cmocka_unit_test(test_shapes_that_do_not_fit_are_refused),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
