#include <medley/medley.h>

#include <math.h>

#include "api/model_access.h"
#include "recommend/rerank.h"
#include "testing.h"

static test_memory memory;
static medley_runtime *rt;
static char *folder;

#include "run_operation.h"

enum { USERS = 60, ITEMS = 40 };

static int set_up(void **state)
{
    (void)state;
    rt = test_runtime(&memory, 2);
    folder = test_folder();
    RUN(medley_synth, NULL, "out", "/raw", "users", "60", "items", "40", "interactions_per_user", "8", "genres",
        "3");
    RUN(medley_prepare, NULL, "format", "movielens", "input", "/raw", "store", "/store");
    RUN(medley_split, NULL, "store", "/store", "name", "main", "strategy", "random");
    RUN(medley_split, NULL, "store", "/store", "name", "strong", "strategy", "strong");
    RUN(medley_train, NULL, "store", "/store", "split", "main", "model", "ease", "run", "/ease");
    RUN(medley_train, NULL, "store", "/store", "split", "main", "model", "popularity", "run", "/popular");
    RUN(medley_train, NULL, "store", "/store", "split", "strong", "model", "itemknn", "run", "/knn");
    RUN(medley_train, NULL, "store", "/store", "split", "main", "model", "userknn", "run", "/users_knn");
    RUN(medley_train, NULL, "store", "/store", "split", "main", "model", "ials", "run", "/ials", "factors", "4",
        "epochs", "2");
    RUN(medley_train, NULL, "store", "/store", "split", "main", "model", "bprmf", "run", "/bprmf", "epochs", "2");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    test_folder_end(folder);
    test_runtime_end(rt, &memory);
    return 0;
}

/* ---- lists of a report ---- */

#define TABLE "recommendations"

static const char *cell(const medley_report *r, int64_t row, const char *column)
{
    return medley_report_text(r, TABLE, row, column);
}

static double number(const medley_report *r, int64_t row, const char *column)
{
    double value = -1;
    assert_true(medley_report_number(r, TABLE, row, column, &value));
    return value;
}

/* The first row of a user's list, and its length. */
static int64_t list_of(const medley_report *r, const char *user, int64_t *length)
{
    int64_t first = -1;
    *length = 0;
    for (int64_t row = 0; row < medley_report_rows(r, TABLE); row++)
        if (strcmp(cell(r, row, "user"), user) == 0) {
            first = first < 0 ? row : first;
            ++*length;
        }
    return first;
}

static void assert_same_list(const medley_report *a, int64_t at, const medley_report *b, int64_t from, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        assert_string_equal(cell(a, at + i, "item"), cell(b, from + i, "item"));
        assert_true(number(a, at + i, "score") == number(b, from + i, "score"));
    }
}

#define RECOMMEND(report, ...) RUN(medley_recommend, report, __VA_ARGS__)
static medley_status recommend(medley_error *err, const char *const *settings)
{
    medley_report *r = NULL;
    const medley_status status = run(medley_recommend, &r, err, settings);
    medley_report_free(r);
    return status;
}
#define TRY_RECOMMEND(...) recommend(err, (const char *const[]){__VA_ARGS__, NULL})

/* ---- for whom ---- */

static void test_a_list_does_not_depend_on_who_else_is_asked_for(void **state)
{
    (void)state;
    static const char *const runs[] = {"/ease", "/popular", "/knn", "/users_knn", "/ials", "/bprmf"};
    for (size_t m = 0; m < sizeof runs / sizeof *runs; m++) {
        medley_report *all, *few;
        int64_t n, k;
        test_write_text(test_path(folder, "users"), "17\n3\n17\n");
        RECOMMEND(&all, "run", runs[m], "all", "true", "top_k", "40");
        RECOMMEND(&few, "run", runs[m], "user_file", "/users", "top_k", "7");
        assert_int_equal(medley_report_rows(few, TABLE), 21);
        for (int u = 0; u < 3; u++) {
            const int64_t at = list_of(all, cell(few, 7 * u, "user"), &n);
            assert_true(n >= 7);
            assert_same_list(few, 7 * u, all, at, 7);
        }
        assert_string_equal(cell(few, 7, "user"), "3"); /* the order asked for */
        (void)list_of(few, "17", &k);
        assert_int_equal(k, 14);
        medley_report_free(all);
        medley_report_free(few);
    }
}

