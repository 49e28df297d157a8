#include "recommend/filter_expression.h"

#include "fixture.h"
#include "made_catalog.h"

static const made_item films[] = {
    {"1", "Airplane!", "A flight.",
     "{\"genres\": [\"Comedy\"], \"year\": 1980, \"seen on\": \"DVD\", \"adult\": false}"},
    {"2", "Airplane II", NULL, "{\"genres\": [\"Comedy\", \"Space\"], \"year\": \"1982\", \"adult\": true}"},
    {"3", "Alien \"cut\"", "A ship\\s cat.", "{\"genres\": [\"Horror\", \"Space\"], \"year\": 1979.5}"},
    {"4", NULL, NULL, "{\"genres\": [], \"year\": null, \"empty\": null}"},
    {"x5", "Zoë", NULL, NULL},
};
enum { FILMS = 5 };
static const int64_t popularity[FILMS] = {30, 9, 100, 0, 2};

/* The items, of 12345, for which an expression holds. */
static medley_status chosen(const char *expression, char out[FILMS + 1], medley_error *err)
{
    medley_store store;
    filter_expression *f;
    uint8_t allowed[FILMS] = {1, 1, 1, 1, 1};
    made_catalog(films, FILMS, &store);
    TRY(filter_expression_parse(rt, expression, &f, err));
    const medley_status status = filter_expression_apply(f, &store, popularity, allowed, err);
    filter_expression_free(f);
    for (int i = 0; i < FILMS; i++)
        if (allowed[i])
            *out++ = (char)('1' + i);
    *out = '\0';
    return status;
}

