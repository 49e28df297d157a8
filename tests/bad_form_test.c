/* Every form of raw data damaged in every way: one line that names file, line, column, value and what is accepted;
 * and neither a store nor a piece of one, or the old store, byte for byte. */
#include "refusal.h"

#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "inside_folder.h" /* last: it names a runtime and a folder */

static int set_up(void **state)
{
    static const char *const settings[] = {"format=delimited", "input=old.csv", "store=old", NULL};
    medley_report *report;
    (void)state;
    enter_folder(2);
    test_write_text("old.csv", "user,item\nu,a\nv,a\n");
    assert_ok(operate(rt, medley_prepare, settings, &report, err));
    medley_report_free(report);
    return 0;
}

enum { FILES_MOST = 6, SETTINGS_MOST = 8 };

typedef struct raw_file {
    const char *name, *bytes;
} raw_file;

/* A reader's settings and the files of its published shape, the interactions first. */
typedef struct raw_form {
    const char *name, *reader, *settings[SETTINGS_MOST];
    raw_file files[FILES_MOST];
} raw_form;

enum { FORMS = 13 };

static const raw_form forms[FORMS] = {
    {"movielens",
     "movielens",
     {NULL},
     {{"ratings.csv",
       "userId,movieId,rating,timestamp\n1,31,2.5,1260759144\n1,7,4,1260759145\n2,31,5,1260759146\n"},
      {"movies.csv", "movieId,title,genres\n31,\"Wolf, The (1995)\",Drama|Children\n7,Sabrina,Comedy\n"},
      {"links.csv", "movieId,imdbId,tmdbId\n31,0112792,9598\n7,0114319,862\n"},
      {"tags.csv", "userId,movieId,tag,timestamp\n1,31,dark,1\n"}}},
    {"movielens_1m",
     "movielens",
     {NULL},
     {{"ratings.dat", "1::1193::5::978300760\n"},
      {"movies.dat", "1193::One: \xe9 (1975)::Drama|War\n"},
      {"users.dat", "1::F::1::10::48067\n"}}},
    {"movielens_100k",
     "movielens",
     {NULL},
     {{"u.data", "196\t242\t3\t881250949\n"},
      {"u.item", "242|Kolya|24-Jan-1997||http://x|0|0|0|0|0|1|0|0|1|0|0|0|0|0|0|0|0|0|0\n"},
      {"u.user", "196|49|M|writer|55105\n"},
      {"u1.base", "196\t242\t3\t881250949\n"},
      {"u1.test", "196\t1\t3\t881250950\n"}}},
    {"elliot",
     "elliot",
     {NULL},
     {{"train.tsv", "u\ti\t1.0\t100\n"},
      {"test.tsv", "u\tj\t1.0\t99\n"},
      {"meta.tsv", "item\ttitle\tdescription\ni\tA hat\tRed\n"}}},
    {"sequences",
     "sequences",
     {"items_file=titles", "id_map_file=map"},
     {{"x.txt", "1 1 2 3\n2 3 1\n"},
      {"x_item2attributes.json", "{\"1\": [7, 8], \"3\": [\"x\", 9]}"},
      {"titles", "1\tA\n"},
      {"map", "1\t1198\n"}}},
    {"amazon",
     "amazon",
     {NULL},
     {{"reviews.json",
       "{\"reviewerID\": \"A\", \"asin\": \"1\", \"overall\": 5.0, \"unixReviewTime\": 1252800000}\n{\"reviewerID\": \"B\", \"asin\": \"2\", \"overall\": 1.0, \"unixReviewTime\": 1252800001}\n"},
      {"meta.json", "{'asin': '1', 'title': \"It's\", 'categories': [['Office', 'Pens']]}\n"}}},
    {"amazon_csv",
     "amazon",
     {NULL},
     {{"O.train.csv", "user_id,parent_asin,rating,timestamp\nU,P,3.0,1677939345945\n"},
      {"O.valid.csv", "user_id,parent_asin,rating,timestamp\nU,Q,4.0,1677939346945\n"},
      {"O.test.csv", "user_id,parent_asin,rating,timestamp\nU,R,5.0,1677939347945\n"}}},
    {"movies_dataset",
     "movies_dataset",
     {NULL},
     {{"ratings.csv", "userId,movieId,rating,timestamp\n1,1,5,10\n1,2,3,20\n"},
      {"links.csv", "movieId,imdbId,tmdbId\n1,0114709,862\n2,0113497,8844\n"},
      {"movies_metadata.csv",
       "genres,id,overview,title,vote_count\n\"[{'id': 16, 'name': 'Animation'}]\",862,\"Led by\nWoody\",Toy Story,5415\n"},
      {"credits.csv",
       "cast,crew,id\n\"[{'name': 'Tom', 'order': 0}]\",\"[{'job': 'Director', 'name': 'J'}]\",862\n"},
      {"keywords.csv", "id,keywords\n8844,\"[{'id': 1, 'name': 'board game'}]\"\n"}}},
    {"recbole",
     "recbole",
     {NULL},
     {{"x.inter",
       "user_id:token\titem_id:token\trating:float\ttimestamp:float\n1\t10\t4\t881250949\n2\t11\t3\t9\n"},
      {"x.item", "item_id:token\tmovie_title:token_seq\tprice:float\n10\tToy Story\t9.5\n"},
      {"x.user", "user_id:token\tage:float\n1\t24\n"}}},
    {"mmrec",
     "recbole",
     {NULL},
     {{"x.inter", "userID\titemID\trating\ttimestamp\tx_label\n0\t5\t5.0\t30\t2\n0\t6\t5.0\t10\t0\n"}}},
    {"pixelrec",
     "pixelrec",
     {NULL},
     {{"P.csv", "item_id,user_id,timestamp\nv1,u1,1655196462\nv2,u1,1655196463000\n"},
      {"P_item_info.csv",
       "item_id,view_number,title,tag,description\nv1,1200,\"Cats, again\",animals,Two cats\n"}}},
    {"delimited",
     "delimited",
     {"file=x", "items_file=items", "users_file=users", "item_numbers=price", "item_categories=tags",
      "user_numbers=age", "time_format=%Y-%m-%d %H:%M:%S"},
     {{"x", "who,what,stars,when\na,b,5,2018-07-01 12:30:05\n"},
      {"items", "id,title,price,tags\nb,Book,9.9,p|q\n"},
      {"users", "id,age,town\na,33,Bari\n"}}},
    {"catalogue",
     "catalogue",
     {"file=items", "numbers=price", "attributes=kind"},
     {{"items", "id,name,price,kind\nb,Book,9.9,p\nc,Coat,3,q\n"}}},
};

