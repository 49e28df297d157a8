#include "data/moment.h"

#include <time.h>

#include "fixture.h"

static void test_seconds_and_dates_are_moments(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        int64_t want;
    } cases[] = {{"", 0},
                 {"0", 0},
                 {"1554016770", 1554016770},
                 {"4102444799", 4102444799},
                 {"1970-01-01", 0},
                 {"2000-02-29", 951782400},
                 {"2019-03-31", 1553990400},
                 {"2019-03-31T07:19", 1554016740},
                 {"2019-03-31 07:19:30", 1554016770},
                 {"2019-03-31T07:19:30Z", 1554016770},
                 {"2099-12-31T23:59:59Z", 4102444799}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t seconds = -1;
        assert_ok(moment_parse("time_from", cases[i].value, &seconds, err));
        assert_int_equal(seconds, cases[i].want);
    }
}

/* The C library's calendar is the twin. */
static void test_every_day_is_where_the_calendar_has_it(void **state)
{
    (void)state;
    for (int64_t day = 0; day * 86400 < INT64_C(4102444799); day++) {
        const time_t at = (time_t)(day * 86400 + day % 86400);
        struct tm utc;
        char shown[64];
        int64_t seconds;
        assert_non_null(gmtime_r(&at, &utc));
        strftime(shown, sizeof shown, "%Y-%m-%dT%H:%M:%SZ", &utc);
        assert_ok(moment_parse("t", shown, &seconds, err));
        assert_int_equal(seconds, at);
    }
}

static void test_what_is_no_moment_is_refused(void **state)
{
    (void)state;
    static const char *const values[] = {"-1",
                                         "4102444800",
                                         "1e9",
                                         "20-19",
                                         "yesterday",
                                         "2019-13-01",
                                         "2019-00-10",
                                         "2019-02-29",
                                         "2019-04-31",
                                         "2019-04-00",
                                         "1969-12-31",
                                         "2100-01-01",
                                         "2019-1-1",
                                         "2019-01-01T",
                                         "2019-01-01T24:00",
                                         "2019-01-01T10:60",
                                         "2019-01-01T10:00:60",
                                         "2019-01-01 10",
                                         "2019-01-01x",
                                         "2019-01-01T10:00Zx",
                                         "2019-01-01T1:00",
                                         " 2019-01-01",
                                         "12345678901234567890"};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        int64_t seconds;
        assert_fails(moment_parse("time_from", values[i], &seconds, err), MEDLEY_E_CONFIG, "time_from: '");
        assert_fails(moment_parse("time_from", values[i], &seconds, err), MEDLEY_E_CONFIG,
                     "is no moment; accepted: seconds since 1970 (0..4102444799), 2019-03-31");
    }
}

static void test_what_may_be_a_year_is_refused(void **state)
{
    (void)state;
    int64_t seconds = -1;
    assert_fails(
        moment_parse("time_from", "2019", &seconds, err), MEDLEY_E_CONFIG,
        "time_from: '2019' may be a year; accepted: 2019-01-01, 2019-01-01T07:19:30 (UTC), or seconds since "
        "1970 that are not of four digits");
    assert_int_equal(seconds, 0);
    assert_fails(moment_parse("time_from", "1000", &seconds, err), MEDLEY_E_CONFIG, "'1000' may be a year");
    assert_ok(moment_parse("time_from", "999", &seconds, err));
    assert_int_equal(seconds, 999);
    assert_ok(moment_parse("time_from", "10000", &seconds, err));
    assert_int_equal(seconds, 10000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_seconds_and_dates_are_moments, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_every_day_is_where_the_calendar_has_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_is_no_moment_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_may_be_a_year_is_refused, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
