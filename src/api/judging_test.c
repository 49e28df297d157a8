/* Evaluation in memory: tasks by hand, metrics that are possible, validation without a test part. */
#include "api/judging.h"

#include <math.h>

#include <medley/medley.h>

#include "fixture.h"
#include "run_operation.h"

/* Items 4 and 6 are unseen in training, user d has one training interaction. */
static const char rows[] = "user,item,rating,timestamp,part\n"
                           "a,1,5,1,train\na,2,3,2,train\na,3,4,3,val\na,4,5,4,test\na,6,2,5,test\n"
                           "b,2,4,1,train\nb,3,2,2,train\nb,1,1,3,test\n"
                           "c,1,3,1,train\nc,3,5,2,train\nc,5,4,3,train\nc,2,5,4,val\nc,6,4,5,test\n"
                           "d,1,4,1,train\nd,2,2,2,val\nd,5,5,3,test\n";
static const char items[] = "id,title,genres\n1,One,A\n2,Two,A|B\n3,Three,C\n4,Four,B\n5,Five,C\n6,Six,\n";

/* Everybody's favourites are items 1, 2, 3, ... in the order of their ids. */
enum { USERS = 4, ITEMS = 6 };
static float ones[USERS] = {1, 1, 1, 1}, scores[ITEMS];
static scoring how = {.form = SCORING_FACTORED, .items = ITEMS, .factors = 1, .user = ones, .item = scores};
static const model_state empty;
static const model_class ranks = {.name = "made"}, rates = {.name = "made", .predicts_ratings = true};

static medley_store *store;
static judging_parts parts;

static int make_store(void **state)
{
    set_up(state);
    medley_report *report;
    assert_ok(file_make_folder(rt, test_path(folder, "raw"), err));
    test_write_text(test_path(folder, "raw/rows.csv"), rows);
    test_write_text(test_path(folder, "raw/items.csv"), items);
    RUN(medley_prepare, &report, "format", "delimited", "input", "/raw", "file", "rows.csv", "part", "part",
        "items_file", "items.csv", "item_title", "title", "item_genres", "genres", "store", "/store");
    medley_report_free(report);
    RUN(medley_split, &report, "store", "/store", "name", "main", "strategy", "fixed");
    medley_report_free(report);
    assert_ok(store_open(rt, test_path(folder, "store"), true, &store, err));
    assert_ok(judging_open(store, "main", &parts, err));
    assert_int_equal(store->items, ITEMS);
    for (int64_t i = 0; i < ITEMS; i++)
        scores[i] = (float)(ITEMS - (store->item_ids[i][0] - '1'));
    return 0;
}

static int end_store(void **state)
{
    judging_release(&parts);
    store_free(store);
    return tear_down(state);
}

static medley_status judge_with(const judging_data *data, const judging_protocol *protocol,
                                const model_class *class, judging **j, evaluation *e, medley_error *err)
{
    const judging_model model = {class, NULL, &empty, &how};
    *e = (evaluation){0};
    TRY(judging_begin(store, data, protocol, j, err));
    const medley_status status = judging_run(rt, *j, &model, e, err);
    if (status != MEDLEY_OK) {
        judging_end(*j);
        *j = NULL;
    }
    return status;
}

static double value_of(const judging_protocol *protocol, part_name part, const char *column)
{
    const judging_data data = judging_of_parts(&parts, part);
    judging *j;
    evaluation e;
    double value = NAN;
    assert_ok(judge_with(&data, protocol,
                         protocol->clip || strcmp(protocol->task, "rating") == 0 ? &rates : &ranks, &j, &e, err));
    assert_true(judging_value(j, &e, column, &value));
    evaluation_release(&e);
    judging_end(j);
    return value;
}

static judging_protocol ask(const char *task, const char *cutoffs, const char *metrics)
{
    judging_protocol p = judging_defaults;
    p.task = task;
    p.cutoffs = cutoffs;
    p.metrics = metrics;
    return p;
}

static void assert_near(double got, double want)
{
    if (!(fabs(got - want) <= 1e-12))
        fail_msg("%.17g, expected %.17g", got, want);
}

