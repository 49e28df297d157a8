#include "testing.h"

#include "autograd/ops.h"

enum { ITEMS = 50, DEPTH = 5, ROWS = 70, SAMPLES = 33 };

static test_memory memory;
static medley_runtime *rt;

/* A table, and a batch that meets accidental hits. */
typedef struct world {
    parameters all;
    parameter *table;
    real x[ROWS * DEPTH], log_q[ITEMS];
    uint32_t target[ROWS], sample[SAMPLES];
} world;

static medley_status world_make(const medley_runtime *by, world *w, medley_error *err)
{
    parameters_init(by, &w->all);
    w->table =
        parameters_add(&w->all, "item", shape_2(ITEMS, DEPTH), PARAMETER_ROWS, (initial){INITIAL_UNIFORM, -1, 1});
    for (int i = 0; i < ROWS * DEPTH; i++)
        w->x[i] = (real)(random_uniform(1, 1, (uint64_t)i) * 2 - 1);
    for (int i = 0; i < ITEMS; i++)
        w->log_q[i] = (real)-random_uniform(1, 2, (uint64_t)i) * 5;
    for (int i = 0; i < ROWS; i++)
        w->target[i] = (uint32_t)(random_bits(1, 3, (uint64_t)i) % ITEMS);
    for (int i = 0; i < SAMPLES; i++)
        w->sample[i] = (uint32_t)(random_bits(1, 4, (uint64_t)i) % ITEMS);
    return parameters_allocate(by, &w->all, 1, err);
}

static double plain_logit(const world *w, int row, uint32_t item, bool with_log_q)
{
    double logit = with_log_q ? -w->log_q[item] : 0;
    for (int d = 0; d < DEPTH; d++)
        logit += (double)w->x[row * DEPTH + d] * w->table->value[item * DEPTH + d];
    return logit;
}

static double plain(const world *w, bool with_log_q)
{
    double loss = 0;
    for (int b = 0; b < ROWS; b++) {
        const double own = plain_logit(w, b, w->target[b], with_log_q);
        double sum = exp(own);
        for (int j = 0; j < SAMPLES; j++)
            sum += w->sample[j] == w->target[b] ? 0 : exp(plain_logit(w, b, w->sample[j], with_log_q));
        loss += (log(sum) - own) / ROWS;
    }
    return loss;
}

static medley_status run(const medley_runtime *by, const world *w, bool with_log_q, real *loss, real *dx,
                         medley_error *err)
{
    graph *g = NULL;
    TRY(graph_create(by, &g, err));
    graph_begin(g, (graph_place){.training = true});
    node *x = graph_variable(g, shape_2(ROWS, DEPTH), w->x);
    node *l = graph_sampled_softmax(g, x, w->table, w->target, w->sample, SAMPLES, with_log_q ? w->log_q : NULL);
    const medley_status status = graph_backward(g, l, err);
    if (status == MEDLEY_OK) {
        *loss = l->value[0];
        memcpy(dx, x->grad, ROWS * DEPTH * sizeof(real));
        memcpy(dx + ROWS * DEPTH, w->table->rows.value, (size_t)(w->table->rows.count * DEPTH) * sizeof(real));
    }
    graph_free(g);
    return status;
}

static void test_the_loss_is_that_of_its_definition(void **state)
{
    (void)state;
    world w;
    assert_ok(world_make(rt, &w, err));
    for (int with_log_q = 0; with_log_q < 2; with_log_q++) {
        real loss, grad[(ROWS + ITEMS) * DEPTH];
        assert_ok(run(rt, &w, with_log_q, &loss, grad, err));
        assert_true(fabs(loss - plain(&w, with_log_q)) < 1e-5);
    }
    parameters_release(&w.all);
}

static void test_threads_do_not_change_a_bit_of_it(void **state)
{
    (void)state;
    static real grad[3][(ROWS + ITEMS) * DEPTH];
    real loss[3];
    for (int i = 0; i < 3; i++) {
        test_memory other_memory;
        medley_runtime *other = test_runtime(&other_memory, 1 << i);
        world w;
        assert_ok(world_make(other, &w, err));
        assert_ok(run(other, &w, true, &loss[i], grad[i], err));
        parameters_release(&w.all);
        test_runtime_end(other, &other_memory);
        assert_true(loss[i] == loss[0]);
        assert_memory_equal(grad[i], grad[0], sizeof grad[0]);
    }
}

static medley_status all_of_it(medley_error *err)
{
    world w;
    real loss, grad[(ROWS + ITEMS) * DEPTH];
    medley_status status = world_make(rt, &w, err);
    if (status == MEDLEY_OK)
        status = run(rt, &w, true, &loss, grad, err);
    parameters_release(&w.all);
    return status;
}

static void test_every_allocation_may_fail(void **state)
{
    (void)state;
    BRUTAL(rt, &memory, all_of_it(err), (void)0);
}

static medley_status refused(shape x_shape, uint32_t target, uint32_t sample, medley_error *err)
{
    world w;
    graph *g;
    TRY(world_make(rt, &w, err));
    TRY(graph_create(rt, &g, err));
    graph_begin(g, (graph_place){.training = true});
    w.target[1] = target;
    w.sample[2] = sample;
    node *loss =
        graph_sampled_softmax(g, graph_variable(g, x_shape, w.x), w.table, w.target, w.sample, SAMPLES, NULL);
    const medley_status status = graph_backward(g, loss, err);
    graph_free(g);
    parameters_release(&w.all);
    return status;
}

static void test_shapes_and_items_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    assert_fails(refused(shape_2(7, 4), 0, 0, err), MEDLEY_E_SHAPE,
                 "sampled_softmax: x [7,4], table [50,5]: not [B,D] and [I,D]");
    assert_fails(refused(shape_2(0, 5), 0, 0, err), MEDLEY_E_SHAPE, "sampled_softmax: x [0,5]");
    assert_fails(refused(shape_2(7, 5), 50, 0, err), MEDLEY_E_ARGUMENT,
                 "sampled_softmax: target of row 1: item 50 is not below 50");
    assert_fails(refused(shape_2(7, 5), 0, 99, err), MEDLEY_E_ARGUMENT,
                 "sampled_softmax: sample 2: item 99 is not below 50");
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
        cmocka_unit_test(test_the_loss_is_that_of_its_definition),
        cmocka_unit_test(test_threads_do_not_change_a_bit_of_it),
        cmocka_unit_test(test_every_allocation_may_fail),
        cmocka_unit_test(test_shapes_and_items_that_do_not_fit_are_refused),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
