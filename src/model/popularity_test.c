#include "testing.h"

#include "model/model.h"

extern const model_class model_popularity;

static void test_items_score_by_their_distinct_users(void **state)
{
    (void)state;
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 2);
    const uint32_t user[] = {0, 0, 0, 1, 2, 2}, item[] = {1, 1, 3, 1, 3, 1}; /* user 0 has item 1 twice */
    csr_owner matrix;
    model_state s = {0};
    scoring how;
    assert_ok(csr_build(rt, 3, 4, user, item, NULL, 6, &matrix, err));
    const training data = {.users = 3, .items = 4, .matrix = matrix.view};
    assert_ok(model_popularity.fit(rt, NULL, &data, &s, err));
    assert_ok(model_popularity.scoring(NULL, &s, 3, 4, &how, err));
    assert_int_equal(how.form, SCORING_FACTORED);
    assert_int_equal(how.factors, 0);
    static const float counts[] = {0, 3, 0, 2};
    assert_memory_equal(how.bias, counts, sizeof counts);
    assert_true(model_popularity.estimate(NULL, &data) >= (int64_t)sizeof counts);
    assert_fails(model_popularity.scoring(NULL, &s, 3, 5, &how, err), MEDLEY_E_FORMAT,
                 "tensor 'bias' is F32 [4], expected F32 [5]");
    model_state_release(&s);
    BRUTAL(rt, &memory, model_popularity.fit(rt, NULL, &data, &s, err), model_state_release(&s));
    csr_release(&matrix);
    test_runtime_end(rt, &memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_items_score_by_their_distinct_users),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
