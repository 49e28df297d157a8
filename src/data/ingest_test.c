#include "read_dataset.h"

#include "base/base.h"

#include "fixture.h"

/* Writes `content` to one file and reads it. */
static medley_status read_text(const ingest_options *options, const char *content,
                               const interaction_layout *layout, dataset *out, medley_error *err)
{
    const input one = {.name = "x", .layout = layout};
    test_write_text(test_path(folder, "x"), content);
    return read_with(rt, folder, options, &one, 1, out, err);
}

/* ---- order ---- */

static void test_ids_are_numbered_by_first_appearance(void **state)
{
    (void)state;
    dataset d;
    assert_ok(read_text(&usual, "user,item,rating,time\nzoe,x,5,10\nanna,y,4,20\nzoe,a,3,5\nbob,x,1,7\n", &csv, &d,
                        err));
    assert_ids(&d.users, "zoe anna bob");
    assert_ids(&d.items, "x y a");
    assert_rows(&d, "zoe a 3 5; zoe x 5 10; anna y 4 20; bob x 1 7");
    assert_true(d.ordered);
    assert_int_equal(d.source_count, 1);
    assert_int_equal(d.sources[0].rows, 4);
    assert_int_equal(d.sources[0].bad, 0);
    assert_int_equal(strlen(d.sources[0].fingerprint), 32);
    dataset_release(&d);
}

static void test_equal_times_keep_their_input_order(void **state)
{
    (void)state;
    dataset d;
    assert_ok(read_text(&usual, "user,item,time\nu,e,9\nu,d,3\nv,q,1\nu,c,3\nu,b,9\nu,a,3\n", &csv, &d, err));
    assert_rows(&d, "u d 3; u c 3; u a 3; u e 9; u b 9; v q 1");
    dataset_release(&d);
}

static void test_without_times_the_input_order_stays(void **state)
{
    (void)state;
    dataset d;
    assert_ok(read_text(&usual, "user,item\nu,c\nv,b\nu,a\n", &csv, &d, err));
    assert_rows(&d, "u c; u a; v b");
    assert_false(d.ordered);
    assert_null(d.rating);
    assert_null(d.timestamp);
    assert_null(d.part);
    dataset_release(&d);
}

/* ---- fields ---- */

static void test_ratings_are_what_strtod_reads(void **state)
{
    (void)state;
    text out = {.rt = rt};
    text_add(&out, "user,item,rating\n");
    char numbers[400][32];
    int count = 0;
    for (int i = 0; i < 100; i++)
        snprintf(numbers[count++], sizeof numbers[0], "%d.%d", i / 10, i % 10);
    for (int i = 0; i < 100; i++)
        snprintf(numbers[count++], sizeof numbers[0], "%.*g", i % 17 + 1,
                 1000 * random_uniform(3, 0, (uint64_t)i));
    static const char *const more[] = {
        "0", "-0", "+1", "1e2", "1E-3", ".5", "5.", "000007", "1000", "3.14159265358979323846", "1e-400"};
    for (size_t i = 0; i < sizeof more / sizeof *more; i++)
        snprintf(numbers[count++], sizeof numbers[0], "%s", more[i]);
    for (int i = 0; i < count; i++)
        text_format(&out, "u,i%d,%s\n", i, numbers[i]);
    dataset d;
    assert_ok(read_text(&stopping, out.bytes, &csv, &d, err));
    text_release(&out);
    assert_int_equal(d.count, count);
    for (int i = 0; i < count; i++)
        assert_true(d.rating[i] == (float)strtod(numbers[i], NULL));
    dataset_release(&d);
}

