#include "made_features.h"

#include "data/features_file.h"
#include "fixture.h"

typedef struct values {
    const char *features, *fields;
} values;

static const medley_param table[] = {
    MEDLEY_TEXT(values, features, "", .flags = MEDLEY_PARAM_FEATURES),
    MEDLEY_TEXT(values, fields, "title"),
    MEDLEY_PARAMS_END,
};

static medley_status describe(const char *names, text *out, medley_error *why)
{
    const values own = {names, "wide"};
    return features_describe(rt, test_path(folder, "store"), table, &own, "# ", out, why);
}

static void assert_described(const char *names, const char *want)
{
    text got = {.rt = rt};
    assert_ok(describe(names, &got, err));
    assert_string_equal(got.length > 0 ? got.bytes : "", want);
    text_release(&got);
}

static void test_each_matrix_that_settings_name_has_its_line(void **state)
{
    (void)state;
    static const float wide[] = {1, 2, 3, 4}, narrow[] = {5, 6};
    char first[FINGERPRINT_SIZE], second[FINGERPRINT_SIZE], want[300];
    made_items(rt, test_path(folder, "store"), 2);
    made_features(rt, test_path(folder, "store"), "wide", wide, 2, 2);
    made_features(rt, test_path(folder, "store"), "narrow", narrow, 2, 1);
    assert_ok(features_read_print(rt, test_path(folder, "store"), "wide", first, err));
    assert_ok(features_read_print(rt, test_path(folder, "store"), "narrow", second, err));
    assert_int_equal(strlen(first), FINGERPRINT_SIZE - 1);
    assert_string_not_equal(first, second);
    snprintf(want, sizeof want, "# wide %s\n# narrow %s\n", first, second);
    assert_described("wide,narrow", want);
    assert_described(" wide:2.5, narrow ", want);
    snprintf(want, sizeof want, "# wide %s\n# none -\n# ../wide -\n", first);
    assert_described("wide none ../wide", want);
    assert_described("", "");
    assert_described(" , ", "");
}

static medley_status describe_and_drop(medley_error *why)
{
    text got = {.rt = rt};
    const medley_status status = describe("wide,none", &got, why);
    text_release(&got);
    return status;
}

static void test_every_failing_allocation_is_reported_and_leaks_nothing(void **state)
{
    (void)state;
    BRUTAL(rt, &memory, describe_and_drop(err), (void)0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_matrix_that_settings_name_has_its_line),
        cmocka_unit_test(test_every_failing_allocation_is_reported_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
