/* What readers say of users and items, all the way to the catalogue, and once more through an append. */
#include "made_store.h"

#include "data/append.h"
#include "io/catalog.h"

#include <unistd.h>

#include "fixture.h"

static char path[4096]; /* folder/store */

static int start(void **state)
{
    set_up(state);
    snprintf(path, sizeof path, "%s/store", folder);
    return 0;
}

static void put(const char *name, const char *content)
{
    test_write_text(test_path(folder, name), content);
}

static bool none_given(const void *context, const medley_param *param)
{
    (void)context;
    (void)param;
    return false;
}

/* medley prepare --append --format F --input FOLDER --store STORE */
static medley_status append_as(const char *format, medley_report *report, medley_error *err)
{
    _Alignas(16) char values[MADE_VALUES] = {0};
    const append_given given = {none_given, NULL};
    const reader_class *reader = made_reader(format);
    prepare_params p;
    medley_report *own = NULL;
    medley_params_reset(prepare_table, &p);
    medley_params_reset(reader->params, values);
    p.format = format;
    p.input = folder;
    p.store = path;
    p.append = true;
    if (report == NULL)
        TRY(report_create(rt, &own, err));
    const medley_status status = append_run(rt, &p, reader, values, &given, report != NULL ? report : own, err);
    medley_report_free(own);
    return status;
}

static medley_status show_row(void *context, int64_t index, const catalog_item *row, medley_error *err)
{
    (void)err;
    if (index > 0)
        text_add(context, "; ");
    text_append(context, row->id.bytes, row->id.length);
    text_add(context, " ");
    if (row->attributes.bytes != NULL)
        text_append(context, row->attributes.bytes, row->attributes.length);
    return MEDLEY_OK;
}

typedef medley_status (*catalog_reader)(const char *file, catalog_row row, void *context, medley_error *err);

/* The catalogue's users or items as "id attributes; ...". */
static void assert_catalogue(catalog_reader read, const char *want)
{
    text shown = {.rt = rt};
    assert_ok(read(test_path(path, "catalog.db"), show_row, &shown, err));
    assert_string_equal(shown.bytes, want);
    text_release(&shown);
}

#define BEING(age, sex, job, zip) \
    "{\"age\": " age ", \"gender\": \"" sex "\", \"occupation\": \"" job "\", \"zip_code\": \"" zip "\"}"

static void test_users_of_ml_100k_are_in_the_catalogue(void **state)
{
    (void)state;
    put("u.data", "196\t242\t3\t881250949\n22\t377\t1\t878887116\n7\t242\t4\t878887117\n");
    put("u.user", "22|25|M|writer|40206\n196|49|M|writer|55105\n9|29|M|student|01002\n");
    assert_ok(made_prepare(rt, "movielens", folder, path, NULL, NULL, err));
    assert_catalogue(catalog_read_users, "196 " BEING("49", "M", "writer",
                                                      "55105") "; 22 " BEING("25", "M", "writer", "40206") "; 7 ");
    /* 9 comes, 7 is told of, 22 has a birthday, and nothing new is said of 196. */
    put("u.data", "9\t242\t5\t881250950\n");
    put("u.user", "9|29|M|student|01002\n7|57|M|administrator|91344\n22|26|M|writer|40206\n");
    assert_ok(append_as("movielens", NULL, err));
    assert_catalogue(
        catalog_read_users,
        "196 " BEING("49", "M", "writer", "55105") "; 22 " BEING("26", "M", "writer", "40206") "; 7 " BEING(
            "57", "M", "administrator", "91344") "; 9 " BEING("29", "M", "student", "01002"));
}

static void test_users_and_items_of_recbole_are_in_the_catalogue(void **state)
{
    (void)state;
    put("x.inter", "user_id:token\titem_id:token\trating:float\n1\t10\t4\n2\t11\t3\n");
    put("x.user", "user_id:token\tage:float\tlikes:token_seq\n1\t24\ta b\n2\t\t\n");
    put("x.item", "item_id:token\tyear:float\n10\t1995\n");
    assert_ok(made_prepare(rt, "recbole", folder, path, NULL, NULL, err));
    assert_catalogue(catalog_read_users, "1 {\"age\": 24, \"likes\": [\"a\", \"b\"]}; 2 ");
    assert_catalogue(catalog_read_details, "10 {\"year\": 1995}; 11 ");
    put("x.inter", "user_id:token\titem_id:token\trating:float\n3\t12\t4\n");
    put("x.user", "user_id:token\tage:float\tlikes:token_seq\n3\t30\t\n2\t41\tc\n");
    put("x.item", "item_id:token\tyear:float\n12\t2001\n11\t1999\n");
    assert_ok(append_as("recbole", NULL, err));
    assert_catalogue(
        catalog_read_users,
        "1 {\"age\": 24, \"likes\": [\"a\", \"b\"]}; 2 {\"age\": 41, \"likes\": [\"c\"]}; 3 {\"age\": 30}");
    assert_catalogue(catalog_read_details, "10 {\"year\": 1995}; 11 {\"year\": 1999}; 12 {\"year\": 2001}");
}