/* a: 4 of 4, 5, 6; b: 1; c: 4, not 6; d: 3, not 5 */
static void test_retrieval_masks_what_is_known(void **state)
{
    (void)state;
    judging_protocol p = ask("retrieval", "1,3", "recall");
    assert_near(value_of(&p, PART_TEST, "recall@1"), (0.5 + 1 + 0 + 0) / 4);
    p.relevant_from = 4; /* b's rating is 1, a's of item 6 is 2 */
    assert_near(value_of(&p, PART_TEST, "recall@1"), (1.0 + 0 + 0) / 3);
    p.mask = MASK_NONE;
    assert_near(value_of(&p, PART_TEST, "recall@1"), 0);
}

static void test_ranking_masks_nothing(void **state)
{
    (void)state;
    const judging_protocol p = ask("ranking", "1,4", "hr");
    assert_near(value_of(&p, PART_TEST, "hr@1"), 1.0 / 4); /* b's item 1 */
    assert_near(value_of(&p, PART_TEST, "hr@4"), 2.0 / 4); /* and a's item 4 */
}

static void test_cold_user_judges_users_with_little_training(void **state)
{
    (void)state;
    judging_protocol p = ask("cold_user", "3", "mrr");
    p.cold_threshold = 1;
    assert_near(value_of(&p, PART_TEST, "mrr@3"), 1.0 / 3); /* d: 3, 4, 5 */
    p.cold_threshold = 2;
    assert_near(value_of(&p, PART_TEST, "mrr@3"), (1 + 1 + 1.0 / 3) / 3); /* and a and b */
}

/* alone: 4, 6 for both a and c; mixed: 4, 5, 6 for a */
static void test_cold_item_judges_items_unseen_in_training(void **state)
{
    (void)state;
    judging_protocol p = ask("cold_item", "2", "recall,mrr");
    assert_near(value_of(&p, PART_TEST, "recall@2"), 1);
    assert_near(value_of(&p, PART_TEST, "mrr@2"), (1 + 0.5) / 2);
    p.cold_items = COLD_ITEMS_MIXED;
    assert_near(value_of(&p, PART_TEST, "recall@2"), (0.5 + 1) / 2);
}

/* Predictions 3, 1 (a), 6 (b), 1 (c), 2 (d) for 5, 2, 1, 4, 5; ratings of training are 2..5. */
static void test_rating_predicts_given_pairs(void **state)
{
    (void)state;
    judging_protocol p = ask("rating", "5", "all");
    assert_near(value_of(&p, PART_TEST, "mae"), (2 + 1 + 5 + 3 + 3) / 5.0);
    p.clip = true;
    assert_near(value_of(&p, PART_TEST, "mae"), (2 + 0 + 4 + 2 + 3) / 5.0);
    const judging_data data = judging_of_parts(&parts, PART_TEST);
    judging *j;
    evaluation e;
    assert_fails(judge_with(&data, &p, &ranks, &j, &e, err), MEDLEY_E_CONFIG,
                 "'rating' needs a model that predicts ratings, which 'made' does not");
}

static void test_sampled_candidates_are_said_to_be(void **state)
{
    (void)state;
    judging_protocol p = ask("next_item", "2,3", "hr");
    p.candidates = "uniform:2";
    assert_near(value_of(&p, PART_TEST, "hr@3"), 1); /* of three candidates */
    const judging_data data = judging_of_parts(&parts, PART_TEST);
    judging *j;
    evaluation e;
    medley_report *report;
    assert_ok(judge_with(&data, &p, &ranks, &j, &e, err));
    assert_string_equal(judging_name(j), "next_item-test-uniform2");
    assert_ok(report_create(rt, &report, err));
    assert_ok(judging_tell(j, "made", &e, report, err));
    assert_non_null(strstr(medley_report_text(report, "protocol", 0, "candidates"), "SAMPLED"));
    medley_report_free(report);
    evaluation_release(&e);
    judging_end(j);
}

