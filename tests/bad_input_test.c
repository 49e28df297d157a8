/* Bad input through the public API: each is refused in one line that names file, line, column, value and
 * what is accepted, and leaves neither a store nor a piece of one; or the old store, byte for byte. */
#include "operate.h"

#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

enum { LONGEST_RECORD = 16 * 1024 * 1024, SETTINGS = 5 };

static test_memory memory;
static medley_runtime *rt;
static char *folder;
static char store[4096]; /* folder/store */

static int set_up(void **state)
{
    (void)state;
    rt = test_runtime(&memory, 2);
    folder = test_folder();
    snprintf(store, sizeof store, "%s/store", folder);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    test_folder_end(folder);
    test_runtime_end(rt, &memory);
    return 0;
}

static medley_status prepare(const char *const *settings, medley_error *err)
{
    medley_report *report;
    const medley_status status = operate(rt, medley_prepare, settings, &report, err);
    medley_report_free(report);
    return status;
}

/* ---- what is on the disk ---- */

static bool exists(const char *path)
{
    struct stat st;
    return lstat(path, &st) == 0;
}

static void make_old_store(void)
{
    char input[4200], to[4200];
    snprintf(input, sizeof input, "input=%s/old.csv", folder);
    snprintf(to, sizeof to, "store=%s", store);
    const char *const settings[] = {"format=delimited", input, to, NULL};
    test_write_text(test_path(folder, "old.csv"), "user,item\nu,a\nv,a\n");
    assert_ok(prepare(settings, err));
}

/* ---- refusals ---- */

static void assert_one_line(const char *message)
{
    for (const char *p = message; *p != '\0'; p++)
        if ((unsigned char)*p < 0x20)
            fail_msg("'%s' is more than a line", message);
    assert_true(message[0] != '\0');
    assert_true(message[strlen(message) - 1] != '.');
}

typedef struct refusal {
    const char
        *settings[SETTINGS]; /* besides input and store; the input is the scratch folder or the file in it */
    medley_status status;
    const char *want[4]; /* parts of the message, in this order */
} refusal;

static void assert_parts(const refusal *r, medley_status status, const char *message)
{
    const char *at = message;
    assert_one_line(message);
    for (int i = 0; i < 4 && r->want[i] != NULL; i++) {
        at = strstr(at, r->want[i]);
        if (status != r->status || at == NULL)
            fail_msg("%s '%s', expected %s '...%s...'", medley_status_name(status), message,
                     medley_status_name(r->status), r->want[i]);
    }
}

/* Refused where there is no store, and where there is one that may be replaced. `name` is the input in the
 * scratch folder, "" the folder itself. */
static void assert_refused(const char *name, const refusal *r)
{
    char input[4200], to[4200];
    const char *settings[SETTINGS + 4] = {input, to};
    int count = 2;
    snprintf(input, sizeof input, "input=%s/%s", folder, name);
    snprintf(to, sizeof to, "store=%s", store);
    for (int i = 0; i < SETTINGS && r->settings[i] != NULL; i++)
        settings[count++] = r->settings[i];
    for (int again = 0; again < 2; again++) {
        medley_error err = {MEDLEY_OK, ""};
        text before = {.rt = rt}, after = {.rt = rt};
        if (again) {
            make_old_store();
            settings[count++] = "force=true";
        }
        list_tree(folder, &before);
        const medley_status status = prepare(settings, &err);
        assert_parts(r, status, err.message);
        assert_int_equal(err.status, status);
        list_tree(folder, &after);
        assert_string_equal(after.bytes, before.bytes);
        assert_int_equal(exists(store), again);
        text_release(&before);
        text_release(&after);
    }
}

/* A row of the table: a file and what is said of it. */
typedef struct bad_file {
    const char *bytes;
    size_t length;
    refusal refusal;
} bad_file;

#define BYTES(literal) literal, sizeof(literal) - 1
#define DELIMITED "format=delimited"

