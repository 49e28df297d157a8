#include "train/trial_log.h"

#include <math.h>

#include "fixture.h"
#include "io/file.h"

static const char header[] = "model\ttrial\tstate\tvalue\tseconds\tsettings\tmessage\tbest_epoch\tkey\n";

static trial_record made(const char *model, int64_t trial, const char *settings, const char *key, double value)
{
    return (trial_record){model, settings, key, trial, {.status = MEDLEY_OK, .value = value, .seconds = 0.5}};
}

static void test_what_was_added_is_found_again_to_the_last_digit(void **state)
{
    (void)state;
    const char *path = test_path(folder, "trials.tsv");
    trial_log log;
    study_trial got;
    assert_ok(trial_log_open(rt, path, &log, err));
    assert_int_equal(log.count, 0);
    trial_record first = made("ease", 0, "l2=5", "k", 0.1 + 0.2);
    first.outcome.best_epoch = 12;
    trial_record failed = made("ease", 1, "", "k", NAN);
    failed.outcome.status = MEDLEY_E_CONFIG;
    snprintf(failed.outcome.message, sizeof failed.outcome.message, "feedback: rating, but there are none");
    assert_ok(trial_log_add(&log, &first, err));
    assert_ok(trial_log_add(&log, &failed, err));
    trial_log_close(&log);
    size_t length;
    char *bytes = test_read(path, &length);
    char want[1000];
    snprintf(want, sizeof want,
             "%sease\t0\tOK\t0.30000000000000004\t0.5\tl2=5\t\t12\tk\n"
             "ease\t1\tE_CONFIG\t\t0.5\t\tfeedback: rating, but there are none\t\tk\n",
             header);
    assert_string_equal(bytes, want);
    test_read_end(bytes);
    assert_ok(trial_log_open(rt, path, &log, err));
    assert_true(trial_log_find(&log, "ease", "k", "l2=5", &got));
    assert_true(got.status == MEDLEY_OK && got.value == 0.1 + 0.2 && got.seconds == 0.5);
    assert_int_equal(got.best_epoch, 12);
    assert_true(trial_log_find(&log, "ease", "k", "", &got));
    assert_int_equal(got.status, MEDLEY_E_CONFIG);
    assert_int_equal(got.best_epoch, 0);
    assert_string_equal(got.message, "feedback: rating, but there are none");
    assert_false(trial_log_find(&log, "ease", "other", "l2=5", &got)); /* other data, or another metric */
    assert_false(trial_log_find(&log, "slim", "k", "l2=5", &got));
    assert_false(trial_log_find(&log, "ease", "k", "l2=50", &got));
    trial_log_close(&log);
}

static void test_a_trial_that_did_not_fit_into_memory_is_tried_again(void **state)
{
    (void)state;
    const char *path = test_path(folder, "trials.tsv");
    trial_log log;
    study_trial got;
    trial_record r = made("ease", 0, "l2=5", "k", NAN);
    r.outcome.status = MEDLEY_E_LIMIT;
    assert_ok(file_remove_tree(rt, path, err));
    assert_ok(trial_log_open(rt, path, &log, err));
    assert_ok(trial_log_add(&log, &r, err));
    assert_false(trial_log_find(&log, "ease", "k", "l2=5", &got));
    r.outcome.status = MEDLEY_OK;
    r.outcome.value = 0.25;
    assert_ok(trial_log_add(&log, &r, err));
    assert_int_equal(log.count, 1); /* it takes the place of the failed one */
    assert_true(trial_log_find(&log, "ease", "k", "l2=5", &got));
    trial_log_close(&log);
}

static void test_a_file_that_is_none_of_ours_is_refused_with_its_line(void **state)
{
    (void)state;
    static const struct {
        const char *rows, *want;
    } cases[] = {
        {"NO HEADER", "trials.tsv:1: no table of trials"},
        {"ease\t0\tOK\t0.5\t1\tl2=5\t\n", "trials.tsv:2: no trial"},
        {"ease\tx\tOK\t0.5\t1\tl2=5\t\t\tk\n", "trials.tsv:2: no trial"},
        {"ease\t0\tFINE\t0.5\t1\tl2=5\t\t\tk\n", "trials.tsv:2: no trial"},
        {"ease\t0\tOK\t\t1\tl2=5\t\t\tk\n", "trials.tsv:2: no trial"},
        {"ease\t0\tOK\tnan\t1\tl2=5\t\t\tk\n", "trials.tsv:2: no trial"},
        {"ease\t0\tOK\t0.5\t1\tl2=5\t\t0\tk\n", "trials.tsv:2: no trial"},
        {"ease\t0\tOK\t0.5\t1\tl2=5\t\tlast\tk\n", "trials.tsv:2: no trial"},
        {"ease\t0\tOK\t0.5\t1\tl2=5\t\t\tk\nease\t1\n", "trials.tsv:3: no trial"},
    };
    const char *path = test_path(folder, "trials.tsv");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char content[1000];
        trial_log log;
        snprintf(content, sizeof content, "%s%s", i > 0 ? header : "", cases[i].rows);
        test_write_text(path, content);
        assert_fails(trial_log_open(rt, path, &log, err), MEDLEY_E_FORMAT, cases[i].want);
        trial_log_close(&log);
    }
}

static medley_status walk(const char *path, medley_error *err)
{
    trial_log log;
    study_trial got;
    const trial_record first = made("ease", 0, "l2=5", "k", 0.5), second = made("ease", 1, "l2=6", "k", 0.25);
    medley_status status = trial_log_open(rt, path, &log, err);
    if (status == MEDLEY_OK)
        status = trial_log_add(&log, &first, err);
    if (status == MEDLEY_OK)
        status = trial_log_add(&log, &second, err);
    if (status == MEDLEY_OK)
        assert_true(trial_log_find(&log, "ease", "k", "l2=6", &got));
    trial_log_close(&log);
    return status;
}

static void test_every_failing_allocation_is_reported_and_leaks_nothing(void **state)
{
    (void)state;
    const char *path = test_path(folder, "brutal.tsv");
    BRUTAL(rt, &memory, walk(path, err), (void)0);
}

static void check_readable(const char *path)
{
    trial_log log;
    assert_ok(trial_log_open(rt, path, &log, err));
    assert_in_range(log.count, 0, 2);
    trial_log_close(&log);
}

static void test_a_full_disk_leaves_a_table_that_can_be_read(void **state)
{
    (void)state;
    char path[500];
    snprintf(path, sizeof path, "%s", test_path(folder, "full.tsv"));
    FULL_DISK(rt, &memory, walk(path, err), check_readable(path), (void)0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_added_is_found_again_to_the_last_digit),
        cmocka_unit_test(test_a_trial_that_did_not_fit_into_memory_is_tried_again),
        cmocka_unit_test(test_a_file_that_is_none_of_ours_is_refused_with_its_line),
        cmocka_unit_test(test_every_failing_allocation_is_reported_and_leaks_nothing),
        cmocka_unit_test(test_a_full_disk_leaves_a_table_that_can_be_read),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
