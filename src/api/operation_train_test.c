/* Trainings that are stopped, gone on with, and end in a run folder; with a model that is trained step by step. */
#include "operate.h"

#include <math.h>

#include "inside_folder.h"

static int set_up(void **state)
{
    (void)state;
    medley_report *report;
    enter_folder(1);
    for (int i = 0; i < WHOLE_WAY; i++)
        if (whole_way[i].run == medley_synth || whole_way[i].run == medley_prepare ||
            whole_way[i].run == medley_split) {
            assert_ok(operate(rt, whole_way[i].run, whole_way[i].settings, &report, err));
            medley_report_free(report);
        }
    return 0;
}

/* bprmf on the split main, quick, with settings of the caller's; the report may be NULL. */
#define TRAIN(report, ...)                                                                                     \
    train_with(report,                                                                                         \
               (const char *const[]){"store=store", "split=main", "model=bprmf", "factors=8", "batch_size=16", \
                                     "learning_rate=0.05", "validate_every=1", __VA_ARGS__, NULL},             \
               err)

static medley_status train_with(medley_report **report, const char *const *settings, medley_error *err)
{
    medley_report *own;
    const medley_status status = operate(rt, medley_train, settings, &own, err);
    if (report != NULL)
        *report = own;
    else
        medley_report_free(own);
    return status;
}

static double number(const medley_report *r, const char *name)
{
    double value = NAN;
    assert_true(medley_report_number(r, "training", 0, name, &value));
    return value;
}

/* Asks to stop at the n-th step. */
typedef struct stopper {
    int64_t calls, stop_at;
} stopper;

static bool stop_there(void *context, const char *phase, int64_t done, int64_t total)
{
    stopper *s = context;
    (void)done, (void)total;
    return strncmp(phase, "training", 8) != 0 || ++s->calls != s->stop_at;
}

/* A training that is stopped after `step` steps. */
static void stop_after(int64_t steps, const char *run)
{
    char setting[128];
    stopper s = {.stop_at = steps};
    snprintf(setting, sizeof setting, "run=%s", run);
    rt->progress = stop_there;
    rt->progress_context = &s;
    assert_fails(TRAIN(NULL, "epochs=4", setting), MEDLEY_E_STOPPED, "keeps them, and resume goes on");
    rt->progress = NULL;
}

static void test_a_run_holds_what_there_is_to_know(void **state)
{
    (void)state;
    static const char *const files[] = {"run/config.yaml",
                                        "run/model.safetensors",
                                        "run/optimizer.safetensors",
                                        "run/history.csv",
                                        "run/curves.svg",
                                        "run/metrics.json",
                                        "run/log.txt",
                                        "run/events.out.tfevents.medley"};
    medley_report *report;
    assert_ok(TRAIN(&report, "run=run", "epochs=3", "metric=recall@5"));
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        if (!file_exists(files[i]))
            fail_msg("no %s", files[i]);
    assert_false(file_exists("run/last.safetensors"));
    assert_false(file_exists("run.partial"));
    assert_true(number(report, "epochs") == 3);
    assert_true(number(report, "best") >= 0 && number(report, "best") <= 1);
    assert_string_equal(medley_report_text(report, "training", 0, "metric"), "recall@5");
    char *metrics = test_read("run/metrics.json", NULL);
    assert_non_null(strstr(metrics, "\"judged_as\": \"retrieval-val\""));
    test_read_end(metrics);
    medley_report_free(report);
}

static void test_a_stopped_training_is_gone_on_with_to_the_bit(void **state)
{
    (void)state;
    assert_ok(TRAIN(NULL, "epochs=4", "run=whole"));
    for (int64_t steps = 1; steps < 20; steps += 5) {
        medley_report *report;
        stop_after(steps, "part");
        assert_true(file_exists("part.partial/last.safetensors"));
        assert_false(file_exists("part"));
        assert_fails(TRAIN(NULL, "epochs=4", "run=part"), MEDLEY_E_EXISTS,
                     "'part.partial' holds an unfinished training: resume goes on with it, force starts anew");
        assert_ok(TRAIN(&report, "epochs=4", "run=part", "resume=true"));
        assert_true(number(report, "steps_done_before") == (double)steps);
        medley_report_free(report);
        assert_same_file("whole/model.safetensors", "part/model.safetensors");
        assert_false(file_exists("part.partial"));
        assert_ok(file_remove_tree(rt, "part", err));
    }
}