static const bad_file bad_files[] = {
    {BYTES(""), {{DELIMITED}, MEDLEY_E_FORMAT, {"/x: an empty file; expected a header and rows"}}},
    {BYTES("user,item,rating\n"), {{DELIMITED}, MEDLEY_E_FORMAT, {"/x: no rows; at least one is needed"}}},
    {BYTES("\n\n\n"), {{DELIMITED}, MEDLEY_E_FORMAT, {"/x:1: no column '2' for the item"}}},
    {BYTES("user;item;rating\nu;i;5\n"),
     {{DELIMITED},
      MEDLEY_E_FORMAT,
      {"/x:1: no column '2' for the item", "1 column, 'user;item;rating'", "is the delimiter right?"}}},
    {BYTES("user,item\nu,i\n"),
     {{DELIMITED, "item=product"}, MEDLEY_E_FORMAT, {"/x:1: no column 'product' for the item", "'user,item'"}}},
    {BYTES("u\0s\0e\0r\0\n\0"), {{DELIMITED}, MEDLEY_E_FORMAT, {"/x:1: no column '2' for the item"}}},
    {BYTES("\0\0\0\0\0\0\0\0"), {{DELIMITED}, MEDLEY_E_FORMAT, {"/x:1: no column '2' for the item"}}},
    {BYTES("user,item\nu,i\nu,a\0b\n"),
     {{DELIMITED}, MEDLEY_E_FORMAT, {"/x:3: column 2: a NUL byte", "accepted: text", "1 of 2 rows"}}},
    {BYTES("user,item,rating\nu,i,5\0\n"),
     {{DELIMITED}, MEDLEY_E_FORMAT, {"/x:2: column 3: '5", "is not a number"}}},
    {BYTES("user,item\nRen\xe9,i\n"),
     {{DELIMITED}, MEDLEY_E_FORMAT, {"/x:2: column 1: byte 0xe9 is not UTF-8", "set encoding: latin1"}}},
    {BYTES("user,item\n\xc3\x28,i\n"), {{DELIMITED}, MEDLEY_E_FORMAT, {"/x:2: column 1: byte 0xc3 is not UTF-8"}}},
    {BYTES("user,item,rating\nu,i,5\nu,j,nan\n"),
     {{DELIMITED}, MEDLEY_E_FORMAT, {"/x:3: column 3: 'nan' is not a number", "accepted: a rating in 0..1000"}}},
    {BYTES("user,item,rating\nu,i,5\nu,j,-inf\n"),
     {{DELIMITED}, MEDLEY_E_FORMAT, {"/x:3: column 3: '-inf' is not a number"}}},
    {BYTES("user,item,rating\nu,i,-0.5\n"),
     {{DELIMITED},
      MEDLEY_E_FORMAT,
      {"/x:2: column 3: rating -0.5 is outside 0..1000", "(rating_min, rating_max)"}}},
    {BYTES("user,item,rating\nu,i,1e30\n"),
     {{DELIMITED}, MEDLEY_E_FORMAT, {"/x:2: column 3: rating 1e+30 is outside 0..1000"}}},
    {BYTES("user,item,rating\nu,i,6\n"),
     {{DELIMITED, "rating_max=5"}, MEDLEY_E_FORMAT, {"/x:2: column 3: rating 6 is outside 0..5"}}},
    {BYTES("user,item,rating,time\nu,i,5,1589000000000\n"),
     {{DELIMITED},
      MEDLEY_E_FORMAT,
      {"/x:2: column 4: time 1589000000000 is outside 0..4102444799", "set time_unit: milliseconds"}}},
    {BYTES("user,item,rating,time\nu,i,5,-62135596800\n"),
     {{DELIMITED}, MEDLEY_E_FORMAT, {"/x:2: column 4: time -62135596800 is outside"}}},
    {BYTES("user,item,rating,time\nu,i,5,99999999999999999999999\n"),
     {{DELIMITED},
      MEDLEY_E_FORMAT,
      {"/x:2: column 4: '99999999999999999999999' is not a time", "accepted: seconds since 1970"}}},
    {BYTES("user,item,rating,time\nu,i,5,yesterday\n"),
     {{DELIMITED}, MEDLEY_E_FORMAT, {"/x:2: column 4: 'yesterday' is not a time"}}},
    {BYTES("user,item,rating\nu,i,5\nu,j\n"), {{DELIMITED}, MEDLEY_E_FORMAT, {"/x:3: 2 columns; expected 3"}}},
    {BYTES("user,item,rating\nu,i,j,5\n"), {{DELIMITED}, MEDLEY_E_FORMAT, {"/x:2: 4 columns; expected 3"}}},
    {BYTES("user,item\n,i\n"),
     {{DELIMITED}, MEDLEY_E_FORMAT, {"/x:2: column 1: an id of 0 bytes; accepted: 1..4096 bytes"}}},
    {BYTES("user,item\nu,\"i\nv,j\nw,k\n"),
     {{DELIMITED}, MEDLEY_E_FORMAT, {"/x:2: a quoted field that starts here is never closed"}}},
    {BYTES("user,item,rating\nu,i,\"5\n6\"\n"),
     {{DELIMITED}, MEDLEY_E_FORMAT, {"/x:2: column 3: '5?6' is not a number"}}},
    {BYTES("user,item,rating\nu,i,\xff\xfe\x1b[31m\n"),
     {{DELIMITED}, MEDLEY_E_FORMAT, {"/x:2: column 3: '???[31m' is not a number"}}},
    {BYTES("PK\x03\x04 and so on"),
     {{DELIMITED}, MEDLEY_E_FORMAT, {"/x: a zip archive; accepted: plain, gzip, zstd"}}},
    {BYTES("\x1f\x8b\x08 and no more of it"),
     {{DELIMITED}, MEDLEY_E_FORMAT, {"/x: byte ", " of the compressed file: "}}},
    {BYTES("\x28\xb5\x2f\xfd and no more of it"),
     {{DELIMITED}, MEDLEY_E_FORMAT, {"/x: byte ", " of the compressed file: "}}},
    {BYTES("1 2 3\n4\n"), {{"format=sequences"}, MEDLEY_E_FORMAT, {"/x:2: 1 column; expected at least 2"}}},
    {BYTES("user,item\nu,i\n"),
     {{DELIMITED, "delimiter=\"\""}, MEDLEY_E_CONFIG, {"delimiter: '\"\"' is no delimiter; accepted: comma"}}},
    {BYTES("user,item\nu,i\n"),
     {{DELIMITED, "rating_treshold=3"},
      MEDLEY_E_CONFIG,
      {"unknown key 'rating_treshold'", "did you mean 'rating_threshold'?"}}},
    {BYTES("user,item\nu,i\n"),
     {{"format=movielen"}, MEDLEY_E_CONFIG, {"format: unknown 'movielen'", "did you mean 'movielens'?"}}},
    {BYTES("user,item\nu,i\n"),
     {{DELIMITED, "rating_threshold=3"}, MEDLEY_E_CONFIG, {"rating_threshold: 3; the data set has no ratings"}}},
    {BYTES("user,item\nu,i\n"),
     {{DELIMITED, "min_user_interactions=2"}, MEDLEY_E_FORMAT, {"/x: no interaction is left after cleaning"}}},
};

