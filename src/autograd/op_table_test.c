#include "testing.h"

#include <string.h>

#include "autograd/ops.h"

#include "fixture.h"

static const uint32_t rows[] = {1, 0, 1, 0}, others[] = {0, 0, 2};
static const int64_t start[] = {0, 2, 2, 3};
static const float weight[] = {2, -1, 3};
static const csr bags = {3, 2, start, rows, weight};

/* P [2, 2] and Q [3, 2] are tables, w [2, 2] is dense. */
typedef struct model {
    parameters p;
    parameter *P, *Q, *w;
    graph *g;
} model;

static medley_status model_create(const medley_runtime *runtime, int64_t D, model *m, medley_error *err)
{
    *m = (model){.g = NULL};
    parameters_init(runtime, &m->p);
    m->P = parameters_add(&m->p, "P", shape_2(2, D), PARAMETER_ROWS, initial_one);
    m->Q = parameters_add(&m->p, "Q", shape_2(3, D), PARAMETER_ROWS, initial_one);
    m->w = parameters_add(&m->p, "w", shape_2(2, D), PARAMETER_DENSE, initial_one);
    TRY(parameters_allocate(runtime, &m->p, 1, err));
    for (int64_t i = 0; i < 3 * D; i++)
        m->Q->value[i] = (real)(i + 1);
    for (int64_t i = 0; i < 2 * D; i++)
        m->P->value[i] = m->w->value[i] = (real)(i + 1);
    TRY(graph_create(runtime, &m->g, err));
    graph_begin(m->g, (graph_place){0});
    return MEDLEY_OK;
}

static void model_end(model *m)
{
    graph_free(m->g);
    parameters_release(&m->p);
}

static model made;

static int begin(void **state)
{
    set_up(state);
    assert_ok(model_create(rt, 2, &made, err));
    return 0;
}

static int end(void **state)
{
    model_end(&made);
    return tear_down(state);
}

static void assert_value(const node *n, shape s, const real *want)
{
    assert_ok(graph_status(made.g, err));
    assert_true(shape_equal(n->shape, s));
    for (int64_t i = 0; i < shape_count(s); i++)
        assert_true(n->value[i] == want[i]);
}

static void test_values_are_as_the_equations_say(void **state)
{
    (void)state;
    graph *g = made.g;
    graph_begin(g, (graph_place){0});
    /* P = [1 2; 3 4], Q = [1 2; 3 4; 5 6] */
    assert_value(graph_gather(g, made.P, rows, shape_2(3, 1)), shape_3(3, 1, 2), (real[]){3, 4, 1, 2, 3, 4});
    assert_value(graph_gather(g, made.w, rows, shape_scalar()), shape_1(2), (real[]){3, 4});
    assert_value(graph_gather(g, made.P, NULL, shape_1(0)), shape_2(0, 2), NULL);
    const real x[] = {1, 2, 3, 4};
    assert_value(graph_select(g, graph_input(g, shape_2(2, 2), x), rows, 3), shape_2(3, 2),
                 (real[]){3, 4, 1, 2, 3, 4});
    assert_value(graph_bag(g, made.P, &bags, false), shape_2(3, 2), (real[]){5, 6, 0, 0, 9, 12});
    assert_value(graph_bag(g, made.P, &bags, true), shape_2(3, 2), (real[]){2.5, 3, 0, 0, 9, 12});
    assert_value(graph_gather_dot(g, made.P, rows, made.Q, others, 3), shape_1(3), (real[]){11, 5, 39});
    assert_value(graph_rows_square(g, made.P, rows, 3), shape_scalar(), (real[]){25 + 5 + 25});
    assert_value(graph_rows_square(g, made.Q, others, 2), shape_scalar(), (real[]){5 + 5});
    assert_value(graph_rows_square(g, made.Q, others, 0), shape_scalar(), (real[]){0});
}

static void test_a_dense_table_gets_a_dense_gradient(void **state)
{
    (void)state;
    graph *g = made.g;
    for (int round = 0; round < 2; round++) {
        graph_begin(g, (graph_place){0});
        for (int i = 0; i < 4; i++)
            assert_true(made.w->grad[i] == 0);
        node *n = graph_gather(g, made.w, rows, shape_1(3));
        assert_ok(graph_backward_from(g, n, (real[]){1, 2, 3, 4, 5, 6}, err));
        assert_int_equal(made.w->rows.count, 0);
        const real want[] = {3, 4, 6, 8};
        assert_memory_equal(made.w->grad, want, sizeof want);
        /* and adds to what comes through the leaf, in the same pass or another */
        assert_ok(graph_backward_from(g, graph_parameter(g, made.w), want, err));
        assert_true(made.w->grad[0] == 6 && made.w->grad[3] == 16);
    }
}

