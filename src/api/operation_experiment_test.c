#include <medley/medley.h>

#include <math.h>

#include "api/experiment.h"
#include "base/base.h"
#include "fixture.h"
#include "io/file.h"
#include "run_operation.h"

/* One experiment in YAML; paths are put in front. */
static const char body[] = "metric: ndcg@5\n"
                           "show: [ndcg@5, recall@10]\n"
                           "models:\n"
                           "  popularity: {}\n"
                           "  ease: {l2: [10, 100]}\n"
                           "  itemknn:\n"
                           "    neighbours: 1..30\n"
                           "sweep: {search: random, trials: 4}\n"
                           "evaluate: {cutoffs: [5, 10], intervals: 50}\n"
                           "compare: {resamples: 50}\n";

static int make_data(void **state)
{
    set_up(state);
    RUN(medley_synth, NULL, "out", "/raw", "users", "60", "items", "30", "interactions_per_user", "8", "genres",
        "3");
    return 0;
}

/* `more` stands behind the settings, `prepare` and `split` in their groups. */
static const char *write_config(const char *out, const char *prepare, const char *split, const char *more)
{
    const char *path = test_path(folder, "exp.yaml");
    text t = {.rt = rt};
    text_format(&t, "out: %s\nprepare: {format: movielens, input: %s%s}\n", test_path(folder, out),
                test_path(folder, "raw"), prepare);
    text_format(&t, "split: {name: main, strategy: random%s}\n%s%s", split, body, more);
    assert_ok(text_status(&t, err));
    test_write_text(path, t.bytes);
    text_release(&t);
    return path;
}

static medley_status run_file(medley_runtime *own, const char *path, medley_report **r, medley_error *err)
{
    medley_config *c = NULL;
    TRY(medley_config_create(own, &c, err));
    medley_status status = medley_config_load(c, path, err);
    if (status == MEDLEY_OK)
        status = medley_experiment(own, c, r, err);
    medley_config_free(c);
    return status;
}

static void assert_step(const medley_report *r, const char *step, const char *what)
{
    for (int64_t i = 0; i < medley_report_rows(r, "steps"); i++)
        if (strcmp(medley_report_text(r, "steps", i, "step"), step) == 0) {
            if (strstr(medley_report_text(r, "steps", i, "what"), what) == NULL)
                fail_msg("%s: '%s', expected '%s'", step, medley_report_text(r, "steps", i, "what"), what);
            return;
        }
    fail_msg("no step '%s'", step);
}

/* results.tsv without the seconds; and every model. */
static void read_results(const char *out, text *got)
{
    static const char *const files[] = {"runs/popularity/model.safetensors", "runs/ease/model.safetensors",
                                        "runs/itemknn/model.safetensors", "comparison/values.csv"};
    char path[300];
    size_t length;
    snprintf(path, sizeof path, "%s/results.tsv", out);
    char *bytes = test_read(test_path(folder, path), &length);
    int64_t columns = 0, column = 0;
    for (const char *at = bytes; *at != '\n'; at++)
        columns += *at == '\t';
    for (const char *at = bytes; *at != '\0'; at++) {
        column = *at == '\n' ? 0 : column + (*at == '\t');
        if (column != columns - 1 && column != columns - 2)
            text_append(got, at, 1);
    }
    test_read_end(bytes);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        uint64_t hash = 0;
        snprintf(path, sizeof path, "%s/%s", out, files[i]);
        bytes = test_read(test_path(folder, path), &length);
        for (size_t at = 0; at < length; at++)
            hash = mix64(hash ^ (unsigned char)bytes[at]);
        text_format(got, "%s %zu %016llx\n", files[i], length, (unsigned long long)hash);
        test_read_end(bytes);
    }
    assert_ok(text_status(got, err));
}

static void assert_same_results(const char *a, const char *b)
{
    text one = {.rt = rt}, other = {.rt = rt};
    read_results(a, &one);
    read_results(b, &other);
    assert_string_equal(one.bytes, other.bytes);
    text_release(&one);
    text_release(&other);
}