static void test_times_of_every_length_are_read(void **state)
{
    (void)state;
    static const interaction_layout milliseconds = {
        .delimiter = ",", .user = "1", .item = "2", .timestamp = "3", .time_unit = TIME_MILLISECONDS, .part = -1};
    static const struct {
        const char *text;
        const interaction_layout *layout;
        int64_t want;
    } cases[] = {
        {"0", &csv, 0},
        {"7", &csv, 7},
        {"42", &csv, 42},
        {"123", &csv, 123},
        {"1234", &csv, 1234},
        {"12345", &csv, 12345},
        {"123456", &csv, 123456},
        {"1234567", &csv, 1234567},
        {"12345678", &csv, 12345678},
        {"123456789", &csv, 123456789},
        {"1234567890", &csv, 1234567890},
        {"4102444799", &csv, 4102444799},
        {"00000000000000000000000005", &csv, 5},
        {"0000001234567890", &csv, 1234567890},
        {"1234567890.75", &csv, 1234567890},
        {"9.6e8", &csv, 960000000},
        {"1234567890123", &milliseconds, 1234567890},
        {"1999", &milliseconds, 1},
        {"4102444799999", &milliseconds, 4102444799},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        text content = {.rt = rt};
        dataset d;
        text_format(&content, "%su,i,%s\n", cases[i].layout->header ? "user,item,time\n" : "", cases[i].text);
        assert_ok(read_text(&stopping, content.bytes, cases[i].layout, &d, err));
        if (d.timestamp[0] != cases[i].want)
            fail_msg("'%s': %lld", cases[i].text, (long long)d.timestamp[0]);
        dataset_release(&d);
        text_release(&content);
    }
}