static void test_what_does_not_fit_is_refused_by_name(void **state)
{
    (void)state;
    graph *g = made.g;
    const uint32_t outside[] = {0, 1, 2, 5};
    const real x[] = {1, 2};
    parameters p;
    parameters_init(rt, &p);
    parameter *wide = parameters_add(&p, "wide", shape_2(3, 7), PARAMETER_ROWS, initial_one);
    parameter *flat = parameters_add(&p, "flat", shape_1(3), PARAMETER_DENSE, initial_one);
    assert_ok(parameters_allocate(rt, &p, 1, err));
#define REFUSED(build, status, message)                      \
    do {                                                     \
        graph_begin(g, (graph_place){0});                    \
        assert_ptr_equal(build, graph_poison(g));            \
        assert_fails(graph_status(g, err), status, message); \
    } while (0)
    REFUSED(graph_gather(g, made.P, outside, shape_1(4)), MEDLEY_E_ARGUMENT,
            "gather: row 2 of 'P' (place 2) is not below 2");
    REFUSED(graph_gather(g, flat, rows, shape_1(3)), MEDLEY_E_SHAPE,
            "gather: 'flat' is [3], not a table [rows, D]");
    REFUSED(graph_gather(g, made.P, rows, shape_4(1, 1, 1, 3)), MEDLEY_E_SHAPE,
            "gather: rows of 'P' by an array of rank 4: the most is 3");
    REFUSED(graph_gather(g, made.P, rows, shape_1(-1)), MEDLEY_E_SHAPE,
            "gather: the shape [-1,2] is not possible");
    REFUSED(graph_select(g, graph_input(g, shape_2(1, 2), x), rows, 3), MEDLEY_E_ARGUMENT,
            "select: row 1 of 'x' (place 0) is not below 1");
    REFUSED(graph_select(g, graph_input(g, shape_1(2), x), rows, 3), MEDLEY_E_SHAPE,
            "select: 'x' is [2], not a table [rows, D]");
    REFUSED(graph_bag(g, made.P, &(csr){3, 2, start, outside + 1, NULL}, false), MEDLEY_E_ARGUMENT,
            "bag: row 2 of 'P' (place 1) is not below 2");
    REFUSED(graph_gather_dot(g, made.P, rows, made.Q, outside, 4), MEDLEY_E_ARGUMENT,
            "gather_dot: row 5 of 'Q' (place 3) is not below 3");
    REFUSED(graph_gather_dot(g, made.P, rows, wide, rows, 3), MEDLEY_E_SHAPE,
            "gather_dot: rows of [2,2] and [3,7]: widths 2 and 7 differ");
    REFUSED(graph_rows_square(g, made.P, outside, 3), MEDLEY_E_ARGUMENT,
            "rows_square: row 2 of 'P' (place 2) is not below 2");
    parameters_release(&p);
}

static void note_touch(void *context, parameter *p, const uint32_t *row, int64_t count)
{
    char *seen = context;
    number_print(seen + strlen(seen), 100 - strlen(seen), "%s %lld %u; ", p->name, (long long)count,
                 (unsigned)row[0]);
}

static void test_rows_are_touched_before_they_are_read(void **state)
{
    (void)state;
    char seen[100] = "";
    graph *g = made.g;
    graph_begin(g, (graph_place){0});
    graph_on_touch(g, note_touch, seen);
    graph_gather(g, made.P, rows, shape_1(2));
    graph_gather(g, made.w, rows, shape_1(2));
    graph_bag(g, made.P, &bags, false);
    graph_gather_dot(g, made.P, rows, made.Q, others, 3);
    graph_rows_square(g, made.Q, others + 2, 1);
    graph_on_touch(g, NULL, NULL);
    assert_string_equal(seen, "P 2 1; P 3 1; P 3 1; Q 3 0; Q 1 2; ");
}

/* ---- a larger step: BPR's ---- */

enum { ITEMS = 3000 };

typedef struct large {
    parameters p;
    parameter *user, *item, *w;
    graph *g;
    int64_t count;
    uint32_t *u, *i, *j; /* [count] */
} large;

