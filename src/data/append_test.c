#include "made_store.h"

#include "data/append.h"
#include "io/catalog.h"
#include "io/json.h"

#include "fixture.h"

static char path[4096]; /* folder/store */

static int start(void **state)
{
    set_up(state);
    snprintf(path, sizeof path, "%s/store", folder);
    return 0;
}

/* key value ... NULL */
static bool stands_in(const void *context, const medley_param *param)
{
    for (const char *const *setting = context; setting != NULL && *setting != NULL; setting += 2)
        if (strcmp(*setting, param->name) == 0)
            return true;
    return strcmp(param->name, "format") == 0 || strcmp(param->name, "input") == 0;
}

/* medley prepare --append --format F --input I --store S key value ... */
static medley_status append_as(const medley_runtime *runtime, const char *format, const char *input,
                               const char *store, const char *const *settings, medley_report *report,
                               medley_error *err)
{
    _Alignas(16) char values[MADE_VALUES] = {0};
    const append_given given = {stands_in, settings};
    const reader_class *reader = made_reader(format);
    prepare_params p;
    medley_report *own = NULL;
    medley_params_reset(prepare_table, &p);
    medley_params_reset(reader->params, values);
    p.format = format;
    p.input = input;
    p.store = store;
    for (const char *const *s = settings; s != NULL && *s != NULL; s += 2)
        TRY(made_set(prepare_table, &p, reader->params, values, s[0], s[1], err));
    if (report == NULL)
        TRY(report_create(runtime, &own, err));
    const medley_status status =
        append_run(runtime, &p, reader, values, &given, report != NULL ? report : own, err);
    medley_report_free(own);
    return status;
}

static medley_status append_rows(const char *rows, const char *const *settings, medley_report *report,
                                 medley_error *err)
{
    char input[4300];
    snprintf(input, sizeof input, "%s/more.csv", folder);
    test_write_text(input, rows);
    return append_as(rt, "delimited", input, path, settings, report, err);
}

static medley_store *open_store(const char *store)
{
    medley_store *s;
    assert_ok(store_open(rt, store, true, &s, err));
    return s;
}

/* All rows as "user item rating time; ...", with ids. */
static void assert_rows_of(const char *store, const char *want)
{
    medley_store *s = open_store(store);
    const interactions *v = &s->files.view;
    text shown = {.rt = rt};
    for (int64_t i = 0; i < v->count; i++) {
        text_format(&shown, "%s%s %s", i > 0 ? "; " : "", s->user_ids[v->user[i]], s->item_ids[v->item[i]]);
        if (v->rating != NULL)
            text_format(&shown, " %g", (double)v->rating[i]);
        if (v->timestamp != NULL)
            text_format(&shown, " %lld", (long long)v->timestamp[i]);
    }
    assert_ok(text_status(&shown, err));
    assert_string_equal(shown.bytes, want);
    text_release(&shown);
    store_free(s);
}

static int64_t number(const medley_report *report, const char *section, const char *name)
{
    double value;
    if (!medley_report_number(report, section, 0, name, &value))
        fail_msg("no %s in %s", name, section);
    return (int64_t)value;
}

/* ---- by hand ---- */

static void test_new_rows_come_in_by_time_and_indexes_stay(void **state)
{
    (void)state;
    medley_report *report;
    assert_ok(made_store(rt, path, "user,item,rating,time\nv,b,4,20\nu,a,5,10\nv,a,3,40\n", NULL, err));
    assert_ok(report_create(rt, &report, err));
    assert_ok(append_rows("user,item,rating,time\nw,c,1,5\nv,c,2,30\nv,b,1,20\nu,a,2,9\n", NULL, report, err));
    /* v was first and b before a: so they stay. v b at 20 twice: the old one first. */
    assert_rows_of(path, "v b 4 20; v b 1 20; v c 2 30; v a 3 40; u a 2 9; u a 5 10; w c 1 5");
    assert_int_equal(number(report, "appended", "users"), 1);
    assert_int_equal(number(report, "appended", "items"), 1);
    assert_int_equal(number(report, "appended", "interactions"), 4);
    assert_int_equal(number(report, "counts", "interactions"), 7);
    assert_string_equal(medley_report_text(report, "appended", 0, "not_done_again"), "nothing");
    medley_store *s = open_store(path);
    assert_string_equal(s->user_ids[0], "v");
    assert_string_equal(s->user_ids[2], "w");
    assert_string_equal(s->item_ids[0], "b");
    assert_string_equal(s->item_ids[2], "c");
    store_free(s);
    medley_report_free(report);
}

