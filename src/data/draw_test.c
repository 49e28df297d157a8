/* Each strategy against a plain twin: which rows of which user or item are where. */
#include "made_store.h"

#include "data/draw.h"

#include "fixture.h"

enum { ROWS = 600, USERS = 40, ITEMS = 50 };

static char path[4096]; /* folder/store */
static medley_store *store;

static void make_store(uint64_t seed)
{
    text rows = {.rt = rt};
    text_add(&rows, "user,item,rating,time\n");
    for (uint64_t n = 0; n < ROWS; n++) {
        const uint64_t bits = random_bits(seed, 0, n);
        const double skew = (double)(bits % 1000) / 1000; /* some users have few rows, some many */
        text_format(&rows, "u%d,i%d,%d,%d\n", (int)(skew * skew * USERS), (int)((bits >> 10) % ITEMS),
                    (int)((bits >> 20) % 5), (int)((bits >> 30) % 400));
    }
    assert_ok(made_store(rt, path, rows.bytes, NULL, err));
    assert_ok(store_open(rt, path, false, &store, err));
    text_release(&rows);
}

static int start(void **state)
{
    set_up(state);
    snprintf(path, sizeof path, "%s/store", folder);
    make_store(1);
    return 0;
}

static int end(void **state)
{
    store_free(store);
    return tear_down(state);
}

/* What a strategy assigns, straight from it. */
static medley_status assign(const char *strategy, const char *const *settings, const split_lot *lot, uint8_t *part,
                            medley_error *err)
{
    _Alignas(16) char values[MADE_VALUES] = {0};
    const split_class *class = made_strategy(strategy);
    medley_params_reset(class->params, values);
    for (; settings != NULL && *settings != NULL; settings += 2)
        TRY(medley_param_set(medley_param_find(class->params, settings[0]), values, settings[1], err));
    memset(part, 99, (size_t)store->count);
    TRY(class->assign(store->rt, values, &store->files.view, lot, part, err));
    for (int64_t i = 0; i < store->count; i++)
        assert_true(part[i] < PART_COUNT); /* each row has one */
    return MEDLEY_OK;
}

static const split_lot one = {7, 0, 1, true};

/* Rows of user u: how many, where they start, and how many are in each part. */
typedef struct user_rows {
    int64_t start, count, in[PART_COUNT];
} user_rows;

static user_rows rows_of(const uint8_t *part, uint32_t u)
{
    const interactions *v = &store->files.view;
    user_rows r = {.start = 0};
    while (v->user[r.start] != u)
        r.start++;
    for (int64_t i = r.start; i < v->count && v->user[i] == u; i++, r.count++)
        r.in[part[i]]++;
    return r;
}

static void assert_shares(const user_rows *r, int64_t val, int64_t test)
{
    assert_int_equal(r->in[PART_VAL], val);
    assert_int_equal(r->in[PART_TEST], test);
    assert_int_equal(r->in[PART_TRAIN], r->count - val - test);
}

/* Of a user: training, then validation, then test. */
static void assert_in_time(const uint8_t *part, const user_rows *r)
{
    static const int rank[] = {[PART_TRAIN] = 0, [PART_VAL] = 1, [PART_TEST] = 2, 0, 0};
    for (int64_t i = r->start + 1; i < r->start + r->count; i++)
        assert_true(rank[part[i - 1]] <= rank[part[i]]);
}

static void test_stratified_shares(void **state)
{
    (void)state;
    static const char *const three[] = {"min_per_part", "3", NULL};
    static const char *const no_val[] = {"val_ratio", "0", "test_ratio", "0.5", NULL};
    uint8_t part[ROWS];
    assert_ok(assign("stratified", NULL, &one, part, err));
    for (uint32_t u = 0; u < store->users; u++) {
        const user_rows r = rows_of(part, u);
        const int64_t fifth = r.count < 8 ? 1 : (2 * r.count + 5) / 10; /* nearest to n / 5 */
        assert_shares(&r, r.count < 3 ? 0 : fifth, r.count < 3 ? 0 : fifth);
    }
    assert_ok(assign("stratified", three, &one, part, err));
    for (uint32_t u = 0; u < store->users; u++) {
        const user_rows r = rows_of(part, u);
        const int64_t fifth = r.count < 18 ? 3 : (2 * r.count + 5) / 10;
        assert_shares(&r, r.count < 9 ? 0 : fifth, r.count < 9 ? 0 : fifth);
    }
    assert_ok(assign("stratified", no_val, &one, part, err));
    for (uint32_t u = 0; u < store->users; u++) {
        const user_rows r = rows_of(part, u);
        assert_shares(&r, 0, r.count < 2 ? 0 : r.count == 3 ? 2 : (r.count + 1) / 2);
    }
}

