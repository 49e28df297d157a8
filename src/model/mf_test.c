#include "learner_trial.h"

#include "model/mf.h"

extern const model_class model_mf;

enum { USERS = 61, ITEMS = 41, BATCH = 50 };

static made_events made;
static tastes world;
static test_memory memory;
static medley_runtime *rt;

static int set_up(void **state)
{
    (void)state;
    rt = test_runtime(&memory, 2);
    make_events(&made, USERS, ITEMS, 8);
    make_tastes(&world, 0.3);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    test_runtime_end(rt, &memory);
    return 0;
}

static double mean_rating(const csr *m)
{
    double sum = 0;
    for (int64_t at = 0; at < csr_count(m); at++)
        sum += (double)m->value[at];
    return sum / (double)csr_count(m);
}

/* Gives the biases, which start at zero, values. */
static void set_biases(const learner_trial *t)
{
    for (int64_t u = 0; u < USERS; u++)
        parameters_find(&t->learnt, "user_bias")->value[u] = (real)(0.01 * (double)u - 0.2);
    for (int64_t i = 0; i < ITEMS; i++)
        parameters_find(&t->learnt, "item_bias")->value[i] = (real)(0.3 - 0.02 * (double)i);
}

/* mu + b_u + b_i + <p_u, q_i> */
static double predicted(const learner_trial *t, int64_t u, int64_t i)
{
    const mf_params *p = (const mf_params *)t->c->values;
    const double r = inner_product(learner_values(t, "user") + u * p->factors,
                                   learner_values(t, "item") + i * p->factors, p->factors);
    if (!p->biases)
        return r;
    return mean_rating(&t->matrix.view) + (double)learner_values(t, "user_bias")[u] +
           (double)learner_values(t, "item_bias")[i] + r;
}

static double squares(const learner_trial *t, int64_t u, int64_t i)
{
    const mf_params *p = (const mf_params *)t->c->values;
    const real *pu = learner_values(t, "user") + u * p->factors, *qi = learner_values(t, "item") + i * p->factors;
    double sum = inner_product(pu, pu, p->factors) + inner_product(qi, qi, p->factors);
    if (p->biases)
        sum +=
            pow((double)learner_values(t, "user_bias")[u], 2) + pow((double)learner_values(t, "item_bias")[i], 2);
    return sum;
}

static void test_scores_and_losses_are_as_the_equations_say(void **state)
{
    (void)state;
    for (int biases = 0; biases < 2; biases++)
        for (int penalised = 0; penalised < 2; penalised++) {
            fit_case c;
            learner_trial t;
            double want = 0;
            FIT_CASE(&c, &model_mf, made.view, USERS, ITEMS, "factors", "7", "biases", biases ? "true" : "false",
                     "regularization", penalised ? "0.3" : "0");
            assert_ok(learner_trial_begin(rt, &c, &t, err));
            if (biases)
                set_biases(&t);
            const scoring how = learner_trial_finish(rt, &t);
            assert_int_equal(how.factors, 7 + biases);
            for (int64_t u = 0; u < USERS; u++)
                for (int64_t i = 0; i < ITEMS; i++) {
                    const double got =
                        inner_product(how.user + u * how.factors, how.item + i * how.factors, how.factors) +
                        (biases ? (double)how.bias[i] : 0);
                    assert_true(fabs(got - predicted(&t, u, i)) <= 1e-5);
                }
            rating_batch *b = learner_batch(rt, &t, 3, 20, BATCH);
            for (int64_t k = 0; k < BATCH; k++) {
                const double error = (double)b->rating[k] - predicted(&t, b->user[k], b->item[k]);
                want += (error * error + (penalised ? 0.3 * squares(&t, b->user[k], b->item[k]) : 0)) / BATCH;
            }
            assert_true(fabs(learner_loss(rt, &t, b) - want) <= 1e-5 * want);
            mem_free(b);
            learner_trial_release(&t);
        }
}

static void test_vectors_start_evenly_between_zero_and_init(void **state)
{
    (void)state;
    fit_case c;
    learner_trial t;
    double sum = 0, largest = 0;
    FIT_CASE(&c, &model_mf, made.view, USERS, ITEMS, "factors", "20", "init", "0.5");
    assert_ok(learner_trial_begin(rt, &c, &t, err));
    const real *user = learner_values(&t, "user");
    for (int64_t k = 0; k < USERS * 20; k++) {
        assert_true(user[k] >= 0 && (double)user[k] < 0.5);
        sum += (double)user[k] / (USERS * 20);
        largest = fmax(largest, (double)user[k]);
    }
    assert_true(fabs(sum - 0.25) < 0.02 && largest > 0.48);
    learner_trial_release(&t);
}

static void test_an_epoch_has_every_rating_once(void **state)
{
    (void)state;
    static int seen[USERS][ITEMS];
    fit_case c;
    learner_trial t;
    FIT_CASE(&c, &model_mf, made.view, USERS, ITEMS, NULL, NULL);
    assert_ok(learner_trial_begin(rt, &c, &t, err));
    const csr *m = &t.matrix.view;
    const int64_t ratings = csr_count(m);
    assert_int_equal(model_mf.learner->examples(t.context), ratings);
    rating_batch *b = learner_batch(rt, &t, 1, 0, ratings), *next = learner_batch(rt, &t, 2, 0, ratings),
                 *part = learner_batch(rt, &t, 1, 70, 30);
    for (int64_t k = 0; k < ratings; k++)
        seen[b->user[k]][b->item[k]]++;
    for (int64_t u = 0; u < USERS; u++)
        for (int64_t at = m->start[u]; at < m->start[u + 1]; at++)
            assert_int_equal(seen[u][m->index[at]]--, 1);
    assert_memory_not_equal(b->item, next->item, (size_t)ratings * sizeof *b->item);
    assert_memory_equal(b->user + 70, part->user, 30 * sizeof *b->user);
    assert_memory_equal(b->item + 70, part->item, 30 * sizeof *b->item);
    assert_memory_equal(b->rating + 70, part->rating, 30 * sizeof *b->rating);
    mem_free(b);
    mem_free(next);
    mem_free(part);
    learner_trial_release(&t);
}