static void test_sequences_go_behind_what_is_there(void **state)
{
    (void)state;
    test_write_text(test_path(folder, "a.txt"), "u a b\nv c\n");
    test_write_text(test_path(folder, "b.txt"), "w a\nu d a\n");
    assert_ok(made_prepare(rt, "sequences", test_path(folder, "a.txt"), path, NULL, NULL, err));
    assert_ok(append_as(rt, "sequences", test_path(folder, "b.txt"), path, NULL, NULL, err));
    assert_rows_of(path, "u a; u b; u d; u a; v c; w a");
}

static void test_the_store_s_cleaning_is_applied_and_the_rest_is_told(void **state)
{
    (void)state;
    static const char *const settings[] = {"rating_threshold",      "2", "time_until", "100", "duplicates", "max",
                                           "min_user_interactions", "2", NULL};
    medley_report *report;
    assert_ok(made_store(rt, path, "user,item,rating,time\nu,a,5,10\nu,b,3,20\nw,a,5,1\n", settings, err));
    assert_ok(report_create(rt, &report, err));
    assert_ok(append_rows("user,item,rating,time\nu,b,4,30\nu,a,5,40\nu,c,1,50\nv,c,4,60\nv,d,4,100\n", NULL,
                          report, err));
    /* u b: the higher one; u a: as high, the earlier one; u c is too low, v d too late, v would not be in the core. */
    assert_rows_of(path, "u a 5 10; u b 4 30; v c 4 60");
    assert_string_equal(medley_report_text(report, "appended", 0, "not_done_again"), "k-core");
    assert_int_equal(medley_report_rows(report, "filters"), 2);
    assert_string_equal(medley_report_text(report, "filters", 0, "step"), "rating below 2");
    assert_int_equal(number(report, "filters", "interactions"), 1);
    medley_report_free(report);
}

static void test_items_are_brought_up_to_date(void **state)
{
    (void)state;
    static const char *const settings[] = {"file", "rows", "items_file", "items", "item_text", "text?", NULL};
    medley_report *report;
    test_write_text(test_path(folder, "rows"), "user,item\nu,a\nu,b\nv,c\n");
    test_write_text(test_path(folder, "items"), "id,title,text\na,A,of a\nb,B,of b\nz,Z,of z\n");
    assert_ok(made_prepare(rt, "delimited", folder, path, settings, NULL, err));
    assert_ok(report_create(rt, &report, err));
    test_write_text(test_path(folder, "rows"), "user,item\nu,d\n");
    test_write_text(test_path(folder, "items"), "id,title,text\nd,D,of d\nb,B2,\nz,Z,of z\nc,C,of c\ny,Y,of y\n");
    assert_ok(append_as(rt, "delimited", folder, path, NULL, report, err)); /* file, items_file: as before */
    assert_int_equal(number(report, "appended", "items"), 2);
    assert_int_equal(number(report, "appended", "items_updated"), 2); /* b and c; z says what it said */
    medley_store *s = open_store(path);
    static const char *const titles[] = {"A", "B2", "C", "Z", "D", "Y"};
    for (int i = 0; i < 6; i++)
        assert_string_equal(s->item_titles[i], titles[i]);
    store_free(s);
    medley_report_free(report);
}

static medley_status take_attributes(void *context, int64_t index, const catalog_item *row, medley_error *err)
{
    (void)err;
    if (index > 0)
        text_add(context, "; ");
    text_append(context, row->id.bytes, row->id.length);
    text_add(context, " ");
    if (row->attributes.bytes != NULL)
        text_append(context, row->attributes.bytes, row->attributes.length);
    return MEDLEY_OK;
}

