/* Lists from elsewhere, and predicted ratings. */
#include <math.h>

#include "eval/evaluation.h"
#include "testing.h"

enum { USERS = 3, ITEMS = 6 };

static const metric_class *metric_named(const char *name)
{
    for (int i = 0; metric_classes[i] != NULL; i++)
        if (strcmp(metric_classes[i]->name, name) == 0)
            return metric_classes[i];
    fail_msg("no metric %s", name);
    return NULL;
}

/* User 0 looks for 1 and 4, user 1 for 2; user 2 for nothing. */
static const int64_t target_start[] = {0, 2, 3, 3}, none[USERS + 1];
static const uint32_t target_index[] = {1, 4, 2};
static const float rating[] = {5, 3, 4};
static const csr targets = {USERS, ITEMS, target_start, target_index, rating},
                 nothing = {USERS, ITEMS, none, NULL, NULL};
static const int64_t item_count[ITEMS] = {3, 2, 2, 1, 0, 0};

static evaluation_request ask(const metric_column *columns, int64_t count)
{
    return (evaluation_request){
        .targets = &targets,
        .columns = columns,
        .column_count = count,
        .context = {.items = ITEMS,
                    .training_users = USERS,
                    .training_pairs = 8,
                    .item_count = item_count,
                    .least_count = 1,
                    .train = &nothing,
                    .known = &nothing,
                    .rating_low = 1,
                    .rating_high = 5},
    };
}

static double of(const evaluation *e, int64_t user, int64_t column)
{
    return e->per_user[user * e->columns + column];
}

static void test_lists_are_judged_in_the_order_given(void **state)
{
    (void)state;
    const metric_column columns[] = {
        {metric_named("mrr"), 2}, {metric_named("recall"), 4}, {metric_named("item_coverage"), 2}};
    const int64_t start[] = {0, 3, 5, 6};
    const uint32_t item[] = {0, 4, 1, 2, 3, 5};
    const float score[] = {3, 2, 1, 9, 8, 1};
    const evaluation_request request = ask(columns, 3);
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 2);
    evaluation e;
    assert_ok(evaluation_of_lists(rt, &request, &(given_lists){start, item, score, NULL}, &e, err));
    assert_int_equal(e.users, 2);
    assert_true(of(&e, 0, 0) == 0.5 && of(&e, 0, 1) == 1);
    assert_true(of(&e, 1, 0) == 1 && of(&e, 1, 1) == 1);
    assert_true(fabs(e.value[2] - 4.0 / ITEMS) <= 1e-15); /* 0, 4, 2 and 3; the third user is not judged */
    assert_int_equal(e.lists[0], 0);
    assert_true(e.scores[4] == 9);
    assert_int_equal(e.lists[4 + 2], UINT32_MAX);
    assert_int_equal(e.short_lists, 2);
    evaluation_release(&e);
    test_runtime_end(rt, &memory);
}

/* 4 and 1 of user 0 share the second and third place: one of the two is listed at 2. */
static void test_equal_entries_share_their_places(void **state)
{
    (void)state;
    const metric_column columns[] = {{metric_named("recall"), 2}, {metric_named("mrr"), 3}};
    const int64_t start[] = {0, 4, 4, 4}, tie[] = {1, 2, 2, 3};
    const uint32_t item[] = {0, 4, 5, 1};
    const float score[] = {3, 2, 2, 1};
    const evaluation_request request = ask(columns, 2);
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 1);
    evaluation e;
    assert_ok(evaluation_of_lists(rt, &request, &(given_lists){start, item, score, tie}, &e, err));
    assert_true(of(&e, 0, 0) == 0.25); /* 1/2 of one of two */
    assert_true(fabs(of(&e, 0, 1) - (1.0 / 2 + 1.0 / 3) / 2) <= 1e-15);
    assert_true(of(&e, 1, 0) == 0); /* no list */
    evaluation_release(&e);
    test_runtime_end(rt, &memory);
}

static void test_a_target_that_is_no_candidate_is_counted(void **state)
{
    (void)state;
    const metric_column columns[] = {{metric_named("hr"), 2}};
    const int64_t start[] = {0, 0, 0, 0}, excluded_start[] = {0, 1, 1, 1};
    const uint32_t excluded_index[] = {4};
    const csr excluded = {USERS, ITEMS, excluded_start, excluded_index, NULL};
    const uint8_t allowed[ITEMS] = {1, 1, 0, 1, 1, 1};
    evaluation_request request = ask(columns, 1);
    request.excluded = &excluded;
    request.allowed = allowed;
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 1);
    evaluation e;
    assert_ok(evaluation_of_lists(rt, &request, &(given_lists){start, NULL, NULL, NULL}, &e, err));
    assert_int_equal(e.masked_targets, 2); /* 4 of user 0, 2 of user 1 */
    assert_false(evaluation_is_candidate(&request, 0, 4));
    assert_true(evaluation_is_candidate(&request, 1, 4));
    assert_false(evaluation_is_candidate(&request, 0, 2));
    evaluation_release(&e);
    test_runtime_end(rt, &memory);
}

