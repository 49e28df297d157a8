/* Folds, held-out users, and splits of published data. */
#include "made_store.h"

#include "fixture.h"

static char path[4096]; /* folder/store */

static int start(void **state)
{
    set_up(state);
    snprintf(path, sizeof path, "%s/store", folder);
    return 0;
}

/* medley split --store S --name N --strategy X --seed S key value ... */
static medley_status split_as(const medley_store *store, const char *name, const char *strategy, int64_t seed,
                              bool force, const char *const *settings, medley_report *report, medley_error *err)
{
    const split_params p = {store->path, name, strategy, seed, 1, force};
    return made_split(store, &p, settings, report, err);
}

static medley_store *open_store(const char *rows)
{
    medley_store *store;
    assert_ok(made_store(rt, path, rows, NULL, err));
    assert_ok(store_open(rt, path, true, &store, err));
    return store;
}

/* Random rows with few items and times, so that there are repeats, ties and cold items. */
static medley_store *open_random(uint64_t seed)
{
    text rows = {.rt = rt};
    text_add(&rows, "user,item,rating,time\n");
    for (uint64_t n = 0; n < 400; n++) {
        const uint64_t bits = random_bits(seed, 0, n);
        text_format(&rows, "u%d,i%d,%d,%d\n", (int)(bits % 120), (int)((bits >> 8) % 70), (int)((bits >> 16) % 9),
                    (int)((bits >> 24) % 50) + 1);
    }
    medley_store *store = open_store(rows.bytes);
    text_release(&rows);
    return store;
}

/* ---- held-out users ---- */

static void test_known_parts_are_there_only_when_users_are_held_out(void **state)
{
    (void)state;
    medley_store *store = open_random(3);
    judging_parts judging;
    selection_parts selection;
    assert_ok(split_as(store, "held", "strong", 0, false, NULL, NULL, err));
    assert_ok(split_as(store, "plain", "random", 0, false, NULL, NULL, err));
    assert_true(file_is_folder(test_path(path, "splits/held/test_known")));
    assert_false(file_exists(test_path(path, "splits/plain/test_known")));
    assert_ok(judging_open(store, "plain", &judging, err));
    assert_int_equal(judging.part[PART_TEST_KNOWN].view.count, 0);
    assert_int_equal(judging.part[PART_VAL_KNOWN].view.count, 0);
    judging_release(&judging);
    assert_ok(judging_open(store, "held", &judging, err));
    assert_ok(selection_open(store, "held", &selection, err));
    assert_true(judging.part[PART_TEST_KNOWN].view.count > judging.part[PART_TEST].view.count);
    assert_int_equal(judging.facts.count[PART_TEST_KNOWN], judging.part[PART_TEST_KNOWN].view.count);
    assert_int_equal(selection.val_known.view.count, judging.part[PART_VAL_KNOWN].view.count);
    assert_true(selection.val_known.view.count > 0);
    judging_release(&judging);
    selection_release(&selection);
    store_free(store);
}

/* ---- folds ---- */

static medley_status folds_as(const medley_store *store, const char *name, const char *strategy, int64_t folds,
                              bool force, medley_report *report, medley_error *err)
{
    const split_params p = {store->path, name, strategy, 5, folds, force};
    return made_split(store, &p, NULL, report, err);
}

static void test_folds_are_ordinary_splits_with_seeds_of_their_own(void **state)
{
    (void)state;
    medley_store *store = open_random(3);
    medley_report *report;
    selection_parts fold, alone, none;
    assert_ok(report_create(rt, &report, err));
    assert_ok(folds_as(store, "cv", "random", 3, false, report, err));
    assert_int_equal(medley_report_rows(report, "folds"), 3);
    assert_string_equal(medley_report_text(report, "folds", 2, "name"), "cv.3");
    for (int64_t n = 1; n <= 3; n++) {
        char name[16];
        snprintf(name, sizeof name, "cv.%d", (int)n);
        assert_ok(selection_open(store, name, &fold, err));
        assert_string_equal(fold.facts.name, name);
        assert_int_equal(fold.facts.count[PART_TRAIN], fold.train.view.count);
        assert_ok(split_as(store, "alone", "random", fold.facts.seed, true, NULL, NULL, err));
        assert_ok(selection_open(store, "alone", &alone, err));
        assert_string_equal(fold.facts.fingerprint, alone.facts.fingerprint);
        selection_release(&alone);
        selection_release(&fold);
    }
    assert_fails(selection_open(store, "cv", &none, err), MEDLEY_E_NOT_FOUND,
                 "split: 'cv' is 3 folds; accepted: one of 'cv.1' ... 'cv.3'");
    assert_fails(selection_open(store, "cv.4", &none, err), MEDLEY_E_NOT_FOUND, "has no split 'cv.4'");
    assert_fails(selection_open(store, "cv.0", &none, err), MEDLEY_E_NOT_FOUND, "has no split 'cv.0'");
    assert_ok(folds_as(store, "cv", "k_fold", 2, true, NULL, err));
    assert_fails(selection_open(store, "cv.3", &none, err), MEDLEY_E_NOT_FOUND, "has no split 'cv.3'");
    medley_report_free(report);
    store_free(store);
}

