#include "made_store.h"

#include "data/leak_report.h"

#include "fixture.h"

static char path[4096]; /* folder/store */

static int start(void **state)
{
    set_up(state);
    snprintf(path, sizeof path, "%s/store", folder);
    return 0;
}

static medley_store *open_store(const char *rows)
{
    medley_store *store;
    assert_ok(made_store(rt, path, rows, NULL, err));
    assert_ok(store_open(rt, path, false, &store, err));
    return store;
}

static void test_parts_and_leaks_by_hand(void **state)
{
    (void)state;
    enum { T = PART_TRAIN, V = PART_VAL, E = PART_TEST, K = PART_TEST_KNOWN };
    medley_store *store = open_store("user,item,rating,time\n"
                                     "u,a,1,10\nu,b,1,20\nu,a,1,30\nu,c,1,40\nu,b,1,50\n"
                                     "v,a,1,35\nv,d,1,45\n"
                                     "w,b,1,5\nw,d,1,25\nw,b,1,60\n");
    /* u: train a10, val b20, test a30, test c40, train b50; v: train a35, val d45; w held out: test b5, known d25 b60 */
    static const uint8_t part[] = {T, V, E, E, T, T, V, E, K, K};
    leak_report l;
    assert_ok(leak_report_find(store, part, &l, err));
    static const struct {
        int64_t interactions, users, items;
    } want[PART_COUNT] = {{3, 2, 2}, {2, 2, 2}, {3, 2, 3}, {0, 0, 0}, {2, 1, 2}};
    for (int which = 0; which < PART_COUNT; which++) {
        assert_int_equal(l.part[which].interactions, want[which].interactions);
        assert_int_equal(l.part[which].users, want[which].users);
        assert_int_equal(l.part[which].items, want[which].items);
    }
    /* the latest training is u b at 50, before which all of test and validation lie */
    assert_int_equal(l.test.before_train, 3);
    assert_int_equal(l.test.before_own_train, 2);  /* u's two; w has none */
    assert_int_equal(l.test.before_own_known, 1);  /* w b5 before w b60 */
    assert_int_equal(l.test.in_train, 1);          /* u a */
    assert_int_equal(l.test.in_known, 1);          /* w b */
    assert_int_equal(l.test.cold_users, 1);        /* w */
    assert_int_equal(l.test.cold_items, 1);        /* c */
    assert_int_equal(l.test.cold_interactions, 2); /* u c, w b */
    assert_int_equal(l.val.before_train, 2);
    assert_int_equal(l.val.before_own_train, 1); /* u b20 before u b50; v d45 behind v a35 */
    assert_int_equal(l.val.in_train, 1);         /* u b */
    assert_int_equal(l.val.cold_users, 0);
    assert_int_equal(l.val.cold_items, 1); /* d */
    assert_int_equal(l.val.cold_interactions, 1);
    assert_int_equal(l.repeated_pairs, 3); /* u a, u b, w b */
    store_free(store);
}

/* ---- the plain twin ---- */

static void count_plainly(const interactions *v, const uint8_t *part, part_name judged, part_name known,
                          part_leaks *out)
{
    *out = (part_leaks){0};
    for (int64_t t = 0; t < v->count; t++) {
        bool any = false, own = false, own_known = false, pair = false, pair_known = false, user = false,
             item = false, first_user = true, first_item = true;
        if (part[t] != judged)
            continue;
        for (int64_t n = 0; n < v->count; n++) {
            const bool same_user = v->user[n] == v->user[t], same_item = v->item[n] == v->item[t];
            const bool later = v->timestamp[n] > v->timestamp[t];
            any |= part[n] == PART_TRAIN && later;
            own |= part[n] == PART_TRAIN && same_user && later;
            own_known |= part[n] == known && same_user && later;
            pair |= part[n] == PART_TRAIN && same_user && same_item;
            pair_known |= part[n] == known && same_user && same_item;
            user |= part[n] == PART_TRAIN && same_user;
            item |= part[n] == PART_TRAIN && same_item;
            first_user &= part[n] != judged || n >= t || !same_user;
            first_item &= part[n] != judged || n >= t || !same_item;
        }
        out->before_train += any;
        out->before_own_train += own;
        out->before_own_known += own_known;
        out->in_train += pair;
        out->in_known += pair_known;
        out->cold_users += !user && first_user;
        out->cold_items += !item && first_item;
        out->cold_interactions += !user || !item;
    }
}

