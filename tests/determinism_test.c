/* Everything that can be made is made of the same bytes with 1, 2 and 4 threads: data sets, stores, splits by every
 * strategy, every model, its lists and evaluations for every task, searches, experiments, comparisons. What a thing is
 * covered by is a row of its registry. */
#include "operate.h"

#include <unistd.h>

#include "io/safetensors.h"
#include "quick_models.h"

#include "inside_folder.h" /* last: it names a runtime and a folder */

static int set_up(void **state)
{
    (void)state;
    return enter_folder(1);
}

static medley_runtime *worker; /* with as many threads as are tried */

static void perform(operation run, const char *const *settings)
{
    medley_report *report;
    assert_ok(operate(worker, run, settings, &report, err));
    medley_report_free(report);
}
#define PERFORM(run, ...) perform(run, (const char *const[]){__VA_ARGS__, NULL})

/* Calls `make` with "<key>=<member>" and "<prefix><member>" for every member of a kind. */
static void for_each(const char *kind, const char *key, const char *prefix,
                     void (*make)(const char *member, const char *output))
{
    medley_entry entry;
    for (int64_t i = 0; medley_registry_entry(kind, i, &entry); i++) {
        char member[96], output[96];
        snprintf(member, sizeof member, "%s=%s", key, entry.name);
        snprintf(output, sizeof output, "%s%s", prefix, entry.name);
        make(member, output);
    }
}

static void make_split(const char *strategy, const char *name)
{
    if (strcmp(strategy, "strategy=fixed") == 0)
        return; /* is what the files say */
    const char *const folds = strcmp(strategy, "strategy=k_fold") == 0 ? "folds=3" : "folds=1";
    PERFORM(medley_split, "store=store", strategy, name, folds, "seed=3");
}

static void make_run(const char *model, const char *run)
{
    char lists[128], out[160];
    const char *const quick = quick_epochs(model + strlen("model=")) != NULL ? "epochs=3" : NULL;
    snprintf(lists, sizeof lists, "%s.tsv", run + 4);
    PERFORM(medley_train, "store=store", "split=random", model, run, "seed=5", quick);
    snprintf(out, sizeof out, "recs=%s", lists);
    PERFORM(medley_evaluate, run, out, "space=text", "attribute=genres", "intervals=50");
    PERFORM(medley_evaluate, run, "task=next_item", "candidates=popular:9", "cutoffs=3", "intervals=0");
    snprintf(out, sizeof out, "out=all-%s", lists);
    PERFORM(medley_recommend, run, "all=true", out, "diversity=0.3", "space=attribute:genres");
}

static void make_task(const char *task, const char *unused)
{
    (void)unused;
    if (strcmp(task, "task=cold_item") == 0) {
        PERFORM(medley_train, "store=store", "split=item", "model=contentknn", "run=cold");
        PERFORM(medley_evaluate, "run=cold", task, "intervals=0");
    } else if (strcmp(task, "task=cold_user") == 0) {
        PERFORM(medley_train, "store=store", "split=user", "model=ease", "run=strangers");
        PERFORM(medley_evaluate, "run=strangers", task, "intervals=0");
    } else {
        PERFORM(medley_evaluate, strcmp(task, "task=rating") == 0 ? "run=run-baseline" : "run=run-ials", task,
                "cutoffs=7", "metrics=all", "name=of-tasks", "intervals=20");
    }
}

static void make_search(const char *search, const char *out)
{
    PERFORM(medley_sweep, "store=store", "split=random", search, out, "trials=4", "models.ials.factors=4,8",
            "models.ials.epochs=2", "models.itemknn.neighbours=2..20", "models.popularity=default");
}

static void make_everything(void)
{
    PERFORM(medley_synth, "out=raw", "users=300", "items=151", "genres=4", "interactions_per_user=9", "seed=2");
    PERFORM(medley_prepare, "format=movielens", "input=raw", "store=store", "min_user_interactions=3");
    PERFORM(medley_stats, "store=store", "plot=plot.svg");
    write_vectors("vectors.csv", 151);
    PERFORM(medley_features_import, "store=store", "name=features", "input=vectors.csv");
    for_each("strategies", "strategy", "name=", make_split);
    for_each("models", "model", "run=run-", make_run);
    for_each("tasks", "task", "", make_task);
    PERFORM(medley_similar, "run=run-itemknn", "items=1,2,3", "out=similar.tsv");
    PERFORM(medley_similar, "store=store", "space=text", "items=1,2,3", "out=alike.tsv");
    PERFORM(medley_evaluate, "recs_from=run-ease.tsv", "store=store", "split=random", "out=given", "intervals=50");
    PERFORM(medley_compare, "runs=run-ease,run-itemknn,run-ials", "evaluation=retrieval-test", "resamples=50",
            "out=comparison");
    for_each("searches", "search", "out=sweep-", make_search);
    PERFORM(medley_experiment, "out=experiment", "store=store", "split.name=tried", "split.strategy=leave_one_out",
            "models=ease,popularity,random", "sweep.trials=2", "evaluate.intervals=20", "compare.resamples=20",
            "seeds=0,1");
    PERFORM(medley_prepare, "format=movielens", "input=raw", "store=store", "append=true", "force=true");
}

/* ---- how long things took is left out ---- */

