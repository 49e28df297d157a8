#include "read_dataset.h"

#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "base/base.h"
#include "data/reader.h"

#include "fixture.h"

/* Reads the scratch folder (or a file in it) with a reader and settings "key=value". */
static medley_status read_as(const char *reader, const char *name, const char *const *settings, dataset *out,
                             medley_error *err)
{
    _Alignas(16) char values[1024] = {0};
    ingest *in;
    const reader_class *const *found = reader_classes;
    while (*found != NULL && strcmp((*found)->name, reader) != 0)
        found++;
    assert_non_null(*found);
    assert_true((*found)->params_size <= sizeof values);
    medley_params_reset((*found)->params, values);
    for (; settings != NULL && *settings != NULL; settings += 2)
        TRY(medley_param_set(medley_param_find((*found)->params, settings[0]), values, settings[1], err));
    *out = (dataset){.rt = rt};
    TRY(ingest_create(rt, &stopping, &in, err));
    medley_status status = (*found)->read(rt, values, test_path(folder, name), in, err);
    if (status == MEDLEY_OK)
        status = ingest_finish(in, out, err);
    ingest_free(in);
    return status;
}

static void put(const char *name, const char *content)
{
    test_write_text(test_path(folder, name), content);
}

static void drop(const char *name)
{
    assert_int_equal(unlink(test_path(folder, name)), 0);
}

static void test_movielens_is_read_in_all_its_forms(void **state)
{
    (void)state;
    dataset d;
    put("u.data", "196\t242\t3\t881250949\n");
    put("u.item", "242|Kolya (1996)|24-Jan-1997||http://x|0|1\n7|\xc9t\xe9|||||\n");
    assert_ok(read_as("movielens", "", NULL, &d, err));
    assert_rows(&d, "196 242 3 881250949");
    assert_string_equal(d.facts[0].title, "Kolya (1996)");
    assert_string_equal(d.facts[1].title, "\xc3\x89t\xc3\xa9");
    dataset_release(&d);
    put("ratings.dat", "1::1193::5::978300760\n1::661::3::978302109\n");
    put("movies.dat", "1193::One: \xe9 (1975)::Drama|War\n");
    assert_ok(read_as("movielens", "", NULL, &d, err));
    assert_rows(&d, "1 1193 5 978300760; 1 661 3 978302109");
    assert_string_equal(d.facts[0].title, "One: \xc3\xa9 (1975)");
    assert_string_equal(d.facts[0].attributes, "{\"genres\": [\"Drama\", \"War\"], \"year\": 1975}");
    dataset_release(&d);
    put("ratings.csv", "userId,movieId,rating,timestamp\r\n1,31,2.5,1260759144\r\n");
    assert_ok(read_as("movielens", "", NULL, &d, err));
    assert_rows(&d, "1 31 2.5 1260759144");
    assert_null(d.facts);
    dataset_release(&d);
    put("movies.csv", "movieId,title,genres\r\n31,\"Wolf, The (1995)\",Drama|Children\r\n");
    assert_ok(read_as("movielens", "", NULL, &d, err));
    assert_string_equal(d.facts[0].title, "Wolf, The (1995)");
    assert_string_equal(d.facts[0].attributes, "{\"genres\": [\"Drama\", \"Children\"], \"year\": 1995}");
    dataset_release(&d);
}

static void test_elliot_folders_are_whole_or_split(void **state)
{
    (void)state;
    dataset d;
    assert_fails(read_as("elliot", "", NULL, &d, err), MEDLEY_E_NOT_FOUND, "has no train.tsv, dataset.tsv");
    put("dataset.tsv", "u\ti\t4\nv\ti\t2\n");
    assert_ok(read_as("elliot", "", NULL, &d, err));
    assert_rows(&d, "u i 4; v i 2");
    assert_false(d.ordered);
    dataset_release(&d);
    put("train.tsv", "u\ta\nv\tb\nu\tc\n");
    assert_fails(read_as("elliot", "", NULL, &d, err), MEDLEY_E_NOT_FOUND, "has no test.tsv");
    put("test.tsv", "v\td\nu\ta\n");
    assert_ok(read_as("elliot", "", NULL, &d, err));
    assert_rows(&d, "u a train; u c train; u a test; v b train; v d test");
    dataset_release(&d);
    put("validation.tsv", "u\te\n");
    assert_ok(read_as("elliot", "", NULL, &d, err));
    assert_rows(&d, "u a train; u c train; u e val; u a test; v b train; v d test");
    dataset_release(&d);
    put("val.tsv", "u\tf\n");
    assert_ok(read_as("elliot", "", NULL, &d, err));
    assert_rows(&d, "u a train; u c train; u f val; u a test; v b train; v d test");
    dataset_release(&d);
}

