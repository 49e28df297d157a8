#include "fit_model.h"

#include <math.h>

extern const model_class model_markov;

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

/* User 0: 0 1 0 1 2; user 1: 0 2. n_0 = {1: 2, 2: 1}, n_1 = {0: 1, 2: 1}, P_pop = {3, 2, 2} / 7. */
static const uint32_t small_user[] = {0, 0, 0, 0, 0, 1, 1}, small_item[] = {0, 1, 0, 1, 2, 0, 2};
static const interactions small = {7, small_user, small_item, NULL, NULL, NULL};

static void check_small(const char *smoothing, const char *strength, const double want[3][4])
{
    static const int64_t start[] = {0, 1, 3, 3};
    static const uint32_t item[] = {0, 0, 1}; /* after 0; after 0 1; no history */
    const histories known = {.rows = 3, .start = start, .item = item};
    fit_case c;
    model_state s;
    double *scores;
    FIT_CASE(&c, &model_markov, small, 2, 4, "smoothing", smoothing, "strength", strength);
    assert_ok(fit_model(rt, &c, &s, err));
    assert_ok(fit_scores(rt, &c, &s, &known, &scores, err));
    for (int row = 0; row < 3; row++)
        for (int i = 0; i < 4; i++)
            assert_true(fabs(scores[row * 4 + i] - want[row][i]) < 1e-6);
    mem_free(scores);
    model_state_release(&s);
}

static void test_the_worked_example_comes_out(void **state)
{
    (void)state;
    static const double popular[] = {3 / 7.0, 2 / 7.0, 2 / 7.0, 0};
    double want[3][4];
    memcpy(want[2], popular, sizeof popular);
    for (int i = 0; i < 4; i++) { /* l_0 = 1 / 4, l_1 = 1 / 3 */
        want[0][i] = (double[]){0, 2, 1, 0}[i] / 4 + popular[i] / 4;
        want[1][i] = (double[]){1, 0, 1, 0}[i] / 3 + popular[i] / 3;
    }
    check_small("dirichlet", "1", want);
    for (int i = 0; i < 4; i++) {
        want[0][i] = 0.75 * (double[]){0, 2, 1, 0}[i] / 3 + 0.25 * popular[i];
        want[1][i] = 0.75 * (double[]){1, 0, 1, 0}[i] / 2 + 0.25 * popular[i];
    }
    check_small("jelinek_mercer", "0.25", want);
    for (int i = 0; i < 4; i++) { /* the count 1 of item 2 is taken whole, 1.5 of the 2 of item 1 */
        want[0][i] = (double[]){0, 0.5, 0, 0}[i] / 3 + 2.5 / 3 * popular[i];
        want[1][i] = popular[i];
    }
    check_small("absolute", "1.5", want);
}

static double fade(int64_t later, int64_t earlier, double half_life)
{
    return half_life > 0 ? pow(0.5, (double)(later - earlier) / (86400 * half_life)) : 1;
}

/* The equations of the head over full matrices. */
static void naive_scores(int64_t window, double window_decay, int64_t last, double last_decay, int smoothing,
                         double strength, double half_life, double out[USERS][ITEMS])
{
    static double n[ITEMS][ITEMS], chain[ITEMS][ITEMS];
    const interactions *e = &made.view;
    double popular[ITEMS] = {0}, all = 0;
    int64_t end = 0;
    memset(n, 0, sizeof n);
    for (int64_t a = 0; a < e->count; a++)
        end = e->timestamp[a] > end ? e->timestamp[a] : end;
    for (int64_t a = 0; a < e->count; a++) {
        popular[e->item[a]] += fade(end, e->timestamp[a], half_life);
        all += fade(end, e->timestamp[a], half_life);
        for (int64_t b = a + 1; b < e->count && b <= a + window; b++)
            if (e->user[a] == e->user[b])
                n[e->item[a]][e->item[b]] +=
                    pow(window_decay, (double)(b - a - 1)) * fade(end, e->timestamp[b], half_life);
    }
    for (int j = 0; j < ITEMS; j++) {
        double n_j = 0, lost = 0, left = 0;
        for (int i = 0; i < ITEMS; i++) {
            n_j += n[j][i];
            lost += n[j][i] < strength ? n[j][i] : strength;
        }
        for (int i = 0; i < ITEMS; i++) {
            const double seen = n_j > 0 ? n[j][i] / n_j : 0;
            const double kept = n[j][i] > strength ? (n[j][i] - strength) / n_j : 0;
            const double pop = popular[i] / all;
            chain[j][i] = n_j == 0         ? pop
                          : smoothing == 0 ? n_j / (n_j + strength) * seen + strength / (n_j + strength) * pop
                          : smoothing == 1 ? (1 - strength) * seen + strength * pop
                                           : kept + lost / n_j * pop;
            left += chain[j][i];
        }
        assert_true(fabs(left - 1) < 1e-12);
    }
    for (uint32_t u = 0; u < USERS; u++) {
        double total = 0;
        int64_t newest = e->count - 1, a = 0;
        memset(out[u], 0, sizeof out[u]);
        while (newest >= 0 && e->user[newest] != u)
            newest--;
        for (a = 0; a < last && newest - a >= 0 && e->user[newest - a] == u; a++) {
            const double w =
                pow(last_decay, (double)a) * fade(e->timestamp[newest], e->timestamp[newest - a], half_life);
            total += w;
            for (int i = 0; i < ITEMS; i++)
                out[u][i] += w * chain[e->item[newest - a]][i];
        }
        for (int i = 0; i < ITEMS; i++)
            out[u][i] = a > 0 ? out[u][i] / total : popular[i] / all;
    }
}