static void test_one_file_gives_a_table_of_results(void **state)
{
    (void)state;
    medley_report *r;
    double best, next, number;
    assert_ok(run_file(rt, write_config("first", "", "", ""), &r, err));
    assert_step(r, "prepare", "made");
    assert_step(r, "split", "made");
    assert_int_equal(medley_report_rows(r, "results"), 3);
    assert_true(medley_report_number(r, "results", 0, "ndcg@5", &best));
    for (int64_t i = 1; i < 3; i++, best = next) { /* the best first */
        assert_true(medley_report_number(r, "results", i, "ndcg@5", &next));
        assert_true(next <= best);
    }
    assert_non_null(strstr(medley_report_text(r, "results", 0, "ndcg@5_95"), ".."));
    assert_true(medley_report_number(r, "results", 0, "validation", &number) && number > 0);
    assert_true(medley_report_number(r, "results", 0, "recall@10", &number) && number > 0);
    assert_true(medley_report_number(r, "results", 0, "fit_seconds", &number));
    assert_true(medley_report_number(r, "protocol", 0, "search_trials_of_each", &number) && number == 4);
    assert_string_equal(medley_report_text(r, "protocol", 0, "part"), "test");
    assert_string_equal(medley_report_text(r, "protocol", 0, "task"), "retrieval");
    assert_non_null(medley_report_text(r, "protocol", 0, "ties"));
    assert_non_null(medley_report_text(r, "protocol", 0, "masked"));
    assert_true(file_exists(test_path(folder, "first/comparison/report.html")));
    assert_true(file_exists(test_path(folder, "first/experiment.json")));
    assert_true(file_exists(test_path(folder, "first/config.yaml")));
    medley_report_free(r);
}

static void test_the_value_on_test_is_what_evaluate_says(void **state)
{
    (void)state;
    medley_report *r, *e;
    double value, want;
    assert_ok(run_file(rt, write_config("first", "", "", ""), &r, err));
    RUN(medley_evaluate, &e, "run", "/first/runs/ease", "metrics", "ndcg", "cutoffs", "5");
    assert_true(medley_report_number(e, "metrics", 0, "@5", &want));
    for (int64_t i = 0; i < 3; i++)
        if (strcmp(medley_report_text(r, "results", i, "model"), "ease") == 0) {
            assert_true(medley_report_number(r, "results", i, "ndcg@5", &value));
            assert_true(value == want);
        }
    medley_report_free(r);
    medley_report_free(e);
}

static void test_what_is_up_to_date_is_not_made_again(void **state)
{
    (void)state;
    medley_report *r;
    size_t length;
    assert_ok(run_file(rt, write_config("again", "", "", ""), NULL, err));
    char *before = test_read(test_path(folder, "again/results.tsv"), &length);
    assert_ok(run_file(rt, write_config("again", "", "", ""), &r, err));
    char *after = test_read(test_path(folder, "again/results.tsv"), &length);
    assert_string_equal(before, after); /* with the seconds of fits, and of evaluations */
    assert_step(r, "prepare", "up to date");
    assert_step(r, "split", "up to date");
    assert_step(r, "evaluate", "up to date");
    assert_step(r, "compare", "up to date");
    medley_report_free(r);
    test_read_end(before);
    test_read_end(after);
    assert_ok(run_file(rt, write_config("again", "", "", "compare.alpha: 0.01\n"), &r, err));
    assert_step(r, "evaluate", "up to date");
    assert_step(r, "compare", "comparison/report.html");
    medley_report_free(r);
    assert_ok(file_remove_tree(rt, test_path(folder, "again/runs/ease"), err));
    assert_ok(run_file(rt, write_config("again", "", "", "compare.alpha: 0.01\n"), &r, err));
    assert_step(r, "compare", "up to date"); /* the same run came back */
    medley_report_free(r);
}

static void test_what_has_changed_is_made_again_with_all_that_follows(void **state)
{
    (void)state;
    medley_report *r;
    assert_ok(run_file(rt, write_config("changed", "", "", ""), NULL, err));
    assert_ok(run_file(rt, write_config("changed", "", ", seed: 3", ""), &r, err));
    assert_step(r, "prepare", "up to date");
    assert_step(r, "split", "seed was 0, is 3");
    assert_step(r, "evaluate", "on test");
    assert_step(r, "compare", "comparison/report.html");
    medley_report_free(r);
    assert_ok(run_file(rt, write_config("changed", "", ", seed: 3, test_ratio: 0.3", ""), &r, err));
    assert_step(r, "split", "test_ratio was 0.2, is 0.3");
    medley_report_free(r);
    assert_ok(run_file(rt, write_config("changed", ", rating_threshold: 2", "", ""), &r, err));
    assert_step(r, "prepare", "rating_threshold was 0, is 2");
    assert_step(r, "split", "made"); /* went with the old store */
    assert_step(r, "evaluate", "on test");
    medley_report_free(r);
    assert_ok(run_file(rt, write_config("fresh", ", rating_threshold: 2", "", ""), NULL, err));
    assert_same_results("changed", "fresh");
    /* the raw data grows */
    char *names, *path;
    size_t length;
    assert_ok(file_join(rt, folder, "raw/ratings.csv", &path, err));
    names = test_read(path, &length);
    text t = {.rt = rt};
    text_append(&t, names, length);
    text_add(&t, "1,7,5,2000000000\n");
    test_write(path, t.bytes, (size_t)t.length);
    assert_ok(run_file(rt, write_config("changed", ", rating_threshold: 2", "", ""), &r, err));
    assert_step(r, "prepare", "ratings.csv has changed");
    medley_report_free(r);
    test_write(path, names, length);
    test_read_end(names);
    text_release(&t);
    mem_free(path);
}