static void test_users_keep_what_is_said_of_them(void **state)
{
    (void)state;
    static const char *const settings[] = {"file", "rows", "users_file", "users", "user_attributes", "city", NULL};
    text shown = {.rt = rt};
    test_write_text(test_path(folder, "rows"), "user,item\nu,a\nv,b\nw,b\n");
    test_write_text(test_path(folder, "users"), "id,city\nv,Rome\nu,Oslo\nx,Bonn\n");
    assert_ok(made_prepare(rt, "delimited", folder, path, settings, NULL, err));
    test_write_text(test_path(folder, "rows"), "user,item\ny,a\nu,b\n");
    test_write_text(test_path(folder, "users"), "id,city\ny,Lima\nv,Turin\n");
    assert_ok(append_as(rt, "delimited", folder, path, NULL, NULL, err));
    assert_ok(catalog_read_users(test_path(path, "catalog.db"), take_attributes, &shown, err));
    assert_string_equal(shown.bytes,
                        "u {\"city\": \"Oslo\"}; v {\"city\": \"Turin\"}; w ; y {\"city\": \"Lima\"}");
    text_release(&shown);
}

static void test_a_store_of_interacted_items_stays_one(void **state)
{
    (void)state;
    static const char *const settings[] = {"file", "rows", "items_file", "items", "catalogue", "interacted", NULL};
    test_write_text(test_path(folder, "rows"), "user,item\nu,a\nv,b\n");
    test_write_text(test_path(folder, "items"), "id,title\na,A\nz,Z\n");
    assert_ok(made_prepare(rt, "delimited", folder, path, settings, NULL, err));
    test_write_text(test_path(folder, "rows"), "user,item\nu,c\n");
    test_write_text(test_path(folder, "items"), "id,title\nc,C\nb,B\nz,Z\n");
    assert_ok(append_as(rt, "delimited", folder, path, NULL, NULL, err));
    medley_store *s = open_store(path);
    assert_int_equal(s->items, 3);
    assert_string_equal(s->item_titles[1], "B");
    assert_string_equal(s->item_titles[2], "C");
    store_free(s);
}

/* ---- what is made stale ---- */

static void test_splits_stay_behind_and_the_fingerprint_changes(void **state)
{
    (void)state;
    const split_params p = {path, "s", "fixed", 0, 1, false};
    char before[FINGERPRINT_SIZE], *description;
    medley_report *report;
    selection_parts parts;
    test_write_text(test_path(folder, "train.tsv"), "u\ta\nv\tb\n");
    test_write_text(test_path(folder, "test.tsv"), "u\tb\n");
    assert_ok(made_prepare(rt, "elliot", folder, path, NULL, NULL, err));
    medley_store *s = open_store(path);
    assert_ok(made_split(s, &p, NULL, NULL, err));
    memcpy(before, s->fingerprint, sizeof before);
    store_free(s);
    test_write_text(test_path(folder, "train.tsv"), "u\tc\n");
    test_write_text(test_path(folder, "test.tsv"), "w\ta\n");
    assert_ok(report_create(rt, &report, err));
    assert_ok(append_as(rt, "elliot", folder, path, NULL, report, err));
    assert_non_null(strstr(medley_report_text(report, "appended", 0, "splits"), "split and train again"));
    s = open_store(path);
    assert_string_not_equal(s->fingerprint, before);
    assert_int_equal(s->count, 5);
    assert_fails(selection_open(s, "s", &parts, err), MEDLEY_E_NOT_FOUND, "has no split 's'");
    store_free(s);
    description = test_read(test_path(path, "dataset.json"), NULL);
    assert_non_null(strstr(description, "\"appended\""));
    assert_non_null(strstr(description, before)); /* "to" */
    test_read_end(description);
    medley_report_free(report);
}

