#include "made_store.h"

#include "io/json.h"

#include "fixture.h"

static char path[4096]; /* folder/store */

static int start(void **state)
{
    set_up(state);
    snprintf(path, sizeof path, "%s/store", folder);
    return 0;
}

/* medley split --store S --name N --strategy X --seed S key value ... */
static medley_status split_as(const medley_store *store, const char *name, const char *strategy, int64_t seed,
                              bool force, const char *const *settings, medley_report *report, medley_error *err)
{
    const split_params p = {store->path, name, strategy, seed, 1, force};
    return made_split(store, &p, settings, report, err);
}

static medley_store *open_store(const char *rows)
{
    medley_store *store;
    assert_ok(made_store(rt, path, rows, NULL, err));
    assert_ok(store_open(rt, path, true, &store, err));
    return store;
}

/* The rows of a part as "user item; ...", with ids. */
static void assert_part(const medley_store *store, const interaction_files *part, const char *want)
{
    text shown = {.rt = rt};
    for (int64_t i = 0; i < part->view.count; i++)
        text_format(&shown, "%s%s %s", i > 0 ? "; " : "", store->user_ids[part->view.user[i]],
                    store->item_ids[part->view.item[i]]);
    assert_ok(text_status(&shown, err));
    assert_string_equal(shown.bytes, want);
    text_release(&shown);
}

static void assert_split(const medley_store *store, const char *name, const char *train, const char *val,
                         const char *test)
{
    judging_parts judging;
    selection_parts selection;
    assert_ok(judging_open(store, name, &judging, err));
    assert_part(store, &judging.part[PART_TRAIN], train);
    assert_part(store, &judging.part[PART_VAL], val);
    assert_part(store, &judging.part[PART_TEST], test);
    judging_release(&judging);
    assert_ok(selection_open(store, name, &selection, err));
    assert_part(store, &selection.train, train);
    assert_part(store, &selection.val, val);
    assert_string_equal(selection.facts.name, name);
    selection_release(&selection);
}

/* ---- each strategy by hand ---- */

static void test_leave_one_out_by_hand(void **state)
{
    (void)state;
    static const char *const at_least_two[] = {"min_train", "2", NULL};
    medley_store *store = open_store("user,item,rating,time\n"
                                     "u,c,1,30\nu,a,1,10\nu,b,1,20\nu,d,1,30\n" /* a b c d: d came after c */
                                     "v,a,1,5\nv,b,1,6\nv,c,1,7\n"
                                     "w,a,1,1\nw,b,1,2\n");
    assert_ok(split_as(store, "loo", "leave_one_out", 0, false, NULL, NULL, err));
    assert_split(store, "loo", "u a; u b; v a; w a; w b", "u c; v b", "u d; v c");
    assert_ok(split_as(store, "two", "leave_one_out", 0, false, at_least_two, NULL, err));
    assert_split(store, "two", "u a; u b; v a; v b; v c; w a; w b", "u c", "u d");
    store_free(store);
}

static void test_temporal_by_hand(void **state)
{
    (void)state;
    static const char *const halves[] = {"test_ratio", "0.5", "val_ratio", "0.5", NULL};
    static const char *const times[] = {"test_from", "40", "val_from", "20", NULL};
    static const char *const late[] = {"test_ratio", "0.1", "val_ratio", "0", NULL};
    medley_store *store = open_store(
        "user,item,rating,time\nu,a,1,10\nv,b,1,20\nu,c,1,30\nv,d,1,40\nu,e,1,40\nv,f,1,40\nw,g,1,50\nu,h,1,15\n");
    /* sorted: 10 15 20 30 | 40 40 40 50: half of 8 is from the 5th on; of the four before, from the 3rd on */
    assert_ok(split_as(store, "halves", "temporal", 0, false, halves, NULL, err));
    assert_split(store, "halves", "u a; u h", "u c; v b", "u e; v d; v f; w g");
    assert_ok(split_as(store, "times", "temporal", 0, false, times, NULL, err));
    assert_split(store, "times", "u a; u h", "u c; v b", "u e; v d; v f; w g");
    /* a tenth is one row, the cut is its time; no validation */
    assert_ok(split_as(store, "late", "temporal", 0, false, late, NULL, err));
    assert_split(store, "late", "u a; u h; u c; u e; v b; v d; v f", "", "w g");
    store_free(store);
}