/* ---- files and refusals ---- */

static void remove_folder(const char *path)
{
    assert_ok(file_remove_tree(rt, path, err));
}

static const raw_form *form_called(const char *name)
{
    for (int f = 0; f < FORMS; f++)
        if (strcmp(forms[f].name, name) == 0)
            return &forms[f];
    fail_msg("'%s' is no form", name);
    return NULL;
}

/* Folds are read only when one is asked for. */
static bool is_fold(const char *name)
{
    return strncmp(name, "u1.", 3) == 0;
}

/* The form's files in a new folder raw. */
static void write_form(const raw_form *form)
{
    remove_folder("raw");
    assert_int_equal(mkdir("raw", 0777), 0);
    for (int i = 0; i < FILES_MOST && form->files[i].name != NULL; i++) {
        char path[128];
        snprintf(path, sizeof path, "raw/%s", form->files[i].name);
        test_write_text(path, form->files[i].bytes);
    }
}

enum { ALL_SETTINGS = 5 + SETTINGS_MOST };

/* store and setting: "key=value"; setting may be NULL. */
static void list_settings(const raw_form *form, const char *store, const char *setting, char format[64],
                          const char *out[ALL_SETTINGS])
{
    int count = 4;
    snprintf(format, 64, "format=%s", form->reader);
    out[0] = format;
    out[1] = "input=raw";
    out[2] = store;
    out[3] = "force=true";
    for (int i = 0; i < SETTINGS_MOST && form->settings[i] != NULL; i++)
        out[count++] = form->settings[i];
    out[count++] = setting;
    out[count] = NULL;
}

