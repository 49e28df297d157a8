/* Sequences and delimited text, what readers say of mistakes, any number of threads, failing memory, and the published
 * files where they are there. */
#include "read_dataset.h"

#include <sys/stat.h>

#include "base/base.h"
#include "fixture.h"
#include "read_forms.h"

/* ---- sequences ---- */

static void test_sequences_have_titles_through_an_id_map_and_attributes(void **state)
{
    (void)state;
    static const char *const titled[] = {
        "items_file", "movies.dat",  "items_delimiter", "::", "items_encoding", "latin1", "item_genres",
        "3",          "id_map_file", "map.tsv",         NULL};
    dataset d;
    put("Beauty.txt", "1 1 2 3\n2 3 1\n");
    put("Beauty_item2attributes.json", "{\"1\": [7, 8], \"3\": [\"x\", 9], \"99\": [1]}");
    put("movies.dat", "1198::Raiders::Action|Adventure\n914::My \xe9 Lady::Musical\n5::Unmapped::Drama\n");
    put("map.tsv", "1\t1198\n3\t914\n");
    assert_ok(read_as("sequences", titled, &d, err));
    assert_ids(&d.items, "1 2 3");
    assert_string_equal(facts_of(&d, "1")->title, "Raiders");
    assert_string_equal(facts_of(&d, "3")->title, "My \xc3\xa9 Lady");
    assert_attributes(&d, "1", "{\"genres\": [\"Action\", \"Adventure\"], \"attributes\": [\"7\", \"8\"]}");
    assert_attributes(&d, "3", "{\"genres\": [\"Musical\"], \"attributes\": [\"x\", \"9\"]}");
    assert_null(facts_of(&d, "2")->title);
    dataset_release(&d);
    put("Beauty_item2attributes.json", "{\"1\": 7}");
    assert_fails(read_as("sequences", NULL, &d, err), MEDLEY_E_FORMAT,
                 "Beauty_item2attributes.json:1: an item whose attributes are no list");
}

static void test_an_attribute_that_is_no_value_leaves_nothing_of_its_line(void **state)
{
    (void)state;
    static const char *const wrong[] = {"{\"1\": [7], \"2\": [{\"a\": 1}]}", "{\"1\": [7], \"2\": [[1]]}",
                                        "{\"1\": [7], \"2\": [null]}", "{\"1\": [7], \"2\": [true]}"};
    dataset d;
    put("x.txt", "1 1 2\n");
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        put("x_item2attributes.json", wrong[i]);
        assert_fails(read_as("sequences", NULL, &d, err), MEDLEY_E_FORMAT,
                     "x_item2attributes.json:1: an item with an attribute that is neither text nor number");
        assert_ok(read_path(rt, "sequences", folder, &skipping, NULL, &d, err));
        assert_null(d.facts);
        assert_int_equal(d.bad_kept, 1);
        dataset_release(&d);
    }
}

/* ---- what is wrong, in the reader's own words ---- */

static void test_a_missing_column_is_named_by_what_it_is_for(void **state)
{
    (void)state;
    static const char *const through_map[] = {"file", "x.txt", "items_file", "titles", "id_map_file", "map", NULL};
    dataset d;
    put("ratings.csv", ratings_csv);
    put("tags.csv", "userId,movieId,timestamp\n1,1,5\n");
    assert_fails(read_as("movielens", NULL, &d, err), MEDLEY_E_FORMAT, "no column 'tag' for the attribute: ");
    put("movies_metadata.csv", "id,title\n862,T\n");
    put("links.csv", "movieId,imdbId\n1,2\n");
    assert_fails(read_as("movies_dataset", NULL, &d, err), MEDLEY_E_FORMAT,
                 "links.csv:1: no column 'tmdbId' for the id it joins: ");
    put("x.txt", "1 1 2\n");
    put("titles", "1\tOne\n");
    put("map", "1\n");
    assert_fails(read_as("sequences", through_map, &d, err), MEDLEY_E_FORMAT,
                 "map:1: no column '2' for the id it joins");
}