static void test_every_setting_is_what_the_equations_say(void **state)
{
    (void)state;
    static double want[USERS][ITEMS];
    static const char *const smoothings[] = {"dirichlet", "jelinek_mercer", "absolute"};
    for (int smoothing = 0; smoothing < 3; smoothing++)
        for (int n = 0; n < 4; n++) {
            fit_case c;
            double *scores;
            FIT_CASE(&c, &model_markov, made.view, USERS, ITEMS, "smoothing", smoothings[smoothing], "strength",
                     "0.4", "window", n % 2 ? "3" : "1", "window_decay", "0.6", "last", n > 1 ? "4" : "1",
                     "last_decay", "0.7", "half_life_days", n > 0 ? "9" : "0");
            naive_scores(n % 2 ? 3 : 1, 0.6, n > 1 ? 4 : 1, 0.7, smoothing, 0.4, n > 0 ? 9 : 0, want);
            assert_ok(fit_and_score(rt, &c, &scores, err));
            for (int u = 0; u < USERS; u++)
                for (int i = 0; i < ITEMS; i++)
                    assert_true(fabs(scores[u * ITEMS + i] - want[u][i]) < 1e-6);
            mem_free(scores);
        }
}

static void test_scores_are_probabilities(void **state)
{
    (void)state;
    fit_case c;
    double *scores;
    FIT_CASE(&c, &model_markov, made.view, USERS, ITEMS, "window", "5", "last", "10", "smoothing", "absolute");
    assert_ok(fit_and_score(rt, &c, &scores, err));
    for (int u = 0; u < USERS; u++) {
        double sum = 0;
        for (int i = 0; i < ITEMS; i++) {
            assert_true(scores[u * ITEMS + i] >= 0);
            sum += scores[u * ITEMS + i];
        }
        assert_true(fabs(sum - 1) < 1e-5);
    }
    mem_free(scores);
}

static void test_settings_that_cannot_be_are_refused(void **state)
{
    (void)state;
    fit_case c;
    model_state s;
    FIT_CASE(&c, &model_markov, small, 2, 4, "smoothing", "jelinek_mercer", "strength", "1.5");
    assert_fails(fit_model(rt, &c, &s, err), MEDLEY_E_CONFIG,
                 "strength: 1.5 is outside 0..1 for smoothing jelinek_mercer");
    FIT_CASE(&c, &model_markov, small, 2, 4, "half_life_days", "30");
    assert_fails(fit_model(rt, &c, &s, err), MEDLEY_E_CONFIG,
                 "half_life_days: 30, but the data has no timestamps");
    assert_true(model_markov.needs_order);
}

static void test_a_tensor_that_is_wrong_is_refused(void **state)
{
    (void)state;
    fit_case c;
    model_state s;
    scoring how;
    FIT_CASE(&c, &model_markov, small, 2, 4);
    assert_ok(fit_model(rt, &c, &s, err));
    assert_fails(model_markov.scoring(c.values, &s, 2, 5, &how, err), MEDLEY_E_FORMAT,
                 "tensor 'backoff' is F32 [4], expected F32 [5]");
    model_state_release(&s);
}

static void test_it_is_a_model_like_others(void **state)
{
    (void)state;
    fit_case c;
    FIT_CASE(&c, &model_markov, made.view, USERS, ITEMS, "window", "2", "last", "3", "half_life_days", "9");
    fit_check_all(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_worked_example_comes_out),
        cmocka_unit_test(test_every_setting_is_what_the_equations_say),
        cmocka_unit_test(test_scores_are_probabilities),
        cmocka_unit_test(test_settings_that_cannot_be_are_refused),
        cmocka_unit_test(test_a_tensor_that_is_wrong_is_refused),
        cmocka_unit_test(test_it_is_a_model_like_others),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