static void test_a_sample_is_drawn_by_the_seed_without_repeats(void **state)
{
    (void)state;
    char drawn[3][2000] = {""};
    static const char *const seeds[] = {"1", "2", "1"};
    for (int s = 0; s < 3; s++) {
        medley_report *r;
        RECOMMEND(&r, "run", "/popular", "sample", "20", "seed", seeds[s], "top_k", "1");
        assert_int_equal(medley_report_rows(r, TABLE), 20);
        for (int64_t i = 0; i < 20; i++) {
            int64_t n;
            (void)list_of(r, cell(r, i, "user"), &n);
            assert_int_equal(n, 1);
            strncat(drawn[s], cell(r, i, "user"), 20);
        }
        medley_report_free(r);
    }
    assert_string_equal(drawn[0], drawn[2]);
    assert_string_not_equal(drawn[0], drawn[1]);
    medley_report *r;
    RECOMMEND(&r, "run", "/popular", "sample", "1000", "top_k", "1");
    assert_int_equal(medley_report_rows(r, TABLE), USERS);
    medley_report_free(r);
}

/* A file of user 3's whole history under another name, behind someone else's. */
static void write_history(const char *path, const char *user)
{
    medley_store *store;
    text lines = {.rt = rt};
    assert_ok(medley_store_open(rt, test_path(folder, "store"), &store, err));
    const interactions *v = &store->files.view;
    text_format(&lines, "someone\t%s\nnobody's twin\t%s\n", store->item_ids[0], store->item_ids[0]);
    for (int64_t i = 0; i < v->count; i++)
        if ((int64_t)v->user[i] == medley_store_user_index(store, user))
            text_format(&lines, "a stranger\t%s\n", store->item_ids[v->item[i]]);
    assert_ok(text_status(&lines, err));
    test_write_text(path, lines.bytes);
    text_release(&lines);
    medley_store_free(store);
}

static void test_people_of_a_file_get_the_list_of_the_user_with_their_history(void **state)
{
    (void)state;
    medley_report *known, *people;
    int64_t n;
    write_history(test_path(folder, "people"), "3");
    RECOMMEND(&known, "run", "/ease", "users", "3", "top_k", "40");
    RECOMMEND(&people, "run", "/ease", "history_file", "/people", "top_k", "40");
    const int64_t at = list_of(people, "a stranger", &n);
    assert_int_equal(n, medley_report_rows(known, TABLE));
    assert_same_list(people, at, known, 0, n);
    assert_string_equal(cell(people, 0, "user"), "someone");
    assert_string_equal(cell(people, at - 1, "user"), "nobody's twin");
    medley_report_free(known);
    medley_report_free(people);
}

/* ---- among what ---- */

static void test_conditions_keep_the_order_and_never_leave_a_list_short(void **state)
{
    (void)state;
    medley_report *plain, *some;
    RECOMMEND(&plain, "run", "/ease", "users", "5", "top_k", "40");
    RECOMMEND(&some, "run", "/ease", "users", "5", "top_k", "6", "where",
              "popularity >= 4 and not title contains \"2\"");
    const int64_t wanted = medley_report_rows(some, TABLE);
    int64_t found = 0, meet = 0;
    for (int64_t row = 0; row < medley_report_rows(plain, TABLE); row++) {
        const double users = USERS / exp2(number(plain, row, "novelty")); /* everyone trains */
        if (users < 3.999 || strchr(cell(plain, row, "title"), '2') != NULL)
            continue;
        if (found < wanted)
            assert_same_list(some, found++, plain, row, 1);
        meet++;
    }
    assert_int_equal(wanted, meet < 6 ? meet : 6);
    assert_true(found >= 3);
    medley_report_free(plain);
    medley_report_free(some);
}

static bool lists(const medley_report *r, const char *user, const char *item)
{
    for (int64_t row = 0; row < medley_report_rows(r, TABLE); row++)
        if (strcmp(cell(r, row, "user"), user) == 0 && strcmp(cell(r, row, "item"), item) == 0)
            return true;
    return false;
}

static void test_candidates_and_exclusions_are_kept(void **state)
{
    (void)state;
    medley_report *r;
    int64_t n;
    test_write_text(test_path(folder, "pairs"), "2\t7\n2\t8\n1\t9\n2\t9\n1\t9\n");
    test_write_text(test_path(folder, "items"), "7\n8\n9\n");
    test_write_text(test_path(folder, "not"), "8\n");
    RECOMMEND(&r, "run", "/ease", "users", "1,2,3", "candidates", "/pairs", "exclude_seen", "false");
    (void)list_of(r, "1", &n);
    assert_int_equal(n, 1);
    (void)list_of(r, "2", &n);
    assert_int_equal(n, 3);
    (void)list_of(r, "3", &n);
    assert_int_equal(n, 0);
    assert_true(lists(r, "1", "9") && lists(r, "2", "7") && lists(r, "2", "8") && lists(r, "2", "9"));
    medley_report_free(r);
    RECOMMEND(&r, "run", "/ease", "users", "1,2", "candidates", "/items", "exclude", "/not", "exclude_seen",
              "false");
    assert_int_equal(medley_report_rows(r, TABLE), 4);
    assert_true(lists(r, "1", "7") && lists(r, "1", "9") && lists(r, "2", "7") && lists(r, "2", "9"));
    medley_report_free(r);
}

