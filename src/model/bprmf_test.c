#include "learner_trial.h"

#include "model/triples.h"

extern const model_class model_bprmf;

enum { USERS = 61, ITEMS = 41, FACTORS = 6, BATCH = 40 };

static made_events made;
static tastes world;
static test_memory memory;
static medley_runtime *rt;

static int set_up(void **state)
{
    (void)state;
    rt = test_runtime(&memory, 2);
    make_events(&made, USERS, ITEMS, 8);
    make_tastes(&world, 0.1);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    test_runtime_end(rt, &memory);
    return 0;
}

/* x_ui = <w_u, h_i> + b_i */
static double score(const learner_trial *t, bool biased, int64_t u, int64_t i)
{
    return inner_product(learner_values(t, "user") + u * FACTORS, learner_values(t, "item") + i * FACTORS,
                         FACTORS) +
           (biased ? (double)learner_values(t, "bias")[i] : 0);
}

static double square(const real *row, int64_t width)
{
    return inner_product(row, row, width);
}

static void test_scores_and_losses_are_as_the_equations_say(void **state)
{
    (void)state;
    for (int biased = 0; biased < 2; biased++) {
        fit_case c;
        learner_trial t;
        double want = 0;
        FIT_CASE(&c, &model_bprmf, made.view, USERS, ITEMS, "factors", "6", "regularization", "0.2", "init", "0.7",
                 "item_bias", biased ? "true" : "false");
        assert_ok(learner_trial_begin(rt, &c, &t, err));
        for (int64_t i = 0; biased && i < ITEMS; i++)
            parameters_find(&t.learnt, "bias")->value[i] = (real)(0.3 - 0.02 * (double)i);
        const scoring how = learner_trial_finish(rt, &t);
        assert_int_equal(how.bias != NULL, biased);
        for (int64_t u = 0; u < USERS; u++)
            for (int64_t i = 0; i < ITEMS; i++) {
                const double got = inner_product(how.user + u * FACTORS, how.item + i * FACTORS, FACTORS) +
                                   (biased ? (double)how.bias[i] : 0);
                assert_true(fabs(got - score(&t, biased, u, i)) <= 1e-6);
            }
        triple_batch *b = learner_batch(rt, &t, 0, 7, BATCH);
        for (int64_t k = 0; k < BATCH; k++) {
            const int64_t u = b->user[k], i = b->positive[k], j = b->negative[k];
            double squares = square(learner_values(&t, "user") + u * FACTORS, FACTORS) +
                             square(learner_values(&t, "item") + i * FACTORS, FACTORS) +
                             square(learner_values(&t, "item") + j * FACTORS, FACTORS);
            if (biased)
                squares += square(learner_values(&t, "bias") + i, 1) + square(learner_values(&t, "bias") + j, 1);
            want += (log1p(exp(-(score(&t, biased, u, i) - score(&t, biased, u, j)))) + 0.2 / 2 * squares) / BATCH;
        }
        assert_true(fabs(learner_loss(rt, &t, b) - want) <= 1e-5 * want);
        mem_free(b);
        learner_trial_release(&t);
    }
}

/* With every way to draw, and with and without biases. */
static void test_it_finds_what_users_like(void **state)
{
    (void)state;
    static const char *const ways[][3] = {{"pairs", "uniform", "true"},
                                          {"pairs", "popularity", "false"},
                                          {"pairs", "batch", "true"},
                                          {"users", "uniform", "false"}};
    for (size_t k = 0; k < sizeof ways / sizeof *ways; k++) {
        fit_case c;
        FIT_CASE(&c, &model_bprmf, world.view, TASTE_USERS, TASTE_ITEMS, "factors", "6", "epochs", "40",
                 "batch_size", "64", "learning_rate", "0.02", "positives", ways[k][0], "negatives", ways[k][1],
                 "item_bias", ways[k][2]);
        check_finds_tastes(rt, &c, &world);
    }
}