static void test_the_test_parts_of_k_folds_are_the_store(void **state)
{
    (void)state;
    medley_store *store = open_random(4);
    int64_t tested = 0;
    assert_ok(folds_as(store, "k", "k_fold", 4, false, NULL, err));
    for (int n = 1; n <= 4; n++) {
        char name[16];
        judging_parts parts;
        snprintf(name, sizeof name, "k.%d", n);
        assert_ok(judging_open(store, name, &parts, err));
        int64_t rows = 0;
        for (int which = 0; which < PART_COUNT; which++)
            rows += parts.part[which].view.count;
        assert_int_equal(rows, store->count);
        tested += parts.facts.count[PART_TEST];
        judging_release(&parts);
    }
    assert_int_equal(tested, store->count);
    store_free(store);
}

static void test_folds_that_cannot_be_are_refused(void **state)
{
    (void)state;
    medley_store *store = open_random(4);
    assert_fails(folds_as(store, "t", "temporal", 2, false, NULL, err), MEDLEY_E_CONFIG,
                 "folds: 2; strategy 'temporal' draws nothing, so every fold would be the same; accepted: 1");
    assert_fails(folds_as(store, "t", "k_fold", 1, false, NULL, err), MEDLEY_E_CONFIG,
                 "folds: 1; strategy 'k_fold' needs 2..1000");
    assert_false(file_exists(test_path(path, "splits")));
    /* A fold is not hidden by a split of its name, nor the other way round. */
    assert_ok(folds_as(store, "t", "random", 2, false, NULL, err));
    assert_fails(folds_as(store, "t.2", "random", 1, true, NULL, err), MEDLEY_E_EXISTS,
                 "split 't.2' exists already, made otherwise; name another");
    assert_ok(folds_as(store, "t.3", "random", 1, false, NULL, err));
    assert_fails(folds_as(store, "t", "random", 3, true, NULL, err), MEDLEY_E_EXISTS,
                 "split 't.3' exists already");
    assert_ok(folds_as(store, "t", "random", 1, true, NULL, err));
    store_free(store);
}

static void assert_fold(const medley_store *store, const char *name, const char *print)
{
    selection_parts parts;
    assert_ok(selection_open(store, name, &parts, err));
    assert_string_equal(parts.facts.fingerprint, print);
    selection_release(&parts);
}

static void test_a_full_disk_leaves_all_old_folds(void **state)
{
    (void)state;
    medley_store *store = open_store("user,item,rating,time\nu,a,1,1\nu,b,1,2\nu,c,1,3\n");
    char print[FINGERPRINT_SIZE];
    selection_parts parts;
    assert_ok(folds_as(store, "cv", "random", 3, false, NULL, err));
    assert_ok(selection_open(store, "cv.3", &parts, err));
    memcpy(print, parts.facts.fingerprint, sizeof print);
    selection_release(&parts);
    FULL_DISK(rt, &memory, folds_as(store, "cv", "k_fold", 2, true, NULL, err), assert_fold(store, "cv.3", print),
              (void)0);
    assert_fails(selection_open(store, "cv.3", &parts, err), MEDLEY_E_NOT_FOUND, "cv.3");
    store_free(store);
}

static void test_folds_without_memory(void **state)
{
    (void)state;
    medley_store *store = open_store("user,item,rating,time\nu,a,1,1\nu,b,1,2\nu,c,1,3\n");
    BRUTAL(rt, &memory, folds_as(store, "cv", "k_fold", 2, true, NULL, err), (void)0);
    store_free(store);
}

/* ---- published data ---- */

