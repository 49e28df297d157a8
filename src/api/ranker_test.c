#include "testing.h"

#include <math.h>
#include <string.h>

#include "api/model_access.h"
#include "base/report.h"

static test_memory memory;
static medley_runtime *rt;
static char *folder;

static const char *const names[] = {"popularity", "itemknn", "ease"};
enum { MODELS = 3, USERS = 40, ITEMS = 30 };

#include "run_operation.h"

static int set_up(void **state)
{
    (void)state;
    rt = test_runtime(&memory, 2);
    folder = test_folder();
    RUN(medley_synth, NULL, "out", "/raw", "users", "40", "items", "30", "interactions_per_user", "9", "genres",
        "3");
    RUN(medley_prepare, NULL, "format", "movielens", "input", "/raw", "store", "/store");
    RUN(medley_split, NULL, "store", "/store", "name", "random", "strategy", "random");
    for (int m = 0; m < MODELS; m++) {
        const char path[] = {'/', names[m][0], '\0'};
        RUN(medley_train, NULL, "store", "/store", "split", "random", "model", names[m], "run", path);
    }
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    test_folder_end(folder);
    test_runtime_end(rt, &memory);
    return 0;
}

static medley_status open_model(int m, medley_model **out, medley_error *err)
{
    const char name[] = {names[m][0], '\0'};
    return medley_model_open(rt, test_path(folder, name), NULL, out, err);
}

/* A model and its ranker. */
typedef struct opened {
    medley_model *model;
    medley_ranker *ranker;
} opened;

static opened open_ranker(int m)
{
    opened o;
    assert_ok(open_model(m, &o.model, err));
    assert_ok(medley_ranker_create(o.model, &o.ranker, err));
    assert_string_equal(medley_model_name(o.model), names[m]);
    assert_int_equal(medley_store_users(medley_model_store(o.model)), USERS);
    return o;
}

static void close_ranker(opened o)
{
    medley_ranker_free(o.ranker);
    medley_model_free(o.model);
}

static void test_lists_of_known_users_are_those_of_recommend(void **state)
{
    (void)state;
    for (int m = 0; m < MODELS; m++) {
        const char path[] = {'/', names[m][0], '\0'};
        medley_report *r;
        int64_t users[USERS], items[USERS * ITEMS], row = 0;
        float scores[USERS * ITEMS];
        RUN(medley_recommend, &r, "run", path, "all", "true", "top_k", "30");
        opened o = open_ranker(m);
        const medley_store *store = medley_model_store(o.model);
        for (int64_t u = 0; u < USERS; u++)
            users[u] = USERS - 1 - u;
        assert_ok(medley_ranker_rank(o.ranker, users, USERS, ITEMS, items, scores, err));
        for (int64_t u = 0; u < USERS; u++) /* the report's order */
            for (int64_t i = 0; i < ITEMS; i++) {
                const int64_t at = (USERS - 1 - u) * ITEMS + i;
                double score;
                const int64_t candidates = ITEMS - csr_row_count(&o.model->known.view, u);
                if (i >= candidates) {
                    assert_int_equal(items[at], -1);
                    assert_true(scores[at] == 0);
                    continue;
                }
                assert_string_equal(medley_report_text(r, "recommendations", row, "user"),
                                    medley_store_user_id(store, u));
                assert_string_equal(medley_report_text(r, "recommendations", row, "item"),
                                    medley_store_item_id(store, items[at]));
                assert_true(medley_report_number(r, "recommendations", row, "score", &score) &&
                            (float)score == scores[at]);
                assert_true(i == 0 || scores[at] <= scores[at - 1]);
                row++;
            }
        assert_int_equal(row, medley_report_rows(r, "recommendations"));
        close_ranker(o);
        medley_report_free(r);
    }
}