static void test_a_bad_field_is_named_by_line_column_and_value(void **state)
{
    (void)state;
    static const struct {
        const char *row, *want;
    } cases[] = {
        {"u,i,nan,1", "x:3: column 3: 'nan' is not a number; accepted: a rating in 0..1000"},
        {"u,i,inf,1", "x:3: column 3: 'inf' is not a number"},
        {"u,i,,1", "x:3: column 3: '' is not a number"},
        {"u,i,4 ,1", "x:3: column 3: '4 ' is not a number"},
        {"u,i,0x10,1", "x:3: column 3: '0x10' is not a number"},
        {"u,i,1e999,1", "x:3: column 3: '1e999' is not a number"},
        {"u,i,-1,1", "x:3: column 3: rating -1 is outside 0..1000 (rating_min, rating_max)"},
        {"u,i,1000.5,1", "x:3: column 3: rating 1000.5 is outside 0..1000"},
        {"u,i,5,", "x:3: column 4: '' is not a time; accepted: seconds since 1970"},
        {"u,i,5,soon", "x:3: column 4: 'soon' is not a time"},
        {"u,i,5,1e300", "x:3: column 4: '1e300' is not a time"},
        {"u,i,5,2020-01-01", "x:3: column 4: '2020-01-01' is not a time"},
        {"u,i,5,12345678a", "x:3: column 4: '12345678a' is not a time"},
        {"u,i,5,1234567/", "x:3: column 4: '1234567/' is not a time"},
        {"u,i,5,-1", "x:3: column 4: time -1 is outside 0..4102444799 seconds since 1970"},
        {"u,i,5,1234567890123",
         "x:3: column 4: time 1234567890123 is outside 0..4102444799 seconds since 1970 (1 of 2"},
        {",i,5,1", "x:3: column 1: an id of 0 bytes; accepted: 1..4096 bytes"},
        {"u,,5,1", "x:3: column 2: an id of 0 bytes"},
        {"\xe9va,i,5,1", "x:3: column 1: byte 0xe9 is not UTF-8 (1 of 2"},
        {"u,i\xc3,5,1", "x:3: column 2: byte 0xc3 is not UTF-8"},
        {"u,i", "x:3: 2 columns; expected 4"},
        {"u", "x:3: 1 column; expected 4"},
        {"u,i,5,1,", "x:3: 5 columns; expected 4"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char content[300];
        dataset d;
        snprintf(content, sizeof content, "user,item,rating,time\nok,ok,5,1\n%s\n", cases[i].row);
        assert_fails(read_text(&usual, content, &csv, &d, err), MEDLEY_E_FORMAT, cases[i].want);
        assert_fails(read_text(&usual, content, &csv, &d, err), MEDLEY_E_FORMAT,
                     "(1 of 2 rows are bad; on_error: skip leaves them out)");
        assert_ok(read_text(&skipping, content, &csv, &d, err));
        assert_rows(&d, "ok ok 5 1");
        assert_ids(&d.users, "ok");
        assert_ids(&d.items, "ok");
        assert_int_equal(d.sources[0].bad, 1);
        assert_int_equal(d.bad_kept, 1);
        assert_int_equal(d.bad[0].line, 3);
        dataset_release(&d);
    }
}

static void test_a_nul_byte_is_refused_and_a_long_id_too(void **state)
{
    (void)state;
    static const char with_nul[] = "user,item\nok,ok\na\0b,i\n";
    static const input one = {.name = "x", .layout = &csv};
    dataset d;
    test_write(test_path(folder, "x"), with_nul, sizeof with_nul - 1);
    assert_fails(read_with(rt, folder, &usual, &one, 1, &d, err), MEDLEY_E_FORMAT,
                 "x:3: column 1: a NUL byte; accepted: text");
    for (int length = 4096; length <= 4097; length++) {
        text content = {.rt = rt};
        text_add(&content, "user,item\n");
        text_pad(&content, content.length, length);
        text_add(&content, ",i\n");
        if (length == 4096) {
            assert_ok(read_text(&stopping, content.bytes, &csv, &d, err));
            dataset_release(&d);
        } else {
            assert_fails(read_text(&stopping, content.bytes, &csv, &d, err), MEDLEY_E_FORMAT,
                         "x:2: column 1: an id of 4097 bytes; accepted: 1..4096 bytes");
        }
        text_release(&content);
    }
}

static void test_lines_are_counted_through_quoted_line_ends(void **state)
{
    (void)state;
    dataset d;
    assert_fails(read_text(&usual, "user,item\n\"a\nb\nc\",i\n\n\"d\n\",i\nu\n", &csv, &d, err), MEDLEY_E_FORMAT,
                 "x:8: 1 column");
}

static void test_ids_keep_every_byte(void **state)
{
    (void)state;
    dataset d;
    assert_ok(read_text(&usual, "user,item\n\"a,\"\"b\"\"\nc\", x \n\xc3\xa9va,'q'\n", &csv, &d, err));
    assert_rows(&d, "a,\"b\"\nc  x ; \xc3\xa9va 'q'");
    dataset_release(&d);
}

static void test_latin1_becomes_utf8(void **state)
{
    (void)state;
    static const interaction_layout latin1 = {
        .delimiter = "::", .encoding = ENCODING_LATIN1, .user = "1", .item = "2", .part = -1};
    dataset d;
    assert_ok(read_text(&usual, "\xe9va::gr\xfc\xdf\nplain::\xe9va\n\xe9va::\xff\n", &latin1, &d, err));
    assert_rows(&d, "\xc3\xa9va gr\xc3\xbc\xc3\x9f; \xc3\xa9va \xc3\xbf; plain \xc3\xa9va");
    dataset_release(&d);
}

/* ---- what is wrong with a whole file ---- */

static void test_a_file_that_cannot_be_meant_is_refused(void **state)
{
    (void)state;
    static const interaction_layout bare = {
        .delimiter = "\t", .user = "1", .item = "2", .rating = "3", .part = -1};
    static const struct {
        const char *content;
        const interaction_layout *layout;
        const char *want;
    } cases[] = {
        {"", &csv, "x: an empty file; expected a header and rows"},
        {"", &bare, "x: an empty file; expected rows"},
        {"\xef\xbb\xbf", &bare, "x: an empty file; expected rows"},
        {"user,item\n", &csv, "x: no rows; at least one is needed"},
        {"\n\n\n", &bare, "x:1: no column '2' for the item: the first line has 1 column, ''"},
        {"user;item\nu;i\n", &csv,
         "x:1: no column 'user' for the user: the first line has 1 column, 'user;item'; is the delimiter right?"},
        {"u,i,5\n", &bare, "x:1: no column '2' for the item: the first line has 1 column, 'u,i,5'"},
        {"u\ti\n", &bare, "x:1: no column '3' for the rating: the first line has 2 columns, 'u\?i'"},
        {"User,item\nu,i\n", &csv, "x:1: no column 'user' for the user"},
        {"user,item\n\"u\n", &csv, "x:2: a quoted field that starts here is never closed"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        dataset d;
        assert_fails(read_text(&usual, cases[i].content, cases[i].layout, &d, err), MEDLEY_E_FORMAT,
                     cases[i].want);
    }
}

static void test_only_bad_rows_are_no_data_set(void **state)
{
    (void)state;
    dataset d;
    assert_fails(read_text(&skipping, "user,item\nu\nv\n", &csv, &d, err), MEDLEY_E_FORMAT, "x: no usable rows");
}

static medley_status read_allowed(const char *rows, const char *items, const ingest_options *options, dataset *out,
                                  medley_error *err)
{
    ingest *in;
    test_write_text(test_path(folder, "x"), rows);
    test_write_text(test_path(folder, "items"), items);
    *out = (dataset){.rt = rt};
    TRY(ingest_create(rt, options, &in, err));
    ingest_allow_empty(in);
    medley_status status = ingest_interactions(in, test_path(folder, "x"), &csv, err);
    if (status == MEDLEY_OK)
        status = ingest_items(in, test_path(folder, "items"), &items_csv, err);
    if (status == MEDLEY_OK)
        status = ingest_finish(in, out, err);
    ingest_free(in);
    return status;
}

static void test_files_may_be_empty_where_that_is_allowed(void **state)
{
    (void)state;
    static const char *const rows[] = {"", "user,item,rating,time\n", "user,item\n\n\n"};
    static const char *const items[] = {"", "id,title\n"};
    dataset d;
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++)
        for (size_t i = 0; i < sizeof items / sizeof *items; i++) {
            assert_ok(read_allowed(rows[r], items[i], &usual, &d, err));
            assert_int_equal(d.count, 0);
            assert_int_equal(d.users.count, 0);
            assert_int_equal(d.items.count, 0);
            assert_int_equal(d.sources[0].rows + d.sources[1].rows, 0);
            dataset_release(&d);
        }
    assert_ok(read_allowed("user,item\n", "id,title\na,A\n", &usual, &d, err));
    assert_ids(&d.items, "a");
    dataset_release(&d);
    assert_ok(read_allowed("user,item\nu,a\n", "id,title\n", &usual, &d, err));
    assert_rows(&d, "u a");
    dataset_release(&d);
    assert_fails(read_allowed("user,item\nu\nv\n", "", &skipping, &d, err), MEDLEY_E_FORMAT, "x: no usable rows");
    assert_fails(read_allowed("user\n", "", &usual, &d, err), MEDLEY_E_FORMAT, "x:1: no column 'item'");
    BRUTAL(rt, &memory, read_allowed("user,item\n", "id,title\n", &usual, &d, err), dataset_release(&d));
}

static void test_nothing_read_is_refused(void **state)
{
    (void)state;
    dataset d;
    assert_fails(read_with(rt, folder, &usual, NULL, 0, &d, err), MEDLEY_E_ARGUMENT,
                 "no file of interactions was read");
}

static void test_files_of_one_data_set_have_the_same_columns(void **state)
{
    (void)state;
    static const input files[] = {{.name = "a", .layout = &csv}, {.name = "b", .layout = &csv}};
    static const struct {
        const char *first, *second, *want;
    } cases[] = {
        {"user,item,rating\nu,i,1\n", "user,item\nu,i\n", "b: has no ratings, unlike"},
        {"user,item\nu,i\n", "user,item,rating\nu,i,1\n", "b: has ratings, unlike"},
        {"user,item,time\nu,i,1\n", "user,item\nu,i\n", "b: has no times, unlike"},
    };
    dataset d;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        test_write_text(test_path(folder, "a"), cases[i].first);
        test_write_text(test_path(folder, "b"), cases[i].second);
        assert_fails(read_with(rt, folder, &usual, files, 2, &d, err), MEDLEY_E_FORMAT, cases[i].want);
    }
    test_write_text(test_path(folder, "b"), "time,rating,item,user\n7,1,i,v\n");
    test_write_text(test_path(folder, "a"), "user,item,rating,time\nu,i,2,3\n");
    assert_ok(read_with(rt, folder, &usual, files, 2, &d, err));
    assert_rows(&d, "u i 2 3; v i 1 7");
    dataset_release(&d);
}

