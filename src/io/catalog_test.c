#include "testing.h"

#include <sqlite3.h>
#include <stdio.h>
#include <unistd.h>

#include "io/catalog.h"
#include "io/file.h"

#include "fixture.h"

static char source[4096];

static int start(void **state)
{
    set_up(state);
    snprintf(source, sizeof source, "%s/a ?b%%20#c&d=.db", folder);
    return 0;
}

static catalog_text text_of(const char *string)
{
    return (catalog_text){string, string != NULL ? strlen(string) : 0};
}

static const char *const ids[] = {
    "plain", "it's \"quoted\"", "a,b;c\td", "two\nlines", "\xc3\xa9t\xc3\xa9 \xf0\x9f\x8e\xac", "", "007", "7"};
enum { ID_COUNT = sizeof ids / sizeof *ids };

static medley_status write_ids(medley_error *err)
{
    catalog_writer *w;
    medley_status status = MEDLEY_OK;
    TRY(catalog_create(rt, source, &w, err));
    for (int i = 0; i < ID_COUNT && status == MEDLEY_OK; i++) {
        const catalog_item item = {.id = text_of(ids[i]),
                                   .title = text_of(i % 2 == 0 ? ids[ID_COUNT - 1 - i] : NULL),
                                   .text = text_of("t"),
                                   .attributes = text_of("{}")};
        status = catalog_add_item(w, i, &item, err);
        if (status == MEDLEY_OK)
            status = catalog_add_user(w, i, ids[ID_COUNT - 1 - i], strlen(ids[ID_COUNT - 1 - i]), err);
    }
    if (status == MEDLEY_OK)
        return catalog_finish(w, err);
    catalog_abandon(w);
    return status;
}

typedef struct seen {
    int64_t count;
    bool reversed, titles;
    int64_t stop_at;
} seen;

static medley_status check_row(void *context, int64_t index, const catalog_item *row, medley_error *err)
{
    seen *s = context;
    if (index == s->stop_at)
        return fail(err, MEDLEY_E_STOPPED, "enough");
    assert_int_equal(index, s->count++);
    const char *want = ids[s->reversed ? ID_COUNT - 1 - index : index];
    assert_int_equal(row->id.length, strlen(want));
    assert_memory_equal(row->id.bytes, want, row->id.length);
    if (s->titles && index % 2 == 0) {
        assert_int_equal(row->title.length, strlen(ids[ID_COUNT - 1 - index]));
        assert_memory_equal(row->title.bytes, ids[ID_COUNT - 1 - index], row->title.length);
    } else {
        assert_null(row->title.bytes);
    }
    return MEDLEY_OK;
}

static void test_ids_and_titles_of_any_text_come_back(void **state)
{
    (void)state;
    seen items = {.titles = true, .stop_at = -1}, users = {.reversed = true, .stop_at = -1};
    assert_ok(write_ids(err));
    assert_ok(catalog_read_items(source, check_row, &items, err));
    assert_int_equal(items.count, ID_COUNT);
    assert_ok(catalog_read_users(source, check_row, &users, err));
    assert_int_equal(users.count, ID_COUNT);
    char **names;
    int64_t count;
    assert_ok(file_list(rt, folder, &names, &count, err));
    file_names_free(names, count);
    assert_int_equal(count, 1); /* no journal, no lock */
}

static void test_a_failure_of_the_reader_is_passed_on(void **state)
{
    (void)state;
    seen items = {.titles = true, .stop_at = 3};
    assert_ok(write_ids(err));
    assert_fails(catalog_read_items(source, check_row, &items, err), MEDLEY_E_STOPPED, "enough");
    assert_int_equal(items.count, 3);
}

static void test_an_empty_catalogue_has_no_rows(void **state)
{
    (void)state;
    catalog_writer *w;
    seen items = {.stop_at = -1};
    assert_ok(catalog_create(rt, source, &w, err));
    assert_ok(catalog_finish(w, err));
    assert_ok(catalog_read_items(source, check_row, &items, err));
    assert_ok(catalog_read_users(source, check_row, &items, err));
    assert_int_equal(items.count, 0);
    catalog_abandon(NULL);
}

static void test_bad_rows_are_refused(void **state)
{
    (void)state;
    catalog_writer *w;
    const catalog_item item = {.id = text_of("a")}, nameless = {.title = text_of("a")};
    assert_ok(catalog_create(rt, source, &w, err));
    assert_ok(catalog_add_item(w, 0, &item, err));
    assert_fails(catalog_add_item(w, 0, &item, err), MEDLEY_E_ARGUMENT, "UNIQUE constraint failed: items.idx");
    assert_fails(catalog_add_item(w, 1, &nameless, err), MEDLEY_E_ARGUMENT, "row 1 has no id");
    assert_fails(catalog_add_user(w, 0, "a\0b", 3, err), MEDLEY_E_FORMAT, "'a...' holds a NUL byte");
    assert_ok(catalog_add_item(w, 1, &item, err)); /* the same id */
    assert_fails(catalog_finish(w, err), MEDLEY_E_ARGUMENT, "UNIQUE constraint failed: items.id");
}

