#include "testing.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <medley/param.h>

#include "base/hash.h"

typedef struct sample {
    int64_t neighbours;
    double l2;
    bool force;
    int feedback;
    const char *store, *note;
} sample;

static const medley_param table[] = {
    MEDLEY_INT(sample, neighbours, "100", 1, 100000, .help = "items"),
    MEDLEY_REAL(sample, l2, "0.5", 1e-3, 1e9, .help = "penalty"),
    MEDLEY_BOOL(sample, force, "true", .help = "replace"),
    MEDLEY_ENUM(sample, feedback, "rating", "binary|rating|b", .help = "what counts"),
    MEDLEY_TEXT(sample, store, NULL, .flags = MEDLEY_PARAM_REQUIRED | MEDLEY_PARAM_PATH, .help = "folder"),
    MEDLEY_TEXT(sample, note, "", .help = "words"),
    MEDLEY_PARAMS_END,
};

static medley_status set(sample *values, const char *name, const char *text, medley_error *err)
{
    const medley_param *p = medley_param_find(table, name);
    assert_non_null(p);
    return medley_param_set(p, values, text, err);
}

static void assert_shown(const sample *values, const char *name, const char *want)
{
    char text[64];
    const int length = medley_param_format(medley_param_find(table, name), values, text, sizeof text);
    assert_string_equal(text, want);
    assert_int_equal(length, strlen(want));
}

static void test_rows_are_found_by_name(void **state)
{
    (void)state;
    static const medley_param dashed[] = {{.name = "top_k", .kind = MEDLEY_PARAM_INT}, MEDLEY_PARAMS_END};
    assert_ptr_equal(medley_param_find(table, "l2"), &table[1]);
    assert_ptr_equal(medley_param_find(dashed, "top_k"), dashed);
    assert_ptr_equal(medley_param_find(dashed, "top-k"), dashed);
    assert_null(medley_param_find(dashed, "top"));
    assert_null(medley_param_find(dashed, "top_k2"));
    assert_null(medley_param_find(dashed, "TOP_K"));
    assert_null(medley_param_find(table, ""));
    assert_null(medley_param_find(NULL, "l2"));
}

static void test_resetting_gives_the_defaults(void **state)
{
    (void)state;
    sample values;
    memset(&values, 0xff, sizeof values);
    medley_params_reset(table, &values);
    assert_int_equal(values.neighbours, 100);
    assert_true(values.l2 == 0.5);
    assert_true(values.force);
    assert_int_equal(values.feedback, 1);
    assert_null(values.store);
    assert_string_equal(values.note, "");
    medley_params_reset(NULL, NULL);
}

static void test_every_kind_takes_what_it_accepts(void **state)
{
    (void)state;
    sample values;
    medley_params_reset(table, &values);
    assert_ok(set(&values, "neighbours", "1", err));
    assert_int_equal(values.neighbours, 1);
    assert_ok(set(&values, "neighbours", "+100000", err));
    assert_int_equal(values.neighbours, 100000);
    assert_ok(set(&values, "l2", "1e-3", err));
    assert_true(values.l2 == 1e-3);
    assert_ok(set(&values, "l2", "7", err));
    assert_true(values.l2 == 7);
    assert_ok(set(&values, "force", "false", err));
    assert_false(values.force);
    assert_ok(set(&values, "force", "true", err));
    assert_true(values.force);
    assert_ok(set(&values, "feedback", "binary", err));
    assert_int_equal(values.feedback, 0);
    assert_ok(set(&values, "feedback", "b", err));
    assert_int_equal(values.feedback, 2);
    const char *borrowed = "any text, even ''\n";
    assert_ok(set(&values, "note", borrowed, err));
    assert_ptr_equal(values.note, borrowed);
}