static void test_a_file_is_taken_once_unless_forced(void **state)
{
    (void)state;
    static const char *const force[] = {"force", "true", NULL};
    static const char rows[] = "user,item,rating,time\nu,a,5,10\nv,b,4,20\n";
    assert_ok(made_store(rt, path, rows, NULL, err));
    assert_fails(append_rows(rows, NULL, NULL, err), MEDLEY_E_EXISTS,
                 "more.csv: is in the store already (xxh128 ");
    assert_rows_of(path, "u a 5 10; v b 4 20");
    assert_ok(append_rows(rows, force, NULL, err));
    assert_rows_of(path, "u a 5 10; u a 5 10; v b 4 20; v b 4 20");
    assert_ok(append_rows("user,item,rating,time\nu,c,5,10\n", NULL, NULL, err));
    assert_fails(append_rows("user,item,rating,time\nu,c,5,10\n", NULL, NULL, err), MEDLEY_E_EXISTS, "already");
}

/* The bytes of dataset.json, of which test_read_end is called. */
static char *description(void)
{
    return test_read(test_path(path, "dataset.json"), NULL);
}

static void test_what_adds_nothing_leaves_the_store_and_its_splits(void **state)
{
    (void)state;
    static const char *const settings[] = {
        "file", "rows",       "items_file", "items", "users_file", "users", "user_attributes",
        "city", "duplicates", "first",      NULL};
    static const char *const as_append[] = {"append", "true", NULL};
    const split_params p = {path, "s", "random", 0, 1, false};
    medley_report *report;
    selection_parts parts;
    test_write_text(test_path(folder, "rows"), "user,item\nu,a\nu,b\nv,a\nv,b\n");
    test_write_text(test_path(folder, "items"), "id,name\na,A\nb,B\n");
    test_write_text(test_path(folder, "users"), "id,city\nu,Oslo\n");
    assert_ok(made_prepare(rt, "delimited", folder, path, settings, NULL, err));
    medley_store *s = open_store(path);
    assert_ok(made_split(s, &p, NULL, NULL, err));
    store_free(s);
    char *before = description();
    static const char *const nothing[][2] = {
        {"user,item\nv,b\nu,a\n", "id,city\nu,Oslo\nx,Rome\n"}, /* x is no user of the store */
        {"user,item\n", "id,city\n"}};
    for (int i = 0; i < 2; i++) {
        test_write_text(test_path(folder, "rows"), nothing[i][0]);
        test_write_text(test_path(folder, "users"), nothing[i][1]);
        assert_ok(report_create(rt, &report, err));
        assert_ok(append_as(rt, "delimited", folder, path, as_append, report, err));
        assert_string_equal(medley_report_text(report, "appended", 0, "splits"),
                            "as they were: nothing was added");
        medley_report_free(report);
        char *after = description();
        assert_string_equal(before, after);
        test_read_end(after);
    }
    s = open_store(path);
    assert_ok(selection_open(s, "s", &parts, err));
    selection_release(&parts);
    store_free(s);
    test_read_end(before);
    /* a text is something */
    test_write_text(test_path(folder, "users"), "id,city\nu,Rome\n");
    assert_ok(append_as(rt, "delimited", folder, path, as_append, NULL, err));
    s = open_store(path);
    assert_fails(selection_open(s, "s", &parts, err), MEDLEY_E_NOT_FOUND, "has no split 's'");
    store_free(s);
}

static void test_an_empty_difference_changes_nothing(void **state)
{
    (void)state;
    static const char *const once[] = {"duplicates", "first", "rating_threshold", "2", NULL};
    medley_report *report;
    char before[FINGERPRINT_SIZE];
    assert_ok(made_store(rt, path, "user,item,rating,time\nu,a,5,10\nv,b,4,20\n", once, err));
    medley_store *s = open_store(path);
    memcpy(before, s->fingerprint, sizeof before);
    store_free(s);
    assert_ok(report_create(rt, &report, err));
    assert_ok(append_rows("user,item,rating,time\nu,a,3,11\n", NULL, report, err));
    assert_ok(append_rows("user,item,rating,time\nx,y,1,11\n", NULL, NULL, err));
    assert_int_equal(number(report, "appended", "interactions"), 0);
    assert_rows_of(path, "u a 5 10; v b 4 20");
    s = open_store(path);
    assert_int_equal(s->users, 2);
    store_free(s);
    medley_report_free(report);
}

