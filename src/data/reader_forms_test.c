/* Every published shape in small, as its publisher writes it. */
#include "read_dataset.h"

#include <sys/stat.h>

#include "base/base.h"
#include "fixture.h"
#include "read_forms.h"

/* ---- MovieLens ---- */

static void test_movielens_csv_has_tags_and_links(void **state)
{
    (void)state;
    static const char *const two[] = {"tags_most", "2", NULL}, *const none[] = {"tags_most", "0", NULL};
    dataset d;
    put("ratings.csv",
        "userId,movieId,rating,timestamp\n1,31,2.5,1260759144\n1,7,4,1260759145\n1,8,4,1260759146\n");
    put("movies.csv",
        "movieId,title,genres\n31,\"Wolf, The (1995)\",Drama|Children\n7,Sabrina,(no genres listed)\n");
    put("links.csv", "movieId,imdbId,tmdbId\n31,0112792,9598\n7,0114319,\n99,1,2\n");
    put("tags.csv",
        "userId,movieId,tag,timestamp\n1,31,dark,1\n2,31,\"a, b\",2\n3,31,wolves,3\n4,31,wolves,4\n5,8,x,5\n"
        "6,31,dark,6\n7,31,wolves,7\n8,99,alien,8\n");
    assert_ok(read_as("movielens", NULL, &d, err));
    assert_ids(&d.items, "31 7 8");
    assert_string_equal(facts_of(&d, "31")->title, "Wolf, The (1995)");
    assert_attributes(
        &d, "31",
        "{\"genres\": [\"Drama\", \"Children\"], \"year\": 1995, \"tags\": [\"wolves\", \"dark\", \"a, b\"], "
        "\"imdbId\": \"0112792\", \"tmdbId\": \"9598\"}");
    assert_attributes(&d, "7", "{\"imdbId\": \"0114319\"}");
    assert_attributes(&d, "8", "{\"tags\": [\"x\"]}");
    assert_int_equal(d.source_count, 4);
    dataset_release(&d);
    assert_ok(read_as("movielens", two, &d, err));
    assert_non_null(strstr(facts_of(&d, "31")->attributes, "\"tags\": [\"wolves\", \"dark\"]"));
    dataset_release(&d);
    assert_ok(read_as("movielens", none, &d, err));
    assert_null(strstr(facts_of(&d, "31")->attributes, "tags"));
    dataset_release(&d);
}

static void test_movielens_1m_has_users(void **state)
{
    (void)state;
    dataset d;
    put("ratings.dat", "1::1193::5::978300760\n");
    put("movies.dat", "1193::One: \xe9 (1975)::Drama|War\n");
    put("users.dat", "1::F::1::10::48067\n2::M::56::16::70072\n");
    assert_ok(read_as("movielens", NULL, &d, err));
    assert_string_equal(user_of(&d, "1"),
                        "{\"gender\": \"F\", \"age\": 1, \"occupation\": \"10\", \"zip_code\": \"48067\"}");
    assert_non_null(user_of(&d, "2"));
    assert_null(user_of(&d, "3"));
    assert_ids(&d.users, "1"); /* those who rate */
    dataset_release(&d);
}

static void test_movielens_100k_flags_are_genres(void **state)
{
    (void)state;
    dataset d;
    put("u.data", "196\t242\t3\t881250949\n");
    put("u.item", "242|Kolya|24-Jan-1997||http://x|0|0|0|0|0|1|0|0|1|0|0|0|0|0|0|0|0|0|0\n"
                  "1|\xc9t\xe9|||http://x|1|0|0|0|0|0|0|0|0|0|0|0|0|0|0|0|0|0|0\n"
                  "2|None||||0|0|0|0|0|0|0|0|0|0|0|0|0|0|0|0|0|0|0\n");
    put("u.user", "196|49|M|writer|55105\n");
    assert_ok(read_as("movielens", NULL, &d, err));
    assert_attributes(&d, "242", "{\"genres\": [\"Comedy\", \"Drama\"], \"release_date\": \"24-Jan-1997\"}");
    assert_attributes(&d, "1", "{\"genres\": [\"unknown\"]}");
    assert_null(facts_of(&d, "2")->attributes);
    assert_string_equal(user_of(&d, "196"),
                        "{\"age\": 49, \"gender\": \"M\", \"occupation\": \"writer\", \"zip_code\": \"55105\"}");
    dataset_release(&d);
    put("u.genre", "none|0\nA|1\nB|2\nC|3\nD|4\nFunny|5\n\n");
    assert_ok(read_as("movielens", NULL, &d, err));
    assert_attributes(&d, "242", "{\"genres\": [\"Funny\"], \"release_date\": \"24-Jan-1997\"}");
    dataset_release(&d);
}

