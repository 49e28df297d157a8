/* Evaluations on disk, and the operation that makes them. */
#include "api/evaluation_file.h"

#include <math.h>

#include <medley/medley.h>

#include "made_store.h"

#include "fixture.h"
#include "run_operation.h"

static int make_run(void **state)
{
    set_up(state);
    medley_report *report;
    RUN(medley_synth, &report, "out", "/raw", "users", "60", "items", "30", "genres", "3", "interactions_per_user",
        "8");
    medley_report_free(report);
    RUN(medley_prepare, &report, "format", "movielens", "input", "/raw", "store", "/store");
    medley_report_free(report);
    RUN(medley_split, &report, "store", "/store", "name", "main", "strategy", "random");
    medley_report_free(report);
    RUN(medley_train, &report, "store", "/store", "split", "main", "model", "ease", "run", "/run");
    medley_report_free(report);
    return 0;
}

#define KEPT "run/evaluations/retrieval-test"

static void evaluate(const char *key, const char *value, const char *key2, const char *value2,
                     medley_report **report)
{
    RUN(medley_evaluate, report, "run", "/run", "cutoffs", "1,5", "intervals", "50", key, value, key2, value2);
}

static double told(const medley_report *r, int64_t row, const char *cutoff)
{
    double value = NAN;
    medley_report_number(r, "metrics", row, cutoff, &value);
    return value;
}

static void test_an_evaluation_is_kept_and_read_back(void **state)
{
    (void)state;
    medley_report *report;
    evaluation_file f;
    evaluate("per_user", "/users.tsv", "seed", "3", &report);
    assert_ok(evaluation_load(rt, test_path(folder, KEPT), &f, err));
    assert_string_equal(f.name, "retrieval-test");
    assert_string_equal(f.model, "ease");
    assert_string_equal(f.task, "retrieval");
    assert_string_equal(f.part, "test");
    assert_string_equal(f.split_fingerprint, medley_report_text(report, "protocol", 0, "split_fingerprint"));
    assert_string_equal(f.judged_fingerprint, medley_report_text(report, "protocol", 0, "judged_fingerprint"));
    const int64_t first = evaluation_file_find(&f, "precision@1"), auc = evaluation_file_find(&f, "auc");
    assert_int_equal(first, 0);
    assert_true(auc > 0);
    assert_int_equal(evaluation_file_find(&f, "auc@1"), -1);
    assert_true(f.columns[first].value == told(report, 0, "@1"));
    assert_true(f.columns[first].low <= f.columns[first].value && f.columns[first].high >= f.columns[first].value);
    assert_true(f.columns[first].more_is_better && f.columns[first].per_user);
    const evaluation_file_column *gini = &f.columns[evaluation_file_find(&f, "gini@5")];
    assert_true(!gini->more_is_better && !gini->per_user && isnan(gini->low) && gini->defined == 0);
    double sum = 0;
    for (int64_t u = 0; u < f.users; u++) {
        sum += f.per_user[u * f.column_count];
        assert_true(f.targets[u] > 0 && strlen(f.user_ids[u]) > 0);
        assert_true(u == 0 || f.user[u] > f.user[u - 1]);
    }
    assert_true(fabs(sum / (double)f.users - f.columns[first].value) <= 1e-12);
    evaluation_file_release(&f);
    medley_report_free(report);
}

static void test_another_name_is_another_evaluation(void **state)
{
    (void)state;
    medley_report *report;
    evaluation_file f;
    evaluate("name", "mine", "mask", "none", &report);
    assert_ok(evaluation_load(rt, test_path(folder, "run/evaluations/mine"), &f, err));
    assert_string_equal(f.name, "mine");
    evaluation_file_release(&f);
    medley_report_free(report);
    assert_fails(run(medley_evaluate, &report, err, (const char *const[]){"run", "/run", "name", "../mine", NULL}),
                 MEDLEY_E_CONFIG, "name: '../mine' is no plain name");
    test_write_text(test_path(folder, "run/evaluations/file"), "mine");
    assert_fails(run(medley_evaluate, &report, err, (const char *const[]){"run", "/run", "name", "file", NULL}),
                 MEDLEY_E_EXISTS, "file");
}

