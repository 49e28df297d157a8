#include "made_store.h"

#include "data/clean.h"

#include "fixture.h"

static char path[4096]; /* folder/store */

static int start(void **state)
{
    set_up(state);
    snprintf(path, sizeof path, "%s/store", folder);
    return 0;
}

static const char rows[] =
    "user,item,rating,time\n"
    "u,a,5,100\nu,b,1,110\nu,a,4,120\nv,a,3,130\nv,c,5,140\nw,c,2,150\nw,d,4,160\nx,d,4,170\n";

/* What the steps removed and left: "step: interactions users items -> interactions users items; ..." */
static void assert_steps(const char *input, const char *const *settings, const char *want)
{
    static const char *const columns[] = {"interactions",      "users",      "items",
                                          "interactions_left", "users_left", "items_left"};
    medley_report *report;
    text shown = {.rt = rt};
    assert_ok(report_create(rt, &report, err));
    assert_ok(made_prepare(rt, "delimited", input, path, settings, report, err));
    for (int64_t row = 0; row < medley_report_rows(report, "filters"); row++) {
        text_format(&shown, "%s%s:", row > 0 ? "; " : "", medley_report_text(report, "filters", row, "step"));
        for (int c = 0; c < 6; c++) {
            double value;
            assert_true(medley_report_number(report, "filters", row, columns[c], &value));
            text_format(&shown, "%s %g", c == 3 ? " ->" : "", value);
        }
    }
    assert_ok(text_status(&shown, err));
    assert_string_equal(shown.bytes, want);
    text_release(&shown);
    medley_report_free(report);
    assert_ok(file_remove_tree(rt, path, err));
}

static void test_each_step_says_what_it_removed_and_left(void **state)
{
    (void)state;
    static const char *const everything[] = {
        "rating_threshold", "2", "time_until", "165", "duplicates", "last", "min_user_interactions", "2", NULL};
    static const char *const range[] = {
        "rating_threshold", "3", "rating_ceiling", "4", "min_item_activity", "2", NULL};
    static const char *const ceiling[] = {"rating_ceiling", "4", "time_from", "1970-01-01T00:02", NULL};
    test_write_text(test_path(folder, "x.csv"), rows);
    char input[4200];
    snprintf(input, sizeof input, "%s/x.csv", folder);
    /* u b goes, then x, then the first u a; then u is alone with one row, and v, w keep two */
    assert_steps(input, everything,
                 "rating below 2: 1 0 1 -> 7 4 3; time outside ..165: 1 1 0 -> 6 3 3; "
                 "repeated user and item: 1 0 0 -> 5 3 3; k-core (2, 0), 1 rounds: 1 1 0 -> 4 2 3");
    /* 3..4: u a4, v a3, w d4, x d4; both items have two */
    assert_steps(
        input, range,
        "rating outside 3..4: 4 0 2 -> 4 4 2; activity outside 0.. of users, 2.. of items: 0 0 0 -> 4 4 2");
    assert_steps(input, ceiling,
                 "rating above 4: 2 0 0 -> 6 4 4; time outside 1970-01-01T00:02..: 1 0 1 -> 5 4 3");
}

static void test_modalities_come_first_and_idle_items_last(void **state)
{
    (void)state;
    static const char *const settings[] = {"file",   "rows",          "items_file", "items",     "item_image",
                                           "image?", "without_image", "drop",       "catalogue", "interacted",
                                           NULL};
    test_write_text(test_path(folder, "rows"), rows);
    test_write_text(test_path(folder, "items"),
                    "id,title,image\na,A,a.jpg\nb,B,\nc,C,c.jpg\nd,D,d.jpg\ny,Y,y.jpg\nz,Z,\n");
    /* of six items b and z go; nobody interacts with y */
    assert_steps(folder, settings,
                 "2 items without image: fewer candidates, another task: 1 0 1 -> 7 4 3; "
                 "items nobody interacted with: 0 0 1 -> 7 4 3");
}

static void test_samples_are_told_with_their_seed(void **state)
{
    (void)state;
    static const char *const settings[] = {"sample_users", "2", "sample_seed", "9", NULL};
    medley_report *report;
    double left;
    test_write_text(test_path(folder, "x.csv"), rows);
    assert_ok(report_create(rt, &report, err));
    assert_ok(made_prepare(rt, "delimited", test_path(folder, "x.csv"), path, settings, report, err));
    assert_string_equal(medley_report_text(report, "filters", 0, "step"), "not in the sample: 2 users, seed 9");
    assert_true(medley_report_number(report, "filters", 0, "users_left", &left) && left == 2);
    medley_report_free(report);
}