/* The test part is not even there. */
static void test_validation_is_judged_without_a_test_part(void **state)
{
    (void)state;
    selection_parts own;
    judging *j;
    evaluation e;
    double value;
    const judging_protocol p = ask("retrieval", "1", "recall");
    const medley_store *s = store;
    char *test, *renamed;
    assert_ok(file_join(rt, s->path, "splits/main/test", &test, err));
    assert_ok(file_join(rt, s->path, "splits/main/away", &renamed, err));
    assert_ok(file_rename(rt, test, renamed, err));
    assert_ok(selection_open(s, "main", &own, err));
    const judging_data data = judging_of_selection(&own);
    assert_ok(judge_with(&data, &p, &ranks, &j, &e, err));
    assert_true(judging_value(j, &e, "recall@1", &value));
    assert_near(value, 1); /* a: 3, c and d: 2 */
    assert_string_equal(judging_name(j), "retrieval-val");
    evaluation_release(&e);
    judging_end(j);
    selection_release(&own);
    assert_ok(file_rename(rt, renamed, test, err));
    mem_free(test);
    mem_free(renamed);
}

static bool has_column(const judging *j, const char *metric)
{
    int64_t count;
    const metric_column *columns = judging_columns(j, &count);
    for (int64_t c = 0; c < count; c++)
        if (strcmp(columns[c].metric->name, metric) == 0)
            return true;
    return false;
}

static void test_all_metrics_are_those_that_are_possible(void **state)
{
    (void)state;
    static const struct {
        const char *task, *attribute, *metric;
        bool there;
    } cases[] = {
        {"retrieval", "", "ndcg_graded", true},
        {"retrieval", "", "auc", true},
        {"retrieval", "", "rmse", false},
        {"retrieval", "", "epc", false},
        {"beyond_accuracy", "", "epc", true},
        {"beyond_accuracy", "", "serendipity", true},
        {"beyond_accuracy", "", "s_recall", false},
        {"beyond_accuracy", "genres", "s_recall", true},
        {"beyond_accuracy", "genres", "ild", false},
        {"rating", "", "rmse", true},
        {"rating", "", "log_loss", false},
        {"rating", "", "ndcg", false},
    };
    const judging_data data = judging_of_parts(&parts, PART_TEST);
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        judging_protocol p = ask(cases[c].task, "2", "all");
        judging *j;
        p.attribute = cases[c].attribute;
        assert_ok(judging_begin(store, &data, &p, &j, err));
        if (has_column(j, cases[c].metric) != cases[c].there)
            fail_msg("%s in %s", cases[c].metric, cases[c].task);
        judging_end(j);
    }
}

static void test_what_is_not_possible_is_refused_in_a_line(void **state)
{
    (void)state;
    const judging_data data = judging_of_parts(&parts, PART_TEST);
    judging_protocol p[] = {
        ask("retrieval", "5", "rmse"),      ask("retrieval", "5", "ild"),  ask("retrieval", "5", "s_recall"),
        ask("rating", "5", "log_loss"),     ask("rating", "5", "ndcg"),    ask("retrieval", "5,5", "ndcg"),
        ask("retrieval", "0", "ndcg"),      ask("retrieval", "5", "ndgc"), ask("retreival", "5", "ndcg"),
        ask("retrieval", "5", "ndcg,ndcg"), ask("retrieval", "5", "ndcg"), ask("next_item", "5", "ndcg"),
        ask("retrieval", "5", "ndcg"),      ask("cold_user", "5", "ndcg"), ask("retrieval", "5", "auc"),
        ask("retrieval", "5", "recall"),    ask("rating", "5", "all"),
    };
    p[10].candidates = "uniform:9";
    p[11].candidates = "popular:0";
    p[12].clip = true;
    p[13].cold_threshold = 0;
    p[14].given = true;
    p[15].attribute = "actors";
    p[16].relevant_from = 2;
    static const struct {
        medley_status status;
        const char *want;
    } want[] = {
        {MEDLEY_E_CONFIG, "metrics: 'rmse' is not possible: only the task rating predicts ratings"},
        {MEDLEY_E_CONFIG, "metrics: 'ild' is not possible: a space is needed, such as space: text"},
        {MEDLEY_E_CONFIG, "metrics: 's_recall' is not possible: an attribute is needed"},
        {MEDLEY_E_CONFIG, "metrics: 'log_loss' is not possible: the store's ratings are not within 0..1"},
        {MEDLEY_E_CONFIG, "metrics: 'ndcg' is not possible: the task rating makes no lists"},
        {MEDLEY_E_CONFIG, "cutoffs: 5 does not ascend"},
        {MEDLEY_E_CONFIG, "cutoffs: '0' is no list length"},
        {MEDLEY_E_CONFIG, "did you mean 'ndcg'"},
        {MEDLEY_E_CONFIG, "did you mean 'retrieval'"},
        {MEDLEY_E_CONFIG, "metrics: 'ndcg' is named twice"},
        {MEDLEY_E_CONFIG, "candidates: 'uniform:9' is for the task next_item; 'retrieval' takes all"},
        {MEDLEY_E_CONFIG, "candidates: 'popular:0' is not accepted"},
        {MEDLEY_E_CONFIG, "clip: true is for the task rating, not 'retrieval'"},
        {MEDLEY_E_ARGUMENT, "none of 4 users has a target in part test for task cold_user"},
        {MEDLEY_E_CONFIG, "metrics: 'auc' is not possible: lists from elsewhere"},
        {MEDLEY_E_CONFIG, "attribute: no item has an attribute 'actors'"},
        {MEDLEY_E_CONFIG, "relevant_from: 2; the task 'rating' judges every rating"},
    };
    for (size_t c = 0; c < sizeof want / sizeof *want; c++) {
        judging *j;
        assert_fails(judging_begin(store, &data, &p[c], &j, err), want[c].status, want[c].want);
        assert_null(j);
    }
}

