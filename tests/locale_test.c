/* A host program may have set any locale: numbers are read and written with a point. */
#include "testing.h"

#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "base/report.h"

static test_memory memory;
static medley_runtime *rt;
static char *folder;

/* Sets a locale with a decimal comma: an installed one, or one that localedef makes. */
static bool set_comma(void)
{
    static const char *const names[] = {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "es_ES.UTF-8", "pl_PL.UTF-8"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (setlocale(LC_ALL, names[i]) != NULL)
            return true;
    char command[5000];
    snprintf(command, sizeof command, "localedef -i de_DE -f UTF-8 '%s/de_DE.UTF-8' >/dev/null 2>&1", folder);
    if (system(command) != 0)
        return false;
    setenv("LOCPATH", folder, 1);
    return setlocale(LC_ALL, "de_DE.UTF-8") != NULL;
}

static int set_up(void **state)
{
    (void)state;
    rt = test_runtime(&memory, 1);
    folder = test_folder();
    if (!set_comma())
        fprintf(stderr, "SKIPPED: no locale with a decimal comma is installed and localedef cannot make one\n");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    setlocale(LC_ALL, "C");
    test_folder_end(folder);
    test_runtime_end(rt, &memory);
    return 0;
}

static bool comma(void)
{
    if (strcmp(localeconv()->decimal_point, ",") == 0)
        return true;
    skip();
    return false;
}

static void test_numbers_are_read_with_a_point(void **state)
{
    (void)state;
    double real;
    if (!comma())
        return;
    assert_true(strtod("0,5", NULL) == 0.5); /* the locale is in force */
    assert_true(number_real("0.5", 3, &real) && real == 0.5);
    assert_true(number_real("1.2345678901234567890e-5", 24, &real) && real > 1.23e-5 && real < 1.24e-5);
    assert_false(number_real("0,5", 3, &real));
    assert_false(number_real("1,2345678901234567890", 21, &real));
    assert_true(strtod("0,5", NULL) == 0.5); /* and still is */
}

static void test_numbers_are_written_with_a_point(void **state)
{
    (void)state;
    char shown[64];
    medley_error err;
    text t = {.rt = rt};
    if (!comma())
        return;
    snprintf(shown, sizeof shown, "%g", 0.5);
    assert_string_equal(shown, "0,5");
    number_print(shown, sizeof shown, "%.2f", 0.5);
    assert_string_equal(shown, "0.50");
    number_format(0.1, shown, sizeof shown);
    assert_string_equal(shown, "0.1");
    text_format(&t, "%g", 1.25);
    assert_int_equal(text_status(&t, NULL), MEDLEY_OK);
    assert_string_equal(t.bytes, "1.25");
    text_release(&t);
    (void)fail(&err, MEDLEY_E_CONFIG, "%g is too much", 2.5);
    assert_string_equal(err.message, "2.5 is too much");
    (void)fail_while(&err, MEDLEY_E_CONFIG, "at %g", 3.5);
    assert_string_equal(err.message, "at 3.5: 2.5 is too much");
}

static void test_settings_and_reports_have_a_point(void **state)
{
    (void)state;
    typedef struct sample {
        double l2;
    } sample;
    static const medley_param table[] = {MEDLEY_REAL(sample, l2, "0.25", 0.001, 1.5), MEDLEY_PARAMS_END};
    char shown[64];
    sample values;
    medley_report *r;
    const char *out;
    if (!comma())
        return;
    medley_params_reset(table, &values);
    assert_true(values.l2 == 0.25);
    medley_param_format(table, &values, shown, sizeof shown);
    assert_string_equal(shown, "0.25");
    medley_param_accepts(table, shown, sizeof shown);
    assert_string_equal(shown, "0.001..1.5");
    assert_fails(medley_param_set(table, &values, "0,5", err), MEDLEY_E_CONFIG,
                 "l2: '0,5' is not a number; accepted: 0.001..1.5");
    assert_ok(report_create(rt, &r, err));
    report_facts(r, "f", "F");
    report_real(r, "x", 0.5);
    for (int form = 0; form < 3; form++) {
        assert_ok(medley_report_render(r, (medley_report_form)form, &out, err));
        assert_non_null(strstr(out, "0.5"));
        assert_null(strstr(out, "0,5"));
    }
    medley_report_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers_are_read_with_a_point),
        cmocka_unit_test(test_numbers_are_written_with_a_point),
        cmocka_unit_test(test_settings_and_reports_have_a_point),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
