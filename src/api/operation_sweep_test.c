#include <medley/medley.h>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/base.h"
#include "fixture.h"
#include "io/file.h"
#include "run_operation.h"

/* A store of 80 users, split so that users are held out: train, val, val_known, test, test_known. */
static int make_data(void **state)
{
    set_up(state);
    RUN(medley_synth, NULL, "out", "/raw", "users", "80", "items", "40", "interactions_per_user", "8", "genres",
        "3");
    RUN(medley_prepare, NULL, "format", "movielens", "input", "/raw", "store", "/store");
    RUN(medley_split, NULL, "store", "/store", "name", "main", "strategy", "random");
    RUN(medley_split, NULL, "store", "/store", "name", "strong", "strategy", "strong");
    return 0;
}

#define SPACES                                                                                      \
    "models.popularity", "", "models.ease.l2", "log:1..1000", "models.itemknn.neighbours", "1..30", \
        "models.itemknn.shrinkage", "0,10"

static medley_status sweep(medley_runtime *own, const char *split, const char *out, const char *search,
                           const char *trials, medley_report **r, medley_error *err)
{
    medley_runtime *kept = rt;
    rt = own;
    const medley_status status =
        run(medley_sweep, r, err,
            (const char *const[]){"store", "/store", "split", split, "out", out, "search", search, "trials",
                                  trials, "metric", "ndcg@5", SPACES, NULL});
    rt = kept;
    return status;
}

/* trials.tsv without the seconds, which differ. */
static char *trials(const char *out)
{
    static char kept[4][20000];
    static int at;
    char path[300];
    size_t length;
    snprintf(path, sizeof path, "%s/trials.tsv", out);
    char *bytes = test_read(test_path(folder, path), &length), *to = kept[at % 4];
    int column = 0;
    for (const char *from = bytes; *from != '\0'; from++) {
        column = *from == '\n' ? 0 : column + (*from == '\t');
        assert_true(to < kept[at % 4] + 19990);
        if (column != 4)
            *to++ = *from;
    }
    *to = '\0';
    test_read_end(bytes);
    return kept[at++ % 4];
}

static void assert_same_runs(const char *a, const char *b)
{
    static const char *const models[] = {"popularity", "ease", "itemknn"};
    for (int m = 0; m < 3; m++) {
        char one[200], other[200];
        snprintf(one, sizeof one, "%s/%s/model.safetensors", a, models[m]);
        snprintf(other, sizeof other, "%s/%s/model.safetensors", b, models[m]);
        assert_same_file(test_path(folder, one), test_path(folder, other));
    }
    assert_string_equal(trials(a), trials(b));
}

static void test_every_model_gets_the_same_budget_or_its_whole_space(void **state)
{
    (void)state;
    static const char *const want[][3] = {
        {"popularity", "1", "whole space"}, {"ease", "6", "random"}, {"itemknn", "6", "random"}};
    medley_report *r;
    assert_ok(sweep(rt, "main", "/out", "random", "6", &r, err));
    assert_int_equal(medley_report_rows(r, "best"), 3);
    for (int64_t i = 0; i < 3; i++) {
        double value, trials_run, failed;
        assert_string_equal(medley_report_text(r, "best", i, "model"), want[i][0]);
        assert_true(medley_report_number(r, "best", i, "trials", &trials_run));
        assert_true(medley_report_number(r, "best", i, "failed", &failed));
        assert_true(medley_report_number(r, "best", i, "value", &value));
        assert_int_equal((int)trials_run, want[i][1][0] - '0');
        assert_string_equal(medley_report_text(r, "best", i, "tried"), want[i][2]);
        assert_true(failed == 0 && value > 0 && value <= 1);
    }
    assert_string_equal(medley_report_text(r, "search", 0, "judged_as"), "retrieval-val");
    medley_report_free(r);
    int lines = 0;
    for (const char *at = trials("out"); (at = strchr(at, '\n')) != NULL; at++)
        lines++;
    assert_int_equal(lines, 1 + 13);
    assert_true(file_exists(test_path(folder, "out/trials.svg")));
    assert_true(file_exists(test_path(folder, "out/sweep.json")));
}

