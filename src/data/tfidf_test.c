#include "fixture.h"

#include <math.h>
#include <string.h>

#include "data/tfidf.h"
#include "io/catalog.h"
#include "io/json.h"

static catalog_text text_of(const char *string)
{
    return (catalog_text){string, string != NULL ? strlen(string) : 0};
}

/* title, text, attributes of items 0.. */
typedef struct made_item {
    const char *title, *text, *attributes;
} made_item;

static const char *make_catalog(const made_item *items, int64_t count)
{
    const char *path = test_path(folder, "catalog.db");
    catalog_writer *w;
    (void)remove(path);
    assert_ok(catalog_create(rt, path, &w, err));
    for (int64_t i = 0; i < count; i++) {
        char id[24];
        number_print(id, sizeof id, "%lld", (long long)i);
        const catalog_item item = {.id = text_of(id),
                                   .title = text_of(items[i].title),
                                   .text = text_of(items[i].text),
                                   .attributes = text_of(items[i].attributes)};
        assert_ok(catalog_add_item(w, i, &item, err));
    }
    assert_ok(catalog_finish(w, err));
    return path;
}

static tfidf_options both(void)
{
    return (tfidf_options){.title = true, .body = true, .attributes = "", .min_items = 1, .max_share = 1};
}

static void assert_row(const csr *m, int64_t row, int64_t count, const uint32_t *column, const double *value)
{
    assert_int_equal(csr_row_count(m, row), count);
    for (int64_t n = 0; n < count; n++) {
        assert_int_equal(m->index[m->start[row] + n], column[n]);
        assert_true(fabs((double)m->value[m->start[row] + n] - value[n]) < 1e-7);
    }
}

/* Words: cat (items 0, 1), dog (0), mat (1 twice). idf = ln(4 / (1 + df)) + 1 with n = 3. */
static void test_the_worked_example_comes_out(void **state)
{
    (void)state;
    static const made_item items[] = {{"Cat!", "a DOG", NULL}, {"mat", "cat,mat", NULL}, {NULL, "x . y", NULL}};
    const char *path = make_catalog(items, 3);
    const tfidf_options o = both();
    const double two = log(4.0 / 3) + 1, one = log(4.0 / 2) + 1;
    const double first = sqrt(two * two + one * one), second = sqrt(two * two + 4 * one * one);
    csr_owner m;
    assert_ok(tfidf_items(rt, path, &o, NULL, 3, &m, err));
    assert_int_equal(m.view.rows, 3);
    assert_int_equal(m.view.columns, 3);
    assert_row(&m.view, 0, 2, (const uint32_t[]){0, 1}, (const double[]){two / first, one / first});
    assert_row(&m.view, 1, 2, (const uint32_t[]){0, 2}, (const double[]){two / second, 2 * one / second});
    assert_int_equal(csr_row_count(&m.view, 2), 0);
    csr_release(&m);
    const tfidf_options sublinear = {
        .body = true, .attributes = "", .min_items = 1, .max_share = 1, .sublinear = true};
    assert_ok(tfidf_items(rt, path, &sublinear, NULL, 3, &m, err));
    assert_row(&m.view, 0, 1, (const uint32_t[]){1}, (const double[]){1});
    csr_release(&m);
}

/* Case folding, other scripts, digits, and what is no word. */
static void test_words_are_runs_of_letters_and_digits_of_any_script(void **state)
{
    (void)state;
    static const made_item items[] = {
        {"ÉTÉ été", "Straße STRASSE", NULL},
        {"Москва 2001", "x y z \xff\xfe é", NULL},
        {"中文 it's", "snake_case n°5", NULL},
    };
    const char *path = make_catalog(items, 3);
    const tfidf_options o = both();
    csr_owner m;
    assert_ok(tfidf_items(rt, path, &o, NULL, 3, &m, err));
    /* in order of bytes: 2001 case it snake strasse été москва 中文 ("n", "s", "5" and "é" are too short) */
    assert_int_equal(m.view.columns, 8);
    assert_row(&m.view, 0, 2, (const uint32_t[]){4, 5}, (const double[]){sqrt(0.5), sqrt(0.5)});
    assert_row(&m.view, 1, 2, (const uint32_t[]){0, 6}, (const double[]){sqrt(0.5), sqrt(0.5)});
    assert_row(&m.view, 2, 4, (const uint32_t[]){1, 2, 3, 7}, (const double[]){0.5, 0.5, 0.5, 0.5});
    csr_release(&m);
}