static bool is_timed(const char *word, size_t length)
{
    static const char *const names[] = {"second", "threads", "step_bytes"};
    if (length == 4 && memcmp(word, "time", 4) == 0)
        return true;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        for (size_t at = 0; at + strlen(names[i]) <= length; at++)
            if (memcmp(word + at, names[i], strlen(names[i])) == 0)
                return true;
    return false;
}

/* A table without the columns that are timed. */
static void copy_columns(const char *bytes, char separator, text *out)
{
    const char ends[] = {separator, '\n', '\0'};
    bool left_out[256] = {false};
    for (int row = 0, column = 0; *bytes != '\0'; bytes++) {
        const size_t length = strcspn(bytes, ends);
        assert_true(column < 256);
        if (row == 0)
            left_out[column] = is_timed(bytes, length);
        if (!left_out[column])
            text_append(out, bytes, length);
        bytes += length;
        text_append(out, bytes, 1);
        column = *bytes == separator ? column + 1 : 0;
        row += *bytes == '\n';
    }
}

static void copy_table(const char *path, const char *bytes, text *out)
{
    (void)path;
    copy_columns(bytes, '\t', out);
}

static void copy_csv(const char *path, const char *bytes, text *out)
{
    (void)path;
    copy_columns(bytes, ',', out);
}

/* A text without the numbers behind the names of what is timed. */
static void copy_text(const char *path, const char *bytes, text *out)
{
    (void)path;
    while (*bytes != '\0') {
        static const char letters[] = "abcdefghijklmnopqrstuvwxyz_";
        const size_t word = strspn(bytes, letters), length = word > 0 ? word : 1;
        text_append(out, bytes, length);
        if (is_timed(bytes, word)) {
            bytes += word + strspn(bytes + word, "\": ");
            bytes += strspn(bytes, "0123456789.e+-");
        } else {
            bytes += length;
        }
    }
}

/* The tensors of a checkpoint but its history, which is that of history.csv. */
static void copy_tensors(const char *path, const char *bytes, text *out)
{
    safetensors *s;
    const named_tensor *t;
    (void)bytes;
    assert_ok(safetensors_open(rt, path, &s, err));
    for (int64_t k = 0; (t = safetensors_at(s, k)) != NULL; k++)
        if (strcmp(t->name, "history") != 0) {
            text_add(out, t->name);
            text_append(out, t->data, (size_t)named_tensor_bytes(t));
        }
    safetensors_close(s);
}

/* What TensorBoard reads: the same numbers as in history.csv, and times. */
static void copy_nothing(const char *path, const char *bytes, text *out)
{
    (void)path, (void)bytes;
    text_add(out, "");
}

static const struct {
    const char *name;
    void (*copy)(const char *path, const char *bytes, text *out);
} timed[] = {
    {"log.txt", copy_text},
    {"metrics.json", copy_text},
    {"experiment.yaml", copy_text},
    {"experiment.json", copy_text},
    {"sweep.json", copy_text},
    {"trials.tsv", copy_table},
    {"results.tsv", copy_table},
    {"history.csv", copy_csv},
    {"optimizer.safetensors", copy_tensors},
    {"events.out.tfevents.medley", copy_nothing},
};

static void forget_time(const char *where)
{
    char **names;
    int64_t count;
    assert_ok(file_list(rt, where, &names, &count, err));
    for (int64_t i = 0; i < count; i++) {
        char path[512];
        snprintf(path, sizeof path, "%s/%s", where, names[i]);
        if (file_is_folder(path))
            forget_time(path);
        for (size_t t = 0; t < sizeof timed / sizeof *timed; t++)
            if (strcmp(names[i], timed[t].name) == 0) {
                text out = {.rt = rt};
                char *const bytes = test_read(path, NULL);
                timed[t].copy(path, bytes, &out);
                test_read_end(bytes);
                test_write(path, out.bytes, (size_t)out.length);
                text_release(&out);
            }
    }
    file_names_free(names, count);
}

/* What differs, a file a line of the two listings. */
static void tell_differences(const char *a, const char *b)
{
    const char *name = a;
    while (*a != '\0' && *b != '\0') {
        const size_t length_a = strcspn(a, "\n"), length_b = strcspn(b, "\n");
        if (a[0] == '.')
            name = a;
        if (length_a != length_b || memcmp(a, b, length_a) != 0)
            print_error("%.*s\n", (int)strcspn(name, "\n"), name);
        a += length_a + 1;
        b += length_b + 1;
    }
}

static void test_everything_has_the_same_bytes_for_1_2_and_4_threads(void **state)
{
    (void)state;
    text first = {.rt = rt};
    for (int threads = 1; threads <= 4; threads *= 2) {
        test_memory own;
        text now = {.rt = rt};
        assert_ok(file_make_folder(rt, "made", err));
        assert_int_equal(chdir("made"), 0);
        worker = test_runtime(&own, threads);
        make_everything();
        test_runtime_end(worker, &own);
        forget_time(".");
        list_tree(".", threads == 1 ? &first : &now);
        if (threads > 1 && strcmp(first.bytes, now.bytes) != 0) {
            tell_differences(first.bytes, now.bytes);
            fail_msg("%d threads make other files than one", threads);
        }
        text_release(&now);
        assert_int_equal(chdir(".."), 0);
        assert_ok(file_remove_tree(rt, "made", err));
    }
    text_release(&first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_everything_has_the_same_bytes_for_1_2_and_4_threads, set_up,
                                        leave_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
