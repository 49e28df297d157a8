/* Studies, and every strategy of searches.def in them, on functions whose optimum is known. */
#include "train/study.h"

#include <math.h>

#include "fixture.h"

typedef struct toy_params {
    int64_t count;
    double rate, l2;
    int kind;
} toy_params;

static const medley_param table[] = {
    MEDLEY_INT(toy_params, count, "4", 1, 1000, .sweep = "1..200", .help = ""),
    MEDLEY_REAL(toy_params, rate, "0.5", 0, 1, .sweep = "0..1", .help = ""),
    MEDLEY_REAL(toy_params, l2, "1", 1e-6, 1e6, .sweep = "log:1e-3..1e3", .help = ""),
    MEDLEY_ENUM(toy_params, kind, "b", "a|b|c|d", .sweep = "a,b,c,d", .help = ""),
    MEDLEY_PARAMS_END,
};

/* What judges: a value, and which trials fail or end the study. */
typedef struct toy {
    const search_space *space;
    int64_t fails_every, ends_at;
    _Atomic int64_t judged;
} toy;

/* 0 at rate 0.7, l2 30, count 150, kind c; smaller elsewhere. */
static medley_status judge(void *context, const medley_runtime *own, int64_t trial, const double *point,
                           study_trial *out, medley_error *err)
{
    toy *t = context;
    toy_params p;
    medley_params_reset(table, &p);
    t->judged++;
    assert_null(own->progress);
    TRY(search_space_set(t->space, point, &p, err));
    *out = (study_trial){.status = MEDLEY_OK, .seconds = 1};
    if (t->ends_at > 0 && trial == t->ends_at)
        return fail(err, MEDLEY_E_IO, "the disk is full");
    if (t->fails_every > 0 && trial % t->fails_every == 0) {
        out->status = MEDLEY_E_LIMIT;
        return MEDLEY_OK;
    }
    const double rate = p.rate - 0.7, l2 = log10(p.l2 / 30) / 3, count = ((double)p.count - 150) / 100;
    out->value = -(rate * rate + l2 * l2 + count * count + (p.kind == 2 ? 0 : 0.3));
    return MEDLEY_OK;
}

static const search_class *strategy(const char *name)
{
    for (const search_class *const *c = search_classes; *c != NULL; c++)
        if (strcmp((*c)->name, name) == 0)
            return *c;
    fail_msg("no strategy '%s'", name);
    return NULL;
}

/* The whole space, or that of one row. */
static search_space toy_space(const char *name, const char *words)
{
    search_space s;
    search_space_init(&s, rt);
    if (name == NULL)
        assert_ok(search_space_add_table(&s, table, err));
    else
        assert_ok(search_space_add(&s, medley_param_find(table, name), words, err));
    return s;
}

static _Alignas(16) char values[256];

static study_job toy_job(const char *name, toy *t, uint64_t seed, int64_t budget)
{
    const search_class *c = strategy(name);
    assert_true(c->params_size <= sizeof values);
    medley_params_reset(c->params, values);
    return (study_job){.phase = "trials",
                       .search = c,
                       .search_params = values,
                       .space = t->space,
                       .seed = seed,
                       .budget = budget,
                       .more_is_better = true,
                       .judge = judge,
                       .context = t};
}

static void assert_same(const study *a, const study *b, const search_space *s)
{
    assert_int_equal(a->count, b->count);
    assert_int_equal(a->best, b->best);
    assert_memory_equal(a->points, b->points, (size_t)(a->count * s->count) * sizeof *a->points);
    for (int64_t i = 0; i < a->count; i++) {
        assert_int_equal(a->trials[i].status, b->trials[i].status);
        assert_true(a->trials[i].value == b->trials[i].value);
    }
}

static void test_every_strategy_stays_inside_and_repeats_nothing(void **state)
{
    (void)state;
    for (const search_class *const *c = search_classes; *c != NULL; c++)
        for (uint64_t seed = 0; seed < 3; seed++) {
            search_space s = toy_space(NULL, NULL);
            toy t = {.space = &s, .fails_every = 7};
            const study_job job = toy_job((*c)->name, &t, seed, 50);
            study got;
            assert_ok(study_run(rt, &job, &got, err));
            assert_int_equal(got.count, 50);
            assert_false(got.whole);
            for (int64_t i = 0; i < 50; i++) {
                const double *x = got.points + 4 * i;
                assert_true(x[0] >= 1 && x[0] <= 200 && x[0] == floor(x[0]));
                assert_true(x[1] >= 0 && x[1] <= 1 && x[2] >= 1e-3 && x[2] <= 1e3);
                assert_true(x[3] >= 0 && x[3] <= 3 && x[3] == floor(x[3]));
                for (int64_t j = 0; j < i; j++)
                    assert_false(search_space_equal(&s, x, got.points + 4 * j));
            }
            study_release(&got);
            search_space_release(&s);
        }
}