/* As if an earlier program had written a file. */
static void make_older(const char *file_path, const char *said, const char *older)
{
    text out = {.rt = rt};
    char *bytes = test_read(test_path(folder, file_path), NULL), now[100];
    snprintf(now, sizeof now, said, medley_version());
    const char *at = strstr(bytes, now);
    assert_non_null(at);
    text_append(&out, bytes, (size_t)(at - bytes));
    text_add(&out, older);
    text_add(&out, at + strlen(now));
    test_write(test_path(folder, file_path), out.bytes, (size_t)out.length);
    test_read_end(bytes);
    text_release(&out);
}

static void test_what_another_version_made_is_made_again(void **state)
{
    (void)state;
    char want[100];
    medley_report *r;
    assert_ok(run_file(rt, write_config("older", "", "", ""), NULL, err));
    make_older("older/runs/ease/experiment.yaml", "# medley %s\n", "# medley 0.0.1\n");
    assert_ok(run_file(rt, write_config("older", "", "", ""), &r, err));
    assert_step(r, "prepare", "up to date");
    assert_step(r, "evaluate", "on test");
    medley_report_free(r);
    make_older("older/store/splits/main/split.json", "\"medley\": \"%s\"", "\"medley\": \"0.0.1\"");
    snprintf(want, sizeof want, "it was made by medley 0.0.1, this is %s", medley_version());
    assert_ok(run_file(rt, write_config("older", "", "", ""), &r, err));
    assert_step(r, "prepare", "up to date");
    assert_step(r, "split", want);
    medley_report_free(r);
    make_older("older/store/dataset.json", "\"medley\": \"%s\"", "\"medley\": \"0.0.1\"");
    assert_ok(run_file(rt, write_config("older", "", "", ""), &r, err));
    assert_step(r, "prepare", want);
    medley_report_free(r);
    make_older("older/runs/ease/config.yaml", "# medley %s ", "# medley 0.0.1 ");
    make_older("older/comparison/experiment.yaml", "# medley %s\n", "# medley 0.0.1\n");
    assert_ok(run_file(rt, write_config("older", "", "", ""), &r, err));
    assert_step(r, "evaluate", "on test"); /* of a run that was trained again */
    assert_step(r, "compare", "comparison/report.html");
    medley_report_free(r);
}

static const char *write_features_config(const char *settings)
{
    const char *path = test_path(folder, "features.yaml");
    text t = {.rt = rt};
    text_format(&t, "out: %s\nprepare: {format: movielens, input: %s}\n", test_path(folder, "seen"),
                test_path(folder, "raw"));
    text_format(&t,
                "metric: ndcg@5\nsplit: {name: main, strategy: random}\nextract:\n"
                "  textual: {encoder: tfidf%s}\n  titles: {encoder: tfidf, text: title}\n"
                "models:\n  contentknn: {features: textual titles, neighbours: [5]}\n"
                "sweep: {search: grid}\nevaluate: {cutoffs: [5], intervals: 10}\ncompare: {resamples: 10}\n",
                settings);
    assert_ok(text_status(&t, err));
    test_write_text(path, t.bytes);
    text_release(&t);
    return path;
}

