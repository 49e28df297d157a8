#include "made_store.h"

#include "io/json.h"

#include "fixture.h"

static char path[4096]; /* folder/store */

static int start(void **state)
{
    set_up(state);
    snprintf(path, sizeof path, "%s/store", folder);
    return 0;
}

static const char rows[] = "user,item,rating,time\nu,a,5,3\nv,b,4,2\nu,b,3,1\nv,c,2,9\nu,a,1,4\nw,c,5,5\n";

static const char *const store_files[] = {"dataset.json",
                                          "catalog.db",
                                          "interactions/user.npy",
                                          "interactions/item.npy",
                                          "interactions/rating.npy",
                                          "interactions/timestamp.npy"};
enum { STORE_FILES = sizeof store_files / sizeof *store_files };

static json *read_description(const char *store)
{
    json *root;
    size_t length;
    char *bytes = test_read(test_path(store, "dataset.json"), &length);
    assert_ok(json_parse("dataset.json", bytes, length, &root, err));
    test_read_end(bytes);
    return root;
}

static int64_t number(const json *object, const char *key)
{
    int64_t value;
    assert_true(json_int(object, key, &value));
    return value;
}

/* The scratch folder holds `count` entries: nothing partial was left behind. */
static void assert_entries(int64_t count)
{
    char **names;
    int64_t found;
    assert_ok(file_list(rt, folder, &names, &found, err));
    file_names_free(names, found);
    assert_int_equal(found, count);
}

static void test_the_description_says_what_was_done(void **state)
{
    (void)state;
    static const char *const settings[] = {"rating_threshold",      "2", "duplicates", "last",
                                           "min_user_interactions", "2", NULL};
    assert_ok(made_store(rt, path, rows, settings, err));
    json *root = read_description(path);
    assert_string_equal(json_text(root, "format"), STORE_FORMAT);
    assert_string_equal(json_text(root, "medley"), medley_version());
    assert_string_equal(json_text(root, "reader"), "delimited");
    /* without "u a 1" and, in the core, without w */
    assert_int_equal(number(root, "interactions"), 4);
    assert_int_equal(number(root, "users"), 2);
    assert_int_equal(number(root, "items"), 3);
    const json *options = json_member(root, "options");
    assert_string_equal(json_text(options, "rating_threshold"), "2");
    assert_string_equal(json_text(options, "duplicates"), "last");
    assert_string_equal(json_text(options, "delimiter"), "comma");
    assert_null(json_text(options, "input"));
    assert_null(json_text(options, "store"));
    const json *filters = json_member(root, "filters");
    assert_int_equal(json_count(filters), 3);
    assert_string_equal(json_text(json_at(filters, 0, NULL), "step"), "rating below 2");
    assert_int_equal(number(json_at(filters, 0, NULL), "interactions"), 1);
    assert_string_equal(json_text(json_at(filters, 1, NULL), "step"), "repeated user and item");
    assert_int_equal(number(json_at(filters, 1, NULL), "interactions"), 0);
    assert_string_equal(json_text(json_at(filters, 2, NULL), "step"), "k-core (2, 0), 1 rounds");
    assert_int_equal(number(json_at(filters, 2, NULL), "interactions"), 1);
    assert_int_equal(number(json_at(filters, 2, NULL), "users"), 1);
    assert_int_equal(number(json_at(filters, 2, NULL), "items"), 0);
    assert_int_equal(number(json_at(filters, 2, NULL), "users_left"), 2);
    assert_int_equal(number(json_at(filters, 2, NULL), "items_left"), 3);
    assert_int_equal(number(json_at(filters, 2, NULL), "interactions_left"), 4);
    const json *source = json_at(json_member(root, "sources"), 0, NULL);
    assert_int_equal(number(source, "rows"), 6);
    assert_int_equal(number(source, "bad_rows"), 0);
    assert_int_equal(number(source, "bytes"), sizeof rows - 1);
    assert_int_equal(strlen(json_text(source, "xxh128")), 32);
    json_free(root);
}