static void test_movielens_folds_are_a_fixed_split(void **state)
{
    (void)state;
    static const char *const first[] = {"fold", "u1", NULL}, *const wrong[] = {"fold", "u9", NULL},
                             *const absent[] = {"fold", "ua", NULL};
    dataset d;
    put("u1.base", "1\t10\t5\t100\n2\t10\t4\t50\n");
    put("u1.test", "1\t11\t3\t90\n");
    assert_ok(read_as("movielens", first, &d, err));
    assert_rows(&d, "1 11 3 90 test; 1 10 5 100 train; 2 10 4 50 train");
    dataset_release(&d);
    assert_fails(read_as("movielens", wrong, &d, err), MEDLEY_E_CONFIG,
                 "fold: 'u9' is none; accepted: u1, u2, u3, u4, u5, ua, ub or nothing");
    assert_fails(read_as("movielens", absent, &d, err), MEDLEY_E_NOT_FOUND, "has no ua.base");
}

static void test_images_are_found_by_item_id(void **state)
{
    (void)state;
    static const char *const covers[] = {"images", "covers", NULL}, *const absent[] = {"images", "none", NULL};
    dataset d;
    put("ratings.csv", "userId,movieId,rating,timestamp\n1,31,2.5,1\n1,7,4,2\n");
    assert_int_equal(mkdir(test_path(folder, "posters"), 0700), 0);
    assert_int_equal(mkdir(test_path(folder, "covers"), 0700), 0);
    put("posters/31.jpg", "");
    put("posters/31.png", "");
    put("posters/99.jpg", "");
    put("posters/7.txt", "");
    put("covers/7.webp", "");
    assert_ok(read_as("movielens", NULL, &d, err));
    assert_string_equal(facts_of(&d, "31")->image, "posters/31.jpg");
    assert_null(facts_of(&d, "7")->image);
    assert_ids(&d.items, "31 7");
    dataset_release(&d);
    assert_ok(read_as("movielens", covers, &d, err));
    assert_string_equal(facts_of(&d, "7")->image, "covers/7.webp");
    dataset_release(&d);
    assert_fails(read_as("movielens", absent, &d, err), MEDLEY_E_NOT_FOUND, "none");
}

/* ---- The Movies Dataset ---- */