/* What is in raw is refused where there is no store, and where there is one that may be replaced. */
static void assert_form_refused(const raw_form *form, const char *setting, medley_status status, const char *want)
{
    static const char *const stores[] = {"store=none", "store=old"};
    for (int i = 0; i < 2; i++) {
        const char *settings[ALL_SETTINGS];
        char format[64];
        list_settings(form, stores[i], setting, format, settings);
        assert_refuses(rt, medley_prepare, settings, status, want);
    }
}

/* ---- the forms, whole ---- */

static void test_every_form_is_read_when_nothing_is_wrong(void **state)
{
    (void)state;
    bool seen[64] = {false};
    for (int f = 0; f < FORMS; f++) {
        const char *settings[ALL_SETTINGS];
        char format[64];
        medley_report *report;
        medley_entry reader;
        write_form(&forms[f]);
        list_settings(&forms[f], "store=new", NULL, format, settings);
        assert_ok(operate(rt, medley_prepare, settings, &report, err));
        medley_report_free(report);
        for (int64_t i = 0; medley_registry_entry("formats", i, &reader); i++)
            seen[i] |= strcmp(reader.name, forms[f].reader) == 0;
    }
    medley_entry reader;
    for (int64_t i = 0; medley_registry_entry("formats", i, &reader); i++)
        if (!seen[i])
            fail_msg("format %s has no form here", reader.name);
}

/* ---- damage that any form can have ---- */

static void test_interactions_that_cannot_be_are_refused_by_every_form(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t length;
        const char *want;
    } cases[] = {
        {"", 0, ""},
        {"\x1f\x8b\x08 and no more", 15, ": byte ... of the compressed file: "},
        {"\x28\xb5\x2f\xfd and no more", 16, ": byte ... of the compressed file: "},
        {"PK\x03\x04 and so on", 14, ": a zip archive; accepted: plain, gzip, zstd"},
        {"\0\0\0\0\n\0\0", 7, ":1: no "},
        {"\xff\xfe\xfa\n\xff\n", 6, ":1: no "},
        {"{}\n", 3, ":1: no "},
        {"\"\n", 2, ":1: "},
    };
    for (int f = 0; f < FORMS; f++)
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
            char path[128], want[256];
            write_form(&forms[f]);
            snprintf(path, sizeof path, "raw/%s", forms[f].files[0].name);
            snprintf(want, sizeof want, "%s%s", path, cases[i].want);
            test_write(path, cases[i].bytes, cases[i].length);
            assert_form_refused(&forms[f], NULL, MEDLEY_E_FORMAT, want);
        }
}

static void test_a_folder_in_the_place_of_a_file_is_refused_by_every_form(void **state)
{
    (void)state;
    for (int f = 0; f < FORMS; f++)
        for (int i = 0; i < FILES_MOST && forms[f].files[i].name != NULL; i++) {
            char path[128], want[256];
            if (is_fold(forms[f].files[i].name))
                continue;
            write_form(&forms[f]);
            snprintf(path, sizeof path, "raw/%s", forms[f].files[i].name);
            snprintf(want, sizeof want, "cannot open '%s': Is a directory", path);
            assert_int_equal(unlink(path), 0);
            assert_int_equal(mkdir(path, 0777), 0);
            assert_form_refused(&forms[f], NULL, MEDLEY_E_IO, want);
        }
}