static void test_the_report_says_the_same(void **state)
{
    (void)state;
    static const char *const settings[] = {"rating_threshold", "2", NULL};
    medley_report *report;
    double value;
    test_write_text(test_path(folder, "x.csv"), rows);
    assert_ok(report_create(rt, &report, err));
    assert_ok(made_prepare(rt, "delimited", test_path(folder, "x.csv"), path, settings, report, err));
    assert_true(medley_report_number(report, "counts", 0, "interactions", &value) && value == 5);
    assert_int_equal(medley_report_rows(report, "filters"), 1);
    assert_true(medley_report_number(report, "filters", 0, "interactions", &value) && value == 1);
    assert_true(medley_report_number(report, "sources", 0, "rows", &value) && value == 6);
    medley_report_free(report);
}

static void test_every_byte_is_the_same_for_any_number_of_threads(void **state)
{
    (void)state;
    static const char *const settings[] = {
        "rating_threshold",      "1", "duplicates", "max", "min_user_interactions", "3",
        "min_item_interactions", "3", NULL};
    text made = {.rt = rt};
    char input[4200], other[4200];
    snprintf(input, sizeof input, "%s/x.csv", folder);
    text_add(&made, "user,item,rating,time\n");
    for (uint64_t n = 0; n < 50000; n++) {
        const uint64_t bits = random_bits(1, 0, n);
        text_format(&made, "user number %d,\"item, %d\",%d,%d\n", (int)(bits % 900), (int)((bits >> 10) % 3000),
                    (int)((bits >> 30) % 6), (int)((bits >> 40) % 1000));
    }
    assert_true(made.length > 5 * 256 * 1024);
    test_write(input, made.bytes, (size_t)made.length);
    text_release(&made);
    assert_ok(made_prepare(rt, "delimited", input, path, settings, NULL, err));
    for (int threads = 1; threads <= 4; threads *= 2) {
        test_memory own;
        medley_runtime *runtime = test_runtime(&own, threads);
        snprintf(other, sizeof other, "%s/with_%d", folder, threads);
        assert_ok(made_prepare(runtime, "delimited", input, other, settings, NULL, err));
        for (int i = 0; i < STORE_FILES; i++)
            assert_same_file(test_path(path, store_files[i]), test_path(other, store_files[i]));
        test_runtime_end(runtime, &own);
    }
}

static void fingerprint_of(const char *name, const char *content, const char *const *settings, char *out)
{
    char other[4200];
    medley_store *store;
    snprintf(other, sizeof other, "%s/%s", folder, name);
    assert_ok(made_store(rt, other, content, settings, err));
    assert_ok(store_open(rt, other, false, &store, err));
    memcpy(out, store->fingerprint, FINGERPRINT_SIZE);
    store_free(store);
}

static void test_the_fingerprint_is_of_the_data_and_not_of_where_it_was(void **state)
{
    (void)state;
    static const char *const same[] = {"quotes", "false", NULL};
    static const char *const changed[] = {"user,item,rating,time\nu,a,5,3\n", "user,item,rating,time\nu,b,5,3\n",
                                          "user,item,rating,time\nx,a,5,3\n", "user,item,rating,time\nu,a,4,3\n",
                                          "user,item,rating,time\nu,a,5,4\n", "user,item,rating\nu,a,5\n"};
    char first[FINGERPRINT_SIZE], other[FINGERPRINT_SIZE];
    fingerprint_of("first", changed[0], NULL, first);
    fingerprint_of("second", changed[0], same, other);
    assert_string_equal(first, other);
    for (int i = 1; i < 6; i++) {
        char name[24];
        snprintf(name, sizeof name, "other%d", i);
        fingerprint_of(name, changed[i], NULL, other);
        assert_string_not_equal(first, other);
    }
}