static void test_the_movies_dataset_is_joined_through_links(void **state)
{
    (void)state;
    static const char *const one[] = {"cast_most", "1", NULL};
    dataset d;
    put("ratings_small.csv", ratings_csv);
    put("links.csv", links_csv);
    put("movies_metadata.csv",
        "adult,belongs_to_collection,budget,genres,id,original_title,overview,popularity,release_date,title\n"
        "False,\"{'id': 10194, 'name': 'Toy Story Collection', 'poster_path': None}\",30000000,"
        "\"[{'id': 16, 'name': 'Animation'}, {'id': 35, 'name': \"\"It's Comedy\"\"}]\",862,Toy Story,"
        "\"Led by Woody,\nAndy's \"\"toys\"\"\",21.946943,1995-10-30,Toy Story\n"
        "False,,0,[],8844,Jumanji,When,,,Jumanji\n"
        "False,,0,[],5,Nobody rated,Text,,,Nobody\n");
    put("credits.csv",
        "cast,crew,id\n"
        "\"[{'cast_id': 14, 'name': 'Tom Hanks'}, {'name': 'Tim Allen'}]\","
        "\"[{'job': 'Director', 'name': 'John Lasseter'}, {'job': 'Writer', 'name': 'Joss'}]\",862\n");
    put("keywords.csv", "id,keywords\n8844,\"[{'id': 1, 'name': 'board game'}]\"\n");
    assert_ok(read_as("movies_dataset", NULL, &d, err));
    assert_ids(&d.items, "1 2 3");
    assert_string_equal(facts_of(&d, "1")->title, "Toy Story");
    assert_string_equal(facts_of(&d, "3")->title, "Toy Story"); /* two movies of one TMDB id */
    assert_string_equal(facts_of(&d, "1")->text, "Led by Woody,\nAndy's \"toys\"");
    assert_attributes(&d, "1",
                      "{\"genres\": [\"Animation\", \"It's Comedy\"], \"collection\": [\"Toy Story Collection\"], "
                      "\"release_date\": \"1995-10-30\", \"budget\": 30000000, \"popularity\": 21.946943, "
                      "\"cast\": [\"Tom Hanks\", \"Tim Allen\"], \"directors\": [\"John Lasseter\"]}");
    assert_attributes(&d, "2", "{\"budget\": 0, \"keywords\": [\"board game\"]}");
    dataset_release(&d);
    assert_ok(read_as("movies_dataset", one, &d, err));
    assert_non_null(strstr(facts_of(&d, "1")->attributes, "\"cast\": [\"Tom Hanks\"]"));
    dataset_release(&d);
    drop("movies_metadata.csv");
    assert_fails(read_as("movies_dataset", NULL, &d, err), MEDLEY_E_NOT_FOUND,
                 "has no movies_metadata.csv, tmdb_5000_movies.csv");
}

static void test_broken_rows_of_the_movies_dataset_are_named_and_skipped(void **state)
{
    (void)state;
    dataset d;
    put("ratings.csv", ratings_csv);
    put("links.csv", links_csv);
    put("movies_metadata.csv", "budget,genres,id,title\n"
                               "0,[],862,Toy Story\n"
                               " - Written by,0.065736,/ff9q.jpg\n"
                               "0,\"[{'id': 16, 'name': 'Anim\",8844,Cut\n"
                               "much,[],8844,Number\n"
                               "0,[],8844,Jumanji\n");
    assert_fails(read_as("movies_dataset", NULL, &d, err), MEDLEY_E_FORMAT,
                 "movies_metadata.csv:3: 3 columns; expected 4 (3 of 5 rows are bad");
    assert_ok(read_path(rt, "movies_dataset", folder, &skipping, NULL, &d, err));
    assert_int_equal(d.bad_kept, 3);
    assert_int_equal(d.bad[1].line, 4);
    assert_int_equal(d.bad[1].column, 2);
    assert_string_equal(d.bad[1].reason, "byte 22: a text that is not closed");
    assert_int_equal(d.bad[2].column, 1);
    assert_string_equal(d.bad[2].reason, "'much' is not a number");
    assert_string_equal(facts_of(&d, "2")->title, "Jumanji");
    dataset_release(&d);
}

static void test_movielens_takes_texts_from_tmdb(void **state)
{
    (void)state;
    static const char *const tmdb[] = {"metadata_file", "tmdb_5000_movies.csv", NULL}, *const texts[] = {
                                                                                           "texts_file",
                                                                                           "overviews.csv", NULL};
    dataset d;
    put("ratings.csv", ratings_csv);
    put("movies.csv", "movieId,title,genres\n1,Toy Story (1995),Adventure\n2,Jumanji (1995),Fantasy\n");
    put("tmdb_5000_movies.csv", "genres,id,keywords,overview,title,vote_count\n"
                                "\"[{\"\"id\"\": 28, \"\"name\"\": \"\"Action\"\"}]\",862,"
                                "\"[{\"\"id\"\": 1, \"\"name\"\": \"\"toy\"\"}]\",Led by Woody,Toy Story,5415\n");
    assert_fails(read_as("movielens", tmdb, &d, err), MEDLEY_E_NOT_FOUND,
                 "has no links.csv, which tells TMDB's ids");
    put("links.csv", links_csv);
    assert_ok(read_as("movielens", tmdb, &d, err));
    assert_string_equal(facts_of(&d, "1")->title, "Toy Story (1995)"); /* the first title counts */
    assert_string_equal(facts_of(&d, "1")->text, "Led by Woody");
    assert_attributes(
        &d, "1",
        "{\"genres\": [\"Adventure\"], \"year\": 1995, \"imdbId\": \"0114709\", \"tmdbId\": \"862\", "
        "\"keywords\": [\"toy\"], \"vote_count\": 5415}");
    dataset_release(&d);
    put("overviews.csv", "movie_id,title,overview\n2,x,\"About a game\"\n");
    assert_ok(read_as("movielens", texts, &d, err));
    assert_string_equal(facts_of(&d, "2")->text, "About a game");
    assert_string_equal(facts_of(&d, "2")->title, "Jumanji (1995)");
    dataset_release(&d);
}