static void test_equal_times_stay_together(void **state)
{
    (void)state;
    static const char *const third[] = {"test_ratio", "0.3", "val_ratio", "0", NULL};
    medley_store *store = open_store("user,item,rating,time\nu,a,1,1\nu,b,1,2\nv,c,1,2\nw,d,1,2\n");
    assert_ok(split_as(store, "t", "temporal", 0, false, third, NULL, err));
    assert_split(store, "t", "u a", "", "u b; v c; w d");
    store_free(store);
}

static void test_fixed_is_what_the_files_say(void **state)
{
    (void)state;
    medley_store *store;
    test_write_text(test_path(folder, "train.tsv"), "u\ta\nv\tb\nu\tc\n");
    test_write_text(test_path(folder, "val.tsv"), "v\ta\n");
    test_write_text(test_path(folder, "test.tsv"), "w\ta\nu\td\n");
    assert_ok(made_prepare(rt, "elliot", folder, path, NULL, NULL, err));
    assert_ok(store_open(rt, path, true, &store, err));
    assert_true(store->has_part);
    assert_ok(split_as(store, "given", "fixed", 0, false, NULL, NULL, err));
    assert_split(store, "given", "u a; u c; v b", "v a", "u d; w a");
    static const char *const half[] = {"val_ratio", "0.5", NULL};
    assert_fails(split_as(store, "half", "fixed", 0, false, half, NULL, err), MEDLEY_E_CONFIG,
                 "val_ratio: 0.5, but the source gives a validation part");
    store_free(store);
}

static void test_fixed_can_draw_validation_from_training(void **state)
{
    static const char *const third[] = {"val_ratio", "0.3", NULL};
    text rows = {.rt = rt};
    selection_parts parts;
    medley_store *store;
    (void)state;
    for (int i = 0; i < 1000; i++)
        text_format(&rows, "u%d\ti%d\n", i % 40, i);
    test_write_text(test_path(folder, "train.tsv"), rows.bytes);
    text_release(&rows);
    remove(test_path(folder, "val.tsv"));
    test_write_text(test_path(folder, "test.tsv"), "w\ti1\nu1\ti3\n");
    assert_ok(made_prepare(rt, "elliot", folder, path, NULL, NULL, err));
    assert_ok(store_open(rt, path, true, &store, err));
    for (int64_t seed = 1; seed <= 2; seed++) {
        char name[8];
        snprintf(name, sizeof name, "s%d", (int)seed);
        assert_ok(split_as(store, name, "fixed", seed, false, third, NULL, err));
        assert_ok(selection_open(store, name, &parts, err));
        assert_int_equal(parts.facts.count[PART_TEST], 2);
        assert_int_equal(parts.train.view.count + parts.val.view.count, 1000);
        assert_in_range(parts.val.view.count, 260, 340);
        selection_release(&parts);
    }
    store_free(store);
}

/* `count` rows of each of `users` users. */
static medley_store *open_regular(int users, int count)
{
    text rows = {.rt = rt};
    text_add(&rows, "user,item,rating,time\n");
    for (int i = 0; i < count; i++)
        for (int u = 0; u < users; u++)
            text_format(&rows, "u%d,i%d,%d,%d\n", u, i, i % 5 + 1, 1000 * i + u);
    medley_store *store = open_store(rows.bytes);
    text_release(&rows);
    return store;
}

