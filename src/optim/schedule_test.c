#include "testing.h"

#include <math.h>

#include "optim/schedule.h"
#include "recorded.h"

static void assert_near(double got, double want)
{
    if (fabs(got - want) > 1e-6 * fabs(want))
        fail_msg("%.9g is not %.9g", got, want);
}

static void assert_recorded(const char *cells, const schedule_options *o, int64_t count, bool by_epochs)
{
    double want[32];
    const schedule_state start = {0};
    recorded_values("schedules.tsv", cells, want, count);
    for (int64_t t = 0; t < count; t++)
        assert_near(schedule_factor(o, &start, by_epochs ? 7 : t, by_epochs ? t : 0), want[t]);
}

static void test_cosine_step_and_warmup_are_pytorchs(void **state)
{
    (void)state;
    const schedule_options cosine = {.kind = SCHEDULE_COSINE, .steps = 20, .floor = 0.1};
    const schedule_options step = {.kind = SCHEDULE_STEP, .every = 3, .gamma = 0.5};
    const schedule_options warmup = {.kind = SCHEDULE_CONSTANT, .warmup = 5};
    assert_recorded("cosine\trate\t", &cosine, 21, false);
    assert_recorded("step\trate\t", &step, 11, true);
    assert_recorded("warmup\trate\t", &warmup, 9, false);
}

static void test_a_plateau_is_pytorchs(void **state)
{
    (void)state;
    enum { COUNT = 40 };
    for (int most = 0; most < 2; most++) {
        double told[COUNT], want[COUNT];
        recorded_values("schedules.tsv", most ? "plateau-max\tvalue\t" : "plateau-min\tvalue\t", told, COUNT);
        recorded_values("schedules.tsv", most ? "plateau-max\trate\t" : "plateau-min\trate\t", want, COUNT);
        const schedule_options o = {
            .kind = SCHEDULE_PLATEAU, .gamma = 0.5, .patience = 2, .threshold = 0.01, .floor = 0.1};
        schedule_state s = {0};
        assert_near(schedule_factor(&o, &s, 0, 0), 1);
        for (int64_t i = 0; i < COUNT; i++) {
            schedule_validated(&o, &s, told[i], most);
            assert_near(schedule_factor(&o, &s, i, i), want[i]);
        }
        assert_int_equal(s.seen, COUNT);
        assert_true(s.reductions > 2);
    }
}

static void test_warmup_multiplies_what_follows(void **state)
{
    (void)state;
    const schedule_state start = {0};
    const schedule_options o = {.kind = SCHEDULE_COSINE, .warmup = 4, .steps = 12, .floor = 0.5};
    const double want[] = {0.25, 0.5, 0.75, 1, 1}; /* the cosine starts behind the warm-up */
    for (int64_t t = 0; t < 5; t++)
        assert_near(schedule_factor(&o, &start, t, 0), want[t]);
    assert_near(schedule_factor(&o, &start, 8, 0), 0.75);
    assert_near(schedule_factor(&o, &start, 12, 0), 0.5);
    assert_near(schedule_factor(&o, &start, 1000, 0), 0.5); /* and stays at its floor */
}

static void test_a_cosine_without_room_ends_at_its_floor(void **state)
{
    (void)state;
    const schedule_state start = {0};
    const schedule_options o = {.kind = SCHEDULE_COSINE, .warmup = 4, .steps = 4, .floor = 0.5};
    assert_near(schedule_factor(&o, &start, 3, 0), 1);
    assert_near(schedule_factor(&o, &start, 4, 0), 0.5);
}

static void test_only_a_plateau_listens_to_validations(void **state)
{
    (void)state;
    const schedule_options o = {.kind = SCHEDULE_CONSTANT, .gamma = 0.5};
    schedule_state s = {0};
    for (int i = 0; i < 5; i++)
        schedule_validated(&o, &s, 1, true);
    assert_int_equal(s.seen, 0);
    assert_near(schedule_factor(&o, &s, 0, 0), 1);
}

static void test_nan_is_no_gain(void **state)
{
    (void)state;
    const schedule_options o = {.kind = SCHEDULE_PLATEAU, .gamma = 0.5, .patience = 1};
    schedule_state s = {0};
    schedule_validated(&o, &s, NAN, true);
    schedule_validated(&o, &s, 3, true);
    assert_int_equal(s.bad, 0);
    assert_true(s.best == 3);
    schedule_validated(&o, &s, NAN, true);
    schedule_validated(&o, &s, NAN, true);
    assert_int_equal(s.reductions, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cosine_step_and_warmup_are_pytorchs),
        cmocka_unit_test(test_a_plateau_is_pytorchs),
        cmocka_unit_test(test_warmup_multiplies_what_follows),
        cmocka_unit_test(test_a_cosine_without_room_ends_at_its_floor),
        cmocka_unit_test(test_only_a_plateau_listens_to_validations),
        cmocka_unit_test(test_nan_is_no_gain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