static void test_the_value_of_a_trial_is_what_evaluate_says_on_validation(void **state)
{
    (void)state;
    medley_report *r, *e;
    double best, judged;
    assert_ok(sweep(rt, "main", "/same", "random", "4", &r, err));
    RUN(medley_evaluate, &e, "run", "/same/ease", "part", "val", "metrics", "ndcg", "cutoffs", "5");
    assert_true(medley_report_number(r, "best", 1, "value", &best));
    assert_true(medley_report_number(e, "metrics", 0, "@5", &judged));
    assert_true(best == judged);
    medley_report_free(r);
    medley_report_free(e);
}

static void test_the_best_run_is_what_train_makes_of_its_settings(void **state)
{
    (void)state;
    medley_config *c;
    assert_ok(sweep(rt, "main", "/best", "tpe", "5", NULL, err));
    assert_ok(medley_config_create(rt, &c, err));
    assert_ok(medley_config_load(c, test_path(folder, "best/itemknn/config.yaml"), err));
    assert_ok(medley_config_set(c, "run", test_path(folder, "again"), MEDLEY_FROM_FLAG, NULL, err));
    assert_ok(medley_train(rt, c, NULL, err));
    assert_same_file(test_path(folder, "again/model.safetensors"),
                     test_path(folder, "best/itemknn/model.safetensors"));
    medley_config_free(c);
}

/* Interactions of a part, as split reports them. */
static double part_count(const medley_report *r, const char *part)
{
    double count = 0;
    for (int64_t i = 0; i < medley_report_rows(r, "parts"); i++)
        if (strcmp(medley_report_text(r, "parts", i, "part"), part) == 0)
            assert_true(medley_report_number(r, "parts", i, "interactions", &count));
    assert_true(count > 0);
    return count;
}

static void test_the_best_can_be_fitted_to_validation_too(void **state)
{
    (void)state;
    medley_report *r;
    double both;
    RUN(medley_split, &r, "store", "/store", "name", "parts", "strategy", "strong");
    const double parts = part_count(r, "train") + part_count(r, "val") + part_count(r, "val_known");
    medley_report_free(r);
    RUN(medley_sweep, &r, "store", "/store", "split", "parts", "out", "/refit", "models", "ease", "trials", "3",
        "refit", "train_val");
    assert_string_equal(medley_report_text(r, "search", 0, "best_fitted_to"), "training and validation");
    medley_report_free(r);
    RUN(medley_train, &r, "store", "/store", "split", "parts", "model", "popularity", "run", "/both", "learn_from",
        "train_val");
    assert_true(medley_report_number(r, "run", 0, "training_interactions", &both));
    assert_true(both == parts); /* no pair repeats in this data */
    medley_report_free(r);
    assert_fails(run(medley_evaluate, NULL, err, (const char *const[]){"run", "/refit/ease", "part", "val", NULL}),
                 MEDLEY_E_CONFIG, "part: val; the run");
    RUN(medley_evaluate, NULL, "run", "/refit/ease");
}

/* What config.yaml of a run says of a setting. */
static void assert_setting(const char *name, const char *line, bool there)
{
    char *const said = test_read(test_path(folder, name), NULL);
    if ((strstr(said, line) != NULL) != there)
        fail_msg("%s: '%s' is %s", name, line, there ? "missing" : "there");
    test_read_end(said);
}

/* Fewer epochs are made of it, as many as were best. */
static void test_a_cosine_falls_in_the_refit_as_it_did_in_the_trial(void **state)
{
    (void)state;
    RUN(medley_sweep, NULL, "store", "/store", "split", "main", "out", "/cosine", "trials", "1", "refit",
        "train_val", "models.bprmf.schedule", "cosine", "models.bprmf.epochs", "4", "models.bprmf.validate_every",
        "1", "models.bprmf.learning_rate", "0.5", "models.bprmf.factors", "4");
    assert_setting("cosine/bprmf/config.yaml", "\nschedule_epochs: 4", true);
    assert_setting("cosine/bprmf/config.yaml", "sweep: the best epoch on validation", true);
    RUN(medley_sweep, NULL, "store", "/store", "split", "main", "out", "/constant", "trials", "1", "refit",
        "train_val", "models.bprmf.epochs", "4", "models.bprmf.validate_every", "1", "models.bprmf.factors", "4");
    assert_setting("constant/bprmf/config.yaml", "\nschedule_epochs: 0", true);
}

