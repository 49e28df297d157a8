#include "fit_model.h"

extern const model_class model_random;

static made_events made;

static void test_every_score_is_zero(void **state)
{
    (void)state;
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 2);
    fit_case c;
    double *scores;
    FIT_CASE(&c, &model_random, make_events(&made, 20, 15, 5), 20, 15);
    assert_ok(fit_and_score(rt, &c, &scores, err));
    for (int i = 0; i < 20 * 15; i++)
        assert_true(scores[i] == 0);
    mem_free(scores);
    test_runtime_end(rt, &memory);
}

static void test_it_is_a_model_like_others(void **state)
{
    (void)state;
    fit_case c;
    FIT_CASE(&c, &model_random, make_events(&made, 20, 15, 5), 20, 15);
    fit_check_all(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_score_is_zero),
        cmocka_unit_test(test_it_is_a_model_like_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