static void test_features_are_extracted_once_and_models_follow_them(void **state)
{
    (void)state;
    static const struct {
        const char *settings, *extract, *evaluate;
    } steps[] = {
        {"", "made", "on test"},
        {"", "up to date", "up to date"},
        {", dimensions: 5", "made", "on test"},
        {", dimensions: 5", "up to date", "up to date"},
    };
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        medley_report *r;
        assert_ok(run_file(rt, write_features_config(steps[i].settings), &r, err));
        assert_step(r, "extract", steps[i].extract);
        assert_step(r, "evaluate", steps[i].evaluate);
        assert_int_equal(medley_report_rows(r, "results"), 1);
        medley_report_free(r);
    }
    test_read_end(test_read(test_path(folder, "seen/store/features/textual.npy"), NULL));
    /* a matrix that somebody else has replaced is made again, and what was fitted on it goes */
    RUN(medley_extract, NULL, "store", "/seen/store", "encoder", "tfidf", "name", "textual", "dimensions", "3",
        "force", "true");
    medley_report *r;
    assert_ok(run_file(rt, write_features_config(", dimensions: 5"), &r, err));
    assert_step(r, "extract", "made");
    medley_report_free(r);
}

static void test_extractions_that_cannot_be_are_refused_before_anything_is_made(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"textual: {encoder: tfidff}", "did you mean 'tfidf'?"},
        {"textual: {encoder: tfidf, dimenions: 5}",
         "unknown key 'extract.textual.dimenions' (did you mean 'extract.textual.dimensions'?)"},
        {"textual: {encoder: tfidf, name: other}", "'extract.textual.name' is not accepted here"},
        {"textual: tfidf", "extract.textual: a mapping of settings is needed"},
        {"textual: {text: title}", "extract.textual.encoder is missing"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        medley_report *r;
        char more[200];
        snprintf(more, sizeof more, "extract: {%s}\n", cases[i][0]);
        assert_fails(run_file(rt, write_config("never", "", "", more), &r, err), MEDLEY_E_CONFIG, cases[i][1]);
        assert_false(file_exists(test_path(folder, "never")));
    }
}

static void test_an_experiment_is_the_same_for_any_threads(void **state)
{
    (void)state;
    assert_ok(run_file(rt, write_config("one", "", "", ""), NULL, err));
    for (int threads = 2; threads <= 4; threads *= 2) {
        test_memory own;
        medley_runtime *many = test_runtime(&own, threads);
        char out[20];
        snprintf(out, sizeof out, "threads%d", threads);
        assert_ok(run_file(many, write_config(out, "", "", ""), NULL, err));
        test_runtime_end(many, &own);
        assert_same_results("one", out);
    }
}

static bool stop_evaluating(void *context, const char *phase, int64_t done, int64_t total)
{
    int *left = context;
    (void)done, (void)total;
    return strncmp(phase, "trials of ", 10) != 0 || (*left)-- > 0;
}

static void test_a_stopped_experiment_goes_on(void **state)
{
    (void)state;
    int left = 4;
    assert_ok(run_file(rt, write_config("unstopped", "", "", ""), NULL, err));
    rt->progress = stop_evaluating;
    rt->progress_context = &left;
    assert_fails(run_file(rt, write_config("stopped", "", "", ""), NULL, err), MEDLEY_E_STOPPED, "stopped");
    rt->progress = NULL;
    assert_ok(run_file(rt, write_config("stopped", "", "", ""), NULL, err));
    assert_same_results("unstopped", "stopped");
}

/* The table over seeds says of each model what the rows of its seeds say together, the best first. */
static void check_seeds(const medley_report *r)
{
    double last = INFINITY;
    for (int64_t m = 0; m < medley_report_rows(r, "seeds"); m++) {
        const char *model = medley_report_text(r, "seeds", m, "model");
        double value, mean, deviation, count = 0, sum = 0, square = 0;
        for (int64_t i = 0; i < medley_report_rows(r, "results"); i++) {
            if (strcmp(medley_report_text(r, "results", i, "model"), model) != 0)
                continue;
            assert_true(medley_report_number(r, "results", i, "ndcg@5", &value));
            count++;
            sum += value;
            square += value * value;
        }
        assert_true(medley_report_number(r, "seeds", m, "seeds", &value) && value == count);
        assert_true(medley_report_number(r, "seeds", m, "ndcg@5", &mean) && fabs(mean - sum / count) < 1e-12);
        assert_true(mean <= last);
        last = mean;
        assert_int_equal(medley_report_number(r, "seeds", m, "ndcg@5_std", &deviation), count > 1);
        if (count > 1)
            assert_true(fabs(deviation * deviation - (square - sum * sum / count) / (count - 1)) < 1e-10);
    }
    assert_int_equal(medley_report_rows(r, "seeds"), 4);
}

