#include "testing.h"

#include <string.h>

#include "autograd/ops.h"
#include "autograd/row_terms.h"

#include "fixture.h"

/* ---- three small ops ---- */

static void fused_backward(graph *g, node *n)
{
    const real factor[] = {2, 3};
    for (int i = 0; i < n->inputs; i++) {
        bool add;
        real *grad = graph_grad(g, n->input[i], &add);
        for (int64_t j = 0; grad != NULL && j < shape_count(n->shape); j++)
            grad[j] = (add ? grad[j] : 0) + factor[i] * n->grad[j];
    }
}
static const op_class op_fused = {"fused", "2 a + 3 b", fused_backward};

/* 2 a + 3 b; b may be NULL */
static node *fused(graph *g, node *a, node *b)
{
    node *n = graph_node(g, &op_fused, a->shape, (node *[]){a, b}, 2);
    for (int64_t i = 0; !graph_failed(g) && i < shape_count(n->shape); i++)
        n->value[i] = 2 * a->value[i] + (b != NULL ? 3 * b->value[i] : 0);
    return n;
}

static void total_backward(graph *g, node *n)
{
    bool add;
    real *grad = graph_grad(g, n->input[0], &add);
    for (int64_t i = 0; grad != NULL && i < shape_count(n->input[0]->shape); i++)
        grad[i] = (add ? grad[i] : 0) + n->grad[0];
}
static const op_class op_total = {"total", "sum of x", total_backward};

static node *total(graph *g, node *x)
{
    node *n = graph_node(g, &op_total, shape_scalar(), &x, 1);
    if (!graph_failed(g))
        n->value[0] = 0;
    for (int64_t i = 0; !graph_failed(g) && i < shape_count(x->shape); i++)
        n->value[0] += x->value[i];
    return n;
}

static void rows_backward(graph *g, node *n)
{
    static const real ones[] = {1, 10};
    parameter *table = n->saved;
    row_term *term = row_terms_add(g, table, 3);
    for (int i = 0; term != NULL && i < 3; i++)
        term[i] = (row_term){.vector = ones, .row = i == 1 ? 0 : 2, .scale = n->grad[0] * (real)(i + 1)};
}
static const op_class op_rows = {"rows", "gradient (2, 0) and (4, 2) times (1, 10)", rows_backward};

static node *rows(graph *g, parameter *table)
{
    node *n = graph_node(g, &op_rows, shape_scalar(), NULL, 0);
    if (!graph_failed(g)) {
        n->wants_grad = true;
        n->saved = table;
        n->value[0] = 0;
    }
    return n;
}

/* ---- a small model ---- */

static const real data[] = {5, 6, 7};

typedef struct model {
    parameters p;
    parameter *w, *e;
    graph *g;
} model;

static medley_status model_create(const medley_runtime *runtime, model *m, medley_error *err)
{
    *m = (model){.g = NULL};
    parameters_init(runtime, &m->p);
    m->w = parameters_add(&m->p, "w", shape_1(3), PARAMETER_DENSE, initial_one);
    m->e = parameters_add(&m->p, "e", shape_2(4, 2), PARAMETER_ROWS, initial_one);
    TRY(parameters_allocate(runtime, &m->p, 1, err));
    return graph_create(runtime, &m->g, err);
}

static void model_end(model *m)
{
    graph_free(m->g);
    parameters_release(&m->p);
}

/* loss = sum of 2 (2 w + 3 x) + 3 w, and rows of e */
static node *loss_of(model *m)
{
    node *w = graph_parameter(m->g, m->w), *x = graph_input(m->g, shape_1(3), data);
    node *y = fused(m->g, fused(m->g, w, x), w);
    return total(m->g, fused(m->g, total(m->g, y), rows(m->g, m->e)));
}

static model made;

static int begin(void **state)
{
    set_up(state);
    assert_ok(model_create(rt, &made, err));
    return 0;
}

static int end(void **state)
{
    model_end(&made);
    return tear_down(state);
}

static void assert_grad(real want)
{
    for (int i = 0; i < 3; i++)
        assert_true(made.w->grad[i] == want);
}

/* ---- tests ---- */