/* n - floor(n (1 - ratio)), worked out by hand: floor(10 * 0.8) is 8, not 7. */
static void test_random_shares_by_hand(void **state)
{
    (void)state;
    static const struct {
        int rows;
        const char *test, *val;
        int want[PART_COUNT];
    } cases[] = {
        {10, "0.2", "0.1", {7, 1, 2}},     {10, "0.2", "0", {8, 0, 2}},   {1, "0.2", "0.1", {0, 0, 1}},
        {4, "0.2", "0.1", {2, 1, 1}},      {5, "0.2", "0.25", {3, 1, 1}}, {10, "0", "0.3", {7, 3, 0}},
        {7, "0.5", "0.5", {1, 2, 4}},      {10, "0", "0", {10, 0, 0}},    {30, "0.1", "0.1", {24, 3, 3}},
        {100, "0.99", "0.99", {0, 1, 99}},
    };
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        const char *const settings[] = {"test_ratio", cases[c].test, "val_ratio", cases[c].val, NULL};
        judging_parts parts;
        medley_store *store = open_regular(3, cases[c].rows);
        assert_ok(split_as(store, "r", "random", 4, false, settings, NULL, err));
        assert_ok(judging_open(store, "r", &parts, err));
        for (int which = 0; which < PART_COUNT; which++) {
            assert_int_equal(parts.facts.count[which], 3 * cases[c].want[which]);
            for (int64_t i = 0; i < parts.part[which].view.count; i++)
                assert_int_equal(parts.part[which].view.user[i], i / cases[c].want[which]);
        }
        judging_release(&parts);
        store_free(store);
        assert_ok(file_remove_tree(rt, path, err));
    }
}

static void test_random_depends_on_the_seed_and_nothing_else(void **state)
{
    (void)state;
    char print[3][FINGERPRINT_SIZE];
    medley_store *store = open_regular(20, 20);
    static const int64_t seeds[] = {1, 1, 2};
    static const char *const names[] = {"a", "b", "c"};
    for (int i = 0; i < 3; i++) {
        judging_parts parts;
        assert_ok(split_as(store, names[i], "random", seeds[i], false, NULL, NULL, err));
        assert_ok(judging_open(store, names[i], &parts, err));
        memcpy(print[i], parts.facts.fingerprint, FINGERPRINT_SIZE);
        assert_int_equal(parts.facts.seed, seeds[i]);
        assert_string_equal(parts.facts.strategy, "random");
        judging_release(&parts);
    }
    assert_string_equal(print[0], print[1]);
    assert_string_not_equal(print[0], print[2]);
    for (int threads = 2; threads <= 4; threads += 2) { /* assigning never asks how many there are */
        test_memory own;
        judging_parts parts;
        medley_runtime *runtime = test_runtime(&own, threads);
        store->rt = runtime;
        assert_ok(split_as(store, "more", "random", 1, true, NULL, NULL, err));
        assert_ok(judging_open(store, "more", &parts, err));
        assert_string_equal(parts.facts.fingerprint, print[0]);
        judging_release(&parts);
        store->rt = rt;
        test_runtime_end(runtime, &own);
    }
    store_free(store);
}

/* Each place in a user's history is as likely as any other to be test. */
static void test_random_prefers_no_place(void **state)
{
    (void)state;
    enum { USERS = 2000, ROWS = 10 };
    medley_store *store = open_regular(USERS, ROWS);
    judging_parts parts;
    int of_place[ROWS] = {0};
    assert_ok(split_as(store, "r", "random", 7, false, NULL, NULL, err));
    assert_ok(judging_open(store, "r", &parts, err));
    const interactions *v = &parts.part[PART_TEST].view;
    assert_int_equal(v->count, 2 * USERS);
    for (int64_t i = 0; i < v->count; i++)
        of_place[v->timestamp[i] / 1000 % ROWS]++;
    for (int place = 0; place < ROWS; place++) /* 400 expected, six standard deviations of 18 */
        assert_in_range(of_place[place], 290, 510);
    judging_release(&parts);
    store_free(store);
}

