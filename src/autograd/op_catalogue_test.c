#include "testing.h"

#include "autograd/ops.h"

static test_memory memory;
static medley_runtime *rt;
static const graph_place training = {.seed = 1, .step = 2, .training = true};

static real *random_numbers(int64_t count, uint64_t stream)
{
    real *x;
    assert_ok(mem_alloc(rt, count, sizeof *x, &x, err));
    for (int64_t i = 0; i < count; i++)
        x[i] = (real)(random_uniform(3, stream, (uint64_t)i) * 2 - 1);
    return x;
}

/* ---- against the definition, in double ---- */

typedef struct problem {
    int64_t rows, items, depth;
    real *x, *w, *bias;
    uint32_t *target;
} problem;

static void problem_make(problem *p, int64_t rows, int64_t items, int64_t depth, int ignored)
{
    *p = (problem){rows,
                   items,
                   depth,
                   random_numbers(rows * depth, 1),
                   random_numbers(items * depth, 2),
                   random_numbers(items, 3),
                   NULL};
    assert_ok(mem_alloc(rt, rows, sizeof *p->target, &p->target, err));
    for (int64_t b = 0; b < rows; b++)
        p->target[b] =
            b % 3 < ignored ? CROSS_ENTROPY_IGNORE : (uint32_t)(random_bits(5, 6, (uint64_t)b) % (uint64_t)items);
}

static void problem_end(problem *p)
{
    mem_free(p->x);
    mem_free(p->w);
    mem_free(p->bias);
    mem_free(p->target);
}

/* Returns the loss; dx [B, D], dw [I, D], dbias [I] one after the other. */
static double plain(const problem *p, double *grad)
{
    double loss = 0, *dx = grad, *dw = dx + p->rows * p->depth, *dbias = dw + p->items * p->depth, *z;
    int64_t counted = 0;
    assert_ok(mem_alloc(rt, p->items, sizeof *z, &z, err));
    for (int64_t b = 0; b < p->rows; b++)
        counted += p->target[b] != CROSS_ENTROPY_IGNORE;
    for (int64_t b = 0; b < p->rows; b++) {
        if (p->target[b] == CROSS_ENTROPY_IGNORE)
            continue;
        double sum = 0;
        for (int64_t i = 0; i < p->items; i++) {
            z[i] = p->bias[i];
            for (int64_t d = 0; d < p->depth; d++)
                z[i] += (double)p->x[b * p->depth + d] * p->w[i * p->depth + d];
            sum += exp(z[i]);
        }
        loss += (log(sum) - z[p->target[b]]) / (double)counted;
        for (int64_t i = 0; i < p->items; i++) {
            const double dz = (exp(z[i]) / sum - (i == p->target[b])) / (double)counted;
            dbias[i] += dz;
            for (int64_t d = 0; d < p->depth; d++) {
                dx[b * p->depth + d] += dz * p->w[i * p->depth + d];
                dw[i * p->depth + d] += dz * p->x[b * p->depth + d];
            }
        }
    }
    mem_free(z);
    return loss;
}

/* The op's loss and gradients, in the order of plain(). */
static medley_status run(graph *g, const problem *p, real *loss, real *grad, medley_error *err)
{
    graph_begin(g, training);
    node *x = graph_variable(g, shape_2(p->rows, p->depth), p->x);
    node *w = graph_variable(g, shape_2(p->items, p->depth), p->w);
    node *bias = graph_variable(g, shape_1(p->items), p->bias);
    node *l = graph_catalogue_cross_entropy(g, x, w, bias, p->target);
    TRY(graph_backward(g, l, err));
    *loss = l->value[0];
    memcpy(grad, x->grad, (size_t)(p->rows * p->depth) * sizeof(real));
    memcpy(grad + p->rows * p->depth, w->grad, (size_t)(p->items * p->depth) * sizeof(real));
    memcpy(grad + (p->rows + p->items) * p->depth, bias->grad, (size_t)p->items * sizeof(real));
    return MEDLEY_OK;
}

static int64_t gradients(const problem *p)
{
    return (p->rows + p->items) * p->depth + p->items;
}

static void check(int64_t rows, int64_t items, int64_t depth, int ignored)
{
    problem p;
    problem_make(&p, rows, items, depth, ignored);
    double *want;
    real *got = random_numbers(gradients(&p), 9), loss;
    graph *g;
    assert_ok(mem_alloc_zero(rt, gradients(&p), sizeof *want, &want, err));
    assert_ok(graph_create(rt, &g, err));
    assert_ok(run(g, &p, &loss, got, err));
    const double plain_loss = plain(&p, want);
    if (fabs(loss - plain_loss) > 1e-5)
        fail_msg("[%d,%d,%d]: loss %g, expected %g", (int)rows, (int)items, (int)depth, (double)loss, plain_loss);
    for (int64_t i = 0; i < gradients(&p); i++)
        if (!(fabs(got[i] - want[i]) <= 2e-6))
            fail_msg("[%d,%d,%d]: gradient %d: %g, expected %g", (int)rows, (int)items, (int)depth, (int)i,
                     (double)got[i], want[i]);
    graph_free(g);
    mem_free(want);
    mem_free(got);
    problem_end(&p);
}

static void test_cross_entropy_over_a_catalogue_is_that_of_its_definition(void **state)
{
    (void)state;
    const int64_t rows[] = {1, 3, 33, 64, 513}, items[] = {1, 2, 255, 256, 257, 1000};
    for (int r = 0; r < 5; r++)
        for (int i = 0; i < 6; i++)
            check(rows[r], items[i], 1 + (r * 7 + i * 3) % 17, r == 0 ? 0 : (r + i) % 3);
}