/* ---- refusals ---- */

static void test_what_does_not_fit_the_store_is_refused(void **state)
{
    (void)state;
    static const char *const other_threshold[] = {"rating_threshold", "3", NULL};
    static const char *const same_threshold[] = {"rating_threshold", "2", "on_error", "skip", NULL};
    static const char *const made[] = {"rating_threshold", "2", NULL};
    char want[400];
    assert_fails(append_rows("user,item\nu,a\n", NULL, NULL, err), MEDLEY_E_NOT_FOUND, "is not a folder");
    assert_ok(made_store(rt, path, "user,item,rating,time\nu,a,5,10\n", made, err));
    assert_fails(append_rows("user,item,rating,time\nu,b,5,1\n", other_threshold, NULL, err), MEDLEY_E_CONFIG,
                 "rating_threshold: '3', but the store was made with '2'; accepted: that");
    assert_fails(append_rows("user,item,rating\nu,b,5\n", NULL, NULL, err), MEDLEY_E_FORMAT,
                 "more.csv: has not times, but the store has them; accepted: the store's columns");
    snprintf(want, sizeof want, "format: 'sequences', but the store was read as 'delimited'; accepted: that");
    assert_fails(append_as(rt, "sequences", test_path(folder, "more.csv"), path, NULL, NULL, err), MEDLEY_E_CONFIG,
                 want);
    assert_fails(append_rows("user,item,rating,time\nu,b,x,1\n", NULL, NULL, err), MEDLEY_E_FORMAT, "more.csv");
    assert_rows_of(path, "u a 5 10");
    assert_false(file_exists(test_path(folder, "store.partial")));
    assert_ok(append_rows("user,item,rating,time\nu,b,5,1\n", same_threshold, NULL, err));
    assert_rows_of(path, "u b 5 1; u a 5 10");
}