/* ---- properties ---- */

/* Random rows with few items and times, so that there are repeats, ties and cold items. */
static medley_store *open_random(uint64_t seed)
{
    text rows = {.rt = rt};
    text_add(&rows, "user,item,rating,time\n");
    for (uint64_t n = 0; n < 400; n++) {
        const uint64_t bits = random_bits(seed, 0, n);
        text_format(&rows, "u%d,i%d,%d,%d\n", (int)(bits % 120), (int)((bits >> 8) % 70), (int)((bits >> 16) % 9),
                    (int)((bits >> 24) % 50) + 1);
    }
    medley_store *store = open_store(rows.bytes);
    text_release(&rows);
    return store;
}

static int64_t leak(const medley_report *report, const char *name)
{
    double value;
    assert_true(medley_report_number(report, "leaks", 0, name, &value));
    return (int64_t)value;
}

/* Which part each row of the store went to: parts keep the store's order, so they are walked side by side. */
static void find_parts(const medley_store *store, const judging_parts *parts, uint8_t *part)
{
    const interactions *v = &store->files.view;
    int64_t at[PART_COUNT] = {0};
    for (int64_t i = 0; i < v->count; i++) {
        int found = -1;
        for (int which = 0; which < PART_COUNT && found < 0; which++) {
            const interactions *p = &parts->part[which].view;
            const int64_t n = at[which];
            if (n < p->count && p->user[n] == v->user[i] && p->item[n] == v->item[i] &&
                p->timestamp[n] == v->timestamp[i] && p->rating[n] == v->rating[i])
                found = which;
        }
        assert_true(found >= 0);
        at[found]++;
        part[i] = (uint8_t)found;
    }
    for (int which = 0; which < PART_COUNT; which++)
        assert_int_equal(at[which], parts->part[which].view.count);
}

static const char *const strategies[] = {"random",      "temporal", "leave_one_out", "stratified", "temporal_user",
                                         "leave_n_out", "user",     "item",          "strong"};
enum { STRATEGIES = sizeof strategies / sizeof *strategies };

static void test_every_strategy_parts_the_rows_and_counts_its_leaks(void **state)
{
    (void)state;
    int64_t seen[6] = {0};
    for (uint64_t seed = 0; seed < 6; seed++) {
        medley_store *store = open_random(seed);
        for (int s = 0; s < STRATEGIES; s++) {
            medley_report *report;
            judging_parts parts;
            uint8_t part[400];
            assert_ok(report_create(rt, &report, err));
            assert_ok(split_as(store, strategies[s], strategies[s], 3, false, NULL, report, err));
            assert_ok(judging_open(store, strategies[s], &parts, err));
            find_parts(store, &parts, part);
            if (s == 1)
                assert_int_equal(leak(report, "test_before_latest_training"), 0);
            if (s == 2)
                assert_int_equal(leak(report, "test_before_own_training"), 0);
            seen[0] += leak(report, "test_before_latest_training");
            seen[1] += leak(report, "test_before_own_training");
            seen[2] += leak(report, "test_pairs_also_in_training");
            seen[3] += leak(report, "test_users_without_training");
            seen[4] += leak(report, "test_items_without_training");
            seen[5] += leak(report, "test_interactions_of_either");
            judging_release(&parts);
            medley_report_free(report);
        }
        store_free(store);
        assert_ok(file_remove_tree(rt, path, err));
    }
    for (int i = 0; i < 6; i++)
        assert_true(seen[i] > 0);
}

