#include <math.h>

#include "testing.h"

#include "base/base.h"
#include "data/filter.h"

#include "fixture.h"

enum { MOST = 400 };

/* A data set as a test writes it: rows in the order of a data set. */
typedef struct plain {
    int count;
    int user[MOST], item[MOST];
    float rating[MOST];
    int64_t time[MOST];
} plain;

static medley_status add_ids(idmap *map, char kind, int count, medley_error *err)
{
    char id[16];
    uint32_t index;
    idmap_init(map, rt);
    for (int n = 0; n < count; n++) {
        const int length = snprintf(id, sizeof id, "%c%d", kind, n);
        TRY(idmap_add(map, id, (size_t)length, &index, err));
    }
    return MEDLEY_OK;
}

/* `users` and `items` ids; every column. */
static medley_status create(const plain *rows, int users, int items, bool rated, dataset *d, medley_error *err)
{
    char title[16];
    *d = (dataset){.rt = rt, .count = rows->count, .texts.rt = rt};
    TRY(add_ids(&d->users, 'u', users, err));
    TRY(add_ids(&d->items, 'i', items, err));
    TRY(mem_alloc(rt, MOST, sizeof *d->user, &d->user, err));
    TRY(mem_alloc(rt, MOST, sizeof *d->item, &d->item, err));
    TRY(mem_alloc(rt, MOST, sizeof *d->timestamp, &d->timestamp, err));
    TRY(mem_alloc(rt, MOST, 1, &d->part, err));
    if (rated)
        TRY(mem_alloc(rt, MOST, sizeof *d->rating, &d->rating, err));
    TRY(mem_alloc_zero(rt, items, sizeof *d->facts, &d->facts, err));
    for (int i = 0; i < items; i++) {
        const int length = snprintf(title, sizeof title, "t%d", i);
        TRY(arena_text(&d->texts, title, (size_t)length, &d->facts[i].title, err));
    }
    for (int n = 0; n < rows->count; n++) {
        d->user[n] = (uint32_t)rows->user[n];
        d->item[n] = (uint32_t)rows->item[n];
        d->timestamp[n] = rows->time[n];
        d->part[n] = (uint8_t)(n % PART_COUNT);
        if (rated)
            d->rating[n] = rows->rating[n];
    }
    return MEDLEY_OK;
}

/* Seeded rows, users ascending, times are row numbers. */
static void make_random(plain *rows, int count, int users, int items, uint64_t seed)
{
    rows->count = count;
    for (int n = 0; n < count; n++) {
        rows->user[n] = n * users / count;
        rows->item[n] = (int)(random_bits(seed, 1, (uint64_t)n) % (uint64_t)items);
        rows->rating[n] = (float)(random_bits(seed, 2, (uint64_t)n) % 9) / 2;
        rows->time[n] = n;
    }
}

/* The rows that the oracle keeps, in order, are what is left; times tell rows apart. */
static void assert_kept(const dataset *d, const plain *rows, const bool *keep)
{
    int64_t to = 0;
    for (int n = 0; n < rows->count; n++) {
        if (!keep[n])
            continue;
        assert_true(to < d->count);
        assert_int_equal(d->timestamp[to], rows->time[n]);
        assert_int_equal(d->user[to], rows->user[n]);
        assert_int_equal(d->item[to], rows->item[n]);
        assert_int_equal(d->part[to], n % PART_COUNT);
        if (d->rating != NULL)
            assert_true(d->rating[to] == rows->rating[n]);
        to++;
    }
    assert_int_equal(d->count, to);
}

static int64_t kept(const bool *keep, int count)
{
    int64_t sum = 0;
    for (int n = 0; n < count; n++)
        sum += keep[n];
    return sum;
}

static void test_ratings_of_the_range_stay(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 20; seed++) {
        plain rows;
        bool keep[MOST];
        dataset d;
        int64_t removed;
        const double threshold = (double)(seed % 10) / 2, ceiling = seed % 2 ? INFINITY : threshold + 1.5;
        make_random(&rows, MOST, 30, 40, seed);
        for (int n = 0; n < rows.count; n++)
            keep[n] = (double)rows.rating[n] >= threshold && (double)rows.rating[n] <= ceiling;
        assert_ok(create(&rows, 30, 40, true, &d, err));
        assert_ok(filter_rating(&d, threshold, ceiling, &removed, err));
        assert_kept(&d, &rows, keep);
        assert_int_equal(removed, MOST - kept(keep, MOST));
        dataset_release(&d);
    }
}