static void test_a_study_is_the_same_for_any_threads_and_another_for_another_seed(void **state)
{
    (void)state;
    for (const search_class *const *c = search_classes; *c != NULL; c++) {
        search_space s = toy_space(NULL, NULL);
        toy t = {.space = &s, .fails_every = 5};
        study_job job = toy_job((*c)->name, &t, 3, 30);
        study want, other;
        assert_ok(study_run(rt, &job, &want, err));
        for (int threads = 1; threads <= 4; threads *= 2)
            for (int at_once = 0; at_once < 2; at_once++) {
                test_memory own;
                medley_runtime *many = test_runtime(&own, threads);
                study got;
                job.at_once = at_once;
                assert_ok(study_run(many, &job, &got, err));
                assert_same(&got, &want, &s);
                study_release(&got);
                test_runtime_end(many, &own);
            }
        job.seed = 4;
        assert_ok(study_run(rt, &job, &other, err));
        assert_memory_not_equal(want.points, other.points, 30 * 4 * sizeof *want.points);
        study_release(&other);
        study_release(&want);
        search_space_release(&s);
    }
}

static void test_more_trials_begin_with_the_same_ones(void **state)
{
    (void)state;
    for (const search_class *const *c = search_classes; *c != NULL; c++) {
        search_space s = toy_space(NULL, NULL);
        toy t = {.space = &s};
        study_job job = toy_job((*c)->name, &t, 3, 24);
        study few, many;
        assert_ok(study_run(rt, &job, &few, err));
        job.budget = 40;
        assert_ok(study_run(rt, &job, &many, err));
        assert_memory_equal(few.points, many.points, 24 * 4 * sizeof *few.points);
        study_release(&few);
        study_release(&many);
        search_space_release(&s);
    }
}

static void test_a_space_of_no_more_points_than_the_budget_is_tried_whole(void **state)
{
    (void)state;
    for (const search_class *const *c = search_classes; *c != NULL; c++) {
        search_space s = toy_space("kind", "all");
        toy t = {.space = &s};
        study_job job = toy_job((*c)->name, &t, 0, 4);
        study got;
        assert_ok(search_space_add(&s, medley_param_find(table, "count"), "100..102", err));
        job.budget = 20;
        assert_ok(study_run(rt, &job, &got, err));
        assert_int_equal(got.count, 12);
        assert_true(got.whole);
        for (int64_t i = 0; i < 12; i++) /* in order */
            assert_true(got.points[2 * i] == (double)(i / 3) && got.points[2 * i + 1] == (double)(100 + i % 3));
        assert_int_equal(got.best, 8); /* c, 102 */
        study_release(&got);
        job.budget = 12;
        assert_ok(study_run(rt, &job, &got, err));
        assert_true(got.count == 12 && got.whole);
        study_release(&got);
        job.budget = 11;
        assert_ok(study_run(rt, &job, &got, err));
        assert_int_equal(got.count, 11);
        assert_false(got.whole);
        study_release(&got);
        search_space_release(&s);
    }
}

static medley_status judge_all_alike(void *context, const medley_runtime *own, int64_t trial, const double *point,
                                     study_trial *out, medley_error *err)
{
    (void)context, (void)own, (void)trial, (void)point, (void)err;
    *out = (study_trial){.status = MEDLEY_OK, .value = 0.5};
    return MEDLEY_OK;
}

static void test_of_equal_trials_the_first_is_best(void **state)
{
    (void)state;
    search_space s = toy_space(NULL, NULL);
    toy t = {.space = &s};
    study_job job = toy_job("tpe", &t, 0, 20);
    study got;
    job.judge = judge_all_alike;
    assert_ok(study_run(rt, &job, &got, err));
    assert_int_equal(got.best, 0);
    study_release(&got);
    search_space_release(&s);
}

static void test_a_space_of_nothing_is_one_trial(void **state)
{
    (void)state;
    search_space s;
    search_space_init(&s, rt);
    toy t = {.space = &s};
    const study_job job = toy_job("tpe", &t, 0, 20);
    study got;
    assert_ok(study_run(rt, &job, &got, err));
    assert_true(got.count == 1 && got.whole && got.best == 0);
    study_release(&got);
    search_space_release(&s);
}

static void test_a_grid_takes_ranges_as_their_points(void **state)
{
    (void)state;
    search_space s = toy_space("rate", NULL);
    toy t = {.space = &s};
    const study_job job = toy_job("grid", &t, 0, 20);
    study got;
    assert_ok(study_run(rt, &job, &got, err));
    assert_int_equal(got.count, 5);
    assert_true(got.whole);
    for (int64_t i = 0; i < 5; i++)
        assert_true(got.points[i] == 0.25 * (double)i);
    assert_int_equal(got.best, 3); /* 0.75 is nearest to 0.7 */
    study_release(&got);
    search_space_release(&s);
}