static void test_leaks_by_hand(void **state)
{
    (void)state;
    medley_store *store;
    medley_report *report;
    char *split;
    test_write_text(test_path(folder, "train.tsv"), "u\ta\t1\t10\nu\tb\t1\t40\nv\ta\t1\t20\n");
    test_write_text(test_path(folder, "val.tsv"), "v\tc\t1\t5\n");
    /* u c: before u's own 40, and c is cold. v a: repeated, before 40. w c: cold both ways, not before. w a: cold user. */
    test_write_text(test_path(folder, "test.tsv"), "u\tc\t1\t30\nv\ta\t1\t30\nw\tc\t1\t40\nw\ta\t1\t50\n");
    assert_ok(made_prepare(rt, "elliot", folder, path, NULL, NULL, err));
    assert_ok(store_open(rt, path, false, &store, err));
    assert_ok(report_create(rt, &report, err));
    assert_ok(split_as(store, "given", "fixed", 0, false, NULL, report, err));
    assert_int_equal(leak(report, "test_before_latest_training"), 2);
    assert_int_equal(leak(report, "test_before_own_training"), 1);
    assert_int_equal(leak(report, "test_pairs_also_in_training"), 1);
    assert_int_equal(leak(report, "test_users_without_training"), 1);
    assert_int_equal(leak(report, "test_items_without_training"), 1);
    assert_int_equal(leak(report, "test_interactions_of_either"), 3);
    split = test_read(test_path(path, "splits/given/split.json"), NULL);
    assert_non_null(strstr(split, "\"test_before_latest_training\": 2"));
    assert_non_null(strstr(split, "\"train\": 3"));
    assert_non_null(strstr(split, "\"test\": 4"));
    test_read_end(split);
    medley_report_free(report);
    store_free(store);
}

static void test_without_times_the_report_says_so(void **state)
{
    (void)state;
    medley_report *report;
    test_write_text(test_path(folder, "x.txt"), "u a b c d\nv b c d\n");
    medley_store *store;
    assert_ok(made_prepare(rt, "sequences", test_path(folder, "x.txt"), path, NULL, NULL, err));
    assert_ok(store_open(rt, path, true, &store, err));
    assert_ok(report_create(rt, &report, err));
    assert_ok(split_as(store, "loo", "leave_one_out", 0, false, NULL, report, err));
    assert_split(store, "loo", "u a; u b; v b", "u c; v c", "u d; v d");
    assert_string_equal(medley_report_text(report, "leaks", 0, "test_before_latest_training"),
                        "unknown: the store has no times");
    assert_fails(split_as(store, "t", "temporal", 0, false, NULL, NULL, err), MEDLEY_E_CONFIG,
                 "strategy: 'temporal' needs times, which the store does not have");
    medley_report_free(report);
    store_free(store);
}

/* ---- refusals ---- */

static void test_what_the_store_cannot_give_is_refused(void **state)
{
    (void)state;
    medley_store *store = open_store("user,item\nu,a\nu,b\nu,c\n");
    assert_fails(split_as(store, "s", "leave_one_out", 0, false, NULL, NULL, err), MEDLEY_E_CONFIG,
                 "strategy: 'leave_one_out' needs an order in time, which this store does not have");
    assert_fails(split_as(store, "s", "temporal", 0, false, NULL, NULL, err), MEDLEY_E_CONFIG,
                 "needs an order in time");
    assert_fails(split_as(store, "s", "fixed", 0, false, NULL, NULL, err), MEDLEY_E_CONFIG,
                 "strategy: 'fixed' needs a source that comes split");
    assert_false(file_exists(test_path(path, "splits")));
    store_free(store);
}

static void test_a_name_cannot_lead_elsewhere(void **state)
{
    (void)state;
    static const char *const names[] = {"", ".", "..", "../x", "a/b", ".hidden", "a b", "caf\xc3\xa9"};
    medley_store *store = open_store("user,item\nu,a\nu,b\n");
    selection_parts parts;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        assert_fails(split_as(store, names[i], "random", 0, false, NULL, NULL, err), MEDLEY_E_CONFIG,
                     "cannot name a split");
        assert_fails(selection_open(store, names[i], &parts, err), MEDLEY_E_CONFIG, "cannot name a split");
    }
    assert_fails(selection_open(store, "none", &parts, err), MEDLEY_E_NOT_FOUND, "has no split 'none'");
    store_free(store);
}