static void test_gradients_follow_the_chain_rule(void **state)
{
    (void)state;
    graph_begin(made.g, (graph_place){0});
    node *loss = loss_of(&made);
    assert_true(loss->value[0] == 2 * (4 * 3 + 6 * (5 + 6 + 7) + 3 * 3));
    assert_ok(graph_backward(made.g, loss, err));
    assert_grad(2 * 7);
    const row_gradient *e = &made.e->rows; /* d loss / d rows = 3; terms 3, 6, 9 for rows 2, 0, 2 */
    assert_int_equal(e->count, 2);
    assert_int_equal(e->row[0], 0);
    assert_int_equal(e->row[1], 2);
    assert_true(e->value[0] == 6 && e->value[1] == 60);
    assert_true(e->value[2] == 12 && e->value[3] == 120);
}

static void test_a_new_step_starts_from_zero(void **state)
{
    (void)state;
    for (int step = 0; step < 3; step++) {
        graph_begin(made.g, (graph_place){.step = (uint64_t)step});
        assert_grad(0);
        assert_int_equal(made.e->rows.count, 0);
        assert_ok(graph_backward(made.g, loss_of(&made), err));
        assert_grad(14);
        assert_int_equal(made.e->rows.count, 2);
    }
    graph_begin(made.g, (graph_place){0});
    assert_ok(graph_backward(made.g, total(made.g, graph_parameter(made.g, made.w)), err));
    assert_grad(1);
    assert_int_equal(made.e->rows.count, 0);
}

static void test_passes_of_one_step_add_up_in_leaves(void **state)
{
    (void)state;
    graph_begin(made.g, (graph_place){0});
    const real two[] = {1, 2};
    node *v = graph_variable(made.g, shape_1(2), two), *sum = total(made.g, v), *loss = loss_of(&made);
    assert_ok(graph_backward(made.g, loss, err));
    assert_ok(graph_backward(made.g, loss, err));
    assert_grad(28);
    assert_true(made.e->rows.value[0] == 6); /* of the last pass */
    assert_ok(graph_backward(made.g, sum, err));
    assert_int_equal(made.e->rows.count, 0);
    assert_grad(28);
    assert_ok(graph_backward_from(made.g, v, two, err));
    assert_true(v->grad[0] == 2 && v->grad[1] == 3);
}

/* The root's op, and views of it, give their gradients on; that of the root is the caller's. */
static void test_a_gradient_that_is_given_stays_as_it_is(void **state)
{
    (void)state;
    real given[] = {1, 2, 3};
    graph_begin(made.g, (graph_place){0});
    node *v = graph_variable(made.g, shape_1(3), data);
    node *x = graph_scale(made.g, v, 2), *other = graph_square(made.g, x);
    assert_ok(
        graph_backward_from(made.g, graph_reshape(made.g, graph_scale(made.g, x, 3), shape_2(3, 1)), given, err));
    assert_ok(graph_backward_from(made.g, graph_mul(made.g, x, other), given, err));
    for (int i = 0; i < 3; i++)
        assert_true(given[i] == (real)(i + 1));
}

static void test_only_what_is_learnt_gets_a_gradient(void **state)
{
    (void)state;
    graph_begin(made.g, (graph_place){0});
    node *x = graph_input(made.g, shape_1(3), data), *v = graph_variable(made.g, shape_1(3), data);
    node *constant = fused(made.g, x, x), *mixed = fused(made.g, constant, v);
    assert_true(!x->wants_grad && !constant->wants_grad && v->wants_grad && mixed->wants_grad);
    assert_ok(graph_backward(made.g, total(made.g, mixed), err));
    assert_null(constant->grad);
    assert_null(x->grad);
    assert_true(v->grad[2] == 3);
    assert_ok(graph_backward(made.g, total(made.g, x), err));
    bool add;
    assert_null(graph_grad(made.g, NULL, &add));
    assert_true(fused(made.g, v, NULL)->value[0] == 10);
}

static void test_a_view_shares_the_value_and_is_one_leaf_a_parameter(void **state)
{
    (void)state;
    graph_begin(made.g, (graph_place){0});
    node *w = graph_parameter(made.g, made.w);
    assert_ptr_equal(w, graph_parameter(made.g, made.w));
    assert_ptr_equal(w->value, made.w->value);
    node *view = graph_view(made.g, &op_total, shape_2(3, 1), w);
    assert_ptr_equal(view->value, w->value);
    assert_true(view->wants_grad && shape_equal(view->shape, shape_2(3, 1)));
    assert_int_equal((uintptr_t)fused(made.g, w, w)->value % 64, 0);
}