static void test_only_what_is_random_is_judged_with_other_seeds(void **state)
{
    (void)state;
    medley_report *r;
    assert_ok(run_file(rt, write_config("seeds", "", "", "seeds: [0, 1, 2]\nmodels.ials.factors: 4\n"), &r, err));
    static const char *const names[] = {"popularity", "ease", "ials"}; /* itemknn breaks ties by the seed */
    for (int m = 0; m < 3; m++) {
        int64_t runs = 0;
        for (int64_t i = 0; i < medley_report_rows(r, "results"); i++)
            runs += strcmp(medley_report_text(r, "results", i, "model"), names[m]) == 0;
        assert_int_equal(runs, m < 2 ? 1 : 3);
    }
    check_seeds(r);
    medley_report_free(r);
}

static void test_a_store_that_is_there_needs_no_preparing(void **state)
{
    (void)state;
    medley_report *r;
    RUN(medley_prepare, NULL, "format", "movielens", "input", "/raw", "store", "/store");
    RUN(medley_experiment, &r, "out", "/named", "store", "/store", "models", "popularity,ease", "sweep.trials",
        "2", "split.name", "own", "split.strategy", "leave_one_out", "task", "next_item", "evaluate.intervals",
        "0");
    assert_string_equal(medley_report_text(r, "protocol", 0, "task"), "next_item");
    assert_step(r, "split", "made");
    medley_report_free(r);
    assert_true(file_exists(test_path(folder, "store/splits/own/split.json")));
    assert_false(file_exists(test_path(folder, "named/store")));
}

static medley_status early(const char *key, const char *value, medley_error *err)
{
    return run(medley_experiment, NULL, err,
               (const char *const[]){"out", "/early", "prepare.format", "movielens", "prepare.input", "/raw",
                                     "split.name", "main", "split.strategy", "random", "models", "ease,popularity",
                                     key, value, NULL});
}

