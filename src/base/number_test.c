#include "testing.h"

#include <errno.h>
#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/number.h"

/* The definition: [sign] digits, value by strtoll. */
static bool slow_int(const char *text, size_t length, int64_t *out)
{
    char copy[128], *end;
    const size_t sign = length > 0 && (text[0] == '-' || text[0] == '+');
    memcpy(copy, text, length);
    copy[length] = '\0';
    if (length == sign || strspn(copy + sign, "0123456789") != length - sign)
        return false;
    errno = 0;
    *out = strtoll(copy, &end, 10);
    return errno == 0 && *end == '\0';
}

/* The definition: strtod, for texts of decimal characters only. */
static bool slow_real(const char *text, size_t length, double *out)
{
    char copy[600], *end;
    memcpy(copy, text, length);
    copy[length] = '\0';
    if (length == 0 || strspn(copy, "+-.0123456789eE") != length)
        return false;
    *out = strtod(copy, &end);
    return end == copy + length && isfinite(*out);
}

static void check_int(const char *text, size_t length)
{
    int64_t got = 77, want = 77;
    const bool accepted = number_int(text, length, &got);
    if (accepted != slow_int(text, length, &want) || (accepted && got != want))
        fail_msg("number_int '%.*s': %d %" PRId64 ", expected %" PRId64, (int)length, text, accepted, got, want);
    if (!accepted)
        assert_int_equal(got, 77);
}

static void check_real(const char *text, size_t length)
{
    double got = 77, want = 77;
    const bool accepted = number_real(text, length, &got);
    if (accepted != slow_real(text, length, &want) || (accepted && memcmp(&got, &want, sizeof got) != 0))
        fail_msg("number_real '%.*s': %d %.17g, expected %.17g", (int)length, text, accepted, got, want);
    if (!accepted)
        assert_true(got == 77);
}

static const char *const hostile[] = {
    "",
    "0",
    "-0",
    "+0",
    "-",
    "+",
    "--1",
    "+-1",
    "-+1",
    "1-",
    " 1",
    "1 ",
    "1\n",
    "\t1",
    "007",
    "1,000",
    "1_000",
    "0x10",
    "1e3",
    "1.0",
    "9223372036854775807",
    "-9223372036854775808",
    "9223372036854775808",
    "-9223372036854775809",
    "92233720368547758070",
    "00000000000000000000000000000001",
    "18446744073709551616",
    "one",
    "\xd9\xa1",
    "nan",
    "inf",
    "-inf",
    "infinity",
    "NAN(1)",
    "0x1p3",
    ".",
    "-.",
    "1.",
    ".5",
    "-.5",
    "+.5e1",
    "1..2",
    "1.2.3",
    "e5",
    "1e",
    "1e+",
    "1e-",
    "1e5.5",
    "1ee5",
    "1E5",
    "1e+05",
    "1e308",
    "1e309",
    "-1e309",
    "1e-320",
    "1e-400",
    "4.9e-324",
    "2.4e-324",
    "1.7976931348623157e308",
    "1.7976931348623159e308",
    "0.1",
    "0.30000000000000004",
    "123456789012345",
    "1234567890123456",
    "12345678901234567890",
    "0.000000000000001",
    "0.0000000000000001",
    "9007199254740993",
    "9007199254740992.5",
    "999999999999999",
    "99999999999999.9",
    "-0.0",
    "1e0",
    "0e999999",
    "1e99999999999999999999",
    "2.2250738585072011e-308",
    "2.2250738585072012e-308",
    "5,5",
    "1;2",
    "1f",
    "1d",
    "+1e2",
};

static void test_hostile_texts_are_read_as_strtoll_and_strtod_do(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof hostile / sizeof *hostile; i++) {
        check_int(hostile[i], strlen(hostile[i]));
        check_real(hostile[i], strlen(hostile[i]));
    }
    double real;
    int64_t integer;
    assert_false(number_int("1\0", 2, &integer));
    assert_false(number_real("1\0", 2, &real));
    assert_false(number_real("12345678901234567\0", 18, &real));
    assert_true(number_real("15 stars", 2, &real) && real == 15); /* the text need not end */
    assert_true(number_int("-7,8", 2, &integer) && integer == -7);
}

