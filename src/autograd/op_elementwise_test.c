#include "testing.h"

#include "autograd/ops.h"
#include "base/base.h"

/* Ops of elements, reductions and forms, as a graph runs them: what they say of shapes, memory and threads. */

static const graph_place place = {.seed = 1, .step = 2, .training = true};

typedef node *(*builder)(graph *g, node *a, node *b);

static node *wrong_add(graph *g, node *a, node *b)
{
    return graph_add(g, a, b);
}
static node *wrong_reshape(graph *g, node *a, node *b)
{
    (void)b;
    return graph_reshape(g, a, shape_2(4, -1));
}
static node *reshape_with_two_open_sizes(graph *g, node *a, node *b)
{
    (void)b;
    return graph_reshape(g, a, shape_2(-1, -1));
}
static node *reshape_beyond_all_numbers(graph *g, node *a, node *b)
{
    (void)b;
    return graph_reshape(g, a, shape_3(INT64_MAX, 4, 2));
}
static node *sum_of_no_axis(graph *g, node *a, node *b)
{
    (void)b;
    return graph_sum_axis(g, a, 2);
}
static node *mean_of_no_axis(graph *g, node *a, node *b)
{
    (void)b;
    return graph_mean_axis(g, a, -3);
}
static node *empty_slice_of(graph *g, node *a)
{
    return graph_slice(g, a, 1, 3, 0);
}
static node *mean_of_nothing(graph *g, node *a, node *b)
{
    (void)b;
    return graph_mean(g, empty_slice_of(g, a));
}
static node *mean_over_nothing(graph *g, node *a, node *b)
{
    (void)b;
    return graph_mean_axis(g, empty_slice_of(g, a), 1);
}
static node *max_over_nothing(graph *g, node *a, node *b)
{
    (void)b;
    return graph_max_axis(g, empty_slice_of(g, a), 1);
}
static node *wrong_concat(graph *g, node *a, node *b)
{
    return graph_concat(g, (node *[]){a, b}, 2, -2);
}
static node *concat_of_no_axis(graph *g, node *a, node *b)
{
    return graph_concat(g, (node *[]){a, b}, 2, 2);
}
static node *concat_of_nothing(graph *g, node *a, node *b)
{
    return graph_concat(g, (node *[]){a, b}, 0, 0);
}
static node *wrong_stack(graph *g, node *a, node *b)
{
    return graph_stack(g, (node *[]){a, b}, 2, 0);
}
static node *stack_of_no_axis(graph *g, node *a, node *b)
{
    return graph_stack(g, (node *[]){a, b}, 1, 3);
}
static node *stack_of_four_axes(graph *g, node *a, node *b)
{
    (void)b;
    node *four = graph_reshape(g, a, shape_4(1, 2, 3, 1));
    return graph_stack(g, &four, 1, 0);
}
static node *slice_beyond(graph *g, node *a, node *b)
{
    (void)b;
    return graph_slice(g, a, 1, 2, 2);
}
static node *slice_before(graph *g, node *a, node *b)
{
    (void)b;
    return graph_slice(g, a, -1, -1, 1);
}
static node *slice_without_end(graph *g, node *a, node *b)
{
    (void)b;
    return graph_slice(g, a, 0, 1, INT64_MAX);
}
static node *permute_twice_the_same(graph *g, node *a, node *b)
{
    (void)b;
    return graph_permute(g, a, (int[]){1, 1});
}
static node *permute_beyond(graph *g, node *a, node *b)
{
    (void)b;
    return graph_permute(g, a, (int[]){0, 2});
}
static node *transpose_of_one(graph *g, node *a, node *b)
{
    (void)b;
    return graph_transpose(g, graph_reshape(g, a, shape_1(6)));
}
static node *dropout_of_all(graph *g, node *a, node *b)
{
    (void)b;
    return graph_dropout(g, a, 1);
}