static void test_temporal_user_shares(void **state)
{
    (void)state;
    static const char *const last[] = {"test_last", "3", "val_last", "2", "min_train", "4", NULL};
    static const char *const only_test[] = {"test_last", "1", NULL};
    static const char *const halves[] = {"test_ratio", "0.5", "val_ratio", "0.5", "min_train", "0", NULL};
    uint8_t part[ROWS];
    assert_ok(assign("temporal_user", last, &one, part, err));
    for (uint32_t u = 0; u < store->users; u++) {
        const user_rows r = rows_of(part, u);
        assert_shares(&r, r.count < 9 ? 0 : 2, r.count < 9 ? 0 : 3);
        assert_in_time(part, &r);
    }
    assert_ok(assign("temporal_user", only_test, &one, part, err));
    for (uint32_t u = 0; u < store->users; u++) {
        const user_rows r = rows_of(part, u);
        assert_shares(&r, 0, r.count < 2 ? 0 : 1);
        assert_true(r.count < 2 || part[r.start + r.count - 1] == PART_TEST);
    }
    assert_ok(assign("temporal_user", halves, &one, part, err));
    for (uint32_t u = 0; u < store->users; u++) {
        const user_rows r = rows_of(part, u);
        const int64_t test = r.count - r.count / 2, val = r.count / 2 - r.count / 2 / 2;
        assert_shares(&r, val, test);
        assert_in_time(part, &r);
    }
}

static void test_leave_n_out_shares(void **state)
{
    (void)state;
    static const char *const settings[] = {"test_n", "3", "val_n", "2", "min_train", "2", NULL};
    uint8_t part[ROWS];
    int64_t early = 0;
    assert_ok(assign("leave_n_out", settings, &one, part, err));
    for (uint32_t u = 0; u < store->users; u++) {
        const user_rows r = rows_of(part, u);
        assert_shares(&r, r.count < 7 ? 0 : 2, r.count < 7 ? 0 : 3);
        early += r.count >= 7 && part[r.start] == PART_TEST;
    }
    assert_true(early > 0); /* by lot and not by time */
}

static void test_folds_share_every_interaction(void **state)
{
    (void)state;
    enum { FOLDS = 5 };
    uint8_t part[ROWS];
    int tested[ROWS] = {0};
    int64_t of_fold[FOLDS];
    for (int64_t fold = 0; fold < FOLDS; fold++) {
        const split_lot lot = {3, fold, FOLDS, true};
        of_fold[fold] = 0;
        assert_ok(assign("k_fold", NULL, &lot, part, err));
        for (int64_t i = 0; i < store->count; i++) {
            tested[i] += part[i] == PART_TEST;
            of_fold[fold] += part[i] == PART_TEST;
        }
        for (uint32_t u = 0; u < store->users; u++) {
            const user_rows r = rows_of(part, u);
            assert_in_range(r.in[PART_TEST], r.count / FOLDS, (r.count + FOLDS - 1) / FOLDS);
            assert_int_equal(r.in[PART_VAL], draw_held_out(r.count - r.in[PART_TEST], 0.1));
        }
    }
    for (int64_t i = 0; i < store->count; i++)
        assert_int_equal(tested[i], 1);
    for (int fold = 0; fold < FOLDS; fold++) /* short users do not all fall into the first folds */
        assert_in_range(of_fold[fold], ROWS / FOLDS - USERS / 3, ROWS / FOLDS + USERS / 3);
}