static void test_a_sweep_is_the_same_for_any_threads(void **state)
{
    (void)state;
    assert_ok(sweep(rt, "main", "/one", "tpe", "7", NULL, err));
    for (int threads = 2; threads <= 4; threads *= 2) {
        char out[20];
        test_memory own;
        medley_runtime *many = test_runtime(&own, threads);
        snprintf(out, sizeof out, "/threads%d", threads);
        assert_ok(sweep(many, "main", out, "tpe", "7", NULL, err));
        test_runtime_end(many, &own);
        assert_same_runs("one", out + 1);
    }
}

/* Overwrites every file of a part. */
static void garble(const char *part)
{
    char path[300];
    char **names;
    int64_t count;
    snprintf(path, sizeof path, "store/splits/strong/%s", part);
    const char *parts = test_path(folder, path);
    assert_ok(file_list(rt, parts, &names, &count, err));
    assert_true(count > 0);
    for (int64_t i = 0; i < count; i++) {
        char *file_path;
        assert_ok(file_join(rt, parts, names[i], &file_path, err));
        assert_ok(file_remove_tree(rt, file_path, err));
        test_write_text(file_path, "there is nothing to be learnt from here");
        mem_free(file_path);
    }
    file_names_free(names, count);
}

/* sweep.c holds selection_parts, which has no member for a test part; and this is what follows. */
static void test_a_sweep_does_not_look_at_the_test_part(void **state)
{
    (void)state;
    assert_ok(sweep(rt, "strong", "/seen", "tpe", "6", NULL, err));
    garble("test");
    garble("test_known");
    assert_ok(sweep(rt, "strong", "/garbled", "tpe", "6", NULL, err));
    assert_same_runs("seen", "garbled");
    assert_ok(file_remove_tree(rt, test_path(folder, "store/splits/strong/test"), err));
    assert_ok(file_remove_tree(rt, test_path(folder, "store/splits/strong/test_known"), err));
    assert_ok(sweep(rt, "strong", "/gone", "tpe", "6", NULL, err));
    assert_same_runs("seen", "gone");
    medley_report *r = NULL; /* what does look at it, fails */
    assert_int_not_equal(run(medley_evaluate, &r, NULL, (const char *const[]){"run", "/gone/ease", NULL}),
                         MEDLEY_OK);
    assert_ok(run(
        medley_split, NULL, err,
        (const char *const[]){"store", "/store", "name", "strong", "strategy", "strong", "force", "true", NULL}));
}

/* ---- stopping ---- */

typedef struct limit {
    int left;
    bool kill;
} limit;

static bool count_down(void *context, const char *phase, int64_t done, int64_t total)
{
    limit *l = context;
    (void)done, (void)total;
    if (strncmp(phase, "trials of ", 10) != 0 || l->left-- > 0)
        return true;
    if (l->kill)
        raise(SIGKILL);
    return false;
}

static void test_a_stopped_sweep_goes_on_where_it_was(void **state)
{
    (void)state;
    assert_ok(sweep(rt, "main", "/whole", "tpe", "6", NULL, err));
    for (int stop = 0; stop < 13; stop += 3) {
        char out[20];
        size_t length;
        limit l = {.left = stop};
        snprintf(out, sizeof out, "/stopped%d", stop);
        rt->progress = count_down;
        rt->progress_context = &l;
        assert_fails(sweep(rt, "main", out, "tpe", "6", NULL, err), MEDLEY_E_STOPPED, "stopped while trials of");
        rt->progress = NULL;
        char path[40];
        snprintf(path, sizeof path, "%s/trials.tsv", out + 1);
        char *before = test_read(test_path(folder, path), &length);
        assert_ok(sweep(rt, "main", out, "tpe", "6", NULL, err));
        assert_same_runs("whole", out + 1);
        char *after = test_read(test_path(folder, path), &length);
        assert_memory_equal(before, after, strlen(before)); /* with their seconds: nothing was tried again */
        test_read_end(before);
        test_read_end(after);
    }
}

