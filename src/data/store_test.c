#include "made_store.h"

#include <unistd.h>

#include "io/npy.h"

#include "fixture.h"

static char path[4096]; /* folder/store */

static const char rows[] = "user,item,rating,time\nu,a,5,3\nv,b,4,2\nu,b,3,1\nv,c,2,9\n";

static int start(void **state)
{
    set_up(state);
    snprintf(path, sizeof path, "%s/store", folder);
    return 0;
}

static medley_status open_and_close(const char *where, bool names, medley_error *err)
{
    medley_store *store;
    const medley_status status = store_open(rt, where, names, &store, err);
    assert_int_equal(status == MEDLEY_OK, store != NULL);
    store_free(store);
    return status;
}

static void test_a_store_is_what_was_prepared(void **state)
{
    (void)state;
    medley_store *store;
    assert_ok(made_store(rt, path, rows, NULL, err));
    assert_ok(store_open(rt, path, true, &store, err));
    assert_int_equal(store->users, 2);
    assert_int_equal(store->items, 3);
    assert_int_equal(store->count, 4);
    assert_true(store->ordered);
    assert_true(store->has_rating && store->has_timestamp && !store->has_part);
    assert_int_equal(strlen(store->fingerprint), FINGERPRINT_SIZE - 1);
    const uint32_t user[] = {0, 0, 1, 1}, item[] = {1, 0, 1, 2};
    const float rating[] = {3, 5, 4, 2};
    const int64_t timestamp[] = {1, 3, 2, 9};
    const interactions *v = &store->files.view;
    assert_memory_equal(v->user, user, sizeof user);
    assert_memory_equal(v->item, item, sizeof item);
    assert_memory_equal(v->rating, rating, sizeof rating);
    assert_memory_equal(v->timestamp, timestamp, sizeof timestamp);
    assert_null(v->part);
    assert_string_equal(store->user_ids[0], "u");
    assert_string_equal(store->user_ids[1], "v");
    assert_string_equal(store->item_ids[2], "c");
    assert_null(store->item_titles[0]);
    assert_int_equal(idmap_find(&store->item_map, "b", 1), 1);
    assert_int_equal(idmap_find(&store->user_map, "x", 1), IDMAP_NONE);
    store_free(store);
    store_free(NULL);
}

static void test_names_are_read_only_when_asked_for(void **state)
{
    (void)state;
    medley_store *store;
    assert_ok(made_store(rt, path, rows, NULL, err));
    assert_ok(store_open(rt, path, false, &store, err));
    assert_false(store->named);
    assert_null(store->user_ids);
    store_free(store);
}

static void test_a_store_may_be_opened_from_anywhere_by_a_relative_path(void **state)
{
    (void)state;
    char before[4096], *inside;
    medley_store *store;
    assert_ok(made_store(rt, path, rows, NULL, err));
    assert_non_null(getcwd(before, sizeof before));
    assert_int_equal(chdir(folder), 0);
    assert_ok(store_open(rt, "store/", false, &store, err));
    assert_int_equal(chdir(before), 0);
    assert_ok(store_path(store, "catalog.db", &inside, err));
    assert_true(inside[0] == '/' && file_exists(inside));
    mem_free(inside);
    store_free(store);
}

static void test_what_is_no_store_is_refused(void **state)
{
    (void)state;
    assert_fails(open_and_close(test_path(folder, "none"), false, err), MEDLEY_E_NOT_FOUND,
                 "none' is not a folder (see medley prepare)");
    assert_fails(open_and_close(folder, false, err), MEDLEY_E_NOT_FOUND, "is no store: it has no dataset.json");
    test_write_text(path, "a file");
    assert_fails(open_and_close(path, false, err), MEDLEY_E_NOT_FOUND, "store' is not a folder");
}

