#include "testing.h"

#include <math.h>
#include <string.h>

#include "autograd/ops.h"

#include "fixture.h"

enum { USERS = 700, ITEMS = 500, WIDTH = 24, SEEN = 17 };

typedef struct model {
    parameters p;
    parameter *user, *item, *bias, *taste, *seen;
    graph *g;
    int64_t count;
    uint32_t *u, *i, *j; /* [count] */
} model;

/* One user has a third of the triples: more than a task. */
static medley_status model_create(const medley_runtime *runtime, int64_t count, model *m, medley_error *err)
{
    const initial normal = {INITIAL_NORMAL, 0, 1};
    *m = (model){.count = count};
    parameters_init(runtime, &m->p);
    m->user = parameters_add(&m->p, "user", shape_2(USERS, WIDTH), PARAMETER_ROWS, normal);
    m->item = parameters_add(&m->p, "item", shape_2(ITEMS, WIDTH), PARAMETER_ROWS, normal);
    m->bias = parameters_add(&m->p, "bias", shape_2(ITEMS, 1), PARAMETER_ROWS, normal);
    m->taste = parameters_add(&m->p, "taste", shape_2(USERS, SEEN), PARAMETER_ROWS, normal);
    m->seen = parameters_add(&m->p, "seen", shape_2(ITEMS, SEEN), PARAMETER_DENSE, normal);
    TRY(parameters_allocate(runtime, &m->p, 1, err));
    TRY(graph_create(runtime, &m->g, err));
    uint32_t **arrays[] = {&m->u, &m->i, &m->j};
    for (uint64_t a = 0; a < 3; a++) {
        TRY(mem_alloc(runtime, count, sizeof(uint32_t), arrays[a], err));
        for (uint64_t b = 0; b < (uint64_t)count; b++)
            (*arrays[a])[b] = (uint32_t)(random_bits(1, a, b) % ITEMS);
    }
    for (int64_t b = 0; b < count; b++) {
        const int64_t spread = b * USERS / count;
        m->u[b] = (uint32_t)(spread > USERS / 3 && spread < 2 * USERS / 3 ? USERS / 2 : spread);
    }
    for (int64_t b = 1; b < count; b++) /* the popular user's neighbours give way */
        m->u[b] = m->u[b] < m->u[b - 1] ? m->u[b - 1] : m->u[b];
    return MEDLEY_OK;
}

static void model_end(model *m)
{
    mem_free(m->u);
    mem_free(m->i);
    mem_free(m->j);
    graph_free(m->g);
    parameters_release(&m->p);
}

static bpr_rows triples_of(const model *m)
{
    return (bpr_rows){.p = m->user,
                      .q = m->item,
                      .c = m->bias,
                      .user = m->u,
                      .positive = m->i,
                      .negative = m->j,
                      .count = m->count};
}

static medley_status run(model *m, real *value, medley_error *err)
{
    bpr_rows of = triples_of(m);
    graph_begin(m->g, (graph_place){0});
    of.t = m->taste;
    of.e = graph_parameter(m->g, m->seen);
    of.e_positive = m->j; /* of items of its own */
    of.e_negative = m->i;
    node *loss = graph_bpr_rows(m->g, &of, 0.5);
    *value = loss->value[0];
    return graph_backward(m->g, loss, err);
}

static node *score(model *m, const uint32_t *item)
{
    node *bias = graph_gather(m->g, m->bias, item, shape_1(m->count));
    node *taste = graph_gather(m->g, m->taste, m->u, shape_1(m->count));
    node *seen = graph_select(m->g, graph_parameter(m->g, m->seen), item == m->i ? m->j : m->i, m->count);
    node *sum = graph_add(m->g, graph_gather_dot(m->g, m->user, m->u, m->item, item, m->count),
                          graph_reshape(m->g, bias, shape_1(m->count)));
    return graph_add(m->g, sum, graph_rows_dot(m->g, taste, seen));
}