/* ---- many bad rows ---- */

/* `bad` of the `rows` rows, spread over the file, are bad. */
static void write_bad(int rows, int bad)
{
    text out = {.rt = rt};
    text_add(&out, "user,item,rating\n");
    for (int i = 0; i < rows; i++)
        text_format(&out, "user%d,item%d,%s\n", i % 97, i % 89,
                    bad > 0 && i % (rows / bad) == rows / bad - 1 ? "x" : "5");
    test_write(test_path(folder, "x"), out.bytes, (size_t)out.length);
    text_release(&out);
}

static void test_up_to_one_row_in_a_thousand_is_skipped(void **state)
{
    (void)state;
    static const input one = {.name = "x", .layout = &csv};
    dataset d;
    write_bad(2000, 2);
    assert_ok(read_with(rt, folder, &usual, &one, 1, &d, err));
    assert_int_equal(d.count, 1998);
    assert_int_equal(d.sources[0].rows, 2000);
    assert_int_equal(d.sources[0].bad, 2);
    dataset_release(&d);
    assert_fails(read_with(rt, folder, &stopping, &one, 1, &d, err), MEDLEY_E_FORMAT,
                 "x:1001: column 3: 'x' is not a number");
    write_bad(2001, 3);
    assert_fails(read_with(rt, folder, &usual, &one, 1, &d, err), MEDLEY_E_FORMAT,
                 "x:668: column 3: 'x' is not a number; accepted: a rating in 0..1000 (3 of 2001 rows are bad");
}