static void test_refused_settings_say_what_is_accepted(void **state)
{
    (void)state;
    static const struct {
        const char *settings[5], *want;
    } cases[] = {
        {{"time_from", "soon"},
         "time_from: 'soon' is no moment; accepted: seconds since 1970 (0..4102444799), 2019"},
        {{"time_from", "2019-02-01", "time_until", "2019-01-01"},
         "time_from: 2019-02-01 is not before time_until, 2019-01-01"},
        {{"rating_threshold", "4", "rating_ceiling", "3"}, "rating_threshold: 4 is above rating_ceiling, 3"},
        {{"rating_min", "4", "rating_max", "3"}, "rating_min: 4 is above rating_max, 3"},
        {{"sample_items", "1.5"}, "sample_items: 1.5; accepted: a share below 1 or a whole number"},
        {{"sample_interactions", "10.5"}, "sample_interactions: 10.5; accepted"},
        {{"min_user_activity", "5", "max_user_activity", "4"},
         "min_user_activity: 5 is above max_user_activity, 4"},
        {{"min_item_activity", "5", "max_item_activity", "4"},
         "min_item_activity: 5 is above max_item_activity, 4"},
        {{"without_text", "maybe"}, "without_text: 'maybe' is not a choice; accepted: keep|drop"},
        {{"without_image", "drop"}, "no item of the data set has an image"},
        {{"sample_users", "-1"}, "sample_users: -1 is outside 0..1e+09"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_fails(made_store(rt, path, rows, cases[i].settings, err), MEDLEY_E_CONFIG, cases[i].want);
    static const char *const from[] = {"time_from", "10", NULL};
    static const char *const low[] = {"rating_ceiling", "2", NULL};
    static const char *const late[] = {"time_from", "2020-01-01", NULL};
    assert_fails(made_store(rt, path, "user,item\nu,a\n", from, err), MEDLEY_E_CONFIG,
                 "the data set has no times");
    assert_fails(made_store(rt, path, "user,item\nu,a\n", low, err), MEDLEY_E_CONFIG,
                 "rating_ceiling: 2; the data set has no ratings");
    assert_fails(made_store(rt, path, rows, late, err), MEDLEY_E_FORMAT,
                 "no interaction is left after cleaning; 'time outside 2020-01-01..' removed the last: loosen it");
    assert_false(file_exists(path));
}

static void test_what_is_left_out_is_named(void **state)
{
    (void)state;
    prepare_params p;
    char names[256], few[10];
    medley_params_reset(prepare_table, &p);
    clean_left_out(&p, names, sizeof names);
    assert_string_equal(names, "");
    p.rating_threshold = 3;
    p.duplicates = DUPLICATES_LAST;
    p.sample_items = 5;
    p.max_user_activity = 9;
    p.min_item_interactions = 5;
    clean_left_out(&p, names, sizeof names);
    assert_string_equal(names, "sample_items, activity, k-core");
    clean_left_out(&p, few, sizeof few);
    assert_string_equal(few, "sample_it");
}

static medley_status prepare_all(medley_error *err)
{
    static const char *const settings[] = {"rating_threshold",
                                           "2",
                                           "time_until",
                                           "165",
                                           "duplicates",
                                           "last",
                                           "min_user_activity",
                                           "1",
                                           "max_item_activity",
                                           "9",
                                           "sample_users",
                                           "0.9",
                                           "sample_items",
                                           "0.9",
                                           "sample_interactions",
                                           "0.9",
                                           "min_user_interactions",
                                           "2",
                                           "force",
                                           "true",
                                           NULL};
    char input[4200];
    snprintf(input, sizeof input, "%s/x.csv", folder);
    return made_prepare(rt, "delimited", input, path, settings, NULL, err);
}

static void test_every_allocation_can_fail(void **state)
{
    (void)state;
    test_write_text(test_path(folder, "x.csv"), rows);
    BRUTAL(rt, &memory, prepare_all(err), (void)0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_each_step_says_what_it_removed_and_left, start, tear_down),
        cmocka_unit_test_setup_teardown(test_modalities_come_first_and_idle_items_last, start, tear_down),
        cmocka_unit_test_setup_teardown(test_samples_are_told_with_their_seed, start, tear_down),
        cmocka_unit_test_setup_teardown(test_refused_settings_say_what_is_accepted, start, tear_down),
        cmocka_unit_test_setup_teardown(test_what_is_left_out_is_named, start, tear_down),
        cmocka_unit_test_setup_teardown(test_every_allocation_can_fail, start, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
