#include "testing.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/report.h"

#include "fixture.h"

static medley_status make(medley_report **out, medley_error *err)
{
    TRY(report_create(rt, out, err));
    medley_report *r = *out;
    report_facts(r, "counts", "Counts");
    report_int(r, "users", 42);
    report_real(r, "density_of_all", 0.123456789);
    report_string(r, "name", "caf\xc3\xa9");
    report_string(r, "nothing", NULL);
    report_table(r, "lists", "Lists", "user|rank|score");
    report_string(r, NULL, "u1");
    report_int(r, NULL, 1);
    report_real(r, NULL, 0.5);
    report_bytes(r, NULL, "longer", 5);
    report_int(r, NULL, 10);
    report_real(r, NULL, -1.25);
    report_table(r, "none", "None", "a|b");
    report_facts(r, "empty", "Empty");
    return report_status(r, err);
}

static void assert_renders(medley_report *r, medley_report_form form, const char *want)
{
    const char *got;
    assert_ok(medley_report_render(r, form, &got, err));
    assert_string_equal(got, want);
}

static void test_people_get_aligned_columns(void **state)
{
    (void)state;
    medley_report *r;
    assert_ok(make(&r, err));
    assert_renders(r, MEDLEY_REPORT_TEXT,
                   "Counts\n"
                   "  users           42\n"
                   "  density of all  0.123457\n"
                   "  name            caf\xc3\xa9\n"
                   "  nothing         \n"
                   "\nLists\n"
                   "  user   rank  score\n"
                   "  u1        1    0.5\n"
                   "  longe    10  -1.25\n"
                   "\nNone\n"
                   "  nothing\n"
                   "\nEmpty\n");
    medley_report_free(r);
}

static void test_pipes_get_tabs_and_every_digit(void **state)
{
    (void)state;
    medley_report *r;
    assert_ok(make(&r, err));
    assert_renders(r, MEDLEY_REPORT_TSV,
                   "users\t42\n"
                   "density_of_all\t0.123456789\n"
                   "name\tcaf\xc3\xa9\n"
                   "nothing\t\n"
                   "user\trank\tscore\n"
                   "u1\t1\t0.5\n"
                   "longe\t10\t-1.25\n"
                   "a\tb\n");
    medley_report_free(r);
}

static void test_machines_get_json(void **state)
{
    (void)state;
    medley_report *r;
    assert_ok(make(&r, err));
    assert_renders(r, MEDLEY_REPORT_JSON,
                   "{\n"
                   "  \"counts\": {\n"
                   "    \"users\": 42,\n"
                   "    \"density_of_all\": 0.123456789,\n"
                   "    \"name\": \"caf\xc3\xa9\",\n"
                   "    \"nothing\": null\n"
                   "  },\n"
                   "  \"lists\": [\n"
                   "    { \"user\": \"u1\", \"rank\": 1, \"score\": 0.5 },\n"
                   "    { \"user\": \"longe\", \"rank\": 10, \"score\": -1.25 }\n"
                   "  ],\n"
                   "  \"none\": [\n"
                   "  ],\n"
                   "  \"empty\": {\n"
                   "  }\n"
                   "}\n");
    medley_report_free(r);
}

static void test_an_unknown_form_is_refused(void **state)
{
    (void)state;
    medley_report *r;
    const char *out = "";
    assert_ok(make(&r, err));
    assert_fails(medley_report_render(r, (medley_report_form)3, &out, err), MEDLEY_E_ARGUMENT,
                 "form: 3 is no form of a report");
    assert_null(out);
    assert_fails(medley_report_render(r, (medley_report_form)-1, &out, err), MEDLEY_E_ARGUMENT, "form: -1");
    medley_report_free(r);
    medley_report_free(NULL);
}

static void test_success_clears_the_message(void **state)
{
    (void)state;
    medley_report *r;
    const char *out;
    medley_error err = {MEDLEY_E_IO, "old"};
    assert_int_equal(make(&r, NULL), MEDLEY_OK);
    assert_int_equal(medley_report_render(r, MEDLEY_REPORT_TEXT, &out, &err), MEDLEY_OK);
    assert_int_equal(err.status, MEDLEY_OK);
    assert_string_equal(err.message, "");
    medley_report_free(r);
}

static void test_values_are_found_by_section_row_and_name(void **state)
{
    (void)state;
    medley_report *r;
    double value = 7;
    assert_ok(make(&r, err));
    assert_true(medley_report_number(r, "counts", 0, "users", &value) && value == 42);
    assert_true(medley_report_number(r, "counts", 0, "density_of_all", &value) && value == 0.123456789);
    assert_true(medley_report_number(r, "lists", 1, "score", &value) && value == -1.25);
    assert_string_equal(medley_report_text(r, "lists", 1, "user"), "longe");
    assert_int_equal(medley_report_rows(r, "counts"), 1);
    assert_int_equal(medley_report_rows(r, "lists"), 2);
    assert_int_equal(medley_report_rows(r, "none"), 0);
    assert_int_equal(medley_report_rows(r, "absent"), 0);
    value = 7;
    assert_false(medley_report_number(r, "counts", 0, "name", &value)); /* text */
    assert_false(medley_report_number(r, "counts", 0, "nothing", &value));
    assert_false(medley_report_number(r, "counts", 1, "users", &value));
    assert_false(medley_report_number(r, "lists", 2, "rank", &value));
    assert_false(medley_report_number(r, "lists", -1, "rank", &value));
    assert_false(medley_report_number(r, "lists", 0, "absent", &value));
    assert_false(medley_report_number(r, "absent", 0, "users", &value));
    assert_null(medley_report_text(r, "counts", 0, "users")); /* a number */
    assert_null(medley_report_text(r, "counts", 0, "nothing"));
    assert_true(value == 7);
    medley_report_free(r);
}

