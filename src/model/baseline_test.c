#include "fit_model.h"

#include <math.h>

extern const model_class model_baseline;

enum { USERS = 61, ITEMS = 41 };

static made_events made;
static test_memory memory;
static medley_runtime *rt;

static int set_up(void **state)
{
    (void)state;
    rt = test_runtime(&memory, 2);
    make_events(&made, USERS, ITEMS, 8);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    test_runtime_end(rt, &memory);
    return 0;
}

/* Ratings 5, 3 of user 0 and 1 of user 1, mean 3. With regularisation 1 and one epoch b_i = 0 from b_u = 0 for
 * item 0 (5 and 1), then b_u = (2 + 0) / 3 and -2 / 2. */
static void test_the_worked_example_comes_out(void **state)
{
    (void)state;
    static const uint32_t user[] = {0, 0, 1}, item[] = {0, 1, 0};
    static const float rating[] = {5, 3, 1};
    const interactions events = {3, user, item, rating, NULL, NULL};
    static const double want[] = {3 + 2 / 3.0, 3 + 2 / 3.0, 3 + 2 / 3.0, 2, 2, 2, 3, 3, 3};
    fit_case c;
    double *scores;
    FIT_CASE(&c, &model_baseline, events, 3, 3, "reg_item", "1", "reg_user", "1", "epochs", "1");
    assert_ok(fit_and_score(rt, &c, &scores, err));
    for (int i = 0; i < 9; i++)
        assert_true(fabs(scores[i] - want[i]) < 1e-6);
    mem_free(scores);
}

/* Surprise's baseline_als, on the last rating of every pair. */
static void test_it_is_alternating_least_squares(void **state)
{
    (void)state;
    static double r[USERS][ITEMS], b_user[USERS], b_item[ITEMS];
    double mean = 0, *scores;
    int count = 0;
    memset(r, 0, sizeof r);
    memset(b_user, 0, sizeof b_user);
    for (int64_t n = 0; n < made.view.count; n++)
        r[made.user[n]][made.item[n]] = (double)made.rating[n];
    for (int u = 0; u < USERS; u++)
        for (int i = 0; i < ITEMS; i++) {
            mean += r[u][i];
            count += r[u][i] > 0;
        }
    mean /= count;
    for (int epoch = 0; epoch < 7; epoch++) {
        for (int i = 0; i < ITEMS; i++) {
            double sum = 0, n = 0;
            for (int u = 0; u < USERS; u++)
                if (r[u][i] > 0)
                    sum += r[u][i] - mean - b_user[u], n++;
            b_item[i] = sum / (4 + n);
        }
        for (int u = 0; u < USERS; u++) {
            double sum = 0, n = 0;
            for (int i = 0; i < ITEMS; i++)
                if (r[u][i] > 0)
                    sum += r[u][i] - mean - b_item[i], n++;
            b_user[u] = sum / (2 + n);
        }
    }
    fit_case c;
    FIT_CASE(&c, &model_baseline, made.view, USERS, ITEMS, "reg_item", "4", "reg_user", "2", "epochs", "7");
    assert_ok(fit_and_score(rt, &c, &scores, err));
    for (int u = 0; u < USERS; u++)
        for (int i = 0; i < ITEMS; i++)
            assert_true(fabs(scores[u * ITEMS + i] - (mean + b_user[u] + b_item[i])) < 2e-6);
    mem_free(scores);
}

static void test_data_without_ratings_is_refused(void **state)
{
    (void)state;
    fit_case c;
    model_state s;
    interactions unrated = made.view;
    unrated.rating = NULL;
    FIT_CASE(&c, &model_baseline, unrated, USERS, ITEMS);
    assert_fails(fit_model(rt, &c, &s, err), MEDLEY_E_CONFIG, "needs ratings");
}

static void test_strangers_without_ratings_get_the_bias_of_items(void **state)
{
    (void)state;
    static const int64_t start[] = {0, 1, 1};
    static const uint32_t item[] = {3};
    const histories known = {.rows = 2, .start = start, .item = item};
    fit_case c;
    model_state s;
    double *scores;
    FIT_CASE(&c, &model_baseline, made.view, USERS, ITEMS);
    assert_ok(fit_model(rt, &c, &s, err));
    assert_ok(fit_scores(rt, &c, &s, &known, &scores, err));
    const float *bias = s.tensors[0].data;
    for (int i = 0; i < 2 * ITEMS; i++)
        assert_true(scores[i] == (double)bias[i % ITEMS]);
    mem_free(scores);
    model_state_release(&s);
}

static void test_it_is_a_model_like_others(void **state)
{
    (void)state;
    fit_case c;
    assert_true(model_baseline.predicts_ratings);
    FIT_CASE(&c, &model_baseline, made.view, USERS, ITEMS, "epochs", "3");
    fit_check_all(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_worked_example_comes_out),
        cmocka_unit_test(test_it_is_alternating_least_squares),
        cmocka_unit_test(test_data_without_ratings_is_refused),
        cmocka_unit_test(test_strangers_without_ratings_get_the_bias_of_items),
        cmocka_unit_test(test_it_is_a_model_like_others),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
