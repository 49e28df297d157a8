/* Matrices of a store whose items change: what becomes of their rows, and of extracting again. */
#include <medley/medley.h>

#include "base/base.h"
#include "data/features.h"
#include "fixture.h"
#include "io/file.h"
#include "run_operation.h"

enum { ITEMS = 8 };

/* items.csv of the first `count`, each with a title and a description of its own, but for what is said of item 2. */
static void write_items(const char *folder_name, int first, int count, const char *title, const char *body)
{
    char path[100];
    static const char *const words[] = {"ocean", "river", "castle", "winter", "garden"};
    text rows = {.rt = rt};
    text_add(&rows, "id,title,plot\n");
    for (int i = first; i < count; i++)
        if (i == 2)
            text_format(&rows, "i2,%s,%s\n", title, body);
        else
            text_format(&rows, "i%d,%s %s,%s beside %s\n", i, words[i % 5], words[(i / 2 + 1) % 5],
                        words[(i + 2) % 5], words[(i * i) % 5]);
    assert_ok(text_status(&rows, err));
    snprintf(path, sizeof path, "%s/items.csv", folder_name);
    test_write_text(test_path(folder, path), rows.bytes);
    text_release(&rows);
}

static void write_rows(const char *folder_name, int users, int first, int count)
{
    char path[100];
    text rows = {.rt = rt};
    text_add(&rows, "user,item,rating\n");
    for (int u = 0; u < users; u++)
        for (int i = first; i < count; i++)
            text_format(&rows, "u%d,i%d,3\n", u, i);
    assert_ok(text_status(&rows, err));
    snprintf(path, sizeof path, "%s/rows.csv", folder_name);
    test_write_text(test_path(folder, path), rows.bytes);
    text_release(&rows);
}

static void prepare(const char *input, const char *how)
{
    RUN(medley_prepare, NULL, "format", "delimited", "input", input, "store", "/store", "file", "rows.csv", "user",
        "user", "item", "item", "rating", "rating", "items_file", "items.csv", "item_id", "id", "item_title",
        "title", "item_text", "plot", how, "true");
}

/* A store of ITEMS with matrices of titles, of plots and of both. */
static void make_store(void)
{
    static const char *const parts[] = {"title", "description", "both"};
    assert_ok(file_make_folder(rt, test_path(folder, "first"), err));
    assert_ok(file_make_folder(rt, test_path(folder, "more"), err));
    assert_ok(file_remove_tree(rt, test_path(folder, "store"), err));
    write_rows("first", 3, 0, ITEMS);
    write_items("first", 0, ITEMS, "river garden", "winter castle");
    prepare("/first", "force");
    for (size_t i = 0; i < 3; i++)
        RUN(medley_extract, NULL, "store", "/store", "encoder", "tfidf", "name", parts[i], "text", parts[i],
            "dimensions", "3");
}

/* Which items lack a matrix, as bits. */
static unsigned lacking(const char *name, int items)
{
    features f;
    unsigned bits = 0;
    assert_ok(features_open(rt, test_path(folder, "store"), items, name, &f, err));
    for (int i = 0; i < items; i++)
        bits |= (unsigned)f.lacks[i] << i;
    features_release(&f);
    return bits;
}

static void test_rows_of_texts_that_change_are_taken_out_of_what_was_made_of_them(void **state)
{
    (void)state;
    make_store();
    write_rows("more", 1, 0, 0);
    write_items("more", 2, 3, "river garden", "winter ocean");
    prepare("/more", "append");
    assert_int_equal(lacking("title", ITEMS), 0);
    assert_int_equal(lacking("description", ITEMS), 1 << 2);
    assert_int_equal(lacking("both", ITEMS), 1 << 2);
    write_items("more", 2, 3, "castle garden", "winter ocean");
    prepare("/more", "append");
    assert_int_equal(lacking("title", ITEMS), 1 << 2);
    assert_int_equal(lacking("description", ITEMS), 1 << 2);
}

static void test_imported_rows_are_not_taken_out(void **state)
{
    (void)state;
    make_store();
    test_write_text(test_path(folder, "x.csv"), "i1,1,2\ni2,3,4\n");
    RUN(medley_features_import, NULL, "store", "/store", "name", "x", "input", "/x.csv");
    const unsigned before = lacking("x", ITEMS);
    write_rows("more", 1, 0, 0);
    write_items("more", 2, 3, "castle garden", "winter ocean");
    prepare("/more", "append");
    assert_int_equal(lacking("x", ITEMS), before);
}

static void test_extracting_again_encodes_what_is_new_and_is_as_from_nothing(void **state)
{
    (void)state;
    medley_report *r;
    size_t length, other;
    double encoded;
    make_store();
    write_rows("more", 2, ITEMS, ITEMS + 1);
    write_items("more", 2, 3, "castle garden", "winter ocean");
    prepare("/more", "append");
    assert_int_equal(lacking("both", ITEMS + 1), 1 << 2 | 1 << ITEMS);
    RUN(medley_extract, &r, "store", "/store", "encoder", "tfidf", "name", "both", "dimensions", "3", "force",
        "true");
    assert_true(medley_report_number(r, "features", 0, "encoded_now", &encoded));
    assert_true(encoded == 1); /* item 2; the new one has no texts */
    medley_report_free(r);
    assert_int_equal(lacking("both", ITEMS + 1), 1 << ITEMS);
    RUN(medley_extract, NULL, "store", "/store", "encoder", "tfidf", "name", "fresh", "dimensions", "3");
    char *a = test_read(test_path(folder, "store/features/both.npy"), &length);
    char *b = test_read(test_path(folder, "store/features/fresh.npy"), &other);
    assert_int_equal(length, other);
    assert_memory_equal(a, b, length);
    test_read_end(a);
    test_read_end(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_of_texts_that_change_are_taken_out_of_what_was_made_of_them),
        cmocka_unit_test(test_imported_rows_are_not_taken_out),
        cmocka_unit_test(test_extracting_again_encodes_what_is_new_and_is_as_from_nothing),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