static void test_what_was_seen_is_left_out_unless_wanted(void **state)
{
    (void)state;
    medley_report *all, *unseen;
    medley_store *store;
    assert_ok(medley_store_open(rt, test_path(folder, "store"), &store, err));
    RECOMMEND(&all, "run", "/ease", "users", "4", "top_k", "40", "exclude_seen", "false");
    RECOMMEND(&unseen, "run", "/ease", "users", "4", "top_k", "40");
    assert_int_equal(medley_report_rows(all, TABLE), store->items);
    const interactions *v = &store->files.view;
    for (int64_t i = 0; i < v->count; i++)
        if (strcmp(store->user_ids[v->user[i]], "4") == 0)
            assert_false(lists(unseen, "4", store->item_ids[v->item[i]]));
    medley_report_free(all);
    medley_report_free(unseen);
    medley_store_free(store);
}

/* ---- diversity and novelty ---- */

static void test_diverse_lists_are_chosen_from_the_pool(void **state)
{
    (void)state;
    medley_report *plain, *diverse;
    medley_store *store;
    item_space space;
    topk_entry pool[20], chosen[6];
    double nearest[20];
    assert_ok(medley_store_open(rt, test_path(folder, "store"), &store, err));
    assert_ok(item_space_open(store, "attribute:genres", &space, err));
    RECOMMEND(&plain, "run", "/ease", "users", "6", "top_k", "20");
    RECOMMEND(&diverse, "run", "/ease", "users", "6", "top_k", "6", "pool", "20", "diversity", "0.6", "space",
              "attribute:genres");
    for (int i = 0; i < 20; i++)
        pool[i] = (topk_entry){.score = (float)number(plain, i, "score"),
                               .item = (uint32_t)medley_store_item_index(store, cell(plain, i, "item"))};
    assert_int_equal(rerank_diverse(&space, 0.6, pool, 20, 6, nearest, chosen), 6);
    bool changed = false;
    for (int i = 0; i < 6; i++) {
        assert_string_equal(cell(diverse, i, "item"), store->item_ids[chosen[i].item]);
        changed |= strcmp(cell(diverse, i, "item"), cell(plain, i, "item")) != 0;
    }
    assert_true(changed);
    medley_report_free(plain);
    medley_report_free(diverse);
    item_space_release(&space);
    medley_store_free(store);
}

static void test_novelty_counts_training_users_only(void **state)
{
    (void)state;
    medley_report *r;
    medley_model *m;
    RECOMMEND(&r, "run", "/ease", "users", "1", "top_k", "40", "exclude_seen", "false");
    assert_ok(medley_model_open(rt, test_path(folder, "ease"), NULL, &m, err));
    const interactions *train = &m->split.part[PART_TRAIN].view;
    for (int64_t row = 0; row < medley_report_rows(r, TABLE); row++) {
        const uint32_t item = (uint32_t)medley_store_item_index(m->store, cell(r, row, "item"));
        double users = 0, all = 0;
        for (int64_t u = 0; u < m->store->users; u++) {
            bool any = false, has = false;
            for (int64_t i = 0; i < train->count; i++) {
                any |= train->user[i] == u;
                has |= train->user[i] == u && train->item[i] == item;
            }
            users += has;
            all += any;
        }
        assert_true(fabs(number(r, row, "novelty") + log2(fmax(users, 1) / all)) < 1e-6);
    }
    medley_report_free(r);
    medley_model_free(m);
}

/* ---- out ---- */