/* Every file of every form, packed and cut in the middle. */
static void test_a_cut_archive_is_refused_by_every_form(void **state)
{
    (void)state;
    for (int f = 0; f < FORMS; f++)
        for (int i = 0; i < FILES_MOST && forms[f].files[i].name != NULL; i++) {
            char path[128], want[256];
            size_t length;
            if (is_fold(forms[f].files[i].name))
                continue;
            write_form(&forms[f]);
            snprintf(path, sizeof path, "raw/%s", forms[f].files[i].name);
            snprintf(want, sizeof want, "%s: byte ... of the compressed file: the file is cut short", path);
            gzFile out = gzopen(path, "wb");
            assert_true(gzputs(out, forms[f].files[i].bytes) > 0);
            assert_int_equal(gzclose(out), Z_OK);
            char *bytes = test_read(path, &length);
            assert_int_equal(unlink(path), 0);
            test_write(path, bytes, length - 9); /* without its end */
            assert_form_refused(&forms[f], NULL, MEDLEY_E_FORMAT, want);
            test_read_end(bytes);
        }
}

static void test_values_without_end_are_refused(void **state)
{
    (void)state;
    enum { LONG = 5000 };
    static const struct {
        const char *form, *name, *head;
        char fill;
        const char *want;
    } cases[] = {
        {"sequences", "x.txt", "1 ", 'x', "raw/x.txt:1: column 2: an id of 5000 bytes; accepted: 1..4096 bytes"},
        {"amazon", "meta.json", "{'asin': ", '[', "raw/meta.json:1: byte 73: nested deeper than 64 levels"},
        {"movielens", "ratings.csv", "userId,movieId,rating,timestamp\n1,", '7',
         "raw/ratings.csv:2: 2 columns; expected 4"},
        {"movies_dataset", "keywords.csv", "id,keywords\n8844,", '[',
         "raw/keywords.csv:2: column 2: byte ... nested deeper than 64 levels"},
        {"recbole", "x.inter", "user_id:token\titem_id:token\n1\t", 'x',
         "raw/x.inter:2: column 2: an id of 5000 bytes; accepted: 1..4096 bytes"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char path[128], bytes[LONG + 256];
        const size_t head = strlen(cases[i].head);
        memcpy(bytes, cases[i].head, head);
        memset(bytes + head, cases[i].fill, LONG);
        bytes[head + LONG] = '\n';
        write_form(form_called(cases[i].form));
        snprintf(path, sizeof path, "raw/%s", cases[i].name);
        test_write(path, bytes, head + LONG + 1);
        assert_form_refused(form_called(cases[i].form), NULL, MEDLEY_E_FORMAT, cases[i].want);
    }
}

/* ---- damage of one form ---- */

static void test_every_damage_is_refused_in_one_line_and_leaves_nothing(void **state)
{
    (void)state;
    char *const cases = test_read(MEDLEY_SOURCE_DIR "/tests/bad_forms.txt", NULL), *cursor = cases;
    refusal_case c;
    int count = 0;
    for (; next_case(&cursor, &c); count++) {
        const raw_form *const form = form_called(c.head);
        write_form(form);
        case_file(rt, &c);
        assert_form_refused(form, c.settings[0], c.status, c.want);
    }
    test_read_end(cases);
    assert_true(count > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_every_form_is_read_when_nothing_is_wrong, set_up, leave_folder),
        cmocka_unit_test_setup_teardown(test_interactions_that_cannot_be_are_refused_by_every_form, set_up,
                                        leave_folder),
        cmocka_unit_test_setup_teardown(test_a_folder_in_the_place_of_a_file_is_refused_by_every_form, set_up,
                                        leave_folder),
        cmocka_unit_test_setup_teardown(test_a_cut_archive_is_refused_by_every_form, set_up, leave_folder),
        cmocka_unit_test_setup_teardown(test_values_without_end_are_refused, set_up, leave_folder),
        cmocka_unit_test_setup_teardown(test_every_damage_is_refused_in_one_line_and_leaves_nothing, set_up,
                                        leave_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