/* ---- Elliot, PixelRec ---- */

static void test_elliot_meta_and_images_say_what_items_are(void **state)
{
    (void)state;
    static const char *const named[] = {"meta_file", "m.tsv", "meta_item", "key", "meta_text", "words", NULL};
    dataset d;
    put("reviews.tsv", "u\ta\t5.0\nv\tb\t2.0\n");
    put("meta.tsv", "asin\tdescription\tcolour\na\tA \"\"red\"\" hat\tred\nb\tA coat\t\n");
    assert_int_equal(mkdir(test_path(folder, "images"), 0700), 0);
    put("images/b.jpeg", "");
    assert_ok(read_as("elliot", NULL, &d, err));
    assert_rows(&d, "u a 5; v b 2");
    assert_string_equal(facts_of(&d, "a")->text, "A \"\"red\"\" hat");
    assert_attributes(&d, "a", "{\"colour\": \"red\"}");
    assert_string_equal(facts_of(&d, "b")->image, "images/b.jpeg");
    dataset_release(&d);
    put("m.tsv", "key\twords\nb\tWarm\n");
    assert_ok(read_as("elliot", named, &d, err));
    assert_string_equal(facts_of(&d, "b")->text, "Warm");
    assert_null(facts_of(&d, "a")->text);
    dataset_release(&d);
}

static void test_pixelrec_has_counts_and_covers(void **state)
{
    (void)state;
    dataset d;
    put("Pixel200K.csv", "item_id,user_id,timestamp\nv1,u1,1655196462\nv2,u1,1655196463000\n");
    assert_ok(read_as("pixelrec", NULL, &d, err));
    assert_rows(&d, "u1 v1 1655196462; u1 v2 1655196463");
    assert_null(d.facts);
    dataset_release(&d);
    put("Pixel200K_item_info.csv", "item_id,view_number,comment_number,thumbup_number,title,tag,description\n"
                                   "v1,1200,3,45,\"Cats, again\",animals,Two cats\nv2,,,,,,\n");
    assert_int_equal(mkdir(test_path(folder, "covers"), 0700), 0);
    put("covers/v2.jpg", "");
    assert_ok(read_as("pixelrec", NULL, &d, err));
    assert_string_equal(facts_of(&d, "v1")->title, "Cats, again");
    assert_string_equal(facts_of(&d, "v1")->text, "Two cats");
    assert_attributes(&d, "v1", "{\"tags\": [\"animals\"], \"views\": 1200, \"comments\": 3, \"likes\": 45}");
    assert_string_equal(facts_of(&d, "v2")->image, "covers/v2.jpg");
    dataset_release(&d);
    put("other.csv", "item_id,user_id,timestamp\n");
    assert_fails(read_as("pixelrec", NULL, &d, err), MEDLEY_E_CONFIG, "file: '" /* the folder */);
}

/* ---- Amazon ---- */