/* Users wholly in training, or wholly held out with `targets` targets. */
static void assert_held_out(const uint8_t *part, int64_t val_users, int64_t test_users, int64_t least,
                            int64_t (*targets)(int64_t count), bool latest)
{
    int64_t seen[PART_COUNT] = {0};
    for (uint32_t u = 0; u < store->users; u++) {
        const user_rows r = rows_of(part, u);
        if (r.in[PART_TRAIN] > 0) {
            assert_int_equal(r.in[PART_TRAIN], r.count);
            continue;
        }
        const part_name judged = r.in[PART_TEST] > 0 ? PART_TEST : PART_VAL;
        const part_name known = judged == PART_TEST ? PART_TEST_KNOWN : PART_VAL_KNOWN;
        seen[judged]++;
        assert_true(r.count >= least);
        assert_int_equal(r.in[judged], targets(r.count));
        assert_int_equal(r.in[known], r.count - targets(r.count));
        for (int64_t i = 0; latest && i < r.count; i++)
            assert_int_equal(part[r.start + i], i < r.count - targets(r.count) ? known : judged);
    }
    assert_int_equal(seen[PART_VAL], val_users);
    assert_int_equal(seen[PART_TEST], test_users);
}

static int64_t behind_five(int64_t count)
{
    return count > 5 ? count - 5 : 1;
}

static int64_t all(int64_t count)
{
    return count;
}

static int64_t fifth(int64_t count)
{
    return count < 10 ? 1 : count / 5;
}

static void test_user_holds_users_out(void **state)
{
    (void)state;
    static const char *const numbers[] = {"test_users", "7", "val_users", "3", NULL};
    static const char *const nothing[] = {"fold_in", "0", "known", "random", NULL};
    const split_lot unordered = {7, 0, 1, false};
    uint8_t part[ROWS];
    const int64_t tenth = draw_held_out(store->users, 0.1);
    assert_ok(assign("user", NULL, &one, part, err));
    assert_held_out(part, tenth, tenth, 1, behind_five, true);
    assert_ok(assign("user", numbers, &one, part, err));
    assert_held_out(part, 3, 7, 1, behind_five, true);
    assert_ok(assign("user", nothing, &unordered, part, err));
    assert_held_out(part, tenth, tenth, 1, all, false);
    assert_fails(assign("user", NULL, &unordered, part, err), MEDLEY_E_CONFIG,
                 "known: 'earliest' needs an order in time, which this store does not have; accepted: random");
}

static void test_strong_holds_users_out(void **state)
{
    (void)state;
    static const char *const numbers[] = {"test_users", "6",       "val_users", "4", "min_interactions",
                                          "12",         "targets", "latest",    NULL};
    static const char *const short_users[] = {"test_users", "30", "val_users", "0", "min_interactions", "2", NULL};
    const split_lot unordered = {7, 0, 1, false};
    uint8_t part[ROWS], other[ROWS];
    int64_t eligible = 0;
    assert_ok(assign("strong", NULL, &one, part, err));
    for (uint32_t u = 0; u < store->users; u++)
        eligible += rows_of(part, u).count >= 5;
    assert_true(eligible < store->users);
    assert_held_out(part, draw_held_out(eligible, 0.1), draw_held_out(eligible, 0.1), 5, fifth, false);
    assert_ok(assign("strong", numbers, &one, part, err));
    assert_held_out(part, 4, 6, 12, fifth, true);
    assert_fails(assign("strong", numbers, &unordered, part, err), MEDLEY_E_CONFIG, "targets: 'latest' needs");
    assert_ok(assign("strong", short_users, &one, part, err));
    assert_held_out(part, 0, 30, 2, fifth, false);
    /* Which users: another seed, others. */
    const split_lot lot = {8, 0, 1, true};
    assert_ok(assign("strong", numbers, &lot, other, err));
    assert_memory_not_equal(part, other, sizeof part);
}

static void test_item_holds_items_out(void **state)
{
    (void)state;
    static const char *const numbers[] = {"test_items", "5", "val_items", "0.3", NULL};
    const interactions *v = &store->files.view;
    uint8_t part[ROWS];
    int of_item[ITEMS];
    int64_t items[PART_COUNT] = {0};
    memset(of_item, 0xff, sizeof of_item);
    assert_ok(assign("item", numbers, &one, part, err));
    for (int64_t i = 0; i < v->count; i++) {
        assert_true(of_item[v->item[i]] == -1 || of_item[v->item[i]] == part[i]);
        items[part[i]] += of_item[v->item[i]] == -1;
        of_item[v->item[i]] = part[i];
    }
    assert_int_equal(items[PART_TEST], 5);
    assert_int_equal(items[PART_VAL], 15);
    assert_int_equal(items[PART_TRAIN], store->items - 20);
}

