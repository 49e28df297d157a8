#include "testing.h"

#include "model/model.h"

static void test_tensors_are_added_zeroed_and_found_again(void **state)
{
    (void)state;
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 1);
    model_state s = {0};
    const int64_t shape[] = {3, 4}, any[] = {-1, 4};
    const named_tensor *found;
    float *data;
    uint32_t *counts;
    assert_ok(model_add(rt, &s, "weights", TENSOR_F32, 2, shape, &data, err));
    assert_ok(model_add(rt, &s, "counts", TENSOR_U32, 1, shape, &counts, err));
    for (int i = 0; i < 12; i++)
        assert_true(data[i] == 0);
    data[11] = 7;
    assert_ok(model_tensor(&s, "weights", TENSOR_F32, 2, any, &found, err));
    assert_ptr_equal(found->data, data);
    assert_int_equal(found->shape[0], 3);
    assert_ok(model_tensor(&s, "counts", TENSOR_U32, 1, shape, &found, err));
    model_state_release(&s);
    assert_int_equal(s.count, 0);
    test_runtime_end(rt, &memory);
}

static void test_what_does_not_fit_is_named_with_what_is_expected(void **state)
{
    (void)state;
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 1);
    model_state s = {0};
    const int64_t shape[] = {3, 4}, other[] = {3, 5}, any[] = {-1};
    const named_tensor *found;
    float *data;
    assert_ok(model_add(rt, &s, "weights", TENSOR_F32, 2, shape, &data, err));
    assert_fails(model_tensor(&s, "bias", TENSOR_F32, 1, any, &found, err), MEDLEY_E_FORMAT,
                 "tensor 'bias' is missing, expected F32 [any]");
    assert_null(found);
    assert_fails(model_tensor(&s, "weights", TENSOR_F32, 2, other, &found, err), MEDLEY_E_FORMAT,
                 "tensor 'weights' is F32 [3, 4], expected F32 [3, 5]");
    assert_fails(model_tensor(&s, "weights", TENSOR_F32, 1, shape, &found, err), MEDLEY_E_FORMAT,
                 "expected F32 [3]");
    assert_fails(model_tensor(&s, "weights", TENSOR_I64, 2, shape, &found, err), MEDLEY_E_FORMAT, "expected I64");
    model_state_release(&s);
    test_runtime_end(rt, &memory);
}

static void test_a_tensor_that_cannot_be_had_is_out_of_memory(void **state)
{
    (void)state;
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 1);
    model_state s = {0};
    const int64_t huge[] = {INT64_MAX, 16}, shape[] = {4};
    float *data;
    assert_fails(model_add(rt, &s, "huge", TENSOR_F32, 2, huge, &data, err), MEDLEY_E_NOMEM, "out of memory");
    assert_fails(model_add(rt, &s, "huge", TENSOR_F32, 1, huge, &data, err), MEDLEY_E_NOMEM, "out of memory");
    assert_null(data);
    assert_int_equal(s.count, 0);
    BRUTAL(rt, &memory, model_add(rt, &s, "x", TENSOR_F32, 1, shape, &data, err), model_state_release(&s));
    test_runtime_end(rt, &memory);
}

static void test_every_model_describes_itself_and_its_defaults_are_accepted(void **state)
{
    (void)state;
    int64_t count = 0;
    for (const model_class *const *class = model_classes; *class != NULL; class ++, count++) {
        const model_class *c = *class;
        _Alignas(16) char values[512];
        char shown[64], accepts[64];
        assert_true(c->name != NULL && c->title != NULL && c->summary != NULL && c->paper != NULL &&
                    c->advice != NULL);
        assert_true((c->learner != NULL || (c->estimate != NULL && c->fit != NULL)) && c->scoring != NULL);
        assert_true(c->params_size <= sizeof values);
        for (const medley_param *p = c->params; p->kind != MEDLEY_PARAM_END; p++) {
            assert_ok(medley_param_set(p, values, p->preset, err));
            medley_param_format(p, values, shown, sizeof shown);
            assert_string_equal(shown, p->preset);
            assert_true(p->help != NULL && medley_param_accepts(p, accepts, sizeof accepts) > 0);
        }
        for (int64_t before = 0; before < count; before++)
            assert_string_not_equal(model_classes[before]->name, c->name);
    }
    assert_true(count >= 3);
}

static void test_what_cannot_fit_is_refused_with_advice(void **state)
{
    (void)state;
    static const int64_t start[] = {0};
    const training huge = {.users = 10000000, .items = 10000000, .matrix = {.start = start}};
    const training absurd = {.users = 1, .items = INT64_C(1) << 40, .matrix = {.start = start}};
    const training small = {.items = 100, .matrix = {.start = start}};
    for (const model_class *const *class = model_classes; *class != NULL; class ++) {
        _Alignas(16) char values[512] = "";
        medley_params_reset((*class)->params, values);
        assert_ok(model_check_memory(*class, values, &small, err));
        if ((*class)->estimate == NULL || (*class)->estimate(values, &absurd) == 0)
            continue; /* learns nothing */
        assert_fails(model_check_memory(*class, values, &absurd, err), MEDLEY_E_LIMIT, (*class)->advice);
        if (strcmp((*class)->name, "ease") == 0)
            assert_fails(model_check_memory(*class, values, &huge, err), MEDLEY_E_LIMIT,
                         "ease: 10000000 items need 1200020.6 GB, ");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tensors_are_added_zeroed_and_found_again),
        cmocka_unit_test(test_what_does_not_fit_is_named_with_what_is_expected),
        cmocka_unit_test(test_a_tensor_that_cannot_be_had_is_out_of_memory),
        cmocka_unit_test(test_every_model_describes_itself_and_its_defaults_are_accepted),
        cmocka_unit_test(test_what_cannot_fit_is_refused_with_advice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