/* Ids of any text come back from the catalogue as they were. */
static void test_hostile_ids_are_kept(void **state)
{
    (void)state;
    static const char *const ids[] = {"a,b",
                                      "\"quoted\"",
                                      "two\nlines",
                                      " spaces ",
                                      "\xf0\x9f\x8e\xac",
                                      "'; DROP TABLE items; --",
                                      "\\0",
                                      "1e5",
                                      "\t",
                                      "\r\n",
                                      "a longer id than fits into a slot, with \"quotes\" and a\nline end"};
    enum { IDS = sizeof ids / sizeof *ids };
    text made = {.rt = rt};
    medley_store *store;
    text_add(&made, "user,item\n");
    for (int i = 0; i < IDS; i++) {
        for (int column = 0; column < 2; column++) {
            text_add(&made, "\"");
            for (const char *p = ids[(i + column) % IDS]; *p != '\0'; p++)
                text_append(&made, *p == '"' ? "\"\"" : p, *p == '"' ? 2 : 1);
            text_add(&made, column == 0 ? "\"," : "\"\n");
        }
    }
    assert_ok(made_store(rt, path, made.bytes, NULL, err));
    text_release(&made);
    assert_ok(store_open(rt, path, true, &store, err));
    assert_int_equal(store->users, IDS);
    for (int i = 0; i < IDS; i++) {
        assert_string_equal(store->user_ids[i], ids[i]);
        assert_string_equal(store->item_ids[i], ids[(i + 1) % IDS]);
    }
    store_free(store);
}

static void test_the_catalogue_keeps_items_nobody_touched_unless_told(void **state)
{
    (void)state;
    static const struct {
        const char *key, *value;
        int64_t items;
    } cases[] = {{"catalogue", "all", 4}, {"catalogue", "interacted", 2}, {"min_item_interactions", "1", 2}};
    test_write_text(test_path(folder, "rows"), "user,item\nu,a\nv,b\nu,b\n");
    test_write_text(test_path(folder, "items"), "id,title\nz,Z\na,A\ny,Y\n");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *const settings[] = {"file", "rows", "items_file", "items", cases[i].key, cases[i].value, NULL};
        medley_store *store;
        assert_ok(made_prepare(rt, "delimited", folder, path, settings, NULL, err));
        assert_ok(store_open(rt, path, true, &store, err));
        assert_int_equal(store->items, cases[i].items);
        assert_string_equal(store->item_titles[0], "A");
        assert_null(store->item_titles[1]);
        if (cases[i].items == 4)
            assert_string_equal(store->item_titles[2], "Z");
        store_free(store);
        assert_ok(file_remove_tree(rt, path, err));
    }
}

static void test_skipped_rows_are_part_of_the_store(void **state)
{
    (void)state;
    static const char *const skip_bad[] = {"on_error", "skip", NULL};
    /* What is wrong is told with the value, which may be anything. */
    assert_ok(made_store(rt, path, "user,item,rating\nu,a,5\nu,b,\xe9\xff\nu,c\nu,\xff,1\nv,a,\"1\n2\"\n",
                         skip_bad, err));
    json *root = read_description(path);
    const json *bad = json_member(root, "bad_rows");
    assert_int_equal(number(root, "interactions"), 1);
    assert_int_equal(number(json_at(json_member(root, "sources"), 0, NULL), "bad_rows"), 4);
    assert_int_equal(json_count(bad), 4);
    assert_int_equal(number(json_at(bad, 0, NULL), "line"), 3);
    assert_int_equal(number(json_at(bad, 0, NULL), "column"), 3);
    assert_non_null(strstr(json_text(json_at(bad, 0, NULL), "reason"), "is not a number"));
    assert_int_equal(number(json_at(bad, 1, NULL), "line"), 4);
    assert_int_equal(number(json_at(bad, 1, NULL), "column"), 0);
    assert_string_equal(json_text(json_at(bad, 1, NULL), "reason"), "2 columns; expected 3");
    assert_non_null(strstr(json_text(json_at(bad, 2, NULL), "reason"), "byte 0xff is not UTF-8"));
    assert_int_equal(number(json_at(bad, 3, NULL), "line"), 6);
    json_free(root);
}

