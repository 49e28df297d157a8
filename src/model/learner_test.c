#include "testing.h"

#include "model/learner.h"

#include "fixture.h"

enum { USERS = 3, ITEMS = 2, FACTORS = 2 };

static medley_status copy(model_state *s, medley_error *err)
{
    static const real user[] = {1, 2, 3, 4, 5, 6}, item[] = {(real)0.1, 8, 9, 10}, bias[] = {11, 12};
    *s = (model_state){0};
    medley_status status;
    TRY_DONE(model_add_copy(rt, s, "user", shape_2(USERS, FACTORS), user, err));
    TRY_DONE(model_add_copy(rt, s, "item", shape_2(ITEMS, FACTORS), item, err));
    status = model_add_copy(rt, s, "bias", shape_1(ITEMS), bias, err);
done:
    if (status != MEDLEY_OK)
        model_state_release(s);
    return status;
}

static void test_copies_are_what_is_scored_with(void **state)
{
    (void)state;
    static const float item[] = {0.1f, 8, 9, 10}, user[] = {1, 2, 3, 4, 5, 6}, bias[] = {11, 12};
    model_state s;
    scoring how;
    BRUTAL(rt, &memory, copy(&s, err), model_state_release(&s));
    assert_ok(copy(&s, err));
    assert_ok(factored_scoring(&s, USERS, ITEMS, FACTORS, true, &how, err));
    assert_int_equal(how.form, SCORING_FACTORED);
    assert_int_equal(how.items, ITEMS);
    assert_int_equal(how.factors, FACTORS);
    assert_memory_equal(how.user, user, sizeof user);
    assert_memory_equal(how.item, item, sizeof item);
    assert_memory_equal(how.bias, bias, sizeof bias);
    assert_ok(factored_scoring(&s, USERS, ITEMS, FACTORS, false, &how, err));
    assert_null(how.bias);
    model_state_release(&s);
}

static void test_tensors_that_are_missing_or_of_another_shape_are_refused(void **state)
{
    (void)state;
    static const struct {
        int64_t users, items, factors;
        const char *want;
    } cases[] = {
        {4, 2, 2, "tensor 'user' is F32 [3, 2], expected F32 [4, 2]"},
        {3, 3, 2, "tensor 'item' is F32 [2, 2], expected F32 [3, 2]"},
        {3, 2, 3, "tensor 'user' is F32 [3, 2], expected F32 [3, 3]"},
    };
    model_state s;
    scoring how;
    assert_ok(copy(&s, err));
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++)
        assert_fails(factored_scoring(&s, cases[k].users, cases[k].items, cases[k].factors, true, &how, err),
                     MEDLEY_E_FORMAT, cases[k].want);
    s.tensors[2].name = "other";
    assert_fails(factored_scoring(&s, USERS, ITEMS, FACTORS, true, &how, err), MEDLEY_E_FORMAT,
                 "tensor 'bias' is missing, expected F32 [2]");
    s.tensors[1].type = TENSOR_I32;
    assert_fails(factored_scoring(&s, USERS, ITEMS, FACTORS, false, &how, err), MEDLEY_E_FORMAT,
                 "tensor 'item' is I32 [2, 2], expected F32 [2, 2]");
    model_state_release(&s);
}

/* Every class with a learner has the same settings first, under the same names, and declares what it needs. */
static void test_every_learner_has_the_settings_of_learning(void **state)
{
    (void)state;
    static const char *const names[] = {
        "epochs",         "batch_size",        "learning_rate",  "optimizer",
        "rows",           "momentum",          "beta1",          "beta2",
        "clip_norm",      "weight_decay",      "schedule",       "warmup_steps",
        "schedule_every", "schedule_patience", "schedule_gamma", "schedule_floor",
        "validate_every", "patience",          "metric",         "mixed_precision"};
    int64_t learners = 0;
    for (const model_class *const *c = model_classes; *c != NULL; c++) {
        const learner_class *l = (*c)->learner;
        if (l == NULL)
            continue;
        learners++;
        assert_true(l->loss_name != NULL && l->begin != NULL && l->end != NULL && l->declare != NULL);
        assert_true(l->examples != NULL && l->batch_bytes != NULL && l->fill != NULL && l->loss != NULL);
        assert_true(l->finish != NULL && (*c)->params_size >= sizeof(learning));
        for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
            const medley_param *p = medley_param_find((*c)->params, names[k]);
            if (p == NULL || p->offset >= sizeof(learning))
                fail_msg("%s has no setting %s", (*c)->name, names[k]);
        }
    }
    assert_true(learners >= 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_copies_are_what_is_scored_with),
        cmocka_unit_test(test_tensors_that_are_missing_or_of_another_shape_are_refused),
        cmocka_unit_test(test_every_learner_has_the_settings_of_learning),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