static void fingerprint_of(const judging_protocol *p, part_name part, char *out)
{
    const judging_data data = judging_of_parts(&parts, part);
    judging *j;
    assert_ok(judging_begin(store, &data, p, &j, err));
    snprintf(out, FINGERPRINT_SIZE, "%s", judging_fingerprint(j));
    judging_end(j);
}

static void test_what_is_judged_by_other_things_has_another_fingerprint(void **state)
{
    (void)state;
    char first[FINGERPRINT_SIZE], other[FINGERPRINT_SIZE];
    judging_protocol p = ask("retrieval", "5", "ndcg"), same = ask("beyond_accuracy", "10", "recall"), differs[4];
    fingerprint_of(&p, PART_TEST, first);
    fingerprint_of(&same, PART_TEST, other);
    assert_string_equal(first, other);
    fingerprint_of(&p, PART_VAL, other);
    assert_string_not_equal(first, other);
    for (int i = 0; i < 4; i++)
        differs[i] = ask(i < 2 ? "retrieval" : "next_item", "5", "ndcg");
    differs[0].mask = MASK_NONE;
    differs[1].relevant_from = 3;
    differs[3].candidates = "popular:2";
    for (int i = 0; i < 4; i++) {
        fingerprint_of(&differs[i], PART_TEST, other);
        assert_string_not_equal(first, other);
    }
}

static void test_lists_lose_what_is_no_candidate(void **state)
{
    (void)state;
    judging_protocol p = ask("retrieval", "1,2", "hr,mrr");
    const judging_data data = judging_of_parts(&parts, PART_TEST);
    const uint32_t one = (uint32_t)medley_store_item_index(store, "1"),
                   four = (uint32_t)medley_store_item_index(store, "4");
    const uint32_t item[] = {one, four};
    const float score[] = {2, 1};
    const int64_t start[] = {0, 2, 2, 2, 2}; /* user a knows 1 and looks for 4 */
    judging *j;
    evaluation e;
    int64_t removed;
    double value;
    p.given = true;
    assert_int_equal(medley_store_user_index(store, "a"), 0);
    assert_ok(judging_begin(store, &data, &p, &j, err));
    assert_ok(judging_lists(rt, j, &(given_lists){start, item, score, NULL}, &removed, &e, err));
    assert_int_equal(removed, 1);
    assert_true(judging_value(j, &e, "mrr@1", &value));
    assert_near(value, 1.0 / 4);
    evaluation_release(&e);
    judging_end(j);
}

static void test_columns_are_found_by_name(void **state)
{
    (void)state;
    const judging_protocol p = ask("beyond_accuracy", "2,4", "ndcg,arp,auc");
    const judging_data data = judging_of_parts(&parts, PART_TEST);
    judging *j;
    assert_ok(judging_begin(store, &data, &p, &j, err));
    assert_int_equal(judging_find(j, "ndcg@4"), 1);
    assert_int_equal(judging_find(j, "auc"), 4);
    assert_int_equal(judging_find(j, "auc@2"), -1);
    assert_int_equal(judging_find(j, "hr@2"), -1);
    assert_true(judging_more_is_better(j, 0));
    assert_false(judging_more_is_better(j, 2));
    judging_end(j);
}