static void test_what_a_user_has_is_not_listed_and_all_else_is(void **state)
{
    (void)state;
    opened o = open_ranker(2);
    for (int64_t u = 0; u < USERS; u++) {
        int64_t items[ITEMS], seen[ITEMS] = {0};
        assert_ok(medley_ranker_rank(o.ranker, &u, 1, ITEMS, items, NULL, err));
        for (int64_t i = 0; i < ITEMS && items[i] >= 0; i++)
            seen[items[i]]++;
        const csr *known = &o.model->known.view;
        for (int64_t at = known->start[u]; at < known->start[u + 1]; at++)
            seen[known->index[at]]++;
        for (int64_t i = 0; i < ITEMS; i++)
            assert_int_equal(seen[i], 1);
    }
    close_ranker(o);
}

/* The user's whole history, as known to the ranker. */
static int64_t history_of(const medley_model *model, int64_t user, int64_t *history)
{
    const csr *known = &model->known.view;
    for (int64_t i = 0; i < csr_row_count(known, user); i++)
        history[i] = known->index[known->start[user] + i];
    return csr_row_count(known, user);
}

static void test_a_history_is_ranked_as_the_user_who_has_it(void **state)
{
    (void)state;
    for (int m = 0; m < MODELS; m++) {
        opened o = open_ranker(m);
        for (int64_t u = 0; u < USERS; u++) {
            int64_t history[ITEMS], by_user[ITEMS], by_history[ITEMS];
            float user_scores[ITEMS], history_scores[ITEMS];
            const int64_t count = history_of(o.model, u, history);
            assert_ok(medley_ranker_rank(o.ranker, &u, 1, ITEMS, by_user, user_scores, err));
            assert_ok(medley_ranker_rank_history(o.ranker, &(medley_history){.items = history, .count = count},
                                                 ITEMS, by_history, history_scores, err));
            assert_memory_equal(user_scores, history_scores, sizeof user_scores);
            for (int64_t i = 0; i < ITEMS; i++) { /* the order of ties is the person's own */
                const bool tied = (i > 0 && user_scores[i - 1] == user_scores[i]) ||
                                  (i + 1 < ITEMS && user_scores[i + 1] == user_scores[i]);
                assert_true(tied || by_user[i] == by_history[i]);
            }
        }
        close_ranker(o);
    }
}

static void test_order_and_repeats_of_a_history_change_nothing(void **state)
{
    (void)state;
    static const int64_t plain[] = {3, 7, 12, 20}, shuffled[] = {20, 3, 12, 12, 7, 3, 20, 20};
    for (int m = 0; m < MODELS; m++) {
        opened o = open_ranker(m);
        int64_t a[10], b[10];
        float x[10], y[10];
        assert_ok(
            medley_ranker_rank_history(o.ranker, &(medley_history){.items = plain, .count = 4}, 10, a, x, err));
        assert_ok(
            medley_ranker_rank_history(o.ranker, &(medley_history){.items = shuffled, .count = 8}, 10, b, y, err));
        assert_memory_equal(a, b, sizeof a);
        assert_memory_equal(x, y, sizeof x);
        for (int i = 0; i < 10; i++)
            for (int j = 0; j < 4; j++)
                assert_int_not_equal(a[i], plain[j]);
        close_ranker(o);
    }
}

