#include "testing.h"

#include <math.h>

#include "tensor/work.h"

#include "fixture.h"

/* 6 of one thread alone wait for the others: 2 threads do 10 + 6 x 2 at 4 a second, and 3 at 6. */
static void test_seconds_are_work_over_rates(void **state)
{
    (void)state;
    workload w = {0};
    work_rates rates = {.a_second = {1, 6, 4, 1}, .threads = 2};
    assert_true(work_seconds(&w, &rates) == 0);
    w.shared[WORK_UPDATES] = 10;
    w.alone[WORK_UPDATES] = 6;
    w.shared[WORK_DOUBLE] = 3;
    assert_true(work_seconds(&w, &rates) == 6);
}

static void test_every_kind_has_a_rate_and_a_name(void **state)
{
    (void)state;
    work_rates rates;
    assert_ok(work_measure(rt, &rates, err));
    assert_int_equal(rates.threads, 1);
    for (int kind = 0; kind < WORK_KINDS; kind++) {
        assert_true(isfinite(rates.a_second[kind]) && rates.a_second[kind] > 1e5);
        assert_non_null(work_names[kind]);
    }
}

static void test_a_failed_allocation_leaves_nothing(void **state)
{
    (void)state;
    work_rates rates;
    BRUTAL(rt, &memory, work_measure(rt, &rates, err), (void)0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_seconds_are_work_over_rates, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_every_kind_has_a_rate_and_a_name, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_failed_allocation_leaves_nothing, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