static void test_hostile_text_breaks_no_line_and_no_column(void **state)
{
    (void)state;
    medley_report *r;
    assert_ok(report_create(rt, &r, err));
    report_table(r, "t", "T", "a|b");
    report_string(r, NULL, "x\ty\nz\r");
    report_string(r, NULL, "quote\" back\\slash");
    report_bytes(r, NULL, "nul\0in", 6);
    report_string(r, NULL,
                  "\xff"
                  "bad\xc3 \xed\xa0\x80");
    assert_ok(report_status(r, err));
    assert_string_equal(medley_report_text(r, "t", 1, "a"), "nul\xef\xbf\xbdin");
    assert_string_equal(medley_report_text(r, "t", 1, "b"),
                        "\xef\xbf\xbd"
                        "bad\xef\xbf\xbd \xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
    assert_renders(r, MEDLEY_REPORT_TSV,
                   "a\tb\nx y z \tquote\" back\\slash\n"
                   "nul\xef\xbf\xbdin\t\xef\xbf\xbd"
                   "bad\xef\xbf\xbd \xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\n");
    assert_renders(r, MEDLEY_REPORT_JSON,
                   "{\n  \"t\": [\n"
                   "    { \"a\": \"x\\u0009y\\u000az\\u000d\", \"b\": \"quote\\\" back\\\\slash\" },\n"
                   "    { \"a\": \"nul\xef\xbf\xbdin\", \"b\": \"\xef\xbf\xbd"
                   "bad\xef\xbf\xbd \xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\" }\n"
                   "  ]\n}\n");
    medley_report_free(r);
}

static void test_numbers_that_json_does_not_have_are_null(void **state)
{
    (void)state;
    medley_report *r;
    assert_ok(report_create(rt, &r, err));
    report_facts(r, "f", "F");
    report_real(r, "nan", NAN);
    report_real(r, "inf", -INFINITY);
    report_real(r, "tiny", 5e-324);
    report_int(r, "least", INT64_MIN);
    assert_ok(report_status(r, err));
    assert_renders(r, MEDLEY_REPORT_JSON,
                   "{\n  \"f\": {\n    \"nan\": null,\n    \"inf\": null,\n    \"tiny\": 4.94065645841247e-324,\n"
                   "    \"least\": -9223372036854775808\n  }\n}\n");
    medley_report_free(r);
}

/* Widths of a column are found once: squared rows would take hours here. */
static void test_a_long_table_is_shown_in_linear_work(void **state)
{
    (void)state;
    enum { ROWS = 200000 };
    medley_report *r;
    const char *out;
    assert_ok(report_create(rt, &r, err));
    report_table(r, "t", "T", "row|word");
    for (int i = 0; i < ROWS; i++) {
        report_int(r, NULL, i);
        report_string(r, NULL, i == 77 ? "the widest of all" : "w");
    }
    assert_ok(medley_report_render(r, MEDLEY_REPORT_TEXT, &out, err));
    assert_int_equal(strlen(out),
                     strlen("T\n     row  word\n") + ROWS * strlen("  123456  w\n") + strlen("he widest of all"));
    medley_report_free(r);
}

static medley_status make_and_render(medley_error *err)
{
    medley_report *r = NULL;
    const char *out;
    medley_status status = make(&r, err);
    for (int form = 0; status == MEDLEY_OK && form < 3; form++)
        status = medley_report_render(r, (medley_report_form)form, &out, err);
    medley_report_free(r);
    return status;
}

static medley_status make_large(medley_error *err)
{
    medley_report *r;
    TRY(report_create(rt, &r, err));
    report_table(r, "t", "T", "a|b|c|d|e|f|g|h|i");
    for (int i = 0; i < 9000; i++)
        report_string(r, NULL, "some words that fill the arena");
    report_facts(r, "f", "F");
    for (int i = 0; i < 20; i++)
        report_int(r, "x", i);
    const medley_status status = report_status(r, err);
    medley_report_free(r);
    return status;
}

static void test_every_failing_allocation_is_reported_and_leaks_nothing(void **state)
{
    (void)state;
    BRUTAL(rt, &memory, make_and_render(err), (void)0);
    BRUTAL(rt, &memory, make_large(err), (void)0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_people_get_aligned_columns),
        cmocka_unit_test(test_pipes_get_tabs_and_every_digit),
        cmocka_unit_test(test_machines_get_json),
        cmocka_unit_test(test_an_unknown_form_is_refused),
        cmocka_unit_test(test_success_clears_the_message),
        cmocka_unit_test(test_values_are_found_by_section_row_and_name),
        cmocka_unit_test(test_hostile_text_breaks_no_line_and_no_column),
        cmocka_unit_test(test_numbers_that_json_does_not_have_are_null),
        cmocka_unit_test(test_a_long_table_is_shown_in_linear_work),
        cmocka_unit_test(test_every_failing_allocation_is_reported_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
