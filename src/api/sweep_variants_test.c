/* Sweeps over several variants of a model, and over models of feature matrices that change. */
#include <medley/medley.h>

#include "base/base.h"
#include "fixture.h"
#include "io/file.h"
#include "run_operation.h"

static int make_data(void **state)
{
    set_up(state);
    RUN(medley_synth, NULL, "out", "/raw", "users", "80", "items", "40", "interactions_per_user", "8", "genres",
        "3");
    RUN(medley_prepare, NULL, "format", "movielens", "input", "/raw", "store", "/store");
    RUN(medley_split, NULL, "store", "/store", "name", "main", "strategy", "random");
    return 0;
}

#define SWEEP(report, out_, ...)                                                                           \
    RUN(medley_sweep, report, "store", "/store", "split", "main", "out", out_, "search", "grid", "metric", \
        "ndcg@5", __VA_ARGS__)

static char *file_text(const char *path)
{
    return test_read(test_path(folder, path), NULL);
}

/* The lines of trials.tsv that begin with a name. */
static int trials_of(const char *log, const char *name)
{
    int count = 0;
    const size_t length = strlen(name);
    for (const char *at = log; (at = strchr(at, '\n')) != NULL;)
        count += strncmp(++at, name, length) == 0 && at[length] == '\t';
    return count;
}

/* ---- variants ---- */

static void test_variants_are_searched_apart_and_trained_as_their_model(void **state)
{
    (void)state;
    static const char *const want[][2] = {{"near", "2"}, {"far-away", "3"}, {"itemknn", "1"}};
    medley_report *r;
    double trials;
    SWEEP(&r, "/out", "models.near.model", "itemknn", "models.near.neighbours", "1,2",
          "models.far-away.neighbours", "20,25,30", "models.far-away.model", "itemknn",
          "models.itemknn.neighbours", "5");
    assert_int_equal(medley_report_rows(r, "best"), 3);
    for (int64_t i = 0; i < 3; i++) {
        assert_string_equal(medley_report_text(r, "best", i, "model"), want[i][0]);
        assert_true(medley_report_number(r, "best", i, "trials", &trials));
        assert_int_equal((int)trials, want[i][1][0] - '0');
    }
    char *log = file_text("out/trials.tsv"), *config = file_text("out/far-away/config.yaml");
    assert_int_equal(trials_of(log, "near"), 2);
    assert_int_equal(trials_of(log, "far-away"), 3);
    assert_int_equal(trials_of(log, "itemknn"), 1);
    assert_non_null(strstr(config, "model: itemknn"));
    test_read_end(config);
    /* what is known is taken from the log, seconds and all */
    medley_report_free(r);
    SWEEP(NULL, "/out", "models.near.model", "itemknn", "models.near.neighbours", "1,2",
          "models.far-away.neighbours", "20,25,30", "models.far-away.model", "itemknn",
          "models.itemknn.neighbours", "5");
    char *again = file_text("out/trials.tsv");
    assert_string_equal(log, again);
    test_read_end(log);
    test_read_end(again);
    /* the slow twin: by itself, under the model's own name */
    SWEEP(NULL, "/alone", "models.itemknn.neighbours", "20,25,30");
    assert_same_file(test_path(folder, "out/far-away/model.safetensors"),
                     test_path(folder, "alone/itemknn/model.safetensors"));
}

static void test_a_variant_can_be_named_in_the_list_and_with_either_dash(void **state)
{
    (void)state;
    medley_report *r;
    SWEEP(&r, "/listed", "models", "ease,by_words", "models.by-words.model", "contentknn",
          "models.by_words.neighbours", "5", "models.ease.l2", "10");
    assert_int_equal(medley_report_rows(r, "best"), 2);
    assert_string_equal(medley_report_text(r, "best", 0, "model"), "ease");
    assert_string_equal(medley_report_text(r, "best", 1, "model"), "by-words");
    assert_string_equal(medley_report_text(r, "best", 1, "settings"), "neighbours=5");
    medley_report_free(r);
}

static void test_a_variant_without_settings_has_the_spaces_of_its_model(void **state)
{
    (void)state;
    medley_report *r, *own;
    SWEEP(&r, "/usual", "models.rank.model", "popularity");
    SWEEP(&own, "/usual2", "models.popularity", "");
    assert_string_equal(medley_report_text(r, "best", 0, "settings"),
                        medley_report_text(own, "best", 0, "settings"));
    medley_report_free(r);
    medley_report_free(own);
}

static void test_a_name_that_becomes_another_model_takes_no_trials_over(void **state)
{
    (void)state;
    SWEEP(NULL, "/turned", "models.mine.model", "itemknn", "models.mine.neighbours", "5");
    SWEEP(NULL, "/turned", "models.mine.model", "userknn", "models.mine.neighbours", "5");
    SWEEP(NULL, "/fresh", "models.mine.model", "userknn", "models.mine.neighbours", "5");
    assert_same_file(test_path(folder, "turned/mine/model.safetensors"),
                     test_path(folder, "fresh/mine/model.safetensors"));
    char *config = file_text("turned/mine/config.yaml");
    assert_non_null(strstr(config, "model: userknn"));
    test_read_end(config);
}