static void test_the_first_failure_is_kept_and_ends_with_the_step(void **state)
{
    (void)state;
    graph_begin(made.g, (graph_place){0});
    node *loss = loss_of(&made);
    assert_ptr_equal(graph_fail(made.g, MEDLEY_E_SHAPE, "matmul: %s", "[2,3]"), graph_poison(made.g));
    graph_fail(made.g, MEDLEY_E_LIMIT, "second");
    assert_true(graph_failed(made.g));
    assert_ptr_equal(fused(made.g, loss, loss), graph_poison(made.g));
    assert_ptr_equal(graph_parameter(made.g, made.w), graph_poison(made.g));
    assert_null(graph_alloc(made.g, 1, 1));
    assert_null(row_terms_add(made.g, made.e, 1));
    assert_fails(graph_status(made.g, err), MEDLEY_E_SHAPE, "matmul: [2,3]");
    assert_fails(graph_backward(made.g, graph_poison(made.g), err), MEDLEY_E_SHAPE, "matmul: [2,3]");
    assert_fails(graph_backward(made.g, loss, err), MEDLEY_E_SHAPE, "matmul: [2,3]");
    graph_begin(made.g, (graph_place){0});
    assert_grad(0);
    assert_ok(graph_status(made.g, err));
    assert_ok(graph_backward(made.g, loss_of(&made), err));
}

static void failing_backward(graph *g, node *n)
{
    bool add;
    real *grad = graph_grad(g, n->input[0], &add);
    grad[0] = 99;
    graph_fail(g, MEDLEY_E_LIMIT, "failing: on its way back");
}

static void test_a_pass_that_fails_leaves_nothing_to_the_next_step(void **state)
{
    (void)state;
    static const op_class op_failing = {"failing", "", failing_backward};
    graph_begin(made.g, (graph_place){0});
    node *w = graph_parameter(made.g, made.w), *r = rows(made.g, made.e);
    node *bad = graph_node(made.g, &op_failing, shape_1(3), &w, 1);
    node *loss = fused(made.g, total(made.g, bad), r);
    assert_fails(graph_backward(made.g, loss, err), MEDLEY_E_LIMIT, "failing: on its way back");
    graph_begin(made.g, (graph_place){0});
    assert_grad(0);
    assert_null(made.e->terms);
    assert_ok(graph_backward(made.g, loss_of(&made), err));
    assert_grad(14);
}

static void test_what_cannot_be_is_refused_by_name(void **state)
{
    (void)state;
    graph *g = made.g;
    graph_begin(g, (graph_place){0});
    graph_node(g, &op_total, shape_2(3, -1), NULL, 0);
    assert_fails(graph_status(g, err), MEDLEY_E_SHAPE, "total: the shape [3,-1] is not possible");
    graph_begin(g, (graph_place){0});
    graph_node(g, &op_total, shape_3(INT64_C(1) << 40, INT64_C(1) << 40, 2), NULL, 0);
    assert_fails(graph_status(g, err), MEDLEY_E_SHAPE, "is not possible");
    graph_begin(g, (graph_place){0});
    graph_node(g, &op_total, shape_1(INT64_MAX), NULL, 0);
    assert_fails(graph_status(g, err), MEDLEY_E_NOMEM, "out of memory");
    graph_begin(g, (graph_place){0});
    graph_parameter(g, made.e);
    assert_fails(graph_status(g, err), MEDLEY_E_ARGUMENT, "parameter 'e' is a table of rows, not a dense one");
    graph_begin(g, (graph_place){0});
    assert_fails(graph_backward(g, graph_parameter(g, made.w), err), MEDLEY_E_SHAPE,
                 "backward: the root is [3], not a scalar");
}

static medley_status count_or_fail(void *context, int64_t task, int worker, medley_error *err)
{
    int64_t *counts = context;
    (void)worker;
    if (task == 70)
        return fail(err, MEDLEY_E_LIMIT, "task %lld", (long long)task);
    counts[task]++;
    return MEDLEY_OK;
}