static void test_advice_names_settings_that_the_reader_has(void **state)
{
    (void)state;
    static const char *const tables[] = {"file",  "log",       "items_file", "items", "users_file",
                                         "users", "delimiter", "comma",      NULL};
    static const char *const titled[] = {"file", "x.txt", "items_file", "titles", NULL};
    dataset d;
    put("ratings.csv", "userId,movieId,rating,timestamp\n\xff,1,5,10\n");
    assert_fails(read_as("movielens", NULL, &d, err), MEDLEY_E_FORMAT,
                 "ratings.csv:2: column 1: byte 0xff is not UTF-8 (1 of 1");
    put("ratings.csv", "userId,movieId,rating,timestamp\n1,1,5,1260759144000\n");
    assert_fails(read_as("movielens", NULL, &d, err), MEDLEY_E_FORMAT,
                 "time 1260759144000 is outside 0..4102444799 seconds since 1970 (1 of 1");
    put("log", "u,i,r,t\na,b,5,1260759144000\n");
    assert_fails(read_as("delimited", tables, &d, err), MEDLEY_E_FORMAT,
                 "seconds since 1970 (milliseconds? set time_unit: milliseconds) (1 of 1");
    put("log", "u,i\n\xff,b\n");
    assert_fails(read_as("delimited", tables, &d, err), MEDLEY_E_FORMAT,
                 "byte 0xff is not UTF-8; for ISO 8859-1 set encoding: latin1 (1 of 1");
    put("log", "u,i\na,b\n");
    put("items", "id,title\nb,\xff\n");
    assert_fails(read_as("delimited", tables, &d, err), MEDLEY_E_FORMAT, "set items_encoding: latin1 (1 of 1");
    put("items", "id,title\nb,B\n");
    put("users", "id\n\xff\n");
    assert_fails(read_as("delimited", tables, &d, err), MEDLEY_E_FORMAT, "set users_encoding: latin1 (1 of 1");
    put("x.txt", "1 1 \xff\n");
    assert_fails(read_as("sequences", titled, &d, err), MEDLEY_E_FORMAT, "byte 0xff is not UTF-8 (1 of 1");
    put("x.txt", "1 1\n");
    put("titles", "1\t\xff\n");
    assert_fails(read_as("sequences", titled, &d, err), MEDLEY_E_FORMAT, "set items_encoding: latin1 (1 of 1");
}

/* ---- delimited ---- */

static void test_delimited_times_parts_and_tables(void **state)
{
    (void)state;
    static const char *const shape[] = {"file",
                                        "log.csv",
                                        "user",
                                        "who",
                                        "item",
                                        "what",
                                        "rating",
                                        "",
                                        "timestamp",
                                        "when",
                                        "time_format",
                                        "%Y-%m-%d %H:%M:%S",
                                        "part",
                                        "fold",
                                        "items_file",
                                        "items.csv",
                                        "item_categories",
                                        "tags, kinds",
                                        "item_numbers",
                                        "price",
                                        "item_attributes",
                                        "brand",
                                        "categories_separator",
                                        ";",
                                        "users_file",
                                        "users",
                                        "users_delimiter",
                                        "pipe",
                                        "user_numbers",
                                        "age",
                                        "user_attributes",
                                        "town",
                                        NULL};
    static const char *const iso[] = {"file", "iso.csv",     "rating",  "",  "timestamp",
                                      "3",    "time_format", "iso8601", NULL},
                             *const wrong[] = {"file", "iso.csv", "time_format", "%Q", NULL},
                             *const gap[] = {"file",         "iso.csv",  "rating",     "",
                                             "timestamp",    "",         "items_file", "items.csv",
                                             "item_numbers", "price,,x", NULL};
    dataset d;
    put("log.csv", "who,what,when,fold\nann,b1,2018-07-01 12:30:05,test\nann,b2,2018-06-30 00:00:00,train\n");
    put("items.csv", "id,title,price,brand,tags,kinds\nb1,Book,9.90,Acme,a;b,\nb2,Pen,,,,x\n");
    put("users", "id|age|town\nann|33|Bari\n");
    assert_ok(read_as("delimited", shape, &d, err));
    assert_rows(&d, "ann b2 1530316800 train; ann b1 1530448205 test");
    assert_attributes(&d, "b1", "{\"tags\": [\"a\", \"b\"], \"price\": 9.9, \"brand\": \"Acme\"}");
    assert_attributes(&d, "b2", "{\"kinds\": [\"x\"]}");
    assert_string_equal(user_of(&d, "ann"), "{\"age\": 33, \"town\": \"Bari\"}");
    dataset_release(&d);
    put("iso.csv", "u,i,t\na,b,2018-07-01T12:30:05Z\na,c,2018-07-01T14:30:04+02:00\n");
    assert_ok(read_as("delimited", iso, &d, err));
    assert_rows(&d, "a c 1530448204; a b 1530448205");
    dataset_release(&d);
    put("iso.csv", "u,i,t\na,b,yesterday\n");
    assert_fails(read_as("delimited", iso, &d, err), MEDLEY_E_FORMAT,
                 "iso.csv:2: column 3: 'yesterday' is not a time; accepted: iso8601");
    assert_fails(read_as("delimited", wrong, &d, err), MEDLEY_E_CONFIG, "time_format: '%Q' is none");
    assert_fails(read_as("delimited", gap, &d, err), MEDLEY_E_CONFIG, "item_numbers: 'price,,x'");
}

/* ---- any number of threads, no memory ---- */

