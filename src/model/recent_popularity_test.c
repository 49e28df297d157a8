#include "fit_model.h"

#include <math.h>

extern const model_class model_recent_popularity, model_popularity;

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

/* Days 0, 4, 9, 10 for user 0 and 6 for user 1; item 0 twice by user 0, whose last time counts. */
static void test_the_worked_example_comes_out(void **state)
{
    (void)state;
    static const uint32_t user[] = {0, 0, 0, 0, 1}, item[] = {0, 1, 0, 2, 0};
    static const int64_t timestamp[] = {0, 4 * 86400, 9 * 86400, 10 * 86400, 6 * 86400};
    const interactions events = {5, user, item, NULL, timestamp, NULL};
    static const struct {
        const char *window, *half_life;
        double want[4];
    } cases[] = {
        {"0", "0", {2, 1, 1, 0}}, /* popularity */
        {"6", "0", {2, 0, 1, 0}}, /* an age of 6 days is outside */
        {"6.001", "0", {2, 1, 1, 0}},
        {"0", "2", {0.70710678118654752 + 0.25, 0.125, 1, 0}}, /* 2^-0.5 + 2^-2, 2^-3, 1 */
        {"3", "2", {0.70710678118654752, 0, 1, 0}},
    };
    for (size_t n = 0; n < sizeof cases / sizeof *cases; n++) {
        fit_case c;
        double *scores;
        FIT_CASE(&c, &model_recent_popularity, events, 2, 4, "window_days", cases[n].window, "half_life_days",
                 cases[n].half_life);
        assert_ok(fit_and_score(rt, &c, &scores, err));
        for (int i = 0; i < 8; i++)
            assert_true(fabs(scores[i] - cases[n].want[i % 4]) < 1e-7);
        mem_free(scores);
    }
}

static void test_it_is_what_the_definition_says(void **state)
{
    (void)state;
    fit_case c;
    double *scores;
    FIT_CASE(&c, &model_recent_popularity, made.view, USERS, ITEMS, "window_days", "20", "half_life_days", "5");
    assert_ok(fit_and_score(rt, &c, &scores, err));
    int64_t end = 0;
    for (int64_t n = 0; n < made.view.count; n++)
        end = made.timestamp[n] > end ? made.timestamp[n] : end;
    for (uint32_t i = 0; i < ITEMS; i++) {
        double want = 0;
        for (uint32_t u = 0; u < USERS; u++) {
            int64_t last = INT64_MIN;
            for (int64_t n = 0; n < made.view.count; n++)
                if (made.user[n] == u && made.item[n] == i && made.timestamp[n] > last)
                    last = made.timestamp[n];
            if (last > end - 20 * 86400)
                want += pow(0.5, (double)(end - last) / (5 * 86400.0));
        }
        assert_true(fabs(scores[i] - want) <= 1e-6 * want);
    }
    mem_free(scores);
}

static void test_without_window_and_decay_it_is_popularity(void **state)
{
    (void)state;
    fit_case recent, plain;
    double *a, *b;
    FIT_CASE(&recent, &model_recent_popularity, made.view, USERS, ITEMS, "window_days", "0");
    FIT_CASE(&plain, &model_popularity, made.view, USERS, ITEMS);
    assert_ok(fit_and_score(rt, &recent, &a, err));
    assert_ok(fit_and_score(rt, &plain, &b, err));
    assert_memory_equal(a, b, USERS * ITEMS * sizeof *a);
    mem_free(a);
    mem_free(b);
}

static void test_data_without_timestamps_is_refused(void **state)
{
    (void)state;
    fit_case c;
    model_state s;
    interactions timeless = made.view;
    timeless.timestamp = NULL;
    FIT_CASE(&c, &model_recent_popularity, timeless, USERS, ITEMS);
    assert_fails(fit_model(rt, &c, &s, err), MEDLEY_E_CONFIG, "needs timestamps");
}

static void test_it_is_a_model_like_others(void **state)
{
    (void)state;
    fit_case c;
    FIT_CASE(&c, &model_recent_popularity, made.view, USERS, ITEMS, "half_life_days", "3.5");
    fit_check_all(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_worked_example_comes_out),
        cmocka_unit_test(test_it_is_what_the_definition_says),
        cmocka_unit_test(test_without_window_and_decay_it_is_popularity),
        cmocka_unit_test(test_data_without_timestamps_is_refused),
        cmocka_unit_test(test_it_is_a_model_like_others),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