static medley_status large_create(const medley_runtime *runtime, int64_t count, large *m, medley_error *err)
{
    *m = (large){.count = count};
    parameters_init(runtime, &m->p);
    m->user = parameters_add(&m->p, "user", shape_2(700, 24), PARAMETER_ROWS, (initial){INITIAL_NORMAL, 0, 1});
    m->item = parameters_add(&m->p, "item", shape_2(ITEMS, 24), PARAMETER_ROWS, (initial){INITIAL_NORMAL, 0, 1});
    m->w = parameters_add(&m->p, "w", shape_2(700, 24), PARAMETER_DENSE, (initial){INITIAL_NORMAL, 0, 1});
    TRY(parameters_allocate(runtime, &m->p, 1, err));
    TRY(graph_create(runtime, &m->g, err));
    uint32_t **arrays[] = {&m->u, &m->i, &m->j};
    for (uint64_t a = 0; a < 3; a++) {
        TRY(mem_alloc(runtime, count, sizeof(uint32_t), arrays[a], err));
        for (uint64_t b = 0; b < (uint64_t)count; b++)
            (*arrays[a])[b] = (uint32_t)(random_bits(1, a, b) % (a == 0 ? 700 : ITEMS));
    }
    return MEDLEY_OK;
}

static void large_end(large *m)
{
    mem_free(m->u);
    mem_free(m->i);
    mem_free(m->j);
    graph_free(m->g);
    parameters_release(&m->p);
}

static medley_status large_run(large *m, real *value, medley_error *err)
{
    graph *g = m->g;
    graph_begin(g, (graph_place){0});
    const int64_t count = m->count, ends[] = {0, 100, count}; /* one short bag, one long one */
    const csr both = {2, 700, ends, m->u, NULL};
    node *const all[] = {
        graph_gather_dot(g, m->user, m->u, m->item, m->i, count),
        graph_gather_dot(g, m->user, m->u, m->item, m->j, count),
        graph_rows_square(g, m->user, m->u, count),
        graph_rows_square(g, m->item, m->i, count),
        graph_gather(g, m->item, m->j, shape_1(count)),
        graph_bag(g, m->user, &both, true),
        graph_select(g, graph_parameter(g, m->w), m->u, count),
    };
    for (int n = 0; n < 7; n++) {
        TRY(graph_status(g, err));
        TRY(graph_backward_from(g, all[n], all[n]->value, err));
        value[n] = all[n]->value[0];
    }
    TRY(graph_backward_from(g, all[0], all[1]->value, err));
    return MEDLEY_OK;
}

static void test_a_step_is_the_same_bits_for_any_number_of_threads(void **state)
{
    (void)state;
    large one;
    real want[7], got[7];
    assert_ok(large_create(rt, 20000, &one, err));
    assert_ok(large_run(&one, want, err));
    for (int threads = 2; threads <= 4; threads += 2) {
        test_memory more_memory;
        medley_runtime *more = test_runtime(&more_memory, threads);
        large m;
        assert_ok(large_create(more, 20000, &m, err));
        assert_ok(large_run(&m, got, err));
        assert_memory_equal(got, want, sizeof want);
        assert_memory_equal(m.w->grad, one.w->grad, 700 * 24 * sizeof(real));
        assert_int_equal(m.item->rows.count, one.item->rows.count);
        assert_memory_equal(m.item->rows.value, one.item->rows.value,
                            (size_t)one.item->rows.count * 24 * sizeof(real));
        assert_memory_equal(m.user->rows.value, one.user->rows.value,
                            (size_t)one.user->rows.count * 24 * sizeof(real));
        large_end(&m);
        test_runtime_end(more, &more_memory);
    }
    large_end(&one);
}

static void test_a_warm_step_allocates_nothing(void **state)
{
    (void)state;
    large m;
    real value[7];
    assert_ok(large_create(rt, 5000, &m, err));
    assert_ok(large_run(&m, value, err));
    assert_ok(large_run(&m, value, err));
    const int64_t allocations = memory.allocations;
    assert_ok(large_run(&m, value, err));
    assert_int_equal(memory.allocations, allocations);
    large_end(&m);
}

static medley_status create_run_end(medley_error *err)
{
    large m;
    real value[7];
    medley_status status;
    TRY_DONE(large_create(rt, 200, &m, err));
    status = large_run(&m, value, err);
done:
    large_end(&m);
    return status;
}

static void test_every_failing_allocation_is_reported_and_leaks_nothing(void **state)
{
    (void)state;
    BRUTAL(rt, &memory, create_run_end(err), (void)0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values_are_as_the_equations_say),
        cmocka_unit_test(test_a_dense_table_gets_a_dense_gradient),
        cmocka_unit_test(test_what_does_not_fit_is_refused_by_name),
        cmocka_unit_test(test_rows_are_touched_before_they_are_read),
        cmocka_unit_test(test_a_step_is_the_same_bits_for_any_number_of_threads),
        cmocka_unit_test(test_a_warm_step_allocates_nothing),
        cmocka_unit_test(test_every_failing_allocation_is_reported_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
