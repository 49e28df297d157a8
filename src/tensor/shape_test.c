#include "testing.h"

#include "tensor/shape.h"

static void assert_format(shape s, const char *want)
{
    char out[SHAPE_TEXT];
    assert_ptr_equal(shape_format(s, out), out);
    assert_string_equal(out, want);
}

static void test_shapes_are_written_in_brackets(void **state)
{
    (void)state;
    assert_format(shape_scalar(), "[]");
    assert_format(shape_1(0), "[0]");
    assert_format(shape_2(2, 3), "[2,3]");
    assert_format(shape_3(2, 3, 4), "[2,3,4]");
    assert_format(shape_4(INT64_MIN, INT64_MIN, INT64_MIN, INT64_MIN),
                  "[-9223372036854775808,-9223372036854775808,-9223372036854775808,-9223372036854775808]");
}

static void test_counts_rows_and_widths(void **state)
{
    (void)state;
    assert_int_equal(shape_count(shape_scalar()), 1);
    assert_int_equal(shape_width(shape_scalar()), 1);
    assert_int_equal(shape_rows(shape_scalar()), 1);
    assert_int_equal(shape_count(shape_3(2, 3, 4)), 24);
    assert_int_equal(shape_rows(shape_3(2, 3, 4)), 6);
    assert_int_equal(shape_width(shape_3(2, 3, 4)), 4);
    assert_int_equal(shape_count(shape_2(5, 0)), 0);
    assert_true(shape_equal(shape_2(2, 3), shape_2(2, 3)));
    assert_false(shape_equal(shape_2(2, 3), shape_3(2, 3, 1)));
    assert_false(shape_equal(shape_2(2, 3), shape_2(3, 2)));
}

static void assert_broadcast(shape a, shape b, shape want)
{
    shape got;
    assert_true(shape_broadcast(a, b, &got));
    assert_true(shape_equal(got, want));
    assert_true(shape_broadcast(b, a, &got));
    assert_true(shape_equal(got, want));
}

static void test_sizes_of_one_and_missing_ones_are_repeated(void **state)
{
    (void)state;
    shape got;
    assert_broadcast(shape_scalar(), shape_scalar(), shape_scalar());
    assert_broadcast(shape_scalar(), shape_2(2, 3), shape_2(2, 3));
    assert_broadcast(shape_1(3), shape_2(2, 3), shape_2(2, 3));
    assert_broadcast(shape_2(2, 1), shape_2(1, 3), shape_2(2, 3));
    assert_broadcast(shape_4(1, 5, 1, 7), shape_3(1, 6, 7), shape_4(1, 5, 6, 7));
    assert_broadcast(shape_1(1), shape_1(0), shape_1(0));
    assert_false(shape_broadcast(shape_1(2), shape_1(3), &got));
    assert_false(shape_broadcast(shape_2(2, 3), shape_1(2), &got));
    assert_false(shape_broadcast(shape_1(0), shape_1(2), &got));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shapes_are_written_in_brackets),
        cmocka_unit_test(test_counts_rows_and_widths),
        cmocka_unit_test(test_sizes_of_one_and_missing_ones_are_repeated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