static void test_office_is_split_as_its_files_are(void **state)
{
    (void)state;
    const char *data = test_data("amazon-office-elliot");
    const split_params p = {path, "given", "fixed", 0, 1, false};
    judging_parts parts;
    medley_store *store;
    int64_t rows = 0;
    if (data == NULL)
        skip();
    assert_ok(made_prepare(rt, "elliot", data, path, NULL, NULL, err));
    assert_ok(store_open(rt, path, false, &store, err));
    assert_ok(made_split(store, &p, NULL, NULL, err));
    assert_ok(judging_open(store, "given", &parts, err));
    for (int which = PART_TRAIN; which <= PART_TEST; which++)
        rows += parts.facts.count[which];
    assert_int_equal(rows, store->count);
    assert_true(parts.facts.count[PART_TEST] > 0);
    judging_release(&parts);
    store_free(store);
}

static void test_five_folds_of_ml_100k_are_ml_100k(void **state)
{
    (void)state;
    const char *data = test_data("ml-100k");
    medley_store *store;
    int64_t tested = 0;
    if (data == NULL)
        skip();
    assert_ok(made_prepare(rt, "movielens", data, path, NULL, NULL, err));
    assert_ok(store_open(rt, path, false, &store, err));
    assert_ok(folds_as(store, "cv", "k_fold", 5, false, NULL, err));
    for (int n = 1; n <= 5; n++) {
        char name[16];
        judging_parts parts;
        snprintf(name, sizeof name, "cv.%d", n);
        assert_ok(judging_open(store, name, &parts, err));
        tested += parts.facts.count[PART_TEST];
        assert_in_range(parts.facts.count[PART_TEST], 19800, 20200);
        judging_release(&parts);
    }
    assert_int_equal(tested, 100000);
    store_free(store);
}

/* Counts that the rules give on data sets that everybody has. */
static void test_published_data_split_as_their_rules_say(void **state)
{
    (void)state;
    static const char *const timed[] = {"test_from", "2016-01-01", "val_from", "2015-01-01", NULL};
    const char *data = test_data("ml-latest-small");
    judging_parts parts;
    medley_store *store;
    if (data == NULL)
        skip();
    assert_ok(made_prepare(rt, "movielens", data, path, NULL, NULL, err));
    assert_ok(store_open(rt, path, false, &store, err));
    assert_ok(split_as(store, "loo", "leave_one_out", 0, false, NULL, NULL, err));
    assert_ok(judging_open(store, "loo", &parts, err));
    assert_int_equal(parts.facts.count[PART_TEST], 610); /* every user has 20 ratings or more */
    assert_int_equal(parts.facts.count[PART_VAL], 610);
    judging_release(&parts);
    assert_ok(split_as(store, "strong", "strong", 0, false, NULL, NULL, err));
    assert_ok(judging_open(store, "strong", &parts, err));
    int64_t users = 0;
    for (int64_t i = 0; i < parts.part[PART_TEST].view.count; i++)
        users += i == 0 || parts.part[PART_TEST].view.user[i] != parts.part[PART_TEST].view.user[i - 1];
    assert_int_equal(users, 61);
    judging_release(&parts);
    assert_ok(split_as(store, "dates", "temporal", 0, false, timed, NULL, err));
    assert_ok(judging_open(store, "dates", &parts, err));
    int64_t of_part[3] = {0};
    for (int64_t i = 0; i < store->count; i++)
        of_part[store->files.view.timestamp[i] >= 1451606400 ? 2 : store->files.view.timestamp[i] >= 1420070400]++;
    for (int which = 0; which < 3; which++)
        assert_int_equal(parts.facts.count[which], of_part[which]);
    assert_true(of_part[1] > 0 && of_part[2] > 0);
    judging_release(&parts);
    store_free(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_known_parts_are_there_only_when_users_are_held_out, start, tear_down),
        cmocka_unit_test_setup_teardown(test_folds_are_ordinary_splits_with_seeds_of_their_own, start, tear_down),
        cmocka_unit_test_setup_teardown(test_the_test_parts_of_k_folds_are_the_store, start, tear_down),
        cmocka_unit_test_setup_teardown(test_folds_that_cannot_be_are_refused, start, tear_down),
        cmocka_unit_test_setup_teardown(test_a_full_disk_leaves_all_old_folds, start, tear_down),
        cmocka_unit_test_setup_teardown(test_folds_without_memory, start, tear_down),
        cmocka_unit_test_setup_teardown(test_office_is_split_as_its_files_are, start, tear_down),
        cmocka_unit_test_setup_teardown(test_five_folds_of_ml_100k_are_ml_100k, start, tear_down),
        cmocka_unit_test_setup_teardown(test_published_data_split_as_their_rules_say, start, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