static void test_what_does_not_fit_is_told(void **state)
{
    (void)state;
    const struct {
        builder build;
        medley_status status;
        const char *message;
    } wrong[] = {
        {wrong_add, MEDLEY_E_SHAPE, "add: [2,3] and [2,4] do not broadcast"},
        {wrong_reshape, MEDLEY_E_SHAPE, "reshape: [2,3] does not fit [4,-1]"},
        {reshape_with_two_open_sizes, MEDLEY_E_SHAPE, "reshape: [2,3] does not fit [-1,-1]"},
        {reshape_beyond_all_numbers, MEDLEY_E_SHAPE, "reshape: [2,3] does not fit [9223372036854775807,4,2]"},
        {sum_of_no_axis, MEDLEY_E_SHAPE, "sum_axis: [2,3] has no axis 2"},
        {mean_of_no_axis, MEDLEY_E_SHAPE, "mean_axis: [2,3] has no axis -3"},
        {mean_of_nothing, MEDLEY_E_SHAPE, "mean: [2,0] has no numbers"},
        {mean_over_nothing, MEDLEY_E_SHAPE, "mean_axis: [2,0] has no numbers"},
        {max_over_nothing, MEDLEY_E_SHAPE, "max_axis: [2,0] has no numbers"},
        {wrong_concat, MEDLEY_E_SHAPE, "concat: [2,3] and [2,4] differ beside axis 0"},
        {concat_of_no_axis, MEDLEY_E_SHAPE, "concat: [2,3] has no axis 2"},
        {concat_of_nothing, MEDLEY_E_SHAPE, "concat: of no arrays"},
        {wrong_stack, MEDLEY_E_SHAPE, "stack: [2,3] and [2,4] differ"},
        {stack_of_no_axis, MEDLEY_E_SHAPE, "stack: [2,3] gets no axis 3"},
        {stack_of_four_axes, MEDLEY_E_SHAPE, "stack: [1,2,3,1] has 4 axes, the most there are"},
        {slice_beyond, MEDLEY_E_SHAPE, "slice: [2,3] has no 2 at 2 along axis 1"},
        {slice_before, MEDLEY_E_SHAPE, "slice: [2,3] has no 1 at -1 along axis 1"},
        {slice_without_end, MEDLEY_E_SHAPE, "slice: [2,3] has no 9223372036854775807 at 1 along axis 0"},
        {permute_twice_the_same, MEDLEY_E_SHAPE, "permute: [2,3]: the order does not name each axis once"},
        {permute_beyond, MEDLEY_E_SHAPE, "permute: [2,3]: the order does not name each axis once"},
        {transpose_of_one, MEDLEY_E_SHAPE, "transpose: [6] has no two axes"},
        {dropout_of_all, MEDLEY_E_ARGUMENT, "dropout: p is 1, not in [0, 1)"},
    };
    const real x[8] = {0};
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 1);
    graph *g;
    assert_ok(graph_create(rt, &g, err));
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        medley_error error = {MEDLEY_OK, ""};
        graph_begin(g, place);
        wrong[i].build(g, graph_variable(g, shape_2(2, 3), x), graph_variable(g, shape_2(2, 4), x));
        assert_int_equal(graph_status(g, &error), wrong[i].status);
        assert_string_equal(error.message, wrong[i].message);
        /* what comes behind it does nothing */
        assert_ptr_equal(graph_relu(g, graph_mul(g, graph_poison(g), graph_poison(g))), graph_poison(g));
    }
    graph_free(g);
    test_runtime_end(rt, &memory);
}

/* ---- worked examples ---- */

static void assert_node(const node *n, shape s, const double *want)
{
    char got[SHAPE_TEXT], wanted[SHAPE_TEXT];
    assert_string_equal(shape_format(n->shape, got), shape_format(s, wanted));
    for (int64_t i = 0; i < shape_count(s); i++)
        assert_true((double)n->value[i] == want[i]);
}