static void test_the_first_bad_rows_are_told_for_any_number_of_threads(void **state)
{
    (void)state;
    static const input one = {.name = "x", .layout = &csv};
    enum { MANY = 100000, EVERY = 1000 };
    write_bad(MANY, MANY / EVERY);
    for (int threads = 1; threads <= 4; threads *= 2) {
        test_memory own;
        dataset d;
        medley_runtime *runtime = test_runtime(&own, threads);
        assert_ok(read_with(runtime, folder, &skipping, &one, 1, &d, err));
        assert_int_equal(d.sources[0].bad, MANY / EVERY);
        assert_int_equal(d.count, MANY - MANY / EVERY);
        assert_int_equal(d.bad_kept, INGEST_BAD_ROWS_KEPT);
        for (int i = 0; i < INGEST_BAD_ROWS_KEPT; i++) {
            assert_int_equal(d.bad[i].line, EVERY * (i + 1) + 1);
            assert_int_equal(d.bad[i].column, 3);
            assert_int_equal(d.bad[i].source, 0);
        }
        dataset_release(&d);
        assert_fails(read_with(runtime, folder, &stopping, &one, 1, &d, err), MEDLEY_E_FORMAT, "x:1001: column 3");
        test_runtime_end(runtime, &own);
    }
}

typedef struct lines_told {
    int count;
    char first[300], last[300];
} lines_told;

static void keep_line(void *context, medley_log_level level, const char *line)
{
    lines_told *told = context;
    assert_int_equal(level, MEDLEY_LOG_WARNING);
    snprintf(told->count++ == 0 ? told->first : told->last, sizeof told->first, "%s", line);
}

static void test_skipped_rows_are_logged_but_not_all(void **state)
{
    (void)state;
    static const input one = {.name = "x", .layout = &csv};
    lines_told told = {0};
    dataset d;
    write_bad(300, 30);
    rt->log = keep_line;
    rt->log_context = &told;
    assert_ok(read_with(rt, folder, &skipping, &one, 1, &d, err));
    dataset_release(&d);
    assert_int_equal(told.count, INGEST_BAD_ROWS_KEPT + 1);
    assert_non_null(strstr(told.first, "x:11: column 3: 'x' is not a number"));
    assert_non_null(strstr(told.last, "skipped: 10 more rows of"));
}

static bool stop_at_once(void *context, const char *phase, int64_t done, int64_t total)
{
    (void)phase;
    *(bool *)context = done > 0 && done <= total;
    return false;
}