static void test_files_hold_what_the_report_does(void **state)
{
    (void)state;
    static const struct {
        const char *form, *begins;
        int64_t lines;
    } forms[] = {{"tsv", "user\trank\titem\tscore\tnovelty\ttitle\n1\t1\t", 7},
                 {"trec", "1 Q0 ", 6},
                 {"jsonl", "{\"user\": \"1\", \"rank\": 1, \"item\": \"", 6}};
    for (int f = 0; f < 3; f++) {
        medley_report *r;
        double users;
        int64_t lines = 0;
        size_t length;
        RECOMMEND(&r, "run", "/ease", "users", "1,2", "top_k", "3", "out", "/lists", "out_format", forms[f].form);
        char *bytes = test_read(test_path(folder, "lists"), &length);
        assert_memory_equal(bytes, forms[f].begins, strlen(forms[f].begins));
        for (size_t i = 0; i < length; i++)
            lines += bytes[i] == '\n';
        assert_int_equal(lines, forms[f].lines);
        assert_int_equal(medley_report_rows(r, TABLE), 0);
        assert_true(medley_report_number(r, "lists", 0, "users", &users) && users == 2);
        test_read_end(bytes);
        medley_report_free(r);
    }
}

static void test_users_without_history_are_counted(void **state)
{
    (void)state;
    medley_report *r;
    double users = -1;
    RECOMMEND(&r, "run", "/knn", "all", "true", "known", "train", "top_k", "39", "out", "/lists");
    assert_true(medley_report_number(r, "lists", 0, "without_history", &users));
    medley_model *m;
    assert_ok(medley_model_open(rt, test_path(folder, "knn"), NULL, &m, err));
    histories_owner known;
    assert_ok(model_histories(m, KNOWN_BEFORE_VAL, &known, err));
    int64_t empty = 0;
    for (int64_t u = 0; u < m->store->users; u++)
        empty += known.start[u] == known.start[u + 1];
    assert_int_equal((int64_t)users, empty);
    assert_true(empty > 0);
    histories_release(&known);
    medley_model_free(m);
    medley_report_free(r);
}

static void test_chosen_histories_are_those_of_all(void **state)
{
    (void)state;
    medley_model *m;
    histories_owner all, some;
    const uint32_t users[] = {9, 4, 9};
    assert_ok(medley_model_open(rt, test_path(folder, "knn"), NULL, &m, err));
    assert_ok(model_histories(m, KNOWN_ALL, &all, err));
    assert_ok(model_histories_of(m, KNOWN_ALL, users, 3, &some, err));
    assert_true(some.view.users && some.view.user == users);
    assert_int_equal(some.view.rows, 3);
    for (int64_t r = 0; r < 3; r++) {
        const int64_t n = some.start[r + 1] - some.start[r], from = all.start[users[r]];
        assert_int_equal(n, all.start[users[r] + 1] - from);
        assert_memory_equal(some.item + some.start[r], all.item + from, (size_t)n * sizeof *all.item);
        assert_memory_equal(some.rating + some.start[r], all.rating + from, (size_t)n * sizeof *all.rating);
        assert_memory_equal(some.timestamp + some.start[r], all.timestamp + from,
                            (size_t)n * sizeof *all.timestamp);
    }
    histories_release(&some);
    assert_ok(model_histories_of(m, KNOWN_ALL, NULL, 0, &some, err));
    assert_int_equal(some.view.rows, 0);
    assert_int_equal(some.start[0], 0);
    histories_release(&some);
    histories_release(&all);
    medley_model_free(m);
}

static void test_any_number_of_threads_gives_the_same_bytes(void **state)
{
    (void)state;
    static const int threads[] = {1, 2, 4};
    char *first = NULL;
    size_t length, first_length = 0;
    for (int t = 0; t < 3; t++) {
        rt->threads = threads[t];
        RECOMMEND(NULL, "run", "/ease", "all", "true", "diversity", "0.3", "space", "text", "out", "/lists",
                  "where", "popularity > 3");
        char *bytes = test_read(test_path(folder, "lists"), &length);
        if (t == 0) {
            first = bytes;
            first_length = length;
            continue;
        }
        assert_int_equal(length, first_length);
        assert_memory_equal(bytes, first, length);
        test_read_end(bytes);
    }
    test_read_end(first);
    rt->threads = 2;
}

