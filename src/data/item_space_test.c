#include "data/item_space.h"

#include <math.h>

#include "fixture.h"
#include "data/features_file.h"
#include "io/npy.h"
#include "made_catalog.h"

static const made_item films[] = {
    {"a", "Alien", "ship", "{\"genres\": [\"Horror\", \"Space\"], \"year\": 1979, \"adult\": true, \"mixed\": 1}"},
    {"b", "Aliens", "ship war",
     "{\"genres\": [\"Space\", \"War\", \"Space\"], \"year\": 1986, \"mixed\": \"one\"}"},
    {"c", "Clue", NULL, "{\"genres\": \"Comedy\", \"year\": 1985, \"adult\": false, \"mixed\": [1, [2], null]}"},
    {"d", NULL, NULL, "{\"genres\": [], \"year\": null, \"nothing\": null}"},
    {"e", "Solaris", NULL, NULL},
};
enum { FILMS = 5 };

static medley_store films_store(void)
{
    medley_store s;
    made_catalog(films, FILMS, &s);
    return s;
}

static void assert_near(double got, double want)
{
    if (!(fabs(got - want) < 1e-6))
        fail_msg("%.9g, expected %.9g", got, want);
}

static void test_an_attribute_with_labels_has_a_dimension_a_label(void **state)
{
    (void)state;
    const medley_store store = films_store();
    item_space s;
    assert_ok(item_space_open(&store, "attribute:genres", &s, err));
    assert_int_equal(s.items, FILMS);
    assert_int_equal(s.dimensions, 4);
    assert_int_equal(s.missing, 2);
    const char *const labels[] = {"Horror", "Space", "War", "Comedy"};
    for (int d = 0; d < 4; d++)
        assert_string_equal(s.labels[d], labels[d]);
    assert_near(item_space_cosine(&s, 0, 0), 1);
    assert_near(item_space_cosine(&s, 0, 1), 0.5); /* one of two and two */
    assert_near(item_space_cosine(&s, 0, 2), 0);
    assert_near(item_space_cosine(&s, 0, 4), 0);
    assert_true(item_space_has(&s, 2));
    assert_false(item_space_has(&s, 3));
    assert_false(item_space_has(&s, 4));
    item_space_release(&s);
}

static void test_values_of_any_scalar_kind_are_labels(void **state)
{
    (void)state;
    const medley_store store = films_store();
    item_space s;
    assert_ok(item_space_open(&store, "attribute:mixed", &s, err));
    assert_int_equal(s.dimensions, 2);
    assert_string_equal(s.labels[0], "1");
    assert_string_equal(s.labels[1], "one");
    assert_near(item_space_cosine(&s, 0, 2), 1); /* 1 and [1, ...] */
    item_space_release(&s);
    assert_ok(item_space_open(&store, "attribute:adult", &s, err));
    assert_string_equal(s.labels[0], "true");
    assert_string_equal(s.labels[1], "false");
    item_space_release(&s);
}

static void test_a_numeric_attribute_falls_with_distance(void **state)
{
    (void)state;
    const medley_store store = films_store();
    item_space s;
    assert_ok(item_space_open(&store, "attribute:year", &s, err));
    assert_int_equal(s.dimensions, 2);
    assert_int_equal(s.missing, 2);
    assert_null(s.labels);
    const double mean = (1979 + 1986 + 1985) / 3.0,
                 deviation = sqrt(((1979 - mean) * (1979 - mean) + (1986 - mean) * (1986 - mean) +
                                   (1985 - mean) * (1985 - mean)) /
                                  3);
    const double z0 = (1979 - mean) / deviation, z1 = (1986 - mean) / deviation;
    assert_near(item_space_cosine(&s, 0, 1), (1 + z0 * z1) / sqrt((1 + z0 * z0) * (1 + z1 * z1)));
    assert_true(item_space_cosine(&s, 1, 2) > item_space_cosine(&s, 0, 2));
    assert_true(item_space_cosine(&s, 0, 2) > item_space_cosine(&s, 0, 1));
    item_space_release(&s);
}