/* ---- nothing new ---- */

static void assert_nothing_added(const char *format, const char *print)
{
    medley_report *report;
    medley_store *store;
    double value;
    assert_ok(report_create(rt, &report, err));
    assert_ok(append_as(format, report, err));
    assert_true(medley_report_number(report, "appended", 0, "interactions", &value));
    assert_true(value == 0);
    assert_true(medley_report_number(report, "sources", 0, "rows", &value));
    assert_true(value == 0);
    medley_report_free(report);
    assert_ok(store_open(rt, path, true, &store, err));
    assert_string_equal(store->fingerprint, print);
    store_free(store);
}

static void test_files_without_rows_append_nothing(void **state)
{
    (void)state;
    static const struct {
        const char *format, *rows_file, *rows, *items_file, *items, *no_rows, *no_items;
    } cases[] = {
        {"movielens", "ratings.csv", "userId,movieId,rating,timestamp\n1,2,3,4\n", "movies.csv",
         "movieId,title,genres\n2,T,Drama\n", "userId,movieId,rating,timestamp\n", "movieId,title,genres\n"},
        {"movielens", "u.data", "1\t2\t3\t4\n", "u.user", "1|24|M|writer|1\n", "", ""},
        {"recbole", "x.inter", "user_id:token\titem_id:token\n1\t2\n", "x.item", "item_id:token\n2\n",
         "user_id:token\titem_id:token\n", "item_id:token\n"},
        {"amazon", "r.json", "{\"reviewerID\": \"u\", \"asin\": \"a\", \"overall\": 5, \"unixReviewTime\": 5}\n",
         "meta.json", "{'asin': 'a', 'title': 'T'}\n", "", ""},
        {"sequences", "x.txt", "1 2 3\n", "x_item2attributes.json", "{\"2\": [1]}", "", ""},
        {"elliot", "dataset.tsv", "1\t2\n", "meta.tsv", "item\ttitle\n2\tT\n", "", "item\ttitle\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char print[FINGERPRINT_SIZE];
        medley_store *store;
        put(cases[i].rows_file, cases[i].no_rows);
        put(cases[i].items_file, cases[i].no_items);
        assert_fails(made_prepare(rt, cases[i].format, folder, path, NULL, NULL, err), MEDLEY_E_FORMAT,
                     cases[i].rows_file); /* not the first time */
        put(cases[i].rows_file, cases[i].rows);
        put(cases[i].items_file, cases[i].items);
        assert_ok(made_prepare(rt, cases[i].format, folder, path, NULL, NULL, err));
        assert_ok(store_open(rt, path, true, &store, err));
        memcpy(print, store->fingerprint, sizeof print);
        store_free(store);
        put(cases[i].rows_file, cases[i].no_rows);
        put(cases[i].items_file, cases[i].no_items);
        assert_nothing_added(cases[i].format, print);
        assert_nothing_added(cases[i].format, print); /* and nothing again */
        assert_ok(file_remove_tree(rt, path, err));
        assert_int_equal(unlink(test_path(folder, cases[i].rows_file)), 0);
        assert_int_equal(unlink(test_path(folder, cases[i].items_file)), 0);
    }
}

static void test_every_allocation_can_fail(void **state)
{
    (void)state;
    put("x.inter", "user_id:token\titem_id:token\n1\t2\n");
    put("x.user", "user_id:token\tage:float\n1\t24\n");
    assert_ok(made_prepare(rt, "recbole", folder, path, NULL, NULL, err));
    put("x.inter", "user_id:token\titem_id:token\n");
    put("x.user", "user_id:token\tage:float\n1\t25\n");
    BRUTAL(rt, &memory, append_as("recbole", NULL, err), (void)0);
    assert_catalogue(catalog_read_users, "1 {\"age\": 25}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_users_of_ml_100k_are_in_the_catalogue, start, tear_down),
        cmocka_unit_test_setup_teardown(test_users_and_items_of_recbole_are_in_the_catalogue, start, tear_down),
        cmocka_unit_test_setup_teardown(test_files_without_rows_append_nothing, start, tear_down),
        cmocka_unit_test_setup_teardown(test_every_allocation_can_fail, start, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