static void test_sequences_are_found_and_read(void **state)
{
    (void)state;
    static const char *const titles[] = {"file",           "b.txt",  "items_file", "titles.tsv",
                                         "items_encoding", "latin1", NULL};
    dataset d;
    assert_fails(read_as("sequences", "", NULL, &d, err), MEDLEY_E_NOT_FOUND, "input: '");
    assert_fails(read_as("sequences", "", NULL, &d, err), MEDLEY_E_NOT_FOUND, "has no .txt (plain, .gz or .zst)");
    put("README.txt", "not this one\n");
    put("titles.csv", "nor this\n");
    put("b.txt", "1 5\n1 3\n2 5\n");
    assert_ok(read_as("sequences", "", NULL, &d, err));
    assert_rows(&d, "1 5; 1 3; 2 5");
    assert_true(d.ordered);
    dataset_release(&d);
    put("c.txt", "1 5 3\n");
    assert_fails(read_as("sequences", "", NULL, &d, err), MEDLEY_E_CONFIG,
                 "has 2 files that may be meant (b.txt, c.txt); name one");
    assert_ok(read_as("sequences", "c.txt", NULL, &d, err));
    assert_rows(&d, "1 5; 1 3");
    dataset_release(&d);
    put("titles.tsv", "3\tdrei\n5\tf\xfcnf\n");
    assert_ok(read_as("sequences", "", titles, &d, err));
    assert_string_equal(d.facts[0].title, "f\xc3\xbcnf");
    assert_string_equal(d.facts[1].title, "drei");
    dataset_release(&d);
    assert_fails(read_as("sequences", "none.txt", NULL, &d, err), MEDLEY_E_NOT_FOUND, "none.txt");
}

static void test_delimited_takes_any_shape(void **state)
{
    (void)state;
    static const char *const shape[] = {
        "file",        "log",        "delimiter", "::",           "header",     "false",      "quotes",
        "false",       "user",       "3",         "item",         "1",          "rating",     "",
        "timestamp",   "2",          "time_unit", "milliseconds", "items_file", "books",      "items_delimiter",
        "semicolon",   "item_title", "name",      "item_text",    "what",       "item_image", "cover",
        "item_genres", "tags",       NULL};
    static const char *const wrong[] = {"delimiter", "\"", NULL}, *const long_one[] = {"delimiter", "abcde", NULL};
    dataset d;
    put("log", "b1::1234567890123::ann\nb2::1::\"bob\n");
    put("books", "id;name;what;cover;tags\nb1;\"Dune; I\";sand;d.png;sf|desert\n");
    assert_ok(read_as("delimited", "", shape, &d, err));
    assert_rows(&d, "ann b1 1234567890; \"bob b2 0");
    assert_string_equal(d.facts[0].title, "Dune; I");
    assert_string_equal(d.facts[0].text, "sand");
    assert_string_equal(d.facts[0].image, "d.png");
    assert_string_equal(d.facts[0].attributes, "{\"genres\": [\"sf\", \"desert\"]}");
    dataset_release(&d);
    put("plain.csv", "u,i\na,b\n");
    assert_ok(read_as("delimited", "plain.csv", NULL, &d, err));
    assert_rows(&d, "a b");
    dataset_release(&d);
    assert_fails(read_as("delimited", "plain.csv", wrong, &d, err), MEDLEY_E_CONFIG,
                 "delimiter: '\"' is no delimiter");
    assert_fails(read_as("delimited", "plain.csv", long_one, &d, err), MEDLEY_E_CONFIG,
                 "delimiter: 'abcde' is no delimiter");
    assert_fails(read_as("delimited", "", NULL, &d, err), MEDLEY_E_CONFIG, "is a folder; name the file");
}