static void test_a_damaged_description_is_refused(void **state)
{
    (void)state;
    static const damage cases[] = {
        {"dataset.json", "\"reader\"", "\"raeder\"", MEDLEY_E_CONFIG,
         "format: 'delimited', but the store was read as ''"},
        {"dataset.json", "\"quotes\": \"true\"", "\"quotes\": \"maybe\"", MEDLEY_E_FORMAT,
         "dataset.json: options: quotes"},
        {"dataset.json", NULL, "", MEDLEY_E_FORMAT, "dataset.json"},
        {"catalog.db", NULL, "", MEDLEY_E_FORMAT, "catalog.db"},
        {"interactions/item.npy", NULL, NULL, MEDLEY_E_NOT_FOUND, "item.npy"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_ok(made_store(rt, path, "user,item,rating,time\nu,a,5,10\n", NULL, err));
        damage_apply(rt, path, &cases[i]);
        assert_fails(append_rows("user,item,rating,time\nu,b,5,1\n", NULL, NULL, err), cases[i].status,
                     cases[i].want);
        assert_ok(file_remove_tree(rt, path, err));
    }
}

/* ---- appending is preparing together ---- */

/* Rows first..end-1 of a random data set with many ties in time and many repeated pairs. */
static void make_rows(text *out, uint64_t seed, uint64_t first, uint64_t end)
{
    text_add(out, "user,item,rating,time\n");
    for (uint64_t n = first; n < end; n++) {
        const uint64_t bits = random_bits(seed, 0, n);
        text_format(out, "u%d,i%d,%d,%d\n", (int)(bits % 30), (int)((bits >> 8) % 20), (int)((bits >> 16) % 6),
                    (int)((bits >> 24) % 9));
    }
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Each user's rows in their order, users by id: what a store says, whatever its indexes. */
static void show(const medley_store *s, text *out)
{
    const interactions *v = &s->files.view;
    const char *ids[2000];
    assert_true(s->users <= 2000);
    memcpy(ids, s->user_ids, (size_t)s->users * sizeof *ids);
    qsort(ids, (size_t)s->users, sizeof *ids, by_text);
    for (int64_t u = 0; u < s->users; u++) {
        const uint32_t user = idmap_find(&s->user_map, ids[u], strlen(ids[u]));
        int64_t i = 0;
        while (v->user[i] != user)
            i++;
        for (; i < v->count && v->user[i] == user; i++)
            text_format(out, "%s %s %g %lld\n", ids[u], s->item_ids[v->item[i]],
                        v->rating != NULL ? (double)v->rating[i] : 0,
                        (long long)(v->timestamp != NULL ? v->timestamp[i] : 0));
    }
}

static void assert_same_rows(const char *a, const char *b)
{
    medley_store *x = open_store(a), *y = open_store(b);
    text of_x = {.rt = rt}, of_y = {.rt = rt};
    show(x, &of_x);
    show(y, &of_y);
    assert_int_equal(x->items, y->items);
    assert_string_equal(of_x.bytes, of_y.bytes);
    text_release(&of_x);
    text_release(&of_y);
    store_free(x);
    store_free(y);
}

static void test_appending_is_preparing_together(void **state)
{
    (void)state;
    static const char *const rules[] = {"all", "last", "first", "max"};
    char whole[4200];
    snprintf(whole, sizeof whole, "%s/whole", folder);
    for (uint64_t seed = 0; seed < 8; seed++) {
        const char *const settings[] = {
            "duplicates", rules[seed % 4], "rating_threshold", seed % 3 ? "2" : "0", "catalogue", "interacted",
            NULL};
        text first = {.rt = rt}, second = {.rt = rt}, third = {.rt = rt}, all = {.rt = rt};
        make_rows(&first, seed, 0, 300);
        make_rows(&second, seed, 300, 350);
        make_rows(&third, seed, 350, 500);
        make_rows(&all, seed, 0, 500);
        assert_ok(made_store(rt, path, first.bytes, settings, err));
        assert_ok(append_rows(second.bytes, NULL, NULL, err));
        assert_ok(append_rows(third.bytes, NULL, NULL, err));
        assert_ok(made_store(rt, whole, all.bytes, settings, err));
        assert_same_rows(path, whole);
        assert_ok(file_remove_tree(rt, path, err));
        assert_ok(file_remove_tree(rt, whole, err));
        text_release(&first);
        text_release(&second);
        text_release(&third);
        text_release(&all);
    }
}

static void test_bits_do_not_depend_on_threads(void **state)
{
    (void)state;
    text first = {.rt = rt}, second = {.rt = rt};
    char input[4300], print[3][FINGERPRINT_SIZE];
    int n = 0;
    snprintf(input, sizeof input, "%s/more.csv", folder);
    make_rows(&first, 1, 0, 3000);
    make_rows(&second, 1, 3000, 60000);
    test_write_text(input, second.bytes);
    for (int threads = 1; threads <= 4; threads *= 2) {
        test_memory own;
        medley_runtime *runtime = test_runtime(&own, threads);
        assert_ok(made_store(runtime, path, first.bytes, NULL, err));
        assert_ok(append_as(runtime, "delimited", input, path, NULL, NULL, err));
        medley_store *s = open_store(path);
        memcpy(print[n++], s->fingerprint, FINGERPRINT_SIZE);
        store_free(s);
        assert_ok(file_remove_tree(rt, path, err));
        test_runtime_end(runtime, &own);
    }
    assert_string_equal(print[0], print[1]);
    assert_string_equal(print[0], print[2]);
    text_release(&first);
    text_release(&second);
}

/* ratings.csv of MovieLens in two halves is ratings.csv. */
static void test_movielens_in_two_halves_is_movielens(void **state)
{
    (void)state;
    const char *data = test_data("ml-latest-small");
    char source[4200], whole[4200];
    size_t length;
    if (data == NULL)
        skip();
    snprintf(source, sizeof source, "%s", data);
    snprintf(whole, sizeof whole, "%s/whole", folder);
    char *ratings = test_read(test_path(source, "ratings.csv"), &length);
    char *movies = test_read(test_path(source, "movies.csv"), NULL);
    const size_t header = (size_t)(strchr(ratings, '\n') + 1 - ratings);
    const size_t middle = (size_t)(strchr(ratings + length / 2, '\n') + 1 - ratings);
    text second = {.rt = rt};
    text_append(&second, ratings, header);
    text_append(&second, ratings + middle, length - middle);
    test_write_text(test_path(folder, "movies.csv"), movies);
    test_write(test_path(folder, "ratings.csv"), ratings, middle);
    assert_ok(made_prepare(rt, "movielens", folder, path, NULL, NULL, err));
    test_write(test_path(folder, "ratings.csv"), second.bytes, (size_t)second.length);
    assert_ok(append_as(rt, "movielens", folder, path, NULL, NULL, err));
    assert_ok(made_prepare(rt, "movielens", source, whole, NULL, NULL, err));
    assert_same_rows(path, whole);
    text_release(&second);
    test_read_end(ratings);
    test_read_end(movies);
}

/* ---- failing ---- */

static void make_base(const char *rows)
{
    assert_ok(file_remove_tree(rt, path, err));
    assert_ok(made_store(rt, path, rows, NULL, err));
}

static void test_every_allocation_can_fail(void **state)
{
    (void)state;
    make_base("user,item,rating,time\nu,a,5,10\nv,b,4,20\n");
    BRUTAL(rt, &memory, append_rows("user,item,rating,time\nu,c,5,10\nw,a,1,5\n", NULL, NULL, err), (void)0);
    assert_rows_of(path, "u a 5 10; u c 5 10; v b 4 20; w a 1 5");
}

static void test_a_full_disk_leaves_the_old_store(void **state)
{
    (void)state;
    make_base("user,item,rating,time\nu,a,5,10\nv,b,4,20\n");
    test_write_text(test_path(folder, "more.csv"), "user,item,rating,time\nu,c,5,10\n");
    char input[4300];
    snprintf(input, sizeof input, "%s/more.csv", folder);
    FULL_DISK(rt, &memory, append_as(rt, "delimited", input, path, NULL, NULL, err),
              (assert_rows_of(path, "u a 5 10; v b 4 20"),
               assert_false(file_exists(test_path(folder, "store.partial")))),
              (void)0);
    assert_rows_of(path, "u a 5 10; u c 5 10; v b 4 20");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_new_rows_come_in_by_time_and_indexes_stay, start, tear_down),
        cmocka_unit_test_setup_teardown(test_sequences_go_behind_what_is_there, start, tear_down),
        cmocka_unit_test_setup_teardown(test_the_store_s_cleaning_is_applied_and_the_rest_is_told, start,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_items_are_brought_up_to_date, start, tear_down),
        cmocka_unit_test_setup_teardown(test_users_keep_what_is_said_of_them, start, tear_down),
        cmocka_unit_test_setup_teardown(test_a_store_of_interacted_items_stays_one, start, tear_down),
        cmocka_unit_test_setup_teardown(test_splits_stay_behind_and_the_fingerprint_changes, start, tear_down),
        cmocka_unit_test_setup_teardown(test_a_file_is_taken_once_unless_forced, start, tear_down),
        cmocka_unit_test_setup_teardown(test_what_adds_nothing_leaves_the_store_and_its_splits, start, tear_down),
        cmocka_unit_test_setup_teardown(test_an_empty_difference_changes_nothing, start, tear_down),
        cmocka_unit_test_setup_teardown(test_what_does_not_fit_the_store_is_refused, start, tear_down),
        cmocka_unit_test_setup_teardown(test_a_damaged_description_is_refused, start, tear_down),
        cmocka_unit_test_setup_teardown(test_appending_is_preparing_together, start, tear_down),
        cmocka_unit_test_setup_teardown(test_bits_do_not_depend_on_threads, start, tear_down),
        cmocka_unit_test_setup_teardown(test_movielens_in_two_halves_is_movielens, start, tear_down),
        cmocka_unit_test_setup_teardown(test_every_allocation_can_fail, start, tear_down),
        cmocka_unit_test_setup_teardown(test_a_full_disk_leaves_the_old_store, start, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