static void test_worked_examples(void **state)
{
    (void)state;
    const real x[] = {1, 2, 3, 4, 5, 9}, y[] = {10, 20, 30};
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 1);
    graph *g;
    assert_ok(graph_create(rt, &g, err));
    graph_begin(g, place);
    node *a = graph_input(g, shape_2(2, 3), x), *b = graph_input(g, shape_1(3), y);
    assert_node(graph_add(g, a, b), shape_2(2, 3), (double[]){11, 22, 33, 14, 25, 39});
    assert_node(graph_sub(g, b, a), shape_2(2, 3), (double[]){9, 18, 27, 6, 15, 21});
    assert_node(graph_div(g, b, graph_scale(g, b, 2)), shape_1(3), (double[]){0.5, 0.5, 0.5});
    assert_node(graph_sum(g, a), shape_scalar(), (double[]){24});
    assert_node(graph_mean(g, a), shape_scalar(), (double[]){4});
    assert_node(graph_sum_axis(g, a, 0), shape_1(3), (double[]){5, 7, 12});
    assert_node(graph_mean_axis(g, a, -1), shape_1(2), (double[]){2, 6});
    assert_node(graph_max_axis(g, a, 1), shape_1(2), (double[]){3, 9});
    assert_node(graph_transpose(g, a), shape_2(3, 2), (double[]){1, 4, 2, 5, 3, 9});
    assert_node(graph_slice(g, a, -1, 1, 2), shape_2(2, 2), (double[]){2, 3, 5, 9});
    assert_node(graph_concat(g, (node *[]){a, a}, 2, 1), shape_2(2, 6),
                (double[]){1, 2, 3, 1, 2, 3, 4, 5, 9, 4, 5, 9});
    assert_node(graph_stack(g, (node *[]){b, b}, 2, -1), shape_2(3, 2), (double[]){10, 10, 20, 20, 30, 30});
    assert_node(graph_reshape(g, a, shape_2(-1, 2)), shape_2(3, 2), (double[]){1, 2, 3, 4, 5, 9});
    assert_node(graph_sum_axis(g, graph_slice(g, a, 1, 0, 0), 1), shape_1(2), (double[]){0, 0});
    assert_ok(graph_status(g, err));
    graph_free(g);
    test_runtime_end(rt, &memory);
}

/* ---- a step of all of them, large enough for many tasks ---- */

enum { ROWS = 130, COLUMNS = 260 };

static node *all_ops(graph *g, node *x, node *y, node *column)
{
    node *a = graph_gelu(g, graph_add(g, graph_mul(g, x, y), column));
    node *b = graph_dropout(g, graph_sigmoid(g, graph_div(g, x, graph_shift(g, graph_square(g, y), 1))), 0.3);
    node *c = graph_concat(g, (node *[]){a, b, graph_silu(g, graph_sub(g, column, x))}, 3, 1);
    node *d = graph_stack(g, (node *[]){graph_transpose(g, a), graph_transpose(g, b)}, 2, 1);
    node *e = graph_max_axis(g, graph_permute(g, d, (int[]){2, 1, 0}), 1);
    node *f = graph_mul(g, graph_sum_axis(g, graph_slice(g, c, 1, 100, 400), 0),
                        graph_reshape(g, graph_slice(g, graph_slice(g, c, 1, 7, 400), 0, 0, 1), shape_1(-1)));
    return graph_add(g, graph_mean(g, graph_tanh(g, e)), graph_scale(g, graph_sum(g, f), 1e-3));
}

typedef struct step {
    real x[ROWS * COLUMNS], y[COLUMNS], column[ROWS];
    real loss, dx[ROWS * COLUMNS], dy[COLUMNS], dcolumn[ROWS];
} step;

static medley_status run_step(graph *g, step *s, medley_error *err)
{
    graph_begin(g, place);
    node *x = graph_variable(g, shape_2(ROWS, COLUMNS), s->x), *y = graph_variable(g, shape_1(COLUMNS), s->y);
    node *column = graph_variable(g, shape_2(ROWS, 1), s->column);
    node *loss = all_ops(g, x, y, column);
    TRY(graph_backward(g, loss, err));
    s->loss = loss->value[0];
    memcpy(s->dx, x->grad, sizeof s->dx);
    memcpy(s->dy, y->grad, sizeof s->dy);
    memcpy(s->dcolumn, column->grad, sizeof s->dcolumn);
    return MEDLEY_OK;
}