static void test_amazon_2014_is_read_and_its_dicts_too(void **state)
{
    (void)state;
    dataset d;
    put_gzip("reviews_Office_5.json.gz", reviews_2014);
    assert_ok(read_as("amazon", NULL, &d, err));
    assert_rows(&d, "A2SU x/y 1 7; A2SU 0000013714 5 1252800000; B\xc3\xa9 0000013714 2 1252800001");
    assert_null(d.facts);
    dataset_release(&d);
    put_zstd("meta_Office.json.zst",
             "{'asin': '0000013714', 'title': \"It's a Cat's\", 'description': 'Caf\\xe9 & more', 'price': 12.99, "
             "'imUrl': 'http://e.com/a.jpg', 'related': {'also_bought': ['1', '2']}, 'salesRank': {'Office': 31}, "
             "'brand': 'Acme', 'categories': [['Office', 'Pens'], ['Office', 'Gifts']]}\n"
             "{'asin': 'new'}\n");
    assert_ok(read_as("amazon", NULL, &d, err));
    assert_ids(&d.items, "0000013714 x/y new");
    assert_string_equal(facts_of(&d, "0000013714")->title, "It's a Cat's");
    assert_string_equal(facts_of(&d, "0000013714")->text, "Caf\xc3\xa9 & more");
    assert_string_equal(facts_of(&d, "0000013714")->image, "http://e.com/a.jpg");
    assert_attributes(&d, "0000013714",
                      "{\"categories\": [\"Office\", \"Pens\", \"Gifts\"], \"brand\": \"Acme\", \"price\": 12.99, "
                      "\"sales_rank\": 31}");
    dataset_release(&d);
    assert_ok(read_path(rt, "amazon", test_path(folder, "reviews_Office_5.json.gz"), &stopping, NULL, &d, err));
    assert_null(d.facts); /* the file alone */
    dataset_release(&d);
}

static void test_amazon_2018_has_lists_and_prices_as_text(void **state)
{
    (void)state;
    dataset d;
    put("Office.json",
        "{\"overall\": 4.0, \"vote\": \"5\", \"verified\": true, \"reviewerID\": \"u\", \"asin\": \"a\", "
        "\"style\": {\"Size:\": \" \\\"L\\\"}\"}, \"image\": [\"http://i\"], \"unixReviewTime\": 1514764800}\n");
    put("meta_Office.json",
        "{\"category\": [\"Office\", \"Ink\"], \"description\": [\"One.\", \"\", \"Two.\"], \"title\": \"Ink\", "
        "\"price\": \"$1,299.50\", \"imageURLHighRes\": [\"http://hi/1.jpg\", \"http://hi/2.jpg\"], \"asin\": \"a\", "
        "\"main_cat\": \"Office Products\", \"brand\": \"\"}\n"
        "{\"asin\": \"b\", \"title\": \"Range\", \"price\": \"$1.99 - $5.00\", \"description\": [], "
        "\"imageURL\": []}\n");
    assert_ok(read_as("amazon", NULL, &d, err));
    assert_rows(&d, "u a 4 1514764800");
    assert_string_equal(facts_of(&d, "a")->text, "One.  Two.");
    assert_string_equal(facts_of(&d, "a")->image, "http://hi/1.jpg");
    assert_attributes(&d, "a",
                      "{\"categories\": [\"Office\", \"Ink\"], \"main_category\": \"Office Products\", "
                      "\"price\": 1299.5}");
    assert_null(facts_of(&d, "b")->attributes);
    assert_null(facts_of(&d, "b")->image);
    dataset_release(&d);
}

static void test_amazon_2023_uses_parents_and_milliseconds(void **state)
{
    (void)state;
    dataset d;
    put("Office.jsonl",
        "{\"rating\": 3.0, \"title\": \"ok\", \"text\": \"\", \"images\": [{\"small_image_url\": \"http\"}], "
        "\"asin\": \"child\", \"parent_asin\": \"P\", \"user_id\": \"U\", \"timestamp\": 1677939345945, "
        "\"helpful_vote\": 0, \"verified_purchase\": true}\n");
    put("meta_Office.jsonl",
        "{\"main_category\": \"Office\", \"title\": \"Pen\", \"average_rating\": 4.5, \"rating_number\": 12, "
        "\"features\": [\"Blue\", \"Fine\"], \"description\": [], \"price\": null, \"images\": [{\"thumb\": \"t\", "
        "\"large\": \"l\", \"variant\": \"MAIN\", \"hi_res\": null}], \"store\": \"BIC\", "
        "\"categories\": [\"Office\", \"Pens\"], \"details\": {\"Ink\": \"Gel\"}, \"parent_asin\": \"P\"}\n");
    assert_ok(read_as("amazon", NULL, &d, err));
    assert_rows(&d, "U P 3 1677939345");
    assert_string_equal(facts_of(&d, "P")->text, "Blue Fine");
    assert_string_equal(facts_of(&d, "P")->image, "l");
    assert_attributes(
        &d, "P",
        "{\"categories\": [\"Office\", \"Pens\"], \"main_category\": \"Office\", \"brand\": \"BIC\", "
        "\"average_rating\": 4.5, \"rating_number\": 12}");
    dataset_release(&d);
}