static void test_packed_files_are_read_as_plain_ones(void **state)
{
    (void)state;
    static const char rows[] = "userId,movieId,rating,timestamp\n1,31,2.5,1260759144\n";
    char packed[300];
    dataset d;
    gzFile out = gzopen(test_path(folder, "ratings.csv.gz"), "wb");
    assert_int_equal(gzwrite(out, rows, sizeof rows - 1), (int)sizeof rows - 1);
    assert_int_equal(gzclose(out), Z_OK);
    const char movies[] = "movieId,title,genres\n31,Wolf,Drama\n";
    const size_t used = ZSTD_compress(packed, sizeof packed, movies, sizeof movies - 1, 3);
    test_write(test_path(folder, "movies.csv.zst"), packed, used);
    assert_ok(read_as("movielens", "", NULL, &d, err));
    assert_rows(&d, "1 31 2.5 1260759144");
    assert_string_equal(d.facts[0].title, "Wolf");
    assert_int_equal(d.sources[1].bytes, used);
    dataset_release(&d);
    put("ratings.csv", rows); /* the plain one is preferred */
    drop("movies.csv.zst");
    assert_ok(read_as("movielens", "", NULL, &d, err));
    assert_int_equal(d.sources[0].bytes, sizeof rows - 1);
    dataset_release(&d);
}

static void test_a_missing_input_is_named(void **state)
{
    (void)state;
    dataset d;
    assert_fails(read_as("movielens", "none", NULL, &d, err), MEDLEY_E_NOT_FOUND, "none' is not a folder");
    assert_fails(read_as("movielens", "", NULL, &d, err), MEDLEY_E_NOT_FOUND,
                 "has no ratings.csv, ratings.dat, u.data (plain, .gz or .zst)");
    put("file", "");
    assert_fails(read_as("movielens", "file", NULL, &d, err), MEDLEY_E_FORMAT, "file' is not a folder");
    assert_fails(read_as("elliot", "none", NULL, &d, err), MEDLEY_E_NOT_FOUND, "none' is not a folder");
    assert_fails(read_as("delimited", "none", NULL, &d, err), MEDLEY_E_NOT_FOUND, "none");
}

static void test_a_folder_without_a_file_of_the_form_is_told_what_is_accepted(void **state)
{
    (void)state;
    static const struct {
        const char *reader, *want;
    } cases[] = {
        {"sequences", "has no .txt (plain, .gz or .zst)"},
        {"amazon", "has no .json, .jsonl or .csv of reviews (plain, .gz or .zst)"},
        {"recbole", "has no .inter (plain, .gz or .zst)"},
        {"pixelrec", "has no .csv without item_info in its name (plain, .gz or .zst)"},
    };
    dataset d;
    put("notes.md", "");
    put("meta.json", "{'asin': 'a'}\n");
    put("x_item_info.csv", "item_id,title\nv,T\n");
    put("README.txt", "not a sequence\n");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (strcmp(cases[i].reader, "amazon") == 0)
            drop("x_item_info.csv"); /* any .csv may be one of 2023 */
        assert_fails(read_as(cases[i].reader, "", NULL, &d, err), MEDLEY_E_NOT_FOUND, cases[i].want);
    }
}

static void test_delimiters_have_names(void **state)
{
    (void)state;
    assert_string_equal(reader_delimiter("tab"), "\t");
    assert_string_equal(reader_delimiter("\\t"), "\t");
    assert_string_equal(reader_delimiter("comma"), ",");
    assert_string_equal(reader_delimiter("space"), " ");
    assert_string_equal(reader_delimiter("pipe"), "|");
    assert_string_equal(reader_delimiter("semicolon"), ";");
    assert_string_equal(reader_delimiter("::"), "::");
    assert_null(reader_delimiter(""));
    assert_null(reader_delimiter("a\nb"));
    assert_null(reader_delimiter("\""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_movielens_is_read_in_all_its_forms, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_elliot_folders_are_whole_or_split, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_sequences_are_found_and_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_delimited_takes_any_shape, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_packed_files_are_read_as_plain_ones, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_missing_input_is_named, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_folder_without_a_file_of_the_form_is_told_what_is_accepted, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_delimiters_have_names, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
