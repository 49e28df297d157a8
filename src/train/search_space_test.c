#include "train/search_space.h"

#include <math.h>

#include "fixture.h"

typedef struct toy_params {
    int64_t count, wide;
    double rate, l2;
    bool fast;
    int kind;
    const char *name;
} toy_params;

static const medley_param table[] = {
    MEDLEY_INT(toy_params, count, "4", 1, 100, .sweep = "2,4,8", .help = ""),
    MEDLEY_INT(toy_params, wide, "7", 0, 9e15, .help = ""),
    MEDLEY_REAL(toy_params, rate, "0.5", 0, 1, .sweep = "0..1", .help = ""),
    MEDLEY_REAL(toy_params, l2, "1", 1e-6, 1e6, .sweep = "log:1e-3..1e3", .help = ""),
    MEDLEY_BOOL(toy_params, fast, "false", .help = ""),
    MEDLEY_ENUM(toy_params, kind, "b", "a|b|c", .sweep = "a,c", .help = ""),
    MEDLEY_TEXT(toy_params, name, "x", .help = ""),
    MEDLEY_PARAMS_END,
};

static const medley_param *row(const char *name)
{
    return medley_param_find(table, name);
}

static search_space space_of(const char *name, const char *words)
{
    search_space s;
    search_space_init(&s, rt);
    assert_ok(search_space_add(&s, row(name), words, err));
    return s;
}

/* "2|4|8", or "1..100" or "log:0.001..1000". */
static void describe(const search_space *s, char *out, size_t size)
{
    const search_dimension *d = &s->dimensions[0];
    size_t at = 0;
    for (int64_t i = 0; i < d->count; i++)
        at += (size_t)snprintf(out + at, size - at, "%s%s", i > 0 ? "|" : "", d->values[i]);
    if (d->count == 0)
        snprintf(out, size, "%s%g..%g", d->log ? "log:" : "", d->low, d->high);
}