static void test_short_rows_are_padded(void **state)
{
    (void)state;
    opened o = open_ranker(1);
    int64_t all[ITEMS], items[ITEMS + 5];
    float scores[ITEMS + 5];
    for (int64_t i = 0; i < ITEMS; i++)
        all[i] = i;
    assert_ok(medley_ranker_rank_history(o.ranker, &(medley_history){.items = all, .count = ITEMS}, 3, items,
                                         scores, err));
    assert_true(items[0] == -1 && items[1] == -1 && items[2] == -1);
    assert_ok(medley_ranker_rank_history(o.ranker, &(medley_history){.items = all, .count = ITEMS - 2}, ITEMS + 5,
                                         items, NULL, err));
    assert_true(items[0] + items[1] == 2 * ITEMS - 3 && items[0] != items[1]);
    for (int i = 2; i < ITEMS + 5; i++)
        assert_int_equal(items[i], -1);
    assert_ok(medley_ranker_rank_history(o.ranker, &(medley_history){.count = 0}, ITEMS + 5, items, scores,
                                         err)); /* nothing known */
    int64_t sum = 0;
    for (int i = 0; i < ITEMS; i++)
        sum += items[i];
    assert_int_equal(sum, ITEMS * (ITEMS - 1) / 2);
    assert_int_equal(items[ITEMS], -1);
    items[0] = 77;
    assert_ok(medley_ranker_rank(o.ranker, NULL, 0, 5, items, scores, err)); /* nobody */
    assert_int_equal(items[0], 77);
    close_ranker(o);
}

static void test_arguments_out_of_range_are_refused(void **state)
{
    (void)state;
    opened o = open_ranker(2);
    int64_t items[4], users[] = {0, USERS}, history[] = {1, -1};
    assert_fails(medley_ranker_rank(o.ranker, users, 1, 0, items, NULL, err), MEDLEY_E_ARGUMENT,
                 "k: 0 is outside 1..");
    assert_fails(medley_ranker_rank(o.ranker, users, 1, -3, items, NULL, err), MEDLEY_E_ARGUMENT,
                 "k: -3 is outside 1..");
    assert_fails(medley_ranker_rank(o.ranker, users, 1, INT64_MAX, items, NULL, err), MEDLEY_E_ARGUMENT,
                 "k: 9223372036854775807");
    assert_fails(medley_ranker_rank(o.ranker, users, 2, 2, items, NULL, err), MEDLEY_E_ARGUMENT,
                 "users[1]: 40 is outside 0..39");
    users[0] = -1;
    assert_fails(medley_ranker_rank(o.ranker, users, 1, 2, items, NULL, err), MEDLEY_E_ARGUMENT,
                 "users[0]: -1 is outside 0..39");
    assert_fails(medley_ranker_rank(o.ranker, users, -1, 2, items, NULL, err), MEDLEY_E_ARGUMENT,
                 "user_count: -1 is below 0");
    assert_fails(
        medley_ranker_rank_history(o.ranker, &(medley_history){.items = history, .count = 1}, 0, items, NULL, err),
        MEDLEY_E_ARGUMENT, "k: 0 is outside 1..");
    assert_fails(
        medley_ranker_rank_history(o.ranker, &(medley_history){.items = history, .count = 2}, 2, items, NULL, err),
        MEDLEY_E_ARGUMENT, "history.items[1]: -1 is outside 0..29");
    history[1] = (int64_t)1 << 32; /* would be item 0 in 32 bits */
    assert_fails(
        medley_ranker_rank_history(o.ranker, &(medley_history){.items = history, .count = 2}, 2, items, NULL, err),
        MEDLEY_E_ARGUMENT, "history.items[1]: 4294967296 is outside 0..29");
    assert_fails(medley_ranker_rank_history(o.ranker, &(medley_history){.items = history, .count = -1}, 2, items,
                                            NULL, err),
                 MEDLEY_E_ARGUMENT, "history.count: -1 is below 0");
    history[1] = 2; /* the ranker is still usable */
    const float ratings[] = {3, NAN};
    const int64_t times[] = {7, 6};
    medley_history known = {.items = history, .ratings = ratings, .count = 2};
    assert_fails(medley_ranker_rank_history(o.ranker, &known, 2, items, NULL, err), MEDLEY_E_ARGUMENT,
                 "history.ratings[1]: nan is not finite");
    known.count = 1;
    assert_ok(medley_ranker_rank_history(o.ranker, &known, 2, items, NULL, err));
    known = (medley_history){.items = history, .timestamps = times, .count = 2};
    assert_fails(medley_ranker_rank_history(o.ranker, &known, 2, items, NULL, err), MEDLEY_E_ARGUMENT,
                 "history.timestamps[1]: 6 is before the one in front of it, 7");
    assert_ok(medley_ranker_rank_history(o.ranker, &(medley_history){.items = history, .count = 2}, 4, items, NULL,
                                         err));
    close_ranker(o);
}

