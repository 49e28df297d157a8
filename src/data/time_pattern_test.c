#include "data/time_pattern.h"

#include <time.h>

#include "testing.h"

static void test_patterns_are_read_as_strptime_reads_them(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *bytes;
        int64_t want; /* -1: refused */
    } cases[] = {
        {"%Y-%m-%d %H:%M:%S", "1970-01-01 00:00:00", 0},
        {"%Y-%m-%d %H:%M:%S", "2018-07-01 12:30:05", 1530448205},
        {"%Y-%m-%d", "2000-02-29", 951782400},
        {"%Y-%m-%d", "1900-02-29", -1},
        {"%Y-%m-%d", "2018-13-01", -1},
        {"%Y-%m-%d", "2018-04-31", -1},
        {"%Y-%m-%d", "2018-04-30x", -1},
        {"%Y-%m-%d", "2018-04", -1},
        {"%Y%m%d", "20180701", 1530403200},
        {"%d/%b/%Y:%H:%M:%S %z", "10/Oct/2000:13:55:36 -0700", 971211336},
        {"%d-%b-%Y", "01-Jan-1995", 788918400},
        {"%B %d, %Y", "september 13, 2009", 1252800000},
        {"%a %d %b %Y", "Sun 13 Sep 2009", 1252800000},
        {"%m %d, %Y", "09  13, 2009", 1252800000},
        {"%m/%d/%y %I:%M %p", "09/13/09 01:30 PM", 1252848600},
        {"%m/%d/%y %I:%M %p", "09/13/09 12:30 am", 1252801800},
        {"%y", "70", 0},
        {"%Y %j", "2009 256", 1252800000},
        {"%F %T", "2009-09-13 00:00:01", 1252800001},
        {"%s", "1252800000", 1252800000},
        {"%S.%f%%", "07.123%", 7},
        {"%H", "24", -1},
        {"iso8601", "2018-07-01", 1530403200},
        {"iso8601", "2018-07-01T12:30", 1530448200},
        {"iso8601", "2018-07-01 12:30:05.678", 1530448205},
        {"iso8601", "2018-07-01T12:30:05Z", 1530448205},
        {"iso8601", "2018-07-01 12:30:05 UTC", 1530448205},
        {"iso8601", "2018-07-01T14:30:05+02:00", 1530448205},
        {"iso8601", "2018-07-01T10:00:05-0230", 1530448205},
        {"iso8601", "2018-07-01T14:30:05+02", 1530448205},
        {"iso8601", "2018-07-01T", -1},
        {"iso8601", "2018-07-01T12:30:05Zx", -1},
        {"iso8601", "", -1},
        {"%Q", "x", -1},
        {"%", "x", -1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t seconds = -1;
        const bool good = time_parse(cases[i].pattern, cases[i].bytes, strlen(cases[i].bytes), &seconds);
        if (good != (cases[i].want >= 0) || (good && seconds != cases[i].want))
            fail_msg("'%s' as '%s': %lld", cases[i].bytes, cases[i].pattern, good ? (long long)seconds : -1LL);
    }
}

static void test_days_are_those_of_the_c_library(void **state)
{
    (void)state;
    for (int64_t day = 0; day < 60000; day += 7) {
        const time_t at = (time_t)day * 86400 + 12345;
        struct tm parts;
        char bytes[32];
        int64_t seconds;
        gmtime_r(&at, &parts);
        strftime(bytes, sizeof bytes, "%Y-%m-%d %H:%M:%S", &parts);
        assert_true(time_parse("%Y-%m-%d %H:%M:%S", bytes, strlen(bytes), &seconds));
        assert_int_equal(seconds, at);
        assert_true(time_parse("iso8601", bytes, strlen(bytes), &seconds));
        assert_int_equal(seconds, at);
    }
}

static void test_unknown_patterns_are_told(void **state)
{
    (void)state;
    assert_true(time_pattern_is_known("iso8601"));
    assert_true(time_pattern_is_known("%Y-%m-%d"));
    assert_true(time_pattern_is_known("100%% %s"));
    assert_false(time_pattern_is_known("%H:%M"));
    assert_false(time_pattern_is_known("%Y %Q"));
    assert_false(time_pattern_is_known("%Y %"));
    assert_false(time_pattern_is_known("seconds"));
    assert_false(time_pattern_is_known(""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_patterns_are_read_as_strptime_reads_them),
        cmocka_unit_test(test_days_are_those_of_the_c_library),
        cmocka_unit_test(test_unknown_patterns_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