static void test_amazon_2023_tables_fix_a_split(void **state)
{
    (void)state;
    dataset d;
    put("Office.train.csv", "user_id,parent_asin,rating,timestamp\nU,P,3.0,1677939345945\n");
    put("Office.valid.csv", "user_id,parent_asin,rating,timestamp\nU,Q,4.0,1677939346945\n");
    assert_fails(read_as("amazon", NULL, &d, err), MEDLEY_E_NOT_FOUND, "has no Office.test.csv");
    put("Office.test.csv", "user_id,parent_asin,rating,timestamp\nU,R,5.0,1677939347945\n");
    assert_ok(read_as("amazon", NULL, &d, err));
    assert_rows(&d, "U P 3 1677939345 train; U Q 4 1677939346 val; U R 5 1677939347 test");
    dataset_release(&d);
    drop("Office.train.csv");
    drop("Office.valid.csv");
    assert_ok(read_as("amazon", NULL, &d, err)); /* the only table */
    assert_rows(&d, "U R 5 1677939347");
    dataset_release(&d);
}

static void test_a_bad_review_is_named_by_line_and_key(void **state)
{
    (void)state;
    static const struct {
        const char *line, *want;
    } cases[] = {
        {"[1]", "r.json:2: byte 1 of the line: not a JSON object"},
        {"{\"reviewerID\": \"u\", \"asin\": \"a\", \"overall\": 5",
         "r.json:2: byte 46 of the line: no ',' or '}'"},
        {"{\"reviewerID\": \"u\", \"asin\": \"a\", \"overall\": 5}", "r.json:2: 'unixReviewTime' is missing"},
        {"{\"reviewerID\": \"u\", \"asin\": [\"a\"], \"overall\": 5, \"unixReviewTime\": 5}",
         "r.json:2: 'asin' is neither text nor number"},
        {"{\"reviewerID\": \"u\", \"asin\": \"a\", \"overall\": \"5\", \"unixReviewTime\": 5}",
         "r.json:2: 'overall' is not a number"},
        {"{\"reviewerID\": \"u\", \"asin\": \"\", \"overall\": 5, \"unixReviewTime\": 5}",
         "r.json:2: asin: an id of 0 bytes"},
        {"{\"reviewerID\": \"u\", \"asin\": \"a\", \"overall\": 5e9, \"unixReviewTime\": 5}",
         "r.json:2: overall: rating 5e+09 is outside 0..1000"},
        {"{\"reviewerID\": \"u\", \"asin\": \"a\", \"overall\": 5, \"unixReviewTime\": -5}",
         "r.json:2: unixReviewTime: time -5 is outside"},
        {"{\"reviewerID\": \"\\ud800\", \"asin\": \"a\", \"overall\": 5, \"unixReviewTime\": 5}",
         "r.json:2: 'reviewerID' has an escape that JSON does not know"},
        {"{\"reviewerID\": \"\xe9\", \"asin\": \"a\", \"overall\": 5, \"unixReviewTime\": 5}",
         "r.json:2: reviewerID: byte 0xe9 is not UTF-8"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        text content = {.rt = rt};
        dataset d;
        text_format(&content, "%s\n%s\n",
                    "{\"reviewerID\": \"ok\", \"asin\": \"ok\", \"overall\": 5, \"unixReviewTime\": 5}",
                    cases[i].line);
        put("r.json", content.bytes);
        text_release(&content);
        assert_fails(read_as("amazon", NULL, &d, err), MEDLEY_E_FORMAT, cases[i].want);
        assert_ok(read_path(rt, "amazon", folder, &skipping, NULL, &d, err));
        assert_rows(&d, "ok ok 5 5");
        assert_int_equal(d.sources[0].bad, 1);
        dataset_release(&d);
    }
    dataset d;
    put("r.json", "{\"a\": 1}\n");
    assert_fails(read_as("amazon", NULL, &d, err), MEDLEY_E_FORMAT, "r.json:1: no review: accepted are");
    put("r.json", reviews_2014);
    put("meta.json", "{'asin': 'a'}\n{'title': 'b'}\n['asin']\n{'asin': 'c'\n");
    assert_fails(read_as("amazon", NULL, &d, err), MEDLEY_E_FORMAT,
                 "meta.json:2: no text 'asin' or 'parent_asin' (3 of 4 rows are bad");
}

/* ---- RecBole, MMRec ---- */

static void test_recbole_headers_tell_types(void **state)
{
    (void)state;
    dataset d;
    put("ml.inter",
        "user_id:token\titem_id:token\trating:float\ttimestamp:float\n1\t10\t4\t881250949\n2\t11\t3\t9\n");
    put("ml.item", "item_id:token\tmovie_title:token_seq\trelease_year:token\tclass:token_seq\tprice:float\n"
                   "10\tToy Story\t1995\tAnimation Children's\t9.5\n11\tHeat\t\t\t\n");
    put("ml.user", "user_id:token\tage:float\tgender:token\n1\t24\tM\n");
    assert_ok(read_as("recbole", NULL, &d, err));
    assert_rows(&d, "1 10 4 881250949; 2 11 3 9");
    assert_string_equal(facts_of(&d, "10")->title, "Toy Story");
    assert_attributes(&d, "10",
                      "{\"release_year\": \"1995\", \"class\": [\"Animation\", \"Children's\"], \"price\": 9.5}");
    assert_null(facts_of(&d, "11")->attributes);
    assert_string_equal(user_of(&d, "1"), "{\"age\": 24, \"gender\": \"M\"}");
    dataset_release(&d);
    put("other.inter", "x\n");
    assert_fails(read_as("recbole", NULL, &d, err), MEDLEY_E_CONFIG,
                 "has 2 files that may be meant (ml.inter, other");
    static const char *const named[] = {"name", "ml", NULL};
    assert_ok(read_as("recbole", named, &d, err));
    dataset_release(&d);
}

static void test_recbole_types_are_known_and_fit_their_roles(void **state)
{
    (void)state;
    static const struct {
        const char *file, *content, *want;
    } cases[] = {
        {"x.inter", "user_id:token\titem_id:tokin\n1\t4\n",
         "x.inter:1: column 2: type 'tokin'; accepted: token, token_seq, float, float_seq"},
        {"x.inter", "user_id:float\titem_id:token\n1\t4\n",
         "x.inter:1: column 1: type 'float' for the user; accepted: token"},
        {"x.inter", "user_id:token\titem_id:token_seq\n1\t4\n",
         "x.inter:1: column 2: type 'token_seq' for the item; accepted: token"},
        {"x.inter", "user_id:token\titem_id:token\trating:token\n1\t4\t5\n",
         "x.inter:1: column 3: type 'token' for the rating; accepted: float"},
        {"x.inter", "user_id:token\titem_id:token\ttimestamp:float_seq\n1\t4\t5\n",
         "x.inter:1: column 3: type 'float_seq' for the time; accepted: float"},
        {"x.inter", "user_id:token\titem_id:token\tnote:\n1\t4\t5\n",
         "x.inter:1: column 3: type ''; accepted: token, "},
        {"x.item", "item_id:token\tprice:number\n4\t5\n",
         "x.item:1: column 2: type 'number'; accepted: token, token_seq, float, float_seq"},
        {"x.item", "item_id:float\n4\n", "x.item:1: column 1: type 'float' for the item; accepted: token"},
        {"x.item", "item_id:token\ttext:float_seq\n4\t0.5 0.25\n",
         "x.item:1: column 2: type 'float_seq' for the text; accepted: token, token_seq"},
        {"x.user", "user_id:token_seq\n1\n", "x.user:1: column 1: type 'token_seq' for the user; accepted: token"},
    };
    dataset d;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        put("x.inter", "user_id:token\titem_id:token\n1\t4\n");
        put(cases[i].file, cases[i].content);
        assert_fails(read_as("recbole", NULL, &d, err), MEDLEY_E_FORMAT, cases[i].want);
        drop(cases[i].file);
    }
    put("x.inter", "user_id:token\titem_id\trating:float\tx_label:float\n1\t4\t5\t0.0\n"); /* some without */
    assert_ok(read_as("recbole", NULL, &d, err));
    assert_rows(&d, "1 4 5 train");
    dataset_release(&d);
}