static void test_equal_numbers_are_one_point(void **state)
{
    (void)state;
    static const made_item same[] = {{"a", 0, 0, "{\"n\": 3}"}, {"b", 0, 0, "{\"n\": 3.0}"}};
    medley_store store;
    item_space s;
    made_catalog(same, 2, &store);
    assert_ok(item_space_open(&store, "attribute:n", &s, err));
    assert_near(item_space_cosine(&s, 0, 1), 1);
    item_space_release(&s);
}

static void test_numbers_too_large_to_standardise_are_refused(void **state)
{
    (void)state;
    static const made_item large[] = {{"a", 0, 0, "{\"n\": 1e308}"}, {"b", 0, 0, "{\"n\": -1e308}"}};
    medley_store store;
    item_space s;
    made_catalog(large, 2, &store);
    assert_fails(item_space_open(&store, "attribute:n", &s, err), MEDLEY_E_FORMAT, "too large");
}

/* The matrix f [FILMS, 2] of the store, as `features import` writes it. */
static void put_features(const float *values)
{
    char items[FINGERPRINT_SIZE], own[FINGERPRINT_SIZE], content[400];
    fingerprint *print;
    assert_ok(fingerprint_create(rt, &print, err));
    assert_ok(file_make_folder(rt, test_path(folder, "features"), err));
    assert_ok(npy_write(rt, test_path(folder, "features/f.npy"), NPY_F32, FILMS, 2, values, print, err));
    fingerprint_hex(print, own);
    fingerprint_free(print);
    assert_ok(features_items_print(rt, folder, items, err));
    snprintf(content, sizeof content,
             "{\"format\": \"" FEATURES_FORMAT "\", \"items_fingerprint\": \"%s\", \"fingerprint\": \"%s\"}",
             items, own);
    test_write_text(test_path(folder, "features/f.json"), content);
}

static void test_features_are_made_length_1(void **state)
{
    (void)state;
    const medley_store store = films_store();
    const float values[] = {3, 4, 6, 8, -4, 3, 0, 0, NAN, NAN};
    item_space s;
    put_features(values);
    const char *const ways[] = {"features:f", test_path(folder, "features/f.npy")};
    for (int w = 0; w < 2; w++) {
        assert_ok(item_space_open(&store, ways[w], &s, err));
        assert_int_equal(s.dimensions, 2);
        assert_int_equal(s.missing, 2);
        assert_near(item_space_cosine(&s, 0, 1), 1);
        assert_near(item_space_cosine(&s, 0, 2), 0);
        assert_near(item_space_cosine(&s, 0, 3), 0);
        assert_near(item_space_cosine(&s, 0, 4), 0);
        assert_near(s.dense[1], 0.8);
        item_space_release(&s);
    }
}

static void test_features_of_other_shape_or_type_are_refused(void **state)
{
    (void)state;
    const medley_store store = films_store();
    const double doubles[FILMS] = {1};
    const float floats[8] = {1};
    item_space s;
    const char *path = test_path(folder, "x.npy");
    assert_ok(npy_write(rt, path, NPY_F64, FILMS, 1, doubles, NULL, err));
    assert_fails(item_space_open(&store, path, &s, err), MEDLEY_E_FORMAT, "float32 [5 items, dimensions]");
    assert_ok(npy_write(rt, path, NPY_F32, 4, 2, floats, NULL, err));
    assert_fails(item_space_open(&store, path, &s, err), MEDLEY_E_FORMAT, "[4, 2]");
    assert_ok(npy_write(rt, path, NPY_F32, FILMS, 0, floats, NULL, err));
    assert_fails(item_space_open(&store, path, &s, err), MEDLEY_E_FORMAT, "float32 [5 items, dimensions]");
    assert_fails(item_space_open(&store, "features:no", &s, err), MEDLEY_E_NOT_FOUND, "features: the store '");
    assert_fails(item_space_open(&store, "features:../x", &s, err), MEDLEY_E_NOT_FOUND, "has none, so no '../x'");
}

static void test_features_of_other_items_are_refused(void **state)
{
    (void)state;
    const float values[FILMS * 2] = {1}, others[FILMS * 2] = {2};
    const medley_store store = films_store();
    item_space s;
    put_features(values);
    assert_ok(npy_write(rt, test_path(folder, "features/f.npy"), NPY_F32, FILMS, 2, others, NULL, err));
    assert_fails(item_space_open(&store, "features:f", &s, err), MEDLEY_E_STALE,
                 "f.npy is not the matrix that f.json tells of; import it again");
    assert_ok(file_remove_tree(rt, test_path(folder, "features/f.json"), err));
    assert_fails(item_space_open(&store, "features:f", &s, err), MEDLEY_E_NOT_FOUND, "has no ");
}