static void test_a_split_is_replaced_only_when_asked(void **state)
{
    (void)state;
    medley_store *store = open_store("user,item,rating,time\nu,a,1,1\nu,b,1,2\nu,c,1,3\n");
    assert_ok(split_as(store, "s", "leave_one_out", 0, false, NULL, NULL, err));
    assert_fails(split_as(store, "s", "temporal", 0, false, NULL, NULL, err), MEDLEY_E_EXISTS, "exists already");
    assert_split(store, "s", "u a", "u b", "u c");
    assert_ok(split_as(store, "s", "temporal", 0, true, NULL, NULL, err));
    assert_split(store, "s", "u a", "u b", "u c");
    store_free(store);
}

static void test_a_split_of_another_store_is_stale(void **state)
{
    (void)state;
    static const char *const force[] = {"force", "true", NULL};
    selection_parts parts;
    medley_store *store = open_store("user,item\nu,a\nu,b\nv,a\n");
    assert_ok(split_as(store, "s", "random", 0, false, NULL, NULL, err));
    char kept[4200];
    snprintf(kept, sizeof kept, "%s/kept", folder);
    assert_ok(file_rename(rt, test_path(path, "splits"), kept, err));
    store_free(store);
    assert_ok(made_store(rt, path, "user,item\nu,a\nu,c\nv,a\n", force, err));
    assert_ok(file_rename(rt, kept, test_path(path, "splits"), err));
    assert_ok(store_open(rt, path, false, &store, err));
    assert_fails(selection_open(store, "s", &parts, err), MEDLEY_E_STALE, "split again");
    store_free(store);
}

/* ---- damage ---- */

static void test_a_damaged_split_is_refused_in_one_line(void **state)
{
    (void)state;
    static const damage cases[] = {
        {"split.json", NULL, NULL, MEDLEY_E_NOT_FOUND, "split.json"},
        {"split.json", NULL, "", MEDLEY_E_FORMAT, "split.json:"},
        {"split.json", "medley-split-1", "medley-split-9", MEDLEY_E_FORMAT,
         "format 'medley-split-9'; accepted: 'medley-split-1'"},
        {"split.json", "\"seed\"", "\"sead\"", MEDLEY_E_FORMAT,
         "split.json: strategy, seed, counts or a fingerprint is missing"},
        {"split.json", "\"train\": 3", "\"train\": 4", MEDLEY_E_FORMAT, "train: 3 rows; split.json names 4"},
        {"split.json", "\"val\": 1", "\"val\": 0", MEDLEY_E_FORMAT, "val: 1 rows; split.json names 0"},
        {"split.json", "\"test\": 1", "\"test\": 2", MEDLEY_E_FORMAT, "test: 1 rows; split.json names 2"},
        {"split.json", "\"counts\"", "\"count\"", MEDLEY_E_FORMAT,
         "split.json: strategy, seed, counts or a fingerprint is missing"},
        {"train/user.npy", NULL, NULL, MEDLEY_E_NOT_FOUND, "train/user.npy"},
        {"train/item.npy", NULL, "", MEDLEY_E_FORMAT, "train/item.npy"},
        {"train/rating.npy", NULL, NULL, MEDLEY_E_FORMAT, "train: does not have the store's columns"},
        {"val/timestamp.npy", NULL, NULL, MEDLEY_E_FORMAT, "val: does not have the store's columns"},
        {"val/item.npy", NULL, NULL, MEDLEY_E_NOT_FOUND, "val/item.npy"},
        {"test/user.npy", NULL, "", MEDLEY_E_FORMAT, "test/user.npy"},
    };
    medley_store *store = open_store("user,item,rating,time\nu,a,1,1\nu,b,1,2\nu,c,1,3\nu,d,1,4\nu,e,1,5\n");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        judging_parts judging;
        selection_parts selection;
        assert_ok(split_as(store, "s", "leave_one_out", 0, false, NULL, NULL, err));
        assert_split(store, "s", "u a; u b; u c", "u d", "u e");
        damage_apply(rt, test_path(path, "splits/s"), &cases[i]);
        assert_fails(judging_open(store, "s", &judging, err), cases[i].status, cases[i].want);
        /* Selection never looks at the test part: damage there is not seen. */
        if (strstr(cases[i].want, "test") == cases[i].want) {
            assert_ok(selection_open(store, "s", &selection, err));
            selection_release(&selection);
        } else {
            assert_fails(selection_open(store, "s", &selection, err), cases[i].status, cases[i].want);
        }
        assert_ok(file_remove_tree(rt, test_path(path, "splits"), err));
    }
    store_free(store);
}

