/* What reports render as JSON is JSON, and holds what they were told. */
#include "testing.h"

#include <math.h>
#include <string.h>

#include "base/report.h"
#include "io/json.h"

#include "fixture.h"

static json *parsed(medley_report *r)
{
    const char *rendered;
    json *root;
    assert_ok(report_status(r, err));
    assert_ok(medley_report_render(r, MEDLEY_REPORT_JSON, &rendered, err));
    assert_ok(json_parse("report", rendered, strlen(rendered), &root, err));
    return root;
}

static void test_numbers_and_words_come_back(void **state)
{
    (void)state;
    medley_report *r;
    int64_t integer;
    double real;
    assert_ok(report_create(rt, &r, err));
    report_facts(r, "facts", "Facts");
    report_int(r, "least", INT64_MIN);
    report_int(r, "most", INT64_MAX);
    report_real(r, "third", 1.0 / 3);
    report_real(r, "tiny", 5e-324);
    report_real(r, "huge", -1.7976931348623157e308);
    report_real(r, "nan", NAN);
    report_string(r, "none", NULL);
    report_table(r, "table", "Table", "a|b");
    for (int i = 0; i < 3; i++) {
        report_int(r, NULL, i);
        report_string(r, NULL, i == 1 ? NULL : "word");
    }
    report_table(r, "empty", "Empty", "a");
    json *root = parsed(r);
    const json *facts = json_member(root, "facts"), *table = json_member(root, "table");
    assert_true(json_int(facts, "least", &integer) && integer == INT64_MIN);
    assert_true(json_int(facts, "most", &integer) && integer == INT64_MAX);
    assert_true(json_real(facts, "third", &real) && real == 1.0 / 3);
    assert_true(json_real(facts, "tiny", &real) && real == 5e-324);
    assert_true(json_real(facts, "huge", &real) && real == -1.7976931348623157e308);
    assert_false(json_real(facts, "nan", &real));
    assert_non_null(json_member(facts, "nan"));
    assert_null(json_text(facts, "none"));
    assert_int_equal(json_count(table), 3);
    assert_true(json_int(json_at(table, 2, NULL), "a", &integer) && integer == 2);
    assert_string_equal(json_text(json_at(table, 2, NULL), "b"), "word");
    assert_null(json_text(json_at(table, 1, NULL), "b"));
    assert_true(json_is_array(json_member(root, "empty")));
    assert_int_equal(json_count(json_member(root, "empty")), 0);
    json_free(root);
    medley_report_free(r);
}

static void test_any_bytes_make_valid_json(void **state)
{
    (void)state;
    for (uint64_t round = 0; round < 3000; round++) {
        char bytes[48];
        const size_t length = random_bits(1, 0, round) % sizeof bytes;
        for (size_t i = 0; i < length; i++) { /* all bytes, or those that JSON and UTF-8 care about */
            const uint64_t bits = random_bits(1, 1 + i, round);
            bytes[i] =
                round % 2 ? (char)bits : "\"\\\0\n\x1f\x7f\xc3\xa9\xe2\x80\xa8\xf0\x9f\x8e\xac\xed\xa0"[bits % 16];
        }
        medley_report *r;
        assert_ok(report_create(rt, &r, err));
        report_facts(r, "f", "F");
        report_bytes(r, "x", bytes, length);
        json *root = parsed(r);
        assert_string_equal(json_text(json_member(root, "f"), "x"), medley_report_text(r, "f", 0, "x"));
        json_free(root);
        medley_report_free(r);
    }
}

static void test_well_formed_text_is_not_changed(void **state)
{
    (void)state;
    const char *const want =
        "tab\t line\n quote\" slash\\ \xc3\xa9 \xe4\xbd\xa0 \xf0\x9f\x8e\xac \xe2\x80\xa8 \x01\x7f";
    medley_report *r;
    assert_ok(report_create(rt, &r, err));
    report_facts(r, "f", "F");
    report_string(r, "x", want);
    json *root = parsed(r);
    assert_string_equal(json_text(json_member(root, "f"), "x"), want);
    json_free(root);
    medley_report_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers_and_words_come_back),
        cmocka_unit_test(test_any_bytes_make_valid_json),
        cmocka_unit_test(test_well_formed_text_is_not_changed),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