static void test_times_of_the_range_stay(void **state)
{
    (void)state;
    plain rows;
    bool keep[MOST];
    dataset d;
    int64_t removed;
    make_random(&rows, MOST, 30, 40, 5);
    for (int n = 0; n < rows.count; n++)
        keep[n] = n >= 100 && n < 250; /* times are row numbers */
    assert_ok(create(&rows, 30, 40, true, &d, err));
    assert_ok(filter_time(&d, 100, 250, &removed, err));
    assert_kept(&d, &rows, keep);
    assert_int_equal(removed, MOST - 150);
    mem_free(d.timestamp);
    d.timestamp = NULL;
    assert_fails(filter_time(&d, 100, 250, &removed, err), MEDLEY_E_CONFIG, "the data set has no times");
    dataset_release(&d);
}

static void test_activity_is_counted_once(void **state)
{
    (void)state;
    static const activity_bounds cases[] = {
        {5, 0, 0, 0}, {0, 20, 0, 0}, {0, 0, 9, 11}, {3, 25, 8, 12}, {0, 0, 0, 0}};
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        const activity_bounds *b = &cases[c];
        plain rows;
        bool keep[MOST];
        int of_user[60] = {0}, of_item[40] = {0};
        dataset d;
        int64_t removed;
        make_random(&rows, MOST, 60, 40, c);
        for (int n = 0; n < rows.count; n++) { /* users of 1 to 40 rows and so on */
            rows.user[n] = (int)((int64_t)n * n * 60 / (MOST * MOST));
            of_user[rows.user[n]]++;
            of_item[rows.item[n]]++;
        }
        for (int n = 0; n < rows.count; n++)
            keep[n] = of_user[rows.user[n]] >= b->user_least && of_item[rows.item[n]] >= b->item_least &&
                      (b->user_most == 0 || of_user[rows.user[n]] <= b->user_most) &&
                      (b->item_most == 0 || of_item[rows.item[n]] <= b->item_most);
        assert_ok(create(&rows, 60, 40, true, &d, err));
        assert_ok(filter_activity(&d, b, &removed, err));
        assert_kept(&d, &rows, keep);
        assert_true((removed > 0) == (c < 4));
        dataset_release(&d);
    }
}

static int64_t distinct(const uint32_t *index, int64_t count, int64_t members)
{
    bool seen[MOST] = {false};
    int64_t sum = 0;
    assert_true(members <= MOST);
    for (int64_t i = 0; i < count; i++) {
        sum += !seen[index[i]];
        seen[index[i]] = true;
    }
    return sum;
}

/* Whole users, items or single rows; as many as asked for; the same for the same seed only. */
static void test_samples_have_the_size_that_is_asked_for(void **state)
{
    (void)state;
    static const struct {
        sample_kind kind;
        double amount;
        int64_t want;
    } cases[] = {{SAMPLE_USERS, 7, 7},
                 {SAMPLE_USERS, 0.1, 3},
                 {SAMPLE_USERS, 1000, 30},
                 {SAMPLE_ITEMS, 1, 1},
                 {SAMPLE_ITEMS, 0.5, 20},
                 {SAMPLE_INTERACTIONS, 100, 100},
                 {SAMPLE_INTERACTIONS, 0.25, 100},
                 {SAMPLE_USERS, 0.001, 1}};
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        plain rows;
        dataset d[3];
        int64_t removed;
        make_random(&rows, MOST, 30, 40, 8);
        for (int n = 0; n < 3; n++) {
            assert_ok(create(&rows, 30, 40, true, &d[n], err));
            assert_ok(filter_sample(&d[n], cases[c].kind, cases[c].amount, n == 2 ? 5 : 4, &removed, err));
            assert_int_equal(removed, MOST - d[n].count);
            assert_int_equal(cases[c].kind == SAMPLE_USERS   ? distinct(d[n].user, d[n].count, 30)
                             : cases[c].kind == SAMPLE_ITEMS ? distinct(d[n].item, d[n].count, 40)
                                                             : d[n].count,
                             cases[c].want);
        }
        bool keep[MOST];
        for (int n = 0; n < MOST; n++) {
            keep[n] = false;
            for (int64_t i = 0; i < d[0].count; i++)
                keep[n] |= cases[c].kind == SAMPLE_USERS   ? d[0].user[i] == (uint32_t)rows.user[n]
                           : cases[c].kind == SAMPLE_ITEMS ? d[0].item[i] == (uint32_t)rows.item[n]
                                                           : d[0].timestamp[i] == rows.time[n];
        }
        assert_kept(&d[0], &rows, keep);
        assert_kept(&d[1], &rows, keep);
        if (cases[c].want > 1 && cases[c].amount != 1000)
            assert_true(d[0].count != d[2].count ||
                        memcmp(d[0].timestamp, d[2].timestamp, (size_t)d[0].count * sizeof(int64_t)) != 0);
        for (int n = 0; n < 3; n++)
            dataset_release(&d[n]);
    }
}