static void test_a_model_of_user_vectors_cannot_rank_from_a_history(void **state)
{
    (void)state;
    opened o = open_ranker(0);
    medley_model factored = *o.model;
    medley_ranker *ranker;
    int64_t items[2], history[] = {1};
    factored.how.factors = 2;
    assert_ok(medley_ranker_create(&factored, &ranker, err));
    assert_fails(
        medley_ranker_rank_history(ranker, &(medley_history){.items = history, .count = 1}, 2, items, NULL, err),
        MEDLEY_E_ARGUMENT, "history: model popularity ranks only for users it was trained on");
    medley_ranker_free(ranker);
    medley_ranker_free(NULL);
    close_ranker(o);
}

static void test_lists_are_the_same_bits_for_any_number_of_threads(void **state)
{
    (void)state;
    for (int m = 0; m < MODELS; m++) {
        const char name[] = {names[m][0], '\0'};
        int64_t users[USERS], items[3][USERS * 10];
        float scores[3][USERS * 10];
        for (int64_t u = 0; u < USERS; u++)
            users[u] = u;
        for (int t = 0; t < 3; t++) {
            medley_runtime *other;
            medley_model *model;
            medley_ranker *ranker;
            const medley_runtime_options options = {.threads = 1 << t};
            assert_ok(medley_runtime_create(&options, &other, err));
            assert_ok(medley_model_open(other, test_path(folder, name), NULL, &model, err));
            assert_ok(medley_ranker_create(model, &ranker, err));
            assert_ok(medley_ranker_rank(ranker, users, USERS, 10, items[t], scores[t], err));
            medley_ranker_free(ranker);
            medley_model_free(model);
            medley_runtime_free(other);
            assert_memory_equal(items[t], items[0], sizeof items[0]);
            assert_memory_equal(scores[t], scores[0], sizeof scores[0]);
        }
    }
}

static medley_status open_and_rank(int m, medley_error *err)
{
    medley_model *model = NULL;
    medley_ranker *ranker = NULL;
    const int64_t users[] = {3, 1}, history[] = {5, 2};
    int64_t items[8];
    medley_status status;
    TRY_DONE(open_model(m, &model, err));
    TRY_DONE(medley_ranker_create(model, &ranker, err));
    TRY_DONE(medley_ranker_rank(ranker, users, 2, 4, items, NULL, err));
    status =
        medley_ranker_rank_history(ranker, &(medley_history){.items = history, .count = 2}, 4, items, NULL, err);
done:
    medley_ranker_free(ranker);
    medley_model_free(model);
    return status;
}

static void test_every_failing_allocation_is_reported_and_leaks_nothing(void **state)
{
    (void)state;
    for (int m = 0; m < MODELS; m++)
        BRUTAL(rt, &memory, open_and_rank(m, err), (void)0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lists_of_known_users_are_those_of_recommend),
        cmocka_unit_test(test_what_a_user_has_is_not_listed_and_all_else_is),
        cmocka_unit_test(test_a_history_is_ranked_as_the_user_who_has_it),
        cmocka_unit_test(test_order_and_repeats_of_a_history_change_nothing),
        cmocka_unit_test(test_short_rows_are_padded),
        cmocka_unit_test(test_arguments_out_of_range_are_refused),
        cmocka_unit_test(test_a_model_of_user_vectors_cannot_rank_from_a_history),
        cmocka_unit_test(test_lists_are_the_same_bits_for_any_number_of_threads),
        cmocka_unit_test(test_every_failing_allocation_is_reported_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