static void test_what_needs_no_data_is_refused_before_anything_is_made(void **state)
{
    (void)state;
    static const char *const cases[][3] = {
        {"models", "eaze", "models: unknown 'eaze' (did you mean 'ease'?)"},
        {"models", "", "models is missing"},
        {"models.ease.l2", "x", "l2: 'x' is not a number"},
        {"metric", "ndgc@10", "metric: unknown 'ndgc' (did you mean 'ndcg'?)"},
        {"metric", "ndcg", "metric: 'ndcg' is no metric with a cutoff"},
        {"metric", "ndcg@0", "metric: 'ndcg@0' is no metric with a cutoff"},
        {"task", "retreival", "task: unknown 'retreival'"},
        {"candidates", "uniform:9", "candidates: 'uniform:9' is for the task next_item"},
        {"sweep.search", "tree", "search: unknown 'tree'"},
        {"split.strategy", "randon", "strategy: unknown 'randon'"},
        {"prepare.rating_min", "1e6", "rating_min: 1e+06 is above rating_max"},
        {"evaluate.cutoffs", "10,5", "evaluate: cutoffs: 5 does not ascend"},
        {"evaluate.metrics", "ndcg,ndgc", "evaluate: metrics: unknown 'ndgc' (did you mean 'ndcg'?)"},
        {"show", "ndcg@10,ndgc@10", "show: 'ndgc@10' is no column of the evaluation (did you mean 'ndcg@10'?)"},
        {"show", "ndcg@7", "show: 'ndcg@7' is no column"},
        {"show", "ndcg", "show: 'ndcg' is no column"},
        {"show", "rmse", "show: 'rmse' is no column"},
        {"compare.metrics", "ndgc", "compare: metrics: not every run has 'ndgc' (did you mean 'ndcg'?)"},
        {"compare.metrics", "ndcg@7", "compare: metrics: not every run has 'ndcg@7'"},
        {"compare.baseline", "eaze", "compare: baseline: unknown 'eaze' (did you mean 'ease'?)"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        medley_error got = {MEDLEY_OK, ""};
        assert_int_equal(early(cases[i][0], cases[i][1], &got), MEDLEY_E_CONFIG);
        if (strstr(got.message, cases[i][2]) == NULL)
            fail_msg("%s: '%s', expected '%s'", cases[i][0], got.message, cases[i][2]);
        assert_false(file_exists(test_path(folder, "early")));
    }
    assert_fails(early("prepare.input", "/none", err), MEDLEY_E_NOT_FOUND, "none' is not there");
    assert_false(file_exists(test_path(folder, "early")));
    assert_fails(run(medley_experiment, NULL, err,
                     (const char *const[]){"out", "/early", "store", "/none", "models", "ease", "split.name", "n",
                                           "split.strategy", "random", NULL}),
                 MEDLEY_E_NOT_FOUND, "none");
    assert_false(file_exists(test_path(folder, "early")));
}

static void test_what_fails_before_anything_is_made_leaves_no_folder(void **state)
{
    (void)state;
    assert_ok(file_make_folder(rt, test_path(folder, "blank"), err));
    assert_true(early("prepare.input", "/blank", NULL) != MEDLEY_OK);
    assert_false(file_exists(test_path(folder, "early")));
    assert_ok(file_make_folder(rt, test_path(folder, "early"), err));
    assert_true(early("prepare.input", "/blank", NULL) != MEDLEY_OK);
    assert_true(file_is_folder(test_path(folder, "early"))); /* it was there */
    assert_ok(file_remove_tree(rt, test_path(folder, "early"), err));
}

/* What an experiment's settings need, without the experiment. */
static medley_status check_only(const char *path, medley_error *err)
{
    extern const operation_class operation_experiment;
    medley_config *config = NULL;
    bound_settings s;
    TRY(medley_config_create(rt, &config, err));
    medley_status status = medley_config_load(config, path, err);
    if (status == MEDLEY_OK)
        status = settings_bind(config, &operation_experiment, &s, err);
    if (status == MEDLEY_OK) {
        experiment e = {.rt = rt, .settings = &s, .p = s.values, .texts = {.rt = rt}, .seed_count = 1};
        status = experiment_check(&e, err);
        arena_release(&e.texts);
        settings_release(&s);
    }
    medley_config_free(config);
    return status;
}

static void test_checking_survives_every_failing_allocation(void **state)
{
    (void)state;
    const char *path = write_config("unmade", "", "", "compare.metrics: ndcg\ncompare.baseline: ease\n");
    BRUTAL(rt, &memory, check_only(path, err), (void)0);
}

static void test_what_cannot_be_is_refused(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"seeds: [1, x]\n", "seeds: 'x' is no seed; accepted: 0..9e15"},
        {"seeds: [1, 1]\n", "seeds: 1 is given twice"},
        {"seeds: ''\n", "seeds: '' is no seed"},
        {"task: retreival\n", "task: unknown 'retreival'"},
        {"models.slim.l9: 5\n", "unknown key 'models.slim.l9' (did you mean 'models.slim.l"},
        {"out.x: 5\n", "unknown key 'out.x': 'out' is one setting, not a group"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_fails(run_file(rt, write_config("refused", "", "", cases[i][0]), NULL, err), MEDLEY_E_CONFIG,
                     cases[i][1]);
    assert_fails(
        run(medley_experiment, NULL, err, (const char *const[]){"out", "/refused2", "models", "ease", NULL}),
        MEDLEY_E_CONFIG, "format is missing");
    assert_fails(run(medley_experiment, NULL, err,
                     (const char *const[]){"out", "/refused3", "store", "/nothing", "models", "ease", "split.name",
                                           "n", "split.strategy", "random", NULL}),
                 MEDLEY_E_NOT_FOUND, "nothing");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_file_gives_a_table_of_results),
        cmocka_unit_test(test_the_value_on_test_is_what_evaluate_says),
        cmocka_unit_test(test_what_is_up_to_date_is_not_made_again),
        cmocka_unit_test(test_what_has_changed_is_made_again_with_all_that_follows),
        cmocka_unit_test(test_what_another_version_made_is_made_again),
        cmocka_unit_test(test_features_are_extracted_once_and_models_follow_them),
        cmocka_unit_test(test_extractions_that_cannot_be_are_refused_before_anything_is_made),
        cmocka_unit_test(test_an_experiment_is_the_same_for_any_threads),
        cmocka_unit_test(test_a_stopped_experiment_goes_on),
        cmocka_unit_test(test_only_what_is_random_is_judged_with_other_seeds),
        cmocka_unit_test(test_a_store_that_is_there_needs_no_preparing),
        cmocka_unit_test(test_what_needs_no_data_is_refused_before_anything_is_made),
        cmocka_unit_test(test_what_fails_before_anything_is_made_leaves_no_folder),
        cmocka_unit_test(test_checking_survives_every_failing_allocation),
        cmocka_unit_test(test_what_cannot_be_is_refused),
    };
    return cmocka_run_group_tests(tests, make_data, tear_down);
}