static void test_expressions_choose_the_items_that_they_describe(void **state)
{
    (void)state;
    static const struct {
        const char *expression, *items;
    } cases[] = {
        {"genres has \"Comedy\"", "12"},
        {"genres has 'Comedy' and genres has 'Space'", "2"},
        {"genres = \"Space\"", "23"},
        {"genres != \"Space\"", "1"}, /* 4 and 5 have no value */
        {"not genres has \"Space\"", "145"},
        {"genres in (\"Horror\", \"Comedy\")", "123"},
        {"genres contains \"or\"", "3"},
        {"year >= 1980", "12"}, /* a text that is a number is one */
        {"year > 1979 and year<1982", "13"},
        {"year = 1979.5", "3"},
        {"year = \"1980\"", "1"}, /* and so is a quoted one */
        {"year = 1.98e3 or year = 1982", "12"},
        {"year <= +1980", "13"},
        {"year > -1", "123"},
        {"exists(year)", "123"},
        {"exists(genres)", "123"},
        {"EXISTS ( genres ) AND NOT exists(text)", "2"},
        {"exists(empty)", ""},
        {"adult = true", "2"},
        {"adult = false", "1"},
        {"adult != true", "1"},
        {"adult in (true, false)", "12"},
        {"adult = 1", ""},
        {"id = \"3\" or id = 4 or id=\"x5\"", "345"},
        {"id in (1, 2)", "12"},
        {"title contains \"Air\" and not title contains \"II\"", "1"},
        {"title contains \"air\"", ""}, /* upper and lower case differ */
        {"title contains \"\"", "1235"},
        {"title contains \"Zoë\"", "5"},
        {"title = \"Alien \\\"cut\\\"\"", "3"},
        {"title = 'Alien \"cut\"'", "3"},
        {"text contains \"ship\\\\s\"", "3"},
        {"title < \"Alien\"", "12"},
        {"title >= 'Airplane!' and title < 'B'", "13"}, /* ' ' is before '!' */
        {"popularity >= 9", "123"},
        {"popularity < 10 and popularity != 0", "25"},
        {"\"seen on\" = 'DVD'", "1"},
        {"genres has \"Comedy\" and year >= 1980 and not (title contains \"II\" or popularity < 10)", "1"},
        {"id = 1 or id = 2 and id = 3", "1"}, /* and binds closer */
        {"(id = 1 or id = 2) and id = 2", "2"},
        {"not not id = 1", "1"},
        {"not (id = 1 or id = 2 or id = 3)", "45"},
        {" \t\n id\n=\n1 ", "1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char items[FILMS + 1];
        assert_ok(chosen(cases[i].expression, items, err));
        if (strcmp(items, cases[i].items) != 0)
            fail_msg("%s: items '%s', expected '%s'", cases[i].expression, items, cases[i].items);
        assert_ok(file_remove_tree(rt, test_path(folder, "catalog.db"), err));
    }
}

static void test_a_bad_expression_is_refused_where_it_is_bad(void **state)
{
    (void)state;
    static const struct {
        const char *expression, *message;
    } cases[] = {
        {"", "where: column 1: expected a key, not, exists or (, found the end: '^'"},
        {"year", "column 5: expected one of = != < <= > >= has contains in, found the end: 'year^'"},
        {"year is 1990", "column 6: expected one of = != < <= > >= has contains in, found 'is': 'year ^is 1990'"},
        {"year == 1990", "column 6: expected one of = != < <= > >= has contains in, found '=='"},
        {"year >", "column 7: expected a number or a text in quotes, found the end"},
        {"year > true", "column 8: expected a number or a text in quotes, found 'true'"},
        {"year = and", "column 8: expected a text in quotes, a number, true or false, found 'and': 'year = ^and'"},
        {"genres has Comedy", "column 12: expected a text in quotes, a number, true or false, found 'Comedy'"},
        {"title contains 3", "column 16: expected a text in quotes, found '3'"},
        {"year = 1990and id = 1", "column 8: what begins as a number is none; texts stand in quotes"},
        {"year = 1e999", "column 8: what begins as a number is none"},
        {"year = \"1990", "column 8: a text whose quote is not closed"},
        {"year = '\\n'", "column 9: a '\\' that stands before neither a quote nor a '\\'"},
        {"year in 1990", "column 9: expected (, found '1990'"},
        {"year in (1990", "column 14: expected , or ), found the end"},
        {"year in ()", "column 10: expected a text in quotes, a number, true or false, found ')'"},
        {"(year = 1", "column 10: expected and, or, ), found the end"},
        {"year = 1)", "column 9: expected and, or or the end, found ')'"},
        {"year = 1 year = 2", "column 10: expected and, or or the end, found 'year'"},
        {"and year = 1", "column 1: expected a key, not, exists or (, found 'and'"},
        {"year = 1 and", "column 13: expected a key, not, exists or (, found the end"},
        {"not", "column 4: expected a key"},
        {"exists year", "column 8: expected ( behind exists, found 'year'"},
        {"exists()", "column 8: expected a key"},
        {"exists(year", "column 12: expected ), found the end"},
        {"3 = year", "column 1: expected a key, not, exists or (, found '3'"},
        {"year & 3", "column 6: expected one of"},
        {"title = 'é' ÿ", "column 14: expected and, or or the end, found 'ÿ'"},
        {"id = 'a text that is longer than what is shown of it' 3", "'...an what is shown of it' ^3'"},
        {"yaer > 1990", "where: column 1: no item has an attribute 'yaer' (did you mean 'year'?): '^yaer > 1990'"},
        {"id = 1 or exists(popularty)",
         "column 18: no item has an attribute 'popularty' (did you mean 'popularity'?)"},
        {"whatever = 1", "(there are: genres, year, seen on, adult, empty, id, title, text, popularity)"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char items[FILMS + 1];
        assert_fails(chosen(cases[i].expression, items, err), MEDLEY_E_CONFIG, cases[i].message);
        assert_ok(file_remove_tree(rt, test_path(folder, "catalog.db"), err));
    }
}

/* `count` times `part`, then `end`; mem_alloc'd. */
static char *repeated(const char *part, int64_t count, const char *end)
{
    text t = {.rt = rt};
    for (int64_t i = 0; i < count; i++)
        text_add(&t, part);
    text_add(&t, end);
    assert_ok(text_status(&t, err));
    return t.bytes;
}

static void test_depth_and_length_are_bounded(void **state)
{
    (void)state;
    filter_expression *f;
    static const struct {
        const char *part;
        int64_t count;
        const char *end, *message;
    } cases[] = {
        {"(", 65, "", "column 65: nested more than 64 deep"},
        {"not ", 65, "id = 1", "nested more than 64 deep"},
        {"(", 60000, "", "nested more than 64 deep"},
        {"          ", 7000, "id = 1", "70006 bytes; at most 65536"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *expression = repeated(cases[i].part, cases[i].count, cases[i].end);
        assert_fails(filter_expression_parse(rt, expression, &f, err), MEDLEY_E_CONFIG, cases[i].message);
        mem_free(expression);
    }
    char *expression = repeated("not ", 64, "id = 1");
    char items[FILMS + 1];
    assert_ok(chosen(expression, items, err));
    assert_string_equal(items, "1");
    mem_free(expression);
    expression = repeated("id = 2 or ", 6000, "id = 1");
    assert_ok(file_remove_tree(rt, test_path(folder, "catalog.db"), err));
    assert_ok(chosen(expression, items, err));
    assert_string_equal(items, "12");
    mem_free(expression);
}

static void test_what_is_not_allowed_already_stays_so(void **state)
{
    (void)state;
    medley_store store;
    filter_expression *f;
    uint8_t allowed[FILMS] = {0, 1, 0, 1, 1};
    made_catalog(films, FILMS, &store);
    assert_ok(filter_expression_parse(rt, "popularity = 0", &f, err));
    assert_ok(filter_expression_apply(f, &store, NULL, allowed, err));
    assert_memory_equal(allowed, ((const uint8_t[]){0, 1, 0, 1, 1}), FILMS);
    filter_expression_free(f);
}

static medley_status parse_and_apply(const medley_store *store, medley_error *err)
{
    filter_expression *f;
    uint8_t allowed[FILMS] = {1, 1, 1, 1, 1};
    TRY(filter_expression_parse(rt, "genres in ('Comedy', \"Space\") and not (exists(year) or year < 3)", &f,
                                err));
    const medley_status status = filter_expression_apply(f, store, popularity, allowed, err);
    filter_expression_free(f);
    return status;
}

static void test_allocation_failures_leave_nothing(void **state)
{
    (void)state;
    medley_store store;
    made_catalog(films, FILMS, &store);
    BRUTAL(rt, &memory, parse_and_apply(&store, err), (void)0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_expressions_choose_the_items_that_they_describe, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_bad_expression_is_refused_where_it_is_bad, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_depth_and_length_are_bounded, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_is_not_allowed_already_stays_so, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_allocation_failures_leave_nothing, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