static void test_every_way_to_draw_is_a_model_of_its_own(void **state)
{
    (void)state;
    static const char *const ways[][2] = {
        {"pairs", "uniform"}, {"pairs", "popularity"}, {"pairs", "batch"}, {"users", "uniform"}};
    enum { WAYS = sizeof ways / sizeof *ways };
    double *scores[WAYS];
    for (int k = 0; k < WAYS; k++) {
        fit_case c;
        FIT_CASE(&c, &model_bprmf, made.view, USERS, ITEMS, "factors", "3", "epochs", "1", "positives", ways[k][0],
                 "negatives", ways[k][1]);
        fit_check_threads(&c);
        assert_ok(fit_and_score(rt, &c, &scores[k], err));
        for (int j = 0; j < k; j++)
            assert_memory_not_equal(scores[j], scores[k], USERS * ITEMS * sizeof *scores[k]);
    }
    for (int k = 0; k < WAYS; k++)
        mem_free(scores[k]);
}

static void test_who_has_nothing_keeps_the_vector_of_the_start(void **state)
{
    (void)state;
    fit_case c;
    learner_trial t;
    model_state s;
    FIT_CASE(&c, &model_bprmf, made.view, USERS, ITEMS, "factors", "6", "epochs", "3");
    assert_ok(learner_trial_begin(rt, &c, &t, err));
    assert_ok(fit_model(rt, &c, &s, err));
    const float *user = s.tensors[0].data;
    const real *start = learner_values(&t, "user");
    assert_string_equal(s.tensors[0].name, "user");
    for (int64_t u = 0; u < USERS; u++) {
        const bool empty = csr_row_count(&t.matrix.view, u) == 0;
        assert_int_equal(empty, u % 10 == 9);
        assert_int_equal(memcmp(user + u * FACTORS, start + u * FACTORS, FACTORS * sizeof *user) == 0, empty);
    }
    model_state_release(&s);
    learner_trial_release(&t);
}

static void test_nothing_to_rank_above_is_refused(void **state)
{
    (void)state;
    fit_case c;
    model_state s;
    FIT_CASE(&c, &model_bprmf, ((interactions){0}), 3, 4, NULL, NULL);
    assert_fails(fit_model(rt, &c, &s, err), MEDLEY_E_CONFIG, "no user has an item left to draw as a negative");
}

static void test_one_interaction_is_enough(void **state)
{
    (void)state;
    static const uint32_t zero[] = {0};
    fit_case c;
    double *scores;
    FIT_CASE(&c, &model_bprmf, ((interactions){1, zero, zero, NULL, NULL, NULL}), 2, 3, "epochs", "30",
             "learning_rate", "0.1");
    assert_ok(fit_and_score(rt, &c, &scores, err));
    assert_true(scores[0] > scores[1] && scores[0] > scores[2]);
    mem_free(scores);
}

static void test_tensors_of_another_shape_are_refused(void **state)
{
    (void)state;
    fit_case c;
    FIT_CASE(&c, &model_bprmf, made.view, USERS, ITEMS, "factors", "3", "epochs", "1");
    refuse_tensor(rt, &c, "user", "tensor 'user' is F32 [62, 3], expected F32 [61, 3]");
    refuse_tensor(rt, &c, "item", "tensor 'item' is F32 [42, 3], expected F32 [41, 3]");
    refuse_tensor(rt, &c, "bias", "tensor 'bias' is F32 [42], expected F32 [41]");
}

static void test_it_is_a_model(void **state)
{
    (void)state;
    fit_case c;
    FIT_CASE(&c, &model_bprmf, made.view, USERS, ITEMS, "factors", "5", "epochs", "2");
    fit_check_threads(&c);
    fit_check_saving(&c);
    fit_check_allocations(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scores_and_losses_are_as_the_equations_say),
        cmocka_unit_test(test_it_finds_what_users_like),
        cmocka_unit_test(test_every_way_to_draw_is_a_model_of_its_own),
        cmocka_unit_test(test_who_has_nothing_keeps_the_vector_of_the_start),
        cmocka_unit_test(test_nothing_to_rank_above_is_refused),
        cmocka_unit_test(test_one_interaction_is_enough),
        cmocka_unit_test(test_tensors_of_another_shape_are_refused),
        cmocka_unit_test(test_it_is_a_model),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