static void test_a_text_is_read_as_what_it_says(void **state)
{
    (void)state;
    static const struct {
        const char *name, *words, *want;
    } cases[] = {
        {"count", NULL, "2|4|8"},
        {"count", "", "2|4|8"},
        {"count", "default", "2|4|8"},
        {"count", "50", "50"},
        {"count", "50, 100", "50|100"},
        {"count", "1..100", "1..100"},
        {"count", "log:10..100", "log:10..100"},
        {"wide", "default", "7"}, /* no space of its own: the default value */
        {"rate", "1e-1,0.50,1", "0.1|0.5|1"},
        {"rate", "0..0.25", "0..0.25"},
        {"l2", "log:1e-6..1e-2", "log:1e-06..0.01"},
        {"fast", "all", "false|true"},
        {"fast", "true", "true"},
        {"kind", "all", "a|b|c"},
        {"kind", "c,a", "c|a"},
        {"name", "a..b,c", "a..b|c"}, /* a text may be anything */
        {"name", "all", "all"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char got[256];
        search_space s = space_of(cases[i].name, cases[i].words);
        describe(&s, got, sizeof got);
        assert_string_equal(got, cases[i].want);
        search_space_release(&s);
    }
}

static void test_what_is_no_space_is_refused_with_what_is_accepted(void **state)
{
    (void)state;
    static const struct {
        const char *name, *words, *want;
    } cases[] = {
        {"count", "2,many", "count: 'many' is not a whole number; accepted: 1..100"},
        {"count", "2,0", "count: 0 is outside 1..100"},
        {"count", "2,,4", "count: '' is not a whole number"},
        {"count", "2,", "count: '' is not a whole number"},
        {"count", "all", "count: 'all' is not a whole number"},
        {"count", "8,4,8", "count: 8 is given twice"},
        {"count", "1..101", "count: 101 is outside 1..100"},
        {"count", "0..10", "count: 0 is outside 1..100"},
        {"count", "1.5..3", "count: '1.5' is not a whole number"},
        {"count", "..3", "count: '' is not a whole number"},
        {"count", "5..5", "count: '5..5' holds no range; accepted: LOW..HIGH with LOW < HIGH"},
        {"count", "9..5", "holds no range"},
        {"count", "log:5", "count: 'log:5' is no range; accepted: log:LOW..HIGH"},
        {"count", "1..2..3", "count: '2..3' is not a whole number"},
        {"rate", "0.1,1e-1", "rate: 1e-1 is given twice"},
        {"rate", "log:0..1", "rate: 'log:0..1' begins at 0, which has no logarithm; accepted: above 0"},
        {"rate", "nan", "rate: 'nan' is not a number"},
        {"kind", "a..c", "kind: 'a..c' is a range; accepted: values separated by commas, or all"},
        {"kind", "a,d", "kind: 'd' is not a choice; accepted: a|b|c"},
        {"fast", "yes", "fast: 'yes' is not a truth value"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        search_space s;
        search_space_init(&s, rt);
        assert_fails(search_space_add(&s, row(cases[i].name), cases[i].words, err), MEDLEY_E_CONFIG,
                     cases[i].want);
        assert_int_equal(s.count, 0);
        search_space_release(&s);
    }
}

static void test_huge_spaces_are_refused(void **state)
{
    (void)state;
    text t = {.rt = rt};
    search_space s;
    for (int i = 0; i < SEARCH_VALUES_MOST + 1; i++)
        text_format(&t, "%s%d", i > 0 ? "," : "", i);
    search_space_init(&s, rt);
    assert_fails(search_space_add(&s, row("wide"), t.bytes, err), MEDLEY_E_CONFIG, "wide: more than 1000 values");
    for (int i = 0; i < SEARCH_DIMENSIONS_MOST; i++)
        assert_ok(search_space_add(&s, row("wide"), "1,2,3,4,5,6", err));
    assert_fails(search_space_add(&s, row("wide"), "1", err), MEDLEY_E_CONFIG, "more than 64 searched");
    assert_true(search_space_size(&s, 5) == INT64_MAX);
    search_space_release(&s);
    text_release(&t);
}

/* The values of a dimension as "1 2 3". */
static void assert_values(const char *name, const char *words, int64_t grid_points, const char *want)
{
    search_space s = space_of(name, words);
    char got[512] = "";
    for (int64_t i = 0; i < search_dimension_size(&s.dimensions[0], grid_points); i++) {
        const size_t at = strlen(got);
        const double x = search_dimension_at(&s.dimensions[0], grid_points, i);
        snprintf(got + at, sizeof got - at, "%s", i > 0 ? " " : "");
        search_dimension_format(&s.dimensions[0], x, got + strlen(got), sizeof got - strlen(got));
    }
    assert_string_equal(got, want);
    search_space_release(&s);
}

static void test_a_range_in_a_grid_is_evenly_spaced_with_both_ends(void **state)
{
    (void)state;
    assert_values("rate", "0..1", 5, "0 0.25 0.5 0.75 1");
    assert_values("l2", "log:1e-2..1e2", 5, "0.01 0.1 1 10 100");
    assert_values("l2", "log:1e-2..1", 2, "0.01 1");
    assert_values("wide", "10..50", 5, "10 20 30 40 50");
    assert_values("wide", "0..3", 5, "0 1 2 3"); /* fewer than the grid has */
    assert_values("wide", "0..3", 0, "0 1 2 3");
    assert_values("wide", "log:1..1000", 4, "1 10 100 1000");
    assert_values("wide", "log:1..10", 8, "1 2 3 4 5 6 7 10"); /* 1 1 2 3 4 5 7 10, whole and all different */
    assert_values("count", "2,4,8", 5, "2 4 8");
}

static void test_the_points_of_a_grid_are_all_combinations_in_order(void **state)
{
    (void)state;
    search_space s;
    text t = {.rt = rt};
    double point[3];
    search_space_init(&s, rt);
    assert_int_equal(search_space_size(&s, 3), 1);
    search_space_at(&s, 3, 0, point);
    search_space_format(&s, point, &t);
    assert_ok(text_status(&t, err));
    assert_string_equal(t.bytes, "");
    assert_ok(search_space_add(&s, row("count"), "2,4", err));
    assert_ok(search_space_add(&s, row("rate"), "0..1", err));
    assert_ok(search_space_add(&s, row("kind"), "c", err));
    assert_int_equal(search_space_size(&s, 3), 6);
    assert_true(search_space_size(&s, 0) == INT64_MAX);
    for (int64_t i = 0; i < 6; i++) {
        search_space_at(&s, 3, i, point);
        text_add(&t, i > 0 ? "\n" : "");
        search_space_format(&s, point, &t);
    }
    assert_string_equal(t.bytes, "count=2, rate=0, kind=c\ncount=2, rate=0.5, kind=c\ncount=2, rate=1, kind=c\n"
                                 "count=4, rate=0, kind=c\ncount=4, rate=0.5, kind=c\ncount=4, rate=1, kind=c");
    text_release(&t);
    search_space_release(&s);
}

static void test_draws_stay_inside_and_reach_everything(void **state)
{
    (void)state;
    static const char *const spaces[][2] = {{"count", "1..3"}, {"count", "2,4,8"}, {"wide", "log:1..4"}};
    enum { DRAWS = 3000 };
    for (size_t c = 0; c < sizeof spaces / sizeof *spaces; c++) {
        search_space s = space_of(spaces[c][0], spaces[c][1]);
        const search_dimension *d = &s.dimensions[0];
        int64_t seen[5] = {0};
        for (uint64_t i = 0; i < DRAWS; i++) {
            const double x = search_dimension_draw(d, random_uniform(1, 2, i));
            assert_true(x == floor(x) && x >= d->low && (d->count == 0 || x < (double)d->count) && x < 5);
            assert_true(d->count > 0 || x <= d->high);
            seen[(int64_t)x]++;
        }
        if (c < 2) /* each of three values as likely */
            for (int64_t i = 0; i < 3; i++)
                assert_in_range(seen[c == 0 ? i + 1 : i], DRAWS / 3 - 150, DRAWS / 3 + 150);
        else
            assert_true(seen[1] > seen[2] && seen[2] > seen[3] && seen[3] > seen[4] && seen[4] > 200);
        search_space_release(&s);
    }
    assert_true(1 - 0x1p-53 < 1); /* the largest u there is */
    search_space s = space_of("count", "1..3");
    assert_true(search_dimension_draw(&s.dimensions[0], 1 - 0x1p-53) == 3);
    assert_true(search_dimension_draw(&s.dimensions[0], 0) == 1);
    search_space_release(&s);
}

static void test_a_point_survives_its_text(void **state)
{
    (void)state;
    search_space s;
    search_space_init(&s, rt);
    assert_ok(search_space_add(&s, row("rate"), NULL, err));
    assert_ok(search_space_add(&s, row("l2"), NULL, err));
    assert_ok(search_space_add(&s, row("wide"), "log:1..1000000", err));
    for (uint64_t i = 0; i < 1000; i++) {
        double point[3];
        toy_params p;
        medley_params_reset(table, &p);
        for (int d = 0; d < 3; d++)
            point[d] = search_dimension_draw(&s.dimensions[d], random_uniform(7, (uint64_t)d, i));
        assert_ok(search_space_set(&s, point, &p, err));
        assert_true(p.rate == point[0] && p.l2 == point[1] && (double)p.wide == point[2]);
        char number[64];
        search_dimension_format(&s.dimensions[1], point[1], number, sizeof number);
        assert_true(strlen(number) <= 9); /* 4 digits: 0.001234, 1.234e-05 */
    }
    search_space_release(&s);
}

static medley_status walk(medley_error *err)
{
    search_space s;
    search_space_init(&s, rt);
    medley_status status = search_space_add_table(&s, table, err);
    if (status == MEDLEY_OK)
        status = search_space_add(&s, row("kind"), "all", err);
    if (status == MEDLEY_OK && s.count != 5)
        fail_msg("%lld dimensions", (long long)s.count);
    search_space_release(&s);
    return status;
}

static void test_every_failing_allocation_is_reported_and_leaks_nothing(void **state)
{
    (void)state;
    BRUTAL(rt, &memory, walk(err), (void)0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_text_is_read_as_what_it_says),
        cmocka_unit_test(test_what_is_no_space_is_refused_with_what_is_accepted),
        cmocka_unit_test(test_huge_spaces_are_refused),
        cmocka_unit_test(test_a_range_in_a_grid_is_evenly_spaced_with_both_ends),
        cmocka_unit_test(test_the_points_of_a_grid_are_all_combinations_in_order),
        cmocka_unit_test(test_draws_stay_inside_and_reach_everything),
        cmocka_unit_test(test_a_point_survives_its_text),
        cmocka_unit_test(test_every_failing_allocation_is_reported_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