static void test_reading_can_be_stopped(void **state)
{
    (void)state;
    static const input one = {.name = "x", .layout = &csv};
    bool sane = false;
    dataset d;
    write_bad(100000, 0);
    rt->progress = stop_at_once;
    rt->progress_context = &sane;
    assert_fails(read_with(rt, folder, &usual, &one, 1, &d, err), MEDLEY_E_STOPPED, "stopped while reading");
    assert_true(sane);
}

/* ---- lists ---- */

static void test_lists_keep_their_order(void **state)
{
    (void)state;
    static const interaction_layout lists = {.delimiter = " ", .user = "1", .item = "2", .list = true, .part = -1};
    dataset d;
    assert_ok(read_text(&stopping, "u c a b \nv  a\r\n\nu d\n", &lists, &d, err));
    assert_rows(&d, "u c; u a; u b; u d; v a");
    assert_true(d.ordered);
    dataset_release(&d);
}

static void test_a_bad_list_leaves_no_trace(void **state)
{
    (void)state;
    static const interaction_layout lists = {.delimiter = " ", .user = "1", .item = "2", .list = true, .part = -1};
    static const char *const bad[] = {"w p \xff q", "w", "w ", " p q"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char content[100];
        dataset d;
        snprintf(content, sizeof content, "u a\n%s\nv b\n", bad[i]);
        assert_fails(read_text(&stopping, content, &lists, &d, err), MEDLEY_E_FORMAT, "x:2: ");
        assert_ok(read_text(&skipping, content, &lists, &d, err));
        assert_rows(&d, "u a; v b");
        assert_ids(&d.users, "u v");
        assert_ids(&d.items, "a b");
        assert_int_equal(d.sources[0].bad, 1);
        dataset_release(&d);
    }
}

/* ---- memory ---- */

static medley_status read_and_release(const medley_runtime *runtime, const input *files, int64_t count,
                                      medley_error *err)
{
    dataset d;
    TRY(read_with(runtime, folder, &skipping, files, count, &d, err));
    dataset_release(&d);
    return MEDLEY_OK;
}

static void test_every_allocation_can_fail(void **state)
{
    (void)state;
    static const interaction_layout latin1 = {
        .delimiter = ",",
        .header = true,
        .quotes = true,
        .encoding = ENCODING_LATIN1,
        .user = "user",
        .item = "item",
        .rating = "rating",
        .timestamp = "time",
        .part = PART_TRAIN,
    };
    static const input files[] = {{.name = "x", .layout = &latin1, .items = "items", .items_layout = &items_csv},
                                  {.name = "x", .layout = &latin1}};
    test_write_text(test_path(folder, "x"),
                    "user,item,rating,time\nu,i,5,9\n\"\xe9\",i,4,8\nu,a long id that is copied,3,1\nbad,row\n");
    test_write_text(test_path(folder, "items"), "id,title,genres\ni,t,a|b\nj,u,\n");
    BRUTAL(rt, &memory, read_and_release(rt, files, 2, err), (void)0);
    test_memory own;
    medley_runtime *two = test_runtime(&own, 2);
    BRUTAL(two, &own, read_and_release(two, files, 2, err), (void)0);
    test_runtime_end(two, &own);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_ids_are_numbered_by_first_appearance, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_equal_times_keep_their_input_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_without_times_the_input_order_stays, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_ratings_are_what_strtod_reads, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_times_of_every_length_are_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_bad_field_is_named_by_line_column_and_value, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_nul_byte_is_refused_and_a_long_id_too, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_lines_are_counted_through_quoted_line_ends, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_ids_keep_every_byte, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_latin1_becomes_utf8, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_file_that_cannot_be_meant_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_only_bad_rows_are_no_data_set, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_files_may_be_empty_where_that_is_allowed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_nothing_read_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_files_of_one_data_set_have_the_same_columns, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_up_to_one_row_in_a_thousand_is_skipped, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_first_bad_rows_are_told_for_any_number_of_threads, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_skipped_rows_are_logged_but_not_all, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_reading_can_be_stopped, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_lists_keep_their_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_bad_list_leaves_no_trace, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_every_allocation_can_fail, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
