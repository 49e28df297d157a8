#include "eval/evaluation_interval.h"

#include <math.h>

#include "testing.h"

enum { USERS = 300, COLUMNS = 4 };

static const bootstrap_options options = {.resamples = 500, .level = 0.95, .seed = 7};

static const metric_class *metric_named(const char *name)
{
    for (int i = 0; metric_classes[i] != NULL; i++)
        if (strcmp(metric_classes[i]->name, name) == 0)
            return metric_classes[i];
    fail_msg("no metric %s", name);
    return NULL;
}

/* A plain mean, one that half of the users define, a ratio of sums (the same for all users), one of all lists. */
typedef struct problem {
    metric_column columns[COLUMNS];
    double per_user[USERS * COLUMNS], sums[USERS * COLUMNS * METRIC_SUMS], plain[USERS];
} problem;

static void fill(problem *p)
{
    *p = (problem){.columns = {{metric_named("ndcg"), 10},
                               {metric_named("diversity"), 10},
                               {metric_named("gauc"), 0},
                               {metric_named("gini"), 10}}};
    for (uint64_t u = 0; u < USERS; u++) {
        double *row = p->per_user + u * COLUMNS, *sums = p->sums + (u * COLUMNS + 2) * METRIC_SUMS;
        row[0] = p->plain[u] = random_uniform(1, 0, u);
        row[1] = u % 2 == 0 ? random_uniform(2, 0, u) : NAN;
        row[2] = 0.25;
        row[3] = NAN;
        sums[1] = 1 + (double)(u % 5);
        sums[0] = 0.25 * sums[1];
    }
}

static void find(const problem *p, int threads, interval *out)
{
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, threads);
    assert_ok(evaluation_intervals(rt, p->columns, COLUMNS, p->per_user, p->sums, USERS, &options, out, err));
    test_runtime_end(rt, &memory);
}

static void test_a_plain_mean_has_the_interval_of_bootstrap_mean(void **state)
{
    (void)state;
    problem p;
    interval got[COLUMNS], want;
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 1);
    fill(&p);
    find(&p, 2, got);
    assert_ok(bootstrap_mean(rt, p.plain, USERS, &options, &want, err));
    assert_true(fabs(got[0].low - want.low) <= 1e-12 && fabs(got[0].high - want.high) <= 1e-12);
    assert_true(want.low < 0.5 && want.high > 0.5 && want.high - want.low < 0.1);
    test_runtime_end(rt, &memory);
}

/* The half that counts is 150 users of a uniform value: 1.96 sqrt(1/12 / 150) to each side. */
static void test_users_without_a_value_are_left_out(void **state)
{
    (void)state;
    problem p;
    interval got[COLUMNS];
    fill(&p);
    find(&p, 1, got);
    const double width = 2 * 1.96 * sqrt(1.0 / 12 / (USERS / 2));
    assert_true(fabs((got[1].high - got[1].low) / width - 1) <= 0.2);
}

static void test_sums_are_resampled_together(void **state)
{
    (void)state;
    problem p;
    interval got[COLUMNS];
    fill(&p);
    find(&p, 1, got);
    assert_true(fabs(got[2].low - 0.25) <= 1e-12 && fabs(got[2].high - 0.25) <= 1e-12);
    assert_true(isnan(got[3].low) && isnan(got[3].high));
}

static void test_what_nobody_defines_has_no_interval(void **state)
{
    (void)state;
    problem p;
    interval got[COLUMNS];
    fill(&p);
    for (int u = 0; u < USERS; u++)
        p.per_user[u * COLUMNS] = NAN;
    find(&p, 1, got);
    assert_true(isnan(got[0].low) && isnan(got[0].high));
}

static void test_any_number_of_threads_gives_the_same_bits(void **state)
{
    (void)state;
    problem p;
    interval one[COLUMNS], many[COLUMNS];
    fill(&p);
    find(&p, 1, one);
    for (int threads = 2; threads <= 4; threads += 2) {
        find(&p, threads, many);
        assert_memory_equal(one, many, 3 * sizeof *one); /* the fourth is not a number */
    }
}

static void test_every_failing_allocation_is_reported(void **state)
{
    (void)state;
    problem p;
    interval got[COLUMNS];
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 1);
    fill(&p);
    BRUTAL(rt, &memory,
           evaluation_intervals(rt, p.columns, COLUMNS, p.per_user, p.sums, USERS, &options, got, err), (void)0);
    test_runtime_end(rt, &memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_plain_mean_has_the_interval_of_bootstrap_mean),
        cmocka_unit_test(test_users_without_a_value_are_left_out),
        cmocka_unit_test(test_sums_are_resampled_together),
        cmocka_unit_test(test_what_nobody_defines_has_no_interval),
        cmocka_unit_test(test_any_number_of_threads_gives_the_same_bits),
        cmocka_unit_test(test_every_failing_allocation_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