static void test_bad_requests_are_refused(void **state)
{
    (void)state;
    test_write_text(test_path(folder, "bad"), "1\nnobody\n");
    test_write_text(test_path(folder, "badpeople"), "ann\t1\t5\nbob\t2\t*\n");
    assert_fails(TRY_RECOMMEND("run", "/ease"), MEDLEY_E_CONFIG, "users: 0 ways");
    assert_fails(TRY_RECOMMEND("run", "/ease", "users", "1", "all", "true"), MEDLEY_E_CONFIG,
                 "users: 2 ways of naming users are given; accepted is one of users, user_file, all, sample and "
                 "history_file");
    assert_fails(TRY_RECOMMEND("run", "/ease", "users", "1,"), MEDLEY_E_NOT_FOUND, "users: '' is no user");
    assert_fails(TRY_RECOMMEND("run", "/ease", "user_file", "/bad"), MEDLEY_E_NOT_FOUND,
                 "/bad:2: 'nobody' is no user");
    assert_fails(TRY_RECOMMEND("run", "/ease", "history_file", "/badpeople"), MEDLEY_E_FORMAT,
                 "/badpeople:2: rating '*'; a number is accepted");
    assert_fails(TRY_RECOMMEND("run", "/ease", "all", "true", "candidates", "/bad"), MEDLEY_E_NOT_FOUND,
                 "/bad:2: 'nobody' is no item");
    assert_fails(TRY_RECOMMEND("run", "/ease", "all", "true", "exclude", "/bad"), MEDLEY_E_NOT_FOUND,
                 "/bad:2: 'nobody' is no item");
    assert_fails(TRY_RECOMMEND("run", "/ease", "all", "true", "where", "genres like 3"), MEDLEY_E_CONFIG,
                 "where: column 8: expected one of");
    assert_fails(TRY_RECOMMEND("run", "/ease", "all", "true", "where", "genre has \"x\""), MEDLEY_E_CONFIG,
                 "did you mean 'genres'?");
    assert_fails(TRY_RECOMMEND("run", "/ease", "all", "true", "diversity", "0.5"), MEDLEY_E_CONFIG,
                 "diversity: a space to compare items in is needed");
    assert_fails(TRY_RECOMMEND("run", "/ease", "all", "true", "space", "text"), MEDLEY_E_CONFIG,
                 "space: is for re-ranking");
    assert_fails(TRY_RECOMMEND("run", "/ease", "all", "true", "pool", "20"), MEDLEY_E_CONFIG,
                 "pool: is for re-ranking");
    assert_fails(TRY_RECOMMEND("run", "/ease", "all", "true", "diversity", "0.5", "space", "text", "pool", "9"),
                 MEDLEY_E_CONFIG, "pool: 9 is below top_k, 10");
    assert_fails(TRY_RECOMMEND("run", "/ease", "all", "true", "diversity", "0.5", "space", "taste"),
                 MEDLEY_E_CONFIG, "'taste' is no space of items");
    test_write_text(test_path(folder, "spaced"), "ann b\t1\n");
    assert_fails(TRY_RECOMMEND("run", "/ease", "history_file", "/spaced", "out", "/new", "out_format", "trec"),
                 MEDLEY_E_FORMAT, "trec has no room for the id 'ann b'");
    assert_fails(file_open(rt, test_path(folder, "new"), &(file *){NULL}, err), MEDLEY_E_NOT_FOUND, "new");
}

static void test_allocation_failures_leave_nothing(void **state)
{
    (void)state;
    test_write_text(test_path(folder, "pairs"), "bob\t7\nbob\t8\nann\t9\n");
    test_write_text(test_path(folder, "few"), "bob\t1\t4\nann\t9\t5\nbob\t3\t2\n");
    BRUTAL(rt, &memory,
           TRY_RECOMMEND("run", "/ease", "history_file", "/few", "candidates", "/pairs", "where", "popularity > 1",
                         "out", "/lists", "diversity", "0.5", "space", "attribute:genres", "exclude_seen",
                         "false"),
           (void)0);
    BRUTAL(rt, &memory, TRY_RECOMMEND("run", "/knn", "users", "1,7", "out", "/lists", "out_format", "jsonl"),
           (void)0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_list_does_not_depend_on_who_else_is_asked_for),
        cmocka_unit_test(test_a_sample_is_drawn_by_the_seed_without_repeats),
        cmocka_unit_test(test_people_of_a_file_get_the_list_of_the_user_with_their_history),
        cmocka_unit_test(test_conditions_keep_the_order_and_never_leave_a_list_short),
        cmocka_unit_test(test_candidates_and_exclusions_are_kept),
        cmocka_unit_test(test_what_was_seen_is_left_out_unless_wanted),
        cmocka_unit_test(test_diverse_lists_are_chosen_from_the_pool),
        cmocka_unit_test(test_novelty_counts_training_users_only),
        cmocka_unit_test(test_files_hold_what_the_report_does),
        cmocka_unit_test(test_users_without_history_are_counted),
        cmocka_unit_test(test_chosen_histories_are_those_of_all),
        cmocka_unit_test(test_any_number_of_threads_gives_the_same_bytes),
        cmocka_unit_test(test_bad_requests_are_refused),
        cmocka_unit_test(test_allocation_failures_leave_nothing),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