static void test_items_without_a_modality_leave_the_catalogue(void **state)
{
    (void)state;
    static const struct {
        bool image, text;
        const char *left;
        int64_t rows;
    } cases[] = {{true, false, "i1 i3", 2}, {false, true, "i0 i1 i2 i4", 4}, {true, true, "i1", 1}};
    for (int c = 0; c < 3; c++) {
        plain rows = {.count = 5, .user = {0, 0, 1, 1, 2}, .item = {4, 1, 3, 0, 2}, .time = {0, 1, 2, 3, 4}};
        dataset d;
        int64_t removed;
        text shown = {.rt = rt};
        assert_ok(create(&rows, 3, 5, true, &d, err));
        d.facts[1].image = d.facts[3].image = "x.jpg";
        d.facts[2].title = "";
        d.facts[2].text = "a text is as good as a title";
        d.facts[3].title = NULL;
        assert_ok(filter_modality(&d, cases[c].image, cases[c].text, &removed, err));
        for (int64_t i = 0; i < d.items.count; i++) {
            char buffer[16];
            size_t length;
            const char *id = idmap_id(&d.items, (uint32_t)i, buffer, &length);
            text_format(&shown, "%s%.*s", i > 0 ? " " : "", (int)length, id);
        }
        assert_string_equal(shown.bytes, cases[c].left);
        assert_int_equal(d.count, cases[c].rows);
        assert_int_equal(removed, 5 - d.items.count);
        for (int64_t i = 0; i < d.count; i++) { /* a row's item is what it was: time is the row's number */
            char buffer[16];
            size_t length;
            const char *id = idmap_id(&d.items, d.item[i], buffer, &length);
            assert_int_equal(id[1] - '0', rows.item[d.timestamp[i]]);
        }
        text_release(&shown);
        dataset_release(&d);
    }
}

static void test_a_modality_that_no_item_has_is_refused(void **state)
{
    (void)state;
    plain rows = {.count = 1};
    dataset d;
    int64_t removed;
    assert_ok(create(&rows, 1, 1, true, &d, err));
    assert_fails(filter_modality(&d, true, false, &removed, err), MEDLEY_E_CONFIG,
                 "no item of the data set has an image; name an item table that says it");
    mem_free(d.facts);
    d.facts = NULL;
    assert_fails(filter_modality(&d, false, true, &removed, err), MEDLEY_E_CONFIG, "has a text");
    assert_int_equal(d.count, 1);
    dataset_release(&d);
}

static void test_filters_of_ratings_need_ratings(void **state)
{
    (void)state;
    plain rows = {.count = 1};
    dataset d;
    int64_t removed;
    assert_ok(create(&rows, 1, 1, false, &d, err));
    assert_fails(filter_rating(&d, 3.5, 5, &removed, err), MEDLEY_E_CONFIG,
                 "ratings of 3.5..5 cannot be kept: the data set has no ratings");
    assert_fails(filter_duplicates(&d, DUPLICATES_MAX, &removed, err), MEDLEY_E_CONFIG,
                 "duplicates: 'max' needs ratings");
    assert_int_equal(d.count, 1);
    dataset_release(&d);
}

