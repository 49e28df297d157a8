#include "io/description.h"

#include "fixture.h"

typedef struct values {
    int64_t count;
    const char *words, *where;
    bool force;
} values;

static const medley_param table[] = {
    MEDLEY_INT(values, count, "3", 0, 9, .help = "a number"),
    MEDLEY_TEXT(values, words, "", .help = "a text"),
    MEDLEY_TEXT(values, where, "here", .flags = MEDLEY_PARAM_PATH, .help = "a path"),
    MEDLEY_BOOL(values, force, "true", .flags = MEDLEY_PARAM_TRANSIENT, .help = "of this call"),
    MEDLEY_PARAMS_END,
};

static medley_status describe(const values *v, const char *name, medley_error *err)
{
    json *root = json_new_object();
    medley_status status = description_add(rt, root, table, v, err);
    if (status == MEDLEY_OK)
        status = description_save(rt, root, folder, name, err);
    json_free(root);
    return status;
}

static void test_what_shaped_a_result_is_kept_whole_and_nothing_else(void **state)
{
    (void)state;
    enum { LENGTH = 9001 }; /* of two-byte characters behind one byte: any cut at an even place breaks one */
    static char words[LENGTH + 1] = "a";
    size_t length;
    values v;
    json *back;
    for (int i = 1; i < LENGTH; i += 2)
        memcpy(words + i, "\xc3\xa9", 2);
    medley_params_reset(table, &v);
    v.words = words;
    assert_ok(describe(&v, "x.json", err));
    char *bytes = test_read(test_path(folder, "x.json"), &length);
    assert_ok(json_parse("x.json", bytes, length, &back, err));
    assert_int_equal(json_count(back), 2);
    assert_string_equal(json_text(back, "count"), "3");
    assert_string_equal(json_text(back, "words"), words);
    json_free(back);
    test_read_end(bytes);
}

static void test_no_table_adds_nothing(void **state)
{
    (void)state;
    json *options = json_new_object();
    assert_ok(description_add(rt, options, NULL, NULL, err));
    assert_int_equal(json_count(options), 0);
    json_free(options);
}

static void test_every_allocation_can_fail(void **state)
{
    (void)state;
    values v;
    medley_params_reset(table, &v);
    BRUTAL(rt, &memory, describe(&v, "y.json", err), (void)0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_what_shaped_a_result_is_kept_whole_and_nothing_else, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_no_table_adds_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_every_allocation_can_fail, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
