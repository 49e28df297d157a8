#include "made_store.h"

#include "data/append.h"
#include "data/features_file.h"
#include "fixture.h"

static char path[4096]; /* folder/store */

static int start(void **state)
{
    set_up(state);
    snprintf(path, sizeof path, "%s/store", folder);
    return 0;
}

static bool none_given(const void *context, const medley_param *param)
{
    (void)context;
    (void)param;
    return false;
}

/* medley prepare --append of a text's rows */
static medley_status append_rows(const char *rows, medley_report *report, medley_error *err)
{
    _Alignas(16) char values[MADE_VALUES] = {0};
    char input[4300];
    const append_given given = {none_given, NULL};
    const reader_class *reader = made_reader("delimited");
    prepare_params p;
    medley_report *own = NULL;
    snprintf(input, sizeof input, "%s/more.csv", folder);
    test_write_text(input, rows);
    medley_params_reset(prepare_table, &p);
    medley_params_reset(reader->params, values);
    p.format = reader->name;
    p.input = input;
    p.store = path;
    p.append = true;
    if (report == NULL)
        TRY(report_create(rt, &own, err));
    const medley_status status = append_run(rt, &p, reader, values, &given, report != NULL ? report : own, err);
    medley_report_free(own);
    return status;
}

static int64_t missing(const medley_report *report)
{
    double value = -1;
    assert_true(medley_report_number(report, "features", 0, "missing", &value));
    return (int64_t)value;
}

/* The matrix x of the store, by an id and two numbers a line. */
static void import_features(const char *lines)
{
    features_import p;
    medley_report *report;
    char input[4300];
    snprintf(input, sizeof input, "%s/x.csv", folder);
    test_write_text(input, lines);
    medley_params_reset(features_import_table, &p);
    p.store = path;
    p.name = "x";
    p.input = input;
    p.force = true;
    assert_ok(report_create(rt, &report, err));
    assert_ok(features_import_run(rt, &p, report, err));
    medley_report_free(report);
}

static const char two_items[] = "user,item,rating,time\nv,b,4,20\nu,a,5,10\n";
static const char two_more[] = "user,item,rating,time\nw,c,1,5\nw,d,2,30\n";

static void test_feature_matrices_stay_and_new_items_lack_them(void **state)
{
    (void)state;
    static const float want[] = {3, 4, 1, 2};
    medley_report *report;
    features x;
    double covered;
    int64_t appended;
    json *root;
    assert_ok(made_store(rt, path, two_items, NULL, err));
    import_features("a,1,2\nb,3,4\nc,5,6\n");
    assert_ok(report_create(rt, &report, err));
    assert_ok(append_rows(two_more, report, err));
    assert_string_equal(medley_report_text(report, "features", 0, "name"), "x");
    assert_int_equal(missing(report), 2);
    assert_true(medley_report_number(report, "features", 0, "coverage", &covered) && covered == 0.5);
    assert_string_equal(medley_report_text(report, "features", 0, "state"),
                        "kept; import it again to cover the new items");
    medley_report_free(report);
    assert_ok(features_open(rt, path, 4, "x", &x, err)); /* it is of these items, and what x.json tells of */
    assert_memory_equal(x.rows, want, sizeof want);
    assert_true(x.missing == 2 && x.lacks[2] && x.lacks[3]);
    features_release(&x);
    assert_ok(append_rows("user,item,rating,time\nw,e,1,50\n", NULL, err));
    assert_ok(features_open(rt, path, 5, "x", &x, err));
    assert_int_equal(x.missing, 3);
    features_release(&x);
    assert_ok(features_read_json(rt, path, "x", &root, err));
    assert_true(json_int(root, "appended_items", &appended) && appended == 3);
    assert_string_equal(json_text(root, "source"), "x.csv");
    json_free(root);
    import_features("a,1,2\nb,3,4\nc,5,6\n");
    assert_ok(features_open(rt, path, 5, "x", &x, err));
    assert_int_equal(x.missing, 2);
    features_release(&x);
}

static void test_a_matrix_that_is_refused_is_left_out_by_name(void **state)
{
    (void)state;
    medley_report *report;
    assert_ok(made_store(rt, path, two_items, NULL, err));
    import_features("a,1,2\nb,3,4\n");
    assert_ok(file_remove_tree(rt, test_path(folder, "store/features/x.json"), err));
    assert_ok(report_create(rt, &report, err));
    assert_ok(append_rows(two_more, report, err));
    const char *said = medley_report_text(report, "features", 0, "state");
    if (strstr(said, "gone: features: 'x' has no ") == NULL || strstr(said, "import it again") == NULL)
        fail_msg("'%s'", said);
    medley_report_free(report);
    assert_false(file_exists(test_path(folder, "store/features/x.npy")));
}

static void with_features(void)
{
    assert_ok(file_remove_tree(rt, path, err));
    assert_ok(made_store(rt, path, two_items, NULL, err));
    import_features("a,1,2\n");
}

static void assert_features_missing(int64_t items, int64_t want)
{
    features x;
    assert_ok(features_open(rt, path, items, "x", &x, err));
    assert_int_equal(x.missing, want);
    features_release(&x);
}

static void test_failing_allocations_and_full_disks_lose_no_features(void **state)
{
    (void)state;
    with_features();
    BRUTAL(rt, &memory, append_rows(two_more, NULL, err), (void)0);
    assert_features_missing(4, 3);
    with_features();
    FULL_DISK(rt, &memory, append_rows(two_more, NULL, err), assert_features_missing(2, 1), (void)0);
    assert_features_missing(4, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_feature_matrices_stay_and_new_items_lack_them, start, tear_down),
        cmocka_unit_test_setup_teardown(test_a_matrix_that_is_refused_is_left_out_by_name, start, tear_down),
        cmocka_unit_test_setup_teardown(test_failing_allocations_and_full_disks_lose_no_features, start,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