/* A name of a file is bytes, JSON is UTF-8. */
static void test_an_input_may_be_called_anything(void **state)
{
    (void)state;
    char input[4200];
    snprintf(input, sizeof input, "%s/caf\xe9 \"1\"\n.csv", folder);
    test_write_text(input, rows);
    assert_ok(made_prepare(rt, "delimited", input, path, NULL, NULL, err));
    json *root = read_description(path);
    assert_non_null(strstr(json_text(json_at(json_member(root, "sources"), 0, NULL), "file"), "caf"));
    json_free(root);
}

static void test_a_refused_job_leaves_nothing(void **state)
{
    (void)state;
    static const struct {
        const char *content, *key, *value;
        medley_status status;
        const char *want;
    } cases[] = {
        {"user,item\nu,a\n", "rating_threshold", "3", MEDLEY_E_CONFIG,
         "rating_threshold: 3; the data set has no ratings"},
        {"user,item\nu,a\n", "duplicates", "max", MEDLEY_E_CONFIG, "duplicates: 'max' needs ratings"},
        {"user,item,rating\nu,a,2\n", "rating_threshold", "3", MEDLEY_E_FORMAT,
         "no interaction is left after cleaning; 'rating below 3' removed the last: loosen it"},
        {"user,item,rating\nu,a,2\n", "min_user_interactions", "2", MEDLEY_E_FORMAT,
         "no interaction is left after cleaning"},
        {"user,item,rating\nu,a,2\n", "rating_min", "2000", MEDLEY_E_CONFIG,
         "rating_min: 2000 is above rating_max, 1000"},
        {"user,item,rating\nu,a,2\n", "rating_max", "1", MEDLEY_E_FORMAT,
         "store.csv:2: column 3: rating 2 is outside 0..1 (rating_min, rating_max)"},
        {"user,item\nu\n", "header", "true", MEDLEY_E_FORMAT, "store.csv:2: 1 column; expected 2"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *const settings[] = {cases[i].key, cases[i].value, NULL};
        assert_fails(made_store(rt, path, cases[i].content, settings, err), cases[i].status, cases[i].want);
        assert_entries(1);
    }
}

static void test_an_old_store_is_replaced_only_when_asked(void **state)
{
    (void)state;
    static const char *const force[] = {"force", "true", NULL};
    medley_store *store;
    assert_ok(made_store(rt, path, rows, NULL, err));
    assert_fails(made_store(rt, path, "user,item\nu,a\n", NULL, err), MEDLEY_E_EXISTS, "exists already");
    assert_fails(made_store(rt, path, "user,item\nu\n", force, err), MEDLEY_E_FORMAT, "expected 2");
    assert_ok(store_open(rt, path, true, &store, err));
    assert_int_equal(store->count, 6);
    assert_ok(made_store(rt, path, "user,item\nu,a\n", force, err));
    assert_int_equal(store->files.view.item[5], 2); /* an open store stays usable */
    store_free(store);
    assert_ok(store_open(rt, path, true, &store, err));
    assert_int_equal(store->count, 1);
    store_free(store);
    assert_entries(2);
}

static bool stop_at(void *context, const char *phase, int64_t done, int64_t total)
{
    (void)done;
    (void)total;
    return strcmp(phase, context) != 0;
}

static void test_a_stopped_job_leaves_nothing(void **state)
{
    (void)state;
    static char phases[][16] = {"reading", "sorting", "writing"};
    for (int i = 0; i < 3; i++) {
        rt->progress = stop_at;
        rt->progress_context = phases[i];
        char input[4200];
        snprintf(input, sizeof input, "%s/x.csv", folder);
        text made = {.rt = rt};
        text_add(&made, "user,item\n");
        while (made.length < 600000)
            text_add(&made, "u,an item whose name is long\n");
        test_write(input, made.bytes, (size_t)made.length);
        text_release(&made);
        assert_fails(made_prepare(rt, "delimited", input, path, NULL, NULL, err), MEDLEY_E_STOPPED, phases[i]);
        assert_entries(1);
    }
}

static medley_status prepare_again(medley_error *err)
{
    static const char *const settings[] = {
        "force",      "true",     "duplicates",  "last",    "rating_threshold",
        "2",          "on_error", "skip",        "file",    "rows",
        "items_file", "items",    "item_genres", "genres?", "min_user_interactions",
        "2",          NULL};
    return made_prepare(rt, "delimited", folder, path, settings, NULL, err);
}

static void write_inputs(void)
{
    test_write_text(test_path(folder, "rows"),
                    "user,item,rating,time\nu,a,5,3\nv,b,4,2\nu,b,3,1\nv,c,2,9\nu,a,1,4\nw,c,5,5\nbad\n");
    test_write_text(test_path(folder, "items"),
                    "id,title,genres\na,A,x|y\nc,C,\nan id of more than sixteen bytes,D,z\n");
}

static void assert_old_store(void)
{
    medley_store *store;
    assert_ok(store_open(rt, path, true, &store, err));
    assert_int_equal(store->count, 1);
    store_free(store);
    assert_entries(4); /* rows, items, store.csv, store */
}

static void test_every_allocation_can_fail(void **state)
{
    (void)state;
    write_inputs();
    assert_ok(made_store(rt, path, "user,item\nold,old\n", NULL, err));
    BRUTAL(rt, &memory, prepare_again(err), assert_entries(4));
}

static void test_a_full_disk_leaves_the_old_store(void **state)
{
    (void)state;
    write_inputs();
    assert_ok(made_store(rt, path, "user,item\nold,old\n", NULL, err));
    FULL_DISK(rt, &memory, prepare_again(err), assert_old_store(), assert_entries(4));
}

/* ---- real data, where it is there ---- */

static void test_published_data_sets_have_their_published_counts(void **state)
{
    (void)state;
    static const struct {
        const char *input, *format, *settings[13];
        int64_t users, items, count;
    } cases[] = {
        {"ml-latest-small", "movielens", {NULL}, 610, 9742, 100836},
        {"ml-100k", "movielens", {NULL}, 943, 1682, 100000},
        {"ml-1m-sequences", "sequences", {"file", "sequences_sasid.txt", NULL}, 6040, 3416, 999601},
        {"amazon-beauty-sequences", "sequences", {"file", "Beauty.txt", NULL}, 22363, 12101, 198502},
        {"amazon-office-elliot", "elliot", {NULL}, 4892, 1780, 35513},
    };
    bool any = false;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *input = test_data(cases[i].input);
        medley_store *store;
        if (input == NULL)
            continue;
        any = true;
        assert_ok(made_prepare(rt, cases[i].format, input, path, cases[i].settings, NULL, err));
        assert_ok(store_open(rt, path, true, &store, err));
        assert_int_equal(store->users, cases[i].users);
        assert_int_equal(store->items, cases[i].items);
        assert_int_equal(store->count, cases[i].count);
        store_free(store);
        assert_ok(file_remove_tree(rt, path, err));
    }
    if (!any)
        skip();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_the_description_says_what_was_done, start, tear_down),
        cmocka_unit_test_setup_teardown(test_the_report_says_the_same, start, tear_down),
        cmocka_unit_test_setup_teardown(test_every_byte_is_the_same_for_any_number_of_threads, start, tear_down),
        cmocka_unit_test_setup_teardown(test_the_fingerprint_is_of_the_data_and_not_of_where_it_was, start,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_hostile_ids_are_kept, start, tear_down),
        cmocka_unit_test_setup_teardown(test_the_catalogue_keeps_items_nobody_touched_unless_told, start,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_skipped_rows_are_part_of_the_store, start, tear_down),
        cmocka_unit_test_setup_teardown(test_an_input_may_be_called_anything, start, tear_down),
        cmocka_unit_test_setup_teardown(test_a_refused_job_leaves_nothing, start, tear_down),
        cmocka_unit_test_setup_teardown(test_an_old_store_is_replaced_only_when_asked, start, tear_down),
        cmocka_unit_test_setup_teardown(test_a_stopped_job_leaves_nothing, start, tear_down),
        cmocka_unit_test_setup_teardown(test_every_allocation_can_fail, start, tear_down),
        cmocka_unit_test_setup_teardown(test_a_full_disk_leaves_the_old_store, start, tear_down),
        cmocka_unit_test_setup_teardown(test_published_data_sets_have_their_published_counts, start, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
