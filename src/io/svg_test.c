#include "testing.h"

#include <math.h>
#include <stdio.h>

#include "io/svg.h"

#include "fixture.h"

static int64_t count_of(const char *document, const char *part)
{
    int64_t count = 0;
    for (const char *p = document; (p = strstr(p, part)) != NULL; p += strlen(part))
        count++;
    return count;
}

/* Every element is closed, in order: enough of XML for what svg.c writes. */
static void assert_well_formed(const char *p)
{
    char open[16][16];
    int depth = 0;
    for (; (p = strchr(p, '<')) != NULL; p++) {
        const char *end = strchr(p, '>');
        assert_non_null(end);
        const size_t length = strcspn(p + 1 + (p[1] == '/'), " >/");
        if (p[1] == '/') {
            assert_true(depth > 0);
            depth--;
            assert_int_equal(strlen(open[depth]), length);
            assert_memory_equal(open[depth], p + 2, length);
        } else if (end[-1] != '/') {
            assert_true(depth < 16 && length < 16);
            snprintf(open[depth++], 16, "%.*s", (int)length, p + 1);
        }
    }
    assert_int_equal(depth, 0);
}

static char *plot(text *out, const svg_panel *panels, int64_t count)
{
    *out = (text){.rt = rt};
    svg_plot(out, panels, count);
    assert_ok(text_status(out, err));
    assert_well_formed(out->bytes);
    assert_null(strstr(out->bytes, "nan"));
    assert_null(strstr(out->bytes, "inf"));
    return out->bytes;
}

static const double x4[] = {0, 1, 2, 3}, y4[] = {0, 10, 5, 20};

/* By hand: x from 64 to 444 pixels for 0..3, y from 272 to 36 for 0..20. */
static void test_points_are_where_they_should_be(void **state)
{
    (void)state;
    text out;
    const svg_panel p = {"t", "x", "y", x4, y4, 4, false, false, false};
    const char *svg = plot(&out, &p, 1);
    assert_non_null(strstr(svg, "points=\"64.0,272.0 186.7,154.0 309.3,213.0 432.0,36.0\""));
    assert_non_null(strstr(svg, "width=\"460\" height=\"320\""));
    text_release(&out);
}

static void test_bars_stand_on_zero(void **state)
{
    (void)state;
    text out;
    const double y[] = {10, -10, 0, 5};
    const svg_panel p = {"t", "x", "y", x4, y, 4, true, false, false};
    const char *svg = plot(&out, &p, 1);
    assert_int_equal(count_of(svg, "<rect class=\"data\""), 4);
    assert_non_null(strstr(svg, "y=\"36.0\" width=\"24.0\" height=\"118.0\""));  /* 10 */
    assert_non_null(strstr(svg, "y=\"154.0\" width=\"24.0\" height=\"118.0\"")); /* -10 */
    text_release(&out);
}

static void test_logarithmic_axes_leave_out_what_is_not_positive(void **state)
{
    (void)state;
    text out;
    const double x[] = {1, 10, 100, -1, 5}, y[] = {1, 100, 10000, 7, 0};
    const svg_panel p = {"t", "x", "y", x, y, 5, false, true, true};
    const char *svg = plot(&out, &p, 1);
    assert_non_null(strstr(svg, "points=\"64.0,272.0 248.0,154.0 432.0,36.0\""));
    assert_non_null(strstr(svg, ">10000</text>"));
    text_release(&out);
}

static void test_texts_are_escaped(void **state)
{
    (void)state;
    text out;
    const svg_panel p = {"<script>&\"\x01", "caf\xc3\xa9", NULL, x4, y4, 4, false, false, false};
    const char *svg = plot(&out, &p, 1);
    assert_non_null(strstr(svg, ">&lt;script&gt;&amp;&quot; </text>"));
    assert_non_null(strstr(svg, ">caf\xc3\xa9</text>"));
    text_release(&out);
}

static void test_panels_stand_side_by_side(void **state)
{
    (void)state;
    text out;
    const svg_panel p[] = {{"a", "x", "y", x4, y4, 4, false, false, false},
                           {"b", "x", "y", x4, y4, 4, true, false, false}};
    const char *svg = plot(&out, p, 2);
    assert_non_null(strstr(svg, "width=\"920\" height=\"320\""));
    assert_non_null(strstr(svg, "translate(460 0)"));
    text_release(&out);
}