static void test_attributes_are_words_on_request(void **state)
{
    (void)state;
    static const made_item items[] = {
        {"one", NULL, "{\"genres\": [\"Science Fiction\", {\"name\": \"War\"}], \"year\": 1999, \"score\": 7.5}"},
        {"two", NULL, "{\"genres\": \"War|Drama\", \"year\": null, \"seen\": true}"},
        {"three", NULL, NULL},
    };
    const char *path = make_catalog(items, 3);
    tfidf_options o = {.attributes = " genres, year,score", .min_items = 1, .max_share = 1};
    csr_owner m;
    assert_ok(tfidf_items(rt, path, &o, NULL, 3, &m, err));
    assert_int_equal(m.view.columns, 5); /* 1999 drama fiction science war */
    assert_int_equal(csr_row_count(&m.view, 0), 4);
    assert_int_equal(csr_row_count(&m.view, 1), 2);
    assert_int_equal(csr_row_count(&m.view, 2), 0);
    csr_release(&m);
    o.attributes = "genre";
    assert_fails(tfidf_items(rt, path, &o, NULL, 3, &m, err), MEDLEY_E_NOT_FOUND,
                 "no item has the attribute 'genre' (did you mean 'genres'?)");
}

/* Only items 0 and 2 are learnt from: n = 2, df(cat) = 1, df(dog) = 2; what only item 1 has is no column. */
static void test_items_that_are_not_fitted_teach_nothing(void **state)
{
    (void)state;
    static const made_item items[] = {{"cat dog", NULL, NULL}, {"cat bird", NULL, NULL}, {"dog", NULL, NULL}};
    static const uint8_t fitted[] = {1, 0, 1};
    const char *path = make_catalog(items, 3);
    const tfidf_options o = both();
    const double cat = log(3.0 / 2) + 1, dog = 1, norm = sqrt(cat * cat + dog * dog);
    csr_owner m;
    assert_ok(tfidf_items(rt, path, &o, fitted, 3, &m, err));
    assert_int_equal(m.view.columns, 2);
    assert_row(&m.view, 0, 2, (const uint32_t[]){0, 1}, (const double[]){cat / norm, dog / norm});
    assert_row(&m.view, 1, 1, (const uint32_t[]){0}, (const double[]){1});
    assert_row(&m.view, 2, 1, (const uint32_t[]){1}, (const double[]){1});
    csr_release(&m);
}

static void test_rare_and_frequent_words_can_be_left_out(void **state)
{
    (void)state;
    static const made_item items[] = {
        {"all some", NULL, NULL}, {"all some rare", NULL, NULL}, {"all", NULL, NULL}, {"all", NULL, NULL}};
    const char *path = make_catalog(items, 4);
    tfidf_options o = both();
    csr_owner m;
    o.min_items = 2;
    o.max_share = 0.5; /* just those in 2 of 4 */
    assert_ok(tfidf_items(rt, path, &o, NULL, 4, &m, err));
    assert_int_equal(m.view.columns, 1);
    assert_int_equal(csr_count(&m.view), 2);
    csr_release(&m);
    o.max_share = 0;
    assert_ok(tfidf_items(rt, path, &o, NULL, 4, &m, err));
    assert_int_equal(csr_count(&m.view), 0);
    csr_release(&m);
}