static void test_a_killed_sweep_goes_on_where_it_was(void **state)
{
    (void)state;
    assert_ok(sweep(rt, "main", "/alive", "tpe", "6", NULL, err));
    for (int stop = 1; stop < 13; stop += 5) {
        char out[20];
        int how;
        snprintf(out, sizeof out, "/killed%d", stop);
        const pid_t child = fork();
        if (child == 0) {
            limit l = {.left = stop, .kill = true};
            medley_error err = {MEDLEY_OK, ""};
            rt->progress = count_down;
            rt->progress_context = &l;
            const medley_status status = sweep(rt, "main", out, "tpe", "6", NULL, &err);
            _exit((int)status + 1);
        }
        assert_int_equal(waitpid(child, &how, 0), child);
        assert_true(WIFSIGNALED(how) && WTERMSIG(how) == SIGKILL);
        assert_ok(sweep(rt, "main", out, "tpe", "6", NULL, err));
        assert_same_runs("alive", out + 1);
    }
}

static void test_more_trials_take_what_is_known(void **state)
{
    (void)state;
    size_t length;
    assert_ok(sweep(rt, "main", "/grown", "random", "4", NULL, err));
    char *before = test_read(test_path(folder, "grown/trials.tsv"), &length);
    assert_ok(sweep(rt, "main", "/grown", "random", "8", NULL, err));
    char *after = test_read(test_path(folder, "grown/trials.tsv"), &length);
    int kept = 0;
    char *left;
    for (char *line = strtok_r(before, "\n", &left); line != NULL; line = strtok_r(NULL, "\n", &left), kept++)
        assert_non_null(strstr(after, line));
    assert_int_equal(kept, 1 + 1 + 4 + 4);
    test_read_end(before);
    test_read_end(after);
    assert_ok(sweep(rt, "main", "/fresh", "random", "8", NULL, err));
    assert_same_runs("grown", "fresh");
}

/* ---- what goes wrong ---- */

static void test_a_trial_that_cannot_be_is_recorded_and_the_sweep_goes_on(void **state)
{
    (void)state;
    medley_report *r;
    double failed;
    test_write_text(test_path(folder, "plain.csv"),
                    "user,item,timestamp\na,x,1\na,y,2\na,z,3\nb,x,1\nb,y,2\nb,z,3\nc,y,1\nc,z,2\nc,x,3\n");
    RUN(medley_prepare, NULL, "format", "delimited", "input", "/plain.csv", "store", "/plain", "user", "user",
        "item", "item", "timestamp", "timestamp", "rating", "");
    RUN(medley_split, NULL, "store", "/plain", "name", "main", "strategy", "leave_one_out");
    RUN(medley_sweep, &r, "store", "/plain", "split", "main", "out", "/failing", "models.itemknn.feedback", "all");
    assert_true(medley_report_number(r, "best", 0, "failed", &failed));
    assert_true(failed == 1);
    assert_string_equal(medley_report_text(r, "best", 0, "settings"), "feedback=binary");
    medley_report_free(r);
    assert_non_null(
        strstr(trials("failing"), "\tE_CONFIG\t\tfeedback=rating\tfeedback: rating, but the data has no"));
    assert_fails(run(medley_sweep, NULL, err,
                     (const char *const[]){"store", "/plain", "split", "main", "out", "/none",
                                           "models.itemknn.feedback", "rating", NULL}),
                 MEDLEY_E_CONFIG, "no trial succeeded; the first: itemknn: feedback: rating");
    assert_non_null(strstr(trials("none"), "E_CONFIG"));
}