static void test_a_failing_task_is_kept_and_later_ones_do_not_start(void **state)
{
    (void)state;
    int64_t counts[100] = {0};
    graph_begin(made.g, (graph_place){0});
    graph_parallel(made.g, 0, count_or_fail, counts);
    graph_parallel(made.g, 1, count_or_fail, counts);
    graph_parallel(made.g, 60, count_or_fail, counts);
    assert_int_equal(counts[0], 2);
    assert_int_equal(counts[59], 1);
    graph_parallel(made.g, 80, count_or_fail, counts);
    assert_fails(graph_status(made.g, err), MEDLEY_E_LIMIT, "task 70");
    graph_parallel(made.g, 60, count_or_fail, counts);
    assert_int_equal(counts[0], 3);
}

static void note_touch(void *context, parameter *p, const uint32_t *row, int64_t count)
{
    int64_t *seen = context;
    seen[0] += count;
    seen[1] = p->index;
    seen[2] = row[0];
}

static void test_an_op_learns_its_place_and_may_touch_rows(void **state)
{
    (void)state;
    int64_t seen[3] = {0};
    graph *g = made.g;
    graph_begin(g, (graph_place){.seed = 4, .step = 9, .training = true});
    assert_true(graph_where(g).seed == 4 && graph_where(g).step == 9 && graph_where(g).training);
    assert_ptr_equal(graph_runtime(g), rt);
    const uint64_t first = graph_stream(g);
    rows(g, made.e);
    assert_true(graph_stream(g) != first);
    graph_begin(g, (graph_place){0});
    assert_true(graph_stream(g) == first);
    graph_touch(g, made.e, (uint32_t[]){3, 1}, 2);
    graph_on_touch(g, note_touch, seen);
    graph_touch(g, made.e, (uint32_t[]){3, 1}, 2);
    assert_true(seen[0] == 2 && seen[1] == 1 && seen[2] == 3);
    graph_fail(g, MEDLEY_E_LIMIT, "no more");
    graph_touch(g, made.e, (uint32_t[]){3, 1}, 2);
    assert_int_equal(seen[0], 2);
    assert_false(graph_bf16(g));
    graph_use_bf16(g, true);
    assert_true(graph_bf16(g));
}

static medley_status step(model *m, int64_t wide, medley_error *err)
{
    graph_begin(m->g, (graph_place){0});
    node *wider = graph_node(m->g, &op_rows, shape_2(wide, 100), NULL, 0);
    if (!graph_failed(m->g))
        wider->saved = m->e;
    return graph_backward(m->g, loss_of(m), err);
}

static void test_a_warm_step_allocates_nothing(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++)
        assert_ok(step(&made, 10000, err));
    const int64_t allocations = memory.allocations, bytes = graph_bytes(made.g);
    assert_true(bytes >= 10000 * 100 * (int64_t)sizeof(real));
    for (int i = 0; i < 5; i++)
        assert_ok(step(&made, 10000 - i, err));
    assert_int_equal(memory.allocations, allocations);
    assert_int_equal(graph_bytes(made.g), bytes);
}

static medley_status train_twice(medley_error *err)
{
    model m;
    medley_status status;
    TRY_DONE(model_create(rt, &m, err));
    TRY_DONE(step(&m, 1000, err));
    status = step(&m, 1000, err);
done:
    model_end(&m);
    return status;
}

static void test_every_failing_allocation_is_reported_and_leaks_nothing(void **state)
{
    (void)state;
    BRUTAL(rt, &memory, train_twice(err), (void)0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gradients_follow_the_chain_rule),
        cmocka_unit_test(test_a_new_step_starts_from_zero),
        cmocka_unit_test(test_passes_of_one_step_add_up_in_leaves),
        cmocka_unit_test(test_a_gradient_that_is_given_stays_as_it_is),
        cmocka_unit_test(test_only_what_is_learnt_gets_a_gradient),
        cmocka_unit_test(test_a_view_shares_the_value_and_is_one_leaf_a_parameter),
        cmocka_unit_test(test_the_first_failure_is_kept_and_ends_with_the_step),
        cmocka_unit_test(test_a_pass_that_fails_leaves_nothing_to_the_next_step),
        cmocka_unit_test(test_what_cannot_be_is_refused_by_name),
        cmocka_unit_test(test_a_failing_task_is_kept_and_later_ones_do_not_start),
        cmocka_unit_test(test_an_op_learns_its_place_and_may_touch_rows),
        cmocka_unit_test(test_a_warm_step_allocates_nothing),
        cmocka_unit_test(test_every_failing_allocation_is_reported_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