static void test_mmrec_and_elliot_features_are_passed_over(void **state)
{
    (void)state;
    dataset d;
    put("baby.inter", "userID\titemID\trating\ttimestamp\tx_label\n0\t5\t5.0\t30\t0\n");
    put("image_feat.npy", "\x93NUMPY");
    put("text_feat.npy", "\x93NUMPY");
    put("user_graph_dict.npy", "\x93NUMPY");
    put("i_id_mapping.csv", "asin\titemID\nB00\t5\n");
    put("u_id_mapping.csv", "user_id\tuserID\nA1\t0\n");
    put("meta-baby.csv", "itemID,title\n5,Bib\n");
    assert_ok(read_as("recbole", NULL, &d, err));
    assert_rows(&d, "0 5 5 30 train");
    assert_int_equal(d.source_count, 1);
    assert_null(d.facts);
    dataset_release(&d);
    put("dataset.tsv", "0\t5\t1\n");
    assert_int_equal(mkdir(test_path(folder, "visual"), 0700), 0);
    assert_int_equal(mkdir(test_path(folder, "images"), 0700), 0);
    put("visual/5.npy", "\x93NUMPY");
    put("images/5.npy", "\x93NUMPY");
    assert_ok(read_as("elliot", NULL, &d, err));
    assert_rows(&d, "0 5 1");
    assert_null(d.facts);
    dataset_release(&d);
}