static void test_a_damaged_store_is_refused_in_one_line(void **state)
{
    (void)state;
    static const damage cases[] = {
        {"dataset.json", NULL, NULL, MEDLEY_E_NOT_FOUND, "is no store: it has no dataset.json"},
        {"dataset.json", NULL, "", MEDLEY_E_FORMAT, "dataset.json:"},
        {"dataset.json", "medley-store-1", "medley-store-7", MEDLEY_E_FORMAT,
         "format 'medley-store-7'; accepted: 'medley-store-1'"},
        {"dataset.json", "\"format\"", "\"frmt\"", MEDLEY_E_FORMAT, "format ''; accepted: 'medley-store-1'"},
        {"dataset.json", "\"users\": 2", "\"users\": \"2\"", MEDLEY_E_FORMAT, "fingerprint is missing"},
        {"dataset.json", "\"users\": 2", "\"users\": -2", MEDLEY_E_FORMAT,
         "-2 users, 3 items; accepted: 0..4294967294"},
        {"dataset.json", "\"items\": 3", "\"items\": 5000000000", MEDLEY_E_FORMAT,
         "2 users, 5000000000 items; accepted"},
        {"dataset.json", "\"items\": 3", "\"items\": 4000000000", MEDLEY_E_FORMAT, "catalog.db: "},
        {"dataset.json", "\"users\": 2", "\"users\": 1", MEDLEY_E_FORMAT,
         "interactions: row 2: user 1, item 1; accepted: below 1 and 3"},
        {"dataset.json", "\"items\": 3", "\"items\": 2", MEDLEY_E_FORMAT,
         "interactions: row 3: user 1, item 2; accepted: below 2 and 2"},
        {"dataset.json", "\"users\": 2", "\"users\": 3", MEDLEY_E_FORMAT,
         "catalog.db: 2 users and 3 items; dataset.json names 3 and 3"},
        {"dataset.json", "\"items\": 3", "\"items\": 4", MEDLEY_E_FORMAT,
         "catalog.db: 2 users and 3 items; dataset.json names 2 and 4"},
        {"dataset.json", "\"interactions\": 4,", "\"interactions\": 5,", MEDLEY_E_FORMAT,
         "interactions: 4 rows; dataset.json names 5"},
        {"dataset.json", "\"interactions\": 4,", "\"interactions\": -4,", MEDLEY_E_FORMAT,
         "interactions: 4 rows; dataset.json names -4"},
        {"dataset.json", "\"has_rating\": true", "\"has_rating\": false", MEDLEY_E_FORMAT,
         "rating.npy is there, but has_rating is false"},
        {"dataset.json", "\"fingerprint\": \"", "\"fingerprint\": \"0", MEDLEY_E_FORMAT, "fingerprint is missing"},
        {"catalog.db", NULL, NULL, MEDLEY_E_NOT_FOUND, "catalog.db"},
        {"catalog.db", NULL, "", MEDLEY_E_FORMAT, "catalog.db"},
        {"catalog.db", "SQLite", "sqlite", MEDLEY_E_FORMAT, "catalog.db"},
        {"interactions/user.npy", NULL, NULL, MEDLEY_E_NOT_FOUND, "user.npy"},
        {"interactions/item.npy", NULL, NULL, MEDLEY_E_NOT_FOUND, "item.npy"},
        {"interactions/rating.npy", NULL, NULL, MEDLEY_E_FORMAT, "rating.npy is missing, but has_rating is true"},
        {"interactions/timestamp.npy", NULL, NULL, MEDLEY_E_FORMAT,
         "timestamp.npy is missing, but has_timestamp is true"},
        {"interactions/user.npy", NULL, "", MEDLEY_E_FORMAT, "user.npy"},
        {"interactions/item.npy", NULL, "", MEDLEY_E_FORMAT, "item.npy"},
        {"interactions/rating.npy", NULL, "", MEDLEY_E_FORMAT, "rating.npy"},
        {"interactions/timestamp.npy", NULL, "", MEDLEY_E_FORMAT, "timestamp.npy"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_ok(made_store(rt, path, rows, NULL, err));
        damage_apply(rt, path, &cases[i]);
        assert_fails(open_and_close(path, true, err), cases[i].status, cases[i].want);
        assert_ok(file_remove_tree(rt, path, err));
    }
}

/* One more of each than is named: the catalogue has items that nobody interacted with. */
static void test_a_catalogue_of_more_than_was_counted_is_refused(void **state)
{
    (void)state;
    static const char *const settings[] = {"file", "rows", "items_file", "items", NULL};
    static const damage fewer = {"dataset.json", "\"items\": 2", "\"items\": 1", MEDLEY_E_FORMAT, ""};
    test_write_text(test_path(folder, "rows"), "user,item\nu,a\n");
    test_write_text(test_path(folder, "items"), "id,title\nz,Z\n");
    assert_ok(made_prepare(rt, "delimited", folder, path, settings, NULL, err));
    damage_apply(rt, path, &fewer);
    assert_fails(open_and_close(path, true, err), MEDLEY_E_FORMAT,
                 "catalog.db: more than the 1 rows that dataset.json names");
}

/* Columns with another content than a store's, of the right type and length or not. */
static void test_columns_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    static const uint32_t descending[] = {0, 1, 0, 1}, beyond[] = {0, 0, 1, 2}, fine[] = {0, 0, 1, 1};
    static const uint8_t part[] = {0, 1, 2, 3}, usable[] = {0, 1, 2, 0};
    static const float ratings[] = {1, 2, 3, 4};
    static const struct {
        const char *file;
        npy_type type;
        int64_t rows;
        const void *data;
        const char *want;
    } cases[] = {
        {"user.npy", NPY_U32, 4, descending, "interactions: row 2: user 0 follows user 1; users must ascend"},
        {"user.npy", NPY_U32, 4, beyond, "interactions: row 3: user 2, item 2; accepted: below 2 and 3"},
        {"user.npy", NPY_U32, 3, fine, "item.npy"},
        {"item.npy", NPY_U32, 3, fine, "item.npy"},
        {"rating.npy", NPY_F32, 3, ratings, "rating.npy"},
        {"rating.npy", NPY_U32, 4, fine, "rating.npy"},
        {"part.npy", NPY_U8, 4, part, "interactions: row 3: part 3; accepted: 0, 1 and 2 for train, val and test"},
        {"part.npy", NPY_U8, 4, usable, "part.npy is there, but has_part is false"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char column[4200];
        assert_ok(made_store(rt, path, rows, NULL, err));
        snprintf(column, sizeof column, "%s/interactions/%s", path, cases[i].file);
        assert_ok(npy_write(rt, column, cases[i].type, cases[i].rows, 0, cases[i].data, NULL, err));
        assert_fails(open_and_close(path, false, err), MEDLEY_E_FORMAT, cases[i].want);
        assert_ok(file_remove_tree(rt, path, err));
    }
}

static void test_empty_columns_are_no_interactions(void **state)
{
    (void)state;
    interaction_files files;
    char empty[4200];
    snprintf(empty, sizeof empty, "%s/empty", folder);
    const interactions none = {0, (const uint32_t[]){0}, (const uint32_t[]){0}, NULL, NULL, NULL};
    assert_ok(interactions_write(rt, empty, &none, NULL, err));
    assert_ok(interactions_open(rt, empty, 0, 0, &files, err));
    assert_int_equal(files.view.count, 0);
    interactions_release(&files);
    interactions_release(&files);
}

static void test_every_allocation_can_fail(void **state)
{
    (void)state;
    assert_ok(made_store(rt, path, rows, NULL, err));
    BRUTAL(rt, &memory, open_and_close(path, true, err), (void)0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_store_is_what_was_prepared, start, tear_down),
        cmocka_unit_test_setup_teardown(test_names_are_read_only_when_asked_for, start, tear_down),
        cmocka_unit_test_setup_teardown(test_a_store_may_be_opened_from_anywhere_by_a_relative_path, start,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_what_is_no_store_is_refused, start, tear_down),
        cmocka_unit_test_setup_teardown(test_a_damaged_store_is_refused_in_one_line, start, tear_down),
        cmocka_unit_test_setup_teardown(test_a_catalogue_of_more_than_was_counted_is_refused, start, tear_down),
        cmocka_unit_test_setup_teardown(test_columns_that_do_not_fit_are_refused, start, tear_down),
        cmocka_unit_test_setup_teardown(test_empty_columns_are_no_interactions, start, tear_down),
        cmocka_unit_test_setup_teardown(test_every_allocation_can_fail, start, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
