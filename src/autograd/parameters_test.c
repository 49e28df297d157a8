#include "testing.h"

#include <math.h>
#include <string.h>

#include "autograd/parameters.h"

#include "fixture.h"

/* w dense, e a table, b dense. */
static medley_status declare(parameters *p, uint64_t seed, medley_error *err)
{
    parameters_init(rt, p);
    parameters_add(p, "w", shape_2(3, 5), PARAMETER_DENSE, initial_xavier_uniform);
    parameters_add(p, "e", shape_2(1000, 7), PARAMETER_ROWS, (initial){INITIAL_NORMAL, 2, 0.5});
    parameters_add(p, "b", shape_1(3), PARAMETER_DENSE, initial_one)->decays = false;
    return parameters_allocate(rt, p, seed, err);
}

static void test_dense_ones_come_first_and_each_starts_a_cache_line(void **state)
{
    (void)state;
    parameters p;
    assert_ok(declare(&p, 1, err));
    const parameter *w = p.list[0], *e = p.list[1], *b = p.list[2];
    assert_int_equal(p.count, 3);
    assert_int_equal(w->offset, 0);
    assert_int_equal(b->offset, 16);
    assert_int_equal(e->offset, 32);
    assert_int_equal(p.grads_count, 32);
    assert_int_equal(p.values_count, 32 + 7008);
    assert_int_equal(parameters_bytes(&p), (32 + 32 + 7008) * (int64_t)sizeof(real));
    for (int i = 0; i < 3; i++) {
        assert_int_equal((uintptr_t)p.list[i]->value % (16 * sizeof(real)), 0);
        assert_ptr_equal(p.list[i]->value, p.values + p.list[i]->offset);
        assert_int_equal(p.list[i]->index, i);
    }
    assert_ptr_equal(b->grad, p.grads + 16);
    assert_null(e->grad);
    assert_true(w->decays && !b->decays);
    for (int i = 0; i < p.grads_count; i++)
        assert_true(p.grads[i] == 0);
    assert_true(p.values[15] == 0 && p.values[19] == 0); /* padding */
    parameters_release(&p);
}

static void test_parameters_are_found_by_name(void **state)
{
    (void)state;
    parameters p;
    char name[] = "late";
    assert_ok(declare(&p, 1, err));
    parameters_release(&p);
    parameters_init(rt, &p);
    const parameter *late = parameters_add(&p, name, shape_scalar(), PARAMETER_DENSE, initial_zero);
    name[0] = 'd';
    assert_ptr_equal(parameters_find(&p, "late"), late);
    assert_null(parameters_find(&p, "date"));
    parameters_release(&p);
    assert_null(parameters_find(&p, "late"));
}

static void moments(const parameter *p, double *mean, double *deviation, double *least, double *most)
{
    const int64_t count = shape_count(p->shape);
    double sum = 0, squares = 0;
    *least = INFINITY, *most = -INFINITY;
    for (int64_t i = 0; i < count; i++) {
        sum += (double)p->value[i];
        squares += (double)p->value[i] * (double)p->value[i];
        *least = fmin(*least, (double)p->value[i]);
        *most = fmax(*most, (double)p->value[i]);
    }
    *mean = sum / (double)count;
    *deviation = sqrt(squares / (double)count - *mean * *mean);
}

static void test_values_start_by_the_laws_of_their_papers(void **state)
{
    (void)state;
    /* [out, in] = [300, 200] */
    static const struct {
        initial start;
        double mean, deviation, low, high;
    } laws[] = {
        {{INITIAL_CONSTANT, -2, 0}, -2, 0, -2, -2},
        {{INITIAL_UNIFORM, 1, 4}, 2.5, 0.8660, 1, 4},
        {{INITIAL_NORMAL, 3, 0.1}, 3, 0.1, 2.4, 3.6},
        {{INITIAL_XAVIER_UNIFORM, 1, 0}, 0, 0.063246, -0.109545, 0.109545},  /* sqrt(6 / 500) */
        {{INITIAL_XAVIER_NORMAL, 2, 0}, 0, 0.126491, -0.8, 0.8},             /* 2 sqrt(2 / 500) */
        {{INITIAL_KAIMING_UNIFORM, 1, 0}, 0, 0.070711, -0.122475, 0.122475}, /* sqrt(3 / 200) */
        {{INITIAL_KAIMING_NORMAL, 1.4142136, 0}, 0, 0.1, -0.6, 0.6},         /* sqrt(2 / 200) */
    };
    for (size_t i = 0; i < sizeof laws / sizeof laws[0]; i++) {
        parameters p;
        parameters_init(rt, &p);
        const parameter *w = parameters_add(&p, "w", shape_2(300, 200), PARAMETER_DENSE, laws[i].start);
        assert_ok(parameters_allocate(rt, &p, 9, err));
        double mean, deviation, least, most;
        moments(w, &mean, &deviation, &least, &most);
        const double slack = 0.02 * laws[i].deviation + 1e-6;
        if (fabs(mean - laws[i].mean) > slack || fabs(deviation - laws[i].deviation) > slack ||
            least < laws[i].low - 1e-6 || most > laws[i].high + 1e-6)
            fail_msg("law %zu: mean %g, deviation %g, %g .. %g", i, mean, deviation, least, most);
        parameters_release(&p);
    }
}