static const float user_vectors[USERS] = {1, 2, 3}, item_vectors[ITEMS] = {1, 2, 3, 4, -1, 0};
static const scoring predicting = {
    .form = SCORING_FACTORED, .items = ITEMS, .factors = 1, .user = user_vectors, .item = item_vectors};

/* Predictions 2 for 5, -1 for 3 and 6 for 4. */
static void test_predicted_ratings_are_judged_pair_by_pair(void **state)
{
    (void)state;
    const metric_column columns[] = {{metric_named("rmse"), 0}, {metric_named("mae"), 0}};
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 1);
    evaluation e;
    evaluation_request request = ask(columns, 2);
    request.how = &predicting;
    assert_ok(evaluation_of_pairs(rt, &request, &e, err));
    assert_true(fabs(e.value[0] - sqrt((9 + 16 + 4) / 3.0)) <= 1e-15);
    assert_true(fabs(e.value[1] - (3 + 4 + 2) / 3.0) <= 1e-15);
    assert_true(fabs(of(&e, 1, 1) - 2) <= 1e-15);
    evaluation_release(&e);
    request.clip = true; /* -1 becomes 1, 6 becomes 5 */
    assert_ok(evaluation_of_pairs(rt, &request, &e, err));
    assert_true(fabs(e.value[1] - (3 + 2 + 1) / 3.0) <= 1e-15);
    evaluation_release(&e);
    test_runtime_end(rt, &memory);
}

static medley_status encode_double(const void *context, const uint32_t *users, int64_t count, left_sides *out,
                                   medley_error *err)
{
    *out = (left_sides){.rows = count};
    TRY(mem_alloc(context, count, sizeof *out->vectors, &out->vectors, err));
    for (int64_t n = 0; n < count; n++)
        out->vectors[n] = 2 * user_vectors[users[n]];
    return MEDLEY_OK;
}

/* Predictions 4 for 5, -2 for 3 and 12 for 4, whatever the block. */
static void test_predictions_come_from_the_left_sides_of_a_block(void **state)
{
    (void)state;
    const metric_column columns[] = {{metric_named("mae"), 0}};
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 1);
    scoring how = predicting;
    how.user = NULL;
    for (int64_t block = 0; block < 4; block++) {
        evaluation e;
        evaluation_request request = ask(columns, 1);
        request.how = &how;
        request.encode = encode_double;
        request.encode_context = rt;
        request.block = block;
        assert_ok(evaluation_of_pairs(rt, &request, &e, err));
        assert_true(fabs(e.value[0] - (1 + 5 + 8) / 3.0) <= 1e-15);
        evaluation_release(&e);
        BRUTAL(rt, &memory, evaluation_of_pairs(rt, &request, &e, err), evaluation_release(&e));
    }
    how.item = (const float[ITEMS]){1, 2, INFINITY, 4, -1, 0};
    evaluation e;
    evaluation_request request = ask(columns, 1);
    request.how = &how;
    request.encode = encode_double;
    request.encode_context = rt;
    request.block = 1;
    assert_fails(evaluation_of_pairs(rt, &request, &e, err), MEDLEY_E_FORMAT,
                 "user 1, item 2: the model's score inf is not a finite number");
    test_runtime_end(rt, &memory);
}

/* Without cutoffs there are no lists. */
static void test_ranks_alone_need_no_list(void **state)
{
    (void)state;
    const metric_column columns[] = {{metric_named("auc"), 0}};
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 1);
    evaluation e;
    evaluation_request request = ask(columns, 1);
    request.how = &predicting;
    assert_ok(evaluation_run(rt, &request, &e, err));
    assert_int_equal(e.longest, 0);
    assert_true(of(&e, 0, 0) == 2.0 / 8); /* 1 is above 0 and 5, 4 above none of the four others */
    evaluation_release(&e);
    test_runtime_end(rt, &memory);
}

static void test_every_failing_allocation_is_reported(void **state)
{
    (void)state;
    const metric_column columns[] = {
        {metric_named("ndcg_graded"), 2}, {metric_named("hr_debiased"), 2}, {metric_named("gini"), 2}};
    const metric_column ratings[] = {{metric_named("rmse"), 0}};
    const int64_t start[] = {0, 1, 1, 1};
    const uint32_t item[] = {4};
    const float score[] = {1};
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 1);
    evaluation e;
    evaluation_request request = ask(columns, 3);
    request.intervals = (bootstrap_options){.resamples = 10, .level = 0.9};
    BRUTAL(rt, &memory, evaluation_of_lists(rt, &request, &(given_lists){start, item, score, NULL}, &e, err),
           evaluation_release(&e));
    request = ask(ratings, 1);
    request.how = &predicting;
    BRUTAL(rt, &memory, evaluation_of_pairs(rt, &request, &e, err), evaluation_release(&e));
    test_runtime_end(rt, &memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lists_are_judged_in_the_order_given),
        cmocka_unit_test(test_equal_entries_share_their_places),
        cmocka_unit_test(test_a_target_that_is_no_candidate_is_counted),
        cmocka_unit_test(test_predicted_ratings_are_judged_pair_by_pair),
        cmocka_unit_test(test_predictions_come_from_the_left_sides_of_a_block),
        cmocka_unit_test(test_ranks_alone_need_no_list),
        cmocka_unit_test(test_every_failing_allocation_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