static void test_other_settings_are_refused_and_force_starts_anew(void **state)
{
    (void)state;
    assert_ok(TRAIN(NULL, "epochs=4", "run=whole"));
    stop_after(7, "part");
    assert_fails(TRAIN(NULL, "epochs=4", "run=part", "resume=true", "regularization=0.5"), MEDLEY_E_STALE,
                 "regularization is 0.5, but the checkpoint is of 0.01; force starts anew");
    assert_fails(TRAIN(NULL, "epochs=4", "run=part", "resume=true", "seed=3"), MEDLEY_E_STALE, "seed is 3");
    assert_fails(TRAIN(NULL, "epochs=4", "run=part", "resume=true", "learn_from=train_val"), MEDLEY_E_STALE,
                 "other data");
    assert_true(file_exists("part.partial/last.safetensors"));
    assert_ok(TRAIN(NULL, "epochs=4", "run=part", "force=true"));
    assert_same_file("whole/model.safetensors", "part/model.safetensors");
    assert_false(file_exists("part.partial"));
}

static void test_a_finished_run_goes_on_for_more_epochs_only(void **state)
{
    (void)state;
    medley_report *report;
    text before = {.rt = rt}, after = {.rt = rt};
    assert_ok(TRAIN(NULL, "epochs=6", "run=whole"));
    assert_ok(TRAIN(NULL, "epochs=3", "run=part"));
    list_tree(".", &before);
    assert_ok(TRAIN(&report, "epochs=3", "run=part", "resume=true"));
    assert_true(number(report, "steps") == number(report, "steps_done_before"));
    medley_report_free(report);
    list_tree(".", &after);
    assert_string_equal(before.bytes, after.bytes);
    assert_fails(TRAIN(NULL, "epochs=6", "run=part"), MEDLEY_E_EXISTS, "'part' exists already");
    assert_ok(TRAIN(&report, "epochs=6", "run=part", "resume=true"));
    assert_true(number(report, "epochs") == 6);
    medley_report_free(report);
    assert_same_file("whole/model.safetensors", "part/model.safetensors");
    assert_ok(TRAIN(NULL, "epochs=2", "run=new", "resume=true")); /* nothing is there: from the start */
    assert_true(file_exists("new/model.safetensors"));
    text_release(&before);
    text_release(&after);
}

static void test_a_run_without_a_checkpoint_is_not_gone_on_from(void **state)
{
    (void)state;
    static const char *const popular[] = {"store=store", "split=main", "model=popularity", "run=run", NULL};
    static const char *const resumed[] = {"store=store", "split=main",  "model=popularity",
                                          "run=run",     "resume=true", NULL};
    assert_ok(train_with(NULL, popular, err));
    assert_fails(TRAIN(NULL, "run=run", "resume=true"), MEDLEY_E_EXISTS,
                 "'run' exists already and holds no optimizer.safetensors to go on from");
    assert_fails(train_with(NULL, resumed, err), MEDLEY_E_CONFIG, "resume: 'popularity' is fitted at once");
    assert_false(file_exists("run.partial"));
}

static void test_validation_is_asked_for_what_it_can_tell(void **state)
{
    (void)state;
    medley_report *report;
    assert_fails(TRAIN(NULL, "run=run", "metric=ndgc@10"), MEDLEY_E_CONFIG, "metric: unknown");
    assert_fails(TRAIN(NULL, "run=run", "metric=ndcg@0"), MEDLEY_E_CONFIG,
                 "metric: 'ndcg@0' is no metric with a cutoff");
    assert_fails(TRAIN(NULL, "run=run", "metric=rmse"), MEDLEY_E_CONFIG, "'rmse' is of predicted ratings");
    assert_fails(TRAIN(NULL, "run=run", "learn_from=train_val", "patience=3"), MEDLEY_E_CONFIG,
                 "patience: 3; nothing");
    assert_ok(TRAIN(&report, "run=run", "learn_from=train_val", "epochs=2"));
    assert_null(medley_report_text(report, "training", 0, "metric"));
    medley_report_free(report);
}

static void test_a_training_that_diverges_keeps_its_last_good_checkpoint(void **state)
{
    (void)state;
    assert_fails(TRAIN(NULL, "run=run", "epochs=50", "optimizer=sgd", "learning_rate=1000", "regularization=100"),
                 MEDLEY_E_DIVERGED, "bprmf: ");
    assert_false(file_exists("run"));
}

/* What was left is gone on with to the same end, and removed again. */
static void go_on_and_clear(void)
{
    medley_error own = {MEDLEY_OK, ""}, *const err = &own;
    if (file_exists("part.partial") && TRAIN(NULL, "epochs=2", "run=part", "resume=true") != MEDLEY_OK)
        fail_msg("%s", own.message);
    if (!file_exists("part"))
        return;
    assert_same_file("whole/model.safetensors", "part/model.safetensors");
    assert_int_equal(file_remove_tree(rt, "part", NULL), MEDLEY_OK);
}

/* With a checkpoint there is something to keep; without, the disk is as it was. */
static void test_a_full_disk_leaves_what_leads_to_a_run(void **state)
{
    (void)state;
    assert_ok(TRAIN(NULL, "epochs=2", "run=whole"));
    FULL_DISK(rt, &memory, TRAIN(NULL, "epochs=2", "run=part"), go_on_and_clear(), (void)0);
    assert_same_file("whole/model.safetensors", "part/model.safetensors");
}