static void test_what_cannot_be_searched_is_refused(void **state)
{
    (void)state;
#define REFUSED(status, want, ...)                                                                            \
    assert_fails(                                                                                             \
        run(medley_sweep, NULL, err,                                                                          \
            (const char *const[]){"store", "/store", "split", "main", "out", "/refused", __VA_ARGS__, NULL}), \
        status, want)
    REFUSED(MEDLEY_E_CONFIG, "sweep: models is missing: name models", "trials", "3");
    REFUSED(MEDLEY_E_CONFIG, "models: unknown 'eas' (did you mean 'ease'?)", "models", "eas");
    REFUSED(MEDLEY_E_CONFIG, "models: unknown ''", "models", "ease,,slim");
    REFUSED(MEDLEY_E_CONFIG, "metric: unknown 'ndgc' (did you mean 'ndcg'?)", "models", "ease", "metric",
            "ndgc@10");
    REFUSED(MEDLEY_E_CONFIG, "metric: 'auc@10' is no metric", "models", "ease", "metric", "auc@10");
    REFUSED(MEDLEY_E_CONFIG, "metric: 'ndcg@5,10' is no metric", "models", "ease", "metric", "ndcg@5,10");
    REFUSED(MEDLEY_E_CONFIG, "metric: 'ndcg@' is no metric", "models", "ease", "metric", "ndcg@");
    REFUSED(MEDLEY_E_CONFIG, "candidates: 'uniform:9' is for", "models", "ease", "candidates", "uniform:9");
    REFUSED(MEDLEY_E_CONFIG, "metric: unknown 'ndgc'", "store", "/none", "models", "ease", "metric", "ndgc@10");
    REFUSED(MEDLEY_E_CONFIG, "100000", "models", "ease", "metric", "ndcg@0");
    REFUSED(MEDLEY_E_CONFIG, "metric: 'ndcg'", "models", "ease", "metric", "ndcg");
    REFUSED(MEDLEY_E_CONFIG, "task", "models", "ease", "task", "retreival");
    assert_false(file_exists(test_path(folder, "refused")));
    RUN(medley_split, NULL, "store", "/store", "name", "bare", "strategy", "random", "val_ratio", "0");
    assert_fails(
        run(medley_sweep, NULL, err,
            (const char *const[]){"store", "/store", "split", "bare", "out", "/refused", "models", "ease", NULL}),
        MEDLEY_E_FORMAT, "split: 'bare' has an empty validation part");
}

static void test_two_sweeps_do_not_write_into_one_folder(void **state)
{
    (void)state;
    file *lock;
    assert_ok(file_lock_folder(rt, test_path(folder, "locked"), true, &lock, err));
    assert_fails(sweep(rt, "main", "/locked", "tpe", "2", NULL, err), MEDLEY_E_EXISTS, "locked");
    file_close(lock);
}

static medley_status walk(medley_error *err)
{
    TRY(file_remove_tree(rt, test_path(folder, "brutal"), err));
    return run(medley_sweep, NULL, err,
               (const char *const[]){"store", "/store", "split", "main", "out", "/brutal", "models", "popularity",
                                     "metric", "ndcg@5", NULL});
}

static void test_every_failing_allocation_is_reported_and_leaks_nothing(void **state)
{
    (void)state;
    BRUTAL(rt, &memory, walk(err), (void)0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_model_gets_the_same_budget_or_its_whole_space),
        cmocka_unit_test(test_the_value_of_a_trial_is_what_evaluate_says_on_validation),
        cmocka_unit_test(test_the_best_run_is_what_train_makes_of_its_settings),
        cmocka_unit_test(test_the_best_can_be_fitted_to_validation_too),
        cmocka_unit_test(test_a_cosine_falls_in_the_refit_as_it_did_in_the_trial),
        cmocka_unit_test(test_a_killed_sweep_goes_on_where_it_was), /* forks: before threads are started */
        cmocka_unit_test(test_a_sweep_is_the_same_for_any_threads),
        cmocka_unit_test(test_a_sweep_does_not_look_at_the_test_part),
        cmocka_unit_test(test_a_stopped_sweep_goes_on_where_it_was),
        cmocka_unit_test(test_more_trials_take_what_is_known),
        cmocka_unit_test(test_a_trial_that_cannot_be_is_recorded_and_the_sweep_goes_on),
        cmocka_unit_test(test_what_cannot_be_searched_is_refused),
        cmocka_unit_test(test_two_sweeps_do_not_write_into_one_folder),
        cmocka_unit_test(test_every_failing_allocation_is_reported_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, make_data, tear_down);
}