/* The same loss of ops of their own. */
static medley_status run_apart(model *m, real *value, medley_error *err)
{
    graph *g = m->g;
    graph_begin(g, (graph_place){0});
    node *sum = graph_rows_square(g, m->user, m->u, m->count);
    sum = graph_add(g, sum, graph_rows_square(g, m->item, m->i, m->count));
    sum = graph_add(g, sum, graph_rows_square(g, m->item, m->j, m->count));
    sum = graph_add(g, sum, graph_rows_square(g, m->bias, m->i, m->count));
    sum = graph_add(g, sum, graph_rows_square(g, m->bias, m->j, m->count));
    sum = graph_add(g, sum, graph_rows_square(g, m->taste, m->u, m->count));
    for (int side = 0; side < 2; side++) {
        node *seen = graph_select(g, graph_parameter(g, m->seen), side == 0 ? m->i : m->j, m->count);
        sum = graph_add(g, sum, graph_sum(g, graph_square(g, seen)));
    }
    node *loss =
        graph_add(g, graph_bpr(g, score(m, m->i), score(m, m->j)), graph_scale(g, sum, 0.25 / (double)m->count));
    *value = loss->value[0];
    return graph_backward(g, loss, err);
}

static void assert_alike(const parameter *x, const parameter *y)
{
    assert_int_equal(x->rows.count, y->rows.count);
    assert_memory_equal(x->rows.row, y->rows.row, (size_t)x->rows.count * sizeof *x->rows.row);
    for (int64_t i = 0; i < x->rows.count * shape_width(x->shape); i++)
        assert_true(fabs((double)x->rows.value[i] - (double)y->rows.value[i]) <= 1e-6);
}

static void assert_same(const parameter *x, const parameter *y)
{
    assert_int_equal(x->rows.count, y->rows.count);
    assert_memory_equal(x->rows.value, y->rows.value,
                        (size_t)(x->rows.count * shape_width(x->shape)) * sizeof *x->rows.value);
}

static void test_it_equals_the_ops_it_is_made_of(void **state)
{
    (void)state;
    const int64_t counts[] = {1, 31, 3000, 20000};
    for (int n = 0; n < 4; n++) {
        model whole, parts;
        real got, want;
        assert_ok(model_create(rt, counts[n], &whole, err));
        assert_ok(model_create(rt, counts[n], &parts, err));
        assert_ok(run(&whole, &got, err));
        assert_ok(run_apart(&parts, &want, err));
        assert_true(fabs((double)got - (double)want) <= 1e-5 * (double)want);
        assert_alike(whole.user, parts.user);
        assert_alike(whole.item, parts.item);
        assert_alike(whole.bias, parts.bias);
        assert_alike(whole.taste, parts.taste);
        for (int64_t k = 0; k < ITEMS * SEEN; k++)
            assert_true(fabs((double)whole.seen->grad[k] - (double)parts.seen->grad[k]) <= 2e-6);
        model_end(&whole);
        model_end(&parts);
    }
}

static void test_a_step_is_the_same_bits_for_any_number_of_threads(void **state)
{
    (void)state;
    model one;
    real want, got;
    assert_ok(model_create(rt, 20000, &one, err));
    assert_ok(run(&one, &want, err));
    for (int threads = 2; threads <= 4; threads += 2) {
        test_memory more_memory;
        medley_runtime *more = test_runtime(&more_memory, threads);
        model m;
        assert_ok(model_create(more, 20000, &m, err));
        assert_ok(run(&m, &got, err));
        assert_memory_equal(&got, &want, sizeof want);
        assert_same(m.user, one.user);
        assert_same(m.item, one.item);
        assert_same(m.bias, one.bias);
        assert_same(m.taste, one.taste);
        assert_memory_equal(m.seen->grad, one.seen->grad, ITEMS * SEEN * sizeof(real));
        model_end(&m);
        test_runtime_end(more, &more_memory);
    }
    model_end(&one);
}

static void test_a_warm_step_allocates_nothing(void **state)
{
    (void)state;
    model m;
    real value;
    assert_ok(model_create(rt, 5000, &m, err));
    assert_ok(run(&m, &value, err));
    assert_ok(run(&m, &value, err));
    const int64_t before = memory.allocations;
    assert_ok(run(&m, &value, err));
    assert_int_equal(memory.allocations, before);
    model_end(&m);
}

static medley_status create_and_run(const medley_runtime *runtime, model *m, medley_error *err)
{
    real value;
    medley_status status = model_create(runtime, 50, m, err);
    if (status == MEDLEY_OK)
        status = run(m, &value, err);
    if (status != MEDLEY_OK)
        model_end(m);
    return status;
}