/* Many rows with long tables, so that several blocks are under way. */
static void put_many(void)
{
    text rows = {.rt = rt}, items = {.rt = rt};
    for (int i = 0; i < 12000; i++)
        text_format(&rows,
                    "{\"reviewerID\": \"user%d\", \"reviewText\": \"%0*d \\\" {\", \"asin\": \"item%d\", "
                    "\"overall\": %d.0, \"unixReviewTime\": %d}\n",
                    i * 7 % 501, i % 90 + 1, i, i * 31 % 3001, i % 5 + 1, i * 13 % 9999);
    for (int i = 0; i < 6000; i++)
        text_format(&items, "{'asin': 'item%d', 'title': 'T%d', 'categories': [['c%d', '%0*d']]}\n", i % 4000, i,
                    i % 9, i % 99 + 1, i);
    put("r.json", rows.bytes);
    put("meta.json", items.bytes);
    text_release(&rows);
    text_release(&items);
}

static void test_threads_change_nothing(void **state)
{
    (void)state;
    dataset one;
    put_many();
    assert_ok(read_as("amazon", NULL, &one, err));
    assert_int_equal(one.repeated_items, 2000);
    for (int threads = 2; threads <= 4; threads *= 2) {
        test_memory more;
        medley_runtime *with = test_runtime(&more, threads);
        dataset d;
        assert_ok(read_path(with, "amazon", folder, &stopping, NULL, &d, err));
        assert_int_equal(d.count, one.count);
        assert_int_equal(d.items.count, one.items.count);
        assert_memory_equal(d.user, one.user, (size_t)d.count * sizeof *d.user);
        assert_memory_equal(d.item, one.item, (size_t)d.count * sizeof *d.item);
        assert_memory_equal(d.timestamp, one.timestamp, (size_t)d.count * sizeof *d.timestamp);
        for (int64_t i = 0; i < d.items.count; i++) {
            assert_string_equal(d.facts[i].title, one.facts[i].title);
            assert_string_equal(d.facts[i].attributes, one.facts[i].attributes);
        }
        dataset_release(&d);
        test_runtime_end(with, &more);
    }
    dataset_release(&one);
}

static void test_every_allocation_can_fail(void **state)
{
    (void)state;
    static const char *const tmdb[] = {"metadata_file", "movies_metadata.csv", NULL};
    dataset d;
    put("ratings.csv", ratings_csv);
    put("links.csv", links_csv);
    put("movies.csv", "movieId,title,genres\n1,A long enough title,X|Y\n");
    put("tags.csv", "userId,movieId,tag,timestamp\n1,1,dark,1\n1,1,light,1\n");
    put("movies_metadata.csv", "genres,id,title\n\"[{'name': 'Drama'}]\",862,T\n");
    assert_int_equal(mkdir(test_path(folder, "posters"), 0700), 0);
    put("posters/1.jpg", "");
    BRUTAL(rt, &memory, read_as("movielens", tmdb, &d, err), dataset_release(&d));
    put("a.json", reviews_2014);
    put("meta.json", "{'asin': 'x/y', 'title': 'T', 'description': ['a', 'b'], 'categories': ['c']}\n");
    BRUTAL(rt, &memory, read_as("amazon", NULL, &d, err), dataset_release(&d));
    put("r.inter", "userID\titemID\tx_label\n0\t5\t1\n0\t6\t0\n");
    put("r.item", "itemID\ttitle\tkind:token_seq\n5\tA\tb c\n");
    put("r.user", "userID\tage:float\n0\t5\n");
    BRUTAL(rt, &memory, read_as("recbole", NULL, &d, err), dataset_release(&d));
}

/* ---- real files ---- */

static const char *real_path(const char *name, const char *within)
{
    const char *data = test_data(name);
    return data == NULL ? NULL : within[0] != '\0' ? test_path(data, within) : data;
}

static int64_t with_attribute(const dataset *d, const char *key)
{
    int64_t count = 0;
    for (int64_t i = 0; i < d->items.count; i++)
        count += d->facts[i].attributes != NULL && strstr(d->facts[i].attributes, key) != NULL;
    return count;
}

static void test_ml_100k_as_published(void **state)
{
    (void)state;
    static const char *const first[] = {"fold", "u1", "texts_file", "items_tmdb.csv", NULL};
    const char *path = real_path("ml-100k", "");
    dataset d;
    int64_t parts[3] = {0}, images = 0, texts = 0;
    if (path == NULL)
        return;
    assert_ok(read_path(rt, "movielens", path, &stopping, first, &d, err));
    for (int64_t i = 0; i < d.count; i++)
        parts[d.part[i]]++;
    assert_int_equal(parts[PART_TRAIN], 80000);
    assert_int_equal(parts[PART_TEST], 20000);
    assert_int_equal(d.items.count, 1682);
    assert_int_equal(d.user_table.count, 943);
    assert_int_equal(with_attribute(&d, "\"genres\""), 1682);
    assert_string_equal(facts_of(&d, "1")->title, "Toy Story (1995)");
    assert_attributes(
        &d, "1",
        "{\"genres\": [\"Animation\", \"Children's\", \"Comedy\"], \"release_date\": \"01-Jan-1995\", \"year\": 1995}");
    for (int64_t i = 0; i < d.items.count; i++) {
        images += d.facts[i].image != NULL;
        texts += d.facts[i].text != NULL;
    }
    assert_true(images > 100);
    assert_true(texts > 1600);
    dataset_release(&d);
}