static void test_recbole_benchmark_files_and_mmrec_labels_fix_a_split(void **state)
{
    (void)state;
    dataset d;
    put("b.part1.inter", "user_id:token\titem_id:token\n1\t10\n");
    put("b.part2.inter", "user_id:token\titem_id:token\n1\t11\n");
    put("b.part3.inter", "user_id:token\titem_id:token\n1\t12\n");
    assert_ok(read_as("recbole", NULL, &d, err));
    assert_rows(&d, "1 10 train; 1 11 val; 1 12 test");
    dataset_release(&d);
    drop("b.part1.inter");
    put("b.inter",
        "userID\titemID\trating\ttimestamp\tx_label\n0\t5\t5.0\t30\t2\n0\t6\t5.0\t10\t0\n0\t7\t4.0\t20\t1\n");
    assert_ok(read_as("recbole", NULL, &d, err));
    assert_rows(&d, "0 6 5 10 train; 0 7 4 20 val; 0 5 5 30 test");
    dataset_release(&d);
    put("b.inter", "userID\titemID\tx_label\n0\t5\t3\n");
    assert_fails(read_as("recbole", NULL, &d, err), MEDLEY_E_FORMAT,
                 "b.inter:2: column 3: '3' is no part; accepted: 0, 1, 2 or train, val, test");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_movielens_csv_has_tags_and_links),
        TEST(test_movielens_1m_has_users),
        TEST(test_movielens_100k_flags_are_genres),
        TEST(test_movielens_folds_are_a_fixed_split),
        TEST(test_images_are_found_by_item_id),
        TEST(test_the_movies_dataset_is_joined_through_links),
        TEST(test_broken_rows_of_the_movies_dataset_are_named_and_skipped),
        TEST(test_movielens_takes_texts_from_tmdb),
        TEST(test_elliot_meta_and_images_say_what_items_are),
        TEST(test_pixelrec_has_counts_and_covers),
        TEST(test_amazon_2014_is_read_and_its_dicts_too),
        TEST(test_amazon_2018_has_lists_and_prices_as_text),
        TEST(test_amazon_2023_uses_parents_and_milliseconds),
        TEST(test_amazon_2023_tables_fix_a_split),
        TEST(test_a_bad_review_is_named_by_line_and_key),
        TEST(test_recbole_headers_tell_types),
        TEST(test_recbole_types_are_known_and_fit_their_roles),
        TEST(test_mmrec_and_elliot_features_are_passed_over),
        TEST(test_recbole_benchmark_files_and_mmrec_labels_fix_a_split),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