static void test_values_depend_on_seed_and_name_but_not_on_the_others_or_on_threads(void **state)
{
    (void)state;
    parameters p, q;
    assert_ok(declare(&p, 4, err));
    test_memory other_memory;
    medley_runtime *four = test_runtime(&other_memory, 4);
    parameters_init(four, &q);
    const parameter *other = parameters_add(&q, "f", shape_2(1000, 7), PARAMETER_ROWS, p.list[1]->start);
    const parameter *same = parameters_add(&q, "e", shape_2(5000, 7), PARAMETER_ROWS, p.list[1]->start);
    assert_ok(parameters_allocate(four, &q, 4, err));
    assert_memory_equal(same->value, p.list[1]->value, 7000 * sizeof(real));
    assert_memory_not_equal(other->value, p.list[1]->value, 100 * sizeof(real));
    assert_memory_not_equal(same->value + 16384, same->value, 100 * sizeof(real));
    parameters_release(&q);
    test_runtime_end(four, &other_memory);
    assert_ok(declare(&q, 5, err));
    assert_memory_not_equal(q.list[1]->value, p.list[1]->value, 100 * sizeof(real));
    parameters_release(&q);
    parameters_release(&p);
}

static void test_a_failing_declaration_is_told_when_all_are_allocated(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        shape s;
        parameter_kind kind;
        medley_status status;
        const char *message;
    } bad[] = {
        {"a",
         {2, {4, 0}},
         PARAMETER_DENSE,
         MEDLEY_E_SHAPE,
         "parameter 'a': [4,0] has a size below 1 or is beyond memory"},
        {"b", {1, {-3}}, PARAMETER_DENSE, MEDLEY_E_SHAPE, "parameter 'b': [-3] has a size below 1"},
        {"c", {2, {INT64_MAX, 2}}, PARAMETER_DENSE, MEDLEY_E_SHAPE, "is beyond memory"},
        {"d", {2, {1 << 30, 1 << 30}}, PARAMETER_DENSE, MEDLEY_E_SHAPE, "is beyond memory"},
        {"e", {1, {3}}, PARAMETER_ROWS, MEDLEY_E_SHAPE, "parameter 'e': [3] is no table: [rows, D]"},
        {"f", {2, {INT64_C(1) << 33, 1}}, PARAMETER_ROWS, MEDLEY_E_SHAPE, "[8589934592,1] is no table"},
        {"first", {1, {3}}, PARAMETER_DENSE, MEDLEY_E_ARGUMENT, "parameter 'first' is declared twice"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        parameters p;
        parameters_init(rt, &p);
        parameters_add(&p, "first", shape_1(2), PARAMETER_DENSE, initial_zero);
        parameters_add(&p, bad[i].name, bad[i].s, bad[i].kind, initial_zero)->decays = false;
        assert_non_null(parameters_add(&p, "last", shape_1(0), PARAMETER_DENSE, initial_zero));
        assert_fails(parameters_allocate(rt, &p, 1, err), bad[i].status, bad[i].message);
        parameters_release(&p);
    }
}

static void test_too_many_are_refused(void **state)
{
    (void)state;
    parameters p;
    char name[16];
    parameters_init(rt, &p);
    for (int i = 0; i <= PARAMETERS_MOST; i++) {
        snprintf(name, sizeof name, "p%d", i);
        parameters_add(&p, name, shape_1(1), PARAMETER_DENSE, initial_zero);
    }
    assert_fails(parameters_allocate(rt, &p, 1, err), MEDLEY_E_LIMIT,
                 "parameter 'p512': there are 512 already, the most");
    parameters_release(&p);
}

static medley_status declare_and_release(medley_error *err)
{
    parameters p;
    const medley_status status = declare(&p, 1, err);
    parameters_release(&p);
    return status;
}

static void test_every_failing_allocation_is_reported_and_leaks_nothing(void **state)
{
    (void)state;
    BRUTAL(rt, &memory, declare_and_release(err), (void)0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dense_ones_come_first_and_each_starts_a_cache_line),
        cmocka_unit_test(test_parameters_are_found_by_name),
        cmocka_unit_test(test_values_start_by_the_laws_of_their_papers),
        cmocka_unit_test(test_values_depend_on_seed_and_name_but_not_on_the_others_or_on_threads),
        cmocka_unit_test(test_a_failing_declaration_is_told_when_all_are_allocated),
        cmocka_unit_test(test_too_many_are_refused),
        cmocka_unit_test(test_every_failing_allocation_is_reported_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