static void fill_step(step *s)
{
    for (int64_t i = 0; i < ROWS * COLUMNS; i++)
        s->x[i] = (real)(random_uniform(1, 1, (uint64_t)i) * 2 - 1);
    for (int64_t i = 0; i < COLUMNS; i++)
        s->y[i] = (real)(random_uniform(1, 2, (uint64_t)i) * 2 - 1);
    for (int64_t i = 0; i < ROWS; i++)
        s->column[i] = (real)(random_uniform(1, 3, (uint64_t)i) * 2 - 1);
}

static void test_bits_do_not_depend_on_threads(void **state)
{
    (void)state;
    static step s[3];
    for (int k = 0; k < 3; k++) {
        test_memory memory;
        medley_runtime *rt = test_runtime(&memory, 1 << k);
        graph *g;
        fill_step(&s[k]);
        assert_ok(graph_create(rt, &g, err));
        assert_ok(run_step(g, &s[k], err));
        graph_free(g);
        test_runtime_end(rt, &memory);
        assert_memory_equal(&s[k], &s[0], sizeof s[0]);
    }
}

static medley_status whole_step(const medley_runtime *rt, step *s, medley_error *err)
{
    graph *g = NULL;
    medley_status status = MEDLEY_OK;
    TRY_DONE(graph_create(rt, &g, err));
    TRY_DONE(run_step(g, s, err));
done:
    graph_free(g);
    return status;
}

static void test_out_of_memory_is_told(void **state)
{
    (void)state;
    static step s;
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 1);
    fill_step(&s);
    BRUTAL(rt, &memory, whole_step(rt, &s, err), (void)0);
    test_runtime_end(rt, &memory);
}

static void test_a_warm_step_allocates_nothing(void **state)
{
    (void)state;
    static step s;
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 2);
    graph *g;
    fill_step(&s);
    assert_ok(graph_create(rt, &g, err));
    for (int i = 0; i < 2; i++)
        assert_ok(run_step(g, &s, err));
    const int64_t before = memory.allocations;
    assert_ok(run_step(g, &s, err));
    assert_int_equal(memory.allocations, before);
    graph_free(g);
    test_runtime_end(rt, &memory);
}

/* Dropout's numbers come from seed, step and place on the tape, and nothing else. */
static void test_dropout_of_another_step_is_another(void **state)
{
    (void)state;
    static real ones[1000], first[1000];
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 1);
    graph *g;
    assert_ok(graph_create(rt, &g, err));
    for (int i = 0; i < 1000; i++)
        ones[i] = 1;
    for (int k = 0; k < 5; k++) { /* the same; another seed, step, place; not in training */
        graph_begin(g, (graph_place){.seed = k == 1, .step = k == 2, .training = k != 4});
        node *x = graph_input(g, shape_1(1000), ones);
        node *y = graph_dropout(g, k == 3 ? graph_scale(g, x, 1) : x, 0.5);
        assert_ok(graph_status(g, err));
        if (k == 0)
            memcpy(first, y->value, sizeof first);
        else
            assert_memory_not_equal(first, y->value, sizeof first);
        assert_true(k != 4 || y == x);
    }
    graph_begin(g, (graph_place){.training = true});
    node *again = graph_dropout(g, graph_input(g, shape_1(1000), ones), 0.5);
    assert_memory_equal(first, again->value, sizeof first);
    graph_free(g);
    test_runtime_end(rt, &memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_does_not_fit_is_told),
        cmocka_unit_test(test_worked_examples),
        cmocka_unit_test(test_bits_do_not_depend_on_threads),
        cmocka_unit_test(test_out_of_memory_is_told),
        cmocka_unit_test(test_a_warm_step_allocates_nothing),
        cmocka_unit_test(test_dropout_of_another_step_is_another),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