/* Makes a database of someone else's. */
static void put_database(const char *sql)
{
    sqlite3 *db;
    (void)unlink(source);
    assert_int_equal(sqlite3_open(source, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static medley_status ignore_row(void *context, int64_t index, const catalog_item *row, medley_error *err)
{
    (void)context, (void)index, (void)row, (void)err;
    return MEDLEY_OK;
}

static void test_databases_of_others_are_checked(void **state)
{
    (void)state;
    static const struct {
        const char *sql, *message;
    } cases[] = {
        {"CREATE TABLE other(x)", "has no table 'items'"},
        {"CREATE TABLE items(idx, title)", "no such column: id"},
        {"CREATE VIEW items AS WITH RECURSIVE n(idx) AS (SELECT 0 UNION ALL SELECT idx + 1 FROM n) "
         "SELECT idx, 'a' AS id, NULL AS title FROM n",
         "has no table 'items'"},
        {"CREATE TABLE items(idx, id, title); INSERT INTO items VALUES(0,'a',NULL),(2,'b',NULL)",
         "row 1 has idx 2"},
        {"CREATE TABLE items(idx, id, title); INSERT INTO items VALUES(-1,'a',NULL)", "row 0 has idx -1"},
        {"CREATE TABLE items(idx, id, title); INSERT INTO items VALUES('0','a',NULL)", "row 0 has idx 0; 0, 1, 2"},
        {"CREATE TABLE items(idx, id, title); INSERT INTO items VALUES(0,1,NULL)",
         "row 0 holds what is not a text"},
        {"CREATE TABLE items(idx, id, title); INSERT INTO items VALUES(0,NULL,NULL)",
         "row 0 holds what is not a text"},
        {"CREATE TABLE items(idx, id, title); INSERT INTO items VALUES(0,x'41',NULL)",
         "row 0 holds what is not a text"},
        {"CREATE TABLE items(idx, id, title); INSERT INTO items VALUES(0,'a',2.5)",
         "row 0 holds what is not a text"},
        {"CREATE TABLE items(idx, id, title); INSERT INTO items VALUES(0,'a'||char(0)||'b',NULL)",
         "not a text without NUL"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        put_database(cases[i].sql);
        assert_fails(catalog_read_items(source, ignore_row, NULL, err), MEDLEY_E_FORMAT, cases[i].message);
    }
}

static void test_files_that_are_no_database_are_refused(void **state)
{
    (void)state;
    assert_fails(catalog_read_items(source, ignore_row, NULL, err), MEDLEY_E_NOT_FOUND, "No such file");
    assert_false(file_exists(source));
    test_write_text(source, "idx,id\n0,this is a table of another kind, longer than SQLite's header of 100 bytes"
                            "...............................................................");
    assert_fails(catalog_read_items(source, ignore_row, NULL, err), MEDLEY_E_FORMAT, "file is not a database");
}

/* Cut anywhere or overwritten anywhere, a catalogue is read or refused. */
static void test_damage_is_survived(void **state)
{
    (void)state;
    size_t length;
    assert_ok(write_ids(err));
    char *bytes = test_read(source, &length);
    for (uint64_t i = 0; i < 300; i++) {
        const size_t at = (size_t)(random_bits(1, 0, i) % length), cut = i % 3 == 0 ? at : length;
        const char old = bytes[at];
        bytes[at] = (char)random_bits(1, 1, i);
        (void)unlink(source);
        test_write(source, bytes, cut);
        bytes[at] = old;
        const medley_status status = catalog_read_items(source, ignore_row, NULL, NULL);
        assert_true(status == MEDLEY_OK || status == MEDLEY_E_FORMAT || status == MEDLEY_E_IO);
    }
    test_read_end(bytes);
}

static void test_writing_can_fail_anywhere(void **state)
{
    (void)state;
    FULL_DISK(rt, &memory, write_ids(err), (void)0, (void)0);
    BRUTAL(rt, &memory, write_ids(err), (void)0);
    catalog_writer *w;
    assert_fails(catalog_create(rt, test_path(folder, "none/a.db"), &w, err), MEDLEY_E_NOT_FOUND, "cannot create");
    assert_null(w);
}

static void test_users_have_attributes_or_none(void **state)
{
    (void)state;
    catalog_writer *w;
    sqlite3 *db;
    sqlite3_stmt *rows;
    assert_ok(catalog_create(rt, source, &w, err));
    assert_ok(catalog_add_user_row(w, 0, &(catalog_user){text_of("a"), text_of("{\"age\": 7}")}, err));
    assert_ok(catalog_add_user_row(w, 1, &(catalog_user){.id = text_of("b")}, err));
    assert_fails(catalog_add_user_row(w, 2, &(catalog_user){.attributes = text_of("{}")}, err), MEDLEY_E_ARGUMENT,
                 "row 2 has no id");
    assert_ok(catalog_finish(w, err));
    assert_int_equal(sqlite3_open(source, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, "SELECT attributes FROM users ORDER BY idx", -1, &rows, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_step(rows), SQLITE_ROW);
    assert_string_equal((const char *)sqlite3_column_text(rows, 0), "{\"age\": 7}");
    assert_int_equal(sqlite3_step(rows), SQLITE_ROW);
    assert_int_equal(sqlite3_column_type(rows, 0), SQLITE_NULL);
    assert_int_equal(sqlite3_finalize(rows), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_ids_and_titles_of_any_text_come_back, start, tear_down),
        cmocka_unit_test_setup_teardown(test_a_failure_of_the_reader_is_passed_on, start, tear_down),
        cmocka_unit_test_setup_teardown(test_an_empty_catalogue_has_no_rows, start, tear_down),
        cmocka_unit_test_setup_teardown(test_bad_rows_are_refused, start, tear_down),
        cmocka_unit_test_setup_teardown(test_users_have_attributes_or_none, start, tear_down),
        cmocka_unit_test_setup_teardown(test_databases_of_others_are_checked, start, tear_down),
        cmocka_unit_test_setup_teardown(test_files_that_are_no_database_are_refused, start, tear_down),
        cmocka_unit_test_setup_teardown(test_damage_is_survived, start, tear_down),
        cmocka_unit_test_setup_teardown(test_writing_can_fail_anywhere, start, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