/* Whether row n is the one that its user and item keep. */
static bool is_kept(const plain *rows, int n, duplicate_rule rule)
{
    for (int m = 0; m < rows->count; m++) {
        if (m == n || rows->user[m] != rows->user[n] || rows->item[m] != rows->item[n])
            continue;
        if (rule == DUPLICATES_FIRST && m < n)
            return false;
        if (rule == DUPLICATES_LAST && m > n)
            return false;
        if (rule == DUPLICATES_MAX &&
            (rows->rating[m] > rows->rating[n] || (rows->rating[m] == rows->rating[n] && m < n)))
            return false;
    }
    return true;
}

static void test_duplicates_are_kept_by_their_rule(void **state)
{
    (void)state;
    static const duplicate_rule rules[] = {DUPLICATES_ALL, DUPLICATES_LAST, DUPLICATES_FIRST, DUPLICATES_MAX};
    for (uint64_t seed = 0; seed < 20; seed++)
        for (int r = 0; r < 4; r++) {
            plain rows;
            bool keep[MOST], first[MOST];
            dataset d;
            int64_t repeated;
            make_random(&rows, MOST, 20, 15, seed);
            for (int n = 0; n < rows.count; n++) {
                keep[n] = rules[r] == DUPLICATES_ALL || is_kept(&rows, n, rules[r]);
                first[n] = is_kept(&rows, n, DUPLICATES_FIRST);
            }
            assert_ok(create(&rows, 20, 15, true, &d, err));
            assert_ok(filter_duplicates(&d, rules[r], &repeated, err));
            assert_kept(&d, &rows, keep);
            assert_int_equal(repeated, MOST - kept(first, MOST));
            assert_true(repeated > 0);
            dataset_release(&d);
        }
}

/* Removes one user or item at a time, in no clever order, until nobody has too few. */
static void naive_core(const plain *rows, int min_user, int min_item, bool *keep)
{
    for (int n = 0; n < rows->count; n++)
        keep[n] = true;
    for (bool changed = true; changed;) {
        changed = false;
        for (int n = 0; n < rows->count && !changed; n++) {
            int of_user = 0, of_item = 0;
            for (int m = 0; m < rows->count; m++) {
                of_user += keep[m] && rows->user[m] == rows->user[n];
                of_item += keep[m] && rows->item[m] == rows->item[n];
            }
            const bool user_goes = of_user < min_user, item_goes = of_item < min_item;
            if (!keep[n] || (!user_goes && !item_goes))
                continue;
            changed = true;
            for (int m = 0; m < rows->count; m++)
                if ((user_goes && rows->user[m] == rows->user[n]) ||
                    (!user_goes && rows->item[m] == rows->item[n]))
                    keep[m] = false;
        }
    }
}

static void test_the_core_is_the_greatest_that_is_stable(void **state)
{
    (void)state;
    int longest = 0;
    for (uint64_t seed = 0; seed < 12; seed++) {
        plain rows;
        bool keep[MOST];
        dataset d;
        int64_t removed, rounds;
        const int min_user = 2 + (int)seed % 5, min_item = 2 + (int)seed % 3;
        make_random(&rows, MOST, 90, 140, seed);
        naive_core(&rows, min_user, min_item, keep);
        assert_ok(create(&rows, 90, 140, true, &d, err));
        assert_ok(filter_k_core(&d, min_user, min_item, &removed, &rounds, err));
        assert_kept(&d, &rows, keep);
        assert_int_equal(removed, MOST - kept(keep, MOST));
        longest = rounds > longest ? (int)rounds : longest;
        assert_ok(filter_k_core(&d, min_user, min_item, &removed, &rounds, err));
        assert_int_equal(removed, 0);
        assert_int_equal(rounds, 0);
        dataset_release(&d);
    }
    assert_true(longest > 2); /* one pass would not have done */
}

/* A chain: user n has items n and n + 1. Its end has one user, so all fall, one from each end a round. */
static void test_a_chain_falls_link_by_link(void **state)
{
    (void)state;
    enum { LINKS = 10 };
    plain rows = {.count = 2 * LINKS};
    dataset d;
    int64_t removed, rounds;
    for (int n = 0; n < 2 * LINKS; n++) {
        rows.user[n] = n / 2;
        rows.item[n] = (n + 1) / 2;
        rows.time[n] = n;
    }
    assert_ok(create(&rows, LINKS, LINKS + 1, true, &d, err));
    assert_ok(filter_k_core(&d, 1, 0, &removed, &rounds, err));
    assert_int_equal(removed, 0);
    assert_ok(filter_k_core(&d, 2, 2, &removed, &rounds, err));
    assert_int_equal(d.count, 0);
    assert_int_equal(removed, 2 * LINKS);
    assert_int_equal(rounds, LINKS);
    dataset_release(&d);
}

