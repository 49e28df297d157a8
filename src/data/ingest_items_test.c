#include "read_dataset.h"

#include "base/base.h"

#include "fixture.h"

static medley_status read_with_items(const char *rows, const char *items, dataset *out, medley_error *err)
{
    static const input one = {.name = "x", .layout = &csv, .items = "items", .items_layout = &items_csv};
    test_write_text(test_path(folder, "x"), rows);
    test_write_text(test_path(folder, "items"), items);
    return read_with(rt, folder, &stopping, &one, 1, out, err);
}

static void test_item_tables_are_joined_by_id(void **state)
{
    (void)state;
    dataset d;
    assert_ok(read_with_items(
        "user,item\nu,b\nu,ghost\nv,a\n",
        "id,title,text,image,genres\na,\"A, the\",about a,a.jpg,X|Y\n\nnew,N,,,\nb,,,,\"one\"\"two|\"\n"
        "a,again,,,\n",
        &d, err));
    assert_ids(&d.items, "b ghost a new");
    assert_non_null(d.facts);
    assert_null(d.facts[0].title);
    assert_string_equal(d.facts[0].attributes, "{\"genres\": [\"one\\\"two\"]}");
    assert_null(d.facts[1].title);
    assert_null(d.facts[1].attributes);
    assert_string_equal(d.facts[2].title, "A, the");
    assert_string_equal(d.facts[2].text, "about a");
    assert_string_equal(d.facts[2].image, "a.jpg");
    assert_string_equal(d.facts[2].attributes, "{\"genres\": [\"X\", \"Y\"]}");
    assert_string_equal(d.facts[3].title, "N");
    assert_null(d.facts[3].text);
    assert_int_equal(d.repeated_items, 1);
    assert_int_equal(d.source_count, 2);
    assert_int_equal(d.sources[1].rows, 4);
    dataset_release(&d);
}

static void test_a_bad_item_row_is_named(void **state)
{
    (void)state;
    dataset d;
    const char rows[] = "user,item\nu,a\n";
    assert_fails(read_with_items(rows, "id,title\na\n", &d, err), MEDLEY_E_FORMAT,
                 "items:2: 1 column; expected 2");
    assert_fails(read_with_items(rows, "id,title\n,t\n", &d, err), MEDLEY_E_FORMAT,
                 "items:2: column 1: an empty item id");
    assert_fails(read_with_items(rows, "id,title\na,\xe9\n", &d, err), MEDLEY_E_FORMAT,
                 "items:2: column 2: byte 0xe9 is not UTF-8");
    assert_fails(read_with_items(rows, "title\na\n", &d, err), MEDLEY_E_FORMAT,
                 "items:1: no column 'id' for the item");
    assert_fails(read_with_items(rows, "", &d, err), MEDLEY_E_FORMAT, "items: no rows; at least one is needed");
    assert_fails(read_with_items(rows, "id,title\n", &d, err), MEDLEY_E_FORMAT, "items: no rows");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_item_tables_are_joined_by_id, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_bad_item_row_is_named, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
