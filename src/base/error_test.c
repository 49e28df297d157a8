#include "testing.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static void test_every_code_has_a_name_and_a_meaning(void **state)
{
    (void)state;
#define CHECK_ROW(name, value, text)                                      \
    assert_int_equal(MEDLEY_##name, value);                               \
    assert_string_equal(medley_status_name((medley_status)value), #name); \
    assert_string_equal(medley_status_text((medley_status)value), text);
    MEDLEY_STATUS_TABLE(CHECK_ROW)
#undef CHECK_ROW
    assert_string_equal(medley_status_name((medley_status)-1), "?");
    assert_string_equal(medley_status_text((medley_status)9999), "?");
}

static void test_the_version_is_that_of_the_header(void **state)
{
    (void)state;
    char want[32];
    snprintf(want, sizeof want, "%d.%d.%d", MEDLEY_VERSION_MAJOR, MEDLEY_VERSION_MINOR, MEDLEY_VERSION_PATCH);
    assert_string_equal(medley_version(), want);
}

static void test_failing_writes_the_message_and_returns_the_code(void **state)
{
    (void)state;
    medley_error err = {MEDLEY_OK, "old"};
    assert_int_equal(fail(&err, MEDLEY_E_CONFIG, "k: %d is outside %d..%d", 0, 1, 5), MEDLEY_E_CONFIG);
    assert_int_equal(err.status, MEDLEY_E_CONFIG);
    assert_string_equal(err.message, "k: 0 is outside 1..5");
    assert_int_equal(fail(NULL, MEDLEY_E_IO, "nobody listens"), MEDLEY_E_IO);
}

static void test_context_stands_in_front_of_the_cause(void **state)
{
    (void)state;
    medley_error err;
    (void)fail(&err, MEDLEY_E_FORMAT, "not a number");
    assert_int_equal(fail_while(&err, MEDLEY_E_CONFIG, "exp.yaml:%d", 4), MEDLEY_E_CONFIG);
    assert_int_equal(err.status, MEDLEY_E_CONFIG);
    assert_string_equal(err.message, "exp.yaml:4: not a number");
    assert_int_equal(fail_while(NULL, MEDLEY_E_CONFIG, "x"), MEDLEY_E_CONFIG);
}

static void test_a_message_is_one_line_of_text(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"a\nb\r\tc\x1b[31m\x7f", "a?b??c?[31m?"},
        {"caf\xc3\xa9 \xe4\xbd\xa0 \xf0\x9f\x8e\xac", "caf\xc3\xa9 \xe4\xbd\xa0 \xf0\x9f\x8e\xac"},
        {"caf\xe9 \xff\xfe", "caf? ??"},
        {"\xc0\x80 \xed\xa0\x80 \xf4\x90\x80\x80", "?? ??? ????"},
        {"\xc2\x85 \xc2\x9b", "?? ??"}, /* next line, control sequence introducer */
        {"cut \xe4\xbd", "cut ??"},
    };
    medley_error err;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        (void)fail(&err, MEDLEY_E_FORMAT, "%s", cases[i][0]);
        assert_string_equal(err.message, cases[i][1]);
        (void)fail_while(&err, MEDLEY_E_FORMAT, "%s", cases[i][0]);
        assert_memory_equal(err.message, cases[i][1], strlen(cases[i][1]));
    }
    (void)fail(&err, MEDLEY_E_FORMAT, "before%cafter", '\0');
    assert_string_equal(err.message, "before?after");
}

static void test_a_long_message_is_cut_between_characters(void **state)
{
    (void)state;
    char longest[4001];
    for (int i = 0; i < 4000; i += 2)
        memcpy(longest + i, "\xc3\xa9", 2);
    longest[4000] = '\0';
    medley_error err;
    (void)fail(&err, MEDLEY_E_FORMAT, "%s", longest);
    assert_int_equal(strlen(err.message), sizeof err.message - 1);
    assert_string_equal(err.message + 996, "\xc3\xa9?"); /* 999 bytes hold 499 characters and a half */
    (void)fail_while(&err, MEDLEY_E_FORMAT, "file");
    assert_int_equal(strlen(err.message), sizeof err.message - 1);
    assert_memory_equal(err.message, "file: \xc3\xa9", 8);
    assert_string_equal(err.message + 996, "\xc3\xa9?");
}

static void test_system_errors_have_the_right_code(void **state)
{
    (void)state;
    assert_fails(fail_errno(err, ENOENT, "open", "x.csv"), MEDLEY_E_NOT_FOUND, "cannot open 'x.csv': ");
    assert_fails(fail_errno(err, ENOMEM, "read", "x"), MEDLEY_E_NOMEM, "cannot read 'x': ");
    assert_fails(fail_errno(err, EACCES, "write", "x"), MEDLEY_E_IO, "cannot write 'x': ");
    assert_fails(fail_errno(err, 123456, "write", "x"), MEDLEY_E_IO, "cannot write 'x': ");
    assert_int_equal(fail_errno(NULL, ENOENT, "open", "x"), MEDLEY_E_NOT_FOUND);
}

static void test_clearing_leaves_success(void **state)
{
    (void)state;
    medley_error err;
    (void)fail(&err, MEDLEY_E_IO, "x");
    error_clear(&err);
    assert_int_equal(err.status, MEDLEY_OK);
    assert_string_equal(err.message, "");
    error_clear(NULL);
}

static medley_status third(bool fails, int *reached, medley_error *err)
{
    TRY(fails ? fail(err, MEDLEY_E_SHAPE, "inner") : MEDLEY_OK);
    ++*reached;
    return MEDLEY_OK;
}

static medley_status second(bool fails, int *reached, int *cleaned, medley_error *err)
{
    medley_status status = MEDLEY_OK;
    TRY_DONE(third(fails, reached, err));
    ++*reached;
done:
    ++*cleaned;
    return status;
}

static void test_trying_stops_at_the_failure_and_cleans_up(void **state)
{
    (void)state;
    int reached = 0, cleaned = 0;
    assert_fails(second(true, &reached, &cleaned, err), MEDLEY_E_SHAPE, "inner");
    assert_int_equal(reached, 0);
    assert_int_equal(cleaned, 1);
    assert_ok(second(false, &reached, &cleaned, err));
    assert_int_equal(reached, 2);
    assert_int_equal(cleaned, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_code_has_a_name_and_a_meaning),
        cmocka_unit_test(test_the_version_is_that_of_the_header),
        cmocka_unit_test(test_failing_writes_the_message_and_returns_the_code),
        cmocka_unit_test(test_context_stands_in_front_of_the_cause),
        cmocka_unit_test(test_a_message_is_one_line_of_text),
        cmocka_unit_test(test_a_long_message_is_cut_between_characters),
        cmocka_unit_test(test_system_errors_have_the_right_code),
        cmocka_unit_test(test_clearing_leaves_success),
        cmocka_unit_test(test_trying_stops_at_the_failure_and_cleans_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