static void test_every_bad_file_is_refused_in_one_line_and_leaves_nothing(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad_files / sizeof *bad_files; i++) {
        test_write(test_path(folder, "x"), bad_files[i].bytes, bad_files[i].length);
        assert_refused("x", &bad_files[i].refusal);
        test_folder_end(folder);
        folder = test_folder();
        snprintf(store, sizeof store, "%s/store", folder);
    }
}

static void test_an_enormous_line_is_refused_by_its_number(void **state)
{
    (void)state;
    static const refusal r = {{DELIMITED}, MEDLEY_E_FORMAT, {"/x:3: a record longer than 16 MiB"}};
    static const refusal open_quote = {
        {DELIMITED}, MEDLEY_E_FORMAT, {"/x:3: a record longer than 16 MiB; is a quoted field not closed?"}};
    static const char head[] = "user,item\nu,i\n";
    char *bytes;
    assert_ok(mem_alloc(rt, (int64_t)sizeof head - 1 + LONGEST_RECORD + 100, 1, &bytes, err));
    for (int quoted = 0; quoted < 2; quoted++) {
        memset(bytes, 'x', sizeof head - 1 + LONGEST_RECORD + 100);
        memcpy(bytes, head, sizeof head - 1);
        if (quoted)
            bytes[sizeof head - 1] = '"';
        test_write(test_path(folder, "x"), bytes, sizeof head - 1 + LONGEST_RECORD + 100);
        assert_refused("x", quoted ? &open_quote : &r);
        test_folder_end(folder);
        folder = test_folder();
        snprintf(store, sizeof store, "%s/store", folder);
    }
    mem_free(bytes);
}