static medley_status split_and_open(const medley_store *store, const char *strategy, medley_error *err)
{
    judging_parts judging;
    selection_parts selection;
    TRY(split_as(store, "s", strategy, 1, true, NULL, NULL, err));
    TRY(judging_open(store, "s", &judging, err));
    judging_release(&judging);
    TRY(selection_open(store, "s", &selection, err));
    selection_release(&selection);
    return MEDLEY_OK;
}

static void test_every_allocation_can_fail(void **state)
{
    (void)state;
    medley_store *store = open_random(1);
    for (int s = 0; s < STRATEGIES; s++)
        BRUTAL(rt, &memory, split_and_open(store, strategies[s], err), (void)0);
    store_free(store);
}

static void test_a_full_disk_leaves_the_old_split(void **state)
{
    (void)state;
    medley_store *store = open_store("user,item,rating,time\nu,a,1,1\nu,b,1,2\nu,c,1,3\n");
    assert_ok(split_as(store, "s", "leave_one_out", 0, false, NULL, NULL, err));
    FULL_DISK(rt, &memory, split_as(store, "s", "random", 0, true, NULL, NULL, err),
              (assert_split(store, "s", "u a", "u b", "u c"),
               assert_false(file_exists(test_path(path, "splits/s.partial")))),
              (void)0);
    store_free(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_leave_one_out_by_hand, start, tear_down),
        cmocka_unit_test_setup_teardown(test_temporal_by_hand, start, tear_down),
        cmocka_unit_test_setup_teardown(test_equal_times_stay_together, start, tear_down),
        cmocka_unit_test_setup_teardown(test_fixed_is_what_the_files_say, start, tear_down),
        cmocka_unit_test_setup_teardown(test_fixed_can_draw_validation_from_training, start, tear_down),
        cmocka_unit_test_setup_teardown(test_random_shares_by_hand, start, tear_down),
        cmocka_unit_test_setup_teardown(test_random_depends_on_the_seed_and_nothing_else, start, tear_down),
        cmocka_unit_test_setup_teardown(test_random_prefers_no_place, start, tear_down),
        cmocka_unit_test_setup_teardown(test_every_strategy_parts_the_rows_and_counts_its_leaks, start, tear_down),
        cmocka_unit_test_setup_teardown(test_leaks_by_hand, start, tear_down),
        cmocka_unit_test_setup_teardown(test_without_times_the_report_says_so, start, tear_down),
        cmocka_unit_test_setup_teardown(test_what_the_store_cannot_give_is_refused, start, tear_down),
        cmocka_unit_test_setup_teardown(test_a_name_cannot_lead_elsewhere, start, tear_down),
        cmocka_unit_test_setup_teardown(test_a_split_is_replaced_only_when_asked, start, tear_down),
        cmocka_unit_test_setup_teardown(test_a_split_of_another_store_is_stale, start, tear_down),
        cmocka_unit_test_setup_teardown(test_a_damaged_split_is_refused_in_one_line, start, tear_down),
        cmocka_unit_test_setup_teardown(test_every_allocation_can_fail, start, tear_down),
        cmocka_unit_test_setup_teardown(test_a_full_disk_leaves_the_old_split, start, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