static void test_our_lists_judged_as_anothers_have_the_same_values(void **state)
{
    (void)state;
    static const char *const forms[] = {"tsv", "trec"};
    for (int i = 0; i < 2; i++) {
        medley_report *ours, *theirs;
        evaluation_file a, b;
        evaluate("recs", "/lists", "recs_format", forms[i], &ours);
        RUN(medley_evaluate, &theirs, "recs_from", "/lists", "store", "/store", "split", "main", "cutoffs", "1,5",
            "intervals", "50", "out", "/theirs");
        assert_ok(evaluation_load(rt, test_path(folder, KEPT), &a, err));
        assert_ok(evaluation_load(rt, test_path(folder, "theirs"), &b, err));
        assert_string_equal(a.judged_fingerprint, b.judged_fingerprint);
        assert_int_equal(evaluation_file_find(&b, "auc"), -1);
        for (int64_t c = 0; c < b.column_count; c++) {
            const evaluation_file_column *one = &a.columns[evaluation_file_find(&a, b.columns[c].name)];
            if (!(one->value == b.columns[c].value))
                fail_msg("%s: %.17g in the run, %.17g from its lists", one->name, one->value, b.columns[c].value);
        }
        double removed = -1;
        assert_true(medley_report_number(theirs, "lists", 0, "rows_of_no_candidates", &removed) && removed == 0);
        evaluation_file_release(&a);
        evaluation_file_release(&b);
        medley_report_free(ours);
        medley_report_free(theirs);
    }
}

static void test_what_does_not_fit_together_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *settings[12];
        const char *want;
    } cases[] = {
        {{"task", "retrieval", NULL}, "run: give either a run, or lists"},
        {{"run", "/run", "recs_from", "/lists", NULL}, "run: give either a run, or lists"},
        {{"recs_from", "/lists", "store", "/store", NULL}, "recs_from: store and split must be given"},
        {{"run", "/run", "split", "main", NULL}, "split: 'main'; a run is judged by its own split"},
        {{"recs_from", "/lists", "store", "/store", "split", "main", "name", "x", NULL},
         "name: 'x'; lists have no run"},
        {{"recs_from", "/lists", "store", "/store", "split", "main", "metrics", "auc", NULL},
         "'auc' is not possible"},
    };
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        medley_report *report;
        assert_fails(run(medley_evaluate, &report, err, cases[c].settings), MEDLEY_E_CONFIG, cases[c].want);
    }
}

static void test_a_damaged_evaluation_is_refused(void **state)
{
    (void)state;
    static const damage damages[] = {
        {"metrics.json", "", NULL, MEDLEY_E_NOT_FOUND, "metrics.json"},
        {"metrics.json", NULL, "", MEDLEY_E_FORMAT, "metrics.json"},
        {"metrics.json", "medley-evaluation-1", "medley-evaluation-9", MEDLEY_E_FORMAT,
         "format 'medley-evaluation-9'"},
        {"metrics.json", "\"judged_fingerprint\"", "\"judged\"", MEDLEY_E_FORMAT,
         "'judged_fingerprint' is missing"},
        {"metrics.json", "\"columns\"", "\"rows\"", MEDLEY_E_FORMAT, "'columns' is missing"},
        {"metrics.json", "\"more_is_better\"", "\"more\"", MEDLEY_E_FORMAT, "column 'precision@1' is not whole"},
        {"per_user.safetensors", "", NULL, MEDLEY_E_NOT_FOUND, "per_user.safetensors"},
        {"per_user.safetensors", NULL, "", MEDLEY_E_FORMAT, "per_user.safetensors"},
    };
    for (size_t d = 0; d < sizeof damages / sizeof *damages; d++) {
        medley_report *report;
        evaluation_file f;
        evaluate("seed", "0", "name", "damaged", &report);
        medley_report_free(report);
        damage_apply(rt, test_path(folder, "run/evaluations/damaged"), &damages[d]);
        assert_fails(evaluation_load(rt, test_path(folder, "run/evaluations/damaged"), &f, err), damages[d].status,
                     damages[d].want);
        assert_ok(file_remove_tree(rt, test_path(folder, "run/evaluations/damaged"), err));
    }
}

static void test_every_failing_allocation_of_reading_is_reported(void **state)
{
    (void)state;
    medley_report *report;
    evaluation_file f;
    evaluate("seed", "0", "mask", "auto", &report);
    medley_report_free(report);
    BRUTAL(rt, &memory, evaluation_load(rt, test_path(folder, KEPT), &f, err), evaluation_file_release(&f));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_evaluation_is_kept_and_read_back),
        cmocka_unit_test(test_another_name_is_another_evaluation),
        cmocka_unit_test(test_our_lists_judged_as_anothers_have_the_same_values),
        cmocka_unit_test(test_what_does_not_fit_together_is_refused),
        cmocka_unit_test(test_a_damaged_evaluation_is_refused),
        cmocka_unit_test(test_every_failing_allocation_of_reading_is_reported),
    };
    return cmocka_run_group_tests(tests, make_run, tear_down);
}