static void test_a_cut_gz_is_refused_wherever_it_is_cut(void **state)
{
    (void)state;
    static const refusal r = {{"format=movielens"},
                              MEDLEY_E_FORMAT,
                              {"/ratings.csv.gz: byte ", " of the compressed file: the file is cut short"}};
    char whole[4200];
    size_t length;
    snprintf(whole, sizeof whole, "%s/whole.gz", folder);
    gzFile out = gzopen(whole, "wb");
    gzputs(out, "userId,movieId,rating,timestamp\n");
    for (int i = 0; i < 200; i++)
        gzprintf(out, "%d,%d,3.5,%d\n", i % 7, i * i % 91, 1000000000 + i * 7919);
    assert_int_equal(gzclose(out), Z_OK);
    char *bytes = test_read(whole, &length);
    assert_true(length > 300);
    static const size_t cuts[] = {20, 100, 250};
    for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
        test_write(test_path(folder, "ratings.csv.gz"), bytes, cuts[i]);
        assert_refused("", &r);
        char command[4200];
        snprintf(command, sizeof command, "rm -r '%s'", store);
        assert_int_equal(system(command), 0);
    }
    test_write(test_path(folder, "ratings.csv.gz"), bytes, length - 1);
    assert_refused("", &r);
    test_read_end(bytes);
}