static void test_a_search_trains_and_saves_the_best(void **state)
{
    (void)state;
    static const char *const settings[] = {"store=store",
                                           "split=main",
                                           "out=out",
                                           "models=bprmf",
                                           "trials=2",
                                           "models.bprmf.factors=4,8",
                                           "models.bprmf.epochs=3",
                                           "models.bprmf.validate_every=1",
                                           "models.bprmf.learning_rate=0.05",
                                           "metric=recall@5",
                                           NULL};
    medley_report *report;
    double best;
    assert_ok(operate(rt, medley_sweep, settings, &report, err));
    assert_true(medley_report_number(report, "best", 0, "value", &best));
    char *metrics = test_read("out/bprmf/metrics.json", NULL);
    const char *value = strstr(metrics, "\"value\": ");
    assert_non_null(value);
    assert_true(strtod(value + strlen("\"value\": "), NULL) == best); /* the run is the trial again */
    test_read_end(metrics);
    medley_report_free(report);
}

/* What is behind `name` in a text file. */
static int64_t integer_behind(const char *path, const char *name)
{
    char *bytes = test_read(path, NULL);
    const char *at = strstr(bytes, name);
    assert_non_null(at);
    const int64_t value = strtoll(at + strlen(name), NULL, 10);
    test_read_end(bytes);
    return value;
}

static void test_what_learns_from_validation_too_trains_as_many_epochs_as_were_best_there(void **state)
{
    (void)state;
    static const char *const settings[] = {"store=store",
                                           "split=main",
                                           "out=out",
                                           "models=bprmf",
                                           "trials=1",
                                           "models.bprmf.factors=8",
                                           "models.bprmf.epochs=30",
                                           "models.bprmf.patience=3",
                                           "models.bprmf.validate_every=1",
                                           "models.bprmf.learning_rate=0.05",
                                           "models.bprmf.batch_size=16",
                                           "metric=recall@5",
                                           "refit=train_val",
                                           NULL};
    char said[100], written[100];
    medley_report *report;
    assert_ok(operate(rt, medley_sweep, settings, &report, err));
    const int64_t best = integer_behind("out/bprmf/log.txt", "epochs ");
    assert_in_range(best, 1, 26); /* patience ended the trial before the last epoch */
    snprintf(said, sizeof said, "; then epochs=%lld, the best on validation", (long long)best);
    assert_non_null(strstr(medley_report_text(report, "best", 0, "settings"), said));
    medley_report_free(report);
    snprintf(written, sizeof written, "epochs: %lld  # sweep: the best epoch on validation", (long long)best);
    char *yaml = test_read("out/bprmf/config.yaml", NULL), *trials = test_read("out/trials.tsv", NULL);
    assert_non_null(strstr(yaml, written));
    snprintf(written, sizeof written, "\t%lld\t", (long long)best);
    assert_non_null(strstr(strstr(trials, "learning_rate=0.05"), written));
    test_read_end(yaml);
    test_read_end(trials);
    /* the trial itself, on training alone, says the same */
    assert_ok(TRAIN(NULL, "epochs=30", "patience=3", "metric=recall@5", "run=alone"));
    assert_int_equal(integer_behind("alone/metrics.json", "\"best_epoch\": "), best);
    /* from the log of trials, as if nothing had been known */
    assert_int_equal(file_remove_tree(rt, "out/bprmf", NULL), MEDLEY_OK);
    assert_ok(operate(rt, medley_sweep, settings, &report, err));
    medley_report_free(report);
    assert_int_equal(integer_behind("out/bprmf/log.txt", "epochs "), best);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_run_holds_what_there_is_to_know, set_up, leave_folder),
        cmocka_unit_test_setup_teardown(test_a_stopped_training_is_gone_on_with_to_the_bit, set_up, leave_folder),
        cmocka_unit_test_setup_teardown(test_other_settings_are_refused_and_force_starts_anew, set_up,
                                        leave_folder),
        cmocka_unit_test_setup_teardown(test_a_finished_run_goes_on_for_more_epochs_only, set_up, leave_folder),
        cmocka_unit_test_setup_teardown(test_a_run_without_a_checkpoint_is_not_gone_on_from, set_up, leave_folder),
        cmocka_unit_test_setup_teardown(test_validation_is_asked_for_what_it_can_tell, set_up, leave_folder),
        cmocka_unit_test_setup_teardown(test_a_training_that_diverges_keeps_its_last_good_checkpoint, set_up,
                                        leave_folder),
        cmocka_unit_test_setup_teardown(test_a_full_disk_leaves_what_leads_to_a_run, set_up, leave_folder),
        cmocka_unit_test_setup_teardown(test_a_search_trains_and_saves_the_best, set_up, leave_folder),
        cmocka_unit_test_setup_teardown(
            test_what_learns_from_validation_too_trains_as_many_epochs_as_were_best_there, set_up, leave_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