static void test_refused_settings_say_what_is_accepted(void **state)
{
    (void)state;
    static const struct {
        const char *strategy, *settings[5], *want;
    } cases[] = {
        {"stratified",
         {"test_ratio", "0.6", "val_ratio", "0.4"},
         "test_ratio: 0.6 and val_ratio: 0.4; accepted: below 1 together"},
        {"user", {"test_users", "2.5"}, "test_users: 2.5; accepted: a share below 1 or a whole number"},
        {"user", {"test_users", "0.9", "val_users", "0.9"}, "leave none of "},
        {"user", {"test_users", "1000"}, "test_users: 1000 and val_users: 0.1 leave none of "},
        {"strong", {"test_users", "20", "min_interactions", "20"}, "users that have at least 20 interactions"},
        {"item",
         {"val_items", "50", "test_items", "0"},
         "test_items: 0 and val_items: 50 leave none of 50 items to train"},
        {"temporal",
         {"test_from", "tomorrow"},
         "test_from: 'tomorrow' is no moment; accepted: seconds since 1970"},
        {"temporal", {"test_from", "10", "val_from", "20"}, "val_from: 20 is behind test_from, 10"},
        {"leave_n_out", {"test_n", "-1"}, "test_n: -1 is outside 0..1000000000"},
        {"strong", {"target_ratio", "1"}, "target_ratio: 1 is outside 0.01..0.99"},
        {"strong", {"targets", "first"}, "targets: 'first' is not a choice; accepted: random|latest"},
    };
    uint8_t part[ROWS];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_fails(assign(cases[i].strategy, cases[i].settings, &one, part, err), MEDLEY_E_CONFIG,
                     cases[i].want);
}

/* Each of n users is as likely as any other to be drawn. */
static void test_no_group_is_preferred(void **state)
{
    (void)state;
    enum { GROUPS = 20, TIMES = 2000 };
    const draw_group_rule rule = {"users", 5, 0};
    int64_t size[GROUPS], drawn[GROUPS] = {0};
    uint8_t part[GROUPS];
    for (int g = 0; g < GROUPS; g++)
        size[g] = 1;
    for (uint64_t seed = 0; seed < TIMES; seed++) {
        assert_ok(draw_groups(rt, &rule, seed, size, GROUPS, 1, part, err));
        for (int g = 0; g < GROUPS; g++)
            drawn[g] += part[g] == PART_TEST;
    }
    for (int g = 0; g < GROUPS; g++) /* 500 expected, six standard deviations of 19 */
        assert_in_range(drawn[g], 385, 615);
}

static void test_every_allocation_can_fail(void **state)
{
    (void)state;
    static const char *const strategies[] = {"random",        "stratified",    "temporal",
                                             "temporal_user", "leave_one_out", "leave_n_out",
                                             "user",          "item",          "strong"};
    const split_lot two = {7, 1, 2, true};
    uint8_t part[ROWS];
    for (size_t i = 0; i < sizeof strategies / sizeof *strategies; i++)
        BRUTAL(rt, &memory, assign(strategies[i], NULL, &one, part, err), (void)0);
    BRUTAL(rt, &memory, assign("k_fold", NULL, &two, part, err), (void)0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_stratified_shares, start, end),
        cmocka_unit_test_setup_teardown(test_temporal_user_shares, start, end),
        cmocka_unit_test_setup_teardown(test_leave_n_out_shares, start, end),
        cmocka_unit_test_setup_teardown(test_folds_share_every_interaction, start, end),
        cmocka_unit_test_setup_teardown(test_user_holds_users_out, start, end),
        cmocka_unit_test_setup_teardown(test_strong_holds_users_out, start, end),
        cmocka_unit_test_setup_teardown(test_item_holds_items_out, start, end),
        cmocka_unit_test_setup_teardown(test_refused_settings_say_what_is_accepted, start, end),
        cmocka_unit_test_setup_teardown(test_no_group_is_preferred, start, end),
        cmocka_unit_test_setup_teardown(test_every_allocation_can_fail, start, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