static void test_a_table_of_items_is_held_to_the_same(void **state)
{
    (void)state;
    static const struct {
        const char *items;
        refusal refusal;
    } cases[] = {
        {"id,title\na,caf\xe9\n",
         {{DELIMITED, "file=x", "items_file=items"},
          MEDLEY_E_FORMAT,
          {"/items:2: column 2: byte 0xe9 is not UTF-8"}}},
        {"id,title\na\n",
         {{DELIMITED, "file=x", "items_file=items"}, MEDLEY_E_FORMAT, {"/items:2: 1 column; expected 2"}}},
        {"id,title\na,\"b\n",
         {{DELIMITED, "file=x", "items_file=items"}, MEDLEY_E_FORMAT, {"/items:2: a quoted field"}}},
        {"id,title\na,b\n", {{DELIMITED, "file=x", "items_file=none"}, MEDLEY_E_NOT_FOUND, {"has no none"}}},
        {"id,title\na,b\n",
         {{DELIMITED, "file=x", "items_file=items", "item_text=plot"},
          MEDLEY_E_FORMAT,
          {"/items:1: no column 'plot' for the text"}}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        test_write_text(test_path(folder, "x"), "user,item\nu,a\n");
        test_write_text(test_path(folder, "items"), cases[i].items);
        assert_refused("", &cases[i].refusal);
        test_folder_end(folder);
        folder = test_folder();
        snprintf(store, sizeof store, "%s/store", folder);
    }
}

/* ---- places ---- */

static void test_an_input_that_is_not_there_or_of_the_wrong_kind_is_named(void **state)
{
    (void)state;
    static const refusal missing = {
        {DELIMITED}, MEDLEY_E_NOT_FOUND, {"cannot open '", "/none.csv'", "No such file or directory"}};
    static const refusal no_folder = {
        {"format=movielens"}, MEDLEY_E_NOT_FOUND, {"input: '", "/none' is not a folder"}};
    static const refusal a_folder = {{DELIMITED}, MEDLEY_E_CONFIG, {"file: '", "is a folder; name the file"}};
    static const refusal folder_as_file = {{DELIMITED, "file=sub"}, MEDLEY_E_IO, {"/sub'", "Is a directory"}};
    static const refusal nothing_in_it = {{"format=movielens"},
                                          MEDLEY_E_NOT_FOUND,
                                          {"has no ratings.csv, ratings.dat, u.data (plain, .gz or .zst)"}};
    static const refusal a_file = {{"format=elliot"}, MEDLEY_E_FORMAT, {"input: '", "/file' is not a folder"}};
    assert_int_equal(mkdir(test_path(folder, "sub"), 0777), 0);
    test_write_text(test_path(folder, "file"), "u\ti\n");
    static const struct {
        const char *input;
        const refusal *refusal;
    } cases[] = {{"none.csv", &missing}, {"none", &no_folder},    {"sub", &a_folder},
                 {"", &folder_as_file},  {"sub", &nothing_in_it}, {"file", &a_file}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char command[4200];
        assert_refused(cases[i].input, cases[i].refusal);
        snprintf(command, sizeof command, "rm -r '%s'", store);
        assert_int_equal(system(command), 0);
    }
}

/* prepare run by user `as`. */
static void assert_place_refused_to(uid_t as, const char *place, medley_status want, const char *part)
{
    const uid_t self = geteuid();
    char input[4200], to[4300];
    const char *const settings[] = {DELIMITED, input, to, "force=true", NULL};
    medley_error err = {MEDLEY_OK, ""};
    snprintf(input, sizeof input, "input=%s/x", folder);
    snprintf(to, sizeof to, "store=%s", place);
    test_write_text(test_path(folder, "x"), "user,item\nu,i\n");
    text before = {.rt = rt}, after = {.rt = rt};
    list_tree(folder, &before);
    assert_int_equal(seteuid(as), 0);
    const medley_status status = prepare(settings, &err);
    assert_int_equal(seteuid(self), 0);
    list_tree(folder, &after);
    assert_string_equal(after.bytes, before.bytes);
    text_release(&before);
    text_release(&after);
    assert_one_line(err.message);
    if (status != want || strstr(err.message, part) == NULL)
        fail_msg("%s: %s '%s', expected %s '...%s...'", place, medley_status_name(status), err.message,
                 medley_status_name(want), part);
}

static void assert_place_refused(const char *place, medley_status want, const char *part)
{
    assert_place_refused_to(geteuid(), place, want, part);
}

static void test_a_store_that_cannot_be_there_is_refused(void **state)
{
    (void)state;
    test_write_text(test_path(folder, "file"), "precious");
    assert_place_refused(test_path(folder, "file/store"), MEDLEY_E_IO, "cannot create folder '");
    assert_place_refused(test_path(folder, "file"), MEDLEY_E_EXISTS,
                         "holds no dataset.json and is not replaced; remove it by hand");
    assert_int_equal(mkdir(test_path(folder, "thesis"), 0777), 0);
    test_write_text(test_path(folder, "thesis/chapter"), "precious");
    assert_place_refused(test_path(folder, "thesis"), MEDLEY_E_EXISTS,
                         "holds no dataset.json and is not replaced");
    assert_place_refused("/dev/null/store", MEDLEY_E_IO, "cannot create folder '/dev/null'");
    assert_place_refused("", MEDLEY_E_ARGUMENT, "the path of a folder to write is empty");
}

static void test_an_unwritable_place_is_refused(void **state)
{
    (void)state;
    enum { NOBODY = 65534 }; /* root may write everywhere */
    const uid_t self = geteuid();
    assert_int_equal(mkdir(test_path(folder, "closed"), 0500), 0);
    if (self == 0 && (seteuid(NOBODY) != 0 || seteuid(self) != 0)) {
        fprintf(stderr, "SKIPPED: root cannot be somebody else here\n");
        skip();
    }
    assert_place_refused_to(self == 0 ? NOBODY : self, test_path(folder, "closed/store"), MEDLEY_E_IO,
                            "Permission denied");
}

/* ---- what looks bad and is not ---- */

static void test_quotes_commas_and_line_ends_in_ids_are_kept(void **state)
{
    (void)state;
    static const char *const users[] = {"O'Neil, \"Tip\"", "two\nlines", " "}, *const items[] = {"a,b", "\"",
                                                                                                 "\r\n"};
    static const char *const titles[] = {"The \"Thing\", again\nand again", NULL, ",,,"};
    char input[4200], to[4200];
    medley_store *opened;
    test_write_text(
        test_path(folder, "x"),
        "user,item\r\n\"O'Neil, \"\"Tip\"\"\",\"a,b\"\r\n\"two\nlines\",\"\"\"\"\r\n\" \",\"\r\n\"\r\n");
    test_write_text(test_path(folder, "items"),
                    "id,title\n\"a,b\",\"The \"\"Thing\"\", again\nand again\"\n\"\r\n\",\",,,\"\n");
    snprintf(input, sizeof input, "input=%s", folder);
    snprintf(to, sizeof to, "store=%s", store);
    const char *const settings[] = {DELIMITED,          input, to, "file=x", "items_file=items", "on_error=stop",
                                    "clean_text=false", NULL};
    assert_ok(prepare(settings, err));
    assert_ok(medley_store_open(rt, store, &opened, err));
    assert_int_equal(medley_store_users(opened), 3);
    assert_int_equal(medley_store_items(opened), 3);
    for (int i = 0; i < 3; i++) {
        assert_string_equal(medley_store_user_id(opened, i), users[i]);
        assert_string_equal(medley_store_item_id(opened, i), items[i]);
        assert_int_equal(medley_store_user_index(opened, users[i]), i);
        assert_int_equal(medley_store_item_index(opened, items[i]), i);
        if (titles[i] != NULL)
            assert_string_equal(medley_store_item_title(opened, i), titles[i]);
        else
            assert_null(medley_store_item_title(opened, i));
    }
    medley_store_free(opened);
}

static void test_latin1_that_is_named_is_read(void **state)
{
    (void)state;
    char input[4200], to[4200];
    medley_store *opened;
    test_write_text(test_path(folder, "x"), "user,item\nRen\xe9,i\n");
    snprintf(input, sizeof input, "input=%s/x", folder);
    snprintf(to, sizeof to, "store=%s", store);
    const char *const settings[] = {DELIMITED, input, to, "encoding=latin1", NULL};
    assert_ok(prepare(settings, err));
    assert_ok(medley_store_open(rt, store, &opened, err));
    assert_int_equal(medley_store_user_index(opened, "Ren\xc3\xa9"), 0);
    medley_store_free(opened);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_every_bad_file_is_refused_in_one_line_and_leaves_nothing, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_an_enormous_line_is_refused_by_its_number, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_cut_gz_is_refused_wherever_it_is_cut, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_table_of_items_is_held_to_the_same, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_an_input_that_is_not_there_or_of_the_wrong_kind_is_named, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_a_store_that_cannot_be_there_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_an_unwritable_place_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_quotes_commas_and_line_ends_in_ids_are_kept, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_latin1_that_is_named_is_read, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