static medley_status plan_all(const judging_protocol *p, medley_error *err)
{
    judging *plan;
    TRY(judging_plan(rt, p, &plan, err));
    judging_end(plan);
    return MEDLEY_OK;
}

static void test_a_plan_has_the_columns_and_needs_no_data(void **state)
{
    (void)state;
    const judging_data data = judging_of_parts(&parts, PART_TEST);
    for (int t = 0; task_classes[t].name != NULL; t++) {
        judging_protocol p = ask(task_classes[t].name, "2,4", "all");
        judging *j, *plan;
        p.attribute = "genres";
        assert_ok(judging_plan(rt, &p, &plan, err));
        if (judging_begin(store, &data, &p, &j, NULL) != MEDLEY_OK) { /* nobody is asked for here */
            judging_end(plan);
            continue;
        }
        int64_t count;
        const metric_column *columns = judging_columns(j, &count);
        for (int64_t c = 0; c < count; c++) {
            char name[96];
            metric_column_name(&columns[c], name, sizeof name);
            if (judging_find(plan, name) < 0)
                fail_msg("%s: %s is not planned", p.task, name);
        }
        judging_end(j);
        judging_end(plan);
    }
    judging_protocol p = ask("retrieval", "10,5", "ndcg");
    assert_fails(plan_all(&p, err), MEDLEY_E_CONFIG, "cutoffs: 5 does not ascend");
    p = ask("retrieval", "5", "rmse");
    assert_fails(plan_all(&p, err), MEDLEY_E_CONFIG, "'rmse' is not possible: only the task rating");
    p = ask("retrieval", "5", "ild");
    assert_fails(plan_all(&p, err), MEDLEY_E_CONFIG, "'ild' is not possible: a space is needed");
    p = ask("rating", "5", "log_loss,rsme");
    assert_fails(plan_all(&p, err), MEDLEY_E_CONFIG, "did you mean 'rmse'");
    p = ask("retrieval", "5,10", "all");
    BRUTAL(rt, &memory, plan_all(&p, err), (void)0);
}

static medley_status judge_all(const judging_data *data, medley_error *err)
{
    judging_protocol p = ask("beyond_accuracy", "2", "all");
    judging *j;
    evaluation e;
    medley_report *report = NULL;
    p.attribute = "genres";
    p.intervals = 10;
    TRY(judge_with(data, &p, &ranks, &j, &e, err));
    medley_status status = report_create(rt, &report, err);
    if (status == MEDLEY_OK)
        status = judging_tell(j, "made", &e, report, err);
    if (status == MEDLEY_OK)
        status = report_status(report, err);
    medley_report_free(report);
    evaluation_release(&e);
    judging_end(j);
    return status;
}

static void test_every_failing_allocation_is_reported(void **state)
{
    (void)state;
    const judging_data data = judging_of_parts(&parts, PART_TEST);
    BRUTAL(rt, &memory, judge_all(&data, err), (void)0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_retrieval_masks_what_is_known),
        cmocka_unit_test(test_ranking_masks_nothing),
        cmocka_unit_test(test_cold_user_judges_users_with_little_training),
        cmocka_unit_test(test_cold_item_judges_items_unseen_in_training),
        cmocka_unit_test(test_rating_predicts_given_pairs),
        cmocka_unit_test(test_sampled_candidates_are_said_to_be),
        cmocka_unit_test(test_validation_is_judged_without_a_test_part),
        cmocka_unit_test(test_all_metrics_are_those_that_are_possible),
        cmocka_unit_test(test_what_is_not_possible_is_refused_in_a_line),
        cmocka_unit_test(test_what_is_judged_by_other_things_has_another_fingerprint),
        cmocka_unit_test(test_lists_lose_what_is_no_candidate),
        cmocka_unit_test(test_columns_are_found_by_name),
        cmocka_unit_test(test_a_plan_has_the_columns_and_needs_no_data),
        cmocka_unit_test(test_every_failing_allocation_is_reported),
    };
    return cmocka_run_group_tests(tests, make_store, end_store);
}