static void test_every_failing_allocation_is_reported_and_leaks_nothing(void **state)
{
    (void)state;
    model m;
    BRUTAL(rt, &memory, create_and_run(rt, &m, err), model_end(&m));
}

static void test_what_does_not_fit_is_refused_by_name(void **state)
{
    (void)state;
    model m;
    parameters p;
    const uint32_t falls[] = {1, 2, 1}, outside[] = {0, 1, ITEMS};
    assert_ok(model_create(rt, 3, &m, err));
    parameters_init(rt, &p);
    parameter *wide = parameters_add(&p, "wide", shape_2(ITEMS, 7), PARAMETER_ROWS, initial_one);
    parameter *few = parameters_add(&p, "few", shape_2(4, 1), PARAMETER_ROWS, initial_one);
    assert_ok(parameters_allocate(rt, &p, 1, err));
    const bpr_rows good = triples_of(&m);
#define REFUSED(field, wrong, status, message)                            \
    do {                                                                  \
        bpr_rows of = good;                                               \
        of.field = wrong;                                                 \
        graph_begin(m.g, (graph_place){0});                               \
        assert_ptr_equal(graph_bpr_rows(m.g, &of, 0), graph_poison(m.g)); \
        assert_fails(graph_status(m.g, err), status, message);            \
    } while (0)
    REFUSED(user, falls, MEDLEY_E_ARGUMENT, "bpr_rows: users of triples 0 to 2 do not ascend");
    REFUSED(negative, outside, MEDLEY_E_ARGUMENT, "bpr_rows: row 500 of 'item' (place 2) is not below 500");
    REFUSED(q, wide, MEDLEY_E_SHAPE, "bpr_rows: rows of [700,24] and [500,7]: widths 24 and 7 differ");
    REFUSED(c, few, MEDLEY_E_SHAPE, "bpr_rows: biases [4,1] of rows of [500,24]: accepted is [500,1]");
    REFUSED(count, 0, MEDLEY_E_SHAPE, "bpr_rows: of no triples");
    graph_begin(m.g, (graph_place){0});
    static const real numbers[2 * WIDTH];
    static const uint32_t beyond[] = {0, 2, 1};
    bpr_rows of = good;
    of.t = m.user;
    of.e = graph_input(m.g, shape_2(2, WIDTH - 1), numbers);
    of.e_positive = of.e_negative = beyond;
    assert_ptr_equal(graph_bpr_rows(m.g, &of, 0), graph_poison(m.g));
    assert_fails(graph_status(m.g, err), MEDLEY_E_SHAPE,
                 "bpr_rows: rows of [700,24] and of [2,23]: accepted is [*,24]");
    graph_begin(m.g, (graph_place){0});
    of.e = graph_input(m.g, shape_2(2, WIDTH), numbers);
    assert_ptr_equal(graph_bpr_rows(m.g, &of, 0), graph_poison(m.g));
    assert_fails(graph_status(m.g, err), MEDLEY_E_ARGUMENT, "bpr_rows: row 2 of [2,24]");
    parameters_release(&p);
    model_end(&m);
}

static void note_touch(void *context, parameter *p, const uint32_t *row, int64_t count)
{
    char *seen = context;
    (void)row;
    number_print(seen + strlen(seen), 100 - strlen(seen), "%s %lld; ", p->name, (long long)count);
}

static void test_rows_are_touched_before_they_are_read(void **state)
{
    (void)state;
    char seen[100] = "";
    model m;
    assert_ok(model_create(rt, 3, &m, err));
    graph_on_touch(m.g, note_touch, seen);
    const bpr_rows of = triples_of(&m);
    graph_begin(m.g, (graph_place){0});
    graph_bpr_rows(m.g, &of, 0);
    assert_string_equal(seen, "user 3; item 3; bias 3; item 3; bias 3; ");
    model_end(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_equals_the_ops_it_is_made_of),
        cmocka_unit_test(test_a_step_is_the_same_bits_for_any_number_of_threads),
        cmocka_unit_test(test_a_warm_step_allocates_nothing),
        cmocka_unit_test(test_every_failing_allocation_is_reported_and_leaks_nothing),
        cmocka_unit_test(test_what_does_not_fit_is_refused_by_name),
        cmocka_unit_test(test_rows_are_touched_before_they_are_read),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