static void test_every_refusal_says_what_is_accepted(void **state)
{
    (void)state;
    static const char *const cases[][3] = {
        {"neighbours", "0", "neighbours: 0 is outside 1..100000"},
        {"neighbours", "100001", "neighbours: 100001 is outside 1..100000"},
        {"neighbours", "9223372036854775807", "neighbours: 9223372036854775807 is outside 1..100000"},
        {"neighbours", "9223372036854775808",
         "neighbours: '9223372036854775808' is not a whole number; accepted: 1..100000"},
        {"neighbours", "1.5", "neighbours: '1.5' is not a whole number; accepted: 1..100000"},
        {"neighbours", "", "neighbours: '' is not a whole number; accepted: 1..100000"},
        {"neighbours", " 5", "neighbours: ' 5' is not a whole number; accepted: 1..100000"},
        {"neighbours", "1\n2", "neighbours: '1?2' is not a whole number; accepted: 1..100000"},
        {"l2", "0", "l2: 0 is outside 0.001..1e+09"},
        {"l2", "1e10", "l2: 1e10 is outside 0.001..1e+09"},
        {"l2", "nan", "l2: 'nan' is not a number; accepted: 0.001..1e+09"},
        {"l2", "1e999", "l2: '1e999' is not a number; accepted: 0.001..1e+09"},
        {"l2", "0,5", "l2: '0,5' is not a number; accepted: 0.001..1e+09"},
        {"force", "yes", "force: 'yes' is not a truth value; accepted: true|false"},
        {"force", "", "force: '' is not a truth value; accepted: true|false"},
        {"force", "True", "force: 'True' is not a truth value; accepted: true|false"},
        {"feedback", "implicit", "feedback: 'implicit' is not a choice; accepted: binary|rating|b"},
        {"feedback", "", "feedback: '' is not a choice; accepted: binary|rating|b"},
        {"feedback", "binary|rating", "feedback: 'binary|rating' is not a choice; accepted: binary|rating|b"},
        {"feedback", "bin", "feedback: 'bin' is not a choice; accepted: binary|rating|b"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        sample values, before;
        medley_error err = {MEDLEY_OK, ""};
        memset(&values, 0, sizeof values);
        medley_params_reset(table, &values);
        before = values;
        assert_int_equal(set(&values, cases[i][0], cases[i][1], &err), MEDLEY_E_CONFIG);
        assert_string_equal(err.message, cases[i][2]);
        assert_memory_equal(&values, &before, sizeof values);
        assert_int_equal(set(&values, cases[i][0], cases[i][1], NULL), MEDLEY_E_CONFIG);
    }
    sample values;
    assert_fails(medley_param_set(&table[6], &values, "x", err), MEDLEY_E_ARGUMENT,
                 "the end of a parameter table");
}

static void test_a_long_value_is_shown_in_part(void **state)
{
    (void)state;
    char longest[5000], want[256];
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    sample values;
    medley_error err;
    assert_int_equal(set(&values, "neighbours", longest, &err), MEDLEY_E_CONFIG);
    snprintf(want, sizeof want, "neighbours: '%.100s' is not a whole number; accepted: 1..100000", longest);
    assert_string_equal(err.message, want);
}

static void test_values_are_shown_as_they_would_be_written(void **state)
{
    (void)state;
    sample values;
    medley_params_reset(table, &values);
    assert_shown(&values, "neighbours", "100");
    assert_shown(&values, "l2", "0.5");
    assert_shown(&values, "force", "true");
    assert_shown(&values, "feedback", "rating");
    assert_shown(&values, "store", "");
    assert_shown(&values, "note", "");
    values = (sample){.neighbours = -7, .l2 = 0.1, .feedback = 2, .store = "a b"};
    assert_shown(&values, "neighbours", "-7");
    assert_shown(&values, "l2", "0.1");
    assert_shown(&values, "force", "false");
    assert_shown(&values, "feedback", "b");
    assert_shown(&values, "store", "a b");
    values.l2 = 1e-4;
    assert_shown(&values, "l2", "0.0001");
    values.l2 = 1.0 / 3;
    assert_shown(&values, "l2", "0.3333333333333333");
    assert_int_equal(medley_param_format(&table[6], &values, (char[4]){"abc"}, 4), 0);
}

static void test_formatting_tells_the_length_as_snprintf_does(void **state)
{
    (void)state;
    sample values = {
        .neighbours = 12345, .l2 = 0.1, .force = true, .feedback = 1, .store = "folder", .note = "word"};
    for (const medley_param *p = table; p->kind != MEDLEY_PARAM_END; p++) {
        char whole[64], part[64];
        const int length = medley_param_format(p, &values, whole, sizeof whole);
        assert_int_equal(length, strlen(whole));
        assert_int_equal(medley_param_format(p, &values, NULL, 0), length);
        for (size_t size = 1; size <= (size_t)length + 1; size++) {
            memset(part, '#', sizeof part);
            assert_int_equal(medley_param_format(p, &values, part, size), length);
            assert_int_equal(strlen(part), size - 1);
            assert_memory_equal(part, whole, size - 1);
            assert_int_equal(part[size], '#');
        }
    }
}

static void test_numbers_come_back_from_their_fewest_digits(void **state)
{
    (void)state;
    static const medley_param any[] = {MEDLEY_REAL(sample, l2, "0", -HUGE_VAL, HUGE_VAL), MEDLEY_PARAMS_END};
    for (uint64_t round = 0; round < 20000; round++) {
        char text[32], fewer[32];
        sample values = {0}, back = {0};
        values.l2 = ldexp(random_uniform(4, 0, round) - 0.5, (int)(random_bits(4, 1, round) % 200) - 100);
        if (round % 2 == 0)
            values.l2 = round / 2 * 0.01;
        medley_param_format(any, &values, text, sizeof text);
        assert_ok(medley_param_set(any, &back, text, err));
        assert_true(back.l2 == values.l2);
        int digits = 15; /* nothing with fewer digits does */
        while (snprintf(fewer, sizeof fewer, "%.*g", digits, values.l2) > 0 && strtod(fewer, NULL) != values.l2)
            digits++;
        assert_string_equal(text, fewer);
    }
}

static void test_rows_say_what_they_accept(void **state)
{
    (void)state;
    static const char *const want[] = {"1..100000", "0.001..1e+09", "true|false", "binary|rating|b",
                                       "path",      "text",         "text"};
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        char text[64];
        assert_int_equal(medley_param_accepts(&table[i], text, sizeof text), strlen(want[i]));
        assert_string_equal(text, want[i]);
        assert_int_equal(medley_param_accepts(&table[i], NULL, 0), strlen(want[i]));
    }
    const medley_param large = {.kind = MEDLEY_PARAM_INT, .min = 0, .max = 9e15};
    char text[64];
    medley_param_accepts(&large, text, sizeof text);
    assert_string_equal(text, "0..9000000000000000");
}