static void test_a_large_catalogue_goes_by_blocks_of_rows(void **state)
{
    (void)state;
    check(130, 140000, 2, 0); /* 64 rows a block */
}

static void test_threads_do_not_change_a_bit_of_it(void **state)
{
    (void)state;
    problem p;
    problem_make(&p, 700, 3000, 24, 1);
    real *got[3], loss[3];
    for (int i = 0; i < 3; i++) {
        test_memory other_memory;
        medley_runtime *other = test_runtime(&other_memory, 1 << i);
        graph *g;
        got[i] = random_numbers(gradients(&p), 9);
        assert_ok(graph_create(other, &g, err));
        assert_ok(run(g, &p, &loss[i], got[i], err));
        graph_free(g);
        test_runtime_end(other, &other_memory);
        assert_true(loss[i] == loss[0]);
        assert_memory_equal(got[i], got[0], (size_t)gradients(&p) * sizeof(real));
    }
    for (int i = 0; i < 3; i++)
        mem_free(got[i]);
    problem_end(&p);
}

/* The logits would be 256 MB. */
static void test_logits_are_never_whole(void **state)
{
    (void)state;
    problem p;
    problem_make(&p, 640, 100000, 1, 0);
    graph *g;
    assert_ok(graph_create(rt, &g, err));
    graph_begin(g, training);
    node *w = graph_variable(g, shape_2(p.items, 1), p.w);
    assert_ok(graph_backward(
        g, graph_catalogue_cross_entropy(g, graph_variable(g, shape_2(p.rows, 1), p.x), w, NULL, p.target), err));
    assert_true(graph_bytes(g) < 64 << 20);
    graph_free(g);
    problem_end(&p);
}

static void test_the_loss_outside_training_is_the_same(void **state)
{
    (void)state;
    problem p;
    problem_make(&p, 600, 700, 3, 1);
    graph *g;
    real loss[2];
    assert_ok(graph_create(rt, &g, err));
    for (int i = 0; i < 2; i++) {
        graph_begin(g, (graph_place){.training = i == 1});
        loss[i] = graph_catalogue_cross_entropy(g, graph_variable(g, shape_2(600, 3), p.x),
                                                graph_variable(g, shape_2(700, 3), p.w), NULL, p.target)
                      ->value[0];
    }
    assert_true(loss[0] == loss[1]);
    graph_free(g);
    problem_end(&p);
}

static medley_status all_of_it(const problem *p, real *got, medley_error *err)
{
    graph *g = NULL;
    real loss;
    medley_status status = graph_create(rt, &g, err);
    if (status == MEDLEY_OK)
        status = run(g, p, &loss, got, err);
    graph_free(g);
    return status;
}

static void test_every_allocation_may_fail(void **state)
{
    (void)state;
    problem p;
    problem_make(&p, 700, 600, 4, 1);
    real *got = random_numbers(gradients(&p), 9);
    BRUTAL(rt, &memory, all_of_it(&p, got, err), (void)0);
    mem_free(got);
    problem_end(&p);
}

/* ---- what is refused ---- */

static medley_status refused(shape x_shape, shape w_shape, const shape *bias_shape, const uint32_t *target,
                             medley_error *err)
{
    const real zeros[16] = {0};
    graph *g;
    TRY(graph_create(rt, &g, err));
    graph_begin(g, training);
    node *bias = bias_shape != NULL ? graph_variable(g, *bias_shape, zeros) : NULL;
    node *loss = graph_catalogue_cross_entropy(g, graph_variable(g, x_shape, zeros),
                                               graph_variable(g, w_shape, zeros), bias, target);
    const medley_status status = graph_backward(g, loss, err);
    graph_free(g);
    return status;
}

static void test_shapes_and_targets_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    const uint32_t target[2] = {1, 4};
    const shape short_bias = shape_1(3);
    assert_fails(refused(shape_2(2, 3), shape_2(4, 2), NULL, target, err), MEDLEY_E_SHAPE,
                 "catalogue_cross_entropy: x [2,3], w [4,2], bias none: not [B,D], [I,D] and [I]");
    assert_fails(refused(shape_2(2, 3), shape_2(4, 3), &short_bias, target, err), MEDLEY_E_SHAPE,
                 "catalogue_cross_entropy: x [2,3], w [4,3], bias [3]: not [B,D], [I,D] and [I]");
    assert_fails(refused(shape_2(0, 3), shape_2(4, 3), NULL, target, err), MEDLEY_E_SHAPE, "x [0,3]");
    assert_fails(refused(shape_2(2, 3), shape_2(4, 3), NULL, target, err), MEDLEY_E_ARGUMENT,
                 "catalogue_cross_entropy: row 1: target 4 is not below 4");
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
        cmocka_unit_test(test_cross_entropy_over_a_catalogue_is_that_of_its_definition),
        cmocka_unit_test(test_a_large_catalogue_goes_by_blocks_of_rows),
        cmocka_unit_test(test_threads_do_not_change_a_bit_of_it),
        cmocka_unit_test(test_logits_are_never_whole),
        cmocka_unit_test(test_the_loss_outside_training_is_the_same),
        cmocka_unit_test(test_every_allocation_may_fail),
        cmocka_unit_test(test_shapes_and_targets_that_do_not_fit_are_refused),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