/* The mean over seeds of the best value after 40 trials. */
static double mean_best(const char *name)
{
    enum { SEEDS = 20 };
    double sum = 0;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        search_space s = toy_space(NULL, NULL);
        toy t = {.space = &s};
        const study_job job = toy_job(name, &t, seed, 40);
        study got;
        assert_ok(study_run(rt, &job, &got, err));
        sum += got.trials[got.best].value;
        study_release(&got);
        search_space_release(&s);
    }
    return sum / SEEDS;
}

static void test_tpe_comes_nearer_to_an_optimum_than_random(void **state)
{
    (void)state;
    const double random = mean_best("random"), tpe = mean_best("tpe");
    if (tpe <= 0.5 * random) /* both are below 0, the optimum */
        fail_msg("tpe %g, random %g", tpe, random);
}

static void test_less_can_be_better(void **state)
{
    (void)state;
    search_space s = toy_space("rate", NULL);
    toy t = {.space = &s};
    study_job job = toy_job("tpe", &t, 0, 30);
    study got;
    job.more_is_better = false; /* then the farthest from 0.7 */
    assert_ok(study_run(rt, &job, &got, err));
    assert_true(got.points[got.best] < 0.02);
    study_release(&got);
    search_space_release(&s);
}

static void test_failed_trials_are_never_best_and_all_may_fail(void **state)
{
    (void)state;
    for (const search_class *const *c = search_classes; *c != NULL; c++) {
        search_space s = toy_space(NULL, NULL);
        toy t = {.space = &s, .fails_every = 2};
        const study_job job = toy_job((*c)->name, &t, 1, 20);
        study got;
        assert_ok(study_run(rt, &job, &got, err));
        assert_int_equal(got.best % 2, 1);
        for (int64_t i = 0; i < got.count; i++) {
            assert_int_equal(got.trials[i].status, i % 2 == 0 ? MEDLEY_E_LIMIT : MEDLEY_OK);
            assert_true(i % 2 == 0 || got.trials[i].value <= got.trials[got.best].value);
        }
        study_release(&got);
        t.fails_every = 1;
        assert_ok(study_run(rt, &job, &got, err));
        assert_true(got.count == 20 && got.best == -1);
        study_release(&got);
        search_space_release(&s);
    }
}

static void test_what_is_no_fault_of_a_trial_ends_the_study(void **state)
{
    (void)state;
    search_space s = toy_space(NULL, NULL);
    toy t = {.space = &s, .ends_at = 9};
    const study_job job = toy_job("tpe", &t, 1, 20);
    study got;
    assert_fails(study_run(rt, &job, &got, err), MEDLEY_E_IO, "the disk is full");
    assert_int_equal(t.judged, 10);
    study_release(&got);
    search_space_release(&s);
}

static bool stop_at(void *context, const char *phase, int64_t done, int64_t total)
{
    assert_string_equal(phase, "trials");
    assert_int_equal(total, 20);
    return done < *(int64_t *)context;
}

static void test_stopping_waits_for_the_trial_that_runs(void **state)
{
    (void)state;
    search_space s = toy_space(NULL, NULL);
    toy t = {.space = &s};
    const study_job job = toy_job("random", &t, 1, 20);
    int64_t limit = 6;
    study got;
    rt->progress = stop_at;
    rt->progress_context = &limit;
    assert_fails(study_run(rt, &job, &got, err), MEDLEY_E_STOPPED, "stopped while trials (6 of 20)");
    rt->progress = NULL;
    assert_int_equal(t.judged, 6);
    study_release(&got);
    search_space_release(&s);
}

static medley_status walk(const study_job *job, medley_error *err)
{
    study got;
    const medley_status status = study_run(rt, job, &got, err);
    study_release(&got);
    return status;
}

static void test_every_failing_allocation_is_reported_and_leaks_nothing(void **state)
{
    (void)state;
    for (const search_class *const *c = search_classes; *c != NULL; c++) {
        search_space s = toy_space(NULL, NULL);
        toy t = {.space = &s};
        const study_job job = toy_job((*c)->name, &t, 1, 14);
        BRUTAL(rt, &memory, walk(&job, err), (void)0);
        search_space_release(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_strategy_stays_inside_and_repeats_nothing),
        cmocka_unit_test(test_a_study_is_the_same_for_any_threads_and_another_for_another_seed),
        cmocka_unit_test(test_more_trials_begin_with_the_same_ones),
        cmocka_unit_test(test_a_space_of_no_more_points_than_the_budget_is_tried_whole),
        cmocka_unit_test(test_of_equal_trials_the_first_is_best),
        cmocka_unit_test(test_a_space_of_nothing_is_one_trial),
        cmocka_unit_test(test_a_grid_takes_ranges_as_their_points),
        cmocka_unit_test(test_tpe_comes_nearer_to_an_optimum_than_random),
        cmocka_unit_test(test_less_can_be_better),
        cmocka_unit_test(test_failed_trials_are_never_best_and_all_may_fail),
        cmocka_unit_test(test_what_is_no_fault_of_a_trial_ends_the_study),
        cmocka_unit_test(test_stopping_waits_for_the_trial_that_runs),
        cmocka_unit_test(test_every_failing_allocation_is_reported_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