static void test_catalogues_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    static const made_item items[] = {{"one", NULL, "[1, 2]"}, {"two", NULL, "{\"a\": "}};
    const char *path = make_catalog(items, 2);
    tfidf_options o = both();
    csr_owner m;
    assert_fails(tfidf_items(rt, path, &o, NULL, 3, &m, err), MEDLEY_E_FORMAT, "2 items, expected 3");
    assert_fails(tfidf_items(rt, path, &o, NULL, 1, &m, err), MEDLEY_E_FORMAT, "more than 1 items");
    assert_fails(tfidf_items(rt, test_path(folder, "none.db"), &o, NULL, 1, &m, err), MEDLEY_E_NOT_FOUND,
                 "none.db");
    o.attributes = "a";
    assert_fails(tfidf_items(rt, path, &o, NULL, 2, &m, err), MEDLEY_E_FORMAT,
                 "attributes of item 0 are no object");
    path = make_catalog(items + 1, 1);
    assert_fails(tfidf_items(rt, path, &o, NULL, 1, &m, err), MEDLEY_E_FORMAT, "attributes of item 0: byte");
}

/* What scikit-learn's TfidfVectorizer says of made-up texts, by tools/parity/record_tfidf.py. */
static void test_the_weights_are_those_of_scikit_learn(void **state)
{
    (void)state;
    enum { MOST = 64 };
    made_item items[MOST];
    char *bytes = test_read(MEDLEY_SOURCE_DIR "/tests/parity/tfidf.json", NULL);
    json *recorded;
    assert_ok(json_parse("tfidf.json", bytes, strlen(bytes), &recorded, err));
    const json *rows = json_member(recorded, "items"), *cases = json_member(recorded, "cases");
    const int64_t count = json_count(rows);
    assert_true(count > 20 && count <= MOST && json_count(cases) > 2);
    for (int64_t i = 0; i < count; i++)
        items[i] = (made_item){json_text(json_at(rows, i, NULL), "title"),
                               json_text(json_at(rows, i, NULL), "text"), NULL};
    const char *path = make_catalog(items, count);
    for (int64_t c = 0; c < json_count(cases); c++) {
        const json *one = json_at(cases, c, NULL);
        tfidf_options o = both();
        csr_owner m;
        int64_t columns = 0, at = 0;
        assert_true(json_int(one, "min_df", &o.min_items) && json_real(one, "max_df", &o.max_share) &&
                    json_bool(one, "sublinear_tf", &o.sublinear) && json_int(one, "columns", &columns));
        assert_ok(tfidf_items(rt, path, &o, NULL, count, &m, err));
        assert_int_equal(m.view.columns, columns);
        const json *entries = json_member(one, "entries");
        assert_int_equal(json_count(entries), 3 * csr_count(&m.view));
        for (int64_t row = 0; row < count; row++)
            for (int64_t e = m.start[row]; e < m.start[row + 1]; e++, at += 3) {
                int64_t item = -1, column = -1, billionths = 0;
                assert_true(json_as_int(json_at(entries, at, NULL), &item) &&
                            json_as_int(json_at(entries, at + 1, NULL), &column) &&
                            json_as_int(json_at(entries, at + 2, NULL), &billionths));
                assert_int_equal(item, row);
                assert_int_equal(column, m.index[e]);
                assert_true(fabs((double)m.value[e] - (double)billionths * 1e-9) < 1e-6);
            }
        csr_release(&m);
    }
    json_free(recorded);
    test_read_end(bytes);
}

static void test_every_failing_allocation_is_reported_and_leaks_nothing(void **state)
{
    (void)state;
    static const made_item items[] = {{"cat dog a-very-long-word-indeed", "cat", "{\"a\": [\"é\", \"word\"]}"},
                                      {"cat bird", NULL, NULL}};
    const char *path = make_catalog(items, 2);
    tfidf_options o = both();
    csr_owner m;
    o.attributes = "a";
    BRUTAL(rt, &memory, tfidf_items(rt, path, &o, NULL, 2, &m, err), csr_release(&m));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_worked_example_comes_out),
        cmocka_unit_test(test_words_are_runs_of_letters_and_digits_of_any_script),
        cmocka_unit_test(test_attributes_are_words_on_request),
        cmocka_unit_test(test_items_that_are_not_fitted_teach_nothing),
        cmocka_unit_test(test_rare_and_frequent_words_can_be_left_out),
        cmocka_unit_test(test_catalogues_that_do_not_fit_are_refused),
        cmocka_unit_test(test_the_weights_are_those_of_scikit_learn),
        cmocka_unit_test(test_every_failing_allocation_is_reported_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