/* What is predicted for all pairs: those it was trained on, and those whose rating would be 4.5 or 1.5. */
static void errors_of(const double *scores, double *trained, double *others)
{
    double sum[2] = {0}, count[2] = {0};
    for (int64_t n = 0; n < world.view.count; n++) {
        const double e = scores[world.user[n] * TASTE_ITEMS + world.item[n]] - (double)world.rating[n];
        sum[0] += e * e;
        count[0]++;
    }
    for (int64_t u = 0; u < TASTE_USERS; u++)
        for (int64_t i = 0; i < TASTE_ITEMS - TASTE_COLD; i++)
            if (!world.had[u][i]) {
                const double e = scores[u * TASTE_ITEMS + i] - (taste_likes(u, i) ? 4.5 : 1.5);
                sum[1] += e * e;
                count[1]++;
            }
    *trained = sqrt(sum[0] / count[0]);
    *others = sqrt(sum[1] / count[1]);
}

static void test_it_predicts_ratings_better_than_their_mean(void **state)
{
    (void)state;
    double mean = 0, of_mean[2], *scores;
    for (int64_t n = 0; n < world.view.count; n++)
        mean += (double)world.rating[n] / (double)world.view.count;
    assert_ok(mem_alloc(rt, TASTE_USERS * TASTE_ITEMS, sizeof *scores, &scores, err));
    for (int64_t k = 0; k < TASTE_USERS * TASTE_ITEMS; k++)
        scores[k] = mean;
    errors_of(scores, &of_mean[0], &of_mean[1]);
    mem_free(scores);
    for (int biases = 0; biases < 2; biases++) {
        double trained, others;
        fit_case c;
        FIT_CASE(&c, &model_mf, world.view, TASTE_USERS, TASTE_ITEMS, "factors", "4", "epochs", "150",
                 "batch_size", "32", "learning_rate", "0.01", "init", "0.5", "regularization", "0.02", "biases",
                 biases ? "true" : "false");
        assert_ok(fit_and_score(rt, &c, &scores, err));
        errors_of(scores, &trained, &others);
        if (trained > 0.6 || trained > 0.5 * of_mean[0] || others > 0.7 * of_mean[1])
            fail_msg("errors %g and %g; of the mean %g and %g", trained, others, of_mean[0], of_mean[1]);
        mem_free(scores);
    }
}

static void test_what_has_no_ratings_is_refused(void **state)
{
    (void)state;
    fit_case c;
    model_state s;
    interactions bare = made.view;
    bare.rating = NULL;
    FIT_CASE(&c, &model_mf, bare, USERS, ITEMS, NULL, NULL);
    assert_fails(fit_model(rt, &c, &s, err), MEDLEY_E_CONFIG,
                 "model: 'mf' learns from ratings, which the store does not have");
    /* what it would take can be told all the same */
    const interactions *const parts[] = {&bare};
    csr_owner matrix;
    int64_t bytes;
    assert_ok(matrix_of_parts(rt, parts, 1, USERS, ITEMS, true, &matrix, err));
    const training data = {.users = USERS, .items = ITEMS, .events = bare, .matrix = matrix.view};
    assert_ok(train_least_bytes(rt, &model_mf, c.values, &data, &bytes, err));
    assert_true(bytes > (USERS + ITEMS) * 20 * (int64_t)sizeof(real));
    csr_release(&matrix);
}

static void test_tensors_of_another_shape_are_refused(void **state)
{
    (void)state;
    fit_case c;
    FIT_CASE(&c, &model_mf, made.view, USERS, ITEMS, "factors", "3", "epochs", "1", "biases", "true");
    refuse_tensor(rt, &c, "user", "tensor 'user' is F32 [62, 4], expected F32 [61, 4]");
    refuse_tensor(rt, &c, "item", "tensor 'item' is F32 [42, 4], expected F32 [41, 4]");
    refuse_tensor(rt, &c, "bias", "tensor 'bias' is F32 [42], expected F32 [41]");
}

static void test_it_is_a_model(void **state)
{
    (void)state;
    fit_case c;
    FIT_CASE(&c, &model_mf, made.view, USERS, ITEMS, "factors", "5", "epochs", "2", "biases", "true",
             "regularization", "0.1");
    fit_check_all(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scores_and_losses_are_as_the_equations_say),
        cmocka_unit_test(test_vectors_start_evenly_between_zero_and_init),
        cmocka_unit_test(test_an_epoch_has_every_rating_once),
        cmocka_unit_test(test_it_predicts_ratings_better_than_their_mean),
        cmocka_unit_test(test_what_has_no_ratings_is_refused),
        cmocka_unit_test(test_tensors_of_another_shape_are_refused),
        cmocka_unit_test(test_it_is_a_model),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