static void test_any_numbers_make_a_plot(void **state)
{
    (void)state;
    static const double odd[][4] = {
        {0, 0, 0, 0},
        {5, 5, 5, 5},
        {NAN, NAN, NAN, NAN},
        {INFINITY, 1, 2, -INFINITY},
        {1e308, -1e308, 0, 1},
        {1e-320, 0, 2e-320, 1e-310},
        {1e300, 1e300, 1e300, 1e300},
        {1e9, 1e9 + 1e-6, 1e9, 1e9},
        {-3, -2, -1, 1e-300},
    };
    enum { ODD = sizeof odd / sizeof *odd };
    for (int i = 0; i < ODD * ODD * 8; i++) {
        text out;
        const svg_panel p = {"t",
                             "x",
                             "y",
                             odd[i % ODD],
                             odd[i / ODD % ODD],
                             i % 5,
                             (i / ODD / ODD & 1) != 0,
                             (i / ODD / ODD & 2) != 0,
                             (i / ODD / ODD & 4) != 0};
        const char *svg = plot(&out, &p, 1);
        assert_true(count_of(svg, "class=\"grid\"") <= 28);
        text_release(&out);
    }
    text out;
    (void)plot(&out, NULL, 0);
    text_release(&out);
}

static medley_status plot_status(text *out, medley_error *err)
{
    const svg_panel p = {"t", "x", "y", x4, y4, 4, true, false, false};
    *out = (text){.rt = rt};
    svg_plot(out, &p, 1);
    const medley_status status = text_status(out, err);
    if (status != MEDLEY_OK)
        text_release(out);
    return status;
}

static void test_every_allocation_can_fail(void **state)
{
    (void)state;
    text out;
    BRUTAL(rt, &memory, plot_status(&out, err), text_release(&out));
}

/* ---- On a page ---- */

static char *figure(text *out, const svg_panel *p, const svg_groups *groups)
{
    *out = (text){.rt = rt};
    svg_figure(out, p, groups, "what <it> is");
    assert_ok(text_status(out, err));
    assert_well_formed(out->bytes);
    return out->bytes;
}

static const int64_t group4[] = {0, 0, 1, 1};
static const char *const names2[] = {"first", "a name & more than twenty-four letters"};

static void test_a_figure_has_a_line_and_a_legend_for_each_group(void **state)
{
    (void)state;
    text out;
    const svg_panel p = {"t", "x", "y", x4, y4, 4, false, false, false};
    const svg_groups groups = {group4, names2, 2, false};
    const char *svg = figure(&out, &p, &groups);
    assert_non_null(strstr(svg, "<title>what &lt;it&gt; is</title>"));
    assert_non_null(strstr(svg, "class=\"data g0\" points=\"64.0,272.0 186.7,154.0\""));
    assert_non_null(strstr(svg, "class=\"data g1\" points=\"309.3,213.0 432.0,36.0\""));
    assert_non_null(strstr(svg, ">first</text>"));
    assert_non_null(strstr(svg, ">a name &amp; more than twent…</text>"));
    assert_null(strstr(svg, "xmlns"));
    text_release(&out);
}

static void test_dots_have_their_names_beside_them(void **state)
{
    (void)state;
    text out;
    const svg_panel p = {"t", "x", "y", x4, y4, 4, false, false, false};
    const svg_groups groups = {group4, names2, 2, true};
    const char *svg = figure(&out, &p, &groups);
    assert_int_equal(count_of(svg, "<circle "), 4);
    assert_non_null(strstr(svg, "<circle class=\"data g1\" r=\"5\" cx=\"432.0\" cy=\"36.0\"/>"));
    assert_int_equal(count_of(svg, ">first</text>"), 2);
    assert_int_equal(count_of(svg, "polyline"), 0);
    text_release(&out);
}

/* By hand: 150..432 pixels for 0..0.4. */
static void test_rows_have_bars_and_whiskers(void **state)
{
    (void)state;
    const double value[] = {0.2, 0.4, NAN}, low[] = {0.1, NAN, NAN}, high[] = {0.3, NAN, NAN};
    const char *const names[] = {"one", "two", "<none>"};
    const svg_rows rows = {"title", names, value, low, high, 3};
    text out = {.rt = rt};
    svg_bars(&out, &rows, "bars");
    assert_ok(text_status(&out, err));
    assert_well_formed(out.bytes);
    assert_non_null(
        strstr(out.bytes, "<rect class=\"data g0\" x=\"150.0\" y=\"40.0\" width=\"141.0\" height=\"18.0\"/>"));
    assert_non_null(
        strstr(out.bytes, "<line class=\"whisker\" x1=\"220.5\" y1=\"49.0\" x2=\"361.5\" y2=\"49.0\"/>"));
    assert_int_equal(count_of(out.bytes, "<rect "), 2);
    assert_int_equal(count_of(out.bytes, "whisker"), 3);
    assert_non_null(strstr(out.bytes, "&lt;none&gt;"));
    assert_null(strstr(out.bytes, "nan"));
    text_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_points_are_where_they_should_be, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_bars_stand_on_zero, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_logarithmic_axes_leave_out_what_is_not_positive, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_texts_are_escaped, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_panels_stand_side_by_side, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_any_numbers_make_a_plot, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_every_allocation_can_fail, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_figure_has_a_line_and_a_legend_for_each_group, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_dots_have_their_names_beside_them, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_rows_have_bars_and_whiskers, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