static void test_the_nearest_word_is_offered(void **state)
{
    (void)state;
    static const char *const words[] = {"neighbours", "shrinkage", "feedback", "top_k", "l2", "seed", "store"};
    static const char *const cases[][2] = {
        {"neighbors", "neighbours"},
        {"nieghbours", "neighbours"},
        {"neighbour", "neighbours"},
        {"shrinkge", "shrinkage"},
        {"top-k", "top_k"},
        {"topk", "top_k"},
        {"sede", "seed"},
        {"stor", "store"},
        {"l1", "l2"},
        {"feedback", "feedback"},
        {"sotre", "store"},
    };
    const int64_t count = sizeof words / sizeof *words;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *nearest = medley_nearest(cases[i][0], words, count);
        if (nearest == NULL || strcmp(nearest, cases[i][1]) != 0)
            fail_msg("'%s': '%s', expected '%s'", cases[i][0], nearest != NULL ? nearest : "none", cases[i][1]);
    }
    assert_null(medley_nearest("dropout", words, count));
    assert_null(medley_nearest("x", words, count));
    assert_null(medley_nearest("", words, count));
    assert_null(medley_nearest("seed", words, 0));
    char longest[300];
    memset(longest, 'n', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    assert_null(medley_nearest(longest, words, count));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_are_found_by_name),
        cmocka_unit_test(test_resetting_gives_the_defaults),
        cmocka_unit_test(test_every_kind_takes_what_it_accepts),
        cmocka_unit_test(test_every_refusal_says_what_is_accepted),
        cmocka_unit_test(test_a_long_value_is_shown_in_part),
        cmocka_unit_test(test_values_are_shown_as_they_would_be_written),
        cmocka_unit_test(test_formatting_tells_the_length_as_snprintf_does),
        cmocka_unit_test(test_numbers_come_back_from_their_fewest_digits),
        cmocka_unit_test(test_rows_say_what_they_accept),
        cmocka_unit_test(test_the_nearest_word_is_offered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