static void test_random_texts_are_read_as_strtoll_and_strtod_do(void **state)
{
    (void)state;
    static const char alphabet[] = "0123456789012345678901234567890123456789..--++eE,x ";
    char text[40];
    for (uint64_t round = 0; round < 300000; round++) {
        const size_t length = random_bits(3, 0, round) % 24;
        for (size_t i = 0; i < length; i++)
            text[i] = alphabet[random_bits(3, round + 1, i) % (round % 2 ? 40 : sizeof alphabet - 1)];
        check_int(text, length);
        check_real(text, length);
    }
}

static void test_random_doubles_come_back_as_the_same_bits(void **state)
{
    (void)state;
    char text[64];
    for (uint64_t round = 0; round < 200000; round++) {
        uint64_t bits = random_bits(5, 0, round);
        double value, back;
        memcpy(&value, &bits, sizeof value);
        if (!isfinite(value))
            continue;
        const int length = number_print(text, sizeof text, "%.17g", value);
        assert_true(number_real(text, (size_t)length, &back));
        assert_memory_equal(&back, &value, sizeof value);
    }
    for (uint64_t round = 0; round < 200000; round++) { /* what data holds: a few digits, a point somewhere */
        const int64_t digits = (int64_t)(random_bits(6, 0, round) % 1000000000000000u) >> (round % 40);
        const int length = snprintf(text, sizeof text, "%s%" PRId64 ".%0*" PRId64, round % 3 ? "" : "-",
                                    digits / 1000, (int)(round % 4) + 1, digits % 1000);
        check_real(text, (size_t)length);
    }
}

static void test_very_long_texts_are_refused(void **state)
{
    (void)state;
    char text[600];
    double real;
    int64_t integer;
    memset(text, '0', sizeof text);
    text[510] = '5';
    assert_true(number_real(text, 511, &real) && real == 5);
    assert_false(number_real(text, 512, &real));
    assert_true(number_int(text, 511, &integer) && integer == 5);
    memset(text, '9', sizeof text);
    assert_false(number_real(text, 400, &real)); /* 1e400 */
    assert_false(number_int(text, 400, &integer));
    text[1] = '.';
    check_real(text, 400);
}

static void test_the_format_that_comes_back_is_short(void **state)
{
    (void)state;
    static const struct {
        double value;
        const char *want;
    } cases[] = {
        {0, "0"},
        {-0.0, "-0"},
        {0.1, "0.1"},
        {1e-4, "0.0001"},
        {0.30000000000000004, "0.30000000000000004"},
        {1e22, "1e+22"},
        {123456.7, "123456.7"},
        {1.0 / 3, "0.3333333333333333"},
        {9007199254740993.0, "9007199254740992"},
    };
    char text[40];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double back;
        const int length = number_format(cases[i].value, text, sizeof text);
        assert_true(number_real(text, (size_t)length, &back) && back == cases[i].value);
        assert_string_equal(text, cases[i].want);
        assert_int_equal(number_format(cases[i].value, NULL, 0), length);
        assert_int_equal(number_format(cases[i].value, text, 2), length);
        assert_int_equal(strlen(text), 1);
    }
    assert_int_equal(number_format(NAN, text, sizeof text), 3);
    assert_string_equal(text, "nan");
    assert_int_equal(number_format(-INFINITY, text, sizeof text), 4);
}

static void test_printing_is_that_of_printf(void **state)
{
    (void)state;
    char text[8];
    assert_int_equal(number_print(text, sizeof text, "%s %.2f", "x", 1.5), 6);
    assert_string_equal(text, "x 1.50");
    assert_int_equal(number_print(text, 3, "%.17g", 0.5), 3);
    assert_string_equal(text, "0.");
    assert_int_equal(number_print(NULL, 0, "%g", 1e100), 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hostile_texts_are_read_as_strtoll_and_strtod_do),
        cmocka_unit_test(test_random_texts_are_read_as_strtoll_and_strtod_do),
        cmocka_unit_test(test_random_doubles_come_back_as_the_same_bits),
        cmocka_unit_test(test_very_long_texts_are_refused),
        cmocka_unit_test(test_the_format_that_comes_back_is_short),
        cmocka_unit_test(test_printing_is_that_of_printf),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