static void test_reindexing_keeps_order_ids_and_facts(void **state)
{
    (void)state;
    for (int drop = 0; drop < 2; drop++) {
        plain rows = {.count = 4, .user = {1, 1, 3, 4}, .item = {5, 0, 3, 5}, .time = {0, 1, 2, 3}};
        static const char *const users[] = {"u1", "u3", "u4"}, *const items[] = {"i0", "i3", "i5"};
        static const uint32_t user[] = {0, 0, 1, 2}, item[] = {2, 0, 1, 2}, all[] = {5, 0, 3, 5};
        char buffer[16];
        size_t length;
        dataset d;
        int64_t users_removed, items_removed;
        assert_ok(create(&rows, 6, 7, true, &d, err));
        assert_ok(filter_reindex(&d, drop != 0, &users_removed, &items_removed, err));
        assert_int_equal(users_removed, 3);
        assert_int_equal(items_removed, drop ? 4 : 0);
        assert_memory_equal(d.user, user, sizeof user);
        assert_memory_equal(d.item, drop ? item : all, sizeof item);
        assert_int_equal(d.users.count, 3);
        assert_int_equal(d.items.count, drop ? 3 : 7);
        for (uint32_t u = 0; u < 3; u++)
            assert_memory_equal(idmap_id(&d.users, u, buffer, &length), users[u], 2);
        for (uint32_t i = 0; drop && i < 3; i++) {
            assert_memory_equal(idmap_id(&d.items, i, buffer, &length), items[i], 2);
            assert_string_equal(d.facts[i].title + 1, items[i] + 1);
        }
        dataset_release(&d);
    }
}

static void test_filters_take_an_empty_data_set(void **state)
{
    (void)state;
    plain rows = {.count = 0};
    dataset d;
    int64_t a, b;
    assert_ok(create(&rows, 2, 2, true, &d, err));
    assert_ok(filter_rating(&d, 1, 4, &a, err));
    assert_ok(filter_duplicates(&d, DUPLICATES_LAST, &a, err));
    assert_ok(filter_k_core(&d, 5, 5, &a, &b, err));
    assert_ok(filter_reindex(&d, true, &a, &b, err));
    assert_int_equal(d.users.count, 0);
    assert_int_equal(d.items.count, 0);
    dataset_release(&d);
}

static medley_status filter_all(const plain *rows, medley_error *err)
{
    dataset d;
    int64_t a, b;
    medley_status status;
    TRY_DONE(create(rows, 20, 15, true, &d, err));
    const activity_bounds bounds = {2, 100, 2, 100};
    TRY_DONE(filter_rating(&d, 1, 4, &a, err));
    TRY_DONE(filter_time(&d, 1, 1000, &a, err));
    d.facts[2].title = NULL;
    TRY_DONE(filter_modality(&d, false, true, &a, err));
    TRY_DONE(filter_sample(&d, SAMPLE_USERS, 0.9, 1, &a, err));
    TRY_DONE(filter_activity(&d, &bounds, &a, err));
    TRY_DONE(filter_count(&d, &a, &b, err));
    TRY_DONE(filter_duplicates(&d, DUPLICATES_LAST, &a, err));
    TRY_DONE(filter_k_core(&d, 4, 4, &a, &b, err));
    status = filter_reindex(&d, true, &a, &b, err);
done:
    dataset_release(&d);
    return status;
}

static void test_every_allocation_can_fail(void **state)
{
    (void)state;
    plain rows;
    make_random(&rows, 100, 20, 15, 9);
    BRUTAL(rt, &memory, filter_all(&rows, err), (void)0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_ratings_of_the_range_stay, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_times_of_the_range_stay, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_activity_is_counted_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_samples_have_the_size_that_is_asked_for, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_items_without_a_modality_leave_the_catalogue, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_modality_that_no_item_has_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_filters_of_ratings_need_ratings, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_duplicates_are_kept_by_their_rule, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_core_is_the_greatest_that_is_stable, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_chain_falls_link_by_link, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_reindexing_keeps_order_ids_and_facts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_filters_take_an_empty_data_set, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_every_allocation_can_fail, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
