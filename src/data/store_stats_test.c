#include "made_store.h"

#include <math.h>

#include "data/store_stats.h"

#include "fixture.h"

static char path[4096]; /* folder/store */

static int start(void **state)
{
    set_up(state);
    snprintf(path, sizeof path, "%s/store", folder);
    return 0;
}

static medley_status describe(const char *plot, medley_report **out, medley_error *err)
{
    medley_store *store;
    *out = NULL;
    TRY(store_open(rt, path, false, &store, err));
    medley_status status = report_create(rt, out, err);
    if (status == MEDLEY_OK)
        status = store_stats(store, plot, *out, err);
    if (status == MEDLEY_OK)
        status = report_status(*out, err);
    store_free(store);
    if (status != MEDLEY_OK) {
        medley_report_free(*out);
        *out = NULL;
    }
    return status;
}

static double number(const medley_report *report, const char *section, const char *name)
{
    double value = NAN;
    if (!medley_report_number(report, section, 0, name, &value))
        fail_msg("no %s of %s", name, section);
    return value;
}

static void assert_near(double got, double want)
{
    if (!(fabs(got - want) <= 1e-12))
        fail_msg("%.17g, expected %.17g", got, want);
}

/* Users have 4, 2, 1 and 1 interactions; items a..e and one that nobody has: 4, 2, 1, 1, 0 (z). */
static const char rows[] = "user,item,rating,time\n"
                           "u,a,1,0\nu,b,1,0\nu,c,1,86400\nu,d,1,86400\n"
                           "v,a,1,5\nv,b,1,6\nw,a,1,7\nx,a,1,951782400\n";
static const char items[] = "id,title\na,A\nz,Z\n";

static void make(void)
{
    const char *const settings[] = {"file", "rows.csv", "items_file", "items.csv", NULL};
    test_write_text(test_path(folder, "rows.csv"), rows);
    test_write_text(test_path(folder, "items.csv"), items);
    assert_ok(made_prepare(rt, "delimited", folder, path, settings, NULL, err));
}

static void test_the_numbers_by_hand(void **state)
{
    (void)state;
    medley_report *r;
    make();
    assert_ok(describe("", &r, err));
    assert_near(number(r, "counts", "users"), 4);
    assert_near(number(r, "counts", "items"), 5);
    assert_near(number(r, "counts", "interactions"), 8);
    assert_near(number(r, "counts", "density"), 8.0 / 20);
    assert_string_equal(medley_report_text(r, "counts", 0, "ratings"), "yes");
    assert_string_equal(medley_report_text(r, "counts", 0, "order"), "by time");
    assert_near(number(r, "per_user", "mean"), 2);
    assert_near(number(r, "per_user", "median"), 1);
    assert_near(number(r, "per_user", "most"), 4);
    assert_near(number(r, "per_user", "fewest"), 1);
    assert_near(number(r, "per_user", "without_any"), 0);
    /* 1 1 2 4: (-3 - 1 + 2 + 12) / (3 * 8) */
    assert_near(number(r, "per_user", "gini"), 10.0 / 24);
    assert_near(number(r, "per_item", "mean"), 8.0 / 5);
    assert_near(number(r, "per_item", "median"), 1);
    assert_near(number(r, "per_item", "without_any"), 1);
    assert_near(number(r, "per_item", "share_of_top_20_percent"), 0.5);
    /* 0 1 1 2 4: (0 - 2 + 0 + 4 + 16) / (4 * 8) */
    assert_near(number(r, "per_item", "gini"), 18.0 / 32);
    assert_string_equal(medley_report_text(r, "time", 0, "first"), "1970-01-01 00:00:00 UTC");
    assert_string_equal(medley_report_text(r, "time", 0, "last"), "2000-02-29 00:00:00 UTC");
    assert_near(number(r, "time", "same_second_as_the_one_before"), 2);
    medley_report_free(r);
}

static void test_equal_shares_have_no_inequality_and_no_times_no_section(void **state)
{
    (void)state;
    medley_report *r;
    assert_ok(made_store(rt, path, "user,item\nu,a\nv,b\n", NULL, err));
    assert_ok(describe("", &r, err));
    assert_near(number(r, "per_user", "gini"), 0);
    assert_near(number(r, "per_item", "gini"), 0);
    assert_string_equal(medley_report_text(r, "counts", 0, "ratings"), "no");
    assert_string_equal(medley_report_text(r, "counts", 0, "order"), "none");
    assert_int_equal(medley_report_rows(r, "time"), 0);
    medley_report_free(r);
}

/* Gini as the mean absolute difference of two different users over twice the mean: another formula. */
static void test_gini_is_half_the_relative_mean_difference(void **state)
{
    (void)state;
    enum { USERS = 140 };
    int count[USERS];
    char plot[4200];
    text made = {.rt = rt};
    medley_report *r;
    double sum = 0, differences = 0;
    text_add(&made, "user,item\n");
    for (int u = 0; u < USERS; u++) {
        count[u] = 1 + (int)(random_bits(2, 0, (uint64_t)u) % 30);
        for (int i = 0; i < count[u]; i++)
            text_format(&made, "u%d,i%d\n", u, i);
    }
    for (int a = 0; a < USERS; a++) {
        sum += count[a];
        for (int b = 0; b < USERS; b++)
            differences += abs(count[a] - count[b]);
    }
    assert_ok(made_store(rt, path, made.bytes, NULL, err));
    text_release(&made);
    snprintf(plot, sizeof plot, "%s/plot.svg", folder);
    assert_ok(describe(plot, &r, err));
    assert_near(number(r, "per_user", "gini"), differences / (2 * (USERS - 1) * sum));
    medley_report_free(r);
}

static void test_the_plot_is_an_svg_that_replaces_the_old_one(void **state)
{
    (void)state;
    char plot[4200];
    medley_report *r;
    make();
    snprintf(plot, sizeof plot, "%s/plot.svg", folder);
    test_write_text(plot, "old");
    assert_ok(describe(plot, &r, err));
    medley_report_free(r);
    char *svg = test_read(plot, NULL);
    assert_non_null(strstr(svg, "<svg"));
    assert_non_null(strstr(svg, "interactions per item"));
    assert_non_null(strstr(svg, "</svg>"));
    assert_null(strstr(svg, "nan"));
    assert_null(strstr(svg, "inf"));
    test_read_end(svg);
    assert_fails(describe(test_path(folder, "none/plot.svg"), &r, err), MEDLEY_E_NOT_FOUND, "none/plot.svg");
    assert_null(r);
}

static medley_status describe_and_free(const char *plot, medley_error *err)
{
    medley_report *r;
    TRY(describe(plot, &r, err));
    medley_report_free(r);
    return MEDLEY_OK;
}

static void test_every_allocation_can_fail(void **state)
{
    (void)state;
    char plot[4200];
    make();
    snprintf(plot, sizeof plot, "%s/plot.svg", folder);
    BRUTAL(rt, &memory, describe_and_free(plot, err), (void)0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_the_numbers_by_hand, start, tear_down),
        cmocka_unit_test_setup_teardown(test_equal_shares_have_no_inequality_and_no_times_no_section, start,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_gini_is_half_the_relative_mean_difference, start, tear_down),
        cmocka_unit_test_setup_teardown(test_the_plot_is_an_svg_that_replaces_the_old_one, start, tear_down),
        cmocka_unit_test_setup_teardown(test_every_allocation_can_fail, start, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