static int64_t count_repeated(const interactions *v, const uint8_t *part)
{
    int64_t sum = 0;
    for (int64_t i = 0; i < v->count; i++) {
        bool first = true, other = false;
        for (int64_t n = 0; n < v->count; n++) {
            if (v->user[n] != v->user[i] || v->item[n] != v->item[i])
                continue;
            first &= n >= i;
            other |= part[n] != part[i];
        }
        sum += first && other;
    }
    return sum;
}

static void test_random_parts_equal_their_plain_twin(void **state)
{
    (void)state;
    int64_t in_known = 0, cold_items = 0, cold_users = 0;
    for (uint64_t seed = 0; seed < 12; seed++) {
        enum { ROWS = 300 };
        uint8_t part[ROWS];
        leak_report l;
        part_leaks val, test;
        text rows = {.rt = rt};
        text_add(&rows, "user,item,rating,time\n");
        for (uint64_t n = 0; n < ROWS; n++) {
            const uint64_t bits = random_bits(seed, 0, n);
            text_format(&rows, "u%d,i%d,1,%d\n", (int)(bits % 90), (int)((bits >> 8) % 60),
                        (int)((bits >> 16) % 40));
            part[n] = (uint8_t)((bits >> 40) % 3 == 0 ? PART_TRAIN : (bits >> 32) % PART_COUNT);
        }
        medley_store *store = open_store(rows.bytes);
        assert_ok(leak_report_find(store, part, &l, err));
        count_plainly(&store->files.view, part, PART_VAL, PART_VAL_KNOWN, &val);
        count_plainly(&store->files.view, part, PART_TEST, PART_TEST_KNOWN, &test);
        assert_memory_equal(&l.val, &val, sizeof val);
        assert_memory_equal(&l.test, &test, sizeof test);
        assert_int_equal(l.repeated_pairs, count_repeated(&store->files.view, part));
        in_known += test.in_known;
        cold_items += test.cold_items;
        cold_users += val.cold_users;
        store_free(store);
        assert_ok(file_remove_tree(rt, path, err));
        text_release(&rows);
    }
    assert_true(in_known > 0 && cold_items > 0 && cold_users > 0);
}

static void test_only_what_is_there_is_told(void **state)
{
    (void)state;
    medley_report *report;
    leak_report l = {.timed = true};
    double value;
    l.part[PART_TEST].interactions = 1;
    assert_ok(report_create(rt, &report, err));
    leak_report_tell(&l, report);
    assert_int_equal(medley_report_rows(report, "parts"), 3);
    assert_true(medley_report_number(report, "leaks", 0, "test_before_own_training", &value));
    assert_false(medley_report_number(report, "leaks", 0, "test_before_own_known", &value));
    assert_false(medley_report_number(report, "leaks", 0, "val_before_own_training", &value));
    medley_report_free(report);
    l.part[PART_VAL].interactions = l.part[PART_VAL_KNOWN].interactions = 1;
    assert_ok(report_create(rt, &report, err));
    leak_report_tell(&l, report);
    assert_int_equal(medley_report_rows(report, "parts"), 4);
    assert_true(medley_report_number(report, "leaks", 0, "val_before_own_known", &value));
    assert_true(medley_report_number(report, "leaks", 0, "val_pairs_also_known", &value));
    assert_false(medley_report_number(report, "leaks", 0, "test_pairs_also_known", &value));
    medley_report_free(report);
}

static void test_every_allocation_can_fail(void **state)
{
    (void)state;
    static const uint8_t part[] = {PART_TRAIN, PART_TEST};
    leak_report l;
    medley_store *store = open_store("user,item,rating,time\nu,a,1,10\nu,b,1,20\n");
    BRUTAL(rt, &memory, leak_report_find(store, part, &l, err), (void)0);
    store_free(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_parts_and_leaks_by_hand, start, tear_down),
        cmocka_unit_test_setup_teardown(test_random_parts_equal_their_plain_twin, start, tear_down),
        cmocka_unit_test_setup_teardown(test_only_what_is_there_is_told, start, tear_down),
        cmocka_unit_test_setup_teardown(test_every_allocation_can_fail, start, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