static void test_text_is_a_space_of_words(void **state)
{
    (void)state;
    const medley_store store = films_store();
    item_space s;
    assert_ok(item_space_open(&store, "text", &s, err));
    assert_int_equal(s.missing, 1);
    assert_near(item_space_cosine(&s, 2, 2), 1);
    assert_near(item_space_cosine(&s, 2, 4), 0);
    item_space_release(&s);
}

static void test_an_unknown_name_says_what_there_is(void **state)
{
    (void)state;
    const medley_store store = films_store();
    item_space s;
    assert_fails(item_space_open(&store, "attribute:gneres", &s, err), MEDLEY_E_CONFIG,
                 "no item has an attribute 'gneres' (did you mean 'genres'?)");
    assert_fails(item_space_open(&store, "attribute:whatever", &s, err), MEDLEY_E_CONFIG,
                 "(there are: genres, year, adult, mixed, nothing)");
    assert_fails(item_space_open(&store, "taste", &s, err), MEDLEY_E_CONFIG,
                 "'taste' is no space of items; accepted: text|attribute:<key> (there are: genres,");
    char name[400];
    memset(name, 'x', sizeof name);
    name[sizeof name - 1] = '\0';
    assert_fails(item_space_open(&store, name, &s, err), MEDLEY_E_CONFIG, "399 bytes");
}

static void test_an_attribute_without_values_is_an_empty_space(void **state)
{
    (void)state;
    const medley_store store = films_store();
    item_space s;
    assert_ok(item_space_open(&store, "attribute:nothing", &s, err));
    assert_int_equal(s.missing, FILMS);
    assert_near(item_space_cosine(&s, 0, 1), 0);
    item_space_release(&s);
}

static void test_attributes_that_are_no_object_are_refused(void **state)
{
    (void)state;
    static const made_item list[] = {{"a", 0, 0, "[1]"}}, cut[] = {{"a", 0, 0, "{\"n\": "}};
    medley_store store;
    item_space s;
    made_catalog(list, 1, &store);
    assert_fails(item_space_open(&store, "attribute:n", &s, err), MEDLEY_E_FORMAT, "item 'a' are no JSON object");
    made_catalog(cut, 1, &store);
    assert_fails(item_space_open(&store, "attribute:n", &s, err), MEDLEY_E_FORMAT, "attributes of item 'a': byte");
}

static void test_a_catalogue_of_other_length_is_refused(void **state)
{
    (void)state;
    medley_store store = films_store();
    item_space s;
    store.items = FILMS + 1;
    assert_fails(item_space_open(&store, "attribute:year", &s, err), MEDLEY_E_FORMAT, "5 items");
    store.items = FILMS - 1;
    assert_fails(item_space_open(&store, "attribute:year", &s, err), MEDLEY_E_FORMAT, "more than the 4 items");
}

static void test_allocation_failures_leave_nothing(void **state)
{
    (void)state;
    const medley_store store = films_store();
    const float values[2 * FILMS] = {1, 2, 3, 4};
    item_space s;
    assert_ok(npy_write(rt, test_path(folder, "f.npy"), NPY_F32, FILMS, 2, values, NULL, err));
    put_features(values);
    const char *const names[] = {"attribute:genres", "attribute:year", "text", "features:f",
                                 test_path(folder, "f.npy")};
    for (int n = 0; n < 5; n++)
        BRUTAL(rt, &memory, item_space_open(&store, names[n], &s, err), item_space_release(&s));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_an_attribute_with_labels_has_a_dimension_a_label, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_values_of_any_scalar_kind_are_labels, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_numeric_attribute_falls_with_distance, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_equal_numbers_are_one_point, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_numbers_too_large_to_standardise_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_features_are_made_length_1, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_features_of_other_shape_or_type_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_features_of_other_items_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_text_is_a_space_of_words, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_an_unknown_name_says_what_there_is, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_an_attribute_without_values_is_an_empty_space, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_attributes_that_are_no_object_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_catalogue_of_other_length_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_allocation_failures_leave_nothing, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