static void test_tmdb_5000_as_published(void **state)
{
    (void)state;
    const char *path = real_path("tmdb-5000", "tmdb_5000_movies.csv");
    dataset d;
    if (path == NULL)
        return;
    assert_int_equal(symlink(path, test_path(folder, "tmdb_5000_movies.csv")), 0);
    put("ratings.csv", "userId,movieId,rating,timestamp\n1,19995,5,10\n");
    assert_ok(read_as("movies_dataset", NULL, &d, err));
    assert_int_equal(d.sources[1].rows, 4803);
    assert_int_equal(d.sources[1].bad, 0);
    assert_int_equal(d.items.count, 4803);
    assert_int_equal(with_attribute(&d, "\"genres\""), 4775); /* 28 have an empty list */
    assert_string_equal(facts_of(&d, "19995")->title, "Avatar");
    assert_non_null(
        strstr(facts_of(&d, "19995")->attributes, "\"genres\": [\"Action\", \"Adventure\", \"Fantasy\", "));
    assert_non_null(strstr(facts_of(&d, "19995")->attributes, "\"Espa\xc3\xb1ol\""));
    dataset_release(&d);
}

static void test_ml_latest_small_as_published(void **state)
{
    (void)state;
    static const char *const tmdb[] = {"metadata_file", "../tmdb-5000/tmdb_5000_movies.csv", NULL};
    const bool tmdb_there = test_data("tmdb-5000") != NULL;
    const char *path = real_path("ml-latest-small", "");
    dataset d;
    int64_t texts = 0;
    if (path == NULL || !tmdb_there)
        return;
    assert_ok(read_path(rt, "movielens", path, &stopping, tmdb, &d, err));
    assert_int_equal(d.count, 100836);
    assert_int_equal(d.items.count, 9742);
    assert_int_equal(with_attribute(&d, "\"imdbId\""), 9742);
    assert_int_equal(with_attribute(&d, "\"tags\""), 1572);
    for (int64_t i = 0; i < d.items.count; i++)
        texts += d.facts[i].text != NULL;
    assert_int_equal(texts, 3537);
    dataset_release(&d);
}

static void test_ml_1m_sequences_and_beauty_as_published(void **state)
{
    (void)state;
    static const char *const settings[] = {
        "file",        "sequences_sasid.txt",  "items_file", "movies.dat",  "items_delimiter",
        "::",          "items_encoding",       "latin1",     "item_genres", "3",
        "id_map_file", "sasid_to_movieid.tsv", NULL};
    const char *path = real_path("ml-1m-sequences", "");
    dataset d;
    int64_t titles = 0;
    if (path != NULL) {
        assert_ok(read_path(rt, "sequences", path, &stopping, settings, &d, err));
        assert_int_equal(d.count, 999601);
        assert_int_equal(d.items.count, 3416);
        for (int64_t i = 0; i < d.items.count; i++)
            titles += d.facts[i].title != NULL;
        assert_int_equal(titles, with_attribute(&d, "\"genres\""));
        assert_true(titles >= 3260);
        dataset_release(&d);
    }
    path = real_path("amazon-beauty-sequences", "");
    if (path != NULL) {
        assert_ok(read_path(rt, "sequences", path, &stopping, NULL, &d, err));
        assert_int_equal(d.count, 198502);
        assert_int_equal(d.items.count, 12101);
        assert_int_equal(with_attribute(&d, "\"attributes\""), 12101);
        dataset_release(&d);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_sequences_have_titles_through_an_id_map_and_attributes),
        TEST(test_an_attribute_that_is_no_value_leaves_nothing_of_its_line),
        TEST(test_a_missing_column_is_named_by_what_it_is_for),
        TEST(test_advice_names_settings_that_the_reader_has),
        TEST(test_delimited_times_parts_and_tables),
        TEST(test_threads_change_nothing),
        TEST(test_every_allocation_can_fail),
        TEST(test_ml_100k_as_published),
        TEST(test_tmdb_5000_as_published),
        TEST(test_ml_latest_small_as_published),
        TEST(test_ml_1m_sequences_and_beauty_as_published),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