static void test_variants_that_cannot_be_are_refused_in_one_line(void **state)
{
    (void)state;
    static const char *const cases[][3] = {
        {"models.mine.model", "itemkn",
         "set: models.mine.model: unknown 'itemkn' (did you mean 'itemknn'?); see medley list models"},
        {"models.mine.neighbours", "5",
         "models: unknown 'mine'; see medley list models, or say whose variant it is: "
         "models.mine.model"},
        {"models.ease.model", "itemknn",
         "set: models.ease.model: 'itemknn', but 'ease' is one of models itself; a variant needs another name"},
        {"models.m*.model", "ease",
         "set: models: 'm*' names no variant; letters, digits, '_' and '-' are accepted"},
        {"models._m.model", "ease", "set: models: '_m' names no variant"},
        {"models.ease-seed1.model", "ease", "set: models: 'ease-seed1' names no variant"},
        {"models", "minne", "models: unknown 'minne' (did you mean 'mine'?)"},
        {"models", "eas", "models: unknown 'eas' (did you mean 'ease'?); see medley list models"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const bool listed = strcmp(cases[i][0], "models") == 0;
        assert_fails(run(medley_sweep, NULL, err,
                         (const char *const[]){"store", "/store", "split", "main", "out", "/refused", cases[i][0],
                                               cases[i][1], listed ? "models.mine.model" : NULL, "ease", NULL}),
                     MEDLEY_E_CONFIG, cases[i][2]);
        assert_false(file_exists(test_path(folder, "refused")));
    }
    assert_fails(run(medley_sweep, NULL, err,
                     (const char *const[]){"store", "/store", "split", "main", "out", "/refused",
                                           "models.mine.model", "ease", "models.mine.l3", "1", NULL}),
                 MEDLEY_E_CONFIG, "unknown key 'models.mine.l3' (did you mean 'models.mine.l2'?)");
}

static medley_status walk(medley_error *err)
{
    TRY(file_remove_tree(rt, test_path(folder, "brutal"), err));
    return run(medley_sweep, NULL, err,
               (const char *const[]){"store", "/store", "split", "main", "out", "/brutal", "metric", "ndcg@5",
                                     "models.one.model", "contentknn", "models.one.features", "words",
                                     "models.one.neighbours", "2", NULL});
}

/* ---- features ---- */

static void make_matrix(const char *name, const char *dimensions)
{
    RUN(medley_extract, NULL, "store", "/store", "encoder", "tfidf", "name", name, "dimensions", dimensions,
        "force", "true");
}

#define FEATURE_SPACES                                                                            \
    "models.content.model", "contentknn", "models.content.features", "words,more,words more:0.5", \
        "models.content.neighbours", "3", "models.ease.l2", "10"

/* Rows of trials.tsv that are the same in both, header aside. */
static int same_rows(const char *before, char *after)
{
    int same = 0;
    char *left;
    for (char *line = strtok_r(after, "\n", &left); line != NULL; line = strtok_r(NULL, "\n", &left))
        same += strstr(before, line) != NULL;
    return same - 1;
}

static void test_trials_and_runs_of_features_that_have_changed_are_done_again(void **state)
{
    (void)state;
    make_matrix("words", "5");
    make_matrix("more", "3");
    SWEEP(NULL, "/fed", FEATURE_SPACES);
    char *before = file_text("fed/trials.tsv");
    SWEEP(NULL, "/fed", FEATURE_SPACES);
    char *after = file_text("fed/trials.tsv");
    assert_string_equal(before, after);
    test_read_end(after);
    make_matrix("more", "3"); /* made again, the same */
    SWEEP(NULL, "/fed", FEATURE_SPACES);
    after = file_text("fed/trials.tsv");
    assert_string_equal(before, after);
    test_read_end(after);
    make_matrix("more", "2");
    SWEEP(NULL, "/fed", FEATURE_SPACES);
    after = file_text("fed/trials.tsv");
    assert_int_equal(same_rows(before, after), 2); /* that of words alone, and that of ease */
    test_read_end(before);
    test_read_end(after);
    SWEEP(NULL, "/fed_fresh", FEATURE_SPACES);
    assert_same_file(test_path(folder, "fed/content/model.safetensors"),
                     test_path(folder, "fed_fresh/content/model.safetensors"));
}

static void test_a_run_says_which_features_it_was_fitted_on(void **state)
{
    (void)state;
    char want[200];
    medley_report *r;
    make_matrix("words", "4");
    SWEEP(NULL, "/said", "models.contentknn.features", "words", "models.contentknn.neighbours", "3");
    RUN(medley_features_show, &r, "store", "/store", "name", "words");
    snprintf(want, sizeof want, "# features words %s\n", medley_report_text(r, "features", 0, "fingerprint"));
    medley_report_free(r);
    char *config = file_text("said/contentknn/config.yaml");
    assert_non_null(strstr(config, want));
    test_read_end(config);
    make_matrix("words", "6"); /* the settings of the best are the same: the run is not */
    SWEEP(NULL, "/said", "models.contentknn.features", "words", "models.contentknn.neighbours", "3");
    RUN(medley_features_show, &r, "store", "/store", "name", "words");
    snprintf(want, sizeof want, "# features words %s\n", medley_report_text(r, "features", 0, "fingerprint"));
    medley_report_free(r);
    config = file_text("said/contentknn/config.yaml");
    assert_non_null(strstr(config, want));
    test_read_end(config);
}

static void test_every_failing_allocation_is_reported_and_leaks_nothing(void **state)
{
    (void)state;
    make_matrix("words", "2");
    BRUTAL(rt, &memory, walk(err), (void)0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_variants_are_searched_apart_and_trained_as_their_model),
        cmocka_unit_test(test_a_variant_can_be_named_in_the_list_and_with_either_dash),
        cmocka_unit_test(test_a_variant_without_settings_has_the_spaces_of_its_model),
        cmocka_unit_test(test_a_name_that_becomes_another_model_takes_no_trials_over),
        cmocka_unit_test(test_variants_that_cannot_be_are_refused_in_one_line),
        cmocka_unit_test(test_trials_and_runs_of_features_that_have_changed_are_done_again),
        cmocka_unit_test(test_a_run_says_which_features_it_was_fitted_on),
        cmocka_unit_test(test_every_failing_allocation_is_reported_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, make_data, tear_down);
}
