/* What no model may do, whatever it is: learn from the parts it is judged on, or score from what comes later. A model
 * of models.def is covered by being there. */
#include "operate.h"

#include "base/hash.h"
#include "quick_models.h"

#include "inside_folder.h" /* last: it names a runtime and a folder */

enum { USERS = 60, ITEMS = 23 };

static int set_up(void **state)
{
    (void)state;
    return enter_folder(2);
}

static void perform(operation run, const char *const *settings)
{
    medley_report *report;
    assert_ok(operate(rt, run, settings, &report, err));
    medley_report_free(report);
}
#define PERFORM(run, ...) perform(run, (const char *const[]){__VA_ARGS__, NULL})

/* Ratings, times, texts: what any model may ask for. */
static void make_world(void)
{
    PERFORM(medley_synth, "out=raw", "users=60", "items=23", "genres=4", "interactions_per_user=8");
    PERFORM(medley_prepare, "format=movielens", "input=raw", "store=store");
    write_vectors("vectors.csv", ITEMS);
    PERFORM(medley_features_import, "store=store", "name=features", "input=vectors.csv");
    PERFORM(medley_split, "store=store", "name=main", "strategy=random", "test_ratio=0.3", "val_ratio=0.3");
}

static const char *model_at(int64_t index)
{
    medley_entry model;
    return medley_registry_entry("models", index, &model) ? model.name : NULL;
}

/* The values of a column, behind the header of its file. */
static void *values_of(char *bytes, size_t length, size_t size, size_t *count)
{
    const size_t start = 10 + (unsigned char)bytes[8] + 256 * (size_t)(unsigned char)bytes[9];
    assert_memory_equal(bytes, "\x93NUMPY", 6);
    assert_true(start < length && (length - start) % size == 0);
    *count = (length - start) / size;
    return bytes + start;
}

/* Other items, ratings and times than the part has; the users stay, as they choose whom a list is made for. */
static void overwrite_part(const char *part)
{
    static const char *const columns[] = {"item", "rating", "timestamp"};
    for (uint64_t c = 0; c < 3; c++) {
        char path[128];
        size_t length, count;
        snprintf(path, sizeof path, "store/splits/main/%s/%s.npy", part, columns[c]);
        char *const bytes = test_read(path, &length);
        void *const values = values_of(bytes, length, c == 2 ? 8 : 4, &count);
        assert_true(count > USERS);
        for (size_t i = 0; i < count; i++) {
            if (c == 0)
                ((uint32_t *)values)[i] = (uint32_t)(random_bits(1, c, i) % ITEMS);
            else if (c == 1)
                ((float *)values)[i] = (float)(1 + random_bits(1, c, i) % 5);
            else
                ((int64_t *)values)[i] = 1000000000 + (int64_t)i; /* ascend, as they must */
        }
        assert_ok(file_remove_tree(rt, path, err));
        test_write(path, bytes, length);
        test_read_end(bytes);
    }
}

static bool equal_files(const char *a, const char *b)
{
    size_t length_a, length_b;
    char *const bytes_a = test_read(a, &length_a), *const bytes_b = test_read(b, &length_b);
    const bool equal = length_a == length_b && memcmp(bytes_a, bytes_b, length_a) == 0;
    test_read_end(bytes_a);
    test_read_end(bytes_b);
    return equal;
}

/* Trains every model to <name>.<suffix>. */
static void train_all(const char *suffix)
{
    const char *model;
    for (int64_t m = 0; (model = model_at(m)) != NULL; m++) {
        char which[64], run[64];
        snprintf(which, sizeof which, "model=%s", model);
        snprintf(run, sizeof run, "run=%s.%s", model, suffix);
        PERFORM(medley_train, "store=store", "split=main", which, run,
                quick_epochs(model) != NULL ? "epochs=3" : NULL);
    }
}

static int count_models(void)
{
    int models = 0;
    while (model_at(models) != NULL)
        models++;
    return models;
}

/* Of so many models do the files <name>.<a> and <name>.<b> differ. */
static void assert_changed(const char *a, const char *b, int want)
{
    text names = {.rt = rt};
    const char *model;
    int changed = 0;
    text_add(&names, "");
    for (int64_t m = 0; (model = model_at(m)) != NULL; m++) {
        char path_a[96], path_b[96];
        snprintf(path_a, sizeof path_a, "%s.%s", model, a);
        snprintf(path_b, sizeof path_b, "%s.%s", model, b);
        if (equal_files(path_a, path_b))
            continue;
        text_format(&names, " %s", model);
        changed++;
    }
    if (changed != want)
        fail_msg("%s and %s differ for %d of %d models, expected %d:%s", a, b, changed, count_models(), want,
                 names.bytes);
    text_release(&names);
}

static void test_unseen_parts_change_no_model(void **state)
{
    (void)state;
    make_world();
    train_all("before");
    overwrite_part("test");
    overwrite_part("val");
    train_all("after");
    assert_changed("before/model.safetensors", "after/model.safetensors", 0);
    /* The comparison sees what training does see: all but `random` learn from it, `contentknn` the texts alone. */
    overwrite_part("train");
    train_all("other");
    assert_changed("before/model.safetensors", "other/model.safetensors", count_models() - 2);
}

/* Every model's lists for a part, in <name>.<suffix>.tsv. */
static void list_all(const char *part, const char *suffix)
{
    const char *model;
    for (int64_t m = 0; (model = model_at(m)) != NULL; m++) {
        char run[64], which[64], lists[96];
        snprintf(run, sizeof run, "run=%s.run", model);
        snprintf(which, sizeof which, "part=%s", part);
        snprintf(lists, sizeof lists, "recs=%s.%s.tsv", model, suffix);
        PERFORM(medley_evaluate, run, which, lists, "metrics=ndcg", "cutoffs=10", "intervals=0");
    }
}

static void test_what_comes_later_changes_no_left_side(void **state)
{
    (void)state;
    make_world();
    train_all("run");
    list_all("val", "val");
    list_all("test", "test");
    overwrite_part("test");
    list_all("val", "val_after");
    list_all("test", "test_after");
    assert_changed("val.tsv", "val_after.tsv", 0);
    assert_changed("test.tsv", "test_after.tsv", 0); /* the answers are no part of the question */
    /* What comes before test is seen: at least what is masked differs, for every model. */
    overwrite_part("val");
    list_all("test", "test_other");
    assert_changed("test.tsv", "test_other.tsv", count_models());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_unseen_parts_change_no_model, set_up, leave_folder),
        cmocka_unit_test_setup_teardown(test_what_comes_later_changes_no_left_side, set_up, leave_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
