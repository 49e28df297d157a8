#include "learner_trial.h"

#include "model/triples.h"

extern const model_class model_lightgcn;

enum { USERS = 61, ITEMS = 41, NODES = USERS + ITEMS, FACTORS = 5, BATCH = 40 };

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

/* P = mean over l of (D^-1/2 A D^-1/2)^l applied to E(0), by dense matrices. */
static void propagate(int layers, const real *start, double out[NODES][FACTORS])
{
    static double a[NODES][NODES], layer[NODES][FACTORS], next[NODES][FACTORS];
    double degree[NODES] = {0};
    memset(a, 0, sizeof a);
    for (int64_t n = 0; n < made.view.count; n++)
        a[made.user[n]][USERS + made.item[n]] = a[USERS + made.item[n]][made.user[n]] = 1;
    for (int r = 0; r < NODES; r++)
        for (int c = 0; c < NODES; c++)
            degree[r] += a[r][c];
    for (int r = 0; r < NODES; r++)
        for (int d = 0; d < FACTORS; d++)
            out[r][d] = layer[r][d] = (double)start[r * FACTORS + d];
    for (int l = 0; l < layers; l++) {
        memset(next, 0, sizeof next);
        for (int r = 0; r < NODES; r++)
            for (int c = 0; c < NODES; c++)
                for (int d = 0; a[r][c] > 0 && d < FACTORS; d++)
                    next[r][d] += layer[c][d] / sqrt(degree[r] * degree[c]);
        memcpy(layer, next, sizeof layer);
        for (int r = 0; r < NODES; r++)
            for (int d = 0; d < FACTORS; d++)
                out[r][d] += layer[r][d];
    }
    for (int r = 0; r < NODES; r++)
        for (int d = 0; d < FACTORS; d++)
            out[r][d] /= layers + 1;
}

static double inner(const double *a, const double *b)
{
    double sum = 0;
    for (int d = 0; d < FACTORS; d++)
        sum += a[d] * b[d];
    return sum;
}

static void test_vectors_and_losses_are_those_of_dense_matrices(void **state)
{
    (void)state;
    static double e[NODES][FACTORS];
    static const int layers[] = {0, 1, 2, 3, 16};
    for (size_t k = 0; k < sizeof layers / sizeof *layers; k++) {
        fit_case c;
        learner_trial t;
        char number[8];
        double want = 0;
        snprintf(number, sizeof number, "%d", layers[k]);
        FIT_CASE(&c, &model_lightgcn, made.view, USERS, ITEMS, "factors", "5", "layers", number, "regularization",
                 k == 0 ? "0" : "0.3", "init", "0.6");
        assert_ok(learner_trial_begin(rt, &c, &t, err));
        const real *start = learner_values(&t, "embedding");
        propagate(layers[k], start, e);
        const scoring how = learner_trial_finish(rt, &t);
        for (int u = 0; u < USERS; u++)
            for (int d = 0; d < FACTORS; d++)
                assert_true(fabs((double)how.user[u * FACTORS + d] - e[u][d]) <= 1e-6);
        for (int i = 0; i < ITEMS; i++)
            for (int d = 0; d < FACTORS; d++)
                assert_true(fabs((double)how.item[i * FACTORS + d] - e[USERS + i][d]) <= 1e-6);
        triple_batch *b = learner_batch(rt, &t, 0, 11, BATCH);
        for (int64_t n = 0; n < BATCH; n++) {
            const int64_t u = b->user[n], i = b->positive[n], j = b->negative[n];
            assert_true(i >= USERS && i < NODES && j >= USERS && j < NODES);
            double squares = 0;
            for (int d = 0; k > 0 && d < FACTORS; d++)
                squares += pow((double)start[u * FACTORS + d], 2) + pow((double)start[i * FACTORS + d], 2) +
                           pow((double)start[j * FACTORS + d], 2);
            want += (log1p(exp(inner(e[u], e[j]) - inner(e[u], e[i]))) + 0.3 / 2 * squares) / BATCH;
        }
        assert_true(fabs(learner_loss(rt, &t, b) - want) <= 1e-5 * want);
        mem_free(b);
        learner_trial_release(&t);
    }
}

/* Those who have nothing get their own vector's share, and nothing of anybody else's. */
static void test_whoever_has_nothing_is_smoothed_with_nobody(void **state)
{
    (void)state;
    fit_case c;
    learner_trial t;
    FIT_CASE(&c, &model_lightgcn, made.view, USERS, ITEMS, "factors", "5", "layers", "3");
    assert_ok(learner_trial_begin(rt, &c, &t, err));
    const real *start = learner_values(&t, "embedding");
    const scoring how = learner_trial_finish(rt, &t);
    for (int d = 0; d < FACTORS; d++) {
        assert_true(fabs(4 * (double)how.user[9 * FACTORS + d] - (double)start[9 * FACTORS + d]) <= 1e-7);
        assert_true(fabs(4 * (double)how.item[(ITEMS - 1) * FACTORS + d] -
                         (double)start[(NODES - 1) * FACTORS + d]) <= 1e-7);
    }
    learner_trial_release(&t);
}

static void test_it_finds_what_users_like(void **state)
{
    (void)state;
    static const char *const ways[][2] = {{"1", "uniform"}, {"3", "batch"}};
    for (size_t k = 0; k < sizeof ways / sizeof *ways; k++) {
        fit_case c;
        FIT_CASE(&c, &model_lightgcn, world.view, TASTE_USERS, TASTE_ITEMS, "factors", "6", "epochs", "25",
                 "batch_size", "64", "learning_rate", "0.02", "layers", ways[k][0], "negatives", ways[k][1]);
        check_finds_tastes(rt, &c, &world);
    }
}

static void test_nothing_to_rank_above_is_refused(void **state)
{
    (void)state;
    fit_case c;
    model_state s;
    FIT_CASE(&c, &model_lightgcn, ((interactions){0}), 3, 4, NULL, NULL);
    assert_fails(fit_model(rt, &c, &s, err), MEDLEY_E_CONFIG, "no user has an item left to draw as a negative");
}

static void test_tensors_of_another_shape_are_refused(void **state)
{
    (void)state;
    fit_case c;
    FIT_CASE(&c, &model_lightgcn, made.view, USERS, ITEMS, "factors", "3", "epochs", "1");
    refuse_tensor(rt, &c, "user", "tensor 'user' is F32 [62, 3], expected F32 [61, 3]");
    refuse_tensor(rt, &c, "item", "tensor 'item' is F32 [42, 3], expected F32 [41, 3]");
}

static void test_it_is_a_model(void **state)
{
    (void)state;
    fit_case c;
    FIT_CASE(&c, &model_lightgcn, made.view, USERS, ITEMS, "factors", "5", "epochs", "2", "batch_size", "128");
    fit_check_threads(&c);
    fit_check_saving(&c);
    fit_check_allocations(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors_and_losses_are_those_of_dense_matrices),
        cmocka_unit_test(test_whoever_has_nothing_is_smoothed_with_nobody),
        cmocka_unit_test(test_it_finds_what_users_like),
        cmocka_unit_test(test_nothing_to_rank_above_is_refused),
        cmocka_unit_test(test_tensors_of_another_shape_are_refused),
        cmocka_unit_test(test_it_is_a_model),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
